package snmp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// TestViewBased holds that a walk sees what its user's view has at that level, whether
// that is whole objects, rows by a mask, or what is left of a table.
func TestViewBased(t *testing.T) {
	column := func(n uint32) string { return fmt.Sprint(tableEntry, ".", n) }
	views := map[string][]vacm.Family{
		"all":    {{Subtree: mib.MakeOID(1)}},
		"object": {{Subtree: mib.MustParseOID(descrName)}},
		"row": {{Subtree: mib.MustParseOID(column(0) + ".77"),
			Mask: []byte{0xff, 0xdf}}}, // any column: the eleventh sub-identifier
		"rest": {{Subtree: testRoot}, {Subtree: mib.MustParseOID(column(3)), Excluded: true}, {Subtree: mib.MustParseOID(column(3) + ".77")}},
		"none": {{Subtree: mib.MakeOID(1), Excluded: true}},
	}
	in := map[string]func(name string) bool{
		"all":    func(string) bool { return true },
		"object": func(name string) bool { return name == descrName },
		"row": func(name string) bool {
			rest, ok := strings.CutPrefix(name, tableEntry+".")
			_, index, _ := strings.Cut(rest, ".")
			return ok && strings.HasPrefix(index, "77.")
		},
		"rest": func(name string) bool {
			return !strings.HasPrefix(name, column(3)+".") || strings.HasPrefix(name, column(3)+".77.")
		},
		"none": func(string) bool { return false },
	}
	var tables vacm.Tables
	for name, families := range views {
		for _, f := range families {
			f.View = name
			tables.Families = append(tables.Families, f)
		}
		tables.Groups = append(tables.Groups, vacm.Group{SecurityName: name, Name: name})
		tables.Access = append(tables.Access,
			vacm.Access{Group: name, Level: vacm.NoAuthNoPriv, Views: [3]string{vacm.Read: "object"}},
			vacm.Access{Group: name, Level: vacm.AuthPriv, Views: [3]string{vacm.Read: name}})
	}
	policy, err := vacm.Compile(tables)
	if err != nil {
		t.Fatal(err)
	}
	tree := newTestTree(t, 12)
	var users []usm.User
	for name := range views {
		u := userOf(t, usm.SHA1, usm.AES128)
		u.Name = name
		users = append(users, u)
	}
	server, addresses := startServer(t, Options{
		Handler: tree, USM: usmOf(t, 1, time.Now(), users...), Access: ViewBased(policy),
		Communities: []Community{{Name: "secret", Source: anywhere[0].Source, SecurityName: "rest"}, {Name: "other", Source: anywhere[0].Source}},
	}, "udp:127.0.0.1:0")
	walk := func(c *gosnmp.GoSNMP) (names []string) {
		err := c.BulkWalk(".1.3", func(v gosnmp.SnmpPDU) error {
			names = append(names, v.Name[1:])
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", c.SecurityParameters, err)
		}
		return names
	}
	want := func(view string) (names []string) {
		for _, b := range walkOf(t, tree, false) {
			if name := b.Name().String(); in[view](name) {
				names = append(names, name)
			}
		}
		return names
	}
	for _, u := range users {
		if got := walk(goSNMP(t, addresses[0], u, usm.AuthPriv, authPassphrase, privPassphrase)); !slices.Equal(got, want(u.Name)) {
			t.Errorf("%s sees %d variables, not %d: %v", u.Name, len(got), len(want(u.Name)), got)
		}
		if got := walk(goSNMP(t, addresses[0], u, usm.NoAuthNoPriv, "", "")); !slices.Equal(got, want("object")) {
			t.Errorf("%s without authentication sees %v", u.Name, got)
		}
	}
	c := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: addresses[0].Port(), Version: gosnmp.Version2c, Community: "secret", Timeout: 5 * time.Second}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer c.Conn.Close()
	if got := walk(c); !slices.Equal(got, want("object")) { // a community's level
		t.Errorf("a community sees %v", got)
	}
	// It may write nothing: noAccess, which is counted (RFC 3418, snmpInBadCommunityUses).
	before := server.Statistics()[enginemib.InBadCommunityUses]
	if got, err := c.Set([]gosnmp.SnmpPDU{{Name: descrName, Type: gosnmp.OctetString, Value: "x"}}); err != nil || got.Error != gosnmp.NoAccess {
		t.Errorf("a SET of a community that may only read: %+v, %v", got, err)
	}
	if n := server.Statistics()[enginemib.InBadCommunityUses] - before; n != 1 {
		t.Errorf("it is counted %d times", n)
	}
	c.Community = "other" // whom no group has
	if got, err := c.Get([]string{descrName}); err != nil || got.Error != gosnmp.AuthorizationError {
		t.Errorf("a community without a group: %+v, %v", got, err)
	}
}
