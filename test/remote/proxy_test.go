package remote_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// proxy carries datagrams between clients and an agent as bad networks do: of
// each ten it loses one and carries one twice, and each takes up to 10 ms, so
// that they overtake each other.
func proxy(t *testing.T, agent string) (address string) {
	t.Helper()
	listener, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu      sync.Mutex
		random  = rand.New(rand.NewPCG(1, 1))
		clients = make(map[string]net.Conn)
	)
	carry := func(message []byte, send func([]byte)) {
		mu.Lock()
		defer mu.Unlock()
		times := 1
		switch random.IntN(10) {
		case 0:
			times = 0
		case 1:
			times = 2
		}
		for range times {
			time.AfterFunc(time.Duration(random.Int64N(int64(10*time.Millisecond))), func() { send(message) })
		}
	}
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := listener.ReadFrom(buffer)
			if err != nil {
				return
			}
			c := clients[from.String()]
			if c == nil {
				if c, err = net.Dial("udp", agent); err != nil {
					t.Error(err)
					return
				}
				clients[from.String()] = c
				t.Cleanup(func() { c.Close() })
				go func() {
					answer := make([]byte, 1<<16)
					for {
						n, err := c.Read(answer)
						if err != nil {
							return
						}
						carry(bytes.Clone(answer[:n]), func(m []byte) { _, _ = listener.WriteTo(m, from) })
					}
				}()
			}
			carry(bytes.Clone(buffer[:n]), func(m []byte) { _, _ = c.Write(m) })
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return listener.LocalAddr().String()
}

// A table is whole though datagrams are lost, late, doubled and out of order,
// with this project's agent and with snmpd, in clear and encrypted.
func TestBadNetwork(t *testing.T) {
	if !inside(t) {
		return
	}
	kernel := scene(t)
	var many bytes.Buffer
	for i := range 3000 {
		many.WriteString("route add 10." + itoa(i>>8) + "." + itoa(i&255) + ".0/24 via 192.0.2.9\n")
	}
	batch(t, &many)
	start(t, nil, build(t))
	startSnmpd(t)
	ours, theirs := proxy(t, "127.0.0.1:1161"), proxy(t, "127.0.0.1:161")
	ctx := t.Context()
	routes := func(s netstat.RouteReader) []string {
		return lines(collect(t, s.Routes(ctx, netstat.RouteQuery{})), routeLine)
	}
	hardly := func(c remote.Config) remote.Config {
		c.Timeout, c.Retries = 200*time.Millisecond, netstat.Known(60)
		return c
	}
	for _, sessions := range []int{1, 4} {
		c := hardly(config(ours))
		c.Sessions = sessions
		s := open(t, c)
		eventually(t, "routes", func() []string { return routes(kernel) }, func() []string { return routes(s) })
	}
	// What snmpd tells it tells the same through the proxy.
	for _, c := range []remote.Config{config(""), userConfig(1, "")} {
		straight, far := c, hardly(c)
		straight.Address, far.Address = "127.0.0.1", theirs
		a, b := open(t, straight), open(t, far)
		plain := func(s *remote.Stack) []string {
			return lines(collect(t, s.Addresses(ctx)), func(a netstat.Address) string { return a.Prefix.String() })
		}
		eventually(t, "addresses", func() []string { return plain(a) }, func() []string { return plain(b) })
	}
}
