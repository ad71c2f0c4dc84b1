package netstat

import (
	"fmt"
	"net/netip"
	"testing"
	"unsafe"
)

func TestNamesOfSockets(t *testing.T) {
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{TCP, "tcp"},
		{UDPLite, "udplite"},
		{Raw, "raw"},
		{ICMP, "icmp"},
		{MPTCP, "mptcp"},
		{SCTP, "sctp"},
		{Protocol(300), "protocol 300"},
		{Established, "ESTABLISHED"},
		{Bound, "BOUND"},
		{ShutdownAckSent, "SHUTDOWN-ACK-SENT"},
		{State(19), "state 19"},
		{TimerProbe, "persist"},
		{Timer(9), "timer 9"},
		{SocketTransparent | SocketFreeBind, "freebind,transparent"},
		{SocketFlags(1<<15 | 1), "recverr,0x8000"},
		{ShutdownReceive | ShutdownSend, "receive,send"},
		{Shutdown(0), ""},
		{SocketSeqPacket, "seqpacket"},
		{SocketType(9), "type 9"},
		{TCPOptionTimestamps | TCPOptionSACK | TCPOptionWindowScale, "ts,sack,wscale"},
		{CongestionRecovery, "recovery"},
		{CongestionState(7), "congestion state 7"},
		{TLSHardwareRecord, "hw-record"},
		{SubflowCapableRemote | SubflowCapableLocal | SubflowFullyEstablished, "Mme"},
		{PacketRunning | PacketLoss, "running,loss"},
		{PacketFanout{Group: 1, Mode: 0x1003}, "rollover"},
		{NetlinkProtocol(15), "uevent"},
		{NetlinkProtocol(17), "netlink protocol 17"},
		{NetlinkDumping | NetlinkCapAck, "cb_running,cap_ack"},
		{VsockAddress{CID: VsockAny, Port: 22}, "*:22"},
		{SMCAppFinCloseWait, "APPFINCLOSEWAIT"},
		{SMCState(3), "state 3"},
		{SMCDirect, "SMCD"},
	} {
		if got := c.value.String(); got != c.want {
			t.Errorf("%T is %q, want %q", c.value, got, c.want)
		}
	}
}

func TestListeners(t *testing.T) {
	wildcard := netip.MustParseAddrPort("0.0.0.0:0")
	peer := netip.MustParseAddrPort("192.0.2.1:9")
	for _, c := range []struct {
		socket Socket
		want   bool
	}{
		{Socket{Protocol: TCP, State: Listen, Remote: wildcard}, true},
		{Socket{Protocol: TCP, State: Bound, Remote: wildcard}, false},
		{Socket{Protocol: MPTCP, State: Listen, Remote: wildcard}, true},
		{Socket{Protocol: SCTP, State: Established, Remote: peer}, false},
		{Socket{Protocol: UDP, State: Close, Remote: wildcard}, true},
		{Socket{Protocol: UDP, State: Established, Remote: peer}, false},
		{Socket{Protocol: Raw, State: Close, Remote: wildcard}, true},
		{Socket{Protocol: Raw, State: Established, Remote: netip.MustParseAddrPort("192.0.2.1:0")}, false},
	} {
		if got := c.socket.IsListener(); got != c.want {
			t.Errorf("%v %v to %v: %v, want %v", c.socket.Protocol, c.socket.State, c.socket.Remote, got, c.want)
		}
	}
}

func TestSocketFilter(t *testing.T) {
	socket := func(local, remote string) *Socket {
		return &Socket{Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote), Interface: Known[uint32](3)}
	}
	mapped := socket("[::ffff:192.0.2.1]:80", "[::ffff:198.51.100.7]:40000")
	zoned := socket("[fe80::1%3]:22", "[fe80::2%3]:50000")
	prefix := netip.MustParsePrefix
	for _, c := range []struct {
		filter SocketFilter
		socket *Socket
		want   bool
	}{
		{SocketFilter{}, mapped, true},
		{SocketFilter{Local: prefix("192.0.2.0/24")}, mapped, true},
		{SocketFilter{Local: prefix("198.51.100.0/24")}, mapped, false},
		{SocketFilter{Address: prefix("198.51.100.0/24")}, mapped, true},
		{SocketFilter{Local: prefix("::/0")}, mapped, true},
		{SocketFilter{Local: prefix("0.0.0.0/0")}, zoned, false},
		{SocketFilter{Remote: prefix("fe80::/64")}, zoned, true},
		{SocketFilter{Local: netip.PrefixFrom(netip.MustParseAddr("::"), 200)}, zoned, false},
		{SocketFilter{LocalPorts: PortRange{First: 80, Last: 80}}, mapped, true},
		{SocketFilter{LocalPorts: PortRange{First: 81, Last: 40000}}, mapped, false},
		{SocketFilter{Ports: PortRange{First: 81, Last: 40000}}, mapped, true},
		{SocketFilter{Ports: PortRange{First: 9, Last: 1}}, mapped, false},
		{SocketFilter{RemotePorts: PortRange{First: 0, Last: 40000}}, mapped, true},
		{SocketFilter{Interface: 3}, mapped, true},
		{SocketFilter{Interface: 2}, mapped, false},
	} {
		if got := c.filter.MatchesEnds(c.socket); got != c.want {
			t.Errorf("%v to %v in %+v: %v, want %v", c.socket.Local, c.socket.Remote, c.filter, got, c.want)
		}
	}
}

// A plain row stays small: 50,000 of them are on their way at once in a view.
func TestSocketIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Socket{}); unsafe.Sizeof(uintptr(0)) == 8 && size > 200 {
		t.Errorf("a Socket takes %d bytes", size)
	}
}
