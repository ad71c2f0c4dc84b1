// Package contributing holds that the worked examples of CONTRIBUTING.md compile.
package contributing

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a file in a page: its first line says where it stands.
var block = regexp.MustCompile("(?s)```go\n// ([a-z0-9_/]+\\.go)\n(.*?)```")

// TestExamplesCompile builds the project with the files of CONTRIBUTING.md in their places.
func TestExamplesCompile(t *testing.T) {
	top, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(top, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "\n## How to add ")[1:]
	if len(sections) != 4 {
		t.Fatalf("%d sections say how to add something", len(sections))
	}
	files := make(map[string]string)
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		found := block.FindAllStringSubmatch(section, -1)
		if len(found) == 0 {
			t.Errorf("how to add %s has no example", title)
		}
		for _, f := range found {
			files[f[1]] = f[2]
		}
	}
	if err := build(t, top, files); err != nil {
		t.Error(err)
	}

	// It would be noticed.
	for path, source := range files {
		broken := map[string]string{path: source + "\nvar _ int = \"no number\"\n"}
		if err := build(t, top, broken); err == nil {
			t.Errorf("%s compiles with an error in it", path)
		}
		break
	}
}

// build compiles the packages of files that are there beside the project's own.
func build(t *testing.T, top string, files map[string]string) error {
	t.Helper()
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	var packages []string
	for path, source := range files {
		if _, err := os.Stat(filepath.Join(top, path)); err == nil {
			return fmt.Errorf("%s is there already", path)
		}
		written := filepath.Join(dir, strings.ReplaceAll(path, "/", "-"))
		if err := os.WriteFile(written, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(top, path)] = written
		packages = append(packages, "./"+filepath.Dir(path))
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	replaced := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(replaced, list, 0o600); err != nil {
		t.Fatal(err)
	}
	slices.Sort(packages)
	cmd := exec.Command("go", append([]string{"build", "-overlay", replaced, "-o", os.DevNull}, slices.Compact(packages)...)...)
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
