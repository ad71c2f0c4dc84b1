package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// scrapes is how many scrapes, and dumps, are measured.
const scrapes = 15

// scrapeCase measures a scrape of metrics beside a dump of the same sockets.
func (b *bench) scrapeCase(s *section) error {
	s.Title = "A scrape of " + thousands(b.listedSockets) + " sockets"
	ns, err := socketsScene(b.ctx, b.listedSockets)
	if err != nil {
		return err
	}
	defer ns.remove()
	kernel, err := collectors.Open(collectors.Options{NetNS: ns.name})
	if err != nil {
		return err
	}
	defer kernel.Close()
	of := readings.New(kernel, readings.Options{Observe: metrics.Observe})
	handler := metrics.New(metrics.Options{Stacks: func(context.Context) []metrics.Stack { return []metrics.Stack{{Readings: of}} }}).Handler()
	dump := func(details netstat.SocketDetails) (time.Duration, error) {
		began := time.Now()
		n := 0
		for _, p := range []netstat.Protocol{netstat.TCP, netstat.UDP} {
			for _, err := range kernel.Sockets(b.ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{p}, Details: details, PassingDetails: true}) {
				if err != nil {
					return 0, err
				}
				n++
			}
		}
		if n < b.listedSockets {
			return 0, fmt.Errorf("%d sockets, want %d", n, b.listedSockets)
		}
		return time.Since(began), nil
	}
	var took [3][]time.Duration // scrapes, dumps with details and without
	answer := 0
	for turn := range scrapes + 1 {
		of.TCP.Invalidate()
		of.UDP.Invalidate()
		began := time.Now()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		scrape := time.Since(began)
		if answer = w.Body.Len(); w.Code != 200 {
			return fmt.Errorf("status %d: %s", w.Code, w.Body)
		}
		detailed, err := dump(readings.ObservedDetails)
		if err != nil {
			return err
		}
		plain, err := dump(0)
		if err != nil {
			return err
		}
		if turn > 0 { // the first looks at all processes
			for i, d := range []time.Duration{scrape, detailed, plain} {
				took[i] = append(took[i], d)
			}
		}
	}
	scrape, detailed, plain := median(took[0]), median(took[1]), median(took[2])
	s.add(figure{Case: "a scrape, with interfaces, counters and the text", Ours: &quantity{Value: scrape.Seconds(), Unit: seconds}})
	s.add(figure{Case: "the dump of the same sockets with the details that metrics are made of", Ours: &quantity{Value: detailed.Seconds(), Unit: seconds}})
	s.add(figure{Case: "the same without details", Ours: &quantity{Value: plain.Seconds(), Unit: seconds}})
	ratio := scrape.Seconds() / detailed.Seconds()
	s.add(figure{Case: "the scrape, times the dump", Ours: &quantity{Value: ratio}}.reach("at most 1.5", ratio <= 1.5))
	s.note("Medians of %d. The answer has %s octets. Processes are looked at behind the scrapes.", scrapes, thousands(answer))
	return nil
}
