package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// follow shows events until the context ends, of all namespaces at once.
func (p *program) follow(ctx context.Context, c *command) error {
	all, err := c.namespaces(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := follower{program: p, command: c, query: c.query(), writer: p.writer(c)}
	listeners, programs := make([]*collectors.FlowListener, len(all)), make([]portPrograms, len(all))
	for i := range all {
		k, err := collectors.Open(collectors.Options{NetNS: all[i].name})
		if err != nil {
			return all[i].failed(err)
		}
		defer k.Close()
		l, err := k.ListenFlows(c.eventsToShow(), c.buffer)
		if err != nil {
			return all[i].failed(err)
		}
		defer l.Close()
		defer context.AfterFunc(ctx, func() { _ = l.Close() })()
		listeners[i], programs[i].kernel = l, k
	}
	if c.has("buffer-size") {
		p.say("the receive buffer has %d bytes.", listeners[0].BufferSize())
	}
	ends := make(chan error, len(all))
	for i, l := range listeners {
		go func() { ends <- all[i].failed(f.receive(ctx, l, &all[i], &programs[i])) }()
	}
	for range listeners {
		err = errors.Join(err, <-ends)
		if err != nil {
			cancel()
		}
	}
	if err != nil {
		return errors.Join(err, f.writer.close())
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

	mu     sync.Mutex // held by who shows
	writer *writer
}

// receive shows the events of a namespace until the context ends.
func (f *follower) receive(ctx context.Context, l *collectors.FlowListener, n *namespace, p *portPrograms) error {
	for {
		err := l.Receive(func(e *collectors.FlowEvent) error { return f.show(e, n.label, p.of(ctx, e.Port)) })
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

func (f *follower) show(e *collectors.FlowEvent, netns, program string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, at := f.writer, e.Time
	if at.IsZero() {
		at = time.Now()
	}
	w.kind, w.port, w.program, w.at = e.Kind, e.Port, program, at
	event := strings.ToLower(strings.Trim(eventName(e.Kind), " []"))
	if f.expect {
		row := expectationRow{Expectation: e.Expectation, netns: netns, event: event, time: at}
		if f.matchesExpectation(&row) {
			w.expectation(&row)
		}
		return w.err
	}
	row := flowRow{Flow: e.Flow, netns: netns, event: event, port: e.Port, time: at}
	if f.query.Matches(&e.Flow) && f.matches(&row) {
		w.flow(&row)
	}
	return w.err
}

// portPrograms are the names of the programs that hold netlink ports of a namespace.
type portPrograms struct {
	kernel *collectors.Kernel
	names  map[uint32]string
}

// mostPorts bounds how many names are kept.
const mostPorts = 4096

// of returns the name of the program that holds a port, empty where none is seen to.
func (p *portPrograms) of(ctx context.Context, port uint32) string {
	if port == 0 {
		return ""
	}
	name, looked := p.names[port]
	if !looked {
		if p.names == nil || len(p.names) >= mostPorts {
			p.names = make(map[uint32]string)
		}
		name = p.look(ctx, port)
		p.names[port] = name
	}
	return name
}

// look looks for the socket first, since to look at all processes takes longer.
func (p *portPrograms) look(ctx context.Context, port uint32) string {
	for s, err := range p.kernel.NetlinkSockets(ctx, netstat.EndpointQuery{}) {
		if err != nil {
			return ""
		}
		if s.Protocol != unix.NETLINK_NETFILTER || s.PortID != port {
			continue
		}
		owners, err := p.kernel.SocketOwners(ctx)
		if err != nil {
			return ""
		}
		if holders := owners.Of(s.Inode).Or(nil); len(holders) > 0 {
			return holders[0].Name
		}
		return ""
	}
	return ""
}
