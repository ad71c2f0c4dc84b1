package netstat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// agent runs this project's agent in a namespace and returns its address there.
func agent(t *testing.T, n *nstest.NS) string {
	t.Helper()
	path := nstest.Program(t, "netsnmp-agent")
	const address = "127.0.0.1:1161"
	start(t, n, address, path, "--listen", "udp:"+address, "--listen", "tcp:"+address)
	return address
}

// start runs an agent until the test ends, and waits until it answers.
func start(t *testing.T, n *nstest.NS, address, path string, args ...string) {
	t.Helper()
	n.Start(t, path, args...)
	eventually(t, func() string {
		if r := try(t, n, "-in", "--host", address); r.status != 0 {
			return "the agent does not answer: " + r.complaints
		}
		return ""
	})
}

// of returns members of rows, as sorted text. A row without one lacks it.
func of(rows []object, members ...string) (found []string) {
	for _, o := range rows {
		var words []string
		for _, m := range members {
			words = append(words, m+"="+o.text(m))
		}
		found = append(found, strings.Join(words, " "))
	}
	return sorted(found)
}

// normal makes rows what MIBs have: a connection over IPv4 is one of IPv4
// whatever its socket is (RFC 4022), a loopback has no address, and the agent's
// own sockets come and go.
func normal(rows []object) []object {
	return slices.DeleteFunc(rows, func(o object) bool {
		for _, m := range []string{"localAddress", "remoteAddress"} {
			if four, mapped := strings.CutPrefix(o.text(m), "::ffff:"); mapped {
				o[m], o["family"] = four, "ipv4"
			}
		}
		// Of processes MIBs have the number.
		if processes, ok := o["processes"].([]any); ok {
			var numbers []any
			for _, p := range processes {
				numbers = append(numbers, p.(map[string]any)["pid"])
			}
			o["processes"] = numbers
		}
		if o.text("address") == "00:00:00:00:00:00" {
			delete(o, "address")
		}
		const agents = "1161 1661"
		return o.text("kind") == "socket" && (strings.Contains(agents, o.text("localPort")) || strings.Contains(agents, o.text("remotePort")) && o.text("remotePort") != "")
	})
}

// sameEverywhere looks at the scene of a namespace in a mode: what is read there,
// what an agent tells of it, and what a recording of either has are the same.
func sameEverywhere(t *testing.T, n *nstest.NS, host, mode, members string) {
	t.Helper()
	args, columns := append(strings.Fields(mode), "--json"), strings.Fields(members)
	dir := t.TempDir()
	eventually(t, func() string {
		rows := func(more ...string) (string, result) {
			r := try(t, n, append(args, more...)...)
			return strings.Join(of(normal(decode(t, r.out)), columns...), "\n"), r
		}
		before, local := rows()
		there, r := rows("--host", host)
		if after, _ := rows(); local.status != 0 || before == "" || before != after || before != there || r.status != 0 {
			return fmt.Sprintf("%s: status %d %s the agent tells\n%s\nthe kernel\n%s\nand %s\n%s", mode, r.status, r.complaints, there, before, local.complaints, after)
		}
		for name, from := range map[string][]string{"kernel": nil, "agent": {"--host", host}} {
			file := filepath.Join(dir, name+".rec")
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if r := try(t, n, append([]string{"--record", file}, from...)...); r.status != 0 || r.out != "" {
				return fmt.Sprintf("record the %s: %+v", name, r)
			}
			if recorded, r := rows("--recording", file); recorded != before || r.status != 0 {
				return fmt.Sprintf("%s: status %d %s the recording of the %s has\n%s\nthe kernel\n%s", mode, r.status, r.complaints, name, recorded, before)
			}
		}
		return ""
	})
}

// Members of rows that MIBs tell.
const (
	socketMembers    = "kind protocol family state localAddress localPort remoteAddress remotePort"
	listenerMembers  = "kind protocol family state localAddress localPort"
	interfaceMembers = "kind name index mtu address speed"
	routeMembers     = "kind destination gateway interface metric type table"
	counterMembers   = "kind group name value meaning"
	neighbourMembers = "kind address linkAddress interface"
)

// What an agent in a namespace tells of it is what is read there without one, in
// every mode that SNMP can carry.
func TestHost(t *testing.T) {
	t.Setenv("SNMP_COMMUNITY", "public")
	n := scene(t)
	sockets(t, n)
	n.IP(t, "-6 route add 2001:db8:5::/48 via 2001:db8:1111:2222::2 metric 10",
		"neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent", "neigh add fe80::9 lladdr 02:00:00:00:00:0a dev a0 nud stale")
	host := agent(t, n)
	// Over TCP, the counters of UDP are at rest, and over UDP those of TCP.
	stream := "tcp:" + host
	for _, c := range []struct{ host, mode, members string }{
		{host, "-tan", socketMembers}, {host, "-tn", socketMembers}, {host, "-tln", listenerMembers},
		// An IPv6 socket's connection over IPv4 is one of IPv4 to the MIB.
		{host, "-tan4 --filter port=8080", socketMembers}, {host, "-tan6 --filter src=2001:db8::/32", socketMembers},
		{host, "-tan --filter state=established", socketMembers}, {host, "-tan --filter dst=127.0.0.0/8", socketMembers},
		{stream, "-uan", socketMembers}, {stream, "-un", socketMembers}, {stream, "-uln", listenerMembers},
		{host, "-tuln --filter port!=1161", listenerMembers},
		{host, "-tlnp", listenerMembers + " processes"},
		{host, "-in", interfaceMembers}, {host, "-ina", interfaceMembers}, {host, "-ien", interfaceMembers}, {host, "-I a0 -n", interfaceMembers},
		{host, "-in --filter name=a0,b0", "name rx_packets rx_bytes rx_errors tx_packets tx_bytes tx_errors tx_dropped"},
		{host, "-rn", routeMembers}, {host, "-rn4", routeMembers}, {host, "-rn6 --table main", routeMembers},
		{host, "-rn --filter metric=5", routeMembers},
		{host, "-s --tcp -a --filter name=TcpRtoMin,TcpRtoMax,TcpActiveOpens,TcpPassiveOpens,TcpCurrEstab,TcpMaxConn,TcpInSegs,TcpRetransSegs", counterMembers},
		{stream, "-s --udp -4 -a --filter name=UdpNoPorts,UdpInErrors", counterMembers},
		{host, "-s --filter name=IpForwDatagrams,IpReasmOKs,Ip6InNoRoutes,Ip6OutForwDatagrams -a", counterMembers},
		{host, "-n --addresses", "kind address prefixLength interface"},
		{host, "-n --neighbours --filter state=permanent,stale", "kind family address linkAddress state interface"},
	} {
		t.Run(c.mode, func(t *testing.T) { sameEverywhere(t, n, c.host, c.mode, c.members) })
	}
	// What SNMP does not tell is no 0.
	for args, members := range map[string][]string{
		"-tan": {"inode", "cookie", "timer", "retransmits", "receiveQueue", "sendQueue", "uid", "interface"},
		"-in":  {"rx_fifo_errors", "rx_missed_errors", "tx_carrier_errors", "collisions", "qdisc", "transmitQueueLength"},
		"-rn":  {"scope", "mtu", "window", "weight"},
		// The policy of a plain route is the one that many agents have for all.
		"-rn --filter destination=10.0.0.0/8": {"tos"},
	} {
		for _, o := range objects(t, n, append(strings.Fields(args), "--host", host)...) {
			for _, m := range members {
				if o[m] != nil {
					t.Errorf("%s tells %s in %v", args, m, o)
				}
			}
		}
	}
	for _, o := range objects(t, n, "-in", "--host", host) {
		flags := fmt.Sprint(o["flags"])
		if want := map[string]string{"lo": "[up loopback running]", "a0": "[up running]", "b0": "[up running]"}[o.text("name")]; flags != want {
			t.Errorf("flags of %v are %s", o["name"], flags)
		}
	}
	for _, mode := range []string{"-g", "-m", "-B", "--rules", "-Q", "-x", "-L"} {
		if r := try(t, n, "-n", mode, "--json", "--host", host); r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "not supported") {
			t.Errorf("%s: %+v", mode, r)
		}
	}
}

// Rows of several hosts name theirs, and a host that does not answer is said
// once.
func TestHosts(t *testing.T) {
	n := scene(t)
	dir := t.TempDir()
	config, hosts := filepath.Join(dir, "snmp.conf"), filepath.Join(dir, "hosts")
	for file, text := range map[string]string{
		config: "defCommunity public\ndefaultPort 1161\nretries 1\n",
		hosts:  "# routers\nudp:127.0.0.1\n\n127.0.0.1:9 # discards\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SNMP_COMMUNITY", "public")
	host := agent(t, n)
	t.Setenv("SNMP_COMMUNITY", "")
	if err := os.Unsetenv("SNMP_COMMUNITY"); err != nil {
		t.Fatal(err)
	}
	r := try(t, n, "-in", "--json", "--snmp-config", config, "--host", host, "--hosts", hosts)
	if r.status != 1 || strings.Count(r.complaints, "\n") != 1 || !strings.Contains(r.complaints, "127.0.0.1:9") {
		t.Errorf("status %d: %s", r.status, r.complaints)
	}
	want := []string{
		"host=127.0.0.1:1161 name=a0", "host=127.0.0.1:1161 name=b0", "host=127.0.0.1:1161 name=lo",
		"host=udp:127.0.0.1 name=a0", "host=udp:127.0.0.1 name=b0", "host=udp:127.0.0.1 name=lo",
	}
	if got := of(decode(t, r.out), "host", "name"); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	text := try(t, n, "-rn", "--snmp-config", config, "--host", host, "--hosts", hosts).out
	if !strings.Contains(text, "Host\n") || strings.Count(text, "udp:127.0.0.1\n") != 6 {
		t.Errorf("routes of two hosts:\n%s", text)
	}
	// Who is silent for too long is given up, and the others are shown in their
	// order.
	n.ListenPacket(t, "udp4", "127.0.0.1:5001")
	dead := "127.0.0.1:5001"
	patient := filepath.Join(dir, "patient.conf")
	if err := os.WriteFile(patient, []byte("defCommunity public\nretries 90\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []string{"--snmp-config", patient, "--timeout", "8", "--host", strings.Join([]string{"tcp:" + host, dead, host}, ",")}
	r = try(t, n, append([]string{"-I", "a0", "--json"}, all...)...)
	if r.status != 1 || strings.Count(r.complaints, "\n") != 1 || !strings.Contains(r.complaints, dead+": the host took longer than 8s") {
		t.Errorf("status %d: %s", r.status, r.complaints)
	}
	var order []string
	for _, o := range decode(t, r.out) {
		order = append(order, o.text("host"))
	}
	if !slices.Equal(order, []string{"tcp:" + host, host}) {
		t.Errorf("rows of %q", order)
	}
	// A recording of them says the same.
	file := filepath.Join(dir, "hosts.rec")
	r = try(t, n, append([]string{"--record", file, "--kinds", "interface"}, all...)...)
	if r.status != 1 || r.out != "" || !strings.Contains(r.complaints, dead) {
		t.Errorf("record: %+v", r)
	}
	r = try(t, n, "-I", "a0", "--json", "--recording", file, "--netns", "all")
	if got := of(decode(t, r.out), "host", "netns"); r.status != 1 || !strings.Contains(r.complaints, dead) ||
		!slices.Equal(got, []string{"host=" + host + " netns=", "host=tcp:" + host + " netns="}) {
		t.Errorf("recorded: %+v", r)
	}
	if r := try(t, n, "-I", "a0", "--json", "--recording", file, "--netns", host); r.status != 0 || len(decode(t, r.out)) != 1 {
		t.Errorf("one recorded host: %+v", r)
	}
	// That none answers leaves no file.
	nothing := filepath.Join(dir, "nothing.rec")
	r = try(t, n, "--record", nothing, "--timeout", "1", "--snmp-config", patient, "--host", dead)
	if _, err := os.Stat(nothing); r.status != 1 || !strings.Contains(r.complaints, dead) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("recording of nothing: %+v, %v", r, err)
	}
	// Who is not let in hears nothing, and no secret is shown.
	if err := os.WriteFile(config, []byte("defCommunity s3cr3t\nretries 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := try(t, n, "-in", "--snmp-config", config, "--host", host); r.status != 1 || r.out != "" || !strings.Contains(r.complaints, host) || strings.Contains(r.complaints, "s3cr3t") {
		t.Errorf("an unknown community: %+v", r)
	}
	if r := try(t, n, "-in", "--snmp-config", filepath.Join(dir, "none"), "--host", host); r.status != 1 || !strings.Contains(r.complaints, dir) {
		t.Errorf("no configuration: %+v", r)
	}
}

// net-snmp's own agent is read as well, and for what this project's does not
// serve.
func TestHostOfNetSNMP(t *testing.T) {
	nstest.NeedsProgram(t, "snmpd")
	t.Setenv("SNMP_COMMUNITY", "public")
	n := scene(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	n.IP(t, "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent",
		"-6 neigh add 2001:db8:1111:2222::9 lladdr 02:00:00:00:00:0a dev a0 nud permanent")
	dir := t.TempDir()
	config := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(config, []byte("rocommunity public\n[snmp] persistentDir "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	counted := func() map[string]uint64 {
		counters := make(map[string]uint64)
		for _, o := range objects(t, n, "-s", "-a") {
			if o.text("type") == "counter" {
				counters[o.text("name")] = number(t, o, "value")
			}
		}
		return counters
	}
	first := counted()
	const host = "127.0.0.1:1661"
	start(t, n, host, "snmpd", "-f", "-Lo", "-C", "-c", config, "-p", filepath.Join(dir, "pid"), "udp:"+host)
	// snmpd has a default route's gateway and metric, but no table.
	for _, c := range []struct{ mode, members string }{
		{"--neighbours -n --filter state~permanent", neighbourMembers},
		{"-tln", "kind protocol family state localAddress localPort"},
		{"-in --filter name=a0,b0", "kind name mtu address"},
		{"-rn4 --filter destination!=10.99.0.1/32", "kind destination gateway interface"},
	} {
		t.Run(c.mode, func(t *testing.T) { sameEverywhere(t, n, host, c.mode, c.members) })
	}
	// The addresses of an interface stand in its paragraph.
	eventually(t, func() string {
		addresses := func(args ...string) (found []string) {
			r := try(t, n, append([]string{"-ien"}, args...)...)
			for _, line := range lines(r.out) {
				if words := strings.Fields(line); len(words) > 3 && strings.HasPrefix(words[0], "inet") {
					found = append(found, strings.Join(words[:4], " "))
				}
			}
			return found
		}
		here, there := addresses(), addresses("--host", host)
		if len(here) < 4 || !slices.Equal(sorted(here), sorted(there)) {
			return fmt.Sprintf("addresses: the agent tells %q, the kernel %q", there, here)
		}
		return ""
	})
	// Counters move with each question: what is told of them was so meanwhile.
	// snmpd's may be half a minute old, but not from before it was there.
	eventually(t, func() string {
		r := try(t, n, "-s", "-a", "--json", "--host", host)
		last := counted()
		told := make(map[string]int)
		for _, o := range decode(t, r.out) {
			if o.text("type") != "counter" {
				continue
			}
			name, value := o.text("name"), number(t, o, "value")
			// UDP's are those of IPv4 and IPv6 together.
			low, high := first[name], last[name]
			if strings.HasPrefix(name, "Udp") {
				other := strings.Replace(name, "Udp", "Udp6", 1)
				low, high = low+first[other], high+last[other]
			}
			if value < low || value > high {
				return fmt.Sprintf("%s is %d, and was from %d to %d", name, value, low, high)
			}
			told[o.text("group")]++
		}
		for group, least := range map[string]int{"ip": 15, "ip6": 10, "tcp": 8, "udp": 4} {
			if told[group] < least {
				return fmt.Sprintf("of %s are told %d counters: %s\n%s", group, told[group], r.complaints, r.out)
			}
		}
		return ""
	})
}

// By how much counters grow is told of several hosts, of two agents here, until
// it is interrupted.
func TestHostInterval(t *testing.T) {
	t.Setenv("SNMP_COMMUNITY", "public")
	n := scene(t)
	host := agent(t, n)
	cmd := exec.Command("ip", "netns", "exec", n.Name, program, "-i", "--json", "--interval", "0.1", "--host", host+",tcp:"+host)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	grew, total := make(map[string]uint64), make(map[string]uint64)
	rows := json.NewDecoder(out)
	interrupted := false
	for {
		var o object
		if rows.Decode(&o) != nil {
			break
		}
		if o.text("name") != "lo" {
			continue
		}
		sum := grew
		if o["total"] == true {
			sum = total
		}
		sum[o.text("host")] += uint64(o["rx_bytes"].(float64))
		// Each question is carried by the loopback.
		if len(grew) == 2 && grew[host] > 2000 && grew["tcp:"+host] > 2000 && !interrupted {
			interrupted = true
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
	}
	err = cmd.Wait()
	for line := range strings.Lines(complaints.String()) {
		// A host that is late in a turn is told of in that, and makes the status 1. Whether
		// one is depends on the machine.
		if err != nil && !strings.Contains(line, "no whole answer yet") && !strings.Contains(line, "not asked in time") {
			t.Error(line)
		}
	}
	if err != nil && (cmd.ProcessState.ExitCode() != 1 || complaints.Len() == 0) || !maps.Equal(grew, total) || len(total) != 2 {
		t.Errorf("%v: grew by %v, in all by %v: %s", err, grew, total, complaints.String())
	}
}
