package snmpwalk_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// writeConfig writes a configuration file and returns its name.
func writeConfig(t testing.TB, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agent.conf")
	rewrite(t, file, lines...)
	return file
}

func rewrite(t testing.TB, file string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRefusals holds that what the program cannot do it refuses at once, with a
// message that says what is wrong.
func TestRefusals(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	file := writeConfig(t, "# a comment", "sysLocation here", "sysLocatoin there", "rocommunity public 192.0.2.1/24")
	said := writeConfig(t, "rocommunity public", "sysLocatoin there", "extend x", "rocommunity6 public")
	contexts := writeConfig(t, "netnsContexts /run/*/blue")
	s.listenPacket(t, "udp4", "127.0.0.1:1199", nil)
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"every address", []string{"--listen", "udp:0.0.0.0:1161"}, []string{"0.0.0.0", "loopback", "rocommunity", "--config"}},
		{"another address", []string{"--listen", "udp:192.0.2.1:1161"}, []string{"192.0.2.1", "loopback", "rocommunity"}},
		{"every address of IPv6", []string{"--listen", "udp6:[::]:1161"}, []string{"::", "loopback", "rocommunity"}},
		{"TCP", []string{"--listen", "tcp:192.0.2.1:1161"}, []string{"192.0.2.1", "loopback", "rocommunity"}},
		{"directive", []string{"--config", said, "--strict"}, []string{said + ":2: ", "did you mean sysLocation", said + ":3: extend", said + ":4: rocommunity6"}},
		{"secrets", []string{"--config", "/etc/shadow"}, []string{"/etc/shadow", "none of its lines is one of snmpd.conf"}},
		{"value", []string{"--config", file}, []string{file + ":4:", "rocommunity", "192.0.2.1/24"}},
		{"no file", []string{"--config", file + "-not"}, []string{file + "-not"}},
		{"port in use", []string{"--listen", "udp:127.0.0.1:1199"}, []string{"127.0.0.1:1199", "in use"}},
		{"module", []string{"--modules", "TCP-MIB,NOPE-MIB"}, []string{"NOPE-MIB", "TCP-MIB", "IP-FORWARD-MIB"}},
		{"namespace", []string{"--netns", "not-there"}, []string{"not-there"}},
		{"pattern", []string{"--contexts", "blue,a["}, []string{"--contexts", "a["}},
		{"no pattern", []string{"--contexts", ""}, []string{"--contexts", "empty"}},
		{"contexts of a recording", []string{"--contexts", "*", "--recording", "x"}, []string{"--contexts", "recording"}},
		{"pattern of the file", []string{"--config", contexts}, []string{contexts + ":1:", "netnsContexts", "folder"}},
		{"log level", []string{"--log-level", "loud"}, []string{"loud", "debug", "info"}},
		{"transport", []string{"--listen", "sctp:127.0.0.1:1161"}, []string{"sctp", "udp"}},
		{"address", []string{"--listen", "udp:localhost.invalid:1161"}, []string{"localhost.invalid"}},
		{"port", []string{"--listen", "udp:127.0.0.1:99999"}, []string{"99999"}},
		{"both", []string{"--agentx", "--listen", "udp:127.0.0.1:1161"}, []string{"--agentx", "--listen"}},
		{"master", []string{"--agentx=carrier-pigeon:x"}, []string{"carrier-pigeon"}},
		{"address of metrics", []string{"--metrics", "localhost"}, []string{"--metrics", `"localhost"`, "ADDRESS:PORT"}},
		{"port of metrics", []string{"--metrics", ":http"}, []string{"--metrics", `"http"`, "65535"}},
		{"file of metrics", []string{"--metrics", ":0", "--metrics-config", file + "-not"}, []string{"--metrics-config", file + "-not"}},
		{"no metrics", []string{"--metrics-config", file}, []string{"--metrics-config", "no metrics are served"}},
		{"flag", []string{"--frobnicate"}, []string{"--frobnicate"}},
		{"argument", []string{"frobnicate"}, []string{"frobnicate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, s.NS, program, test.args...)
			if status := p.exit(t); status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			got := p.output.String()
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not tell %q", got, want)
				}
			}
			if lines := strings.Count(got, "\n"); lines > 3 {
				t.Errorf("%d lines for one fault:\n%s", lines, got)
			}
		})
	}
}

// TestDefaults holds what the program does without arguments.
func TestDefaults(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	p := start(t, s.NS, program)
	p.await(t, "try: snmpwalk -v2c -c public 127.0.0.1:1161 .1", 1)
	for _, line := range []string{"listening on udp:127.0.0.1:1161\n", "listening on udp6:[::1]:1161\n"} {
		if !strings.Contains(p.output.String(), line) {
			t.Errorf("it prints %q, without %q", p.output.String(), line)
		}
	}
	for _, address := range []string{"127.0.0.1", "::1"} {
		c := s.clientOver(t, "udp", address, gosnmp.Version2c)
		if v := c.get(t, parseOID(t, ifNumber)); v.value != "9" {
			t.Errorf("at %s: %v", address, v)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if status := p.exit(t); status != 0 {
		t.Errorf("exit status %d at SIGTERM, want 0", status)
	}
	// What it held is free again.
	s.listenPacket(t, "udp4", "127.0.0.1:1161", nil)
}

// TestReload holds that SIGHUP has the file read again, and that a file with a
// fault changes nothing.
func TestReload(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	file := writeConfig(t, "sysLocation here", "rocommunity public", "rocommunity6 public")
	p := startEmbedded(t, s.NS, "--config", file)
	c := s.client(t)
	const sysLocation = "1.3.6.1.2.1.1.6.0"
	location := func() string { return c.get(t, parseOID(t, sysLocation)).value }
	if got := location(); got != "here" {
		t.Errorf("sysLocation = %q, want %q", got, "here")
	}

	rewrite(t, file, "sysLocation there", "rocommunity public", "rocommunity secret")
	p.signal(t, syscall.SIGHUP)
	eventually(t, func() string {
		if got := location(); got != "there" {
			return fmt.Sprintf("sysLocation = %q after SIGHUP, want %q", got, "there")
		}
		return ""
	})
	secret := s.impatient(t)
	secret.Community = "secret"
	if v := secret.answered(t, sysLocation); v.value != "there" {
		t.Errorf("the new community is answered %v", v)
	}

	rewrite(t, file, "sysLocation nowhere", "rocommunity public", "veiw all excluded .1")
	p.signal(t, syscall.SIGHUP)
	p.await(t, file+":3", 1)
	if got := location(); got != "there" {
		t.Errorf("sysLocation = %q after a file with a fault, want %q", got, "there")
	}
	if v := secret.answered(t, sysLocation); v.value != "there" {
		t.Errorf("after a file with a fault, the community of before is answered %v", v)
	}

	rewrite(t, file, "sysLocation there", "rocommunity public")
	p.signal(t, syscall.SIGHUP)
	eventually(t, func() string {
		if v := secret.answered(t, sysLocation); v.kind == gosnmp.OctetString {
			return fmt.Sprintf("a community that is gone is answered %v", v)
		}
		return ""
	})
	if got := location(); got != "there" {
		t.Errorf("sysLocation = %q, want %q", got, "there")
	}
}

// TestAccess holds that a community is answered from its network only, and that
// the program listens beyond the loopback for those who are let in.
func TestAccess(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	file := writeConfig(t, "rocommunity public 192.0.2.0/24", "agentaddress udp:0.0.0.0:"+port)
	p := start(t, s.NS, program, "--config", file)
	p.await(t, "listening on ", 1)
	inside := s.clientOver(t, "udp", "192.0.2.1", gosnmp.Version2c) // the kernel asks from there as well
	if v := inside.answered(t, ifNumber); v.value != "9" {
		t.Errorf("from 192.0.2.1: %v", v)
	}
	outside := s.impatient(t)
	if v := outside.answered(t, ifNumber); v.kind != 0 {
		t.Errorf("from 127.0.0.1: %v, want no answer", v)
	}
}

// TestOtherNamespace holds that --netns shows another namespace than the one
// that the program listens in.
func TestOtherNamespace(t *testing.T) {
	needsTools(t)
	s := newScene(t)
	here := &scene{NS: nstest.New(t)}
	here.agent = startEmbedded(t, here.NS, "--netns", s.Name)
	c := here.client(t)
	matches(t, "ifStackTable", func() rows { return c.table(t, ifStackEntry) }, func() rows { return s.wantStack(t) })
	matches(t, "inetCidrRouteTable", func() rows { return c.table(t, inetCidrRouteEntry) }, func() rows { return wantRoutes(s.routes(t)) })
	matches(t, "tcpListenerTable", func() rows { return c.table(t, tcpListenerEntry) }, func() rows { return wantListeners(s.ss(t, "t")) })
	matches(t, "udpTable", func() rows { return c.table(t, udpEntry) }, func() rows { return wantIPv4Endpoints(s.ss(t, "u")) })
	if got, want := c.get(t, parseOID(t, "1.3.6.1.2.1.7.1.0")).value, fmt.Sprint(s.protocolCounters(t)["Udp.InDatagrams"]); got != want {
		t.Errorf("udpInDatagrams = %s, want %s", got, want)
	}
}

// TestModules holds that --modules leaves out everything else.
func TestModules(t *testing.T) {
	needsTools(t)
	s := newScene(t)
	startEmbedded(t, s.NS, "--modules", "tcp-mib")
	tcp := parseOID(t, "1.3.6.1.2.1.6")
	all := s.client(t).walk(t, parseOID(t, "1.3"), 50)
	if len(all) < 50 {
		t.Errorf("%d variables: the scene shows too little", len(all))
	}
	for _, v := range all {
		if !v.name.hasPrefix(tcp) {
			t.Errorf("%v is not of the TCP-MIB", v)
		}
	}
}

// TestUnprivileged holds that a program without privileges shows everything but
// the owners of other users' sockets, which it does not make up.
func TestUnprivileged(t *testing.T) {
	needsTools(t)
	s := newScene(t)
	args := []string{}
	for _, transport := range []string{"udp:127.0.0.1", "udp6:[::1]", "tcp:127.0.0.1", "tcp6:[::1]"} {
		args = append(args, "--listen", transport+":"+port)
	}
	cmd := exec.Command(program, args...)
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	p := startCommand(t, s.NS, cmd)
	p.await(t, "try: ", 1)

	c := s.client(t)
	connections := c.table(t, tcpConnectionEntry)
	const loopback = "1.4.127.0.0.1"
	for name, want := range map[string]string{
		"7." + loopback + ".5100." + loopback + ".5000": "5",
		"8." + loopback + ".5100." + loopback + ".5000": "",  // the test's, and not known to be
		"8." + loopback + ".5000." + loopback + ".5100": "0", // nobody has accepted it
	} {
		if got, ok := connections[name]; got != want || ok != (want != "") {
			t.Errorf("tcpConnectionEntry.%s = %q, want %q", name, got, want)
		}
	}
	if v := c.get(t, parseOID(t, tcpConnectionEntry+".8."+loopback+".5100."+loopback+".5000")); v.kind != gosnmp.NoSuchInstance {
		t.Errorf("%v, want noSuchInstance", v)
	}
	// Rows that have nothing but the owner to show are there all the same.
	if v := c.get(t, parseOID(t, tcpListenerEntry+".4."+loopback+".5010")); v.kind != gosnmp.Gauge32 || v.value != "0" {
		t.Errorf("%v, want the listener without its process", v)
	}
	matches(t, "inetCidrRouteTable", func() rows { return c.table(t, inetCidrRouteEntry) }, func() rows { return wantRoutes(s.routes(t)) })
	matches(t, "ifRcvAddressTable", func() rows { return c.table(t, ifRcvAddressEntry) }, func() rows { return s.wantReceiveAddresses(t) })
	counters := []int{10, 11, 16, 17}
	matches(t, "ifTable",
		func() rows { return downSpeeds(without(c.table(t, ifEntry), counters...)) },
		func() rows { return downSpeeds(without(s.wantInterfaces(t), counters...)) })

	said := strings.Count(strings.ToLower(p.output.String()), "process")
	if said != 1 {
		t.Errorf("it says %d times, not once, that processes are hidden: %s", said, p.output.String())
	}
}

// getUpTime is an SNMPv2c message: GET of sysUpTime.0 by the community public.
var getUpTime = []byte{
	0x30, 0x26, 0x02, 0x01, 0x01, 0x04, 0x06, 'p', 'u', 'b', 'l', 'i', 'c',
	0xa0, 0x19, 0x02, 0x01, 0x2a, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00,
	0x30, 0x0e, 0x30, 0x0c, 0x06, 0x08, 0x2b, 6, 1, 2, 1, 1, 3, 0, 0x05, 0x00,
}

// malformed are messages of which none is right, though most begin like one.
func malformed() (all [][]byte) {
	for n := range getUpTime {
		all = append(all, getUpTime[:n])
	}
	for i := range getUpTime {
		for _, octet := range []byte{0x00, 0x7f, 0x80, 0x84, 0xff} {
			changed := append([]byte(nil), getUpTime...)
			changed[i] = octet
			all = append(all, changed)
		}
	}
	deep := make([]byte, 2000)
	for i := 0; i+4 <= len(deep); i += 4 {
		copy(deep[i:], []byte{0x30, 0x82, 0xff, 0xff})
	}
	return append(all,
		deep,
		[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		append([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, getUpTime[2:]...),
		make([]byte, 60000),
	)
}

// TestMalformed holds that nothing that is sent ends the program, or keeps it
// from answering the next good request.
func TestMalformed(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	p := startEmbedded(t, s.NS)
	c := s.client(t)
	const inASNParseErrs = "1.3.6.1.2.1.11.6.0"
	before := c.number(t, inASNParseErrs)
	for _, network := range []string{"udp4", "udp6"} {
		to := "127.0.0.1:" + port
		if network == "udp6" {
			to = "[::1]:" + port
		}
		conn := s.Dial(t, network, to)
		for _, message := range malformed() {
			if _, err := conn.Write(message); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, message := range malformed() {
		if len(message) == 0 {
			continue
		}
		conn := s.Dial(t, "tcp4", "127.0.0.1:"+port)
		conn.Write(message)
		conn.(*net.TCPConn).CloseWrite()
		conn.SetReadDeadline(time.Now().Add(patience))
		conn.Read(make([]byte, 100)) // until it closes the connection, or answers
		conn.Close()
	}
	if after := c.number(t, inASNParseErrs); after < before+100 {
		t.Errorf("snmpInASNParseErrs went from %d to %d", before, after)
	}
	for _, over := range []struct{ transport, host string }{{"udp", "127.0.0.1"}, {"udp", "::1"}, {"tcp", "127.0.0.1"}, {"tcp", "::1"}} {
		if v := s.clientOver(t, over.transport, over.host, gosnmp.Version2c).get(t, parseOID(t, sysUpTime)); v.kind != gosnmp.TimeTicks {
			t.Errorf("afterwards %s at %s answers %v", over.transport, over.host, v)
		}
	}
	if strings.Contains(p.output.String(), "panic") {
		t.Errorf("it prints %s", p.output.String())
	}
}
