package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

const (
	routeEntry     = "1.3.6.1.2.1.4.24.7.1."
	neighbourEntry = "1.3.6.1.2.1.4.35.1."
	addressEntry   = "1.3.6.1.2.1.4.34.1."
)

// What is written to a RowStatus, and read of it (RFC 2579).
var (
	absent                               = mib.Exception(mib.NoSuchInstance)
	active, notInService, notReady       = mib.Int(1), mib.Int(2), mib.Int(3)
	createAndGo, createAndWait, destroys = mib.Int(4), mib.Int(5), mib.Int(6)
)

// newRows is a namespace with the interface d0, which has addresses, and an agent of it.
func newRows(t *testing.T, modules ...string) (w *writable, d0 int) {
	t.Helper()
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up",
		"addr add 192.0.2.1/24 dev d0", "-6 addr add 2001:db8::1/64 dev d0 nodad")
	n.Settle(t)
	n.Sysctl(t, "net.ipv6.conf.d0.accept_dad", "0") // of addresses that are added
	return &writable{n, requestOf(t, openLive(t, n, modules...), modules...)}, int(n.Index(t, "d0"))
}

// said is what ip(8) prints, each line without what is behind it.
func (w *writable) said(t *testing.T, args ...string) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(w.ns.Run(t, "ip", args...)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "; ")
}

func (w *writable) says(t *testing.T, want string, args ...string) {
	t.Helper()
	if got := w.said(t, args...); got != want {
		t.Errorf("ip %s says %q, want %q", strings.Join(args, " "), got, want)
	}
}

func (w *writable) reads(t *testing.T, name string, want mib.Value) {
	t.Helper()
	if got := w.get(t, name); got != want {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// route makes names and values of a row of inetCidrRouteTable.
func route(index string, values ...any) (variables []any) {
	for i := 0; i < len(values); i += 2 {
		variables = append(variables, fmt.Sprint(routeEntry, values[i], ".", index), values[i+1])
	}
	return variables
}

// TestWriteRoutes holds that rows of inetCidrRouteTable are made, taken out of service, changed, brought back
// and destroyed as RFC 2579 has it, and that ip(8) sees the routes that are active, and no other.
func TestWriteRoutes(t *testing.T) {
	w, d0 := newRows(t, "IP-FORWARD-MIB")
	show := []string{"route", "show", "10.1.0.0/16"}
	const first, second = "1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", "1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.10"
	status := func(index string) string { return routeEntry + "17." + index }
	device := mib.Int(int32(d0))

	w.expect(t, mib.NoError, route(first, 17, createAndGo, 8, mib.Int(4), 7, device)...)
	w.says(t, "10.1.0.0/16 via 192.0.2.9 dev d0 proto static", show...)
	w.reads(t, status(first), active)
	w.reads(t, routeEntry+"9."+first, mib.Int(3)) // netmgmt
	w.expect(t, mib.InconsistentValue, route(first, 17, createAndGo, 8, mib.Int(4), 7, device)...)
	w.expect(t, mib.InconsistentValue, route(first, 17, createAndWait)...)
	w.expect(t, mib.NoError, route(first, 17, active)...)
	w.expect(t, mib.InconsistentValue, route(first, 7, device)...)
	w.expect(t, mib.InconsistentValue, route(first, 8, mib.Int(5), 17, active)...)

	// A further next hop, and what is left when the first goes.
	w.expect(t, mib.NoError, route(second, 7, mib.Int(0), 11, mib.Gauge(0), 12, mib.Int(-1), 13, mib.Int(-1), 8, mib.Int(4), 17, createAndGo)...)
	w.says(t, "10.1.0.0/16 proto static; nexthop via 192.0.2.9 dev d0 weight 1; nexthop via 192.0.2.10 dev d0 weight 1", show...)
	w.reads(t, status(first), active)
	w.reads(t, status(second), active)
	w.expect(t, mib.NoError, route(first, 17, destroys)...)
	w.says(t, "10.1.0.0/16 via 192.0.2.10 dev d0 proto static", show...)
	w.reads(t, status(first), absent)
	w.expect(t, mib.NoError, route(first, 17, destroys)...) // RFC 2579: noError, whether or not it is there

	// Out of service, changed and back.
	w.expect(t, mib.NoError, route(second, 17, notInService)...)
	w.says(t, "", show...)
	w.reads(t, status(second), notInService)
	w.reads(t, routeEntry+"7."+second, device)
	w.expect(t, mib.NoError, route(second, 7, mib.Int(0))...)
	w.reads(t, routeEntry+"7."+second, mib.Int(0))
	w.says(t, "", show...)
	w.expect(t, mib.NoError, route(second, 17, active)...)
	w.says(t, "10.1.0.0/16 via 192.0.2.10 dev d0 proto static", show...)
	w.reads(t, routeEntry+"7."+second, device)
	w.expect(t, mib.NoError, route(second, 17, notInService)...)
	w.expect(t, mib.NoError, route(second, 17, destroys)...)
	w.reads(t, status(second), absent)

	// A row that waits.
	const hole = "1.4.10.3.0.0.16.2.0.0.0.0"
	w.expect(t, mib.NoError, route(hole, 17, createAndWait)...)
	w.reads(t, status(hole), notReady)
	w.reads(t, routeEntry+"8."+hole, absent)
	w.reads(t, routeEntry+"11."+hole, mib.Gauge(0))
	w.expect(t, mib.InconsistentValue, route(hole, 17, active)...)
	w.expect(t, mib.NoError, route(hole, 8, mib.Int(5))...)
	w.expect(t, mib.NoError, route(hole, 7, mib.Int(0))...)
	w.reads(t, status(hole), notInService)
	w.says(t, "", "route", "show", "10.3.0.0/16")
	w.expect(t, mib.NoError, route(hole, 17, active)...)
	w.says(t, "blackhole 10.3.0.0/16 proto static", "route", "show", "10.3.0.0/16")
	w.reads(t, status(hole), active)

	// Of IPv6, in a table of its own, with a metric; and to what is on the link.
	const inet6 = "2.16.32.1.13.184.0.16.0.0.0.0.0.0.0.0.0.0.48.5.0.0.100.0.77.2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.9"
	w.expect(t, mib.InconsistentValue, route(inet6, 17, createAndGo, 7, mib.Int(0), 8, mib.Int(4))...) // by which link?
	w.expect(t, mib.NoError, route(inet6, 17, createAndGo, 7, device, 8, mib.Int(4), 12, mib.Int(77))...)
	w.says(t, "2001:db8:10::/48 via fe80::9 dev d0 proto static metric 77 pref medium", "-6", "route", "show", "table", "100")
	w.reads(t, routeEntry+"12."+inet6, mib.Int(77))
	w.expect(t, mib.NoError, route(inet6, 17, destroys)...)
	w.says(t, "", "-6", "route", "show", "table", "100")
	onLink := "1.4.10.4.0.0.16.6.0.0.254.0.0." + strconv.Itoa(d0) + ".0.0"
	w.expect(t, mib.NoError, route(onLink, 17, createAndGo, 7, device, 8, mib.Int(3))...)
	w.says(t, "10.4.0.0/16 dev d0 proto static scope link", "route", "show", "10.4.0.0/16")
	w.expect(t, mib.NoError, route(onLink, 17, destroys)...)
	w.says(t, "", "route", "show", "10.4.0.0/16")
}

// TestRefuseRoutes holds that what is no route, or another's, is refused with the status that says why, and that
// nothing of the request is made.
func TestRefuseRoutes(t *testing.T) {
	w, d0 := newRows(t, "IP-FORWARD-MIB", "IF-MIB")
	w.ns.IP(t, "route add 10.186.0.0/16 via 192.0.2.2 proto bgp", "route add 10.16.0.0/16 via 192.0.2.2 proto dhcp",
		"nexthop add id 1 via 192.0.2.3 dev d0", "nexthop add id 2 via 192.0.2.4 dev d0", "nexthop add id 3 group 1/2", "route add 10.5.0.0/16 nhid 3",
		"route add 10.6.0.0/16 nexthop via 192.0.2.5 encap ip id 7 dst 192.0.2.99 nexthop via 192.0.2.6")
	nstest.Eventually(t, func() string {
		if v := w.get(t, routeEntry+"17.1.4.10.6.0.0.16.2.0.0.1.4.192.0.2.6"); v != active {
			return v.String()
		}
		return ""
	})
	device := mib.Int(int32(d0))
	make := func(index string, values ...any) []any {
		return route(index, append([]any{17, createAndGo, 7, device, 8, mib.Int(4)}, values...)...)
	}
	good := make("1.4.10.9.0.0.16.2.0.0.1.4.192.0.2.9")
	before := w.said(t, "route", "show", "table", "all")
	for _, c := range []struct {
		why       string
		want      mib.Status
		variables []any
	}{
		{"bits behind the prefix", mib.InconsistentName, make("1.4.10.1.0.1.16.2.0.0.1.4.192.0.2.9")},
		{"a prefix of 33 bits", mib.NoCreation, make("1.4.10.1.0.0.33.2.0.0.1.4.192.0.2.9")},
		{"an IPv4 gateway of IPv6", mib.InconsistentName, make("2.16.32.1.13.184.0.16.0.0.0.0.0.0.0.0.0.0.48.2.0.0.1.4.192.0.2.9")},
		{"the gateway 0.0.0.0", mib.InconsistentName, make("1.4.10.1.0.0.16.2.0.0.1.4.0.0.0.0")},
		{"a policy that is not its own", mib.InconsistentName, make("1.4.10.1.0.0.16.3.0.0.1.1.4.192.0.2.9")},
		{"a long form of the plain policy", mib.InconsistentName, make("1.4.10.1.0.0.16.5.0.0.254.0.0.1.4.192.0.2.9")},
		{"another metric than the policy's", mib.InconsistentName, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 12, mib.Int(5))},
		{"no such interface", mib.InconsistentValue, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 7, mib.Int(9999))},
		{"an interface below 0", mib.WrongValue, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 7, mib.Int(-1))},
		{"local with a gateway", mib.InconsistentValue, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 8, mib.Int(3))},
		{"remote without one", mib.InconsistentValue, make("1.4.10.1.0.0.16.2.0.0.0.0")},
		{"other", mib.WrongValue, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 8, mib.Int(1))},
		{"a metric that there is not", mib.WrongValue, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 13, mib.Int(5))},
		{"an AS", mib.WrongValue, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 11, mib.Gauge(65001))},
		{"no type", mib.InconsistentValue, route("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 17, createAndGo, 7, device)},
		{"no status", mib.InconsistentName, route("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 7, device, 8, mib.Int(4))},
		{"the protocol", mib.NotWritable, make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9", 9, mib.Int(3))},
		{"a next hop of BGP's", mib.InconsistentValue, make("1.4.10.186.0.0.16.2.0.0.1.4.192.0.2.9")},
		{"to destroy BGP's", mib.InconsistentValue, route("1.4.10.186.0.0.16.2.0.0.1.4.192.0.2.2", 17, destroys)},
		{"to take DHCP's out of service", mib.InconsistentValue, route("1.4.10.16.0.0.16.2.0.0.1.4.192.0.2.2", 17, notInService)},
		{"to destroy the kernel's", mib.InconsistentValue, route("1.4.192.0.2.0.24.6.0.0.254.0.0."+strconv.Itoa(d0)+".0.0", 17, destroys)},
		{"one of a group", mib.InconsistentValue, route("1.4.10.5.0.0.16.2.0.0.1.4.192.0.2.3", 17, destroys)},
		{"a tunnel's", mib.InconsistentValue, route("1.4.10.6.0.0.16.2.0.0.1.4.192.0.2.6", 17, destroys)},
		{"beside what is not there", mib.NoCreation, append(make("1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9"), "1.3.6.1.2.1.31.1.1.1.18.9999", mib.Octets("x"))},
		{"by a gateway on no link", mib.CommitFailed, make("1.4.10.1.0.0.16.2.0.0.1.4.203.0.113.9", 7, mib.Int(0))},
	} {
		if got := w.set(t, append(good[:len(good):len(good)], c.variables...)...); got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
		if after := w.said(t, "route", "show", "table", "all"); after != before {
			t.Errorf("%s: the routes were\n%s\nand are\n%s", c.why, before, after)
		}
	}
	w.reads(t, routeEntry+"17.1.4.10.9.0.0.16.2.0.0.1.4.192.0.2.9", absent)
}

// TestUndoRoutes holds that what a request made is undone in the kernel when another of its variables cannot be: next hops of one
// route among them, a row that goes out of service, and one that an interface was taken from meanwhile.
func TestUndoRoutes(t *testing.T) {
	w, d0 := newRows(t, "IP-FORWARD-MIB")
	w.ns.IP(t, "route add 10.2.0.0/16 mtu 1400 nexthop via 192.0.2.2 weight 3 nexthop via 192.0.2.3 weight 2", "route add 10.3.0.0/16 via 192.0.2.2",
		"link add gone type veth peer name too", "link set gone up", "link set too up")
	gone := w.ns.Index(t, "gone")
	nstest.Eventually(t, func() string {
		if v := w.get(t, routeEntry+"17.1.4.10.3.0.0.16.2.0.0.1.4.192.0.2.2"); v != active {
			return v.String()
		}
		return ""
	})
	device := mib.Int(int32(d0))
	variables := append(route("1.4.10.2.0.0.16.2.0.0.1.4.192.0.2.4", 17, createAndGo, 7, device, 8, mib.Int(4)),
		append(route("1.4.10.2.0.0.16.2.0.0.1.4.192.0.2.2", 17, destroys), append(route("1.4.10.3.0.0.16.2.0.0.1.4.192.0.2.2", 17, notInService),
			route(fmt.Sprintf("1.4.10.4.0.0.16.6.0.0.254.0.0.%d.0.0", gone), 17, createAndGo, 7, mib.Int(int32(gone)), 8, mib.Int(3))...)...)...)
	var bindings []mib.Binding
	for i := 0; i < len(variables); i += 2 {
		bindings = append(bindings, mib.Binding{Object: mib.MustParseOID(variables[i].(string)), Value: variables[i+1].(mib.Value)})
	}
	w.request.Reset(t.Context())
	set, err := w.request.TestSet(bindings)
	must(t, err)
	w.ns.IP(t, "link del gone")
	before := w.said(t, "route", "show", "table", "all")
	var refused *mib.SetError
	if err := set.Commit(t.Context()); !errors.As(err, &refused) || refused.Status != mib.CommitFailed {
		t.Errorf("by an interface that is gone: %v", err)
	}
	set.Cleanup()
	if after := w.said(t, "route", "show", "table", "all"); after != before {
		t.Errorf("the routes were\n%s\nand are\n%s", before, after)
	}
	w.reads(t, routeEntry+"17.1.4.10.3.0.0.16.2.0.0.1.4.192.0.2.2", active)
	w.reads(t, routeEntry+"17.1.4.10.2.0.0.16.2.0.0.1.4.192.0.2.4", absent)
	w.expect(t, mib.NoError, variables[:len(variables)-6]...)
	w.says(t, "10.2.0.0/16 mtu 1400; nexthop via 192.0.2.3 dev d0 weight 2; nexthop via 192.0.2.4 dev d0 weight 1", "route", "show", "10.2.0.0/16")
}

// TestDestroyedMeanwhile holds that a row which is gone by the time that it is to be destroyed counts as destroyed, and that a next hop which stays
// does not: its route has lost another one.
func TestDestroyedMeanwhile(t *testing.T) {
	w, d0 := newRows(t, "IP-FORWARD-MIB", "IP-MIB")
	w.ns.IP(t, "link add gone type veth peer name too", "link set gone up", "link set too up", "route add 10.1.0.0/16 via 192.0.2.2",
		"route add 10.2.0.0/16 nexthop via 192.0.2.2 dev d0 nexthop dev gone", "neigh add 192.0.2.77 lladdr 02:00:00:00:00:07 dev d0 nud permanent", "addr add 198.51.100.1/32 dev d0")
	destroy := func(meanwhile string, want mib.Status, names ...string) {
		t.Helper()
		var bindings []mib.Binding
		for _, name := range names {
			nstest.Eventually(t, func() string {
				if v := w.get(t, name); v != active {
					return name + ": " + v.String()
				}
				return ""
			})
			bindings = append(bindings, mib.Binding{Object: mib.MustParseOID(name), Value: destroys})
		}
		w.request.Reset(t.Context())
		set, err := w.request.TestSet(bindings)
		must(t, err)
		defer set.Cleanup()
		w.ns.IP(t, meanwhile)
		status := mib.NoError
		var refused *mib.SetError
		if err := set.Commit(t.Context()); errors.As(err, &refused) {
			status = refused.Status
		}
		if status != want {
			t.Errorf("%s: %v, want %v", meanwhile, status, want)
		}
		must(t, set.Undo(t.Context()))
	}
	destroy("route del 10.1.0.0/16", mib.NoError, routeEntry+"17.1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.2")
	w.says(t, "", "route", "show", "10.1.0.0/16")
	destroy("neigh del 192.0.2.77 dev d0", mib.NoError, fmt.Sprint(neighbourEntry, "8.", d0, ".1.4.192.0.2.77"))
	w.says(t, "", "neigh", "show", "192.0.2.77")
	destroy("addr del 198.51.100.1/32 dev d0", mib.NoError, addressEntry+"10.1.4.198.51.100.1")
	if got := w.said(t, "addr", "show", "dev", "d0"); strings.Contains(got, "198.51.100.1") {
		t.Errorf("it is there: %s", got)
	}
	destroy("link del gone", mib.CommitFailed, routeEntry+"17.1.4.10.2.0.0.16.2.0.0.1.4.192.0.2.2")
}

// TestWriteNeighbours is TestWriteRoutes of ipNetToPhysicalTable.
func TestWriteNeighbours(t *testing.T) {
	w, d0 := newRows(t, "IP-MIB")
	for _, c := range []struct{ address, index string }{
		{"192.0.2.9", "1.4.192.0.2.9"},
		{"2001:db8::9", "2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.9"},
		{"fe80::9", "2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.9"},
	} {
		row := func(values ...any) (variables []any) {
			for i := 0; i < len(values); i += 2 {
				variables = append(variables, fmt.Sprint(neighbourEntry, values[i], ".", d0, ".", c.index), values[i+1])
			}
			return variables
		}
		status, typ := row(8, 0)[0].(string), row(6, 0)[0].(string)
		show := []string{"neigh", "show", c.address}
		first, second := mib.Octets("\x02\x00\x00\x00\x00\x01"), mib.Octets("\x02\x00\x00\x00\x00\x02")
		w.expect(t, mib.InconsistentValue, row(8, createAndGo)...)
		w.expect(t, mib.InconsistentValue, row(8, createAndGo, 4, mib.Octets("\x02\x00\x00\x00\x01"))...)
		w.expect(t, mib.WrongValue, row(8, createAndGo, 4, first, 6, mib.Int(5))...)
		w.expect(t, mib.NotWritable, row(8, createAndGo, 4, first, 7, mib.Int(1))...)
		w.says(t, "", show...)
		w.expect(t, mib.NoError, row(4, first, 8, createAndGo)...)
		w.says(t, c.address+" dev d0 lladdr 02:00:00:00:00:01 PERMANENT", show...)
		w.reads(t, status, active)
		w.reads(t, typ, mib.Int(4))
		w.expect(t, mib.NoError, row(4, second)...) // active or not
		w.says(t, c.address+" dev d0 lladdr 02:00:00:00:00:02 PERMANENT", show...)
		w.expect(t, mib.NoError, row(6, mib.Int(3))...) // dynamic
		w.says(t, c.address+" dev d0 lladdr 02:00:00:00:00:02 STALE", show...)
		w.expect(t, mib.NoError, row(6, mib.Int(4), 4, first)...)
		w.says(t, c.address+" dev d0 lladdr 02:00:00:00:00:01 PERMANENT", show...)
		w.expect(t, mib.NoError, row(8, notInService)...)
		w.says(t, "", show...)
		w.reads(t, status, notInService)
		w.expect(t, mib.NoError, row(4, second, 8, active)...)
		w.says(t, c.address+" dev d0 lladdr 02:00:00:00:00:02 PERMANENT", show...)
		w.expect(t, mib.NoError, row(6, mib.Int(2))...) // invalid
		w.says(t, "", show...)
		w.reads(t, status, absent)
		w.expect(t, mib.NoError, row(8, createAndWait)...)
		w.reads(t, status, notReady)
		w.expect(t, mib.NoError, row(4, first)...)
		w.reads(t, status, notInService)
		w.expect(t, mib.NoError, row(8, active)...)
		w.says(t, c.address+" dev d0 lladdr 02:00:00:00:00:01 PERMANENT", show...)
		w.expect(t, mib.NoError, row(8, destroys)...)
		w.says(t, "", show...)
	}
	for index, want := range map[string]mib.Status{
		strconv.Itoa(d0) + ".1.4.224.0.0.9": mib.InconsistentName, strconv.Itoa(d0) + ".1.4.0.0.0.0": mib.InconsistentName,
		"9999.1.4.192.0.2.9": mib.InconsistentValue, "0.1.4.192.0.2.9": mib.InconsistentName,
	} {
		w.expect(t, want, neighbourEntry+"8."+index, createAndGo, neighbourEntry+"4."+index, mib.Octets("\x02\x00\x00\x00\x00\x01"))
	}
	w.ns.IP(t, "neigh add 192.0.2.77 lladdr 02:00:00:00:00:07 dev d0 nud permanent protocol zebra")
	theirs := fmt.Sprint(neighbourEntry, "8.", d0, ".1.4.192.0.2.77")
	nstest.Eventually(t, func() string {
		if v := w.get(t, theirs); v != active {
			return v.String()
		}
		return ""
	})
	w.expect(t, mib.InconsistentValue, theirs, destroys)
}

// TestWriteAddresses is TestWriteRoutes of ipAddressTable.
func TestWriteAddresses(t *testing.T) {
	w, d0 := newRows(t, "IP-MIB")
	const lock = "1.3.6.1.2.1.4.33.0"
	device := mib.Int(int32(d0))
	for _, c := range []struct{ address, index, said string }{
		{"192.0.2.9", "1.4.192.0.2.9", "inet 192.0.2.9/24 scope global secondary d0"}, // of the prefix that d0 has
		{"198.51.100.9", "1.4.198.51.100.9", "inet 198.51.100.9/32 scope global d0"},
		{"2001:db8::9", "2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.9", "inet6 2001:db8::9/64 scope global"},
		{"2001:db8:7::9", "2.16.32.1.13.184.0.7.0.0.0.0.0.0.0.0.0.9", "inet6 2001:db8:7::9/128 scope global"},
	} {
		row := func(values ...any) (variables []any) {
			for i := 0; i < len(values); i += 2 {
				variables = append(variables, fmt.Sprint(addressEntry, values[i], ".", c.index), values[i+1])
			}
			return variables
		}
		// has holds that ip(8) has the address, or not where the text is empty.
		has := func(want string) {
			t.Helper()
			var of string
			for line := range strings.Lines(w.ns.Run(t, "ip", "-o", "addr", "show", "dev", "d0")) {
				if _, rest, found := strings.Cut(line, " d0    "); found && strings.Contains(rest, " "+c.address+"/") {
					rest, _, _ = strings.Cut(rest, `\`)
					of = strings.Join(strings.Fields(strings.ReplaceAll(rest, "tentative", "")), " ")
				}
			}
			if of != want {
				t.Errorf("ip says of %s: %q, want %q", c.address, of, want)
			}
		}
		status := row(10, 0)[0].(string)
		w.expect(t, mib.InconsistentValue, row(10, createAndGo)...)
		w.expect(t, mib.InconsistentValue, row(10, createAndGo, 3, mib.Int(9999))...)
		w.expect(t, mib.WrongValue, row(10, createAndGo, 3, device, 4, mib.Int(2))...)  // anycast
		w.expect(t, mib.WrongValue, row(10, createAndGo, 3, device, 7, mib.Int(6))...)  // tentative
		w.expect(t, mib.WrongValue, row(10, createAndGo, 3, device, 11, mib.Int(3))...) // nonVolatile
		w.expect(t, mib.InconsistentValue, append(row(10, createAndGo, 3, device), lock, mib.Int(w.get(t, lock).Int()^1))...)
		has("")
		w.expect(t, mib.NoError, append(row(10, createAndGo, 3, device, 4, mib.Int(1), 7, mib.Int(1), 11, mib.Int(2)), lock, w.get(t, lock))...)
		has(c.said)
		w.reads(t, status, active)
		w.reads(t, row(6, 0)[0].(string), mib.Int(2)) // manual
		w.expect(t, mib.InconsistentValue, row(3, device)...)
		w.expect(t, mib.NoError, row(7, mib.Int(2))...)
		has(strings.Replace(c.said, " d0", "", 1) + " deprecated" + map[bool]string{true: " d0"}[strings.HasSuffix(c.said, " d0")])
		w.reads(t, row(7, 0)[0].(string), mib.Int(2))
		w.expect(t, mib.NoError, row(7, mib.Int(1))...)
		has(c.said)
		w.expect(t, mib.NoError, row(10, notInService)...)
		has("")
		w.reads(t, status, notInService)
		w.expect(t, mib.NoError, row(10, active)...)
		has(c.said)
		w.expect(t, mib.NoError, row(10, destroys)...)
		has("")
		w.reads(t, status, absent)
	}
	for _, index := range []string{"1.4.224.0.0.9", "1.4.0.0.0.0", "2.16.255.2.0.0.0.0.0.0.0.0.0.0.0.0.0.1"} {
		w.expect(t, mib.InconsistentName, addressEntry+"10."+index, createAndGo, addressEntry+"3."+index, device)
	}
	var links []struct {
		Info []struct{ Local, Scope string } `json:"addr_info"`
	}
	w.ns.JSON(t, &links, "-6", "addr", "show", "dev", "d0", "scope", "link")
	for _, link := range links {
		for _, a := range link.Info {
			if a.Local != "" {
				w.expect(t, mib.InconsistentValue, addressEntry+"10."+inet6Index(a.Local), destroys) // the kernel's own
			}
		}
	}
}

// TestDestroyAddresses holds that a row is destroyed and no other, whatever the kernel removes with the address; that all that
// one request destroys is gone, in any order, and also where another variable of it took it away; and that all is there again if
// another variable cannot be made.
func TestDestroyAddresses(t *testing.T) {
	w, d0 := newRows(t, "IP-MIB")
	w.ns.IP(t, "addr add 192.0.2.7/24 dev d0", "addr add 192.0.2.8/24 dev d0 valid_lft 9000 preferred_lft 8000", "addr add 192.0.2.9/24 dev d0", "route add default via 192.0.2.2",
		"link add gone type veth peer name too")
	w.ns.IP(t, "-6 addr add 2001:db8:7::1/64 dev d0 nodad")
	lifetime := regexp.MustCompile(`\d{4}sec`)
	said := func() string {
		return lifetime.ReplaceAllString(w.said(t, "-4", "addr", "show", "dev", "d0")+w.said(t, "-6", "addr", "show", "dev", "d0", "scope", "global")+w.said(t, "-4", "route", "show", "table", "all")+w.said(t, "-6", "route", "show"), "some")
	}
	status := func(address string, of mib.Value) []any {
		index := "1.4." + address
		if strings.Contains(address, ":") {
			index = inet6Index(address)
		}
		return []any{addressEntry + "10." + index, of}
	}
	nstest.Eventually(t, func() string {
		for _, address := range []string{"192.0.2.1", "192.0.2.9", "2001:db8:7::1"} {
			if v := w.get(t, status(address, active)[0].(string)); v != active {
				return address + ": " + v.String()
			}
		}
		return ""
	})
	before := said()
	// The interface of one address goes meanwhile, and with it what a later variable wants.
	var bindings []mib.Binding
	for _, v := range [][]any{
		status("192.0.2.1", destroys), status("192.0.2.9", notInService), status("2001:db8:7::1", destroys),
		{fmt.Sprint(neighbourEntry, "4.", w.ns.Index(t, "gone"), ".1.4.203.0.113.7"), mib.Octets("\x02\x00\x00\x00\x00\x07")},
		{fmt.Sprint(neighbourEntry, "8.", w.ns.Index(t, "gone"), ".1.4.203.0.113.7"), createAndGo},
	} {
		bindings = append(bindings, mib.Binding{Object: mib.MustParseOID(v[0].(string)), Value: v[1].(mib.Value)})
	}
	fails := func(meanwhile func()) {
		t.Helper()
		w.request.Reset(t.Context())
		set, err := w.request.TestSet(bindings)
		must(t, err)
		defer set.Cleanup()
		meanwhile()
		var refused *mib.SetError
		if err := set.Commit(t.Context()); !errors.As(err, &refused) || refused.Status != mib.CommitFailed {
			t.Errorf("by an interface that is gone: %v", err)
		}
	}
	fails(func() { w.ns.IP(t, "link del gone") })
	if after := said(); after != before {
		t.Errorf("there was\n%s\nand is\n%s", before, after)
	}
	// And once they were removed, as a master has it that another subagent fails.
	bindings = bindings[:3]
	w.request.Reset(t.Context())
	set, err := w.request.TestSet(bindings)
	must(t, err)
	must(t, set.Commit(t.Context()))
	if got := said(); strings.Contains(got, "192.0.2.1/") || strings.Contains(got, "192.0.2.9/") || !strings.Contains(got, "inet 192.0.2.7/24") || !strings.Contains(got, "inet 192.0.2.8/24") || !strings.Contains(got, "default via 192.0.2.2") {
		t.Errorf("removed:\n%s", got)
	}
	must(t, set.Undo(t.Context()))
	set.Cleanup()
	if after := said(); after != before {
		t.Errorf("there was\n%s\nand is\n%s", before, after)
	}
	w.reads(t, status("192.0.2.9", active)[0].(string), active)

	w.expect(t, mib.NoError, append(status("192.0.2.1", destroys), status("192.0.2.9", destroys)...)...)
	w.expect(t, mib.NoError, status("192.0.2.7", destroys)...)
	w.ns.IP(t, "addr del 192.0.2.8/24 dev d0")
	if got := said(); strings.Contains(got, "192.0.2.") {
		t.Errorf("destroyed:\n%s", got)
	}
	w.expect(t, mib.NoError, append([]any{fmt.Sprint("1.3.6.1.2.1.4.30.1.5.", d0), mib.Int(2)}, status("2001:db8:7::1", destroys)...)...)
	if got := said(); strings.Contains(got, "2001:db8") {
		t.Errorf("destroyed:\n%s", got)
	}
}

// TestDisableIPv6 holds that ipv6InterfaceEnableStatus is the interface's own, and no other's.
func TestDisableIPv6(t *testing.T) {
	w, d0 := newRows(t, "IP-MIB")
	name := fmt.Sprint("1.3.6.1.2.1.4.30.1.5.", d0)
	setting := func() string {
		return w.ns.Run(t, "sysctl", "-n", "net.ipv6.conf.d0.disable_ipv6", "net.ipv6.conf.d1.disable_ipv6")
	}
	w.expect(t, mib.NoError, name, mib.Int(2))
	if got := setting(); got != "1\n0\n" {
		t.Errorf("sysctl says %q", got)
	}
	w.reads(t, name, mib.Int(2))
	w.expect(t, mib.WrongValue, name, mib.Int(3))
	w.expect(t, mib.NoError, name, mib.Int(1))
	if got := setting(); got != "0\n0\n" {
		t.Errorf("sysctl says %q", got)
	}
	w.reads(t, name, mib.Int(1))
	w.expect(t, mib.NoCreation, "1.3.6.1.2.1.4.30.1.5.9999", mib.Int(1))
	w.expect(t, mib.NotWritable, fmt.Sprint("1.3.6.1.2.1.4.28.1.3.", d0), mib.Int(2)) // IPv4's
}

// TestWalkWhileWriting holds that a walk goes on strictly, and has every row that was there throughout, while others are made, taken out of service and
// destroyed.
func TestWalkWhileWriting(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up", "addr add 192.0.2.1/24 dev d0",
		"route add 10.1.0.0/16 via 192.0.2.2", "route add 10.5.0.0/16 via 192.0.2.2", "route add 10.9.0.0/16 via 192.0.2.2")
	stack := openLive(t, n, "IP-FORWARD-MIB")
	a, err := New(Config{Stack: stack, Modules: []string{"IP-FORWARD-MIB"}})
	must(t, err)
	w := &writable{n, a.Tree().NewRequest()}
	column := mib.MustParseOID(strings.TrimSuffix(routeEntry+"17", "."))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	walked, failed := make(chan int), make(chan error, 1)
	go func() {
		defer close(walked)
		r := a.Tree().NewRequest()
		for ctx.Err() == nil {
			rows, staying, last := 0, 0, column
			for {
				r.Reset(ctx)
				cursor := r.Seek(last, false)
				b, err := r.Next(&cursor)
				if err != nil {
					if ctx.Err() == nil {
						failed <- err
					}
					return
				}
				name := b.Name()
				if !name.HasPrefix(column) {
					break
				}
				if !last.Less(name) {
					failed <- fmt.Errorf("%v behind %v", name, last)
					return
				}
				for _, octet := range []string{"1", "5", "9"} {
					if strings.Contains(name.String(), ".1.4.10."+octet+".0.0.16.2.0.0.1.4.192.0.2.2") {
						staying++
					}
				}
				last = name
				rows++
			}
			if staying != 3 {
				failed <- fmt.Errorf("a walk of %d rows has %d of the 3 that stay", rows, staying)
				return
			}
			select {
			case walked <- rows:
			default:
			}
		}
	}()
	const rounds = 60
	for i := range rounds {
		index := fmt.Sprintf("1.4.10.%d.0.0.16.2.0.0.1.4.192.0.2.2", 2+i%3)
		w.expect(t, mib.NoError, route(index, 17, createAndGo, 7, mib.Int(0), 8, mib.Int(4))...)
		w.expect(t, mib.NoError, route(index, 17, notInService)...)
		w.expect(t, mib.NoError, route(index, 17, active)...)
		w.expect(t, mib.NoError, route(index, 17, destroys)...)
		if i%10 == 9 {
			select {
			case <-walked:
			case err := <-failed:
				t.Fatal(err)
			}
		}
	}
	cancel()
	for range walked {
	}
	select {
	case err := <-failed:
		t.Error(err)
	default:
	}
}

// TestWorkOfRows holds that four times as many rows of one request take four times the work: what is allocated tells.
func TestWorkOfRows(t *testing.T) {
	w, _ := newRows(t, "IP-FORWARD-MIB")
	work := func(rows, third int) uint64 {
		var make, end []any
		for i := range rows {
			index := fmt.Sprintf("1.4.10.%d.%d.0.24.2.0.0.1.4.192.0.2.2", third, i)
			make = append(make, route(index, 17, createAndGo, 7, mib.Int(0), 8, mib.Int(4))...)
			end = append(end, route(index, 17, destroys)...)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w.expect(t, mib.NoError, make...)
		w.expect(t, mib.NoError, end...)
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	const few = 40
	work(few, 0)
	once, fourfold := work(few, 1), work(4*few, 2)
	if per := float64(fourfold) / float64(once); per > 6 {
		t.Errorf("%d rows allocate %d objects, and %d rows %d: %.1f times as many", few, once, 4*few, fourfold, per)
	}
}

// inet6Index is the index of an IPv6 address, without its zone.
func inet6Index(address string) string {
	index := "2.16"
	for _, octet := range netip.MustParseAddr(address).As16() {
		index += fmt.Sprint(".", octet)
	}
	return index
}
