package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// lookEvery is how often namespaces are looked for that came or went.
const lookEvery = time.Second

// follow shows events until the context ends, of all namespaces at once.
func (p *program) follow(ctx context.Context, c *command) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := follower{program: p, command: c, query: c.query(), stop: stop, watched: map[string]func(){}, writer: p.writer(c)}
	err := f.look(ctx)
	if err == nil {
		err = f.wait(ctx)
	}
	stop()
	f.receivers.Wait()
	if err := errors.Join(err, f.failed); err != nil {
		return f.writer.closeAfter(err)
	}
	if c.expect {
		return p.shown(f.writer, "%d expectation events have been shown.")
	}
	return p.shown(f.writer, "%d flow events have been shown.")
}

// eventsToShow are those that were asked for, or all.
func (c *command) eventsToShow() collectors.FlowEvents {
	switch {
	case c.events != 0:
		return c.events
	case c.expect:
		return collectors.ExpectationCreated | collectors.ExpectationDestroyed
	}
	return collectors.FlowCreated | collectors.FlowUpdated | collectors.FlowDestroyed
}

// follower shows the events of several namespaces, one at a time.
type follower struct {
	*program
	*command
	query netstat.FlowQuery
	stop  func()

	watched   map[string]func() // by key, what ends the watching
	refused   map[string]bool   // namespaces that cannot be watched, which was said
	receivers sync.WaitGroup

	mu     sync.Mutex // held by who shows
	writer *writer
	failed error
}

// wait waits for the end, and looks for namespaces meanwhile.
func (f *follower) wait(ctx context.Context) error {
	if !f.everyNamespace() {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// look watches the namespaces that came, and gives up those that went: a namespace
// lives on while it is watched.
func (f *follower) look(ctx context.Context) error {
	all, err := f.namespaces(ctx)
	if err != nil {
		return err
	}
	var failed error
	there, refused := make(map[string]bool), make(map[string]bool)
	for i := range all {
		n := &all[i]
		there[n.key] = true
		if f.watched[n.key] != nil {
			continue
		}
		err := n.failed(f.watch(ctx, n))
		switch {
		case err == nil || f.everyNamespace() && errors.Is(err, fs.ErrNotExist):
			continue // it is watched, or went meanwhile
		case !f.everyNamespace():
			return err
		}
		failed = errors.Join(failed, err)
		if refused[n.key] = true; !f.refused[n.key] {
			f.say("%v", err)
		}
	}
	f.refused = refused
	for key, end := range f.watched {
		if !there[key] {
			end()
			delete(f.watched, key)
		}
	}
	if len(f.watched) == 0 {
		return failed
	}
	return nil
}

// watch begins to show the events of a namespace.
func (f *follower) watch(ctx context.Context, n *namespace) error {
	k, err := n.open(ctx)
	if err != nil {
		return err
	}
	l, err := k.ListenFlows(f.eventsToShow(), f.buffer)
	if err != nil {
		return errors.Join(err, k.Close())
	}
	if f.has("buffer-size") && len(f.watched) == 0 {
		f.say("the receive buffer has %d bytes.", l.BufferSize())
	}
	ctx, end := context.WithCancel(ctx)
	f.watched[n.key] = end
	closing := context.AfterFunc(ctx, func() { _ = l.Close() }) // nothing was written
	f.receivers.Go(func() {
		defer func() { closing(); _, _ = l.Close(), k.Close() }()
		if err := n.failed(f.receive(ctx, l, n, &portPrograms{kernel: k})); err != nil {
			f.mu.Lock()
			f.failed = errors.Join(f.failed, err)
			f.mu.Unlock()
			f.stop()
		}
	})
	return nil
}

// receive shows the events of a namespace until the context ends.
func (f *follower) receive(ctx context.Context, l *collectors.FlowListener, n *namespace, p *portPrograms) error {
	from := &show.Source{Stack: p.kernel, NetNS: n.label}
	for {
		err := l.Receive(func(e *collectors.FlowEvent) error { return f.show(from, e, p.of(ctx, e.Port)) })
		f.mu.Lock()
		if err == nil {
			err = f.writer.flush()
		}
		if errors.Is(err, collectors.ErrGap) {
			f.say("%v.", n.failed(errors.New("events were lost here, since they came faster than they were shown: see --buffer-size")))
			err = nil
		}
		f.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

func (f *follower) show(from *show.Source, e *collectors.FlowEvent, program string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, at := f.writer, e.Time
	if at.IsZero() {
		at = time.Now()
	}
	w.kind = e.Kind
	w.event = show.Event{Change: strings.ToLower(strings.Trim(eventName(e.Kind), " []")), Time: at, Port: e.Port, Program: program}
	if f.expect {
		row := show.NewRow(from, e.Expectation)
		row.Happened(&w.event)
		if f.matchesExpectation(&row) {
			w.expectation(&row)
		}
		return w.err
	}
	row := show.NewRow(from, show.TrackedFlow{Flow: e.Flow})
	row.Happened(&w.event)
	if f.query.Matches(&e.Flow) && f.matches(&row) {
		w.flow(&row)
	}
	return w.err
}

// portPrograms are the programs that hold netlink ports of a namespace.
type portPrograms struct {
	kernel *collectors.Kernel
	known  map[uint32]portProgram
}

// portProgram is the program that held a port when that was looked at.
type portProgram struct {
	name   string // empty where none is seen to
	inode  uint32 // of the socket that has the port
	looked time.Time
}

const (
	// mostPorts bounds how many programs are known.
	mostPorts = 4096
	// lookAgain is for how long a port is taken to be the same program's.
	lookAgain = time.Second
)

// of returns the name of the program that holds a port, empty where none is seen to.
func (p *portPrograms) of(ctx context.Context, port uint32) string {
	if port == 0 {
		return ""
	}
	known, looked := p.known[port]
	if !looked || time.Since(known.looked) >= lookAgain {
		if p.known == nil || len(p.known) >= mostPorts {
			p.known = make(map[uint32]portProgram)
		}
		known = p.look(ctx, port, known)
		p.known[port] = known
	}
	return known.name
}

// look looks for the socket first, since to look at all processes takes longer: while it
// is the one that was known, so is the program.
func (p *portPrograms) look(ctx context.Context, port uint32, known portProgram) portProgram {
	now := portProgram{looked: time.Now()}
	for s, err := range p.kernel.NetlinkSockets(ctx, netstat.EndpointQuery{}) {
		if err != nil {
			return now
		}
		if s.Protocol != unix.NETLINK_NETFILTER || s.PortID != port {
			continue
		}
		now.inode = s.Inode
		if known.name != "" && known.inode == s.Inode {
			now.name = known.name
			return now
		}
		owners, err := p.kernel.SocketOwners(ctx)
		if err != nil {
			return now
		}
		if holders := owners.Of(s.Inode).Or(nil); len(holders) > 0 {
			now.name = holders[0].Name
		}
		return now
	}
	return now
}
