package snmp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// tcpListener answers messages on connections (RFC 3430).
type tcpListener struct {
	server   *Server
	listener *net.TCPListener

	mu          sync.Mutex
	connections map[*conversation]bool
	stopped     bool
	running     sync.WaitGroup

	turns atomic.Uint64 // taken by connections
}

func (s *Server) listenTCP(a Address) (listener, Address, error) {
	network := "tcp4"
	if a.Transport.IsIPv6() {
		network = "tcp6"
	}
	l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(a.AddrPort))
	if err != nil {
		return nil, a, err
	}
	a.AddrPort = netip.AddrPortFrom(a.Addr(), l.Addr().(*net.TCPAddr).AddrPort().Port())
	return &tcpListener{server: s, listener: l, connections: make(map[*conversation]bool)}, a, nil
}

// listenTCPOn listens with a socket that is there already.
func (s *Server) listenTCPOn(f *os.File, a Address) (listener, Address, error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, a, err
	}
	return &tcpListener{server: s, listener: l.(*net.TCPListener), connections: make(map[*conversation]bool)}, a, nil
}

func (l *tcpListener) serve(ctx, alive context.Context) {
	defer l.running.Wait()
	for faults := 0; ; {
		conn, err := l.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if faults == 0 {
				l.server.engine.log.Warn("cannot accept", slog.Any("address", l.listener.Addr()), slog.Any("error", err))
			}
			pause(ctx, faults)
			faults++
			continue
		}
		faults = 0
		from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		source := from.Addr().Unmap()
		if !l.server.engine.models.Load().covers(source) {
			l.server.engine.counters[enginemib.Refused].Add(1)
			l.server.engine.log.Debug("connection refused: no community lets its source in", slog.Any("source", source))
			_ = conn.Close()
			continue
		}
		c := &conversation{listener: l, conn: conn, from: netip.AddrPortFrom(source, from.Port())}
		var conversing context.Context
		conversing, c.cancel = context.WithCancel(alive)
		c.takeTurn()
		if !l.add(c) {
			c.end()
			continue
		}
		l.running.Go(func() {
			defer l.remove(c)
			c.converse(ctx, conversing)
		})
	}
}

// add takes a connection in. Where there are too many, the one that took its
// turn longest ago makes room: nobody can keep others out by connections that
// ask for nothing.
func (l *tcpListener) add(c *conversation) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	if limit := l.server.options.MaxConnections; len(l.connections) >= limit {
		idlest := slices.MinFunc(slices.Collect(maps.Keys(l.connections)), func(a, b *conversation) int {
			return cmp.Compare(a.turn.Load(), b.turn.Load())
		})
		delete(l.connections, idlest)
		idlest.end()
		e := &l.server.engine
		e.warn(&e.tooManyConnections, "too many connections: the one that was idle longest is closed",
			slog.Int("limit", limit), slog.Any("closed", idlest.from.Addr()), slog.Any("source", c.from.Addr()))
	}
	l.connections[c] = true
	return true
}

func (l *tcpListener) remove(c *conversation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.connections, c)
	c.end()
}

// stop, which is called when serve's context is done, ends the reading on every
// connection.
func (l *tcpListener) stop() {
	_ = l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	for c := range l.connections {
		_ = c.conn.CloseRead()
	}
}

// abandon closes every connection, whatever waits to be written there.
func (l *tcpListener) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.connections {
		c.end()
	}
}

func (l *tcpListener) close() { _ = l.listener.Close() }

// conversation is one connection.
type conversation struct {
	listener *tcpListener
	conn     *net.TCPConn
	from     netip.AddrPort
	cancel   context.CancelFunc // of the requests that wait
	turn     atomic.Uint64      // the last that it took
	waiting  sync.WaitGroup
	writing  sync.Mutex
}

// takeTurn notes that the connection is of use now: it was accepted or answered
// on. Messages that get no answer are not enough.
func (c *conversation) takeTurn() { c.turn.Store(c.listener.turns.Add(1)) }

// end closes the connection. Nobody waits for answers any more.
func (c *conversation) end() {
	c.cancel()
	_ = c.conn.Close()
}

// firstRead is how much memory a connection gets before it sends more than
// that.
const firstRead = 4096

// converse answers the messages of a connection, which follow each other
// without anything between (RFC 3430, section 2.1), until ctx is done. The one that
// it answers then, and those that wait, go on as long as alive is not done.
func (c *conversation) converse(ctx, alive context.Context) {
	s, conn := c.listener.server, c.conn
	defer c.waiting.Wait()
	d := newDispatcher(&s.engine)
	buf := make([]byte, 0, firstRead)
	deadline := func() { _ = conn.SetReadDeadline(time.Now().Add(s.options.IdleTimeout)) }
	deadline()
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, min(len(buf), s.options.MaxStreamMessageSize))
		}
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		rest := buf
		for {
			size, problem := messageSize(rest, s.options.MaxStreamMessageSize)
			if problem != "" {
				// Where the next message would begin cannot be known.
				s.engine.counters[enginemib.InPkts].Add(1)
				s.engine.malformed(c.from.Addr(), &ber.Error{Field: "Message", Problem: problem})
				return
			}
			if size == 0 || size > len(rest) {
				break
			}
			if !c.answer(alive, d, rest[:size]) || ctx.Err() != nil {
				return
			}
			rest = rest[size:]
		}
		if err != nil || ctx.Err() != nil {
			return
		}
		if len(rest) < len(buf) {
			deadline()
			if len(rest) == 0 && cap(buf) > keepBuffer {
				buf = make([]byte, 0, firstRead)
			}
			buf = buf[:copy(buf, rest)]
		}
	}
}

// messageSize returns the size of the message that b starts with, 0 when b does
// not tell it yet.
func messageSize(b []byte, limit int) (size int, problem string) {
	if len(b) > 0 && b[0] != ber.Sequence {
		return 0, "does not start with a SEQUENCE"
	}
	header, content, problem := ber.Header(b)
	switch {
	case problem == ber.EndsEarly:
		return 0, ""
	case problem != "":
		return 0, problem
	case header+content > limit:
		return 0, "is too long"
	}
	return header + content, ""
}

// answer answers a message; it reports whether the connection is still of use.
func (c *conversation) answer(ctx context.Context, d *dispatcher, message []byte) bool {
	s := c.listener.server
	limits := limits{message: s.options.MaxStreamMessageSize, bulk: s.options.MaxStreamMessageSize}
	s.engine.counters[enginemib.InPkts].Add(1)
	from := origin{c.from, true}
	answer, err := d.process(s.engine.noWait, message, from, limits)
	if !wouldWait(err) {
		return c.send(answer)
	}
	own := s.later(message)
	select {
	case s.waiting <- struct{}{}:
		c.waiting.Go(func() {
			defer func() { <-s.waiting }()
			s.answerLater(ctx, own, from, limits, c.send)
		})
		return true
	default:
		return s.answerLater(ctx, own, from, limits, c.send)
	}
}

// send sends an answer where there is one. A manager that does not take it in
// time is cut off.
func (c *conversation) send(answer []byte) bool {
	if answer == nil {
		return true
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	s := c.listener.server
	s.engine.counters[enginemib.OutPkts].Add(1)
	_ = c.conn.SetWriteDeadline(time.Now().Add(s.options.WriteTimeout))
	c.takeTurn() // before who asks can see the answer
	if _, err := c.conn.Write(answer); err != nil {
		_ = c.conn.Close()
		return false
	}
	return true
}
