package names

import (
	"bufio"
	"io"
	"iter"
	"os"
	"strings"
)

// readFile parses a file. One that is not there has no names.
func readFile[T any](path string, parse func(io.Reader) T) (none T) {
	f, err := os.Open(path)
	if err != nil {
		return none
	}
	defer f.Close()
	return parse(f)
}

// lines yields the words of each line that has two or more before a comment.
func lines(r io.Reader) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			line, _, _ := strings.Cut(scanner.Text(), "#")
			if words := strings.Fields(line); len(words) >= 2 && !yield(words) {
				return
			}
		}
	}
}
