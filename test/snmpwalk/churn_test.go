package snmpwalk_test

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// changes happen in the background until the test ends.
type changes struct {
	done  chan struct{}
	ended sync.WaitGroup
	calls atomic.Int64 // changes made
}

// churn calls change, with the number of the call, again and again until the
// test ends.
func churn(t *testing.T, change func(n int) error) *changes {
	t.Helper()
	c := &changes{done: make(chan struct{})}
	c.ended.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-c.done:
				return
			default:
			}
			if err := change(n); err != nil {
				t.Error(err)
				return
			}
			c.calls.Add(1)
		}
	})
	t.Cleanup(func() {
		close(c.done)
		c.ended.Wait()
	})
	return c
}

// batch runs commands of ip(8) in the scene, away from the test's goroutine.
func (s *scene) batch(commands ...string) error {
	cmd := exec.Command("ip", "-n", s.Name, "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip -batch: %w: %s", err, out)
	}
	return nil
}

// stays walks the tables again and again while something changes, and has changed
// several times. That a walk is
// strictly increasing and ends, the walk itself holds; every row of before which
// is not to change has to be in each.
func stays(t *testing.T, s *scene, changes *changes, changing func(name string) bool, entries ...string) {
	t.Helper()
	const walks = 15
	c := s.client(t)
	deadline := time.Now().Add(patience)
	for n := 0; n < walks || changes.calls.Load() < 5; n++ {
		if time.Now().After(deadline) {
			t.Fatalf("%d walks and %d changes in %v", n, changes.calls.Load(), patience)
		}
		for _, entry := range entries {
			repetitions := []uint32{0, 1, 10, 50}[n%4]
			prefix := parseOID(t, entry)
			seen := make(map[string]bool)
			for _, v := range c.walk(t, prefix, repetitions) {
				seen[v.name[len(prefix):].String()] = true
			}
			for name := range s.before[entry] {
				if !seen[name] && !changing(name) {
					t.Errorf("a walk with %d repetitions lacks %s.%s, which was there throughout", repetitions, entry, name)
				}
			}
		}
		if t.Failed() {
			return
		}
	}
}

// remember reads the tables before anything changes.
func (s *scene) remember(t *testing.T, entries ...string) {
	t.Helper()
	c := s.client(t)
	s.before = make(map[string]rows)
	for _, entry := range entries {
		if s.before[entry] = c.table(t, entry); len(s.before[entry]) == 0 {
			t.Fatalf("%s is empty", entry)
		}
	}
}

func never(string) bool { return false }

func TestRoutesComeAndGo(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		entries := []string{inetCidrRouteEntry, ipCidrRouteEntry, ipForwardEntry}
		s.remember(t, entries...)
		changes := churn(t, func(n int) error {
			var add, del []string
			for i := range 100 {
				// Before, between and after those that stay.
				prefix := fmt.Sprintf("%d.%d.%d.0/24", []int{5, 10, 210}[i%3], 100+n%50, i)
				add = append(add, "route add "+prefix+" via 192.0.2.2")
				del = append(del, "route del "+prefix)
			}
			return s.batch(append(add, del...)...)
		})
		stays(t, s, changes, never, entries...)
	})
}

func TestInterfacesComeAndGo(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		entries := []string{ifEntry, ifXEntry, ifStackEntry, ifRcvAddressEntry}
		s.remember(t, entries...)
		changes := churn(t, func(n int) error {
			return s.batch(
				// Before, between and after those that stay, renamed, stacked.
				"link add a0 index 5 type veth peer name a1 index 900",
				"link set a0 name renamed",
				"link set renamed master br0",
				"link set renamed alias "+longAlias,
				"link add link v1 name a2 index 13000 type macvlan",
				"link set a2 up",
				"link set renamed nomaster",
				"link del renamed",
				"link del a2",
			)
		})
		stays(t, s, changes, func(name string) bool {
			// The groups of v1 may change with what stands on it, and
			// nothing does so at first.
			return strings.HasPrefix(name, "3.0.12") || strings.HasPrefix(name, "2.12.6.51.51.") || strings.HasPrefix(name, "3.12.6.51.51.")
		}, entries...)
	})
}

func TestSocketsComeAndGo(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		entries := []string{tcpListenerEntry, tcpConnectionEntry, tcpConnEntry, udpEntry, udpEndpointEntry}
		s.remember(t, entries...)
		changes := churn(t, func(int) error {
			var fds []int
			defer func() {
				for _, fd := range fds {
					unix.Close(fd)
				}
			}()
			var err error
			s.Do(t, func() error {
				for range 100 {
					for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
						fd, e := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
						if e != nil {
							err = e
							return nil
						}
						fds = append(fds, fd)
						if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
							return nil
						}
						if kind == unix.SOCK_STREAM {
							if err = unix.Listen(fd, 1); err != nil {
								return nil
							}
						}
					}
				}
				return nil
			})
			return err
		})
		// The clients' own sockets are not the same before and after.
		stays(t, s, changes, func(name string) bool {
			for part := range strings.SplitSeq(name, ".") {
				if len(part) == 5 && part >= "32768" {
					return true
				}
			}
			return false
		}, entries...)
	})
}
