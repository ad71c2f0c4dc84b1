package samples_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// A row of a table that stands behind an empty line, or without headings, is shown as text with bars.
func TestTables(t *testing.T) {
	out, err := exec.Command("git", "-C", "../..", "ls-files", "*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`^\|([ :-]+\|)+$`)
	tables := 0
	for file := range strings.FieldsSeq(string(out)) {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		lines, fenced := strings.Split(string(text), "\n"), false
		for i, line := range lines {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if fenced || !strings.HasPrefix(line, "|") || i > 0 && strings.HasPrefix(lines[i-1], "|") {
				continue
			}
			if tables++; i+1 == len(lines) || !rule.MatchString(lines[i+1]) {
				t.Errorf("%s:%d: a table begins without headings: %s", file, i+1, line)
			}
		}
	}
	if tables == 0 {
		t.Error("no document has a table")
	}
}
