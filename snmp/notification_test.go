package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/steppedclock"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

var linkDown = mib.MustParseOID("1.3.6.1.6.3.1.1.5.3")

// happened is a notification with one object, whose value tells it from others.
func happened(at time.Time, number int32) mib.Notification {
	return mib.Notification{Type: linkDown, At: at, Objects: []mib.Binding{
		{Object: mib.MustParseOID("1.3.6.1.2.1.2.2.1.1"), Index: mib.MakeOID(uint32(number)), Value: mib.Int(number)},
	}}
}

// sink is a socket that notifications are sent to.
type sink struct {
	t testing.TB
	*net.UDPConn
	address TargetAddress
}

func newSink(t testing.TB, network, address string) *sink {
	t.Helper()
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenUDP(network, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	to := c.LocalAddr().(*net.UDPAddr).AddrPort()
	transport := UDP
	if to.Addr().Is6() {
		transport = UDP6
	}
	return &sink{t, c, TargetAddress{transport, to.Addr().String(), to.Port()}}
}

// next waits for a message.
func (s *sink) next() ([]byte, *net.UDPAddr) {
	s.t.Helper()
	s.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, math.MaxUint16)
	n, from, err := s.ReadFromUDP(buf)
	if err != nil {
		s.t.Fatal(err)
	}
	return buf[:n], from
}

// number is the value of the object that happened put into a notification.
func number(t testing.TB, a answered) string {
	t.Helper()
	if len(a.bindings) != 3 {
		t.Fatalf("%d variables: %v", len(a.bindings), a.bindings)
	}
	return a.bindings[2].hex
}

// acknowledge answers an inform.
func (s *sink) acknowledge(inform answered, status int32, to *net.UDPAddr) {
	s.t.Helper()
	if _, err := s.WriteToUDP(messageOf(1, inform.community, pduOf(0xa2, inform.id, status, 0, asked())), to); err != nil {
		s.t.Fatal(err)
	}
}

// newNotifier returns a server that listens nowhere and sends to the targets.
func newNotifier(t testing.TB, options Options, targets ...Target) *Server {
	t.Helper()
	options.Handler = newTestTree(t, 1)
	if options.Log == nil {
		options.Log = quiet
	}
	s, err := NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SetTargets(targets); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTrapV2(t *testing.T) {
	epoch := time.Now().Add(-time.Hour)
	for network, address := range map[string]string{"udp4": "127.0.0.1:0", "udp6": "[::1]:0"} {
		sink := newSink(t, network, address)
		s := newNotifier(t, Options{Epoch: func() time.Time { return epoch }}, Target{Address: sink.address, Version: SNMPv2c, Community: "traps"})
		s.Notify(happened(epoch.Add(5*time.Second), 7))
		message, _ := sink.next()
		a := readAnswer(t, message)
		if a.version != 1 || a.community != "traps" || a.kind != 0xa7 || a.status != 0 || a.index != 0 {
			t.Errorf("got %+v", a)
		}
		want := "[1.3.6.1.2.1.1.3.0=43:01f4 1.3.6.1.6.3.1.1.4.1.0=06:2b0601060301010503 1.3.6.1.2.1.2.2.1.1.7=02:07]"
		if got := fmt.Sprint(a.bindings); got != want {
			t.Errorf("variables\n%s, want\n%s", got, want)
		}
		eventually(t, "the counters", func() bool { return s.Statistics()[enginemib.OutTraps] == 1 && s.Statistics()[enginemib.OutPkts] == 1 })
	}
}

// TestSource holds that notifications are sent from the address that is wanted.
func TestSource(t *testing.T) {
	sink := newSink(t, "udp4", "127.0.0.1:0")
	for _, from := range []string{"127.0.0.7", "127.0.0.8"} {
		s := newNotifier(t, Options{}, Target{Address: sink.address, Version: SNMPv2c, Source: netip.MustParseAddr(from)})
		s.Notify(happened(time.Now(), 7))
		if _, sender := sink.next(); sender.IP.String() != from {
			t.Errorf("from %v, want %s", sender, from)
		}
	}
	wrong := Target{Address: sink.address, Version: SNMPv2c, Source: netip.IPv6Loopback()}
	if err := wrong.Check(nil); err == nil || !strings.Contains(err.Error(), "nothing is sent from ::1 over udp") {
		t.Errorf("IPv6 over udp: %v", err)
	}
}

// trapPDU is a Trap-PDU as the tests' decoder reads it.
type trapPDU struct {
	enterprise        string
	agent             netip.Addr
	generic, specific int32
	ticks             string
	bindings          []byte
}

func readTrap(t testing.TB, message []byte) (version int32, community string, trap trapPDU) {
	t.Helper()
	content, _ := cut(t, message, 0x30)
	version, content = cutNum(t, content)
	name, content := cut(t, content, 0x04)
	pdu, rest := cut(t, content, 0xa4)
	if len(rest) > 0 {
		t.Fatalf("%x follows the PDU", rest)
	}
	enterprise, pdu := cut(t, pdu, 0x06)
	agent, pdu := cut(t, pdu, 0x40)
	trap.enterprise = oidText(enterprise)
	trap.agent, _ = netip.AddrFromSlice(agent)
	trap.generic, pdu = cutNum(t, pdu)
	trap.specific, pdu = cutNum(t, pdu)
	ticks, pdu := cut(t, pdu, 0x43)
	trap.ticks = fmt.Sprintf("%x", ticks)
	if trap.bindings, rest = cut(t, pdu, 0x30); len(rest) > 0 {
		t.Fatalf("%x follows the variable bindings", rest)
	}
	return version, string(name), trap
}

func TestTrapV1(t *testing.T) {
	epoch := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		network, address string
		fixed            netip.Addr
		want             string
	}{
		{"udp4", "127.0.0.1:0", netip.Addr{}, "127.0.0.1"},
		{"udp6", "[::1]:0", netip.Addr{}, "0.0.0.0"},
		{"udp6", "[::1]:0", netip.MustParseAddr("192.0.2.9"), "192.0.2.9"},
	} {
		sink := newSink(t, c.network, c.address)
		s := newNotifier(t, Options{Epoch: func() time.Time { return epoch }}, Target{Address: sink.address, Version: SNMPv1, Community: "one", AgentAddress: c.fixed})
		s.Notify(happened(epoch.Add(5*time.Second), 7))
		message, _ := sink.next()
		version, community, trap := readTrap(t, message)
		if version != 0 || community != "one" || trap.enterprise != "1.3.6.1.6.3.1.1.5" || trap.agent.String() != c.want ||
			trap.generic != 2 || trap.specific != 0 || trap.ticks != "01f4" {
			t.Errorf("got version %d of %q, %+v", version, community, trap)
		}
		if want := varBind(oid("1.3.6.1.2.1.2.2.1.1.7"), num(7)); !bytes.Equal(trap.bindings, want) {
			t.Errorf("variables %x, want %x", trap.bindings, want)
		}
	}
}

// TestTranslation holds what RFC 3584, section 3.2, says of the parts of
// snmpTrapOID.0.
func TestTranslation(t *testing.T) {
	for trap, want := range map[string]string{
		"1.3.6.1.6.3.1.1.5.1":         "1.3.6.1.6.3.1.1.5 0 0",
		"1.3.6.1.6.3.1.1.5.6":         "1.3.6.1.6.3.1.1.5 5 0",
		"1.3.6.1.6.3.1.1.5.7":         "1.3.6.1.6.3.1.1.5 6 7",
		"1.3.6.1.6.3.1.1.5.0":         "1.3.6.1.6.3.1.1.5 6 0",
		"1.3.6.1.4.1.8072.4.0.2":      "1.3.6.1.4.1.8072.4 6 2",
		"1.3.6.1.4.1.8072.4.3.2":      "1.3.6.1.4.1.8072.4.3 6 2",
		"1.3.6.1.4.1.9.4294967295":    "1.3.6.1.4.1.9 6 4294967295",
		"1.3.6.1.4.1.9.0.4294967295":  "1.3.6.1.4.1.9 6 4294967295",
		"1.3.6.1.6.3.1.1.5.1.1":       "1.3.6.1.6.3.1.1.5.1 6 1",
		"1.3.6.1.2.1.17.0.1":          "1.3.6.1.2.1.17 6 1",
		"1.3.6.1.4.1.32473.0.0.12345": "1.3.6.1.4.1.32473.0 6 12345",
	} {
		enterprise, generic, specific := translateTrap(mib.MustParseOID(trap))
		if got := fmt.Sprint(enterprise, generic, specific); got != want {
			t.Errorf("%s: %s, want %s", trap, got, want)
		}
	}

	at := time.Now()
	message := func(n mib.Notification, version Version) ([]byte, error) {
		to := &Target{Version: version}
		message, _, err := notificationMessage(newCommunityOutgoing(to, new(atomic.Pointer[ContextCommunities])), to, 1, told{variables: n.Variables(at)}, loopback, maxDatagram)
		return message, err
	}
	enterprise := mib.Binding{Object: mib.MustParseOID("1.3.6.1.6.3.1.1.4.3"), Index: mib.MakeOID(0), Value: mib.OIDValue(mib.MustParseOID("1.3.6.1.4.1.99"))}
	m, err := message(mib.Notification{Type: linkDown, At: at, Objects: []mib.Binding{enterprise}}, SNMPv1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, trap := readTrap(t, m); trap.enterprise != "1.3.6.1.4.1.99" || trap.generic != 2 {
		t.Errorf("with snmpTrapEnterprise.0: %+v", trap)
	}
	counter := mib.Notification{Type: linkDown, At: at, Objects: []mib.Binding{{Object: linkDown, Index: mib.MakeOID(0), Value: mib.Count64(1)}}}
	if _, err := message(counter, SNMPv1); !errors.Is(err, errCounter64) {
		t.Errorf("a Counter64 in SNMPv1: %v", err)
	}
	if _, err := message(counter, SNMPv2c); err != nil {
		t.Errorf("a Counter64 in SNMPv2c: %v", err)
	}
	// Its enterprise would be a single sub-identifier, which has no encoding.
	short := mib.Notification{Type: mib.MakeOID(1, 3), At: at}
	if _, err := message(short, SNMPv1); !errors.As(err, new(*encodingError)) {
		t.Errorf("a trap of two sub-identifiers in SNMPv1: %v", err)
	}
	if _, err := message(short, SNMPv2c); err != nil {
		t.Errorf("a trap of two sub-identifiers in SNMPv2c: %v", err)
	}
	for name, n := range map[string]mib.Notification{
		"name": {Type: linkDown, Objects: []mib.Binding{{Object: mib.MakeOID(3), Value: mib.Int(1)}}},
		"type": {Type: mib.MakeOID(1, 40)},
		"size": {Type: linkDown, Objects: []mib.Binding{{Object: linkDown, Value: mib.Octets(strings.Repeat("x", maxDatagram))}}},
	} {
		if m, err := message(n, SNMPv2c); err == nil {
			t.Errorf("%s: a message of %d octets", name, len(m))
		}
	}
}

// TestInform holds that an inform is sent again, the same, until it is
// acknowledged, and no longer.
func TestInform(t *testing.T) {
	sink := newSink(t, "udp4", "127.0.0.1:0")
	log := newRecords()
	s := newNotifier(t, Options{Log: slog.New(log)}, Target{
		Address: sink.address, Version: SNMPv2c, Community: "informs", Inform: true, Timeout: 20 * time.Millisecond, Retries: 1 << 20,
	})
	s.Notify(happened(time.Now(), 1))
	first, _ := sink.next()
	a := readAnswer(t, first)
	if a.version != 1 || a.community != "informs" || a.kind != 0xa6 || number(t, a) != "01" {
		t.Errorf("got %+v", a)
	}
	again, from := sink.next()
	if !bytes.Equal(first, again) {
		t.Errorf("sent %x, and then %x", first, again)
	}
	wait := func(what string, ok func(enginemib.Statistics) bool) {
		t.Helper()
		eventually(t, what, func() bool { return ok(s.Statistics()) })
	}
	// What is no acknowledgement of it changes nothing.
	for _, junk := range [][]byte{
		{0x30, 0x05, 0x02},
		messageOf(1, "others", pduOf(0xa2, a.id, 0, 0, asked())),
		messageOf(0, "informs", pduOf(0xa2, a.id, 0, 0, asked())),
		messageOf(3, "informs", pduOf(0xa2, a.id, 0, 0, asked())),
		messageOf(1, "informs", pduOf(0xa7, a.id, 0, 0, asked())),
		messageOf(1, "informs", pduOf(0xa2, a.id+1, 0, 0, asked())),
		messageOf(1, "informs", tlv(0xa2, num(a.id))),
	} {
		if _, err := sink.WriteToUDP(junk, from); err != nil {
			t.Fatal(err)
		}
	}
	wait("the junk to arrive", func(s enginemib.Statistics) bool {
		return s[enginemib.InPkts] == 7 && s[enginemib.InASNParseErrs] == 2 && s[enginemib.InBadCommunityNames] == 1 && s[enginemib.InBadVersions] == 1 && s[enginemib.UnknownPDUHandlers] == 2
	})
	sink.next()
	if got := s.Statistics(); got[enginemib.InGetResponses] != 0 || got[enginemib.OutTraps] != 0 {
		t.Errorf("%+v", got)
	}
	sink.acknowledge(a, 0, from)
	wait("the acknowledgement", func(s enginemib.Statistics) bool { return s[enginemib.InGetResponses] == 1 })
	// What was sent before is answered a second time at most: then the next
	// has another number.
	s.Notify(happened(time.Now(), 2))
	var next answered
	for next = a; next.id == a.id; {
		var message []byte
		message, from = sink.next()
		next = readAnswer(t, message)
	}
	if number(t, next) != "02" {
		t.Errorf("got %+v", next)
	}
	sink.acknowledge(next, int32(mib.GenErr), from)
	wait("the error", func(s enginemib.Statistics) bool {
		return s[enginemib.InGetResponses] == 2 && s[enginemib.InGenErrs] == 1
	})
	if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "with an error") {
		t.Errorf("warned of %q", got)
	}
	if got := s.Statistics(); got[enginemib.InformsUnacknowledged] != 0 || got[enginemib.NotificationsDropped] != 0 {
		t.Errorf("%+v", got)
	}
}

// TestReceiverIsAway holds that an inform is sent as often as it should be, and then, one at
// a time, until its receiver is back: that gets all that happened meanwhile, in order, by the
// request-ids that it may know.
func TestReceiverIsAway(t *testing.T) {
	const repetitions, happenings = 5, 40
	sink := newSink(t, "udp4", "127.0.0.1:0")
	log := newRecords()
	s := newNotifier(t, Options{Log: slog.New(log)}, Target{
		Address: sink.address, Version: SNMPv2c, Community: "informs", Inform: true, Timeout: 50 * time.Millisecond, Retries: repetitions,
	})
	s.Notify(happened(time.Now(), 1))
	var first answered
	for range repetitions + 1 {
		message, _ := sink.next()
		first = readAnswer(t, message)
	}
	eventually(t, "the warning", func() bool { return len(log.at(slog.LevelWarn)) > 0 })
	if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "not acknowledged") {
		t.Errorf("warned of %q", got)
	}
	for n := int32(2); n <= happenings; n++ {
		s.Notify(happened(time.Now(), n))
	}
	// It looks for the receiver by the oldest alone.
	message, from := sink.next()
	again := readAnswer(t, message)
	if again.id != first.id || number(t, again) != "01" {
		t.Errorf("got %+v, want %+v again", again, first)
	}
	sink.acknowledge(again, 0, from)
	seen := map[string]bool{number(t, again): true}
	for last := "01"; len(seen) < happenings; {
		message, from := sink.next()
		a := readAnswer(t, message)
		if n := number(t, a); !seen[n] {
			if n <= last {
				t.Errorf("%s comes after %s", n, last)
			}
			seen[n], last = true, n
		}
		sink.acknowledge(a, 0, from)
	}
	eventually(t, "the acknowledgements", func() bool { return s.Statistics()[enginemib.InGetResponses] == happenings })
	if got := s.Statistics(); got[enginemib.InformsUnacknowledged] != 0 || got[enginemib.NotificationsDropped] != 0 {
		t.Errorf("%+v", got)
	}
}

// TestStreamIsNotRepeatedOn holds that an inform is sent once on a connection, and that a
// receiver which takes connections and acknowledges nothing is asked by one inform at a time.
func TestStreamIsNotRepeatedOn(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newNotifier(t, Options{}, Target{
		Address: TargetAddress{TCP, "127.0.0.1", netip.MustParseAddrPort(l.Addr().String()).Port()}, Version: SNMPv2c, Community: "x", Inform: true,
		Timeout: 100 * time.Millisecond, Retries: 2,
	})
	const happenings = 8
	for n := range int32(happenings) {
		s.Notify(happened(time.Now(), n))
	}
	var last answered
	for turn, want := range []int{happenings, 1, 1} {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patience))
		for n := range want {
			if last = receive(t, c); number(t, last) != fmt.Sprintf("%02x", n) {
				t.Errorf("connection %d: %d is %+v", turn, n, last)
			}
		}
		if turn < 2 {
			if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("connection %d: %d octets more, %v", turn, n, err)
			}
			c.Close()
			continue
		}
		defer c.Close()
		for n := range happenings {
			send(t, c, messageOf(1, "x", pduOf(0xa2, last.id, 0, 0, asked())))
			if n < happenings-1 {
				last = receive(t, c)
			}
		}
	}
	eventually(t, "the acknowledgements", func() bool { return s.Statistics()[enginemib.InGetResponses] == happenings })
}

// TestLatestWait holds that the latest wait for a receiver that is away, and how many are
// dropped.
func TestLatestWait(t *testing.T) {
	d := newDestination(&engine{log: slog.New(slog.DiscardHandler)}, nil, nil, Target{})
	const more = 10
	for n := range maxQueued {
		d.put(told{variables: []mib.Binding{{Value: mib.Int(int32(n))}}})
	}
	for range more {
		first, _ := d.next()
		d.informs = append(d.informs, &inform{told: first})
	}
	for n := range more / 2 {
		d.put(told{variables: []mib.Binding{{Value: mib.Int(int32(maxQueued + n))}}})
	}
	d.takeBack()
	if first, _ := d.next(); first.variables[0].Value != mib.Int(more/2) || d.waiting() != maxQueued-1 || d.dropped.Load() != more/2 {
		t.Errorf("the first is %v of %d, %d were dropped", first, d.waiting()+1, d.dropped.Load())
	}
}

// TestDeadTargetKeepsNobody holds that a storm of notifications reaches a target
// that takes them while another takes none, for which no more wait than may, and
// that it gets the latest when it comes back.
func TestDeadTargetKeepsNobody(t *testing.T) {
	const storm = maxQueued + 3000
	dead, alive := newSink(t, "udp4", "127.0.0.1:0"), newSink(t, "udp4", "127.0.0.1:0")
	log := newRecords()
	s := newNotifier(t, Options{Log: slog.New(log)},
		Target{Address: dead.address, Version: SNMPv2c, Community: "dead", Inform: true, Timeout: time.Hour, Retries: 5},
		Target{Address: alive.address, Version: SNMPv2c, Community: "alive"},
	)
	// The socket's buffer holds a few hundred.
	const batch = 100
	for n := range storm {
		s.Notify(happened(time.Now(), int32(n)))
		if n%batch == batch-1 {
			for i := range batch {
				message, _ := alive.next()
				if got, want := number(t, readAnswer(t, message)), fmt.Sprintf("%x", num(int32(n - batch + 1 + i))[2:]); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
		}
	}
	const kept = maxOutstanding + maxQueued
	eventually(t, "the queue to be full", func() bool { return s.Statistics()[enginemib.NotificationsDropped] == storm-kept })
	if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "dropped") {
		t.Errorf("warned of %q", got)
	}
	seen := 0
	for want := 0; seen < kept; seen++ {
		message, from := dead.next()
		a := readAnswer(t, message)
		if got := number(t, a); got != fmt.Sprintf("%x", num(int32(want))[2:]) {
			t.Fatalf("message %d tells of %s, want %d", seen, got, want)
		}
		dead.acknowledge(a, 0, from)
		if want++; want == maxOutstanding { // the rest was sent last
			want = storm - maxQueued
		}
	}
	eventually(t, "the acknowledgements", func() bool { return s.Statistics()[enginemib.InGetResponses] == kept })
}

// TestBurstIsKept has all ports of a large host go down and up before anything is sent.
func TestBurstIsKept(t *testing.T) {
	const burst = 10_000
	d := newDestination(nil, nil, nil, Target{})
	for n := range burst {
		d.put(told{variables: []mib.Binding{{Value: mib.Int(int32(n))}}})
	}
	for n := range burst {
		if got, ok := d.next(); !ok || got.variables[0].Value != mib.Int(int32(n)) {
			t.Fatalf("notification %d is %v", n, got)
		}
	}
	if got, ok := d.next(); ok || d.waiting() != 0 {
		t.Errorf("there is still %v", got)
	}
}

// TestTargetComesLate holds that what happened while a target could not be
// reached is sent when it can be.
func TestTargetComesLate(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	port := netip.MustParseAddrPort(at).Port()
	log := newRecords()
	s := newNotifier(t, Options{Log: slog.New(log)},
		Target{Address: TargetAddress{TCP, "localhost", port}, Version: SNMPv2c, Community: "late", Inform: true, Retries: 5})
	s.Notify(happened(time.Now(), 1))
	s.Notify(happened(time.Now(), 2))
	eventually(t, "a warning", func() bool { return len(log.at(slog.LevelWarn)) == 1 })
	if l, err = net.Listen("tcp4", at); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accept := func() net.Conn {
		l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patience))
		return c
	}
	c := accept()
	one, two := receive(t, c), receive(t, c)
	if number(t, one) != "01" || number(t, two) != "02" {
		t.Errorf("got %+v and %+v", one, two)
	}
	// A connection that ends before the acknowledgement is made anew.
	send(t, c, messageOf(1, "late", pduOf(0xa2, one.id, 0, 0, asked())))
	eventually(t, "the acknowledgement", func() bool { return s.Statistics()[enginemib.InGetResponses] == 1 })
	c.Close()
	c = accept()
	defer c.Close()
	if again := receive(t, c); again.id != two.id {
		t.Errorf("got %+v, want the one that was not acknowledged", again)
	}
	send(t, c, messageOf(1, "late", pduOf(0xa2, two.id, 0, 0, asked())))
	eventually(t, "the acknowledgement", func() bool { return s.Statistics()[enginemib.InGetResponses] == 2 })
	if got := log.at(slog.LevelInfo); !slices.Contains(got, "notifications are sent again") {
		t.Errorf("informed of %q", got)
	}
}

// TestNobodyListens holds that a datagram that is refused costs nothing but
// itself.
func TestNobodyListens(t *testing.T) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(c.LocalAddr().String())
	c.Close()
	log := newRecords()
	s := newNotifier(t, Options{Log: slog.New(log)}, Target{Address: TargetAddress{UDP, "127.0.0.1", to.Port()}, Version: SNMPv2c})
	for n := range uint64(20) {
		s.Notify(happened(time.Now(), int32(n)))
		eventually(t, "it to be sent", func() bool { return s.Statistics()[enginemib.OutTraps] == n+1 })
	}
	eventually(t, "a warning", func() bool { return len(log.at(slog.LevelWarn)) > 0 })
	if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "not received") {
		t.Errorf("warned of %q", got)
	}
}

func TestSetTargets(t *testing.T) {
	kept, gone, added := newSink(t, "udp4", "127.0.0.1:0"), newSink(t, "udp4", "127.0.0.1:0"), newSink(t, "udp4", "127.0.0.1:0")
	to := func(s *sink, community string) Target {
		return Target{Address: s.address, Version: SNMPv2c, Community: Secret(community), Inform: true, Timeout: time.Hour}
	}
	s := newNotifier(t, Options{}, to(kept, "kept"), to(gone, "gone"))
	for n := range int32(100) {
		s.Notify(happened(time.Now(), n))
	}
	for range maxOutstanding {
		kept.next()
		gone.next()
	}
	if err := s.SetTargets([]Target{to(added, "added"), to(kept, "kept")}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what waited for the target that is gone to be dropped", func() bool { return s.Statistics()[enginemib.NotificationsDropped] == 100 })
	for _, wrong := range []Target{
		{Address: kept.address, Version: SNMPv1, Inform: true},
		{Address: kept.address, Version: 3},
		{Address: kept.address, Version: SNMPv2c, Retries: -1},
		{Address: kept.address, AgentAddress: netip.IPv6Loopback()},
		{Address: kept.address, Community: Secret(strings.Repeat("x", math.MaxUint16))},
	} {
		if err := s.SetTargets([]Target{wrong}); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
	s.Notify(happened(time.Now(), 100))
	message, _ := added.next()
	if a := readAnswer(t, message); a.community != "added" || number(t, a) != "64" {
		t.Errorf("got %+v", a)
	}
	s.Close()
	if got := s.Statistics()[enginemib.NotificationsDropped]; got != 100+101+1 {
		t.Errorf("%d were dropped in the end", got)
	}
	gone.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, _, err := gone.ReadFromUDP(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the target that is gone got %d octets more, %v", n, err)
	}
}

// TestTargetsLeaveNothing holds that targets that come and go leave no goroutine
// behind.
func TestTargetsLeaveNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	sink := newSink(t, "udp4", "127.0.0.1:0")
	s := newNotifier(t, Options{})
	for n := range int32(50) {
		var targets []Target
		for i := range n % 5 {
			targets = append(targets, Target{
				Address: sink.address, Version: SNMPv2c, Community: Secret(fmt.Sprint(n, i)), Inform: true, Timeout: time.Hour,
			}, Target{Address: TargetAddress{TCP, "127.0.0.1", 1}, Community: Secret(fmt.Sprint(n))})
		}
		if err := s.SetTargets(targets); err != nil {
			t.Fatal(err)
		}
		s.Notify(happened(time.Now(), n))
	}
	s.Close()
	eventually(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestAuthenticationFailure(t *testing.T) {
	told := make(chan netip.Addr, 100)
	s, addresses := startServer(t, Options{
		Handler: newTestTree(t, 1), AuthenticationFailure: func(source netip.Addr) { told <- source },
	}, "udp:127.0.0.1:0")
	c := dial(t, addresses[0], "127.0.0.5")
	for range 50 {
		send(t, c, getOf(1, "nobody", descrName))
	}
	eventually(t, "the messages", func() bool { return s.Statistics()[enginemib.InBadCommunityNames] == 50 })
	if source := <-told; source != netip.MustParseAddr("127.0.0.5") {
		t.Errorf("told of %v", source)
	}
	e := &s.engine
	last := e.failure.last
	for len(told) > 0 { // the messages may have taken more than a second
		<-told
	}
	e.failedAuthentication(loopback, last.Add(failureInterval-1))
	if len(told) != 0 {
		t.Error("told twice within a second")
	}
	e.failedAuthentication(loopback, last.Add(failureInterval))
	if len(told) != 1 {
		t.Error("not told after a second")
	}
	// Whatever is done to the wall clock.
	for i, by := range []time.Duration{-time.Hour, time.Hour, -24 * time.Hour} {
		now := steppedclock.Step(t, last, by).Add(time.Duration(2+i) * failureInterval)
		e.failedAuthentication(loopback, now.Add(-1))
		if e.failedAuthentication(loopback, now); len(told) != 2+i {
			t.Errorf("after a step of %v: told %d times, want %d", by, len(told), 2+i)
		}
	}
}

func TestBulkLimits(t *testing.T) {
	tree := newTestTree(t, 60)
	m := model(walkOf(t, tree, false))
	for _, c := range []struct{ repetitions, variables, names, asked, want int }{
		{0, 0, 1, 40, 40},
		{-1, -1, 1, 40, 40},
		{10, 0, 1, 40, 10},
		{10, 0, 3, 40, 10},
		{0, 100, 3, 40, 33},
		{0, 100, 3, 33, 33},
		{0, 100, 1, 40, 40},
		{5, 100, 3, 40, 5},
		{50, 9, 3, 40, 3},
		{0, 2, 3, 40, 1}, // one repetition, as GETNEXT would give
		{1, 1, 1, 40, 1},
		{1, 1, 1, 0, 0},
		{1, 1, 1, -1, 0},
	} {
		s, err := NewServer(Options{Handler: tree, Communities: anywhere, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		s.SetBulkLimits(c.repetitions, c.variables)
		list := []string{tableEntry + ".2", tableEntry + ".3", tableEntry + ".4"}[:c.names]
		var names []mib.OID
		for _, name := range list {
			names = append(names, mib.MustParseOID(name))
		}
		for nonRepeaters := range 2 {
			request := messageOf(1, "public", pduOf(0xa5, 1, int32(nonRepeaters), int32(c.asked), asked(append(slices.Repeat([]string{descrName}, nonRepeaters), list...)...)))
			a := ask(t, newDispatcher(&s.engine), request, noLimit)
			all := append(slices.Repeat([]mib.OID{mib.MustParseOID(descrName)}, nonRepeaters), names...)
			if want := m.bulk(nonRepeaters, c.want, all); a == nil || fmt.Sprint(a.bindings) != fmt.Sprint(want) {
				t.Errorf("%+v: got %d variables, want %d", c, len(a.bindings), len(want))
			}
		}
	}
}

// FuzzAcknowledgement holds that nothing that a target sends does harm, and that
// only what has the number of an inform ends it.
func FuzzAcknowledgement(f *testing.F) {
	const id = 0x01020304
	f.Add(messageOf(1, "c", pduOf(0xa2, id, 0, 0, asked("1.3.6.1.2.1.1.3.0"))))
	f.Add(messageOf(1, "c", pduOf(0xa2, id, 5, 1, asked())))
	f.Add(messageOf(0, "c", pduOf(0xa2, id, 0, 0, asked())))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	s, err := NewServer(Options{Handler: newTestTree(f, 1), Log: quiet})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	number := []byte{0x01, 0x02, 0x03, 0x04}
	f.Fuzz(func(t *testing.T, message []byte) {
		d := newDestination(&s.engine, &s.options, nil, Target{Version: SNMPv2c, Community: "c", Inform: true})
		d.informs = []*inform{{told: told{requestID: id}}}
		before := s.Statistics()
		d.receive(message)
		after := s.Statistics()
		if after[enginemib.InPkts] != before[enginemib.InPkts]+1 {
			t.Fatal("not counted")
		}
		acknowledged := after[enginemib.InGetResponses] - before[enginemib.InGetResponses]
		if len(d.informs) != 1-int(acknowledged) {
			t.Fatalf("%d acknowledgements, %d informs left", acknowledged, len(d.informs))
		}
		if acknowledged == 1 && !bytes.Contains(message, number) {
			t.Fatalf("%x acknowledges %x", message, number)
		}
	})
}

// Reading a stream must not depend on where it is cut.
func TestAcknowledgementsInPieces(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	d := newDestination(testEngine(t, newTestTree(t, 1), nil).engine, &Options{}, nil, Target{Address: TargetAddress{Transport: TCP}})
	received, failed := make(chan []byte), make(chan error, 1)
	go func() { failed <- d.read(t.Context(), near, received) }()
	one, two := messageOf(1, "a", pduOf(0xa2, 1, 0, 0, asked())), messageOf(1, "b", pduOf(0xa2, 2, 0, 0, asked(descrName)))
	stream := slices.Concat(one, two, one)
	go func() {
		for len(stream) > 0 {
			n := min(7, len(stream))
			far.Write(stream[:n])
			stream = stream[n:]
		}
		far.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, want := range [][]byte{one, two, one} {
		select {
		case got := <-received:
			if !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
		case <-ctx.Done():
			t.Fatal("nothing received")
		}
	}
	if err := <-failed; !errors.Is(err, io.EOF) {
		t.Errorf("error %v", err)
	}
}
