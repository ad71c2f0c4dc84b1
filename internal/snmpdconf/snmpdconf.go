// Package snmpdconf reads configuration files in the syntax of net-snmp's
// snmpd.conf(5): a directive a line, its name in any case of letters, arguments
// between blanks, quotes around what holds blanks. A line that begins with "#" is
// a comment.
//
// It knows the directives that this agent heeds, and the whole language of access.
// Everything else is an error: a setting that is silently ignored would be worse than
// none. What a file asks for beyond communities that read everything is in
// [Config.Needs], so that whoever cannot give it can refuse the line.
package snmpdconf

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// Config is what a file says. Nil pointers and empty lists stand for what it
// does not say.
type Config struct {
	AgentAddresses []Setting // agentaddress, each address by itself
	AgentXSocket   *Setting  // agentXSocket
	NetNSContexts  []Setting // netnsContexts, each pattern by itself, which snmpd has not
	// Communities are the communities in the order in which they count.
	Communities []Community
	Users       []User
	// EngineID is exactEngineID or engineID; "" where the file has neither.
	EngineID usm.EngineID
	// Access is who may see what, of the communities' security names and of users.
	Access vacm.Tables
	// Needs are what its lines ask for beyond communities that read everything.
	Needs []Needed

	SysLocation, SysContact, SysName, SysDescr *string
	SysObjectID                                *mib.OID
	SysServices                                *int32

	Sinks      []Sink     // trapsink, trap2sink, informsink and trapsess
	ClientAddr netip.Addr // clientaddr: the source of each Sink of its family without one
	// NotificationFilters are what notificationFilter says, in the order of the file.
	NotificationFilters []NotificationFilter
	// V1TrapAddress is v1trapaddress, an IPv4 address; the zero Addr where
	// there is none.
	V1TrapAddress           netip.Addr
	LinkUpDownNotifications *bool // linkUpDownNotifications
	AuthTrapEnable          *bool // authtrapenable
	InetAddressZones        *bool // inetAddressZones, which snmpd has not
	FIPS                    *bool // fips, which snmpd has not
	// MaxGetbulkRepeats and MaxGetbulkResponses are those directives, with 0
	// for no bound.
	MaxGetbulkRepeats, MaxGetbulkResponses int

	trapCommunity string            // of sinks that follow
	simples       int               // how many rocommunity, rouser and so on there were
	groups        map[string]string // of users, by name
	taken         map[string]bool   // names of groups
	names         *names
}

// Setting is an argument and where it stands, for errors that are found later.
type Setting struct {
	Value string
	Where string // "FILE:LINE: DIRECTIVE"
}

// maxFile is the longest file that is read, in bytes.
const maxFile = 1 << 20

// ReadFile parses the file path. Its error names every line that is wrong, as
// Parse's does, or matches fs.ErrNotExist, fs.ErrPermission or, where ctx was done
// first, that context's error. The file may be a pipe that somebody writes later.
func ReadFile(ctx context.Context, path string) (*Config, error) {
	type content struct {
		text []byte
		err  error
	}
	read := make(chan content, 1)
	go func() { // opening and reading may take as long as others like
		f, err := os.Open(path)
		if err != nil {
			read <- content{nil, err}
			return
		}
		defer f.Close()
		text, err := readAll(path, f)
		read <- content{text, err}
	}()
	select {
	case c := <-read:
		if c.err != nil {
			return nil, c.err
		}
		return parse(ctx, path, c.text)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Parse parses a file; name is what its errors call it. Every line is looked
// at: the error joins one for each that is wrong, "NAME:LINE: DIRECTIVE: ...".
// Hosts' names are looked up, all at the same time, for 5 s at most and until ctx
// is done.
func Parse(ctx context.Context, name string, r io.Reader) (*Config, error) {
	text, err := readAll(name, r)
	if err != nil {
		return nil, err
	}
	return parse(ctx, name, text)
}

func readAll(name string, r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: longer than %d bytes", name, maxFile)
	}
	return text, err
}

// parse goes through the lines twice where hosts are named: to learn which, and
// with their addresses.
func parse(ctx context.Context, name string, text []byte) (*Config, error) {
	known := &names{lookUp: net.DefaultResolver.LookupNetIP}
	c, err := parseLines(name, text, known)
	if len(known.all) == 0 {
		return c, err
	}
	known.lookup(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return parseLines(name, text, known)
}

func parseLines(name string, text []byte, known *names) (*Config, error) {
	c := &Config{trapCommunity: "public", names: known, groups: map[string]string{}, taken: map[string]bool{}}
	for _, first := range []uint32{0, 1, 2} { // as in net-snmp, before the file
		c.Access.Families = append(c.Access.Families, vacm.Family{View: all, Subtree: mib.MakeOID(first)},
			vacm.Family{View: "_none_", Subtree: mib.MakeOID(first), Excluded: true})
	}
	var problems []error
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile+1)
	for n := 1; lines.Scan(); n++ {
		where := fmt.Sprintf("%s:%d", name, n)
		directive, rest := cutDirective(lines.Text())
		if strings.EqualFold(directive, "[snmp]") { // of what all programs of net-snmp heed
			if of, value := cutDirective(rest); strings.EqualFold(of, "clientaddr") {
				directive, rest = of, value
			}
		}
		if directive == "" {
			continue
		}
		if strings.IndexByte(lines.Text(), 0) >= 0 {
			problems = append(problems, fmt.Errorf("%s: %w", where, errNUL))
			continue
		}
		parse, known := directives[strings.ToLower(directive)]
		if !known {
			problems = append(problems, fmt.Errorf("%s: unknown directive %q%s", where, directive, suggest(directive)))
			continue
		}
		if err := parse(c, where+": "+directive, rest); err != nil {
			problems = append(problems, fmt.Errorf("%s: %s: %w", where, directive, err))
		}
	}
	c.names = nil
	return c, errors.Join(append(problems, lines.Err())...)
}

var directives = map[string]func(c *Config, where, rest string) error{
	"agentaddress": func(c *Config, where, rest string) error {
		if rest == "" {
			return errors.New("needs an address")
		}
		for address := range strings.SplitSeq(unquote(rest), ",") {
			c.AgentAddresses = append(c.AgentAddresses, Setting{strings.TrimSpace(address), where})
		}
		return nil
	},
	"agentxsocket": func(c *Config, where, rest string) error {
		if rest == "" {
			return errors.New("needs an address")
		}
		c.AgentXSocket = &Setting{unquote(rest), where}
		return nil
	},
	"netnscontexts": func(c *Config, where, rest string) error {
		patterns, err := fields(rest)
		switch {
		case err != nil:
			return err
		case len(patterns) == 0:
			return errors.New("needs a pattern of names, such as *")
		}
		for _, p := range patterns {
			c.NetNSContexts = append(c.NetNSContexts, Setting{p, where})
		}
		return nil
	},
	"rocommunity":   simple{"community", []secured{overIPv4}}.gives(vacm.Read),
	"rocommunity6":  simple{"community", []secured{overIPv6}}.gives(vacm.Read),
	"rwcommunity":   simple{"community", []secured{overIPv4}}.gives(vacm.Read, vacm.Write),
	"rwcommunity6":  simple{"community", []secured{overIPv6}}.gives(vacm.Read, vacm.Write),
	"authcommunity": simple{"community", []secured{overIPv4, overIPv6}}.auth,
	"rouser":        simple{"user", nil}.gives(vacm.Read),
	"rwuser":        simple{"user", nil}.gives(vacm.Read, vacm.Write),
	"authuser":      simple{"user", nil}.auth,
	"authgroup":     simple{"group", nil}.auth,
	"authaccess":    authAccess,
	"com2sec":       com2sec(overIPv4),
	"com2sec6":      com2sec(overIPv6),
	"com2secunix":   com2sec(overLocal),
	"group":         group,
	"access":        access,
	"setaccess":     setAccess,
	"view":          view,
	"createuser":    createUser,
	"exactengineid": engineID(usm.ParseEngineID),
	"engineid":      engineID(usm.TextEngineID),
	"syslocation":   text(func(c *Config) **string { return &c.SysLocation }),
	"syscontact":    text(func(c *Config) **string { return &c.SysContact }),
	"sysname":       text(func(c *Config) **string { return &c.SysName }),
	"sysdescr":      text(func(c *Config) **string { return &c.SysDescr }),
	"sysobjectid": func(c *Config, _, rest string) error {
		o, err := mib.ParseOID(rest)
		if err != nil {
			return err
		}
		first, second, _ := o.CutSubidentifier()
		if sub, _, ok := second.CutSubidentifier(); !ok || first > 2 || first < 2 && sub >= 40 {
			return fmt.Errorf("%q is not the name of anything: it begins with 0, 1 or 2 and a number below 40", rest)
		}
		c.SysObjectID = &o
		return nil
	},
	"sysservices": func(c *Config, _, rest string) error {
		var n int32
		if _, err := fmt.Sscanf(rest, "%d\n", &n); err != nil || n < 0 || n > 127 {
			return fmt.Errorf("%q is not a number from 0 to 127", rest)
		}
		c.SysServices = &n
		return nil
	},
	"trapsink":   sink(protocol.V1, false),
	"trap2sink":  sink(protocol.V2c, false),
	"informsink": sink(protocol.V2c, true),
	"trapsess":   trapSess,

	"notificationfilter": notificationFilter,

	"clientaddr": clientAddr,
	"trapcommunity": func(c *Config, _, rest string) (err error) {
		c.trapCommunity, err = one(rest, "community")
		return err
	},
	"v1trapaddress": func(c *Config, _, rest string) error {
		host, err := one(rest, "host")
		if err != nil {
			return err
		}
		if c.V1TrapAddress, err = netip.ParseAddr(host); err == nil {
			if !c.V1TrapAddress.Is4() {
				return fmt.Errorf("%q is not an IPv4 address", host)
			}
			return nil
		}
		addrs, err := c.names.addresses(host, "ip4")
		if err != nil {
			return fmt.Errorf("%q is neither an IPv4 address nor a host that can be found: %w", host, err)
		}
		c.V1TrapAddress = addrs[0]
		return nil
	},
	"linkupdownnotifications": func(c *Config, _, rest string) error {
		return choice(rest, &c.LinkUpDownNotifications, "yes", "no")
	},
	"authtrapenable": func(c *Config, _, rest string) error {
		return choice(rest, &c.AuthTrapEnable, "1", "2")
	},
	"inetaddresszones": func(c *Config, _, rest string) error {
		return choice(rest, &c.InetAddressZones, "yes", "no")
	},
	"fips": func(c *Config, _, rest string) error {
		return choice(rest, &c.FIPS, "yes", "no")
	},
	"maxgetbulkrepeats":   bound(func(c *Config) *int { return &c.MaxGetbulkRepeats }),
	"maxgetbulkresponses": bound(func(c *Config) *int { return &c.MaxGetbulkResponses }),
}

// one parses the only argument of a directive.
func one(rest, what string) (string, error) {
	args, err := fields(rest)
	switch {
	case err != nil:
		return "", err
	case len(args) == 0 || args[0] == "":
		return "", fmt.Errorf("needs a %s", what)
	case len(args) > 1:
		return "", fmt.Errorf("%q follows the %s", strings.Join(args[1:], " "), what)
	}
	return args[0], nil
}

// choice parses one of two words.
func choice(rest string, into **bool, yes, no string) error {
	word, err := one(rest, "choice: "+yes+" or "+no)
	if err != nil {
		return err
	}
	is := strings.EqualFold(word, yes)
	if !is && !strings.EqualFold(word, no) {
		return fmt.Errorf("%q is neither %s nor %s", word, yes, no)
	}
	*into = &is
	return nil
}

// bound parses a number that bounds something; -1 and 0 do not.
func bound(where func(*Config) *int) func(*Config, string, string) error {
	return func(c *Config, _, rest string) error {
		word, err := one(rest, "number")
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil || n < -1 {
			return fmt.Errorf("%q is not a number from -1 to 2147483647", word)
		}
		*where(c) = int(max(n, 0))
		return nil
	}
}

// text is a directive whose argument is the rest of the line, a DisplayString
// of at most 255 octets (RFC 2579).
func text(where func(*Config) **string) func(*Config, string, string) error {
	return func(c *Config, _, rest string) error {
		s := unquote(rest)
		if len(s) > 255 {
			return fmt.Errorf("%d octets long: at most 255 are allowed", len(s))
		}
		*where(c) = &s
		return nil
	}
}

// parseSource parses the networks that a community is accepted from: "default",
// an address, a network with a prefix length or a mask, or a host's name.
func parseSource(s string, family int, known *names) ([]netip.Prefix, error) {
	wildcard, bits, network := netip.IPv4Unspecified(), 32, "ip4"
	if family == 6 {
		wildcard, bits, network = netip.IPv6Unspecified(), 128, "ip6"
	}
	if strings.HasPrefix(s, "@") {
		return nil, fmt.Errorf("source %q is a netgroup, which is not supported", shorten(s))
	}
	if s == "default" {
		return []netip.Prefix{netip.PrefixFrom(wildcard, 0)}, nil
	}
	host, length, hasLength := strings.Cut(s, "/")
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Is4() != (family == 4) || addr.Is4In6() { // no such address asks over IPv6
			return nil, fmt.Errorf("source %q is not an IPv%d network", s, family)
		}
		n := bits
		if hasLength {
			if n, err = prefixLength(length, addr); err != nil {
				return nil, err
			}
		}
		p := netip.PrefixFrom(addr, n)
		if p != p.Masked() {
			return nil, fmt.Errorf("source/mask mismatch: source %q has bits beyond its prefix length", s)
		}
		return []netip.Prefix{p}, nil
	}
	if hasLength {
		return nil, fmt.Errorf("source %q is not an IPv%d network", s, family)
	}
	addrs, err := known.addresses(host, network)
	if err != nil {
		return nil, fmt.Errorf("source %q is neither a network nor a host that can be found: %w", s, err)
	}
	var prefixes []netip.Prefix
	for _, a := range addrs {
		prefixes = append(prefixes, netip.PrefixFrom(a, bits))
	}
	return prefixes, nil
}

// prefixLength parses "24" or a mask, such as "255.255.255.0" or "ffff::".
func prefixLength(s string, addr netip.Addr) (int, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > addr.BitLen() {
			return 0, fmt.Errorf("bad mask length: %q is not a number from 0 to %d", s, addr.BitLen())
		}
		return n, nil
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || mask.Is4() != addr.Is4() || mask.Zone() != "" {
		return 0, fmt.Errorf("bad mask: %q is neither a prefix length nor a mask", shorten(s))
	}
	ones, size := net.IPMask(mask.AsSlice()).Size()
	if size == 0 {
		if host := addr.AsSlice(); beyond(host, mask.AsSlice()) {
			return 0, fmt.Errorf("source/mask mismatch: %s has bits that mask %s has not", addr, mask)
		}
		return 0, fmt.Errorf("mask %s has holes, which is not supported", mask)
	}
	return ones, nil
}

// beyond reports whether an address has bits that a mask has not.
func beyond(addr, mask []byte) bool {
	for i := range addr {
		if addr[i]&^mask[i] != 0 {
			return true
		}
	}
	return false
}

// suggest names the known directive that starts most like an unknown one.
func suggest(unknown string) string {
	unknown = strings.ToLower(unknown)
	best, most := "", 3
	for _, known := range Directives() {
		n := 0
		for n < len(known) && n < len(unknown) && strings.ToLower(known)[n] == unknown[n] {
			n++
		}
		if n > most {
			best, most = known, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// Directives returns the names of the known directives as snmpd.conf(5) writes
// them, in alphabetical order.
func Directives() []string {
	names := []string{
		"agentaddress", "agentXSocket", "netnsContexts", "rocommunity", "rocommunity6", "rwcommunity", "rwcommunity6", "authcommunity",
		"com2sec", "com2sec6", "com2secunix", "group", "access", "setaccess", "view", "authaccess", "authgroup", "authuser",
		"rouser", "rwuser", "createUser", "exactEngineID", "engineID",
		"sysContact", "sysDescr", "sysLocation", "sysName", "sysObjectID", "sysServices",
		"trapsink", "trap2sink", "informsink", "trapsess", "clientaddr", "trapcommunity", "v1trapaddress",
		"linkUpDownNotifications", "authtrapenable", "inetAddressZones", "fips", "maxGetbulkRepeats", "maxGetbulkResponses",
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}
