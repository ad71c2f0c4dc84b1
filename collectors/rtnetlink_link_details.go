package collectors

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// parseLinkDetails reads the attributes of a struct ifinfomsg that parseLink
// passes over. It leaves the Interface in d alone.
func parseLinkDetails(body []byte, d *netstat.InterfaceDetails) error {
	if len(body) < sizeofIfInfomsg {
		return fmt.Errorf("ifinfomsg of %d bytes: % x", len(body), clip(body))
	}
	var r attributeReader
	for a, rest := r.next(body[sizeofIfInfomsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unix.IFLA_PROP_LIST:
			names, err := parsePropertyList(a.value)
			if err != nil {
				return fmt.Errorf("properties: %w", err)
			}
			d.AlternativeNames = names
		case unix.IFLA_GROUP:
			d.Group.Set(r.uint32(a))
		case unix.IFLA_QDISC:
			d.Qdisc = a.string()
		case unix.IFLA_NUM_TX_QUEUES:
			d.TransmitQueues.Set(r.uint32(a))
		case unix.IFLA_NUM_RX_QUEUES:
			d.ReceiveQueues.Set(r.uint32(a))
		case unix.IFLA_CARRIER_UP_COUNT:
			d.CarrierUps.Set(r.uint32(a))
		case unix.IFLA_CARRIER_DOWN_COUNT:
			d.CarrierDowns.Set(r.uint32(a))
		case unix.IFLA_ALLMULTI:
			d.AllMulticast.Set(r.uint32(a))
		case unix.IFLA_MIN_MTU:
			d.MinMTU.Set(r.uint32(a))
		case unix.IFLA_MAX_MTU:
			d.MaxMTU.Set(r.uint32(a))
		case unix.IFLA_GSO_MAX_SIZE:
			d.GSOMaxSize.Set(r.uint32(a))
		case unix.IFLA_GSO_MAX_SEGS:
			d.GSOMaxSegments.Set(r.uint32(a))
		case unix.IFLA_GSO_IPV4_MAX_SIZE:
			d.GSOIPv4MaxSize.Set(r.uint32(a))
		case unix.IFLA_TSO_MAX_SIZE:
			d.TSOMaxSize.Set(r.uint32(a))
		case unix.IFLA_TSO_MAX_SEGS:
			d.TSOMaxSegments.Set(r.uint32(a))
		case unix.IFLA_GRO_MAX_SIZE:
			d.GROMaxSize.Set(r.uint32(a))
		case unix.IFLA_GRO_IPV4_MAX_SIZE:
			d.GROIPv4MaxSize.Set(r.uint32(a))
		case unix.IFLA_PROTO_DOWN:
			d.ProtocolDown.Set(r.uint8(a) != 0)
		case unix.IFLA_PHYS_PORT_NAME:
			d.PhysicalPort = a.string()
		case unix.IFLA_PHYS_SWITCH_ID:
			d.PhysicalSwitch = netstat.HardwareAddress(a.value)
		case unix.IFLA_PARENT_DEV_NAME:
			d.ParentDevice = a.string()
		case unix.IFLA_PARENT_DEV_BUS_NAME:
			d.ParentBus = a.string()
		}
	}
	return r.error()
}

// parsePropertyList reads IFLA_PROP_LIST: alternative names are the only
// properties.
func parsePropertyList(b []byte) ([]string, error) {
	var names []string
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == unix.IFLA_ALT_IFNAME {
			names = append(names, a.string())
		}
	}
	return names, r.error()
}
