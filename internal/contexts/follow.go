package contexts

import (
	"context"
	"path/filepath"
	"time"
)

// SetFollowed has other contexts followed, while Run runs.
func (s *Set) SetFollowed(p Patterns) {
	s.mu.Lock()
	s.followed = p
	s.mu.Unlock()
	s.lookAgain()
}

// Follows reports whether the context of a name is followed.
func (s *Set) Follows(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.spaces[name]
	return n != nil && s.follows(n)
}

// follows reports whether the patterns have a context followed. Its caller holds mu.
func (s *Set) follows(n *space) bool {
	return s.options.Follow != nil && s.followed.match(filepath.Dir(n.path), n.netns())
}

// followAll begins to follow the contexts that the patterns say, and ends it of all others, until ctx is done.
func (s *Set) followAll(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, end := range s.following {
		if s.spaces[n.name] != n || !s.follows(n) {
			end()
			delete(s.following, n)
		}
	}
	for _, n := range s.spaces {
		if s.following[n] == nil && s.follows(n) {
			ctx, end := context.WithCancel(ctx)
			s.following[n] = end
			go s.followOne(ctx, n)
		}
	}
}

// followOne has a context followed, whose stack is open meanwhile, until ctx is done.
func (s *Set) followOne(ctx context.Context, n *space) {
	for ctx.Err() == nil {
		// One that went is let go of by followAll, and what cannot be opened is tried again.
		if _, err := s.enter(n); err == nil {
			if o := n.open.Load(); o != nil {
				s.options.Follow(ctx, n.name, o.stack, n.since)
			}
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
}
