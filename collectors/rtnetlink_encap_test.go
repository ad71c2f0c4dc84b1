package collectors

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What the kernel of this machine may lack (MPLS) is read as it would write it; the
// kernel's own tunnels are compared with ip-route(8) in test/netstat.
func TestEncapText(t *testing.T) {
	labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 100<<12), 200<<12|1<<8)
	srh := append([]byte{0, 4, 4, 1, 1, 0, 0, 0}, append(addr16("2001:db8::6"), addr16("2001:db8::5")...)...)
	for _, c := range []struct {
		kind netstat.EncapKind
		body []byte
		want string
	}{
		{netstat.EncapMPLS, appendAttribute(appendAttribute(nil, mplsTunnelDst, labels), mplsTunnelTTL, []byte{3}), "100/200 ttl 3"},
		{netstat.EncapIP, appendAttribute(appendAttribute(nil, lwtunnelIPID, []byte{0, 0, 0, 0, 0, 0, 0, 9}), lwtunnelIPFlags, []byte{0, 0x2d}), "id 9 key csum seq flags 0x20"},
		{netstat.EncapSeg6, appendAttribute(nil, seg6TunnelSRH, append(binary.NativeEndian.AppendUint32(nil, 1), srh...)), "mode encap segs 2001:db8::5,2001:db8::6"},
		{netstat.EncapSeg6Local, appendUint32Attribute(appendUint32Attribute(nil, seg6LocalAction, 3), seg6LocalTable, 7), "action End.T table 7"},
		{netstat.EncapBPF, []byte{1, 2}, "0x0102"},
		{netstat.EncapMPLS, appendAttribute(nil, 99, []byte{7}), "99 0x07"},
	} {
		if got, err := encapText(c.kind, c.body); err != nil || got != c.want {
			t.Errorf("%v: %q, %v, want %q", c.kind, got, err, c.want)
		}
	}
	for kind, body := range map[netstat.EncapKind][]byte{
		netstat.EncapIP:   appendAttribute(nil, lwtunnelIPID, []byte{1}),
		netstat.EncapIP6:  appendAttribute(nil, lwtunnelIPDst, []byte{1, 2, 3, 4}),
		netstat.EncapSeg6: appendAttribute(nil, seg6TunnelSRH, append([]byte{1, 0, 0, 0}, srh[:20]...)),
		netstat.EncapMPLS: {9, 0, 1, 0},
	} {
		if got, err := encapText(kind, body); err == nil {
			t.Errorf("%v: % x is taken for %q", kind, body, got)
		}
	}
}

func addr16(text string) []byte {
	a := netip.MustParseAddr(text).As16()
	return a[:]
}

func FuzzEncap(f *testing.F) {
	for kind := range netstat.EncapXFRM + 2 {
		f.Add(uint16(kind), appendUint32Attribute(appendAttribute(nil, 1, make([]byte, 60)), 6, 5))
	}
	f.Fuzz(func(t *testing.T, kind uint16, body []byte) {
		if text, err := encapText(netstat.EncapKind(kind), body); err == nil && len(text) > 64+64*len(body) {
			t.Errorf("%d octets become %d", len(body), len(text))
		}
	})
}
