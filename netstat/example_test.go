package netstat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What reads a Stack is written once, for kernels, hosts and recordings.
func connections(ctx context.Context, stack netstat.Stack) error {
	established := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, States: netstat.States(netstat.Established)}
	for s, err := range stack.Sockets(ctx, established) {
		switch {
		case errors.Is(err, netstat.ErrNotSupported):
			return fmt.Errorf("no TCP there: %w", err)
		case err != nil:
			return err // the rows before it are right, but not all
		}
		queued := "unknown"
		if n, known := s.SendQueue.Get(); known {
			queued = strconv.FormatUint(uint64(n), 10)
		}
		fmt.Println(s.Local, s.Remote, s.State, "queued", queued)
	}
	return nil
}

// The Stack is a sample here. A *collectors.Kernel, a *live.Stack, a *remote.Stack and a
// *recording.Stack are read the same way.
func Example() {
	if err := connections(context.Background(), sample{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 192.0.2.1:443 198.51.100.7:50122 ESTABLISHED queued 48200
	// 192.0.2.1:443 198.51.100.8:50123 ESTABLISHED queued unknown
}

// sample is a Stack with two connections and no more.
type sample struct{ netstat.Stack }

func (sample) Sockets(context.Context, netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		s := netstat.Socket{
			Family: netstat.IPv4, Protocol: netstat.TCP, State: netstat.Established,
			Local: netip.MustParseAddrPort("192.0.2.1:443"), Remote: netip.MustParseAddrPort("198.51.100.7:50122"),
			SendQueue: netstat.Known[uint32](48200),
		}
		if yield(s, nil) {
			s.Remote, s.SendQueue = netip.MustParseAddrPort("198.51.100.8:50123"), netstat.Optional[uint32]{}
			yield(s, nil)
		}
	}
}

// A row in JSON has the members of netstat --json. What is not known is absent.
func Example_json() {
	neighbour := netstat.Neighbour{
		Family:      netstat.IPv4,
		Interface:   2,
		Address:     netip.MustParseAddr("192.0.2.1"),
		LinkAddress: "\x76\xbc\x9e\xc2\x4e\x4b",
		State:       netstat.Known(netstat.NeighbourReachable),
		Updated:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	text, err := json.MarshalIndent(neighbour, "", "  ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	var back netstat.Neighbour
	fmt.Println(json.Unmarshal(text, &back), back == neighbour)

	// Output:
	// {
	//   "family": "ipv4",
	//   "interfaceIndex": 2,
	//   "address": "192.0.2.1",
	//   "linkAddress": "76:bc:9e:c2:4e:4b",
	//   "state": "reachable",
	//   "router": false,
	//   "proxy": false,
	//   "updated": "2026-01-02T03:04:05Z"
	// }
	// <nil> true
}

// log/slog shows a row as a group of the same members.
func Example_slog() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("nobody reads", "socket", netstat.NetlinkSocket{
		Type: netstat.SocketRaw, Protocol: 16, State: netstat.Close, PortID: 4242, Drops: netstat.Known[uint32](7), Inode: 1234, Cookie: 99,
	})

	// Output:
	// level=INFO msg="nobody reads" socket.type=raw socket.protocol=genl socket.state=CLOSED socket.portID=4242 socket.drops=7 socket.inode=1234 socket.cookie=99
}
