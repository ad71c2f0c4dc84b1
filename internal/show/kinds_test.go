package show

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Every alias stands for fields that there are.
func TestAliases(t *testing.T) {
	checkAliases(t, newSocketKind().Kind)
	checkAliases(t, unixKind())
	checkAliases(t, listenQueueKind())
	checkAliases(t, packetKind())
	checkAliases(t, routeKind())
	checkAliases(t, interfaceKind())
	checkAliases(t, interfaceGrowthKind())
	checkAliases(t, groupKind())
	checkAliases(t, counterKind())
	checkAliases(t, interfaceCounterKind())
	checkAliases(t, neighbourListing().kind)
	checkAliases(t, netconfListing().kind)
}

func checkAliases[T any](t *testing.T, k *table.Kind[T]) {
	t.Helper()
	if len(k.Aliases) == 0 {
		t.Errorf("%s has no aliases", k.Name)
	}
	for alias, fields := range k.Aliases {
		if len(k.Find(alias)) != len(fields) {
			t.Errorf("%s: alias %q stands for fields that there are not", k.Name, alias)
		}
	}
}

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
	for _, c := range s.interfaceColumns() {
		if c.Heading != "Flg" && len(interfaceKind().Find(c.Heading)) == 0 {
			t.Errorf("-i has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	for _, c := range s.interfaceGrowthColumns() {
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
