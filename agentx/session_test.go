package agentx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/steppedclock"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

const (
	base   = "1.3.6.1.4.1.8072.9999.2"
	scalar = base + ".1" // scalars 1 and 2
	table  = base + ".2" // columns 1 and 3, rows 1 to 3
	slow   = base + ".3" // column 1
	last   = base + ".4" // scalar 1
)

// sample is a tree of two groups and a table; a slow table more if g is given.
func sample(t testing.TB, g *gate) *mib.Tree {
	tab := testTable("sampleTable", table, 1, 3)
	nodes := []mib.Node{
		groupNode(testGroup("sample", scalar, 1, 2)),
		// A source that is never too old: the first request may wait.
		tab.Bind(sourceOf(rowsOf(3))),
		groupNode(testGroup("last", last, 1)),
	}
	if g != nil {
		nodes = append(nodes, testTable("slowTable", slow, 1).Bind(g.source()))
	}
	return newTree(t, nodes...)
}

func TestAnswers(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for name, order := range map[string]Flags{"big-endian": NetworkByteOrder, "little-endian": 0} {
			t.Run(network+" "+name, func(t *testing.T) { testAnswers(t, network, order) })
		}
	}
}

func testAnswers(t *testing.T, network string, order Flags) {
	_, p, _ := meet(t, network, order, Config{Handler: sample(t, nil)})
	value := fmt.Sprint(" INTEGER: ", ours)
	const end = " endOfMibView"
	row := func(column, row int) string { return fmt.Sprintf("%s.1.%d.%d", table, column, row) }

	wantText(t, p.ask(&Get{Ranges: oids(scalar+".1.0", row(3, 2), row(3, 4), row(2, 1), scalar+".2", "1.3")}),
		scalar+".1.0"+value, row(3, 2)+value, row(3, 4)+" noSuchInstance", row(2, 1)+" noSuchObject",
		scalar+".2 noSuchInstance", "1.3 noSuchObject")
	wantText(t, p.ask(&Get{}))

	wantText(t, p.ask(&GetNext{Ranges: []SearchRange{
		span("1.3", "", false),
		span(scalar+".1.0", scalar+".2", false),   // the next is at the end
		span(scalar+".1.0", scalar+".2.0", false), // exclusive
		span(scalar+".1.0", scalar+".2.1", false),
		span(scalar+".1.0", scalar+".2", true),
		span(row(1, 3), table+".1.2", false),
		span(row(1, 3), table+".2", false),
		span(row(1, 1), row(1, 2), false),
		span(row(1, 1)+".5", table+".2", true),
		span(last+".1.0", "", false),
		span(last+".1.0", "", true),
	}}),
		scalar+".1.0"+value,
		scalar+".1.0"+end,
		scalar+".1.0"+end,
		scalar+".2.0"+value,
		scalar+".1.0"+value,
		row(1, 3)+end,
		row(3, 1)+value,
		row(1, 1)+end,
		row(1, 2)+value,
		last+".1.0"+end,
		last+".1.0"+value,
	)

	// One non-repeater, two repeaters of which the second ends first.
	wantText(t, p.ask(&GetBulk{NonRepeaters: 1, MaxRepetitions: 4, Ranges: []SearchRange{
		span(scalar, "", false),
		span(row(1, 1), table+".1.3.2", false),
		span(row(3, 2), table+".2", false),
	}}),
		scalar+".1.0"+value,
		row(1, 2)+value, row(3, 3)+value,
		row(1, 3)+value, row(3, 3)+end,
		row(3, 1)+value, row(3, 3)+end,
		row(3, 1)+end, row(3, 3)+end,
	)
	// All of them have ended: the rest is left out.
	wantText(t, p.ask(&GetBulk{MaxRepetitions: 1000, Ranges: []SearchRange{span(last, "", false)}}),
		last+".1.0"+value, last+".1.0"+end)
	wantText(t, p.ask(&GetBulk{NonRepeaters: 5, MaxRepetitions: 10, Ranges: oids(scalar)}), scalar+".1.0"+value)
	wantText(t, p.ask(&GetBulk{Ranges: oids(scalar)}))

	set := &TestSet{Bindings: []mib.Binding{{Object: mib.MustParseOID(scalar + ".1.0"), Value: mib.Int(1)}}}
	wantError(t, p.ask(set), ErrorCode(mib.NotWritable), 1)
	p.write(p.pdu(&CleanupSet{})) // no response
	wantError(t, p.ask(&CommitSet{}), ErrorCode(mib.CommitFailed), 0)
	wantError(t, p.ask(&UndoSet{}), 0, 0)
}

func TestRefusals(t *testing.T) {
	g := newGate()
	g.err = errors.New("broken on purpose")
	close(g.open)
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: sample(t, g)})
	get := &Get{Ranges: oids(scalar + ".1.0")}
	good := scalar + ".1.0" + fmt.Sprint(" INTEGER: ", ours)

	p.write(p.pduAs(Header{SessionID: 78, PacketID: 1}, get))
	_, r := p.recv()
	wantError(t, r, NotOpen, 0)
	p.write(p.pduAs(Header{SessionID: 78, PacketID: 2}, &CommitSet{}))
	_, r = p.recv()
	wantError(t, r, NotOpen, 0)
	// What cannot be parsed is that first (RFC 2741, section 7.2.2).
	cut := p.pduAs(Header{SessionID: 78, PacketID: 3}, get)
	cut = cut[:len(cut)-4]
	binary.BigEndian.PutUint32(cut[16:], uint32(len(cut)-headerLength))
	p.write(cut)
	_, r = p.recv()
	wantError(t, r, ParseError, 0)
	p.packet = 3

	wantError(t, p.ask(&Get{Context: "nowhere", Ranges: get.Ranges}), UnsupportedContext, 0)
	wantError(t, p.ask(&GetNext{Context: "nowhere"}), UnsupportedContext, 0)
	wantError(t, p.ask(&TestSet{Context: "nowhere"}), UnsupportedContext, 0)
	wantError(t, p.ask(&Get{Ranges: oids(scalar+".1.0", slow+".1.1.1")}), ErrorCode(mib.GenErr), 2)
	wantError(t, p.ask(&GetNext{Ranges: oids(scalar, slow)}), ErrorCode(mib.GenErr), 2)
	wantError(t, p.ask(&GetBulk{NonRepeaters: 1, MaxRepetitions: 3, Ranges: oids(scalar, scalar, slow)}), ErrorCode(mib.GenErr), 3)
	wantError(t, p.ask(&Ping{}), ParseError, 0) // not for a subagent

	// Payloads that cannot be parsed, each followed by a PDU that can.
	for _, pdu := range []Payload{
		get,
		&GetNext{Context: "x", Ranges: oids(scalar)},
		&GetBulk{Ranges: oids(scalar)},
		&TestSet{Bindings: []mib.Binding{{Object: mib.MustParseOID(scalar), Value: mib.Octets("abc")}}},
	} {
		b := p.pdu(pdu)
		b = b[:len(b)-4]
		binary.BigEndian.PutUint32(b[16:], uint32(len(b)-headerLength))
		p.write(b)
		_, r := p.recv()
		wantError(t, r, ParseError, 0)
		wantText(t, p.ask(get), good)
	}
	b := p.pdu(get)
	b[1] = 99
	p.write(b)
	_, r = p.recv()
	wantError(t, r, ParseError, 0)
	wantText(t, p.ask(get), good)
}

// TestSessionZero holds that a master may number a session so.
func TestSessionZero(t *testing.T) {
	m := newMaster(t, "unix")
	m.session = 0
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil)})
	p := m.accept(NetworkByteOrder)
	agent.await()
	wantText(t, p.ask(&Get{Ranges: oids(scalar + ".1.0")}), scalar+".1.0"+fmt.Sprint(" INTEGER: ", ours))
}

// TestStream holds that PDUs may be split and joined in any way.
func TestStream(t *testing.T) {
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: sample(t, nil)})
	get := &Get{Ranges: oids(scalar + ".1.0")}
	good := scalar + ".1.0" + fmt.Sprint(" INTEGER: ", ours)
	if err := slowly(p.conn, append(p.pdu(get), p.pdu(get)...)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, r := p.recv()
		wantText(t, r, good)
	}
	const many = 3000
	var b []byte
	for range many {
		b = append(b, p.pdu(get)...)
	}
	first := p.packet - many + 1
	for size := 1; len(b) > 0; size = size*3 + 1 {
		n := min(size, len(b))
		p.write(b[:n])
		b = b[n:]
	}
	for i := range uint32(many) {
		h, r := p.recv()
		if h.PacketID != first+i {
			t.Fatalf("packet %d, want %d", h.PacketID, first+i)
		}
		wantText(t, r, good)
	}
	// One PDU far larger than the buffers, and small ones after it.
	var long Get
	for range 10000 {
		long.Ranges = append(long.Ranges, get.Ranges[0])
	}
	if r := p.ask(&long); len(r.Bindings) != len(long.Ranges) {
		t.Errorf("%v, %d variables, want %d", r.Error, len(r.Bindings), len(long.Ranges))
	}
	wantText(t, p.ask(get), good)
	// An answer over MaxPayload is cut at a repetition or refused.
	r := p.ask(&GetBulk{MaxRepetitions: 65535, Ranges: long.Ranges})
	if n := len(r.Bindings); r.Error != 0 || n == 0 || n%len(long.Ranges) != 0 {
		t.Errorf("%v, %d variables", r.Error, n)
	}
	var next GetNext
	for range 30000 {
		next.Ranges = append(next.Ranges, span("1.3", "", false))
	}
	wantError(t, p.ask(&next), ProcessingError, 0)
}

// TestWaiting holds that a PDU that waits for its source delays no other, is
// answered once however often it is sent, and that their number is bounded.
func TestWaiting(t *testing.T) {
	g := newGate()
	// Neither what waits nor the silence of the master ends before the test does.
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: sample(t, g), Timeout: 255 * time.Second, PingInterval: time.Hour})
	fast := &Get{Ranges: oids(scalar + ".1.0")}
	slowGet := &Get{Ranges: oids(scalar+".1.0", slow+".1.1.1")}
	value := fmt.Sprint(" INTEGER: ", ours)

	waiting := p.pdu(slowGet)
	id := p.packet
	for range 5 {
		p.write(waiting)
	}
	wantText(t, p.ask(fast), scalar+".1.0"+value)
	// The master goes on, so that a small memory of duplicates would have
	// forgotten.
	for range 3000 {
		p.ask(fast)
	}
	p.write(waiting)
	for range maxWaiting - 1 {
		p.write(p.pdu(slowGet))
	}
	p.ask(fast)
	wantError(t, p.ask(slowGet), ProcessingError, 0)
	wantText(t, p.ask(fast), scalar+".1.0"+value)

	close(g.open)
	answers := map[uint32]int{}
	for range maxWaiting {
		h, r := p.recv()
		answers[h.PacketID]++
		wantText(t, r, scalar+".1.0"+value, slow+".1.1.1"+value)
	}
	if len(answers) != maxWaiting || answers[id] != 1 {
		t.Errorf("answers %v", answers)
	}
}

// TestPacketIDs holds that each PDU is answered whose packet ID no other has that waits
// for its answer, as of a master that has few packet IDs (RFC 2741, section 6.1).
func TestPacketIDs(t *testing.T) {
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: sample(t, nil)})
	value := fmt.Sprint(" INTEGER: ", ours)
	for i := range uint32(20) {
		h := Header{SessionID: p.session, TransactionID: 5, PacketID: 100 + i%2}
		sub := ".1.0"
		if i%4 < 2 { // now and then it asks for the same again
			sub = ".2.0"
		}
		p.write(p.pduAs(h, &Get{Ranges: oids(scalar + sub)}))
		got, r := p.recv()
		if got.PacketID != h.PacketID || got.TransactionID != h.TransactionID {
			t.Fatalf("a response to %+v, want one to %+v", got, h)
		}
		wantText(t, r, scalar+sub+value)
	}
}

// TestForeignPDUs holds that what cannot be read, or is of another session, ends no
// session: a Response is dropped then, and anything else has one (RFC 2741, section 7.2.2).
func TestForeignPDUs(t *testing.T) {
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: sample(t, nil)})
	get := &Get{Ranges: oids(scalar + ".1.0")}
	value := fmt.Sprint(" INTEGER: ", ours)
	cut := func(b []byte, n int) []byte {
		binary.BigEndian.PutUint32(b[16:], uint32(len(b)-n-headerLength))
		return b[:len(b)-n]
	}
	variable := &Response{Bindings: []mib.Binding{{Object: mib.MustParseOID(scalar), Value: mib.Octets("abc")}}}
	for _, b := range [][]byte{
		cut(p.pdu(&Response{}), 6),
		cut(p.pdu(variable), 4),
		p.pdu(variable), // nobody waits for it
		p.pduAs(Header{SessionID: 78, PacketID: 1}, &CleanupSet{}),
	} {
		p.write(b)
		wantText(t, p.ask(get), scalar+".1.0"+value) // the next response
	}
	for want, b := range map[ErrorCode][]byte{
		ParseError: cut(p.pdu(&Close{}), 2),
		NotOpen:    p.pduAs(Header{SessionID: 78, PacketID: 1}, &Close{}),
	} {
		p.write(b)
		_, r := p.recv()
		wantError(t, r, want, 0)
		wantText(t, p.ask(get), scalar+".1.0"+value)
	}
	if p.isClosed() || len(p.sent(TypeClose)) != 0 {
		t.Error("the session has ended")
	}
}

func TestTimeout(t *testing.T) {
	g := newGate()
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: sample(t, g), Timeout: 50 * time.Millisecond})
	wantError(t, p.ask(&GetNext{Ranges: oids(slow)}), ErrorCode(mib.GenErr), 1)
	close(g.open)
}

// TestReconnect holds that a session that has become useless is given up and
// another made.
func TestReconnect(t *testing.T) {
	oversize := make([]byte, headerLength)
	oversize[0], oversize[1], oversize[2] = version, byte(TypeGet), byte(NetworkByteOrder)
	binary.BigEndian.PutUint32(oversize[16:], 0xffff_fff0)
	for name, fault := range map[string]func(p *peer){
		"version":      func(p *peer) { p.write(bytes.Repeat([]byte{9}, headerLength)) },
		"giant length": func(p *peer) { p.write(oversize) },
		"close":        func(p *peer) { p.write(p.pdu(&Close{Reason: ReasonByManager})) },
		"end":          func(p *peer) { p.conn.Close() },
		"full socket": func(p *peer) {
			many := &GetBulk{MaxRepetitions: 1000, Ranges: oids(table, table, table, table)}
			var b []byte
			for range 2000 {
				b = append(b, p.pdu(many)...)
			}
			p.conn.SetWriteDeadline(time.Now().Add(patience))
			p.conn.Write(b) // fails when the subagent closes
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMaster(t, "unix")
			log := &lines{make(chan string, 100)}
			agent := start(t, Config{Address: m.address, Handler: sample(t, nil), ResponseTimeout: 300 * time.Millisecond,
				Log: slog.New(slog.NewTextHandler(log, nil))})
			var stalled chan struct{}
			if name == "full socket" {
				stalled = make(chan struct{})
			}
			p := m.acceptStalled(NetworkByteOrder, stalled)
			agent.await()
			fault(p)
			q := m.accept(0)
			agent.await()
			if stalled != nil {
				log.await(t, "writing to the master agent: it has read nothing for 300ms")
				close(stalled)
			}
			p.awaitClosed()
			wantText(t, q.ask(&Get{Ranges: oids(last + ".1.0")}), last+".1.0"+fmt.Sprint(" INTEGER: ", ours))
			if got := len(p.sent(TypeClose)); (name == "version" || name == "giant length") != (got == 1) {
				t.Errorf("%d times agentx-Close-PDU", got)
			}
		})
	}
}

// TestHung holds that a master that takes connections and says nothing is
// noticed, at Open and later.
func TestHung(t *testing.T) {
	m := newMaster(t, "unix")
	hung := make(chan bool, 1)
	m.reply = func(h Header, _ Payload) *Response {
		select {
		case <-hung:
			hung <- true
			return nil
		default:
			return &Response{}
		}
	}
	hung <- true
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil),
		ResponseTimeout: 50 * time.Millisecond, PingInterval: 10 * time.Millisecond})
	m.accept(NetworkByteOrder).awaitClosed() // Open is not answered
	<-hung
	p := agent.registeredWith(m)
	for deadline := time.Now().Add(patience); len(p.sent(TypePing)) < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no agentx-Ping-PDU")
		}
		if p.isClosed() {
			p = agent.registeredWith(m)
		}
	}
	hung <- true
	p.awaitClosed()
	<-hung
	agent.registeredWith(m)
}

// TestRegistration holds what is registered, in which contexts, and what
// becomes of what a master refuses.
func TestRegistration(t *testing.T) {
	var log bytes.Buffer
	m := newMaster(t, "unix")
	taken := mib.MustParseOID(scalar + ".2")
	m.reply = func(_ Header, v Payload) *Response {
		if r, ok := v.(*Register); ok {
			covers := r.Subtree == taken || r.RangeSubid != 0 && r.Subtree == mib.MustParseOID(scalar+".1")
			if covers && r.Context == "" {
				return &Response{Error: DuplicateRegistration}
			}
		}
		return &Response{}
	}
	tree := sample(t, nil)
	trees := contexts{"": tree, "blue": tree}
	agent := start(t, Config{
		Address: m.address, Handler: trees, Contexts: []string{"", "blue", "missing"}, Ranges: true, Priority: 42,
		ID: mib.MustParseOID("1.3.6.1.4.1.8072.9999"), Description: "a test", Timeout: 2500 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	p := m.accept(NetworkByteOrder)
	agent.await()
	if o := p.sent(TypeOpen)[0].Payload.(*Open); *o != (Open{Timeout: 3, ID: mib.MustParseOID("1.3.6.1.4.1.8072.9999"), Description: "a test"}) {
		t.Errorf("Open %+v", o)
	}
	show := func(list []received) (lines []string) {
		for _, r := range list {
			switch v := r.Payload.(type) {
			case *Register:
				if v.Priority != 42 || v.Timeout != 3 {
					t.Errorf("%+v", v)
				}
				lines = append(lines, fmt.Sprintf("%q %s %d %d %t", v.Context, v.Subtree, v.RangeSubid, v.UpperBound, r.Flags&InstanceRegistration != 0))
			case *Unregister:
				lines = append(lines, fmt.Sprintf("%q %s %d %d", v.Context, v.Subtree, v.RangeSubid, v.UpperBound))
			}
		}
		return lines
	}
	want := []string{
		`"" S.1 11 2 false`, `"" S.1 0 0 false`, `"" S.2 0 0 false`, `"" S.1.0 11 2 true`,
		`"" T 0 0 false`, `"" T.1.1 0 0 false`, `"" T.1.3 0 0 false`,
		`"" L.1 0 0 false`, `"" L.1.0 0 0 true`,
		`"blue" S.1 11 2 false`, `"blue" T 0 0 false`, `"blue" L.1 0 0 false`,
	}
	short := strings.NewReplacer(scalar, "S", table, "T", last, "L")
	if got := short.Replace(strings.Join(show(p.sent(TypeRegister)), "\n")); got != strings.Join(want, "\n") {
		t.Errorf("registered\n%s", got)
	}
	for _, part := range []string{"duplicateRegistration", scalar + ".2", "object=sample", "context=missing"} {
		if n := strings.Count(log.String(), part); n != 1 {
			t.Errorf("the log says %q %d times:\n%s", part, n, log.String())
		}
	}
	if n := len(p.sent(TypeAddAgentCaps)); n != 2 {
		t.Errorf("%d rows of sysORTable", n)
	}

	// Contexts that go, and a tree that has less.
	trees["blue"] = newTree(t, groupNode(testGroup("last", last, 1)))
	if err := agent.SetContexts(t.Context(), "blue"); err != nil {
		t.Fatal(err)
	}
	got := short.Replace(strings.Join(show(p.sent(TypeUnregister)), "\n"))
	for _, line := range []string{`"blue" S.1 11 2`, `"blue" T 0 0`, `"" S.1 0 0`, `"" L.1.0 0 0`} {
		if !strings.Contains(got+"\n", line+"\n") {
			t.Errorf("%s is still registered; unregistered\n%s", line, got)
		}
	}
	if strings.Contains(got, `"blue" L`) || strings.Contains(got, `"" S.2`) {
		t.Errorf("unregistered\n%s", got)
	}
	if list := p.sent(TypeRemoveAgentCaps); len(list) != 1 || list[0].Payload.(*RemoveAgentCaps).Context != "" {
		t.Errorf("removed of sysORTable: %v", list)
	}
	blue := &Get{Context: "blue", Ranges: oids(last+".1.0", scalar+".1.0")}
	wantText(t, p.ask(blue), last+".1.0"+fmt.Sprint(" INTEGER: ", ours), scalar+".1.0 noSuchObject")

	agent.stop()
	if list := p.sent(TypeClose); len(list) != 1 || list[0].Payload.(*Close).Reason != ReasonShutdown {
		t.Errorf("closed: %v", list)
	}
}

func TestNotify(t *testing.T) {
	m := newMaster(t, "unix")
	m.reply = func(_ Header, v Payload) *Response {
		if n, ok := v.(*Notify); ok && n.Context == "refused" {
			return &Response{SysUpTime: 20_00, Error: ProcessingError, Index: 2}
		}
		return &Response{SysUpTime: 20_00}
	}
	before := time.Now()
	log := &lines{said: make(chan string, 100)}
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil), Log: slog.New(slog.NewTextHandler(log, nil))})
	if e := agent.Epoch(); e.Before(before) || e.After(time.Now()) {
		t.Errorf("epoch %v before there is a master", e)
	}
	happened := func(at time.Time, index uint32) mib.Notification {
		return mib.Notification{Type: mib.MustParseOID("1.3.6.1.6.3.1.1.5.3"), At: at,
			Objects: []mib.Binding{{Object: mib.MustParseOID("1.3.6.1.2.1.2.2.1.1"), Index: mib.MakeOID(index), Value: mib.Int(int32(index))}}}
	}
	// While there is no master, the latest wait, but not those of long ago.
	agent.Notify("", happened(before, 1))
	for range maxNotifications - 2 {
		agent.Notify("", happened(before.Add(-notificationLife-time.Second), 2))
	}
	agent.Notify("", happened(before.Add(-10*time.Second), 3))
	agent.Notify("refused", happened(before, 4))
	p := m.accept(NetworkByteOrder)
	agent.await()
	if e := time.Since(agent.Epoch()) - 20*time.Second; e < 0 || e > time.Since(before)+time.Second {
		t.Errorf("epoch is %v off", e)
	}
	agent.Notify("there", happened(agent.Epoch(), 5))
	p.await(TypeNotify, 3)
	list := p.sent(TypeNotify)
	for i, want := range []struct{ context, index string }{{"", "3"}, {"refused", "4"}, {"there", "5"}} {
		n := list[i].Payload.(*Notify)
		if n.Context != want.context || len(n.Bindings) != 3 || n.Bindings[0].Name().String() != "1.3.6.1.2.1.1.3.0" {
			t.Fatalf("notification %d is %+v", i, n)
		}
		wantText(t, &Response{Bindings: n.Bindings[1:]},
			"1.3.6.1.6.3.1.1.4.1.0 OBJECT IDENTIFIER: 1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1."+want.index+" INTEGER: "+want.index)
	}
	// The first of these happened 10 s before the master said 20.
	up := func(i int) uint64 { return list[i].Payload.(*Notify).Bindings[0].Value.Uint() }
	if off := int64(up(1)) - int64(up(0)); off != 10_00 || up(2) != 0 || up(0) > 10_00 {
		t.Errorf("sysUpTime is %d, %d, %d", up(0), up(1), up(2))
	}
	log.await(t, "notifications are dropped")
	log.await(t, "notifications were dropped", fmt.Sprint("dropped=", maxNotifications-1))
	log.await(t, "refuses a notification", "1.3.6.1.6.3.1.1.5.3", "processingError")
}

// TestNotifyAgain holds that what a master did not answer is sent to the next.
func TestNotifyAgain(t *testing.T) {
	m := newMaster(t, "unix")
	answering := make(chan bool, 1)
	answering <- false
	m.reply = func(_ Header, v Payload) *Response {
		if _, ok := v.(*Notify); ok {
			now := <-answering
			answering <- now
			if !now {
				return nil
			}
		}
		return &Response{SysUpTime: 100}
	}
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil)})
	p := m.accept(NetworkByteOrder)
	agent.await()
	n := mib.Notification{Type: mib.MustParseOID("1.3.6.1.6.3.1.1.5.1"), At: time.Now()}
	agent.Notify("", n)
	p.await(TypeNotify, 1)
	<-answering
	answering <- true
	p.conn.Close()
	p = m.accept(NetworkByteOrder)
	p.await(TypeNotify, 1)
	agent.Notify("", n)
	p.await(TypeNotify, 2)
}

// TestNotifyNeverAnswered holds that a notification by which a session ends is sent to one
// more master at most, and that others are sent behind it.
func TestNotifyNeverAnswered(t *testing.T) {
	m := newMaster(t, "unix")
	bad, good := mib.MustParseOID("1.3.6.1.6.3.1.1.5.1"), mib.MustParseOID("1.3.6.1.6.3.1.1.5.3")
	of := func(v Payload) mib.OID { return v.(*Notify).Bindings[1].Value.OID() }
	m.reply = func(_ Header, v Payload) *Response {
		if v.Type() == TypeNotify && of(v) == bad {
			return nil
		}
		return &Response{SysUpTime: 100}
	}
	log := &lines{said: make(chan string, 1000)}
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil), ResponseTimeout: 100 * time.Millisecond,
		PingInterval: time.Hour, Log: slog.New(slog.NewTextHandler(log, nil))})
	p := agent.registeredWith(m)
	agent.Notify("", mib.Notification{Type: bad, At: time.Now()})
	agent.Notify("", mib.Notification{Type: good, At: time.Now()})
	tries := 0
	for reached := false; !reached; p = agent.registeredWith(m) {
		nstest.Eventually(t, func() string {
			sent := p.sent(TypeNotify)
			if reached = len(sent) > 0 && of(sent[0].Payload) == good; reached || p.isClosed() {
				return ""
			}
			return "the session lasts, and nothing is sent in it"
		})
		if reached {
			break
		}
		for _, n := range p.sent(TypeNotify) {
			if of(n.Payload) == bad {
				tries++
			}
		}
	}
	if tries == 0 || tries > maxNotifyTries {
		t.Errorf("it was sent %d times", tries)
	}
}

func TestEpoch(t *testing.T) {
	now := time.Now()
	e := epoch{zero: now}
	at := func(d time.Duration) time.Time { return now.Add(d) }
	for i, step := range []struct {
		sysUpTime uint32
		after     time.Duration
		zero      time.Duration
	}{
		{1000, 0, -10 * time.Second},                                                // the first
		{1099, time.Second, -10 * time.Second},                                      // late by rounding
		{1200, 1995 * time.Millisecond, -10*time.Second - 5*time.Millisecond},       // better
		{5, 100 * time.Second, 100*time.Second - 50*time.Millisecond},               // a new master
		{1 << 31, 200 * time.Second, 200*time.Second - (1<<31)*10*time.Millisecond}, // one that has been up for long
		{0, 200*time.Second + turn/2, 200*time.Second - turn/2},                     // a turn passed
		{100, 201*time.Second + turn/2, 200*time.Second - turn/2},
		{300, 202*time.Second + 3*turn/2, 199*time.Second - turn/2},   // another, and better
		{500, 205*time.Second + 5*turn/2, 199*time.Second - turn/2},   // two at once, late by rounding
		{500, 207*time.Second + 5*turn/2, 202*time.Second + 5*turn/2}, // a new master, after turns
	} {
		// Somebody sets the wall clock all the time.
		e.observe(step.sysUpTime, steppedclock.Step(t, at(step.after), time.Duration(i)*time.Hour))
		if got := e.get().Sub(now); got != step.zero {
			t.Errorf("%d after %v: %v, want %v", step.sysUpTime, step.after, got, step.zero)
		}
	}
}

// TestEpochOfSession holds that a session's epoch is its master's, also where
// the last master began hardly before.
func TestEpochOfSession(t *testing.T) {
	m := newMaster(t, "unix")
	var sysUpTime atomic.Uint32
	m.reply = func(Header, Payload) *Response { return &Response{SysUpTime: sysUpTime.Load()} }
	sysUpTime.Store(50)
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil)})
	p := m.accept(NetworkByteOrder)
	agent.await()
	sysUpTime.Store(0)
	restarted := time.Now()
	p.conn.Close()
	m.accept(NetworkByteOrder)
	agent.await()
	if e := agent.Epoch(); e.Before(restarted) {
		t.Errorf("the epoch is %v before the master's start", restarted.Sub(e))
	}
}

// TestRetry holds that refused registrations are tried again, few at a time
// and ever less often, until the master accepts them.
func TestRetry(t *testing.T) {
	t.Parallel()
	m := newMaster(t, "unix")
	var accepts atomic.Bool
	m.reply = func(_ Header, v Payload) *Response {
		r, ok := v.(*Register)
		switch {
		case !ok || accepts.Load():
			return &Response{}
		case r.Subtree.HasPrefix(mib.MustParseOID(last)):
			return &Response{Error: RequestDenied} // so that not everything is refused for one reason
		}
		return &Response{Error: DuplicateRegistration}
	}
	var log bytes.Buffer
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil),
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	begun := time.Now()
	p := m.accept(NetworkByteOrder)
	all := agent.await().refused
	if got := p.sent(TypeRegister); len(got) != all {
		t.Fatalf("%d registrations, %d refused", len(got), all)
	}
	if n := len(p.sent(TypeAddAgentCaps)); n != 0 {
		t.Errorf("%d rows of sysORTable for what is refused", n)
	}
	for len(p.sent(TypeRegister)) < all+maxProbes {
		if time.Since(begun) > patience {
			t.Fatal("nothing is tried again")
		}
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(begun); took < minRetry {
		t.Errorf("tried again after %v, want %v", took, minRetry)
	}
	accepts.Store(true)
	if got := agent.await(); got != (counts{all, 0}) {
		t.Errorf("%+v, want all %d", got, all)
	}
	if took := time.Since(begun); took < 3*minRetry {
		t.Errorf("tried again after %v, want %v", took, 3*minRetry)
	}
	tried := map[mib.OID]bool{}
	for _, r := range p.sent(TypeRegister)[all : all+maxProbes+1] {
		tried[r.Payload.(*Register).Subtree] = true
	}
	if len(tried) != maxProbes+1 {
		t.Errorf("tried %v, want others each time", tried)
	}
	if n := len(p.sent(TypeAddAgentCaps)); n != 1 {
		t.Errorf("%d rows of sysORTable", n)
	}
	if agent.catalog.retry.Stop() {
		t.Error("it would go on trying")
	}
	agent.stop()
	for text, want := range map[string]int{
		"level=WARN":             1,
		"refuses registrations":  1,
		"refuses a registration": all,
		"requestDenied":          2,
	} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("the log says %q %d times, want %d:\n%s", text, n, want, log.String())
		}
	}
}

// TestPartRefused holds that a module with anything accepted has its row in
// sysORTable, and that few refusals are named.
func TestPartRefused(t *testing.T) {
	m := newMaster(t, "unix")
	m.reply = func(_ Header, v Payload) *Response {
		if r, ok := v.(*Register); ok && r.Subtree.HasPrefix(mib.MustParseOID(table)) {
			return &Response{Error: DuplicateRegistration}
		}
		return &Response{}
	}
	var log bytes.Buffer
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil), Log: slog.New(slog.NewTextHandler(&log, nil))})
	p := m.accept(NetworkByteOrder)
	if got := agent.await(); got != (counts{6, 3}) {
		t.Errorf("%+v", got)
	}
	if n := len(p.sent(TypeAddAgentCaps)); n != 1 {
		t.Errorf("%d rows of sysORTable", n)
	}
	p.conn.Close()
	m.accept(NetworkByteOrder)
	agent.await()
	agent.stop()
	if n := strings.Count(log.String(), "refuses a registration"); n != 3 {
		t.Errorf("%d refusals are named, want 3, once:\n%s", n, log.String())
	}
}

// TestLost holds that the log tells a lost session from a master that opens
// none, and both from none.
func TestLost(t *testing.T) {
	m := newMaster(t, "unix")
	var fails atomic.Bool
	m.reply = func(Header, Payload) *Response {
		if fails.Load() {
			return &Response{Error: OpenFailed}
		}
		return &Response{}
	}
	log := &lines{said: make(chan string, 100)}
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil), Log: slog.New(slog.NewTextHandler(log, nil))})
	p := m.accept(NetworkByteOrder)
	agent.await()
	fails.Store(true)
	p.conn.Close()
	log.await(t, "AgentX session lost", "the master agent closed the connection")
	m.accept(NetworkByteOrder)
	log.await(t, "the AgentX master opens no session", "openFailed")
	m.ln.Close()
	log.await(t, "no AgentX master", "is the master agent running")
}

// lines is a log whose lines can be waited for.
type lines struct{ said chan string }

func (l *lines) Write(b []byte) (int, error) {
	l.said <- string(b)
	return len(b), nil
}

// await waits for the next warning, which must have the parts.
func (l *lines) await(t testing.TB, parts ...string) {
	t.Helper()
	for {
		select {
		case line := <-l.said:
			if !strings.Contains(line, "level=WARN") {
				continue
			}
			for _, part := range parts {
				if !strings.Contains(line, part) {
					t.Errorf("the log says %s, want %q", line, part)
				}
			}
			return
		case <-time.After(patience):
			t.Fatalf("the log does not say %q", parts)
		}
	}
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no handler")
	}
	h := sample(t, nil)
	if _, err := New(Config{Handler: h, Address: "udp:127.0.0.1"}); err == nil {
		t.Error("udp")
	}
	if _, err := New(Config{Handler: h, Timeout: time.Hour}); err == nil {
		t.Error("an hour")
	}
	if _, err := New(Config{Handler: h}); err != nil {
		t.Error(err)
	}
}

func TestParseAddress(t *testing.T) {
	long := "/" + strings.Repeat("x", maxUnixPath-1)
	for in, want := range map[string]string{
		"unix:/var/agentx/master": "unix /var/agentx/master",
		"/var/agentx/master":      "unix /var/agentx/master",
		"unix:master":             "unix master",
		"/run/a:b":                "unix /run/a:b",
		long:                      "unix " + long,
		"tcp:localhost:705":       "tcp localhost:705",
		"tcp:localhost":           "tcp localhost:705",
		"tcp:192.0.2.1":           "tcp 192.0.2.1:705",
		"tcp:host-1.example.:1":   "tcp host-1.example.:1",
		"tcp:localhost:65535":     "tcp localhost:65535",
		"tcp:localhost:0705":      "tcp localhost:705",
		"tcp:[::1]:7050":          "tcp [::1]:7050",
		"tcp:[fe80::1%eth0]:705":  "tcp [fe80::1%eth0]:705",
		"tcp4:192.0.2.1:705":      "tcp4 192.0.2.1:705",
		"tcp6:[::1]":              "tcp6 [::1]:705",
		"tcpv6:[::1]:705":         "tcp6 [::1]:705",
		"tcpipv6:[::1]:705":       "tcp6 [::1]:705",
		"TCP:localhost:705":       "tcp localhost:705",
		// net-snmp's master listens at localhost for these.
		"tcp:705":  "tcp localhost:705",
		"tcp::705": "tcp localhost:705",
	} {
		network, address, err := ParseAddress(in)
		if got := network + " " + address; err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                       "neither unix:PATH nor tcp:HOST:PORT",
		"localhost:705":          "neither unix:PATH nor tcp:HOST:PORT",
		"udp:localhost:705":      "neither unix:PATH nor tcp:HOST:PORT",
		"unix:":                  "no path",
		"/a\x00b":                "a NUL in the path",
		"/a,/b":                  "name one address",
		"unix:/a,tcp:705":        "name one address",
		long + "x":               "longer than the 107 octets",
		"tcp:":                   "no host and no port",
		"tcp::":                  "no host and no port",
		"tcp:localhost:99999":    `"99999" is not a port`,
		"tcp:99999":              `"99999" is not a port`,
		"tcp:localhost:0":        `"0" is not a port`,
		"tcp:localhost:-1":       `"-1" is not a port`,
		"tcp:localhost:":         `"" is not a port`,
		"tcp:localhost:agentx":   `"agentx" is not a port`,
		"tcp:localhost:705,/x":   "name one address",
		"tcp:localhost:705/x":    `"705/x" is not a port`,
		"tcp:::1":                "too many colons",
		"tcp:[::1":               "missing ']'",
		"tcp:[]:705":             `"" is neither`,
		"tcp:705:705":            `"705" is not an IP address`,
		"tcp:192.0.2.256:705":    `"192.0.2.256" is not an IP address`,
		"tcp:local host:705":     `"local host" is neither`,
		"tcp:/var/agentx/master": `"/var/agentx/master" is neither`,
		"tcp:a..b:705":           `"a..b" is neither`,
		"tcp4:[::1]:705":         "::1 is no address of tcp4",
		"tcp6:127.0.0.1:705":     "127.0.0.1 is no address of tcp6",
	} {
		network, address, err := ParseAddress(in)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", in)) {
			t.Errorf("%q: %q %q, %v, want %q", in, network, address, err, want)
		}
	}
}
