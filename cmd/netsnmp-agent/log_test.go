package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"
)

// TestBoundedLog holds that what is said too often is said some times, and then how often it was not; and that what is asked for
// by the debug level is all there.
func TestBoundedLog(t *testing.T) {
	var out bytes.Buffer
	var ends []func()
	bounds := newLogBounds()
	bounds.after = func(d time.Duration, f func()) {
		if d != logInterval {
			t.Errorf("an interval of %v", d)
		}
		ends = append(ends, f)
	}
	log := slog.New(boundedLog{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), bounds})
	for i := range 100 {
		log.With("a", 1).Warn("flood", "n", i)
		log.Debug("asked for", "n", i)
	}
	log.Warn("another")
	count := func(text string) int { return strings.Count(out.String(), text) }
	if got := count("msg=flood"); got != logBurst || count(`msg="asked for"`) != 100 || count("msg=another") != 1 {
		t.Fatalf("logged %d times:\n%s", got, out.String())
	}
	if len(ends) != 2 {
		t.Fatalf("%d intervals", len(ends))
	}
	out.Reset()
	for _, end := range ends {
		end()
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN msg=flood a=1 not_logged=70 within=30s") {
		t.Errorf("at the end of the interval: %q", got)
	}
	out.Reset()
	if log.Warn("flood"); count("msg=flood") != 1 {
		t.Error("the next interval has no room")
	}
}

// TestJournalLog holds what an entry of the journal is: its text has all attributes, and each is a field.
func TestJournalLog(t *testing.T) {
	var mu sync.Mutex
	var got []journalEntry
	to := newJournalOutput(func(message string, priority journal.Priority, fields map[string]string) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, journalEntry{message, priority, fields})
		return nil
	})
	log := newLog(to, slog.LevelInfo)
	log.Debug("not asked for")
	log.With("context", "blue").WithGroup("of").Warn("it is so", "source", "192.0.2.1", slog.Group("in", "größe", 7), "error", "line 1\nline 2", "empty", "")
	log.Error("it failed")
	_, _ = to.Write([]byte("netsnmp-agent: the end\n"))
	if !to.flush() {
		t.Fatal("not written")
	}
	mu.Lock()
	defer mu.Unlock()
	want := []journalEntry{
		{`it is so context=blue of_source=192.0.2.1 of_in_größe=7 of_error="line 1\nline 2" of_empty=""`, journal.PriWarning, map[string]string{
			"SYSLOG_IDENTIFIER": "netsnmp-agent", "CONTEXT": "blue", "OF_SOURCE": "192.0.2.1", "OF_IN_GR__E": "7", "OF_ERROR": "line 1\nline 2", "OF_EMPTY": "",
		}},
		{"it failed", journal.PriErr, map[string]string{"SYSLOG_IDENTIFIER": "netsnmp-agent"}},
		{"netsnmp-agent: the end", journal.PriErr, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
