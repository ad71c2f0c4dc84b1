package live

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestLinkMoments holds what the dates of interfaces mean, by event and by dump.
func TestLinkMoments(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link add br0 type bridge")
	s := open(t, n, Options{Kinds: netstat.KindInterface})
	for i := range s.Snapshot().Interfaces() {
		if !i.LastChange.IsZero() || !i.CounterDiscontinuity.IsZero() {
			t.Errorf("%s was there, and changed at %v", i.Name, i.LastChange)
		}
	}
	v := s.Snapshot()
	if !v.InterfacesChanged().IsZero() || !v.StackingChanged().IsZero() {
		t.Errorf("at first: %v, %v", v.InterfacesChanged(), v.StackingChanged())
	}
	// after does something and returns the moment before it, the interface a0
	// then, and the snapshot.
	after := func(commands ...string) (time.Time, netstat.Interface, *Snapshot) {
		t.Helper()
		before := time.Now()
		n.IP(t, commands...)
		settle(t, s)
		v := s.Snapshot()
		i, _ := v.InterfaceByName("a0")
		return before, i, v
	}
	_, a, v := after("link set a0 mtu 1400")
	if !a.LastChange.IsZero() || a.MTU != netstat.Known[uint32](1400) || !v.InterfacesChanged().IsZero() {
		t.Errorf("a new MTU changed it: %v, %v", a.LastChange, v.InterfacesChanged())
	}
	before, a, v := after("link set a0 up", "link set b0 up")
	if a.LastChange.Before(before) || !a.CounterDiscontinuity.IsZero() || !v.InterfacesChanged().IsZero() || !v.StackingChanged().IsZero() {
		t.Errorf("up: %v, %v, %v, %v", a.LastChange, a.CounterDiscontinuity, v.InterfacesChanged(), v.StackingChanged())
	}
	before, _, v = after("link set a0 master br0")
	if v.StackingChanged().Before(before) || !v.InterfacesChanged().IsZero() {
		t.Errorf("port: %v, %v", v.StackingChanged(), v.InterfacesChanged())
	}
	before, _, v = after("link add a1 type veth peer name b1")
	one, _ := v.InterfaceByName("a1")
	if v.InterfacesChanged().Before(before) || v.StackingChanged().Before(before) || one.CounterDiscontinuity.Before(before) || one.LastChange.Before(before) {
		t.Errorf("created: %v, %v, %v", v.InterfacesChanged(), v.StackingChanged(), one.CounterDiscontinuity)
	}
	before, _, v = after("link del a1")
	if v.InterfacesChanged().Before(before) || v.StackingChanged().Before(before) {
		t.Errorf("deleted: %v, %v", v.InterfacesChanged(), v.StackingChanged())
	}

	// What a dump finds and no event has told is dated then.
	fresh := newState()
	now := time.Now()
	s.write.Lock()
	for i := range s.state.links().from(nil) {
		link := **i
		switch link.Name {
		case "b0":
			continue
		case "a0":
			link.OperState, link.Master = netstat.Known(netstat.OperDown), 0
		}
		link.LastChange, link.CounterDiscontinuity = time.Time{}, time.Time{}
		fresh.links().set(&link)
	}
	dateLinks(s.state, fresh, now)
	s.write.Unlock()
	a0 := *fresh.link(a.Index)
	if !a0.LastChange.Equal(now) || !a0.CounterDiscontinuity.IsZero() || !fresh.tableChanged.Equal(now) || !fresh.stackingChanged.Equal(now) {
		t.Errorf("found by a dump: %v, %v, %v, %v", a0.LastChange, a0.CounterDiscontinuity, fresh.tableChanged, fresh.stackingChanged)
	}
}

// TestStartLoadsMeanwhile holds that a stack that is loading says so, and that who
// waits for it gets the whole.
func TestStartLoadsMeanwhile(t *testing.T) {
	n := manyRoutes(t, 20_000)
	s, err := Start(Options{NetNS: n.Name, Kinds: netstat.KindRoute})
	must(t, err)
	defer s.Close()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(done); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("loading: %v", err)
	}
	rows := collect(t, s.Routes(t.Context(), netstat.RouteQuery{}))
	if len(rows) < 20_000 {
		t.Errorf("%d routes", len(rows))
	}
	must(t, s.Wait(done))
	must(t, s.Close())
	if err := s.Wait(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestIdleStackSleeps holds that a stack without events wakes nobody up. The
// runtime and the tests before it do, now and then, so the quietest of several
// moments counts.
func TestIdleStackSleeps(t *testing.T) {
	s := open(t, nstest.New(t), Options{})
	settle(t, s)
	switches := func() int64 {
		var u unix.Rusage
		must(t, unix.Getrusage(unix.RUSAGE_SELF, &u))
		return int64(u.Nvcsw)
	}
	quietest := int64(1 << 62)
	for range 10 {
		before := switches()
		time.Sleep(200 * time.Millisecond)
		quietest = min(quietest, switches()-before)
	}
	// The sleep above wakes up, too, and so does the race detector's own thread.
	// A poll each 10 ms would make 20 more.
	if quietest > 15 {
		t.Errorf("at least %d wake-ups in 200 ms", quietest)
	}
}
