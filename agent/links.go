package agent

import (
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// linkHistory remembers of the interfaces what the kernel does not: when they
// came and when they changed. What it found first has no time: it was so before
// anyone watched.
type linkHistory struct {
	mu    sync.Mutex
	links map[uint32]linkRecord // nil before the first reading
	// events says when the last event of an interface came. What was read
	// before that is older than the event.
	events                     map[uint32]time.Time
	tableChanged, stackChanged time.Time
}

type linkRecord struct {
	state                  netstat.OperState
	master, lower          uint32
	changed, discontinuity time.Time
}

// annotate takes in a whole reading of the interfaces that began at a moment,
// dates what no event has told of by that moment, and writes into the
// interfaces what it remembers of them.
func (h *linkHistory) annotate(interfaces []netstat.Interface, began time.Time) ifmib.Summary {
	h.mu.Lock()
	defer h.mu.Unlock()
	date := began
	if h.links == nil {
		h.links = make(map[uint32]linkRecord, len(interfaces))
		h.events = make(map[uint32]time.Time)
		date = time.Time{}
	}
	outdated := func(index uint32) bool { return h.events[index].After(began) }
	present := make(map[uint32]bool, len(interfaces))
	for i := range interfaces {
		ifc := &interfaces[i]
		present[ifc.Index] = true
		if !outdated(ifc.Index) {
			h.update(ifc, date)
		}
	}
	for index := range h.links {
		if !present[index] && !outdated(index) {
			h.remove(index, date)
		}
	}
	for index, at := range h.events {
		if began.Sub(at) > longestReading {
			delete(h.events, index)
		}
	}
	for i := range interfaces {
		ifc := &interfaces[i]
		record := h.links[ifc.Index]
		ifc.LastChange, ifc.CounterDiscontinuity = record.changed, record.discontinuity
	}
	return ifmib.Summary{
		Number:          netstat.Known(int32(len(interfaces))),
		TableLastChange: netstat.Known(h.tableChanged),
		StackLastChange: netstat.Known(h.stackChanged),
	}
}

// longestReading is how long an event is remembered for the sake of readings
// that began before it.
const longestReading = time.Minute

// event takes in one change as it happens.
func (h *linkHistory) event(e collectors.LinkEvent, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.links == nil {
		return
	}
	h.events[e.Interface.Index] = now
	switch e.Kind {
	case collectors.LinkChanged:
		h.update(&e.Interface, now)
	case collectors.LinkRemoved:
		h.remove(e.Interface.Index, now)
	}
}

func (h *linkHistory) update(ifc *netstat.Interface, now time.Time) {
	record, known := h.links[ifc.Index]
	state, lower := ifc.Operational(), ifc.LowerInterface()
	switch {
	case !known:
		record.discontinuity, record.changed = now, now
		h.tableChanged, h.stackChanged = now, now
	default:
		if record.state != state {
			record.changed = now
		}
		if record.master != ifc.Master || record.lower != lower {
			h.stackChanged = now
		}
	}
	record.state, record.master, record.lower = state, ifc.Master, lower
	h.links[ifc.Index] = record
}

func (h *linkHistory) remove(index uint32, now time.Time) {
	if _, known := h.links[index]; known {
		delete(h.links, index)
		h.tableChanged, h.stackChanged = now, now
	}
}
