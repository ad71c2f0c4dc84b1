package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// File is a recording that is read. Its methods may be called concurrently. Use Open or
// NewFile: the zero value is no File.
type File struct {
	frames  frames
	closer  io.Closer
	moments []momentRef
	// end is where the last frame that is whole ends, damage why it is not the
	// end of the file.
	end    int64
	damage error
	// spare says that the damage is of the index or of the trailer that leads to
	// it, which can be done without.
	spare bool
	// index is the offset of the index at the end, 0 where there is none.
	index int64
}

// Open opens a recording. The error matches fs.ErrNotExist, fs.ErrPermission,
// ErrNotRecording, ErrVersion, or ErrTruncated or ErrCorrupt where not even the
// header is whole. A recording that is cut short or damaged further on opens:
// see Damage.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recording: %w", err), file.Close())
	}
	f, err := newFile(file, info.Size(), path)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f.closer = file
	return f, nil
}

// NewFile reads a recording of a size from r, with the errors of Open.
func NewFile(r io.ReaderAt, size int64) (*File, error) { return newFile(r, size, "") }

func newFile(r io.ReaderAt, size int64, name string) (*File, error) {
	z, err := newDecoder()
	if err != nil {
		return nil, err
	}
	f := &File{frames: frames{name: name, r: r, size: size, zstd: z}}
	header := make([]byte, min(int64(headerSize), size))
	if n, err := r.ReadAt(header, 0); err != nil && n < len(header) {
		return nil, f.frames.fail(0, err)
	}
	if err := checkFileHeader(header); err != nil {
		return nil, f.frames.fail(0, err)
	}
	if at, ok := f.readIndex(); !ok {
		f.walk(at)
	}
	return f, nil
}

// Close closes the file. What is under way may fail then. Closing again is no error.
func (f *File) Close() error {
	f.frames.zstd.Close()
	if f.closer == nil {
		return nil
	}
	if err := f.closer.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

// readIndex takes the moments from the index, if there is one at the end. Without
// one at is where it should be, 0 where nothing says so.
func (f *File) readIndex() (at int64, ok bool) {
	trailer, err := f.frames.header(f.frames.size - trailerSize)
	if err != nil || trailer.kind != frameTrailer || trailer.next() != f.frames.size {
		return 0, false
	}
	var b buffers
	payload, err := f.frames.payload(trailer, &b)
	if err != nil || len(payload) != 8 {
		return 0, false
	}
	claimed := binary.BigEndian.Uint64(payload)
	if claimed > uint64(f.frames.size-trailerSize) {
		return 0, false
	}
	at = int64(claimed)
	header, err := f.frames.header(at)
	if err != nil || header.kind != frameIndex || header.next() != trailer.offset {
		return at, false
	}
	if payload, err = f.frames.payload(header, &b); err != nil {
		return at, false
	}
	var i index
	if unmarshal(payload, &i) != nil {
		return at, false
	}
	f.moments, f.end, f.index = i.Moments, f.frames.size, header.offset
	return at, true
}

// walk finds the moments frame by frame. The index, which is damaged or lacks its
// trailer, should be at an offset, 0 where nothing says so.
func (f *File) walk(at int64) {
	var b buffers
	f.end = int64(headerSize)
	var last byte // kind of frame
	for {
		header, err := f.frames.header(f.end)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && (header.kind == frameIndex || header.kind == frameTrailer) {
			if _, err = f.frames.payload(header, &b); err != nil {
				f.spare = true
			}
		} else if err != nil {
			// The header of one of the two.
			f.spare = f.end == at || last == frameIndex && f.frames.size-f.end == trailerSize
		}
		if err == nil && header.kind == frameMoment {
			var head momentHead
			if head, err = f.momentHead(header, &b); err == nil {
				f.moments = append(f.moments, momentRef{
					Begin: header.offset, Seconds: head.Time.Unix(), Nanoseconds: int64(head.Time.Nanosecond()),
				})
			}
		}
		if err != nil {
			f.damage = err
			return
		}
		if n := len(f.moments); header.kind == frameMomentEnd && n > 0 && f.moments[n-1].End == 0 {
			f.moments[n-1].End = header.offset
		}
		f.end, last = header.next(), header.kind
	}
	if n := len(f.moments); n > 0 && f.moments[n-1].End == 0 {
		f.damage = f.frames.fail(f.end, fmt.Errorf("%w: the moment that begins at offset %d does not end", ErrTruncated, f.moments[n-1].Begin))
	}
}

func (f *File) momentHead(header frame, b *buffers) (head momentHead, err error) {
	payload, err := f.frames.payload(header, b)
	if err != nil {
		return head, err
	}
	if err := unmarshal(payload, &head); err != nil {
		return head, f.frames.fail(header.offset, err)
	}
	return head, nil
}

// Damage returns where and why the recording ends before its end, nil for one
// that does not. Everything before that can be read; what was being written
// there yields its rows and then an error. Damage inside of what was recorded is
// found when it is read.
func (f *File) Damage() error { return f.damage }

// Len returns the number of moments.
func (f *File) Len() int { return len(f.moments) }

// Times yields the moments' times with their numbers, which count from 0, in the
// order of the file. A number serves as Choice.Moment and in Moment.
func (f *File) Times() iter.Seq2[int, time.Time] {
	return func(yield func(int, time.Time) bool) {
		for i := range f.moments {
			if !yield(i, f.moments[i].time()) {
				return
			}
		}
	}
}

// Moments yields the moments in the order of the file. One that cannot be read
// yields an error, and the next ones go on.
func (f *File) Moments() iter.Seq2[*Moment, error] {
	return func(yield func(*Moment, error) bool) {
		for i := range f.moments {
			if !yield(f.Moment(i)) {
				return
			}
		}
	}
}

// Before returns the number of the last whole moment at or before t. It is false
// when there is none.
func (f *File) Before(t time.Time) (int, bool) {
	best, found := 0, false
	for i := range f.moments {
		m := &f.moments[i]
		if m.End != 0 && !m.time().After(t) && (!found || !m.time().Before(f.moments[best].time())) {
			best, found = i, true
		}
	}
	return best, found
}

// Last returns the number of the last moment that is whole; of the last one
// where none is. It is false when there is none at all.
func (f *File) Last() (int, bool) {
	for i := len(f.moments) - 1; i >= 0; i-- {
		if f.moments[i].End != 0 {
			return i, true
		}
	}
	return len(f.moments) - 1, len(f.moments) > 0
}

// Moment returns the moment with a number from 0 to Len()-1. The error is a *FormatError, that of
// reading the file, or one for a number that there is not.
func (f *File) Moment(i int) (*Moment, error) {
	if i < 0 || i >= len(f.moments) {
		return nil, fmt.Errorf("recording %s has %d moments, and none with the number %d", f.frames.name, len(f.moments), i)
	}
	ref := f.moments[i]
	m := &Moment{file: f, number: i, whole: ref.End != 0}
	var err error
	if m.whole {
		err = m.readCatalogue(ref)
	} else {
		err = m.walk(ref.Begin)
	}
	if err != nil {
		return nil, err
	}
	m.stacks = make([]*Stack, len(m.catalogue.Stacks))
	for j := range m.stacks {
		c := &m.catalogue.Stacks[j]
		m.stacks[j] = &Stack{moment: m, contents: c, namespace: c.namespace}
	}
	return m, nil
}

// Choice says which stack of a recording is meant. Its zero value is the last
// whole moment, and in it the only stack, or the one without a name.
type Choice struct {
	// Moment is the number of a moment, from 0.
	Moment netstat.Optional[int]
	// At chooses the last whole moment at or before it, unless it is zero.
	At time.Time
	// Stack is the stack's name: that of a network namespace.
	Stack string
}

// Stack returns one stack. The error matches fs.ErrNotExist where there is no
// such moment or stack, and lists what there is.
func (f *File) Stack(c Choice) (*Stack, error) {
	number, ok := c.Moment.Get()
	switch {
	case ok:
	case !c.At.IsZero():
		if number, ok = f.Before(c.At); !ok {
			return nil, &choiceError{f.frames.name, fmt.Sprintf("no moment at or before %s", c.At.Format(time.RFC3339)), f.first()}
		}
	default:
		if number, ok = f.Last(); !ok {
			return nil, errors.Join(&choiceError{f.frames.name, "no moment", ""}, f.damage)
		}
	}
	m, err := f.Moment(number)
	if err != nil {
		return nil, err
	}
	return m.Stack(c.Stack)
}

func (f *File) first() string {
	for _, t := range f.Times() {
		return "it begins at " + t.Format(time.RFC3339)
	}
	return "it has none at all"
}

// choiceError says that a recording does not have what was chosen.
type choiceError struct{ name, lacking, has string }

func (e *choiceError) Error() string {
	text := "recording"
	if e.name != "" {
		text += " " + e.name
	}
	text += " has " + e.lacking
	if e.has != "" {
		text += ": " + e.has
	}
	return text
}

func (e *choiceError) Unwrap() error { return os.ErrNotExist }

// Moment is what was recorded at one time.
type Moment struct {
	file      *File
	number    int
	whole     bool
	catalogue catalogue
	stacks    []*Stack
	// cut is where and why a moment ends that is not whole.
	cut error
}

// Number returns the moment's place in the file, from 0.
func (m *Moment) Number() int { return m.number }

// Time returns when recording it began.
func (m *Moment) Time() time.Time { return m.catalogue.Time.Local() }

// Ended returns when recording it ended. The zero time is that of a moment that
// is not whole.
func (m *Moment) Ended() time.Time {
	if !m.whole {
		return time.Time{}
	}
	return m.catalogue.Ended.Local()
}

// Host returns the host that the stacks are of.
func (m *Moment) Host() Host { return m.catalogue.Host.host() }

// Stacks returns the stacks in the order in which they were recorded.
func (m *Moment) Stacks() []*Stack { return slices.Clone(m.stacks) }

// maxNames is how many names an error lists.
const maxNames = 20

// Stack returns the stack with a name. The empty name stands for the stack that
// has none, or else for the one of the namespace that recorded, or else for the
// only one. The error matches fs.ErrNotExist and lists names, or it is why the
// stack could not be opened when it was to be recorded.
func (m *Moment) Stack(name string) (*Stack, error) {
	s := m.find(name)
	if s == nil {
		names := make([]string, 0, len(m.stacks))
		for _, one := range m.stacks {
			names = append(names, fmt.Sprintf("%q", one.Name()))
		}
		sort.Strings(names)
		if more := len(names) - maxNames; more > 0 {
			names = append(names[:maxNames], fmt.Sprintf("%d more", more))
		}
		lacking := fmt.Sprintf("no stack %q", name)
		if name == "" && len(m.stacks) > 1 {
			lacking = "several stacks and none was chosen"
		}
		return nil, &choiceError{m.file.frames.name, lacking, "it has " + strings.Join(names, ", ")}
	}
	return s, s.readError("open", s.contents.Error.error())
}

func (m *Moment) find(name string) *Stack {
	for _, s := range m.stacks {
		if s.Name() == name {
			return s
		}
	}
	for _, s := range m.stacks {
		if n := s.namespace; n != nil && (name == "" && n.Current || name != "" && slices.Contains(n.Names, name)) {
			return s
		}
	}
	if name == "" && len(m.stacks) == 1 {
		return m.stacks[0]
	}
	return nil
}

// readCatalogue reads the frame that ends the moment, and those that have parts of
// the catalogue.
func (m *Moment) readCatalogue(ref momentRef) error {
	r := &m.file.frames
	header, err := r.header(ref.End)
	if err != nil {
		return r.notEOF(ref.End, err)
	}
	if header.kind != frameMomentEnd {
		return r.fail(ref.End, corrupt("a moment is to end here"))
	}
	var b buffers
	payload, err := r.payload(header, &b)
	if err != nil {
		return err
	}
	of := newMetadata()
	parts, err := of.catalogue(payload, &m.catalogue)
	if err != nil {
		return r.fail(ref.End, err)
	}
	last := ref.Begin
	for _, at := range parts {
		// One after the other, so that they are no more than the file has.
		if at <= last || at >= ref.End {
			return r.fail(ref.End, corrupt("a part of the catalogue at offset %d", at))
		}
		last = at
		if header, err = r.header(at); err != nil {
			return r.notEOF(at, err)
		}
		if header.kind != frameCatalogue {
			return r.fail(at, corrupt("a part of a catalogue is to be here"))
		}
		if payload, err = r.payload(header, &b); err != nil {
			return err
		}
		if err := of.part(payload, &m.catalogue); err != nil {
			return r.fail(at, err)
		}
	}
	return nil
}

// walk makes the catalogue of a moment that has none.
func (m *Moment) walk(begin int64) error {
	r := &m.file.frames
	var b buffers
	header, err := r.header(begin)
	if err != nil {
		return r.notEOF(begin, err)
	}
	if m.catalogue.momentHead, err = m.file.momentHead(header, &b); err != nil {
		return err
	}
	rowsAt := int64(0) // where the rows begin of the kind that is being read
	of := newMetadata()
	for {
		offset := header.next()
		if header, err = r.header(offset); err == nil && header.kind == frameMoment {
			err = r.fail(offset, fmt.Errorf("%w: another moment begins here", ErrTruncated))
		}
		if err == nil {
			err = m.walkFrame(header, &rowsAt, of, &b)
		}
		if err != nil {
			m.cut = r.notEOF(offset, err)
			break
		}
	}
	if rowsAt == 0 {
		return nil
	}
	// The rows of the last kind, which does not end.
	if header, err = r.header(rowsAt); err != nil {
		return err
	}
	payload, err := r.payload(header, &b)
	var head rowsHead
	if err == nil {
		err = unmarshal(payload, &head)
	}
	if err == nil && len(m.catalogue.Stacks) > 0 {
		if err := m.catalogue.add(contents{Kind: known(head.Kind), Part: head.Part, Offset: rowsAt}); err != nil {
			return r.fail(rowsAt, err)
		}
	}
	return nil
}

func (m *Moment) walkFrame(header frame, rowsAt *int64, of *metadata, b *buffers) error {
	r := &m.file.frames
	switch header.kind {
	case frameRows:
		if *rowsAt == 0 {
			*rowsAt = header.offset
		}
	case frameStack, frameKind:
		*rowsAt = 0
		payload, err := r.payload(header, b)
		if err != nil {
			return err
		}
		if header.kind == frameStack {
			var w stackWire
			if err := unmarshal(payload, &w); err != nil {
				return r.fail(header.offset, err)
			}
			w.Contents = nil
			s, err := of.stack(&w)
			if err != nil {
				return r.fail(header.offset, err)
			}
			m.catalogue.Stacks = append(m.catalogue.Stacks, s)
			return nil
		}
		var w contentsWire
		if err := unmarshal(payload, &w); err != nil {
			return r.fail(header.offset, err)
		}
		if len(m.catalogue.Stacks) == 0 {
			return r.fail(header.offset, corrupt("rows of no stack"))
		}
		c, err := of.contents(&w)
		if err == nil {
			err = m.catalogue.add(c)
		}
		if err != nil {
			return r.fail(header.offset, err)
		}
	}
	return nil
}

// notEOF makes an error of the end of the file, where it ought not to be.
func (r *frames) notEOF(offset int64, err error) error {
	if f := (*FormatError)(nil); errors.As(err, &f) {
		return err
	}
	return r.fail(offset, err)
}
