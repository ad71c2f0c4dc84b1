package live

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var (
	openRounds = flag.Int("live.opens", 1000, "rounds of opening and closing")
	manyLinks  = flag.Int("live.links", 200, "interfaces that are created and deleted")
)

func TestLinkFlapStorm(t *testing.T) {
	n := pair(t)
	var routes []string
	for i := range 200 {
		routes = append(routes, fmt.Sprintf("route add 10.%d.0.0/16 via 192.0.2.2", i))
	}
	n.IP(t, routes...)
	k, s := kernel(t, n), open(t, n, Options{})
	var flaps []string
	for range 200 {
		flaps = append(flaps, "link set a0 down", "link set a0 up")
	}
	for range 5 {
		n.IP(t, flaps...)
	}
	agree(t, s, k, "flaps")
	n.IP(t, append(routes, flaps[:1]...)...)
	agree(t, s, k, "routes and one more flap")
	t.Logf("%+v", s.Statistics())
}

func TestManyLinksComeAndGo(t *testing.T) {
	n := nstest.New(t)
	k, s := kernel(t, n), open(t, n, Options{})
	var add, del []string
	for i := range *manyLinks / 2 {
		add = append(add, fmt.Sprintf("link add a%d type veth peer name b%d", i, i), fmt.Sprintf("addr add 10.%d.%d.1/24 dev a%d", i>>8, i&255, i), fmt.Sprintf("link set a%d up", i))
		del = append(del, fmt.Sprintf("link del a%d", i))
	}
	n.IP(t, add...)
	agree(t, s, k, "creation")
	if got := s.Snapshot().Count(netstat.KindInterface); got < *manyLinks {
		t.Errorf("%d interfaces", got)
	}
	n.IP(t, del...)
	agree(t, s, k, "deletion")
	if got := s.Snapshot().Count(netstat.KindRoute); got > 10 {
		t.Errorf("%d routes are left", got)
	}
	t.Logf("%+v", s.Statistics())
}

// TestTinyReceiveBuffer has the kernel lose most events.
func TestTinyReceiveBuffer(t *testing.T) {
	n := pair(t)
	k, s := kernel(t, n), open(t, n, Options{ReceiveBuffer: 4096})
	f := follow(t, s, SubscribeOptions{})
	for round := range 10 {
		var batch []string
		for i := range 500 {
			batch = append(batch, fmt.Sprintf("route %s 10.%d.%d.0/24 via 192.0.2.%d", []string{"add", "replace", "del"}[(i+round)%3], i%7, i, 2+i%5))
		}
		s.write.Lock() // nobody takes events in meanwhile
		force(t, n, "-4", batch)
		s.write.Unlock()
		agree(t, s, k, fmt.Sprint("round ", round))
		f.agree(s, fmt.Sprint("round ", round))
	}
	if s.Statistics().Gaps == 0 {
		t.Error("there was no gap")
	}
}

func TestNamespaceDeleted(t *testing.T) {
	name := fmt.Sprintf("livetest-%d", os.Getpid())
	nstest.NeedsRoot(t)
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	run("netns", "add", name)
	s, err := Open(t.Context(), Options{NetNS: name})
	if err != nil {
		run("netns", "del", name)
		t.Fatal(err)
	}
	defer s.Close()
	sub := s.Subscribe(SubscribeOptions{})
	view := s.Snapshot()
	run("netns", "del", name)
	select {
	case <-s.Done():
	case <-time.After(nstest.Patience):
		t.Fatal("the stack outlives its namespace")
	}
	if err := s.Err(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stack ended with %v", err)
	}
	for _, err := range sub.Events(t.Context()) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the subscription ended with %v", err)
		}
	}
	for _, err := range s.Routes(t.Context(), netstat.RouteQuery{}) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("routes: %v", err)
		}
	}
	if _, ok := view.InterfaceByName("lo"); !ok {
		t.Error("the snapshot lost its interfaces")
	}
	if _, err := Open(t.Context(), Options{NetNS: name}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened again: %v", err)
	}
}

func TestOpenByDescriptor(t *testing.T) {
	n := pair(t)
	file, err := os.Open(n.Path())
	must(t, err)
	defer file.Close()
	s, err := Open(t.Context(), Options{NetNS: fmt.Sprintf("/proc/self/fd/%d", file.Fd()), Kinds: netstat.KindInterface})
	must(t, err)
	defer s.Close()
	if _, ok := s.Snapshot().InterfaceByName("a0"); !ok {
		t.Error("another namespace")
	}
	if s.Snapshot().Count(netstat.KindRoute) != 0 {
		t.Error("routes are tracked")
	}
	routes := collect(t, s.Routes(t.Context(), netstat.RouteQuery{}))
	if len(routes) == 0 {
		t.Error("what is not tracked cannot be read")
	}
}

// TestContradictions does and undoes at full speed.
func TestContradictions(t *testing.T) {
	n := pair(t)
	k, s := kernel(t, n), open(t, n, Options{})
	f := follow(t, s, SubscribeOptions{Queue: 100})
	var batch []string
	for i := range 3000 {
		batch = append(batch, fmt.Sprintf("route %s 10.0.0.0/%d via 192.0.2.%d", []string{"add", "del", "append", "del", "replace", "prepend", "change"}[i%7], 8+i%3, 2+i%5))
		if i%500 == 250 {
			batch = append(batch, "addr flush dev a0", "link set a0 down", "addr add 192.0.2.1/24 dev a0", "link set a0 up")
		}
	}
	force(t, n, "-4", batch)
	agree(t, s, k, "contradictions")
	f.agree(s, "contradictions")
}

// TestNothingLeaks opens and closes many stacks.
func TestNothingLeaks(t *testing.T) {
	n := pair(t)
	count := func() (descriptors, goroutines int) {
		entries, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(entries), runtime.NumGoroutine()
	}
	round := func() {
		s, err := Open(t.Context(), Options{NetNS: n.Name, Kinds: netstat.KindRoute})
		must(t, err)
		sub := s.Subscribe(SubscribeOptions{})
		stop := s.Notify(SubscribeOptions{Initial: InitialEvents}, func(Event) {})
		stop()
		must(t, s.Close())
		sub.Close()
	}
	round()
	descriptors, goroutines := count()
	for range *openRounds {
		round()
	}
	for wait := time.Millisecond; wait < nstest.Patience/2; wait *= 2 {
		d, g := count()
		if d <= descriptors && g <= goroutines {
			return
		}
		time.Sleep(wait) // for goroutines that have returned to be gone
	}
	d, g := count()
	t.Errorf("%d descriptors and %d goroutines, %d and %d before", d, g, descriptors, goroutines)
}

// FuzzEvents has a state take in any events, as an event and as one that is older
// than the state, and then holds that what can be looked up is what there is.
func FuzzEvents(f *testing.F) {
	for _, seed := range seedEvents(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		s := newState()
		live := update{state: s, kinds: netstat.AllKinds, emit: func(Event) {}}
		old := update{state: s, kinds: netstat.AllKinds, replay: true}
		var d collectors.Decoder
		for _, u := range []*update{&live, &old, &live} {
			_ = d.Decode(datagram, func(m *collectors.Message, err error) {
				if err == nil {
					u.apply(m)
				}
			})
		}
		view := &Snapshot{s.snapshot(), netstat.AllKinds}
		count := 0
		for e := range view.events(Filter{}) {
			count++
			if r, ok := e.Value.(netstat.Route); ok && len(view.Route(r.Destination, r.Table)) == 0 {
				t.Errorf("%+v is not found", r)
			}
		}
		for i := range view.Interfaces() {
			if _, ok := view.InterfaceByName(i.Name); !ok {
				t.Errorf("%+v is not found by name", i)
			}
		}
		view.Lookup(Flow{Destination: netip.MustParseAddr("10.0.0.1")})
		infos := 0
		for _, i := range s.routes.infos {
			for ; i != nil; i = i.next {
				infos += i.count
			}
		}
		if infos > s.routes.entries.len() {
			t.Errorf("%d uses of infos by %d routes", infos, s.routes.entries.len())
		}
	})
}

// seedEvents are messages as the kernel sends them.
func seedEvents(t testing.TB) (seeds [][]byte) {
	t.Helper()
	message := func(kind, flags uint16, body ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
		b = binary.NativeEndian.AppendUint16(b, kind)
		b = binary.NativeEndian.AppendUint16(b, flags)
		return append(append(b, 0, 0, 0, 0, 0, 0, 0, 0), body...)
	}
	route := []byte{2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0, 8, 0, 1, 0, 10, 0, 0, 0, 8, 0, 4, 0, 2, 0, 0, 0}
	link := []byte{0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 3, 0, 'a', '0', 0, 0}
	group := []byte{2, 32, 128, 0, 2, 0, 0, 0, 8, 0, 7, 0, 239, 1, 2, 3}
	return [][]byte{
		append(message(56, 0, group...), message(57, 0, group...)...), append(message(56, 0, group...), message(17, 0, link...)...),
		message(24, 0x400, route...), message(24, 0x100, route...), append(message(24, 0x800, route...), message(25, 0, route...)...),
		message(16, 0, link...), append(message(16, 0, link...), message(17, 0, link...)...),
	}
}

// TestNamespaceMadeAnew has the name of a namespace become another's: at once, by
// a rename, and by unmounting it.
func TestNamespaceMadeAnew(t *testing.T) {
	nstest.NeedsRoot(t)
	const folder = "/run/netns/"
	name, other := fmt.Sprintf("liveanew-%d", os.Getpid()), fmt.Sprintf("liveother-%d", os.Getpid())
	batch := func(commands ...string) {
		t.Helper()
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ip -batch: %v: %s", err, out)
		}
	}
	t.Cleanup(func() {
		for _, n := range []string{name, other} {
			_ = unix.Unmount(folder+n, unix.MNT_DETACH)
			_ = os.Remove(folder + n)
		}
	})
	anew := func() { batch("netns del "+name, "netns add "+name) }
	ways := map[string]func(){
		"deleted and made anew": anew,
		"unmounted":             func() { must(t, unix.Unmount(folder+name, unix.MNT_DETACH)) },
		"another mounted upon it": func() {
			batch("netns add " + other)
			must(t, unix.Mount(folder+other, folder+name, "", unix.MS_BIND, ""))
			batch("netns del " + other)
		},
	}
	for range 10 {
		for about, change := range ways {
			batch("netns add " + name)
			s, err := Open(t.Context(), Options{NetNS: name, Kinds: netstat.KindInterface})
			must(t, err)
			change()
			select {
			case <-s.Done():
			case <-time.After(time.Minute):
				t.Fatalf("%s: the stack goes on with what was", about)
			}
			if err := s.Err(); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the stack ended with %v", about, err)
			}
			must(t, s.Close())
			for unix.Unmount(folder+name, unix.MNT_DETACH) == nil {
			}
			_ = os.Remove(folder + name)
		}
	}
	// What happens to other names, and to other mounts, is nothing to it.
	batch("netns add " + name)
	s, err := Open(t.Context(), Options{NetNS: name, Kinds: netstat.KindInterface})
	must(t, err)
	for range 20 {
		batch("netns add "+other, "netns del "+other)
	}
	if err := s.Err(); err != nil {
		t.Errorf("another name went: %v", err)
	}
	must(t, s.Close())
}
