package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The man page and the help tell every flag and view, and none that there is not; the man page
// tells every key and field.
func TestDocumentationIsTrue(t *testing.T) {
	cmd := newCommand()
	man := strings.ReplaceAll(read(t, "../../man/nettop.8"), `\-`, "-")
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetArgs([]string{"--help"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"man page": man, "help": b.String()}
	for name, text := range texts {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile(`--` + f.Name + `\b`).MatchString(text) {
				t.Errorf("the %s does not tell --%s", name, f.Name)
			}
		})
		for _, m := range regexp.MustCompile(`(?m)(?:^|[ "|])--([a-z][a-z0-9-]*)`).FindAllStringSubmatch(strings.ReplaceAll(text, "netstat --", ""), -1) {
			if cmd.Flags().Lookup(m[1]) == nil {
				t.Errorf("the %s tells --%s, which there is not", name, m[1])
			}
		}
		for i := range views {
			if !strings.Contains(text, views[i].name) {
				t.Errorf("the %s does not tell the view %s", name, views[i].name)
			}
		}
	}
	// Whole commands: each must be one that the program understands.
	texts["README"] = read(t, "../../README.md")
	for name, text := range texts {
		for _, m := range regexp.MustCompile(`(?m)^(?:\$ |  )?nettop( [^\n|#]*)$`).FindAllStringSubmatch(text, -1) {
			var args []string
			for _, word := range regexp.MustCompile(`'([^']*)'|([^\s']+)`).FindAllStringSubmatch(strings.Split(m[1], "   ")[0], -1) {
				args = append(args, word[1]+word[2])
			}
			if len(args) == 0 || args[0] == "-" || strings.Contains(m[1], "[") || args[0] == "shows" || args[0] == "completion" {
				continue
			}
			var f flags
			check := newCommandFor(&f)
			err := check.ParseFlags(args)
			if err == nil {
				err = f.check(check.Flags(), check.Flags().Args())
			}
			if err != nil {
				t.Errorf("the %s shows nettop %q: %v", name, args, err)
			}
		}
	}
	_, keys, found := strings.Cut(man, ".SH KEYS\n")
	if !found {
		t.Fatal("the man page has no KEYS")
	}
	for _, bind := range bindings {
		if bind.usage != "" && !strings.Contains(keys, ".B "+strings.ReplaceAll(bind.names, `\`, `\e`)+"\n"+bind.usage) {
			t.Errorf("the man page does not tell what %s is for", bind.names)
		}
	}
	// Fields that netstat's rows have are told by its page of JSON.
	page := read(t, "../../docs/netstat-json.md")
	for i := range views {
		for _, field := range views[i].table(new(changes)).Describe().Fields {
			if !strings.Contains(man, field.Name) && !strings.Contains(page, "`"+field.Name+"`") {
				t.Errorf("the man page does not tell the field %s of %s", field.Name, views[i].name)
			}
		}
	}
}
