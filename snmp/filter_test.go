package snmp

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// TestFilter is RFC 3413, section 6, clause by clause.
func TestFilter(t *testing.T) {
	in := func(subtree string, mask ...byte) vacm.Family {
		return vacm.Family{Subtree: mib.MustParseOID(subtree), Mask: mask}
	}
	out := func(subtree string, mask ...byte) vacm.Family {
		f := in(subtree, mask...)
		f.Excluded = true
		return f
	}
	const (
		coldStart = "1.3.6.1.6.3.1.1.5.1"
		linkDown  = "1.3.6.1.6.3.1.1.5.3"
		ifIndex7  = "1.3.6.1.2.1.2.2.1.1.7"
		ifIndex8  = "1.3.6.1.2.1.2.2.1.1.8"
	)
	for _, c := range []struct {
		what     string
		families []vacm.Family
		name     string
		variable string
		want     bool
	}{
		{"no families", nil, coldStart, ifIndex7, true},
		{"a name that is in none", []vacm.Family{in(linkDown)}, coldStart, ifIndex7, false},
		{"a name that is included", []vacm.Family{in(linkDown)}, linkDown, ifIndex7, true},
		{"a name below what is included", []vacm.Family{in("1.3")}, linkDown, ifIndex7, true},
		{"a name above what is included", []vacm.Family{in(linkDown + ".1")}, linkDown, ifIndex7, false},
		{"a name that is excluded", []vacm.Family{in("1.3"), out(coldStart)}, coldStart, ifIndex7, false},
		{"another one", []vacm.Family{in("1.3"), out(coldStart)}, linkDown, ifIndex7, true},
		{"a variable that is excluded", []vacm.Family{in("1.3"), out(ifIndex7)}, linkDown, ifIndex7, false},
		{"another one", []vacm.Family{in("1.3"), out(ifIndex7)}, linkDown, ifIndex8, true},
		{"a variable that is in none", []vacm.Family{in(linkDown)}, linkDown, ifIndex8, true},
		{"sysUpTime, which is a variable", []vacm.Family{in(linkDown), out("1.3.6.1.2.1.1.3")}, linkDown, ifIndex8, false},
		{"snmpTrapOID, which says the name", []vacm.Family{in(linkDown), out("1.3.6.1.6.3.1.1.4")}, linkDown, ifIndex8, true},
		{"the longest", []vacm.Family{out("1.3.6.1.2.1.2"), in(linkDown), in(ifIndex7)}, linkDown, ifIndex7, true},
		{"a wildcard", []vacm.Family{in("1.3"), out("1.3.6.1.2.1.2.2.1.0.7", 0xff, 0xbf)}, linkDown, ifIndex7, false},
		{"a wildcard of another row", []vacm.Family{in("1.3"), out("1.3.6.1.2.1.2.2.1.0.7", 0xff, 0xbf)}, linkDown, ifIndex8, true},
		{"net-snmp's example", []vacm.Family{in("1.3", 0), out(coldStart, 0)}, coldStart, ifIndex7, false},
		{"net-snmp's example", []vacm.Family{in("1.3", 0), out(coldStart, 0)}, linkDown, ifIndex7, true},
		{"equally long: the last", []vacm.Family{out("1.3.6.1.6.3.1.1.5.0", 0xff, 0x80), in(linkDown)}, linkDown, ifIndex7, true},
	} {
		variables := []mib.Binding{
			{Object: mib.MustParseOID("1.3.6.1.2.1.1.3"), Index: mib.MakeOID(0), Value: mib.Ticks(1)},
			{Object: mib.MustParseOID("1.3.6.1.6.3.1.1.4.1"), Index: mib.MakeOID(0), Value: mib.OIDValue(mib.MustParseOID(c.name))},
			{Object: mib.MustParseOID(c.variable), Value: mib.Int(1)},
		}
		if got := NewFilter(c.families).passes(variables); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

// TestFilterIsReplaced holds that a target whose filter changes goes on, with what waits for it.
func TestFilterIsReplaced(t *testing.T) {
	server, err := NewServer(Options{Handler: newTestTree(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	target := Target{Address: TargetAddress{UDP, "192.0.2.1", TrapPort}}
	set := func(families ...vacm.Family) *destination {
		target.Filter = NewFilter(families)
		if err := server.SetTargets([]Target{target}); err != nil {
			t.Fatal(err)
		}
		return server.origin.destinations[0]
	}
	before := set()
	after := set(vacm.Family{Subtree: mib.MakeOID(1, 3)})
	if before != after || after.filter.Load() != target.Filter {
		t.Error("it is another destination, or has another filter")
	}
}
