package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const (
	format  = "netstat-baseline"
	version = 1
	// maxSize bounds a file that is written or read: 100,000 interfaces need
	// about 60 MiB.
	maxSize = 128 << 20
	suffix  = ".json"
)

// ErrFormat says that a file is not a baseline, or not a whole one, or one of a
// version that this program does not know.
var ErrFormat = errors.New("not a baseline that can be read")

// file is what stands in a file.
type file struct {
	Format    string     `json:"format"`
	Version   int        `json:"version"`
	Snapshots []snapshot `json:"snapshots"`
}

type snapshot struct {
	Time       time.Time                 `json:"time"`
	BootID     string                    `json:"boot_id"`
	Namespace  namespace                 `json:"namespace"`
	Counters   map[string]netstat.Number `json:"counters"`
	Interfaces []iface                   `json:"interfaces"`
}

type namespace struct {
	Name   string  `json:"name,omitempty"`
	Inode  uint64  `json:"inode"`
	Cookie *uint64 `json:"cookie,omitempty"`
}

type iface struct {
	Index    uint32                    `json:"index"`
	Name     string                    `json:"name"`
	Counters map[string]netstat.Number `json:"counters"`
}

// Encode writes snapshots in the form of the file: of one namespace, or one of
// each of several. More than Decode reads, 128 MiB, is an error, and not written.
func Encode(w io.Writer, snapshots ...*Snapshot) error {
	f := file{Format: format, Version: version}
	for _, s := range snapshots {
		f.Snapshots = append(f.Snapshots, encoded(s))
	}
	e := json.NewEncoder(bounded{w})
	e.SetIndent("", " ")
	return e.Encode(&f)
}

// bounded takes what is encoded, which comes as a whole, if it can be read again.
type bounded struct{ w io.Writer }

func (b bounded) Write(content []byte) (int, error) {
	if len(content) > maxSize {
		return 0, fmt.Errorf("the snapshots take %d bytes, more than the %d of a baseline", len(content), maxSize)
	}
	return b.w.Write(content)
}

func encoded(s *Snapshot) snapshot {
	f := snapshot{
		Time: s.Time.Round(0), BootID: s.Identity.BootID,
		Namespace:  namespace{Name: s.Namespace, Inode: s.Identity.Inode},
		Counters:   s.Counters,
		Interfaces: make([]iface, 0, len(s.Interfaces)),
	}
	if cookie, ok := s.Identity.Cookie.Get(); ok {
		f.Namespace.Cookie = &cookie
	}
	for _, i := range s.Interfaces {
		counters := make(map[string]netstat.Number, len(i.Counters))
		for name, n := range i.Counters {
			counters[name] = netstat.Unsigned(n)
		}
		f.Interfaces = append(f.Interfaces, iface{Index: i.Index, Name: i.Name, Counters: counters})
	}
	return f
}

// Decode reads what Encode wrote: at least one snapshot, each of another
// namespace. The error matches ErrFormat for anything else.
func Decode(r io.Reader) ([]*Snapshot, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxSize:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrFormat, maxSize)
	}
	// What it is comes before whether the rest makes sense.
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	switch {
	case head.Format != format:
		return nil, fmt.Errorf("%w: its format is %q, not %q", ErrFormat, head.Format, format)
	case head.Version != version:
		return nil, fmt.Errorf("%w: it has version %d, and this program knows %d", ErrFormat, head.Version, version)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(f.Snapshots) == 0 {
		return nil, fmt.Errorf("%w: it has no snapshots", ErrFormat)
	}
	found := make([]*Snapshot, 0, len(f.Snapshots))
	seen := make(map[netstat.Identity]bool)
	for i := range f.Snapshots {
		s, err := f.Snapshots[i].decoded()
		if err != nil {
			return nil, err
		}
		if seen[s.Identity] {
			return nil, fmt.Errorf("%w: it has two snapshots of the namespace %q", ErrFormat, s.Namespace)
		}
		seen[s.Identity] = true
		found = append(found, s)
	}
	return found, nil
}

func (f *snapshot) decoded() (*Snapshot, error) {
	switch {
	case f.BootID == "":
		return nil, fmt.Errorf("%w: it has no boot_id", ErrFormat)
	case f.Time.IsZero():
		return nil, fmt.Errorf("%w: it has no time", ErrFormat)
	case f.Counters == nil:
		return nil, fmt.Errorf("%w: it has no counters", ErrFormat)
	}
	s := &Snapshot{
		Time: f.Time, Namespace: f.Namespace.Name, Counters: f.Counters,
		Identity: netstat.Identity{BootID: f.BootID, Inode: f.Namespace.Inode},
	}
	if f.Namespace.Cookie != nil {
		s.Identity.Cookie.Set(*f.Namespace.Cookie)
	}
	for n, i := range f.Interfaces {
		if i.Index == 0 || n > 0 && i.Index <= f.Interfaces[n-1].Index {
			return nil, fmt.Errorf("%w: interface %q has index %d out of order", ErrFormat, i.Name, i.Index)
		}
		counters := make(map[string]uint64, len(i.Counters))
		for name, number := range i.Counters {
			value, ok := number.Uint64()
			if !ok {
				return nil, fmt.Errorf("%w: %s of interface %q is %v", ErrFormat, name, i.Name, number)
			}
			counters[name] = value
		}
		s.Interfaces = append(s.Interfaces, Interface{Index: i.Index, Name: i.Name, Counters: counters})
	}
	return s, nil
}

// Write writes snapshots to a file, which is there whole or not at all: it is
// written aside, in the same directory, and renamed into place, with the mode that
// the file had or 0600. Symbolic links are followed. A file with other contents than
// a baseline is left alone, with an error that matches ErrFormat; an empty one counts
// as none. What is no file is written to where that destroys nothing (a terminal, a
// pipe somebody reads), and refused otherwise, with an error that matches
// errors.ErrUnsupported.
func Write(path string, snapshots ...*Snapshot) error {
	if err := write(path, snapshots); err != nil {
		return fmt.Errorf("write baseline %s: %w", path, err)
	}
	return nil
}

func write(path string, snapshots []*Snapshot) error {
	mode := fs.FileMode(0o600)
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return writeThrough(path, snapshots)
	case err == nil:
		if err := replaceable(path); err != nil {
			return err
		}
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if path, err = followed(path); err != nil {
		return err
	}
	return replace(path, mode, snapshots)
}

// writeThrough writes to what is no regular file, and stays that.
func writeThrough(path string, snapshots []*Snapshot) error {
	// Nobody waits for somebody who may read a FIFO.
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode()&(fs.ModeCharDevice|fs.ModeNamedPipe) == 0 {
		err = fmt.Errorf("it is no file: %w", errors.ErrUnsupported)
	}
	if err == nil {
		err = Encode(f, snapshots...)
	}
	return errors.Join(err, f.Close())
}

// replaceable returns an error that matches ErrFormat unless the file is a baseline,
// of whatever version, or empty.
func replaceable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil || len(content) == 0 {
		return err
	}
	var head struct {
		Format string `json:"format"`
	}
	if len(content) > maxSize || json.Unmarshal(content, &head) != nil || head.Format != format {
		return fmt.Errorf("%w: what is there would be lost", ErrFormat)
	}
	return nil
}

// maxLinks is how many symbolic links one name may lead through, as for the kernel
// (path_resolution(7)).
const maxLinks = 40

// followed returns the name that symbolic links lead to, whether there is a file or
// not.
func followed(path string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EINVAL): // none, or no link
			return path, nil
		case err != nil:
			return "", err
		}
		if !filepath.IsAbs(target) {
			// Not cleaned: ".." behind a link to a directory is that directory's.
			target = filepath.Dir(path) + "/" + target
		}
		path = target
	}
	return "", syscall.ELOOP
}

// replace puts a file in the place of what was there.
func replace(path string, mode fs.FileMode, snapshots []*Snapshot) (err error) {
	aside, err := os.CreateTemp(filepath.Dir(path), ".baseline-*") // a short name: the file's may be as long as names can be
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(aside.Name()))
		}
	}()
	if err := errors.Join(Encode(aside, snapshots...), aside.Chmod(mode), aside.Sync(), aside.Close()); err != nil {
		return err
	}
	return os.Rename(aside.Name(), path)
}

// Read reads snapshots from a file. The error names the file and matches
// fs.ErrNotExist, fs.ErrPermission or ErrFormat.
func Read(path string) ([]*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	defer f.Close()
	found, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read baseline %s: %w", path, err)
	}
	return found, nil
}

// Store is a directory of baselines, each under a name.
type Store struct{ Dir string }

// DefaultStore returns the user's own: $XDG_STATE_HOME/netstat, or
// ~/.local/state/netstat. It fails where neither the environment nor the system tells a home
// directory.
func DefaultStore() (Store, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // as the XDG Base Directory Specification asks
		home, err := os.UserHomeDir()
		if err != nil {
			return Store{}, fmt.Errorf("find the directory of baselines: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return Store{Dir: filepath.Join(state, "netstat")}, nil
}

// path returns the file of a name.
func (s Store) path(name string) (string, error) {
	ok := name != "" && len(name) <= 100 && name[0] != '.'
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@", r))
	}
	if !ok {
		return "", fmt.Errorf("%q is not the name of a baseline: up to 100 letters, digits and ._-@, the first no dot", name)
	}
	return filepath.Join(s.Dir, name+suffix), nil
}

// Save writes snapshots under a name, in the place of what was there, and makes
// the directory if need be. It fails for a name that Store does not take, and where writing does:
// errors.Is then matches fs.ErrPermission and its like, and what was there stays.
func (s Store) Save(name string, snapshots ...*Snapshot) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("write baseline %s: %w", name, err)
	}
	return Write(path, snapshots...)
}

// Load reads the snapshots of a name, with the errors of Read.
func (s Store) Load(name string) ([]*Snapshot, error) {
	path, err := s.path(name)
	if err != nil {
		return nil, err
	}
	return Read(path)
}

// Remove removes the baseline of a name. The error matches fs.ErrNotExist where
// there is none.
func (s Store) Remove(name string) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// Names returns the names of the baselines that are there, in ascending order. A directory that is
// not there has none. Where it cannot be listed, the error matches fs.ErrPermission and its like.
func (s Store) Names() ([]string, error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list baselines: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok {
			if _, err := s.path(name); err == nil && e.Type().IsRegular() {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}
