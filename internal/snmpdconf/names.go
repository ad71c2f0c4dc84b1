package snmpdconf

import (
	"context"
	"errors"
	"net/netip"
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

var errNotLookedUp = errors.New("it was not looked up")

// addresses returns those of a host, at least one; network is ip4 or ip6. Before
// lookup it takes the name down.
func (n *names) addresses(host, network string) ([]netip.Addr, error) {
	name := hostName{host, network}
	a, ok := n.all[name]
	if !ok {
		a = &addresses{err: errNotLookedUp}
		if n.all == nil {
			n.all = map[hostName]*addresses{}
		}
		n.all[name] = a
	}
	return a.known, a.err
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
