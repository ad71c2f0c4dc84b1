package snmp

import (
	"fmt"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// subtrees is a view of whole subtrees.
type subtrees []mib.OID

func (s *subtrees) Covers(object mib.OID) mib.Coverage {
	part := mib.CoversNothing
	for _, o := range *s {
		if object.HasPrefix(o) {
			return mib.CoversAll
		}
		if o.HasPrefix(object) {
			part = mib.CoversPart
		}
	}
	return part
}

func (s *subtrees) Seek(object, index mib.OID) (mib.OID, bool) {
	for _, o := range *s {
		at, in := o.CutPrefix(object)
		switch {
		case !in:
		case index.HasPrefix(at):
			return index, true
		case index.Less(at):
			return at, true
		}
	}
	return mib.OID{}, false
}

// rules is access control by security name, for reading and for writing.
type rules map[string][2]*subtrees

func (r rules) View(who *Principal, what Operation) (mib.Subset, bool) {
	views, ok := r[who.Name]
	if !ok || views[what] == nil {
		return nil, ok
	}
	return views[what], true
}

// TestAccess holds what a manager learns of what it may not see: nothing (RFC 3416,
// section 4.2; RFC 3413, section 3.2; RFC 3584, section 4.3).
func TestAccess(t *testing.T) {
	tree := newTestTree(t, 3)
	row := mib.MustParseOID(tableEntry).Sub(3, 0, 1, 97)
	see := &subtrees{mib.MustParseOID(descrName), row}
	s, err := NewServer(Options{
		Handler: tree, Log: quiet,
		Communities: []Community{
			{Name: "part", Source: anywhere[0].Source, SecurityName: "part"},
			{Name: "all", Source: anywhere[0].Source, SecurityName: "all"},
			{Name: "none", Source: anywhere[0].Source, SecurityName: "none"},
		},
		Access: rules{"part": {see, see}, "all": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := newDispatcher(&s.engine)
	for _, c := range []struct {
		what      string
		version   int32
		community string
		kind      byte
		names     []string
		want      string
	}{
		{"get", 1, "part", 0xa0, []string{descrName, upTimeName.String()}, "0 0 04 80"},
		{"get", 1, "all", 0xa0, []string{descrName, upTimeName.String()}, "0 0 04 43"},
		{"get of SNMPv1", 0, "part", 0xa0, []string{descrName, upTimeName.String()}, "2 2 05 05"},
		{"get", 1, "none", 0xa0, []string{descrName}, "16 0 05"},
		{"get of SNMPv1", 0, "none", 0xa0, []string{descrName}, "2 0 05"},
		{"getnext", 1, "none", 0xa1, []string{"1.3"}, "16 0 05"},
		{"getbulk", 1, "none", 0xa5, []string{"1.3"}, "16 0 05"},
		{"set", 1, "none", 0xa3, []string{descrName}, "16 0 05"},
		{"set", 1, "part", 0xa3, []string{descrName, upTimeName.String()}, "17 1 05 05"},
		{"set", 1, "part", 0xa3, []string{upTimeName.String(), descrName}, "6 1 05 05"},
		{"set of what there is not", 1, "part", 0xa3, []string{"1.3.7"}, "6 1 05"},
		{"set of SNMPv1", 0, "part", 0xa3, []string{upTimeName.String()}, "2 1 05"},
	} {
		a := ask(t, d, messageOf(c.version, c.community, pduOf(c.kind, 1, 0, 0, asked(c.names...))), noLimit)
		got := "nothing"
		if a != nil {
			got = fmt.Sprint(a.status, a.index)
			for _, b := range a.bindings {
				got += fmt.Sprintf(" %02x", b.tag)
			}
		}
		want := c.want
		if got != want {
			t.Errorf("%s, version %d, %s: got %s, want %s", c.what, c.version, c.community, got, want)
		}
	}
	walk := func(community string) (names []string) {
		for name := "1.3"; ; {
			a := ask(t, d, messageOf(1, community, pduOf(0xa5, 1, 0, 7, asked(name))), noLimit)
			for _, b := range a.bindings {
				if b.tag == 0x82 {
					return names
				}
				names = append(names, b.name)
				name = b.name
			}
		}
	}
	if got := walk("part"); fmt.Sprint(got) != fmt.Sprint([]string{descrName, row.String()}) {
		t.Errorf("a walk sees %v", got)
	}
	if got, want := len(walk("all")), len(walkOf(t, tree, false)); got != want {
		t.Errorf("a walk of everything sees %d variables, not %d", got, want)
	}
	if got := d.engine.counters.statistics(); got[enginemib.InBadCommunityUses] != 0 || got[enginemib.InBadCommunityNames] != 0 {
		t.Errorf("counted %+v", got)
	}
}
