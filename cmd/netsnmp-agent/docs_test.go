package main

import (
	"os"
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
	cmd := newCommand(nil)
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
	for _, c := range []*cobra.Command{cmd, monitor} {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile(`--` + f.Name + `\b`).MatchString(man) {
				t.Errorf("the man page does not tell --%s of %s", f.Name, c.CommandPath())
			}
		})
	}
	// Flags in the README's own commands; those of other programs that it
	// shows have one dash.
	for name, text := range map[string]string{"man page": man, "README": readme} {
		for _, m := range regexp.MustCompile(`(?m)netsnmp-agent( monitor)?[^|\n]*?\s--([a-z][a-z-]*)`).FindAllStringSubmatch(text, -1) {
			of := cmd
			if m[1] != "" {
				of = monitor
			}
			if of.Flags().Lookup(m[2]) == nil {
				t.Errorf("the %s tells --%s of %s, which there is not", name, m[2], of.CommandPath())
			}
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(readme, -1) {
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
		if _, err := snmpdconf.Parse(t.Context(), "man", strings.NewReader(m[1]+" x\n")); err != nil && strings.Contains(err.Error(), "unknown directive") {
			t.Errorf("the man page tells the directive %s, which there is not", m[1])
		}
	}
}
