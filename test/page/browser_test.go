package page_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// browser is a Chromium that is told what to do through a pipe (Chrome DevTools Protocol).
type browser struct {
	to      *os.File
	from    *bufio.Reader
	session string
	last    int
	seen    []message // events
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
}

// startBrowser starts one in the namespace until the test ends.
func startBrowser(t testing.TB, n *nstest.NS) *browser {
	t.Helper()
	nstest.NeedsProgram(t, "chromium")
	itsInput, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, itsOutput, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The profile may be written to until the last of its processes ended.
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", n.Name, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{itsInput, itsOutput}
	cmd.Env = append(os.Environ(), "HOME="+profile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	itsInput.Close()
	itsOutput.Close()
	b := &browser{to: to, from: bufio.NewReaderSize(from, 1<<20)}
	t.Cleanup(func() {
		if _, err := b.send("Browser.close", nil); err != nil {
			cmd.Process.Kill()
		}
		cmd.Wait()
		to.Close()
		from.Close()
		os.RemoveAll(profile)
	})
	var made struct {
		TargetID string `json:"targetId"`
	}
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Log", "Runtime", "Network"} {
		b.call(t, domain+".enable", nil, nil)
	}
	return b
}

// send calls a method and returns its result.
func (b *browser) send(method string, params any) (json.RawMessage, error) {
	b.last++
	id := b.last
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if params == nil {
		raw = nil
	}
	text, err := json.Marshal(message{ID: id, Method: method, Params: raw, SessionID: b.session})
	if err != nil {
		return nil, err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return nil, err
	}
	for {
		m, err := b.read()
		if err != nil {
			return nil, err
		}
		if m.ID == id {
			if m.Error != nil {
				return nil, fmt.Errorf("%s: %s", method, m.Error)
			}
			return m.Result, nil
		}
	}
}

// read returns the next message; events are kept.
func (b *browser) read() (m message, err error) {
	text, err := b.from.ReadBytes(0)
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(text[:len(text)-1], &m)
	if m.Method != "" {
		b.seen = append(b.seen, m)
	}
	return m, err
}

func (b *browser) call(t testing.TB, method string, params, result any) {
	t.Helper()
	raw, err := b.send(method, params)
	if err != nil {
		t.Fatal(err)
	}
	if result != nil {
		if err := json.Unmarshal(raw, result); err != nil {
			t.Fatal(err)
		}
	}
}

// look is how a page is looked at.
type look struct {
	width, height int
	scheme        string // light or dark
}

func (l look) String() string { return fmt.Sprintf("%s-%d", l.scheme, l.width) }

// open shows a page and returns once it is loaded. What the browser complains of fails the test.
func (b *browser) open(t testing.TB, url string, l look) {
	t.Helper()
	b.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": l.width, "height": l.height, "deviceScaleFactor": 1, "mobile": l.width < 600}, nil)
	b.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": l.scheme}}}, nil)
	b.seen = nil
	b.call(t, "Page.navigate", map[string]any{"url": url}, nil)
	loaded := func(m message) bool { return m.Method == "Page.loadEventFired" }
	for !slices.ContainsFunc(b.seen, loaded) {
		if _, err := b.read(); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range b.seen {
		switch m.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Network.loadingFailed":
			t.Errorf("%s: the browser complains: %s %s", l, m.Method, m.Params)
		case "Network.requestWillBeSent":
			var r struct{ Request struct{ URL string } }
			if err := json.Unmarshal(m.Params, &r); err != nil || r.Request.URL != url && !strings.HasPrefix(r.Request.URL, "data:") {
				t.Errorf("%s: the page asks for %s, %v", l, r.Request.URL, err)
			}
		}
	}
}

// evaluate returns the value of an expression in the page.
func (b *browser) evaluate(t testing.TB, expression string, value any) {
	t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	if err := json.Unmarshal(r.Result.Value, value); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
}

// picture returns the whole page as PNG.
func (b *browser) picture(t testing.TB) []byte {
	t.Helper()
	var r struct{ Data string }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true, "optimizeForSpeed": false}, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	return png
}
