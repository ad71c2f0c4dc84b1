package netstat

import (
	"fmt"
	"iter"
	"net/netip"
	"time"
)

// HardwareAddress is a link-layer address as the bytes that the kernel gives:
// 6 for Ethernet, 4 or 16 for tunnels over IP, empty where there is none. It
// is a string so that values compare and copy cheaply.
type HardwareAddress string

// String returns the bytes in colon-separated hexadecimal.
func (a HardwareAddress) String() string {
	const hex = "0123456789abcdef"
	if a == "" {
		return ""
	}
	b := make([]byte, 0, len(a)*3)
	for i := range len(a) {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, hex[a[i]>>4], hex[a[i]&15])
	}
	return string(b)
}

// OperState is the operational state of an interface by the kernel's numbers,
// which are RFC 2863's own (include/uapi/linux/if.h, IF_OPER_*).
type OperState uint8

// Operational states.
const (
	OperUnknown        OperState = 0
	OperNotPresent     OperState = 1
	OperDown           OperState = 2
	OperLowerLayerDown OperState = 3
	OperTesting        OperState = 4
	OperDormant        OperState = 5
	OperUp             OperState = 6
)

var operStateNames = [...]string{"unknown", "notPresent", "down", "lowerLayerDown", "testing", "dormant", "up"}

func (s OperState) String() string {
	if int(s) < len(operStateNames) {
		return operStateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// InterfaceFlags are a device's flags (include/uapi/linux/if.h, IFF_*).
type InterfaceFlags uint32

// Interface flags.
const (
	InterfaceUp           InterfaceFlags = 1 << 0
	InterfaceBroadcast    InterfaceFlags = 1 << 1
	InterfaceLoopback     InterfaceFlags = 1 << 3
	InterfacePointToPoint InterfaceFlags = 1 << 4
	InterfaceRunning      InterfaceFlags = 1 << 6
	InterfaceNoARP        InterfaceFlags = 1 << 7
	InterfacePromiscuous  InterfaceFlags = 1 << 8
	InterfaceAllMulticast InterfaceFlags = 1 << 9
	InterfaceMulticast    InterfaceFlags = 1 << 12
	InterfaceLowerUp      InterfaceFlags = 1 << 16
	InterfaceDormant      InterfaceFlags = 1 << 17
)

// Duplex is the duplex mode of a link.
type Duplex uint8

// Duplex modes (include/uapi/linux/ethtool.h, DUPLEX_*).
const (
	HalfDuplex Duplex = 0
	FullDuplex Duplex = 1
)

// Interface is one network interface.
type Interface struct {
	Index uint32 // from 1
	Name  string // at most 15 bytes
	Alias string // ifalias: at most 255 bytes, empty when none is set

	// Kind is the driver family of a virtual device ("bridge", "vlan",
	// "veth", ...), empty for physical ones and the loopback
	// (IFLA_INFO_KIND).
	Kind string `json:"linkKind"`
	// PortKind is Kind's counterpart of the device's master ("bridge",
	// "bond"): what the device is a port of (IFLA_INFO_SLAVE_KIND).
	PortKind string
	// HardwareType is the ARPHRD_* number (include/uapi/linux/if_arp.h).
	HardwareType Optional[uint16]

	// Flags are those that are set. UnknownFlags are those that the source does
	// not tell of; none of them is among Flags.
	Flags, UnknownFlags InterfaceFlags

	OperState Optional[OperState] `json:"state"`
	Carrier   Optional[bool]
	MTU       Optional[uint32] // bytes
	// TransmitQueueLength is in packets.
	TransmitQueueLength Optional[uint32]

	Address   HardwareAddress
	Broadcast HardwareAddress
	// Permanent is the address burnt into the device, where it has one.
	Permanent HardwareAddress `json:"permanentAddress"`
	// Multicast are the link-layer addresses that the device receives besides
	// its own and the broadcast address. Unknown where the source does not
	// tell.
	Multicast Optional[[]HardwareAddress] `json:"multicastAddresses"`

	// Master is the index of the bridge, bond, team or VRF that the device is
	// a port of, or 0.
	Master uint32 `json:"masterIndex,omitzero"`
	// Lower is the index of the device that this one is stacked on (the VLAN's
	// trunk, the tunnel's underlay), or 0. When LowerNetNSID is known, Lower
	// is an index in that other network namespace. For a veth pair it is the
	// peer.
	Lower        uint32 `json:",omitzero"`
	LowerNetNSID Optional[int32]

	// Speed is in bits a second; unknown where the device has none to tell.
	Speed  Optional[uint64]
	Duplex Optional[Duplex]

	// Promiscuity counts who asked for promiscuous mode: the administrator,
	// packet captures, a bridge (IFLA_PROMISCUITY).
	Promiscuity Optional[uint32]
	// LinkTraps says whether linkUp and linkDown notifications are meant to be
	// sent for the interface; unknown where nobody manages it.
	LinkTraps Optional[bool]

	// LastChange is when the interface entered its OperState, and
	// CounterDiscontinuity when its counters last lost continuity (the device
	// was created under this index). The zero time means: before whatever
	// reported it began to watch, or that the source does not tell.
	LastChange           time.Time
	CounterDiscontinuity time.Time
	// CarrierChanges counts transitions of the carrier, in both directions.
	CarrierChanges Optional[uint32]

	Counters InterfaceCounters `json:",inline"`
}

// InterfaceCounters are an interface's 64-bit statistics (struct
// rtnl_link_stats64, include/uapi/linux/if_link.h). Octets and packets count
// all frames including multicast; errors are not among packets.
type InterfaceCounters struct {
	InPackets, OutPackets Optional[uint64] `json:"-"`
	InOctets, OutOctets   Optional[uint64] `json:"-"`
	InErrors, OutErrors   Optional[uint64] `json:"-"`
	InDropped, OutDropped Optional[uint64] `json:"-"`
	InMulticast           Optional[uint64] `json:"-"`
	Collisions            Optional[uint64] `json:"-"`

	InLengthErrors, InOverErrors, InCRCErrors, InFrameErrors, InFIFOErrors, InMissedErrors Optional[uint64] `json:"-"`

	OutAbortedErrors, OutCarrierErrors, OutFIFOErrors, OutHeartbeatErrors, OutWindowErrors Optional[uint64] `json:"-"`

	InCompressed, OutCompressed Optional[uint64] `json:"-"`
	// InNoHandler counts frames of protocols that nobody handles (Linux 4.6),
	// InOtherHost those dropped because of another destination address (Linux
	// 6.0).
	InNoHandler, InOtherHost Optional[uint64] `json:"-"`

	// What rtnl_link_stats64 does not hold and ethtool or the device may tell.
	InBroadcast, OutMulticast, OutBroadcast Optional[uint64] `json:"-"`

	// NarrowOctets, NarrowPackets and NarrowErrors say that the source has 32
	// bits of the counters of octets, of packets, and of errors and drops, as
	// SNMP's Counter32: after 4,294,967,295 they go on from 0, perhaps more than
	// once. The kernel's own are not narrow.
	NarrowOctets, NarrowPackets, NarrowErrors bool `json:"-"`
}

// interfaceCounters are the counters by the kernel's names for them.
var interfaceCounters = [...]struct {
	name string
	at   func(*InterfaceCounters) *Optional[uint64]
}{
	{"rx_packets", func(c *InterfaceCounters) *Optional[uint64] { return &c.InPackets }},
	{"tx_packets", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutPackets }},
	{"rx_bytes", func(c *InterfaceCounters) *Optional[uint64] { return &c.InOctets }},
	{"tx_bytes", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutOctets }},
	{"rx_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InErrors }},
	{"tx_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutErrors }},
	{"rx_dropped", func(c *InterfaceCounters) *Optional[uint64] { return &c.InDropped }},
	{"tx_dropped", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutDropped }},
	{"multicast", func(c *InterfaceCounters) *Optional[uint64] { return &c.InMulticast }},
	{"collisions", func(c *InterfaceCounters) *Optional[uint64] { return &c.Collisions }},
	{"rx_length_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InLengthErrors }},
	{"rx_over_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InOverErrors }},
	{"rx_crc_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InCRCErrors }},
	{"rx_frame_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InFrameErrors }},
	{"rx_fifo_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InFIFOErrors }},
	{"rx_missed_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.InMissedErrors }},
	{"tx_aborted_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutAbortedErrors }},
	{"tx_carrier_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutCarrierErrors }},
	{"tx_fifo_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutFIFOErrors }},
	{"tx_heartbeat_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutHeartbeatErrors }},
	{"tx_window_errors", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutWindowErrors }},
	{"rx_compressed", func(c *InterfaceCounters) *Optional[uint64] { return &c.InCompressed }},
	{"tx_compressed", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutCompressed }},
	{"rx_nohandler", func(c *InterfaceCounters) *Optional[uint64] { return &c.InNoHandler }},
	{"rx_otherhost_dropped", func(c *InterfaceCounters) *Optional[uint64] { return &c.InOtherHost }},
	{"rx_broadcast", func(c *InterfaceCounters) *Optional[uint64] { return &c.InBroadcast }},
	{"tx_multicast", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutMulticast }},
	{"tx_broadcast", func(c *InterfaceCounters) *Optional[uint64] { return &c.OutBroadcast }},
}

// All yields the counters by the kernel's names for them (struct
// rtnl_link_stats64): "rx_packets" and so on, in the kernel's order, and then,
// in the same style, what that structure does not hold.
func (c *InterfaceCounters) All() iter.Seq2[string, Optional[uint64]] {
	return func(yield func(string, Optional[uint64]) bool) {
		for i := range interfaceCounters {
			if !yield(interfaceCounters[i].name, *interfaceCounters[i].at(c)) {
				return
			}
		}
	}
}

// Flag returns whether a flag is set.
func (i *Interface) Flag(f InterfaceFlags) Optional[bool] { return flag(i.Flags, i.UnknownFlags, f) }

// flag returns whether f is set, given the flags that are and those that the
// source does not tell of.
func flag[F ~uint32](set, unknown, f F) Optional[bool] {
	if unknown&f != 0 {
		return Optional[bool]{}
	}
	return Known(set&f != 0)
}

// Up returns whether the administrator has set the interface up.
func (i *Interface) Up() Optional[bool] { return i.Flag(InterfaceUp) }

// Operational returns the state that RFC 2863 means: the kernel's own, but for
// devices whose driver keeps none (OperUnknown: the loopback, tunnels). Those
// are up while they run, and down otherwise.
func (i *Interface) Operational() Optional[OperState] {
	if state, known := i.OperState.Get(); !known || state != OperUnknown {
		return i.OperState
	}
	up, running := i.Up(), i.Flag(InterfaceRunning)
	switch {
	case !up.IsKnown() || !running.IsKnown():
		return i.OperState
	case up.Or(false) && running.Or(false):
		return Known(OperUp)
	}
	return Known(OperDown)
}

// Address is an address of an interface.
type Address struct {
	Interface uint32 `json:"interfaceIndex"` // index
	// Prefix is the local address with its prefix length, not masked. Where the
	// source does not tell the length it is not valid: Prefix.Addr is the address
	// all the same, and Prefix.Bits -1.
	Prefix netip.Prefix
	// Peer is the other end of a point-to-point link; the zero Addr if none.
	Peer      netip.Addr
	Broadcast netip.Addr // the zero Addr if none
	Label     string     // IPv4 only: "eth0:1"
	Scope     Scope
	// Flags are those that are set. UnknownFlags are those that the source does
	// not tell of; none of them is among Flags.
	Flags, UnknownFlags AddressFlags
	// Preferred and Valid are the remaining lifetimes, Forever for no end.
	Preferred, Valid Optional[time.Duration] `unlimited:"9223372036854775807"`
	// Created and Updated are when that happened; the zero time where the source
	// does not tell. They are as exact as the kernel's clock tick, whose clock may
	// have started a fraction of a second late and stands still in a suspend. Whoever
	// reads them from the kernel again finds the same ones, until the wall clock is set.
	Created, Updated time.Time
	// Origin is how the address came to be, where the kernel tells
	// (IFAPROT_*, include/uapi/linux/if_addr.h).
	Origin Optional[uint8]
}

// Forever is a lifetime without end.
const Forever time.Duration = 1<<63 - 1

// Flag returns whether a flag is set.
func (a *Address) Flag(f AddressFlags) Optional[bool] { return flag(a.Flags, a.UnknownFlags, f) }

// AddressFlags are an address's flags (include/uapi/linux/if_addr.h, IFA_F_*).
type AddressFlags uint32

// Address flags. For IPv4 bit 0 means secondary, for IPv6 temporary.
const (
	AddressSecondary     AddressFlags = 0x01
	AddressNoDAD         AddressFlags = 0x02
	AddressOptimistic    AddressFlags = 0x04
	AddressDADFailed     AddressFlags = 0x08
	AddressHome          AddressFlags = 0x10
	AddressDeprecated    AddressFlags = 0x20
	AddressTentative     AddressFlags = 0x40
	AddressPermanent     AddressFlags = 0x80
	AddressManageTemp    AddressFlags = 0x100
	AddressNoPrefixRoute AddressFlags = 0x200
	AddressStablePrivacy AddressFlags = 0x800
)

// Scope is the reach of an address or route (include/uapi/linux/rtnetlink.h,
// RT_SCOPE_*).
type Scope uint8

// Scopes.
const (
	ScopeUniverse Scope = 0
	ScopeSite     Scope = 200
	ScopeLink     Scope = 253
	ScopeHost     Scope = 254
	ScopeNowhere  Scope = 255
)
