package agentx

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTriesOnEverySecond holds that a master that comes and goes is asked again at
// most a second after the last attempt, however long it has been away, and that one
// which opens no session, or whose sessions do not last, is not asked all the time, and
// fills no log. The seconds are the bubble's: the machine may be as slow as it likes.
func TestTriesOnEverySecond(t *testing.T) {
	drop := func(net.Conn) {}
	// answered answers so many PDUs, the first of which is Open, and all others as it says.
	answered := func(n int, code ErrorCode) func(net.Conn) {
		return func(conn net.Conn) {
			in := pduReader{r: conn}
			for i := range n {
				h, _, err := in.next()
				if err != nil {
					return
				}
				h.SessionID = 7
				r := &Response{}
				if i > 0 {
					r.Error = code
				}
				b, err := Append(nil, h, r)
				if err != nil {
					t.Error(err)
				}
				_, _ = conn.Write(b)
			}
		}
	}
	turn := 0
	for about, serve := range map[string]func(net.Conn){
		"no session":                 drop,
		"a session that is dropped":  answered(1, 0),
		"registrations refused":      answered(2, NotOpen),
		"dropped when it registered": answered(5, 0),
		"some of each": func(conn net.Conn) {
			turn++
			answered(turn%4, NotOpen)(conn)
		},
	} {
		t.Run(about, func(t *testing.T) { testTriesOnEverySecond(t, serve) })
	}
}

func testTriesOnEverySecond(t *testing.T, serve func(net.Conn)) {
	path := filepath.Join(t.TempDir(), "master")
	master, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	var attempts atomic.Int64
	go func() {
		for {
			conn, err := master.Accept()
			if err != nil {
				return
			}
			attempts.Add(1)
			serve(conn)
			conn.Close()
		}
	}()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Handler: sample(t, nil), Address: "unix:" + path, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		const seconds = 90
		time.Sleep(seconds * time.Second)
		if n := attempts.Load(); n < seconds || n > 2*seconds {
			t.Errorf("%d attempts in %d seconds", n, seconds)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	// Nine texts are told apart in a minute, of which there is a second half, and that a session opened. Which they are
	// is by chance: whether it is gone shows in writing or in reading.
	const most = 2 * (9 + 1)
	if n := strings.Count(log.String(), "\n"); n == 0 || n > most {
		t.Errorf("%d lines of log, want 1 to %d:\n%s", n, most, &log)
	}
}

// TestSteadySession holds that a session which lasts is told of, where those before it
// did not, and that its end is no sign that the next one ends at once.
func TestSteadySession(t *testing.T) {
	var log bytes.Buffer
	r := reconnection{log: slog.New(slog.NewTextHandler(&log, nil)), address: "here"}
	now := time.Unix(1, 0)
	says := func(lines ...string) {
		t.Helper()
		got := strings.Split(strings.TrimSpace(log.String()), "\n")
		log.Reset()
		if len(lines) == 0 {
			lines = []string{""}
		}
		if len(got) != len(lines) {
			t.Fatalf("the log says %q, want %q", got, lines)
		}
		for i, want := range lines {
			if !strings.Contains(got[i], want) {
				t.Errorf("the log says %q, want %q", got[i], want)
			}
		}
	}
	session := func(lasted time.Duration, err error) (wait time.Duration, said bool) {
		said = r.opened(1, now)
		now = now.Add(lasted)
		r.ended(err, true, lasted, now)
		wait = r.next(lasted)
		now = now.Add(wait)
		return wait, said
	}
	wants := func(lasted, wait time.Duration, said bool) {
		t.Helper()
		if gotWait, gotSaid := session(lasted, errClosed); gotWait != wait || gotSaid != said {
			t.Errorf("after %v: %v %v, want %v %v", lasted, gotWait, gotSaid, wait, said)
		}
	}
	wants(0, minBackoff, true)
	says("session opened", "session lost")
	wants(0, 2*minBackoff, false)
	wants(steadyAfter-1, 4*minBackoff, false)
	says()
	now = now.Add(repeatInterval)
	wants(0, 8*minBackoff, true)
	says("times=3", "times=3")
	wants(steadyAfter, minBackoff, false)
	says("session lost")
	wants(0, 2*minBackoff, true)
	says("session opened")
	// What a master says of itself does not fill the log either.
	for i := range 1000 {
		session(0, fmt.Errorf("version %d", i))
	}
	if n := strings.Count(log.String(), "\n"); n > maxRepeated+1+2*int(1000*maxBackoff/repeatInterval+1) {
		t.Errorf("%d lines of log:\n%s", n, &log)
	}
}
