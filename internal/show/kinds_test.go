package show

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// aliased is a table whose names can be looked for.
type aliased interface {
	Table
	Find(name string) []int
	aliasesOf() map[string][]string
}

// Every alias stands for fields that there are.
func TestAliases(t *testing.T) {
	some := 0
	for _, table := range Tables() {
		k := table.(aliased)
		for alias, fields := range k.aliasesOf() {
			some++
			if len(k.Find(alias)) != len(fields) {
				t.Errorf("%s: alias %q stands for fields that there are not", k.Describe().Name, alias)
			}
		}
	}
	if some < 50 {
		t.Errorf("%d aliases only", some)
	}
}

func (k *kind[T]) aliasesOf() map[string][]string { return k.Aliases }

// Filters and orders know the headings of the tables that are for comparing.
func TestHeadingsAreNames(t *testing.T) {
	s := new(Session)
	var headings []string
	for _, c := range s.tcpColumns() {
		if !strings.Contains(c.Heading, " ") && len(newSocketKind().Find(c.Heading)) == 0 {
			t.Errorf("-T has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	for _, c := range interfaceColumns(s) {
		if c.Heading != "Flg" && len(interfaceKind().Find(c.Heading)) == 0 {
			t.Errorf("-i has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	for _, c := range interfaceGrowthColumns(s) {
		if len(interfaceGrowthKind().Find(c.Heading)) == 0 {
			t.Errorf("--interval has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	if len(headings) < 30 {
		t.Errorf("only %d headings were looked at", len(headings))
	}
}

// Everything that the kernel tells of a connection is a member of its object.
func TestEveryFieldOfTCPIsShown(t *testing.T) {
	k := newSocketKind()
	for _, member := range reflect.VisibleFields(reflect.TypeFor[netstat.TCPInfo]()) {
		name := member.Name
		switch name {
		case "Options":
			name = "tcpOptions"
		case "State", "Retransmits":
			continue // the socket's own
		}
		if !slices.ContainsFunc(k.Fields, func(f table.Field[Row[netstat.Socket]]) bool { return strings.EqualFold(f.Name, name) }) {
			t.Errorf("%s of a connection is not shown", name)
		}
	}
}

// Every kind that events tell of can be told in words, and in those of one kind alone.
func TestEveryKindHasWords(t *testing.T) {
	told := make(map[netstat.Kinds]int)
	for _, k := range allSpoken() {
		told[k.kind()]++
	}
	(netstat.AllKinds | netstat.AllTrackedKinds).Each(func(kind netstat.Kinds) {
		if told[kind] != 1 {
			t.Errorf("%v is told in words by %d declarations", kind, told[kind])
		}
	})
}
