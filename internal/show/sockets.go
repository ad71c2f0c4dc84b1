package show

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// stateNames are net-tools' names of states.
var stateNames = [...]string{
	netstat.Established: "ESTABLISHED", netstat.SynSent: "SYN_SENT", netstat.SynReceived: "SYN_RECV",
	netstat.FinWait1: "FIN_WAIT1", netstat.FinWait2: "FIN_WAIT2", netstat.TimeWait: "TIME_WAIT",
	netstat.Close: "CLOSE", netstat.CloseWait: "CLOSE_WAIT", netstat.LastAck: "LAST_ACK",
	netstat.Listen: "LISTEN", netstat.Closing: "CLOSING", netstat.NewSynReceived: "SYN_RECV",
	netstat.Bound: "BOUND", netstat.CookieWait: "COOKIE_WAIT", netstat.CookieEchoed: "COOKIE_ECHOED",
	netstat.ShutdownPending: "SHUTDOWN_PENDING", netstat.ShutdownSent: "SHUTDOWN_SENT",
	netstat.ShutdownReceived: "SHUTDOWN_RECEIVED", netstat.ShutdownAckSent: "SHUTDOWN_ACK_SENT",
}

// hasStates reports whether a protocol's sockets have more states than being
// connected or not.
func hasStates(p netstat.Protocol) bool {
	return p == netstat.TCP || p == netstat.MPTCP || p == netstat.SCTP
}

func stateName(s *netstat.Socket) string {
	switch {
	case !hasStates(s.Protocol) && s.State == netstat.Close:
		return ""
	case int(s.State) < len(stateNames) && stateNames[s.State] != "":
		return stateNames[s.State]
	}
	return s.State.String()
}

// protocolName is net-tools' name of a protocol over a family.
func protocolName(s *netstat.Socket) string {
	v6 := s.Family == netstat.IPv6
	switch s.Protocol {
	case netstat.TCP:
		if v6 {
			return "tcp6"
		}
		return "tcp"
	case netstat.UDP:
		if v6 {
			return "udp6"
		}
		return "udp"
	}
	name := s.Protocol.String()
	if s.Protocol == netstat.UDPLite {
		name = "udpl"
	}
	if v6 {
		name += "6"
	}
	return name
}

// serviceProtocol is what services(5) calls a protocol.
func serviceProtocol(p netstat.Protocol) string {
	switch p {
	case netstat.TCP, netstat.MPTCP:
		return "tcp"
	case netstat.UDP, netstat.UDPLite:
		return "udp"
	case netstat.SCTP:
		return "sctp"
	}
	return ""
}

// portName returns the name of a port, empty if it has none. That of a raw socket
// is an Internet protocol.
func (s *Session) portName(p netstat.Protocol, port uint16) string {
	if p == netstat.Raw {
		return s.rawNames[port]
	}
	return s.services.Name(port, serviceProtocol(p))
}

// appendEndpoint appends an address and a port, by name where names are wanted.
func (s *Session) appendEndpoint(b []byte, src *Source, p netstat.Protocol, e netip.AddrPort) []byte {
	a := e.Addr()
	switch {
	case !a.IsValid():
		b = append(b, '*')
	case s.numericHosts():
		b = appendAddr(b, src, a)
	default:
		if name := s.resolver.Host(a); name != "" {
			b = table.AppendEscaped(b, name)
		} else if a.Is6() && !a.Is4In6() {
			b = append(appendAddr(append(b, '['), src, a), ']')
		} else {
			b = appendAddr(b, src, a)
		}
	}
	b = append(b, ':')
	if e.Port() == 0 {
		return append(b, '*')
	}
	if !s.numericPorts() {
		if name := s.portName(p, e.Port()); name != "" {
			return table.AppendEscaped(b, name)
		}
	}
	return strconv.AppendUint(b, uint64(e.Port()), 10)
}

// appendTimer appends a timer as net-tools does: its name, the seconds until it
// fires, and how often segments and probes have been sent without an answer.
func appendTimer(b []byte, s *netstat.Socket) []byte {
	timer, known := s.Timer.Get()
	if !known {
		return append(b, '-')
	}
	var retransmits, probes uint8
	name := timer.String()
	switch timer {
	case netstat.TimerRetransmit:
		retransmits = s.Retransmits.Or(0)
	case netstat.TimerKeepalive:
		probes = s.Retransmits.Or(0)
	case netstat.TimerProbe:
		name, probes = "probe", s.Retransmits.Or(0)
	}
	b = append(append(b, name...), " ("...)
	b = strconv.AppendFloat(b, s.Expires.Or(0).Seconds(), 'f', 2, 64)
	b = strconv.AppendUint(append(b, '/'), uint64(retransmits), 10)
	b = strconv.AppendUint(append(b, '/'), uint64(probes), 10)
	return append(b, ')')
}

// appendProcesses appends "PID/name" of each process, or a dash.
func appendProcesses(b []byte, o netstat.Optional[[]netstat.Process]) []byte {
	processes, _ := o.Get()
	if len(processes) == 0 {
		return append(b, '-')
	}
	for i := range processes {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(processes[i].PID), 10)
		if name := processes[i].Name; name != "" {
			b = table.AppendEscaped(append(b, '/'), name)
		}
	}
	return b
}

func processesValue(o netstat.Optional[[]netstat.Process]) table.Value {
	processes, known := o.Get()
	if !known {
		return table.Value{}
	}
	objects := make([]table.Object, len(processes))
	for i, p := range processes {
		objects[i] = table.Object{{Name: "pid", Value: table.Int(p.PID)}, {Name: "name", Value: table.Text(p.Name)}}
		if fd, known := p.FD.Get(); known {
			objects[i] = append(objects[i], table.Member{Name: "fd", Value: table.Int(fd)})
		}
	}
	return table.List(objects)
}

func (s *Session) appendUser(b []byte, uid netstat.Optional[uint32]) []byte {
	n, known := uid.Get()
	if !known {
		return append(b, '-')
	}
	if !s.numericUsers() {
		if name := s.resolver.User(n); name != "" {
			return table.AppendEscaped(b, name)
		}
	}
	return strconv.AppendUint(b, uint64(n), 10)
}

// stateColour makes stand out what somebody looks for first.
func stateColour(r *Row[netstat.Socket]) table.Colour {
	switch r.v.State {
	case netstat.Listen:
		return table.Green
	case netstat.TimeWait:
		return table.Dim
	case netstat.CloseWait, netstat.SynSent, netstat.SynReceived, netstat.NewSynReceived:
		return table.Yellow
	}
	return table.Plain
}

// endpointColumns are the two ends of a connection.
func (s *Session) endpointColumns() []table.Column[Row[netstat.Socket]] {
	const width = 23
	return []table.Column[Row[netstat.Socket]]{
		{Heading: "Local Address", Width: width, Append: func(b []byte, r *Row[netstat.Socket]) []byte {
			return s.appendEndpoint(b, r.from, r.v.Protocol, r.v.Local)
		}},
		{Heading: "Foreign Address", Width: width, Append: func(b []byte, r *Row[netstat.Socket]) []byte {
			return s.appendEndpoint(b, r.from, r.v.Protocol, r.v.Remote)
		}},
	}
}

func protocolColumn() table.Column[Row[netstat.Socket]] {
	return columnOf("Proto", 5, false, func(b []byte, v *netstat.Socket) []byte { return append(b, protocolName(v)...) })
}

// socketColumns are the columns that the flags ask for.
func (s *Session) socketColumns() []table.Column[Row[netstat.Socket]] {
	columns := []table.Column[Row[netstat.Socket]]{
		protocolColumn(),
		columnOf("Recv-Q", 6, true, func(b []byte, v *netstat.Socket) []byte { return s.appendKnownBytes(b, v.ReceiveQueue) }),
		columnOf("Send-Q", 6, true, func(b []byte, v *netstat.Socket) []byte { return s.appendKnownBytes(b, v.SendQueue) }),
	}
	columns = append(columns, s.endpointColumns()...)
	state := columnOf("State", 11, false, func(b []byte, v *netstat.Socket) []byte { return append(b, stateName(v)...) })
	state.Colour = stateColour
	columns = append(columns, state)
	if s.Extend > 0 {
		columns = append(columns,
			columnOf("User", 10, false, func(b []byte, v *netstat.Socket) []byte { return s.appendUser(b, v.UID) }),
			columnOf("Inode", 10, false, func(b []byte, v *netstat.Socket) []byte { return appendKnown(b, v.Inode) }))
	}
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", 20, false, func(b []byte, v *netstat.Socket) []byte {
			return appendProcesses(b, v.Processes)
		}))
	}
	if s.Timers {
		columns = append(columns, columnOf("Timer", 0, false, appendTimer))
	}
	if s.Buffers {
		columns = append(columns, s.memoryColumns()...)
	}
	if s.Extend > 1 {
		columns = append(columns, s.optionColumns()...)
	}
	return columns
}

// memoryColumns are those of --buffers.
func (s *Session) memoryColumns() []table.Column[Row[netstat.Socket]] {
	column := func(heading string, field func(*netstat.SocketMemory) uint32) table.Column[Row[netstat.Socket]] {
		return columnOf(heading, 6, true, func(b []byte, v *netstat.Socket) []byte {
			if v.Detail == nil {
				return append(b, '-')
			}
			m, known := v.Detail.Memory.Pointer()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, uint64(field(m)))
		})
	}
	return []table.Column[Row[netstat.Socket]]{
		column("R-Mem", func(m *netstat.SocketMemory) uint32 { return m.Received }),
		column("R-Buf", func(m *netstat.SocketMemory) uint32 { return m.ReceiveBuffer }),
		column("S-Mem", func(m *netstat.SocketMemory) uint32 { return m.Transmitted }),
		column("S-Buf", func(m *netstat.SocketMemory) uint32 { return m.SendBuffer }),
		column("Forward", func(m *netstat.SocketMemory) uint32 { return m.ForwardAlloc }),
		column("Queued", func(m *netstat.SocketMemory) uint32 { return m.TransmitQueued }),
		column("Options", func(m *netstat.SocketMemory) uint32 { return m.OptionMemory }),
		column("Backlog", func(m *netstat.SocketMemory) uint32 { return m.Backlog }),
		columnOf("Drops", 6, true, func(b []byte, v *netstat.Socket) []byte {
			if v.Detail == nil {
				return append(b, '-')
			}
			return appendKnown(b, v.Detail.Drops)
		}),
	}
}

// optionColumns are those of -ee.
func (s *Session) optionColumns() []table.Column[Row[netstat.Socket]] {
	column := func(heading string, cell func([]byte, *netstat.SocketDetail) []byte) table.Column[Row[netstat.Socket]] {
		return columnOf(heading, 0, false, func(b []byte, v *netstat.Socket) []byte {
			start := len(b)
			if v.Detail != nil {
				b = cell(b, v.Detail)
			}
			if len(b) == start {
				b = append(b, '-')
			}
			return b
		})
	}
	return []table.Column[Row[netstat.Socket]]{
		interfaceColumn("Device", 0, func(v *netstat.Socket) uint32 { return v.Interface.Or(0) }),
		column("Congestion", func(b []byte, d *netstat.SocketDetail) []byte {
			if d.Congestion == nil {
				return b
			}
			return table.AppendEscaped(b, d.Congestion.Name)
		}),
		column("TOS", func(b []byte, d *netstat.SocketDetail) []byte {
			if tos, known := d.TOS.Get(); known {
				return strconv.AppendUint(append(b, "0x"...), uint64(tos), 16)
			}
			return b
		}),
		column("Mark", func(b []byte, d *netstat.SocketDetail) []byte {
			if mark, known := d.Mark.Get(); known {
				return strconv.AppendUint(append(b, "0x"...), uint64(mark), 16)
			}
			return b
		}),
		column("Flags", func(b []byte, d *netstat.SocketDetail) []byte {
			if flags, known := d.Flags.Get(); known {
				return append(b, flags.String()...)
			}
			return b
		}),
		column("Cgroup", func(b []byte, d *netstat.SocketDetail) []byte {
			if group, known := d.CGroup.Get(); known {
				return table.AppendEscaped(b, group.Path)
			}
			return b
		}),
	}
}

// details are what the flags, the filter and the order need to be read.
func (s *Session) details(needed netstat.SocketDetails) netstat.SocketDetails {
	if s.Extend > 1 {
		needed |= netstat.AllDetails
	}
	if s.Buffers {
		needed |= netstat.DetailMemory
	}
	if s.TCPDetail {
		needed |= netstat.DetailTCPInfo | netstat.DetailCongestion
	}
	return needed
}

// listed reports whether a socket is one that -a, -l or neither of them shows, or
// that a filter asks for by its state.
func (s *Session) listed(v *netstat.Socket) bool {
	return s.All || v.IsListener() == s.Listening || s.asked && v.State == netstat.Listen
}

// which is what stands in the title.
func (s *Session) which() string {
	switch {
	case s.All:
		return "(servers and established)"
	case s.Listening:
		return "(only servers)"
	}
	return "(w/o servers)"
}

// showSockets shows the sockets of Internet protocols.
func (s *Session) showSockets() error {
	columns, title := s.socketColumns(), "Active Internet connections "+s.which()
	if s.TCPDetail {
		columns, title = s.tcpColumns(), "TCP connections "+s.which()
	}
	kind := newSocketKind()
	p, expr, err := newPrinter(s, kind.Kind, columns)
	if err != nil {
		return err
	}
	s.out.Title(title)
	s.asked = kind.names(expr, netstat.Listen)
	q := netstat.SocketQuery{Families: s.families(), Details: s.details(kind.needs(expr, s.Sort)), Processes: s.Programs || kind.asksFor(expr, s.Sort, "processes")}
	marks := s.Extend > 1 || kind.asksFor(expr, s.Sort, "mark")
	w := window[netstat.Socket]{s: s, printer: p, prepare: s.lookUp, whole: true}
	var r Row[netstat.Socket]
	for _, src := range s.sources {
		r.from = src
		q.Filter, q.States = kind.push(expr, src)
		q.States = withBound(q.States, kind, expr)
		if err := s.shareOwners(src, &q.Processes, &q.Owners); err != nil {
			return err
		}
		for _, protocol := range s.protocols() {
			q.Protocols = []netstat.Protocol{protocol.Protocol}
			for v, err := range src.stack.Sockets(s.ctx, s.narrowed(q)) {
				if err != nil {
					if s.ctx.Err() != nil {
						return err
					}
					s.lacks(protocol.String()+" sockets", src, err, protocol.asked)
					break
				}
				if !s.listed(&v) {
					continue
				}
				device, known := v.Interface.Get()
				if s.Interface != "" && !known {
					s.complain("interfaces that "+protocol.String()+" sockets are bound to", src, netstat.ErrNotSupported)
					break
				}
				if !s.shows(src, device) {
					continue
				}
				if marks && hidesMark(&v) {
					s.note("(Marks of sockets could not be read: they are told with CAP_NET_ADMIN only.)")
				}
				if v.State == netstat.Listen && !v.Remote.IsValid() {
					v.Remote = anyPeer(v.Family) // MIBs leave it out
				}
				r.v = v
				if err := w.row(&r); err != nil {
					return err
				}
			}
		}
	}
	return w.close()
}

// hidesMark reports whether a socket that has a mark came without it. What stands
// for a connection that has no socket has none, and no owner either.
func hidesMark(v *netstat.Socket) bool {
	return v.Detail != nil && v.UID.IsKnown() && !v.Detail.Mark.IsKnown() && !fromProc(v)
}

// fromProc reports whether a socket is one of /proc/net, which tells neither its
// device nor its mark to anybody: raw and ICMP sockets, where sock_diag(7) has none.
func fromProc(v *netstat.Socket) bool {
	return (v.Protocol == netstat.Raw || v.Protocol == netstat.ICMP) && !v.Cookie.IsKnown()
}

// anyPeer is the other end of a listener, as a kernel has it.
func anyPeer(f netstat.Family) netip.AddrPort {
	if f == netstat.IPv6 {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
}

// allStates are all that a socket can be in.
const allStates = 1<<(netstat.ShutdownAckSent+1) - 1

// withBound adds sockets that are bound and no more, which are left out unless they
// are asked for, to what a query asks for, where a filter can be true for one.
func withBound(st netstat.StateSet, k *socketKind, expr *filter.Expr) netstat.StateSet {
	if expr == nil || st != 0 || !k.possible(expr, netstat.Bound) {
		return st
	}
	return allStates
}

// narrowed leaves listeners, or all others, to the kernel to pass over.
func (s *Session) narrowed(q netstat.SocketQuery) netstat.SocketQuery {
	if s.All || !hasStates(q.Protocols[0]) {
		return q
	}
	wanted := netstat.StateSet(allStates)
	if !s.asked {
		wanted &^= netstat.States(netstat.Listen)
	}
	if s.Listening {
		wanted = netstat.States(netstat.Listen)
	}
	if q.States != 0 {
		wanted &= q.States
	} else {
		wanted &^= netstat.States(netstat.Bound)
	}
	if wanted == 0 {
		// No socket fulfils both: one state more or less does not matter then,
		// since listed and the filter decide.
		wanted = netstat.States(netstat.Listen)
	}
	q.States = wanted
	return q
}

// lookUp begins to look for the names in a row.
func (s *Session) lookUp(r *Row[netstat.Socket]) {
	if !s.numericHosts() {
		s.resolver.StartHost(r.v.Local.Addr())
		s.resolver.StartHost(r.v.Remote.Addr())
	}
	if uid, known := r.v.UID.Get(); known && s.Extend > 0 && !s.numericUsers() {
		s.resolver.StartUser(uid)
	}
}

// shareOwners takes one look at all processes for every query that follows, and
// says when some of them may not be looked at.
func (s *Session) shareOwners(src *Source, processes *bool, owners **netstat.SocketOwners) error {
	reader, ok := src.stack.(netstat.SocketOwnerReader)
	if !*processes || !ok {
		return nil
	}
	if s.owners == nil {
		found, err := reader.SocketOwners(s.ctx)
		if err != nil {
			if s.ctx.Err() != nil {
				return err
			}
			// A recording may have the processes in its sockets alone.
			if !errors.Is(err, netstat.ErrNotSupported) {
				s.complain("the processes of sockets", src, err)
				*processes = false
			}
			return nil
		}
		s.owners = found
		if !found.Complete() {
			s.note("(Not all processes could be identified: " + hiddenProcesses(found) + ".\n" +
				" Root, or CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH, sees what they hold, unless a security module forbids it.)")
		}
	}
	*owners = s.owners
	return nil
}

// hiddenProcesses tells which are not seen, a few of them by their PIDs.
func hiddenProcesses(o *netstat.SocketOwners) string {
	if o.Invisible {
		return "those of other users may not be looked into"
	}
	const most = 4
	text := strconv.Itoa(o.Hidden) + " may not be looked into"
	for i, pid := range o.HiddenPIDs {
		if i == most {
			return text + ", ..."
		}
		text += []string{": PID ", ", "}[min(i, 1)] + strconv.Itoa(int(pid))
	}
	return text
}

// protocol is a protocol to show.
type protocol struct {
	netstat.Protocol
	asked bool // by name
}

// protocols are those that the flags name, or all of them, in net-tools' order.
func (s *Session) protocols() []protocol {
	if s.TCPDetail && !s.NamesProtocol() {
		return []protocol{{netstat.TCP, true}}
	}
	asked := []struct {
		protocol netstat.Protocol
		flag     bool
	}{
		{netstat.TCP, s.TCP}, {netstat.MPTCP, s.MPTCP}, {netstat.SCTP, s.SCTP}, {netstat.UDP, s.UDP},
		{netstat.UDPLite, s.UDPLite}, {netstat.Raw, s.Raw}, {netstat.ICMP, s.ICMP},
	}
	var found []protocol
	for _, a := range asked {
		// The subflows of Multipath TCP are TCP sockets, and are shown as such.
		if a.flag || !s.NamesProtocol() && a.protocol != netstat.MPTCP {
			found = append(found, protocol{a.protocol, a.flag})
		}
	}
	return found
}

// endpoints yields sockets of another address family than the Internet's.
func endpoints[R, T any](s *Session, what string, read func(R, context.Context, netstat.EndpointQuery) iter.Seq2[T, error], asked bool, show func(*Row[T]) error) error {
	q := netstat.EndpointQuery{Memory: s.Buffers || s.Extend > 1, Processes: s.Programs, References: true}
	var r Row[T]
	for _, src := range s.sources {
		reader, ok := src.stack.(R)
		if !ok {
			s.lacks(what, src, netstat.ErrNotSupported, asked)
			continue
		}
		if err := s.shareOwners(src, &q.Processes, &q.Owners); err != nil {
			return err
		}
		r.from = src
		for v, err := range read(reader, s.ctx, q) {
			if err != nil {
				if s.ctx.Err() != nil {
					return err
				}
				s.lacks(what, src, err, asked)
				break
			}
			r.v = v
			if err := show(&r); err != nil {
				return err
			}
		}
	}
	return nil
}
