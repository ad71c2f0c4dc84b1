package main

import (
	"bytes"
	"fmt"
	"strings"
)

// renewed returns a page with the report's sections in the place of those with their titles. Each says that it is of a
// run of its own, and what differed then.
func (r *report) renewed(page []byte) ([]byte, error) {
	parts := strings.Split(string(page), sectionMark)
	for _, s := range r.Sections {
		at := 0
		for i, part := range parts[1:] {
			if title, _, _ := strings.Cut(part, "\n"); title == s.Title {
				at = i + 1
			}
		}
		if at == 0 {
			return nil, fmt.Errorf("-renew: the page has no section %q", s.Title)
		}
		s.note("This section is of a run of its own: %s, %s, %d × %s, Linux %s, load average before %s.", r.Machine.Date, r.Machine.Commit, r.Machine.Processors, r.Machine.Model, r.Machine.Kernel, r.Machine.Load)
		var b bytes.Buffer
		s.markdown(&b, r.Page)
		parts[at] = strings.TrimPrefix(b.String(), sectionMark)
	}
	return []byte(strings.Join(parts, sectionMark)), nil
}
