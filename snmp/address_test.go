package snmp

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct{ text, want, problem string }{
		{"161", "udp:0.0.0.0:161", ""},
		{"1161", "udp:0.0.0.0:1161", ""},
		{"127.0.0.1", "udp:127.0.0.1:161", ""},
		{"127.0.0.1:1161", "udp:127.0.0.1:1161", ""},
		{"udp:127.0.0.1:1161", "udp:127.0.0.1:1161", ""},
		{"UDP:127.0.0.1:1161", "udp:127.0.0.1:1161", ""},
		{"udp4:1161", "udp:0.0.0.0:1161", ""},
		{"udp:1161", "udp:0.0.0.0:1161", ""},
		{"udp::1161", "udp:0.0.0.0:1161", ""},
		{"udp:localhost", "udp:127.0.0.1:161", ""},
		{"localhost:1161", "udp:127.0.0.1:1161", ""},
		{"tcp6:localhost:1161", "tcp6:[::1]:1161", ""},
		{"udp6:[::1]:1161", "udp6:[::1]:1161", ""},
		{"udp6:[::1]", "udp6:[::1]:161", ""},
		{"udp6:::1", "udp6:[::1]:161", ""},
		{"udpv6:1161", "udp6:[::]:1161", ""},
		{"[::1]:1161", "udp6:[::1]:1161", ""},
		{"::1", "udp6:[::1]:161", ""},
		{"fe80::1%eth0", "udp6:[fe80::1%eth0]:161", ""},
		{"fe80::1", "udp6:[fe80::1]:161", ""},
		{"udp6:[fe80::1%2]:1161", "udp6:[fe80::1%2]:1161", ""},
		{"tcp:192.0.2.1:0", "tcp:192.0.2.1:0", ""},
		{"tcp6:0", "tcp6:[::]:0", ""},
		{"", "", "neither an address nor a port"},
		{"udp:", "", "neither an address nor a port"},
		{"sctp:161", "", `transport "sctp" is not one of`},
		{"unix:/var/run/x", "", `transport "unix" is not one of`},
		{"udp:127.0.0.1:65536", "", `"65536" is not a port`},
		{"65536", "", `"65536" is not a port`},
		{"udp:127.0.0.1:snmp", "", `"snmp" is not a port`},
		{"udp:127.0.0.256", "", `"127.0.0.256" is not an IP address`},
		{"example.org:161", "", `"example.org" is not an IP address`},
		{"example.org", "", `"example.org" is not an IP address`},
		{"udp6:127.0.0.1", "", "is not an IPv6 address"},
		{"udp:[::1]:161", "", "write udp6"},
		{"tcp:::1", "", "write tcp6"},
		{"udp6:[::1", "", "closing bracket"},
		{"udp6:[::1]161", "", "closing bracket"},
	} {
		a, err := ParseAddress(c.text)
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

// FuzzParseAddress holds that an address that is parsed is written so that it is
// parsed to the same.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"161", "udp6:[::1]:1161", "tcp:127.0.0.1", "fe80::1%eth0", "::ffff:1.2.3.4", "udp6:::%0]0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		if b, err := ParseAddress(a.String()); err != nil || a != b {
			t.Errorf("%q: %v, then %v, %v", s, a, b, err)
		}
	})
}
