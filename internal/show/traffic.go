package show

import (
	"cmp"
	"context"
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

// connection is a row of Connections.
type connection struct{ *traffic.Connection }

// process returns the process that a connection is counted for: of several that hold it
// the one with the lowest PID, which opened it where others inherited it.
func (c connection) process() (netstat.Process, bool) {
	p, _ := c.Processes.Get()
	if len(p) == 0 {
		return netstat.Process{}, false
	}
	return p[0], true
}

// unit returns the systemd unit that a cgroup is of, or else the cgroup's path.
func unit(path string) string {
	for rest := path; rest != ""; {
		at := strings.LastIndexByte(rest, '/')
		switch name := rest[at+1:]; {
		case strings.HasSuffix(name, ".service"), strings.HasSuffix(name, ".scope"), strings.HasSuffix(name, ".socket"),
			strings.HasSuffix(name, ".mount"), strings.HasSuffix(name, ".swap"):
			return name
		}
		rest = rest[:max(at, 0)]
	}
	return path
}

// connectionKind is what programs can know of connections, and what must be read for it.
type connectionKind struct {
	*table.Kind[Row[connection]]
	detail []netstat.SocketDetails // by field
}

func newConnectionKind() *connectionKind {
	sockets := newSocketKind()
	k := &connectionKind{Kind: &table.Kind[Row[connection]]{
		Name: "connection", Doc: "a socket and what went through it since the program began to look; one that ended is told of once",
		Aliases: trafficAliases(),
	}}
	for alias, fields := range sockets.Aliases {
		k.Aliases[alias] = fields
	}
	delete(k.Aliases, "process") // a field of its own
	own, known := connectionFields(), pathValues()
	add := func(detail netstat.SocketDetails, fields ...table.Field[Row[connection]]) {
		for _, f := range fields {
			k.Fields, k.detail = append(k.Fields, f), append(k.detail, detail)
		}
	}
	for i, f := range sockets.Fields {
		detail := sockets.detail[i]
		switch value := known[f.Name]; {
		case detail == netstat.DetailSocketOptions, f.Name == "netns", f.Name == "host", f.Name == "time":
			continue
		case value != nil:
			f.Doc = strings.TrimSuffix(f.Doc, "; with `-p`")
			add(0, table.Field[Row[connection]]{Name: f.Name, Type: f.Type, Doc: f.Doc, Value: func(r *Row[connection]) table.Value { return value(r.v) }})
		default:
			add(detail, ofSocket(f))
		}
		if f.Name == "processes" {
			add(0, own...)
		}
	}
	add(0, whereFields[connection]()...)
	return k
}

// filtered returns the details that a filter looks at; nil is none.
func (k *connectionKind) filtered(expr *filter.Expr) (needed netstat.SocketDetails) {
	if expr != nil {
		expr.Walk(func(e *filter.Expr) {
			for _, f := range e.Fields {
				needed |= k.detail[f]
			}
		})
	}
	return needed
}

// sorted returns the details that an order looks at.
func (k *connectionKind) sorted(order string) (needed netstat.SocketDetails) {
	for name := range strings.SplitSeq(order, ",") {
		for _, f := range k.Find(strings.TrimPrefix(strings.TrimSpace(name), "-")) {
			needed |= k.detail[f]
		}
	}
	return needed
}

// wanted returns the details that a sheet is to have.
func (k *connectionKind) wanted(s *Session, w *Wants) netstat.SocketDetails {
	if w.All {
		return netstat.AllDetails
	}
	needed := k.sorted(w.Sort)
	for _, text := range w.Filters {
		if expr, err := filter.Parse(text, filter.Fields(k.Kind), s.filterNames()); err == nil {
			needed |= k.filtered(expr)
		}
	}
	return needed
}

// needs returns the details that are looked at, and what is shown has.
func (k *connectionKind) needs(q *query) netstat.SocketDetails {
	needed := k.filtered(q.expr) | k.sorted(q.Sort) | k.wanted(q.Session, &q.wants)
	if q.JSON {
		needed |= netstat.DetailTCPInfo
	}
	if q.Extend > 1 {
		needed |= netstat.AllDetails
	}
	if q.Buffers {
		needed |= netstat.DetailMemory
	}
	return needed
}

// socketRows are rows in which fields of sockets are looked up.
var socketRows = sync.Pool{New: func() any { return new(Row[netstat.Socket]) }}

// ofSocket makes a field of sockets one of connections.
func ofSocket(f table.Field[Row[netstat.Socket]]) table.Field[Row[connection]] {
	return table.Field[Row[connection]]{
		Name: f.Name, Type: f.Type, Words: f.Words, Synonyms: f.Synonyms, Doc: f.Doc, Within: f.Within,
		Value: func(r *Row[connection]) table.Value {
			s := socketRows.Get().(*Row[netstat.Socket])
			s.from, s.v = r.from, r.v.Socket
			v := f.Value(s)
			socketRows.Put(s)
			return v
		},
	}
}

// socketColumn makes a column of sockets one of connections.
func socketColumn(c table.Column[Row[netstat.Socket]]) table.Column[Row[connection]] {
	inRow := func(r *Row[connection]) *Row[netstat.Socket] {
		s := socketRows.Get().(*Row[netstat.Socket])
		s.from, s.v = r.from, r.v.Socket
		return s
	}
	of := table.Column[Row[connection]]{Heading: c.Heading, Width: c.Width, Right: c.Right, Append: func(b []byte, r *Row[connection]) []byte {
		s := inRow(r)
		defer socketRows.Put(s)
		return c.Append(b, s)
	}}
	if c.Colour != nil {
		of.Colour = func(r *Row[connection]) table.Colour {
			s := inRow(r)
			defer socketRows.Put(s)
			return c.Colour(s)
		}
	}
	return of
}

// pathValues are the values of fields of sockets that a connection has without its details,
// which are dear to keep.
func pathValues() map[string]func(connection) table.Value {
	path := func(get func(*traffic.Path) table.Value) func(connection) table.Value {
		return func(c connection) table.Value {
			if c.Path == nil {
				return table.Value{}
			}
			return get(c.Path)
		}
	}
	measured := func(get func(*traffic.Path) time.Duration) func(connection) table.Value {
		return path(func(p *traffic.Path) table.Value { return ifSet(get(p) != 0, table.Seconds(get(p))) })
	}
	number := func(get func(*traffic.Path) uint32) func(connection) table.Value {
		return path(func(p *traffic.Path) table.Value { return table.Uint(get(p)) })
	}
	newer := func(get func(*traffic.Path) netstat.Optional[uint32]) func(connection) table.Value {
		return path(func(p *traffic.Path) table.Value { return uintValue(get(p)) })
	}
	return map[string]func(connection) table.Value{
		"processes":         func(c connection) table.Value { return processesValue(c.Processes) },
		"cgroup":            func(c connection) table.Value { return table.Text(c.CGroup.Path) },
		"cgroupID":          func(c connection) table.Value { return table.NonZero(c.CGroup.ID) },
		"drops":             func(c connection) table.Value { return uintValue(c.Drops) },
		"rtt":               measured(func(p *traffic.Path) time.Duration { return p.RTT }),
		"rttVariation":      measured(func(p *traffic.Path) time.Duration { return p.RTTVariation }),
		"minRTT":            measured(func(p *traffic.Path) time.Duration { return p.MinRTT }),
		"congestionWindow":  number(func(p *traffic.Path) uint32 { return p.CongestionWindow }),
		"sendMSS":           number(func(p *traffic.Path) uint32 { return p.SendMSS }),
		"lost":              number(func(p *traffic.Path) uint32 { return p.Lost }),
		"totalRetransmits":  number(func(p *traffic.Path) uint32 { return p.TotalRetransmits }),
		"outOfOrder":        newer(func(p *traffic.Path) netstat.Optional[uint32] { return p.OutOfOrder }),
		"sendWindow":        newer(func(p *traffic.Path) netstat.Optional[uint32] { return p.SendWindow }),
		"receiveWindow":     newer(func(p *traffic.Path) netstat.Optional[uint32] { return p.ReceiveWindow }),
		"deliveryRate":      path(func(p *traffic.Path) table.Value { return uintValue(p.DeliveryRate) }),
		"congestionControl": path(func(p *traffic.Path) table.Value { return table.Text(p.CongestionControl) }),
		"slowStartThreshold": path(func(p *traffic.Path) table.Value {
			return ifSet(p.SlowStartThreshold != netstat.InfiniteSlowStart, table.Uint(p.SlowStartThreshold))
		}),
	}
}

// perSecond is the value of a rate.
func perSecond(o netstat.Optional[float64]) table.Value {
	rate, known := o.Get()
	return ifSet(known, table.Float(float64(int64(rate*1000+0.5))/1000))
}

// connectionFields are those that sockets have not.
func connectionFields() []table.Field[Row[connection]] {
	field := fieldOf[connection]
	return []table.Field[Row[connection]]{
		field("sentBytes", table.Integer, "payload sent since the program began to look, in bytes; of UDP where connection tracking counts it", func(c *connection) table.Value { return uintValue(c.SentBytes) }),
		field("receivedBytes", table.Integer, "payload received since the program began to look, in bytes; of UDP where connection tracking counts it", func(c *connection) table.Value { return uintValue(c.ReceivedBytes) }),
		field("retransmittedBytes", table.Integer, "payload sent again, which `sentBytes` counts once", func(c *connection) table.Value { return uintValue(c.RetransmittedBytes) }),
		field("sentRate", table.Number, "bytes sent a second since the turn before", func(c *connection) table.Value { return perSecond(c.SentRate) }),
		field("receivedRate", table.Number, "bytes received a second since the turn before", func(c *connection) table.Value { return perSecond(c.ReceivedRate) }),
		field("dropRate", table.Number, "packets that the socket dropped a second since the turn before", func(c *connection) table.Value { return perSecond(c.DropRate) }),
		field("ended", table.Boolean, "true in the one row of a connection that has ended; absent otherwise", func(c *connection) table.Value { return ifSet(c.IsOver(), table.Bool(true)) }),
		field("endedAt", table.String, "when it ended, or that was noticed (RFC 3339)", func(c *connection) table.Value { return momentValue(c.Ended) }),
		field("atLeast", table.Boolean, "true where more went through than is told, since the last counters were not read; absent otherwise", func(c *connection) table.Value { return ifSet(c.AtLeast, table.Bool(true)) }),
		field("process", table.String, "PID and name of the process that it is counted for: of several that hold it the one with the lowest PID", func(c *connection) table.Value {
			p, known := c.process()
			if !known {
				return table.Value{}
			}
			return table.Text(strconv.Itoa(int(p.PID)) + "/" + p.Name)
		}),
		field("program", table.String, "that process's name", func(c *connection) table.Value {
			p, _ := c.process()
			return table.Text(p.Name)
		}),
		field("unit", table.String, "systemd unit of the control group, or the group's path where it is of none", func(c *connection) table.Value { return table.Text(unit(c.CGroup.Path)) }),
	}
}

// Connections is the table of sockets and what goes through them: from the second turn on
// how much in a second, and each connection that ended between two turns once.
func Connections() Table {
	k := newConnectionKind()
	return &kind[connection]{
		Kind:     k.Kind,
		title:    "Connections and their traffic",
		what:     "connections",
		identity: []string{"cookie", "protocol", "localAddress", "localPort", "remoteAddress", "remotePort"},
		orders:   map[string]string{"Local Address": "localAddress", "Foreign Address": "remoteAddress", "PID/Program name": "processes", "Drop/s": "dropRate", "CWnd": "congestionWindow", "Congestion": "congestionControl"},
		columns:  connectionColumns,
		read: func(ctx context.Context, q *query) iter.Seq2[connection, error] {
			return func(yield func(connection, error) bool) {
				reading, err := q.traffic(ctx, k.needs(q))
				if reading != nil {
					for c := range reading.All() {
						if !yield(connection{c}, nil) {
							return
						}
					}
				}
				if err != nil {
					yield(connection{}, err)
				}
			}
		},
		belongs: by(func(c *connection) uint32 { return c.Interface.Or(0) }),
		names:   func(c *connection) bool { return namesInterface(&c.Socket) },
		lookUp: func(s *Session, r *Row[connection]) {
			socket := Row[netstat.Socket]{from: r.from, v: r.v.Socket}
			lookUpSocket(s, &socket)
		},
		whole: true,
		// Without a cookie nothing joins one reading's connection with the next one's.
		over:   func(c *connection) (time.Time, bool) { return c.Ended, c.Cookie.IsKnown() },
		number: func(c *connection) uint64 { return c.Cookie.Or(0) },
		lacks:  func(s *Session, read, w *Wants) bool { return k.wanted(s, w)&^k.wanted(s, read) != 0 },
	}
}

func connectionColumns(s *Session) []table.Column[Row[connection]] {
	column := func(heading string, width int, cell func(b []byte, c *connection) []byte) table.Column[Row[connection]] {
		return columnOf(heading, width, true, cell)
	}
	bytes := func(heading string, get func(*connection) netstat.Optional[uint64]) table.Column[Row[connection]] {
		return column(heading, 8, func(b []byte, c *connection) []byte {
			n, known := get(c).Get()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, n)
		})
	}
	rate := func(heading string, get func(*connection) netstat.Optional[float64]) table.Column[Row[connection]] {
		return column(heading, 8, func(b []byte, c *connection) []byte { return s.appendRate(b, get(c)) })
	}
	columns := []table.Column[Row[connection]]{socketColumn(protocolColumn())}
	for _, c := range s.endpointColumns() {
		columns = append(columns, socketColumn(c))
	}
	state := columnOf("State", 11, false, func(b []byte, c *connection) []byte {
		if c.IsOver() {
			return append(b, "(ended)"...)
		}
		return append(b, stateName(&c.Socket)...)
	})
	state.Colour = func(r *Row[connection]) table.Colour {
		if r.v.IsOver() || r.v.State == netstat.Close && r.v.Protocol == netstat.TCP {
			return table.Dim
		}
		socket := Row[netstat.Socket]{from: r.from, v: r.v.Socket}
		return stateColour(&socket)
	}
	drops := column("Drop/s", 6, func(b []byte, c *connection) []byte {
		rate, known := c.DropRate.Get()
		if !known {
			return append(b, '-')
		}
		return s.appendCount(b, uint64(math.Round(rate)))
	})
	drops.Colour = func(r *Row[connection]) table.Colour {
		if r.v.DropRate.Or(0) > 0 {
			return table.Red
		}
		return table.Plain
	}
	columns = append(columns, state,
		rate("Tx/s", func(c *connection) netstat.Optional[float64] { return c.SentRate }),
		rate("Rx/s", func(c *connection) netstat.Optional[float64] { return c.ReceivedRate }),
		bytes("Sent", func(c *connection) netstat.Optional[uint64] { return c.SentBytes }),
		bytes("Received", func(c *connection) netstat.Optional[uint64] { return c.ReceivedBytes }),
		column("RTT", 7, func(b []byte, c *connection) []byte {
			if c.Path == nil || c.Path.RTT == 0 {
				return append(b, '-')
			}
			return appendMilliseconds(b, c.Path.RTT)
		}),
		column("Retrans", 7, func(b []byte, c *connection) []byte {
			if c.Path == nil {
				return append(b, '-')
			}
			return appendUint(b, c.Path.TotalRetransmits)
		}),
		drops,
		columnOf("PID/Program name", 20, false, func(b []byte, c *connection) []byte { return appendProcesses(b, c.Processes) }))
	if s.Extend > 0 {
		word := func(heading string, width int, get func(*connection) string) table.Column[Row[connection]] {
			return columnOf(heading, width, false, func(b []byte, c *connection) []byte {
				return table.AppendEscaped(b, cmp.Or(get(c), "-"))
			})
		}
		columns = append(columns,
			columnOf("User", 10, false, func(b []byte, c *connection) []byte { return s.appendUser(b, c.UID) }),
			word("Unit", 16, func(c *connection) string { return unit(c.CGroup.Path) }),
			column("CWnd", 5, func(b []byte, c *connection) []byte {
				if c.Path == nil {
					return append(b, '-')
				}
				return appendUint(b, c.Path.CongestionWindow)
			}),
			word("Congestion", 10, func(c *connection) string {
				if c.Path == nil {
					return ""
				}
				return c.Path.CongestionControl
			}))
	}
	return columns
}

// appendRate appends a number of bytes a second.
func (s *Session) appendRate(b []byte, o netstat.Optional[float64]) []byte {
	rate, known := o.Get()
	if !known {
		return append(b, '-')
	}
	return s.appendBytes(b, uint64(rate+0.5))
}
