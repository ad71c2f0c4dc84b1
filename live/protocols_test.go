package live

import (
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestProtocolMoments holds what the dates of versions of IP on interfaces mean, by
// event and by dump.
func TestProtocolMoments(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 index 11 type veth peer name b0 index 12", "link set a0 up")
	s := open(t, n, Options{Kinds: netstat.KindNetconf})
	const v4, v6 = netstat.IPv4, netstat.IPv6
	families := []netstat.Family{v4, v6}
	v := s.Snapshot()
	for _, f := range families {
		if !v.ProtocolChanged(f).IsZero() || !v.ForwardingChanged(f).IsZero() || !v.ProtocolSince(11, f).IsZero() {
			t.Errorf("%v at first: %v, %v, %v", f, v.ProtocolChanged(f), v.ForwardingChanged(f), v.ProtocolSince(11, f))
		}
	}
	// after does something and holds which of the dates are of then.
	type date struct {
		what   string
		family netstat.Family
		index  uint32
	}
	dates := func(v *Snapshot) map[date]time.Time {
		all := make(map[date]time.Time)
		for _, f := range families {
			all[date{"changed", f, 0}], all[date{"forwarding", f, 0}] = v.ProtocolChanged(f), v.ForwardingChanged(f)
			for _, index := range []uint32{11, 12, 13} {
				all[date{"since", f, index}] = v.ProtocolSince(index, f)
			}
		}
		return all
	}
	after := func(step string, do func(), moved ...date) {
		t.Helper()
		before, was := time.Now(), dates(s.Snapshot())
		do()
		settle(t, s)
		is := dates(s.Snapshot())
		want := make(map[date]bool)
		for _, d := range moved {
			want[d] = true
		}
		for d, at := range is {
			switch now := !at.Before(before) && !at.After(time.Now()); {
			case want[d] && !now:
				t.Errorf("%s: %v stays at %v", step, d, at)
			case !want[d] && !at.Equal(was[d]) && !at.IsZero():
				t.Errorf("%s: %v moved to %v", step, d, at)
			}
		}
	}
	after("another setting", func() { n.Sysctl(t, "net.ipv4.conf.a0.proxy_arp", "1") })
	after("what does not decide", func() {
		n.Sysctl(t, "net.ipv6.conf.a0.forwarding", "1")
		n.Sysctl(t, "net.ipv6.conf.default.forwarding", "1")
		n.Sysctl(t, "net.ipv4.conf.default.forwarding", "1")
	})
	after("forwarding", func() { n.Sysctl(t, "net.ipv6.conf.all.forwarding", "1") }, date{"forwarding", v6, 0})
	after("IPv4 forwarding", func() { n.Sysctl(t, "net.ipv4.conf.b0.forwarding", "1") }, date{"forwarding", v4, 0})
	after("too small for IPv6", func() { n.IP(t, "link set a0 mtu 1279") }, date{"changed", v6, 0})
	after("large enough again", func() { n.IP(t, "link set a0 mtu 1280") }, date{"changed", v6, 0}, date{"since", v6, 11})
	after("an interface", func() { n.IP(t, "link add c0 index 13 type bridge") },
		date{"changed", v4, 0}, date{"changed", v6, 0}, date{"since", v4, 13}, date{"since", v6, 13})
	after("one less", func() { n.IP(t, "link del a0") }, date{"changed", v4, 0}, date{"changed", v6, 0})
	if v := s.Snapshot(); !v.ProtocolSince(11, v6).IsZero() || v.ProtocolSince(13, v6).IsZero() {
		t.Errorf("since %v, which is gone, and %v", v.ProtocolSince(11, v6), v.ProtocolSince(13, v6))
	}
}

// TestProtocolMomentsByDump holds that a dump dates what no event told.
func TestProtocolMomentsByDump(t *testing.T) {
	then, now := time.Now(), time.Now().Add(time.Minute)
	row := func(index int32, forwarding bool) *netstat.Netconf {
		return &netstat.Netconf{Family: netstat.IPv6, Interface: index, Forwarding: netstat.Known(forwarding)}
	}
	before, fresh := newState(), newState()
	for _, r := range []*netstat.Netconf{row(netstat.NetconfAll, false), row(1, false), row(2, false), row(3, false)} {
		rowsOf[netstat.Netconf](before, netstat.KindNetconf).set(r)
	}
	before.protocols.note(nil, row(1, false), then)
	before.protocols.note(nil, row(2, false), then)
	for _, r := range []*netstat.Netconf{row(netstat.NetconfAll, true), row(1, false), row(3, false), row(4, false)} {
		rowsOf[netstat.Netconf](fresh, netstat.KindNetconf).set(r)
	}
	dateProtocols(before, fresh, now)
	v := &Snapshot{state: fresh}
	for what, test := range map[string]struct{ got, want time.Time }{
		"what stayed": {v.ProtocolSince(1, netstat.IPv6), then}, "what went": {v.ProtocolSince(2, netstat.IPv6), time.Time{}},
		"what was there at first": {v.ProtocolSince(3, netstat.IPv6), time.Time{}}, "what came": {v.ProtocolSince(4, netstat.IPv6), now},
		"the table": {v.ProtocolChanged(netstat.IPv6), now}, "forwarding": {v.ForwardingChanged(netstat.IPv6), now},
		"IPv4": {v.ProtocolChanged(netstat.IPv4), time.Time{}},
	} {
		if !test.got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", what, test.got, test.want)
		}
	}
	if old := (&Snapshot{state: before}).ProtocolSince(2, netstat.IPv6); !old.Equal(then) {
		t.Errorf("the older state changed to %v", old)
	}
}
