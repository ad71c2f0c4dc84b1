package agent

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// lockWriter writes an advisory lock.
func lockWriter(l *mib.TestAndIncr, descriptor string) mib.Writer[int32] {
	return func(_ context.Context, c *mib.Change[int32]) (mib.Assignment, error) {
		a, err := l.Test(c.Row)
		if err != nil {
			err = c.Refuse(mib.InconsistentValue, descriptor, err)
		}
		return a, err
	}
}

// systemObjects binds the writer of the system group, where there is one.
func (s *sources) systemObjects() *mib.Group[snmpv2mib.System] {
	if s.config.WriteSystem == nil {
		return snmpv2mib.SystemObjects()
	}
	return snmpv2mib.SystemObjects().WrittenBy(s.config.WriteSystem)
}

// engineObjects binds the writer of the snmp group, where there is one.
func (s *sources) engineObjects() *mib.Group[enginemib.Engine] {
	if s.config.WriteEngine == nil {
		return enginemib.SNMP()
	}
	return enginemib.SNMP().WrittenBy(s.config.WriteEngine)
}

// userTable binds the writer of users, where there is one.
func (s *sources) userTable() *mib.Table[usmmib.User] {
	t := usmmib.Users()
	if s.config.WriteUser == nil {
		return t
	}
	t.Check = s.config.CheckUser
	return t.WrittenBy(s.config.WriteUser)
}

// assignment makes an Assignment of what a stack prepared. What is not there any longer
// cannot be created.
func assignment[R any](c *mib.Change[R], descriptor string, w netstat.Write, err error) (mib.Assignment, error) {
	if errors.Is(err, fs.ErrNotExist) {
		err = c.Refuse(mib.NoCreation, descriptor, err)
	}
	return mib.Assignment(w), err
}

// interfaceWriter binds ifTable's writer, where the stack has one.
func interfaceWriter(s *sources, t *mib.Table[netstat.Interface]) *mib.Table[netstat.Interface] {
	writer, ok := s.stack.(netstat.InterfaceWriter)
	if !ok {
		return t
	}
	return t.WrittenBy(func(ctx context.Context, c *mib.Change[netstat.Interface]) (mib.Assignment, error) {
		w, err := writer.PrepareInterface(ctx, c.Row.Index, netstat.InterfaceChange{Up: c.Row.Up()})
		return assignment(c, "ifAdminStatus", w, err)
	}, "ifAdminStatus")
}

// extensionWriter binds ifXTable's writer of what the stack can change, and of which
// notifications are sent, where somebody keeps that.
func extensionWriter(s *sources, t *mib.Table[netstat.Interface]) *mib.Table[netstat.Interface] {
	writer, ok := s.stack.(netstat.InterfaceWriter)
	notifications := s.config.WriteLinkNotifications
	var written []string
	if ok {
		written = append(written, "ifAlias", "ifPromiscuousMode")
	}
	if notifications != nil {
		written = append(written, "ifLinkUpDownTrapEnable")
	}
	if len(written) == 0 {
		return t
	}
	return t.WrittenBy(func(ctx context.Context, c *mib.Change[netstat.Interface]) (a mib.Assignment, err error) {
		if c.Sets("ifAlias") || c.Sets("ifPromiscuousMode") {
			if a, err = extension(ctx, writer, c); err != nil {
				return a, err
			}
		}
		if send, known := c.Row.LinkTraps.Get(); known && c.Sets("ifLinkUpDownTrapEnable") {
			of, err := notifications(c.Row.Name, send)
			if err != nil {
				if a.Cleanup != nil {
					a.Cleanup()
				}
				return mib.Assignment{}, c.Refuse(mib.NotWritable, "ifLinkUpDownTrapEnable", err)
			}
			a = a.Then(of)
		}
		return a, nil
	}, written...)
}

// extension prepares what the kernel has of a row of ifXTable.
func extension(ctx context.Context, writer netstat.InterfaceWriter, c *mib.Change[netstat.Interface]) (mib.Assignment, error) {
	var change netstat.InterfaceChange
	if c.Sets("ifAlias") {
		if strings.IndexByte(c.Row.Alias, 0) >= 0 { // the kernel's ends there
			return mib.Assignment{}, c.Refuse(mib.WrongValue, "ifAlias", errors.New("an alias has no NUL"))
		}
		change.Alias.Set(c.Row.Alias)
	}
	if c.Sets("ifPromiscuousMode") {
		change.Promiscuous = c.Row.Flag(netstat.InterfacePromiscuous)
	}
	w, err := writer.PrepareInterface(ctx, c.Row.Index, change)
	return assignment(c, "ifAlias", w, err)
}

// settingsWriter binds the writer of the settings of IP, where the stack has one.
func settingsWriter(s *sources, g *mib.Group[ipmib.Settings]) *mib.Group[ipmib.Settings] {
	writer, ok := s.stack.(netstat.IPSettingsWriter)
	if !ok {
		return g
	}
	return g.WrittenBy(func(ctx context.Context, c *mib.Change[ipmib.Settings]) (mib.Assignment, error) {
		var changes []netstat.IPSettings
		for _, of := range [...]struct {
			row                  *netstat.IPSettings
			forwarding, hopLimit string
		}{{&c.Row.IPv4, "ipForwarding", "ipDefaultTTL"}, {&c.Row.IPv6, "ipv6IpForwarding", "ipv6IpDefaultHopLimit"}} {
			change := netstat.IPSettings{Family: of.row.Family}
			if c.Sets(of.forwarding) {
				change.Forwarding = of.row.Forwarding
			}
			if c.Sets(of.hopLimit) {
				change.HopLimit = of.row.HopLimit
			}
			changes = append(changes, change)
		}
		w, err := writer.PrepareIPSettings(ctx, changes...)
		return assignment(c, "ipForwarding", w, err)
	})
}

// connectionWriter binds the writer of a table of TCP connections, whose state can be set
// to deleteTCB, where the stack has one. The source knows the socket by its cookie: it is
// that one which is ended, and no other that came after it.
func connectionWriter(s *sources, t *mib.Table[netstat.Socket], descriptor string) *mib.Table[netstat.Socket] {
	writer, ok := s.stack.(netstat.SocketWriter)
	if !ok {
		return t
	}
	return t.WrittenBy(func(ctx context.Context, c *mib.Change[netstat.Socket]) (mib.Assignment, error) {
		w, err := writer.PrepareDestroySocket(ctx, c.Was)
		return assignment(c, descriptor, goneIsRemoved(w), err)
	}, descriptor)
}
