package traffic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// turn is how long a turn of these tests takes: their moments are their own, so that no rate
// depends on how quick a machine is. It is so long that nothing which happens in a test
// happened before the turn.
const turn = 1000 * time.Second

// watch measures a namespace.
type watch struct {
	t  *testing.T
	ns *nstest.NS
	k  *collectors.Kernel
	m  *traffic.Meter

	mu   sync.Mutex
	at   time.Time
	ends map[uint64]bool
}

func newWatch(t *testing.T) *watch {
	t.Helper()
	w := &watch{t: t, ns: nstest.New(t), at: time.Now(), ends: make(map[uint64]bool)}
	var err error
	w.k, err = collectors.Open(collectors.Options{NetNS: w.ns.Name})
	must(t, err)
	t.Cleanup(func() { must(t, w.k.Close()) })
	w.m = traffic.New(traffic.Options{Ends: []netstat.Protocol{netstat.TCP}})
	l, err := w.k.ListenSocketEnds(netstat.TCP)
	must(t, err)
	done := make(chan error, 1)
	go func() {
		for {
			if err := l.Receive(w.end); err != nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		must(t, l.Close())
		if err := <-done; !errors.Is(err, fs.ErrClosed) {
			t.Errorf("listening for ends: %v", err)
		}
	})
	w.read()
	return w
}

func (w *watch) end(s *netstat.Socket) error {
	w.mu.Lock()
	at := w.at.Add(turn / 2)
	w.mu.Unlock()
	w.m.End(s, at)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[s.Cookie.Or(0)] = true
	return nil
}

// read takes a reading, a turn after the one before.
func (w *watch) read() *traffic.Reading {
	w.t.Helper()
	w.mu.Lock()
	w.at = w.at.Add(turn)
	at := w.at
	w.mu.Unlock()
	w.m.Begin(at)
	q := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, Details: netstat.DetailTCPInfo}
	for s, err := range w.k.Sockets(context.Background(), q) {
		must(w.t, err)
		if s.State != netstat.Listen {
			w.m.Add(&s, at)
		}
	}
	r := w.m.Finish(at, true)
	if r.Gap {
		w.t.Error("ends of sockets were lost")
	}
	return r
}

// ended waits until the end of each socket was told.
func (w *watch) ended(cookies ...uint64) {
	w.t.Helper()
	nstest.Eventually(w.t, func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range cookies {
			if !w.ends[c] {
				return fmt.Sprintf("the end of socket %d is not told", c)
			}
		}
		return ""
	})
}

// of returns what a reading has of a socket.
func of(t *testing.T, r *traffic.Reading, cookie uint64) *traffic.Connection {
	t.Helper()
	for c := range r.All() {
		if c.Cookie == netstat.Known(cookie) {
			return c
		}
	}
	t.Fatalf("nothing is told of socket %d", cookie)
	return nil
}

// carried compares what went through a socket with what is known to have gone through.
func carried(t *testing.T, what string, c *traffic.Connection, sent, received uint64) {
	t.Helper()
	if c.SentBytes != netstat.Known(sent) || c.ReceivedBytes != netstat.Known(received) || c.AtLeast {
		t.Errorf("%s: sent %v, received %v (%v), want %d and %d", what, c.SentBytes, c.ReceivedBytes, c.AtLeast, sent, received)
	}
}

// pair is a connection both ends of which are the test's.
type pair struct {
	client, server     *net.TCPConn
	ofClient, ofServer uint64 // their cookies
	toServer, toClient uint64 // octets
}

func (w *watch) pair(network, address string) *pair {
	w.t.Helper()
	l := w.ns.Listen(w.t, network, address)
	defer l.Close()
	p := &pair{client: w.ns.Dial(w.t, "tcp", strings.Replace(l.Addr().String(), "[::]", "127.0.0.1", 1)).(*net.TCPConn)}
	server, err := l.Accept()
	must(w.t, err)
	p.server = server.(*net.TCPConn)
	w.t.Cleanup(func() { server.Close() })
	p.ofClient, p.ofServer = cookieOf(w.t, p.client), cookieOf(w.t, p.server)
	return p
}

func cookieOf(t *testing.T, c syscall.Conn) (cookie uint64) {
	t.Helper()
	raw, err := c.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { cookie, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE) }))
	must(t, err)
	return cookie
}

// transfer sends octets in each direction, at the same time, until all have arrived.
func (p *pair) transfer(t *testing.T, toServer, toClient int) {
	t.Helper()
	failed := make(chan error, 4)
	send := func(c net.Conn, n int) { _, err := c.Write(make([]byte, n)); failed <- err }
	receive := func(c net.Conn, n int) { _, err := io.CopyN(io.Discard, c, int64(n)); failed <- err }
	go send(p.client, toServer)
	go send(p.server, toClient)
	go receive(p.server, toServer)
	go receive(p.client, toClient)
	for range 4 {
		must(t, <-failed)
	}
	p.toServer, p.toClient = p.toServer+uint64(toServer), p.toClient+uint64(toClient)
}

// compare compares both ends with what was transferred.
func (p *pair) compare(t *testing.T, r *traffic.Reading, what string) {
	t.Helper()
	carried(t, what+", who connected", of(t, r, p.ofClient), p.toServer, p.toClient)
	carried(t, what+", who accepted", of(t, r, p.ofServer), p.toClient, p.toServer)
}

// close closes both ends, the client's direction first, and waits for what is told of them.
// The client is held until the peer's FIN is there, so that each end has received one: what
// is told does not depend on how soon the peer closes (see payload.ended).
func (p *pair) close(w *watch) {
	w.t.Helper()
	must(w.t, p.client.CloseWrite())
	if _, err := p.server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		w.t.Errorf("after the end: %v", err)
	}
	must(w.t, p.server.Close())
	if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		w.t.Errorf("after both ends: %v", err)
	}
	must(w.t, p.client.Close())
	w.ended(p.ofClient, p.ofServer)
}

var families = []struct{ name, network, address string }{
	{"IPv4", "tcp4", "127.0.0.1:0"}, {"IPv6", "tcp6", "[::1]:0"}, {"IPv4-mapped", "tcp", "[::]:0"},
}

// TestTransfers compares what is told with what was transferred, and with what ss tells.
func TestTransfers(t *testing.T) {
	w := newWatch(t)
	var pairs []*pair
	for _, f := range families {
		p := w.pair(f.network, f.address)
		pairs = append(pairs, p)
		p.compare(t, w.read(), f.name+" at first")
		p.transfer(t, 1_234_567, 89)
		r := w.read()
		p.compare(t, r, f.name)
		for _, end := range []struct {
			cookie         uint64
			sent, received float64
		}{{p.ofClient, 1_234_567, 89}, {p.ofServer, 89, 1_234_567}} {
			c := of(t, r, end.cookie)
			if c.SentRate != netstat.Known(end.sent/turn.Seconds()) || c.ReceivedRate != netstat.Known(end.received/turn.Seconds()) {
				t.Errorf("%s: %v and %v octets a second of %v and %v in %v", f.name, c.SentRate, c.ReceivedRate, end.sent, end.received, turn)
			}
			if c.Path == nil || c.Path.RTT == 0 || c.Path.CongestionWindow == 0 {
				t.Errorf("%s: its path is %+v", f.name, c.Path)
			}
		}
	}
	r := w.read()
	for i, p := range pairs {
		p.compare(t, r, families[i].name+" at rest")
		if c := of(t, r, p.ofClient); c.SentRate != netstat.Known(0.0) {
			t.Errorf("%s: %v octets a second at rest", families[i].name, c.SentRate)
		}
	}
	w.compareWithSS(r)
	for i, p := range pairs {
		p.transfer(t, 10, 20)
		p.close(w)
		r := w.read()
		p.compare(t, r, families[i].name+" ended")
		if c := of(t, r, p.ofServer); !c.IsOver() || c.SentRate != netstat.Known(20/turn.Seconds()) {
			t.Errorf("%s: ended %v, with %v octets a second", families[i].name, c.IsOver(), c.SentRate)
		}
	}
}

var ssWord = regexp.MustCompile(`(\w+):(\S+)`)

// compareWithSS compares a reading with the counters that ss prints. None of the connections is
// closing: what it calls acknowledged has the SYN of who connected, and no FIN.
func (w *watch) compareWithSS(r *traffic.Reading) {
	w.t.Helper()
	lines := 0
	for line := range strings.Lines(w.ns.Run(w.t, "ss", "-H", "-t", "-n", "-e", "-i", "-O", "state", "established")) {
		words := make(map[string]string)
		for _, m := range ssWord.FindAllStringSubmatch(line, -1) {
			words[m[1]] = m[2]
		}
		number := func(name string) (n uint64) {
			if text := words[name]; text != "" {
				var err error
				n, err = strconv.ParseUint(text, 10, 64)
				must(w.t, err)
			}
			return n
		}
		cookie, err := strconv.ParseUint(words["sk"], 16, 64)
		must(w.t, err)
		carried(w.t, line, of(w.t, r, cookie), number("bytes_sent")-number("bytes_retrans"), number("bytes_received"))
		lines++
	}
	if lines == 0 {
		w.t.Error("ss tells of no connection")
	}
}

// TestShortConnections opens and closes ten thousand connections between two readings.
func TestShortConnections(t *testing.T) {
	w := newWatch(t)
	const many, each = 10_000, 1000
	l := w.ns.Listen(t, "tcp4", "127.0.0.1:0")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, c) // what arrives is compared below
			c.Close()
		}
	}()
	w.ns.Do(t, func() error {
		payload := make([]byte, each)
		for range many {
			c, err := net.Dial("tcp4", l.Addr().String())
			if err != nil {
				return err
			}
			if _, err := c.Write(payload); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	var all traffic.Sum
	told := make(map[uint64]bool)
	nstest.Eventually(t, func() string {
		r := w.read()
		all = traffic.Sum{}
		for c, s := range r.Sums() {
			all.Add(&s)
			if cookie, known := c.Cookie.Get(); known && c.IsOver() {
				if told[cookie] {
					t.Errorf("socket %d is told of twice", cookie)
				}
				told[cookie] = true
			}
		}
		if all.Ended < 2*many {
			return fmt.Sprintf("%d of %d ends are told", all.Ended, 2*many)
		}
		return ""
	})
	if all.Ended != 2*many || all.SentBytes != many*each || all.ReceivedBytes != many*each || all.AtLeast || len(told) != 2*many {
		t.Errorf("%d connections of %d octets: %+v, %d told", many, each, all, len(told))
	}
}

// TestWaysToEnd ends connections in each way there is.
func TestWaysToEnd(t *testing.T) {
	w := newWatch(t)
	t.Run("this end first", func(t *testing.T) {
		// The peer's FIN comes long after the acknowledgement: the socket does not see it.
		p := w.pair("tcp4", "127.0.0.1:0")
		p.transfer(t, 500, 500)
		w.read()
		p.transfer(t, 100, 10)
		must(t, p.server.Close())
		w.ended(p.ofServer)
		c := of(t, w.read(), p.ofServer)
		if got := c.ReceivedBytes.Or(0); c.SentBytes != netstat.Known(p.toClient) || got != p.toServer && got != p.toServer-1 {
			t.Errorf("sent %v of %d, received %d of %d", c.SentBytes, p.toClient, got, p.toServer)
		}
	})
	t.Run("reset by unread octets", func(t *testing.T) {
		p := w.pair("tcp4", "127.0.0.1:0")
		p.transfer(t, 500, 500)
		w.read()
		_, err := p.client.Write(make([]byte, 7))
		must(t, err)
		nstest.Eventually(t, func() string {
			if got := of(t, w.read(), p.ofServer).ReceivedBytes.Or(0); got != 507 {
				return fmt.Sprintf("%d octets have arrived", got)
			}
			return ""
		})
		must(t, p.server.Close())
		w.ended(p.ofServer)
		carried(t, "who resets", of(t, w.read(), p.ofServer), 500, 507)
		must(t, p.client.Close())
		w.ended(p.ofClient)
		carried(t, "who is reset", of(t, w.read(), p.ofClient), 507, 500)
	})
	t.Run("thrown away", func(t *testing.T) {
		// What was never read is lost with the counters, and said to be.
		p := w.pair("tcp4", "127.0.0.1:0")
		p.transfer(t, 500, 500)
		w.read()
		p.transfer(t, 1, 1)
		must(t, p.client.SetLinger(0))
		must(t, p.client.Close())
		w.ended(p.ofClient)
		c := of(t, w.read(), p.ofClient)
		if !c.AtLeast || c.SentBytes != netstat.Known(uint64(500)) || c.Remote.String() != p.server.LocalAddr().String() {
			t.Errorf("sent %v to %v, %v", c.SentBytes, c.Remote, c.AtLeast)
		}
		p.server.Close()
	})
	t.Run("destroyed", func(t *testing.T) {
		nstest.NeedsKernel(t, "CONFIG_INET_DIAG_DESTROY")
		p := w.pair("tcp4", "127.0.0.1:0")
		p.transfer(t, 500, 500)
		c := of(t, w.read(), p.ofClient)
		p.transfer(t, 3, 4)
		must(t, w.k.DestroySocket(context.Background(), &c.Socket))
		// Its process holds it still.
		if c := of(t, w.read(), p.ofClient); c.State != netstat.Close || c.IsOver() {
			t.Errorf("it is %v, ended %v", c.State, c.IsOver())
		}
		must(t, p.client.Close())
		must(t, p.server.Close())
		w.ended(p.ofClient, p.ofServer)
		p.compare(t, w.read(), "destroyed")
	})
	t.Run("half closed", func(t *testing.T) {
		p := w.pair("tcp4", "127.0.0.1:0")
		p.transfer(t, 500, 0)
		must(t, p.client.CloseWrite())
		if _, err := p.server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		p.compare(t, w.read(), "half closed")
		nstest.Eventually(t, func() string { // the acknowledgement may wait for data
			if got := of(t, w.read(), p.ofClient).State; got != netstat.FinWait2 {
				return fmt.Sprintf("it is %v", got)
			}
			return ""
		})
		p.compare(t, w.read(), "half closed, and acknowledged")
		_, err := p.server.Write(make([]byte, 9999))
		must(t, err)
		_, err = io.ReadFull(p.client, make([]byte, 9999))
		must(t, err)
		p.toClient = 9999
		p.compare(t, w.read(), "half closed, and used")
		must(t, p.server.Close())
		if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after both ends: %v", err)
		}
		must(t, p.client.Close())
		w.ended(p.ofClient, p.ofServer)
		p.compare(t, w.read(), "closed in halves")
	})
	t.Run("timed out", func(t *testing.T) {
		nstest.NeedsProgram(t, "nft")
		p := w.pair("tcp4", "127.0.0.1:0")
		p.transfer(t, 500, 500)
		w.read()
		w.ns.Run(t, "nft", "add table ip lost; add chain ip lost in { type filter hook input priority 0; }; add rule ip lost in tcp dport "+
			strconv.Itoa(p.client.RemoteAddr().(*net.TCPAddr).Port)+" drop")
		raw, err := p.client.SyscallConn()
		must(t, err)
		must(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 300) }))
		must(t, err)
		_, err = p.client.Write(make([]byte, 50))
		must(t, err)
		if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, unix.ETIMEDOUT) {
			t.Errorf("reading ends with %v", err)
		}
		must(t, p.client.Close())
		w.ended(p.ofClient)
		c := of(t, w.read(), p.ofClient)
		carried(t, "timed out", c, 550, 500)
		if c.RetransmittedBytes.Or(0) == 0 || c.RetransmittedBytes.Or(0)%50 != 0 {
			t.Errorf("%v octets were sent again of 50", c.RetransmittedBytes)
		}
		w.ns.Run(t, "nft", "delete table ip lost")
	})
}

// TestLoss transfers over a path that loses packets, at both ends.
func TestLoss(t *testing.T) {
	nstest.NeedsProgram(t, "nft")
	nstest.NeedsKernel(t, "CONFIG_NFT_NUMGEN")
	w := newWatch(t)
	p := w.pair("tcp4", "127.0.0.1:0")
	w.ns.Run(t, "nft", "add table ip lost; add chain ip lost in { type filter hook input priority 0; }; add rule ip lost in meta length > 1000 numgen inc mod 7 0 drop")
	p.transfer(t, 3_000_000, 2_000_000)
	r := w.read()
	p.compare(t, r, "with losses")
	if c := of(t, r, p.ofClient); c.RetransmittedBytes.Or(0) == 0 || c.Path == nil || c.Path.TotalRetransmits == 0 {
		t.Errorf("%v octets on a path of %+v were sent again", c.RetransmittedBytes, c.Path)
	}
	w.compareWithSS(r)
	p.close(w)
	p.compare(t, w.read(), "with losses, ended")
}

// TestRefusedByQueue transfers through a device whose queue refuses most.
func TestRefusedByQueue(t *testing.T) {
	nstest.NeedsProgram(t, "tc")
	nstest.NeedsKernel(t, "CONFIG_NET_SCH_TBF")
	w := newWatch(t)
	w.ns.Run(t, "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "80mbit", "burst", "70kb", "limit", "70kb")
	p := w.pair("tcp4", "127.0.0.1:0")
	p.transfer(t, 3_000_000, 0)
	r := w.read()
	// The bound by sequence numbers has the SYN in it.
	c := of(t, r, p.ofClient)
	if got := c.SentBytes.Or(0); got < p.toServer || got > p.toServer+1 {
		t.Errorf("%d octets were sent, of %d", got, p.toServer)
	}
	carried(t, "the other end", of(t, r, p.ofServer), 0, p.toServer)
}

// TestReusedAddresses has one connection follow another between the same ends.
func TestReusedAddresses(t *testing.T) {
	w := newWatch(t)
	l := w.ns.Listen(t, "tcp4", "127.0.0.1:0")
	var cookies []uint64
	for i := range 3 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 12345}, Control: func(_, _ string, c syscall.RawConn) (err error) {
			_ = c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
			return err
		}}
		var client net.Conn
		w.ns.Do(t, func() (err error) {
			client, err = d.Dial("tcp4", l.Addr().String())
			return err
		})
		server, err := l.Accept()
		must(t, err)
		p := &pair{client: client.(*net.TCPConn), server: server.(*net.TCPConn)}
		p.ofClient, p.ofServer = cookieOf(t, p.client), cookieOf(t, p.server)
		p.transfer(t, 100*(i+1), 0)
		if i == 1 {
			p.compare(t, w.read(), "one of several")
		}
		// Who accepted closes first, so that the port of who connected is free.
		must(t, server.Close())
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		must(t, client.Close())
		w.ended(p.ofClient, p.ofServer)
		cookies = append(cookies, p.ofClient)
		if i == 1 {
			carried(t, "one of several, ended", of(t, w.read(), p.ofClient), 200, 0)
		}
	}
	r := w.read()
	carried(t, "the third", of(t, r, cookies[2]), 300, 0)
	var all traffic.Sum
	for _, s := range r.Sums() {
		all.Add(&s)
	}
	if all.SentBytes != 600 || all.ReceivedBytes < 597 || all.ReceivedBytes > 600 {
		t.Errorf("all three: %+v", all)
	}
}
