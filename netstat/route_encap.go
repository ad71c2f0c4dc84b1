package netstat

import "fmt"

// EncapKind is what a lightweight tunnel puts packets into
// (include/uapi/linux/lwtunnel.h, LWTUNNEL_ENCAP_*).
type EncapKind uint16

// Kinds of lightweight tunnels.
const (
	EncapNone      EncapKind = 0
	EncapMPLS      EncapKind = 1
	EncapIP        EncapKind = 2
	EncapILA       EncapKind = 3
	EncapIP6       EncapKind = 4
	EncapSeg6      EncapKind = 5
	EncapBPF       EncapKind = 6
	EncapSeg6Local EncapKind = 7
	EncapRPL       EncapKind = 8
	EncapIOAM6     EncapKind = 9
	EncapXFRM      EncapKind = 10
)

var encapNames = [...]string{"none", "mpls", "ip", "ila", "ip6", "seg6", "bpf", "seg6local", "rpl", "ioam6", "xfrm"}

// String returns the kind's name in ip-route(8).
func (k EncapKind) String() string {
	if int(k) < len(encapNames) {
		return encapNames[k]
	}
	return fmt.Sprintf("encap %d", uint16(k))
}
