package collectors

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestEmbellish(t *testing.T) {
	broken := errors.New("broken")
	if told, err := embellish(t.Context(), func() error { return broken }); told || err != nil {
		t.Errorf("it fails: %v, %v", told, err)
	}
	if told, err := embellish(t.Context(), func() error { return nil }); !told || err != nil {
		t.Errorf("it does not: %v, %v", told, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if told, err := embellish(ctx, ctx.Err); told || !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended: %v, %v", told, err)
	}
}

// blankNames are names of interfaces with what Unicode takes for blanks, and with what
// is no UTF-8.
var blankNames = []string{"a\u2003b", "\u2028", "x\u0085y", "\u3000z", "\xe2\x80", "n\u1680"}

// TestInterfacesWithBlanks has names that must not be split.
func TestInterfacesWithBlanks(t *testing.T) {
	n := nstest.New(t)
	want := []string{"lo"}
	for i, name := range blankNames {
		peer := fmt.Sprint("peer", i)
		run(t, "ip", "-n", n.Name, "link", "add", name, "type", "veth", "peer", "name", peer)
		run(t, "ip", "-n", n.Name, "link", "set", name, "up")
		n.IP(t, "link set "+peer+" up")
		want = append(want, name, peer)
	}
	n.Settle(t)
	k := open(t, n)
	var got []string
	groups := make(map[uint32]int)
	names := make(map[string]uint32)
	for _, i := range all(t, k.Interfaces(t.Context())) {
		got = append(got, i.Name)
		names[i.Name] = i.Index
		if addresses, known := i.Multicast.Get(); i.Name != "lo" && (!known || len(addresses) == 0) {
			t.Errorf("%q receives %v", i.Name, i.Multicast)
		}
	}
	compare(t, "names", want, got, len(want))
	for _, m := range all(t, k.Memberships(t.Context())) {
		groups[m.Interface]++
	}
	for _, name := range blankNames {
		if groups[names[name]] < 2 { // all hosts of IPv4 and of IPv6
			t.Errorf("%q is a member of %d groups", name, groups[names[name]])
		}
	}
	// What the files of /proc have is there, not only what rtnetlink tells.
	counted := make(map[uint32]bool)
	for _, c := range all(t, k.InterfaceCounters(t.Context())) {
		counted[c.Interface] = true
	}
	if len(counted) != len(want) {
		t.Errorf("counters of %d interfaces, not of %d", len(counted), len(want))
	}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// TestInterfacesThatGo reads interfaces while one of them comes and goes. The kernel
// ends ethtool's dump with an error where it meets a device that is just going, which
// happens once in some hundred deletions; those that stay come behind it here.
func TestInterfacesThatGo(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_ETHTOOL_NETLINK")
	n := nstest.New(t)
	n.IP(t, "link add stays index 50 type veth peer name also index 51", "link set stays up", "link set also up")
	batch := strings.Repeat("link add goes index 10 type veth peer name with index 11\nlink set goes up\nlink set with up\nlink del goes\n", 100)
	file := t.TempDir() + "/batch"
	must(t, os.WriteFile(file, []byte(batch), 0o600))
	churn := exec.Command("ip", "-n", n.Name, "-batch", file)
	must(t, churn.Start())
	done := make(chan error, 1)
	go func() { done <- churn.Wait() }()
	k := open(t, n)
	var over atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !over.Load() {
				told := make(map[uint32]bool)
				err := k.linkModes(t.Context(), slices.Values([]uint32{10, 11, 50, 51}), func(m *linkMode) { told[m.index] = m.speed.IsKnown() })
				if err != nil || !told[50] || !told[51] {
					t.Errorf("told: %v, error %v", told, err)
				}
			}
		})
	}
	readers.Go(func() {
		for !over.Load() {
			rows, err := gather(k.Interfaces(t.Context()))
			if errors.Is(err, netstat.ErrInterrupted) {
				continue // it changed each time it was read
			}
			stays := slices.IndexFunc(rows, func(i netstat.Interface) bool { return i.Name == "stays" })
			if err != nil || stays < 0 || !rows[stays].Speed.IsKnown() {
				t.Errorf("%d rows, error %v", len(rows), err)
			}
		}
	})
	err := <-done
	over.Store(true)
	readers.Wait()
	must(t, err)
}

// TestLinkModesOneByOne asks for each what the dump tells of all.
func TestLinkModesOneByOne(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_ETHTOOL_NETLINK")
	n := nstest.New(t)
	n.IP(t, "link add one type veth peer name two", "link add three type bridge", "link set one up", "link set two up")
	k := open(t, n)
	id, err := k.family(t.Context(), &k.ethtool, unix.ETHTOOL_GENL_NAME)
	must(t, err)
	read := func(index uint32) (modes []linkMode, err error) {
		_, err = k.ask(t.Context(), linkModesRequest(id, index), func(_ uint16, body []byte) (bool, error) {
			m, err := parseLinkModes(body)
			modes = append(modes, m)
			return true, err
		})
		return modes, err
	}
	told := 0
	must(t, k.linkModes(t.Context(), slices.Values([]uint32{}), func(m *linkMode) {
		told++
		if modes, err := read(m.index); err != nil || len(modes) != 1 || modes[0] != *m {
			t.Errorf("%+v by itself: %+v, %v", *m, modes, err)
		}
	}))
	if told < 2 {
		t.Errorf("%d interfaces tell of their link", told)
	}
	if _, err := read(9999); !errors.Is(err, unix.ENODEV) {
		t.Errorf("an interface that is not there: %v", err)
	}
}

// TestEmbellishmentsThatFail lets fail what only adds to rows: the rows are there.
func TestEmbellishmentsThatFail(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up")
	k := open(t, n)
	k.ethtool.id.Store(unix.GENL_ID_CTRL) // another family, which knows no such command
	k.devMcast.name = "snmp"              // another file, of other lines
	rows, err := gather(k.Interfaces(t.Context()))
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d interfaces, %v", len(rows), err)
	}
	for _, i := range rows {
		if i.Speed.IsKnown() || i.Multicast.IsKnown() || !i.Counters.InOctets.IsKnown() {
			t.Errorf("%+v", i)
		}
	}
	if rows, err := gather(k.InterfaceDetails(t.Context())); err != nil || len(rows) != 3 {
		t.Errorf("%d interfaces in detail, %v", len(rows), err)
	}
}

func gather[T any](seq func(func(T, error) bool)) (rows []T, err error) {
	for row, err := range seq {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// TestMountsWithBlanks mounts something on a name that Unicode would split, in a
// mount namespace of its own.
func TestMountsWithBlanks(t *testing.T) {
	n := nstest.New(t)
	dir := t.TempDir()
	for _, name := range []string{"x\u00a0-", "a\u2003b", "new\nline and \\ blank"} {
		must(t, os.Mkdir(dir+"/"+name, 0o700))
	}
	asHelper(t, "mounts with blanks", "unshare", "--mount", "sh", "-c", `cd "$0" && for i in *; do mount -t tmpfs none "$i" || exit; done && touch ns && mount --bind "$1" ns && exec "$2"`, dir, n.Path())
}

func helpMountsWithBlanks(ctx context.Context) error {
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	all, err := gather(k.Namespaces(ctx))
	if err != nil {
		return err
	}
	for _, n := range all {
		if slices.ContainsFunc(n.Paths, func(path string) bool { return strings.HasSuffix(path, "/ns") }) {
			return nil
		}
	}
	return fmt.Errorf("the namespace is not in %+v", all)
}

// TestFamiliesOfNeighbours asks for what the kernel lacks.
func TestFamiliesOfNeighbours(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "addr add 192.0.2.1/24 dev near", "neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev near nud permanent")
	k := open(t, n)
	k.hasIPv6 = func() bool { return false }
	for _, c := range []struct {
		families []netstat.Family
		lacking  bool
	}{
		{nil, false}, {[]netstat.Family{netstat.IPv4}, false}, {[]netstat.Family{netstat.IPv4, netstat.Bridge}, false},
		{[]netstat.Family{netstat.IPv6, netstat.IPv4}, true}, {[]netstat.Family{77, netstat.IPv4}, true},
	} {
		rows, err := gather(k.Neighbours(t.Context(), c.families...))
		if errors.Is(err, netstat.ErrNotSupported) != c.lacking || err != nil && !c.lacking {
			t.Errorf("%v: %v", c.families, err)
		}
		if !slices.ContainsFunc(rows, func(n netstat.Neighbour) bool { return n.Address.String() == "192.0.2.7" }) {
			t.Errorf("%v: %+v", c.families, rows)
		}
	}
}

// TestAgesOfNeighbours are of 32 bits: from the 497th day on one may be of two
// turns.
func TestAgesOfNeighbours(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	body := append([]byte{2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}, attribute(3, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0)...)
	for _, c := range []struct{ up, age time.Duration }{
		{time.Hour, time.Second}, {cacheinfoTurn, time.Second}, {cacheinfoTurn + time.Second, -1},
	} {
		n, err := parseNeighbour(body, &zones{}, now, c.up)
		must(t, err)
		if c.age < 0 && !n.Updated.IsZero() || c.age >= 0 && !n.Updated.Equal(now.Add(-c.age)) {
			t.Errorf("after %v: %v", c.up, n.Updated)
		}
	}
}
