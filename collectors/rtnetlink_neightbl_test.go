package collectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ipNtable is what `ip -j -s ntable` says of a table or of an interface's
// parameters.
type ipNtable struct {
	Family, Name, Dev                  string
	Thresh1, Thresh2, Thresh3, Entries uint32
	GCInterval                         int64  `json:"gc_interval"`
	ProxyQLen                          uint32 `json:"proxy_qlen"`
	BaseReachable                      int64  `json:"base_reachable"`
	Reachable, Retrans                 int64
	GCStale                            int64 `json:"gc_stale"`
	DelayProbe                         int64 `json:"delay_probe"`
	AnycastDelay                       int64 `json:"anycast_delay"`
	ProxyDelay                         int64 `json:"proxy_delay"`
	LockTime                           int64
	Queue                              uint32
	AppProbes                          uint32 `json:"app_probes"`
	UcastProbes                        uint32 `json:"ucast_probes"`
	McastProbes                        uint32 `json:"mcast_probes"`
	ProxyQueue                         uint32 `json:"proxy_queue"`
	Allocs, Destroys, Lookups, Hits    uint64
	HashGrows                          uint64 `json:"hash_grows"`
	ResFailed                          uint64 `json:"res_failed"`
	McastReceived                      uint64 `json:"rcv_probes_mcast"`
	UcastReceived                      uint64 `json:"rcv_probes_ucast"`
	PeriodicGC                         uint64 `json:"periodic_gc_runs"`
	ForcedGC                           uint64 `json:"forced_gc_runs"`
	TableFulls                         uint64 `json:"table_fulls"`
}

func TestNeighbourTables(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	told := func() map[string]ipNtable {
		var rows []ipNtable
		n.JSON(t, &rows, "-s", "ntable", "show")
		tables := make(map[string]ipNtable)
		for _, r := range rows {
			if r.Dev == "" {
				tables[r.Name] = r
			}
		}
		return tables
	}
	before := told()
	got := all(t, k.NeighbourTables(t.Context()))
	after := told()
	if len(got) != 2 {
		t.Errorf("%d tables", len(got))
	}
	for _, table := range got {
		b, ok := before[table.Name]
		a := after[table.Name]
		if !ok || b.Thresh1 != table.Threshold1 || b.Thresh2 != table.Threshold2 || b.Thresh3 != table.Threshold3 ||
			time.Duration(b.GCInterval)*time.Millisecond != table.GCInterval || b.Family != map[netstat.Family]string{netstat.IPv4: "inet", netstat.IPv6: "inet6"}[table.Family] {
			t.Errorf("%+v, ip says %+v", table, b)
		}
		// All namespaces share the tables, so the counters may move meanwhile.
		fulls, known := table.TableFulls.Get()
		for name, values := range map[string][3]uint64{
			"allocs": {b.Allocs, table.Allocations, a.Allocs}, "destroys": {b.Destroys, table.Destroys, a.Destroys},
			"hash_grows": {b.HashGrows, table.HashGrows, a.HashGrows}, "res_failed": {b.ResFailed, table.ResolutionsFailed, a.ResFailed},
			"lookups": {b.Lookups, table.Lookups, a.Lookups}, "hits": {b.Hits, table.Hits, a.Hits},
			"mcast": {b.McastReceived, table.MulticastProbesReceived, a.McastReceived}, "ucast": {b.UcastReceived, table.UnicastProbesReceived, a.UcastReceived},
			"periodic": {b.PeriodicGC, table.PeriodicCollections, a.PeriodicGC}, "forced": {b.ForcedGC, table.ForcedCollections, a.ForcedGC},
			"table_fulls": {b.TableFulls, fulls, a.TableFulls},
		} {
			if values[1] < values[0] || values[1] > values[2] || !known {
				t.Errorf("%s of %s is %d, not from %d to %d", name, table.Name, values[1], values[0], values[2])
			}
		}
		if table.Lookups == 0 || table.UnresolvedDiscards.IsKnown() {
			t.Errorf("%+v, in another namespace than the host's first", table)
		}
	}
}

func TestNeighbourParameters(t *testing.T) {
	n := nstest.New(t)
	// So many interfaces that the kernel tells of them in several datagrams.
	var links []string
	for i := range 70 {
		links = append(links, fmt.Sprintf("link add v%d type veth peer name w%d", i, i))
	}
	n.IP(t, links...)
	for name, value := range map[string]string{
		"base_reachable_time_ms": "12300", "retrans_time_ms": "2300", "gc_stale_time": "77", "delay_first_probe_time": "9", "anycast_delay": "300",
		"proxy_delay": "400", "locktime": "500", "app_solicit": "4", "ucast_solicit": "5", "mcast_solicit": "6", "mcast_resolicit": "7",
		"unres_qlen_bytes": "65536", "proxy_qlen": "31", "interval_probe_time_ms": "6700",
	} {
		n.Sysctl(t, "net.ipv4.neigh.v7."+name, value)
	}
	k := open(t, n)
	indexes := linkIndexes(t, n)
	var rows []ipNtable
	n.JSON(t, &rows, "ntable", "show")
	milliseconds := func(o netstat.Optional[time.Duration]) int64 { return o.Or(-1).Milliseconds() }
	var want, got []string
	for _, r := range rows {
		r.Reachable = 0 // drawn again now and then
		if r.Dev != "" {
			want = append(want, fmt.Sprint(r.Family, indexes[r.Dev], r.BaseReachable, r.Retrans, r.GCStale, r.DelayProbe, r.AnycastDelay, r.ProxyDelay,
				r.LockTime, r.AppProbes, r.UcastProbes, r.McastProbes, r.ProxyQueue, r.Queue))
		}
	}
	defaults := 0
	for _, p := range all(t, k.NeighbourParameters(t.Context())) {
		if p.Interface == 0 {
			defaults++
			continue
		}
		family := map[netstat.Family]string{netstat.IPv4: "inet", netstat.IPv6: "inet6"}[p.Family]
		got = append(got, fmt.Sprint(family, p.Interface, milliseconds(p.BaseReachable), milliseconds(p.Retransmit), milliseconds(p.Stale),
			milliseconds(p.DelayFirstProbe), milliseconds(p.AnycastDelay), milliseconds(p.ProxyDelay), milliseconds(p.LockTime),
			p.ApplicationProbes, p.UnicastProbes, p.MulticastProbes, p.ProxyQueueLength, p.QueueLength))
		if p.Interface == indexes["v7"] && p.Family == netstat.IPv4 {
			if p.BaseReachable.Or(0) != 12300*time.Millisecond || p.Stale.Or(0) != 77*time.Second || p.AnycastDelay.Or(0) != 3*time.Second ||
				p.MulticastReprobes.Or(0) != 7 || p.QueueBytes.Or(0) != 65536 || p.IntervalProbe.Or(0) != 6700*time.Millisecond ||
				p.Reachable.Or(0) < 12300*time.Millisecond/2 || p.Reachable.Or(0) > 3*12300*time.Millisecond/2 {
				t.Errorf("v7: %+v", p)
			}
		}
	}
	compare(t, "parameters", want, got, 280)
	if defaults != 2 {
		t.Errorf("the defaults of %d families", defaults)
	}
}

func TestProxyNeighbours(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "neigh add proxy 192.0.2.7 dev near", "neigh add proxy 192.0.2.8 dev far",
		"neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near", "-6 neigh add proxy 2001:db8::7 dev near", "-6 neigh add proxy fe80::7 dev near")
	k := open(t, n)
	indexes := linkIndexes(t, n)
	var want, got []string
	for _, family := range []string{"-4", "-6"} {
		var rows []struct{ Dst, Dev string }
		n.JSON(t, &rows, family, "neigh", "show", "proxy")
		for _, r := range rows {
			if strings.HasPrefix(r.Dst, "fe80") {
				r.Dst += fmt.Sprint("%", indexes[r.Dev])
			}
			want = append(want, fmt.Sprint(r.Dst, " on ", indexes[r.Dev]))
		}
	}
	for _, p := range all(t, k.ProxyNeighbours(t.Context())) {
		got = append(got, fmt.Sprint(p.Address, " on ", p.Interface))
	}
	compare(t, "proxies", want, got, 4)
	if six := all(t, k.ProxyNeighbours(t.Context(), netstat.IPv6)); len(six) != 2 || six[0].Family != netstat.IPv6 || six[0].Flags&netstat.NeighbourProxy == 0 {
		t.Errorf("IPv6 alone: %+v", six)
	}
	if _, err := rowsUntilError(k.ProxyNeighbours(t.Context(), netstat.Bridge)); err == nil {
		t.Error("bridges have no proxies")
	}
	// Ordinary neighbours do not have them.
	for _, o := range all(t, k.Neighbours(t.Context())) {
		if o.Flags&netstat.NeighbourProxy != 0 {
			t.Errorf("%+v is a proxy", o)
		}
	}
}

func TestParseNeighbourTable(t *testing.T) {
	forever := attribute(ndtaGCInterval, binary.NativeEndian.AppendUint64(nil, math.MaxUint64)...)
	m, err := parseNeighbourTable(append([]byte{unix.AF_INET, 0, 0, 0}, forever...))
	if err != nil || m.table.GCInterval != math.MaxInt64 || m.isTable || m.hasParameters {
		t.Errorf("%+v, %v", m, err)
	}
	old := attribute(ndtaStats, make([]byte, leastNdtStats)...)
	if m, err := parseNeighbourTable(append([]byte{unix.AF_INET, 0, 0, 0}, old...)); err != nil || m.table.TableFulls.IsKnown() {
		t.Errorf("an older kernel's: %+v, %v", m, err)
	}
	for _, bad := range [][]byte{nil, {2, 0, 0}, append([]byte{2, 0, 0, 0}, attribute(ndtaStats, 1)...), append([]byte{2, 0, 0, 0}, attribute(ndtaConfig, 1)...),
		append([]byte{2, 0, 0, 0}, attribute(ndtaParameters, attribute(ndtpaStale, 1, 2, 3, 4)...)...)} {
		if m, err := parseNeighbourTable(bad); err == nil {
			t.Errorf("% x is %+v", bad, m)
		}
	}
}

func FuzzParseNeighbourTable(f *testing.F) {
	for _, body := range captured(f, unix.RTM_GETNEIGHTBL, unix.RTM_NEWNEIGHTBL, make([]byte, sizeofNdtmsg)) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseNeighbourTable(body)
		if err == nil && (m.table.GCInterval < 0 || m.parameters.Stale.Or(0) < 0) {
			t.Errorf("% x: a negative time in %+v", body, m)
		}
	})
}
