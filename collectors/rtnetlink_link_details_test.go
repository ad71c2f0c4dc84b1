package collectors

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ipLinkDetails is what `ip -d -j link` says of a link's details.
type ipLinkDetails struct {
	IfName, Qdisc, Group string
	AltNames             []string
	NumTxQueues          uint32 `json:"num_tx_queues"`
	NumRxQueues          uint32 `json:"num_rx_queues"`
	GSOMaxSize           uint32 `json:"gso_max_size"`
	GSOMaxSegs           uint32 `json:"gso_max_segs"`
	TSOMaxSize           uint32 `json:"tso_max_size"`
	TSOMaxSegs           uint32 `json:"tso_max_segs"`
	GROMaxSize           uint32 `json:"gro_max_size"`
	MinMTU               uint32 `json:"min_mtu"`
	MaxMTU               uint32 `json:"max_mtu"`
	AllMulti             uint32
	ParentDev, ParentBus string
}

func TestInterfaceDetailsAgreeWithIP(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near numtxqueues 3 numrxqueues 2 type veth peer name far", "link add br0 type bridge",
		"link property add dev near altname first-other-name", "link property add dev near altname "+strings.Repeat("y", 127),
		"link set near group 7", "link set near gso_max_size 32768 gso_max_segs 17 gro_max_size 20000",
		"link set near allmulticast on", "tuntap add dev tun0 mode tun",
		"link set near up", "link set far up", "link set far down", "link set far up")
	k := open(t, n)
	var details []netstat.InterfaceDetails
	listed := unchanging(t, func() (listed []ipLinkDetails) {
		n.JSON(t, &listed, "-d", "-N", "link")
		return listed
	}, func() { details = all(t, k.InterfaceDetails(t.Context())) })
	number := func(o netstat.Optional[uint32]) uint32 {
		if !o.IsKnown() {
			t.Error("something is unknown that ip shows")
		}
		return o.Or(0)
	}
	var want, got []string
	for _, l := range listed {
		if l.Group == "default" {
			l.Group = "0"
		}
		slices.Sort(l.AltNames)
		want = append(want, fmt.Sprintf("%+v", l))
	}
	var near netstat.InterfaceDetails
	for _, d := range details {
		if d.Name == "near" {
			near = d
		}
		names := slices.Clone(d.AlternativeNames)
		slices.Sort(names)
		got = append(got, fmt.Sprintf("%+v", ipLinkDetails{
			IfName: d.Name, Qdisc: d.Qdisc, Group: strconv.Itoa(int(number(d.Group))), AltNames: names,
			NumTxQueues: number(d.TransmitQueues), NumRxQueues: number(d.ReceiveQueues),
			GSOMaxSize: number(d.GSOMaxSize), GSOMaxSegs: number(d.GSOMaxSegments),
			TSOMaxSize: number(d.TSOMaxSize), TSOMaxSegs: number(d.TSOMaxSegments), GROMaxSize: number(d.GROMaxSize),
			MinMTU: number(d.MinMTU), MaxMTU: number(d.MaxMTU), AllMulti: number(d.AllMulticast),
			ParentDev: d.ParentDevice, ParentBus: d.ParentBus,
		}))
	}
	compare(t, "details", want, got, 5)

	if len(near.AlternativeNames) != 2 || near.Group.Or(0) != 7 || near.TransmitQueues.Or(0) != 3 || near.ReceiveQueues.Or(0) != 2 ||
		near.GSOMaxSegments.Or(0) != 17 || near.AllMulticast.Or(0) != 1 || near.GSOIPv4MaxSize.Or(0) == 0 || near.GROIPv4MaxSize.Or(0) == 0 {
		t.Errorf("near: %+v", near)
	}
	// What Interfaces tells, too.
	if plain := interfaces(t, k)["near"]; fmt.Sprint(plain.Address, plain.Speed, plain.Multicast, plain.Lower) != fmt.Sprint(near.Address, near.Speed, near.Multicast, near.Lower) {
		t.Errorf("%+v, without details %+v", near.Interface, plain)
	}
	// ip shows only the sum of these; `ip netns exec` has a /sys of the namespace.
	for file, value := range map[string]netstat.Optional[uint32]{
		"carrier_up_count": near.CarrierUps, "carrier_down_count": near.CarrierDowns, "carrier_changes": near.CarrierChanges,
	} {
		if said := strings.TrimSpace(n.Run(t, "cat", "/sys/class/net/near/"+file)); said != value.String() {
			t.Errorf("%s is %v, sysfs says %s", file, value, said)
		}
	}
	if near.CarrierUps.Or(0) < 2 || near.CarrierUps.Or(0)+near.CarrierDowns.Or(0) != near.CarrierChanges.Or(0) {
		t.Errorf("the carrier went up %v times and down %v times, %v changes", near.CarrierUps, near.CarrierDowns, near.CarrierChanges)
	}
}

func TestParseLinkDetails(t *testing.T) {
	var d netstat.InterfaceDetails
	must(t, parseLinkDetails(linkBody(
		attribute(unix.IFLA_PHYS_PORT_NAME, []byte("p0s1\x00")...), attribute(unix.IFLA_PHYS_SWITCH_ID, 1, 2, 3),
		attribute(unix.IFLA_PARENT_DEV_NAME, []byte("0000:01:00.0\x00")...), attribute(unix.IFLA_PARENT_DEV_BUS_NAME, []byte("pci\x00")...),
		attribute(unix.IFLA_PROTO_DOWN, 1), attribute(999, 1, 2, 3)), &d))
	want := netstat.InterfaceDetails{
		PhysicalPort: "p0s1", PhysicalSwitch: "\x01\x02\x03", ParentDevice: "0000:01:00.0", ParentBus: "pci", ProtocolDown: netstat.Known(true),
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", d)); diff != "" {
		t.Error(diff)
	}
	for _, body := range [][]byte{
		nil, make([]byte, 15), linkBody(attribute(unix.IFLA_GROUP, 1)), linkBody(attribute(unix.IFLA_PROP_LIST, 9, 0, 53, 0)),
	} {
		if err := parseLinkDetails(body, &d); err == nil {
			t.Errorf("% x is accepted", body)
		}
	}
}

func FuzzParseLinkDetails(f *testing.F) {
	for _, body := range captured(f, unix.RTM_GETLINK, unix.RTM_NEWLINK, linkRequest().body) {
		f.Add(body)
	}
	f.Add(linkBody(attribute(unix.IFLA_PROP_LIST, attribute(unix.IFLA_ALT_IFNAME, 'x', 0)...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		var d netstat.InterfaceDetails
		if err := parseLinkDetails(body, &d); err == nil && len(body) < sizeofIfInfomsg {
			t.Error("a message that is too short is accepted")
		}
	})
}
