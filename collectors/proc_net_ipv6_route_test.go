package collectors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Every route has the counts that the kernel's file has of it, however many there are.
func TestRouteUses(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "-6 addr add 2001:db8::1/64 dev a0 nodad")
	n.Settle(t)
	var commands []string
	for i := range 600 {
		commands = append(commands, fmt.Sprintf("-6 route add 2001:db8:%x::/48 via 2001:db8::%x metric %d", i+1, i%7+2, i%3+1))
	}
	n.IP(t, append(commands, "-6 route add 2001:db8:ff00::/48 nexthop via 2001:db8::2 nexthop via 2001:db8::3",
		"-6 route add blackhole 2001:db8:ff01::/48", "-6 route add 2001:db8:ff02::/48 dev b0 table 77")...)
	want := make(map[string]string)
	for line := range strings.Lines(n.Run(t, "cat", "/proc/net/ipv6_route")) {
		f := strings.Fields(line)
		want[strings.Join([]string{f[0], f[1], f[4], f[5], f[9]}, " ")] = f[6] + " " + f[7]
	}
	names := map[uint32]string{n.Index(t, "lo"): "lo", n.Index(t, "a0"): "a0", n.Index(t, "b0"): "b0"}
	count := 0
	for r, err := range open(t, n).Routes(t.Context(), netstat.RouteQuery{Families: []netstat.Family{netstat.IPv6}, Uses: true}) {
		must(t, err)
		count++
		gateway := [16]byte{}
		if r.Gateway.IsValid() {
			gateway = r.Gateway.As16()
		}
		key := fmt.Sprintf("%x %02x %x %08x %s", r.Destination.Addr().As16(), r.Destination.Bits(), gateway, r.Metric.Or(0), names[r.Interface])
		if r.Options == nil || !r.Options.References.IsKnown() || fmt.Sprintf("%08x %08x", r.Options.References.Or(0), r.Options.Uses.Or(0)) != want[key] {
			t.Errorf("%v by %v: %+v, the file has %q", r.Destination, r.Gateway, r.Options, want[key])
		}
	}
	if count < 600 {
		t.Errorf("%d routes", count)
	}
	for r, err := range open(t, n).Routes(t.Context(), netstat.RouteQuery{}) {
		must(t, err)
		if r.Options != nil && r.Options.Uses.IsKnown() {
			t.Fatal("counts that nobody asked for")
		}
	}
}

func FuzzParseProcRoute6(f *testing.F) {
	f.Add("fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n")
	f.Add("fe80 40 0 00 0 1 2 3 4 x\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := newLines("file", strings.NewReader(text))
		for l.next() {
			r, ok := parseProcRoute6(l)
			if ok && (!r.destination.IsValid() || !r.source.IsValid()) {
				t.Errorf("%+v of %q", r, l.text)
			}
			if !ok && l.err == nil {
				t.Errorf("%q is none, without a reason", l.text)
			}
		}
	})
}
