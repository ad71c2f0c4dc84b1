package targetmib

import (
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
)

func TestRoundTrip(t *testing.T) {
	addresses := []Address{
		{Name: "internal0", Domain: mib.MustParseOID("1.3.6.1.6.1.1"), Address: "\xc0\x00\x02\x01\x00\xa2", Timeout: time.Second, Retries: 5, Tags: "internal0", Params: "internal0", Mask: "\xff\xff\xff\x00\x00\x00", MaxMessageSize: 484},
		{Name: strings.Repeat("\xff", 32), Domain: mib.MustParseOID("1.3.6.1.2.1.100.1.14"), Address: "nms:162", Timeout: 10 * time.Millisecond, Retries: 255, Tags: "a b"},
	}
	tabletest.RoundTrip(t, Addresses(), addresses, func(a Address) Address { return a })
	params := []Params{
		{Name: "internal0", Model: 0, SecurityModel: 1, SecurityName: "internal0", SecurityLevel: 1},
		{Name: "p", Model: 3, SecurityModel: 3, SecurityName: "u", SecurityLevel: 3},
	}
	tabletest.RoundTrip(t, Parameters(), params, func(p Params) Params { return p })
}

// TestTagList is the clause of SnmpTagList (RFC 3413): one delimiter between two tags, none at the ends.
func TestTagList(t *testing.T) {
	for list, want := range map[string]bool{
		"": true, "acme": true, "host router bridge": true, "a\tb\nc\rd": true, "al\x00fa": true,
		" a": false, "a ": false, "a  b": false, "a \tb": false, " ": false, "\n": false,
	} {
		if err := tagList(nil, list); (err == nil) != want {
			t.Errorf("%q: %v", list, err)
		}
	}
	a := Address{Tags: "host router\tbridge"}
	for tag, want := range map[string]bool{"host": true, "router": true, "bridge": true, "route": false, "": false, "host router": false} {
		if a.HasTag(tag) != want {
			t.Errorf("%q: %v", tag, !want)
		}
	}
}
