package collectors

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// joiningOptions joins what sock_diag(7) and other sources tell of sockets' options.
type joiningOptions struct {
	kernel    *Kernel
	protocols []netstat.Protocol
	families  map[netstat.Protocol][]netstat.Family
	bound     bool // whether sockets that only have a port are asked for
	// tables are those of each protocol, in the order of the sources.
	tables map[netstat.Protocol][]netstat.SocketOptionTable
	// missing is why the sources did not tell everything, and unknown whether there was a
	// socket that none of them told of.
	missing error
	unknown bool
	joined  map[[2]*netstat.SocketOptions]*netstat.SocketOptions
}

func (k *Kernel) newJoiningOptions(bound bool) *joiningOptions {
	return &joiningOptions{
		kernel: k, bound: bound, families: make(map[netstat.Protocol][]netstat.Family),
		joined: make(map[[2]*netstat.SocketOptions]*netstat.SocketOptions),
	}
}

// ask has sockets of a protocol over those families asked for.
func (j *joiningOptions) ask(p netstat.Protocol, families ...netstat.Family) {
	j.protocols = append(j.protocols, p)
	j.families[p] = families
}

// optionsOf returns an enricher, nil when nobody asked for options, or the kernel has no
// other sources.
func (k *Kernel) optionsOf(q *netstat.SocketQuery) *joiningOptions {
	if !q.Details.Has(netstat.DetailSocketOptions) || len(k.optionSources) == 0 {
		return nil
	}
	asked := q.Protocols
	if len(asked) == 0 {
		asked = everyProtocol[:]
	}
	families, _ := k.families(q.Families)
	j := k.newJoiningOptions(q.States != 0 && q.States.Has(netstat.Bound))
	for _, p := range asked {
		if p == netstat.TCP || p == netstat.UDP {
			j.ask(p, families...)
		}
	}
	return j
}

// read asks the sources, all on one thread in the namespace.
func (j *joiningOptions) read(ctx context.Context) error {
	j.tables = make(map[netstat.Protocol][]netstat.SocketOptionTable)
	j.missing = nil
	clear(j.joined)
	return j.kernel.inside(func() error {
		for _, p := range j.protocols {
			q := netstat.SocketOptionQuery{Protocol: p, Bound: j.bound, Settings: make(map[netstat.Family]*netstat.SocketOptions)}
			for _, f := range j.families[p] {
				o, err := socketSettings(p, f)
				if err != nil {
					return err
				}
				q.Settings[f] = o
			}
			if err := j.readProtocol(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// readProtocol asks the sources one after the other until one has told everything. Their
// failing takes no row.
func (j *joiningOptions) readProtocol(ctx context.Context, q netstat.SocketOptionQuery) error {
	var missing error
	for _, source := range j.kernel.optionSources {
		table, err := source.ReadSocketOptions(ctx, q)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if table != nil {
			j.tables[q.Protocol] = append(j.tables[q.Protocol], table)
		}
		if err == nil {
			return nil
		}
		if missing == nil {
			missing = err // that of the best source
		}
	}
	j.missing = missing
	return nil
}

// err says which values are unknown, and why.
func (j *joiningOptions) err() error {
	if j == nil || j.missing == nil || !j.unknown {
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
	// What stands for a connection without a socket has no owner, and no options.
	if s.Detail == nil || s.Detail.Options == nil || !s.UID.IsKnown() {
		return true
	}
	return j.join(s.Protocol, s.Family, s.Cookie, &s.Detail.Options)
}

// join adds to the options of a socket what the sources tell, and returns whether one
// may still tell of it.
func (j *joiningOptions) join(protocol netstat.Protocol, family netstat.Family, cookie netstat.Optional[uint64], options **netstat.SocketOptions) bool {
	c, known := cookie.Get()
	if !known {
		return true
	}
	found := false
	for _, table := range j.tables[protocol] {
		other := table(c, family)
		if other == nil {
			continue
		}
		found = true
		// Details belong to the row alone, and options to all rows that have the same.
		pair := [2]*netstat.SocketOptions{*options, other}
		both := j.joined[pair]
		if both == nil {
			both = new(netstat.SocketOptions)
			*both = **options
			both.Join(other)
			if len(j.joined) >= mostSameOptions {
				clear(j.joined)
			}
			j.joined[pair] = both
		}
		*options = both
	}
	j.unknown = j.unknown || !found
	return found || len(j.tables[protocol]) == 0
}

// joiningUnixOptions is joiningOptions of sockets of the local family.
type joiningUnixOptions struct{ *joiningOptions }

func (j joiningUnixOptions) enrich(s *netstat.UnixSocket) bool {
	return j.join(local, netstat.Unix, s.Cookie, &s.Options)
}

// mostSameOptions bounds how many options are kept for other rows that have the same.
const mostSameOptions = 1 << 14

// sameOptions has options once that many rows have.
type sameOptions struct {
	of   map[netstat.SocketOptions]*netstat.SocketOptions
	last *netstat.SocketOptions
}

func (s *sameOptions) share(o *netstat.SocketOptions) (shared *netstat.SocketOptions) {
	// Rows that follow each other have the same, more often than not.
	if s.last != nil && *s.last == *o {
		return s.last
	}
	defer func() { s.last = shared }()
	if shared := s.of[*o]; shared != nil {
		return shared
	}
	if s.of == nil || len(s.of) >= mostSameOptions {
		s.of = make(map[netstat.SocketOptions]*netstat.SocketOptions)
	}
	shared = new(netstat.SocketOptions)
	*shared = *o
	s.of[*o] = shared
	return shared
}
