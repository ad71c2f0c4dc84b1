package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

var nettopPage = []benchmark{{"traffic", (*bench).trafficCase}, {"key", (*bench).keyCase}}

// What the traffic case asks of a turn a second.
const (
	trafficTurns   = 20   // of which the first are not measured
	trafficWarm    = 8    // of them: the heap grows to its size meanwhile
	closingsSecond = 4000 // connections that are opened and closed
)

// measured is what the meter's process took.
type measured struct {
	Share  float64 // of one processor
	Peak   float64 // resident memory, in bytes
	Rows   int     // on the last sheet
	Ended  uint64  // connections
	Missed bool    // ends were lost
}

// trafficCase measures connections that stay, and connections that come and go, once a
// second.
func (b *bench) trafficCase(s *section) error {
	s.Title = "The traffic of " + thousands(b.listedSockets) + " sockets, once a second"
	ns, err := socketsScene(b.ctx, b.listedSockets)
	if err != nil {
		return err
	}
	defer ns.remove()
	for _, closings := range []int{0, closingsSecond} {
		m, closed, err := b.measureTraffic(ns, closings)
		if err != nil {
			return err
		}
		name := "nothing begins or ends"
		if closings > 0 {
			name = thousands(closings) + " connections a second begin and end"
		}
		processor := figure{Case: name + ": processor", Ours: &quantity{Value: 100 * m.Share, Unit: share}}
		if closings == 0 {
			processor = processor.reach("at most 15 %", m.Share <= 0.15)
		}
		s.add(processor)
		s.add(figure{Case: name + ": memory", Ours: &quantity{Value: m.Peak, Unit: octets}}.reach("at most 150 MB", m.Peak <= 150<<20))
		if closings > 0 {
			s.add(figure{Case: "ends told of, of " + thousands(2*closed), Ours: &quantity{Value: float64(m.Ended)}}.reach("none missed", m.Ended == uint64(2*closed) && !m.Missed))
		}
	}
	s.note("A process of its own reads a sheet of connections each second, as nettop does, with their processes. Of one processor; the kernel's part of reading is in it. Who opens connections, and accepts them, has the other processor.")
	return nil
}

// measureTraffic measures while connections come and go, and returns how many did.
func (b *bench) measureTraffic(ns *namespace, closings int) (m measured, closed int, err error) {
	self, err := os.Executable()
	if err != nil {
		return m, 0, err
	}
	done := make(chan error, 1)
	churning, stop := context.WithCancel(b.ctx)
	defer stop()
	if closings > 0 {
		closed = closings * (trafficTurns - trafficWarm)
		go func() {
			args := ns.inside(self, "-role", "churn", "-first", strconv.Itoa(closings), "-count", strconv.Itoa(closed))
			_, err := command(churning, nil, args[0], args[1:]...)
			done <- err
		}()
	} else {
		done <- nil
	}
	args := ns.inside(self, "-role", "traffic", "-count", strconv.Itoa(2*closed))
	out, err := command(b.ctx, nil, args[0], args[1:]...)
	if err != nil {
		return m, 0, err
	}
	if err := <-done; err != nil {
		return m, 0, err
	}
	return m, closed, json.Unmarshal([]byte(out), &m)
}

// trafficRole reads a sheet of connections each second, and goes on until so many have
// ended, or some ends were lost.
func trafficRole(ends int) error {
	ctx := context.Background()
	var m measured
	var failed error
	w, err := show.NewWatch(show.Options{TCP: true, Interval: 1, Numeric: true}, func(text string) {
		switch {
		case strings.Contains(text, "some are missing"):
			m.Missed = true
		case !strings.HasPrefix(text, "(Not all processes"):
			failed = errors.Join(failed, errors.New(text))
		}
	}, func(func(error)) ([]*show.Source, error) {
		kernel, err := collectors.Open(collectors.Options{})
		if err != nil {
			return nil, err
		}
		return []*show.Source{{Stack: kernel, Release: func() { kernel.Close() }}}, nil
	})
	if err != nil {
		return err
	}
	defer w.Close()
	connections, err := w.View(show.Connections())
	if err != nil {
		return err
	}
	totals, err := w.View(show.TrafficTotals("uid"))
	if err != nil {
		return err
	}
	var before unix.Rusage
	var began time.Time
	for turn := 0; turn < trafficTurns || m.Ended < uint64(ends) && !m.Missed && turn < 4*trafficTurns; turn++ {
		if turn == trafficWarm {
			began = time.Now()
			if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
				return err
			}
		}
		if err := w.Begin(ctx); err != nil {
			return err
		}
		sheet, err := connections.Read(ctx, show.Wants{})
		if err != nil {
			return err
		}
		m.Rows = sheet.Len()
		if turn == trafficTurns-1 {
			var after unix.Rusage
			if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
				return err
			}
			took := func(r *unix.Rusage) float64 {
				return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
			}
			m.Share = (took(&after) - took(&before)) / time.Since(began).Seconds()
			if used, err := readMemory("/proc/self/status"); err == nil {
				m.Peak = used.peak
			}
		}
		if turn >= trafficTurns-1 {
			sums, err := totals.Read(ctx, show.Wants{})
			if err != nil {
				return err
			}
			m.Ended = 0
			for row := range sums.Len() {
				v := sums.Value(row, "ended")
				m.Ended += v.Uint()
			}
		}
		w.Wait(ctx)
	}
	if failed != nil {
		return failed
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// churnRole opens and closes so many connections, so many a second, of which it has both
// ends.
func churnRole(perSecond, count int) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		b := make([]byte, 1<<10)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for err == nil {
				_, err = c.Read(b)
			}
			c.Close()
		}
	}()
	// The meter has begun by then.
	time.Sleep((trafficWarm + 1) * time.Second)
	begin := time.Now()
	payload := make([]byte, 100)
	for i := range count {
		if ahead := time.Duration(i)*time.Second/time.Duration(perSecond) - time.Since(begin); ahead > 0 {
			time.Sleep(ahead)
		}
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		_, err = c.Write(payload)
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
	return nil
}
