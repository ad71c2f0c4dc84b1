package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	mdlayher "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// liveNamespace returns the scene of the live stack's cases, which share it.
func (b *bench) liveNamespace() (*namespace, error) {
	if b.live == nil {
		progress("%d routes", b.liveRoutes)
		ns, err := routesScene(b.ctx, b.liveRoutes)
		if err != nil {
			return nil, err
		}
		b.live = ns
	}
	return b.live, nil
}

// loaded is what a helper process says of a way to load a stack.
type loaded struct {
	Took     time.Duration
	Routes   int
	Heap     float64 // bytes that the heap grew by
	Resident float64 // bytes, of the process
}

// loaders are the ways to load all routes of a namespace. Each returns what holds
// them.
var loaders = map[string]func(netns string) (held any, routes int, err error){
	"count":       countRoutes,
	"live":        loadLive,
	"jsimonetti":  loadJsimonetti,
	"vishvananda": loadVishvananda,
}

// loadRole loads the routes of namespaces, one after the other, and says how that
// went.
func loadRole(how, names string) error {
	load := loaders[how]
	if load == nil {
		return fmt.Errorf("there is no loader %q", how)
	}
	before := heapNow()
	var l loaded
	var all []any
	start := time.Now()
	for name := range strings.SplitSeq(names, ",") {
		held, routes, err := load(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, held)
		l.Routes += routes
	}
	l.Took = time.Since(start)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	if l.Resident, err = kilobytes(string(status), "VmRSS:"); err != nil {
		return err
	}
	l.Heap = heapNow() - before
	runtime.KeepAlive(all)
	return json.NewEncoder(os.Stdout).Encode(l)
}

// heapNow returns the octets of the heap that are held.
func heapNow() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// load has a helper process load the routes of namespaces.
func (b *bench) load(how string, names ...string) (l loaded, err error) {
	self, err := os.Executable()
	if err != nil {
		return l, err
	}
	out, err := command(b.ctx, nil, self, "-role", "load", "-address", how+":"+strings.Join(names, ","))
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal([]byte(out), &l)
}

func loadLive(name string) (any, int, error) {
	s, err := live.Open(context.Background(), live.Options{NetNS: name, Kinds: netstat.KindRoute})
	if err != nil {
		return nil, 0, err
	}
	return s, s.Snapshot().Count(netstat.KindRoute), nil
}

func loadJsimonetti(name string) (any, int, error) {
	file, err := os.Open(filepath.Join("/run/netns", name))
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	c, err := rtnetlink.Dial(&mdlayher.Config{NetNS: int(file.Fd())})
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	routes, err := c.Route.List()
	return routes, len(routes), err
}

func loadVishvananda(name string) (any, int, error) {
	at, err := netns.GetFromName(name)
	if err != nil {
		return nil, 0, err
	}
	defer at.Close()
	h, err := netlink.NewHandleAt(at, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, 0, err
	}
	defer h.Close()
	routes, err := h.RouteList(nil, netlink.FAMILY_V4)
	return routes, len(routes), err
}

// countRoutes receives a dump of the IPv4 routes and counts the messages.
func countRoutes(name string) (_ any, routes int, err error) {
	ns := namespace{name: name}
	routes, err = ns.countDump(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, append([]byte{unix.AF_INET}, make([]byte, unix.SizeofRtMsg-1)...))
	return nil, routes, err
}

// countDump receives a dump and counts its messages: whatever reads one takes at
// least as long.
func (ns *namespace) countDump(protocol int, kind uint16, body []byte) (n int, err error) {
	err = ns.do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		defer unix.Close(fd)
		request := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(body))
		binary.NativeEndian.PutUint32(request, uint32(cap(request)))
		binary.NativeEndian.PutUint16(request[4:], kind)
		binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
		if err := unix.Sendto(fd, append(request, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		buffer := make([]byte, 64<<10)
		for {
			size, _, err := unix.Recvfrom(fd, buffer, 0)
			if err != nil {
				return fmt.Errorf("receive: %w", err)
			}
			for m := buffer[:size]; len(m) >= unix.SizeofNlMsghdr; {
				switch binary.NativeEndian.Uint16(m[4:]) {
				case unix.NLMSG_DONE:
					return nil
				case unix.NLMSG_ERROR:
					return errors.New("the kernel refuses the dump")
				}
				n++
				m = m[min(len(m), int(binary.NativeEndian.Uint32(m)+3)&^3):]
			}
		}
	})
	return n, err
}

// loadCase is how long a stack takes to be loaded, and what memory it takes then.
func (b *bench) loadCase(s *section) error {
	s.Title = fmt.Sprintf("%s IPv4 routes, from nothing to loaded", thousands(b.liveRoutes))
	ns, err := b.liveNamespace()
	if err != nil {
		return err
	}
	times := make(map[string][]time.Duration)
	last := make(map[string]loaded)
	for range b.runs {
		for _, how := range []string{"live", "count", "jsimonetti", "vishvananda"} {
			l, err := b.load(how, ns.name)
			if err != nil {
				return err
			}
			if l.Routes < b.liveRoutes {
				return fmt.Errorf("%s found %d routes", how, l.Routes)
			}
			times[how], last[how] = append(times[how], l.Took), l
		}
		start := time.Now()
		if _, err := command(b.ctx, nil, "sh", "-c", "ip -n "+ns.name+" route show | wc -l"); err != nil {
			return err
		}
		times["ip"] = append(times["ip"], time.Since(start))
	}
	took := func(how string) *quantity { return &quantity{Value: median(times[how]).Seconds(), Unit: seconds} }
	f := figure{Case: "live.Open, beside a loop that receives the dump and counts", Ours: took("live")}.against(took("count"))
	s.add(f.reach("within 3 times of it", f.Ratio > 1./3))
	f = figure{Case: "live.Open, beside `ip route show \\| wc -l`", Ours: took("live")}.against(took("ip"))
	s.add(f.reach("quicker", f.Ratio > 1))
	s.add(figure{Case: "live.Open, beside github.com/jsimonetti/rtnetlink, Route.List", Ours: took("live")}.against(took("jsimonetti")))
	s.add(figure{Case: "live.Open, beside github.com/vishvananda/netlink, RouteList", Ours: took("live")}.against(took("vishvananda")))
	perRoute := func(how string) *quantity {
		return &quantity{Value: last[how].Heap / float64(b.liveRoutes), Unit: bytesEach}
	}
	f = figure{Case: "heap held for a route, beside jsimonetti/rtnetlink", Ours: perRoute("live")}.against(perRoute("jsimonetti"))
	s.add(f.reach("at most 160 bytes", f.Ours.Value <= 160))
	s.add(figure{Case: "heap held for a route, beside vishvananda/netlink", Ours: perRoute("live")}.against(perRoute("vishvananda")))
	f = figure{Case: "resident memory of the process", Ours: &quantity{Value: last["live"].Resident, Unit: octets}}
	s.add(f.reach("under 300 MB", f.Ours.Value < 300<<20))
	return nil
}

// churnedRoutes is how many routes a batch adds, and another deletes.
const churnedRoutes = 100_000

// churnBatches writes batches of changes to the scene's routes.
func (b *bench) churnBatches() (add, del string, err error) {
	var batches [2]strings.Builder
	for i := range churnedRoutes {
		d := uint32(0x64400000) + uint32(i)<<4 // 100.64.0.0/10
		for n, verb := range []string{"add", "del"} {
			fmt.Fprintf(&batches[n], "route %s %d.%d.%d.%d/28 via 192.0.2.2\n", verb, d>>24, d>>16&255, d>>8&255, d&255)
		}
	}
	if add, err = b.file("add", batches[0].String()); err == nil {
		del, err = b.file("del", batches[1].String())
	}
	return add, del, err
}

// churn runs both batches and returns how long they took.
func (b *bench) churn(ns *namespace, batches ...string) (time.Duration, error) {
	start := time.Now()
	for _, batch := range batches {
		if _, err := command(b.ctx, nil, "ip", "-n", ns.name, "-batch", batch); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// churnCase is how a stack follows changes.
func (b *bench) churnCase(s *section) error {
	s.Title = fmt.Sprintf("%s routes added to %s and deleted by ip -batch", thousands(churnedRoutes), thousands(b.liveRoutes))
	ns, err := b.liveNamespace()
	if err != nil {
		return err
	}
	add, del, err := b.churnBatches()
	if err != nil {
		return err
	}
	var alone, followed, behind, cpu []time.Duration
	for range b.runs {
		took, err := b.churn(ns, add, del)
		if err != nil {
			return err
		}
		alone = append(alone, took)
		err = func() error {
			stack, err := live.Open(b.ctx, live.Options{NetNS: ns.name, Kinds: netstat.KindRoute})
			if err != nil {
				return err
			}
			defer stack.Close()
			before := ownTime()
			if took, err = b.churn(ns, add, del); err != nil {
				return err
			}
			end := time.Now()
			if err := stack.Sync(b.ctx); err != nil {
				return err
			}
			followed, behind = append(followed, took), append(behind, time.Since(end))
			cpu = append(cpu, (ownTime()-before)/(2*churnedRoutes))
			if stats := stack.Statistics(); stats.Gaps > 0 || stats.Dumps > 1 {
				s.note("**%d gaps, %d dumps**", stats.Gaps, stats.Dumps)
			}
			return nil
		}()
		if err != nil {
			return err
		}
	}
	second := func(d time.Duration) *quantity { return &quantity{Value: d.Seconds(), Unit: seconds} }
	ratio := float64(median(followed)) / float64(median(alone))
	s.add(figure{Case: "the batches, with nobody listening", Ours: second(median(alone))})
	s.add(figure{Case: "the same while a stack follows", Ours: second(median(followed))})
	s.add(figure{Case: "times as long", Ours: &quantity{Value: ratio}}.reach("at most 1.5", ratio <= 1.5))
	s.add(figure{Case: "how far the stack is behind at the end", Ours: second(median(behind))})
	s.add(figure{Case: "processor time for a change", Ours: second(median(cpu))})
	s.note("Listening costs the kernel: it makes a message for each change, within the call of who changes the routes.")
	return nil
}

// ownTime is the processor time that this process used.
func ownTime() time.Duration {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// liveAgentCase is the agent on such a table.
func (b *bench) liveAgentCase(s *section) error {
	s.Title = fmt.Sprintf("The agent with %s IPv4 routes", thousands(b.liveRoutes))
	ns, err := b.liveNamespace()
	if err != nil {
		return err
	}
	defer b.stopAll()
	started := time.Now()
	a, err := ours(b, ns, b.agentCPU)
	if err != nil {
		return err
	}
	second := func(d time.Duration) *quantity { return &quantity{Value: d.Seconds(), Unit: seconds} }
	resident := func(name string) error {
		m, err := a.memory()
		f := figure{Case: name, Ours: &quantity{Value: m.now, Unit: octets, Note: "at most " + (&quantity{Value: m.peak, Unit: octets}).String()}}
		s.add(f.reach("under 300 MB", m.peak < 300<<20))
		return err
	}
	c, err := a.dial(ourTimeout)
	if err != nil {
		return err
	}
	defer c.close()
	table := mustEncodeOID(inetCidrRouteTable)
	if _, err := c.ask(b.ctx, ber.GetNextRequest, 0, table); err != nil { // answered once it is loaded
		return err
	}
	s.add(figure{Case: "from its start to the first answer from the table", Ours: second(time.Since(started))})
	var nexts []time.Duration
	for range 20 {
		fresh, err := a.dial(ourTimeout)
		if err != nil {
			return err
		}
		asked := time.Now()
		_, err = fresh.ask(b.ctx, ber.GetNextRequest, 0, table)
		nexts = append(nexts, time.Since(asked))
		fresh.close()
		if err != nil {
			return err
		}
	}
	f := figure{Case: "GETNEXT of the table once it is loaded, the slowest of 20", Ours: second(slices.Max(nexts))}
	s.add(f.reach("under 5 ms", f.Ours.Value < 0.005))
	if err := resident("resident memory, loaded"); err != nil {
		return err
	}
	for i, p := range b.placements() {
		var walks []walked
		for range b.runs {
			var w walked
			if err := onThread(p.cpu, func() (err error) {
				w, err = c.walk(b.ctx, inetCidrRouteTable, b.repetitions)
				return err
			}); err != nil {
				return err
			}
			walks = append(walks, w)
		}
		var rates []float64
		for _, w := range walks {
			rates = append(rates, w.rate())
		}
		f := figure{Case: "whole walk of inetCidrRouteTable, " + p.name, Ours: &quantity{Value: median(rates), Unit: perSecond, Note: thousands(walks[0].varbinds) + " varbinds"}}
		if i == 0 {
			f = f.reach("at least 1,000,000/s", f.Ours.Value >= 1e6)
		}
		s.add(f)
		progress("%s: %s", f.Case, f.Ours)
	}
	for _, root := range []string{"1.3.6.1.2.1.4.24.4", "1.3.6.1.2.1.4.24.2"} {
		if _, err := c.walk(b.ctx, root, b.repetitions); err != nil {
			return err
		}
	}
	if err := resident("resident memory after walks of all three tables"); err != nil {
		return err
	}
	a.stop()
	return b.churnedAgent(s, ns)
}

// churnedAgent asks an agent while routes change.
func (b *bench) churnedAgent(s *section, ns *namespace) error {
	add, del, err := b.churnBatches()
	if err != nil {
		return err
	}
	a, err := ours(b, ns, nil)
	if err != nil {
		return err
	}
	c, err := a.dial(ourTimeout)
	if err != nil {
		return err
	}
	defer c.close()
	// The first column of the first route of the scene.
	route := "1.3.6.1.2.1.4.24.7.1.7.1.4.10.0.0.0.30."
	next, err := c.ask(b.ctx, ber.GetNextRequest, 0, mustEncodeOID(route+"0"))
	if err != nil {
		return err
	}
	row := next.last
	if !below(row, mustEncodeOID(strings.TrimSuffix(route, "."))) {
		return errors.New("the scene's first route is not in inetCidrRouteTable")
	}
	row = append([]byte(nil), row...)
	ask := map[string][]byte{"sysUpTime": mustEncodeOID(sysUpTime), "a route": row}
	found := make(map[string]latencies)
	for _, name := range []string{"sysUpTime", "a route"} {
		for range b.runs {
			p, err := probe(ns, b.probeInterval, target{port: a.port, name: ask[name]})
			if err != nil {
				return err
			}
			_, err = b.churn(ns, add, del)
			took, probed := p.stop()
			if err = errors.Join(err, probed); err != nil {
				return err
			}
			all := found[name]
			all.add(took[0])
			found[name] = all
		}
	}
	for _, name := range []string{"sysUpTime", "a route"} {
		l := found[name]
		s.add(figure{Case: "GET of " + name + " during churn, median", Ours: latency(&l, 50)})
		f := figure{Case: "GET of " + name + " during churn, 99th percentile", Ours: latency(&l, 99)}
		s.add(f.reach("under 5 ms", f.Ours.Value < 0.005))
	}
	control, err := b.machineLatency(ns, func() error {
		_, err := b.churn(ns, add, del)
		return err
	})
	if err != nil {
		return err
	}
	s.note("The 99th percentile of a server that does nothing but to answer, while the agent follows the churn, is %s: what the machine adds.", latency(&control, 99))
	// A walk goes on meanwhile, and is whole.
	var churned sync.WaitGroup
	var churnErr error
	churned.Go(func() { _, churnErr = b.churn(ns, add, del) })
	w, err := c.walk(b.ctx, inetCidrRouteTable, b.repetitions)
	churned.Wait()
	if err = errors.Join(err, churnErr); err != nil {
		return err
	}
	s.add(figure{Case: "whole walk of inetCidrRouteTable, begun with the churn", Ours: &quantity{Value: w.rate(), Unit: perSecond, Note: thousands(w.varbinds) + " varbinds"}})
	m, err := a.memory()
	if err != nil {
		return err
	}
	f := figure{Case: "resident memory after all that", Ours: &quantity{Value: m.now, Unit: octets, Note: "at most " + (&quantity{Value: m.peak, Unit: octets}).String()}}
	s.add(f.reach("under 300 MB", m.peak < 300<<20))
	s.note("Churn is %s routes added and deleted again by ip -batch, as quickly as that can.", thousands(churnedRoutes))
	return nil
}

// manyCase is a great table of each family, and many small namespaces, in one
// process.
func (b *bench) manyCase(s *section) error {
	const inet6, small, each = 200_000, 24, 1000
	s.Title = fmt.Sprintf("%s IPv4 and %s IPv6 routes, and %d namespaces with %s routes each", thousands(b.liveRoutes), thousands(inet6), small, thousands(each))
	ns, err := b.liveNamespace()
	if err != nil {
		return err
	}
	six, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer six.remove()
	var batch strings.Builder
	if err := six.ip(b.ctx, "link add bench0 type veth peer name bench1\nlink set bench0 up\nlink set bench1 up\n"); err != nil {
		return err
	}
	if err := six.do(func() error {
		// A route takes memory that is limited, at first to 4,096 routes.
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/bench0/disable_ipv6", []byte("0"), 0); err != nil {
			return err
		}
		return os.WriteFile("/proc/sys/net/ipv6/route/max_size", []byte("2147483647"), 0)
	}); err != nil {
		return err
	}
	batch.WriteString("addr add 2001:db8::1/64 dev bench0 nodad\n")
	for i := range inet6 {
		fmt.Fprintf(&batch, "route add 2001:%x:%x::/48 via 2001:db8::2\n", 0x1000+i>>16, i&0xffff)
	}
	progress("%d IPv6 routes", inet6)
	if _, err := command(b.ctx, strings.NewReader(batch.String()), "ip", "-6", "-n", six.name, "-batch", "-"); err != nil {
		return err
	}
	names := []string{ns.name, six.name}
	for range small {
		one, err := routesScene(b.ctx, each)
		if err != nil {
			return err
		}
		defer one.remove()
		names = append(names, one.name)
	}
	l, err := b.load("live", names...)
	if err != nil {
		return err
	}
	if want := b.liveRoutes + inet6 + small*each; l.Routes < want {
		return fmt.Errorf("%d routes are loaded of %d", l.Routes, want)
	}
	s.add(figure{Case: "loaded, one after the other, by one process", Ours: &quantity{Value: l.Took.Seconds(), Unit: seconds}})
	s.add(figure{Case: "resident memory", Ours: &quantity{Value: l.Resident, Unit: octets, Note: strconv.Itoa(len(names)) + " stacks, " + thousands(l.Routes) + " routes"}})
	s.add(figure{Case: "heap held for a route", Ours: &quantity{Value: l.Heap / float64(l.Routes), Unit: bytesEach}})
	return nil
}
