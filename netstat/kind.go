package netstat

import (
	"fmt"
	"strings"
)

// Kinds is a set of the kinds of things that events tell of and that are named below.
// The zero set is empty.
type Kinds uint16

// Kinds of things.
const (
	KindInterface Kinds = 1 << iota
	KindAddress
	KindRoute
	KindNeighbour
	KindRule
	KindNextHop
	KindNetconf
	KindMulticast // groups that interfaces are members of

	// AllKinds is every kind above: what a stack is.
	AllKinds Kinds = 1<<iota - 1
)

// Kinds of what goes through a stack. That somebody follows them costs the kernel work
// for each connection, so AllKinds does not have them.
const (
	KindFlow Kinds = (AllKinds + 1) << iota
	KindExpectation

	// AllTrackedKinds is both.
	AllTrackedKinds = KindFlow | KindExpectation
)

var kindNames = [...]string{"interface", "address", "route", "neighbour", "rule", "nexthop", "netconf", "multicast", "flow", "expectation"}

// Has reports whether the set holds all of those.
func (k Kinds) Has(those Kinds) bool { return k&those == those }

// Each calls f with every kind of the set, in the order of their declaration.
func (k Kinds) Each(f func(Kinds)) {
	for i := range kindNames {
		if one := Kinds(1) << i; k.Has(one) {
			f(one)
		}
	}
}

// String returns the names of the kinds, joined by commas. Bits without a name
// follow in hexadecimal.
func (k Kinds) String() string { return flagNames(uint32(k), kindNames[:]) }

// ParseKinds returns the kinds that the names stand for, in the form of
// Kinds.String. The error names the first one that is no kind.
func ParseKinds(names ...string) (Kinds, error) {
	var k Kinds
next:
	for _, name := range names {
		for i, known := range kindNames {
			if name == known {
				k |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("kind %q is none of %s", name, strings.Join(kindNames[:], ", "))
	}
	return k, nil
}
