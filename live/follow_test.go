package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// follower keeps a picture of a stack from its events alone: a map, so that an
// event of what is there, or is not, cannot make up for another.
type follower struct {
	t    testing.TB
	sub  *Subscription
	rows map[string]string // by what tells them apart, as they are
	// faults are events that contradict the picture.
	faults []string
}

func follow(t testing.TB, s *Stack, o SubscribeOptions) *follower {
	o.Initial = InitialEvents
	f := &follower{t: t, sub: s.Subscribe(o), rows: make(map[string]string)}
	t.Cleanup(f.sub.Close)
	return f
}

// identify is what tells a value from others of its kind.
func identify(value any) string {
	switch v := value.(type) {
	case netstat.Interface:
		return fmt.Sprint("interface ", v.Index)
	case netstat.Address:
		return fmt.Sprint("address ", v.Interface, v.Prefix, v.Peer)
	case netstat.Neighbour:
		if isForwarding(&v) {
			return fmt.Sprint("fdb ", v.Master, v.LinkAddress, v.VLAN)
		}
		return fmt.Sprint("neighbour ", v.Interface, v.Family, v.Address, v.LinkAddress, v.VLAN, v.Via, v.VNI, v.Port)
	case netstat.NextHop:
		return fmt.Sprint("nexthop ", v.ID)
	case netstat.Netconf:
		return fmt.Sprint("netconf ", v.Interface, v.Family)
	case netstat.MulticastGroup:
		return fmt.Sprint("group ", v.Interface, v.Group)
	}
	return show(value) // routes and rules have nothing but themselves
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

func (f *follower) fault(e Event, why string) {
	f.faults = append(f.faults, fmt.Sprintf("%v, %s: %s (old %s)", e.Change, why, show(e.Value), show(e.Old)))
}

func (f *follower) add(e Event) {
	key := identify(e.Value)
	if is, there := f.rows[key]; there && e.Change != Present {
		f.fault(e, "though there is "+is)
	}
	f.rows[key] = show(e.Value)
}

func (f *follower) remove(e Event, value any) {
	key := identify(value)
	switch is, there := f.rows[key]; {
	case !there:
		f.fault(e, "which is not there")
	case is != show(value):
		f.fault(e, "which is another: "+is)
	}
	delete(f.rows, key)
}

func (f *follower) take(e Event) {
	switch e.Change {
	case Added, Present:
		f.add(e)
	case Removed:
		f.remove(e, e.Value)
	case Changed:
		f.remove(e, e.Old)
		f.add(e)
	case Gap:
		clear(f.rows)
		for e := range e.Snapshot.events(f.sub.options.Filter) {
			f.add(e)
		}
	}
}

// agree fails unless the events make what the stack has.
func (f *follower) agree(s *Stack, about string) {
	f.t.Helper()
	want := make(map[string]string)
	for wait := time.Millisecond; wait < nstest.Patience/2; wait *= 2 {
		clear(want)
		for e := range s.Snapshot().events(f.sub.options.Filter) {
			want[identify(e.Value)] = show(e.Value)
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
		if len(f.faults) > 0 {
			f.t.Fatalf("%s: events contradict what was told before:\n%s", about, strings.Join(f.faults, "\n"))
		}
		if maps.Equal(want, f.rows) {
			return
		}
	}
	f.t.Fatalf("%s: events make another picture (-state +events):\n%s", about, difference(slices.Sorted(maps.Values(want)), slices.Sorted(maps.Values(f.rows))))
}
