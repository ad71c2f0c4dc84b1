package show

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// etherTypes are names of what packet sockets receive most often.
var etherTypes = map[uint16]string{0: "none", netstat.EtherTypeAll: "all", 0x0800: "ipv4", 0x0806: "arp", 0x86dd: "ipv6", 0x8100: "vlan", 0x88cc: "lldp", 0x888e: "eapol"}

func etherType(protocol uint16) string {
	if name, ok := etherTypes[protocol]; ok {
		return name
	}
	return fmt.Sprintf("0x%04x", protocol)
}

// instruction is the size of a classic BPF instruction in bytes.
const instruction = 8

// Packets is the table of packet sockets: who captures on which interface, and how.
func Packets() Table {
	return &kind[netstat.PacketSocket]{
		Kind:  packetKind(),
		title: "Packet sockets", what: "packet sockets",
		columns: packetColumns,
		parts: func(_ context.Context, q *query) ([]part[netstat.PacketSocket], error) {
			return []part[netstat.PacketSocket]{{read: packetSockets, complete: func(v *netstat.PacketSocket) error {
				if !v.Filter.IsKnown() {
					q.note("(Filters of packet sockets could not be read: they are told with CAP_NET_ADMIN only.)")
				}
				return nil
			}}}, nil
		},
		belongs: func(ctx context.Context, q *query, v *netstat.PacketSocket) bool {
			return v.Interface == 0 || q.shows(ctx, v.Interface)
		},
		names: func(v *netstat.PacketSocket) bool { return v.Interface != 0 },
	}
}

// packetSockets reads packet sockets with what is always shown of them: who captures is
// what one wants to know, and the kernel keeps the memory.
var packetSockets = endpointsWith(netstat.EndpointQuery{Processes: true, Memory: true, References: true}, netstat.PacketReader.PacketSockets)

func packetColumns(s *Session) []table.Column[Row[netstat.PacketSocket]] {
	type socket = netstat.PacketSocket
	ring := func(heading string, get func(*socket) *netstat.PacketRing) table.Column[Row[socket]] {
		return columnOf(heading, 6, true, func(b []byte, v *socket) []byte {
			r := get(v)
			if r == nil {
				return append(b, '-')
			}
			return s.appendBytes(b, uint64(r.BlockSize)*uint64(r.Blocks))
		})
	}
	return []table.Column[Row[socket]]{
		columnOf("PID/Program name", 20, false, func(b []byte, v *socket) []byte { return appendProcesses(b, v.Processes) }),
		{Heading: "Iface", Width: 8, Append: func(b []byte, r *Row[socket]) []byte {
			if r.v.Interface == 0 {
				return append(b, '*')
			}
			return table.AppendEscaped(b, r.from.name(r.v.Interface))
		}},
		columnOf("Type", 6, false, func(b []byte, v *socket) []byte { return append(b, v.Type.String()...) }),
		columnOf("Proto", 6, false, func(b []byte, v *socket) []byte { return append(b, etherType(v.Protocol)...) }),
		columnOf("Flags", 0, false, func(b []byte, v *socket) []byte { return append(b, dash(v.Flags.String())...) }),
		ring("RxRing", func(v *socket) *netstat.PacketRing { return v.Receive }),
		ring("TxRing", func(v *socket) *netstat.PacketRing { return v.Transmit }),
		columnOf("Fanout", 6, false, func(b []byte, v *socket) []byte {
			f, known := v.Fanout.Get()
			if !known {
				return append(b, '-')
			}
			return append(strconv.AppendUint(b, uint64(f.Group), 10), ":"+f.String()...)
		}),
		columnOf("Filter", 6, true, func(b []byte, v *socket) []byte {
			filter, known := v.Filter.Get()
			if !known {
				return append(b, '-')
			}
			return strconv.AppendInt(b, int64(len(filter)/instruction), 10)
		}),
		columnOf("Memory", 6, true, func(b []byte, v *socket) []byte {
			m, known := v.Memory.Pointer()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, uint64(m.Received))
		}),
		columnOf("Buffer", 6, true, func(b []byte, v *socket) []byte {
			m, known := v.Memory.Pointer()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, uint64(m.ReceiveBuffer))
		}),
		columnOf("Drops", 6, true, func(b []byte, v *socket) []byte { return appendKnown(b, v.Drops) }),
	}
}

// dash stands for an empty text.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func packetKind() *table.Kind[Row[netstat.PacketSocket]] {
	field := fieldOf[netstat.PacketSocket]
	ring := func(name, doc string, get func(*netstat.PacketSocket) *netstat.PacketRing) []table.Field[Row[netstat.PacketSocket]] {
		number := func(suffix, unit string, of func(*netstat.PacketRing) uint32) table.Field[Row[netstat.PacketSocket]] {
			return field(name+suffix, table.Integer, unit+" of the "+doc+" ring", func(v *netstat.PacketSocket) table.Value {
				if r := get(v); r != nil {
					return table.Uint(of(r))
				}
				return table.Value{}
			})
		}
		return []table.Field[Row[netstat.PacketSocket]]{
			number("BlockSize", "bytes of a block", func(r *netstat.PacketRing) uint32 { return r.BlockSize }),
			number("Blocks", "blocks", func(r *netstat.PacketRing) uint32 { return r.Blocks }),
			number("FrameSize", "bytes of a frame", func(r *netstat.PacketRing) uint32 { return r.FrameSize }),
			number("Frames", "frames", func(r *netstat.PacketRing) uint32 { return r.Frames }),
		}
	}
	fields := []table.Field[Row[netstat.PacketSocket]]{
		field("type", table.String, "`raw` with the link header, `dgram` without", func(v *netstat.PacketSocket) table.Value { return table.Text(v.Type.String()) }),
		field("protocol", table.String, "EtherType that it receives, by name or in hexadecimal: `all`, `ipv4`, `0x88cc`", func(v *netstat.PacketSocket) table.Value { return table.Text(etherType(v.Protocol)) }),
		interfaceField("interface", "interface that it is bound to; absent for all", func(v *netstat.PacketSocket) uint32 { return v.Interface }),
		field("flags", table.Strings, "flags that are set", func(v *netstat.PacketSocket) table.Value {
			if v.Flags == 0 {
				return table.Value{}
			}
			return table.Words(strings.Split(v.Flags.String(), ","))
		}),
		field("ringVersion", table.Integer, "of the rings' headers: 0 for TPACKET_V1", func(v *netstat.PacketSocket) table.Value { return table.Uint(v.Version) }),
	}
	fields = append(fields, ring("receiveRing", "receive", func(v *netstat.PacketSocket) *netstat.PacketRing { return v.Receive })...)
	fields = append(fields, ring("transmitRing", "transmit", func(v *netstat.PacketSocket) *netstat.PacketRing { return v.Transmit })...)
	fields = append(fields,
		field("fanoutGroup", table.Integer, "group that shares packets out", func(v *netstat.PacketSocket) table.Value {
			f, known := v.Fanout.Get()
			if !known {
				return table.Value{}
			}
			return table.Uint(f.Group)
		}),
		field("fanoutMode", table.String, "how it does: `hash`, `cpu`, ...", func(v *netstat.PacketSocket) table.Value {
			f, known := v.Fanout.Get()
			if !known {
				return table.Value{}
			}
			return table.Text(f.String())
		}),
		field("filterInstructions", table.Integer, "length of the classic BPF filter, 0 without one; with CAP_NET_ADMIN only", func(v *netstat.PacketSocket) table.Value {
			filter, known := v.Filter.Get()
			if !known {
				return table.Value{}
			}
			return table.Int(len(filter) / instruction)
		}),
		field("filter", table.String, "the filter's bytes in hexadecimal, 8 for an instruction", func(v *netstat.PacketSocket) table.Value {
			filter, _ := v.Filter.Get()
			return table.Text(fmt.Sprintf("%x", filter))
		}),
		field("receiveMemory", table.Integer, "bytes of packets that wait, with overhead", func(v *netstat.PacketSocket) table.Value {
			return memoryValue(v.Memory, func(m *netstat.SocketMemory) uint32 { return m.Received })
		}),
		field("receiveBuffer", table.Integer, "bytes that they may become", func(v *netstat.PacketSocket) table.Value {
			return memoryValue(v.Memory, func(m *netstat.SocketMemory) uint32 { return m.ReceiveBuffer })
		}),
		field("drops", table.Integer, "packets dropped for lack of buffer; unknown with a receive ring", func(v *netstat.PacketSocket) table.Value { return uintValue(v.Drops) }),
		field("uid", table.User, "user that owns the socket", func(v *netstat.PacketSocket) table.Value { return uintValue(v.UID) }),
		field("inode", table.Integer, "inode in sockfs", func(v *netstat.PacketSocket) table.Value { return table.Uint(v.Inode) }),
		field("processes", table.Objects, "processes that hold the socket", func(v *netstat.PacketSocket) table.Value { return processesValue(v.Processes) }),
	)
	k := newKind("packet", "a packet socket", fields...)
	k.Aliases = map[string][]string{"dev": {"interface"}, "process": {"processes"}, "pid": {"processes"}, "user": {"uid"}}
	return k
}

// memoryValue is the value of one of a socket's amounts of memory.
func memoryValue(o netstat.Optional[netstat.SocketMemory], get func(*netstat.SocketMemory) uint32) table.Value {
	m, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Uint(get(&m))
}
