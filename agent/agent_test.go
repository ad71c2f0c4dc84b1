package agent

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
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
		{nil, true, []string{"SNMPv2-MIB", "SNMP-FRAMEWORK-MIB", "SNMP-MPD-MIB", "SNMP-TARGET-MIB", "SNMP-NOTIFICATION-MIB", "SNMP-USER-BASED-SM-MIB", "SNMP-VIEW-BASED-ACM-MIB", "SNMP-COMMUNITY-MIB", "IF-MIB", "IP-MIB", "IP-FORWARD-MIB", "TCP-MIB", "UDP-MIB"}},
		{nil, false, []string{"IF-MIB", "IP-MIB", "IP-FORWARD-MIB", "TCP-MIB", "UDP-MIB"}},
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
	r := a.Tree().NewRequest()
	r.Reset(t.Context())
	v, err := r.Get(ipforwardmib.RouteNumber.Sub(0))
	if err != nil || v != mib.Gauge(10) {
		t.Errorf("inetCidrRouteNumber is %v, %v, want 10", v, err)
	}
	const want = 3 // readings.Insist
	if reads != want {
		t.Errorf("read %d times, want %d", reads, want)
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
	r := a.Tree().NewRequest()
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
		Engine: func() enginemib.Engine {
			return enginemib.Engine{Statistics: enginemib.Statistics{enginemib.InPkts: 1<<32 + 3}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := a.Tree().NewRequest()
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
		"1.3.6.1.2.1.1.9.1.2.3":  mib.Exception(mib.NoSuchInstance),
		"1.3.6.1.2.1.6.5.0":      mib.Exception(mib.NoSuchInstance),
		"1.3.6.1.2.1.31.1.1.1.1": mib.Exception(mib.NoSuchObject),
	} {
		if got := get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
