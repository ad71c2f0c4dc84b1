package collectors

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// setting reads a file below /proc/sys/net; false where there is none.
func setting(t *testing.T, n *nstest.NS, path string) (uint64, bool) {
	t.Helper()
	text := strings.TrimSpace(n.Run(t, "sh", "-c", "if [ -e /proc/sys/net/"+path+" ]; then cat /proc/sys/net/"+path+"; fi"))
	if text == "" {
		return 0, false
	}
	value, err := strconv.ParseUint(text, 10, 64)
	must(t, err)
	return value, true
}

// wantIPInterface is what /proc/sys/net says of a version of IP on an interface, but
// for the time that is drawn, and for what only rtnetlink tells.
func wantIPInterface(t *testing.T, n *nstest.NS, name string, index uint32, family netstat.Family) (netstat.IPInterface, bool) {
	t.Helper()
	row := netstat.IPInterface{Interface: index, Family: family, Enabled: netstat.Known(true), ReassemblyMaxSize: netstat.Known[uint32](65535)}
	conf, neigh := "ipv4/conf/"+name, "ipv4/neigh/"+name
	forwards := conf + "/forwarding"
	if family == netstat.IPv6 {
		conf, neigh, forwards = "ipv6/conf/"+name, "ipv6/neigh/"+name, "ipv6/conf/all/forwarding"
	}
	if _, there := setting(t, n, conf+"/forwarding"); !there {
		return row, false
	}
	value, _ := setting(t, n, forwards)
	row.Forwards.Set(value != 0)
	if family == netstat.IPv6 {
		if value, _ := setting(t, n, conf+"/force_forwarding"); value != 0 {
			row.Forwards.Set(true)
		}
		value, _ := setting(t, n, conf+"/disable_ipv6")
		row.Enabled.Set(value == 0)
	}
	value, _ = setting(t, n, neigh+"/retrans_time_ms")
	row.Retransmit.Set(time.Duration(value) * time.Millisecond)
	return row, true
}

// TestIPInterfaces holds that rows say what /proc/sys/net says, and of identifiers
// what links were told.
func TestIPInterfaces(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	for _, key := range []string{"accept_dad", "router_solicitations"} {
		n.Sysctl(t, "net.ipv6.conf.all."+key, "0")
		n.Sysctl(t, "net.ipv6.conf.default."+key, "0")
	}
	n.IP(t,
		"link add a0 index 11 address 02:00:00:00:00:11 type veth peer name b0 index 12 address 02:00:00:00:00:12",
		"link add c0 index 13 address 02:00:00:00:00:13 type veth peer name d0 index 14 address 02:00:00:00:00:14",
		"link add e0 index 15 address 02:00:00:00:00:15 mtu 1279 type bridge",
		"link set b0 addrgenmode none", "link set c0 addrgenmode random",
		"link set a0 up", "link set b0 up", "link set c0 up", "link set d0 up",
	)
	names := map[uint32]string{1: "lo", 11: "a0", 12: "b0", 13: "c0", 14: "d0", 15: "e0"}
	none, known := netstat.Optional[netstat.InterfaceIdentifier]{}, netstat.Known[netstat.InterfaceIdentifier]
	check := func(step string, identifiers map[uint32]netstat.Optional[netstat.InterfaceIdentifier]) {
		t.Helper()
		want := make(map[string]netstat.IPInterface)
		for index, name := range names {
			for _, family := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
				if row, there := wantIPInterface(t, n, name, index, family); there {
					if family == netstat.IPv6 {
						row.Identifier = identifiers[index]
					}
					want[fmt.Sprint(name, family)] = row
				}
			}
		}
		var diff string
		for deadline := time.Now().Add(nstest.Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			got := make(map[string]netstat.IPInterface)
			for row, err := range k.IPInterfaces(t.Context()) {
				must(t, err)
				name := names[row.Interface]
				base, _ := setting(t, n, fmt.Sprintf("%v/neigh/%s/base_reachable_time_ms", strings.ToLower(row.Family.String()), name))
				least, reachable := time.Duration(base)*time.Millisecond/2, row.Reachable.Or(0)
				if reachable < least || reachable > 3*least {
					t.Errorf("%s: %s is reachable for %v, where the middle is %v", step, name, reachable, 2*least)
				}
				if row.Family == netstat.IPv6 == row.Updated.IsZero() {
					t.Errorf("%s: %s, %v was updated %v", step, name, row.Family, row.Updated)
				}
				row.Reachable, row.Updated = netstat.Optional[time.Duration]{}, time.Time{}
				got[fmt.Sprint(name, row.Family)] = row
			}
			// Link-local addresses come in their own time.
			if diff = cmp.Diff(want, got, cmp.Comparer(func(a, b netstat.IPInterface) bool { return a == b })); diff == "" {
				return
			}
		}
		t.Errorf("%s (-want +got):\n%s", step, diff)
	}
	check("at first", map[uint32]netstat.Optional[netstat.InterfaceIdentifier]{
		1: known(""), 11: known("\x00\x00\x00\xff\xfe\x00\x00\x11"), 12: none, 13: none, 14: known("\x00\x00\x00\xff\xfe\x00\x00\x14"),
	})
	n.Sysctl(t, "net.ipv6.conf.d0.router_solicitations", "1") // of which tokens are part
	n.IP(t, "token set ::d:e:f dev d0", "link set e0 mtu 1280", "link set e0 address 02:00:00:00:00:05")
	for name, value := range map[string]string{
		"ipv4.conf.a0.forwarding": "1", "ipv6.conf.a0.disable_ipv6": "1", "ipv6.conf.c0.forwarding": "1",
		"ipv4.neigh.a0.retrans_time_ms": "700", "ipv6.neigh.b0.retrans_time_ms": "800", "ipv6.neigh.d0.base_reachable_time_ms": "90000",
	} {
		n.Sysctl(t, "net."+name, value)
	}
	if _, there := setting(t, n, "ipv6/conf/b0/force_forwarding"); there { // Linux 6.17
		n.Sysctl(t, "net.ipv6.conf.b0.force_forwarding", "1")
	}
	changed := map[uint32]netstat.Optional[netstat.InterfaceIdentifier]{
		1: known(""), 11: none, 12: none, 13: none, 14: known("\x00\x00\x00\x0d\x00\x0e\x00\x0f"), 15: none, // down
	}
	check("changed", changed)
	n.Sysctl(t, "net.ipv6.conf.all.forwarding", "1")
	check("a router", changed)
}

// TestIPInterfaceUpdated holds that the kernel dates what IPInterface.Updated says
// it dates.
func TestIPInterfaceUpdated(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	n.IP(t, "link add a0 index 11 type veth peer name b0 index 12", "link set a0 up", "link set b0 up")
	updated := func() (at time.Time) {
		for row, err := range k.IPInterfaces(t.Context()) {
			must(t, err)
			if row.Interface == 11 && row.Family == netstat.IPv6 {
				at = row.Updated
			}
		}
		return at
	}
	n.Settle(t)
	for _, change := range []func(){
		func() { n.Sysctl(t, "net.ipv6.conf.a0.disable_ipv6", "1") },
		func() { n.Sysctl(t, "net.ipv6.conf.a0.disable_ipv6", "0") },
		func() { n.Sysctl(t, "net.ipv6.neigh.a0.retrans_time_ms", "900") },
		func() { n.Sysctl(t, "net.ipv6.neigh.a0.base_reachable_time_ms", "900") },
		func() { n.IP(t, "link set a0 mtu 1000"); n.IP(t, "link set a0 mtu 1500") },
	} {
		// The clock of jiffies, and what sinceBoot cannot tell of it.
		const coarse = 2 * time.Second
		before, start := updated(), time.Now()
		for deadline := start.Add(nstest.Patience); time.Since(start) < 100*time.Millisecond && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		change()
		if after := updated(); !after.After(before) || after.After(time.Now().Add(coarse)) || after.Before(start.Add(-coarse)) {
			t.Errorf("updated %v, before the change %v, and it is %v", after, before, time.Now())
		}
	}
}

// TestIPv6ForwardsAsAWhole holds that packets go the way that IPInterface.Forwards
// tells: the setting of one interface holds none back.
func TestIPv6ForwardsAsAWhole(t *testing.T) {
	nstest.NeedsProgram(t, "ping")
	router, a, b := nstest.New(t), nstest.New(t), nstest.New(t)
	k := open(t, router)
	router.IP(t,
		"link add a0 type veth peer name e0 netns "+a.Name, "link add b0 type veth peer name e0 netns "+b.Name,
		"link set a0 up", "link set b0 up", "address add 2001:db8:a::1/64 dev a0 nodad", "address add 2001:db8:b::1/64 dev b0 nodad",
	)
	a.IP(t, "link set e0 up", "address add 2001:db8:a::2/64 dev e0 nodad", "route add default via 2001:db8:a::1")
	b.IP(t, "link set e0 up", "address add 2001:db8:b::2/64 dev e0 nodad", "route add default via 2001:db8:b::1")
	passes := func() bool {
		return strings.Contains(a.Run(t, "sh", "-c", "ping -q -c 3 -i 0.05 -W 1 2001:db8:b::2 || true"), "3 received")
	}
	forced := func(value string) {
		if _, there := setting(t, router, "ipv6/conf/a0/force_forwarding"); there {
			router.Sysctl(t, "net.ipv6.conf.a0.force_forwarding", value)
			router.Sysctl(t, "net.ipv6.conf.b0.force_forwarding", value)
		}
	}
	one := func(value string) {
		router.Sysctl(t, "net.ipv6.conf.a0.forwarding", value)
		router.Sysctl(t, "net.ipv6.conf.b0.forwarding", value)
	}
	for _, step := range []struct {
		name string
		set  func()
	}{
		{"a host", func() { router.Sysctl(t, "net.ipv6.conf.all.forwarding", "0") }},
		{"a host with interfaces that forward", func() { one("1") }},
		{"a router with interfaces that do not", func() { router.Sysctl(t, "net.ipv6.conf.all.forwarding", "1"); one("0") }},
		{"a host that is made to forward", func() { router.Sysctl(t, "net.ipv6.conf.all.forwarding", "0"); forced("1") }},
		{"a host again", func() { forced("0") }},
	} {
		step.set()
		var told bool
		for row, err := range k.IPInterfaces(t.Context()) {
			must(t, err)
			if row.Interface == router.Index(t, "a0") && row.Family == netstat.IPv6 {
				told = row.Forwards.Or(false)
			}
		}
		for deadline := time.Now().Add(nstest.Patience); passes() != told; { // neighbours are found in their own time
			if time.Now().After(deadline) {
				t.Fatalf("%s: packets pass is %v, though the row says %v", step.name, !told, told)
			}
		}
	}
}

func TestParseInetLinkRejects(t *testing.T) {
	spec := func(family uint16, a []byte) []byte {
		return attribute(unix.IFLA_AF_SPEC, attribute(family, a...)...)
	}
	for name, body := range map[string][]byte{
		"empty":                    {},
		"a cut header":             make([]byte, sizeofIfInfomsg-1),
		"cut attributes":           linkBody([]byte{9, 0, 1, 0}),
		"cut families":             linkBody(attribute(unix.IFLA_AF_SPEC, 9, 0, 2, 0)),
		"cut attributes of IPv4":   linkBody(spec(unix.AF_INET, []byte{9, 0, 1, 0})),
		"cut attributes of IPv6":   linkBody(spec(unix.AF_INET6, []byte{9, 0, 1, 0})),
		"a cut cacheinfo":          linkBody(spec(unix.AF_INET6, attribute(iflaInet6CacheInfo, make([]byte, 15)...))),
		"a token that is no IPv6":  linkBody(spec(unix.AF_INET6, attribute(iflaInet6Token, 1, 2, 3, 4))),
		"a mode without any octet": linkBody(spec(unix.AF_INET6, attribute(iflaInet6AddrGenMode))),
	} {
		if l, err := parseInetLink(body); err == nil {
			t.Errorf("%s: accepted as %+v", name, l)
		}
	}
	// An older kernel has fewer settings.
	l, err := parseInetLink(linkBody(spec(unix.AF_INET6, attribute(iflaInet6Conf, native(uint32(1))...))))
	must(t, err)
	if l.index != 7 || !l.hasIPv6 || l.hasIPv4 || l.forced || l.ipv6.Enabled.IsKnown() {
		t.Errorf("%+v", l)
	}
}

func FuzzParseInetLink(f *testing.F) {
	for _, body := range captured(f, unix.RTM_GETLINK, unix.RTM_NEWLINK, make([]byte, sizeofIfInfomsg)) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := parseInetLink(body)
		if i, known := l.ipv6.Identifier.Get(); err == nil && known && len(i) != 0 && len(i) != 8 {
			t.Errorf("an identifier of %d octets", len(i))
		}
	})
}

// TestWriteIPInterface holds that IPv6 is turned off on one interface and on again, and what of that is undone.
func TestWriteIPInterface(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up")
	k := open(t, n)
	index := n.Index(t, "d0")
	says := func(want string) {
		t.Helper()
		if got := n.Run(t, "sysctl", "-n", "net.ipv6.conf.d0.disable_ipv6", "net.ipv6.conf.d1.disable_ipv6"); got != want {
			t.Errorf("sysctl says %q, want %q", got, want)
		}
	}
	off, err := k.PrepareIPInterface(t.Context(), index, netstat.IPv6, false)
	must(t, err)
	defer off.Cleanup()
	if off.Undo != nil {
		t.Error("it can be turned off, and that undone")
	}
	says("0\n0\n")
	do(t, off.Commit)
	says("1\n0\n")
	on, err := k.PrepareIPInterface(t.Context(), index, netstat.IPv6, true)
	must(t, err)
	defer on.Cleanup()
	do(t, on.Commit)
	says("0\n0\n")
	do(t, on.Undo)
	says("1\n0\n")
	if _, err := k.PrepareIPInterface(t.Context(), index, netstat.IPv4, false); !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("of IPv4: %v", err)
	}
	if _, err := k.PrepareIPInterface(t.Context(), 9999, netstat.IPv6, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("on no interface: %v", err)
	}
}
