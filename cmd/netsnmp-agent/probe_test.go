package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// served has a server answer until stop is called.
func served(t *testing.T, server *webServer) (stop func()) {
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.serve(ctx, http.NotFoundHandler())
	}()
	return func() {
		end()
		<-ended
	}
}

// What the watchdog asks is answered by a socket that is served, and by none that nobody accepts at.
func TestSocketsAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := listenForWeb(t.Output(), slog.New(slog.DiscardHandler), webAt{addresses: []string{"127.0.0.1:0", "[::1]:0"}}, []net.Listener{l}, "probes")
	if err != nil {
		t.Fatal(err)
	}
	unaccepted, cancel := context.WithCancel(t.Context())
	asked := make(chan error)
	go func() { asked <- server.answers(unaccepted) }()
	// The kernel completes the connection, and the request waits in it.
	select {
	case err := <-asked:
		t.Fatalf("a socket that nobody accepts at answers: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	cancel()
	if err := <-asked; !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.Canceled) {
		t.Errorf("a socket that nobody accepts at: %v", err)
	}
	stop := served(t, server)
	if err := server.answers(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	if err := server.answers(t.Context()); err == nil {
		t.Error("a socket that is closed answers")
	}
}

// A password that is asked for is an answer.
func TestSocketsAnswerWithPasswords(t *testing.T) {
	config := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(config, []byte("basic_auth_users:\n  x: $2y$10$EYxs8IOG46m9CtpB/XlPxO1ei7E4BjAen0SUv6di7mD4keR/8JO6m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := listenForWeb(t.Output(), slog.New(slog.DiscardHandler), webAt{[]string{"127.0.0.1:0"}, config}, nil, "probes")
	if err != nil {
		t.Fatal(err)
	}
	stop := served(t, server)
	if err := server.answers(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
}
