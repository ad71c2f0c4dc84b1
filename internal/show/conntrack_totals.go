package show

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// MostTotals is how many totals there may be before flows with still another key count
// among the others.
const MostTotals = 1 << 18

// defaultTop is how many totals are shown unless something else is asked for.
const defaultTop = 100

// flowTotal is what flows with one key have together.
type flowTotal struct {
	by     string // the key as it was asked for
	key    string // empty where flows do not tell
	addr   netip.Addr
	others bool // what flows of every key have that is not shown
	flows  uint64
	// counted is of how many flows packets and bytes are known.
	counted, packets, bytes uint64
}

func (t *flowTotal) add(o *flowTotal) {
	t.flows, t.counted, t.packets, t.bytes = t.flows+o.flows, t.counted+o.counted, t.packets+o.packets, t.bytes+o.bytes
}

// flowKey is what totals are made by: the values of fields of flows, of addresses
// the first bits.
type flowKey struct {
	fields       []int
	bits4, bits6 int // -1 for whole addresses
}

// CheckBy says what is wrong with a key of totals.
func CheckBy(text string) error {
	_, err := parseFlowKey(text)
	return err
}

func parseFlowKey(text string) (k flowKey, err error) {
	name, lengths, network := strings.Cut(text, "/")
	if k.fields = flows().Find(name); len(k.fields) == 0 {
		return k, fmt.Errorf("--by: %w", &table.UnknownFieldError{Kind: flows().Name, Name: name, Known: flows().Names()})
	}
	k.bits4, k.bits6 = -1, -1
	if !network {
		return k, nil
	}
	if slices.ContainsFunc(k.fields, func(i int) bool { return flows().Fields[i].Type != table.Address }) {
		return k, fmt.Errorf("--by: %s is no address, of which /%s could be the network", name, lengths)
	}
	four, six, both := strings.Cut(lengths, "/")
	if !both {
		six = "64"
	}
	for _, length := range []struct {
		text string
		most int
		into *int
	}{{four, 32, &k.bits4}, {six, 128, &k.bits6}} {
		n, err := strconv.ParseUint(length.text, 10, 8)
		if err != nil || int(n) > length.most {
			return k, fmt.Errorf("--by: %q is no length of a prefix: /BITS is of IPv4's addresses, /BITS/BITS of IPv4's and IPv6's", length.text)
		}
		*length.into = int(n)
	}
	return k, nil
}

// each calls f with every key of a flow, each once.
func (k *flowKey) each(r *Row[TrackedFlow], f func(key []byte, a netip.Addr)) {
	var seen []string
	one := func(text []byte, a netip.Addr) {
		if len(k.fields) > 1 {
			if slices.Contains(seen, string(text)) {
				return
			}
			seen = append(seen, string(text))
		}
		f(text, a)
	}
	var buffer [64]byte
	told := false
	for _, field := range k.fields {
		v := flows().Fields[field].Value(r)
		switch v.Type() {
		case 0:
			continue
		case table.Address:
			if a := v.Addr(); k.bits4 < 0 {
				one(v.AppendText(buffer[:0]), a)
			} else {
				bits := k.bits4
				if a.Is6() {
					bits = k.bits6
				}
				p, _ := a.Prefix(bits) // its length was looked at
				one(p.AppendTo(buffer[:0]), netip.Addr{})
			}
		case table.Strings:
			for _, s := range v.Strings() {
				one([]byte(s), netip.Addr{})
			}
		case table.Objects:
			if len(v.Objects()) == 0 {
				continue
			}
			for _, process := range v.Objects() {
				v := table.List([]table.Object{process[:2]})
				one(v.AppendText(buffer[:0]), netip.Addr{})
			}
		default:
			one(v.AppendText(buffer[:0]), netip.Addr{})
		}
		told = true
	}
	if !told {
		one(nil, netip.Addr{})
	}
}

// FlowTotals is the table of what flows have together by the key that Options.By names.
// A filter is of flows.
func FlowTotals() Table {
	field := fieldOf[flowTotal]
	k := &kind[flowTotal]{
		titled:  func(o *Options) string { return "Flows of connection tracking by " + o.By },
		what:    "flows",
		filters: flows(),
		columns: flowTotalColumns,
		read:    readTotals,
		lookUp: func(s *Session, r *Row[flowTotal]) {
			if r.v.addr.IsValid() && !s.numericHosts() {
				s.resolver.StartHost(r.v.addr)
			}
		},
	}
	k.Kind = newKind("flowTotal", "what flows of connection tracking have together",
		field("by", table.String, "what they have in common, as `--by` names it", func(t *flowTotal) table.Value { return table.Text(t.by) }),
		field("key", table.String, "its value; absent of flows that do not tell", func(t *flowTotal) table.Value { return table.Text(t.key) }),
		field("others", table.Boolean, "true in the row of all that `--top` leaves out; absent otherwise", func(t *flowTotal) table.Value { return ifSet(t.others, table.Bool(true)) }),
		field("flows", table.Integer, "how many", func(t *flowTotal) table.Value { return table.Uint(t.flows) }),
		field("counted", table.Integer, "of how many of them packets and bytes are known: of those that began while accounting was on", func(t *flowTotal) table.Value { return table.Uint(t.counted) }),
		field("packets", table.Integer, "packets of those, of both directions", func(t *flowTotal) table.Value { return ifSet(t.counted > 0, table.Uint(t.packets)) }),
		field("bytes", table.Integer, "bytes of those, of both directions, from the IP header on", func(t *flowTotal) table.Value { return ifSet(t.counted > 0, table.Uint(t.bytes)) }),
	)
	return k
}

func flowTotalColumns(s *Session) []table.Column[Row[flowTotal]] {
	return []table.Column[Row[flowTotal]]{
		columnOf("Key", 23, false, func(b []byte, t *flowTotal) []byte {
			switch {
			case t.others:
				return append(b, "(others)"...)
			case t.addr.IsValid():
				return s.appendAddress(b, nil, t.addr)
			}
			return appendWord(b, t.key)
		}),
		columnOf("Flows", 8, true, func(b []byte, t *flowTotal) []byte { return s.appendCount(b, t.flows) }),
		columnOf("Packets", 10, true, func(b []byte, t *flowTotal) []byte {
			if t.counted == 0 {
				return append(b, '-')
			}
			return s.appendCount(b, t.packets)
		}),
		columnOf("Bytes", 12, true, func(b []byte, t *flowTotal) []byte {
			if t.counted == 0 {
				return append(b, '-')
			}
			return s.appendBytes(b, t.bytes)
		}),
	}
}

// readTotals makes the totals of the query's stack, the largest first.
func readTotals(ctx context.Context, q *query) iter.Seq2[flowTotal, error] {
	key, err := parseFlowKey(q.By)
	if err != nil {
		return failed[flowTotal](err)
	}
	parts, err := flowParts(ctx, q, namesProcesses(append(lookedAt(flows(), q.expr, ""), key.fields...)))
	if err != nil {
		return failed[flowTotal](err)
	}
	return func(yield func(flowTotal, error) bool) {
		totals := make(map[string]*flowTotal)
		others := flowTotal{by: q.By, others: true}
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
				r.v = f
				if q.expr != nil && !q.expr.Match(func(field int) table.Value { return flows().Fields[field].Value(&r) }) {
					continue
				}
				of := flowTotal{flows: 1}
				packets, bytes := sumValue(packetsValue(f.OriginalCounters), packetsValue(f.ReplyCounters)), sumValue(octetsValue(f.OriginalCounters), octetsValue(f.ReplyCounters))
				if packets.IsKnown() {
					of.counted, of.packets, of.bytes = 1, packets.Uint(), bytes.Uint()
				}
				key.each(&r, func(text []byte, a netip.Addr) {
					t := totals[string(text)]
					switch {
					case t != nil:
					case len(totals) < MostTotals:
						t = &flowTotal{by: q.By, key: string(text), addr: a}
						totals[t.key] = t
					default:
						q.note(fmt.Sprintf("(There are more than %d keys: flows of further ones are among the others.)", MostTotals))
						t = &others
					}
					t.add(&of)
				})
			}
		}
		largest := make([]*flowTotal, 0, len(totals))
		for _, t := range totals {
			largest = append(largest, t)
		}
		slices.SortFunc(largest, q.largerFirst)
		for _, t := range largest[min(len(largest), q.top()):] {
			others.add(t)
		}
		for _, t := range largest[:min(len(largest), q.top())] {
			if !yield(*t, nil) {
				return
			}
		}
		if others.flows > 0 {
			yield(others, nil)
		}
	}
}

func (o *Options) top() int { return cmp.Or(int(o.Top), defaultTop) }

// largerFirst compares totals by what they are to be sorted by, or else by bytes.
func (o *Options) largerFirst(a, b *flowTotal) int {
	first, _, _ := strings.Cut(o.Sort, ",")
	by := []int{cmp.Compare(b.bytes, a.bytes), cmp.Compare(b.flows, a.flows)}
	switch strings.ToLower(strings.TrimLeft(first, " -")) {
	case "flows":
		slices.Reverse(by)
	case "packets":
		by[0] = cmp.Compare(b.packets, a.packets)
	}
	return cmp.Or(by[0], by[1], strings.Compare(a.key, b.key))
}
