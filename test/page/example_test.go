package page_test

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"iter"
	"maps"
	"math"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/page"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// example is a web server that does not exist, at the end of an hour.
type example struct {
	netstat.Stack
	netstat.FlowStatisticsReader
	end time.Time
}

// linksAt are its interfaces at a moment.
func (e example) linksAt(at time.Time) (rows []netstat.Interface) {
	passed := at.Sub(e.end).Seconds() + 3600
	for i, of := range []struct {
		name, kind, alias string
		in, out, faults   float64 // octets a second
	}{
		{"eth0", "", "uplink to sw-3 port 12", 31e6, 12e6, 0}, {"eth1", "", "storage", 8e6, 61e6, 0.2}, {"bond0", "bond", "", 38e6, 70e6, 0},
		{"vlan120", "vlan", "customers", 4e6, 2e6, 0}, {"wg0", "wireguard", "site B", 0.3e6, 0.5e6, 0}, {"br-build", "bridge", "", 60e3, 9e3, 0}, {"lo", "", "", 2e6, 2e6, 0},
	} {
		phase := float64(i)
		// The integral of a rate that swings, with a peak.
		swing := func(mean float64) uint64 {
			return uint64(mean * (passed + 80*math.Sin(passed/190+phase) + 12*math.Cos(passed/47+2*phase) + 110*(1+math.Tanh((passed-2000-200*phase)/60))))
		}
		ifc := netstat.Interface{Index: uint32(i + 1), Name: of.name, Kind: of.kind, Alias: of.alias, OperState: netstat.Known(netstat.OperUp)}
		ifc.Counters.InOctets.Set(swing(of.in))
		ifc.Counters.OutOctets.Set(swing(of.out))
		ifc.Counters.InDropped.Set(uint64(of.faults * passed))
		rows = append(rows, ifc)
	}
	return rows
}

func (e example) countersAt(at time.Time) (all []netstat.Counter) {
	passed := at.Sub(e.end).Seconds() + 3600
	for name, of := range map[string]struct{ rate, base float64 }{
		"TcpExtListenOverflows": {0.06, 0}, "TcpExtListenDrops": {0.06, 0}, "UdpRcvbufErrors": {0, 4711}, "TcpExtPruneCalled": {0, 93}, "ConntrackInsertFailed": {0, 12}, "IpReasmFails": {0, 3}, "TcpInErrs": {0, 18},
	} {
		all = append(all, netstat.Counter{Name: name, Value: netstat.Unsigned(uint64(of.base + of.rate*passed))})
	}
	return all
}

func seq[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (e example) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return seq(e.linksAt(e.end))
}

func (e example) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return seq(e.countersAt(e.end))
}

func (example) FlowUsage(context.Context) (netstat.FlowUsage, error) {
	return netstat.FlowUsage{Flows: netstat.Known(uint32(218442)), Limit: netstat.Known(uint32(262144))}, nil
}

func (example) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	var rows []netstat.Socket
	add := func(n int, s netstat.Socket, process string) {
		s.Protocol, s.Family = q.Protocols[0], netstat.IPv4
		if s.Local.Addr().Is6() || s.Remote.Addr().Is6() {
			s.Family = netstat.IPv6
		}
		if process != "" {
			s.Processes.Set([]netstat.Process{{PID: 1, Name: process}})
		}
		for range n {
			rows = append(rows, s)
		}
	}
	listen := func(at, process string, queue, limit, drops uint32) {
		add(1, netstat.Socket{
			Local: netip.MustParseAddrPort(at), State: netstat.Listen, ReceiveQueue: netstat.Known(queue), SendQueue: netstat.Known(limit),
			Detail: &netstat.SocketDetail{Drops: netstat.Known(drops)},
		}, process)
	}
	talk := func(n int, remote, process string, unread, toSend uint32, retransmits uint8) {
		s := netstat.Socket{Local: netip.MustParseAddrPort("192.0.2.7:443"), Remote: netip.MustParseAddrPort(remote), State: netstat.Established, ReceiveQueue: netstat.Known(unread), SendQueue: netstat.Known(toSend)}
		if retransmits > 0 {
			s.Retransmits.Set(retransmits)
			s.Timer.Set(netstat.TimerRetransmit)
		}
		add(n, s, process)
	}
	if q.Protocols[0] == netstat.UDP {
		for _, of := range []struct {
			at, process   string
			unread, drops uint32
		}{{"0.0.0.0:53", "unbound", 12800, 0}, {"127.0.0.1:161", "netsnmp-agent", 0, 0}, {"[::]:51820", "", 0, 0}} {
			add(1, netstat.Socket{Local: netip.MustParseAddrPort(of.at), State: netstat.Close, ReceiveQueue: netstat.Known(of.unread), Detail: &netstat.SocketDetail{Drops: netstat.Known(of.drops)}}, of.process)
		}
		return seq(rows)
	}
	listen("0.0.0.0:443", "nginx", 512, 511, 214)
	listen("[::]:443", "nginx", 41, 511, 0)
	listen("127.0.0.1:5432", "postgres", 3, 200, 0)
	listen("0.0.0.0:22", "sshd", 0, 128, 0)
	listen("[::]:22", "sshd", 0, 128, 0)
	listen("127.0.0.1:6379", "redis-server", 0, 511, 0)
	listen("127.0.0.1:9161", "netsnmp-agent", 0, 4096, 0)
	talk(1180, "198.51.100.20:50000", "nginx", 0, 1400, 0)
	talk(640, "203.0.113.9:50000", "nginx", 0, 300, 0)
	talk(38, "203.0.113.80:50001", "nginx", 0, 2900, 2)
	talk(310, "[2001:db8:40::1]:50000", "nginx", 0, 0, 0)
	talk(96, "127.0.0.1:5432", "php-fpm", 0, 0, 0)
	talk(96, "127.0.0.1:40000", "postgres", 120, 0, 0)
	talk(24, "127.0.0.1:6379", "redis-server", 0, 0, 0)
	talk(2, "192.0.2.200:52000", "sshd", 0, 0, 0)
	add(412, netstat.Socket{Local: netip.MustParseAddrPort("192.0.2.7:443"), Remote: netip.MustParseAddrPort("198.51.100.7:1"), State: netstat.TimeWait}, "")
	add(3, netstat.Socket{Local: netip.MustParseAddrPort("192.0.2.7:443"), Remote: netip.MustParseAddrPort("198.51.100.7:1"), State: netstat.CloseWait}, "php-fpm")
	return seq(rows)
}

// small returns a picture with the 256 colours that are most frequent: what is drawn in few colours takes a third of the room.
func small(t *testing.T, picture []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	const coarse = 0xf8
	count := make(map[color.RGBA]int)
	area := from.Bounds()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			c := color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)
			if count[c]++; count[c] == 1 && len(count) > 1<<16 {
				t.Fatal("too many colours")
			}
		}
	}
	// Of colours that nearly equal, the most frequent one stands for all.
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	near := make(map[color.RGBA]bool)
	for _, c := range all {
		like := color.RGBA{c.R & coarse, c.G & coarse, c.B & coarse, c.A}
		if !near[like] && len(palette) < 256 {
			near[like] = true
			palette = append(palette, c)
		}
	}
	to := image.NewPaletted(area, palette)
	draw.Draw(to, area, from, area.Min, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, to); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A server with all sorts of trouble is readable however wide the window is. It is the picture of docs/page.md.
func TestPicture(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	now := time.Now()
	of := example{end: now}
	h := page.NewHistory()
	for at := now.Add(-time.Hour + time.Second); at.Before(now.Add(-15 * time.Second)); at = at.Add(15 * time.Second) {
		if passed := now.Sub(at); passed < 44*time.Minute && passed > 36*time.Minute {
			continue // nobody scraped
		}
		h.Interfaces(at, of.linksAt(at))
		h.Counters(at, of.countersAt(at))
	}
	r := readings.New(of, readings.Options{Observe: metrics.Observe, InterfacesRead: h.Interfaces, CountersRead: h.Counters})
	p, err := page.New(page.Options{
		Names: func() []string { return []string{"build", "customers", "dmz"} },
		Open:  func(context.Context, string) (page.Stack, error) { return page.Stack{Readings: r, History: h}, nil },
		Program: func() page.Program {
			return page.Program{
				Name: "netsnmp-agent", Version: "0.1.0", Host: "web-7.example.org", Started: now.Add(-123 * time.Hour), Engine: true, Listening: []string{"udp:192.0.2.7:161", "udp6:[2001:db8::7]:161"},
				ConfigError: "/etc/snmp/snmpd.conf:14: source 192.0.2.0/40: prefix length out of range", ConfigRead: now.Add(-26 * time.Hour),
				Clients: []page.Client{
					{Address: "192.0.2.200", Version: "3", Answered: 81220, Last: now.Add(-8 * time.Second)},
					{Address: "192.0.2.201", Version: "2c", Answered: 14012, Last: now.Add(-44 * time.Second)},
					{Address: "198.51.100.66", Version: "2c", Refused: 61, Reason: "snmpInBadCommunityNames", Last: now.Add(-11 * time.Minute)},
				},
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(p)
	server.Listener = n.Listen(t, "tcp", "127.0.0.1:0")
	server.Start()
	defer server.Close()
	b := startBrowser(t, n)
	for _, l := range append(looks(), look{320, 700, "light"}, look{800, 900, "dark"}, look{1280, 900, "light"}) {
		b.open(t, server.URL+"/", l)
		var seen struct {
			Bad, Warn, Graphs, Wide, Width int
			Dim                            []string
		}
		// What a person is to read has a contrast of 4.5 at least (WCAG 2.2, 1.4.3).
		b.evaluate(t, `(() => {
			const light = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0)
			const numbers = s => s.match(/[\d.]+/g).map(Number)
			const behind = e => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] }
			const dim = []
			for (const e of document.querySelectorAll('body *')) {
				if (!Array.from(e.childNodes).some(n => n.nodeType == 3 && n.data.trim())) continue
				const a = light(numbers(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e))
				const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
				if (contrast < 4.5) dim.push(e.textContent.trim().slice(0, 40) + ': ' + contrast.toFixed(2))
			}
			return {bad: document.querySelectorAll('.findings .bad').length, warn: document.querySelectorAll('.findings .warn').length,
				graphs: document.querySelectorAll('.links path.in').length, dim,
				wide: document.documentElement.scrollWidth, width: document.documentElement.clientWidth}
		})()`, &seen)
		if seen.Bad != 2 || seen.Warn != 4 || seen.Graphs != 7 {
			t.Errorf("%s: %d bad and %d other findings, %d graphs", l, seen.Bad, seen.Warn, seen.Graphs)
		}
		if seen.Wide > seen.Width {
			t.Errorf("%s: the page is %d wide, the window %d", l, seen.Wide, seen.Width)
		}
		for _, text := range seen.Dim {
			t.Errorf("%s: too little contrast: %s", l, text)
		}
		picture := b.picture(t)
		keep(t, "example-"+l.String(), picture)
		if *update && l == (look{1280, 900, "light"}) {
			if err := os.WriteFile("../../docs/page.png", small(t, picture), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
