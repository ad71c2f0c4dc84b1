package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// notifySocket is where a program tells how it fares.
func notifySocket(t *testing.T) (path string, next func(want string) string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return path, func(want string) string {
		t.Helper()
		buf := make([]byte, 4096)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		for {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%s is not told: %v", want, err)
			}
			if text := string(buf[:n]); slices.Contains(strings.Split(text, "\n"), want) {
				return text
			}
		}
	}
}

// passing starts the program as systemd would, with sockets.
func passing(t *testing.T, notify string, sockets []*os.File, args ...string) *program {
	t.Helper()
	p := &program{t: t, done: make(chan struct{})}
	// LISTEN_PID is who is to take them.
	p.cmd = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", os.Args[0]}, args...)...)
	p.cmd.Env = append(os.Environ(), part+"=agent", "NOTIFY_SOCKET="+notify, fmt.Sprintf("LISTEN_FDS=%d", len(sockets)), "WATCHDOG_USEC=2000000")
	p.cmd.ExtraFiles = sockets
	p.cmd.Stderr = os.Stderr
	p.start()
	return p
}

// TestSupervised holds what systemd is told, and that sockets that it passes are answered at, by one process after the other, and what came
// before the first as well.
func TestSupervised(t *testing.T) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	var sockets []*os.File
	for _, s := range []interface{ File() (*os.File, error) }{udp, tcp} {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sockets = append(sockets, f)
	}
	config := filepath.Join(t.TempDir(), "agent.conf")
	write := func(text string) {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked := func(network string, to net.Addr) {
		t.Helper()
		c, err := net.Dial(network, to.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write(get("secret")); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if n, err := c.Read(make([]byte, 1500)); err != nil || n == 0 {
			t.Errorf("no answer over %s: %v", network, err)
		}
	}
	write("rocommunity secret 127.0.0.1\n")
	early, err := net.Dial("udp4", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	if _, err := early.Write(get("secret")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		notify, next := notifySocket(t)
		p := passing(t, notify, sockets, "--config", config, "--modules", "SNMPv2-MIB")
		want := fmt.Sprintf("STATUS=listening on udp:%v, tcp:%v", udp.LocalAddr(), tcp.Addr())
		if got := next("READY=1"); !strings.Contains(got, want) {
			t.Errorf("told %q, want %q in it", got, want)
		}
		asked("udp4", udp.LocalAddr())
		asked("tcp4", tcp.Addr())
		next("WATCHDOG=1")
		p.signal(syscall.SIGHUP)
		if got := next("RELOADING=1"); !strings.Contains(got, "MONOTONIC_USEC=") {
			t.Errorf("told %q", got)
		}
		next("READY=1")
		write("rocommunity secret 127.0.0.1/8\n")
		p.signal(syscall.SIGHUP)
		next("RELOADING=1")
		if got := next("READY=1"); !strings.Contains(got, "the old configuration stays") || !strings.Contains(got, config+":1: rocommunity") {
			t.Errorf("of a wrong file: told %q", got)
		}
		write("rocommunity secret 127.0.0.1\n")
		p.signal(syscall.SIGTERM)
		next("STOPPING=1")
		if got := p.ended(); got != "exit status 0" {
			t.Error(got)
		}
	}
	_ = early.SetReadDeadline(time.Now().Add(patience))
	if _, err := early.Read(make([]byte, 1500)); err != nil {
		t.Errorf("what was asked before the start has no answer: %v", err)
	}
}

// TestPassedBeside holds what becomes of addresses beside sockets that are passed.
func TestPassedBeside(t *testing.T) {
	udp, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	f, err := udp.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	port := udp.LocalAddr().(*net.UDPAddr).Port
	at := fmt.Sprintf("udp:0.0.0.0:%d", port)
	for lines, want := range map[string]struct{ addresses, problem string }{
		"rocommunity x\n": {at, ""},
		fmt.Sprintf("rocommunity x\nagentaddress udp:%d\n", port):           {at, ""},
		"rocommunity x\nagentaddress udp:127.0.0.1:1161\n":                  {at + " udp:127.0.0.1:1161", ""},
		fmt.Sprintf("rocommunity x\nagentaddress udp:127.0.0.1:%d\n", port): {"", "the socket that was passed is " + at},
		"sysName x\n": {at, "nobody is given access"},
	} {
		file := filepath.Join(t.TempDir(), "agent.conf")
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := newSettings(t.Context(), flags{config: file, logLevel: "error"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		s.process.supervisor = &supervisor{sockets: []*os.File{f}}
		if err := s.takeSockets(); err != nil {
			t.Fatal(err)
		}
		opens, err := s.opens(s.file, nil)
		var got []string
		for _, a := range opens.addresses {
			got = append(got, a.String())
		}
		if want.problem == "" && (err != nil || strings.Join(got, " ") != want.addresses) || want.problem != "" && !strings.Contains(fmt.Sprint(err), want.problem) {
			t.Errorf("%q: %v, %v; want %v", lines, got, err, want)
		}
	}
	s := settings{flags: flags{agentx: "default"}, process: process{supervisor: &supervisor{sockets: []*os.File{f}}}}
	if err := s.takeSockets(); err == nil {
		t.Error("a subagent takes a socket")
	}
}

// TestWatchdog holds that the supervisor is told only of checks that find all well, and in time.
func TestWatchdog(t *testing.T) {
	told := make(chan string, 100)
	s := &supervisor{watchdog: 20 * time.Millisecond, tell: func(state string) { told <- state }}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type turn struct {
		hang bool
		err  error
	}
	turns := make(chan turn)
	log := slog.New(slog.DiscardHandler)
	go s.watch(ctx, log, func(ctx context.Context) error {
		var now turn
		select {
		case now = <-turns:
		case <-ctx.Done():
			return ctx.Err()
		}
		if now.hang {
			<-ctx.Done()
			return nil // too late
		}
		return now.err
	})
	give := func(now turn) {
		t.Helper()
		select {
		case turns <- now:
		case <-time.After(patience):
			t.Fatal("nobody checks")
		}
	}
	for range 3 {
		give(turn{hang: true})
		give(turn{err: errors.New("ill")})
	}
	give(turn{}) // those before are over
	if got := <-told; got != "WATCHDOG=1" {
		t.Errorf("told %q", got)
	}
	if len(told) > 0 {
		t.Errorf("told of checks that found no good: %d", len(told))
	}
}
