package collectors

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestSpeedAgreesWithEthtool(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_ETHTOOL_NETLINK")
	nstest.NeedsKernel(t, "CONFIG_VXLAN")
	nstest.NeedsKernel(t, "CONFIG_MACVLAN")
	nstest.NeedsProgram(t, "ethtool")
	linkScene(t, n, other)
	speed := regexp.MustCompile(`Speed: (\d+)Mb/s`)
	duplex := regexp.MustCompile(`Duplex: (Full|Half)`)
	known := 0
	for name, i := range interfaces(t, open(t, n)) {
		// Of a device that tells nothing ethtool says so, and fails.
		out, err := exec.Command("ip", "netns", "exec", n.Name, "ethtool", name).CombinedOutput()
		if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		want := "-"
		if m := speed.FindSubmatch(out); m != nil {
			mbits, err := strconv.ParseUint(string(m[1]), 10, 64)
			must(t, err)
			want = fmt.Sprint(mbits * 1_000_000)
		}
		if i.Speed.String() != want {
			t.Errorf("%s has speed %v, ethtool prints\n%s", name, i.Speed, out)
		}
		switch m := duplex.FindSubmatch(out); {
		case m == nil:
			if i.Duplex.IsKnown() {
				t.Errorf("%s has duplex mode %v, ethtool prints\n%s", name, i.Duplex, out)
			}
		case i.Duplex != netstat.Known(map[string]netstat.Duplex{"Full": netstat.FullDuplex, "Half": netstat.HalfDuplex}[string(m[1])]):
			t.Errorf("%s has duplex mode %v, ethtool prints\n%s", name, i.Duplex, out)
		default:
			known++
		}
	}
	if known < 3 {
		t.Errorf("ethtool tells of only %d interfaces", known)
	}
}

func linkModesBody(attributes ...[]byte) []byte {
	b := []byte{unix.ETHTOOL_MSG_LINKMODES_GET_REPLY, 1, 0, 0}
	b = append(b, attribute(unix.ETHTOOL_A_LINKMODES_HEADER|unix.NLA_F_NESTED, attribute(unix.ETHTOOL_A_HEADER_DEV_INDEX, native(uint32(5))...)...)...)
	for _, a := range attributes {
		b = append(b, a...)
	}
	return b
}

func TestParseLinkModes(t *testing.T) {
	for _, c := range []struct {
		speed  uint32
		duplex byte
		want   string
	}{
		{1000, 1, "1000000000 full"}, {10, 0, "10000000 half"}, {400_000, 1, "400000000000 full"},
		{0, 0xff, "- -"}, {0xffff, 1, "- full"}, {0xffffffff, 2, "- -"},
	} {
		m, err := parseLinkModes(linkModesBody(appendUint32Attribute(nil, unix.ETHTOOL_A_LINKMODES_SPEED, c.speed), attribute(unix.ETHTOOL_A_LINKMODES_DUPLEX, c.duplex)))
		if got := fmt.Sprint(m.speed, " ", m.duplex); err != nil || got != c.want || m.index != 5 {
			t.Errorf("speed %d, duplex %d: %s for interface %d, error %v", c.speed, c.duplex, got, m.index, err)
		}
	}
	if m, err := parseLinkModes(linkModesBody()); err != nil || m.speed.IsKnown() || m.duplex.IsKnown() {
		t.Errorf("nothing told: %+v, %v", m, err)
	}
	for name, body := range map[string][]byte{
		"empty":        {},
		"short speed":  linkModesBody(attribute(unix.ETHTOOL_A_LINKMODES_SPEED, 1, 2)),
		"empty duplex": linkModesBody(attribute(unix.ETHTOOL_A_LINKMODES_DUPLEX)),
		"short header": {0, 0, 0, 0, 10, 0, 1, 0, 6, 0, 1, 0, 1, 2},
	} {
		if _, err := parseLinkModes(body); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestKernelWithoutEthtool pretends that the kernel said that it has no ethtool
// family.
func TestKernelWithoutEthtool(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far")
	k := open(t, n)
	k.ethtool.id.Store(-1)
	for name, i := range interfaces(t, k) {
		if i.Speed.IsKnown() || i.Duplex.IsKnown() {
			t.Errorf("%s has speed %v", name, i.Speed)
		}
	}
	if _, err := k.family(t.Context(), &k.ethtool, "ethtool"); !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("absent family: %v", err)
	}
	var unknown genlFamily
	if _, err := k.family(t.Context(), &unknown, "no-such-family"); !errors.Is(err, netstat.ErrNotSupported) || !errors.Is(err, unix.ENOENT) || unknown.id.Load() >= 0 {
		t.Errorf("a family that no kernel has: %v", err)
	}
}

func FuzzParseLinkModes(f *testing.F) {
	f.Add(linkModesBody(attribute(unix.ETHTOOL_A_LINKMODES_SPEED, native(uint32(10000))...), attribute(unix.ETHTOOL_A_LINKMODES_DUPLEX, 1)))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseLinkModes(body)
		if speed, ok := m.speed.Get(); err == nil && ok && (speed == 0 || speed%1_000_000 != 0) {
			t.Errorf("speed %d", speed)
		}
	})
}

func FuzzParseGenlFamily(f *testing.F) {
	f.Add(append([]byte{1, 2, 0, 0}, attribute(unix.CTRL_ATTR_FAMILY_ID, native(uint16(20))...)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		if id, err := parseGenlFamily(body); err == nil && id != 0 && len(body) < sizeofGenlMsghdr+sizeofNlAttr+2 {
			t.Errorf("family %d from nowhere", id)
		}
	})
}
