package nettop_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Rows have the members that docs/nettop-json.md tells of their kind, and no others.
func TestRowsAreAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/nettop-json.md")
	if err != nil {
		t.Fatal(err)
	}
	members := make(map[string][]string)
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		kind, table, _ := strings.Cut(section, "\n")
		for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
			members[kind] = append(members[kind], m[1])
		}
	}
	ns := tracking(t)
	serve(t, ns.Listen(t, "tcp", "127.0.0.1:4740"))
	c := ns.Dial(t, "tcp", "127.0.0.1:4740")
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	for _, view := range []string{"connections", "processes", "interfaces", "listeners", "tracked", "hosts"} {
		found := rows(t, view, "--netns", ns.Name, "--once", "--interval", "0.1")
		if len(found) == 0 {
			t.Errorf("%s has no rows", view)
		}
		for _, row := range found {
			kind, _ := row["kind"].(string)
			for name := range row {
				if name != "kind" && !slices.Contains(members[kind], name) {
					t.Errorf("%s: the page does not tell the member %s of %s", view, name, kind)
				}
			}
		}
	}
}
