package show

import (
	"math"
	"net/netip"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// lookedAt returns the fields that a filter, which may be nil, and an order look at.
func lookedAt(k filter.Fields, expr *filter.Expr, order string) (fields []int) {
	if expr != nil {
		expr.Walk(func(e *filter.Expr) { fields = append(fields, e.Fields...) })
	}
	for name := range strings.SplitSeq(order, ",") {
		fields = append(fields, k.Find(strings.TrimPrefix(strings.TrimSpace(name), "-"))...)
	}
	return fields
}

// flowQuery returns what of the options and the filter a source can look at itself:
// conditions that hold for every flow that is shown. They are applied to the rows
// nevertheless. The filter is of that kind of flows.
func (q *query) flowQuery(k *table.Kind[Row[TrackedFlow]]) netstat.FlowQuery {
	ask := netstat.FlowQuery{Families: q.families()}
	for _, p := range []struct {
		chosen   bool
		protocol netstat.IPProtocol
	}{
		{q.TCP, netstat.IPProtocolTCP}, {q.UDP, netstat.IPProtocolUDP}, {q.UDPLite, netstat.IPProtocolUDPLite}, {q.SCTP, netstat.IPProtocolSCTP},
	} {
		if p.chosen && !q.ICMP { // which are two
			if ask.Protocol.IsKnown() {
				ask.Protocol = netstat.Optional[netstat.IPProtocol]{}
				break
			}
			ask.Protocol.Set(p.protocol)
		}
	}
	narrowFlows(&ask, k, q.expr)
	return ask
}

// NarrowFlows adds to a query what a filter of flows, which may be nil, asks of each, as
// far as a query has a place for it that is empty. All of the filter is applied to the
// rows nevertheless.
func NarrowFlows(ask *netstat.FlowQuery, expr *filter.Expr) { narrowFlows(ask, flows(), expr) }

func narrowFlows(ask *netstat.FlowQuery, k *table.Kind[Row[TrackedFlow]], expr *filter.Expr) {
	if expr == nil {
		return
	}
	for _, e := range expr.Conjuncts() {
		narrowBy(ask, k, e, true)
	}
}

// narrowBy adds what a comparison, which must hold or must not, asks for.
func narrowBy(ask *netstat.FlowQuery, k *table.Kind[Row[TrackedFlow]], e *filter.Expr, holds bool) {
	if e.Op == filter.Not {
		narrowBy(ask, k, &e.Args[0], !holds)
		return
	}
	if e.Op != filter.Equal || len(e.Fields) != 1 || len(e.Values) != 1 {
		return
	}
	name, v := k.Fields[e.Fields[0]].Name, &e.Values[0]
	if name == "status" {
		if flag, known := netstat.ParseFlowStatus(v.Text); known && flag.String() == v.Text {
			bits := ask.Status.Or(netstat.Bits{})
			if bits.Mask&uint32(flag) != 0 {
				return
			}
			bits.Mask |= uint32(flag)
			if holds {
				bits.Value |= uint32(flag)
			}
			ask.Status.Set(bits)
		}
		return
	}
	if !holds {
		return
	}
	switch name {
	case "family":
		if len(ask.Families) == 0 {
			ask.Families = []netstat.Family{netstat.IPv4}
			if v.Text == netstat.IPv6.String() {
				ask.Families[0] = netstat.IPv6
			}
		}
	case "protocol":
		for p := range math.MaxUint8 + 1 {
			if p := netstat.IPProtocol(p); p.String() == v.Text && !ask.Protocol.IsKnown() {
				ask.Protocol.Set(p)
			}
		}
	case "mark":
		if n, ok := whole(v, math.MaxUint32); ok && !ask.Mark.IsKnown() {
			ask.Mark.Set(netstat.Bits{Value: uint32(n), Mask: math.MaxUint32})
		}
	case "zone":
		// Zone 0 of a query leaves out flows with a zone in one direction.
		if n, ok := whole(v, math.MaxUint16); ok && n != 0 && !ask.Zone.IsKnown() {
			ask.Zone.Set(uint16(n))
		}
	case "source":
		narrowTo(&ask.Original.Source, v)
	case "destination":
		narrowTo(&ask.Original.Destination, v)
	case "replySource":
		narrowTo(&ask.Reply.Source, v)
	case "replyDestination":
		narrowTo(&ask.Reply.Destination, v)
	case "sourcePort":
		narrowPort(&ask.Original.SourcePort, v)
	case "destinationPort":
		narrowPort(&ask.Original.DestinationPort, v)
	case "replySourcePort":
		narrowPort(&ask.Reply.SourcePort, v)
	case "replyDestinationPort":
		narrowPort(&ask.Reply.DestinationPort, v)
	}
}

// whole returns a literal that is an integer of at most that much.
func whole(l *filter.Literal, most uint64) (uint64, bool) {
	v := l.Value()
	if v.Type() != table.Integer || v.Float() < 0 || v.Uint() > most {
		return 0, false
	}
	return v.Uint(), true
}

func narrowTo(prefix *netip.Prefix, l *filter.Literal) {
	if !prefix.IsValid() && l.Zone() == "" && !l.Prefix.Addr().Is4In6() {
		*prefix = l.Prefix
	}
}

func narrowPort(port *netstat.Optional[uint16], l *filter.Literal) {
	if n, ok := whole(l, math.MaxUint16); ok && !port.IsKnown() {
		port.Set(uint16(n))
	}
}
