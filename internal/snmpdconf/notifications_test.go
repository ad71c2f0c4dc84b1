package snmpdconf

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

func TestTrapSess(t *testing.T) {
	secret := func(s string) usm.Secret { return usm.NewSecret([]byte(s)) }
	const there = usm.EngineID("\x80\x00\x00\x00\x01\x02\x03\x04")
	full := usm.Credentials{Name: "u", Auth: usm.SHA256, AuthSecret: secret("maplesyrup"), Priv: usm.AES128, PrivSecret: secret("syrup of maple")}
	for line, want := range map[string]Sink{
		"-name n -profile p -v 1 -c one nms":      {Version: protocol.V1, Community: "one", Address: "nms", Name: "n", Profile: "p"},
		"-v 1 -c one -tag t nms":                  {Version: protocol.V1, Community: "one", Address: "nms", Tag: "t"},
		"-v 1 -c one 192.0.2.1":                   {Version: protocol.V1, Community: "one", Address: "192.0.2.1"},
		`192.0.2.1:1162 -v2c -c "one two"`:        {Version: protocol.V2c, Community: "one two", Address: "192.0.2.1:1162"},
		"-Ci -v 2C -c one -t 2.5 -r0 udp6:nms":    {Version: protocol.V2c, Community: "one", Address: "udp6:nms", Inform: true, Timeout: 2500 * time.Millisecond},
		"-u u nms":                                {Version: protocol.V3, Level: usm.NoAuthNoPriv, User: usm.Credentials{Name: "u"}, Address: "nms"},
		"-v3 -uu -lauthPriv -Ci nms # the office": {Version: protocol.V3, Level: usm.AuthPriv, User: usm.Credentials{Name: "u"}, Address: "nms", Inform: true, Timeout: time.Second, Retries: 5},
		`-v3 -l authPriv -u u -a SHA-256 -A maplesyrup -x AES -X "syrup of maple" -n blue -E 0x8000000001020304 -s 192.0.2.9 nms`: {Version: protocol.V3,
			Level: usm.AuthPriv, User: full, Context: "blue", ContextEngineID: there, Source: netip.MustParseAddr("192.0.2.9"), Address: "nms"},
		"-v3 -l anp -u u -A maplesyrup -e 8000000001020304 -Ci nms": {Version: protocol.V3, Level: usm.AuthNoPriv, EngineID: there,
			User: usm.Credentials{Name: "u", Auth: usm.MD5, AuthSecret: secret("maplesyrup")}, Address: "nms", Inform: true, Timeout: time.Second, Retries: 5},
		"-v3 -l authPriv -u u -a MD5 -3m 0x31323334353637383930313233343536 -3K=36353433323130393837363534333231 nms": {Version: protocol.V3, Level: usm.AuthPriv,
			User: usm.Credentials{Name: "u", Auth: usm.MD5, AuthForm: usm.MasterKey, AuthSecret: secret("1234567890123456"),
				Priv: usm.DES, PrivForm: usm.LocalizedKey, PrivSecret: secret("6543210987654321")}, Address: "nms"},
	} {
		c, err := Parse(t.Context(), "x.conf", strings.NewReader("trapsess "+line+"\n"))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		want.Port, want.Where = 162, "x.conf:1: trapsess"
		if want.Name == "" {
			want.Name = "internal0"
		}
		if want.Tag == "" {
			want.Tag = want.Name
		}
		got := c.Sinks[0]
		if a, b := got.User, want.User; !a.AuthSecret.Equal(b.AuthSecret) || !a.PrivSecret.Equal(b.PrivSecret) {
			t.Errorf("%s: other secrets", line)
		}
		got.User.AuthSecret, got.User.PrivSecret = want.User.AuthSecret, want.User.PrivSecret
		if got != want {
			t.Errorf("%s:\n%+v, want\n%+v", line, got, want)
		}
		if wants := want.Version == protocol.V3; (len(c.Needs) == 1 && c.Needs[0].Need == V3Notifications) != wants {
			t.Errorf("%s: needs %v", line, c.Needs)
		}
	}
}

// TestTrapSessRefused holds that what makes no sense is refused, and that no error tells a
// secret.
func TestTrapSessRefused(t *testing.T) {
	const user = "-v3 -u u "
	for line, want := range map[string]string{
		"-v3 -u u":                    "needs a host",
		user + `""`:                   "needs a host",
		user + "nms maplesyrup":       "more follows the host",
		"-v4 nms":                     "option -v: the versions are",
		"-v":                          "option -v needs an argument",
		"-v1 nms":                     "needs a community (-c)",
		"-v1 -Ci -c maplesyrup nms":   "SNMPv1 has no informs",
		"-v2c -c maplesyrup -u u nms": "option -u is for SNMPv3",
		"-c maplesyrup nms":           "SNMPv3 has no community",
		"-v3 nms":                     "needs a user",
		user + "-Cx nms":              "there is -Ci only",
		user + "-r 2 nms":             "-r is for informs",
		user + "-Ci -r -1 nms":        "option -r: retries",
		user + "-Ci -t 0 nms":         "option -t: a time",
		user + "-Ci -t NaN nms":       "option -t: a time",
		user + "-l most nms":          "option -l: the levels are",
		user + "-A maplesyrup nms":    "nothing would be authentic",
		user + "-l authNoPriv -A maplesyrup -X maplesyrup nms":                "nothing would be encrypted",
		user + "-l authPriv -A maplesyrup nms":                                "-l authPriv needs -X",
		user + "-l authPriv -X maplesyrup nms":                                "needs -A",
		user + "-l authNoPriv -a SHA nms":                                     "option -a is of no use",
		user + "-l authNoPriv -A maplesyrup -x AES nms":                       "option -x is of no use",
		user + "-l authNoPriv -a maplesyrup -A SHA nms":                       "option -a: the authentication protocols",
		user + "-l authNoPriv -A maple nms":                                   "at least 8",
		user + "-l authNoPriv -3m maplesyrup nms":                             "option -3m: a key is",
		user + "-l authNoPriv -3m 0x31 nms":                                   "has 16 octets, not 1",
		user + "-l authNoPriv -Ci -3k 0x31323334353637383930313233343536 nms": "needs the receiver's (-e)",
		user + "-l authNoPriv -A maplesyrup -3m 0x31 nms":                     "-A and -3m exclude each other",
		user + "-l authNoPriv -3k 0x31 -3m 0x31 nms":                          "-3m and -3k exclude each other",
		user + "-l authPriv -A maplesyrup -3K 0x31 -X maplesyrup nms":         "-X and -3K exclude each other",
		user + "-e 0x80 nms":                                                  "option -e: an engine ID has",
		user + "-n " + strings.Repeat("x", 33) + " nms":                       "context name too long",
		user + "-s nms nms":                                                   "is not an address of this host",
		user + "-s 192.0.2.1:99 nms":                                          "is not an address of this host",
		user + "-D all nms":                                                   "option -D is not supported",
		user + "--quiet nms":                                                  "option -- is not supported",
		user + "nms -profile":                                                 "option -profile needs an argument",
		"-name " + strings.Repeat("x", 33) + " " + user + "nms":               "option -name: a name is 1 to 32 octets",
		`-tag "a b" ` + user + "nms":                                          "option -tag: a tag is 1 to 255 octets without blanks",
		user + `-A "maplesyrup`:                                               "not closed",
	} {
		_, err := Parse(t.Context(), "x.conf", strings.NewReader("trapsess "+line+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.conf:1: trapsess: ") || strings.Contains(err.Error(), "maple") {
			t.Errorf("%s: error %v, want one with %q", line, err, want)
		}
	}
}

// TestClientAddr holds that clientaddr and -s are told apart, and what is wrong with either.
func TestClientAddr(t *testing.T) {
	c, err := Parse(t.Context(), "x.conf", strings.NewReader("trapsink nms\ntrap2sink -s 192.0.2.2 nms\n[snmp] clientaddr 192.0.2.1\ntrapsess -u u nms\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []netip.Addr{{}, netip.MustParseAddr("192.0.2.2"), {}} {
		if got := c.Sinks[i].Source; got != want {
			t.Errorf("%s: from %v, want %v", c.Sinks[i].Where, got, want)
		}
	}
	if want := netip.MustParseAddr("192.0.2.1"); c.ClientAddr != want {
		t.Errorf("clientaddr is %v, want %v", c.ClientAddr, want)
	}
	for line, want := range map[string]string{
		"clientaddr 192.0.2.1:5":  "is not an address of this host",
		"clientaddr 0.0.0.0":      "is not an address of this host",
		"[snmp] clientaddr nms":   "is not an address of this host",
		"clientaddr [2001:db8::1": "is not an address of this host",
		"clientaddr 2001:db8::1]": "is not an address of this host",
		"trapsink -s":             "option -s needs an argument",
	} {
		if _, err := Parse(t.Context(), "x.conf", strings.NewReader(line+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", line, err, want)
		}
	}
}

// FuzzTrapSess holds that a line is taken or refused, and what is taken can be made a user of.
func FuzzTrapSess(f *testing.F) {
	f.Add("-v3 -l authPriv -u u -a SHA-256 -A maplesyrup -x AES -X maplesyrup -n blue -Ci -t 1 -r 3 -e 0x8000000001020304 nms:1162")
	f.Fuzz(func(t *testing.T, line string) {
		c := &Config{at: &Line{}, secrets: map[string]bool{}}
		if trapSess(c, "x", line) != nil {
			return
		}
		s := c.Sinks[0]
		if s.Address == "" || s.Version == protocol.V3 && (s.User.Name == "" || s.Level < usm.NoAuthNoPriv || s.Level > usm.AuthPriv) ||
			s.User.Auth != usm.NoAuth && s.User.Level() < s.Level || s.Inform && s.Timeout <= 0 {
			t.Errorf("%q is %+v", line, s)
		}
	})
}
