package show

import (
	"bytes"
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ListenQueues is the table of the queues of listeners.
func ListenQueues() Table {
	return &kind[netstat.ListenQueue]{
		Kind:  listenQueueKind(),
		title: "Listen queues (unaccepted, incomplete, maximum)", what: "listen queues",
		columns: listenQueueColumns,
		read:    listenQueues,
		belongs: by(func(v *netstat.ListenQueue) uint32 { return v.Socket.Interface.Or(0) }),
		names:   func(v *netstat.ListenQueue) bool { return namesInterface(&v.Socket) },
		lookUp: func(s *Session, r *Row[netstat.ListenQueue]) {
			if !s.numericHosts() {
				s.resolver.StartHost(r.v.Socket.Local.Addr())
			}
		},
		whole: true,
	}
}

// listenQueues reads the queues of the protocols that are chosen.
func listenQueues(ctx context.Context, q *query) iter.Seq2[netstat.ListenQueue, error] {
	ask := netstat.SocketQuery{Families: q.families(), Processes: q.Programs}
	for _, protocol := range q.protocols() {
		if protocol.asked {
			ask.Protocols = append(ask.Protocols, protocol.Protocol)
		}
	}
	if err := q.shareOwners(ctx, q.src, &ask.Processes, &ask.Owners); err != nil {
		return failed[netstat.ListenQueue](err)
	}
	reader, ok := q.src.Stack.(netstat.ListenQueueReader)
	if !ok {
		return failed[netstat.ListenQueue](netstat.ErrNotSupported)
	}
	return func(yield func(netstat.ListenQueue, error) bool) {
		for v, err := range reader.ListenQueues(ctx, ask) {
			if err == nil && len(ask.Protocols) == 0 && v.Socket.Protocol == netstat.MPTCP {
				continue // its TCP listener is shown
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

func listenQueueColumns(s *Session) []table.Column[Row[netstat.ListenQueue]] {
	type queue = netstat.ListenQueue
	columns := []table.Column[Row[queue]]{
		columnOf("Proto", 5, false, func(b []byte, q *queue) []byte { return append(b, protocolName(&q.Socket)...) }),
		columnOf("Unacc", 6, true, func(b []byte, q *queue) []byte { return appendKnown(b, q.Unaccepted) }),
		columnOf("Incomp", 6, true, func(b []byte, q *queue) []byte { return appendKnown(b, q.Incomplete) }),
		columnOf("Max", 6, true, func(b []byte, q *queue) []byte { return appendKnown(b, q.Maximum) }),
		{Heading: "Local Address", Width: 23, Append: func(b []byte, r *Row[queue]) []byte {
			return s.appendListener(b, r.from, &r.v.Socket)
		}},
	}
	columns[1].Colour = func(r *Row[queue]) table.Colour {
		if most, known := r.v.Maximum.Get(); known && r.v.Unaccepted.Or(0) > most {
			return table.Red // the kernel drops what comes now
		}
		return table.Plain
	}
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", 0, false, func(b []byte, q *queue) []byte {
			return appendProcesses(b, q.Socket.Processes)
		}))
	}
	return columns
}

// appendListener appends where a listener listens. Two of one address and port may
// differ in their device, which stands as a zone does.
func (s *Session) appendListener(b []byte, src *Source, v *netstat.Socket) []byte {
	local := v.Local
	if v.Interface.Or(0) == 0 || !local.IsValid() || local.Addr().Zone() != "" {
		return s.appendEndpoint(b, src, v.Protocol, local)
	}
	at := len(b)
	b = s.appendEndpoint(b, src, v.Protocol, local)
	colon := at + bytes.LastIndexByte(b[at:], ':')
	port := string(b[colon:])
	return append(table.AppendEscaped(append(b[:colon], '%'), src.name(v.Interface.Or(0))), port...)
}

func listenQueueKind() *table.Kind[Row[netstat.ListenQueue]] {
	field := fieldOf[netstat.ListenQueue]
	k := newKind("listenQueue", "the queue of a listener",
		field("protocol", table.String, "transport protocol", func(q *netstat.ListenQueue) table.Value { return table.Text(q.Socket.Protocol.String()) }),
		field("family", table.String, "`ipv4` or `ipv6`", func(q *netstat.ListenQueue) table.Value { return table.Text(q.Socket.Family.String()) }),
		table.Field[Row[netstat.ListenQueue]]{Name: "localAddress", Type: table.Address, Doc: "local address", Value: func(r *Row[netstat.ListenQueue]) table.Value {
			return addrValue(r.from, r.v.Socket.Local.Addr())
		}},
		field("localPort", table.Port, "local port", func(q *netstat.ListenQueue) table.Value { return table.Uint(q.Socket.Local.Port()) }),
		interfaceField("interface", "interface that the listener is bound to", func(q *netstat.ListenQueue) uint32 { return q.Socket.Interface.Or(0) }),
		field("unaccepted", table.Integer, "connections that wait to be accepted", func(q *netstat.ListenQueue) table.Value { return uintValue(q.Unaccepted) }),
		field("incomplete", table.Integer, "connection requests that have not finished the handshake, of all listeners that share the address", func(q *netstat.ListenQueue) table.Value {
			return uintValue(q.Incomplete)
		}),
		field("maximum", table.Integer, "the most connections that may wait", func(q *netstat.ListenQueue) table.Value { return uintValue(q.Maximum) }),
		field("sharing", table.Integer, "how many listeners share the address by SO_REUSEPORT", func(q *netstat.ListenQueue) table.Value { return table.Int(q.Sharing) }),
		field("inode", table.Integer, "inode in sockfs", func(q *netstat.ListenQueue) table.Value { return uintValue(q.Socket.Inode) }),
		field("processes", table.Objects, "processes that hold the listener; with `-p`", func(q *netstat.ListenQueue) table.Value { return processesValue(q.Socket.Processes) }),
	)
	k.Aliases = map[string][]string{"port": {"localPort"}, "sport": {"localPort"}, "src": {"localAddress"}, "dev": {"interface"}, "process": {"processes"}, "pid": {"processes"}}
	return k
}
