package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// aside is a file that has not the name yet that it is to have. It has none at all
// where the file system can do that, so that nothing stays of it when the process is
// killed.
type aside struct{ temporary string }

// asidePattern is short whatever the name to come is: a file system may have no room
// for that and more.
const asidePattern = ".recording-*"

// newAside makes a file in a directory that its owner only can read.
func newAside(directory string) (*os.File, *aside, error) {
	fd, err := unix.Open(directory, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		file := os.NewFile(uintptr(fd), directory)
		if _, err := os.Lstat(pathOf(file)); err == nil {
			return file, &aside{}, nil
		}
		file.Close() // without /proc it could not get a name
	}
	file, err := os.CreateTemp(directory, asidePattern)
	if err != nil {
		return nil, nil, err
	}
	return file, &aside{temporary: file.Name()}, nil
}

// pathOf is how an open file without a name can be called.
func pathOf(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }

// name gives the file its name. With only, a file that is there stays, and the error
// matches fs.ErrExist; else it is replaced.
func (a *aside) name(file *os.File, path string, only bool) error {
	if a.temporary == "" {
		to := path
		if !only {
			// A link replaces nothing: it gets another name for a moment.
			name, err := unusedName(filepath.Dir(path))
			if err != nil {
				return err
			}
			to = name
		}
		if err := linkOf(file, to); err != nil || only {
			return err
		}
		a.temporary = to
	}
	if !only {
		return os.Rename(a.temporary, path)
	}
	err := unix.Renameat2(unix.AT_FDCWD, a.temporary, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system, or kernel, that cannot
		if err = os.Link(a.temporary, path); err == nil {
			return os.Remove(a.temporary)
		}
		return err
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: a.temporary, New: path, Err: err}
	}
	return nil
}

func linkOf(file *os.File, path string) error {
	if err := unix.Linkat(unix.AT_FDCWD, pathOf(file), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.PathError{Op: "link", Path: path, Err: err}
	}
	return nil
}

// unusedName returns the name of a file that is not there.
func unusedName(directory string) (string, error) {
	file, err := os.CreateTemp(directory, asidePattern)
	if err != nil {
		return "", err
	}
	return file.Name(), errors.Join(file.Close(), os.Remove(file.Name()))
}

// remove takes the file away if it has a name.
func (a *aside) remove() error {
	if a.temporary == "" {
		return nil
	}
	err := os.Remove(a.temporary)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
