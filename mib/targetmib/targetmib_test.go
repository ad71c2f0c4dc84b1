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
		{Name: "internal0", Domain: mib.MustParseOID("1.3.6.1.6.1.1"), Address: "\xc0\x00\x02\x01\x00\xa2", Timeout: time.Second, Retries: 5, Tags: "internal0", Params: "internal0"},
		{Name: strings.Repeat("\xff", 32), Domain: mib.MustParseOID("1.3.6.1.2.1.100.1.14"), Address: "nms:162", Timeout: 10 * time.Millisecond, Retries: 255, Tags: "a b"},
	}
	tabletest.RoundTrip(t, Addresses(), addresses, func(a Address) Address { return a })
	params := []Params{
		{Name: "internal0", Model: 0, SecurityModel: 1, SecurityName: "internal0", SecurityLevel: 1},
		{Name: "p", Model: 3, SecurityModel: 3, SecurityName: "u", SecurityLevel: 3},
	}
	tabletest.RoundTrip(t, Parameters(), params, func(p Params) Params { return p })
}
