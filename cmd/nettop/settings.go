package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// settings are what is remembered from run to run, in a file that people may edit: lines
// NAME = VALUE. Lines that are not understood are said, and kept.
type settings struct {
	path  string // empty for no file
	lines []string
	names map[string]int // lines by name
	dirty bool
}

// settingsPath is where settings are: $XDG_CONFIG_HOME/nettop/config.
func settingsPath() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "nettop", "config")
}

// readSettings reads a file. What is wrong with it goes to complain; one that is not there
// has no settings.
func readSettings(path string, complain func(text string)) *settings {
	s := &settings{path: path, names: make(map[string]int)}
	if path == "" {
		return s
	}
	text, err := os.ReadFile(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			complain(err.Error())
			s.path = "" // what cannot be read is not written
		}
		return s
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		s.lines = append(s.lines, line)
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		at := fmt.Sprintf("%s:%d", path, len(s.lines))
		switch {
		case !found:
			complain(at + ": expected NAME = VALUE")
		case !known(name):
			complain(fmt.Sprintf("%s: there is no setting %q", at, name))
		case value == "":
			complain(fmt.Sprintf("%s: %s has no value", at, name))
		default:
			if err := checkSetting(name, value); err != nil {
				complain(fmt.Sprintf("%s: %v", at, err))
				continue
			}
			if earlier, again := s.names[name]; again {
				complain(fmt.Sprintf("%s: %s stands in line %d already", at, name, earlier+1))
				continue
			}
			s.names[name] = len(s.lines) - 1
		}
	}
	return s
}

// known reports whether there is a setting of a name: "view", or of a view its "sort" or
// "columns".
func known(name string) bool {
	of, what, both := strings.Cut(name, ".")
	return name == "view" || both && slices.Contains(viewNames(), of) && (what == "sort" || what == "columns")
}

func checkSetting(name, value string) error {
	of, what, _ := strings.Cut(name, ".")
	switch what {
	case "":
		if !slices.Contains(viewNames(), value) {
			return fmt.Errorf("there is no view %q: there are %s", value, strings.Join(viewNames(), ", "))
		}
	case "sort":
		v, err := findView(of)
		if err != nil {
			return err
		}
		return checkOrder(v, value)
	}
	return nil // columns depend on what is shown: those that are not there are passed over
}

// get returns a setting, empty where there is none.
func (s *settings) get(name string) string {
	at, ok := s.names[name]
	if !ok {
		return ""
	}
	_, value, _ := strings.Cut(s.lines[at], "=")
	return strings.TrimSpace(value)
}

// set changes a setting.
func (s *settings) set(name, value string) {
	if s.get(name) == value {
		return
	}
	s.dirty = true
	at, ok := s.names[name]
	if !ok {
		at = len(s.lines)
		s.names[name] = at
		s.lines = append(s.lines, "")
	}
	s.lines[at] = name + " = " + value
}

// save writes what changed: into another file first, so that there is a whole one at any
// time.
func (s *settings) save() error {
	if !s.dirty || s.path == "" {
		return nil
	}
	if err := s.write(); err != nil {
		return fmt.Errorf("what was chosen is not kept: %w", err)
	}
	s.dirty = false
	return nil
}

func (s *settings) write() error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(s.path), ".config-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(strings.Join(s.lines, "\n") + "\n")
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
