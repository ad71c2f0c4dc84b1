package netstat

import (
	"context"
	"fmt"
	"iter"
)

// InterfaceDetails is an interface with what few readers ask for
// (include/uapi/linux/if_link.h; the attribute stands beside each field).
type InterfaceDetails struct {
	Interface

	// AlternativeNames are further names of the interface, each at most 127
	// bytes (IFLA_PROP_LIST).
	AlternativeNames []string
	// Group is the number of the administrator's group of interfaces, 0 for
	// the default group (IFLA_GROUP).
	Group Optional[uint32]
	// Qdisc is the kind of the root queueing discipline: "noqueue", "mq"
	// (IFLA_QDISC).
	Qdisc string
	// TransmitQueues and ReceiveQueues are how many queues the device was made
	// with (IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES).
	TransmitQueues, ReceiveQueues Optional[uint32]

	// CarrierUps and CarrierDowns count transitions of the carrier; their sum
	// is CarrierChanges (IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT).
	CarrierUps, CarrierDowns Optional[uint32]
	// AllMulticast counts who asked to receive every multicast group
	// (IFLA_ALLMULTI; Linux 6.0).
	AllMulticast Optional[uint32]

	// MinMTU and MaxMTU are the bounds of the MTU in bytes; 0 means that the
	// driver gives none (IFLA_MIN_MTU, IFLA_MAX_MTU).
	MinMTU, MaxMTU Optional[uint32]

	// Limits of segmentation (GSO by the kernel, TSO by the device) and of
	// merging (GRO): bytes of one packet, and segments of one packet. The IPv4
	// ones are kept apart since Linux 6.3.
	GSOMaxSize, GSOMaxSegments Optional[uint32]
	GSOIPv4MaxSize             Optional[uint32] `json:"gsoIPv4MaxSize"`
	TSOMaxSize, TSOMaxSegments Optional[uint32]
	GROMaxSize                 Optional[uint32]
	GROIPv4MaxSize             Optional[uint32] `json:"groIPv4MaxSize"`

	// ProtocolDown says that somebody keeps the interface down for a reason of
	// a protocol's (IFLA_PROTO_DOWN).
	ProtocolDown Optional[bool]

	// PhysicalPort and PhysicalSwitch name the port and the switch that the
	// device belongs to, in the driver's own form (IFLA_PHYS_PORT_NAME,
	// IFLA_PHYS_SWITCH_ID); empty where there is none.
	PhysicalPort   string
	PhysicalSwitch HardwareAddress
	// ParentDevice and ParentBus name the device that drives the interface
	// ("0000:01:00.0" on "pci"); empty for virtual ones (IFLA_PARENT_DEV_NAME,
	// IFLA_PARENT_DEV_BUS_NAME).
	ParentDevice, ParentBus string
}

// InterfaceDetailsReader reads interfaces with their details.
// Errors of its method are as for [Stack].
type InterfaceDetailsReader interface {
	// InterfaceDetails yields every interface once, in no particular order.
	InterfaceDetails(ctx context.Context) iter.Seq2[InterfaceDetails, error]
}

// Direction is the way that traffic takes through a host.
type Direction uint8

// Directions.
const (
	Receive Direction = iota
	Transmit
)

func (d Direction) String() string {
	switch d {
	case Receive:
		return "receive"
	case Transmit:
		return "transmit"
	}
	return fmt.Sprintf("direction %d", uint8(d))
}

// DeviceQueue is one of an interface's hardware queues
// (Documentation/ABI/testing/sysfs-class-net-queues).
type DeviceQueue struct {
	Interface uint32 `json:"interfaceIndex"` // index
	Direction Direction
	Number    uint32 // from 0

	// CPUs are those that may process what arrives on a receive queue (receive
	// packet steering, rps_cpus), or that prefer a transmit queue (transmit
	// packet steering, xps_cpus), in ascending order. Known and empty means
	// that steering is off.
	CPUs Optional[[]uint32] `json:"cpus" form:"strings"`
	// ReceiveFlows is the size of a receive queue's flow table, 0 for none
	// (rps_flow_cnt).
	ReceiveFlows Optional[uint32]
	// TransmitTimeouts counts how often the watchdog found a transmit queue
	// stuck (tx_timeout).
	TransmitTimeouts Optional[uint64]
	// TransmitMaxRate is a transmit queue's limit in bits a second, 0 for none
	// (tx_maxrate).
	TransmitMaxRate Optional[uint64]
}

// DeviceQueueReader reads the queues of interfaces.
type DeviceQueueReader interface {
	// DeviceQueues yields the queues of every interface: those of one
	// interface together, its receive queues first. The error matches
	// ErrNotSupported where the source cannot tell which stack its queues are
	// of.
	DeviceQueues(ctx context.Context) iter.Seq2[DeviceQueue, error]
}
