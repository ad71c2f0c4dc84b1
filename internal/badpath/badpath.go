// Package badpath carries datagrams between SNMP managers and an agent as bad networks and
// small devices do: late, not all of them, and none that are long. It is for tests and the
// bench.
package badpath

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Path is the way to an agent and back. Its zero value carries everything at once.
type Path struct {
	// Delay is how long a datagram takes, each way.
	Delay time.Duration
	// Loss is the share of datagrams that is lost, each way, from 0 to 1. Which ones is the
	// same in every run.
	Loss float64
	// Longest is the most octets that an answer may have and arrive; 0 is any number.
	Longest int
	// Service has the agent answer one request at a time, and take that long for each. While
	// it does, Queue requests wait; more are lost.
	Service time.Duration
	Queue   int
	// In runs what opens sockets, such as in a network namespace; nil for where the caller is.
	In func(open func() error) error

	// Requests came from managers. Of these Overflowed found no room in the queue, and Lost
	// were lost by chance. Answers went back, TooLong and LostAnswers did not.
	Requests, Overflowed, Lost    atomic.Int64
	Answers, TooLong, LostAnswers atomic.Int64
	// AtOnce is how many requests were under way at a time, at most, with their answers, and
	// Octets how many the longest answer had.
	AtOnce, Octets atomic.Int64

	flying atomic.Int64
	mu     sync.Mutex
	random *rand.Rand
}

// datagram is one on its way.
type datagram struct {
	due     time.Time
	message []byte
	send    func([]byte)
}

// flight is how many datagrams are under way in one direction at most.
const flight = 1 << 14

// Open listens at an address and carries what comes to the agent, until it is closed.
func (p *Path) Open(at, agent string) (address string, closing func(), err error) {
	to, err := netip.ParseAddrPort(agent)
	if err != nil {
		return "", nil, err
	}
	local, err := net.ResolveUDPAddr("udp", at)
	if err != nil {
		return "", nil, err
	}
	listener, err := p.socket(func() (*net.UDPConn, error) { return net.ListenUDP("udp", local) })
	if err != nil {
		return "", nil, err
	}
	_ = listener.SetReadBuffer(4 << 20)
	p.random = rand.New(rand.NewPCG(1, 1))
	there, back, queue := make(chan datagram, flight), make(chan datagram, flight), make(chan func(), p.Queue)
	// Each ends once nobody puts more into its channel.
	var carrying, going, serving, coming sync.WaitGroup
	carrying.Go(func() { p.carry(listener, to, there, back, queue) })
	going.Go(func() { deliver(there) })
	serving.Go(func() {
		for serve := range queue {
			serve()
		}
	})
	coming.Go(func() { deliver(back) })
	closing = sync.OnceFunc(func() {
		listener.Close()
		carrying.Wait()
		close(there)
		going.Wait()
		close(queue)
		serving.Wait()
		close(back)
		coming.Wait()
	})
	return listener.LocalAddr().String(), closing, nil
}

// socket opens a socket where the path is.
func (p *Path) socket(open func() (*net.UDPConn, error)) (c *net.UDPConn, err error) {
	if p.In == nil {
		return open()
	}
	err = p.In(func() error {
		var failed error
		c, failed = open()
		return failed
	})
	return c, err
}

// deliver sends datagrams when they are due. As all take equally long, the first is due
// first.
func deliver(line <-chan datagram) {
	for d := range line {
		time.Sleep(time.Until(d.due))
		d.send(d.message)
	}
}

// carry takes what managers send. Each has a socket of its own at the agent.
func (p *Path) carry(listener *net.UDPConn, agent netip.AddrPort, there, back chan<- datagram, queue chan<- func()) {
	managers := make(map[netip.AddrPort]*net.UDPConn)
	var reading sync.WaitGroup
	defer func() {
		for _, c := range managers {
			c.Close()
		}
		reading.Wait()
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, from, err := listener.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		c := managers[from]
		if c == nil {
			if c, err = p.socket(func() (*net.UDPConn, error) { return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(agent)) }); err != nil {
				return
			}
			managers[from] = c
			if p.Service == 0 {
				reading.Go(func() {
					answer := make([]byte, 1<<16)
					for {
						n, err := c.Read(answer)
						if err != nil {
							return
						}
						p.answer(answer[:n], listener, from, back)
					}
				})
			}
		}
		p.Requests.Add(1)
		raise(&p.AtOnce, p.flying.Add(1))
		if p.isLost() {
			p.Lost.Add(1)
			p.flying.Add(-1)
			continue
		}
		send := func(m []byte) { _, _ = c.Write(m) }
		if p.Service > 0 {
			send = func(m []byte) {
				select {
				case queue <- func() { p.serve(c, m, listener, from, back) }:
				default:
					p.Overflowed.Add(1)
					p.flying.Add(-1)
				}
			}
		}
		there <- datagram{time.Now().Add(p.Delay), bytes.Clone(buffer[:n]), send}
	}
}

// serve has the agent answer one request.
func (p *Path) serve(c *net.UDPConn, request []byte, listener *net.UDPConn, from netip.AddrPort, back chan<- datagram) {
	const patience = 10 * time.Second
	until := time.Now().Add(p.Service)
	if _, err := c.Write(request); err != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	answer := make([]byte, 1<<16)
	n, err := c.Read(answer)
	if err != nil {
		return
	}
	time.Sleep(time.Until(until))
	p.answer(answer[:n], listener, from, back)
}

// answer sends an answer back.
func (p *Path) answer(message []byte, listener *net.UDPConn, to netip.AddrPort, back chan<- datagram) {
	raise(&p.Octets, int64(len(message)))
	switch {
	case p.Longest > 0 && len(message) > p.Longest:
		p.TooLong.Add(1)
		p.flying.Add(-1)
	case p.isLost():
		p.LostAnswers.Add(1)
		p.flying.Add(-1)
	default:
		p.Answers.Add(1)
		back <- datagram{time.Now().Add(p.Delay), bytes.Clone(message), func(m []byte) {
			p.flying.Add(-1)
			_, _ = listener.WriteToUDPAddrPort(m, to)
		}}
	}
}

// raise has a number be at least n.
func raise(number *atomic.Int64, n int64) {
	for {
		old := number.Load()
		if n <= old || number.CompareAndSwap(old, n) {
			return
		}
	}
}

func (p *Path) isLost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Loss > 0 && p.random.Float64() < p.Loss
}
