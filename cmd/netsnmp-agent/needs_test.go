package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNeedsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.conf")
	if err := os.WriteFile(path, []byte("rocommunity public\nview v included .1\nrwuser joe priv -V v\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := readFile(t.Context(), path)
	for _, want := range []string{
		path + ":2: view: restricting access to part of the tree is not supported",
		path + ":3: rwuser: restricting access to part of the tree is not supported",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err != nil && strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("one reason for a line is enough: %v", err)
	}
}
