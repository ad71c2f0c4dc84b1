package collectors

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestUnixReferences(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_UNIX_DIAG")
	n := nstest.New(t)
	bound := n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	// Its second line looks like a socket's and is not.
	must(t, unix.Bind(bound, &unix.SockaddrUnix{Name: "@one\n0: XYZ 0 0 1 1 7"}))
	k := open(t, n)
	for _, asked := range []bool{false, true} {
		all := byInode(t, k.UnixSockets(t.Context(), netstat.EndpointQuery{References: asked}), func(s *netstat.UnixSocket) uint32 { return s.Inode })
		// The file's table and the file itself.
		s := all[inode(t, bound)]
		if count, known := s.References.Get(); len(all) != 1 || known != asked || known && count != 2 {
			t.Errorf("asked for %v: %+v", asked, all)
		}
	}
}

// TestForgedReferences has another user's socket with a name that reads like the line
// of this one's.
func TestForgedReferences(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_UNIX_DIAG")
	n := nstest.New(t)
	bound := n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	must(t, unix.Bind(bound, &unix.SockaddrUnix{Name: "@own"}))
	other := n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	must(t, unix.Bind(other, &unix.SockaddrUnix{Name: "@other"}))
	h := startHelper(t, "socket with a forged line", "ip", "netns", "exec", n.Name)
	name := fmt.Sprintf("x\n0000000000000000: 0000BEEF 00000000 00010000 0001 01 %d q", inode(t, bound))
	h.send(t, strconv.Quote(name))
	h.expect(t, "bound")
	sockets := byInode(t, open(t, n).UnixSockets(t.Context(), netstat.EndpointQuery{References: true}), func(s *netstat.UnixSocket) uint32 { return s.Inode })
	if s := sockets[inode(t, bound)]; s.References.IsKnown() || s.Name != "own" {
		t.Errorf("two lines tell of it: %+v", s)
	}
	if s := sockets[inode(t, other)]; s.References != netstat.Known[uint32](2) {
		t.Errorf("nobody forged this one: %+v", s)
	}
	found := false
	for _, s := range sockets {
		found = found || s.Name == name && s.Abstract
	}
	if !found || len(sockets) != 3 {
		t.Errorf("%+v", sockets)
	}
}

// helpForgedLine binds a socket of nobody's to the abstract name that it is told,
// until its input ends.
func helpForgedLine(context.Context) error {
	input := bufio.NewScanner(os.Stdin)
	if !input.Scan() {
		return io.ErrUnexpectedEOF
	}
	name, err := strconv.Unquote(input.Text())
	if err != nil {
		return err
	}
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + name}); err != nil {
		return err
	}
	fmt.Println("bound")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func TestParseUnixReferences(t *testing.T) {
	l := newLines("file", strings.NewReader("Num       RefCount Protocol Flags    Type St Inode Path\n"+
		"000000006bfee334: 00000003 00000000 00000000 0001 03  1677\n0: 0000001a 00000000 00010000 0001 01  7 /run/with blanks\nand lines: 1 2 3 4 5 6\n: 1 1 1 1 1 99999999999\n0: 2 0 0 1 1 0\n"+
		"0: 00000002 00000000 00010000 0001 01 8 @own\n0: 0000beef 00000000 00010000 0001 01 8 forged\n"+
		"0: 00000004\u2003 00000000 00010000 0001 01 9\n0: 00000005 00000000 00010000 0001\u200301 11 /x\n"+
		"0: 00000002 00000000 00000000 0001 02     0 @wait ing\n0: 00000002 00000000 00000000 0001 02 0 @wait ing\n"+
		"0: 00000002 00000000 00000000 0001 02 0 /two\n0: 00000009 00000000 00000000 0001 02 0 /two\n"))
	got := parseUnixReferences(l)
	must(t, l.err)
	if want := map[uint32]uint32{1677: 3, 7: 26}; !maps.Equal(got.of, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if want := map[string]uint32{"@wait ing": 2, "": 2}; !maps.Equal(got.waiting, want) {
		t.Errorf("waiting: %v, want %v", got.waiting, want)
	}
}

func FuzzParseUnixReferences(f *testing.F) {
	f.Add("0: 00000002 00000000 00000000 0001 03 1677 /path\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := newLines("file", strings.NewReader(text))
		references := parseUnixReferences(l)
		if _, ok := references.of[0]; ok {
			t.Error("a socket without an inode")
		}
		if len(references.of)+len(references.waiting) > strings.Count(text, ":") {
			t.Errorf("%d sockets of %q", len(references.of)+len(references.waiting), text)
		}
	})
}
