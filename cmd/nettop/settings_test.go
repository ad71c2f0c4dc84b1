package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Settings are kept with what people wrote beside them; what is wrong is said by its line.
func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nettop", "config")
	var said []string
	complain := func(text string) { said = append(said, strings.TrimPrefix(text, path)) }
	s := readSettings(path, complain)
	if s.set("view", "counters"); s.get("view") != "counters" || len(said) > 0 {
		t.Errorf("%q, %q", s.get("view"), said)
	}
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	const written = `# mine
view=listeners

nonsense
interfaces.sort = -sentRate
interfaces.sort = name
listeners.sort = colour
colour = red
counters.columns =
view.sort = x
`
	if err := os.WriteFile(path, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	s = readSettings(path, complain)
	if s.get("view") != "listeners" || s.get("interfaces.sort") != "-sentRate" || s.get("listeners.sort") != "" {
		t.Errorf("%v", s.names)
	}
	want := []string{":4: expected NAME = VALUE", ":6: interfaces.sort stands in line 5 already", ":7: listener rows have no field \"colour\"",
		":8: there is no setting \"colour\"", ":9: counters.columns has no value", ":10: there is no setting \"view.sort\""}
	if len(said) != len(want) {
		t.Errorf("said %q", said)
	}
	for i := range min(len(said), len(want)) {
		if !strings.HasPrefix(said[i], want[i]) {
			t.Errorf("said %q, not %q", said[i], want[i])
		}
	}
	s.set("view", "interfaces")
	s.set("tracked.sort", "-packets")
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(written, "view=listeners", "view = interfaces", 1) + "tracked.sort = -packets\n"; string(got) != want {
		t.Errorf("the file has\n%s\nnot\n%s", got, want)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}
