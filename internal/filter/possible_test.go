package filter

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// Possible and Names are compared with Match over every row that is like the one that
// is known in part.
func TestPossible(t *testing.T) {
	type sample struct {
		state string
		port  uint16
	}
	kind := &table.Kind[sample]{Name: "sample", Fields: []table.Field[sample]{
		{Name: "state", Type: table.Keyword, Words: []string{"A", "B"}, Value: func(s *sample) table.Value { return table.Word(s.state) }},
		{Name: "port", Type: table.Port, Value: func(s *sample) table.Value { return table.Uint(s.port) }},
	}}
	for text, names := range map[string]bool{
		"state=a": true, "state=b": false, "state!=a": false, "state!=b": false, "not state!=a": false, "state~A": true, "state=a,b": true,
		"port=1": false, "state=a or port=1": true, "state=b or port=1": false, "state=a and port=1": true, "not (state=b and port=1)": false,
		"not state=a": false, "state=a and state=b": true, "port=1 or port!=1": false, "state=b and not port=1": false,
	} {
		e, err := Parse(text, kind, Names{})
		if err != nil {
			t.Fatal(err)
		}
		hold, fail := e.Possible(func(field int) (table.Value, bool) { return table.Word("A"), field == 0 })
		var holds, fails bool
		for _, port := range []uint16{1, 2} {
			row := sample{"A", port}
			if e.Match(func(field int) table.Value { return kind.Fields[field].Value(&row) }) {
				holds = true
			} else {
				fails = true
			}
		}
		// What no single field decides may be taken for possible, never the contrary.
		if holds && !hold || fails && !fail {
			t.Errorf("%s: possible %v, %v; there are rows %v, %v", text, hold, fail, holds, fails)
		}
		if (text[:5] == "state" || text[:3] == "not") && hold != holds {
			t.Errorf("%s: possible %v, and a row %v", text, hold, holds)
		}
		if got := e.Names(0, table.Word("A")); got != names {
			t.Errorf("%s: names %v", text, got)
		}
	}
}
