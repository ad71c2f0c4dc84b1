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

// addressOf returns an address of the namespace, nil where it has none such.
func addressOf(t *testing.T, k *Kernel, address string) *netstat.Address {
	t.Helper()
	for a, err := range k.Addresses(t.Context()) {
		must(t, err)
		if a.Prefix.Addr() == netip.MustParseAddr(address) {
			return &a
		}
	}
	return nil
}

// TestWriteAddresses holds that addresses are made, changed and removed as ip(8) makes them, with the
// routes that the kernel makes of them, and that making and changing is undone.
func TestWriteAddresses(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up", "addr add 192.0.2.1/24 dev d0")
	n.Settle(t)
	k := open(t, n)
	all := func() []string {
		return append(append(ipLines(t, n, "-4", "-o", "addr", "show"), ipLines(t, n, "-6", "-o", "addr", "show")...), allRoutes(t, n)...)
	}
	for _, c := range []struct{ address, length, options string }{
		{"192.0.2.2", "/24", ""}, // a secondary
		{"198.51.100.1", "/32", ""},
		{"203.0.113.1", "/25", "brd + label d0:x metric 50"},
		{"10.0.0.1", "/32", "peer 10.0.0.2/32"},
		{"2001:db8::1", "/64", "nodad"},
		{"2001:db8:1::1", "/64", "nodad home noprefixroute"},
		{"2001:db8:2::1", "/64", "nodad metric 77"},
	} {
		family := map[bool]string{true: "", false: "-6 "}[netip.MustParseAddr(c.address).Is4()]
		ip := func(verb, rest string) { n.IP(t, family+"addr "+verb+" "+c.address+c.length+" dev d0 "+rest) }
		if c.address == "10.0.0.1" {
			ip = func(verb, rest string) { n.IP(t, "addr "+verb+" local "+c.address+" dev d0 "+rest) }
		}
		none := all()
		ip("add", c.options)
		there, a := all(), addressOf(t, k, c.address)
		ip("change", c.options+" preferred_lft 0 valid_lft forever")
		deprecated := all()
		ip("change", c.options+" preferred_lft forever valid_lft forever")

		to := *a
		to.Preferred.Set(0)
		changed, err := k.PrepareAddress(t.Context(), a, &to)
		must(t, err)
		do(t, changed.Commit)
		if diff := cmp.Diff(deprecated, all()); diff != "" {
			t.Errorf("ip changes %s otherwise:\n%s", c.address, diff)
		}
		do(t, changed.Undo)
		if diff := cmp.Diff(there, all()); diff != "" {
			t.Errorf("undone, %s is another:\n%s", c.address, diff)
		}
		removed, err := k.PrepareAddress(t.Context(), a, nil)
		must(t, err)
		if removed.Undo != nil {
			t.Errorf("%s can be removed, and that undone", c.address)
		}
		do(t, removed.Commit)
		if diff := cmp.Diff(none, all()); diff != "" {
			t.Errorf("%s is not removed:\n%s", c.address, diff)
		}
		if err := removed.Commit(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is gone: %v", c.address, err)
		}
		if _, err := k.PrepareAddress(t.Context(), a, &to); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is gone, and to be changed: %v", c.address, err)
		}
		made, err := k.PrepareAddress(t.Context(), nil, a)
		must(t, err)
		do(t, made.Commit)
		if c.options != "brd + label d0:x metric 50" && c.address != "2001:db8:2::1" { // a metric is not among what is known of an address
			if diff := cmp.Diff(there, all()); diff != "" {
				t.Errorf("%s is another than ip made it:\n%s", c.address, diff)
			}
		}
		if err := made.Commit(t.Context()); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s is there already: %v", c.address, err)
		}
		do(t, made.Undo)
		if diff := cmp.Diff(none, all()); diff != "" {
			t.Errorf("undone, %s is there:\n%s", c.address, diff)
		}
	}
	a := netstat.Address{Interface: 9999, Prefix: netip.MustParsePrefix("192.0.2.77/32")}
	if _, err := k.PrepareAddress(t.Context(), nil, &a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on no interface: %v", err)
	}
}
