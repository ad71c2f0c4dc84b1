package readings

import (
	"context"
	"errors"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Sockets is the sockets of a protocol, as far as that was asked for.
type Sockets struct {
	// Rows are those of SocketRows.
	Rows []netstat.Socket
	// Observer is who saw those of SocketsObserved; nil where nobody did.
	Observer Observer
}

// Parts of a reading of sockets.
const (
	// SocketRows has a row for each socket, with the processes that hold it as far as these may be looked into.
	SocketRows fresh.Parts = 1 << iota
	// SocketsObserved has each socket observed, and kept by nobody (Options.Observe).
	SocketsObserved
)

// ObservedDetails are what an Observer is told of each socket.
const ObservedDetails = netstat.DetailTCPInfo | netstat.DetailMemory | netstat.DetailCGroup

// readOwners reads which processes hold sockets; nil where the stack does not tell.
func (s *Stack) readOwners(ctx context.Context) (*netstat.SocketOwners, error) {
	reader, ok := s.stack.(netstat.SocketOwnerReader)
	if !ok {
		return nil, nil
	}
	owners, err := reader.SocketOwners(ctx)
	if errors.Is(err, netstat.ErrNotSupported) {
		return nil, nil
	}
	return owners, err
}

// sockets returns the sockets of a protocol. The log says once that some processes may not be looked into.
func (s *Stack) sockets(p netstat.Protocol) *fresh.Source[Sockets] {
	var size int
	return fresh.NewInParts(SocketRows, func(ctx context.Context, parts fresh.Parts) (found Sockets, err error) {
		query := netstat.SocketQuery{Protocols: []netstat.Protocol{p}}
		observed := parts&SocketsObserved != 0 && s.options.Observe != nil
		var owners *netstat.SocketOwners // those of the query, or of an earlier look
		if parts&SocketRows != 0 {
			if owners, err = s.readOwners(ctx); err != nil {
				return found, err
			}
			query.Processes, query.Owners = true, owners
		} else if observed {
			// To look at all processes may be dearer than all sockets: it is done behind who asks.
			look, err := s.owners.Any(ctx)
			if err != nil {
				return found, err
			}
			owners, _ = look.Data()
		}
		see := func(*netstat.Socket) {}
		if observed {
			query.Details, query.PassingDetails = ObservedDetails, true
			found.Observer = s.options.Observe(p)
			see = func(row *netstat.Socket) {
				if owners != nil && !row.Processes.IsKnown() {
					row.Processes = owners.Of(row.Inode.Or(0))
				}
				found.Observer.Observe(row)
			}
		}
		rows := func(yield func(netstat.Socket, error) bool) {
			var row netstat.Socket // who sees it may keep no pointer to it, and it is allocated once
			for read, err := range s.stack.Sockets(ctx, query) {
				if err != nil {
					yield(read, err)
					return
				}
				row = read
				see(&row)
				row.Detail = nil
				if parts&SocketRows != 0 && !yield(row, nil) {
					return
				}
			}
		}
		found.Rows, err = Collect(rows, size)
		if err = s.whole(p.String()+" sockets", err); parts&SocketRows == 0 {
			found.Rows = nil
			return found, err
		}
		size = len(found.Rows)
		if owners != nil && !owners.Complete() && slices.ContainsFunc(found.Rows, func(r netstat.Socket) bool {
			return r.Inode.Or(0) != 0 && !r.Processes.IsKnown()
		}) {
			s.unknownOwners.Do(func() {
				const most = 4
				s.log.Info("the processes of some sockets are unknown: some may not be looked into; other users' need CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
					"hidden", owners.Hidden, "PIDs", owners.HiddenPIDs[:min(len(owners.HiddenPIDs), most)])
			})
		}
		return found, err
	})
}
