package remote

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Sample is what a host counted until one moment. The difference between two of
// them is what it counted in between.
//
// It keeps the variables as the agent told them, so that a difference knows how
// wide each counter is.
type Sample struct {
	// At is when it was taken.
	At time.Time
	// UpTime is the agent's sysUpTime then; unknown where it does not tell.
	UpTime netstat.Optional[time.Duration]
	// Skipped is what is not in it though the agent has it, nil for nothing: errors of
	// tables that were cut short, and *SkippedError.
	Skipped error

	interfaces map[mib.OID][]mib.Value // of interfaceColumns
	ip         map[mib.OID][]mib.Value // of systemStatistics
	ipv4       []mib.Binding           // where ip has none
	tcp, udp   []mib.Binding
}

// Difference is what a host counted between two samples.
type Difference struct {
	// Elapsed is the time between the samples, by the agent's clock where it
	// tells, and by this host's otherwise.
	Elapsed time.Duration
	// Restarted says that the agent began anew in between: its sysUpTime did
	// not advance as time did. Nothing is known then of what was counted.
	Restarted bool
	// Interfaces are those of the later sample. Their Counters are what was
	// counted in between; unknown for an interface that is new, that has
	// another name than before under its index, or whose counters lost
	// continuity (ifCounterDiscontinuityTime), and where a 32-bit counter of
	// octets or packets may have wrapped more than once at the interface's speed.
	// A counter is unknown by itself where what it counted is not plausible: one in
	// 64 bits that fell, and one in 32 bits that grew by more than the interface can
	// carry in the time, or fell and would have grown by more than half its range where
	// nobody knows how much that is. It was set back.
	Interfaces []netstat.Interface
	// TCP and UDP have the differences of counters, and of what is not a
	// counter the later value.
	TCP netstat.TCPStatistics
	UDP netstat.UDPStatistics
	// Counters are the differences of the counters of IP, TCP and UDP by the
	// names that Stack.Counters has for them, and of what is not a counter the
	// later value. One that is not known is left out: all of them after a
	// restart, and those of IP when they lost continuity
	// (ipSystemStatsDiscontinuityTime).
	Counters []netstat.Counter
}

// Sample takes a sample of the interfaces' counters and of those of IP, TCP and UDP.
// What the agent does not have is left out of it.
func (s *Stack) Sample(ctx context.Context) (*Sample, error) {
	sample := &Sample{At: time.Now(), interfaces: make(map[mib.OID][]mib.Value), ip: make(map[mib.OID][]mib.Value)}
	_, scan := s.interfaceScan()
	tell := scan.tell
	scan.tell = func(i int, v mib.Value) {
		tell(i, v)
		if i == 0 && v.Type() == mib.TimeTicks {
			sample.At = time.Now()
			sample.UpTime.Set(time.Duration(v.Uint()) * tick)
		}
	}
	type row struct {
		index  mib.OID
		values []mib.Value
	}
	decode := func(index mib.OID, values []mib.Value, odd func(error)) (row, bool, error) {
		// Decoded to see that it can be.
		_, err := decodeInterface(s.currentEpoch(), index, values, odd)
		return row{index, append([]mib.Value(nil), values...)}, true, err
	}
	var errs []error
	for r, err := range rows(ctx, scan, nil, decode) {
		if err != nil {
			errs = append(errs, err)
			break
		}
		// Cut loose from the answer that it came in.
		sample.interfaces[mib.PackedOID(strings.Clone(r.index.Packed()))] = r.values
	}
	if isOver(errs) {
		return nil, join(errs)
	}
	four := false
	for r, err := range s.systemRows(ctx) {
		if err != nil {
			errs = append(errs, err)
			break
		}
		sample.ip[r.index] = r.values
		row, _ := r.decode(noEpoch, nil)
		four = four || row.Family == netstat.IPv4
	}
	for _, group := range []struct {
		wanted bool
		read   func() ([]mib.Binding, error)
		to     *[]mib.Binding
	}{
		{!four, func() ([]mib.Binding, error) { return scalarsOf(ctx, s, ipmib.IPv4Statistics(), new(ipmib.Statistics)) }, &sample.ipv4},
		{true, func() ([]mib.Binding, error) {
			return scalarsOf(ctx, s, tcpmib.Statistics(), new(netstat.TCPStatistics))
		}, &sample.tcp},
		{true, func() ([]mib.Binding, error) {
			return scalarsOf(ctx, s, udpmib.Statistics(), new(netstat.UDPStatistics))
		}, &sample.udp},
	} {
		if isOver(errs) {
			return nil, join(errs)
		}
		if group.wanted {
			var err error
			*group.to, err = group.read()
			errs = appendError(errs, err)
		}
	}
	if isOver(errs) {
		return nil, join(errs)
	}
	sample.Skipped = join(errs)
	return sample, nil
}

// tick is the unit of TimeTicks.
const tick = 10 * time.Millisecond

// ErrOrder says that of two samples the later was given as the earlier.
var ErrOrder = errors.New("the samples are in the wrong order")

// Since returns what was counted since an earlier sample of the same host. The
// error is ErrOrder, or says which variable makes no sense.
func (s *Sample) Since(earlier *Sample) (Difference, error) {
	d := Difference{Elapsed: s.At.Sub(earlier.At)}
	if d.Elapsed < 0 {
		return d, ErrOrder
	}
	up, known := s.UpTime.Get()
	before, knownBefore := earlier.UpTime.Get()
	if known && knownBefore {
		d.Elapsed, d.Restarted = upTimeSince(up, before, d.Elapsed)
	}
	epoch := s.At.Add(-up)
	if !known {
		epoch = time.Time{}
	}
	for index, values := range s.interfaces {
		was := earlier.interfaces[index]
		if d.Restarted || !continues(was, values) {
			was = nil
		}
		now, err := decodeInterface(epoch, index, values, nil)
		if err != nil {
			continue // it was said of the sample
		}
		// An ifSpeed at its limit says that it is at least so much.
		speed := max(now.Speed.Or(0), values[ifSpeed].Uint())
		i, _ := decodeInterface(epoch, index, differences(interfaceCounts(), was, values, boundsOf(speed, d.Elapsed)), nil)
		if mayWrapTwice(values, speed, d.Elapsed) {
			i.Counters = netstat.InterfaceCounters{}
		}
		d.Interfaces = append(d.Interfaces, i)
	}
	sortByIndex(d.Interfaces)
	tcp, udp := scalarDifferences(tcpmib.Statistics(), earlier.tcp, s.tcp, d.Restarted), scalarDifferences(udpmib.Statistics(), earlier.udp, s.udp, d.Restarted)
	nobody := func(error) {} // it was said of the samples
	tcpmib.Statistics().DecodeAll(noEpoch, slices.Values(tcp), &d.TCP, nobody)
	udpmib.Statistics().DecodeAll(noEpoch, slices.Values(udp), &d.UDP, nobody)
	d.Counters = slices.Concat(s.ipSince(earlier, d.Restarted), tcpCounters(&d.TCP, tcp), udpCounters(&d.UDP, udp))
	return d, nil
}

// ipSince returns what IP counted since an earlier sample.
func (s *Sample) ipSince(earlier *Sample, restarted bool) (found []netstat.Counter) {
	discontinuity := slices.Index(systemStatistics(), ipmib.DiscontinuityColumn)
	for _, index := range slices.SortedFunc(maps.Keys(s.ip), mib.OID.Compare) {
		was, values := earlier.ip[index], s.ip[index]
		if was == nil || restarted || was[discontinuity] != values[discontinuity] {
			was = nil
		}
		r := systemRow{index, differences(systemCounts(), was, values, noBounds)}
		row, err := r.decode(noEpoch, nil)
		if err == nil {
			found = slices.AppendSeq(found, row.Counters(r.isWide))
		}
	}
	row := ipmib.Statistics{Family: netstat.IPv4}
	ipmib.IPv4Statistics().DecodeAll(noEpoch, slices.Values(scalarDifferences(ipmib.IPv4Statistics(), earlier.ipv4, s.ipv4, restarted)), &row, func(error) {})
	return slices.AppendSeq(found, row.Counters(noneWide))
}

// upTimeSince returns how much a sysUpTime advanced, and whether it began anew.
// It is 32 bits of hundredths of a second and wraps after 497 days, and may have
// come further since it began anew than it was before: the time that passed
// tells.
func upTimeSince(up, before, passed time.Duration) (elapsed time.Duration, restarted bool) {
	const wrap = (math.MaxUint32 + 1) * tick
	elapsed = up - before
	if up < before {
		elapsed += wrap
	}
	const tolerance = 3 * time.Second
	drift := passed / 100 // more than two clocks differ by
	switch d := elapsed - passed; {
	case d < -tolerance-drift, up < before && d > tolerance+drift:
		return passed, true // a wrap far too early is one as well
	case up >= before && up < passed-drift-tolerance/10:
		return passed, true // it began after the earlier sample
	}
	return elapsed, false
}

// continues reports whether values of interfaceColumns are of the same interface
// as before, without a discontinuity in between.
func continues(was, values []mib.Value) bool {
	if was == nil || was[discontinuity] != values[discontinuity] {
		return false
	}
	for _, c := range descriptions {
		if was[c] != values[c] {
			return false
		}
	}
	return true
}

// counts says what a column counts.
type counts int

const (
	nothing counts = iota
	octets
	packets
	others // errors, drops, and whatever no speed bounds
)

func countsOf(c column, typ mib.Type) counts {
	switch {
	case typ != mib.Counter32 && typ != mib.Counter64:
		return nothing
	case strings.HasSuffix(c.name, "Octets"):
		return octets
	case strings.HasSuffix(c.name, "Pkts"):
		return packets
	}
	return others
}

var (
	interfaceCounts = sync.OnceValue(func() []counts {
		return columnCounts(interfaceColumns(), ifmib.Interfaces().Objects(), ifmib.Extensions().Objects())
	})
	systemCounts = sync.OnceValue(func() []counts {
		return columnCounts(tableColumns(ipmib.SystemStatistics(), systemStatistics()...), ipmib.SystemStatistics().Objects())
	})
)

func columnCounts(columns []column, objects ...[]mib.Object) []counts {
	types := make(map[mib.OID]mib.Type)
	for _, o := range slices.Concat(objects...) {
		types[o.OID] = o.Type
	}
	all := make([]counts, len(columns))
	for i, c := range columns {
		all[i] = countsOf(c, types[c.oid])
	}
	return all
}

// bounds are the most that counters in 32 bits may have counted between two samples:
// those that fell, of which nobody can tell whether they wrapped around or were set
// back, and all.
type bounds [others + 1]struct{ fell, any float64 }

const half = math.MaxUint32 / 2

// noBounds are those of counters that nobody knows the speed of.
var noBounds = bounds{octets: {half, math.Inf(1)}, packets: {half, math.Inf(1)}, others: {half, math.Inf(1)}}

// boundsOf are those of an interface with a speed in bits a second, 0 for an unknown one.
func boundsOf(speed uint64, elapsed time.Duration) bounds {
	if speed == 0 {
		return noBounds
	}
	const (
		frame = 20 // octets: shorter than any packet
		slack = 2  // the clocks, and what an interface had in its queue
	)
	o := float64(speed) / 8 * slack * (elapsed.Seconds() + 1)
	return bounds{octets: {o, o}, packets: {o / frame, o / frame}, others: {min(o/frame, half), math.Inf(1)}}
}

// differences returns the values with each counter replaced by how much it
// counted; without an earlier one, and where that makes no sense, it is absent.
func differences(of []counts, was, values []mib.Value, most bounds) []mib.Value {
	out := slices.Clone(values)
	for i, v := range values {
		if of[i] != nothing {
			var before mib.Value
			if was != nil {
				before = was[i]
			}
			out[i] = difference(before, v, most[of[i]].fell, most[of[i]].any)
		}
	}
	return out
}

// difference returns how much a counter counted: the zero Value where that is not
// known, or more than it may be in 32 bits.
func difference(before, v mib.Value, mostFell, most float64) mib.Value {
	if before.Type() != v.Type() {
		return mib.Value{}
	}
	switch v.Type() {
	case mib.Counter64:
		if v.Uint() < before.Uint() {
			return mib.Value{} // nothing wraps around so soon: it was set back
		}
		return mib.Count64(v.Uint() - before.Uint())
	case mib.Counter32, mib.Gauge32, mib.Integer32, mib.TimeTicks:
		// Modular: what wrapped once is right.
		n := uint32(v.Uint()) - uint32(before.Uint())
		if uint32(v.Uint()) < uint32(before.Uint()) {
			most = mostFell
		}
		if float64(n) > most {
			return mib.Value{}
		}
		return mib.Count32(uint64(n))
	}
	return mib.Value{}
}

func scalarDifferences[R any](g *mib.Group[R], was, now []mib.Binding, restarted bool) []mib.Binding {
	before := make(map[mib.OID]mib.Value, len(was))
	if !restarted {
		for _, b := range was {
			before[b.Object] = b.Value
		}
	}
	counters := make(map[mib.OID]bool)
	for _, o := range g.Scalars() {
		counters[o.OID] = o.Type == mib.Counter32 || o.Type == mib.Counter64
	}
	var out []mib.Binding
	for _, b := range now {
		if counters[b.Object] {
			b.Value = difference(before[b.Object], b.Value, half, math.Inf(1))
		}
		if b.Value != (mib.Value{}) {
			out = append(out, b)
		}
	}
	return out
}

// mayWrapTwice reports whether an interface has octets or packets in 32 bits
// alone and may have carried more than they count.
func mayWrapTwice(values []mib.Value, speed uint64, elapsed time.Duration) bool {
	const frame = 84 // the shortest on an Ethernet, with its preamble and gap
	octets := float64(speed) / 8 * elapsed.Seconds()
	return isNarrow(values, hcOctets) && octets > math.MaxUint32 || isNarrow(values, hcUnicasts) && octets/frame > math.MaxUint32
}
