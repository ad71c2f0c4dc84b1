package samples

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// examples are the entries of the sections EXAMPLES of the manuals, by their first commands.
func examples() map[string]sample {
	tracking := func(t *testing.T, s *scene, flows ...string) {
		for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_TABLES_INET", "CONFIG_NF_CONNTRACK_ZONES"} {
			nstest.NeedsKernel(t, option)
		}
		// A rule that looks at states has the namespace track what it sends.
		s.ns.NFT(t, "table inet t {\n chain c {\n type filter hook output priority 0\n ct state new accept\n }\n}\n")
		s.ns.Sysctl(t, "net.netfilter.nf_conntrack_acct", "1")
		for _, flow := range flows {
			s.ns.Run(t, filepath.Join(filepath.Dir(program), "conntrack"), strings.Fields("-I -p udp -t 1000 "+flow)...)
		}
	}
	agent := func(t *testing.T, s *scene, args ...string) {
		_, printed := s.ns.Start(t, program, args...)
		nstest.Eventually(t, func() string {
			if !strings.Contains(printed(), "listening on udp:") {
				return "it does not listen: " + printed()
			}
			return ""
		})
	}
	return map[string]sample{
		"netstat -tulpn": {
			prepare: func(t *testing.T, s *scene) { s.ns.Listen(t, "tcp4", "0.0.0.0:22") },
			shows:   map[string]string{"netstat -tulpn": `(?m)^tcp +0 +\d+ 0\.0\.0\.0:22 +0\.0\.0\.0:\* +LISTEN +\d+/samples`},
		},
		"netstat -Tn --sort -rtt": {
			prepare: func(t *testing.T, s *scene) { s.exchange(t, "127.0.0.1:4711", 1) },
			shows:   map[string]string{"netstat -Tn --sort -rtt": `(?m)^tcp +127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +ESTABLISHED +\d`},
		},
		"netstat -tn --filter 'dst=192.0.2.0/24 and sendq>0'": {
			prepare: func(t *testing.T, s *scene) {
				s.exchange(t, "127.0.0.1:4711", 1)
				s.fill(t, "192.0.2.1:4712")
			},
			shows: map[string]string{"netstat -tn --filter 'dst=192.0.2.0/24 and sendq>0'": `^.*\n.*\ntcp +0 +[1-9]\d* 192\.0\.2\.1:\d+ +192\.0\.2\.1:4712 +ESTABLISHED *\n$`},
		},
		"netstat --options=changed -tuanp": {
			prepare: func(t *testing.T, s *scene) {
				for _, option := range []string{"CONFIG_BPF_SYSCALL", "CONFIG_DEBUG_INFO_BTF"} {
					nstest.NeedsKernel(t, option)
				}
				fd := s.ns.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
				if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, 5), unix.Bind(fd, &unix.SockaddrInet4{Port: 4713})); err != nil {
					t.Fatal(err)
				}
				s.exchange(t, "127.0.0.1:4711", 1)
			},
			shows: map[string]string{
				"netstat --options=changed -tuanp":                                                    `(?s)0\.0\.0\.0:4713 .*SO_PRIORITY`,
				"netstat -tnp --filter 'SO_KEEPALIVE=0 and TCP_USER_TIMEOUT=0 and state=established'": `(?m)^tcp .* ESTABLISHED +\d+/samples`,
			},
		},
		"netstat --save-baseline before": {
			prepare: func(t *testing.T, _ *scene) { nstest.NeedsProgram(t, "ping") },
			instead: map[string]string{"make test": "ping -q -c 3 -i 0.01 127.0.0.1"}, // a test that makes counters do something
			shows:   map[string]string{"netstat -s --since before": `(?m)^ +3 IcmpInEchos `},
		},

		"nettop": {
			// The screens are looked at in test/nettop. Here each command line is printed once.
			prepare: func(t *testing.T, s *scene) {
				s.ns.Listen(t, "tcp", "127.0.0.1:4710")
				s.fill(t, "192.0.2.1:4712")
				s.backlog(t, 4714)
				s.ns.Run(t, filepath.Join(filepath.Dir(program), "netstat"), "--record", filepath.Join(s.dir, "night.rec"))
				config := filepath.Join(s.dir, "router.conf")
				if err := os.WriteFile(config, []byte("agentaddress udp:192.0.2.1:161\nrocommunity public\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				agent(t, s, "--config", config, "--state", s.dir)
			},
			instead: map[string]string{
				"nettop":                                            "nettop --once",
				"nettop processes":                                  "nettop processes --once",
				"nettop listeners --filter 'fill>50'":               "nettop listeners --filter 'fill>50' --once",
				"nettop connections --netns all":                    "nettop connections --netns all --once",
				"nettop --recording night.rec --at 03:15":           "nettop --recording night.rec --once",
				"nettop interfaces --host 192.0.2.1":                "nettop interfaces --host 192.0.2.1 --once",
				"nettop connections --interval 5 --count 12 --json": "nettop connections --interval 0.1 --count 2 --json",
			},
			shows: map[string]string{
				"nettop":                                            `192\.0\.2\.1:4712`,
				"nettop processes":                                  `samples`,
				"nettop listeners --filter 'fill>50'":               `(?m)^Proto .*\n.*:4714 .*samples.*\n\z`,
				"nettop connections --netns all":                    `nstest-\d+-\d+.*192\.0\.2\.1:4712|192\.0\.2\.1:4712.*nstest-\d+-\d+`,
				"nettop --recording night.rec --at 03:15":           `192\.0\.2\.1:4712`,
				"nettop interfaces --host 192.0.2.1":                `(?m)^eth0 `,
				"nettop connections --interval 5 --count 12 --json": `"remotePort":4712`,
			},
		},

		"conntrack -L --json --sort -bytes --filter 'bytes > 1000000'": {
			prepare: func(t *testing.T, s *scene) {
				tracking(t, s, "-s 192.0.2.1 -d 192.0.2.2 --sport 1 --dport 53")
				s.exchange(t, "127.0.0.1:4711", 1<<20)
				s.exchange(t, "127.0.0.1:4712", 1)
			},
			shows: map[string]string{"conntrack -L --json --sort -bytes --filter 'bytes > 1000000'": `^\{.*:4711,.*\}\nconntrack: 1 flow`},
		},
		"conntrack -D -p udp --dport 53 -s 192.0.2.0/24": {
			prepare: func(t *testing.T, s *scene) {
				tracking(t, s, "-s 192.0.2.1 -d 198.51.100.1 --sport 1 --dport 53", "-s 192.0.3.1 -d 198.51.100.1 --sport 1 --dport 53", "-s 192.0.2.1 -d 198.51.100.1 --sport 1 --dport 54")
			},
			shows: map[string]string{"conntrack -D -p udp --dport 53 -s 192.0.2.0/24": `(?s)src=192\.0\.2\.1 .* 1 flow entries have been deleted`},
		},
		"conntrack -L -w 11 -o save | sed 's/-w 11/-w 12/' | conntrack -R -": {
			prepare: func(t *testing.T, s *scene) {
				tracking(t, s, "-s 192.0.2.1 -d 198.51.100.1 --sport 1 --dport 2 -w 11", "-s 192.0.2.1 -d 198.51.100.1 --sport 1 --dport 3")
			},
			after: func(t *testing.T, s *scene) {
				if copied := s.ns.Run(t, filepath.Join(filepath.Dir(program), "conntrack"), "-L", "-w", "12"); !strings.Contains(copied, "dport=2 ") || strings.Contains(copied, "dport=3 ") {
					t.Errorf("zone 12 has\n%s", copied)
				}
			},
		},
		"conntrack -C --netns all": {
			prepare: func(t *testing.T, s *scene) { tracking(t, s, "-s 192.0.2.1 -d 198.51.100.1 --sport 1 --dport 2") },
			shows:   map[string]string{"conntrack -C --netns all": `(?m)^.*nstest-\d+-\d+.*\b1\b`},
		},

		"netsnmp-agent &": {
			prepare: func(t *testing.T, s *scene) {
				nstest.NeedsProgram(t, "snmpwalk")
				agent(t, s)
			},
			instead: map[string]string{"netsnmp-agent &": ""}, // it is started above
			shows:   map[string]string{"snmpwalk -v2c -c public 127.0.0.1:1161 .1": `(?s)sysDescr\.0 |\.1\.3\.6\.1\.2\.1\.1\.1\.0 |iso\.3\.6\.1\.2\.1\.1\.1\.0 `},
		},
		"echo 'master agentx' >> /etc/snmp/snmpd.conf": {why: "it changes the machine; test/snmpwalk runs the agent behind a real snmpd"},
		`printf 'agentaddress udp:161\nrocommunity SECRET 192.0.2.0/24\n' > agent.conf`: {
			endless: []string{"netsnmp-agent --config agent.conf"},
			shows:   map[string]string{"netsnmp-agent --config agent.conf": `listening on udp:.*161`},
		},
	}
}

// exchange has a connection of the namespace, over which so many octets go and are read. Nobody would notice
// the end of it.
func (s *scene) exchange(t *testing.T, address string, octets int) {
	t.Helper()
	l := s.ns.Listen(t, "tcp", address)
	c := s.ns.Dial(t, "tcp", address)
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	for _, end := range []net.Conn{c, accepted} {
		if err := end.(*net.TCPConn).SetKeepAlive(false); err != nil { // which package net sets
			t.Fatal(err)
		}
	}
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(bytes.Repeat([]byte{'.'}, octets))
		sent <- err
	}()
	for read, b := 0, make([]byte, 1<<16); read < octets; {
		n, err := accepted.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// fill has a connection of the namespace whose other end reads nothing, with octets that it does not get rid of.
func (s *scene) fill(t *testing.T, address string) {
	t.Helper()
	nstest.NeedsProgram(t, "ss")
	l := s.ns.Listen(t, "tcp", address)
	c, is := s.ns.Dial(t, "tcp", address).(syscall.Conn)
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	if !is {
		t.Fatal("a connection without a descriptor")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	waits := regexp.MustCompile(`(?m)^ESTAB +0 +[1-9]\d* +\S+ +` + regexp.QuoteMeta(address))
	nstest.Eventually(t, func() string {
		if err := raw.Write(func(fd uintptr) bool {
			for err == nil {
				_, err = unix.Write(int(fd), make([]byte, 1<<16))
			}
			return true
		}); err != nil {
			return err.Error()
		}
		if !errors.Is(err, unix.EAGAIN) {
			return fmt.Sprint("write: ", err)
		}
		err = nil
		if listed := s.ns.Run(t, "ss", "-tnH"); !waits.MatchString(listed) {
			return "nothing waits to be sent:\n" + listed
		}
		return ""
	})
}

// backlog has a listener of the namespace whose queue of connections is full, since nobody accepts any.
func (s *scene) backlog(t *testing.T, port int) {
	t.Helper()
	fd := s.ns.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}), unix.Listen(fd, 1)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // one more than the backlog says
		s.ns.Dial(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}
}

// entries returns what the section EXAMPLES of a manual has: of each entry the commands, one a line.
func entries(t *testing.T, manual string) (found []block) {
	t.Helper()
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	var in, verbatim bool
	number := 0
	for line := range strings.Lines(string(page)) {
		number++
		line = strings.TrimSuffix(line, "\n")
		macro, rest, _ := strings.Cut(line, " ")
		switch {
		case macro == ".SH":
			in = rest == "EXAMPLES"
		case !in:
		case macro == ".nf" || macro == ".EX":
			verbatim = true
			found = append(found, block{line: number})
		case macro == ".fi" || macro == ".EE":
			verbatim = false
		case verbatim:
			found[len(found)-1].text += unescaped(t, number, line) + "\n"
		case macro == ".B":
			found = append(found, block{line: number, text: unescaped(t, number, rest) + "\n"})
		}
	}
	return found
}

// unescaped returns a command as a terminal shows it, from where it can be copied: groff(7) makes other
// characters of a hyphen and a quote that are not escaped.
func unescaped(t *testing.T, number int, command string) string {
	t.Helper()
	const placeholder = "\x00"
	rest := strings.NewReplacer(`\-`, placeholder, `\(aq`, placeholder, `\e`, placeholder).Replace(command)
	if at := strings.IndexAny(rest, "-'\\`^~"); at >= 0 {
		t.Errorf("line %d: %q is not escaped in %s", number, rest[at], command)
	}
	return strings.NewReplacer(`\-`, "-", `\(aq`, "'", `\e`, `\`).Replace(command)
}

// TestExamples runs each example of the manuals, in its order.
func TestExamples(t *testing.T) {
	nstest.NeedsRoot(t)
	of := examples()
	met := make(map[string]bool)
	manuals, err := filepath.Glob("../../man/*.[1-8]")
	if err != nil || len(manuals) < 4 {
		t.Fatal(manuals, err)
	}
	for _, manual := range manuals {
		all := entries(t, manual)
		if len(all) == 0 {
			t.Errorf("%s has no examples", manual)
		}
		for _, b := range all {
			first, _, _ := strings.Cut(b.text, "\n")
			how, known := of[first]
			met[first] = true
			switch {
			case !known:
				t.Errorf("%s:%d: nobody says how it is run: %s", manual, b.line, first)
				continue
			case how.why != "":
				continue
			}
			t.Run(fmt.Sprintf("%s line %d", filepath.Base(manual), b.line), func(t *testing.T) { newScene(t).runAll(t, how, b) })
		}
	}
	for first := range of {
		if !met[first] {
			t.Errorf("no manual has an example that begins with %s", first)
		}
	}
}
