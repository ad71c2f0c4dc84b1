package agentx

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTriesOnEverySecond holds that a master that comes and goes is asked again at
// most a second after the last attempt, however long it has been away, and that one
// which opens no session is not asked all the time. The seconds are the bubble's: the
// machine may be as slow as it likes.
func TestTriesOnEverySecond(t *testing.T) {
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
			conn.Close()
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Handler: sample(t, nil), Address: "unix:" + path, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		const seconds = 60
		time.Sleep(seconds * time.Second)
		if n := attempts.Load(); n < seconds || n > 2*seconds {
			t.Errorf("%d attempts in %d seconds", n, seconds)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
