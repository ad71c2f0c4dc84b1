package snmpwalk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAdministration holds that who is let in, and what for, and where notifications go is told as
// snmpd tells it of the same file: the same rows, in the same order, with the same values; and that no
// key is, nor a community.
func TestAdministration(t *testing.T) {
	lines := []string{
		"exactEngineID 0x80001f880476657269666965",
		"rocommunity narrow 127.0.0.1 .1.3.6.1.2.1.1",
		"com2sec local 127.0.0.1 secret",
		"group readers v1 local", "group readers v2c local", "group readers usm reader", "group readers v2c local",
		"view system included .1.3.6.1.2.1.1", "view system excluded .1.3.6.1.2.1.1.9",
		"view rows included .1.3.6.1.2.1.2.2.1.0.1 ff:a0", "view system included .1.3.6.1.2.1.2",
		`access readers "" any noauth exact system none none`,
		`access readers "" usm priv exact rows system none`,
		"createUser reader SHA-256 maplesyrup AES syrupofmaple", "createUser plain",
		"rouser reader priv", "rouser plain noauth -V system",
		"authuser read,notify writer auth",
		"trapcommunity maplebark", "trapsink 127.0.0.1:22162", "trap2sink 127.0.0.1:22162 maplebark", "informsink 127.0.0.1:22163 maplebark",
		"trap2sink udp6:[::1]:22164 maplebark", "trapsess -v 2c -c maplebark -Ci -t 3 -r 7 127.0.0.1:22165",
		"trapsess -v 3 -l authPriv -u reader 127.0.0.1:22166",
	}
	walk := func(t *testing.T, s *scene, root string) (rows []string) {
		t.Helper()
		r := s.runWith(t, []string{"MIBS="}, "snmpbulkwalk", ask("2c", "public", "udp", "-On", "-Ox", "--hexOutputLength=0", root)...)
		if r.status != 0 {
			t.Fatalf("snmpbulkwalk: exit status %d: %s", r.status, r.complaints)
		}
		for line := range strings.Lines(r.out) {
			if !strings.Contains(line, "No more variables") { // snmpd has nothing behind these tables
				rows = append(rows, strings.TrimSpace(line))
			}
		}
		return rows
	}
	const (
		groups = ".1.3.6.1.6.3.16.1.2.1"
		access = ".1.3.6.1.6.3.16.1.4.1"
		views  = ".1.3.6.1.6.3.16.1.5.2.1"
		users  = ".1.3.6.1.6.3.15.1.2.2.1"
		engine = ".1.3.6.1.6.3.10.2.1"
		target = ".1.3.6.1.6.3.12.1"
		notify = ".1.3.6.1.6.3.13.1"
	)
	read := func(t *testing.T, s *scene) map[string][]string {
		all := map[string][]string{}
		for _, root := range []string{groups, access, views, users, engine, target, notify} {
			all[root] = walk(t, s, root)
		}
		return all
	}
	needsTools(t)
	theirs := newPair(t)
	startMaster(t, theirs.NS, lines...)
	ours := newPair(t)
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	// What startMaster writes in front, by which security names are numbered.
	before := []string{"rocommunity public", "rocommunity6 public", "rwcommunity private"}
	startEmbedded(t, ours.NS, "--state", state, "--config", writeConfig(t, append(before, lines...)...))
	want, got := read(t, theirs), read(t, ours)
	// A mask that is all ones says what none says (RFC 3415, vacmViewTreeFamilyMask); snmpd
	// fills it.
	full := regexp.MustCompile(`^(\.1\.3\.6\.1\.6\.3\.16\.1\.5\.2\.1\.3\.\S+) = (""|Hex-STRING: (FF ?)+)$`)
	for _, root := range []string{groups, access, views} {
		for _, all := range []map[string][]string{want, got} {
			for i, line := range all[root] {
				all[root][i] = full.ReplaceAllString(line, "$1 = all ones")
			}
		}
		if diff := cmp.Diff(want[root], got[root]); diff != "" {
			t.Errorf("%s (-snmpd +netsnmp-agent):\n%s", root, diff)
		}
	}
	// Users that the file has: snmpd keeps them in a file of its own, and says so. snmpd has
	// a name for CloneFrom where there is none.
	storage := regexp.MustCompile(`^\.1\.3\.6\.1\.6\.3\.15\.1\.2\.2\.1\.12\.\S+ = INTEGER: [35]$`)
	for _, all := range []map[string][]string{want, got} {
		all[users] = slices.DeleteFunc(all[users], storage.MatchString)
	}
	if diff := cmp.Diff(want[users], got[users]); diff != "" {
		t.Errorf("users (-snmpd +netsnmp-agent):\n%s", diff)
	}
	for i, line := range want[target] {
		want[target][i] = asRFC3413(line)
	}
	// Where communities come from, which snmpd does not tell, is TestCommunities'.
	source := regexp.MustCompile(`^\.1\.3\.6\.1\.6\.3\.12\.1\.2\.1\.\d+\.99\.111\.109\.109\.117\.110\.105\.116\.121\.`)
	got[target] = slices.DeleteFunc(got[target], source.MatchString)
	for i, line := range got[target] {
		if lock := target + ".1.0 = "; strings.HasPrefix(line, lock) {
			got[target][i] = lock + "INTEGER: 0" // the value is any
		}
	}
	for _, root := range []string{target, notify} {
		if diff := cmp.Diff(want[root], got[root]); diff != "" {
			t.Errorf("%s (-snmpd +netsnmp-agent):\n%s", root, diff)
		}
	}
	for i, line := range got[engine] {
		if i == 0 && line != want[engine][0] || len(got[engine]) != 4 || len(want[engine]) != 4 {
			t.Errorf("the engine is\n%s, snmpd's\n%s", got[engine], want[engine])
			break
		}
	}
}

// asRFC3413 returns a line of snmpd's SNMP-TARGET-MIB as RFC 3413 has it: a TimeInterval is of
// hundredths of a second, not thousandths, and a trap is sent once. A community's security
// name is no community: it is the row's name.
func asRFC3413(line string) string {
	column, rest, _ := strings.Cut(strings.TrimPrefix(line, ".1.3.6.1.6.3.12.1."), ".105.110.116.101.114.110.97.108.") // internal
	code, _, _ := strings.Cut(rest, " = ")
	n, err := strconv.Atoi(code)
	if err != nil {
		return line
	}
	n -= '0'
	name, value, _ := strings.Cut(line, " = ")
	switch inform, community := n == 2 || n == 4, n < 5; {
	case column == "2.1.4":
		value = strings.TrimSuffix(value, "0")
	case column == "2.1.5" && !inform:
		value = "INTEGER: 0"
	case column == "3.1.4" && community:
		value = fmt.Sprintf("Hex-STRING: % X", fmt.Sprint("internal", n))
	}
	return name + " = " + value
}
