//go:build !race

package snmp

import (
	"slices"
	"testing"
)

func TestAllocations(t *testing.T) {
	tree := newTestTree(t, 1000)
	d := testEngine(t, tree, nil)
	bulk := func(repetitions int32) []byte {
		return messageOf(1, "public", pduOf(0xa5, 1, 0, repetitions, asked(tableEntry+".3", tableEntry+".300")))
	}
	allocations := func(request []byte) float64 {
		if ask(t, d, request, noLimit) == nil {
			t.Fatal("no answer")
		}
		return testing.AllocsPerRun(100, func() {
			if answer, err := d.process(noWait, request, loopback, within(noLimit)); answer == nil || err != nil {
				t.Fatal("no answer", err)
			}
		})
	}
	for _, repetitions := range []int32{1, 50, 500} {
		if got := allocations(bulk(repetitions)); got > 0 {
			t.Errorf("%d repetitions of two variables: %v allocations", repetitions, got)
		}
	}
	if got := allocations(messageOf(1, "public", pduOf(0xa1, 1, 0, 0, asked(slices.Repeat([]string{tableEntry + ".4"}, 100)...)))); got > 0 {
		t.Errorf("GetNextRequest of 100 variables: %v allocations", got)
	}
	if got := allocations(messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked(slices.Repeat([]string{tableEntry + ".4.0.1.97"}, 100)...)))); got > 0 {
		t.Errorf("GetRequest of 100 variables: %v allocations", got)
	}
}
