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
			if got := m.Read(r.flow); got != r.want {
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
	if got := m.Read(flowOf(2, 2, 4, 1)); got != grown(3, 0) {
		t.Errorf("%+v", got)
	}
	if ended := m.End(); ended != 1 {
		t.Errorf("%d flows ended", ended)
	}
}
