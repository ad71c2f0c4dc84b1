package netstat

import (
	"context"
	"iter"
	"net/netip"
	"time"
)

// NextHopMember is a nexthop object in a group.
type NextHopMember struct {
	ID     uint32
	Weight uint16 // from 1
}

// NextHop is a nexthop object, which routes name by its number: one next hop,
// or a group of them.
type NextHop struct {
	ID        uint32
	Family    Family     `json:",omitzero"` // of the next hop; 0 for a group
	Gateway   netip.Addr // the zero Addr for one on the link, a blackhole, a group
	Interface uint32     `json:"interfaceIndex,omitzero"` // index, or 0
	Flags     RouteFlags
	Scope     Scope
	Protocol  RouteProtocol
	Blackhole bool
	// Forwarding says that the object serves link-layer forwarding entries
	// (NHA_FDB).
	Forwarding bool
	// EncapType and Encap are as those of RouteOptions.
	EncapType EncapKind `json:"encapsulation,omitzero"`
	Encap     string    `json:"encapsulationOptions"`

	// Group are the members of a group; empty for a single next hop.
	Group []NextHopMember
	// Resilient is known for groups that keep flows where they are while
	// members come and go.
	Resilient Optional[ResilientGroup] `json:",inline"`
}

// ResilientGroup is the settings of a resilient group of nexthop objects.
type ResilientGroup struct {
	Buckets uint16
	// IdleTimer is how long a bucket must be unused to be moved, and
	// UnbalancedTimer how long the group may stay unbalanced, 0 for ever.
	IdleTimer, UnbalancedTimer time.Duration
}

// NextHopReader reads nexthop objects.
// Errors of its method are as for [Stack].
type NextHopReader interface {
	// NextHops yields the nexthop objects in ascending order of their numbers.
	NextHops(ctx context.Context) iter.Seq2[NextHop, error]
}

// IsUnresolved reports whether the route goes through a nexthop object that it
// only names: Through tells its next hops.
func (r *Route) IsUnresolved() bool {
	return r.NextHopID != 0 && r.Interface == 0 && !r.Gateway.IsValid() && r.Type == RouteUnicast
}

// Through appends to rows the route by each next hop of its nexthop object,
// given the objects by number. An object that is gone, or empty, leaves the
// route as it is.
func (r *Route) Through(object func(id uint32) (NextHop, bool), rows []Route) []Route {
	by := func(n *NextHop, weight uint16) Route {
		one := *r
		one.Gateway, one.Interface, one.Flags, one.Weight = n.Gateway, n.Interface, n.Flags, weight
		if n.EncapType != 0 {
			var options RouteOptions
			if r.Options != nil {
				options = *r.Options
			}
			options.EncapType, options.Encap = n.EncapType, n.Encap
			one.Options = &options
		}
		return one
	}
	n, _ := object(r.NextHopID)
	if len(n.Group) == 0 {
		return append(rows, by(&n, 0))
	}
	for _, member := range n.Group {
		hop, _ := object(member.ID)
		weight := member.Weight
		if len(n.Group) == 1 {
			weight = 0 // nothing to weigh it against
		}
		rows = append(rows, by(&hop, weight))
	}
	return rows
}
