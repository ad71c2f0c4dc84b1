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

// TrafficKeys are the fields that connections may be added up by: what is remembered of
// those that ended. An address may have the lengths of prefixes behind it.
func TrafficKeys() []string {
	return []string{"process", "program", "unit", "cgroup", "uid", "remoteAddress"}
}

// CheckTrafficBy says what is wrong with a key of totals of connections.
func CheckTrafficBy(text string) error {
	_, err := parseTrafficKey(newConnectionKind(), text)
	return err
}

func parseTrafficKey(k *connectionKind, text string) (totalKey[connection], error) {
	key, err := parseTotalKey(k.Kind, text)
	if err == nil && (len(key.fields) != 1 || !slices.Contains(TrafficKeys(), k.Fields[key.fields[0]].Name)) {
		err = fmt.Errorf("--by: connections are added up by %s, and not by %s: more is not remembered of those that ended", strings.Join(TrafficKeys(), ", "), text)
	}
	return key, err
}

type trafficTotal = total[traffic.Sum]

// TrafficTotals is the table of what connections have together by a key, one of TrafficKeys.
// Their sum is that of all connections since the program began to look, those that ended
// too. A filter is of connections.
func TrafficTotals(key string) Table {
	field := fieldOf[trafficTotal]
	connections := newConnectionKind()
	counted := func(name, doc string, get func(*traffic.Sum) uint64) table.Field[Row[trafficTotal]] {
		return field(name, table.Integer, doc, func(t *trafficTotal) table.Value { return ifSet(t.sum.Counted > 0, table.Uint(get(&t.sum))) })
	}
	k := &kind[trafficTotal]{
		title:    "Traffic of connections by " + key,
		what:     "connections",
		identity: []string{"key", "others"},
		filters:  connections,
		columns:  trafficTotalColumns,
		read: func(ctx context.Context, q *query) iter.Seq2[trafficTotal, error] {
			return readTrafficTotals(ctx, q, connections, key)
		},
		lookUp: func(s *Session, r *Row[trafficTotal]) {
			if r.v.addr.IsValid() && !s.numericHosts() {
				s.resolver.StartHost(r.v.addr)
			}
			if uid, ok := totalUser(&r.v); ok && !s.numericUsers() {
				s.resolver.StartUser(uid)
			}
		},
	}
	k.Kind = newKind("trafficTotal", "what connections have together since the program began to look", append(totalFields[traffic.Sum]("connections"),
		field("connections", table.Integer, "how many there are", func(t *trafficTotal) table.Value { return table.Uint(t.sum.Connections) }),
		field("ended", table.Integer, "how many have ended", func(t *trafficTotal) table.Value { return table.Uint(t.sum.Ended) }),
		field("counted", table.Integer, "of how many of both the bytes are known: of TCP, and of UDP where connection tracking counts it", func(t *trafficTotal) table.Value { return table.Uint(t.sum.Counted) }),
		counted("sentBytes", "payload that those sent, in bytes", func(s *traffic.Sum) uint64 { return s.SentBytes }),
		counted("receivedBytes", "payload that those received, in bytes", func(s *traffic.Sum) uint64 { return s.ReceivedBytes }),
		counted("retransmittedBytes", "payload that those sent again, which `sentBytes` counts once", func(s *traffic.Sum) uint64 { return s.RetransmittedBytes }),
		field("sentRate", table.Number, "bytes sent a second since the turn before", func(t *trafficTotal) table.Value { return perSecond(t.sum.SentRate) }),
		field("receivedRate", table.Number, "bytes received a second since the turn before", func(t *trafficTotal) table.Value { return perSecond(t.sum.ReceivedRate) }),
		field("atLeast", table.Boolean, "true where more went through than is told: counters of connections were not read to their end, or connections were missed; absent otherwise", func(t *trafficTotal) table.Value {
			return ifSet(t.sum.AtLeast, table.Bool(true))
		}),
	)...)
	k.Aliases = map[string][]string{"tx/s": {"sentRate"}, "rx/s": {"receivedRate"}, "sent": {"sentBytes"}, "received": {"receivedBytes"}, "conns": {"connections"}}
	return k
}

// totalUser returns the user whose total it is.
func totalUser(t *trafficTotal) (uid uint32, ok bool) {
	if t.by != "uid" || t.key == "" {
		return 0, false
	}
	_, err := fmt.Sscan(t.key, &uid)
	return uid, err == nil
}

func trafficTotalColumns(s *Session) []table.Column[Row[trafficTotal]] {
	number := func(heading string, get func(*traffic.Sum) uint64) table.Column[Row[trafficTotal]] {
		return columnOf(heading, 7, true, func(b []byte, t *trafficTotal) []byte { return s.appendCount(b, get(&t.sum)) })
	}
	bytes := func(heading string, get func(*traffic.Sum) uint64) table.Column[Row[trafficTotal]] {
		return columnOf(heading, 10, true, func(b []byte, t *trafficTotal) []byte {
			if t.sum.Counted == 0 {
				return append(b, '-')
			}
			return s.appendBytes(b, get(&t.sum))
		})
	}
	rate := func(heading string, get func(*traffic.Sum) netstat.Optional[float64]) table.Column[Row[trafficTotal]] {
		return columnOf(heading, 10, true, func(b []byte, t *trafficTotal) []byte { return s.appendRate(b, get(&t.sum)) })
	}
	return []table.Column[Row[trafficTotal]]{
		columnOf("Key", 24, false, func(b []byte, t *trafficTotal) []byte {
			if uid, ok := totalUser(t); ok {
				return s.appendUser(b, netstat.Known(uid))
			}
			return appendTotalKey(s, b, t)
		}),
		rate("Tx/s", func(s *traffic.Sum) netstat.Optional[float64] { return s.SentRate }),
		rate("Rx/s", func(s *traffic.Sum) netstat.Optional[float64] { return s.ReceivedRate }),
		bytes("Sent", func(s *traffic.Sum) uint64 { return s.SentBytes }),
		bytes("Received", func(s *traffic.Sum) uint64 { return s.ReceivedBytes }),
		number("Conns", func(s *traffic.Sum) uint64 { return s.Connections }),
		number("Ended", func(s *traffic.Sum) uint64 { return s.Ended }),
	}
}

// readTrafficTotals makes the totals of the query's stack, the largest first.
func readTrafficTotals(ctx context.Context, q *query, connections *connectionKind, by string) iter.Seq2[trafficTotal, error] {
	key, err := parseTrafficKey(connections, by)
	if err != nil {
		return failed[trafficTotal](err)
	}
	return func(yield func(trafficTotal, error) bool) {
		reading, err := q.traffic(ctx, connections.filtered(q.expr))
		if reading == nil {
			yield(trafficTotal{}, err)
			return
		}
		sums := newTotals[traffic.Sum](by)
		r := Row[connection]{from: q.src}
		for c, sum := range reading.Sums() {
			sum.AtLeast = sum.AtLeast || reading.AtLeast
			if c == nil {
				if q.expr == nil {
					sums.others.sum.Add(&sum)
				}
				continue
			}
			r.v = connection{c}
			if q.expr != nil && !q.expr.Match(func(field int) table.Value { return connections.Fields[field].Value(&r) }) {
				continue
			}
			key.each(&r, func(text []byte, a netip.Addr) { sums.of(text, a).Add(&sum) })
		}
		if sums.yield(q, "connections", largestFirst(&q.Options, trafficMeasures()), (*traffic.Sum).Add, yield) && err != nil {
			yield(trafficTotal{}, err)
		}
	}
}

func trafficMeasures() []measure[traffic.Sum] {
	return []measure[traffic.Sum]{
		{nil, func(s *traffic.Sum) float64 { return s.SentRate.Or(0) + s.ReceivedRate.Or(0) }},
		{nil, func(s *traffic.Sum) float64 { return float64(s.SentBytes + s.ReceivedBytes) }},
		{nil, func(s *traffic.Sum) float64 { return float64(s.Connections + s.Ended) }},
		{[]string{"sentrate", "tx/s"}, func(s *traffic.Sum) float64 { return s.SentRate.Or(0) }},
		{[]string{"receivedrate", "rx/s"}, func(s *traffic.Sum) float64 { return s.ReceivedRate.Or(0) }},
		{[]string{"sentbytes", "sent"}, func(s *traffic.Sum) float64 { return float64(s.SentBytes) }},
		{[]string{"receivedbytes", "received"}, func(s *traffic.Sum) float64 { return float64(s.ReceivedBytes) }},
		{[]string{"retransmittedbytes"}, func(s *traffic.Sum) float64 { return float64(s.RetransmittedBytes) }},
		{[]string{"connections", "conns"}, func(s *traffic.Sum) float64 { return float64(s.Connections) }},
		{[]string{"ended"}, func(s *traffic.Sum) float64 { return float64(s.Ended) }},
		{[]string{"counted"}, func(s *traffic.Sum) float64 { return float64(s.Counted) }},
	}
}
