package agent

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func names(ms []module) (names []string) {
	for _, m := range ms {
		names = append(names, m.name)
	}
	return names
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		wanted []string
		system bool
		want   []string
	}{
		{nil, true, []string{"SNMPv2-MIB", "IF-MIB", "IP-FORWARD-MIB", "TCP-MIB", "UDP-MIB"}},
		{nil, false, []string{"IF-MIB", "IP-FORWARD-MIB", "TCP-MIB", "UDP-MIB"}},
		{[]string{"udp-mib", " IF-MIB"}, false, []string{"IF-MIB", "UDP-MIB"}},
	} {
		got, err := choose(c.wanted, c.system)
		if err != nil || !slices.Equal(names(got), c.want) {
			t.Errorf("%v: %v, %v, want %v", c.wanted, names(got), err, c.want)
		}
	}
	for wanted, also := range map[string]string{"HOST-RESOURCES-MIB": "known are IF-MIB, ", "SNMPv2-MIB": "master"} {
		_, err := choose([]string{"IF-MIB", wanted}, false)
		if err == nil || !strings.Contains(err.Error(), wanted) || !strings.Contains(err.Error(), also) {
			t.Errorf("%s: error %v, want one with %q", wanted, err, also)
		}
	}
}

func link(index uint32, change func(*netstat.Interface)) netstat.Interface {
	i := netstat.Interface{Index: index, Flags: netstat.FlagUp, OperState: netstat.OperUp}
	if change != nil {
		change(&i)
	}
	return i
}

// The history dates what changes after it began, each by what RFC 2863 means.
func TestLinkHistory(t *testing.T) {
	var h linkHistory
	at := func(second int) time.Time { return time.Unix(1000+int64(second), 0) }
	check := func(when string, rows []netstat.Interface, second int, table, stack time.Time, changed map[uint32]time.Time) {
		t.Helper()
		s := h.annotate(rows, at(second))
		if n, _ := s.Number.Get(); n != int32(len(rows)) {
			t.Errorf("%s: ifNumber %d", when, n)
		}
		if got, _ := s.TableLastChange.Get(); !got.Equal(table) {
			t.Errorf("%s: ifTableLastChange %v, want %v", when, got, table)
		}
		if got, _ := s.StackLastChange.Get(); !got.Equal(stack) {
			t.Errorf("%s: ifStackLastChange %v, want %v", when, got, stack)
		}
		for _, r := range rows {
			if !r.LastChange.Equal(changed[r.Index]) {
				t.Errorf("%s: ifLastChange.%d %v, want %v", when, r.Index, r.LastChange, changed[r.Index])
			}
		}
	}
	var never time.Time
	first := func() []netstat.Interface { return []netstat.Interface{link(1, nil), link(2, nil)} }
	check("at first", first(), 0, never, never, nil)
	check("unchanged", first(), 1, never, never, nil)

	down := func(i *netstat.Interface) { i.OperState = netstat.OperDown }
	h.event(collectors.LinkEvent{Kind: collectors.LinkChanged, Interface: link(2, down)}, at(2))
	rows := []netstat.Interface{link(1, nil), link(2, down)}
	check("after an event", rows, 5, never, never, map[uint32]time.Time{2: at(2)})

	h.event(collectors.LinkEvent{Kind: collectors.LinkChanged, Interface: link(3, nil)}, at(6))
	rows = append(rows, link(3, nil))
	check("a new one", rows, 7, at(6), at(6), map[uint32]time.Time{2: at(2), 3: at(6)})
	if !rows[2].CounterDiscontinuity.Equal(at(6)) || !rows[0].CounterDiscontinuity.IsZero() {
		t.Errorf("ifCounterDiscontinuityTime %v and %v", rows[2].CounterDiscontinuity, rows[0].CounterDiscontinuity)
	}

	port := func(i *netstat.Interface) { i.Master = 1 }
	rows[2] = link(3, port)
	check("enslaved, found by reading", rows, 8, at(6), at(8), map[uint32]time.Time{2: at(2), 3: at(6)})

	// A reading that began before an event does not undo it.
	h.event(collectors.LinkEvent{Kind: collectors.LinkChanged, Interface: link(1, down)}, at(9))
	h.event(collectors.LinkEvent{Kind: collectors.LinkRemoved, Interface: link(2, nil)}, at(9))
	check("overtaken by events", rows, 8, at(9), at(9), map[uint32]time.Time{1: at(9), 3: at(6)})
	h.event(collectors.LinkEvent{Kind: collectors.LinkChanged, Interface: link(1, nil)}, at(9))
	check("removed", []netstat.Interface{rows[0], rows[2]}, 10, at(9), at(9), map[uint32]time.Time{1: at(9), 3: at(6)})
	check("gone without an event", []netstat.Interface{rows[0]}, 11, at(11), at(11), map[uint32]time.Time{1: at(9)})
}

// interrupted is a stack whose routes never stand still.
type interrupted struct {
	routeStack
	reads *int
}

func (s interrupted) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	*s.reads++
	return func(yield func(netstat.Route, error) bool) {
		for r, err := range s.routeStack.Routes(ctx, q) {
			if !yield(r, err) {
				return
			}
		}
		yield(netstat.Route{}, &netstat.ReadError{Op: "dump", Err: netstat.ErrInterrupted})
	}
}

func TestRoutesThatNeverStandStillAreShown(t *testing.T) {
	var reads int
	a, err := New(Config{Stack: interrupted{routeStack{routes: manyRoutes(10)}, &reads}})
	if err != nil {
		t.Fatal(err)
	}
	r := a.Tree("").NewRequest()
	r.Reset(t.Context())
	v, err := r.Get(ipforwardmib.RouteNumber.Sub(0))
	if err != nil || v != mib.Gauge(10) {
		t.Errorf("inetCidrRouteNumber is %v, %v, want 10", v, err)
	}
	if reads != attempts {
		t.Errorf("read %d times, want %d", reads, attempts)
	}
}

// broken is a stack that fails while it is read.
type broken struct{ routeStack }

var errBroken = errors.New("broken")

func (s broken) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		for r := range s.routeStack.Routes(ctx, q) {
			if !yield(r, nil) {
				return
			}
		}
		yield(netstat.Route{}, errBroken)
	}
}

func TestACutTableIsAnError(t *testing.T) {
	a, err := New(Config{Stack: broken{routeStack{routes: manyRoutes(10)}}})
	if err != nil {
		t.Fatal(err)
	}
	r := a.Tree("").NewRequest()
	r.Reset(t.Context())
	if v, err := r.Get(ipforwardmib.RouteNumber.Sub(0)); !errors.Is(err, errBroken) {
		t.Errorf("inetCidrRouteNumber is %v, %v, want the stack's error", v, err)
	}
}

func TestSystemGroup(t *testing.T) {
	epoch := time.Now().Add(-time.Hour)
	a, err := New(Config{
		Stack: routeStack{}, Epoch: func() time.Time { return epoch }, Modules: []string{"SNMPv2-MIB", "TCP-MIB"},
		System: func() snmpv2mib.System { return snmpv2mib.System{Name: "host"} },
		Engine: func() snmpv2mib.Engine { return snmpv2mib.Engine{InPkts: 1<<32 + 3} },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := a.Tree("").NewRequest()
	r.Reset(t.Context())
	get := func(name string) mib.Value {
		t.Helper()
		v, err := r.Get(mib.MustParseOID(name))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if up := get("1.3.6.1.2.1.1.3.0").Uint(); up < 360_000 || up > 366_000 {
		t.Errorf("sysUpTime %d, an hour after the epoch", up)
	}
	for name, want := range map[string]mib.Value{
		"1.3.6.1.2.1.1.5.0":      mib.Octets("host"),
		"1.3.6.1.2.1.1.9.1.2.2":  mib.OIDValue(mib.MustParseOID("1.3.6.1.2.1.49")),
		"1.3.6.1.2.1.1.9.1.4.2":  mib.Ticks(0),
		"1.3.6.1.2.1.11.1.0":     mib.Count32(3),
		"1.3.6.1.2.1.11.30.0":    mib.Int(2),
		"1.3.6.1.6.3.1.1.6.1.0":  mib.Int(0),
		"1.3.6.1.2.1.1.9.1.2.3":  mib.Exception(mib.NoSuchInstance),
		"1.3.6.1.2.1.6.5.0":      mib.Exception(mib.NoSuchInstance),
		"1.3.6.1.2.1.31.1.1.1.1": mib.Exception(mib.NoSuchObject),
	} {
		if got := get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestRunWithoutEventsEnds(t *testing.T) {
	a, err := New(Config{Stack: routeStack{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); err != nil {
		t.Errorf("error %v", err)
	}
}
