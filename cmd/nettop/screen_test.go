package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// counted is a simulated terminal that counts how often it was drawn on.
type counted struct {
	tcell.SimulationScreen
	shows atomic.Int64
	shown atomic.Value // the text that was drawn last
}

func (c *counted) Show() {
	c.shows.Add(1)
	c.SimulationScreen.Show()
	cells, width, _ := c.GetContents()
	var b strings.Builder
	for i, cell := range cells {
		if i%width == 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(cell.Runes))
	}
	c.shown.Store(b.String())
}

// text is what is on the terminal.
func (c *counted) text() string {
	text, _ := c.shown.Load().(string)
	return text
}

// simulate shows the screen on a simulated terminal until the test ends.
func simulate(t *testing.T, config string, args ...string) (terminal *counted, ended <-chan error) {
	t.Helper()
	var f flags
	cmd := newCommandFor(&f)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := f.check(cmd.Flags(), cmd.Flags().Args()); err != nil {
		t.Fatal(err)
	}
	terminal = &counted{SimulationScreen: tcell.NewSimulationScreen("UTF-8")}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- runScreen(ctx, &f, terminal, config) }()
	t.Cleanup(cancel)
	return terminal, done
}

func (c *counted) eventually(t *testing.T, want string) {
	t.Helper()
	nstest.Eventually(t, func() string {
		if text := c.text(); !strings.Contains(text, want) {
			return "no " + want + " in" + text
		}
		return ""
	})
}

func (c *counted) wantEnd(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(nstest.Patience):
		t.Fatal("it does not end")
	}
}

// The screen shows views, takes keys and the mouse, and remembers what was chosen.
func TestScreen(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	terminal, ended := simulate(t, config, "interfaces", "--interval", "0.05", "-n")
	terminal.eventually(t, " 7 Interfaces ")
	terminal.eventually(t, "RxPkt/s")
	terminal.InjectKey(tcell.KeyRune, '/', 0)
	for _, r := range "name=lo" {
		terminal.InjectKey(tcell.KeyRune, r, 0)
	}
	terminal.eventually(t, "filter: name=lo")
	terminal.InjectKey(tcell.KeyEnter, 0, 0)
	terminal.eventually(t, "filter name=lo")
	terminal.InjectKey(tcell.KeyEnter, 0, 0)
	terminal.eventually(t, "receivedPacketRate")
	terminal.InjectKey(tcell.KeyEscape, 0, 0)
	terminal.eventually(t, "? for keys")
	terminal.InjectMouse(1, 1, tcell.Button1, 0)
	terminal.InjectMouse(1, 1, tcell.ButtonNone, 0)
	terminal.eventually(t, "by name")
	terminal.SetSize(30, 5)
	if err := terminal.PostEvent(tcell.NewEventResize(30, 5)); err != nil {
		t.Fatal(err)
	}
	terminal.eventually(t, " 1 2 3 4 5 6 7 Interfaces  8 9")
	terminal.InjectKey(tcell.KeyRune, 'q', 0)
	terminal.wantEnd(t, ended)
	kept, err := os.ReadFile(config)
	if err != nil || string(kept) != "interfaces.sort = name\n" {
		t.Errorf("kept %q, %v", kept, err)
	}
}

// While nothing changes, nothing is drawn: readings go on, and the terminal is left alone.
func TestNothingIsDrawnWhileNothingChanges(t *testing.T) {
	nstest.NeedsRoot(t)
	ns := nstest.New(t) // nothing moves in there
	terminal, ended := simulate(t, "", "listeners", "--interval", "0.01", "--netns", ns.Name)
	terminal.eventually(t, "Fill%")
	terminal.InjectKey(tcell.KeyRune, '7', 0)
	terminal.eventually(t, "RxPkt/s")
	terminal.InjectKey(tcell.KeyRune, '8', 0)
	terminal.eventually(t, "Fill%")
	// What is drawn of the last key may be under way; then comes nothing more.
	nstest.Eventually(t, func() string {
		drawn := terminal.shows.Load()
		time.Sleep(300 * time.Millisecond)
		if now := terminal.shows.Load(); now != drawn {
			return "it is drawn again"
		}
		return ""
	})
	terminal.InjectKey(tcell.KeyCtrlC, 0, 0)
	terminal.wantEnd(t, ended)
}
