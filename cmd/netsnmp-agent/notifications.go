package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// informRetries is how often net-snmp sends an inform again.
const informRetries = 5

// targets returns where the file sends notifications.
func targets(file *snmpdconf.Config) ([]snmp.Target, error) {
	var all []snmp.Target
	for _, sink := range file.Sinks {
		address, err := snmp.ParseTargetAddress(sink.Address, sink.Port)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sink.Where, err)
		}
		t := snmp.Target{Address: address, Version: snmp.SNMPv2c, Community: sink.Community}
		switch sink.Kind {
		case snmpdconf.TrapSink:
			t.Version, t.AgentAddress = snmp.SNMPv1, file.V1TrapAddress
		case snmpdconf.InformSink:
			t.Inform, t.Timeout, t.Retries = true, time.Second, informRetries
		}
		all = append(all, t)
	}
	return all, nil
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
