package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const procDev = "/proc/net/dev"

// untoldOfInterfaces is what /proc/net/dev and netdevice(7) do not tell of interfaces, in words.
const untoldOfInterfaces = "kinds, masters, aliases, alternative names, carriers, drops apart from frames that were missed, or errors by their kinds"

// procInterfaces returns the interfaces that /proc/net/dev lists with what netdevice(7) tells of
// each. One that goes meanwhile is left out. InDropped has frames that were missed in it. OperState
// is up of one that runs, which is also one whose driver keeps no state, down of one that is not up, and
// else unknown. Flags are the lower 16.
func (k *Kernel) procInterfaces(ctx context.Context) ([]netstat.Interface, error) {
	socket, err := k.interfaceSocket()
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	var all []netstat.Interface
	var failed error
	err = k.readLines(ctx, procDev, func(l *lines) {
		parseProcDev(l, func(i netstat.Interface) bool {
			switch failed = completeInterface(socket, &i); {
			case errors.Is(failed, unix.ENODEV):
				failed = nil
			case failed == nil:
				all = append(all, i)
			}
			return failed == nil
		})
	})
	if err == nil {
		err = failed
	}
	return all, absentFile(err)
}

// interfaceSocket opens a socket in the stack's namespace whose ioctls tell of interfaces
// (netdevice(7)).
func (k *Kernel) interfaceSocket() (fd int, err error) {
	err = k.inside(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return os.NewSyscallError("socket", err)
	})
	return fd, err
}

// parseProcDev calls each with the names and counters of /proc/net/dev (net/core/net-procfs.c,
// dev_seq_printf_stats).
//
//	Inter-|   Receive                                                |  Transmit
//	 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
//	    lo:     880      10    0    0    0     0          0         0      880      10    0    0    0     0       0          0
func parseProcDev(l *lines, each func(netstat.Interface) bool) {
	type counterOf = func(*netstat.InterfaceCounters) *netstat.Optional[uint64]
	const headings, columns, drops, frames, carrier = 2, 16, 3, 5, 14
	sums := map[int][]counterOf{
		drops: {func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InMissedErrors }},
		frames: {
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InLengthErrors },
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InOverErrors },
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InCRCErrors },
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InFrameErrors },
		},
		carrier: {
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutCarrierErrors },
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutAbortedErrors },
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutWindowErrors },
			func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutHeartbeatErrors },
		},
	}
	for l.next() {
		if l.number <= headings {
			continue
		}
		// A name may hold colons, and the numbers behind it cannot.
		colon := bytes.LastIndexByte(l.text, ':')
		if colon < 0 {
			l.fail("no name of an interface")
			return
		}
		f := fields(l.text[colon+1:])
		if len(f) != columns {
			l.fail("%d counters, not %d", len(f), columns)
			return
		}
		i := netstat.Interface{Name: string(bytes.TrimLeft(l.text[:colon], " "))}
		c := &i.Counters
		for at, counter := range [columns]*netstat.Optional[uint64]{
			&c.InOctets, &c.InPackets, &c.InErrors, &c.InDropped, &c.InFIFOErrors, nil, &c.InCompressed, &c.InMulticast,
			&c.OutOctets, &c.OutPackets, &c.OutErrors, &c.OutDropped, &c.OutFIFOErrors, &c.Collisions, nil, &c.OutCompressed,
		} {
			n := l.uint64(f[at], 10)
			if counter != nil {
				counter.Set(n)
			}
			if n == 0 { // a sum: none of what is in it was counted
				for _, part := range sums[at] {
					part(c).Set(0)
				}
			}
		}
		if l.err != nil || !each(i) {
			return
		}
	}
}

// ifreq is a struct ifreq (include/uapi/linux/if.h).
type ifreq struct {
	name  [unix.IFNAMSIZ]byte
	value [24]byte
}

func askInterface(socket int, ioctl uint, request *ifreq) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), uintptr(ioctl), uintptr(unsafe.Pointer(request))); errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}

// number is a value of so many octets in this machine's order.
func (r *ifreq) number16() uint16 { return *(*uint16)(unsafe.Pointer(&r.value)) }
func (r *ifreq) number32() uint32 { return *(*uint32)(unsafe.Pointer(&r.value)) }

// completeInterface reads the index, flags, MTU, queue length and link-layer address of the
// interface of a name.
func completeInterface(socket int, i *netstat.Interface) error {
	request := ifreq{}
	if len(i.Name) >= len(request.name) {
		return fmt.Errorf("the name of an interface has %d octets: %q", len(i.Name), clip([]byte(i.Name)))
	}
	copy(request.name[:], i.Name)
	for _, ask := range []struct {
		ioctl uint
		told  func()
	}{
		{unix.SIOCGIFINDEX, func() { i.Index = request.number32() }},
		{unix.SIOCGIFFLAGS, func() { i.Flags = netstat.InterfaceFlags(request.number16()) }},
		{unix.SIOCGIFMTU, func() { i.MTU.Set(request.number32()) }},
		{unix.SIOCGIFTXQLEN, func() { i.TransmitQueueLength.Set(request.number32()) }},
		{unix.SIOCGIFHWADDR, func() {
			kind := request.number16()
			i.HardwareType.Set(kind)
			// The length is not told: it is that of these kinds.
			const octets = 6
			if kind == unix.ARPHRD_ETHER || kind == unix.ARPHRD_LOOPBACK {
				i.Address = netstat.HardwareAddress(request.value[2 : 2+octets])
			}
		}},
	} {
		request.value = [24]byte{}
		if err := askInterface(socket, ask.ioctl, &request); err != nil {
			return err
		}
		ask.told()
	}
	i.UnknownFlags = ^netstat.InterfaceFlags(1<<16 - 1)
	switch {
	case i.Flags&netstat.InterfaceRunning != 0:
		i.OperState.Set(netstat.OperUp)
	case i.Flags&netstat.InterfaceUp == 0:
		i.OperState.Set(netstat.OperDown)
	}
	return nil
}
