// Package ifmib declares the IF-MIB (RFC 2863) over netstat's interfaces.
//
// Linux counts received multicasts where the driver does (virtual devices such
// as veth do not), and tells neither broadcasts nor sent multicasts apart. Those
// counters are absent where nobody knows them; what is not known to be
// multicast or broadcast is among the unicasts, so that ifInUcastPkts and
// ifInNUcastPkts, like ifOutUcastPkts and ifOutNUcastPkts, always add up to all
// packets.
package ifmib

import (
	"math"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Identity is the MODULE-IDENTITY ifMIB.
var Identity = mib.MustParseOID("1.3.6.1.2.1.31")

var (
	interfaces = mib.MustParseOID("1.3.6.1.2.1.2")
	objects    = Identity.Sub(1)
)

type (
	iface    = netstat.Interface
	counters = netstat.InterfaceCounters
)

// Summary is what the scalars of the IF-MIB tell.
type Summary struct {
	Number netstat.Optional[int32] // of interfaces
	// TableLastChange is when an interface last came or went, and
	// StackLastChange when one last came to stand on another or ceased to;
	// the zero time for neither since whoever watches began to.
	TableLastChange, StackLastChange netstat.Optional[time.Time]
}

// Number is ifNumber, the scalar below interfaces.
func Number() *mib.Group[Summary] {
	return &mib.Group[Summary]{
		Name: "interfaces",
		OID:  interfaces,
		Objects: mib.Columns(
			mib.Column(1, "ifNumber", mib.AsInteger(mib.Maybe(func(s *Summary) *netstat.Optional[int32] { return &s.Number }))),
		),
	}
}

// Changes are the scalars below ifMIBObjects.
func Changes() *mib.Group[Summary] {
	return &mib.Group[Summary]{
		Name: "ifMIBObjects",
		OID:  objects,
		Objects: mib.Columns(
			mib.Column(5, "ifTableLastChange", mib.AsTimeStamp(mib.Maybe(func(s *Summary) *netstat.Optional[time.Time] { return &s.TableLastChange }))),
			mib.Column(6, "ifStackLastChange", mib.AsTimeStamp(mib.Maybe(func(s *Summary) *netstat.Optional[time.Time] { return &s.StackLastChange }))),
		),
	}
}

var index = mib.At(func(i *iface) *uint32 { return &i.Index })

// counter gives access to one of the interface's counters.
func counter(part func(*counters) *netstat.Optional[uint64]) mib.Access[iface, uint64] {
	return mib.Maybe(func(i *iface) *netstat.Optional[uint64] { return part(&i.Counters) })
}

func derived(get func(*counters) (uint64, bool), set func(*counters, uint64)) mib.Access[iface, uint64] {
	return mib.Through(
		func(i *iface) (uint64, bool) { return get(&i.Counters) },
		func(i *iface, n uint64) { set(&i.Counters, n) },
	)
}

var (
	inOctets     = counter(func(c *counters) *netstat.Optional[uint64] { return &c.InOctets })
	outOctets    = counter(func(c *counters) *netstat.Optional[uint64] { return &c.OutOctets })
	inErrors     = counter(func(c *counters) *netstat.Optional[uint64] { return &c.InErrors })
	outErrors    = counter(func(c *counters) *netstat.Optional[uint64] { return &c.OutErrors })
	outDiscards  = counter(func(c *counters) *netstat.Optional[uint64] { return &c.OutDropped })
	inMulticast  = counter(func(c *counters) *netstat.Optional[uint64] { return &c.InMulticast })
	inBroadcast  = counter(func(c *counters) *netstat.Optional[uint64] { return &c.InBroadcast })
	outMulticast = counter(func(c *counters) *netstat.Optional[uint64] { return &c.OutMulticast })
	outBroadcast = counter(func(c *counters) *netstat.Optional[uint64] { return &c.OutBroadcast })

	// inUnicast is what is neither multicast nor, where that is known,
	// broadcast. The kernel's packets include both, and its parts are not
	// read at one moment.
	inUnicast = derived(
		func(c *counters) (uint64, bool) {
			all, known := c.InPackets.Get()
			return all - min(all, c.InMulticast.Or(0)+c.InBroadcast.Or(0)), known
		},
		func(c *counters, n uint64) { c.InPackets.Set(n + c.InMulticast.Or(0) + c.InBroadcast.Or(0)) },
	)
	outUnicast = derived(
		func(c *counters) (uint64, bool) {
			all, known := c.OutPackets.Get()
			return all - min(all, c.OutMulticast.Or(0)+c.OutBroadcast.Or(0)), known
		},
		func(c *counters, n uint64) { c.OutPackets.Set(n + c.OutMulticast.Or(0) + c.OutBroadcast.Or(0)) },
	)
	inNonUnicast = derived(
		func(c *counters) (uint64, bool) {
			return c.InMulticast.Or(0) + c.InBroadcast.Or(0), c.InMulticast.IsKnown() || c.InBroadcast.IsKnown()
		}, nothing)
	// Where nobody counts what is not unicast it stands among the unicasts.
	outNonUnicast = derived(
		func(c *counters) (uint64, bool) {
			return c.OutMulticast.Or(0) + c.OutBroadcast.Or(0), c.OutPackets.IsKnown()
		}, nothing)

	// inDiscards are packets dropped by the host and packets that the device
	// had no room for. Which of them others mean is not told: they count as
	// dropped.
	inDiscards = derived(
		func(c *counters) (uint64, bool) {
			n, known := c.InDropped.Get()
			return n + c.InMissedErrors.Or(0), known
		},
		func(c *counters, n uint64) { c.InDropped.Set(n) },
	)
)

func nothing(*counters, uint64) {}

// speed is in bits a second; RFC 2863 has 0 for an interface that has none.
var speed = mib.Through(
	func(i *iface) (uint64, bool) { return i.Speed.Or(0), true },
	func(i *iface, bits uint64) {
		if bits > 0 && bits < math.MaxUint32 {
			i.Speed.Set(bits)
		}
	},
)

const megabit = 1_000_000

var highSpeed = mib.Through(
	func(i *iface) (uint64, bool) { return (i.Speed.Or(0) + megabit/2) / megabit, true },
	func(i *iface, megabits uint64) {
		bits, known := i.Speed.Get()
		if megabits > 0 && (!known || isWrapped(bits, megabits)) {
			i.Speed.Set(megabits * megabit)
		}
	},
)

// isWrapped reports whether an ifSpeed is what 32 bits have of so many megabits a second.
// It should be their greatest number then (RFC 2863, section 3.1.7); agents exist that
// have 1.4 Gbit/s for 10.
func isWrapped(bits, megabits uint64) bool {
	if megabits*megabit <= math.MaxUint32 {
		return false
	}
	off := int64(uint32(bits) - uint32(megabits*megabit))
	return off < megabit || off > math.MaxUint32-megabit
}

// physAddress is empty where the device has no link-layer address: the
// loopback's zeros and a tunnel's own IP address are none.
var physAddress = mib.Through(
	func(i *iface) (netstat.HardwareAddress, bool) {
		if i.Flags&netstat.InterfaceLoopback != 0 || isTunnelType(i.HardwareType.Or(0)) {
			return "", true
		}
		return i.Address, true
	},
	func(i *iface, a netstat.HardwareAddress) { i.Address = a },
)

// impliesNoFlag leaves open which flags are set: some columns tell of one.
func impliesNoFlag(i *iface) { i.UnknownFlags = ^netstat.InterfaceFlags(0) }

// setFlag makes a flag known.
func setFlag(i *iface, f netstat.InterfaceFlags, on bool) {
	i.UnknownFlags &^= f
	if i.Flags &^= f; on {
		i.Flags |= f
	}
}

// adminStatus is not up in the state testing(3): no packets can be passed.
var adminStatus = mib.Through(
	func(i *iface) (bool, bool) { return i.Up().Get() },
	func(i *iface, up bool) { setFlag(i, netstat.InterfaceUp, up) },
)

var operState = mib.Through(
	func(i *iface) (netstat.OperState, bool) { return i.Operational().Get() },
	func(i *iface, s netstat.OperState) { i.OperState.Set(s) },
)

var name = mib.At(func(i *iface) *string { return &i.Name })

// nameIfAny leaves ifDescr in its place where ifName is empty: there is none then (RFC
// 2863, section 3.1.10).
var nameIfAny = mib.Through(name.Get, func(i *iface, s string) {
	if s != "" {
		i.Name = s
	}
})

var alias = mib.At(func(i *iface) *string { return &i.Alias })

var promiscuous = mib.Through(
	func(i *iface) (bool, bool) {
		flag, known := i.Flag(netstat.InterfacePromiscuous).Get()
		return i.Promiscuity.Or(0) > 0 || flag, i.Promiscuity.IsKnown() || known
	},
	func(i *iface, on bool) { setFlag(i, netstat.InterfacePromiscuous, on) },
)

// connector says whether the device is hardware, which has somewhere to plug a
// cable in.
var connector = mib.Through(
	func(i *iface) (bool, bool) { return i.Kind == "" && i.Flags&netstat.InterfaceLoopback == 0, true }, nil)

var mtu = mib.Maybe(func(i *iface) *netstat.Optional[uint32] { return &i.MTU })

// Interfaces is ifTable (RFC 2863, section 6).
func Interfaces() *mib.Table[iface] {
	return &mib.Table[iface]{
		Name:    "ifTable",
		Entry:   interfaces.Sub(2, 1),
		Implies: impliesNoFlag,
		Index:   mib.Index(mib.IntegerIndex(index)),
		Columns: mib.Columns(
			mib.Column(1, "ifIndex", mib.AsInteger(index)),
			mib.Column(2, "ifDescr", mib.AsText(name, 255)),
			mib.Column(3, "ifType", mib.AsInteger(deviceType)),
			mib.Column(4, "ifMtu", mib.AsInteger(mtu)),
			mib.Column(5, "ifSpeed", mib.AsGauge(speed)),
			mib.Column(6, "ifPhysAddress", mib.AsOctets(physAddress)),
			mib.Column(7, "ifAdminStatus", mib.AsEnum(adminStatus, mib.Enum[bool]{{Value: true, Number: 1}, {Value: false, Number: 2}, {Value: false, Number: 3}}).Within(1, 2)).Writable(), // Linux tests nothing
			mib.Column(8, "ifOperStatus", mib.AsEnum(operState, mib.Enum[netstat.OperState]{
				{Value: netstat.OperUp, Number: 1}, {Value: netstat.OperDown, Number: 2},
				{Value: netstat.OperTesting, Number: 3}, {Value: netstat.OperUnknown, Number: 4},
				{Value: netstat.OperDormant, Number: 5}, {Value: netstat.OperNotPresent, Number: 6},
				{Value: netstat.OperLowerLayerDown, Number: 7},
			})),
			mib.Column(9, "ifLastChange", mib.AsTimeStamp(mib.At(func(i *iface) *time.Time { return &i.LastChange }))),
			mib.Column(10, "ifInOctets", mib.AsCounter32(inOctets)),
			mib.Column(11, "ifInUcastPkts", mib.AsCounter32(inUnicast)),
			mib.Column(12, "ifInNUcastPkts", mib.AsCounter32(inNonUnicast)),
			mib.Column(13, "ifInDiscards", mib.AsCounter32(inDiscards)),
			mib.Column(14, "ifInErrors", mib.AsCounter32(inErrors)),
			mib.Column(15, "ifInUnknownProtos", mib.AsConstant[iface](mib.Count32(0))), // they are among ifInDiscards
			mib.Column(16, "ifOutOctets", mib.AsCounter32(outOctets)),
			mib.Column(17, "ifOutUcastPkts", mib.AsCounter32(outUnicast)),
			mib.Column(18, "ifOutNUcastPkts", mib.AsCounter32(outNonUnicast)),
			mib.Column(19, "ifOutDiscards", mib.AsCounter32(outDiscards)),
			mib.Column(20, "ifOutErrors", mib.AsCounter32(outErrors)),
			mib.Column(21, "ifOutQLen", mib.AsConstant[iface](mib.Gauge(0))), // of the device itself
			mib.Column(22, "ifSpecific", mib.AsConstant[iface](mib.OIDValue(mib.MakeOID(0, 0)))),
		),
	}
}

// Extensions is ifXTable (RFC 2863, section 6), which augments ifTable.
func Extensions() *mib.Table[iface] {
	return &mib.Table[iface]{
		Name:    "ifXTable",
		Entry:   objects.Sub(1, 1),
		Implies: impliesNoFlag,
		Index:   Interfaces().Index,
		Columns: mib.Columns(
			mib.Column(1, "ifName", mib.AsText(nameIfAny, 255)),
			mib.Column(2, "ifInMulticastPkts", mib.AsCounter32(inMulticast)),
			mib.Column(3, "ifInBroadcastPkts", mib.AsCounter32(inBroadcast)),
			mib.Column(4, "ifOutMulticastPkts", mib.AsCounter32(outMulticast)),
			mib.Column(5, "ifOutBroadcastPkts", mib.AsCounter32(outBroadcast)),
			mib.Column(6, "ifHCInOctets", mib.AsCounter64(inOctets)),
			mib.Column(7, "ifHCInUcastPkts", mib.AsCounter64(inUnicast)),
			mib.Column(8, "ifHCInMulticastPkts", mib.AsCounter64(inMulticast)),
			mib.Column(9, "ifHCInBroadcastPkts", mib.AsCounter64(inBroadcast)),
			mib.Column(10, "ifHCOutOctets", mib.AsCounter64(outOctets)),
			mib.Column(11, "ifHCOutUcastPkts", mib.AsCounter64(outUnicast)),
			mib.Column(12, "ifHCOutMulticastPkts", mib.AsCounter64(outMulticast)),
			mib.Column(13, "ifHCOutBroadcastPkts", mib.AsCounter64(outBroadcast)),
			mib.Column(14, "ifLinkUpDownTrapEnable", mib.AsTruth(mib.Maybe(func(i *iface) *netstat.Optional[bool] { return &i.LinkTraps }))).Writable(),
			mib.Column(15, "ifHighSpeed", mib.AsGauge(highSpeed)),
			mib.Column(16, "ifPromiscuousMode", mib.AsTruth(promiscuous)).Writable(),
			mib.Column(17, "ifConnectorPresent", mib.AsTruth(connector)),
			mib.Column(18, "ifAlias", mib.AsText(alias, 64)).Writable(), // the kernel allows 255
			mib.Column(19, "ifCounterDiscontinuityTime", mib.AsTimeStamp(mib.At(func(i *iface) *time.Time { return &i.CounterDiscontinuity }))),
		),
	}
}

type (
	stacking       = netstat.Stacking
	receiveAddress = netstat.ReceiveAddress
)

// active is the RowStatus of rows that exist.
var active = mib.Int(1)

// Stack is ifStackTable (RFC 2863, section 6).
func Stack() *mib.Table[stacking] {
	return &mib.Table[stacking]{
		Name:  "ifStackTable",
		Entry: objects.Sub(2, 1),
		Index: mib.Index(
			mib.IntegerIndex(mib.At(func(s *stacking) *uint32 { return &s.Higher })),
			mib.IntegerIndex(mib.At(func(s *stacking) *uint32 { return &s.Lower })),
		),
		Columns: mib.Columns(
			mib.Column(3, "ifStackStatus", mib.AsConstant[stacking](active)),
		),
	}
}

// ReceiveAddresses is ifRcvAddressTable (RFC 2863, section 6).
func ReceiveAddresses() *mib.Table[receiveAddress] {
	return &mib.Table[receiveAddress]{
		Name:  "ifRcvAddressTable",
		Entry: objects.Sub(4, 1),
		Index: mib.Index(
			mib.IntegerIndex(mib.At(func(a *receiveAddress) *uint32 { return &a.Interface })),
			mib.StringIndex(mib.At(func(a *receiveAddress) *netstat.HardwareAddress { return &a.Address })),
		),
		Columns: mib.Columns(
			mib.Column(2, "ifRcvAddressStatus", mib.AsConstant[receiveAddress](active)),
			mib.Column(3, "ifRcvAddressType", mib.AsEnum(
				mib.At(func(a *receiveAddress) *bool { return &a.Volatile }),
				mib.Enum[bool]{{Value: true, Number: 2}, {Value: false, Number: 3}})),
		),
	}
}
