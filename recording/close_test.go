package recording

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestCloseAgain holds that what was closed can be closed again, and takes nothing in.
func TestCloseAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.netstat")
	recorder, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := recorder.Record(t.Context(), Options{}, One(fake{routes: none[netstat.Route]("routes")})); err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	writer, err := NewWriter(&written)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Append(path + ".new")
	if err != nil {
		t.Fatal(err)
	}
	twice := func(c io.Closer) {
		t.Helper()
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("%T: %v", c, err)
			}
		}
	}
	twice(recorder)
	twice(writer)
	size := written.Len()
	twice(again)
	for _, err := range []error{recorder.Record(t.Context(), Options{}, One(fake{routes: none[netstat.Route]("routes")})), writer.Record(t.Context(), Options{}, One(fake{}))} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("recorded after the end: %v", err)
		}
	}
	if written.Len() != size {
		t.Error("something was written after the end")
	}
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	twice(file)
}
