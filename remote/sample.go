package remote

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
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
	decode := func(index mib.OID, values []mib.Value) (row, bool, error) {
		// Decoded to see that it can be.
		_, err := decodeInterface(s.currentEpoch(), index, values)
		return row{index, append([]mib.Value(nil), values...)}, true, err
	}
	for r, err := range rows(ctx, scan, nil, decode) {
		if err != nil {
			return nil, err
		}
		// Cut loose from the answer that it came in.
		sample.interfaces[mib.PackedOID(strings.Clone(r.index.Packed()))] = r.values
	}
	for r, err := range s.systemRows(ctx) {
		if err != nil {
			return nil, err
		}
		sample.ip[r.index] = r.values
	}
	var err error
	if len(sample.ip) == 0 {
		if sample.ipv4, err = s.scalars(ctx, ipmib.IPv4Statistics.Name, groupColumns(&ipmib.IPv4Statistics)); err != nil {
			return nil, err
		}
	}
	if sample.tcp, err = s.scalars(ctx, tcpmib.Statistics.Name, groupColumns(&tcpmib.Statistics)); err != nil {
		return nil, err
	}
	if sample.udp, err = s.scalars(ctx, udpmib.Statistics.Name, groupColumns(&udpmib.Statistics)); err != nil {
		return nil, err
	}
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
		i, err := decodeInterface(epoch, index, differences(was, values))
		if err != nil {
			return d, err
		}
		// An ifSpeed at its limit says that it is at least so much.
		if speed := max(i.Speed.Or(0), values[ifSpeed].Uint()); i.Counters.IsKnown() && mayWrapTwice(values, speed, d.Elapsed) {
			i.Counters = netstat.Optional[netstat.InterfaceCounters]{}
		}
		d.Interfaces = append(d.Interfaces, i)
	}
	sortByIndex(d.Interfaces)
	tcp, udp := scalarDifferences(earlier.tcp, s.tcp, d.Restarted), scalarDifferences(earlier.udp, s.udp, d.Restarted)
	err := errors.Join(
		tcpmib.Statistics.Decode(noEpoch, each(tcp), &d.TCP),
		udpmib.Statistics.Decode(noEpoch, each(udp), &d.UDP),
	)
	if err == nil {
		d.Counters, err = s.ipSince(earlier, d.Restarted)
	}
	if err != nil {
		return d, err
	}
	for _, decode := range []func() ([]netstat.Counter, error){
		func() ([]netstat.Counter, error) { return tcpCounters(tcp) }, func() ([]netstat.Counter, error) { return udpCounters(udp) },
	} {
		counters, err := decode()
		if err != nil {
			return d, err
		}
		d.Counters = append(d.Counters, counters...)
	}
	return d, nil
}

// ipSince returns what IP counted since an earlier sample.
func (s *Sample) ipSince(earlier *Sample, restarted bool) (found []netstat.Counter, err error) {
	discontinuity := slices.Index(systemStatistics, ipmib.DiscontinuityColumn)
	for _, index := range slices.SortedFunc(maps.Keys(s.ip), mib.OID.Compare) {
		was, values := earlier.ip[index], s.ip[index]
		if was == nil || restarted || was[discontinuity] != values[discontinuity] {
			was = nil
		}
		r := systemRow{index, differences(was, values)}
		row, err := r.decode(noEpoch)
		if err != nil {
			return nil, err
		}
		found = slices.AppendSeq(found, row.Counters(r.isWide))
	}
	if len(s.ip) > 0 {
		return found, nil
	}
	row := ipmib.Statistics{Family: netstat.IPv4}
	err = ipmib.IPv4Statistics.Decode(noEpoch, each(scalarDifferences(earlier.ipv4, s.ipv4, restarted)), &row)
	return slices.Collect(row.Counters(noneWide)), err
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
	// A clock that is fast is no restart, a wrap far too early is one.
	if d := elapsed - passed; d < -tolerance-passed/10 || up < before && d > tolerance+passed/10 {
		return passed, true
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

// differences returns the values with each counter replaced by how much it
// counted; without an earlier one it is absent.
func differences(was, values []mib.Value) []mib.Value {
	out := make([]mib.Value, len(values))
	for i, v := range values {
		var before mib.Value
		if was != nil {
			before = was[i]
		}
		out[i] = difference(before, v)
	}
	return out
}

func difference(before, v mib.Value) mib.Value {
	switch v.Type() {
	case mib.Counter32, mib.Counter64:
		if before.Type() != v.Type() {
			return mib.Value{}
		}
		// Modular: what wrapped once is right.
		return number(v.Type(), v.Uint()-before.Uint())
	}
	return v
}

func scalarDifferences(was, now []mib.Binding, restarted bool) []mib.Binding {
	before := make(map[mib.OID]mib.Value, len(was))
	if !restarted {
		for _, b := range was {
			before[b.Object] = b.Value
		}
	}
	var out []mib.Binding
	for _, b := range now {
		if b.Value = difference(before[b.Object], b.Value); b.Value != (mib.Value{}) {
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
