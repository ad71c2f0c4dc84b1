package page_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// What the kernel really lost, and who really was refused, shows in a browser: connections beyond a full accept queue,
// datagrams beyond a full buffer, and a request with a wrong community.
func TestTrouble(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	config := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(config, []byte("rocommunity public\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	startAgent(t, n, "--config", config) // which has a look at the page, and so a first sample
	full := fullListener(t, n)
	for range 8 { // whose SYNs are dropped, and sent again
		n.Do(t, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { unix.Close(fd) })
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: full, Addr: [4]byte{127, 0, 0, 1}}); err != unix.EINPROGRESS {
				return fmt.Errorf("connect: %w", err)
			}
			return nil
		})
	}
	deaf := n.ListenPacket(t, "udp", "127.0.0.1:5300")
	if err := deaf.(*net.UDPConn).SetReadBuffer(1); err != nil { // the kernel takes its least
		t.Fatal(err)
	}
	sender := n.Dial(t, "udp", "127.0.0.1:5300")
	for range 64 {
		if _, err := sender.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	ask := exec.Command("ip", "netns", "exec", n.Name, "snmpget", "-v2c", "-cwrong", "-r0", "-t1", "127.0.0.1:1161", "1.3.6.1.2.1.1.3.0")
	if out, err := ask.CombinedOutput(); err == nil {
		t.Fatalf("a wrong community is answered: %s", out)
	}
	// A sample is taken each 20 seconds.
	nstest.Eventually(t, func() string {
		time.Sleep(time.Second)
		text, _, err := get(t, n, http.MethodGet, "/")
		if err != nil {
			return err.Error()
		}
		for _, want := range []string{"<strong>TcpExtListenOverflows</strong>", "<strong>UdpRcvbufErrors</strong>", "snmpInBadCommunityNames"} {
			if !strings.Contains(text, want) {
				return want + " is missing in " + text
			}
		}
		return ""
	})
	b := startBrowser(t, n)
	for _, l := range append(looks(), look{320, 700, "light"}, look{320, 700, "dark"}, look{800, 900, "light"}, look{800, 900, "dark"}) {
		b.open(t, "http://127.0.0.1:9161/", l)
		var seen struct {
			Findings, Growth, Full, Refused []string
			Wide, Width                     int
		}
		b.evaluate(t, `({
			findings: Array.from(document.querySelectorAll('.findings li strong'), e => e.textContent),
			growth: Array.from(document.querySelectorAll('#counters tr.warn'), e => e.innerText),
			full: Array.from(document.querySelectorAll('#listeners tr.bad'), e => e.innerText),
			refused: Array.from(document.querySelectorAll('#agent tr.warn'), e => e.innerText),
			wide: document.documentElement.scrollWidth, width: document.documentElement.clientWidth})`, &seen)
		if len(seen.Findings) == 0 || seen.Findings[0] != "Accept queue full" {
			t.Errorf("%s: the full queue is not the first: %q", l, seen.Findings)
		}
		growth := strings.Join(seen.Growth, "\n")
		for _, want := range []string{"TcpExtListenOverflows", "TcpExtListenDrops", "UdpRcvbufErrors"} {
			if !strings.Contains(growth, want) {
				t.Errorf("%s: %s did not grow: %s", l, want, growth)
			}
		}
		if len(seen.Full) != 1 || !strings.Contains(seen.Full[0], fmt.Sprint(full)) {
			t.Errorf("%s: full queues: %q", l, seen.Full)
		}
		if len(seen.Refused) != 1 || !strings.Contains(seen.Refused[0], "snmpInBadCommunityNames") {
			t.Errorf("%s: refused: %q", l, seen.Refused)
		}
		if seen.Wide > seen.Width {
			t.Errorf("%s: the page is %d wide, the window %d", l, seen.Wide, seen.Width)
		}
		keep(t, "trouble-"+l.String(), b.picture(t))
	}
}

// Where the kernel refuses netlink the page and the metrics go on with what /proc tells.
func TestWithoutNetlink(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	n.IP(t, "link set lo up")
	n.Listen(t, "tcp", "127.0.0.1:4720")
	line, variable := nstest.WithoutNetlink(t, nstest.EveryNetlink, unix.EPERM, program, "--listen", "udp:127.0.0.1:1161", "--metrics", "127.0.0.1:9161")
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.Name}, line...)...)
	cmd.Env = append(os.Environ(), variable)
	var log nstest.Output
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("the agent:\n%s", log.String())
		}
	})
	var text string
	nstest.Eventually(t, func() (otherwise string) {
		var err error
		if text, _, err = get(t, n, http.MethodGet, "/"); err != nil {
			return err.Error() + "\n" + log.String()
		}
		return ""
	})
	for _, want := range []string{"127.0.0.1:4720", ">lo</h3>"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in the page: %s", want, text)
		}
	}
	text, _, err := get(t, n, http.MethodGet, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`netstat_listener_sockets{address="127.0.0.1",netns="",port="4720",`, `netstat_interface_receive_bytes_total{interface="lo",netns=""} `,
		`netstat_scrape_success{netns="",part="counters"} 1`, `netstat_scrape_success{netns="",part="tcp"} 1`, `netstat_scrape_success{netns="",part="interfaces"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in the metrics", want)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "netstat_scrape_success") && strings.HasSuffix(line, " 0\n") {
			t.Logf("%s", line)
		}
	}
}

// Namespaces come and go while they are scraped and looked at. Each scrape is whole, and those that stay are there.
func TestNamespacesThatGo(t *testing.T) {
	nstest.NeedsRoot(t)
	n, stays := nstest.New(t), nstest.New(t)
	startAgent(t, n, "--contexts", stays.Name+",go-"+n.Name+"-*")
	ctx, end := context.WithCancel(t.Context())
	var churn sync.WaitGroup
	for i := range 2 {
		name := fmt.Sprintf("go-%s-%d", n.Name, i)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		churn.Go(func() {
			for range 500 {
				if ctx.Err() != nil {
					return
				}
				if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
					return
				}
				if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
					return
				}
			}
		})
	}
	went := 0
	for range 30 {
		text, answer, err := get(t, n, http.MethodGet, "/metrics")
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v: %s", answer, err, text)
		}
		for _, want := range []string{`netstat_scrape_success{netns="",part="tcp"} 1`, `netstat_scrape_success{netns="` + stays.Name + `",part="interfaces"} 1`, "netstat_scrape_stacks{"} {
			if !strings.Contains(text, want) {
				t.Fatalf("%s is missing in %s", want, text)
			}
		}
		if strings.Contains(text, `netns="go-`) {
			went++
		}
		if text, answer, err := get(t, n, http.MethodGet, "/?netns=go-"+n.Name+"-0"); err != nil || answer.StatusCode >= 500 && answer.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%v, %v: %s", answer, err, text)
		}
	}
	end()
	churn.Wait()
	t.Logf("%d of 30 scrapes had a namespace that went", went)
	nstest.Eventually(t, func() string {
		if text, _, err := get(t, n, http.MethodGet, "/metrics"); err != nil || strings.Contains(text, `netns="go-`) {
			return fmt.Sprintf("%v: a namespace that went is in the metrics", err)
		}
		return ""
	})
}

// Beside snmpd the page shows the session with it, and that it is gone when snmpd is; flows that conntrack counts; and a
// connection whose segments are lost, with its process and peer.
func TestBesideSnmpd(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "/usr/sbin/snmpd")
	nstest.NeedsProgram(t, "conntrack")
	n, dir := nstest.New(t), t.TempDir()
	n.IP(t, "link set lo up")
	n.NFT(t, "table inet track {\n\tchain out {\n\t\ttype filter hook output priority filter\n\t\tct state new counter\n\t}\n}\n")
	const master = "tcp:127.0.0.1:7050"
	config := filepath.Join(dir, "tests.conf")
	if err := os.WriteFile(config, []byte("master agentx\nagentXSocket "+master+"\nrocommunity public\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	snmpd := exec.Command("ip", "netns", "exec", n.Name, "/usr/sbin/snmpd", "-f", "-LE", "4", "-C", "-c", config, "udp:127.0.0.1:1161")
	snmpd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "MIBS=")
	if err := snmpd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		snmpd.Process.Kill()
		snmpd.Wait()
	})
	t.Cleanup(stop)
	n.Start(t, program, "--agentx="+master, "--metrics", "127.0.0.1:9161")

	lost := startHelper(t, n, "deaf")
	c := n.Dial(t, "tcp", fmt.Sprintf("127.0.0.1:%d", lost))
	n.NFT(t, fmt.Sprintf("table inet lose {\n\tchain in {\n\t\ttype filter hook input priority filter\n\t\ttcp dport %d drop\n\t}\n}\n", lost))
	if _, err := c.Write(make([]byte, 500)); err != nil {
		t.Fatal(err)
	}
	shows := func(wanted ...string) {
		t.Helper()
		nstest.Eventually(t, func() string {
			text, _, err := get(t, n, http.MethodGet, "/")
			if err != nil {
				return err.Error()
			}
			for _, want := range wanted {
				if !strings.Contains(text, want) {
					return want + " is missing in " + text
				}
			}
			return ""
		})
	}
	shows("<dt>AgentX</dt><dd>session for", "the 1st since the start", "<strong>Retransmissions</strong>", "<dt>Retransmitting</dt><dd>1</dd>", "<dt>Tracked flows</dt>")

	b := startBrowser(t, n)
	for _, l := range append(looks(), look{320, 700, "light"}, look{320, 700, "dark"}) {
		b.open(t, "http://127.0.0.1:9161/", l)
		var seen struct {
			Findings, Losing []string
			Flows, Limit     string
			Clients          int
			Wide, Width      int
		}
		b.evaluate(t, `({
			findings: Array.from(document.querySelectorAll('.findings li strong'), e => e.textContent),
			losing: Array.from(document.querySelectorAll('#processes tr.warn th, #peers tr.warn th'), e => e.textContent),
			flows: Array.from(document.querySelectorAll('dl.figures div')).filter(e => e.querySelector('dt').textContent == 'Tracked flows').map(e => e.querySelector('dd').firstChild.textContent.trim())[0],
			limit: Array.from(document.querySelectorAll('dl.figures div')).filter(e => e.querySelector('dt').textContent == 'Tracked flows').map(e => e.querySelector('dd small').textContent)[0],
			clients: document.querySelectorAll('#agent table').length,
			wide: document.documentElement.scrollWidth, width: document.documentElement.clientWidth})`, &seen)
		if slices.Contains(seen.Findings, "AgentX") || seen.Clients != 0 {
			t.Errorf("%s: with a session: %q, %d tables of SNMP clients, who are snmpd's", l, seen.Findings, seen.Clients)
		}
		if !slices.Contains(seen.Losing, "127.0.0.0/24") {
			t.Errorf("%s: who loses segments is %q", l, seen.Losing)
		}
		flows := strings.TrimSpace(n.Run(t, "conntrack", "-C"))
		if limit := digits(seen.Limit); digits(seen.Flows) == "" || flows == "0" || limit != strings.TrimSpace(n.Run(t, "cat", "/proc/sys/net/netfilter/nf_conntrack_max")) {
			t.Errorf("%s: %s tracked flows %s, and conntrack counts %s", l, seen.Flows, seen.Limit, flows)
		}
		if seen.Wide > seen.Width {
			t.Errorf("%s: the page is %d wide, the window %d", l, seen.Wide, seen.Width)
		}
		keep(t, "snmpd-"+l.String(), b.picture(t))
	}
	stop()
	shows("<strong>AgentX</strong> <span>there is no session with the master</span>", "<dt>AgentX</dt><dd>no session</dd>")
}

// digits are those of a text.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
