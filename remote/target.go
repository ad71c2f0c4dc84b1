package remote

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// target is where a host is asked. A name may have several addresses, and over UDP only silence says that
// the agent does not listen at one: they are tried in turn until one answers.
type target struct {
	endpoint
	mu        sync.Mutex
	addresses []netip.Addr // of a name; nil before they are looked up
	turns     int          // how often another one was turned to
}

// dialled returns the host that is dialled. A name's addresses are looked up until a deadline, but over TCP: there
// net.Dial tries all of them.
func (t *target) dialled(ctx context.Context, deadline time.Time) (string, error) {
	if _, err := netip.ParseAddr(t.host); err == nil || t.isStream() {
		return t.host, nil
	}
	address, err := t.lookUp(ctx, deadline)
	return address.String(), err
}

// lookUp returns the address of a name that is asked.
func (t *target) lookUp(ctx context.Context, deadline time.Time) (netip.Addr, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.addresses == nil {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		found, err := net.DefaultResolver.LookupNetIP(ctx, t.family, t.host)
		if err != nil {
			return netip.Addr{}, err
		}
		for i := range found {
			found[i] = found[i].Unmap()
		}
		if t.ipv4First {
			slices.SortStableFunc(found, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
		}
		t.addresses = slices.Compact(found)
	}
	return t.addresses[t.turns%len(t.addresses)], nil
}

// turn goes on to another address where there is one. untried says that nobody was asked there yet.
func (t *target) turn() (turned, untried bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.addresses) < 2 {
		return false, false
	}
	t.turns++
	return true, t.turns < len(t.addresses)
}
