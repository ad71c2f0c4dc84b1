package collectors

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// DeviceQueues yields the queues of /sys/class/net/*/queues, in the order of the
// interfaces' names. One that vanishes meanwhile is left out.
//
// A sysfs shows the interfaces of the namespace that it was mounted in. With
// CAP_SYS_ADMIN the namespace's own is mounted, where nobody sees it, for as
// long as it is read. Without, /sys is read if it shows the very interfaces that
// the namespace has, by name, index and address; otherwise the error matches
// netstat.ErrNotSupported.
func (k *Kernel) DeviceQueues(ctx context.Context) iter.Seq2[netstat.DeviceQueue, error] {
	return func(yield func(netstat.DeviceQueue, error) bool) {
		root, release, err := k.openSysfs(ctx)
		if err != nil {
			yield(netstat.DeviceQueue{}, k.readError("read /sys/class/net", err))
			return
		}
		defer release()
		names, err := os.ReadDir(root + "/class/net")
		if err != nil {
			yield(netstat.DeviceQueue{}, k.readError("read /sys/class/net", absentFile(err)))
			return
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				yield(netstat.DeviceQueue{}, k.readError("read /sys/class/net", err))
				return
			}
			queues, err := readQueues(ctx, filepath.Join(root, "class/net", name.Name()))
			if isGone(err) {
				continue
			}
			if !yieldAll(yield, queues, k.readError("read /sys/class/net/"+name.Name()+"/queues", err)) {
				return
			}
		}
	}
}

// isGone reports whether a device's directory vanished while it was read.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// openSysfs returns the path of a sysfs of the stack's namespace, which is valid
// until release is called.
func (k *Kernel) openSysfs(ctx context.Context) (root string, release func(), err error) {
	var mount int
	err = k.inside(func() (err error) {
		mount, err = mountSysfs()
		return err
	})
	if err == nil {
		return fmt.Sprintf("/proc/self/fd/%d", mount), func() { unix.Close(mount) }, nil
	}
	// Neither what privileges or the kernel (before Linux 5.2) lack is a reason
	// to say nothing of the ordinary case.
	if same, other := k.sysfsIsOurs(ctx, "/sys"); other != nil {
		return "", nil, other
	} else if !same {
		return "", nil, notSupported(fmt.Errorf("/sys is of another network namespace, and this one's cannot be mounted: %w", err))
	}
	return "/sys", func() {}, nil
}

// mountSysfs returns a descriptor of a sysfs of the calling thread's network
// namespace that is mounted nowhere.
func mountSysfs() (int, error) {
	context, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen sysfs", err)
	}
	defer unix.Close(context)
	if err := unix.FsconfigCreate(context); err != nil {
		return -1, os.NewSyscallError("fsconfig sysfs", err)
	}
	mount, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	return mount, os.NewSyscallError("fsmount sysfs", err)
}

// sysfsIsOurs reports whether a sysfs shows exactly the interfaces of the
// stack's namespace.
func (k *Kernel) sysfsIsOurs(ctx context.Context, root string) (bool, error) {
	type link struct{ name, index, address string }
	var here []link
	err := consistently(ctx, func() (bool, error) {
		here = here[:0]
		return k.dump(ctx, linkRequest(), func(kind uint16, body []byte) (bool, error) {
			var ifc netstat.Interface
			if kind != unix.RTM_NEWLINK {
				return true, nil
			}
			_, err := parseLink(body, &ifc)
			here = append(here, link{ifc.Name, strconv.Itoa(int(ifc.Index)), ifc.Address.String()})
			return true, err
		})
	})
	if err != nil {
		return false, err
	}
	entries, err := os.ReadDir(root + "/class/net")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	var there []link
	for _, e := range entries {
		dir := filepath.Join(root, "class/net", e.Name())
		index, err := readAttribute(dir + "/ifindex")
		if err != nil {
			continue // not an interface: bonding_masters
		}
		address, _ := readAttribute(dir + "/address")
		there = append(there, link{e.Name(), index, address})
	}
	byName := func(a, b link) int { return cmp.Compare(a.name, b.name) }
	slices.SortFunc(here, byName)
	slices.SortFunc(there, byName)
	return slices.Equal(here, there), nil
}

// longestAttribute bounds a file of sysfs, which the kernel bounds by a page.
const longestAttribute = 64 << 10

// readAttribute returns the content of a file of sysfs without the end of its
// line.
func readAttribute(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, longestAttribute))
	return string(bytes.TrimSpace(content)), err
}

// readQueues returns the queues of a device's directory.
func readQueues(ctx context.Context, dir string) ([]netstat.DeviceQueue, error) {
	text, err := readAttribute(dir + "/ifindex")
	if err != nil {
		if errors.Is(err, unix.ENOTDIR) { // bonding_masters
			err = fs.ErrNotExist
		}
		return nil, err
	}
	index, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("ifindex: %w", err)
	}
	entries, err := os.ReadDir(dir + "/queues")
	if err != nil {
		return nil, err
	}
	var queues []netstat.DeviceQueue
	for _, e := range entries {
		q := netstat.DeviceQueue{Interface: uint32(index)}
		var ok bool
		if q.Direction, q.Number, ok = parseQueueName(e.Name()); !ok {
			continue
		}
		if err := readQueue(ctx, filepath.Join(dir, "queues", e.Name()), &q); err != nil {
			return nil, err
		}
		queues = append(queues, q)
	}
	slices.SortFunc(queues, func(a, b netstat.DeviceQueue) int {
		return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Number, b.Number))
	})
	return queues, nil
}

// parseQueueName reads the name of a queue's directory: "rx-0", "tx-3".
func parseQueueName(name string) (netstat.Direction, uint32, bool) {
	way, number, _ := strings.Cut(name, "-")
	n, err := strconv.ParseUint(number, 10, 32)
	switch {
	case err != nil:
		return 0, 0, false
	case way == "rx":
		return netstat.Receive, uint32(n), true
	case way == "tx":
		return netstat.Transmit, uint32(n), true
	}
	return 0, 0, false
}

// readQueue reads a queue's files. What the kernel was built without, or has
// nothing to say of for a device with one queue, is unknown, as is what a driver
// fails to tell. A queue that is gone is an error.
func readQueue(ctx context.Context, dir string, q *netstat.DeviceQueue) error {
	number := func(name string, into func(uint64)) func(string) error {
		return func(text string) error {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			into(n)
			return nil
		}
	}
	cpus := func(text string) error {
		set, err := parseCPUMask(text)
		if err == nil {
			q.CPUs.Set(set)
		}
		return err
	}
	files := map[string]func(string) error{
		"tx_timeout": number("tx_timeout", q.TransmitTimeouts.Set),
		"tx_maxrate": number("tx_maxrate", func(n uint64) { q.TransmitMaxRate.Set(n * 1_000_000) }),
		"xps_cpus":   cpus,
	}
	if q.Direction == netstat.Receive {
		files = map[string]func(string) error{
			"rps_cpus":     cpus,
			"rps_flow_cnt": number("rps_flow_cnt", func(n uint64) { q.ReceiveFlows.Set(uint32(n)) }),
		}
	}
	for name, parse := range files {
		_, err := embellish(ctx, func() error {
			text, err := readAttribute(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			return parse(text)
		})
		if err != nil {
			return err
		}
	}
	_, err := os.Stat(dir)
	return err
}

// parseCPUMask reads a set of processors: groups of 8 hexadecimal digits, the
// lowest last (Documentation/core-api/printk-formats.rst, %*pb).
func parseCPUMask(text string) ([]uint32, error) {
	groups := strings.Split(text, ",")
	cpus := []uint32{}
	for i := len(groups) - 1; i >= 0; i-- {
		bits, err := strconv.ParseUint(groups[i], 16, 32)
		if err != nil || len(groups[i]) > 8 {
			return nil, fmt.Errorf("%q is not a set of processors", text)
		}
		first := uint32(len(groups)-1-i) * 32
		for n := range uint32(32) {
			if bits&(1<<n) != 0 {
				cpus = append(cpus, first+n)
			}
		}
	}
	return cpus, nil
}
