package probe

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// defaultAuth is whom a host is asked as where neither the scrape nor a file says.
const defaultAuth = "public_v2"

// maxTargetsFile is the most octets that a file of targets may have.
const maxTargetsFile = 16 << 20

// Targets say as whom hosts are asked. The zero value knows public_v1 and public_v2, the community public by these
// versions, and has all hosts asked as public_v2. It is not changed once it is read.
type Targets struct {
	auths map[string]remote.Config // without an address
	rules []rule
}

// rule is whom the hosts that match are asked as.
type rule struct {
	patterns []pattern
	auth     string
}

// pattern is a prefix of addresses, or a name with wildcards.
type pattern struct {
	prefix netip.Prefix
	name   string
}

// authOf returns the credentials of a name.
func (t *Targets) authOf(name string) (remote.Config, bool) {
	c, ok := t.auths[name]
	if !ok {
		switch name {
		case defaultAuth:
			return remote.Config{Version: remote.V2c, Community: "public"}, true
		case "public_v1":
			return remote.Config{Version: remote.V1, Community: "public"}, true
		}
	}
	return c, ok
}

// matching returns the name of the credentials of a host: those of the first entry that it matches.
func (t *Targets) matching(host string) string {
	addr, err := netip.ParseAddr(host)
	isAddr := err == nil
	addr = addr.Unmap().WithZone("")
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range t.rules {
		for _, p := range r.patterns {
			if isAddr && p.prefix.IsValid() && p.prefix.Contains(addr) {
				return r.auth
			}
			if ok, _ := path.Match(p.name, name); ok && !isAddr && p.name != "" {
				return r.auth
			}
		}
	}
	return defaultAuth
}

// authEntry is an entry of auths, in snmp_exporter's syntax.
type authEntry struct {
	Version       int    `yaml:"version"`
	Community     string `yaml:"community"`
	Username      string `yaml:"username"`
	SecurityLevel string `yaml:"security_level"`
	Password      string `yaml:"password"`
	AuthProtocol  string `yaml:"auth_protocol"`
	PrivProtocol  string `yaml:"priv_protocol"`
	PrivPassword  string `yaml:"priv_password"`
	ContextName   string `yaml:"context_name"`
}

// UnmarshalYAML takes an entry with snmp_exporter's defaults for what it does not say.
func (e *authEntry) UnmarshalYAML(unmarshal func(any) error) error {
	*e = authEntry{Version: 2, Community: "public", SecurityLevel: "noAuthNoPriv", AuthProtocol: "MD5", PrivProtocol: "DES"}
	type plain authEntry
	return unmarshal((*plain)(e))
}

var (
	levels    = map[string]remote.SecurityLevel{"noAuthNoPriv": remote.NoAuthNoPriv, "authNoPriv": remote.AuthNoPriv, "authPriv": remote.AuthPriv}
	authTypes = map[string]remote.AuthType{
		"MD5": remote.AuthMD5, "SHA": remote.AuthSHA, "SHA224": remote.AuthSHA224, "SHA256": remote.AuthSHA256, "SHA384": remote.AuthSHA384, "SHA512": remote.AuthSHA512,
	}
	privTypes = map[string]remote.PrivType{
		"DES": remote.PrivDES, "AES": remote.PrivAES, "AES192": remote.PrivAES192, "AES192C": remote.PrivAES192C, "AES256": remote.PrivAES256, "AES256C": remote.PrivAES256C,
	}
)

// config returns what a host is asked with. No error shows a secret.
func (e *authEntry) config() (c remote.Config, err error) {
	switch e.Version {
	case 1, 2:
		c.Version = remote.V1
		if e.Version == 2 {
			c.Version = remote.V2c
		}
		c.Community = remote.Secret(e.Community)
	case 3:
		c.Version, c.SecurityName = remote.V3, e.Username
		var ok bool
		if c.SecurityLevel, ok = levels[e.SecurityLevel]; !ok {
			return c, errors.New("security_level is none of noAuthNoPriv, authNoPriv and authPriv")
		}
		if c.SecurityLevel >= remote.AuthNoPriv {
			if c.AuthType, ok = authTypes[e.AuthProtocol]; !ok {
				return c, errors.New("auth_protocol is none of MD5, SHA, SHA224, SHA256, SHA384 and SHA512")
			}
			c.AuthPassphrase = remote.Secret(e.Password)
		}
		if c.SecurityLevel == remote.AuthPriv {
			if c.PrivType, ok = privTypes[e.PrivProtocol]; !ok {
				return c, errors.New("priv_protocol is none of DES, AES, AES192, AES192C, AES256 and AES256C")
			}
			c.PrivPassphrase = remote.Secret(e.PrivPassword)
		}
	default:
		return c, errors.New("version is none of 1, 2 and 3")
	}
	c.Context = e.ContextName
	check := c
	check.Address = "localhost"
	return c, check.Check()
}

// ReadTargets reads a file of targets. An error names what is wrong and, where that is one of syntax, the line. It shows no
// community and no password, and matches os.ErrNotExist and the like where the file cannot be read.
func ReadTargets(file string) (*Targets, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxTargetsFile+1))
	if err != nil {
		return nil, err
	}
	t, err := ParseTargets(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// ParseTargets is ReadTargets for what such a file has in it. Its error names what is wrong, and shows no secret.
func ParseTargets(b []byte) (*Targets, error) {
	if len(b) > maxTargetsFile {
		return nil, fmt.Errorf("more than %d octets", maxTargetsFile)
	}
	var file struct {
		Auths   map[string]authEntry `yaml:"auths"`
		Targets []struct {
			Match []string `yaml:"match"`
			Auth  string   `yaml:"auth"`
		} `yaml:"targets"`
	}
	documents := yaml.NewDecoder(bytes.NewReader(b))
	documents.SetStrict(true)
	if err := documents.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, withoutValues(err)
	}
	if err := documents.Decode(new(any)); err == nil {
		return nil, errors.New("more than one document of YAML")
	} else if !errors.Is(err, io.EOF) {
		return nil, withoutValues(err)
	}
	t := &Targets{auths: make(map[string]remote.Config)}
	var problems []error
	names := make([]string, 0, len(file.Auths))
	for name := range file.Auths {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		e := file.Auths[name]
		c, err := e.config()
		if err != nil {
			problems = append(problems, fmt.Errorf("auths: %s: %w", name, err))
		}
		t.auths[name] = c
	}
	for i, entry := range file.Targets {
		wrong := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("targets: entry %d: %w", i+1, fmt.Errorf(format, args...)))
		}
		if _, ok := t.authOf(entry.Auth); !ok {
			wrong("there is no auth %q", entry.Auth)
		}
		if len(entry.Match) == 0 {
			wrong("match names no hosts")
		}
		r := rule{auth: entry.Auth}
		for _, text := range entry.Match {
			p, err := parsePattern(text)
			if err != nil {
				wrong("match: %w", err)
			}
			r.patterns = append(r.patterns, p)
		}
		t.rules = append(t.rules, r)
	}
	return t, errors.Join(problems...)
}

// parsePattern takes an address, a prefix or a name in which a * stands for any characters.
func parsePattern(text string) (p pattern, err error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return pattern{prefix: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	if strings.Contains(text, "/") {
		if p.prefix, err = netip.ParsePrefix(text); err != nil {
			return p, fmt.Errorf("%q is no prefix of addresses", text)
		}
		p.prefix = p.prefix.Masked()
		return p, nil
	}
	p.name = strings.ToLower(strings.TrimSuffix(text, "."))
	if !regexp.MustCompile(`^[a-z0-9._*-]+$`).MatchString(p.name) {
		return p, fmt.Errorf("%q is neither an address nor a prefix nor a name of a host with *", text)
	}
	return p, nil
}

var (
	quotedByYAML = regexp.MustCompile("(?s) ?(`.*?`|'.*'|\".*\")")
	unknownField = regexp.MustCompile(`(?s)field .* not found in type \S+`)
)

// withoutValues returns an error of the parser without what it quotes of the file, which may be a password: a value,
// what YAML takes for an anchor or a tag, and in {password: a,b} the key b.
func withoutValues(err error) error {
	said := err.Error()
	if wrong := (*yaml.TypeError)(nil); errors.As(err, &wrong) {
		lines := make([]string, len(wrong.Errors))
		for i, line := range wrong.Errors {
			lines[i] = unknownField.ReplaceAllString(quotedByYAML.ReplaceAllString(line, ""), "a field that there is not")
		}
		said = strings.Join(lines, "; ")
	} else {
		said = quotedByYAML.ReplaceAllString(said, "")
	}
	return errors.New(cmp.Or(strings.TrimPrefix(said, "yaml: "), "no YAML"))
}
