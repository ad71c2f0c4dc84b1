// Package livebench loads a routing table in several ways, in one run: package
// live beside what Go programs use otherwise, ip(8), and a loop that only
// receives.
//
//	go test ./test/livebench -bench . -benchtime 3x -bench.routes 1000000
package livebench

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/jsimonetti/rtnetlink/v2"
	mdlayher "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var count = flag.Int("bench.routes", 100_000, "IPv4 routes")

func scene(b *testing.B) *nstest.NS {
	b.Helper()
	n := nstest.New(b)
	n.IP(b, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	path := filepath.Join(b.TempDir(), "batch")
	var batch []byte
	for i := range *count {
		batch = fmt.Appendf(batch, "route add %d.%d.%d.0/24 via 192.0.2.%d\n", 16+i>>16, i>>8&255, i&255, 2+i%8)
	}
	if err := os.WriteFile(path, batch, 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("ip", "-n", n.Name, "-batch", path).CombinedOutput(); err != nil {
		b.Fatalf("ip -batch: %v: %s", err, out)
	}
	return n
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// load measures a way to load the routes, which returns what it holds and how
// many there are.
func load(b *testing.B, what string, f func(b *testing.B) (held any, routes int)) {
	b.Run(what, func(b *testing.B) {
		before := heap()
		for b.Loop() {
			held, routes := f(b)
			b.StopTimer()
			if routes < *count {
				b.Fatalf("%d routes of %d", routes, *count)
			}
			if held != nil {
				b.ReportMetric(float64(heap()-before)/float64(*count), "B/route")
			}
			if c, ok := held.(interface{ Close() error }); ok {
				_ = c.Close()
			}
			runtime.KeepAlive(held)
			b.StartTimer()
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	n := scene(b)
	load(b, "counting", func(b *testing.B) (any, int) { return nil, countRaw(b, n) })
	load(b, "live", func(b *testing.B) (any, int) {
		s, err := live.Open(b.Context(), live.Options{NetNS: n.Name, Kinds: netstat.KindRoute})
		if err != nil {
			b.Fatal(err)
		}
		return s, s.Snapshot().Count(netstat.KindRoute)
	})
	load(b, "ip", func(b *testing.B) (any, int) {
		var lines int
		if _, err := fmt.Sscan(n.Run(b, "sh", "-c", "ip route show | wc -l"), &lines); err != nil {
			b.Fatal(err)
		}
		return nil, lines
	})
	load(b, "jsimonetti", func(b *testing.B) (any, int) {
		file, err := os.Open(n.Path())
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		c, err := rtnetlink.Dial(&mdlayher.Config{NetNS: int(file.Fd())})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		routes, err := c.Route.List()
		if err != nil {
			b.Fatal(err)
		}
		return &routes, len(routes)
	})
	load(b, "vishvananda", func(b *testing.B) (any, int) {
		at, err := netns.GetFromName(n.Name)
		if err != nil {
			b.Fatal(err)
		}
		defer at.Close()
		h, err := netlink.NewHandleAt(at, unix.NETLINK_ROUTE)
		if err != nil {
			b.Fatal(err)
		}
		defer h.Close()
		routes, err := h.RouteList(nil, netlink.FAMILY_V4)
		if err != nil {
			b.Fatal(err)
		}
		return &routes, len(routes)
	})
}

// countRaw receives a dump and counts the messages.
func countRaw(b *testing.B, n *nstest.NS) (routes int) {
	fd := n.Socket(b, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	request := make([]byte, 16+12)
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.RTM_GETROUTE)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request[16] = unix.AF_INET
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, 64<<10)
	for {
		size, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			b.Fatal(err)
		}
		for m := buffer[:size]; len(m) >= 16; {
			switch binary.NativeEndian.Uint16(m[4:]) {
			case unix.NLMSG_DONE:
				return routes
			case unix.RTM_NEWROUTE:
				routes++
			}
			m = m[(binary.NativeEndian.Uint32(m)+3)&^3:]
		}
	}
}
