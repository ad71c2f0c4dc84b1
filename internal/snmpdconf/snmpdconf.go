// Package snmpdconf reads configuration files in the syntax of net-snmp's
// snmpd.conf(5): a directive a line, its name in any case of letters, arguments
// between blanks, quotes around what holds blanks. A line that begins with "#" is
// a comment.
//
// It knows the directives that this agent heeds, and the whole language of access. What
// snmpd knows besides, and what nobody knows, is in [Config.Warnings]: a setting that is
// silently ignored would be worse than none. What cannot be heeded and might shut
// somebody out is an error, as is a line of those with something wrong in it. What a file
// asks for beyond communities that read everything is in [Config.Needs], so that whoever
// cannot give it can refuse the line.
//
// Nothing that is said of a file has more than a bounded part of it, or a secret.
package snmpdconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
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
	// NetNSNotifications is netnsNotifications, likewise.
	NetNSNotifications []Setting
	Metrics            []Setting // metrics, each address by itself, which snmpd has not
	MetricsConfig      *Setting  // metricsConfig, likewise
	MetricsTop         *int      // metricsTop, likewise: how many values a label has that others choose
	MetricsCompatible  bool      // metricsCompatible, likewise: with node_exporter
	LogLevel           *Setting  // logLevel, likewise: debug, info, warn or error
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

	// Files are all that it was read of, and the folders that were looked into.
	Files []string
	// Warnings are what it says in vain.
	Warnings []Warning
	Strict   *bool // strict, which snmpd has not: whether a warning is an error
	// GivesAccess reports whether a line is there to let somebody in, even if it lets in nobody.
	GivesAccess bool
	// Without are the versions of SNMP that are not spoken: disableSNMPv1 and its kin.
	Without []protocol.Version

	from          *origin
	at            *Line             // that is parsed
	trapCommunity string            // of sinks that follow
	simples       int               // how many rocommunity, rouser and so on there were
	groups        map[string]string // of users, by name
	taken         map[string]bool   // names of groups
	secrets       map[string]bool   // files that have some
	addressed     string            // where the last address stands
	absent        []absent
}

// Setting is an argument and where it stands, for errors that are found later.
type Setting struct {
	Value string
	Where string // "FILE:LINE: DIRECTIVE"
}

// Role is who reads a file.
type Role int

// Roles. What only its master heeds is not looked at for a subagent, but for a warning.
const (
	Agent Role = iota
	Subagent
)

// sections are those of snmpd's files that snmpd reads.
var sections = []string{"snmpd", "snmp", "agentx"}

// ReadFile parses the file path, with those that it includes. Its error names the lines
// that are wrong, as Parse's does, or matches fs.ErrNotExist, fs.ErrPermission or, where ctx was done
// first, that context's error. The file may be a pipe that somebody writes later.
func ReadFile(ctx context.Context, path string, as Role) (*Config, error) {
	text, err := Load(ctx, path, sections...)
	if err != nil {
		return nil, err
	}
	return parse(ctx, path, text, as)
}

// Parse parses a file for an agent; name is what its errors call it. Every line is looked
// at: the error joins one for each that is wrong, "NAME:LINE: DIRECTIVE: ...", 20 of them at most.
// Hosts' names are looked up, all at the same time, for 5 s at most and until ctx
// is done. One that is not found is a warning, and its line lets nobody in.
func Parse(ctx context.Context, name string, r io.Reader) (*Config, error) {
	text, err := LoadFrom(ctx, name, r, sections...)
	if err != nil {
		return nil, err
	}
	return parse(ctx, name, text, Agent)
}

// parse goes through the lines twice where hosts are named: to learn which, and
// with their addresses.
func parse(ctx context.Context, name string, text *Text, as Role) (*Config, error) {
	from := &origin{name: name, text: text, as: as, names: names{lookUp: net.DefaultResolver.LookupNetIP}}
	c, err := from.config()
	if len(from.names.all) == 0 {
		return c, err
	}
	from.names.lookup(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return from.config()
}

// origin is what a configuration was made of.
type origin struct {
	name  string
	text  *Text
	as    Role
	names names
}

// LookUpAgain looks up the hosts' names that were not found, for 5 s at most, and returns what the same text says if any of
// them is found now, or nil.
func (c *Config) LookUpAgain(ctx context.Context) (*Config, error) {
	if c.from == nil || !c.from.names.again(ctx) {
		return nil, ctx.Err()
	}
	return c.from.config()
}

// LacksHosts reports whether a host's name was not found.
func (c *Config) LacksHosts() bool { return c.from != nil && c.from.names.lacks() }

func (o *origin) config() (*Config, error) {
	c := &Config{from: o, trapCommunity: "public", groups: map[string]string{}, taken: map[string]bool{}, secrets: map[string]bool{}}
	for _, first := range []uint32{0, 1, 2} { // as in net-snmp, before the file
		c.Access.Families = append(c.Access.Families, vacm.Family{View: all, Subtree: mib.MakeOID(first)},
			vacm.Family{View: "_none_", Subtree: mib.MakeOID(first), Excluded: true})
	}
	c.Files = o.text.Files
	c.Warnings = slices.Concat(o.text.Warnings, o.text.Strangers)
	var problems []error
	strangers := 0
	for i := range o.text.Lines {
		l := &o.text.Lines[i]
		if l.Err != nil {
			problems = append(problems, l.Err)
			continue
		}
		known, err := c.line(l)
		if !known {
			strangers++
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", l.File, l.Number, err))
		}
	}
	if strangers > 0 && strangers == len(o.text.Lines) {
		problems = append(problems, fmt.Errorf("%s: none of its lines is one of snmpd.conf: is it another file?", shorten(o.name)))
	}
	if len(c.AgentAddresses) == 0 && c.addressed != "" {
		problems = append(problems, fmt.Errorf("%s: no address is left to listen on", c.addressed))
	}
	c.warnOfPublic()
	return c, Join(problems)
}

// line takes a line, and reports whether anybody knows its directive.
func (c *Config) line(l *Line) (known bool, err error) {
	c.at = l
	name := strings.ToLower(l.Directive)
	where := l.Where()
	takes := directives[name]
	if l.Section == "snmp" && !common[name] || l.Section == "agentx" && !strings.HasPrefix(name, "agentx") {
		takes = nil
	}
	lacks, foreign := elsewhere[name]
	if of, ok := ofClients[name]; !foreign && ok && l.Section == "snmp" {
		lacks, foreign = of, ok
	}
	switch {
	case takes == nil && !foreign:
		place := fmt.Sprintf("%s:%d", l.File, l.Number)
		meant := suggest(l.Directive)
		if meant != "" && confines(meant) && near(name, strings.ToLower(meant)) && c.from.as == Agent {
			if strings.EqualFold(meant, name) && directives[name] != nil {
				return false, fmt.Errorf("%s does not belong to the section %s: it counts behind [snmpd]", l.Directive, l.Section)
			}
			return false, fmt.Errorf("unknown directive (did you mean %s?)", meant)
		}
		// What it is may be a secret that stands alone.
		text := "unknown directive, which is not heeded"
		if meant != "" {
			text += fmt.Sprintf(" (did you mean %s?)", meant)
		}
		c.warn(place, text)
		return false, nil
	case c.from.as == Subagent && !ofSubagents[name]:
		c.warn(where, "a subagent does not heed it: it is for the master")
		return true, nil
	case l.Rest == "":
		c.warn(where, fmt.Sprintf("Blank line following %s token.", l.Directive)) // net-snmp's text
		return true, nil
	case foreign:
		c.warn(where, lacks)
		return true, nil
	}
	if c.from.as == Subagent && strings.HasPrefix(name, "sys") {
		c.need(SystemGroup, where)
	}
	if err = takes(c, where, l.Rest); err == nil {
		return true, nil
	}
	if descriptive[name] {
		c.warn(where, err.Error()+": it is not heeded")
		return true, nil
	}
	return true, fmt.Errorf("%s: %w", l.Directive, err)
}

func (c *Config) warn(where, text string) {
	c.Warnings = append(c.Warnings, Warning{where, text})
}

// secret says that the line at hand has something in it that not everybody should read. The community that everybody
// knows is none.
func (c *Config) secret(word string) {
	if word != "public" && word != "" {
		c.secrets[c.at.File] = true
	}
}

// warnOfPublic names the files whose secrets anybody can read.
func (c *Config) warnOfPublic() {
	for _, file := range c.from.text.Public {
		if c.secrets[file] {
			c.warn(file, "any user can read the secrets in it: chmod o-r takes that away")
		}
	}
}

// maxProblems is how many problems of a file are told, and maxProblem how long one may be in octets.
const (
	maxProblems = 20
	maxProblem  = 400
)

// Join joins problems of a file as far as they can be read: 20 of them, of 400 octets at most.
func Join(problems []error) error {
	var told []error
	for i, p := range problems {
		if i == maxProblems {
			told = append(told, fmt.Errorf("and %d more", len(problems)-i))
			break
		}
		if text := p.Error(); len(text) > maxProblem {
			p = errors.New(text[:maxProblem] + "...")
		}
		told = append(told, p)
	}
	return errors.Join(told...)
}

var directives = map[string]func(c *Config, where, rest string) error{
	"agentaddress": func(c *Config, where, rest string) error {
		c.addressed = where
		for address := range strings.SplitSeq(unquote(rest), ",") {
			address = strings.Trim(address, blanks)
			if strings.Contains(address, "@") {
				return errors.New("an address at one interface (@) is not supported: it would be listened at on all of them")
			}
			if transport := otherTransport(address); transport != "" {
				c.warn(where, fmt.Sprintf("nobody can ask over %s here", transport))
			} else if address != "" {
				c.AgentAddresses = append(c.AgentAddresses, Setting{address, where})
			}
		}
		return nil
	},
	"agentxsocket": func(c *Config, where, rest string) error {
		c.AgentXSocket = &Setting{unquote(rest), where}
		return nil
	},
	"metrics": func(c *Config, where, rest string) error {
		words, err := fields(rest)
		switch {
		case err != nil:
			return err
		case len(words) == 0:
			return errors.New("needs an address, such as localhost:9161")
		}
		for _, address := range words {
			c.Metrics = append(c.Metrics, Setting{address, where})
		}
		return nil
	},
	"metricsconfig": func(c *Config, where, rest string) error {
		if c.MetricsConfig = (&Setting{unquote(rest), where}); c.MetricsConfig.Value == "" {
			return errors.New("needs the name of a file")
		}
		return nil
	},
	"metricstop": func(c *Config, _, rest string) error {
		word, err := one(rest, "number")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > MaxMetricsTop {
			return fmt.Errorf("%q is no number from 1 to %d", shorten(word), MaxMetricsTop)
		}
		c.MetricsTop = &n
		return nil
	},
	"metricscompatible": func(c *Config, _, rest string) error {
		word, err := one(rest, "exporter: "+NodeExporter)
		if err != nil {
			return err
		}
		if word != NodeExporter {
			return fmt.Errorf("%q is not %s", shorten(word), NodeExporter)
		}
		c.MetricsCompatible = true
		return nil
	},
	"loglevel": func(c *Config, where, rest string) error {
		word, err := one(rest, "level: debug, info, warn or error")
		if err != nil {
			return err
		}
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, strings.ToLower(word)) {
			return fmt.Errorf("%q is not debug, info, warn or error", shorten(word))
		}
		c.LogLevel = &Setting{word, where}
		return nil
	},
	"netnscontexts":      patterns(func(c *Config) *[]Setting { return &c.NetNSContexts }),
	"netnsnotifications": patterns(func(c *Config) *[]Setting { return &c.NetNSNotifications }),

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
		o, err := parseOID(rest)
		if err != nil {
			return err
		}
		first, second, _ := o.CutSubidentifier()
		if sub, _, ok := second.CutSubidentifier(); !ok || first > 2 || first < 2 && sub >= 40 {
			return fmt.Errorf("%q is not the name of anything: it begins with 0, 1 or 2 and a number below 40", shorten(rest))
		}
		c.SysObjectID = &o
		return nil
	},
	"sysservices": func(c *Config, _, rest string) error {
		word, err := one(rest, "number")
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(word, 10, 7)
		if err != nil {
			return fmt.Errorf("%q is not a number from 0 to 127", shorten(word))
		}
		services := int32(n)
		c.SysServices = &services
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
		c.secret(c.trapCommunity)
		return err
	},

	"disablesnmpv1":       disable(protocol.V1),
	"disablesnmpv2c":      disable(protocol.V2c),
	"disablesnmpv3":       disable(protocol.V3),
	"sourcefiltertype":    sourceFilterType,
	"sourcefilteraddress": sourceFilterAddress,
	"pass":                pass,
	"pass_persist":        pass,
	"override":            pass,
	"strict": func(c *Config, _, rest string) error {
		return choice(rest, &c.Strict, "yes", "no")
	},
	"v1trapaddress": func(c *Config, where, rest string) error {
		host, err := one(rest, "host")
		if err != nil {
			return err
		}
		if c.V1TrapAddress, err = netip.ParseAddr(host); err == nil {
			if !c.V1TrapAddress.Is4() {
				return fmt.Errorf("%s is not an IPv4 address", c.V1TrapAddress)
			}
			return nil
		}
		addrs, err := c.from.names.addresses(host, "ip4")
		switch {
		case errors.Is(err, errNoHost):
			return errors.New("is neither an IPv4 address nor the name of a host")
		case err != nil:
			c.warn(where, err.Error()+": SNMPv1 traps have the address that they are sent from until it is")
		default:
			c.V1TrapAddress = addrs[0]
		}
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
		return "", fmt.Errorf("more follows the %s", what)
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
		return fmt.Errorf("%q is neither %s nor %s", shorten(word), yes, no)
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
			return fmt.Errorf("%q is not a number from -1 to 2147483647", shorten(word))
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
// an address, a network with a prefix length or a mask, or a host's name. What it says of it
// has no word that may be a community.
func parseSource(s string, family int, known *names) ([]netip.Prefix, error) {
	wildcard, bits, network := netip.IPv4Unspecified(), 32, "ip4"
	if family == 6 {
		wildcard, bits, network = netip.IPv6Unspecified(), 128, "ip6"
	}
	if strings.HasPrefix(s, "@") {
		return nil, errors.New("the source is a netgroup, which is not supported")
	}
	if s == "default" {
		return []netip.Prefix{netip.PrefixFrom(wildcard, 0)}, nil
	}
	host, length, hasLength := strings.Cut(s, "/")
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Is4() != (family == 4) || addr.Is4In6() { // no such address asks over IPv6
			return nil, fmt.Errorf("source %s is not an IPv%d network", addr, family)
		}
		if addr.Zone() != "" {
			return nil, fmt.Errorf("source %s has a zone, which is not supported: it would be let in on every link", addr)
		}
		n := bits
		if hasLength {
			if n, err = prefixLength(length, addr); err != nil {
				return nil, err
			}
		}
		p := netip.PrefixFrom(addr, n)
		if p != p.Masked() {
			return nil, fmt.Errorf("source/mask mismatch: source %s has bits beyond its prefix length", p)
		}
		return []netip.Prefix{p}, nil
	}
	if hasLength {
		return nil, fmt.Errorf("the source is not an IPv%d network", family)
	}
	addrs, err := known.addresses(host, network)
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, a := range addrs {
		prefixes = append(prefixes, netip.PrefixFrom(a, bits))
	}
	return prefixes, nil
}

// isSource reports whether a word is one that stands for a source and hardly for a community.
func isSource(word string) bool {
	word = strings.TrimPrefix(word, "!")
	if word == "default" || word == "localhost" {
		return true
	}
	host, _, _ := strings.Cut(word, "/")
	_, err := netip.ParseAddr(host)
	return err == nil
}

// prefixLength parses "24" or a mask, such as "255.255.255.0" or "ffff::".
func prefixLength(s string, addr netip.Addr) (int, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > addr.BitLen() {
			return 0, fmt.Errorf("bad mask length: %d is not a number from 0 to %d", n, addr.BitLen())
		}
		return n, nil
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || mask.Is4() != addr.Is4() || mask.Zone() != "" {
		return 0, errors.New("bad mask: it is neither a prefix length nor a mask")
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

// suggest returns the known directive that is most like an unknown one, "" where none is.
func suggest(unknown string) string {
	unknown = strings.ToLower(unknown)
	best, least, most := "", 3, 3
	for _, known := range append(Directives(), "includeFile", "includeDir", "includeSearch") {
		name := strings.ToLower(known)
		if d := distance(unknown, name); d < least {
			best, least = known, d
		}
		n := 0
		for n < len(name) && n < len(unknown) && name[n] == unknown[n] {
			n++
		}
		if least == 3 && n > most {
			best, most = known, n
		}
	}
	return best
}

// NodeExporter is what metricsCompatible can be.
const NodeExporter = "node_exporter"

// MaxMetricsTop is the most that metricsTop can be.
const MaxMetricsTop = 1000

// Directives returns the names of the known directives as snmpd.conf(5) writes
// them, in alphabetical order.
func Directives() []string {
	names := []string{
		"agentaddress", "agentXSocket", "metrics", "metricsConfig", "metricsTop", "metricsCompatible", "logLevel", "netnsContexts", "netnsNotifications", "rocommunity", "rocommunity6", "rwcommunity", "rwcommunity6", "authcommunity",
		"com2sec", "com2sec6", "com2secunix", "group", "access", "setaccess", "view", "authaccess", "authgroup", "authuser",
		"rouser", "rwuser", "createUser", "exactEngineID", "engineID",
		"sysContact", "sysDescr", "sysLocation", "sysName", "sysObjectID", "sysServices",
		"trapsink", "trap2sink", "informsink", "trapsess", "clientaddr", "trapcommunity", "v1trapaddress",
		"linkUpDownNotifications", "authtrapenable", "inetAddressZones", "fips", "maxGetbulkRepeats", "maxGetbulkResponses",
		"disableSNMPv1", "disableSNMPv2c", "disableSNMPv3", "strict",
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// patterns parses patterns of the names of network namespaces.
func patterns(of func(*Config) *[]Setting) func(*Config, string, string) error {
	return func(c *Config, where, rest string) error {
		words, err := fields(rest)
		switch {
		case err != nil:
			return err
		case len(words) == 0:
			return errors.New("needs a pattern of names, such as *")
		}
		for _, p := range words {
			*of(c) = append(*of(c), Setting{p, where})
		}
		return nil
	}
}
