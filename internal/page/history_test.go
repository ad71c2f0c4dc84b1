package page

import (
	"fmt"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

func link1(index uint32, name string, in, out uint64) netstat.Interface {
	i := netstat.Interface{Index: index, Name: name}
	i.Counters.InOctets.Set(in)
	i.Counters.OutOctets.Set(out)
	return i
}

// Counters that begin anew, interfaces that are made again and pauses are gaps, and no spikes.
func TestGaps(t *testing.T) {
	began := time.Now()
	h := NewHistory()
	for i, of := range []struct {
		after time.Duration
		in    uint64
		since time.Time
		want  float64 // octets a second, negative for a gap
	}{
		{0, 1000, time.Time{}, unknown},
		{20 * time.Second, 3000, time.Time{}, 100},
		{40 * time.Second, 50, time.Time{}, unknown},               // began anew
		{60 * time.Second, 2050, time.Time{}, 100},                 // goes on
		{80 * time.Second, 99999, began.Add(time.Second), unknown}, // another interface of the number
		{100 * time.Second, 100199, began.Add(time.Second), 10},
		{400 * time.Second, 900000, began.Add(time.Second), unknown}, // nobody looked
		{420 * time.Second, 900200, began.Add(time.Second), 10},
	} {
		row := link1(3, "eth0", of.in, 0)
		row.CounterDiscontinuity = of.since
		now := began.Add(of.after)
		h.Interfaces(now, []netstat.Interface{row})
		points := h.graphs(now)[3].points
		if got := points[len(points)-1].in; got != of.want {
			t.Errorf("step %d: %v, want %v", i, got, of.want)
		}
	}
	// A second reading at the same time is no sample.
	h.Interfaces(began.Add(421*time.Second), []netstat.Interface{link1(3, "eth0", 1, 1)})
	if got := len(h.graphs(began.Add(421 * time.Second))[3].points); got > 8 {
		t.Errorf("%d points", got)
	}
	h.Interfaces(began.Add(440*time.Second), nil)
	if got := h.graphs(began.Add(440 * time.Second)); len(got) != 0 {
		t.Errorf("an interface that went has a graph: %v", got)
	}
}

// An hour is kept and no more, over many rounds of the ring.
func TestHour(t *testing.T) {
	began := time.Now()
	h := NewHistory()
	var now time.Time
	for i := range 5 * slots {
		now = began.Add(time.Duration(i) * step)
		h.Interfaces(now, []netstat.Interface{link1(1, "lo", uint64(i)*1500, uint64(i)*3000)})
		h.Counters(now, []netstat.Counter{{Name: "TcpExtListenDrops", Value: netstat.Unsigned(uint64(i))}, {Name: "TcpExtTCPTimeouts", Value: netstat.Unsigned(uint64(i))}})
	}
	points := h.graphs(now)[1].points
	if len(points) != slots || points[0].ago > hour || points[slots-1].ago != 0 {
		t.Fatalf("%d points from %v to %v", len(points), points[0].ago, points[len(points)-1].ago)
	}
	for _, p := range points {
		if p.in != 100 || p.out != 200 {
			t.Fatalf("%+v", p)
		}
	}
	grew, since, missed := h.growths(now)
	if len(grew) != 1 || grew[fault{0, "TcpExtListenDrops"}].by != uint64(slots-1) || now.Sub(since) > hour || missed {
		t.Errorf("%v since %v, %v", grew, now.Sub(since), missed)
	}
	// After an hour without a sample nothing is known, and what grew meanwhile is not this hour's.
	now = now.Add(2 * time.Hour)
	h.Counters(now, []netstat.Counter{{Name: "TcpExtListenDrops", Value: netstat.Unsigned(1 << 40)}})
	if grew, since, _ := h.growths(now); len(grew) != 0 || !since.Equal(now) {
		t.Errorf("%v since %v", grew, since)
	}
	// A counter that began anew did not grow.
	h.Counters(now.Add(step), []netstat.Counter{{Name: "TcpExtListenDrops", Value: netstat.Unsigned(2)}})
	if grew, _, _ := h.growths(now.Add(step)); len(grew) != 0 {
		t.Errorf("%v", grew)
	}
}

// However many interfaces there are, and however many of them have faults, what is kept is bounded, and the busiest have
// graphs.
func TestBounds(t *testing.T) {
	began := time.Now()
	h := NewHistory()
	for round := range 4 {
		var rows []netstat.Interface
		for i := range 2 * mostInterfaces {
			row := link1(uint32(1+i), fmt.Sprint("veth", i), uint64(round*(i%1000)*1000), 0)
			row.Counters.InErrors.Set(uint64(round))
			rows = append(rows, row)
		}
		h.Interfaces(began.Add(time.Duration(round)*step), rows)
	}
	now := began.Add(3 * step)
	if len(h.links) != mostInterfaces || len(h.grew) != mostFaults {
		t.Errorf("%d interfaces and %d faults are kept", len(h.links), len(h.grew))
	}
	graphs := h.graphs(now)
	if len(graphs) != mostGraphs {
		t.Errorf("%d graphs", len(graphs))
	}
	for index := range graphs {
		if (index-1)%1000 < 900 {
			t.Errorf("interface %d is not among the busiest", index)
		}
	}
	if _, _, missed := h.growths(now); !missed {
		t.Error("what was not kept is not told")
	}
	h.Interfaces(began.Add(4*step), nil)
	h.Interfaces(began.Add(5*step), nil)
	if len(h.grew) != 0 {
		t.Errorf("faults of %d interfaces that went are kept", len(h.grew))
	}
}

// What a processor's counters grew by is told since its own first sample, and that more grew than is kept is told for an
// hour.
func TestSoftnetGrowth(t *testing.T) {
	began := time.Now()
	h := NewHistory()
	for i := range 10 {
		now := began.Add(time.Duration(i) * step)
		h.Counters(now, nil)
		if i >= 4 {
			h.Softnet(now, readings.Softnet{Processed: uint64(i), Dropped: 7, Squeezed: uint64(3 * i)})
		}
	}
	now := began.Add(9 * step)
	grew, since, _ := h.growths(now)
	want := grown{15, began.Add(4 * step)}
	if got := grew[fault{0, "SoftnetSqueezed"}]; len(grew) != 1 || got.by != want.by || !got.since.Equal(want.since) || !since.Equal(began) {
		t.Errorf("%v since %v", grew, since)
	}
	h.missed = now
	if _, _, missed := h.growths(now.Add(hour - step)); !missed {
		t.Error("what was not kept is not told")
	}
	if _, _, missed := h.growths(now.Add(hour + step)); missed {
		t.Error("what was not kept in another hour is told")
	}
}

func TestGraph(t *testing.T) {
	g := draw([]point{{time.Hour, unknown, unknown}, {30 * time.Minute, 100, 50}, {15 * time.Minute, unknown, unknown}, {0, 50, 0}})
	if g.In != "M0.0 20.0V1.0H120.0V20.0ZM180.0 20.0V10.5H240.0V20.0Z" || g.Out != "M0.0 20.0V29.5H120.0V20.0Z" || g.top != 100 {
		t.Errorf("%+v", g)
	}
	if g := draw(nil); g.known || g.In != "" {
		t.Errorf("%+v", g)
	}
}

func TestUnits(t *testing.T) {
	for _, of := range []struct{ got, want string }{
		{count(0), "0"}, {count(9999), "9999"}, {count(12345), "12\u202f345"}, {count(1234567), "1\u202f234\u202f567"},
		{octets(0), "0\u00a0B"}, {octets(1023), "1023\u00a0B"}, {octets(1536), "1.5\u00a0KiB"}, {octets(1 << 60), "1.0\u00a0EiB"},
		{bits(125), "1.0\u00a0kbit/s"}, {bits(125e6), "1.0\u00a0Gbit/s"},
		{span(-1), "0 s"}, {span(59 * time.Second), "59 s"}, {span(3 * time.Hour), "3 h 0 min"}, {span(50 * time.Hour), "2 d 2 h"},
		{ordinal(1), "1st"}, {ordinal(2), "2nd"}, {ordinal(11), "11th"}, {ordinal(103), "103rd"},
	} {
		if of.got != of.want {
			t.Errorf("%q, want %q", of.got, of.want)
		}
	}
}
