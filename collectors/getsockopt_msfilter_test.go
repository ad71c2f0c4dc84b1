package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestSocketMemberships(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	n.Sysctl(t, "net.ipv4.igmp_max_msf", "100")
	near := n.Index(t, "near")
	address := func(a string) []byte { return netip.MustParseAddr(a).AsSlice() }
	set := func(fd, name int, parts ...[]byte) {
		t.Helper()
		must(t, unix.SetsockoptString(fd, unix.IPPROTO_IP, name, string(slices.Concat(parts...))))
	}
	names := make(map[uint32]string) // of sockets, by inode
	socket := func(name string, of *nstest.NS, domain int) int {
		fd := of.Socket(t, domain, unix.SOCK_DGRAM, 0)
		var stat unix.Stat_t
		must(t, unix.Fstat(fd, &stat))
		names[uint32(stat.Ino)] = name
		return fd
	}
	all4 := socket("everything", n, unix.AF_INET)
	set(all4, unix.IP_ADD_MEMBERSHIP, address("239.1.1.1"), address("192.0.2.1"))
	blocker := socket("all but", n, unix.AF_INET)
	set(blocker, unix.IP_ADD_MEMBERSHIP, address("239.1.1.1"), address("192.0.2.1"))
	set(blocker, unix.IP_BLOCK_SOURCE, address("239.1.1.1"), address("192.0.2.1"), address("198.51.100.9"))
	chooser := socket("many", n, unix.AF_INET)
	for i := range 70 { // more than there is room for at first
		set(chooser, unix.IP_ADD_SOURCE_MEMBERSHIP, address("239.1.1.2"), address("192.0.2.1"), address(fmt.Sprintf("198.51.100.%d", i)))
	}
	dual := socket("dual", n, unix.AF_INET6)
	set(dual, unix.IP_ADD_MEMBERSHIP, address("239.1.1.1"), address("192.0.2.1"))
	must(t, unix.SetsockoptIPv6Mreq(dual, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: netip.MustParseAddr("ff02::1234").As16(), Interface: near}))
	socket("none", n, unix.AF_INET)
	// Another namespace's group of that address, on a link of that index.
	other.IP(t, "link add near type veth peer name far", "link set near up", "addr add 192.0.2.1/24 dev near")
	set(socket("foreign", other, unix.AF_INET), unix.IP_ADD_MEMBERSHIP, address("239.1.1.1"), address("192.0.2.1"))

	var got []string
	for _, m := range all(t, open(t, n).SocketMemberships(t.Context())) {
		name, ok := names[m.Inode]
		if !ok || m.Process.PID != int32(os.Getpid()) || m.Process.Name != ownName(t) || m.Interface != near {
			t.Errorf("%+v", m)
		}
		sources := fmt.Sprint(m.Sources)
		if name == "many" {
			slices.SortFunc(m.Sources, netip.Addr.Compare)
			sources = fmt.Sprint(len(m.Sources), m.Sources[0], m.Sources[69])
		}
		got = append(got, fmt.Sprint(name, " ", m.Group, " ", m.Mode, " ", sources))
	}
	compare(t, "memberships", []string{
		"everything 239.1.1.1 exclude []", "all but 239.1.1.1 exclude [198.51.100.9]", "many 239.1.1.2 include 70 198.51.100.0 198.51.100.69",
		"dual 239.1.1.1 exclude []", fmt.Sprintf("dual ff02::1234%%%d exclude []", near),
	}, got, 5)
}

// TestHiddenMemberships looks as nobody does where /proc hides others' processes.
func TestHiddenMemberships(t *testing.T) {
	nstest.NeedsRoot(t)
	asHelper(t, "memberships that are hidden", "unshare", "--mount", "sh", "-c", `mount -t proc -o hidepid=2 proc /proc && exec "$0"`)
}

func helpHiddenMemberships(ctx context.Context) error {
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
		return err
	}
	if _, err := os.Stat("/proc/1"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("/proc hides nothing: %w", err)
	}
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	if _, err := rowsUntilError(k.SocketMemberships(ctx)); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("nothing is said of hidden processes: %w", err)
	}
	return nil
}

func groupFilter(count uint32, families ...uint16) []byte {
	b := make([]byte, filterSources+len(families)*sizeofSockaddrStorage)
	binary.NativeEndian.PutUint32(b[filterMode:], 1)
	binary.NativeEndian.PutUint32(b[filterCount:], count)
	for i, family := range families {
		binary.NativeEndian.PutUint16(b[filterSources+i*sizeofSockaddrStorage:], family)
	}
	return b
}

func TestParseSourceList(t *testing.T) {
	mode, sources, err := parseSourceList(groupFilter(2, unix.AF_INET, unix.AF_INET6, 99), 7)
	if err != nil || mode != netstat.FilterInclude || fmt.Sprint(sources) != "[0.0.0.0 ::]" {
		t.Errorf("%v, %v, %v", mode, sources, err)
	}
	for _, bad := range [][]byte{nil, groupFilter(1), groupFilter(1<<32-1, unix.AF_INET), groupFilter(1, 99)} {
		if _, sources, err := parseSourceList(bad, 7); err == nil {
			t.Errorf("% x is %v", bad, sources)
		}
	}
}

func FuzzParseSourceList(f *testing.F) {
	f.Add(groupFilter(2, unix.AF_INET, unix.AF_INET6))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, sources, err := parseSourceList(b, 7); err == nil && len(sources)*sizeofSockaddrStorage > len(b) {
			t.Errorf("%d sources of %d bytes", len(sources), len(b))
		}
	})
}
