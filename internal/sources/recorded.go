package sources

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// openRecording opens the stack, or with --netns all every stack, of the moment
// that is chosen. Damage behind what can be read goes to complain.
func (w *Where) openRecording(complain func(error)) (sources []*show.Source, err error) {
	r, err := w.OpenRecording(complain)
	if err != nil {
		return nil, err
	}
	if sources, err = r.Sources(r.First, complain); err != nil {
		return nil, errors.Join(err, r.file.Close())
	}
	sources[0].Release = r.Close
	return sources, nil
}

// Recording is the recording that --recording names, moment by moment.
type Recording struct {
	// Times are those of its moments.
	Times []time.Time
	// First is the number of the moment that --at chooses, the last one unless it is
	// given.
	First int

	file *recording.File
	of   *Where
}

// OpenRecording opens the recording. Damage behind what can be read goes to complain.
func (w *Where) OpenRecording(complain func(error)) (_ *Recording, err error) {
	file, err := recording.Open(w.Recording)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := file.Damage(); err != nil {
		complain(err)
	}
	r := &Recording{file: file, of: w}
	for _, t := range file.Times() {
		r.Times = append(r.Times, t.Local())
	}
	choice := recording.Choice{Stack: w.NetNS}
	if w.At != "" {
		if choice.At, err = momentAt(file, w.At); err != nil {
			return nil, err
		}
	}
	moment, err := ChooseMoment(file, choice)
	if err != nil {
		return nil, err
	}
	r.First = moment.Number()
	return r, nil
}

// Close gives the recording up.
func (r *Recording) Close() { _ = r.file.Close() } // nothing was written

// At returns the number of the last moment until a time in the form of --at, which may be
// one of the day of the moment that is shown; false where the recording begins later.
func (r *Recording) At(text string, shown int) (int, bool, error) {
	t, err := parseAt(text, r.Times[shown])
	if err != nil {
		return 0, false, err
	}
	number, ok := r.file.Before(t)
	return number, ok, nil
}

// Sources opens the stack, or with --netns all every stack, of a moment. That of several which
// cannot be opened goes to complain. They are good until the recording is closed.
func (r *Recording) Sources(number int, complain func(error)) (sources []*show.Source, err error) {
	moment, err := r.file.Moment(number)
	if err != nil {
		return nil, err
	}
	if r.of.NetNS != namespaces.All {
		stack, err := moment.Stack(r.of.NetNS)
		switch {
		case err != nil && r.of.NetNS == "" && len(moment.Stacks()) > 1:
			return nil, fmt.Errorf("%w; --netns chooses one, or all", err)
		case err != nil:
			return nil, err
		}
		src := recordedSource(stack, "")
		src.Name = r.of.NetNS
		return []*show.Source{src}, nil
	}
	for _, stack := range moment.Stacks() {
		if err := stack.Err(); err != nil {
			complain(err)
			continue
		}
		sources = append(sources, recordedSource(stack, RecordedLabel(stack)))
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("%s: no recorded network namespace or host could be opened then", r.of.Recording)
	}
	return sources, nil
}

// recordedSource is a recorded stack under its label, if any.
func recordedSource(stack *recording.Stack, label string) *show.Source {
	src := &show.Source{Stack: stack, NetNS: label, Name: label, At: stack.Moment().Time(), SNMP: stack.Remote() != ""}
	if src.SNMP {
		src.NetNS, src.Host = "", label
	}
	return src
}

// RecordedLabel is what a row calls a recorded namespace: what it is chosen by.
func RecordedLabel(stack *recording.Stack) string {
	switch n := stack.Namespace(); {
	case stack.Name() != "":
		return stack.Name()
	case n != nil:
		return n.Label()
	}
	return "-"
}

// ChooseMoment returns the moment that a choice means, whatever its stacks are.
func ChooseMoment(file *recording.File, c recording.Choice) (*recording.Moment, error) {
	number, ok := file.Last()
	if !c.At.IsZero() {
		number, ok = file.Before(c.At)
	}
	if !ok {
		// Its error says what there is.
		_, err := file.Stack(c)
		return nil, err
	}
	return file.Moment(number)
}

// timeForms are the forms of --at, with how long each names. A time of day is
// of the day of the recording's last moment.
var timeForms = []struct {
	layout string
	names  time.Duration
}{
	{time.RFC3339, time.Second}, {time.DateTime, time.Second}, {"2006-01-02T15:04:05", time.Second},
	{"2006-01-02 15:04", time.Minute}, {"2006-01-02T15:04", time.Minute}, {time.TimeOnly, time.Second}, {"15:04", time.Minute},
}

// CheckAt says what is wrong with a time of --at.
func CheckAt(text string) error {
	_, err := parseAt(text, time.Time{})
	return err
}

// parseAt reads a time of --at: the end of the second or the minute that it
// names. day is the day of a time that has none.
func parseAt(text string, day time.Time) (time.Time, error) {
	for _, form := range timeForms {
		t, err := time.ParseInLocation(form.layout, text, time.Local)
		if err != nil {
			continue
		}
		if !strings.Contains(form.layout, "2006") {
			year, month, date := day.Local().Date()
			t = time.Date(year, month, date, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local)
		}
		if t.Nanosecond() == 0 {
			t = t.Add(form.names - 1)
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("--at: %q is not a time such as 2006-01-02T15:04:05Z, \"2006-01-02 15:04\" or 15:04", text)
}

// momentAt reads --at by the calendar of a recording.
func momentAt(file *recording.File, text string) (time.Time, error) {
	var last time.Time
	for _, t := range file.Times() {
		last = t
	}
	return parseAt(text, last)
}
