package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// screen shows a model on a terminal.
type screen struct {
	*tview.Box
	app      *tview.Application
	model    *model
	arranger *arranger
	plain    bool           // there are no colours
	stopped  chan os.Signal // SIGTSTP

	shown   *frame      // what is on the terminal
	playing *time.Timer // of the next moment of a recording; nil while none is due

	mu      sync.Mutex
	updates []func() // to be done by who draws
}

// showScreen shows the screen until it is left or the context ends.
func showScreen(ctx context.Context, f *flags) error {
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII)
	terminal, err := tcell.NewScreen()
	if err != nil {
		return fmt.Errorf("the terminal %q: %w", os.Getenv("TERM"), err)
	}
	return runScreen(ctx, f, terminal, settingsPath())
}

// runScreen shows the screen on a terminal.
func runScreen(ctx context.Context, f *flags, terminal tcell.Screen, config string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &screen{Box: tview.NewBox(), app: tview.NewApplication(), plain: os.Getenv("NO_COLOR") != "", stopped: make(chan os.Signal, 1)}
	complain := func(text string) { s.update(func() { s.model.say(text) }) }
	kept := readSettings(config, complain)
	s.model = newModel(f, kept)
	r, err := openReader(ctx, f, complain)
	if err != nil {
		return err
	}
	defer r.Close()
	s.begin(ctx, f, r)
	s.arranger = newArranger(r, s.model.wish(), func(a *arrangement) { s.update(func() { s.model.take(a) }) }, complain)

	if err := terminal.Init(); err != nil {
		return err
	}
	s.model.ascii = terminal.CharacterSet() != "UTF-8"
	s.model.resize(terminal.Size())
	s.app.SetScreen(initialised{terminal}).EnableMouse(true).SetRoot(s, true)
	terminal.EnableMouse()
	s.app.SetInputCapture(s.key)
	s.app.SetMouseCapture(s.mouse)
	signal.Notify(s.stopped, syscall.SIGTSTP)
	defer signal.Stop(s.stopped)
	// Of a terminal that is closed both the kernel and the shell tell. The second time is not to
	// end the program before what was chosen is kept.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	var behind sync.WaitGroup
	behind.Go(func() { s.arranger.run(ctx) })
	behind.Go(func() {
		for {
			select {
			case <-ctx.Done():
				s.app.Stop()
				return
			case <-s.stopped:
				s.update(s.stop)
			}
		}
	})
	err = s.app.Run()
	cancel()
	behind.Wait()
	if s.playing != nil {
		s.playing.Stop()
	}
	var gone *tcell.EventError
	if errors.As(err, &gone) {
		err = nil // the terminal was closed
	}
	return errors.Join(err, kept.save())
}

// initialised is a terminal whose Init was called: tview would call it again and pass over its
// error.
type initialised struct{ tcell.Screen }

func (initialised) Init() error { return nil }

// begin gives the model what is around it.
func (s *screen) begin(ctx context.Context, f *flags, r *reader) {
	m := s.model
	m.mayKill = mayKill(f)
	m.quit = s.app.Stop
	m.suspend = s.stop
	m.read = func(f *further) {
		go func() {
			found, err := f.by.read(ctx, f.sheet, f.row)
			s.update(func() {
				f.found, f.err = found, err
				m.taken(f)
			})
		}()
	}
	m.killed = func(q *question) {
		go func() {
			err := q.by.kill(ctx, q.sheet, q.row)
			s.update(func() { m.told(q, err) })
		}()
	}
	if r.recording != nil {
		m.play = &player{times: r.recording.Times, at: r.moment, speed: 1, find: func(text string, shown int) (int, error) {
			at, ok, err := r.recording.At(text, shown)
			switch {
			case err != nil:
				return 0, errors.New(strings.TrimPrefix(err.Error(), "--at: "))
			case !ok:
				return 0, errors.New("the recording begins later")
			}
			return at, nil
		}}
	}
}

// update has something done by the goroutine that draws, in its order, and drawn if it
// changes what is seen.
func (s *screen) update(f func()) {
	s.mu.Lock()
	s.updates = append(s.updates, f)
	first := len(s.updates) == 1
	s.mu.Unlock()
	if first {
		go s.app.QueueUpdate(s.work) // which waits for it
	}
}

func (s *screen) work() {
	s.mu.Lock()
	updates := s.updates
	s.updates = nil
	s.mu.Unlock()
	for _, f := range updates {
		f()
	}
	s.changed()
	if next := s.model.frame(); s.shown == nil || !next.equal(s.shown) {
		s.app.ForceDraw()
	}
}

// changed has what the model wishes for be read and arranged, and a recording be played.
func (s *screen) changed() {
	s.arranger.want(s.model.wish())
	p := s.model.play
	if p == nil || s.playing != nil || !p.playing {
		return
	}
	s.playing = time.AfterFunc(p.pause(), func() {
		s.update(func() {
			s.playing = nil
			s.model.advance()
		})
	})
}

// key takes a key that was pressed.
func (s *screen) key(event *tcell.EventKey) *tcell.EventKey {
	if name := keyName(event); name != "" {
		s.model.press(name)
		s.changed()
	}
	return nil
}

// mouse takes what the mouse did.
func (s *screen) mouse(event *tcell.EventMouse, action tview.MouseAction) (*tcell.EventMouse, tview.MouseAction) {
	const wheel = 3 // rows
	x, y := event.Position()
	switch action {
	case tview.MouseLeftClick:
		s.model.click(x, y)
	case tview.MouseLeftDoubleClick:
		if s.model.click(x, y); y >= 2 && s.model.mode == browsing {
			s.model.press("enter")
		}
	case tview.MouseScrollUp:
		s.model.wheel(-wheel)
	case tview.MouseScrollDown:
		s.model.wheel(wheel)
	default:
		return event, action
	}
	s.changed()
	s.app.ForceDraw()
	return nil, action
}

// stop stops the program, as the shell expects of Ctrl-Z, with the terminal as it was. Without
// a shell that could continue it, it would stop for ever.
func (s *screen) stop() {
	if !hasShell() {
		s.model.message = "there is no shell to go back to"
		return
	}
	s.app.Suspend(func() {
		continued := make(chan os.Signal, 1)
		signal.Notify(continued, syscall.SIGCONT)
		defer signal.Stop(continued)
		// Go keeps its handler of SIGTSTP, which does nothing.
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGSTOP); err == nil {
			<-continued
		}
	})
	s.shown = nil
}

// hasShell reports whether the parent is of the same session and another process group: the
// program's own is not orphaned then (credentials(7)).
func hasShell() bool {
	parent := os.Getppid()
	session, err := unix.Getsid(0)
	if err != nil {
		return false
	}
	of, err := unix.Getsid(parent)
	if err != nil || of != session {
		return false
	}
	group, err := unix.Getpgid(parent)
	return err == nil && group != unix.Getpgrp()
}

// Draw draws the model.
func (s *screen) Draw(terminal tcell.Screen) {
	width, height := terminal.Size()
	s.model.resize(width, height)
	f := s.model.frame()
	s.shown = f
	for y := range height {
		x := 0
		if y < len(f.lines) {
			for _, span := range f.lines[y] {
				terminal.PutStrStyled(x, y, span.text, s.styled(span.style))
				x += textWidth(span.text)
			}
		}
		for ; x < width; x++ {
			terminal.Put(x, y, " ", tcell.StyleDefault)
		}
	}
	if f.cursorX >= 0 {
		terminal.ShowCursor(f.cursorX, f.cursorY)
	} else {
		terminal.HideCursor()
	}
}

// styled is how a terminal shows a style: with the first 16 colours, or none.
func (s *screen) styled(of style) tcell.Style {
	t := tcell.StyleDefault.Bold(of.bold).Dim(of.dim).Reverse(of.reverse).Underline(of.on)
	if s.plain {
		return t
	}
	switch of.colour {
	case table.Red:
		t = t.Foreground(tcell.ColorMaroon)
	case table.Green:
		t = t.Foreground(tcell.ColorGreen)
	case table.Yellow:
		t = t.Foreground(tcell.ColorOlive)
	}
	return t
}

// keyName is what the model calls a key, empty for one that it does not know.
func keyName(event *tcell.EventKey) string {
	switch event.Key() {
	case tcell.KeyRune:
		return string(event.Rune())
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		return "backspace"
	case tcell.KeyUp:
		return "up"
	case tcell.KeyDown:
		return "down"
	case tcell.KeyLeft:
		return "left"
	case tcell.KeyRight:
		return "right"
	case tcell.KeyPgUp:
		return "pgup"
	case tcell.KeyPgDn:
		return "pgdn"
	case tcell.KeyHome:
		return "home"
	case tcell.KeyEnd:
		return "end"
	case tcell.KeyDelete:
		return "delete"
	case tcell.KeyEnter:
		return "enter"
	case tcell.KeyEscape:
		return "esc"
	case tcell.KeyTab:
		return "tab"
	case tcell.KeyBacktab:
		return "backtab"
	case tcell.KeyF1:
		return "f1"
	}
	if k := event.Key(); k >= tcell.KeyCtrlA && k <= tcell.KeyCtrlZ {
		return "ctrl-" + string(rune('a'+k-tcell.KeyCtrlA))
	}
	return ""
}
