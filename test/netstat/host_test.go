package netstat_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// agent runs this project's agent in a namespace and returns its address there.
func agent(t *testing.T, n *nstest.NS) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netsnmp-agent")
	out, err := exec.Command("go", "build", "-o", path, "github.com/netsnmp-agent/netsnmp-agent/cmd/netsnmp-agent").CombinedOutput()
	if err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	const address = "127.0.0.1:1161"
	start(t, n, address, path, "--listen", "udp:"+address)
	return address
}

// start runs an agent until the test ends, and waits until it answers.
func start(t *testing.T, n *nstest.NS, address, path string, args ...string) {
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.Name, path}, args...)...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", path, log.String())
		}
	})
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

// kernelRows are a mode's rows as a MIB has them: a connection over IPv4 is one
// of IPv4 whatever its socket is (RFC 4022), and a loopback has no address.
func kernelRows(t *testing.T, n *nstest.NS, args ...string) []object {
	t.Helper()
	rows := objects(t, n, args...)
	for _, o := range rows {
		for _, m := range []string{"localAddress", "remoteAddress"} {
			if four, mapped := strings.CutPrefix(o.text(m), "::ffff:"); mapped {
				o[m], o["family"] = four, "ipv4"
			}
		}
		if o.text("address") == "00:00:00:00:00:00" {
			delete(o, "address")
		}
	}
	return rows
}

// What an agent in a namespace tells of it is what is read there without one.
func TestHost(t *testing.T) {
	t.Setenv("SNMP_COMMUNITY", "public")
	n := scene(t)
	sockets(t, n)
	n.IP(t, "-6 route add 2001:db8:5::/48 via 2001:db8:1111:2222::2 metric 10",
		"neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent", "neigh add fe80::9 lladdr 02:00:00:00:00:0a dev a0 nud stale")
	host := agent(t, n)
	for _, c := range []struct{ args, members string }{
		{"-tan", "kind protocol family state localAddress localPort remoteAddress remotePort"},
		{"-tln", "kind protocol family state localAddress localPort"},
		{"-uan --filter port=5353,6363", "kind protocol family state localAddress localPort remoteAddress remotePort"},
		{"-ina", "kind name index mtu address speed"},
		{"-rn", "kind destination gateway interface metric type table"},
		{"-rn6 --table main", "kind destination gateway interface metric type table"},
		{"-s --filter name=TcpRtoMin,TcpActiveOpens,TcpPassiveOpens,TcpCurrEstab,TcpMaxConn -a", "kind group name value meaning"},
		{"-s --filter name=IpForwDatagrams,IpReasmOKs,Ip6InNoRoutes,Ip6OutForwDatagrams -a", "kind group name value meaning"},
		{"-n --neighbours --filter state=permanent,stale", "kind family address linkAddress state interface"},
	} {
		args, members := strings.Fields(c.args), strings.Fields(c.members)
		eventually(t, func() string {
			here := of(kernelRows(t, n, args...), members...)
			r := try(t, n, append(args, "--json", "--host", host)...)
			there := of(decode(t, r.out), members...)
			if r.status != 0 || len(here) == 0 || !slices.Equal(here, there) {
				return fmt.Sprintf("%s: status %d %s the agent tells\n%s\nthe kernel\n%s", c.args, r.status, r.complaints,
					strings.Join(there, "\n"), strings.Join(here, "\n"))
			}
			return ""
		})
	}
	// What SNMP does not tell is no 0.
	for args, members := range map[string][]string{
		"-tan": {"inode", "cookie", "timer", "retransmits", "receiveQueue", "sendQueue", "uid", "interface"},
		"-in":  {"rx_fifo_errors", "rx_missed_errors", "tx_carrier_errors", "collisions", "qdisc", "transmitQueueLength"},
		"-rn":  {"scope", "tos", "mtu", "window", "weight"},
	} {
		for _, o := range objects(t, n, args, "--host", host) {
			for _, m := range members {
				if o[m] != nil {
					t.Errorf("%s tells %s in %v", args, m, o)
				}
			}
		}
	}
	for _, o := range objects(t, n, "-in", "--host", host) {
		flags := fmt.Sprint(o["flags"])
		if want := map[string]string{"lo": "[loopback running up]", "a0": "[running up]", "b0": "[running up]"}[o.text("name")]; flags != want {
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

// net-snmp's own agent is read as well.
func TestHostOfNetSNMP(t *testing.T) {
	nstest.NeedsProgram(t, "snmpd")
	t.Setenv("SNMP_COMMUNITY", "public")
	n := scene(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	n.IP(t, "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent")
	dir := t.TempDir()
	config := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(config, []byte("rocommunity public\n[snmp] persistentDir "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const host = "127.0.0.1:1661"
	start(t, n, host, "snmpd", "-f", "-Lo", "-C", "-c", config, "-p", filepath.Join(dir, "pid"), "udp:"+host)
	for _, c := range []struct{ args, want string }{
		{"-tln", "protocol=tcp localAddress=127.0.0.1 localPort=8080 state=LISTEN"},
		{"-uan", "protocol=udp localAddress=127.0.0.1 localPort=1661"},
		{"-in", "name=a0 mtu=1500"},
		{"-rn", "destination=10.0.0.0/8 gateway=192.0.2.2 interface=a0"},
		{"--neighbours", "address=192.0.2.9 linkAddress=02:00:00:00:00:09 interface=a0"},
		{"-s", "group=ip name=IpInReceives"},
		{"-s", "group=ip6 name=Ip6InReceives"},
		{"-s", "group=tcp name=TcpInSegs"},
	} {
		eventually(t, func() string {
			r := try(t, n, "--json", c.args, "--host", host)
			if r.status != 0 {
				return fmt.Sprintf("%s: status %d: %s", c.args, r.status, r.complaints)
			}
			var members []string
			for word := range strings.FieldsSeq(c.want) {
				member, _, _ := strings.Cut(word, "=")
				members = append(members, member)
			}
			if rows := of(decode(t, r.out), members...); !slices.Contains(rows, c.want) {
				return fmt.Sprintf("%s: no %s in\n%s", c.args, c.want, strings.Join(rows, "\n"))
			}
			return ""
		})
	}
}
