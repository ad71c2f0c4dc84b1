package traffic

import (
	"net/netip"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Bounds of what is remembered of connections that ended. Their octets count whatever
// there is of them.
const (
	// MostEnded is how many connections that began and ended between two readings are
	// told of one by one.
	MostEnded = 1 << 16
	// MostPast is how many groups of connections that ended are kept apart, each of one
	// process, user, cgroup and remote address.
	MostPast = 1 << 16
)

// Options say what a Meter keeps.
type Options struct {
	// Ends are the protocols of which the ends of sockets are told to Meter.End. A socket
	// of another protocol ended when a reading lacks it.
	Ends []netstat.Protocol
}

// Meter measures what goes through the sockets of one stack. End and Gap may be called
// concurrently with everything; the other methods are for one goroutine.
type Meter struct {
	options   Options
	mostEnded int

	mu      sync.Mutex
	details bool              // are kept
	index   map[uint64]uint32 // of records, by cookie
	records []record
	free    []uint32
	next    uint32 // the record behind that of the socket that was added last

	// Of what ended since the reading before: those that no reading saw, by their cookies
	// too, and what is beyond MostEnded.
	ended   chunks[Connection]
	cookies map[uint64]struct{}
	beyond  Sum
	gaps    uint32 // in all
	told    uint32 // of those in readings

	// absent are those that were told to have ended since a reading lacked them and the
	// event may have been lost. It may come yet.
	absent map[uint64]struct{}

	turn     uint32    // number of the reading under way, from 1
	first    time.Time // when the first one began
	begun    time.Time // when it began
	before   time.Time // when the one before began
	complete bool      // some reading was: what is seen first began later
	since    time.Time // when that reading began

	datagramsMissed bool      // ends of flows were lost
	datagramsAsOf   time.Time // what the reading under way has of flows; zero for nothing
	datagramsLater  bool      // it has nothing, and a later one will
	awaiting        int       // as many sockets have ended and wait for a later one

	// Of the reading under way the sockets without a cookie, and whom those of the one before belonged to.
	uncookied []*Connection
	owners    map[uncookied]netstat.Optional[[]netstat.Process]

	reading *Reading
	past    past[group, Sum]
}

// uncookied is what a socket without a cookie is known again by, but for what went through it.
type uncookied struct {
	inode         uint32
	protocol      netstat.Protocol
	local, remote netip.AddrPort
}

func uncookiedOf(c *Connection) uncookied {
	return uncookied{c.Inode.Or(0), c.Protocol, c.Local, c.Remote}
}

// record is what is remembered of a socket from reading to reading.
type record struct {
	current *Connection // as of the last reading that saw it
	cookie  uint64
	used    bool
	looked  bool // for its owner
	last    last
	turn    uint32 // of that reading
	gaps    uint32 // as many had been then

	sent, received, retransmitted counter
	raw                           payload // the kernel's own counters

	// What counts for the rate in the turn: over how long, 0 for unknown, and how much.
	elapsed    time.Duration
	sentNow    uint64
	receiveNow uint64
	seen       moment

	datagrams *datagrams // nil while none is counted

	end *end // what was told of its end; nil while it is there
}

// moment is a time as the Meter remembers it of many sockets: how long after its first reading
// began.
type moment time.Duration

func (m *Meter) moment(at time.Time) moment { return moment(at.Sub(m.first)) }

// counter counts from a payload on.
type counter struct{ base, total uint64 }

// move takes the payload of a later moment and returns by how much it grew.
func (c *counter) move(payload uint64) (grew uint64) {
	was := c.total
	c.total = payload - c.base // modulo 2^64
	if int64(c.total) < 0 {    // a FIN was taken for payload
		c.total = 0
	}
	return c.total - min(was, c.total)
}

// restart goes on from the total where the kernel counts from 0 anew.
func (c *counter) restart() { c.base = -c.total }

// end is what was told of the end of a socket.
type end struct {
	socket  netstat.Socket
	at      time.Time
	payload payload
	known   bool
}

// New returns a Meter.
func New(o Options) *Meter {
	return &Meter{
		options: o, mostEnded: MostEnded, index: make(map[uint64]uint32), cookies: make(map[uint64]struct{}), absent: make(map[uint64]struct{}),
		past: newPast[group]((*Sum).Add),
	}
}

// KeepDetails says whether readings from the next one on keep Socket.Detail. At first they do
// not: a connection takes about half a kilobyte then.
func (m *Meter) KeepDetails(keep bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.details = keep
}

// Begin begins a reading of all sockets.
func (m *Meter) Begin(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	m.turn++
	if m.turn == 1 {
		m.first = at
	}
	m.before, m.begun = m.begun, at
	m.reading = &Reading{At: at, meter: m}
	if !m.before.IsZero() {
		m.reading.Elapsed = at.Sub(m.before)
	}
	clear(m.cookies)
	clear(m.owners)
	for _, c := range m.uncookied {
		if p, known := c.Processes.Get(); known && len(p) > 0 {
			if m.owners == nil {
				m.owners = make(map[uncookied]netstat.Optional[[]netstat.Process])
			}
			m.owners[uncookiedOf(c)] = c.Processes
		}
	}
	clear(m.uncookied)
	m.uncookied = m.uncookied[:0]
	m.datagramsAsOf, m.datagramsLater, m.awaiting = time.Time{}, false, 0
}

// Add takes a socket that the reading found at a moment. What stands for a connection that
// has no socket, in TIME-WAIT or before it is established, is passed over: nothing goes
// through it.
func (m *Meter) Add(s *netstat.Socket, at time.Time) {
	switch s.State {
	case netstat.TimeWait, netstat.SynReceived, netstat.NewSynReceived:
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	cookie, known := s.Cookie.Get()
	if !known {
		c := m.reading.seen.add()
		m.describe(c, s, nil)
		if p, known := c.Processes.Get(); !known || len(p) == 0 {
			c.Processes = m.owners[uncookiedOf(c)]
		}
		m.uncookied = append(m.uncookied, c)
		return
	}
	i, found := m.find(cookie)
	if !found {
		if _, over := m.cookies[cookie]; over {
			return // it ended before its row was read
		}
		i = m.open(cookie)
	}
	m.next = i + 1
	r := &m.records[i]
	if r.turn == m.turn && found {
		return // a dump may have a socket twice
	}
	c := m.reading.seen.add()
	if found {
		m.describe(c, s, r.current)
		c.DropRate = dropRate(r.current.Drops, c.Drops, time.Duration(m.moment(at)-r.seen))
	} else {
		m.describe(c, s, nil)
	}
	r.current, r.turn, r.gaps = c, m.turn, m.gaps
	if p, known := payloadOf(s); known {
		r.move(m, p, at, !found)
		r.last.look(s)
		r.tell(c)
		c.rate(r.sentNow, r.receiveNow, r.elapsed)
	}
	if r.datagrams != nil {
		r.datagrams.tell(c)
	}
	r.seen = m.moment(at)
}

// dropRate is how many packets a second were dropped, by a counter that may have wrapped around.
func dropRate(was, is netstat.Optional[uint32], elapsed time.Duration) (rate netstat.Optional[float64]) {
	before, known := was.Get()
	now, both := is.Get()
	if grew := int32(now - before); known && both && grew >= 0 && elapsed > 0 {
		rate.Set(float64(grew) / elapsed.Seconds())
	}
	return rate
}

// find returns the record of a socket. Readings mostly have sockets in the order of the reading before,
// in which their records were made.
func (m *Meter) find(cookie uint64) (i uint32, found bool) {
	if int(m.next) < len(m.records) {
		if r := &m.records[m.next]; r.used && r.cookie == cookie {
			return m.next, true
		}
	}
	i, found = m.index[cookie]
	return i, found
}

// open makes a record.
func (m *Meter) open(cookie uint64) (i uint32) {
	if n := len(m.free); n > 0 {
		i, m.free = m.free[n-1], m.free[:n-1]
		m.records[i] = record{used: true, cookie: cookie}
	} else {
		i = uint32(len(m.records))
		m.records = append(m.records, record{used: true, cookie: cookie})
	}
	m.index[cookie] = i
	return i
}

// describe fills in what the socket tells, and what the reading before, if that saw it, knew
// and this one does not.
func (m *Meter) describe(c *Connection, s *netstat.Socket, earlier *Connection) {
	c.Socket = *s
	if earlier != nil {
		c.Path = earlier.Path
	}
	if d := s.Detail; d != nil {
		c.Path, c.Drops = pathOf(d, c.Path), d.Drops
		c.CGroup, _ = d.CGroup.Get()
		if !m.details {
			c.Detail = nil
		}
	}
	if earlier != nil {
		c.inherit(earlier)
	}
}

// inherit keeps what an earlier reading knew and this one does not.
func (c *Connection) inherit(earlier *Connection) {
	if p, known := c.Processes.Get(); !known || len(p) == 0 {
		c.Processes = earlier.Processes
	}
	if c.CGroup.ID == 0 {
		c.CGroup = earlier.CGroup
	}
	if !c.Drops.IsKnown() {
		c.Drops = earlier.Drops
	}
	// Of a socket that its process has closed older kernels tell root (sock_i_uid, net/core/sock.c).
	if uid, known := earlier.UID.Get(); known && (c.Inode.Or(0) == 0 || !c.UID.IsKnown()) {
		c.UID.Set(uid)
	}
}

// move takes the payload as of a moment.
func (r *record) move(m *Meter, p payload, at time.Time, first bool) {
	if first {
		r.elapsed = at.Sub(m.before)
		if !m.complete {
			r.sent.base, r.received.base, r.retransmitted.base = p.sent, p.received, p.retransmitted
			r.elapsed = 0
		}
	} else {
		r.elapsed = time.Duration(m.moment(at) - r.seen)
		// A socket that was disconnected and connected again counts anew.
		if p.sent+p.retransmitted < r.raw.sent+r.raw.retransmitted || p.received+1 < r.raw.received {
			r.sent.restart()
			r.received.restart()
			r.retransmitted.restart()
		}
	}
	r.raw = p
	r.sentNow, r.receiveNow = r.sent.move(p.sent), r.received.move(p.received)
	r.retransmitted.move(p.retransmitted)
}

// tell gives a connection its octets.
func (r *record) tell(c *Connection) {
	c.SentBytes.Set(r.sent.total)
	c.ReceivedBytes.Set(r.received.total)
	c.RetransmittedBytes.Set(r.retransmitted.total)
}

// rate sets the rates of so many octets over a time; unknown ones where that is 0.
func (c *Connection) rate(sent, received uint64, elapsed time.Duration) {
	c.SentRate, c.ReceivedRate = netstat.Optional[float64]{}, netstat.Optional[float64]{}
	if seconds := elapsed.Seconds(); seconds > 0 {
		c.SentRate.Set(float64(sent) / seconds)
		c.ReceivedRate.Set(float64(received) / seconds)
	}
}

// End takes a socket that ended, and when that was told.
func (m *Meter) End(s *netstat.Socket, at time.Time) {
	cookie, known := s.Cookie.Get()
	if !known {
		return
	}
	e := end{socket: *s, at: at}
	e.payload, e.known = payloadOf(s)
	connected := s.Remote.Port() != 0
	// A socket that was disconnected has lost its counters with its remote end.
	e.known = e.known && connected

	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.details {
		e.socket.Detail = nil
	}
	if i, found := m.index[cookie]; found {
		r := &m.records[i]
		if r.end == nil {
			if e.known {
				e.payload.ended(s, &r.last)
			}
			r.end = &e
		}
		return
	}
	if _, again := m.cookies[cookie]; again || m.turn == 0 {
		return
	}
	if _, told := m.absent[cookie]; told {
		delete(m.absent, cookie)
		return
	}
	if m.closedBefore(s, &e) {
		return
	}
	if !connected && !wasConnected(s) {
		return // a listener, or a socket that was never used
	}
	c := Connection{Ended: at, AtLeast: s.Protocol == netstat.TCP && (!e.known || !m.complete)}
	m.describe(&c, s, nil)
	c.State = netstat.Close
	c.Processes = netstat.Optional[[]netstat.Process]{}
	if e.known && m.complete {
		e.payload.ended(s, &last{})
		c.SentBytes.Set(e.payload.sent)
		c.ReceivedBytes.Set(e.payload.received)
		c.RetransmittedBytes.Set(e.payload.retransmitted)
	}
	if m.ended.len() >= m.mostEnded {
		sum := c.Sum()
		m.beyond.Add(&sum)
		return
	}
	*m.ended.add() = c
	m.cookies[cookie] = struct{}{}
}

// tick is how much later than it happened the kernel may date something: it counts in ticks,
// of a hundredth of a second at most.
const tick = 20 * time.Millisecond

// closedBefore reports whether a socket that no reading saw was closed before the first one,
// and held by its process until now: nothing came or went since.
func (m *Meter) closedBefore(s *netstat.Socket, e *end) bool {
	if !m.complete || !e.known || e.payload == (payload{}) {
		return false
	}
	t := s.Detail.TCP
	return min(t.LastDataSent, t.LastDataReceived, t.LastAckReceived) > e.at.Sub(m.since)+tick
}

// wasConnected reports whether a socket of TCP that ended without a remote end had one
// before: what was agreed on with that stays.
func wasConnected(s *netstat.Socket) bool {
	return s.Protocol == netstat.TCP && s.Detail != nil && s.Detail.TCP != nil && s.Detail.TCP.AdvertisedMSS != 0
}

// Gap says that ends of sockets were lost.
func (m *Meter) Gap() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gaps++
}

// Unowned reports whether the reading under way has sockets whose processes are not known
// and were not looked for yet. Of sockets without a cookie those that have none are looked for again.
func (m *Meter) Unowned() bool {
	for _, c := range m.uncookied {
		if p, known := c.Processes.Get(); c.Inode.Or(0) != 0 && (!known || len(p) == 0) {
			return true
		}
	}
	for i := range m.records {
		r := &m.records[i]
		if r.used && r.turn == m.turn && !r.looked && r.current.Inode.Or(0) != 0 {
			if p, known := r.current.Processes.Get(); !known || len(p) == 0 {
				return true
			}
		}
	}
	return false
}

// Own gives the sockets of the reading under way their processes, as a look at these has them
// by the inodes of sockets. Whom a socket was known to belong to it stays with where it has
// none any longer.
func (m *Meter) Own(of func(inode uint32) netstat.Optional[[]netstat.Process]) {
	for _, c := range m.uncookied {
		if inode := c.Inode.Or(0); inode != 0 {
			if p, _ := c.Processes.Get(); len(p) == 0 {
				c.Processes = of(inode)
			}
		}
	}
	for i := range m.records {
		r := &m.records[i]
		if !r.used || r.turn != m.turn {
			continue
		}
		inode := r.current.Inode.Or(0)
		if inode == 0 {
			continue
		}
		r.looked = true
		found := of(inode)
		if p, _ := found.Get(); len(p) > 0 || !r.current.Processes.IsKnown() {
			r.current.Processes = found
		}
	}
}

// Finish ends the reading, which found every socket that there was if it is complete.
func (m *Meter) Finish(at time.Time, complete bool) *Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	reading := m.reading
	reading.Gap = m.gaps != m.told
	m.told = m.gaps
	for i := range m.records {
		r := &m.records[i]
		switch {
		case !r.used:
		case r.end != nil:
			m.finishEnded(uint32(i), r)
		case r.turn == m.turn || !complete:
		case m.tellsEnds(r.current.Protocol) && r.gaps == m.gaps:
			// Its end is told when nobody holds it any longer.
			m.showClosed(r)
		default:
			r.end = &end{socket: r.current.Socket, at: at}
			if m.tellsEnds(r.current.Protocol) {
				if len(m.absent) >= m.mostEnded {
					clear(m.absent)
				}
				m.absent[r.current.Cookie.Or(0)] = struct{}{}
			}
			m.finishEnded(uint32(i), r)
		}
	}
	m.ended.all(func(c *Connection) bool {
		if sent, known := c.SentBytes.Get(); known {
			c.rate(sent, c.ReceivedBytes.Or(0), reading.Elapsed)
		}
		return true
	})
	reading.ended, m.ended = m.ended, nil
	reading.Beyond, m.beyond = m.beyond, Sum{}
	reading.AtLeast = m.gaps > 0 || m.datagramsMissed
	if complete && !m.complete {
		m.complete, m.since = true, m.begun
	}
	return reading
}

// finishEnded has the reading tell of the end of a record's socket, or show it as closed where its
// datagrams are counted with a later one.
func (m *Meter) finishEnded(i uint32, r *record) {
	later := m.datagramsLater || !m.datagramsAsOf.IsZero() && r.end.at.After(m.datagramsAsOf)
	if !later || r.current.Protocol != netstat.UDP || m.awaiting >= m.mostEnded {
		m.close(i, r)
		return
	}
	m.awaiting++
	if r.turn != m.turn {
		m.showClosed(r)
	}
}

// showClosed has the reading show a socket that is closed, and the end of which is not told yet.
func (m *Meter) showClosed(r *record) {
	c := m.reading.seen.add()
	*c = *r.current
	c.State = netstat.Close
	c.ReceiveQueue, c.SendQueue = netstat.Optional[uint32]{}, netstat.Optional[uint32]{}
	c.rate(0, 0, 0)
	c.DropRate = netstat.Optional[float64]{}
	r.current = c
}

func (m *Meter) tellsEnds(p netstat.Protocol) bool {
	for _, told := range m.options.Ends {
		if told == p {
			return true
		}
	}
	return false
}

// close tells of a record's end in the reading, and gives the record up.
func (m *Meter) close(i uint32, r *record) {
	e := r.end
	c, sent, received := r.current, r.sentNow, r.receiveNow
	if r.turn != m.turn {
		c = m.reading.seen.add()
		m.describe(c, &e.socket, r.current)
		if e.socket.Remote.Port() == 0 { // disconnected
			c.Local, c.Remote = r.current.Local, r.current.Remote
		}
		if c.Detail == nil {
			c.Detail = r.current.Detail
		}
		sent, received = 0, 0
	}
	c.State, c.Ended, c.DropRate = netstat.Close, e.at, netstat.Optional[float64]{}
	switch {
	case e.known:
		r.move(m, e.payload, e.at, false)
		r.tell(c)
		c.rate(sent+r.sentNow, received+r.receiveNow, m.reading.Elapsed)
	case r.datagrams != nil:
		r.datagrams.tell(c)
	case c.Protocol == netstat.TCP:
		c.AtLeast = true
		if r.turn != m.turn {
			c.SentBytes, c.ReceivedBytes, c.RetransmittedBytes = r.current.SentBytes, r.current.ReceivedBytes, r.current.RetransmittedBytes
		}
	}
	delete(m.index, r.current.Cookie.Or(0))
	m.records[i] = record{}
	m.free = append(m.free, i)
}

// group is what connections that ended are kept apart by.
type group struct {
	pid     int32 // of the process with the lowest PID that held them
	program string
	owned   bool // that is known
	cgroup  uint64
	path    string
	user    uint32
	told    bool // that is known
	remote  netip.Addr
}

// forget adds what the last reading told of for the only time to the past.
func (m *Meter) forget() {
	if m.reading == nil {
		return
	}
	for c := range m.reading.All() {
		if !c.IsOver() {
			continue
		}
		g := group{cgroup: c.CGroup.ID, path: c.CGroup.Path, remote: c.Remote.Addr().Unmap()}
		g.user, g.told = c.UID.Get()
		var holders []netstat.Process
		if holders, g.owned = c.Processes.Get(); len(holders) > 0 {
			g.pid, g.program = holders[0].PID, holders[0].Name
		}
		sum := c.Sum()
		sum.SentRate, sum.ReceivedRate = netstat.Optional[float64]{}, netstat.Optional[float64]{}
		m.past.keep(g, &sum)
	}
	m.reading.Beyond.SentRate, m.reading.Beyond.ReceivedRate = netstat.Optional[float64]{}, netstat.Optional[float64]{}
	m.past.others.Add(&m.reading.Beyond)
	m.reading = nil
}
