package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

const (
	wholeTree          = "1.3.6.1"
	ifTable            = "1.3.6.1.2.1.2.2"
	ifXTable           = "1.3.6.1.2.1.31.1.1"
	tcpConnTable       = "1.3.6.1.2.1.6.13"
	tcpConnectionTable = "1.3.6.1.2.1.6.19"
	inetCidrRouteTable = "1.3.6.1.2.1.4.24.7"
)

// Timeouts of one request, before it is repeated. snmpd is given long enough
// not to be asked twice for what it is at.
const (
	ourTimeout  = 2 * time.Second
	peerTimeout = 60 * time.Second
)

// timeoutOf returns the timeout of requests to an agent.
func timeoutOf(a *agent) time.Duration {
	if a.port == agentPort {
		return ourTimeout
	}
	return peerTimeout
}

// patience returns how long an agent may take for one thing.
func (b *bench) patience(a *agent) time.Duration {
	if a.port == agentPort {
		return max(b.peerTimeout, 2*time.Minute)
	}
	return b.peerTimeout
}

var errTooLong = errors.New("took too long")

// walk walks a subtree with a client of its own. For a walk that took longer
// than -peer-timeout the error is errTooLong.
func (b *bench) walk(a *agent, root string) (walked, error) {
	c, err := a.dial(timeoutOf(a))
	if err != nil {
		return walked{}, err
	}
	defer c.close()
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.patience(a), errTooLong)
	defer cancel()
	var w walked
	err = onThread(nil, func() (err error) {
		w, err = c.walk(ctx, root, b.repetitions)
		return err
	})
	if c.retries+c.strays > 0 {
		progress("%s: walk of %s: %d requests repeated, %d stray answers", a.name, root, c.retries, c.strays)
	}
	if err != nil && !errors.Is(err, errTooLong) {
		err = fmt.Errorf("%s: walk of %s: %w", a.name, root, err)
	}
	return w, err
}

// duration is a figure of how long walks took. Where the last of them did not
// end it is a bound.
func duration(err error, walks ...walked) *quantity {
	var all []time.Duration
	last := walked{}
	for _, w := range walks {
		all = append(all, w.elapsed)
		last = w
	}
	q := &quantity{Value: median(all).Seconds(), Unit: seconds, AtLeast: errors.Is(err, errTooLong)}
	if q.AtLeast {
		q.Note = fmt.Sprintf("ended after %s varbinds", significant(float64(last.varbinds)))
	} else {
		q.Note = fmt.Sprintf("%s varbinds, %s/s", significant(float64(last.varbinds)), significant(float64(last.varbinds)/q.Value))
	}
	return q
}

func latency(l *latencies, p float64) *quantity {
	q := &quantity{Value: l.percentile(p).Seconds(), Unit: seconds, Note: fmt.Sprintf("of %d", len(l.all))}
	if l.unanswered > 0 {
		q.Note += fmt.Sprintf(", %d unanswered", l.unanswered)
	}
	return q
}

// first starts an agent and walks a subtree at once.
func (b *bench) first(start kind, ns *namespace, root string) (walked, error) {
	a, err := start(b, ns, nil)
	if err != nil {
		return walked{}, err
	}
	defer a.stop()
	return b.walk(a, root)
}

// bulkwalk runs snmpbulkwalk over a subtree, with what it prints thrown away,
// or counted.
func (b *bench) bulkwalk(a *agent, root string, counted bool) (walked, error) {
	args := a.ns.inside("snmpbulkwalk", "-v2c", "-c", community, "-m", "", "-On", "-Cr"+strconv.Itoa(b.repetitions),
		"-t", strconv.Itoa(int(timeoutOf(a).Seconds())), "-r", "2")
	var tail lastBytes
	if counted {
		args = append(args, "-Cp")
	}
	args = append(args, fmt.Sprintf("127.0.0.1:%d", a.port), root)
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.patience(a), errTooLong)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	if counted {
		cmd.Stdout = &tail
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	start := time.Now()
	err := cmd.Run()
	w := walked{elapsed: time.Since(start)}
	if ctx.Err() != nil {
		return w, context.Cause(ctx)
	}
	if err != nil {
		return w, fmt.Errorf("snmpbulkwalk of %s: %w: %s", a.name, err, complaint.String())
	}
	if counted {
		_, n, _ := bytes.Cut(tail.b, []byte("Variables found: "))
		if w.varbinds, err = strconv.Atoi(strings.TrimSpace(string(n))); err != nil {
			return w, fmt.Errorf("snmpbulkwalk of %s ends with %q", a.name, tail.b)
		}
	}
	return w, nil
}

// lastBytes keeps the end of what is written.
type lastBytes struct{ b []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	const most = 200
	l.b = append(l.b, p[max(0, len(p)-most):]...)
	l.b = l.b[max(0, len(l.b)-most):]
	return len(p), nil
}

// check compares the walk of the load client with that of snmpbulkwalk, which
// must have found as much.
func (b *bench) check(a *agent, s *section, root, name string) error {
	mine, err := b.walk(a, root)
	if err != nil {
		return err
	}
	theirs, err := b.bulkwalk(a, root, true)
	if err != nil {
		return err
	}
	if mine.varbinds != theirs.varbinds {
		return fmt.Errorf("%s of %s: the load client found %d varbinds and snmpbulkwalk %d", name, a.name, mine.varbinds, theirs.varbinds)
	}
	s.note("%s: snmpbulkwalk too finds %s varbinds in %s.", name, significant(float64(mine.varbinds)), a.name)
	return nil
}

func thousands(n int) string { return significant(float64(n)) }

// routesCase is the first walk of a great route table.
func (b *bench) routesCase(s *section) error {
	s.Title = fmt.Sprintf("inetCidrRouteTable, %s IPv4 routes", thousands(b.routeCount))
	ns, err := b.routesNamespace()
	if err != nil {
		return err
	}
	// measure walks a fresh agent, while it is asked for sysUpTime all along.
	measure := func(start kind) (w walked, l latencies, err error) {
		a, err := start(b, ns, nil)
		if err != nil {
			return w, l, err
		}
		defer a.stop()
		p, err := probe(ns, b.probeInterval, target{port: a.port, name: mustEncodeOID(sysUpTime)})
		if err != nil {
			return w, l, err
		}
		w, err = b.walk(a, inetCidrRouteTable)
		took, probed := p.stop()
		if a.port == snmpdPort {
			if m, err := a.memory(); err == nil {
				b.peerMemory = &m
			}
		}
		if probed != nil {
			err = probed
		}
		return w, took[0], err
	}
	// control is how long a server takes to answer that does nothing else, while
	// an agent is walked.
	control := func() (l latencies, err error) {
		a, err := ours(b, ns, nil)
		if err != nil {
			return l, err
		}
		defer a.stop()
		return b.machineLatency(ns, func() error {
			_, err := b.walk(a, inetCidrRouteTable)
			return err
		})
	}
	var our []walked
	var ourLatency, machine latencies
	for range b.runs {
		w, l, err := measure(ours)
		if err != nil {
			return err
		}
		our = append(our, w)
		ourLatency.add(l)
		if l, err = control(); err != nil {
			return err
		}
		machine.add(l)
	}
	progress("first walk: %s", duration(nil, our...))
	var quiet, bulk []walked
	for range b.runs {
		w, err := b.first(ours, ns, inetCidrRouteTable)
		if err != nil {
			return err
		}
		quiet = append(quiet, w)
		a, err := ours(b, ns, nil)
		if err != nil {
			return err
		}
		w, err = b.bulkwalk(a, inetCidrRouteTable, false)
		if err != nil {
			return err
		}
		bulk = append(bulk, w)
		if len(bulk) == 1 {
			err = b.check(a, s, inetCidrRouteTable, "inetCidrRouteTable")
		}
		a.stop()
		if err != nil {
			return err
		}
	}
	bulkTime := func(walks []walked) *quantity {
		q := duration(nil, walks...)
		q.Note = ""
		return q
	}

	progress("snmpd's first walk")
	peer, peerLatency, err := measure(snmpd)
	if err != nil && !errors.Is(err, errTooLong) {
		return err
	}
	f := figure{Case: "first walk, while sysUpTime is asked for", Ours: duration(nil, our...)}.against(duration(err, peer))
	s.add(f.reach("at least 20 times quicker", f.Ratio >= 20))
	s.add(figure{Case: "first walk, with nothing else", Ours: duration(nil, quiet...)})

	progress("snmpd's first snmpbulkwalk")
	a, err := snmpd(b, ns, nil)
	if err != nil {
		return err
	}
	defer a.stop()
	theirs, err := b.bulkwalk(a, inetCidrRouteTable, false)
	if err != nil && !errors.Is(err, errTooLong) {
		return err
	}
	q := bulkTime([]walked{theirs})
	q.AtLeast = err != nil
	s.add(figure{Case: "first walk by snmpbulkwalk, to /dev/null", Ours: bulkTime(bulk)}.against(q))
	s.add(figure{Case: "GET of sysUpTime meanwhile, median", Ours: latency(&ourLatency, 50)}.against(latency(&peerLatency, 50)))
	f = figure{Case: "GET of sysUpTime meanwhile, 99th percentile", Ours: latency(&ourLatency, 99)}.against(latency(&peerLatency, 99))
	s.add(f.reach("under 5 ms", f.Ours.Value < 0.005))
	s.note("The 99th percentile of a server that does nothing but to answer, in netsnmp-agent's place while that is walked, is %s: what the machine adds.", latency(&machine, 99))
	s.note("sysUpTime is asked for every %v, whether or not earlier requests were answered, but for at most %d that are not. What was never answered counts as the time from the request to the end.", b.probeInterval, maxOpen)
	return nil
}

// machineLatency returns how long a server takes to answer that does nothing else,
// while something is done: what the machine itself adds.
func (b *bench) machineLatency(ns *namespace, do func() error) (l latencies, err error) {
	echo, asked, err := b.echo(ns)
	if err != nil {
		return l, err
	}
	defer echo.stop()
	p, err := probe(ns, b.probeInterval, asked)
	if err != nil {
		return l, err
	}
	err = do()
	took, probed := p.stop()
	return took[0], errors.Join(err, probed)
}

// echo starts a server that does nothing but to answer, and returns how it is asked.
func (b *bench) echo(ns *namespace) (*process, target, error) {
	var r request
	asked := target{port: echoPort, name: mustEncodeOID(sysUpTime), canned: true}
	path, err := b.file("answer", string(r.message(community, ber.Response, firstID, 0, asked.name)))
	if err != nil {
		return nil, asked, err
	}
	echo, err := b.startEcho(ns, path, nil)
	if err != nil {
		return nil, asked, err
	}
	c, err := dial(ns, echoPort, ourTimeout)
	if err == nil {
		defer c.close()
		c.canned = true
		err = c.ready(b.ctx)
	}
	if err != nil {
		echo.stop()
		return nil, asked, err
	}
	return echo, asked, nil
}

// tcpConnCase is the deprecated table of connections.
func (b *bench) tcpConnCase(s *section) error {
	s.Title = fmt.Sprintf("tcpConnTable, %s sockets", thousands(b.conns))
	ns, err := socketsScene(b.ctx, b.conns)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	var our []walked
	for range b.runs {
		w, err := b.first(ours, ns, tcpConnTable)
		if err != nil {
			return err
		}
		our = append(our, w)
	}
	progress("first walk: %s; snmpd's", duration(nil, our...))
	peer, err := b.first(snmpd, ns, tcpConnTable)
	if err != nil && !errors.Is(err, errTooLong) {
		return err
	}
	f := figure{Case: "first walk", Ours: duration(nil, our...)}.against(duration(err, peer))
	s.add(f.reach("at least 100 times quicker", f.Ratio >= 100))
	a, err := ours(b, ns, nil)
	if err != nil {
		return err
	}
	return b.check(a, s, tcpConnTable, "tcpConnTable")
}

// pause is how long a view of these sizes takes to become too old to be shown:
// the next reader waits for another.
const pause = 6 * time.Second

// tableCase compares walks of a table: the first, one that finds only a view
// that is too old, and one after the other.
func (b *bench) tableCase(s *section, ns *namespace, root, name string) error {
	type walks struct{ first, stale, warm []walked }
	measure := func(start kind, stale bool) (w walks, err error) {
		add := func(a *agent, to *[]walked) {
			if err == nil {
				var one walked
				one, err = b.walk(a, root)
				*to = append(*to, one)
			}
		}
		for range b.runs {
			var a *agent
			if a, err = start(b, ns, nil); err != nil {
				return w, err
			}
			add(a, &w.first)
			for range 10 {
				add(a, &w.warm)
			}
			if stale {
				if err := sleep(b.ctx, pause); err != nil {
					return w, err
				}
				add(a, &w.stale)
			}
			a.stop()
		}
		return w, err
	}
	our, err := measure(ours, true)
	if err != nil {
		return err
	}
	peer, err := measure(snmpd, false)
	if err != nil && !errors.Is(err, errTooLong) {
		return err
	}
	peerFirst, peerWarm := duration(err, peer.first...), duration(err, peer.warm...)
	s.add(figure{Case: name + ", first walk", Ours: duration(nil, our.first...)}.against(peerFirst))
	f := figure{Case: name + ", a walk that has the kernel read anew; snmpd's from its cache", Ours: duration(nil, our.stale...)}.against(peerWarm)
	s.add(f.reach("quicker than snmpd's warm cache", f.Ratio > 1))
	s.add(figure{Case: name + ", one walk after the other", Ours: duration(nil, our.warm...)}.against(peerWarm))

	for _, start := range []kind{ours, snmpd} {
		a, err := start(b, ns, nil)
		if err != nil {
			return err
		}
		err = b.check(a, s, root, name)
		a.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) connectionsCase(s *section) error {
	s.Title = fmt.Sprintf("tcpConnectionTable, %s sockets", thousands(b.connections))
	ns, err := socketsScene(b.ctx, b.connections)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	s.note("snmpd's rows are up to 60 s old.")
	return b.tableCase(s, ns, tcpConnectionTable, "tcpConnectionTable")
}

func (b *bench) interfacesCase(s *section) error {
	s.Title = fmt.Sprintf("ifTable and ifXTable, %s interfaces", thousands(b.interfaces))
	ns, err := interfacesScene(b.ctx, b.interfaces)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	if err := b.tableCase(s, ns, ifTable, "ifTable"); err != nil {
		return err
	}
	return b.tableCase(s, ns, ifXTable, "ifXTable")
}

// memoryCase is the resident memory.
func (b *bench) memoryCase(s *section) error {
	s.Title = "Resident memory"
	empty, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer empty.remove()
	defer b.stopAll()
	const mb = 1 << 20
	size := func(v float64) *quantity { return &quantity{Value: v, Unit: octets} }
	settled := func(a *agent) (memory, error) {
		if err := sleep(b.ctx, 2*time.Second); err != nil {
			return memory{}, err
		}
		return a.memory()
	}

	var idle [2]memory
	for i, start := range []kind{ours, snmpd} {
		a, err := start(b, empty, nil)
		if err != nil {
			return err
		}
		if idle[i], err = settled(a); err != nil {
			return err
		}
		a.stop()
	}
	f := figure{Case: "idle, nothing asked yet", Ours: size(idle[0].now)}.against(size(idle[1].now))
	s.add(f.reach("under 20 MB", f.Ours.Value < 20*mb))
	s.add(figure{Case: "the same, without pages of program files", Ours: size(idle[0].anonymous)}.against(size(idle[1].anonymous)))

	ns, err := b.routesNamespace()
	if err != nil {
		return err
	}
	a, err := ours(b, ns, nil)
	if err != nil {
		return err
	}
	walkOften := func(root string) (m memory, err error) {
		for range 5 {
			if _, err := b.walk(a, root); err != nil {
				return m, err
			}
			if err := sleep(b.ctx, 2*time.Second); err != nil { // so that the next one finds new rows
				return m, err
			}
		}
		return settled(a)
	}
	table, err := walkOften(inetCidrRouteTable)
	if err != nil {
		return err
	}
	whole, err := walkOften(wholeTree)
	if err != nil {
		return err
	}
	a.stop()
	if b.peerMemory == nil {
		progress("snmpd's walk")
		if a, err = snmpd(b, ns, nil); err != nil {
			return err
		}
		if _, err := b.walk(a, inetCidrRouteTable); err != nil && !errors.Is(err, errTooLong) {
			return err
		}
		m, err := a.memory()
		if err != nil {
			return err
		}
		b.peerMemory = &m
	}
	routes := thousands(b.routeCount)
	f = figure{Case: routes + " routes, after walks of inetCidrRouteTable", Ours: size(table.now)}.against(size(b.peerMemory.now))
	s.add(f.reach("under 60 MB", f.Ours.Value < 60*mb))
	f = figure{Case: "the same, at most", Ours: size(table.peak)}.against(size(b.peerMemory.peak))
	s.add(f.reach("under 60 MB", f.Ours.Value < 60*mb))
	f = figure{Case: routes + " routes, after walks of the whole tree (all three route tables)", Ours: size(whole.now)}
	s.add(f.reach("under 60 MB", f.Ours.Value < 60*mb))
	f = figure{Case: "the same, at most", Ours: size(whole.peak)}
	s.add(f.reach("under 60 MB", f.Ours.Value < 60*mb))
	s.note("VmRSS, and VmHWM for \"at most\". Walks are two seconds apart; snmpd walked once.")
	s.note("Pages of program files (VmRSS less RssAnon) are the page cache's: the kernel maps what it has in its cache, used or not, and takes it back where memory is short. Idle, they are most of what the agent has: one static program, with HTTP and TLS for its metrics. snmpd's are its shared libraries too.")
	return nil
}

// idleCase counts the wake-ups of an agent that nobody asks.
func (b *bench) idleCase(s *section) error {
	s.Title = fmt.Sprintf("Wake-ups in %v of idleness", b.idleTime)
	empty, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer empty.remove()
	defer b.stopAll()
	measure := func(start kind, ns *namespace) (before, after float64, err error) {
		a, err := start(b, ns, nil)
		if err != nil {
			return 0, 0, err
		}
		defer a.stop()
		settle := func() error { return sleep(b.ctx, 2*time.Second) }
		if err := settle(); err != nil {
			return 0, 0, err
		}
		if before, err = a.idleWakeups(b.ctx, b.idleTime); err != nil {
			return 0, 0, err
		}
		for range 2 {
			if _, err := b.walk(a, wholeTree); err != nil {
				return 0, 0, err
			}
		}
		if err := settle(); err != nil {
			return 0, 0, err
		}
		after, err = a.idleWakeups(b.ctx, b.idleTime)
		return before, after, err
	}
	plain := func(v float64) *quantity { return &quantity{Value: v} }
	before, after, err := measure(ours, empty)
	if err != nil {
		return err
	}
	peerBefore, peerAfter, err := measure(snmpd, empty)
	if err != nil {
		return err
	}
	const reach = "none that freshness does not need"
	// Go's runtime may have one thing or another to tidy up after work.
	few := b.idleTime.Seconds() / 5
	s.add(figure{Case: "nothing asked yet", Ours: plain(before)}.against(plain(peerBefore)).reach(reach, before <= few))
	s.add(figure{Case: "2 s after walks of the whole tree", Ours: plain(after)}.against(plain(peerAfter)).reach(reach, after <= few))
	ns, err := b.routesNamespace()
	if err != nil {
		return err
	}
	if _, after, err = measure(ours, ns); err != nil {
		return err
	}
	s.add(figure{Case: fmt.Sprintf("the same with %s routes", thousands(b.routeCount)), Ours: plain(after)}.reach(reach, after <= few))
	s.note("Voluntary context switches of all threads. An agent that reads anew only when it is asked needs none; one in 5 s is let pass for Go's runtime, which tidies up after work.")
	return nil
}
