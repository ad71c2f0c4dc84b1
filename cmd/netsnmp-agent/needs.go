package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// refuse names each line of a file that asks for more than this program does. To pass over one could let in
// somebody whom it shuts out.
func refuse(needs []snmpdconf.Needed) error {
	var refused []error
	for _, n := range needs {
		if n.Need == snmpdconf.Contexts {
			refused = append(refused, fmt.Errorf("%s: %s is not supported: there is the default one only", n.Where, n.Need))
		}
	}
	return errors.Join(refused...)
}

// warnOfNeeds tells of lines that let somebody do what nobody can do here.
func warnOfNeeds(log *slog.Logger, file *snmpdconf.Config) {
	for _, n := range file.Needs {
		switch n.Need {
		case snmpdconf.Notifications:
			log.Warn("a notify view keeps nothing from anybody, here as with snmpd: notifications go where trapsess and its kin say", "line", n.Where)
		case snmpdconf.LocalSockets:
			log.Warn("nobody can ask over a socket of the local family here", "line", n.Where)
		}
	}
}
