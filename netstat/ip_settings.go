package netstat

import (
	"context"
	"iter"
	"time"
)

// IPSettings are settings of a version of IP that hold for the stack as a whole
// (Documentation/networking/ip-sysctl.rst).
type IPSettings struct {
	Family Family // IPv4 or IPv6
	// Forwarding says whether packets for others are passed on. Of IPv6
	// interfaces some may do so all the same (Netconf.ForceForwarding), and of
	// IPv4 ones some may not.
	Forwarding Optional[bool]
	// HopLimit is the time to live of packets whose sender asks for none: of
	// IPv4 ip_default_ttl, of IPv6 what interfaces to come begin with.
	HopLimit Optional[uint8]
	// ReassemblyTimeout is how long fragments wait for those that are missing.
	ReassemblyTimeout Optional[time.Duration]
}

// IPSettingsReader reads settings of IP.
// Errors of its method are as for [Stack].
type IPSettingsReader interface {
	// IPSettings yields the settings of each version of IP that the source
	// has, IPv4's first.
	IPSettings(ctx context.Context) iter.Seq2[IPSettings, error]
}
