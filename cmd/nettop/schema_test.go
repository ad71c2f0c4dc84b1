package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

var update = flag.Bool("update", false, "write docs/nettop-json.md anew")

const schemaIntroduction = `# nettop --json

` + "`nettop VIEW --json`" + ` prints JSON Lines: of each reading one object for each row. Objects follow the rules of
[netstat's](netstat-json.md): a member that is not known is absent, and a 0 is always one that was counted. The member
` + "`kind`" + ` says what an object is; the tables below say what else may be in it. They are also what ` + "`--sort`" + `,
` + "`--filter`" + ` and ` + "`--csv`" + ` know.

Rates are by the second, over the time since the reading before. Those of what began or ended meanwhile are over
the whole of that time, so that they add up. The first reading of a stack has none. "The program" is nettop, and a
turn is a reading. Options that descriptions name are netstat's.

| view | kind |
|---|---|
`

// kindsOf are those of the rows of a view: of what stands above the others, too.
func kindsOf(v *view) []table.Description {
	kinds := []table.Description{v.table(new(changes)).Describe()}
	if strings.HasPrefix(kinds[0].Name, "flowTraffic") {
		kinds = append(kinds, show.FlowUsage().Describe())
	}
	return kinds
}

// schema is docs/nettop-json.md.
func schema() []byte {
	var top, b bytes.Buffer
	top.WriteString(schemaIntroduction)
	seen := make(map[string]bool)
	for i := range views {
		var names []string
		for _, k := range kindsOf(&views[i]) {
			names = append(names, "`"+k.Name+"`")
			if seen[k.Name] {
				continue
			}
			seen[k.Name] = true
			b.WriteString(k.Section())
		}
		fmt.Fprintf(&top, "| `%s` | %s |\n", views[i].name, strings.Join(names, ", "))
	}
	return append(top.Bytes(), b.Bytes()...)
}

// docs/nettop-json.md tells what the program prints.
func TestSchema(t *testing.T) {
	const file = "../../docs/nettop-json.md"
	want := schema()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, file); got != string(want) {
		t.Error("docs/nettop-json.md is not what the declarations say: look at what changed, and run go test ./cmd/nettop -run Schema -update")
	}
}
