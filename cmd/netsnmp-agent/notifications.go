package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// targets returns where the file sends notifications.
func targets(file *snmpdconf.Config, v3 *engine) ([]snmp.Target, error) {
	var all []snmp.Target
	for _, sink := range file.Sinks {
		address, err := snmp.ParseTargetAddress(sink.Address, sink.Port)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sink.Where, err)
		}
		t := snmp.Target{
			Address: address, Version: sink.Version, Community: snmp.Secret(sink.Community), Source: sink.Source,
			Inform: sink.Inform, Timeout: sink.Timeout, Retries: sink.Retries,
		}
		if fits := file.ClientAddr.Is6() == address.Transport.IsIPv6(); !t.Source.IsValid() && fits {
			t.Source = file.ClientAddr // as in snmpd, which leaves it to the kernel otherwise
		}
		switch sink.Version {
		case snmp.SNMPv1:
			t.AgentAddress = file.V1TrapAddress
		case snmp.SNMPv3:
			t.V3 = snmp.TargetV3{User: sink.User, Level: sink.Level, EngineID: sink.EngineID, Context: sink.Context, ContextEngineID: sink.ContextEngineID}
			if err := v3.sender(&t, file); err != nil {
				return nil, fmt.Errorf("%s: %w", sink.Where, err)
			}
		}
		if err := t.Check(v3.usm()); err != nil {
			return nil, fmt.Errorf("%s: %w", sink.Where, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// sender finds the secrets of a target's user where its line has none. A trap is sent with the
// key for the engine here, which the model has. An inform takes the key for its receiver: one
// that is there for that engine, or what createUser can make one of.
func (e *engine) sender(t *snmp.Target, file *snmpdconf.Config) error {
	to := &t.V3
	if to.Level == usm.NoAuthNoPriv || to.User.Auth != usm.NoAuth {
		return nil
	}
	here := e.model.Engine().ID()
	highest := usm.Level(0)
	var maker *snmpdconf.User
	known := func(engine usm.EngineID, level usm.Level) {
		if engine == here && !t.Inform || engine != here && t.Inform && (to.EngineID == "" || to.EngineID == engine) {
			highest = max(highest, level)
		}
	}
	for _, u := range e.kept() {
		if u.Name == to.User.Name {
			known(u.EngineID, u.Level())
		}
	}
	for i := range file.Users {
		switch u := &file.Users[i]; {
		case u.Name != to.User.Name:
		case u.EngineID != "":
			known(u.EngineID, u.Level())
		default:
			known(here, u.Level())
			maker = u
		}
	}
	if t.Inform && highest == 0 && maker != nil {
		if maker.AuthForm == usm.LocalizedKey || maker.PrivForm == usm.LocalizedKey {
			return fmt.Errorf("the key of user %q is localised for this agent: an inform needs one of the receiver (-A, or createUser -e)", to.User.Name)
		}
		highest, to.User = maker.Level(), maker.Credentials
	}
	switch {
	case highest == 0:
		return fmt.Errorf("there is no user %q: give its secrets (-A, -X) or add createUser", to.User.Name)
	case highest < to.Level:
		return fmt.Errorf("user %q has no level above %s", to.User.Name, highest)
	}
	return nil
}

// choices are which notifications are sent: what the file says, or else what managers wrote. They may
// change while others ask.
type choices struct {
	state *state.File // nil where nothing can be written

	mu      sync.Mutex
	file    *snmpdconf.Config
	written chosen
}

// chosen is what managers wrote of notifications, as the state has it.
type chosen struct {
	Authentication *bool           `json:"authenticationFailure,omitempty"` // snmpEnableAuthenTraps
	Links          map[string]bool `json:"links,omitempty"`                 // ifLinkUpDownTrapEnable, by the interface's name
	// Contexts has the same of other contexts than the default one, by their names.
	Contexts map[string]map[string]bool `json:"contexts,omitempty"`
}

// links are those of a context.
func (c *chosen) links(context string) map[string]bool {
	if context == "" {
		return c.Links
	}
	return c.Contexts[context]
}

// size is of how many interfaces something is kept.
func (c *chosen) size() int {
	n := len(c.Links)
	for _, links := range c.Contexts {
		n += len(links)
	}
	return n
}

// setLink says whether notifications of an interface are sent; nil takes that back. It makes the maps anew.
func (c *chosen) setLink(context, name string, send *bool) {
	links := map[string]bool{}
	maps.Copy(links, c.links(context))
	delete(links, name)
	if send != nil {
		links[name] = *send
	}
	if context == "" {
		c.Links = links
		return
	}
	contexts := map[string]map[string]bool{}
	maps.Copy(contexts, c.Contexts)
	delete(contexts, context)
	if len(links) > 0 {
		contexts[context] = links
	}
	c.Contexts = contexts
}

// notificationSection is the name of chosen in the state.
const notificationSection = "notifications"

// maxLinks is of how many interfaces a choice is kept, of those that are gone too.
const maxLinks = 1 << 14

func newChoices(kept *state.File, file *snmpdconf.Config) (*choices, error) {
	c := &choices{file: file}
	return c, c.keepIn(kept)
}

// keepIn takes a state; nil is none.
func (c *choices) keepIn(kept *state.File) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state = kept; kept == nil {
		return nil
	}
	_, err := kept.Get(notificationSection, &c.written)
	return err
}

// set takes another file.
func (c *choices) set(file *snmpdconf.Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.file = file
}

// authentication reports whether authenticationFailure is sent.
func (c *choices) authentication() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, says := range []*bool{c.file.AuthTrapEnable, c.written.Authentication} {
		if says != nil {
			return *says
		}
	}
	return false
}

// linkChoices are the choices of linkDown and linkUp in one context.
type linkChoices struct {
	*choices
	context string // "" for the default one
}

func (c *choices) linksOf(context string) linkChoices { return linkChoices{c, context} }

// enabled reports whether linkDown and linkUp are sent of an interface, in a context of which they are sent at all.
func (c linkChoices) enabled(name string, byDefault bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if says := c.file.LinkUpDownNotifications; says != nil && !*says {
		return false
	}
	if send, written := c.written.links(c.context)[name]; written {
		return send
	}
	return byDefault
}

// writeAuthentication writes snmpEnableAuthenTraps. As with snmpd, what the file says cannot be written.
func (c *choices) writeAuthentication(_ context.Context, to *mib.Change[enginemib.Engine]) (mib.Assignment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.file.AuthTrapEnable != nil:
		return mib.Assignment{}, to.Refuse(mib.NotWritable, "snmpEnableAuthenTraps", errFileSays)
	case c.state == nil:
		return mib.Assignment{}, to.Refuse(mib.NotWritable, "snmpEnableAuthenTraps", errNotToKeep)
	}
	was, send := c.written.Authentication, to.Row.EnableAuthenTraps
	put := func(send *bool) func(context.Context) error {
		return c.put(func(next *chosen) { next.Authentication = send })
	}
	return mib.Assignment{Commit: put(&send), Undo: put(was)}, nil
}

// write writes ifLinkUpDownTrapEnable of an interface.
func (c linkChoices) write(name string, send bool) (mib.Assignment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, written := c.written.links(c.context)[name]
	switch {
	case c.file.LinkUpDownNotifications != nil && !*c.file.LinkUpDownNotifications:
		return mib.Assignment{}, errFileSays
	case c.state == nil:
		return mib.Assignment{}, errNotToKeep
	case !written && c.written.size() >= maxLinks:
		return mib.Assignment{}, fmt.Errorf("it is kept of %d interfaces already, some of which may be gone", maxLinks)
	}
	name = strings.Clone(name)
	return mib.Assignment{
		Commit: c.put(func(next *chosen) { next.setLink(c.context, name, &send) }),
		Undo: c.put(func(next *chosen) {
			if !written {
				next.setLink(c.context, name, nil)
				return
			}
			next.setLink(c.context, name, &was)
		}),
	}, nil
}

// put returns what makes a change of what was written, and keeps it. The change leaves the maps of what was alone.
func (c *choices) put(change func(*chosen)) func(context.Context) error {
	return func(context.Context) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		next := c.written
		change(&next)
		if err := c.state.Put(map[string]any{notificationSection: next}); err != nil {
			return err
		}
		c.written = next
		return nil
	}
}

// notify sends notifications of the interfaces that the IF-MIB shows and the choices allow, until
// ctx is done or the stack ends.
func (c linkChoices) notify(ctx context.Context, stack netstat.Stack, log *slog.Logger, send func(mib.Notification)) {
	current, ok := stack.(*live.Stack)
	if !ok || !current.Kinds().Has(netstat.KindInterface) {
		<-ctx.Done()
		return
	}
	_ = agent.LinkNotifier{Stack: current, Enabled: c.enabled, Send: send, Log: log}.Run(ctx) // the error is the stack's
}
