package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// netToolsProgram is net-tools' netstat, which Debian has there.
const netToolsProgram = "/usr/bin/netstat"

// shown is one run of a program that prints a table.
type shown struct {
	elapsed   time.Duration
	firstLine time.Duration // until the first line could be read
	peak      float64       // resident memory, in bytes
	lines     int
}

// show runs a program in the namespace and reads what it prints.
func (b *bench) show(ns *namespace, args ...string) (s shown, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.peerTimeout)
	defer cancel()
	args = ns.inside(args...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := out.Read(buffer)
		lines := bytes.Count(buffer[:n], []byte("\n"))
		if s.lines == 0 && lines > 0 {
			s.firstLine = time.Since(begin)
		}
		s.lines += lines
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
	}
	if err := cmd.Wait(); err != nil {
		return s, fmt.Errorf("%v: %w: %s", args, err, bytes.TrimSpace(complaint.Bytes()))
	}
	s.elapsed = time.Since(begin)
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = float64(usage.Maxrss) * 1024
	}
	return s, nil
}

// contest is a table that our netstat and peers print.
type contest struct {
	name  string
	ours  []string // arguments
	peers []rival
	rows  int // at least
}

type rival struct {
	name  string
	args  []string
	times float64 // how many times quicker ours is meant to be
}

// compare runs all programs of a contest in turn, so that what the machine does
// besides meets each of them, and adds their figures.
func (b *bench) compare(s *section, ns *namespace, program string, c contest) error {
	runs := make([][]shown, 1+len(c.peers))
	for range b.runs {
		for i := range runs {
			args := append([]string{program}, c.ours...)
			if i > 0 {
				args = c.peers[i-1].args
			}
			one, err := b.show(ns, args...)
			if err != nil {
				return err
			}
			if one.lines < c.rows {
				return fmt.Errorf("%v printed %d lines of %d rows", args, one.lines, c.rows)
			}
			runs[i] = append(runs[i], one)
		}
	}
	middle := func(of []shown, get func(shown) float64, u unit) *quantity {
		var values []float64
		for _, r := range of {
			values = append(values, get(r))
		}
		return &quantity{Value: median(values), Unit: u}
	}
	elapsed := func(r shown) float64 { return r.elapsed.Seconds() }
	for i, peer := range c.peers {
		f := figure{Case: c.name + ", beside " + peer.name, Ours: middle(runs[0], elapsed, seconds)}.against(middle(runs[i+1], elapsed, seconds))
		s.add(f.reach(fmt.Sprintf("%s times quicker", significant(peer.times)), f.Ratio >= peer.times))
	}
	first := middle(runs[0], func(r shown) float64 { return r.firstLine.Seconds() }, seconds)
	s.add(figure{Case: c.name + ", first line", Ours: first}.
		against(middle(runs[1], func(r shown) float64 { return r.firstLine.Seconds() }, seconds)).reach("at most 50 ms", first.Value <= 0.05))
	s.add(figure{Case: c.name + ", peak memory", Ours: middle(runs[0], func(r shown) float64 { return r.peak }, octets)}.
		against(middle(runs[1], func(r shown) float64 { return r.peak }, octets)))
	return nil
}

// netstatPage compares our netstat with ss, net-tools' netstat and ip.
var netstatPage = []benchmark{
	{"tcp-sockets", func(b *bench, s *section) error {
		s.Title = thousands(b.listedSockets) + " TCP sockets"
		return b.contests(s, func() (*namespace, error) { return socketsScene(b.ctx, b.listedSockets) },
			contest{"-tan", []string{"-tan"}, []rival{{"ss -tan", []string{"ss", "-tan"}, 1}, {"net-tools", []string{netToolsProgram, "-tan"}, 3}}, b.listedSockets},
			contest{"-tanp", []string{"-tanp"}, []rival{{"ss -tanp", []string{"ss", "-tanp"}, 2}}, b.listedSockets})
	}},
	{"udp-sockets", func(b *bench, s *section) error {
		s.Title = thousands(b.listedSockets) + " UDP sockets"
		return b.contests(s, func() (*namespace, error) { return udpScene(b.ctx, b.listedSockets) },
			contest{"-uan", []string{"-uan"}, []rival{{"ss -uan", []string{"ss", "-uan"}, 1}, {"net-tools", []string{netToolsProgram, "-uan"}, 10}}, b.listedSockets})
	}},
	{"listed-routes", func(b *bench, s *section) error {
		s.Title = thousands(b.listedRoutes) + " IPv4 routes"
		return b.contests(s, func() (*namespace, error) { return routesScene(b.ctx, b.listedRoutes) },
			contest{"-rn", []string{"-rn"}, []rival{{"ip route", []string{"ip", "route"}, 1}}, b.listedRoutes})
	}},
}

// contests builds our netstat and holds contests in a scene.
func (b *bench) contests(s *section, scene func() (*namespace, error), all ...contest) error {
	program := filepath.Join(b.dir, "netstat")
	if _, err := command(b.ctx, nil, "go", "build", "-o", program, "github.com/netsnmp-agent/netsnmp-agent/cmd/netstat"); err != nil {
		return err
	}
	ns, err := scene()
	if err != nil {
		return err
	}
	defer ns.remove()
	for _, c := range all {
		if err := b.compare(s, ns, program, c); err != nil {
			return err
		}
	}
	s.note("A program's output goes to a pipe that is read at once. Times are of the whole process; the first line is the title of netstat's tables, and the headings of others'.")
	return nil
}

// udpScene has that many unconnected UDP sockets.
func udpScene(ctx context.Context, n int) (*namespace, error) {
	ns, err := newNamespace(ctx)
	if err != nil {
		return nil, err
	}
	const perProcess = 2 * perHolder
	for first := 0; first < n; first += perProcess {
		if err := holdUDP(ctx, ns, first, min(n-first, perProcess)); err != nil {
			ns.remove()
			return nil, err
		}
	}
	return ns, nil
}

// holdUDP starts a process that opens sockets on consecutive ports.
func holdUDP(ctx context.Context, ns *namespace, first, count int) error {
	return hold(ctx, ns, "-role", "udp", "-first", strconv.Itoa(first), "-count", strconv.Itoa(count))
}
