package recording

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newNameless makes a file in a directory that has no name, nil where the file system or the
// kernel cannot.
func newNameless(directory string) *os.File {
	fd, err := unix.Open(directory, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), directory)
	if _, err := os.Lstat(pathOf(file)); err != nil {
		file.Close() // without /proc it could not get a name
		return nil
	}
	return file
}

// pathOf is how an open file without a name can be called.
func pathOf(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }

// linkOf gives a file without a name one.
func linkOf(file *os.File, path string) error {
	if err := unix.Linkat(unix.AT_FDCWD, pathOf(file), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.PathError{Op: "link", Path: path, Err: err}
	}
	return nil
}

// renameOnly renames a file to a name that there is not yet.
func renameOnly(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return errors.ErrUnsupported
	}
	return err
}
