package snmpwalk_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
)

const snmptrapdPath = "/usr/sbin/snmptrapd"

// trapPort is where the receivers of the tests listen.
const trapPort = "1162"

// trapd is a snmptrapd in a namespace, which writes what it receives to a file.
type trapd struct {
	*process
	log string
}

// startTrapd starts a snmptrapd that listens over every transport, and returns
// once it does. Lines are more of its configuration.
func startTrapd(t testing.TB, ns *nstest.NS, lines ...string) *trapd {
	t.Helper()
	nstest.NeedsProgram(t, snmptrapdPath)
	dir := t.TempDir()
	d := &trapd{log: filepath.Join(dir, "log")}
	config := filepath.Join(dir, "snmptrapd.conf")
	rewrite(t, config, append([]string{
		"disableAuthorization yes",
		"doNotRetainNotificationLogs yes",
		`format1 %P|%a %N %w %q %T|%v\n`,
		`format2 %P||%v\n`,
	}, lines...)...)
	if err := os.MkdirAll(filepath.Join(dir, "persistent", "cert_indexes"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(snmptrapdPath, "-f", "-C", "-c", config, "-On", "-n", "-x", filepath.Join(dir, "nobody"), "-Lf", d.log,
		"udp:127.0.0.1:"+trapPort, "udp6:[::1]:"+trapPort, "tcp:127.0.0.1:"+trapPort)
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+filepath.Join(dir, "persistent"), "MIBS=")
	d.process = startCommand(t, ns, cmd)
	eventually(t, func() string {
		if text, _ := os.ReadFile(d.log); !strings.Contains(string(text), "NET-SNMP version") {
			return "snmptrapd has not started"
		}
		return ""
	})
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(d.log)
			t.Logf("snmptrapd logged:\n%s", tail(string(text)))
		}
	})
	return d
}

// trap is a notification as snmptrapd writes it.
type trap struct {
	form      string // "TRAP", "TRAP2" or "INFORM"
	community string // or user and context of SNMPv3
	header    string // of a Trap-PDU: agent-addr, enterprise, generic-trap, specific-trap, time-stamp
	variables []string
}

var (
	trapLine = regexp.MustCompile(`^(\w+), SNMP v\w+, (?:community )?([^|]*)\|([^|]*)\|(.*)$`)
	upTime   = regexp.MustCompile(`Timeticks: \(\d+\) .*`)
)

// received returns what was received by a community, informs that came again
// once. sysUpTime is left out of it.
func (d *trapd) received(t testing.TB, community string) (all []trap) {
	t.Helper()
	text, err := os.ReadFile(d.log)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		m := trapLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || m[2] != community || strings.Contains(line, probe) || m[1] == "INFORM" && seen[line] {
			continue
		}
		seen[line] = true
		n := trap{form: m[1], community: m[2], header: m[3]}
		for v := range strings.SplitSeq(m[4], "\t") {
			if v = strings.TrimSpace(v); v != "" {
				n.variables = append(n.variables, upTime.ReplaceAllString(v, "Timeticks"))
			}
		}
		all = append(all, n)
	}
	return all
}

const snmpTraps = ".1.3.6.1.6.3.1.1.5"

// linkVariables are those of linkDown and linkUp after snmpTrapOID.0.
func linkVariables(index, admin, oper int) []string {
	const ifEntry = ".1.3.6.1.2.1.2.2.1"
	return []string{
		fmt.Sprintf("%s.1.%d = INTEGER: %d", ifEntry, index, index),
		fmt.Sprintf("%s.7.%d = INTEGER: %d", ifEntry, index, admin),
		fmt.Sprintf("%s.8.%d = INTEGER: %d", ifEntry, index, oper),
	}
}

// trapV2 is a notification of SNMPv2, the number of which below snmpTraps is given.
func trapV2(form, community string, number int, variables ...string) trap {
	return trap{form, community, "", append([]string{
		".1.3.6.1.2.1.1.3.0 = Timeticks", fmt.Sprintf(".1.3.6.1.6.3.1.1.4.1.0 = OID: %s.%d", snmpTraps, number),
	}, variables...)}
}

// trapV1 is the same in SNMPv1, but for the time-stamp.
func trapV1(community, agent string, number int, variables ...string) trap {
	return trap{"TRAP", community, fmt.Sprintf("%s %s %d 0", agent, snmpTraps, number-1), variables}
}

// awaits waits until exactly what is wanted has been received by a community, in
// that order.
func (d *trapd) awaits(t testing.TB, community string, want ...trap) {
	t.Helper()
	eventually(t, func() string {
		got := d.received(t, community)
		for i := range got {
			if j := strings.LastIndexByte(got[i].header, ' '); j > 0 { // the time-stamp
				got[i].header = got[i].header[:j]
			}
		}
		if !slices.EqualFunc(got, want, func(a, b trap) bool {
			return a.form == b.form && a.community == b.community && a.header == b.header && slices.Equal(a.variables, b.variables)
		}) {
			return fmt.Sprintf("%s: received\n%v\nwant\n%v", community, got, want)
		}
		return ""
	})
}

// newPair is a namespace with a pair of interfaces, of which the second is up.
func newPair(t testing.TB) *scene {
	t.Helper()
	needsTools(t)
	s := &scene{NS: nstest.New(t)}
	s.IP(t,
		"link add v0 index 11 type veth peer name v1 index 12", "link set v1 up",
		"link add probe0 index 91 type veth peer name probe1 index 92", "link set probe1 up",
	)
	return s
}

// awaitLinks returns once notifications of interfaces come: those of the probes,
// which received passes over.
func (d *trapd) awaitLinks(t testing.TB, s *scene) {
	t.Helper()
	before, _ := os.ReadFile(d.log)
	eventually(t, func() string {
		s.IP(t, "link set probe0 up", "link set probe0 down")
		if text, _ := os.ReadFile(d.log); !strings.Contains(string(text[len(before):]), probe) {
			return "no notification of an interface was received"
		}
		return ""
	})
}

// probe begins the ifIndex of a probe.
const probe = ".1.3.6.1.2.1.2.2.1.1.9"

// TestNotifications holds that snmptrapd receives, in each form, that the agent
// began and what happens to its interfaces.
func TestNotifications(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	file := writeConfig(t, "rocommunity public", "rocommunity6 public",
		"trapcommunity one", "trapsink 127.0.0.1:"+trapPort,
		"trapcommunity six", "trapsink udp6:[::1]:"+trapPort,
		"trap2sink localhost two "+trapPort,
		"informsink udp6:[::1]:"+trapPort+" three",
		"informsink tcp:127.0.0.1 four "+trapPort,
	)
	p := startEmbedded(t, s.NS, "--config", file)
	c := s.client(t)
	type event struct {
		number    int
		variables []string
	}
	var events []event
	check := func() {
		t.Helper()
		want := map[string][]trap{}
		for _, e := range events {
			want["one"] = append(want["one"], trapV1("one", "127.0.0.1", e.number, e.variables...))
			want["six"] = append(want["six"], trapV1("six", "0.0.0.0", e.number, e.variables...))
			want["two"] = append(want["two"], trapV2("TRAP2", "two", e.number, e.variables...))
			want["three"] = append(want["three"], trapV2("INFORM", "three", e.number, e.variables...))
			want["four"] = append(want["four"], trapV2("INFORM", "four", e.number, e.variables...))
		}
		for community, traps := range want {
			d.awaits(t, community, traps...)
		}
	}
	const coldStart, linkDown, linkUp = 1, 3, 4
	events = append(events, event{coldStart, nil})
	check()
	d.awaitLinks(t, s)
	const up, down, lowerLayerDown = 1, 2, 7
	s.IP(t, "link set v0 up")
	events = append(events, event{linkUp, linkVariables(11, up, up)}, event{linkUp, linkVariables(12, up, up)})
	check()
	s.IP(t, "link set v0 down")
	events = append(events, event{linkDown, linkVariables(11, down, down)}, event{linkDown, linkVariables(12, up, lowerLayerDown)})
	check()

	if v := c.get(t, parseOID(t, trapEnable+".11")); v.value != "1" {
		t.Errorf("ifLinkUpDownTrapEnable: %v, want enabled(1)", v)
	}
	// What the agent counts is what came.
	eventually(t, func() string {
		text, _ := os.ReadFile(d.log)
		traps := uint64(strings.Count(string(text), "TRAP, ") + strings.Count(string(text), "TRAP2, "))
		informs := uint64(strings.Count(string(text), "INFORM, "))
		sent, acknowledged := c.number(t, outTraps), c.number(t, inGetResponses)
		if traps != sent || acknowledged > informs || traps == 0 || acknowledged == 0 {
			return fmt.Sprintf("snmpOutTraps is %d, %d came; %d informs came, snmpInGetResponses is %d", sent, traps, informs, acknowledged)
		}
		return ""
	})

	// What the file says anew counts from then on.
	rewrite(t, file, "rocommunity public", "trap2sink localhost two "+trapPort, "linkUpDownNotifications no")
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 1)
	changed := func(index string) uint64 { return c.number(t, ifEntry+".9."+index) }
	before11, before12 := changed("11"), changed("12")
	s.IP(t, "link set v0 up")
	eventually(t, func() string {
		if changed("11") == before11 || changed("12") == before12 {
			return "ifLastChange says that nothing happened"
		}
		if v := c.get(t, parseOID(t, trapEnable+".11")); v.value != "2" {
			return fmt.Sprintf("ifLinkUpDownTrapEnable: %v, want disabled(2)", v)
		}
		return ""
	})
	rewrite(t, file, "rocommunity public", "trap2sink localhost two "+trapPort)
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 2)
	s.IP(t, "link set v0 down")
	d.awaits(t, "two", append(d.first(t, "two", 5),
		trapV2("TRAP2", "two", linkDown, linkVariables(11, down, down)...), trapV2("TRAP2", "two", linkDown, linkVariables(12, up, lowerLayerDown)...))...)
	for _, community := range []string{"one", "six", "three", "four"} {
		if got := len(d.received(t, community)); got != len(events) {
			t.Errorf("%d notifications went to %s, which the file does not name any more", got-len(events), community)
		}
	}

	rewrite(t, file, "rocommunity public", "trap2sink localhost two "+trapPort, "trap2sink localhost:x")
	p.signal(t, syscall.SIGHUP)
	p.await(t, file+":3", 1)
}

// first returns the first n that a community received.
func (d *trapd) first(t testing.TB, community string, n int) []trap {
	t.Helper()
	all := d.received(t, community)
	if len(all) < n {
		t.Fatalf("%d notifications, want at least %d", len(all), n)
	}
	return all[:n]
}

const (
	inGetResponses = "1.3.6.1.2.1.11.18.0"
	outTraps       = "1.3.6.1.2.1.11.29.0"
	trapEnable     = "1.3.6.1.2.1.31.1.1.1.14"
)

// TestAuthenticationFailures holds that messages of unknown communities are told
// of if, and only if, somebody asked for that, as snmpEnableAuthenTraps says.
func TestAuthenticationFailures(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	const enableAuthenTraps = "1.3.6.1.2.1.11.30.0"
	file := writeConfig(t, "rocommunity public", "trap2sink 127.0.0.1:"+trapPort+" it")
	p := startEmbedded(t, s.NS, "--config", file)
	c, stranger := s.client(t), s.impatient(t)
	stranger.Community, stranger.Retries = "nobody", 0
	if v := c.get(t, parseOID(t, enableAuthenTraps)); v.value != "2" {
		t.Errorf("snmpEnableAuthenTraps: %v, want disabled(2)", v)
	}
	d.awaits(t, "it", trapV2("TRAP2", "it", 1))
	stranger.answered(t, sysUpTime)
	rewrite(t, file, "rocommunity public", "trap2sink 127.0.0.1:"+trapPort+" it", "authtrapenable 1")
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 1)
	if v := c.get(t, parseOID(t, enableAuthenTraps)); v.value != "1" {
		t.Errorf("snmpEnableAuthenTraps: %v, want enabled(1)", v)
	}
	eventually(t, func() string {
		stranger.answered(t, sysUpTime)
		got := d.received(t, "it")
		for i, n := range got {
			want := trapV2("TRAP2", "it", 5)
			if i == 0 {
				want = trapV2("TRAP2", "it", 1)
			}
			if fmt.Sprint(n) != fmt.Sprint(want) {
				return fmt.Sprintf("received %v, want %v", n, want)
			}
		}
		if len(got) < 2 {
			return "no authenticationFailure was received"
		}
		return ""
	})
}

// TestWrittenNotifications holds that managers turn notifications on and off, of one interface and of
// requests that are not authentic, and that this outlasts the agent.
func TestWrittenNotifications(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	file := writeConfig(t, "rocommunity public", "rwcommunity private", "trap2sink 127.0.0.1:"+trapPort+" it")
	args := []string{"--state", filepath.Join(t.TempDir(), "state"), "--config", file}
	p := startEmbedded(t, s.NS, args...)
	const enableAuthenTraps, coldStart, linkDown, linkUp, failure, up, down, lower = "1.3.6.1.2.1.11.30.0", 1, 3, 4, 5, 1, 2, 7
	d.awaitLinks(t, s)
	set := func(link string) tool {
		return s.run(t, "snmpset", ask("2c", "private", "udp", enableAuthenTraps, "i", "1", trapEnable+".11", "i", link)...)
	}
	is := func(authentication, link string) {
		t.Helper()
		for name, want := range map[string]string{enableAuthenTraps: authentication, trapEnable + ".11": link, trapEnable + ".12": "1"} {
			if v := s.client(t).get(t, parseOID(t, name)); v.value != want {
				t.Errorf("%v, want %s", v, want)
			}
		}
	}
	if r := set("3"); !strings.Contains(r.complaints, "wrongValue") {
		t.Errorf("snmpset: %s", r.complaints)
	}
	is("2", "1")
	if r := set("2"); r.status != 0 {
		t.Errorf("snmpset: %s", r.complaints)
	}
	is("1", "2")
	want := []trap{trapV2("TRAP2", "it", coldStart)}
	flap := func() {
		t.Helper()
		s.IP(t, "link set v0 up")
		want = append(want, trapV2("TRAP2", "it", linkUp, linkVariables(12, up, up)...))
		d.awaits(t, "it", want...)
		s.IP(t, "link set v0 down")
		want = append(want, trapV2("TRAP2", "it", linkDown, linkVariables(12, up, lower)...))
		d.awaits(t, "it", want...)
	}
	flap()
	p.signal(t, syscall.SIGTERM)
	p.exit(t)
	startEmbedded(t, s.NS, args...)
	is("1", "2")
	want = append(want, trapV2("TRAP2", "it", coldStart))
	d.awaits(t, "it", want...)
	d.awaitLinks(t, s)
	flap()
	stranger := s.impatient(t)
	stranger.Community, stranger.Retries = "nobody", 0
	stranger.answered(t, sysUpTime)
	d.awaits(t, "it", append(want, trapV2("TRAP2", "it", failure))...)
}

// lossy forwards datagrams between who sends to it and one receiver, and loses
// the first of each direction.
type lossy struct {
	mu            sync.Mutex
	lost, through int
}

func startLossy(t testing.TB, ns *nstest.NS, at, to string) *lossy {
	t.Helper()
	l := &lossy{}
	near := ns.ListenPacket(t, "udp4", at)
	far := ns.Dial(t, "udp4", to)
	var sender net.Addr
	keep := func(first *bool) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if *first {
			*first = false
			l.lost++
			return false
		}
		l.through++
		return true
	}
	go func() {
		first := true
		buf := make([]byte, 65535)
		for {
			n, from, err := near.ReadFrom(buf)
			if err != nil {
				return
			}
			l.mu.Lock()
			sender = from
			l.mu.Unlock()
			if keep(&first) {
				far.Write(buf[:n])
			}
		}
	}()
	go func() {
		first := true
		buf := make([]byte, 65535)
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			if keep(&first) {
				l.mu.Lock()
				near.WriteTo(buf[:n], sender)
				l.mu.Unlock()
			}
		}
	}()
	return l
}

// TestLostInform holds that an inform comes again when it, or its
// acknowledgement, is lost, and not after that.
func TestLostInform(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	l := startLossy(t, s.NS, "127.0.0.1:1163", "127.0.0.1:"+trapPort)
	file := writeConfig(t, "rocommunity public", "informsink 127.0.0.1:1163 it")
	p := startEmbedded(t, s.NS, "--config", file)
	c := s.client(t)
	eventually(t, func() string {
		if got := c.number(t, inGetResponses); got != 1 {
			return fmt.Sprintf("snmpInGetResponses = %d, want 1", got)
		}
		return ""
	})
	// The first was lost, and the second's acknowledgement was. The third came
	// through, and perhaps more, where the machine is slow.
	d.awaits(t, "it", trapV2("INFORM", "it", 1))
	text, err := os.ReadFile(d.log)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "INFORM, "); n < 2 {
		t.Errorf("the inform came %d times, want it twice", n)
	}
	l.mu.Lock()
	if l.lost != 2 || l.through < 3 {
		t.Errorf("%d datagrams were lost and %d went through, want 2 and 3", l.lost, l.through)
	}
	l.mu.Unlock()
	if strings.Contains(p.output.String(), "level=WARN msg=\"informs") {
		t.Error("it warns of an inform that was acknowledged")
	}
}

// TestDeadReceiver holds that a storm of flaps neither stops the agent nor keeps
// a receiver that is there from anything, while others are not there.
func TestDeadReceiver(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	silent := s.ListenPacket(t, "udp4", "127.0.0.1:1164") // receives, and says nothing
	file := writeConfig(t, "rocommunity public", "rocommunity6 public",
		"informsink 127.0.0.1:1164 silent", "informsink 127.0.0.1:1165 nobody", "trap2sink tcp:127.0.0.1:1166 nobody",
		"trapsink does-not-exist.invalid nobody", "trap2sink tcp:127.0.0.1:"+trapPort+" it")
	p := startEmbedded(t, s.NS, "--config", file)
	c := s.client(t)
	d.awaits(t, "it", trapV2("TRAP2", "it", 1))
	d.awaitLinks(t, s)
	s.IP(t, slices.Repeat([]string{"link set v0 up", "link set v0 down"}, 2000)...)
	s.IP(t, "link set v0 up")
	last := trapV2("TRAP2", "it", 4, linkVariables(11, 1, 1)...)
	eventually(t, func() string {
		all := d.received(t, "it")
		i := len(all) - 1
		for i >= 0 && !strings.Contains(strings.Join(all[i].variables, " "), ".2.2.1.1.11 ") {
			i--
		}
		if i < 0 || !slices.Equal(all[i].variables, last.variables) {
			return fmt.Sprintf("%d were received, of which the last of v0 is not that it is up", len(all))
		}
		return ""
	})
	if v := c.get(t, parseOID(t, sysUpTime)); v.value == "" {
		t.Errorf("sysUpTime: %v", v)
	}
	for _, said := range []string{"udp:127.0.0.1:1164", "udp:127.0.0.1:1165", "tcp:127.0.0.1:1166", "does-not-exist.invalid"} {
		p.await(t, said, 1)
	}
	if warnings := strings.Count(p.output.String(), "level=WARN"); warnings > 20 {
		t.Errorf("%d warnings", warnings)
	}
	silent.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := silent.ReadFrom(make([]byte, 65535)); err != nil {
		t.Errorf("the silent receiver got nothing: %v", err)
	}
}

// TestReceiverRestarts holds that informs wait for a receiver that is away, and come in the order in
// which things happened, over UDP and TCP.
func TestReceiverRestarts(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	targets := map[string]string{"datagrams": "", "stream": "tcp:"}
	lines := []string{"rocommunity public"}
	for community, transport := range targets {
		lines = append(lines, fmt.Sprintf("trapsess -v 2c -Ci -t 1 -r 1 -c %s %s127.0.0.1:%s", community, transport, trapPort))
	}
	p := startEmbedded(t, s.NS, "--config", writeConfig(t, lines...))
	for community := range targets {
		d.awaits(t, community, trapV2("INFORM", community, 1))
	}
	d.awaitLinks(t, s)
	d.signal(t, syscall.SIGTERM)
	d.exit(t)
	const changes = 20
	for i := range changes {
		s.IP(t, "link set v0 "+[]string{"up", "down"}[i%2])
		time.Sleep(20 * time.Millisecond) // a change is told from an inform that is repeated by the hundredths of sysUpTime
	}
	p.await(t, "trying on", len(targets))
	d = startTrapd(t, s.NS)
	for community := range targets {
		eventually(t, func() string {
			var states []string
			for _, n := range d.received(t, community) {
				if text := strings.Join(n.variables, " "); strings.Contains(text, ".2.2.1.1.11 ") {
					states = append(states, n.variables[1])
				}
			}
			if len(states) != changes {
				return fmt.Sprintf("%s: %d of %d changes were received", community, len(states), changes)
			}
			for i := 1; i < len(states); i++ {
				if states[i] == states[i-1] {
					return fmt.Sprintf("%s: out of order: %q", community, states)
				}
			}
			return ""
		})
	}
}

// TestNotificationsThroughMaster holds that snmpd sends on what happens to the
// interfaces, also what happened while it was away.
func TestNotificationsThroughMaster(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	s.master, s.subagent = startMaster(t, s.NS, "trap2sink 127.0.0.1:"+trapPort+" it"), true
	s.agent = startSubagent(t, s.master)
	d.awaitLinks(t, s)
	links := func() (all []trap) {
		for _, n := range d.received(t, "it") {
			if slices.ContainsFunc(n.variables, func(v string) bool { return strings.HasPrefix(v, ".1.3.6.1.2.1.2.2.1.1.") }) {
				all = append(all, trap{n.form, n.community, n.header, n.variables[1:5]}) // snmpd may add snmpTrapEnterprise.0
			}
		}
		return all
	}
	var want []trap
	check := func() {
		t.Helper()
		eventually(t, func() string {
			if got := links(); fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Sprintf("received\n%v\nwant\n%v", got, want)
			}
			return ""
		})
	}
	expect := func(number, index, admin, oper int) {
		n := trapV2("TRAP2", "it", number, linkVariables(index, admin, oper)...)
		n.variables = n.variables[1:]
		want = append(want, n)
	}
	s.IP(t, "link set v0 up")
	expect(4, 11, 1, 1)
	expect(4, 12, 1, 1)
	check()

	s.master.kill()
	if err := os.Remove(s.master.socket()); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	s.IP(t, "link set v0 down")
	expect(3, 11, 2, 2)
	expect(3, 12, 1, 7)
	s.master.start(t)
	// A master that ended before its answer was read is told once more of what it had
	// sent on already.
	last := fmt.Sprint(want[1])
	eventually(t, func() string {
		got := links()
		if len(got) > 2 && fmt.Sprint(got[2]) == last {
			got = slices.Delete(got, 2, 3)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Sprintf("received\n%v\nwant\n%v", got, want)
		}
		return ""
	})
}

// TestNotificationTexts holds the declarations of notifications against the MIB
// modules' texts.
func TestNotificationTexts(t *testing.T) {
	texts := loadMIBs(t)
	for _, n := range []struct {
		module, name string
		oid          mib.OID
		objects      []string
	}{
		{"IF-MIB", ifmib.LinkDown().Name, ifmib.LinkDown().OID, ifmib.LinkDown().Objects},
		{"IF-MIB", ifmib.LinkUp().Name, ifmib.LinkUp().OID, ifmib.LinkUp().Objects},
		{"SNMPv2-MIB", snmpv2mib.ColdStart().Name, snmpv2mib.ColdStart().OID, snmpv2mib.ColdStart().Objects},
		{"SNMPv2-MIB", snmpv2mib.AuthenticationFailure().Name, snmpv2mib.AuthenticationFailure().OID, snmpv2mib.AuthenticationFailure().Objects},
	} {
		text := texts.Module(n.module).Notification(n.name)
		if text == nil {
			t.Errorf("%s has no %s", n.module, n.name)
			continue
		}
		var objects []string
		for _, o := range text.Objects() {
			objects = append(objects, o.Name())
		}
		if text.OID().String() != n.oid.String() || !slices.Equal(objects, n.objects) {
			t.Errorf("%s is %v with %v, declared as %v with %v", n.name, text.OID(), objects, n.oid, n.objects)
		}
	}
}
