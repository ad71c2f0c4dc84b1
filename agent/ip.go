package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// errNoReader says that a stack has no method for what the objects show.
func errNoReader(what string) error { return fmt.Errorf("%w: %s", netstat.ErrNotSupported, what) }

// ipCounters reads what IP and ICMP count, at one moment.
func (s *sources) ipCounters(ctx context.Context) (ipmib.Counts, error) {
	reader, ok := s.stack.(netstat.CounterReader)
	if !ok {
		return ipmib.Counts{}, errNoReader("counters")
	}
	var counters []netstat.Counter
	var lacking error
	for c, err := range reader.Counters(ctx, netstat.GroupIP, netstat.GroupIP6, netstat.GroupICMP, netstat.GroupICMP6) {
		switch {
		case errors.Is(err, netstat.ErrNotSupported): // one version of IP
			lacking = err
		case err != nil:
			return ipmib.Counts{}, err
		default:
			counters = append(counters, c)
		}
	}
	if len(counters) == 0 {
		return ipmib.Counts{}, lacking
	}
	return ipmib.CountsOf(counters), nil
}

// ipSettings reads the settings of both versions of IP.
func (s *sources) ipSettings(ctx context.Context) (settings ipmib.Settings, err error) {
	reader, ok := s.stack.(netstat.IPSettingsReader)
	if !ok {
		return settings, errNoReader("settings of IP")
	}
	for row, err := range reader.IPSettings(ctx) {
		switch {
		case err != nil:
			return ipmib.Settings{}, err
		case row.Family == netstat.IPv4:
			settings.IPv4 = row
		case row.Family == netstat.IPv6:
			settings.IPv6 = row
		}
	}
	return settings, nil
}
