package remote

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// noEpoch is for tables without a moment.
var noEpoch time.Time

// plain decodes the rows of a table that need nothing else.
func plain[R any](d *mib.RowDecoder[R]) func(mib.OID, []mib.Value) (R, bool, error) {
	return func(index mib.OID, values []mib.Value) (r R, ok bool, err error) {
		if err = d.Index(index, &r); err == nil {
			err = d.Values(noEpoch, index, values, &r)
		}
		return r, true, err
	}
}

var (
	tcpConnections = tcpmib.Connections.RowDecoder(7, 8)
	tcpListeners   = tcpmib.Listeners.RowDecoder(4)
	tcpIPv4        = tcpmib.IPv4Connections.RowDecoder(1)
	udpEndpoints   = udpmib.Endpoints.RowDecoder(8)
	udpIPv4        = udpmib.IPv4Listeners.RowDecoder(1)
)

// Sockets yields TCP connections and listeners from tcpConnectionTable and
// tcpListenerTable, else from tcpConnTable, and UDP sockets from
// udpEndpointTable, else from udpTable. The old tables tell of IPv4 alone: what
// the query wants of IPv6 then is an error after the rows. A table tells of a
// socket's process only its number. Of filters it takes addresses and ports.
func (s *Stack) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		// What is not there is said at the end, so that the rest is seen.
		var lacking []error
		if f := &q.Filter; f.Interface != 0 || f.Mark.IsKnown() || f.CGroup != 0 {
			yield(netstat.Socket{}, s.notSupported("filter sockets", "device, mark or cgroup of a socket"))
			return
		}
		protocols := q.Protocols
		if len(protocols) == 0 {
			protocols = []netstat.Protocol{netstat.TCP, netstat.UDP}
		}
		for _, p := range protocols {
			var err error
			switch p {
			case netstat.TCP:
				err = s.tcpSockets(ctx, q, yield)
			case netstat.UDP:
				err = s.udpSockets(ctx, q, yield)
			default:
				err = s.notSupported("read "+p.String()+" sockets", "table of "+p.String()+" sockets")
			}
			switch {
			case err == nil:
			case errors.Is(err, netstat.ErrNotSupported):
				lacking = append(lacking, err)
			default:
				if !errors.Is(err, errStop) {
					yield(netstat.Socket{}, err)
				}
				return
			}
		}
		if len(lacking) > 0 {
			yield(netstat.Socket{}, join(lacking))
		}
	}
}

// join is errors.Join that leaves a single error as it is.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

func wants(families []netstat.Family, f netstat.Family) bool {
	return len(families) == 0 || slices.Contains(families, f)
}

// pass yields the sockets of a table that the query wants, and counts those
// that the table has.
func pass(rows iter.Seq2[netstat.Socket, error], q *netstat.SocketQuery, n *int, yield func(netstat.Socket, error) bool) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		*n++
		// What tells endpoints apart in the MIB is no inode to anybody else.
		row.Inode = 0
		if !wants(q.Families, row.Family) || !q.States.Has(row.State) || !q.Filter.MatchesEnds(&row) {
			continue
		}
		if !yield(row, nil) {
			return errStop
		}
	}
	return nil
}

func (s *Stack) tcpSockets(ctx context.Context, q netstat.SocketQuery, yield func(netstat.Socket, error) bool) error {
	n := 0
	connections := newScan(s, tcpmib.Connections.Name, tableColumns(&tcpmib.Connections, 7, 8))
	listeners := newScan(s, tcpmib.Listeners.Name, tableColumns(&tcpmib.Listeners, 4))
	if q.States == 0 || q.States&^netstat.States(netstat.Listen) != 0 {
		if err := pass(rows(ctx, connections, nil, plain(tcpConnections)), &q, &n, yield); err != nil {
			return err
		}
	}
	if q.States.Has(netstat.Listen) {
		if err := pass(rows(ctx, listeners, nil, plain(tcpListeners)), &q, &n, yield); err != nil {
			return err
		}
	}
	if n > 0 {
		return nil
	}
	const op = "read TCP sockets"
	if has, err := s.hasAny(ctx, tcpmib.Connections.Entry, tcpmib.Listeners.Entry, tcpHCInSegs); err != nil || has {
		return err
	}
	old := newScan(s, tcpmib.IPv4Connections.Name, tableColumns(&tcpmib.IPv4Connections, 1))
	if wants(q.Families, netstat.IPv4) {
		if err := pass(rows(ctx, old, nil, plain(tcpIPv4)), &q, &n, yield); err != nil {
			return err
		}
	}
	if n == 0 {
		if has, err := s.hasAny(ctx, tcpmib.IPv4Connections.Entry, tcpmib.Statistics.OID); err != nil {
			return err
		} else if !has {
			return s.notSupported(op, tcpmib.Connections.Name, tcpmib.IPv4Connections.Name)
		}
	}
	if wants(q.Families, netstat.IPv6) {
		return s.notSupported("read TCP sockets over IPv6", tcpmib.Connections.Name)
	}
	return nil
}

var (
	// tcpHCInSegs and udpHCInDatagrams came with the tables of both families
	// (RFC 4022, RFC 4113): an agent that has them has those, if only without
	// rows.
	tcpHCInSegs      = tcpmib.Statistics.OID.Sub(17)
	udpHCInDatagrams = udpmib.Statistics.OID.Sub(8)

	tcpHCOutSegs      = tcpmib.Statistics.OID.Sub(18)
	udpHCOutDatagrams = udpmib.Statistics.OID.Sub(9)
)

func (s *Stack) udpSockets(ctx context.Context, q netstat.SocketQuery, yield func(netstat.Socket, error) bool) error {
	n := 0
	endpoints := newScan(s, udpmib.Endpoints.Name, tableColumns(&udpmib.Endpoints, 8))
	if err := pass(rows(ctx, endpoints, nil, plain(udpEndpoints)), &q, &n, yield); err != nil || n > 0 {
		return err
	}
	if has, err := s.hasAny(ctx, udpHCInDatagrams); err != nil || has {
		return err
	}
	old := newScan(s, udpmib.IPv4Listeners.Name, tableColumns(&udpmib.IPv4Listeners, 1))
	decode := func(index mib.OID, values []mib.Value) (netstat.Socket, bool, error) {
		row, ok, err := plain(udpIPv4)(index, values)
		row.State = netstat.Close // what listens, of which the table is, is not connected
		return row, ok, err
	}
	if wants(q.Families, netstat.IPv4) {
		if err := pass(rows(ctx, old, nil, decode), &q, &n, yield); err != nil {
			return err
		}
	}
	if n == 0 {
		if has, err := s.hasAny(ctx, udpmib.IPv4Listeners.Entry, udpmib.Statistics.OID); err != nil {
			return err
		} else if !has {
			return s.notSupported("read UDP sockets", udpmib.Endpoints.Name, udpmib.IPv4Listeners.Name)
		}
	}
	if wants(q.Families, netstat.IPv6) {
		return s.notSupported("read UDP sockets over IPv6", udpmib.Endpoints.Name)
	}
	return nil
}

// hasAny reports whether the agent shows anything in one of the subtrees.
func (s *Stack) hasAny(ctx context.Context, subtrees ...mib.OID) (bool, error) {
	session := s.acquire()
	defer s.release(session)
	for _, subtree := range subtrees {
		var a answer
		r := request{pdu: pduGetNext, names: []mib.OID{subtree}}
		if err := s.ask(ctx, session, &r, &a); err != nil {
			return false, s.readError("ask for "+subtree.String(), err)
		}
		if a.status == 0 && len(a.variables) == 1 && !a.variables[0].value.IsException() && a.variables[0].name.HasPrefix(subtree) {
			return true, nil
		}
	}
	return false, nil
}
