package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// binding is what keys do while rows are browsed.
type binding struct {
	keys []string
	// names and usage are for the help; a binding without is told of with another one.
	names, usage string
	do           func(*model)
}

// bindings are all of them, in the order of the help. They are as in less(1), top(1) and
// vi(1).
var bindings []binding

func init() { // since the help among them tells of all
	bindings = []binding{
		{[]string{"q", "Q"}, "q", "quit", func(m *model) { m.quit() }},
		{[]string{"?", "h", "f1"}, "? h F1", "this help", func(m *model) { m.mode, m.lines, m.scroll = helping, helpLines(m), 0 }},
		{[]string{"tab"}, "Tab 0-9", "the next view, or that of the number, 0 for the tenth; Shift-Tab the one before", func(m *model) { m.show(m.current + 1) }},
		{[]string{"backtab"}, "", "", func(m *model) { m.show(m.current - 1) }},
		{[]string{":"}, ":", "the view of a name, or of its beginning", func(m *model) {
			m.mode = naming
			m.input.set("")
		}},
		{[]string{"down", "j", "ctrl-n"}, "j k Down Up", "one row down or up", func(m *model) { m.move(1) }},
		{[]string{"up", "k", "ctrl-p"}, "", "", func(m *model) { m.move(-1) }},
		{[]string{"pgdn", " ", "ctrl-f"}, "Space b PgDn PgUp", "one screen down or up; Ctrl-F and Ctrl-B, too", func(m *model) { m.move(m.rowLines()) }},
		{[]string{"pgup", "b", "ctrl-b"}, "", "", func(m *model) { m.move(-m.rowLines()) }},
		{[]string{"ctrl-d"}, "Ctrl-D Ctrl-U", "half a screen down or up", func(m *model) { m.move(m.rowLines() / 2) }},
		{[]string{"ctrl-u"}, "", "", func(m *model) { m.move(-m.rowLines() / 2) }},
		{[]string{"home", "g"}, "g G Home End", "the first row, which the cursor stays on whatever it is, or the last one", func(m *model) {
			v := m.view()
			v.at, v.moved = 0, false
			m.settle(v)
		}},
		{[]string{"end", "G"}, "", "", func(m *model) {
			if v := m.view(); v.shown != nil {
				m.move(len(v.shown.rows))
			}
		}},
		{[]string{"right", "l"}, "l Left Right", "columns that have no room, and back", func(m *model) {
			v := m.view()
			v.page = min(v.page+1, max(len(m.pages(v))-1, 0))
		}},
		{[]string{"left"}, "", "", func(m *model) { m.view().page = max(m.view().page-1, 0) }},
		{[]string{">", "."}, "< >", "sort by the column to the left or right; or click on its heading", func(m *model) { m.sortBeside(1) }},
		{[]string{"<", ","}, "", "", func(m *model) { m.sortBeside(-1) }},
		{[]string{"R", "r"}, "R", "reverse the order", func(m *model) {
			v := m.view()
			if order, descending := strings.CutPrefix(v.order, "-"); descending {
				m.sort(v, order)
			} else {
				m.sort(v, "-"+order)
			}
		}},
		{[]string{"f"}, "f", "choose columns", func(m *model) {
			if m.view().shown != nil {
				m.mode, m.chosen = choosing, 0
			}
		}},
		{[]string{"/"}, "/", "filter by an expression, as netstat --filter has it; Escape leaves it as it was", func(m *model) {
			m.mode = filtering
			m.input.set(m.view().filter)
		}},
		{[]string{"\\", "esc"}, "Escape", "no filter", func(m *model) {
			v := m.view()
			v.filter, v.typed = "", ""
		}},
		{[]string{"p", "P"}, "p", "pause: rows keep their places, and figures go on; plays and stops a recording", func(m *model) {
			v := m.view()
			switch {
			case m.play != nil:
				m.play.playing = !m.play.playing
			case v.held != nil:
				v.held = nil
			default:
				v.held = v.shown
			}
		}},
		{[]string{"]"}, "[ ]", "of a recording: one moment back or on", func(m *model) { m.step(1) }},
		{[]string{"["}, "", "", func(m *model) { m.step(-1) }},
		{[]string{"+", "="}, "+ -", "of a recording: play it faster or slower", func(m *model) { m.faster(2) }},
		{[]string{"-"}, "", "", func(m *model) { m.faster(0.5) }},
		{[]string{"t"}, "t", "of a recording: jump to a time, such as 03:15", func(m *model) {
			if m.play == nil {
				m.message = "only a recording has other times"
				return
			}
			m.mode = jumping
			m.input.set("")
		}},
		{[]string{"enter"}, "Enter", "the row in full", (*model).open},
		{[]string{"e"}, "e", "of totals: the connections or flows of the row", (*model).expandRow},
		{[]string{"n"}, "n", "notes: what could not be read", func(m *model) {
			m.mode, m.lines, m.scroll = helping, nil, 0
			for _, text := range m.said {
				m.lines = append(m.lines, wrapped(string(table.AppendEscaped(nil, text)), max(m.width, 20), 2)...)
			}
			if len(m.said) == 0 {
				m.lines = []string{"everything could be read"}
			}
		}},
		{[]string{"x", "delete"}, "x", "end a connection, or delete a tracked flow; it asks first", (*model).ask},
		{[]string{"ctrl-l"}, "", "", func(*model) {}},
	}
}

// helpLines are the lines of the help.
func helpLines(m *model) (lines []string) {
	for _, b := range bindings {
		if b.usage != "" && (m.play != nil || !strings.HasPrefix(b.usage, "of a recording")) {
			const names = 18
			lines = append(lines, wrapped(fmt.Sprintf("%-*s %s", names, b.names, b.usage), max(m.width, 20), names+1)...)
		}
	}
	return append(lines, "", "The mouse chooses views, columns to sort by and rows; its wheel scrolls.")
}

// step shows the next moment of a recording, or the one before.
func (m *model) step(by int) {
	if m.play == nil {
		m.message = "only a recording has other moments"
		return
	}
	m.play.playing = false
	m.play.at = max(min(m.play.at+by, len(m.play.times)-1), 0)
}

// faster plays a recording so many times faster.
func (m *model) faster(times float64) {
	if m.play == nil {
		m.message = "only a recording can be played faster or slower"
		return
	}
	m.play.speed = max(min(m.play.speed*times, fastest), slowest)
}

// advance shows the next moment while a recording is played, and stops at its end.
func (m *model) advance() {
	if m.play == nil || !m.play.playing {
		return
	}
	if v := m.view(); v.shown == nil || v.shown.moment != m.play.at {
		return // it is being read
	}
	if m.play.at+1 >= len(m.play.times) {
		m.play.playing = false
		return
	}
	m.play.at++
}

// ask asks whether the row under the cursor is to go.
func (m *model) ask() {
	v := m.view()
	switch {
	case v.kill == nil:
		m.message = "nothing can be killed in this view"
	case m.mayKill != nil:
		m.message = "nothing can be killed: " + m.mayKill.Error()
	case v.shown == nil || v.at >= len(v.shown.rows):
		m.message = "there is no row"
	case v.shown.sheet.Ended(int(v.shown.rows[v.at])):
		m.message = "the row has ended"
	default:
		row := int(v.shown.rows[v.at])
		m.mode, m.question = asking, &question{v.kill.what(v.shown.sheet, row), v.shown.sheet, row, v.kill}
	}
}

// click does what the mouse is for at a place.
func (m *model) click(x, y int) {
	if m.mode != browsing {
		return
	}
	m.message = ""
	v := m.view()
	switch {
	case y == 0:
		for _, t := range m.tabs() {
			if x >= t.from && x < t.to {
				m.show(t.view)
			}
		}
	case y < 1+m.aboveLines():
	case y == 1+m.aboveLines():
		places, _ := m.places(v)
		for _, p := range places {
			if x < p.from || x >= p.from+p.width {
				continue
			}
			if v.sortedBy(&p.column) {
				m.press("R")
			} else {
				m.sortBy(&p.column)
			}
			return
		}
	default:
		if row := y - 2 - m.aboveLines(); row < m.rowLines() && v.shown != nil && v.top+row < len(v.shown.rows) {
			v.at, v.moved = v.top+row, true
			m.settle(v)
		}
	}
}

// wheel scrolls.
func (m *model) wheel(by int) {
	switch m.mode {
	case browsing:
		m.move(by)
	case opened, helping:
		m.scroll = max(min(m.scroll+by, len(m.lines)-max(m.height-2, 1)), 0)
	}
}

// expandRow shows the connections or flows that the total under the cursor is of.
func (m *model) expandRow() {
	v := m.view()
	i := slices.IndexFunc(m.views, func(of *view) bool { return of.name == v.into })
	if v.expand == "" || i < 0 {
		m.message = "only totals have such"
		return
	}
	if v.shown == nil || v.at >= len(v.shown.rows) {
		return
	}
	key := v.shown.sheet.Value(int(v.shown.rows[v.at]), "key")
	if !key.IsKnown() {
		m.message = "it is the total of all that have none, or of many"
		return
	}
	of := m.states[i]
	of.filter = v.expand + "=\"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"").Replace(key.Str()) + "\""
	of.typed = of.filter
	m.show(i)
}
