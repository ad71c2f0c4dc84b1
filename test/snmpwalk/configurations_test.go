package snmpwalk_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// configuration is a file of testdata/configurations.txt.
type configuration struct {
	name  string
	asked []string
	text  string
}

func configurations(t *testing.T) (all []configuration) {
	t.Helper()
	text, err := os.ReadFile("testdata/configurations.txt")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "\n-- ")
	for _, part := range parts[1:] {
		head, body, _ := strings.Cut(part, "\n")
		name, asked, _ := strings.Cut(head, ": ")
		all = append(all, configuration{name, strings.Fields(asked), body + "\n"})
	}
	if len(all) < 40 {
		t.Fatalf("%d files", len(all))
	}
	return all
}

// in writes a file and those that it includes into a folder of its own, with a community behind it that is always let in, and
// returns its name.
func (c *configuration) in(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "conf") // t.TempDir's can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	text := strings.ReplaceAll(c.text, "DIR", dir)
	for name, text := range map[string]string{
		"agent.conf":              text + "rocommunity " + alwaysLetIn + "\nrocommunity6 " + alwaysLetIn + "\n",
		"more.conf":               "rocommunity more 192.0.2.0/24\n",
		"conf.d/a.conf":           "view part included .1.3.6.1.2.1.1\nrocommunity more 192.0.2.77 -V part\nrocommunity public 192.0.2.77 -V part\n",
		"conf.d/.hidden.conf":     "rocommunity public\n",
		"conf.d/README":           "rocommunity public\n",
		"snmpd.conf.d/local.conf": "# nothing\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "agent.conf")
}

const alwaysLetIn = "always-let-in"

// question is who asks from where by which version, and what for.
type question struct {
	community, from string
	version         gosnmp.SnmpVersion
	name            string
}

// askers are addresses of the host, from which it asks itself.
var askers = []string{"127.0.0.1", "192.0.2.5", "192.0.2.77", "::1", "2001:db8::5"}

// askAll asks the agent of a namespace for variables, and returns what it has a value for. It
// waits for all that is answered at once, and for those that another agent gave.
func askAll(t *testing.T, ns *nstest.NS, communities, names []string, other map[question]bool) map[question]bool {
	t.Helper()
	listening := ns.Run(t, "ss", "-Hlnu", "sport = :161")
	got := map[question]bool{}
	for _, from := range askers {
		network, to := "udp4", "127.0.0.1:161"
		if strings.Contains(from, ":") {
			network, to = "udp6", "[::1]:161"
			if !strings.Contains(listening, "[::") && !strings.Contains(listening, " *:161") {
				continue
			}
		}
		server, err := net.ResolveUDPAddr(network, to)
		if err != nil {
			t.Fatal(err)
		}
		c := conversation{ns.ListenPacket(t, network, net.JoinHostPort(from, "0")), server, nil}
		var questions []question
		for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
			for _, community := range communities {
				for _, name := range names {
					questions = append(questions, question{community, from, version, name})
				}
			}
		}
		for some := range slices.Chunk(questions, 60) { // what fits into a socket's buffer
			c.ask(t, some, other, got)
		}
	}
	return got
}

// conversation is a socket that asks an agent.
type conversation struct {
	net.PacketConn
	server net.Addr
	asked  []question
}

func (c *conversation) ask(t *testing.T, questions []question, other, got map[question]bool) {
	t.Helper()
	for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
		questions = append(questions[:len(questions):len(questions)], question{alwaysLetIn, "", version, ".1.3.6.1.2.1.1.3.0"})
	}
	before := len(c.asked)
	for _, q := range questions {
		c.asked = append(c.asked, q)
		packet := gosnmp.SnmpPacket{
			Version: q.version, Community: q.community, PDUType: gosnmp.GetRequest, RequestID: uint32(len(c.asked)),
			Variables: []gosnmp.SnmpPDU{{Name: q.name, Type: gosnmp.Null}},
		}
		message, err := packet.MarshalMsg()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteTo(message, c.server); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	ended := false
	lacks := func() bool {
		return slices.ContainsFunc(questions, func(q question) bool { return other[q] && !got[q] })
	}
	for buffer := make([]byte, 1500); !ended || lacks(); { // what need not be waited for is answered in order
		n, _, err := c.ReadFrom(buffer)
		if err != nil {
			t.Errorf("at %s: %v", c.LocalAddr(), err)
			return
		}
		g := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
		answer, err := g.SnmpDecodePacket(buffer[:n])
		if err != nil || answer.RequestID == 0 || int(answer.RequestID) > len(c.asked) || len(answer.Variables) != 1 {
			t.Errorf("%v, %v", answer, err)
			return
		}
		q := c.asked[answer.RequestID-1]
		if q.community == alwaysLetIn {
			ended = ended || int(answer.RequestID) > before
			continue
		}
		switch answer.Variables[0].Type {
		case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView, gosnmp.Null:
		default:
			got[q] = true
		}
	}
}

// start starts an agent with a file in a namespace: snmpd, or the program.
func (c *configuration) start(t *testing.T, isSnmpd bool) *nstest.NS {
	t.Helper()
	ns := nstest.New(t)
	ns.IP(t, "link set lo up", "addr add 192.0.2.5/32 dev lo", "addr add 192.0.2.77/32 dev lo", "addr add 2001:db8::5/128 dev lo nodad")
	file := c.in(t)
	if isSnmpd {
		dir := filepath.Dir(file)
		cmd := exec.Command(snmpdPath, "-f", "-Lo", "-C", "-c", file, "-I", "-smux", "-x", "unix:"+filepath.Join(dir, "agentx"))
		cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+filepath.Join(dir, "persistent"), "MIBS=")
		startCommand(t, ns, cmd).await(t, "NET-SNMP version", 1)
	} else {
		start(t, ns, program, "--config", file, "--state", stateDir(t)).await(t, givenUp, 1)
	}
	return ns
}

// sameAnswers compares what the program told with what snmpd told.
func sameAnswers(t *testing.T, ours, theirs map[question]bool) {
	t.Helper()
	for q := range theirs {
		if !ours[q] {
			t.Errorf("%+v: nothing, and snmpd tells", q)
		}
	}
	for q := range ours {
		if !theirs[q] {
			t.Errorf("%+v: it tells, and snmpd does not", q)
		}
	}
}

// TestConfigurations gives files as there are for snmpd to both, unchanged: the agent starts, listens where snmpd does, and lets
// the same read the same.
func TestConfigurations(t *testing.T) {
	needsTools(t)
	names := []string{".1.3.6.1.2.1.1.3.0", ".1.3.6.1.2.1.2.1.0", ".1.3.6.1.2.1.4.1.0", ".1.3.6.1.2.1.11.1.0"}
	for _, c := range configurations(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var answers [2]map[question]bool
			var users [2]string
			var listening [2][]string
			for i := range answers {
				ns := c.start(t, i == 0)
				communities := []string{"nobody"}
				for _, who := range c.asked {
					parts := strings.Split(who, "/")
					if len(parts) == 1 {
						communities = append(communities, who)
						continue
					}
					args := []string{"-On", "-Oqv", "-t", "60", "-r", "0", "-v3", "-l", "authNoPriv", "-u", parts[0], "-a", parts[1], "-A", parts[2]}
					if len(parts) > 3 {
						args = append(args, "-x", parts[3], "-X", parts[4], "-l", "authPriv")
					}
					for _, name := range []string{"1.3.6.1.2.1.2.1.0", "1.3.6.1.2.1.1.3.0"} {
						r := startCommand(t, ns, exec.Command("snmpget", append(args, "127.0.0.1:161", name)...))
						users[i] += fmt.Sprintf("%s %s: %v %t\n", parts[0], name, r.exit(t), strings.Contains(r.output.String(), "No Such"))
					}
				}
				answers[i] = askAll(t, ns, communities, names, answers[0])
				for line := range strings.Lines(ns.Run(t, "ss", "-Hlnu", "sport = :161")) {
					if f := strings.Fields(line); len(f) > 3 {
						listening[i] = append(listening[i], f[3])
					}
				}
				slices.Sort(listening[i])
			}
			sameAnswers(t, answers[1], answers[0])
			if users[0] != users[1] {
				t.Errorf("users:\n%ssnmpd:\n%s", users[1], users[0])
			}
			if !slices.Equal(listening[0], listening[1]) {
				t.Errorf("it listens at %s, snmpd at %s", listening[1], listening[0])
			}
		})
	}
}

// oddLines are lines that can be read in more than one way, and communities that somebody might read in them. Left out is rocommunity
// with an apostrophe or a backslash in the community itself, which snmpd reads twice.
var oddLines = []struct {
	line  string
	words []string
}{
	{`rocommunity aa"lic"`, []string{`aa"lic"`, `aalic`, `aa`}},
	{`rocommunity "ac"192.0.2.5`, []string{`ac`, `ac192.0.2.5`}},
	{"rocommunity ad\v192.0.2.5", []string{`ad`, "ad\v192.0.2.5"}},
	{"rocommunity ae\f192.0.2.5", []string{`ae`, "ae\f192.0.2.5"}},
	{"rocommunity af\r192.0.2.5", []string{`af`, "af\r192.0.2.5"}},
	{"rocommunity ag\t192.0.2.5", []string{`ag`}},
	{"rocommunity ah\u00a0", []string{"ah\u00a0", "ah", "ah\xc2"}},
	{"rocommunity ai\x85", []string{"ai\x85", "ai"}},
	{"rocommunity aj\u2028192.0.2.5", []string{"aj\u2028192.0.2.5", "aj"}},
	{`rocommunity ak\ x`, []string{`ak x`, `ak\`, `ak`, `ak\ x`}},
	{`rocommunity "al x"`, []string{`al x`, `"al x"`, `al`}},
	{`rocommunity 'am "x"'`, []string{`am "x"`, `am x`}},
	{`rocommunity "an\"x"`, []string{`an"x`, `an\`, `an\"x`}},
	{`rocommunity aq\nx`, []string{`aqnx`, "aq\nx", `aq\nx`}},
	{`rocommunity ar#x`, []string{`ar#x`, `ar`}},
	{`rocommunity as # 192.0.2.5`, []string{`as`}},
	{`rocommunity at #192.0.2.5`, []string{`at`}},
	{`rocommunity au 192.0.2.5 # x`, []string{`au`}},
	{`rocommunity av\#x`, []string{`av#x`, `av`}},
	{`"rocommunity" aw`, []string{`aw`}},
	{`ro\community ax`, []string{`ax`}},
	{"  \t rocommunity ay", []string{`ay`}},
	{"\v\frocommunity az", []string{`az`}},
	{`ROcommUNITY ba`, []string{`ba`}},
	{"rocommunity bb\r", []string{`bb`, "bb\r"}},
	{"rocommunity bc  192.0.2.5 \t ", []string{`bc`}},
	{`rocommunity bd 192.0.2.0/24`, []string{`bd`}},
	{`rocommunity be 192.0.2.0/255.255.255.0`, []string{`be`}},
	{`rocommunity bf 0.0.0.0`, []string{`bf`}},
	{`rocommunity bg 0.0.0.0/0`, []string{`bg`}},
	{`rocommunity bh 0.0.0.0/0.0.0.0`, []string{`bh`}},
	{`rocommunity bi default`, []string{`bi`}},
	{`rocommunity bj '192.0.2.5'`, []string{`bj`}},
	{`rocommunity bk 192.0.2.5/32`, []string{`bk`}},
	{`rocommunity bl 127.0.0.0/8`, []string{`bl`}},
	{"rocommunity bm !192.0.2.5\nrocommunity bm", []string{`bm`}},
	{"rocommunity bn 192.0.2.5\nrocommunity bn 192.0.2.77", []string{`bn`}},
	{`rocommunity bo default .1.3.6.1.2.1.2`, []string{`bo`}},
	{`rocommunity bp default 1.3.6.1.2.1.1.`, []string{`bp`}},
	{`rocommunity bq default iso.3.6.1.2.1.1`, []string{`bq`}},
	{`rocommunity br "192.0.2.5" ".1.3.6.1.2.1.1"`, []string{`br`}},
	{`rocommunity -v 2c bs`, []string{`bs`}},
	{`rocommunity -v 1 bt`, []string{`bt`}},
	{`rocommunity bu` + strings.Repeat(" ", 3000) + `192.0.2.5`, []string{`bu`}},
	{`rocommunity bv` + strings.Repeat("v", 250), []string{`bv` + strings.Repeat("v", 250)}},
	{`#rocommunity bw`, []string{`bw`}},
	{` # rocommunity bx`, []string{`bx`}},
	{`[snmpd] rocommunity by`, []string{`by`}},
	{"[snmpd] # x\nrocommunity ca", []string{`ca`}},
	{"rocommunity cb\x01\x02", []string{"cb\x01\x02", "cb"}},
	{"rocommunity cc\xff\xfe", []string{"cc\xff\xfe", "cc"}},
	{`rocommunity6 cd ::1`, []string{`cd`}},
	{`rocommunity6 ce 2001:db8::/32`, []string{`ce`}},
	{`rocommunity6 cf 2001:db8::/ffff:ffff::`, []string{`cf`}},
	{`rocommunity6 cg default`, []string{`cg`}},
	{`rocommunity6 ch ::`, []string{`ch`}},
	{`rocommunity6 ci`, []string{`ci`}},
	{`com2sec "sec a" default cj`, []string{`cj`}},
	{"com2sec secb 192.0.2.5 \"ck x\"\ngroup gb v2c secb\naccess gb \"\" any noauth exact _all_ none none", []string{`ck x`, `ck`}},
	{"com2sec secc default cl # x\ngroup gc v1 secc # x\naccess gc '' any noauth exact _all_ none none # x", []string{`cl`}},
	{"com2sec secd\vdefault\fcm\ngroup gd\vv2c\fsecd\naccess gd\t\"\" any noauth exact _all_ none none", []string{`cm`}},
	{"view cn included .1.3.6.1.2.1.1\nview cn excluded .1.3.6.1.2.1.1.3\nrocommunity cn default -V cn", []string{`cn`}},
	{"view cp included .1.3.6.1.2.1.0.3 fe:a0\nrocommunity cp default -V cp", []string{`cp`}},
	{"view cq included .1.3.6.1.2.1.1 ff.0\nrocommunity cq default -V cq", []string{`cq`}},
	{"foo bar\nrocommunity cr", []string{`cr`}},
	{"disk\nrocommunity cs", []string{`cs`}},
	{"sysLocation \"x\nrocommunity ct", []string{`ct`}},
	{"sysContact x \\\nrocommunity cu", []string{`cu`}},
	{`authcommunity read cv 192.0.2.5`, []string{`cv`}},
	{`authcommunity read,write cw`, []string{`cw`}},
	{`authcommunity write cx`, []string{`cx`}},
}

// TestOddLines holds that lines are taken apart as snmpd does it: whoever it lets in by one of them is let in, and nobody else.
func TestOddLines(t *testing.T) {
	needsTools(t)
	c := configuration{name: "odd lines", text: "agentaddress udp:161,udp6:161\n"}
	var words []string
	for _, odd := range oddLines {
		c.text += odd.line + "\n"
		words = append(words, odd.words...)
	}
	var answers [2]map[question]bool
	for i := range answers {
		answers[i] = askAll(t, c.start(t, i == 0), words, []string{".1.3.6.1.2.1.1.3.0", ".1.3.6.1.2.1.2.1.0"}, answers[0])
	}
	sameAnswers(t, answers[1], answers[0])
	if len(answers[0]) < len(oddLines) {
		t.Errorf("snmpd lets in by %d of %d lines at most", len(answers[0]), len(oddLines))
	}
}

// TestHostNotFound holds that a host that nobody knows keeps no agent from starting, and is let in once it is known, without a word to the
// agent.
func TestHostNotFound(t *testing.T) {
	needsTools(t)
	t.Parallel() // it is sought again after ten seconds
	ns := nstest.New(t)
	ns.IP(t, "link set lo up", "addr add 192.0.2.5/32 dev lo", "addr add 192.0.2.77/32 dev lo")
	dir := filepath.Join("/etc/netns", ns.Name) // which ip-netns(8) has in the place of /etc
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	hosts := filepath.Join(dir, "hosts")
	for name, text := range map[string]string{"hosts": "127.0.0.1 localhost\n", "resolv.conf": "nameserver 127.0.0.1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := configuration{text: "view some included .1.3.6.1.2.1.1\nrocommunity secret late.example -V some\nrocommunity secret\nrocommunity public\n"}
	file := c.in(t)
	p := start(t, nil, "ip", "netns", "exec", ns.Name, program, "--config", file, "--state", stateDir(t))
	p.await(t, givenUp, 1)
	for _, says := range []string{file + ":2: rocommunity", "late.example", file + ":3: rocommunity"} {
		if !strings.Contains(p.output.String(), says) {
			t.Errorf("it does not say %q", says)
		}
	}
	told := func(community string) (from []string) {
		got := askAll(t, ns, []string{community}, []string{ifNumberName}, nil)
		for _, address := range []string{"192.0.2.5", "192.0.2.77"} {
			if got[question{community, address, gosnmp.Version2c, ifNumberName}] {
				from = append(from, address)
			}
		}
		return from
	}
	if got := told("secret"); len(got) > 0 {
		t.Errorf("it tells %s, which may be whom the line in front confines", got)
	}
	eventually(t, func() string {
		if got := told("public"); len(got) != 2 {
			return fmt.Sprintf("it tells %s by another community", got)
		}
		return ""
	})
	f, err := os.OpenFile(hosts, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("192.0.2.77 late.example\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if got := told("secret"); !slices.Equal(got, []string{"192.0.2.5"}) {
			return fmt.Sprintf("once the host is known it tells %s", got)
		}
		return ""
	})
}

const ifNumberName = ".1.3.6.1.2.1.2.1.0"

// TestMastersConfiguration holds that a subagent takes its master's own file, of which it finds the master's socket and warns of each other
// line; and that a second one says that it serves nothing for as long as the first is there.
func TestMastersConfiguration(t *testing.T) {
	needsTools(t)
	m := startMaster(t, nstest.New(t), "sysContact me", "com2sec a @nobody b", "includeFile nowhere.conf")
	m.ns.IP(t, "link set lo up")
	file := filepath.Join(m.dir, "snmpd.conf")
	first := start(t, m.ns, program, "--agentx", "--config", file)
	first.await(t, registered, 1)
	said := first.output.String()
	for line, want := range map[int]bool{1: true, 2: false, 3: true, 4: true, 6: true, 7: true, 8: true, 9: true, 10: true} {
		if strings.Contains(said, fmt.Sprintf("%s:%d: ", file, line)) != want {
			t.Errorf("of line %d: %t, want %t", line, !want, want)
		}
	}
	if status := start(t, m.ns, program, "--agentx", "--config", file, "--strict").exit(t); status != 1 {
		t.Errorf("the exit status is %d if it is strict", status)
	}
	second := start(t, m.ns, program, "--agentx", "--config", file)
	second.await(t, "nothing is served", 1)
	if strings.Contains(second.output.String(), registered) {
		t.Error("the second one is registered")
	}
	first.signal(t, syscall.SIGTERM)
	second.await(t, registered, 1)
}
