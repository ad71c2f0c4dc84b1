package show

import (
	"context"
	"iter"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// unixState is net-tools' name of a local socket's state.
func unixState(v *netstat.UnixSocket) string {
	switch {
	case v.State == netstat.Listen:
		return "LISTENING"
	case v.Inode == 0 && v.State == netstat.Established:
		return "CONNECTING" // not accepted yet
	case v.Inode == 0:
		return "DISCONNECTING"
	case v.State == netstat.Established:
		return "CONNECTED"
	case v.State == netstat.SynSent:
		return "CONNECTING"
	}
	return ""
}

// appendUnixName appends the name of a local socket, with an @ in front of abstract ones.
func appendUnixName(b []byte, v *netstat.UnixSocket) []byte {
	if v.Abstract {
		b = append(b, '@')
	}
	return table.AppendEscaped(b, v.Name)
}

// UnixSockets is the table of sockets of the local family.
func UnixSockets() Table {
	return unixTable(func(o *Options) string { return "Active UNIX domain sockets " + o.which() }, unixColumns, false)
}

// unixTable declares a table of sockets of the local family, with their options or
// without: these are read where a filter or an order looks at them, too.
func unixTable(title func(*Options) string, columns func(*Session) []table.Column[Row[netstat.UnixSocket]], options bool) Table {
	k := unixKind()
	return &kind[netstat.UnixSocket]{
		Kind:    k,
		titled:  title,
		what:    "sockets of the local family",
		columns: columns,
		read: func(ctx context.Context, q *query) iter.Seq2[netstat.UnixSocket, error] {
			e := netstat.EndpointQuery{References: true, Unaccepted: !options, Options: options}
			changed := q.Changed
			for _, f := range askedOf(k, q.expr, q.Sort) {
				field := &k.Fields[f]
				changed = changed || field.Name == changedOptionsField
				e.Options = e.Options || field.Name == changedOptionsField || field.Within == optionsField
			}
			if e.Options {
				q.readNewSockets(ctx, q.src, changed)
			}
			return endpointsWith(e, netstat.UnixReader.UnixSockets)(ctx, q)
		},
		optional:  true,
		listening: table.Text(unixState(&netstat.UnixSocket{State: netstat.Listen})),
		keep: func(q *query, v *netstat.UnixSocket) bool {
			listens := v.State == netstat.Listen
			return q.All || listens == q.Listening || listens && q.listeners
		},
		names: func(v *netstat.UnixSocket) bool { return v.Options != nil && v.Options.BindToDevice.Or(0) != 0 },
		lookUp: func(s *Session, r *Row[netstat.UnixSocket]) {
			if uid, known := r.v.UID.Get(); known && s.Extend > 1 && !s.numericUsers() {
				s.resolver.StartUser(uid)
			}
		},
		whole: true,
	}
}

func unixColumns(s *Session) []table.Column[Row[netstat.UnixSocket]] {
	columns := []table.Column[Row[netstat.UnixSocket]]{
		columnOf("Proto", 5, false, func(b []byte, _ *netstat.UnixSocket) []byte { return append(b, "unix"...) }),
		columnOf("RefCnt", 6, false, func(b []byte, v *netstat.UnixSocket) []byte { return appendKnown(b, v.References) }),
		columnOf("Flags", 11, false, func(b []byte, v *netstat.UnixSocket) []byte {
			if v.State == netstat.Listen {
				return append(b, "[ ACC ]"...)
			}
			return append(b, "[ ]"...)
		}),
		columnOf("Type", 10, false, func(b []byte, v *netstat.UnixSocket) []byte {
			return append(b, strings.ToUpper(v.Type.String())...)
		}),
		columnOf("State", 13, false, func(b []byte, v *netstat.UnixSocket) []byte { return append(b, unixState(v)...) }),
		columnOf("I-Node", 8, false, func(b []byte, v *netstat.UnixSocket) []byte { return appendUint(b, v.Inode) }),
	}
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", 20, false, func(b []byte, v *netstat.UnixSocket) []byte {
			return s.appendHolder(b, v.Processes)
		}))
	}
	columns = append(columns, columnOf("Path", 0, false, appendUnixName))
	if s.Extend > 1 {
		columns = append(columns,
			columnOf("User", 0, false, func(b []byte, v *netstat.UnixSocket) []byte { return s.appendUser(b, v.UID) }),
			columnOf("Recv-Q", 6, true, func(b []byte, v *netstat.UnixSocket) []byte { return s.appendKnownBytes(b, v.ReceiveQueue) }),
			columnOf("Send-Q", 6, true, func(b []byte, v *netstat.UnixSocket) []byte { return s.appendKnownBytes(b, v.SendQueue) }),
			columnOf("Peer", 8, false, func(b []byte, v *netstat.UnixSocket) []byte { return appendKnown(b, v.Peer) }))
	}
	return columns
}

func unixKind() *table.Kind[Row[netstat.UnixSocket]] {
	field := fieldOf[netstat.UnixSocket]
	fields := []table.Field[Row[netstat.UnixSocket]]{
		field("type", table.String, "`stream`, `dgram` or `seqpacket`", func(v *netstat.UnixSocket) table.Value { return table.Text(v.Type.String()) }),
		field("state", table.String, "as in the column State; absent for a socket that is not connected", func(v *netstat.UnixSocket) table.Value { return table.Text(unixState(v)) }),
		field("path", table.String, "path that the socket is bound to", func(v *netstat.UnixSocket) table.Value {
			if v.Abstract {
				return table.Value{}
			}
			return table.Text(v.Name)
		}),
		field("abstractName", table.String, "name in the abstract namespace, which may be empty", func(v *netstat.UnixSocket) table.Value {
			if !v.Abstract {
				return table.Value{}
			}
			return table.KnownText(v.Name)
		}),
		field("inode", table.Integer, "inode in sockfs, 0 of a connection that nobody accepted yet", func(v *netstat.UnixSocket) table.Value { return table.Uint(v.Inode) }),
		field("cookie", table.Integer, "SO_COOKIE", func(v *netstat.UnixSocket) table.Value { return uintValue(v.Cookie) }),
		field("peer", table.Integer, "inode of the other end", func(v *netstat.UnixSocket) table.Value { return uintValue(v.Peer) }),
		field("receiveQueue", table.Integer, "bytes not yet read; of a listener, connections that wait to be accepted", func(v *netstat.UnixSocket) table.Value { return uintValue(v.ReceiveQueue) }),
		field("sendQueue", table.Integer, "bytes that the peer has not read; of a listener, the most connections that may wait", func(v *netstat.UnixSocket) table.Value { return uintValue(v.SendQueue) }),
		field("references", table.Integer, "how often the kernel refers to the socket", func(v *netstat.UnixSocket) table.Value { return uintValue(v.References) }),
		field("uid", table.User, "user that owns the socket", func(v *netstat.UnixSocket) table.Value { return uintValue(v.UID) }),
		field("processes", table.Objects, "processes that hold the socket; with `-p`", func(v *netstat.UnixSocket) table.Value { return processesValue(v.Processes) }),
	}
	k := newKind("unix", "a socket of the local family", append(fields, unixOptions.fields()...)...)
	k.Aliases = map[string][]string{"process": {"processes"}, "pid": {"processes"}, "user": {"uid"}, "name": {"path", "abstractName"}}
	return k
}
