package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// part names what the test's own program does instead of testing.
const part = "NETSNMP_AGENT_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "agent":
		main()
		os.Exit(0)
	case "deaf": // to its context
		ctx := untilSignal(time.Hour)
		fmt.Println("begun")
		<-ctx.Done()
		fmt.Println("told")
		select {}
	}
	os.Exit(m.Run())
}

// patience bounds the whole of a test that hangs, and decides nothing else.
const patience = time.Minute

// program is a part of this program under way.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

func begin(t *testing.T, what string, stdout, stderr *os.File, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), part+"="+what)
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	p.start()
	return p
}

// start starts the program, which ends with the test.
func (p *program) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits for the end and returns what ended it.
func (p *program) ended() string {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.String()
	case <-time.After(patience):
		p.t.Fatal("it does not end")
		return ""
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	return r, w
}

// full returns the writing end of a pipe that has no room, and that nobody reads.
func full(t *testing.T) *os.File {
	t.Helper()
	_, w := pipe(t)
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	size, err := unix.FcntlInt(w.Fd(), unix.F_GETPIPE_SZ, 0)
	if err == nil {
		_, err = w.Write(make([]byte, size))
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// listening reads what a program says at its start, and returns where it listens.
func listening(t *testing.T, out *bufio.Scanner) string {
	t.Helper()
	for out.Scan() {
		if address, ok := strings.CutPrefix(out.Text(), "listening on udp:"); ok {
			return address
		}
	}
	t.Fatal("it does not listen")
	return ""
}

// get is a GetRequest of sysUpTime.0.
func get(community string) []byte {
	pdu := []byte("\xa0\x19\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00")
	content := append([]byte{2, 1, 1, 4, byte(len(community))}, community...)
	content = append(content, pdu...)
	return append([]byte{0x30, byte(len(content))}, content...)
}

func TestAnswersWhileNobodyReadsTheLog(t *testing.T) {
	out, stdout := pipe(t)
	p := begin(t, "agent", stdout, full(t), "--listen", "udp:127.0.0.1:0", "--modules", "SNMPv2-MIB", "--log-level", "debug")
	c, err := net.Dial("udp", listening(t, bufio.NewScanner(out)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 1500)
	for range 20 {
		for range 500 { // each is a line at the debug level
			if _, err := c.Write(get("stranger")); err != nil {
				t.Fatal(err)
			}
		}
		// Some may be lost, as all come at once.
		answered := false
		for end := time.Now().Add(patience); !answered; {
			if _, err := c.Write(get("public")); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, err := c.Read(buf)
			if answered = err == nil; !answered && (!errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(end)) {
				t.Fatalf("no answer while nobody reads the log: %v", err)
			}
		}
	}
	p.signal(syscall.SIGTERM)
	if got := p.ended(); got != "exit status 0" {
		t.Error(got)
	}
}

func TestEndsWithoutReaders(t *testing.T) {
	for name, outputs := range map[string]func() (stdout, stderr *os.File){
		"nobody reads": func() (stdout, stderr *os.File) { return full(t), full(t) },
		"readers are gone": func() (stdout, stderr *os.File) {
			r, w := pipe(t)
			_ = r.Close()
			return w, w
		},
	} {
		stdout, stderr := outputs()
		socket := filepath.Join(t.TempDir(), "agent")
		// It connects to a master, which tells that it goes on.
		master, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		p := begin(t, "agent", stdout, stderr, "--agentx=unix:"+socket, "--modules", "TCP-MIB", "--log-level", "debug")
		for range 3 {
			c, err := master.Accept()
			if err != nil {
				t.Fatal(err)
			}
			p.signal(syscall.SIGHUP) // a line
			_ = c.Close()            // another
		}
		p.signal(syscall.SIGINT)
		if got := p.ended(); got != "exit status 0" {
			t.Errorf("%s: %s", name, got)
		}
		_ = master.Close()
	}
}

func TestEndsWhileItReadsItsFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := begin(t, "agent", nil, nil, "--config", fifo, "--listen", "udp:127.0.0.1:0")
		// Opening fails until there is a reader.
		var w *os.File
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			var err error
			if w, err = os.OpenFile(fifo, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
		p.signal(s)
		if got := p.ended(); got != "exit status 0" {
			t.Errorf("%v: %s", s, got)
		}
		_ = w.Close()
	}
}

// TestSecondSignal holds that the second ends at once what the first did not.
func TestSecondSignal(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		out, stdout := pipe(t)
		p := begin(t, "deaf", stdout, nil)
		lines := bufio.NewScanner(out)
		for _, want := range []string{"begun", "told"} {
			if !lines.Scan() || lines.Text() != want {
				t.Fatalf("it says %q, want %q", lines.Text(), want)
			}
			p.signal(s)
		}
		if got, want := p.ended(), "signal: "+s.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// stuck is a writer that begins to write and does not return until it is let go.
type stuck struct {
	bytes.Buffer
	begun, release chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	s.begun <- struct{}{}
	<-s.release
	return s.Buffer.Write(b)
}

// TestOutput holds that no line waits, that those beyond the queue are counted, and
// that the rest is there in its order.
func TestOutput(t *testing.T) {
	s := &stuck{begun: make(chan struct{}, 3*maxLines), release: make(chan struct{})}
	o := newOutput(s)
	const more = 100
	fmt.Fprintln(o, "first")
	<-s.begun // it is not in the queue any more
	for i := range maxLines + more {
		fmt.Fprintln(o, i)
	}
	close(s.release)
	for !o.flush() {
	}
	fmt.Fprintln(o, "last")
	for !o.flush() {
	}
	lines := strings.Split(strings.TrimSuffix(s.String(), "\n"), "\n")
	want := []string{"first"}
	for i := range maxLines {
		want = append(want, fmt.Sprint(i))
	}
	want = append(want, fmt.Sprintf("netsnmp-agent: %d lines were dropped here, as nobody read them", more), "last")
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d lines, want %d: ...%q", len(lines), len(want), lines[len(lines)-3:])
	}
}
