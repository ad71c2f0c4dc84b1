package main

import (
	"cmp"
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
	return baseline.Take(s.ctx, from, cmp.Or(src.netns, s.netns), at)
}

// grown returns by how much the counters of a stack grew since the baseline that
// --since names, nil where it names none.
func (s *session) grown(src *source) (*baseline.Delta, error) {
	if s.since == "" {
		return nil, nil
	}
	now, err := s.snapshot(src)
	if err != nil {
		return nil, err
	}
	grew, err := now.Since(s.earlier...)
	if err != nil {
		return nil, fmt.Errorf("--since %s: %w", s.since, err)
	}
	if !s.json {
		s.note("since " + grew.From.Format(time.DateTime))
	}
	return grew, nil
}

// saveBaseline saves the counters of every stack as they are now; what cannot be
// read is said.
func (s *session) saveBaseline() error {
	var found []*baseline.Snapshot
	for _, src := range s.sources {
		one, err := s.snapshot(src)
		switch {
		case s.ctx.Err() != nil:
			return s.ctx.Err()
		case err != nil:
			s.complain("counters", src, err)
		default:
			found = append(found, one)
		}
	}
	if len(found) == 0 {
		return errIncomplete
	}
	if strings.Contains(s.save, "/") {
		if err := baseline.Write(s.save, found...); err != nil {
			return err
		}
	} else {
		store, err := baseline.DefaultStore()
		if err != nil {
			return err
		}
		if err := store.Save(s.save, found...); err != nil {
			return err
		}
	}
	if s.incomplete {
		return errIncomplete
	}
	return nil
}

// loadBaseline reads the baseline that --since names, by a path where it has a
// slash.
func (s *session) loadBaseline() (err error) {
	if strings.Contains(s.since, "/") {
		s.earlier, err = baseline.Read(s.since)
	} else {
		var store baseline.Store
		if store, err = baseline.DefaultStore(); err == nil {
			s.earlier, err = store.Load(s.since)
		}
	}
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	return nil
}
