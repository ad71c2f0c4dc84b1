package snmp

import (
	"errors"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// set performs a SetRequest (RFC 3416, section 4.2.5). One whose answer would be too big
// is not performed, since nobody would learn of it.
func (r *responder) set() (mib.Status, int, error) {
	p := r.pdu
	if r.in.model.responseSize(r.in, r.pduSize(mib.UndoFailed, len(p.names), len(p.bindings))) > r.limits.message {
		return mib.TooBig, 0, nil
	}
	variables := make([]mib.Binding, len(p.names))
	for i := range p.names {
		variables[i] = mib.Binding{Object: p.names[i].oid, Value: ber.Value(p.names[i].tag, p.names[i].value)}
	}
	var err error
	if again := r.engine.repeats.begin(r.in, p, r.request.MayWait()); again.repeats() {
		err = again.wait()
	} else {
		if r.in.who.Model == UserBased {
			r.request.User = r.in.who.Name
		}
		err = r.request.Set(variables)
		again.end(err, time.Now())
		if !wouldWait(err) {
			who := &r.in.who
			r.engine.sets.Tell(r.engine.log, r.request.Describe(variables, mib.MostDescribed), err,
				slog.Any("source", r.in.source), slog.String("securityModel", who.Model.String()), slog.String("securityName", who.Name),
				slog.String("securityLevel", who.Level.String()), slog.String("context", who.Context))
		}
		if err == nil {
			r.written = uint64(len(variables))
		}
	}
	var refused *mib.SetError
	switch {
	case err == nil:
		return mib.NoError, 0, nil
	case errors.As(err, &refused):
		return refused.Status, refused.Index, nil
	}
	return r.failed(0, err)
}

// repeats knows the last SetRequests of each source of datagrams. A manager that got no
// answer sends its request again, and the network may deliver one twice: what was
// performed, or is being performed, is not performed again, but answered as the first
// was. It is the same request where source, principal, request-id and variables are the
// same, for repeatTime at most, and none with that request-id came between: some managers have one request-id
// for all requests, and write one value, another and the first again.
type repeats struct {
	seed maphash.Seed

	mu   sync.Mutex
	last map[netip.AddrPort][]*lastSet // the oldest first
}

// repeatTime is how long a SetRequest is known, maxRepeats of how many sources, and maxOfSource how
// many of each: a manager that waits for no answer before its next request may repeat one of several.
const (
	repeatTime  = 10 * time.Second
	maxRepeats  = 256
	maxOfSource = 64
)

// setIdentity is what a SetRequest and its repetitions have in common.
type setIdentity struct {
	who       Principal
	requestID int32
	variables uint64 // hash
}

type lastSet struct {
	is   setIdentity
	by   *repeats
	from netip.AddrPort
	done chan struct{} // closed when err is what it was answered with
	err  error
	at   time.Time // when it was answered
}

func newRepeats() *repeats {
	return &repeats{seed: maphash.MakeSeed(), last: make(map[netip.AddrPort][]*lastSet)}
}

// attempt is a SetRequest, which may repeat another.
type attempt struct {
	set *lastSet // nil where it is not known whether it does
	old bool
}

func (a attempt) repeats() bool { return a.old }

// begin is told of a request that was received. What is not going to be performed now,
// and what came over a connection, repeats nothing.
func (r *repeats) begin(in *incoming, p *pdu, performed bool) attempt {
	if !performed || in.from.stream {
		return attempt{}
	}
	is := setIdentity{in.who, p.requestID, maphash.Bytes(r.seed, p.bindings)}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	from := in.from.AddrPort
	known := r.last[from]
	for _, set := range slices.Backward(known) {
		if set.is.requestID != is.requestID {
			continue
		}
		if set.is == is && set.isKnown(now) {
			return attempt{set, true}
		}
		break // what came before it with that request-id is another one's
	}
	if known == nil && len(r.last) >= maxRepeats {
		r.makeRoom(now)
	}
	set := &lastSet{is: is, by: r, from: from, done: make(chan struct{})}
	known = append(slices.DeleteFunc(known, func(s *lastSet) bool { return !s.isKnown(now) }), set)
	r.last[from] = known[max(len(known)-maxOfSource, 0):]
	return attempt{set, false}
}

// isKnown reports whether a repetition of the request is answered as it was.
func (s *lastSet) isKnown(now time.Time) bool { return s.at.IsZero() || now.Sub(s.at) < repeatTime }

// makeRoom forgets what is no longer of use, and at least one.
func (r *repeats) makeRoom(now time.Time) {
	var oldest *lastSet
	for from, known := range r.last {
		switch set := known[len(known)-1]; {
		case set.at.IsZero():
		case now.Sub(set.at) >= repeatTime:
			delete(r.last, from)
		case oldest == nil || set.at.Before(oldest.at):
			oldest = set
		}
	}
	if len(r.last) >= maxRepeats && oldest != nil {
		delete(r.last, oldest.from)
	}
}

// end says what a request is answered with. One that changed nothing is performed again
// when it comes again.
func (a attempt) end(err error, now time.Time) {
	if a.set == nil {
		return
	}
	r := a.set.by
	r.mu.Lock()
	defer r.mu.Unlock()
	a.set.err, a.set.at = err, now
	close(a.set.done)
	var refused *mib.SetError
	if changed := err == nil || errors.As(err, &refused) && refused.Status == mib.UndoFailed; changed {
		return
	}
	if known := slices.DeleteFunc(r.last[a.set.from], func(s *lastSet) bool { return s == a.set }); len(known) > 0 {
		r.last[a.set.from] = known
	} else {
		delete(r.last, a.set.from)
	}
}

// wait returns what the request that this one repeats was answered with.
func (a attempt) wait() error {
	<-a.set.done
	return a.set.err
}

// String returns the model's name of snmpd.conf, "v2c".
func (m SecurityModel) String() string {
	switch m {
	case CommunityV1:
		return "v1"
	case CommunityV2c:
		return "v2c"
	case UserBased:
		return "usm"
	}
	return strconv.Itoa(int(m))
}
