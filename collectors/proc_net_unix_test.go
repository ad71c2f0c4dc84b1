package collectors

import (
	"maps"
	"strings"
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

func TestParseUnixReferences(t *testing.T) {
	got := make(map[uint32]uint32)
	l := newLines("file", strings.NewReader("Num       RefCount Protocol Flags    Type St Inode Path\n"+
		"000000006bfee334: 00000003 00000000 00000000 0001 03  1677\n0: 0000001a 00000000 00010000 0001 01  7 /run/with blanks\nand lines: 1 2 3 4 5 6\n: 1 1 1 1 1 99999999999\n0: 2 0 0 1 1 0\n"))
	parseUnixReferences(l, func(inode, count uint32) { got[inode] = count })
	must(t, l.err)
	if want := map[uint32]uint32{1677: 3, 7: 26}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func FuzzParseUnixReferences(f *testing.F) {
	f.Add("0: 00000002 00000000 00000000 0001 03 1677 /path\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := newLines("file", strings.NewReader(text))
		rows := 0
		parseUnixReferences(l, func(inode, _ uint32) {
			rows++
			if inode == 0 {
				t.Error("a socket without an inode")
			}
		})
		if rows > strings.Count(text, ":") {
			t.Errorf("%d rows of %q", rows, text)
		}
	})
}
