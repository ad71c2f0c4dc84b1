package snmpdconf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// Sink is where notifications go: what trapsink, trap2sink, informsink or trapsess
// says.
type Sink struct {
	Version protocol.Version
	Inform  bool
	Address string     // as it is written
	Port    uint16     // where Address has none
	Source  netip.Addr // of the line itself
	// Timeout and Retries are of informs.
	Timeout time.Duration
	Retries int

	Community string // of SNMPv1 and SNMPv2c

	// The rest is of SNMPv3. A user without secrets is one that is known besides.
	User            usm.Credentials
	Level           usm.Level
	EngineID        usm.EngineID // "" where the line names none
	Context         string
	ContextEngineID usm.EngineID // likewise

	// Name and Tag are those of its rows in the SNMP-NOTIFICATION-MIB and the SNMP-TARGET-MIB: what the line
	// says, or else "internal0" and on. Profile is the one that filters what it gets, "" for none.
	Name, Tag, Profile string

	Where string // "FILE:LINE: DIRECTIVE"
}

// NotificationFilter is a family of subtrees of a profile: what notificationFilter says.
type NotificationFilter struct {
	Profile  string // 1 to 32 octets
	Subtree  mib.OID
	Mask     []byte // as that of a view
	Excluded bool
}

// What net-snmp does with informs where a line does not say.
const (
	informTimeout = time.Second
	informRetries = 5
)

// sink parses "[-profile PROFILE] [-name NAME] [-tag TAG] [-s SOURCE] HOST [COMMUNITY [PORT]]".
func sink(version protocol.Version, inform bool) func(*Config, string, string) error {
	return func(c *Config, where, rest string) error {
		args, err := fields(rest)
		if err != nil {
			return err
		}
		s := Sink{Version: version, Inform: inform, Port: protocol.TrapPort, Community: c.trapCommunity, Where: where}
		if s.Inform {
			s.Timeout, s.Retries = informTimeout, informRetries
		}
		for len(args) > 0 && (args[0] == "-s" || rowOptions[args[0]] != nil) {
			if len(args) == 1 {
				return fmt.Errorf("option %s needs an argument", args[0])
			}
			if set := rowOptions[args[0]]; set != nil {
				err = set(&s, args[1])
			} else {
				s.Source, err = sourceAddress(args[1])
			}
			if err != nil {
				return err
			}
			args = args[2:]
		}
		switch {
		case len(args) == 0 || args[0] == "":
			return errors.New("needs a host")
		case args[0][0] == '-':
			return fmt.Errorf("option %.2s is not supported", args[0]) // what follows it may be a secret
		case len(args) > 3:
			return errors.New("more follows the port")
		}
		s.Address = args[0]
		if len(args) > 1 && isSource(args[1]) && !isSource(args[0]) && isHost(args[0]) {
			return errors.New("the community is an address and the host is none: are the two swapped?")
		}
		if len(args) > 1 {
			s.Community = args[1]
		}
		if len(args) > 2 {
			n, err := strconv.ParseUint(args[2], 10, 16)
			if err != nil || n == 0 {
				return errors.New("what follows the community is not a port from 1 to 65535")
			}
			s.Port = uint16(n)
		}
		c.secret(s.Community)
		return c.addSink(s)
	}
}

// rowOptions are options of all directives with destinations: how they are told, and what they get.
var rowOptions = map[string]func(s *Sink, argument string) error{
	"-name": func(s *Sink, argument string) error {
		s.Name = argument
		return rowName("-name", argument)
	},
	"-tag": func(s *Sink, argument string) error {
		s.Tag = argument
		if argument == "" || len(argument) > 255 || strings.ContainsAny(argument, " \t\r\n") {
			return errors.New("option -tag: a tag is 1 to 255 octets without blanks")
		}
		return nil
	},
	"-profile": func(s *Sink, argument string) error {
		s.Profile = argument
		return rowName("-profile", argument)
	},
}

func rowName(option, name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("option %s: a name is 1 to %d octets", option, maxName)
	}
	return nil
}

// addSink adds a destination under its name, or the first "internal0" and on that is free.
func (c *Config) addSink(s Sink) error {
	taken := func(name string) bool {
		return slices.ContainsFunc(c.Sinks, func(o Sink) bool { return o.Name == name })
	}
	if s.Name != "" && taken(s.Name) {
		return fmt.Errorf("there is a destination of the name %q already", shorten(s.Name))
	}
	for i := 0; s.Name == ""; i++ {
		if name := fmt.Sprint("internal", i); !taken(name) {
			s.Name = name
		}
	}
	if s.Tag == "" {
		s.Tag = s.Name
	}
	c.Sinks = append(c.Sinks, s)
	return nil
}

// maxFilter is how many sub-identifiers the subtree of a filter has, so that its row has a name.
const maxFilter = 64

// notificationFilter parses "PROFILE OID MASK TYPE".
func notificationFilter(c *Config, _, rest string) error {
	args, err := fields(rest)
	switch {
	case err != nil:
		return err
	case len(args) != 4:
		return errors.New("needs a profile, an OID, a mask, and included or excluded")
	}
	f := NotificationFilter{Profile: args[0], Excluded: strings.EqualFold(args[3], "excluded")}
	if !f.Excluded && !strings.EqualFold(args[3], "included") {
		return fmt.Errorf("%q is neither included nor excluded", shorten(args[3]))
	}
	if f.Profile == "" || len(f.Profile) > maxName {
		return fmt.Errorf("the name of a profile is 1 to %d octets", maxName)
	}
	if f.Subtree, err = parseOID(args[1]); err != nil {
		return err
	}
	if f.Subtree.IsEmpty() || f.Subtree.Len() > maxFilter {
		return fmt.Errorf("the OID has not 1 to %d sub-identifiers", maxFilter)
	}
	digits, ok := strings.CutPrefix(strings.ToLower(args[2]), "0x")
	if f.Mask, err = hex.DecodeString(digits); err != nil || !ok || len(f.Mask) > 16 {
		return fmt.Errorf("%q is no mask: 0x and at most 16 octets in hexadecimal", shorten(args[2]))
	}
	c.NotificationFilters = append(c.NotificationFilters, f)
	return nil
}

// sourceAddress parses the argument of clientaddr and of -s.
func sourceAddress(word string) (netip.Addr, error) {
	bare := word
	if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") {
		bare = word[1 : len(word)-1]
	}
	a, err := netip.ParseAddr(bare)
	if err != nil || a.IsUnspecified() || a.IsMulticast() {
		return netip.Addr{}, fmt.Errorf("%q is not an address of this host: it is one of IPv4 or IPv6, without a port", shorten(word))
	}
	return a.Unmap(), nil
}

// clientAddr parses clientaddr, which snmpd takes with "[snmp]" in front.
func clientAddr(c *Config, _, rest string) error {
	word, err := one(rest, "source address")
	if err != nil {
		return err
	}
	c.ClientAddr, err = sourceAddress(word)
	return err
}

// session is a line of trapsess as it is parsed.
type session struct {
	sink         Sink
	given        map[string]bool // options, by name
	hosts        int
	auth, priv   usm.Secret
	authF, privF usm.Form
}

// trapSess parses "[OPTIONS] HOST" with the options of snmptrap(1) that concern where a notification goes
// and how. No error has anything of what may be a secret in it.
func trapSess(c *Config, where, rest string) error {
	s := session{sink: Sink{Version: protocol.V3, Port: protocol.TrapPort, Level: usm.NoAuthNoPriv, Where: where}, given: map[string]bool{}}
	a := arguments{rest: rest}
	for a.more() {
		if err := s.word(a.next(), &a); err != nil {
			return errors.Join(a.err, err)
		}
	}
	if a.err != nil {
		return a.err
	}
	if err := s.finish(); err != nil {
		return err
	}
	if s.sink.Version == protocol.V3 {
		c.need(V3Notifications, where)
	}
	if c.secret(s.sink.Community); s.first("-A", "-X", "-3m", "-3k", "-3M", "-3K") != "" {
		c.secrets[c.at.File] = true
	}
	return c.addSink(s.sink)
}

// word takes a word of the line, an option with its argument or the host.
func (s *session) word(word string, a *arguments) error {
	switch {
	case len(word) < 2 || word[0] != '-':
		s.sink.Address = word
		if s.hosts++; s.hosts > 1 {
			return errors.New("more follows the host")
		}
		return nil
	case rowOptions[word] != nil:
		if !a.more() {
			return fmt.Errorf("option %s needs an argument", word)
		}
		return rowOptions[word](&s.sink, a.next())
	}
	n := 2
	if word[1] == '3' && len(word) > 2 { // the options of SNMPv3 with two letters
		n = 3
	}
	name, argument := word[:n], word[n:]
	option, known := sessionOptions[name]
	if !known {
		return fmt.Errorf("option %s is not supported", name)
	}
	if n == 3 {
		argument = strings.TrimPrefix(argument, "=")
	}
	if argument == "" && a.more() {
		argument = a.next()
	}
	if argument == "" {
		return fmt.Errorf("option %s needs an argument", name)
	}
	s.given[name] = true
	if err := option(s, argument); err != nil {
		return fmt.Errorf("option %s: %w", name, err)
	}
	return nil
}

var sessionOptions = map[string]func(s *session, argument string) error{
	"-v": func(s *session, argument string) error {
		for v := protocol.V1; v <= protocol.V3; v++ {
			if strings.EqualFold(argument, v.String()) {
				s.sink.Version = v
				return nil
			}
		}
		return errors.New("the versions are 1, 2c and 3")
	},
	"-c": func(s *session, argument string) error { s.sink.Community = argument; return nil },
	"-C": func(s *session, argument string) error {
		if argument != "i" {
			return errors.New("there is -Ci only")
		}
		s.sink.Inform = true
		return nil
	},
	"-s": func(s *session, argument string) (err error) {
		s.sink.Source, err = sourceAddress(argument)
		return err
	},
	"-t": func(s *session, argument string) error {
		seconds, err := strconv.ParseFloat(argument, 64)
		if err != nil || !(seconds >= 0.001 && seconds <= 3600) {
			return errors.New("a time is 0.001 to 3600 seconds")
		}
		s.sink.Timeout = time.Duration(seconds * float64(time.Second))
		return nil
	},
	"-r": func(s *session, argument string) (err error) {
		n, err := strconv.ParseUint(argument, 10, 10)
		if err != nil {
			return errors.New("retries are a number from 0 to 1023")
		}
		s.sink.Retries = int(n)
		return nil
	},
	"-u": func(s *session, argument string) error {
		s.sink.User.Name = argument
		return usm.CheckName(argument)
	},
	"-l": func(s *session, argument string) (err error) { s.sink.Level, err = sessionLevel(argument); return err },
	"-a": func(s *session, argument string) (err error) {
		if s.sink.User.Auth, err = usm.ParseHash(argument); err != nil {
			return errHash
		}
		return nil
	},
	"-x": func(s *session, argument string) (err error) {
		if s.sink.User.Priv, err = usm.ParseCipher(argument); err != nil {
			return errCipher
		}
		return nil
	},
	"-A":  (*session).authPassphrase,
	"-X":  (*session).privPassphrase,
	"-3m": authKey(usm.MasterKey), "-3k": authKey(usm.LocalizedKey),
	"-3M": privKey(usm.MasterKey), "-3K": privKey(usm.LocalizedKey),
	"-e": func(s *session, argument string) (err error) {
		s.sink.EngineID, err = usm.ParseEngineID(argument)
		return err
	},
	"-E": func(s *session, argument string) (err error) {
		s.sink.ContextEngineID, err = usm.ParseEngineID(argument)
		return err
	},
	"-n": func(s *session, argument string) error {
		if len(argument) > maxName {
			return errLongContext
		}
		s.sink.Context = argument
		return nil
	},
}

// sessionLevel parses the levels of -l.
func sessionLevel(word string) (usm.Level, error) {
	names := [...][4]string{{"noAuthNoPriv", "noauth", "nanp", "1"}, {"authNoPriv", "auth", "anp", "2"}, {"authPriv", "priv", "ap", "3"}}
	for i, level := range names {
		for _, name := range level {
			if strings.EqualFold(word, name) {
				return usm.NoAuthNoPriv + usm.Level(i), nil
			}
		}
	}
	return 0, errors.New("the levels are noAuthNoPriv, authNoPriv and authPriv")
}

func (s *session) authPassphrase(word string) error {
	s.authF, s.auth = usm.Passphrase, usm.NewSecret([]byte(word))
	return nil
}

func (s *session) privPassphrase(word string) error {
	s.privF, s.priv = usm.Passphrase, usm.NewSecret([]byte(word))
	return nil
}

func authKey(form usm.Form) func(*session, string) error {
	return func(s *session, word string) (err error) {
		s.authF = form
		s.auth, err = keyOf(word)
		return err
	}
}

func privKey(form usm.Form) func(*session, string) error {
	return func(s *session, word string) (err error) {
		s.privF = form
		s.priv, err = keyOf(word)
		return err
	}
}

// keyOf parses a key in hexadecimal.
func keyOf(word string) (usm.Secret, error) {
	if len(word) >= 2 && strings.EqualFold(word[:2], "0x") {
		word = word[2:]
	}
	key, err := hex.DecodeString(word)
	if err != nil || len(key) == 0 {
		return usm.Secret{}, errors.New("a key is hexadecimal digits, an even number of them")
	}
	return usm.NewSecret(key), nil
}

// given returns the first of the options that the line has, "" for none.
func (s *session) first(options ...string) string {
	for _, o := range options {
		if s.given[o] {
			return o
		}
	}
	return ""
}

// finish says what of the line makes no sense together.
func (s *session) finish() error {
	k := &s.sink
	if s.hosts == 0 || k.Address == "" {
		return errors.New("needs a host")
	}
	if k.Inform && k.Version == protocol.V1 {
		return errors.New("SNMPv1 has no informs: -Ci needs -v 2c or -v 3")
	}
	if o := s.first("-t", "-r"); o != "" && !k.Inform {
		return fmt.Errorf("a trap is sent once: %s is for informs (-Ci)", o)
	}
	if k.Inform && !s.given["-t"] {
		k.Timeout = informTimeout
	}
	if k.Inform && !s.given["-r"] {
		k.Retries = informRetries
	}
	if k.Version != protocol.V3 {
		if o := s.first("-u", "-l", "-a", "-A", "-x", "-X", "-3m", "-3k", "-3M", "-3K", "-e", "-E", "-n"); o != "" {
			return fmt.Errorf("option %s is for SNMPv3 (-v 3)", o)
		}
		if !s.given["-c"] {
			return errors.New("needs a community (-c)")
		}
		k.Level = 0
		return nil
	}
	if s.given["-c"] {
		return errors.New("SNMPv3 has no community: -c is for -v 1 and -v 2c")
	}
	if !s.given["-u"] {
		return errors.New("SNMPv3 needs a user (-u)")
	}
	return s.secrets()
}

// secrets makes the user, and says where a level would not be what was meant.
func (s *session) secrets() error {
	k := &s.sink
	auth, priv := s.first("-A", "-3m", "-3k"), s.first("-X", "-3M", "-3K")
	for _, pair := range [...][2]string{{"-A", "-3m"}, {"-A", "-3k"}, {"-3m", "-3k"}, {"-X", "-3M"}, {"-X", "-3K"}, {"-3M", "-3K"}} {
		if s.given[pair[0]] && s.given[pair[1]] {
			return fmt.Errorf("there is one secret: %s and %s exclude each other", pair[0], pair[1])
		}
	}
	switch {
	case auth == "" && priv != "":
		return fmt.Errorf("there is no privacy without authentication: %s needs -A", priv)
	case auth == "" && s.first("-a", "-x") != "":
		return fmt.Errorf("option %s is of no use without -A: leave it out to send as a user that there is already", s.first("-a", "-x"))
	case auth != "" && k.Level == usm.NoAuthNoPriv:
		return fmt.Errorf("nothing would be authentic: %s needs -l authNoPriv or -l authPriv", auth)
	case priv != "" && k.Level != usm.AuthPriv:
		return fmt.Errorf("nothing would be encrypted: %s needs -l authPriv", priv)
	case priv == "" && s.given["-x"]:
		return errors.New("option -x is of no use without -X")
	case auth != "" && priv == "" && k.Level == usm.AuthPriv:
		return errors.New("-l authPriv needs -X")
	case auth == "":
		return nil
	}
	u := &k.User
	u.AuthForm, u.AuthSecret = s.authF, s.auth
	if u.Auth == usm.NoAuth {
		u.Auth = usm.MD5 // as in net-snmp
	}
	if priv != "" {
		u.PrivForm, u.PrivSecret = s.privF, s.priv
		if u.Priv == usm.NoPriv {
			u.Priv = usm.DES
		}
	}
	if k.Inform && k.EngineID == "" && (u.AuthForm == usm.LocalizedKey || priv != "" && u.PrivForm == usm.LocalizedKey) {
		return errors.New("a localised key is for one engine: an inform needs the receiver's (-e)")
	}
	_, err := u.Localize(anyEngine)
	return err
}
