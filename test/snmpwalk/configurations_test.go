package snmpwalk_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// who asks over which version from where, and what for.
type question struct {
	community, from string
	version         gosnmp.SnmpVersion
	name            string
}

// askers are addresses of the host, from which it asks itself.
var askers = []string{"127.0.0.1", "192.0.2.5", "192.0.2.77", "::1", "2001:db8::5"}

// askAll asks the agent of a namespace everything at once, and returns what it has a value for. It
// waits for all that is answered at once, and for those that another agent gave.
func askAll(t *testing.T, ns *nstest.NS, communities []string, other map[question]bool) map[question]bool {
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
		c := ns.ListenPacket(t, network, net.JoinHostPort(from, "0"))
		server, err := net.ResolveUDPAddr(network, to)
		if err != nil {
			t.Fatal(err)
		}
		var asked []question
		send := func(q question) {
			t.Helper()
			g := &gosnmp.GoSNMP{Version: q.version, Community: q.community, MsgFlags: gosnmp.NoAuthNoPriv}
			id := uint32(len(asked)) + 1
			packet := gosnmp.SnmpPacket{
				Version: q.version, Community: q.community, PDUType: gosnmp.GetRequest, RequestID: id,
				Variables: []gosnmp.SnmpPDU{{Name: q.name, Type: gosnmp.Null}}, Logger: g.Logger,
			}
			message, err := packet.MarshalMsg()
			if err != nil {
				t.Fatal(err)
			}
			asked = append(asked, q)
			if _, err := c.WriteTo(message, server); err != nil {
				t.Fatal(err)
			}
		}
		for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
			for _, community := range communities {
				for _, name := range []string{".1.3.6.1.2.1.1.3.0", ".1.3.6.1.2.1.2.1.0", ".1.3.6.1.2.1.4.1.0", ".1.3.6.1.2.1.11.1.0"} {
					send(question{community, from, version, name})
				}
			}
		}
		for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
			send(question{alwaysLetIn, from, version, ".1.3.6.1.2.1.1.3.0"})
		}
		// What need not be waited for is answered in the order of the questions.
		_ = c.SetReadDeadline(time.Now().Add(patience))
		ended := false
		lacks := func() bool {
			return slices.ContainsFunc(asked, func(q question) bool { return other[q] && !got[q] })
		}
		for buffer := make([]byte, 1500); !ended || lacks(); {
			n, _, err := c.ReadFrom(buffer)
			if err != nil {
				t.Errorf("from %s: %v", from, err)
				break
			}
			g := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
			answer, err := g.SnmpDecodePacket(buffer[:n])
			if err != nil || answer.RequestID == 0 || int(answer.RequestID) > len(asked) || len(answer.Variables) != 1 {
				t.Fatalf("%v, %v", answer, err)
			}
			q := asked[answer.RequestID-1]
			if ended = ended || q.community == alwaysLetIn; q.community == alwaysLetIn {
				continue
			}
			switch answer.Variables[0].Type {
			case gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView, gosnmp.Null:
			default:
				got[q] = true
			}
		}
	}
	return got
}

// TestConfigurations gives files as there are for snmpd to both, unchanged: the agent starts, listens where snmpd does, and lets
// the same read the same.
func TestConfigurations(t *testing.T) {
	needsTools(t)
	for _, c := range configurations(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var answers [2]map[question]bool
			var users [2]string
			var listening [2][]string
			for i := range answers {
				ns := nstest.New(t)
				ns.IP(t, "link set lo up", "addr add 192.0.2.5/32 dev lo", "addr add 192.0.2.77/32 dev lo", "addr add 2001:db8::5/128 dev lo nodad")
				file := c.in(t)
				dir := filepath.Dir(file)
				var p *process
				if i == 0 {
					cmd := exec.Command(snmpdPath, "-f", "-Lo", "-C", "-c", file, "-I", "-smux", "-x", "unix:"+filepath.Join(dir, "agentx"))
					cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+filepath.Join(dir, "persistent"), "MIBS=")
					p = startCommand(t, ns, cmd)
					p.await(t, "NET-SNMP version", 1)
				} else {
					p = start(t, ns, program, "--config", file, "--state", stateDir(t))
					p.await(t, givenUp, 1)
				}
				var communities []string
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
				communities = append(communities, "nobody")
				answers[i] = askAll(t, ns, communities, answers[0])
				for line := range strings.Lines(ns.Run(t, "ss", "-Hlnu", "sport = :161")) {
					if f := strings.Fields(line); len(f) > 3 {
						listening[i] = append(listening[i], f[3])
					}
				}
				slices.Sort(listening[i])
			}
			for q := range answers[0] {
				if !answers[1][q] {
					t.Errorf("%+v: nothing, and snmpd tells", q)
				}
			}
			for q := range answers[1] {
				if !answers[0][q] {
					t.Errorf("%+v: it tells, and snmpd does not", q)
				}
			}
			if users[0] != users[1] {
				t.Errorf("users:\n%ssnmpd:\n%s", users[1], users[0])
			}
			if !slices.Equal(listening[0], listening[1]) {
				t.Errorf("it listens at %s, snmpd at %s", listening[1], listening[0])
			}
		})
	}
}
