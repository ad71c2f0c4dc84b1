package main

import (
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// warnOfNeeds tells of lines that let somebody do what nobody can do here.
func (s *settings) warnOfNeeds(file *snmpdconf.Config) {
	log := s.log
	for _, n := range file.Needs {
		switch n.Need {
		case snmpdconf.Contexts:
			if len(s.contexts) == 0 && len(file.NetNSContexts) == 0 {
				log.Warn("there is the default context only: netnsContexts makes others", "line", n.Where)
			}
		case snmpdconf.Notifications:
			log.Warn("a notify view keeps nothing from anybody, here as with snmpd: notifications go where trapsess and its kin say", "line", n.Where)
		case snmpdconf.LocalSockets:
			log.Warn("nobody can ask over a socket of the local family here", "line", n.Where)
		}
	}
}
