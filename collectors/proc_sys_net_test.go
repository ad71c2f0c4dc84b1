package collectors

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestIPSettings holds that settings are those of the namespace, and follow it.
func TestIPSettings(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	k := open(t, n)
	set := func(n *nstest.NS, values map[string]string) {
		for name, value := range values {
			n.Sysctl(t, name, value)
		}
	}
	read := func() (all []netstat.IPSettings) {
		for s, err := range k.IPSettings(t.Context()) {
			must(t, err)
			all = append(all, s)
		}
		return all
	}
	want := func(forwarding, forwarding6 bool, limit, limit6 uint8, timeout, timeout6 time.Duration) {
		t.Helper()
		both := []netstat.IPSettings{
			{Family: netstat.IPv4, Forwarding: netstat.Known(forwarding), HopLimit: netstat.Known(limit), ReassemblyTimeout: netstat.Known(timeout)},
			{Family: netstat.IPv6, Forwarding: netstat.Known(forwarding6), HopLimit: netstat.Known(limit6), ReassemblyTimeout: netstat.Known(timeout6)},
		}
		if diff := cmp.Diff(both, read(), cmp.Comparer(func(a, b netstat.IPSettings) bool { return a == b })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	set(n, map[string]string{
		"net.ipv4.ip_forward": "0", "net.ipv4.ip_default_ttl": "77", "net.ipv4.ipfrag_time": "9",
		"net.ipv6.conf.all.forwarding": "1", "net.ipv6.conf.default.hop_limit": "255", "net.ipv6.ip6frag_time": "61",
	})
	set(other, map[string]string{
		"net.ipv4.ip_forward": "1", "net.ipv4.ip_default_ttl": "78", "net.ipv4.ipfrag_time": "10",
		"net.ipv6.conf.all.forwarding": "0", "net.ipv6.conf.default.hop_limit": "254", "net.ipv6.ip6frag_time": "62",
	})
	want(false, true, 77, 255, 9*time.Second, 61*time.Second)
	set(n, map[string]string{"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "0"})
	want(true, false, 77, 255, 9*time.Second, 61*time.Second)
}
