package main

import (
	"context"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
)

// reader reads views, one after the other: of what there is now, again in every interval, or of
// one moment of a recording after the other. It is for one goroutine.
type reader struct {
	watch    *show.Watch
	views    map[*view]*show.View
	changes  *changes
	complain func(text string)

	recording *sources.Recording // nil where what there is now is read
	moment    int                // that is read next
	was       int                // the one that was read last, -1 for none
	at        time.Time          // of what was read last
	failed    bool               // something could not be read
}

// openReader opens the stacks that the flags choose.
func openReader(ctx context.Context, f *flags, complain func(text string)) (*reader, error) {
	r := &reader{views: make(map[*view]*show.View), changes: newChanges(&f.Where), complain: complain, was: -1}
	open := f.Open
	if f.Recording != "" {
		var err error
		if r.recording, err = f.OpenRecording(r.complainOf); err != nil {
			return nil, err
		}
		r.moment = r.recording.First
		if f.prints() && f.At == "" && !f.once {
			r.moment = 0 // all of it is printed
		}
		open = func(_ context.Context, complain func(error)) ([]*show.Source, error) {
			return r.recording.Sources(r.moment, complain)
		}
	}
	o := f.showOptions()
	if !f.prints() {
		o.Linger = lingering
	}
	var err error
	r.watch, err = show.NewWatch(o, complain, func(complain func(error)) ([]*show.Source, error) { return open(ctx, complain) })
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *reader) complainOf(err error) {
	r.failed = true
	r.complain(err.Error())
}

// Close gives the stacks up.
func (r *reader) Close() {
	r.changes.Close()
	if r.watch != nil {
		r.watch.Close()
	}
	if r.recording != nil {
		r.recording.Close()
	}
}

// view returns a view to read.
func (r *reader) view(v *view) (*show.View, error) {
	if opened := r.views[v]; opened != nil {
		return opened, nil
	}
	opened, err := r.watch.View(v.table(r.changes))
	if err == nil {
		r.views[v] = opened
	}
	return opened, err
}

// read reads a view: as it is now, or as it was in the moment of a recording.
func (r *reader) read(ctx context.Context, v *show.View, wants show.Wants) (show.Sheet, error) {
	if r.recording == nil {
		r.at = time.Now()
		return r.readNow(ctx, v, wants)
	}
	// What grew, grew since the moment before.
	if before := r.moment - 1; before >= 0 && r.was != before {
		if _, err := r.readMoment(ctx, v, before, wants); err != nil {
			return nil, err
		}
	}
	return r.readMoment(ctx, v, r.moment, wants)
}

func (r *reader) readMoment(ctx context.Context, v *show.View, moment int, wants show.Wants) (show.Sheet, error) {
	found, err := r.recording.Sources(moment, r.complainOf)
	if err != nil {
		return nil, err
	}
	r.watch.Move(found)
	r.was, r.at = moment, r.recording.Times[moment]
	return r.readNow(ctx, v, wants)
}

func (r *reader) readNow(ctx context.Context, v *show.View, wants show.Wants) (show.Sheet, error) {
	if err := r.watch.Begin(ctx); err != nil {
		return nil, err
	}
	return v.Read(ctx, wants)
}

// now is the time of what was read last.
func (r *reader) now() time.Time { return r.at }

// wait waits until it is time to read again, and reports whether there is more to read.
func (r *reader) wait(ctx context.Context) bool {
	if r.recording == nil {
		return r.watch.Wait(ctx)
	}
	r.moment++
	return r.moment < len(r.recording.Times) && ctx.Err() == nil
}

// incomplete returns show.ErrIncomplete where something could not be read, which was said.
func (r *reader) incomplete() error {
	if r.failed || r.watch.Incomplete() {
		return show.ErrIncomplete
	}
	return nil
}
