package main

import (
	"context"
	"log/slog"
	"time"
)

// registeredLog logs what a master has registered, each time that it is asked for
// everything. A master that ends one session after the other does not fill the log: what
// is beyond the lines of a minute is of the debug level.
type registeredLog struct {
	log     *slog.Logger
	address string
	objects int
	lines   []time.Time // the last ones that were not
}

const registeredLines, registeredInterval = 5, time.Minute

func (l *registeredLog) tell(registered, refused int, now time.Time) {
	level, message := slog.LevelInfo, "registered with the master"
	args := []any{"address", l.address, "objects", l.objects, "registered", registered, "refused", refused}
	if registered == 0 && refused > 0 {
		level, message = slog.LevelWarn, "nothing is served: the master refuses all of it, which is asked for again and again"
		args = []any{"address", l.address, "refused", refused}
	}
	if len(l.lines) == registeredLines && now.Sub(l.lines[0]) < registeredInterval {
		level = slog.LevelDebug
	} else {
		if len(l.lines) == registeredLines {
			l.lines = l.lines[1:]
		}
		l.lines = append(l.lines, now)
	}
	l.log.Log(context.Background(), level, message, args...)
}
