package snmpwalk_test

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/golangsnmp/gomib"
	"github.com/golangsnmp/gomib/mib"
	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// modules are the MIB modules that the program implements and of which there are texts.
var modules = []string{
	"SNMPv2-MIB", "SNMP-FRAMEWORK-MIB", "SNMP-TARGET-MIB", "SNMP-NOTIFICATION-MIB", "SNMP-USER-BASED-SM-MIB", "SNMP-COMMUNITY-MIB",
	"IF-MIB", "IP-MIB", "IP-FORWARD-MIB", "TCP-MIB", "UDP-MIB",
}

// notServed are the tables, and the scalars, of these modules that the program does
// not have, and why.
var notServed = map[string]string{
	"ifTestTable": "obsolete (RFC 2863, section 3.1.9): no Linux driver tests itself at a manager's request",

	"ipv6RouterAdvertTable":    "the kernel advertises nothing: what is advertised is its daemon's to tell",
	"ipv6RouterAdvertSpinLock": "a lock for writers of that table",
}

// masters are the groups that a subagent leaves to its master.
var masters = map[string]string{
	"system":     "the host's, of which the master tells",
	"sysORTable": "the master's, which takes up the modules that the subagent reports",
	"snmp":       "the counters of the master's engine",
	"snmpSet":    "the lock of the master's writers",

	"snmpEngine":            "the master's engine",
	"snmpTargetObjects":     "as snmpEngine",
	"snmpTargetAddrTable":   "the master's notifications",
	"snmpTargetParamsTable": "the master's notifications",
	"snmpNotifyTable":       "the master's notifications",

	"snmpNotifyFilterProfileTable": "the master's notifications",
	"snmpNotifyFilterTable":        "the master's notifications",

	"snmpCommunityTable":     "the master's communities",
	"snmpTargetAddrExtTable": "the master's communities",

	"usmStats":     "the counters of the master's engine",
	"usmUser":      "the lock of the master's writers",
	"usmUserTable": "the master's users",
}

// newer are the enumerated values that are younger than the texts.
var newer = map[string][]int64{
	"inetCidrRouteProto": {18, 19}, // IANA added rpl and dhcp in 2012
}

// neverKnown are the objects that the program declares, and of which this kernel
// never tells a value for the interfaces and routes of the scene, or nobody does there.
var neverKnown = map[string]string{
	"ifInBroadcastPkts":    "the kernel counts received broadcasts among the multicasts",
	"ifOutMulticastPkts":   "the kernel does not tell sent multicasts from unicasts",
	"ifOutBroadcastPkts":   "the kernel does not tell sent broadcasts from unicasts",
	"ifHCInBroadcastPkts":  "as ifInBroadcastPkts",
	"ifHCOutMulticastPkts": "as ifOutMulticastPkts",
	"ifHCOutBroadcastPkts": "as ifOutBroadcastPkts",

	"snmpEngineID":                  "SNMPv3 is not spoken in the scene",
	"snmpEngineBoots":               "as snmpEngineID",
	"snmpEngineTime":                "as snmpEngineID",
	"snmpTargetParamsMPModel":       "no notifications go anywhere in the scene",
	"snmpTargetParamsSecurityModel": "as snmpTargetParamsMPModel",
	"snmpTargetParamsSecurityName":  "as snmpTargetParamsMPModel",
	"snmpTargetParamsSecurityLevel": "as snmpTargetParamsMPModel",
	"snmpTargetParamsStorageType":   "as snmpTargetParamsMPModel",
	"snmpTargetParamsRowStatus":     "as snmpTargetParamsMPModel",
	"snmpNotifyTag":                 "as snmpTargetParamsMPModel",
	"snmpNotifyType":                "as snmpTargetParamsMPModel",
	"snmpNotifyStorageType":         "as snmpTargetParamsMPModel",
	"snmpNotifyRowStatus":           "as snmpTargetParamsMPModel",

	"snmpNotifyFilterProfileName":      "as snmpTargetParamsMPModel",
	"snmpNotifyFilterProfileStorType":  "as snmpTargetParamsMPModel",
	"snmpNotifyFilterProfileRowStatus": "as snmpTargetParamsMPModel",
	"snmpNotifyFilterMask":             "as snmpTargetParamsMPModel",
	"snmpNotifyFilterType":             "as snmpTargetParamsMPModel",
	"snmpNotifyFilterStorageType":      "as snmpTargetParamsMPModel",
	"snmpNotifyFilterRowStatus":        "as snmpTargetParamsMPModel",

	"snmpCommunityName":            "who asks has no view that names it",
	"snmpCommunityContextEngineID": "as snmpEngineID",

	"usmUserSecurityName":     "there are no users in the scene",
	"usmUserCloneFrom":        "as usmUserSecurityName",
	"usmUserAuthProtocol":     "as usmUserSecurityName",
	"usmUserAuthKeyChange":    "as usmUserSecurityName",
	"usmUserOwnAuthKeyChange": "as usmUserSecurityName",
	"usmUserPrivProtocol":     "as usmUserSecurityName",
	"usmUserPrivKeyChange":    "as usmUserSecurityName",
	"usmUserOwnPrivKeyChange": "as usmUserSecurityName",
	"usmUserPublic":           "as usmUserSecurityName",
	"usmUserStorageType":      "as usmUserSecurityName",
	"usmUserStatus":           "as usmUserSecurityName",

	"ipSystemStatsInForwDatagrams":   "the kernel counts what it found a way for, not what it looked for one for",
	"ipSystemStatsHCInForwDatagrams": "as ipSystemStatsInForwDatagrams",

	"ipIfStatsInForwDatagrams":   "as ipSystemStatsInForwDatagrams",
	"ipIfStatsHCInForwDatagrams": "as ipSystemStatsInForwDatagrams",
	"ipIfStatsInBcastPkts":       "IPv6 has no broadcasts, and IPv4 is not counted by interface",
	"ipIfStatsHCInBcastPkts":     "as ipIfStatsInBcastPkts",
	"ipIfStatsOutBcastPkts":      "as ipIfStatsInBcastPkts",
	"ipIfStatsHCOutBcastPkts":    "as ipIfStatsInBcastPkts",

	"ipv6ScopeZoneIndex3":                 "Linux knows no zones but links",
	"ipv6ScopeZoneIndexAdminLocal":        "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndexSiteLocal":         "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndex6":                 "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndex7":                 "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndexOrganizationLocal": "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndex9":                 "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndexA":                 "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndexB":                 "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndexC":                 "as ipv6ScopeZoneIndex3",
	"ipv6ScopeZoneIndexD":                 "as ipv6ScopeZoneIndex3",
}

// mibDirectories are where the texts of the IETF's and IANA's modules are: in
// the corpus that the gomib module is tested with.
func mibDirectories(t testing.TB) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/golangsnmp/gomib").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		nstest.Needs(t, "needs the module github.com/golangsnmp/gomib, which has the MIB texts: go mod download")
	}
	corpus := filepath.Join(dir, "testdata", "corpus", "primary")
	return []string{filepath.Join(corpus, "ietf"), filepath.Join(corpus, "iana")}
}

func loadMIBs(t testing.TB) *mib.Mib {
	t.Helper()
	var sources []gomib.LoadOption
	for _, dir := range mibDirectories(t) {
		source, err := gomib.Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, gomib.WithSource(source))
	}
	m, err := gomib.Load(context.Background(), append(sources, gomib.WithModules(modules...))...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// leaves are the accessible scalars and columns of the modules.
func leaves(t testing.TB, m *mib.Mib) (all []*mib.Object) {
	t.Helper()
	for _, name := range modules {
		module := m.Module(name)
		if module == nil {
			t.Fatalf("no module %s", name)
		}
		for _, o := range module.Objects() {
			switch o.Access() {
			case mib.AccessReadOnly, mib.AccessReadWrite, mib.AccessReadCreate:
				if o.IsScalar() || o.IsColumn() {
					all = append(all, o)
				}
			}
		}
	}
	return all
}

// wireTypes are what a base type is on the wire.
var wireTypes = map[mib.BaseType]gosnmp.Asn1BER{
	mib.BaseInteger32:        gosnmp.Integer,
	mib.BaseUnsigned32:       gosnmp.Gauge32,
	mib.BaseGauge32:          gosnmp.Gauge32,
	mib.BaseCounter32:        gosnmp.Counter32,
	mib.BaseCounter64:        gosnmp.Counter64,
	mib.BaseTimeTicks:        gosnmp.TimeTicks,
	mib.BaseIpAddress:        gosnmp.IPAddress,
	mib.BaseOctetString:      gosnmp.OctetString,
	mib.BaseObjectIdentifier: gosnmp.ObjectIdentifier,
}

// listed is an object in the output of --list.
type listed struct{ name, oid, kind string }

func list(t testing.TB, args ...string) []listed {
	t.Helper()
	out, err := exec.Command(program, append(args, "--list")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			t.Fatalf("--list prints %q", line)
		}
		all = append(all, listed{f[0], strings.TrimPrefix(f[1], "."), strings.Join(f[2:], " ")})
	}
	return all
}

// group is the name of the table of a column, or of what a scalar is below.
func group(o *mib.Object) string {
	if table := o.Table(); table != nil {
		return table.Name()
	}
	return o.Node().Parent().Name()
}

// TestEveryObject holds that the program has every accessible object of its
// modules, and no other, but for those that are listed above with a reason.
func TestEveryObject(t *testing.T) {
	m := loadMIBs(t)
	for _, way := range []struct {
		name string
		args []string
		// master is whether somebody else has the modules of the agent itself.
		master bool
	}{{"embedded", nil, false}, {"agentx", []string{"--agentx"}, true}} {
		t.Run(way.name, func(t *testing.T) {
			have := make(map[string]listed)
			for _, l := range list(t, way.args...) {
				have[l.name] = l
			}
			for _, o := range leaves(t, m) {
				l, served := have[o.Name()]
				delete(have, o.Name())
				_, excused := notServed[group(o)]
				if o.IsScalar() {
					_, excused = notServed[o.Name()]
				}
				if _, others := masters[group(o)]; way.master && others && strings.HasPrefix(o.Module().Name(), "SNMP") {
					excused = true
				}
				switch {
				case !served && !excused:
					t.Errorf("%s::%s is not served", o.Module().Name(), o.Name())
					continue
				case served && excused:
					t.Errorf("%s::%s is served, though it is listed as not to be", o.Module().Name(), o.Name())
				case !served:
					continue
				}
				want := o.OID().String()
				if o.IsScalar() {
					want += ".0"
				}
				if l.oid != want {
					t.Errorf("%s is served at %s, want %s", o.Name(), l.oid, want)
				}
			}
			for name, l := range have {
				o := m.Object(name)
				if (o == nil || o.OID() == nil || !strings.HasPrefix(l.oid, o.OID().String())) && !hasNoText(l.oid) {
					t.Errorf("%s (%s) is in no MIB", name, l.oid)
				}
			}
		})
	}
}

// hasNoText reports whether a name is of what is not among the texts: atTable and
// ipRouteTable, which no later module took over and are in SMIv1, the SNMP-MPD-MIB and the
// SNMP-VIEW-BASED-ACM-MIB. TestAdministration compares the latter with snmpd's.
func hasNoText(name string) bool {
	return slices.ContainsFunc([]string{"1.3.6.1.2.1.3.1.1.", "1.3.6.1.2.1.4.21.1.", "1.3.6.1.6.3.11.", "1.3.6.1.6.3.16."},
		func(root string) bool { return strings.HasPrefix(name, root) })
}

// printedWithoutText is how net-snmp's tools begin the names of what hasNoText tells of.
var printedWithoutText = []string{"SNMPv2-SMI::mib-2.3.", "IP-MIB::ip.21.", "SNMPv2-SMI::snmpModules.11.", "SNMPv2-SMI::snmpModules.16."}

// TestEveryValue holds that every variable of a whole walk has the type, the
// range, the size and the enumeration, and every row the index, that the MIB
// says; and that every object has a value somewhere but for those that are
// listed above with a reason.
func TestEveryValue(t *testing.T) {
	m := loadMIBs(t)
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		seen := make(map[string]bool)
		for _, v := range s.whole(t, s.client(t), 50) {
			name := mib.OID(v.name)
			if hasNoText(name.String()) {
				continue
			}
			node := m.LongestPrefixByOID(name)
			if node == nil || node.Object() == nil {
				t.Errorf("%v is no object of a MIB", v)
				continue
			}
			o := node.Object()
			seen[o.Name()] = true
			if complaint := wrongValue(o, v); complaint != "" {
				t.Errorf("%s: %v: %s", o.Name(), v, complaint)
			}
			index := oid(name[len(o.OID()):])
			if o.IsScalar() {
				if !slices.Equal(index, oid{0}) {
					t.Errorf("%s: %v: a scalar has one instance, 0", o.Name(), v)
				}
				continue
			}
			if complaint := wrongIndex(o.Row(), index); complaint != "" {
				t.Errorf("%s: %v: %s", o.Name(), v, complaint)
			}
		}
		var args []string
		if s.subagent {
			args = []string{"--agentx"}
		}
		for _, l := range list(t, args...) {
			_, excused := neverKnown[l.name]
			if !excused && !seen[l.name] && !hasNoText(l.oid) {
				t.Errorf("%s has no value", l.name)
			}
			if excused && seen[l.name] {
				t.Errorf("%s has a value, though it is listed as never known", l.name)
			}
		}
	})
}

// wrongValue says what is wrong with a value by its object's definition.
func wrongValue(o *mib.Object, v variable) string {
	base := o.Type().EffectiveBase()
	if want, known := wireTypes[base]; !known || v.kind != want {
		return fmt.Sprintf("it is of type %v, want %v", v.kind, base)
	}
	switch v.kind {
	case gosnmp.OctetString:
		return outside(o.EffectiveSizes(), int64(len(v.value)), "octets")
	case gosnmp.Integer, gosnmp.Gauge32:
		n, err := strconv.ParseInt(v.value, 10, 64)
		if err != nil {
			return err.Error()
		}
		return wrongNumber(o, n)
	}
	return ""
}

func wrongNumber(o *mib.Object, n int64) string {
	enums := o.EffectiveEnums()
	if len(enums) > 0 {
		if !slices.ContainsFunc(enums, func(e mib.NamedValue) bool { return e.Value == n }) && !slices.Contains(newer[o.Name()], n) {
			return fmt.Sprintf("%d is not in its enumeration", n)
		}
		return ""
	}
	return outside(o.EffectiveRanges(), n, "")
}

func outside(ranges []mib.Range, n int64, unit string) string {
	if len(ranges) == 0 {
		return ""
	}
	for _, r := range ranges {
		if n >= r.Min && n <= r.Max {
			return ""
		}
	}
	return fmt.Sprintf("%d %s is not in %v", n, unit, ranges)
}

// wrongIndex reads an index by the INDEX clause of its row (RFC 2578, section
// 7.7), and says what is wrong.
func wrongIndex(row *mib.Object, index oid) string {
	entries := row.EffectiveIndexes()
	if len(entries) == 0 {
		return "its row has no INDEX"
	}
	// An InetAddress is as long as the InetAddressType before it says.
	var addressType uint32
	for _, e := range entries {
		var n int
		switch o := e.Object; o.Type().EffectiveBase() {
		case mib.BaseInteger32, mib.BaseUnsigned32, mib.BaseGauge32:
			if len(index) == 0 {
				return fmt.Sprintf("the index ends before %s", o.Name())
			}
			if complaint := wrongNumber(o, int64(index[0])); complaint != "" {
				return o.Name() + ": " + complaint
			}
			addressType = index[0]
			index = index[1:]
			continue
		case mib.BaseIpAddress:
			n = 4
		case mib.BaseOctetString, mib.BaseObjectIdentifier:
			sizes := o.EffectiveSizes()
			fixed := o.Type().EffectiveBase() == mib.BaseOctetString && len(sizes) == 1 && sizes[0].Min == sizes[0].Max
			switch {
			case e.Implied:
				n = len(index)
			case fixed:
				n = int(sizes[0].Min)
			case len(index) == 0:
				return fmt.Sprintf("the index ends before %s", o.Name())
			default:
				n, index = int(index[0]), index[1:]
			}
			if strings.HasSuffix(o.Name(), "Address") || strings.HasSuffix(o.Name(), "Dest") || strings.HasSuffix(o.Name(), "NextHop") {
				if want, known := map[uint32]int{0: 0, 1: 4, 2: 16, 3: 8, 4: 20}[addressType]; o.Type().Name() == "InetAddress" && (!known || n != want) {
					return fmt.Sprintf("%s: %d octets of type %d", o.Name(), n, addressType)
				}
			}
			if o.Type().EffectiveBase() == mib.BaseOctetString {
				if complaint := outside(sizes, int64(n), "octets"); complaint != "" {
					return o.Name() + ": " + complaint
				}
			}
		default:
			return fmt.Sprintf("%s cannot be an index", o.Name())
		}
		if n > len(index) {
			return fmt.Sprintf("the index ends within %s", e.Object.Name())
		}
		if base := e.Object.Type().EffectiveBase(); base != mib.BaseObjectIdentifier {
			for _, sub := range index[:n] {
				if sub > 255 {
					return fmt.Sprintf("%s: %d is no octet", e.Object.Name(), sub)
				}
			}
		}
		index = index[n:]
	}
	if len(index) != 0 {
		return fmt.Sprintf("%v is left of the index", index)
	}
	return ""
}

// withMIBs is the environment of net-snmp's tools with the modules loaded.
func withMIBs(t testing.TB) []string {
	return []string{
		"MIBDIRS=" + strings.Join(mibDirectories(t), ":"),
		"MIBS=" + strings.Join(append([]string{"IANA-RTPROTO-MIB"}, modules...), ":"),
	}
}

var (
	resolved   = regexp.MustCompile(`^([A-Za-z0-9-]+)::([A-Za-z0-9]+)\.`)
	enumerated = regexp.MustCompile(`^INTEGER: [A-Za-z][A-Za-z0-9-]*\(-?\d+\)$`)
)

// TestNames holds that net-snmp's own tools, which have loaded the MIBs, find
// nothing amiss: every name and every enumerated value resolves.
func TestNames(t *testing.T) {
	m := loadMIBs(t)
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		env := withMIBs(t)
		for _, walk := range [][]string{{"snmpwalk", "--hexOutputLength=0"}, {"snmpbulkwalk", "--hexOutputLength=0", "-Cr50"}} {
			var lines, enums int
			for _, root := range s.roots() {
				r := s.runWith(t, env, walk[0], ask("2c", "public", "udp", append(walk[1:], root)...)...)
				if r.status != 0 || r.complaints != "" {
					t.Fatalf("%v: exit status %d: %s", walk, r.status, tail(r.complaints))
				}
				for line := range strings.Lines(r.out) {
					line = strings.TrimSuffix(line, "\n")
					if slices.ContainsFunc(printedWithoutText, func(p string) bool { return strings.HasPrefix(line, p) }) {
						continue
					}
					if strings.Contains(line, "Wrong Type") {
						t.Error(line)
					}
					lines++
					name, value, _ := strings.Cut(line, " = ")
					match := resolved.FindStringSubmatch(name)
					if match == nil {
						t.Errorf("%q does not resolve", line)
						continue
					}
					object := match[2]
					if object == "sysUpTimeInstance" || strings.HasPrefix(value, "No more variables") {
						continue
					}
					o := m.Object(object)
					if o == nil || !slices.Contains(modules, match[1]) {
						t.Errorf("%q resolves to no object of these modules", line)
						continue
					}
					if len(o.EffectiveEnums()) > 0 {
						enums++
						n, err := strconv.ParseInt(strings.TrimPrefix(value, "INTEGER: "), 10, 64)
						young := err == nil && slices.Contains(newer[object], n)
						if !enumerated.MatchString(value) && !young {
							t.Errorf("%q is not one of its enumeration", line)
						}
					}
				}
			}
			if lines < 1000 || enums < 100 {
				t.Errorf("%v printed %d lines, %d of them enumerations: the scene shows too little", walk, lines, enums)
			}
		}
	})
}

// TestSNMPTable holds that snmptable finds the rows of each table.
func TestSNMPTable(t *testing.T) {
	loadMIBs(t)
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		env := withMIBs(t)
		c := s.client(t)
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			if strings.HasPrefix(name, "udp") {
				continue // snmptable has a socket of its own there
			}
			indexes := make(map[string]bool)
			for row := range c.table(t, tables[name]) {
				_, index, _ := strings.Cut(row, ".")
				indexes[index] = true
			}
			// -Ob: snmptable finds its place by the index as it prints it, and
			// prints octets that are no text alike.
			r := s.runWith(t, env, "snmptable", ask("2c", "public", "udp", "-Ob", "-CH", name)...)
			if r.status != 0 || strings.TrimSpace(r.complaints) != "" {
				t.Errorf("snmptable %s: exit status %d: %s", name, r.status, r.complaints)
			}
			var printed int
			for line := range strings.Lines(r.out) {
				if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "SNMP table:") {
					printed++
				}
			}
			if printed != len(indexes) {
				t.Errorf("snmptable %s prints %d rows, want %d:\n%s", name, printed, len(indexes), r.out)
			}
		}
	})
}
