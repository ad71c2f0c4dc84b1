package snmp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

const (
	// maxQueued is how many notifications wait for a destination that cannot
	// be reached, or does not acknowledge: beyond that the oldest go. All ports of
	// a large host may go down and up again while nobody has the time to send.
	maxQueued = 1 << 14
	// maxOutstanding is how many informs wait for their acknowledgement at a
	// time.
	maxOutstanding = 16
	// idleAfter is when a connection that nothing was sent on is given up. The
	// next looks up the host's name and the way to it anew.
	idleAfter = time.Minute
	// dialTimeout is how long a look-up and a connection may take; firstRedial
	// and lastRedial are the times between attempts.
	dialTimeout = 10 * time.Second
	firstRedial = time.Second
	lastRedial  = 30 * time.Second
)

// destination sends notifications to one target. One goroutine sends them and
// awaits acknowledgements; while it has a connection, another reads that.
type destination struct {
	engine  *engine
	options *Options
	target  Target
	cancel  context.CancelFunc

	mu      sync.Mutex
	queue   [][]mib.Binding // oldest first
	wake    chan struct{}   // holds one when something was put into queue
	dropped atomic.Uint64

	// What follows belongs to run.
	informs []*inform // that wait for their acknowledgement
	lost    int       // informs that were never acknowledged
	decoder pduDecoder
	faulty  bool

	dropping, unacknowledged, unreachable, refused warning
}

// inform is an InformRequest-PDU that has been sent.
type inform struct {
	requestID int32
	message   []byte
	sent      int
	due       time.Time // when it is sent again, or given up
}

func newDestination(e *engine, options *Options, target Target) *destination {
	return &destination{engine: e, options: options, target: target, wake: make(chan struct{}, 1)}
}

// put has a notification sent, later.
func (d *destination) put(variables []mib.Binding) {
	d.mu.Lock()
	full := len(d.queue) >= maxQueued
	if full {
		d.takeFirst()
	}
	d.queue = append(d.queue, variables)
	d.mu.Unlock()
	if full {
		d.drop("too many wait")
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest notification, nil where there is none.
func (d *destination) next() []mib.Binding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil
	}
	return d.takeFirst()
}

// takeFirst takes the oldest notification out of the queue, which has one. Its caller
// holds mu.
func (d *destination) takeFirst() []mib.Binding {
	first := d.queue[0]
	d.queue[0] = nil
	if d.queue = d.queue[1:]; len(d.queue) == 0 {
		d.queue = nil // and its memory
	}
	return first
}

// putBack undoes next.
func (d *destination) putBack(variables []mib.Binding) {
	d.mu.Lock()
	full := len(d.queue) >= maxQueued
	if !full {
		d.queue = slices.Insert(d.queue, 0, variables)
	}
	d.mu.Unlock()
	if full {
		d.drop("too many wait")
	}
}

// waiting returns how many notifications have not been sent.
func (d *destination) waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queue)
}

// drop counts a notification that will not be sent, and says so.
func (d *destination) drop(why string) {
	d.engine.counters[enginemib.NotificationsDropped].Add(1)
	dropped := d.dropped.Add(1)
	d.engine.warn(&d.dropping, "notifications are dropped", slog.Any("target", d.target.Address), slog.String("why", why),
		slog.Uint64("dropped", dropped))
}

// run sends what is put until ctx is done.
func (d *destination) run(ctx context.Context) {
	defer d.abandon()
	for wait := firstRedial; d.await(ctx); {
		conn, err := d.dial(ctx)
		if err == nil {
			err = d.converse(ctx, conn)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue
		}
		if !d.faulty {
			wait = firstRedial
		}
		d.faulty = true
		d.engine.warn(&d.unreachable, "notifications cannot be sent, trying on", slog.Any("target", d.target.Address),
			slog.Any("error", err), slog.Int("waiting", d.waiting()+len(d.informs)))
		sleep(ctx, wait)
		wait = min(2*wait, lastRedial)
	}
}

// await waits until there is something to do; it reports false when ctx is done
// first.
func (d *destination) await(ctx context.Context) bool {
	for d.waiting() == 0 && len(d.informs) == 0 {
		select {
		case <-ctx.Done():
			return false
		case <-d.wake:
		}
	}
	return ctx.Err() == nil
}

// abandon counts what is left when the destination ends.
func (d *destination) abandon() {
	d.mu.Lock()
	left := len(d.queue) + len(d.informs)
	d.queue, d.informs = nil, nil
	d.mu.Unlock()
	if left > 0 {
		d.engine.counters[enginemib.NotificationsDropped].Add(uint64(left))
		d.engine.log.Warn("notifications were not sent, or not acknowledged, before the end", "target", d.target.Address, "notifications", left)
	}
}

func (d *destination) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, d.target.Address.network(), d.target.Address.hostPort())
}

// converse sends notifications on a connection, and takes acknowledgements from
// it, until it fails, is idle or ctx is done. It closes it.
func (d *destination) converse(ctx context.Context, conn net.Conn) error {
	ctx, end := context.WithCancel(ctx)
	// A write that blocks ends with ctx too.
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	var reader sync.WaitGroup
	received, failed := make(chan []byte), make(chan error, 1)
	reader.Go(func() { failed <- d.read(ctx, conn, received) })
	defer reader.Wait()
	defer end()
	timer := time.NewTimer(idleAfter)
	defer timer.Stop()
	for {
		if err := d.send(conn); err != nil {
			return err
		}
		timer.Reset(d.untilDue())
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case message := <-received:
			d.receive(message)
		case err := <-failed:
			if errors.Is(err, io.EOF) && len(d.informs) == 0 {
				return nil
			}
			return err
		case <-timer.C:
			if len(d.informs) == 0 && d.waiting() == 0 {
				return nil
			}
		}
	}
}

// untilDue returns how long nothing has to be done by itself.
func (d *destination) untilDue() time.Duration {
	if len(d.informs) == 0 {
		return idleAfter
	}
	first := slices.MinFunc(d.informs, func(a, b *inform) int { return a.due.Compare(b.due) })
	return max(time.Until(first.due), 0)
}

// send sends again what is due, and then what waits and may be sent.
func (d *destination) send(conn net.Conn) error {
	if err := d.resend(conn); err != nil {
		return err
	}
	model := d.engine.models.Load().outgoing(d.target.Version)
	for !d.target.Inform || len(d.informs) < maxOutstanding {
		variables := d.next()
		if variables == nil {
			return nil
		}
		requestID := rand.Int32()
		message, err := notificationMessage(model, &d.target, requestID, variables, localIPv4(conn), d.options.MaxMessageSize)
		if err == nil {
			err = d.write(conn, message)
			if err != nil && !errors.Is(err, syscall.EMSGSIZE) {
				d.putBack(variables)
				return err
			}
		}
		if err != nil {
			d.drop(err.Error())
			continue
		}
		if d.target.Inform {
			d.informs = append(d.informs, &inform{requestID, message, 1, time.Now().Add(d.target.Timeout)})
		} else {
			d.engine.counters[enginemib.OutTraps].Add(1)
		}
	}
	return nil
}

// resend sends informs again that are due, and gives those up that were sent
// often enough.
func (d *destination) resend(conn net.Conn) error {
	now := time.Now()
	given := 0
	d.informs = slices.DeleteFunc(d.informs, func(i *inform) bool {
		up := !i.due.After(now) && i.sent > d.target.Retries
		if up {
			given++
		}
		return up
	})
	if given > 0 {
		d.engine.counters[enginemib.InformsUnacknowledged].Add(uint64(given))
		d.lost += given
		d.engine.warn(&d.unacknowledged, "informs are not acknowledged", slog.Any("target", d.target.Address),
			slog.Int("sent", d.target.Retries+1), slog.Int("unacknowledged", d.lost))
	}
	for _, i := range d.informs {
		if i.due.After(now) {
			continue
		}
		if err := d.write(conn, i.message); err != nil {
			return err
		}
		i.sent++
		i.due = now.Add(d.target.Timeout)
	}
	return nil
}

// write sends a message. That an earlier datagram was refused, which the kernel
// tells the next who sends, is not its failure.
func (d *destination) write(conn net.Conn, message []byte) (err error) {
	for range 3 {
		_ = conn.SetWriteDeadline(time.Now().Add(d.options.WriteTimeout))
		if _, err = conn.Write(message); d.target.Address.Transport.IsStream() || !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		d.refuse(err)
	}
	if err != nil {
		return err
	}
	d.engine.counters[enginemib.OutPkts].Add(1)
	if d.faulty {
		d.faulty = false
		d.engine.log.Info("notifications are sent again", "target", d.target.Address)
	}
	return nil
}

func (d *destination) refuse(err error) {
	d.engine.warn(&d.refused, "notifications are not received", slog.Any("target", d.target.Address), slog.Any("error", err))
}

// localIPv4 returns the address that a connection sends from, where that is
// IPv4, and 0.0.0.0 otherwise (RFC 3584, section 3.2).
func localIPv4(conn net.Conn) netip.Addr {
	var local netip.AddrPort
	switch a := conn.LocalAddr().(type) {
	case *net.UDPAddr:
		local = a.AddrPort()
	case *net.TCPAddr:
		local = a.AddrPort()
	}
	if a := local.Addr().Unmap(); a.Is4() {
		return a
	}
	return netip.IPv4Unspecified()
}

// read hands over what the target sends until the connection ends.
func (d *destination) read(ctx context.Context, conn net.Conn, received chan<- []byte) error {
	hand := func(message []byte) {
		select {
		case received <- slices.Clone(message):
		case <-ctx.Done():
		}
	}
	buf := make([]byte, maxReceivedMessage)
	for have, faults := 0, 0; ; {
		n, err := conn.Read(buf[have:])
		if !d.target.Address.Transport.IsStream() {
			switch {
			case err == nil:
				faults = 0
				hand(buf[:n])
			case errors.Is(err, net.ErrClosed):
				return err
			default: // one datagram's fault, not the socket's
				d.refuse(err)
				pause(ctx, faults)
				faults++
			}
			continue
		}
		have += n
		rest := buf[:have]
		for {
			size, problem := messageSize(rest, len(buf))
			if problem != "" {
				return &ber.Error{Field: "Message", Problem: problem}
			}
			if size == 0 || size > len(rest) {
				break
			}
			hand(rest[:size])
			rest = rest[size:]
		}
		have = copy(buf, rest)
		if err != nil {
			return err
		}
	}
}

// receive takes a message of the target's: the acknowledgement of an inform (RFC
// 3413, section 3.3), or what is dropped.
func (d *destination) receive(message []byte) {
	e := d.engine
	e.counters[enginemib.InPkts].Add(1)
	malformed := func(err error) {
		e.counters[enginemib.InASNParseErrs].Add(1)
		d.passOver("it cannot be decoded", slog.Any("error", err))
	}
	outer := ber.Decoder{Rest: message}
	fields := outer.Enter("Message", ber.Sequence)
	number := fields.Integer("version")
	if fields.Err != nil {
		malformed(fields.Err)
		return
	}
	version, _ := protocol.VersionOf(number)
	model := e.models.Load().outgoing(version)
	if model == nil {
		e.counters[enginemib.InBadVersions].Add(1)
		d.passOver("its version is not supported", slog.Int("version", int(number)))
		return
	}
	pduType, content, ok := model.matches(&fields, &d.target)
	if fields.Err != nil {
		malformed(fields.Err)
		return
	}
	if !ok {
		e.counters[enginemib.InBadCommunityNames].Add(1)
		d.passOver("its community is not the target's")
		return
	}
	if version != d.target.Version || pduType != ber.Response {
		e.counters[enginemib.UnknownPDUHandlers].Add(1)
		d.passOver("it is no acknowledgement", slog.Int("type", int(pduType)))
		return
	}
	p, err := d.decoder.decode(pduType, content, version == SNMPv1, anyNumber)
	if err != nil {
		malformed(err)
		return
	}
	i := slices.IndexFunc(d.informs, func(i *inform) bool { return i.requestID == p.requestID })
	if i < 0 { // most likely of one that was sent twice
		d.passOver("it acknowledges nothing that waits")
		return
	}
	d.informs = slices.Delete(d.informs, i, i+1)
	e.counters[enginemib.InGetResponses].Add(1)
	e.countResponse(mib.Status(p.status))
	if status := mib.Status(p.status); status != mib.NoError {
		e.log.Warn("an inform was received with an error", "target", d.target.Address, "error-status", status)
	}
}

func (d *destination) passOver(why string, attributes ...slog.Attr) {
	ctx := context.Background()
	if d.engine.log.Enabled(ctx, slog.LevelDebug) {
		d.engine.log.LogAttrs(ctx, slog.LevelDebug, "message of a target dropped: "+why, append(attributes, slog.Any("target", d.target.Address))...)
	}
}
