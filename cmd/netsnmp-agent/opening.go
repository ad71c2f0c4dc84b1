package main

import (
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// opening is what a file has the agent open, and to whom. Nothing is open yet.
type opening struct {
	addresses []snmp.Address // none of a subagent
	chosen    bool           // the addresses have to be had
	master    string         // of a subagent
	who       *access        // nil for a subagent
	contexts  contexts.Patterns
	followed  contexts.Patterns // of the contexts, whose interfaces are notified of
	metrics   webAt
	warnings  []snmpdconf.Warning
}

// opens returns what a file has an agent open that listens at those addresses; nil stands for those that the
// settings mean.
func (s *settings) opens(file *snmpdconf.Config, listening []snmp.Address) (o opening, err error) {
	if o.contexts, err = s.patternsOf(file); err != nil {
		return o, err
	}
	if o.followed, err = parsePatterns(file.NetNSNotifications); err != nil {
		return o, err
	}
	if o.metrics, err = s.metricsOf(file); err != nil {
		return o, err
	}
	if s.agentx != "" {
		o.master, err = s.master(file)
		o.warnings = s.warnings(file, nil)
		return o, err
	}
	if o.addresses = listening; listening == nil {
		if o.addresses, o.chosen, err = s.addresses(file); err != nil {
			return o, err
		}
	}
	if o.who, err = accessOf(file, o.addresses); err != nil {
		return o, err
	}
	o.warnings = s.warnings(file, o.addresses)
	return o, nil
}

// loopback is where the agent listens when nobody says where and who is let in, and usual where a file says only
// who: it is snmpd's default, by which a file for snmpd has its meaning here as well.
var (
	loopback = []string{"udp:127.0.0.1:1161", "udp6:[::1]:1161"}
	usual    = "udp:161"
)

// addresses returns where to listen with a file, and whether that has to be had.
func (s *settings) addresses(file *snmpdconf.Config) (addresses []snmp.Address, chosen bool, err error) {
	var from []snmpdconf.Setting
	for _, l := range s.listen {
		from = append(from, snmpdconf.Setting{Value: l, Where: "--listen"})
	}
	if len(from) == 0 {
		from = file.AgentAddresses
	}
	if len(from) == 0 && givesAccess(file) && len(s.passed) == 0 {
		from = []snmpdconf.Setting{{Value: usual}}
	}
	if chosen = len(from) > 0 || len(s.passed) > 0; !chosen {
		for _, l := range loopback {
			from = append(from, snmpdconf.Setting{Value: l})
		}
	}
	for _, set := range from {
		a, err := snmp.ParseAddress(set.Value)
		if err != nil {
			return nil, chosen, fmt.Errorf("%s: %w", set.Where, err)
		}
		addresses = append(addresses, a)
	}
	addresses, err = s.besidePassed(addresses)
	return addresses, chosen, err
}
