package table

import (
	"strconv"
	"time"
)

// Table is how rows of a kind are printed.
type Table[T any] struct {
	Kind    *Kind[T]
	Columns []Column[T]
	// Underline puts a line of dashes below the headings.
	Underline bool
	// NoHeadings leaves the headings out.
	NoHeadings bool
	// Keep says which rows are printed; nil means all.
	Keep func(row *T) bool
	// Order sorts the rows, which are then held until the end; nil prints them
	// as they come.
	Order *Order
}

// Bounds of the look-ahead, and of a column's width: a cell that is longer does
// not make the others longer.
const (
	lookAheadRows  = 256
	lookAheadBytes = 64 << 10
	lookAheadTime  = 20 * time.Millisecond
	widest         = 64
)

// foldIndent is how far the further lines of a folded row are indented.
const foldIndent = 4

// Printer prints the rows of one table. The rows that it has seen are on their
// way to the Output after Close only.
type Printer[T any] struct {
	Table[T]
	layout

	encoder *Encoder[T] // JSON
	held    chunks[T]   // sorting
}

// chunks are rows that are held. They are in pieces, so that none is copied as they grow.
type chunks[T any] struct {
	full [][]T
	last []T
}

const chunkRows = 1024

func (c *chunks[T]) add(row *T) {
	if len(c.last) == chunkRows {
		c.full, c.last = append(c.full, c.last), make([]T, 0, chunkRows)
	}
	c.last = append(c.last, *row)
}

func (c *chunks[T]) len() int { return len(c.full)*chunkRows + len(c.last) }

func (c *chunks[T]) at(i int32) *T {
	if piece := int(i) / chunkRows; piece < len(c.full) {
		return &c.full[piece][int(i)%chunkRows]
	}
	return &c.last[int(i)%chunkRows]
}

// layout lays the cells of rows out, whatever the rows are.
type layout struct {
	out        *Output
	columns    []heading
	underline  bool
	noHeadings bool

	// The look-ahead: cells of rows, one after the other, and where each ends.
	text    []byte
	ends    []int
	colours []Colour
	since   time.Time

	laidOut bool
	widths  []int
	breaks  []bool // whether a column begins a new line
}

// heading is what a layout knows of a column.
type heading struct {
	text   string
	width  int
	right  bool
	filled bool
}

// NewPrinter returns a Printer to out.
func NewPrinter[T any](out *Output, t Table[T]) *Printer[T] {
	p := &Printer[T]{Table: t, layout: layout{out: out, underline: t.Underline, noHeadings: t.NoHeadings}}
	if out.JSON {
		p.encoder = NewEncoder(t.Kind)
		return p
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		p.columns = append(p.columns, heading{c.Heading, c.Width, c.Right, c.Filled})
	}
	p.widths = make([]int, len(p.columns))
	p.breaks = make([]bool, len(p.columns))
	return p
}

// Row prints a row, if it is one to keep. The row may be changed afterwards. An
// error is the output's.
func (p *Printer[T]) Row(row *T) error {
	if p.Keep != nil && !p.Keep(row) {
		return nil
	}
	if p.Order != nil {
		p.held.add(row)
		return nil
	}
	return p.print(row)
}

// Close prints what is held, and the headings where there were no rows.
func (p *Printer[T]) Close() error { return p.Flush() }

// Flush lets be seen what was printed so far, in its order. The look-ahead ends,
// and rows that follow keep to its widths.
func (p *Printer[T]) Flush() error {
	if p.Order != nil {
		indexes := make([]int32, p.held.len())
		for i := range indexes {
			indexes[i] = int32(i)
		}
		p.Kind.Sort(indexes, p.held.at, p.Order)
		for _, i := range indexes {
			if err := p.print(p.held.at(i)); err != nil {
				return err
			}
		}
		p.held = chunks[T]{}
	}
	if !p.out.JSON && !p.laidOut {
		p.layOut()
	}
	return p.out.Flush()
}

func (p *Printer[T]) print(row *T) error {
	if p.out.JSON {
		p.out.b = append(p.encoder.Append(p.out.b, row), '\n')
		return p.out.flushIfFull()
	}
	start := len(p.text)
	for i := range p.Columns {
		p.text = p.Columns[i].Append(p.text, row)
		p.ends = append(p.ends, len(p.text))
		if p.out.Colour {
			colour := Plain
			if p.Columns[i].Colour != nil {
				colour = p.Columns[i].Colour(row)
			}
			p.colours = append(p.colours, colour)
		}
	}
	return p.end(start)
}

// end takes note that a row ends whose first cell starts there in the text.
func (l *layout) end(start int) error {
	if l.laidOut {
		l.appendLine(0, l.ends, l.colours)
		l.text, l.ends, l.colours = l.text[:0], l.ends[:0], l.colours[:0]
		return l.out.flushIfFull()
	}
	if start == 0 {
		l.since = time.Now()
	}
	if len(l.ends) >= lookAheadRows*len(l.columns) || len(l.text) >= lookAheadBytes || time.Since(l.since) >= lookAheadTime {
		l.layOut()
		return l.out.Flush()
	}
	return nil
}

// layOut chooses the widths by the rows of the look-ahead and prints them.
func (l *layout) layOut() {
	l.laidOut = true
	n := len(l.columns)
	content := make([]int, n)
	start := 0
	for i, end := range l.ends {
		content[i%n] = max(content[i%n], min(width(l.text[start:end]), widest))
		start = end
	}
	total := n - 1
	for i := range l.columns {
		c := &l.columns[i]
		l.widths[i] = max(content[i], c.width, len(c.text))
		if i < n-1 || c.right {
			total += l.widths[i]
		} else {
			total += max(content[i], len(c.text))
		}
	}
	if w := l.out.Width; w > 0 && total > w {
		l.fold(content, w)
	}

	headings := make([]byte, 0, 256)
	ends := make([]int, 0, n)
	var bold []Colour
	for i := range l.columns {
		headings = append(headings, l.columns[i].text...)
		ends = append(ends, len(headings))
		bold = append(bold, Bold)
	}
	if !l.out.Colour {
		bold = nil
	}
	rows := l.text
	if l.text = headings; !l.noHeadings {
		l.appendLine(0, ends, bold)
	}
	if l.underline {
		l.text, ends = l.text[:0], ends[:0]
		for i := range l.columns {
			for range max(l.columns[i].width, len(l.columns[i].text)) {
				l.text = append(l.text, '-')
			}
			ends = append(ends, len(l.text))
		}
		l.appendLine(0, ends, nil)
	}

	l.text = rows
	start = 0
	for i := 0; i < len(l.ends); i += n {
		var colours []Colour
		if l.out.Colour {
			colours = l.colours[i : i+n]
		}
		l.appendLine(start, l.ends[i:i+n], colours)
		start = l.ends[i+n-1]
	}
	l.text, l.ends, l.colours = l.text[:0], l.ends[:0], l.colours[:0]
}

// fold makes the columns no wider than they must be and, where that is still too
// wide for the terminal, says where lines are broken.
func (l *layout) fold(content []int, terminal int) {
	at := 0
	for i := range l.columns {
		l.widths[i] = max(content[i], len(l.columns[i].text))
		needs := l.widths[i]
		if i > 0 {
			needs++
		}
		if i > 0 && at+needs > terminal {
			l.breaks[i] = true
			at, needs = foldIndent, l.widths[i]
		}
		at += needs
	}
}

// appendLine appends a row whose cells stand in l.text from start on.
func (l *layout) appendLine(start int, ends []int, colours []Colour) {
	b, folded := l.out.b, false
	for i, end := range ends {
		cell := l.text[start:end]
		start = end
		switch {
		case l.breaks[i]:
			b, folded = append(trimBlanks(b), '\n'), true
			b = appendBlanks(b, foldIndent)
		case i > 0:
			b = append(b, ' ')
		}
		w := width(cell)
		if w > l.widths[i] && w <= widest {
			l.widths[i] = w
		}
		blanks := l.widths[i] - w
		if l.columns[i].right {
			b = appendBlanks(b, blanks)
			blanks = 0
		}
		if colours != nil && colours[i] != Plain && len(cell) > 0 {
			b = append(strconv.AppendUint(append(b, "\x1b["...), uint64(colours[i]), 10), 'm')
			b = append(append(b, cell...), "\x1b[0m"...)
		} else {
			b = append(b, cell...)
		}
		if i < len(ends)-1 {
			b = appendBlanks(b, blanks)
		} else if l.columns[i].filled && !folded {
			l.out.b = append(appendBlanks(b, blanks), '\n')
			return
		}
	}
	// A folded row may end with empty cells on a line of their own.
	if b = trimBlanks(b); !folded || b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	l.out.b = b
}

const blanks = "                                                                                "

func appendBlanks(b []byte, n int) []byte {
	for n > len(blanks) {
		b = append(b, blanks...)
		n -= len(blanks)
	}
	if n > 0 {
		b = append(b, blanks[:n]...)
	}
	return b
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}
