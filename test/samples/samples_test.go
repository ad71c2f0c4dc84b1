// Package samples holds that what README.md and the manuals show is what happens.
package samples

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

var program string

func TestMain(m *testing.M) { os.Exit(nstest.Main(m, "netsnmp-agent", &program)) }

// sample says how a block of README.md or an example of a manual is run, or why it is not.
type sample struct {
	why string // it is not run
	// prepare makes what the block takes for granted.
	prepare func(t *testing.T, s *scene)
	// instead is run in the place of a command.
	instead map[string]string
	// endless are the commands that go on until they are ended.
	endless []string
	// meanwhile is done once an endless command has printed something.
	meanwhile func(t *testing.T, s *scene)
	// shows are expressions for what commands print where the page does not show it.
	shows map[string]string
	// after looks at what the commands have done.
	after func(t *testing.T, s *scene)
}

// samples are the blocks by their first lines.
func samples() map[string]sample {
	const mibs = "names of objects take the texts of the MIBs, which are not there"
	return map[string]sample{
		"git clone https://github.com/netsnmp-agent/netsnmp-agent && cd netsnmp-agent":                  {why: "it is for a machine with the Internet; go install is go build"},
		"apt install ./netsnmp-agent_*_amd64.deb        # or: dnf install ./netsnmp-agent-*.x86_64.rpm": {why: "test/packaging installs packages"},
		"go run ./cmd/netsnmp-agent      # runs the agent":                                              {why: "it would run these tests"},
		"netsnmp-agent --agentx                              # unix:/var/agentx/master": {
			instead: map[string]string{
				"netsnmp-agent --agentx                              # unix:/var/agentx/master": "netsnmp-agent --list --agentx",
				"netsnmp-agent --agentx=tcp:localhost:705            # another master":          "netsnmp-agent --list --agentx=tcp:localhost:705",
				"netsnmp-agent --agentx=/run/snmpd/agentx --modules TCP-MIB,UDP-MIB":            "netsnmp-agent --list --agentx=/run/snmpd/agentx --modules TCP-MIB,UDP-MIB",
			},
		},
		"$ netsnmp-agent &": {
			instead: map[string]string{
				"snmpwalk -v2c -c public 127.0.0.1:1161 IF-MIB::ifXTable": "", "snmpwalk -v2c -c public 127.0.0.1:1161 IP-FORWARD-MIB::inetCidrRouteType": "",
				"snmpwalk -v2c -c public 127.0.0.1:1161 TCP-MIB::tcpListenerProcess": "", "netsnmp-agent &": "netsnmp-agent",
			},
			endless: []string{"netsnmp-agent"},
		},
		"umask 077":                        {endless: []string{"netsnmp-agent --config agent.conf"}},
		"$ netsnmp-agent check agent.conf": {},
		"cat >> agent.conf <<'EOF'":        {},
		"$ ip link set eth1 down":          {why: mibs},
		"$ curl -s http://localhost:9161/metrics | grep ^netstat_listener_accept": {
			prepare: func(t *testing.T, s *scene) {
				nstest.NeedsProgram(t, "curl")
				s.ns.Listen(t, "tcp", "0.0.0.0:443")
				_, printed := s.ns.Start(t, program, "--metrics", "localhost:9161")
				nstest.Eventually(t, func() string {
					if !strings.Contains(printed(), "listening on udp:") {
						return "it does not listen: " + printed()
					}
					return ""
				})
			},
		},
		"$ curl -s 'http://localhost:9116/probe?target=192.0.2.1' | grep ^ifHCInOctets": {
			prepare: func(t *testing.T, s *scene) {
				nstest.NeedsProgram(t, "curl")
				s.ns.IP(t, "link set eth0 alias uplink")
				config := filepath.Join(s.dir, "router.conf")
				if err := os.WriteFile(config, []byte("agentaddress udp:192.0.2.1:161\nrocommunity public\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				for line, args := range map[string][]string{"listening on udp:": {"--config", config, "--state", s.dir}, "probes at ": {"probe"}} {
					_, printed := s.ns.Start(t, program, args...)
					nstest.Eventually(t, func() string {
						if !strings.Contains(printed(), line) {
							return "it does not listen: " + printed()
						}
						return ""
					})
				}
			},
		},
		"$ netsnmp-agent monitor --kinds route,interface": {
			// What is there first shows that it follows.
			instead: map[string]string{"netsnmp-agent monitor --kinds route,interface": "netsnmp-agent monitor --kinds route,interface --initial"},
			endless: []string{"netsnmp-agent monitor --kinds route,interface --initial"},
			meanwhile: func(t *testing.T, s *scene) {
				s.ns.IP(t, "route add 203.0.113.0/24 via 192.0.2.1 dev eth0")
				s.ns.IP(t, "link set eth0 down")
			},
			prepare: func(t *testing.T, s *scene) {
				s.ns.IP(t, "addr del 192.0.2.1/24 dev a0", "addr add 192.0.2.9/24 dev eth0")
			},
		},
		"$ netsnmp-agent monitor --kinds flow --prefix 192.0.2.0/24": {why: "test/conntrack compares flows with conntrack's"},
		"$ netstat -tulpn": {
			prepare: func(t *testing.T, s *scene) {
				s.ns.Listen(t, "tcp4", "0.0.0.0:22")
				s.ns.Listen(t, "tcp6", "[2001:db8::10]:443")
				s.ns.ListenPacket(t, "udp4", "127.0.0.1:323")
			},
			endless: []string{"netstat -I eth0 --interval 1"},
		},
		"$ netstat -rn": {
			prepare: func(t *testing.T, s *scene) {
				config := filepath.Join(s.dir, "host.conf")
				if err := os.WriteFile(config, []byte("agentaddress udp:161\nrocommunity public\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				s.ns.Start(t, program, "--config", config, "--state", s.dir)
			},
			instead: map[string]string{"netstat -rn --recording night.rec --at 03:15": "netstat -rn --recording night.rec"},
			endless: []string{"netstat --record night.rec --interval 60"},
		},
		"$ netstat --options=changed -tanp": {why: "what a kernel tells of options is compared in collectors/sockopt"},
		"$ nettop interfaces":               {why: "test/nettop looks at the screen"},
		"conntrack -L --json --sort -bytes --filter 'bytes > 1000000 and dport = https'": {
			prepare: func(t *testing.T, _ *scene) { nstest.NeedsKernel(t, "CONFIG_NF_CT_NETLINK") },
			// It says by its status that there was none, as conntrack does.
			instead: map[string]string{"conntrack -D --filter 'src = 192.0.2.0/24 and state = CLOSE_WAIT'": "conntrack -D --filter 'src = 192.0.2.0/24 and state = CLOSE_WAIT' || test $? = 1"},
			endless: []string{"conntrack -E --netns all"},
		},
		"$ row=1.4.10.1.0.0.16.2.0.0.1.4.192.0.2.9     # 10.1.0.0/16, policy 0.0, via 192.0.2.9": {why: mibs},
	}
}

// scene is where blocks are run, one after the other: a namespace, and a folder with what they write.
type scene struct {
	ns   *nstest.NS
	dir  string
	path string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{ns: nstest.New(t), dir: t.TempDir()}
	s.ns.IP(t, "link set lo up", "link add eth0 type veth peer name peer0", "link set eth0 up", "link set peer0 up", "addr add 2001:db8::10/64 dev eth0 nodad",
		"link add a0 type veth peer name a1", "link set a0 up", "link set a1 up", "addr add 192.0.2.1/24 dev a0", "route add default via 192.0.2.254 dev a0")
	s.ns.Settle(t)
	for _, name := range []string{"netstat", "conntrack", "nettop"} {
		nstest.Program(t, name)
	}
	s.path = filepath.Dir(program) + ":" + os.Getenv("PATH")
	return s
}

// block is what stands between two fences.
type block struct {
	line    int
	console bool // with commands behind "$ " and what they print
	text    string
}

func blocks(t *testing.T) (all []block) {
	t.Helper()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllSubmatchIndex(page, -1) {
		kind, text := string(page[m[2]:m[3]]), string(page[m[4]:m[5]])
		if kind != "go" {
			all = append(all, block{1 + bytes.Count(page[:m[0]], []byte("\n")), strings.HasPrefix(text, "$ "), text})
		}
	}
	return all
}

// command is a command and what it prints.
type command struct {
	text  string
	want  []string
	shows *regexp.Regexp // nil for anything
}

func (b block) commands() (all []command) {
	if !b.console {
		// Of a script, a here-document is a part of its command.
		var open string
		for line := range strings.Lines(b.text) {
			line = strings.TrimSuffix(line, "\n")
			switch {
			case open != "":
				all[len(all)-1].text += "\n" + line
				if line == open {
					open = ""
				}
			default:
				all = append(all, command{text: line})
				if _, word, is := strings.Cut(line, "<<'"); is {
					open = strings.TrimSuffix(word, "'")
				}
			}
		}
		return all
	}
	for line := range strings.Lines(b.text) {
		line = strings.TrimSuffix(line, "\n")
		if text, is := strings.CutPrefix(line, "$ "); is {
			all = append(all, command{text: text})
		} else if line != "" && line != "..." {
			all[len(all)-1].want = append(all[len(all)-1].want, line)
		}
	}
	return all
}

// shape matches lines with the same words, and numbers and names of processes for those of a line.
func shape(line string) *regexp.Regexp {
	var words []string
	for word := range strings.FieldsSeq(line) {
		switch {
		case regexp.MustCompile(`^\d+/\w+$`).MatchString(word): // of a process
			word = `\d+/\S+`
		default:
			word = regexp.MustCompile(`\d+`).ReplaceAllString(regexp.QuoteMeta(word), `\d+`)
			word = regexp.MustCompile(`process="[^"]*"`).ReplaceAllString(word, `process="[^"]*"`)
			word = regexp.MustCompile(`^(\\d\+:){2}\\d\+\\\.\\d\+$`).ReplaceAllString(word, `[\d:.]+`)
			if strings.Count(word, ":") == 5 { // a link-layer address
				word = `[0-9a-f:]+`
			}
		}
		words = append(words, word)
	}
	return regexp.MustCompile(`^\s*` + strings.Join(words, `\s+`) + `\s*$`)
}

// lacks returns which line of what a command is to print is missing, in order.
func (c command) lacks(printed string) string {
	if c.shows != nil && !c.shows.MatchString(printed) {
		return c.shows.String()
	}
	lines := strings.Split(printed, "\n")
	for _, want := range c.want {
		for len(lines) > 0 && !shape(want).MatchString(lines[0]) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return want
		}
		lines = lines[1:]
	}
	return ""
}

// runAll runs a block's commands, one after the other.
func (s *scene) runAll(t *testing.T, of sample, b block) {
	if of.prepare != nil {
		of.prepare(t, s)
	}
	commands := b.commands()
	for shown := range of.shows {
		if !slices.ContainsFunc(commands, func(c command) bool { return c.text == shown }) {
			t.Errorf("the block has no command %s", shown)
		}
	}
	for _, c := range commands {
		s.run(t, of, c)
	}
	if of.after != nil {
		of.after(t, s)
	}
}

// run runs a command as the sample says, and holds what it prints.
func (s *scene) run(t *testing.T, of sample, c command) {
	t.Helper()
	if shows, is := of.shows[c.text]; is {
		c.shows = regexp.MustCompile(shows)
	}
	if text, is := of.instead[c.text]; is {
		c.text = text
	}
	if text, _, _ := strings.Cut(c.text, "  #"); text == "" {
		return
	}
	endless := false
	for _, e := range of.endless {
		endless = endless || e == c.text
	}
	cmd := exec.Command("ip", "netns", "exec", s.ns.Name, "sh", "-c", "exec env LC_ALL=C sh -c \"$0\"", c.text)
	if endless {
		cmd = exec.Command("ip", "netns", "exec", s.ns.Name, "sh", "-c", "exec "+c.text)
	}
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PATH="+s.path, "STATE_DIRECTORY="+s.dir, "SNMP_COMMUNITY=public")
	out := new(nstest.Output)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if !endless {
		if err := <-ended; err != nil {
			t.Errorf("%s: %v\n%s", c.text, err, out)
		}
		if lacks := c.lacks(out.String()); lacks != "" {
			t.Errorf("%s does not print %q, but\n%s", c.text, lacks, out)
		}
		return
	}
	var begun sync.Once
	end := sync.OnceFunc(func() { _ = cmd.Process.Signal(unix.SIGINT); <-ended })
	defer end()
	nstest.Eventually(t, func() string {
		select {
		case err := <-ended:
			ended <- err
			if s.recorded(c) {
				return ""
			}
			return fmt.Sprintf("%s ended: %v: %s", c.text, err, out)
		default:
		}
		if of.meanwhile != nil && out.String() != "" {
			begun.Do(func() { of.meanwhile(t, s) })
		}
		if lacks := c.lacks(out.String()); lacks != "" {
			return fmt.Sprintf("%s does not print %q, but\n%s", c.text, lacks, out)
		}
		if len(c.want) == 0 && out.String() == "" && !s.recorded(c) && !strings.HasPrefix(c.text, "conntrack -E") {
			return c.text + " prints nothing"
		}
		return ""
	})
}

// recorded reports whether a command that records has written a moment.
func (s *scene) recorded(c command) bool {
	if !strings.Contains(c.text, "--record ") {
		return false
	}
	info, err := os.Stat(filepath.Join(s.dir, "night.rec"))
	return err == nil && info.Size() > 100
}

// TestREADME runs each block of README.md, in its order.
func TestREADME(t *testing.T) {
	nstest.NeedsRoot(t)
	of := samples()
	met := make(map[string]bool)
	dir := t.TempDir()
	for _, b := range blocks(t) {
		first, _, _ := strings.Cut(b.text, "\n")
		how, known := of[first]
		met[first] = true
		switch {
		case !known:
			t.Errorf("README.md:%d: nobody says how it is run: %s", b.line, first)
			continue
		case how.why != "":
			continue
		}
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			s := newScene(t)
			s.dir = dir // blocks go on with what those before wrote
			s.runAll(t, how, b)
		})
	}
	for first := range of {
		if !met[first] {
			t.Errorf("README.md has no block that begins with %s", first)
		}
	}
}

// A shape has the words of its line, and no others.
func TestShape(t *testing.T) {
	for _, c := range []struct {
		line, printed string
		is            bool
	}{
		{"tcp        0      0 0.0.0.0:22   0.0.0.0:*   LISTEN      812/sshd", "tcp  17 0 0.0.0.0:22 0.0.0.0:* LISTEN 7/samples.test", true},
		{"tcp        0      0 0.0.0.0:22   0.0.0.0:*   LISTEN      812/sshd", "tcp  17 0 0.0.0.0:22 0.0.0.0:* ESTABLISHED 7/samples.test", false},
		{"11:02:07.416 added route 203.0.113.0/24", "23:59:59.001 added route 203.0.113.0/24", true},
		{"11:02:07.416 added route 203.0.113.0/24", "23:59:59.001 removed route 203.0.113.0/24", false},
		{"Proto Recv-Q", "Proto Send-Q", false},
	} {
		if got := shape(c.line).MatchString(c.printed); got != c.is {
			t.Errorf("%q and %q: %v", c.line, c.printed, got)
		}
	}
}
