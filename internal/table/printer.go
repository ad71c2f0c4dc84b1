package table

import (
	"slices"
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
	out *Output

	encoder *Encoder[T] // JSON
	held    []T         // sorting

	// The look-ahead: cells of rows, one after the other, and where each ends.
	text    []byte
	ends    []int
	colours []Colour
	since   time.Time

	laidOut bool
	widths  []int
	breaks  []bool // whether a column begins a new line
}

// NewPrinter returns a Printer to out.
func NewPrinter[T any](out *Output, t Table[T]) *Printer[T] {
	p := &Printer[T]{Table: t, out: out}
	if out.JSON {
		p.encoder = NewEncoder(t.Kind)
		return p
	}
	p.widths = make([]int, len(t.Columns))
	p.breaks = make([]bool, len(t.Columns))
	return p
}

// Row prints a row, if it is one to keep. The row may be changed afterwards. An
// error is the output's.
func (p *Printer[T]) Row(row *T) error {
	if p.Keep != nil && !p.Keep(row) {
		return nil
	}
	if p.Order != nil {
		p.held = append(p.held, *row)
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
		slices.SortStableFunc(p.held, func(a, b T) int { return p.Kind.compare(p.Order, &a, &b) })
		for i := range p.held {
			if err := p.print(&p.held[i]); err != nil {
				return err
			}
		}
		p.held = nil
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
	if p.laidOut {
		p.appendLine(0, p.ends, p.colours)
		p.text, p.ends, p.colours = p.text[:0], p.ends[:0], p.colours[:0]
		return p.out.flushIfFull()
	}
	if start == 0 {
		p.since = time.Now()
	}
	if len(p.ends) >= lookAheadRows*len(p.Columns) || len(p.text) >= lookAheadBytes || time.Since(p.since) >= lookAheadTime {
		p.layOut()
		return p.out.Flush()
	}
	return nil
}

// layOut chooses the widths by the rows of the look-ahead and prints them.
func (p *Printer[T]) layOut() {
	p.laidOut = true
	n := len(p.Columns)
	content := make([]int, n)
	start := 0
	for i, end := range p.ends {
		content[i%n] = max(content[i%n], min(width(p.text[start:end]), widest))
		start = end
	}
	total := n - 1
	for i := range p.Columns {
		c := &p.Columns[i]
		p.widths[i] = max(content[i], c.Width, len(c.Heading))
		if i < n-1 || c.Right {
			total += p.widths[i]
		} else {
			total += max(content[i], len(c.Heading))
		}
	}
	if w := p.out.Width; w > 0 && total > w {
		p.fold(content, w)
	}

	headings := make([]byte, 0, 256)
	ends := make([]int, 0, n)
	var bold []Colour
	for i := range p.Columns {
		headings = append(headings, p.Columns[i].Heading...)
		ends = append(ends, len(headings))
		bold = append(bold, Bold)
	}
	if !p.out.Colour {
		bold = nil
	}
	rows := p.text
	if p.text = headings; !p.NoHeadings {
		p.appendLine(0, ends, bold)
	}
	if p.Underline {
		p.text, ends = p.text[:0], ends[:0]
		for i := range p.Columns {
			for range max(p.Columns[i].Width, len(p.Columns[i].Heading)) {
				p.text = append(p.text, '-')
			}
			ends = append(ends, len(p.text))
		}
		p.appendLine(0, ends, nil)
	}

	p.text = rows
	start = 0
	for i := 0; i < len(p.ends); i += n {
		var colours []Colour
		if p.out.Colour {
			colours = p.colours[i : i+n]
		}
		p.appendLine(start, p.ends[i:i+n], colours)
		start = p.ends[i+n-1]
	}
	p.text, p.ends, p.colours = p.text[:0], p.ends[:0], p.colours[:0]
}

// fold makes the columns no wider than they must be and, where that is still too
// wide for the terminal, says where lines are broken.
func (p *Printer[T]) fold(content []int, terminal int) {
	at := 0
	for i := range p.Columns {
		p.widths[i] = max(content[i], len(p.Columns[i].Heading))
		needs := p.widths[i]
		if i > 0 {
			needs++
		}
		if i > 0 && at+needs > terminal {
			p.breaks[i] = true
			at, needs = foldIndent, p.widths[i]
		}
		at += needs
	}
}

// appendLine appends a row whose cells stand in p.text from start on.
func (p *Printer[T]) appendLine(start int, ends []int, colours []Colour) {
	b, folded := p.out.b, false
	for i, end := range ends {
		cell := p.text[start:end]
		start = end
		switch {
		case p.breaks[i]:
			b, folded = append(trimBlanks(b), '\n'), true
			b = appendBlanks(b, foldIndent)
		case i > 0:
			b = append(b, ' ')
		}
		w := width(cell)
		if w > p.widths[i] && w <= widest {
			p.widths[i] = w
		}
		blanks := p.widths[i] - w
		if p.Columns[i].Right {
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
		}
	}
	// A folded row may end with empty cells on a line of their own.
	if b = trimBlanks(b); !folded || b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	p.out.b = b
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
