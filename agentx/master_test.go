package agentx

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// master is a scripted master agent, for what snmpd does not show.
type master struct {
	t       testing.TB
	address string
	session uint32 // what it numbers sessions
	ln      net.Listener
	// reply answers administrative PDUs; no answer is sent for nil.
	reply func(Header, Payload) *Response
}

// received is a PDU with its header.
type received struct {
	Header
	Payload Payload
}

// peer is a connection that a subagent made.
type peer struct {
	t         testing.TB
	conn      net.Conn
	order     Flags
	session   uint32
	packet    uint32
	responses chan received // to what the test sent
	closed    chan struct{} // when the subagent closed the connection
	stalled   chan struct{} // unless nil, the test stops reading at a response until it is closed

	mu    sync.Mutex
	admin []received // what the subagent sent of itself
}

// newMaster listens on a unix or a tcp socket.
func newMaster(t testing.TB, network string) *master {
	t.Helper()
	m := &master{t: t, session: 77, reply: func(Header, Payload) *Response { return &Response{SysUpTime: 100} }}
	address := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "agentx")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		address = filepath.Join(dir, "master")
	}
	var err error
	if m.ln, err = net.Listen(network, address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.ln.Close() })
	m.address = network + ":" + m.ln.Addr().String()
	return m
}

// accept takes the next connection; its administrative PDUs are answered with
// the master's reply, in the byte order they came in.
func (m *master) accept(order Flags) *peer {
	m.t.Helper()
	return m.acceptStalled(order, nil)
}

// acceptStalled is accept with a connection of which nothing is read, from the
// first response on, until stalled is closed.
func (m *master) acceptStalled(order Flags, stalled chan struct{}) *peer {
	m.t.Helper()
	m.ln.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(patience))
	conn, err := m.ln.Accept()
	if err != nil {
		m.t.Fatal(err)
	}
	p := &peer{t: m.t, conn: conn, order: order, session: m.session, responses: make(chan received, 10000), closed: make(chan struct{}), stalled: stalled}
	m.t.Cleanup(func() {
		conn.Close()
		<-p.closed
	})
	go func() {
		defer close(p.closed)
		in := pduReader{r: conn}
		for {
			h, payload, err := in.next()
			if err != nil {
				return
			}
			v, err := Decode(h, payload)
			if err != nil {
				m.t.Error("from the subagent:", err)
				return
			}
			if h.Type == TypeResponse {
				if p.stalled != nil {
					<-p.stalled
				}
				p.responses <- received{h, v}
				continue
			}
			p.mu.Lock()
			p.admin = append(p.admin, received{h, v})
			p.mu.Unlock()
			if r := m.reply(h, v); r != nil {
				h.SessionID = p.session
				b, err := Append(nil, h, r)
				if err != nil {
					m.t.Error(err)
				}
				conn.Write(b)
			}
		}
	}()
	return p
}

// sent returns what the subagent sent of a type.
func (p *peer) sent(t PDUType) (list []received) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.admin {
		if r.Type == t {
			list = append(list, r)
		}
	}
	return list
}

// await waits until the subagent has sent n PDUs of a type.
func (p *peer) await(t PDUType, n int) {
	p.t.Helper()
	for end := time.Now().Add(patience); len(p.sent(t)) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the subagent sent %d PDUs of type %v, not %d", len(p.sent(t)), t, n)
		}
	}
}

// pdu encodes a PDU with the next packet ID.
func (p *peer) pdu(v Payload) []byte {
	p.t.Helper()
	p.packet++
	return p.pduAs(Header{SessionID: p.session, TransactionID: p.packet, PacketID: p.packet}, v)
}

func (p *peer) pduAs(h Header, v Payload) []byte {
	p.t.Helper()
	h.Flags |= p.order
	b, err := Append(nil, h, v)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// recv returns the next response.
func (p *peer) recv() (Header, *Response) {
	p.t.Helper()
	select {
	case r := <-p.responses:
		if r.Flags != p.order {
			p.t.Errorf("response with flags %#x, want %#x", r.Flags, p.order)
		}
		return r.Header, r.Payload.(*Response)
	case <-p.closed:
		p.t.Fatal("the subagent closed the connection")
	case <-time.After(patience):
		p.t.Fatal("no response")
	}
	panic("unreachable")
}

// ask sends a PDU and returns the response to it, which must be the next.
func (p *peer) ask(v Payload) *Response {
	p.t.Helper()
	p.write(p.pdu(v))
	h, r := p.recv()
	if h.PacketID != p.packet || h.TransactionID != p.packet || h.SessionID != p.session {
		p.t.Fatalf("response to %+v, want %d", h, p.packet)
	}
	return r
}

// awaitClosed waits until the subagent has closed the connection.
func (p *peer) awaitClosed() {
	p.t.Helper()
	select {
	case <-p.closed:
	case <-time.After(patience):
		p.t.Fatal("the connection is still open")
	}
}

func (p *peer) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// registeredWith accepts connections until all is registered through one. With a short
// ResponseTimeout a slow machine has the subagent take an answer for missing, and
// connect again.
func (r *running) registeredWith(m *master) *peer {
	r.t.Helper()
	for {
		p := m.accept(NetworkByteOrder)
		select {
		case <-r.registered:
			return p
		case <-p.closed:
			select {
			case <-r.registered: // which was in time, and is over
			default:
			}
		case <-time.After(patience):
			r.t.Fatal("the subagent has not registered")
		}
	}
}

// meet starts a subagent with a master and returns both once all is
// registered.
func meet(t testing.TB, network string, order Flags, config Config) (*master, *peer, *running) {
	t.Helper()
	m := newMaster(t, network)
	config.Address = m.address
	agent := start(t, config)
	p := m.accept(order)
	agent.await()
	return m, p, agent
}

func oids(names ...string) (list []SearchRange) {
	for _, n := range names {
		list = append(list, SearchRange{Start: mib.MustParseOID(n)})
	}
	return list
}

// span is a range from start to end.
func span(start, end string, include bool) SearchRange {
	r := SearchRange{Start: mib.MustParseOID(start), Include: include}
	if end != "" {
		r.End = mib.MustParseOID(end)
	}
	return r
}

// text writes a response's variables for comparison.
func text(r *Response) (list []string) {
	for _, b := range r.Bindings {
		list = append(list, b.Name().String()+" "+b.Value.String())
	}
	return list
}

func wantText(t testing.TB, r *Response, want ...string) {
	t.Helper()
	if r.Error != 0 || !slices.Equal(text(r), want) {
		t.Errorf("got %v %v, want %v", r.Error, text(r), want)
	}
}

func wantError(t testing.TB, r *Response, code ErrorCode, index uint16) {
	t.Helper()
	if r.Error != code || r.Index != index || len(r.Bindings) != 0 {
		t.Errorf("got %v %d %v, want %v %d", r.Error, r.Index, text(r), code, index)
	}
}

// gate is a source whose reads wait until it is opened, and count.
type gate struct {
	open  chan struct{}
	reads chan struct{}
	err   error
}

func newGate() *gate {
	return &gate{open: make(chan struct{}), reads: make(chan struct{}, 1000)}
}

func (g *gate) source() *fresh.Source[[]testRow] {
	return fresh.New(func(ctx context.Context) ([]testRow, error) {
		g.reads <- struct{}{}
		select {
		case <-g.open:
			return rowsOf(2), g.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

// slowly writes b one octet at a time.
func slowly(w io.Writer, b []byte) error {
	for i := range b {
		if _, err := w.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
