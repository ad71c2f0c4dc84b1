package page

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// namedStack is a stack whose interface and process have a name, and counts readings of interfaces.
type namedStack struct {
	netstat.Stack
	name  string
	reads atomic.Int64
}

func (s *namedStack) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	s.reads.Add(1)
	return func(yield func(netstat.Interface, error) bool) {
		yield(netstat.Interface{Index: 1, Name: s.name, Alias: s.name, Kind: s.name, Counters: netstat.InterfaceCounters{InErrors: netstat.Known(uint64(3))}}, nil)
	}
}

func (s *namedStack) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		who := netstat.Known([]netstat.Process{{PID: 1, Name: s.name}})
		at := netip.MustParseAddrPort("[fe80::1%eth0]:80")
		listener := netstat.Socket{Protocol: q.Protocols[0], Family: netstat.IPv6, Local: at, State: netstat.Listen, Processes: who, ReceiveQueue: netstat.Known(uint32(9)), SendQueue: netstat.Known(uint32(3))}
		other := listener
		other.State, other.Remote = netstat.Established, netip.MustParseAddrPort("192.0.2.1:1")
		_ = yield(listener, nil) && yield(other, nil)
	}
}

func pageOf(t testing.TB, stack *namedStack) *Page {
	h := NewHistory()
	r := readings.New(stack, readings.Options{Observe: metrics.Observe, InterfacesRead: h.Interfaces, CountersRead: h.Counters})
	p, err := New(Options{
		Names: func() []string { return []string{stack.name} },
		Open: func(_ context.Context, name string) (Stack, error) {
			if name != "" {
				return Stack{}, ErrNoNamespace
			}
			return Stack{r, h}, nil
		},
		Program: func() Program {
			return Program{Name: "agent", Host: stack.name, Started: time.Now(), ConfigError: stack.name, Clients: []Client{{Address: stack.name, Refused: 1, Reason: stack.name}}, Engine: true, AgentX: &AgentX{}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown are the elements and attributes of a page, without its texts.
func shown(t testing.TB, text string) (elements []string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatal("the page is no UTF-8")
	}
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			return elements
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			token := z.Token()
			line := token.Data
			for _, a := range token.Attr {
				line += " " + a.Key
			}
			elements = append(elements, line)
		case html.CommentToken:
			elements = append(elements, "comment")
		}
	}
}

func viewed(t testing.TB, name string) string {
	t.Helper()
	w := httptest.NewRecorder()
	pageOf(t, &namedStack{name: name}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

// FuzzNames holds that a page has the same elements and attributes whatever things are called.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"eth0", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "\xff\xfe", "--><!--", "{{.}}", "</style><b>", "\u202egnp", "a\x00b", "' onload='x", "javascript:alert(1)", strings.Repeat("ä", 999)} {
		f.Add(name)
	}
	want := strings.Join(shown(f, viewed(f, "eth0")), "\n")
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" {
			return // what is not known has a dash
		}
		text := viewed(t, name)
		if got := strings.Join(shown(t, text), "\n"); got != want {
			t.Errorf("%q: %s", name, got)
		}
		for _, r := range text {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e {
				t.Errorf("%q: %q is in the page", name, r)
			}
		}
	})
}

// What is wrong is told first, and nobody may load or run anything.
func TestView(t *testing.T) {
	w := httptest.NewRecorder()
	pageOf(t, &namedStack{name: "nginx"}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, want := range []string{"<strong>Accept queue full</strong> <span>fe80::1%eth0 port 80 (nginx): 9 connections wait, and the limit is 3", "<strong>AgentX</strong>", "<strong>Configuration</strong>", "192.0.2.0/24", "nginx: rx errors"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing in %s", want, w.Body)
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

// refusing is a stack of which the kernel refuses sockets and interfaces, and whose counters take too long.
type refusing struct{ netstat.Stack }

func (refusing) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) { yield(netstat.Interface{}, fs.ErrPermission) }
}

func (refusing) Sockets(context.Context, netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) { yield(netstat.Socket{}, fs.ErrPermission) }
}

func (refusing) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		yield(netstat.Counter{}, context.DeadlineExceeded)
	}
}

// What could not be read is not told to be zero or not there, and the log has the error once.
func TestRefused(t *testing.T) {
	var said strings.Builder
	r := readings.New(refusing{}, readings.Options{Observe: metrics.Observe})
	p, err := New(Options{
		Names: func() []string { return nil }, Open: func(context.Context, string) (Stack, error) { return Stack{r, NewHistory()}, nil },
		Program: func() Program { return Program{} }, Log: slog.New(slog.NewTextHandler(&said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		text := w.Body.String()
		for _, want := range []string{
			"TCP sockets: the kernel refuses them to the program", "UDP sockets: the kernel refuses", "Interfaces: the kernel refuses", "Counters: they could not be read in time",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in %s", want, text)
			}
		}
		for _, wrong := range []string{"All are zero", "Nobody listens", "No connection", "There is no interface", "Connection tracking: ", "Softnet"} {
			if strings.Contains(text, wrong) {
				t.Errorf("the page says %q: %s", wrong, text)
			}
		}
	}
	if n := strings.Count(said.String(), "the page lacks a part"); n != 4 {
		t.Errorf("it is said %d times:\n%s", n, &said)
	}
}

// reuseport is a stack with two listeners at an address, one of which is full.
type reuseport struct{ refusing }

func (reuseport) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		for _, queue := range []uint32{0, 4} {
			s := netstat.Socket{Protocol: q.Protocols[0], Family: netstat.IPv4, Local: netip.MustParseAddrPort("192.0.2.1:80"), State: netstat.Listen, ReceiveQueue: netstat.Known(queue), SendQueue: netstat.Known(uint32(3))}
			if q.Protocols[0] == netstat.TCP && !yield(s, nil) {
				return
			}
		}
	}
}

// A full queue shows although another socket at the address has room.
func TestFullQueueAmongSeveral(t *testing.T) {
	r := readings.New(reuseport{}, readings.Options{Observe: metrics.Observe})
	p, err := New(Options{Names: func() []string { return nil }, Open: func(context.Context, string) (Stack, error) { return Stack{r, NewHistory()}, nil }, Program: func() Program { return Program{} }})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if want := "4 connections wait, and the limit is 6; of 2 sockets 1 are full"; !strings.Contains(w.Body.String(), want) {
		t.Errorf("%q is missing in %s", want, w.Body)
	}
}

// While somebody looked in the last hour, samples are taken; before and after, nothing is read.
func TestSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stack := &namedStack{name: "eth0"}
		p := pageOf(t, stack)
		ctx, end := context.WithCancel(t.Context())
		go p.Run(ctx)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := stack.reads.Load(); n != 0 {
			t.Errorf("%d readings before anybody looked", n)
		}
		p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if n := stack.reads.Load(); n < 80 || n > 100 {
			t.Errorf("%d readings in half an hour", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		before := stack.reads.Load()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := stack.reads.Load() - before; n != 0 {
			t.Errorf("%d readings after an hour in which nobody looked", n)
		}
		end()
		synctest.Wait()
	})
}
