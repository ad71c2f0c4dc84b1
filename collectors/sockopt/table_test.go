package sockopt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Every socket is found, and no other, in whatever order they are looked for.
func TestSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, near, near + 1, blockSize, blockSize + 1, 3*blockSize + 5} {
		table, truth := newTable(&layout{}), make(map[key]int32)
		var keys []key
		for i := range n {
			s := socket{cookie: 1 + random.Uint64N(1<<40), record: int32(i), family: netstat.IPv4}
			if random.IntN(2) == 0 {
				s.family = netstat.IPv6
			}
			k := key{s.cookie, s.family}
			if _, there := truth[k]; there {
				continue
			}
			for range 1 + random.IntN(2) { // by each of the processes that hold it
				table.put(s)
			}
			truth[k] = s.record
			keys = append(keys, k)
		}
		byFamily := slices.Clone(keys)
		slices.SortStableFunc(byFamily, func(a, b key) int { return int(a.family) - int(b.family) })
		backwards := slices.Clone(keys)
		slices.Reverse(backwards)
		mixed := slices.Clone(keys)
		random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		for order, keys := range map[string][]key{"as they came": keys, "by family": byFamily, "backwards": backwards, "mixed": mixed} {
			t.Run(fmt.Sprint(n, " ", order), func(t *testing.T) {
				v := view{table: table}
				for _, k := range keys {
					if s := v.search(k); s == nil || !s.is(k) || s.record != truth[k] {
						t.Fatalf("%v: %v", k, s)
					}
					for _, other := range []key{{k.cookie + 1<<40, k.family}, {k.cookie, netstat.Unix}} {
						if s := v.search(other); s != nil {
							t.Fatalf("%v is not there: %v", other, s)
						}
					}
				}
			})
		}
	}
}
