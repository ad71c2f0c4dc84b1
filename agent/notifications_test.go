package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// said is what a linkDown or linkUp says, as "linkDown 2 up lowerLayerDown".
func said(t testing.TB, n mib.Notification) string {
	for _, of := range []*mib.NotificationType[netstat.Interface]{ifmib.LinkDown(), ifmib.LinkUp()} {
		if n.Type != of.OID {
			continue
		}
		row, err := of.Decode(time.Time{}, n)
		if err != nil || len(n.Objects) != 3 {
			t.Errorf("%s with %v: %v", of.Name, n.Objects, err)
		}
		admin := "down"
		if row.Up().Or(false) {
			admin = "up"
		}
		return fmt.Sprintf("%s %d %s %v", of.Name, row.Index, admin, row.OperState)
	}
	t.Errorf("notification %v", n.Type)
	return ""
}

// TestTransitions holds what RFC 2863 says of every change of ifOperStatus.
func TestTransitions(t *testing.T) {
	down := []netstat.OperState{netstat.OperDown, netstat.OperLowerLayerDown}
	for from := netstat.OperNotPresent; from <= netstat.OperUp; from++ {
		for to := netstat.OperNotPresent; to <= netstat.OperUp; to++ {
			var got []string
			s := newLinkStates(LinkNotifier{Send: func(n mib.Notification) { got = append(got, said(t, n)) }})
			at := func(state netstat.OperState) netstat.Interface {
				return netstat.Interface{Index: 7, Flags: netstat.InterfaceUp, OperState: netstat.Known[netstat.OperState](state)}
			}
			s.event(live.Event{Kind: netstat.KindInterface, Change: live.Added, Value: at(from)})
			s.event(live.Event{Kind: netstat.KindInterface, Change: live.Changed, Value: at(to)})
			var want []string
			wasDown, isDown := slices.Contains(down, from), slices.Contains(down, to)
			switch {
			case !wasDown && isDown && from != netstat.OperNotPresent:
				want = []string{fmt.Sprintf("linkDown 7 up %v", to)}
			case wasDown && !isDown && to != netstat.OperNotPresent:
				want = []string{fmt.Sprintf("linkUp 7 up %v", to)}
			}
			if !slices.Equal(got, want) {
				t.Errorf("from %v to %v: %q, want %q", from, to, got, want)
			}
		}
	}
}

// TestWhoIsNotifiedOf holds that interfaces on top of others are passed over, as
// long as they are, and that everything is while notifications are off.
func TestWhoIsNotifiedOf(t *testing.T) {
	var got []string
	enabled, chosen := true, map[string]bool{}
	s := newLinkStates(LinkNotifier{
		Enabled: func(name string, byDefault bool) bool {
			if send, ok := chosen[name]; ok {
				byDefault = send
			}
			return enabled && byDefault
		},
		Send: func(n mib.Notification) { got = append(got, said(t, n)) },
	})
	links := map[uint32]netstat.Interface{}
	tell := func(change live.Change, index uint32, edit func(*netstat.Interface)) {
		i := links[index]
		i.Index, i.Name, i.Flags = index, fmt.Sprint(index), netstat.InterfaceUp
		edit(&i)
		links[index] = i
		s.event(live.Event{Kind: netstat.KindInterface, Change: change, Value: i})
	}
	flap := func(want ...string) {
		t.Helper()
		got = nil
		for _, state := range []netstat.OperState{netstat.OperDown, netstat.OperUp} {
			for index := uint32(1); index <= 4; index++ {
				if _, there := links[index]; there {
					tell(live.Changed, index, func(i *netstat.Interface) { i.OperState = netstat.Known[netstat.OperState](state) })
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	up := func(i *netstat.Interface) { i.OperState = netstat.Known[netstat.OperState](netstat.OperUp) }
	tell(live.Present, 1, up)
	tell(live.Present, 2, func(i *netstat.Interface) { up(i); i.Kind = "bridge" })
	tell(live.Present, 3, func(i *netstat.Interface) { up(i); i.Kind, i.Lower = "vlan", 1 })
	tell(live.Present, 4, func(i *netstat.Interface) { up(i); i.Kind, i.Lower = "veth", 1 })
	s.event(live.Event{Change: live.Synced})
	flap("linkDown 1 up down", "linkDown 2 up down", "linkDown 4 up down", "linkUp 1 up up", "linkUp 2 up up", "linkUp 4 up up")

	tell(live.Changed, 1, func(i *netstat.Interface) { i.Master = 2 })
	tell(live.Changed, 4, func(i *netstat.Interface) { i.Master = 2 })
	flap("linkDown 1 up down", "linkDown 4 up down", "linkUp 1 up up", "linkUp 4 up up")

	tell(live.Removed, 4, func(*netstat.Interface) {})
	delete(links, 4)
	flap("linkDown 1 up down", "linkUp 1 up up")

	tell(live.Changed, 1, func(i *netstat.Interface) { i.Master = 0 })
	flap("linkDown 1 up down", "linkDown 2 up down", "linkUp 1 up up", "linkUp 2 up up")

	chosen = map[string]bool{"1": false, "3": true}
	flap("linkDown 2 up down", "linkDown 3 up down", "linkUp 2 up up", "linkUp 3 up up")

	enabled = false
	flap()
	if len(s.ports) != 0 {
		t.Errorf("ports are still known: %v", s.ports)
	}
}

// TestLinkTraps holds that ifLinkUpDownTrapEnable is RFC 2863's default unless somebody
// says otherwise.
func TestLinkTraps(t *testing.T) {
	for _, c := range []struct {
		enabled func(string, bool) bool
		want    []bool
	}{
		{nil, []bool{true, false, false, true, true}},
		{func(_ string, byDefault bool) bool { return byDefault }, []bool{true, false, false, true, true}},
		{func(string, bool) bool { return false }, []bool{false, false, false, false, true}},
		{func(name string, byDefault bool) bool { return name == "br0" || byDefault && name != "eth0" }, []bool{false, true, false, true, true}},
	} {
		s := newSources(Config{Stack: routeStack{}, LinkNotifications: c.enabled})
		links := []netstat.Interface{
			{Index: 1, Name: "eth0", Master: 2}, {Index: 2, Name: "br0", Kind: "bridge"}, {Index: 3, Kind: "vlan", Lower: 1}, {Index: 4, Kind: "veth", Lower: 5},
			{Index: 5, LinkTraps: netstat.Known(true)},
		}
		s.linkTraps(links)
		for i, want := range c.want {
			if got, known := links[i].LinkTraps.Get(); got != want || !known {
				t.Errorf("ifLinkUpDownTrapEnable.%d is %v, want %v", links[i].Index, got, want)
			}
		}
	}
}

// received gathers notifications.
type received struct {
	mu  sync.Mutex
	all []mib.Notification
}

func (r *received) send(n mib.Notification) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, n)
}

// of returns what was said of an interface.
func (r *received) of(t testing.TB, index uint32) (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.all {
		if n.Objects[0].Index == mib.MakeOID(index) {
			all = append(all, said(t, n))
		}
	}
	return all
}

const linkPatience = nstest.Patience

// awaitLinks waits until something holds.
func awaitLinks(t testing.TB, what func() string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(linkPatience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain waited for %s", what())
		}
	}
}

func openLinks(t testing.TB, ns *nstest.NS) *live.Stack {
	t.Helper()
	stack, err := live.Open(t.Context(), live.Options{NetNS: ns.Path(), Kinds: netstat.KindInterface})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stack.Close() })
	return stack
}

// TestLinkNotifications holds that what ip(8) does to a pair of interfaces is
// told, with its moment.
func TestLinkNotifications(t *testing.T) {
	ns := nstest.New(t)
	ns.IP(t, "link add v0 index 11 type veth peer name v1 index 12", "link add br0 index 13 type bridge", "link set v1 up", "link set br0 up")
	stack := openLinks(t, ns)
	var got received
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- LinkNotifier{Stack: stack, Send: got.send}.Run(ctx) }()

	var want11, want12 []string
	check := func(did string) {
		t.Helper()
		now := func() string { return fmt.Sprint(got.of(t, 11), got.of(t, 12), got.of(t, 13)) }
		want := fmt.Sprint(want11, want12, []string(nil))
		awaitLinks(t, func() string { return did + ": " + now() + ", want " + want }, func() bool { return now() == want })
	}
	// Until it follows the stack nothing is told. The first thing told says
	// that it does.
	ns.IP(t, "link add probe index 99 type veth peer name probe2 index 98", "link set probe2 up")
	awaitLinks(t, func() string { return "the first notification" }, func() bool {
		ns.IP(t, "link set probe up", "link set probe down")
		return len(got.of(t, 98)) > 0
	})
	before := time.Now()
	ns.IP(t, "link set v0 up")
	want11, want12 = append(want11, "linkUp 11 up up"), append(want12, "linkUp 12 up up")
	check("up")
	for i := range 3 {
		ns.IP(t, "link set v0 down")
		want11, want12 = append(want11, "linkDown 11 down down"), append(want12, "linkDown 12 up lowerLayerDown")
		check(fmt.Sprint("down ", i))
		ns.IP(t, "link set v1 down") // from lowerLayerDown to down
		ns.IP(t, "link set v1 up")
		ns.IP(t, "link set v0 up")
		want11, want12 = append(want11, "linkUp 11 up up"), append(want12, "linkUp 12 up up")
		check(fmt.Sprint("up ", i))
	}
	// A bridge is on top of its ports.
	ns.IP(t, "link set v0 master br0")
	awaitLinks(t, func() string { return "br0 to come up" }, func() bool {
		br0, ok := stack.Snapshot().Interface(13)
		return ok && stateOf(&br0) == netstat.OperUp
	})
	got.mu.Lock()
	last := got.all[len(got.all)-1].At
	got.mu.Unlock()
	if last.Before(before) || last.After(time.Now()) {
		t.Errorf("the last happened at %v", last)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}

	go func() { done <- LinkNotifier{Stack: stack, Send: got.send}.Run(t.Context()) }()
	stack.Close()
	if err := <-done; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Run after the stack's end: %v", err)
	}
}

// TestLinkNotificationsAfterAGap holds that what differs after events that were
// lost is told once.
func TestLinkNotificationsAfterAGap(t *testing.T) {
	ns := nstest.New(t)
	ns.IP(t, "link add v0 index 11 type veth peer name v1 index 12", "link set v0 up", "link set v1 up",
		"link add w0 index 21 type veth peer name w1 index 22", "link set w0 up")
	stack := openLinks(t, ns)
	settled := func(what string, ok func(*live.Snapshot) bool) *live.Snapshot {
		t.Helper()
		var view *live.Snapshot
		awaitLinks(t, func() string { return what }, func() bool { view = stack.Snapshot(); return ok(view) })
		return view
	}
	stateIn := func(view *live.Snapshot, index uint32) netstat.OperState {
		i, _ := view.Interface(index)
		return stateOf(&i)
	}
	var got received
	s := newLinkStates(LinkNotifier{Send: got.send, Log: slog.New(slog.DiscardHandler)})
	s.event(live.Event{Change: live.Gap, Snapshot: settled("all to be there", func(view *live.Snapshot) bool {
		return stateIn(view, 11) == netstat.OperUp && stateIn(view, 12) == netstat.OperUp && stateIn(view, 21) == netstat.OperLowerLayerDown
	})})
	ns.IP(t, "link set v0 down", "link set w1 up", "link add br0 index 31 type bridge", "link set w1 master br0", "link set br0 up", "link del v1")
	s.event(live.Event{Change: live.Gap, Snapshot: settled("all to change", func(view *live.Snapshot) bool {
		_, there := view.Interface(11)
		return !there && stateIn(view, 21) == netstat.OperUp && stateIn(view, 22) == netstat.OperUp && stateIn(view, 31) == netstat.OperUp
	})})
	ns.IP(t, "link set w0 down")
	s.event(live.Event{Change: live.Gap, Snapshot: settled("all to change again", func(view *live.Snapshot) bool {
		return stateIn(view, 21) == netstat.OperDown && stateIn(view, 22) == netstat.OperLowerLayerDown && stateIn(view, 31) != netstat.OperUp
	})})
	for index, want := range map[uint32][]string{
		11: nil, 12: nil, 31: nil,
		21: {"linkUp 21 up up", "linkDown 21 down down"},
		22: {"linkUp 22 up up", "linkDown 22 up lowerLayerDown"},
	} {
		if all := got.of(t, index); !slices.Equal(all, want) {
			t.Errorf("of %d: %q, want %q", index, all, want)
		}
	}
	if len(s.links) != 4 || s.ports[31] != 1 || len(s.ports) != 1 { // lo, w0, w1, br0
		t.Errorf("it knows %v, ports %v", s.links, s.ports)
	}
}

// TestFlapStorm holds that two thousand flaps leave the last state told and
// nothing running.
func TestFlapStorm(t *testing.T) {
	ns := nstest.New(t)
	ns.IP(t, "link add v0 index 11 type veth peer name v1 index 12", "link set v1 up")
	stack := openLinks(t, ns)
	goroutines := runtime.NumGoroutine()
	var got received
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- LinkNotifier{Stack: stack, Send: got.send}.Run(ctx) }()
	flaps := slices.Repeat([]string{"link set v0 up", "link set v0 down"}, 2000)
	ns.IP(t, flaps...)
	if err := stack.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	ns.IP(t, "link set v0 up")
	last := func() string {
		all := got.of(t, 11)
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1]
	}
	awaitLinks(t, func() string { return "linkUp; the last is " + last() }, func() bool { return last() == "linkUp 11 up up" })
	all := got.of(t, 11)
	for i := range len(all) - 1 {
		if all[i][:7] == all[i+1][:7] {
			t.Errorf("%d and %d of %d are both %s", i, i+1, len(all), all[i])
		}
	}
	if len(all) > 2*2000+1 {
		t.Errorf("%d notifications of 2000 flaps", len(all))
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	awaitLinks(t, func() string { return "the goroutines to end" }, func() bool { return runtime.NumGoroutine() <= goroutines })
}
