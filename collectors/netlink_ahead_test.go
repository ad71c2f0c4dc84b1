package collectors

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What is received ahead arrives whole and once, ends with whoever reads it, and
// leaves nobody behind.
func TestLongAnswers(t *testing.T) {
	k, e, _ := scratch(t)
	const all, some = 6000, 3000 // about 45 datagrams
	if n, err := e.Create(context.Background(), tcpFlows(all)); err != nil || n != all {
		t.Fatalf("%d made: %v", n, err)
	}
	before := runtime.NumGoroutine()
	for range 3 {
		seen := map[netip.Addr]int{}
		if err := k.EachFlow(t.Context(), netstat.FlowQuery{}, func(f *netstat.Flow) bool { seen[f.Original.Source]++; return true }); err != nil {
			t.Fatal(err)
		}
		for n := range all {
			if times := seen[tcpFlow(n).Original.Source]; times != 1 {
				t.Fatalf("flow %d came %d times", n, times)
			}
		}
		n := 0
		if err := k.EachFlow(t.Context(), netstat.FlowQuery{}, func(*netstat.Flow) bool { n++; return n < some }); err != nil || n != some {
			t.Errorf("%d flows until the reader had enough: %v", n, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n = 0
		err := k.EachFlow(ctx, netstat.FlowQuery{}, func(*netstat.Flow) bool {
			if n++; n == some {
				cancel()
			}
			return true
		})
		if !errors.Is(err, context.Canceled) || n >= all {
			t.Errorf("%d flows until the context ended: %v", n, err)
		}
	}
	nstest.Eventually(t, func() string {
		if n := runtime.NumGoroutine(); n > before {
			return "goroutines stay"
		}
		return ""
	})
}
