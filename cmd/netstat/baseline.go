package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// snapshot reads the counters of a stack as they are now.
func (s *session) snapshot(src *source) (*baseline.Snapshot, error) {
	from, ok := src.stack.(baseline.Source)
	if !ok {
		return nil, fmt.Errorf("remember counters: %w", netstat.ErrNotSupported)
	}
	at := src.at
	if at.IsZero() {
		at = time.Now()
	}
	return baseline.Take(s.ctx, from, s.netns, at)
}

// grown returns by how much counters grew since the baseline that --since names,
// nil where it names none.
func (s *session) grown(src *source) (*baseline.Delta, error) {
	if s.since == "" {
		return nil, nil
	}
	earlier, err := loadBaseline(s.since)
	if err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	now, err := s.snapshot(src)
	if err != nil {
		return nil, err
	}
	grew, err := now.Since(earlier)
	if err != nil {
		return nil, fmt.Errorf("--since %s: %w", s.since, err)
	}
	if !s.json {
		s.note(fmt.Sprintf("since %s", grew.From.Format(time.DateTime)))
	}
	return grew, nil
}

// saveBaseline saves the counters as they are now.
func (s *session) saveBaseline() error {
	now, err := s.snapshot(s.sources[0])
	if err != nil {
		return err
	}
	if strings.Contains(s.save, "/") {
		return baseline.Write(s.save, now)
	}
	store, err := baseline.DefaultStore()
	if err != nil {
		return err
	}
	return store.Save(s.save, now)
}

// loadBaseline reads a baseline by its name, or by a path, which has a slash.
func loadBaseline(name string) (*baseline.Snapshot, error) {
	if strings.Contains(name, "/") {
		return baseline.Read(name)
	}
	store, err := baseline.DefaultStore()
	if err != nil {
		return nil, err
	}
	return store.Load(name)
}
