package show

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// snapshot reads the counters of a stack as they are now.
func (s *Session) snapshot(ctx context.Context, src *Source) (*baseline.Snapshot, error) {
	from, ok := src.Stack.(baseline.Source)
	if !ok {
		return nil, fmt.Errorf("remember counters: %w", netstat.ErrNotSupported)
	}
	at := src.At
	if at.IsZero() {
		at = time.Now()
	}
	return baseline.Take(ctx, from, src.Name, at)
}

// grown returns by how much the counters of a stack grew since the baseline that
// --since names, nil where it names none.
func (s *Session) grown(ctx context.Context, src *Source) (*baseline.Delta, error) {
	if s.Since == "" {
		return nil, nil
	}
	now, err := s.snapshot(ctx, src)
	if err != nil {
		return nil, err
	}
	grew, err := now.Since(s.earlier...)
	if err != nil {
		return nil, fmt.Errorf("--since %s: %w", s.Since, err)
	}
	if !s.JSON {
		s.note("since " + grew.From.Format(time.DateTime))
	}
	return grew, nil
}

// SaveBaseline saves the counters of every stack as they are now under a name, or at
// a path where it has a slash; what cannot be read is said.
func (s *Session) SaveBaseline(ctx context.Context, name string) error {
	var found []*baseline.Snapshot
	for _, src := range s.sources {
		one, err := s.snapshot(ctx, src)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.complain("counters", src, err)
		default:
			found = append(found, one)
		}
	}
	if len(found) == 0 {
		return ErrIncomplete
	}
	if strings.Contains(name, "/") {
		if err := baseline.Write(name, found...); err != nil {
			return err
		}
	} else {
		store, err := baseline.DefaultStore()
		if err != nil {
			return err
		}
		if err := store.Save(name, found...); err != nil {
			return err
		}
	}
	if s.incomplete {
		return ErrIncomplete
	}
	return nil
}

// loadBaseline reads the baseline that --since names, by a path where it has a
// slash.
func (s *Session) loadBaseline() (err error) {
	if strings.Contains(s.Since, "/") {
		s.earlier, err = baseline.Read(s.Since)
	} else {
		var store baseline.Store
		if store, err = baseline.DefaultStore(); err == nil {
			s.earlier, err = store.Load(s.Since)
		}
	}
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	return nil
}
