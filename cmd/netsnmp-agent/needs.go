package main

import (
	"errors"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// refuse names each line of a file that asks for more than this program does. To pass over one could let in
// somebody whom it shuts out.
func refuse(needs []snmpdconf.Needed) error {
	var refused []error
	last := ""
	for _, n := range needs {
		if n.Where != last { // one reason for a line is enough
			refused = append(refused, fmt.Errorf("%s: %s is not supported", n.Where, n.Need))
		}
		last = n.Where
	}
	return errors.Join(refused...)
}
