package snmpdconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// names are the hosts that a file names, with their addresses once these were
// looked up.
type names struct {
	all map[hostName]*addresses
	// lookUp is net.Resolver's LookupNetIP.
	lookUp func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

type hostName struct{ host, network string }

type addresses struct {
	known []netip.Addr
	err   error
}

const (
	// lookupTimeout bounds the looking up of all names together.
	lookupTimeout = 5 * time.Second
	// lookupsAtATime is how many are looked up at the same time.
	lookupsAtATime = 64
)

var (
	errNotLookedUp = errors.New("it was not looked up")
	errNoHost      = errors.New("the source is neither a network nor the name of a host")
)

// notFoundError is of a name that the resolver does not know, or not now.
type notFoundError struct {
	host string
	err  error
}

func (e *notFoundError) Error() string {
	text := e.err.Error()
	if dns := (*net.DNSError)(nil); errors.As(e.err, &dns) {
		text = dns.Err // without the server
	}
	return fmt.Sprintf("host %q is not found (%s)", shorten(e.host), text)
}

func (e *notFoundError) Unwrap() error { return e.err }

// isHost reports whether a word can be a host's name (RFC 1123, section 2.1; names with _ are in use): any other
// word is not asked for, as it may be a secret.
func isHost(word string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(word, "."), ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return len(word) <= 254
}

// addresses returns those of a host, at least one; network is ip4 or ip6. Before
// lookup it takes the name down.
func (n *names) addresses(host, network string) ([]netip.Addr, error) {
	if !isHost(host) {
		return nil, errNoHost
	}
	name := hostName{host, network}
	a, ok := n.all[name]
	if !ok {
		a = &addresses{err: errNotLookedUp}
		if n.all == nil {
			n.all = map[hostName]*addresses{}
		}
		n.all[name] = a
	}
	if a.err != nil {
		return nil, &notFoundError{host, a.err}
	}
	return a.known, nil
}

// lacks reports whether a name has no addresses.
func (n *names) lacks() bool {
	for _, a := range n.all {
		if a.err != nil {
			return true
		}
	}
	return false
}

// again looks up those that were not found, and reports whether any of them is found now.
func (n *names) again(ctx context.Context) bool {
	missing := names{all: map[hostName]*addresses{}, lookUp: n.lookUp}
	for name, a := range n.all {
		if a.err != nil {
			missing.all[name] = &addresses{}
		}
	}
	missing.lookup(ctx)
	found := false
	for name, a := range missing.all {
		if a.err == nil {
			n.all[name], found = a, true
		}
	}
	return found
}

// lookup looks up all names at the same time.
func (n *names) lookup(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	places := make(chan struct{}, lookupsAtATime)
	var running sync.WaitGroup
	for name, a := range n.all {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			a.known, a.err = n.lookUp(ctx, name.network, name.host)
			for i := range a.known {
				a.known[i] = a.known[i].Unmap()
			}
		})
	}
	running.Wait()
}
