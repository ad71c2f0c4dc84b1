package netstat_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// schema reads the members of each kind of rows, with their types, from the page
// that documents them.
func schema(t *testing.T) map[string]map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/netstat-json.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]map[string]string)
	var kind map[string]string
	row := regexp.MustCompile("^\\| `([A-Za-z0-9_]+)` \\| ([a-z ]+) \\| ")
	for _, line := range lines(string(page)) {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			kind = make(map[string]string)
			kinds[name] = kind
		} else if m := row.FindStringSubmatch(line); m != nil {
			kind[m[1]] = m[2]
		}
	}
	if len(kinds) < 20 {
		t.Fatalf("the page documents %d kinds only", len(kinds))
	}
	return kinds
}

// complaint says what of a row is not as the page has it.
func complaint(kinds map[string]map[string]string, o object) string {
	kind, known := kinds[o.text("kind")]
	if !known {
		return fmt.Sprintf("kind %v is not documented", o["kind"])
	}
	integer := regexp.MustCompile(`^-?\d+$`)
	for member, value := range o {
		if member == "kind" {
			continue
		}
		right := false
		switch kind[member] {
		case "string":
			_, right = value.(string)
		case "boolean":
			_, right = value.(bool)
		case "integer":
			n, ok := value.(json.Number)
			right = ok && integer.MatchString(n.String())
		case "number":
			_, right = value.(json.Number)
		case "array of strings":
			list, ok := value.([]any)
			right = ok && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok })
		case "array of objects":
			list, ok := value.([]any)
			right = ok && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
		}
		if !right {
			return fmt.Sprintf("%s of %v is %v, documented as %q", member, o["kind"], value, kind[member])
		}
	}
	return ""
}

// everything is a scene in which every mode has something to show.
func everything(t testing.TB) *nstest.NS {
	t.Helper()
	n := scene(t)
	sockets(t, n)
	n.IP(t, "nexthop add id 1 via 192.0.2.2 dev a0", "route add 10.50.0.0/16 nhid 1", "link add br0 type bridge", "link set br0 up",
		"rule add from 10.0.0.0/8 table 100 priority 9", "route add 10.60.0.0/16 dev a0 table 100", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent",
		"neigh add proxy 192.0.2.77 dev a0")
	unixSocket(t, n, unix.SOCK_STREAM, "stream", 1)
	member := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err := unix.SetsockoptIPMreq(member, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: [4]byte{239, 1, 2, 3}, Interface: [4]byte{192, 0, 2, 1}}); err != nil {
		t.Fatal(err)
	}
	packet := n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err := unix.Bind(packet, &unix.SockaddrLinklayer{Protocol: network(unix.ETH_P_ALL), Ifindex: int(n.Index(t, "lo"))}); err != nil {
		t.Fatal(err)
	}
	return n
}

// Every mode prints, as JSON, what its page says, one row a line, and as text a
// title or headings and as many rows.
func TestModes(t *testing.T) {
	n := everything(t)
	kinds := schema(t)
	seen := make(map[string]bool)
	for args, least := range map[string]int{
		"-a": 8, "-tuane": 8, "-tanp": 6, "-taneep --buffers": 6, "-T": 4, "-x -a": 1, "-L -p": 2, "-B": 1,
		"-r": 5, "-r -6": 5, "-r --table all": 8, "-i": 3, "-i -e": 3, "-g": 5, "-s": 100, "-s -6": 20, "-i -s": 5, "-r -s": 2,
		"-m -a": 10, "-Q": 1, "-Q -e": 2, "--addresses": 4, "--neighbours": 2, "--rules": 6, "--nexthops": 1, "--qdiscs": 1, "--namespaces": 1, "--netlink -p": 1,
		"--mroutes": 0, "--mdb": 0, "--netconf": 8, "-tan --netns all": 6, "-i --netns " + n.Name: 3,
	} {
		t.Run(args, func(t *testing.T) {
			r := try(t, n, append([]string{"--json", "-n"}, strings.Fields(args)...)...)
			if r.status != 0 {
				t.Errorf("status %d: %s", r.status, r.complaints)
			}
			rows := decode(t, r.out)
			if len(rows) < least {
				t.Errorf("%d rows, fewer than %d", len(rows), least)
			}
			for _, o := range rows {
				seen[o.text("kind")] = true
				if wrong := complaint(kinds, o); wrong != "" {
					t.Fatal(wrong)
				}
				if _, named := o["netns"]; named != strings.Contains(args, "netns all") {
					t.Fatalf("netns is %v in %v", o["netns"], o)
				}
			}
			text := lines(show(t, n, append([]string{"-n"}, strings.Fields(args)...)...))
			if args != "-m -a" && args != "-s" && args != "-s -6" && len(text) < min(least, 20) || len(text) == 0 {
				t.Errorf("%d lines of text:\n%s", len(text), strings.Join(text, "\n"))
			}
			for _, line := range text {
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
					t.Errorf("control characters in %q", line)
				}
			}
		})
	}
	for _, kind := range []string{
		"socket", "unix", "listenQueue", "packet", "route", "interface", "membership", "counter", "interfaceCounter", "socketUsage",
		"protocolMemory", "slab", "softnet", "queue", "fibTable", "neighbourTable", "address", "neighbour", "rule", "nextHop", "netconf", "qdisc", "namespace", "netlink", "fib6", "routeLookups",
	} {
		if !seen[kind] {
			t.Errorf("no mode printed a row of kind %s; there were %v", kind, slices.Sorted(maps.Keys(seen)))
		}
	}
	// What the scene made on purpose.
	has(t, objects(t, n, "-B"), "interface", "lo", "protocol", "all", "type", "raw")
	has(t, objects(t, n, "--neighbours"), "address", "192.0.2.9", "linkAddress", "02:00:00:00:00:09", "state", "permanent", "interface", "a0")
	has(t, objects(t, n, "--neighbours"), "address", "192.0.2.77", "proxy", "true")
	has(t, objects(t, n, "--rules"), "priority", "9", "source", "10.0.0.0/8", "table", "100")
	has(t, objects(t, n, "--nexthops"), "id", "1", "gateway", "192.0.2.2", "interface", "a0")
	has(t, objects(t, n, "-r"), "destination", "10.50.0.0/16", "gateway", "192.0.2.2", "nextHopID", "1")
	has(t, objects(t, n, "-r", "--table", "100"), "destination", "10.60.0.0/16", "table", "100")
	has(t, objects(t, n, "--qdiscs"), "interface", "lo", "queueing", "noqueue")
	has(t, objects(t, n, "-g"), "interface", "a0", "group", "239.1.2.3", "users", "1")
	has(t, decode(t, try(t, n, "--json", "-gp").out), "kind", "socketMembership", "interface", "a0", "group", "239.1.2.3", "mode", "exclude")
	has(t, objects(t, n, "-m"), "kind", "socketUsage", "udp6", "1")
	has(t, objects(t, n, "-xa"), "abstractName", "stream", "state", "LISTENING")
}

// Routes are those of ip, one row for each next hop, whatever becomes of packets.
func TestRoutes(t *testing.T) {
	n := scene(t)
	n.IP(t, "route add 172.16.0.0/16 nexthop via 192.0.2.3 nexthop via 192.0.2.4 weight 3",
		"route add blackhole 203.0.113.0/24", "route add unreachable 203.0.114.0/24", "route add prohibit 203.0.115.0/24", "route add throw 203.0.116.0/24",
		"-6 route add 2001:db8:5::/48 via 2001:db8:1111:2222::2 metric 10",
		"-6 route add 2001:db8:7::/48 nexthop via 2001:db8:1111:2222::2 nexthop via 2001:db8:1111:2222::3",
		"-6 route add blackhole 2001:db8:6::/48")
	for _, family := range []string{"-4", "-6"} {
		var routes []struct {
			Type, Dst, Gateway, Dev, Table string
			Metric                         int
			Nexthops                       []struct{ Gateway, Dev string }
		}
		n.JSON(t, &routes, family, "-details", "route", "show", "table", "main")
		var want []string
		for _, r := range routes {
			prefix := r.Dst
			switch {
			case prefix == "default" && family == "-4":
				prefix = "0.0.0.0/0"
			case !strings.Contains(prefix, "/"):
				a := netip.MustParseAddr(prefix)
				prefix = netip.PrefixFrom(a, a.BitLen()).String()
			}
			row := func(gateway, dev string) {
				want = append(want, fmt.Sprint(r.Type, " ", prefix, " ", gateway, " ", dev, " ", r.Metric))
			}
			if len(r.Nexthops) == 0 {
				row(r.Gateway, r.Dev)
			}
			for _, h := range r.Nexthops {
				row(h.Gateway, h.Dev)
			}
		}
		var got []string
		for _, o := range objects(t, n, "-r", family, "--table", "main") {
			got = append(got, fmt.Sprint(o.text("type"), " ", o.text("destination"), " ", o.text("gateway"), " ", o.text("interface"), " ", o.text("metric")))
		}
		if len(want) < 5 || !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s: got\n%s\nip says\n%s", family, strings.Join(sorted(got), "\n"), strings.Join(sorted(want), "\n"))
		}
	}
	text := show(t, n, "-rn")
	for _, want := range []string{
		"172.16.0.0      192.0.2.3       255.255.0.0     UG        0 0          0 a0\n",
		"172.16.0.0      192.0.2.4       255.255.0.0     UG        0 0          0 a0\n",
		"203.0.113.0     -               255.255.255.0   !         - -          - -\n",
		"203.0.116.0     -               255.255.255.0   !         - -          - -\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("-rn lacks %q:\n%s", want, text)
		}
	}
}

// What --filter keeps is what is left of all rows by the same condition.
func TestFilter(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	all := objects(t, n, "-tuan")
	for expression, keep := range map[string]func(object) bool{
		"state=established":            func(o object) bool { return o.text("state") == "ESTABLISHED" },
		"state=listen or protocol=udp": func(o object) bool { return o.text("state") == "LISTEN" || o.text("protocol") == "udp" },
		"port=8080":                    func(o object) bool { return o.text("localPort") == "8080" || o.text("remotePort") == "8080" },
		"sport=8080 and state!=listen": func(o object) bool { return o.text("localPort") == "8080" && o.text("state") != "LISTEN" },
		"dport>9000":                   func(o object) bool { return number(t, o, "remotePort") > 9000 },
		"src=127.0.0.0/8 and dst=127.0.0.1": func(o object) bool {
			return within("127.0.0.0/8", o.text("localAddress")) && within("127.0.0.1/32", o.text("remoteAddress"))
		},
		"addr=2001:db8::/32": func(o object) bool { return within("2001:db8::/32", o.text("localAddress")) },
		"family=ipv6 and not port=9090": func(o object) bool {
			return o.text("family") == "ipv6" && o.text("localPort") != "9090" && o.text("remotePort") != "9090"
		},
		"recvq>0": func(o object) bool { return number(t, o, "receiveQueue") > 0 },
		"port=5353,6363": func(o object) bool {
			return slices.Contains([]string{"5353", "6363"}, o.text("localPort")) || o.text("remotePort") == "5353"
		},
	} {
		key := func(o object) string { return o.text("cookie") }
		var want, got []string
		for _, o := range all {
			if keep(o) {
				want = append(want, key(o))
			}
		}
		for _, o := range objects(t, n, "-tuan", "--filter", expression) {
			got = append(got, key(o))
		}
		if len(want) == 0 || len(want) == len(all) || !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s: %d rows, want %d of %d", expression, len(got), len(want), len(all))
		}
	}
	self := strconv.Itoa(os.Getpid())
	if rows := objects(t, n, "-tan", "--filter", "pid="+self); len(rows) < 6 {
		t.Errorf("%d sockets of this process", len(rows))
	}
	if rows := objects(t, n, "-tan", "--filter", "rtt>0 and congestionControl~."); len(rows) < 4 {
		t.Errorf("%d connections with a round-trip time", len(rows))
	}
	if rows := objects(t, n, "-i", "--filter", "flags=loopback"); len(rows) != 1 || rows[0].text("name") != "lo" {
		t.Errorf("loopback interfaces: %v", rows)
	}
	if rows := objects(t, n, "-r", "--filter", "destination=10.1.2.3"); len(rows) != 3 {
		t.Errorf("routes that 10.1.2.3 is in: %v", rows)
	}
}

func within(prefix, address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && netip.MustParsePrefix(prefix).Contains(a.Unmap())
}

// What grew since a baseline is what happened since.
func TestBaseline(t *testing.T) {
	n := scene(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	counters := func() map[string]uint64 {
		var links []struct {
			Ifname  string
			Stats64 struct {
				RX struct{ Packets, Bytes uint64 }
			}
		}
		n.JSON(t, &links, "-s", "link", "show", "lo")
		return map[string]uint64{"rx_packets": links[0].Stats64.RX.Packets, "rx_bytes": links[0].Stats64.RX.Bytes}
	}
	file := filepath.Join(t.TempDir(), "saved")
	n.ListenPacket(t, "udp4", "127.0.0.1:9")
	c := n.Dial(t, "udp4", "127.0.0.1:9")
	for _, name := range []string{"monday", file} {
		before := counters()
		if out := show(t, n, "--save-baseline", name); out != "" {
			t.Errorf("saving shows %q", out)
		}
		for range 10 {
			if _, err := c.Write(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, func() string {
			rows := objects(t, n, "-I", "lo", "--since", name)
			after := counters()
			for member, was := range before {
				if got := number(t, rows[0], member); got != after[member]-was || got == 0 {
					return fmt.Sprintf("%s grew by %d, want %d", member, got, after[member]-was)
				}
			}
			return ""
		})
		for _, o := range objects(t, n, "-su", "--since", name) {
			if o.text("name") == "UdpOutDatagrams" && o.text("value") != "10" {
				t.Errorf("%v", o)
			}
		}
	}
	if r := try(t, n, "-s", "--since", "tuesday"); r.status != 1 || !strings.Contains(r.complaints, "tuesday") {
		t.Errorf("a baseline that there is not: %+v", r)
	}
	other := nstest.New(t)
	if r := try(t, other, "-s", "--since", "monday"); r.status != 1 || !strings.Contains(r.complaints, "another network namespace") {
		t.Errorf("a baseline of another namespace: %+v", r)
	}
	// What grew is shown, and nothing else.
	for line := range strings.Lines(show(t, n, "-s", "--since", "monday")) {
		if f := strings.Fields(line); f[0] == "0" || strings.Contains(line, "IpDefaultTTL") {
			t.Errorf("%q did not grow", line)
		}
	}
}

// A baseline of every namespace serves each of them, and one that is not in it is
// said and does not keep the others from being shown.
func TestBaselineOfEveryNamespace(t *testing.T) {
	one, two := nstest.New(t), nstest.New(t)
	file := filepath.Join(t.TempDir(), "saved")
	// Other tests' namespaces come and go meanwhile.
	if r := try(t, one, "--netns", "all", "--save-baseline", file); r.out != "" {
		t.Errorf("saving: %+v", r)
	}
	late := nstest.New(t)
	sent := map[*nstest.NS]int{one: 3, two: 5, late: 7}
	for n, count := range sent {
		n.ListenPacket(t, "udp4", "127.0.0.1:9")
		c := n.Dial(t, "udp4", "127.0.0.1:9")
		for range count {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, args := range [][]string{{"-su"}, {"-i"}} {
		r := try(t, one, append([]string{"--json", "--netns", "all", "--since", file}, args...)...)
		got := make(map[string]string)
		for _, o := range decode(t, r.out) {
			switch {
			case o.text("name") == "UdpOutDatagrams":
				got[o.text("netns")] = o.text("value")
			case o.text("name") == "lo":
				got[o.text("netns")] = o.text("rx_packets")
			}
		}
		_, shown := got[late.Name]
		if r.status != 1 || got[one.Name] != "3" || got[two.Name] != "5" || shown {
			t.Errorf("%v: status %d, %v", args, r.status, got)
		}
		missing := "counters of " + late.Name + ": --since " + file + ": the baseline is of another network namespace"
		if !strings.Contains(r.complaints, missing) || strings.Contains(r.complaints, "counters of "+one.Name) {
			t.Errorf("%v: %s", args, r.complaints)
		}
	}
}

// Rules name routing tables as ip does.
func TestRuleTables(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "rule add from 10.0.0.0/8 table 100 priority 9", "rule add from 10.0.0.0/8 goto 32766 priority 10")
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^(\d+):.*?(?: lookup (\S+)| goto \d+) *$`).FindAllStringSubmatch(n.Run(t, "ip", "-4", "rule"), -1) {
		if m[2] == "" {
			m[2] = "-"
		}
		want = append(want, m[1]+" "+m[2])
	}
	var got []string
	for _, line := range lines(show(t, n, "-4", "--rules"))[2:] {
		f := strings.Fields(line)
		got = append(got, f[1]+" "+f[6])
	}
	if len(want) != 5 || !slices.Equal(got, want) {
		t.Errorf("%q, and ip has %q", got, want)
	}
}
