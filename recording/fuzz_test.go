package recording

import (
	"context"
	"errors"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// readAll reads everything that a file has, and nothing else matters.
func readAll(f *File) {
	for m, err := range f.Moments() {
		if err != nil {
			continue
		}
		for _, s := range m.Stacks() {
			s.Contents()
			for _, t := range tables {
				t.(interface{ drain(s *Stack) }).drain(s)
			}
			for range s.Sockets(context.Background(), netstat.SocketQuery{}) {
			}
			_, _ = s.SocketOwners(context.Background())
		}
	}
}

func (t *table[T]) drain(s *Stack) {
	for _, part := range t.parts() {
		for range readPart(context.Background(), s, t, part) {
		}
	}
}

// FuzzFile reads anything as a recording.
func FuzzFile(f *testing.F) {
	f.Add(small.bytes(f, true))
	f.Add(small.bytes(f, false))
	f.Add((&generated{moments: 1, stacks: []string{"a", "b"}, rows: 1}).bytes(f, true)[:3000])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := openBytes(b)
		if err != nil {
			var at *FormatError
			if !errors.As(err, &at) {
				t.Errorf("an error without an offset: %v", err)
			}
			return
		}
		defer file.Close()
		readAll(file)
	})
}

// FuzzRows reads anything as the payload of a frame of rows, past the checksums
// that FuzzFile rarely gets right.
func FuzzRows(f *testing.F) {
	g := randomrow.New(1)
	for _, t := range tables {
		f.Add(t.(interface {
			payload(g randomrow.Generator) []byte
		}).payload(g))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var head rowsHead
		if err := unmarshal(b, &head); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, table := range tables {
			if table.name() == head.Kind {
				table.(interface {
					decode(t *testing.T, head *rowsHead)
				}).decode(t, &head)
			}
		}
	})
}

func (t *table[T]) payload(g randomrow.Generator) []byte {
	var w columnWriter
	b, err := encodeRows(t.codec(), t.kind, "", randomrow.Rows[T](g, 5), &w)
	if err != nil {
		panic(err)
	}
	return b
}

// decode reads rows, and requires that they come back once written.
func (t *table[T]) decode(test *testing.T, head *rowsHead) {
	rows, err := decodeRows[T](t.codec(), head, false, new(scratch), nil)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			test.Errorf("%v", err)
		}
		return
	}
	var w columnWriter
	b, err := encodeRows(t.codec(), t.kind, "", rows, &w)
	if err != nil {
		test.Fatal(err)
	}
	var again rowsHead
	if err := unmarshal(b, &again); err != nil {
		test.Fatal(err)
	}
	if _, err := decodeRows[T](t.codec(), &again, false, new(scratch), nil); err != nil {
		test.Errorf("what was read cannot be read again: %v", err)
	}
}
