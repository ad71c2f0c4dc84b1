package collectors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const procIfInet6 = "/proc/net/if_inet6"

// untoldOfAddresses is what is unknown of addresses without rtnetlink, in words.
const untoldOfAddresses = "lifetimes, moments, origins, scopes and flags of IPv4, or other ends of IPv6"

// procAddresses returns the IPv4 addresses that netdevice(7) tells (SIOCGIFCONF), and those of
// /proc/net/if_inet6. The scope of one of IPv4 is the one that ip-address(8) gives it.
func (k *Kernel) procAddresses(ctx context.Context) ([]netstat.Address, error) {
	socket, err := k.interfaceSocket()
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	all, err := inetAddresses(socket)
	if err != nil {
		return nil, err
	}
	err = k.readLines(ctx, procIfInet6, func(l *lines) {
		parseIfInet6(l, func(a netstat.Address) { all = append(all, a) })
	})
	if isAbsent(absentFile(err)) { // a kernel without IPv6
		err = nil
	}
	return all, err
}

// mostInetAddresses bounds what is asked of SIOCGIFCONF.
const mostInetAddresses = 1 << 20

// inetAddresses returns the IPv4 addresses of a socket's namespace.
func inetAddresses(socket int) ([]netstat.Address, error) {
	const size = int(unsafe.Sizeof(ifreq{}))
	var list []byte
	for n := 64; ; n *= 2 {
		if n > mostInetAddresses {
			return nil, fmt.Errorf("more than %d IPv4 addresses", mostInetAddresses)
		}
		list = make([]byte, n*size)
		conf := struct { // struct ifconf
			length int32
			buffer *byte
		}{int32(len(list)), &list[0]}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCGIFCONF, uintptr(unsafe.Pointer(&conf))); errno != 0 {
			return nil, os.NewSyscallError("ioctl SIOCGIFCONF", errno)
		}
		if int(conf.length)+size <= len(list) { // it was not cut
			list = list[:conf.length]
			break
		}
	}
	var all []netstat.Address
	for ; len(list) >= size; list = list[size:] {
		var request ifreq
		copy(request.name[:], list)
		copy(request.value[:], list[len(request.name):])
		a, err := inetAddress(socket, request)
		switch {
		case errors.Is(err, unix.ENODEV), errors.Is(err, unix.EADDRNOTAVAIL): // it went meanwhile
		case err != nil:
			return nil, err
		default:
			all = append(all, a)
		}
	}
	return all, nil
}

// inetAddress reads what there is to know of the address that an answer to SIOCGIFCONF has.
// SIOCGIFNETMASK and the others find it by label and address.
func inetAddress(socket int, told ifreq) (a netstat.Address, err error) {
	address := func(r *ifreq) netip.Addr { return netip.AddrFrom4([4]byte(r.value[4:8])) } // struct sockaddr_in
	label, _, _ := bytes.Cut(told.name[:], []byte{0})
	a.Label = string(label)
	local := address(&told)

	request := ifreq{}
	device, _, _ := bytes.Cut(label, []byte{':'})
	copy(request.name[:], device)
	if err := askInterface(socket, unix.SIOCGIFINDEX, &request); err != nil {
		return a, err
	}
	a.Interface = request.number32()
	request = told
	if err := askInterface(socket, unix.SIOCGIFNETMASK, &request); err != nil {
		return a, err
	}
	mask := binary.BigEndian.Uint32(request.value[4:8])
	bits := prefixBits(mask)
	if bits < 0 {
		return a, fmt.Errorf("mask %08x of %v has holes", mask, local)
	}
	a.Prefix = netip.PrefixFrom(local, bits)
	request = told
	if err := askInterface(socket, unix.SIOCGIFDSTADDR, &request); err != nil {
		return a, err
	}
	if peer := address(&request); peer != local && !peer.IsUnspecified() {
		a.Peer = peer
	}
	request = told
	if err := askInterface(socket, unix.SIOCGIFBRDADDR, &request); err != nil {
		return a, err
	}
	if broadcast := address(&request); !broadcast.IsUnspecified() {
		a.Broadcast = broadcast
	}
	if local.IsLoopback() {
		a.Scope = netstat.ScopeHost
	}
	a.UnknownFlags = ^netstat.AddressFlags(0)
	return a, nil
}

// prefixBits returns how long a prefix is that has a mask, -1 for none that is one.
func prefixBits(mask uint32) int {
	bits := 0
	for ; mask&(1<<31) != 0; mask <<= 1 {
		bits++
	}
	if mask != 0 {
		return -1
	}
	return bits
}

// parseIfInet6 calls each with the addresses of /proc/net/if_inet6 (net/ipv6/addrconf.c,
// if6_seq_show): address, index of the interface, prefix length, scope, the lower 8 flags, name.
//
//	fe8000000000000000fc00fffe000001 04 40 20 80     eth0
func parseIfInet6(l *lines, each func(netstat.Address)) {
	const columns = 6
	for l.next() {
		f := l.fields()
		if len(f) != columns {
			l.fail("%d fields, not %d", len(f), columns)
			return
		}
		address, bits := procAddress6(l, f[0]), l.uint32(f[2], 16)
		if bits > 128 {
			l.fail("a prefix of %d bits", bits)
		}
		a := netstat.Address{Interface: l.uint32(f[1], 16), Flags: netstat.AddressFlags(l.uint32(f[4], 16))}
		scope := l.uint32(f[3], 16)
		if l.err != nil {
			return
		}
		a.Prefix = netip.PrefixFrom(address, int(bits))
		const told = 1<<8 - 1
		a.Flags &= told
		a.UnknownFlags = ^netstat.AddressFlags(told)
		switch scope { // include/net/ipv6.h, IPV6_ADDR_SCOPE_MASK
		case 0x10:
			a.Scope = netstat.ScopeHost
		case 0x20:
			a.Scope = netstat.ScopeLink
		case 0x40:
			a.Scope = netstat.ScopeSite
		}
		each(a)
	}
}
