package agentx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// patience is how long a test waits for what should happen at once.
const patience = nstest.Patience

// need skips a test where a program is missing; under CI it fails it.
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%v (apt-get install snmpd snmp tshark)", err)
			}
			t.Skipf("%v (apt-get install snmpd snmp tshark)", err)
		}
	}
}

// snmpd is a real master agent in a directory of its own.
type snmpd struct {
	t      testing.TB
	dir    string
	socket string // what agentXSocket and Config.Address say
	port   int
	cmd    *exec.Cmd
}

// startSnmpd starts snmpd with a configuration that says master agentx, and
// lines.
func startSnmpd(t testing.TB, lines ...string) *snmpd {
	t.Helper()
	need(t, "/usr/sbin/snmpd", "snmpget", "snmpgetnext", "snmpwalk", "snmpbulkwalk", "snmpset")
	dir, err := os.MkdirTemp("", "agentx") // t.TempDir's can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &snmpd{t: t, dir: dir, socket: "unix:" + filepath.Join(dir, "master")}
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = probe.LocalAddr().(*net.UDPAddr).Port
	probe.Close()
	lines = append([]string{
		"master agentx",
		"agentXSocket " + strings.TrimPrefix(s.socket, "unix:"),
		fmt.Sprintf("agentaddress udp:127.0.0.1:%d", s.port),
		"rocommunity public 127.0.0.1",
		"rwcommunity private 127.0.0.1",
		"dontLogTCPWrappersConnects yes",
	}, lines...)
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, "agentXSocket tcp:"); ok {
			s.socket = "tcp:" + rest
			lines[1] = lines[i]
		}
	}
	if err := os.WriteFile(s.path("snmpd.conf"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() {
		s.signal(syscall.SIGKILL)
		s.cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(s.path("log"))
			t.Logf("snmpd: %s", log)
		}
	})
	return s
}

func (s *snmpd) path(name string) string { return filepath.Join(s.dir, name) }

func (s *snmpd) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command("/usr/sbin/snmpd", "-f", "-C", "-c", s.path("snmpd.conf"), "-Lo")
	s.cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+s.path("state"), "MIBS=")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *snmpd) signal(sig syscall.Signal) { s.cmd.Process.Signal(sig) }

// kill ends the master without a word.
func (s *snmpd) kill() {
	s.signal(syscall.SIGKILL)
	s.cmd.Wait()
}

// ask runs a net-snmp client with version 2c and returns its lines. args are
// names, and options before them.
func (s *snmpd) ask(client string, args ...string) []string {
	s.t.Helper()
	lines, err := s.try(client, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return lines
}

func (s *snmpd) try(client string, args ...string) ([]string, error) {
	community := "public"
	if client == "snmpset" {
		community = "private"
	}
	args = append([]string{"-v2c", "-c", community, "-On", "-Oe", "-Ot", "-t", "10", "-r", "0"}, args...)
	for i, a := range args {
		if i > 0 && (strings.HasPrefix(a, "1.3") || strings.HasPrefix(a, ".1.3")) {
			args = append(args[:i:i], append([]string{fmt.Sprintf("127.0.0.1:%d", s.port)}, args[i:]...)...)
			break
		}
	}
	cmd := exec.Command(client, args...)
	cmd.Env = append(os.Environ(), "MIBS=", "SNMP_PERSISTENT_DIR="+s.path("state"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s%s", client, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n"), nil
}

// running is a subagent that runs.
type running struct {
	*Subagent
	t          testing.TB
	registered chan counts
	stop       func() // ends Run and waits for it
}

// counts are what Config.Registered is told.
type counts struct{ registered, refused int }

// run starts a subagent and returns once it has registered.
func run(t testing.TB, config Config) *running {
	t.Helper()
	r := start(t, config)
	r.await()
	return r
}

// start starts a subagent.
func start(t testing.TB, config Config) *running {
	t.Helper()
	r := &running{t: t, registered: make(chan counts, 100)}
	config.Registered = func(registered, refused int) { r.registered <- counts{registered, refused} }
	if config.Log == nil {
		config.Log = testLog(t)
	}
	var err error
	if r.Subagent, err = New(config); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- r.Run(ctx)
		close(done)
	}()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("Run:", err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// await waits for the next registration.
func (r *running) await() counts {
	r.t.Helper()
	select {
	case c := <-r.registered:
		return c
	case <-time.After(patience):
		r.t.Fatal("the subagent has not registered")
	}
	panic("unreachable")
}

// builtin are tables and scalars that snmpd answers by itself, in every form
// that it registers them in: as a whole table, column by column, a group of
// scalars, a scalar object, and the instance of one.
func builtin(rows int) (nodes []mib.Node, regions []string) {
	source := sourceOf(rowsOf(rows))
	for _, t := range []*mib.Table[testRow]{
		testTable("ifTable", "1.3.6.1.2.1.2.2", through(1, 22)...),
		testTable("ipAddrTable", "1.3.6.1.2.1.4.20", through(1, 5)...),
		testTable("ipRouteTable", "1.3.6.1.2.1.4.21", through(1, 13)...),
		testTable("ipCidrRouteTable", "1.3.6.1.2.1.4.24.4", through(1, 16)...),
		testTable("inetCidrRouteTable", "1.3.6.1.2.1.4.24.7", through(7, 17)...),
		testTable("tcpConnTable", "1.3.6.1.2.1.6.13", through(1, 5)...),
		testTable("tcpConnectionTable", "1.3.6.1.2.1.6.19", 7, 8),
		testTable("tcpListenerTable", "1.3.6.1.2.1.6.20", 4),
		testTable("udpTable", "1.3.6.1.2.1.7.5", 1, 2),
		testTable("udpEndpointTable", "1.3.6.1.2.1.7.7", 8),
		testTable("ifXTable", "1.3.6.1.2.1.31.1.1", through(1, 19)...),
	} {
		nodes = append(nodes, t.Bind(source))
		table, _ := t.Entry.Parent()
		regions = append(regions, table.String())
	}
	for _, g := range []*mib.Group[testRow]{
		testGroup("interfaces", "1.3.6.1.2.1.2", 1),
		testGroup("ipForward", "1.3.6.1.2.1.4.24", 6),
		testGroup("tcp", "1.3.6.1.2.1.6", append(through(1, 12), 14, 15, 17, 18)...),
		testGroup("udp", "1.3.6.1.2.1.7", 1, 2, 3, 4, 8, 9),
		testGroup("ifMIBObjects", "1.3.6.1.2.1.31.1", 5),
	} {
		n := groupNode(g)
		nodes = append(nodes, n)
		for _, r := range n.Regions() {
			regions = append(regions, r.String())
		}
	}
	return nodes, regions
}

// TestOverride holds that what the subagent serves comes from nowhere else, be
// its tables full or empty, and that the master's own comes back.
func TestOverride(t *testing.T) {
	master := startSnmpd(t)
	first := run(t, Config{Address: master.socket, Handler: newTree(t, groupNode(testGroup("probe", "1.3.6.1.4.1.8072.9999.2", 1)))})
	first.stop()
	const mib2 = "1.3.6.1.2.1"
	before := names(master.ask("snmpwalk", mib2))

	for _, rows := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(rows, " rows"), func(t *testing.T) {
			nodes, regions := builtin(rows)
			tree := newTree(t, nodes...)
			agent := run(t, Config{Address: master.socket, Handler: tree})
			for _, walk := range [][]string{{"snmpwalk", mib2}, {"snmpbulkwalk", mib2}, {"snmpbulkwalk", "-Cr50", mib2}} {
				seen := map[string]int{}
				for _, line := range master.ask(walk[0], walk[1:]...) {
					name, value, _ := strings.Cut(line, " = ")
					for _, region := range regions {
						if strings.HasPrefix(name, "."+region+".") {
							if value != fmt.Sprint("INTEGER: ", ours) {
								t.Errorf("%v: leaks %s", walk, line)
							}
							seen[region]++
						}
					}
				}
				for _, n := range nodes {
					for _, o := range n.Objects() {
						want := rows
						if o.Scalar {
							want = 1
						}
						got := 0
						for region, count := range seen {
							if o.OID.HasPrefix(mib.MustParseOID(region)) {
								got = count / max(1, len(n.Objects()))
								if o.Scalar {
									got = count
								}
							}
						}
						if got != want {
							t.Errorf("%v: %d of %s (%s), want %d", walk, got, o.Name, o.OID, want)
						}
					}
				}
			}
			for _, o := range tree.Objects() {
				instance := o.OID.Sub(1)
				if o.Scalar {
					instance = o.OID.Sub(0)
				} else if rows == 0 {
					continue
				}
				if got := master.ask("snmpget", instance.String())[0]; got != fmt.Sprintf(".%s = INTEGER: %d", instance, ours) {
					t.Errorf("get: %s", got)
				}
				none := o.OID.Sub(99)
				if got := master.ask("snmpget", none.String())[0]; !strings.Contains(got, "No Such Instance") {
					t.Errorf("get: %s", got)
				}
			}
			agent.stop()
			if after := names(master.ask("snmpwalk", mib2)); len(after) < len(before)*9/10 {
				t.Errorf("%d variables after, %d before", len(after), len(before))
			}
		})
	}
}

func names(lines []string) (names []string) {
	for _, l := range lines {
		name, _, _ := strings.Cut(l, " = ")
		names = append(names, name)
	}
	return names
}

func TestMasterRestarts(t *testing.T) {
	master := startSnmpd(t)
	agent := run(t, Config{Address: master.socket, Handler: sample(t, nil)})
	want := "." + last + ".1.0 = INTEGER: " + fmt.Sprint(ours)
	get := func() {
		t.Helper()
		if got := master.ask("snmpget", last+".1.0")[0]; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	get()
	first := agent.Session()
	if first.Sessions != 1 || first.Opened.IsZero() || first.Registered == 0 || first.Refused != 0 {
		t.Errorf("the first session: %+v", first)
	}
	for i, away := range []time.Duration{0, 3 * time.Second} {
		master.kill()
		time.Sleep(away) // how long the back-off has grown is the point
		master.start()
		for {
			conn, err := net.Dial("unix", strings.TrimPrefix(master.socket, "unix:"))
			if err == nil {
				conn.Close()
				break
			}
			time.Sleep(time.Millisecond)
		}
		agent.await()
		get()
		if now := agent.Session(); now.Sessions != uint64(i)+2 || !now.Opened.After(first.Opened) || now.Registered != first.Registered {
			t.Errorf("a session after the first, which was %+v: %+v", first, now)
		}
	}

	// One that stops for a moment keeps its session.
	master.signal(syscall.SIGSTOP)
	time.Sleep(100 * time.Millisecond)
	master.signal(syscall.SIGCONT)
	get()
	if len(agent.registered) != 0 {
		t.Error("registered again without need")
	}

	master.kill()
	for began := time.Now(); !agent.Session().Opened.IsZero(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("a session without a master")
		}
	}
	if gone := agent.Session(); gone != (Session{Sessions: 3}) {
		t.Errorf("without a master: %+v", gone)
	}
}

func TestMasterHangs(t *testing.T) {
	master := startSnmpd(t)
	agent := run(t, Config{Address: master.socket, Handler: sample(t, nil),
		PingInterval: 50 * time.Millisecond, ResponseTimeout: 200 * time.Millisecond})
	session := agent.session()
	master.signal(syscall.SIGSTOP)
	select {
	case <-session.ctx.Done():
	case <-time.After(patience):
		t.Fatal("a hung master was not noticed")
	}
	time.Sleep(3 * time.Second) // connections pile up at its socket
	master.signal(syscall.SIGCONT)
	agent.await()
	if got := master.ask("snmpget", last+".1.0")[0]; !strings.HasSuffix(got, fmt.Sprint(ours)) {
		t.Error(got)
	}
}

func (s *Subagent) session() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.catalog.session
}

// TestTakeover holds that a subagent that finds another in its place says so
// once, claims nothing, and serves when the other has ended.
func TestTakeover(t *testing.T) {
	master := startSnmpd(t)
	nodes, _ := builtin(1)
	tree := newTree(t, append(nodes, groupNode(testGroup("probe", scalar, 1)))...)
	resources := func() int {
		return strings.Count(strings.Join(master.ask("snmpwalk", "1.3.6.1.2.1.1.9"), "\n"), "objects of a test")
	}
	value := func() string { return master.ask("snmpget", scalar+".1.0")[0] }

	first := start(t, Config{Address: master.socket, Handler: tree})
	all := first.await()
	if all.registered < 100 || all.refused != 0 {
		t.Fatalf("the first: %+v", all)
	}
	const theirs = 434343
	other := newTree(t, append(nodes,
		testGroup("probe", scalar, 1).BindNow(func() testRow { return testRow{value: theirs} }))...)
	var log bytes.Buffer
	second := start(t, Config{Address: master.socket, Handler: other, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if got := second.await(); got != (counts{0, all.registered}) {
		t.Errorf("the second: %+v", got)
	}
	if got := value(); !strings.HasSuffix(got, fmt.Sprint(ours)) {
		t.Error(got)
	}
	if n := resources(); n != 1 {
		t.Errorf("%d rows in sysORTable, want the first subagent's", n)
	}

	first.stop()
	if got := second.await(); got != all {
		t.Errorf("the second, after the first: %+v, want %+v", got, all)
	}
	if got := value(); !strings.HasSuffix(got, fmt.Sprint(theirs)) {
		t.Error(got)
	}
	if n := resources(); n != 1 {
		t.Errorf("%d rows in sysORTable, want the second subagent's", n)
	}
	second.stop()
	want := fmt.Sprintf(`refused=%d of=%[1]d context="" first=ifTable subtree=1.3.6.1.2.1.2.2 error=duplicateRegistration`, all.registered)
	if n := strings.Count(log.String(), "level=WARN"); n != 1 ||
		!strings.Contains(log.String(), "is another subagent running?") || !strings.Contains(log.String(), want) {
		t.Errorf("%d warnings, want one with %s:\n%s", n, want, log.String())
	}
}

// TestSubagentKilled holds that the master's own comes back when a subagent
// ends without a word, and that another can register.
func TestSubagentKilled(t *testing.T) {
	master := startSnmpd(t)
	ifNumber := "1.3.6.1.2.1.2.1.0"
	nodes, _ := builtin(2)
	agent := run(t, Config{Address: master.socket, Handler: newTree(t, nodes...)})
	for range 20 {
		if got := master.ask("snmpget", ifNumber)[0]; !strings.HasSuffix(got, fmt.Sprint(ours)) {
			t.Fatal(got)
		}
		agent.session().conn.Close()
		agent.await()
	}
	agent.stop()
	if got := master.ask("snmpget", ifNumber)[0]; strings.HasSuffix(got, fmt.Sprint(ours)) || !strings.Contains(got, "INTEGER") {
		t.Error(got)
	}
}

func TestContexts(t *testing.T) {
	master := startSnmpd(t,
		"com2sec -Cn blue bluesec 127.0.0.1 bluecommunity",
		"group bluegroup v2c bluesec",
		"view all included .1",
		"access bluegroup blue v2c noauth exact all none none",
	)
	number := testGroup("interfaces", "1.3.6.1.2.1.2", 1)
	blue := newTree(t, groupNode(number), testTable("ifTable", "1.3.6.1.2.1.2.2", 1).Bind(sourceOf(rowsOf(3))))
	agent := run(t, Config{
		Address:  master.socket,
		Handler:  contexts{"": sample(t, nil), "blue": blue},
		Contexts: []string{"", "blue"},
	})
	if got := master.ask("snmpget", "1.3.6.1.2.1.2.1.0")[0]; strings.HasSuffix(got, fmt.Sprint(ours)) {
		t.Errorf("in the default context: %s", got)
	}
	got := master.ask("snmpbulkwalk", "-c", "bluecommunity", "1.3.6.1.2.1.2")
	want := []string{
		".1.3.6.1.2.1.2.1.0 = INTEGER: 424242",
		".1.3.6.1.2.1.2.2.1.1.1 = INTEGER: 424242",
		".1.3.6.1.2.1.2.2.1.1.2 = INTEGER: 424242",
		".1.3.6.1.2.1.2.2.1.1.3 = INTEGER: 424242",
		".1.3.6.1.2.1.2.2.1.1.3 = No more variables left in this MIB View (It is past the end of the MIB tree)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("in context blue:\n%s", strings.Join(got, "\n"))
	}
	if err := agent.SetContexts(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := master.ask("snmpget", "-c", "bluecommunity", "1.3.6.1.2.1.2.1.0")[0]; strings.HasSuffix(got, fmt.Sprint(ours)) {
		t.Errorf("unregistered: %s", got)
	}
}

// TestTCP does over TCP what a manager sees beside Get and GetNext: SET, the
// rows of sysORTable, a notification, the master's sysUpTime.
func TestTCP(t *testing.T) {
	sink, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	probe.Close()
	master := startSnmpd(t, "agentXSocket tcp:"+probe.Addr().String(), "trap2sink "+sink.LocalAddr().String()+" public")
	agent := run(t, Config{Address: master.socket, Handler: sample(t, nil)})

	for _, name := range []string{scalar + ".1.0", table + ".1.1.1", table + ".1.1.99"} {
		if _, err := master.try("snmpset", name, "i", "1"); err == nil || !strings.Contains(err.Error(), "notWritable") {
			t.Errorf("set %s: %v", name, err)
		}
	}
	if rows := strings.Join(master.ask("snmpwalk", "1.3.6.1.2.1.1.9"), "\n"); !strings.Contains(rows, "objects of a test") {
		t.Errorf("sysORTable:\n%s", rows)
	}

	line := master.ask("snmpget", "1.3.6.1.2.1.1.3.0")[0]
	var ticks time.Duration
	if _, err := fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &ticks); err != nil {
		t.Fatal(line, err)
	}
	if off := time.Since(agent.Epoch()) - ticks*10*time.Millisecond; off < -50*time.Millisecond || off > time.Second {
		t.Errorf("the epoch is %v off", off)
	}

	trap := mib.MustParseOID("1.3.6.1.4.1.8072.9999.77")
	agent.Notify("", mib.Notification{Type: trap, At: time.Now(), Objects: []mib.Binding{
		{Object: mib.MustParseOID(scalar + ".1"), Index: mib.MakeOID(0), Value: mib.Octets("by the way")}}})
	sink.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 65535)
	for {
		n, _, err := sink.ReadFrom(buf)
		if err != nil {
			t.Fatal("no notification:", err)
		}
		// snmpd's own notifications come there too.
		if bytes.Contains(buf[:n], []byte("by the way")) && bytes.Contains(buf[:n], []byte{0xbf, 0x08, 0xce, 0x0f, 77}) {
			break
		}
	}
}

// TestSlowSource holds that snmpd, which sends a PDU again after a second, gets
// the slow answer, and others meanwhile.
func TestSlowSource(t *testing.T) {
	g := newGate()
	master := startSnmpd(t)
	run(t, Config{Address: master.socket, Handler: sample(t, g)})
	done := make(chan string)
	go func() {
		lines, err := master.try("snmpget", slow+".1.1.1")
		done <- fmt.Sprint(lines, err)
	}()
	<-g.reads
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); {
		if got := master.ask("snmpget", last+".1.0")[0]; !strings.HasSuffix(got, fmt.Sprint(ours)) {
			t.Fatal(got)
		}
	}
	close(g.open)
	if got := <-done; got != fmt.Sprintf("[.%s.1.1.1 = INTEGER: %d]<nil>", slow, ours) && got != fmt.Sprintf("[.%s.1.1.1 = INTEGER: %d] <nil>", slow, ours) {
		t.Error(got)
	}
}

func TestConnectErrors(t *testing.T) {
	dir, err := os.MkdirTemp("", "agentx")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	stale := filepath.Join(dir, "stale")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	for address, want := range map[string]struct {
		is   error
		says string
	}{
		"unix:" + filepath.Join(dir, "missing"): {os.ErrNotExist, "no such file or directory: is the master agent running"},
		"unix:" + stale:                         {syscall.ECONNREFUSED, "connection refused: no master agent listens there"},
	} {
		s, err := New(Config{Address: address, Handler: sample(t, nil)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.serve(t.Context(), new(reconnection))
		if !errors.Is(err, want.is) || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), want.says) {
			t.Error(err)
		}
	}
	denied := &connectError{"unix:/x", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}}
	if !errors.Is(denied, os.ErrPermission) || !strings.Contains(denied.Error(), "agentXPerms") {
		t.Error(denied)
	}
}

// TestDissect holds the vectors against Wireshark's dissector. It is not asked
// about variables after the first 20 octets, where 4.0 calls anything malformed;
// the other tests have snmpd read those.
func TestDissect(t *testing.T) {
	need(t, "tshark", "text2pcap")
	var text strings.Builder
	for _, v := range vectors {
		pdu, err := Append(nil, v.header, v.pdu)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "000000 % x\n", pdu)
	}
	file := filepath.Join(t.TempDir(), "pdus")
	if err := os.WriteFile(file+".txt", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("text2pcap", "-q", "-T", "705,40000", file+".txt", file+".pcap").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command("tshark", "-r", file+".pcap", "-O", "agentx").Output()
	if err != nil {
		t.Fatal(err)
	}
	frames := strings.Split(string(out), "Frame ")[1:]
	if len(frames) != len(vectors) {
		t.Fatalf("%d frames", len(frames))
	}
	for i, v := range vectors {
		if t := v.pdu.Type(); t == TypeTestSet || t == TypeResponse {
			continue
		}
		name := strings.TrimPrefix(v.pdu.Type().String(), "agentx-")
		if !strings.Contains(frames[i], "Agent Extensibility") || strings.Contains(frames[i], "Malformed") || !strings.Contains(frames[i], "Type: "+name) {
			t.Errorf("%s:\n%s", v.name, frames[i])
		}
	}
}
