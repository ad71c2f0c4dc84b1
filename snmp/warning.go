package snmp

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// warning is one that somebody should see, of what others can make happen at
// any rate, whatever is done to the wall clock.
type warning struct {
	mu   sync.Mutex
	last time.Time
}

// warningInterval is how often the same warning is logged at most.
const warningInterval = time.Minute

// due reports whether the warning may be given now, some time after the last, and
// takes it that it is.
func (w *warning) due(now time.Time, interval time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.last.IsZero() && now.Sub(w.last) < interval {
		return false
	}
	w.last = now
	return true
}

// warn logs a warning unless it was logged a short time ago.
func (e *engine) warn(w *warning, what string, attributes ...slog.Attr) {
	if w.due(time.Now(), warningInterval) {
		e.log.LogAttrs(context.Background(), slog.LevelWarn, what, attributes...)
	}
}
