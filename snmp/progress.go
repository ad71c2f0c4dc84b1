package snmp

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// progress counts what a listener begins to answer and ends to answer: it is odd in between.
type progress struct{ turns atomic.Uint64 }

func (p *progress) turn() { p.turns.Add(1) }

// Progress waits until each listener for UDP has answered what it is answering now, and returns at
// once where none is. Its error, which matches that of ctx, says who did not before ctx was done: a
// listener that answers nobody any more. What waits for views that are not at hand does not keep a
// listener.
func (s *Server) Progress(ctx context.Context) error {
	s.mu.Lock()
	listeners := s.listeners
	s.mu.Unlock()
	for _, l := range listeners {
		at, ok := l.(*udpListener)
		if !ok {
			continue // each connection is answered by itself
		}
		now := at.progress.turns.Load()
		for pause := time.Millisecond; now%2 == 1 && at.progress.turns.Load() == now; pause = min(2*pause, 100*time.Millisecond) {
			sleep(ctx, pause)
			if ctx.Err() != nil {
				return fmt.Errorf("snmp: the listener at %v is still answering one message: %w", at.address, ctx.Err())
			}
		}
	}
	return nil
}
