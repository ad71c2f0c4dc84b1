package netstat

import (
	"net/netip"
	"strings"
)

// flowMembers are what is made of a flow: members of its own for each of its tuples,
// and what follows from it, which is written and says nothing new when it is read.
func flowMembers() map[string][]madeMember {
	original := func(f *Flow) *FlowTuple { return &f.Original }
	return map[string][]madeMember{
		// Answers have the protocol and the ICMP message that answers have, unless
		// members of their own say otherwise.
		"Original": tupleMembers("", original, nil, func(f *Flow) {
			end := f.Reply
			f.Reply = f.Original.Invert()
			f.Reply.Source, f.Reply.Destination = end.Source, end.Destination
			f.Reply.SourcePort, f.Reply.DestinationPort = end.SourcePort, end.DestinationPort
		}),
		"Reply": tupleMembers("reply", func(f *Flow) *FlowTuple { return &f.Reply }, func(f *Flow) FlowTuple { return f.Original.Invert() }, nil),
		"": {
			derived("family", func(f *Flow) (Family, bool) { return f.Family(), f.Family() != 0 }),
			made("state", func(f *Flow) (string, bool) { return f.State(), f.State() != "" }, (*Flow).setState),
			derived("sourceNAT", func(f *Flow) (bool, bool) { return f.IsSourceNAT(), true }),
			derived("destinationNAT", func(f *Flow) (bool, bool) { return f.IsDestinationNAT(), true }),
			derived("packets", func(f *Flow) (uint64, bool) { return bothWays(f, func(c *FlowCounters) uint64 { return c.Packets }) }),
			derived("bytes", func(f *Flow) (uint64, bool) { return bothWays(f, func(c *FlowCounters) uint64 { return c.Bytes }) }),
		},
	}
}

// expectationMembers are what is made of an expectation.
func expectationMembers() map[string][]madeMember {
	tuple := func(x *Expectation) *FlowTuple { return &x.Tuple }
	return map[string][]madeMember{
		"Tuple":  tupleMembers("", tuple, nil, func(x *Expectation) { x.Mask.Protocol = x.Tuple.Protocol }),
		"Mask":   tupleMembers("mask", func(x *Expectation) *FlowTuple { return &x.Mask }, func(x *Expectation) FlowTuple { return FlowTuple{Protocol: x.Tuple.Protocol} }, nil),
		"Master": tupleMembers("master", func(x *Expectation) *FlowTuple { return &x.Master }, nil, func(*Expectation) {}),
		"":       {derived("family", func(x *Expectation) (Family, bool) { return x.Tuple.Family(), x.Tuple.Family() != 0 })},
	}
}

// derived is a member that follows from others, and changes nothing when it is read.
func derived[T, V any](name string, get func(*T) (V, bool)) madeMember {
	return made(name, get, func(*T, V) error { return nil })
}

// bothWays is the sum of what was counted in both directions.
func bothWays(f *Flow, of func(*FlowCounters) uint64) (sum uint64, known bool) {
	original, one := f.OriginalCounters.Get()
	reply, other := f.ReplyCounters.Get()
	return of(&original) + of(&reply), one && other
}

// setState sets the state of what the flow's protocol is, where no member has told
// more of it.
func (f *Flow) setState(name string) error {
	if f.TCP.IsKnown() || f.SCTP.IsKnown() || f.DCCP.IsKnown() {
		return nil
	}
	text := []byte(name)
	switch f.Original.Protocol {
	case IPProtocolTCP:
		var tcp FlowTCP
		if err := tcp.State.UnmarshalText(text); err != nil {
			return err
		}
		f.TCP.Set(tcp)
	case IPProtocolSCTP:
		var sctp FlowSCTP
		if err := sctp.State.UnmarshalText(text); err != nil {
			return err
		}
		f.SCTP.Set(sctp)
	case IPProtocolDCCP:
		var dccp FlowDCCP
		if err := dccp.State.UnmarshalText(text); err != nil {
			return err
		}
		f.DCCP.Set(dccp)
	}
	return nil
}

// tupleMembers are those of a tuple, with a prefix in front of their names. What like
// has as well is left out; without like, what the protocol has not. set is called
// when a member without an address or a port was read.
func tupleMembers[T any](prefix string, at func(*T) *FlowTuple, like func(*T) FlowTuple, set func(*T)) []madeMember {
	name := func(of string) string {
		switch {
		case prefix != "":
			return prefixed(prefix, strings.Replace(of, "icmp", "ICMP", 1))
		case of == "zone":
			return "originalZone" // the row has a zone
		}
		return of
	}
	if set == nil {
		set = func(*T) {}
	}
	address := func(member string, of func(*FlowTuple) *netip.Addr) madeMember {
		return made(name(member), func(row *T) (netip.Addr, bool) { return *of(at(row)), of(at(row)).IsValid() }, func(row *T, a netip.Addr) error {
			*of(at(row)) = a
			return nil
		})
	}
	port := func(member string, of func(*FlowTuple) *uint16) madeMember {
		return made(name(member), func(row *T) (uint16, bool) { return *of(at(row)), at(row).Protocol.HasPorts() || *of(at(row)) != 0 }, func(row *T, n uint16) error {
			*of(at(row)) = n
			return nil
		})
	}
	return []madeMember{
		tupleMember(name("protocol"), at, like, set, func(t *FlowTuple) *IPProtocol { return &t.Protocol }, func(*FlowTuple) bool { return true }),
		address("source", func(t *FlowTuple) *netip.Addr { return &t.Source }),
		address("destination", func(t *FlowTuple) *netip.Addr { return &t.Destination }),
		port("sourcePort", func(t *FlowTuple) *uint16 { return &t.SourcePort }),
		port("destinationPort", func(t *FlowTuple) *uint16 { return &t.DestinationPort }),
		tupleMember(name("icmpType"), at, like, set, func(t *FlowTuple) *uint8 { return &t.ICMPType }, (*FlowTuple).hasMessage),
		tupleMember(name("icmpCode"), at, like, set, func(t *FlowTuple) *uint8 { return &t.ICMPCode }, (*FlowTuple).hasMessage),
		tupleMember(name("icmpID"), at, like, set, func(t *FlowTuple) *uint16 { return &t.ICMPID }, (*FlowTuple).hasMessage),
		tupleMember(name("zone"), at, nil, nil, func(t *FlowTuple) *uint16 { return &t.Zone }, func(t *FlowTuple) bool { return t.Zone != 0 }),
	}
}

func (t *FlowTuple) hasMessage() bool {
	return t.Protocol.IsICMP() || t.ICMPType != 0 || t.ICMPCode != 0 || t.ICMPID != 0
}

// tupleMember is a number of a tuple.
func tupleMember[T any, N comparable](name string, at func(*T) *FlowTuple, like func(*T) FlowTuple, set func(*T), of func(*FlowTuple) *N, has func(*FlowTuple) bool) madeMember {
	return made(name, func(row *T) (N, bool) {
		n := *of(at(row))
		if like != nil {
			other := like(row)
			return n, n != *of(&other)
		}
		return n, has(at(row))
	}, func(row *T, n N) error {
		*of(at(row)) = n
		if set != nil {
			set(row)
		}
		return nil
	})
}
