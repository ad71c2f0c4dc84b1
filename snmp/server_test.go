package snmp

import (
	"bytes"
	"context"
	"errors"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

const patience = nstest.Patience

// dial connects to an address, from a local one where that is given.
func dial(t testing.TB, a Address, from string) net.Conn {
	t.Helper()
	network := map[Transport]string{UDP: "udp4", UDP6: "udp6", TCP: "tcp4", TCP6: "tcp6"}[a.Transport]
	d := net.Dialer{Timeout: patience}
	if from != "" {
		ip := net.ParseIP(from)
		d.LocalAddr = &net.UDPAddr{IP: ip}
		if a.Transport == TCP || a.Transport == TCP6 {
			d.LocalAddr = &net.TCPAddr{IP: ip}
		}
	}
	c, err := d.DialContext(t.Context(), network, a.AddrPort.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t testing.TB, c net.Conn, message []byte) {
	t.Helper()
	if _, err := c.Write(message); err != nil {
		t.Fatal(err)
	}
}

// receive reads the next answer, from a stream as well.
func receive(t testing.TB, c net.Conn) answered {
	t.Helper()
	buf := make([]byte, maxStreamMessage)
	if _, ok := c.(*net.UDPConn); ok {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, buf[:n])
	}
	for n := 0; ; {
		size, problem := messageSize(buf[:n], len(buf))
		if problem != "" {
			t.Fatal(problem)
		}
		if size > 0 && n == size {
			return readAnswer(t, buf[:n])
		}
		want := n + 1
		if size > 0 {
			want = size
		}
		if _, err := io.ReadFull(c, buf[n:want]); err != nil {
			t.Fatal(err)
		}
		n = want
	}
}

func getOf(id int32, community string, names ...string) []byte {
	return messageOf(1, community, pduOf(0xa0, id, 0, 0, asked(names...)))
}

// eventually waits for what no event tells.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain waited for %s", what)
		}
	}
}

func TestSourceNetworks(t *testing.T) {
	tree := newTestTree(t, 3)
	s, addresses := startServer(t, Options{Handler: tree, Communities: []Community{
		{Name: "home", Source: netip.MustParsePrefix("127.0.0.0/24")},
		{Name: "away", Source: netip.MustParsePrefix("127.9.0.0/16")},
		{Name: "six", Source: netip.MustParsePrefix("::1/128")},
	}}, "udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp6:[::1]:0", "tcp6:[::1]:0")
	refused := uint64(0)
	for _, a := range addresses {
		for from, lets := range map[string]string{"127.0.0.1": "home", "127.0.0.2": "home", "127.9.8.7": "away", "127.10.0.1": "", "::1": "six"} {
			if netip.MustParseAddr(from).Is6() != a.Transport.IsIPv6() {
				continue
			}
			c := dial(t, a, from)
			if (a.Transport == TCP || a.Transport == TCP6) && lets == "" {
				if !isCut(c) {
					t.Errorf("%v: a connection from %s is not closed", a, from)
				}
				if got := s.Statistics()[enginemib.Refused]; got != 1 {
					t.Errorf("%d connections were refused", got)
				}
				continue
			}
			for _, community := range []string{"home", "away", "six"} {
				if community == lets {
					continue
				}
				send(t, c, getOf(1, community, descrName))
				refused++
				eventually(t, "the refusal", func() bool { return s.Statistics()[enginemib.InBadCommunityNames] == refused })
			}
			if lets != "" {
				send(t, c, getOf(7, lets, descrName))
				if got := receive(t, c); got.id != 7 || got.community != lets {
					t.Errorf("%v from %s: got %+v", a, from, got)
				}
			}
		}
	}
}

// TestAnswersFromWhereItWasAsked holds that a socket for all addresses answers
// from the one that the request was sent to: a connected socket takes no other.
func TestAnswersFromWhereItWasAsked(t *testing.T) {
	release := make(chan struct{})
	source := fresh.New(func(context.Context) ([]item, error) {
		<-release
		return testItems(1), nil
	})
	tree := newTreeOf(t, itemTable().Bind(source), scalarGroup().BindNow(func() scalars { return scalars{descr: "a test"} }))
	_, addresses := startServer(t, Options{Handler: tree}, "udp:0", "udp6:0")
	var waiting []net.Conn
	for i, to := range []string{"127.0.0.1", "127.0.0.5", "127.77.66.55", "::1"} {
		a := Address{UDP, netip.AddrPortFrom(netip.MustParseAddr(to), addresses[0].Port())}
		if a.Addr().Is6() {
			a = Address{UDP6, netip.AddrPortFrom(a.Addr(), addresses[1].Port())}
		}
		c := dial(t, a, "")
		send(t, c, getOf(int32(i), "public", tableEntry+".3.0.1.97"))
		waiting = append(waiting, c)
		for range 3 {
			c := dial(t, a, "")
			send(t, c, getOf(7, "public", descrName))
			if got := receive(t, c); got.id != 7 {
				t.Errorf("%s: got %+v", to, got)
			}
		}
	}
	close(release)
	for i, c := range waiting {
		if got := receive(t, c); got.id != int32(i) || got.bindings[0].tag != 0x46 {
			t.Errorf("%v: got %+v", c.RemoteAddr(), got)
		}
	}
}

// TestNobodyWaitsBehind holds that requests for what is at hand are answered
// while others wait, and that no more wait than may.
func TestNobodyWaitsBehind(t *testing.T) {
	for _, transport := range []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0"} {
		t.Run(transport, func(t *testing.T) {
			release := make(chan struct{})
			source := fresh.New(func(context.Context) ([]item, error) {
				<-release
				return testItems(1), nil
			})
			tree := newTreeOf(t, itemTable().Bind(source), scalarGroup().BindNow(func() scalars { return scalars{descr: "a test"} }))
			log := newRecords()
			s, addresses := startServer(t, Options{Handler: tree, MaxWaiting: 4, WaitTimeout: patience, Log: slog.New(log)}, transport)
			c := dial(t, addresses[0], "")
			for i := range int32(4) {
				send(t, c, getOf(i, "public", tableEntry+".3.0.1.97"))
				send(t, c, getOf(100+i, "public", descrName))
				if got := receive(t, c); got.id != 100+i {
					t.Errorf("got %+v", got)
				}
			}
			if addresses[0].Transport == UDP {
				for i := range int32(3) {
					send(t, c, getOf(50+i, "public", tableEntry+".3.0.1.97"))
				}
				send(t, c, getOf(200, "public", descrName))
				if got := receive(t, c); got.id != 200 {
					t.Errorf("got %+v", got)
				}
				if got := s.Statistics(); got[enginemib.Busy] != 3 {
					t.Errorf("%d requests were dropped, want 3", got[enginemib.Busy])
				}
				if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "requests are dropped") {
					t.Errorf("warned of %q", got)
				}
			}
			answers := 4
			if addresses[0].Transport == TCP { // what waits now keeps the connection
				send(t, c, getOf(4, "public", tableEntry+".3.0.1.97"))
				eventually(t, "the request to arrive", func() bool { return s.Statistics()[enginemib.InPkts] == 9 })
				answers = 5
			}
			close(release)
			seen := map[int32]bool{}
			for range answers {
				got := receive(t, c)
				if got.id >= int32(answers) || seen[got.id] || got.bindings[0].tag != 0x46 {
					t.Errorf("got %+v", got)
				}
				seen[got.id] = true
			}
		})
	}
}

func TestWaitTimeout(t *testing.T) {
	source := fresh.New(func(ctx context.Context) ([]item, error) {
		<-t.Context().Done()
		return nil, ctx.Err()
	})
	_, addresses := startServer(t, Options{Handler: newTreeOf(t, itemTable().Bind(source)), WaitTimeout: time.Millisecond},
		"udp:127.0.0.1:0", "tcp:127.0.0.1:0")
	for _, a := range addresses {
		c := dial(t, a, "")
		for id := range int32(3) {
			send(t, c, getOf(id, "public", tableEntry+".3.0.1.97"))
			if got := receive(t, c); got.id != id || got.status != int32(mib.GenErr) || got.index != 1 {
				t.Errorf("%v: got %+v", a, got)
			}
		}
	}
}

// TestShutdown holds that Serve ends when its context is done, and that what
// waits then is still answered.
func TestShutdown(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{})
	source := fresh.New(func(context.Context) ([]item, error) {
		close(asked)
		<-release
		return testItems(1), nil
	})
	s, err := NewServer(Options{Handler: newTreeOf(t, itemTable().Bind(source)), Communities: anywhere, Log: quiet, WaitTimeout: patience, EndTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	var addresses []Address
	for _, text := range []string{"udp:127.0.0.1:0", "udp6:[::1]:0", "udp:0", "tcp:127.0.0.1:0", "tcp6:[::1]:0"} {
		a, err := ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		if a, err = s.Listen(a); err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	for _, a := range addresses {
		if a.Addr() == netip.IPv4Unspecified() {
			continue
		}
		c := dial(t, a, "")
		send(t, c, getOf(1, "public", tableEntry+".3.0.1.97"))
		conns = append(conns, c)
	}
	<-asked
	eventually(t, "the requests to wait", func() bool { return len(s.waiting) == len(conns) })
	cancel()
	select {
	case err := <-done:
		t.Fatalf("Serve returned %v while requests waited", err)
	default:
	}
	close(release)
	for _, c := range conns {
		if got := receive(t, c); got.id != 1 || got.status != 0 {
			t.Errorf("got %+v", got)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := s.Serve(t.Context()); err == nil {
		t.Error("Serve serves twice")
	}
	if _, err := s.Listen(addresses[0]); err == nil {
		t.Error("Listen listens while serving")
	}
	// The sockets were given back.
	again, err := NewServer(Options{Handler: newTestTree(t, 1), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, a := range addresses {
		if _, err := again.Listen(a); err != nil {
			t.Error(err)
		}
	}
}

func TestListenErrors(t *testing.T) {
	s, err := NewServer(Options{Handler: newTestTree(t, 1), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, text := range []string{"udp:192.0.2.1:0", "tcp:192.0.2.1:0", "udp6:[2001:db8::1]:0", "udp6:[fe80::1%nosuch]:0"} {
		a, err := ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Listen(a); err == nil {
			t.Errorf("%s: listens at %v", text, got)
		}
	}
	a, err := s.Listen(Address{UDP, netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(a); err == nil {
		t.Error("listens twice at one address")
	}
	for _, o := range []Options{{}, {Handler: newTestTree(t, 1), MaxMessageSize: 483}, {Handler: newTestTree(t, 1), MaxStreamMessageSize: 1 << 30},
		{Handler: newTestTree(t, 1), MaxBulkSize: 483}, {Handler: newTestTree(t, 1), MaxBulkSize: 65508},
		{Handler: newTestTree(t, 1), Communities: []Community{{Name: "x"}}}} {
		if _, err := NewServer(o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}

func TestSetCommunities(t *testing.T) {
	s, addresses := startServer(t, Options{Handler: newTestTree(t, 3)}, "udp:127.0.0.1:0", "tcp:127.0.0.1:0")
	for round, name := range []string{"public", "other", "third"} {
		if round > 0 {
			if err := s.SetCommunities([]Community{{Name: Secret(name), Source: anywhere[0].Source}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.SetCommunities([]Community{{Name: "wrong"}}); err == nil {
			t.Error("a community without a source is no error")
		}
		for _, a := range addresses {
			c := dial(t, a, "")
			refused := s.Statistics()[enginemib.InBadCommunityNames]
			send(t, c, getOf(1, "wrong", descrName))
			send(t, c, getOf(2, name, descrName))
			if got := receive(t, c); got.id != 2 {
				t.Errorf("got %+v", got)
			}
			if got := s.Statistics()[enginemib.InBadCommunityNames]; got != refused+1 {
				t.Errorf("%d refusals, want 1", got-refused)
			}
		}
	}
}

// TestUDPFaults holds that neither empty datagrams nor managers that are gone
// when their answer comes end the server.
func TestUDPFaults(t *testing.T) {
	tree := newTestTree(t, 100)
	s, addresses := startServer(t, Options{Handler: tree}, "udp:127.0.0.1:0", "udp:0", "udp6:[::1]:0")
	for _, a := range addresses {
		if a.Addr().IsUnspecified() {
			a.AddrPort = netip.AddrPortFrom(loopback, a.Port())
		}
		walkOf(t, tree, false) // so that the table is at hand
		before := s.Statistics()
		for range 20 {
			gone := dial(t, a, "")
			send(t, gone, messageOf(1, "public", pduOf(0xa5, 1, 0, 100, asked(tableEntry))))
			_ = gone.Close()
		}
		c := dial(t, a, "")
		for range 5 {
			send(t, c, nil)
		}
		send(t, c, getOf(7, "public", descrName))
		if got := receive(t, c); got.id != 7 {
			t.Errorf("got %+v", got)
		}
		after := s.Statistics()
		if after[enginemib.InASNParseErrs] != before[enginemib.InASNParseErrs]+5 || after[enginemib.InPkts] != before[enginemib.InPkts]+26 || after[enginemib.OutPkts] != before[enginemib.OutPkts]+21 {
			t.Errorf("%v: counted %+v, before %+v", a, after, before)
		}
	}
}

func TestUDPMaxMessageSize(t *testing.T) {
	tree := newTestTree(t, 3000)
	for _, size := range []int{484, 1400, 65507} {
		_, addresses := startServer(t, Options{Handler: tree, MaxMessageSize: size}, "udp:127.0.0.1:0")
		c := dial(t, addresses[0], "")
		send(t, c, messageOf(1, "public", pduOf(0xa5, 1, 0, 1<<20, asked(tableEntry+".3"))))
		buf := make([]byte, 1<<16)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if n > size || n < size-60 {
			t.Errorf("limit %d: the answer has %d octets", size, n)
		}
		readAnswer(t, buf[:n])
	}
}

// TestTCPFraming sends pipelined messages cut in every way.
func TestTCPFraming(t *testing.T) {
	s, addresses := startServer(t, Options{Handler: newTestTree(t, 100)}, "tcp:127.0.0.1:0")
	var stream []byte
	const messages = 12
	for i := range int32(messages) {
		m := getOf(i, "public", slices.Repeat([]string{descrName}, int(i*i)+1)...)
		if i%3 == 1 { // a length of more octets than necessary
			content, _ := splitTLV(m)
			m = append([]byte{0x30, 0x84, 0, 0, byte(len(content) >> 8), byte(len(content))}, content...)
		}
		stream = append(stream, m...)
	}
	for _, piece := range []int{1, 2, 3, 7, 100, 4095, 4096, 4097, len(stream)} {
		c := dial(t, addresses[0], "")
		go func() {
			for part := range slices.Chunk(stream, piece) {
				if _, err := c.Write(part); err != nil {
					return
				}
			}
		}()
		for i := range int32(messages) {
			if got := receive(t, c); got.id != i || got.status != 0 || len(got.bindings) != int(i*i)+1 {
				t.Fatalf("pieces of %d: answer %d is %+v", piece, i, got)
			}
		}
	}
	if got := s.Statistics(); got[enginemib.InPkts] != got[enginemib.OutPkts] || got[enginemib.InASNParseErrs] != 0 {
		t.Errorf("counted %+v", got)
	}
}

// isCut reports whether the peer ends the connection.
func isCut(c net.Conn) bool {
	_, err := io.Copy(io.Discard, c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestTCPMalformed(t *testing.T) {
	const limit = 10000
	s, addresses := startServer(t, Options{Handler: newTestTree(t, 3), MaxStreamMessageSize: limit}, "tcp:127.0.0.1:0")
	errs := uint64(0)
	for _, start := range []string{"04", "3080", "30ff", "3084ffffffff", "30820fff04", "3082ffff"} {
		c := dial(t, addresses[0], "")
		send(t, c, getOf(3, "public", descrName))
		if got := receive(t, c); got.id != 3 {
			t.Errorf("got %+v", got)
		}
		garbage := unhex(t, start)
		if start == "30820fff04" { // whole, but no message
			garbage = append(garbage, make([]byte, 0xffe)...)
		}
		send(t, c, garbage)
		errs++
		eventually(t, "the error to be counted", func() bool { return s.Statistics()[enginemib.InASNParseErrs] == errs })
		if start == "30820fff04" {
			send(t, c, getOf(4, "public", descrName))
			if got := receive(t, c); got.id != 4 {
				t.Errorf("got %+v", got)
			}
			continue
		}
		if !isCut(c) {
			t.Errorf("%s: the connection is not closed", start)
		}
	}
	// A message that ends early is none.
	c := dial(t, addresses[0], "")
	send(t, c, getOf(5, "public", descrName)[:20])
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if !isCut(c) {
		t.Error("a connection that ended is not closed")
	}
}

func TestTCPLimits(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		_, addresses := startServer(t, Options{Handler: newTestTree(t, 3), IdleTimeout: 20 * time.Millisecond}, "tcp:127.0.0.1:0")
		idle := dial(t, addresses[0], "")
		slow := dial(t, addresses[0], "") // an octet now and then does not keep it open
		go func() {
			for _, b := range getOf(1, "public", descrName) {
				if _, err := slow.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
		for _, c := range []net.Conn{idle, slow} {
			if !isCut(c) {
				t.Error("the connection is not closed")
			}
		}
	})
	t.Run("connections", func(t *testing.T) {
		log := newRecords()
		s, addresses := startServer(t, Options{Handler: newTestTree(t, 3), MaxConnections: 3, Log: slog.New(log)}, "tcp:127.0.0.1:0")
		ask := func(c net.Conn) {
			t.Helper()
			send(t, c, getOf(1, "public", descrName))
			if got := receive(t, c); got.id != 1 {
				t.Errorf("got %+v", got)
			}
		}
		var open []net.Conn
		for range 3 {
			c := dial(t, addresses[0], "")
			ask(c)
			open = append(open, c)
		}
		ask(open[0])
		// Sending what gets no answer does not keep a connection.
		send(t, open[1], getOf(2, "unknown", descrName))
		eventually(t, "the refusal", func() bool { return s.Statistics()[enginemib.InBadCommunityNames] == 1 })
		for _, idlest := range []int{1, 2} {
			c := dial(t, addresses[0], "")
			ask(c)
			if !isCut(open[idlest]) {
				t.Errorf("connection %d is not closed", idlest)
			}
			open = append(open, c)
		}
		for _, i := range []int{0, 3, 4} {
			ask(open[i])
		}
		for range 50 { // that ask for nothing
			dial(t, addresses[0], "")
		}
		ask(dial(t, addresses[0], ""))
		if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "too many connections") {
			t.Errorf("warned of %q", got)
		}
	})
	t.Run("connections with requests that wait", func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		source := fresh.New(func(context.Context) ([]item, error) {
			<-release
			return nil, nil
		})
		s, addresses := startServer(t, Options{Handler: newTreeOf(t, itemTable().Bind(source)), MaxConnections: 2, WaitTimeout: time.Hour}, "tcp:127.0.0.1:0")
		for range 10 {
			before := s.Statistics()[enginemib.InPkts]
			send(t, dial(t, addresses[0], ""), getOf(1, "public", tableEntry+".3.0.1.97"))
			eventually(t, "the request", func() bool { return s.Statistics()[enginemib.InPkts] == before+1 })
		}
		eventually(t, "those that gave way to wait no longer", func() bool { return len(s.waiting) == 2 })
	})
	t.Run("connections from elsewhere", func(t *testing.T) {
		log := newRecords()
		s, addresses := startServer(t, Options{
			Handler: newTestTree(t, 3), MaxConnections: 3, Log: slog.New(log),
			Communities: []Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.1/32")}},
		}, "tcp:127.0.0.1:0")
		kept := dial(t, addresses[0], "")
		for range 10 {
			if !isCut(dial(t, addresses[0], "127.0.0.2")) {
				t.Error("a connection that no community covers is not closed")
			}
		}
		send(t, kept, getOf(1, "public", descrName))
		if got := receive(t, kept); got.id != 1 {
			t.Errorf("got %+v", got)
		}
		if got := s.Statistics()[enginemib.Refused]; got != 10 {
			t.Errorf("%d connections were refused", got)
		}
		if got := log.at(slog.LevelDebug); len(got) != 10 || len(log.at(slog.LevelWarn)) > 0 {
			t.Errorf("logged %q", got)
		}
	})
	t.Run("slow reader", func(t *testing.T) {
		s, addresses := startServer(t, Options{Handler: newTestTree(t, 3000), WriteTimeout: 50 * time.Millisecond}, "tcp:127.0.0.1:0")
		c := dial(t, addresses[0], "")
		request := messageOf(1, "public", pduOf(0xa5, 1, 0, 1<<20, asked(tableEntry+".3")))
		send(t, c, bytes.Repeat(request, 1000))
		l := s.listeners[0].(*tcpListener)
		eventually(t, "the connection to be closed", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return s.Statistics()[enginemib.OutPkts] > 0 && len(l.connections) == 0
		})
		if got := s.Statistics(); got[enginemib.OutPkts] == 0 || got[enginemib.OutPkts] > 1000 {
			t.Errorf("%d answers were sent", got[enginemib.OutPkts])
		}
		other := dial(t, addresses[0], "")
		send(t, other, getOf(2, "public", descrName))
		if got := receive(t, other); got.id != 2 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("10,000 variables", func(t *testing.T) {
		_, addresses := startServer(t, Options{Handler: newTestTree(t, 3), MaxStreamMessageSize: 1 << 20}, "tcp:127.0.0.1:0")
		c := dial(t, addresses[0], "")
		send(t, c, getOf(2, "public", slices.Repeat([]string{descrName}, 10000)...))
		if got := receive(t, c); len(got.bindings) != 10000 {
			t.Errorf("got %d variables", len(got.bindings))
		}
	})
}

// TestEndIsBounded holds that managers that ask ahead, or take no answer, keep Serve
// from ending for no longer than one deadline, and that the message under way is the
// last.
func TestEndIsBounded(t *testing.T) {
	s, err := NewServer(Options{Handler: newTestTree(t, 3000), Communities: anywhere, Log: quiet, WriteTimeout: time.Hour, EndTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := listenAt(s, "tcp:127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	c := dial(t, addresses[0], "")
	request := messageOf(1, "public", pduOf(ber.GetBulkRequest, 1, 0, 1000, asked(tableEntry+".2")))
	send(t, c, getOf(1, "public", tableEntry+".3.0.1.97")) // what it asks for is at hand then
	receive(t, c)
	ahead := slices.Repeat(request, 64<<10/len(request))
	go func() { _, _ = c.Write(ahead) }() // and reads nothing
	eventually(t, "answers to wait", func() bool {
		before := s.Statistics()[enginemib.OutPkts]
		time.Sleep(10 * time.Millisecond)
		return before > 2 && s.Statistics()[enginemib.OutPkts] == before
	})
	before := s.Statistics()[enginemib.OutPkts]
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Serve does not end")
	}
	if after := s.Statistics()[enginemib.OutPkts]; after > before+1 {
		t.Errorf("%d answers after the end", after-before)
	}
}
