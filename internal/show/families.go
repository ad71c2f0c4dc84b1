package show

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// listEndpoints shows a listing of sockets of an address family that was named.
func listEndpoints[R, T any](s *Session, l *listing[T], read func(R, context.Context, netstat.EndpointQuery) iter.Seq2[T, error]) error {
	p, err := startListing(s, l)
	if err != nil {
		return err
	}
	if err := endpoints(s, l.title, read, true, p.Row); err != nil {
		return err
	}
	return p.Close()
}

func netlinkListing() *listing[netstat.NetlinkSocket] {
	type socket = netstat.NetlinkSocket
	field := fieldOf[socket]
	return newListing("Netlink sockets", "netlink", "a netlink socket",
		of("Proto", 10, field("protocol", table.String, "as ss(8) has it: `rtnl`, `genl`, ...", func(v *socket) table.Value { return table.Text(v.Protocol.String()) })),
		of("Recv-Q", 6, field("receiveQueue", table.Integer, "bytes not yet read, with overhead", func(v *socket) table.Value { return uintValue(v.ReceiveQueue) })),
		of("Drops", 6, field("drops", table.Integer, "messages lost because nobody read them in time", func(v *socket) table.Value { return uintValue(v.Drops) })),
		of("Port-ID", 10, field("portID", table.Integer, "address of the socket, 0 for the kernel's own", func(v *socket) table.Value { return table.Uint(v.PortID) })),
		of("I-Node", 8, field("inode", table.Integer, "inode in sockfs", func(v *socket) table.Value { return table.Uint(v.Inode) })),
		of("Groups", 10, field("groups", table.Strings, "numbers of the multicast groups that it receives", func(v *socket) table.Value {
			var groups []string
			for _, g := range v.Groups {
				groups = append(groups, strconv.FormatUint(uint64(g), 10))
			}
			return table.Words(groups)
		})),
		of("PID/Program name", 0, field("processes", table.Objects, "processes that hold the socket; with `-p`", func(v *socket) table.Value { return processesValue(v.Processes) })).shownAs(
			func(b []byte, v *socket) []byte { return appendProcesses(b, v.Processes) }),
	)
}

func (s *Session) showNetlink() error {
	return listEndpoints(s, netlinkListing(), netstat.NetlinkReader.NetlinkSockets)
}

func vsockListing() *listing[netstat.VsockSocket] {
	type socket = netstat.VsockSocket
	field := fieldOf[socket]
	return newListing("Sockets between virtual machines and their host", "vsock", "a vsock socket, of every namespace",
		of("Type", 10, field("type", table.String, "`stream`, `dgram` or `seqpacket`", func(v *socket) table.Value { return table.Text(v.Type.String()) })),
		of("Local Address", 23, field("local", table.String, "CID:PORT", func(v *socket) table.Value { return table.Text(v.Local.String()) })),
		of("Foreign Address", 23, field("remote", table.String, "CID:PORT", func(v *socket) table.Value { return table.Text(v.Remote.String()) })),
		of("State", 11, field("state", table.String, "", func(v *socket) table.Value { return table.Text(v.State.String()) })),
		of("PID/Program name", 0, field("processes", table.Objects, "processes that hold the socket; with `-p`", func(v *socket) table.Value { return processesValue(v.Processes) })).shownAs(
			func(b []byte, v *socket) []byte { return appendProcesses(b, v.Processes) }),
	)
}

func (s *Session) showVsock() error {
	return listEndpoints(s, vsockListing(), netstat.VsockReader.VsockSockets)
}

func xdpListing() *listing[netstat.XDPSocket] {
	type socket = netstat.XDPSocket
	field := fieldOf[socket]
	return newListing("XDP sockets", "xdp", "an XDP socket",
		ofInterface("Iface", 15, "interface", "interface that it is bound to", func(v *socket) uint32 { return v.Interface }),
		of("Queue", 5, field("queue", table.Integer, "queue that it is bound to", func(v *socket) table.Value { return table.Uint(v.Queue) })),
		of("RxRing", 7, field("receiveEntries", table.Integer, "entries of the receive ring", func(v *socket) table.Value { return uintValue(v.Receive) })),
		of("TxRing", 7, field("transmitEntries", table.Integer, "entries of the transmit ring", func(v *socket) table.Value { return uintValue(v.Transmit) })),
		of("Dropped", 8, field("receiveDropped", table.Integer, "packets", func(v *socket) table.Value {
			st, known := v.Statistics.Get()
			if !known {
				return table.Value{}
			}
			return table.Uint(st.ReceiveDropped + st.ReceiveFull)
		})),
		of("I-Node", 8, field("inode", table.Integer, "inode in sockfs", func(v *socket) table.Value { return table.Uint(v.Inode) })),
		of("PID/Program name", 0, field("processes", table.Objects, "processes that hold the socket; with `-p`", func(v *socket) table.Value { return processesValue(v.Processes) })).shownAs(
			func(b []byte, v *socket) []byte { return appendProcesses(b, v.Processes) }),
	)
}

func (s *Session) showXDP() error {
	return listEndpoints(s, xdpListing(), netstat.XDPReader.XDPSockets)
}

func smcListing() *listing[netstat.SMCSocket] {
	type socket = netstat.SMCSocket
	field := fieldOf[socket]
	end := func(a netip.AddrPort) table.Value {
		if !a.IsValid() {
			return table.Value{}
		}
		return table.Text(a.String())
	}
	return newListing("Sockets of Shared Memory Communications", "smc", "a socket of Shared Memory Communications",
		of("State", 15, field("state", table.String, "", func(v *socket) table.Value { return table.Text(v.State.String()) })),
		of("Local Address", 23, field("local", table.String, "ADDRESS:PORT", func(v *socket) table.Value { return end(v.Local) })),
		of("Foreign Address", 23, field("remote", table.String, "ADDRESS:PORT", func(v *socket) table.Value { return end(v.Remote) })),
		of("I-Node", 8, field("inode", table.Integer, "inode in sockfs", func(v *socket) table.Value { return table.Uint(v.Inode) })),
		of("PID/Program name", 0, field("processes", table.Objects, "processes that hold the socket; with `-p`", func(v *socket) table.Value { return processesValue(v.Processes) })).shownAs(
			func(b []byte, v *socket) []byte { return appendProcesses(b, v.Processes) }),
	)
}

func (s *Session) showSMC() error {
	return listEndpoints(s, smcListing(), netstat.SMCReader.SMCSockets)
}

func tipcListing() *listing[netstat.TIPCSocket] {
	type socket = netstat.TIPCSocket
	field := fieldOf[socket]
	return newListing("TIPC sockets", "tipc", "a TIPC socket",
		of("Type", 10, field("type", table.String, "", func(v *socket) table.Value { return table.Text(v.Type.String()) })),
		of("State", 13, field("state", table.String, "", func(v *socket) table.Value { return table.Text(v.State.String()) })),
		of("Address", 20, field("address", table.String, "NODE:REFERENCE in hexadecimal and decimal", func(v *socket) table.Value {
			return table.Text(fmt.Sprintf("%x:%d", v.Node, v.Reference))
		})),
		of("Recv-Q", 6, field("receiveQueue", table.Integer, "messages", func(v *socket) table.Value { return uintValue(v.ReceiveQueue) })),
		of("Drops", 6, field("drops", table.Integer, "messages", func(v *socket) table.Value { return uintValue(v.Drops) })),
		of("I-Node", 8, field("inode", table.Integer, "inode in sockfs", func(v *socket) table.Value { return table.Uint(v.Inode) })),
		of("PID/Program name", 0, field("processes", table.Objects, "processes that hold the socket; with `-p`", func(v *socket) table.Value { return processesValue(v.Processes) })).shownAs(
			func(b []byte, v *socket) []byte { return appendProcesses(b, v.Processes) }),
	)
}

func (s *Session) showTIPC() error {
	return listEndpoints(s, tipcListing(), netstat.TIPCReader.TIPCSockets)
}
