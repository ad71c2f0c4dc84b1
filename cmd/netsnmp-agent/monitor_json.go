package main

import (
	"encoding/json"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// jsonEvent is a line of `monitor --json`. Its rows are as docs/netstat-json.md has
// them.
type jsonEvent struct {
	Time   time.Time `json:"time"`
	Change string    `json:"change"`
	Kind   string    `json:"kind,omitempty"`
	Dev    string    `json:"dev,omitempty"`
	Value  any       `json:"value,omitempty"`
	Old    any       `json:"old,omitempty"`
}

func (p *printer) printJSON(e *live.Event, now time.Time) error {
	line := jsonEvent{Time: now, Change: e.Change.String(), Kind: e.Kind.String(), Value: e.Value, Old: e.Old}
	if index := deviceOf(e.Value); index != 0 {
		line.Dev = p.name(index)
	}
	return json.NewEncoder(p.w).Encode(line)
}

// deviceOf returns the index of the interface that a value belongs to, 0 for
// none.
func deviceOf(value any) uint32 {
	switch v := value.(type) {
	case netstat.Interface:
		return v.Index
	case netstat.Address:
		return v.Interface
	case netstat.Route:
		return v.Interface
	case netstat.Neighbour:
		return v.Interface
	case netstat.NextHop:
		return v.Interface
	case netstat.Netconf:
		return uint32(max(v.Interface, 0))
	case netstat.MulticastGroup:
		return v.Interface
	}
	return 0
}
