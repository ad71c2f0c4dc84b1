package agent

import (
	"log/slog"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/steppedclock"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// TestTimeStampsAreNotTheWallClocks holds that no TimeStamp of a live stack depends
// on the wall clock: an agent that began when that showed something else tells the
// same.
func TestTimeStampsAreNotTheWallClocks(t *testing.T) {
	n := nstest.New(t)
	began := time.Now().Add(-time.Minute)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up")
	s := openLive(t, n)
	// What changes while somebody watches has a moment.
	n.IP(t, "link set b0 down", "link set b0 up", "link add br0 type bridge", "link set b0 master br0", "link set br0 up",
		"addr add 192.0.2.1/24 dev a0", "neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev a0")
	n.Settle(t)
	settle(t, s)

	walk := func(epoch time.Time) map[mib.OID]mib.Value {
		a, err := New(Config{Stack: s, Epoch: func() time.Time { return epoch }, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		r := a.Tree().NewRequest()
		r.Reset(t.Context())
		stamps := make(map[mib.OID]mib.Value)
		told := make(map[mib.OID]bool)
		for c := r.Seek(mib.OID{}, true); ; {
			b, err := r.Next(&c)
			must(t, err)
			if b.Value.Type() == mib.EndOfMibView {
				break
			}
			if b.Value.Type() == mib.TimeTicks {
				v := keep(b)
				stamps[v.name] = v.value
				told[b.Object] = told[b.Object] || v.value.Uint() != 0
			}
		}
		for _, o := range a.Tree().Objects() {
			// The counters of the stack as a whole begin with it.
			if o.Type == mib.TimeTicks && !told[o.OID] && o.Name != "ipSystemStatsDiscontinuityTime" {
				t.Errorf("the scene has no value of %s", o.Name)
			}
		}
		return stamps
	}
	want := walk(began)
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		got := walk(steppedclock.Step(t, began, by))
		for name, v := range want {
			const second = 100 // what is read twice may differ by the kernel's ticks
			if d := int64(got[name].Uint()) - int64(v.Uint()); d < -second || d > second {
				t.Errorf("the wall clock stepped by %v: %v is %v, and %v without", by, name, got[name], v)
			}
		}
	}
}
