package collectors

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLacksModule(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "loaded"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folder, name string
		want         bool
	}{
		{folder, "loaded", false},
		{folder, "other", true},
		{filepath.Join(folder, "nowhere"), "other", false}, // nothing is told there
	} {
		if got := lacksModule(c.folder, c.name); got != c.want {
			t.Errorf("%s of %s: %v", c.name, c.folder, got)
		}
	}
}
