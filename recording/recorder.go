package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"syscall"
)

// Recorder writes a recording to a file, moment by moment. The file is always
// one that can be read: each moment is whole on the disk when Record returns,
// and one that fails is taken away again. A process that is killed may leave a part
// of a moment at the end of the file: what is whole of it can be read, and stays
// when somebody appends. A Recorder is not to be used concurrently.
type Recorder struct {
	writer *Writer
	file   *os.File
	path   string
	aside  *aside // where the file is as long as it has not its name, else nil
	only   bool   // the name is to be a new one
	empty  bool   // the file was there, without anything
	err    error
	closed bool
}

// Create begins a recording in a file. It is written beside path, or beside what
// path is a symbolic link to, and takes the place of whatever is there when its
// first moment is whole. It can be read by its owner only: it tells what processes
// do. The error is a *WriteError, or matches fs.ErrPermission, fs.ErrNotExist and their like where
// the file cannot be made.
func Create(path string) (*Recorder, error) { return begin(path, false) }

// begin begins a recording. only says that it takes nothing's place.
func begin(path string, only bool) (_ *Recorder, err error) {
	if path, err = follow(path); err != nil {
		return nil, fmt.Errorf("record %s: %w", path, err)
	}
	file, where, err := newAside(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", path, err)
	}
	r := &Recorder{file: file, path: path, aside: where, only: only}
	if err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("record %s: %w", path, err), r.discard())
	}
	if r.writer, err = newWriter(file, path); err != nil {
		return nil, errors.Join(err, r.discard())
	}
	return r, nil
}

// follow returns what path is a symbolic link to, which may not be there yet.
func follow(path string) (string, error) {
	const most = 40 // as many as the kernel follows, path_resolution(7)
	for range most {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link; what else is the matter is seen when it is made
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return path, syscall.ELOOP
}

// Append goes on with the recording in a file, or begins one where there is none
// or the file is empty. What an interrupted writer left at its end, which nobody
// can read, is cut off, and so is an index that is damaged. A recording that is
// damaged otherwise is an error, as it is for Open; one that another Recorder has
// open is one that matches syscall.EWOULDBLOCK; what is no regular file is one too.
//
// Where there is none, the file is made when its first moment is whole. If somebody
// else made one meanwhile, Record fails with an error that matches fs.ErrExist, and
// that file is left alone.
func Append(path string) (*Recorder, error) {
	// Opening a pipe would wait for somebody.
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return begin(path, true)
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	r := &Recorder{file: file, path: path}
	if err := r.resume(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// resume makes the Writer of a file that is there.
func (r *Recorder) resume() error {
	if err := lock(r.file); err != nil {
		return fmt.Errorf("record %s: somebody else records into it: %w", r.path, err)
	}
	info, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("record %s: it is not a regular file", r.path)
	}
	if named, err := os.Stat(r.path); err != nil || !os.SameFile(named, info) {
		return fmt.Errorf("record %s: somebody else put another file there: %w", r.path, errors.Join(err, syscall.EWOULDBLOCK))
	}
	if info.Size() == 0 { // as mktemp(1) leaves one
		r.empty = true
		r.writer, err = newWriter(r.file, r.path)
		return err
	}
	f, err := newFile(r.file, info.Size(), r.path)
	if err != nil {
		return err
	}
	defer f.frames.zstd.Close()
	if f.damage != nil && !f.spare && !errors.Is(f.damage, ErrTruncated) {
		return f.damage
	}
	end := f.end
	if f.index != 0 {
		end = f.index // a new one will stand behind the new moments
	}
	if end < info.Size() {
		if err := r.file.Truncate(end); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	if _, err := r.file.Seek(end, io.SeekStart); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	z, err := newEncoder()
	if err != nil {
		return err
	}
	r.writer = &Writer{w: r.file, name: r.path, offset: end, zstd: z, moments: f.moments}
	return nil
}

// lock keeps others from recording into a file.
func lock(file *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}

// Record writes one moment, as Writer.Record does, and makes sure that it is on
// the disk. When it fails the file is what it was before.
func (r *Recorder) Record(ctx context.Context, o Options, sources iter.Seq[Source]) error {
	if r.closed {
		return fmt.Errorf("record: %w", fs.ErrClosed)
	}
	if r.err != nil {
		return r.err
	}
	before, moments := r.writer.offset, r.writer.moments
	err := r.writer.Record(ctx, o, sources)
	if err == nil {
		err = r.sync()
	}
	if err != nil {
		r.writer.moments = moments
		return errors.Join(err, r.back(before))
	}
	r.empty = false
	if r.aside == nil {
		return nil
	}
	if err := r.aside.name(r.file, r.path, r.only); err != nil {
		r.writer.moments = moments
		return errors.Join(fmt.Errorf("record %s: %w", r.path, err), r.back(before))
	}
	r.aside = nil
	return syncDirectory(filepath.Dir(r.path))
}

func (r *Recorder) sync() error {
	if err := r.file.Sync(); err != nil {
		return &WriteError{Name: r.path, Offset: r.writer.offset, Err: err}
	}
	return nil
}

// back cuts off what was written since an offset. Nothing can be recorded any
// more when that fails.
func (r *Recorder) back(offset int64) error {
	err := r.file.Truncate(offset)
	if err == nil {
		_, err = r.file.Seek(offset, io.SeekStart)
	}
	if err != nil {
		r.err = fmt.Errorf("record: %w", err)
		return r.err
	}
	r.writer.offset = offset
	return nil
}

// Close ends the recording. One without a moment leaves no file. Closing again is no error.
func (r *Recorder) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.aside != nil {
		return r.discard()
	}
	if r.empty {
		return errors.Join(r.back(0), r.file.Close())
	}
	if r.err != nil {
		return errors.Join(r.err, r.file.Close())
	}
	before := r.writer.offset
	err := r.writer.Close()
	if err == nil {
		err = r.sync()
	}
	if err != nil {
		// The index is a convenience that the disk has no room for.
		err = r.back(before)
	}
	return errors.Join(err, r.file.Close())
}

// discard takes away a file that never got its name.
func (r *Recorder) discard() error {
	return errors.Join(r.file.Close(), r.aside.remove())
}

// syncDirectory makes a new name durable.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) { // a file system that has no such thing
		err = nil
	}
	return errors.Join(err, d.Close())
}
