package main

import (
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// mode is something to show: the flags that choose it, what it shows, and which other
// flags it takes. What is not told here is refused.
type mode struct {
	// name is the flag that chooses it. Behind a blank may stand another one that makes
	// of the first another mode. The mode without a name is that of sockets, which is
	// shown where nothing else is chosen.
	name, short, usage string
	// words are what its flag takes as a value, the first of them where it has none.
	words []string
	// takes are the flags that choose rows or columns of it. Those that go with every
	// table (everywhere) are not among them.
	takes string
	// beside says that protocols and families choose sockets that are shown as well.
	beside bool
	tables func(*flags) []declaration
}

// declaration declares a table.
type declaration = func() show.Table

// Values of --options.
const (
	allOptions     = "all"
	changedOptions = "changed"
)

const (
	protocols     = "tcp udp udplite sctp raw icmp mptcp "
	flowProtocols = "tcp udp udplite sctp icmp "
	families      = "inet inet6 protocol "
)

// modes are all modes, in the order of the help.
var modes = []mode{
	{name: "route", short: "r", usage: "show routing tables", takes: families + "extend table interface fib", tables: func(f *flags) []declaration {
		return f.ofFamilies([]declaration{show.Routes4}, []declaration{show.Routes6}, f.IPv4 || !f.IPv6)
	}},
	{name: "interfaces", short: "i", usage: "show interfaces and their counters; with -e in full", takes: "extend interface since human", tables: func(f *flags) []declaration {
		return f.growing(show.InterfaceGrowth, show.Interfaces)
	}},
	{name: "addresses", usage: "show the addresses of interfaces, with their states and lifetimes", takes: families + "interface", tables: only(show.Addresses)},
	{name: "groups", short: "g", usage: "show multicast group memberships", takes: families + "extend programs interface", tables: func(f *flags) []declaration {
		if f.Programs {
			return []declaration{show.Groups, show.SocketGroups}
		}
		return []declaration{show.Groups}
	}},
	{name: "statistics", short: "s", usage: "show the counters of protocols", takes: protocols + families + "extend since human", tables: func(f *flags) []declaration {
		if f.inSentences() {
			return []declaration{show.Statistics}
		}
		return f.growing(show.CounterGrowth, show.Counters)
	}},
	{name: "listen-queues", short: "L", usage: "show the queues of listeners", takes: "tcp sctp mptcp " + families + "listening programs interface", tables: only(show.ListenQueues)},
	{name: "memory", short: "m", usage: "show the memory of sockets and packets", takes: "human", tables: only(show.SocketUsage, show.ProtocolMemory, show.Slabs)},
	{name: "packet", short: "B", usage: "show packet sockets: who captures", takes: "programs interface human", tables: only(show.Packets)},
	{name: "softnet", short: "Q", usage: "show the receive path of each processor", takes: "extend", tables: only(show.Softnet)},
	{name: "tcp-detail", short: "T", usage: "show round-trip times, windows and losses of TCP connections", takes: "tcp mptcp " + families + "listening programs interface human", tables: only(show.TCPConnections)},
	{name: "options", usage: "``show the options of TCP and UDP sockets, with -x of local ones; --options=changed those that a new socket has not", words: []string{allOptions, changedOptions},
		takes: "tcp udp " + families + "listening programs interface human", tables: only(show.SocketOptions)},
	{name: "neighbours", usage: "show neighbours (ARP, neighbour discovery), those answered for in others' place, too", takes: families + "interface", tables: only(show.Neighbours)},
	{name: "rules", usage: "show the rules of policy routing", takes: families, tables: only(show.Rules)},
	{name: "nexthops", usage: "show nexthop objects and groups", takes: "interface", tables: only(show.NextHops)},
	{name: "netconf", usage: "show what is forwarded, by interface", takes: families + "interface", tables: only(show.Netconfs)},
	{name: "qdiscs", usage: "show queueing disciplines and classes with their drops", takes: "interface human", tables: only(show.Qdiscs)},
	{name: "mroutes", usage: "show multicast routing: its interfaces and its forwarding cache", takes: families + "interface human", tables: only(show.MulticastInterfaces, show.MulticastRoutes)},
	{name: "mdb", usage: "show the multicast groups that bridges know", takes: "interface", tables: only(show.BridgeGroups, show.BridgeRouterPorts)},
	{name: "conntrack", usage: "show the flows that connection tracking follows; with -s how it fares", takes: flowProtocols + families + "programs extend human by top", tables: func(f *flags) []declaration {
		if f.By != "" {
			return f.growing(show.FlowTotalGrowth, show.FlowTotals)
		}
		return f.growing(show.FlowGrowth, show.Flows)
	}},
	{name: "expectations", usage: "show the flows that helpers of connection tracking expect", takes: flowProtocols + families, tables: only(show.Expectations)},
	{name: "namespaces", usage: "show the network namespaces of this host", tables: only(show.Namespaces)},

	// What two flags choose together.
	{name: "interfaces statistics", takes: "interface", tables: only(show.InterfaceCounters)},
	{name: "route statistics", takes: families + "human", tables: func(f *flags) []declaration {
		tables := f.ofFamilies([]declaration{show.FIBTables, show.RouteLookups}, []declaration{show.FIB6}, f.IPv4 || !f.IPv6)
		if f.IPv4 == f.IPv6 {
			tables = []declaration{show.FIBTables, show.RouteLookups, show.FIB6}
		}
		return append(tables, show.NeighbourTables)
	}},
	{name: "interfaces extend", takes: families + "extend interface since", tables: func(f *flags) []declaration {
		return f.growing(show.InterfaceGrowth, show.Interfaces)
	}},
	{name: "options unix", takes: "tcp udp " + families + "listening programs human", tables: func(f *flags) []declaration {
		if f.NamesProtocol() || f.IPv4 || f.IPv6 {
			return []declaration{show.SocketOptions, show.UnixOptions}
		}
		return []declaration{show.UnixOptions}
	}},
	{name: "conntrack statistics", takes: "human", tables: only(show.FlowUsage, show.FlowStatistics, show.ExpectationStatistics)},
	{name: "softnet extend", takes: "extend interface", tables: only(show.Softnet, show.Queues)},

	// Sockets.
	{name: "", takes: protocols + families + "listening programs extend timers buffers interface human", beside: true, tables: only(show.Sockets)},
	{name: "unix", short: "x", usage: "show sockets of the local family", takes: "listening programs extend human", beside: true, tables: only(show.UnixSockets)},
	{name: "netlink", usage: "show netlink sockets", takes: "programs human", beside: true, tables: only(show.NetlinkSockets)},
	{name: "vsock", usage: "show sockets between virtual machines and their host", takes: "programs", beside: true, tables: only(show.VsockSockets)},
	{name: "xdp", usage: "show XDP sockets", takes: "programs interface", beside: true, tables: only(show.XDPSockets)},
	{name: "smc", usage: "show sockets of Shared Memory Communications", takes: "programs", beside: true, tables: only(show.SMCSockets)},
	{name: "tipc", usage: "show TIPC sockets", takes: "programs", beside: true, tables: only(show.TIPCSockets)},
}

// only is what a mode shows that always shows the same.
func only(tables ...declaration) func(*flags) []declaration {
	return func(*flags) []declaration { return tables }
}

// growing returns the table of growth where that is asked for: counters since the turn
// before, unless they are followed from another moment on.
func (f *flags) growing(growth, counters declaration) []declaration {
	if f.Interval > 0 && !f.Continuous && f.Since == "" {
		return []declaration{growth}
	}
	return []declaration{counters}
}

// inSentences reports whether counters are told in the words of net-tools, which scripts look
// for, and not by the kernel's names.
func (f *flags) inSentences() bool {
	growing := f.Interval > 0 && !f.Continuous || f.Since != ""
	return f.Extend == 0 && !f.JSON && !growing && f.Filter == "" && f.Sort == ""
}

// ofFamilies returns the tables of the families that are chosen.
func (f *flags) ofFamilies(four, six []declaration, first bool) (tables []declaration) {
	if first {
		tables = append(tables, four...)
	}
	if f.IPv6 {
		tables = append(tables, six...)
	}
	return tables
}

// find returns a mode by its name.
func find(name string) *mode {
	i := slices.IndexFunc(modes, func(m mode) bool { return m.name == name })
	return &modes[i]
}

// title is what a sentence calls a mode.
func (m *mode) title() string {
	if m.name == "" {
		return "the table of sockets"
	}
	return "--" + strings.ReplaceAll(m.name, " ", " with --")
}

// takesFlag reports whether a mode takes a flag.
func (m *mode) takesFlag(flag string) bool { return slices.Contains(strings.Fields(m.takes), flag) }

// chosen returns the modes that the flags choose, in the order that they are shown in.
func (f *flags) chosen() (chosen []*mode) {
	isOn := func(name string) bool {
		return name == "extend" && f.Extend > 0 || f.modes[name] != nil && *f.modes[name] || f.words[name] != nil && *f.words[name] != ""
	}
	// A flag that makes another mode of one is itself none then, and the first such
	// flag counts.
	var taken []string
	for i := range modes {
		first, second, both := strings.Cut(modes[i].name, " ")
		if both && isOn(first) && isOn(second) && !slices.Contains(taken, first) {
			chosen, taken = append(chosen, &modes[i]), append(taken, first, second)
		}
	}
	for i := range modes {
		if m := &modes[i]; isOn(m.name) && !slices.Contains(taken, m.name) {
			chosen = append(chosen, m)
		}
	}
	slices.SortStableFunc(chosen, func(a, b *mode) int { return place(a) - place(b) })
	alone := !slices.ContainsFunc(chosen, func(m *mode) bool { return !m.beside })
	takesProtocols := slices.ContainsFunc(chosen, func(m *mode) bool { return m.takesFlag("tcp") })
	switch family := f.IPv4 || f.IPv6; {
	case f.NamesProtocol() && !takesProtocols, alone && family:
		chosen = append([]*mode{find("")}, chosen...)
	case len(chosen) > 0:
	case len(f.Interfaces) > 0:
		chosen = append(chosen, find("interfaces"))
	default:
		chosen = append(chosen, find(""))
	}
	return chosen
}

// place is where a mode stands among those that are shown.
func place(m *mode) int {
	first, _, _ := strings.Cut(m.name, " ")
	return slices.IndexFunc(modes, func(other mode) bool { return other.name == first })
}

// tables returns the tables that the flags choose, and whether they were asked for by
// name.
func (f *flags) tables() (tables []show.Table, asked bool) {
	chosen := f.chosen()
	for _, m := range chosen {
		for _, declare := range m.tables(f) {
			tables = append(tables, declare())
		}
	}
	if len(chosen) > 1 || chosen[0].name != "" {
		return tables, true
	}
	// A filter and an order are for one kind of rows: the Internet's sockets, unless
	// others are named.
	if !f.NamesProtocol() && !f.IPv4 && !f.IPv6 && f.Filter == "" && f.Sort == "" && len(f.Interfaces) == 0 {
		tables = append(tables, show.UnixSockets())
	}
	return tables, false
}
