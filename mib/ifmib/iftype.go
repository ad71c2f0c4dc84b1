package ifmib

import (
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Numbers of IANAifType (IANAifType-MIB).
const (
	typeOther            = 1
	typeEthernet         = 6
	typePPP              = 23
	typeSoftwareLoopback = 24
	typeSLIP             = 28
	typePropVirtual      = 53
	typeIEEE80211        = 71
	typeTunnel           = 131
	typeL2VLAN           = 135
	typeIEEE1394         = 144
	typeLAG              = 161
	typeInfiniBand       = 199
	typeBridge           = 209
)

// Hardware types (include/uapi/linux/if_arp.h).
const (
	arphrdEther      = 1
	arphrdIEEE1394   = 24
	arphrdInfiniBand = 32
	arphrdSLIP       = 256
	arphrdRSRVD      = 260
	arphrdPPP        = 512
	arphrdTunnel     = 768
	arphrdTunnel6    = 769
	arphrdLoopback   = 772
	arphrdSIT        = 776
	arphrdIPGRE      = 778
	arphrdIEEE80211  = 801
	arphrdRadiotap   = 803
	arphrdIP6GRE     = 823
	arphrdNone       = 0xfffe
)

// kindTypes is what a virtual device is, by its driver's name. A pair of
// virtual Ethernet devices is Ethernet as far as anyone can tell.
var kindTypes = map[string]int32{
	"bridge": typeBridge,
	"bond":   typeLAG, "team": typeLAG,
	"vlan":  typeL2VLAN,
	"vxlan": typeTunnel, "geneve": typeTunnel, "gtp": typeTunnel, "bareudp": typeTunnel,
	"gre": typeTunnel, "gretap": typeTunnel, "ip6gre": typeTunnel, "ip6gretap": typeTunnel,
	"erspan": typeTunnel, "ip6erspan": typeTunnel,
	"ipip": typeTunnel, "sit": typeTunnel, "ip6tnl": typeTunnel,
	"vti": typeTunnel, "vti6": typeTunnel, "xfrm": typeTunnel,
	"wireguard": typeTunnel, "l2tpeth": typeTunnel, "amt": typeTunnel,
	"veth":  typeEthernet,
	"dummy": typePropVirtual, "ifb": typePropVirtual, "nlmon": typePropVirtual,
	"macvlan": typePropVirtual, "macvtap": typePropVirtual,
	"ipvlan": typePropVirtual, "ipvtap": typePropVirtual,
	"vrf": typePropVirtual, "netdevsim": typePropVirtual,
	"ppp": typePPP,
}

// hardwareTypes is what any other device is, by what its frames look like.
var hardwareTypes = map[uint16]int32{
	arphrdEther:      typeEthernet,
	arphrdIEEE1394:   typeIEEE1394,
	arphrdInfiniBand: typeInfiniBand,
	arphrdPPP:        typePPP,
	arphrdLoopback:   typeSoftwareLoopback,
	arphrdTunnel:     typeTunnel,
	arphrdTunnel6:    typeTunnel,
	arphrdSIT:        typeTunnel,
	arphrdIPGRE:      typeTunnel,
	arphrdIP6GRE:     typeTunnel,
}

// deviceType is the interface's IANAifType.
var deviceType = mib.Through(
	func(i *iface) (int32, bool) {
		if i.Kind == "tun" {
			// Whoever holds the other end of a tun device makes a tunnel
			// of it; of a tap device, anything that speaks Ethernet.
			if i.HardwareType.Or(0) == arphrdEther {
				return typePropVirtual, true
			}
			return typeTunnel, true
		}
		if t, known := kindTypes[i.Kind]; known {
			return t, true
		}
		h, known := i.HardwareType.Get()
		if t, known := hardwareTypes[h]; known {
			return t, true
		}
		switch {
		case h >= arphrdIEEE80211 && h <= arphrdRadiotap:
			return typeIEEE80211, true
		case h >= arphrdSLIP && h < arphrdRSRVD:
			return typeSLIP, true
		case h == arphrdNone:
			return typePropVirtual, true
		}
		return typeOther, known
	},
	func(i *iface, t int32) {
		setFlag(i, netstat.InterfaceLoopback, t == typeSoftwareLoopback)
		for kind, known := range map[string]int32{"bridge": typeBridge, "bond": typeLAG, "vlan": typeL2VLAN} {
			if t == known {
				i.Kind, i.HardwareType = kind, netstat.Known[uint16](arphrdEther)
				return
			}
		}
		for hardware, known := range map[uint16]int32{
			arphrdEther: typeEthernet, arphrdPPP: typePPP, arphrdSLIP: typeSLIP, arphrdTunnel: typeTunnel,
			arphrdIEEE80211: typeIEEE80211, arphrdIEEE1394: typeIEEE1394, arphrdInfiniBand: typeInfiniBand,
		} {
			if t == known {
				i.HardwareType.Set(hardware)
			}
		}
		if t == typeSoftwareLoopback {
			i.HardwareType.Set(arphrdLoopback)
		}
	},
)

func isTunnelType(hardware uint16) bool {
	switch hardware {
	case arphrdTunnel, arphrdTunnel6, arphrdSIT, arphrdIPGRE, arphrdIP6GRE:
		return true
	}
	return false
}
