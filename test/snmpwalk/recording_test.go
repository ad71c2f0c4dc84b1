package snmpwalk_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// shown are the groups that a recording shows: interfaces, tcp, udp, ifMIB and
// ipForward.
var shown = []string{"1.3.6.1.2.1.2", "1.3.6.1.2.1.6", "1.3.6.1.2.1.7", "1.3.6.1.2.1.31", "1.3.6.1.2.1.4.24"}

// walkShown walks them with the real snmpwalk.
func walkShown(t *testing.T, ns *nstest.NS, address string) string {
	t.Helper()
	var all strings.Builder
	for _, root := range shown {
		all.WriteString(ns.Run(t, "snmpwalk", "-v2c", "-c", "public", "-On", "-t", "20", address, root))
	}
	return all.String()
}

// record records a namespace under its name.
func record(t *testing.T, path string, ns *nstest.NS, o recording.Options) {
	t.Helper()
	kernel, err := collectors.Open(collectors.Options{NetNS: ns.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	r, err := recording.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Record(context.Background(), o, func(yield func(recording.Source) bool) {
		yield(recording.Source{Name: ns.Name, Stack: kernel})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRecording holds that a namespace and its recording give the same walk,
// counters as they were recorded.
func TestRecording(t *testing.T) {
	needsTools(t)
	// Nothing in it sends by itself, as a connection that is not answered does.
	s := newLinks(t)
	s.addRoutes(t)
	s.listen(t, "tcp", "[::]:5000", nil)
	s.listen(t, "tcp4", "127.0.0.1:5003", nil)
	s.dial(t, "tcp4", "127.0.0.1:5100", "127.0.0.1:5003")
	s.listenPacket(t, "udp4", "127.0.0.1:5004", nil)
	s.listenPacket(t, "udp6", "[::1]:5005", nil)
	// The agents are asked in a namespace of their own, so that they are not
	// among the sockets that they show.
	asked := nstest.New(t)
	live := start(t, asked, program, "--netns", s.Name, "--listen", "udp:127.0.0.1:1161")
	live.await(t, "try: ", 1)
	path := filepath.Join(t.TempDir(), "scene")
	host := recording.Host{Name: "yesterday", System: "Linux", Kernel: "6.1", KernelVersion: "#1", Machine: "riscv64"}
	port := 1200
	// The kernel may change something by itself while this goes on.
	eventually(t, func() string {
		before := walkShown(t, asked, "127.0.0.1:1161")
		record(t, path, s.NS, recording.Options{Host: host})
		time.Sleep(time.Second) // the live agent's rows are as old at most
		after := walkShown(t, asked, "127.0.0.1:1161")
		if before != after {
			return "the scene does not stand still: " + cmp.Diff(before, after)
		}
		port++
		address := fmt.Sprintf("127.0.0.1:%d", port)
		p := start(t, asked, program, "--recording", path, "--netns", s.Name, "--listen", "udp:"+address)
		p.await(t, "try: ", 1)
		// A moment has no events, which alone tell ifTableLastChange and
		// ifStackLastChange: they are absent.
		want := slices.DeleteFunc(strings.Split(after, "\n"), func(line string) bool {
			return strings.HasPrefix(line, ".1.3.6.1.2.1.31.1.5.0 ") || strings.HasPrefix(line, ".1.3.6.1.2.1.31.1.6.0 ")
		})
		if got := strings.Split(walkShown(t, asked, address), "\n"); !slices.Equal(got, want) {
			return "(-live +recorded)\n" + cmp.Diff(want, got)
		}
		for _, column := range []string{".1.3.6.1.2.1.31.1.1.1.1.", ".1.3.6.1.2.1.6.19.1.7.", ".1.3.6.1.2.1.6.20.1.4.", ".1.3.6.1.2.1.7.7.1.8.", ".1.3.6.1.2.1.4.24.7.1.7."} {
			if !strings.Contains(after, column) {
				t.Errorf("the walk has no row of %s", column)
			}
		}
		system := asked.Run(t, "snmpwalk", "-v2c", "-c", "public", "-Oqv", address, "1.3.6.1.2.1.1")
		if !strings.Contains(system, "Linux yesterday 6.1 #1 riscv64") {
			t.Errorf("the system group is %q", system)
		}
		return ""
	})
}

// TestPartOfRecording holds that what a recording does not have is absent, and
// what cannot be served is refused.
func TestPartOfRecording(t *testing.T) {
	needsTools(t)
	s := newLinks(t)
	asked := nstest.New(t)
	path := filepath.Join(t.TempDir(), "scene")
	record(t, path, s.NS, recording.Options{Kinds: []recording.Kind{recording.KindRoute}})
	p := start(t, asked, program, "--recording", path, "--netns", s.Name, "--listen", "udp:127.0.0.1:1161")
	p.await(t, "try: ", 1)
	for root, exists := range map[string]bool{
		"1.3.6.1.2.1.4.24": true, "1.3.6.1.2.1.2": false, "1.3.6.1.2.1.6": false, "1.3.6.1.2.1.7": false,
	} {
		got := asked.Run(t, "snmpwalk", "-v2c", "-c", "public", "-On", "127.0.0.1:1161", root)
		if has := !strings.Contains(got, "No Such"); has != exists {
			t.Errorf("%s: %.300s", root, got)
		}
	}

	text := writeConfig(t, "this is a text")
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no file", []string{"--recording", path + "-not"}, []string{path + "-not", "no such file"}},
		{"a text", []string{"--recording", text}, []string{text, "offset 0", "not a recording"}},
		{"another namespace", []string{"--recording", path, "--netns", "green"}, []string{path, `no stack "green"`, s.Name}},
		{"nothing", []string{"--recording", ""}, []string{"--recording", "empty"}},
	} {
		p := start(t, asked, program, c.args...)
		if status := p.exit(t); status != 1 {
			t.Errorf("%s: exit status %d", c.name, status)
		}
		for _, want := range c.want {
			if got := p.output.String(); !strings.Contains(got, want) {
				t.Errorf("%s: %q does not tell %q", c.name, got, want)
			}
		}
	}
}
