package snmp

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// Result is how many messages of a version had one result.
type Result struct {
	Version Version // zero where a message does not tell, or one that nobody speaks
	// Name is the error-status of the answers (RFC 3416, section 3: "noError", "tooBig"), or
	// the counter of those that are not answered, or with a Report ("snmpInBadCommunityNames").
	Name     string
	Messages uint64
}

// Client is who sends messages of one version from one address.
type Client struct {
	// Addr is where from. The zero value stands for all of whom no account of their own is kept.
	Addr    netip.Addr
	Version Version
	// Answered are messages that were answered, and Refused those that were not, or with
	// authorizationError. Messages by which a manager learns of the engine (RFC 3414, section 4) are neither.
	Answered, Refused uint64
	Reason            string    // why the last of them was refused, as Result.Name; empty for none
	Last              time.Time // when the last message came
}

// How many clients have an account of their own: those that were let in at least once, and those that
// never were. A place is given to another once its client was silent for clientSilence: strangers may send in
// any number of names, and do not make a client forgotten.
const (
	maxClients    = 256
	maxStrangers  = 64
	clientSilence = time.Hour
)

// accounts are what became of messages, by version and by client.
type accounts struct {
	results [SNMPv3 + 1][mib.InconsistentName + 1 + mib.Status(enginemib.Counters)]atomic.Uint64

	mu                 sync.Mutex
	clients, strangers clientList
}

// result is an index of accounts.results: an error-status, or a counter behind all of these.
type result int32

func refusedBy(c enginemib.Counter) result { return result(mib.InconsistentName) + 1 + result(c) }

func (r result) String() string {
	if r <= result(mib.InconsistentName) {
		return mib.Status(r).String()
	}
	return enginemib.Counter(r - result(mib.InconsistentName) - 1).String()
}

// isRefusal reports whether who asked is told nothing.
func (r result) isRefusal() bool {
	return r == result(mib.AuthorizationError) || r > result(mib.InconsistentName)
}

// isDiscovery reports whether a manager has it that does not know the engine yet, or no more.
func (r result) isDiscovery() bool {
	return r == refusedBy(enginemib.UnknownEngineIDs) || r == refusedBy(enginemib.NotInTimeWindows)
}

// add counts a message.
func (a *accounts) add(source netip.Addr, version Version, r result, now time.Time) {
	a.results[version][r].Add(1)
	key := clientKey{source, version}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.clients.of[key]
	if c == nil {
		list, most := &a.clients, maxClients
		if r.isRefusal() {
			list, most = &a.strangers, maxStrangers
		}
		c = list.get(key, most, now)
	}
	c.Last = now
	switch {
	case r.isDiscovery():
	case r.isRefusal():
		c.Refused++
		c.reason = r
	default:
		c.Answered++
	}
}

type clientKey struct {
	addr    netip.Addr
	version Version
}

// client is an account, with the reason of the last refusal.
type client struct {
	Client
	reason result
}

// clientList are clients, up to a number, and what all others did.
type clientList struct {
	of     map[clientKey]*client
	others client
	full   time.Time // until when no place can be given to another
}

// get returns the account of a client, which is that of all others where there is no place.
func (l *clientList) get(key clientKey, most int, now time.Time) *client {
	if c := l.of[key]; c != nil {
		return c
	}
	if len(l.of) >= most && !l.vacate(now) {
		return &l.others
	}
	if l.of == nil {
		l.of = make(map[clientKey]*client)
	}
	c := &client{Client: Client{Addr: key.addr, Version: key.version}}
	l.of[key] = c
	return c
}

// vacate makes a place where a client was silent for long, and reports whether there was one.
func (l *clientList) vacate(now time.Time) bool {
	if now.Before(l.full) {
		return false
	}
	var longest *client
	for _, c := range l.of {
		if longest == nil || c.Last.Before(longest.Last) {
			longest = c
		}
	}
	if until := longest.Last.Add(clientSilence); now.Before(until) {
		l.full = until
		return false
	}
	delete(l.of, clientKey{longest.Addr, longest.Version})
	return true
}

func (l *clientList) appendTo(all []Client) []Client {
	for _, c := range l.of {
		all = append(all, c.told())
	}
	if !l.others.Last.IsZero() {
		all = append(all, l.others.told())
	}
	return all
}

func (c *client) told() Client {
	told := c.Client
	if told.Refused > 0 {
		told.Reason = c.reason.String()
	}
	return told
}

// Clients returns who sent messages, by address and version: 256 whom the server answered, and 64 whom it never did. Of
// more than these it has one account for all others of a kind, with neither. A client keeps its place for an hour after its
// last message at least.
func (s *Server) Clients() []Client {
	a := &s.engine.accounts
	a.mu.Lock()
	all := a.strangers.appendTo(a.clients.appendTo(nil))
	a.mu.Unlock()
	slices.SortFunc(all, func(a, b Client) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Version, b.Version), cmp.Compare(b.Answered, a.Answered))
	})
	return all
}

// Results returns what became of the messages that were received, as far as there were any of a kind, by version. Messages
// that were not looked at (enginemib.Busy, NotUnicast, Refused) are not among them.
func (s *Server) Results() (all []Result) {
	for version := range s.engine.accounts.results {
		for r := range s.engine.accounts.results[version] {
			if n := s.engine.accounts.results[version][r].Load(); n > 0 {
				all = append(all, Result{Version(version), result(r).String(), n})
			}
		}
	}
	return all
}
