// Package names finds the names of hosts, services and users for people to read,
// and never lets them wait: looking up is parallel, bounded in time as a whole,
// and what has no name by then is shown by its number.
package names

import (
	"context"
	"net"
	"net/netip"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say how names are found.
type Options struct {
	// Limit bounds the time that Wait waits, all calls together.
	Limit time.Duration
	// Parallel is how many lookups are under way at a time at most.
	Parallel int
	// LookupAddr finds a host's names, and LookupUser that of a user; nil stands
	// for the system's ways.
	LookupAddr func(ctx context.Context, addr string) ([]string, error)
	LookupUser func(uid uint32) (string, error)
}

// Resolver finds names and remembers them. Its methods may be called
// concurrently, but for Wait.
type Resolver struct {
	options  Options
	ctx      context.Context
	cancel   context.CancelFunc
	deadline time.Time // zero until something is waited for
	slots    chan struct{}

	mu      sync.Mutex
	hosts   map[netip.Addr]string // empty: under way, or none
	users   map[uint32]string
	running int
	idle    chan struct{} // closed when running becomes 0; nil when nobody waits
}

// New returns a Resolver. Close ends what it is at.
func New(options Options) *Resolver {
	if options.LookupAddr == nil {
		options.LookupAddr = net.DefaultResolver.LookupAddr
	}
	if options.LookupUser == nil {
		options.LookupUser = lookupUser
	}
	r := &Resolver{options: options, slots: make(chan struct{}, max(options.Parallel, 1)),
		hosts: make(map[netip.Addr]string), users: make(map[uint32]string)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Close ends the lookups that are under way.
func (r *Resolver) Close() { r.cancel() }

func lookupUser(uid uint32) (string, error) {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

// UserID returns the number of the user with a name.
func UserID(name string) (uid uint32, ok bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(n), err == nil
}

// StartHost begins to look for a host's name, if it is not known to be found or
// missing.
func (r *Resolver) StartHost(a netip.Addr) {
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		return
	}
	start(r, r.hosts, a, func() string {
		found, err := r.options.LookupAddr(r.ctx, a.Unmap().String())
		if err != nil || len(found) == 0 {
			return ""
		}
		return strings.TrimSuffix(found[0], ".")
	})
}

// StartUser begins to look for a user's name.
func (r *Resolver) StartUser(uid uint32) {
	start(r, r.users, uid, func() string {
		name, err := r.options.LookupUser(uid)
		if err != nil {
			return ""
		}
		return name
	})
}

func start[K comparable](r *Resolver, known map[K]string, key K, lookup func() string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, begun := known[key]; begun || r.expired() {
		return
	}
	known[key] = ""
	r.running++
	go func() {
		name := ""
		select {
		case r.slots <- struct{}{}:
			if r.ctx.Err() == nil { // a select of two that are ready takes either
				if found := lookup(); r.ctx.Err() == nil { // what comes too late may stand for some rows and not for others
					name = found
				}
			}
			<-r.slots
		case <-r.ctx.Done():
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		known[key] = name
		if r.running--; r.running == 0 && r.idle != nil {
			close(r.idle)
			r.idle = nil
		}
	}()
}

func (r *Resolver) expired() bool { return !r.deadline.IsZero() && !time.Now().Before(r.deadline) }

// Wait waits until what was begun is found or the time is over. Nothing is under way
// any more when it returns, but what does not heed its end: who looks at sockets next
// does not find those of lookups.
func (r *Resolver) Wait() {
	r.mu.Lock()
	if r.deadline.IsZero() && r.running > 0 {
		r.deadline = time.Now().Add(r.options.Limit)
	}
	left := time.Until(r.deadline)
	r.mu.Unlock()
	if r.waitIdle(left) {
		return
	}
	r.cancel()
	r.waitIdle(endLimit)
}

// endLimit bounds how long Wait waits for lookups that were told to end.
const endLimit = 200 * time.Millisecond

// waitIdle reports whether nothing is under way, and waits for that.
func (r *Resolver) waitIdle(limit time.Duration) bool {
	r.mu.Lock()
	if r.running == 0 {
		r.mu.Unlock()
		return true
	}
	idle := make(chan struct{})
	r.idle = idle
	r.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}

// Host returns a host's name, empty while there is none.
func (r *Resolver) Host(a netip.Addr) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hosts[a]
}

// User returns a user's name, empty while there is none.
func (r *Resolver) User(uid uint32) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.users[uid]
}
