package main

import (
	"context"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// wish is what is to be on the screen.
type wish struct {
	view          *view
	filter, order string
	// held is what the order of rows is kept of; nil where they are sorted.
	held *arrangement
	// cursor is the row that the cursor is on, 0 for none.
	cursor show.Key
	// moment is that of a recording.
	moment int
	// inFull says that a row is shown in full.
	inFull bool
}

// arrangement is a sheet with its rows as they are wished for.
type arrangement struct {
	of     wish
	sheet  show.Sheet
	rows   []int32
	at     time.Time // of the reading
	moment int
	number int // counts readings
	// wrong says what is wrong with the filter; the rows are those of the last one that
	// was right then.
	wrong error
	// cursorAt is where the row under the cursor stands, -1 where it is not there.
	cursorAt int
}

// reading is a sheet as it was read.
type reading struct {
	sheet  show.Sheet
	at     time.Time
	moment int
	number int
}

// arranger reads what is wished for on one goroutine and arranges it on another one, so
// that a wish waits for no reading.
type arranger struct {
	reader   *reader
	deliver  func(*arrangement)
	complain func(text string)

	mu       sync.Mutex
	wish     wish
	readings map[*view]reading
	right    map[*view]string // the last filter of each without a fault
	number   int
	turn     context.CancelFunc // ends the wait for the next turn; nil while none is waited for

	dirty chan struct{}        // something is to be arranged
	keys  map[*view]*heldOrder // by view: the order that is kept
}

// heldOrder is where each row stands in an order that is kept.
type heldOrder struct {
	of     *arrangement
	places map[show.Key]int
}

func newArranger(r *reader, first wish, deliver func(*arrangement), complain func(string)) *arranger {
	return &arranger{reader: r, deliver: deliver, complain: complain, wish: first, readings: make(map[*view]reading),
		dirty: make(chan struct{}, 1), right: make(map[*view]string), keys: make(map[*view]*heldOrder)}
}

// want says what is wished for from now on. What is wished for already is not arranged
// anew: who takes an arrangement says its wish again.
func (a *arranger) want(w wish) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w == a.wish {
		return
	}
	atOnce := w.view != a.wish.view || w.moment != a.wish.moment
	a.wish = w
	if r, ok := a.readings[w.view]; ok && !r.sheet.Has(a.wants()) {
		atOnce = true
	}
	if atOnce && a.turn != nil {
		a.turn() // it is read
	}
	a.touch()
}

// wants is what is to be read for the wish. Of a filter with a fault rows are shown by the last one
// without.
func (a *arranger) wants() show.Wants {
	return show.Wants{Filters: []string{a.wish.filter, a.right[a.wish.view]}, Sort: a.wish.order, All: a.wish.inFull}
}

func (a *arranger) touch() {
	select {
	case a.dirty <- struct{}{}:
	default:
	}
}

// run reads and arranges until the context ends.
func (a *arranger) run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { a.read(ctx) })
	both.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-a.dirty:
				if done := a.arrange(); done != nil {
					a.deliver(done)
				}
			}
		}
	})
	both.Wait()
}

func (a *arranger) read(ctx context.Context) {
	for ctx.Err() == nil {
		a.mu.Lock()
		w, wants := a.wish, a.wants()
		turn, cancel := context.WithCancel(ctx)
		a.turn = cancel
		a.mu.Unlock()
		a.reader.moment = w.moment
		v, err := a.reader.view(w.view)
		var sheet show.Sheet
		if err == nil {
			sheet, err = a.reader.read(ctx, v, wants)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			a.complain(err.Error())
		default:
			a.mu.Lock()
			a.number++
			a.readings[w.view] = reading{sheet, a.reader.now(), w.moment, a.number}
			a.mu.Unlock()
			a.touch()
		}
		if a.reader.recording == nil {
			a.reader.wait(turn)
		} else {
			<-turn.Done() // nothing changes there
		}
		cancel()
	}
}

// arrange arranges the last reading of the view that is wished for, nil where there is
// none.
func (a *arranger) arrange() *arrangement {
	a.mu.Lock()
	w, right := a.wish, a.right[a.wish.view]
	r, ok := a.readings[w.view]
	a.mu.Unlock()
	if !ok {
		return nil
	}
	done := &arrangement{of: w, sheet: r.sheet, at: r.at, moment: r.moment, number: r.number, cursorAt: -1}
	if done.rows, done.wrong = r.sheet.Filter(w.filter); done.wrong == nil {
		a.mu.Lock()
		a.right[w.view] = w.filter
		a.mu.Unlock()
	} else if done.rows, _ = r.sheet.Filter(right); done.rows == nil {
		done.rows = []int32{}
	}
	if w.held == nil {
		if err := r.sheet.Sort(done.rows, w.order); err != nil {
			a.complain(err.Error())
		}
		delete(a.keys, w.view)
	} else {
		done.rows = a.keepOrder(w, r.sheet, done.rows)
	}
	if w.cursor != 0 {
		for i, row := range done.rows {
			if r.sheet.Key(int(row)) == w.cursor {
				done.cursorAt = i
				break
			}
		}
	}
	return done
}

// keepOrder puts rows in the order that they had, and new ones behind them.
func (a *arranger) keepOrder(w wish, sheet show.Sheet, rows []int32) []int32 {
	held := a.keys[w.view]
	if held == nil || held.of != w.held {
		held = &heldOrder{w.held, make(map[show.Key]int, len(w.held.rows))}
		for i, row := range w.held.rows {
			held.places[w.held.sheet.Key(int(row))] = i
		}
		a.keys[w.view] = held
	}
	kept := make([]int32, len(held.places))
	for i := range kept {
		kept[i] = -1
	}
	var behind []int32
	for _, row := range rows {
		key := sheet.Key(int(row))
		if place, ok := held.places[key]; ok && place < len(kept) && kept[place] < 0 {
			kept[place] = row
			continue
		} else if !ok {
			held.places[key] = len(held.places) // and stays there
		}
		behind = append(behind, row)
	}
	ordered := rows[:0]
	for _, row := range kept {
		if row >= 0 {
			ordered = append(ordered, row)
		}
	}
	return append(ordered, behind...)
}
