package agent

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		modules []string
		want    netstat.Kinds
	}{
		{nil, netstat.KindInterface | netstat.KindRoute | netstat.KindAddress | netstat.KindNeighbour | netstat.KindNetconf},
		{[]string{"IP-MIB"}, netstat.KindAddress | netstat.KindNeighbour | netstat.KindNetconf},
		{[]string{"TCP-MIB", "udp-mib"}, 0},
		{[]string{" if-mib"}, netstat.KindInterface},
		{[]string{"IP-FORWARD-MIB", "TCP-MIB"}, netstat.KindRoute},
	} {
		if got := Kinds(c.modules); got != c.want {
			t.Errorf("%q: %v, want %v", c.modules, got, c.want)
		}
	}
}

// TestInterfacesFollowEvents holds that what an event told is shown, with its
// moment.
func TestInterfacesFollowEvents(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up")
	s := openLive(t, n, "IF-MIB")
	epoch := time.Now().Add(-time.Hour)
	a, err := New(Config{Stack: s, Modules: []string{"IF-MIB"}, Epoch: func() time.Time { return epoch }, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	r := a.Tree().NewRequest()
	get := func(name mib.OID) mib.Value {
		t.Helper()
		r.Reset(t.Context())
		v, err := r.Get(name)
		must(t, err)
		return v
	}
	settle(t, s)
	a0, ok := s.Snapshot().InterfaceByName("a0")
	if !ok {
		t.Fatal("a0 is not there")
	}
	const operStatus, lastChange = 8, 9
	status, changed := ifmib.Interfaces().Entry.Sub(operStatus, a0.Index), ifmib.Interfaces().Entry.Sub(lastChange, a0.Index)
	tableChange := ifmib.Changes().OID.Sub(5, 0)
	if v := get(tableChange); v != mib.Ticks(0) {
		t.Errorf("ifTableLastChange is %v at first", v)
	}
	// until gets a variable until it has a value.
	until := func(name mib.OID, what string, holds func(mib.Value) bool) {
		t.Helper()
		deadline := time.Now().Add(nstest.Patience)
		for v := get(name); !holds(v); v = get(name) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v stays %v", what, name, v)
			}
			time.Sleep(time.Millisecond)
		}
	}
	until(status, "up", func(v mib.Value) bool { return v == mib.Int(1) })
	n.IP(t, "link set b0 down")
	settle(t, s)
	until(status, "its peer is down", func(v mib.Value) bool { return v == mib.Int(7) || v == mib.Int(2) })
	until(changed, "its peer is down", func(v mib.Value) bool { return v.Uint() >= 360_000 })
	n.IP(t, "link add a1 type veth peer name b1")
	settle(t, s)
	until(tableChange, "another pair", func(v mib.Value) bool { return v.Uint() >= 360_000 })
}

// TestStackThatEnded holds that what is not known any more is an error, and what
// can be asked for is answered.
func TestStackThatEnded(t *testing.T) {
	n := nstest.New(t)
	s := openLive(t, n)
	a, err := New(Config{Stack: s, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	r := a.Tree().NewRequest()
	r.Reset(t.Context())
	if v, err := r.Get(ipforwardmib.RouteNumber.Sub(0)); err != nil || v.Type() != mib.Gauge32 {
		t.Errorf("%v, %v", v, err)
	}
	must(t, s.Close())
	r.Reset(t.Context())
	for _, name := range []mib.OID{ipforwardmib.RouteNumber.Sub(0), ipforwardmib.IPv4Routes().Entry.Sub(1, 1, 2, 3, 4)} {
		if v, err := r.Get(name); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%v is %v, %v", name, v, err)
		}
	}
	if v, err := r.Get(tcpmib.Identity.Sub(1, 0)); err != nil || !v.IsException() {
		t.Errorf("%v, %v", v, err)
	}
}

// TestRequestsWhileLoading holds that who may not wait is told so or answered, and
// that who may is answered with all routes.
func TestRequestsWhileLoading(t *testing.T) {
	n := nstest.New(t)
	var routes []string
	for i := range 10_000 {
		routes = append(routes, "route add blackhole 10."+oidOf(i>>8, i&255)+".0/24")
	}
	n.IP(t, routes...)
	s, err := live.Start(live.Options{NetNS: n.Name, Kinds: Kinds(nil)})
	must(t, err)
	defer s.Close()
	a, err := New(Config{Stack: s, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	r := a.Tree().NewRequest()
	number := ipforwardmib.CIDRRouteNumber.Sub(0)
	r.Reset(mib.NoWait())
	if v, err := r.Get(number); err == nil && v.Uint() < 10_000 || err != nil && !errors.Is(err, mib.ErrWouldWait) {
		t.Errorf("at once: %v, %v", v, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	defer cancel()
	r.Reset(ctx)
	if v, err := r.Get(number); err != nil || v.Uint() != 10_000 {
		t.Errorf("%v, %v", v, err)
	}
}

func oidOf(subs ...int) string {
	var o mib.OID
	for _, s := range subs {
		o = o.Sub(uint32(s))
	}
	return o.String()
}
