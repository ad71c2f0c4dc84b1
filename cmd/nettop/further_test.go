package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
)

// The options of a row's socket are those that its program set, wherever the row is from.
func TestOptionsOfSocket(t *testing.T) {
	nstest.NeedsRoot(t)
	ns := nstest.New(t)
	ns.IP(t, "link set lo up")
	ns.Listen(t, "tcp", "127.0.0.1:4715")
	fd := ns.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	for _, o := range [][3]int{{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77}, {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 88_000}} {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 4715, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "r.rec")
	if out, err := exec.Command(nstest.Program(t, "netstat"), "--record", file, "--netns", ns.Name).CombinedOutput(); err != nil {
		t.Fatalf("netstat --record: %v\n%s", err, out)
	}
	for _, where := range []sources.Where{{NetNS: ns.Name}, {NetNS: ns.Path()}, {NetNS: "all"}, {Recording: file}} {
		sheet, row := onlyRow(t, where, "remotePort=4715 and localPort!=4715")
		found, err := socketOptions.read(t.Context(), sheet, row)
		if err != nil {
			t.Errorf("%+v: %v", where, err)
		}
		texts := make(map[string]string)
		for _, f := range found {
			texts[f.Name] = f.Text
		}
		for name, want := range map[string]string{"SO_KEEPALIVE": "1", "TCP_KEEPIDLE": "77s", "TCP_USER_TIMEOUT": "88s", "not known": ""} {
			if texts[name] != want {
				t.Errorf("%+v: %s is %q, not %q", where, name, texts[name], want)
			}
		}
	}
	sheet, row := onlyRow(t, sources.Where{NetNS: ns.Name}, "remotePort=4715 and localPort!=4715")
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	if err := unix.Dup3(null, fd, unix.O_CLOEXEC); err != nil { // which closes the socket
		t.Fatal(err)
	}
	if found, err := socketOptions.read(t.Context(), sheet, row); err == nil || len(found) > 0 {
		t.Errorf("of a socket that was closed: %v, %v", found, err)
	}
}

// onlyRow reads connections and returns the row that a filter is for.
func onlyRow(t *testing.T, where sources.Where, filter string) (show.Sheet, int) {
	t.Helper()
	v, err := findView("connections")
	if err != nil {
		t.Fatal(err)
	}
	r, err := openReader(t.Context(), &flags{Where: where, view: v, interval: 1}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	view, err := r.view(v)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := r.read(t.Context(), view, show.Wants{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := sheet.Filter(filter)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%+v: %d rows, %v", where, len(rows), err)
	}
	return sheet, int(rows[0])
}
