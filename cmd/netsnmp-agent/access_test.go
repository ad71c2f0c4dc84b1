package main

import (
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// TestOverridden holds that whoever the file gives access is named when another one would have it, and that
// nobody is otherwise.
func TestOverridden(t *testing.T) {
	file := vacm.Tables{
		Groups: []vacm.Group{
			{Model: vacm.Any, SecurityName: "joe", Name: "people"}, {Model: vacm.USM, SecurityName: "eve", Name: "operators"},
			{Model: vacm.SNMPv2c, SecurityName: "nobody", Name: "none"},
		},
		Access: []vacm.Access{
			{Group: "people", Prefix: true, Level: vacm.NoAuthNoPriv, Views: [3]string{vacm.Read: "all"}},
			{Group: "operators", ContextPrefix: "blue", Model: vacm.USM, Level: vacm.AuthNoPriv, Views: [3]string{vacm.Read: "all", vacm.Write: "system"}},
		},
		Families: []vacm.Family{{View: "all", Subtree: mib.MakeOID(1)}, {View: "system", Subtree: mib.MustParseOID("1.3.6.1.2.1.1")}},
	}
	everybody := []string{"joe of people", "eve of operators"}
	for _, c := range []struct {
		what    string
		written vacm.Tables
		want    []string
	}{
		{"nothing", vacm.Tables{}, nil},
		{"others", vacm.Tables{
			Groups:   []vacm.Group{{Model: vacm.USM, SecurityName: "late", Name: "people"}},
			Access:   []vacm.Access{{Group: "late", Level: 1}, {Group: "operators", ContextPrefix: "red", Level: 1}},
			Families: []vacm.Family{{View: "late", Subtree: mib.MakeOID(1, 3)}},
		}, nil},
		{"another group, which the file's for any model precedes", vacm.Tables{Groups: []vacm.Group{{Model: vacm.USM, SecurityName: "joe", Name: "late"}}}, nil},
		{"the file's own row", vacm.Tables{Access: []vacm.Access{{Group: "people", Prefix: true, Level: vacm.NoAuthNoPriv}}}, nil},
		{"a row for a model", vacm.Tables{Access: []vacm.Access{{Group: "people", Model: vacm.SNMPv1, Level: vacm.NoAuthNoPriv}}}, everybody[:1]},
		{"a row for a higher level", vacm.Tables{
			Access: []vacm.Access{{Group: "operators", ContextPrefix: "blue", Model: vacm.USM, Level: vacm.AuthPriv, Views: [3]string{vacm.Read: "all"}}},
		}, everybody[1:]},
		{"what is out of a view", vacm.Tables{Families: []vacm.Family{{View: "all", Subtree: mib.MakeOID(1, 3, 6), Excluded: true}}}, everybody},
		{"what is in a view to write in", vacm.Tables{Families: []vacm.Family{{View: "system", Subtree: mib.MakeOID(1, 3, 6)}}}, everybody[1:]},
		{"what was in it before", vacm.Tables{Families: []vacm.Family{{View: "system", Subtree: mib.MustParseOID("1.3.6.1.2.1.1.4")}}}, nil},
		{"communities are named in it", vacm.Tables{Families: []vacm.Family{{View: "all", Subtree: mib.MustParseOID("1.3.6.1.6.3.18.1.1.1.2")}}}, everybody},
	} {
		before, err := vacm.Compile(file)
		if err != nil {
			t.Fatal(err)
		}
		after, err := vacm.Compile(vacm.Tables{
			Groups: slices.Concat(file.Groups, c.written.Groups), Access: slices.Concat(file.Access, c.written.Access),
			Families: slices.Concat(file.Families, c.written.Families),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := overridden(file, before, after); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
