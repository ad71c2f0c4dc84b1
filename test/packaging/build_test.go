// Package packaging_test builds the packages, and installs and runs them in a copy of this system, booted
// by its own systemd.
package packaging_test

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// version is that of the packages under test.
const version = "0.1.0"

// command runs a program and returns what it prints.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := run(exec.Command(name, args...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func run(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out), nil
}

// work is a folder that the packages are in, for all tests.
var work struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	status := m.Run()
	if work.dir != "" {
		_ = os.RemoveAll(work.dir)
	}
	os.Exit(status)
}

// packages returns the folder of the packages, which are built once.
func packages(t testing.TB) string {
	t.Helper()
	work.once.Do(func() {
		if work.dir, work.err = os.MkdirTemp("", "packages"); work.err != nil {
			return
		}
		work.err = build("../..", filepath.Join(work.dir, "dist"), "amd64 arm64")
	})
	if work.err != nil {
		t.Fatal(work.err)
	}
	return filepath.Join(work.dir, "dist")
}

func build(tree, dist, architectures string) error {
	moment, err := exec.Command("git", "-C", "../..", "log", "-1", "--format=%ct").Output()
	if err != nil {
		return err
	}
	cmd := exec.Command("packaging/build", version)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "DIST="+dist, "ARCHITECTURES="+architectures, "SOURCE_DATE_EPOCH="+strings.TrimSpace(string(moment)))
	_, err = run(cmd)
	return err
}

func sum(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// TestReproducible builds once more, of files of other dates in another folder, and compares every octet.
func TestReproducible(t *testing.T) {
	dist := packages(t)
	tree := t.TempDir()
	// git archive would have what was committed, not what is tested.
	copied := exec.Command("sh", "-c", `git ls-files -co --exclude-standard | tar -cf - -T - | tar -xmf - -C "$0"`, tree)
	copied.Dir = "../.."
	if _, err := run(copied); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "again")
	if err := build(tree, again, "amd64"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(again)
	if err != nil {
		t.Fatal(err)
	}
	const others = 4 + 4 + 1 + 4 + 1 // .deb, .rpm, tarball, SBOMs, checksums
	if len(entries) != others {
		t.Errorf("%d files, want %d", len(entries), others)
	}
	for _, e := range entries {
		if e.Name() != "SHA256SUMS" && sum(t, filepath.Join(dist, e.Name())) != sum(t, filepath.Join(again, e.Name())) {
			t.Errorf("%s is another one", e.Name())
		}
	}
}

// TestRelease holds what a release is: both architectures, checksums that are right, SBOMs of what is in the programs, and the version.
func TestRelease(t *testing.T) {
	dist := packages(t)
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	check.Dir = dist
	if _, err := run(check); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(sums, []byte("\n")); n != len(entries)-1 {
		t.Errorf("%d checksums of %d files", n, len(entries)-1)
	}
	for processor, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		to := t.TempDir()
		for _, name := range []string{"netsnmp-agent", "netsnmp-tools"} {
			command(t, "dpkg-deb", "-x", filepath.Join(dist, fmt.Sprintf("%s_%s-1_%s.deb", name, version, processor)), to)
		}
		for _, path := range []string{"usr/sbin/netsnmp-agent", "usr/lib/netsnmp-agent/bin/netstat", "usr/lib/netsnmp-agent/bin/nettop", "usr/lib/netsnmp-agent/bin/conntrack"} {
			program, err := elf.Open(filepath.Join(to, path))
			if err != nil {
				t.Fatal(err)
			}
			if program.Machine != machine {
				t.Errorf("%s of %s is for %v", path, processor, program.Machine)
			}
			program.Close()
			text, err := os.ReadFile(filepath.Join(dist, fmt.Sprintf("%s-%s-linux-%s.cdx.json", filepath.Base(path), version, processor)))
			if err != nil {
				t.Fatal(err)
			}
			var sbom struct {
				BOMFormat  string `json:"bomFormat"`
				Components []struct{ Name, Version string }
			}
			if err := json.Unmarshal(text, &sbom); err != nil || sbom.BOMFormat != "CycloneDX" {
				t.Fatal(err, sbom.BOMFormat)
			}
			listed := map[string]string{}
			for _, c := range sbom.Components {
				listed[c.Name] = c.Version
			}
			for line := range strings.Lines(command(t, "go", "version", "-m", filepath.Join(to, path))) {
				if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" && listed[f[1]] != f[2] {
					t.Errorf("%s: the SBOM has %q of %s, and the program %s", path, listed[f[1]], f[1], f[2])
				}
			}
		}
	}
}

// TestARM64 runs the programs of the other architecture, emulated, as far as they need no netlink, which the emulator has
// not: they read a recording and check a configuration as those of this one do.
func TestARM64(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "qemu-aarch64")
	dist := packages(t)
	here, there := t.TempDir(), t.TempDir()
	for to, processor := range map[string]string{here: "amd64", there: "arm64"} {
		for _, name := range []string{"netsnmp-agent", "netsnmp-tools"} {
			command(t, "dpkg-deb", "-x", filepath.Join(dist, fmt.Sprintf("%s_%s-1_%s.deb", name, version, processor)), to)
		}
	}
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add eth0 type veth peer name eth1", "link set eth1 up", "link set eth0 up", "address add 192.0.2.1/24 dev eth0", "route add 198.51.100.0/24 via 192.0.2.2")
	n.Listen(t, "tcp", "127.0.0.1:7777")
	n.Settle(t)
	const netstat, nettop, conntrack, agent = "usr/lib/netsnmp-agent/bin/netstat", "usr/lib/netsnmp-agent/bin/nettop", "usr/lib/netsnmp-agent/bin/conntrack", "usr/sbin/netsnmp-agent"
	recorded := filepath.Join(t.TempDir(), "recorded")
	n.Run(t, filepath.Join(here, netstat), "--record", recorded)
	for _, args := range [][]string{
		{netstat, "-V"}, {nettop, "-V"}, {conntrack, "-V"}, {agent, "--version"}, {agent, "check", filepath.Join(there, "etc/netsnmp-agent/agent.conf")},
		{netstat, "--recording", recorded, "-rn"}, {netstat, "--recording", recorded, "-an"}, {netstat, "--recording", recorded, "-i", "--json"}, {netstat, "--recording", recorded, "-s"},
	} {
		want := command(t, filepath.Join(here, args[0]), args[1:]...)
		if got := command(t, "qemu-aarch64", append([]string{filepath.Join(there, args[0])}, args[1:]...)...); got != want || got == "" {
			t.Errorf("%v on arm64:\n%s\nand on amd64\n%s", args, got, want)
		}
	}
}

// TestLintian holds that Debian's checks have nothing to say, beyond what packages override with a reason.
func TestLintian(t *testing.T) {
	nstest.NeedsProgram(t, "lintian")
	debs, err := filepath.Glob(filepath.Join(packages(t), "*_*64.deb"))
	if err != nil || len(debs) != 4 {
		t.Fatal(err, debs)
	}
	all, _ := filepath.Glob(filepath.Join(packages(t), "*_all.deb"))
	out, err := run(exec.Command("lintian", append([]string{"--allow-root", "--tag-display-limit", "0"}, append(debs, all...)...)...))
	if err != nil || strings.Contains(out, "W: ") || strings.Contains(out, "E: ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// exists reports whether a path is there, without following it.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
