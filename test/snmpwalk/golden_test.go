package snmpwalk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenFile is what snmpbulkwalk prints of the scene, with the names of the
// MIBs and indexes in numbers, after masking. What no two runs have in common is masked:
//
//   - the value of every Counter32, Counter64 and TimeTicks ("*"),
//   - the value of the objects of maskedValues ("*"),
//   - the last sub-identifier of udpEndpointTable, an inode ("*"), and
//   - rows of the clients' own sockets, and of snmpd's port for SMUX, which are
//     left out.
//
// All other names and values are the scene's.
const goldenFile = "walk.golden"

// maskedValues are the objects of which the values are the machine's or the
// moment's.
var maskedValues = []string{
	"sysDescr", "sysName", // the kernel's version, the host's name
	"snmpSetSerialNo", "snmpTargetSpinLock", "ipAddressSpinLock", "usmUserSpinLock", // random numbers
	"SNMPv2-SMI::snmpModules.16.1.5.1.0", // vacmViewSpinLock, likewise
	"tcpConnectionProcess", "tcpListenerProcess", "udpEndpointProcess",
	"ipv6InterfaceReachableTime", // drawn anew for each interface
	"ifSpeed", "ifHighSpeed",     // what drivers say by default, which kernels differ in
}

var instanceOfEndpoint = regexp.MustCompile(`^(UDP-MIB::udpEndpointProcess\..*)\.\d+$`)

// mask applies the rule to a line, and reports whether it stays.
func mask(line string) (string, bool) {
	name, value, ok := strings.Cut(line, " = ")
	if !ok || strings.HasPrefix(value, "No more variables") {
		return "", false
	}
	object, _, _ := strings.Cut(strings.TrimPrefix(name[strings.Index(name, "::")+1:], ":"), ".")
	kind, _, typed := strings.Cut(value, ": ")
	counts := typed && (kind == "Counter32" || kind == "Counter64" || kind == "Timeticks")
	if counts || slices.Contains(maskedValues, object) || slices.Contains(maskedValues, name) {
		value = kind + ": *"
	}
	if m := instanceOfEndpoint.FindStringSubmatch(name); m != nil {
		name = m[1] + ".*"
	}
	return name + " = " + value, true
}

// TestGolden holds that the whole walk of the scene, as a user sees it, is what
// it was when somebody last looked at it.
func TestGolden(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		env := withMIBs(t)
		golden := filepath.Join("testdata", goldenFile)
		var got []string
		for _, root := range s.roots() {
			r := s.runWith(t, env, "snmpbulkwalk", ask("2c", "public", "udp", "-Ob", "--hexOutputLength=0", root)...)
			if r.status != 0 || r.complaints != "" {
				t.Fatalf("snmpbulkwalk: exit status %d: %s", r.status, r.complaints)
			}
			for line := range strings.Lines(r.out) {
				if line, stays := mask(strings.TrimSuffix(line, "\n")); stays && !ephemeral(line) {
					got = append(got, line)
				}
			}
		}
		// As a subagent the program has the same to show, without what is the
		// master's; which listens where the program does while embedded.
		if *update && !s.subagent {
			if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if s.subagent {
			want = slices.DeleteFunc(want, func(line string) bool {
				return slices.ContainsFunc([]string{"SNMPv2-MIB::", "SNMP-", "SNMPv2-SMI::snmpModules.", "DISMAN-EVENT-MIB::"},
					func(of string) bool { return strings.HasPrefix(line, of) })
			})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got; \"go test -update\" writes it anew):\n%s", golden, diff)
		}
	})
}

// smux is the port of SMUX (RFC 1227), which nothing else in the scene has for a
// number in its name.
const smux = 199

var numbers = regexp.MustCompile(`\d+`)

// ephemeral reports whether a line is of a socket with a port of the kernel's
// choice, or of snmpd's for SMUX.
func ephemeral(line string) bool {
	name, _, _ := strings.Cut(line, " = ")
	if !strings.HasPrefix(name, "TCP-MIB::") && !strings.HasPrefix(name, "UDP-MIB::") {
		return false
	}
	return slices.ContainsFunc(numbers.FindAllString(name, -1), func(text string) bool {
		n, err := strconv.Atoi(text)
		return err == nil && (n >= 32768 || n == smux)
	})
}
