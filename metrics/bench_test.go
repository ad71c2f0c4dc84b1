package metrics

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func BenchmarkObserve(b *testing.B) {
	var rows []netstat.Socket
	for i := range 1000 {
		s := netstat.Socket{
			Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Established, Local: netip.MustParseAddrPort("192.0.2.1:443"),
			Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 2), 1}), uint16(1024+i)),
			Detail: &netstat.SocketDetail{TCP: &netstat.TCPInfo{RTT: time.Duration(100+i) * time.Microsecond, BytesSent: netstat.Known[uint64](1000), BytesRetransmitted: netstat.Known(uint64(i))}},
		}
		s.Processes.Set([]netstat.Process{{PID: 7, Name: fmt.Sprint("worker", i%20)}})
		s.Detail.CGroup.Set(netstat.CGroup{ID: uint64(i % 10), Path: fmt.Sprintf("/system.slice/w%d.service/child", i%10)})
		rows = append(rows, s)
	}
	o := Observe(netstat.TCP)
	for i := 0; b.Loop(); i++ {
		o.Observe(&rows[i%len(rows)])
	}
}
