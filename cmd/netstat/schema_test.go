package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

var update = flag.Bool("update", false, "write golden files and docs/netstat-json.md anew")

const schemaIntroduction = `# netstat --json

` + "`netstat --json`" + ` prints JSON Lines: one object for each row, each on a line of its own, as soon as the
row is known. The member ` + "`kind`" + ` says what an object is; the tables below say what else may be in it.

- A member that is not known, or that the row does not have, is absent. A 0 is always a 0 that the
  kernel, or the agent of a host, reported.
- Integers are written with all their digits, up to 2^64-1. A reader that keeps numbers as floating
  point loses the last digits of those beyond 2^53.
- Durations are in seconds. Addresses are as in RFC 5952; the zone of a link-local one is the
  interface's name, behind a "%".
- Strings are escaped so that a line holds nothing but printable characters, whatever name a process
  or a file has. A byte that is not UTF-8 becomes U+FFFD.
- Members will be added. None changes its meaning or type, and none goes, without a new major version.

The members are also what ` + "`--sort`" + ` and ` + "`--filter`" + ` know.
`

// schema is docs/netstat-json.md.
func schema() []byte {
	var b bytes.Buffer
	b.WriteString(schemaIntroduction)
	for _, k := range show.Kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n| member | type | what it is |\n|---|---|---|\n", k.Name, strings.ToUpper(k.Doc[:1])+k.Doc[1:])
		for _, f := range k.Fields {
			doc := f.Doc
			if len(f.Words) > 0 {
				var words []string
				for _, w := range f.Words {
					words = append(words, "`"+w+"`")
				}
				if doc = strings.TrimSpace(doc); !strings.Contains(doc, "`") {
					doc += ": " + strings.Join(words, ", ")
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Type, doc)
		}
	}
	return b.Bytes()
}

// docs/netstat-json.md tells what the program prints, and no field is declared
// carelessly.
func TestSchema(t *testing.T) {
	const file = "../../docs/netstat-json.md"
	want := schema()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/netstat-json.md is not what the declarations say: look at what changed, and run go test ./cmd/netstat -update")
	}
	name := regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
	seen := make(map[string]bool)
	for _, k := range show.Kinds() {
		if seen[k.Name] || !name.MatchString(k.Name) || k.Doc == "" {
			t.Errorf("kind %q is declared twice, has no name or no documentation", k.Name)
		}
		seen[k.Name] = true
		fields := map[string]bool{"kind": true}
		for _, f := range k.Fields {
			if fields[strings.ToLower(f.Name)] || !name.MatchString(f.Name) {
				t.Errorf("%s: field %q is declared twice or has an unusual name", k.Name, f.Name)
			}
			fields[strings.ToLower(f.Name)] = true
			if f.Type == "" {
				t.Errorf("%s: field %q has no type", k.Name, f.Name)
			}
		}
	}
}
