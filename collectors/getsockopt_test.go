package collectors

import (
	"maps"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Every option comes back as it was set.
func TestOptionsOfASocket(t *testing.T) {
	n := nstest.New(t)
	const s, ip, ip6, tcp, udp = unix.SOL_SOCKET, unix.IPPROTO_IP, unix.IPPROTO_IPV6, unix.IPPROTO_TCP, unix.IPPROTO_UDP
	u := netstat.Known[uint32]
	yes := netstat.Known(true)
	timeout := func(name int) func(int) error {
		return func(fd int) error { return unix.SetsockoptTimeval(fd, s, name, &unix.Timeval{Sec: 2, Usec: 500_000}) }
	}
	everySocket := map[netstat.SocketOption][]func(int) error{
		netstat.OptionReuseAddress: {option(s, unix.SO_REUSEADDR, 1)}, netstat.OptionReusePort: {option(s, unix.SO_REUSEPORT, 1)},
		netstat.OptionKeepAlive: {option(s, unix.SO_KEEPALIVE, 1)}, netstat.OptionBroadcast: {option(s, unix.SO_BROADCAST, 1)},
		netstat.OptionReceiveBuffer: {option(s, unix.SO_RCVBUF, 30_000)}, netstat.OptionReceiveBufferSet: nil,
		netstat.OptionSendBuffer: {option(s, unix.SO_SNDBUF, 40_000)}, netstat.OptionSendBufferSet: nil,
		netstat.OptionReceiveTimeout: {timeout(unix.SO_RCVTIMEO)}, netstat.OptionSendTimeout: {timeout(unix.SO_SNDTIMEO)},
		netstat.OptionLinger: {func(fd int) error {
			return unix.SetsockoptLinger(fd, s, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 7})
		}},
		netstat.OptionMark:         {option(s, unix.SO_MARK, 42)},
		netstat.OptionBindToDevice: {func(fd int) error { return unix.BindToDevice(fd, "lo") }}, netstat.OptionReceiveLowWater: {option(s, unix.SO_RCVLOWAT, 9)},
		netstat.OptionMaxPacingRate: {option(s, unix.SO_MAX_PACING_RATE, 1_000_000)}, netstat.OptionIncomingCPU: {option(s, unix.SO_INCOMING_CPU, 0)},
		netstat.OptionBusyPoll: {option(s, unix.SO_BUSY_POLL, 50)}, netstat.OptionZeroCopy: {option(s, unix.SO_ZEROCOPY, 1)},
		netstat.OptionFilter: {func(fd int) error {
			all := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1}
			return unix.SetsockoptSockFprog(fd, s, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &all})
		}}, netstat.OptionLockFilter: {option(s, unix.SO_LOCK_FILTER, 1)},
		netstat.OptionTOS: {option(ip, unix.IP_TOS, 0x10)}, netstat.OptionTTL: {option(ip, unix.IP_TTL, 33)},
		netstat.OptionFreeBind: {option(ip, unix.IP_FREEBIND, 1)}, netstat.OptionTransparent: {option(ip, unix.IP_TRANSPARENT, 1)},
	}
	everyValue := netstat.SocketOptions{
		ReuseAddress: yes, ReusePort: yes, KeepAlive: yes, Broadcast: yes, ReceiveBuffer: u(60_000), ReceiveBufferSet: u(30_000), SendBuffer: u(80_000), SendBufferSet: u(40_000),
		ReceiveTimeout: netstat.Known(2500 * time.Millisecond), SendTimeout: netstat.Known(2500 * time.Millisecond), Linger: netstat.Known(7 * time.Second),
		Priority: u(5), Mark: u(42), BindToDevice: u(1), ReceiveLowWater: u(9), MaxPacingRate: netstat.Known[uint64](1_000_000), IncomingCPU: netstat.Known[int32](0),
		BusyPoll: netstat.Known(50 * time.Microsecond), ZeroCopy: yes, Filter: yes, LockFilter: yes,
		TOS: netstat.Known[uint8](0x10), TTL: netstat.Known[uint8](33), FreeBind: yes, Transparent: yes,
	}
	ofIPv6 := map[netstat.SocketOption][]func(int) error{
		netstat.OptionTrafficClass: {option(ip6, unix.IPV6_TCLASS, 0x28)}, netstat.OptionV6Only: {option(ip6, unix.IPV6_V6ONLY, 1)},
	}
	ofTCP := map[netstat.SocketOption][]func(int) error{
		netstat.OptionNoDelay: {option(tcp, unix.TCP_NODELAY, 1)}, netstat.OptionCork: {option(tcp, unix.TCP_CORK, 1)},
		netstat.OptionKeepIdle: {option(tcp, unix.TCP_KEEPIDLE, 77)}, netstat.OptionKeepInterval: {option(tcp, unix.TCP_KEEPINTVL, 11)},
		netstat.OptionKeepCount: {option(tcp, unix.TCP_KEEPCNT, 4)}, netstat.OptionUserTimeout: {option(tcp, unix.TCP_USER_TIMEOUT, 4321)},
		netstat.OptionSYNCount: {option(tcp, unix.TCP_SYNCNT, 3)}, netstat.OptionDeferAccept: {option(tcp, unix.TCP_DEFER_ACCEPT, 3)},
		netstat.OptionFastOpen: {option(tcp, unix.TCP_FASTOPEN, 6)}, netstat.OptionMaxSegment: {option(tcp, unix.TCP_MAXSEG, 1000)},
		netstat.OptionWindowClamp: {option(tcp, unix.TCP_WINDOW_CLAMP, 50_000)}, netstat.OptionNotSentLowWater: {option(tcp, unix.TCP_NOTSENT_LOWAT, 4096)},
		netstat.OptionLinger2: {option(tcp, unix.TCP_LINGER2, 9)}, netstat.OptionQuickAck: {option(tcp, unix.TCP_QUICKACK, 0)},
		netstat.OptionCongestion: {func(fd int) error { return unix.SetsockoptString(fd, tcp, unix.TCP_CONGESTION, "reno") }},
		netstat.OptionUpperLayer: nil,
	}
	ofUDP := map[netstat.SocketOption][]func(int) error{
		netstat.OptionUDPCork: {option(udp, 1, 1)}, netstat.OptionUDPReceive: {option(udp, 104, 1)}, netstat.OptionUDPSegment: {option(udp, 103, 1200)},
		netstat.OptionUDPEncapsulation: {option(udp, 100, 2)}, // ESP
	}
	everyTCP, everyUDP := everyValue, everyValue
	everyTCP.NoDelay, everyTCP.Cork, everyTCP.KeepIdle, everyTCP.KeepInterval, everyTCP.KeepCount = yes, yes, netstat.Known(77*time.Second), netstat.Known(11*time.Second), u(4)
	everyTCP.UserTimeout, everyTCP.SYNCount, everyTCP.DeferAccept = netstat.Known(4321*time.Millisecond), u(3), netstat.Known(3*time.Second)
	everyTCP.FastOpen, everyTCP.MaxSegment, everyTCP.WindowClamp, everyTCP.NotSentLowWater = u(6), u(1000), u(50_000), u(4096)
	everyTCP.Linger2, everyTCP.QuickAck, everyTCP.Congestion, everyTCP.UpperLayer = netstat.Known(9*time.Second), netstat.Known(false), netstat.Known("reno"), netstat.Known("")
	everyUDP.UDPCork, everyUDP.UDPReceive, everyUDP.UDPSegment, everyUDP.UDPEncapsulation = yes, yes, u(1200), u(2)
	for _, c := range []struct {
		protocol netstat.Protocol
		kind     int
		own      map[netstat.SocketOption][]func(int) error
		want     netstat.SocketOptions
	}{{netstat.TCP, unix.SOCK_STREAM, ofTCP, everyTCP}, {netstat.UDP, unix.SOCK_DGRAM, ofUDP, everyUDP}} {
		for _, family := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
			settings := maps.Clone(everySocket)
			maps.Copy(settings, c.own)
			want := c.want
			if family == netstat.IPv6 {
				maps.Copy(settings, ofIPv6)
				want.TrafficClass, want.V6Only = netstat.Known[uint8](0x28), yes
			}
			settings[netstat.OptionPriority] = nil
			fd := n.Socket(t, int(family), c.kind, int(c.protocol))
			// A filter is locked after it is there, and a TOS comes with a priority.
			for _, o := range slices.Sorted(maps.Keys(settings)) {
				for _, set := range settings[o] {
					if err := set(fd); err != nil {
						t.Fatalf("%v over %v: %v: %v", c.protocol, family, o, err)
					}
				}
			}
			must(t, option(s, unix.SO_PRIORITY, 5)(fd))
			got, err := optionsOf(fd, c.protocol)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range netstat.AllSocketOptions() {
				if g, w := value(got, o), value(&want, o); g != w {
					t.Errorf("%v over %v: %v is %v, want %v", c.protocol, family, o, g, w)
				}
				if _, known := got.Get(o); known && got.Source(o) != netstat.OptionExact {
					t.Errorf("%v is known as %v", o, got.Source(o))
				}
				if _, told := settings[o]; !told && value(got, o) != nil {
					t.Errorf("%v over %v has %v: %v", c.protocol, family, o, value(got, o))
				}
			}
		}
	}
}

// value is the value of an option, nil when it is not known.
func value(o *netstat.SocketOptions, option netstat.SocketOption) any {
	if v, known := o.Get(option); known {
		return v
	}
	return nil
}

// Defaults are those of the namespace.
func TestSocketDefaults(t *testing.T) {
	n := nstest.New(t)
	for name, v := range map[string]string{
		"net.ipv4.tcp_keepalive_time": "1234", "net.ipv4.tcp_keepalive_intvl": "56", "net.ipv4.tcp_keepalive_probes": "7", "net.ipv4.ip_default_ttl": "88",
		"net.ipv4.tcp_rmem": "4096 65536 131072", "net.ipv4.tcp_wmem": "4096 32768 131072", "net.ipv4.tcp_syn_retries": "2", "net.ipv6.bindv6only": "1",
		"net.ipv4.tcp_fin_timeout": "19", "net.ipv4.tcp_congestion_control": "reno",
	} {
		n.Sysctl(t, name, v)
	}
	u := netstat.Known[uint32]
	kinds := 0
	for d, err := range open(t, n).SocketDefaults(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kinds++
		o := d.Options
		want := map[netstat.SocketOption]any{
			netstat.OptionReuseAddress: false, netstat.OptionReceiveBufferSet: uint32(0), netstat.OptionLinger: netstat.LingerOff,
			netstat.OptionMaxPacingRate: uint64(netstat.PacingUnlimited), netstat.OptionIncomingCPU: int32(-1), netstat.OptionFilter: false,
			netstat.OptionReceiveTimeout: time.Duration(0),
		}
		if d.Family == netstat.Unix {
			want[netstat.OptionPassCredentials], want[netstat.OptionPeekOffset] = false, int32(-1)
		} else {
			want[netstat.OptionTTL] = uint8(88)
		}
		if d.Protocol == netstat.TCP {
			maps.Copy(want, map[netstat.SocketOption]any{
				netstat.OptionKeepIdle: 1234 * time.Second, netstat.OptionKeepInterval: 56 * time.Second, netstat.OptionKeepCount: uint32(7), netstat.OptionReceiveBuffer: uint32(65536),
				netstat.OptionSendBuffer: uint32(32768), netstat.OptionSYNCount: uint32(2), netstat.OptionLinger2: 19 * time.Second, netstat.OptionCongestion: "reno",
				netstat.OptionUpperLayer: "",
			})
		}
		if d.Family == netstat.IPv6 {
			want[netstat.OptionV6Only] = true
		}
		for option, w := range want {
			if g := value(o, option); g != w {
				t.Errorf("%v over %v: %v is %v, want %v", d.Protocol, d.Family, option, g, w)
			}
		}
		s := netstat.Socket{Protocol: d.Protocol, State: netstat.Close, Detail: &netstat.SocketDetail{Options: o}}
		if changed := s.ChangedOptions(o); changed != nil {
			t.Errorf("%v over %v: a new socket has changed %v", d.Protocol, d.Family, changed)
		}
		set := *o
		set.Mark = u(1)
		s.Detail.Options = &set
		if changed := s.ChangedOptions(o); !slices.Equal(changed, []netstat.SocketOption{netstat.OptionMark}) {
			t.Errorf("changed: %v", changed)
		}
	}
	if kinds != 5 {
		t.Errorf("%d kinds of new sockets", kinds)
	}
}
