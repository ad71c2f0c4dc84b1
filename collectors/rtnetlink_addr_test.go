package collectors

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func addresses(t *testing.T, k *Kernel) []netstat.Address {
	t.Helper()
	var all []netstat.Address
	for a, err := range k.Addresses(t.Context()) {
		must(t, err)
		all = append(all, a)
	}
	return all
}

func addressScene(t *testing.T, n *nstest.NS) {
	t.Helper()
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up",
		"addr add 192.0.2.1/24 broadcast + dev near label near:1",
		"addr add 192.0.2.2/24 dev near",
		"addr add 192.0.2.3/25 dev near valid_lft 3000 preferred_lft 2000",
		"addr add 198.51.100.1 peer 198.51.100.2/32 dev near scope link noprefixroute",
		"-6 addr add 2001:db8::1/64 dev near nodad",
		"-6 addr add 2001:db8::2/64 dev near nodad valid_lft 3000 preferred_lft 0",
		"-6 addr add 2001:db8::3/128 peer 2001:db8::4/128 dev near nodad",
		"-6 addr add fe80::3/128 peer fe80::4/128 dev near nodad",
		"-6 addr add 2001:db8::5/64 dev near nodad home mngtmpaddr noprefixroute",
	)
}

func TestAddressesAgreeWithIP(t *testing.T) {
	began := time.Now()
	n := nstest.New(t)
	addressScene(t, n)
	const compared = netstat.AddressSecondary | netstat.AddressDeprecated | netstat.AddressManageTemp |
		netstat.AddressNoPrefixRoute | netstat.AddressNoDAD | netstat.AddressHome | netstat.AddressPermanent
	lifetime := func(d netstat.Optional[time.Duration]) string {
		switch life, known := d.Get(); {
		case !known:
			return "unknown"
		case life == netstat.Forever:
			return "forever"
		default:
			return life.Round(time.Minute).String()
		}
	}
	k := open(t, n)
	ip := func() (want []string) {
		var listed []struct {
			IfIndex uint32
			Info    []struct {
				Family, Local, Broadcast, Address, Label, Scope string
				PrefixLen                                       int
				Valid                                           uint32 `json:"valid_life_time"`
				Preferred                                       uint32 `json:"preferred_life_time"`

				Secondary, Temporary, Deprecated, Tentative, MngTmpAddr, NoPrefixRoute, NoDAD, Home, Dynamic bool
			} `json:"addr_info"`
		}
		n.JSON(t, &listed, "-N", "addr")
		for _, l := range listed {
			for _, a := range l.Info {
				var flags netstat.AddressFlags
				for flag, set := range map[netstat.AddressFlags]bool{
					netstat.AddressSecondary: a.Secondary || a.Temporary, netstat.AddressDeprecated: a.Deprecated,
					netstat.AddressManageTemp: a.MngTmpAddr, netstat.AddressNoPrefixRoute: a.NoPrefixRoute,
					netstat.AddressNoDAD: a.NoDAD, netstat.AddressHome: a.Home, netstat.AddressPermanent: !a.Dynamic,
				} {
					if set {
						flags |= flag
					}
				}
				life := func(seconds uint32) string {
					if seconds == lifetimeForever {
						return "forever"
					}
					return (time.Duration(seconds) * time.Second).Round(time.Minute).String()
				}
				peer, broadcast := a.Address, a.Broadcast
				if strings.HasPrefix(peer, "fe80::") {
					peer += fmt.Sprint("%", l.IfIndex)
				}
				if peer == "" {
					peer = "invalid IP"
				}
				if broadcast == "" {
					broadcast = "invalid IP"
				}
				want = append(want, fmt.Sprint(l.IfIndex, " ", a.Local, "/", a.PrefixLen, " ", peer, " ", broadcast, " ", a.Label, " ", a.Scope,
					" ", flags, " ", life(a.Preferred), " ", life(a.Valid)))
			}
		}
		return want
	}
	var got []string
	want := unchanging(t, ip, func() {
		got = nil
		for _, a := range addresses(t, k) {
			got = append(got, fmt.Sprint(a.Interface, " ", a.Prefix, " ", a.Peer, " ", a.Broadcast, " ", a.Label, " ", uint8(a.Scope),
				" ", a.Flags&compared, " ", lifetime(a.Preferred), " ", lifetime(a.Valid)))
			// All were made by this test. The clock of jiffies began somewhat
			// after the other.
			const behind = 2 * time.Second
			if now := time.Now(); a.Created.Before(began.Add(-behind)) || a.Created.After(now) || a.Updated.Before(a.Created) || a.Updated.After(now) {
				t.Errorf("%v was created at %v and updated at %v, want times from %v to %v", a.Prefix, a.Created, a.Updated, began, now)
			}
		}
	})
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 13 {
		t.Errorf("ip lists only %d addresses", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-ip +collectors):\n%s", diff)
	}
}

// TestMomentsStandStill holds that a moment is the same however often it is read.
func TestMomentsStandStill(t *testing.T) {
	now, up := sinceBoot()
	stamp := uint32(up/cacheinfoTick) - 1
	first := momentOf(stamp, now, up)
	for range 10_000 {
		now, up := sinceBoot()
		if got := momentOf(stamp, now, up); !got.Equal(first) {
			t.Fatalf("%v later by %v", up, got.Sub(first))
		}
	}
	var clock unix.Timespec
	if _, up := sinceBoot(); unix.ClockGettime(unix.CLOCK_MONOTONIC, &clock) != nil || up <= 0 || up > time.Duration(clock.Nano()) {
		t.Errorf("%v since boot, the clock is at %v", up, time.Duration(clock.Nano()))
	}
}

// TestTimeNamespace holds that moments are the same in a time namespace, whose clocks are
// ahead of the kernel's jiffies or behind.
func TestTimeNamespace(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "unshare")
	nstest.NeedsKernel(t, "CONFIG_TIME_NS")
	for _, offset := range []string{"86400", "-60"} {
		out, err := exec.Command("unshare", "--time", "--monotonic", offset, "--boottime", offset, "--fork",
			os.Args[0], "-test.run=^TestAddressesAgreeWithIP$", "-test.v").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestAddressesAgreeWithIP") {
			t.Errorf("%s s ahead: %v\n%s", offset, err, out)
		}
	}
}

func TestParseMonotonicOffset(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0,
		"monotonic           0         0\nboottime            0         0\n": 0,
		"monotonic       86400         5\nboottime           -9         0\n": 86400*time.Second + 5,
		"boottime          100         0\nmonotonic         -60 500000000\n": -59500 * time.Millisecond,
		"monotonic 9223372037 0\n": 0, // more than fits
		"monotonic 1\n":            0,
		"monotonic 1 1000000000\n": 0,
		"monotonic x 0\n":          0,
	} {
		if got := parseMonotonicOffset(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestMomentOf(t *testing.T) {
	const day, turn = 24 * time.Hour, cacheinfoTurn
	now := time.Unix(2_000_000_000, 0)
	for _, test := range []struct {
		stamp, up time.Duration
		want      time.Time
	}{
		{0, day, now.Add(-day)},
		{day, day, now},
		{day + cacheinfoTick, day, now}, // the clock was read first
		{day, 2 * day, now.Add(-day)},
		{turn - day, turn, now.Add(-day)},
		{2 * day, turn + day, now.Add(day - turn)}, // of this turn it would be to come
		{day, turn + 2*day, time.Time{}},           // a day ago, or a turn before that
		{turn - day, 2 * turn, time.Time{}},
	} {
		if got := momentOf(uint32(test.stamp/cacheinfoTick), now, test.up); !got.Equal(test.want) {
			t.Errorf("stamp %v at %v: %v, want %v", test.stamp, test.up, got, test.want)
		}
	}
}

func addressBody(family byte, bits byte, attributes ...[]byte) []byte {
	b := make([]byte, sizeofIfAddrmsg)
	b[0], b[1] = family, bits
	binary.NativeEndian.PutUint32(b[4:], 3)
	return append(b, slices.Concat(attributes...)...)
}

func TestParseAddressPeer(t *testing.T) {
	v4 := func(last byte) []byte { return []byte{192, 0, 2, last} }
	a, err := parseAddress(addressBody(unix.AF_INET, 32, attribute(unix.IFA_ADDRESS, v4(2)...), attribute(unix.IFA_LOCAL, v4(1)...)), &zones{})
	if err != nil || a.Prefix != netip.MustParsePrefix("192.0.2.1/32") || a.Peer != netip.MustParseAddr("192.0.2.2") || a.Interface != 3 {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestZonesOfInterfacesThatWent has each interface have a new index, as where they come
// and go all the time.
func TestZonesOfInterfacesThatWent(t *testing.T) {
	var z zones
	a := netip.MustParseAddr("fe80::1")
	for index := range uint32(3 * maxZones) {
		if got := z.add(a, index+1); got.Zone() != strconv.Itoa(int(index)+1) {
			t.Fatalf("of interface %d: %v", index+1, got)
		}
		if len(z.names) > maxZones {
			t.Fatalf("%d zones are kept", len(z.names))
		}
	}
}

func TestParseAddressRejects(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty":             {},
		"no address":        addressBody(unix.AF_INET, 24),
		"short address":     addressBody(unix.AF_INET, 24, attribute(unix.IFA_LOCAL, 1, 2, 3)),
		"prefix of 33 bits": addressBody(unix.AF_INET, 33, attribute(unix.IFA_LOCAL, 1, 2, 3, 4)),
		"short flags":       addressBody(unix.AF_INET, 24, attribute(unix.IFA_LOCAL, 1, 2, 3, 4), attribute(unix.IFA_FLAGS, 1)),
		"short cacheinfo":   addressBody(unix.AF_INET, 24, attribute(unix.IFA_LOCAL, 1, 2, 3, 4), attribute(unix.IFA_CACHEINFO, 1, 2, 3, 4)),
	} {
		if _, err := parseAddress(body, &zones{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, body := range captured(f, unix.RTM_GETADDR, unix.RTM_NEWADDR, make([]byte, sizeofIfAddrmsg)) {
		f.Add(body)
	}
	f.Add(addressBody(unix.AF_INET, 24, attribute(unix.IFA_ADDRESS, 192, 0, 2, 2), attribute(unix.IFA_LOCAL, 192, 0, 2, 1), attribute(unix.IFA_CACHEINFO, make([]byte, 16)...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := parseAddress(body, &zones{}); err == nil && !a.Prefix.IsValid() {
			t.Errorf("accepted %+v", a)
		}
	})
}
