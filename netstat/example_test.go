package netstat_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

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
