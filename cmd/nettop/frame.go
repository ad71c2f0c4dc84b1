package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// style is how text is shown.
type style struct {
	colour                 table.Colour
	bold, dim, reverse, on bool // on underlines
}

// span is some text of a line in one style.
type span struct {
	text string
	style
}

// frame is what a screen shows, and where its cursor is; -1 for none.
type frame struct {
	lines            [][]span
	cursorX, cursorY int
}

// equal reports whether two frames look the same.
func (f *frame) equal(g *frame) bool {
	return f.cursorX == g.cursorX && f.cursorY == g.cursorY && slices.EqualFunc(f.lines, g.lines, func(a, b []span) bool { return slices.Equal(a, b) })
}

// textWidth is how many places a text takes on a terminal.
func textWidth(text string) int {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return uniseg.StringWidth(text)
		}
	}
	return len(text)
}

// fit cuts a text so that it takes so many places at most.
func fit(text string, width int) string {
	if width <= 0 {
		return ""
	}
	if textWidth(text) <= width {
		return text
	}
	taken, rest, state := 0, text, -1
	var b strings.Builder
	for rest != "" {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if taken+w > width-1 {
			break
		}
		taken += w
		b.WriteString(cluster)
	}
	return b.String() + "~"
}

// shortened cuts one word in its middle so that it takes so many places: addresses have their
// ports at the end, and many names differ there. Several words are left to be cut at the end.
func shortened(text string, width int) string {
	if textWidth(text) <= width || width < 5 || strings.Contains(text, " ") {
		return text
	}
	front := fit(text, width/2+1) // and a mark
	runes := []rune(text)
	from := len(runes)
	for tail := width - textWidth(front); from > 0; from-- {
		if tail -= textWidth(string(runes[from-1])); tail < 0 {
			break
		}
	}
	return front + string(runes[from:])
}

// padded fits a text into exactly so many places.
func padded(text string, width int, right bool) string {
	text = fit(text, width)
	blanks := strings.Repeat(" ", max(width-textWidth(text), 0))
	if right {
		return blanks + text
	}
	return text + blanks
}

// rowLines is how many rows the screen has room for: there are tabs and headings above, a
// graph and the status below.
func (m *model) rowLines() int {
	lines := m.height - 3 - m.aboveLines()
	if m.hasGraph() {
		lines--
	}
	return max(lines, 0)
}

// hasGraph reports whether there is room for a graph, and something to draw.
func (m *model) hasGraph() bool { return m.height >= 8 && m.view().graph != "" }

// aboveLines is how many lines there are of what stands above the rows.
func (m *model) aboveLines() int {
	if v := m.view(); m.height < 6 || v.shown == nil || v.shown.sheet.Above() == nil {
		return 0
	}
	return 1
}

// above is what stands above the rows, in one line.
func above(sheet show.Sheet) string {
	var b []byte
	columns := sheet.Columns()
	for row := range sheet.Len() {
		for i := range columns {
			cell := sheet.AppendCell(nil, row, i)
			if text := string(cell); text != "" && text != "-" {
				b = append(append(append(append(b, columns[i].Heading...), ' '), text...), "  "...)
			}
		}
	}
	return string(b)
}

// tab is where a view is chosen.
type tab struct {
	view, from, to int
	text           string
}

// tabs are the views in the first line: with their titles if there is room for these.
func (m *model) tabs() (tabs []tab) {
	room := m.width
	if what := textWidth(m.what()); what > 0 {
		room -= what + 1
	}
	letters := 0 // of a title that is not shown; as many as there is room for, or the number alone
	for try := longestTitle; try >= shortestTitle && letters == 0; try-- {
		if m.tabsWidth(try) <= room {
			letters = try
		}
	}
	x := 0
	for i := range m.views {
		text := m.tabText(i, letters)
		tabs = append(tabs, tab{i, x, x + len(text), text})
		x += len(text)
	}
	return tabs
}

// How many letters of a view's title a tab has.
const shortestTitle, longestTitle = 4, 16

func (m *model) tabsWidth(letters int) (width int) {
	for i := range m.views {
		width += len(m.tabText(i, letters))
	}
	return width
}

// tabText is what stands in a tab: of the view that is shown the whole title.
func (m *model) tabText(i, letters int) string {
	title := m.views[i].title
	switch {
	case i == m.current:
	case letters == 0:
		return fmt.Sprintf(" %d", i+1)
	default:
		title = title[:min(letters, len(title))]
	}
	return fmt.Sprintf(" %d %s ", i+1, title)
}

// frame returns what is on the screen.
func (m *model) frame() *frame {
	f := &frame{cursorX: -1, cursorY: -1}
	if m.width <= 0 || m.height <= 0 {
		return f
	}
	f.lines = append(f.lines, m.tabLine())
	switch m.mode {
	case opened, helping:
		for i := m.scroll; i < len(m.lines) && len(f.lines) < m.height-1; i++ {
			f.lines = append(f.lines, []span{{text: fit(m.lines[i], m.width)}})
		}
	case choosing:
		m.columnLines(f)
	default:
		m.rowsOf(f)
	}
	for len(f.lines) < m.height-1 {
		f.lines = append(f.lines, nil)
	}
	f.lines = f.lines[:m.height-1]
	text, bad, cursor := m.status()
	status := span{text: fit(text, m.width), style: style{bold: m.mode == asking}}
	if bad {
		status.colour = table.Red
	}
	if cursor >= 0 {
		f.cursorX, f.cursorY = min(cursor, m.width-1), m.height-1
	}
	f.lines = append(f.lines, []span{status})
	return f
}

// what says of which stack the rows are, and of what time.
func (m *model) what() string {
	what := m.where
	if v := m.view(); v.held != nil {
		what = strings.TrimSpace(what + " PAUSED")
	}
	if p := m.play; p != nil {
		playing := "stopped"
		if p.playing {
			playing = "playing"
		}
		what = fmt.Sprintf("%s %d/%d %s x%g", p.times[p.at].Format(time.DateTime), p.at+1, len(p.times), playing, p.speed)
	}
	return string(table.AppendEscaped(nil, what))
}

// tabLine is the first line: views, and at its end what is shown of which stack.
func (m *model) tabLine() (line []span) {
	used := 0
	for _, t := range m.tabs() {
		text := fit(t.text, m.width-used)
		used += textWidth(text)
		line = append(line, span{text, style{bold: t.view == m.current, reverse: t.view == m.current}})
	}
	what := m.what()
	if room := m.width - used - 1; what != "" && room >= 4 {
		line = append(line, span{padded(what, room, true), style{dim: true}})
	}
	return line
}

// columnPlace is where a column stands.
type columnPlace struct {
	column
	from, width int
}

// least is how wide a text has to be, if it is longer: numbers are never cut.
const least = 24

// weighed returns the columns that are shown by how much they matter: what tells rows apart,
// what they are sorted by, and then as the view has them.
func (v *viewState) weighed() (found []column) {
	visible := v.visible()
	weight := func(c *column) int {
		at := slices.Index(v.first, c.Heading)
		switch {
		case at == 0:
			return 0
		case v.sortedBy(c):
			return 1
		case at > 0:
			return 1 + at
		}
		return 1 + len(v.first)
	}
	found = slices.Clone(visible)
	slices.SortStableFunc(found, func(a, b column) int { return cmp.Compare(weight(&a), weight(&b)) })
	return found
}

// pages are the columns that are seen together: all of them, or as many as there is room for,
// those that matter most first. What tells rows apart is on every page, and what they are
// sorted by where there is room for it. Columns are as wide as what was in them so far, so that they do not move about.
func (m *model) pages(v *viewState) (pages [][]column) {
	if v.shown == nil {
		return nil
	}
	rows := v.shown.rows[min(v.top, len(v.shown.rows)):min(v.top+m.rowLines(), len(v.shown.rows))]
	left, all := v.weighed(), -1
	var b []byte
	for _, c := range left {
		width := max(v.widths[c.Heading], len(c.Heading))
		for _, row := range rows {
			b = v.shown.sheet.AppendCell(b[:0], int(row), c.number)
			width = max(width, textWidth(string(b)))
		}
		v.widths[c.Heading] = width
		all += v.narrow(&c) + 1
	}
	if all <= m.width {
		return [][]column{left}
	}
	always := 1
	if len(left) > 1 && v.sortedBy(&left[1]) {
		always = 2
	}
	same := left[:min(always, len(left))]
	fill := func(same, left []column) (page, further []column) {
		page = slices.Clone(same)
		used := marks
		for _, c := range same {
			used += v.narrow(&c) + 1
		}
		for _, c := range left {
			if width := v.narrow(&c); used+width <= m.width {
				page, used = append(page, c), used+width+1
			} else {
				further = append(further, c)
			}
		}
		return page, further
	}
	page, left := fill(same, left[len(same):])
	pages = append(pages, page)
	for len(left) > 0 {
		page, further := fill(same, left)
		if len(further) == len(left) {
			page, further = fill(same[:1], left)
		}
		if len(further) == len(left) { // there is room for none of them
			page, further = append(page, left[0]), left[1:]
		}
		pages, left = append(pages, page), further
	}
	return pages
}

// marks is the room for what tells that there are more columns.
const marks = 2

// narrow is how wide a column has to be.
func (v *viewState) narrow(c *column) int {
	if c.Right {
		return v.widths[c.Heading]
	}
	return min(v.widths[c.Heading], least)
}

// places are those of the columns that are seen, and more tells whether others are before and
// behind them.
func (m *model) places(v *viewState) (places []columnPlace, more [2]bool) {
	pages := m.pages(v)
	if len(pages) == 0 {
		return nil, more
	}
	v.page = min(v.page, len(pages)-1)
	more = [2]bool{v.page > 0, v.page < len(pages)-1}
	page := pages[v.page]
	room := m.width
	if len(pages) > 1 {
		room -= marks
	}
	wide := make(map[int]int) // by the number of the column
	for _, c := range page {
		wide[c.number] = v.narrow(&c)
		room -= wide[c.number] + 1
	}
	if room < -1 && len(page) > 0 { // numbers are not cut
		const fewest = 8
		tells := &page[0]
		wide[tells.number] = max(wide[tells.number]+room+1, min(wide[tells.number], fewest))
	}
	for _, c := range page { // what is left is for texts that were cut
		if further := min(v.widths[c.Heading]-wide[c.number], room+1); further > 0 {
			wide[c.number] += further
			room -= further
		}
	}
	x := 0
	for _, c := range v.visible() {
		width, is := wide[c.number]
		if room := m.width - x; !is || room <= 0 || c.Right && width > room && len(places) > 0 {
			continue
		} else {
			width = min(width, room)
		}
		places = append(places, columnPlace{c, x, width})
		x += width + 1
	}
	return places, more
}

// rowsOf adds the headings, the rows and the graph.
func (m *model) rowsOf(f *frame) {
	v := m.view()
	if v.shown == nil {
		f.lines = append(f.lines, []span{{text: fit("reading ...", m.width)}})
		return
	}
	if m.aboveLines() > 0 {
		f.lines = append(f.lines, []span{{fit(above(v.shown.sheet.Above()), m.width), style{dim: true}}})
	}
	places, more := m.places(v)
	var headings []span
	for i := range places {
		p := &places[i]
		headings = append(headings, span{padded(p.Heading, p.width, p.Right), style{bold: true, on: true, reverse: v.sortedBy(&p.column)}})
		if i < len(places)-1 {
			headings = append(headings, span{" ", style{bold: true, on: true}})
		}
	}
	f.lines = append(f.lines, m.marked(headings, more))
	lines := m.rowLines()
	for i := v.top; i < len(v.shown.rows) && i < v.top+lines; i++ {
		f.lines = append(f.lines, m.rowLine(v, i, places))
	}
	if !m.hasGraph() {
		return
	}
	for len(f.lines) < m.height-2 {
		f.lines = append(f.lines, nil)
	}
	f.lines = append(f.lines, m.graphLine(v))
}

// marked adds to the headings that there are columns before and behind them.
func (m *model) marked(headings []span, more [2]bool) []span {
	used := 0
	for _, s := range headings {
		used += textWidth(s.text)
	}
	var text string
	for i, mark := range [...]string{"<", ">"} {
		if more[i] {
			text += mark
		}
	}
	if room := m.width - used; text != "" && room >= len(text) {
		headings = append(headings, span{padded(text, room, true), style{dim: true}})
	}
	return headings
}

func (m *model) rowLine(v *viewState, i int, places []columnPlace) (line []span) {
	sheet, row := v.shown.sheet, int(v.shown.rows[i])
	sheet.LookUp(row)
	of := style{reverse: i == v.at, dim: sheet.Ended(row)}
	var b []byte
	for j := range places {
		p := &places[j]
		b = sheet.AppendCell(b[:0], row, p.number)
		s := of
		if !of.dim {
			switch s.colour = sheet.Colour(row, p.number); s.colour {
			case table.Bold, table.Dim:
				s.bold, s.dim, s.colour = s.colour == table.Bold, s.colour == table.Dim, table.Plain
			}
		}
		line = append(line, span{padded(shortened(string(b), p.width), p.width, p.Right), s})
		if j < len(places)-1 {
			line = append(line, span{" ", of})
		}
	}
	if of.reverse {
		used := 0
		for _, s := range line {
			used += textWidth(s.text)
		}
		line = append(line, span{strings.Repeat(" ", max(m.width-used, 0)), of})
	}
	return line
}

// graphLine is the history of the row under the cursor.
func (m *model) graphLine(v *viewState) []span {
	columns := v.weighed()
	if v.at >= len(v.shown.rows) || len(columns) == 0 {
		return nil
	}
	field := v.history.field
	name := string(v.shown.sheet.AppendCell(nil, int(v.shown.rows[v.at]), columns[0].number))
	label := fit(fmt.Sprintf("%s of %s ", field, strings.TrimSpace(name)), m.width/2)
	drawn, most := v.history.graph(v.cursor, m.width-textWidth(label)-12, m.ascii)
	if drawn == "" {
		return nil
	}
	return []span{{label, style{dim: true}}, {drawn, style{colour: table.Green}}, {" most " + most, style{dim: true}}}
}

// columnLines are the columns to choose from.
func (m *model) columnLines(f *frame) {
	v := m.view()
	all, visible := v.shown.sheet.Columns(), v.visible()
	room := max(m.height-2, 1)
	for i := max(m.chosen-room+1, 0); i < len(all) && len(f.lines) < m.height-1; i++ {
		mark := "[ ]"
		if slices.ContainsFunc(visible, func(c column) bool { return c.number == i }) {
			mark = "[x]"
		}
		f.lines = append(f.lines, []span{{fit(fmt.Sprintf("%s %s", mark, all[i].Heading), m.width), style{reverse: i == m.chosen}}})
	}
}

// status is the last line: what is typed, what a key says, what could not be read, or what
// there is; whether it is bad; and where the cursor is, -1 for nowhere.
func (m *model) status() (text string, bad bool, cursor int) {
	v := m.view()
	switch m.mode {
	case filtering, jumping, naming:
		prompt := map[mode]string{filtering: "filter: ", jumping: "jump to: ", naming: "view: "}[m.mode]
		text = prompt + m.input.String()
		cursor = textWidth(prompt + string(m.input.text[:m.input.at]))
		if wrong := v.fault(); m.mode == filtering && wrong != nil {
			return text + "   (" + wrong.Error() + ")", true, cursor
		}
		return text, false, cursor
	case asking:
		return m.question.text + "? y or n", false, -1
	case opened, helping:
		return "q goes back", false, -1
	case choosing:
		return "space shows or hides a column, q goes back", false, -1
	}
	if m.message != "" {
		return m.message, false, -1
	}
	if m.unread {
		return string(table.AppendEscaped(nil, m.said[len(m.said)-1])), true, -1
	}
	return m.summary(), false, -1
}

// summary says how many rows there are, of which, and in which order: as much of it as there
// is room for beside the key that tells the keys.
func (m *model) summary() string {
	v := m.view()
	var parts []string
	if v.shown != nil {
		n := v.shown.sheet.Len()
		count := fmt.Sprintf("%d rows", n)
		switch {
		case v.filter != "":
			count = fmt.Sprintf("%d of %d rows", len(v.shown.rows), n)
		case n == 1:
			count = "1 row"
		}
		parts = append(parts, count)
		if v.filter != "" {
			parts = append(parts, "filter "+v.filter)
		}
		first, _, _ := strings.Cut(v.order, ",")
		parts = append(parts, "by "+first)
	}
	keys, text := "? for keys", strings.Join(parts, "  ")
	if longer := "n: notes  " + keys; len(m.said) > 0 && textWidth(text)+2+len(longer) <= m.width {
		keys = longer
	}
	if text == "" {
		return keys
	}
	return fit(text, max(m.width-2-len(keys), 0)) + "  " + keys
}

// inFull are the lines of the row under the cursor in full: each field that is known, and
// what it is.
func (m *model) inFull() (lines []string) {
	v := m.view()
	if v.at >= len(v.shown.rows) {
		return m.lines
	}
	sheet, row := v.shown.sheet, int(v.shown.rows[v.at])
	if sheet.Ended(row) {
		lines = append(lines, "(ended)")
	}
	var known []show.Further
	for _, f := range sheet.Fields() {
		if value := sheet.Value(row, f.Name); value.IsKnown() {
			known = append(known, show.Further{Name: f.Name, Text: string(value.AppendText(nil)), Doc: f.Doc})
		}
	}
	lines = append(lines, m.members(known)...)
	f := m.further
	if f == nil {
		return lines
	}
	lines = append(lines, "", f.by.what+":")
	if !f.read {
		return append(lines, "reading ...")
	}
	lines = append(lines, m.members(f.found)...)
	if f.err != nil {
		lines = append(lines, wrapped(string(table.AppendEscaped(nil, f.err.Error())), m.width, 2)...)
	}
	return lines
}

// members are lines of what is known, each with what it is.
func (m *model) members(known []show.Further) (lines []string) {
	longest := 0
	for _, f := range known {
		longest = max(longest, len(f.Name))
	}
	longest = min(longest, max(m.width/2, 10))
	for _, f := range known {
		lines = append(lines, wrapped(padded(f.Name, longest, false)+"  "+f.Text, m.width, longest+2)...)
		if f.Doc != "" && m.width >= 60 {
			lines = append(lines, wrapped(strings.Repeat(" ", longest+4)+strings.ReplaceAll(f.Doc, "`", ""), m.width, longest+4)...)
		}
	}
	return lines
}

// wrapped breaks a text into lines, the further ones indented.
func wrapped(text string, width, indent int) (lines []string) {
	for textWidth(text) > width && width > indent+4 {
		runes := []rune(text)
		cut := min(width, len(runes))
		for cut > indent+1 && textWidth(string(runes[:cut])) > width {
			cut--
		}
		if blank := strings.LastIndex(string(runes[:cut]), " "); blank > indent {
			cut = len([]rune(string(runes[:cut])[:blank]))
		}
		lines = append(lines, string(runes[:cut]))
		text = strings.Repeat(" ", indent) + strings.TrimLeft(string(runes[cut:]), " ")
	}
	return append(lines, text)
}
