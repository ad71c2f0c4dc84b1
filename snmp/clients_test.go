package snmp

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// netSNMP returns a function that runs one of net-snmp's clients.
func netSNMP(t *testing.T, agent string) func(command string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("snmpbulkwalk"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("net-snmp's clients are needed (Debian: apt install snmp): %v", err)
		}
		t.Skipf("net-snmp's clients are not installed (Debian: apt install snmp): %v", err)
	}
	return func(command string, args ...string) (string, error) {
		all := append([]string{"-On", "-t", "5", "-r", "0"}, args...)
		for i, a := range all {
			if a == "AGENT" {
				all[i] = agent
			}
		}
		cmd := exec.Command(command, all...)
		cmd.Env = append(os.Environ(), "MIBS=", "SNMPCONFPATH=/dev/null", "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// walkOf returns the names of a tree's variables in order.
func walkOf(t testing.TB, tree *mib.Tree, v1 bool) []mib.Binding {
	t.Helper()
	r := tree.NewRequest()
	r.Reset(t.Context())
	r.SkipCounter64 = v1
	var all []mib.Binding
	for c := r.Seek(mib.OID{}, true); ; {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if b.Value.IsException() {
			return all
		}
		all = append(all, b)
	}
}

func names(walk string) (names []string) {
	for line := range strings.Lines(walk) {
		if name, _, ok := strings.Cut(line, " = "); ok && !strings.Contains(line, "No more variables left") {
			names = append(names, strings.TrimPrefix(name, "."))
		}
	}
	return names
}

func TestNetSNMPClients(t *testing.T) {
	tree := newTestTree(t, 100)
	_, addresses := startServer(t, Options{Handler: tree},
		"udp:127.0.0.1:0", "udp6:[::1]:0", "tcp:127.0.0.1:0", "tcp6:[::1]:0")
	for _, a := range addresses {
		t.Run(string(a.Transport), func(t *testing.T) {
			run := netSNMP(t, a.String())
			for _, walk := range [][]string{
				{"snmpwalk", "-v1"}, {"snmpwalk", "-v2c"},
				{"snmpbulkwalk", "-v2c", "-Cr1"}, {"snmpbulkwalk", "-v2c", "-Cr10"}, {"snmpbulkwalk", "-v2c", "-Cr1000"},
			} {
				t.Run(strings.Join(walk, ""), func(t *testing.T) {
					out, err := run(walk[0], append(walk[1:], "-c", "public", "AGENT", ".1")...)
					if err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					var want []string
					for _, b := range walkOf(t, tree, walk[1] == "-v1") {
						want = append(want, b.Name().String())
					}
					if got := names(out); fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("got %d variables, want %d:\n%s", len(got), len(want), out)
					}
				})
			}
			for _, c := range []struct {
				name, want string
				args       []string
			}{
				{"get", ".1.3.6.1.4.1.32473.1.1.1.0 = STRING: \"a test\"", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.1.0"}},
				{"integer", "= INTEGER: -5", []string{"snmpget", "-v1", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.3.0"}},
				{"counter64", "= Counter64: 1099511627776", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.4.0"}},
				{"counter64 v1", "noSuchName", []string{"snmpget", "-v1", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.4.0"}},
				{"counter64 above 2^63", "= Counter64: 9223372036854775808", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.2.1.3.0.1.97"}},
				{"address", "= IpAddress: 192.168.0.0", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.2.1.6.0.1.97"}},
				{"oid", "= OID: .1.3.6.1.4.1.32473.1.0.2147483648", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.2.1.300.0.1.97"}},
				{"object", "No Such Object", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.2.1.1.1.0"}},
				{"instance", "No Such Instance", []string{"snmpget", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.1.1"}},
				{"instance v1", "noSuchName", []string{"snmpget", "-v1", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.1.1"}},
				{"end", "No more variables left", []string{"snmpgetnext", "-v2c", "-c", "public", "AGENT", "1.3.6.1.5"}},
				{"set", "noAccess", []string{"snmpset", "-v2c", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.1.0", "s", "x"}},
				{"set v1", "noSuchName", []string{"snmpset", "-v1", "-c", "public", "AGENT", "1.3.6.1.4.1.32473.1.1.1.0", "s", "x"}},
				{"set writable", "notWritable", []string{"snmpset", "-v2c", "-c", "private", "AGENT", "1.3.6.1.4.1.32473.1.1.1.0", "s", "x"}},
				{"set writable v1", "noSuchName", []string{"snmpset", "-v1", "-c", "private", "AGENT", "1.3.6.1.4.1.32473.1.1.1.0", "s", "x"}},
			} {
				t.Run(c.name, func(t *testing.T) {
					out, _ := run(c.args[0], c.args[1:]...)
					if !strings.Contains(out, c.want) {
						t.Errorf("got %q, want it to contain %q", out, c.want)
					}
				})
			}
		})
	}
}

// TestGoSNMP reads the tree with an implementation of another origin, whose
// values are compared with the tree's.
func TestGoSNMP(t *testing.T) {
	tree := newTestTree(t, 100)
	_, addresses := startServer(t, Options{Handler: tree}, "udp:127.0.0.1:0", "udp6:[::1]:0", "tcp:127.0.0.1:0", "tcp6:[::1]:0")
	for _, a := range addresses {
		for _, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c} {
			t.Run(fmt.Sprint(a.Transport, version), func(t *testing.T) {
				client := &gosnmp.GoSNMP{
					Target: a.Addr().String(), Port: a.Port(), Transport: string(a.Transport)[:3],
					Community: "public", Version: version, Timeout: 5 * time.Second, MaxOids: 1000, MaxRepetitions: 25,
				}
				if err := client.Connect(); err != nil {
					t.Fatal(err)
				}
				defer client.Conn.Close()
				walk := client.BulkWalk
				if version == gosnmp.Version1 {
					walk = client.Walk
				}
				want := walkOf(t, tree, version == gosnmp.Version1)
				n := 0
				// gosnmp's octets are valid until its next answer only.
				err := walk(".1.3", func(got gosnmp.SnmpPDU) error {
					b := want[min(n, len(want)-1)]
					n++
					if got.Name != "."+b.Name().String() || got.Type != gosnmp.Asn1BER(b.Value.Type()) || text(got.Value) != plain(b.Value) {
						t.Errorf("got %v = %v, want %v = %v", got.Name, got, b.Name(), b.Value)
					}
					return nil
				})
				if err != nil || n != len(want) {
					t.Errorf("got %d variables, %v, want %d", n, err, len(want))
				}
				set, err := client.Set([]gosnmp.SnmpPDU{{Name: "." + descrName, Type: gosnmp.OctetString, Value: "x"}})
				if want := map[gosnmp.SnmpVersion]gosnmp.SNMPError{gosnmp.Version1: gosnmp.NoSuchName, gosnmp.Version2c: gosnmp.NoAccess}[version]; err != nil || set.Error != want || set.ErrorIndex != 1 {
					t.Errorf("SET: got %+v, %v", set, err)
				}
			})
		}
	}
}

// text and plain are a value without its type, as gosnmp and as mib have it.
func text(v any) string {
	if octets, ok := v.([]byte); ok {
		return string(octets)
	}
	return strings.TrimPrefix(fmt.Sprint(v), ".")
}

func plain(v mib.Value) string {
	switch v.Type() {
	case mib.OctetString:
		return v.Octets()
	case mib.ObjectIdentifier:
		return v.OID().String()
	case mib.IPAddress:
		return v.Addr().String()
	case mib.Integer32:
		return fmt.Sprint(v.Int())
	}
	return fmt.Sprint(v.Uint())
}
