package recording

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Kind is one of the things that a stack is made of and that a recording holds
// or does not hold.
type Kind string

// Kinds. Each stands for what one method of package netstat's readers returns.
const (
	KindInterface             Kind = "interface"
	KindInterfaceDetails      Kind = "interface-details"
	KindDeviceQueue           Kind = "device-queue"
	KindAddress               Kind = "address"
	KindRoute                 Kind = "route"
	KindRule                  Kind = "rule"
	KindNextHop               Kind = "nexthop"
	KindNeighbour             Kind = "neighbour"
	KindProxyNeighbour        Kind = "proxy-neighbour"
	KindNetconf               Kind = "netconf"
	KindIPSettings            Kind = "ip-settings"
	KindIPInterface           Kind = "ip-interface"
	KindSocket                Kind = "socket"
	KindListenQueue           Kind = "listen-queue"
	KindUnixSocket            Kind = "unix-socket"
	KindPacketSocket          Kind = "packet-socket"
	KindNetlinkSocket         Kind = "netlink-socket"
	KindVsockSocket           Kind = "vsock-socket"
	KindXDPSocket             Kind = "xdp-socket"
	KindSMCSocket             Kind = "smc-socket"
	KindTIPCSocket            Kind = "tipc-socket"
	KindSocketOwner           Kind = "socket-owner"
	KindSocketDefaults        Kind = "socket-defaults"
	KindTCPStatistics         Kind = "tcp-statistics"
	KindUDPStatistics         Kind = "udp-statistics"
	KindCounter               Kind = "counter"
	KindInterfaceCounter      Kind = "interface-counter"
	KindProtocolMemory        Kind = "protocol-memory"
	KindSocketUsage           Kind = "socket-usage"
	KindSlab                  Kind = "slab"
	KindSoftnet               Kind = "softnet"
	KindQdisc                 Kind = "qdisc"
	KindTrafficClass          Kind = "traffic-class"
	KindFIBTable              Kind = "fib-table"
	KindFIB6                  Kind = "fib6"
	KindRouteLookups          Kind = "route-lookups"
	KindNeighbourTable        Kind = "neighbour-table"
	KindNeighbourParameters   Kind = "neighbour-parameters"
	KindMulticastInterface    Kind = "multicast-interface"
	KindMulticastRoute        Kind = "multicast-route"
	KindMembership            Kind = "membership"
	KindSocketMembership      Kind = "socket-membership"
	KindBridgeGroup           Kind = "bridge-group"
	KindBridgeRouterPort      Kind = "bridge-router-port"
	KindFlow                  Kind = "flow"
	KindExpectation           Kind = "expectation"
	KindFlowStatistics        Kind = "flow-statistics"
	KindExpectationStatistics Kind = "expectation-statistics"
	KindFlowUsage             Kind = "flow-usage"
	KindIdentity              Kind = "identity"
	KindNamespace             Kind = "namespace"
)

// Kinds returns every kind that this package knows, in the order in which they
// are recorded.
func Kinds() []Kind {
	kinds := make([]Kind, len(tables))
	for i, t := range tables {
		kinds[i] = t.name()
	}
	return kinds
}

// ParseKinds returns the kinds with the names given. The error lists the known
// ones.
func ParseKinds(names ...string) ([]Kind, error) {
	known := Kinds()
	kinds := make([]Kind, len(names))
	for i, name := range names {
		kinds[i] = Kind(name)
		if !slices.Contains(known, kinds[i]) {
			all := make([]string, len(known))
			for j, k := range known {
				all[j] = string(k)
			}
			return nil, fmt.Errorf("kind %q is none of %s", name, strings.Join(all, ", "))
		}
	}
	return kinds, nil
}

// A table is the rows of one kind: how they are read from a stack, and how they
// are encoded.
type table[T any] struct {
	kind Kind
	// parts are the names of what is read, and may fail, each by itself: the
	// families of routes, say. There is one without a name where there is
	// nothing to tell apart.
	parts func() []string
	// read reads a part of a stack. It is false where the stack has no method
	// for it.
	read  func(ctx context.Context, stack any, part int, look *look) (iter.Seq2[T, error], bool)
	codec func() codec
}

// look is what the parts of one recording of a stack share.
type look struct {
	owners *netstat.SocketOwners // nil where the stack has none
}

// anyTable is a table of whatever rows.
type anyTable interface {
	name() Kind
	// record writes the parts of a stack.
	record(ctx context.Context, m *momentWriter, stack any, look *look) error
}

func (t *table[T]) name() Kind { return t.kind }

func newTable[T any](kind Kind, parts func() []string, read func(context.Context, any, int, *look) (iter.Seq2[T, error], bool)) *table[T] {
	return &table[T]{kind, parts, read, sync.OnceValue(func() codec { return codecOf(reflect.TypeFor[T]()) })}
}

// whole is the part of what is read in one.
func whole() []string { return []string{""} }

// rows is a table of what a method of the reader R yields.
func rows[R, T any](kind Kind, read func(R, context.Context) iter.Seq2[T, error]) *table[T] {
	return newTable(kind, whole, func(ctx context.Context, stack any, _ int, _ *look) (iter.Seq2[T, error], bool) {
		r, ok := stack.(R)
		if !ok {
			return nil, false
		}
		return read(r, ctx), true
	})
}

// single is a table of the one value that a method of the reader R returns.
func single[R, T any](kind Kind, read func(R, context.Context) (T, error)) *table[T] {
	return rows(kind, func(r R, ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) { yield(read(r, ctx)) }
	})
}

// parted is a table of which the reader R reads each part by itself.
func parted[R any, P fmt.Stringer, T any](kind Kind, parts []P, read func(R, context.Context, P, *look) iter.Seq2[T, error]) *table[T] {
	names := func() []string {
		names := make([]string, len(parts))
		for i, p := range parts {
			names[i] = p.String()
		}
		return names
	}
	return newTable(kind, names, func(ctx context.Context, stack any, part int, look *look) (iter.Seq2[T, error], bool) {
		r, ok := stack.(R)
		if !ok {
			return nil, false
		}
		return read(r, ctx, parts[part], look), true
	})
}

// endpoints is a table of sockets of another family than the Internet's, read
// with everything that there is to ask for.
func endpoints[R, T any](kind Kind, read func(R, context.Context, netstat.EndpointQuery) iter.Seq2[T, error]) *table[T] {
	return newTable(kind, whole, func(ctx context.Context, stack any, _ int, look *look) (iter.Seq2[T, error], bool) {
		r, ok := stack.(R)
		if !ok {
			return nil, false
		}
		return read(r, ctx, netstat.EndpointQuery{Memory: true, References: true, Options: true, Processes: true, Owners: look.owners}), true
	})
}

// socketPart is a protocol over a family.
type socketPart struct {
	protocol netstat.Protocol
	family   netstat.Family
}

func (p socketPart) String() string { return p.protocol.String() + "/" + p.family.String() }

// everyState are all states, those included that have to be named.
const everyState = ^netstat.StateSet(0)

func (p socketPart) query(look *look) netstat.SocketQuery {
	return netstat.SocketQuery{
		Protocols: []netstat.Protocol{p.protocol}, Families: []netstat.Family{p.family}, States: everyState,
		Details: netstat.AllDetails, Processes: true, Owners: look.owners,
	}
}

func socketParts(protocols ...netstat.Protocol) []socketPart {
	var parts []socketPart
	for _, p := range protocols {
		for _, f := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
			parts = append(parts, socketPart{p, f})
		}
	}
	return parts
}

// counterPart is a group of counters.
type counterPart netstat.CounterGroup

func (g counterPart) String() string { return string(g) }

// ownerRow is a process with a socket that it holds. The first row has neither,
// and says what could not be looked into.
type ownerRow struct {
	Hidden     int
	HiddenPIDs []int32
	Invisible  bool
	netstat.SocketHolding
}

// trafficReader can tell of which interfaces there are classes.
type trafficReader interface {
	netstat.TrafficReader
	netstat.InterfaceReader
}

var (
	inetFamilies = []netstat.Family{netstat.IPv4, netstat.IPv6}

	interfaceTable        = rows(KindInterface, netstat.InterfaceReader.Interfaces)
	interfaceDetailsTable = rows(KindInterfaceDetails, netstat.InterfaceDetailsReader.InterfaceDetails)
	deviceQueueTable      = rows(KindDeviceQueue, netstat.DeviceQueueReader.DeviceQueues)
	addressTable          = rows(KindAddress, netstat.AddressReader.Addresses)
	routeTable            = parted(KindRoute, inetFamilies, func(r netstat.RouteReader, ctx context.Context, f netstat.Family, _ *look) iter.Seq2[netstat.Route, error] {
		return r.Routes(ctx, netstat.RouteQuery{Families: []netstat.Family{f}, Uses: true})
	})
	ruleTable      = rows(KindRule, netstat.RuleReader.Rules)
	nextHopTable   = rows(KindNextHop, netstat.NextHopReader.NextHops)
	neighbourTable = parted(KindNeighbour, []netstat.Family{netstat.IPv4, netstat.IPv6, netstat.Bridge}, func(r netstat.NeighbourReader, ctx context.Context, f netstat.Family, _ *look) iter.Seq2[netstat.Neighbour, error] {
		return r.Neighbours(ctx, f)
	})
	proxyNeighbourTable = parted(KindProxyNeighbour, inetFamilies, func(r netstat.ProxyNeighbourReader, ctx context.Context, f netstat.Family, _ *look) iter.Seq2[netstat.Neighbour, error] {
		return r.ProxyNeighbours(ctx, f)
	})
	netconfTable    = rows(KindNetconf, netstat.NetconfReader.Netconfs)
	ipSettingsTable = rows(KindIPSettings, netstat.IPSettingsReader.IPSettings)

	ipInterfaceTable = rows(KindIPInterface, netstat.IPInterfaceReader.IPInterfaces)

	socketProtocols = []netstat.Protocol{
		netstat.TCP, netstat.UDP, netstat.UDPLite, netstat.Raw, netstat.ICMP, netstat.MPTCP, netstat.SCTP,
	}
	socketTable = parted(KindSocket, socketParts(socketProtocols...), func(r netstat.SocketReader, ctx context.Context, p socketPart, look *look) iter.Seq2[netstat.Socket, error] {
		q := p.query(look)
		q.Details |= netstat.DetailSocketOptions
		return r.Sockets(ctx, q)
	})
	socketDefaultsTable = rows(KindSocketDefaults, netstat.SocketDefaultsReader.SocketDefaults)

	listenProtocols  = []netstat.Protocol{netstat.TCP, netstat.MPTCP, netstat.SCTP}
	listenQueueTable = parted(KindListenQueue, socketParts(listenProtocols...), func(r netstat.ListenQueueReader, ctx context.Context, p socketPart, look *look) iter.Seq2[netstat.ListenQueue, error] {
		return r.ListenQueues(ctx, p.query(look))
	})
	unixTable        = endpoints(KindUnixSocket, netstat.UnixReader.UnixSockets)
	packetTable      = endpoints(KindPacketSocket, netstat.PacketReader.PacketSockets)
	netlinkTable     = endpoints(KindNetlinkSocket, netstat.NetlinkReader.NetlinkSockets)
	vsockTable       = endpoints(KindVsockSocket, netstat.VsockReader.VsockSockets)
	xdpTable         = endpoints(KindXDPSocket, netstat.XDPReader.XDPSockets)
	smcTable         = endpoints(KindSMCSocket, netstat.SMCReader.SMCSockets)
	tipcTable        = endpoints(KindTIPCSocket, netstat.TIPCReader.TIPCSockets)
	socketOwnerTable = newTable(KindSocketOwner, whole, func(ctx context.Context, stack any, _ int, look *look) (iter.Seq2[ownerRow, error], bool) {
		r, ok := stack.(netstat.SocketOwnerReader)
		return func(yield func(ownerRow, error) bool) {
			owners, err := look.owners, error(nil)
			if owners == nil {
				owners, err = r.SocketOwners(ctx)
			}
			if err != nil {
				yield(ownerRow{}, err)
				return
			}
			if !yield(ownerRow{Hidden: owners.Hidden, HiddenPIDs: owners.HiddenPIDs, Invisible: owners.Invisible}, nil) {
				return
			}
			for h := range owners.All() {
				if !yield(ownerRow{SocketHolding: h}, nil) {
					return
				}
			}
		}, ok
	})

	tcpStatisticsTable = single(KindTCPStatistics, netstat.StatisticsReader.TCPStatistics)
	udpStatisticsTable = single(KindUDPStatistics, netstat.StatisticsReader.UDPStatistics)
	counterTable       = parted(KindCounter, counterParts(), func(r netstat.CounterReader, ctx context.Context, g counterPart, _ *look) iter.Seq2[netstat.Counter, error] {
		return r.Counters(ctx, netstat.CounterGroup(g))
	})
	interfaceCounterTable = rows(KindInterfaceCounter, netstat.InterfaceCounterReader.InterfaceCounters)
	protocolMemoryTable   = rows(KindProtocolMemory, netstat.MemoryReader.ProtocolMemory)
	socketUsageTable      = single(KindSocketUsage, netstat.MemoryReader.SocketUsage)
	slabTable             = rows(KindSlab, netstat.MemoryReader.Slabs)
	softnetTable          = rows(KindSoftnet, netstat.SoftnetReader.Softnet)
	qdiscTable            = rows(KindQdisc, netstat.TrafficReader.Qdiscs)
	trafficClassTable     = rows(KindTrafficClass, everyTrafficClass)

	fibTable                 = rows(KindFIBTable, netstat.RoutingStatisticsReader.FIBTables)
	fib6Table                = single(KindFIB6, netstat.RoutingStatisticsReader.FIB6)
	routeLookupsTable        = single(KindRouteLookups, netstat.RoutingStatisticsReader.RouteLookups)
	neighbourTableTable      = rows(KindNeighbourTable, netstat.RoutingStatisticsReader.NeighbourTables)
	neighbourParametersTable = rows(KindNeighbourParameters, netstat.RoutingStatisticsReader.NeighbourParameters)
	multicastInterfaceTable  = rows(KindMulticastInterface, netstat.MulticastRoutingReader.MulticastInterfaces)
	multicastRouteTable      = rows(KindMulticastRoute, netstat.MulticastRoutingReader.MulticastRoutes)
	membershipTable          = rows(KindMembership, netstat.MembershipReader.Memberships)
	socketMembershipTable    = rows(KindSocketMembership, netstat.SocketMembershipReader.SocketMemberships)
	bridgeGroupTable         = rows(KindBridgeGroup, netstat.BridgeMulticastReader.BridgeGroups)
	bridgeRouterPortTable    = rows(KindBridgeRouterPort, netstat.BridgeMulticastReader.BridgeRouterPorts)

	flowLists = []netstat.FlowList{netstat.FlowTable, netstat.FlowDying, netstat.FlowUnconfirmed}
	flowTable = parted(KindFlow, flowLists, func(r netstat.FlowReader, ctx context.Context, l netstat.FlowList, _ *look) iter.Seq2[netstat.Flow, error] {
		return r.Flows(ctx, netstat.FlowQuery{List: l})
	})
	expectationTable = parted(KindExpectation, inetFamilies, func(r netstat.ExpectationReader, ctx context.Context, f netstat.Family, _ *look) iter.Seq2[netstat.Expectation, error] {
		return r.Expectations(ctx, f)
	})
	flowStatisticsTable        = rows(KindFlowStatistics, netstat.FlowStatisticsReader.FlowStatistics)
	expectationStatisticsTable = rows(KindExpectationStatistics, netstat.FlowStatisticsReader.ExpectationStatistics)
	flowUsageTable             = single(KindFlowUsage, netstat.FlowStatisticsReader.FlowUsage)

	identityTable  = single(KindIdentity, netstat.IdentityReader.Identity)
	namespaceTable = rows(KindNamespace, netstat.NamespaceReader.Namespaces)
)

// tables are all of them, in the order in which they are recorded. What changes
// by being read comes first.
var tables = []anyTable{
	identityTable, namespaceTable,
	tcpStatisticsTable, udpStatisticsTable, counterTable, interfaceCounterTable,
	interfaceTable, interfaceDetailsTable, deviceQueueTable, addressTable,
	qdiscTable, trafficClassTable, softnetTable,
	socketOwnerTable, socketTable, socketDefaultsTable, listenQueueTable, unixTable, packetTable, netlinkTable, vsockTable, xdpTable, smcTable,
	tipcTable, socketUsageTable, protocolMemoryTable, slabTable,
	ruleTable, nextHopTable, neighbourTable, proxyNeighbourTable, netconfTable, ipSettingsTable, ipInterfaceTable, routeTable,
	fibTable, fib6Table, routeLookupsTable, neighbourTableTable, neighbourParametersTable,
	multicastInterfaceTable, multicastRouteTable, membershipTable, socketMembershipTable, bridgeGroupTable, bridgeRouterPortTable,
	flowStatisticsTable, expectationStatisticsTable, flowUsageTable, flowTable, expectationTable,
}

// hasOwners reports whether processes that hold sockets belong to a kind.
func hasOwners(k Kind) bool {
	switch k {
	case KindSocketOwner, KindSocket, KindListenQueue, KindUnixSocket, KindPacketSocket, KindNetlinkSocket,
		KindVsockSocket, KindXDPSocket, KindSMCSocket, KindTIPCSocket:
		return true
	}
	return false
}

func counterParts() []counterPart {
	groups := netstat.CounterGroups()
	parts := make([]counterPart, len(groups))
	for i, g := range groups {
		parts[i] = counterPart(g)
	}
	return parts
}

// everyTrafficClass yields the classes of every interface. One that goes away
// meanwhile has none.
func everyTrafficClass(r trafficReader, ctx context.Context) iter.Seq2[netstat.TrafficClass, error] {
	return func(yield func(netstat.TrafficClass, error) bool) {
		var indexes []uint32
		for i, err := range r.Interfaces(ctx) {
			if !netstat.IsComplete(err) {
				yield(netstat.TrafficClass{}, err)
				return
			}
			if err != nil {
				break
			}
			indexes = append(indexes, i.Index)
		}
		for _, index := range indexes {
			for c, err := range r.TrafficClasses(ctx, index) {
				if errors.Is(err, syscall.ENODEV) {
					break
				}
				if !yield(c, err) || err != nil {
					return
				}
			}
		}
	}
}
