package sockopt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// place is where a kernel keeps a value: a path of members from the structure of the
// protocol's sockets, with dots between, and ">" behind a pointer to follow. Members
// of anonymous structures need no step of their own. A place that names a bit is one
// bit of the member, by the name that an enumeration of the kernel has for it.
type place struct{ path, bit string }

// location is a place that was found.
type location struct {
	follow []uint32 // offsets of the pointers on the way
	offset uint32   // of what is to be loaded
	size   uint8    // of it: 1, 2, 4 or 8 octets
	shift  uint8    // then the value begins here
	bits   uint8    // and has so many
	signed bool
	// pointer says that the value is whether there is a pointer.
	pointer bool
}

// within reports whether so many octets at the beginning of the structure have the place.
func (l *location) within(octets uint32) bool {
	if len(l.follow) > 0 {
		return l.follow[0] < octets
	}
	return l.offset+uint32(l.size) <= octets
}

// errNoPlace says that a kernel keeps a value in none of the places that are known.
var errNoPlace = errors.New("not among the members that this kernel has")

// types are the types of a kernel.
type types interface {
	structure(name string) (*btf.Struct, error)
	// enumerator is the number of a name of an enumeration, one without a name too.
	enumerator(name string) (uint64, error)
	pointerSize() uint8
	bigEndian() bool
}

// locate returns the first of the places that a kernel has.
func locate(of types, root string, places []place) (location, error) {
	for _, p := range places {
		l, err := locateOne(of, root, p)
		if !errors.Is(err, errNoPlace) {
			return l, err
		}
	}
	return location{}, fmt.Errorf("struct %s: %w", root, errNoPlace)
}

func locateOne(of types, root string, p place) (l location, err error) {
	within, err := of.structure(root)
	if err != nil {
		return l, err
	}
	var at btf.Type = within
	var member btf.Member
	bitOffset := uint32(0) // of the member, from the last pointer on
	path := p.path
	for path != "" {
		end := strings.IndexAny(path, ".>")
		step, deref := path, false
		if end >= 0 {
			step, deref, path = path[:end], path[end] == '>', path[end+1:]
		} else {
			path = ""
		}
		found, offset, ok := findMember(at, step, 0)
		if !ok {
			return l, fmt.Errorf("%s: %w", p.path, errNoPlace)
		}
		member, bitOffset = found, bitOffset+offset
		at = btf.UnderlyingType(member.Type)
		if deref {
			to, ok := at.(*btf.Pointer)
			if !ok {
				return l, fmt.Errorf("%s: %w", p.path, errNoPlace)
			}
			l.follow = append(l.follow, bitOffset/8)
			at, bitOffset = btf.UnderlyingType(to.Target), 0
		}
	}
	return l, l.load(of, member, bitOffset, p)
}

// load says how the member at an offset is loaded.
func (l *location) load(of types, m btf.Member, bitOffset uint32, p place) error {
	var size uint32
	switch t := btf.UnderlyingType(m.Type).(type) {
	case *btf.Int:
		size, l.signed = t.Size, t.Encoding&btf.Signed != 0
	case *btf.Enum:
		size, l.signed = t.Size, t.Signed
	case *btf.Pointer:
		size, l.pointer = uint32(of.pointerSize()), true
	default:
		return fmt.Errorf("%s is a %v: %w", p.path, t, errNoPlace)
	}
	bits := uint32(m.BitfieldSize)
	if bits == 0 {
		bits = size * 8
	}
	// The smallest aligned load that covers the bits.
	for load := uint32(1); load <= 8; load *= 2 {
		begin := bitOffset / (load * 8) * load
		if bitOffset+bits <= (begin+load)*8 {
			l.offset, l.size, l.bits = begin, uint8(load), uint8(bits)
			l.shift = uint8(bitOffset - begin*8)
			break
		}
	}
	if l.size == 0 {
		return fmt.Errorf("%s has %d bits: %w", p.path, bits, errNoPlace)
	}
	if of.bigEndian() {
		l.shift = l.size*8 - l.shift - l.bits
	}
	if p.bit == "" {
		return nil
	}
	n, err := of.enumerator(p.bit)
	if err != nil {
		return err
	}
	if l.pointer || n >= uint64(l.bits) {
		return fmt.Errorf("bit %s of %s: %w", p.bit, p.path, errNoPlace)
	}
	l.shift, l.bits, l.signed = l.shift+uint8(n), 1, false
	return nil
}

// mostNested bounds how deep anonymous structures are looked into.
const mostNested = 8

// findMember finds a member of a structure or union, and of the anonymous ones in it,
// and returns its offset in bits.
func findMember(in btf.Type, name string, depth int) (m btf.Member, offset uint32, ok bool) {
	var members []btf.Member
	switch t := in.(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for _, m := range members {
		if m.Name == name {
			return m, uint32(m.Offset), true
		}
		if m.Name == "" && depth < mostNested {
			if found, inner, ok := findMember(btf.UnderlyingType(m.Type), name, depth+1); ok {
				return found, uint32(m.Offset) + inner, true
			}
		}
	}
	return btf.Member{}, 0, false
}

// kernelTypes are those of a specification.
type kernelTypes struct {
	spec    *btf.Spec
	pointer uint8
	big     bool
	// bits are the enumerators that places name.
	bits map[string]uint64
}

func (k *kernelTypes) pointerSize() uint8 { return k.pointer }
func (k *kernelTypes) bigEndian() bool    { return k.big }

func (k *kernelTypes) structure(name string) (*btf.Struct, error) {
	var s *btf.Struct
	if err := k.spec.TypeByName(name, &s); err != nil {
		if errors.Is(err, btf.ErrNotFound) {
			err = errNoPlace
		}
		return nil, fmt.Errorf("struct %s: %w", name, err)
	}
	return s, nil
}

func (k *kernelTypes) enumerator(name string) (uint64, error) {
	n, ok := k.bits[name]
	if !ok {
		n, ok = macros[name]
	}
	if !ok {
		return 0, fmt.Errorf("%s: %w", name, errNoPlace)
	}
	return n, nil
}
