package recording

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// socketQueryParts returns the names of the parts that a query is about, and
// whether it names what it asks for.
func socketQueryParts(q *netstat.SocketQuery, all []netstat.Protocol) (parts []string, named bool) {
	protocols, families := q.Protocols, q.Families
	if len(protocols) == 0 {
		protocols = all
	}
	if len(families) == 0 {
		families = inetFamilies
	}
	for _, p := range protocols {
		for _, f := range families {
			parts = append(parts, socketPart{p, f}.String())
		}
	}
	return parts, len(q.Protocols) > 0
}

// Sockets yields the recorded sockets that q selects. q.Owners is not looked at:
// processes are the recorded ones.
func (s *Stack) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	parts, named := socketQueryParts(&q, socketProtocols)
	rows := readParts(ctx, s, socketTable, parts, named, func(row *netstat.Socket) (bool, error) {
		return selectSocket(&q, row, hasState(q.States, row.State))
	})
	if q.Details.Has(netstat.DetailSocketOptions) {
		return rows
	}
	return withoutUnknownOptions(rows)
}

// withoutUnknownOptions yields rows whose options nobody asked for: that these were not
// told of when the rows were recorded is no error then.
func withoutUnknownOptions[T any](rows iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range rows {
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				others := slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(err error) bool { return errors.Is(err, netstat.ErrUnknownOptions) })
				if err = errors.Join(others...); err == nil {
					return
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// ListenQueues yields the recorded queues of the listeners that q selects, as
// Sockets does.
func (s *Stack) ListenQueues(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.ListenQueue, error] {
	// The other protocols have no listeners, whatever the recording holds.
	others := func(p netstat.Protocol) bool {
		return slices.Contains(socketProtocols, p) && !slices.Contains(listenProtocols, p)
	}
	if len(q.Protocols) > 0 {
		q.Protocols = slices.DeleteFunc(slices.Clone(q.Protocols), others)
		if len(q.Protocols) == 0 {
			return func(func(netstat.ListenQueue, error) bool) {}
		}
	}
	parts, named := socketQueryParts(&q, listenProtocols)
	return readParts(ctx, s, listenQueueTable, parts, named, func(row *netstat.ListenQueue) (bool, error) {
		return selectSocket(&q, &row.Socket, true)
	})
}

// hasState reports whether a set of a query selects a state. Bound has to be
// named. Connection requests, which NewSynReceived names, are shown as
// SynReceived.
func hasState(states netstat.StateSet, s netstat.State) bool {
	if s == netstat.Bound && states == 0 {
		return false
	}
	return states.Has(s) || s == netstat.SynReceived && states.Has(netstat.NewSynReceived)
}

// errUnknownMark is the answer to a filter by mark where marks were not told.
var errUnknownMark = fmt.Errorf("%w: marks of sockets were not recorded", netstat.ErrNotSupported)

// selectSocket reports whether the query selects a row, and leaves in it what
// the query asks for.
func selectSocket(q *netstat.SocketQuery, row *netstat.Socket, isState bool) (bool, error) {
	if !isState || !q.Filter.MatchesEnds(row) {
		return false, nil
	}
	var detail netstat.SocketDetail
	if row.Detail != nil {
		detail = *row.Detail
	}
	if want, ok := q.Filter.Mark.Get(); ok {
		mark, known := detail.Mark.Get()
		switch {
		case known:
			if mark&want.Mask != want.Value&want.Mask {
				return false, nil
			}
		case row.State == netstat.TimeWait || row.State == netstat.SynReceived: // they have none
			return false, nil
		default:
			return false, errUnknownMark
		}
	}
	if q.Filter.CGroup != 0 {
		if group, known := detail.CGroup.Get(); !known || group.ID != q.Filter.CGroup {
			return false, nil
		}
	}
	if !q.Processes && q.Owners == nil {
		row.Processes = netstat.Optional[[]netstat.Process]{}
	}
	switch {
	case q.Details == 0:
		row.Detail = nil
	case row.Detail != nil:
		leaveDetails(row.Detail, q.Details)
	}
	return true, nil
}

// leaveDetails takes away what was not asked for. The rows of a recording share
// no details.
func leaveDetails(d *netstat.SocketDetail, asked netstat.SocketDetails) {
	var kept netstat.SocketDetail
	if asked.Has(netstat.DetailMemory) {
		kept.Memory, kept.Drops = d.Memory, d.Drops
	}
	if asked.Has(netstat.DetailTCPInfo) {
		kept.TCP, kept.MPTCP, kept.ULP, kept.MD5Peers = d.TCP, d.MPTCP, d.ULP, d.MD5Peers
	}
	switch {
	case asked.Has(netstat.DetailCongestion):
		kept.Congestion = d.Congestion
	case asked.Has(netstat.DetailCongestionName) && d.Congestion != nil:
		kept.Congestion = &netstat.CongestionControl{Name: d.Congestion.Name}
	}
	if asked.Has(netstat.DetailTOS) {
		kept.TOS, kept.TrafficClass, kept.ClassID = d.TOS, d.TrafficClass, d.ClassID
	}
	if asked.Has(netstat.DetailOptions) {
		kept.Flags, kept.Shutdown, kept.Mark = d.Flags, d.Shutdown, d.Mark
		kept.LocalAddresses, kept.RemoteAddresses = d.LocalAddresses, d.RemoteAddresses
	}
	if asked.Has(netstat.DetailCGroup) {
		kept.CGroup = d.CGroup
	}
	if asked.Has(netstat.DetailSocketOptions) {
		kept.Options = d.Options
	}
	*d = kept
}

// endpointParts yields the sockets of another family that the query selects, and
// leaves in them what it asks for.
func endpointParts[T any](ctx context.Context, s *Stack, t *table[T], q netstat.EndpointQuery, each func(row *T) endpoint) iter.Seq2[T, error] {
	return readParts(ctx, s, t, t.parts(), true, func(row *T) (bool, error) {
		e := each(row)
		if e.memory != nil && !q.Memory {
			*e.memory = netstat.Optional[netstat.SocketMemory]{}
		}
		if !q.Processes && q.Owners == nil {
			*e.processes = netstat.Optional[[]netstat.Process]{}
		}
		return e.state == 0 || q.States.Has(e.state), nil
	})
}

// endpoint is what a query looks at in a socket.
type endpoint struct {
	state     netstat.State                           // 0: it has none
	memory    *netstat.Optional[netstat.SocketMemory] // nil: it has none
	processes *netstat.Optional[[]netstat.Process]
}

// UnixSockets yields the recorded sockets of the local family that q selects.
func (s *Stack) UnixSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.UnixSocket, error] {
	rows := endpointParts(ctx, s, unixTable, q, func(r *netstat.UnixSocket) endpoint {
		if !q.References {
			r.References = netstat.Optional[uint32]{}
		}
		if !q.Options {
			r.Options = nil
		}
		return endpoint{r.State, &r.Memory, &r.Processes}
	})
	if q.Options {
		return rows
	}
	return withoutUnknownOptions(rows)
}

// PacketSockets yields the recorded packet sockets.
func (s *Stack) PacketSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.PacketSocket, error] {
	return endpointParts(ctx, s, packetTable, q, func(r *netstat.PacketSocket) endpoint {
		return endpoint{0, &r.Memory, &r.Processes}
	})
}

// NetlinkSockets yields the recorded netlink sockets that q selects.
func (s *Stack) NetlinkSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.NetlinkSocket, error] {
	return endpointParts(ctx, s, netlinkTable, q, func(r *netstat.NetlinkSocket) endpoint {
		return endpoint{r.State, &r.Memory, &r.Processes}
	})
}

// VsockSockets yields the recorded vsock sockets that q selects.
func (s *Stack) VsockSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.VsockSocket, error] {
	return endpointParts(ctx, s, vsockTable, q, func(r *netstat.VsockSocket) endpoint {
		return endpoint{r.State, nil, &r.Processes}
	})
}

// XDPSockets yields the recorded XDP sockets.
func (s *Stack) XDPSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.XDPSocket, error] {
	return endpointParts(ctx, s, xdpTable, q, func(r *netstat.XDPSocket) endpoint {
		return endpoint{0, &r.Memory, &r.Processes}
	})
}

// SMCSockets yields the recorded SMC sockets.
func (s *Stack) SMCSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.SMCSocket, error] {
	return endpointParts(ctx, s, smcTable, q, func(r *netstat.SMCSocket) endpoint {
		return endpoint{0, nil, &r.Processes}
	})
}

// TIPCSockets yields the recorded TIPC sockets that q selects.
func (s *Stack) TIPCSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.TIPCSocket, error] {
	return endpointParts(ctx, s, tipcTable, q, func(r *netstat.TIPCSocket) endpoint {
		return endpoint{r.State, nil, &r.Processes}
	})
}

// SocketDefaults yields the recorded options of new sockets.
func (s *Stack) SocketDefaults(ctx context.Context) iter.Seq2[netstat.SocketDefaults, error] {
	return readPart(ctx, s, socketDefaultsTable, "")
}

// SocketOwners returns which processes held which sockets.
func (s *Stack) SocketOwners(ctx context.Context) (*netstat.SocketOwners, error) {
	var head *ownerRow
	var holdings []netstat.SocketHolding
	for row, err := range readPart(ctx, s, socketOwnerTable, "") {
		switch {
		case err != nil:
			return nil, err
		case head == nil:
			head = &row
		default:
			holdings = append(holdings, row.SocketHolding)
		}
	}
	if head == nil {
		return nil, s.readError(opOf(KindSocketOwner, ""), errors.Join(ErrCorrupt, errors.New("there is no first row")))
	}
	owners := netstat.NewSocketOwners(holdings)
	owners.Hidden, owners.HiddenPIDs, owners.Invisible = head.Hidden, head.HiddenPIDs, head.Invisible
	return owners, nil
}

// ListenSocketEnds says that a recording has no events.
func (s *Stack) ListenSocketEnds(...netstat.Protocol) (netstat.SocketEndListener, error) {
	return nil, s.readError("listen for ends of sockets", fmt.Errorf("%w: it holds moments, and no events", netstat.ErrNotSupported))
}
