package show

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Processes that are not seen are named, unless they are many or unknown.
func TestHiddenProcesses(t *testing.T) {
	for want, o := range map[string]netstat.SocketOwners{
		"1 may not be looked into: PID 1":                     {Hidden: 1, HiddenPIDs: []int32{1}},
		"4 may not be looked into: PID 1, 22, 333, 4444":      {Hidden: 4, HiddenPIDs: []int32{1, 22, 333, 4444}},
		"5 may not be looked into: PID 1, 22, 333, 4444, ...": {Hidden: 5, HiddenPIDs: []int32{1, 22, 333, 4444, 4445}},
		"3 may not be looked into":                            {Hidden: 3}, // from a recording
		"those of other users may not be looked into":         {Hidden: 1, HiddenPIDs: []int32{1}, Invisible: true},
	} {
		if got := hiddenProcesses(&o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
