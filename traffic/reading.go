package traffic

import (
	"iter"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Reading is what one look at all sockets found, with those that ended since the one before.
// Its connections do not change.
type Reading struct {
	// At is when it began, and Elapsed how long after the one before: 0 in the first.
	At      time.Time
	Elapsed time.Duration
	// Gap says that ends of sockets were lost: connections that began and ended since the
	// reading before may be missing, and of some that ended the last octets.
	Gap bool
	// AtLeast says that this happened in this reading or an earlier one: sums are at least
	// what they are.
	AtLeast bool
	// Beyond is of what ended and was more than MostEnded.
	Beyond Sum

	meter *Meter
	seen  chunks[Connection]
	ended chunks[Connection] // that no reading saw
}

// All yields every connection once, those that ended too.
func (r *Reading) All() iter.Seq[*Connection] {
	return func(yield func(*Connection) bool) {
		if r.seen.all(yield) {
			r.ended.all(yield)
		}
	}
}

// Sums yields what everything together is the sum of: each connection with its own,
// what groups of earlier readings' connections that ended have, each with a connection that
// has their process, user, cgroup and remote address and no more, and what is beyond the bounds
// with none. It is to be called before the Meter's next reading begins.
func (r *Reading) Sums() iter.Seq2[*Connection, Sum] {
	return withPast(r.All(), (*Connection).Sum, &r.meter.past, (*group).connection, &r.Beyond)
}

// connection returns one that has what the group is kept apart by.
func (g *group) connection() *Connection {
	c := &Connection{CGroup: netstat.CGroup{ID: g.cgroup, Path: g.path}}
	c.Protocol = netstat.TCP
	c.Remote = netip.AddrPortFrom(g.remote, 0)
	if g.told {
		c.UID.Set(g.user)
	}
	switch {
	case g.pid != 0:
		c.Processes.Set([]netstat.Process{{PID: g.pid, Name: g.program}})
	case g.owned:
		c.Processes.Set(nil)
	}
	return c
}
