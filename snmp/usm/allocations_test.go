//go:build !race

package usm

import "testing"

// TestNothingIsAllocated holds that a message costs no allocation.
func TestNothingIsAllocated(t *testing.T) {
	for _, c := range []Cipher{AES128, AES256, DES} {
		exchange := exchanges(t, SHA256, c, AuthPriv)
		if n := testing.AllocsPerRun(100, exchange); n >= 1 {
			t.Errorf("%s: %v allocations", c, n)
		}
	}
}
