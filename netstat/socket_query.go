package netstat

import "net/netip"

// SocketQuery selects sockets, and says what to read of them. Its zero value
// selects all that the source has (but see Bound), and reads what costs
// nothing.
type SocketQuery struct {
	Protocols []Protocol // none means all
	Families  []Family   // none means both
	States    StateSet   // zero means all
	Filter    SocketFilter

	// Details says what to read into Socket.Detail.
	Details SocketDetails
	// PassingDetails says that each row's Detail is looked at before the next row comes, and not
	// kept: the source may use it again, which spares it a kilobyte a socket.
	PassingDetails bool

	// Processes asks for the processes that hold each socket, which costs a
	// look at every process's descriptors, unless Owners is there.
	Processes bool
	// Owners is the look at processes to use, so that several queries share
	// one (SocketOwnerReader). It implies Processes. A socket that it does not
	// know may have been opened since: then the source looks again.
	Owners *SocketOwners
}

// SocketFilter selects sockets that meet all of its conditions. The zero value
// selects all of them. A source may have the kernel do it; the rows are the
// same.
type SocketFilter struct {
	// LocalPorts and RemotePorts bound the two ends' ports, both bounds
	// included, and Ports the port of either end. The zero range is any port.
	LocalPorts, RemotePorts, Ports PortRange
	// Local and Remote hold the two ends' addresses, and Address that of either
	// end. The zero Prefix is any address, and an invalid one that is not zero
	// none. A prefix of IPv4 holds IPv4-mapped
	// addresses of IPv6 sockets, too; zones are not compared.
	Local, Remote, Address netip.Prefix
	// Interface is the index of the device that the socket is bound to; 0 means
	// any or none.
	Interface uint32
	// Mark is what the masked mark must be. A source that may not see marks
	// yields an error that matches fs.ErrPermission.
	Mark Optional[MarkMatch]
	// CGroup is the number of the socket's cgroup (of version 2): the inode of
	// its directory. 0 means any. Sockets in TIME-WAIT and connection requests
	// have none.
	CGroup uint64
}

// MarkMatch selects marks: those whose bits under Mask are Value.
type MarkMatch struct{ Value, Mask uint32 }

// IsZero reports whether the filter selects every socket.
func (f *SocketFilter) IsZero() bool { return *f == SocketFilter{} }

// MatchesEnds reports whether the filter's conditions on addresses, ports and
// the interface hold for a socket.
func (f *SocketFilter) MatchesEnds(s *Socket) bool {
	local, remote := s.Local, s.Remote
	return portIn(f.LocalPorts, local) && portIn(f.RemotePorts, remote) &&
		(portIn(f.Ports, local) || portIn(f.Ports, remote)) &&
		addressIn(f.Local, local) && addressIn(f.Remote, remote) &&
		(addressIn(f.Address, local) || addressIn(f.Address, remote)) &&
		(f.Interface == 0 || Known(f.Interface) == s.Interface)
}

func portIn(r PortRange, a netip.AddrPort) bool {
	return r == PortRange{} || r.First <= a.Port() && a.Port() <= r.Last
}

func addressIn(p netip.Prefix, a netip.AddrPort) bool {
	if p == (netip.Prefix{}) {
		return true
	}
	addr := a.Addr().WithZone("")
	if p.Addr().Is4() {
		addr = addr.Unmap()
	}
	return p.Contains(addr)
}

// SocketDetails is a set of what can be read of a socket besides what every row
// has. Each costs the kernel and the reader something for every socket.
type SocketDetails uint16

// What can be read of sockets. The comment names the fields of SocketDetail.
const (
	DetailMemory     SocketDetails = 1 << iota // Memory
	DetailTCPInfo                              // TCP, MPTCP, ULP, MD5Peers
	DetailCongestion                           // Congestion
	DetailTOS                                  // TOS, TrafficClass, ClassID
	DetailOptions                              // Flags, Shutdown, Mark, Addresses of SCTP
	DetailCGroup                               // CGroup
	// AllDetails is all of the above.
	AllDetails SocketDetails = 1<<iota - 1
	// DetailSocketOptions is Options. AllDetails leaves it out: most options are not in
	// what the kernel sends of its sockets, and other sources have to be opened for them.
	DetailSocketOptions SocketDetails = 1 << (iota - 1)
	// DetailCongestionName is Congestion.Name, of which DetailCongestion has more.
	DetailCongestionName SocketDetails = 1 << (iota - 1)
)

// Has reports whether the set holds all of those.
func (d SocketDetails) Has(those SocketDetails) bool { return d&those == those }
