// Package publicdocs holds what the documentation of every public package has: which errors
// are returned, and an example.
package publicdocs

import (
	"errors"
	"go/build"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/netsnmp-agent/netsnmp-agent/"
)

// eachPackage calls of for every package that users import, with its folder from here and
// its path in the module.
func eachPackage(t *testing.T, of func(folder, name string, list *build.Package)) {
	t.Helper()
	context := build.Default
	context.GOOS, context.GOARCH = "linux", "amd64"
	found := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == "." {
			return err
		}
		switch base := filepath.Base(path); {
		case base == "internal", base == "cmd", base == "test", base == "testdata", strings.HasPrefix(base, "."):
			return filepath.SkipDir
		}
		list, err := context.ImportDir(path, 0)
		if none := new(build.NoGoError); errors.As(err, &none) {
			return nil
		} else if err != nil {
			return err
		}
		found++
		of(path, filepath.ToSlash(rel), list)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 25 {
		t.Errorf("%d packages were found, which are too few", found)
	}
}
