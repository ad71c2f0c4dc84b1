package show

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// What sockets, listeners and queueing disciplines drop is told by the second, as ss and tc count
// it; of what was not there in the turn before it is unknown.
func TestDropsAreRates(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add d0 type veth peer name d1", "address add 192.0.2.1/24 dev d0", "link set d0 up", "link set d1 up")
	n.Run(t, "tc", "qdisc", "add", "dev", "d0", "root", "handle", "1:", "bfifo", "limit", "1") // there is room for no packet
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close() })
	at := time.Now()
	source := func() *Source { return &Source{Stack: kernel, At: at} }
	w, read := trafficWatch(t, Options{}, source, Connections(), Listeners(), InterfaceRates())
	const elapsed = 4 // seconds
	next := func() (sheets []Sheet) {
		at = at.Add(elapsed * time.Second)
		w.Move([]*Source{source()})
		return read()
	}
	dropped := func(pattern, program string, args ...string) (drops string) {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(n.Run(t, program, args...))
		if found == nil {
			t.Fatalf("%s tells of no drops", program)
		}
		return found[1]
	}

	socket := func(kind, receiveBuffer, port int) int {
		fd := n.Socket(t, unix.AF_INET, kind, 0)
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		return fd
	}
	socket(unix.SOCK_DGRAM, 1, 4001)
	if err := unix.Listen(socket(unix.SOCK_STREAM, 1<<16, 4002), 0); err != nil {
		t.Fatal(err)
	}
	sheets := read()
	sameLines(t, "a socket in the first turn", cells(sheets[0], "localPort", "4001", "drops", "dropRate"), "0 -")
	sameLines(t, "a listener in the first turn", cells(sheets[1], "localPort", "4002", "drops", "dropRate"), "0 -")
	sameLines(t, "a queueing discipline in the first turn", cells(sheets[2], "name", "d0", "queueingDropRate"), "-")
	before := dropped(`dropped (\d+)`, "tc", "-s", "qdisc", "show", "dev", "d0") // of what the kernel sends by itself

	c, out := n.Dial(t, "udp", "127.0.0.1:4001"), n.Dial(t, "udp", "192.0.2.2:9")
	n.IP(t, "neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:01 dev d0")
	for range 100 {
		_, _ = c.Write(make([]byte, 1000))
		_, _ = out.Write(make([]byte, 1000)) // which fails
	}
	for range 4 { // one of them is queued
		fd := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 4002, Addr: [4]byte{127, 0, 0, 1}}); err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	sheets = next()
	var drops, rate float64
	if of := cells(sheets[0], "localPort", "4001", "drops", "dropRate"); len(of) != 1 {
		t.Fatalf("%q", of)
	} else if _, err := fmt.Sscan(of[0], &drops, &rate); err != nil || drops == 0 || rate != drops/elapsed {
		t.Errorf("a socket: %q, %v", of, err)
	}
	if want := dropped(`127\.0\.0\.1:4001[^\n]*\n[^\n]*,d(\d+)\)`, "ss", "-uanm", "sport = :4001"); want != fmt.Sprint(drops) {
		t.Errorf("%v drops, and ss has %s", drops, want)
	}
	// What is dropped is sent again after a second, and dropped again.
	if of := cells(sheets[1], "localPort", "4002", "drops", "dropRate"); len(of) != 1 {
		t.Fatalf("%q", of)
	} else if _, err := fmt.Sscan(of[0], &drops, &rate); err != nil || drops == 0 || rate != drops/elapsed {
		t.Errorf("a listener: %q, %v", of, err)
	}
	var first, last float64
	_, _ = fmt.Sscan(before, &first)
	_, _ = fmt.Sscan(dropped(`dropped (\d+)`, "tc", "-s", "qdisc", "show", "dev", "d0"), &last)
	if of := cells(sheets[2], "name", "d0", "queueingDrops", "queueingDropRate"); len(of) != 1 {
		t.Fatalf("%q", of)
	} else if _, err := fmt.Sscan(of[0], &drops, &rate); err != nil || rate < 100.0/elapsed || drops > last || rate > last/elapsed {
		t.Errorf("a queueing discipline: %q, and tc has from %v to %v, %v", of, first, last, err)
	}

	n.Run(t, "tc", "qdisc", "replace", "dev", "d0", "root", "handle", "2:", "bfifo", "limit", "1")
	sheets = next()
	sameLines(t, "a socket that drops nothing any longer", cells(sheets[0], "localPort", "4001", "dropRate"), "0")
	sameLines(t, "another queueing discipline", cells(sheets[2], "name", "d0", "queueingDropRate"), "-")
}
