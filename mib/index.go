package mib

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
)

// Part is one object of a table's INDEX clause: how it is written into an
// instance's identifier and read back (RFC 2578, section 7.7). A part that is
// an InetAddress includes its InetAddressType before it.
type Part[R any] struct {
	write func(dst []byte, r *R, f Form) []byte
	read  func(index OID, r *R) (rest OID, err error)
	// readForm reads a form that agents have instead; nil where there is none.
	readForm func(index OID, r *R, form indexForm) (rest OID, err error)
	// typed says that it begins with an InetAddressType.
	typed bool
}

// indexForm is a form of an index. What is written has the first.
type indexForm int

// Forms of addresses in the index of agents that do not have it to the letter.
const (
	toTheLetter indexForm = iota
	// typeFirst has the InetAddressType in front of the number that is to be before it.
	typeFirst
	// measured has a length that does not go with the type: an address without the
	// zone that its type announces or with one that it does not, one of the type
	// unknown(0), or an address in text.
	measured
	// bare has no length: the type tells how many octets there are.
	bare
	// bareZoned is bare, and four octets follow an IPv6 address whatever its type.
	bareZoned
	// bareUnzoned is bare, and nothing follows an address whose type announces a zone.
	bareUnzoned
	// untyped has a length and no type.
	untyped
	// hextets has eight numbers of 16 bits for an IPv6 address, and that of an interface
	// behind them.
	hextets
	// network has a 1 in front of an IpAddress, as the NetworkAddress of RFC 1155 has.
	network
	// word has one number for an IpAddress.
	word
	forms
)

// Form says what is in an index that need not be. The zero Form is the shortest.
// All forms are read alike.
type Form uint8

const (
	// Zoned has the zones of addresses, which RFC 4001 wants for those that mean
	// something on their link only.
	Zoned Form = 1 << iota
	// Full has whatever a Part of NewPart may leave out.
	Full
)

// NewPart makes a Part of two functions: write appends the packed
// sub-identifiers that stand for the row (see AppendSubidentifier); read takes
// them off the front of an index and returns what follows.
func NewPart[R any](write func(dst []byte, r *R, f Form) []byte, read func(index OID, r *R) (OID, error)) Part[R] {
	return Part[R]{write: write, read: read}
}

// CutOID cuts an OID that follows its own length off the front of an index. It fails where the
// index is shorter than the length says.
func CutOID(index OID) (o, rest OID, err error) {
	n, rest, err := cutLength(index)
	if err != nil {
		return OID{}, rest, err
	}
	whole := rest
	for range n {
		var ok bool
		if _, rest, ok = rest.CutSubidentifier(); !ok {
			return OID{}, rest, errIndexTooShort
		}
	}
	return OID{whole.packed[:len(whole.packed)-len(rest.packed)]}, rest, nil
}

var errIndexTooShort = errors.New("index ends early")

func part[R, T any](a Access[R, T], write func([]byte, T) []byte, read func(OID) (T, OID, error)) Part[R] {
	return Part[R]{
		write: func(dst []byte, r *R, _ Form) []byte {
			t, _ := a.get(r)
			return write(dst, t)
		},
		read: func(index OID, r *R) (OID, error) {
			t, rest, err := read(index)
			if err != nil {
				return rest, err
			}
			return rest, a.take(r, t)
		},
	}
}

// IntegerIndex is an integer: one sub-identifier.
func IntegerIndex[R any, T integer](a Access[R, T]) Part[R] {
	return part(a,
		func(dst []byte, t T) []byte { return AppendSubidentifier(dst, uint32(t)) },
		func(index OID) (T, OID, error) {
			sub, rest, ok := index.CutSubidentifier()
			if !ok {
				return 0, rest, errIndexTooShort
			}
			t := T(sub)
			if t < 0 || uint64(t) != uint64(sub) {
				return 0, rest, fmt.Errorf("sub-identifier %d is out of range", sub)
			}
			return t, rest, nil
		})
}

// EnumIndex is an enumerated INTEGER: one sub-identifier. A Go value without a
// number is written as 0.
func EnumIndex[R any, T comparable](a Access[R, T], enum Enum[T]) Part[R] {
	return part(a,
		func(dst []byte, t T) []byte {
			number, _ := enum.number(t)
			return AppendSubidentifier(dst, uint32(number))
		},
		func(index OID) (t T, rest OID, err error) {
			sub, rest, ok := index.CutSubidentifier()
			if !ok {
				return t, rest, errIndexTooShort
			}
			t, ok = enum.value(int32(sub))
			if !ok {
				return t, rest, fmt.Errorf("%d is not one of the enumeration", sub)
			}
			return t, rest, nil
		})
}

// IPAddressIndex is an IpAddress: four sub-identifiers. An address that is not
// IPv4 is written as 0.0.0.0.
func IPAddressIndex[R any](a Access[R, netip.Addr]) Part[R] {
	p := part(a,
		func(dst []byte, addr netip.Addr) []byte {
			var octets [4]byte
			if addr = addr.Unmap(); addr.Is4() {
				octets = addr.As4()
			}
			return appendIPv4(dst, octets)
		},
		func(index OID) (netip.Addr, OID, error) {
			var octets [4]byte
			rest, err := cutOctets(octets[:], index)
			return netip.AddrFrom4(octets), rest, err
		})
	p.readForm = func(index OID, r *R, form indexForm) (OID, error) {
		switch form {
		case network:
			choice, rest, ok := index.CutSubidentifier()
			if !ok || choice != 1 {
				return rest, fmt.Errorf("%d is no NetworkAddress of IP", choice)
			}
			index = rest
		case word:
			n, rest, ok := index.CutSubidentifier()
			if !ok || n>>24 == 0 { // a row's number, rather
				return rest, fmt.Errorf("%d is no IpAddress", n)
			}
			return rest, a.take(r, netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
		}
		return p.read(index, r)
	}
	return p
}

// StringIndex is an OCTET STRING of variable length: the length, then a
// sub-identifier an octet.
func StringIndex[R any, T ~string](a Access[R, T]) Part[R] {
	return part(a,
		func(dst []byte, t T) []byte {
			return appendOctets(AppendSubidentifier(dst, uint32(len(t))), string(t))
		},
		func(index OID) (T, OID, error) {
			n, rest, err := cutLength(index)
			if err != nil {
				return "", rest, err
			}
			octets := make([]byte, n)
			rest, err = cutOctets(octets, rest)
			return T(octets), rest, err
		})
}

// FixedStringIndex is an OCTET STRING of n octets; a row's string of another
// length is cut or filled with zeros.
func FixedStringIndex[R any, T ~string](n int, a Access[R, T]) Part[R] {
	return part(a,
		func(dst []byte, t T) []byte {
			for i := range n {
				var o byte
				if i < len(t) {
					o = t[i]
				}
				dst = AppendSubidentifier(dst, uint32(o))
			}
			return dst
		},
		func(index OID) (T, OID, error) {
			octets := make([]byte, n)
			rest, err := cutOctets(octets, index)
			return T(octets), rest, err
		})
}

// ImpliedStringIndex is an IMPLIED OCTET STRING, the last object of its INDEX
// clause: a sub-identifier an octet, to the end.
func ImpliedStringIndex[R any, T ~string](a Access[R, T]) Part[R] {
	return part(a,
		func(dst []byte, t T) []byte { return appendOctets(dst, string(t)) },
		func(index OID) (T, OID, error) {
			octets := make([]byte, index.Len())
			rest, err := cutOctets(octets, index)
			return T(octets), rest, err
		})
}

// OIDIndex is an OBJECT IDENTIFIER: its length, then its sub-identifiers.
func OIDIndex[R any](a Access[R, OID]) Part[R] {
	return part(a,
		func(dst []byte, o OID) []byte {
			return append(AppendSubidentifier(dst, uint32(o.Len())), o.packed...)
		},
		CutOID)
}

// ImpliedOIDIndex is an IMPLIED OBJECT IDENTIFIER, the last object of its INDEX
// clause.
func ImpliedOIDIndex[R any](a Access[R, OID]) Part[R] {
	return part(a,
		func(dst []byte, o OID) []byte { return append(dst, o.packed...) },
		func(index OID) (OID, OID, error) { return index, OID{}, nil })
}

// InetAddressType values (RFC 4001, section 3).
const (
	inetUnknown = 0
	inetIPv4    = 1
	inetIPv6    = 2
	inetIPv4z   = 3
	inetIPv6z   = 4
)

// InetAddressIndex is an InetAddressType and an InetAddress (RFC 4001): two
// objects of an INDEX clause. The zero Addr is unknown(0) with no octets. In the
// form Zoned a zone that is a decimal number makes the address ipv6z(4), or
// ipv4z(3) where zone gives one to an IPv4 address, which netip cannot hold.
//
// zone may be nil: then only what the address itself carries counts, and the
// zone of an ipv4z address is lost.
func InetAddressIndex[R any](a Access[R, netip.Addr], zone *Access[R, uint32]) Part[R] {
	return Part[R]{
		typed: true,
		write: func(dst []byte, r *R, f Form) []byte {
			addr, ok := a.get(r)
			if !ok {
				addr = netip.Addr{}
			}
			if f&Zoned == 0 {
				return appendInetAddress(dst, addr, 0, false)
			}
			index, zoned := uint32(0), false
			if zone != nil {
				index, zoned = zone.get(r)
			}
			if !zoned && addr.Zone() != "" {
				n, err := strconv.ParseUint(addr.Zone(), 10, 32)
				index, zoned = uint32(n), err == nil
			}
			return appendInetAddress(dst, addr, index, zoned)
		},
		read: func(index OID, r *R) (OID, error) {
			addr, z, zoned, rest, err := cutInetAddress(index)
			if err != nil {
				return rest, err
			}
			return rest, takeInetAddress(a, zone, r, addr, z, zoned)
		},
		readForm: func(index OID, r *R, form indexForm) (OID, error) {
			addr, z, zoned, rest, err := cutInetAddressForm(index, form)
			if err != nil {
				return rest, err
			}
			return rest, takeInetAddress(a, zone, r, addr, z, zoned)
		},
	}
}

func takeInetAddress[R any](a Access[R, netip.Addr], zone *Access[R, uint32], r *R, addr netip.Addr, z uint32, zoned bool) error {
	switch {
	case zoned && zone != nil:
		if err := zone.take(r, z); err != nil {
			return err
		}
	case zoned && addr.Is6():
		addr = addr.WithZone(strconv.FormatUint(uint64(z), 10))
	}
	return a.take(r, addr)
}

func appendInetAddress(dst []byte, addr netip.Addr, zone uint32, zoned bool) []byte {
	var n, typ uint32
	switch {
	case addr.Is4():
		n, typ = 4, inetIPv4
	case addr.Is6():
		n, typ = 16, inetIPv6
	default:
		return append(dst, inetUnknown, 0)
	}
	if zoned {
		typ, n = typ+2, n+4
	}
	dst = append(dst, byte(typ), byte(n))
	if addr.Is4() {
		dst = appendIPv4(dst, addr.As4())
	} else {
		octets := addr.As16()
		dst = appendOctets(dst, octets[:])
	}
	if zoned {
		for shift := 24; shift >= 0; shift -= 8 {
			dst = AppendSubidentifier(dst, zone>>shift&0xff)
		}
	}
	return dst
}

func cutInetAddress(index OID) (addr netip.Addr, zone uint32, zoned bool, rest OID, err error) {
	typ, rest, ok := index.CutSubidentifier()
	if !ok {
		return addr, 0, false, rest, errIndexTooShort
	}
	n, rest, err := cutLength(rest)
	if err != nil {
		return addr, 0, false, rest, err
	}
	if length, known := inetLength(typ); !known || n != length {
		return addr, 0, false, rest, fmt.Errorf("InetAddressType %d with %d octets", typ, n)
	}
	var octets [20]byte
	if rest, err = cutOctets(octets[:n], rest); err != nil {
		return addr, 0, false, rest, err
	}
	addr, zone, zoned = inetAddress(octets[:n])
	return addr, zone, zoned, rest, nil
}

// inetLength returns how many octets an address of a type has.
func inetLength(typ uint32) (n int, known bool) {
	switch typ {
	case inetUnknown:
		return 0, true
	case inetIPv4:
		return 4, true
	case inetIPv6:
		return 16, true
	case inetIPv4z:
		return 8, true
	case inetIPv6z:
		return 20, true
	}
	return 0, false
}

// inetAddress makes an address of the octets of a type, 0, 4, 8, 16 or 20 of them.
func inetAddress(octets []byte) (addr netip.Addr, zone uint32, zoned bool) {
	n := len(octets)
	switch n {
	case 4, 8:
		addr = netip.AddrFrom4([4]byte(octets[:4]))
	case 16, 20:
		addr = netip.AddrFrom16([16]byte(octets[:16]))
	}
	if n == 8 || n == 20 {
		zoned = true
		for _, o := range octets[n-4:] {
			zone = zone<<8 | uint32(o)
		}
	}
	return addr, zone, zoned
}

// maxAddressText is longer than any address in text.
const maxAddressText = 64

// cutInetAddressForm cuts an address in one of the forms that agents have instead.
func cutInetAddressForm(index OID, form indexForm) (addr netip.Addr, zone uint32, zoned bool, rest OID, err error) {
	if form == untyped {
		// Of two addresses one may have its type.
		if addr, zone, zoned, rest, err = cutInetAddress(index); err == nil {
			return addr, zone, zoned, rest, nil
		}
		return cutUntyped(index)
	}
	typ, rest, ok := index.CutSubidentifier()
	length, known := inetLength(typ)
	switch {
	case !ok:
		return addr, 0, false, rest, errIndexTooShort
	case !known:
		return addr, 0, false, rest, fmt.Errorf("InetAddressType %d", typ)
	}
	is4, is6 := typ == inetIPv4 || typ == inetIPv4z, typ == inetIPv6 || typ == inetIPv6z
	switch form {
	case measured:
		if length, rest, err = cutLength(rest); err != nil {
			return addr, 0, false, rest, err
		}
	case bare: // as long as the type says
	case bareZoned:
		if typ == inetIPv6 {
			length += 4
		}
	case bareUnzoned:
		if typ == inetIPv4z || typ == inetIPv6z {
			length -= 4
		}
	case hextets:
		if is6 {
			return cutHextets(rest)
		}
	}
	if length > maxAddressText {
		return addr, 0, false, rest, fmt.Errorf("InetAddressType %d with %d octets", typ, length)
	}
	var octets [maxAddressText]byte
	if rest, err = cutOctets(octets[:length], rest); err != nil {
		return addr, 0, false, rest, err
	}
	switch length {
	case 0:
		if typ == inetUnknown {
			return addr, 0, false, rest, nil
		}
	case 4, 8:
		if !is6 {
			addr, zone, zoned = inetAddress(octets[:length])
			return addr, zone, zoned, rest, nil
		}
	case 16, 20:
		if !is4 {
			addr, zone, zoned = inetAddress(octets[:length])
			return addr, zone, zoned, rest, nil
		}
	}
	if addr, err = netip.ParseAddr(string(octets[:length])); err != nil || addr.Zone() != "" {
		return netip.Addr{}, 0, false, rest, fmt.Errorf("InetAddressType %d with %d octets", typ, length)
	}
	return addr, 0, false, rest, nil
}

// cutUntyped cuts an address of which the length tells the type.
func cutUntyped(index OID) (addr netip.Addr, zone uint32, zoned bool, rest OID, err error) {
	n, rest, err := cutLength(index)
	if err != nil {
		return addr, 0, false, rest, err
	}
	if n != 4 && n != 16 {
		return addr, 0, false, rest, fmt.Errorf("an address of %d octets", n)
	}
	var octets [16]byte
	if rest, err = cutOctets(octets[:n], rest); err != nil {
		return addr, 0, false, rest, err
	}
	addr, _, _ = inetAddress(octets[:n])
	return addr, 0, false, rest, nil
}

// cutHextets cuts an IPv6 address of eight numbers, and that of its interface.
func cutHextets(index OID) (addr netip.Addr, zone uint32, zoned bool, rest OID, err error) {
	var octets [16]byte
	rest = index
	for i := 0; i < len(octets); i += 2 {
		sub, next, ok := rest.CutSubidentifier()
		switch {
		case !ok:
			return addr, 0, false, rest, errIndexTooShort
		case sub > 0xffff:
			return addr, 0, false, rest, fmt.Errorf("sub-identifier %d has more than 16 bits", sub)
		}
		octets[i], octets[i+1], rest = byte(sub>>8), byte(sub), next
	}
	zone, rest, zoned = rest.CutSubidentifier()
	if !zoned {
		return addr, 0, false, rest, errIndexTooShort
	}
	return netip.AddrFrom16(octets), zone, true, rest, nil
}

// appendIPv4 appends four octets. It has no branch that depends on them, as tables
// are full of addresses.
func appendIPv4(dst []byte, o [4]byte) []byte {
	var packed [8]byte
	n := putOctet(&packed, 0, o[0])
	n = putOctet(&packed, n, o[1])
	n = putOctet(&packed, n, o[2])
	n = putOctet(&packed, n, o[3])
	end := len(dst) + n
	return append(dst, packed[:]...)[:end]
}

// putOctet puts the packed form of an octet at a place that is at most 6, and
// returns the place behind it.
func putOctet(dst *[8]byte, at int, o byte) int {
	dst[at&7], dst[(at+1)&7] = min(o, packedTwo), o-packedTwo
	return at + 1 + int((uint(o)+256-packedTwo)>>8)
}

func appendOctets[T ~string | ~[]byte](dst []byte, octets T) []byte {
	for i := range len(octets) {
		dst = AppendSubidentifier(dst, uint32(octets[i]))
	}
	return dst
}

// cutLength cuts a length that the index has room for.
func cutLength(index OID) (int, OID, error) {
	sub, rest, ok := index.CutSubidentifier()
	if !ok {
		return 0, rest, errIndexTooShort
	}
	if uint64(sub) > uint64(len(rest.packed)) {
		return 0, rest, fmt.Errorf("length %d: %w", sub, errIndexTooShort)
	}
	return int(sub), rest, nil
}

// cutOctets fills octets from the index.
func cutOctets(octets []byte, index OID) (OID, error) {
	for i := range octets {
		sub, rest, ok := index.CutSubidentifier()
		if !ok {
			return rest, errIndexTooShort
		}
		if sub > 255 {
			return rest, fmt.Errorf("sub-identifier %d is not an octet", sub)
		}
		octets[i], index = byte(sub), rest
	}
	return index, nil
}
