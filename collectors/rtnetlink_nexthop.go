package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/nexthop.h.
const (
	sizeofNhmsg        = 8
	sizeofNexthopGrp   = 8
	nexthopID          = 1  // NHA_ID
	nexthopGroup       = 2  // NHA_GROUP
	nexthopBlackhole   = 4  // NHA_BLACKHOLE
	nexthopOIF         = 5  // NHA_OIF
	nexthopGateway     = 6  // NHA_GATEWAY
	nexthopEncapType   = 7  // NHA_ENCAP_TYPE
	nexthopEncap       = 8  // NHA_ENCAP
	nexthopFDB         = 11 // NHA_FDB
	nexthopResGroup    = 12 // NHA_RES_GROUP
	resGroupBuckets    = 1  // NHA_RES_GROUP_BUCKETS
	resGroupIdle       = 2  // NHA_RES_GROUP_IDLE_TIMER
	resGroupUnbalanced = 3  // NHA_RES_GROUP_UNBALANCED_TIMER
)

var nexthopKind = rtnetlinkKind{
	kind: netstat.KindNextHop, added: unix.RTM_NEWNEXTHOP, removed: unix.RTM_DELNEXTHOP,
	groups:   []int{unix.RTNLGRP_NEXTHOP},
	requests: oneRequest(unix.RTM_GETNEXTHOP, sizeofNhmsg),
	decode: func(d *Decoder, _ uint16, body []byte) (ok bool, err error) {
		d.message.NextHop, err = parseNexthop(body)
		return true, err
	},
}

// NextHops yields the nexthop objects of the namespace, from rtnetlink(7), in
// ascending order of their numbers. Kernels before Linux 5.3 have none.
func (k *Kernel) NextHops(ctx context.Context) iter.Seq2[netstat.NextHop, error] {
	return func(yield func(netstat.NextHop, error) bool) {
		all, err := k.nexthops(ctx)
		yieldAll(yield, all, k.readError("dump nexthops", err))
	}
}

func (k *Kernel) nexthops(ctx context.Context) ([]netstat.NextHop, error) {
	return collectMessages(ctx, k, nexthopKind.requests, netstat.KindNextHop, func(m *Message) (netstat.NextHop, bool) { return m.NextHop, true })
}

// parseNexthop reads a struct nhmsg and its attributes.
func parseNexthop(body []byte) (netstat.NextHop, error) {
	var n netstat.NextHop
	if len(body) < sizeofNhmsg {
		return n, fmt.Errorf("nhmsg of %d bytes: % x", len(body), clip(body))
	}
	n.Family = netstat.Family(body[0])
	n.Scope = netstat.Scope(body[1])
	n.Protocol = netstat.RouteProtocol(body[2])
	n.Flags = netstat.RouteFlags(binary.NativeEndian.Uint32(body[4:]) & nextHopFlags)
	var encap []byte
	var r attributeReader
	for a, rest := r.next(body[sizeofNhmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case nexthopID:
			n.ID = r.uint32(a)
		case nexthopBlackhole:
			n.Blackhole = true
		case nexthopFDB:
			n.Forwarding = true
		case nexthopOIF:
			n.Interface = r.uint32(a)
		case nexthopGateway:
			n.Gateway = r.addr(a, n.Family)
		case nexthopEncapType:
			n.EncapType = netstat.EncapKind(r.uint16(a))
		case nexthopEncap:
			encap = a.value
		case nexthopGroup:
			if len(a.value)%sizeofNexthopGrp != 0 {
				r.malformed(a, "an array of nexthop_grp")
				break
			}
			for b := a.value; len(b) > 0; b = b[sizeofNexthopGrp:] {
				n.Group = append(n.Group, netstat.NextHopMember{
					ID: binary.NativeEndian.Uint32(b),
					// The high byte was padding, and 0, before Linux 6.12.
					Weight: (uint16(b[4]) | uint16(b[5])<<8) + 1,
				})
			}
		case nexthopResGroup:
			group, err := parseResilient(a.value)
			if err != nil {
				return n, fmt.Errorf("resilient group: %w", err)
			}
			n.Resilient.Set(group)
		}
	}
	if len(n.Group) > 0 {
		n.Family = 0
	}
	if r.failed() || n.EncapType == netstat.EncapNone {
		return n, r.error()
	}
	var err error
	n.Encap, err = encapText(n.EncapType, encap)
	return n, err
}

func parseResilient(b []byte) (netstat.ResilientGroup, error) {
	var g netstat.ResilientGroup
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case resGroupBuckets:
			g.Buckets = r.uint16(a)
		case resGroupIdle:
			g.IdleTimer = cacheinfoTick * time.Duration(r.uint32(a))
		case resGroupUnbalanced:
			g.UnbalancedTimer = cacheinfoTick * time.Duration(r.uint32(a))
		}
	}
	return g, r.error()
}
