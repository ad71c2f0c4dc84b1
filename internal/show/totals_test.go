package show

import (
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

// Of more totals than are shown the largest are, by what they are sorted by, and what the
// rest has is not lost.
func TestLargestTotals(t *testing.T) {
	sums := newTotals[traffic.FlowSum]("source")
	for key, sum := range map[string]traffic.FlowSum{"a": {Flows: 1, Ended: 9}, "b": {Flows: 2, Ended: 1}, "c": {Flows: 3}, "d": {Flows: 20, Ended: 2}} {
		sum.Original.Bytes = 100 * sum.Flows
		sum.OriginalRate.Set(100 - float64(sum.Flows))
		sums.of([]byte(key), netip.Addr{}).Add(&sum)
	}
	for _, c := range []struct{ sort, first, second string }{
		{"", "a", "b"}, // by rates
		{"-ended", "a", "d"}, {"ended", "a", "d"}, {"-flows,key", "d", "c"}, {"-sent", "d", "c"}, {"key", "a", "b"}, {"-tx/s", "a", "b"},
	} {
		all := *sums
		q := &query{Session: &Session{Options: Options{Sort: c.sort, Top: 2}}}
		var got []total[traffic.FlowSum]
		all.yield(q, "flows", largestFirst(&q.Options, flowTrafficMeasures()), (*traffic.FlowSum).Add, func(t total[traffic.FlowSum], _ error) bool {
			got = append(got, t)
			return true
		})
		if len(got) != 3 || got[0].key != c.first || got[1].key != c.second || !got[2].others {
			t.Errorf("sorted by %q: %+v", c.sort, got)
		}
		var flows uint64
		for i := range got {
			flows += got[i].sum.Flows
		}
		if flows != 26 {
			t.Errorf("sorted by %q: %d flows, not 26", c.sort, flows)
		}
	}
}
