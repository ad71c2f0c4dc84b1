package sockopt_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/collectors/sockopt"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// everythingLocal are the options of sockets of the local family.
func everythingLocal() (all []asked) {
	for _, a := range everything {
		if strings.HasPrefix(a.option.String(), "SO_") {
			all = append(all, a)
		}
	}
	return append(all,
		as(netstat.OptionPassCredentials, nil, sol, unix.SO_PASSCRED, 1, isTrue),
		as(netstat.OptionPassSecurity, nil, sol, unix.SO_PASSSEC, 1, isTrue),
		as(netstat.OptionPassPIDFD, nil, sol, unix.SO_PASSPIDFD, 1, isTrue),
		as(netstat.OptionPassRights, nil, sol, unix.SO_PASSRIGHTS, 0, isTrue),
		as(netstat.OptionPeekOffset, nil, sol, unix.SO_PEEK_OFF, 11, func(v int32) any { return v }),
	)
}

// localScene opens sockets of each type, as they are, with each option alone and with
// all; listeners and connections among them.
func localScene(t *testing.T) (n *nstest.NS, sockets []opened) {
	n = nstest.New(t)
	all := everythingLocal()
	open := func(what string, kind int, set ...asked) int {
		fd := n.Socket(t, unix.AF_UNIX, kind, 0)
		for _, a := range set {
			// Some are for the Internet's sockets only.
			if err := a.set(fd); err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.Errno(524)) && !errors.Is(err, unix.ENOPROTOOPT) {
				t.Fatalf("%s: %v: %v", what, a.option, err)
			}
		}
		sockets = append(sockets, opened{what: what, fd: fd, family: netstat.Unix})
		return fd
	}
	dir := t.TempDir()
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		open(fmt.Sprintf("type %d, as it is", kind), kind)
		for _, a := range all {
			open(fmt.Sprintf("type %d, %v alone", kind, a.option), kind, a)
		}
		at := &unix.SockaddrUnix{Name: filepath.Join(dir, fmt.Sprint(kind))}
		server := open(fmt.Sprintf("type %d, bound, everything", kind), kind, all...)
		must(t, unix.Bind(server, at))
		if kind != unix.SOCK_DGRAM {
			must(t, unix.Listen(server, 5))
		}
		// One that is accepted, and one that waits.
		for _, which := range []string{"first", "second"} {
			must(t, unix.Connect(open(fmt.Sprintf("type %d, connected %s", kind, which), kind, all...), at))
			if kind != unix.SOCK_DGRAM && which == "first" {
				fd, _, err := unix.Accept4(server, unix.SOCK_CLOEXEC)
				must(t, err)
				t.Cleanup(func() { unix.Close(fd) })
				sockets = append(sockets, opened{what: fmt.Sprintf("type %d, accepted", kind), fd: fd, family: netstat.Unix})
			}
		}
	}
	return n, sockets
}

// TestLocalTruth compares all values of sockets of the local family with getsockopt's.
func TestLocalTruth(t *testing.T) {
	n, sockets := localScene(t)
	compare := func(t *testing.T, every bool, sources ...netstat.SocketOptionSource) {
		k, err := collectors.Open(collectors.Options{NetNS: n.Name, SocketOptions: sources})
		must(t, err)
		defer k.Close()
		rows := make(map[uint64]*netstat.SocketOptions)
		for row, err := range k.UnixSockets(t.Context(), netstat.EndpointQuery{Options: true}) {
			if hidden(t, err) {
				continue
			}
			if row.Memory.IsKnown() {
				t.Error("memory, which nobody asked for")
			}
			rows[row.Cookie.Or(0)] = row.Options
		}
		values := 0
		for _, o := range sockets {
			cookie, err := unix.GetsockoptUint64(o.fd, sol, unix.SO_COOKIE)
			must(t, err)
			options := rows[cookie]
			if options == nil {
				t.Errorf("%s: there is no such row, or it has no options", o.what)
				continue
			}
			for _, a := range everythingLocal() {
				want, err := a.get(o.fd)
				got, known := options.Get(a.option)
				switch {
				case errors.Is(err, unix.ENOPROTOOPT):
					if known {
						t.Errorf("%s: %v is %v, which this kernel does not have", o.what, a.option, got)
					}
				case err != nil:
					t.Fatalf("%s: %v: %v", o.what, a.option, err)
				case !known && every:
					t.Errorf("%s: %v is not told", o.what, a.option)
				case known && got != want:
					t.Errorf("%s: %v is %v, getsockopt says %v", o.what, a.option, got, want)
				case known:
					values++
				}
			}
		}
		t.Logf("%d values of %d sockets", values, len(sockets))
	}
	t.Run("sock_diag", func(t *testing.T) { compare(t, false) })
	t.Run("descriptors", func(t *testing.T) { compare(t, true, collectors.Descriptors()) })
	for name, source := range map[string]*sockopt.Source{"BPF": sockopt.New(""), "layout": sockopt.NewByLayout()} {
		t.Run(name, func(t *testing.T) {
			nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
			defer source.Close()
			compare(t, true, source)
		})
	}
}

// TestBoundSockets compares the options of TCP sockets that only have a port.
func TestBoundSockets(t *testing.T) {
	s := &scene{T: t, n: nstest.New(t)}
	for _, f := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
		for i := range everything {
			if o := s.open(everything[i].option.String(), netstat.TCP, f); o.has(&everything[i]) {
				s.set(o, &everything[i])
			}
		}
	}
	for _, o := range s.sockets {
		must(t, unix.Bind(o.fd, loopback(o.family, 0)))
	}
	bound := netstat.States(netstat.Bound)
	t.Run("descriptors", func(t *testing.T) {
		s.compareRows(t, bound, func(netstat.SocketOption) bool { return true }, collectors.Descriptors())
	})
	for name, source := range map[string]*sockopt.Source{"BPF": sockopt.New(""), "layout": sockopt.NewByLayout()} {
		t.Run(name, func(t *testing.T) {
			nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
			defer source.Close()
			// sock_diag tells the algorithm of other sockets only.
			s.compareRows(t, bound, func(o netstat.SocketOption) bool { return o != netstat.OptionCongestion }, source)
		})
	}
}
