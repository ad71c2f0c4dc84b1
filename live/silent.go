package live

import (
	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What the kernel changes without an event is marked stale, and so dumped again, when an
// event tells of the cause. The two tables say which event that is.

// messageRules are the kinds that are stale after a message.
var messageRules = []struct {
	heard, stale netstat.Kinds
	when         func(s *state, m *collectors.Message) bool
}{
	// Routes that preferred a removed address, or with the last one all of the
	// device's, go without events, and next hops that were dead are not any more
	// when there is an address again (net/ipv4/fib_frontend.c, fib_inetaddr_event).
	{netstat.KindAddress, netstat.KindRoute, func(s *state, m *collectors.Message) bool {
		by := s.routes.devices[m.Address.Interface]
		return m.Removed && (by.infos > 0 || s.routes.sources[zoneless(m.Address.Prefix.Addr())] > 0) || by.dead > 0
	}},
	// Next hops whose link is down are used or not (net/ipv4/devinet.c,
	// devinet_conf_proc; net/ipv6/addrconf.c, addrconf_fixup_linkdown).
	{netstat.KindNetconf, netstat.KindRoute, func(s *state, m *collectors.Message) bool {
		return m.Netconf.IgnoreRoutesWithLinkDown.IsKnown() && s.routes.entries.len() > 0
	}},
	// Interfaces that were not set apart follow the settings for all of them
	// (net/ipv4/devinet.c, devinet_copy_dflt_conf).
	{netstat.KindNetconf, netstat.KindNetconf, func(_ *state, m *collectors.Message) bool { return m.Netconf.Interface < 0 }},
	// A nexthop object that goes with its link goes from its groups, too
	// (net/ipv4/nexthop.c, remove_nexthop_from_groups).
	{netstat.KindNextHop, netstat.KindNextHop, func(_ *state, m *collectors.Message) bool { return m.Removed }},
	// A rule that leads on to another has its target or not (net/core/fib_rules.c,
	// fib_newrule and fib_delrule, in older kernels fib_nl_newrule and fib_nl_delrule).
	{netstat.KindRule, netstat.KindRule, func(s *state, _ *collectors.Message) bool { return s.rules.gotos > 0 }},
}

// linkChange is how a link changed. old or now is nil where it came or went.
type linkChange struct{ old, now *netstat.Interface }

func (c linkChange) gone() bool { return c.now == nil }
func (c linkChange) came() bool { return c.old == nil }

// link is what the link is now, or was last.
func (c linkChange) link() *netstat.Interface {
	if c.now == nil {
		return c.old
	}
	return c.now
}

// changed reports whether the link stayed and now differs by what differ compares.
func (c linkChange) changed(differ func(old, now *netstat.Interface) bool) bool {
	return c.old != nil && c.now != nil && differ(c.old, c.now)
}

// moved reports whether the link has another master or hardware address.
func (c linkChange) moved() bool {
	return c.changed(func(old, now *netstat.Interface) bool { return old.Master != now.Master || old.Address != now.Address })
}

// ended reports whether what depended on the link may have gone with it, or with its
// state.
func (c linkChange) ended() bool {
	return c.gone() || c.moved() || c.changed(func(old, now *netstat.Interface) bool {
		const states = netstat.InterfaceUp | carries
		return old.Flags&states != now.Flags&states || old.MTU != now.MTU
	})
}

// carries are the flags of a link that carries.
const carries = netstat.InterfaceRunning | netstat.InterfaceLowerUp

// linkRules are the kinds that are stale after a change of a link.
var linkRules = []struct {
	stale netstat.Kinds
	when  func(s *state, c linkChange) bool
}{
	// Routes go with their link, or are dead without it (net/ipv4/fib_semantics.c,
	// fib_sync_down_dev; net/ipv6/route.c, rt6_sync_down_dev).
	{netstat.KindRoute, func(s *state, c linkChange) bool { return c.ended() && s.routes.devices[c.link().Index].infos > 0 }},
	// So do nexthop objects (net/ipv4/nexthop.c, nexthop_flush_dev).
	{netstat.KindNextHop, func(s *state, c linkChange) bool { return c.ended() && s.nexthopsBy[c.link().Index] > 0 }},
	// Whatever of a link changes that carries, next hops by it are not down any more
	// (net/ipv4/fib_frontend.c, fib_netdev_event; net/ipv6/addrconf.c,
	// addrconf_notify).
	{netstat.KindRoute, func(s *state, c linkChange) bool {
		return !c.gone() && c.now.Flags&carries != 0 && s.routes.devices[c.now.Index].down > 0
	}},
	// A rule that names a link is detached without it (net/core/fib_rules.c,
	// fib_rules_event).
	{netstat.KindRule, func(s *state, c linkChange) bool {
		renamed := c.changed(func(old, now *netstat.Interface) bool { return old.Name != now.Name })
		return (c.gone() || c.came() || renamed) && s.rules.names[c.link().Name] > 0 || renamed && s.rules.names[c.old.Name] > 0
	}},
	// A bridge gives an address that a port had to another port, or to itself
	// (net/bridge/br_fdb.c, fdb_delete_local). Of a port that goes it has told of
	// all others before (net/bridge/br_if.c, del_nbp). Of one that has another
	// address it has not: rtnetlink tells of the link before the bridge hears of it.
	{netstat.KindNeighbour, func(s *state, c linkChange) bool {
		return (c.gone() || c.moved()) && s.forwardsTo(c.link().Index)
	}},
	// Most of a link's groups go where its MTU is too small for IPv6
	// (net/ipv6/addrconf.c, addrconf_notify).
	{netstat.KindMulticast, func(_ *state, c linkChange) bool {
		return !c.gone() && c.now.MTU.Or(leastIPv6MTU) < leastIPv6MTU && (c.came() || c.old.MTU != c.now.MTU)
	}},
	// A link is told of with the link below as long as that is there
	// (net/core/rtnetlink.c, nla_put_iflink).
	{netstat.KindInterface, func(s *state, c linkChange) bool { return c.gone() && s.uppers[c.link().Index] > 0 }},
}

// leastIPv6MTU is the MTU that a link must have for IPv6 to run on it (IPV6_MIN_MTU,
// net/ipv6/addrconf.c, addrconf_notify). IPv4's is less (IPV4_MIN_MTU,
// net/ipv4/devinet.c, inetdev_event).
const leastIPv6MTU = 1280

// followMessage marks stale what the kernel changes without events when it sends a
// message, which is taken in already.
func (u *update) followMessage(m *collectors.Message) {
	for i := range messageRules {
		if r := &messageRules[i]; r.heard == m.Kind && u.wants(r.stale) && r.when(u.state, m) {
			u.stale |= r.stale
		}
	}
}

// follow marks stale what the kernel changes without events when a link changes
// from old to now, either of which may be nil. The change is not taken in yet.
func (u *update) follow(old, now *netstat.Interface) {
	for i := range linkRules {
		if r := &linkRules[i]; u.wants(r.stale) && r.when(u.state, linkChange{old, now}) {
			u.stale |= r.stale
		}
	}
}

// followDump does the same for all links that a dump found different.
func (u *update) followDump(before, after *ordered[*netstat.Interface]) {
	for l := range before.from(nil) {
		if _, ok := after.get(l); !ok {
			u.follow(*l, nil)
		}
	}
	for l := range after.from(nil) {
		if old, ok := before.get(l); ok {
			u.follow(*old, *l)
		} else {
			u.follow(nil, *l)
		}
	}
}
