package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketMemberships asks every socket of the namespace that some process holds
// whether it is a member of each group that an interface has joined
// (MCAST_MSFILTER, RFC 3678): the kernel lists no socket's groups. It takes the
// sockets by pidfd_getfd(2), which needs Linux 5.6, and CAP_SYS_PTRACE for other
// users' processes, and Linux 5.14 to tell whose namespace they are of.
func (k *Kernel) SocketMemberships(ctx context.Context) iter.Seq2[netstat.SocketMembership, error] {
	return func(yield func(netstat.SocketMembership, error) bool) {
		stopped, err := k.socketMemberships(ctx, func(m netstat.SocketMembership) bool { return yield(m, nil) })
		if err != nil && !stopped {
			yield(netstat.SocketMembership{}, k.readError("read sockets' multicast memberships", err))
		}
	}
}

func (k *Kernel) socketMemberships(ctx context.Context, each func(netstat.SocketMembership) bool) (stopped bool, err error) {
	var groups []netstat.Membership
	for m, err := range k.Memberships(ctx) {
		if err != nil {
			return false, err
		}
		groups = append(groups, m)
	}
	id, err := k.Identity(ctx)
	if err != nil {
		return false, err
	}
	cookie, known := id.Cookie.Get()
	if !known {
		return false, notSupported(errors.New("SO_NETNS_COOKIE: it needs Linux 5.14"))
	}
	var hidden error
	err = eachSocket(ctx, cookie, func(pid int32, socket int, inode uint64) bool {
		more, err := membershipsOf(socket, groups, func(m netstat.SocketMembership) bool {
			m.Process, m.Inode = processOf(pid), uint32(inode)
			stopped = !each(m)
			return !stopped
		})
		if err != nil {
			hidden = err
		}
		return more
	}, &hidden)
	if err == nil {
		err = hidden
	}
	if errors.Is(err, unix.ENOSYS) {
		err = notSupported(err)
	}
	return stopped, err
}

// processOf returns a process with its names, which are empty if it has ended.
func processOf(pid int32) netstat.Process {
	proc, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return netstat.Process{PID: pid}
	}
	defer unix.Close(proc)
	var r fdReader
	name := strconv.AppendInt(nil, int64(pid), 10)
	return netstat.Process{PID: pid, Name: r.comm(proc, name), Program: r.program(proc, name)}
}

// eachSocket calls each with every socket of a namespace that a process holds, as a
// descriptor of this process while the call lasts, once however many hold it, until it
// returns false. hidden is set as by eachDescriptor, and where a socket may not be taken.
func eachSocket(ctx context.Context, namespaceCookie uint64, each func(pid int32, socket int, inode uint64) bool, hidden *error) error {
	seen := make(map[uint64]bool) // inodes
	return eachDescriptor(ctx, func(pid int32, fd int, inode uint64) bool {
		if seen[inode] {
			return true
		}
		socket, err := takeDescriptor(pid, fd)
		if err != nil {
			// What was closed meanwhile is nobody's any longer.
			if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOSYS) {
				*hidden = err
			}
			return true
		}
		defer unix.Close(socket)
		seen[inode] = true
		if of, err := unix.GetsockoptUint64(socket, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err != nil || of != namespaceCookie {
			return true
		}
		return each(pid, socket, inode)
	}, hidden)
}

// eachDescriptor calls each with every descriptor of a socket of every process,
// until it returns false. hidden is set where a process may not be looked at, or
// may not even show.
func eachDescriptor(ctx context.Context, each func(pid int32, fd int, inode uint64) bool, hidden *error) error {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	// A PID namespace always has a process 1: see readOwners.
	if !slices.ContainsFunc(processes, func(p fs.DirEntry) bool { return p.Name() == "1" }) {
		*hidden = fmt.Errorf("/proc is mounted so that it hides other users' processes (hidepid=): %w", fs.ErrPermission)
	}
	for _, p := range processes {
		pid, err := strconv.ParseInt(p.Name(), 10, 32)
		if err != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := "/proc/" + p.Name() + "/fd/"
		descriptors, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrPermission) {
			*hidden = fmt.Errorf("not every process may be looked into: %w", err)
		}
		for _, d := range descriptors {
			link, err := os.Readlink(dir + d.Name())
			text, ok := strings.CutPrefix(link, "socket:[")
			if err != nil || !ok {
				continue
			}
			inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
			fd, err2 := strconv.Atoi(d.Name())
			if err != nil || err2 != nil {
				continue
			}
			if !each(int32(pid), fd, inode) {
				return nil
			}
		}
	}
	return nil
}

// takeDescriptor returns a descriptor of this process for another one's.
func takeDescriptor(pid int32, fd int) (int, error) {
	process, err := unix.PidfdOpen(int(pid), 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(process)
	taken, err := unix.PidfdGetfd(process, fd, 0)
	return taken, os.NewSyscallError("pidfd_getfd", err)
}

// membershipsOf calls each with the groups that a socket is a member of, until
// it returns false.
func membershipsOf(socket int, groups []netstat.Membership, each func(netstat.SocketMembership) bool) (more bool, err error) {
	domain, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return true, os.NewSyscallError("getsockopt SO_DOMAIN", err)
	}
	for i := range groups {
		g := &groups[i]
		// An IPv6 socket may join IPv4 groups, too.
		if domain != unix.AF_INET6 && (domain != unix.AF_INET || g.Group.Is6()) {
			continue
		}
		filter, err := sourceFilter(socket, g.Interface, g.Group)
		switch {
		case errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOPROTOOPT), errors.Is(err, unix.EOPNOTSUPP):
			continue // no member, or no socket that can be one
		case err != nil:
			return true, err
		}
		m := netstat.SocketMembership{Interface: g.Interface, Group: g.Group}
		if m.Mode, m.Sources, err = parseSourceList(filter, g.Interface); err != nil {
			return true, err
		}
		if !each(m) {
			return false, nil
		}
	}
	return true, nil
}

// struct group_filter (include/uapi/linux/in.h). Its addresses are aligned to
// the machine's word.
const (
	mcastMSFilter         = 48 // MCAST_MSFILTER
	sizeofSockaddrStorage = 128

	filterGroup   = unix.SizeofPtr
	filterMode    = filterGroup + sizeofSockaddrStorage
	filterCount   = filterMode + 4
	filterSources = filterCount + 4

	// mostSources bounds what is believed of a count: net.ipv4.igmp_max_msf
	// and net.ipv6.mld_max_msf are 10 and 64.
	mostSources = 1 << 16
)

// sourceFilter returns the struct group_filter of a socket's membership.
func sourceFilter(socket int, index uint32, group netip.Addr) ([]byte, error) {
	level := unix.IPPROTO_IP
	if group.Is6() {
		level = unix.IPPROTO_IPV6
	}
	for room := 64; ; {
		b := make([]byte, filterSources+room*sizeofSockaddrStorage)
		binary.NativeEndian.PutUint32(b, index)
		putSockaddr(b[filterGroup:], group)
		binary.NativeEndian.PutUint32(b[filterCount:], uint32(room))
		length := uint32(len(b))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(level), mcastMSFilter,
			uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&length)), 0)
		if errno != 0 {
			return nil, os.NewSyscallError("getsockopt MCAST_MSFILTER", errno)
		}
		// The kernel says how many there are, and fills what there is room for.
		count := binary.NativeEndian.Uint32(b[filterCount:])
		if count <= uint32(room) || count > mostSources {
			return b, nil
		}
		room = int(count)
	}
}

// putSockaddr writes a struct sockaddr_in or sockaddr_in6 without a port.
func putSockaddr(b []byte, a netip.Addr) {
	if a.Is4() {
		binary.NativeEndian.PutUint16(b, unix.AF_INET)
		copy(b[4:], a.AsSlice())
		return
	}
	binary.NativeEndian.PutUint16(b, unix.AF_INET6)
	copy(b[8:], a.AsSlice())
}

// parseSourceList reads the mode and the sources of a struct group_filter.
func parseSourceList(b []byte, index uint32) (netstat.FilterMode, []netip.Addr, error) {
	if len(b) < filterSources {
		return 0, nil, fmt.Errorf("group_filter of %d bytes", len(b))
	}
	mode := netstat.FilterMode(binary.NativeEndian.Uint32(b[filterMode:]))
	count := binary.NativeEndian.Uint32(b[filterCount:])
	b = b[filterSources:]
	if uint64(count) > uint64(len(b)/sizeofSockaddrStorage) {
		return 0, nil, fmt.Errorf("group_filter of %d sources in %d bytes", count, len(b))
	}
	var z zones
	var sources []netip.Addr
	for ; count > 0; count-- {
		switch family := binary.NativeEndian.Uint16(b); family {
		case unix.AF_INET:
			sources = append(sources, netip.AddrFrom4([4]byte(b[4:8])))
		case unix.AF_INET6:
			sources = append(sources, z.add(netip.AddrFrom16([16]byte(b[8:24])), index))
		default:
			return 0, nil, fmt.Errorf("source of family %d", family)
		}
		b = b[sizeofSockaddrStorage:]
	}
	return mode, sources, nil
}
