package snmpwalk_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/golangsnmp/gomib"
	"github.com/golangsnmp/gomib/mib"
	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// notWritten are the tables, and the objects, that the program serves and does not let write, though the MIB would, and why.
// README.md names them.
var notWritten = map[string]string{
	"atTable":           "deprecated by MIB-II: ipNetToPhysicalTable is written",
	"ipNetToMediaTable": "deprecated: ipNetToPhysicalTable is written",
	"ipRouteTable":      "obsolete: inetCidrRouteTable is written",
	"ipForwardTable":    "obsolete: inetCidrRouteTable is written",
	"ipCidrRouteTable":  "deprecated: inetCidrRouteTable is written",

	"ifStackTable":      "RFC 2863 requires no writing: who made a bridge, bond or tunnel gives it its ports",
	"ifRcvAddressTable": "RFC 2863 requires no writing: who joins groups of the link layer has a socket for that",

	"ipv4InterfaceEnableStatus": "the kernel cannot turn off IPv4 on one interface",
	"ipv6InterfaceForwarding":   "the kernel's setting of that name holds no packet back",
}

// maxAccess are the MAX-ACCESS that the MIB texts give to what is served, by descriptor: also of the modules that hasNoText tells of,
// which pysnmp has.
func maxAccess(t testing.TB) map[string]mib.Access {
	t.Helper()
	access := make(map[string]mib.Access)
	for _, o := range leaves(t, loadMIBs(t)) {
		access[o.Name()] = o.Access()
	}
	var sources []gomib.LoadOption
	for _, dir := range mibDirectories(t) {
		source, err := gomib.Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, gomib.WithSource(source))
	}
	old, err := gomib.Load(context.Background(), append(sources, gomib.WithModules("RFC1213-MIB"))...)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range old.Module("RFC1213-MIB").Objects() {
		if table := group(o); o.IsColumn() && (table == "atTable" || table == "ipRouteTable") {
			access[o.Name()] = o.Access()
		}
	}
	declared := regexp.MustCompile(`(?m)^(\w+) = Mib(?:Scalar|TableColumn)\(.*\.setMaxAccess\("(\w+)"\)`)
	for _, module := range []string{"SNMP-MPD-MIB", "SNMP-VIEW-BASED-ACM-MIB"} {
		text, err := os.ReadFile(filepath.Join("/usr/lib/python3/dist-packages/pysnmp/smi/mibs", module+".py"))
		if err != nil {
			nstest.Needs(t, "needs pysnmp, which has the "+module+": "+err.Error())
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			access[string(m[1])] = map[string]mib.Access{"readonly": mib.AccessReadOnly, "readwrite": mib.AccessReadWrite, "readcreate": mib.AccessReadCreate}[string(m[2])]
		}
	}
	return access
}

// tableOf is the table of a column that is served, or the descriptor of a scalar.
func tableOf(t testing.TB) func(name string) string {
	t.Helper()
	m := loadMIBs(t)
	return func(name string) string {
		if o := m.Object(name); o != nil && o.Table() != nil {
			return o.Table().Name()
		}
		for _, prefix := range []string{"ipRoute", "at", "vacmAccess", "vacmViewTreeFamily", "vacmSecurityToGroup"} {
			if m.Object(name) == nil && (strings.HasPrefix(name, prefix) || name == "vacmGroupName" && prefix == "vacmSecurityToGroup") {
				return prefix + "Table"
			}
		}
		return name
	}
}

// TestMaxAccess holds that every object is written which the MIB lets be written, but for those that are listed above with a reason, and
// no other; as an agent of its own, in a context and as a subagent. A value of a wrong type tells: where there is a writer it is
// wrongType, and notWritable otherwise. README.md has the same lists.
func TestMaxAccess(t *testing.T) {
	needsTools(t)
	access, table := maxAccess(t), tableOf(t)
	lines := []string{
		"rocommunity public", "createUser admin SHA-256 maplesyrup",
		"view everything included .1", "view everything included .1.3.6.1.6.3.18.1", "view everything included .1.3.6.1.6.3.15.1",
		"com2sec admin default admins", "group admins v2c admin", `access admins "" v2c noauth prefix everything everything none`,
	}
	written := make(map[string]bool)
	for _, way := range []struct {
		name string
		args []string                     // of --list
		but  map[string]string            // what is not written, and why
		run  func(t *testing.T, s *scene) // the agent, which shows the scene to the community
	}{
		{"embedded", nil, nil, func(t *testing.T, s *scene) {
			startEmbedded(t, s.NS, "--config", writeConfig(t, lines...), "--state", stateDir(t))
		}},
		{"in a context", []string{"--modules", "IF-MIB,IP-MIB,IP-FORWARD-MIB,TCP-MIB,UDP-MIB"}, nil, func(t *testing.T, s *scene) {
			blue := nstest.New(t)
			bound := strings.Replace(strings.Join(lines, "\n"), "com2sec admin", "com2sec -Cn "+blue.Name+" admin", 1)
			startEmbedded(t, s.NS, "--config", writeConfig(t, strings.Replace(bound, `admins "" v2c`, "admins "+blue.Name+" v2c", 1), "netnsContexts "+blue.Name), "--state", stateDir(t))
		}},
		{"agentx", []string{"--agentx"}, map[string]string{
			"ifLinkUpDownTrapEnable": "a subagent keeps nothing over restarts, and the master sends what it is told",
		}, func(t *testing.T, s *scene) {
			startSubagent(t, startMaster(t, s.NS, lines[2:]...))
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			s := newPair(t)
			way.run(t, s)
			c := s.client(t)
			c.Community = "admins"
			for _, o := range list(t, way.args...) {
				name := o.oid
				if !strings.HasSuffix(name, ".0") {
					name += ".1" // the type is looked at before the row
				}
				value := gosnmp.SnmpPDU{Name: name, Type: gosnmp.IPAddress, Value: "192.0.2.1"}
				if strings.HasPrefix(o.kind, "IpAddress") {
					value = gosnmp.SnmpPDU{Name: name, Type: gosnmp.OctetString, Value: "x"}
				}
				answer, err := c.Set([]gosnmp.SnmpPDU{value})
				if err != nil {
					t.Fatalf("%s: %v", o.name, err)
				}
				of, known := access[o.name]
				if !known {
					t.Errorf("%s: there is no text of it", o.name)
				}
				_, columnExcused := notWritten[o.name]
				_, tableExcused := notWritten[table(o.name)]
				_, excused := way.but[o.name]
				want := gosnmp.NotWritable
				if of == mib.AccessReadWrite || of == mib.AccessReadCreate {
					if want = gosnmp.WrongType; columnExcused || tableExcused || excused {
						want = gosnmp.NotWritable
					}
				}
				if answer.Error != want {
					t.Errorf("%s, %v in the MIB: %v, want %v", o.name, of, answer.Error, want)
				}
				if want == gosnmp.WrongType {
					written[o.name] = true
				}
			}
		})
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := bytes.Cut(readme, []byte("\n## Writing\n"))
	section, _, _ = bytes.Cut(section, []byte("\n## "))
	told := make(map[string]bool)
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| .* \|$`).FindAllSubmatch(section, -1) {
		for _, name := range regexp.MustCompile(`\b[a-z]+[A-Z0-9]\w+`).FindAllString(string(row[1]), -1) {
			told[name] = true
		}
	}
	for name := range written {
		if !told[name] && !told[table(name)] {
			t.Errorf("README.md does not say that %s can be written", name)
		}
	}
	for name := range told {
		if !written[name] && !slices.ContainsFunc(slices.Collect(maps.Keys(written)), func(w string) bool { return table(w) == name }) {
			t.Errorf("README.md says that %s can be written", name)
		}
	}
	_, section, _ = bytes.Cut(readme, []byte("\n## What is not there\n"))
	section, _, _ = bytes.Cut(section, []byte("\n## "))
	for name := range notWritten {
		if !bytes.Contains(section, []byte(name)) {
			t.Errorf("README.md does not say that %s is not written", name)
		}
	}
}
