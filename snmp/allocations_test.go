//go:build !race

package snmp

import (
	"net/netip"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
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
			if answer, err := d.process(noWait, request, fromLoopback, within(noLimit)); answer == nil || err != nil {
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

// TestLongRequestsMakeNoGarbage holds that whoever sends long requests one after the
// other does not keep the garbage collector running.
func TestLongRequestsMakeNoGarbage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	s, err := NewServer(Options{
		Handler:     sparse(t, 1000, func() {}),
		Communities: []Community{{Name: "public", Source: netip.PrefixFrom(loopback, 32)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, kind := range []byte{ber.GetRequest, ber.GetNextRequest, ber.GetBulkRequest} {
		message, answered := longest(kind, 250_000), 0
		got := testing.AllocsPerRun(10, func() {
			s.answerLater(t.Context(), s.later(message), fromLoopback, within(250_000), func(answer []byte) bool {
				if answer != nil {
					answered++
				}
				return true
			})
		})
		// What may wait has a context with a deadline.
		if got > 20 || answered != 11 {
			t.Errorf("%x: %v allocations, %d answers", kind, got, answered)
		}
	}
}

// TestV3Allocations holds that an answer by SNMPv3 costs no allocation either, at any
// level.
func TestV3Allocations(t *testing.T) {
	for _, c := range []struct {
		kind        byte
		repetitions int32
		name        string
	}{{ber.GetRequest, 0, upTimeName.String()}, {ber.GetBulkRequest, 4, testRoot.String()}} { // scalars, which are always at hand
		d, requests := v3Requests(t, newTestTree(t, 1), c.kind, c.repetitions, c.name)
		for level, request := range requests {
			if got := testing.AllocsPerRun(100, func() {
				if answer, err := d.process(noWait, request, fromLoopback, within(noLimit)); answer == nil || err != nil {
					t.Fatal("no answer", err)
				}
			}); got > 0 {
				t.Errorf("%x at %v: %v allocations", c.kind, level, got)
			}
		}
	}
}
