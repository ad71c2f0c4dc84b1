package snmp

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// network is an agent's network namespace and a manager's, with a link between
// them on which the agent has 192.0.2.1 and 2001:db8::1.
type network struct {
	agent, manager *nstest.NS
	server         *Server
	log            *records
	udp, udp6      uint16 // ports
}

func newNetwork(t *testing.T, options Options) *network {
	t.Helper()
	n := &network{agent: nstest.New(t), manager: nstest.New(t), log: newRecords()}
	n.agent.IP(t, "link add near type veth peer name far netns "+n.manager.Name,
		"addr add 192.0.2.1/24 brd + dev near", "-6 addr add 2001:db8::1/64 dev near nodad", "link set near up")
	n.manager.IP(t, "addr add 192.0.2.2/24 brd + dev far", "-6 addr add 2001:db8::2/64 dev far nodad", "link set far up",
		"route add default dev far")

	options.Communities, options.Log = anywhere, slog.New(n.log)
	var err error
	if n.server, err = NewServer(options); err != nil {
		t.Fatal(err)
	}
	n.agent.Do(t, func() error {
		bound, err := listenAt(n.server, "udp:0", "udp6:0")
		for _, a := range bound {
			if a.Transport == UDP {
				n.udp = a.Port()
			} else {
				n.udp6 = a.Port()
			}
		}
		return err
	})
	serve(t, n.server)
	return n
}

// dial connects from a namespace to the agent.
func (n *network) dial(t *testing.T, from *nstest.NS, to string) net.Conn {
	t.Helper()
	port := n.udp
	if netip.MustParseAddr(to).Is6() {
		port = n.udp6
	}
	c := from.Dial(t, "udp", net.JoinHostPort(to, fmt.Sprint(port)))
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func answerOf(t *testing.T, c net.Conn, request []byte) (int, answered) {
	t.Helper()
	send(t, c, request)
	buf := make([]byte, maxReceivedMessage)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return n, readAnswer(t, buf[:n])
}

// TestBulkSize holds that a GetBulkRequest from beyond loopback gets no more
// than Options.MaxBulkSize, and everything else as much as ever.
func TestBulkSize(t *testing.T) {
	for _, c := range []struct {
		option         int
		bulk4, bulk6   int
		maxMessageSize int
	}{
		{0, 1472, 1452, 0},
		{600, 600, 600, 0},
		{65507, 65507, 65507, 0},
		{0, 1000, 1000, 1000},
	} {
		t.Run(fmt.Sprint(c.option, c.maxMessageSize), func(t *testing.T) {
			n := newNetwork(t, Options{Handler: newTestTree(t, 3000), MaxBulkSize: c.option, MaxMessageSize: c.maxMessageSize})
			whole := c.maxMessageSize
			if whole == 0 {
				whole = maxDatagram
			}
			for _, at := range []struct {
				from *nstest.NS
				to   string
				bulk int
			}{
				{n.manager, "192.0.2.1", c.bulk4}, {n.manager, "2001:db8::1", c.bulk6},
				{n.agent, "127.0.0.1", whole}, {n.agent, "::1", whole},
			} {
				conn := n.dial(t, at.from, at.to)
				greatest := 0 // of answers from different rows on, as variables are of different sizes
				for row := range 15 {
					from := fmt.Sprintf("%s.2.%d", tableEntry, 77*row)
					size, a := answerOf(t, conn, messageOf(1, "public", pduOf(0xa5, 1, 0, math.MaxInt32, asked(from))))
					if a.status != 0 || len(a.bindings) < 2 {
						t.Fatalf("%s: got %+v", at.to, a)
					}
					greatest = max(greatest, size)
				}
				if greatest > at.bulk || greatest < at.bulk-18 {
					t.Errorf("%s: GetBulkRequest: %d octets, want at most %d", at.to, greatest, at.bulk)
				}
				for _, kind := range []byte{0xa0, 0xa1} {
					many := pduOf(kind, 2, 0, 0, asked(slices.Repeat([]string{"1.3.6.1.4.1.32473.1.1.3.0"}, 100)...))
					if size, a := answerOf(t, conn, messageOf(1, "public", many)); c.maxMessageSize == 0 && (size < 1500 || len(a.bindings) != 100) {
						t.Errorf("%s: PDU %02x: %d octets, %d variables", at.to, kind, size, len(a.bindings))
					}
				}
			}
		})
	}
}

// TestBulkWalkFromAfar holds that a walk sees the same from beyond loopback, in
// however many answers.
func TestBulkWalkFromAfar(t *testing.T) {
	tree := newTestTree(t, 1000)
	n := newNetwork(t, Options{Handler: tree})
	netSNMP(t, "") // skips where there are no clients
	var want []string
	for _, b := range walkOf(t, tree, false) {
		want = append(want, b.Name().String())
	}
	walk := func(from *nstest.NS, transport, to string, port uint16, repetitions string) string {
		return from.Run(t, "env", "MIBS=", "SNMPCONFPATH=/dev/null", "LC_ALL=C", "snmpbulkwalk", "-On", "-t", "5", "-r", "0",
			"-v2c", "-c", "public", "-Cr"+repetitions, fmt.Sprintf("%s:%s:%d", transport, to, port), ".1")
	}
	for _, repetitions := range []string{"1", "50", "1000"} {
		near := walk(n.agent, "udp", "127.0.0.1", n.udp, repetitions)
		if got := names(near); !slices.Equal(got, want) {
			t.Fatalf("-Cr%s on loopback: %d variables, want %d", repetitions, len(got), len(want))
		}
		for transport, far := range map[string]string{
			"udp":  walk(n.manager, "udp", "192.0.2.1", n.udp, repetitions),
			"udp6": walk(n.manager, "udp6", "[2001:db8::1]", n.udp6, repetitions),
		} {
			if far != near {
				t.Errorf("-Cr%s over %s: %d variables, not the %d of loopback, or others", repetitions, transport, len(names(far)), len(names(near)))
			}
		}
	}
}

// TestSentToMany holds that what was sent to a broadcast or multicast address is
// not answered.
func TestSentToMany(t *testing.T) {
	n := newNetwork(t, Options{Handler: newTestTree(t, 3)})
	// A local address that is no interface's own, as a host with a routed
	// network on its loopback has them, is an address of this host.
	n.agent.IP(t, "route add local 198.51.100.0/24 dev lo")
	var far *net.Interface
	n.manager.Do(t, func() (err error) {
		far, err = net.InterfaceByName("far")
		return err
	})
	dropped := uint64(0)
	many := []string{"255.255.255.255", "224.0.0.1", fmt.Sprintf("ff02::1%%%d", far.Index)}
	if tellsBroadcast {
		many = append(many, "192.0.2.255")
	}
	for _, to := range many {
		network, port := "udp4", n.udp
		if strings.Contains(to, ":") {
			network, port = "udp6", n.udp6
		}
		c := n.manager.ListenPacket(t, network, ":0")
		address := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(to), port))
		if _, err := c.WriteTo(getOf(1, "public", descrName), address); err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		dropped++
		eventually(t, "the drop of what was sent to "+to, func() bool { return n.server.Statistics()[enginemib.NotUnicast] == dropped })
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, from, err := c.ReadFrom(make([]byte, 100)); !os.IsTimeout(err) {
			t.Errorf("%s: an answer from %v, %v", to, from, err)
		}
	}
	for _, to := range []string{"192.0.2.1", "2001:db8::1", "198.51.100.7"} {
		if _, a := answerOf(t, n.dial(t, n.manager, to), getOf(7, "public", descrName)); a.id != 7 {
			t.Errorf("%s: got %+v", to, a)
		}
	}
	if _, a := answerOf(t, n.dial(t, n.agent, "192.0.2.1"), getOf(8, "public", descrName)); a.id != 8 {
		t.Errorf("from its own address: got %+v", a)
	}
	if got := n.server.Statistics(); got[enginemib.NotUnicast] != uint64(len(many)) || got[enginemib.InPkts] != uint64(len(many))+4 || got[enginemib.OutPkts] != 4 {
		t.Errorf("counted %+v", got)
	}
	if got := n.log.at(slog.LevelDebug); len(got) != len(many) || len(n.log.at(slog.LevelWarn)) > 0 {
		t.Errorf("logged %q", got)
	}
}
