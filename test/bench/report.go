package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// quantity is a figure with its unit.
type quantity struct {
	Value float64 `json:"value"`
	Unit  unit    `json:"unit"`
	// AtLeast says that the figure is a bound: measuring ended there.
	AtLeast bool `json:"atLeast,omitempty"`
	// Note stands behind the figure.
	Note string `json:"note,omitempty"`

	size      int     // variables, of a rate through a master
	processor float64 // seconds that the subagent took for each of them
	master    float64 // and its master
}

type unit string

const (
	seconds   unit = "s"
	perSecond unit = "/s"
	octets    unit = "B"
	count     unit = ""
	share     unit = "%"
	bytesEach unit = " bytes"
)

func (q *quantity) String() string {
	if q == nil {
		return "-"
	}
	s := ""
	if q.AtLeast {
		s = "> "
	}
	switch {
	case q.Unit == seconds && q.Value < 100e-6:
		s += significant(q.Value*1e6) + " µs"
	case q.Unit == seconds && q.Value < 0.1:
		s += significant(q.Value*1000) + " ms"
	case q.Unit == seconds:
		s += significant(q.Value) + " s"
	case q.Unit == octets:
		s += significant(q.Value/(1<<20)) + " MB"
	case q.Unit == share:
		s += significant(q.Value) + " %"
	default:
		s += significant(q.Value) + string(q.Unit)
	}
	if q.Note != "" {
		s += " (" + q.Note + ")"
	}
	return s
}

// significant formats a number with three digits that mean something, and its
// thousands apart.
func significant(v float64) string {
	digits := 0
	for limit := 100.0; v < limit && v > 0 && digits < 4; limit /= 10 {
		digits++
	}
	if v == float64(int64(v)) {
		digits = 0
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}

// figure is a line of the table.
type figure struct {
	Case  string    `json:"case"`
	Ours  *quantity `json:"ours"`
	Peer  *quantity `json:"peer,omitempty"`
	Ratio float64   `json:"ratio,omitempty"` // how many times better ours is
	Reach string    `json:"reach,omitempty"`
	Met   *bool     `json:"met,omitempty"`
}

// against fills in how many times better ours is: how many times quicker, or
// smaller.
func (f figure) against(peer *quantity) figure {
	f.Peer = peer
	if f.Ours == nil || peer == nil || f.Ours.Value == 0 || peer.Value == 0 {
		return f
	}
	f.Ratio = peer.Value / f.Ours.Value
	if f.Ours.Unit == perSecond {
		f.Ratio = f.Ours.Value / peer.Value
	}
	return f
}

// reach fills in what the figure should be, and whether it is.
func (f figure) reach(what string, met bool) figure {
	f.Reach, f.Met = what, &met
	return f
}

func (f *figure) markdown() string {
	ratio, met := "-", ""
	if f.Ratio > 0 {
		ratio = significant(f.Ratio)
		if f.Peer.AtLeast {
			ratio = "> " + ratio
		}
	}
	if f.Met != nil {
		met = "**missed**"
		if *f.Met {
			met = "reached"
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", f.Case, f.Ours, f.Peer, ratio, f.Reach, met)
}

// section is a part of the report: a scene's figures, and what is to be said of
// them.
type section struct {
	Title   string   `json:"title"`
	Peer    string   `json:"peer"`
	Figures []figure `json:"figures"`
	Notes   []string `json:"notes,omitempty"`
}

func (s *section) add(f figure) { s.Figures = append(s.Figures, f) }

func (s *section) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// machine is what the figures were measured on.
type machine struct {
	Processors int    `json:"processors"`
	Model      string `json:"model"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	NetSNMP    string `json:"netSNMP"`
	Load       string `json:"load"` // before
	Commit     string `json:"commit,omitempty"`
	Date       string `json:"date"`
}

func (b *bench) machine() machine {
	m := machine{Processors: runtime.NumCPU(), Go: runtime.Version(), Date: time.Now().UTC().Format(time.DateOnly)}
	field := func(file, name string) string {
		f, err := os.Open(file)
		if err != nil {
			return ""
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	m.Model, m.Memory = field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal")
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	if out, err := command(b.ctx, nil, snmpdProgram, "-v"); err == nil {
		line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
		m.NetSNMP = strings.TrimSpace(strings.TrimPrefix(line, "NET-SNMP version:"))
	}
	if out, err := command(b.ctx, nil, "git", "describe", "--always", "--dirty"); err == nil {
		m.Commit = strings.TrimSpace(out)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	return m
}

type report struct {
	Page     string    `json:"page"`
	Machine  machine   `json:"machine"`
	Runs     int       `json:"runs"`
	Sections []section `json:"sections"`
}

func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(r)
}

func (r *report) markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	m := r.Machine
	switch r.Page {
	case "netstat":
		fmt.Fprintf(out, "# netstat in figures\n\n"+
			"netstat beside ss, ip and net-tools' netstat, in one run, on one machine. What counts is the ratio.\n"+
			"`go run ./test/bench -page netstat -out docs/netstat-benchmarks.md` as root writes this page.\n\n")
	case "nettop":
		fmt.Fprintf(out, "# nettop in figures\n\n"+
			"What it takes to watch connections, and how soon a key is answered, in one run, on one machine.\n"+
			"`go run ./test/bench -page nettop -out docs/nettop-benchmarks.md` as root writes this page.\n\n")
	case "fleet":
		fmt.Fprintf(out, "# The fleet in figures\n\n"+
			"`netsnmp-agent probe` beside snmp_exporter, in one run, on one machine, over the same simulated hosts. What counts\n"+
			"is the ratio. `go run ./test/bench -page fleet -out docs/fleet-benchmarks.md` as root writes this page.\n\n")
	case "live":
		fmt.Fprintf(out, "# The live stack in figures\n\n"+
			"Package live, and the agent on it, beside others, in one run, on one machine. What counts is the\n"+
			"ratio. `go run ./test/bench -page live -out docs/live-benchmarks.md` as root writes this page;\n"+
			"`go run ./test/bench -help` tells the sizes that can be chosen.\n\n")
	default:
		fmt.Fprintf(out, "# Benchmarks\n\n"+
			"netsnmp-agent beside its peers, in one run, on one machine. What counts is the ratio: how many\n"+
			"times quicker, or smaller, netsnmp-agent is. `go run ./test/bench -out docs/benchmarks.md` as root\n"+
			"writes this page; `go run ./test/bench -help` tells the sizes that can be chosen.\n\n")
	}
	fmt.Fprintf(out, "| | |\n|---|---|\n| date, commit | %s, %s |\n| processors | %d × %s |\n| memory | %s |\n"+
		"| kernel | Linux %s |\n| Go | %s |\n| net-snmp | %s |\n| load average before | %s |\n",
		m.Date, m.Commit, m.Processors, m.Model, m.Memory, m.Kernel, m.Go, m.NetSNMP, m.Load)
	if r.Page != "fleet" {
		fmt.Fprintf(out, "\nA figure with several runs is their median of %d. Walks are GETBULK walks with one request\n"+
			"outstanding, by a client that does no more than to copy the last name of an answer into the next\n"+
			"request, and looks for an answer for 200 µs before it sleeps. \"First\" is the first walk that an\n"+
			"agent is asked for after its start.\n", r.Runs)
	}
	for _, s := range r.Sections {
		s.markdown(out, r.Page)
	}
	return out.Flush()
}

// sectionMark begins a section of a page.
const sectionMark = "\n## "

// markdown writes a section of a page.
func (s *section) markdown(out io.Writer, page string) {
	ours := "netsnmp-agent"
	switch page {
	case "live":
		ours = "here"
	case "netstat":
		ours = "netstat"
	}
	fmt.Fprintf(out, "%s%s\n\n| | %s | %s | ratio | reach | |\n|---|---|---|---|---|---|\n", sectionMark, s.Title, ours, s.Peer)
	for _, f := range s.Figures {
		fmt.Fprint(out, f.markdown())
	}
	if len(s.Notes) > 0 {
		fmt.Fprintln(out)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(out, "- %s\n", n)
	}
}

// median returns the middle one of the values.
func median[T float64 | time.Duration](values []T) T {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
