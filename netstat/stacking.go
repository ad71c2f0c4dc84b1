package netstat

import "slices"

// Stacking says that interface Higher runs on top of interface Lower: a bridge
// over its port, a VLAN over its trunk. An index of 0 stands for "nothing":
// (0, x) says that nothing is above x, (x, 0) that nothing is below it (RFC
// 2863, ifStackTable).
type Stacking struct {
	Higher, Lower uint32
}

// StackingOf returns how the interfaces stand on each other, ordered by Higher
// and then Lower, with the (0, x) and (x, 0) rows that end each stack. A peer
// of a veth pair and a device in another namespace are not below anything.
func StackingOf(interfaces []Interface) []Stacking {
	present := make(map[uint32]bool, len(interfaces))
	for i := range interfaces {
		present[interfaces[i].Index] = true
	}
	var rows []Stacking
	below, above := make(map[uint32]bool), make(map[uint32]bool)
	add := func(higher, lower uint32) {
		if higher == lower || !present[higher] || !present[lower] {
			return
		}
		rows = append(rows, Stacking{higher, lower})
		below[higher], above[lower] = true, true
	}
	for i := range interfaces {
		ifc := &interfaces[i]
		if ifc.Master != 0 {
			add(ifc.Master, ifc.Index)
		}
		if lower := ifc.LowerInterface(); lower != 0 {
			add(ifc.Index, lower)
		}
	}
	for index := range present {
		if !above[index] {
			rows = append(rows, Stacking{0, index})
		}
		if !below[index] {
			rows = append(rows, Stacking{index, 0})
		}
	}
	slices.SortFunc(rows, func(a, b Stacking) int {
		if a.Higher != b.Higher {
			return int(int64(a.Higher) - int64(b.Higher))
		}
		return int(int64(a.Lower) - int64(b.Lower))
	})
	return slices.Compact(rows)
}

// LowerInterface returns the index of the interface of the same stack that i
// runs on top of, or 0: the peer of a veth pair, and a device in another
// namespace, are not below it.
func (i *Interface) LowerInterface() uint32 {
	if i.Kind == "veth" || i.LowerNetNSID.IsKnown() || i.Lower == i.Index {
		return 0
	}
	return i.Lower
}

// ReceiveAddress is a link-layer address that an interface accepts frames for
// (RFC 2863, ifRcvAddressTable).
type ReceiveAddress struct {
	Interface uint32 `json:"interfaceIndex"`
	Address   HardwareAddress
	// Volatile says that the address goes with the next restart; a
	// device's permanent address does not.
	Volatile bool
}

// ReceiveAddressesOf returns the addresses that the interfaces accept frames
// for: their own, the broadcast address and their multicast addresses, each
// once, in no particular order.
func ReceiveAddressesOf(interfaces []Interface) []ReceiveAddress {
	var rows []ReceiveAddress
	for i := range interfaces {
		ifc := &interfaces[i]
		var seen []HardwareAddress
		add := func(a HardwareAddress) {
			if a != "" && !slices.Contains(seen, a) {
				seen = append(seen, a)
				rows = append(rows, ReceiveAddress{ifc.Index, a, a != ifc.Permanent})
			}
		}
		if ifc.Flags&InterfaceLoopback == 0 {
			add(ifc.Address)
		}
		if ifc.Flags&InterfaceBroadcast != 0 {
			add(ifc.Broadcast)
		}
		multicast, _ := ifc.Multicast.Get()
		for _, a := range multicast {
			add(a)
		}
	}
	return rows
}
