// Package builds holds for which systems and processors the project builds.
package builds

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// portable is what other systems than Linux have: reading hosts and recordings, serving tables, and
// the command for both.
var portable = []string{"./netstat", "./mib/...", "./remote", "./recording", "./baseline", "./snmp/...", "./agentx", "./cmd/netstat"}

// TestBuilds holds that everything, its tests too, is sound Go for each processor that Linux runs
// on, and what is portable for other systems. It checks types and generates no code, which takes a small
// part of the time.
func TestBuilds(t *testing.T) {
	for _, processor := range []string{"386", "arm", "arm64", "mips", "mipsle", "mips64", "ppc64le", "riscv64", "s390x"} {
		t.Run("linux/"+processor, func(t *testing.T) {
			t.Parallel()
			hold(t, "linux", processor, "-test", "./...")
		})
	}
	for _, system := range []string{"darwin", "freebsd"} {
		for _, processor := range []string{"amd64", "arm64"} {
			t.Run(system+"/"+processor, func(t *testing.T) {
				t.Parallel()
				hold(t, system, processor, portable...)
			})
		}
	}
}

// listed is a package as "go list -json" tells of it.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Standard        bool
	Module          *struct{ Main bool }
	Error           *struct{ Err string }
}

func hold(t *testing.T, system, processor string, packages ...string) {
	own, found := check(t, filepath.Join("..", ".."), system, processor, packages...)
	for _, err := range found {
		t.Error(err)
	}
	if own == 0 {
		t.Error("no package of the project was checked")
	}
}

// check checks the types of a module's packages and of what they import. It returns how many the module has.
func check(t *testing.T, dir, system, processor string, packages ...string) (own int, found []error) {
	args := append([]string{"list", "-deps", "-e", "-json=ImportPath,Dir,GoFiles,ImportMap,Standard,Module,Error"}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := checked{files: token.NewFileSet(), sizes: types.SizesFor("gc", processor), packages: map[string]*types.Package{"unsafe": types.Unsafe}}
	for d := json.NewDecoder(out); ; { // what is imported comes first
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch {
		case p.Error != nil:
			found = append(found, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err))
		case p.ImportPath == "unsafe", strings.HasSuffix(p.ImportPath, ".test"): // the latter is a main function that go test writes
		default:
			if p.Module != nil && p.Module.Main {
				own++
			}
			found = append(found, c.add(&p)...)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return own, found
}

// checked are packages whose types were checked.
type checked struct {
	files    *token.FileSet
	sizes    types.Sizes
	packages map[string]*types.Package
}

// add checks a package. Of others than the project's what functions do is passed over.
func (c *checked) add(p *listed) (found []error) {
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		f, err := parser.ParseFile(c.files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		parsed = append(parsed, f)
	}
	config := types.Config{
		Sizes: c.sizes, IgnoreFuncBodies: p.Module == nil || !p.Module.Main,
		Importer: importer(func(path string) (*types.Package, error) {
			if mapped, ok := p.ImportMap[path]; ok {
				path = mapped
			}
			if imported := c.packages[path]; imported != nil {
				return imported, nil
			}
			return nil, fmt.Errorf("%s was not listed", path)
		}),
		Error: func(err error) { found = append(found, err) },
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // of a package together with its tests
	c.packages[p.ImportPath], _ = config.Check(path, c.files, parsed, nil)
	return found
}

type importer func(path string) (*types.Package, error)

func (i importer) Import(path string) (*types.Package, error) { return i(path) }

// TestFindsFaults holds that what does not build is found, in tests too.
func TestFindsFaults(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":       "module example.net/m\n\ngo 1.26\n",
		"m.go":         "package m\n\nfunc Everywhere() {}\n",
		"m_test.go":    "package m\n\nvar beyond int = 1 << 40\n",
		"m_linux.go":   "package m\n\nvar OnLinux = 1\n",
		"x_test.go":    "package m_test\n\nimport \"example.net/m\"\n\nvar _ = m.Everywhere\n",
		"user/user.go": "package user\n\nimport \"example.net/m\"\n\nfunc f() int { return m.OnLinux }\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		system, processor string
		args              []string
		want              []string // of what is found, in order
	}{
		{"linux", "amd64", []string{"-test", "./..."}, nil},
		{"linux", "386", []string{"./..."}, nil},
		{"linux", "386", []string{"-test", "./..."}, []string{"m_test.go:3:18: cannot use 1 << 40"}},
		{"darwin", "arm64", []string{"./..."}, []string{"user.go:5:25: undefined: m.OnLinux"}},
	} {
		own, found := check(t, dir, c.system, c.processor, c.args...)
		if own == 0 || len(found) != len(c.want) {
			t.Errorf("%s/%s %q: %v of %d packages", c.system, c.processor, c.args, found, own)
			continue
		}
		for i, err := range found {
			if !strings.Contains(err.Error(), c.want[i]) {
				t.Errorf("%s/%s: found %v, want %s", c.system, c.processor, err, c.want[i])
			}
		}
	}
}
