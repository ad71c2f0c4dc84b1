package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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
	inetDiagSKV6Only    = 11 // INET_DIAG_SKV6ONLY
)

// allStates are those that the vocabulary knows. TCP_BOUND_INACTIVE, bound
// sockets that neither listen nor connect, is not among them.
const allStates = 1<<(netstat.NewSynReceived+1) - 2

// Sockets yields the sockets of the namespace from sock_diag(7): TCP, UDP and
// UDP-Lite. A connection request is SynReceived whether it has a socket of its
// own yet or not; a query for NewSynReceived alone selects those that have not.
//
// A protocol or family that q names and the kernel lacks yields an error that
// matches netstat.ErrNotSupported, after the rows of the others.
//
// With q.Processes, the owners are looked up in /proc/*/fd before the dump, and
// once more after it for sockets that were opened between the two; those are
// yielded last. Only processes that this process's PID namespace shows are
// seen.
func (k *Kernel) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		families, lacking := k.families(q.Families)
		lacking = k.readError("dump sockets", lacking)
		if len(families) == 0 && lacking == nil {
			return
		}
		d := socketDump{yield: yield}
		if q.Processes {
			var err error
			if d.owners, err = readOwners(ctx); err != nil {
				yield(netstat.Socket{}, k.readError("read /proc/*/fd", err))
				return
			}
		}
		protocols := q.Protocols
		if len(protocols) == 0 {
			protocols = []netstat.Protocol{netstat.TCP, netstat.UDP, netstat.UDPLite}
		}
		for _, protocol := range protocols {
			for _, family := range families {
				err := k.dumpSockets(ctx, protocol, family, q.States, &d)
				if d.stopped {
					return
				}
				if errors.Is(err, netstat.ErrNotSupported) {
					if len(q.Protocols) > 0 {
						lacking = err
					}
				} else if err != nil {
					yield(netstat.Socket{}, err)
					return
				}
			}
		}
		if err := d.finish(ctx); err != nil {
			yield(netstat.Socket{}, k.readError("read /proc/*/fd", err))
			return
		}
		if lacking != nil && !d.stopped {
			yield(netstat.Socket{}, lacking)
		}
	}
}

// socketDump is where the rows of one query go.
type socketDump struct {
	yield   func(netstat.Socket, error) bool
	stopped bool
	zones   zones
	owners  *owners // nil when nobody asked
	// late are the sockets that no process held when the owners were read.
	late []netstat.Socket
}

func (d *socketDump) add(s *netstat.Socket) bool {
	if d.owners != nil {
		var found bool
		if s.Processes, found = d.owners.of(s.Inode); !found && !d.owners.hidden {
			d.late = append(d.late, *s)
			return true
		}
	}
	d.stopped = !d.yield(*s, nil)
	return !d.stopped
}

// finish yields the sockets whose owners were not known, after looking again.
func (d *socketDump) finish(ctx context.Context) error {
	if len(d.late) == 0 {
		return nil
	}
	again, err := readOwners(ctx)
	if err != nil {
		return err
	}
	for i := range d.late {
		s := &d.late[i]
		s.Processes, _ = again.of(s.Inode)
		if d.stopped = !d.yield(*s, nil); d.stopped {
			return nil
		}
	}
	return nil
}

func (k *Kernel) dumpSockets(ctx context.Context, protocol netstat.Protocol, family netstat.Family, states netstat.StateSet, d *socketDump) error {
	body := make([]byte, sizeofInetDiagReqV2)
	body[0] = byte(family)
	body[1] = byte(protocol)
	binary.NativeEndian.PutUint32(body[4:], stateMask(states))

	s := netstat.Socket{Protocol: protocol}
	_, err := k.dump(ctx, request{protocol: unix.NETLINK_SOCK_DIAG, kind: sockDiagByFamily, body: body}, func(kind uint16, body []byte) (bool, error) {
		if kind != sockDiagByFamily {
			return true, nil
		}
		if err := parseInetDiag(body, &s, &d.zones); err != nil {
			return false, err
		}
		return d.add(&s), nil
	})
	if errors.Is(err, unix.ENOENT) {
		err = notSupported(err)
	}
	return k.readError(fmt.Sprintf("dump %v sockets over %v", protocol, family), err)
}

// stateMask returns idiag_states for a set of states.
func stateMask(states netstat.StateSet) uint32 {
	if states == 0 {
		return allStates
	}
	mask := uint32(states) & allStates
	if states.Has(netstat.SynReceived) {
		mask |= 1 << netstat.NewSynReceived
	}
	return mask
}

// parseInetDiag reads a struct inet_diag_msg and its attributes into s, all of
// it but Protocol and Processes.
func parseInetDiag(body []byte, s *netstat.Socket, z *zones) error {
	if len(body) < sizeofInetDiagMsg {
		return fmt.Errorf("inet_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	m := body[:sizeofInetDiagMsg]
	s.Family = netstat.Family(m[0])
	s.State = netstat.State(m[1])
	s.Timer = netstat.Timer(m[2])
	s.Retransmits = m[3]
	s.Interface = binary.NativeEndian.Uint32(m[40:])
	s.Cookie = uint64(binary.NativeEndian.Uint32(m[44:])) | uint64(binary.NativeEndian.Uint32(m[48:]))<<32
	s.Expires = time.Duration(binary.NativeEndian.Uint32(m[52:])) * time.Millisecond
	s.ReceiveQueue.Set(binary.NativeEndian.Uint32(m[56:]))
	s.SendQueue.Set(binary.NativeEndian.Uint32(m[60:]))
	s.Inode = binary.NativeEndian.Uint32(m[68:])
	// What stands for a connection that has no socket has no owner either: the
	// kernel leaves a zero there.
	s.UID = netstat.Optional[uint32]{}
	if s.State != netstat.TimeWait && s.State != netstat.SynReceived && s.State != netstat.NewSynReceived &&
		s.Timer != netstat.TimerTimeWait {
		s.UID.Set(binary.NativeEndian.Uint32(m[64:]))
	}

	var local, remote netip.Addr
	switch s.Family {
	case netstat.IPv4:
		local, remote = netip.AddrFrom4([4]byte(m[8:])), netip.AddrFrom4([4]byte(m[24:]))
	case netstat.IPv6:
		local = z.add(netip.AddrFrom16([16]byte(m[8:])), s.Interface)
		remote = z.add(netip.AddrFrom16([16]byte(m[24:])), s.Interface)
	default:
		return fmt.Errorf("inet_diag_msg of address family %d: % x", m[0], clip(body))
	}
	s.Local = netip.AddrPortFrom(local, binary.BigEndian.Uint16(m[4:]))
	s.Remote = netip.AddrPortFrom(remote, binary.BigEndian.Uint16(m[6:]))

	s.V6Only = netstat.Optional[bool]{}
	a := attributes{rest: body[sizeofInetDiagMsg:]}
	for a.next() {
		if a.kind == inetDiagSKV6Only {
			s.V6Only.Set(a.uint8() != 0)
		}
	}
	return a.err
}

// zones makes the zones of link-local addresses: the interface's index in
// decimal, each made once.
type zones struct{ names map[uint32]string }

// add returns a with the zone of the interface if a is link-local and index is
// not 0.
func (z *zones) add(a netip.Addr, index uint32) netip.Addr {
	if index == 0 || !a.Is6() || a.Is4In6() || !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() {
		return a
	}
	name, ok := z.names[index]
	if !ok {
		if z.names == nil {
			z.names = make(map[uint32]string)
		}
		name = strconv.FormatUint(uint64(index), 10)
		z.names[index] = name
	}
	return a.WithZone(name)
}
