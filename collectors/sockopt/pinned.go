package sockopt

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// PinFolder is where netstat leaves programs and looks for them.
const PinFolder = "/sys/fs/bpf/netstat"

// pinPrefix is what the names of pinned programs begin with.
const pinPrefix = "sockopt_"

var (
	errNoBPFFS      = errors.New("no BPF file system is mounted there (mount -t bpf)")
	errOtherVersion = errors.New("those that are pinned are another version's")
)

// Pin loads the programs and leaves them in a folder of a BPF file system, which it
// makes, where everybody may read them: a source of that folder needs no privilege then,
// and tells everybody the options of all sockets of the namespace that he is in. The
// programs stay there until Unpin, or until the machine is switched off.
//
// The error matches fs.ErrExist where there are some already, those of another version
// too. systemd mounts /sys/fs/bpf so that nobody but root passes through it: see
// [Closed].
func Pin(folder string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("pin programs in %s: %w", folder, err)
		}
	}()
	if err := checkBPFFS(filepath.Dir(folder)); err != nil {
		return err
	}
	switch there, err := pinned(folder); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case len(there) > 0:
		return fs.ErrExist
	}
	s := New("")
	defer s.Close()
	var all []*iterator
	for _, p := range []netstat.Protocol{netstat.TCP, netstat.UDP, local} {
		i, err := s.iterator(listing{protocol: p})
		if p == local && errors.Is(err, netstat.ErrNotSupported) {
			continue // Linux 5.15
		}
		if err != nil {
			return err
		}
		all = append(all, i)
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// What the mask of the process took away is given back.
	err = os.Chmod(folder, 0o755)
	for _, i := range all {
		if err == nil {
			err = i.pin(folder)
		}
	}
	if err != nil {
		return errors.Join(err, Unpin(folder))
	}
	return nil
}

// pin leaves the program in a folder.
func (i *iterator) pin(folder string) error {
	path := filepath.Join(folder, i.name)
	if err := i.link.Pin(path); err != nil {
		return err
	}
	return os.Chmod(path, 0o444)
}

// checkBPFFS reports whether programs can be pinned in a folder.
func checkBPFFS(folder string) error {
	var on unix.Statfs_t
	if err := unix.Statfs(folder, &on); err != nil {
		return &os.PathError{Op: "statfs", Path: folder, Err: err}
	}
	if uint32(on.Type) != unix.BPF_FS_MAGIC {
		return fmt.Errorf("%s: %w", folder, errNoBPFFS)
	}
	return nil
}

// pinned returns the paths of the programs in a folder, those of every version.
func pinned(folder string) (paths []string, err error) {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), pinPrefix) {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, err
}

// Unpin removes what Pin left in a folder, of whatever version, and the folder if nothing
// else is in it. That nothing is there is no error.
func Unpin(folder string) error {
	paths, err := pinned(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, path := range paths {
		if err == nil {
			err = os.Remove(path)
		}
	}
	if err == nil {
		if err = os.Remove(folder); errors.Is(err, unix.ENOTEMPTY) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("unpin programs in %s: %w", folder, err)
	}
	return nil
}

// Closed returns the first folder on the way to a folder that others than its user and
// group may not pass through, with its mode; an empty path where there is none. The error is that
// of stat(2) of a folder, a *fs.PathError.
func Closed(folder string) (path string, mode fs.FileMode, err error) {
	for path := folder; path != "/" && path != "."; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return "", 0, err
		}
		if info.Mode()&0o001 == 0 {
			return path, info.Mode().Perm(), nil
		}
	}
	return "", 0, nil
}

// pinName is the name of a program where it is pinned. It tells programs apart that
// write other records.
func pinName(spec *ebpf.ProgramSpec) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%v", spec.Instructions)
	return fmt.Sprintf("%s%s_%016x", pinPrefix, spec.AttachTo, h.Sum64())
}

// findPinned returns the iterator that is pinned for a program which may not be loaded.
func (s *Source) findPinned(l *layout, name string, refused error) (*iterator, error) {
	path := filepath.Join(s.folder, name)
	if _, err := os.Stat(path); err == nil {
		return &iterator{layout: l, name: name, open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
	}
	if there, _ := pinned(s.folder); len(there) > 0 {
		return nil, fmt.Errorf("%w: %w", errOtherVersion, refused)
	}
	return nil, refused
}
