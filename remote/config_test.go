package remote_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

func TestParse(t *testing.T) {
	var c remote.Config
	err := c.Parse("snmp.conf", strings.NewReader(`
# a comment
mibs +ALL
defVersion 3
defCommunity "a b"   # a community
defSecurityName  admin
DEFSECURITYLEVEL authPriv
defAuthType SHA-256
defPrivType AES-256
defPassphrase for both of them
defPrivPassphrase "its \"own\" one"   # that ends with the quote
defContext blue # and \green
defaultPort 1161
timeout 3
retries 0
maxAnswer 1400
maxrequests 8
`))
	if err != nil {
		t.Fatal(err)
	}
	want := remote.Config{
		Port: 1161, Version: remote.V3, Community: "a b", SecurityName: "admin", SecurityLevel: remote.AuthPriv,
		AuthType: remote.AuthSHA256, AuthPassphrase: "for both of them", PrivType: remote.PrivAES256, PrivPassphrase: `its "own" one`,
		Context: `blue # and \green`, Timeout: 3 * time.Second, Retries: netstat.Known(0),
		MaxAnswer: 1400, Sessions: 8,
	}
	if c != want {
		t.Errorf("got %v", c)
	}
}

func TestParseErrors(t *testing.T) {
	const secret = "s3cret"
	text := strings.Join([]string{
		"defVersion 4", "defCommunity", "defVersion " + "2c 2c", `defPassphrase "` + secret, "defAuthPassphrase " + secret,
		"defAuthType SHA3", "defPrivType 3DES", "defSecurityLevel high", "defaultPort 70000", "timeout -1", "retries many",
		"defAuthMasterKey 0x" + secret, "defComunity public", "nonsense", "[snmp", "defPassphrase=" + secret, secret, "[snmp]defCommunity " + secret, "defVersion 2c",
	}, "\n")
	var c remote.Config
	err := c.Parse("a.conf", strings.NewReader(text))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{
		"a.conf:1: defVersion: \"4\" is none of 1, 2c, 3", "a.conf:2: defCommunity: needs", "a.conf:3: defVersion: takes one",
		"a.conf:4: defPassphrase: a quote", "a.conf:5: defAuthPassphrase: a passphrase has at least 8",
		"a.conf:6: defAuthType", "a.conf:7: defPrivType", "a.conf:8: defSecurityLevel", "a.conf:9: defaultPort", "a.conf:10: timeout",
		"a.conf:11: retries", "a.conf:12: defAuthMasterKey: not supported", "a.conf:13: unknown directive (did you mean defCommunity?)",
		"a.conf:14: unknown directive", "a.conf:15: a section's name ends with ]",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d of the error is not %q:\n%v", i+1, want, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error shows a secret: %v", err)
	}
	if c.Version != remote.V2c {
		t.Error("what a right line says is not set")
	}
	if err := c.ReadFile("/nonexistent/snmp.conf"); !strings.Contains(fmt.Sprint(err), "/nonexistent") {
		t.Errorf("%v is no %v", err, fs.ErrNotExist)
	}
}

// Of the sections of a file, clients read snmp's (snmp_config(5)); another one does not begin for them, as for net-snmp's.
func TestSections(t *testing.T) {
	var c remote.Config
	err := c.Parse("a.conf", strings.NewReader(`
defVersion 1
[snmpd] nonsense
[snmp] defCommunity mine
[snmptrapd]
defContext theirs
[snmp] timeout 7
[snmp]
retries 2
`))
	if want := (remote.Config{Version: remote.V1, Community: "mine", Context: "theirs", Timeout: 7 * time.Second, Retries: netstat.Known(2)}); err != nil || c != want {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestIncluded holds that a file's includes are followed, and that what is missing is said.
func TestIncluded(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.conf": "includeFile b.conf\nincludeDir " + dir + "/d\ndefVersion 2c\n", "b.conf": "defCommunity b\ntimeout 3\n", "d/c.conf": "defCommunity c\n", "e.conf": "includeFile nowhere.conf\ndefVersion 1\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var c remote.Config
	err := c.ReadFile(filepath.Join(dir, "a.conf"))
	if want := (remote.Config{Version: remote.V2c, Community: "c", Timeout: 3 * time.Second}); err != nil || c != want {
		t.Errorf("got %v, %v", c, err)
	}
	if err := c.ReadFile(filepath.Join(dir, "e.conf")); !strings.Contains(fmt.Sprint(err), "e.conf:1: includeFile: there is no file") {
		t.Error(err)
	}
	t.Setenv("SNMPCONFPATH", dir+":/nowhere")
	if got, want := remote.ConfigFiles(), []string{dir + "/snmp.conf", dir + "/snmp.local.conf", "/nowhere/snmp.conf", "/nowhere/snmp.local.conf"}; !slices.Equal(got, want) {
		t.Errorf("files %q", got)
	}
}

func TestEnvironment(t *testing.T) {
	environment := map[string]string{
		"SNMP_VERSION": "3", "SNMP_SECURITY_NAME": "admin", "SNMP_PASSPHRASE": "for both of them", "SNMP_AUTH_TYPE": "SHA",
		"SNMP_PRIV_TYPE": "AES", "SNMP_TIMEOUT": "soon",
	}
	var c remote.Config
	err := c.Environment(func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	if err == nil || !strings.HasPrefix(err.Error(), `SNMP_TIMEOUT: "soon" is not`) {
		t.Errorf("error is %v", err)
	}
	if c.SecurityName != "admin" || c.AuthPassphrase != "for both of them" || c.PrivPassphrase != "for both of them" || c.PrivType != remote.PrivAES {
		t.Errorf("got %v", c)
	}
	for _, name := range remote.Variables() {
		if !strings.HasPrefix(name, "SNMP_") {
			t.Errorf("variable %s", name)
		}
	}
}

// However a configuration is printed, its secrets do not show.
func TestSecretsDoNotShow(t *testing.T) {
	const secret = "xyzzy-plugh"
	c := remote.Config{Address: "192.0.2.1", Community: secret, AuthPassphrase: secret, PrivPassphrase: secret, SecurityName: "admin"}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%T"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", &c)
		fmt.Fprintf(&out, verb+"\n", c.Community)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("config", "config", c, "community", c.Community)
	for _, shown := range []string{secret, fmt.Sprintf("%x", secret), "120 121 122"} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("%q shows in\n%s", shown, out.String())
		}
	}
	for _, c := range []remote.Config{
		{Address: "127.0.0.1:1:2:", Community: secret}, {Address: "127.0.0.1", Community: secret, Retries: netstat.Known(-1)},
		{Address: "127.0.0.1", Community: secret, Context: "blue"}, {Address: "127.0.0.1", Version: remote.V3, AuthPassphrase: secret},
		{Address: "127.0.0.1:9", Community: secret, Timeout: time.Millisecond, Retries: netstat.Known(0)},
	} {
		if _, err := remote.Open(t.Context(), c); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%v: error is %v", c, err)
		}
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	v3 := remote.Config{Address: "127.0.0.1", Version: remote.V3, SecurityName: "admin", SecurityLevel: remote.AuthPriv}
	for want, c := range map[string]remote.Config{
		"needs a community":         {Address: "127.0.0.1"},
		"names no host":             {Address: "udp:161", Community: "public"},
		"neither an address nor":    {Address: "udp:", Community: "public"},
		"at port 0":                 {Address: "127.0.0.1:0", Community: "public"},
		"has blanks in it":          {Address: "192.0.2.1 192.0.2.2", Community: "public"},
		"is neither an IPv6":        {Address: "dtlsudp:192.0.2.1:161", Community: "public"},
		"is IPv4's":                 {Address: "tcp6:192.0.2.1", Community: "public"},
		"interface follows a %":     {Address: "[fe80::1]:161", Community: "public"},
		"closing bracket":           {Address: "[::1", Community: "public"},
		"needs an authentication p": v3,
		"needs a security name":     {Address: "127.0.0.1", Version: remote.V3},
		"has no contexts":           {Address: "127.0.0.1", Community: "public", Context: "blue"},
		"sessions":                  {Address: "127.0.0.1", Community: "public", Sessions: 1000},
	} {
		if _, err := remote.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("defVersion 3\ndefCommunity \"a\\\" b\" # c\n")
	f.Add("defPassphrase '\n[snmp]\ntimeout 99999999999999999999\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // files would be read
		}
		var c remote.Config
		err := c.Parse("f", strings.NewReader(text))
		if err == nil {
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "f:") && !strings.HasPrefix(line, "and ") {
				t.Errorf("an error without a place: %q", line)
			}
		}
		if c.Retries.Or(0) < 0 || c.Timeout < 0 {
			t.Errorf("%v", c)
		}
	})
}

// A bound is one of what is possible.
func TestBoundsOfConfigurations(t *testing.T) {
	for _, line := range []string{"maxAnswer 483", "maxAnswer 60001", "maxAnswer", "maxAnswer all", "maxRequests 0", "maxRequests 257"} {
		var c remote.Config
		if err := c.Parse("a.conf", strings.NewReader(line)); err == nil || c != (remote.Config{}) {
			t.Errorf("%s: %v, %v", line, c, err)
		}
	}
	for _, c := range []remote.Config{{MaxAnswer: 483}, {MaxAnswer: 60_001}, {MaxAnswer: -1}, {Sessions: 257}} {
		c.Address, c.Community = "192.0.2.1", "public"
		if err := c.Check(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
