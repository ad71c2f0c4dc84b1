// Package live keeps a network stack current from the kernel's events
// (rtnetlink(7)): interfaces, addresses, routes of all tables, neighbours and
// forwarding entries, policy rules, nexthop objects, per-interface settings and the
// multicast groups that interfaces are members of. [Open] loads what it tracks and
// returns a [Stack], which is a netstat.Stack like others and has three things
// more: a [Snapshot] of the whole at no cost, lookups in it, and subscriptions to
// its changes ([Stack.Subscribe], [Stack.Notify]).
//
// # What is promised
//
// Once the events that were sent are taken in, the state is what a fresh dump
// would show; [Stack.Sync] waits for that. The kernel does not report every
// change: routes go with their link, their preferred source or their nexthop
// object without events, and so on. What an event makes doubtful is dumped
// again; so is everything when events were lost (a gap), and one kind when the
// kernel says that it changed during a dump. [Stack.Statistics] counts these, and
// the log tells them.
//
// Dumping takes at most a fifth of one processor. What is doubtful is dumped at once, or when
// four times as long passed as the last dump had a processor. In a storm, while something
// becomes doubtful at least every 100 ms, it takes a fiftieth: 49 times as long has to pass.
// 5 s is the most in either case. Until then, and while it is dumped, a route may be shown that
// went with its link. Where changes disturb every dump, up to four of these pass until what the
// dumps do not have any more is gone. Sync waits for no storm to pass.
//
// What is not tracked costs nothing: no subscription, no memory. Tracking routes
// implies following interfaces and nexthop objects.
//
// # What the kernel reports no changes of
//
//   - Counters, speed, duplex and link-layer multicast addresses of interfaces:
//     Stack.Interfaces asks for them. The alias of an interface that is down.
//   - Who uses a multicast group, its sources and its timer: Stack.Memberships asks for
//     them. Before Linux 6.15 it asks for the groups of IPv4 and IPv6 as well, which are
//     not tracked there.
//   - Sockets and the protocols' counters: they are read when asked for.
//   - Neighbours that are incomplete, delayed, or made for multicast.
//   - The remaining lifetimes of addresses and routes, which are counted down from what
//     the kernel last said.
//   - Where the other end of a veth pair is, once it moved to another namespace.
//
// # Network namespaces
//
// A Stack keeps its namespace alive, as every socket does. When the name that it
// was opened by is removed (ip netns del), the Stack ends, so that the namespace
// goes. A namespace that was opened by a path under /proc lives until Close.
//
// # Memory
//
// A route takes 40 bytes in a table that was loaded in order, without a pointer
// that Go's garbage collector would follow, and what it has besides its
// destination, table, TOS and metric is kept once for all routes that share it.
//
// # What only agents need
//
// [RoutePlace], [RouteRun], Snapshot.AppendRun, SearchRoutes, RoutesFromAddress and RoutesEnd
// answer a table of MIBs from a Snapshot without copying it. They are public because package
// agent uses nothing of this one that others cannot use. Snapshot.Routes and RoutesFrom do
// for everybody else. Before version 1.0.0 a minor version may change them as the agent needs,
// and CHANGELOG.md names it; the rest of this package changes only where it was wrong.
package live
