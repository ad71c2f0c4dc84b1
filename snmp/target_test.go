package snmp

import (
	"strings"
	"testing"
)

func TestParseTargetAddress(t *testing.T) {
	for _, c := range []struct{ text, want, problem string }{
		{"192.0.2.1", "udp:192.0.2.1:162", ""},
		{"192.0.2.1:1162", "udp:192.0.2.1:1162", ""},
		{"udp:192.0.2.1:1162", "udp:192.0.2.1:1162", ""},
		{"TCP:192.0.2.1", "tcp:192.0.2.1:162", ""},
		{"nms", "udp:nms:162", ""},
		{"nms:1162", "udp:nms:1162", ""},
		{"nms.example.org.:1162", "udp:nms.example.org.:1162", ""},
		{"localhost", "udp:localhost:162", ""},
		{"udp6:nms.example.org", "udp6:nms.example.org:162", ""},
		{"tcp6:nms:99", "tcp6:nms:99", ""},
		{"tcp", "udp:tcp:162", ""},
		{"tcp:99", "", "neither an IP address nor"},
		{"::1", "udp6:[::1]:162", ""},
		{"[::1]:1162", "udp6:[::1]:1162", ""},
		{"udp6:::1", "udp6:[::1]:162", ""},
		{"udpv6:[2001:db8::1]:1162", "udp6:[2001:db8::1]:1162", ""},
		{"fe80::1%eth0", "udp6:[fe80::1%eth0]:162", ""},
		{"::ffff:192.0.2.1", "udp:192.0.2.1:162", ""},
		{"", "", "neither an address nor a port"},
		{"1162", "", "neither an IP address nor"},
		{"192.0.2.256", "", `"192.0.2.256" is neither`},
		{"unix:/var/run/x", "", `transport "unix" is not one of`},
		{"dtlsudp:nms:99", "", "neither"},
		{"nms:trap", "", `transport "nms" is not one of`},
		{"192.0.2.1:trap", "", `"trap" is not a port`},
		{"192.0.2.1:0", "", "port 0"},
		{"192.0.2.1:65536", "", "not a port"},
		{"udp6:192.0.2.1", "", "is not an IPv6 address"},
		{"udp:[::1]:162", "", "write udp6"},
		{"a b", "", `"a b" is neither`},
		{"-x", "", `"-x" is neither`},
		{"a..b", "", `"a..b" is neither`},
		{strings.Repeat("a", 64), "", "is neither"},
	} {
		a, err := ParseTargetAddress(c.text, TrapPort)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) || !strings.Contains(err.Error(), `"`+c.text+`"`) {
				t.Errorf("%q: got %v, %v, want an error with %q", c.text, a, err, c.problem)
			}
			continue
		}
		if err != nil || a.String() != c.want {
			t.Errorf("%q: got %v, %v, want %s", c.text, a, err, c.want)
		}
	}
}

// FuzzParseTargetAddress holds that an address that is parsed is written so that
// it is parsed to the same.
func FuzzParseTargetAddress(f *testing.F) {
	for _, s := range []string{"nms:1162", "udp6:[::1]:1162", "tcp:127.0.0.1", "fe80::1%eth0", "::ffff:1.2.3.4", "nms.example.org."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseTargetAddress(s, 162)
		if err != nil {
			return
		}
		if b, err := ParseTargetAddress(a.String(), 1); err != nil || a != b {
			t.Errorf("%q: %v, then %v, %v", s, a, b, err)
		}
	})
}
