package collectors

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Every counter of this kernel has a meaning, unless the kernel is newer than what was looked at.
func TestCountersHaveMeanings(t *testing.T) {
	newer := nstest.KernelSince(t, 6, 19)
	for c, err := range open(t, nstest.New(t)).Counters(t.Context()) {
		must(t, err)
		if info := netstat.DescribeCounter(c.Name); info.Meaning == "" && !newer {
			t.Errorf("%s", c.Name)
		}
	}
}
