package netstat

import (
	"net/netip"
	"testing"
)

// flowOf returns a flow between two hosts by its ID, with what it counted.
func flowOf(id uint32, port uint16, packets, replies uint64) *Flow {
	f := &Flow{Original: FlowTuple{
		Protocol: IPProtocolTCP, Source: netip.MustParseAddr("192.0.2.1"), Destination: netip.MustParseAddr("192.0.2.2"), SourcePort: port, DestinationPort: 443,
	}}
	f.Reply = f.Original.Invert()
	f.ID.Set(id)
	f.OriginalCounters.Set(FlowCounters{Packets: packets, Bytes: 100 * packets})
	f.ReplyCounters.Set(FlowCounters{Packets: replies, Bytes: 1000 * replies})
	return f
}

// growth leaves of what is told the growth.
func growth(g FlowGrowth) FlowGrowth {
	return FlowGrowth{New: g.New, Original: g.Original, Reply: g.Reply}
}

func grown(packets, replies uint64) FlowGrowth {
	return FlowGrowth{
		Original: Known(FlowCounters{Packets: packets, Bytes: 100 * packets}),
		Reply:    Known(FlowCounters{Packets: replies, Bytes: 1000 * replies}),
	}
}

func TestFlowMeter(t *testing.T) {
	m := NewFlowMeter(4)
	began := func(packets, replies uint64) FlowGrowth {
		g := grown(packets, replies)
		g.New = true
		return g
	}
	uncounted := func(id uint32, port uint16) *Flow {
		f := flowOf(id, port, 0, 0)
		f.OriginalCounters, f.ReplyCounters = Optional[FlowCounters]{}, Optional[FlowCounters]{}
		return f
	}
	inZone := flowOf(1, 1001, 5, 5)
	inZone.Zone = 7
	fallen := grown(0, 2)
	fallen.Original = Optional[FlowCounters]{}
	type read struct {
		flow *Flow
		want FlowGrowth
	}
	for i, reading := range []struct {
		what  string
		reads []read
		ended int
	}{
		{"nothing is known of the first", []read{{flowOf(1, 1001, 10, 5), FlowGrowth{}}, {uncounted(2, 1002), FlowGrowth{}}}, 0},
		{"they grow, or begin", []read{{flowOf(1, 1001, 13, 5), grown(3, 0)}, {uncounted(2, 1002), FlowGrowth{}}, {flowOf(3, 1003, 4, 2), began(4, 2)}}, 0},
		{"a flow is told twice, and what it counted once", []read{{flowOf(1, 1001, 14, 6), grown(1, 1)}, {flowOf(1, 1001, 14, 6), grown(0, 0)}}, 2},
		{"another ID is another flow, and so is another zone", []read{{flowOf(9, 1001, 2, 1), began(2, 1)}, {inZone, began(5, 5)}}, 1},
		{"somebody set counters to 0", []read{{flowOf(9, 1001, 0, 3), fallen}, {inZone, grown(0, 0)}}, 0},
		{"more than may be followed", []read{
			{flowOf(9, 1001, 1, 3), grown(1, 0)}, {inZone, grown(0, 0)}, {flowOf(11, 1, 1, 1), began(1, 1)}, {flowOf(12, 2, 1, 1), began(1, 1)}, {flowOf(13, 3, 1, 1), began(1, 1)},
		}, 0},
		{"which of these were there before is not known", []read{{flowOf(9, 1001, 1, 3), grown(0, 0)}, {flowOf(13, 3, 8, 8), FlowGrowth{}}}, 3},
		{"nor was one that began then", []read{{flowOf(9, 1001, 2, 4), grown(1, 1)}, {flowOf(13, 3, 8, 8), FlowGrowth{}}, {flowOf(14, 4, 2, 2), FlowGrowth{}}}, 0},
		{"until all were followed", []read{{flowOf(9, 1001, 2, 4), grown(0, 0)}, {flowOf(13, 3, 9, 8), grown(1, 0)}, {flowOf(15, 5, 2, 2), began(2, 2)}}, 1},
	} {
		m.Begin()
		for _, r := range reading.reads {
			if got := growth(m.Read(r.flow)); got != r.want {
				t.Errorf("%d, %s: flow %v: %+v, want %+v", i, reading.what, r.flow.ID, got, r.want)
			}
		}
		if ended := m.End(); ended != reading.ended {
			t.Errorf("%d, %s: %d flows ended, want %d", i, reading.what, ended, reading.ended)
		}
	}
}

// A reading that was cut short forgets nothing.
func TestFlowMeterCutShort(t *testing.T) {
	m := NewFlowMeter(DefaultFlowMeter)
	m.Begin()
	m.Read(flowOf(1, 1, 1, 1))
	m.Read(flowOf(2, 2, 1, 1))
	m.End()
	m.Begin()
	m.Read(flowOf(1, 1, 2, 1))
	m.Begin()
	if got := growth(m.Read(flowOf(2, 2, 4, 1))); got != grown(3, 0) {
		t.Errorf("%+v", got)
	}
	if ended := m.End(); ended != 1 {
		t.Errorf("%d flows ended", ended)
	}
}

// What was seen of a flow is what was counted since the first reading, whatever becomes of
// its counters.
func TestFlowMeterSeen(t *testing.T) {
	m := NewFlowMeter(DefaultFlowMeter)
	read := func(flows ...*Flow) (last FlowGrowth) {
		m.Begin()
		for _, f := range flows {
			last = m.Read(f)
		}
		return last
	}
	want := func(what string, got FlowGrowth, packets, replies uint64, atLeast bool) {
		t.Helper()
		if seen := grown(packets, replies); got.OriginalSeen != seen.Original || got.ReplySeen != seen.Reply || got.AtLeast != atLeast {
			t.Errorf("%s: %+v, want %+v", what, got, seen)
		}
	}
	// Which of these were there before is not known.
	if _, told := m.Close(flowOf(9, 9, 5, 5)); told {
		t.Error("a flow that ended before the first reading is told of")
	}
	want("at first", read(flowOf(1, 1, 10, 10)), 0, 0, false)
	m.End()
	want("it grows", read(flowOf(1, 1, 13, 11)), 3, 1, false)
	m.End()
	want("it counts from 0 on", read(flowOf(1, 1, 2, 12)), 5, 2, true)
	m.End()
	want("a new one", read(flowOf(1, 1, 2, 12), flowOf(2, 2, 7, 7)), 7, 7, false)
	if f := flowOf(2, 2, 8, 8); !m.HasRead(f) || m.HasRead(flowOf(3, 3, 1, 1)) {
		t.Error("the meter does not know which flows the reading has")
	}
	m.End()

	// The end of one that is known, of one that no reading saw, and of one whose end came
	// before its row.
	closes := func(what string, f *Flow, packets, replies, seen uint64, isNew bool) {
		t.Helper()
		grew, told := m.Close(f)
		if !told || grew.New != isNew || grew.Original != grown(packets, replies).Original || grew.Reply != grown(packets, replies).Reply {
			t.Errorf("%s: %+v, %v", what, grew, told)
		}
		want(what, grew, seen, seen, false)
		if _, again := m.Close(f); again || m.Read(f) != (FlowGrowth{Again: true}) {
			t.Errorf("%s: it is there after its end", what)
		}
	}
	closes("one that is known", flowOf(2, 2, 9, 9), 2, 2, 9, false)
	closes("one that no reading saw", flowOf(3, 3, 4, 4), 4, 4, 4, true)
	m.Begin()
	// One that is missed: it was translated on its way.
	if ended := m.EndBut(func(f *Flow, seen FlowGrowth, without int) bool {
		if known := flowOf(1, 1, 0, 0); f.Original != known.Original || f.Reply != known.Reply || f.ID != known.ID || without != 1 {
			t.Errorf("missing is %+v, %d", f, without)
		}
		want("one that is missed", seen, 5, 2, true)
		return true
	}); ended != 0 {
		t.Errorf("%d flows ended", ended)
	}
	m.Begin()
	if grew := m.Read(flowOf(2, 2, 9, 9)); grew.Again || !grew.New || !m.Read(flowOf(2, 2, 9, 9)).Again {
		t.Errorf("a flow that ended is remembered: %+v", grew)
	}
	if ended := m.End(); ended != 1 {
		t.Errorf("%d flows ended", ended)
	}
}

// A flow that is missing is told of with the tuples that it had.
func TestFlowMeterTuples(t *testing.T) {
	m := NewFlowMeter(DefaultFlowMeter)
	translated, six, ping := flowOf(1, 1, 1, 1), flowOf(2, 2, 1, 1), flowOf(3, 0, 1, 1)
	translated.Reply.Destination, translated.Reply.DestinationPort = netip.MustParseAddr("198.51.100.1"), 9
	six.Original.Source, six.Original.Destination, six.Zone = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:192.0.2.1"), 4
	six.Reply = six.Original.Invert()
	ping.Original = FlowTuple{Protocol: IPProtocolICMP, Source: ping.Original.Source, Destination: ping.Original.Destination, ICMPType: 8, ICMPID: 77, Zone: 3}
	ping.Reply = ping.Original.Invert()
	want := map[FlowTuple]*Flow{translated.Original: translated, six.Original: six, ping.Original: ping}
	m.Begin()
	for _, f := range want {
		m.Read(f)
	}
	m.End()
	m.Begin()
	if ended := m.EndBut(func(f *Flow, _ FlowGrowth, _ int) bool {
		if w := want[f.Original]; w == nil || f.Reply != w.Reply || f.Zone != w.Zone || f.ID != w.ID {
			t.Errorf("%+v, want %+v", f, w)
		}
		return false
	}); ended != len(want) {
		t.Errorf("%d of %d ended", ended, len(want))
	}
}
