package traffic_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

// What goes through a connection, from two readings of all sockets. The rows come from
// any netstat.Stack: SocketQuery.Details asks for what a Meter needs (DetailTCPInfo).
func ExampleMeter() {
	socket := func(sent, received uint64) *netstat.Socket {
		s := &netstat.Socket{
			Family: netstat.IPv4, Protocol: netstat.TCP, State: netstat.Established,
			Local: netip.MustParseAddrPort("192.0.2.1:443"), Remote: netip.MustParseAddrPort("198.51.100.7:50122"),
			Cookie: netstat.Known[uint64](17),
		}
		info := &netstat.TCPInfo{}
		info.BytesSent.Set(sent)
		info.BytesRetransmitted.Set(0)
		info.BytesAcknowledged.Set(sent)
		info.BytesReceived.Set(received)
		s.Detail = &netstat.SocketDetail{TCP: info}
		return s
	}

	meter := traffic.New(traffic.Options{})
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	meter.Begin(at)
	meter.Add(socket(1000, 500), at)
	meter.Finish(at, true)

	at = at.Add(2 * time.Second)
	meter.Begin(at)
	meter.Add(socket(9000, 700), at)
	reading := meter.Finish(at, true)
	for c := range reading.All() {
		fmt.Println(c.Local, c.Remote, "sent", c.SentBytes, "at", c.SentRate, "received", c.ReceivedBytes, "at", c.ReceivedRate)
	}
	// Output:
	// 192.0.2.1:443 198.51.100.7:50122 sent 8000 at 4000 received 200 at 100
}
