package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// The man page and the README tell every flag and directive, and none that
// does not exist.
func TestDocumentationIsTrueToTheFlags(t *testing.T) {
	cmd := newCommand(process{})
	cmd.InitDefaultHelpFlag()
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	man := strings.ReplaceAll(read("../../man/netsnmp-agent.8"), `\-`, "-")
	readme := read("../../README.md")

	monitor, _, err := cmd.Find([]string{"monitor"})
	if err != nil {
		t.Fatal(err)
	}
	check, _, err := cmd.Find([]string{"check"})
	if err != nil {
		t.Fatal(err)
	}
	probe, _, err := cmd.Find([]string{"probe"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*cobra.Command{cmd, check, monitor, probe} {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile(`--` + f.Name + `\b`).MatchString(man) {
				t.Errorf("the man page does not tell --%s of %s", f.Name, c.CommandPath())
			}
		})
	}
	// Flags in the README's own commands; those of other programs that it
	// shows have one dash.
	for name, text := range map[string]string{"man page": man, "README": readme} {
		for _, m := range regexp.MustCompile(`(?m)netsnmp-agent( monitor| check| probe)?[^|\n]*?\s--([a-z][a-z-]*)`).FindAllStringSubmatch(text, -1) {
			of := cmd
			switch m[1] {
			case " monitor":
				of = monitor
			case " check":
				of = check
			case " probe":
				of = probe
			}
			if of.Flags().Lookup(m[2]) == nil {
				t.Errorf("the %s tells --%s of %s, which there is not", name, m[2], of.CommandPath())
			}
		}
	}
	headings := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(readme, -1) {
		headings["#"+strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(readme, -1) {
		if strings.HasPrefix(m[1], "#") {
			if !headings[m[1]] {
				t.Errorf("the README points to %s, which is no heading", m[1])
			}
			continue
		}
		if _, err := os.Stat("../../" + m[1]); err != nil {
			t.Errorf("the README points to %s: %v", m[1], err)
		}
	}
	for _, d := range snmpdconf.Directives() {
		if !regexp.MustCompile(`(?m)^\.BI ` + d + `\b`).MatchString(man) {
			t.Errorf("the man page does not tell the directive %s", d)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\.BI ([a-zA-Z][a-zA-Z0-9]+) `).FindAllStringSubmatch(man, -1) {
		c, err := snmpdconf.Parse(t.Context(), "man", strings.NewReader(m[1]+" x\n"))
		if strings.Contains(fmt.Sprint(err, c.Warnings), "unknown directive") {
			t.Errorf("the man page tells the directive %s, which there is not", m[1])
		}
	}
}

// What the README shows of the library compiles, as the body of a function.
func TestExamplesOfTheREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]string{"context": "context", "fmt": "fmt", "netip": "net/netip", "time": "time"}
	for _, ours := range []string{"collectors", "live", "netstat", "recording"} {
		packages[ours] = "github.com/netsnmp-agent/netsnmp-agent/" + ours
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := make(map[string]string)
	examples := regexp.MustCompile("(?s)\n```go\n(.*?)```\n").FindAllStringSubmatch(string(readme), -1)
	for i, example := range examples {
		// What stands around an example: it has a context, and what those before made.
		parameters := map[string]string{"ctx": "context.Context", "kernel": "*collectors.Kernel", "threeOClock": "time.Time"}
		text, body := "package readme\n", example[1]
		var given []string
		for name, of := range parameters {
			if !strings.Contains(body, name+", err :=") {
				given = append(given, name+" "+of)
			}
		}
		body = fmt.Sprintf("func example%d(%s) error {\n%s\nreturn nil\n}\n", i, strings.Join(given, ", "), body)
		for name, path := range packages {
			if regexp.MustCompile(`\b` + name + `\.`).MatchString(body) {
				text += fmt.Sprintf("import %q\n", path)
			}
		}
		file := filepath.Join(dir, fmt.Sprintf("example%d.go", i))
		if err := os.WriteFile(file, []byte(text+body), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, "readme", filepath.Base(file))] = file
	}
	if len(examples) == 0 {
		t.Fatal("the README has no examples")
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", file, "./readme")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
