package mib

import (
	"context"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/steppedclock"
)

// steps are what the wall clock may do between a program's start and an event.
var steps = []time.Duration{0, time.Hour, -time.Hour, 365 * 24 * time.Hour, -40 * 365 * 24 * time.Hour}

// stamps are what TimeStamps of the event are: of a column, of a scalar, of a
// notification's own and of its objects.
func stamps(t *testing.T, epoch, at time.Time) (ticks []uint64) {
	t.Helper()
	rows := []row{{Number: 1, When: at}}
	group := Group[row]{Name: "group", OID: MustParseOID("1.3.9"), Objects: Columns(
		Column(1, "when", AsTimeStamp(At(func(r *row) *time.Time { return &r.When }))),
	)}
	tree, err := NewTree(TreeOptions{Epoch: func() time.Time { return epoch }}, Module{Nodes: []Node{
		rowTable.Bind(fresh.New(func(context.Context) ([]row, error) { return rows, nil })),
		group.BindNow(func() row { return rows[0] }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	r.Reset(t.Context())
	for c := r.Seek(OID{}, true); ; {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if b.Value.Type() == EndOfMibView {
			break
		}
		if b.Value.Type() == TimeTicks && (b.Object.HasPrefix(group.OID) || b.Object == rowTable.Entry.Sub(12)) {
			ticks = append(ticks, b.Value.Uint())
		}
	}
	opened := NotificationType[door]{Name: "opened", OID: MustParseOID("1.3.6.1.4.1.32473.0.1"), Table: doors(), Objects: []string{"doorSince"}}
	for _, b := range opened.New(at, &door{number: 1, since: at}).Variables(epoch) {
		if b.Value.Type() == TimeTicks {
			ticks = append(ticks, b.Value.Uint())
		}
	}
	return ticks
}

// TestTimeStampsAndTheClock holds that a TimeStamp is what sysUpTime was, whatever
// was done to the wall clock: set at the event, or between the zero of sysUpTime and
// the start of this program, as with a subagent's.
func TestTimeStampsAndTheClock(t *testing.T) {
	const tick = 10 * time.Millisecond
	for _, after := range []struct {
		d    time.Duration
		want uint64
	}{
		{5*time.Second + 9*time.Millisecond, 500},
		{-time.Second, 0}, // before the beginning
		{1<<32*tick - time.Second, 1<<32 - 100},
		{1<<32*tick + time.Second, 100}, // sysUpTime wrapped
	} {
		for _, by := range steps {
			epoch := time.Now().Add(-after.d)
			event := epoch.Add(after.d)
			for what, got := range map[string][]uint64{
				"event": stamps(t, epoch, steppedclock.Step(t, event, by)),
				"epoch": stamps(t, steppedclock.Step(t, epoch, by), event),
			} {
				if want := []uint64{after.want, after.want, after.want, after.want}; !slices.Equal(got, want) {
					t.Errorf("%v after the beginning, the clock of the %s stepped by %v: %v, want %v", after.d, what, by, got, want)
				}
			}
		}
	}
}

// TestTimeStampsWithoutAMonotonicClock holds that moments of a file are told by its
// own clock.
func TestTimeStampsWithoutAMonotonicClock(t *testing.T) {
	epoch := time.Unix(1_000_000, 0)
	for _, got := range stamps(t, epoch, epoch.Add(7*time.Second)) {
		if got != 700 {
			t.Errorf("%d, want 700", got)
		}
	}
}
