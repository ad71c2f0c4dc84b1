// Package agent puts a network stack behind MIB modules: it makes the tree that
// packages agentx and snmp put on the wire.
package agent

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/communitymib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/notificationmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/targetmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/vacmmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// Config says what an Agent serves. Stack is needed, the rest has defaults.
type Config struct {
	// Stack is what the modules show. Of a *live.Stack that tracks what Kinds
	// says, routes are shown as they are, and moments of change told; any other
	// is read when somebody asks, and shown as it was up to a second before, or
	// as much longer as reading it takes.
	Stack netstat.Stack
	// Readings are those of Stack, for who shows it otherwise as well: nil means the agent's own.
	Readings *readings.Stack
	// Modules are the names of the MIB modules to serve, in any case of
	// letters; none means all that the configuration allows.
	Modules []string
	// Extra are modules of the caller's own, served beside the agent's.
	Extra []mib.Module
	// Epoch returns the moment at which sysUpTime was zero: nil means the
	// moment of New. A subagent's is its master's.
	Epoch func() time.Time
	// System returns what the system group says beside sysUpTime, and Engine
	// the counters of the SNMP engine. Where they are nil the SNMPv2-MIB, and the others of the
	// agent itself, are left to somebody else: to the master, for a subagent.
	System func() snmpv2mib.System
	Engine func() enginemib.Engine
	// WriteSystem writes sysContact, sysName and sysLocation, which System tells then. Nil
	// means that nobody can.
	WriteSystem mib.Writer[snmpv2mib.System]
	// WriteEngine writes snmpEnableAuthenTraps, which Engine tells then. Nil means that
	// nobody can.
	WriteEngine mib.Writer[enginemib.Engine]
	// CheckUser completes what is written of a user, and WriteUser makes, changes and deletes it;
	// Users tells it then. Nil means that nobody can. What CheckUser has an error for is refused, with
	// the status that the error has (mib.Writer).
	CheckUser func(*mib.Change[usmmib.User]) error
	WriteUser mib.Writer[usmmib.User]
	// Users returns the users of SNMPv3, for the module that tells of these beside System and
	// Engine; nil stands for none. Access is who may see what, and Targets where notifications go.
	Users   func() []usmmib.User
	Access  Access
	Targets Targets
	// Context says that the agent is of another context than the default one: it tells of
	// the stack and has the system group, and leaves out the modules of the engine, and its
	// counters, whatever Modules says. Engine, Users, Access and Targets are not asked for.
	Context bool
	// Turns are shared by the agents of one process; nil where there is one.
	Turns *mib.Turns
	// Zones has every address that means something on its link only shown with the
	// number of that link, as RFC 4001 wants it (ipv6z). Otherwise that is left to
	// rows which nothing else tells apart, since many managers do not know it.
	Zones bool
	// LinkNotifications says whether a LinkNotifier sends notifications of the interface of
	// that name, which ifLinkUpDownTrapEnable shows; byDefault is RFC 2863's default for it, and
	// what nil means.
	LinkNotifications func(name string, byDefault bool) bool
	// WriteLinkNotifications prepares to have notifications of an interface sent or not,
	// which LinkNotifications tells then; its error says why that cannot be. Nil means that
	// nobody can.
	WriteLinkNotifications func(name string, send bool) (mib.Assignment, error)
	Log                    *slog.Logger // nil means slog.Default
}

// Targets is what the SNMP-TARGET-MIB and the SNMP-NOTIFICATION-MIB show. Nil stands for no rows, which
// nobody can make.
type Targets struct {
	Addresses     *mib.KeptRows[targetmib.Address]
	Params        *mib.KeptRows[targetmib.Params]
	Notifications *mib.KeptRows[notificationmib.Notify]
	Profiles      *mib.KeptRows[notificationmib.Profile]
	Filters       *mib.KeptRows[notificationmib.Filter]
}

// Access is what the SNMP-COMMUNITY-MIB and the SNMP-VIEW-BASED-ACM-MIB show. Nil stands for no rows, which
// nobody can make.
type Access struct {
	Communities *mib.KeptRows[communitymib.Community]

	Contexts func() []string
	Groups   *mib.KeptRows[vacmmib.Group]
	Rights   *mib.KeptRows[vacmmib.Access]
	Families *mib.KeptRows[vacmmib.Family]
}

// Agent serves a stack as managed objects.
type Agent struct {
	tree *mib.Tree
}

// New returns an agent. An unknown module is an error that lists the known
// ones.
func New(c Config) (*Agent, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Epoch == nil {
		started := time.Now()
		c.Epoch = func() time.Time { return started }
	}
	chosen, err := choose(c.Modules, c.System != nil && c.Engine != nil)
	if c.Context {
		chosen, err = ofContext(c.Modules), nil
	}
	if err != nil {
		return nil, err
	}
	s := newSources(c)
	var modules []mib.Module
	for _, m := range chosen {
		s.resources = append(s.resources, snmpv2mib.Resource{
			Index: uint32(len(s.resources) + 1), ID: m.identity, Description: m.description,
		})
		modules = append(modules, mib.Module{
			Name: m.name, Identity: m.identity, Description: m.description, Nodes: m.nodes(s),
		})
	}
	for _, m := range c.Extra {
		s.resources = append(s.resources, snmpv2mib.Resource{
			Index: uint32(len(s.resources) + 1), ID: m.Identity, Description: m.Description,
		})
		modules = append(modules, m)
	}
	tree, err := mib.NewTree(mib.TreeOptions{Epoch: c.Epoch, Turns: c.Turns, Log: c.Log}, modules...)
	if err != nil {
		return nil, err
	}
	return &Agent{tree}, nil
}

// Kinds returns what a live stack must track for the modules of the names, which
// are as in Config; 0 where none shows anything that changes with events.
func Kinds(names []string) (kinds netstat.Kinds) {
	for i := range modules {
		if modules[i].isNamed(names) {
			kinds |= modules[i].kinds
		}
	}
	return kinds
}

// ShowsProcesses reports whether modules of the names, which are as in Config, show which processes hold sockets:
// those of other users take privileges to find.
func ShowsProcesses(names []string) bool {
	return slices.ContainsFunc(modules[:], func(m module) bool { return m.processes && m.isNamed(names) })
}

// isNamed reports whether the module is of those names, or there are none.
func (m *module) isNamed(names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), m.name) })
}

// ofContext returns the modules of a context beside the default one: those of the names that
// tell of a stack, and the system group, without which managers take nothing for a node.
func ofContext(names []string) (chosen []module) {
	for _, m := range modules {
		if m.identity == snmpv2mib.Identity || m.isNamed(names) && !m.system {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// choose returns the modules of the names, in the order of the list below.
func choose(names []string, withSystem bool) ([]module, error) {
	var known []string
	wanted := make(map[string]bool)
	for _, name := range names {
		wanted[strings.ToLower(strings.TrimSpace(name))] = true
	}
	var chosen []module
	for _, m := range modules {
		if m.system && !withSystem {
			if wanted[strings.ToLower(m.name)] {
				return nil, fmt.Errorf("MIB module %s describes the agent that managers ask, which is the master here", m.name)
			}
			continue
		}
		known = append(known, m.name)
		if lower := strings.ToLower(m.name); len(names) == 0 || wanted[lower] {
			chosen = append(chosen, m)
			delete(wanted, lower)
		}
	}
	for _, name := range names {
		if wanted[strings.ToLower(strings.TrimSpace(name))] {
			return nil, fmt.Errorf("unknown MIB module %q: known are %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// Tree returns the tree of the objects. It is a mib.Handler with the default context.
func (a *Agent) Tree() *mib.Tree { return a.tree }
