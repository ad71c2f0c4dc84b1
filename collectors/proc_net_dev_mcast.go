package collectors

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// multicastAddresses calls each with every link-layer multicast address that the
// namespace's interfaces receive, from /proc/net/dev_mcast.
func (k *Kernel) multicastAddresses(each func(index uint32, address netstat.HardwareAddress)) error {
	return k.readProcNet(&k.devMcast, func(content []byte) error { return parseDevMcast(content, each) })
}

// parseDevMcast reads /proc/net/dev_mcast (net/core/net-procfs.c,
// dev_mc_seq_show): index, name, users, global users, address.
//
//	2    eth0            1     0     333300000001
func parseDevMcast(content []byte, each func(index uint32, address netstat.HardwareAddress)) error {
	for line := range bytes.Lines(content) {
		f := fields(line)
		if len(f) == 0 {
			continue
		}
		// Devices without link-layer addresses, such as IPv4 tunnels, have four
		// fields.
		if len(f) == 4 {
			continue
		}
		if len(f) != 5 {
			return fmt.Errorf("line %q has %d fields", bytes.TrimSpace(line), len(f))
		}
		index, ok := parseNumber(f[0])
		if !ok {
			return fmt.Errorf("line %q has no interface index", bytes.TrimSpace(line))
		}
		address := make([]byte, hex.DecodedLen(len(f[4])))
		if _, err := hex.Decode(address, f[4]); err != nil {
			return fmt.Errorf("line %q has no link-layer address: %w", bytes.TrimSpace(line), err)
		}
		each(index, netstat.HardwareAddress(address))
	}
	return nil
}
