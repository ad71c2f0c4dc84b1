package nstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Main runs a package's tests of a program of cmd/, which it builds first, and returns what to
// exit with. program becomes where that is.
func Main(m *testing.M, name string, program *string) (status int) {
	status, err := func() (int, error) {
		err := runRefused()
		if err != nil {
			return 1, err
		}
		if *program, err = build(name); err != nil {
			return 1, err
		}
		return m.Run(), nil
	}()
	if dir, made := folder(); made == nil {
		_ = os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return status
}

// Program returns where another program of cmd/ is: it is built once. It is for packages whose
// TestMain calls Main.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := build(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// folder is where programs are built. Everybody may run them: tests do so without privileges.
var folder = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "programs"); err == nil {
		err = os.Chmod(dir, 0o755)
	}
	return dir, err
})

var building sync.Mutex

func build(name string) (path string, err error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	building.Lock()
	defer building.Unlock()
	path = filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if out, err := exec.Command("go", "build", "-o", path, "github.com/netsnmp-agent/netsnmp-agent/cmd/"+name).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return path, nil
}
