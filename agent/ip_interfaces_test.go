package agent

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// advertise sends a router advertisement (RFC 4861, section 4.2) out of an
// interface of the namespace.
func advertise(t *testing.T, n *nstest.NS, index uint32, preference netstat.RouterPreference, lifetime, retransmit time.Duration) {
	t.Helper()
	fd := n.Socket(t, unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
	for option, value := range map[int]int{unix.IPV6_MULTICAST_HOPS: 255, unix.IPV6_MULTICAST_IF: int(index)} {
		must(t, os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, option, value)))
	}
	message := make([]byte, 16) // the kernel fills the checksum in
	message[0], message[4], message[5] = 134, 64, byte(preference)&3<<3
	binary.BigEndian.PutUint16(message[6:], uint16(lifetime/time.Second))
	binary.BigEndian.PutUint32(message[12:], uint32(retransmit.Milliseconds()))
	to := &unix.SockaddrInet6{Addr: netip.MustParseAddr("ff02::1").As16(), ZoneId: index}
	must(t, os.NewSyscallError("sendto", unix.Sendto(fd, message, 0, to)))
}

// TestDefaultRoutersFollowAdvertisements holds that what a router advertises again,
// of which there is no event, is shown as it is.
func TestDefaultRoutersFollowAdvertisements(t *testing.T) {
	host, router := nstest.New(t), nstest.New(t)
	for _, n := range []*nstest.NS{host, router} {
		for _, key := range []string{"accept_dad", "router_solicitations"} {
			n.Sysctl(t, "net.ipv6.conf.all."+key, "0")
			n.Sysctl(t, "net.ipv6.conf.default."+key, "0")
		}
	}
	host.IP(t, "link add h0 index 11 address 02:00:00:00:00:11 type veth peer name r0 index 12 address 02:00:00:00:00:12 netns "+router.Name,
		"link set h0 up", "address add 192.0.2.1/24 dev h0", "route add default via 192.0.2.254", "route add default via 192.0.2.253 table 100")
	router.IP(t, "link set r0 up")
	host.Settle(t)
	router.Settle(t)

	kernel, err := collectors.Open(collectors.Options{NetNS: host.Name})
	must(t, err)
	t.Cleanup(func() { kernel.Close() })
	// One tracks routes, one is live and does not, one is not live.
	requests := map[string]func() *mib.Request{
		"routes tracked":     requestOn(t, openLive(t, host, "IP-MIB", "IP-FORWARD-MIB"), "IP-MIB"),
		"routes not tracked": requestOn(t, openLive(t, host, "IP-MIB"), "IP-MIB"),
		"read":               requestOn(t, kernel, "IP-MIB"),
	}
	fe80 := ipmib.DefaultRouters().IndexOf(&netstat.Route{Gateway: netip.MustParseAddr("fe80::ff:fe00:12"), Interface: 11})
	v4 := ipmib.DefaultRouters().IndexOf(&netstat.Route{Gateway: netip.MustParseAddr("192.0.2.254"), Interface: 11})
	const lifetime, preference = 4, 5
	retransmitTime := ipmib.IPv6Interfaces().Entry.Sub(7, 11)
	check := func(step string, most uint64, pref int32, retransmit uint64) {
		t.Helper()
		for name, request := range requests {
			for deadline := time.Now().Add(nstest.Patience); ; time.Sleep(10 * time.Millisecond) {
				wrong, want := "", 2
				r := request()
				get := func(o mib.OID) mib.Value {
					v, err := r.Get(o)
					must(t, err)
					return v
				}
				if v := get(ipmib.DefaultRouters().Entry.Sub(lifetime).Append(v4)); v != mib.Gauge(65535) {
					wrong = fmt.Sprintf("the lifetime of the IPv4 router is %v", v)
				}
				if most > 0 {
					want += 2
					// It was advertised less than the time that this loop may take before.
					if v := get(ipmib.DefaultRouters().Entry.Sub(lifetime).Append(fe80)); v.Type() != mib.Gauge32 || v.Uint() > most || v.Uint()+60 < most {
						wrong = fmt.Sprintf("the lifetime is %v", v)
					}
					if v := get(ipmib.DefaultRouters().Entry.Sub(preference).Append(fe80)); v != mib.Int(pref) {
						wrong = fmt.Sprintf("the preference is %v, want %d", v, pref)
					}
				}
				if all := below(t, r, ipmib.DefaultRouters().Entry); len(all) != want {
					wrong = fmt.Sprintf("%d variables, want %d: %v", len(all), want, all)
				}
				if v := get(retransmitTime); v != mib.Gauge(retransmit) {
					wrong = fmt.Sprintf("questions are asked again after %v ms, want %d", v, retransmit)
				}
				if wrong == "" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s, %s: %s", step, name, wrong)
				}
			}
		}
	}
	check("before", 0, 0, 1000)
	for _, step := range []struct {
		name       string
		lifetime   uint64
		preference netstat.RouterPreference
		retransmit uint64
	}{
		{"advertised", 1800, netstat.PreferenceHigh, 1000}, {"advertised again", 9000, netstat.PreferenceLow, 2000},
		{"advertised for less", 600, netstat.PreferenceMedium, 1500}, {"given up", 0, netstat.PreferenceMedium, 1500},
	} {
		advertise(t, router, 12, step.preference, time.Duration(step.lifetime)*time.Second, time.Duration(step.retransmit)*time.Millisecond)
		check(step.name, step.lifetime, int32(step.preference), step.retransmit)
	}
}

// TestInterfaceTablesChange holds which changes move the times of last change, and
// that nothing else does.
func TestInterfaceTablesChange(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 index 11 type veth peer name b0 index 12", "link set a0 up", "link set b0 up")
	n.Settle(t)
	// The clock of jiffies may have begun a part of a second late, and what is before
	// the epoch has no time.
	epoch := time.Now().Add(-time.Hour)
	s := openLive(t, n, "IP-MIB")
	a, err := New(Config{Stack: s, Modules: []string{"IP-MIB"}, Epoch: func() time.Time { return epoch }, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	r := a.Tree().NewRequest()
	ip := mib.MustParseOID("1.3.6.1.2.1.4")
	const columnOfDiscontinuity = ipmib.DiscontinuityColumn
	objects := map[string]mib.OID{
		"ipv4InterfaceTableLastChange": ip.Sub(27, 0), "ipv6InterfaceTableLastChange": ip.Sub(29, 0), "ipIfStatsTableLastChange": ip.Sub(31, 2, 0),
		"ipIfStatsDiscontinuityTime of a0": ipmib.IPInterfaceStatistics().Entry.Sub(columnOfDiscontinuity, 2, 11),
	}
	read := func() map[string]uint64 {
		t.Helper()
		r.Reset(t.Context())
		values := make(map[string]uint64)
		for name, o := range objects {
			v, err := r.Get(o)
			must(t, err)
			if v.Type() != mib.TimeTicks {
				t.Fatalf("%s is %v", name, v)
			}
			values[name] = v.Uint()
		}
		return values
	}
	const v4, v6, statistics, discontinuity = "ipv4InterfaceTableLastChange", "ipv6InterfaceTableLastChange", "ipIfStatsTableLastChange", "ipIfStatsDiscontinuityTime of a0"
	var addresses []struct {
		AddrInfo []struct{ Local string } `json:"addr_info"`
	}
	n.JSON(t, &addresses, "-6", "addr", "show", "dev", "b0", "scope", "link")
	if len(addresses) == 0 || len(addresses[0].AddrInfo) != 1 {
		t.Fatalf("link-local addresses: %v", addresses)
	}
	identified := addresses[0].AddrInfo[0].Local + "/64"
	at := read()
	for name, value := range at {
		if name != v6 && value != 0 {
			t.Errorf("%s is %d at first", name, value)
		}
	}
	type step struct {
		name  string
		do    func()
		moved []string
	}
	steps := []step{
		{"nothing", func() { time.Sleep(1100 * time.Millisecond) }, nil}, // longer than what was read is taken to be fresh
		{"a setting that is not shown", func() { n.Sysctl(t, "net.ipv4.conf.a0.proxy_arp", "1") }, nil},
		{"IPv6 disabled", func() { n.Sysctl(t, "net.ipv6.conf.a0.disable_ipv6", "1") }, []string{v6}},
		{"IPv6 forwarding", func() { n.Sysctl(t, "net.ipv6.conf.all.forwarding", "1") }, []string{v6}},
		{"a time of IPv6", func() { n.Sysctl(t, "net.ipv6.neigh.b0.retrans_time_ms", "900") }, []string{v6}},
		{"another identifier", func() { n.IP(t, "address del "+identified+" dev b0") }, []string{v6}},
		{"IPv6 gone", func() { n.IP(t, "link set a0 mtu 1279") }, []string{v6, statistics}},
		{"IPv6 back", func() { n.IP(t, "link set a0 mtu 1500") }, []string{v6, statistics, discontinuity}},
		{"an interface more", func() { n.IP(t, "link add c0 type bridge") }, []string{v4, v6, statistics}},
		{"an interface less", func() { n.IP(t, "link del c0") }, []string{v4, v6, statistics}},
	}
	if nstest.KernelSince(t, 6, 17) {
		steps = append(steps,
			step{"no IPv6 forwarding", func() { n.Sysctl(t, "net.ipv6.conf.all.forwarding", "0") }, []string{v6}},
			step{"forwarding in any case", func() { n.Sysctl(t, "net.ipv6.conf.b0.force_forwarding", "1") }, []string{v6}})
	}
	for _, step := range steps {
		before := at
		time.Sleep(20 * time.Millisecond) // more than a hundredth of a second, which is what can be told apart
		step.do()
		settle(t, s)
		moved := make(map[string]bool)
		for _, name := range step.moved {
			moved[name] = true
		}
		if step.name == "IPv6 gone" {
			delete(objects, discontinuity) // with its row
		}
		if step.name == "IPv6 back" {
			objects[discontinuity] = ipmib.IPInterfaceStatistics().Entry.Sub(columnOfDiscontinuity, 2, 11)
		}
		for deadline := time.Now().Add(nstest.Patience); ; time.Sleep(10 * time.Millisecond) {
			wrong := ""
			at = read()
			for name, value := range at {
				if was := before[name]; moved[name] != (value > was) || value < was {
					wrong = fmt.Sprintf("%s was %d and is %d", name, was, value)
				}
			}
			if wrong == "" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s", step.name, wrong)
			}
		}
	}
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	must(t, err)
	t.Cleanup(func() { kernel.Close() })
	request := requestOn(t, kernel, "IP-MIB")()
	for name, o := range objects {
		v, err := request.Get(o)
		must(t, err)
		if v.IsException() == (name == discontinuity) || name == discontinuity && v != mib.Ticks(0) {
			t.Errorf("%s of a stack that is not live is %v", name, v)
		}
	}
}

// TestLastDate holds that a date that the kernel gives moves with changes alone, and
// with each, whatever its clock.
func TestLastDate(t *testing.T) {
	const hundredth = 10 * time.Millisecond
	began := time.Now().Add(-time.Hour)
	var d lastDate
	for _, reading := range []struct {
		what              string
		differs           bool
		told, start, want time.Duration
	}{
		{"the first", false, time.Minute, 2 * time.Minute, time.Minute},
		{"the same, not quite", false, time.Minute + time.Millisecond, 3 * time.Minute, time.Minute},
		{"the same, less", false, time.Minute - time.Millisecond, 4 * time.Minute, time.Minute},
		{"a change", true, 5 * time.Minute, 6 * time.Minute, 5 * time.Minute},
		{"one by a clock that is late", true, 6*time.Minute - time.Second, 7 * time.Minute, 6*time.Minute + hundredth},
		{"the same again", false, 6*time.Minute - time.Second, 8 * time.Minute, 6*time.Minute + hundredth},
		{"an older one, since the last went", false, time.Minute, 9 * time.Minute, 6*time.Minute + hundredth},
		{"a change after that", false, 9*time.Minute + time.Second, 10 * time.Minute, 9*time.Minute + time.Second},
		{"one without a date", true, 9*time.Minute + time.Second, 11 * time.Minute, 10*time.Minute + hundredth},
		{"nothing more", false, 9*time.Minute + time.Second, 12 * time.Minute, 10*time.Minute + hundredth},
	} {
		if at := d.next(began.Add(reading.told), reading.differs, began.Add(reading.start)); !at.Equal(began.Add(reading.want)) {
			t.Errorf("%s: %v, want %v", reading.what, at.Sub(began), reading.want)
		}
	}
	d = lastDate{}
	now := time.Now()
	d.next(now.Add(-time.Minute), false, now)
	if at := d.next(now.Add(-time.Second), true, now); at.After(time.Now()) || at.Before(now.Add(-time.Second)) {
		t.Errorf("a change between two readings was %v before the second", now.Sub(at))
	}
}
