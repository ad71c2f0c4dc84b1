package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// logLevels are the levels by the names that --log-level and the directive logLevel have for them.
var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// levelNamed returns a level.
func levelNamed(name string) (slog.Level, error) {
	level, known := logLevels[strings.ToLower(name)]
	if !known {
		return 0, fmt.Errorf("%q is not debug, info, warn or error", name)
	}
	return level, nil
}

// levelOf returns what is logged with a file: what --log-level says, or else the file.
func (s *settings) levelOf(file *snmpdconf.Config) (slog.Level, error) {
	name, where := s.logLevel, "--log-level"
	if name == "" {
		if file.LogLevel == nil {
			return slog.LevelInfo, nil
		}
		name, where = file.LogLevel.Value, file.LogLevel.Where
	}
	level, err := levelNamed(name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", where, err)
	}
	return level, nil
}

// newLog returns a log of what has a level at least, bounded in its rate: as text, or as entries of the journal
// where to is one.
func newLog(to io.Writer, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if _, is := to.(*journalOutput); is {
		return slog.New(boundedLog{&journalLog{to: to, level: level}, newLogBounds()})
	}
	return slog.New(boundedLog{slog.NewTextHandler(to, options), newLogBounds()})
}

// How often the same message is logged: 30 times in half a minute. Others decide how often something happens that is
// worth a line. What is at the debug level was asked for, and is not bounded.
const (
	logBurst    = 30
	logInterval = 30 * time.Second
	// maxBounds is how many messages are counted by themselves. The text of a message is the program's own,
	// so that there are no more.
	maxBounds = 1024
)

// boundedLog drops what is said too often, and says how much that was.
type boundedLog struct {
	slog.Handler
	bounds *logBounds
}

// logBounds has the messages of the current interval. Handlers that come of one another share it.
type logBounds struct {
	mu       sync.Mutex
	messages map[string]logBound
}

// logBound is what was said of a message in the interval that began with one.
type logBound struct {
	begun          time.Time
	given, dropped int
}

func newLogBounds() *logBounds { return &logBounds{messages: make(map[string]logBound)} }

func (b boundedLog) WithAttrs(attributes []slog.Attr) slog.Handler {
	return boundedLog{b.Handler.WithAttrs(attributes), b.bounds}
}

func (b boundedLog) WithGroup(name string) slog.Handler {
	return boundedLog{b.Handler.WithGroup(name), b.bounds}
}

// Handle logs a record, unless there were too many like it.
func (b boundedLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level > slog.LevelDebug && !b.bounds.take(r.Message, func(dropped int) {
		summary := slog.NewRecord(time.Now(), r.Level, r.Message, 0)
		summary.AddAttrs(slog.Int("not_logged", dropped), slog.Duration("within", logInterval))
		_ = b.Handler.Handle(context.Background(), summary) // as below: nobody can be told
	}) {
		return nil
	}
	return b.Handler.Handle(ctx, r)
}

// take reports whether a message may be logged. Where one may not, ended is told once the interval is over of how
// many were not. Nothing waits for the end of an interval in which all were logged.
func (b *logBounds) take(message string, ended func(dropped int)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of, known := b.messages[message]
	if !known && len(b.messages) >= maxBounds {
		return false
	}
	age := time.Since(of.begun)
	if of.dropped == 0 && age >= logInterval {
		of, age = logBound{begun: time.Now()}, 0
	}
	defer func() { b.messages[message] = of }()
	if of.given < logBurst {
		of.given++
		return true
	}
	if of.dropped++; of.dropped == 1 {
		time.AfterFunc(logInterval-age, func() {
			b.mu.Lock()
			dropped := b.messages[message].dropped
			delete(b.messages, message)
			b.mu.Unlock()
			ended(dropped)
		})
	}
	return false
}

// journalOutput sends entries to systemd's journal (systemd.journal-fields(7)). Each is a line of JSON, as
// journalLog writes it; any other line is an entry's text.
type journalOutput struct {
	*output
}

// newJournalOutput returns an output to the journal by send, which is journal.Send.
func newJournalOutput(send func(message string, priority journal.Priority, fields map[string]string) error) *journalOutput {
	return &journalOutput{newOutput(journalWriter(send))}
}

type journalWriter func(message string, priority journal.Priority, fields map[string]string) error

// Write sends a line.
func (w journalWriter) Write(line []byte) (int, error) {
	var e journalEntry
	if json.Unmarshal(line, &e) != nil || e.Message == "" {
		e = journalEntry{Message: string(bytes.TrimRight(line, "\n")), Priority: journal.PriErr}
	}
	return len(line), w(e.Message, e.Priority, e.Fields)
}

// journalEntry is an entry on its way.
type journalEntry struct {
	Message  string            `json:"message"`
	Priority journal.Priority  `json:"priority"`
	Fields   map[string]string `json:"fields,omitempty"`
}

// journalLog writes records as entries: their text has what a person reads, with the attributes, and each attribute is
// a field as well, "source" being SOURCE.
type journalLog struct {
	to     io.Writer
	level  slog.Leveler
	prefix string // of the names of groups
	fields map[string]string
	text   string // the attributes as text
}

func (j *journalLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= j.level.Level()
}

func (j *journalLog) WithAttrs(attributes []slog.Attr) slog.Handler {
	with := *j
	with.fields = maps.Clone(j.fields)
	with.add(attributes)
	return &with
}

func (j *journalLog) WithGroup(name string) slog.Handler {
	with := *j
	with.prefix += name + "_"
	return &with
}

// add takes attributes, of groups those inside.
func (j *journalLog) add(attributes []slog.Attr) {
	if j.fields == nil {
		j.fields = make(map[string]string)
	}
	for _, a := range attributes {
		value := a.Value.Resolve()
		if value.Kind() == slog.KindGroup {
			inner := *j
			inner.prefix += a.Key + "_"
			if a.Key == "" {
				inner.prefix = j.prefix
			}
			inner.add(value.Group())
			j.text = inner.text
			continue
		}
		if a.Key == "" {
			continue
		}
		name := j.prefix + a.Key
		j.text += " " + name + "=" + quoted(value.String())
		j.fields[fieldName(name)] = value.String()
	}
}

// Handle writes a record.
func (j *journalLog) Handle(_ context.Context, r slog.Record) error {
	with := *j
	with.fields = maps.Clone(j.fields)
	with.add(slices.Collect(func(yield func(slog.Attr) bool) { r.Attrs(yield) }))
	priority := journal.PriDebug
	switch {
	case r.Level >= slog.LevelError:
		priority = journal.PriErr
	case r.Level >= slog.LevelWarn:
		priority = journal.PriWarning
	case r.Level >= slog.LevelInfo:
		priority = journal.PriInfo
	}
	with.fields["SYSLOG_IDENTIFIER"] = "netsnmp-agent"
	line, err := json.Marshal(journalEntry{r.Message + with.text, priority, with.fields})
	if err != nil {
		return err
	}
	_, err = j.to.Write(append(line, '\n'))
	return err
}

// fieldName returns a name that fields of the journal can have: capital letters, digits and underscores, not an underscore at
// first, 64 octets at most.
func fieldName(name string) string {
	upper := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
	upper = strings.TrimLeft(upper, "_0123456789")
	if upper == "" {
		upper = "FIELD"
	}
	return upper[:min(len(upper), 64)]
}

// quoted returns a value as slog's text handler prints it.
func quoted(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == 0x7f || r > 0x7e }) {
		return fmt.Sprintf("%q", value)
	}
	return value
}
