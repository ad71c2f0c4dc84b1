package main

import (
	"math"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// Bounds of what is remembered of the past.
const (
	mostHistories = 64  // rows
	longestGraph  = 400 // readings, as many as the widest screen shows
)

// history is what a field was in the last readings, of the rows around the cursor.
type history struct {
	field string
	rings map[show.Key]*ring
	turn  int
}

type ring struct {
	values []float64 // the last one is the newest; NaN where it is not known
	turn   int       // when it was added to
}

// add remembers a field of rows of a sheet that was read.
func (h *history) add(field string, sheet show.Sheet, rows []int32) {
	if h.field != field {
		*h = history{field: field, rings: make(map[show.Key]*ring)}
	}
	if field == "" {
		return
	}
	h.turn++
	for _, row := range rows[:min(len(rows), mostHistories)] {
		key := sheet.Key(int(row))
		r := h.rings[key]
		if r == nil {
			r = &ring{turn: h.turn - 1}
			h.rings[key] = r
		}
		if r.turn == h.turn {
			continue
		}
		for range min(h.turn-r.turn-1, longestGraph) { // it was out of sight
			r.values = append(r.values, math.NaN())
		}
		value := math.NaN()
		if v := sheet.Value(int(row), field); v.IsKnown() {
			value = v.Float()
		}
		if r.values = append(r.values, value); len(r.values) > longestGraph {
			r.values = r.values[len(r.values)-longestGraph:]
		}
		r.turn = h.turn
	}
	for len(h.rings) > 2*mostHistories {
		oldest, at := show.Key(0), h.turn+1
		for key, r := range h.rings {
			if r.turn < at {
				oldest, at = key, r.turn
			}
		}
		delete(h.rings, oldest)
	}
}

// Bars of a graph, from the least to the most.
const (
	bars      = "▁▂▃▄▅▆▇█"
	asciiBars = "_.-:=+*#"
)

// graph draws the last values of a row in so many places, with the most of them behind.
func (h *history) graph(key show.Key, width int, ascii bool) (drawn, most string) {
	r := h.rings[key]
	if r == nil || width <= 0 {
		return "", ""
	}
	values := r.values[max(len(r.values)-width, 0):]
	top := 0.0
	for _, v := range values {
		if v > top {
			top = v
		}
	}
	if top <= 0 {
		return "", "" // there is nothing to see, and nothing to draw again and again
	}
	levels := []rune(bars)
	if ascii {
		levels = []rune(asciiBars)
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case v <= 0:
			b.WriteRune(levels[0])
		default:
			b.WriteRune(levels[min(1+int(v/top*float64(len(levels)-1)), len(levels)-1)])
		}
	}
	return b.String(), string(table.AppendScaled(nil, uint64(math.Round(top)), 1000))
}
