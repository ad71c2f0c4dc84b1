package publicdocs

import (
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// without are packages that have no example of their own, and why.
var without = map[string]string{
	"collectors/sockopt": "what it reads takes CAP_BPF and a kernel with BTF; its comment shows the code",
}

// modules says of the packages of MIB modules that they are declarations for one use, which
// the example of mib/ifmib shows.
const modules = "mib/"

// TestExamples holds that every package has an example whose output go test compares.
func TestExamples(t *testing.T) {
	eachPackage(t, func(folder, name string, list *build.Package) {
		fset := token.NewFileSet()
		var files []*ast.File
		for _, f := range list.XTestGoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(folder, f), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		compared := 0
		for _, e := range doc.Examples(files...) {
			if e.Output != "" {
				compared++
			}
		}
		_, none := without[name]
		none = none || strings.HasPrefix(name, modules) && name != "mib/ifmib"
		switch {
		case compared == 0 && !none:
			t.Errorf("%s has no example with an output", name)
		case compared > 0 && none:
			t.Errorf("%s has an example, and stands among those without", name)
		}
	})
}
