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
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

const (
	// maxQueued is how many notifications wait for a destination that cannot
	// be reached, or does not acknowledge: beyond that the oldest go, and the latest wait. All ports of
	// a large host may go down and up again while nobody has the time to send.
	maxQueued = 1 << 14
	// maxOutstanding is how many informs wait for their acknowledgement at a
	// time.
	maxOutstanding = 16
	// idleAfter is when a connection that nothing was sent on is given up. The
	// next looks up the host's name and the way to it anew.
	idleAfter = time.Minute
	// lookUpAfter is when one that is used is given up, so that its host's name is looked up
	// anew.
	lookUpAfter = 5 * time.Minute
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
	model   outgoingModel
	users   *usm.Model // nil unless the target is of SNMPv3
	cancel  context.CancelFunc
	filter  atomic.Pointer[Filter]
	// contexts are the target's.
	contexts atomic.Pointer[ContextCommunities]

	mu      sync.Mutex
	queue   []told        // oldest first
	wake    chan struct{} // holds one when something was put into queue
	dropped atomic.Uint64
	// stale says that the name is to be looked up anew.
	stale atomic.Bool

	// What follows belongs to run.
	informs   []*inform // that wait for their acknowledgement
	lost      int       // informs that were refused
	discovery discovery
	decoder   pduDecoder
	// faulty is since nothing could be sent, and away since informs were not acknowledged,
	// in which case one at a time is sent to see whether the receiver is back.
	faulty, away bool

	dropping, unacknowledged, unreachable, refused, rejecting, unknown warning
}

// told is a notification as a target is told of it. An inform keeps the request-id that it
// was sent with, by which its receiver knows a repetition.
type told struct {
	scope
	variables []mib.Binding
	requestID int32 // 0 for one that was not sent
}

// inform is an InformRequest-PDU that has been sent.
type inform struct {
	told
	ids   []int32 // of its messages
	sent  int
	again int       // how often its receiver wanted it once more
	due   time.Time // when it is sent again, or given up
}

// maxRepetitions bounds for how many time-outs a stream's acknowledgements are waited for.
const maxRepetitions = 100

// maxAgain is how often a receiver can want an inform once more: as it is another engine
// than it was, and as it is later there.
const maxAgain = 3

// discovery is the asking for who a target is.
type discovery struct {
	due time.Time // of the answer; zero before it is asked
}

// newDestination returns what sends to a target; users are the security model of SNMPv3.
func newDestination(e *engine, options *Options, users *usm.Model, target Target) *destination {
	d := &destination{engine: e, options: options, target: target, wake: make(chan struct{}, 1)}
	if target.Version == SNMPv3 {
		d.users = users
		d.model = newV3Outgoing(&d.target, users)
	} else {
		d.model = newCommunityOutgoing(&d.target, &d.contexts)
	}
	return d
}

// maxMessageSize is how many octets a message has at most.
func (d *destination) maxMessageSize() int {
	if most := d.target.MaxMessageSize; most > 0 && d.target.Version != SNMPv3 {
		return min(most, d.options.MaxMessageSize)
	}
	return d.options.MaxMessageSize
}

// wants reports whether the target gets a notification of a context, and how it is told.
func (d *destination) wants(contextName string, variables []mib.Binding) (n told, ok bool) {
	n = told{scope: scope{context: contextName}, variables: variables}
	if contextName != "" && d.target.Version != SNMPv3 {
		if n.community, ok = d.contexts.Load().of(contextName); !ok {
			return n, false
		}
	}
	return n, d.filter.Load().passes(variables)
}

// put has a notification sent, later.
func (d *destination) put(n told) {
	d.mu.Lock()
	full := len(d.queue) >= maxQueued
	if full {
		d.takeFirst()
	}
	d.queue = append(d.queue, n)
	d.mu.Unlock()
	if full {
		d.drop("too many wait")
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest notification, where there is one.
func (d *destination) next() (n told, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return n, false
	}
	return d.takeFirst(), true
}

// takeFirst takes the oldest notification out of the queue, which has one. Its caller
// holds mu.
func (d *destination) takeFirst() told {
	first := d.queue[0]
	d.queue[0] = told{}
	if d.queue = d.queue[1:]; len(d.queue) == 0 {
		d.queue = nil // and its memory
	}
	return first
}

// putBack undoes next, of several in the order in which they were taken.
func (d *destination) putBack(taken ...told) {
	d.mu.Lock()
	beyond := max(len(d.queue)+len(taken)-maxQueued, 0)
	d.queue = slices.Insert(d.queue, 0, taken[beyond:]...)
	d.mu.Unlock()
	for range beyond {
		d.drop("too many wait")
	}
}

// takeBack has the informs that wait for their acknowledgement wait to be sent.
func (d *destination) takeBack() {
	again := make([]told, len(d.informs))
	for i, sent := range d.informs {
		again[i] = sent.told
	}
	d.informs = nil
	d.putBack(again...)
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
		d.takeBack()
		if !d.faulty {
			wait = firstRedial
		}
		d.faulty = true
		d.away = d.away || errors.Is(err, errNotAcknowledged)
		d.warnOf(err)
		sleep(ctx, wait)
		wait = min(2*wait, lastRedial)
	}
}

// What has a conversation end, so that the receiver is looked for anew, each time after a
// longer wait.
var (
	errNotAcknowledged = errors.New("informs are not acknowledged, trying on")
	errNoEngineID      = errors.New("informs wait, as their receiver does not tell its engine ID")
)

// warnOf says why nothing goes out, and how many notifications wait.
func (d *destination) warnOf(err error) {
	target, waiting := slog.Any("target", d.target.Address), slog.Int("waiting", d.waiting())
	switch {
	case errors.Is(err, errNotAcknowledged):
		d.engine.warn(&d.unacknowledged, err.Error(), target, waiting)
	case errors.Is(err, errNoEngineID):
		d.engine.warn(&d.unknown, err.Error(), target, waiting)
	default:
		d.engine.warn(&d.unreachable, "notifications cannot be sent, trying on", target, slog.Any("error", err), waiting)
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
	dialer := net.Dialer{Timeout: dialTimeout, LocalAddr: d.target.localAddress()}
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
	for old := time.Now().Add(lookUpAfter); ; {
		if len(d.informs) == 0 && (d.stale.Load() || time.Now().After(old)) {
			d.stale.Store(false)
			return nil
		}
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
	var due time.Time
	switch {
	case len(d.informs) > 0:
		due = slices.MinFunc(d.informs, func(a, b *inform) int { return a.due.Compare(b.due) }).due
	case d.waiting() > 0 && d.target.Inform && d.model.room() == 0:
		due = d.discovery.due
	default:
		return idleAfter
	}
	return max(time.Until(due), 0)
}

// send sends again what is due, and then what waits and may be sent.
func (d *destination) send(conn net.Conn) error {
	if err := d.resend(conn); err != nil {
		return err
	}
	for {
		if d.target.Inform {
			switch room := d.model.room(); {
			case room == 0 && d.waiting() > 0:
				return d.discover(conn)
			case len(d.informs) >= room, d.away && len(d.informs) > 0:
				return nil
			}
		}
		n, ok := d.next()
		if !ok {
			return nil
		}
		if n.requestID == 0 {
			n.requestID = max(rand.Int32(), 1)
		}
		i := &inform{told: n}
		sent, err := d.sendOne(conn, i)
		if err != nil {
			d.putBack(n)
			return err
		}
		switch {
		case !sent:
		case d.target.Inform:
			d.informs = append(d.informs, i)
		default:
			d.engine.counters[enginemib.OutTraps].Add(1)
		}
	}
}

// sendOne sends a notification: made anew each time, since what is known of the target may
// have changed. It reports false for one that cannot be sent to it and was dropped; an error is
// the connection's.
func (d *destination) sendOne(conn net.Conn, i *inform) (sent bool, err error) {
	message, id, err := notificationMessage(d.model, &d.target, i.requestID, i.told, localIPv4(conn), d.maxMessageSize())
	if err == nil {
		err = d.write(conn, message)
		if err != nil && !errors.Is(err, syscall.EMSGSIZE) {
			return false, err
		}
	}
	if err != nil {
		d.drop(err.Error())
		return false, nil
	}
	wait := d.target.Timeout
	if d.target.Address.Transport.IsStream() {
		wait *= time.Duration(min(d.target.Retries, maxRepetitions) + 1) // it is not sent again there
	}
	i.ids, i.due = append(i.ids, id), time.Now().Add(wait)
	i.sent++
	return true, nil
}

// discover asks the target who it is: what is for it waits for that.
func (d *destination) discover(conn net.Conn) error {
	a, now := &d.discovery, time.Now()
	switch {
	case a.due.IsZero():
		a.due = now.Add(d.target.Timeout)
		return d.write(conn, d.model.discover())
	case a.due.After(now):
		return nil
	}
	*a = discovery{}
	return errNoEngineID
}

// repetitions is how often an inform is sent again on a connection: not on a stream, where
// nothing gets lost, and not to a receiver that is away.
func (d *destination) repetitions() int {
	if d.away || d.target.Address.Transport.IsStream() {
		return 0
	}
	return d.target.Retries
}

// resend sends informs again that are due. Where that was done often enough the receiver is
// away, and all that it has not acknowledged waits for it.
func (d *destination) resend(conn net.Conn) error {
	now := time.Now()
	if slices.ContainsFunc(d.informs, func(i *inform) bool {
		return !i.due.After(now) && i.sent > d.repetitions()+i.again
	}) {
		return errNotAcknowledged
	}
	for _, i := range slices.Clone(d.informs) {
		if i.due.After(now) {
			continue
		}
		sent, err := d.sendOne(conn, i)
		if err != nil {
			return err
		}
		if !sent {
			d.informs = slices.DeleteFunc(d.informs, func(other *inform) bool { return other == i })
		}
	}
	return nil
}

// giveUp counts informs that are not accepted, and says so.
func (d *destination) giveUp(w *warning, number int, what string, why slog.Attr) {
	d.engine.counters[enginemib.InformsUnacknowledged].Add(uint64(number))
	d.lost += number
	d.engine.warn(w, what, slog.Any("target", d.target.Address), why, slog.Int("unacknowledged", d.lost))
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
	if !d.away {
		d.isThere()
	}
	return nil
}

// isThere takes note that the target is there again.
func (d *destination) isThere() {
	d.away = false
	if d.faulty {
		d.faulty = false
		d.engine.log.Info("notifications are sent again", "target", d.target.Address)
	}
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
	if e.models.Load().model(version) == nil {
		e.counters[enginemib.InBadVersions].Add(1)
		d.passOver("its version is not supported", slog.Int("version", int(number)))
		return
	}
	if version != d.target.Version {
		e.counters[enginemib.UnknownPDUHandlers].Add(1)
		d.passOver("its version is not the target's", slog.Int("version", int(number)))
		return
	}
	r := d.model.receive(&fields, message[:len(message)-len(outer.Rest)], func(id int32) (scope, bool) {
		if i := d.find(id); i >= 0 {
			return d.informs[i].scope, true
		}
		return scope{}, false
	})
	switch {
	case r.verdict != accept:
		e.counters[r.counter].Add(1)
		d.passOver(r.why, r.detail)
		return
	case r.discovered:
		d.discovery = discovery{}
		return
	case r.again:
		d.sendAgain(r.id)
		return
	case r.refusal != "":
		d.refuseInform(r.id, r.refusal)
		return
	}
	if r.pduType != ber.Response {
		e.counters[enginemib.UnknownPDUHandlers].Add(1)
		d.passOver("it is no acknowledgement", slog.Int("type", int(r.pduType)))
		return
	}
	p, err := d.decoder.decode(r.pduType, r.pdu, version == SNMPv1, anyNumber)
	if err != nil {
		malformed(err)
		return
	}
	i := slices.IndexFunc(d.informs, func(i *inform) bool { return i.requestID == p.requestID && slices.Contains(i.ids, r.id) })
	if i < 0 { // most likely of one that was sent twice
		d.passOver("it acknowledges nothing that waits")
		return
	}
	d.informs = slices.Delete(d.informs, i, i+1)
	d.isThere()
	e.counters[enginemib.InGetResponses].Add(1)
	e.countResponse(mib.Status(p.status))
	if status := mib.Status(p.status); status != mib.NoError {
		e.log.Warn("an inform was received with an error", "target", d.target.Address, "error-status", status)
	}
}

// find returns which inform has a message with an id, -1 for none.
func (d *destination) find(id int32) int {
	return slices.IndexFunc(d.informs, func(i *inform) bool { return slices.Contains(i.ids, id) })
}

// sendAgain has an inform sent once more, at once, unless that was done since the message
// with the id.
func (d *destination) sendAgain(id int32) {
	i := d.informs[d.find(id)]
	switch {
	case i.ids[len(i.ids)-1] != id:
		return
	case i.again == maxAgain:
		d.refuseInform(id, "it wants it once more, again and again")
		return
	}
	i.again++
	i.due = time.Now()
}

// refuseInform takes it that an inform is not accepted there, and would not be a second time.
func (d *destination) refuseInform(id int32, why string) {
	i := d.find(id)
	d.informs = slices.Delete(d.informs, i, i+1)
	d.isThere()
	d.giveUp(&d.rejecting, 1, "an inform is refused by its receiver", slog.String("why", why))
}

func (d *destination) passOver(why string, attributes ...slog.Attr) {
	ctx := context.Background()
	if d.engine.log.Enabled(ctx, slog.LevelDebug) {
		d.engine.log.LogAttrs(ctx, slog.LevelDebug, "message of a target dropped: "+why, append(attributes, slog.Any("target", d.target.Address))...)
	}
}
