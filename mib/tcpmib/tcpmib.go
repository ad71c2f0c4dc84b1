// Package tcpmib declares the TCP-MIB (RFC 4022) over netstat's sockets and TCP
// counters.
//
// A connection over IPv4 on an IPv6 socket (an IPv4-mapped address) is an IPv4
// connection here, as it is on the wire. A listener on an IPv6 socket's
// wildcard that accepts IPv4 as well has the address type unknown(0) and no
// address, as RFC 4022 has it for "both".
package tcpmib

import (
	"cmp"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/endpoint"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Identity is the MODULE-IDENTITY tcpMIB.
var Identity = mib.MustParseOID("1.3.6.1.2.1.49")

var tcp = mib.MustParseOID("1.3.6.1.2.1.6")

type (
	socket     = netstat.Socket
	statistics = netstat.TCPStatistics
	count      = *netstat.Optional[uint64]
	number     = *netstat.Optional[int32]
	duration   = *netstat.Optional[time.Duration]
)

func milliseconds(part func(*statistics) duration) mib.Field[statistics] {
	return mib.AsInteger(mib.Whole(mib.Maybe(part), time.Millisecond))
}

// Statistics are the scalars below tcp (RFC 4022, section 3).
func Statistics() *mib.Group[statistics] {
	return &mib.Group[statistics]{
		Name: "tcp",
		OID:  tcp,
		Objects: mib.Columns(
			mib.Column(1, "tcpRtoAlgorithm", mib.AsInteger(mib.Maybe(func(s *statistics) number { return &s.RTOAlgorithm }))),
			mib.Column(2, "tcpRtoMin", milliseconds(func(s *statistics) duration { return &s.RTOMin })),
			mib.Column(3, "tcpRtoMax", milliseconds(func(s *statistics) duration { return &s.RTOMax })),
			mib.Column(4, "tcpMaxConn", mib.AsInteger(mib.Maybe(func(s *statistics) number { return &s.MaxConn }))),
			mib.Column(5, "tcpActiveOpens", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.ActiveOpens }))),
			mib.Column(6, "tcpPassiveOpens", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.PassiveOpens }))),
			mib.Column(7, "tcpAttemptFails", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.AttemptFails }))),
			mib.Column(8, "tcpEstabResets", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.EstabResets }))),
			mib.Column(9, "tcpCurrEstab", mib.AsGauge(mib.Maybe(func(s *statistics) *netstat.Optional[uint32] { return &s.CurrEstab }))),
			mib.Column(10, "tcpInSegs", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.InSegs }))),
			mib.Column(11, "tcpOutSegs", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.OutSegs }))),
			mib.Column(12, "tcpRetransSegs", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.RetransSegs }))),
			mib.Column(14, "tcpInErrs", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.InErrs }))),
			mib.Column(15, "tcpOutRsts", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.OutRsts }))),
			mib.Column(17, "tcpHCInSegs", mib.AsCounter64(mib.Maybe(func(s *statistics) count { return &s.InSegs }))),
			mib.Column(18, "tcpHCOutSegs", mib.AsCounter64(mib.Maybe(func(s *statistics) count { return &s.OutSegs }))),
		),
	}
}

// states are the numbers of tcpConnectionState and tcpConnState. A request
// that has no socket of its own yet is a connection in synReceived.
var states = mib.Enum[netstat.State]{
	{Value: netstat.Close, Number: 1},
	{Value: netstat.Listen, Number: 2},
	{Value: netstat.SynSent, Number: 3},
	{Value: netstat.SynReceived, Number: 4},
	{Value: netstat.NewSynReceived, Number: 4},
	{Value: netstat.Established, Number: 5},
	{Value: netstat.FinWait1, Number: 6},
	{Value: netstat.FinWait2, Number: 7},
	{Value: netstat.CloseWait, Number: 8},
	{Value: netstat.LastAck, Number: 9},
	{Value: netstat.Closing, Number: 10},
	{Value: netstat.TimeWait, Number: 11},
	{Value: netstat.Close, Number: deleteTCB},
}

// deleteTCB is what a state can be set to, and no state.
const deleteTCB = 12

var state = mib.AsEnum(mib.At(func(s *socket) *netstat.State { return &s.State }), states).Within(deleteTCB, deleteTCB)

// Connections is tcpConnectionTable (RFC 4022, section 3): every TCP connection
// that is not listening; listeners stand in tcpListenerTable.
func Connections() *mib.Table[socket] {
	return &mib.Table[socket]{
		Name:  "tcpConnectionTable",
		Entry: tcp.Sub(19, 1),
		Index: mib.Index(
			mib.InetAddressIndex(endpoint.Local, nil), mib.IntegerIndex(endpoint.LocalPort),
			mib.InetAddressIndex(endpoint.Remote, nil), mib.IntegerIndex(endpoint.RemotePort),
		),
		Columns: mib.Columns(
			mib.Column(7, "tcpConnectionState", state).Writable(),
			mib.Column(8, "tcpConnectionProcess", mib.AsGauge(endpoint.Process)),
		),
		Where:   func(s *socket) bool { return s.Protocol == netstat.TCP && s.State != netstat.Listen },
		Implies: func(s *socket) { s.Protocol = netstat.TCP },
		Prefer:  preferAlive,
		Apart:   mib.Zoned,
	}
}

// Listeners is tcpListenerTable (RFC 4022, section 3). Sockets that share an
// address and port (SO_REUSEPORT) are one row, of the lowest process.
func Listeners() *mib.Table[socket] {
	return &mib.Table[socket]{
		Name:  "tcpListenerTable",
		Entry: tcp.Sub(20, 1),
		Index: mib.Index(mib.InetAddressIndex(endpoint.Bound, nil), mib.IntegerIndex(endpoint.LocalPort)),
		Columns: mib.Columns(
			mib.Column(4, "tcpListenerProcess", mib.AsGauge(endpoint.ProcessOrZero)),
		),
		Where:   func(s *socket) bool { return s.Protocol == netstat.TCP && s.State == netstat.Listen },
		Implies: func(s *socket) { s.Protocol, s.State = netstat.TCP, netstat.Listen },
		Prefer:  preferLowestProcess,
		Apart:   mib.Zoned,
	}
}

// IPv4Connections is the deprecated tcpConnTable: connections and listeners
// over IPv4. A listener that accepts both families stands in it at 0.0.0.0.
func IPv4Connections() *mib.Table[socket] {
	return &mib.Table[socket]{
		Name:  "tcpConnTable",
		Entry: tcp.Sub(13, 1),
		Index: mib.Index(
			mib.IPAddressIndex(endpoint.IPv4(endpoint.Local)), mib.IntegerIndex(endpoint.LocalPort),
			mib.IPAddressIndex(endpoint.IPv4(endpoint.Remote)), mib.IntegerIndex(endpoint.RemotePort),
		),
		Columns: mib.Columns(
			mib.Column(1, "tcpConnState", state).Writable(),
			mib.Column(2, "tcpConnLocalAddress", mib.AsIPAddress(endpoint.IPv4(endpoint.Local))),
			mib.Column(3, "tcpConnLocalPort", mib.AsInteger(endpoint.LocalPort)),
			mib.Column(4, "tcpConnRemAddress", mib.AsIPAddress(endpoint.IPv4(endpoint.Remote))),
			mib.Column(5, "tcpConnRemPort", mib.AsInteger(endpoint.RemotePort)),
		),
		Where: func(s *socket) bool {
			return s.Protocol == netstat.TCP && endpoint.ReachableByIPv4(s)
		},
		Implies: func(s *socket) { s.Protocol = netstat.TCP },
		Prefer:  preferAlive,
	}
}

// preferAlive puts a connection before the remains of an older one between the
// same ends, and an IPv4 socket before one of both families.
func preferAlive(a, b *socket) int {
	dead := func(s *socket) int {
		if s.State == netstat.TimeWait {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(dead(a), dead(b)), cmp.Compare(a.Family, b.Family), preferLowestProcess(a, b))
}

func preferLowestProcess(a, b *socket) int {
	first := func(s *socket) uint32 {
		if pid, known := endpoint.Process.Get(s); known && pid != 0 {
			return pid
		}
		return ^uint32(0)
	}
	return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(a.Inode.Or(0), b.Inode.Or(0)))
}
