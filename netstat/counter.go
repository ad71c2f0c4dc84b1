package netstat

import (
	"context"
	"fmt"
	"iter"
	"strconv"
)

// CounterGroup is the protocol, or the part of the kernel, that a counter
// belongs to.
type CounterGroup string

// Groups of counters.
const (
	GroupIP       CounterGroup = "ip"       // IPv4: Ip and IpExt
	GroupIP6      CounterGroup = "ip6"      // IPv6: Ip6
	GroupICMP     CounterGroup = "icmp"     // Icmp and IcmpMsg
	GroupICMP6    CounterGroup = "icmp6"    // Icmp6
	GroupTCP      CounterGroup = "tcp"      // Tcp and TcpExt, which count IPv4 and IPv6 together
	GroupUDP      CounterGroup = "udp"      // over IPv4
	GroupUDP6     CounterGroup = "udp6"     // over IPv6
	GroupUDPLite  CounterGroup = "udplite"  // over IPv4
	GroupUDPLite6 CounterGroup = "udplite6" // over IPv6
	GroupMPTCP    CounterGroup = "mptcp"    // MPTcpExt
	GroupSCTP     CounterGroup = "sctp"
	GroupIPsec    CounterGroup = "ipsec"  // Xfrm
	GroupTLS      CounterGroup = "tls"    // the kernel's TLS
	GroupSocket   CounterGroup = "socket" // sockets in use and their memory

	GroupConntrack CounterGroup = "conntrack" // connection tracking
)

// CounterGroups returns every group, in the order of their declaration.
func CounterGroups() []CounterGroup {
	return []CounterGroup{
		GroupIP, GroupIP6, GroupICMP, GroupICMP6, GroupTCP, GroupUDP, GroupUDP6, GroupUDPLite, GroupUDPLite6,
		GroupMPTCP, GroupSCTP, GroupIPsec, GroupTLS, GroupConntrack, GroupSocket,
	}
}

// Number is a number as a kernel prints it: an unsigned one of 64 bits, or a
// negative one. Numbers are comparable; nothing is lost to floating point.
type Number struct {
	magnitude uint64
	negative  bool
}

// Unsigned returns n as a Number.
func Unsigned(n uint64) Number { return Number{magnitude: n} }

// Signed returns n as a Number.
func Signed(n int64) Number {
	if n < 0 {
		return Number{magnitude: -uint64(n), negative: true}
	}
	return Number{magnitude: uint64(n)}
}

// ParseNumber reads a decimal number from -2^63 to 2^64-1. The error is a
// *strconv.NumError.
func ParseNumber(s string) (Number, error) {
	if len(s) > 0 && s[0] == '-' {
		n, err := strconv.ParseInt(s, 10, 64)
		return Signed(n), err
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return Unsigned(n), err
}

// Uint64 returns the number and whether it is one that is not negative; a
// negative number returns 0 and false.
func (n Number) Uint64() (uint64, bool) {
	if n.negative {
		return 0, false
	}
	return n.magnitude, true
}

// Int64 returns the number and whether it is at most 2^63-1; a larger one
// returns 0 and false.
func (n Number) Int64() (int64, bool) {
	if n.negative {
		return -int64(n.magnitude), true
	}
	if n.magnitude > 1<<63-1 {
		return 0, false
	}
	return int64(n.magnitude), true
}

// String returns the number in decimal.
func (n Number) String() string {
	s := strconv.FormatUint(n.magnitude, 10)
	if n.negative {
		return "-" + s
	}
	return s
}

// MarshalJSON writes the number as a JSON number with all its digits.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalJSON reads an integer that ParseNumber accepts. Null is none.
func (n *Number) UnmarshalJSON(b []byte) error {
	var err error
	*n, err = ParseNumber(string(b))
	return err
}

// CounterKind says how a value moves.
type CounterKind uint8

// Kinds of counters.
const (
	// Cumulative values count events or amounts since the namespace was made,
	// and only grow.
	Cumulative CounterKind = iota
	// Gauge values are a current number or amount, and fall, too.
	Gauge
	// Setting values are configuration, or constants of the implementation.
	Setting
)

func (k CounterKind) String() string {
	switch k {
	case Cumulative:
		return "counter"
	case Gauge:
		return "gauge"
	case Setting:
		return "setting"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Unit is what a counter counts.
type Unit string

// Units of counters.
const (
	UnitPackets      Unit = "packets" // IP packets, segments of fragmentation included
	UnitMessages     Unit = "messages"
	UnitDatagrams    Unit = "datagrams"
	UnitSegments     Unit = "segments"
	UnitOctets       Unit = "octets"
	UnitPages        Unit = "pages" // of the kernel's memory
	UnitSockets      Unit = "sockets"
	UnitConnections  Unit = "connections"
	UnitMilliseconds Unit = "milliseconds"
	UnitHops         Unit = "hops"
	UnitEvents       Unit = "events" // occurrences of what the name says
	UnitNone         Unit = ""       // a code or a flag
)

// Counter is a value that a kernel keeps under a name of its own.
type Counter struct {
	// Name is the kernel's: the prefix of the line and the column, as nstat(8)
	// has it ("TcpExtTCPTimeouts", "Ip6InReceives", "XfrmInNoStates"); of the
	// files sockstat and sockstat6 with an underscore between ("TCP_inuse").
	Name  string
	Group CounterGroup
	Value Number
	// Narrow says that the source has 32 bits of a cumulative counter, as
	// SNMP's Counter32: after 4,294,967,295 it goes on from 0, perhaps more than
	// once.
	Narrow bool `json:",omitzero"`
}

// CounterReader reads every counter that a stack keeps of its protocols.
type CounterReader interface {
	// Counters yields the counters of the groups given, of all that the source
	// has where none is given, each group's in the order of the source. A
	// group that was named and that the source lacks yields an error that
	// matches ErrNotSupported.
	Counters(ctx context.Context, groups ...CounterGroup) iter.Seq2[Counter, error]
}

// InterfaceCounter is a counter that a protocol keeps for one interface.
type InterfaceCounter struct {
	Interface uint32 `json:"interfaceIndex"` // index
	Counter
}

// InterfaceCounterReader reads the counters that protocols keep for each
// interface.
// Errors of its method are as for [Stack].
type InterfaceCounterReader interface {
	// InterfaceCounters yields the IPv6 and ICMPv6 counters of every interface
	// that has IPv6. Names are those of the same counters of the whole stack.
	InterfaceCounters(ctx context.Context) iter.Seq2[InterfaceCounter, error]
}
