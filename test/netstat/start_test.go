package netstat_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostAtStart is how many allocations the packages of this module may make, each, before
// the program begins: for errors, and for functions that declare when they are called.
const mostAtStart = 300

// A run declares what it shows: no package declares tables, or fills maps, before.
func TestStart(t *testing.T) {
	cmd := exec.Command(program, "--version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// init PACKAGE @N ms, N ms clock, N bytes, N allocs
	ours := 0
	for _, m := range regexp.MustCompile(`(?m)^init (\S+) @.*, (\d+) allocs$`).FindAllStringSubmatch(string(out), -1) {
		if !strings.HasPrefix(m[1], "github.com/netsnmp-agent/") && m[1] != "main" {
			continue
		}
		ours++
		if n, err := strconv.Atoi(m[2]); err != nil || n > mostAtStart {
			t.Errorf("%s makes %s allocations at the start", m[1], m[2])
		}
	}
	if ours < 5 {
		t.Errorf("%d packages only:\n%s", ours, out)
	}
}

// The program is without what calls methods by their names: the linker keeps every exported
// method of every type then, and the program grows by a fifth.
func TestNoMethodIsCalledByName(t *testing.T) {
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil || len(symbols) == 0 {
		t.Fatalf("%d symbols, %v", len(symbols), err)
	}
	for _, s := range symbols {
		if s.Name == "reflect.Value.MethodByName" || strings.HasPrefix(s.Name, "text/template.(*Template).Execute") {
			t.Errorf("the program has %s", s.Name)
		}
	}
}
