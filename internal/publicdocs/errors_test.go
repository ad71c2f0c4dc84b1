package publicdocs

import (
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// speaks is what a comment has that tells of an error: when there is one, or which.
	speaks = regexp.MustCompile(`\b[Ee]rrors?\b|\b(fails?|refuses?)\b|\bErr[A-Z]\w*|\w+Error\b|\bsays (what|why)\b`)
	// speaksForAll is what the comment of a type has that tells of the errors of its methods.
	speaksForAll = regexp.MustCompile(`(?i)\bits methods?\b[^.]*\berrors?\b|\berrors? of its methods?\b`)
	// encodes is what the comment of a package has that tells of the errors of encodings.
	encodes = regexp.MustCompile(`(?i)\berrors?\b[^.]*\b(encod|decod|MarshalJSON|UnmarshalJSON)`)
)

// encodings are methods with whose errors a package deals in one place.
var encodings = []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"}

// TestErrorsAreTold reads every package that users import. An exported function or method
// that returns an error, and an exported field or type that is such a function, has a
// comment that speaks of the error; or the comment of the method's type does so for all.
func TestErrorsAreTold(t *testing.T) {
	functions := 0
	eachPackage(t, func(folder, name string, list *build.Package) {
		n, err := check(t, folder, name, list)
		if err != nil {
			t.Fatal(err)
		}
		functions += n
	})
	if functions < 300 {
		t.Errorf("%d functions that return errors were found, which are too few", functions)
	}
}

// check returns how many functions of the package in a folder return an error.
func check(t *testing.T, folder, name string, list *build.Package) (functions int, err error) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, f := range list.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(folder, f), nil, parser.ParseComments)
		if err != nil {
			return 0, err
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, module+name)
	if err != nil {
		return 0, err
	}
	encodingsTold := encodes.MatchString(strings.Join(strings.Fields(p.Doc), " "))
	one := func(what string, of *ast.FuncType, comment string, told bool) {
		if !returnsError(of) {
			return
		}
		functions++
		if !told && !speaks.MatchString(comment) {
			t.Errorf("%s: %s.%s returns an error, of which its comment says nothing", fset.Position(of.Pos()), name, what)
		}
	}
	for _, f := range p.Funcs {
		one(f.Name, f.Decl.Type, f.Doc, false)
	}
	for _, of := range p.Types {
		all := speaksForAll.MatchString(strings.Join(strings.Fields(of.Doc), " "))
		for _, f := range of.Funcs {
			one(f.Name, f.Decl.Type, f.Doc, false)
		}
		for _, m := range of.Methods {
			if m.Level != 0 || m.Name == "Unwrap" { // an embedded type's is told of there; a cause is no failure
				continue
			}
			one(of.Name+"."+m.Name, m.Decl.Type, m.Doc, all || encodingsTold && slices.Contains(encodings, m.Name))
		}
		for _, spec := range of.Decl.Specs {
			switch spec := spec.(*ast.TypeSpec); declared := spec.Type.(type) {
			case *ast.FuncType:
				one(of.Name, declared, of.Doc, false)
			case *ast.InterfaceType:
				for _, m := range declared.Methods.List {
					inField(m, of.Name, all, one)
				}
			case *ast.StructType:
				for _, m := range declared.Fields.List {
					inField(m, of.Name, all, one)
				}
			}
		}
	}
	return functions, nil
}

// inField looks at a method of an interface, or at a field that is a function.
func inField(m *ast.Field, typeName string, all bool, one func(what string, of *ast.FuncType, comment string, told bool)) {
	of, ok := m.Type.(*ast.FuncType)
	if !ok {
		return
	}
	for _, name := range m.Names {
		if name.IsExported() {
			one(typeName+"."+name.Name, of, m.Doc.Text()+m.Comment.Text(), all)
		}
	}
}

// returnsError reports whether a result is an error, or a sequence of which one half is.
func returnsError(f *ast.FuncType) bool {
	if f.Results == nil {
		return false
	}
	for _, r := range f.Results.List {
		if isError(r.Type) {
			return true
		}
		if seq, ok := r.Type.(*ast.IndexListExpr); ok && isError(seq.Indices[len(seq.Indices)-1]) {
			return true
		}
	}
	return false
}

func isError(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "error"
}
