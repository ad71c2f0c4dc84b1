package sockopt

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// pinPrefix is what the names of pinned programs begin with.
const pinPrefix = "netsnmp_sockopt_"

// Pin loads the programs and leaves them in a folder of a BPF file system (mount -t bpf),
// such as one in /sys/fs/bpf, where everybody may read them: a [Pinned] source needs no
// privilege then, and everybody sees the options of all sockets of the namespace that they
// are in. The programs stay there until Unpin, or until the machine is switched off. What was pinned
// there before is replaced.
func Pin(folder string) (err error) {
	s := New()
	defer s.Close()
	defer func() {
		if err != nil {
			err = fmt.Errorf("pin programs: %w", err)
		}
	}()
	var all []*iterator
	for _, p := range []netstat.Protocol{netstat.TCP, netstat.UDP} {
		i, err := s.iterator(p)
		if err != nil {
			return err
		}
		all = append(all, i)
	}
	if err := Unpin(folder); err != nil {
		return err
	}
	for _, i := range all {
		path := filepath.Join(folder, i.name)
		err := i.link.Pin(path)
		if err == nil {
			err = os.Chmod(path, 0o444)
		}
		if err != nil {
			return errors.Join(err, Unpin(folder))
		}
	}
	return nil
}

// Unpin removes what Pin left in a folder. That nothing is there is no error.
func Unpin(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if matches, _ := filepath.Match(pinPrefix+"*", e.Name()); matches {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
		}
	}
	return err
}

// Pinned returns a source that uses the programs that Pin left in a folder. They must be
// those of the same version of this package: the error matches fs.ErrNotExist when there
// are none.
func Pinned(folder string) *Source {
	s := New()
	s.pinned = folder
	return s
}

// pinName is the name of a program where it is pinned. It tells programs apart that
// write other records.
func pinName(spec *ebpf.ProgramSpec) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%v", spec.Instructions)
	return fmt.Sprintf("%s%s_%016x", pinPrefix, spec.AttachTo, h.Sum64())
}

// findPinned returns the iterator that is pinned for a program.
func (s *Source) findPinned(l *layout, name string) (*iterator, error) {
	path := filepath.Join(s.pinned, name)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no programs of this version are pinned: %w", err)
	}
	return &iterator{layout: l, name: name, open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// isNotPinned reports whether an error is that of a program that is not there.
func (s *Source) isNotPinned(err error) bool { return s.pinned != "" && errors.Is(err, fs.ErrNotExist) }
