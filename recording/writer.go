package recording

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const (
	// blockRows is how many rows stand in one frame.
	blockRows = 4096
	// attempts is how often something is read that changes while it is read.
	attempts = 3
)

// WriteError says where a recording could not be written.
type WriteError struct {
	Name   string // of the file; may be empty
	Offset int64  // in bytes from its beginning
	Err    error
}

func (e *WriteError) Error() string {
	name := e.Name
	if name == "" {
		name = "recording"
	}
	return fmt.Sprintf("write %s at offset %d: %v", name, e.Offset, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// Options say what to record.
type Options struct {
	// Kinds are what to record of each stack; none means every kind.
	Kinds []Kind
	// Host is the host that the stacks are of. The zero Host means ThisHost.
	Host Host
	// Time is the moment that the recording is of. The zero Time means now.
	Time time.Time
}

// Source is a stack to record.
type Source struct {
	// Name is what the stack is chosen by in the recording: the name of a
	// network namespace, say. Empty is right for the only one.
	Name string
	// Namespace is what is known of the network namespace; nil for nothing.
	Namespace *netstat.Namespace
	// Remote is the address of the host whose SNMP agent tells the stack; empty
	// for one of this host. What MIBs do not tell is unknown of such a stack,
	// even where its rows have a zero (see package remote).
	Remote string
	// Stack is what is read: with every reader of package netstat that it
	// implements.
	Stack netstat.Stack
	// Err is why there is no Stack. It is recorded in its place.
	Err error
}

// One returns the sequence of one source that is made of a stack.
func One(stack netstat.Stack) iter.Seq[Source] {
	return func(yield func(Source) bool) { yield(Source{Stack: stack}) }
}

// Write writes a recording of one stack at one moment. It needs memory for a
// few thousand rows, however many there are. Errors are those of NewWriter and Writer.Record.
func Write(ctx context.Context, w io.Writer, stack netstat.Stack, o Options) error {
	r, err := NewWriter(w)
	if err != nil {
		return err
	}
	if err := r.Record(ctx, o, One(stack)); err != nil {
		return err
	}
	return r.Close()
}

// Writer writes a recording to anything that can be written to. Create and
// Append write files. A Writer is not to be used concurrently.
type Writer struct {
	w       io.Writer
	name    string // in errors
	offset  int64
	zstd    *zstd.Encoder
	frame   []byte // for one after the other
	columns columnWriter
	moments []momentRef
	closed  bool
}

// NewWriter begins a recording. The error is a *WriteError: w took no header.
func NewWriter(w io.Writer) (*Writer, error) {
	return newWriter(w, "")
}

func newWriter(to io.Writer, name string) (*Writer, error) {
	z, err := newEncoder()
	if err != nil {
		return nil, err
	}
	w := &Writer{w: to, name: name, zstd: z}
	if err := w.write(fileHeader(Version)); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Writer) write(b []byte) error {
	n, err := w.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &WriteError{Name: w.name, Offset: w.offset + int64(n), Err: err}
	}
	w.offset += int64(n)
	return nil
}

// writeFrame writes a frame and returns its offset.
func (w *Writer) writeFrame(kind byte, payload []byte) (offset int64, err error) {
	offset = w.offset
	w.frame = appendFrame(w.frame[:0], kind, payload, w.zstd)
	return offset, w.write(w.frame)
}

// writeValue writes a frame of which v is the payload.
func (w *Writer) writeValue(kind byte, v any) (offset int64, err error) {
	payload, err := marshal(v)
	if err != nil {
		return w.offset, &WriteError{Name: w.name, Offset: w.offset, Err: err}
	}
	return w.writeFrame(kind, payload)
}

// Record writes one moment: every source with all kinds that the options name.
// What a source does not tell is recorded as such, with the reason. Sources are
// taken one after the other, so that the sequence can open and close them.
//
// The error is a *WriteError, that of the context, one that names an unknown
// kind, or after Close one that matches fs.ErrClosed. The moment is not whole then; what was written before is.
func (w *Writer) Record(ctx context.Context, o Options, sources iter.Seq[Source]) error {
	if w.closed {
		return fmt.Errorf("record: %w", fs.ErrClosed)
	}
	kinds := o.Kinds
	if len(kinds) == 0 {
		kinds = Kinds()
	}
	for _, k := range kinds {
		if !slices.Contains(Kinds(), k) {
			return fmt.Errorf("record: there is no kind %q", k)
		}
	}
	if o.Host == (Host{}) {
		o.Host = ThisHost()
	}
	if o.Time.IsZero() {
		o.Time = time.Now()
	}
	m := &momentWriter{Writer: w, left: maxMomentMemory, catalogue: catalogue{momentHead: momentHead{Time: o.Time, Host: headOf(o.Host)}}}
	begin, err := w.writeValue(frameMoment, m.catalogue.momentHead)
	if err != nil {
		return err
	}
	m.catalogue.Begin = begin
	for s := range sources {
		if err := ctx.Err(); err != nil {
			return err // and why there is no stack, if there is none
		}
		if err := m.stack(ctx, s, kinds); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.catalogue.Ended = time.Now()
	end, err := m.end()
	if err != nil {
		return err
	}
	w.moments = append(w.moments, momentRef{
		Begin: begin, End: end, Seconds: o.Time.Unix(), Nanoseconds: int64(o.Time.Nanosecond()),
	})
	return nil
}

// Close writes the index, by which a moment is found faster. The recording can
// be read without it. It does not close what is written to. Closing again is no error.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	at, err := w.writeValue(frameIndex, index{Moments: w.moments})
	if errors.Is(err, errPayload) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = w.writeFrame(frameTrailer, binary.BigEndian.AppendUint64(nil, uint64(at)))
	return err
}

// momentWriter writes one moment.
type momentWriter struct {
	*Writer
	catalogue catalogue
	left      memory // of a reader, for the catalogue
}

// take counts what a reader needs for the catalogue.
func (m *momentWriter) take(n int) error {
	if !m.left.take(n, 1) {
		return &WriteError{Name: m.name, Offset: m.offset, Err: errManyStacks}
	}
	return nil
}

var errManyStacks = errors.New("more stacks than one moment has room for")

// end writes the catalogue: in parts where it is too large for a frame.
func (m *momentWriter) end() (offset int64, err error) {
	offset, err = m.writeValue(frameMomentEnd, m.catalogue)
	if !errors.Is(err, errPayload) {
		return offset, err
	}
	if err := m.part(m.catalogue.Stacks); err != nil {
		return m.offset, err
	}
	m.catalogue.Stacks = []stackContents{}
	return m.writeValue(frameMomentEnd, m.catalogue)
}

// part writes stacks of the catalogue in as many frames as they need.
func (m *momentWriter) part(stacks []stackContents) error {
	at, err := m.writeValue(frameCatalogue, cataloguePart{stacks})
	if errors.Is(err, errPayload) && len(stacks) > 1 {
		half := len(stacks) / 2
		if err := m.part(stacks[:half]); err != nil {
			return err
		}
		return m.part(stacks[half:])
	}
	if err == nil {
		m.catalogue.Parts = append(m.catalogue.Parts, at)
	}
	return err
}

// stack writes a stack.
func (m *momentWriter) stack(ctx context.Context, s Source, kinds []Kind) error {
	namespace, cost, err := encodeNamespace(s.Namespace)
	if err != nil {
		return err
	}
	err = s.Err
	if err == nil && s.Stack == nil {
		err = errors.New("there is no stack")
	}
	head := stackHead{Name: text(s.Name), Remote: text(s.Remote), Namespace: namespace, Kinds: kinds, Error: recordError(err)}
	if err := m.take(head.cost() + cost); err != nil {
		return err
	}
	if _, err := m.writeValue(frameStack, head); err != nil {
		return err
	}
	m.catalogue.Stacks = append(m.catalogue.Stacks, stackContents{stackHead: head})
	if err != nil {
		return nil
	}
	var shared look
	if r, ok := s.Stack.(netstat.SocketOwnerReader); ok && slices.ContainsFunc(kinds, hasOwners) {
		// One look at all processes serves all sockets. Without it, each kind
		// says itself what is the matter.
		if owners, err := r.SocketOwners(ctx); err == nil {
			shared.owners = owners
		}
	}
	for _, t := range tables {
		if !slices.Contains(kinds, t.name()) {
			continue
		}
		if err := t.record(ctx, m, s.Stack, &shared); err != nil {
			return err
		}
	}
	return nil
}

func (t *table[T]) record(ctx context.Context, m *momentWriter, stack any, look *look) error {
	var block []T
	for i, part := range t.parts() {
		for range attempts {
			seq, ok := t.read(ctx, stack, i, look)
			if !ok {
				seq = func(yield func(T, error) bool) {
					var none T
					yield(none, fmt.Errorf("%w: it has no method to read %s", netstat.ErrNotSupported, t.kind))
				}
			}
			var cause, err error
			block, cause, err = t.recordPart(ctx, m, part, seq, block)
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if !errors.Is(cause, netstat.ErrInterrupted) {
				break
			}
		}
	}
	return nil
}

// recordPart writes the rows of a part. cause is why they are not all.
func (t *table[T]) recordPart(ctx context.Context, m *momentWriter, part string, seq iter.Seq2[T, error], block []T) (_ []T, cause, err error) {
	c := contents{Kind: t.kind, Part: part, Offset: m.offset}
	block = block[:0]
	flush := func() error {
		c.Rows += uint64(len(block))
		err := writeRows(m, t, part, block)
		clear(block) // what rows point to is not kept
		block = block[:0]
		return err
	}
	for row, rowErr := range seq {
		if rowErr != nil {
			cause = rowErr
			break
		}
		if block = append(block, row); len(block) < blockRows {
			continue
		}
		if err := flush(); err != nil {
			return block, nil, err
		}
		if cause = ctx.Err(); cause != nil {
			return block, cause, nil
		}
	}
	if len(block) > 0 {
		if err := flush(); err != nil {
			return block, nil, err
		}
	}
	if ctx.Err() != nil {
		return block, cause, nil
	}
	c.Error = recordError(cause)
	if err := m.take(c.cost()); err != nil {
		return block, nil, err
	}
	if _, err := m.writeValue(frameKind, c); err != nil {
		return block, nil, err
	}
	return block, cause, m.catalogue.add(c)
}

// add adds what was recorded last to the last stack, in the place of an earlier
// attempt.
func (c *catalogue) add(one contents) error {
	s := &c.Stacks[len(c.Stacks)-1]
	if i := s.find(one.Kind, one.Part); i >= 0 {
		s.Contents[i] = one
		return nil
	}
	if len(s.Contents) == maxContents {
		return corrupt("a stack of more than %d kinds and parts", maxContents)
	}
	s.Contents = append(s.Contents, one)
	return nil
}

func (s *stackContents) find(kind Kind, part string) int {
	return slices.IndexFunc(s.Contents, func(c contents) bool { return c.Kind == kind && c.Part == part })
}

// writeRows writes rows in as many frames as they need.
func writeRows[T any](m *momentWriter, t *table[T], part string, block []T) error {
	payload, err := encodeRows(t.codec(), t.kind, part, block, &m.columns)
	if errors.Is(err, errBlock) && len(block) > 1 {
		half := len(block) / 2
		if err := writeRows(m, t, part, block[:half]); err != nil {
			return err
		}
		return writeRows(m, t, part, block[half:])
	}
	if err != nil {
		return &WriteError{Name: m.name, Offset: m.offset, Err: err}
	}
	_, err = m.writeFrame(frameRows, payload)
	return err
}
