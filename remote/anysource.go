package remote

import (
	"net"
	"net/netip"
	"sync"
)

// strays are answers that come from another address or port than was asked. A connected
// socket has none of them, and says at once where nobody listens; so one that is not is used
// where answers of any source are taken, and for the last attempts at a host that never
// answered, to say what the matter is.
type strays struct {
	mu    sync.Mutex
	taken bool // they are answers like any other
	heed  bool // they are looked for
	from  netip.AddrPort
}

// look has strays be looked for, and reports whether they were not.
func (s *strays) look() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.heed
	s.heed = true
	return !was
}

// noticed returns where an answer came from that was not taken, the zero AddrPort for none.
func (s *strays) noticed() (from netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from
}

// through returns a connection in the place of one over UDP.
func (s *strays) through(conn net.Conn) (net.Conn, error) {
	s.mu.Lock()
	heed := s.heed
	s.mu.Unlock()
	to, isUDP := conn.RemoteAddr().(*net.UDPAddr)
	local, _ := conn.LocalAddr().(*net.UDPAddr)
	if !heed || !isUDP || local == nil {
		return conn, nil
	}
	if err := conn.Close(); err != nil {
		return nil, err
	}
	network := "udp6"
	if to.IP.To4() != nil {
		network = "udp4"
	}
	open, err := net.ListenUDP(network, &net.UDPAddr{IP: local.IP, Zone: local.Zone})
	if err != nil {
		return nil, err
	}
	return &openConn{UDPConn: open, to: to, strays: s}, nil
}

// openConn is a UDP socket that takes datagrams from everywhere.
type openConn struct {
	*net.UDPConn
	to     *net.UDPAddr
	strays *strays
}

func (c *openConn) RemoteAddr() net.Addr { return c.to }

func (c *openConn) Write(b []byte) (int, error) {
	to := c.to.AddrPort()
	return c.WriteToUDPAddrPort(b, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
}

// Read returns the next datagram that is taken.
func (c *openConn) Read(b []byte) (int, error) {
	asked := c.to.AddrPort()
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return n, err
		}
		s := c.strays
		s.mu.Lock()
		isTaken := s.taken || from.Addr().Unmap() == asked.Addr().Unmap() && from.Port() == asked.Port()
		if !isTaken && !s.from.IsValid() && n > 0 && b[0] == messageTag {
			s.from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		}
		s.mu.Unlock()
		if isTaken {
			return n, nil
		}
	}
}

// messageTag is what every SNMP message begins with: that of a SEQUENCE.
const messageTag = 0x30

// StrayError says that an agent answered from another address or port than was asked, as
// agents with several addresses do. Config.AnySource takes such answers. It unwraps to
// ErrNoAnswer.
type StrayError struct{ From netip.AddrPort }

func (e *StrayError) Error() string {
	return ErrNoAnswer.Error() + " from where was asked: answers come from " + e.From.String() + ", and are taken on request alone (--any-source)"
}

func (e *StrayError) Unwrap() error { return ErrNoAnswer }
