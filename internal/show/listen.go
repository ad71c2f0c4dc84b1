package show

import (
	"bytes"
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// showListenQueues shows the queues of listeners.
func (s *Session) showListenQueues() error {
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
	p, _, err := newPrinter(s, listenQueueKind(), columns)
	if err != nil {
		return err
	}
	s.out.Title("Listen queues (unaccepted, incomplete, maximum)")
	q := netstat.SocketQuery{Families: s.families(), Processes: s.Programs}
	for _, protocol := range s.protocols() {
		if protocol.asked {
			q.Protocols = append(q.Protocols, protocol.Protocol)
		}
	}
	if s.Programs {
		for _, src := range s.sources {
			if err := s.shareOwners(src, &q.Processes, &q.Owners); err != nil {
				return err
			}
		}
	}
	w := window[queue]{s: s, printer: p, whole: true, prepare: func(r *Row[queue]) {
		if !s.numericHosts() {
			s.resolver.StartHost(r.v.Socket.Local.Addr())
		}
	}}
	read := func(r netstat.ListenQueueReader, ctx context.Context) iter.Seq2[queue, error] {
		return r.ListenQueues(ctx, q)
	}
	err = each(s, "listen queues", read, func(r *Row[queue]) error {
		if len(q.Protocols) == 0 && r.v.Socket.Protocol == netstat.MPTCP {
			return nil // its TCP listener is shown
		}
		if !s.shows(r.from, r.v.Socket.Interface.Or(0)) {
			return nil
		}
		return w.row(r)
	})
	if err != nil {
		return err
	}
	return w.close()
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
