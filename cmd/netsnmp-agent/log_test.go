package main

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// TestBoundedLog holds that what is said too often is said some times, and then how often it was not; and that what is asked for
// by the debug level is all there.
func TestBoundedLog(t *testing.T) { synctest.Test(t, testBoundedLog) }

func testBoundedLog(t *testing.T) {
	var out nstest.Output
	log := slog.New(boundedLog{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), newLogBounds()})
	read := 0
	logged := func() (text string) { // since the last call
		synctest.Wait()
		text = out.String()[read:]
		read += len(text)
		return text
	}
	// An interval in which all are logged.
	log.Warn("flood")
	time.Sleep(logInterval - time.Second)
	for range logBurst - 1 {
		log.Warn("flood")
	}
	if got := strings.Count(logged(), "msg=flood"); got != logBurst {
		t.Errorf("logged %d times, want %d", got, logBurst)
	}

	time.Sleep(time.Second)
	for i := range 100 {
		log.With("a", 1).Warn("flood", "n", i)
		log.Debug("asked for", "n", i)
	}
	log.Warn("another")
	got := logged()
	count := func(text string) int { return strings.Count(got, text) }
	if count("msg=flood") != logBurst || count(`msg="asked for"`) != 100 || count("msg=another") != 1 {
		t.Errorf("logged %d times:\n%s", count("msg=flood"), got)
	}
	time.Sleep(logInterval - time.Nanosecond)
	log.Warn("flood")
	if got := logged(); got != "" {
		t.Errorf("before the end of the interval: %q", got)
	}
	time.Sleep(time.Nanosecond)
	if got := logged(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN msg=flood a=1 not_logged=71 within=30s") {
		t.Errorf("at the end of the interval: %q", got)
	}
	if log.Warn("flood"); strings.Count(logged(), "msg=flood") != 1 {
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
