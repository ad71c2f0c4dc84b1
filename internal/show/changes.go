package show

import (
	"context"
	"iter"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// Change is something that changed in a stack.
type Change struct {
	Number uint64 // from 1 on
	Time   time.Time
	What   string // "added", "removed", "changed"; "gap" where changes were lost
	Of     string // the kind of what changed, by its name in netstat.Kinds
	Words  string // what it says (AppendWords)
}

// Changes is the table of the last changes that somebody else follows.
func Changes(recent func(context.Context) ([]Change, error)) Table {
	field := fieldOf[Change]
	return list("change", "a change of the network stack", kind[Change]{
		what: "changes", identity: []string{"number"},
		read: func(ctx context.Context, _ *query) iter.Seq2[Change, error] {
			found, err := recent(ctx)
			return func(yield func(Change, error) bool) {
				for _, c := range found {
					if !yield(c, nil) {
						return
					}
				}
				if err != nil {
					yield(Change{}, err)
				}
			}
		},
	},
		of("Time", 12, field("time", table.String, "when the kernel told of it (RFC 3339)", func(c *Change) table.Value { return table.Text(c.Time.Format(time.RFC3339Nano)) })).
			shownAs(func(b []byte, c *Change) []byte { return c.Time.AppendFormat(b, "15:04:05.000") }),
		of("Change", 7, field("change", table.String, "`added`, `removed`, `changed`, or `gap` where changes were lost", func(c *Change) table.Value { return table.Text(c.What) })),
		of("Kind", 10, field("of", table.String, "what changed: `route`, `neighbour`, `address`, `interface`, ...", func(c *Change) table.Value { return table.Text(c.Of) })),
		of("What", 0, field("what", table.String, "in words", func(c *Change) table.Value { return table.Text(c.Words) })),
		hidden(field("number", table.Integer, "counts changes from when they were followed", func(c *Change) table.Value { return table.Uint(c.Number) })),
	)
}
