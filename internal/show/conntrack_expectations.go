package show

import (
	"context"
	"iter"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Expectations is the table of the flows that helpers expect.
func Expectations() Table {
	type expectation = netstat.Expectation
	field := fieldOf[expectation]
	k := &kind[expectation]{
		title:   "Flows that helpers expect",
		what:    "expectations",
		columns: expectationColumns,
		read: func(ctx context.Context, q *query) iter.Seq2[expectation, error] {
			r, ok := q.src.Stack.(netstat.ExpectationReader)
			if !ok {
				return failed[expectation](netstat.ErrNotSupported)
			}
			return r.Expectations(ctx, q.families()...)
		},
		inFamily: func(x *expectation, family netstat.Family) bool { return x.Tuple.Family() == family },
		keep:     func(q *query, x *expectation) bool { return q.choosesProtocol(x.Tuple.Protocol) },
		lookUp: func(s *Session, r *Row[expectation]) {
			if !s.numericHosts() {
				for _, a := range []netip.Addr{r.v.Tuple.Source, r.v.Tuple.Destination, r.v.Master.Source, r.v.Master.Destination} {
					s.resolver.StartHost(a)
				}
			}
		},
	}
	fields := []table.Field[Row[expectation]]{
		familyField(func(x *expectation) netstat.Family { return x.Tuple.Family() }),
		field("protocol", table.String, "`tcp`, `udp`, ..., or the number of another one", func(x *expectation) table.Value { return table.Text(x.Tuple.Protocol.String()) }),
		field("timeout", table.Duration, "seconds until it goes", func(x *expectation) table.Value { return secondsValue(x.Timeout) }),
	}
	fields = append(fields, tupleFields("", "of the flow that is expected", func(x *expectation) *netstat.FlowTuple { return &x.Tuple })...)
	fields = append(fields, tupleFields("mask", "as a mask: which of its bits count", func(x *expectation) *netstat.FlowTuple { return &x.Mask })...)
	fields = append(fields, field("masterProtocol", table.String, "protocol of the flow that it is expected of", func(x *expectation) table.Value {
		return table.Text(x.Master.Protocol.String())
	}))
	fields = append(fields, tupleFields("master", "of the flow that it is expected of", func(x *expectation) *netstat.FlowTuple { return &x.Master })...)
	fields = append(fields,
		field("zone", table.Integer, "zone, 0 for the default one", func(x *expectation) table.Value { return table.Uint(x.Zone) }),
		field("flags", table.Strings, "flags that are set: `PERMANENT`, `INACTIVE`, `USERSPACE`", func(x *expectation) table.Value { return table.Words(x.Flags.Names()) }),
		field("class", table.Integer, "which of the helper's kinds of expectations it is", func(x *expectation) table.Value { return table.Uint(x.Class) }),
		field("helper", table.String, "name of the helper", func(x *expectation) table.Value { return table.Text(x.Helper) }),
		field("function", table.String, "name of what is called when the flow comes", func(x *expectation) table.Value { return table.Text(x.Function) }),
		field("id", table.Integer, "its number", func(x *expectation) table.Value { return uintValue(x.ID) }),
	)
	k.Kind = newKind("expectation", "a flow that a helper expects because of what went through another one", fields...)
	k.Aliases = map[string][]string{
		"addr": {"source", "destination"}, "src": {"source"}, "dst": {"destination"}, "port": {"sourcePort", "destinationPort"},
		"sport": {"sourcePort"}, "dport": {"destinationPort"}, "proto": {"protocol"},
	}
	return k
}

// ExpectationEvents is the kind of what happens to expectations.
func ExpectationEvents() *table.Kind[Row[netstat.Expectation]] {
	return eventKind(KindOf[netstat.Expectation](Expectations()), "expectationEvent", "what happened to a flow that a helper expects: a line of `conntrack -E expect --json`",
		[]string{"new", "destroy"}, "host")
}

func expectationColumns(s *Session) []table.Column[Row[netstat.Expectation]] {
	type row = Row[netstat.Expectation]
	const width = 23
	// What does not count of an end is a star.
	expected := func(b []byte, r *row, a, mask netip.Addr, port, portMask uint16) []byte {
		if mask.IsValid() && mask.IsUnspecified() {
			b = append(b, '*')
		} else {
			b = s.appendAddress(b, r.from, a)
			if bits := maskBits(mask); bits >= 0 && bits < a.BitLen() {
				b = strconv.AppendInt(append(b, '/'), int64(bits), 10)
			}
		}
		if !r.v.Tuple.Protocol.HasPorts() {
			return b
		}
		if portMask == 0 {
			return append(b, ":*"...)
		}
		b = strconv.AppendUint(append(b, ':'), uint64(port), 10)
		if portMask != math.MaxUint16 {
			b = strconv.AppendUint(append(b, "/0x"...), uint64(portMask), 16)
		}
		return b
	}
	return []table.Column[row]{
		columnOf("Proto", 5, false, func(b []byte, x *netstat.Expectation) []byte { return append(b, x.Tuple.Protocol.String()...) }),
		{Heading: "Source", Width: width, Append: func(b []byte, r *row) []byte {
			return expected(b, r, r.v.Tuple.Source, r.v.Mask.Source, r.v.Tuple.SourcePort, r.v.Mask.SourcePort)
		}},
		{Heading: "Destination", Width: width, Append: func(b []byte, r *row) []byte {
			return expected(b, r, r.v.Tuple.Destination, r.v.Mask.Destination, r.v.Tuple.DestinationPort, r.v.Mask.DestinationPort)
		}},
		columnOf("Timeout", 7, true, func(b []byte, x *netstat.Expectation) []byte {
			d, known := x.Timeout.Get()
			if !known {
				return append(b, '-')
			}
			return strconv.AppendInt(b, int64(d/time.Second), 10)
		}),
		columnOf("Helper", 6, false, func(b []byte, x *netstat.Expectation) []byte { return appendWord(b, x.Helper) }),
		{Heading: "Master", Width: width, Append: func(b []byte, r *row) []byte {
			m := &r.v.Master
			b = s.appendTupleEnd(b, r.from, m, m.Source, m.SourcePort)
			return s.appendTupleEnd(append(b, '>'), r.from, m, m.Destination, m.DestinationPort)
		}},
		columnOf("Options", 0, false, func(b []byte, x *netstat.Expectation) []byte {
			parts := x.Flags.Names()
			if x.Zone != 0 {
				parts = append(parts, "zone="+strconv.Itoa(int(x.Zone)))
			}
			return appendWord(b, strings.Join(parts, " "))
		}),
	}
}

// maskBits is the length of the prefix that a mask is, -1 for one that is none.
func maskBits(mask netip.Addr) int {
	bits, ended := 0, false
	for _, octet := range mask.AsSlice() {
		for i := 7; i >= 0; i-- {
			switch set := octet&(1<<i) != 0; {
			case set && ended:
				return -1
			case set:
				bits++
			default:
				ended = true
			}
		}
	}
	return bits
}

var expectationWords = inWords[netstat.Expectation]{netstat.KindExpectation, func(w *words, x, _ *netstat.Expectation) {
	w.tuple(&x.Tuple)
	w.add("master")
	w.tuple(&x.Master)
	if timeout, known := x.Timeout.Get(); known {
		w.add("timeout %d", timeout/time.Second)
	}
	if x.Helper != "" {
		w.add("helper %s", escaped(x.Helper))
	}
	for _, flag := range x.Flags.Names() {
		w.add("%s", flag)
	}
	w.number("zone", uint32(x.Zone))
	w.number("id", x.ID.Or(0))
}}
