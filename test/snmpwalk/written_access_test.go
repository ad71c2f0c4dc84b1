package snmpwalk_test

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vacm runs snmpvacm, and returns what is wrong.
func (s *scene) vacm(t testing.TB, args ...string) string {
	t.Helper()
	r := s.run(t, "snmpvacm", append(append([]string{"-v2c", "-c", "private"}, slow...), append([]string{targets["udp"]}, args...)...)...)
	if r.status == 0 {
		return ""
	}
	return r.out + r.complaints
}

// TestWrittenAccess holds that managers say by snmpvacm who may see what, as with snmpd: the rows are the same, what they give and take
// counts at once and over a restart, and what counts before the file is told of.
func TestWrittenAccess(t *testing.T) {
	needsTools(t)
	lines := []string{
		"com2sec late 127.0.0.1 latecomer", "com2sec operator 127.0.0.1 operating",
		"view system included .1.3.6.1.2.1.1", "group operators v2c operator", `access operators "" any noauth prefix system none none`,
	}
	const tables = ".1.3.6.1.6.3.16.1"
	walk := func(s *scene) (rows []string) {
		for _, table := range []string{".2", ".4", ".5.2"} {
			for _, line := range s.lines(t, "snmpbulkwalk", ask("2c", "private", "udp", "-On", "-Ox", tables+table)...) {
				// A mask that is all ones says what none says; snmpd fills it.
				if name, value, _ := strings.Cut(line, " = "); strings.HasPrefix(name, tables+".5.2.1.3.") && strings.Trim(value, "F ") == "Hex-STRING:" {
					line = name + ` = ""`
				}
				if !strings.Contains(line, "No more variables") { // snmpd has nothing behind these tables
					rows = append(rows, strings.TrimSpace(line))
				}
			}
		}
		return rows
	}
	// Who is not let in gets no answer from snmpd, which is not waited for where that is wanted.
	sees := func(s *scene, community, name string, want bool) bool {
		wait := slow
		if !want {
			wait = []string{"-t", "1", "-r", "0"}
		}
		r := s.run(t, "snmpget", append([]string{"-v2c", "-c", community, "-Oqv"}, append(wait, targets["udp"], name)...)...)
		return r.status == 0 && !strings.Contains(r.out, "No Such")
	}
	const contact, links = "1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.2.1.0"

	theirs, ours := newPair(t), newPair(t)
	startMaster(t, theirs.NS, lines...)
	args := []string{"--state", filepath.Join(t.TempDir(), "state"), "--config", writeConfig(t, append([]string{"rocommunity public", "rocommunity6 public", "rwcommunity private"}, lines...)...)}
	p := startEmbedded(t, ours.NS, args...)
	for i, step := range []struct {
		args           []string
		operator, late bool // what they see of sysContact
	}{
		{nil, true, false},
		{[]string{"createSec2Group", "2", "late", "latest"}, true, false},
		{[]string{"createAccess", "latest", "", "2", "1", "1", "system", "none", "none"}, true, true},
		{[]string{"createView", "-Ce", "system", ".1.3.6.1.2.1.1.4"}, false, false},
		{[]string{"deleteView", "system", ".1.3.6.1.2.1.1.4"}, true, true},
		{[]string{"createView", "most", ".1.3.6.1.2.1", "ff.a0"}, true, true},
		{[]string{"deleteSec2Group", "2", "late"}, true, false},
		{[]string{"createSec2Group", "2", "late", "latest"}, true, true},
	} {
		for _, s := range []*scene{theirs, ours} {
			if step.args != nil {
				if wrong := s.vacm(t, step.args...); wrong != "" {
					t.Fatalf("%v: %s", step.args, wrong)
				}
			}
			who := map[*scene]string{theirs: "snmpd", ours: "netsnmp-agent"}[s]
			operator, late := sees(s, "operating", contact, step.operator), sees(s, "latecomer", contact, step.late)
			if operator != step.operator || late != step.late {
				t.Errorf("%d: %v: with %s the operator sees it: %v, and who came late: %v", i, step.args, who, operator, late)
			}
		}
		if diff := cmp.Diff(walk(theirs), walk(ours)); diff != "" {
			t.Errorf("%d: %v (-snmpd +netsnmp-agent):\n%s", i, step.args, diff)
		}
	}
	// A row for the model counts before the file's for any, which snmpd takes for the same row.
	if wrong := ours.vacm(t, "createAccess", "operators", "", "2", "1", "1", "most", "none", "none"); wrong != "" || !sees(ours, "operating", links, true) {
		t.Errorf("the operator does not see the interfaces: %s", wrong)
	}
	p.await(t, "what managers wrote counts before the access that the configuration file gives", 2)
	p.await(t, "access is again what the configuration file gives", 1)

	before := walk(ours)
	p.signal(t, syscall.SIGTERM)
	p.exit(t)
	startEmbedded(t, ours.NS, args...)
	if after := walk(ours); !slices.Equal(before, after) {
		t.Errorf("after a restart (-before +after):\n%s", cmp.Diff(before, after))
	}
	if !sees(ours, "latecomer", contact, true) {
		t.Error("who came late does not see the system after a restart")
	}
	// What the file says is the file's.
	for _, args := range [][]string{{"deleteSec2Group", "2", "operator"}, {"deleteView", "system", ".1.3.6.1.2.1.1"}, {"deleteAccess", "operators", "", "0", "1"}} {
		if wrong := ours.vacm(t, args...); !strings.Contains(wrong, "notWritable") {
			t.Errorf("%v: %s", args, wrong)
		}
	}
}
