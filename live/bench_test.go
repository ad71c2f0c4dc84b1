package live

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// manyRoutes makes a namespace with so many IPv4 routes through eight gateways.
func manyRoutes(t testing.TB, count int) *nstest.NS {
	t.Helper()
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	runBatch(t, n, writeBatch(t, "add", 0, count))
	return n
}

// writeBatch writes a batch file that does verb with the routes from first on.
func writeBatch(t testing.TB, verb string, first, count int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), fmt.Sprintf("%s-%d", verb, first))
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	buffer := make([]byte, 0, 1<<16)
	for i := first; i < first+count; i++ {
		buffer = fmt.Appendf(buffer, "route %s %d.%d.%d.0/24 via 192.0.2.%d\n", verb, 16+i>>16, i>>8&255, i&255, 2+i%8)
		if len(buffer) > 1<<16-100 || i == first+count-1 {
			_, err := f.Write(buffer)
			must(t, err)
			buffer = buffer[:0]
		}
	}
	return path
}

func runBatch(t testing.TB, n *nstest.NS, path string) {
	t.Helper()
	out, err := exec.Command("ip", "-n", n.Name, "-batch", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ip -batch: %v\n%s", err, out)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestRouteMemory holds the memory that a route takes. What Bytes tells is true of
// routes with a lifetime, too, each of which is one of its own.
func TestRouteMemory(t *testing.T) {
	measure := func(n *nstest.NS, count, most int) {
		t.Helper()
		before := heap()
		s := open(t, n, Options{Kinds: netstat.KindRoute})
		took := heap() - before
		if per := float64(took) / float64(count); per > float64(most) {
			t.Errorf("%.0f bytes of heap a route, want at most %d", per, most)
		}
		if told := s.Bytes(netstat.KindRoute); told < int(took)/2 || told > int(took)*2 {
			t.Errorf("Bytes tells %d, the heap grew by %d", told, took)
		}
		runtime.KeepAlive(s)
	}
	count := 50_000
	measure(manyRoutes(t, count), count, 160)

	count = 20_000
	n := pair(t)
	var batch []string
	for i := range count {
		batch = append(batch, fmt.Sprintf("-6 route add 2001:db8:%x::/48 dev a0 expires 100000", i))
	}
	n.IP(t, batch...)
	measure(n, count, 1600)
}

// BenchmarkOpen loads routes.
func BenchmarkOpen(b *testing.B) {
	n := manyRoutes(b, *benchRoutes)
	before := heap()
	for b.Loop() {
		s, err := Open(b.Context(), Options{NetNS: n.Name, Kinds: netstat.KindRoute})
		must(b, err)
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/float64(*benchRoutes), "B/route")
		must(b, s.Close())
		b.StartTimer()
	}
}

// BenchmarkChurn adds routes to the others, and deletes them again, while a
// stack follows. It reports how long that takes compared with nobody listening,
// and the time until the stack has it all.
func BenchmarkChurn(b *testing.B) {
	n := manyRoutes(b, *benchRoutes)
	const changes = 100_000
	add, del := writeBatch(b, "add", 1<<20, changes), writeBatch(b, "del", 1<<20, changes)
	run := func() time.Duration {
		start := time.Now()
		runBatch(b, n, add)
		runBatch(b, n, del)
		return time.Since(start)
	}
	alone := run()
	s := open(b, n, Options{Kinds: netstat.KindRoute})
	for b.Loop() {
		cpu := processTime()
		took := run()
		start := time.Now()
		settle(b, s)
		b.ReportMetric(time.Since(start).Seconds()*1000, "ms-behind")
		b.ReportMetric(float64(took)/float64(alone), "x-alone")
		b.ReportMetric(float64(processTime()-cpu)/(2*changes), "cpu-ns/change")
	}
	if stats := s.Statistics(); stats.Gaps > 0 || stats.Dumps > 1 {
		b.Errorf("%+v", stats)
	}
}

// BenchmarkLookup looks routes up among many, each time another.
func BenchmarkLookup(b *testing.B) {
	n := manyRoutes(b, *benchRoutes)
	s := open(b, n, Options{Kinds: netstat.KindRoute | netstat.KindRule})
	view := s.Snapshot()
	r := rand.New(rand.NewPCG(1, 2))
	addresses := make([]netip.Addr, 1<<16)
	for i := range addresses {
		to := r.IntN(*benchRoutes)
		addresses[i] = netip.AddrFrom4([4]byte{byte(16 + to>>16), byte(to >> 8), byte(to), byte(r.IntN(256))})
	}
	var rows []netstat.Route
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var err error
		if rows, err = view.AppendLookup(rows[:0], Flow{Destination: addresses[i%len(addresses)]}); err != nil || len(rows) != 1 {
			b.Fatal("no route")
		}
	}
}

// BenchmarkWalk goes through all routes.
func BenchmarkWalk(b *testing.B) {
	n := manyRoutes(b, *benchRoutes)
	s := open(b, n, Options{Kinds: netstat.KindRoute})
	rows := 0
	for b.Loop() {
		for range s.Snapshot().Routes(netstat.RouteQuery{}) {
			rows++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/route")
}
