//go:build !portable

package snmp

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFlood holds that a request behind a flood of others, of a community that nobody has, is
// not lost while the server is held up: the kernel keeps them.
func TestFlood(t *testing.T) {
	s, err := NewServer(Options{Handler: newTestTree(t, 3), Communities: anywhere, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"udp:127.0.0.1:0", "udp6:[::1]:0"} {
		bound, err := listenAt(s, at)
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, bound[0], "")
		// So many have room without the privilege for more, in the least buffer that a kernel is set to.
		flood := 400
		probe, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if unix.SetsockoptInt(probe, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) == nil {
			flood = 4000
		}
		unix.Close(probe)
		bad := getOf(1, "nobody's", descrName)
		for range flood {
			send(t, c, bad)
		}
		send(t, c, getOf(2, "public", descrName))
		port := bound[0].Port()
		if n := dropsOf(t, "/proc/net/"+strings.TrimSuffix(string(bound[0].Transport), ":"), int(port)); n != "0" {
			t.Errorf("%v: the kernel dropped %s of %d", bound[0], n, flood)
			continue
		}
		defer func() {
			if got := receive(t, c); got.id != 2 {
				t.Errorf("got %+v", got)
			}
		}()
	}
	serve(t, s)
}

// dropsOf returns the last field of a socket in /proc/net/udp: how many datagrams found no room.
func dropsOf(t testing.TB, file string, port int) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 12 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			return f[len(f)-1]
		}
	}
	t.Fatalf("%s has no port %d", file, port)
	return ""
}

// TestReceiveBuffer holds that a larger default of the system's stays.
func TestReceiveBuffer(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	size := func() int {
		n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	growReceiveBuffer(fd)
	if size() < before {
		t.Errorf("%d octets were %d", size(), before)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 2*receiveBuffer) == nil {
		before = size()
		growReceiveBuffer(fd)
		if size() != before {
			t.Errorf("%d octets were %d", size(), before)
		}
	}
}

// tellsBroadcast says that what was sent to the broadcast address of a network is known.
const tellsBroadcast = true
