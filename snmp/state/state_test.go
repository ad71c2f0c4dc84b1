package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *File {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func put(t *testing.T, f *File, section string, v any) {
	t.Helper()
	if err := f.Put(map[string]any{section: v}); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, f *File, section string) (v T) {
	t.Helper()
	if _, err := f.Get(section, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSections(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "anew")
	f := open(t, dir)
	if ok, err := f.Get("a", new(int)); ok || err != nil {
		t.Error(ok, err)
	}
	put(t, f, "a", 1)
	put(t, f, "b", []string{"x"})
	put(t, f, "a", 2)
	if err := f.Put(map[string]any{"a": 3, "c": func() {}}); err == nil || get[int](t, f, "a") != 2 {
		t.Error("half of a change was made", err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one opened it: %v", err)
	}
	f.Close()
	f = open(t, dir)
	if a, b := get[int](t, f, "a"), get[[]string](t, f, "b"); a != 2 || len(b) != 1 {
		t.Error(a, b)
	}
	if _, replaced := f.Replaced(); replaced {
		t.Error("it was not replaced")
	}
	var wrong []int
	if _, err := f.Get("b", &wrong); err == nil || strings.Contains(err.Error(), "x\"") {
		t.Errorf("error %v", err)
	}
	info, err := os.Stat(f.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err = os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory %v, %v", info.Mode(), err)
	}
}

// TestReplaced puts an earlier file back, in the ways that people do.
func TestReplaced(t *testing.T) {
	for how, restore := range map[string]func(path string, old []byte, then time.Time) error{
		"copied over": func(path string, old []byte, _ time.Time) error { return os.WriteFile(path, old, 0o600) },
		"restored, with its time": func(path string, old []byte, then time.Time) error {
			if err := os.WriteFile(path+".restored", old, 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(path+".restored", then, then); err != nil {
				return err
			}
			return os.Rename(path+".restored", path)
		},
	} {
		t.Run(how, func(t *testing.T) {
			f := open(t, t.TempDir())
			put(t, f, "a", 1)
			written := f.content.Written
			old, err := os.ReadFile(f.Path())
			if err != nil {
				t.Fatal(err)
			}
			put(t, f, "a", 2)
			f.Close()
			then := written.Add(-time.Hour)
			old = []byte(strings.Replace(string(old), written.Format(time.RFC3339), then.Format(time.RFC3339), 1))
			if err := restore(f.Path(), old, then); err != nil {
				t.Fatal(err)
			}
			f = open(t, f.dir)
			age, replaced := f.Replaced()
			if !replaced || age < time.Minute || get[int](t, f, "a") != 1 {
				t.Error(age, replaced)
			}
			put(t, f, "a", 3)
			f.Close()
			if _, replaced := open(t, f.dir).Replaced(); replaced {
				t.Error("what was written since was not replaced")
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "no JSON at byte",
		`{"format": 1, "secret`: "no JSON at byte",
		`{"format": "secret"}`:  "not a state",
		`{"format": 2}`:         "newer version",
		`[]`:                    "not a state",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, Name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: error %v, want one with %q", text, err, want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, Name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, Name), maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
	if _, err := Open("/dev/null/state"); err == nil {
		t.Error("a directory in a file")
	}
	// Nobody can write to /proc, root either.
	if f, err := Open("/proc/self"); err == nil {
		defer f.Close()
		if err := f.Put(map[string]any{"a": 1}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Error(err)
		}
	} else if !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// TestRead holds that reading needs no directory to oneself, and changes nothing.
func TestRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	for range 2 {
		f, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := get[string](t, f, "a"); got != "" {
			t.Errorf("of no file: %q", got)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made the directory: %v", err)
	}
	put(t, open(t, dir), "a", "text") // which has the directory until the test ends
	f, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := get[string](t, f, "a"); got != "text" {
		t.Errorf("read %q", got)
	}
	if err := f.Put(map[string]any{"a": "other"}); err == nil {
		t.Error("what is read only was written")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
