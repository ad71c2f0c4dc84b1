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
	"sync"

	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// isRemote reports whether stacks are read by SNMP.
func (f *flags) isRemote() bool { return len(f.hosts) > 0 || f.hostsFile != "" }

// checkHosts says which flags make no sense with --host and --hosts, and without
// them.
func (f *flags) checkHosts(fs *pflag.FlagSet) error {
	if !f.isRemote() {
		for _, name := range []string{"snmp-config", "context"} {
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
	if f.interval > 0 && !f.continuous && (f.statistics || f.interfaces || f.iface != "") {
		return errors.New("--interval of -i and -s makes no sense with --host and --hosts: -c shows the counters again")
	}
	return nil
}

// listHosts returns the hosts that --host and --hosts name.
func (f *flags) listHosts() ([]string, error) {
	hosts := slices.Clone(f.hosts)
	if f.hostsFile != "" {
		file, err := os.Open(f.hostsFile)
		if err != nil {
			return nil, fmt.Errorf("--hosts: %w", err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			line, _, _ := strings.Cut(lines.Text(), "#")
			hosts = append(hosts, strings.Fields(line)...)
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("--hosts: read %s: %w", f.hostsFile, err)
		}
	}
	hosts = slices.DeleteFunc(hosts, func(h string) bool { return h == "" })
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

// openParallel is how many hosts are asked at a time whether they answer.
const openParallel = 128

// openHosts opens the stacks of the hosts that the flags name, in their order.
// One that cannot be opened goes to complain.
func openHosts(ctx context.Context, f *flags, complain func(error)) (sources []*source, err error) {
	hosts, err := f.listHosts()
	if err != nil {
		return nil, err
	}
	config, err := f.snmpConfig()
	if err != nil {
		return nil, err
	}
	type opened struct {
		stack *remote.Stack
		err   error
	}
	results := make([]opened, len(hosts))
	var wait sync.WaitGroup
	slots := make(chan struct{}, openParallel)
	for i, host := range hosts {
		slots <- struct{}{}
		wait.Go(func() {
			c := config
			c.Address = host
			results[i].stack, results[i].err = remote.Open(ctx, c)
			<-slots
		})
	}
	wait.Wait()
	for i, r := range results {
		if r.err != nil {
			var read *netstat.ReadError // names the host by itself
			if !errors.As(r.err, &read) {
				r.err = fmt.Errorf("host %s: %w", hosts[i], r.err)
			}
			complain(r.err)
			continue
		}
		src := &source{stack: r.stack, release: r.stack.Close}
		if len(hosts) > 1 {
			src.host = hosts[i]
		}
		sources = append(sources, src)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(sources) == 0:
		return nil, errIncomplete
	}
	return sources, nil
}

// untold is what the rows of a kind have and MIBs do not tell, where the
// vocabulary cannot say so: it is unknown of hosts that are read by SNMP.
var untold = map[string]struct{ fields, headings []string }{
	"socket": {[]string{"inode", "cookie", "timer", "timerExpires", "retransmits", "interface"}, []string{"Inode", "Timer", "Device"}},
	"route": {[]string{"scope", "tos", "preferredSource", "weight", "nextHopID", "mtu", "window", "rtt", "advertisedMSS"},
		[]string{"MSS", "Window", "irtt", "Ref", "Use"}},
	"neighbour": {[]string{"router", "proxy", "protocol"}, []string{"Router", "Proxy"}},
}

// leaveUntold makes unknown what is not told of remote hosts.
func leaveUntold[T any](kind *table.Kind[row[T]], columns []table.Column[row[T]]) {
	lacks := untold[kind.Name]
	for i := range kind.Fields {
		if slices.Contains(lacks.fields, kind.Fields[i].Name) {
			kind.Fields[i].Value = func(*row[T]) table.Value { return table.Value{} }
		}
	}
	for i := range columns {
		if slices.Contains(lacks.headings, columns[i].Heading) {
			columns[i].Append = func(b []byte, _ *row[T]) []byte { return append(b, '-') }
		}
	}
}

// toldCounters are the counters of an interface that IF-MIB has: ifInDiscards is
// the sum of two of Linux's, which stands in the first of them.
var toldCounters = []string{"rx_packets", "rx_bytes", "rx_errors", "rx_dropped", "tx_packets", "tx_bytes", "tx_errors", "tx_dropped"}

// leaveUntoldCounters leaves the counters of an interface that are told of
// remote hosts.
func leaveUntoldCounters(counters map[string]netstat.Optional[uint64]) {
	for name := range counters {
		if !slices.Contains(toldCounters, name) {
			delete(counters, name)
		}
	}
}
