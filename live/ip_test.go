package live

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// agreeWithIP compares the stack with what ip(8) prints.
func agreeWithIP(t testing.TB, s *Stack, n *nstest.NS, about string) {
	t.Helper()
	var diff string
	for wait := time.Millisecond; wait < nstest.Patience/2; wait *= 2 {
		settle(t, s)
		want, got := s.followable(listedByIP(t, n)), listedByStack(s.Snapshot())
		if len(want) < 10 {
			t.Fatalf("ip lists only %d things", len(want))
		}
		if slices.Equal(want, got) {
			return
		}
		diff = difference(want, got)
		time.Sleep(wait)
	}
	t.Fatalf("%s: the stack is not what ip prints (-ip +live):\n%s", about, diff)
}

func listedByIP(t testing.TB, n *nstest.NS) (lines []string) {
	t.Helper()
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	list := func(into any, args ...string) {
		t.Helper()
		out, ok := tryIP(n, append([]string{"-j", "-N"}, args...))
		if !ok {
			t.Fatalf("ip %s failed", strings.Join(args, " "))
		}
		if strings.TrimSpace(out) != "" {
			decodeJSON(t, out, into)
		}
	}
	var links []struct {
		IfName string
		MTU    uint32
		Info   []struct {
			Local     string
			PrefixLen int
		} `json:"addr_info"`
	}
	list(&links, "addr")
	for _, l := range links {
		add("link %s mtu %d", l.IfName, l.MTU)
		for _, a := range l.Info {
			add("address %s/%d dev %s", a.Local, a.PrefixLen, l.IfName)
		}
	}
	type hop struct {
		Gateway, Dev string
		Via          *struct{ Host string }
	}
	for _, family := range []string{"-4", "-6"} {
		var routes []struct {
			hop
			Dst, Table, Protocol string
			Metric, NHID         uint32
			NextHops             []hop
		}
		list(&routes, family, "-d", "route", "show", "table", "all")
		for _, r := range routes {
			if r.Dst == "default" {
				r.Dst = map[string]string{"-4": "0.0.0.0/0", "-6": "::/0"}[family]
			}
			if !strings.Contains(r.Dst, "/") {
				a := netip.MustParseAddr(r.Dst)
				r.Dst = netip.PrefixFrom(a, a.BitLen()).String()
			}
			if r.Table == "" {
				r.Table = "254"
			}
			hops := r.NextHops
			if len(hops) == 0 {
				hops = []hop{r.hop}
			}
			for _, h := range hops {
				if h.Via != nil {
					h.Gateway = h.Via.Host
				}
				add("route %s table %s metric %d protocol %s nhid %d via %s dev %s", r.Dst, r.Table, r.Metric, r.Protocol, r.NHID, h.Gateway, h.Dev)
			}
		}
		var rules []struct {
			Priority    uint32
			Src, Table  string
			SrcLen      int
			IIF, OIF    string
			Goto        uint32
			FwMark, Dst string
		}
		list(&rules, family, "rule")
		for _, r := range rules {
			add("rule %s %d from %s/%d to %s iif %s oif %s", family, r.Priority, r.Src, r.SrcLen, r.Dst, r.IIF, r.OIF)
		}
		var neighbours []struct {
			Dst, Dev, LLAddr string
			State            []string
		}
		list(&neighbours, family, "neigh", "show", "nud", "permanent")
		for _, l := range neighbours {
			add("neighbour %s dev %s %s", l.Dst, l.Dev, l.LLAddr)
		}
	}
	var objects []struct {
		ID           uint32
		Gateway, Dev string
		Group        []struct{ ID uint32 }
	}
	list(&objects, "nexthop")
	for _, o := range objects {
		add("nexthop %d via %s dev %s group %v", o.ID, o.Gateway, o.Dev, o.Group)
	}
	var maddrs []struct {
		IfName string
		Maddr  []struct{ Address string }
	}
	list(&maddrs, "maddr")
	for _, l := range maddrs {
		for _, m := range l.Maddr {
			if m.Address != "" { // link-layer addresses have another name
				add("multicast %s dev %s", m.Address, l.IfName)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func listedByStack(v *Snapshot) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	names := make(map[uint32]string)
	for i := range v.Interfaces() {
		names[i.Index] = i.Name
		add("link %s mtu %v", i.Name, i.MTU)
	}
	show := func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return zoneless(a).String()
	}
	for a := range v.Addresses() {
		add("address %s/%d dev %s", show(a.Prefix.Addr()), a.Prefix.Bits(), names[a.Interface])
	}
	for r := range v.Routes(netstat.RouteQuery{}) {
		add("route %s table %v metric %v protocol %v nhid %v via %s dev %s", r.Destination, r.Table, r.Metric, r.Protocol, r.NextHopID, show(r.Gateway), names[r.Interface])
	}
	flag := map[netstat.Family]string{netstat.IPv4: "-4", netstat.IPv6: "-6"}
	for r := range v.Rules() {
		source, bits, destination := "all", 0, ""
		if r.Source.IsValid() {
			source, bits = r.Source.Addr().String(), r.Source.Bits()
		}
		if r.Destination.IsValid() {
			destination = r.Destination.Addr().String()
		}
		add("rule %s %d from %s/%d to %s iif %s oif %s", flag[r.Family], r.Priority, source, bits, destination, r.InputInterface, r.OutputInterface)
	}
	for n := range v.Neighbours() {
		if n.State.Or(0)&netstat.NeighbourPermanent != 0 {
			add("neighbour %s dev %s %s", show(n.Address), names[n.Interface], n.LinkAddress)
		}
	}
	for o := range v.NextHops() {
		var group []struct{ ID uint32 }
		for _, m := range o.Group {
			group = append(group, struct{ ID uint32 }{m.ID})
		}
		device := names[o.Interface]
		if o.Blackhole {
			device = "" // ip does not print the loopback
		}
		add("nexthop %d via %s dev %s group %v", o.ID, show(o.Gateway), device, group)
	}
	for g := range v.MulticastGroups() {
		add("multicast %s dev %s", show(g.Group), names[g.Interface])
	}
	slices.Sort(lines)
	return lines
}
