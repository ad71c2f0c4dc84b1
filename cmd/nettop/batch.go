package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// printReadings prints what the screen would show: readings of one view.
func printReadings(ctx context.Context, f *flags, stdout, stderr io.Writer) error {
	r, err := openReader(ctx, f, complaints(stderr))
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := r.view(f.view)
	if err != nil {
		return err
	}
	p := newPrinter(f, stdout)
	wants := show.Wants{Filters: []string{f.filter}, Sort: f.orderOf(f.view), All: f.asJSON || f.asCSV}
	wanted := f.count
	if f.once {
		wanted = 1
	}
	switch { // rates, which the first reading does not tell
	case !f.view.rates:
	case r.recording != nil:
		r.moment = max(r.moment, min(1, len(r.recording.Times)-1))
	default:
		if _, err := r.read(ctx, v, wants); err != nil {
			return err
		}
		if !r.wait(ctx) {
			return ctx.Err()
		}
	}
	for printed := uint(0); ; {
		sheet, err := r.read(ctx, v, wants)
		if err != nil {
			return err
		}
		rows, err := sheet.Filter(f.filter)
		if err != nil {
			return err
		}
		if err := sheet.Sort(rows, wants.Sort); err != nil {
			return err
		}
		if err := p.print(sheet, rows, r.now()); err != nil {
			return err
		}
		if printed++; printed == wanted || !r.wait(ctx) {
			break
		}
	}
	return r.incomplete()
}

// orderOf is the order of a view.
func (f *flags) orderOf(v *view) string {
	if f.order != "" && v == f.view {
		return f.order
	}
	return v.order
}

// printer prints sheets.
type printer struct {
	f       *flags
	w       *bufio.Writer
	out     *table.Output
	headed  bool              // of values with commas between
	told    map[show.Key]bool // rows of events that are printed
	printed bool
}

func newPrinter(f *flags, stdout io.Writer) *printer {
	return &printer{f: f, w: bufio.NewWriter(stdout), out: table.NewOutput(stdout), told: make(map[show.Key]bool)}
}

func (p *printer) print(sheet show.Sheet, rows []int32, at time.Time) error {
	if p.f.view.told {
		fresh := rows[:0]
		for _, row := range rows {
			if key := sheet.Key(int(row)); !p.told[key] {
				p.told[key] = true
				fresh = append(fresh, row)
			}
		}
		rows = fresh
	}
	above := sheet.Above()
	switch {
	case p.f.asJSON:
		var b []byte
		if above != nil {
			for row := range above.Len() {
				b = append(above.AppendJSON(b, row), '\n')
			}
			if _, err := p.w.Write(b); err != nil {
				return err
			}
		}
		for _, row := range rows {
			b = append(sheet.AppendJSON(b[:0], int(row)), '\n')
			if _, err := p.w.Write(b); err != nil {
				return err
			}
		}
		return p.w.Flush()
	case p.f.asCSV:
		return p.printCSV(sheet, rows)
	}
	if p.printed {
		p.out.Line("")
	}
	p.printed = true
	p.out.Line(p.f.view.title + ", " + at.Format(time.DateTime))
	if above != nil {
		rows, err := above.Filter("")
		if err == nil {
			err = above.Print(p.out, rows)
		}
		if err != nil {
			return err
		}
		p.out.Line("")
	}
	return sheet.Print(p.out, rows)
}

// printCSV prints every field of rows that is no object in a column of its own, below one
// line with their names (RFC 4180).
func (p *printer) printCSV(sheet show.Sheet, rows []int32) error {
	var names []string
	for _, field := range sheet.Fields() {
		if field.Type != table.Compound.String() {
			names = append(names, field.Name)
		}
	}
	w := csv.NewWriter(p.w)
	if !p.headed {
		p.headed = true
		if err := w.Write(names); err != nil {
			return err
		}
	}
	record := make([]string, len(names))
	for _, row := range rows {
		for i, name := range names {
			record[i] = ""
			if v := sheet.Value(int(row), name); v.IsKnown() {
				record[i] = string(v.AppendText(nil))
			}
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return p.w.Flush()
}
