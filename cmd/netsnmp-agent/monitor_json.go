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
	if row, ok := e.Value.(netstat.Row); ok && row.Place().Interface != 0 {
		line.Dev = p.name(row.Place().Interface)
	}
	return json.NewEncoder(p.w).Encode(line)
}
