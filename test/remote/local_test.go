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
