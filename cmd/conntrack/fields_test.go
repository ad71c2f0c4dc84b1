package main

import (
	"math"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// A counter of more than 53 bits is no exact floating-point number.
func TestSum(t *testing.T) {
	const large = 1<<60 + 1
	v := sum(table.Uint(uint64(large)), table.Uint(uint64(2)))
	if got := v.Uint(); got != large+2 {
		t.Errorf("%d, want %d", got, uint64(large+2))
	}
	if v := sum(table.Uint(uint64(math.MaxUint32)), table.Value{}); v.IsKnown() {
		t.Error("a sum with an unknown counter is known")
	}
}
