package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/if_addr.h.
const (
	sizeofIfAddrmsg    = 8
	sizeofIfaCacheinfo = 16

	ifaProto = 11 // IFA_PROTO

	lifetimeForever = 1<<32 - 1 // INFINITY_LIFE_TIME
	// The kernel's times since boot are in hundredths of a second.
	cacheinfoTick = 10 * time.Millisecond
	cacheinfoTurn = (1 << 32) * cacheinfoTick // after which 32 bits of ticks begin anew
)

var addressKind = rtnetlinkKind{
	kind: netstat.KindAddress, added: unix.RTM_NEWADDR, removed: unix.RTM_DELADDR,
	groups:   []int{unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR},
	requests: oneRequest(unix.RTM_GETADDR, sizeofIfAddrmsg), // which dumps those of every protocol
	families: ipFamilies,
	decode: func(d *Decoder, _ uint16, body []byte) (ok bool, err error) {
		d.message.Address, err = parseAddress(body, &d.zones)
		return true, err
	},
}

// Addresses yields every IPv4 and IPv6 address of the namespace, from
// rtnetlink(7). Where that is refused they come from netdevice(7) and /proc/net/if_inet6, and an error behind
// them that matches netstat.ErrUnknownValues says what is unknown.
func (k *Kernel) Addresses(ctx context.Context) iter.Seq2[netstat.Address, error] {
	return func(yield func(netstat.Address, error) bool) {
		var addresses []netstat.Address
		var z zones
		err := consistently(ctx, func() (bool, error) {
			addresses = addresses[:0]
			return k.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETADDR, body: make([]byte, sizeofIfAddrmsg)}, func(kind uint16, body []byte) (bool, error) {
				// Without a family the kernel dumps those of every protocol.
				if kind != unix.RTM_NEWADDR || len(body) > 0 && body[0] != unix.AF_INET && body[0] != unix.AF_INET6 {
					return true, nil
				}
				a, err := parseAddress(body, &z)
				addresses = append(addresses, a)
				return true, err
			})
		})
		if isRefused(err) {
			refused := err
			if addresses, err = k.procAddresses(ctx); err == nil {
				err = &toldByProc{refused, procIfInet6, untoldOfAddresses}
			}
		}
		yieldAll(yield, addresses, k.readError("dump addresses", err))
	}
}

// parseAddress reads a struct ifaddrmsg and its attributes.
func parseAddress(body []byte, z *zones) (netstat.Address, error) {
	var address netstat.Address
	if len(body) < sizeofIfAddrmsg {
		return address, fmt.Errorf("ifaddrmsg of %d bytes: % x", len(body), clip(body))
	}
	family := netstat.Family(body[0])
	bits := int(body[1])
	address.Flags = netstat.AddressFlags(body[2])
	address.Scope = netstat.Scope(body[3])
	address.Interface = binary.NativeEndian.Uint32(body[4:])

	var local, other netip.Addr
	var r attributeReader
	for a, rest := r.next(body[sizeofIfAddrmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unix.IFA_LOCAL:
			local = r.addr(a, family)
		case unix.IFA_ADDRESS:
			other = r.addr(a, family)
		case unix.IFA_BROADCAST:
			address.Broadcast = r.addr(a, family)
		case unix.IFA_LABEL:
			address.Label = a.string()
		case unix.IFA_FLAGS:
			// All 32 bits, of which the header holds 8.
			address.Flags = netstat.AddressFlags(r.uint32(a))
		case ifaProto:
			address.Origin.Set(r.uint8(a))
		case unix.IFA_CACHEINFO:
			if len(a.value) < sizeofIfaCacheinfo {
				r.malformed(a, "ifa_cacheinfo")
				break
			}
			seconds := func(offset int) netstat.Optional[time.Duration] {
				s := binary.NativeEndian.Uint32(a.value[offset:])
				if s == lifetimeForever {
					return netstat.Known(netstat.Forever)
				}
				return netstat.Known(time.Duration(s) * time.Second)
			}
			address.Preferred, address.Valid = seconds(0), seconds(4)
			now, up := sinceBoot()
			address.Created = momentOf(binary.NativeEndian.Uint32(a.value[8:]), now, up)
			address.Updated = momentOf(binary.NativeEndian.Uint32(a.value[12:]), now, up)
		}
	}
	if r.failed() {
		return address, r.error()
	}
	// IPv4 always has both, equal unless there is a peer; IPv6 has IFA_LOCAL
	// only when there is a peer.
	switch {
	case !local.IsValid():
		local = other
	case other != local:
		address.Peer = z.add(other, address.Interface)
	}
	if !local.IsValid() {
		return address, fmt.Errorf("%v address of interface %d is missing", family, address.Interface)
	}
	if address.Prefix = netip.PrefixFrom(local, bits); !address.Prefix.IsValid() {
		return address, fmt.Errorf("prefix length %d of %v", bits, local)
	}
	return address, nil
}

// sinceBoot returns the time, and how long the kernel's clock of jiffies runs, but
// for the fraction of a second by which it began later than CLOCK_MONOTONIC. The time
// is monotonicZero and what passed since, so that a moment that is read twice is the same
// both times, until the wall clock is set.
func sinceBoot() (now time.Time, up time.Duration) {
	zero := monotonicZero()
	// Between the readings of the two clocks in a time.Time the thread may have waited: whether the
	// wall clock was set is looked at more than once. A step below the unit of stamps is none.
	const attempts = 3
	for range attempts {
		now = time.Now()
		up = now.Sub(zero)
		if carried := zero.Add(up); now.Round(0).Sub(carried.Round(0)).Abs() < cacheinfoTick {
			return carried, up
		}
	}
	return now, up
}

// monotonicZero is when CLOCK_MONOTONIC was zero, by both clocks that are in a time.Time. By the
// wall clock it is to the nanosecond what every process finds, until that clock is set. By the
// other one, which is CLOCK_MONOTONIC, of which Go does not tell the reading, it is as near as
// two clocks can be read at once. In a time namespace it is when the clock of the initial one was
// zero, which the kernel's jiffies follow.
var monotonicZero = sync.OnceValue(func() (zero time.Time) {
	// To read one and then the other takes time, sometimes much: the least of
	// several is the nearest.
	const attempts = 10
	for range attempts {
		wall, ok := wallAtMonotonicZero()
		if !ok {
			continue
		}
		now := time.Now()
		if at := now.Add(wall.Add(monotonicOffset()).Sub(now.Round(0))); zero.IsZero() || at.Before(zero) {
			zero = at
		}
	}
	if zero.IsZero() {
		return time.Now()
	}
	return zero
})

// wallAtMonotonicZero returns what the wall clock would have shown when CLOCK_MONOTONIC was
// zero, exactly. The coarse clocks stand still between ticks: of one tick their difference is
// that of the two clocks. It is not ok where a tick came between the readings.
func wallAtMonotonicZero() (wall time.Time, ok bool) {
	var before, monotonic, after unix.Timespec
	for _, read := range []struct {
		clock int32
		to    *unix.Timespec
	}{{unix.CLOCK_REALTIME_COARSE, &before}, {unix.CLOCK_MONOTONIC_COARSE, &monotonic}, {unix.CLOCK_REALTIME_COARSE, &after}} {
		if unix.ClockGettime(read.clock, read.to) != nil {
			return wall, false
		}
	}
	return time.Unix(0, before.Nano()-monotonic.Nano()), before == after
}

// monotonicOffset returns by how much CLOCK_MONOTONIC is ahead of the initial time
// namespace's (time_namespaces(7)).
var monotonicOffset = sync.OnceValue(func() time.Duration {
	// The offsets are those of the namespace that children are put in, which is mostly the process's own.
	own, err := os.Readlink("/proc/self/ns/time")
	if err != nil {
		return 0 // a kernel without time namespaces (before 5.6), or no /proc
	}
	if children, err := os.Readlink("/proc/self/ns/time_for_children"); err != nil || children != own {
		return 0
	}
	text, err := os.ReadFile("/proc/self/timens_offsets")
	if err != nil {
		return 0
	}
	return parseMonotonicOffset(string(text))
})

// parseMonotonicOffset returns the offset of CLOCK_MONOTONIC in timens_offsets, 0 where
// there is none.
func parseMonotonicOffset(text string) time.Duration {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "monotonic" {
			continue
		}
		seconds, err := strconv.ParseInt(fields[1], 10, 64)
		nanoseconds, err2 := strconv.ParseInt(fields[2], 10, 64)
		const most = int64(math.MaxInt64/time.Second) - 1
		if err != nil || err2 != nil || seconds > most || seconds < -most || nanoseconds < 0 || nanoseconds >= int64(time.Second) {
			return 0
		}
		return time.Duration(seconds)*time.Second + time.Duration(nanoseconds)
	}
	return 0
}

// momentOf returns the moment of a stamp of ifa_cacheinfo, which is the clock's
// reading in hundredths of a second, of which 32 bits are told: the zero time
// where it can be of two turns, from the 497th day on.
func momentOf(stamp uint32, now time.Time, up time.Duration) time.Time {
	at := time.Duration(stamp) * cacheinfoTick
	if up >= cacheinfoTurn+at {
		return time.Time{}
	}
	// The jiffy that an event comes in may have begun after the clock was read.
	return now.Add(min(at-up, 0))
}

// addr returns the value as an address of the family.
func (r *attributeReader) addr(a nlAttr, family netstat.Family) netip.Addr {
	switch {
	case family == netstat.IPv4 && len(a.value) == 4:
		return netip.AddrFrom4([4]byte(a.value))
	case family == netstat.IPv6 && len(a.value) == 16:
		return netip.AddrFrom16([16]byte(a.value))
	}
	r.malformed(a, fmt.Sprintf("an %v address", family))
	return netip.Addr{}
}
