// Package fresh shares what is read among all who ask for it. A Source reads when somebody asks, gives the same
// Snapshot to everybody as long as that is fresh, and reads once at a time. What is dear to read is read less often.
package fresh

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// How old a snapshot may be. Taking one uses at most a twentieth of one core
// while somebody asks; a snapshot that is cheap to take is at most a second
// old.
const (
	freshFor    = 500 * time.Millisecond // younger than this, nothing is read anew
	staleAfter  = time.Second            // older than this, the reader waits
	costFactor  = 20
	readTimeout = time.Minute
)

// askedFor is how long a part goes on being read after somebody asked for it.
const askedFor = 2 * time.Minute

// Source reads values of type T, snapshots of something that changes, and gives
// the same one to everybody as long as it is fresh. Reading happens only when
// somebody asks: at once for the first, behind the readers while they keep
// asking. A Source is safe for concurrent use. Use New or NewInParts: the zero value is no Source.
type Source[T any] struct{ source }

// source is a Source whatever it reads, so that its code is compiled once and not for each type.
type source struct {
	read    func(ctx context.Context, parts Parts) (any, error)
	usual   Parts
	current atomic.Pointer[snapshot]
	derived []*derivation // fixed once the source is in use
	version func() uint64 // nil where nobody tells of changes; fixed as well

	// since is when the reading under way began, since made; 0 when none is.
	since atomic.Int64
	made  time.Time

	mu          sync.Mutex
	asked       [maxParts]time.Time // when a part was asked for last
	reading     chan struct{}       // closed when the reading under way ends; nil when none is
	invalidated bool                // since it began
}

// Parts are what a reading can have and can do without, a bit each: what they mean is the source's
// own. A part is read while somebody asks for it, and for two minutes after, so that those who ask for
// different parts share a reading.
type Parts uint8

const maxParts = 8

// derivation is what is made of a snapshot.
type derivation struct {
	build func(data any) any
	used  atomic.Bool // since the snapshot before last
}

// Snapshot is what was read at a moment. It does not change. Two are equal that are of one reading.
type Snapshot[T any] struct{ *snapshot }

type snapshot struct {
	source *source
	data   any
	err    error
	taken  time.Time // when reading began
	parts  Parts
	// version is what the source's said before reading began.
	version uint64
	cost    atomic.Int64
	views   []lazy
}

type lazy struct {
	once  sync.Once
	value any
	built atomic.Bool
}

// New returns a source that read fills. What read returns must not change
// any more. read is called by one goroutine at a time, with a context that ends
// after a minute.
func New[T any](read func(ctx context.Context) (T, error)) *Source[T] {
	return NewInParts(0, func(ctx context.Context, _ Parts) (T, error) { return read(ctx) })
}

// NewInParts returns a source whose readings have the parts that are asked for. The usual
// ones are those of who names none.
func NewInParts[T any](usual Parts, read func(ctx context.Context, parts Parts) (T, error)) *Source[T] {
	return &Source[T]{source{
		read:  func(ctx context.Context, parts Parts) (any, error) { return read(ctx, parts) },
		usual: usual, made: time.Now(),
	}}
}

// as is what was read as what it is. Where that is an interface it may be nil.
func as[T any](data any) T {
	t, _ := data.(T)
	return t
}

// ChangesWith tells the source that version returns another number when something
// of what it reads changed: it is read anew then, as soon as that uses at most a
// twentieth of one core. It is called before the source is in use.
func (s *source) ChangesWith(version func() uint64) { s.version = version }

// Get returns the data of a snapshot that is fresh and has the usual parts, waiting for it where there
// is none. Its error is that of the reading, or that of ctx where it ends before.
func (s *Source[T]) Get(ctx context.Context) (T, error) { return s.GetParts(ctx, s.usual) }

// GetParts is Get with the parts that are named, and has the errors of Get.
func (s *Source[T]) GetParts(ctx context.Context, parts Parts) (T, error) {
	snap, err := s.fresh(ctx, parts)
	if err != nil {
		var zero T
		return zero, err
	}
	return as[T](snap.data), snap.err
}

// Snapshot returns the snapshot that Get takes its data from. An error is that of ctx, which
// ended before there was one.
func (s *Source[T]) Snapshot(ctx context.Context) (Snapshot[T], error) {
	snap, err := s.fresh(ctx, s.usual)
	return Snapshot[T]{snap}, err
}

// Any returns the latest snapshot with the usual parts, however old it is, and has another one taken behind
// the caller where it is not fresh. It waits where there is none; an error is that of ctx, which ended before.
func (s *Source[T]) Any(ctx context.Context) (Snapshot[T], error) {
	snap, err := s.any(ctx)
	return Snapshot[T]{snap}, err
}

func (s *source) any(ctx context.Context) (*snapshot, error) {
	if snap := s.current.Load(); snap != nil && snap.err == nil && snap.parts&s.usual == s.usual {
		if fresh, _ := snap.ages(time.Now()); time.Since(snap.taken) >= fresh {
			s.refresh(s.usual)
		}
		return snap, nil
	}
	return s.fresh(ctx, s.usual)
}

// Invalidate makes the next reader wait for a snapshot whose reading begins after the
// call.
func (s *source) Invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invalidated = s.reading != nil
	s.current.Store(nil)
}

// Age returns how long ago the reading of the latest snapshot began, and false where there is none.
func (s *source) Age() (time.Duration, bool) {
	snap := s.current.Load()
	if snap == nil {
		return 0, false
	}
	return time.Since(snap.taken), true
}

// Data returns what was read, and the error of the reading.
func (snap Snapshot[T]) Data() (T, error) { return as[T](snap.data), snap.err }

// Err returns the error of the reading.
func (snap *snapshot) Err() error { return snap.err }

// Taken returns when the reading began.
func (snap *snapshot) Taken() time.Time { return snap.taken }

// ages returns at what age a snapshot is no longer fresh, and at what age a reader waits.
func (snap *snapshot) ages(now time.Time) (fresh, stale time.Duration) {
	s := snap.source
	cost := time.Duration(snap.cost.Load())
	if since := s.since.Load(); since != 0 {
		// One that takes longer than the last is dearer: who has a
		// view at hand goes on with it.
		cost = max(cost, now.Sub(s.made)-time.Duration(since))
	}
	if s.version != nil && s.version() != snap.version {
		return costFactor * cost, costFactor * cost
	}
	return max(freshFor, costFactor*cost), max(staleAfter, (costFactor+4)*cost)
}

// fresh returns a snapshot that is fresh, in the sense of the constants above, and has the parts, or
// the error of ctx where that is done before there is one.
func (s *source) fresh(ctx context.Context, parts Parts) (*snapshot, error) {
	for {
		if snap := s.current.Load(); snap != nil && snap.parts&parts == parts {
			now := time.Now()
			age := now.Sub(snap.taken)
			fresh, stale := snap.ages(now)
			if age < fresh {
				if parts != 0 {
					s.ask(parts, now)
				}
				return snap, nil
			}
			if age < stale && snap.err == nil {
				s.refresh(parts)
				return snap, nil
			}
			// Nobody will see this one any more: the next need not find
			// room beside it.
			s.current.CompareAndSwap(snap, nil)
		}
		done := s.refresh(parts)
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *source) ask(parts Parts, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(parts, now)
}

// note remembers which parts were asked for. mu is held.
func (s *source) note(parts Parts, now time.Time) {
	for i := range s.asked {
		if parts>>i&1 != 0 {
			s.asked[i] = now
		}
	}
}

// wanted are the parts that a reading has. mu is held.
func (s *source) wanted(now time.Time) (parts Parts) {
	for i, at := range s.asked {
		if !at.IsZero() && now.Sub(at) < askedFor {
			parts |= 1 << i
		}
	}
	return parts
}

// refresh begins to read a new snapshot unless that is under way, and returns
// what is closed when it is there.
func (s *source) refresh(parts Parts) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.note(parts, now)
	if s.reading == nil {
		s.reading = make(chan struct{})
		s.since.Store(max(1, int64(now.Sub(s.made))))
		go s.take(s.reading, s.wanted(now))
	}
	return s.reading
}

func (s *source) take(done chan struct{}, parts Parts) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	snap := &snapshot{source: s, taken: time.Now(), parts: parts, views: make([]lazy, len(s.derived))}
	if s.version != nil {
		snap.version = s.version()
	}
	snap.data, snap.err = s.read(ctx, parts)
	if snap.err == nil {
		for i, d := range s.derived {
			if d.used.Swap(false) && parts&s.usual == s.usual {
				snap.view(i)
			}
		}
	}
	snap.cost.Store(int64(time.Since(snap.taken)))

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invalidated {
		snap = nil
	}
	s.current.Store(snap)
	s.since.Store(0)
	s.reading, s.invalidated = nil, false
	close(done)
}

// view returns what a derivation makes of the snapshot, made once.
func (snap *snapshot) view(i int) any {
	view := &snap.views[i]
	view.once.Do(func() {
		start := time.Now()
		view.value = snap.source.derived[i].build(snap.data)
		snap.cost.Add(int64(time.Since(start)))
		view.built.Store(true)
	})
	return view.value
}

// View is what is made of each snapshot of a source that somebody wants it of: once, and behind the readers where
// it was wanted of the snapshot before. The time for it counts as that of reading.
type View[T, V any] struct {
	source *Source[T]
	index  int
}

// Derive returns a View of a source with the usual parts. It panics where the source has been read
// already: views are made before anybody asks.
func Derive[T, V any](s *Source[T], build func(T) V) View[T, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading != nil || s.current.Load() != nil {
		panic("fresh: a view of a source that is in use already")
	}
	s.derived = append(s.derived, &derivation{build: func(data any) any { return build(as[T](data)) }})
	return View[T, V]{s, len(s.derived) - 1}
}

// Source returns what it is a view of.
func (v View[T, V]) Source() *Source[T] { return v.source }

// Want has the view made of the next snapshot behind the readers, and reports whether it was made of this one.
func (v View[T, V]) Want(snap Snapshot[T]) (made bool) {
	if d := v.source.derived[v.index]; !d.used.Load() {
		d.used.Store(true)
	}
	return snap.views[v.index].built.Load()
}

// Of returns what is made of a snapshot of the view's source whose reading did not fail.
func (v View[T, V]) Of(snap Snapshot[T]) V { return snap.view(v.index).(V) }
