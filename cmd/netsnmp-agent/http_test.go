package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestWebServerChanges holds that addresses come and go while others are served on, that passwords change with their file, that what is
// being answered is answered, and that a change that fails changes nothing.
func TestWebServerChanges(t *testing.T) {
	var taken []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, l.Addr().String())
		defer l.Close()
		if len(taken) < 3 {
			l.Close()
		}
	}
	first, second, busy := taken[0], taken[1], taken[2]
	passed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w, err := listenForWeb(io.Discard, slog.New(slog.DiscardHandler), webAt{addresses: []string{first}}, []net.Listener{passed}, "what is tested")
	if err != nil {
		t.Fatal(err)
	}
	began, end := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		w.serve(ctx, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				close(began)
				<-end
			}
		}))
	}()
	defer func() { cancel(); <-served }()
	get := func(address, path, password string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			request.SetBasicAuth("nms", password)
		}
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			return 0
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	answers := func(when string, want map[string]int) {
		t.Helper()
		for address, status := range want {
			// Serving begins and ends a moment after it was said.
			for began := time.Now(); get(address, "/", "") != status; time.Sleep(time.Millisecond) {
				if time.Since(began) > 10*time.Second {
					t.Fatalf("%s: the status at %s is not %d", when, address, status)
				}
			}
		}
	}
	at := passed.Addr().String()
	answers("at first", map[string]int{first: 200, at: 200})
	slow := make(chan int)
	go func() { slow <- get(first, "/slow", "") }()
	<-began

	if _, err := w.change(webAt{addresses: []string{second, busy}}); err == nil {
		t.Error("an address that another has was opened")
	}
	answers("after a change that failed", map[string]int{first: 200, second: 0, at: 200})
	c, err := w.change(webAt{addresses: []string{first, second}})
	if err != nil {
		t.Fatal(err)
	}
	c.discard()
	answers("after a change that was discarded", map[string]int{first: 200, second: 0, at: 200})
	change := func(to webAt) {
		t.Helper()
		c, err := w.change(to)
		if err != nil {
			t.Fatal(err)
		}
		defer c.discard()
		c.commit()
	}
	change(webAt{addresses: []string{second, first}})
	answers("with a second", map[string]int{first: 200, second: 200, at: 200})
	change(webAt{addresses: []string{second}})
	answers("without the first", map[string]int{first: 0, second: 200, at: 200})
	close(end)
	if status := <-slow; status != 200 {
		t.Errorf("what was being answered at the first change has the status %d", status)
	}

	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, slices.Concat([]byte("basic_auth_users:\n  nms: "), hash, []byte("\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	change(webAt{addresses: []string{second}, config: file})
	answers("with passwords", map[string]int{second: 401, at: 401})
	if status := get(second, "/", "secret"); status != 200 {
		t.Errorf("with its password: %d", status)
	}
	change(webAt{})
	answers("without addresses", map[string]int{second: 0, at: 200})
	change(webAt{addresses: []string{first}})
	answers("at the end", map[string]int{first: 200, at: 200})
}
