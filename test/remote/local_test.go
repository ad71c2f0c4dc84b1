package remote_test

import (
	"fmt"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What the kernel tells and what this project's agent tells of the same
// namespace are equal, row by row, as far as the MIBs go.
func TestLocalAndRemoteAreEqual(t *testing.T) {
	if !inside(t) {
		return
	}
	kernel := scene(t)
	// The same on two links, which not every agent tells apart.
	ip(t,
		"addr add 198.51.100.3/25 dev br0 valid_lft 3000 preferred_lft 0", "-6 addr add fe80::3/64 dev va nodad", "-6 addr add fe80::3/64 dev br0 nodad",
		"neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev va nud stale",
		"-6 neigh add fe80::9 lladdr 02:00:00:00:00:09 dev va nud permanent", "-6 neigh add fe80::9 lladdr 02:00:00:00:00:0a dev br0 nud permanent",
	)
	start(t, nil, build(t))
	ctx := t.Context()
	for _, address := range []string{"127.0.0.1:1161", "[::1]:1161"} {
		s := open(t, config(address))
		query := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP, netstat.UDP}, Processes: true}
		eventually(t, "sockets",
			func() []string { return lines(collect(t, kernel.Sockets(ctx, query)), socketLine(true)) },
			func() []string { return lines(collect(t, s.Sockets(ctx, query)), socketLine(true)) })
		for _, shown := range []func(netstat.Interface) string{interfaceLine, counterLine} {
			eventually(t, "interfaces",
				func() []string { return lines(collect(t, kernel.Interfaces(ctx)), shown) },
				func() []string { return lines(collect(t, s.Interfaces(ctx)), shown) })
		}
		stacking := func(row netstat.Stacking) string { return fmt.Sprint(row) }
		eventually(t, "stacking",
			func() []string { return lines(netstat.StackingOf(collect(t, kernel.Interfaces(ctx))), stacking) },
			func() []string { return lines(collect(t, s.Stacking(ctx)), stacking) })
		receive := func(row netstat.ReceiveAddress) string { return fmt.Sprint(row) }
		eventually(t, "link-layer addresses",
			func() []string {
				return lines(netstat.ReceiveAddressesOf(collect(t, kernel.Interfaces(ctx))), receive)
			},
			func() []string { return lines(collect(t, s.ReceiveAddresses(ctx)), receive) })
		for _, families := range [][]netstat.Family{nil, {netstat.IPv4}, {netstat.IPv6}} {
			routes := netstat.RouteQuery{Families: families}
			eventually(t, "routes",
				func() []string { return lines(collect(t, kernel.Routes(ctx, routes)), routeLine) },
				func() []string { return lines(collect(t, s.Routes(ctx, routes)), routeLine) })
		}
		eventually(t, "addresses",
			func() []string { return lines(collect(t, kernel.Addresses(ctx)), addressLine) },
			func() []string { return lines(collect(t, s.Addresses(ctx)), addressLine) })
		for _, families := range [][]netstat.Family{nil, {netstat.IPv4}, {netstat.IPv6}} {
			eventually(t, "neighbours",
				func() []string { return lines(collect(t, kernel.Neighbours(ctx, families...)), neighbourLine) },
				func() []string { return lines(collect(t, s.Neighbours(ctx, families...)), neighbourLine) })
		}
		for _, g := range []netstat.CounterGroup{netstat.GroupIP, netstat.GroupIP6} {
			agreeOnCounters(t, kernel, s, g)
		}
		// Nothing else speaks TCP here.
		tcp := func(read func() (netstat.TCPStatistics, error)) func() []string {
			return func() []string {
				st, err := read()
				if err != nil {
					t.Fatal(err)
				}
				st.InCsumErrors = netstat.Optional[uint64]{}
				return []string{fmt.Sprint(st)}
			}
		}
		eventually(t, "TCP's counters", tcp(func() (netstat.TCPStatistics, error) { return kernel.TCPStatistics(ctx) }),
			tcp(func() (netstat.TCPStatistics, error) { return s.TCPStatistics(ctx) }))
		before, err := kernel.UDPStatistics(ctx)
		if err != nil {
			t.Fatal(err)
		}
		// A reading may be a second old: at last it is not.
		eventually(t, "UDP's counters", func() []string { return []string{"true"} }, func() []string {
			read, err := s.UDPStatistics(ctx)
			if err != nil {
				t.Fatal(err)
			}
			after, err := kernel.UDPStatistics(ctx)
			if err != nil {
				t.Fatal(err)
			}
			in := read.InDatagrams.Or(0)
			return []string{fmt.Sprint(in > before.InDatagrams.Or(0) && in <= after.InDatagrams.Or(0) && !read.MemErrors.IsKnown())}
		})
	}
}

// agreeOnCounters holds that each counter that the agent tells is the kernel's, of
// a moment between two readings of it, and that it tells most.
func agreeOnCounters(t *testing.T, kernel, agent netstat.CounterReader, g netstat.CounterGroup) {
	t.Helper()
	read := func(r netstat.CounterReader) map[string]uint64 {
		all := make(map[string]uint64)
		for _, c := range collect(t, r.Counters(t.Context(), g)) {
			n, ok := c.Value.Uint64()
			if !ok || c.Group != g {
				t.Errorf("%+v", c)
			}
			all[c.Name] = n
		}
		return all
	}
	before := read(kernel)
	// A reading may be a second old: at last it is not.
	eventually(t, string(g)+"'s counters", func() []string { return []string{"agree"} }, func() (wrong []string) {
		told := read(agent)
		after := read(kernel)
		for name, n := range told {
			if _, there := after[name]; !there || n < before[name] || n > after[name] {
				wrong = append(wrong, fmt.Sprintf("%s is %d, and was %d and %d", name, n, before[name], after[name]))
			}
		}
		if len(told) < 20 {
			wrong = append(wrong, fmt.Sprintf("only %d counters", len(told)))
		}
		if len(wrong) == 0 {
			return []string{"agree"}
		}
		return wrong
	})
}
