package readings

import (
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestUnicastsNeverFall holds that a multicast which is counted before its packet
// makes no counter fall, and that counters which begin anew are told as they are.
func TestUnicastsNeverFall(t *testing.T) {
	var s Stack
	began := time.Now()
	for i, step := range []struct {
		packets, multicasts, want uint64
		since                     time.Time
	}{
		{100, 40, 60, time.Time{}},
		{100, 41, 60, time.Time{}}, // the packet is counted later
		{101, 41, 60, time.Time{}},
		{103, 41, 62, time.Time{}},
		{5, 9, 0, time.Time{}}, // the device was reset
		{5, 5, 0, time.Time{}},
		{90, 0, 90, time.Time{}},
		{95, 94, 1, began}, // another interface of that number
	} {
		ifc := netstat.Interface{Index: 3, CounterDiscontinuity: step.since}
		ifc.Counters.InPackets.Set(step.packets)
		ifc.Counters.InMulticast.Set(step.multicasts)
		rows := []netstat.Interface{ifc}
		s.keepRising(rows)
		if got := rows[0].Counters.InPackets.Or(0) - step.multicasts; got != step.want {
			t.Errorf("step %d: %d unicasts, want %d", i, got, step.want)
		}
	}
}
