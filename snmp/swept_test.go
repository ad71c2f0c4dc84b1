//go:build !race

package snmp

import (
	"bytes"
	"testing"
)

// Nothing here is concurrent, and there is much of it.
func TestEveryByteSwept(t *testing.T) {
	d := testEngine(t, newTestTree(t, 20), nil)
	for _, m := range validMessages() {
		t.Run(m.name, func(t *testing.T) {
			message := bytes.Clone(m.message)
			for i := range message {
				for v := 0; v < 256; v++ {
					message[i] = byte(v)
					hostile(t, d, message)
				}
				message[i] = m.message[i]
				checkAlive(t, d)
			}
		})
	}
}
