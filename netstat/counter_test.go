package netstat

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]Number{
		"0": {}, "18446744073709551615": Unsigned(math.MaxUint64), "-1": Signed(-1), "-9223372036854775808": Signed(math.MinInt64),
		"9223372036854775807": Signed(math.MaxInt64), "9007199254740993": Unsigned(1<<53 + 1),
	} {
		n, err := ParseNumber(text)
		if err != nil || n != want || n.String() != text {
			t.Errorf("%s is %v, %v", text, n, err)
		}
		b, err := json.Marshal(map[string]Number{"n": n})
		if err != nil || string(b) != `{"n":`+text+`}` {
			t.Errorf("%s in JSON: %s, %v", text, b, err)
		}
		var back map[string]Number
		if err := json.Unmarshal(b, &back); err != nil || back["n"] != n {
			t.Errorf("%s from JSON: %v, %v", text, back, err)
		}
	}
	for _, bad := range []string{"", "-", "x", "1.0", "1e3", "18446744073709551616", "-9223372036854775809", " 1", "+1"} {
		if n, err := ParseNumber(bad); err == nil {
			t.Errorf("%q is %v", bad, n)
		}
	}
	if _, ok := Signed(-1).Uint64(); ok {
		t.Error("-1 is not negative")
	}
	if n, ok := Signed(math.MinInt64).Int64(); !ok || n != math.MinInt64 {
		t.Errorf("the least number is %d, %v", n, ok)
	}
	if _, ok := Unsigned(1 << 63).Int64(); ok {
		t.Error("2^63 fits")
	}
}

func FuzzNumber(f *testing.F) {
	f.Add("-1")
	f.Add("18446744073709551615")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNumber(text)
		if err != nil {
			return
		}
		if again, err := ParseNumber(n.String()); err != nil || again != n {
			t.Errorf("%q is %v, then %v, %v", text, n, again, err)
		}
	})
}

// kernelCounters are the names that the running kernel has.
func kernelCounters(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range []string{"/proc/net/snmp", "/proc/net/netstat"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
			fields := strings.Fields(line)
			for _, name := range fields[1:] {
				if i%2 == 0 {
					names = append(names, strings.TrimSuffix(fields[0], ":")+name)
				}
			}
		}
	}
	for _, file := range []string{"/proc/net/snmp6", "/proc/net/xfrm_stat"} {
		content, _ := os.ReadFile(file) // of kernels with IPv6, and with IPsec
		for line := range strings.Lines(string(content)) {
			names = append(names, strings.Fields(line)[0])
		}
	}
	return names
}

func TestDescribeCounter(t *testing.T) {
	names := kernelCounters(t)
	described := 0
	for _, name := range names {
		info := DescribeCounter(name)
		if info.Meaning != "" {
			described++
		} else if strings.HasPrefix(name, "Tcp") || strings.HasPrefix(name, "Ip") || strings.HasPrefix(name, "Udp") || strings.HasPrefix(name, "Icmp") {
			t.Logf("%s is not described", name)
		}
		// RFC 4022, RFC 4293 and net/mptcp/mib.h; everything else in these files
		// is a Counter32 or Counter64.
		want := Cumulative
		switch name {
		case "IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn":
			want = Setting
		case "TcpCurrEstab", "MPTcpExtMPCurrEstab":
			want = Gauge
		}
		if info.Kind != want {
			t.Errorf("%s is a %v, want a %v", name, info.Kind, want)
		}
		if octets := strings.HasSuffix(name, "Octets"); octets != (info.Unit == UnitOctets) {
			t.Errorf("%s is in %s", name, info.Unit)
		}
	}
	if described < 150 {
		t.Errorf("only %d of %d counters are described", described, len(names))
	}
	// Every name that is described is one of the kernel's: Linux 6.18 has them
	// all, but for what the options of its build leave out.
	if slices.Contains(names, "TcpExtTSEcrRejected") && slices.Contains(names, "MPTcpExtWinProbe") && slices.Contains(names, "XfrmInStateDirError") {
		for name := range counterInfos() {
			for _, prefix := range []string{"Tcp", "Icmp", "MPTcp", "Xfrm"} {
				if strings.HasPrefix(name, prefix) && !slices.Contains(names, name) {
					t.Errorf("no kernel has %s", name)
				}
			}
		}
		for _, family := range counterFamilies {
			for name := range family.infos() {
				if !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, name) }) {
					t.Errorf("no kernel has %s", name)
				}
			}
		}
	}
	for name, info := range counterInfos() {
		if info.Meaning == "" || strings.HasSuffix(info.Meaning, ".") || len(info.Meaning) > 120 || strings.Contains(info.Meaning, "\n") || strings.Contains(name, " ") {
			t.Errorf("%s: %q", name, info.Meaning)
		}
	}
	for name, want := range map[string]CounterInfo{
		"IcmpMsgInType3": {Cumulative, UnitMessages, "ICMP messages received of type 3"}, "Icmp6OutType135": {Cumulative, UnitMessages, "ICMPv6 messages sent of type 135"},
		"IcmpMsgInTypeX": {Cumulative, UnitEvents, ""}, "TcpExtOfLinux9": {Cumulative, UnitEvents, ""}, "SMC_inuse": {Gauge, UnitSockets, ""},
		"UdpLite6NoPorts": udpInfos()["NoPorts"], "Ip6InReceives": ipInfos()["InReceives"],
	} {
		if got := DescribeCounter(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestInterfaceCountersAll(t *testing.T) {
	c := InterfaceCounters{OutPackets: Known[uint64](0), InPackets: Known[uint64](1), OutWindowErrors: Known[uint64](2), InOtherHost: Known[uint64](3)}
	got := make(map[string]string)
	for name, value := range c.All() {
		got[name] = value.String()
	}
	if len(got) != 28 || got["rx_packets"] != "1" || got["tx_window_errors"] != "2" || got["rx_otherhost_dropped"] != "3" || got["rx_nohandler"] != "-" || got["tx_packets"] != "0" {
		t.Errorf("%v", got)
	}
	for range c.All() {
		break
	}
}

func TestNamespaceLabel(t *testing.T) {
	all := []Namespace{
		{Inode: 9}, {Inode: 8, Processes: []Process{{PID: 7}}}, {Inode: 7, Paths: []string{"/x/y"}}, {Inode: 6, Names: []string{"b"}}, {Inode: 5, Names: []string{"a"}, Paths: []string{"/run/netns/a"}}, {Inode: 10, Current: true},
	}
	slices.SortFunc(all, func(a, b Namespace) int { return a.Compare(&b) })
	var labels []string
	for i := range all {
		labels = append(labels, all[i].Label())
	}
	if got, want := strings.Join(labels, " "), "net:[10] a b /x/y pid:7 net:[9]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
