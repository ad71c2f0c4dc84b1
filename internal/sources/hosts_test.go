package sources

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestListHosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("# all\na b:1161 # two\n\n[::1]:161\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := Where{Hosts: []string{"first"}, HostsFile: file}
	got, err := f.listHosts()
	if want := []string{"first", "a", "b:1161", "[::1]:161"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	// As an editor of another system leaves it, with some hosts twice.
	if err := os.WriteFile(file, []byte("\ufeffa\r\n\r\nb # two\r\nfirst\r\na\r\n# end"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = f.listHosts()
	if want := []string{"first", "a", "b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Where{HostsFile: file}).listHosts(); err == nil {
		t.Error("a file without hosts")
	}
}
