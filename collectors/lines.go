package collectors

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// longestLine bounds a line of a file of /proc. The longest today are those of
// /proc/net/netstat, of some 5,000 bytes.
const longestLine = 1 << 20

// lines goes through the lines of a file:
//
//	for l := newLines("/proc/net/igmp", r); l.next(); {
//		... l.text, l.fields() ...
//	}
//
// Its errors name the file and the line. The first one ends it.
type lines struct {
	file    string
	number  int // of the line at hand, from 1
	text    []byte
	err     error
	scanner *bufio.Scanner
}

func newLines(file string, r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 16<<10), longestLine)
	return &lines{file: file, scanner: s}
}

func (l *lines) next() bool {
	if l.err != nil {
		return false
	}
	if !l.scanner.Scan() {
		if err := l.scanner.Err(); err != nil {
			l.number++
			l.err = fmt.Errorf("%s:%d: %w", l.file, l.number, err)
		}
		return false
	}
	l.number++
	l.text = l.scanner.Bytes()
	return true
}

// fail makes the line at hand the reason why reading ends.
func (l *lines) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf("%s:%d: %w: %q", l.file, l.number, fmt.Errorf(format, args...), clip(bytes.TrimSpace(l.text)))
	}
}

func (l *lines) fields() [][]byte { return fields(l.text) }

// fields splits a line at the octets that the kernel writes between fields. What
// else Unicode takes for a blank may stand in names: of interfaces
// (net/core/dev.c, dev_valid_name), mount points, sockets.
func fields(line []byte) [][]byte {
	isBlank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }
	n, inside := 0, false
	for _, c := range line {
		if !isBlank(c) && !inside {
			n++
		}
		inside = !isBlank(c)
	}
	all := make([][]byte, 0, n)
	for begin, i := 0, 0; i <= len(line); i++ {
		if i < len(line) && !isBlank(line[i]) {
			continue
		}
		if begin < i {
			all = append(all, line[begin:i:i])
		}
		begin = i + 1
	}
	return all
}

// uint64 reads a number of the line at hand; a malformed one ends the reading.
func (l *lines) uint64(field []byte, base int) uint64 {
	n, err := strconv.ParseUint(string(field), base, 64)
	if err != nil {
		l.fail("%w", err)
	}
	return n
}

func (l *lines) uint32(field []byte, base int) uint32 {
	n, err := strconv.ParseUint(string(field), base, 32)
	if err != nil {
		l.fail("%w", err)
	}
	return uint32(n)
}

// readLines calls parse with the lines of a file, opened on a thread that is in
// the stack's namespace: /proc/net/NAME shows that thread's.
func (k *Kernel) readLines(ctx context.Context, path string, parse func(*lines)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var f *os.File
	err := k.inside(func() (err error) {
		f, err = os.Open(ofThread(path))
		return err
	})
	if err != nil {
		return err
	}
	return parseLines(ctx, path, f, parse)
}

// parseLines calls parse with the lines of a file, which it closes.
func parseLines(ctx context.Context, path string, f *os.File, parse func(*lines)) error {
	defer f.Close()
	l := newLines(path, contextReader{ctx, f})
	parse(l)
	return l.err
}

// ofThread returns where the calling thread's /proc/net is: /proc/net itself is
// that of the process's first thread.
func ofThread(path string) string {
	if rest, ok := strings.CutPrefix(path, "/proc/net/"); ok {
		return "/proc/thread-self/net/" + rest
	}
	return path
}

// contextReader reads until a context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// absentFile says of a missing file that the kernel does not have what it
// tells.
func absentFile(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notSupported(err)
	}
	return err
}
