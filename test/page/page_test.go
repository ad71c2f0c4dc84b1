// Package page_test looks at the page of the built netsnmp-agent in a real Chromium, in a network namespace whose
// sockets and interfaces are known. "go test -update" writes the picture of docs/page.md anew; with -pictures DIR the
// pictures of all looks are written there.
package page_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

var (
	update   = flag.Bool("update", false, "write docs/page.png anew")
	pictures = flag.String("pictures", "", "write what the browser shows to this folder")
)

// program is the built netsnmp-agent.
var program string

// asHelper names the variable that makes the test program a listener with a name.
const asHelper = "PAGE_TEST_NAME"

func TestMain(m *testing.M) {
	if name := os.Getenv(asHelper); name != "" {
		os.Exit(helper(name))
	}
	os.Exit(nstest.Main(m, "netsnmp-agent", &program))
}

// helper listens as a process of a name until its input ends.
func helper(name string) int {
	if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// startHelper starts one in the namespace until the test ends, and returns its port.
func startHelper(t *testing.T, n *nstest.NS, name string) (port uint16) {
	t.Helper()
	cmd := exec.Command("ip", "netns", "exec", n.Name, os.Args[0])
	cmd.Env = append(os.Environ(), asHelper+"="+name)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	at, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return at.Port()
}

// fullListener is a listener with a backlog of 1 that two connections wait at, and returns its port.
func fullListener(t *testing.T, n *nstest.NS) (port int) {
	t.Helper()
	fd := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = name.(*unix.SockaddrInet4).Port
	for range 2 {
		n.Dial(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}
	return port
}

// startAgent starts the program in the namespace until the test ends.
func startAgent(t *testing.T, n *nstest.NS, args ...string) {
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.Name, program, "--listen", "udp:127.0.0.1:1161", "--metrics", "127.0.0.1:9161"}, args...)...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("the agent:\n%s", text)
		}
	})
	nstest.Eventually(t, func() string {
		if _, _, err := get(t, n, http.MethodGet, "/"); err != nil {
			return err.Error()
		}
		return ""
	})
}

// get returns what the agent in the namespace answers.
func get(t *testing.T, n *nstest.NS, method, path string) (text string, answer *http.Response, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, network, address string) (c net.Conn, err error) {
		n.Do(t, func() error { c, err = net.Dial(network, address); return nil })
		return c, err
	}}}
	request, err := http.NewRequest(method, "http://127.0.0.1:9161"+path, nil)
	if err != nil {
		return "", nil, err
	}
	if answer, err = client.Do(request); err != nil {
		return "", nil, err
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	return string(all), answer, err
}

func looks() []look {
	return []look{{390, 844, "light"}, {390, 844, "dark"}, {1600, 1000, "light"}, {1600, 1000, "dark"}}
}

// The page shows what there is, whatever it is called, and a browser has nothing to complain of.
func TestPage(t *testing.T) {
	nstest.NeedsRoot(t)
	n, other := nstest.New(t), nstest.New(t)
	const odd = `<i>"&'`
	for _, args := range [][]string{{"add", odd, "type", "bridge"}, {"set", odd, "up"}, {"set", odd, "alias", "</td><script>alert(3)</script>"}} {
		if out, err := exec.Command("ip", append([]string{"-n", n.Name, "link"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	other.IP(t, "link add in-other type bridge")
	script, octets := startHelper(t, n, "<script>alert(1"), startHelper(t, n, "\xff\xfe<b>")
	full := fullListener(t, n)
	config := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(config, []byte("rocommunity public\nnetnsContexts "+other.Name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	startAgent(t, n, "--config", config)
	n.Run(t, "snmpget", "-v2c", "-cpublic", "127.0.0.1:1161", "1.3.6.1.2.1.1.3.0")
	var text string
	// Which processes hold sockets is looked at now and then.
	nstest.Eventually(t, func() string {
		var err error
		if text, _, err = get(t, n, http.MethodGet, "/"); err != nil {
			return err.Error()
		}
		for _, want := range []string{"&lt;script&gt;alert(1", "\uFFFD&lt;b&gt;", "page.test"} {
			if !strings.Contains(text, want) {
				return want + " is missing in " + text
			}
		}
		return ""
	})
	for _, problem := range valid(text) {
		t.Error(problem)
	}
	b := startBrowser(t, n)
	for _, l := range looks() {
		b.open(t, "http://127.0.0.1:9161/", l)
		var seen struct {
			Text, Alias                  string
			Full, Links                  []string
			Scripts, Styled, Wide, Width int
			Background                   string
		}
		b.evaluate(t, `({
			text: document.body.innerText,
			alias: Array.from(document.querySelectorAll('.what'), e => e.title).join(' '),
			full: Array.from(document.querySelectorAll('#listeners tr.bad'), e => e.innerText),
			links: Array.from(document.querySelectorAll('#interfaces h3'), e => e.textContent),
			scripts: document.scripts.length, styled: document.styleSheets.length,
			wide: document.documentElement.scrollWidth, width: document.documentElement.clientWidth,
			background: getComputedStyle(document.documentElement).backgroundColor})`, &seen)
		for _, want := range []string{
			"<script>alert(1", "\uFFFD<b>", fmt.Sprintf("127.0.0.1:%d", script), fmt.Sprintf("127.0.0.1:%d", octets), "Accept queue full", other.Name, "127.0.0.1:1161",
		} {
			if !strings.Contains(seen.Text, want) {
				t.Errorf("%s: the page lacks %q: %s", l, want, seen.Text)
			}
		}
		if len(seen.Full) != 1 || !strings.Contains(seen.Full[0], fmt.Sprintf(":%d", full)) {
			t.Errorf("%s: full queues: %q", l, seen.Full)
		}
		if !strings.Contains(strings.Join(seen.Links, " "), odd) || !strings.Contains(seen.Alias, "</td><script>alert(3)</script>") {
			t.Errorf("%s: interfaces %q, aliases %q", l, seen.Links, seen.Alias)
		}
		if seen.Scripts != 0 || seen.Styled != 1 {
			t.Errorf("%s: %d scripts, %d styles", l, seen.Scripts, seen.Styled)
		}
		if seen.Wide > seen.Width {
			t.Errorf("%s: the page is %d wide, the window %d", l, seen.Wide, seen.Width)
		}
		if light := "rgb(246, 247, 249)"; (seen.Background == light) != (l.scheme == "light") {
			t.Errorf("%s: the background is %s", l, seen.Background)
		}
		keep(t, "agent-"+l.String(), b.picture(t))
	}

	text, answer, err := get(t, n, http.MethodGet, "/?netns="+other.Name)
	if err != nil || !strings.Contains(text, "in-other") || strings.Contains(text, "alert") {
		t.Errorf("another namespace: %v, %v: %s", answer, err, text)
	}
	for _, of := range []struct {
		method, path string
		status       int
		text         string
	}{
		{http.MethodGet, "/?netns=nowhere%3Cb%3E", http.StatusNotFound, `no such network namespace`},
		{http.MethodGet, "/favicon.ico", http.StatusNotFound, "a page at / and metrics at /metrics"},
		{http.MethodPost, "/", http.StatusMethodNotAllowed, "GET and HEAD"},
		{http.MethodHead, "/", http.StatusOK, ""},
	} {
		text, answer, err := get(t, n, of.method, of.path)
		if err != nil || answer.StatusCode != of.status || !strings.Contains(text, of.text) || of.text == "" && text != "" {
			t.Errorf("%s %s: %v, %v: %s", of.method, of.path, answer, err, text)
		}
	}
}

// keep writes a picture where the flag says.
func keep(t *testing.T, name string, png []byte) {
	t.Helper()
	if *pictures != "" {
		if err := os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// valid returns what is wrong with the markup of a page: elements that are not closed in order, and ids that are there twice.
func valid(text string) (problems []string) {
	void := map[string]bool{"meta": true, "link": true, "br": true}
	var open []string
	ids := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) > 0 {
				problems = append(problems, fmt.Sprintf("at the end: %v, open %q", z.Err(), open))
			}
			return problems
		case html.StartTagToken:
			token := z.Token()
			if token.Data == "script" {
				problems = append(problems, "there is a script")
			}
			for _, a := range token.Attr {
				if a.Key == "id" && ids[a.Val] {
					problems = append(problems, "id "+a.Val+" is there twice")
				}
				if a.Key == "id" {
					ids[a.Val] = true
				}
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					problems = append(problems, token.String())
				}
			}
			if !void[token.Data] {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				return append(problems, fmt.Sprintf("</%s> closes %q", name, open))
			}
			open = open[:len(open)-1]
		}
	}
}
