package recording

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A kind that events tell of and that is recorded has one name.
func TestNamesOfKinds(t *testing.T) {
	elsewhere := map[netstat.Kinds]Kind{
		netstat.KindMulticast: KindMembership, // whose rows tell more than events do
	}
	(netstat.AllKinds | netstat.AllTrackedKinds).Each(func(kind netstat.Kinds) {
		name := kind.String()
		if other, ok := elsewhere[kind]; ok {
			name = string(other)
		}
		if _, err := ParseKinds(name); err != nil {
			t.Error(err)
		}
	})
}
