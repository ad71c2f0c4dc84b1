package collectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// FlowEvents is a set of kinds of events of flows and expectations.
type FlowEvents uint8

// Kinds of events.
const (
	FlowCreated FlowEvents = 1 << iota
	FlowUpdated
	FlowDestroyed
	ExpectationCreated
	ExpectationDestroyed

	// AllFlowEvents are all of them.
	AllFlowEvents FlowEvents = 1<<iota - 1
)

// FlowEvent is what the kernel tells of a flow or an expectation.
type FlowEvent struct {
	Kind FlowEvents // one of the constants above
	// Flow is what is told of a flow; of a new one its tuples and status, of one
	// that ended its last counters and times. Expectation is what is told of an
	// expectation.
	Flow        netstat.Flow
	Expectation netstat.Expectation
	// Time is when it happened; the zero time for kernels that do not tell.
	Time time.Time
	// Port is the netlink port of the program that caused it, 0 for a packet or
	// the passing of time.
	Port uint32
}

// FlowListener receives events of connection tracking.
type FlowListener struct {
	events  *subscription
	decoder conntrackDecoder
	event   FlowEvent
}

// ListenFlows subscribes to events. The receive buffer is as of Listen. It needs
// CAP_NET_ADMIN in the namespace. An event takes about 1,280 bytes of the buffer.
//
// The kernel makes events for flows that began when somebody listened; with
// net.netfilter.nf_conntrack_events=1 for those before, too, and with 0 for none.
func (k *Kernel) ListenFlows(kinds FlowEvents, buffer int) (*FlowListener, error) {
	l, err := k.listenFlows(kinds, buffer)
	return l, k.conntrackError("listen to flows", err)
}

func (k *Kernel) listenFlows(kinds FlowEvents, buffer int) (*FlowListener, error) {
	// Whoever may not read may join all the same, and hears nothing; and so it
	// is where the kernel has no ctnetlink.
	err := k.probeConntrack(context.Background())
	if errors.Is(err, unix.EINVAL) {
		err = lacking(ctnetlinkOption, err)
	}
	if err != nil {
		return nil, err
	}
	var groups []int
	for _, group := range [...]struct {
		kind   FlowEvents
		number int
	}{
		{FlowCreated, unix.NFNLGRP_CONNTRACK_NEW}, {FlowUpdated, unix.NFNLGRP_CONNTRACK_UPDATE}, {FlowDestroyed, unix.NFNLGRP_CONNTRACK_DESTROY},
		{ExpectationCreated, unix.NFNLGRP_CONNTRACK_EXP_NEW}, {ExpectationDestroyed, unix.NFNLGRP_CONNTRACK_EXP_DESTROY},
	} {
		if kinds&group.kind != 0 {
			groups = append(groups, group.number)
		}
	}
	events, err := k.subscribe(unix.NETLINK_NETFILTER, groups, buffer)
	if err != nil {
		return nil, err
	}
	return &FlowListener{events: events}, nil
}

// BufferSize returns the size of the receive buffer as the kernel counts it.
func (l *FlowListener) BufferSize() int { return l.events.size }

// Receive waits for events and calls each with those that came, in their order;
// the FlowEvent is valid during the call. An error of each ends the call and is
// returned as it is. An error that matches ErrGap says that events were lost; the
// subscription goes on, and those after the gap come by the next call. One that
// matches fs.ErrClosed says that the FlowListener was closed. Receive must not be
// called concurrently.
func (l *FlowListener) Receive(each func(*FlowEvent) error) error {
	datagram, err := l.events.next()
	if err != nil {
		return l.events.kernel.conntrackError("receive events of flows", err)
	}
	m := messages{rest: datagram}
	for m.next() {
		known, err := l.decode(&m)
		if err != nil {
			return l.events.kernel.conntrackError("decode an event of a flow", err)
		}
		if !known {
			continue
		}
		if err := each(&l.event); err != nil {
			return err
		}
	}
	return l.events.kernel.conntrackError("decode events of flows", m.err)
}

func (l *FlowListener) decode(m *messages) (known bool, err error) {
	e := &l.event
	*e = FlowEvent{Port: m.port}
	switch subsystem, kind := m.kind>>8, m.kind&0xff; {
	case subsystem == unix.NFNL_SUBSYS_CTNETLINK && kind == ctNew && m.flags&(unix.NLM_F_CREATE|unix.NLM_F_EXCL) != 0:
		e.Kind = FlowCreated
	case subsystem == unix.NFNL_SUBSYS_CTNETLINK && kind == ctNew:
		e.Kind = FlowUpdated
	case subsystem == unix.NFNL_SUBSYS_CTNETLINK && kind == ctDelete:
		e.Kind = FlowDestroyed
	case subsystem == unix.NFNL_SUBSYS_CTNETLINK_EXP && kind == expNew:
		e.Kind = ExpectationCreated
	case subsystem == unix.NFNL_SUBSYS_CTNETLINK_EXP && kind == expDelete:
		e.Kind = ExpectationDestroyed
	default:
		return false, nil
	}
	if e.Kind >= ExpectationCreated {
		err = l.decoder.expectation(m.body)
		e.Expectation = l.decoder.Expectation
	} else {
		err = l.decoder.flow(m.body)
		e.Flow = l.decoder.Flow
	}
	e.Time = l.decoder.Told
	if err != nil {
		err = fmt.Errorf("message %d: %w", m.kind, err)
	}
	return true, err
}

// Close ends the subscription. A Receive under way returns. Closing again is no error.
func (l *FlowListener) Close() error { return l.events.close() }

// flowEnds receives the ends of flows alone.
type flowEnds struct{ *FlowListener }

// ListenFlowEnds listens for the ends of flows, as ListenFlows has them. Of a flow that began
// before anybody listened the kernel tells none, unless net.netfilter.nf_conntrack_events
// is 1.
func (k *Kernel) ListenFlowEnds() (netstat.FlowEndListener, error) {
	l, err := k.ListenFlows(FlowDestroyed, DefaultListenBuffer)
	if err != nil {
		return nil, err
	}
	return flowEnds{l}, nil
}

func (l flowEnds) Receive(each func(*netstat.Flow) error) error {
	return l.FlowListener.Receive(func(e *FlowEvent) error {
		if e.Kind != FlowDestroyed {
			return nil
		}
		return each(&e.Flow)
	})
}
