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
	write("rocommunity public\ncom2sec -Cn blue x default public\n")
	_, err := readFile(t.Context(), path)
	if want := path + ":2: com2sec: giving access to a context is not supported"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
	write("com2secunix joe /run/x public\n")
	file, err := readFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	warnOfNeeds(slog.New(slog.NewTextHandler(&said, nil)), file)
	if !strings.Contains(said.String(), "nobody can ask over a socket") || !strings.Contains(said.String(), path+":1: com2secunix") {
		t.Errorf("said %q", said.String())
	}
}
