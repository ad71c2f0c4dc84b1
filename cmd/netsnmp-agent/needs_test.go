package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := func(f flags) string {
		t.Helper()
		file, err := readFile(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s := settings{flags: f, log: slog.New(slog.NewTextHandler(&log, nil))}
		s.warnOfNeeds(file)
		return log.String()
	}
	write("rocommunity public\ncom2sec -Cn blue x default public\n")
	if got := said(flags{}); !strings.Contains(got, "the default context only") || !strings.Contains(got, path+":2: com2sec") {
		t.Errorf("of a context without any: said %q", got)
	}
	if got := said(flags{contexts: []string{"*"}}); got != "" {
		t.Errorf("of a context beside --contexts: said %q", got)
	}
	write("com2sec -Cn blue x default public\nnetnsContexts blue\n")
	if got := said(flags{}); got != "" {
		t.Errorf("of a context beside netnsContexts: said %q", got)
	}
	write("com2secunix joe /run/x public\n")
	if got := said(flags{}); !strings.Contains(got, "nobody can ask over a socket") || !strings.Contains(got, path+":1: com2secunix") {
		t.Errorf("said %q", got)
	}
}
