package netstat

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// IPInterface is a version of IP on an interface. An interface that a version of
// IP cannot use has none: one whose MTU is below 68 bytes for IPv4, or 1,280 for
// IPv6.
type IPInterface struct {
	Interface uint32 `json:"interfaceIndex"` // index
	Family    Family // IPv4 or IPv6
	// Enabled says whether the version may be used. IPv6 can be turned off on an
	// interface (disable_ipv6, or a link-local address that another host has
	// where accept_dad is 2), IPv4 cannot.
	Enabled Optional[bool]
	// Forwards says whether packets for others that come in by the interface are
	// passed on. Of IPv6 that is for the stack as a whole to say
	// (IPSettings.Forwarding), but for interfaces that do so in any case
	// (Netconf.ForceForwarding). IPv6's setting "forwarding" of one interface
	// tells hosts from routers in neighbour discovery, and holds no packet back.
	Forwards Optional[bool]
	// ReassemblyMaxSize is the size of the largest packet that is put together
	// of fragments, in octets: of IPv6 the payload of its header.
	ReassemblyMaxSize Optional[uint32]
	// Reachable is how long a neighbour counts as reachable after it was
	// confirmed, a time drawn anew now and then, and Retransmit how long a
	// question to a neighbour waits for its answer (arp(7)).
	Reachable, Retransmit Optional[time.Duration]
	// Identifier is what the host ends addresses with that it makes of prefixes;
	// unknown where it makes none, or another one for each prefix (RFC 7217).
	// IPv6 alone has one.
	Identifier Optional[InterfaceIdentifier]
	// Updated is when IPv6 last came to the interface or was enabled or
	// disabled, the interface set up or down, or its Retransmit or Reachable
	// set; the zero time where the source does not tell.
	Updated time.Time
}

// InterfaceIdentifier is an interface identifier (RFC 4291, section 2.5.1): 8
// octets, or none on interfaces that need none, such as the loopback.
type InterfaceIdentifier string

// String returns the octets in groups of two, as they stand in an address:
// "0000:00ff:fe00:0011".
func (i InterfaceIdentifier) String() string {
	b := make([]byte, 0, len("0000:0000:0000:0000"))
	for n := range len(i) {
		if n > 0 && n%2 == 0 {
			b = append(b, ':')
		}
		b = fmt.Appendf(b, "%02x", i[n])
	}
	return string(b)
}

// IPInterfaceReader reads what versions of IP keep for each interface.
// Errors of its method are as for [Stack].
type IPInterfaceReader interface {
	// IPInterfaces yields a row for each version of IP on each interface that
	// has it, in no particular order.
	IPInterfaces(ctx context.Context) iter.Seq2[IPInterface, error]
}
