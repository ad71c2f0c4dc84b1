package notificationmib

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
)

func TestRoundTrip(t *testing.T) {
	tabletest.RoundTrip(t, Notifications(), []Notify{
		{Name: "internal0", Tag: "internal0", Storage: mib.StorageReadOnly}, {Name: "n", Tag: "", Inform: true, Storage: mib.StorageVolatile},
	}, func(n Notify) Notify { return n })
	tabletest.RoundTrip(t, Profiles(), []Profile{{"internal0", "p", mib.StorageNonVolatile}, {"\xff", "\x00", mib.StorageVolatile}}, func(p Profile) Profile { return p })
	tabletest.RoundTrip(t, Filters(), []Filter{
		{"p", mib.MustParseOID("1.3"), "\x00", false, mib.StorageReadOnly}, {"p", mib.MustParseOID("1.3.6.1.6.3.1.1.5.1"), "", true, mib.StorageVolatile},
	}, func(f Filter) Filter { return f })
}
