package traffic

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// flow makes a flow from a port, that counted so many packets of 100 bytes in its original
// direction and of 1000 bytes in its reply.
func flow(id uint32, packets, replies uint64) netstat.Flow {
	f := netstat.Flow{Original: netstat.FlowTuple{
		Protocol: netstat.IPProtocolUDP, Source: netip.MustParseAddr("192.0.2.1"), Destination: netip.MustParseAddr("192.0.2.2"),
		SourcePort: uint16(id), DestinationPort: 53,
	}}
	f.Reply = f.Original.Invert()
	f.ID.Set(id)
	f.OriginalCounters.Set(netstat.FlowCounters{Packets: packets, Bytes: 100 * packets})
	f.ReplyCounters.Set(netstat.FlowCounters{Packets: replies, Bytes: 1000 * replies})
	return f
}

func readFlows(m *FlowMeter, seconds float64, flows ...netstat.Flow) *FlowReading {
	m.Begin(after(seconds))
	for i := range flows {
		m.Add(&flows[i])
	}
	return m.Finish(after(seconds), true)
}

func endFlow(m *FlowMeter, seconds float64, f netstat.Flow) { m.End(&f, after(seconds)) }

// expectFlows compares what a reading tells of each flow, by ID.
func expectFlows(t *testing.T, what string, r *FlowReading, want map[uint32]string) {
	t.Helper()
	got := make(map[uint32]string)
	for f := range r.All() {
		text := fmt.Sprintf("%v/%v %v/%v", f.Growth.OriginalSeen, f.Growth.ReplySeen, f.OriginalRate, f.ReplyRate)
		for _, flag := range []struct {
			name string
			set  bool
		}{{"new", f.Growth.New}, {"missing", f.Missing}, {"ended", f.IsOver()}, {"at least", f.AtLeast}} {
			if flag.set {
				text += " " + flag.name
			}
		}
		if id := f.ID.Or(0); got[id] != "" {
			t.Errorf("%s: flow %d is told of twice", what, id)
		} else {
			got[id] = text
		}
	}
	for id, text := range want {
		if got[id] != text {
			t.Errorf("%s: flow %d: %q, want %q", what, id, got[id], text)
		}
		delete(got, id)
	}
	for id, text := range got {
		t.Errorf("%s: flow %d: %q", what, id, text)
	}
}

// sumOf is the sum of everything.
func sumOf(r *FlowReading) (all FlowSum) {
	for _, sum := range r.Sums() {
		all.Add(&sum)
	}
	return all
}

func counters(packets, each uint64) netstat.FlowCounters {
	return netstat.FlowCounters{Packets: packets, Bytes: packets * each}
}

func TestFlowMeter(t *testing.T) {
	m := NewFlowMeter(true)
	// One that ends before anybody looked, and one that ends while the first reading goes on,
	// before its row is read.
	endFlow(m, 0, flow(98, 5, 5))
	m.Begin(after(0))
	endFlow(m, 0, flow(99, 5, 5))
	for _, f := range []netstat.Flow{flow(99, 5, 5), flow(1, 10, 10), flow(2, 10, 10)} {
		m.Add(&f)
	}
	expectFlows(t, "first", m.Finish(after(0), true), map[uint32]string{1: "{0 0}/{0 0} -/-", 2: "{0 0}/{0 0} -/-"})

	// One grows, one is new, one ended after it grew, and one was not there in any
	// reading.
	endFlow(m, 1, flow(2, 14, 10))
	endFlow(m, 1.5, flow(3, 2, 2))
	endFlow(m, 1.5, flow(3, 2, 2)) // told twice
	r := readFlows(m, 2, flow(1, 12, 11), flow(4, 1, 1), flow(4, 1, 1), flow(3, 2, 2))
	expectFlows(t, "second", r, map[uint32]string{
		1: "{2 200}/{1 1000} 100/500", 2: "{4 400}/{0 0} 200/0 ended", 3: "{2 200}/{2 2000} 100/1000 new ended", 4: "{1 100}/{1 1000} 50/500 new",
	})
	if got, want := sumOf(r), (FlowSum{
		Flows: 2, Ended: 2, Counted: 4, Original: counters(9, 100), Reply: counters(4, 1000), OriginalRate: netstat.Known(450.), ReplyRate: netstat.Known(2000.),
	}); got != want {
		t.Errorf("the sum is %+v, want %+v", got, want)
	}

	// One ends while a reading goes on that has it; another one is missing.
	m.Begin(after(3))
	one := flow(1, 12, 11)
	m.Add(&one)
	endFlow(m, 3, flow(1, 13, 11))
	r = m.Finish(after(3), true)
	expectFlows(t, "third", r, map[uint32]string{1: "{2 200}/{1 1000} 0/0", 4: "{1 100}/{1 1000} -/- missing"})
	if got := sumOf(r); got.Flows != 2 || got.Ended != 2 || got.Original != counters(9, 100) {
		t.Errorf("the sum is %+v", got)
	}
	// Its end is told late, and of another one never.
	r = readFlows(m, 4, flow(5, 1, 1))
	expectFlows(t, "fourth", r, map[uint32]string{1: "{3 300}/{1 1000} 100/0 ended", 4: "{1 100}/{1 1000} -/- missing ended at least", 5: "{1 100}/{1 1000} 100/1000 new"})
	endFlow(m, 4.5, flow(5, 2, 1))
	r = readFlows(m, 5)
	expectFlows(t, "fifth", r, map[uint32]string{5: "{2 200}/{1 1000} 100/0 ended"})
	if got := sumOf(r); got.Flows != 0 || got.Ended != 5 || got.Counted != 5 || got.Original != counters(12, 100) || got.Reply != counters(5, 1000) || !got.AtLeast {
		t.Errorf("the sum is %+v", got)
	}
}

// Without ends of flows what is missing has ended, and after a gap, too.
func TestFlowMeterWithoutEnds(t *testing.T) {
	for _, gap := range []bool{false, true} {
		m := NewFlowMeter(gap)
		readFlows(m, 0, flow(1, 1, 1))
		if gap {
			m.Gap()
		}
		r := readFlows(m, 1)
		expectFlows(t, "without", r, map[uint32]string{1: "{0 0}/{0 0} -/- missing ended at least"})
		if r.Gap != gap || r.AtLeast != gap {
			t.Errorf("of a gap it tells %v", r.Gap)
		}
		expectFlows(t, "after it", readFlows(m, 2), nil)
	}
}

// What is not counted is unknown.
func TestFlowMeterUncounted(t *testing.T) {
	m := NewFlowMeter(true)
	f := flow(1, 0, 0)
	f.OriginalCounters, f.ReplyCounters = netstat.Optional[netstat.FlowCounters]{}, netstat.Optional[netstat.FlowCounters]{}
	readFlows(m, 0, f)
	r := readFlows(m, 1, f)
	expectFlows(t, "uncounted", r, map[uint32]string{1: "-/- -/-"})
	if got := sumOf(r); got != (FlowSum{Flows: 1}) {
		t.Errorf("the sum is %+v", got)
	}
	endFlow(m, 1.5, f)
	if got := sumOf(readFlows(m, 2)); got != (FlowSum{Ended: 1}) {
		t.Errorf("the sum is %+v", got)
	}
}

// What is more than is remembered one by one counts all the same.
func TestFlowMeterBounds(t *testing.T) {
	m := NewFlowMeter(true)
	m.mostEnded, m.past.most = 2, 1
	readFlows(m, 0)
	for id := range uint32(5) {
		f := flow(id, 1, 2)
		f.Original.Source = netip.AddrFrom4([4]byte{192, 0, 2, byte(id)})
		endFlow(m, 0.5, f)
	}
	for _, at := range []float64{1, 2} {
		r := readFlows(m, at)
		if got := sumOf(r); got.Ended != 5 || got.Counted != 5 || got.Original != counters(5, 100) || got.Reply != counters(10, 1000) {
			t.Errorf("after %v s the sum is %+v", at, got)
		}
	}
	// Ends of flows that a reading has wait for the next one, as many as there is room for.
	flows := []netstat.Flow{flow(1, 1, 1), flow(2, 1, 1), flow(3, 1, 1)}
	m.Begin(after(3))
	for i := range flows {
		m.Add(&flows[i])
		endFlow(m, 3, flows[i])
	}
	if r := m.Finish(after(3), true); !r.Gap {
		t.Error("what had no room is not told of")
	}
}
