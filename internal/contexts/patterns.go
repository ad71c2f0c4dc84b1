package contexts

import (
	"errors"
	"fmt"
	"hash/fnv"
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

// contextName returns the name of a namespace's context: its own, or where that is longer than MaxName, such as those of
// pods, how it begins, "~" and a hash that tells it from others which begin so.
func contextName(netns string) (string, error) {
	if !utf8.ValidString(netns) {
		return "", errors.New("the name is not UTF-8")
	}
	if len(netns) <= MaxName {
		return netns, nil
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(netns))
	end := MaxName - len("~00000000")
	for !utf8.RuneStart(netns[end]) {
		end--
	}
	return fmt.Sprintf("%s~%08x", netns[:end], hash.Sum32()), nil
}
