package recording

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// generatedHost is the host of generated recordings.
var generatedHost = Host{Name: "router", System: "Linux", Kernel: "6.18.0", Machine: "x86_64", BootID: "a-b-c"}

// generatedTime is when the first moment of a generated recording is of. The
// others follow a minute apart.
var generatedTime = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

// generated is a recording of generated rows.
type generated struct {
	moments int
	stacks  []string
	kinds   []Kind // none means all
	rows    int    // at most, of each part
}

// tableTest is what a table of any rows does in tests.
type tableTest interface {
	anyTable
	check(t *testing.T)
	// generate records generated rows.
	generate(m *momentWriter, seed string, most int) error
	// verify reads the rows back. What it reads must be the beginning of what
	// was generated, and all of it unless there is an error, which it returns.
	verify(s *Stack, seed string, most int) error
}

func (t *table[T]) check(test *testing.T) { checkRows(test, t) }

func (t *table[T]) generated(seed, part string, most int) []T {
	h := fnv.New64()
	fmt.Fprint(h, seed, t.kind, part)
	g := randomrow.New(h.Sum64())
	return randomrow.Rows[T](g, g.IntN(most+1))
}

// errGenerated is the error that ends some of the parts.
var errGenerated = fmt.Errorf("a generated error: %w", netstat.ErrInterrupted)

func (t *table[T]) generate(m *momentWriter, seed string, most int) error {
	for i, part := range t.parts() {
		rows := t.generated(seed, part, most)
		_, _, err := t.recordPart(context.Background(), m, part, func(yield func(T, error) bool) {
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			if i%2 == 1 {
				var none T
				yield(none, errGenerated)
			}
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *table[T]) verify(s *Stack, seed string, most int) error {
	var first error
	for i, part := range t.parts() {
		want := t.generated(seed, part, most)
		n := 0
		var failed error
		for row, err := range readPart(context.Background(), s, t, part) {
			if err != nil {
				failed = err
				break
			}
			if n == len(want) || !reflect.DeepEqual(row, want[n]) {
				return fmt.Errorf("%w: row %d of %s %s is %+v", errWrong, n, t.kind, part, row)
			}
			n++
		}
		ends := n == len(want) && (failed == nil && i%2 == 0 || failed != nil && i%2 == 1)
		if ends && failed != nil {
			ends = errors.Is(failed, netstat.ErrInterrupted)
		}
		switch {
		case ends:
		case failed == nil:
			return fmt.Errorf("%w: %d rows of %d in %s %s", errWrong, n, len(want), t.kind, part)
		case first == nil:
			first = failed
		}
	}
	return first
}

// errWrong says that something was read that was not written.
var errWrong = errors.New("wrong")

func (g generated) tables() []tableTest {
	var chosen []tableTest
	for _, t := range tables {
		if len(g.kinds) == 0 || slices.Contains(g.kinds, t.name()) {
			chosen = append(chosen, t.(tableTest))
		}
	}
	return chosen
}

func (g generated) seed(moment int, stack string) string { return fmt.Sprint(moment, stack) }

// writeMoment writes a moment.
func (g generated) writeMoment(w *Writer, moment int) error {
	o := Options{Host: generatedHost, Time: generatedTime.Add(time.Duration(moment) * time.Minute), Kinds: g.kinds}
	if len(o.Kinds) == 0 {
		o.Kinds = Kinds()
	}
	// No stack is read: its rows are generated.
	m := &momentWriter{Writer: w, left: maxMomentMemory, catalogue: catalogue{momentHead: momentHead{Time: o.Time, Host: headOf(o.Host)}}}
	begin, err := w.writeValue(frameMoment, m.catalogue.momentHead)
	if err != nil {
		return err
	}
	m.catalogue.Begin, m.catalogue.Ended = begin, o.Time.Add(time.Second)
	for _, name := range g.stacks {
		head := stackHead{Name: text(name), Kinds: o.Kinds}
		if _, err := m.writeValue(frameStack, head); err != nil {
			return err
		}
		m.catalogue.Stacks = append(m.catalogue.Stacks, stackContents{stackHead: head})
		for _, t := range g.tables() {
			if err := t.generate(m, g.seed(moment, name), g.rows); err != nil {
				return err
			}
		}
	}
	end, err := w.writeValue(frameMomentEnd, m.catalogue)
	w.moments = append(w.moments, momentRef{
		Begin: begin, End: end, Seconds: o.Time.Unix(), Nanoseconds: int64(o.Time.Nanosecond()),
	})
	return err
}

// bytes returns the recording, with or without an index.
func (g generated) bytes(t testing.TB, indexed bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.moments {
		if err := g.writeMoment(w, i); err != nil {
			t.Fatal(err)
		}
	}
	if indexed {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// verifyMoment reads a whole moment. The error matches errWrong where anything
// was read that was not written, and is otherwise what was in the way.
func (g generated) verifyMoment(f *File, i int) error {
	m, err := f.Moment(i)
	if err != nil {
		return err
	}
	if want := generatedTime.Add(time.Duration(i) * time.Minute); !m.Time().Equal(want) || m.Host() != generatedHost || m.Number() != i {
		return fmt.Errorf("%w: moment %d of %v, %+v", errWrong, m.Number(), m.Time(), m.Host())
	}
	var first error
	for _, name := range g.stacks {
		s, err := m.Stack(name)
		if err != nil {
			if m.cut == nil {
				return err
			}
			first = errors.Join(first, m.cut)
			continue
		}
		for _, t := range g.tables() {
			err := t.verify(s, g.seed(i, name), g.rows)
			if errors.Is(err, errWrong) {
				return err
			}
			first = errors.Join(first, err)
		}
	}
	return first
}

func openBytes(b []byte) (*File, error) { return NewFile(bytes.NewReader(b), int64(len(b))) }
