package collectors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// toldRow is a row as an object of JSON.
type toldRow map[string]any

// toldKind is a kind of rows that are told without netlink, and the members that are told otherwise then.
type toldKind struct {
	name      string
	refusedBy int // NETLINK_*
	read      func(context.Context, *Kernel) ([]toldRow, error)
	otherwise []string
}

func toldKinds() []toldKind {
	return []toldKind{
		{"sockets", unix.NETLINK_SOCK_DIAG, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Socket, error] {
			return k.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP, netstat.UDP, netstat.Raw}, Details: netstat.DetailMemory})
		}), []string{"timerExpires"}},
		{"requests", unix.NETLINK_SOCK_DIAG, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Socket, error] {
			return k.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, States: netstat.States(netstat.NewSynReceived)})
		}), nil},
		{"sockets of a port", unix.NETLINK_SOCK_DIAG, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Socket, error] {
			return k.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, Filter: netstat.SocketFilter{Ports: netstat.PortRange{First: 4000, Last: 4000}}})
		}), []string{"timerExpires"}},
		{"unix sockets", unix.NETLINK_SOCK_DIAG, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.UnixSocket, error] {
			return k.UnixSockets(ctx, netstat.EndpointQuery{References: true, Unaccepted: true})
		}), nil},
		{"listen queues", unix.NETLINK_SOCK_DIAG, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.ListenQueue, error] {
			return k.ListenQueues(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}})
		}), []string{"sharing"}},
		{"interfaces", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Interface, error] {
			return k.Interfaces(ctx)
		}), []string{"state", "flags", "unknownFlags"}},
		{"details of interfaces", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.InterfaceDetails, error] {
			return k.InterfaceDetails(ctx)
		}), []string{"state", "flags", "unknownFlags"}},
		{"addresses", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Address, error] {
			return k.Addresses(ctx)
		}), []string{"flags", "unknownFlags", "created", "updated"}},
		{"routes of IPv4", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Route, error] {
			return k.Routes(ctx, netstat.RouteQuery{Families: []netstat.Family{netstat.IPv4}, Table: netstat.TableMain})
		}), []string{"nextHopFlags", "unknownNextHopFlags", "protocol"}},
		{"routes of IPv6", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Route, error] {
			return k.Routes(ctx, netstat.RouteQuery{Families: []netstat.Family{netstat.IPv6}, Uses: true})
		}), []string{"nextHopFlags", "unknownNextHopFlags", "protocol"}},
		{"neighbours", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Neighbour, error] {
			return k.Neighbours(ctx, netstat.IPv4)
		}), []string{"flags", "unknownFlags", "created", "updated"}},
		{"proxies", unix.NETLINK_ROUTE, rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Neighbour, error] {
			return k.ProxyNeighbours(ctx, netstat.IPv4)
		}), []string{"flags", "unknownFlags", "created", "updated"}},
	}
}

// rowsOf reads rows, and the error behind them.
func rowsOf[T any](read func(context.Context, *Kernel) iter.Seq2[T, error]) func(context.Context, *Kernel) ([]toldRow, error) {
	return func(ctx context.Context, k *Kernel) (rows []toldRow, err error) {
		for v, err := range read(ctx, k) {
			if err != nil {
				return rows, err
			}
			text, err := json.Marshal(&v)
			if err != nil {
				return nil, err
			}
			row := make(toldRow)
			d := json.NewDecoder(bytes.NewReader(text))
			d.UseNumber()
			if err := d.Decode(&row); err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
}

// Where netlink is refused, rows are those that it has, and all that is told of them is the same.
func TestWithoutNetlink(t *testing.T) {
	if runtime.GOARCH == "386" {
		t.Skip("socket(2) is a call of socketcall(2) on 386, whose arguments no filter sees")
	}
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "link add q0 type bridge",
		"addr add 192.0.2.1/24 brd + dev a0", "addr add 192.0.2.2/24 dev a0", "addr add 198.51.100.1/24 dev a0 label a0:one", "addr add 10.9.9.1 peer 10.9.9.2/32 dev a0",
		"-6 addr add 2001:db8::1/64 dev a0 nodad", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent", "neigh add proxy 192.0.2.77 dev a0",
		"route add 203.0.113.0/24 via 192.0.2.9 metric 7 advmss 1000 window 5000 rtt 30ms", "route add default dev a0", "route add unreachable 10.1.0.0/16 metric 4", "route add blackhole 10.2.0.0/16",
		"-6 route add 2001:db8:1::/48 via 2001:db8::9 metric 12", "-6 route add unreachable 2001:db8:2::/48", "-6 route add 2001:db8:3::/48 from 2001:db8::/64 dev a0")
	n.Settle(t)
	l := n.Listen(t, "tcp", "[::]:4000")
	n.Dial(t, "tcp4", "127.0.0.1:4000")
	n.Dial(t, "tcp6", "[2001:db8::1]:4000")
	accepted, err := l.Accept()
	must(t, err)
	defer accepted.Close()
	n.Listen(t, "tcp4", "127.0.0.1:4001")
	gone := n.Dial(t, "tcp4", "127.0.0.1:4000") // nobody accepts it
	must(t, gone.Close())                       // FIN-WAIT-2
	n.ListenPacket(t, "udp4", "0.0.0.0:4002")
	n.ListenPacket(t, "udp6", "[::1]:4003")
	n.Dial(t, "udp4", "127.0.0.1:4002")
	n.Socket(t, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	for _, s := range []struct {
		kind int
		name string
	}{{unix.SOCK_STREAM, t.TempDir() + "/path"}, {unix.SOCK_SEQPACKET, "@abstract with blanks"}, {unix.SOCK_DGRAM, ""}} {
		fd := n.Socket(t, unix.AF_UNIX, s.kind, 0)
		if s.name == "" {
			continue
		}
		must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: s.name}))
		must(t, unix.Listen(fd, 5))
		must(t, unix.Connect(n.Socket(t, unix.AF_UNIX, s.kind, 0), &unix.SockaddrUnix{Name: s.name}))
	}

	for _, refused := range []struct {
		protocol int
		errno    unix.Errno
	}{{nstest.EveryNetlink, unix.EPERM}, {nstest.EveryNetlink, unix.EAFNOSUPPORT}, {unix.NETLINK_SOCK_DIAG, unix.EPROTONOSUPPORT}} {
		t.Run(fmt.Sprintf("%d by %v", refused.protocol, refused.errno), func(t *testing.T) {
			under := []string{"ip", "netns", "exec", n.Name, "env", fmt.Sprintf("%s=%d %d", refusedVariable, refused.protocol, refused.errno)}
			for i, kind := range toldKinds() {
				eventually(t, kind.name+" are told alike", func() bool {
					return !differs(t, n, i, asHelper(t, "without netlink", append(under, refusedKind+"="+strconv.Itoa(i))...), func(string, ...any) {})
				},
					func() {
						differs(t, n, i, asHelper(t, "without netlink", append(under, refusedKind+"="+strconv.Itoa(i))...), t.Errorf)
					})
			}
			asHelper(t, "what netlink alone tells", under...)
		})
	}
}

// differs reports whether rows that were told without netlink are others than it tells.
func differs(t *testing.T, n *nstest.NS, kind int, told string, complain func(string, ...any)) bool {
	t.Helper()
	k := toldKinds()[kind]
	want, err := k.read(t.Context(), open(t, n))
	must(t, err)
	if len(want) == 0 && k.name != "requests" {
		t.Fatalf("the scene has no %s", k.name)
	}
	different := false
	for line := range strings.Lines(told) {
		row := make(toldRow)
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		must(t, d.Decode(&row))
		found := -1
		for i := range want {
			if row.isOf(want[i], k.otherwise) {
				found = i
				break
			}
		}
		if found < 0 {
			different = true
			complain("%s: netlink has no %s", k.name, line)
			continue
		}
		want = append(want[:found:found], want[found+1:]...)
	}
	for _, row := range want {
		if row["state"] == "noarp" { // what is its own neighbour, which the file leaves out
			continue
		}
		different = true
		complain("%s: without netlink there is no %v", k.name, row)
	}
	return different
}

// isOf reports whether all that a row tells is told by another, but for some members.
func (r toldRow) isOf(other toldRow, but []string) bool {
members:
	for name, value := range r {
		for _, b := range but {
			if name == b {
				continue members
			}
		}
		if !reflect.DeepEqual(value, other[name]) {
			return false
		}
	}
	return len(r) > 0
}

// Environment variables of helpWithoutNetlink: a protocol of netlink and an errno, and a place in toldKinds.
const refusedVariable, refusedKind = "COLLECTORS_TEST_REFUSED", "COLLECTORS_TEST_KIND"

func refuse() (protocol int, errno unix.Errno, err error) {
	var number int
	if _, err := fmt.Sscan(os.Getenv(refusedVariable), &protocol, &number); err != nil {
		return 0, 0, err
	}
	return protocol, unix.Errno(number), nstest.RefuseNetlink(protocol, unix.Errno(number))
}

// helpWithoutNetlink prints the rows of a kind, and holds that an error behind them says why some values
// are unknown.
func helpWithoutNetlink(ctx context.Context) error {
	protocol, errno, err := refuse()
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(os.Getenv(refusedKind))
	if err != nil {
		return err
	}
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	kind := toldKinds()[number]
	rows, err := kind.read(ctx, k)
	if isRefused := protocol == nstest.EveryNetlink || protocol == kind.refusedBy; isRefused != errors.Is(err, netstat.ErrUnknownValues) || !netstat.IsComplete(err) ||
		isRefused && !strings.Contains(err.Error(), errno.Error()) || errors.Is(err, netstat.ErrNotSupported) {
		return fmt.Errorf("%s: error %w", kind.name, err)
	}
	for _, row := range rows {
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return nil
}

// helpRefused holds that what /proc does not tell is an error that says so.
func helpRefused(ctx context.Context) error {
	protocol, errno, err := refuse()
	if err != nil {
		return err
	}
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	ask := func(q netstat.SocketQuery) error {
		_, err := rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Socket, error] { return k.Sockets(ctx, q) })(ctx, k)
		return err
	}
	route := func(table uint32, family netstat.Family) error {
		_, err := rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Route, error] {
			return k.Routes(ctx, netstat.RouteQuery{Table: table, Families: []netstat.Family{family}})
		})(ctx, k)
		return err
	}
	last := func(rows []toldRow, err error) error { return err }
	for _, c := range []struct {
		what      string
		refusedBy int
		names     string // in the error
		err       error
	}{
		{"sockets that are only bound", unix.NETLINK_SOCK_DIAG, "bound", ask(netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, States: netstat.States(netstat.Bound)})},
		{"sockets of a device", unix.NETLINK_SOCK_DIAG, "device", ask(netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, Filter: netstat.SocketFilter{Interface: 1}})},
		{"Multipath TCP", unix.NETLINK_SOCK_DIAG, "sock_diag", ask(netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.MPTCP}})},
		{"packet sockets", unix.NETLINK_SOCK_DIAG, "sock_diag", last(rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.PacketSocket, error] {
			return k.PacketSockets(ctx, netstat.EndpointQuery{})
		})(ctx, k))},
		{"all routes of IPv4", unix.NETLINK_ROUTE, "main table", route(0, netstat.IPv4)},
		{"a table of IPv4", unix.NETLINK_ROUTE, "main table", route(77, netstat.IPv4)},
		{"a table of IPv6", unix.NETLINK_ROUTE, "tables", route(77, netstat.IPv6)},
		{"rules", unix.NETLINK_ROUTE, "rtnetlink", last(rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Rule, error] { return k.Rules(ctx) })(ctx, k))},
		{"nexthop objects", unix.NETLINK_ROUTE, "rtnetlink", last(rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.NextHop, error] { return k.NextHops(ctx) })(ctx, k))},
		{"neighbours of IPv6", unix.NETLINK_ROUTE, "rtnetlink", last(rowsOf(func(ctx context.Context, k *Kernel) iter.Seq2[netstat.Neighbour, error] {
			return k.Neighbours(ctx, netstat.IPv6)
		})(ctx, k))},
		{"events", unix.NETLINK_ROUTE, "rtnetlink", func() error {
			l, err := k.Listen(netstat.KindInterface, 0)
			if err == nil {
				l.Close()
			}
			return err
		}()},
	} {
		if protocol != nstest.EveryNetlink && protocol != c.refusedBy {
			continue
		}
		if !errors.Is(c.err, netstat.ErrNotSupported) || !errors.Is(c.err, errors.ErrUnsupported) || netstat.IsComplete(c.err) || !strings.Contains(c.err.Error(), c.names) {
			return fmt.Errorf("%s by %w: error %w", c.what, errno, c.err)
		}
	}
	return nil
}
