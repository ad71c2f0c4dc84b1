// Package state keeps what an SNMP engine must remember when its process is gone, such as
// its number of boots and its users' keys, in one file of a directory.
//
// The file is written aside, synced and renamed, so that whatever ends the process or the machine leaves the
// old or the new one, whole. One process has the directory at a time.
//
// Its sections are JSON, each of its own owner. Keys are among them: only the file's owner can read it.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Name is the name of the file in its directory.
const Name = "state.json"

// aside is where it is written before it takes the name.
const aside = Name + ".new"

// maxFile is the longest file that is read, in bytes.
const maxFile = 16 << 20

// format is the form of the file.
const format = 1

// ErrInUse is matched by the error of Open where another process has the directory.
var ErrInUse = errors.New("another process has it")

// File is the file of one directory, which this process has until Close. It is safe for
// concurrent use.
type File struct {
	dir     string
	lock    *os.File // the directory
	mu      sync.Mutex
	content content
	rewound time.Duration
	replace bool
}

type content struct {
	Format int `json:"format"`
	// Written and Inode are those of the file: another one has the place of this
	// file if they differ.
	Written  time.Time                  `json:"written"`
	Inode    uint64                     `json:"inode"`
	Sections map[string]json.RawMessage `json:"sections"`
}

// Open takes a directory, which is made if it is not there, and reads its file, if there is
// one. Its errors match ErrInUse where another process has the directory, and fs.ErrPermission
// and so on where it cannot be used. It does not find out whether it can be written: Put does.
func Open(dir string) (*File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	f := &File{dir: dir, lock: lock}
	if err := f.open(); err != nil {
		lock.Close()
		return nil, err
	}
	return f, nil
}

// Read reads the file of a directory, whoever has that. Put fails then. Where there is no file it is
// an empty one. Its errors match fs.ErrPermission and so on where it cannot be read.
func Read(dir string) (*File, error) {
	f := &File{dir: dir}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// errReadOnly is of Put after Read.
var errReadOnly = errors.New("it was opened to be read only")

func (f *File) open() error {
	// The lock is the directory's, since the file is another one after each change. It ends
	// with the process.
	err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		return fmt.Errorf("state directory %s: %w", f.dir, err)
	}
	return f.load()
}

// load reads the file, if there is one.
func (f *File) load() error {
	f.content = content{Format: format, Sections: map[string]json.RawMessage{}}
	file, err := os.Open(f.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return fmt.Errorf("%s: longer than %d bytes", f.Path(), maxFile)
	}
	if err := json.Unmarshal(text, &f.content); err != nil {
		// Its text may have keys in it, of which the error says none.
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return fmt.Errorf("%s: no JSON at byte %d", f.Path(), syntax.Offset)
		}
		return fmt.Errorf("%s: not a state of this program", f.Path())
	}
	if f.content.Format != format {
		return fmt.Errorf("%s: has format %d, not %d: a newer version wrote it", f.Path(), f.content.Format, format)
	}
	if f.content.Sections == nil {
		f.content.Sections = map[string]json.RawMessage{}
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	number, changed, err := identity(file)
	if err != nil {
		return err
	}
	f.replace = number != f.content.Inode || !near(info.ModTime(), f.content.Written) || !near(changed, f.content.Written)
	f.rewound = time.Since(f.content.Written)
	return nil
}

// near allows for a disk that is slow, and for file systems that keep whole seconds.
func near(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Minute }

// identity returns a file's inode number, which another file may have once this one is
// gone, and when its inode was last changed, which nobody can set back.
func identity(file *os.File) (inode uint64, changed time.Time, err error) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return 0, time.Time{}, &fs.PathError{Op: "stat", Path: file.Name(), Err: err}
	}
	return stat.Ino, time.Unix(stat.Ctim.Unix()), nil
}

// Path returns the file's path.
func (f *File) Path() string { return filepath.Join(f.dir, Name) }

// Replaced reports whether the file, when it was opened, was not the one that was written
// last here: somebody put another one in its place, such as an old one from a backup, or
// changed it by hand. Age is how long ago what is in it was written, by the wall clock.
func (f *File) Replaced() (age time.Duration, replaced bool) {
	return f.rewound, f.replace
}

// Get decodes a section into v, and reports whether there is one. Its error has nothing of the
// section's text in it.
func (f *File) Get(section string, v any) (bool, error) {
	f.mu.Lock()
	text, ok := f.content.Sections[section]
	f.mu.Unlock()
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("%s: section %q is not what this program writes", f.Path(), section)
	}
	return true, nil
}

// Put stores sections, all or none of them, and returns when they are on disk. The error is that
// of encoding a section, which it names, or of writing: errors.Is matches fs.ErrPermission and its
// like.
func (f *File) Put(sections map[string]any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.content
	next.Sections = map[string]json.RawMessage{}
	for name, text := range f.content.Sections {
		next.Sections[name] = text
	}
	for name, v := range sections {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("section %q: %w", name, err)
		}
		next.Sections[name] = text
	}
	if err := f.write(&next); err != nil {
		return fmt.Errorf("state cannot be written: %w", err)
	}
	f.content = next
	return nil
}

func (f *File) write(c *content) error {
	if f.lock == nil {
		return errReadOnly
	}
	path := filepath.Join(f.dir, aside)
	// What an ended process left there is no longer anybody's.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	c.Written = time.Now().UTC().Truncate(time.Second)
	if c.Inode, _, err = identity(file); err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return err
	}
	if _, err := file.Write(append(text, '\n')); err != nil {
		return err
	}
	if err := os.Chtimes(path, c.Written, c.Written); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path, f.Path()); err != nil {
		return err
	}
	return f.lock.Sync() // and the name
}

// Close gives the directory up. Closing again is no error.
func (f *File) Close() error {
	if f.lock == nil {
		return nil
	}
	if err := f.lock.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}
