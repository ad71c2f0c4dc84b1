package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

const (
	ifNumber   = "1.3.6.1.2.1.2.1.0"
	linkDown   = "1.3.6.1.6.3.1.1.5.3"
	linkUp     = "1.3.6.1.6.3.1.1.5.4"
	sinkPort   = 3162
	askEagerly = 20 * time.Millisecond
	// Of a host with so many interfaces.
	mostStart  = 500 * time.Millisecond
	mostBehind = 2 * time.Second
	// How long after a flap is part of it.
	afterFlap = 3 * time.Second
)

// largeCase is the agent on a host with many interfaces that have IPv6: how soon it
// answers, how long a GET waits while all of them go down and come up again, and how
// late the notifications of that are.
func (b *bench) largeCase(s *section) error {
	n := b.largeHost / 2 * 2
	s.Title = fmt.Sprintf("A host with %s interfaces with IPv6", thousands(n))
	s.Peer = "beside"
	progress("%d interfaces", n)
	ns, err := largeScene(b.ctx, n)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	if err := b.largeStart(s, ns, n); err != nil {
		return err
	}
	if err := b.flappedGets(s, ns, n); err != nil {
		return err
	}
	if err := b.flapNotified(s, ns, n); err != nil {
		return err
	}
	s.note("The interfaces are pairs of veth, each with an address of its own and the routes that the kernel gives it. In a flap `ip -batch` sets one end of each pair down, which takes the other's carrier, and then up again; the %v after it are part of it. The kernel tells of carriers that came back a hundred at a time, once a second. "+
		"The echo does nothing but to answer; it is asked whenever the agent is, every %v, by the same threads, and tells what the machine adds.", afterFlap, b.probeInterval)
	return nil
}

// largeScene has pairs of interfaces that have IPv6.
func largeScene(ctx context.Context, n int) (*namespace, error) {
	ns, err := newNamespace(ctx)
	if err != nil {
		return nil, err
	}
	err = ns.do(func() error {
		for _, name := range []string{"conf/default/disable_ipv6", "conf/all/disable_ipv6"} {
			if err := os.WriteFile("/proc/sys/net/ipv6/"+name, []byte("0"), 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = ns.ip(ctx, pairs(n, "link add large%[1]da up type veth peer name large%[1]db\nlink set large%[1]db up\n"))
	}
	if err == nil { // addresses are tentative for a moment
		err = sleep(ctx, 3*time.Second)
	}
	if err != nil {
		ns.remove()
		return nil, err
	}
	return ns, nil
}

// pairs are lines for each of n interfaces' pairs.
func pairs(n int, format string) string {
	var batch strings.Builder
	for i := range n / 2 {
		fmt.Fprintf(&batch, format, i)
	}
	return batch.String()
}

// largeStart is how soon an agent knows how many interfaces there are.
func (b *bench) largeStart(s *section, ns *namespace, n int) error {
	var ours, listed []time.Duration
	name := mustEncodeOID(ifNumber)
	for range b.runs {
		start := time.Now()
		p, err := b.start("netsnmp-agent", ns.inside(b.agentProgram))
		if err != nil {
			return err
		}
		c, err := dial(ns, agentPort, askEagerly)
		if err == nil {
			var a answer
			if a, err = c.ask(b.ctx, ber.GetRequest, 0, name); err == nil && (a.status != 0 || a.lastTag != ber.Integer) {
				err = fmt.Errorf("error-status %d, and a value of type %#x for ifNumber", a.status, a.lastTag)
			}
			c.close()
		}
		ours = append(ours, time.Since(start))
		p.stop()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, p.said())
		}
		start = time.Now()
		if _, err := command(b.ctx, nil, "ip", "-n", ns.name, "link"); err != nil {
			return err
		}
		listed = append(listed, time.Since(start))
	}
	f := figure{Case: "from its start to the first answer, of ifNumber, beside `ip link`", Ours: &quantity{Value: median(ours).Seconds(), Unit: seconds}}
	f = f.against(&quantity{Value: median(listed).Seconds(), Unit: seconds})
	s.add(f.reach(fmt.Sprintf("within %v", mostStart), median(ours) <= mostStart))
	progress("%s: %s, beside %s", f.Case, f.Ours, f.Peer)
	return nil
}

// flap sets the first of each pair of interfaces down, and up.
func (b *bench) flap(ns *namespace, n int) (time.Duration, error) {
	start := time.Now()
	for _, to := range []string{"down", "up"} {
		if err := ns.ip(b.ctx, pairs(n, "link set large%[1]da "+to+"\n")); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// flappedGets asks an agent and an echo, at rest and during a flap.
func (b *bench) flappedGets(s *section, ns *namespace, n int) error {
	if _, err := ours(b, ns, nil); err != nil {
		return err
	}
	defer b.stopAll()
	echo, beside, err := b.echo(ns)
	if err != nil {
		return err
	}
	defer echo.stop()
	asked := target{port: agentPort, name: mustEncodeOID(sysUpTime)}
	for _, c := range []struct {
		name  string
		times int
		do    func() error
	}{
		{"at rest", 1, func() error { return sleep(b.ctx, b.loadTime) }},
		{"during a flap", b.runs, func() error {
			took, err := b.flap(ns, n)
			if err == nil {
				s.note("The flap took %.1f s with the agent asked.", took.Seconds())
				err = sleep(b.ctx, afterFlap)
			}
			return err
		}},
	} {
		var took [2]latencies
		for range c.times {
			p, err := probe(ns, b.probeInterval, asked, beside)
			if err != nil {
				return err
			}
			err = c.do()
			all, probed := p.stop()
			if err = errors.Join(err, probed); err != nil {
				return err
			}
			for i := range took {
				took[i].add(all[i])
			}
		}
		for _, at := range []struct {
			name string
			p    float64
		}{{"median", 50}, {"99th percentile", 99}, {"the longest", 100}} {
			our, peer := latency(&took[0], at.p), latency(&took[1], at.p)
			f := figure{Case: "GET of sysUpTime " + c.name + ", beside an echo: " + at.name, Ours: our, Peer: peer}
			if at.p == 99 {
				f = f.reach("under 5 ms more", our.Value-peer.Value < mostMore.Seconds())
			}
			s.add(f)
			progress("%s: %s, %s", f.Case, f.Ours, f.Peer)
		}
	}
	return nil
}

// flapNotified has a flap notified of, and counts.
func (b *bench) flapNotified(s *section, ns *namespace, n int) error {
	conf, err := b.file("large.conf", fmt.Sprintf("agentaddress udp:127.0.0.1:%d\nrocommunity %s\ntrap2sink 127.0.0.1:%d %s\n", agentPort, community, sinkPort, community))
	if err != nil {
		return err
	}
	sink, err := newSink(ns)
	if err != nil {
		return err
	}
	monitor, err := newMonitor(b.ctx, ns)
	if err != nil {
		return errors.Join(err, sink.end())
	}
	if _, err = b.startAgent("netsnmp-agent", agentPort, ns, nil, b.agentProgram, "--config", conf); err == nil {
		defer b.stopAll()
		if err = monitor.rest(b.ctx); err == nil { // of what came before, one may have seen more than the other
			sink.count.Store(0)
			monitor.changes.Store(0)
			if _, err = b.flap(ns, n); err == nil {
				err = monitor.rest(b.ctx)
			}
		}
	}
	// Whoever is behind comes to the end; what takes longer is missing.
	err = errors.Join(err, sleep(b.ctx, 5*mostBehind), sink.end(), monitor.end())
	if err != nil {
		return err
	}
	told, changes := sink.count.Load(), monitor.changes.Load()
	behind := sink.last.Sub(time.Unix(0, monitor.last.Load()))
	f := figure{Case: "notifications, beside the changes that `ip monitor link` tells of", Ours: &quantity{Value: float64(told)}, Peer: &quantity{Value: float64(changes)}}
	s.add(f.reach("as many", told == changes && changes > int64(n)))
	progress("%s: %s, %s", f.Case, f.Ours, f.Peer)
	f = figure{Case: "the last one comes behind the last line of `ip monitor link`", Ours: &quantity{Value: behind.Seconds(), Unit: seconds}}
	s.add(f.reach(fmt.Sprintf("within %v", mostBehind), behind <= mostBehind))
	progress("%s: %s", f.Case, f.Ours)
	return nil
}

// sink takes notifications of links.
type sink struct {
	fd    int
	done  chan error
	count atomic.Int64
	last  time.Time // known after end
}

func newSink(ns *namespace) (*sink, error) {
	k := &sink{done: make(chan error, 1)}
	err := ns.do(func() (err error) {
		if k.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		_ = unix.SetsockoptInt(k.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		return unix.Bind(k.fd, &unix.SockaddrInet4{Port: sinkPort, Addr: [4]byte{127, 0, 0, 1}})
	})
	if err != nil {
		return nil, fmt.Errorf("a place for notifications: %w", err)
	}
	go func() { k.done <- onThread(nil, k.receive) }()
	return k, nil
}

func (k *sink) receive() error {
	kinds := [...][]byte{mustEncodeOID(linkDown), mustEncodeOID(linkUp)}
	buf := make([]byte, 1<<16)
	for {
		size, err := unix.Read(k.fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case size == 0: // shut down
			return nil
		}
		now := time.Now()
		for _, kind := range kinds {
			if bytes.Contains(buf[:size], kind) {
				k.count.Add(1)
				k.last = now
			}
		}
	}
}

func (k *sink) end() error {
	_ = unix.Shutdown(k.fd, unix.SHUT_RD) // wakes who reads, though it returns ENOTCONN
	err := <-k.done
	return errors.Join(err, unix.Close(k.fd))
}

// monitor is a running `ip monitor link`, and what it said.
type monitor struct {
	cmd     *exec.Cmd
	reading sync.WaitGroup
	down    map[string]bool // by interface
	changes atomic.Int64    // into the down state, and out of it
	last    atomic.Int64    // when it said something, in nanoseconds
}

// take takes in a line of `ip -o link`.
func (m *monitor) take(line string) {
	fields := strings.Fields(line)
	i := slices.Index(fields, "state")
	if i < 0 || i+1 == len(fields) {
		return
	}
	name, state := fields[1], fields[i+1]
	down := state == "DOWN" || state == "LOWERLAYERDOWN"
	if before, known := m.down[name]; known && before != down {
		m.changes.Add(1)
	}
	m.down[name] = down
}

func newMonitor(ctx context.Context, ns *namespace) (*monitor, error) {
	m := &monitor{down: make(map[string]bool), cmd: exec.CommandContext(ctx, "ip", "-o", "-n", ns.name, "-rcvbuf", "67108864", "monitor", "link")}
	before, err := command(ctx, nil, "ip", "-o", "-n", ns.name, "link")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(before) {
		m.take(line)
	}
	m.cmd.SysProcAttr = dieWithUs
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	m.reading.Go(func() {
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			m.last.Store(time.Now().UnixNano())
			m.take(line)
		}
	})
	return m, nil
}

// rest waits until nothing was said for some seconds. The kernel tells of carriers that
// came back a hundred at a time, once a second (net/core/link_watch.c).
func (m *monitor) rest(ctx context.Context) error {
	const silence, most = 3 * time.Second, 2 * time.Minute
	for begin := time.Now(); time.Since(begin) < silence || time.Since(time.Unix(0, m.last.Load())) < silence; {
		if time.Since(begin) > most {
			return fmt.Errorf("ip monitor says something new all the time, for %v", most)
		}
		if err := sleep(ctx, silence/10); err != nil {
			return err
		}
	}
	return nil
}

func (m *monitor) end() error {
	err := m.cmd.Process.Kill()
	m.reading.Wait()
	_ = m.cmd.Wait() // it was killed
	if m.last.Load() == 0 {
		err = errors.Join(err, fmt.Errorf("ip monitor: %w", io.ErrUnexpectedEOF))
	}
	return err
}
