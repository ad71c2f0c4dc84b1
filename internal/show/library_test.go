package show

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// madeHere are members that the library's rows do not have, by kind: what is put
// together of others for people, or found elsewhere. A name of an interface, in whose
// place rows have its index, is none of them.
var madeHere = map[string][]string{
	"counter":   {"reason"},
	"flow":      {"list", "sourceProcesses", "destinationProcesses"},
	"flowUsage": {"full"},
	"namespace": {"label", "processCount", "firstProcess"},
	"nextHop":   {"options", "resilient"},
	"packet":    {"filterInstructions"},
	"qdisc":     {"class"},
	"route":     {"flags"},
	"rule":      {"matches", "options"},
	"slab":      {"bytes"},
	"socket":    {"diagnostics", "changedOptions"},
	"unix":      {"changedOptions"},
	"xdp":       {"receiveDropped"},
}

// agree holds that the object printed of a row and the library's agree in every
// member that both have, and that the library has every member but those in madeHere.
// view makes the row that is shown of the library's, which mend has brought into the
// form that readers give.
func agree[T, V any](t *testing.T, k *table.Kind[Row[V]], view func(T) V, mend func(*T)) {
	t.Helper()
	g := randomrow.New(uint64(len(k.Name))).ForJSON()
	told := make(map[string]bool)
	for range 200 {
		row := randomrow.Make[T](g)
		if mend != nil {
			mend(&row)
		}
		var printed bytes.Buffer
		out := table.NewOutput(&printed)
		out.JSON = true
		p := table.NewPrinter(out, table.Table[Row[V]]{Kind: k})
		if err := p.Row(&Row[V]{from: new(Source), v: view(row)}); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		shown, library := jsonObject(t, printed.Bytes()), jsonObject(t, encoded)
		if c, ok := any(row).(netstat.Counter); ok {
			info, err := json.Marshal(netstat.DescribeCounter(c.Name))
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(library, jsonObject(t, info))
		}
		for name, value := range library {
			told[name] = true
			if within, ok := value.(map[string]any); ok && k.Find(name) != nil {
				for member := range within {
					told[member] = true
				}
			}
		}
		for name, value := range shown {
			if other, both := library[name]; both && !sameJSON(value, other) {
				t.Fatalf("%s: %s is shown as %v, and %v in the library's row %s", k.Name, name, value, other, encoded)
			}
		}
	}
	where := whereFields[V]()
	for _, f := range k.Fields {
		isWhere := slices.ContainsFunc(where, func(w table.Field[Row[V]]) bool { return w.Name == f.Name })
		if !told[f.Name] && !told[f.Name+"Index"] && !isWhere && !slices.Contains(madeHere[k.Name], f.Name) {
			t.Errorf("%s: no row of the library has %s", k.Name, f.Name)
		}
	}
	for _, name := range madeHere[k.Name] {
		if told[name] || len(k.Find(name)) == 0 {
			t.Errorf("%s: %s is not made here", k.Name, name)
		}
	}
}

func jsonObject(t *testing.T, b []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var o map[string]any
	if err := decoder.Decode(&o); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return o
}

// sameJSON compares two values of one member: objects in what both have, addresses
// without their zones, which are names here and indexes there, and fractions as
// exactly as a float64 is.
func sameJSON(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		if !ok || x == y {
			return ok
		}
		n, err := x.Float64()
		m, err2 := y.Float64()
		return err == nil && err2 == nil && strings.Contains(x.String()+y.String(), ".") && math.Abs(n-m) <= 1e-15*math.Abs(n)
	case string:
		y, ok := b.(string)
		return ok && withoutZone(x) == withoutZone(y)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, sameJSON)
	case map[string]any:
		y, ok := b.(map[string]any)
		for name, value := range x {
			if other, both := y[name]; both && !sameJSON(value, other) {
				return false
			}
		}
		return ok
	}
	return a == b
}

func withoutZone(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone("").String()
	}
	return s
}

// itself is the view of rows that are shown as they are.
func itself[T any](v T) T { return v }

// likeness is a kind of rows, the rows of the library that are of it, and what holds
// that what is printed of the first agrees with that row.
type likeness struct {
	kind  string
	rows  []any
	agree func(*testing.T)
}

// like is the likeness of a kind whose rows are a view of the library's.
func like[T, V any](k *table.Kind[Row[V]], view func(T) V, mend func(*T), others ...any) likeness {
	var row T
	return likeness{k.Name, append([]any{row}, others...), func(t *testing.T) { agree(t, k, view, mend) }}
}

// same is the likeness of a kind whose rows are the library's.
func same[T any](k *table.Kind[Row[T]], mend func(*T), others ...any) likeness {
	return like(k, itself[T], mend, others...)
}

// ofProgram are kinds of rows that the library has not.
var ofProgram = []string{"counterGrowth", "interfaceGrowth", "flowGrowth", "flowTotal", "flowTotalGrowth", "flowEvent", "expectationEvent"}

// libraryRows returns the rows of the library that are of a kind.
func libraryRows(kind string) (rows []any) {
	for _, l := range likenesses() {
		if l.kind == kind {
			rows = append(rows, l.rows...)
		}
	}
	return rows
}

// knownAlone leaves the options that a kind of sockets has, and has how they are known
// told of those that are known.
func knownAlone(o *netstat.SocketOptions, all []netstat.SocketOption) {
	if o == nil {
		return
	}
	var byLayout, inferred netstat.SocketOptionSet
	for _, option := range netstat.AllSocketOptions() {
		if !slices.Contains(all, option) {
			reflect.ValueOf(o).Elem().Field(int(option)).SetZero()
		}
		switch o.Source(option) {
		case netstat.OptionByLayout:
			byLayout.Add(option)
		case netstat.OptionInferred:
			inferred.Add(option)
		}
	}
	o.ByLayout, o.Inferred = byLayout, inferred
}

// likenesses are those of every kind of rows that the library has.
var likenesses = sync.OnceValue(func() []likeness {
	validOnly := func(addrs []netip.Addr) []netip.Addr {
		return slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !a.IsValid() })
	}
	return []likeness{
		same(newSocketKind().Kind, func(s *netstat.Socket) {
			if s.Detail != nil {
				knownAlone(s.Detail.Options, inetOptions.all)
				s.Detail.MD5Peers = slices.DeleteFunc(s.Detail.MD5Peers, func(p netip.Prefix) bool { return !p.IsValid() })
			}
		}),
		same(unixKind(), func(u *netstat.UnixSocket) {
			knownAlone(u.Options, unixOptions.all)
			u.State = []netstat.State{netstat.Listen, netstat.Established, netstat.Close}[u.State%3]
		}),
		same(listenQueueKind(), nil),
		same(packetKind(), nil),
		same(routeKind(), nil),
		like(interfaceKind(), func(i netstat.InterfaceDetails) interfaceView { return viewOf(i, nil) }, nil, netstat.Interface{}),
		same(groupKind(), nil),
		same(KindOf[netstat.Address](Addresses()), func(a *netstat.Address) {
			a.UnknownFlags &^= a.Flags
			if a.Scope%2 == 0 { // as most have it
				a.Preferred, a.Valid = netstat.Known(netstat.Forever), netstat.Known(netstat.Forever)
			}
		}),
		like(counterKind(), func(c netstat.Counter) counterView {
			return counterView{Counter: c, info: netstat.DescribeCounter(c.Name), value: netstat.Known(c.Value)}
		}, func(c *netstat.Counter) {
			if c.Narrow {
				c.Name = "TcpExtTCPTimeouts" // one that is described
			}
		}, netstat.CounterInfo{}),
		same(interfaceCounterKind(), nil),
		same(socketUsageKind(), nil),
		same(protocolMemoryKind(), nil),
		same(slabKind(), nil),
		same(softnetKind(), nil),
		same(queueKind(), nil),
		same(fibKind(), nil),
		same(KindOf[netstat.FIB6](FIB6()), nil),
		same(KindOf[netstat.RouteLookups](RouteLookups()), nil),
		same(neighbourTableKind(), nil),
		same(KindOf[netstat.Neighbour](Neighbours()), func(n *netstat.Neighbour) { n.UnknownFlags &^= n.Flags }),
		same(KindOf[netstat.Rule](Rules()), nil),
		same(KindOf[netstat.NextHop](NextHops()), nil),
		like(KindOf[queueing](Qdiscs()), func(q netstat.Qdisc) queueing {
			return queueing{q.Interface, false, q.Kind, q.Handle, q.Parent, q.Statistics}
		}, nil),
		like(KindOf[queueing](Qdiscs()), func(c netstat.TrafficClass) queueing {
			return queueing{c.Interface, true, c.Kind, c.Handle, c.Parent, c.Statistics}
		}, nil),
		same(KindOf[netstat.SocketMembership](SocketGroups()), func(m *netstat.SocketMembership) { m.Sources = validOnly(m.Sources) }),
		same(KindOf[netstat.MulticastInterface](MulticastInterfaces()), nil),
		same(KindOf[netstat.MulticastRoute](MulticastRoutes()), nil),
		same(KindOf[netstat.BridgeGroup](BridgeGroups()), nil),
		same(KindOf[netstat.BridgeRouterPort](BridgeRouterPorts()), nil),
		same(KindOf[netstat.Netconf](Netconfs()), nil),
		same(KindOf[netstat.Namespace](Namespaces()), nil),
		same(KindOf[netstat.NetlinkSocket](NetlinkSockets()), nil),
		same(KindOf[netstat.VsockSocket](VsockSockets()), nil),
		same(KindOf[netstat.XDPSocket](XDPSockets()), nil),
		same(KindOf[netstat.SMCSocket](SMCSockets()), nil),
		same(KindOf[netstat.TIPCSocket](TIPCSockets()), nil),
		like(flows(), func(f netstat.Flow) TrackedFlow { return TrackedFlow{Flow: f} }, nil),
		same(KindOf[netstat.Expectation](Expectations()), nil),
		same(KindOf[netstat.FlowUsage](FlowUsage()), nil),
		same(KindOf[netstat.FlowStatistics](FlowStatistics()), nil),
		same(KindOf[netstat.ExpectationStatistics](ExpectationStatistics()), nil),
	}
})

// The library's rows in JSON are the objects that are shown, as far as both have them.
func TestLibraryAgrees(t *testing.T) {
	for _, l := range likenesses() {
		l.agree(t)
	}
	for _, k := range Kinds() {
		if len(libraryRows(k.Name)) == 0 != slices.Contains(ofProgram, k.Name) {
			t.Errorf("%s is not compared with the library", k.Name)
		}
	}
}
