//go:build !linux || portable

package snmp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// udpListener answers datagrams (RFC 3417, section 3) by what every system has. A manager behind a slow
// link leaves no room for the answers to others here, and what was sent to the broadcast address of a network
// is not told from what was sent to this host. On Linux it is used with the build tag portable
// alone, by tests.
type udpListener struct {
	datagrams
	conn    *net.UDPConn
	packets packets
	stopped atomic.Bool
}

// packets are datagrams with the address of this host that they came to, or are sent from. That is the
// zero Addr on a socket that is bound to one; device is where it has no meaning without an interface.
type packets interface {
	receive(buf []byte) (n int, local netip.Addr, device int, from net.Addr, err error)
	send(message []byte, local netip.Addr, device int, to net.Addr) error
}

func (s *Server) listenUDP(a Address) (listener, Address, error) {
	network := "udp4"
	if a.Transport.IsIPv6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(a.AddrPort))
	if err != nil {
		return nil, a, err
	}
	_ = conn.SetReadBuffer(receiveBuffer) // as many of them as the system allows
	a.AddrPort = netip.AddrPortFrom(a.Addr(), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	return s.newUDPListener(conn, a)
}

// listenUDPOn listens with a socket that is there already.
func (s *Server) listenUDPOn(f *os.File, a Address) (listener, Address, error) {
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, a, err
	}
	return s.newUDPListener(conn.(*net.UDPConn), a)
}

func (s *Server) newUDPListener(conn *net.UDPConn, a Address) (_ listener, _ Address, err error) {
	l := &udpListener{datagrams: s.datagrams(a), conn: conn}
	if a.Transport.IsIPv6() {
		p := ipv6.NewPacketConn(conn)
		l.packets = packets6{p}
		if a.Addr().IsUnspecified() {
			err = p.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
		}
	} else {
		p := ipv4.NewPacketConn(conn)
		l.packets = packets4{p}
		if a.Addr().IsUnspecified() {
			err = p.SetControlMessage(ipv4.FlagDst, true)
		}
	}
	if err != nil {
		l.close()
		return nil, a, err
	}
	return l, a, nil
}

type packets4 struct{ *ipv4.PacketConn }

func (p packets4) receive(buf []byte) (n int, local netip.Addr, device int, from net.Addr, err error) {
	n, control, from, err := p.ReadFrom(buf)
	if control != nil {
		local, _ = netip.AddrFromSlice(control.Dst)
	}
	return n, local.Unmap(), 0, from, err
}

func (p packets4) send(message []byte, local netip.Addr, _ int, to net.Addr) error {
	var control *ipv4.ControlMessage
	if local.IsValid() {
		control = &ipv4.ControlMessage{Src: local.AsSlice()}
	}
	_, err := p.WriteTo(message, control, to)
	return err
}

type packets6 struct{ *ipv6.PacketConn }

func (p packets6) receive(buf []byte) (n int, local netip.Addr, device int, from net.Addr, err error) {
	n, control, from, err := p.ReadFrom(buf)
	if control != nil {
		local, _ = netip.AddrFromSlice(control.Dst)
		if local.IsLinkLocalUnicast() {
			device = control.IfIndex
		}
	}
	return n, local, device, from, err
}

func (p packets6) send(message []byte, local netip.Addr, device int, to net.Addr) error {
	var control *ipv6.ControlMessage
	if local.IsValid() {
		control = &ipv6.ControlMessage{Src: local.AsSlice(), IfIndex: device}
	}
	_, err := p.WriteTo(message, control, to)
	return err
}

// serve receives and answers one datagram after the other.
func (l *udpListener) serve(ctx, alive context.Context) {
	s := l.server
	counters := &s.engine.counters
	d := newDispatcher(&s.engine)
	buf := make([]byte, maxReceivedMessage)
	faults := 0
	for {
		n, local, device, to, err := l.packets.receive(buf)
		if l.stopped.Load() {
			return
		}
		if err != nil {
			faults = l.fault(ctx, err, faults)
			continue
		}
		faults = 0
		counters[enginemib.InPkts].Add(1)
		address := to.(*net.UDPAddr).AddrPort()
		source := address.Addr().Unmap().WithZone("")
		if local.IsMulticast() || local == limitedBroadcast {
			counters[enginemib.NotUnicast].Add(1)
			s.engine.drop(source, "it was sent to a broadcast or multicast address")
			continue
		}
		from := origin{AddrPort: netip.AddrPortFrom(source, address.Port())}
		send := func(answer []byte) {
			counters[enginemib.OutPkts].Add(1)
			if err := l.packets.send(answer, local, device, to); err != nil {
				l.unsent(source, err)
			}
		}
		l.progress.turn()
		answer, err := d.process(s.engine.noWait, buf[:n], from, l.limits(source))
		switch {
		case wouldWait(err):
			l.wait(alive, buf[:n], from, send)
		case answer != nil:
			send(answer)
		}
		l.progress.turn()
	}
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// stop wakes the goroutine that receives.
func (l *udpListener) stop() {
	l.stopped.Store(true)
	_ = l.conn.SetReadDeadline(time.Now())
}

// abandon has nothing to do: who waits does so for the context, and no answer waits.
func (l *udpListener) abandon() {}

func (l *udpListener) close() { _ = l.conn.Close() }
