package show

import (
	"context"
	"iter"
	"runtime"
	"sync"
)

// advance reads stacks one after the other. While the rows of one are shown, those that
// come next are read already, where that is of use: of namespaces of this host.
type advance[T any] struct {
	o      *run[T]
	from   []*Source // that are not begun
	begun  []*reading[T]
	most   int // how many are begun at a time
	cancel context.CancelFunc
	ctx    context.Context
	under  sync.WaitGroup
}

func (o *run[T]) inAdvance(ctx context.Context, from []*Source) *advance[T] {
	a := &advance[T]{o: o, from: from, most: 1}
	a.ctx, a.cancel = context.WithCancel(ctx)
	if len(from) > 1 && from[0].Key != "" {
		a.most = runtime.GOMAXPROCS(0)
	}
	return a
}

// next returns the stack whose turn it is.
func (a *advance[T]) next(ctx context.Context) (*reading[T], error) {
	for len(a.begun) < a.most && len(a.from) > 0 {
		r, err := a.o.prepare(ctx, a.from[0])
		if err != nil {
			return nil, err
		}
		a.begin(r)
		a.begun, a.from = append(a.begun, r), a.from[1:]
	}
	r := a.begun[0]
	a.begun = a.begun[1:]
	return r, nil
}

// begin reads the parts of a stack, one after the other, on a goroutine.
func (a *advance[T]) begin(r *reading[T]) {
	var reads []func()
	for i := range r.parts {
		p := &r.parts[i]
		if a.most == 1 || !p.apart {
			break // the order is kept
		}
		var read func()
		read, p.read = a.ahead(r.query, p.read)
		reads = append(reads, read)
	}
	if len(reads) == 0 {
		return
	}
	a.under.Go(func() {
		for _, read := range reads {
			read()
		}
	})
}

// stop ends what is read in advance.
func (a *advance[T]) stop() {
	a.cancel()
	a.under.Wait()
}

// Rows that are read in advance are handed over so many at a time, and so many times
// without being taken.
const (
	aheadRows   = 64
	aheadChunks = 16
)

// told is what a reader yields.
type told[T any] struct {
	v   T
	err error
}

// ahead makes two of a reader: one that reads, and one that yields what is read.
func (a *advance[T]) ahead(q *query, from reader[T]) (read func(), to reader[T]) {
	chunks, enough := make(chan []told[T], aheadChunks), make(chan struct{})
	read = func() {
		defer close(chunks)
		var chunk []told[T]
		pass := func() (more bool) {
			select {
			case chunks <- chunk:
				chunk = nil
				return true
			case <-enough:
			case <-a.ctx.Done():
			}
			return false
		}
		for v, err := range from(a.ctx, q) {
			if chunk = append(chunk, told[T]{v, err}); len(chunk) == aheadRows && !pass() {
				return
			}
		}
		pass()
	}
	return read, func(context.Context, *query) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			defer close(enough)
			for chunk := range chunks {
				for i := range chunk {
					if !yield(chunk[i].v, chunk[i].err) {
						return
					}
				}
			}
			if err := a.ctx.Err(); err != nil {
				var none T
				yield(none, err)
			}
		}
	}
}
