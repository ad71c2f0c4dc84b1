package remote_test

import (
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

func TestManyRoutes(t *testing.T) {
	want := manyRoutes(20000)
	for _, transport := range []snmp.Transport{snmp.UDP, snmp.TCP} {
		address := agentOf(t, scene{routes: want, transport: transport})
		for _, sessions := range []int{1, 4} {
			c := patient(address)
			c.Sessions = sessions
			got, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
			if err != nil {
				t.Fatalf("%s, %d sessions: %v", address, sessions, err)
			}
			compare(t, got, want)
		}
	}
}

// compare compares rows in whatever order.
func compare[R any](t *testing.T, got, want []R) {
	t.Helper()
	a, b := fmtAll(got), fmtAll(want)
	slices.Sort(a)
	slices.Sort(b)
	if slices.Equal(a, b) {
		return
	}
	t.Errorf("%d rows, want %d", len(a), len(b))
	shown := 0
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			if i < len(a) {
				t.Errorf(" got %s", a[i])
			}
			if i < len(b) {
				t.Errorf("want %s", b[i])
			}
			if shown++; shown == 3 {
				return
			}
		}
	}
}
