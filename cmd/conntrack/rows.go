package main

import (
	"io"
	"iter"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Rows as netstat declares them, by which JSON, --sort and --filter go.
type (
	flowRow        = show.Row[show.TrackedFlow]
	expectationRow = show.Row[netstat.Expectation]
)

// setKinds chooses the kind of the rows.
func (c *command) setKinds() {
	c.flows, c.expectations = flowKind, expectationKind
	if c.verb == 'E' {
		c.flows, c.expectations = show.FlowEvents, show.ExpectationEvents
	}
	c.flows, c.expectations = sync.OnceValue(c.flows), sync.OnceValue(c.expectations)
}

func flowKind() *table.Kind[flowRow] { return show.KindOf[show.TrackedFlow](show.Flows()) }

func expectationKind() *table.Kind[expectationRow] {
	return show.KindOf[netstat.Expectation](show.Expectations())
}

// printJSON prints rows that a table of netstat's has.
func printJSON[T any](to io.Writer, of show.Table, from *show.Source, rows iter.Seq2[T, error]) error {
	out := table.NewOutput(to)
	out.JSON = true
	p := table.NewPrinter(out, table.Table[show.Row[T]]{Kind: show.KindOf[T](of)})
	for v, err := range rows {
		row := show.NewRow(from, v)
		if err == nil {
			err = p.Row(&row)
		}
		if err != nil {
			return err
		}
	}
	return p.Close()
}
