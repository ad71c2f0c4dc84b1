package collectors

import (
	"context"
	"iter"
	"math"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ipSettingsFiles are the files of a version of IP, below /proc/sys/net.
type ipSettingsFiles struct {
	family                        netstat.Family
	forwarding, hopLimit, timeout string
}

// ipSettingsOf are those of each version.
var ipSettingsOf = [...]ipSettingsFiles{
	{netstat.IPv4, "ipv4/ip_forward", "ipv4/ip_default_ttl", "ipv4/ipfrag_time"},
	{netstat.IPv6, "ipv6/conf/all/forwarding", "ipv6/conf/default/hop_limit", "ipv6/ip6frag_time"},
}

// IPSettings yields the settings of IPv4 and, where the kernel has it, of IPv6,
// from /proc/sys/net, which shows those of the namespace of the thread that opens
// a file. What a file does not tell is unknown.
func (k *Kernel) IPSettings(ctx context.Context) iter.Seq2[netstat.IPSettings, error] {
	return func(yield func(netstat.IPSettings, error) bool) {
		for _, files := range ipSettingsOf {
			if files.family == netstat.IPv6 && !k.hasIPv6() {
				continue
			}
			s, err := k.ipSettings(ctx, files)
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func (k *Kernel) ipSettings(ctx context.Context, files ipSettingsFiles) (netstat.IPSettings, error) {
	s := netstat.IPSettings{Family: files.family}
	for _, file := range [...]struct {
		name string
		set  func(n uint64)
	}{
		{files.forwarding, func(n uint64) { s.Forwarding.Set(n != 0) }},
		{files.hopLimit, func(n uint64) {
			if n <= math.MaxUint8 {
				s.HopLimit.Set(uint8(n))
			}
		}},
		{files.timeout, func(n uint64) {
			if n <= math.MaxInt32 {
				s.ReassemblyTimeout.Set(time.Duration(n) * time.Second)
			}
		}},
	} {
		path := "/proc/sys/net/" + file.name
		_, err := embellish(ctx, func() error {
			value, err := k.setting(ctx, path)
			if n, known := value.Get(); known {
				file.set(n)
			}
			return err
		})
		if err != nil {
			return netstat.IPSettings{}, k.readError("read "+path, err)
		}
	}
	return s, nil
}
