package collectors

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// helpSocketInCGroup opens a socket in the cgroup whose cgroup.procs it is told,
// until its input ends.
func helpSocketInCGroup(context.Context) error {
	input := bufio.NewScanner(os.Stdin)
	if !input.Scan() {
		return io.ErrUnexpectedEOF
	}
	if err := os.WriteFile(input.Text(), strconv.AppendInt(nil, int64(os.Getpid()), 10), 0); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 2202, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	fmt.Println("open")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// helpWithoutPrivilege opens sockets, becomes nobody, and looks at what is
// hidden then.
func helpWithoutPrivilege(ctx context.Context) error {
	udp, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(
		unix.SetsockoptInt(udp, unix.SOL_SOCKET, unix.SO_MARK, 7), unix.Bind(udp, &unix.SockaddrInet4{Port: 2301}),
	); err != nil {
		return err
	}
	packet, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(packet)
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
		return err
	}

	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	owners, err := k.SocketOwners(ctx)
	if err != nil {
		return err
	}
	if owners.Complete() || owners.Hidden == 0 && !owners.Invisible {
		return fmt.Errorf("no process is hidden from nobody")
	}
	if owners.Hidden != len(owners.HiddenPIDs) || !slices.IsSorted(owners.HiddenPIDs) {
		return fmt.Errorf("%d processes are hidden: %v", owners.Hidden, owners.HiddenPIDs)
	}
	for _, pid := range owners.HiddenPIDs[:min(5, owners.Hidden)] {
		link := fmt.Sprintf("/proc/%d/fd/0", pid)
		if _, err := os.Readlink(link); !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("process %d is called hidden, and its descriptors are not: %w", pid, err)
		}
	}
	q := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}, Details: netstat.AllDetails, Processes: true}
	seen := false
	for s, err := range k.Sockets(ctx, q) {
		if err != nil {
			return err
		}
		if s.Local.Port() != 2301 {
			continue
		}
		seen = true
		if s.Detail.Mark.IsKnown() || !s.Detail.Memory.IsKnown() || s.UID != netstat.Known[uint32](0) {
			return fmt.Errorf("nobody is told %+v, %+v", s, *s.Detail)
		}
	}
	if !seen {
		return errors.New("the socket is not there")
	}
	q.Filter.Mark.Set(netstat.MarkMatch{Value: 7, Mask: 0xff})
	rows, err := rowsUntilError(k.Sockets(ctx, q))
	if rows != 0 || !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("selected by mark: %d rows, error %w", rows, err)
	}
	for s, err := range k.PacketSockets(ctx, netstat.EndpointQuery{}) {
		if err != nil {
			return err
		}
		if s.Filter.IsKnown() {
			return fmt.Errorf("nobody is told the filter: %+v", s)
		}
	}
	return nil
}
