package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
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
			Address: address, Version: sink.Version, Community: sink.Community, Source: sink.Source,
			Inform: sink.Inform, Timeout: sink.Timeout, Retries: sink.Retries,
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
	if e == nil {
		return errors.New("SNMPv3 begins at the next start only")
	}
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
	for _, u := range e.kept {
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

// choices are what the file says of notifications, and may say anew while
// others ask.
type choices struct{ links, authentication atomic.Bool }

func (c *choices) set(file *snmpdconf.Config) {
	c.links.Store(file.LinkUpDownNotifications == nil || *file.LinkUpDownNotifications)
	c.authentication.Store(file.AuthTrapEnable != nil && *file.AuthTrapEnable)
}

// warnOfSinks says that a subagent sends nothing by itself.
func warnOfSinks(log *slog.Logger, file *snmpdconf.Config) {
	for _, sink := range file.Sinks {
		log.Warn("a subagent's notifications go where the master's configuration says", "not heeded", sink.Where)
	}
}

// notifyLinks sends notifications of the interfaces that the IF-MIB shows, until
// ctx is done or the stack ends, with which the program does.
func (c *choices) notifyLinks(ctx context.Context, stack netstat.Stack, log *slog.Logger, send func(mib.Notification)) {
	current, ok := stack.(*live.Stack)
	if !ok || !current.Kinds().Has(netstat.KindInterface) {
		return
	}
	_ = agent.LinkNotifier{Stack: current, Enabled: c.links.Load, Send: send, Log: log}.Run(ctx) // the error is the stack's
}
