package sources

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// listHosts returns the hosts that --host and --hosts name, each once.
func (w *Where) listHosts() ([]string, error) {
	hosts := slices.Clone(w.Hosts)
	if w.HostsFile != "" {
		file, err := os.Open(w.HostsFile)
		if err != nil {
			return nil, fmt.Errorf("--hosts: %w", err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for first := true; lines.Scan(); first = false {
			line, _, _ := strings.Cut(lines.Text(), "#")
			if first {
				line = strings.TrimPrefix(line, "\ufeff") // as some editors begin a file
			}
			hosts = append(hosts, strings.Fields(line)...)
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("--hosts: read %s: %w", w.HostsFile, err)
		}
	}
	seen := make(map[string]bool)
	hosts = slices.DeleteFunc(hosts, func(h string) bool {
		again := seen[h]
		seen[h] = true
		return again || h == ""
	})
	if len(hosts) == 0 {
		return nil, errors.New("--host and --hosts name no host")
	}
	return hosts, nil
}

// snmpConfig returns who asks, and how: from net-snmp's configuration files or
// the one that --snmp-config names, the environment, and the flags, the latter
// before the former.
func (w *Where) snmpConfig() (c remote.Config, err error) {
	if w.SNMPConfigFile != "" {
		err = c.ReadFile(w.SNMPConfigFile)
	} else {
		for _, file := range remote.ConfigFiles() {
			if failed := c.ReadFile(file); !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	if err == nil {
		err = c.Environment(os.LookupEnv)
	}
	if w.Context != "" {
		c.Context = w.Context
	}
	if w.MaxAnswer != 0 {
		c.MaxAnswer = int(min(w.MaxAnswer, math.MaxInt32))
	}
	if w.MaxRequests != 0 {
		c.Sessions = int(min(w.MaxRequests, math.MaxInt32))
	}
	c.AnySource = w.AnySource
	return c, err
}

// HostConfigs returns how to reach the hosts that the flags name, in their order.
func (w *Where) HostConfigs() ([]remote.Config, error) {
	hosts, err := w.listHosts()
	if err != nil {
		return nil, err
	}
	config, err := w.snmpConfig()
	if err != nil {
		return nil, err
	}
	if config.Community == "" && config.SecurityName == "" {
		return nil, errors.New("no credentials for hosts: give defCommunity or defSecurityName in snmp.conf or --snmp-config, or SNMP_COMMUNITY or SNMP_SECURITY_NAME in the environment")
	}
	configs := make([]remote.Config, len(hosts))
	for i, host := range hosts {
		configs[i] = config
		configs[i].Address = host
		if err := configs[i].Check(); err != nil {
			return nil, fmt.Errorf("host %s: %w", host, err)
		}
	}
	return configs, nil
}

// Pool returns how several hosts are read.
func (w *Where) Pool() remote.Pool {
	return remote.Pool{Timeout: time.Duration(w.Timeout * float64(time.Second))}
}

// openHosts opens the stacks of the hosts that the flags name, in their order.
// One is opened before anything is shown of it; of several, what cannot be
// opened shows as they are read.
func (w *Where) openHosts(ctx context.Context) (sources []*show.Source, err error) {
	configs, err := w.HostConfigs()
	if err != nil {
		return nil, err
	}
	if len(configs) == 1 && w.Timeout == 0 {
		stack, err := remote.Open(ctx, configs[0])
		if err != nil {
			return nil, &remote.UnreachableError{Address: configs[0].Address, Err: err}
		}
		return []*show.Source{{Stack: stack, SNMP: true, Release: release(stack), Count: counter(stack)}}, nil
	}
	all := remote.NewHosts(ctx, w.Pool(), configs)
	for i, stack := range all.Stacks() {
		src := &show.Source{Stack: stack, SNMP: true, Count: counter(stack)}
		if len(configs) > 1 {
			src.Host = configs[i].Address
		}
		sources = append(sources, src)
	}
	sources[0].Release = release(all)
	sources[0].Renew = func(until time.Time) { all.Turn(TurnOf(configs, until)) }
	return sources, nil
}

// release returns what closes something whose error is nil.
func release(c io.Closer) func() { return func() { _ = c.Close() } }

// TurnOf returns when a turn of reading hosts ends: where there is one, nobody else
// waits for it, and it may take as long as it takes.
func TurnOf(configs []remote.Config, until time.Time) time.Time {
	if len(configs) == 1 {
		return time.Time{}
	}
	return until
}

// sample is what another host counted.
type sample struct{ *remote.Sample }

// counter returns what takes samples of a host.
func counter(stack interface {
	Sample(context.Context) (*remote.Sample, error)
}) func(context.Context) (show.Counts, error) {
	return func(ctx context.Context) (show.Counts, error) {
		taken, err := stack.Sample(ctx)
		return sample{taken}, err
	}
}

func (s sample) Missing() error { return s.Skipped }

func (s sample) Since(earlier show.Counts) (*show.Grown, error) {
	d, err := s.Sample.Since(earlier.(sample).Sample)
	if err != nil {
		return nil, err
	}
	grew := &show.Grown{
		Delta:     &baseline.Delta{From: s.At.Add(-d.Elapsed), To: s.At, Counters: make(map[string]baseline.Difference)},
		Restarted: d.Restarted,
		Groups:    make(map[string]netstat.CounterGroup),
		Down:      make(map[uint32]bool),
	}
	for _, counter := range d.Counters {
		difference := baseline.Difference{Reason: baseline.NotCumulative}
		if n, ok := counter.Value.Uint64(); ok && netstat.DescribeCounter(counter.Name).Kind == netstat.Cumulative {
			difference = baseline.Difference{Count: netstat.Known(n)}
		}
		grew.Counters[counter.Name] = difference
		grew.Groups[counter.Name] = counter.Group
	}
	for _, i := range d.Interfaces {
		grew.Down[i.Index] = !i.Up().Or(true)
		delta := baseline.InterfaceDelta{Index: i.Index, Name: i.Name, Counters: make(map[string]baseline.Difference)}
		for name, n := range i.Counters.All() {
			difference := baseline.Difference{Count: n}
			if !n.IsKnown() {
				difference.Reason = baseline.Decreased
			}
			delta.Counters[name] = difference
		}
		grew.Interfaces = append(grew.Interfaces, delta)
	}
	return grew, nil
}
