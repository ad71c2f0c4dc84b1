package ifmib

import (
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What a manager reads of a notification is what the agent wrote into it.
func TestLinkNotificationsThereAndBack(t *testing.T) {
	epoch := time.Unix(1000, 0)
	for _, c := range []struct {
		of    *mib.NotificationType[netstat.Interface]
		flags netstat.InterfaceFlags
		state netstat.OperState
	}{
		{LinkDown(), 0, netstat.OperDown}, {LinkDown(), netstat.InterfaceUp, netstat.OperLowerLayerDown},
		{LinkUp(), netstat.InterfaceUp, netstat.OperUp}, {LinkUp(), netstat.InterfaceUp, netstat.OperDormant},
	} {
		variables := c.of.New(epoch.Add(time.Minute), &netstat.Interface{Index: 70000, Name: "x", Flags: c.flags, OperState: netstat.Known[netstat.OperState](c.state)}).Variables(epoch)
		if len(variables) != 5 {
			t.Errorf("%s has %d variables: %v", c.of.Name, len(variables), variables)
		}
		n, err := mib.ParseNotification(epoch, variables)
		if err != nil {
			t.Fatal(err)
		}
		row, err := c.of.Decode(epoch, n)
		if err != nil || row.Index != 70000 || row.Up() != netstat.Known(c.flags != 0) || row.OperState != netstat.Known(c.state) {
			t.Errorf("%s of %v is read as %+v, %v", c.of.Name, c.state, row, err)
		}
	}
}
