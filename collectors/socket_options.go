package collectors

import (
	"context"
	"errors"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketOptionSource tells the options of sockets that sock_diag(7) does not tell.
// Package sockopt has one for the privileged, and [Descriptors] is one.
type SocketOptionSource interface {
	// ReadSocketOptions reads the options of the TCP or UDP sockets of the network
	// namespace that the calling thread is in, and returns a function that looks for
	// those of a socket by its cookie (SO_COOKIE) and family: nil when it has none. What
	// it returns may be shared, and is not to be changed. fresh are the options of new
	// sockets there, by family. A function may come with an error that says what is
	// missing.
	ReadSocketOptions(ctx context.Context, protocol netstat.Protocol, fresh map[netstat.Family]*netstat.SocketOptions) (func(cookie uint64, family netstat.Family) *netstat.SocketOptions, error)
}

// joiningOptions joins what sock_diag(7) and other sources tell of a socket's options.
type joiningOptions struct {
	kernel    *Kernel
	protocols []netstat.Protocol
	// find are those of each protocol, in the order of the sources.
	find map[netstat.Protocol][]func(uint64, netstat.Family) *netstat.SocketOptions
	// missing is why the sources did not tell everything.
	missing error
	joined  map[[2]*netstat.SocketOptions]*netstat.SocketOptions
}

// newJoiningOptions returns an enricher, nil when nobody asked for options, or the
// kernel has no other sources.
func (k *Kernel) newJoiningOptions(q *netstat.SocketQuery) *joiningOptions {
	if !q.Details.Has(netstat.DetailSocketOptions) || len(k.optionSources) == 0 {
		return nil
	}
	j := &joiningOptions{kernel: k, joined: make(map[[2]*netstat.SocketOptions]*netstat.SocketOptions)}
	asked := q.Protocols
	if len(asked) == 0 {
		asked = everyProtocol[:]
	}
	for _, p := range asked {
		if p == netstat.TCP || p == netstat.UDP {
			j.protocols = append(j.protocols, p)
		}
	}
	return j
}

func (j *joiningOptions) read(ctx context.Context) error {
	j.find = make(map[netstat.Protocol][]func(uint64, netstat.Family) *netstat.SocketOptions)
	j.missing = nil
	clear(j.joined)
	families, _ := j.kernel.families(nil)
	for _, p := range j.protocols {
		fresh := make(map[netstat.Family]*netstat.SocketOptions)
		for _, f := range families {
			o, err := j.kernel.newSocketOptions(p, f)
			if err != nil {
				return err
			}
			fresh[f] = o
		}
		missing, err := j.readProtocol(ctx, p, fresh)
		if err != nil {
			return err
		}
		if missing != nil {
			j.missing = missing
		}
	}
	return nil
}

// readProtocol asks the sources one after the other until one has told everything. Their
// failing takes no row.
func (j *joiningOptions) readProtocol(ctx context.Context, p netstat.Protocol, fresh map[netstat.Family]*netstat.SocketOptions) (missing, err error) {
	var failed []error
	for _, source := range j.kernel.optionSources {
		var find func(uint64, netstat.Family) *netstat.SocketOptions
		err := j.kernel.inside(func() (err error) {
			find, err = source.ReadSocketOptions(ctx, p, fresh)
			return err
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if find != nil {
			j.find[p] = append(j.find[p], find)
		}
		if err == nil {
			return nil, nil
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...), nil
}

// err says which values are unknown, and why.
func (j *joiningOptions) err() error {
	if j == nil || j.missing == nil {
		return nil
	}
	return j.kernel.readError("read the options of sockets", &unknownOptionsError{j.missing})
}

// unknownOptionsError says that options of sockets are unknown, and why.
type unknownOptionsError struct{ cause error }

func (e *unknownOptionsError) Error() string {
	return netstat.ErrUnknownValues.Error() + ": " + e.cause.Error()
}
func (e *unknownOptionsError) Unwrap() error { return e.cause }

// Is reports whether all rows are there, which they are.
func (e *unknownOptionsError) Is(target error) bool {
	return target == netstat.ErrUnknownOptions || target == netstat.ErrUnknownValues
}

func (j *joiningOptions) enrich(s *netstat.Socket) bool {
	cookie, known := s.Cookie.Get()
	// What stands for a connection without a socket has no owner, and no options.
	if s.Detail == nil || s.Detail.Options == nil || !known || !s.UID.IsKnown() {
		return true
	}
	sources := j.find[s.Protocol]
	found := len(sources) == 0
	for _, find := range sources {
		other := find(cookie, s.Family)
		if other == nil {
			continue
		}
		found = true
		// Details belong to the row alone, and options to all rows that have the same.
		pair := [2]*netstat.SocketOptions{s.Detail.Options, other}
		both := j.joined[pair]
		if both == nil {
			both = new(netstat.SocketOptions)
			*both = *s.Detail.Options
			both.Join(other)
			if len(j.joined) >= mostSameOptions {
				clear(j.joined)
			}
			j.joined[pair] = both
		}
		s.Detail.Options = both
	}
	// Sockets that only have a port are not among those that iterators show.
	return found || s.State == netstat.Bound
}

// mostSameOptions bounds how many options are kept for other rows that have the same.
const mostSameOptions = 1 << 14

// sameOptions has options once that many rows have.
type sameOptions struct {
	of map[netstat.SocketOptions]*netstat.SocketOptions
}

func (s *sameOptions) share(o *netstat.SocketOptions) *netstat.SocketOptions {
	if shared := s.of[*o]; shared != nil {
		return shared
	}
	if s.of == nil || len(s.of) >= mostSameOptions {
		s.of = make(map[netstat.SocketOptions]*netstat.SocketOptions)
	}
	shared := new(netstat.SocketOptions)
	*shared = *o
	s.of[*o] = shared
	return shared
}
