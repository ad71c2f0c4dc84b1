package nettop_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// Rows of every namespace are shown together, with the names of these.
func TestEveryNamespace(t *testing.T) {
	one, other := pair(t), pair(t)
	one.Listen(t, "tcp", "127.0.0.1:4731")
	other.Listen(t, "tcp", "127.0.0.1:4732")
	s := open(t, 160, 24, "", "listeners --netns all -n --interval 0.2 --sort localPort --filter 'localPort=4731 or localPort=4732'")
	s.eventually(func(screen string) string {
		lines := strings.Split(screen, "\n")
		for i, want := range [][2]string{{"127.0.0.1:4731", one.Name}, {"127.0.0.1:4732", other.Name}} {
			if !strings.Contains(lines[2+i], want[0]) || !strings.Contains(lines[2+i], want[1]) {
				return "no line of " + strings.Join(want[:], " in ")
			}
		}
		return ""
	})
	s.keys(":")
	s.keys("-l", "changes")
	s.keys("Enter")
	s.wants("there is no view changes of what is shown")
	s.keys("q")
	s.wants("restored")
}

// agent runs this project's agent in a namespace until the test ends, on loopback.
func agent(t *testing.T, ns *nstest.NS, port string) {
	t.Helper()
	_, printed := ns.Start(t, "env", "SNMP_COMMUNITY=public", nstest.Program(t, "netsnmp-agent"), "--listen", "udp:127.0.0.1:"+port)
	nstest.Eventually(t, func() string {
		if !strings.Contains(ns.Run(t, "ss", "-Hluan"), "127.0.0.1:"+port) {
			return "the agent does not listen: " + printed()
		}
		return ""
	})
}

// Other hosts are shown by what their agents tell, and nothing is killed there.
func TestHosts(t *testing.T) {
	ns := pair(t)
	agent(t, ns, "1161")
	agent(t, ns, "1162")
	l := ns.Listen(t, "tcp", "127.0.0.1:4733")
	serve(t, l)
	ns.Dial(t, "tcp", "127.0.0.1:4733")
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1:1161\n127.0.0.1:1162 # the same once more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := "SNMP_COMMUNITY=public ip netns exec " + ns.Name
	s := open(t, 160, 24, inside, "interfaces -n --host 127.0.0.1:1161 --interval 0.2")
	s.wants("RxPkt/s")
	s.wants("\nlo ")
	s.keys(":")
	s.keys("-l", "counters")
	s.keys("Enter")
	s.wants("IpOutRequests") // each question is a packet
	s.keys("1")
	s.wants("127.0.0.1:4733")
	s.keys("x")
	s.wants("nothing can be killed: SNMP only reads other hosts here")
	s.keys(":")
	s.keys("-l", "listeners")
	s.keys("Enter")
	s.wants("there is no view listeners of what is shown")
	s.keys("q")
	s.wants("restored")

	s = open(t, 160, 24, inside, "interfaces --hosts "+hosts+" --interval 0.2")
	for _, host := range []string{"127.0.0.1:1161", "127.0.0.1:1162"} {
		s.eventually(func(screen string) string {
			for line := range strings.Lines(screen) {
				if strings.HasPrefix(line, "lo ") && strings.Contains(line, host) {
					return ""
				}
			}
			return "no interface of " + host
		})
	}
	s.keys("q")
	s.wants("restored")
}

// Names are looked up behind the rows: these are there while who would tell does not answer, and
// have their names once it did.
func TestNamesComeLater(t *testing.T) {
	ns := pair(t)
	l := ns.Listen(t, "tcp", "127.0.0.9:4734")
	serve(t, l)
	ns.Dial(t, "tcp", "127.0.0.9:4734")
	server := ns.ListenPacket(t, "udp", "127.0.0.1:53")
	for file, content := range map[string]string{"resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:30\n", "nsswitch.conf": "hosts: dns\n"} {
		if err := os.WriteFile(filepath.Join("/etc/netns", ns.Name, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	type question struct {
		text []byte
		from net.Addr
	}
	questions := make(chan question, 100)
	go func() {
		for {
			b := make([]byte, 1500)
			n, from, err := server.ReadFrom(b)
			if err != nil {
				close(questions)
				return
			}
			questions <- question{b[:n], from}
		}
	}()
	s := open(t, 120, 24, "ip netns exec "+ns.Name, "connections --interval 0.1 --filter remotePort=4734")
	first := <-questions // and is not answered yet
	s.wants("127.0.0.9:4734")
	answer := func(q question) {
		if _, err := server.WriteTo(pointer(q.text, "late"), q.from); err != nil {
			t.Error(err)
		}
	}
	answer(first)
	go func() {
		for q := range questions {
			answer(q)
		}
	}()
	s.wants("late:4734")
	s.keys("q")
	s.wants("restored")
}

// pointer answers a question of the DNS (RFC 1035, 4.1) with a name of one label.
func pointer(question []byte, label string) []byte {
	end := 12
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	asked := question[12:min(end+5, len(question))]
	answer := append([]byte{}, question[:2]...)
	answer = append(answer, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0) // a response, of one question and one answer
	answer = append(answer, asked...)
	answer = append(answer, 0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, byte(len(label)+2), byte(len(label)))
	return append(append(answer, label...), 0)
}
