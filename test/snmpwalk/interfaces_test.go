package snmpwalk_test

import (
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// ipLink is a link as `ip -j -d -s -s link` shows it.
type ipLink struct {
	Index       uint32 `json:"ifindex"`
	Name        string `json:"ifname"`
	Flags       []string
	MTU         int
	OperState   string
	LinkType    string `json:"link_type"`
	Address     string
	Broadcast   string
	PermAddr    string `json:"permaddr"`
	Alias       string `json:"ifalias"`
	Master      string
	Link        string
	LinkNetNSID *int `json:"link_netnsid"`
	Promiscuity int
	LinkInfo    struct {
		Kind string `json:"info_kind"`
		Data struct {
			Link string
		} `json:"info_data"`
	}
	Stats struct {
		RX, TX struct {
			Bytes, Packets, Errors, Dropped, Multicast uint64
			Missed                                     uint64 `json:"missed_errors"`
		}
	} `json:"stats64"`
}

func (l *ipLink) has(flag string) bool { return slices.Contains(l.Flags, flag) }

func (s *scene) links(t testing.TB) (all []ipLink) {
	t.Helper()
	s.JSON(t, &all, "-d", "-s", "-s", "link", "show")
	return all
}

// hardwareAddress is the octets of "02:00:00:00:00:01".
func hardwareAddress(t testing.TB, s string) string {
	t.Helper()
	if s == "" {
		return ""
	}
	address, err := net.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(address)
}

// below returns the indexes of what each interface stands on: a bridge on its
// ports, a tunnel and a macvlan on their device. The peer of a veth is not below
// it.
func below(links []ipLink) map[uint32][]uint32 {
	byName := make(map[string]uint32)
	for _, l := range links {
		byName[l.Name] = l.Index
	}
	stack := make(map[uint32][]uint32)
	for _, l := range links {
		if l.Master != "" {
			higher := byName[l.Master]
			stack[higher] = append(stack[higher], l.Index)
		}
		lower := l.Link
		if lower == "" {
			lower = l.LinkInfo.Data.Link
		}
		if lower != "" && l.LinkInfo.Kind != "veth" && l.LinkNetNSID == nil {
			stack[l.Index] = append(stack[l.Index], byName[lower])
		}
	}
	return stack
}

// types are what each interface of the scene is (IANAifType-MIB).
var types = map[string]string{
	"lo":   "24",  // softwareLoopback
	"tap0": "53",  // propVirtual
	"tun0": "131", // tunnel
	"v0":   "6",   // ethernetCsmacd
	"v1":   "6",
	"br0":  "209", // bridge
	"vx0":  "131",
	"ifb0": "53",
	"mv0":  "53",
}

var operStatus = map[string]string{
	"UP": "1", "DOWN": "2", "TESTING": "3", "DORMANT": "5", "NOTPRESENT": "6", "LOWERLAYERDOWN": "7",
}

// speed returns what sysfs says, in Mbit/s; 0 where it does not. It never does
// for an interface that is down: the scene leaves down only such as have no
// speed, and tun0.
func (s *scene) speed(t testing.TB, name string) uint64 {
	t.Helper()
	text := s.Run(t, "sh", "-c", "cat /sys/class/net/"+name+"/speed 2>/dev/null || true")
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return uint64(n)
}

// downSpeeds leaves out the speed of tun0.
func downSpeeds(r rows) rows {
	r = maps.Clone(r)
	delete(r, fmt.Sprintf("5.%d", tun0))
	delete(r, fmt.Sprintf("15.%d", tun0))
	return r
}

func truth(b bool) string {
	if b {
		return "1"
	}
	return "2"
}

func decimal[T int | uint64](n T) string { return fmt.Sprint(n) }

// counter32 is the low half of a counter.
func counter32(n uint64) string { return strconv.FormatUint(n&math.MaxUint32, 10) }

func (s *scene) wantInterfaces(t testing.TB) rows {
	want := make(rows)
	for _, l := range s.links(t) {
		index := decimal(uint64(l.Index))
		rx, tx := &l.Stats.RX, &l.Stats.TX
		want.set(1, index, index)
		want.set(2, index, l.Name)
		want.set(3, index, types[l.Name])
		want.set(4, index, decimal(l.MTU))
		megabits := s.speed(t, l.Name)
		want.set(5, index, decimal(min(megabits*1_000_000, math.MaxUint32)))
		address := hardwareAddress(t, l.Address)
		if l.LinkType == "loopback" {
			address = "" // six zeros are no address
		}
		want.set(6, index, address)
		want.set(7, index, truth(l.has("UP")))
		status, known := operStatus[l.OperState]
		if !known { // the driver keeps no state
			status = truth(l.has("LOWER_UP"))
		}
		want.set(8, index, status)
		want.set(9, index, "0") // all were there before the agent
		want.set(10, index, counter32(rx.Bytes))
		want.set(11, index, counter32(rx.Packets-rx.Multicast))
		want.set(12, index, counter32(rx.Multicast))
		want.set(13, index, counter32(rx.Dropped+rx.Missed))
		want.set(14, index, counter32(rx.Errors))
		want.set(15, index, "0")
		want.set(16, index, counter32(tx.Bytes))
		want.set(17, index, counter32(tx.Packets))
		// The kernel does not tell sent multicasts apart: 17 has them all.
		want.set(18, index, "0")
		want.set(19, index, counter32(tx.Dropped))
		want.set(20, index, counter32(tx.Errors))
		want.set(21, index, "0")
		want.set(22, index, "0.0")
	}
	return want
}

func (s *scene) wantExtensions(t testing.TB) rows {
	want := make(rows)
	links := s.links(t)
	stack := below(links)
	for _, l := range links {
		index := decimal(uint64(l.Index))
		rx, tx := &l.Stats.RX, &l.Stats.TX
		want.set(1, index, l.Name)
		want.set(2, index, counter32(rx.Multicast))
		want.set(6, index, decimal(rx.Bytes))
		want.set(7, index, decimal(rx.Packets-rx.Multicast))
		want.set(8, index, decimal(rx.Multicast))
		want.set(10, index, decimal(tx.Bytes))
		want.set(11, index, decimal(tx.Packets))
		want.set(14, index, truth(len(stack[l.Index]) == 0))
		want.set(15, index, decimal(s.speed(t, l.Name)))
		want.set(16, index, truth(l.Promiscuity > 0 || l.has("PROMISC")))
		want.set(17, index, truth(false)) // none is hardware
		want.set(18, index, first64(l.Alias))
		want.set(19, index, "0")
	}
	return want
}

// first64 is what ifAlias has room for, whole characters only.
func first64(s string) string {
	for len(s) > 64 {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

func (s *scene) wantStack(t testing.TB) rows {
	want := make(rows)
	links := s.links(t)
	stack := below(links)
	above := make(map[uint32]bool)
	for higher, lowers := range stack {
		for _, lower := range lowers {
			above[lower] = true
			want.set(3, fmt.Sprintf("%d.%d", higher, lower), "1")
		}
	}
	for _, l := range links {
		if len(stack[l.Index]) == 0 {
			want.set(3, fmt.Sprintf("%d.0", l.Index), "1")
		}
		if !above[l.Index] {
			want.set(3, fmt.Sprintf("0.%d", l.Index), "1")
		}
	}
	return want
}

func (s *scene) wantReceiveAddresses(t testing.TB) rows {
	want := make(rows)
	add := func(link uint32, text string, permanent bool) {
		address := hardwareAddress(t, text)
		if address == "" {
			return
		}
		index := fmt.Sprintf("%d.%d", link, len(address))
		for i := range len(address) {
			index += "." + strconv.Itoa(int(address[i]))
		}
		kind := "2" // volatile
		if permanent {
			kind = "3" // nonVolatile
		}
		want.set(2, index, "1")
		want.set(3, index, kind)
	}
	for _, l := range s.links(t) {
		if l.LinkType == "loopback" {
			continue
		}
		if l.has("BROADCAST") {
			add(l.Index, l.Broadcast, false)
		}
		add(l.Index, l.Address, l.PermAddr != "" && l.PermAddr == l.Address)
	}
	var multicast []struct {
		Index     uint32                  `json:"ifindex"`
		Addresses []struct{ Link string } `json:"maddr"`
	}
	s.JSON(t, &multicast, "maddr", "show")
	for _, m := range multicast {
		for _, a := range m.Addresses {
			add(m.Index, a.Link, false)
		}
	}
	return want
}

// traffic makes counters count on interfaces other than the loopback.
func (s *scene) traffic(t testing.TB) {
	t.Helper()
	s.sendFrames(t, v0, 5, net.HardwareAddr{2, 0, 0, 0, 0, 0x12})
	s.sendFrames(t, v1, 7, net.HardwareAddr{2, 0, 0, 0, 0, 0x16})
	s.sendFrames(t, v1, 3, net.HardwareAddr{1, 0, 0x5e, 0, 0, 1})
	s.sendFrames(t, v1, 2, net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

// without leaves out the loopback's counters, which the questions change.
func without(r rows, counters ...int) rows {
	r = maps.Clone(r)
	for _, column := range counters {
		delete(r, fmt.Sprintf("%d.%d", column, lo))
	}
	return r
}

func TestInterfaceTables(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		s.traffic(t)
		c := s.client(t)
		t.Run("ifTable", func(t *testing.T) {
			counters := []int{10, 11, 16, 17}
			matches(t, "ifTable",
				func() rows { return downSpeeds(without(c.table(t, ifEntry), counters...)) },
				func() rows { return downSpeeds(without(s.wantInterfaces(t), counters...)) })
		})
		t.Run("ifXTable", func(t *testing.T) {
			counters := []int{6, 7, 10, 11}
			matches(t, "ifXTable",
				func() rows { return downSpeeds(without(c.table(t, ifXEntry), counters...)) },
				func() rows { return downSpeeds(without(s.wantExtensions(t), counters...)) })
		})
		t.Run("ifStackTable", func(t *testing.T) {
			matches(t, "ifStackTable", func() rows { return c.table(t, ifStackEntry) }, func() rows { return s.wantStack(t) })
		})
		t.Run("ifRcvAddressTable", func(t *testing.T) {
			matches(t, "ifRcvAddressTable", func() rows { return c.table(t, ifRcvAddressEntry) }, func() rows { return s.wantReceiveAddresses(t) })
		})
		t.Run("ifNumber", func(t *testing.T) {
			if got, want := c.number(t, ifNumber), uint64(len(s.links(t))); got != want {
				t.Errorf("ifNumber = %d, want %d", got, want)
			}
		})
		t.Run("loopback", func(t *testing.T) {
			of := func(counter func(*ipLink) uint64) func() uint64 {
				return func() uint64 {
					links := s.links(t)
					return counter(&links[slices.IndexFunc(links, func(l ipLink) bool { return l.Index == lo })])
				}
			}
			for _, test := range []struct {
				name, oid string
				counter   func(*ipLink) uint64
			}{
				{"ifInOctets", ifEntry + ".10.1", func(l *ipLink) uint64 { return l.Stats.RX.Bytes }},
				{"ifInUcastPkts", ifEntry + ".11.1", func(l *ipLink) uint64 { return l.Stats.RX.Packets }},
				{"ifOutOctets", ifEntry + ".16.1", func(l *ipLink) uint64 { return l.Stats.TX.Bytes }},
				{"ifOutUcastPkts", ifEntry + ".17.1", func(l *ipLink) uint64 { return l.Stats.TX.Packets }},
				{"ifHCInOctets", ifXEntry + ".6.1", func(l *ipLink) uint64 { return l.Stats.RX.Bytes }},
				{"ifHCInUcastPkts", ifXEntry + ".7.1", func(l *ipLink) uint64 { return l.Stats.RX.Packets }},
				{"ifHCOutOctets", ifXEntry + ".10.1", func(l *ipLink) uint64 { return l.Stats.TX.Bytes }},
				{"ifHCOutUcastPkts", ifXEntry + ".11.1", func(l *ipLink) uint64 { return l.Stats.TX.Packets }},
			} {
				between(t, test.name, func() uint64 { return c.number(t, test.oid) }, of(test.counter))
			}
		})
		t.Run("made on purpose", func(t *testing.T) { checkInterfaces(t, c) })
	})
}

// checkInterfaces holds what the scene was made to show, by values that are
// written out here.
func checkInterfaces(t *testing.T, c *client) {
	names, extensions := c.table(t, ifEntry), c.table(t, ifXEntry)
	stack := c.table(t, ifStackEntry)
	for _, test := range []struct {
		of         rows
		name, want string
	}{
		{names, "2.11", "v0"},
		{names, "6.11", "\x02\x00\x00\x00\x00\x11"},
		{names, "6.1", ""},
		{names, "5.1", "0"}, // no speed
		{names, "5.11", "4294967295"},
		{extensions, "15.11", "10000"},
		{extensions, "15.1", "0"},
		{names, "7.2", "1"}, // up, with nobody at the other end
		{names, "8.2", "2"},
		{names, "13.12", "5"}, // frames of no known protocol
		{extensions, "18.11", "to-the-peer"},
		{extensions, "18.15", strings.Repeat("x", 63)}, // its 64th octet begins a character of two
		{stack, "3.13.14", "1"},                        // the bridge on its port
		{stack, "3.14.11", "1"},                        // the tunnel on its device
		{stack, "3.16.11", "1"},                        // the macvlan on its device
		{stack, "3.0.13", "1"},
		{stack, "3.11.0", "1"},
		{stack, "3.12.0", "1"}, // a veth does not stand on its peer
		{stack, "3.0.12", "1"},
	} {
		if got := test.of[test.name]; got != test.want {
			t.Errorf("%s = %q, want %q", test.name, got, test.want)
		}
	}
	if n, err := strconv.Atoi(extensions["2.16"]); err != nil || n < 5 {
		t.Errorf("ifInMulticastPkts of the macvlan = %q: 5 frames were sent to groups", extensions["2.16"])
	}
}
