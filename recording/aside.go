package recording

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
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
	if file := newNameless(directory); file != nil {
		return file, &aside{}, nil
	}
	file, err := os.CreateTemp(directory, asidePattern)
	if err != nil {
		return nil, nil, err
	}
	return file, &aside{temporary: file.Name()}, nil
}

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
	err := renameOnly(a.temporary, path)
	switch {
	case errors.Is(err, errors.ErrUnsupported): // by a file system, or kernel
		if err = os.Link(a.temporary, path); err == nil {
			return os.Remove(a.temporary)
		}
		return err
	case err != nil:
		return &os.LinkError{Op: "rename", Old: a.temporary, New: path, Err: err}
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
