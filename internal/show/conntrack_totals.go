package show

import (
	"context"
	"iter"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// flowSum is what flows have together.
type flowSum struct {
	flows uint64
	// counted is of how many flows packets and bytes are known.
	counted, packets, bytes uint64

	grown *span // of growth: the interval
}

func (t *flowSum) add(o *flowSum) {
	t.flows, t.counted, t.packets, t.bytes = t.flows+o.flows, t.counted+o.counted, t.packets+o.packets, t.bytes+o.bytes
}

type flowTotal = total[flowSum]

// CheckBy says what is wrong with a key of totals of flows.
func CheckBy(text string) error {
	_, err := parseTotalKey(flows(), text)
	return err
}

// FlowTotals is the table of what flows have together by the key that Options.By names.
// A filter is of flows.
func FlowTotals() Table {
	return &kind[flowTotal]{
		Kind:    newKind("flowTotal", "what flows of connection tracking have together", flowTotalFields()...),
		titled:  func(o *Options) string { return "Flows of connection tracking by " + o.By },
		what:    "flows",
		filters: flows(),
		columns: flowTotalColumns,
		read:    readTotals,
		lookUp:  lookUpFlowTotal,
	}
}

func lookUpFlowTotal(s *Session, r *Row[flowTotal]) {
	if r.v.addr.IsValid() && !s.numericHosts() {
		s.resolver.StartHost(r.v.addr)
	}
}

func flowTotalFields() []table.Field[Row[flowTotal]] {
	field := fieldOf[flowTotal]
	return append(totalFields[flowSum]("flows"),
		field("flows", table.Integer, "how many", func(t *flowTotal) table.Value { return table.Uint(t.sum.flows) }),
		field("counted", table.Integer, "of how many of them packets and bytes are known: of those that began while accounting was on", func(t *flowTotal) table.Value { return table.Uint(t.sum.counted) }),
		field("packets", table.Integer, "packets of those, of both directions", func(t *flowTotal) table.Value {
			return ifSet(t.sum.counted > 0, table.Uint(t.sum.packets))
		}),
		field("bytes", table.Integer, "bytes of those, of both directions, from the IP header on", func(t *flowTotal) table.Value {
			return ifSet(t.sum.counted > 0, table.Uint(t.sum.bytes))
		}),
	)
}

func flowTotalColumns(s *Session) []table.Column[Row[flowTotal]] {
	return []table.Column[Row[flowTotal]]{
		columnOf("Key", 23, false, func(b []byte, t *flowTotal) []byte { return appendTotalKey(s, b, t) }),
		columnOf("Flows", 8, true, func(b []byte, t *flowTotal) []byte { return s.appendCount(b, t.sum.flows) }),
		columnOf("Packets", 10, true, func(b []byte, t *flowTotal) []byte {
			if t.sum.counted == 0 {
				return append(b, '-')
			}
			return s.appendCount(b, t.sum.packets)
		}),
		columnOf("Bytes", 12, true, func(b []byte, t *flowTotal) []byte {
			if t.sum.counted == 0 {
				return append(b, '-')
			}
			return s.appendBytes(b, t.sum.bytes)
		}),
	}
}

// readTotals makes the totals of the query's stack, the largest first.
func readTotals(ctx context.Context, q *query) iter.Seq2[flowTotal, error] {
	key, err := parseTotalKey(flows(), q.By)
	if err != nil {
		return failed[flowTotal](err)
	}
	parts, err := flowParts(ctx, q, namesProcesses(flows(), append(lookedAt(flows(), q.expr, ""), key.fields...)))
	if err != nil {
		return failed[flowTotal](err)
	}
	return func(yield func(flowTotal, error) bool) {
		sums := newFlowSums(key, q.By)
		r := Row[TrackedFlow]{from: q.src}
		for _, p := range parts {
			for f, err := range p.read(ctx, q) {
				switch {
				case err != nil && p.optional && ctx.Err() == nil:
					q.lacks("flows", q.src, err, false)
					continue
				case err != nil:
					yield(flowTotal{}, err)
					return
				case !q.choosesProtocol(f.Original.Protocol):
					continue
				}
				if r.v = f; q.expr == nil || q.expr.Match(func(field int) table.Value { return flows().Fields[field].Value(&r) }) {
					sums.add(&r)
				}
			}
		}
		sums.yield(q, nil, yield)
	}
}

// flowSums are sums of flows by a key.
type flowSums struct {
	*totals[flowSum]
	key totalKey[TrackedFlow]
}

func newFlowSums(key totalKey[TrackedFlow], by string) *flowSums {
	return &flowSums{newTotals[flowSum](by), key}
}

// add adds a flow.
func (s *flowSums) add(r *Row[TrackedFlow]) {
	f, of := &r.v, flowSum{flows: 1}
	packets, bytes := sumValue(packetsValue(f.OriginalCounters), packetsValue(f.ReplyCounters)), sumValue(octetsValue(f.OriginalCounters), octetsValue(f.ReplyCounters))
	if packets.IsKnown() {
		of.counted, of.packets, of.bytes = 1, packets.Uint(), bytes.Uint()
	}
	s.key.each(r, func(key []byte, a netip.Addr) { s.of(key, a).add(&of) })
}

// addAll adds what other sums have.
func (s *flowSums) addAll(other *flowSums) {
	for key, t := range other.byKey {
		s.of([]byte(key), t.addr).add(&t.sum)
	}
	s.others.sum.add(&other.others.sum)
	s.full = s.full || other.full
}

// yield yields the largest sums, and those of all others together. grown is the interval
// that they are of, nil for none.
func (s *flowSums) yield(q *query, grown *span, yield func(flowTotal, error) bool) {
	s.totals.yield(q, "flows", largestFirst(&q.Options, flowMeasures()), (*flowSum).add, func(t flowTotal, err error) bool {
		t.sum.grown = grown
		return yield(t, err)
	})
}

func flowMeasures() []measure[flowSum] {
	return []measure[flowSum]{
		{[]string{"bytes"}, func(s *flowSum) float64 { return float64(s.bytes) }},
		{[]string{"flows"}, func(s *flowSum) float64 { return float64(s.flows) }},
		{[]string{"packets"}, func(s *flowSum) float64 { return float64(s.packets) }},
		{[]string{"counted"}, func(s *flowSum) float64 { return float64(s.counted) }},
	}
}
