package show

import (
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// queueing is a queueing discipline or a class of one.
type queueing struct {
	index          uint32
	class          bool
	kind           string
	handle, parent netstat.TrafficHandle
	statistics     netstat.QueueStatistics
}

// Qdiscs is the table of queueing disciplines and classes.
func Qdiscs() Table {
	field := fieldOf[queueing]
	return list("qdisc", "a queueing discipline, or a class of one", kind[queueing]{
		title:   "Queueing disciplines and classes",
		read:    from(queueings),
		belongs: by(func(q *queueing) uint32 { return q.index }),
	},
		ofInterface("Iface", 15, "interface", "interface", func(q *queueing) uint32 { return q.index }),
		of("Kind", 10, field("queueing", table.String, "`fq_codel`, `htb`, ...", func(q *queueing) table.Value { return table.Text(q.kind) })),
		of("Class", 0, field("class", table.Boolean, "whether it is a class", func(q *queueing) table.Value { return table.Bool(q.class) })),
		of("Handle", 7, field("handle", table.String, "as tc(8) has it", func(q *queueing) table.Value { return table.Text(q.handle.String()) })),
		of("Parent", 7, field("parent", table.String, "as tc(8) has it", func(q *queueing) table.Value { return table.Text(q.parent.String()) })),
		of("Packets", 10, field("packets", table.Integer, "", func(q *queueing) table.Value { return uintValue(q.statistics.Packets) })).count(),
		of("Bytes", 12, field("octets", table.Integer, "", func(q *queueing) table.Value { return uintValue(q.statistics.Octets) })).bytes(),
		of("Drops", 8, field("drops", table.Integer, "packets given up", func(q *queueing) table.Value { return uintValue(q.statistics.Drops) })).count(),
		of("Overlim", 8, field("overlimits", table.Integer, "packets that had to wait for their turn by a rate", func(q *queueing) table.Value { return uintValue(q.statistics.Overlimits) })).count(),
		of("Requeue", 8, field("requeues", table.Integer, "packets that the device refused", func(q *queueing) table.Value { return uintValue(q.statistics.Requeues) })).count(),
		of("Backlog", 8, field("backlog", table.Integer, "bytes that wait", func(q *queueing) table.Value { return uintValue(q.statistics.Backlog) })).bytes(),
		of("Queued", 7, field("queued", table.Integer, "packets that wait", func(q *queueing) table.Value { return uintValue(q.statistics.Queued) })).count(),
	)
}

// queueings yields the queueing disciplines of every interface, each interface's
// classes behind its disciplines.
func queueings(r netstat.TrafficReader, ctx context.Context) iter.Seq2[queueing, error] {
	return func(yield func(queueing, error) bool) {
		var interfaces []uint32
		for q, err := range r.Qdiscs(ctx) {
			if err != nil {
				yield(queueing{}, err)
				return
			}
			if n := len(interfaces); n == 0 || interfaces[n-1] != q.Interface {
				interfaces = append(interfaces, q.Interface)
			}
			if !yield(queueing{q.Interface, false, q.Kind, q.Handle, q.Parent, q.Statistics}, nil) {
				return
			}
		}
		for _, index := range interfaces {
			for c, err := range r.TrafficClasses(ctx, index) {
				if err != nil {
					yield(queueing{}, err)
					return
				}
				if !yield(queueing{c.Interface, true, c.Kind, c.Handle, c.Parent, c.Statistics}, nil) {
					return
				}
			}
		}
	}
}
