package collectors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// getsockopt returns as many bytes of an option as the kernel has.
func getsockopt(t *testing.T, fd, level, option int) []byte {
	t.Helper()
	b := make([]byte, 1024)
	length := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		t.Fatalf("getsockopt %d, %d: %v", level, option, errno)
	}
	return b[:length]
}

// descriptor returns the descriptor of a connection, which stays its own.
func descriptor(t *testing.T, c any) (fd int) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(f uintptr) { fd = int(f) }))
	return fd
}

// talk makes a connection in the namespace that has carried data both ways, and
// returns its client's descriptor and address.
func talk(t *testing.T, n *nstest.NS, address string) (fd int, local netip.AddrPort) {
	t.Helper()
	l := n.Listen(t, "tcp", address)
	client := n.Dial(t, "tcp", l.Addr().String())
	server, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { server.Close() })
	block := make([]byte, 50_000)
	for range 5 {
		_, err := client.Write(block)
		must(t, err)
		_, err = io.ReadFull(server, block)
		must(t, err)
		_, err = server.Write(block[:1000])
		must(t, err)
		_, err = io.ReadFull(client, block[:1000])
		must(t, err)
	}
	return descriptor(t, client), netip.MustParseAddrPort(client.LocalAddr().String())
}

func oneSocket(t *testing.T, k *Kernel, protocol netstat.Protocol, local netip.AddrPort) netstat.Socket {
	t.Helper()
	query := netstat.SocketQuery{
		Protocols: []netstat.Protocol{protocol},
		Details:   netstat.AllDetails,
		Filter:    netstat.SocketFilter{LocalPorts: netstat.PortRange{First: local.Port(), Last: local.Port()}},
	}
	all := sockets(t, k, query)
	if len(all) != 1 {
		t.Fatalf("%d sockets of %v at %v, want one", len(all), protocol, local)
	}
	return all[0]
}

// TestTCPInfoAgreesWithGetsockopt compares what sock_diag tells of a connection
// with what the connection's own process is told, in the layout that
// golang.org/x/sys/unix has.
func TestTCPInfoAgreesWithGetsockopt(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	fd, local := talk(t, n, "127.0.0.1:0")

	for end := time.Now().Add(nstest.Patience); ; {
		before := getsockopt(t, fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		s := oneSocket(t, k, netstat.TCP, local)
		after := getsockopt(t, fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		// What was last done is longer ago every millisecond.
		for _, b := range [][]byte{before, after} {
			clear(b[44:60])
		}
		if string(before) != string(after) {
			if time.Now().After(end) {
				t.Fatal("the connection does not settle")
			}
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if len(after) > sizeofTCPInfo {
			t.Errorf("this kernel tells %d bytes of struct tcp_info, known here are %d", len(after), sizeofTCPInfo)
		}
		var want unix.TCPInfo
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&want)), unsafe.Sizeof(want)), after)
		if s.Detail == nil || s.Detail.TCP == nil {
			t.Fatalf("no TCP information: %+v", s.Detail)
		}
		compareTCPInfo(t, s.Detail.TCP, &want, len(after))
		return
	}
}

func compareTCPInfo(t *testing.T, got *netstat.TCPInfo, want *unix.TCPInfo, length int) {
	t.Helper()
	for name, field := range map[string]string{
		"State": "State", "CongestionState": "Ca_state", "Retransmits": "Retransmits", "Probes": "Probes", "Backoff": "Backoff",
		"Options": "Options", "RTO": "Rto", "ATO": "Ato", "SendMSS": "Snd_mss", "ReceiveMSS": "Rcv_mss",
		"Unacknowledged": "Unacked", "Sacked": "Sacked", "Lost": "Lost", "Retransmitted": "Retrans",
		"PathMTU": "Pmtu", "ReceiveSlowStart": "Rcv_ssthresh", "RTT": "Rtt", "RTTVariation": "Rttvar",
		"SlowStartThreshold": "Snd_ssthresh", "CongestionWindow": "Snd_cwnd", "AdvertisedMSS": "Advmss", "Reordering": "Reordering",
		"ReceiveRTT": "Rcv_rtt", "ReceiveSpace": "Rcv_space", "TotalRetransmits": "Total_retrans",
		"PacingRate": "Pacing_rate", "MaxPacingRate": "Max_pacing_rate", "BytesAcknowledged": "Bytes_acked",
		"BytesReceived": "Bytes_received", "SegmentsSent": "Segs_out", "SegmentsReceived": "Segs_in", "NotSent": "Notsent_bytes",
		"MinRTT": "Min_rtt", "DataSegmentsReceived": "Data_segs_in", "DataSegmentsSent": "Data_segs_out",
		"DeliveryRate": "Delivery_rate", "BusyTime": "Busy_time", "ReceiveWindowLimited": "Rwnd_limited",
		"SendBufferLimited": "Sndbuf_limited", "Delivered": "Delivered", "DeliveredCE": "Delivered_ce", "BytesSent": "Bytes_sent",
		"BytesRetransmitted": "Bytes_retrans", "DSACKDuplicates": "Dsack_dups", "ReorderingSeen": "Reord_seen",
		"OutOfOrder": "Rcv_ooopack", "SendWindow": "Snd_wnd", "ReceiveWindow": "Rcv_wnd", "Rehash": "Rehash",
		"TotalRTO": "Total_rto", "TotalRTORecoveries": "Total_rto_recoveries", "TotalRTOTime": "Total_rto_time",
	} {
		f, ok := reflect.TypeFor[unix.TCPInfo]().FieldByName(field)
		if !ok {
			t.Errorf("golang.org/x/sys/unix has no TCPInfo.%s", field)
			continue
		}
		g := reflect.ValueOf(got).Elem().FieldByName(name)
		known := true
		if get := g.Addr().MethodByName("Get"); get.IsValid() {
			results := get.Call(nil)
			g, known = results[0], results[1].Bool()
		}
		if int(f.Offset+f.Type.Size()) > length {
			if known {
				t.Errorf("%s is known, though the kernel does not tell it", name)
			}
			continue
		}
		expect := fmt.Sprint(reflect.ValueOf(want).Elem().FieldByIndex(f.Index).Uint())
		var have string
		switch v := g.Interface().(type) {
		case time.Duration:
			unit := time.Microsecond
			if name == "TotalRTOTime" {
				unit = time.Millisecond
			}
			have = fmt.Sprint(int64(v / unit))
		default:
			have = fmt.Sprint(g.Uint())
		}
		if !known || have != expect {
			t.Errorf("%s is %s (known: %v), want %s", name, have, known, expect)
		}
	}
	if got.BytesSent.Or(0) == 0 || got.BytesReceived.Or(0) == 0 || got.RTT == 0 {
		t.Errorf("a connection that carried data: %+v", got)
	}
}

// TestTCPInfoOfAnyLength cuts the structure where kernels ended it, and lets it
// go on beyond what is known.
func TestTCPInfoOfAnyLength(t *testing.T) {
	full := make([]byte, sizeofTCPInfo+40)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(full)
	full[0] = byte(netstat.Established)
	parse := func(b []byte) (*netstat.TCPInfo, error) {
		var r attributeReader
		return r.tcpInfo(nlAttr{value: b}, nil), r.error()
	}
	for length := range len(full) + 1 {
		got, err := parse(full[:length])
		if length < sizeofTCPInfoLeast {
			if err == nil {
				t.Errorf("%d bytes: no error", length)
			}
			continue
		}
		must(t, err)
		for name, end := range map[string]struct {
			end   int
			known bool
		}{
			"PacingRate": {112, got.PacingRate.IsKnown()}, "SegmentsReceived": {144, got.SegmentsReceived.IsKnown()},
			"DeliveryRate": {168, got.DeliveryRate.IsKnown()}, "SendWindow": {232, got.SendWindow.IsKnown()},
			"TotalRTO": {242, got.TotalRTO.IsKnown()}, "TotalRTOTime": {248, got.TotalRTOTime.IsKnown()},
			"AccurateECNOptionSeen": {280, got.AccurateECNOptionSeen.IsKnown()},
		} {
			if end.known != (length >= end.end) {
				t.Errorf("%d bytes: %s known: %v", length, name, end.known)
			}
		}
		if last := binary.NativeEndian.Uint16(full[278:]); length >= sizeofTCPInfo && got.AccurateECNOptionSeen != netstat.Known(last) {
			t.Errorf("%d bytes: the last field is %v, want %d", length, got.AccurateECNOptionSeen, last)
		}
	}
	binary.NativeEndian.PutUint64(full[168:], 1<<64-1)
	if got, err := parse(full); err != nil || got.BusyTime.Or(0) < 290*365*24*time.Hour {
		t.Errorf("a time without end: %v, %v", got.BusyTime, err)
	}
	full[0] = byte(netstat.Listen)
	if got, err := parse(full); err != nil || got.BytesSent.IsKnown() || !got.MaxPacingRate.IsKnown() {
		t.Errorf("a listener: %+v, %v", got, err)
	}
}

// TestMPTCPAgreesWithGetsockopt has a Multipath TCP connection, and its first
// subflow.
func TestMPTCPAgreesWithGetsockopt(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_MPTCP")
	nstest.NeedsKernel(t, "CONFIG_INET_MPTCP_DIAG")
	n := nstest.New(t)
	k := open(t, n)
	listener := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
	must(t, unix.Bind(listener, inet4(t, "127.0.0.1", 4001)))
	must(t, unix.Listen(listener, 5))
	client := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
	must(t, unix.Bind(client, inet4(t, "127.0.0.1", 4002)))
	must(t, unix.Connect(client, inet4(t, "127.0.0.1", 4001)))
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	must(t, err)
	defer unix.Close(server)
	for range 2 {
		_, err = unix.Write(client, []byte("some data"))
		must(t, err)
		_, err = unix.Read(server, make([]byte, 100))
		must(t, err)
		_, err = unix.Write(server, []byte("an answer"))
		must(t, err)
		_, err = unix.Read(client, make([]byte, 100))
		must(t, err)
	}

	local := netip.MustParseAddrPort("127.0.0.1:4002")
	const solMPTCP, mptcpInfoOption = 284, 1 // include/linux/socket.h, include/uapi/linux/mptcp.h
	for end := time.Now().Add(nstest.Patience); ; {
		before := getsockopt(t, client, solMPTCP, mptcpInfoOption)
		s := oneSocket(t, k, netstat.MPTCP, local)
		after := getsockopt(t, client, solMPTCP, mptcpInfoOption)
		for _, b := range [][]byte{before, after} {
			if len(b) >= 96 {
				clear(b[84:96]) // longer ago every millisecond
			}
		}
		if string(before) != string(after) {
			if time.Now().After(end) {
				t.Fatal("the connection does not settle")
			}
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if len(after) > sizeofMPTCPInfo {
			t.Errorf("this kernel tells %d bytes of struct mptcp_info, known here are %d", len(after), sizeofMPTCPInfo)
		}
		m := s.Detail.MPTCP
		if m == nil {
			t.Fatalf("no MPTCP information: %+v", s.Detail)
		}
		u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(after[at:]) }
		u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(after[at:]) }
		if m.Token == 0 || m.Token != u32(12) || m.WriteSequence != u64(16) || m.SendUnacknowledged != u64(24) || m.ReceiveNext != u64(32) ||
			m.Fallback || !m.RemoteKeyReceived || m.Subflows != after[0] {
			t.Errorf("%+v, want % x", m, after)
		}
		if len(after) >= 80 && (m.BytesSent != netstat.Known(u64(56)) || m.BytesSent.Or(0) != 18 || m.BytesReceived.Or(0) != 18) {
			t.Errorf("%+v, want 18 bytes each way", m)
		}

		subflow := oneSocket(t, k, netstat.TCP, local)
		u := subflow.Detail.ULP
		if u == nil || u.Name != "mptcp" || u.MPTCP == nil || u.TLS != nil {
			t.Fatalf("the subflow's upper layer is %+v", u)
		}
		if u.MPTCP.LocalToken != m.Token || !u.MPTCP.Flags.Has(netstat.SubflowCapableLocal|netstat.SubflowConnected) {
			t.Errorf("subflow %+v of %+v", u.MPTCP, m)
		}
		return
	}
}

func TestCongestionControl(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	available, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	must(t, err)
	port := 4100
	for _, name := range strings.Fields(string(available)) {
		l := bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", port))
		must(t, unix.Listen(l, 1))
		fd := bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", port+1), func(fd int) error {
			return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
		})
		must(t, unix.Connect(fd, inet4(t, "127.0.0.1", port)))
		s := oneSocket(t, k, netstat.TCP, netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", port+1)))
		c := s.Detail.Congestion
		if c == nil || c.Name != name {
			t.Errorf("congestion control is %+v, want %s", c, name)
			continue
		}
		if (c.BBR != nil) != (name == "bbr") || (c.DCTCP != nil) != (name == "dctcp") {
			t.Errorf("%s tells %+v", name, c)
		}
		if name == "bbr" {
			// struct tcp_bbr_info
			b := getsockopt(t, fd, unix.IPPROTO_TCP, unix.TCP_CC_INFO)
			if c.BBR.MinRTT != time.Duration(binary.NativeEndian.Uint32(b[8:]))*time.Microsecond ||
				c.BBR.PacingGain != binary.NativeEndian.Uint32(b[12:]) || c.BBR.WindowGain != binary.NativeEndian.Uint32(b[16:]) || c.BBR.WindowGain == 0 {
				t.Errorf("bbr tells %+v, want % x", c.BBR, b)
			}
		}
		port += 2
	}
}

func TestPrivateInformation(t *testing.T) {
	numbers := func(n ...uint32) (b []byte) {
		for _, v := range n {
			b = binary.NativeEndian.AppendUint32(b, v)
		}
		return b
	}
	var r attributeReader
	if got, want := r.vegas(nlAttr{value: numbers(1, 2, 3, 4)}), (netstat.Vegas{Enabled: true, RTTCount: 2, RTT: 3 * time.Microsecond, MinRTT: 4 * time.Microsecond}); *got != want {
		t.Errorf("vegas: %+v, want %+v", *got, want)
	}
	halves := binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, 1), 0)
	if got, want := r.dctcp(nlAttr{value: append(halves, numbers(512, 7, 9)...)}), (netstat.DCTCP{Enabled: true, Alpha: 512, MarkedBytes: 7, AllBytes: 9}); *got != want {
		t.Errorf("dctcp: %+v, want %+v", *got, want)
	}
	if got, want := r.bbr(nlAttr{value: numbers(5, 1, 80, 256, 512)}), (netstat.BBR{Bandwidth: 1<<32 | 5, MinRTT: 80 * time.Microsecond, PacingGain: 256, WindowGain: 512}); *got != want {
		t.Errorf("bbr: %+v, want %+v", *got, want)
	}

	u16 := func(kind, v uint16) []byte {
		return appendAttribute(nil, kind, binary.NativeEndian.AppendUint16(nil, v))
	}
	tls := append(append(append(u16(1, 0x304), u16(2, 51)...), u16(3, 2)...), u16(4, 3)...)
	tls = append(tls, appendAttribute(nil, 5, nil)...)
	u := r.upperLayer(nlAttr{value: append(appendAttribute(nil, 1, []byte("tls\x00")), appendAttribute(nil, 2, tls)...)}, &interned{})
	want := netstat.TLS{
		Version: netstat.Known[uint16](0x304), Cipher: netstat.Known[uint16](51),
		Transmit: netstat.Known(netstat.TLSSoftware), Receive: netstat.Known(netstat.TLSHardware), ZeroCopySend: true,
	}
	if r.failed() || u.Name != "tls" || u.TLS == nil || *u.TLS != want {
		t.Errorf("tls: %+v, %v, want %+v", u.TLS, r.error(), want)
	}
}
