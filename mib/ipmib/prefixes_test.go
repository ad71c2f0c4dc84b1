package ipmib

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestPrefixesRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]Prefix, 2000)
	for i := range rows {
		a := tabletest.Addr(random).Unmap().WithZone("")
		p := Prefix{
			Interface: 1 + random.Uint32N(1<<20), Prefix: netip.PrefixFrom(a, random.IntN(a.BitLen()+1)).Masked(),
			Origin: PrefixOrigin(random.IntN(int(PrefixWellKnown) + 1)), Autonomous: random.IntN(2) == 0,
		}
		if random.IntN(2) == 0 {
			p.OnLink.Set(random.IntN(2) == 0)
			p.Preferred.Set(time.Duration(random.Uint32N(math.MaxUint32)) * time.Second)
			p.Valid.Set(netstat.Forever)
		}
		rows[i] = p
	}
	tabletest.RoundTrip(t, Prefixes(), rows, func(p Prefix) Prefix { return p })
}

// TestPrefixesAreThere holds that each address points to a row that is there.
func TestPrefixesAreThere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	addresses := make([]address, 1000)
	for i := range addresses {
		a := tabletest.Addr(random).Unmap().WithZone("")
		addresses[i] = address{Interface: 1 + random.Uint32N(3), Prefix: netip.PrefixFrom(a, random.IntN(a.BitLen()+1))}
		if random.IntN(4) == 0 {
			peer := a.Next()
			if isLinkLocal(peer) {
				peer = peer.WithZone("3")
			}
			addresses[i].Peer = peer
		}
	}
	rows := make(map[mib.OID]bool)
	for name := range tabletest.Values(t, Prefixes(), PrefixesOf(addresses)) {
		rows[Prefixes().Entry.Append(mib.MustParseOID(name))] = true
	}
	pointers := 0
	for name, v := range tabletest.Values(t, Addresses(), addresses) {
		if v.Type() == mib.ObjectIdentifier {
			pointers++
			if !rows[v.OID()] {
				t.Errorf("ipAddressEntry.%s points to %v, which is not there", name, v.OID())
			}
		}
	}
	if pointers < 900 {
		t.Errorf("%d pointers of %d addresses", pointers, len(addresses))
	}
	unknown := []address{{Interface: 1, Prefix: netip.PrefixFrom(netip.MustParseAddr("192.0.2.1"), -1)}}
	if v := tabletest.Values(t, Addresses(), unknown)["5.1.4.192.0.2.1"]; v != mib.OIDValue(mib.MakeOID(0, 0)) || len(PrefixesOf(unknown)) != 0 {
		t.Errorf("an address of no known prefix points to %v; %v", v, PrefixesOf(unknown))
	}
}

func TestPrefixesOf(t *testing.T) {
	life, ever := netstat.Known(time.Hour), netstat.Known(netstat.Forever)
	got := PrefixesOf([]address{
		{Interface: 2, Prefix: netip.MustParsePrefix("192.0.2.1/24"), Flags: netstat.AddressPermanent, Preferred: ever, Valid: ever},
		{Interface: 2, Prefix: netip.MustParsePrefix("192.0.2.2/24"), Preferred: life, Valid: life},
		{Interface: 3, Prefix: netip.MustParsePrefix("192.0.2.3/24"), Preferred: life, Valid: life},
		{Interface: 3, Prefix: netip.MustParsePrefix("10.0.0.1/32"), Peer: netip.MustParseAddr("10.0.0.2"), Flags: netstat.AddressPermanent, Preferred: ever, Valid: ever},
		{Interface: 3, Prefix: netip.MustParsePrefix("10.0.0.1/24"), Peer: netip.MustParseAddr("10.9.0.2"), Flags: netstat.AddressPermanent | netstat.AddressNoPrefixRoute, Preferred: ever, Valid: ever},
		{Interface: 2, Prefix: netip.MustParsePrefix("2001:db8::1/64"), Flags: netstat.AddressPermanent | netstat.AddressNoPrefixRoute, Preferred: ever, Valid: ever},
		{Interface: 4, Prefix: netip.MustParsePrefix("2001:db8::2/64"), Flags: netstat.AddressPermanent | netstat.AddressNoPrefixRoute, Preferred: ever, Valid: ever},
		{Interface: 4, Prefix: netip.MustParsePrefix("2001:db8::3/64"), Origin: netstat.Known[uint8](madeOfAdvertisement), Preferred: life, Valid: life},
		{Interface: 4, Prefix: netip.MustParsePrefix("fe80::3/64"), Flags: netstat.AddressPermanent, Origin: netstat.Known[uint8](madeLinkLocal), Preferred: ever, Valid: ever},
		{Interface: 5, Prefix: netip.MustParsePrefix("fe80::3/64"), Flags: netstat.AddressPermanent, Preferred: ever, Valid: ever},
		{Interface: 1, Prefix: netip.MustParsePrefix("127.0.0.1/8"), Flags: netstat.AddressPermanent, Preferred: ever, Valid: ever},
	})
	forever, yes := netstat.Known(netstat.Forever), netstat.Known(true)
	want := []Prefix{
		{Interface: 2, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Origin: PrefixManual, OnLink: yes, Preferred: forever, Valid: forever},
		{Interface: 3, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Origin: PrefixOther, OnLink: yes},
		{Interface: 3, Prefix: netip.MustParsePrefix("10.0.0.2/32"), Origin: PrefixManual, OnLink: yes, Preferred: forever, Valid: forever},
		{Interface: 3, Prefix: netip.MustParsePrefix("10.9.0.0/24"), Origin: PrefixManual, OnLink: yes, Preferred: forever, Valid: forever},
		{Interface: 2, Prefix: netip.MustParsePrefix("2001:db8::/64"), Origin: PrefixManual, Preferred: forever, Valid: forever},
		{Interface: 4, Prefix: netip.MustParsePrefix("2001:db8::/64"), Origin: PrefixRouterAdvertisement, OnLink: yes, Autonomous: true, Preferred: forever, Valid: forever},
		{Interface: 4, Prefix: netip.MustParsePrefix("fe80::/64"), Origin: PrefixWellKnown, OnLink: yes, Autonomous: true, Preferred: forever, Valid: forever},
		{Interface: 5, Prefix: netip.MustParsePrefix("fe80::/64"), Origin: PrefixWellKnown, OnLink: yes, Preferred: forever, Valid: forever},
		{Interface: 1, Prefix: netip.MustParsePrefix("127.0.0.0/8"), Origin: PrefixWellKnown, OnLink: yes, Preferred: forever, Valid: forever},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestAddressOrigin(t *testing.T) {
	const manual, linklayer, random, other = 2, 5, 6, 1
	for _, test := range []struct {
		a    address
		want int32
	}{
		{address{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Flags: netstat.AddressPermanent}, manual},
		{address{Prefix: netip.MustParsePrefix("192.0.2.1/24")}, other}, // DHCP, mostly
		{address{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Flags: netstat.AddressSecondary | netstat.AddressPermanent}, manual},
		{address{Prefix: netip.MustParsePrefix("169.254.1.2/16"), Flags: netstat.AddressPermanent}, random},
		{address{Prefix: netip.MustParsePrefix("127.0.0.1/8"), Flags: netstat.AddressPermanent, Origin: netstat.Known[uint8](1)}, manual},
		{address{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Flags: netstat.AddressPermanent}, manual},
		{address{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Flags: netstat.AddressSecondary}, random},
		{address{Prefix: netip.MustParsePrefix("2001:db8::1/64"), Origin: netstat.Known[uint8](madeOfAdvertisement)}, linklayer},
		{address{Prefix: netip.MustParsePrefix("2001:db8::1/64")}, other},
		{address{Prefix: netip.MustParsePrefix("fe80::1/64"), Flags: netstat.AddressPermanent}, manual},
		{address{Prefix: netip.MustParsePrefix("fe80::1/64"), Flags: netstat.AddressPermanent, Origin: netstat.Known[uint8](madeLinkLocal)}, linklayer},
		{address{Prefix: netip.MustParsePrefix("fe80::1/64"), Flags: netstat.AddressPermanent | netstat.AddressStablePrivacy}, linklayer},
		{address{Prefix: netip.MustParsePrefix("fe80::200:ff:fe00:11/64"), Flags: netstat.AddressPermanent}, linklayer},
	} {
		for name, v := range tabletest.Values(t, Addresses(), []address{test.a}) {
			if name[:2] == "6." && v != mib.Int(test.want) {
				t.Errorf("the origin of %+v is %v, want %d", test.a, v, test.want)
			}
		}
	}
}

// TestOneAddressOnTwoInterfaces holds that of rows with the same index one stands,
// whatever the order that they come in.
func TestOneAddressOnTwoInterfaces(t *testing.T) {
	rows := []address{
		{Interface: 7, Prefix: netip.MustParsePrefix("192.0.2.1/24")},
		{Interface: 3, Prefix: netip.MustParsePrefix("192.0.2.1/24")},
		{Interface: 3, Prefix: netip.MustParsePrefix("192.0.2.1/25")},
		{Interface: 7, Prefix: netip.MustParsePrefix("2001:db8::1/64")},
		{Interface: 3, Prefix: netip.MustParsePrefix("2001:db8::1/64")},
		{Interface: 7, Prefix: netip.MustParsePrefix("fe80::1/64")},
		{Interface: 3, Prefix: netip.MustParsePrefix("fe80::1/64")},
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		view := Addresses().View(rows)
		if view.Len() != 4 { // link-local ones are two
			t.Fatalf("%d rows", view.Len())
		}
		for i, want := range []address{
			{Interface: 3, Prefix: netip.MustParsePrefix("192.0.2.1/25")}, {Interface: 3, Prefix: netip.MustParsePrefix("2001:db8::1/64")},
			{Interface: 3, Prefix: netip.MustParsePrefix("fe80::1/64")}, {Interface: 7, Prefix: netip.MustParsePrefix("fe80::1/64")},
		} {
			if got := *view.Row(i); got != want {
				t.Errorf("row %d is %+v, want %+v", i, got, want)
			}
		}
	}
}
