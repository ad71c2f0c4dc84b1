package agent

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// writeSerial writes snmpSetSerialNo.
func (s *sources) writeSerial(_ context.Context, c *mib.Change[int32]) (mib.Assignment, error) {
	a, err := s.serial.Test(c.Row)
	if err != nil {
		err = c.Refuse(mib.InconsistentValue, "snmpSetSerialNo", err)
	}
	return a, err
}
