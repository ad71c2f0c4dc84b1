package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// openState opens what lasts over restarts; nil where nothing does. SNMPv3 does not do
// without. What managers write cannot be written without.
func (s *settings) openState(conf *snmpdconf.Config) (*state.File, error) {
	dir, v3 := s.stateDirectory(), speaksV3(conf)
	if _, err := os.Stat(filepath.Join(dir, state.Name)); !v3 && !letsWrite(conf) && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	file, err := state.Open(dir)
	switch {
	case err == nil:
		return file, nil
	case v3:
		return nil, fmt.Errorf("SNMPv3 cannot be spoken: %w: name another directory with --state", err)
	}
	s.log.Warn("what is kept over restarts, such as sysName, cannot be written, and is not what was written before: name another directory with --state", "error", err)
	return nil, nil
}

// letsWrite reports whether a file gives somebody access to write.
func letsWrite(file *snmpdconf.Config) bool {
	return slices.ContainsFunc(file.Access.Access, func(a vacm.Access) bool {
		view := a.Views[vacm.Write]
		return view != "" && view != "none" && view != "_none_"
	})
}

// systemSection is the name of what managers wrote into the system group, in the state.
const systemSection = "system"

// systemGroup is the system group: what the file says, or else what managers wrote, or
// else what the host says whose stack is shown.
type systemGroup struct {
	host  recording.Host
	state *state.File // nil where nothing can be written

	mu      sync.Mutex
	file    *snmpdconf.Config
	written map[string]string // by descriptor
}

func newSystemGroup(host recording.Host, kept *state.File, file *snmpdconf.Config) (*systemGroup, error) {
	g := &systemGroup{host: host, file: file, written: map[string]string{}}
	return g, g.keepIn(kept)
}

// keepIn takes a state; nil is none.
func (g *systemGroup) keepIn(kept *state.File) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state = kept; kept == nil {
		return nil
	}
	_, err := kept.Get(systemSection, &g.written)
	return err
}

// set takes another file.
func (g *systemGroup) set(file *snmpdconf.Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.file = file
}

// systemObject is an object of the group that can be written.
type systemObject struct {
	descriptor string
	file       *string // what the file says; nil where it says nothing
	value      *string // where it stands
}

func writableObjects(file *snmpdconf.Config, s *snmpv2mib.System) [3]systemObject {
	return [...]systemObject{
		{"sysContact", file.SysContact, &s.Contact}, {"sysName", file.SysName, &s.Name}, {"sysLocation", file.SysLocation, &s.Location},
	}
}

// now returns the group.
func (g *systemGroup) now() snmpv2mib.System {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := system(g.file, g.host)
	for _, o := range writableObjects(g.file, &s) {
		if value, ok := g.written[o.descriptor]; ok && o.file == nil {
			*o.value = value
		}
	}
	return s
}

var (
	errFileSays  = errors.New("the configuration file says what it is")
	errNotToKeep = errors.New("there is no state directory to keep it in")
)

// write is the group's mib.Writer. As with snmpd, what the file says cannot be written.
func (g *systemGroup) write(_ context.Context, c *mib.Change[snmpv2mib.System]) (mib.Assignment, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, next := g.written, maps.Clone(g.written)
	for _, o := range writableObjects(g.file, &c.Row) {
		switch {
		case !c.Sets(o.descriptor):
		case o.file != nil:
			return mib.Assignment{}, c.Refuse(mib.NotWritable, o.descriptor, errFileSays)
		case g.state == nil:
			return mib.Assignment{}, c.Refuse(mib.NotWritable, o.descriptor, errNotToKeep)
		default:
			next[o.descriptor] = strings.Clone(*o.value)
		}
	}
	put := func(written map[string]string) func(context.Context) error {
		return func(context.Context) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			if err := g.state.Put(map[string]any{systemSection: written}); err != nil {
				return err
			}
			g.written = written
			return nil
		}
	}
	return mib.Assignment{Commit: put(next), Undo: put(was)}, nil
}
