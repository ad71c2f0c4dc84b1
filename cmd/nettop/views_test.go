package main

import (
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
)

// The columns that views name are there.
func TestColumnsOfViews(t *testing.T) {
	ns := nstest.New(t)
	r, err := openReader(t.Context(), &flags{Where: sources.Where{NetNS: ns.Name}, interval: 1}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range views {
		v, err := r.view(&views[i])
		if err != nil {
			t.Fatal(err)
		}
		sheet, err := r.read(t.Context(), v, show.Wants{})
		if err != nil {
			t.Fatal(err)
		}
		columns := sheet.Columns()
		for _, heading := range views[i].first {
			if !slices.ContainsFunc(columns, func(c show.SheetColumn) bool { return c.Heading == heading }) {
				t.Errorf("%s has no column %q: %v", views[i].name, heading, columns)
			}
		}
	}
}
