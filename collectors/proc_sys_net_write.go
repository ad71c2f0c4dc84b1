package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ interface {
	netstat.IPSettingsWriter
	netstat.IPInterfaceWriter
} = (*Kernel)(nil)

// openSetting is a file of /proc/sys/net that is to be written.
type openSetting struct {
	file    *os.File
	was, to string
}

func (s *openSetting) write(value string) error {
	if s.was == s.to {
		return nil // what is written has effects of its own (net/ipv4/devinet.c, inet_forward_change)
	}
	_, err := s.file.WriteAt([]byte(value), 0)
	return err
}

// PrepareIPSettings opens the files of the settings, which the kernel lets who has CAP_NET_ADMIN
// in the namespace.
func (k *Kernel) PrepareIPSettings(_ context.Context, changes ...netstat.IPSettings) (netstat.Write, error) {
	var settings []openSetting
	cleanup := func() {
		for _, s := range settings {
			s.file.Close()
		}
	}
	undoable := true
	for _, last := range []bool{false, true} { // forwarding comes last
		for _, c := range changes {
			for _, files := range ipSettingsOf {
				if files.family != c.Family {
					continue
				}
				name, value := files.hopLimit, ""
				if n, known := c.HopLimit.Get(); known && !last {
					value = strconv.Itoa(int(n))
				}
				if on, known := c.Forwarding.Get(); known && last {
					name, value = files.forwarding, map[bool]string{false: "0", true: "1"}[on]
				}
				if value == "" {
					continue
				}
				s, err := k.openSetting("/proc/sys/net/" + name)
				if err != nil {
					cleanup()
					return netstat.Write{}, k.readError("write /proc/sys/net/"+name, err)
				}
				s.to = value
				if s.was != "0" && last { // 2 is a setting of old kernels' for 1
					s.was = "1"
				}
				undoable = undoable && (!last || s.was == s.to)
				settings = append(settings, s)
			}
		}
	}
	undo := func(n int) (err error) {
		for i := n - 1; i >= 0; i-- {
			err = errors.Join(err, settings[i].write(settings[i].was))
		}
		return err
	}
	w := netstat.Write{
		Commit: func(context.Context) error {
			for i := range settings {
				if err := settings[i].write(settings[i].to); err != nil {
					return k.readError("write "+settings[i].file.Name(), errors.Join(err, undo(i)))
				}
			}
			return nil
		},
		Cleanup: cleanup,
	}
	if undoable {
		w.Undo = func(context.Context) error { return undo(len(settings)) }
	}
	return w, nil
}

// PrepareIPInterface opens disable_ipv6 of the interface, which the kernel lets who has
// CAP_NET_ADMIN in the namespace.
func (k *Kernel) PrepareIPInterface(ctx context.Context, index uint32, f netstat.Family, enabled bool) (netstat.Write, error) {
	op := fmt.Sprintf("turn %v of interface %d on or off", f, index)
	if f != netstat.IPv6 {
		return netstat.Write{}, k.readError(op, netstat.ErrNotSupported)
	}
	link, err := k.link(ctx, index)
	if err != nil {
		return netstat.Write{}, k.readError(op, err)
	}
	s, err := k.openSetting("/proc/sys/net/ipv6/conf/" + link.name + "/disable_ipv6")
	if err != nil {
		return netstat.Write{}, k.readError(op, err)
	}
	if s.to = "1"; enabled {
		s.to = "0"
	}
	write := func(value string) func(context.Context) error {
		return func(context.Context) error { return k.readError(op, s.write(value)) }
	}
	w := netstat.Write{Commit: write(s.to), Cleanup: func() { s.file.Close() }}
	if enabled || s.was == s.to {
		w.Undo = write(s.was)
	}
	return w, nil
}

// openSetting opens a setting of the namespace and reads its value.
func (k *Kernel) openSetting(path string) (s openSetting, err error) {
	err = k.inside(func() (err error) {
		s.file, err = os.OpenFile(path, os.O_RDWR, 0)
		return err
	})
	switch {
	case errors.Is(err, unix.EROFS):
		return s, fmt.Errorf("it is mounted read-only: %w", fs.ErrPermission)
	case err != nil:
		return s, err
	}
	value := make([]byte, 64)
	n, err := s.file.ReadAt(value, 0)
	if n == 0 {
		s.file.Close()
		return s, err
	}
	s.was = strings.TrimSpace(string(value[:n]))
	return s, nil
}
