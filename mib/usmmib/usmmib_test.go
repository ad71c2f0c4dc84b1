package usmmib

import (
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
)

func TestRoundTrip(t *testing.T) {
	protocols := mib.MustParseOID("1.3.6.1.6.3.10.1.1")
	rows := []User{
		{EngineID: "\x80\x00\x1f\x88\x04here", Name: "u", Auth: protocols.Sub(1), Priv: protocols.Sub(2), CloneFrom: NoClone},
		{EngineID: "\x80\x00\x1f\x88\x04there", Name: strings.Repeat("\xff", 32), Auth: protocols.Sub(5), Priv: protocols.Sub(4),
			CloneFrom: NoClone, Public: "seen by all"},
	}
	tabletest.RoundTrip(t, Users(), rows, func(u User) User { return u })
}

// TestNoKeys holds that what changes a key reads as nothing (RFC 3414, usmUserAuthKeyChange).
func TestNoKeys(t *testing.T) {
	for b := range tabletest.Walk(t, Users(), []User{{EngineID: "12345", Name: "u"}}) {
		below, _ := b.Name().CutPrefix(Identity.Sub(1, 2, 2, 1))
		switch column, _, _ := below.CutSubidentifier(); column {
		case 6, 7, 9, 10:
			if b.Value.Octets() != "" {
				t.Errorf("%v is %v", b.Name(), b.Value)
			}
		}
	}
}
