package snmpdconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Line is a directive of a file, or of one that it includes.
type Line struct {
	Section   string // "snmp" behind [snmp]; that of the file's own program otherwise
	Directive string
	Rest      string // what follows it, without blanks at the ends; "" for nothing or a comment
	File      string
	Number    int
	// Err is why the line cannot be read, or should not; the rest is empty then but for where it stands.
	Err error
}

// Where returns where the line stands, "FILE:LINE: DIRECTIVE".
func (l *Line) Where() string { return fmt.Sprintf("%s:%d: %s", l.File, l.Number, l.Directive) }

// Warning is what a file says in vain.
type Warning struct {
	Where string // "FILE:LINE: DIRECTIVE", "FILE:LINE" or "FILE"
	Text  string
}

// String returns both.
func (w Warning) String() string { return w.Where + ": " + w.Text }

// Text is a file with those that it includes, as net-snmp's read_config reads them.
type Text struct {
	Lines    []Line
	Warnings []Warning
	// Strangers are lines of sections that are not the program's. One that stands alone does not begin a section: net-snmp
	// takes what follows for what it was before.
	Strangers []Warning
	// Files are all that was read, and the folders that were looked into.
	Files []string
	// Public are those of the files that any user can read.
	Public []string
}

// Bounds of reading. Depth and number are net-snmp's own.
const (
	maxFile  = 1 << 20 // octets, of all files together
	maxDepth = 16      // files that include each other
	maxFiles = 4096
)

// searched are the folders in which net-snmp looks for a file, unless SNMPCONFPATH names others.
var searched = []string{"/etc/snmp", "/usr/share/snmp", "~/.snmp"}

// Search returns the files NAME.conf and NAME.local.conf in the order in which net-snmp reads them: of the folders
// that the environment's SNMPCONFPATH names, or else of /etc/snmp, /usr/share/snmp and ~/.snmp. Not all of them
// need be there.
func Search(name string) (paths []string) {
	folders := searched
	if path, ok := os.LookupEnv("SNMPCONFPATH"); ok {
		folders = strings.Split(path, ":")
	}
	for _, folder := range folders {
		if below, ok := strings.CutPrefix(folder, "~/"); ok {
			home, err := os.UserHomeDir()
			if err != nil {
				continue
			}
			folder = filepath.Join(home, below)
		}
		if folder != "" {
			paths = append(paths, filepath.Join(folder, name+".conf"), filepath.Join(folder, name+".local.conf"))
		}
	}
	return paths
}

// Load reads the file path, which is one of the program that the first of the sections is called after. Lines behind
// [NAME] belong to that section if it is one of sections, of which all names are in lower case. What cannot be read
// of the file itself is an error: one of the system's, or ctx's.
func Load(ctx context.Context, path string, sections ...string) (*Text, error) {
	r := newReading(ctx, sections)
	c, err := r.open(path)
	if err != nil {
		return nil, err
	}
	return r.all(path, c)
}

// LoadFrom does the same of what in has; name is what the file is called.
func LoadFrom(ctx context.Context, name string, in io.Reader, sections ...string) (*Text, error) {
	r := newReading(ctx, sections)
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	return r.all(name, content{text: text})
}

// reading is the reading of a file.
type reading struct {
	Text
	ctx      context.Context
	open     func(path string) (content, error)
	sections []string
	octets   int
	files    int
}

// content is a file as it is.
type content struct {
	text   []byte
	public bool
}

func newReading(ctx context.Context, sections []string) *reading {
	return &reading{ctx: ctx, sections: sections, open: func(path string) (content, error) { return openFile(ctx, path) }}
}

// openFile reads a file, which may be a pipe that somebody writes later.
func openFile(ctx context.Context, path string) (content, error) {
	type result struct {
		content
		err error
	}
	done := make(chan result, 1)
	go func() { // opening and reading may take as long as others like
		var r result
		defer func() { done <- r }()
		var f *os.File
		if f, r.err = os.Open(path); r.err != nil {
			return
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			r.public = info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
		}
		r.text, r.err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}()
	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return content{}, ctx.Err()
	}
}

func (r *reading) all(name string, c content) (*Text, error) {
	if len(c.text) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d bytes", shorten(name), maxFile)
	}
	if err := r.file(name, c, r.sections[0], 0); err != nil {
		return nil, err
	}
	return &r.Text, nil
}

// file takes a file. Its only errors are those that end all reading.
func (r *reading) file(name string, c content, section string, depth int) error {
	r.files++
	if r.octets += len(c.text); r.octets > maxFile {
		return fmt.Errorf("%s: longer than %d bytes, with the files that are read before it", shorten(name), maxFile)
	}
	r.Files = append(r.Files, name)
	if c.public {
		r.Public = append(r.Public, name)
	}
	text := bytes.TrimPrefix(c.text, []byte("\ufeff"))
	number := 0
	for line := range bytes.Lines(text) {
		number++
		l := Line{Section: section, File: name, Number: number}
		place := fmt.Sprintf("%s:%d", name, number)
		line = bytes.TrimSuffix(line, []byte("\n"))
		a := arguments{rest: string(line)}
		switch {
		case bytes.IndexByte(line, 0) >= 0: // in a comment as well, which the next line is a part of there
			r.problem(&l, errNUL)
			continue
		case !a.more():
			continue
		}
		l.Directive = a.next()
		if strings.HasPrefix(l.Directive, "[") && a.err == nil {
			of, closed := strings.CutSuffix(l.Directive[1:], "]")
			of = strings.ToLower(of)
			known := slices.Contains(r.sections, of)
			switch {
			case !closed:
				l.Directive = "" // it may be a secret
				r.problem(&l, errors.New("a section's name ends with ]"))
				continue
			case !known && !a.more():
				r.Strangers = append(r.Strangers, Warning{place, "there is no such section: what follows belongs to the one before, as with net-snmp's programs"})
				continue
			case !known:
				r.Strangers = append(r.Strangers, Warning{place, "there is no such section: the line is not heeded"})
				continue
			case !a.more():
				section = of
				continue
			}
			l.Section, l.Directive = of, a.next()
		} else if a.err == nil && strings.HasPrefix(l.Directive, "i") && strings.HasPrefix(strings.ToLower(l.Directive), "include") {
			if done, err := r.include(&l, &a, section, depth); err != nil {
				return err
			} else if done {
				continue
			}
		}
		if a.err != nil {
			l.Directive = ""
			r.problem(&l, a.err)
			continue
		}
		if a.more() {
			l.Rest = strings.TrimRight(a.rest, blanks)
		}
		r.Lines = append(r.Lines, l)
	}
	return nil
}

func (r *reading) warn(where, text string) {
	r.Warnings = append(r.Warnings, Warning{where, text})
}

// problem makes a line one that cannot be read.
func (r *reading) problem(l *Line, err error) {
	if l.Directive != "" {
		err = fmt.Errorf("%s: %w", l.Directive, err)
	}
	r.Lines = append(r.Lines, Line{File: l.File, Number: l.Number, Err: fmt.Errorf("%s:%d: %w", l.File, l.Number, err)})
}

// include follows one of net-snmp's directives for that, and reports whether the line is one.
func (r *reading) include(l *Line, a *arguments, section string, depth int) (bool, error) {
	of := strings.ToLower(l.Directive)
	switch of {
	case "include":
		r.problem(l, errors.New("snmpd does not heed it: write includeFile or includeSearch"))
		return true, nil
	case "includefile", "includedir", "includesearch":
	default:
		return false, nil
	}
	if !a.more() {
		r.warn(l.Where(), "has no argument")
		return true, nil
	}
	path := a.rest // blanks behind it as well, as net-snmp does
	switch of {
	case "includefile":
		if !filepath.IsAbs(path) {
			folder, _ := filepath.Split(l.File)
			path = folder + path
		}
		there, err := r.included(l, path, section, depth)
		if !there && err == nil {
			r.warn(l.Where(), fmt.Sprintf("there is no file %q", shorten(path)))
		}
		return true, err
	case "includesearch":
		any := false
		for _, path := range Search(strings.TrimSuffix(path, ".conf")) {
			there, err := r.included(l, path, section, depth)
			if err != nil {
				return true, err
			}
			any = any || there
		}
		if !any {
			r.warn(l.Where(), fmt.Sprintf("there is no file %q in the folders of net-snmp", shorten(path)))
		}
		return true, nil
	}
	entries, err := os.ReadDir(path) // in the order of names
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.warn(l.Where(), fmt.Sprintf("there is no folder %q", shorten(path)))
		return true, nil
	case err != nil:
		r.problem(l, err)
		return true, nil
	}
	r.Files = append(r.Files, path)
	for _, e := range entries {
		if name := e.Name(); name[0] != '.' && len(name) > len(".conf") && strings.HasSuffix(name, ".conf") && !e.IsDir() {
			if _, err := r.included(l, path+"/"+name, section, depth); err != nil {
				return true, err
			}
		}
	}
	return true, nil
}

// included takes a file that a line includes, and reports whether it is there.
func (r *reading) included(l *Line, path, section string, depth int) (there bool, err error) {
	c, err := r.open(path)
	switch {
	case r.ctx.Err() != nil:
		return false, r.ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		r.problem(l, err) // it may say who is not let in
		return true, nil
	case depth >= maxDepth:
		return true, fmt.Errorf("%s: files include each other more than %d deep", l.Where(), maxDepth)
	case r.files >= maxFiles:
		return true, fmt.Errorf("%s: more than %d files are included", l.Where(), maxFiles)
	}
	return true, r.file(path, c, section, depth+1)
}
