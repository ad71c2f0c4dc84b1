package snmp

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// receiveBuffer is how many octets of datagrams wait for a listener, as the kernel counts
// them: some thousand requests that nobody sent for an answer let those behind them in.
const receiveBuffer = 4 << 20

// datagrams is what listeners for UDP have in common on every system (RFC 3417, section 3).
type datagrams struct {
	server   *Server
	address  Address
	bulk     int // limits.bulk beyond loopback
	progress progress
}

// Answers that 1500 octets of path MTU carry in one piece, beside the headers of
// IPv4 (20 octets) or IPv6 (40) and of UDP (8).
const (
	unfragmentedIPv4 = 1500 - 20 - 8
	unfragmentedIPv6 = 1500 - 40 - 8
)

func (s *Server) datagrams(a Address) datagrams {
	bulk := s.options.MaxBulkSize
	if bulk <= 0 {
		bulk = unfragmentedIPv4
		if a.Transport.IsIPv6() {
			bulk = unfragmentedIPv6
		}
	}
	return datagrams{server: s, address: a, bulk: bulk}
}

// limits returns those of the answer to a source. The kernel takes nothing with
// a loopback source from elsewhere.
func (l *datagrams) limits(source netip.Addr) limits {
	size := l.server.options.MaxMessageSize
	if source.IsLoopback() {
		return limits{message: size, bulk: size}
	}
	return limits{message: size, bulk: min(l.bulk, size)}
}

// fault is told of an error on receiving, of which one datagram may be the
// cause. It pauses where they do not end.
func (l *datagrams) fault(ctx context.Context, err error, faults int) int {
	if faults == 0 {
		l.server.engine.log.Warn("cannot receive", slog.Any("address", l.address), slog.Any("error", err))
	}
	pause(ctx, faults)
	return faults + 1
}

// pause waits the longer the more faults there were before, at most a second.
func pause(ctx context.Context, faults int) {
	sleep(ctx, min(time.Millisecond<<min(faults, 10), time.Second))
}

// sleep waits, but not longer than ctx lasts.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// unsent is told that an answer was not sent, and why: where there is no room for it, it is dropped.
// UDP promises no delivery (RFC 3417, section 3), and the manager asks again.
func (l *datagrams) unsent(to netip.Addr, err error) {
	engine := &l.server.engine
	if noRoom(err) {
		engine.counters[enginemib.Unsent].Add(1)
		engine.warn(&engine.tooSlow, "answers are dropped, as there is no room for them: the way to a manager is slow",
			slog.Any("to", to), slog.Uint64("dropped", engine.counters[enginemib.Unsent].Load()))
		return
	}
	if ctx := context.Background(); engine.log.Enabled(ctx, slog.LevelDebug) {
		engine.log.LogAttrs(ctx, slog.LevelDebug, "answer cannot be sent", slog.Any("to", to), slog.Any("error", err))
	}
}

// noRoom reports whether sending failed as a buffer was full.
func noRoom(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) }

// wait has a request answered by a goroutine that may wait, where there is a
// place for it.
func (l *datagrams) wait(alive context.Context, message []byte, from origin, send func(answer []byte)) {
	s := l.server
	select {
	case s.waiting <- struct{}{}:
	default:
		s.engine.counters[enginemib.Busy].Add(1)
		s.engine.drop(from.Addr(), "too many requests wait")
		s.engine.warn(&s.engine.tooManyWait, "requests are dropped, as too many wait", slog.Any("source", from.Addr()),
			slog.Int("waiting", cap(s.waiting)), slog.Uint64("dropped", s.engine.counters[enginemib.Busy].Load()))
		return
	}
	d := s.later(message)
	go func() {
		defer func() { <-s.waiting }()
		s.answerLater(alive, d, from, l.limits(from.Addr()), func(answer []byte) bool {
			if answer != nil {
				send(answer)
			}
			return true
		})
	}()
}
