package collectors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketDefaults opens a TCP and a UDP socket over each family in the namespace, and one
// of the local family, and asks them for their options.
func (k *Kernel) SocketDefaults(ctx context.Context) iter.Seq2[netstat.SocketDefaults, error] {
	return func(yield func(netstat.SocketDefaults, error) bool) {
		for _, protocol := range []netstat.Protocol{netstat.TCP, netstat.UDP, local} {
			for _, family := range k.familiesOf(protocol) {
				d := netstat.SocketDefaults{Protocol: protocol, Family: family}
				err := ctx.Err()
				if err == nil {
					err = k.inside(func() (err error) {
						d.Options, err = newSocketOptions(protocol, family)
						return err
					})
				}
				if err != nil {
					yield(netstat.SocketDefaults{}, k.readError("read the options of a new socket", err))
					return
				}
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// local stands for the local family where protocols are told apart.
const local netstat.Protocol = 0

// familiesOf are those that there are sockets of a protocol over.
func (k *Kernel) familiesOf(protocol netstat.Protocol) []netstat.Family {
	if protocol == local {
		return []netstat.Family{netstat.Unix}
	}
	families, _ := k.families(nil)
	return families
}

// newSocketOptions returns the options of a socket that it opens in the namespace that
// the thread is in.
func newSocketOptions(protocol netstat.Protocol, family netstat.Family) (o *netstat.SocketOptions, err error) {
	err = withNewSocket(protocol, family, func(fd int) error {
		o, err = optionsOf(fd, protocol)
		return err
	})
	return o, err
}

// socketSettings is newSocketOptions of those options whose default is a setting of the
// namespace.
func socketSettings(protocol netstat.Protocol, family netstat.Family) (*netstat.SocketOptions, error) {
	o := new(netstat.SocketOptions)
	numbers := settingNumbers[protocol]
	if numbers == nil {
		return o, nil
	}
	return o, withNewSocket(protocol, family, func(fd int) error { return readNumbers(fd, numbers, o) })
}

func withNewSocket(protocol netstat.Protocol, family netstat.Family, f func(fd int) error) error {
	kind := unix.SOCK_STREAM
	if protocol == netstat.UDP {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(int(family), kind|unix.SOCK_CLOEXEC, int(protocol))
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	return f(fd)
}

// Descriptors is a source of options that takes the sockets of every process that may be
// looked into, one after the other, and asks them (pidfd_getfd(2)). It needs Linux 5.14,
// and for other users' processes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. Sockets that no
// process holds are not among them. It takes some 50 µs for each socket that there is,
// of all namespaces.
func Descriptors() netstat.SocketOptionSource { return descriptors{} }

type descriptors struct{}

func (descriptors) ReadSocketOptions(ctx context.Context, q netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	here, err := ownNamespaceCookie()
	if err != nil {
		return nil, err
	}
	type key struct {
		cookie uint64
		family netstat.Family
	}
	found := make(map[key]*netstat.SocketOptions)
	var same sameOptions
	var hidden error
	err = eachSocket(ctx, here, func(_ int32, socket int, _ uint64) bool {
		family, ok := familyOf(socket, q.Protocol)
		if !ok {
			return true
		}
		cookie, err := unix.GetsockoptUint64(socket, unix.SOL_SOCKET, unix.SO_COOKIE)
		if err != nil {
			return true
		}
		if o, err := optionsOf(socket, q.Protocol); err == nil {
			found[key{cookie, family}] = same.share(o)
		}
		return true
	}, &hidden)
	if err == nil {
		err = hidden
	}
	if errors.Is(err, unix.ENOSYS) {
		err = fmt.Errorf("%w: pidfd_getfd needs Linux 5.6: %w", netstat.ErrNotSupported, err)
	}
	return func(cookie uint64, family netstat.Family) *netstat.SocketOptions { return found[key{cookie, family}] }, err
}

// familyOf returns the family of a socket, if it is one of the protocol.
func familyOf(socket int, protocol netstat.Protocol) (family netstat.Family, ok bool) {
	domain, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return 0, false
	}
	if protocol == local {
		return netstat.Unix, domain == unix.AF_UNIX
	}
	of, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return netstat.Family(domain), err == nil && of == int(protocol) && (domain == unix.AF_INET || domain == unix.AF_INET6)
}

// ownNamespaceCookie is that of the namespace that the thread is in.
func ownNamespaceCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0, fmt.Errorf("%w: SO_NETNS_COOKIE needs Linux 5.14: %w", netstat.ErrNotSupported, err)
	}
	return cookie, nil
}

// The kernel's numbers of options that golang.org/x/sys/unix has not for every
// architecture (include/uapi/linux/udp.h).
const (
	udpCork    = 1
	udpEncap   = 100
	udpSegment = 103
	udpGRO     = 104
)

// numericOption is an option whose value is an int.
type numericOption struct {
	level, name int
	set         func(o *netstat.SocketOptions, v int32)
}

// truth is the set of an option that is on or off.
func truth(at func(*netstat.SocketOptions) *netstat.Optional[bool]) func(*netstat.SocketOptions, int32) {
	return func(o *netstat.SocketOptions, v int32) { at(o).Set(v != 0) }
}

// counted is that of an option that counts something.
func counted[N uint8 | uint32 | int32](at func(*netstat.SocketOptions) *netstat.Optional[N]) func(*netstat.SocketOptions, int32) {
	return func(o *netstat.SocketOptions, v int32) { at(o).Set(N(v)) }
}

// duration is that of a time in units.
func duration(unit time.Duration, at func(*netstat.SocketOptions) *netstat.Optional[time.Duration]) func(*netstat.SocketOptions, int32) {
	return func(o *netstat.SocketOptions, v int32) { at(o).Set(time.Duration(v) * unit) }
}

var (
	// socketNumbers are options of every socket.
	socketNumbers = []numericOption{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.ReuseAddress })},
		{unix.SOL_SOCKET, unix.SO_REUSEPORT, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.ReusePort })},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.KeepAlive })},
		{unix.SOL_SOCKET, unix.SO_BROADCAST, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.Broadcast })},
		{unix.SOL_SOCKET, unix.SO_RCVBUF, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.ReceiveBuffer })},
		{unix.SOL_SOCKET, unix.SO_SNDBUF, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.SendBuffer })},
		{unix.SOL_SOCKET, unix.SO_BUF_LOCK, setBufferLock},
		{unix.SOL_SOCKET, unix.SO_PRIORITY, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.Priority })},
		{unix.SOL_SOCKET, unix.SO_MARK, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.Mark })},
		{unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.BindToDevice })},
		{unix.SOL_SOCKET, unix.SO_RCVLOWAT, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.ReceiveLowWater })},
		{unix.SOL_SOCKET, unix.SO_INCOMING_CPU, counted(func(o *netstat.SocketOptions) *netstat.Optional[int32] { return &o.IncomingCPU })},
		{unix.SOL_SOCKET, unix.SO_BUSY_POLL, duration(time.Microsecond, func(o *netstat.SocketOptions) *netstat.Optional[time.Duration] { return &o.BusyPoll })},
		{unix.SOL_SOCKET, unix.SO_ZEROCOPY, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.ZeroCopy })},
		{unix.SOL_SOCKET, unix.SO_LOCK_FILTER, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.LockFilter })},
	}
	// inetSettings are options of sockets over IP whose default is a setting of the
	// namespace: the kernel's structures have none until a program sets one.
	inetSettings = []numericOption{
		{unix.IPPROTO_IP, unix.IP_TTL, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint8] { return &o.TTL })},
	}
	// inetNumbers are other options of sockets over IP.
	inetNumbers = []numericOption{
		{unix.IPPROTO_IP, unix.IP_TOS, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint8] { return &o.TOS })},
		{unix.IPPROTO_IP, unix.IP_FREEBIND, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.FreeBind })},
		{unix.IPPROTO_IP, unix.IP_TRANSPARENT, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.Transparent })},
		{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint8] { return &o.TrafficClass })},
		{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.V6Only })},
	}
	tcpSettings = []numericOption{
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, duration(time.Second, func(o *netstat.SocketOptions) *netstat.Optional[time.Duration] { return &o.KeepIdle })},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, duration(time.Second, func(o *netstat.SocketOptions) *netstat.Optional[time.Duration] { return &o.KeepInterval })},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.KeepCount })},
		{unix.IPPROTO_TCP, unix.TCP_SYNCNT, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.SYNCount })},
		{unix.IPPROTO_TCP, unix.TCP_LINGER2, duration(time.Second, func(o *netstat.SocketOptions) *netstat.Optional[time.Duration] { return &o.Linger2 })},
	}
	tcpNumbers = []numericOption{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.NoDelay })},
		{unix.IPPROTO_TCP, unix.TCP_CORK, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.Cork })},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, duration(time.Millisecond, func(o *netstat.SocketOptions) *netstat.Optional[time.Duration] { return &o.UserTimeout })},
		{unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, duration(time.Second, func(o *netstat.SocketOptions) *netstat.Optional[time.Duration] { return &o.DeferAccept })},
		{unix.IPPROTO_TCP, unix.TCP_FASTOPEN, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.FastOpen })},
		{unix.IPPROTO_TCP, unix.TCP_MAXSEG, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.MaxSegment })},
		{unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.WindowClamp })},
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.NotSentLowWater })},
		{unix.IPPROTO_TCP, unix.TCP_QUICKACK, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.QuickAck })},
	}
	udpNumbers = []numericOption{
		{unix.IPPROTO_UDP, udpCork, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.UDPCork })},
		{unix.IPPROTO_UDP, udpGRO, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.UDPReceive })},
		{unix.IPPROTO_UDP, udpSegment, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.UDPSegment })},
		{unix.IPPROTO_UDP, udpEncap, counted(func(o *netstat.SocketOptions) *netstat.Optional[uint32] { return &o.UDPEncapsulation })},
	}
	localNumbers = []numericOption{
		{unix.SOL_SOCKET, unix.SO_PASSCRED, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.PassCredentials })},
		{unix.SOL_SOCKET, unix.SO_PASSSEC, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.PassSecurity })},
		{unix.SOL_SOCKET, unix.SO_PASSPIDFD, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.PassPIDFD })},
		{unix.SOL_SOCKET, unix.SO_PASSRIGHTS, truth(func(o *netstat.SocketOptions) *netstat.Optional[bool] { return &o.PassRights })},
		{unix.SOL_SOCKET, unix.SO_PEEK_OFF, counted(func(o *netstat.SocketOptions) *netstat.Optional[int32] { return &o.PeekOffset })},
	}
)

// Options of the sockets of a protocol, and those among them that are settings.
var (
	optionNumbers = map[netstat.Protocol][][]numericOption{
		netstat.TCP: {socketNumbers, inetSettings, inetNumbers, tcpSettings, tcpNumbers},
		netstat.UDP: {socketNumbers, inetSettings, inetNumbers, udpNumbers},
		local:       {socketNumbers, localNumbers},
	}
	settingNumbers = map[netstat.Protocol][][]numericOption{
		netstat.TCP: {inetSettings, tcpSettings},
		netstat.UDP: {inetSettings},
	}
)

// setBufferLock reads SO_BUF_LOCK (Linux 5.14 and later), which comes behind both
// buffers: bit 0 for the one to send, 1 for the one to receive
// (SOCK_SNDBUF_LOCK and SOCK_RCVBUF_LOCK, include/uapi/linux/socket.h).
func setBufferLock(o *netstat.SocketOptions, locked int32) {
	half := func(set *netstat.Optional[uint32], buffer netstat.Optional[uint32], isSet bool) {
		size, known := buffer.Get()
		switch {
		case !isSet:
			set.Set(0)
		case known:
			set.Set(size / 2)
		}
	}
	half(&o.SendBufferSet, o.SendBuffer, locked&1 != 0)
	half(&o.ReceiveBufferSet, o.ReceiveBuffer, locked&2 != 0)
}

// optionsOf asks a socket of a protocol for its options. What the kernel does not have is
// unknown.
func optionsOf(fd int, protocol netstat.Protocol) (*netstat.SocketOptions, error) {
	o := new(netstat.SocketOptions)
	if err := readNumbers(fd, optionNumbers[protocol], o); err != nil {
		return nil, err
	}
	for _, timeout := range []struct {
		name int
		to   *netstat.Optional[time.Duration]
	}{{unix.SO_RCVTIMEO, &o.ReceiveTimeout}, {unix.SO_SNDTIMEO, &o.SendTimeout}} {
		if tv, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, timeout.name); err == nil {
			timeout.to.Set(time.Duration(tv.Nano()))
		}
	}
	// struct linger (include/linux/socket.h).
	var linger [8]byte
	if n, err := readOption(fd, unix.SOL_SOCKET, unix.SO_LINGER, linger[:]); err == nil && n == len(linger) {
		o.Linger.Set(netstat.LingerOff)
		if binary.NativeEndian.Uint32(linger[:]) != 0 {
			o.Linger.Set(time.Duration(binary.NativeEndian.Uint32(linger[4:])) * time.Second)
		}
	}
	// An unsigned long, as long as there is room for one.
	var rate [8]byte
	switch n, _ := readOption(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate[:]); n {
	case 8:
		o.MaxPacingRate.Set(binary.NativeEndian.Uint64(rate[:]))
	case 4:
		o.MaxPacingRate.Set(pacingRate32(binary.NativeEndian.Uint32(rate[:])))
	}
	// With no room it returns the number of instructions, and refuses for a program
	// of BPF's.
	switch n, err := readOption(fd, unix.SOL_SOCKET, unix.SO_GET_FILTER, nil); {
	case errors.Is(err, unix.EACCES):
		o.Filter.Set(true)
	case err == nil && n >= 0:
		o.Filter.Set(n > 0)
	}
	if protocol == netstat.TCP {
		for _, text := range []struct {
			name int
			to   *netstat.Optional[string]
		}{{unix.TCP_CONGESTION, &o.Congestion}, {unix.TCP_ULP, &o.UpperLayer}} {
			var b [16]byte // TCP_CA_NAME_MAX, TCP_ULP_NAME_MAX
			if n, err := readOption(fd, unix.IPPROTO_TCP, text.name, b[:]); err == nil && n >= 0 {
				name, _, _ := bytes.Cut(b[:n], []byte{0})
				text.to.Set(string(name))
			}
		}
	}
	return o, nil
}

// readNumbers asks a socket for options of lists.
func readNumbers(fd int, lists [][]numericOption, o *netstat.SocketOptions) error {
	for _, list := range lists {
		for _, option := range list {
			var b [4]byte
			n, err := readOption(fd, option.level, option.name, b[:])
			if err != nil {
				return err
			}
			if n == len(b) {
				option.set(o, int32(binary.NativeEndian.Uint32(b[:])))
			}
		}
	}
	return nil
}

// pacingRate32 is the pacing rate of an unsigned int, whose most is no limit.
func pacingRate32(rate uint32) uint64 {
	if rate == 1<<32-1 {
		return netstat.PacingUnlimited
	}
	return uint64(rate)
}

// readOption reads an option of a socket into b and returns its length: a negative one
// when the socket has no such option.
func readOption(fd, level, name int, b []byte) (int, error) {
	length := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&length)), 0)
	switch errno {
	case 0:
		return int(length), nil
	case unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EINVAL:
		return -1, nil
	}
	return -1, os.NewSyscallError("getsockopt", errno)
}
