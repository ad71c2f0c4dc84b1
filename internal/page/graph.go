package page

import (
	"strconv"
	"time"
)

// graph is a drawing of an hour: received above the axis, sent below it, on one scale.
type graph struct {
	In, Out string  // paths of SVG, empty where nothing is known
	top     float64 // octets a second, at the edge
	known   bool    // whether any rate is
}

// What a graph measures, in units of SVG. The axis is at half of its height.
const (
	graphWidth = 240
	graphHalf  = 20
)

// draw draws points, the oldest first. Where a rate is unknown there is a gap.
func draw(points []point) *graph {
	g := new(graph)
	for _, p := range points {
		g.top = max(g.top, p.in, p.out)
	}
	top := max(g.top, 1)
	var in, out []byte
	for i := 1; i < len(points); i++ {
		p := points[i]
		if p.in < 0 || p.out < 0 {
			continue
		}
		g.known = true
		// The rate holds since the point before.
		from, to := across(points[i-1].ago), across(p.ago)
		in = bar(in, from, to, -p.in/top)
		out = bar(out, from, to, p.out/top)
	}
	g.In, g.Out = string(in), string(out)
	return g
}

func across(ago time.Duration) float64 { return graphWidth * (1 - ago.Seconds()/hour.Seconds()) }

// bar adds a rectangle between two places that stands on the axis, or hangs from it.
func bar(b []byte, from, to, height float64) []byte {
	if height == 0 {
		return b
	}
	number := func(of float64) { b = strconv.AppendFloat(b, of, 'f', 1, 64) }
	b = append(b, 'M')
	number(from)
	b = append(b, ' ')
	number(graphHalf)
	b = append(b, 'V')
	number(graphHalf + height*(graphHalf-1))
	b = append(b, 'H')
	number(to)
	b = append(b, 'V')
	number(graphHalf)
	return append(b, 'Z')
}
