package collectors

import (
	"errors"
	"io/fs"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// neighbourOf returns the neighbour with an address, nil where there is none.
func neighbourOf(t *testing.T, k *Kernel, address string) *netstat.Neighbour {
	t.Helper()
	for n, err := range k.Neighbours(t.Context()) {
		must(t, err)
		if n.Address.WithZone("") == netip.MustParseAddr(address) {
			return &n
		}
	}
	return nil
}

// TestWriteNeighbours holds that neighbours are made, changed and removed as ip(8) sees and makes them,
// and that each of these is undone.
func TestWriteNeighbours(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up", "addr add 192.0.2.1/24 dev d0", "-6 addr add 2001:db8::1/64 dev d0 nodad")
	n.Settle(t)
	k := open(t, n)
	index := n.Index(t, "d0")
	list := func() []string { return ipLines(t, n, "neigh", "show", "nud", "all", "dev", "d0") }
	for _, address := range []string{"192.0.2.9", "2001:db8::9", "fe80::9"} {
		addr := netip.MustParseAddr(address)
		entry := func(link string, state netstat.NeighbourState) *netstat.Neighbour {
			e := &netstat.Neighbour{Family: netstat.IPv6, Interface: index, Address: addr, LinkAddress: netstat.HardwareAddress(link), State: netstat.Known(state)}
			if addr.Is4() {
				e.Family = netstat.IPv4
			}
			return e
		}
		const first, second = "\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02"
		ip := func(verb, rest string) { n.IP(t, "neigh "+verb+" "+address+" dev d0 "+rest) }

		none := list()
		ip("add", "lladdr 02:00:00:00:00:01 nud permanent")
		static := list()
		ip("change", "lladdr 02:00:00:00:00:02 nud permanent")
		other := list()
		ip("del", "")

		made, err := k.PrepareNeighbour(t.Context(), nil, entry(first, netstat.NeighbourPermanent))
		must(t, err)
		do(t, made.Commit)
		if diff := cmp.Diff(static, list()); diff != "" {
			t.Errorf("ip makes another of %s:\n%s", address, diff)
		}
		if err := made.Commit(t.Context()); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s is there already: %v", address, err)
		}
		do(t, made.Undo)
		if diff := cmp.Diff(none, list()); diff != "" {
			t.Errorf("undone, %s is there:\n%s", address, diff)
		}
		do(t, made.Commit)
		changed, err := k.PrepareNeighbour(t.Context(), neighbourOf(t, k, address), entry(second, netstat.NeighbourPermanent))
		must(t, err)
		do(t, changed.Commit)
		if diff := cmp.Diff(other, list()); diff != "" {
			t.Errorf("ip changes %s otherwise:\n%s", address, diff)
		}
		do(t, changed.Undo)
		removed, err := k.PrepareNeighbour(t.Context(), neighbourOf(t, k, address), nil)
		must(t, err)
		do(t, removed.Commit)
		if diff := cmp.Diff(none, list()); diff != "" {
			t.Errorf("removed, %s is there:\n%s", address, diff)
		}
		if err := removed.Commit(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is gone: %v", address, err)
		}
		do(t, removed.Undo)
		if diff := cmp.Diff(static, list()); diff != "" {
			t.Errorf("undone, %s is another:\n%s", address, diff)
		}
		dynamic, err := k.PrepareNeighbour(t.Context(), neighbourOf(t, k, address), entry(first, netstat.NeighbourStale))
		must(t, err)
		do(t, dynamic.Commit)
		if got := neighbourOf(t, k, address); got.State.Or(0) != netstat.NeighbourStale {
			t.Errorf("%s is %v", address, got.State.Or(0))
		}
		do(t, dynamic.Undo)
		if diff := cmp.Diff(static, list()); diff != "" {
			t.Errorf("undone, %s is another:\n%s", address, diff)
		}
		ip("del", "")
	}
	// Nobody has the address: the entry fails, and static takes its place.
	n.IP(t, "neigh add 192.0.2.10 dev d0 nud failed")
	failed := neighbourOf(t, k, "192.0.2.10")
	static := *failed
	static.LinkAddress = "\x02\x00\x00\x00\x00\x03"
	static.State.Set(netstat.NeighbourPermanent)
	w, err := k.PrepareNeighbour(t.Context(), failed, &static)
	must(t, err)
	do(t, w.Commit)
	if got := neighbourOf(t, k, "192.0.2.10"); got == nil || got.LinkAddress != static.LinkAddress {
		t.Errorf("it is %+v", got)
	}
	do(t, w.Undo)
	if got := neighbourOf(t, k, "192.0.2.10"); got != nil {
		t.Errorf("it is %+v", got)
	}
	static.Interface = 9999
	if _, err := k.PrepareNeighbour(t.Context(), nil, &static); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on no interface: %v", err)
	}
}
