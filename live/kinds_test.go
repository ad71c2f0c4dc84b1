package live

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestKindsAreInOrder holds that every kind is declared, in the order of the bits.
func TestKindsAreInOrder(t *testing.T) {
	at := 0
	netstat.AllKinds.Each(func(kind netstat.Kinds) {
		if at >= len(kinds) || kinds[at].is != kind || placeOf(kind) != at {
			t.Errorf("place %d is not %v's", at, kind)
		}
		at++
	})
	if at != len(kinds) {
		t.Errorf("%d are declared of %d", len(kinds), at)
	}
}
