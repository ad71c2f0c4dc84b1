package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/sock_diag.h and inet_diag.h.
const (
	sockDiagByFamily    = 20 // SOCK_DIAG_BY_FAMILY
	sizeofInetDiagReqV2 = 56
	sizeofInetDiagMsg   = 72

	inetDiagReqBytecode = 1 // INET_DIAG_REQ_BYTECODE
	inetDiagReqProtocol = 3 // INET_DIAG_REQ_PROTOCOL
)

// allStates are those that a query for all of them selects: not TCP's sockets
// that are only bound.
const allStates = 1<<(netstat.NewSynReceived+1) - 2

// everyProtocol are those that a query without any selects, as far as the kernel
// has them.
var everyProtocol = [...]netstat.Protocol{
	netstat.TCP, netstat.UDP, netstat.UDPLite, netstat.Raw, netstat.ICMP, netstat.MPTCP, netstat.SCTP,
}

// Sockets yields the sockets of the namespace from sock_diag(7), and, where the
// kernel's sock_diag does not have them, raw and ICMP sockets from
// /proc/net/raw, icmp and the like, which tell neither the cookie nor the
// device that they are bound to nor any detail. Where sock_diag is refused (by a seccomp
// filter, say), or the kernel was built without it, sockets of TCP, UDP and UDP-Lite come from
// /proc/net/tcp and the like, and an error behind the rows that matches
// netstat.ErrUnknownValues says what is unknown in them. Multipath TCP's connections come
// besides the TCP connections that they consist of. A connection request is
// SynReceived whether it has a socket of its own yet or not; a query for
// NewSynReceived alone selects those that have not.
//
// The error for a protocol or family that q names and the kernel lacks comes
// after the rows of the others, and names the kernel's option.
//
// The kernel does the filtering where it can. For q.Filter.Mark, and
// SocketDetail.Mark, CAP_NET_ADMIN in the namespace is needed.
//
// With q.Processes, the owners are looked up in /proc/*/fd before the dump, and
// once more after it for sockets that were opened between the two; those are
// yielded last, or some thousands at a time where there are as many. Only
// processes that this process's PID namespace shows are seen.
func (k *Kernel) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		d := k.newSocketDump(&q, yield)
		options := k.optionsOf(&q)
		if options != nil {
			d.rows.by = append(d.rows.by, options)
		}
		families, err := k.families(q.Families)
		missing := []error{k.readError("dump sockets", err)}
		if err := d.rows.begin(ctx); err != nil {
			yield(netstat.Socket{}, k.readError("read what belongs to sockets", err))
			return
		}
		if q.PassingDetails && len(d.rows.by) == 0 { // which may hold rows back
			d.parse.again = new(detailsAgain)
		}
		protocols := q.Protocols
		if len(protocols) == 0 {
			protocols = everyProtocol[:]
		}
		for _, protocol := range protocols {
			var lacks error
			for _, family := range families {
				err := k.dumpSockets(ctx, protocol, family, d)
				if d.rows.stopped {
					return
				}
				if errors.Is(err, netstat.ErrNotSupported) {
					lacks = err
				} else if err != nil {
					yield(netstat.Socket{}, err)
					return
				}
			}
			// Every kernel has TCP and UDP, whether it tells of them or not.
			if len(q.Protocols) > 0 || protocol == netstat.TCP || protocol == netstat.UDP || errors.Is(lacks, errUntold) {
				missing = append(missing, lacks)
			}
		}
		if err := d.rows.finish(ctx); err != nil {
			yield(netstat.Socket{}, k.readError("read what belongs to sockets", err))
			return
		}
		missing = append(missing, options.err())
		if d.lacksBound {
			missing = append(missing, k.readError("dump sockets", fmt.Errorf("%w: sockets that are only bound, which /proc/net/tcp does not list", netstat.ErrNotSupported)))
		}
		if d.instead != nil {
			missing = append(missing, k.readError("dump sockets", &toldByProc{d.instead, "/proc/net", untoldOfSockets}))
		}
		if err := errors.Join(missing...); err != nil && !d.rows.stopped {
			yield(netstat.Socket{}, err)
		}
	}
}

// socketDump is one query and where its rows go.
type socketDump struct {
	query *netstat.SocketQuery
	rows  enrichedRows[netstat.Socket]
	parse inetDiagParser

	// bytecode is the filter as the kernel takes it, nil when there is none or
	// the kernel does not take it.
	bytecode []byte
	// unfiltered leaves out the filter here, for a test of the kernel's.
	unfiltered bool

	// instead is why sockets were read from /proc that sock_diag tells more of, nil where none
	// were, and lacksBound says that those that are only bound were asked for then.
	instead    error
	lacksBound bool
}

func (k *Kernel) newSocketDump(q *netstat.SocketQuery, yield func(netstat.Socket, error) bool) *socketDump {
	return &socketDump{
		query:    q,
		rows:     enrichedRows[netstat.Socket]{yield: yield, by: newOwning(q.Owners, q.Processes, socketInode, ownSocket)},
		parse:    inetDiagParser{details: q.Details, cgroups: &k.cgroups},
		bytecode: compileFilter(&q.Filter),
	}
}

func socketInode(s *netstat.Socket) uint32 { return s.Inode.Or(0) }

func ownSocket(s *netstat.Socket, p netstat.Optional[[]netstat.Process]) { s.Processes = p }

// dumpSockets hands on the sockets of a protocol over a family.
func (k *Kernel) dumpSockets(ctx context.Context, protocol netstat.Protocol, family netstat.Family, d *socketDump) error {
	op := fmt.Sprintf("dump %v sockets over %v", protocol, family)
	if protocol == netstat.ICMP {
		return k.readError(op, k.dumpProcSockets(ctx, protocol, family, d))
	}
	err := k.dumpInetDiag(ctx, protocol, family, d)
	if errors.Is(err, unix.EINVAL) && d.bytecode != nil {
		// A condition that this kernel is too old for is checked here alone. The
		// kernel refuses before it sends any row.
		d.bytecode = nil
		err = k.dumpInetDiag(ctx, protocol, family, d)
	}
	if errors.Is(err, unix.ENOENT) {
		err = lacking(protocolOption(protocol), err)
	} else if !isRefused(err) {
		return k.readError(op, err)
	}
	if procSocketsFile(protocol, family) == "" {
		return k.readError(op, err)
	}
	if protocol != netstat.Raw || isRefused(err) { // many kernels are built without CONFIG_INET_RAW_DIAG
		d.instead = err
	}
	if protocol == netstat.TCP && d.query.States&netstat.States(netstat.Bound) != 0 {
		d.lacksBound = true
	}
	return k.readError(op, k.dumpProcSockets(ctx, protocol, family, d))
}

func (k *Kernel) dumpInetDiag(ctx context.Context, protocol netstat.Protocol, family netstat.Family, d *socketDump) error {
	states := stateMask(protocol, d.query.States)
	if states == 0 {
		return nil
	}
	body := make([]byte, sizeofInetDiagReqV2, sizeofInetDiagReqV2+64)
	body[0] = byte(family)
	body[1] = byte(protocol)
	body[2] = d.parse.extensions()
	binary.NativeEndian.PutUint32(body[4:], states)
	if protocol > 255 {
		body[1] = 0
		body = appendUint32Attribute(body, inetDiagReqProtocol, uint32(protocol))
	}
	if d.bytecode != nil {
		body = appendAttribute(body, inetDiagReqBytecode, d.bytecode)
	}

	s := netstat.Socket{Protocol: protocol}
	_, err := k.dump(ctx, request{protocol: unix.NETLINK_SOCK_DIAG, kind: sockDiagByFamily, body: body}, func(kind uint16, body []byte) (bool, error) {
		if kind != sockDiagByFamily {
			return true, nil
		}
		if err := d.parse.socket(body, &s); err != nil {
			return false, err
		}
		if states&(1<<s.State) == 0 && (s.State != netstat.SynReceived || states&(1<<netstat.NewSynReceived) == 0) {
			return true, nil
		}
		if matches, err := d.matches(&s); err != nil || !matches {
			return err == nil, err
		}
		return d.rows.add(ctx, &s)
	})
	return err
}

var (
	// errHiddenMark is the answer to a filter by mark where marks are not told.
	errHiddenMark = fmt.Errorf("marks of sockets are told with CAP_NET_ADMIN only: %w", fs.ErrPermission)
	// errUntold says that there are sockets of which it is not known whether the
	// filter selects them.
	errUntold = errors.New("not told what to select by")
)

// matches reports whether the filter selects the socket that was parsed last.
// The kernel's filter is applied once more: not every protocol of every kernel
// looks at it.
func (d *socketDump) matches(s *netstat.Socket) (bool, error) {
	f := &d.query.Filter
	if f.IsZero() || d.unfiltered {
		return true, nil
	}
	if !f.MatchesEnds(s) {
		return false, nil
	}
	// What stands for a connection without a socket has no cgroup, and on old
	// kernels no mark.
	whole := s.UID.IsKnown()
	if want, ok := f.Mark.Get(); ok {
		mark, known := d.parse.mark.Get()
		if !known && whole {
			return false, errHiddenMark
		}
		if mark&want.Mask != want.Value&want.Mask {
			return false, nil
		}
	}
	if f.CGroup != 0 {
		id, known := d.parse.cgroup.Get()
		if !known && whole {
			return false, lacking("CONFIG_SOCK_CGROUP_DATA", errUntold)
		}
		if id != f.CGroup {
			return false, nil
		}
	}
	return true, nil
}

// stateMask returns the bits of idiag_states for a set of states.
func stateMask(protocol netstat.Protocol, states netstat.StateSet) uint32 {
	if protocol == netstat.SCTP {
		if states == 0 {
			return 1<<32 - 1
		}
		// The kernel looks at whether listeners are among them, and whether
		// anything else is.
		return uint32(states)
	}
	if states == 0 {
		return allStates
	}
	mask := uint32(states) & (allStates | 1<<netstat.Bound)
	if states.Has(netstat.SynReceived) {
		mask |= 1 << netstat.NewSynReceived
	}
	return mask
}

// inetDiagParser reads messages of inet_diag.
type inetDiagParser struct {
	details netstat.SocketDetails
	zones   zones
	names   interned
	options sameOptions
	// cgroups has the paths of control groups; nil for a parser that tells of none.
	// lookedAtCGroups says that it looked through all of them for this dump.
	cgroups         *cgroupPaths
	lookedAtCGroups bool
	// again is what every message's details are read into; nil for new ones.
	again *detailsAgain

	// What a filter needs of the message read last.
	mark   netstat.Optional[uint32]
	cgroup netstat.Optional[uint64]
}

// detailsAgain are details that are used again for the next message.
type detailsAgain struct {
	detail     netstat.SocketDetail
	tcp        netstat.TCPInfo
	congestion netstat.CongestionControl
}

// socket reads a struct inet_diag_msg and its attributes into s, all of it but
// Protocol and Processes. Protocol is to be there.
func (p *inetDiagParser) socket(body []byte, s *netstat.Socket) error {
	if len(body) < sizeofInetDiagMsg {
		return fmt.Errorf("inet_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	m := body[:sizeofInetDiagMsg]
	s.Family = netstat.Family(m[0])
	s.State = netstat.State(m[1])
	timer, device := netstat.Timer(m[2]), binary.NativeEndian.Uint32(m[40:])
	s.Timer.Set(timer)
	s.Retransmits.Set(m[3])
	s.Interface.Set(device)
	s.Cookie.Set(uint64(binary.NativeEndian.Uint32(m[44:])) | uint64(binary.NativeEndian.Uint32(m[48:]))<<32)
	s.Expires = netstat.Optional[time.Duration]{}
	if timer != netstat.TimerNone {
		s.Expires.Set(time.Duration(binary.NativeEndian.Uint32(m[52:])) * time.Millisecond)
	}
	s.ReceiveQueue.Set(binary.NativeEndian.Uint32(m[56:]))
	s.SendQueue.Set(binary.NativeEndian.Uint32(m[60:]))
	s.Inode.Set(binary.NativeEndian.Uint32(m[68:]))
	if s.Protocol == netstat.TCP && s.State == netstat.Close {
		s.State = netstat.Bound
	}
	// What stands for a connection that has no socket has no owner either: the
	// kernel leaves a zero there.
	s.UID = netstat.Optional[uint32]{}
	if s.State != netstat.TimeWait && s.State != netstat.SynReceived && s.State != netstat.NewSynReceived &&
		timer != netstat.TimerTimeWait {
		s.UID.Set(binary.NativeEndian.Uint32(m[64:]))
	}

	var local, remote netip.Addr
	switch s.Family {
	case netstat.IPv4:
		local, remote = netip.AddrFrom4([4]byte(m[8:])), netip.AddrFrom4([4]byte(m[24:]))
	case netstat.IPv6:
		local = p.zones.add(netip.AddrFrom16([16]byte(m[8:])), device)
		remote = p.zones.add(netip.AddrFrom16([16]byte(m[24:])), device)
	default:
		return fmt.Errorf("inet_diag_msg of address family %d: % x", m[0], clip(body))
	}
	s.Local = netip.AddrPortFrom(local, binary.BigEndian.Uint16(m[4:]))
	s.Remote = netip.AddrPortFrom(remote, binary.BigEndian.Uint16(m[6:]))

	s.V6Only = netstat.Optional[bool]{}
	s.Detail = nil
	if p.details != 0 {
		if p.again == nil {
			s.Detail = new(netstat.SocketDetail)
		} else {
			p.again.detail = netstat.SocketDetail{}
			s.Detail = &p.again.detail
		}
	}
	p.mark, p.cgroup = netstat.Optional[uint32]{}, netstat.Optional[uint64]{}
	var options netstat.SocketOptions
	asked := p.details.Has(netstat.DetailSocketOptions)
	var r attributeReader
	for a, rest := r.next(body[sizeofInetDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case inetDiagSKV6Only:
			s.V6Only.Set(r.uint8(a) != 0)
		case inetDiagMark:
			p.mark.Set(r.uint32(a))
		case inetDiagCGroupID:
			p.cgroup.Set(r.uint64(a))
		}
		if s.Detail != nil {
			p.detail(&r, a, s)
		}
		if asked {
			r.socketOption(a, &options, &p.names)
		}
	}
	if asked && s.UID.IsKnown() && (s.Protocol == netstat.TCP || s.Protocol == netstat.UDP) {
		headerOptions(&options, s)
		s.Detail.Options = p.options.share(&options)
	}
	if !r.failed() && s.Protocol == netstat.SCTP {
		sctpState(s)
	}
	return r.error()
}

// zones makes the zones of link-local addresses: the interface's index in
// decimal, each made once, as long as they are not too many.
type zones struct{ names map[uint32]string }

// maxZones is how many zones are kept for another time: more than most hosts have
// interfaces at once, where those that come and go have a new index each time.
const maxZones = 1 << 14

// add returns a with the zone of the interface if a is link-local and index is
// not 0.
func (z *zones) add(a netip.Addr, index uint32) netip.Addr {
	if index == 0 || !a.Is6() || a.Is4In6() || !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() {
		return a
	}
	name, ok := z.names[index]
	if !ok {
		if z.names == nil || len(z.names) >= maxZones {
			z.names = make(map[uint32]string)
		}
		name = strconv.FormatUint(uint64(index), 10)
		z.names[index] = name
	}
	return a.WithZone(name)
}

// interned makes each of a few strings once.
type interned struct{ strings map[string]string }

func (i *interned) string(b []byte) string {
	if s, ok := i.strings[string(b)]; ok {
		return s
	}
	if i.strings == nil {
		i.strings = make(map[string]string)
	}
	s := string(b)
	i.strings[s] = s
	return s
}
