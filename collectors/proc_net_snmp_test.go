package collectors

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestStatisticsOfKnownTraffic(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	exchange := func(network, address string, count int) {
		t.Helper()
		server := n.ListenPacket(t, network, address)
		client := n.Dial(t, network, server.LocalAddr().String())
		for range count {
			_, err := client.Write([]byte("x"))
			must(t, err)
			_, _, err = server.ReadFrom(make([]byte, 1))
			must(t, err)
		}
	}
	exchange("udp4", "127.0.0.1:0", 3)
	exchange("udp6", "[::1]:0", 2)
	// Datagrams to ports that nobody listens on.
	for _, address := range []string{"127.0.0.1:9", "[::1]:9"} {
		_, err := n.Dial(t, "udp", address).Write([]byte("x"))
		must(t, err)
	}
	u, err := k.UDPStatistics(t.Context())
	must(t, err)
	if got, want := fmt.Sprint(u.InDatagrams, u.NoPorts, u.InErrors, u.OutDatagrams, u.RcvbufErrors), fmt.Sprint(5, 2, 0, 7, 0); got != want {
		t.Errorf("UDP counts %s, want %s", got, want)
	}

	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l := n.Listen(t, "tcp", address)
		n.Dial(t, "tcp", l.Addr().String())
		accepted, err := l.Accept()
		must(t, err)
		defer accepted.Close()
	}
	var refused net.Conn
	n.Do(t, func() error {
		refused, err = net.Dial("tcp4", "127.0.0.1:9")
		return nil
	})
	if err == nil {
		refused.Close()
		t.Fatal("port 9 answers")
	}
	s, err := k.TCPStatistics(t.Context())
	must(t, err)
	if got, want := fmt.Sprint(s.ActiveOpens, s.PassiveOpens, s.AttemptFails, s.CurrEstab, s.OutRsts), fmt.Sprint(3, 2, 1, 4, 1); got != want {
		t.Errorf("TCP counts %s, want %s", got, want)
	}
	if s.RTOAlgorithm != netstat.Known[int32](1) || s.MaxConn != netstat.Known[int32](-1) || s.RTOMin.Or(0) <= 0 || s.RTOMax.Or(0) <= s.RTOMin.Or(0) {
		t.Errorf("TCP constants: %+v", s)
	}
	// The same file again, from its beginning.
	again, err := k.TCPStatistics(t.Context())
	must(t, err)
	if diff := cmp.Diff(fmt.Sprint(s), fmt.Sprint(again)); diff != "" {
		t.Error(diff)
	}
}

func TestStatisticsAgreeWithNstat(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	l := n.Listen(t, "tcp4", "127.0.0.1:0")
	c := n.Dial(t, "tcp4", l.Addr().String())
	_, err := c.Write(make([]byte, 1000))
	must(t, err)
	var told struct{ Kernel map[string]uint64 }
	must(t, json.Unmarshal([]byte(n.Run(t, "nstat", "-a", "-s", "-z", "-j")), &told))
	s, err := k.TCPStatistics(t.Context())
	must(t, err)
	u, err := k.UDPStatistics(t.Context())
	must(t, err)
	for name, got := range map[string]netstat.Optional[uint64]{
		"TcpActiveOpens": s.ActiveOpens, "TcpPassiveOpens": s.PassiveOpens, "TcpAttemptFails": s.AttemptFails, "TcpEstabResets": s.EstabResets,
		"TcpInSegs": s.InSegs, "TcpOutSegs": s.OutSegs, "TcpRetransSegs": s.RetransSegs, "TcpInErrs": s.InErrs, "TcpOutRsts": s.OutRsts,
		"TcpInCsumErrors": s.InCsumErrors,
		"UdpInDatagrams":  u.InDatagrams, "UdpNoPorts": u.NoPorts, "UdpInErrors": u.InErrors, "UdpOutDatagrams": u.OutDatagrams,
		"UdpRcvbufErrors": u.RcvbufErrors, "UdpSndbufErrors": u.SndbufErrors, "UdpInCsumErrors": u.InCsumErrors, "UdpIgnoredMulti": u.IgnoredMulti,
	} {
		want, ok := told.Kernel[name]
		if six, also := told.Kernel[strings.Replace(name, "Udp", "Udp6", 1)]; also && strings.HasPrefix(name, "Udp") {
			want += six
		}
		if !ok || got != netstat.Known(want) {
			t.Errorf("%s = %v, nstat says %d (%v)", name, got, want, ok)
		}
	}
	if s.InSegs.Or(0) < 4 {
		t.Errorf("only %v segments came in", s.InSegs)
	}
}

func TestParseStatistics(t *testing.T) {
	const snmp = "Ip: Forwarding\nIp: 1\n" +
		"Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab SomethingNew\nTcp: 1 -1 18446744073709551615 4 x\n" +
		"Udp: InDatagrams MemErrors\nUdp: 7 1\nUdpLite: InDatagrams\nUdpLite: 99\n"
	s, err := parseTCPStatistics([]byte(snmp))
	want := netstat.TCPStatistics{RTOAlgorithm: netstat.Known[int32](1), MaxConn: netstat.Known[int32](-1), ActiveOpens: netstat.Known[uint64](1<<64 - 1), CurrEstab: netstat.Known[uint32](4)}
	if err != nil || s != want {
		t.Errorf("TCP: %+v, %v", s, err)
	}
	u, err := parseUDPStatistics([]byte(snmp))
	must(t, err)
	must(t, parseUDP6Statistics([]byte("Ip6InReceives \t5\nUdp6InDatagrams \t3\nUdp6NoPorts \t2\nUdpLite6InDatagrams \t88\nUdp6SomethingNew 1\n"), &u))
	if want := (netstat.UDPStatistics{InDatagrams: netstat.Known[uint64](10), NoPorts: netstat.Known[uint64](2), MemErrors: netstat.Known[uint64](1)}); u != want {
		t.Errorf("UDP: %+v", u)
	}
}

func TestParseStatisticsRejects(t *testing.T) {
	for _, bad := range []string{
		"", "Tcp: ActiveOpens\n", "Tcp: ActiveOpens\nTcp: 1 2\n", "Tcp: ActiveOpens\nTcp: -1\n", "Tcp: ActiveOpens\nTcp: 18446744073709551616\n",
		"Tcp: MaxConn\nTcp: 2147483648\n", "Tcp: CurrEstab\nTcp: -1\n", "Udp: InDatagrams\nUdp: 1\n",
	} {
		_, err := parseTCPStatistics([]byte(bad))
		lines := strings.Split(strings.TrimSpace(bad), "\n")
		if err == nil || len(lines) == 2 && strings.HasPrefix(bad, "Tcp") && !strings.Contains(err.Error(), lines[1]) {
			t.Errorf("%q: error %v does not name the line", bad, err)
		}
	}
	for _, bad := range []string{"Udp6InDatagrams\n", "Udp6InDatagrams x\n", "Udp6InDatagrams 1 2\n"} {
		var u netstat.UDPStatistics
		if err := parseUDP6Statistics([]byte(bad), &u); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseSNMP(f *testing.F) {
	content, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte("Tcp: MaxConn\nTcp: -1\nUdp: NoPorts\nUdp: 1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if s, err := parseTCPStatistics(content); err != nil && !strings.Contains(err.Error(), "Tcp:") {
			t.Errorf("%+v: error %v names no line", s, err)
		}
		if u, err := parseUDPStatistics(content); err == nil && u != (netstat.UDPStatistics{}) && !strings.Contains(string(content), "Udp:") {
			t.Errorf("%+v from nowhere", u)
		}
	})
}

func FuzzParseSNMP6(f *testing.F) {
	content, err := os.ReadFile("/proc/net/snmp6")
	if err != nil {
		f.Skip(err)
	}
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		var u netstat.UDPStatistics
		if err := parseUDP6Statistics(content, &u); err == nil && u != (netstat.UDPStatistics{}) && !strings.Contains(string(content), "Udp6") {
			t.Errorf("%+v from nowhere", u)
		}
	})
}

func BenchmarkTCPStatistics(b *testing.B) {
	k := open(b, nstest.New(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.TCPStatistics(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
