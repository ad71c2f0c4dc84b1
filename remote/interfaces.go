package remote

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// interfaceColumns are those of ifTable and ifXTable, which have one index and
// are read side by side. A column that is stored in the light of another comes
// after it: packets are what their unicasts, multicasts and broadcasts add up
// to, and a 64-bit counter takes the place of its low half.
//
// Not asked for is what no row holds, or holds already: ifIndex,
// ifInUnknownProtos, ifOutQLen, ifSpecific and ifConnectorPresent.
var (
	casts    = []uint32{2, 3, 4, 5}                                                     // of ifXTable
	basics   = []uint32{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 17, 19, 20, 12, 18} // of ifTable
	extended = []uint32{8, 9, 12, 13, 6, 10, 7, 11, 1, 14, 15, 16, 18, 19}              // of ifXTable

	castDecoder     = decoderOf(ifmib.Extensions, casts...)
	basicDecoder    = decoderOf(ifmib.Interfaces, basics...)
	extendedDecoder = decoderOf(ifmib.Extensions, extended...)

	interfaceColumns = sync.OnceValue(func() []column {
		return concat(tableColumns(ifmib.Interfaces(), basics...),
			tableColumns(ifmib.Extensions(), casts...), tableColumns(ifmib.Extensions(), extended...))
	})
	ifNumber = sync.OnceValue(func() column { return groupColumns(ifmib.Number())[0] })
)

func concat[T any](lists ...[]T) (all []T) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Where some columns stand in interfaceColumns.
var (
	inNonUnicast  = len(basics) - 2
	outNonUnicast = len(basics) - 1
	ifSpeed       = 3
	hcOctets      = [...]int{len(basics) + len(casts) + 4, len(basics) + len(casts) + 5} // ifHCInOctets, ifHCOutOctets
	hcUnicasts    = [...]int{len(basics) + len(casts) + 6, len(basics) + len(casts) + 7} // ifHCInUcastPkts, ifHCOutUcastPkts
	discontinuity = len(basics) + len(casts) + len(extended) - 1
	descriptions  = [...]int{0, len(basics) + len(casts) + 8} // ifDescr, ifName
)

// decodeInterface makes an interface of the values of interfaceColumns.
func decodeInterface(epoch time.Time, index mib.OID, values []mib.Value, odd func(error)) (i netstat.Interface, err error) {
	if err := basicDecoder().Index(index, &i); err != nil {
		return i, err
	}
	basic, rest := values[:len(basics)], values[len(basics):]
	castDecoder().Values(epoch, index, rest[:len(casts)], &i, odd)
	basicDecoder().Values(epoch, index, basic, &i, odd)
	extendedDecoder().Values(epoch, index, rest[len(casts):], &i, odd)
	if epoch.IsZero() {
		i.LastChange, i.CounterDiscontinuity = time.Time{}, time.Time{}
	}
	i.LastChange, i.CounterDiscontinuity = past(i.LastChange), past(i.CounterDiscontinuity)
	// RFC 2863 has up(5) for what can pass packets, which is Linux's running.
	if state, known := i.OperState.Get(); known {
		i.UnknownFlags &^= netstat.InterfaceRunning
		if state == netstat.OperUp {
			i.Flags |= netstat.InterfaceRunning
		}
	}
	// Without ifXTable, what is not unicast stands together.
	c := &i.Counters
	addNonUnicast(&c.InPackets, c.InMulticast, c.InBroadcast, values[inNonUnicast])
	addNonUnicast(&c.OutPackets, c.OutMulticast, c.OutBroadcast, values[outNonUnicast])
	octets := c.InOctets.IsKnown() || c.OutOctets.IsKnown()
	packets := c.InPackets.IsKnown() || c.OutPackets.IsKnown()
	c.NarrowOctets, c.NarrowPackets = octets && isNarrow(values, hcOctets), packets && isNarrow(values, hcUnicasts)
	c.NarrowErrors = c.InErrors.IsKnown() || c.OutErrors.IsKnown() || c.InDropped.IsKnown() || c.OutDropped.IsKnown()
	return i, nil
}

// addNonUnicast adds to packets those that are not unicast, where multicasts are not
// told by themselves. Broadcasts that are have been added.
func addNonUnicast(packets *netstat.Optional[uint64], multicasts, broadcasts netstat.Optional[uint64], nonUnicast mib.Value) {
	if n, known := packets.Get(); known && !multicasts.IsKnown() {
		packets.Set(n + nonUnicast.Uint() - min(nonUnicast.Uint(), broadcasts.Or(0)))
	}
}

// isNarrow reports whether one of two 64-bit counters is not there, or in 32 bits.
func isNarrow(values []mib.Value, wide [2]int) bool {
	return values[wide[0]].Type() != mib.Counter64 || values[wide[1]].Type() != mib.Counter64
}

// Interfaces yields the interfaces of ifTable, with what ifXTable and
// ifStackTable add where the agent has them. They are yielded in
// order of their indexes when all have been read, as what one stands on may come after it.
//
// An interface's Master is what ifStackTable shows above it if that is a bridge
// or an aggregate, and its Lower what it shows below it otherwise. Errors and
// drops are 32 bits wide, and without ifXTable octets and packets, too, as the
// counters' Narrow fields say: Sample is for differences between them.
func (s *Stack) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		var interfaces []netstat.Interface
		var errs []error
		number, scan := s.interfaceScan()
		decode := func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Interface, bool, error) {
			i, err := decodeInterface(s.currentEpoch(), index, values, odd)
			return i, true, err
		}
		for i, err := range rows(ctx, scan, nil, decode) {
			if err != nil {
				errs = append(errs, err)
				break
			}
			interfaces = append(interfaces, i)
		}
		sortByIndex(interfaces)
		if len(interfaces) == 0 && len(errs) == 0 && !number.IsKnown() {
			errs = append(errs, s.notSupported("read interfaces", ifmib.Interfaces().Name))
		}
		if len(interfaces) > 0 && !isOver(errs) {
			var stack []netstat.Stacking
			for row, err := range s.Stacking(ctx) {
				if err != nil {
					if !errors.Is(err, netstat.ErrNotSupported) {
						errs = append(errs, err)
					}
					break
				}
				stack = append(stack, row)
			}
			stackUp(interfaces, stack)
		}
		for _, i := range interfaces {
			if !yield(i, nil) {
				return
			}
		}
		if len(errs) > 0 {
			yield(netstat.Interface{}, join(errs))
		}
	}
}

// nameColumns are ifDescr and ifName.
var nameColumns = sync.OnceValue(func() []column {
	return concat(tableColumns(ifmib.Interfaces(), 2), tableColumns(ifmib.Extensions(), 1))
})

var (
	describeDecoder = decoderOf(ifmib.Interfaces, 2)
	nameDecoder     = decoderOf(ifmib.Extensions, 1)
)

// InterfaceNames returns the names that Interfaces has, by index, from no other columns
// than ifName and ifDescr. Beside an error there are those that were read.
func (s *Stack) InterfaceNames(ctx context.Context) (map[uint32]string, error) {
	decode := func(index mib.OID, values []mib.Value, odd func(error)) (i netstat.Interface, ok bool, err error) {
		if err = describeDecoder().Index(index, &i); err == nil {
			describeDecoder().Values(noEpoch, index, values[:1], &i, odd)
			nameDecoder().Values(noEpoch, index, values[1:], &i, odd)
		}
		return i, true, err
	}
	names := make(map[uint32]string)
	for i, err := range rows(ctx, newScan(s, ifmib.Interfaces().Name, nameColumns()), nil, decode) {
		if err != nil {
			return names, err
		}
		names[i.Index] = i.Name
	}
	if len(names) == 0 {
		return nil, s.notSupported("read names of interfaces", ifmib.Interfaces().Name)
	}
	return names, nil
}

// interfaceScan is a reading of interfaceColumns, and what ifNumber then was.
func (s *Stack) interfaceScan() (*netstat.Optional[int], *scan) {
	number := new(netstat.Optional[int])
	scan := newScan(s, ifmib.Interfaces().Name, interfaceColumns())
	scan.beside = []column{sysUpTime, ifNumber()}
	upTime := s.tellUpTime()
	scan.tell = func(i int, v mib.Value) {
		upTime(i, v)
		if i == 1 && v.Type() == mib.Integer32 {
			number.Set(int(v.Int()))
		}
	}
	scan.expected = func() int { return number.Or(0) }
	return number, scan
}

func sortByIndex(interfaces []netstat.Interface) {
	slices.SortFunc(interfaces, func(a, b netstat.Interface) int { return cmp.Compare(a.Index, b.Index) })
}

// stackUp writes what stands on what into the interfaces.
func stackUp(interfaces []netstat.Interface, stack []netstat.Stacking) {
	at := make(map[uint32]*netstat.Interface, len(interfaces))
	for i := range interfaces {
		at[interfaces[i].Index] = &interfaces[i]
	}
	for _, row := range stack {
		higher, lower := at[row.Higher], at[row.Lower]
		if higher == nil || lower == nil {
			continue // an end of the stack, or gone
		}
		if higher.Kind == "bridge" || higher.Kind == "bond" {
			lower.Master = higher.Index
		} else if higher.Lower == 0 {
			higher.Lower = lower.Index
		}
	}
}

var (
	stackDecoder   = decoderOf(ifmib.Stack, 3)
	receiveDecoder = decoderOf(ifmib.ReceiveAddresses, 3)
)

// Stacking yields the rows of ifStackTable, those with a 0 among them. An agent
// that shows none has not got it, as every interface is in two.
func (s *Stack) Stacking(ctx context.Context) iter.Seq2[netstat.Stacking, error] {
	return orMissing(s, rows(ctx, newScan(s, ifmib.Stack().Name, tableColumns(ifmib.Stack(), 3)), nil, plain(stackDecoder())),
		"read how interfaces are stacked", ifmib.Stack().Name)
}

// ReceiveAddresses yields the rows of ifRcvAddressTable: the link-layer
// addresses that interfaces accept frames for.
func (s *Stack) ReceiveAddresses(ctx context.Context) iter.Seq2[netstat.ReceiveAddress, error] {
	return orMissing(s, rows(ctx, newScan(s, ifmib.ReceiveAddresses().Name, tableColumns(ifmib.ReceiveAddresses(), 3)), nil, plain(receiveDecoder())),
		"read link-layer addresses", ifmib.ReceiveAddresses().Name)
}

// orMissing makes a table without rows one that is not supported.
func orMissing[R any](s *Stack, rows iter.Seq2[R, error], op, table string) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		any := false
		for row, err := range rows {
			any = true
			if !yield(row, err) {
				return
			}
		}
		if !any {
			var zero R
			yield(zero, s.notSupported(op, table))
		}
	}
}
