package agent

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// below returns the variables of a request below an object.
func below(t testing.TB, r *mib.Request, root mib.OID) (all []variable) {
	t.Helper()
	for c := r.Seek(root, false); ; {
		b, err := r.Next(&c)
		must(t, err)
		if !b.Object.HasPrefix(root) {
			return all
		}
		all = append(all, keep(b))
	}
}

// TestAddressesFollowEvents holds that who asks right after a change is told of
// it, by a stack that is live.
func TestAddressesFollowEvents(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 index 11 type veth peer name b0 index 12", "link set a0 up", "link set b0 up", "address add 192.0.2.1/24 dev a0",
		"neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent")
	s := openLive(t, n, "IP-MIB")
	request := requestOn(t, s, "IP-MIB")
	has := func(name mib.OID) func() bool {
		return func() bool {
			v, err := request().Get(name)
			must(t, err)
			return !v.IsException()
		}
	}
	settle(t, s)
	address, old := ipmib.Addresses().Entry.Sub(3, 1, 4, 192, 0, 2), rfc1213mib.Addresses().Entry.Sub(2, 192, 0, 2)
	neighbour := ipmib.Neighbours().Entry.Sub(6, 11, 1, 4, 192, 0, 2)
	for _, there := range []mib.OID{address.Sub(1), old.Sub(1), neighbour.Sub(9)} {
		if !has(there)() {
			t.Errorf("%v is not there", there)
		}
	}
	eventually := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(nstest.Patience); !holds(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s stays", what)
			}
		}
	}
	for i := range uint32(20) {
		n.IP(t, "address add 192.0.2."+mib.MakeOID(50+i).String()+"/24 dev a0", "neighbour del 192.0.2.9 dev a0",
			"neighbour add 192.0.2."+mib.MakeOID(100+i).String()+" lladdr 02:00:00:00:00:09 dev a0 nud permanent")
		settle(t, s)
		eventually("an address that is not there", has(address.Sub(50+i)))
		eventually("an old address that is not there", has(old.Sub(50+i)))
		eventually("a neighbour that is not there", has(neighbour.Sub(100+i)))
		eventually("a neighbour that went", func() bool { return !has(neighbour.Sub(9))() })
		n.IP(t, "neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent")
	}
}

// TestLiveAndReadAgree holds that a stack that is live shows what one shows that is
// read.
func TestLiveAndReadAgree(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 index 11 type veth peer name b0 index 12", "link set a0 up", "link set b0 up", "address add 192.0.2.1/24 dev a0", "address add 192.0.2.1/24 dev b0",
		"address add 192.0.2.1/25 dev a0", "address add 2001:db8::1/64 dev a0 nodad", "address add fe80::7/64 dev a0 nodad", "address add fe80::7/64 dev b0 nodad",
		"neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent", "neighbour add fe80::9 lladdr 02:00:00:00:00:09 dev b0 nud stale",
		"neighbour add fe80::9 lladdr 02:00:00:00:00:08 dev a0 nud permanent", "neighbour add 192.0.2.8 lladdr 02:00:00:00:00:09 dev b0 nud noarp")
	live := openLive(t, n, "IP-MIB")
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	must(t, err)
	t.Cleanup(func() { kernel.Close() })
	fromLive, fromKernel := requestOn(t, live, "IP-MIB"), requestOn(t, kernel, "IP-MIB")
	for _, table := range []struct {
		entry mib.OID
		least int
	}{
		{ipmib.Addresses().Entry, 8 * 7}, {ipmib.Prefixes().Entry, 8 * 5}, {ipmib.Neighbours().Entry, 3 * 4},
		{rfc1213mib.Addresses().Entry, 2 * 5}, {rfc1213mib.Neighbours().Entry, 4},
	} {
		var want, got []variable
		for deadline := time.Now().Add(nstest.Patience); ; time.Sleep(10 * time.Millisecond) {
			settle(t, live)
			want, got = below(t, fromKernel(), table.entry), below(t, fromLive(), table.entry)
			timeless := func(v variable) bool { return v.value.Type() == mib.TimeTicks }
			want, got = slices.DeleteFunc(want, timeless), slices.DeleteFunc(got, timeless)
			if slices.Equal(want, got) && len(got) >= table.least {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v: %d variables (-read +live)\n%s", table.entry, len(got), differ(want, got))
			}
		}
	}
}

// bare is a stack that has no addresses to tell of, and no other readers.
type bare struct{ routeStack }

func (bare) Addresses(context.Context) iter.Seq2[netstat.Address, error] {
	return func(yield func(netstat.Address, error) bool) {
		yield(netstat.Address{}, &netstat.ReadError{Op: "read", Err: netstat.ErrNotSupported})
	}
}

// oneFamily is a stack that counts IPv4 alone.
type oneFamily struct{ bare }

func (oneFamily) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		_ = yield(netstat.Counter{Name: "IpInReceives", Group: netstat.GroupIP, Value: netstat.Unsigned(7)}, nil) &&
			yield(netstat.Counter{}, &netstat.ReadError{Op: "read", Err: netstat.ErrNotSupported})
	}
}

// TestWhatAStackLacksIsAbsent holds that objects that a stack does not tell of are
// absent, and no error.
func TestWhatAStackLacksIsAbsent(t *testing.T) {
	ip, icmp := mib.MustParseOID("1.3.6.1.2.1.4"), mib.MustParseOID("1.3.6.1.2.1.5")
	for _, stack := range []struct {
		netstat.Stack
		variables int
	}{{bare{}, 0}, {oneFamily{}, 5}} { // of the table two widths, a time and a rate; and the old scalar
		a, err := New(Config{Stack: stack.Stack, Modules: []string{"IP-MIB"}, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		r := a.Tree().NewRequest()
		r.Reset(t.Context())
		got := append(below(t, r, ip), below(t, r, icmp)...)
		if len(got) != stack.variables {
			t.Errorf("%T: %d variables, want %d: %v", stack.Stack, len(got), stack.variables, got)
		}
	}
}
