package snmpwalk_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
)

// probes are names to ask for the successor of: every variable of the model,
// one just before and one just after it, and every prefix of it below root.
func probes(model []variable, root oid) []oid {
	seen := make(map[string]oid)
	add := func(o oid) { seen[o.String()] = slices.Clone(o) }
	for _, v := range model {
		name := v.name
		add(name)
		add(name.plus(0)) // nothing is between this and the name
		last := len(name) - 1
		if name[last] > 0 {
			before := slices.Clone(name)
			before[last]--
			add(before)
			add(before.plus(math.MaxUint32))
		}
		if name[last] < math.MaxUint32 {
			after := slices.Clone(name)
			after[last]++
			add(after)
		}
		for n := len(root); n <= last; n++ {
			add(name[:n])
		}
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b oid) int { return slices.Compare(a, b) })
}

// TestTablesAgainstModel holds that every table is the sorted list that a walk of
// it says it is, from wherever it is entered.
func TestTablesAgainstModel(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			t.Run(name, func(t *testing.T) {
				entry := parseOID(t, tables[name])
				root := entry[:len(entry)-1] // the table's own name
				model := c.walk(t, root, 0)
				if len(model) == 0 {
					t.Fatal("the table is empty")
				}
				t.Run("GETNEXT", func(t *testing.T) { checkSuccessors(t, c, root, model) })
				t.Run("GETBULK", func(t *testing.T) {
					want := texts(names(model))
					for _, repetitions := range []uint32{1, 2, 10, 50, 1000} {
						got := c.walk(t, root, repetitions)
						if diff := cmp.Diff(want, texts(names(got))); diff != "" {
							t.Errorf("with %d repetitions (-GETNEXT +GETBULK):\n%s", repetitions, diff)
						}
					}
				})
				t.Run("by columns", func(t *testing.T) { checkColumns(t, c, entry, model) })
			})
		}
	})
}

func checkSuccessors(t *testing.T, c *client, root oid, model []variable) {
	const batch = 50
	for some := range slices.Chunk(probes(model, root), batch) {
		packet, err := c.GetNext(texts(some))
		got := check(t, packet, err)
		if len(got) != len(some) {
			t.Fatalf("%d variables in answer to %d", len(got), len(some))
		}
		for i, probe := range some {
			at, _ := slices.BinarySearchFunc(model, probe, func(v variable, probe oid) int {
				if slices.Compare(v.name, probe) <= 0 {
					return -1
				}
				return 1
			})
			if at == len(model) {
				if outside := got[i].kind == gosnmp.EndOfMibView || slices.Compare(got[i].name, probe) > 0 && !got[i].name.hasPrefix(root); !outside {
					t.Errorf("after %v comes %v, want something beyond the table", probe, got[i])
				}
				continue
			}
			if want := model[at]; !slices.Equal(got[i].name, want.name) || got[i].kind != want.kind {
				t.Errorf("after %v comes %v, want %v", probe, got[i], want)
			}
		}
	}
}

// checkColumns reads all columns at a time, as snmptable does, with a scalar in
// front that is not repeated.
func checkColumns(t *testing.T, c *client, entry oid, model []variable) {
	columns := make(map[uint32][]oid)
	for _, v := range model {
		column := v.name[len(entry)]
		columns[column] = append(columns[column], v.name)
	}
	order := slices.Sorted(maps.Keys(columns))
	ask := []string{"1.3.6.1.2.1.1.3"}
	for _, column := range order {
		ask = append(ask, entry.plus(column).String())
	}
	packet, err := c.GetBulk(ask, 1, 5)
	got := check(t, packet, err)
	if len(got) == 0 || got[0].name.String() != sysUpTime {
		t.Fatalf("%v, want sysUpTime first", got)
	}
	got = got[1:]
	if len(got) < len(order) {
		t.Fatalf("%d variables, want at least one for each of %d columns", len(got), len(order))
	}
	for i, v := range got {
		row, column := i/len(order), order[i%len(order)]
		if row >= len(columns[column]) {
			if v.kind != gosnmp.EndOfMibView && v.name.hasPrefix(entry.plus(column)) {
				t.Errorf("column %d goes on with %v beyond its end", column, v)
			}
			continue
		}
		if want := columns[column][row]; !slices.Equal(v.name, want) {
			t.Errorf("row %d of column %d is %v, want %v", row, column, v, want)
		}
	}
}

// TestScalarsAgainstModel is TestTablesAgainstModel for what is no table.
func TestScalarsAgainstModel(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		for _, root := range []string{"1.3.6.1.2.1.6", "1.3.6.1.2.1.7", "1.3.6.1.2.1.31.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.4", "1.3.6.1.2.1.5", "1.3.6.1.2.1.4.24"} {
			root := parseOID(t, root)
			var scalars []variable
			for _, v := range c.walk(t, root, 50) {
				if v.name[len(v.name)-1] == 0 && len(v.name) == len(root)+2 {
					scalars = append(scalars, v)
				}
			}
			if len(scalars) == 0 {
				t.Errorf("no scalars below %v", root)
			}
			for _, v := range scalars {
				object := v.name[:len(v.name)-1]
				for _, probe := range []oid{object, object.plus()} {
					if got, _ := c.next(t, probe); !slices.Equal(got.name, v.name) {
						t.Errorf("after %v comes %v, want %v", probe, got, v)
					}
				}
				for _, missing := range []oid{object, object.plus(1), object.plus(0, 0)} {
					if got := c.get(t, missing); got.kind != gosnmp.NoSuchInstance && got.kind != gosnmp.NoSuchObject {
						t.Errorf("GET of %v returns %v", missing, fmt.Sprint(got))
					}
				}
			}
		}
	})
}
