package show

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

// metered is a stack whose sockets are measured.
type metered struct {
	meter *traffic.Meter
	ends  netstat.SocketEndListener // nil where nobody tells of ends
	done  chan struct{}             // closed when nothing listens any longer

	owning sparing // of who holds the sockets

	flows    *meteredFlows // of UDP; nil while none are read
	counting sparing       // of them
}

// sparing bounds the time that is spent on something to a twentieth.
type sparing struct {
	last time.Time
	rest time.Duration
}

func (l *sparing) isDue() bool { return l.last.IsZero() || time.Since(l.last) >= l.rest }

func (l *sparing) tookSince(began time.Time) {
	l.last = time.Now()
	l.rest = 19 * l.last.Sub(began)
}

// close stops listening.
func (m *metered) close() {
	if m.flows != nil {
		m.flows.close()
	}
	if m.ends != nil {
		_ = m.ends.Close() // nothing was written
		<-m.done
	}
}

// traffic returns what went through the connections of the query's stack until now. It is read
// once in a turn, with those details of each socket where none was read before. What is read
// before an error is returned with it.
func (q *query) traffic(ctx context.Context, details netstat.SocketDetails) (*traffic.Reading, error) {
	return q.sockets.read(q, q.newMetered,
		func(m *metered) (*traffic.Reading, error) { return m.read(ctx, q, details) })
}

// newMetered begins to measure the query's stack.
func (q *query) newMetered() *metered {
	m := new(metered)
	var o traffic.Options
	if from, ok := q.src.Stack.(netstat.SocketEndReader); ok && q.Interval > 0 {
		protocols := slices.DeleteFunc(q.trafficProtocols(), func(p netstat.Protocol) bool { return p != netstat.TCP && p != netstat.UDP })
		var err error
		if len(protocols) > 0 {
			m.ends, err = from.ListenSocketEnds(protocols...)
		}
		switch {
		case err != nil:
			q.lacks("ends of sockets", q.src, err, false)
		case m.ends != nil:
			o.Ends = protocols
		}
	}
	m.meter = traffic.New(o)
	if m.ends != nil {
		m.done = make(chan struct{})
		go m.listen(q.families())
	}
	return m
}

// listen takes what ends, at once: the kernel keeps little of it.
func (m *metered) listen(families []netstat.Family) {
	defer close(m.done)
	listen(func() error {
		return m.ends.Receive(func(s *netstat.Socket) error {
			if len(families) == 0 || slices.Contains(families, s.Family) {
				m.meter.End(s, time.Now())
			}
			return nil
		})
	}, m.meter.Gap)
}

// trafficProtocols are those whose sockets are measured.
func (q *query) trafficProtocols() (protocols []netstat.Protocol) {
	for _, p := range q.protocols(netstat.TCP, netstat.UDP) {
		protocols = append(protocols, p.Protocol)
	}
	return protocols
}

// trafficDetails are what is read of every socket.
const trafficDetails = netstat.DetailTCPInfo | netstat.DetailCongestionName | netstat.DetailCGroup

// trafficStates are all but of what nothing goes through: listeners, and what stands for a
// connection without a socket.
const trafficStates = netstat.StateSet(allStates) &^ (1<<netstat.Listen | 1<<netstat.TimeWait | 1<<netstat.SynReceived | 1<<netstat.NewSynReceived | 1<<netstat.Bound)

// read reads the sockets of the query's stack.
func (m *metered) read(ctx context.Context, q *query, details netstat.SocketDetails) (*traffic.Reading, error) {
	m.meter.KeepDetails(details != 0)
	m.meter.Begin(q.src.now())
	var missing []error
	complete := true
	for _, p := range q.protocols(netstat.TCP, netstat.UDP) {
		ask := netstat.SocketQuery{Protocols: []netstat.Protocol{p.Protocol}, Families: q.families(), Details: trafficDetails | details, PassingDetails: details == 0}
		if hasStates(p.Protocol) {
			ask.States = trafficStates
		} else {
			ask.Details |= netstat.DetailMemory // which has what was dropped
		}
		for v, err := range q.src.Stack.Sockets(ctx, ask) {
			if err != nil {
				// Of a protocol that is not there nothing is missed.
				complete = complete && (netstat.IsComplete(err) || errors.Is(err, netstat.ErrNotSupported))
				if !slices.ContainsFunc(missing, func(said error) bool { return said.Error() == err.Error() }) {
					missing = append(missing, err)
				}
				break
			}
			m.meter.Add(&v, q.src.now())
		}
	}
	missing = append(missing, m.own(ctx, q), m.countDatagrams(ctx, q))
	reading := m.meter.Finish(q.src.now(), complete)
	if reading.Gap {
		q.note("(Sockets ended faster than they could be read: some are missing, and sums are at least what is shown.)")
	}
	return reading, errors.Join(missing...)
}

// own looks for the processes of new connections.
func (m *metered) own(ctx context.Context, q *query) error {
	if _, ok := q.src.Stack.(netstat.SocketOwnerReader); !ok || !m.owning.isDue() || !m.meter.Unowned() {
		return nil
	}
	began := time.Now()
	owners := q.owners // which another table of this turn looked for
	if owners == nil {
		processes := true
		if err := q.shareOwners(ctx, q.src, &processes, &owners); err != nil || owners == nil {
			return err
		}
	}
	m.meter.Own(owners.Of)
	m.owning.tookSince(began)
	return nil
}

// countDatagrams gives sockets of UDP what connection tracking counted of them, where it counts
// and may be read.
func (m *metered) countDatagrams(ctx context.Context, q *query) error {
	stack, ok := q.src.Stack.(interface {
		netstat.FlowReader
		netstat.FlowStatisticsReader
	})
	if !ok || !slices.Contains(q.trafficProtocols(), netstat.UDP) {
		return nil
	}
	if !m.counting.isDue() {
		if m.flows != nil {
			m.meter.DatagramsLater()
		}
		return nil
	}
	began := time.Now()
	defer m.counting.tookSince(began)
	if m.flows == nil {
		usage, err := stack.FlowUsage(ctx)
		if !usage.Accounting.Or(false) {
			return unlessClosed(err)
		}
		m.flows = q.newMeteredFlows(netstat.Known(netstat.IPProtocolUDP))
	}
	local, err := netstat.ReadLocalAddresses(ctx, q.src.Stack)
	if err != nil {
		return err
	}
	reading, err := m.flows.read(ctx, q)
	m.meter.Datagrams(reading, local)
	return unlessClosed(err)
}

// unlessClosed returns no error where there is nothing to be read, or it is for others.
func unlessClosed(err error) error {
	if errors.Is(err, netstat.ErrNotSupported) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
