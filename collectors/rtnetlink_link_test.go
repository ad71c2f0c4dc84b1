package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func interfaces(t testing.TB, k *Kernel) map[string]netstat.Interface {
	t.Helper()
	all := make(map[string]netstat.Interface)
	for i, err := range k.Interfaces(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[i.Name]; twice {
			t.Errorf("interface %s is there twice", i.Name)
		}
		all[i.Name] = i
	}
	return all
}

// linkScene makes a link of every kind that the kernel has.
func linkScene(t *testing.T, n, other *nstest.NS) {
	t.Helper()
	n.IP(t,
		"link add near address 02:00:00:00:00:01 mtu 1400 txqueuelen 77 type veth peer name far",
		"link set near up", "link set far up",
		"addr add 192.0.2.1/24 dev near",
		"link add abroad type veth peer name home netns "+other.Name,
		"link set abroad up",
		"link add br0 type bridge", "link add port1 type veth peer name end1", "link add port2 type ifb",
		"link set port1 master br0 up", "link set port2 master br0", "link set br0 up", "link set end1 up",
		"link add vx0 type vxlan id 42 dev near dstport 4789 remote 192.0.2.7",
		"link add mac0 link near type macvlan mode bridge", "link set mac0 up",
		"tuntap add dev tun0 mode tun", "tuntap add dev tap0 mode tap",
		"link set dev far alias "+strings.Repeat("x", 255),
	)
	other.IP(t, "link set home up")
	// Traffic, so that counters are not all 0.
	n.Run(t, "ip", "neigh", "add", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "near")
	c := n.Dial(t, "udp4", "192.0.2.9:9")
	for range 5 {
		_, err := c.Write(make([]byte, 100))
		must(t, err)
	}
}

// ipLink is what `ip -j -d -s -s link` tells.
type ipLink struct {
	IfIndex   uint32
	IfName    string
	Link      string
	LinkIndex uint32 `json:"link_index"`
	LinkNetNS *int32 `json:"link_netnsid"`
	Flags     []string
	MTU       uint32
	OperState string
	TxQLen    *uint32
	LinkType  string `json:"link_type"`
	Address   string
	Broadcast string
	PermAddr  string
	IfAlias   string
	Master    string
	Promisc   uint32 `json:"promiscuity"`
	LinkInfo  struct {
		Kind      string                `json:"info_kind"`
		SlaveKind string                `json:"info_slave_kind"`
		Data      struct{ Link string } `json:"info_data"`
	}
	Stats64 struct {
		RX struct {
			Bytes, Packets, Errors, Dropped, Multicast uint64
			Over                                       uint64 `json:"over_errors"`
			Length                                     uint64 `json:"length_errors"`
			CRC                                        uint64 `json:"crc_errors"`
			Frame                                      uint64 `json:"frame_errors"`
			FIFO                                       uint64 `json:"fifo_errors"`
			Missed                                     uint64 `json:"missed_errors"`
			NoHandler                                  uint64
			OtherHost                                  uint64 `json:"otherhost"`
		}
		TX struct {
			Bytes, Packets, Errors, Dropped, Collisions uint64
			Carrier                                     uint64 `json:"carrier_errors"`
			Aborted                                     uint64 `json:"aborted_errors"`
			FIFO                                        uint64 `json:"fifo_errors"`
			Window                                      uint64 `json:"window_errors"`
			Heartbeat                                   uint64 `json:"heartbeat_errors"`
			CarrierChanges                              uint32 `json:"carrier_changes"`
		}
	}
}

func (l *ipLink) netstat(indexes map[string]uint32) netstat.Interface {
	i := netstat.Interface{
		Index: l.IfIndex, Name: l.IfName, Alias: l.IfAlias,
		Kind: l.LinkInfo.Kind, PortKind: l.LinkInfo.SlaveKind,
		HardwareType: netstat.Known[uint16](map[string]uint16{"loopback": unix.ARPHRD_LOOPBACK, "ether": unix.ARPHRD_ETHER, "none": unix.ARPHRD_NONE}[l.LinkType]),
		MTU:          netstat.Known[uint32](l.MTU),
		Master:       indexes[l.Master],
		Lower:        l.LinkIndex,
	}
	for name, flag := range map[string]netstat.InterfaceFlags{
		"UP": netstat.InterfaceUp, "BROADCAST": netstat.InterfaceBroadcast, "LOOPBACK": netstat.InterfaceLoopback, "POINTOPOINT": netstat.InterfacePointToPoint,
		"NOARP": netstat.InterfaceNoARP, "PROMISC": netstat.InterfacePromiscuous, "ALLMULTI": netstat.InterfaceAllMulticast,
		"MULTICAST": netstat.InterfaceMulticast, "LOWER_UP": netstat.InterfaceLowerUp, "DORMANT": netstat.InterfaceDormant,
	} {
		if slices.Contains(l.Flags, name) {
			i.Flags |= flag
		}
	}
	i.OperState = netstat.Known(map[string]netstat.OperState{
		"UNKNOWN": netstat.OperUnknown, "NOTPRESENT": netstat.OperNotPresent, "DOWN": netstat.OperDown,
		"LOWERLAYERDOWN": netstat.OperLowerLayerDown, "TESTING": netstat.OperTesting, "DORMANT": netstat.OperDormant, "UP": netstat.OperUp,
	}[l.OperState])
	if i.Lower == 0 {
		i.Lower = indexes[l.Link]
	}
	if i.Lower == 0 {
		i.Lower = indexes[l.LinkInfo.Data.Link]
	}
	if l.LinkNetNS != nil {
		i.LowerNetNSID.Set(*l.LinkNetNS)
	}
	if l.TxQLen != nil {
		i.TransmitQueueLength.Set(*l.TxQLen)
	}
	i.Promiscuity.Set(l.Promisc)
	i.CarrierChanges.Set(l.Stats64.TX.CarrierChanges)
	rx, tx := l.Stats64.RX, l.Stats64.TX
	i.Counters = netstat.InterfaceCounters{
		InPackets: netstat.Known[uint64](rx.Packets), OutPackets: netstat.Known[uint64](tx.Packets), InOctets: netstat.Known[uint64](rx.Bytes), OutOctets: netstat.Known[uint64](tx.Bytes),
		InErrors: netstat.Known[uint64](rx.Errors), OutErrors: netstat.Known[uint64](tx.Errors), InDropped: netstat.Known[uint64](rx.Dropped), OutDropped: netstat.Known[uint64](tx.Dropped),
		InMulticast: netstat.Known[uint64](rx.Multicast), Collisions: netstat.Known[uint64](tx.Collisions),
		InLengthErrors: netstat.Known[uint64](rx.Length), InOverErrors: netstat.Known[uint64](rx.Over), InCRCErrors: netstat.Known[uint64](rx.CRC), InFrameErrors: netstat.Known[uint64](rx.Frame), InFIFOErrors: netstat.Known[uint64](rx.FIFO), InMissedErrors: netstat.Known[uint64](rx.Missed),
		OutAbortedErrors: netstat.Known[uint64](tx.Aborted), OutCarrierErrors: netstat.Known[uint64](tx.Carrier), OutFIFOErrors: netstat.Known[uint64](tx.FIFO), OutHeartbeatErrors: netstat.Known[uint64](tx.Heartbeat), OutWindowErrors: netstat.Known[uint64](tx.Window),
		InNoHandler: netstat.Known(rx.NoHandler), InOtherHost: netstat.Known(rx.OtherHost),
		InCompressed: netstat.Known[uint64](0), OutCompressed: netstat.Known[uint64](0), // which ip leaves out
	}
	return i
}

func TestInterfacesAgreeWithIP(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_VXLAN")
	nstest.NeedsKernel(t, "CONFIG_MACVLAN")
	linkScene(t, n, other)
	// Duplicate address detection and router solicitation still send.
	n.Sysctl(t, "net.ipv6.conf.all.disable_ipv6", "1")
	other.Sysctl(t, "net.ipv6.conf.all.disable_ipv6", "1")

	k := open(t, n)
	// The bridge reports its multicast groups within a second: what is compared
	// is read while nothing is sent.
	var links, after []ipLink
	var all map[string]netstat.Interface
	for range 20 {
		links, after = nil, nil
		n.JSON(t, &links, "-d", "-s", "-s", "link")
		all = interfaces(t, k)
		if n.JSON(t, &after, "-d", "-s", "-s", "link"); cmp.Equal(links, after) {
			break
		}
	}
	indexes := make(map[string]uint32)
	for _, l := range links {
		indexes[l.IfName] = l.IfIndex
	}
	want := make(map[string]string)
	for i := range links {
		want[links[i].IfName] = show(links[i].netstat(indexes)) + fmt.Sprint(" ", links[i].Address, " ", links[i].Broadcast, " ", links[i].PermAddr)
	}
	got := make(map[string]string)
	for name, i := range all {
		addresses := fmt.Sprint(" ", i.Address, " ", i.Broadcast, " ", i.Permanent)
		if i.Permanent == i.Address {
			addresses = fmt.Sprint(" ", i.Address, " ", i.Broadcast, " ") // ip shows it only where it differs
		}
		// Which ip does not show.
		i.Address, i.Broadcast, i.Permanent = "", "", ""
		i.Flags &^= netstat.InterfaceRunning
		i.Carrier = netstat.Optional[bool]{}
		i.Multicast = netstat.Optional[[]netstat.HardwareAddress]{}
		i.Speed, i.Duplex = netstat.Optional[uint64]{}, netstat.Optional[netstat.Duplex]{}
		got[name] = show(i) + addresses
	}
	if len(want) < 12 {
		t.Errorf("ip shows only %d links", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("interfaces (-ip +collectors):\n%s", diff)
	}
}

func show(i netstat.Interface) string { return fmt.Sprintf("%+v", i) }

func TestInterfaceDetails(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_VXLAN")
	nstest.NeedsKernel(t, "CONFIG_MACVLAN")
	linkScene(t, n, other)
	all := interfaces(t, open(t, n))

	lower := func(name, want string) {
		t.Helper()
		if i := all[name]; i.Lower != all[want].Index || i.LowerNetNSID.IsKnown() {
			t.Errorf("%s is over %d in %v, want %s (%d)", name, i.Lower, i.LowerNetNSID, want, all[want].Index)
		}
	}
	lower("near", "far")
	lower("far", "near")
	lower("vx0", "near")
	lower("mac0", "near")
	lower("br0", "")
	lower("lo", "")
	if i := all["abroad"]; !i.LowerNetNSID.IsKnown() || i.Lower != interfaces(t, open(t, other))["home"].Index {
		t.Errorf("the peer in another namespace is %d in %v", i.Lower, i.LowerNetNSID)
	}
	for _, port := range []string{"port1", "port2"} {
		if i := all[port]; i.Master != all["br0"].Index || i.PortKind != "bridge" {
			t.Errorf("%s is a %q port of %d", port, i.PortKind, i.Master)
		}
	}
	for name, kind := range map[string]string{
		"lo": "", "near": "veth", "br0": "bridge", "port2": "ifb", "vx0": "vxlan", "mac0": "macvlan", "tun0": "tun", "tap0": "tun",
	} {
		if got := all[name].Kind; got != kind {
			t.Errorf("%s is of kind %q, want %q", name, got, kind)
		}
	}
	for name, hardware := range map[string]uint16{"lo": unix.ARPHRD_LOOPBACK, "near": unix.ARPHRD_ETHER, "tun0": unix.ARPHRD_NONE, "tap0": unix.ARPHRD_ETHER} {
		if got := all[name].HardwareType; got != netstat.Known(hardware) {
			t.Errorf("%s has hardware type %v, want %d", name, got, hardware)
		}
	}
	if promiscuous := all["port1"].Promiscuity; promiscuous != netstat.Known[uint32](1) {
		t.Errorf("a bridge's port has promiscuity %v, want 1", promiscuous)
	}
	if quiet := all["end1"].Promiscuity; quiet != netstat.Known[uint32](0) {
		t.Errorf("end1 has promiscuity %v, want 0", quiet)
	}
	near := all["near"]
	if near.Address.String() != "02:00:00:00:00:01" || near.MTU != netstat.Known[uint32](1400) || near.TransmitQueueLength != netstat.Known[uint32](77) ||
		near.OperState != netstat.Known(netstat.OperUp) || near.Carrier != netstat.Known(true) {
		t.Errorf("near: %+v", near)
	}
	if c := near.Counters; c.OutPackets.Or(0) < 5 || c.OutOctets.Or(0) < 5*142 || c.OutMulticast.IsKnown() {
		t.Errorf("near counts %+v", c)
	}
	if len(all["far"].Alias) != 255 {
		t.Errorf("an alias of 255 bytes has %d", len(all["far"].Alias))
	}
	if down := all["tap0"]; down.Up().Or(true) || down.OperState != netstat.Known(netstat.OperDown) {
		t.Errorf("tap0: %+v", down)
	}
}

func TestVLAN(t *testing.T) {
	n := nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_VLAN_8021Q")
	n.IP(t, "link add near type veth peer name far", "link add link near name v7 type vlan id 7")
	all := interfaces(t, open(t, n))
	if v := all["v7"]; v.Kind != "vlan" || v.Lower != all["near"].Index {
		t.Errorf("%+v", v)
	}
}

func TestBond(t *testing.T) {
	n := nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_BONDING")
	n.IP(t, "link add near type veth peer name far", "link add bond7 type bond", "link set near master bond7")
	all := interfaces(t, open(t, n))
	if near := all["near"]; all["bond7"].Kind != "bond" || near.Master != all["bond7"].Index || near.PortKind != "bond" {
		t.Errorf("%+v", near)
	}
}

func TestGRE(t *testing.T) {
	n := nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_NET_IPGRE")
	n.IP(t, "link add near type veth peer name far", "link add tunnel type gre remote 192.0.2.9 dev near")
	all := interfaces(t, open(t, n))
	if tunnel := all["tunnel"]; tunnel.Kind != "gre" || tunnel.Lower != all["near"].Index {
		t.Errorf("%+v", tunnel)
	}
}

// TestManyInterfaces has more links than one datagram tells of, of which some
// come and go.
func TestManyInterfaces(t *testing.T) {
	n := nstest.New(t)
	var commands []string
	for i := range 150 {
		commands = append(commands, fmt.Sprintf("link add near%d type veth peer name far%d", i, i))
	}
	n.IP(t, commands...)
	k := open(t, n)
	if got := len(interfaces(t, k)); got != 301 {
		t.Errorf("%d interfaces, want 301", got)
	}

	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				n.IP(t, "link add passing type ifb", "link del passing")
			}
		}
	}()
	complete := 0
	for range 20 {
		seen := 0
		var failure error
		for i, err := range k.Interfaces(t.Context()) {
			if err != nil {
				failure = err
				break
			}
			if i.Name != "passing" {
				seen++
			}
		}
		switch {
		case failure == nil && seen == 301:
			complete++
		case failure == nil:
			t.Errorf("%d lasting interfaces, want 301", seen)
		case !errors.Is(failure, netstat.ErrInterrupted):
			t.Error(failure)
		}
	}
	close(stop)
	<-stopped
	if complete == 0 {
		t.Error("no dump of 20 was complete")
	}
}

// linkBody builds the body of a RTM_NEWLINK message.
func linkBody(attributes ...[]byte) []byte {
	b := make([]byte, sizeofIfInfomsg)
	binary.NativeEndian.PutUint16(b[2:], unix.ARPHRD_ETHER)
	binary.NativeEndian.PutUint32(b[4:], 7)
	return append(b, slices.Concat(attributes...)...)
}

// native returns numbers of a fixed size, and octets, as this processor has them in memory.
func native(values ...any) (b []byte) {
	for _, v := range values {
		var err error
		if b, err = binary.Append(b, binary.NativeEndian, v); err != nil {
			panic(err)
		}
	}
	return b
}

func attribute(kind uint16, value ...byte) []byte { return appendAttribute(nil, kind, value) }

func stats64(fields int) []byte {
	var b []byte
	for i := range fields {
		b = binary.NativeEndian.AppendUint64(b, uint64(i+1))
	}
	return b
}

func TestParseStats64OfAnyLength(t *testing.T) {
	for _, fields := range []int{0, 10, 22, 23, 24, 25, 40} {
		var i netstat.Interface
		_, err := parseLink(linkBody(attribute(unix.IFLA_STATS64, stats64(fields)...)), &i)
		if fields < 23 { // fewer than any kernel gave
			if err == nil {
				t.Errorf("%d fields make %+v", fields, i.Counters)
			}
			continue
		}
		must(t, err)
		c := i.Counters
		later := func(field int) (o netstat.Optional[uint64]) {
			if field < fields {
				o.Set(uint64(field + 1))
			}
			return o
		}
		if c.InPackets != later(0) || c.OutOctets != later(3) || c.Collisions != later(9) || c.OutCompressed != later(22) ||
			c.InNoHandler != later(23) || c.InOtherHost != later(24) {
			t.Errorf("%d fields: %+v", fields, c)
		}
	}
}

func TestParseLinkLower(t *testing.T) {
	info := func(kind string, data ...byte) []byte {
		return attribute(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, append(attribute(ifInfoKind, []byte(kind)...), attribute(ifInfoData, data...)...)...)
	}
	for _, c := range []struct {
		name string
		body []byte
		want uint32
	}{
		{"IFLA_LINK", linkBody(attribute(unix.IFLA_LINK, native(uint32(5))...), info("vlan", attribute(1, 7, 0)...)), 5},
		{"vxlan", linkBody(info("vxlan", attribute(ifVXLANLink, native(uint32(6))...)...)), 6},
		{"vxlan with both", linkBody(attribute(unix.IFLA_LINK, native(uint32(5))...), info("vxlan", attribute(ifVXLANLink, native(uint32(6))...)...)), 5},
		{"gre", linkBody(attribute(unix.IFLA_LINK, native(uint32(0))...), info("gre", attribute(ifTunnelLink, native(uint32(8))...)...)), 8},
		{"ipip", linkBody(info("ipip", attribute(ifTunnelLink, native(uint32(9))...)...)), 9},
		{"a kind whose first setting is something else", linkBody(info("bridge", attribute(1, native(uint32(9))...)...)), 0},
	} {
		var i netstat.Interface
		if _, err := parseLink(c.body, &i); err != nil || i.Lower != c.want {
			t.Errorf("%s: over %d, error %v, want %d", c.name, i.Lower, err, c.want)
		}
	}
}

func TestParseLinkRejects(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty":           {},
		"short":           linkBody()[:15],
		"short MTU":       linkBody(attribute(unix.IFLA_MTU, 1, 2)),
		"empty operstate": linkBody(attribute(unix.IFLA_OPERSTATE)),
		"broken nesting":  linkBody(attribute(unix.IFLA_LINKINFO, 200, 0, 1, 0)),
		"broken settings": linkBody(attribute(unix.IFLA_LINKINFO, append(attribute(ifInfoKind, []byte("vxlan")...), attribute(ifInfoData, 5, 0, 3, 0, 1)...)...)),
		"past the end":    linkBody([]byte{9, 0, 3, 0, 'x'}),
	} {
		if _, err := parseLink(body, &netstat.Interface{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := parseLink(linkBody(attribute(unix.IFLA_MTU, 0xab, 0xcd)), &netstat.Interface{})
	if err == nil || !strings.Contains(err.Error(), "ab cd") || !strings.Contains(err.Error(), "attribute 4 ") {
		t.Errorf("the error %v does not quote the attribute", err)
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add(linkBody())
	f.Add(linkBody(attribute(unix.IFLA_IFNAME, []byte("eth0\x00")...), attribute(unix.IFLA_STATS64, stats64(25)...), attribute(unix.IFLA_MTU, native(uint32(1280))...)))
	f.Add(linkBody(attribute(unix.IFLA_LINKINFO, append(attribute(ifInfoKind, []byte("vxlan")...), attribute(ifInfoData, attribute(ifVXLANLink, native(uint32(6))...)...)...)...)))
	for _, body := range captured(f, unix.RTM_GETLINK, unix.RTM_NEWLINK, make([]byte, sizeofIfInfomsg)) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var i netstat.Interface
		if _, err := parseLink(body, &i); err == nil && len(body) < sizeofIfInfomsg {
			t.Errorf("accepted %x", body)
		}
		if strings.ContainsRune(i.Name, 0) || strings.ContainsRune(i.Alias, 0) {
			t.Errorf("a name contains NUL: %q, %q", i.Name, i.Alias)
		}
	})
}

// captured returns the bodies of real messages of a dump of this machine's own
// namespace.
func captured(t testing.TB, get, answer uint16, request_ []byte) [][]byte {
	t.Helper()
	k, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var bodies [][]byte
	_, err = k.dump(context.Background(), request{protocol: unix.NETLINK_ROUTE, kind: get, body: request_}, func(kind uint16, body []byte) (bool, error) {
		if kind == answer {
			bodies = append(bodies, slices.Clone(body))
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bodies
}

func TestMulticastAddresses(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "maddr add 01:00:5e:00:00:7b dev near")
	k := open(t, n)
	var all map[string]netstat.Interface
	// An interface that comes up joins groups in its own time.
	truth := unchanging(t, func() map[string][]string { return multicastAddresses(t, n) }, func() { all = interfaces(t, k) })
	for name, want := range truth {
		addresses, known := all[name].Multicast.Get()
		var got []string
		for _, a := range addresses {
			got = append(got, a.String())
		}
		slices.Sort(got)
		if !known || !slices.Equal(got, want) {
			t.Errorf("%s receives %v, want %v", name, got, want)
		}
	}
	if len(truth) != 3 || !slices.Contains(all["near"].Multicast.Or(nil), "\x01\x00\x5e\x00\x00\x7b") {
		t.Errorf("near receives %v", all["near"].Multicast)
	}
}

// multicastAddresses asks ip for the link-layer groups of each interface.
func multicastAddresses(t *testing.T, n *nstest.NS) map[string][]string {
	t.Helper()
	var maddr []struct {
		IfName string
		Maddr  []struct{ Link string }
	}
	n.JSON(t, &maddr, "maddr")
	groups := map[string][]string{}
	for _, m := range maddr {
		groups[m.IfName] = nil
		for _, a := range m.Maddr {
			if a.Link != "" {
				groups[m.IfName] = append(groups[m.IfName], a.Link)
			}
		}
		slices.Sort(groups[m.IfName])
	}
	return groups
}

func TestParseDevMcast(t *testing.T) {
	const content = "2    eth0            1     0     333300000001\n" +
		"3    a\u2003b            1     0     333300000002\n" +
		"12   a-longer-name-1 10    2     00ffffff0000000000000000000000000000000a\n" +
		"13   tun0            1     0     \n"
	var got []string
	must(t, parseDevMcast([]byte(content), func(index uint32, a netstat.HardwareAddress) { got = append(got, fmt.Sprint(index, " ", a)) }))
	want := []string{"2 33:33:00:00:00:01", "3 33:33:00:00:00:02", "12 00:ff:ff:ff:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:0a"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"2 eth0 1 0 33330000000\n", "2 eth0 1 0 33330000000x\n", "x eth0 1 0 333300000001\n", "2 eth0 1\n", "2 eth0 1 0 3333 x\n"} {
		err := parseDevMcast([]byte(bad), func(uint32, netstat.HardwareAddress) {})
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseDevMcast(f *testing.F) {
	content, err := os.ReadFile("/proc/net/dev_mcast")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte("2 eth0 1 0 333300000001"))
	f.Fuzz(func(t *testing.T, content []byte) {
		_ = parseDevMcast(content, func(_ uint32, a netstat.HardwareAddress) {
			if a == "" {
				t.Error("empty address")
			}
		})
	})
}

func BenchmarkInterfaces(b *testing.B) {
	n := nstest.New(b)
	var commands []string
	for i := range 1000 {
		commands = append(commands, fmt.Sprintf("link add near%d type veth peer name far%d", i, i))
	}
	n.IP(b, commands...)
	k := open(b, n)
	b.ReportAllocs()
	for b.Loop() {
		if got := len(interfaces(b, k)); got != 2001 {
			b.Fatalf("%d interfaces", got)
		}
	}
}
