package collectors

import (
	"bytes"
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

// rtnetlinkKind declares a kind of things that rtnetlink tells of: what asks for all of
// them, what tells of their changes, and how a message becomes a Message.
type rtnetlinkKind struct {
	kind netstat.Kinds
	// added is the type of the messages that say that one is there (RTM_NEW*), removed
	// that of those which say that one is gone; dumped is the type in a dump where that
	// is neither.
	added, removed, dumped uint16
	// groups are the multicast groups of changes (RTNLGRP_*).
	groups []int
	// requests are what asks for all.
	requests func(*Kernel) []request
	// families are those that messages may be of, in the first octet of their body; nil
	// for any.
	families []byte
	// decode decodes a message into the Decoder's and reports whether it is one to
	// tell of.
	decode func(d *Decoder, flags uint16, body []byte) (ok bool, err error)
}

// rtnetlinkKinds are all of them.
var rtnetlinkKinds = [...]*rtnetlinkKind{
	&linkKind, &addressKind, &routeKind, &neighbourKind, &ruleKind, &nexthopKind, &netconfKind, &multicastKind,
}

// rtnetlinkTypes are the kinds by the types of their messages.
var rtnetlinkTypes = func() (types [unix.RTM_MAX + 1]*rtnetlinkKind) {
	for _, k := range rtnetlinkKinds {
		types[k.added], types[k.removed] = k, k
		if k.dumped != 0 {
			types[k.dumped] = k
		}
	}
	return types
}()

// rtnetlinkKindOf returns the declaration of one kind.
func rtnetlinkKindOf(kind netstat.Kinds) *rtnetlinkKind {
	for _, k := range rtnetlinkKinds {
		if k.kind == kind {
			return k
		}
	}
	return &rtnetlinkKind{requests: func(*Kernel) []request { return nil }}
}

// Families that messages may be of: the Internet's, and with those of bridges.
var (
	ipFamilies     = []byte{unix.AF_INET, unix.AF_INET6}
	bridgeFamilies = []byte{unix.AF_INET, unix.AF_INET6, unix.AF_BRIDGE}
)

// decode decodes one message and reports whether it is of a kind that Message
// tells of.
func (d *Decoder) decode(kind, flags uint16, body []byte) (ok bool, err error) {
	if int(kind) >= len(rtnetlinkTypes) || rtnetlinkTypes[kind] == nil {
		return false, nil
	}
	k := rtnetlinkTypes[kind]
	d.message.Kind, d.message.Removed = k.kind, kind == k.removed
	if k.families != nil && len(body) > 0 && bytes.IndexByte(k.families, body[0]) < 0 {
		return false, nil
	}
	return k.decode(d, flags, body)
}

// Dump calls each with everything of one kind, as the kernel's answer arrives.
// The Message is valid during the call only. Neighbours are those of IPv4, IPv6
// and bridges.
//
// interrupted says that the kernel noticed a change meanwhile, so that rows may
// be missing or doubled. It does not notice changes of IPv4 routes.
func (k *Kernel) Dump(ctx context.Context, kind netstat.Kinds, each func(*Message) error) (interrupted bool, err error) {
	interrupted, err = k.dumpMessages(ctx, rtnetlinkKindOf(kind).requests(k), kind, each)
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

// perFamily makes one request for each of IPv4 and IPv6, whose header has a size
// and begins with the family.
func perFamily(kind uint16, size int) func(*Kernel) []request {
	return func(k *Kernel) (all []request) {
		families, _ := k.families(nil)
		for _, family := range families {
			body := make([]byte, size)
			body[0] = byte(family)
			all = append(all, request{protocol: unix.NETLINK_ROUTE, kind: kind, body: body})
		}
		return all
	}
}

// oneRequest makes one request whose header has a size.
func oneRequest(kind uint16, size int) func(*Kernel) []request {
	return func(*Kernel) []request {
		return []request{{protocol: unix.NETLINK_ROUTE, kind: kind, body: make([]byte, size)}}
	}
}

// collectMessages returns what of makes of every message of a kind that answers
// requests, as it was at one time.
func collectMessages[T any](ctx context.Context, k *Kernel, requests func(*Kernel) []request, kind netstat.Kinds, of func(*Message) (T, bool)) ([]T, error) {
	var all []T
	err := consistently(ctx, func() (bool, error) {
		all = all[:0]
		return k.dumpMessages(ctx, requests(k), kind, func(m *Message) error {
			if row, ok := of(m); ok {
				all = append(all, row)
			}
			return nil
		})
	})
	return all, err
}

// yieldAll yields the rows, or the error instead, or one that says that all rows are there behind them.
// It reports whether more is wanted.
func yieldAll[T any](yield func(T, error) bool, rows []T, err error) bool {
	if netstat.IsComplete(err) {
		for _, row := range rows {
			if !yield(row, nil) {
				return false
			}
		}
	}
	if err != nil {
		var zero T
		yield(zero, err)
		return false
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
