package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// LinkNotifier sends linkDown and linkUp notifications (RFC 2863, section 6) when
// interfaces of a stack enter and leave the down state. The state lowerLayerDown
// is a refinement of it (section 3.1.12): going from the one to the other is no
// transition. What comes from the state notPresent, and what goes there, is none
// either; so is the coming and going of interfaces.
//
// Interfaces that operate on top of others (the bridge of a port, a VLAN) are
// passed over by default, as RFC 2863 has it for ifLinkUpDownTrapEnable.
type LinkNotifier struct {
	// Stack is followed. It has to track interfaces.
	Stack *live.Stack
	// Enabled says whether notifications of the interface of that name are sent, as
	// Config.LinkNotifications does.
	Enabled func(name string, byDefault bool) bool
	// Send takes each notification. It must not wait.
	Send func(mib.Notification)
	Log  *slog.Logger // nil means slog.Default
}

// Run sends notifications of what happens from now on, until ctx is done, when
// it returns nil, or the stack ends, when it returns the stack's error.
func (n LinkNotifier) Run(ctx context.Context) error {
	sub := n.Stack.Subscribe(live.SubscribeOptions{
		Filter:  live.Filter{Kinds: netstat.KindInterface},
		Initial: live.InitialEvents,
	})
	defer sub.Close()
	states := newLinkStates(n)
	for e, err := range sub.Events(ctx) {
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
		states.event(e)
	}
	return nil
}

// linkStates are the interfaces as far as notifications depend on them.
type linkStates struct {
	notifier LinkNotifier
	links    map[uint32]linkState
	ports    map[uint32]int // how many interfaces have this one for their master
}

type linkState struct {
	state  netstat.OperState
	master uint32
}

func newLinkStates(n LinkNotifier) *linkStates {
	if n.Log == nil {
		n.Log = slog.Default()
	}
	return &linkStates{notifier: n, links: make(map[uint32]linkState), ports: make(map[uint32]int)}
}

func (s *linkStates) event(e live.Event) {
	switch e.Change {
	case live.Present, live.Added, live.Changed:
		if ifc, ok := e.Value.(netstat.Interface); ok {
			s.update(&ifc)
		}
	case live.Removed:
		if ifc, ok := e.Value.(netstat.Interface); ok {
			s.remove(ifc.Index)
		}
	case live.Gap:
		s.notifier.Log.Warn("changes of interfaces came too fast: of an interface that changed several times only the last is notified of")
		s.reconcile(e.Snapshot)
	case live.Synced:
	}
}

// reconcile takes in what a stack is like after events that were lost.
func (s *linkStates) reconcile(now *live.Snapshot) {
	for index := range s.links {
		if _, present := now.Interface(index); !present {
			s.remove(index)
		}
	}
	// Who is a port of whom decides who is passed over.
	for ifc := range now.Interfaces() {
		if link, known := s.links[ifc.Index]; known {
			s.set(&ifc, link.state)
		} else {
			s.set(&ifc, stateOf(&ifc))
		}
	}
	for ifc := range now.Interfaces() {
		s.update(&ifc)
	}
}

// set remembers an interface.
func (s *linkStates) set(ifc *netstat.Interface, state netstat.OperState) {
	if before := s.links[ifc.Index].master; before != ifc.Master {
		s.release(before)
		if ifc.Master != 0 {
			s.ports[ifc.Master]++
		}
	}
	s.links[ifc.Index] = linkState{state, ifc.Master}
}

func (s *linkStates) release(master uint32) {
	if s.ports[master]--; s.ports[master] <= 0 {
		delete(s.ports, master)
	}
}

func (s *linkStates) remove(index uint32) {
	if link, known := s.links[index]; known {
		s.release(link.master)
		delete(s.links, index)
	}
}

func (s *linkStates) update(ifc *netstat.Interface) {
	before, known := s.links[ifc.Index]
	state := stateOf(ifc)
	s.set(ifc, state)
	if !known {
		return
	}
	var notification *mib.NotificationType[netstat.Interface]
	switch {
	case isDown(state) && !isDown(before.state) && before.state != netstat.OperNotPresent:
		notification = ifmib.LinkDown()
	case isDown(before.state) && !isDown(state) && state != netstat.OperNotPresent:
		notification = ifmib.LinkUp()
	default:
		return
	}
	send := s.ports[ifc.Index] == 0 && ifc.LowerInterface() == 0
	if s.notifier.Enabled != nil {
		send = s.notifier.Enabled(ifc.Name, send)
	}
	if !send {
		return
	}
	at := ifc.LastChange
	if at.IsZero() {
		at = time.Now()
	}
	s.notifier.Log.Debug("notification", "of", notification.Name, "interface", ifc.Name, "state", state)
	row := *ifc // most events are of no transition, and keep nothing
	s.notifier.Send(notification.New(at, &row))
}

// withLinkTraps returns the interfaces of a reading, and of each whether it is notified of.
func (s *sources) withLinkTraps(found readings.Interfaces) []netstat.Interface {
	rows := slices.Clone(found.Rows)
	s.linkTraps(rows)
	return rows
}

// linkTraps says of each interface whether it is notified of, unless its stack
// knows.
func (s *sources) linkTraps(interfaces []netstat.Interface) {
	ports := make(map[uint32]bool)
	for i := range interfaces {
		ports[interfaces[i].Master] = true
	}
	for i := range interfaces {
		if ifc := &interfaces[i]; !ifc.LinkTraps.IsKnown() {
			send := !ports[ifc.Index] && ifc.LowerInterface() == 0
			if s.config.LinkNotifications != nil {
				send = s.config.LinkNotifications(ifc.Name, send)
			}
			ifc.LinkTraps.Set(send)
		}
	}
}

// stateOf returns the state of an interface. One that nobody tells is neither up
// nor down.
func stateOf(ifc *netstat.Interface) netstat.OperState {
	return ifc.Operational().Or(netstat.OperUnknown)
}

// isDown reports whether the state is down(2) or its refinement.
func isDown(s netstat.OperState) bool {
	return s == netstat.OperDown || s == netstat.OperLowerLayerDown
}
