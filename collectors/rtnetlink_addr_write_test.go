package collectors

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
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
		for range 2 {
			do(t, removed.Commit)
			if diff := cmp.Diff(none, all()); diff != "" {
				t.Errorf("%s is not removed:\n%s", c.address, diff)
			}
			do(t, removed.Undo)
			if diff := cmp.Diff(there, all()); diff != "" {
				t.Errorf("%s is another when it is back:\n%s", c.address, diff)
			}
		}
		do(t, removed.Commit)
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

// TestRemoveAddress holds that an address is removed and nothing else: the secondaries of its prefix stay, with their order and
// with the routes by the interface, as they do with promote_secondaries; and that the Undo puts back all of it, the
// routes that prefer it included. What is there is compared with what ip(8) made.
func TestRemoveAddress(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up")
	n.Settle(t)
	n.IP(t, "addr add 192.0.2.1/24 brd + dev d0", "addr add 192.0.2.2/24 dev d0 label d0:two valid_lft 9000 preferred_lft 8000", "addr add 192.0.2.3/24 dev d0 metric 7",
		"addr add 192.0.2.4/24 dev d0 noprefixroute", "nexthop add id 5 via 192.0.2.250 dev d0",
		"addr add 10.0.0.1 peer 10.0.9.1/24 dev d0", "addr add 10.0.0.2 peer 10.0.9.2/24 dev d0",
		"route add default via 192.0.2.254", "route add 10.1.0.0/16 via 192.0.2.254 src 192.0.2.1", "route add 10.8.0.0/16 via 192.0.2.254 src 192.0.2.2 table 7", "route add 10.2.0.0/16 via 192.0.2.254 src 192.0.2.2 mtu 1400",
		"route add 10.3.0.0/16 dev d1 src 192.0.2.3 metric 9", "route add 10.4.0.0/16 nexthop via 192.0.2.253 weight 2 nexthop via 192.0.2.254 weight 3",
		"route append 10.5.0.0/16 via 192.0.2.252", "route append 10.5.0.0/16 via 192.0.2.251", "route add 10.6.0.0/16 nhid 5", "route add blackhole 10.7.0.0/16")
	n.IP(t, "-6 addr add 2001:db8::1/64 dev d0 nodad", "-6 addr add 2001:db8::2/64 dev d0 nodad",
		"-6 route add 2001:db8:1::/48 via 2001:db8::ff src 2001:db8::1", "-6 route add 2001:db8:2::/48 src 2001:db8::1 nexthop via 2001:db8::fe nexthop via 2001:db8::ff",
		"-6 route add 2001:db8:3::/48 dev d0", "-6 route append 2001:db8:3::/48 dev d1 src 2001:db8::2")
	k := open(t, n)
	said := func() map[string]string {
		all := make(map[string]string)
		for what, args := range map[string][]string{
			"addresses": {"-4", "-o", "addr", "show", "dev", "d0"}, "addresses of IPv6": {"-6", "-o", "addr", "show", "dev", "d0"},
			"routes": {"-4", "route", "show", "table", "all"}, "routes of IPv6": {"-6", "route", "show", "table", "main"}, // those of table local come some time after their address
		} {
			all[what] = lifetimes.ReplaceAllString(n.Run(t, "ip", append([]string{"-N", "-d"}, args...)...), "for some time")
		}
		return all
	}
	lines := func(text string) []string {
		all := strings.Split(text, "\n")
		slices.Sort(all)
		return all
	}
	within := func(text, prefix string) (of []string) {
		for line := range strings.Lines(text) {
			if strings.Contains(line, prefix) {
				of = append(of, line)
			}
		}
		return of
	}
	deleted := func(a *netstat.Address) string {
		if a.Peer.IsValid() {
			return fmt.Sprintf("%v peer %v/%d", a.Prefix.Addr(), a.Peer, a.Prefix.Bits())
		}
		return a.Prefix.String()
	}
	// Without the address d0 has, and each prefers, what they had.
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.4", "10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"} {
		before, secondary := said(), addressOf(t, k, address).Flags&netstat.AddressSecondary != 0
		w, err := k.PrepareAddress(t.Context(), addressOf(t, k, address), nil)
		must(t, err)
		do(t, w.Commit)
		removed := said()
		n.Sysctl(t, "net.ipv4.conf.d0.promote_secondaries", "1")
		do(t, w.Undo)
		after := said()
		for what := range before {
			// Behind a secondary the order counts within its prefix.
			order := what == "routes" || what == "addresses" && !secondary
			if diff := cmp.Diff(before[what], after[what]); order && diff != "" {
				t.Errorf("%s is back, and the %s are others:\n%s", address, what, diff)
			}
			if diff := cmp.Diff(within(before[what], "192.0.2."), within(after[what], "192.0.2.")); what == "addresses" && diff != "" {
				t.Errorf("%s is back, and the %s of its prefix are others:\n%s", address, what, diff)
			}
			if diff := cmp.Diff(lines(before[what]), lines(after[what])); diff != "" {
				t.Errorf("%s is back, and the %s are others:\n%s", address, what, diff)
			}
		}
		// With promote_secondaries the kernel leaves the secondaries itself.
		n.IP(t, map[bool]string{true: "", false: "-6 "}[strings.Contains(address, ".")]+"addr del "+deleted(addressOf(t, k, address))+" dev d0")
		theirs := said()
		if diff := cmp.Diff(lines(theirs["addresses"]), lines(removed["addresses"])); diff != "" {
			t.Errorf("%s is removed, and with it (-ip +PrepareAddress):\n%s", address, diff)
		}
		for _, prefix := range []string{"192.0.2.", "10.0.0."} {
			if diff := cmp.Diff(within(theirs["addresses"], prefix), within(removed["addresses"], prefix)); diff != "" {
				t.Errorf("%s is removed, and the order is another (-ip +PrepareAddress):\n%s", address, diff)
			}
		}
		if diff := cmp.Diff(lines(theirs["routes"]), lines(removed["routes"])); diff != "" {
			t.Errorf("%s is removed, and of the routes (-ip +PrepareAddress):\n%s", address, diff)
		}
		if diff := cmp.Diff(lines(theirs["routes of IPv6"]), lines(removed["routes of IPv6"])); diff != "" {
			t.Errorf("%s is removed, and of the routes (-ip +PrepareAddress):\n%s", address, diff)
		}
		n.Sysctl(t, "net.ipv4.conf.d0.promote_secondaries", "0")
		do(t, w.Undo)
	}
}
