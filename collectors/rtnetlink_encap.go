package collectors

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/lwtunnel.h, mpls_iptunnel.h, seg6_iptunnel.h and
// seg6_local.h.
const (
	lwtunnelIPID    = 1 // LWTUNNEL_IP_ID, LWTUNNEL_IP6_ID
	lwtunnelIPDst   = 2
	lwtunnelIPSrc   = 3
	lwtunnelIPTTL   = 4 // LWTUNNEL_IP6_HOPLIMIT
	lwtunnelIPTOS   = 5 // LWTUNNEL_IP6_TC
	lwtunnelIPFlags = 6
	lwtunnelIPOpts  = 8

	mplsTunnelDst = 1 // MPLS_IPTUNNEL_DST
	mplsTunnelTTL = 2

	seg6TunnelSRH = 1 // SEG6_IPTUNNEL_SRH

	seg6LocalAction   = 1
	seg6LocalSRH      = 2
	seg6LocalTable    = 3
	seg6LocalNH4      = 4
	seg6LocalNH6      = 5
	seg6LocalIIF      = 6
	seg6LocalOIF      = 7
	seg6LocalVRFTable = 9

	sizeofIPv6SRHdr = 8
)

// seg6Modes are SEG6_IPTUN_MODE_*, seg6Actions SEG6_LOCAL_ACTION_* as ip-route(8)
// has them.
var (
	seg6Modes   = [...]string{"inline", "encap", "l2encap", "encap.red", "l2encap.red"}
	seg6Actions = [...]string{"unspec", "End", "End.X", "End.T", "End.DX2", "End.DX6", "End.DX4", "End.DT6", "End.DT4", "End.B6",
		"End.B6.Encaps", "End.BM", "End.S", "End.AS", "End.AM", "End.BPF", "End.DT46"}
)

// encapText tells what a lightweight tunnel does with packets in the words of
// ip-route(8). What this does not know is told in hexadecimal, so that tunnels that
// differ look different.
func encapText(kind netstat.EncapKind, b []byte) (string, error) {
	w := encapWords{message: b}
	switch kind {
	case netstat.EncapMPLS:
		w.mpls()
	case netstat.EncapIP:
		w.ip(netstat.IPv4, "ttl", "tos")
	case netstat.EncapIP6:
		w.ip(netstat.IPv6, "hoplimit", "tc")
	case netstat.EncapSeg6:
		w.seg6()
	case netstat.EncapSeg6Local:
		w.seg6Local()
	default:
		w.add("%s", hexadecimal(b))
	}
	if err := w.error(); err != nil {
		return "", fmt.Errorf("encapsulation %v: %w", kind, err)
	}
	return strings.Join(w.parts, " "), nil
}

func hexadecimal(b []byte) string { return "0x" + hex.EncodeToString(b) }

type encapWords struct {
	attributeReader
	message []byte
	parts   []string
}

func (w *encapWords) add(format string, args ...any) {
	w.parts = append(w.parts, fmt.Sprintf(format, args...))
}

// unknown tells an attribute that this does not know.
func (w *encapWords) unknown(a nlAttr) { w.add("%d %s", a.kind, hexadecimal(a.value)) }

func (w *encapWords) mpls() {
	for a, rest := w.next(w.message); a.kind != noAttribute; a, rest = w.next(rest) {
		switch a.kind {
		case mplsTunnelDst:
			w.add("%s", w.labels(a))
		case mplsTunnelTTL:
			w.add("ttl %d", w.uint8(a))
		default:
			w.unknown(a)
		}
	}
}

// labels returns a stack of labels, each in the upper 20 bits of its entry (RFC
// 3032, section 2.1).
func (w *encapWords) labels(a nlAttr) string {
	var labels []string
	for b := a.value; len(b) >= 4; b = b[4:] {
		labels = append(labels, strconv.FormatUint(uint64(binary.BigEndian.Uint32(b)>>12), 10))
	}
	return strings.Join(labels, "/")
}

func (w *encapWords) ip(family netstat.Family, ttl, tos string) {
	for a, rest := w.next(w.message); a.kind != noAttribute; a, rest = w.next(rest) {
		switch a.kind {
		case lwtunnelIPID:
			w.add("id %d", w.big64(a))
		case lwtunnelIPDst:
			w.add("dst %v", w.addr(a, family))
		case lwtunnelIPSrc:
			w.add("src %v", w.addr(a, family))
		case lwtunnelIPTTL:
			w.add("%s %d", ttl, w.uint8(a))
		case lwtunnelIPTOS:
			w.add("%s %d", tos, w.uint8(a))
		case lwtunnelIPFlags:
			w.tunnelFlags(w.big16(a))
		case lwtunnelIPOpts:
			w.add("opts %s", hexadecimal(a.value))
		default:
			w.unknown(a)
		}
	}
}

// tunnelFlags tells the TUNNEL_* of include/uapi/linux/if_tunnel.h.
func (w *encapWords) tunnelFlags(flags uint16) {
	for _, f := range []struct {
		bit  uint16
		name string
	}{{4, "key"}, {1, "csum"}, {8, "seq"}} {
		if flags&f.bit != 0 {
			w.add("%s", f.name)
		}
		flags &^= f.bit
	}
	if flags != 0 {
		w.add("flags %#x", flags)
	}
}

func (w *encapWords) seg6() {
	for a, rest := w.next(w.message); a.kind != noAttribute; a, rest = w.next(rest) {
		if a.kind != seg6TunnelSRH || len(a.value) < 4 {
			w.unknown(a)
			continue
		}
		mode := binary.NativeEndian.Uint32(a.value)
		if int(mode) < len(seg6Modes) {
			w.add("mode %s", seg6Modes[mode])
		} else {
			w.add("mode %d", mode)
		}
		w.add("segs %s", w.segments(a, a.value[4:]))
	}
}

// segments returns those of a segment routing header, the first of the path first:
// the header has them in the opposite order (RFC 8754, section 2).
func (w *encapWords) segments(a nlAttr, b []byte) string {
	const size = 16
	if len(b) < sizeofIPv6SRHdr || len(b) < sizeofIPv6SRHdr+(int(b[4])+1)*size {
		w.malformed(a, "an ipv6_sr_hdr")
		return ""
	}
	var segments []string
	for i := int(b[4]); i >= 0; i-- {
		at := sizeofIPv6SRHdr + i*size
		segments = append(segments, netip.AddrFrom16([16]byte(b[at:at+size])).String())
	}
	text := strings.Join(segments, ",")
	if rest := b[sizeofIPv6SRHdr+len(segments)*size:]; len(rest) > 0 {
		text += " tlvs " + hexadecimal(rest)
	}
	return text
}

func (w *encapWords) seg6Local() {
	for a, rest := w.next(w.message); a.kind != noAttribute; a, rest = w.next(rest) {
		switch a.kind {
		case seg6LocalAction:
			if n := w.uint32(a); int(n) < len(seg6Actions) {
				w.add("action %s", seg6Actions[n])
			} else {
				w.add("action %d", n)
			}
		case seg6LocalSRH:
			w.add("srh segs %s", w.segments(a, a.value))
		case seg6LocalTable:
			w.add("table %d", w.uint32(a))
		case seg6LocalVRFTable:
			w.add("vrftable %d", w.uint32(a))
		case seg6LocalNH4:
			w.add("nh4 %v", w.addr(a, netstat.IPv4))
		case seg6LocalNH6:
			w.add("nh6 %v", w.addr(a, netstat.IPv6))
		case seg6LocalIIF:
			w.add("iif %d", w.uint32(a))
		case seg6LocalOIF:
			w.add("oif %d", w.uint32(a))
		default:
			w.unknown(a)
		}
	}
}
