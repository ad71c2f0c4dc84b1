package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	agentpkg "github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// placement is where the load client runs beside an agent that is kept to one
// processor.
type placement struct {
	name string
	cpu  *int
}

// placements are the processor of the agent, whose time the client then takes
// from it, and one of the client's own. On virtual machines the second can be
// much the slower: to wake the other processor takes longer than to answer.
func (b *bench) placements() []placement {
	if b.agentCPU == nil {
		return []placement{{"client on the only processor", nil}}
	}
	return []placement{{"client on the same core", b.agentCPU}, {"client on another core", b.clientCPU}}
}

// walkCase is what one core gives.
func (b *bench) walkCase(s *section) error {
	s.Title = fmt.Sprintf("One core, %s routes", thousands(b.routeCount))
	ns, err := b.routesNamespace()
	if err != nil {
		return err
	}
	defer b.stopAll()
	a, err := ours(b, ns, b.agentCPU)
	if err != nil {
		return err
	}
	for _, w := range []struct{ name, root string }{
		{"whole tree", wholeTree}, {"inetCidrRouteTable", inetCidrRouteTable},
	} {
		for i, p := range b.placements() {
			reach := ""
			if i == 0 && w.root == wholeTree {
				reach = "at least 1,000,000/s"
			}
			if err := b.warmWalk(s, a, w.name, w.root, p, reach); err != nil {
				return err
			}
		}
	}
	allocations, err := b.allocations(ns)
	if err != nil {
		return err
	}
	f := figure{Case: "allocations per varbind, in a walk of inetCidrRouteTable", Ours: &quantity{Value: allocations}}
	s.add(f.reach("none", allocations < 0.001))
	s.note("Allocations are counted by Go's runtime in this process, with the agent and its SNMP server in it, over the walk of several that had the least: one in which no view is read anew.")

	type key struct{ placement, outstanding int }
	rates := func(a *agent) (map[key][]float64, error) {
		all := make(map[key][]float64)
		for range b.runs {
			for i, p := range b.placements() {
				for _, outstanding := range []int{1, 8} {
					r, err := b.rate(a, p, outstanding)
					if err != nil {
						return nil, err
					}
					k := key{i, outstanding}
					all[k] = append(all[k], r)
				}
			}
		}
		return all, nil
	}
	our, err := rates(a)
	if err != nil {
		return err
	}
	a.stop()
	if a, err = snmpd(b, ns, b.agentCPU); err != nil {
		return err
	}
	peer, err := rates(a)
	if err != nil {
		return err
	}
	for _, outstanding := range []int{1, 8} {
		for i, p := range b.placements() {
			rate := func(all map[key][]float64) *quantity {
				return &quantity{Value: median(all[key{i, outstanding}]), Unit: perSecond}
			}
			s.add(figure{Case: fmt.Sprintf("GET of sysUpTime, %d outstanding, %s", outstanding, p.name), Ours: rate(our)}.against(rate(peer)))
		}
	}
	s.note("The echo answers every request with the same message and sleeps in recvfrom(2) until the next one comes. The agent looks for the next one for up to 100 µs before it sleeps, so that it can be quicker than the echo: most so where it is woken on another core.")
	if b.agentCPU != nil {
		s.note("The agent and its peer are kept to one core. Where the client is on the same core, its work is in the figure too.")
	} else {
		s.note("There is one processor only, which the agent shares with the load client.")
	}
	return nil
}

func (b *bench) rate(a *agent, p placement, outstanding int) (r float64, err error) {
	c, err := a.dial(timeoutOf(a))
	if err != nil {
		return 0, err
	}
	defer c.close()
	err = onThread(p.cpu, func() error {
		r, err = c.rate(b.ctx, sysUpTime, outstanding, time.Second)
		return err
	})
	return r, err
}

// warmWalk measures walks of an agent that has its rows at hand, and what a
// server that does nothing reaches with the same answers.
func (b *bench) warmWalk(s *section, a *agent, name, root string, p placement, reach string) error {
	c, err := a.dial(timeoutOf(a))
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.patience(a), errTooLong)
	defer cancel()
	walk := func() (w walked, err error) {
		err = onThread(p.cpu, func() (err error) {
			w, err = c.walk(ctx, root, b.repetitions)
			return err
		})
		return w, err
	}
	w, err := walk()
	if err != nil {
		return err
	}
	// A typical answer, for the echo: a full one of about average size.
	var typical []byte
	wanted, found := w.octets/w.requests, 1<<30
	c.sample = func(got []byte) {
		if distance := max(len(got)-wanted, wanted-len(got)); distance < found {
			if a, err := parse(got); err == nil && a.count == b.repetitions {
				typical, found = append(typical[:0], got...), distance
			}
		}
	}
	if _, err = walk(); err != nil {
		return err
	}
	c.sample = nil
	if typical == nil {
		return fmt.Errorf("no answer to the walk of %s has %d variables", name, b.repetitions)
	}
	echo, err := b.startLoopback(a.ns, typical, root)
	if err != nil {
		return err
	}
	defer echo.stop()
	var rates, echoes, shares, user, system []float64
	for range b.runs {
		before, err := a.cpuTime()
		if err != nil {
			return err
		}
		if w, err = walk(); err != nil {
			return err
		}
		after, err := a.cpuTime()
		if err != nil {
			return err
		}
		rates = append(rates, w.rate())
		user = append(user, float64(after.user-before.user)/float64(w.varbinds))
		system = append(system, float64(after.system-before.system)/float64(w.varbinds))
		// The echo at once afterwards, as what else the machine has to do
		// changes.
		echoed, err := echo.rate(p, min(w.elapsed, time.Second))
		if err != nil {
			return err
		}
		echoes = append(echoes, echoed)
		shares = append(shares, w.rate()/echoed)
	}
	if c.retries+c.strays > 0 {
		s.note("%s, %s: %d requests were repeated, %d answers came twice.", name, p.name, c.retries, c.strays)
	}
	rate := median(rates)
	f := figure{Case: name + ", warm, " + p.name, Ours: &quantity{Value: rate, Unit: perSecond, Note: thousands(w.varbinds) + " varbinds"}}
	if reach != "" {
		f = f.reach(reach, rate >= 1e6)
	}
	s.add(f)
	progress("%s, %s: %s varbinds/s", name, p.name, significant(rate))
	s.add(figure{Case: "in relation to an echo on loopback", Ours: &quantity{Value: 100 * median(shares), Unit: share,
		Note: fmt.Sprintf("of %s/s, at %s octets an answer", significant(median(echoes)), thousands(len(typical)))}})
	s.note("%s, %s: a varbind takes the agent %s ns of processor time in its own code and %s ns in the kernel's.",
		name, p.name, significant(median(user)), significant(median(system)))
	return nil
}

// processorTime is what a process has used.
type processorTime struct{ user, system time.Duration }

// since returns what was used from before on.
func (t processorTime) since(before processorTime) time.Duration {
	return t.user + t.system - before.user - before.system
}

func (p *process) cpuTime() (t processorTime, err error) {
	stat, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return t, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return t, fmt.Errorf("%s is short", p.proc("stat"))
	}
	const tick = 10 * time.Millisecond // USER_HZ
	for i, to := range []*time.Duration{&t.user, &t.system} {
		n, err := strconv.ParseInt(fields[11+i], 10, 64)
		if err != nil {
			return t, fmt.Errorf("%s: %w", p.proc("stat"), err)
		}
		*to = time.Duration(n) * tick
	}
	return t, nil
}

// loopback is a server that answers everything with the same message, and a
// client of it. It sleeps until a request comes, which an agent need not: where to
// be woken takes long, an agent is quicker.
type loopback struct {
	b       *bench
	server  *process
	client  *client
	root    string
	message []byte
}

func (b *bench) startLoopback(ns *namespace, message []byte, root string) (*loopback, error) {
	path, err := b.file("answer", string(message))
	if err != nil {
		return nil, err
	}
	l := &loopback{b: b, root: root, message: message}
	if l.client, err = dial(ns, echoPort, ourTimeout); err != nil {
		return nil, err
	}
	l.client.canned = true
	if l.server, err = b.startEcho(ns, path, b.agentCPU); err != nil {
		l.client.close()
		return nil, err
	}
	if err := l.client.ready(b.ctx); err != nil {
		l.stop()
		return nil, fmt.Errorf("echo: %w: %s", err, l.server.said())
	}
	return l, nil
}

// startEcho starts a server that answers with what is in a file.
func (b *bench) startEcho(ns *namespace, path string, cpu *int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{self, "-role", "echo", "-address", path}
	if cpu != nil {
		args = append([]string{"taskset", "--cpu-list", strconv.Itoa(*cpu)}, args...)
	}
	return b.start("echo", ns.inside(args...))
}

func (l *loopback) stop() {
	l.client.close()
	l.server.stop()
}

// rate returns the varbinds per second over a while.
func (l *loopback) rate(p placement, while time.Duration) (float64, error) {
	a, err := parse(l.message)
	if err != nil {
		return 0, err
	}
	name := slices.Clone(a.last)
	var w walked
	ctx, cancel := context.WithTimeoutCause(l.b.ctx, while+30*time.Second, errTooLong)
	defer cancel()
	err = onThread(p.cpu, func() error {
		w, err = l.client.repeat(ctx, while, l.root, name, l.b.repetitions)
		return err
	})
	return w.rate(), err
}

// echoRole answers every datagram with the message in a file.
func echoRole(path string) error {
	message, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(message) == 0 {
		return errors.New("there is no message to answer with")
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: echoPort, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	buf := make([]byte, 1<<16)
	var from unix.RawSockaddrAny
	for {
		size := uint32(unix.SizeofSockaddrAny)
		_, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0,
			uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("receive: %w", errno)
		}
		_, _, errno = unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), 0,
			uintptr(unsafe.Pointer(&from)), uintptr(size))
		if errno != 0 && errno != unix.EINTR {
			return fmt.Errorf("send: %w", errno)
		}
	}
}

// allocations returns the allocations per varbind of an agent in this process.
func (b *bench) allocations(ns *namespace) (float64, error) {
	stack, err := live.Open(b.ctx, live.Options{NetNS: ns.name, Kinds: agentpkg.Kinds(nil)})
	if err != nil {
		return 0, err
	}
	defer stack.Close()
	quiet := slog.New(slog.DiscardHandler)
	a, err := agentpkg.New(agentpkg.Config{
		Stack: stack, Log: quiet,
		System: func() snmpv2mib.System { return snmpv2mib.System{} },
		Engine: func() enginemib.Engine { return enginemib.Engine{} },
	})
	if err != nil {
		return 0, err
	}
	server, err := snmp.NewServer(snmp.Options{
		Handler: a.Tree(), Log: quiet,
		Communities: []snmp.Community{{Name: community, Source: netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		return 0, err
	}
	defer server.Close()
	address, err := snmp.ParseAddress("udp:127.0.0.1:" + strconv.Itoa(agentPort+1))
	if err != nil {
		return 0, err
	}
	if err := ns.do(func() error {
		_, err := server.Listen(address)
		return err
	}); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			fmt.Fprintln(os.Stderr, "the server in process ended:", err)
		}
	}()
	c, err := dial(ns, agentPort+1, ourTimeout)
	if err != nil {
		return 0, err
	}
	defer c.close()
	least := -1.0
	for range 8 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w, err := c.walk(ctx, inetCidrRouteTable, b.repetitions)
		if err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&after)
		if n := float64(after.Mallocs-before.Mallocs) / float64(w.varbinds); least < 0 || n < least {
			least = n
		}
	}
	return least, nil
}
