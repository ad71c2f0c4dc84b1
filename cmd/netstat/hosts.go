package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// isRemote reports whether stacks are read by SNMP.
func (f *flags) isRemote() bool { return len(f.hosts) > 0 || f.hostsFile != "" }

// showsHosts reports whether a stack that is shown is read by SNMP, or was when it
// was recorded.
func (s *session) showsHosts() bool {
	return slices.ContainsFunc(s.sources, func(src *source) bool { return src.snmp })
}

// checkHosts says which flags make no sense with --host and --hosts, and without
// them.
func (f *flags) checkHosts(fs *pflag.FlagSet) error {
	if !f.isRemote() {
		for _, name := range []string{"snmp-config", "context", "timeout"} {
			if fs.Changed(name) {
				return fmt.Errorf("--%s makes sense with --host and --hosts only", name)
			}
		}
		return nil
	}
	for _, name := range []string{"recording", "netns", "since", "save-baseline"} {
		if fs.Changed(name) {
			return fmt.Errorf("--%s makes no sense with --host and --hosts", name)
		}
	}
	if fs.Changed("timeout") && !(f.timeout >= 0.01 && f.timeout <= 86400) {
		return fmt.Errorf("--timeout: %v is not between 0.01 and 86400 seconds", f.timeout)
	}
	return nil
}

// listHosts returns the hosts that --host and --hosts name, each once.
func (f *flags) listHosts() ([]string, error) {
	hosts := slices.Clone(f.hosts)
	if f.hostsFile != "" {
		file, err := os.Open(f.hostsFile)
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
			return nil, fmt.Errorf("--hosts: read %s: %w", f.hostsFile, err)
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
func (f *flags) snmpConfig() (c remote.Config, err error) {
	if f.snmpConfigFile != "" {
		err = c.ReadFile(f.snmpConfigFile)
	} else {
		files := []string{"/etc/snmp/snmp.conf"}
		if home, err := os.UserHomeDir(); err == nil {
			files = append(files, filepath.Join(home, ".snmp", "snmp.conf"))
		}
		for _, file := range files {
			if failed := c.ReadFile(file); !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	if err == nil {
		err = c.Environment(os.LookupEnv)
	}
	if f.context != "" {
		c.Context = f.context
	}
	return c, err
}

// hostConfigs returns how to reach the hosts that the flags name, in their order.
func (f *flags) hostConfigs() ([]remote.Config, error) {
	hosts, err := f.listHosts()
	if err != nil {
		return nil, err
	}
	config, err := f.snmpConfig()
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

func (f *flags) pool() remote.Pool {
	return remote.Pool{Timeout: time.Duration(f.timeout * float64(time.Second))}
}

// openHosts opens the stacks of the hosts that the flags name, in their order.
// One is opened before anything is shown of it; of several, what cannot be
// opened shows as they are read.
func openHosts(ctx context.Context, f *flags) (sources []*source, err error) {
	configs, err := f.hostConfigs()
	if err != nil {
		return nil, err
	}
	if len(configs) == 1 && f.timeout == 0 {
		stack, err := remote.Open(ctx, configs[0])
		if err != nil {
			return nil, &remote.UnreachableError{Address: configs[0].Address, Err: err}
		}
		return []*source{{stack: stack, snmp: true, release: stack.Close}}, nil
	}
	all := remote.NewHosts(ctx, f.pool(), configs)
	for i, stack := range all.Stacks() {
		src := &source{stack: stack, snmp: true}
		if len(configs) > 1 {
			src.host = configs[i].Address
		}
		sources = append(sources, src)
	}
	sources[0].release = all.Close
	sources[0].renew = func(until time.Time) { all.Turn(turnOf(configs, until)) }
	return sources, nil
}

// turnOf returns when a turn of reading hosts ends: where there is one, nobody else
// waits for it, and it may take as long as it takes.
func turnOf(configs []remote.Config, until time.Time) time.Time {
	if len(configs) == 1 {
		return time.Time{}
	}
	return until
}

// hostError returns the error among others that says that nothing is known of a
// host, nil where there is none.
func hostError(err error) error {
	var unreachable *remote.UnreachableError
	var late *remote.LateError
	switch {
	case errors.As(err, &unreachable):
		return unreachable
	case errors.As(err, &late):
		return late
	}
	return nil
}

// sampler is a stack whose counters may wrap around and begin anew between two
// looks.
type sampler interface {
	Sample(context.Context) (*remote.Sample, error)
}

// countedThere is what another host counted.
type countedThere struct {
	session *session
	src     *source
	sample  *remote.Sample
}

func (c countedThere) since(earlier counted) (*baseline.Delta, error) {
	d, err := c.sample.Since(earlier.(countedThere).sample)
	if err != nil {
		return nil, err
	}
	if d.Restarted {
		c.session.tellRestart(c.src)
	}
	grew := &baseline.Delta{From: c.sample.At.Add(-d.Elapsed), To: c.sample.At, Counters: make(map[string]baseline.Difference)}
	for _, counter := range d.Counters {
		reason := baseline.Difference{Reason: baseline.NotCumulative}
		if n, ok := counter.Value.Uint64(); ok && netstat.DescribeCounter(counter.Name).Kind == netstat.Cumulative {
			reason = baseline.Difference{Count: netstat.Known(n)}
		}
		grew.Counters[counter.Name] = reason
		c.session.groupOf[counter.Name] = counter.Group
	}
	for _, i := range d.Interfaces {
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

// tellRestart says why nothing is known of an interval.
func (s *session) tellRestart(src *source) {
	of := ""
	if src.label() != "" {
		of = " of " + src.label()
	}
	s.note(fmt.Sprintf("netstat: the agent%s began anew before %s: what was counted is not known", of, time.Now().Format(time.TimeOnly)))
}
