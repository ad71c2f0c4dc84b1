// Package netstat is the vocabulary of a network stack: what one is made of
// (sockets, interfaces, addresses, routes, protocol counters) and how one is
// read ([Stack] and its smaller parts). It does no input or output: other
// packages fill these types from a Linux kernel, from a remote host or from a
// file, and front-ends show them without knowing where they came from.
//
// # Unknown is not zero
//
// What a source cannot tell is absent. A field that some source may not know
// is an [Optional]; a whole kind that a source cannot read is an error that
// matches [ErrNotSupported], or fs.ErrPermission where privileges are lacking.
// A zero is always a zero that the source reported.
//
// What has no meaning as a value stands for none, or for none that the source
// tells of: empty text and link-layer addresses, the zero netip.Addr,
// netip.Prefix and time.Time, a nil pointer or slice, and the number 0 of what is
// numbered from 1 (interfaces, routing tables, nexthop objects). Of a set of
// flags that a source tells in part, a field beside it names those it does not
// tell of (UnknownFlags).
//
// # Zones
//
// Addresses that are only meaningful on one link (fe80::/10, ff02::/16) carry
// that link as their zone: the interface's index in decimal, which is what the
// kernel and the MIBs use (RFC 4001, InetZoneIndex), and never its name, which
// may change while the address does not.
//
// # Encodings
//
// Rows go through encoding/json and come back equal. Their members are those of
// docs/netstat-json.md, which netstat(8) prints as well: an unknown [Optional] is
// absent, durations are seconds, enumerations are their names, sets of flags are
// arrays of names. What netstat(8) looks up is not there: an interface is its index
// (interfaceIndex), and a zone is the index that it is here. Detail, Options and
// counters of a row are members of the row itself.
//
// Numbers keep all their digits. A number of an enumeration that has no name is in
// its text ("state 77"), and so are flags without a name ("flag 9", "0x400"). What
// is known to have no bound ([InfiniteSlowStart], [PacingUnlimited], [Forever]) is
// absent, and the member "unlimited" names it. A decoder passes over members that it
// does not know, and takes those that are not there for unknown; a pointer to nothing that is known
// comes back nil.
//
// What is decoded and is none of this (text for a number, a name that an enumeration does not
// have, a number that its field has no room for) is an error that names it. An error of encoding
// says that JSON has no form for a value: a number that is not finite, or a moment outside of the
// years 0 to 9999.
//
// log/slog shows a row as a group of these members.
//
// JSON is text: octets of plain strings that are not UTF-8, as a file system
// allows in the path of a Unix socket, become U+FFFD. Moments keep their instant
// and their offset, not the name of their time zone. [SocketOwners] is an index,
// whose holdings are not encoded.
//
// A struct that embeds a row has the row's methods, as always in Go: to encode
// fields of its own it needs a MarshalJSON of its own.
package netstat
