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
	"time"
)

// netToolsProgram is net-tools' netstat, which Debian has there.
const netToolsProgram = "/usr/bin/netstat"

// shown is one run of a program that prints a table.
type shown struct {
	elapsed   time.Duration
	firstLine time.Duration // until the first line could be read
	firstRow  time.Duration // until a row could be
	peak      float64       // resident memory, in bytes, as far as it was seen
	lines     int
}

// show runs a program in the namespace and reads what it prints; above its rows
// are that many lines.
func (b *bench) show(ns *namespace, above int, args ...string) (s shown, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.peerTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	var begin time.Time
	err = ns.do(func() error { // as ip(8) takes as long as some of the programs
		begin = time.Now()
		return cmd.Start()
	})
	if err != nil {
		return s, err
	}
	// What wait4(2) tells of memory begins with the parent's. Looking while there
	// is output to come keeps the process alive.
	const between = 8
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	buffer := make([]byte, 64<<10)
	for reads := 0; ; reads++ {
		n, err := out.Read(buffer)
		if reads%between == 0 {
			if m, err := readMemory(status); err == nil {
				s.peak = max(s.peak, m.peak)
			}
		}
		lines := bytes.Count(buffer[:n], []byte("\n"))
		if s.lines == 0 && lines > 0 {
			s.firstLine = time.Since(begin)
		}
		if s.lines <= above && s.lines+lines > above {
			s.firstRow = time.Since(begin)
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
	above int     // lines above its rows
	times float64 // how many times quicker ours is meant to be
}

// above is how many lines netstat has above its rows, net-tools' as well: a title
// and the headings.
const above = 2

// compare runs all programs of a contest in turn, so that what the machine does
// besides meets each of them, and adds their figures.
func (b *bench) compare(s *section, ns *namespace, program string, c contest) error {
	runs := make([][]shown, 1+len(c.peers))
	for range b.runs {
		for i := range runs {
			args, above := append([]string{program}, c.ours...), above
			if i > 0 {
				args, above = c.peers[i-1].args, c.peers[i-1].above
			}
			one, err := b.show(ns, above, args...)
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
		reach := "quicker"
		if peer.times > 1 {
			reach = fmt.Sprintf("at least %s times quicker", significant(peer.times))
		}
		s.add(f.reach(reach, f.Ratio >= peer.times))
	}
	firstLine := func(r shown) float64 { return r.firstLine.Seconds() }
	first := middle(runs[0], firstLine, seconds)
	s.add(figure{Case: c.name + ", first line", Ours: first}.
		against(middle(runs[1], firstLine, seconds)).reach("at most 50 ms", first.Value <= 0.05))
	firstRow := func(r shown) float64 { return r.firstRow.Seconds() }
	s.add(figure{Case: c.name + ", first row", Ours: middle(runs[0], firstRow, seconds)}.against(middle(runs[1], firstRow, seconds)))
	s.add(figure{Case: c.name + ", peak memory", Ours: middle(runs[0], func(r shown) float64 { return r.peak }, octets)}.
		against(middle(runs[1], func(r shown) float64 { return r.peak }, octets)))
	return nil
}

// netstatPage compares our netstat with ss, net-tools' netstat and ip.
var netstatPage = []benchmark{
	{"tcp-sockets", func(b *bench, s *section) error {
		s.Title = thousands(b.listedSockets) + " TCP sockets"
		return b.contests(s, func() (*namespace, error) { return socketsScene(b.ctx, b.listedSockets) },
			contest{"-tan", []string{"-tan"}, []rival{{"ss -tan", []string{"ss", "-tan"}, 1, 1}, {"net-tools", []string{netToolsProgram, "-tan"}, above, 3}}, b.listedSockets},
			contest{"-tanp", []string{"-tanp"}, []rival{{"ss -tanp", []string{"ss", "-tanp"}, 1, 2}}, b.listedSockets})
	}},
	{"udp-sockets", func(b *bench, s *section) error {
		s.Title = thousands(b.listedSockets) + " UDP sockets"
		return b.contests(s, func() (*namespace, error) { return udpScene(b.ctx, b.listedSockets) },
			contest{"-uan", []string{"-uan"}, []rival{{"ss -uan", []string{"ss", "-uan"}, 1, 1}, {"net-tools", []string{netToolsProgram, "-uan"}, above, 10}}, b.listedSockets})
	}},
	{"listed-routes", func(b *bench, s *section) error {
		s.Title = thousands(b.listedRoutes) + " IPv4 routes"
		return b.contests(s, func() (*namespace, error) { return routesScene(b.ctx, b.listedRoutes) },
			contest{"-rn", []string{"-rn"}, []rival{{"ip route", []string{"ip", "route"}, 0, 1}}, b.listedRoutes})
	}},
	{"options", (*bench).optionsCase},
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
	s.note("A program's output goes to a pipe that is read at once. Times are of the whole process. The first line is the title of netstat's tables, and the headings of others'; the first row of sockets with their processes comes when all processes have been looked at.")
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
