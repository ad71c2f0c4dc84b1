package netstat

import "net/netip"

// Place is where in a stack a row belongs.
type Place struct {
	Interface uint32           // its index; 0 for no interface
	Table     Optional[uint32] // the routing table; unknown for what is in none
	// Prefix is what the row is about, an address being one of full length without
	// its zone; the zero Prefix for what is about none.
	Prefix netip.Prefix
}

// Row is a row of one of the Kinds.
type Row interface {
	// Place returns where it belongs.
	Place() Place
}

// Place implements Row.
func (i Interface) Place() Place { return Place{Interface: i.Index} }

// Place implements Row.
func (a Address) Place() Place {
	return Place{Interface: a.Interface, Prefix: single(a.Prefix.Addr())}
}

// Place implements Row.
func (r Route) Place() Place {
	return Place{Interface: r.Interface, Table: Known(r.Table), Prefix: r.Destination}
}

// Place implements Row.
func (n Neighbour) Place() Place {
	return Place{Interface: n.Interface, Prefix: single(n.Address)}
}

// Place implements Row.
func (r Rule) Place() Place { return Place{Table: Known(r.Table)} }

// Place implements Row.
func (n NextHop) Place() Place { return Place{Interface: n.Interface} }

// Place implements Row. Settings for all interfaces and for new ones belong to none.
func (n Netconf) Place() Place { return Place{Interface: uint32(max(n.Interface, 0))} }

// Place implements Row.
func (g MulticastGroup) Place() Place {
	return Place{Interface: g.Interface, Prefix: single(g.Group)}
}

// Place implements Row. A flow has two ends, and belongs nowhere.
func (f Flow) Place() Place { return Place{} }

// Place implements Row. An expectation belongs nowhere, like the flow.
func (x Expectation) Place() Place { return Place{} }

// single is the prefix of one address, without its zone.
func single(a netip.Addr) netip.Prefix {
	if !a.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a.WithZone(""), a.BitLen())
}
