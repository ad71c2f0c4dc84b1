package enginemib

import (
	"fmt"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// TestCounters holds that each counter has a name of its own, and that those of the RFCs
// are called as these call them: RFC 3412, section 5; RFC 3413, section 4.1.1; RFC 3414,
// section 5.
func TestCounters(t *testing.T) {
	names := map[string]Counter{}
	for c := range Counters {
		if before, there := names[c.String()]; there || c.String() == "" {
			t.Errorf("%d and %d are called %q", before, c, c)
		}
		names[c.String()] = c
	}
	for name, want := range map[string]string{
		"snmpInPkts": "1.3.6.1.2.1.11.1.0", "snmpOutTraps": "1.3.6.1.2.1.11.29.0", "snmpProxyDrops": "1.3.6.1.2.1.11.32.0",
		"snmpUnknownSecurityModels": "1.3.6.1.6.3.11.2.1.1.0", "snmpInvalidMsgs": "1.3.6.1.6.3.11.2.1.2.0", "snmpUnknownPDUHandlers": "1.3.6.1.6.3.11.2.1.3.0",
		"snmpUnavailableContexts": "1.3.6.1.6.3.12.1.4.0", "snmpUnknownContexts": "1.3.6.1.6.3.12.1.5.0",
		"usmStatsUnsupportedSecLevels": "1.3.6.1.6.3.15.1.1.1.0", "usmStatsNotInTimeWindows": "1.3.6.1.6.3.15.1.1.2.0",
		"usmStatsUnknownUserNames": "1.3.6.1.6.3.15.1.1.3.0", "usmStatsUnknownEngineIDs": "1.3.6.1.6.3.15.1.1.4.0",
		"usmStatsWrongDigests": "1.3.6.1.6.3.15.1.1.5.0", "usmStatsDecryptionErrors": "1.3.6.1.6.3.15.1.1.6.0",
		"busy": "",
	} {
		c, ok := names[name]
		if !ok || c.OID().String() != want {
			t.Errorf("%s is %v, not %s", name, c.OID(), want)
		}
	}
}

// TestGroups holds that the groups show each counter under its own name.
func TestGroups(t *testing.T) {
	var e Engine
	for c := range Counters {
		e.Statistics[c] = 1000 + uint64(c)
	}
	shown := 0
	for _, g := range []*mib.Group[Engine]{SNMP(), MessageProcessing(), UserBasedSecurity()} {
		last := mib.OID{}
		for b := range g.Values(e) {
			if !last.Less(b.Name()) {
				t.Errorf("%s: %v follows %v", g.Name, b.Name(), last)
			}
			last = b.Name()
			if b.Value.Type() == mib.Integer32 { // snmpEnableAuthenTraps
				continue
			}
			shown++
			if c := Counter(b.Value.Uint() - 1000); c.OID() != b.Name() {
				t.Errorf("%v shows %v", b.Name(), c)
			}
		}
	}
	if shown != 29+3+6 {
		t.Errorf("%s counters are shown", fmt.Sprint(shown))
	}
}

// TestFramework holds where snmpEngine is, what it shows, and that an agent without an engine ID
// has the size alone.
func TestFramework(t *testing.T) {
	show := func(e Engine) (all []string) {
		for b := range Framework().Values(e) {
			all = append(all, fmt.Sprintf("%v=%v", b.Name(), b.Value))
		}
		return all
	}
	with := Engine{ID: "\x80\x00\x1f\x88\x04test", Boots: 7, Time: 99*time.Second + 999*time.Millisecond, MaxMessageSize: 65507}
	if got := show(with); len(got) != 4 || got[1] != "1.3.6.1.6.3.10.2.1.2.0=INTEGER: 7" || got[2] != "1.3.6.1.6.3.10.2.1.3.0=INTEGER: 99" {
		t.Errorf("%q", got)
	}
	with.ID = ""
	if got := show(with); len(got) != 1 || got[0] != "1.3.6.1.6.3.10.2.1.4.0=INTEGER: 65507" {
		t.Errorf("without an engine ID: %q", got)
	}
}
