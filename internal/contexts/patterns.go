package contexts

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// names is where ip-netns(8) keeps the names of network namespaces.
const names = "/run/netns"

// MaxName is the longest name of a context in octets (RFC 3415, vacmContextName).
const MaxName = 32

// Patterns say which network namespaces are contexts: the first that a namespace's path
// matches decides.
type Patterns []pattern

type pattern struct {
	deny         bool
	folder, base string
}

// ParsePattern parses a pattern of path.Match. It is for names of ip-netns(8), or for the
// files of a folder where it is a path, of which the folder is taken to the letter.
// With "!" in front what it matches is no context.
func ParsePattern(text string) (Patterns, error) {
	of, deny := strings.CutPrefix(text, "!")
	p := pattern{deny, names, of}
	if strings.Contains(of, "/") {
		if p.folder, p.base = path.Split(path.Clean(of)); !strings.HasPrefix(p.folder, "/") {
			return nil, fmt.Errorf("%q is not a path from the root on", of)
		}
		p.folder = path.Clean(p.folder)
		if strings.ContainsAny(p.folder, `*?[\`) {
			return nil, fmt.Errorf("%q: a folder is no pattern", p.folder)
		}
	}
	if p.base == "" || p.base == "/" {
		return nil, errors.New("a pattern of names is empty")
	}
	if _, err := path.Match(p.base, ""); err != nil {
		return nil, fmt.Errorf("%q: %w", of, err)
	}
	return Patterns{p}, nil
}

// match reports whether a file of a folder is a context by the patterns.
func (p Patterns) match(folder, base string) bool {
	for _, one := range p {
		if ok, _ := path.Match(one.base, base); ok && one.folder == folder {
			return !one.deny
		}
	}
	return false
}

// folders returns where names are looked for, in the order of the patterns.
func (p Patterns) folders() (folders []string) {
	for _, one := range p {
		if !one.deny && !slices.Contains(folders, one.folder) {
			folders = append(folders, one.folder)
		}
	}
	return folders
}

// checkName says why a namespace's name cannot be a context's.
func checkName(name string) error {
	switch {
	case len(name) > MaxName:
		return fmt.Errorf("the name has more than %d octets", MaxName)
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	}
	return nil
}
