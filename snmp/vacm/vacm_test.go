package vacm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

func compile(t testing.TB, tables Tables) *Policy {
	t.Helper()
	p, err := Compile(tables)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// views has a view by each of the names, each of the whole tree.
func views(names ...string) (families []Family) {
	for _, name := range names {
		families = append(families, Family{View: name, Subtree: mib.MakeOID(1)})
	}
	return families
}

// TestDecisions goes through RFC 3415, section 3.2, step by step: each question with what is asked by default, but
// for what it says.
func TestDecisions(t *testing.T) {
	reads := func(view string) [3]string { return [3]string{Read: view} }
	policy := compile(t, Tables{
		Groups: []Group{
			{USM, "joe", "people"}, {SNMPv2c, "joe", "others"}, {Any, "eve", "anybody"}, {USM, "eve", "people"},
			{USM, "first", "people"}, {USM, "first", "others"}, {USM, "nothing", "nowhere"}, {USM, "viewless", "viewless"},
			{USM, "levels", "levels"}, {USM, "models", "models"}, {USM, "contexts", "contexts"}, {USM, "order", "order"},
		},
		Access: []Access{
			{"people", "", false, USM, AuthNoPriv, [3]string{"read", "write", "notify"}},
			{"people", "", false, USM, AuthNoPriv, reads("second")}, // the row is there already
			{"others", "", false, SNMPv2c, NoAuthNoPriv, reads("others")},
			{"anybody", "", true, Any, NoAuthNoPriv, reads("anybody")},
			{"viewless", "", false, USM, NoAuthNoPriv, [3]string{"", "none", ""}},
			{"levels", "", false, USM, NoAuthNoPriv, reads("noauth")},
			{"levels", "", false, USM, AuthPriv, reads("priv")},
			{"models", "", false, Any, AuthPriv, reads("any")},
			{"models", "", false, USM, NoAuthNoPriv, reads("usm")},
			{"contexts", "", true, USM, AuthPriv, reads("all")},
			{"contexts", "blue", true, USM, AuthNoPriv, reads("blue*")},
			{"contexts", "blue1", true, USM, NoAuthNoPriv, reads("blue1*")},
			{"contexts", "red", false, USM, NoAuthNoPriv, reads("red")},
			{"order", "a", false, Any, AuthPriv, reads("any")},
			{"order", "", true, USM, NoAuthNoPriv, reads("usm")},
		},
		Families: append(views("read", "write", "notify", "others", "anybody", "noauth", "priv", "any", "usm", "all", "blue*", "blue1*", "red"),
			Family{View: "read", Subtree: mib.MakeOID(1, 3, 9), Excluded: true}),
	})
	variable := mib.MakeOID(1, 3, 6, 1)
	for _, c := range []struct {
		what   string
		change func(r *Request)
		view   string
		want   Result
	}{
		{"3.2: allowed", func(*Request) {}, "read", AccessAllowed},
		{"3.2: to write", func(r *Request) { r.Type = Write }, "write", AccessAllowed},
		{"3.2: to be told", func(r *Request) { r.Type = Notify }, "notify", AccessAllowed},
		{"3.2, 1: no such context", func(r *Request) { r.ContextExists = false }, "", NoSuchContext},
		{"3.2, 1: before the group is looked for", func(r *Request) { r.ContextExists, r.SecurityName = false, "nobody" }, "", NoSuchContext},
		{"3.2, 2: nobody's name", func(r *Request) { r.SecurityName = "nobody" }, "", NoGroupName},
		{"3.2, 2: another model's name", func(r *Request) { r.Model = SNMPv1 }, "", NoGroupName},
		{"3.2, 2: the name of two models", func(r *Request) { r.Model, r.Level = SNMPv2c, NoAuthNoPriv }, "others", AccessAllowed},
		{"3.2, 2: any model first", func(r *Request) { r.SecurityName = "eve" }, "anybody", AccessAllowed},
		{"3.2, 2: the first row", func(r *Request) { r.SecurityName = "first" }, "read", AccessAllowed},
		{"3.2, 3: no entry of the group", func(r *Request) { r.SecurityName = "nothing" }, "", NoAccessEntry},
		{"3.2, 3: too low a level", func(r *Request) { r.Level = NoAuthNoPriv }, "", NoAccessEntry},
		{"3.2, 3: a higher level", func(r *Request) { r.Level = AuthPriv }, "read", AccessAllowed},
		{"3.2, 3: another context", func(r *Request) { r.Context = "blue" }, "", NoAccessEntry},
		{"3.2, 4: no view", func(r *Request) { r.SecurityName = "viewless" }, "", NoSuchView},
		{"3.2, 4: a view without families", func(r *Request) { r.SecurityName, r.Type = "viewless", Write }, "", NoSuchView},
		{"4, d: the highest level", func(r *Request) { r.SecurityName, r.Level = "levels", AuthPriv }, "priv", AccessAllowed},
		{"4, d: the highest that the request has", func(r *Request) { r.SecurityName = "levels" }, "noauth", AccessAllowed},
		{"4, a: the model before the level", func(r *Request) { r.SecurityName, r.Level = "models", AuthPriv }, "usm", AccessAllowed},
		{"4, a: any model where there is none", func(r *Request) { r.SecurityName, r.Level, r.Model = "models", AuthPriv, SNMPv1 }, "", NoGroupName},
		{"4, a: before the context", func(r *Request) { r.SecurityName, r.Level, r.Context = "order", AuthPriv, "a" }, "usm", AccessAllowed},
		{"4, b: the context itself", func(r *Request) { r.SecurityName, r.Context, r.Level = "contexts", "blue", AuthPriv }, "blue*", AccessAllowed},
		{"4, c: the longest prefix", func(r *Request) { r.SecurityName, r.Context, r.Level = "contexts", "blue12", AuthPriv }, "blue1*", AccessAllowed},
		{"4, c: before the level", func(r *Request) { r.SecurityName, r.Context, r.Level = "contexts", "blue2", AuthPriv }, "blue*", AccessAllowed},
		{"3.2, 3: exact", func(r *Request) { r.SecurityName, r.Context = "contexts", "red" }, "red", AccessAllowed},
		{"3.2, 3: exact is no prefix", func(r *Request) { r.SecurityName, r.Context = "contexts", "red2" }, "", NoAccessEntry},
		{"3.2, 3: the prefix of all", func(r *Request) { r.SecurityName, r.Context, r.Level = "contexts", "red2", AuthPriv }, "all", AccessAllowed},
		{"3.2, 3: shorter than the prefix", func(r *Request) { r.SecurityName, r.Context = "contexts", "blu" }, "", NoAccessEntry},
	} {
		r := Request{Model: USM, SecurityName: "joe", Level: AuthNoPriv, ContextExists: true}
		c.change(&r)
		v, result := policy.View(r)
		if result != c.want || v != policy.Named(c.view) {
			t.Errorf("%s: %s", c.what, result)
		}
		if got := policy.IsAccessAllowed(r, variable); got != c.want {
			t.Errorf("%s: %s", c.what, got)
		}
	}
	who := Request{Model: USM, SecurityName: "joe", Level: AuthPriv, ContextExists: true}
	for variable, want := range map[string]Result{"1.3.9": NotInView, "1.3.9.1": NotInView, "1.3.8": AccessAllowed, "1.3.10": AccessAllowed, "2": NotInView} {
		if got := policy.IsAccessAllowed(who, mib.MustParseOID(variable)); got != want {
			t.Errorf("3.2, 5: %s: %s, want %s", variable, got, want)
		}
	}
}

// TestMasks holds the text of vacmViewTreeFamilyTable and its objects.
func TestMasks(t *testing.T) {
	row := mib.MustParseOID("1.3.6.1.2.1.2.2.1.0.2") // ifEntry.*.2
	policy := compile(t, Tables{Families: []Family{
		{View: "row", Subtree: row, Mask: []byte{0xff, 0xa0}},
		{View: "but a column", Subtree: row, Mask: []byte{0xff, 0xa0}},
		{View: "but a column", Subtree: mib.MustParseOID("1.3.6.1.2.1.2.2.1.6.2"), Excluded: true},
		{View: "short mask", Subtree: mib.MustParseOID("1.3.6"), Mask: []byte{0x7f}},
		{View: "no bit", Subtree: mib.MustParseOID("1.3.6"), Mask: []byte{0}},
		{View: "longer", Subtree: mib.MustParseOID("1.3"), Excluded: true},
		{View: "longer", Subtree: mib.MustParseOID("1.3.6")},
		{View: "twice", Subtree: mib.MustParseOID("1.3.6"), Mask: []byte{0xa0}},
		{View: "twice", Subtree: mib.MustParseOID("1.4.6"), Mask: []byte{0xa0}, Excluded: true},
		{View: "long mask", Subtree: mib.MustParseOID("1.3.6"), Mask: []byte{0xff, 0, 0, 0}},
	}})
	for _, c := range []struct {
		view, name string
		want       bool
	}{
		{"row", "1.3.6.1.2.1.2.2.1.1.2", true},
		{"row", "1.3.6.1.2.1.2.2.1.22.2.5", true},
		{"row", "1.3.6.1.2.1.2.2.1.1.3", false},
		{"row", "1.3.6.1.2.1.2.2.1.1", false},
		{"row", "1.3.6.1.2.1.2.2.2.1.2", false},
		{"but a column", "1.3.6.1.2.1.2.2.1.5.2", true},
		{"but a column", "1.3.6.1.2.1.2.2.1.6.2", false},
		{"short mask", "2.3.6.5", true},
		{"short mask", "2.4.6.5", false},
		{"no bit", "0.0.0", true},
		{"no bit", "0.0", false},
		{"longer", "1.3.6.1", true},
		{"longer", "1.3.5", false},
		{"twice", "1.9.6", false}, // the subtree that comes last decides
		{"long mask", "1.3.6.1", true},
		{"long mask", "1.3.7", false},
	} {
		if got := policy.Named(c.view).Contains(mib.MustParseOID(c.name), mib.OID{}); got != c.want {
			t.Errorf("view %q: %s: %v", c.view, c.name, got)
		}
	}
}

func TestWhole(t *testing.T) {
	policy := compile(t, Tables{Families: []Family{
		{View: "all", Subtree: mib.MakeOID(0)}, {View: "all", Subtree: mib.MakeOID(1)}, {View: "all", Subtree: mib.MakeOID(2)},
		{View: "root"},
		{View: "one", Subtree: mib.MakeOID(1)},
		{View: "but", Subtree: mib.OID{}}, {View: "but", Subtree: mib.MakeOID(1, 9), Excluded: true},
	}})
	for view, want := range map[string]bool{"all": true, "root": true, "one": false, "but": false} {
		if policy.Named(view).Whole() != want {
			t.Errorf("view %q: %v", view, !want)
		}
	}
}

// plain is RFC 3415 as it is written, one variable after the other.
func plain(list []Family, name []uint32) bool {
	var best *Family
	var bestSubtree []uint32
	for i := range list {
		f := &list[i]
		subtree := f.Subtree.Subidentifiers()
		if len(name) < len(subtree) {
			continue
		}
		same := true
		for j := range subtree {
			bit := j/8 >= len(f.Mask) || f.Mask[j/8]>>(7-j%8)&1 == 1
			same = same && (!bit || subtree[j] == name[j])
		}
		if same && (best == nil || len(subtree) > len(bestSubtree) ||
			len(subtree) == len(bestSubtree) && slices.Compare(subtree, bestSubtree) > 0) {
			best, bestSubtree = f, subtree
		}
	}
	return best != nil && !best.Excluded
}

// TestAgainstPlain compares random views with plain, over all names of some sub-identifiers.
func TestAgainstPlain(t *testing.T) {
	letters := []uint32{0, 1, 2, 300, math.MaxUint32}
	universe := [][]uint32{{}}
	for from := 0; len(universe[from]) < 4; from++ {
		for _, l := range letters {
			universe = append(universe, append(slices.Clone(universe[from]), l))
		}
	}
	slices.SortFunc(universe, slices.Compare)
	names := make([]mib.OID, len(universe))
	for i, subs := range universe {
		names[i] = mib.MakeOID(subs...)
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range 300 {
		var list []Family
		index := map[mib.OID]bool{}
		for range 1 + random.IntN(6) {
			f := Family{View: "v", Subtree: names[random.IntN(len(names))], Excluded: random.IntN(2) == 0}
			if round%2 == 0 {
				f.Mask = []byte{byte(random.IntN(256) | 0x50)}[:random.IntN(2)]
			}
			if !index[f.Subtree] {
				list = append(list, f)
			}
			index[f.Subtree] = true
		}
		v := compile(t, Tables{Families: list}).Named("v")
		in := make([]bool, len(names))
		for i, name := range names {
			in[i] = plain(list, universe[i])
			cut := random.IntN(len(universe[i]) + 1)
			if got := v.Contains(mib.MakeOID(universe[i][:cut]...), mib.MakeOID(universe[i][cut:]...)); got != in[i] {
				t.Fatalf("seed %d, %+v: %s: %v", seed, list, name, got)
			}
		}
		// A walk that asks for the next name meets all that is in, and nothing else.
		walk(t, fmt.Sprintf("seed %d, %+v", seed, list), v, names, in)
		for i, subtree := range names {
			all, none := true, true
			for j := i; j < len(names) && names[j].HasPrefix(subtree); j++ {
				all, none = all && in[j], none && !in[j]
			}
			switch got := v.Covers(subtree); {
			case got == All && !all, got == None && !none:
				t.Fatalf("seed %d, %+v: covers %s: %d", seed, list, subtree, got)
			case got == Some && v.families == nil && len(universe[i]) < 4 && (all || none) && !reachesDeeper(list, subtree):
				t.Fatalf("seed %d, %+v: covers %s: some", seed, list, subtree)
			}
		}
	}
}

// reachesDeeper reports whether a family is as long as the longest name, so that what is in it is not all in the
// universe.
func reachesDeeper(list []Family, subtree mib.OID) bool {
	return slices.ContainsFunc(list, func(f Family) bool { return f.Subtree.HasPrefix(subtree) && f.Subtree.Len() >= 4 })
}

func walk(t *testing.T, what string, v *View, names []mib.OID, in []bool) {
	t.Helper()
	for i := 0; i < len(names); {
		if v.Contains(names[i], mib.OID{}) {
			if next, ok := v.Next(names[i]); !ok || next != names[i] {
				t.Fatalf("%s: %s is in, and %s is next", what, names[i], next)
			}
			i++
			continue
		}
		next, ok := v.Next(names[i])
		if ok && !names[i].Less(next) {
			t.Fatalf("%s: %s is out, and %s is next", what, names[i], next)
		}
		for ; i < len(names) && (!ok || names[i].Less(next)); i++ {
			if in[i] {
				t.Fatalf("%s: %s is passed over", what, names[i])
			}
		}
	}
}

func TestRefused(t *testing.T) {
	long := strings.Repeat("x", 33)
	_, err := Compile(Tables{
		Groups:   []Group{{USM, "", "g"}, {USM, "s", long}},
		Access:   []Access{{Group: "g", Level: 4}, {Group: "g", Level: 1, ContextPrefix: long}, {Group: "", Level: 1}},
		Families: []Family{{View: ""}, {View: "v", Mask: make([]byte, 17)}, {View: "w", Subtree: mib.MakeOID(make([]uint32, 129)...)}},
	})
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{
		`security name "" has not`, `group "` + long, "no security level 4", "view or context", `group "" has not`,
		`view "" has not`, "mask has 17 octets", "129 sub-identifiers",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// TestNothingIsAllocated holds that neither step of a decision costs an allocation.
func TestNothingIsAllocated(t *testing.T) {
	policy := compile(t, tablesOf(20))
	r := Request{Model: USM, SecurityName: "user7", Level: AuthPriv, ContextExists: true}
	object, index := mib.MustParseOID("1.3.6.1.2.1.2.2.1.10"), mib.MakeOID(7)
	if n := testing.AllocsPerRun(100, func() {
		v, result := policy.View(r)
		if result != AccessAllowed || !v.Contains(object, index) {
			t.Fatal(result)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// tablesOf has users in groups, each with a view of its own.
func tablesOf(users int) (t Tables) {
	for i := range users {
		name := fmt.Sprint("user", i)
		t.Groups = append(t.Groups, Group{USM, name, name})
		t.Access = append(t.Access, Access{Group: name, Model: USM, Level: AuthNoPriv, Views: [3]string{name}})
		t.Families = append(t.Families, Family{View: name, Subtree: mib.MakeOID(1, 3)},
			Family{View: name, Subtree: mib.MustParseOID("1.3.6.1.6.3"), Excluded: true},
			Family{View: name, Subtree: mib.MustParseOID("1.3.6.1.2.1.4.21"), Excluded: true})
	}
	return t
}

func BenchmarkDecision(b *testing.B) {
	policy := compile(b, tablesOf(100))
	r := Request{Model: USM, SecurityName: "user77", Level: AuthPriv, ContextExists: true}
	object, index := mib.MustParseOID("1.3.6.1.2.1.2.2.1.10"), mib.MakeOID(7)
	b.Run("View", func(b *testing.B) {
		for b.Loop() {
			policy.View(r)
		}
	})
	v, _ := policy.View(r)
	b.Run("Contains", func(b *testing.B) {
		for b.Loop() {
			v.Contains(object, index)
		}
	})
}

// TestNames holds that a view names what its families include below a root.
func TestNames(t *testing.T) {
	policy, err := Compile(Tables{Families: []Family{
		{View: "v", Subtree: mib.MakeOID(1)}, {View: "v", Subtree: mib.MakeOID(1, 3, 6)}, {View: "v", Subtree: mib.MakeOID(1, 3, 7), Excluded: true},
		{View: "v", Subtree: mib.MakeOID(1, 4, 5, 9), Mask: []byte{0xd0}}, // any third
	}})
	if err != nil {
		t.Fatal(err)
	}
	v := policy.Named("v")
	for _, c := range []struct {
		subtree mib.OID
		want    bool
	}{
		{mib.OID{}, true}, {mib.MakeOID(1), true}, {mib.MakeOID(1, 3), true}, {mib.MakeOID(1, 3, 6), true},
		{mib.MakeOID(1, 3, 6, 1), false}, {mib.MakeOID(1, 3, 7), false}, {mib.MakeOID(2), false},
		{mib.MakeOID(1, 4), true}, {mib.MakeOID(1, 4, 5), false}, {mib.MakeOID(1, 4, 5, 9), false},
	} {
		if got := v.Names(c.subtree); got != c.want {
			t.Errorf("%v: %t, want %t", c.subtree, got, c.want)
		}
	}
}
