package snmp

import (
	"sync/atomic"

	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// counters are what an engine counts.
type counters [enginemib.Counters]atomic.Uint64

func (c *counters) statistics() (s enginemib.Statistics) {
	for i := range c {
		s[i] = c[i].Load()
	}
	return s
}
