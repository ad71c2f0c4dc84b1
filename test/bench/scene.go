package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace with a scene in it.
type namespace struct {
	name  string
	close []func()
}

var namespaces atomic.Uint32

// newNamespace makes a namespace whose loopback is up.
func newNamespace(ctx context.Context) (*namespace, error) {
	ns := &namespace{name: fmt.Sprintf("bench-%d-%d", os.Getpid(), namespaces.Add(1))}
	if _, err := command(ctx, nil, "ip", "netns", "add", ns.name); err != nil {
		return nil, err
	}
	ns.close = append(ns.close, func() {
		// Also where ctx is done: nothing may stay behind.
		if _, err := command(context.Background(), nil, "ip", "netns", "del", ns.name); err != nil {
			progress("%v", err)
		}
	})
	// Thousands of links would else make addresses and announce them.
	err := ns.do(func() error {
		return os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		ns.remove()
		return nil, err
	}
	if err := ns.ip(ctx, "link set lo up\n"); err != nil {
		ns.remove()
		return nil, err
	}
	return ns, nil
}

// remove ends what the scene needs and removes the namespace.
func (ns *namespace) remove() {
	for i := len(ns.close) - 1; i >= 0; i-- {
		ns.close[i]()
	}
	ns.close = nil
}

// ip runs a batch of commands of ip(8) in the namespace.
func (ns *namespace) ip(ctx context.Context, batch string) error {
	_, err := command(ctx, strings.NewReader(batch), "ip", "-n", ns.name, "-batch", "-")
	return err
}

// inside is a command line that runs a program in the namespace. The process of
// ip becomes the program's.
func (ns *namespace) inside(args ...string) []string {
	return append([]string{"ip", "netns", "exec", ns.name}, args...)
}

// do calls f on a thread in the namespace.
func (ns *namespace) do(f func() error) error {
	return onThread(nil, func() error {
		fd, err := unix.Open(filepath.Join("/run/netns", ns.name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open namespace %s: %w", ns.name, err)
		}
		defer unix.Close(fd)
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter namespace %s: %w", ns.name, err)
		}
		return f()
	})
}

// onThread calls f on a thread of its own, which is thrown away afterwards; on
// that processor where one is given.
func onThread(cpu *int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		if cpu != nil {
			var set unix.CPUSet
			set.Set(*cpu)
			if err := unix.SchedSetaffinity(0, &set); err != nil {
				done <- fmt.Errorf("processor %d: %w", *cpu, err)
				return
			}
		}
		done <- f()
	}()
	return <-done
}

// command runs a program and returns what it printed.
func command(ctx context.Context, input io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, complaint strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return out.String(), nil
}

// routesScene has that many IPv4 routes through one neighbour.
func routesScene(ctx context.Context, n int) (*namespace, error) {
	const most = 1 << 22
	if n > most {
		return nil, fmt.Errorf("at most %d routes", most)
	}
	ns, err := newNamespace(ctx)
	if err != nil {
		return nil, err
	}
	var batch strings.Builder
	batch.WriteString("link add bench0 type veth peer name bench1\n" +
		"addr add 192.0.2.1/24 dev bench0\nlink set bench0 up\nlink set bench1 up\n")
	for i := range n {
		d := uint32(10)<<24 + uint32(i)<<2
		fmt.Fprintf(&batch, "route add %d.%d.%d.%d/30 via 192.0.2.2\n", d>>24, d>>16&255, d>>8&255, d&255)
	}
	if err := ns.ip(ctx, batch.String()); err != nil {
		ns.remove()
		return nil, err
	}
	return ns, nil
}

// interfacesScene has that many interfaces, in pairs.
func interfacesScene(ctx context.Context, n int) (*namespace, error) {
	ns, err := newNamespace(ctx)
	if err != nil {
		return nil, err
	}
	var batch strings.Builder
	for i := range n / 2 {
		fmt.Fprintf(&batch, "link add bench%da type veth peer name bench%db\nlink set bench%da up\nlink set bench%db up\n", i, i, i, i)
	}
	if err := ns.ip(ctx, batch.String()); err != nil {
		ns.remove()
		return nil, err
	}
	return ns, nil
}

// perHolder is how many connections one process holds, each with two sockets,
// within the usual limits of open files.
const perHolder = 4000

// socketsScene has that many TCP sockets, both ends of established connections.
func socketsScene(ctx context.Context, n int) (*namespace, error) {
	ns, err := newNamespace(ctx)
	if err != nil {
		return nil, err
	}
	for left := n / 2; left > 0; left -= perHolder {
		if err := holdSockets(ctx, ns, min(left, perHolder)); err != nil {
			ns.remove()
			return nil, err
		}
	}
	return ns, nil
}

// holdSockets starts a process that opens connections and holds them.
func holdSockets(ctx context.Context, ns *namespace, connections int) error {
	return hold(ctx, ns, "-role", "sockets", "-count", strconv.Itoa(connections))
}

// hold starts this program in one of its roles, in which it holds something until
// its standard input ends, and waits until it does.
func hold(ctx context.Context, ns *namespace, role ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := ns.inside(append([]string{self}, role...)...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = dieWithUs
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ns.close = append(ns.close, func() {
		in.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return fmt.Errorf("the holder (%v) says %q: %w", role, line, err)
	}
	return nil
}

// socketsRole is what the holder does.
func socketsRole(connections int) error {
	const perPort = 20000 // less than there are ephemeral ports
	var listener int
	var address *unix.SockaddrInet4
	for i := range connections {
		if i%perPort == 0 {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return fmt.Errorf("socket: %w", err)
			}
			if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
				return fmt.Errorf("bind: %w", err)
			}
			if err := unix.Listen(fd, 64); err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			bound, err := unix.Getsockname(fd)
			if err != nil {
				return fmt.Errorf("getsockname: %w", err)
			}
			listener, address = fd, bound.(*unix.SockaddrInet4)
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		if err := unix.Connect(fd, address); err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		if _, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC); err != nil {
			return fmt.Errorf("accept: %w", err)
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// udpRole holds unconnected UDP sockets on consecutive ports of consecutive
// addresses of the loopback network.
func udpRole(first, count int) error {
	const firstPort, ports = 10000, 50000
	for i := first; i < first+count; i++ {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		address := unix.SockaddrInet4{Port: firstPort + i%ports, Addr: [4]byte{127, 0, 0, byte(1 + i/ports)}}
		if err := unix.Bind(fd, &address); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
