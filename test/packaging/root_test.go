package packaging_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// patience bounds what hangs, and decides nothing else.
const patience = nstest.Patience

// copyOfRoot returns this system with a layer over it that takes all changes, and goes with the test.
func copyOfRoot(t *testing.T) root {
	t.Helper()
	nstest.NeedsRoot(t)
	layer := t.TempDir()
	if err := unix.Mount("tmpfs", layer, "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(layer, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r := root{t: t, dir: filepath.Join(layer, "root"), upper: filepath.Join(layer, "upper")}
	for _, dir := range []string{r.dir, r.upper, filepath.Join(layer, "work")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s", r.upper, filepath.Join(layer, "work"))
	if err := unix.Mount("overlay", r.dir, "overlay", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(r.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return r
}

// root is a system.
type root struct {
	t          *testing.T
	dir, upper string
	init       int // its first process, where it runs
}

func (r *root) path(of string) string { return filepath.Join(r.dir, of) }

func (r *root) write(name, text string, mode os.FileMode) {
	r.t.Helper()
	err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(r.path(name), []byte(text), mode)
	}
	if err == nil {
		err = os.Chmod(r.path(name), mode)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *root) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// try runs a command of a shell in the system.
func (r *root) try(script string) (string, error) {
	cmd := exec.Command("chroot", r.dir, "sh", "-c", script)
	if r.init != 0 {
		cmd = exec.Command("nsenter", "--target", strconv.Itoa(r.init), "--all", "--", "sh", "-c", script)
	}
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_COLORS=0")
	return run(cmd)
}

func (r *root) run(script string) string {
	r.t.Helper()
	out, err := r.try(script)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// eventually runs a command until it succeeds and prints what is wanted.
func (r *root) eventually(script, want string) {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		out, err := r.try(script)
		if err == nil && strings.Contains(out, want) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s: %v, want %q:\n%s", script, err, want, out)
		}
	}
}

// boot starts the system's systemd, which ends with the test.
func (r *root) boot() {
	r.t.Helper()
	nstest.NeedsProgram(r.t, "systemd-nspawn")
	nstest.NeedsProgram(r.t, "nsenter")
	// Nothing of this system's own services runs.
	links, _ := filepath.Glob(r.path("/etc/systemd/system/*.wants/*"))
	for _, l := range links {
		_ = os.Remove(l)
	}
	var printed nstest.Output
	cmd := exec.Command("systemd-nspawn", "--register=no", "--keep-unit", "--private-network", fmt.Sprintf("--machine=packages-%d", os.Getpid()),
		"--directory", r.dir, "--boot", "systemd.unit=basic.target")
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(unix.SIGTERM) // an orderly shutdown
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-ended
		}
		if r.t.Failed() {
			text := printed.String()
			r.t.Logf("the system printed:\n%s", text[max(0, len(text)-4000):])
		}
	})
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		for child := range strings.FieldsSeq(childrenOf(cmd.Process.Pid)) {
			if comm, _ := os.ReadFile("/proc/" + child + "/comm"); string(comm) == "systemd\n" {
				r.init, _ = strconv.Atoi(child)
				if out, _ := r.try("systemctl is-system-running"); out == "running\n" || out == "degraded\n" {
					r.run("ip link set lo up")
					return
				}
			}
		}
		select {
		case <-ended:
			r.t.Fatalf("the system does not start:\n%s", printed.String())
		default:
		}
		if time.Now().After(end) {
			r.t.Fatalf("the system is not up:\n%s", printed.String())
		}
	}
}

// childrenOf returns the processes that a process began.
func childrenOf(pid int) string {
	out, _ := exec.Command("pgrep", "--parent", strconv.Itoa(pid)).Output()
	return string(out)
}
