package recording

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// scene is a network namespace with something of most kinds.
func scene(t *testing.T) *nstest.NS {
	t.Helper()
	ns := nstest.New(t)
	ns.IP(t,
		"link add v0 type veth peer name v1",
		"link add br0 type bridge",
		"link set v1 master br0",
		"link set v0 address 02:00:00:00:00:01 alias uplink",
		"link set v0 up", "link set v1 up", "link set br0 up",
		"addr add 192.0.2.1/24 dev v0",
		"addr add 198.51.100.1/24 dev br0 label br0:1",
		"route add 203.0.113.0/24 via 192.0.2.2",
		"route add 203.0.114.0/24 nexthop via 192.0.2.3 weight 2 nexthop via 192.0.2.4",
		"route add blackhole 203.0.115.0/24",
		"route add 203.0.116.0/24 via 192.0.2.2 table 100 mtu 1400",
		"nexthop add id 7 via 192.0.2.9 dev v0",
		"route add 203.0.117.0/24 nhid 7",
		"rule add from 192.0.2.0/24 table 100 priority 1000",
		"neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent",
		"neigh add proxy 192.0.2.77 dev v0",
		"-6 addr add 2001:db8::1/64 dev v0 nodad",
		"-6 route add 2001:db8:1::/48 via 2001:db8::2",
	)
	ns.Listen(t, "tcp", "127.0.0.1:2001")
	ns.Listen(t, "tcp", "[::]:2002")
	l := ns.Listen(t, "tcp", "127.0.0.1:2003")
	// Probes would change counters and sockets while they are compared.
	if err := ns.Dial(t, "tcp", l.Addr().String()).(*net.TCPConn).SetKeepAlive(false); err != nil {
		t.Fatal(err)
	}
	ns.ListenPacket(t, "udp", "127.0.0.1:2004")
	ns.ListenPacket(t, "udp", "[::1]:2005")
	ns.Listen(t, "unix", filepath.Join(t.TempDir(), "socket"))
	return ns
}

// unsteady are the kinds of which some fields differ from one reading to the
// next: clocks that run, memory of the whole host, other processes that come and
// go, what reading itself changes. What is left of a row is compared.
var unsteady = map[Kind]func(row any) any{
	KindSlab:           func(any) any { return nil },
	KindSoftnet:        func(any) any { return nil },
	KindSocketOwner:    func(any) any { return nil },
	KindProtocolMemory: func(row any) any { return row.(netstat.ProtocolMemory).Name },
	KindSocketUsage:    func(any) any { return nil },
	KindCounter: func(row any) any {
		c := row.(netstat.Counter)
		if c.Group == netstat.GroupSocket { // with the readers' own, which go away when the kernel finds time
			c.Value = netstat.Number{}
		}
		return c
	},
	KindRouteLookups:   func(any) any { return nil },
	KindNeighbourTable: func(row any) any { return row.(netstat.NeighbourTable).Name },
	KindNamespace:      func(any) any { return nil },
	KindNeighbour: func(row any) any {
		n := row.(netstat.Neighbour)
		n.Updated, n.State = time.Time{}, netstat.Known[netstat.NeighbourState](0)
		return n
	},
	KindAddress: func(row any) any {
		a := row.(netstat.Address)
		a.Created, a.Updated = a.Created.Round(0), a.Updated.Round(0) // a file has the wall clock alone
		return a
	},
	KindNeighbourParameters: func(row any) any {
		p := row.(netstat.NeighbourParameters)
		p.Reachable = netstat.Optional[time.Duration]{} // drawn anew now and then
		return p
	},
	KindIPInterface: func(row any) any {
		i := row.(netstat.IPInterface)
		i.Reachable, i.Updated = netstat.Optional[time.Duration]{}, time.Time{}
		return i
	},
	KindNetlinkSocket: func(row any) any { return row.(netstat.NetlinkSocket).Protocol == 0 }, // the readers' own
	KindSocket:        func(row any) any { return steadySocket(row.(netstat.Socket)) },
	KindBridgeGroup: func(row any) any {
		g := row.(netstat.BridgeGroup)
		g.Expires = 0
		for i := range g.Sources {
			g.Sources[i].Expires = 0
		}
		return g
	},
	KindBridgeRouterPort: func(row any) any {
		p := row.(netstat.BridgeRouterPort)
		p.Expires = 0
		return p
	},
	KindMembership: func(row any) any {
		m := row.(netstat.Membership)
		m.Timer = 0
		return m
	},
}

// steadySocket takes the clocks out of a socket.
func steadySocket(s netstat.Socket) netstat.Socket {
	s.Expires = netstat.Known[time.Duration](0)
	if s.Detail != nil && s.Detail.TCP != nil {
		d, info := *s.Detail, *s.Detail.TCP
		info.LastDataSent, info.LastDataReceived, info.LastAckReceived = 0, 0, 0
		d.TCP, s.Detail = &info, &d
	}
	return s
}

// outcome is what a reading of a part gave.
type outcome struct {
	rows []any
	err  error
}

// readAny reads a part of any stack.
func (t *table[T]) readAny(ctx context.Context, stack any, part int) outcome {
	var o outcome
	seq, ok := t.read(ctx, stack, part, new(look))
	if !ok {
		return outcome{err: netstat.ErrNotSupported}
	}
	steady := unsteady[t.kind]
	for row, err := range seq {
		if err != nil {
			o.err = err
			break
		}
		if steady == nil {
			o.rows = append(o.rows, row)
		} else if kept := steady(row); kept != nil {
			o.rows = append(o.rows, kept)
		}
	}
	return o
}

func (t *table[T]) partNames() []string { return t.parts() }

type readable interface {
	anyTable
	readAny(ctx context.Context, stack any, part int) outcome
	partNames() []string
}

func sameError(a, b error) bool {
	if (a == nil) != (b == nil) {
		return false
	}
	for _, c := range errorClasses {
		if errors.Is(a, c.err) != errors.Is(b, c.err) {
			return false
		}
	}
	return true
}

// TestKernelAndRecording reads a namespace by every reader, live and from its
// recording. What the kernel changed meanwhile by itself is read again.
func TestKernelAndRecording(t *testing.T) {
	ns := scene(t)
	kernel, err := collectors.Open(collectors.Options{NetNS: ns.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	path := filepath.Join(t.TempDir(), "scene")
	ctx := context.Background()
	compared := make(map[Kind]int)
	for _, any := range tables {
		table := any.(readable)
		t.Run(string(table.name()), func(t *testing.T) {
			nstest.Eventually(t, func() string { return compareKind(ctx, t, kernel, path, table, compared) })
		})
	}
	for _, kind := range []Kind{KindInterface, KindInterfaceDetails, KindAddress, KindRoute, KindRule, KindNeighbour, KindProxyNeighbour, KindNextHop, KindNetconf, KindSocket, KindListenQueue, KindUnixSocket, KindCounter, KindTCPStatistics, KindQdisc} {
		if compared[kind] == 0 {
			t.Errorf("the scene has no %s", kind)
		}
	}
}

// compareKind reads a kind live, records it, and reads it live again. It returns
// what differs.
func compareKind(ctx context.Context, t *testing.T, kernel *collectors.Kernel, path string, table readable, compared map[Kind]int) string {
	t.Helper()
	parts := table.partNames()
	before := make([]outcome, len(parts))
	for i := range parts {
		before[i] = table.readAny(ctx, kernel, i)
	}
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Record(ctx, Options{Kinds: []Kind{table.name(), KindInterface}}, One(kernel)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := f.Stack(Choice{})
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range parts {
		recorded := table.readAny(ctx, s, i)
		after := table.readAny(ctx, kernel, i)
		if !reflect.DeepEqual(before[i].rows, after.rows) || !sameError(before[i].err, after.err) {
			return fmt.Sprintf("%s never stands still: %s", part, difference(before[i].rows, after.rows))
		}
		if !reflect.DeepEqual(recorded.rows, after.rows) {
			return fmt.Sprintf("%s differs (-live +recorded): %s", part, difference(after.rows, recorded.rows))
		}
		if !sameError(recorded.err, after.err) {
			return fmt.Sprintf("%s: live %v, recorded %v", part, after.err, recorded.err)
		}
		compared[table.name()] += len(recorded.rows)
	}
	return ""
}

func difference(a, b []any) string {
	return cmp.Diff(a, b, cmp.Exporter(func(reflect.Type) bool { return true }))
}

// Queries select from a recording what they select from the kernel.
func TestQueries(t *testing.T) {
	ns := scene(t)
	kernel, err := collectors.Open(collectors.Options{NetNS: ns.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	nstest.Eventually(t, func() string { return strings.Join(compareQueries(t, kernel), "\n") })
}

// compareQueries records a stack and returns which queries are answered
// differently, of which there may be some while the kernel changes something.
func compareQueries(t *testing.T, kernel *collectors.Kernel) (problems []string) {
	t.Helper()
	note := func(problem string) {
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "scene")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	kinds := Options{Kinds: []Kind{KindSocket, KindListenQueue, KindRoute, KindNeighbour, KindUnixSocket, KindCounter}}
	if err := r.Record(ctx, kinds, One(kernel)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := f.Stack(Choice{})
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp, v4, v6 := netstat.TCP, netstat.UDP, netstat.IPv4, netstat.IPv6
	for name, q := range map[string]netstat.SocketQuery{
		"everything":          {},
		"TCP":                 {Protocols: []netstat.Protocol{tcp}},
		"UDP over IPv6":       {Protocols: []netstat.Protocol{udp}, Families: []netstat.Family{v6}},
		"IPv4":                {Families: []netstat.Family{v4}},
		"listeners":           {Protocols: []netstat.Protocol{tcp}, States: netstat.States(netstat.Listen)},
		"a port":              {Filter: netstat.SocketFilter{Ports: netstat.PortRange{First: 2003, Last: 2004}}},
		"an address":          {Filter: netstat.SocketFilter{Address: netip.MustParsePrefix("127.0.0.0/8")}, Processes: true},
		"a mark":              {Protocols: []netstat.Protocol{tcp}, Filter: netstat.SocketFilter{Mark: netstat.Known(netstat.MarkMatch{Value: 1, Mask: 1})}},
		"no mark":             {Protocols: []netstat.Protocol{tcp}, Filter: netstat.SocketFilter{Mark: netstat.Known(netstat.MarkMatch{Value: 0, Mask: 1})}},
		"a cgroup":            {Filter: netstat.SocketFilter{CGroup: 1 << 60}},
		"memory":              {Protocols: []netstat.Protocol{udp}, Details: netstat.DetailMemory},
		"congestion and TOS":  {Protocols: []netstat.Protocol{tcp}, Details: netstat.DetailCongestion | netstat.DetailTOS},
		"congestion's name":   {Protocols: []netstat.Protocol{tcp}, Details: netstat.DetailCongestionName},
		"options and cgroups": {Protocols: []netstat.Protocol{tcp, udp}, Details: netstat.DetailOptions | netstat.DetailCGroup},
		"TCP and SCTP":        {Protocols: []netstat.Protocol{tcp, netstat.SCTP}},
	} {
		steadyQueue := func(l netstat.ListenQueue) netstat.ListenQueue {
			l.Socket = steadySocket(l.Socket)
			return l
		}
		note(compareRows(t, "sockets: "+name, mapped(kernel.Sockets(ctx, q), steadySocket), mapped(s.Sockets(ctx, q), steadySocket)))
		note(compareRows(t, "queues: "+name, mapped(kernel.ListenQueues(ctx, q), steadyQueue), mapped(s.ListenQueues(ctx, q), steadyQueue)))
	}
	for name, q := range map[string]netstat.RouteQuery{
		"everything": {}, "IPv6": {Families: []netstat.Family{v6}}, "a table": {Table: 100}, "forwarding": {ForwardingOnly: true},
	} {
		note(compareRows(t, "routes: "+name, kernel.Routes(ctx, q), s.Routes(ctx, q)))
	}
	for _, families := range [][]netstat.Family{nil, {v6}, {netstat.Bridge}, {v4, netstat.Bridge}} {
		steady := func(n netstat.Neighbour) netstat.Neighbour {
			n.Updated, n.State = time.Time{}, netstat.Known[netstat.NeighbourState](0)
			return n
		}
		note(compareRows(t, fmt.Sprintf("neighbours: %v", families),
			mapped(kernel.Neighbours(ctx, families...), steady), mapped(s.Neighbours(ctx, families...), steady)))
	}
	for name, q := range map[string]netstat.EndpointQuery{
		"everything": {}, "listeners": {States: netstat.States(netstat.Listen)}, "memory": {Memory: true}, "references": {References: true},
	} {
		note(compareRows(t, "unix: "+name, kernel.UnixSockets(ctx, q), s.UnixSockets(ctx, q)))
	}
	for _, groups := range [][]netstat.CounterGroup{nil, {netstat.GroupTCP}, {netstat.GroupUDP6, netstat.GroupTCP}, {"nothing"}} {
		names := func(c netstat.Counter) netstat.Counter { return netstat.Counter{Name: c.Name, Group: c.Group} }
		note(compareRows(t, fmt.Sprintf("counters: %v", groups), mapped(kernel.Counters(ctx, groups...), names), mapped(s.Counters(ctx, groups...), names)))
	}
	return problems
}

// compareRows tells the difference unless there are the same rows, in any order,
// and the same kind of error.
func compareRows[T any](t *testing.T, name string, live, recorded func(func(T, error) bool)) string {
	t.Helper()
	gather := func(seq func(func(T, error) bool)) (rows []string, failed error) {
		for row, err := range seq {
			if err != nil {
				return rows, err
			}
			rows = append(rows, show(t, row))
		}
		slices.Sort(rows)
		return rows, nil
	}
	want, wantErr := gather(live)
	got, err := gather(recorded)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || !sameError(err, wantErr) {
		return fmt.Sprintf("%s: %v, live %v (-live +recorded)\n%s", name, err, wantErr, cmp.Diff(want, got))
	}
	return ""
}

// show returns a row as its columns, in the order of their names.
func show[T any](t *testing.T, row T) string {
	t.Helper()
	payload, err := encodeRows(codecOf(reflect.TypeFor[T]()), "", "", []T{row}, new(columnWriter))
	if err != nil {
		t.Fatal(err)
	}
	text, err := cbor.Diagnose(payload)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func mapped[T, U any](seq func(func(T, error) bool), f func(T) U) func(func(U, error) bool) {
	return func(yield func(U, error) bool) {
		for row, err := range seq {
			var u U
			if err == nil {
				u = f(row)
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

// Every namespace of a host is recorded under its name.
func TestNamespaces(t *testing.T) {
	one, two := nstest.New(t), nstest.New(t)
	one.IP(t, "link add left type bridge")
	two.IP(t, "link add right type bridge")
	path := filepath.Join(t.TempDir(), "all")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Record(context.Background(), Options{Kinds: []Kind{KindInterface}}, func(yield func(Source) bool) {
		for _, name := range []string{one.Name, two.Name, "not-there"} {
			kernel, err := collectors.Open(collectors.Options{NetNS: name})
			if err != nil {
				if !yield(Source{Name: name, Err: err}) {
					return
				}
				continue
			}
			goOn := yield(Source{Name: name, Stack: kernel})
			kernel.Close()
			if !goOn {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]string{one.Name: "left", two.Name: "right"} {
		s, err := f.Stack(Choice{Stack: name})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, err := range s.Interfaces(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, i.Name)
		}
		if !slices.Contains(names, want) || len(names) > 10 {
			t.Errorf("%s has %v", name, names)
		}
		if s.Moment().Host() != ThisHost() {
			t.Errorf("the host is %+v", s.Moment().Host())
		}
	}
	if _, err := f.Stack(Choice{Stack: "not-there"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what could not be opened: %v", err)
	}
}
