// Package readings is what is read of one stack when somebody asks, for all who show it: the tables of an SNMP agent
// and metrics alike. Each part of the stack is a [fresh.Source].
package readings

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Options say how a stack is read.
type Options struct {
	// Observe returns who sees each socket of a protocol go by in a reading, where SocketsObserved is asked for. It is
	// called as the reading begins. Nil means that nobody does.
	Observe func(p netstat.Protocol) Observer
	// InterfacesRead, CountersRead and SoftnetRead are told of each reading that succeeds, and when it began, before who
	// asked has it. Readings of one stack's interfaces are told one after the other, and so are those of its counters
	// and of its softnet. Who is told neither changes nor keeps the rows. Nil means that nobody is told.
	InterfacesRead func(began time.Time, rows []netstat.Interface)
	CountersRead   func(began time.Time, counters []netstat.Counter)
	SoftnetRead    func(began time.Time, all Softnet)
	// Log takes what is worth knowing. Nil means slog.Default.
	Log *slog.Logger
}

// Observer sees sockets go by.
type Observer interface {
	// Observe takes a socket with ObservedDetails, which is valid until it returns. Its processes are
	// as of some earlier look at them: those of a socket that was opened since are unknown.
	Observe(s *netstat.Socket)
}

// Stack is what is read of a stack. Use New: the zero value has no sources.
type Stack struct {
	stack netstat.Stack
	live  *live.Stack // nil when the stack is another
	log   *slog.Logger

	// Interfaces are the interfaces with their counters.
	Interfaces *fresh.Source[Interfaces]
	// TCP and UDP are sockets, whose usual part is SocketRows.
	TCP, UDP *fresh.Source[Sockets]
	// TCPStatistics and UDPStatistics are of the protocols.
	TCPStatistics *fresh.Source[netstat.TCPStatistics]
	UDPStatistics *fresh.Source[netstat.UDPStatistics]
	// Routes are the routes that packets are forwarded by.
	Routes *fresh.Source[[]netstat.Route]
	// Addresses are those of all interfaces.
	Addresses *fresh.Source[[]netstat.Address]
	// Neighbours are those of all interfaces.
	Neighbours *fresh.Source[[]netstat.Neighbour]
	// Counters are all that the stack keeps of its protocols. Those that the source has in 32 bits are followed from
	// reading to reading, and have 64.
	Counters *fresh.Source[[]netstat.Counter]
	// Softnet is what processors did with received packets.
	Softnet *fresh.Source[Softnet]
	// FlowUsage is how full the tables of connection tracking are.
	FlowUsage *fresh.Source[netstat.FlowUsage]
	// RootQdiscs are the queueing disciplines at the roots, which count what those below do.
	RootQdiscs *fresh.Source[[]netstat.Qdisc]

	options Options
	owners  *fresh.Source[*netstat.SocketOwners]
	// unknownOwners says once that processes are hidden.
	unknownOwners sync.Once
	// unknown are the kinds of rows of which the log says that some values are unknown.
	unknown sync.Map
	// narrow follows counters by name, and softnet processors; each of the one goroutine that reads them.
	narrow  map[string]*wide
	softnet map[uint32]*softnetOf
	// unicasts is what was told of each interface; of the one goroutine that reads them.
	unicasts map[uint32]unicasts
}

// New returns the readings of a stack. Of a *live.Stack that tracks a kind, what is of that kind is
// read anew once it has changed.
func New(stack netstat.Stack, o Options) *Stack {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Stack{stack: stack, log: o.Log, options: o, TCPStatistics: fresh.New(stack.TCPStatistics), UDPStatistics: fresh.New(stack.UDPStatistics)}
	s.live, _ = stack.(*live.Stack)
	s.Interfaces = fresh.New(s.readInterfaces)
	Follow(s, s.Interfaces, netstat.KindInterface)
	s.owners = fresh.New(s.readOwners)
	s.TCP, s.UDP = s.sockets(netstat.TCP), s.sockets(netstat.UDP)
	var routes int
	s.Routes = fresh.New(func(ctx context.Context) ([]netstat.Route, error) {
		return Insist(s.log, "routes", func() ([]netstat.Route, error) {
			rows, err := Collect(stack.Routes(ctx, netstat.RouteQuery{ForwardingOnly: true}), routes)
			routes = len(rows)
			return rows, err
		})
	})
	s.Addresses = fresh.New(func(ctx context.Context) ([]netstat.Address, error) {
		return Insist(s.log, "addresses", func() ([]netstat.Address, error) {
			rows, err := Collect(stack.Addresses(ctx), 0)
			return rows, s.whole("addresses", err)
		})
	})
	Follow(s, s.Addresses, netstat.KindAddress)
	s.Neighbours = fresh.New(func(ctx context.Context) ([]netstat.Neighbour, error) {
		reader, ok := stack.(netstat.NeighbourReader)
		if !ok {
			return nil, fmt.Errorf("%w: neighbours", netstat.ErrNotSupported)
		}
		return Insist(s.log, "neighbours", func() ([]netstat.Neighbour, error) { return Collect(reader.Neighbours(ctx), 0) })
	})
	Follow(s, s.Neighbours, netstat.KindNeighbour)
	s.Counters = fresh.New(s.readCounters)
	s.Softnet = fresh.New(s.readSoftnet)
	s.FlowUsage = fresh.New(s.readFlowUsage)
	s.RootQdiscs = fresh.New(s.readRootQdiscs)
	return s
}

// Stack returns what is read.
func (s *Stack) Stack() netstat.Stack { return s.stack }

// Live returns the stack where it is a live one, and nil otherwise.
func (s *Stack) Live() *live.Stack { return s.live }

// Tracks reports whether the stack is live and keeps a kind.
func (s *Stack) Tracks(kind netstat.Kinds) bool { return s.live != nil && s.live.Kinds().Has(kind) }

// Follow has a source read anew when a kind changes, where the stack tells. It is called before the source is in use.
func Follow[T any](s *Stack, source *fresh.Source[T], kind netstat.Kinds) {
	if s.Tracks(kind) {
		source.ChangesWith(func() uint64 { return s.live.Recent().Version(kind) })
	}
}

// attempts is how often something is read that changes while it is read.
const attempts = 3

// Insist reads again what changed while it was read (netstat.ErrInterrupted). What never stands still is
// given as it was found: the next reading will have what this one missed. Other errors are those of read.
func Insist[T any](log *slog.Logger, what string, read func() ([]T, error)) (rows []T, err error) {
	for range attempts {
		if rows, err = read(); !errors.Is(err, netstat.ErrInterrupted) {
			return rows, err
		}
	}
	log.Debug(what+" changed during each of several readings", "attempts", attempts)
	return rows, nil
}

// whole takes an error that says of no row that it is missing for none: the log has it once.
func (s *Stack) whole(what string, err error) error {
	if err == nil || !netstat.IsComplete(err) {
		return err
	}
	if _, said := s.unknown.LoadOrStore(what, nil); !said {
		s.log.Warn("some values are unknown", "of", what, "error", err)
	}
	return nil
}

// Collect gathers a sequence, of about size rows, and gives back what came
// before an error with the error. What goes beyond size is gathered in pieces,
// so that a large table is copied once and not at every doubling.
func Collect[T any](seq iter.Seq2[T, error], size int) (rows []T, err error) {
	const least, piece = 32, 1024
	var full [][]T
	rows = make([]T, 0, max(size+size/64, least))
	for row, err := range seq {
		if err != nil {
			return slices.Concat(append(full, rows)...), err
		}
		if len(rows) == cap(rows) {
			full, rows = append(full, rows), make([]T, 0, piece)
		}
		rows = append(rows, row)
	}
	if len(full) == 0 {
		return rows, nil
	}
	return slices.Concat(append(full, rows)...), nil
}
