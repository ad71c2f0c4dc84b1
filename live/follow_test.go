package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// follower keeps a picture of a stack from its events alone.
type follower struct {
	t    testing.TB
	sub  *Subscription
	rows map[string]int // how often each is there
}

func follow(t testing.TB, s *Stack, o SubscribeOptions) *follower {
	o.Initial = InitialEvents
	f := &follower{t: t, sub: s.Subscribe(o), rows: make(map[string]int)}
	t.Cleanup(f.sub.Close)
	return f
}

// show is everything of a value that events are sent for.
func show(value any) string {
	switch v := value.(type) {
	case netstat.Interface:
		return fmt.Sprintf("interface %+v", interfaceFields(&v))
	case netstat.Address:
		return fmt.Sprint("address ", v.Interface, v.Prefix, v.Peer, v.Broadcast, v.Label, v.Scope, v.Flags)
	case netstat.Route:
		options := netstat.RouteOptions{}
		if v.Options != nil {
			options = *v.Options
			options.Expires = netstat.Optional[time.Duration]{}
		}
		v.Options = nil
		return fmt.Sprintf("route %+v %+v", v, options)
	case netstat.Neighbour:
		v.Updated = time.Time{}
		return fmt.Sprintf("neighbour %+v", v)
	}
	return fmt.Sprintf("%T %+v", value, value)
}

func (f *follower) count(value any, by int) {
	row := show(value)
	if f.rows[row] += by; f.rows[row] == 0 {
		delete(f.rows, row)
	}
}

func (f *follower) take(e Event) {
	switch e.Change {
	case Added, Present:
		f.count(e.Value, 1)
	case Removed:
		f.count(e.Value, -1)
	case Changed:
		f.count(e.Old, -1)
		f.count(e.Value, 1)
	case Gap:
		clear(f.rows)
		for e := range e.Snapshot.events(f.sub.options.Filter) {
			f.count(e.Value, 1)
		}
	}
}

// agree fails unless the events make what the stack has.
func (f *follower) agree(s *Stack, about string) {
	f.t.Helper()
	want := make(map[string]int)
	for wait := time.Millisecond; wait < 3*time.Second; wait *= 2 {
		clear(want)
		for e := range s.Snapshot().events(f.sub.options.Filter) {
			want[show(e.Value)]++
		}
		// Not one event that came before the snapshot is still under way.
		ctx, cancel := context.WithTimeout(f.t.Context(), wait)
		for e, err := range f.sub.Events(ctx) {
			if err != nil {
				break
			}
			f.take(e)
		}
		cancel()
		if maps.Equal(want, f.rows) {
			return
		}
	}
	f.t.Fatalf("%s: events make another picture (-state +events):\n%s", about, difference(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(f.rows))))
}
