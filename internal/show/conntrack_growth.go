package show

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// FlowGrowth is the table of by how much the flows of connection tracking grew from turn
// to turn.
func FlowGrowth() Table {
	return &kind[TrackedFlow]{
		Kind: flowGrowth(),
		what: "flows",
		columns: func(s *Session) []table.Column[Row[TrackedFlow]] {
			at := columnOf("Time", 8, false, func(b []byte, f *TrackedFlow) []byte { return appendTime(b, *f.grown) })
			return slices.Insert(flowColumns(s), 0, at)
		},
		read: func(ctx context.Context, q *query) iter.Seq2[TrackedFlow, error] {
			return flowsGrown(ctx, q, q.Programs || namesProcesses(flowGrowth(), lookedAt(flowGrowth(), q.expr, q.Sort)))
		},
		inFamily: isFlowOf,
		keep:     keepsFlow,
		lookUp:   lookUpFlow,
		growing:  true, unsummed: true,
	}
}

// flowGrowth is the kind of its rows: a flow's, with what was counted in the interval in
// the place of what was counted.
var flowGrowth = sync.OnceValue(func() *table.Kind[Row[TrackedFlow]] {
	fields := spanFields(func(f *TrackedFlow) span { return *f.grown })[:2] // of the whole run there is no row
	fields = append(fields, fieldOf("new", table.Boolean, "true for a flow that began in the interval; absent otherwise", func(f *TrackedFlow) table.Value {
		return ifSet(f.isNew, table.Bool(true))
	}))
	for _, f := range flows().Fields {
		switch f.Name {
		case "list", "netns", "host", "time":
			continue
		case "packets", "bytes", "originalPackets", "originalBytes", "replyPackets", "replyBytes":
			f.Doc = "counted in the interval: " + f.Doc
		}
		fields = append(fields, f)
	}
	k := newKind("flowGrowth", "by how much a flow of connection tracking grew in an interval; flows that did not grow are left out", fields...)
	k.Aliases = flows().Aliases
	return k
})

// flowMeter meters the flows of a stack.
type flowMeter struct {
	*netstat.FlowMeter
	first, last time.Time // when flows were read
	sums        *flowSums // what they grew by together, if that is asked for
}

// flowMeterOf returns the meter of a stack.
func (g *growth) flowMeterOf(src *Source) *flowMeter {
	m := g.flows[src.key()]
	if m == nil {
		m = &flowMeter{FlowMeter: newFlowMeter()}
		g.flows[src.key()] = m
	}
	return m
}

func newFlowMeter() *netstat.FlowMeter { return netstat.NewFlowMeter(netstat.DefaultFlowMeter) }

// flowsGrown yields the flows of the query's stack that grew since the turn before, with
// Options.All all of them, with what was counted meanwhile in the place of their counters.
func flowsGrown(ctx context.Context, q *query, processes bool) iter.Seq2[TrackedFlow, error] {
	r, ok := q.src.Stack.(netstat.FlowReader)
	if !ok {
		return failed[TrackedFlow](netstat.ErrNotSupported)
	}
	var owners *netstat.FlowOwners
	if processes {
		var err error
		if owners, err = q.flowOwners(ctx); err != nil {
			return failed[TrackedFlow](err)
		}
	}
	ask := q.flowQuery(flowGrowth())
	ask.Mark, ask.Status = netstat.Optional[netstat.Bits]{}, netstat.Optional[netstat.Bits]{} // which change while a flow is there
	return func(yield func(TrackedFlow, error) bool) {
		m, uncounted := q.growth.flowMeterOf(q.src), false
		at := span{from: m.last, to: time.Now()}
		m.Begin()
		for f, err := range r.Flows(ctx, ask) {
			if err != nil {
				yield(TrackedFlow{}, err)
				return
			}
			grew := m.Read(&f)
			if at.from.IsZero() {
				continue
			}
			uncounted = uncounted || !f.OriginalCounters.IsKnown()
			f.OriginalCounters, f.ReplyCounters = grew.Original, grew.Reply
			if !q.All && grew.Original.Or(netstat.FlowCounters{}).Packets == 0 && grew.Reply.Or(netstat.FlowCounters{}).Packets == 0 {
				continue
			}
			v := TrackedFlow{Flow: f, isNew: grew.New, grown: &at}
			if owners != nil {
				v.Owners = owners.Of(&v.Flow)
			}
			if !yield(v, nil) {
				return
			}
		}
		m.End()
		if m.last = at.to; m.first.IsZero() {
			m.first = at.to
		}
		q.growth.answered = true
		if uncounted {
			q.complain("flows", q.src, fmt.Errorf("packets and bytes of flows that began while accounting was off (net.netfilter.nf_conntrack_acct): %w", netstat.ErrUnknownValues))
		}
		if m.Full() {
			q.note(fmt.Sprintf("(There are more than %d flows: by how much further ones grew is not known.)", netstat.DefaultFlowMeter))
		}
	}
}

// FlowTotalGrowth is the table of by how much flows with one key grew together, from turn
// to turn and in all of them.
func FlowTotalGrowth() Table {
	return &kind[flowTotal]{
		Kind:    flowTotalGrowth(),
		what:    "flows",
		filters: flowGrowth(),
		columns: func(s *Session) []table.Column[Row[flowTotal]] {
			at := columnOf("Time", 8, false, func(b []byte, t *flowTotal) []byte { return appendTime(b, *t.sum.grown) })
			return slices.Insert(flowTotalColumns(s), 0, at)
		},
		read:    totalsGrown,
		lookUp:  lookUpFlowTotal,
		growing: true,
	}
}

func flowTotalGrowth() *table.Kind[Row[flowTotal]] {
	fields := spanFields(func(t *flowTotal) span { return *t.sum.grown })
	for _, f := range flowTotalFields() {
		switch f.Name {
		case "flows":
			f.Doc = "how many of them grew; the same flow counts once in each turn"
		case "counted":
			f.Doc = "of how many of them it is known by how much"
		case "packets", "bytes":
			f.Doc = "counted in the interval: " + f.Doc
		}
		fields = append(fields, f)
	}
	return newKind("flowTotalGrowth", "by how much flows of connection tracking with the same key grew together in an interval", fields...)
}

func totalsGrown(ctx context.Context, q *query) iter.Seq2[flowTotal, error] {
	key, err := parseTotalKey(flows(), q.By)
	if err != nil {
		return failed[flowTotal](err)
	}
	k := flowGrowth()
	return func(yield func(flowTotal, error) bool) {
		m := q.growth.flowMeterOf(q.src)
		if q.growth.over {
			if m.sums != nil {
				m.sums.yield(q, &span{m.first, m.last, true}, yield)
			}
			return
		}
		sums := newFlowSums(key, q.By)
		r := Row[TrackedFlow]{from: q.src}
		for f, err := range flowsGrown(ctx, q, namesProcesses(k, lookedAt(k, q.expr, "")) || namesProcesses(flows(), key.fields)) {
			if err != nil {
				yield(flowTotal{}, err)
				return
			}
			if r.v = f; q.choosesProtocol(f.Original.Protocol) && (q.expr == nil || q.expr.Match(func(field int) table.Value { return k.Fields[field].Value(&r) })) {
				sums.add(&r)
			}
		}
		if m.sums == nil {
			m.sums = newFlowSums(key, q.By)
		}
		m.sums.addAll(sums)
		sums.yield(q, r.v.grown, yield)
	}
}
