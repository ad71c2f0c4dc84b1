package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// version is set by the linker for releases.
var version string

// flags are what the command line says.
type flags struct {
	show.Options

	protocolFamilies []string
	fib              bool
	save             string // the name of a baseline to save, or its path
	record           string // the file to record to
	kinds            []string
}

const long = `netstat shows the network stack of this host: sockets, routes, interfaces,
multicast groups, protocol statistics, queues and memory.

Without a mode it shows the connected sockets; -a adds listeners, -l shows them
alone. Flags can be grouped: netstat -tulpn.

netstat completion bash (or zsh, fish) prints what completes its flags in a shell.`

const example = `  netstat -tulpn                          who listens where
  netstat -tan --filter 'port=443'        connections from and to port 443
  netstat -Tn --sort -rtt                 TCP connections, the slowest first
  netstat -rn6                            routes of IPv6
  netstat -i --interval 1 -I eth0         packets a second of eth0
  netstat -s --json                       every counter, for programs
  netstat --record night.rec --interval 60
  netstat --recording night.rec -tan --at 03:15
  netstat --host 192.0.2.1,192.0.2.2 -in  interfaces of other hosts, by SNMP`

func newCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:           "netstat",
		Short:         "show the network stack of this host",
		Long:          long,
		Example:       example,
		Version:       versionString(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          commandline.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			if f.record != "" {
				return recordStacks(cmd.Context(), &f, cmd.ErrOrStderr())
			}
			s, err := show.New(cmd.Context(), f.Options, cmd.OutOrStdout(), cmd.ErrOrStderr(), func(complain func(error)) ([]*show.Source, error) {
				return f.Open(cmd.Context(), complain)
			})
			if err != nil {
				return err
			}
			defer s.Close()
			if f.save != "" {
				return s.SaveBaseline(f.save)
			}
			return s.Run()
		},
	}
	cmd.SetVersionTemplate("netstat {{.Version}} (netsnmp-agent)\n")
	declare(cmd.Flags(), &f)
	cmd.SetFlagErrorFunc(commandline.FlagError)
	complete(cmd, &f)
	return cmd
}

func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

func declare(fs *pflag.FlagSet, f *flags) {
	fs.SortFlags = false
	// Modes.
	fs.BoolVarP(&f.Routes, "route", "r", false, "show routing tables")
	fs.BoolVarP(&f.Interfaces, "interfaces", "i", false, "show interfaces and their counters; with -e in full")
	fs.BoolVarP(&f.Groups, "groups", "g", false, "show multicast group memberships")
	fs.BoolVarP(&f.Statistics, "statistics", "s", false, "show the counters of protocols")
	fs.BoolVarP(&f.ListenQueues, "listen-queues", "L", false, "show the queues of listeners")
	fs.BoolVarP(&f.Memory, "memory", "m", false, "show the memory of sockets and packets")
	fs.BoolVarP(&f.Packets, "packet", "B", false, "show packet sockets: who captures")
	fs.BoolVarP(&f.Softnet, "softnet", "Q", false, "show the receive path of each processor")
	fs.BoolVarP(&f.TCPDetail, "tcp-detail", "T", false, "show round-trip times, windows and losses of TCP connections")
	fs.BoolVar(&f.Neighbours, "neighbours", false, "show neighbours (ARP, neighbour discovery), those answered for in others' place, too")
	fs.BoolVar(&f.Rules, "rules", false, "show the rules of policy routing")
	fs.BoolVar(&f.NextHops, "nexthops", false, "show nexthop objects and groups")
	fs.BoolVar(&f.Netconf, "netconf", false, "show what is forwarded, by interface")
	fs.BoolVar(&f.Qdiscs, "qdiscs", false, "show queueing disciplines and classes with their drops")
	fs.BoolVar(&f.MulticastRoutes, "mroutes", false, "show multicast routing: its interfaces and its forwarding cache")
	fs.BoolVar(&f.BridgeGroups, "mdb", false, "show the multicast groups that bridges know")
	fs.BoolVar(&f.Namespaces, "namespaces", false, "show the network namespaces of this host")

	// Which sockets.
	fs.BoolVarP(&f.TCP, "tcp", "t", false, "show TCP sockets")
	fs.BoolVarP(&f.UDP, "udp", "u", false, "show UDP sockets")
	fs.BoolVarP(&f.UDPLite, "udplite", "U", false, "show UDP-Lite sockets")
	fs.BoolVarP(&f.SCTP, "sctp", "S", false, "show SCTP sockets")
	fs.BoolVarP(&f.Raw, "raw", "w", false, "show raw sockets")
	fs.BoolVarP(&f.Unix, "unix", "x", false, "show sockets of the local family")
	fs.BoolVar(&f.ICMP, "icmp", false, "show ICMP sockets (ping)")
	fs.BoolVar(&f.MPTCP, "mptcp", false, "show Multipath TCP connections")
	fs.BoolVar(&f.Netlink, "netlink", false, "show netlink sockets")
	fs.BoolVar(&f.Vsock, "vsock", false, "show sockets between virtual machines and their host")
	fs.BoolVar(&f.XDP, "xdp", false, "show XDP sockets")
	fs.BoolVar(&f.SMC, "smc", false, "show sockets of Shared Memory Communications")
	fs.BoolVar(&f.TIPC, "tipc", false, "show TIPC sockets")
	fs.BoolVarP(&f.IPv4, "inet", "4", false, "show IPv4 only")
	fs.BoolVarP(&f.IPv6, "inet6", "6", false, "show IPv6 only; with -r its routes")
	fs.StringSliceVarP(&f.protocolFamilies, "protocol", "A", nil, "show the address families `FAMILY,...`: inet, inet6, unix")
	fs.BoolVarP(&f.All, "all", "a", false, "show listening sockets, too; with -i interfaces that are down")
	fs.BoolVarP(&f.Listening, "listening", "l", false, "show listening sockets only")

	// What of them.
	fs.BoolVarP(&f.Programs, "programs", "p", false, "show the processes that hold sockets")
	fs.CountVarP(&f.Extend, "extend", "e", "``show more; twice for all there is")
	fs.BoolVarP(&f.Timers, "timers", "o", false, "show timers")
	fs.BoolVar(&f.Buffers, "buffers", false, "show the memory of each socket")
	fs.StringVar(&f.Table, "table", "", "show the routing table `TABLE`: a number, main, local, default or all")
	fs.StringVarP(&f.Interface, "interface", "I", "", "show the interface `IFACE` only, of sockets those bound to it; -i unless anything else is chosen")
	fs.StringVar(&f.NetNS, "netns", "", "show the network namespace `NAME`, or that of the process PID, or all of them")
	fs.StringVar(&f.Filter, "filter", "", "show rows that `EXPRESSION` is true for, such as 'state=established and port=443'")
	fs.StringVar(&f.Sort, "sort", "", "sort by `FIELD,...`; -FIELD puts the largest first")

	// Of which stack.
	fs.StringVar(&f.Recording, "recording", "", "show what is recorded in `FILE`; --netns chooses one of its namespaces then")
	fs.StringVar(&f.At, "at", "", "with --recording: show the last moment until `TIME`: 15:04, or 2006-01-02T15:04:05Z")
	fs.StringVar(&f.record, "record", "", "add everything to the recording in `FILE`, once or in every --interval, and show nothing")
	fs.StringSliceVar(&f.kinds, "kinds", nil, "with --record: record rows of `KIND,...` only")

	fs.StringSliceVar(&f.Hosts, "host", nil, "show the stacks of the hosts `HOST,...` by SNMP, each [udp:|tcp:]HOST[:PORT]")
	fs.StringVar(&f.HostsFile, "hosts", "", "show those of the hosts that are listed in `FILE`")
	fs.StringVar(&f.SNMPConfigFile, "snmp-config", "", "read the credentials for hosts from `FILE`; snmp.conf(5) unless given")
	fs.StringVar(&f.Context, "context", "", "read the SNMP context `NAME` of hosts")
	fs.Float64Var(&f.Timeout, "timeout", 0, "give a host up after `SECONDS`; one of several after 60 unless given")

	// How.
	fs.BoolVarP(&f.Numeric, "numeric", "n", false, "show numbers and look no names up")
	fs.BoolVar(&f.HostNumbers, "numeric-hosts", false, "show hosts by address")
	fs.BoolVar(&f.PortNumbers, "numeric-ports", false, "show ports by number")
	fs.BoolVar(&f.UserNumbers, "numeric-users", false, "show users by number")
	fs.BoolVarP(&f.Symbolic, "symbolic", "N", false, "look names up in spite of -n")
	fs.BoolVarP(&f.Human, "human", "h", false, "show sizes for people: 1.5K, 23M")
	fs.BoolVar(&f.JSON, "json", false, "print JSON Lines, an object for each row")
	fs.BoolVarP(&f.Wide, "wide", "W", false, "do not fold lines that are longer than the terminal")
	fs.BoolVarP(&f.Continuous, "continuous", "c", false, "show it again every second")
	fs.Float64Var(&f.Interval, "interval", 0, "show it again every `SECONDS`; counters by how much they grew")
	fs.StringVar(&f.Since, "since", "", "with -s and -i: show by how much counters grew since the `BASELINE`")
	fs.StringVar(&f.save, "save-baseline", "", "save the counters under the name `BASELINE`, or at that path, and show nothing")
	fs.CountVarP(&f.Verbose, "verbose", "v", "``say what this kernel lacks")
	fs.BoolVarP(&f.fib, "fib", "F", false, "with -r: show the forwarding table, as always")
	fs.BoolP("version", "V", false, "print the version")
	fs.Bool("help", false, "print this")

	// net-tools' further names.
	names := map[string]string{"program": "programs", "ip": "inet", "tcpip": "inet"}
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if known, ok := names[name]; ok {
			name = known
		}
		return pflag.NormalizedName(name)
	})
}

// check completes the flags and says what does not fit together.
func (f *flags) check(fs *pflag.FlagSet) error {
	for _, family := range f.protocolFamilies {
		switch family {
		case "inet", "ip", "tcpip":
			f.IPv4 = true
		case "inet6":
			f.IPv6 = true
		case "unix":
			f.Unix = true
		default:
			return fmt.Errorf("--protocol: %q is none of inet, inet6, unix", family)
		}
	}
	for _, name := range []string{"interface", "netns", "table", "filter", "sort", "since", "save-baseline", "recording", "at", "record", "hosts", "snmp-config"} {
		if flag := fs.Lookup(name); flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s: the value is empty", name)
		}
	}
	for name, values := range map[string][]string{"host": f.Hosts, "protocol": f.protocolFamilies} {
		if fs.Changed(name) && len(values) == 0 {
			return fmt.Errorf("--%s: the value is empty", name)
		}
	}
	if f.Since != "" && !f.Statistics && !f.Interfaces && f.Interface == "" {
		return errors.New("--since makes sense with -s and -i only")
	}
	if fs.Changed("interval") && !(f.Interval >= 0.01 && f.Interval <= 86400) {
		return fmt.Errorf("--interval: %v is not between 0.01 and 86400 seconds", f.Interval)
	}
	if f.Continuous && f.Interval == 0 {
		f.Interval = 1
	}
	return cmp.Or(f.checkRecording(fs), f.checkHosts(fs))
}

// complete teaches the shell the values of flags.
func complete(cmd *cobra.Command, f *flags) {
	values := map[string]func() []string{
		"protocol": func() []string { return []string{"inet", "inet6", "unix"} },
		"table":    func() []string { return []string{"main", "local", "default", show.AllTables} },
		"netns": func() []string {
			names := []string{show.AllNamespaces}
			of := show.Where{NetNS: show.AllNamespaces, Recording: f.Recording, At: f.At}
			sources, err := of.Open(context.Background(), func(error) {})
			if err != nil {
				return names
			}
			for _, src := range sources {
				names = append(names, src.NetNS())
				src.Close()
			}
			return names
		},
		"sort": f.FieldNames,
		"kinds": func() (names []string) {
			for _, k := range recording.Kinds() {
				names = append(names, string(k))
			}
			return names
		},
		"interface": func() []string {
			sources, err := f.Open(context.Background(), func(error) {})
			if err != nil {
				return nil
			}
			var found []string
			for _, src := range sources {
				found = append(found, src.InterfaceNames(context.Background())...)
				src.Close()
			}
			return found
		},
	}
	register := func(flag string, complete cobra.CompletionFunc) {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // a flag that there is not
		}
	}
	for name, list := range values {
		register(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return list(), cobra.ShellCompDirectiveNoFileComp
		})
	}
	register("filter", func(*cobra.Command, []string, string) (terms []string, _ cobra.ShellCompDirective) {
		for _, name := range f.FieldNames() {
			terms = append(terms, name+"=")
		}
		return terms, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}
