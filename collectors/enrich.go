package collectors

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// An enricher adds to the rows of a dump what another source tells of them.
type enricher[Row any] interface {
	// read reads the source: before the dump, and once more for rows that came since.
	read(ctx context.Context) error
	// enrich adds to a row. It is false when the source knew nothing of it: the row may
	// have come after it was read.
	enrich(row *Row) bool
}

// enrichedRows hands on the rows of a dump with what the enrichers add to them.
type enrichedRows[Row any] struct {
	yield   func(Row, error) bool
	stopped bool
	by      []enricher[Row]
	// late are the rows that an enricher knew nothing of, at most mostLate, and missed
	// says for each enricher whether it is one of those.
	late   []Row
	missed []bool
}

// mostLate is after how many rows that a source does not know it is read again before
// the end. Sockets of another PID namespace's processes are many.
const mostLate = 8192

// begin reads the sources.
func (r *enrichedRows[Row]) begin(ctx context.Context) error {
	r.missed = make([]bool, len(r.by))
	for _, e := range r.by {
		if err := e.read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// add hands on a row, and returns false when no more is wanted.
func (r *enrichedRows[Row]) add(ctx context.Context, row *Row) (bool, error) {
	late := false
	for i, e := range r.by {
		if !e.enrich(row) {
			late, r.missed[i] = true, true
		}
	}
	if late {
		if r.late = append(r.late, *row); len(r.late) < mostLate {
			return true, nil
		}
		err := r.finish(ctx)
		return !r.stopped, err
	}
	r.stopped = !r.yield(*row, nil)
	return !r.stopped, nil
}

// finish hands on the rows that came late, after those sources are read again.
func (r *enrichedRows[Row]) finish(ctx context.Context) error {
	if len(r.late) == 0 || r.stopped {
		return nil
	}
	for i, e := range r.by {
		if !r.missed[i] {
			continue
		}
		r.missed[i] = false
		if err := e.read(ctx); err != nil {
			return err
		}
		for j := range r.late {
			e.enrich(&r.late[j])
		}
	}
	for i := range r.late {
		if r.stopped = !r.yield(r.late[i], nil); r.stopped {
			break
		}
	}
	r.late = r.late[:0]
	return nil
}

// owning tells which processes hold a socket.
type owning[Row any] struct {
	inode  func(*Row) uint32
	own    func(*Row, netstat.Optional[[]netstat.Process])
	owners *netstat.SocketOwners
	given  bool // owners are the caller's, and were read before
}

// newOwning returns an enricher, or none when nobody asked for the processes.
func newOwning[Row any](owners *netstat.SocketOwners, asked bool, inode func(*Row) uint32, own func(*Row, netstat.Optional[[]netstat.Process])) []enricher[Row] {
	if owners == nil && !asked {
		return nil
	}
	return []enricher[Row]{&owning[Row]{inode: inode, own: own, owners: owners, given: owners != nil}}
}

func (o *owning[Row]) read(ctx context.Context) (err error) {
	if o.given {
		o.given = false
		return nil
	}
	o.owners, err = readOwners(ctx)
	return err
}

func (o *owning[Row]) enrich(row *Row) bool {
	inode := o.inode(row)
	processes := o.owners.Of(inode)
	o.own(row, processes)
	p, known := processes.Get()
	return !known || len(p) > 0 || inode == 0
}
