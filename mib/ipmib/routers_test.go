package ipmib

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func defaultRoute(gateway string, index uint32) route {
	r := route{Table: netstat.TableMain, Type: netstat.RouteUnicast, Gateway: netip.MustParseAddr(gateway), Interface: index}
	r.Destination = netip.MustParsePrefix("::/0")
	if r.Gateway.Is4() {
		r.Destination = netip.MustParsePrefix("0.0.0.0/0")
	}
	return r
}

func TestDefaultRoutersRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var rows []route
	for i := range uint32(1000) {
		r := defaultRoute("192.0.2.1", 1+i)
		if a := tabletest.Addr(random).Unmap().WithZone(""); a.Is6() {
			r = defaultRoute(a.String(), 1+i)
		}
		if random.IntN(2) == 0 {
			r.Options = &netstat.RouteOptions{Expires: netstat.Known(time.Duration(random.IntN(Unlimited)) * time.Second), Preference: netstat.RouterPreference(random.IntN(4) - 2)}
		}
		rows = append(rows, r)
	}
	tabletest.RoundTrip(t, DefaultRouters(), rows, func(r route) route { return r })
	tabletest.RoundTrip(t, DefaultRouters().WithZones(), rows, func(r route) route { return r })
}

func TestDefaultRouters(t *testing.T) {
	with := func(r route, change func(*route)) route {
		change(&r)
		return r
	}
	left := func(d time.Duration) *netstat.RouteOptions { return &netstat.RouteOptions{Expires: netstat.Known(d)} }
	rows := []route{
		with(defaultRoute("192.0.2.1", 3), func(r *route) { r.Metric = netstat.Known[uint32](200); r.Options = left(9 * time.Second) }),
		with(defaultRoute("192.0.2.1", 3), func(r *route) { r.Metric = netstat.Known[uint32](100) }),
		with(defaultRoute("192.0.2.2", 3), func(r *route) { r.Flags = netstat.NextHopDead }),
		with(defaultRoute("192.0.2.3", 3), func(r *route) { r.Options = left(1<<63 - 1) }),
		with(defaultRoute("fe80::1", 3), func(r *route) {
			r.Options = &netstat.RouteOptions{Expires: netstat.Known(1799*time.Second + time.Millisecond), Preference: netstat.PreferenceLow}
		}),
		with(defaultRoute("2001:db8::1", 4), func(r *route) { r.Options = left(-time.Second) }),
		with(defaultRoute("fe80::1", 4), func(r *route) { r.Destination = netip.MustParsePrefix("0.0.0.0/0") }),
		// None of these leads to a default router.
		with(defaultRoute("192.0.2.9", 3), func(r *route) { r.Table = 100 }),
		with(defaultRoute("192.0.2.9", 3), func(r *route) { r.Type = netstat.RouteUnreachable }),
		with(defaultRoute("192.0.2.9", 3), func(r *route) { r.Gateway = netip.Addr{} }),
		with(defaultRoute("192.0.2.9", 3), func(r *route) { r.Interface = 0 }),
		with(defaultRoute("192.0.2.9", 3), func(r *route) { r.Destination = netip.MustParsePrefix("0.0.0.0/1") }),
		{},
	}
	linkLocal := "2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1."
	want := map[string]mib.Value{
		"4.1.4.192.0.2.1.3": mib.Gauge(65535), "5.1.4.192.0.2.1.3": mib.Int(0),
		"4.1.4.192.0.2.2.3": mib.Gauge(0), "5.1.4.192.0.2.2.3": mib.Int(0),
		"4.1.4.192.0.2.3.3": mib.Gauge(65535), "5.1.4.192.0.2.3.3": mib.Int(0),
		"4." + linkLocal + "3": mib.Gauge(1800), "5." + linkLocal + "3": mib.Int(-1),
		"4." + linkLocal + "4": mib.Gauge(65535), "5." + linkLocal + "4": mib.Int(0),
		"4.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1.4": mib.Gauge(0), "5.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1.4": mib.Int(0),
	}
	if got := tabletest.Values(t, DefaultRouters(), rows); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}
