package sockopt_test

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/collectors/sockopt"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// marked opens a socket of a protocol whose mark is its port.
func marked(p netstat.Protocol, port int) (fd int, err error) {
	kind := unix.SOCK_DGRAM
	if p == netstat.TCP {
		kind = unix.SOCK_STREAM
	}
	if fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	err = unix.SetsockoptInt(fd, sol, unix.SO_MARK, port)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil && p == netstat.TCP {
		err = unix.Listen(fd, 1)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// pause lets the readers get on.
const pause = 4 * time.Millisecond

// comeAndGo keeps so many sockets open, each for a while, until the context ends.
func comeAndGo(ctx context.Context, p netstat.Protocol, many int, there *sync.WaitGroup) error {
	const first, ports = 1024, 60000
	var fds []int
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	filled := false
	for i := 0; ctx.Err() == nil; i++ {
		fd, err := marked(p, first+i%ports)
		if err != nil {
			if !filled {
				there.Done()
			}
			return err
		}
		if len(fds) < many {
			fds = append(fds, fd)
			continue
		}
		if !filled {
			filled = true
			there.Done()
		}
		unix.Close(fds[i%many])
		fds[i%many] = fd
		if i%32 == 0 {
			time.Sleep(pause)
		}
	}
	return nil
}

// TestSocketsThatComeAndGo reads the options of sockets that come and go meanwhile, of
// processes that end among them: none is ever another's.
func TestSocketsThatComeAndGo(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	n := nstest.New(t)
	many := 2500 // of each protocol
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	many = int(min(uint64(many), limit.Cur/4))

	ctx, cancel := context.WithCancel(t.Context())
	var there, under sync.WaitGroup
	for _, p := range both {
		there.Add(1)
		under.Go(func() { n.Do(t, func() error { return comeAndGo(ctx, p, many, &there) }) })
	}
	// Each process has a socket of its own until it ends.
	under.Go(func() {
		for port := 500; ctx.Err() == nil; port++ {
			var fd int
			n.Do(t, func() (err error) {
				fd, err = marked(netstat.TCP, port%500+500)
				return err
			})
			held := os.NewFile(uintptr(fd), "socket")
			cmd := exec.Command("true")
			cmd.ExtraFiles = []*os.File{held}
			if err := cmd.Start(); err != nil {
				t.Error(err)
			}
			held.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			time.Sleep(4 * pause)
		}
	})
	defer under.Wait()
	defer cancel()
	there.Wait()

	bpf := sockopt.New("")
	defer bpf.Close()
	for name, way := range map[string]struct {
		source func() netstat.SocketOptionSource
		times  int
	}{
		"BPF":             {func() netstat.SocketOptionSource { return bpf }, 3},
		"many namespaces": {func() netstat.SocketOptionSource { return bpf.ForNamespaces() }, 3},
		"descriptors":     {collectors.Descriptors, 1},
	} {
		for range way.times {
			k, err := collectors.Open(collectors.Options{NetNS: n.Name, SocketOptions: []netstat.SocketOptionSource{way.source()}})
			must(t, err)
			rows, known := 0, 0
			for row, err := range k.Sockets(t.Context(), netstat.SocketQuery{Protocols: both, Families: []netstat.Family{netstat.IPv4}, Details: netstat.DetailSocketOptions}) {
				if hidden(t, err) || row.Local.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) || row.Detail == nil || row.Detail.Options == nil {
					continue
				}
				rows++
				if mark, ok := row.Detail.Options.Mark.Get(); ok {
					known++
					if mark != uint32(row.Local.Port()) {
						t.Errorf("%s: the mark of port %d is %d", name, row.Local.Port(), mark)
					}
				}
			}
			must(t, k.Close())
			if known < rows/2 || rows < many {
				t.Errorf("%s: marks of %d sockets, of %d", name, known, rows)
			}
			t.Logf("%s: marks of %d sockets, of %d", name, known, rows)
		}
	}
}
