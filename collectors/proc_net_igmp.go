package collectors

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Memberships yields the groups of /proc/net/igmp and igmp6, with the sources of
// mcfilter and mcfilter6. What joins between the readings may lack its sources.
func (k *Kernel) Memberships(ctx context.Context) iter.Seq2[netstat.Membership, error] {
	return func(yield func(netstat.Membership, error) bool) {
		for _, f := range []struct {
			groups, sources string
			parse           func(*lines, func(netstat.Membership) bool)
			parseSources    func(*lines, *zones, func(groupOnLink, netstat.MulticastSource))
		}{
			{"/proc/net/igmp", "/proc/net/mcfilter", parseIGMP, parseMCFilter},
			{"/proc/net/igmp6", "/proc/net/mcfilter6", parseIGMP6, parseMCFilter6},
		} {
			sources := make(map[groupOnLink][]netstat.MulticastSource)
			var z zones
			told, err := embellish(ctx, func() error {
				return k.readLines(ctx, f.sources, func(l *lines) {
					f.parseSources(l, &z, func(g groupOnLink, s netstat.MulticastSource) { sources[g] = append(sources[g], s) })
				})
			})
			if err != nil {
				yield(netstat.Membership{}, k.readError("read "+f.sources, err))
				return
			}
			if !told {
				clear(sources)
			}
			stopped := false
			err = k.readLines(ctx, f.groups, func(l *lines) {
				f.parse(l, func(m netstat.Membership) bool {
					m.Sources = sources[groupOnLink{m.Interface, m.Group}]
					slices.SortFunc(m.Sources, func(a, b netstat.MulticastSource) int { return a.Address.Compare(b.Address) })
					stopped = !yield(m, nil)
					return !stopped
				})
			})
			if stopped {
				return
			}
			// A kernel without IPv6 has no IPv6 groups; one without IPv4's
			// multicasts (CONFIG_IP_MULTICAST) does not tell.
			if err != nil && (f.groups == "/proc/net/igmp" || !isAbsent(err)) {
				yield(netstat.Membership{}, k.readError("read "+f.groups, absentFile(err)))
				return
			}
		}
	}
}

// groupOnLink is a group on an interface.
type groupOnLink struct {
	index uint32
	group netip.Addr
}

// parseIGMP reads /proc/net/igmp (net/ipv4/igmp.c, igmp_mc_seq_show): a line for
// each interface, followed by one for each group.
//
//	Idx	Device    : Count Querier	Group    Users Timer	Reporter
//	1	lo        :     1      V3
//					010000E0     1 0:00000000		0
func parseIGMP(l *lines, each func(netstat.Membership) bool) {
	var index uint32
	var version uint8
	for first := true; l.next(); first = false {
		fields := l.fields()
		if first && len(fields) > 0 && string(fields[0]) == "Idx" {
			continue
		}
		if len(l.text) > 0 && l.text[0] != '\t' {
			// The name may run into the colon.
			if len(fields) < 4 {
				l.fail("not an interface")
				return
			}
			index = l.uint32(fields[0], 10)
			querier := fields[len(fields)-1]
			if len(querier) != 2 || querier[0] != 'V' || querier[1] < '1' || querier[1] > '9' {
				l.fail("not a version of IGMP")
			}
			version = querier[len(querier)-1] - '0'
			continue
		}
		if len(fields) != 4 || index == 0 {
			l.fail("not a group of an interface")
			return
		}
		// The address as the processor sees the four bytes.
		var group [4]byte
		binary.NativeEndian.PutUint32(group[:], l.uint32(fields[0], 16))
		m := netstat.Membership{
			Interface: index, Group: netip.AddrFrom4(group), Users: l.uint64(fields[1], 10),
			QuerierVersion: netstat.Known(version), Reporter: netstat.Known(string(fields[3]) != "0"),
		}
		if running, ticks, ok := bytes.Cut(fields[2], []byte(":")); !ok {
			l.fail("not a timer")
		} else if string(running) != "0" {
			m.Timer = l.ticks(ticks, 16)
		}
		if l.err != nil || !each(m) {
			return
		}
	}
}

// parseIGMP6 reads /proc/net/igmp6 (net/ipv6/mcast.c, igmp6_mc_seq_show).
//
//	1    lo              ff020000000000000000000000000001     1 0000000C 0
func parseIGMP6(l *lines, each func(netstat.Membership) bool) {
	var z zones
	for l.next() {
		fields := l.fields()
		if len(fields) != 6 {
			l.fail("%d columns", len(fields))
			return
		}
		m := netstat.Membership{Interface: l.uint32(fields[0], 10), Users: l.uint64(fields[3], 10), Timer: l.ticks(fields[5], 10)}
		m.Group = z.add(l.addr6(fields[2]), m.Interface)
		if l.err != nil || !each(m) {
			return
		}
	}
}

// parseMCFilter reads /proc/net/mcfilter (net/ipv4/igmp.c, igmp_mcf_seq_show).
//
//	Idx Device        MCA        SRC    INC    EXC
//	  2   eth0 0xe8010101 0xc0000201      1      0
func parseMCFilter(l *lines, _ *zones, each func(groupOnLink, netstat.MulticastSource)) {
	addr := func(field []byte) netip.Addr {
		digits, ok := bytes.CutPrefix(field, []byte("0x"))
		if !ok {
			l.fail("not an IPv4 address")
			return netip.Addr{}
		}
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], l.uint32(digits, 16))
		return netip.AddrFrom4(a)
	}
	parseSourceFilter(l, func(_ uint32, field []byte) netip.Addr { return addr(field) }, each)
}

// parseMCFilter6 reads /proc/net/mcfilter6 (net/ipv6/mcast.c,
// igmp6_mcf_seq_show).
func parseMCFilter6(l *lines, z *zones, each func(groupOnLink, netstat.MulticastSource)) {
	parseSourceFilter(l, func(index uint32, field []byte) netip.Addr { return z.add(l.addr6(field), index) }, each)
}

func parseSourceFilter(l *lines, addr func(index uint32, field []byte) netip.Addr, each func(groupOnLink, netstat.MulticastSource)) {
	for first := true; l.next(); first = false {
		fields := l.fields()
		if first && len(fields) > 0 && string(fields[0]) == "Idx" {
			continue
		}
		if len(fields) != 6 {
			l.fail("%d columns", len(fields))
			return
		}
		index := l.uint32(fields[0], 10)
		g := groupOnLink{index, addr(index, fields[2])}
		s := netstat.MulticastSource{Address: addr(index, fields[3]), Included: l.uint64(fields[4], 10), Excluded: l.uint64(fields[5], 10)}
		if l.err != nil {
			return
		}
		each(g, s)
	}
}

// addr6 reads an IPv6 address of 32 hexadecimal digits.
func (l *lines) addr6(field []byte) netip.Addr {
	var a [16]byte
	if len(field) != 2*len(a) {
		l.fail("not an IPv6 address")
		return netip.Addr{}
	}
	if _, err := hex.Decode(a[:], field); err != nil {
		l.fail("not an IPv6 address: %w", err)
		return netip.Addr{}
	}
	return netip.AddrFrom16(a)
}

// ticks reads a time in hundredths of a second. The kernel prints one that has
// passed as a negative number.
func (l *lines) ticks(field []byte, base int) time.Duration {
	n, err := strconv.ParseUint(string(field), base, 64)
	if err != nil {
		signed, again := strconv.ParseInt(string(field), base, 64)
		if again != nil {
			l.fail("%w", err)
			return 0
		}
		n = uint64(signed)
	}
	if n >= 1<<40 { // a negative one, as an unsigned one
		return 0
	}
	return time.Duration(n) * cacheinfoTick
}
