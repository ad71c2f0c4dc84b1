package show

import (
	"math"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// A counter of more than 53 bits is no exact floating-point number.
func TestSum(t *testing.T) {
	const large = 1<<60 + 1
	v := sumValue(table.Uint(uint64(large)), table.Uint(uint64(2)))
	if got := v.Uint(); got != large+2 {
		t.Errorf("%d, want %d", got, uint64(large+2))
	}
	if v := sumValue(table.Uint(uint64(math.MaxUint32)), table.Value{}); v.IsKnown() {
		t.Error("a sum with an unknown counter is known")
	}
}

// An alias of a kind of events stands for fields that it has.
func TestAliasesOfEvents(t *testing.T) {
	flows, expectations := FlowEvents(), ExpectationEvents()
	for alias, fields := range flows.Aliases {
		if len(flows.Find(alias)) != len(fields) {
			t.Errorf("events of flows lack fields of %s", alias)
		}
	}
	for alias, fields := range expectations.Aliases {
		if len(expectations.Find(alias)) != len(fields) {
			t.Errorf("events of expectations lack fields of %s", alias)
		}
	}
	if len(flows.Aliases) < 10 || len(expectations.Aliases) < 5 {
		t.Error("there are few aliases")
	}
}
