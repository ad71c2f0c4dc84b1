package show

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

// movingFlow is a row of FlowTraffic.
type movingFlow struct {
	*traffic.Flow
	owners netstat.FlowProcesses
}

// FlowTraffic is the table of the flows that connection tracking follows and what goes
// through them: from the second turn on how much in a second, and each flow that ended
// between two turns once.
func FlowTraffic() Table {
	k := flowTrafficKind()
	return &kind[movingFlow]{
		Kind:     k,
		title:    "Flows of connection tracking and their traffic",
		what:     "flows",
		identity: []string{"id", "protocol", "source", "sourcePort", "destination", "destinationPort", "zone"},
		orders:   map[string]string{"Translated": "sourceNAT", "PID/Program name": "sourceProcesses"},
		columns:  movingFlowColumns,
		read:     movingFlows,
		inFamily: func(f *movingFlow, family netstat.Family) bool { return f.Family() == family },
		keep:     func(q *query, f *movingFlow) bool { return q.choosesProtocol(f.Original.Protocol) },
		lookUp:   func(s *Session, r *Row[movingFlow]) { s.lookUpFlow(&r.v.Flow.Flow) },
		over:     func(f *movingFlow) (time.Time, bool) { return f.Ended, true },
		above:    FlowUsage,
	}
}

// FlowOf returns the flow that a row of FlowTraffic is of, and of which stack.
func FlowOf(s Sheet, row int) (f *netstat.Flow, from *Source, ok bool) {
	v, from, ok := RowOf[movingFlow](s, row)
	if !ok {
		return nil, nil, false
	}
	return &v.Flow.Flow, from, true
}

func flowTrafficKind() *table.Kind[Row[movingFlow]] {
	field := fieldOf[movingFlow]
	seen := func(get func(*movingFlow) netstat.Optional[netstat.FlowCounters], value func(netstat.Optional[netstat.FlowCounters]) table.Value) func(*movingFlow) table.Value {
		return func(f *movingFlow) table.Value { return value(get(f)) }
	}
	original := func(f *movingFlow) netstat.Optional[netstat.FlowCounters] { return f.Growth.OriginalSeen }
	reply := func(f *movingFlow) netstat.Optional[netstat.FlowCounters] { return f.Growth.ReplySeen }
	fields := []table.Field[Row[movingFlow]]{
		field("sentBytes", table.Integer, "bytes of the original direction since the program began to look, from the IP header on", seen(original, octetsValue)),
		field("receivedBytes", table.Integer, "bytes of the answers since the program began to look", seen(reply, octetsValue)),
		field("sentPackets", table.Integer, "packets of the original direction since the program began to look", seen(original, packetsValue)),
		field("receivedPackets", table.Integer, "packets of the answers since the program began to look", seen(reply, packetsValue)),
		field("sentRate", table.Number, "bytes of the original direction a second since the turn before", func(f *movingFlow) table.Value { return perSecond(f.OriginalRate) }),
		field("receivedRate", table.Number, "bytes of the answers a second since the turn before", func(f *movingFlow) table.Value { return perSecond(f.ReplyRate) }),
		field("sentPacketRate", table.Number, "packets of the original direction a second since the turn before", func(f *movingFlow) table.Value { return perSecond(f.OriginalPacketRate) }),
		field("receivedPacketRate", table.Number, "packets of the answers a second since the turn before", func(f *movingFlow) table.Value { return perSecond(f.ReplyPacketRate) }),
		field("new", table.Boolean, "true for a flow that began since the turn before; absent otherwise", func(f *movingFlow) table.Value { return ifSet(f.Growth.New, table.Bool(true)) }),
		field("missing", table.Boolean, "true where the flow was not found, and its end was not told; absent otherwise", func(f *movingFlow) table.Value { return ifSet(f.Missing, table.Bool(true)) }),
		field("ended", table.Boolean, "true in the one row of a flow that has ended; absent otherwise", func(f *movingFlow) table.Value { return ifSet(f.IsOver(), table.Bool(true)) }),
		field("endedAt", table.String, "when it ended, or that was noticed (RFC 3339)", func(f *movingFlow) table.Value { return momentValue(f.Ended) }),
		field("atLeast", table.Boolean, "true where more went through than is told: the last counters were not read, or somebody set them to 0; absent otherwise", func(f *movingFlow) table.Value {
			return ifSet(f.AtLeast, table.Bool(true))
		}),
	}
	fields = append(fields, flowFields(func(f *movingFlow) *netstat.Flow { return &f.Flow.Flow }, func(f *movingFlow) *netstat.FlowProcesses { return &f.owners })...)
	k := newKind("flowTraffic", "a flow that connection tracking follows, and what went through it since the program began to look; one that ended is told of once", fields...)
	k.Aliases = trafficAliases()
	for alias, fields := range flowAliases() {
		k.Aliases[alias] = fields
	}
	return k
}

// trafficAliases are names that people give what goes through connections.
func trafficAliases() map[string][]string {
	return map[string][]string{
		"tx": {"sentRate"}, "rx": {"receivedRate"}, "tx/s": {"sentRate"}, "rx/s": {"receivedRate"},
		"sent": {"sentBytes"}, "received": {"receivedBytes"},
	}
}

func movingFlowColumns(s *Session) []table.Column[Row[movingFlow]] {
	type row = Row[movingFlow]
	const width = 23
	column := func(heading string, width int, right bool, cell func(b []byte, f *movingFlow) []byte) table.Column[row] {
		return columnOf(heading, width, right, cell)
	}
	rate := func(heading string, get func(*movingFlow) netstat.Optional[float64]) table.Column[row] {
		return column(heading, 8, true, func(b []byte, f *movingFlow) []byte { return s.appendRate(b, get(f)) })
	}
	bytes := func(heading string, get func(*movingFlow) netstat.Optional[netstat.FlowCounters]) table.Column[row] {
		return column(heading, 8, true, func(b []byte, f *movingFlow) []byte {
			n, known := get(f).Get()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, n.Bytes)
		})
	}
	state := column("State", 11, false, func(b []byte, f *movingFlow) []byte {
		if f.IsOver() {
			return append(b, "(ended)"...)
		}
		return appendFlowState(b, &f.Flow.Flow)
	})
	state.Colour = func(r *row) table.Colour {
		if r.v.IsOver() || r.v.Missing {
			return table.Dim
		}
		return table.Plain
	}
	return []table.Column[row]{
		column("Proto", 5, false, func(b []byte, f *movingFlow) []byte { return append(b, f.Original.Protocol.String()...) }),
		{Heading: "Source", Width: width, Append: func(b []byte, r *row) []byte {
			return s.appendTupleEnd(b, r.from, &r.v.Original, r.v.Original.Source, r.v.Original.SourcePort)
		}},
		{Heading: "Destination", Width: width, Append: func(b []byte, r *row) []byte {
			return s.appendTupleEnd(b, r.from, &r.v.Original, r.v.Original.Destination, r.v.Original.DestinationPort)
		}},
		state,
		rate("Tx/s", func(f *movingFlow) netstat.Optional[float64] { return f.OriginalRate }),
		rate("Rx/s", func(f *movingFlow) netstat.Optional[float64] { return f.ReplyRate }),
		bytes("Sent", func(f *movingFlow) netstat.Optional[netstat.FlowCounters] { return f.Growth.OriginalSeen }),
		bytes("Received", func(f *movingFlow) netstat.Optional[netstat.FlowCounters] { return f.Growth.ReplySeen }),
		column("Timeout", 7, true, func(b []byte, f *movingFlow) []byte {
			d, known := f.Timeout.Get()
			if !known {
				return append(b, '-')
			}
			return appendUint(b, uint64(d/time.Second))
		}),
		{Heading: "Translated", Width: 10, Append: func(b []byte, r *row) []byte { return s.appendTranslation(b, r.from, &r.v.Flow.Flow) }},
		column("Status", 9, false, func(b []byte, f *movingFlow) []byte { return appendWord(b, flowStatus(&f.Flow.Flow)) }),
		column("PID/Program name", 20, false, func(b []byte, f *movingFlow) []byte { return appendFlowProcesses(b, &f.owners) }),
	}
}

// movingFlows reads the flows of the query's stack.
func movingFlows(ctx context.Context, q *query) iter.Seq2[movingFlow, error] {
	return func(yield func(movingFlow, error) bool) {
		reading, err := q.flowTraffic(ctx)
		if reading != nil {
			owners, failure := q.moving().lookAtOwners(ctx, q)
			err = errors.Join(err, failure)
			for f := range reading.All() {
				v := movingFlow{Flow: f}
				if owners != nil {
					v.owners = owners.Of(&f.Flow)
				}
				if !yield(v, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(movingFlow{}, err)
		}
	}
}

// meteredFlows is a stack whose flows are measured.
type meteredFlows struct {
	meter *traffic.FlowMeter
	ends  netstat.FlowEndListener // nil where nobody tells of ends
	done  chan struct{}           // closed when nothing listens any longer

	// protocol is that of the flows that are measured, unknown for all.
	protocol netstat.Optional[netstat.IPProtocol]

	owning sparing
	owners *netstat.FlowOwners // as they were looked at last
}

// close stops listening.
func (m *meteredFlows) close() {
	if m.ends != nil {
		_ = m.ends.Close() // nothing was written
		<-m.done
	}
}

// flowTraffic returns what went through the flows of the query's stack until now. It is read
// once in a turn. What is read before an error is returned with it.
func (q *query) flowTraffic(ctx context.Context) (*traffic.FlowReading, error) {
	if _, ok := q.src.Stack.(netstat.FlowReader); !ok {
		return nil, netstat.ErrNotSupported
	}
	return q.flows.read(q, func() *meteredFlows { return q.newMeteredFlows(netstat.Optional[netstat.IPProtocol]{}) },
		func(m *meteredFlows) (*traffic.FlowReading, error) { return m.read(ctx, q) })
}

// moving returns what measures the flows of the query's stack, which flowTraffic made.
func (q *query) moving() *meteredFlows { return q.flows.byKey[q.src.key()].meter }

// newMeteredFlows begins to measure the flows of the query's stack, those of one protocol or
// all.
func (q *query) newMeteredFlows(protocol netstat.Optional[netstat.IPProtocol]) *meteredFlows {
	m := &meteredFlows{protocol: protocol}
	if from, ok := q.src.Stack.(netstat.FlowEndReader); ok && q.Interval > 0 {
		ends, err := from.ListenFlowEnds()
		switch {
		case err == nil:
			m.ends = ends
		case !errors.Is(err, fs.ErrPermission): // without that there are no flows either
			q.lacks("ends of flows", q.src, err, false)
		}
	}
	m.meter = traffic.NewFlowMeter(m.ends != nil)
	if m.ends != nil {
		m.done = make(chan struct{})
		families := q.families()
		go func() {
			defer close(m.done)
			listen(func() error {
				return m.ends.Receive(func(f *netstat.Flow) error {
					if wanted, one := protocol.Get(); (!one || f.Original.Protocol == wanted) && (len(families) == 0 || slices.Contains(families, f.Family())) {
						m.meter.End(f, time.Now())
					}
					return nil
				})
			}, m.meter.Gap)
		}()
	}
	return m
}

// read reads the flows of the query's stack. All readings are of the same flows, whatever
// is asked for.
func (m *meteredFlows) read(ctx context.Context, q *query) (*traffic.FlowReading, error) {
	m.meter.Begin(q.src.now())
	var missing error
	uncounted := false
	for f, err := range q.src.Stack.(netstat.FlowReader).Flows(ctx, netstat.FlowQuery{Families: q.families(), Protocol: m.protocol}) {
		if missing = err; err != nil {
			break
		}
		m.meter.Add(&f)
		uncounted = uncounted || !f.OriginalCounters.IsKnown()
	}
	reading := m.meter.Finish(q.src.now(), missing == nil)
	if reading.Gap {
		q.note("(Flows ended faster than they could be read: some are missing, and sums are at least what is shown.)")
	}
	if uncounted && !m.protocol.IsKnown() {
		q.note("(Packets and bytes of flows that began while accounting was off, net.netfilter.nf_conntrack_acct, are not known.)")
	}
	if m.meter.Full() {
		q.note(fmt.Sprintf("(There are more than %d flows: by how much further ones grew is not known.)", netstat.DefaultFlowMeter))
	}
	return reading, missing
}

// lookAtOwners returns whom flows belong to, as of a look that is not old, nil where that is
// not known.
func (m *meteredFlows) lookAtOwners(ctx context.Context, q *query) (*netstat.FlowOwners, error) {
	if _, ok := q.src.Stack.(netstat.SocketOwnerReader); !ok || !m.owning.isDue() {
		return m.owners, nil
	}
	began := time.Now()
	found, err := q.flowOwners(ctx)
	if err == nil {
		m.owners = found
		m.owning.tookSince(began)
	}
	return m.owners, err
}
