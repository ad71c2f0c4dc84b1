package table

import "io"

// Output is where rows go, and how.
type Output struct {
	// Width is that of the terminal, 0 for none. Lines that are longer are
	// folded between columns.
	Width  int
	Colour bool
	// JSON asks for JSON Lines in place of columns.
	JSON bool

	w   io.Writer
	b   []byte
	err error
}

// flushAt is how much is written at a time.
const flushAt = 32 << 10

// NewOutput returns an Output to w. What is written stands in a buffer until
// Flush.
func NewOutput(w io.Writer) *Output { return &Output{w: w, b: make([]byte, 0, flushAt+4096)} }

// Line writes a line of text; it is for what is not a row, and writes nothing in
// JSON.
func (o *Output) Line(text string) {
	if !o.JSON {
		o.b = append(append(o.b, text...), '\n')
	}
}

// Title writes a line above a table and lets it be seen at once.
func (o *Output) Title(text string) {
	if o.JSON || text == "" {
		return
	}
	o.Line(text)
	_ = o.Flush() // o.err keeps the error
}

// Flush writes what is in the buffer. It returns the first error that writing
// ever had.
func (o *Output) Flush() error {
	if len(o.b) > 0 && o.err == nil {
		_, o.err = o.w.Write(o.b)
	}
	o.b = o.b[:0]
	return o.err
}

func (o *Output) flushIfFull() error {
	if len(o.b) >= flushAt {
		return o.Flush()
	}
	return o.err
}
