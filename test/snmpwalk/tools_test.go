package snmpwalk_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool is a run of one of net-snmp's programs.
type tool struct {
	out, complaints string
	status          int
}

// run runs one of net-snmp's programs in the scene, without MIB texts and
// whatever configuration the user has.
func (s *scene) run(t testing.TB, name string, args ...string) tool {
	t.Helper()
	return s.runWith(t, []string{"MIBS="}, name, args...)
}

func (s *scene) runWith(t testing.TB, env []string, name string, args ...string) tool {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "cert_indexes"), 0o700); err != nil { // else they say that they made it
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SNMPCONFPATH="+dir, "SNMP_PERSISTENT_DIR="+dir)
	cmd.Env = append(cmd.Env, env...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	s.Do(t, cmd.Start)
	err := cmd.Wait()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return tool{out.String(), complaints.String(), cmd.ProcessState.ExitCode()}
}

// lines runs a program that must succeed, and returns what it prints by lines.
func (s *scene) lines(t testing.TB, name string, args ...string) []string {
	t.Helper()
	r := s.run(t, name, args...)
	if r.status != 0 || r.complaints != "" {
		t.Fatalf("%s %s: exit status %d\n%s%s", name, strings.Join(args, " "), r.status, tail(r.out), r.complaints)
	}
	return strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
}

// targets are the agent's addresses as net-snmp takes them, by transport.
var targets = map[string]string{
	"udp":  "udp:127.0.0.1:" + port,
	"udp6": "udp6:[::1]:" + port,
	"tcp":  "tcp:127.0.0.1:" + port,
	"tcp6": "tcp6:[::1]:" + port,
}

// slow are options for a machine that is busy otherwise.
var slow = []string{"-t", "30", "-r", "0"}

// ask are the options of a request to the agent, and names.
func ask(version, community, transport string, more ...string) []string {
	args := append([]string{"-v" + version, "-c", community}, slow...)
	var names []string
	for i, m := range more {
		if !strings.HasPrefix(m, "-") {
			names = more[i:]
			break
		}
		args = append(args, m)
	}
	return append(append(args, targets[transport]), names...)
}
