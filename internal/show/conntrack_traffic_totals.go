package show

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

// FlowTrafficKeys are the fields that flows may be added up by: what is remembered of those
// that ended. addr is either end, before and after address translation. An address
// may have the lengths of prefixes behind it.
func FlowTrafficKeys() []string {
	return []string{"addr", "source", "destination", "replySource", "replyDestination", "zone", "protocol"}
}

func parseFlowTrafficKey(text string) (totalKey[movingFlow], error) {
	key, err := parseTotalKey(flowTrafficKind(), text)
	if name, _, _ := strings.Cut(text, "/"); err == nil && !slices.Contains(FlowTrafficKeys(), name) {
		err = fmt.Errorf("--by: flows are added up by %s, and not by %s: more is not remembered of those that ended", strings.Join(FlowTrafficKeys(), ", "), text)
	}
	return key, err
}

type flowTrafficTotal = total[traffic.FlowSum]

// FlowTrafficTotals is the table of what flows of connection tracking have together by a key,
// one of FlowTrafficKeys. What a host sent is what went from it, whoever began. The sum by
// any key but addr is that of all flows since the program began to look, those that ended
// too.
func FlowTrafficTotals(key string) Table {
	field := fieldOf[flowTrafficTotal]
	counted := func(name, doc string, get func(*traffic.FlowSum) uint64) table.Field[Row[flowTrafficTotal]] {
		return field(name, table.Integer, doc, func(t *flowTrafficTotal) table.Value { return ifSet(t.sum.Counted > 0, table.Uint(get(&t.sum))) })
	}
	k := &kind[flowTrafficTotal]{
		title:    "Traffic of tracked flows by " + key,
		what:     "flows",
		identity: []string{"key", "others"},
		columns:  flowTrafficTotalColumns,
		read: func(ctx context.Context, q *query) iter.Seq2[flowTrafficTotal, error] {
			return readFlowTrafficTotals(ctx, q, key)
		},
		lookUp: func(s *Session, r *Row[flowTrafficTotal]) {
			if r.v.addr.IsValid() && !s.numericHosts() {
				s.resolver.StartHost(r.v.addr)
			}
		},
		above: FlowUsage,
	}
	k.Kind = newKind("flowTrafficTotal", "what flows of connection tracking have together since the program began to look", append(totalFields[traffic.FlowSum]("flows"),
		field("flows", table.Integer, "how many there are", func(t *flowTrafficTotal) table.Value { return table.Uint(t.sum.Flows) }),
		field("ended", table.Integer, "how many have ended", func(t *flowTrafficTotal) table.Value { return table.Uint(t.sum.Ended) }),
		field("counted", table.Integer, "of how many of both packets are counted: of those that began while accounting was on", func(t *flowTrafficTotal) table.Value { return table.Uint(t.sum.Counted) }),
		counted("sentBytes", "bytes of those from the host; by what is no address, of the original direction", func(s *traffic.FlowSum) uint64 { return s.Original.Bytes }),
		counted("receivedBytes", "bytes of those to the host; by what is no address, of the answers", func(s *traffic.FlowSum) uint64 { return s.Reply.Bytes }),
		counted("sentPackets", "packets of those from the host", func(s *traffic.FlowSum) uint64 { return s.Original.Packets }),
		counted("receivedPackets", "packets of those to the host", func(s *traffic.FlowSum) uint64 { return s.Reply.Packets }),
		field("sentRate", table.Number, "bytes from the host a second since the turn before", func(t *flowTrafficTotal) table.Value { return perSecond(t.sum.OriginalRate) }),
		field("receivedRate", table.Number, "bytes to the host a second since the turn before", func(t *flowTrafficTotal) table.Value { return perSecond(t.sum.ReplyRate) }),
		field("atLeast", table.Boolean, "true where more went through than is told: counters of flows were not read to their end, or flows were missed; absent otherwise", func(t *flowTrafficTotal) table.Value {
			return ifSet(t.sum.AtLeast, table.Bool(true))
		}),
	)...)
	k.Aliases = trafficAliases()
	return k
}

func flowTrafficTotalColumns(s *Session) []table.Column[Row[flowTrafficTotal]] {
	number := func(heading string, get func(*traffic.FlowSum) uint64) table.Column[Row[flowTrafficTotal]] {
		return columnOf(heading, 7, true, func(b []byte, t *flowTrafficTotal) []byte { return s.appendCount(b, get(&t.sum)) })
	}
	counters := func(heading string, get func(*traffic.FlowSum) uint64, appendTo func([]byte, uint64) []byte) table.Column[Row[flowTrafficTotal]] {
		return columnOf(heading, 10, true, func(b []byte, t *flowTrafficTotal) []byte {
			if t.sum.Counted == 0 {
				return append(b, '-')
			}
			return appendTo(b, get(&t.sum))
		})
	}
	rate := func(heading string, get func(*traffic.FlowSum) netstat.Optional[float64]) table.Column[Row[flowTrafficTotal]] {
		return columnOf(heading, 10, true, func(b []byte, t *flowTrafficTotal) []byte { return s.appendRate(b, get(&t.sum)) })
	}
	return []table.Column[Row[flowTrafficTotal]]{
		columnOf("Key", 24, false, func(b []byte, t *flowTrafficTotal) []byte { return appendTotalKey(s, b, t) }),
		rate("Tx/s", func(s *traffic.FlowSum) netstat.Optional[float64] { return s.OriginalRate }),
		rate("Rx/s", func(s *traffic.FlowSum) netstat.Optional[float64] { return s.ReplyRate }),
		counters("Sent", func(s *traffic.FlowSum) uint64 { return s.Original.Bytes }, s.appendBytes),
		counters("Received", func(s *traffic.FlowSum) uint64 { return s.Reply.Bytes }, s.appendBytes),
		counters("SentPackets", func(s *traffic.FlowSum) uint64 { return s.Original.Packets }, s.appendCount),
		counters("ReceivedPackets", func(s *traffic.FlowSum) uint64 { return s.Reply.Packets }, s.appendCount),
		number("Flows", func(s *traffic.FlowSum) uint64 { return s.Flows }),
		number("Ended", func(s *traffic.FlowSum) uint64 { return s.Ended }),
	}
}

// readFlowTrafficTotals makes the totals of the query's stack, the busiest first.
func readFlowTrafficTotals(ctx context.Context, q *query, by string) iter.Seq2[flowTrafficTotal, error] {
	key, err := parseFlowTrafficKey(by)
	if err != nil {
		return failed[flowTrafficTotal](err)
	}
	return func(yield func(flowTrafficTotal, error) bool) {
		reading, err := q.flowTraffic(ctx)
		if reading == nil {
			yield(flowTrafficTotal{}, err)
			return
		}
		sums := newTotals[traffic.FlowSum](by)
		r := Row[movingFlow]{from: q.src}
		for f, sum := range reading.Sums() {
			sum.AtLeast = sum.AtLeast || reading.AtLeast
			if f == nil {
				sums.others.sum.Add(&sum)
				continue
			}
			if r.v = (movingFlow{Flow: f}); q.choosesProtocol(f.Original.Protocol) {
				addFlowTraffic(sums, &key, &r, &sum)
			}
		}
		if sums.yield(q, "flows", largestFirst(&q.Options, flowTrafficMeasures()), (*traffic.FlowSum).Add, yield) && err != nil {
			yield(flowTrafficTotal{}, err)
		}
	}
}

func flowTrafficMeasures() []measure[traffic.FlowSum] {
	return []measure[traffic.FlowSum]{
		{nil, func(s *traffic.FlowSum) float64 { return s.OriginalRate.Or(0) + s.ReplyRate.Or(0) }},
		{nil, func(s *traffic.FlowSum) float64 { return float64(s.Original.Bytes + s.Reply.Bytes) }},
		{nil, func(s *traffic.FlowSum) float64 { return float64(s.Flows + s.Ended) }},
		{[]string{"sentrate", "tx", "tx/s"}, func(s *traffic.FlowSum) float64 { return s.OriginalRate.Or(0) }},
		{[]string{"receivedrate", "rx", "rx/s"}, func(s *traffic.FlowSum) float64 { return s.ReplyRate.Or(0) }},
		{[]string{"sentbytes", "sent"}, func(s *traffic.FlowSum) float64 { return float64(s.Original.Bytes) }},
		{[]string{"receivedbytes", "received"}, func(s *traffic.FlowSum) float64 { return float64(s.Reply.Bytes) }},
		{[]string{"sentpackets"}, func(s *traffic.FlowSum) float64 { return float64(s.Original.Packets) }},
		{[]string{"receivedpackets"}, func(s *traffic.FlowSum) float64 { return float64(s.Reply.Packets) }},
		{[]string{"flows"}, func(s *traffic.FlowSum) float64 { return float64(s.Flows) }},
		{[]string{"ended"}, func(s *traffic.FlowSum) float64 { return float64(s.Ended) }},
		{[]string{"counted"}, func(s *traffic.FlowSum) float64 { return float64(s.Counted) }},
	}
}

// addFlowTraffic adds what a flow has to each of its keys once. A key that is an address is an
// end: that which began, that which answers, or both.
func addFlowTraffic(sums *totals[traffic.FlowSum], key *totalKey[movingFlow], r *Row[movingFlow], sum *traffic.FlowSum) {
	type end struct {
		key            string
		addr           netip.Addr
		began, answers bool
	}
	var buffer [4]end
	ends := buffer[:0]
	key.ofFields(r, func(field int, text []byte, a netip.Addr) {
		i := slices.IndexFunc(ends, func(e end) bool { return e.key == string(text) })
		if i < 0 {
			i, ends = len(ends), append(ends, end{key: string(text), addr: a})
		}
		answers := field >= 0 && slices.Contains([]string{"destination", "replySource"}, key.kind.Fields[field].Name)
		ends[i].began, ends[i].answers = ends[i].began || !answers, ends[i].answers || answers
	})
	for i := range ends {
		of := *sum
		if ends[i].answers {
			of = *sum.Reversed()
		}
		if ends[i].began && ends[i].answers { // it talks to itself
			of.Original.Packets, of.Original.Bytes = sum.Original.Packets+sum.Reply.Packets, sum.Original.Bytes+sum.Reply.Bytes
			of.Reply = of.Original
			if both, known := of.OriginalRate.Get(); known {
				of.OriginalRate.Set(both + of.ReplyRate.Or(0))
				of.ReplyRate = of.OriginalRate
			}
		}
		sums.of([]byte(ends[i].key), ends[i].addr).Add(&of)
	}
}
