package recording

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Stack is a recorded stack. It is a netstat.Stack and has the methods of every
// other reader of package netstat. Where the recording holds nothing of a kind, the
// error of its methods matches netstat.ErrNotSupported and names the kind. What
// failed when it was recorded fails again: the error has the text of then, and
// matches what it matched then of netstat.ErrNotSupported,
// netstat.ErrInterrupted, fs.ErrPermission and fs.ErrNotExist.
//
// Queries select from what was recorded. Those that ask for details or processes
// get what was recorded of them, and others do not see them.
//
// A Stack can be used for as long as its File is open.
type Stack struct {
	moment    *Moment
	contents  *stackContents
	namespace *netstat.Namespace
}

var _ netstat.CompleteStack = (*Stack)(nil)

// Name returns what the stack is chosen by.
func (s *Stack) Name() string { return string(s.contents.Name) }

// Namespace returns the network namespace that the stack is, nil where it was
// not recorded.
func (s *Stack) Namespace() *netstat.Namespace { return s.namespace }

// Remote returns the address of the host whose SNMP agent told the stack, empty
// where it was the recording host's own.
func (s *Stack) Remote() string { return string(s.contents.Remote) }

// Moment returns the moment that the stack is of.
func (s *Stack) Moment() *Moment { return s.moment }

// Err returns why the stack could not be opened when it was to be recorded, nil
// where it could.
func (s *Stack) Err() error { return s.readError("open", s.contents.Error.error()) }

// Content is what a recording has of a kind, or of a part of it.
type Content struct {
	Kind Kind
	// Part is what was read, and may have failed, by itself: "ipv6" of routes,
	// "tcp/ipv4" of sockets. Empty for most kinds.
	Part string
	Rows uint64
	// Err is why the rows are not all, nil where they are.
	Err error
}

// Contents returns what there is, in the order of the recording.
func (s *Stack) Contents() []Content {
	all := make([]Content, len(s.contents.Contents))
	for i, c := range s.contents.Contents {
		all[i] = Content{Kind: c.Kind, Part: c.Part, Rows: c.Rows, Err: c.Error.error()}
	}
	return all
}

// source names the stack in errors.
func (s *Stack) source() string {
	source := "recording"
	if name := s.moment.file.frames.name; name != "" {
		source += " " + name
	}
	source += " of " + s.moment.Time().Format(time.RFC3339)
	if s.Name() != "" {
		source += ", " + s.Name()
	}
	return source
}

func (s *Stack) readError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &netstat.ReadError{Op: op, Source: s.source(), Err: err}
}

// find returns where the rows of a part stand.
func (s *Stack) find(kind Kind, part string) (contents, error) {
	if err := s.contents.Error.error(); err != nil {
		return contents{}, err
	}
	if i := s.contents.find(kind, part); i >= 0 {
		return s.contents.Contents[i], nil
	}
	if s.moment.cut != nil && slices.Contains(s.contents.Kinds, kind) {
		return contents{}, s.moment.cut
	}
	return contents{}, fmt.Errorf("%w: it holds no %s", netstat.ErrNotSupported, strings.TrimSpace(string(kind)+" "+part))
}

func opOf(kind Kind, part string) string {
	if part == "" {
		return "read " + string(kind)
	}
	return "read " + string(kind) + " " + part
}

// readPart yields the rows of a part as they were recorded.
func readPart[T any](ctx context.Context, s *Stack, t *table[T], part string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		fail := func(err error) { yield(none, s.readError(opOf(t.kind, part), err)) }
		where, err := s.find(t.kind, part)
		if err != nil {
			fail(err)
			return
		}
		d := partReader[T]{frames: &s.moment.file.frames, table: t, part: part, told: s.Remote() != ""}
		count := uint64(0)
		for offset := where.Offset; ; {
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			next, end, err := d.frame(offset)
			if err != nil {
				fail(err)
				return
			}
			if end != nil {
				switch {
				case end.Rows != count:
					fail(d.frames.fail(offset, corrupt("%d rows end where there are to be %d", count, end.Rows)))
				case end.Error != nil:
					fail(end.Error)
				}
				return
			}
			for i := range d.rows {
				if !yield(d.rows[i], nil) {
					return
				}
			}
			count += uint64(len(d.rows))
			offset = next
		}
	}
}

// partReader reads the frames of a part.
type partReader[T any] struct {
	frames  *frames
	table   *table[T]
	part    string
	told    bool // by SNMP
	rows    []T  // of the frame that was read last
	buffers buffers
	scratch scratch
}

// frame reads the frame at an offset: its rows, or the end.
func (d *partReader[T]) frame(offset int64) (next int64, end *contents, err error) {
	d.rows = d.rows[:0]
	header, err := d.frames.header(offset)
	if err != nil {
		return 0, nil, d.frames.notEOF(offset, err)
	}
	switch header.kind {
	case frameRows, frameKind:
	case frameMoment, frameStack, frameMomentEnd, frameIndex, frameTrailer:
		return 0, nil, d.frames.fail(offset, fmt.Errorf("%w: the rows of %s do not end", ErrTruncated, d.table.kind))
	default: // of a later version, which found that it can be passed over
		return header.next(), nil, nil
	}
	payload, err := d.frames.payload(header, &d.buffers)
	if err != nil {
		return 0, nil, err
	}
	var kind Kind
	var part string
	if header.kind == frameKind {
		var w contentsWire
		if err = unmarshal(payload, &w); err == nil {
			end = new(contents)
			*end, err = newMetadata().contents(&w)
		}
		kind, part = w.Kind, w.Part
	} else {
		var head rowsHead
		if err = unmarshal(payload, &head); err == nil {
			d.rows, err = decodeRows(d.table.codec(), &head, d.told, &d.scratch, d.rows)
		}
		kind, part = head.Kind, head.Part
	}
	if err == nil && (kind != d.table.kind || part != d.part) {
		err = corrupt("rows of %s %s where %s %s is to be", kind, part, d.table.kind, d.part)
	}
	if err != nil {
		return 0, nil, d.frames.fail(offset, err)
	}
	return header.next(), end, nil
}

// readParts yields those rows of several parts that keep selects; nil selects
// all. A part that the recorded stack did not support is an error at the end
// where it was asked for by name, or where there is no other; so is one of which
// values alone are unknown.
func readParts[T any](ctx context.Context, s *Stack, t *table[T], parts []string, named bool, keep func(*T) (bool, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var lacking error
		var unknown []error
		supported := false
		var row T // of which keep has the address: one for all, as each would be allocated
		for _, part := range parts {
			lacks := false
			for read, err := range readPart(ctx, s, t, part) {
				row = read
				if errors.Is(err, netstat.ErrNotSupported) {
					lacking, lacks = err, true
					break
				}
				if err != nil && netstat.IsComplete(err) {
					unknown = append(unknown, err)
					break
				}
				selected := true
				if err == nil && keep != nil {
					selected, err = keep(&row)
					err = s.readError(opOf(t.kind, part), err)
				}
				if err != nil {
					yield(none, err)
					return
				}
				if selected && !yield(row, nil) {
					return
				}
			}
			supported = supported || !lacks
		}
		if lacking != nil && (named || !supported) {
			unknown = append(unknown, lacking)
		}
		if len(unknown) > 0 {
			yield(none, errors.Join(unknown...))
		}
	}
}

// readOne returns the value of a table that has one.
func readOne[T any](ctx context.Context, s *Stack, t *table[T]) (T, error) {
	for value, err := range readPart(ctx, s, t, "") {
		return value, err
	}
	var none T
	return none, s.readError(opOf(t.kind, ""), corrupt("there is no value"))
}

// Interfaces yields the recorded interfaces.
func (s *Stack) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	return readPart(ctx, s, interfaceTable, "")
}

// InterfaceDetails yields the recorded interfaces with their details.
func (s *Stack) InterfaceDetails(ctx context.Context) iter.Seq2[netstat.InterfaceDetails, error] {
	return readPart(ctx, s, interfaceDetailsTable, "")
}

// DeviceQueues yields the recorded queues of interfaces.
func (s *Stack) DeviceQueues(ctx context.Context) iter.Seq2[netstat.DeviceQueue, error] {
	return readPart(ctx, s, deviceQueueTable, "")
}

// Addresses yields the recorded addresses.
func (s *Stack) Addresses(ctx context.Context) iter.Seq2[netstat.Address, error] {
	return readPart(ctx, s, addressTable, "")
}

// familyParts returns the names of the parts for a query's families, of all
// where it names none.
func familyParts(asked, all []netstat.Family) []string {
	if len(asked) == 0 {
		asked = all
	}
	parts := make([]string, len(asked))
	for i, f := range asked {
		parts[i] = f.String()
	}
	return parts
}

// Routes yields the recorded routes that q selects.
func (s *Stack) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return readParts(ctx, s, routeTable, familyParts(q.Families, inetFamilies), len(q.Families) > 0, func(r *netstat.Route) (bool, error) {
		if !q.Uses && r.Options != nil {
			options := *r.Options
			options.References, options.Uses = netstat.Optional[uint32]{}, netstat.Optional[uint32]{}
			if r.Options = &options; options == (netstat.RouteOptions{}) {
				r.Options = nil
			}
		}
		return (q.Table == 0 || r.Table == q.Table) && (!q.ForwardingOnly || r.IsForwarding()), nil
	})
}

// Rules yields the recorded rules.
func (s *Stack) Rules(ctx context.Context) iter.Seq2[netstat.Rule, error] {
	return readPart(ctx, s, ruleTable, "")
}

// NextHops yields the recorded nexthop objects.
func (s *Stack) NextHops(ctx context.Context) iter.Seq2[netstat.NextHop, error] {
	return readPart(ctx, s, nextHopTable, "")
}

// Neighbours yields the recorded neighbours of the families.
func (s *Stack) Neighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return readParts(ctx, s, neighbourTable, familyParts(families, inetFamilies), len(families) > 0, nil)
}

// ProxyNeighbours yields the recorded proxy entries of the families.
func (s *Stack) ProxyNeighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return readParts(ctx, s, proxyNeighbourTable, familyParts(families, inetFamilies), len(families) > 0, nil)
}

// Netconfs yields the recorded settings.
func (s *Stack) Netconfs(ctx context.Context) iter.Seq2[netstat.Netconf, error] {
	return readPart(ctx, s, netconfTable, "")
}

// IPSettings yields the recorded settings of IP.
func (s *Stack) IPSettings(ctx context.Context) iter.Seq2[netstat.IPSettings, error] {
	return readPart(ctx, s, ipSettingsTable, "")
}

// IPInterfaces yields what the versions of IP kept for each interface.
func (s *Stack) IPInterfaces(ctx context.Context) iter.Seq2[netstat.IPInterface, error] {
	return readPart(ctx, s, ipInterfaceTable, "")
}

// TCPStatistics returns the recorded counters of TCP.
func (s *Stack) TCPStatistics(ctx context.Context) (netstat.TCPStatistics, error) {
	return readOne(ctx, s, tcpStatisticsTable)
}

// UDPStatistics returns the recorded counters of UDP.
func (s *Stack) UDPStatistics(ctx context.Context) (netstat.UDPStatistics, error) {
	return readOne(ctx, s, udpStatisticsTable)
}

// Counters yields the recorded counters of the groups.
func (s *Stack) Counters(ctx context.Context, groups ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	parts := make([]string, len(groups))
	for i, g := range groups {
		parts[i] = string(g)
	}
	if len(groups) == 0 {
		parts = counterTable.parts()
	}
	return readParts(ctx, s, counterTable, parts, len(groups) > 0, nil)
}

// InterfaceCounters yields the recorded counters of each interface.
func (s *Stack) InterfaceCounters(ctx context.Context) iter.Seq2[netstat.InterfaceCounter, error] {
	return readPart(ctx, s, interfaceCounterTable, "")
}

// ProtocolMemory yields the recorded memory of protocols.
func (s *Stack) ProtocolMemory(ctx context.Context) iter.Seq2[netstat.ProtocolMemory, error] {
	return readPart(ctx, s, protocolMemoryTable, "")
}

// SocketUsage returns the recorded sockets in use.
func (s *Stack) SocketUsage(ctx context.Context) (netstat.SocketUsage, error) {
	return readOne(ctx, s, socketUsageTable)
}

// Slabs yields the recorded caches.
func (s *Stack) Slabs(ctx context.Context) iter.Seq2[netstat.Slab, error] {
	return readPart(ctx, s, slabTable, "")
}

// Softnet yields the recorded processors.
func (s *Stack) Softnet(ctx context.Context) iter.Seq2[netstat.Softnet, error] {
	return readPart(ctx, s, softnetTable, "")
}

// Qdiscs yields the recorded queueing disciplines.
func (s *Stack) Qdiscs(ctx context.Context) iter.Seq2[netstat.Qdisc, error] {
	return readPart(ctx, s, qdiscTable, "")
}

// TrafficClasses yields the recorded classes of an interface.
func (s *Stack) TrafficClasses(ctx context.Context, index uint32) iter.Seq2[netstat.TrafficClass, error] {
	return readParts(ctx, s, trafficClassTable, trafficClassTable.parts(), true, func(c *netstat.TrafficClass) (bool, error) {
		return c.Interface == index, nil
	})
}

// FIBTables yields the recorded shapes of IPv4 tables.
func (s *Stack) FIBTables(ctx context.Context) iter.Seq2[netstat.FIBTable, error] {
	return readPart(ctx, s, fibTable, "")
}

// FIB6 returns the recorded shape of the IPv6 tables.
func (s *Stack) FIB6(ctx context.Context) (netstat.FIB6, error) { return readOne(ctx, s, fib6Table) }

// RouteLookups returns the recorded counters of lookups.
func (s *Stack) RouteLookups(ctx context.Context) (netstat.RouteLookups, error) {
	return readOne(ctx, s, routeLookupsTable)
}

// NeighbourTables yields the recorded tables of neighbours.
func (s *Stack) NeighbourTables(ctx context.Context) iter.Seq2[netstat.NeighbourTable, error] {
	return readPart(ctx, s, neighbourTableTable, "")
}

// NeighbourParameters yields the recorded settings of neighbours.
func (s *Stack) NeighbourParameters(ctx context.Context) iter.Seq2[netstat.NeighbourParameters, error] {
	return readPart(ctx, s, neighbourParametersTable, "")
}

// MulticastInterfaces yields the recorded vifs.
func (s *Stack) MulticastInterfaces(ctx context.Context) iter.Seq2[netstat.MulticastInterface, error] {
	return readPart(ctx, s, multicastInterfaceTable, "")
}

// MulticastRoutes yields the recorded multicast forwarding cache.
func (s *Stack) MulticastRoutes(ctx context.Context) iter.Seq2[netstat.MulticastRoute, error] {
	return readPart(ctx, s, multicastRouteTable, "")
}

// Memberships yields the recorded multicast groups of interfaces.
func (s *Stack) Memberships(ctx context.Context) iter.Seq2[netstat.Membership, error] {
	return readPart(ctx, s, membershipTable, "")
}

// SocketMemberships yields the recorded multicast groups of sockets.
func (s *Stack) SocketMemberships(ctx context.Context) iter.Seq2[netstat.SocketMembership, error] {
	return readPart(ctx, s, socketMembershipTable, "")
}

// BridgeGroups yields the recorded multicast databases of bridges.
func (s *Stack) BridgeGroups(ctx context.Context) iter.Seq2[netstat.BridgeGroup, error] {
	return readPart(ctx, s, bridgeGroupTable, "")
}

// BridgeRouterPorts yields the recorded ports towards multicast routers.
func (s *Stack) BridgeRouterPorts(ctx context.Context) iter.Seq2[netstat.BridgeRouterPort, error] {
	return readPart(ctx, s, bridgeRouterPortTable, "")
}

// Identity returns which stack was recorded.
func (s *Stack) Identity(ctx context.Context) (netstat.Identity, error) {
	return readOne(ctx, s, identityTable)
}

// Namespaces yields the namespaces that the host had.
func (s *Stack) Namespaces(ctx context.Context) iter.Seq2[netstat.Namespace, error] {
	return readPart(ctx, s, namespaceTable, "")
}

// Flows yields the recorded flows that q selects. Counters that were recorded
// cannot be reset: a query that asks for that is an error.
func (s *Stack) Flows(ctx context.Context, q netstat.FlowQuery) iter.Seq2[netstat.Flow, error] {
	part := q.List.String()
	if q.Reset {
		return func(yield func(netstat.Flow, error) bool) {
			yield(netstat.Flow{}, s.readError(opOf(KindFlow, part), fmt.Errorf("%w: counters of a recording cannot be reset", netstat.ErrNotSupported)))
		}
	}
	return readParts(ctx, s, flowTable, []string{part}, true, func(f *netstat.Flow) (bool, error) { return q.Matches(f), nil })
}

// Expectations yields the recorded expectations of the families.
func (s *Stack) Expectations(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Expectation, error] {
	return readParts(ctx, s, expectationTable, familyParts(families, inetFamilies), len(families) > 0, nil)
}

// ListenFlowEnds says that a recording has no events.
func (s *Stack) ListenFlowEnds() (netstat.FlowEndListener, error) {
	return nil, s.readError("listen for ends of flows", fmt.Errorf("%w: a recording has no events", netstat.ErrNotSupported))
}

// FlowStatistics yields the recorded counters of connection tracking.
func (s *Stack) FlowStatistics(ctx context.Context) iter.Seq2[netstat.FlowStatistics, error] {
	return readPart(ctx, s, flowStatisticsTable, "")
}

// ExpectationStatistics yields the recorded counters of expectations.
func (s *Stack) ExpectationStatistics(ctx context.Context) iter.Seq2[netstat.ExpectationStatistics, error] {
	return readPart(ctx, s, expectationStatisticsTable, "")
}

// FlowUsage returns how full the tables were.
func (s *Stack) FlowUsage(ctx context.Context) (netstat.FlowUsage, error) {
	return readOne(ctx, s, flowUsageTable)
}
