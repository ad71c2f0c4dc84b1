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

// drift compares what both ends print, over random rows of each kind.
type drift struct {
	*testing.T
	seen map[string]bool // kinds
}

// agree holds that the object printed of a row and the library's agree in every
// member that both have, and that the library has every member but those in madeHere.
// view makes the row that is shown of the library's, which mend has brought into the
// form that readers give.
func agree[T, V any](d *drift, k *table.Kind[Row[V]], view func(T) V, mend func(*T)) {
	d.Helper()
	d.seen[k.Name] = true
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
			d.Fatal(err)
		}
		if err := p.Close(); err != nil {
			d.Fatal(err)
		}
		encoded, err := json.Marshal(row)
		if err != nil {
			d.Fatal(err)
		}
		shown, library := jsonObject(d, printed.Bytes()), jsonObject(d, encoded)
		if c, ok := any(row).(netstat.Counter); ok {
			info, err := json.Marshal(netstat.DescribeCounter(c.Name))
			if err != nil {
				d.Fatal(err)
			}
			maps.Copy(library, jsonObject(d, info))
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
				d.Fatalf("%s: %s is shown as %v, and %v in the library's row %s", k.Name, name, value, other, encoded)
			}
		}
	}
	where := whereFields[V]()
	for _, f := range k.Fields {
		isWhere := slices.ContainsFunc(where, func(w table.Field[Row[V]]) bool { return w.Name == f.Name })
		if !told[f.Name] && !told[f.Name+"Index"] && !isWhere && !slices.Contains(madeHere[k.Name], f.Name) {
			d.Errorf("%s: no row of the library has %s", k.Name, f.Name)
		}
	}
	for _, name := range madeHere[k.Name] {
		if told[name] || len(k.Find(name)) == 0 {
			d.Errorf("%s: %s is not made here", k.Name, name)
		}
	}
}

func jsonObject(d *drift, b []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var o map[string]any
	if err := decoder.Decode(&o); err != nil {
		d.Fatalf("%v in %s", err, b)
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

func agreeAsIs[T any](d *drift, k *table.Kind[Row[T]], mend func(*T)) {
	d.Helper()
	agree(d, k, itself[T], mend)
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

// The library's rows in JSON are the objects that are shown, as far as both have them.
func TestLibraryAgrees(t *testing.T) {
	d := &drift{t, make(map[string]bool)}
	validOnly := func(addrs []netip.Addr) []netip.Addr {
		return slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !a.IsValid() })
	}
	agreeAsIs(d, newSocketKind().Kind, func(s *netstat.Socket) {
		if s.Detail != nil {
			knownAlone(s.Detail.Options, inetOptions.all)
			s.Detail.MD5Peers = slices.DeleteFunc(s.Detail.MD5Peers, func(p netip.Prefix) bool { return !p.IsValid() })
		}
	})
	agreeAsIs(d, unixKind(), func(u *netstat.UnixSocket) {
		knownAlone(u.Options, unixOptions.all)
		u.State = []netstat.State{netstat.Listen, netstat.Established, netstat.Close}[u.State%3]
	})
	agreeAsIs(d, listenQueueKind(), nil)
	agreeAsIs(d, packetKind(), nil)
	agreeAsIs(d, routeKind(), nil)
	agree(d, interfaceKind(), func(i netstat.InterfaceDetails) interfaceView { return viewOf(i, nil) }, nil)
	agreeAsIs(d, groupKind(), nil)
	agree(d, counterKind(), func(c netstat.Counter) counterView {
		return counterView{Counter: c, info: netstat.DescribeCounter(c.Name), value: netstat.Known(c.Value)}
	}, func(c *netstat.Counter) {
		if c.Narrow {
			c.Name = "TcpExtTCPTimeouts" // one that is described
		}
	})
	agreeAsIs(d, interfaceCounterKind(), nil)
	agreeAsIs(d, socketUsageKind(), nil)
	agreeAsIs(d, protocolMemoryKind(), nil)
	agreeAsIs(d, slabKind(), nil)
	agreeAsIs(d, softnetKind(), nil)
	agreeAsIs(d, queueKind(), nil)
	agreeAsIs(d, fibKind(), nil)
	agreeAsIs(d, KindOf[netstat.FIB6](FIB6()), nil)
	agreeAsIs(d, KindOf[netstat.RouteLookups](RouteLookups()), nil)
	agreeAsIs(d, neighbourTableKind(), nil)
	agreeAsIs(d, KindOf[netstat.Neighbour](Neighbours()), func(n *netstat.Neighbour) { n.UnknownFlags &^= n.Flags })
	agreeAsIs(d, KindOf[netstat.Rule](Rules()), nil)
	agreeAsIs(d, KindOf[netstat.NextHop](NextHops()), nil)
	agree(d, KindOf[queueing](Qdiscs()), func(q netstat.Qdisc) queueing {
		return queueing{q.Interface, false, q.Kind, q.Handle, q.Parent, q.Statistics}
	}, nil)
	agree(d, KindOf[queueing](Qdiscs()), func(c netstat.TrafficClass) queueing {
		return queueing{c.Interface, true, c.Kind, c.Handle, c.Parent, c.Statistics}
	}, nil)
	agreeAsIs(d, KindOf[netstat.SocketMembership](SocketGroups()), func(m *netstat.SocketMembership) { m.Sources = validOnly(m.Sources) })
	agreeAsIs(d, KindOf[netstat.MulticastInterface](MulticastInterfaces()), nil)
	agreeAsIs(d, KindOf[netstat.MulticastRoute](MulticastRoutes()), nil)
	agreeAsIs(d, KindOf[netstat.BridgeGroup](BridgeGroups()), nil)
	agreeAsIs(d, KindOf[netstat.BridgeRouterPort](BridgeRouterPorts()), nil)
	agreeAsIs(d, KindOf[netstat.Netconf](Netconfs()), nil)
	agreeAsIs(d, KindOf[netstat.Namespace](Namespaces()), nil)
	agreeAsIs(d, KindOf[netstat.NetlinkSocket](NetlinkSockets()), nil)
	agreeAsIs(d, KindOf[netstat.VsockSocket](VsockSockets()), nil)
	agreeAsIs(d, KindOf[netstat.XDPSocket](XDPSockets()), nil)
	agreeAsIs(d, KindOf[netstat.SMCSocket](SMCSockets()), nil)
	agreeAsIs(d, KindOf[netstat.TIPCSocket](TIPCSockets()), nil)
	agree(d, flows(), func(f netstat.Flow) TrackedFlow { return TrackedFlow{Flow: f} }, nil)
	agreeAsIs(d, KindOf[netstat.Expectation](Expectations()), nil)
	agreeAsIs(d, KindOf[netstat.FlowUsage](FlowUsage()), nil)
	agreeAsIs(d, KindOf[netstat.FlowStatistics](FlowStatistics()), nil)
	agreeAsIs(d, KindOf[netstat.ExpectationStatistics](ExpectationStatistics()), nil)
	for _, k := range Kinds() {
		if !d.seen[k.Name] && k.Name != "counterGrowth" && k.Name != "interfaceGrowth" && k.Name != "flowTotal" && !strings.HasSuffix(k.Name, "Event") {
			t.Errorf("%s is not compared with the library", k.Name)
		}
	}
}
