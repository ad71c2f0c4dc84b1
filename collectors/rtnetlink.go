package collectors

import (
	"context"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Message is what one rtnetlink message tells of one thing: that it is there,
// as a dump and as an event say it, or that it is gone. The field that Kind
// names is set, the others mean nothing.
type Message struct {
	Kind    netstat.Kinds // exactly one
	Removed bool
	// Answer is the number of the Fence that the message answers, 0 for
	// others. Nothing else is set then.
	Answer uint32

	// What an event of a route says besides: it took the place of the first
	// route with its key, stands behind all routes with its key, or is the
	// first with its key (NLM_F_REPLACE, NLM_F_APPEND, NLM_F_EXCL of the
	// request, as far as they had a meaning).
	Replace, Append, Exclusive bool

	// Interface lacks Multicast, Speed and Duplex.
	Interface netstat.Interface
	Address   netstat.Address
	// Routes are the next hops of one route, at least one. It is one that
	// names no interface where the kernel tells the number of a nexthop
	// object only (net.ipv4.nexthop_compat_mode=0).
	Routes    []netstat.Route
	Neighbour netstat.Neighbour
	Rule      netstat.Rule
	NextHop   netstat.NextHop
	// Netconf holds, in an event, only what changed.
	Netconf   netstat.Netconf
	Multicast netstat.MulticastGroup
}

// Decoder decodes rtnetlink messages. Its zero value is ready. It must not be
// used concurrently.
type Decoder struct {
	message Message
	route   routeMessage
	zones   zones
	port    uint32 // of the Listener whose fences it tells
}

// Decode calls each with what every message of a datagram tells. A message that
// is malformed comes with an error, of which only Kind and Removed are set; the
// others are decoded all the same. Messages of other types are passed over. The
// Message is the Decoder's, and valid during the call only.
//
// The error returned says that the datagram is not a sequence of netlink
// messages.
func (d *Decoder) Decode(datagram []byte, each func(*Message, error)) error {
	m := messages{rest: datagram}
	for m.next() {
		if d.port != 0 && m.port == d.port {
			d.message.Answer = m.sequence
			each(&d.message, nil)
			d.message.Answer = 0
			continue
		}
		if ok, err := d.decode(m.kind, m.flags, m.body); ok {
			each(&d.message, err)
		}
	}
	return m.err
}

// decode decodes one message and reports whether it is of a kind that Message
// tells of.
func (d *Decoder) decode(kind, flags uint16, body []byte) (ok bool, err error) {
	m := &d.message
	m.Removed = false
	switch kind {
	case unix.RTM_DELLINK, unix.RTM_DELADDR, unix.RTM_DELROUTE, unix.RTM_DELNEIGH, unix.RTM_DELRULE, unix.RTM_DELNEXTHOP, unix.RTM_DELNETCONF, unix.RTM_DELMULTICAST:
		m.Removed = true
	}
	var family byte
	if len(body) > 0 {
		family = body[0]
	}
	isIP := family == unix.AF_INET || family == unix.AF_INET6 || len(body) == 0
	switch kind {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		m.Kind = netstat.KindInterface
		m.Interface = netstat.Interface{}
		about, err := parseLink(body, &m.Interface)
		return about.family == unix.AF_UNSPEC && !about.wireless, err
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		m.Kind = netstat.KindAddress
		if !isIP {
			return false, nil
		}
		m.Address, err = parseAddress(body, &d.zones)
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		m.Kind = netstat.KindRoute
		if !isIP {
			return false, nil
		}
		m.Replace, m.Append, m.Exclusive = flags&unix.NLM_F_REPLACE != 0, flags&unix.NLM_F_APPEND != 0, flags&unix.NLM_F_EXCL != 0
		if err = d.route.parse(body); err != nil {
			return true, err
		}
		m.Routes = d.route.routes(m.Routes[:0])
		return !d.route.cloned, nil
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		m.Kind = netstat.KindNeighbour
		if !isIP && family != unix.AF_BRIDGE {
			return false, nil
		}
		now, up := sinceBoot()
		m.Neighbour, err = parseNeighbour(body, &d.zones, now, up)
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		m.Kind = netstat.KindRule
		if !isIP {
			return false, nil
		}
		m.Rule, err = parseRule(body)
	case unix.RTM_NEWNEXTHOP, unix.RTM_DELNEXTHOP:
		m.Kind = netstat.KindNextHop
		m.NextHop, err = parseNexthop(body)
	case unix.RTM_NEWNETCONF, unix.RTM_DELNETCONF:
		m.Kind = netstat.KindNetconf
		if !isIP {
			return false, nil
		}
		m.Netconf, err = parseNetconf(body)
	case unix.RTM_NEWMULTICAST, unix.RTM_DELMULTICAST, unix.RTM_GETMULTICAST: // the last in dumps
		m.Kind = netstat.KindMulticast
		if !isIP {
			return false, nil
		}
		_, up := sinceBoot()
		m.Multicast, err = parseMulticastGroup(body, &d.zones, up)
	default:
		return false, nil
	}
	return true, err
}

// Dump calls each with everything of one kind, as the kernel's answer arrives.
// The Message is valid during the call only. Neighbours are those of IPv4, IPv6
// and bridges.
//
// interrupted says that the kernel noticed a change meanwhile, so that rows may
// be missing or doubled. It does not notice changes of IPv4 routes.
func (k *Kernel) Dump(ctx context.Context, kind netstat.Kinds, each func(*Message) error) (interrupted bool, err error) {
	interrupted, err = k.dumpMessages(ctx, k.requests(kind), kind, each)
	return interrupted, k.readError(fmt.Sprintf("dump of kind %v", kind), err)
}

func (k *Kernel) dumpMessages(ctx context.Context, requests []request, kind netstat.Kinds, each func(*Message) error) (interrupted bool, err error) {
	var d Decoder
	for _, r := range requests {
		changed, err := k.dump(ctx, r, func(got uint16, body []byte) (bool, error) {
			ok, err := d.decode(got, 0, body)
			if err != nil || !ok || d.message.Kind != kind {
				return err == nil, err
			}
			err = each(&d.message)
			return err == nil, err
		})
		interrupted = interrupted || changed
		if err != nil {
			return interrupted, err
		}
	}
	return interrupted, nil
}

// requests returns what asks for everything of one kind.
func (k *Kernel) requests(kind netstat.Kinds) []request {
	switch kind {
	case netstat.KindInterface:
		return []request{linkRequest()}
	case netstat.KindAddress:
		return []request{{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETADDR, body: make([]byte, sizeofIfAddrmsg)}}
	case netstat.KindRoute:
		return k.perFamily(unix.RTM_GETROUTE, sizeofRtmsg)
	case netstat.KindNeighbour:
		return append(k.perFamily(unix.RTM_GETNEIGH, sizeofNdmsg), neighbourRequest(netstat.Bridge))
	case netstat.KindRule:
		return k.ruleRequests()
	case netstat.KindNextHop:
		return nexthopRequests()
	case netstat.KindNetconf:
		return k.netconfRequests()
	case netstat.KindMulticast:
		return k.perFamily(unix.RTM_GETMULTICAST, sizeofIfAddrmsg)
	}
	return nil
}

// perFamily returns one request for each of IPv4 and IPv6, whose header has a
// size and begins with the family.
func (k *Kernel) perFamily(kind uint16, size int) []request {
	families, _ := k.families(nil)
	var all []request
	for _, family := range families {
		body := make([]byte, size)
		body[0] = byte(family)
		all = append(all, request{protocol: unix.NETLINK_ROUTE, kind: kind, body: body})
	}
	return all
}

// collectMessages returns what of makes of every message of a kind, as it was at
// one time.
func collectMessages[T any](ctx context.Context, k *Kernel, requests func() []request, kind netstat.Kinds, of func(*Message) (T, bool)) ([]T, error) {
	var all []T
	err := consistently(ctx, func() (bool, error) {
		all = all[:0]
		return k.dumpMessages(ctx, requests(), kind, func(m *Message) error {
			if row, ok := of(m); ok {
				all = append(all, row)
			}
			return nil
		})
	})
	return all, err
}

// yieldAll yields the rows, or the error instead, and reports whether more is
// wanted.
func yieldAll[T any](yield func(T, error) bool, rows []T, err error) bool {
	if err != nil {
		var zero T
		yield(zero, err)
		return false
	}
	for _, row := range rows {
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// loopbackRequest asks for the loopback interface, whose index is 1 in every
// namespace.
func loopbackRequest() request {
	body := make([]byte, sizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], 1)
	return request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETLINK, body: body}
}
