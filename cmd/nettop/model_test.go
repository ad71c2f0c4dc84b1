package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// bench is a model with an arranger that reads what a test says, without a screen.
type bench struct {
	*testing.T
	m     *model
	a     *arranger
	watch *show.Watch
	view  *show.View
	now   []show.Change
	turn  int
	quit  bool
	asked []*question
}

// newBench returns a bench that shows the view of changes, with so many rows.
func newBench(t *testing.T, width, height, rows int) *bench {
	t.Helper()
	v, err := findView("changes")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, m: newModel(&flags{view: v, viewGiven: true}, readSettings("", nil))}
	for i := 1; i <= rows; i++ {
		b.add(i)
	}
	b.watch, err = show.NewWatch(show.Options{Interval: 1, Numeric: true}, func(text string) { b.m.say(text) },
		func(func(error)) ([]*show.Source, error) { return []*show.Source{{}}, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.watch.Close)
	if b.view, err = b.watch.View(show.Changes(func(context.Context) ([]show.Change, error) { return b.now, nil })); err != nil {
		t.Fatal(err)
	}
	b.m.quit = func() { b.quit = true }
	b.m.killed = func(q *question) { b.asked = append(b.asked, q) }
	b.m.mayKill = errors.New("not here")
	b.a = newArranger(nil, b.m.wish(), nil, func(text string) { b.m.say(text) })
	b.m.resize(width, height)
	b.read()
	return b
}

func (b *bench) add(number int) {
	b.now = append(b.now, show.Change{Number: uint64(number), Time: time.Unix(1e9, 0), What: []string{"added", "removed"}[number%2], Of: "route", Words: fmt.Sprintf("10.0.%d.0/24", number)})
}

// read reads once more.
func (b *bench) read() {
	b.Helper()
	if err := b.watch.Begin(b.Context()); err != nil {
		b.Fatal(err)
	}
	sheet, err := b.view.Read(b.Context(), show.Wants{})
	if err != nil {
		b.Fatal(err)
	}
	b.turn++
	b.a.readings[b.m.view().view] = reading{sheet: sheet, number: b.turn}
	b.arrange()
}

// arrange arranges what was read as the model wishes.
func (b *bench) arrange() {
	b.a.wish = b.m.wish()
	if done := b.a.arrange(); done != nil {
		b.m.take(done)
	}
}

func (b *bench) press(keys ...string) {
	for _, key := range keys {
		b.m.press(key)
		b.arrange()
	}
}

func (b *bench) typed(text string) {
	for _, r := range text {
		b.press(string(r))
	}
}

// text is what is on the screen, line by line.
func (b *bench) text() (lines []string) {
	for _, line := range b.m.frame().lines {
		var text strings.Builder
		for _, s := range line {
			text.WriteString(s.text)
		}
		lines = append(lines, text.String())
	}
	return lines
}

// cursor is the number of the row under the cursor, and in which line it stands.
func (b *bench) cursor() (number uint64, line int) {
	v := b.m.view()
	number = 0
	if v.at < len(v.shown.rows) {
		value := v.shown.sheet.Value(int(v.shown.rows[v.at]), "number")
		number = value.Uint()
	}
	for i, l := range b.m.frame().lines {
		if i >= 2 && len(l) > 0 && l[0].reverse {
			return number, i
		}
	}
	return number, -1
}

func (b *bench) wantCursor(when string, number uint64, line int) {
	b.Helper()
	if n, l := b.cursor(); n != number || l != line {
		b.Errorf("%s: the cursor is on row %d in line %d, not on %d in %d", when, n, l, number, line)
	}
}

// The cursor stays on its row, and in its line where it can, while rows come.
func TestCursorStaysOnItsRow(t *testing.T) {
	b := newBench(t, 80, 13, 30) // ten rows, the greatest number first; the last line but one has no graph
	b.wantCursor("at first", 30, 2)
	b.add(31)
	b.read()
	b.wantCursor("a row came, and the cursor was never moved", 31, 2)
	b.press("j", "j")
	b.wantCursor("two down", 29, 4)
	b.add(32)
	b.read()
	b.wantCursor("a row came", 29, 4)
	b.press("k", "k", "k")
	b.wantCursor("three up", 32, 2)
	b.press("G")
	b.wantCursor("the end", 1, 11)
	b.press("pgup")
	b.wantCursor("a screen up", 11, 2)
	b.m.resize(80, 6)
	b.wantCursor("a small screen", 11, 2)
	b.m.resize(80, 3)
	b.wantCursor("no room for rows", 11, -1)
	b.m.resize(80, 24)
	b.press("g")
	b.add(33)
	b.read()
	b.wantCursor("g lets go of the row", 33, 2)
	b.now = b.now[:0]
	b.read()
	b.wantCursor("no rows", 0, -1)
	b.press("j", "G", "pgdn", "enter", "x")
	if b.m.mode != browsing {
		t.Error("without rows there is something to open")
	}
}

// Many rows scroll: cells are made of those that are seen.
func TestManyRows(t *testing.T) {
	b := newBench(t, 80, 24, 200_000)
	b.m.press("G")
	b.wantCursor("the end", 1, 22)
	b.m.press("pgup")
	b.m.press("pgup")
	b.wantCursor("two screens up", 43, 2)
	b.m.press("/")
	for _, r := range "number>199990" {
		b.m.press(string(r))
	}
	b.m.press("enter")
	b.m.press("R")
	b.arrange()
	if got := len(b.m.view().shown.rows); got != 10 {
		t.Errorf("%d rows, not 10", got)
	}
	b.press("g")
	b.wantCursor("reversed", 199991, 2)
}

// A filter is applied while it is typed; what is wrong with it is said, and the rows of the
// last right one stay.
func TestFilterAsTyped(t *testing.T) {
	b := newBench(t, 80, 24, 30)
	status := func() string { return b.text()[23] }
	b.press("/")
	b.typed("number<=5")
	if rows := len(b.m.view().shown.rows); rows != 5 || !strings.HasPrefix(status(), "filter: number<=5") {
		t.Errorf("%d rows, and %q", rows, status())
	}
	b.typed(" and")
	if rows := len(b.m.view().shown.rows); rows != 5 || !strings.Contains(status(), "expected") {
		t.Errorf("half an expression: %d rows, and %q", rows, status())
	}
	b.press("enter")
	if b.m.mode != filtering {
		t.Error("a wrong filter is taken")
	}
	b.typed(" change=added")
	b.press("enter")
	if rows := len(b.m.view().shown.rows); rows != 2 || !strings.Contains(status(), "2 of 30 rows") {
		t.Errorf("%d rows, and %q", rows, status())
	}
	b.press("/", "ctrl-u")
	if rows := len(b.m.view().shown.rows); rows != 30 {
		t.Errorf("nothing is typed, and there are %d rows", rows)
	}
	b.press("esc")
	if rows := len(b.m.view().shown.rows); rows != 2 {
		t.Errorf("Escape leaves %d rows, not 2", rows)
	}
	b.press("/", "left", "backspace", "delete", "home", "ctrl-w", "end", "ctrl-w")
	b.press("esc", "esc")
	if rows := len(b.m.view().shown.rows); rows != 30 {
		t.Errorf("without a filter there are %d rows", rows)
	}
}

// Keys that are pressed before it is known whether a filter is right, as by who types quickly or
// pastes, wait for that, and none is lost.
func TestTypeAhead(t *testing.T) {
	b := newBench(t, 80, 24, 30)
	ahead := func(keys ...string) {
		for _, key := range keys {
			b.m.press(key)
		}
	}
	letters := func(text string) []string { return strings.Split(text, "") }
	b.press("/")
	b.typed("number<") // of which is known that it is wrong
	ahead(letters("=5")...)
	ahead("enter", "down", "p", "/")
	ahead(letters(" and change=added")...)
	ahead("enter", "down")
	if v := b.m.view(); v.filter != "" || b.m.mode != filtering {
		t.Errorf("the filter %q is taken before anybody knows whether it is right", v.filter)
	}
	b.arrange()
	if v := b.m.view(); v.filter != "number<=5" || v.held == nil || v.typed != "number<=5 and change=added" {
		t.Errorf("filter %q, then %q", v.filter, v.typed)
	}
	b.arrange()
	if v := b.m.view(); v.filter != "number<=5 and change=added" || len(v.shown.rows) != 2 || v.at != 1 {
		t.Errorf("filter %q, %d rows, the cursor on %d", v.filter, len(v.shown.rows), v.at)
	}
	// What was typed behind a wrong one is typed into it.
	ahead("/", " ", "o", "enter", "r")
	b.arrange()
	if v := b.m.view(); b.m.mode != filtering || v.typed != "number<=5 and change=added or" {
		t.Errorf("mode %v, %q", b.m.mode, v.typed)
	}
	ahead("enter", "esc")
	b.arrange()
	if v := b.m.view(); b.m.mode != browsing || v.filter != "number<=5 and change=added" {
		t.Errorf("mode %v, filter %q", b.m.mode, v.filter)
	}
}

// A pause keeps the order, and figures go on.
func TestPauseKeepsTheOrder(t *testing.T) {
	b := newBench(t, 80, 24, 5)
	numbers := func() (numbers []uint64) {
		v := b.m.view()
		for _, row := range v.shown.rows {
			value := v.shown.sheet.Value(int(row), "number")
			numbers = append(numbers, value.Uint())
		}
		return numbers
	}
	b.press("p")
	if !strings.Contains(b.text()[0], "PAUSED") {
		t.Errorf("no word of the pause in %q", b.text()[0])
	}
	b.now = slices.Delete(b.now, 1, 2) // the second
	b.add(6)
	b.now[0].Words = "another"
	b.read()
	b.add(7)
	b.read()
	if want := []uint64{5, 4, 3, 1, 6, 7}; !slices.Equal(numbers(), want) {
		t.Errorf("rows %v, not %v", numbers(), want)
	}
	if text := strings.Join(b.text(), "\n"); !strings.Contains(text, "another") {
		t.Error("figures do not go on")
	}
	b.press("p")
	if want := []uint64{7, 6, 5, 4, 3, 1}; !slices.Equal(numbers(), want) {
		t.Errorf("rows %v, not %v", numbers(), want)
	}
	b.press("p", ">")
	if b.m.view().held != nil {
		t.Error("another order goes with a pause")
	}
}

// Keys and clicks sort by columns; the heading of the column shows it.
func TestSorting(t *testing.T) {
	b := newBench(t, 80, 24, 5)
	sorted := func() string {
		for _, s := range b.m.frame().lines[1] {
			if s.reverse {
				return strings.TrimSpace(s.text)
			}
		}
		return ""
	}
	if got := sorted(); got != "" {
		t.Errorf("sorted by %q, which is no column", got)
	}
	for _, want := range []string{"Time", "Change", "Kind", "What", "Time"} {
		if b.press(">"); sorted() != want {
			t.Errorf("sorted by %q, not %q", sorted(), want)
		}
	}
	if b.press("<"); sorted() != "What" || b.m.view().order != "what" {
		t.Errorf("sorted by %q, %q", sorted(), b.m.view().order)
	}
	if b.press("R"); b.m.view().order != "-what" {
		t.Errorf("the contrary is %q", b.m.view().order)
	}
	x := strings.Index(b.text()[1], "Kind")
	b.m.click(x, 1)
	b.arrange()
	if sorted() != "Kind" || b.m.view().order != "of" {
		t.Errorf("a click sorts by %q", sorted())
	}
	b.m.click(x, 1)
	if b.m.view().order != "-of" {
		t.Errorf("a second click sorts by %q", b.m.view().order)
	}
	b.m.click(3, 4)
	b.wantCursor("a click on a row", 3, 4)
	b.m.wheel(3)
	b.m.click(200, 1)
	b.m.click(3, 20) // below the rows
	b.m.click(strings.Index(b.text()[0], " 12 ")+1, 0)
	if b.m.view().name != "counters" {
		t.Errorf("a click chooses %s", b.m.view().name)
	}
	b.press("tab", "tab", "backtab")
	if b.m.view().name != "changes" {
		t.Errorf("keys choose %s", b.m.view().name)
	}
}

// Whatever the width, lines take no more places than there are, and the cursor's row is seen.
func TestWidths(t *testing.T) {
	for _, width := range []int{0, 1, 2, 5, 10, 20, 39, 40, 41, 60, 79, 80, 100, 132, 200, 400} {
		for _, height := range []int{1, 2, 3, 5, 8, 24} {
			b := newBench(t, width, height, 3)
			b.now[0].Words = "日本語 ümläut " + strings.Repeat("x", 100)
			b.read()
			for _, keys := range [][]string{nil, {"right", "right", "right", "right"}, {"?"}, {"esc", "enter"}, {"esc", "f", "j", " "}, {"esc", "/", "x"}, {"esc"}} {
				b.press(keys...)
				f := b.m.frame()
				if len(f.lines) > height {
					t.Fatalf("%d lines at a height of %d", len(f.lines), height)
				}
				for _, line := range b.text() {
					if w := textWidth(line); w > width {
						t.Fatalf("width %d, after %v: %q takes %d", width, keys, line, w)
					}
				}
			}
		}
	}
}

// Columns are hidden and shown again, in their order, and kept in the settings.
func TestColumnsAreChosen(t *testing.T) {
	b := newBench(t, 80, 24, 3)
	b.press("f", "j", " ", "q")
	if got := strings.Join(strings.Fields(b.text()[1]), " "); got != "Time Kind What" {
		t.Errorf("columns %q", got)
	}
	if got := b.m.settings.get("changes.columns"); got != "Time,Kind,What" {
		t.Errorf("kept: %q", got)
	}
	b.press("f", "j", " ", "q")
	if got := strings.Join(strings.Fields(b.text()[1]), " "); got != "Time Change Kind What" {
		t.Errorf("columns %q", got)
	}
	b.press("f", " ", "j", " ", "j", " ", "j", " ", "q")
	if got := strings.Join(strings.Fields(b.text()[1]), " "); got != "What" {
		t.Errorf("the last column goes: %q", got)
	}
}

// A row in full has every field that is known; help has every key.
func TestRowInFullAndHelp(t *testing.T) {
	b := newBench(t, 80, 24, 3)
	b.press("enter")
	text := strings.Join(b.text(), "\n")
	for _, want := range []string{"number", "change", "10.0.3.0/24", "counts changes from when they were followed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the row in full lacks %q:\n%s", want, text)
		}
	}
	b.now[2].Words = "something else"
	b.read()
	if !strings.Contains(strings.Join(b.text(), "\n"), "something else") {
		t.Error("the row in full is not up to date")
	}
	b.press("G", "g", "pgdn", "j", "k", "q", "?")
	help := strings.Join(strings.Fields(strings.Join(b.m.lines, " ")), " ")
	for _, bind := range bindings {
		if bind.usage != "" && !strings.HasPrefix(bind.usage, "of a recording") && !strings.Contains(help, bind.names+" "+bind.usage) {
			t.Errorf("the help does not tell of %s", bind.names)
		}
	}
	b.press("q", "x")
	if !strings.Contains(b.text()[23], "nothing can be killed") {
		t.Errorf("x says %q", b.text()[23])
	}
	if b.press("q"); !b.quit {
		t.Error("q does not quit")
	}
}

// A recording is played, and goes on as fast as it is told.
func TestPlaying(t *testing.T) {
	b := newBench(t, 80, 24, 3)
	b.m.ascii = true
	at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	p := &player{speed: 1, find: func(text string, _ int) (int, error) {
		if text != "03:01" {
			return 0, errors.New("no time")
		}
		return 1, nil
	}}
	for i := range 4 {
		p.times = append(p.times, at.Add(time.Duration(i)*time.Minute))
	}
	b.m.play = p
	read := func() {
		b.m.view().shown.moment = p.at
	}
	if b.press("]"); p.at != 1 || b.m.wish().moment != 1 {
		t.Errorf("a step goes to %d", p.at)
	}
	if !strings.Contains(b.text()[0], "2026-11-29 03:01:00 2/4 stopped x1") {
		t.Errorf("the first line is %q", b.text()[0])
	}
	if b.press("[", "["); p.at != 0 {
		t.Errorf("steps back go to %d", p.at)
	}
	if p.pause() != longestPause {
		t.Errorf("a minute lasts %v", p.pause())
	}
	b.press("+", "+", "+", "+", "+")
	if p.speed != 32 || p.pause() != time.Minute/32 {
		t.Errorf("32 times as fast it lasts %v", p.pause())
	}
	if b.press("-"); p.speed != 16 {
		t.Errorf("slower it is %v", p.speed)
	}
	b.press("p")
	b.m.view().shown.moment = 3
	if b.m.advance(); p.at != 0 {
		t.Error("it goes on before what is there was read")
	}
	for want := 1; want < 4; want++ {
		if read(); !p.playing {
			t.Fatal("it is not played")
		}
		if b.m.advance(); p.at != want {
			t.Errorf("then comes %d, not %d", p.at, want)
		}
	}
	read()
	if b.m.advance(); p.playing || p.at != 3 {
		t.Errorf("behind the end: %d, playing %v", p.at, p.playing)
	}
	b.press("t")
	b.typed("03:01")
	if b.press("enter"); p.at != 1 {
		t.Errorf("a jump goes to %d", p.at)
	}
	b.press("t")
	b.typed("soon")
	if b.press("enter"); b.text()[23] != "no time" || p.at != 1 {
		t.Errorf("a jump to nowhere: %q", b.text()[23])
	}
}

// Tabs have as much of the titles as there is room for, and the number alone where that is too
// little to tell them apart; the view that is shown has all of its title.
func TestTabs(t *testing.T) {
	b := newBench(t, 80, 20, 3)
	b.m.show(0)
	title := b.m.view().title
	for _, c := range []struct {
		width int
		other string // the start of the last tab
	}{{80, " 13"}, {120, " 13 Chan"}, {200, " 13 Changes "}} {
		b.m.resize(c.width, 20)
		tabs := b.m.tabs()
		if len(tabs) != len(b.m.views) {
			t.Fatalf("%d tabs of %d views", len(tabs), len(b.m.views))
		}
		if last := tabs[len(tabs)-1]; !strings.HasPrefix(last.text, c.other) || last.to > c.width || c.other == " 13" && last.text != c.other {
			t.Errorf("%d columns: the last tab is %q, up to %d", c.width, last.text, last.to)
		}
		if shown := tabs[b.m.current].text; !strings.Contains(shown, " "+title+" ") {
			t.Errorf("%d columns: the view that is shown has the tab %q", c.width, shown)
		}
	}
}

// Where there is no room for all columns, those that matter most are seen first, and the others
// on further pages; what tells rows apart, and what they are sorted by, is on all of them that have room for it.
func TestPagesOfColumns(t *testing.T) {
	b := newBench(t, 40, 12, 3)
	b.now[0].Words = strings.Repeat("word ", 20)
	b.read()
	headings := func() string { return strings.Join(strings.Fields(b.text()[1]), " ") }
	for _, want := range []string{"Time What >", "Time Change Kind <"} {
		if got := headings(); got != want {
			t.Errorf("columns %q, not %q", got, want)
		}
		b.press("l")
	}
	if b.press("left", "left", "left"); headings() != "Time What >" {
		t.Errorf("back at the first page there is %q", headings())
	}
	if b.press("<"); headings() != "Time What >" || b.m.view().order != "what" {
		t.Errorf("sorted by %s there is %q", b.m.view().order, headings())
	}
	for _, c := range [][2]string{{"<", "Time Change Kind >"}, {"l", "Time What <"}} {
		if b.press(c[0]); headings() != c[1] || b.m.view().order != "of" {
			t.Errorf("sorted by %s there is %q, not %q", b.m.view().order, headings(), c[1])
		}
	}
	b.m.resize(200, 12)
	if got := headings(); got != "Time Change Kind What" {
		t.Errorf("with room for all there is %q", got)
	}
	for text, want := range map[string]string{
		"10.0.0.1:80":               "10.0.0.1:80",
		"[2001:db8::17:1234]:50000": "[2001:~:50000",
		"several words of a text":   "several words of a text",
		"日本語日本語日本語":                 "日本語~日本語",
	} {
		if got := shortened(text, 13); got != want {
			t.Errorf("%q is shortened to %q, not %q", text, got, want)
		}
	}
}

// A view is shown by its number, and by as much of its name as no other begins with.
func TestViewsByName(t *testing.T) {
	b := newBench(t, 80, 12, 3)
	for name, want := range map[string]string{"1": "connections", "0": b.m.views[9].name, "tra": "tracked", "processes": "processes"} {
		if len(name) > 1 {
			b.press(":")
			b.typed(name)
			b.press("enter")
		} else {
			b.press(name)
		}
		if got := b.m.view().name; got != want {
			t.Errorf("%s shows %s, not %s", name, got, want)
		}
	}
	b.press(":")
	b.typed("un")
	b.press("esc", ":")
	b.typed("c")
	if b.press("enter"); !strings.Contains(b.text()[11], `there is no view "c"`) {
		t.Errorf("of several it says %q", b.text()[11])
	}
}

// A row in full stays what it was when the row is there no more.
func TestRowInFullStays(t *testing.T) {
	b := newBench(t, 80, 13, 3)
	b.press("j", "enter")
	before := b.text()
	if !slices.ContainsFunc(before, func(line string) bool { return strings.Contains(line, "10.0.2.0/24") }) {
		t.Fatalf("it is not in full: %q", before)
	}
	b.now = b.now[:1]
	b.read()
	if after := b.text(); !slices.Equal(before, after) {
		t.Errorf("it was %q, and is %q", before, after)
	}
}
