package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// mode is what keys are for.
type mode uint8

const (
	browsing  mode = iota
	filtering      // a filter is typed
	jumping        // a time is typed
	naming         // a view's name is typed
	opened         // a row in full
	helping
	choosing // which columns are shown
	asking   // whether a row is to go
)

// model is what is on the screen, and what keys do. It knows no terminal: it is told which key
// was pressed, and tells what lines there are.
type model struct {
	views   []*view
	states  []*viewState
	current int

	width, height int
	ascii         bool // there are no other characters

	mode   mode
	input  editor   // of what is typed
	lines  []string // of the row in full and the help
	full   show.Key // the row in full
	scroll int      // in these
	chosen int      // of the columns

	// entered are the keys from Enter on, of a filter of which it is not known yet whether it is right.
	entered []string

	message string   // of the last key, until the next one
	said    []string // what could not be read
	unread  bool     // the last of it is shown until a key is pressed
	where   string   // what is shown, where that is not this namespace

	settings *settings
	play     *player // nil unless a recording is shown
	mayKill  error   // why nothing can be killed
	question *question
	further  *further // of the row in full; nil for nothing

	// read has something further read: what comes of it comes by taken.
	read func(*further)
	// killed has a row killed: what became of it comes by told.
	killed func(*question)
	// quit and suspend end and stop the program.
	quit, suspend func()
}

// viewState is a view as it is on the screen.
type viewState struct {
	*view
	order, filter string
	typed         string // the filter that is being typed, or filter
	checked       string // the filter of which it is known
	wrong         error  // what is wrong with that
	shown         *arrangement
	held          *arrangement // whose order is kept; nil while rows are sorted

	cursor  show.Key
	at      int  // where the cursor stands among the rows
	moved   bool // somebody put it there: it stays on its row
	top     int  // the row in the first line
	page    int  // of the columns
	widths  map[string]int
	columns []string // headings of those that are shown; nil for all
	history history
	counted int // the reading that is in the history
}

// fault is what is wrong with the filter that is being typed, nil while that is not known.
func (v *viewState) fault() error {
	if v.checked != v.typed {
		return nil
	}
	return v.wrong
}

// question is whether a row is to go.
type question struct {
	text  string
	sheet show.Sheet
	row   int
	by    *killer
}

// player plays a recording.
type player struct {
	times   []time.Time
	at      int
	playing bool
	speed   float64
	// find returns the moment of a time that was typed while another one is shown.
	find func(text string, shown int) (int, error)
}

// Bounds of how fast a recording is played.
const (
	slowest, fastest = 1.0 / 16, 4096.0
	longestPause     = 10 * time.Second
	shortestPause    = 50 * time.Millisecond
)

// pause is for how long the moment that is shown is on the screen.
func (p *player) pause() time.Duration {
	if p.at+1 >= len(p.times) {
		return longestPause
	}
	d := time.Duration(float64(p.times[p.at+1].Sub(p.times[p.at])) / p.speed)
	return min(max(d, shortestPause), longestPause)
}

func newModel(f *flags, s *settings) *model {
	m := &model{views: possible(&f.Where), settings: s}
	for _, v := range m.views {
		state := &viewState{view: v, order: v.order, widths: make(map[string]int)}
		if order := s.get(v.name + ".sort"); order != "" {
			state.order = order
		}
		if columns := s.get(v.name + ".columns"); columns != "" {
			for heading := range strings.SplitSeq(columns, ",") {
				state.columns = append(state.columns, strings.TrimSpace(heading))
			}
		}
		m.states = append(m.states, state)
	}
	m.current = place(f.view, m.views)
	if !f.viewGiven {
		if i := slices.IndexFunc(m.views, func(v *view) bool { return v.name == s.get("view") }); i >= 0 {
			m.current = i
		}
	}
	if v := m.view(); f.filter != "" {
		v.filter, v.typed = f.filter, f.filter
	}
	if f.order != "" {
		m.view().order = f.order
	}
	switch {
	case f.Recording != "":
		m.where = f.Recording
	case f.NetNS != "":
		m.where = "netns " + f.NetNS
	case f.IsRemote():
		m.where = strings.Join(f.Hosts, ",")
		if m.where == "" {
			m.where = f.HostsFile
		}
	}
	return m
}

// view is the one that is shown.
func (m *model) view() *viewState { return m.states[m.current] }

// wish is what is to be read and arranged.
func (m *model) wish() wish {
	v := m.view()
	w := wish{view: v.view, filter: v.typed, order: v.order, held: v.held, inFull: m.mode == opened}
	if v.moved {
		w.cursor = v.cursor
	}
	if m.play != nil {
		w.moment = m.play.at
	}
	return w
}

// take takes what was arranged.
func (m *model) take(a *arrangement) {
	v := m.states[place(a.of.view, m.views)]
	fresh := v.shown == nil || a.number != v.shown.number
	v.shown = a
	v.checked, v.wrong = a.of.filter, a.wrong
	switch {
	case !v.moved:
		v.at = 0
	case a.of.cursor == v.cursor && a.cursorAt >= 0:
		// It stays in its line where it can.
		v.top += a.cursorAt - v.at
		v.at = a.cursorAt
	case a.of.cursor != v.cursor:
		// It was moved meanwhile: the row is looked for nearby.
		v.at = v.near(v.at)
	}
	m.settle(v)
	if fresh && a.number != v.counted {
		v.counted = a.number
		v.history.add(m.graphed(v), a.sheet, v.around(m.rowLines()))
	}
	switch {
	case v != m.view():
	case m.mode == opened:
		m.drawFull()
	case m.mode == filtering && m.entered != nil && v.checked == v.typed:
		keys := m.entered
		m.entered = nil
		for _, key := range keys {
			m.press(key)
		}
	case m.mode == browsing && fresh && v.fault() != nil:
		m.message = "filter: " + v.wrong.Error() // it was taken before there was a reading
	}
}

// open shows the row under the cursor in full.
func (m *model) open() {
	v := m.view()
	if v.shown == nil || v.at >= len(v.shown.rows) {
		return
	}
	v.moved = true
	m.mode, m.scroll, m.full, m.further = opened, 0, v.cursor, nil
	if row := int(v.shown.rows[v.at]); v.further != nil && !v.shown.sheet.Ended(row) {
		m.further = &further{sheet: v.shown.sheet, row: row, by: v.further}
		m.read(m.further)
	}
	m.drawFull()
}

// drawFull draws the row in full as it was read last. One that is there no more stays as it was.
func (m *model) drawFull() {
	if m.view().cursor == m.full {
		m.lines = m.inFull()
	}
}

// taken takes what was read further of a row.
func (m *model) taken(f *further) {
	f.read = true
	if m.mode == opened && f == m.further {
		m.drawFull()
	}
}

// near returns where the row under the cursor stands, looking not far from where it was.
func (v *viewState) near(at int) int {
	const far = 2000
	for d := range far {
		for _, i := range [...]int{at + d, at - d} {
			if i >= 0 && i < len(v.shown.rows) && v.shown.sheet.Key(int(v.shown.rows[i])) == v.cursor {
				return i
			}
		}
	}
	return at
}

// around returns the row under the cursor and those that are seen.
func (v *viewState) around(lines int) (rows []int32) {
	if v.at < len(v.shown.rows) {
		rows = append(rows, v.shown.rows[v.at])
	}
	return append(rows, v.shown.rows[min(v.top, len(v.shown.rows)):min(v.top+lines, len(v.shown.rows))]...)
}

// graphed is the field whose history is kept: what rows are sorted by, if that is a number.
func (m *model) graphed(v *viewState) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(v.order, "-"), ",")
	if v.shown != nil && isNumber(v.shown.sheet, first) && v.graph != "" {
		return first
	}
	return v.graph
}

func isNumber(sheet show.Sheet, field string) bool {
	return slices.ContainsFunc(sheet.Fields(), func(f table.FieldDescription) bool {
		return strings.EqualFold(f.Name, field) && (f.Type == table.Integer.String() || f.Type == table.Number.String())
	})
}

// settle puts the cursor on a row that there is, and has it be seen.
func (m *model) settle(v *viewState) {
	n := 0
	if v.shown != nil {
		n = len(v.shown.rows)
	}
	lines := m.rowLines()
	v.at = min(max(v.at, 0), max(n-1, 0))
	v.top = max(min(v.top, n-lines), 0)
	v.top = min(v.top, v.at)
	v.top = max(v.top, v.at-lines+1)
	v.cursor = 0
	if v.at < n {
		v.cursor = v.shown.sheet.Key(int(v.shown.rows[v.at]))
	}
}

// resize says how large the screen is.
func (m *model) resize(width, height int) {
	if width == m.width && height == m.height {
		return
	}
	m.width, m.height = width, height
	for _, v := range m.states {
		clear(v.widths)
		if v.shown != nil {
			m.settle(v)
		}
	}
	if m.mode == opened {
		m.drawFull()
	}
}

// say shows a complaint in the status line.
func (m *model) say(text string) {
	const most = 100
	text = strings.Join(strings.Fields(text), " ")
	if m.said = append(m.said, text); len(m.said) > most {
		m.said = m.said[1:]
	}
	m.unread = true
}

// told says what became of a question.
func (m *model) told(q *question, err error) {
	if err != nil {
		m.message = fmt.Sprintf("%s: %v", q.text, err)
		return
	}
	m.message = q.text + ": done"
}

// press does what a key is for.
func (m *model) press(key string) {
	m.message, m.unread = "", false
	if m.entered != nil && m.typeAhead(key) {
		return
	}
	if key == "ctrl-z" {
		m.suspend()
		return
	}
	if key == "ctrl-c" {
		m.quit()
		return
	}
	switch m.mode {
	case filtering, jumping, naming:
		m.pressTyping(key)
	case opened, helping:
		m.pressReading(key)
	case choosing:
		m.pressChoosing(key)
	case asking:
		q := m.question
		m.mode, m.question = browsing, nil
		if key == "y" || key == "Y" {
			m.killed(q)
		} else {
			m.message = "nothing was killed"
		}
	default:
		for i := range bindings {
			if slices.Contains(bindings[i].keys, key) {
				bindings[i].do(m)
				return
			}
		}
		if i := strings.Index("1234567890", key); len(key) == 1 && i >= 0 && i < len(m.views) {
			m.show(i)
		}
	}
}

// typeAhead keeps a key that is pressed while it is not known yet whether the filter that was
// entered is right, and reports whether it did.
func (m *model) typeAhead(key string) bool {
	const most = 1000
	switch key {
	case "esc", "ctrl-c", "ctrl-z":
		m.entered = nil
		return false
	}
	if len(m.entered) < most {
		m.entered = append(m.entered, key)
	}
	return true
}

// show shows a view.
func (m *model) show(i int) {
	m.current = (i + len(m.views)) % len(m.views)
	m.settings.set("view", m.view().name)
}

// showNamed shows the view of a name, or of the only one that begins so.
func (m *model) showNamed(name string) {
	v, err := findView(name)
	if err != nil {
		m.message = err.Error()
		return
	}
	if i := slices.Index(m.views, v); i >= 0 {
		m.show(i)
		return
	}
	m.message = fmt.Sprintf("there is no view %s of what is shown", v.name)
}

// move moves the cursor by so many rows.
func (m *model) move(by int) {
	v := m.view()
	v.at += by
	v.moved = true
	m.settle(v)
}

func (m *model) pressTyping(key string) {
	v := m.view()
	switch key {
	case "esc":
		if m.mode == filtering {
			v.typed = v.filter
		}
		m.mode = browsing
		return
	case "enter":
		switch m.mode {
		case jumping:
			m.mode = browsing
			m.jump(m.input.String())
			return
		case naming:
			m.mode = browsing
			m.showNamed(strings.TrimSpace(m.input.String()))
			return
		}
		switch {
		case v.shown != nil && v.checked != v.typed:
			m.entered = []string{key}
			return
		case v.fault() != nil:
			return // it says what is wrong
		}
		v.filter, m.mode = v.typed, browsing
		return
	}
	m.input.press(key)
	if m.mode == filtering {
		v.typed = m.input.String()
	}
}

// jump shows another moment of the recording.
func (m *model) jump(text string) {
	at, err := m.play.find(strings.TrimSpace(text), m.play.at)
	if err != nil {
		m.message = err.Error()
		return
	}
	m.play.at = at
}

func (m *model) pressReading(key string) {
	page := max(m.height-2, 1)
	switch key {
	case "down", "j":
		m.scroll++
	case "up", "k":
		m.scroll--
	case "pgdn", " ", "ctrl-f":
		m.scroll += page
	case "pgup", "b", "ctrl-b":
		m.scroll -= page
	case "home", "g":
		m.scroll = 0
	case "end", "G":
		m.scroll = len(m.lines)
	case "esc", "q", "enter", "?", "left":
		m.mode = browsing
		return
	}
	m.scroll = max(min(m.scroll, len(m.lines)-page), 0)
}

func (m *model) pressChoosing(key string) {
	v := m.view()
	all := v.shown.sheet.Columns()
	switch key {
	case "down", "j":
		m.chosen++
	case "up", "k":
		m.chosen--
	case "home", "g":
		m.chosen = 0
	case "end", "G":
		m.chosen = len(all) - 1
	case " ", "x":
		m.toggle(v, all[m.chosen].Heading)
	case "esc", "q", "enter", "f":
		m.mode = browsing
	}
	m.chosen = max(min(m.chosen, len(all)-1), 0)
}

// toggle shows a column or hides it; the last one stays.
func (m *model) toggle(v *viewState, heading string) {
	var columns []string
	shown := false
	for _, c := range v.visible() {
		if c.Heading == heading {
			shown = true
		} else {
			columns = append(columns, c.Heading)
		}
	}
	if !shown {
		columns = append(columns, heading)
		// In the order that they have.
		var ordered []string
		for _, c := range v.shown.sheet.Columns() {
			if slices.Contains(columns, c.Heading) {
				ordered = append(ordered, c.Heading)
			}
		}
		columns = ordered
	}
	if len(columns) == 0 {
		return
	}
	v.columns, v.page = columns, 0
	m.settings.set(v.name+".columns", strings.Join(columns, ","))
}

// column is a column that is shown, by its number on the sheet.
type column struct {
	show.SheetColumn
	number int
}

// visible returns the columns that are shown, in the order that the settings have.
func (v *viewState) visible() (found []column) {
	if v.shown == nil {
		return nil
	}
	all := v.shown.sheet.Columns()
	for _, heading := range v.columns {
		if i := slices.IndexFunc(all, func(c show.SheetColumn) bool { return c.Heading == heading }); i >= 0 {
			found = append(found, column{all[i], i})
		}
	}
	if len(found) > 0 {
		return found
	}
	for i, c := range all {
		found = append(found, column{c, i})
	}
	return found
}

// sortedBy reports whether rows are sorted by a column.
func (v *viewState) sortedBy(c *column) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(v.order, "-"), ",")
	return c.Order != "" && first == c.Order
}

// sortBy sorts by a column: numbers with the largest first.
func (m *model) sortBy(c *column) {
	v := m.view()
	if c.Order == "" {
		m.message = "rows cannot be sorted by " + c.Heading
		return
	}
	order := c.Order
	if isNumber(v.shown.sheet, order) {
		order = "-" + order
	}
	m.sort(v, order)
}

func (m *model) sort(v *viewState, order string) {
	v.order, v.held = order, nil
	m.settings.set(v.name+".sort", order)
}

// sortBeside sorts by the next column that rows can be sorted by.
func (m *model) sortBeside(step int) {
	v := m.view()
	columns := v.visible()
	at := slices.IndexFunc(columns, func(c column) bool { return v.sortedBy(&c) })
	if at < 0 && step < 0 {
		at = 0
	}
	for range columns {
		at = (at + step + len(columns)) % len(columns)
		if columns[at].Order != "" {
			m.sortBy(&columns[at])
			return
		}
	}
}

// editor is a line that is typed.
type editor struct {
	text []rune
	at   int
}

func (e *editor) set(text string) { e.text, e.at = []rune(text), len([]rune(text)) }

func (e *editor) String() string { return string(e.text) }

// longestInput bounds what is typed.
const longestInput = 1000

func (e *editor) press(key string) {
	switch key {
	case "left", "ctrl-b":
		e.at = max(e.at-1, 0)
	case "right", "ctrl-f":
		e.at = min(e.at+1, len(e.text))
	case "home", "ctrl-a":
		e.at = 0
	case "end", "ctrl-e":
		e.at = len(e.text)
	case "backspace":
		if e.at > 0 {
			e.at--
			e.text = slices.Delete(e.text, e.at, e.at+1)
		}
	case "delete", "ctrl-d":
		if e.at < len(e.text) {
			e.text = slices.Delete(e.text, e.at, e.at+1)
		}
	case "ctrl-u":
		e.text, e.at = nil, 0
	case "ctrl-w":
		from := e.at
		for from > 0 && e.text[from-1] == ' ' {
			from--
		}
		for from > 0 && e.text[from-1] != ' ' {
			from--
		}
		e.text, e.at = slices.Delete(e.text, from, e.at), from
	default:
		if r := []rune(key); len(r) == 1 && r[0] >= ' ' && len(e.text) < longestInput {
			e.text = slices.Insert(e.text, e.at, r[0])
			e.at++
		}
	}
}
