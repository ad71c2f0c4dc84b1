package traffic

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var begin = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

// after returns a moment of the tests.
func after(seconds float64) time.Time {
	return begin.Add(time.Duration(seconds * float64(time.Second)))
}

// tcp makes a socket as a dump has it: an established one that sent and received so much,
// with all of it acknowledged.
func tcp(cookie, sent, received uint64) netstat.Socket {
	t := &netstat.TCPInfo{State: netstat.Established, AdvertisedMSS: 1460}
	t.BytesSent.Set(sent)
	t.BytesRetransmitted.Set(0)
	t.BytesAcknowledged.Set(sent)
	t.BytesReceived.Set(received)
	s := netstat.Socket{
		Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Established, Detail: &netstat.SocketDetail{TCP: t},
		Local: netip.MustParseAddrPort("192.0.2.1:1"), Remote: netip.MustParseAddrPort("192.0.2.2:2"),
	}
	s.Cookie.Set(cookie)
	s.Inode.Set(uint32(cookie))
	s.SendQueue.Set(0)
	return s
}

// over makes of a socket what is told of its end: both FINs came and went.
func over(s netstat.Socket) netstat.Socket {
	t := *s.Detail.TCP
	t.BytesAcknowledged.Set(t.BytesAcknowledged.Or(0) + 1)
	t.BytesReceived.Set(t.BytesReceived.Or(0) + 1)
	t.State = netstat.Close
	s.State, s.Detail = netstat.Close, &netstat.SocketDetail{TCP: &t}
	s.Inode.Set(0)
	return s
}

// read feeds a reading of sockets.
func read(m *Meter, seconds float64, sockets ...netstat.Socket) *Reading {
	m.Begin(after(seconds))
	for i := range sockets {
		m.Add(&sockets[i], after(seconds))
	}
	return m.Finish(after(seconds), true)
}

func endOf(m *Meter, seconds float64, s netstat.Socket) { m.End(&s, after(seconds)) }

// told says what a reading tells of each socket, by cookie.
func told(t *testing.T, r *Reading) map[uint64]string {
	t.Helper()
	all := make(map[uint64]string)
	for c := range r.All() {
		text := fmt.Sprintf("%v/%v %v/%v", c.SentBytes, c.ReceivedBytes, c.SentRate, c.ReceivedRate)
		if c.IsOver() {
			text += fmt.Sprintf(" ended %v", c.Ended.Sub(begin))
		} else if c.State != netstat.Established {
			text += " " + c.State.String()
		}
		if c.AtLeast {
			text += " at least"
		}
		cookie := c.Cookie.Or(0)
		if all[cookie] != "" {
			t.Errorf("socket %d is told of twice", cookie)
		}
		all[cookie] = text
	}
	return all
}

func expect(t *testing.T, r *Reading, want map[uint64]string) {
	t.Helper()
	got := told(t, r)
	for cookie, text := range want {
		if got[cookie] != text {
			t.Errorf("socket %d: %q, want %q", cookie, got[cookie], text)
		}
		delete(got, cookie)
	}
	for cookie, text := range got {
		t.Errorf("socket %d: %q, want nothing", cookie, text)
	}
}

// sum adds up what a reading tells of.
func sum(r *Reading) (all Sum) {
	for _, s := range r.Sums() {
		all.Add(&s)
	}
	return all
}

var withEnds = Options{Ends: []netstat.Protocol{netstat.TCP, netstat.UDP}}

// TestFromReadingToReading follows connections that were there, that begin, that end.
func TestFromReadingToReading(t *testing.T) {
	m := New(withEnds)
	// What was there counts from its first reading on.
	expect(t, read(m, 0, tcp(1, 1000, 500), tcp(2, 7, 0)), map[uint64]string{1: "0/0 -/-", 2: "0/0 -/-"})
	// What came since counts in full, over the time since the reading before.
	expect(t, read(m, 2, tcp(1, 3000, 600), tcp(2, 7, 0), tcp(3, 100, 40)), map[uint64]string{
		1: "2000/100 1000/50", 2: "0/0 0/0", 3: "100/40 50/20",
	})
	// An end has the last octets; one that nobody saw is told of as well.
	endOf(m, 3, over(tcp(1, 3600, 600)))
	endOf(m, 4, over(tcp(4, 50, 60)))
	r := read(m, 7, tcp(2, 17, 5), tcp(3, 100, 40))
	expect(t, r, map[uint64]string{
		1: "2600/100 120/0 ended 3s", 2: "10/5 2/1", 3: "100/40 0/0", 4: "50/60 10/12 ended 4s",
	})
	if got := sum(r); got.Connections != 2 || got.Ended != 2 || got.SentBytes != 2760 || got.ReceivedBytes != 205 || got.Counted != 4 || got.AtLeast ||
		got.SentRate != netstat.Known(2+600/5.0+50/5.0) || got.ReceivedRate != netstat.Known(1+60/5.0) {
		t.Errorf("together: %+v", got)
	}
	// Both are told of once, and count from then on.
	r = read(m, 8, tcp(2, 17, 5), tcp(3, 100, 40))
	expect(t, r, map[uint64]string{2: "10/5 0/0", 3: "100/40 0/0"})
	if got := sum(r); got.Ended != 2 || got.SentBytes != 2760 || got.ReceivedBytes != 205 || got.SentRate != netstat.Known(0.0) {
		t.Errorf("together later: %+v", got)
	}
}

// TestEndBesideItsRow has a socket end after its row was read, and before.
func TestEndBesideItsRow(t *testing.T) {
	m := New(withEnds)
	read(m, 0, tcp(1, 0, 0))
	m.Begin(after(2))
	one, two := tcp(1, 100, 0), tcp(2, 10, 0)
	m.Add(&one, after(2))
	endOf(m, 3, over(tcp(1, 300, 0)))
	endOf(m, 3, over(tcp(2, 20, 0)))
	m.Add(&two, after(3))
	expect(t, m.Finish(after(3), true), map[uint64]string{1: "300/0 150/0 ended 3s", 2: "20/0 10/0 ended 3s"})
	expect(t, read(m, 4), nil)
}

// TestWithoutEnds has nobody tell of ends: what is there no more has ended.
func TestWithoutEnds(t *testing.T) {
	m := New(Options{})
	read(m, 0, tcp(1, 0, 0), tcp(2, 0, 0))
	read(m, 1, tcp(1, 10, 0), tcp(2, 10, 0))
	r := read(m, 3, tcp(2, 30, 0))
	expect(t, r, map[uint64]string{1: "10/0 -/- ended 3s at least", 2: "30/0 10/0"})
	if got := sum(r); got.SentBytes != 40 || !got.AtLeast {
		t.Errorf("together: %+v", got)
	}
	// A reading that found not all ends nothing.
	m.Begin(after(4))
	r = m.Finish(after(4), false)
	expect(t, r, nil)
	expect(t, read(m, 5, tcp(2, 40, 0)), map[uint64]string{2: "40/0 5/0"})
}

// TestClosedAndHeld has connections go while their process holds the socket.
func TestClosedAndHeld(t *testing.T) {
	m := New(withEnds)
	read(m, 0, tcp(1, 0, 0))
	read(m, 1, tcp(1, 10, 0))
	for seconds := range 3 {
		expect(t, read(m, float64(2+seconds)), map[uint64]string{1: "10/0 -/- CLOSED"})
	}
	endOf(m, 5, over(tcp(1, 15, 0)))
	expect(t, read(m, 6), map[uint64]string{1: "15/0 2.5/0 ended 5s"})
	// A socket that was closed before the first reading, and held until now, carried nothing
	// since; one that was used since did.
	old := over(tcp(2, 1000, 0))
	old.Detail.TCP.LastDataSent, old.Detail.TCP.LastDataReceived, old.Detail.TCP.LastAckReceived = 9*time.Second, 10*time.Second, 8*time.Second
	endOf(m, 7, old)
	used := over(tcp(3, 1000, 0))
	used.Detail.TCP.LastDataSent, used.Detail.TCP.LastDataReceived, used.Detail.TCP.LastAckReceived = 9*time.Second, 10*time.Second, 6*time.Second
	endOf(m, 7, used)
	expect(t, read(m, 8), map[uint64]string{3: "1000/0 500/0 ended 7s"})
}

// TestGap has ends be lost.
func TestGap(t *testing.T) {
	m := New(withEnds)
	read(m, 0, tcp(1, 0, 0), tcp(2, 0, 0))
	read(m, 1, tcp(1, 10, 0), tcp(2, 10, 0))
	m.Gap()
	r := read(m, 2, tcp(2, 20, 0))
	expect(t, r, map[uint64]string{1: "10/0 -/- ended 2s at least", 2: "20/0 10/0"})
	if !r.Gap || !r.AtLeast {
		t.Error("a gap is not told of")
	}
	// Its end comes after all.
	endOf(m, 3, over(tcp(1, 100, 0)))
	r = read(m, 4, tcp(2, 20, 0))
	expect(t, r, map[uint64]string{2: "20/0 0/0"})
	if r.Gap || !r.AtLeast {
		t.Error("after a gap: ", r.Gap, r.AtLeast)
	}
}

// TestDisconnected has sockets lose their counters before they end.
func TestDisconnected(t *testing.T) {
	m := New(withEnds)
	read(m, 0, tcp(1, 0, 0))
	read(m, 1, tcp(1, 10, 5))
	gone := func(cookie uint64, mss uint32) netstat.Socket {
		s := over(tcp(cookie, 0, 0))
		s.Detail.TCP.AdvertisedMSS = mss
		s.Remote = netip.MustParseAddrPort("0.0.0.0:0")
		return s
	}
	endOf(m, 1.5, gone(1, 1460))
	endOf(m, 1.5, gone(2, 1460)) // was a connection
	endOf(m, 1.5, gone(3, 0))    // was none
	r := read(m, 2)
	expect(t, r, map[uint64]string{1: "10/5 -/- ended 1.5s at least", 2: "-/- -/- ended 1.5s at least"})
	for c := range r.All() {
		if c.Cookie == netstat.Known(uint64(1)) && c.Remote.String() != "192.0.2.2:2" {
			t.Errorf("its remote end was %v", c.Remote)
		}
	}
	// One that goes on with another connection counts anew.
	m = New(withEnds)
	read(m, 0, tcp(1, 1000, 0))
	read(m, 1, tcp(1, 1100, 10))
	expect(t, read(m, 2, tcp(1, 7, 0)), map[uint64]string{1: "107/10 7/0"})
	expect(t, read(m, 3, tcp(1, 8, 1)), map[uint64]string{1: "108/11 1/1"})
}

// TestOthers reads what has no octets.
func TestOthers(t *testing.T) {
	m := New(withEnds)
	udp := tcp(1, 0, 0)
	udp.Protocol, udp.Detail = netstat.UDP, &netstat.SocketDetail{Drops: netstat.Known(uint32(3))}
	stranger := tcp(0, 5, 5)
	stranger.Cookie = netstat.Optional[uint64]{}
	waiting, request := tcp(2, 0, 0), tcp(3, 0, 0)
	waiting.State, request.State = netstat.TimeWait, netstat.SynReceived
	for seconds := range 2 {
		r := read(m, float64(seconds), udp, stranger, waiting, request)
		expect(t, r, map[uint64]string{0: "-/- -/-", 1: "-/- -/-"})
		if got := sum(r); got.Connections != 2 || got.Counted != 0 {
			t.Errorf("together: %+v", got)
		}
		for c := range r.All() {
			if c.Protocol == netstat.UDP && c.Drops != netstat.Known(uint32(3)) {
				t.Errorf("drops: %v", c.Drops)
			}
		}
	}
	endOf(m, 2, udp)
	expect(t, read(m, 3), map[uint64]string{1: "-/- -/- ended 2s"})
}

// TestPayload reads the kernel's counters in each state.
func TestPayload(t *testing.T) {
	for _, c := range []struct {
		name                  string
		state                 netstat.State
		sent, again, acked    uint64
		received              uint64
		queued, unsent        uint32
		wantSent, wantReceive uint64
	}{
		{"connecting", netstat.SynSent, 0, 0, 0, 0, 1, 0, 0, 0},
		{"who connected", netstat.Established, 100, 0, 101, 50, 0, 0, 100, 50},
		{"who accepted", netstat.Established, 100, 0, 100, 50, 0, 0, 100, 50},
		{"some under way, some unsent", netstat.Established, 100, 0, 61, 0, 90, 50, 100, 0},
		{"sent again", netstat.Established, 150, 50, 101, 0, 0, 0, 100, 0},
		{"refused by a queue, and sent once more", netstat.Established, 150, 0, 101, 0, 0, 0, 101, 0},
		{"the peer is done", netstat.CloseWait, 100, 0, 101, 51, 0, 0, 100, 50},
		{"this end is done", netstat.FinWait1, 100, 0, 101, 50, 1, 0, 100, 50},
		{"and acknowledged", netstat.FinWait2, 100, 0, 102, 50, 0, 0, 100, 50},
		{"both at once", netstat.Closing, 100, 0, 101, 51, 1, 0, 100, 50},
		{"the last acknowledgement", netstat.LastAck, 100, 0, 101, 51, 1, 0, 100, 50},
	} {
		s := tcp(1, c.sent, c.received)
		d := s.Detail.TCP
		s.State, d.State = c.state, c.state
		d.BytesRetransmitted.Set(c.again)
		d.BytesAcknowledged.Set(c.acked)
		d.NotSent.Set(c.unsent)
		s.SendQueue.Set(c.queued)
		if p, known := payloadOf(&s); !known || p.sent != c.wantSent || p.received != c.wantReceive || p.retransmitted != c.again {
			t.Errorf("%s: %+v, want %d/%d", c.name, p, c.wantSent, c.wantReceive)
		}
	}
	old := tcp(1, 5, 5)
	old.Detail.TCP.BytesSent = netstat.Optional[uint64]{}
	if _, known := payloadOf(&old); known {
		t.Error("a kernel that tells of no octets has some")
	}
}

// TestOwnersWithoutCookies finds the processes of sockets that have no cookies, as where /proc is read, and
// looks for each once.
func TestOwnersWithoutCookies(t *testing.T) {
	m := New(Options{})
	for turn := range 3 {
		m.Begin(after(float64(turn)))
		s := tcp(1, 0, 0)
		s.Cookie = netstat.Optional[uint64]{}
		if turn == 2 { // another one that has its inode
			s.Remote = netip.MustParseAddrPort("192.0.2.2:3")
		}
		m.Add(&s, after(float64(turn)))
		if m.Unowned() == (turn == 1) {
			t.Errorf("turn %d: somebody is to be looked for: %v", turn, m.Unowned())
		}
		if turn != 1 {
			m.Own(func(inode uint32) netstat.Optional[[]netstat.Process] {
				return netstat.Known([]netstat.Process{{PID: int32(inode) + int32(turn), Name: "p"}})
			})
		}
		for c := range m.Finish(after(float64(turn)), true).All() {
			if p, _ := c.Processes.Get(); len(p) != 1 || p[0].PID != int32(1+turn/2*2) {
				t.Errorf("turn %d: %v", turn, p)
			}
		}
	}
}

// TestOwners keeps whom a socket belonged to.
func TestOwners(t *testing.T) {
	m := New(withEnds)
	look := func(pids map[uint32]int32) func(uint32) netstat.Optional[[]netstat.Process] {
		return func(inode uint32) netstat.Optional[[]netstat.Process] {
			if pid := pids[inode]; pid != 0 {
				return netstat.Known([]netstat.Process{{PID: pid, Name: fmt.Sprint("p", pid)}})
			}
			return netstat.Known[[]netstat.Process](nil)
		}
	}
	owner := func(r *Reading, cookie uint64) string {
		for c := range r.All() {
			if p, _ := c.Processes.Get(); c.Cookie == netstat.Known(cookie) && len(p) > 0 {
				return p[0].Name
			}
		}
		return "-"
	}
	m.Begin(after(0))
	one, two := tcp(1, 0, 0), tcp(2, 0, 0)
	m.Add(&one, after(0))
	m.Add(&two, after(0))
	if !m.Unowned() {
		t.Error("new sockets have owners")
	}
	m.Own(look(map[uint32]int32{1: 11}))
	if m.Unowned() {
		t.Error("what was looked for is to be looked for again")
	}
	if r := m.Finish(after(0), true); owner(r, 1) != "p11" || owner(r, 2) != "-" {
		t.Errorf("owners: %s, %s", owner(r, 1), owner(r, 2))
	}
	// An orphan was somebody's, and so was what ended.
	orphan := tcp(1, 10, 0)
	orphan.Inode.Set(0)
	if r := read(m, 1, orphan, two); owner(r, 1) != "p11" || m.Unowned() {
		t.Errorf("an orphan is %s's", owner(r, 1))
	}
	endOf(m, 2, over(tcp(1, 10, 0)))
	if r := read(m, 3, two); owner(r, 1) != "p11" {
		t.Errorf("what ended is %s's", owner(r, 1))
	}
	r := read(m, 4, two)
	for c, s := range r.Sums() {
		if p, _ := c.Processes.Get(); s.Ended == 1 && (len(p) != 1 || p[0].Name != "p11") {
			t.Errorf("what ended earlier is %v's", p)
		}
	}
}

// TestRatesOfEnds has connections end at different moments of a turn: what sent as much is as fast,
// and the rates' sum over the time is what was sent.
func TestRatesOfEnds(t *testing.T) {
	m := New(withEnds)
	read(m, 0, tcp(1, 0, 0), tcp(2, 0, 0), tcp(3, 0, 0))
	endOf(m, 0.001, over(tcp(1, 400, 0)))
	endOf(m, 0.001, over(tcp(4, 400, 0)))
	endOf(m, 3.999, over(tcp(2, 400, 0)))
	r := read(m, 4, tcp(3, 400, 0))
	seconds := func(ms int) string { return fmt.Sprint(time.Duration(ms) * time.Millisecond) }
	expect(t, r, map[uint64]string{
		1: "400/0 100/0 ended " + seconds(1), 4: "400/0 100/0 ended " + seconds(1), 2: "400/0 100/0 ended " + seconds(3999), 3: "400/0 100/0",
	})
	if got := sum(r); got.SentRate != netstat.Known(float64(got.SentBytes)/4) {
		t.Errorf("together: %+v", got)
	}
}

// TestUsers keeps the user of a socket that its process has closed, and of one that ended.
func TestUsers(t *testing.T) {
	m := New(withEnds)
	s := tcp(1, 0, 0)
	s.UID.Set(1000)
	read(m, 0, s)
	user := func(r *Reading) (uid netstat.Optional[uint32]) {
		for c := range r.All() {
			uid = c.UID
		}
		return uid
	}
	s.UID.Set(0)
	s.Inode.Set(0)
	if uid := user(read(m, 1, s)); uid != netstat.Known(uint32(1000)) {
		t.Errorf("a socket that was closed is user %v's", uid)
	}
	endOf(m, 2, over(tcp(1, 10, 0)))
	if uid := user(read(m, 3)); uid != netstat.Known(uint32(1000)) {
		t.Errorf("a socket that ended was user %v's", uid)
	}
	// Another socket has a user of its own, root also.
	s = tcp(2, 0, 0)
	s.UID.Set(0)
	if uid := user(read(m, 4, s)); uid != netstat.Known(uint32(0)) {
		t.Errorf("root's is user %v's", uid)
	}
}

// TestBounds has more end than is kept, and loses no octet.
func TestBounds(t *testing.T) {
	const most, many = 100, 120
	m := New(withEnds)
	m.mostEnded, m.past.most = most, most
	read(m, 0)
	for i := range uint64(many) {
		s := over(tcp(i+1, 3, 2))
		s.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 80)
		m.End(&s, after(0.5))
	}
	r := read(m, 1)
	if len(told(t, r)) != most || r.Beyond.Ended != many-most {
		t.Errorf("%d are told of, %d beyond", len(told(t, r)), r.Beyond.Ended)
	}
	for turn := range 2 {
		if got := sum(r); got.Ended != many || got.SentBytes != 3*many || got.ReceivedBytes != 2*many || got.Counted != many {
			t.Errorf("turn %d, together: %+v", turn, got)
		}
		r = read(m, 2)
	}
	for i := range uint64(most) { // other groups
		s := over(tcp(many+i+1, 1, 1))
		s.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 80)
		m.End(&s, after(2.5))
	}
	read(m, 3)
	r = read(m, 4)
	if got := sum(r); got.Ended != many+most || got.SentBytes != 3*many+most {
		t.Errorf("with further groups: %+v", got)
	}
	if len(m.past.groups) != most || len(m.index) != 0 || len(m.absent) != 0 {
		t.Errorf("%d groups, %d sockets, %d absent", len(m.past.groups), len(m.index), len(m.absent))
	}
}

// TestReadingsDoNotChange looks at a reading after later ones.
func TestReadingsDoNotChange(t *testing.T) {
	m := New(withEnds)
	read(m, 0, tcp(1, 0, 0))
	r := read(m, 1, tcp(1, 10, 0))
	endOf(m, 2, over(tcp(1, 20, 0)))
	read(m, 3)
	expect(t, r, map[uint64]string{1: "10/0 10/0"})
}

// TestPathsAreShared holds that readings have one path of a connection whose path stays as it was, that a
// reading of those allocates little, and that one which changed leaves the reading before alone.
func TestPathsAreShared(t *testing.T) {
	m := New(withEnds)
	var sockets []netstat.Socket
	for cookie := range uint64(10 * chunkSize) {
		s := tcp(cookie, 0, 0)
		s.Detail.TCP.RTT = time.Millisecond
		sockets = append(sockets, s)
	}
	of := func(r *Reading, cookie uint64) *Path {
		for c := range r.All() {
			if c.Cookie.Or(0) == cookie {
				return c.Path
			}
		}
		t.Fatalf("no connection %d", cookie)
		return nil
	}
	first := read(m, 0, sockets...)
	second := read(m, 1, sockets...)
	if a, b := of(first, 7), of(second, 7); a == nil || a != b || a.RTT != time.Millisecond {
		t.Errorf("the paths are %v and %v", a, b)
	}
	seconds := 1.0
	if got := testing.AllocsPerRun(10, func() {
		seconds++
		read(m, seconds, sockets...)
	}); got > float64(len(sockets))/10 {
		t.Errorf("a reading of %d connections that stay as they are allocates %v times", len(sockets), got)
	}
	sockets[7].Detail = &netstat.SocketDetail{TCP: new(*sockets[7].Detail.TCP)}
	sockets[7].Detail.TCP.RTT = time.Second
	third := read(m, seconds+1, sockets...)
	if a, b := of(second, 7), of(third, 7); a.RTT != time.Millisecond || b.RTT != time.Second {
		t.Errorf("the paths are %v, and %v once it changed", a, b)
	}
	if of(second, 8) != of(third, 8) {
		t.Error("another connection has another path")
	}
}
