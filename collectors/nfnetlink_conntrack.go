package collectors

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/netfilter/nfnetlink_conntrack.h.
const (
	ctNew            = 0 // IPCTNL_MSG_CT_*
	ctGet            = 1
	ctDelete         = 2
	ctGetZero        = 3
	ctGetStatsCPU    = 4
	ctGetStats       = 5
	ctGetDying       = 6
	ctGetUnconfirmed = 7

	ctaTupleOrig       = 1
	ctaTupleReply      = 2
	ctaStatus          = 3
	ctaProtoinfo       = 4
	ctaHelp            = 5
	ctaNATSrc          = 6
	ctaTimeout         = 7
	ctaMark            = 8
	ctaCountersOrig    = 9
	ctaCountersReply   = 10
	ctaUse             = 11
	ctaID              = 12
	ctaNATDst          = 13
	ctaTupleMaster     = 14
	ctaSeqAdjOrig      = 15
	ctaSeqAdjReply     = 16
	ctaZone            = 18
	ctaSecctx          = 19
	ctaTimestamp       = 20
	ctaMarkMask        = 21
	ctaLabels          = 22
	ctaLabelsMask      = 23
	ctaSynproxy        = 24
	ctaFilter          = 25
	ctaStatusMask      = 26
	ctaTimestampEvent  = 27
	ctaTupleIP         = 1 // CTA_TUPLE_*
	ctaTupleProto      = 2
	ctaTupleZone       = 3
	ctaIPv4Src         = 1 // CTA_IP_*
	ctaIPv4Dst         = 2
	ctaIPv6Src         = 3
	ctaIPv6Dst         = 4
	ctaProtoNum        = 1 // CTA_PROTO_*
	ctaProtoSrcPort    = 2
	ctaProtoDstPort    = 3
	ctaProtoICMPID     = 4
	ctaProtoICMPType   = 5
	ctaProtoICMPCode   = 6
	ctaProtoICMPv6ID   = 7
	ctaProtoICMPv6Type = 8
	ctaProtoICMPv6Code = 9
)

// Flags of CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS (include/net/
// netfilter/nf_internals.h): what of a tuple in the request counts.
const (
	ctaFilterOrigFlags  = 1
	ctaFilterReplyFlags = 2

	filterIPSource   = 1 << 0
	filterIPDest     = 1 << 1
	filterProtocol   = 1 << 3
	filterSourcePort = 1 << 4
	filterDestPort   = 1 << 5
	filterICMPType   = 1 << 6
	filterICMPCode   = 1 << 7
	filterICMPID     = 1 << 8
	filterICMPv6Type = 1 << 9
	filterICMPv6Code = 1 << 10
	filterICMPv6ID   = 1 << 11
)

var (
	_ netstat.FlowReader           = (*Kernel)(nil)
	_ netstat.ExpectationReader    = (*Kernel)(nil)
	_ netstat.FlowStatisticsReader = (*Kernel)(nil)
)

// Flows yields the flows that q selects, from ctnetlink, as the datagrams
// arrive. It needs CAP_NET_ADMIN in the namespace.
//
// What the kernel can select by (the family since Linux 4.20, marks, tuples since
// 5.8, status since 5.15, zones since 6.8) goes to it, and is applied once more
// to what comes, since older kernels ignore what they do not know. Lists other
// than the table are told whole by the kernel.
func (k *Kernel) Flows(ctx context.Context, q netstat.FlowQuery) iter.Seq2[netstat.Flow, error] {
	return func(yield func(netstat.Flow, error) bool) {
		if err := k.flows(ctx, &q, func(f *netstat.Flow) bool { return yield(*f, nil) }); err != nil {
			yield(netstat.Flow{}, k.conntrackError("dump flows", err))
		}
	}
}

// EachFlow is Flows for those who need no flow for longer than a call: each is
// called with the same Flow over and over, until it returns false.
func (k *Kernel) EachFlow(ctx context.Context, q netstat.FlowQuery, each func(*netstat.Flow) bool) error {
	return k.conntrackError("dump flows", k.flows(ctx, &q, each))
}

func (k *Kernel) flows(ctx context.Context, q *netstat.FlowQuery, each func(*netstat.Flow) bool) error {
	if q.Reset && q.List != netstat.FlowTable {
		return notSupported(fmt.Errorf("counters of the %v list cannot be reset", q.List))
	}
	if !q.Reset {
		return k.dumpFlows(ctx, q, each)
	}
	// Each flow is reset by itself. In a dump that resets, the kernel sets the
	// counters of a row that has no room left in a datagram to 0 and tells it in
	// the next one (ctnetlink_dump_acct); and it would reset what its own filters
	// let pass, which may be more than is asked for.
	plain := *q
	plain.Reset = false
	var failed error
	err := k.dumpFlows(ctx, &plain, func(f *netstat.Flow) bool {
		var now netstat.Flow
		if now, failed = k.flow(ctx, f.Key(), true); noSuchFlow(failed) {
			failed = nil // it ended meanwhile
			return true
		}
		return failed == nil && each(&now)
	})
	return errors.Join(err, failed)
}

func (k *Kernel) dumpFlows(ctx context.Context, q *netstat.FlowQuery, each func(*netstat.Flow) bool) error {
	d, r := new(conntrackDecoder), flowRequest(q)
	r.ahead = true
	_, err := k.dump(ctx, r, func(_ uint16, body []byte) (bool, error) {
		if err := d.flow(body); err != nil {
			return false, err
		}
		return !q.Matches(&d.Flow) || each(&d.Flow), nil
	})
	return withoutSubsystem(err, ctnetlinkOption, func() error { return k.probeConntrack(ctx) })
}

// probeConntrack asks for what every kernel with ctnetlink tells.
func (k *Kernel) probeConntrack(ctx context.Context) error {
	_, err := k.dump(ctx, nfRequest(unix.NFNL_SUBSYS_CTNETLINK, ctGetStatsCPU, 0, 0), func(uint16, []byte) (bool, error) { return false, nil })
	return err
}

// flowRequest returns the request for a dump of what q selects, or more.
func flowRequest(q *netstat.FlowQuery) request {
	switch q.List {
	case netstat.FlowDying:
		return nfRequest(unix.NFNL_SUBSYS_CTNETLINK, ctGetDying, 0, 0)
	case netstat.FlowUnconfirmed:
		return nfRequest(unix.NFNL_SUBSYS_CTNETLINK, ctGetUnconfirmed, 0, 0)
	}
	family := queryFamily(q)
	r := nfRequest(unix.NFNL_SUBSYS_CTNETLINK, ctGet, family, 0)
	if bits, asked := q.Mark.Get(); asked {
		r.body = appendBig32Attribute(r.body, ctaMark, bits.Value&bits.Mask)
		r.body = appendBig32Attribute(r.body, ctaMarkMask, bits.Mask)
	}
	if bits, asked := q.Status.Get(); asked && bits.Mask != 0 { // a mask of 0 is an error to the kernel
		r.body = appendBig32Attribute(r.body, ctaStatus, bits.Value&bits.Mask)
		r.body = appendBig32Attribute(r.body, ctaStatusMask, bits.Mask)
	}
	if zone, asked := q.Zone.Get(); asked {
		r.body = appendBig16Attribute(r.body, ctaZone, zone)
	}
	if family != 0 {
		r.body = appendTupleFilter(r.body, q, family)
	}
	return r
}

// queryFamily returns the one family that q is about, 0 for more.
func queryFamily(q *netstat.FlowQuery) netstat.Family {
	if len(q.Families) == 1 {
		return q.Families[0]
	}
	for _, p := range [...]netip.Prefix{q.Original.Source, q.Original.Destination, q.Reply.Source, q.Reply.Destination} {
		switch {
		case !p.IsValid():
		case p.Addr().Is4():
			return netstat.IPv4
		default:
			return netstat.IPv6
		}
	}
	return 0
}

// appendTupleFilter appends what the kernel can compare of the tuples: single
// IPv4 addresses, the protocol, ports and ICMP's fields.
func appendTupleFilter(b []byte, q *netstat.FlowQuery, family netstat.Family) []byte {
	orig, origFlags := tupleFilter(&q.Original, q.Protocol, family)
	reply, replyFlags := tupleFilter(&q.Reply, netstat.Optional[netstat.IPProtocol]{}, family)
	if replyFlags != 0 && q.Protocol.IsKnown() {
		// Ports and the like need the protocol beside them.
		reply.Protocol = q.Protocol.Or(0)
		replyFlags |= filterProtocol
	}
	if origFlags|replyFlags == 0 {
		return b
	}
	if origFlags != 0 {
		b = appendTuple(b, ctaTupleOrig, &orig, family)
	}
	if replyFlags != 0 {
		b = appendTuple(b, ctaTupleReply, &reply, family)
	}
	b, start := beginNested(b, ctaFilter)
	b = appendUint32Attribute(b, ctaFilterOrigFlags, origFlags)
	b = appendUint32Attribute(b, ctaFilterReplyFlags, replyFlags)
	return endNested(b, start)
}

func tupleFilter(q *netstat.FlowTupleQuery, protocol netstat.Optional[netstat.IPProtocol], family netstat.Family) (t netstat.FlowTuple, flags uint32) {
	for _, end := range [...]struct {
		prefix netip.Prefix
		flag   uint32
		into   *netip.Addr
	}{{q.Source, filterIPSource, &t.Source}, {q.Destination, filterIPDest, &t.Destination}} {
		*end.into = unspecified(family)
		// Of IPv6 the kernel leaves out those that are equal, and not the others
		// (ctnetlink_filter_match_tuple, net/netfilter/nf_conntrack_netlink.c).
		if end.prefix.IsSingleIP() && family == netstat.IPv4 {
			*end.into = end.prefix.Addr()
			flags |= end.flag
		}
	}
	p, known := protocol.Get()
	if !known {
		return t, flags
	}
	t.Protocol = p
	flags |= filterProtocol
	for _, port := range [...]struct {
		value netstat.Optional[uint16]
		flag  uint32
		into  *uint16
	}{{q.SourcePort, filterSourcePort, &t.SourcePort}, {q.DestinationPort, filterDestPort, &t.DestinationPort}} {
		if n, asked := port.value.Get(); asked && p.HasPorts() {
			*port.into = n
			flags |= port.flag
		}
	}
	kind, code, id := uint32(filterICMPType), uint32(filterICMPCode), uint32(filterICMPID)
	if p == netstat.IPProtocolICMPv6 {
		kind, code, id = filterICMPv6Type, filterICMPv6Code, filterICMPv6ID
	}
	if n, asked := q.ICMPType.Get(); asked && p.IsICMP() {
		t.ICMPType = n
		flags |= kind
	}
	if n, asked := q.ICMPCode.Get(); asked && p.IsICMP() {
		t.ICMPCode = n
		flags |= code
	}
	if n, asked := q.ICMPID.Get(); asked && p.IsICMP() {
		t.ICMPID = n
		flags |= id
	}
	return t, flags
}

func unspecified(family netstat.Family) netip.Addr {
	if family == netstat.IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// Flow returns the flow that a key names. The error matches fs.ErrNotExist where
// there is none. reset sets its counters to 0 as they are read.
func (k *Kernel) Flow(ctx context.Context, key netstat.FlowKey, reset bool) (netstat.Flow, error) {
	f, err := k.flow(ctx, key, reset)
	return f, k.conntrackError("get a flow", err)
}

func (k *Kernel) flow(ctx context.Context, key netstat.FlowKey, reset bool) (netstat.Flow, error) {
	kind := uint16(ctGet)
	if reset {
		kind = ctGetZero
	}
	// The answer is a message of several parts without an end: the
	// acknowledgement is the end.
	r := nfRequest(unix.NFNL_SUBSYS_CTNETLINK, kind, key.Tuple.Family(), unix.NLM_F_ACK)
	var err error
	if r.body, err = appendKey(r.body, &key); err != nil {
		return netstat.Flow{}, err
	}
	d, found := new(conntrackDecoder), false
	_, err = k.ask(ctx, r, func(_ uint16, body []byte) (bool, error) {
		found = true
		return true, d.flow(body)
	})
	switch {
	case err != nil:
		return netstat.Flow{}, withoutSubsystem(explained(err), ctnetlinkOption, func() error { return k.probeConntrack(ctx) })
	case !found:
		return netstat.Flow{}, explained(&netlinkError{errno: unix.ENOENT})
	}
	return d.Flow, nil
}

// Expectations yields the expectations, from ctnetlink. It needs CAP_NET_ADMIN in
// the namespace.
func (k *Kernel) Expectations(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Expectation, error] {
	return func(yield func(netstat.Expectation, error) bool) {
		if len(families) == 0 {
			families = []netstat.Family{0}
		}
		for _, family := range families {
			more := true
			d := new(conntrackDecoder)
			_, err := k.dump(ctx, nfRequest(unix.NFNL_SUBSYS_CTNETLINK_EXP, expGet, family, 0), func(_ uint16, body []byte) (bool, error) {
				if err := d.expectation(body); err != nil {
					return false, err
				}
				if family != 0 && d.Expectation.Tuple.Family() != family {
					return true, nil
				}
				more = yield(d.Expectation, nil)
				return more, nil
			})
			err = withoutSubsystem(err, ctnetlinkOption, func() error { return k.probeConntrack(ctx) })
			if err != nil {
				yield(netstat.Expectation{}, k.conntrackError("dump expectations", err))
				return
			}
			if !more {
				return
			}
		}
	}
}
