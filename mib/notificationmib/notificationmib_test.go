package notificationmib

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
)

func TestRoundTrip(t *testing.T) {
	tabletest.RoundTrip(t, Notifications(), []Notify{{Name: "internal0", Tag: "internal0"}, {Name: "n", Tag: "", Inform: true}}, func(n Notify) Notify { return n })
}
