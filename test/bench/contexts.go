package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// contextsCount is how many network namespaces the agent serves, each as a context.
const contextsCount = 200

// contextsCase is what contexts take: an agent that serves many network namespaces, before and
// after each was asked.
func (b *bench) contextsCase(s *section) error {
	s.Title = fmt.Sprintf("%d network namespaces as contexts", contextsCount)
	var several []*namespace
	defer func() {
		for _, ns := range several {
			ns.remove()
		}
	}()
	for range contextsCount {
		ns, err := newNamespace(b.ctx)
		if err != nil {
			return err
		}
		several = append(several, ns)
	}
	where, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer where.remove()
	defer b.stopAll()
	var conf strings.Builder
	fmt.Fprintf(&conf, `agentaddress udp:127.0.0.1:%d
rocommunity %s 127.0.0.1
view all included .1
group all v2c anybody
access all "" v2c noauth prefix all none none
`, agentPort, community)
	for _, ns := range several {
		fmt.Fprintf(&conf, "netnsContexts %s\ncom2sec -Cn %s anybody 127.0.0.1 %s\n", ns.name, ns.name, ns.name)
	}
	file, err := b.file("contexts.conf", conf.String())
	if err != nil {
		return err
	}
	a, err := b.startAgent("netsnmp-agent", agentPort, where, nil, b.agentProgram, "--config", file, "--state", filepath.Join(b.dir, "state-of-contexts"))
	if err != nil {
		return err
	}
	const settle = 2 * time.Second
	idle := func() (m memory, threads, wakeups float64, err error) {
		if err := sleep(b.ctx, settle); err != nil {
			return m, 0, 0, err
		}
		if wakeups, err = a.idleWakeups(b.ctx, b.idleTime); err != nil {
			return m, 0, 0, err
		}
		if threads, err = a.threads(); err != nil {
			return m, 0, 0, err
		}
		m, err = a.memory()
		return m, threads, wakeups, err
	}
	before, threadsBefore, wakeupsBefore, err := idle()
	if err != nil {
		return err
	}
	c, err := a.dial(timeoutOf(a))
	if err != nil {
		return err
	}
	defer c.close()
	begin := time.Now()
	for _, ns := range several {
		c.community = ns.name
		w, err := c.walk(b.ctx, ifTable, b.repetitions)
		if err == nil && w.varbinds == 0 {
			err = fmt.Errorf("no interface in context %s: %s", ns.name, a.said())
		}
		if err != nil {
			return err
		}
	}
	took := time.Since(begin).Seconds() / contextsCount
	after, threadsAfter, wakeupsAfter, err := idle()
	if err != nil {
		return err
	}
	bytes := func(v float64) *quantity { return &quantity{Value: v, Unit: octets} }
	plain := func(v float64) *quantity { return &quantity{Value: v} }
	s.add(figure{Case: "resident memory, nothing asked yet", Ours: bytes(before.now)})
	s.add(figure{Case: "resident memory, each asked for its ifTable", Ours: bytes(after.now)})
	s.add(figure{Case: "of that for each context", Ours: bytes((after.now - before.now) / contextsCount)})
	s.add(figure{Case: "threads, nothing asked yet", Ours: plain(threadsBefore)})
	s.add(figure{Case: "threads, each asked", Ours: plain(threadsAfter)})
	s.add(figure{Case: "the first walk of ifTable in a context", Ours: &quantity{Value: took, Unit: seconds}})
	few := b.idleTime.Seconds() / 5
	s.add(figure{Case: fmt.Sprintf("wake-ups in %v of idleness, nothing asked yet", b.idleTime), Ours: plain(wakeupsBefore)}.reach("none that freshness does not need", wakeupsBefore <= few))
	s.add(figure{Case: fmt.Sprintf("wake-ups in %v of idleness, each asked", b.idleTime), Ours: plain(wakeupsAfter)}.reach("none that freshness does not need", wakeupsAfter <= few))
	s.note("One process serves all of them; snmpd serves the namespace that it is started in. A context takes a thread once it was asked, which waits for what the kernel tells of the namespace.")
	return nil
}
