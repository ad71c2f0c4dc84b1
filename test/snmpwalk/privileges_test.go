package snmpwalk_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// Capabilities as /proc has them.
const (
	bindService   = 1 << unix.CAP_NET_BIND_SERVICE
	netAdmin      = 1 << unix.CAP_NET_ADMIN
	sysAdmin      = 1 << unix.CAP_SYS_ADMIN
	ptrace        = 1 << unix.CAP_SYS_PTRACE
	readSearch    = 1 << unix.CAP_DAC_READ_SEARCH
	override      = 1 << unix.CAP_DAC_OVERRIDE
	nobody        = 65534
	givenUp       = "capabilities are given up"
	onlyIF, other = "--modules=IF-MIB", "--listen=udp:127.0.0.1:" + port
)

// confined returns what is wrong with the capabilities of a program's threads: each has those of a mask, and nothing by which
// itself or what it runs gets others.
func confined(p *process, want uint64) (complaint string) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	if err != nil || len(threads) < 3 {
		return fmt.Sprintf("threads %q: %v", threads, err)
	}
	wanted := map[string]string{
		"CapInh": fmt.Sprintf("%016x", 0), "CapBnd": fmt.Sprintf("%016x", 0), "CapAmb": fmt.Sprintf("%016x", 0),
		"CapPrm": fmt.Sprintf("%016x", want), "CapEff": fmt.Sprintf("%016x", want), "NoNewPrivs": "1",
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it ended
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			if is, ok := wanted[name]; ok && strings.TrimSpace(value) != is {
				return fmt.Sprintf("%s has %s %s, want %s", thread, name, strings.TrimSpace(value), is)
			}
		}
	}
	return ""
}

// nobodys gives a file or folder to another user, for whom alone it is.
func nobodys(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCapabilities holds that the program keeps the capabilities that its configuration needs, and no other, in each of
// its threads, and says which.
func TestCapabilities(t *testing.T) {
	needsTools(t)
	s, blue := newPair(t), nstest.New(t)
	m := startMaster(t, s.NS)
	theirs := startMaster(t, nstest.New(t))
	nobodys(t, theirs.socket(), 0o700)
	recorded := filepath.Join(t.TempDir(), "recording")
	record(t, recorded, s.NS, recording.Options{})
	writable := []string{"rwcommunity public", "rocommunity6 public"}
	state := func() string {
		dir := filepath.Join(t.TempDir(), "state")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, c := range map[string]struct {
		ns   *nstest.NS
		args []string
		want uint64
		says string
	}{
		"interfaces":                 {nil, []string{onlyIF, other + "1"}, 0, "kept=none"},
		"a low port":                 {nil, []string{onlyIF, "--listen=udp:127.0.0.1:161"}, bindService, "CAP_NET_BIND_SERVICE (more sockets at a UDP port below 1024"},
		"a low port of TCP":          {nil, []string{onlyIF, "--listen=tcp:127.0.0.1:161"}, 0, "kept=none"},
		"processes":                  {nil, []string{"--modules=TCP-MIB", other + "1"}, ptrace | readSearch, "CAP_SYS_PTRACE (processes of other users' sockets), CAP_DAC_READ_SEARCH"},
		"all modules":                {nil, []string{other + "1"}, ptrace | readSearch, "CAP_SYS_PTRACE"},
		"writing":                    {nil, []string{onlyIF, other + "1", "--state", state(), "--config", writeConfig(t, writable...)}, netAdmin, "CAP_NET_ADMIN (what managers write)"},
		"another namespace":          {nil, []string{onlyIF, other + "1", "--netns", blue.Name}, sysAdmin | ptrace, "CAP_SYS_ADMIN (to enter network namespaces)"},
		"contexts":                   {nil, []string{onlyIF, other + "1", "--contexts", blue.Name}, sysAdmin | ptrace | netAdmin, "CAP_NET_ADMIN (buffers for events of further namespaces)"},
		"a recording":                {nil, []string{other + "1", "--recording", recorded, "--config", writeConfig(t, writable...)}, 0, "kept=none"},
		"another user's file":        {nil, []string{onlyIF, other + "1", "--config", nobodys(t, writeConfig(t, "rocommunity public"), 0o600)}, readSearch, "CAP_DAC_READ_SEARCH (to read the configuration again)"},
		"another user's state":       {nil, []string{onlyIF, other + "1", "--state", nobodys(t, state(), 0o700), "--config", writeConfig(t, writable...)}, netAdmin | override, "CAP_DAC_OVERRIDE (to write the state)"},
		"a subagent":                 {nil, []string{onlyIF, "--agentx=" + m.address()}, netAdmin, "CAP_NET_ADMIN (what the master lets managers write)"},
		"a subagent over TCP":        {nil, []string{onlyIF, "--agentx=tcp:127.0.0.1:1199"}, netAdmin, "CAP_NET_ADMIN"},
		"another user's master":      {theirs.ns, []string{onlyIF, "--agentx=" + theirs.address()}, netAdmin | override, "CAP_DAC_OVERRIDE (to connect to the master)"},
		"a master that is not there": {nil, []string{onlyIF, "--agentx=unix:" + filepath.Join(t.TempDir(), "master")}, netAdmin | override, "CAP_DAC_OVERRIDE"},
	} {
		t.Run(name, func(t *testing.T) {
			ns := s.NS
			if c.ns != nil {
				ns = c.ns
			}
			p := start(t, ns, program, c.args...)
			p.await(t, givenUp, 1)
			if complaint := confined(p, c.want); complaint != "" {
				t.Error(complaint)
			}
			if !strings.Contains(p.output.String(), c.says) {
				t.Errorf("it does not say %q", c.says)
			}
			if p.cmd.ProcessState != nil {
				t.Error("it ended")
			}
			if name == "another user's master" {
				p.await(t, registered, 1)
			}
		})
	}
	t.Run("of an ordinary user", func(t *testing.T) {
		cmd := exec.Command(program, onlyIF, "--listen=udp:127.0.0.1:161")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_RAW}}
		p := startCommand(t, s.NS, cmd)
		p.await(t, givenUp, 1)
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		// Without CAP_SETPCAP the bounding set stays, of which nobody can have anything (no_new_privs).
		for _, want := range []string{"CapInh:\t0000000000000000", "CapPrm:\t0000000000000400", "CapEff:\t0000000000000400", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("not %q:\n%s", want, text)
			}
		}
	})
}

// TestCapabilitiesOfBothBuilds holds that all threads give up their capabilities, those that come later too, whether the program is built with
// cgo, where C's threads are among them, or without.
func TestCapabilitiesOfBothBuilds(t *testing.T) {
	needsTools(t)
	nstest.NeedsProgram(t, "gcc")
	s := newPair(t)
	for _, cgo := range []string{"0", "1"} {
		t.Run("CGO_ENABLED="+cgo, func(t *testing.T) {
			built := filepath.Join(t.TempDir(), "netsnmp-agent")
			build := exec.Command("go", "build", "-buildvcs=false", "-o", built, "../../cmd/netsnmp-agent")
			build.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if out, err := exec.Command("go", "version", "-m", built).Output(); err != nil || !strings.Contains(string(out), "CGO_ENABLED="+cgo) {
				t.Fatalf("it is another build: %v: %s", err, out)
			}
			dynamic := exec.Command("ldd", built).Run() == nil
			if dynamic != (cgo == "1") {
				t.Errorf("with CGO_ENABLED=%s it is linked to C: %v", cgo, dynamic)
			}
			p := start(t, s.NS, built, other, "--config", writeConfig(t, "rwcommunity public", "trap2sink localhost secret"), "--state", stateDir(t))
			p.await(t, givenUp, 1)
			const kept = netAdmin | ptrace | readSearch
			if complaint := confined(p, kept); complaint != "" {
				t.Error(complaint)
			}
			threads := func() int {
				all, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.cmd.Process.Pid))
				if err != nil {
					t.Fatal(err)
				}
				return len(all)
			}
			before := threads()
			var clients sync.WaitGroup
			for range 8 {
				c := s.client(t)
				clients.Go(func() {
					for range 5 {
						if _, err := c.BulkWalkAll("1.3.6.1.2.1"); err != nil {
							t.Error(err)
						}
					}
				})
			}
			clients.Wait()
			if complaint := confined(p, kept); complaint != "" {
				t.Errorf("of %d threads, %d before: %s", threads(), before, complaint)
			}
			if r := s.run(t, "snmpset", ask("2c", "public", "udp", ifXEntry+".18.11", "s", "of "+cgo)...); r.status != 0 {
				t.Errorf("snmpset: %s", r.complaints)
			}
		})
	}
}

// TestWorksConfined holds that everything which was promised works when capabilities were given up: processes of other
// users, what managers write, namespaces that come later, a file that is read again, and what follows from that.
func TestWorksConfined(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	d := startTrapd(t, s.NS)
	name := fmt.Sprintf("confined-%d", os.Getpid())
	lines := []string{"rwcommunity public", "rocommunity6 public", "com2sec -Cn " + name + " later 127.0.0.1 later", "group later v2c later",
		"access later " + name + " v2c noauth exact _all_ none none", "netnsContexts " + name}
	file := writeConfig(t, lines...)
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startEmbedded(t, s.NS, "--config", file, "--state", filepath.Join(t.TempDir(), "state"))
	p.await(t, givenUp, 1)
	const kept = sysAdmin | ptrace | netAdmin | readSearch
	c := s.client(t)

	// A process of another user.
	cmd := exec.Command(program, onlyIF, "--listen=udp:127.0.0.1:1170")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	theirs := startCommand(t, s.NS, cmd)
	theirs.await(t, "listening on", 1)
	eventually(t, func() string {
		for index, process := range c.table(t, "1.3.6.1.2.1.7.7.1") {
			if strings.Contains(index, ".1170.") && process == fmt.Sprint(theirs.cmd.Process.Pid) {
				return ""
			}
		}
		return "the process of another user is not known"
	})

	// What managers write: by netlink, by /proc/sys, by sock_diag and on disk.
	s.listen(t, "tcp4", "127.0.0.1:5000", nil)
	s.dial(t, "tcp4", "127.0.0.1:5100", "127.0.0.1:5000")
	for _, variables := range [][]string{
		{ifXEntry + ".18.11", "s", "mine", ifEntry + ".7.11", "i", "1"},
		{"1.3.6.1.2.1.4.1.0", "i", "1", "1.3.6.1.2.1.4.2.0", "i", "77", "1.3.6.1.2.1.4.26.0", "i", "78"},
		{tcpConnectionEntry + ".7.1.4.127.0.0.1.5100.1.4.127.0.0.1.5000", "i", "12"},
		{"1.3.6.1.2.1.1.5.0", "s", "confined"},
	} {
		if r := s.run(t, "snmpset", ask("2c", "public", "udp", variables...)...); r.status != 0 {
			t.Errorf("snmpset %q: %s", variables, r.complaints)
		}
	}
	for path, want := range map[string]string{"ipv4/ip_forward": "1", "ipv4/ip_default_ttl": "77", "ipv6/conf/default/hop_limit": "78"} {
		if got := strings.TrimSpace(s.Run(t, "cat", "/proc/sys/net/"+path)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := s.Run(t, "ip", "link", "show", "v0"); !strings.Contains(got, "alias mine") || !strings.Contains(got, ",UP") {
		t.Errorf("v0 is %s", got)
	}
	if got := s.Run(t, "ss", "-tnH", "sport = :5100"); got != "" {
		t.Errorf("the connection is there: %s", got)
	}

	// A namespace that there was not.
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	ip(t, "-n", name, "link", "add", "inside", "type", "bridge")
	eventually(t, func() string {
		r := s.run(t, "snmpwalk", ask("2c", "later", "udp", "-Oqv", ifDescr)...)
		if !strings.Contains(r.out, "inside") {
			return "its interfaces are not shown: " + r.out + r.complaints
		}
		return ""
	})

	// A file that is read again, whose notifications go elsewhere.
	rewrite(t, file, append(lines, "trap2sink 127.0.0.1:"+trapPort+" again")...)
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 1)
	d.awaitLinks(t, s)
	if complaint := confined(p, kept); complaint != "" {
		t.Error(complaint)
	}
}

// TestGivenUpForGood holds that a file which asks for what was given up is told that it takes effect later.
func TestGivenUpForGood(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	file := writeConfig(t, "rocommunity public", "rocommunity6 public")
	p := startEmbedded(t, s.NS, "--config", file, onlyIF)
	p.await(t, givenUp, 1)
	rewrite(t, file, "rwcommunity public", "netnsContexts *")
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 1)
	for _, capability := range []string{"CAP_NET_ADMIN", "CAP_SYS_ADMIN"} {
		if !strings.Contains(p.output.String(), "takes effect at the next start\" capability="+capability) {
			t.Errorf("it does not say that %s was given up", capability)
		}
	}
	if r := s.run(t, "snmpset", ask("2c", "public", "udp", ifXEntry+".18.11", "s", "mine")...); !strings.Contains(r.complaints, "notWritable") {
		t.Errorf("snmpset: %s%s", r.out, r.complaints)
	}
}
