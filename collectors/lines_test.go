package collectors

import (
	"bytes"
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// unchanging reads while the truth is the same before and after, and returns it.
func unchanging[T any](t *testing.T, truth func() T, read func()) T {
	t.Helper()
	for end := time.Now().Add(nstest.Patience); ; time.Sleep(10 * time.Millisecond) {
		before := truth()
		read()
		after := truth()
		if reflect.DeepEqual(before, after) {
			return after
		}
		if time.Now().After(end) {
			t.Fatalf("the kernel never said the same twice: %v, then %v", before, after)
		}
	}
}

// parsed returns what a parser makes of a text, and its error.
func parsed[T any](text string, parse func(*lines, func(T) bool)) (rows []T, err error) {
	l := newLines("file", strings.NewReader(text))
	parse(l, func(row T) bool {
		rows = append(rows, row)
		return true
	})
	return rows, l.err
}

// rejects holds that a parser rejects each text with an error that names the
// file and the line.
func rejects(t *testing.T, parse func(*lines), texts ...string) {
	t.Helper()
	for _, text := range texts {
		l := newLines("/proc/x", strings.NewReader(text))
		parse(l)
		if l.err == nil || !namesLine.MatchString(l.err.Error()) {
			t.Errorf("%q: error %v", text, l.err)
		}
	}
}

var namesLine = regexp.MustCompile(`^/proc/x:[0-9]+: .`)

// fuzzLines fuzzes a parser, beginning with what the kernel says and the texts
// given. An error must name the file and the line.
func fuzzLines(f *testing.F, path string, parse func(*lines), texts ...string) {
	f.Helper()
	if content, err := os.ReadFile(path); err == nil {
		f.Add(content)
	}
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		l := newLines("/proc/x", bytes.NewReader(content))
		parse(l)
		if l.err != nil && !namesLine.MatchString(l.err.Error()) && !errors.Is(l.err, errEmpty) {
			t.Errorf("%q: error %v names no line", content, l.err)
		}
	})
}

// discard makes a parser of rows one of nothing.
func discard[T any](parse func(*lines, func(T) bool)) func(*lines) {
	return func(l *lines) { parse(l, func(T) bool { return true }) }
}

func TestFields(t *testing.T) {
	for line, want := range map[string][]string{
		"":                                {},
		" \t\n":                           {},
		"2    eth0   1  0  3333\n":        {"2", "eth0", "1", "0", "3333"},
		"\ta\u2003b\u00a0 \u0085\t\u3000": {"a\u2003b\u00a0", "\u0085", "\u3000"},
		"\xff \xe2\x80":                   {"\xff", "\xe2\x80"},
	} {
		var got []string
		for _, f := range fields([]byte(line)) {
			got = append(got, string(f))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	l := newLines("/proc/x", strings.NewReader("a 1\nb"))
	if !l.next() || string(l.text) != "a 1" || !l.next() || string(l.text) != "b" || l.next() || l.err != nil {
		t.Errorf("line %d %q, %v", l.number, l.text, l.err)
	}
	long := newLines("/proc/x", strings.NewReader("a\n"+strings.Repeat("x", longestLine+1)))
	for long.next() {
	}
	if long.err == nil || !strings.HasPrefix(long.err.Error(), "/proc/x:2: ") {
		t.Errorf("a line of more than %d bytes: %v", longestLine, long.err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := readHostLines(ctx, "/proc/self/status", func(*lines) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("reading after the end: %v", err)
	}
}
