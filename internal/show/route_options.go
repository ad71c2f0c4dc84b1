package show

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// onLink is the value of an address of a link: that of a link-local one has the
// link's name as its zone.
func onLink(src *Source, a netip.Addr, link uint32) table.Value {
	if a.Is6() && a.Zone() == "" && a.IsLinkLocalUnicast() && link != 0 {
		a = a.WithZone(src.name(link))
	}
	return table.Addr(a)
}

// preferenceName is what RFC 4191 calls a preference, empty for medium.
func preferenceName(p netstat.RouterPreference) string {
	switch p {
	case netstat.PreferenceLow:
		return "low"
	case netstat.PreferenceHigh:
		return "high"
	case netstat.PreferenceReserved:
		return "reserved"
	}
	return ""
}

// appendRouteOptions appends what tells a route from others that the columns do not
// show, in the words of ip-route(8), or a dash.
func appendRouteOptions(b []byte, r *netstat.Route) []byte {
	o := r.Options
	if o == nil {
		o = new(netstat.RouteOptions)
	}
	var parts []string
	add := func(condition bool, format string, args ...any) {
		if condition {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(o.Source.IsValid() && o.Source.Bits() > 0, "from %v", o.Source)
	add(r.TOS.Or(0) != 0, "tos %#x", r.TOS)
	add(o.EncapType != netstat.EncapNone, "encap %v %s", o.EncapType, o.Encap)
	add(r.PreferredSource.IsValid(), "src %v", r.PreferredSource)
	add(o.Realm != 0, "realm %s", realms(o.Realm))
	add(r.NextHopID != 0, "nhid %d", r.NextHopID)
	add(r.Weight != 0, "weight %d", r.Weight)
	parts = append(parts, r.Flags.Names()...)
	number := func(metric string, n uint32) {
		if n != 0 {
			parts = append(parts, metric+lockedWord(o.Locked, metric)+" "+strconv.FormatUint(uint64(n), 10))
		}
	}
	duration := func(metric string, d time.Duration) {
		if d != 0 {
			parts = append(parts, metric+lockedWord(o.Locked, metric)+" "+strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64)+"ms")
		}
	}
	number("mtu", o.MTU)
	number("window", o.Window)
	duration("rtt", o.RTT)
	duration("rttvar", o.RTTVariation)
	duration("rto_min", o.MinRTO)
	number("ssthresh", o.SlowStartThreshold)
	number("cwnd", o.CongestionWindow)
	number("initcwnd", o.InitialCongestionWindow)
	number("initrwnd", o.InitialReceiveWindow)
	number("advmss", o.AdvertisedMSS)
	number("reordering", o.Reordering)
	number("hoplimit", o.HopLimit)
	add(o.Features != 0, "features %s", strings.Join(o.Features.Names(), " "))
	add(o.Congestion != "", "congctl%s %s", lockedWord(o.Locked, "congctl"), o.Congestion)
	add(o.QuickAck, "quickack 1")
	add(o.FastOpenNoCookie, "fastopen_no_cookie 1")
	if left, known := o.Expires.Get(); known {
		add(true, "expires %dsec", int64(left/time.Second))
	}
	add(preferenceName(o.Preference) != "", "pref %s", preferenceName(o.Preference))
	if len(parts) == 0 {
		return append(b, '-')
	}
	return table.AppendEscaped(b, strings.Join(parts, " "))
}

// lockedWord is what stands behind a metric that is locked.
func lockedWord(locked netstat.RouteMetrics, metric string) string {
	if slices.Contains(locked.Names(), metric) {
		return " lock"
	}
	return ""
}

// routeOptionFields are what programs can know of the options that few routes have.
func routeOptionFields() []table.Field[Row[netstat.Route]] {
	of := func(name string, typ table.Type, doc string, get func(*netstat.RouteOptions) table.Value) table.Field[Row[netstat.Route]] {
		return fieldOf(name, typ, doc, func(r *netstat.Route) table.Value {
			if r.Options == nil {
				return table.Value{}
			}
			return get(r.Options)
		})
	}
	metric := func(name, doc string, get func(*netstat.RouteOptions) uint32) table.Field[Row[netstat.Route]] {
		return of(name, table.Integer, doc, func(o *netstat.RouteOptions) table.Value { return table.NonZero(get(o)) })
	}
	duration := func(name, doc string, get func(*netstat.RouteOptions) time.Duration) table.Field[Row[netstat.Route]] {
		return of(name, table.Duration, doc, func(o *netstat.RouteOptions) table.Value { return ifSet(get(o) != 0, table.Seconds(get(o))) })
	}
	truth := func(name, doc string, get func(*netstat.RouteOptions) bool) table.Field[Row[netstat.Route]] {
		return of(name, table.Boolean, doc, func(o *netstat.RouteOptions) table.Value { return ifSet(get(o), table.Bool(true)) })
	}
	return []table.Field[Row[netstat.Route]]{
		of("source", table.Prefix, "of source-specific IPv6 routes", func(o *netstat.RouteOptions) table.Value { return table.Net(o.Source) }),
		metric("mtu", "bytes", func(o *netstat.RouteOptions) uint32 { return o.MTU }),
		metric("window", "bytes", func(o *netstat.RouteOptions) uint32 { return o.Window }),
		duration("rtt", "seconds that connections begin with as the round-trip time", func(o *netstat.RouteOptions) time.Duration { return o.RTT }),
		metric("advertisedMSS", "bytes", func(o *netstat.RouteOptions) uint32 { return o.AdvertisedMSS }),
		metric("hopLimit", "hops", func(o *netstat.RouteOptions) uint32 { return o.HopLimit }),
		metric("initialCongestionWindow", "segments", func(o *netstat.RouteOptions) uint32 { return o.InitialCongestionWindow }),
		of("references", table.Integer, "how often an IPv6 route is referred to", func(o *netstat.RouteOptions) table.Value { return uintValue(o.References) }),
		of("uses", table.Integer, "how often an IPv6 route was used", func(o *netstat.RouteOptions) table.Value { return uintValue(o.Uses) }),
		of("expires", table.Duration, "seconds until the route goes", func(o *netstat.RouteOptions) table.Value { return secondsValue(o.Expires) }),
		of("realms", table.String, "FROM/TO, or TO alone: routing realms (IPv4)", func(o *netstat.RouteOptions) table.Value { return table.Text(realms(o.Realm)) }),
		of("preference", table.String, "`low` or `high` of routers that advertise themselves; absent for medium (RFC 4191)", func(o *netstat.RouteOptions) table.Value {
			return table.Text(preferenceName(o.Preference))
		}),
		of("encapsulation", table.String, "lightweight tunnel: `mpls`, `ip`, `ip6`, `seg6`, `seg6local`, ...", func(o *netstat.RouteOptions) table.Value {
			return ifSet(o.EncapType != netstat.EncapNone, table.Text(o.EncapType.String()))
		}),
		of("encapsulationOptions", table.String, "what it does, in the words of ip-route(8)", func(o *netstat.RouteOptions) table.Value { return table.Text(o.Encap) }),
		of("locked", table.Strings, "metrics that the kernel does not change: `mtu`, ...", func(o *netstat.RouteOptions) table.Value { return table.Words(o.Locked.Names()) }),
		duration("rttVariation", "seconds that connections begin with as its variation", func(o *netstat.RouteOptions) time.Duration { return o.RTTVariation }),
		duration("minRTO", "seconds: the least retransmission timeout", func(o *netstat.RouteOptions) time.Duration { return o.MinRTO }),
		metric("slowStartThreshold", "segments", func(o *netstat.RouteOptions) uint32 { return o.SlowStartThreshold }),
		metric("congestionWindow", "segments: the most that it may become", func(o *netstat.RouteOptions) uint32 { return o.CongestionWindow }),
		metric("initialReceiveWindow", "segments", func(o *netstat.RouteOptions) uint32 { return o.InitialReceiveWindow }),
		metric("reordering", "segments", func(o *netstat.RouteOptions) uint32 { return o.Reordering }),
		of("features", table.Strings, "what connections do: `ecn`, ...", func(o *netstat.RouteOptions) table.Value { return table.Words(o.Features.Names()) }),
		of("congestionControl", table.String, "that of connections; absent for the default", func(o *netstat.RouteOptions) table.Value { return table.Text(o.Congestion) }),
		truth("quickAck", "whether acknowledgements are not delayed", func(o *netstat.RouteOptions) bool { return o.QuickAck }),
		truth("fastOpenNoCookie", "whether TCP Fast Open needs no cookie", func(o *netstat.RouteOptions) bool { return o.FastOpenNoCookie }),
	}
}
