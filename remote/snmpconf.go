package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// ConfigFiles returns the files in which net-snmp's clients look for their configuration, in the order
// in which they read them, the later counting: snmp.conf and snmp.local.conf of the folders that the
// environment's SNMPCONFPATH names, or else of /etc/snmp, /usr/share/snmp and ~/.snmp.
func ConfigFiles() []string { return snmpdconf.Search(ours) }

// ReadFile sets c from the file path, which is in the syntax of net-snmp's
// snmp.conf(5), with those that it includes. Its error names the lines that are wrong, as Parse's does, or
// matches fs.ErrNotExist and fs.ErrPermission.
func (c *Config) ReadFile(path string) error {
	text, err := snmpdconf.Load(context.Background(), path, ours)
	if err != nil {
		return err
	}
	return c.take(text)
}

// Parse sets c from text in the syntax of snmp.conf(5); name is what errors
// call it. It heeds
//
//	defVersion 1|2c|3            defaultPort PORT
//	defCommunity TEXT            timeout SECONDS
//	defSecurityName TEXT         retries NUMBER
//	defSecurityLevel noAuthNoPriv|authNoPriv|authPriv
//	defAuthType MD5|SHA|SHA-224|SHA-256|SHA-384|SHA-512
//	defPrivType DES|AES|AES-192|AES-256|AES-192-C|AES-256-C
//	defPassphrase TEXT           defContext TEXT
//	defAuthPassphrase TEXT       defPrivPassphrase TEXT
//	includeFile FILE             includeDir FOLDER
//	includeSearch NAME           maxAnswer OCTETS
//	maxRequests NUMBER
//
// whatever the case of the directive's letters. A TEXT is what follows, to the end of the line, or a word in
// double quotes, as in net-snmp. maxAnswer and maxRequests, which are MaxAnswer and
// Sessions, are this package's own. defPassphrase stands for both
// passphrases where neither has one of its own. Directives of snmp.conf that
// tell how net-snmp's programs print or where they find MIB modules are passed
// over, and so are lines behind [NAME] of another program than snmp; one that
// says who asks in another way (master keys, Kerberos, TLS) and one that nobody
// knows are errors: a setting that is silently ignored would be worse than none.
//
// Every line is looked at: the error joins one for each that is wrong,
// "NAME:LINE: DIRECTIVE: ...", 20 at most, and none of them quotes an argument that is
// secret. What the right lines say is set even then.
func (c *Config) Parse(name string, r io.Reader) error {
	text, err := snmpdconf.LoadFrom(context.Background(), name, r, ours)
	if err != nil {
		return err
	}
	return c.take(text)
}

func (c *Config) take(text *snmpdconf.Text) error {
	var problems []error
	for _, w := range text.Warnings {
		problems = append(problems, errors.New(w.String()))
	}
	var s settings
	for i := range text.Lines {
		l := &text.Lines[i]
		if l.Err != nil {
			problems = append(problems, l.Err)
		} else if err := s.line(c, l.Directive, l.Rest); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", l.File, l.Number, err))
		}
	}
	s.finish(c)
	return snmpdconf.Join(problems)
}

// ours is the section of net-snmp's files that clients read (snmp_config(5)), and the name of their files.
const ours = "snmp"

// Environment sets c from environment variables, which are the directives of
// Parse without their "def": SNMP_VERSION, SNMP_COMMUNITY, SNMP_SECURITY_NAME,
// SNMP_SECURITY_LEVEL, SNMP_AUTH_TYPE, SNMP_AUTH_PASSPHRASE, SNMP_PRIV_TYPE,
// SNMP_PRIV_PASSPHRASE, SNMP_PASSPHRASE, SNMP_CONTEXT, SNMP_PORT, SNMP_TIMEOUT,
// SNMP_RETRIES, SNMP_MAX_ANSWER and SNMP_MAX_REQUESTS. lookup is os.LookupEnv's kind of function. Errors name the
// variable.
func (c *Config) Environment(lookup func(string) (string, bool)) error {
	var problems []error
	var s settings
	for i := range directives {
		d := &directives[i]
		value, ok := lookup(d.variable)
		if !ok {
			continue
		}
		if err := d.set(c, &s, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", d.variable, err))
		}
	}
	s.finish(c)
	return errors.Join(problems...)
}

// Variables returns the names of the variables of Environment.
func Variables() []string {
	var names []string
	for i := range directives {
		names = append(names, directives[i].variable)
	}
	return names
}

// settings is what one file or environment says, beyond what each directive
// sets by itself.
type settings struct {
	passphrase Secret
	auth, priv bool // that passphrase was given
}

// finish lets defPassphrase stand for the passphrases that were not given
// beside it.
func (s *settings) finish(c *Config) {
	if s.passphrase == "" {
		return
	}
	if !s.auth {
		c.AuthPassphrase = s.passphrase
	}
	if !s.priv {
		c.PrivPassphrase = s.passphrase
	}
}

func (s *settings) line(c *Config, word, rest string) error {
	i := slices.IndexFunc(directives, func(d directive) bool { return strings.EqualFold(d.name, word) })
	if i < 0 {
		switch {
		case slices.ContainsFunc(elsewhere, func(known string) bool { return strings.EqualFold(known, word) }), isDefault(word, rest):
			return nil
		case slices.ContainsFunc(unsupported, func(known string) bool { return strings.EqualFold(known, word) }):
			return fmt.Errorf("%s: not supported", word)
		}
		// What it is may be a secret: "defCommunity=...", or a community by itself.
		return fmt.Errorf("unknown directive%s", suggest(word))
	}
	d := &directives[i]
	value, only, err := snmpdconf.FirstWord(rest)
	if d.text {
		value, err = snmpdconf.TextValue(rest)
		only = true
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", d.name, err)
	case rest == "":
		return fmt.Errorf("%s: needs an argument", d.name)
	case !only:
		return fmt.Errorf("%s: takes one word", d.name)
	}
	if err := d.set(c, s, value); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return nil
}

type directive struct {
	name     string // as snmp.conf(5) writes it
	variable string
	text     bool // whether it is a text of any words
	set      func(c *Config, s *settings, value string) error
}

var directives = []directive{
	{"defVersion", "SNMP_VERSION", false, func(c *Config, _ *settings, value string) error {
		return choose(&c.Version, []string{VersionDefault: "", V1: V1.String(), V2c: V2c.String(), V3: V3.String()}, value, nil)
	}},
	{"defCommunity", "SNMP_COMMUNITY", true, func(c *Config, _ *settings, value string) error {
		c.Community = Secret(value)
		return nil
	}},
	{"defSecurityName", "SNMP_SECURITY_NAME", true, func(c *Config, _ *settings, value string) error {
		c.SecurityName = value
		return nil
	}},
	{"defSecurityLevel", "SNMP_SECURITY_LEVEL", false, func(c *Config, _ *settings, value string) error {
		return choose(&c.SecurityLevel, levelNames[:], value, map[string]SecurityLevel{
			"nanp": NoAuthNoPriv, "anp": AuthNoPriv, "ap": AuthPriv, // net-snmp's short forms
		})
	}},
	{"defAuthType", "SNMP_AUTH_TYPE", false, func(c *Config, _ *settings, value string) error {
		return choose(&c.AuthType, authNames[:], value, map[string]AuthType{
			"sha-1": AuthSHA, "sha1": AuthSHA,
			"sha224": AuthSHA224, "sha256": AuthSHA256, "sha384": AuthSHA384, "sha512": AuthSHA512,
		})
	}},
	{"defPrivType", "SNMP_PRIV_TYPE", false, func(c *Config, _ *settings, value string) error {
		return choose(&c.PrivType, privNames[:], value, map[string]PrivType{
			"aes-128": PrivAES, "aes128": PrivAES, "aes192": PrivAES192, "aes256": PrivAES256,
			"aes192c": PrivAES192C, "aes256c": PrivAES256C, "aes-192c": PrivAES192C, "aes-256c": PrivAES256C,
		})
	}},
	{"defPassphrase", "SNMP_PASSPHRASE", true, func(_ *Config, s *settings, value string) error {
		s.passphrase = Secret(value)
		return longEnough(value)
	}},
	{"defAuthPassphrase", "SNMP_AUTH_PASSPHRASE", true, func(c *Config, s *settings, value string) error {
		c.AuthPassphrase, s.auth = Secret(value), true
		return longEnough(value)
	}},
	{"defPrivPassphrase", "SNMP_PRIV_PASSPHRASE", true, func(c *Config, s *settings, value string) error {
		c.PrivPassphrase, s.priv = Secret(value), true
		return longEnough(value)
	}},
	{"defContext", "SNMP_CONTEXT", true, func(c *Config, _ *settings, value string) error {
		c.Context = value
		return nil
	}},
	{"defaultPort", "SNMP_PORT", false, func(c *Config, _ *settings, value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a number from 1 to 65535", value)
		}
		c.Port = uint16(n)
		return nil
	}},
	{"timeout", "SNMP_TIMEOUT", false, func(c *Config, _ *settings, value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 || n > 3600 {
			return fmt.Errorf("%q is not a number of seconds from 1 to 3600", value)
		}
		c.Timeout = time.Duration(n) * time.Second
		return nil
	}},
	{"retries", "SNMP_RETRIES", false, func(c *Config, _ *settings, value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n > maxRetries {
			return fmt.Errorf("%q is not a number from 0 to %d", value, maxRetries)
		}
		c.Retries.Set(int(n))
		return nil
	}},
	{"maxAnswer", "SNMP_MAX_ANSWER", false, func(c *Config, _ *settings, value string) error {
		return atMost(&c.MaxAnswer, value, minAnswer, longestAnswer)
	}},
	{"maxRequests", "SNMP_MAX_REQUESTS", false, func(c *Config, _ *settings, value string) error {
		return atMost(&c.Sessions, value, 1, maxSessions)
	}},
}

// choose sets a value by its name, the first of names being nobody's.
func choose[T ~uint8](to *T, names []string, value string, others map[string]T) error {
	for i, name := range names[1:] {
		if strings.EqualFold(name, value) {
			*to = T(i + 1)
			return nil
		}
	}
	if other, ok := others[strings.ToLower(value)]; ok {
		*to = other
		return nil
	}
	return fmt.Errorf("%q is none of %s", value, strings.Join(names[1:], ", "))
}

func longEnough(passphrase string) error {
	if len(passphrase) < minPassphrase {
		return fmt.Errorf("a passphrase has at least %d octets (RFC 3414, section 11.2)", minPassphrase)
	}
	return nil
}

// isDefault reports whether a directive that is not supported says what holds without it.
func isDefault(directive, rest string) bool {
	switch strings.ToLower(directive) {
	case "defsecuritymodel":
		return strings.EqualFold(rest, "usm")
	case "defdomain":
		return slices.Equal(strings.Fields(strings.ToLower(rest)), []string{"snmp", "udp"})
	}
	return false
}

// unsupported are directives of snmp.conf(5) that say in another way who asks
// or whom, so that passing over them would ask as somebody else.
var unsupported = []string{
	"defAuthMasterKey", "defPrivMasterKey", "defAuthLocalizedKey", "defPrivLocalizedKey", "defSecurityModel",
	"transport", "clientaddr", "defDomain", "defTarget",
	"sshtosnmpsocket", "sshtosnmpsocketperms", "sshusername", "sshpubkey", "sshprivkey",
	"localCert", "peerCert", "trustCert", "x509CRLFile", "tlsAlgorithms", "serverCert", "clientCert", "ourIdentity",
	"theirIdentity", "certSecName", "krb5",
}

// elsewhere are directives of snmp.conf(5) that do not concern who is asked and
// how.
var elsewhere = []string{
	"alias", "dumpPacket", "doDebugging", "debugTokens", "debugLogLevel", "clientaddrUsesPort", "clientRecvBuf",
	"clientSendBuf", "noRangeCheck", "reverseEncodeBER", "dontLoadHostConfig", "persistentDir", "noPersistentLoad",
	"noPersistentSave", "tempFilePattern", "serverRecvBuf", "serverSendBuf", "sourceFilterType", "sourceFilterAddress",
	"mibdirs", "mibs", "mibfile", "showMibErrors", "strictCommentTerm", "commentToEOL", "mibAllowUnderline",
	"mibWarningLevel", "mibReplaceWithLatest", "logTimestamp", "printNumericEnums", "printNumericOids",
	"dontBreakdownOids", "escapeQuotes", "quickPrinting", "printValueOnly", "dontPrintUnits", "numericTimeticks",
	"printHexText", "hexOutputLength", "suffixPrinting", "oidOutputFormat", "extendedIndex", "noDisplayHint",
	"outputPrecision", "16bitIDs", "noTokenWarnings", "noContextEngineIDDiscovery", "avoidPortReuse", "sendMessageMaxSize",
	"disableSNMPv1", "disableSNMPv2c", "disableSNMPv3", "logOption", "tsmUseTransportPrefix", "extraX509SubDir",
}

// atMost sets a bound that may be between two numbers.
func atMost(bound *int, value string, least, most int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return fmt.Errorf("%q is not a number from %d to %d", value, least, most)
	}
	*bound = n
	return nil
}

// suggest names the known directive that starts most like an unknown one.
func suggest(unknown string) string {
	unknown = strings.ToLower(unknown)
	best, most := "", 3
	for i := range directives {
		known := strings.ToLower(directives[i].name)
		n := 0
		for n < len(known) && n < len(unknown) && known[n] == unknown[n] {
			n++
		}
		if n > most {
			best, most = directives[i].name, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}
