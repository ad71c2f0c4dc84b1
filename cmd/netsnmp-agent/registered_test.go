package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestRegisteredLog holds that a master which drops session after session fills no log.
func TestRegisteredLog(t *testing.T) {
	var b bytes.Buffer
	l := registeredLog{log: slog.New(slog.NewTextHandler(&b, nil)), address: "here", objects: 3}
	now := time.Unix(1, 0)
	for range 600 { // ten minutes
		l.tell(400, 0, now)
		now = now.Add(time.Second)
	}
	if n := strings.Count(b.String(), "\n"); n < registeredLines || n > 11*registeredLines {
		t.Errorf("%d lines", n)
	}
	b.Reset()
	l.tell(0, 400, now.Add(registeredInterval))
	if got := b.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "refused=400") {
		t.Errorf("the log says %q", got)
	}
}
