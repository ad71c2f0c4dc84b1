package contexts

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/netnsnames"
)

// look makes the contexts what the names are now.
func (s *Set) look(change netnsnames.Change) {
	s.mu.RLock()
	patterns, known := s.patterns, s.spaces
	s.mu.RUnlock()
	now := time.Now()
	spaces, links := make(map[string]*space), false
	refused := make(map[string]bool)
	refuse := func(path string, err error) {
		if refused[path] = true; !s.refused[path] {
			s.options.Log.Warn("a network namespace is no context", "path", path, "error", err)
		}
	}
	for _, folder := range patterns.folders() {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			refuse(folder, err)
		}
		for _, entry := range entries {
			path := filepath.Join(folder, entry.Name())
			if !patterns.match(folder, entry.Name()) {
				continue
			}
			info, err := os.Stat(path)
			if err != nil {
				continue // it went meanwhile, or leads nowhere
			}
			id, ok := identityOf(info)
			if !ok || id.device != s.device {
				continue // nothing is mounted there yet, or any more
			}
			name, err := contextName(entry.Name())
			if err != nil {
				refuse(path, err)
				continue
			}
			if other := spaces[name]; other != nil {
				refuse(path, fmt.Errorf("%s has the name already", other.path))
				continue
			}
			links = links || entry.Type()&fs.ModeSymlink != 0
			// A number may be another namespace's at once, but not while that one is open.
			was := known[name]
			if was != nil && was.id == id && was.path == path && (was.open.Load() != nil || !slices.Contains(change.Paths, path)) {
				spaces[name] = was
				continue
			}
			spaces[name] = &space{name: name, path: path, id: id, since: now}
		}
	}
	s.refused = refused
	s.mu.Lock()
	s.spaces, s.links = spaces, links
	s.mu.Unlock()
	for name, was := range known {
		if spaces[name] != was {
			s.leave(was, nil, true)
		}
	}
	names := slices.Sorted(maps.Keys(spaces))
	if s.options.Changed != nil && !slices.Equal(names, slices.Sorted(maps.Keys(known))) {
		s.options.Changed(names)
	}
}

func (s *Set) hasLinks() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.links
}

// identityOf returns the identity of a file.
func identityOf(info fs.FileInfo) (identity, bool) {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{uint64(of.Dev), of.Ino}, true
}
