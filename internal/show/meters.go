package show

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// meters measure something of every stack from turn to turn, each with a meter of type M that
// gives readings of type R.
type meters[M interface{ close() }, R any] struct {
	byKey map[string]*measured[M, R] // by the key of each stack
}

// measured is a stack that is measured.
type measured[M interface{ close() }, R any] struct {
	meter   M
	reading R
	turn    time.Time // that it was read in
	at      time.Time // the moment that it is of, where that is not the present
}

func (m *meters[M, R]) close() {
	for key, one := range m.byKey {
		one.meter.close()
		delete(m.byKey, key)
	}
}

// read returns a reading of the query's stack: that of this turn, if there was one. begin makes
// a meter for a stack that is met for the first time. What is read before an error is
// returned with it.
func (m *meters[M, R]) read(q *query, begin func() M, read func(M) (R, error)) (R, error) {
	if m.byKey == nil {
		m.byKey = make(map[string]*measured[M, R])
	}
	// What listens is a socket, which keeps a namespace alive.
	for key, one := range m.byKey {
		if !slices.ContainsFunc(q.sources, func(src *Source) bool { return src.key() == key }) {
			one.meter.close()
			delete(m.byKey, key)
		}
	}
	src := q.src
	one := m.byKey[src.key()]
	switch {
	case one == nil:
	case one.turn.Equal(src.turn), !src.At.IsZero() && src.At.Equal(one.at):
		one.turn = src.turn
		return one.reading, nil
	case src.At.Before(one.at): // a recording was wound back
		one.meter.close()
		one = nil
	}
	if one == nil {
		one = &measured[M, R]{meter: begin()}
		m.byKey[src.key()] = one
	}
	var err error
	one.turn, one.at = src.turn, src.At
	one.reading, err = read(one.meter)
	return one.reading, err
}

// deafness is how long nothing is received after an error that another may follow at once.
const deafness = 10 * time.Millisecond

// listen receives until what it receives from is closed, and tells gap of what was lost. It
// receives at once: the kernel keeps little.
func listen(receive func() error, gap func()) {
	for {
		switch err := receive(); {
		case errors.Is(err, fs.ErrClosed):
			return
		case err != nil: // or an event that nobody understands
			gap()
			if !errors.Is(err, netstat.ErrGap) {
				time.Sleep(deafness)
			}
		}
	}
}
