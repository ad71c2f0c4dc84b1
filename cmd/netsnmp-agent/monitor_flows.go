package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// flowEvents are the changes that the kernel tells of flows and expectations.
var flowEvents = []struct {
	is     collectors.FlowEvents
	kind   netstat.Kinds
	change live.Change
}{
	{collectors.FlowCreated, netstat.KindFlow, live.Added},
	{collectors.FlowUpdated, netstat.KindFlow, live.Changed},
	{collectors.FlowDestroyed, netstat.KindFlow, live.Removed},
	{collectors.ExpectationCreated, netstat.KindExpectation, live.Added},
	{collectors.ExpectationDestroyed, netstat.KindExpectation, live.Removed},
}

// flowFollower prints what the kernel tells of connection tracking. It keeps no state:
// a change is what the kernel says of it, and what was lost stays unknown.
type flowFollower struct {
	*collectors.FlowListener
	kernel *collectors.Kernel
	kinds  netstat.Kinds
	prefix netip.Prefix // of one of the ends, unless it is the zero Prefix
	to     *printer
}

// followFlows begins to listen: events wait from now on.
func followFlows(kernel *collectors.Kernel, kinds netstat.Kinds, prefix netip.Prefix, to *printer) (*flowFollower, error) {
	var wanted collectors.FlowEvents
	for _, e := range flowEvents {
		if kinds.Has(e.kind) {
			wanted |= e.is
		}
	}
	listener, err := kernel.ListenFlows(wanted, collectors.DefaultListenBuffer)
	if err != nil {
		return nil, err
	}
	return &flowFollower{listener, kernel, kinds, prefix, to}, nil
}

// present prints what is there.
func (f *flowFollower) present(ctx context.Context) error {
	var err error
	if f.kinds.Has(netstat.KindFlow) {
		err = presentRows(f, netstat.KindFlow, f.kernel.Flows(ctx, netstat.FlowQuery{}))
	}
	if err == nil && f.kinds.Has(netstat.KindExpectation) {
		err = presentRows(f, netstat.KindExpectation, f.kernel.Expectations(ctx))
	}
	return errors.Join(err, f.to.flush())
}

func presentRows[T any](f *flowFollower, kind netstat.Kinds, rows iter.Seq2[T, error]) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := f.print(&live.Event{Kind: kind, Change: live.Present, Value: row}); err != nil {
			return err
		}
	}
	return nil
}

// follow prints events until the context ends. Where events were lost it prints a gap
// and goes on.
func (f *flowFollower) follow(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	for {
		err := f.Receive(func(told *collectors.FlowEvent) error {
			for _, e := range flowEvents {
				if e.is != told.Kind {
					continue
				}
				event := live.Event{Kind: e.kind, Change: e.change, Value: told.Flow, Received: told.Time}
				if e.kind == netstat.KindExpectation {
					event.Value = told.Expectation
				}
				return f.print(&event)
			}
			return nil
		})
		switch {
		case ctx.Err() != nil, errors.Is(err, fs.ErrClosed):
			return nil
		case errors.Is(err, collectors.ErrGap):
			err = f.to.print(&live.Event{Kind: f.kinds, Change: live.Gap})
		}
		if err := errors.Join(err, f.to.flush()); err != nil {
			return err
		}
	}
}

// print prints an event unless it is of ends outside of the prefix.
func (f *flowFollower) print(e *live.Event) error {
	if f.prefix.IsValid() {
		var ends []netip.Addr
		switch v := e.Value.(type) {
		case netstat.Flow:
			ends = []netip.Addr{v.Original.Source, v.Original.Destination, v.Reply.Source, v.Reply.Destination}
		case netstat.Expectation:
			ends = []netip.Addr{v.Tuple.Source, v.Tuple.Destination}
		}
		within := false
		for _, a := range ends {
			within = within || f.prefix.Contains(a)
		}
		if !within {
			return nil
		}
	}
	return f.to.print(e)
}
