package mib

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// SetLog logs SetRequests: who wrote what, or tried to. Of those that wrote there are 20
// lines a second at most, and as many of those that were refused; the next line has the
// number of those left out. Its zero value is ready for use, by any number of goroutines.
type SetLog struct{ written, refused budget }

// setsLogged are the lines of a second.
const setsLogged = 20

// MostDescribed is how many variables of a request are worth their place in a log.
const MostDescribed = 16

// Tell logs a SetRequest with its variables, as Request.Describe has them, and the error of
// Set, nil where they were written. That somebody may write nothing is told at the debug
// level: anybody can ask.
func (l *SetLog) Tell(log *slog.Logger, variables string, err error, who ...slog.Attr) {
	lines, level, what := &l.refused, slog.LevelInfo, "variables cannot be written"
	refused := new(SetError)
	errors.As(err, &refused)
	switch {
	case err == nil:
		lines, what = &l.written, "variables written"
	case refused.Status == NoAccess:
		level, what = slog.LevelDebug, "variables may not be written"
	case refused.Status == CommitFailed, refused.Status == UndoFailed:
		level = slog.LevelWarn
	}
	ctx := context.Background()
	if !log.Enabled(ctx, level) {
		return
	}
	omitted, ok := lines.spend(time.Now())
	if !ok {
		return
	}
	attributes := append(who[:len(who):len(who)], slog.String("variables", variables))
	if err != nil {
		attributes = append(attributes, slog.Any("error", err))
	}
	if omitted > 0 {
		attributes = append(attributes, slog.Uint64("linesOmitted", omitted))
	}
	log.LogAttrs(ctx, level, what, attributes...)
}

// budget is how many lines may be logged within a second.
type budget struct {
	mu      sync.Mutex
	began   time.Time
	lines   int
	omitted uint64
}

// spend reports whether a line may be logged now, and how many were not before it.
func (b *budget) spend(now time.Time) (omitted uint64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if since := now.Sub(b.began); since < 0 || since >= time.Second {
		b.began, b.lines = now, 0
	}
	if b.lines >= setsLogged {
		b.omitted++
		return 0, false
	}
	b.lines++
	omitted, b.omitted = b.omitted, 0
	return omitted, true
}
