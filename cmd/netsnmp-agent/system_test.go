package main

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// TestSystemGroup holds that what managers wrote lasts over restarts, and that what the
// file says is neither written nor hidden by what was written before.
func TestSystemGroup(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	const contact, name, location = "1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"
	start := func(text string) (g *systemGroup, request *mib.Request, end func()) {
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
		g, err = newSystemGroup(recording.Host{Name: "host"}, kept, file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := mib.NewTree(mib.TreeOptions{Log: s.log}, mib.Module{Nodes: []mib.Node{snmpv2mib.SystemObjects().WrittenBy(g.write).BindNow(g.now)}})
		if err != nil {
			t.Fatal(err)
		}
		return g, tree.NewRequest(), func() {
			if kept != nil {
				kept.Close()
			}
		}
	}
	set := func(r *mib.Request, variables ...string) mib.Status {
		t.Helper()
		var bindings []mib.Binding
		for i := 0; i < len(variables); i += 2 {
			bindings = append(bindings, mib.Binding{Object: mib.MustParseOID(variables[i]), Value: mib.Octets(variables[i+1])})
		}
		r.Reset(t.Context())
		err := r.Set(bindings)
		var refused *mib.SetError
		if errors.As(err, &refused) {
			return refused.Status
		}
		return mib.NoError
	}
	is := func(g *systemGroup, contact, name, location string) {
		t.Helper()
		if s := g.now(); s.Contact != contact || s.Name != name || s.Location != location {
			t.Errorf("contact %q, name %q, location %q", s.Contact, s.Name, s.Location)
		}
	}
	const writes = "rwcommunity secret 127.0.0.1\n"

	g, r, end := start("rocommunity public\n") // nobody writes: no directory is made
	if status := set(r, contact, "x"); status != mib.NotWritable {
		t.Errorf("without a state: %v", status)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
	is(g, "", "host", "")
	end()

	g, r, end = start(writes + "sysLocation rack\n")
	if status := set(r, contact, "me", name, "other"); status != mib.NoError {
		t.Error(status)
	}
	if status := set(r, contact, "you", location, "cellar"); status != mib.NotWritable {
		t.Errorf("what the file says: %v", status)
	}
	is(g, "me", "other", "rack")
	end()

	g, r, end = start(writes + "sysName mine\n")
	is(g, "me", "mine", "")
	if status := set(r, location, "cellar", contact, ""); status != mib.NoError {
		t.Error(status)
	}
	end()

	g, _, end = start("rocommunity public\n")
	defer end()
	is(g, "", "other", "cellar")
}

// TestStateInUse holds that an agent without SNMPv3 starts where it can keep nothing, and says so.
func TestStateInUse(t *testing.T) {
	file, err := snmpdconf.Parse(t.Context(), "x.conf", strings.NewReader("rwcommunity secret 127.0.0.1\n"))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	s := settings{file: file, log: slog.New(slog.NewTextHandler(&said, nil))}
	s.state = filepath.Join(os.DevNull, "state")
	if kept, err := s.openState(s.file); kept != nil || err != nil || !strings.Contains(said.String(), "cannot be written") {
		t.Errorf("%v, %v, said %q", kept, err, said.String())
	}
}
