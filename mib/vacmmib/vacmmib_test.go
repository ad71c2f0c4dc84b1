package vacmmib

import (
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
)

func TestRoundTrip(t *testing.T) {
	long := strings.Repeat("\xff", 32)
	tabletest.RoundTrip(t, Contexts(), []string{"", "blue", long}, func(s string) string { return s })
	tabletest.RoundTrip(t, Groups(), []Group{
		{0, "anybody", "all", mib.StoragePermanent}, {1, "comm1", "grpcomm1", mib.StorageNonVolatile}, {3, long, long, mib.StorageVolatile},
	}, func(g Group) Group { return g })
	tabletest.RoundTrip(t, AccessRights(), []Access{
		{Group: "grp", Model: 0, Level: 1, Read: "_all_", Write: "none", Notify: "none"},
		{Group: "grp", Model: 3, Level: 3, ContextPrefix: "blue", Prefix: true, Read: long, Write: long, Notify: ""},
	}, func(a Access) Access { return a })
	tabletest.RoundTrip(t, Families(), []Family{
		{View: "_all_", Subtree: mib.MakeOID(1)},
		{View: "row", Subtree: mib.MustParseOID("1.3.6.1.2.1.2.2.1.0.1"), Mask: "\xff\xa0", Excluded: true},
	}, func(f Family) Family { return f })
}
