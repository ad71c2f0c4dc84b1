package recording

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const benchRoutes = 1_000_000

// BenchmarkWriteRoutes writes a million routes.
func BenchmarkWriteRoutes(b *testing.B) {
	stack := fake{routes: routes(benchRoutes)}
	b.ReportAllocs()
	for b.Loop() {
		var count counter
		if err := Write(context.Background(), &count, stack, Options{Kinds: []Kind{KindRoute}}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(count)/benchRoutes, "B/route")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRoutes, "ns/route")
}

// BenchmarkReadRoutes reads them.
func BenchmarkReadRoutes(b *testing.B) {
	var file bytes.Buffer
	if err := Write(context.Background(), &file, fake{routes: routes(benchRoutes)}, Options{Kinds: []Kind{KindRoute}}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f, err := NewFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			b.Fatal(err)
		}
		s, err := f.Stack(Choice{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchRoutes {
			b.Fatalf("%d routes", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRoutes, "ns/route")
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)
