package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

var update = flag.Bool("update", false, "write golden files and the tables of the man page anew")

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The man page, the README and the help tell every flag, and none that does not
// exist.
func TestDocumentationIsTrueToTheFlags(t *testing.T) {
	cmd := newCommand()
	man := strings.ReplaceAll(read(t, "../../man/netstat.8"), `\-`, "-")
	readme := read(t, "../../README.md")
	page := read(t, "../../docs/netstat-json.md")
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetArgs([]string{"--help"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	help := b.String()
	flags := cmd.Flags()
	flags.VisitAll(func(f *pflag.Flag) {
		for name, text := range map[string]string{"man page": man, "help": help} {
			if name == "help" && f.Hidden {
				continue // it is refused with a reason
			}
			if !regexp.MustCompile(`--` + f.Name + `\b`).MatchString(text) {
				t.Errorf("the %s does not tell --%s", name, f.Name)
			}
			if f.Shorthand != "" && !regexp.MustCompile(`-`+f.Shorthand+`\b`).MatchString(text) {
				t.Errorf("the %s does not tell -%s", name, f.Shorthand)
			}
		}
	})
	for name, text := range map[string]string{"man page": man, "README": readme, "help": help, "page of JSON": page} {
		if name == "man page" || name == "help" {
			for _, m := range regexp.MustCompile(`(?m)(?:^|[ "|])--([a-z][a-z0-9-]*)`).FindAllStringSubmatch(text, -1) {
				if flags.Lookup(m[1]) == nil {
					t.Errorf("the %s tells --%s, which there is not", name, m[1])
				}
			}
		}
		// Whole commands: each must be one that the program understands.
		for _, m := range regexp.MustCompile(`(?m)^(?:\$ |  )?netstat( -[^\n|#]*)$`).FindAllStringSubmatch(text, -1) {
			args := words(strings.Split(m[1], "   ")[0])
			if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, `[`) }) {
				continue
			}
			check := newCommand()
			if err := check.ParseFlags(args); err != nil {
				t.Errorf("the %s shows netstat %q: %v", name, args, err)
			}
		}
	}
	for _, kind := range show.Kinds() {
		if !strings.Contains(page, "\n## "+kind.Name+"\n") {
			t.Errorf("the page of JSON lacks %s", kind.Name)
		}
	}
}

// manual is what the man page tells of the flags that modes take.
func manual() string {
	var b strings.Builder
	option := func(name string) string {
		for _, m := range modifiers {
			if m.name == name && m.short != "" {
				return `\-` + m.short
			}
		}
		for _, m := range modes {
			if m.name == name && m.short != "" {
				return `\-` + m.short
			}
		}
		return `\-\-` + strings.ReplaceAll(name, "-", `\-`)
	}
	list := func(names []string) string {
		var options []string
		for _, name := range names {
			options = append(options, option(name))
		}
		return strings.Join(options, ", ")
	}
	for _, m := range modes {
		title := "sockets"
		if m.name != "" {
			title = strings.ReplaceAll(list(strings.Fields(m.name)), ", ", " ")
		}
		takes := list(strings.Fields(m.takes))
		if takes == "" {
			takes = "none"
		}
		b.WriteString(".TP\n.B " + title + "\n" + takes + "\n")
	}
	var names []string
	for _, m := range modifiers {
		if _, is := alone[m.name]; m.scope == everywhere && !is && len(takers(m.name)) == 0 && m.name != "kinds" && m.name != "version" && m.name != "help" {
			names = append(names, m.name)
		}
	}
	b.WriteString(".TP\n.B every table\n" + list(names) + "\n")
	return b.String()
}

// The man page tells which flags go together as they are declared.
func TestManPageTellsModes(t *testing.T) {
	const file, begin, end = "../../man/netstat.8", ".\\\" What modes take, as cmd/netstat declares it.\n", ".SH OTHER STACKS\n"
	page := read(t, file)
	before, rest, found := strings.Cut(page, begin)
	got, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		t.Fatal("the man page does not tell what modes take")
	}
	want := manual()
	if got != want && *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Error("the man page is not what is declared: run go test ./cmd/netstat -update")
	}
}

// words splits a command line that has single quotes at most.
func words(line string) (found []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|([^\s']+)`).FindAllStringSubmatch(line, -1) {
		found = append(found, m[1]+m[2])
	}
	return found
}

// Every column of every table is told by the man page, below COLUMNS.
func TestManPageTellsColumns(t *testing.T) {
	_, man, found := strings.Cut(strings.ReplaceAll(read(t, "../../man/netstat.8"), `\-`, "-"), ".SH COLUMNS\n")
	if !found {
		t.Fatal("the man page has no COLUMNS")
	}
	tables := 0
	for _, args := range []string{
		"-tanpeeo --buffers", "-Tanp", "--options -anp", "-xanpee", "-Lnp", "-B", "-r", "-ree", "-r6ee --table all", "-i", "-gep", "-is", "-rs", "-m", "-Qe", "--addresses", "--neighbours", "--rules",
		"--nexthops", "--netconf", "--qdiscs", "--mroutes", "--mdb", "--namespaces", "--conntrack -pe", "--conntrack --by source", "--conntrack -s", "--expectations", "--netlink", "--vsock", "--xdp", "--smc", "--tipc",
	} {
		// What the stack does not have has its headings nevertheless.
		out, _, err := showFake(t, newFake(), append(strings.Fields(args), "-n")...)
		if err != nil && !errors.Is(err, show.ErrIncomplete) {
			t.Fatal(args, err)
		}
		for paragraph := range strings.SplitSeq(out, "\n\n") {
			lines := strings.Split(paragraph, "\n")
			if len(lines) < 2 || lines[0] == "Sockets in use" {
				continue
			}
			tables++
			for heading := range strings.FieldsSeq(lines[1]) {
				if !regexp.MustCompile(`(^|[^A-Za-z-])` + regexp.QuoteMeta(heading) + `($|[^A-Za-z-])`).MatchString(man) {
					t.Errorf("%s: the man page does not tell the column %q", args, heading)
				}
			}
		}
	}
	if tables < 30 {
		t.Errorf("only %d tables were looked at", tables)
	}
}
