package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// watcher is a program that shows traffic on a terminal.
type watcher struct {
	name string
	args []string
	// ready is on its screen when it has begun to show.
	ready string
	// key is one that has it show something, and shown what: some of it, since programs write
	// only what changes on a screen. back is the key that takes it away. Where shown is empty,
	// whatever is written is the answer.
	key, back string
	shown     []string
}

// peersOnTerminal are what Debian has.
var peersOnTerminal = []watcher{
	{"nethogs", []string{"nethogs", "-a", "lo"}, "NetHogs", "m", "m", nil},
	{"iftop", []string{"iftop", "-n", "-i", "lo"}, "TOTAL", "h", "h", []string{"Host display", "Port display", "Sorting"}},
	{"bmon", []string{"bmon", "-p", "lo"}, "lo", "?", "?", []string{"Display Settings", "Graph Settings", "Previous"}},
}

// What the key case does.
const (
	keyPresses  = 60
	keyInterval = 131 * time.Millisecond // falls everywhere into turns of a second
	keyPatience = 3 * time.Second
	mostLate    = 5                         // keys that are not answered: no more are pressed then
	watchWarm   = trafficWarm * time.Second // the heap grows to its size meanwhile
	watchTime   = 8 * time.Second
)

// keyCase measures how soon nettop and its peers answer a key while 50,000 connections are
// watched, and what that takes.
func (b *bench) keyCase(s *section) error {
	s.Title = "A screen that watches " + thousands(b.listedSockets) + " sockets"
	program := filepath.Join(b.dir, "nettop")
	if _, err := command(b.ctx, nil, "go", "build", "-o", program, "github.com/netsnmp-agent/netsnmp-agent/cmd/nettop"); err != nil {
		return err
	}
	ns, err := socketsScene(b.ctx, b.listedSockets)
	if err != nil {
		return err
	}
	defer ns.remove()
	ours, err := b.watch(ns, &watcher{"nettop", []string{program, "connections"}, "Foreign", "?", "q", []string{"chooses", "scrolls", "columns to"}})
	if err != nil {
		return err
	}
	median, worst := ours.answers[len(ours.answers)/2], ours.answers[len(ours.answers)-1]
	presses := strconv.Itoa(len(ours.answers)) + " keys"
	lines := []struct {
		name string
		of   func(*watched) *quantity
		met  func(figure) figure
	}{
		{"a key is answered, median of " + presses, func(w *watched) *quantity { return w.answer(len(w.answers) / 2) }, nil},
		{"a key is answered, worst of " + presses, func(w *watched) *quantity { return w.answer(len(w.answers) - 1) }, func(f figure) figure {
			return f.reach("at most 50 ms", worst <= 50*time.Millisecond && median <= worst)
		}},
		{"processor", func(w *watched) *quantity { return &quantity{Value: 100 * w.share, Unit: share} }, nil},
		{"memory", func(w *watched) *quantity { return &quantity{Value: w.peak, Unit: octets} }, nil},
	}
	for _, l := range lines {
		f := figure{Case: l.name, Ours: l.of(ours)}
		if l.met != nil {
			f = l.met(f)
		}
		s.add(f)
	}
	for i := range peersOnTerminal {
		peer := &peersOnTerminal[i]
		if _, err := exec.LookPath(peer.name); err != nil {
			s.note("%s is not installed (apt-get install %s).", peer.name, peer.name)
			continue
		}
		theirs, err := b.watch(ns, peer)
		if err != nil {
			s.note("%s could not be measured: %v", peer.name, err)
			continue
		}
		for _, l := range lines {
			s.add(figure{Case: l.name + ", beside " + peer.name, Ours: l.of(ours)}.against(l.of(theirs)))
		}
	}
	s.note("Each on a pseudo-terminal of 40 lines of 140 columns. A key has it show its help, nethogs another unit; it is answered when that is written. Processor and memory are of the whole program while no key is pressed and nothing moves, the processor from its eighth second on. nethogs and iftop capture packets, of which there are none then, and bmon shows interfaces: none of them reads connections.")
	return nil
}

// watched is what a watcher took.
type watched struct {
	answers []time.Duration // sorted
	late    int             // keys that were not answered in time
	share   float64         // of one processor
	peak    float64         // resident memory
}

func (w *watched) answer(i int) *quantity {
	return &quantity{Value: w.answers[i].Seconds(), Unit: seconds, AtLeast: i >= len(w.answers)-w.late}
}

// written is what a program wrote to its terminal, and when it did last.
type written struct {
	mu   sync.Mutex
	text []byte
}

// since returns what was written from an offset on, and where the next begins.
func (w *written) since(offset int) (text string, next int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text[min(offset, len(w.text)):]), len(w.text)
}

// watch starts a watcher on a terminal of its own, and presses keys.
func (b *bench) watch(ns *namespace, w *watcher) (m *watched, err error) {
	progress("%s on a terminal", w.name)
	args := ns.inside(w.args...)
	cmd := exec.CommandContext(b.ctx, args[0], args[1:]...)
	cmd.Env = append(cmd.Environ(), "TERM=xterm", "XDG_CONFIG_HOME="+b.dir)
	terminal, err := pty.StartWithAttrs(cmd, &pty.Winsize{Rows: 40, Cols: 140}, &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL})
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	screen := new(written)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 1<<16)
		for {
			n, err := terminal.Read(buffer)
			if err != nil {
				return // the program has ended
			}
			screen.mu.Lock()
			screen.text = append(screen.text, buffer[:n]...)
			screen.mu.Unlock()
		}
	}()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		terminal.Close()
		<-ended
	}()
	if _, ok := screen.wants(0, []string{w.ready}, 10*keyPatience); !ok {
		text, _ := screen.since(0)
		return nil, fmt.Errorf("%s shows nothing: %q", w.name, text)
	}
	if err := sleep(b.ctx, watchWarm); err != nil {
		return nil, err
	}
	m = new(watched)
	before, err := p.cpuTime()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := sleep(b.ctx, watchTime); err != nil {
		return nil, err
	}
	after, err := p.cpuTime()
	if err != nil {
		return nil, err
	}
	m.share = after.since(before).Seconds() / time.Since(began).Seconds()
	used, err := p.memory()
	if err != nil {
		return nil, err
	}
	m.peak = used.peak
	for i := range keyPresses {
		key, shown := w.key, w.shown
		if i%2 == 1 && len(w.shown) > 0 {
			// It goes back, which is no less of an answer, but has no text of its own.
			key, shown = w.back, nil
		}
		_, offset := screen.since(0)
		pressed := time.Now()
		if _, err := terminal.WriteString(key); err != nil {
			return nil, errors.Join(fmt.Errorf("%s takes no key", w.name), err)
		}
		took, ok := screen.wants(offset, shown, keyPatience)
		m.answers = append(m.answers, took)
		if !ok {
			if m.late++; m.late == mostLate {
				break
			}
		}
		if err := sleep(b.ctx, max(keyInterval-time.Since(pressed), keyInterval/2)); err != nil {
			return nil, err
		}
	}
	slices.Sort(m.answers)
	return m, nil
}

// control are sequences that move the cursor and set colours.
var control = regexp.MustCompile(`\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9]|[=>])`)

// wants waits until one of some texts was written from an offset on, anything where there is none,
// and returns how long that took.
func (w *written) wants(offset int, texts []string, patience time.Duration) (took time.Duration, ok bool) {
	const often = 200 * time.Microsecond
	for began := time.Now(); ; time.Sleep(often) {
		took = time.Since(began)
		text, _ := w.since(offset)
		if text != "" {
			text = control.ReplaceAllString(text, "")
			if len(texts) == 0 || slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(text, t) }) {
				return took, true
			}
		}
		if took > patience {
			return took, false
		}
	}
}
