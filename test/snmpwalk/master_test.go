package snmpwalk_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Where the program and snmpd's own tables differ: the type of a bridge, and
// who stands on whom.
const (
	bridgeType   = ifEntry + ".3.13"
	ourBridge    = "209"
	bridgeOnPort = ifStackEntry + ".3.13.14"
)

// answered asks for a variable, and does not mind if nobody answers.
func (c *client) answered(t testing.TB, name string) variable {
	t.Helper()
	packet, err := c.Get([]string{name})
	if err != nil || packet.Error != gosnmp.NoError {
		return variable{value: fmt.Sprintf("no answer: %v", err)}
	}
	return variables(t, packet)[0]
}

// impatient is a client that asks again soon: nobody may be there.
func (s *scene) impatient(t testing.TB) *client {
	t.Helper()
	c := s.client(t)
	c.Timeout = time.Second
	return c
}

// isOurs holds that the master shows the program's rows.
func isOurs(t testing.TB, c *client) {
	t.Helper()
	eventually(t, func() string {
		if v := c.answered(t, bridgeType); v.value != ourBridge {
			return fmt.Sprintf("the bridge's type is %v, want the program's, %s", v, ourBridge)
		}
		return ""
	})
	if v := c.get(t, parseOID(t, bridgeOnPort)); v.value != "1" {
		t.Errorf("ifStackTable is not the program's: %v", v)
	}
}

// isSnmpds holds that the master shows its own rows.
func isSnmpds(t testing.TB, c *client) {
	t.Helper()
	eventually(t, func() string {
		if v := c.answered(t, bridgeType); v.kind != gosnmp.Integer || v.value == ourBridge {
			return fmt.Sprintf("the bridge's type is %v, want snmpd's own", v)
		}
		if v := c.answered(t, bridgeOnPort); v.kind != gosnmp.NoSuchInstance && v.kind != gosnmp.NoSuchObject {
			return fmt.Sprintf("there is an ifStackTable, which snmpd does not have: %v", v)
		}
		return ""
	})
}

// underMaster makes a scene with a master and no agent yet.
func underMaster(t *testing.T) (*scene, *client) {
	t.Helper()
	needsTools(t)
	s := newScene(t)
	s.master, s.subagent = startMaster(t, s.NS), true
	return s, s.impatient(t)
}

// TestMasterKilled holds that the subagent is back after the master is, with its
// rows, however often.
func TestMasterKilled(t *testing.T) {
	s, c := underMaster(t)
	s.agent = startSubagent(t, s.master)
	isOurs(t, c)
	s.IP(t, "link set v1 down", "link set v1 up")
	eventually(t, func() string {
		if v := c.answered(t, ifEntry+".9.12"); v.value == "0" {
			return "ifLastChange has not noticed that the interface was down"
		}
		return ""
	})
	for n := 2; n <= 4; n++ {
		s.grow(t, c)
		s.master.kill()
		if err := os.Remove(s.master.socket()); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		s.master.start(t)
		s.agent.await(t, registered, n)
		isOurs(t, c)
		// The change was before this master's time began.
		if v := c.get(t, parseOID(t, ifEntry+".9.12")); v.value != "0" {
			t.Errorf("%v, want 0: it was before sysUpTime began", v)
		}
	}
	if lost := strings.Count(s.agent.output.String(), "level=WARN"); lost > 2*3 {
		t.Errorf("%d warnings for 3 masters that went away", lost)
	}
	walkOurs(t, s)
}

// grow waits until the agent's sysUpTime differs from a new one's by more than
// what a subagent's idea of it may be wrong by.
func (s *scene) grow(t testing.TB, c *client) {
	t.Helper()
	eventually(t, func() string {
		if up := c.number(t, sysUpTime); up < 150 {
			return fmt.Sprintf("sysUpTime is %d", up)
		}
		return ""
	})
}

// walkOurs holds that nothing of snmpd's own is among the program's rows.
func walkOurs(t *testing.T, s *scene) {
	t.Helper()
	c := s.client(t)
	matches(t, "inetCidrRouteTable", func() rows { return c.table(t, inetCidrRouteEntry) }, func() rows { return wantRoutes(s.routes(t)) })
	matches(t, "tcpListenerTable", func() rows { return c.table(t, tcpListenerEntry) }, func() rows { return wantListeners(s.ss(t, "t")) })
}

// TestMasterComesLate holds that the subagent waits for a master that is not
// there yet, says so once, and is there within 2 s after it.
func TestMasterComesLate(t *testing.T) {
	s, c := underMaster(t)
	s.master.kill()
	if err := os.Remove(s.master.socket()); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	s.agent = start(t, s.NS, program, "--agentx="+s.master.address())
	s.agent.await(t, "no AgentX master", 1)
	s.master.start(t)
	s.agent.await(t, registered, 1)
	isOurs(t, c)
	if said := strings.Count(s.agent.output.String(), "no AgentX master"); said != 1 {
		t.Errorf("it said %d times that there is no master", said)
	}
}

// TestMasterHangs holds that the subagent is there after a master that stood
// still for a while.
func TestMasterHangs(t *testing.T) {
	s, c := underMaster(t)
	s.agent = startSubagent(t, s.master)
	isOurs(t, c)
	s.master.signal(t, syscall.SIGSTOP)
	if v := c.answered(t, bridgeType); v.kind == gosnmp.Integer {
		t.Errorf("a master that stands still answered %v", v)
	}
	s.master.signal(t, syscall.SIGCONT)
	isOurs(t, c)
	walkOurs(t, s)
}

// TestSubagentHangs holds that a subagent that stood still, so that the master
// gave it up, comes back by itself.
func TestSubagentHangs(t *testing.T) {
	s, c := underMaster(t)
	s.agent = startSubagent(t, s.master)
	isOurs(t, c)
	s.agent.signal(t, syscall.SIGSTOP)
	// snmpd waits for 6 s before it closes the connection.
	isSnmpds(t, c)
	s.agent.signal(t, syscall.SIGCONT)
	s.agent.await(t, registered, 2)
	isOurs(t, c)
}

// TestSubagentGoes holds that the master's own rows come back when the subagent
// goes, with or without a word.
func TestSubagentGoes(t *testing.T) {
	s, c := underMaster(t)
	isSnmpds(t, c)
	t.Run("SIGTERM", func(t *testing.T) {
		agent := startSubagent(t, s.master)
		isOurs(t, c)
		agent.signal(t, syscall.SIGTERM)
		if status := agent.exit(t); status != 0 {
			t.Errorf("exit status %d at SIGTERM, want 0", status)
		}
		isSnmpds(t, c)
	})
	t.Run("SIGKILL", func(t *testing.T) {
		agent := startSubagent(t, s.master)
		isOurs(t, c)
		agent.kill()
		isSnmpds(t, c)
	})
}

// TestSubagentResources holds that snmpd's sysORTable has the subagent's modules
// while it is there.
func TestSubagentResources(t *testing.T) {
	s, c := underMaster(t)
	const sysORID = "1.3.6.1.2.1.1.9.1.2"
	// The identities that the RFCs give to the modules.
	identities := []string{"1.3.6.1.2.1.31", "1.3.6.1.2.1.48", "1.3.6.1.2.1.4.24", "1.3.6.1.2.1.49", "1.3.6.1.2.1.50"}
	count := func() map[string]int {
		all := make(map[string]int)
		for _, id := range c.table(t, sysORID) {
			all[id]++
		}
		return all
	}
	before := count()
	agent := startSubagent(t, s.master)
	eventually(t, func() string {
		now := count()
		for _, id := range identities {
			if now[id] != before[id]+1 {
				return fmt.Sprintf("sysORID %s stands %d times, and %d times without the subagent", id, now[id], before[id])
			}
		}
		return ""
	})
	agent.signal(t, syscall.SIGTERM)
	agent.exit(t)
	eventually(t, func() string {
		if now := count(); fmt.Sprint(now) != fmt.Sprint(before) {
			return fmt.Sprintf("sysORIDs %v, want %v as before the subagent", now, before)
		}
		return ""
	})
}
