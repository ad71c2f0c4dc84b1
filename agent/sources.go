package agent

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sources is what the modules' tables are answered from: one for each thing
// that is read as a whole, shared by all the tables that show it.
type sources struct {
	stack     netstat.Stack
	live      *live.Stack // nil when the stack is another
	log       *slog.Logger
	config    Config
	resources []snmpv2mib.Resource
	serial    *mib.TestAndIncr // snmpSetSerialNo
	targets   *mib.TestAndIncr // snmpTargetSpinLock
	keys      *mib.TestAndIncr // usmUserSpinLock
	// addressLock is ipAddressSpinLock.
	addressLock *mib.TestAndIncr
	views       *mib.TestAndIncr // vacmViewSpinLock
	// unknownOwners says once that processes are hidden.
	unknownOwners sync.Once

	tcpStatistics *fresh.Source[netstat.TCPStatistics]
	udpStatistics *fresh.Source[netstat.UDPStatistics]
	tcpSockets    *fresh.Source[[]netstat.Socket]
	udpSockets    *fresh.Source[[]netstat.Socket]
	routes        *fresh.Source[[]netstat.Route]
	links         *fresh.Source[links]
	addresses     *fresh.Source[[]netstat.Address]
	neighbours    *fresh.Source[[]netstat.Neighbour]
	counts        *fresh.Source[ipmib.Counts]
	settings      *fresh.Source[ipmib.Settings]

	ipInterfaces        *fresh.Source[ipInterfaces]
	interfaceStatistics *fresh.Source[[]ipmib.InterfaceStatistics]
	defaultRouters      *fresh.Source[[]netstat.Route]
	// ipUpdated is when the settings of an interface last changed, and ipRows are
	// those of IPv6 by index; of the one goroutine that reads ipInterfaces.
	ipUpdated lastDate
	ipRows    map[uint32]netstat.IPInterface
	// unicasts is what was told of each interface; of the one goroutine that reads
	// links.
	unicasts map[uint32]unicasts
}

// unicasts is the packets of an interface that are neither multicasts nor broadcasts.
type unicasts struct {
	since         time.Time // of the counters
	in, out       uint64
	inAll, outAll uint64
}

// links is the interfaces and what is known of their changes.
type links struct {
	interfaces []netstat.Interface
	summary    ifmib.Summary
}

// attempts is how often something is read that changes while it is read.
const attempts = 3

func newSources(c Config) *sources {
	s := &sources{
		stack: c.Stack, log: c.Log, config: c,
		serial: mib.NewTestAndIncr(), targets: mib.NewTestAndIncr(), keys: mib.NewTestAndIncr(), addressLock: mib.NewTestAndIncr(), views: mib.NewTestAndIncr(),
	}
	s.live, _ = c.Stack.(*live.Stack)
	s.tcpStatistics = fresh.New(c.Stack.TCPStatistics)
	s.udpStatistics = fresh.New(c.Stack.UDPStatistics)
	s.tcpSockets = s.sockets(netstat.TCP)
	s.udpSockets = s.sockets(netstat.UDP)
	var routes int
	s.routes = fresh.New(func(ctx context.Context) ([]netstat.Route, error) {
		return insist(s.log, "routes", func() ([]netstat.Route, error) {
			rows, err := collect(c.Stack.Routes(ctx, netstat.RouteQuery{ForwardingOnly: true}), routes)
			routes = len(rows)
			return rows, err
		})
	})
	s.links = fresh.New(s.readLinks)
	follow(s, s.links, netstat.KindInterface)
	s.addresses, s.neighbours = s.addressSource(), s.neighbourSource()
	s.counts, s.settings = fresh.New(s.ipCounters), fresh.New(s.ipSettings)
	s.ipInterfaces, s.interfaceStatistics = fresh.New(s.readIPInterfaces), fresh.New(s.readInterfaceStatistics)
	follow(s, s.ipInterfaces, netstat.KindNetconf)
	follow(s, s.interfaceStatistics, netstat.KindNetconf)
	s.defaultRouters = fresh.New(s.readDefaultRouters)
	follow(s, s.defaultRouters, netstat.KindRoute)
	return s
}

// tracks reports whether the stack is live and keeps a kind.
func (s *sources) tracks(kind netstat.Kinds) bool { return s.live != nil && s.live.Kinds().Has(kind) }

// follow has a source read anew when a kind changes, where the stack tells.
func follow[T any](s *sources, source *fresh.Source[T], kind netstat.Kinds) {
	if s.tracks(kind) {
		source.ChangesWith(func() uint64 { return s.live.Recent().Version(kind) })
	}
}

// insist reads again what changed while it was read. What never stands still is
// shown as it was found: the next reading will have what this one missed.
func insist[T any](log *slog.Logger, what string, read func() ([]T, error)) (rows []T, err error) {
	for range attempts {
		if rows, err = read(); !errors.Is(err, netstat.ErrInterrupted) {
			return rows, err
		}
	}
	log.Debug(what+" changed during each of several readings", "attempts", attempts)
	return rows, nil
}

// readLinks reads the interfaces with their counters.
func (s *sources) readLinks(ctx context.Context) (links, error) {
	interfaces, err := collect(s.stack.Interfaces(ctx), 0)
	if err != nil {
		return links{}, err
	}
	s.linkTraps(interfaces)
	s.keepRising(interfaces)
	l := links{interfaces, ifmib.Summary{Number: netstat.Known(int32(len(interfaces)))}}
	if s.tracks(netstat.KindInterface) {
		view := s.live.Snapshot()
		l.summary.TableLastChange.Set(view.InterfacesChanged())
		l.summary.StackLastChange.Set(view.StackingChanged())
	}
	return l, nil
}

// keepRising keeps the unicasts of each interface, which are a difference, from
// falling: the kernel does not read packets and multicasts at one moment, and a
// counter never falls (RFC 2578, section 7.1.6). Packets that fell themselves began
// anew.
func (s *sources) keepRising(interfaces []netstat.Interface) {
	known := s.unicasts
	s.unicasts = make(map[uint32]unicasts, len(interfaces))
	for i := range interfaces {
		ifc := &interfaces[i]
		c := &ifc.Counters
		u := unicasts{since: ifc.CounterDiscontinuity}
		inOthers, outOthers := c.InMulticast.Or(0)+c.InBroadcast.Or(0), c.OutMulticast.Or(0)+c.OutBroadcast.Or(0)
		u.inAll, u.outAll = c.InPackets.Or(0), c.OutPackets.Or(0)
		u.in, u.out = u.inAll-min(u.inAll, inOthers), u.outAll-min(u.outAll, outOthers)
		if last, ok := known[ifc.Index]; ok && last.since.Equal(u.since) {
			if u.inAll >= last.inAll {
				u.in = max(u.in, last.in)
			}
			if u.outAll >= last.outAll {
				u.out = max(u.out, last.out)
			}
		}
		if c.InPackets.IsKnown() {
			c.InPackets.Set(u.in + inOthers)
		}
		if c.OutPackets.IsKnown() {
			c.OutPackets.Set(u.out + outOthers)
		}
		s.unicasts[ifc.Index] = u
	}
}

// sockets returns the sockets of a protocol with their processes, as far as these
// may be looked into; the log says once that some may not.
func (s *sources) sockets(p netstat.Protocol) *fresh.Source[[]netstat.Socket] {
	var size int
	return fresh.New(func(ctx context.Context) ([]netstat.Socket, error) {
		query := netstat.SocketQuery{Protocols: []netstat.Protocol{p}, Processes: true}
		if reader, ok := s.stack.(netstat.SocketOwnerReader); ok {
			owners, err := reader.SocketOwners(ctx)
			switch {
			case err == nil:
				query.Owners = owners
			case !errors.Is(err, netstat.ErrNotSupported):
				return nil, err
			}
		}
		rows, err := collect(s.stack.Sockets(ctx, query), size)
		size = len(rows)
		if query.Owners != nil && !query.Owners.Complete() && slices.ContainsFunc(rows, func(r netstat.Socket) bool {
			return r.Inode.Or(0) != 0 && !r.Processes.IsKnown()
		}) {
			s.unknownOwners.Do(func() {
				const most = 4
				s.log.Info("the processes of some sockets are unknown: some may not be looked into; other users' need CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
					"hidden", query.Owners.Hidden, "PIDs", query.Owners.HiddenPIDs[:min(len(query.Owners.HiddenPIDs), most)])
			})
		}
		return rows, err
	})
}

// collect gathers a sequence, of about size rows, and gives back what came
// before an error with the error. What goes beyond size is gathered in pieces,
// so that a large table is copied once and not at every doubling.
func collect[T any](seq iter.Seq2[T, error], size int) (rows []T, err error) {
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

func (s *sources) system() snmpv2mib.System {
	system := s.config.System()
	system.Started, system.Now = s.config.Epoch(), time.Now()
	return system
}

func (s *sources) engine() enginemib.Engine { return s.config.Engine() }

// resourceRows are the modules of the agent, which stay what they are.
func (s *sources) resourceRows() *fresh.Source[[]snmpv2mib.Resource] {
	return fresh.New(func(context.Context) ([]snmpv2mib.Resource, error) { return s.resources, nil })
}
