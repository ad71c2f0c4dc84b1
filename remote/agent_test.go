package remote_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmptest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// scene is what an agent of a test shows. What is nil it lacks.
type scene struct {
	sockets    []netstat.Socket
	interfaces []netstat.Interface
	routes     []netstat.Route
	addresses  []netstat.Address
	neighbours []netstat.Neighbour
	// old leaves out what is not in RFC 1213, and counters32 the 64-bit ones.
	old bool
	// transport is UDP where it is empty.
	transport snmp.Transport
	options   snmp.Options
}

// agentOf serves a scene on a port of its own, on 127.0.0.1, until the test
// ends. It returns the address in the form that Config takes.
func agentOf(t testing.TB, s scene) string {
	t.Helper()
	epoch := time.Now().Add(-time.Hour)
	system := snmpv2mib.System{Descr: "test", Name: "test", Started: epoch}
	nodes := []mib.Node{snmpv2mib.SystemObjects().BindNow(func() snmpv2mib.System {
		system := system
		system.Now = time.Now()
		return system
	})}
	if s.interfaces != nil {
		source := sourceOf(s.interfaces)
		number := ifmib.Summary{Number: netstat.Known(int32(len(s.interfaces)))}
		nodes = append(nodes, ifmib.Number().BindNow(func() ifmib.Summary { return number }), ifmib.Interfaces().Bind(source))
		if !s.old {
			nodes = append(nodes, ifmib.Extensions().Bind(source),
				ifmib.Stack().Bind(sourceOf(netstat.StackingOf(s.interfaces))),
				ifmib.ReceiveAddresses().Bind(sourceOf(netstat.ReceiveAddressesOf(s.interfaces))))
		}
	}
	if s.neighbours != nil {
		source := sourceOf(s.neighbours)
		nodes = append(nodes, rfc1213mib.Neighbours().Bind(source))
		if !s.old {
			nodes = append(nodes, ipmib.Neighbours().Bind(source))
		}
	}
	if s.addresses != nil {
		source := sourceOf(s.addresses)
		nodes = append(nodes, rfc1213mib.Addresses().Bind(source))
		if !s.old {
			nodes = append(nodes, ipmib.Addresses().Bind(source))
		}
	}
	if s.routes != nil {
		source := sourceOf(s.routes)
		nodes = append(nodes, rfc1213mib.Routes().Bind(source))
		if !s.old {
			routes := ipforwardmib.Routes().Bind(source)
			nodes = append(nodes, ipforwardmib.IPv4Routes().Bind(source), routes,
				mib.BindCount("inetCidrRouteNumber", ipforwardmib.RouteNumber, routes))
		}
	}
	if s.sockets != nil {
		source := sourceOf(s.sockets)
		nodes = append(nodes, tcpmib.IPv4Connections().Bind(source), udpmib.IPv4Listeners().Bind(source))
		if !s.old {
			nodes = append(nodes, tcpmib.Connections().Bind(source), tcpmib.Listeners().Bind(source), udpmib.Endpoints().Bind(source))
		}
	}
	options := s.options
	options.Handler = snmptest.Tree(t, mib.TreeOptions{Epoch: func() time.Time { return epoch }}, nodes...)
	options.Communities = []snmp.Community{snmptest.Public()}
	return snmptest.Serve(t, options, snmptest.Local(cmp.Or(s.transport, snmp.UDP)))[0].String()
}

func sourceOf[R any](rows []R) *fresh.Source[[]R] {
	return fresh.New(func(context.Context) ([]R, error) { return rows, nil })
}

// patient is a configuration for tests, which may run on a machine that has
// other things to do.
func patient(address string) remote.Config {
	return remote.Config{Address: address, Version: remote.V2c, Community: "public", Timeout: 5 * time.Second, Retries: netstat.Known(3)}
}

func open(t testing.TB, c remote.Config) *remote.Stack {
	t.Helper()
	s, err := remote.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func collect[R any](seq iter.Seq2[R, error]) (rows []R, err error) {
	for row, err := range seq {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// manyRoutes are n routes, IPv4 and IPv6, spread as those of routers are:
// densely here and there.
func manyRoutes(n int) []netstat.Route {
	rows := make([]netstat.Route, n)
	for i := range rows {
		r := netstat.Route{
			Table: netstat.TableMain, Interface: 2, Type: netstat.RouteUnicast, Protocol: netstat.RouteProtocolBGP,
			Gateway: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Metric: netstat.Known(uint32(i % 3)),
			TOS: netstat.Known[uint8](0), UnknownFlags: ^netstat.NextHopDead, // as the MIB tells it
		}
		if i%3 == 0 && i%10 != 9 {
			r.TOS = netstat.Optional[uint8]{} // the policy of a plain route tells none
		}
		if i%10 == 9 {
			r.Destination = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 16), byte(i >> 8), byte(i)}), 64)
			r.Gateway = netip.MustParseAddr("fe80::1")
		} else {
			r.Destination = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(10 + i>>16*30), byte(i >> 8), byte(i), 0}), 24)
		}
		rows[i] = r
	}
	return rows
}

func fmtAll[R any](rows []R) (lines []string) {
	for i := range rows {
		lines = append(lines, fmt.Sprintf("%+v", rows[i]))
	}
	return lines
}
