package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// sources is what the modules' tables are answered from: one for each thing
// that is read as a whole, shared by all the tables that show it.
type sources struct {
	stack     netstat.Stack
	live      *live.Stack // nil when the stack is another
	log       *slog.Logger
	config    Config
	resources []snmpv2mib.Resource
	serial    *mib.TestAndIncr // snmpSetSerialNo
	targets   *mib.TestAndIncr // snmpTargetSpinLock
	keys      *mib.TestAndIncr // usmUserSpinLock
	// addressLock is ipAddressSpinLock.
	addressLock *mib.TestAndIncr
	views       *mib.TestAndIncr // vacmViewSpinLock

	readings *readings.Stack

	counts   *fresh.Source[ipmib.Counts]
	settings *fresh.Source[ipmib.Settings]

	ipInterfaces        *fresh.Source[ipInterfaces]
	interfaceStatistics *fresh.Source[[]ipmib.InterfaceStatistics]
	defaultRouters      *fresh.Source[[]netstat.Route]
	// ipUpdated is when the settings of an interface last changed, and ipRows are
	// those of IPv6 by index; of the one goroutine that reads ipInterfaces.
	ipUpdated lastDate
	ipRows    map[uint32]netstat.IPInterface
}

func newSources(c Config) *sources {
	if c.Readings == nil {
		c.Readings = readings.New(c.Stack, readings.Options{Log: c.Log})
	}
	s := &sources{
		stack: c.Stack, readings: c.Readings, log: c.Log, config: c,
		serial: mib.NewTestAndIncr(), targets: mib.NewTestAndIncr(), keys: mib.NewTestAndIncr(), addressLock: mib.NewTestAndIncr(), views: mib.NewTestAndIncr(),
	}
	s.live = s.readings.Live()
	s.counts, s.settings = fresh.New(s.ipCounters), fresh.New(s.ipSettings)
	s.ipInterfaces, s.interfaceStatistics = fresh.New(s.readIPInterfaces), fresh.New(s.readInterfaceStatistics)
	readings.Follow(s.readings, s.ipInterfaces, netstat.KindNetconf)
	readings.Follow(s.readings, s.interfaceStatistics, netstat.KindNetconf)
	s.defaultRouters = fresh.New(s.readDefaultRouters)
	readings.Follow(s.readings, s.defaultRouters, netstat.KindRoute)
	return s
}

// tracks reports whether the stack is live and keeps a kind.
func (s *sources) tracks(kind netstat.Kinds) bool { return s.readings.Tracks(kind) }

func (s *sources) system() snmpv2mib.System {
	system := s.config.System()
	system.Started, system.Now = s.config.Epoch(), time.Now()
	return system
}

func (s *sources) engine() enginemib.Engine { return s.config.Engine() }

// resourceRows are the modules of the agent, which stay what they are.
func (s *sources) resourceRows() *fresh.Source[[]snmpv2mib.Resource] {
	return fresh.New(func(context.Context) ([]snmpv2mib.Resource, error) { return s.resources, nil })
}
