package snmpwalk_test

import (
	"fmt"
	"syscall"
	"testing"
)

// TestGetbulkBounds holds that maxGetbulkRepeats and maxGetbulkResponses mean
// what they do to snmpd, of which the answers to the same requests are compared.
func TestGetbulkBounds(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	file := writeConfig(t, "rocommunity public")
	p := startEmbedded(t, s.NS, "--config", file)
	c := s.client(t)
	lengths := func(c *client) (all []int) {
		for _, request := range []struct {
			names                     []string
			nonRepeaters, repetitions int
		}{
			{[]string{ifEntry}, 0, 40},
			{[]string{ifEntry, ifEntry + ".2"}, 0, 40},
			{[]string{ifEntry, ifEntry + ".2", ifEntry + ".3"}, 0, 40},
			{[]string{sysUpTime, ifEntry, ifEntry + ".2", ifEntry + ".3"}, 1, 40},
			{[]string{ifEntry, ifEntry + ".2"}, 0, 3},
			{[]string{sysUpTime}, 1, 40},
		} {
			packet, err := c.GetBulk(request.names, uint8(request.nonRepeaters), uint32(request.repetitions))
			all = append(all, len(check(t, packet, err)))
		}
		return all
	}
	for n, bounds := range [][]string{
		{"maxGetbulkRepeats 5"},
		{"maxGetbulkResponses 20"},
		{"maxGetbulkRepeats 8", "maxGetbulkResponses 20"},
		{"maxGetbulkRepeats -1", "maxGetbulkResponses -1"},
	} {
		rewrite(t, file, append([]string{"rocommunity public"}, bounds...)...)
		p.signal(t, syscall.SIGHUP)
		p.await(t, "configuration read again", n+1)
		got := lengths(c)

		other := newLinks(t)
		startMaster(t, other.NS, bounds...)
		if want := lengths(other.client(t)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v variables, of snmpd %v", bounds, got, want)
		}
	}
}
