package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestRenewed holds that a section is exchanged with its notes, and nothing else is touched.
func TestRenewed(t *testing.T) {
	of := func(title string, value float64) section {
		s := section{Title: title, Peer: "snmpd"}
		s.add(figure{Case: "case of " + title, Ours: &quantity{Value: value}})
		s.note("a note of %s", title)
		return s
	}
	whole := report{Page: "agent", Runs: 3, Sections: []section{of("A", 1), of("B", 2), of("C", 3)}}
	var page bytes.Buffer
	if err := whole.markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"A", "C"} {
		again := report{Page: "agent", Machine: machine{Date: "2001-02-03", Commit: "abc", Processors: 2, Model: "Z80"}, Sections: []section{of(title, 4)}}
		got, err := again.renewed(page.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		old := map[string]string{"A": "| case of A | 1 |", "C": "| case of C | 3 |"}[title]
		want := strings.Replace(page.String(), old, "| case of "+title+" | 4 |", 1)
		note := "- a note of " + title + "\n"
		want = strings.Replace(want, note, note+"- This section is of a run of its own: 2001-02-03, abc, 2 × Z80, Linux , load average before .\n", 1)
		if string(got) != want {
			t.Errorf("renewed %s:\n%s\nwant:\n%s", title, got, want)
		}
	}
	other := report{Page: "agent", Sections: []section{of("D", 1)}}
	if _, err := other.renewed(page.Bytes()); err == nil || !strings.Contains(err.Error(), `no section "D"`) {
		t.Errorf("a section that there is not: %v", err)
	}
}
