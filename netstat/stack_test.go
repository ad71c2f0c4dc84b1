package netstat

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestCompleteStackHasEveryReader holds that an interface added to the package is
// one of a complete stack's.
func TestCompleteStackHasEveryReader(t *testing.T) {
	complete := reflect.TypeFor[CompleteStack]()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	readers := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !strings.HasSuffix(spec.Name.Name, "Reader") {
				return true
			}
			declared, ok := spec.Type.(*ast.InterfaceType)
			if !ok {
				return true
			}
			readers++
			for _, method := range declared.Methods.List {
				for _, name := range method.Names {
					if _, has := complete.MethodByName(name.Name); !has {
						t.Errorf("CompleteStack lacks %s of %s", name.Name, spec.Name.Name)
					}
				}
			}
			return true
		})
	}
	if readers < 35 {
		t.Errorf("found %d readers only", readers)
	}
}
