package snmp

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"
)

// records keeps what is logged.
type records struct {
	slog.Handler
	mu  sync.Mutex
	all []slog.Record
}

func newRecords() *records { return &records{Handler: slog.DiscardHandler} }

func (r *records) Enabled(context.Context, slog.Level) bool { return true }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, record)
	return nil
}

// at returns the messages of a level.
func (r *records) at(level slog.Level) (messages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range r.all {
		if record.Level == level {
			messages = append(messages, record.Message)
		}
	}
	return messages
}

func TestWarningIsRare(t *testing.T) {
	var w warning
	start := time.Now()
	var due []time.Duration
	for after := time.Duration(0); after < 3*time.Minute; after += time.Second {
		if w.due(start.Add(after), warningInterval) {
			due = append(due, after)
		}
	}
	if want := []time.Duration{0, time.Minute, 2 * time.Minute}; !slices.Equal(due, want) {
		t.Errorf("due after %v, want %v", due, want)
	}
}
