package netstat_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// tracking has a host track what it sends, mark, put into a zone and translate it.
const tracking = `
table inet track {
	ct helper ftp { type "ftp" protocol tcp; }
	chain raw {
		type filter hook output priority raw;
		udp dport 5353 ct zone set 7
		udp dport 5354 ct original zone set 8
	}
	chain mangle {
		type filter hook output priority mangle;
		udp dport 5300 ct mark set 0x2a
		udp dport 5300 ct label set 3
		tcp dport 21 ct helper set "ftp"
	}
	chain nat {
		type nat hook output priority -100;
		ip daddr 127.0.0.9 tcp dport 8080 dnat ip to 127.0.0.1:8000
	}
	chain source {
		type nat hook postrouting priority srcnat;
		udp dport 5301 snat ip to 127.0.0.77
	}
}
`

// tracked is a namespace with flows of real packets, and of such as conntrack(8)
// makes where packets would need more than one host.
func tracked(t *testing.T) *nstest.NS {
	t.Helper()
	nstest.NeedsProgram(t, "conntrack")
	for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_TABLES_INET", "CONFIG_NF_NAT", "CONFIG_NF_CONNTRACK_ZONES", "CONFIG_NF_CONNTRACK_LABELS", "CONFIG_NF_CONNTRACK_FTP"} {
		nstest.NeedsKernel(t, option)
	}
	n := nstest.New(t)
	n.IP(t, "link set lo up", "addr add 127.0.0.77/32 dev lo", "-6 addr add 2001:db8::1/128 dev lo nodad")
	n.Sysctl(t, "net.netfilter.nf_conntrack_acct", "1")
	n.Sysctl(t, "net.netfilter.nf_conntrack_timestamp", "1")
	n.Sysctl(t, "net.netfilter.nf_conntrack_udp_timeout", "600")
	n.NFT(t, tracking)
	l := n.Listen(t, "tcp", "127.0.0.1:8000")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetKeepAlive(false)
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	say := func(c net.Conn) {
		t.Helper()
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []string{"127.0.0.9:8080", "127.0.0.1:8000"} {
		c := n.Dial(t, "tcp", to)
		// Counters are to stay as they are while they are compared.
		_ = c.(*net.TCPConn).SetKeepAlive(false)
		say(c)
		if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []string{"127.0.0.1:5300", "127.0.0.1:5301", "127.0.0.1:5353", "127.0.0.1:5354", "[2001:db8::1]:5300"} {
		n.ListenPacket(t, "udp", to)
		say(n.Dial(t, "udp", to))
	}
	for _, args := range []string{
		"-s 192.0.2.1 -d 192.0.2.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 5 -t 1000",
		"-s 192.0.2.1 -d 192.0.2.2 -p sctp --sport 1 --dport 2 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2 -t 1000",
		"-s 192.0.2.1 -d 192.0.2.9 -p tcp --sport 10 --dport 20 --state SYN_SENT -t 1000 -m 7",
		"-s 192.0.2.1 -d 192.0.2.2 -p 200 -t 1000",
	} {
		n.Run(t, "conntrack", append([]string{"-I"}, strings.Fields(args)...)...)
	}
	return n
}

// words are "name=value" of a line of conntrack(8), in order.
var words = regexp.MustCompile(`([a-z-]+)=(\S+)`)

// ofConntrack brings lines of "conntrack -L -o extended,id", or of /proc where there
// are no IDs, into the form of shownFlow.
func ofConntrack(out string) (flows []string) {
	for _, line := range lines(out) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		o := map[string]string{"family": f[0], "protocol": f[2]}
		if f[2] == "unknown" {
			o["protocol"] = f[3]
		}
		if len(f[5]) > 2 && strings.ToUpper(f[5]) == f[5] && !strings.Contains(f[5], "[") {
			o["state"] = f[5]
		}
		for _, flag := range []string{"UNREPLIED", "ASSURED"} {
			o[flag] = strconv.FormatBool(strings.Contains(line, "["+flag+"]"))
		}
		seen := make(map[string]bool)
		for _, m := range words.FindAllStringSubmatch(line, -1) {
			name := m[1]
			if seen[name] {
				name = "reply-" + name
			}
			seen[m[1]], o[name] = true, m[2]
		}
		for name, value := range o {
			if a := net.ParseIP(value); a != nil {
				o[name] = a.String() // /proc has them in full
			}
		}
		if o["zone"] == "0" { // which /proc tells
			o["zone"] = ""
		}
		flows = append(flows, fmt.Sprint(o["family"], " ", o["protocol"], " ", o["state"], " ", o["UNREPLIED"], " ", o["ASSURED"], " ",
			o["src"], " ", o["sport"], " > ", o["dst"], " ", o["dport"], " / ", o["reply-src"], " ", o["reply-sport"], " > ", o["reply-dst"], " ", o["reply-dport"], " ",
			o["type"], " ", o["id"+map[bool]string{true: ""}[o["type"] != ""]], " ", o["packets"], " ", o["bytes"], " ", o["reply-packets"], " ", o["reply-bytes"], " ",
			o["mark"], " ", o["zone"], o["zone-orig"]))
	}
	return sorted(flows)
}

// shownFlow is a flow as ofConntrack has it.
func shownFlow(o object) string {
	status := fmt.Sprint(o["status"])
	id := ""
	if o.text("icmpType") != "" {
		id = o.text("icmpID")
	}
	zone := o.text("zone") + o.text("originalZone")
	if zone = strings.TrimPrefix(zone, "0"); zone == "0" {
		zone = ""
	}
	return fmt.Sprint(o.text("family"), " ", o.text("protocol"), " ", o.text("state"), " ", !strings.Contains(status, "SEEN_REPLY"), " ", strings.Contains(status, "ASSURED"), " ",
		o.text("source"), " ", o.text("sourcePort"), " > ", o.text("destination"), " ", o.text("destinationPort"), " / ",
		o.text("replySource"), " ", o.text("replySourcePort"), " > ", o.text("replyDestination"), " ", o.text("replyDestinationPort"), " ",
		o.text("icmpType"), " ", id, " ", o.text("originalPackets"), " ", o.text("originalBytes"), " ", o.text("replyPackets"), " ", o.text("replyBytes"), " ",
		o.text("mark"), " ", zone)
}

func shownFlows(rows []object) (flows []string) {
	for _, o := range rows {
		flows = append(flows, shownFlow(o))
	}
	return sorted(flows)
}

// Flows are those of conntrack(8) and of /proc, all of them and by every filter that
// conntrack(8) has, too.
func TestFlows(t *testing.T) {
	n := tracked(t)
	for ours, theirs := range map[string]string{
		"": "", "-4": "-f ipv4", "-6": "-f ipv6", "-t": "-p tcp", "-S": "-p sctp", "--icmp": "-p icmp", "--filter family=ipv6": "-f ipv6", "--filter protocol=udp": "-p udp",
		"--filter mark=42": "-m 42", "--filter zone=7": "-w 7", "--filter status=ASSURED": "-u ASSURED", "--filter status!=SEEN_REPLY": "-u UNREPLIED",
		"--filter src=192.0.2.1": "-s 192.0.2.1", "--filter dst=127.0.0.0/8": "-d 127.0.0.0/8", "--filter protocol=tcp and dport=8080": "-p tcp --dport 8080",
		"--filter replySource=127.0.0.1 and protocol=tcp": "-r 127.0.0.1 -p tcp", "--filter state=established and proto=tcp": "-p tcp --state ESTABLISHED",
		"--filter destinationNAT=true": "-L --dst-nat", "--filter sourceNAT=true": "--src-nat",
	} {
		args := []string{"--conntrack"}
		if flag, expression, ok := strings.Cut(ours, " "); ok {
			args = append(args, flag, expression)
		} else if ours != "" {
			args = append(args, ours)
		}
		want := ofConntrack(n.Run(t, "conntrack", append(strings.Fields("-L -o extended"), strings.Fields(strings.TrimPrefix(theirs, "-L "))...)...))
		if got := shownFlows(objects(t, n, args...)); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%q:\n%s\nconntrack says\n%s", ours, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	all := objects(t, n, "--conntrack")
	if len(all) != 11 {
		t.Errorf("%d flows", len(all))
	}
	if nstest.HasKernel(t, "CONFIG_NF_CONNTRACK_PROCFS") {
		if got, want := shownFlows(all), ofConntrack(n.Run(t, "cat", "/proc/net/nf_conntrack")); !slices.Equal(withoutZones(got), withoutZones(want)) {
			t.Errorf("got\n%s\n/proc says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	ids := regexp.MustCompile(` id=(\d+)$`)
	var want, got []string
	for _, line := range lines(n.Run(t, "conntrack", "-L", "-o", "id")) {
		if m := ids.FindStringSubmatch(line); m != nil {
			want = append(want, m[1])
		}
	}
	for _, o := range all {
		got = append(got, o.text("id"))
		if o.text("start") == "" || o.text("use") == "" || number(t, o, "timeout") == 0 {
			t.Errorf("no beginning, references or timeout: %v", o)
		}
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("IDs %v, conntrack says %v", got, want)
	}
	// What people see: translation, marks, zones, labels.
	text := show(t, n, "--conntrack", "-n")
	for _, pattern := range []string{
		`(?m)^tcp +127\.0\.0\.1:\d+ +127\.0\.0\.9:8080 +dst=127\.0\.0\.1:8000 +ESTABLISHED +ASSURED `,
		`(?m)^udp .* 127\.0\.0\.1:5301 +src=127\.0\.0\.77:\d+ +- +UNREPLIED `, `(?m)^udp .*:5300 .* mark=42 labels=3$`,
		`(?m):5353 .* zone=7$`, `(?m):5354 .* zone-orig=8$`, `(?m)^icmp +192\.0\.2\.1 +192\.0\.2\.2 +- +type=8,code=0,id=5 `, `(?m)^200 +192\.0\.2\.1 `,
	} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("nothing matches %s in\n%s", pattern, text)
		}
	}
	// Orders, namespaces and turns are as of every table.
	rows := objects(t, n, "--conntrack", "--sort", "-bytes")
	if !slices.IsSortedFunc(rows, func(a, b object) int { return int(number(t, b, "bytes")) - int(number(t, a, "bytes")) }) {
		t.Errorf("not by bytes: %v", rows)
	}
	found := 0
	for _, o := range decode(t, try(t, n, "--json", "--conntrack", "--netns", "all").out) {
		if o.text("netns") == n.Name {
			found++
		}
	}
	if found != len(all) {
		t.Errorf("%d flows of %s among all, want %d", found, n.Name, len(all))
	}
	for args, sentence := range map[string]string{
		"--conntrack --host 192.0.2.1": "no MIB has it", "--expectations --host 192.0.2.1": "no MIB has them", "--conntrack -I lo": "--interface makes no sense with --conntrack",
		"--by source": "--by makes no sense with", "--conntrack --top 5": "--top makes sense with --by only", "--conntrack --by colour": `no field "colour"`,
		"--conntrack --by mark/8": "no address", "--conntrack --by source/33": `"33"`, "--conntrack --by source --top 0": "--top: 0", "--conntrack --by source -p": "--programs makes no sense with --by",
	} {
		if r := try(t, n, strings.Fields(args)...); r.status != 3 || r.out != "" || !strings.Contains(r.complaints, sentence) {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// withoutZones leaves out what /proc tells of zones in another form.
func withoutZones(flows []string) (found []string) {
	for _, f := range flows {
		found = append(found, strings.TrimRight(f, " 78"))
	}
	return sorted(found)
}

// The processes of flows are those that hold their sockets.
func TestFlowProcesses(t *testing.T) {
	n := tracked(t)
	self := strconv.Itoa(os.Getpid())
	for _, o := range try(t, n, "--json", "--conntrack", "-p", "--filter", "dport=8080").objects(t) {
		for _, member := range []string{"sourceProcesses", "destinationProcesses"} {
			if !strings.Contains(fmt.Sprint(o[member]), "pid:"+self) {
				t.Errorf("%s is %v, not %s", member, o[member], self)
			}
		}
	}
	if rows := try(t, n, "--json", "--conntrack", "--filter", "pid="+self).objects(t); len(rows) != 7 {
		t.Errorf("%d flows of this process", len(rows))
	}
	for _, o := range try(t, n, "--json", "--conntrack", "--by", "process").objects(t) {
		if strings.HasPrefix(o.text("key"), self+"/") && o.text("flows") != "7" {
			t.Errorf("%v", o)
		}
	}
}

func (r result) objects(t *testing.T) []object { t.Helper(); return decode(t, r.out) }

// Totals are the sums of what is shown of each flow, and what is not shown of them is
// in the row of the others.
func TestFlowTotals(t *testing.T) {
	n := tracked(t)
	flows := objects(t, n, "--conntrack")
	type sums struct{ flows, packets, bytes uint64 }
	for _, by := range []string{"source", "protocol", "zone", "state", "dport", "mark"} {
		member := map[string]string{"dport": "destinationPort"}[by]
		if member == "" {
			member = by
		}
		want, got := make(map[string]sums), make(map[string]sums)
		for _, o := range flows {
			s := want[o.text(member)]
			want[o.text(member)] = sums{s.flows + 1, s.packets + number(t, o, "packets"), s.bytes + number(t, o, "bytes")}
		}
		rows := objects(t, n, "--conntrack", "--by", by)
		for _, o := range rows {
			got[o.text("key")] = sums{number(t, o, "flows"), number(t, o, "packets"), number(t, o, "bytes")}
		}
		if !maps.Equal(got, want) || len(want) < 2 {
			t.Errorf("by %s: %v, want %v", by, got, want)
		}
		if !slices.IsSortedFunc(rows, func(a, b object) int { return int(number(t, b, "bytes")) - int(number(t, a, "bytes")) }) {
			t.Errorf("by %s: the largest is not first: %v", by, rows)
		}
		top := objects(t, n, "--conntrack", "--by", by, "--top", "1", "--sort", "-flows")
		slices.SortFunc(top, func(a, b object) int { return strings.Compare(a.text("others"), b.text("others")) })
		if len(top) != 2 || top[1].text("others") != "true" || top[1].text("key") != "" || number(t, top[0], "flows")+number(t, top[1], "flows") != uint64(len(flows)) {
			t.Errorf("by %s, one of them: %v", by, top)
		}
	}
	for by, want := range map[string]map[string]string{
		"source/8":    {"127.0.0.0/8": "6", "192.0.0.0/8": "4", "2001:db8::/64": "1"},
		"source/0/16": {"0.0.0.0/0": "10", "2001::/16": "1"},
		"addr":        {"127.0.0.1": "6", "127.0.0.9": "1", "127.0.0.77": "1", "192.0.2.1": "4", "192.0.2.2": "3", "192.0.2.9": "1", "2001:db8::1": "1"},
	} {
		got := make(map[string]string)
		for _, o := range objects(t, n, "--conntrack", "--by", by) {
			got[o.text("key")] = o.text("flows")
		}
		if !maps.Equal(got, want) {
			t.Errorf("by %s: %v, want %v", by, got, want)
		}
	}
	// A filter is of flows.
	rows := objects(t, n, "--conntrack", "--by", "protocol", "--filter", "mark=42")
	if len(rows) != 1 || rows[0].text("key") != "udp" || rows[0].text("flows") != "2" {
		t.Errorf("of marked flows: %v", rows)
	}
}

// How connection tracking fares is what conntrack(8) and the settings say, and needs
// no privilege; flows do, and what is needed is said.
func TestFlowStatistics(t *testing.T) {
	n := tracked(t)
	count := strings.TrimSpace(n.Run(t, "conntrack", "-C"))
	limit := strings.TrimSpace(n.Run(t, "sysctl", "-n", "net.netfilter.nf_conntrack_max"))
	perCPU := make(map[string]map[string]string)
	for _, line := range lines(n.Run(t, "conntrack", "-S")) {
		o := make(map[string]string)
		for _, m := range regexp.MustCompile(`([a-z_]+)=(\d+)`).FindAllStringSubmatch(line, -1) {
			o[strings.ReplaceAll(m[1], "_", "")] = m[2]
		}
		perCPU[o["cpu"]] = o
	}
	r := tryAsNobody(t, n, "--json", "--conntrack", "-s")
	if r.status != 0 {
		t.Errorf("without privileges: %+v", r)
	}
	processors := 0
	for _, o := range r.objects(t) {
		switch o.text("kind") {
		case "flowUsage":
			if o.text("flows") != count || o.text("limit") != limit || o.text("accounting") != "true" {
				t.Errorf("%v, conntrack says %s of %s", o, count, limit)
			}
		case "flowStatistics":
			processors++
			for member := range o {
				if want, told := perCPU[o.text("cpu")][strings.ToLower(member)]; told && o.text(member) != want {
					t.Errorf("%s of %s is %s, conntrack says %s", member, o.text("cpu"), o.text(member), want)
				}
			}
		}
	}
	if processors != len(perCPU) || processors == 0 {
		t.Errorf("%d processors, conntrack says %d", processors, len(perCPU))
	}
	sum := 0
	for _, o := range perCPU {
		inserted, _ := strconv.Atoi(o["insert"])
		sum += inserted
	}
	if nstest.HasKernel(t, "CONFIG_NF_CONNTRACK_PROCFS") {
		rows := tryAsNobody(t, n, "--json", "-s").objects(t)
		has(t, rows, "group", "conntrack", "name", "ConntrackInsert", "value", strconv.Itoa(sum), "narrow", "true")
		has(t, rows, "group", "conntrack", "name", "ConntrackEntries", "value", count, "type", "gauge")
		if show := try(t, n, "-sae"); !strings.Contains(show.out, "ConntrackClashResolve ") || !strings.Contains(show.out, "Races of two first packets") {
			t.Errorf("no meaning of ConntrackClashResolve:\n%s", show.out)
		}
	}
	for _, args := range [][]string{{"--conntrack"}, {"--conntrack", "--by", "source"}, {"--expectations"}} {
		r := tryAsNobody(t, n, append(args, "-i")...)
		if r.status != 1 || !strings.Contains(r.complaints, "CAP_NET_ADMIN") || !strings.Contains(r.out, "lo") {
			t.Errorf("%v without privileges: %+v", args, r)
		}
	}
}

// What helpers expect is what conntrack(8) says.
func TestExpectations(t *testing.T) {
	n := tracked(t)
	n.Listen(t, "tcp", "127.0.0.1:21")
	c := n.Dial(t, "tcp", "127.0.0.1:21")
	for _, line := range []string{"USER me\r\n", "PORT 127,0,0,1,7,209\r\n"} { // its port 2001, told in a line that follows another
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
	}
	if theirs := n.Run(t, "conntrack", "-L", "expect"); !strings.Contains(theirs, "2001") {
		t.Fatalf("conntrack has no expectation: %s", theirs)
	}
	rows := objects(t, n, "--expectations")
	has(t, rows, "kind", "expectation", "protocol", "tcp", "destination", "127.0.0.1", "destinationPort", "2001", "maskDestinationPort", "65535", "maskSourcePort", "0",
		"masterSource", "127.0.0.1", "masterDestinationPort", "21", "helper", "ftp")
	if text := show(t, n, "--expectations", "-n"); !strings.Contains(text, "127.0.0.1:2001") || !strings.Contains(text, ">127.0.0.1:21") {
		t.Errorf("%s\n%v", text, rows)
	}
	if rows := objects(t, n, "--expectations", "-u"); len(rows) != 0 {
		t.Errorf("of UDP: %v", rows)
	}
}

// What is recorded is shown as it was.
func TestRecordedFlows(t *testing.T) {
	n := tracked(t)
	file := filepath.Join(t.TempDir(), "flows")
	show(t, n, "--record", file, "--kinds", "flow,flow-statistics,expectation-statistics,flow-usage")
	want := shownFlows(objects(t, n, "--conntrack"))
	n.Run(t, "conntrack", "-F")
	if got := shownFlows(objects(t, n, "--conntrack", "--recording", file)); !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwere\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if rows := objects(t, n, "--conntrack", "-s", "--recording", file); len(rows) < 3 {
		t.Errorf("statistics: %v", rows)
	}
	if rows := objects(t, n, "--conntrack", "--by", "protocol", "--filter", "proto=icmp", "--recording", file); len(rows) != 1 {
		t.Errorf("totals: %v", rows)
	}
}
