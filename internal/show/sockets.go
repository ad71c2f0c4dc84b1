package show

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"

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

// appendAddress appends an address, by name where names are wanted.
func (s *Session) appendAddress(b []byte, src *Source, a netip.Addr) []byte {
	switch {
	case !a.IsValid():
		b = append(b, '*')
	case s.numericHosts():
		b = appendAddr(b, src, a)
	default:
		if name := s.resolver.Host(a); name != "" {
			b = table.AppendEscaped(b, name)
		} else if a == netip.IPv6Unspecified() {
			b = append(b, "[::]"...)
		} else {
			b = appendAddr(b, src, a)
		}
	}
	return b
}

// appendEndpoint appends an address and a port, by name where names are wanted.
func (s *Session) appendEndpoint(b []byte, src *Source, p netstat.Protocol, e netip.AddrPort) []byte {
	b = append(s.appendAddress(b, src, e.Addr()), ':')
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

// programWidth is how long net-tools lets a PID with its program's name be. What programs call
// themselves by may be a sentence.
const programWidth = 19

// appendProgram appends a process as net-tools does: its PID, and what it was called by, without
// the folder that it is in, and with dots in place of what is not printable ASCII.
func appendProgram(b []byte, p *netstat.Process) []byte {
	start := len(b)
	b = append(strconv.AppendInt(b, int64(p.PID), 10), '/')
	name := cmp.Or(p.Program, p.Name)
	if strings.HasPrefix(name, "/") {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	if name == "" {
		return b[:len(b)-1]
	}
	for _, c := range []byte(name) {
		if len(b)-start == programWidth {
			break
		}
		if c < ' ' || c > '~' {
			c = '.'
		}
		b = append(b, c)
	}
	return b
}

// appendHolder appends the first process that holds a socket, or a dash. With -ee all of them
// are told.
func (s *Session) appendHolder(b []byte, o netstat.Optional[[]netstat.Process]) []byte {
	if processes, _ := o.Get(); len(processes) > 1 && s.Extend < 2 {
		o = netstat.Known(processes[:1])
	}
	return appendProcesses(b, o)
}

// appendProcesses appends each process, or a dash.
func appendProcesses(b []byte, o netstat.Optional[[]netstat.Process]) []byte {
	processes, _ := o.Get()
	if len(processes) == 0 {
		return append(b, '-')
	}
	for i := range processes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendProgram(b, &processes[i])
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
		if p.Program != "" {
			objects[i] = append(objects[i], table.Member{Name: "program", Value: table.Text(p.Program)})
		}
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

// queueColumns are a socket's protocol and what waits in it.
func (s *Session) queueColumns() []table.Column[Row[netstat.Socket]] {
	return []table.Column[Row[netstat.Socket]]{
		protocolColumn(),
		columnOf("Recv-Q", 6, true, func(b []byte, v *netstat.Socket) []byte { return s.appendKnownBytes(b, v.ReceiveQueue) }),
		columnOf("Send-Q", 6, true, func(b []byte, v *netstat.Socket) []byte { return s.appendKnownBytes(b, v.SendQueue) }),
	}
}

func (s *Session) programsColumn() table.Column[Row[netstat.Socket]] {
	return columnOf("PID/Program name", programWidth+1, false, func(b []byte, v *netstat.Socket) []byte { return s.appendHolder(b, v.Processes) })
}

// socketColumns are the columns that the flags ask for.
func (s *Session) socketColumns() []table.Column[Row[netstat.Socket]] {
	columns := append(s.queueColumns(), s.endpointColumns()...)
	sendQueue := &columns[2]
	of := sendQueue.Append
	sendQueue.Append = func(b []byte, r *Row[netstat.Socket]) []byte {
		if r.v.State == netstat.Listen && r.v.SendQueue.IsKnown() {
			return append(b, '0') // as net-tools has it: no data waits there
		}
		return of(b, r)
	}
	state := columnOf("State", 11, false, func(b []byte, v *netstat.Socket) []byte { return append(b, stateName(v)...) })
	state.Colour, state.Filled = stateColour, true // scripts look for "LISTEN ", and not LISTENING
	columns = append(columns, state)
	if s.Extend > 0 {
		columns = append(columns,
			columnOf("User", 10, false, func(b []byte, v *netstat.Socket) []byte { return s.appendUser(b, v.UID) }),
			columnOf("Inode", 10, false, func(b []byte, v *netstat.Socket) []byte { return appendKnown(b, v.Inode) }))
	}
	if s.Programs {
		columns = append(columns, s.programsColumn())
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

// Sockets is the table of the sockets of Internet protocols.
func Sockets() Table {
	return socketTable(func(o *Options) string { return "Active Internet connections " + o.which() }, (*Session).socketColumns, 0)
}

// TCPConnections is the table of how TCP connections fare.
func TCPConnections() Table {
	return socketTable(func(o *Options) string { return "TCP connections " + o.which() }, (*Session).tcpColumns, netstat.DetailTCPInfo|netstat.DetailCongestion, netstat.TCP)
}

// socketTable declares a table of sockets, of those protocols unless others are
// chosen, with what its columns need to be read.
func socketTable(title func(*Options) string, columns func(*Session) []table.Column[Row[netstat.Socket]], details netstat.SocketDetails, protocols ...netstat.Protocol) *kind[netstat.Socket] {
	k := newSocketKind()
	return &kind[netstat.Socket]{
		Kind:    k.Kind,
		titled:  title,
		what:    "sockets",
		columns: columns,
		parts: func(ctx context.Context, q *query) ([]part[netstat.Socket], error) {
			return k.parts(ctx, q, details, protocols)
		},
		belongs:   by(func(v *netstat.Socket) uint32 { return v.Interface.Or(0) }),
		listening: table.Word(netstat.Listen.String()),
		keep: func(q *query, v *netstat.Socket) bool {
			return q.All || v.IsListener() == q.Listening || q.listeners && v.State == netstat.Listen
		},
		names:  namesInterface,
		lookUp: lookUpSocket,
		whole:  true,
	}
}

// namesInterface reports whether a socket is bound to an interface, or an address of
// it has one as its zone.
func namesInterface(v *netstat.Socket) bool {
	return v.Interface.Or(0) != 0 || v.Detail != nil && v.Detail.Options != nil && v.Detail.Options.BindToDevice.Or(0) != 0 || v.Local.Addr().Zone() != "" || v.Remote.Addr().Zone() != ""
}

// lookUpSocket begins to look for the names in a row.
func lookUpSocket(s *Session, r *Row[netstat.Socket]) {
	if !s.numericHosts() {
		s.resolver.StartHost(r.v.Local.Addr())
		s.resolver.StartHost(r.v.Remote.Addr())
	}
	if uid, known := r.v.UID.Get(); known && s.Extend > 0 && !s.numericUsers() {
		s.resolver.StartUser(uid)
	}
}

// parts are the sockets of each protocol.
func (k *socketKind) parts(ctx context.Context, q *query, details netstat.SocketDetails, protocols []netstat.Protocol) (parts []part[netstat.Socket], err error) {
	ask := netstat.SocketQuery{Families: q.families(), Details: details | k.needs(q.expr, q.Sort), Processes: q.Programs || k.asksFor(q.expr, q.Sort, "processes")}
	if q.Extend > 1 {
		ask.Details |= netstat.AllDetails
	}
	if q.Buffers {
		ask.Details |= netstat.DetailMemory
	}
	if k.filtersBy(q.expr, "interface") {
		q.readNames(ctx, q.src)
	}
	ask.Filter, ask.States = k.push(q.expr, q.src)
	ask.States = k.withBound(ask.States, q.expr)
	if err := q.shareOwners(ctx, q.src, &ask.Processes, &ask.Owners); err != nil {
		return nil, err
	}
	if ask.Details.Has(netstat.DetailSocketOptions) {
		q.readNewSockets(ctx, q.src, q.Changed || k.asksFor(q.expr, q.Sort, changedOptionsField))
	}
	marks := q.Extend > 1 || k.asksFor(q.expr, q.Sort, "mark")
	for _, protocol := range q.protocols(protocols...) {
		of := ask
		of.Protocols = []netstat.Protocol{protocol.Protocol}
		of = q.narrowed(of)
		parts = append(parts, part[netstat.Socket]{
			what: protocol.String() + " sockets", optional: !protocol.asked, apart: true,
			read: func(ctx context.Context, q *query) iter.Seq2[netstat.Socket, error] {
				return q.src.Stack.Sockets(ctx, of)
			},
			complete: func(v *netstat.Socket) error { return q.complete(v, marks) },
		})
	}
	return parts, nil
}

// complete makes of a socket what is shown of it.
func (q *query) complete(v *netstat.Socket, marks bool) error {
	if len(q.Interfaces) > 0 && !v.Interface.IsKnown() {
		return fmt.Errorf("interfaces that they are bound to: %w", netstat.ErrNotSupported)
	}
	if marks && hidesMark(v) {
		q.note("(Marks of sockets could not be read: they are told with CAP_NET_ADMIN only.)")
	}
	if v.State == netstat.Listen && !v.Remote.IsValid() {
		v.Remote = anyPeer(v.Family) // MIBs leave it out
	}
	return nil
}

// allStates are all that a socket can be in.
const allStates = 1<<(netstat.ShutdownAckSent+1) - 1

// withBound adds sockets that are bound and no more, which are left out unless they
// are asked for, to what a query asks for, where a filter can be true for one.
func (k *socketKind) withBound(st netstat.StateSet, expr *filter.Expr) netstat.StateSet {
	if expr == nil || st != 0 || !k.possible(expr, netstat.Bound) {
		return st
	}
	return allStates
}

// narrowed leaves listeners, or all others, to the kernel to pass over.
func (q *query) narrowed(ask netstat.SocketQuery) netstat.SocketQuery {
	if q.All || !hasStates(ask.Protocols[0]) {
		return ask
	}
	wanted := netstat.StateSet(allStates)
	if !q.listeners {
		wanted &^= netstat.States(netstat.Listen)
	}
	if q.Listening {
		wanted = netstat.States(netstat.Listen)
	}
	if ask.States != 0 {
		wanted &= ask.States
	} else {
		wanted &^= netstat.States(netstat.Bound)
	}
	if wanted == 0 {
		// No socket fulfils both: one state more or less does not matter then,
		// since keep and the filter decide.
		wanted = netstat.States(netstat.Listen)
	}
	ask.States = wanted
	return ask
}

// which is what stands in the title.
func (o *Options) which() string {
	switch {
	case o.All:
		return "(servers and established)"
	case o.Listening:
		return "(only servers)"
	}
	return "(w/o servers)"
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

// shareOwners takes one look at all processes for every query that follows, and
// says when some of them may not be looked at.
func (s *Session) shareOwners(ctx context.Context, src *Source, processes *bool, owners **netstat.SocketOwners) error {
	reader, ok := src.Stack.(netstat.SocketOwnerReader)
	if !*processes || !ok {
		return nil
	}
	if s.owners == nil {
		found, err := reader.SocketOwners(ctx)
		if err != nil {
			if ctx.Err() != nil {
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
			s.noteOf("processes", "(Not all processes could be identified: "+hiddenProcesses(found)+".\n"+
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

// protocols are those that the options choose, or else those that are given, or all of
// them, in net-tools' order.
func (o *Options) protocols(otherwise ...netstat.Protocol) []protocol {
	if len(otherwise) > 0 && !o.NamesProtocol() {
		var found []protocol
		for _, p := range otherwise {
			found = append(found, protocol{p, true})
		}
		return found
	}
	asked := []struct {
		protocol netstat.Protocol
		flag     bool
	}{
		{netstat.TCP, o.TCP}, {netstat.MPTCP, o.MPTCP}, {netstat.SCTP, o.SCTP}, {netstat.UDP, o.UDP},
		{netstat.UDPLite, o.UDPLite}, {netstat.Raw, o.Raw}, {netstat.ICMP, o.ICMP},
	}
	var found []protocol
	for _, a := range asked {
		// The subflows of Multipath TCP are TCP sockets, and are shown as such.
		if a.flag || !o.NamesProtocol() && a.protocol != netstat.MPTCP {
			found = append(found, protocol{a.protocol, a.flag})
		}
	}
	return found
}
