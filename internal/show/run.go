package show

import (
	"errors"
	"slices"
)

// namedModes returns the modes that the flags name.
func (s *Session) namedModes() []mode {
	return chosen(
		mode{s.TCPDetail, s.showSockets}, mode{s.ListenQueues, s.showListenQueues}, mode{s.Packets, s.showPackets},
		mode{s.Routes && !s.Statistics, s.showRoutes}, mode{s.Interfaces && !s.Statistics, s.showInterfaces},
		mode{s.Groups, s.showGroups}, mode{s.Statistics, s.showStatistics}, mode{s.Memory, s.showMemory},
		mode{s.Softnet, s.showSoftnet}, mode{s.Neighbours, s.showNeighbours}, mode{s.Rules, s.showRules},
		mode{s.NextHops, s.showNextHops}, mode{s.Netconf, s.showNetconf}, mode{s.Qdiscs, s.showQdiscs}, mode{s.MulticastRoutes, s.showMulticastRoutes},
		mode{s.BridgeGroups, s.showBridgeGroups}, mode{s.Namespaces, s.showNamespaces},
	)
}

// choosesInterfaces reports whether the flags choose the table of interfaces: -I
// alone does.
func (s *Session) choosesInterfaces() bool {
	return s.Interfaces || s.Interface != "" && !s.NamesProtocol() && len(s.namedModes()) == 0
}

// modes returns what the flags choose, in the order that it is shown in.
func (s *Session) modes() []mode {
	modes := s.namedModes()
	families := chosen(
		mode{s.Unix, s.showUnix}, mode{s.Netlink, s.showNetlink}, mode{s.Vsock, s.showVsock},
		mode{s.XDP, s.showXDP}, mode{s.SMC, s.showSMC}, mode{s.TIPC, s.showTIPC},
	)
	switch internet := s.NamesProtocol() || s.IPv4 || s.IPv6; {
	case len(modes) > 0:
		// Protocols choose what of them is shown.
	case s.choosesInterfaces():
		modes = []mode{{true, s.showInterfaces}}
	case internet || len(families) == 0:
		modes = []mode{{true, s.showSockets}}
		// A filter and an order are for one kind of rows: the Internet's sockets,
		// unless others are named. SNMP tells of those alone.
		if !internet && s.Filter == "" && s.Sort == "" && !s.showsHosts() {
			families = []mode{{true, s.showUnix}}
		}
	}
	return append(modes, families...)
}

func chosen(modes ...mode) []mode {
	return slices.DeleteFunc(modes, func(m mode) bool { return !m.chosen })
}

// mode is something to show.
type mode struct {
	chosen bool
	show   func() error
}

// Run shows what is chosen, once or again and again.
func (s *Session) Run() error {
	if s.Since != "" {
		if err := s.loadBaseline(); err != nil {
			return err
		}
	}
	if s.Interval > 0 && !s.Continuous && (s.Statistics || s.choosesInterfaces()) {
		s.lookForInterface()
		return s.follow()
	}
	for {
		if s.Interval > 0 {
			s.begin()
		}
		s.lookForInterface()
		for _, m := range s.modes() {
			if err := m.show(); err != nil {
				return errors.Join(err, s.out.Flush())
			}
		}
		if err := s.out.Flush(); err != nil {
			return err
		}
		if s.Interval == 0 {
			break
		}
		s.owners = nil
		if !s.turns.Wait(s.ctx) {
			break
		}
		s.out.Line("")
	}
	if s.incomplete {
		return ErrIncomplete
	}
	return nil
}

// FieldNames are what a filter and an order may name of the rows that the options
// choose.
func (o *Options) FieldNames() []string {
	switch {
	case o.Routes:
		return routeKind().Names()
	case o.Interfaces:
		return interfaceKind().Names()
	case o.Statistics:
		return counterKind().Names()
	case o.Unix:
		return unixKind().Names()
	}
	return newSocketKind().Names()
}
