package show

import (
	"context"
	"slices"
	"time"
)

// Show shows tables, once or again and again until the context ends. That something
// could not be shown, which was said, is ErrIncomplete.
func (s *Session) Show(ctx context.Context, tables ...Table) error {
	if s.Since != "" {
		if err := s.loadBaseline(); err != nil {
			return err
		}
	}
	shown, err := s.openAll(tables)
	if err != nil {
		return err
	}
	growing := slices.ContainsFunc(shown, opened.follows)
	s.alone = len(shown) == 1
	for first := true; ; first = false {
		if !first && (!growing || !s.alone) {
			s.out.Line("")
		}
		err := s.turn(ctx, shown)
		if failed := s.out.Flush(); failed != nil {
			return failed
		}
		switch {
		case ctx.Err() != nil && !first:
			// What was interrupted is the last turn.
		case err != nil:
			return err
		case growing && first && !s.growth.answered:
			return ErrIncomplete
		}
		if s.Interval == 0 {
			break
		}
		if s.ComeAndGo {
			s.closeStacks() // or one that is deleted would live on
		}
		if !s.turns.Wait(ctx) {
			break
		}
	}
	if slices.ContainsFunc(shown, opened.sums) {
		s.out.Line("Total:")
		s.growth.over, s.sources = true, s.growth.sources
		growths := slices.DeleteFunc(slices.Clone(shown), func(o opened) bool { return !o.sums() })
		err := s.showEach(ctx, growths)
		if s.sources = nil; !s.ComeAndGo {
			s.sources = s.growth.sources
		}
		if err != nil {
			return err
		}
	}
	if s.incomplete {
		return ErrIncomplete
	}
	return nil
}

// turn shows tables as they are now.
func (s *Session) turn(ctx context.Context, shown []opened) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	return s.showEach(ctx, shown)
}

// begin begins a turn. Everything is read anew, and what is the matter with hosts is said
// anew.
func (s *Session) begin(ctx context.Context) error {
	clear(s.saidOfHosts)
	s.owners = nil
	if s.Interval > 0 {
		now, next := time.Now(), s.turns.Begin()
		if s.sources == nil {
			if err := s.openStacks(); err != nil {
				return err
			}
		}
		for i, src := range s.sources {
			s.sources[i] = src.fresh(now, next)
		}
		s.growth.begin(s.sources)
	}
	s.lookForInterfaces(ctx)
	return nil
}

func (s *Session) showEach(ctx context.Context, shown []opened) error {
	for i, o := range shown {
		s.firstTable = i == 0
		if err := o.show(ctx); err != nil {
			return err
		}
	}
	return nil
}
