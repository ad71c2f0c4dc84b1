package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// TestChoices holds that what managers wrote of notifications lasts over restarts, that what
// the file says is neither written nor hidden by it, and that an undone change is none.
func TestChoices(t *testing.T) {
	dir := t.TempDir()
	start := func(text string) (c *choices, write func(int32) error) {
		t.Helper()
		file, err := snmpdconf.Parse(t.Context(), "x.conf", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		s := settings{file: file, log: slog.New(slog.DiscardHandler)}
		s.state = dir
		kept, err := s.openState(s.file)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = newChoices(kept, file); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if kept != nil {
				kept.Close()
			}
		})
		group := enginemib.SNMP().WrittenBy(c.writeAuthentication).BindNow(func() enginemib.Engine {
			return enginemib.Engine{EnableAuthenTraps: c.authentication()}
		})
		tree, err := mib.NewTree(mib.TreeOptions{Log: s.log}, mib.Module{Nodes: []mib.Node{group}})
		if err != nil {
			t.Fatal(err)
		}
		request := tree.NewRequest()
		return c, func(value int32) error {
			request.Reset(t.Context())
			return request.Set([]mib.Binding{{Object: mib.MustParseOID("1.3.6.1.2.1.11.30.0"), Value: mib.Int(value)}})
		}
	}
	restart := func(c *choices, text string) (*choices, func(int32) error) {
		t.Helper()
		if c.state != nil {
			c.state.Close()
		}
		return start(text)
	}
	of := "" // the context
	is := func(c *choices, want string) {
		t.Helper()
		if got := fmt.Sprint(c.authentication(), c.linksOf(of).enabled("eth0", true), c.linksOf(of).enabled("br0", false), c.linksOf(of).enabled("eth1", true)); got != want {
			t.Errorf("authentication, eth0, br0 and eth1 are %s, want %s", got, want)
		}
	}
	link := func(c *choices, name string, send bool) {
		t.Helper()
		a, err := c.linksOf(of).write(name, send)
		if err == nil {
			err = a.Commit(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
	}
	const writes = "rwcommunity secret 127.0.0.1\n"

	c, write := start("rocommunity public\n") // nobody writes
	if err := write(1); err == nil || !strings.Contains(err.Error(), "notWritable") {
		t.Errorf("without a state: %v", err)
	}
	if _, err := c.linksOf(of).write("eth0", false); err == nil {
		t.Error("without a state: it can be written of an interface")
	}
	is(c, "false true false true")

	c, write = restart(c, writes)
	if err := write(1); err != nil {
		t.Error(err)
	}
	link(c, "eth0", false)
	link(c, "br0", true)
	is(c, "true false true true")
	for _, name := range []string{"eth0", "eth1"} {
		a, err := c.linksOf(of).write(name, name == "eth0")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Commit(t.Context()); err != nil {
			t.Error(err)
		}
		if err := a.Undo(t.Context()); err != nil {
			t.Error(err)
		}
	}
	is(c, "true false true true")
	if err := write(3); err == nil || !strings.Contains(err.Error(), "wrongValue") {
		t.Errorf("3: %v", err)
	}

	c, write = restart(c, writes+"authtrapenable 2\nlinkUpDownNotifications no\n")
	is(c, "false false false false")
	if err := write(1); err == nil || !strings.Contains(err.Error(), "notWritable") {
		t.Errorf("what the file says: %v", err)
	}
	if _, err := c.linksOf(of).write("eth0", true); err == nil {
		t.Error("what the file says can be written")
	}

	c, write = restart(c, writes+"linkUpDownNotifications yes\n")
	is(c, "true false true true")
	if err := write(2); err != nil {
		t.Error(err)
	}
	link(c, "eth0", true)
	of = "blue"
	is(c, "false true false true")
	link(c, "eth0", false)
	link(c, "eth1", false)
	of = "red"
	link(c, "br0", true)

	c, _ = restart(c, "rocommunity public\n")
	for context, want := range map[string]string{"": "false true true true", "blue": "false false false false", "red": "false true true true"} {
		of = context
		is(c, want)
	}
}

// TestMaxLinks holds that what is kept of interfaces is bounded, and can be changed nevertheless.
func TestMaxLinks(t *testing.T) {
	c, err := newChoices(nil, &snmpdconf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := settings{file: &snmpdconf.Config{}, log: slog.New(slog.DiscardHandler)}
	s.state = t.TempDir()
	s.file, err = snmpdconf.Parse(t.Context(), "x.conf", strings.NewReader("rwcommunity secret 127.0.0.1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.state, err = s.openState(s.file); err != nil {
		t.Fatal(err)
	}
	defer c.state.Close()
	c.written.Links = map[string]bool{}
	for i := range maxLinks {
		c.written.Links[fmt.Sprint("eth", i)] = true
	}
	for _, context := range []string{"", "blue"} {
		if _, err := c.linksOf(context).write("another", false); err == nil {
			t.Error("there is room without an end")
		}
	}
	if _, err := c.linksOf("").write("eth0", false); err != nil {
		t.Error(err)
	}
	c.written.Contexts = map[string]map[string]bool{"blue": c.written.Links}
	c.written.Links = nil
	if _, err := c.linksOf("").write("another", false); err == nil {
		t.Error("what is kept of contexts does not count")
	}
}

// TestClientAddr holds that clientaddr is the source of notifications over its family, as with snmpd, unless their line has one.
func TestClientAddr(t *testing.T) {
	file, err := snmpdconf.Parse(t.Context(), "x.conf", strings.NewReader(strings.Join([]string{
		"trap2sink 192.0.2.9", "trap2sink udp6:[2001:db8::9]", "trap2sink tcp:nms", "trap2sink udp6:nms", "trap2sink -s 192.0.2.7 192.0.2.9",
		"clientaddr 192.0.2.1"}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string][]string{
		"192.0.2.1":   {"192.0.2.1", "", "192.0.2.1", "", "192.0.2.7"},
		"2001:db8::1": {"", "2001:db8::1", "", "2001:db8::1", "192.0.2.7"},
		"":            {"", "", "", "", "192.0.2.7"},
	} {
		file.ClientAddr = netip.Addr{}
		if address != "" {
			file.ClientAddr = netip.MustParseAddr(address)
		}
		all, err := targets(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if got := all[i].Source; got.IsValid() != (want[i] != "") || got.IsValid() && got.String() != want[i] {
				t.Errorf("clientaddr %s: %v is sent from %v, want %q", address, all[i].Address, got, want[i])
			}
		}
	}
}
