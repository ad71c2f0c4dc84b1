package remote

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// noEpoch is for tables without a moment.
var noEpoch time.Time

// plain decodes the rows of a table that need nothing else.
func plain[R any](d *mib.RowDecoder[R]) decoding[R] {
	return func(index mib.OID, values []mib.Value, odd func(error)) (r R, ok bool, err error) {
		if err = d.Index(index, &r); err == nil {
			d.Values(noEpoch, index, values, &r, odd)
		}
		return r, true, err
	}
}

var (
	tcpConnections = decoderOf(tcpmib.Connections, 7, 8)
	tcpListeners   = decoderOf(tcpmib.Listeners, 4)
	tcpIPv4        = decoderOf(tcpmib.IPv4Connections, 1)
	udpEndpoints   = decoderOf(udpmib.Endpoints, 8)
	udpIPv4        = decoderOf(udpmib.IPv4Listeners, 1)
)

// Sockets yields TCP connections and listeners from tcpConnectionTable and
// tcpListenerTable, else from tcpConnTable, and UDP sockets from
// udpEndpointTable, else from udpTable. The old tables tell of IPv4 alone: what
// the query wants of IPv6 then is an error after the rows, as is whatever else
// could not be read. A table tells of a socket's process only its number. Of filters
// it takes addresses and ports.
func (s *Stack) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		if f := &q.Filter; f.Interface != 0 || f.Mark.IsKnown() || f.CGroup != 0 {
			yield(netstat.Socket{}, s.notSupported("filter sockets", "device, mark or cgroup of a socket"))
			return
		}
		protocols := q.Protocols
		if len(protocols) == 0 {
			protocols = []netstat.Protocol{netstat.TCP, netstat.UDP}
		}
		read := &socketReading{stack: s, query: &q, yield: yield}
		for _, p := range protocols {
			switch p {
			case netstat.TCP:
				read.tcp(ctx)
			case netstat.UDP:
				read.udp(ctx)
			default:
				read.errs = append(read.errs, s.notSupported("read "+p.String()+" sockets", "table of "+p.String()+" sockets"))
			}
			if read.stopped {
				return
			}
			if isOver(read.errs) {
				break
			}
		}
		if len(read.errs) > 0 {
			yield(netstat.Socket{}, join(read.errs))
		}
	}
}

// socketReading is one reading of sockets from several tables.
type socketReading struct {
	stack *Stack
	query *netstat.SocketQuery
	yield func(netstat.Socket, error) bool
	// stopped says that nobody wants more; errs are told after the rows.
	stopped bool
	errs    []error
}

// table yields the sockets of a table that the query wants. It returns how many
// rows the table has, and whether to go on with another.
func (r *socketReading) table(rows iter.Seq2[netstat.Socket, error]) (n int, ok bool) {
	q := r.query
	for row, err := range rows {
		if err != nil {
			r.errs = append(r.errs, err)
			return n, !isOver(r.errs)
		}
		n++
		if !wants(q.Families, row.Family) || !q.States.Has(row.State) || !q.Filter.MatchesEnds(&row) {
			continue
		}
		if !r.yield(row, nil) {
			r.stopped = true
			return n, false
		}
	}
	return n, true
}

// lacking takes note of what no table tells: all of it, or IPv6 where the old table
// has rows. has asks whether the agent shows something.
func (r *socketReading) lacking(ctx context.Context, protocol string, rows int, newer, older string, marks, olderMarks []mib.OID) {
	has, err := r.stack.hasAny(ctx, marks...)
	if err == nil && !has && rows == 0 {
		has, err = r.stack.hasAny(ctx, olderMarks...)
		if err == nil && !has {
			r.errs = append(r.errs, r.stack.notSupported("read "+protocol+" sockets", newer, older))
			return
		}
		has = false
	}
	switch {
	case err != nil:
		r.errs = append(r.errs, err)
	case !has && wants(r.query.Families, netstat.IPv6):
		r.errs = append(r.errs, r.stack.notSupported("read "+protocol+" sockets over IPv6", newer))
	}
}

// join is errors.Join that leaves a single error as it is.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...) // nil for none
}

func wants(families []netstat.Family, f netstat.Family) bool {
	return len(families) == 0 || slices.Contains(families, f)
}

func (r *socketReading) tcp(ctx context.Context) {
	s, q, total := r.stack, r.query, 0
	if q.States == 0 || q.States&^netstat.States(netstat.Listen) != 0 {
		n, ok := r.table(rows(ctx, newScan(s, tcpmib.Connections().Name, tableColumns(tcpmib.Connections(), 7, 8)), nil, plain(tcpConnections())))
		if total += n; !ok {
			return
		}
	}
	if q.States.Has(netstat.Listen) {
		n, ok := r.table(rows(ctx, newScan(s, tcpmib.Listeners().Name, tableColumns(tcpmib.Listeners(), 4)), nil, plain(tcpListeners())))
		if total += n; !ok {
			return
		}
	}
	if total > 0 {
		return
	}
	if wants(q.Families, netstat.IPv4) {
		n, ok := r.table(rows(ctx, newScan(s, tcpmib.IPv4Connections().Name, tableColumns(tcpmib.IPv4Connections(), 1)), nil, plain(tcpIPv4())))
		if total = n; !ok {
			return
		}
	}
	r.lacking(ctx, "TCP", total, tcpmib.Connections().Name, tcpmib.IPv4Connections().Name,
		[]mib.OID{tcpmib.Connections().Entry, tcpmib.Listeners().Entry, tcpHCInSegs()}, []mib.OID{tcpmib.IPv4Connections().Entry, tcpmib.Statistics().OID})
}

var (
	// tcpHCInSegs and udpHCInDatagrams came with the tables of both families
	// (RFC 4022, RFC 4113): an agent that has them has those, if only without
	// rows.
	tcpHCInSegs      = sync.OnceValue(func() mib.OID { return tcpmib.Statistics().OID.Sub(17) })
	udpHCInDatagrams = sync.OnceValue(func() mib.OID { return udpmib.Statistics().OID.Sub(8) })

	tcpHCOutSegs      = sync.OnceValue(func() mib.OID { return tcpmib.Statistics().OID.Sub(18) })
	udpHCOutDatagrams = sync.OnceValue(func() mib.OID { return udpmib.Statistics().OID.Sub(9) })
)

func (r *socketReading) udp(ctx context.Context) {
	s := r.stack
	n, ok := r.table(rows(ctx, newScan(s, udpmib.Endpoints().Name, tableColumns(udpmib.Endpoints(), 8)), nil, plain(udpEndpoints())))
	if n > 0 || !ok {
		return
	}
	if wants(r.query.Families, netstat.IPv4) {
		decode := func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Socket, bool, error) {
			row, ok, err := plain(udpIPv4())(index, values, odd)
			row.State = netstat.Close // what listens, of which the table is, is not connected
			return row, ok, err
		}
		n, ok = r.table(rows(ctx, newScan(s, udpmib.IPv4Listeners().Name, tableColumns(udpmib.IPv4Listeners(), 1)), nil, decode))
		if !ok {
			return
		}
	}
	r.lacking(ctx, "UDP", n, udpmib.Endpoints().Name, udpmib.IPv4Listeners().Name,
		[]mib.OID{udpHCInDatagrams()}, []mib.OID{udpmib.IPv4Listeners().Entry, udpmib.Statistics().OID})
}

// hasAny reports whether the agent shows anything in one of the subtrees.
func (s *Stack) hasAny(ctx context.Context, subtrees ...mib.OID) (bool, error) {
	session := s.acquire()
	defer s.release(session)
	for _, subtree := range subtrees {
		var a answer
		r := request{pdu: ber.GetNextRequest, names: []mib.OID{subtree}}
		if err := s.ask(ctx, session, &r, &a); err != nil {
			return false, s.readError("ask for "+subtree.String(), err)
		}
		if a.status == mib.NoError && len(a.variables) == 1 && !a.variables[0].value.IsException() && a.variables[0].name.HasPrefix(subtree) {
			return true, nil
		}
	}
	return false, nil
}
