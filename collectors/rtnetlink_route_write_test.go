package collectors

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var lifetimes = regexp.MustCompile(`expires \d+sec|(valid|preferred)_lft \d+sec`)

// ipLines are the lines that ip(8) prints, in order, without remaining lifetimes and what it tells of
// nexthop objects.
func ipLines(t *testing.T, n *nstest.NS, args ...string) []string {
	t.Helper()
	text := n.Run(t, "ip", append([]string{"-N", "-d"}, args...)...)
	var lines []string
	for line := range strings.Lines(lifetimes.ReplaceAllString(text, "for some time")) {
		if !strings.HasPrefix(line, "\tnh_info") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// allRoutes is what ip(8) says of all routes.
func allRoutes(t *testing.T, n *nstest.NS) []string {
	t.Helper()
	return append(ipLines(t, n, "-4", "-o", "route", "show", "table", "all"), ipLines(t, n, "-6", "-o", "route", "show", "table", "all")...)
}

// wholeRoutes are the routes of a namespace with their next hops, those that the kernel makes left out.
func wholeRoutes(t *testing.T, k *Kernel) (all [][]netstat.Route) {
	t.Helper()
	for _, r := range routes(t, k, netstat.RouteQuery{ForwardingOnly: true}) {
		if r.Protocol == netstat.RouteProtocolKernel {
			continue
		}
		if len(all) > 0 && r.Weight > 0 {
			if last := all[len(all)-1]; last[0].Weight > 0 && last[0].Destination == r.Destination && last[0].Table == r.Table {
				all[len(all)-1] = append(last, r)
				continue
			}
		}
		all = append(all, []netstat.Route{r})
	}
	return all
}

func do(t *testing.T, f func(context.Context) error) {
	t.Helper()
	must(t, f(t.Context()))
}

// TestWriteRoutes holds for routes of every sort that one which is removed is made again by what
// undoes that, and by what is known of it, and that ip(8) sees no difference then.
func TestWriteRoutes(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	n.IP(t,
		"route add 10.30.0.0/16 via 192.0.2.2 mtu lock 1300 rtt 20ms rttvar 5ms rto_min 40ms ssthresh 20 cwnd lock 30 reordering 5 initrwnd 40 quickack 1 features ecn congctl lock reno fastopen_no_cookie 1",
		"route add 10.31.0.0/16 nexthop via 192.0.2.2 dev near weight 3 realm 5 nexthop via inet6 fe80::3 dev left onlink",
		"route add 10.32.0.0/16 encap ip id 72 dst 192.0.2.9 ttl 5 via 192.0.2.2",
		"-6 route add 2001:db8:32::/48 nexthop encap ip6 id 72 dst 2001:db8:1::9 via 2001:db8:1::2 dev near nexthop via 2001:db8:2::2 dev left",
		"route append 10.1.0.0/16 via 192.0.2.7", "route add unreachable default metric 4278198272",
	)
	n.Settle(t)
	k := open(t, n)
	appended := netip.MustParsePrefix("10.1.0.0/16")
	before := allRoutes(t, n)
	written := 0
	for _, hops := range wholeRoutes(t, k) {
		name := showRoute(hops[0])
		gone, err := k.PrepareRoute(t.Context(), hops, nil)
		must(t, err)
		if diff := cmp.Diff(before, allRoutes(t, n)); diff != "" {
			t.Fatalf("%s: preparing changed something:\n%s", name, diff)
		}
		do(t, gone.Commit)
		if after := allRoutes(t, n); len(after) != len(before)-1 {
			t.Fatalf("%s was not removed alone:\n%s", name, cmp.Diff(before, after))
		}
		do(t, gone.Undo)
		if diff := cmp.Diff(before, allRoutes(t, n)); diff != "" {
			t.Errorf("%s is another after it was made again:\n%s", name, diff)
		}
		made, err := k.PrepareRoute(t.Context(), nil, hops)
		if asMuch := hops[0].NextHopID == 0 && (hops[0].Options == nil || hops[0].Options.EncapType == netstat.EncapNone); !asMuch {
			if !errors.Is(err, netstat.ErrNotSupported) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		must(t, err)
		if err := made.Commit(t.Context()); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s is there already: %v", name, err)
		}
		if hops[0].Destination == appended {
			continue // there is another one when it is gone
		}
		do(t, gone.Commit)
		do(t, made.Commit)
		if diff := cmp.Diff(before, allRoutes(t, n)); diff != "" {
			t.Errorf("%s is another than it was:\n%s", name, diff)
		}
		do(t, made.Undo)
		do(t, gone.Undo)
		written++
	}
	if written < 30 {
		t.Errorf("only %d routes were written", written)
	}
}

// hopsOf returns the next hops of the route to a destination.
func hopsOf(t *testing.T, k *Kernel, destination string) (hops []netstat.Route) {
	t.Helper()
	for _, r := range routes(t, k, netstat.RouteQuery{}) {
		if r.Destination == netip.MustParsePrefix(destination) && r.Type != netstat.RouteMulticast {
			hops = append(hops, r)
		}
	}
	return hops
}

// TestWriteNextHops holds that a route is given other next hops with everything else that it has, as
// `ip route replace` shows it, and that this is undone.
func TestWriteNextHops(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	n.Settle(t)
	k := open(t, n)
	for _, c := range []struct{ destination, made, next string }{
		{"10.50.0.0/16", "via 192.0.2.2 mtu 1300 proto 4", "mtu 1300 proto 4 nexthop via 192.0.2.2 dev near weight 1 nexthop via 198.51.100.9 dev left weight 4"},
		{"10.51.0.0/16", "metric 7 table 55 nexthop via 192.0.2.2 dev near weight 2 nexthop via 198.51.100.9 dev left", "metric 7 table 55 via 198.51.100.9 dev left"},
		{"2001:db8:50::/48", "via 2001:db8:1::2 mtu 1400 proto 4", "mtu 1400 proto 4 nexthop via 2001:db8:1::2 dev near weight 1 nexthop via 2001:db8:2::9 dev left weight 4"},
		{"2001:db8:51::/48", "metric 7 nexthop via 2001:db8:1::2 dev near weight 2 nexthop via 2001:db8:2::9 dev left", "metric 7 via 2001:db8:2::9 dev left"},
	} {
		family := map[bool]string{true: "-6 ", false: ""}[strings.Contains(c.destination, ":")]
		command := func(verb, what string) { n.IP(t, family+"route "+verb+" "+c.destination+" "+what) }
		command("add", c.made)
		before, was := allRoutes(t, n), hopsOf(t, k, c.destination)
		command("replace", c.next)
		after, to := allRoutes(t, n), hopsOf(t, k, c.destination)
		command("replace", c.made)
		w, err := k.PrepareRoute(t.Context(), was, to)
		must(t, err)
		do(t, w.Commit)
		if diff := cmp.Diff(after, allRoutes(t, n)); diff != "" {
			t.Errorf("%s: ip replaces it by another:\n%s", c.destination, diff)
		}
		do(t, w.Undo)
		if diff := cmp.Diff(before, allRoutes(t, n)); diff != "" {
			t.Errorf("%s is another after that was undone:\n%s", c.destination, diff)
		}
	}
}

// TestWriteRouteErrors holds that errors are named after what is wrong, and that nothing changed then.
func TestWriteRouteErrors(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	n.IP(t, "link add gone type veth peer name too", "link set gone up", "link set too up", "addr add 203.0.113.9/29 dev gone",
		"link add idle type veth peer name other", "route add 10.60.0.0/16 via 192.0.2.2 metric 5")
	n.Settle(t)
	k := open(t, n)
	to := func(destination, gateway, device string) []netstat.Route {
		r := netstat.Route{Destination: netip.MustParsePrefix(destination), Table: netstat.TableMain, Type: netstat.RouteUnicast, Protocol: netstat.RouteProtocolStatic}
		if gateway != "" {
			r.Gateway = netip.MustParseAddr(gateway)
		}
		if device != "" {
			r.Interface = n.Index(t, device)
		}
		return []netstat.Route{r}
	}
	absent := to("10.61.0.0/16", "", "near")
	absent[0].Interface = 9999
	vanishing := to("10.62.0.0/16", "", "gone")
	early, err := k.PrepareRoute(t.Context(), nil, vanishing)
	must(t, err)
	n.IP(t, "link del gone")
	before := allRoutes(t, n)
	if err := early.Commit(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("by an interface that is gone: %v", err)
	}
	for _, c := range []struct {
		what    string
		was, to []netstat.Route
		want    error
	}{
		{"by no interface", nil, absent, fs.ErrNotExist},
		{"by an IPv4 gateway on no link", nil, to("10.63.0.0/16", "203.0.113.200", ""), netstat.ErrNoGateway},
		{"by an IPv4 gateway of another link", nil, to("10.63.0.0/16", "192.0.2.2", "left"), netstat.ErrNoGateway},
		{"by an IPv6 gateway on no link", nil, to("2001:db8:63::/48", "2001:db8:ffff::1", "left"), netstat.ErrNoGateway},
		{"that is there", nil, to("10.2.0.0/16", "192.0.2.2", "near"), fs.ErrExist},
		{"that is not there", to("10.64.0.0/16", "192.0.2.2", "near"), nil, fs.ErrNotExist},
		{"with another gateway", to("10.2.0.0/16", "192.0.2.77", "near"), nil, fs.ErrNotExist},
		{"with another metric", to("10.60.0.0/16", "192.0.2.2", "near"), nil, fs.ErrNotExist},
		{"with another type", to("10.3.0.0/16", "192.0.2.2", "near"), nil, fs.ErrNotExist},
		{"to change that is not there", to("10.64.0.0/16", "192.0.2.2", "near"), to("10.64.0.0/16", "192.0.2.3", "near"), fs.ErrNotExist},
	} {
		w, err := k.PrepareRoute(t.Context(), c.was, c.to)
		if err == nil {
			err = w.Commit(t.Context())
		}
		if !errors.Is(err, c.want) {
			t.Errorf("a route %s: %v, want %v", c.what, err, c.want)
		}
		if diff := cmp.Diff(before, allRoutes(t, n)); diff != "" {
			t.Errorf("a route %s changed something:\n%s", c.what, diff)
		}
	}
	if w, err := k.PrepareRoute(t.Context(), nil, to("10.65.0.0/16", "", "idle")); err != nil {
		t.Error(err)
	} else if err := w.Commit(t.Context()); err == nil || !strings.Contains(err.Error(), "network is down") {
		t.Errorf("by an interface that is down: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	w, err := k.PrepareRoute(ended, nil, to("10.66.0.0/16", "192.0.2.2", ""))
	must(t, err)
	cancel()
	if err := w.Commit(ended); !errors.Is(err, context.Canceled) || len(hopsOf(t, k, "10.66.0.0/16")) > 0 {
		t.Errorf("whose request ended: %v", err)
	}
}

// FuzzMadeAgain holds that any message about a route can be made one that makes a route, once and for all.
func FuzzMadeAgain(f *testing.F) {
	f.Add(appendRouteKey(nil, []netstat.Route{
		{Destination: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("192.0.2.1"), Weight: 1, Flags: netstat.NextHopDead | netstat.NextHopOnLink},
		{Destination: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("fe80::1"), Interface: 2, Weight: 256},
	}))
	f.Add(appendUint32Attribute(make([]byte, sizeofRtmsg), rtaNexthopID, 5))
	f.Fuzz(func(t *testing.T, told []byte) {
		if len(told) < sizeofRtmsg {
			return
		}
		again := madeAgain(told)
		if diff := cmp.Diff(again, madeAgain(again)); diff != "" {
			t.Errorf("made again it is another:\n%s", diff)
		}
		_, _ = tells(told, []netstat.Route{{Destination: netip.MustParsePrefix("10.0.0.0/8")}})
	})
}
