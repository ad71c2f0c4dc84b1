package snmpdconf

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

func parsed(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Parse(t.Context(), "x.conf", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWords holds how snmpd reads a word: found with snmpd itself.
func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		`pub"lic"`:           {`pub"lic"`},
		`it's`:               {`it's`},
		`"ab"192.0.2.5`:      {"ab", "192.0.2.5"},
		"p\v192.0.2.5\fx\ry": {"p", "192.0.2.5", "x", "y"},
		`'a "b"' "c 'd'"`:    {`a "b"`, `c 'd'`},
		`a\ b \"c \\`:        {"a b", `"c`, `\`},
		`"a\"b"`:             {`a"b`},
		`p#q # r`:            {"p#q"},
		"p\u00a0 q":          {"p\u00a0", "q"},
		`"" x`:               {"", "x"},
		`  `:                 nil,
		`trailing\`:          {`trailing\`},
	} {
		if got, err := fields(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{`"a.b"`: "a.b", `"a" "b"`: `"a" "b"`, `'x'`: "x", `"`: `"`, `""`: ""} {
		if got := unquote(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestAccess(t *testing.T) {
	c := parsed(t, `com2sec -Cn blue local !192.0.2.0/24 secret
com2sec local default secret
com2sec6 six 2001:db8::/ffff:ffff:: secret
group people v2c local
group people usm joe
view part included .1.3.6.1.2.1.2.2.1.0.2 ff:a0
view part excluded system 0xfe  # a comment
access people "" any noauth exact part none all
access people blue usm priv prefix part part none
setaccess people "" usm auth exact write part
authaccess read,notify other -s usm part priv green*
rouser ann
rwuser -s any bob priv .1.3.6.1.2.1
authuser write,notify eve auth -V part blue
authgroup read staff
rocommunity low 192.0.2.5 -V part blue*
rwcommunity -v 1 high default SNMPv2-MIB::system
authcommunity read both
rouser a-b
rouser a_b
exactEngineID 0x80001f8804616263
`)
	some := netip.MustParsePrefix
	communities := []Community{
		{"secret", some("192.0.2.0/24"), true, "local", "blue", "x.conf:1: com2sec"}, {"secret", some("0.0.0.0/0"), false, "local", "", "x.conf:2: com2sec"},
		{"secret", some("2001:db8::/32"), false, "six", "", "x.conf:3: com2sec6"}, {"low", some("192.0.2.5/32"), false, "comm5", "blue", "x.conf:16: rocommunity"},
		{"high", some("0.0.0.0/0"), false, "comm6", "", "x.conf:17: rwcommunity"},
		{"both", some("0.0.0.0/0"), false, "comm7", "", "x.conf:18: authcommunity"}, {"both", some("::/0"), false, "comm7", "", "x.conf:18: authcommunity"},
	}
	if !slices.Equal(c.Communities, communities) {
		t.Errorf("communities\n%+v, want\n%+v", c.Communities, communities)
	}
	system := mib.MustParseOID("1.3.6.1.2.1.1")
	want := vacm.Tables{
		Groups: []vacm.Group{
			{Model: vacm.SNMPv2c, SecurityName: "local", Name: "people"}, {Model: vacm.USM, SecurityName: "joe", Name: "people"},
			{Model: vacm.USM, SecurityName: "ann", Name: "grpann"}, {Model: vacm.Any, SecurityName: "bob", Name: "grpbob"},
			{Model: vacm.USM, SecurityName: "eve", Name: "grpeve"},
			{Model: vacm.SNMPv1, SecurityName: "comm5", Name: "grpcomm5"}, {Model: vacm.SNMPv2c, SecurityName: "comm5", Name: "grpcomm5"},
			{Model: vacm.SNMPv1, SecurityName: "comm6", Name: "grpcomm6"},
			{Model: vacm.SNMPv1, SecurityName: "comm7", Name: "grpcomm7"}, {Model: vacm.SNMPv2c, SecurityName: "comm7", Name: "grpcomm7"},
			{Model: vacm.USM, SecurityName: "a-b", Name: "grpa_b"}, {Model: vacm.USM, SecurityName: "a_b", Name: "grpa_b_2"},
		},
		Access: []vacm.Access{
			// Setaccess finds the entry that a request at its level would have.
			{Group: "people", Model: vacm.Any, Level: vacm.NoAuthNoPriv, Views: [3]string{"part", "part", "all"}},
			{Group: "people", ContextPrefix: "blue", Prefix: true, Model: vacm.USM, Level: vacm.AuthPriv, Views: [3]string{"part", "part", "none"}},
			{Group: "other", ContextPrefix: "green", Prefix: true, Model: vacm.USM, Level: vacm.AuthPriv, Views: [3]string{"part", "", "part"}},
			{Group: "grpann", Prefix: true, Model: vacm.USM, Level: vacm.AuthNoPriv, Views: [3]string{"_all_", "none", "none"}},
			{Group: "grpbob", Prefix: true, Model: vacm.Any, Level: vacm.AuthPriv, Views: [3]string{"viewUSM2", "viewUSM2", "viewUSM2"}},
			{Group: "grpeve", ContextPrefix: "blue", Model: vacm.USM, Level: vacm.AuthNoPriv, Views: [3]string{"", "part", "part"}},
			{Group: "staff", Prefix: true, Model: vacm.USM, Level: vacm.AuthNoPriv, Views: [3]string{"_all_", "none", "none"}},
			{Group: "grpcomm5", ContextPrefix: "blue", Prefix: true, Level: vacm.NoAuthNoPriv, Views: [3]string{"part", "none", "none"}},
			{Group: "grpcomm6", Prefix: true, Model: vacm.SNMPv1, Level: vacm.NoAuthNoPriv, Views: [3]string{"viewComm6", "viewComm6", "viewComm6"}},
			{Group: "grpcomm7", Prefix: true, Level: vacm.NoAuthNoPriv, Views: [3]string{"_all_", "none", "none"}},
			{Group: "grpa_b", Prefix: true, Model: vacm.USM, Level: vacm.AuthNoPriv, Views: [3]string{"_all_", "none", "none"}},
			{Group: "grpa_b_2", Prefix: true, Model: vacm.USM, Level: vacm.AuthNoPriv, Views: [3]string{"_all_", "none", "none"}},
		},
		Families: append(parsed(t, "").Access.Families,
			vacm.Family{View: "part", Subtree: mib.MustParseOID("1.3.6.1.2.1.2.2.1.0.2"), Mask: []byte{0xff, 0xa0}},
			vacm.Family{View: "part", Subtree: system, Mask: []byte{0xfe}, Excluded: true},
			vacm.Family{View: "viewUSM2", Subtree: mib.MustParseOID("1.3.6.1.2.1")}, vacm.Family{View: "viewComm6", Subtree: system}),
	}
	if !reflect.DeepEqual(c.Access, want) {
		t.Errorf("access\n%+v, want\n%+v", c.Access, want)
	}
	if _, err := vacm.Compile(c.Access); err != nil {
		t.Error(err)
	}
	if c.EngineID.String() != "0x80001f8804616263" {
		t.Error(c.EngineID)
	}
	for _, n := range []Needed{
		{Denying, "x.conf:1: com2sec"}, {Contexts, "x.conf:1: com2sec"}, {Groups, "x.conf:2: com2sec"}, {Users, "x.conf:5: group"},
		{Views, "x.conf:6: view"}, {Notifications, "x.conf:8: access"}, {Views, "x.conf:16: rocommunity"},
	} {
		if !slices.Contains(c.Needs, n) {
			t.Errorf("%+v is not among the needs", n)
		}
	}
	if needs := parsed(t, "rocommunity public\nrocommunity6 x default\n").Needs; len(needs) > 0 {
		t.Errorf("communities that read everything need %v", needs)
	}
}

// TestTextsOfNetSNMP holds what the tests T070 to T072 of net-snmp want to read.
func TestTextsOfNetSNMP(t *testing.T) {
	name32, name33, name34 := strings.Repeat("1", 32), strings.Repeat("1", 33), strings.Repeat("1", 34)
	community := strings.Repeat("c", 256)
	for line, want := range map[string]string{
		"com2sec -Cn":    "missing CONTEXT_NAME parameter",
		`com2sec -Cn ""`: "missing NAME parameter",
		"com2sec -Cn " + name33 + " secname default com": "context name too long",
		`com2sec ""`:                                      "empty NAME parameter",
		"com2sec " + name33 + " default com":              "security name too long",
		"com2sec -Cn " + name32:                           "missing NAME parameter",
		"com2sec -Cn " + name32 + ` ""`:                   "empty NAME parameter",
		"com2sec t403a":                                   "missing SOURCE parameter",
		`com2sec t403b ""`:                                "empty SOURCE parameter",
		"com2sec t403c NETWORK":                           "example config NETWORK not properly configured",
		"com2sec t404a default":                           "missing COMMUNITY parameter",
		`com2sec t404b default ""`:                        "empty COMMUNITY parameter",
		"com2sec t404c default COMMUNITY":                 "example config COMMUNITY not properly configured",
		"com2sec t404d default " + community + "7":        "community name too long",
		"com2sec t404e default " + community:              "",
		"com2sec t405c 10.0.0.0/8 c405c":                  "",
		"com2sec t405d 10.0.0.0/33 c405d":                 "bad mask length",
		"com2sec t405e 10.0.0.0/-1 c405e":                 "bad mask length",
		"com2sec t405f 10.0.0.0/255.0.0.0 c405f":          "",
		"com2sec t405g 10.0.0.0/512.0.0.0 c405g":          "bad mask",
		"com2sec t405h 10.0.0.0/hh c405h":                 "bad mask",
		"com2sec t405i 10.0.0.0/3.192.0.0 c405i":          "source/mask mismatch",
		"com2sec t405j 0.0.0.0 c405j":                     "",
		"com2sec t405l 0.0.0.0/0.0.0.0 c405l":             "",
		"com2sec t406a 255.255.255.255/255.255.255.255 c": "",
		"com2sec6 t603c NETWORK":                          "example config NETWORK not properly configured",
		"com2sec6 t605d aa00::/129 c605d":                 "bad mask length",
		"com2sec6 t605e aa00::/-1 c605e":                  "bad mask length",
		"com2sec6 t605f aa00::/ff00:: c605f":              "",
		"com2sec6 t605g aa00::/fffff:: c605g":             "bad mask",
		"com2sec6 t605i aa00::/0ff0:: c605i":              "source/mask mismatch",
		"com2secunix -Cn " + name34:                       "context name too long",
		"com2secunix " + name34:                           "security name too long",
		"com2secunix -Cn " + name33:                       "missing NAME parameter",
		"com2secunix -Cn " + name33 + ` ""`:               "empty NAME parameter",
		"com2secunix tu03a":                               "missing SOCKPATH parameter",
		`com2secunix tu03b ""`:                            "empty SOCKPATH parameter",
		"com2secunix tu03c " + strings.Repeat("x", 108):   "sockpath too long",
		"com2secunix tu03d " + strings.Repeat("x", 107):   "missing COMMUNITY parameter",
		"com2secunix tu04c default COMMUNITY":             "example config COMMUNITY not properly configured",
		"com2secunix tu04d default " + community[:255]:    "community name too long",
		"com2secunix tu04e default " + community[:254]:    "",
		"com2secunix tu07a /dev/null/no/such cu07a":       "",
	} {
		_, err := Parse(t.Context(), "x", strings.NewReader(line+"\n"))
		directive, _, _ := strings.Cut(line, " ")
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), "x:1: "+directive+": "+want)) {
			t.Errorf("%.60s: error %v, want %q", line, err, want)
		}
	}
}

func TestAccessRefused(t *testing.T) {
	for line, want := range map[string]string{
		"group g v3 x":                                          "bad security model",
		"group g":                                               "missing MODEL",
		"group g v1":                                            "missing SECURITY",
		"group g v1 x y":                                        "more follows the security name",
		"access g":                                              "missing CONTEXT",
		"access g \"\" any noauth exact a b":                    "missing notifyView",
		"access g \"\" any none exact a b c":                    "bad security level",
		"access g \"\" any noauth some a b c":                   "bad prefix match",
		"setaccess g \"\" any noauth exact log v":               "is for snmptrapd",
		"setaccess g \"\" any noauth exact read":                "missing viewval",
		"authaccess read g":                                     "missing VIEW",
		"authaccess all g v":                                    "\"all\" is none of",
		"authaccess read g v auth c x":                          "more follows the context",
		"view v inc .1":                                         "TYPE must be",
		"view v included":                                       "missing SUBTREE",
		"view v included nothing":                               "is neither an object identifier",
		"view v included .1.3.system":                           "is neither an object identifier",
		"view v included .1 ff80":                               "invalid MASK: \"ff80\"",
		"view v included .1 xx":                                 "invalid MASK",
		"view v included .1 " + strings.Repeat("f.", 17):        "MASK too long",
		"rouser u secret":                                       "bad security level",
		"rouser u auth .1 \"\"":                                 "cannot be blank",
		"rouser u auth -V":                                      "name of a view",
		"rouser -s tsm u":                                       "bad security model",
		"rocommunity -v 3 c":                                    "-v needs a version",
		"rocommunity COMMUNITY":                                 "example config COMMUNITY",
		"rocommunity c NETWORK":                                 "example config NETWORK",
		"rocommunity c @net":                                    "netgroup",
		"rocommunity " + strings.Repeat("c", 256):               "community name too long",
		"rocommunity c\x00 192.0.2.5":                           "has a NUL",
		"authuser log u":                                        "is for snmptrapd",
		"createUser u MD4 topsecret1":                           "the authentication protocols are",
		"createUser u MD5":                                      "needs a passphrase",
		"createUser u MD5 short":                                "has 5 octets: at least 8",
		"createUser u MD5 topsecret1 BLOWFISH x":                "the privacy protocols are",
		"createUser u MD5 topsecret1 DES topsec":                "privacy: the passphrase has 6",
		"createUser u MD5 -l topsecret1":                        "hexadecimal digits",
		"createUser u MD5 -m 0x00":                              "a master key of MD5 has 16 octets, not 1",
		"createUser u MD5 topsecret1 DES topsecret2 topsecret3": "more follows the last secret",
		"createUser -e 0x00 u":                                  "invalid EngineID",
		"exactEngineID secret":                                  "hexadecimal",
		"exactEngineID 0x0000000000":                            "neither all zeros",
		"engineID " + strings.Repeat("x", 28):                   "1 to 27",
	} {
		_, err := Parse(t.Context(), "x", strings.NewReader(line+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x:1: ") {
			t.Errorf("%.60q: error %v, want one with %q", line, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "topsec") {
			t.Errorf("%q: a secret is in the error %v", line, err)
		}
	}
}

func TestCreateUser(t *testing.T) {
	c := parsed(t, `createUser noauth
createUser "with blank" sha-256 "a passphrase"
createUser -e 0x8000000001020304 u SHA passphrase AES
createUser m SHA -m 0x9fb5cc0381497b3793528939ff788d5d79145211 aes-256-c -l 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
`)
	if len(c.Users) != 4 {
		t.Fatalf("%+v", c.Users)
	}
	for i, want := range []struct {
		name   string
		auth   usm.Hash
		priv   usm.Cipher
		engine usm.EngineID
	}{
		{"noauth", usm.NoAuth, usm.NoPriv, ""}, {"with blank", usm.SHA256, usm.NoPriv, ""},
		{"u", usm.SHA1, usm.AES128, "\x80\x00\x00\x00\x01\x02\x03\x04"}, {"m", usm.SHA1, usm.AES256C, ""},
	} {
		u := c.Users[i]
		if u.Name != want.name || u.Auth != want.auth || u.Priv != want.priv || u.EngineID != want.engine || u.Where != fmt.Sprintf("x.conf:%d: createUser", i+1) {
			t.Errorf("%+v", u)
		}
	}
	if m := c.Users[3]; m.AuthForm != usm.MasterKey || m.PrivForm != usm.LocalizedKey || m.PrivSecret.Len() != 32 {
		t.Errorf("%+v", m)
	}
}

func TestParseOID(t *testing.T) {
	for text, want := range map[string]string{
		".1": "1", "1.3.6.1.2.1.1.": "1.3.6.1.2.1.1", "system": "1.3.6.1.2.1.1", "iso.3.6": "1.3.6", ".iso.org.dod.internet.mgmt.mib-2.ip": "1.3.6.1.2.1.4",
		"SNMPv2-MIB::system.5": "1.3.6.1.2.1.1.5", ".1.3.6.1.2.1.host": "1.3.6.1.2.1.25", "ucdavis": "1.3.6.1.4.1.2021",
	} {
		if got, err := parseOID(text); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", "..1", "1.3.x", "system.iso", "4294967296", strings.Repeat("1.", 129) + "1"} {
		if got, err := parseOID(text); err == nil {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestSnmpdAgrees gives snmpd a file and asks it for variables, as the communities and users of the file: it answers
// what the policy of the same file allows.
func TestSnmpdAgrees(t *testing.T) {
	nstest.NeedsProgram(t, "snmpd")
	nstest.NeedsProgram(t, "snmpget")
	const file = `com2sec shut 127.0.0.0/8 shadowed
com2sec open default shadowed
com2sec plain !127.0.0.2 spared
com2sec plain default spared
com2sec plain 127.0.0.1/32 first
com2sec open default first
com2sec lost default lost
group g v2c plain
group g v1 open
group g usm noauth
group g usm auth
view v included .1.3.6.1.2.1
view v excluded .1.3.6.1.2.1.1.5
view v included .1.3.6.1.2.1.1.9.1.0.2 ff:a0
view v excluded .1.3.6.1.2.1.1.9
view w included .1.3.6.1.2.1.1.1
access g "" any noauth exact v none none
access g "" usm auth exact w none none
rocommunity all
rocommunity sys 127.0.0.1 .1.3.6.1.2.1.1
rocommunity six 192.0.2.0/24
rocommunity part default -V v
rocommunity viewless default -V nothing
rwcommunity -v 1 old
createUser noauth
createUser auth SHA-256 passphrase AES
createUser ro SHA passphrase AES
createUser rp SHA passphrase AES
createUser stranger SHA passphrase
rouser ro
rwuser ro priv -V w
rouser rp priv
`
	policy, err := vacm.Compile(parsed(t, file).Access)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	snmpd := exec.Command("snmpd", "-f", "-Lf", log, "-DREADY", "-C", "-c", path, "-I", "-smux", "udp:127.0.0.1:0")
	snmpd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "MIBS=")
	if err := snmpd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snmpd.Process.Kill(); _ = snmpd.Wait() })
	port := ""
	nstest.Eventually(t, func() string {
		text, _ := os.ReadFile(log)
		if !bytes.Contains(text, []byte("NET-SNMP version")) {
			return "snmpd does not start: " + string(text)
		}
		port = udpPort(t, snmpd.Process.Pid)
		if port == "" {
			return "snmpd has no socket"
		}
		return ""
	})
	names := []string{"1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.9.1.3.1", "1.3.6.1.2.1.1.9.1.3.2", "1.3.6.1.2.1.11.1.0", "1.3.6.1.6.3.10.2.1.2.0"}
	config := parsed(t, file)
	allowed, asked := 0, 0
	check := func(who string, request vacm.Request, answered bool, args ...string) {
		t.Helper()
		names, wait := names, "60" // however slow the machine is
		if !answered {
			names, wait = names[:1], "0.3"
		} else if request.Model == vacm.SNMPv1 {
			names = names[:1] // one that is missing fails them all
		}
		args = append(append(slices.Clone(args), "-On", "-Oqv", "-t", wait, "-r", "0", "127.0.0.1:"+port), names...)
		cmd := exec.Command("snmpget", args...)
		cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH=/dev/null")
		out, err := cmd.CombinedOutput()
		lines := strings.Split(string(out), "\n")
		for i, name := range names {
			theirs := err == nil && !strings.Contains(lines[i], "No Such")
			ours := answered && policy.IsAccessAllowed(request, mib.MustParseOID(name)) == vacm.AccessAllowed
			asked++
			if ours {
				allowed++
			}
			if theirs != ours {
				t.Errorf("%s, %s: %v, snmpd %q", who, name, ours, out)
			}
		}
	}
	here := netip.MustParseAddr("127.0.0.1")
	for _, community := range []string{"shadowed", "spared", "first", "lost", "all", "sys", "six", "part", "viewless", "old", "nobody"} {
		i := slices.IndexFunc(config.Communities, func(c Community) bool { return c.Name == community && c.Source.Contains(here) })
		for model, version := range map[vacm.SecurityModel]string{vacm.SNMPv1: "-v1", vacm.SNMPv2c: "-v2c"} {
			request := vacm.Request{Model: model, Level: vacm.NoAuthNoPriv, ContextExists: true}
			if i >= 0 {
				request.SecurityName = config.Communities[i].SecurityName
			}
			_, result := policy.View(request)
			check(community+" "+version, request, i >= 0 && !config.Communities[i].Deny && result == vacm.AccessAllowed, version, "-c", community)
		}
	}
	secrets := []string{"-a", "SHA", "-A", "passphrase", "-x", "AES", "-X", "passphrase"}
	for _, u := range config.Users {
		for level, flag := range map[vacm.Level]string{vacm.NoAuthNoPriv: "noAuthNoPriv", vacm.AuthNoPriv: "authNoPriv", vacm.AuthPriv: "authPriv"} {
			args := append([]string{"-v3", "-u", u.Name, "-l", flag}, secrets...)
			args[slices.Index(args, "SHA")] = u.Auth.String()
			if u.Auth == usm.NoAuth {
				args = args[:5]
			}
			if u.Auth == usm.NoAuth && level > vacm.NoAuthNoPriv || u.Priv == usm.NoPriv && level == vacm.AuthPriv {
				continue // there is no such message
			}
			check(u.Name+" "+flag, vacm.Request{Model: vacm.USM, SecurityName: u.Name, Level: level, ContextExists: true}, true, args...)
		}
	}
	if allowed == 0 || allowed == asked {
		t.Errorf("of %d questions %d are allowed", asked, allowed)
	}
}

// udpPort returns the port of a process's UDP socket.
func udpPort(t *testing.T, pid int) string {
	t.Helper()
	out, err := exec.Command("ss", "-Hulnp").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); strings.Contains(line, ",pid="+strconv.Itoa(pid)+",") {
			return f[3][strings.LastIndex(f[3], ":")+1:]
		}
	}
	return ""
}
