package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// version is set by the linker for releases.
var version string

// flags are what the command line says.
type flags struct {
	// Modes: what is shown. None means sockets.
	routes, interfaces, groups, statistics    bool
	listenQueues, memory, packets, softnet    bool
	neighbours, rules, nextHopObjects, qdiscs bool
	multicastRoutes, bridgeGroups, namespaces bool
	netconf                                   bool
	netlink, vsock, xdp, smc, tipc            bool
	tcpDetail                                 bool

	// Sockets.
	tcp, udp, udplite, sctp, raw, unix, icmp, mptcp bool
	ipv4, ipv6                                      bool
	protocolFamilies                                []string
	all, listening, programs, timers, buffers       bool

	numeric, hostNumbers, portNumbers, userNumbers bool
	symbolic                                       bool

	extend, verbose int
	wide, human     bool
	json            bool
	continuous      bool
	fib             bool
	interval        float64
	iface, netns    string
	table           string
	since, save     string
	filter, sort    string

	// Other stacks than this kernel's at present.
	recording, at string
	record        string
	kinds         []string
	hosts         []string
	hostsFile     string
	context       string
	timeout       float64

	snmpConfigFile string
}

func (f *flags) numericHosts() bool { return !f.symbolic && (f.numeric || f.hostNumbers) || f.json }
func (f *flags) numericPorts() bool { return !f.symbolic && (f.numeric || f.portNumbers) || f.json }

// Users of another host than this are numbers: this one calls them otherwise.
func (f *flags) numericUsers() bool {
	return !f.symbolic && (f.numeric || f.userNumbers) || f.json || f.recording != "" || f.isRemote()
}

// namesProtocol reports whether the flags choose protocols.
func (f *flags) namesProtocol() bool {
	return f.tcp || f.udp || f.udplite || f.sctp || f.raw || f.icmp || f.mptcp
}

// allNamespaces is the value of --netns that stands for every namespace.
const allNamespaces = "all"

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
			open := func(complain func(error)) ([]*source, error) { return openSources(cmd.Context(), &f, complain) }
			s, err := newSession(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr(), open)
			if err != nil {
				return err
			}
			defer s.close()
			return s.run()
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
	fs.BoolVarP(&f.routes, "route", "r", false, "show routing tables")
	fs.BoolVarP(&f.interfaces, "interfaces", "i", false, "show interfaces and their counters; with -e in full")
	fs.BoolVarP(&f.groups, "groups", "g", false, "show multicast group memberships")
	fs.BoolVarP(&f.statistics, "statistics", "s", false, "show the counters of protocols")
	fs.BoolVarP(&f.listenQueues, "listen-queues", "L", false, "show the queues of listeners")
	fs.BoolVarP(&f.memory, "memory", "m", false, "show the memory of sockets and packets")
	fs.BoolVarP(&f.packets, "packet", "B", false, "show packet sockets: who captures")
	fs.BoolVarP(&f.softnet, "softnet", "Q", false, "show the receive path of each processor")
	fs.BoolVarP(&f.tcpDetail, "tcp-detail", "T", false, "show round-trip times, windows and losses of TCP connections")
	fs.BoolVar(&f.neighbours, "neighbours", false, "show neighbours (ARP, neighbour discovery), those answered for in others' place, too")
	fs.BoolVar(&f.rules, "rules", false, "show the rules of policy routing")
	fs.BoolVar(&f.nextHopObjects, "nexthops", false, "show nexthop objects and groups")
	fs.BoolVar(&f.netconf, "netconf", false, "show what is forwarded, by interface")
	fs.BoolVar(&f.qdiscs, "qdiscs", false, "show queueing disciplines and classes with their drops")
	fs.BoolVar(&f.multicastRoutes, "mroutes", false, "show multicast routing: its interfaces and its forwarding cache")
	fs.BoolVar(&f.bridgeGroups, "mdb", false, "show the multicast groups that bridges know")
	fs.BoolVar(&f.namespaces, "namespaces", false, "show the network namespaces of this host")

	// Which sockets.
	fs.BoolVarP(&f.tcp, "tcp", "t", false, "show TCP sockets")
	fs.BoolVarP(&f.udp, "udp", "u", false, "show UDP sockets")
	fs.BoolVarP(&f.udplite, "udplite", "U", false, "show UDP-Lite sockets")
	fs.BoolVarP(&f.sctp, "sctp", "S", false, "show SCTP sockets")
	fs.BoolVarP(&f.raw, "raw", "w", false, "show raw sockets")
	fs.BoolVarP(&f.unix, "unix", "x", false, "show sockets of the local family")
	fs.BoolVar(&f.icmp, "icmp", false, "show ICMP sockets (ping)")
	fs.BoolVar(&f.mptcp, "mptcp", false, "show Multipath TCP connections")
	fs.BoolVar(&f.netlink, "netlink", false, "show netlink sockets")
	fs.BoolVar(&f.vsock, "vsock", false, "show sockets between virtual machines and their host")
	fs.BoolVar(&f.xdp, "xdp", false, "show XDP sockets")
	fs.BoolVar(&f.smc, "smc", false, "show sockets of Shared Memory Communications")
	fs.BoolVar(&f.tipc, "tipc", false, "show TIPC sockets")
	fs.BoolVarP(&f.ipv4, "inet", "4", false, "show IPv4 only")
	fs.BoolVarP(&f.ipv6, "inet6", "6", false, "show IPv6 only; with -r its routes")
	fs.StringSliceVarP(&f.protocolFamilies, "protocol", "A", nil, "show the address families `FAMILY,...`: inet, inet6, unix")
	fs.BoolVarP(&f.all, "all", "a", false, "show listening sockets, too; with -i interfaces that are down")
	fs.BoolVarP(&f.listening, "listening", "l", false, "show listening sockets only")

	// What of them.
	fs.BoolVarP(&f.programs, "programs", "p", false, "show the processes that hold sockets")
	fs.CountVarP(&f.extend, "extend", "e", "``show more; twice for all there is")
	fs.BoolVarP(&f.timers, "timers", "o", false, "show timers")
	fs.BoolVar(&f.buffers, "buffers", false, "show the memory of each socket")
	fs.StringVar(&f.table, "table", "", "show the routing table `TABLE`: a number, main, local, default or all")
	fs.StringVarP(&f.iface, "interface", "I", "", "show the interface `IFACE` only, of sockets those bound to it; -i unless anything else is chosen")
	fs.StringVar(&f.netns, "netns", "", "show the network namespace `NAME`, or that of the process PID, or all of them")
	fs.StringVar(&f.filter, "filter", "", "show rows that `EXPRESSION` is true for, such as 'state=established and port=443'")
	fs.StringVar(&f.sort, "sort", "", "sort by `FIELD,...`; -FIELD puts the largest first")

	// Of which stack.
	fs.StringVar(&f.recording, "recording", "", "show what is recorded in `FILE`; --netns chooses one of its namespaces then")
	fs.StringVar(&f.at, "at", "", "with --recording: show the last moment until `TIME`: 15:04, or 2006-01-02T15:04:05Z")
	fs.StringVar(&f.record, "record", "", "add everything to the recording in `FILE`, once or in every --interval, and show nothing")
	fs.StringSliceVar(&f.kinds, "kinds", nil, "with --record: record rows of `KIND,...` only")

	fs.StringSliceVar(&f.hosts, "host", nil, "show the stacks of the hosts `HOST,...` by SNMP, each [udp:|tcp:]HOST[:PORT]")
	fs.StringVar(&f.hostsFile, "hosts", "", "show those of the hosts that are listed in `FILE`")
	fs.StringVar(&f.snmpConfigFile, "snmp-config", "", "read the credentials for hosts from `FILE`; snmp.conf(5) unless given")
	fs.StringVar(&f.context, "context", "", "read the SNMP context `NAME` of hosts")
	fs.Float64Var(&f.timeout, "timeout", 0, "give a host up after `SECONDS`; one of several after 60 unless given")

	// How.
	fs.BoolVarP(&f.numeric, "numeric", "n", false, "show numbers and look no names up")
	fs.BoolVar(&f.hostNumbers, "numeric-hosts", false, "show hosts by address")
	fs.BoolVar(&f.portNumbers, "numeric-ports", false, "show ports by number")
	fs.BoolVar(&f.userNumbers, "numeric-users", false, "show users by number")
	fs.BoolVarP(&f.symbolic, "symbolic", "N", false, "look names up in spite of -n")
	fs.BoolVarP(&f.human, "human", "h", false, "show sizes for people: 1.5K, 23M")
	fs.BoolVar(&f.json, "json", false, "print JSON Lines, an object for each row")
	fs.BoolVarP(&f.wide, "wide", "W", false, "do not fold lines that are longer than the terminal")
	fs.BoolVarP(&f.continuous, "continuous", "c", false, "show it again every second")
	fs.Float64Var(&f.interval, "interval", 0, "show it again every `SECONDS`; counters by how much they grew")
	fs.StringVar(&f.since, "since", "", "with -s and -i: show by how much counters grew since the `BASELINE`")
	fs.StringVar(&f.save, "save-baseline", "", "save the counters under the name `BASELINE`, or at that path, and show nothing")
	fs.CountVarP(&f.verbose, "verbose", "v", "``say what this kernel lacks")
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

// namedModes returns the modes that the flags name.
func (s *session) namedModes() []mode {
	return chosen(
		mode{s.tcpDetail, s.showSockets}, mode{s.listenQueues, s.showListenQueues}, mode{s.packets, s.showPackets},
		mode{s.routes && !s.statistics, s.showRoutes}, mode{s.interfaces && !s.statistics, s.showInterfaces},
		mode{s.groups, s.showGroups}, mode{s.statistics, s.showStatistics}, mode{s.memory, s.showMemory},
		mode{s.softnet, s.showSoftnet}, mode{s.neighbours, s.showNeighbours}, mode{s.rules, s.showRules},
		mode{s.nextHopObjects, s.showNextHops}, mode{s.netconf, s.showNetconf}, mode{s.qdiscs, s.showQdiscs}, mode{s.multicastRoutes, s.showMulticastRoutes},
		mode{s.bridgeGroups, s.showBridgeGroups}, mode{s.namespaces, s.showNamespaces},
	)
}

// choosesInterfaces reports whether the flags choose the table of interfaces: -I
// alone does.
func (s *session) choosesInterfaces() bool {
	return s.interfaces || s.iface != "" && !s.namesProtocol() && len(s.namedModes()) == 0
}

// modes returns what the flags choose, in the order that it is shown in.
func (s *session) modes() []mode {
	modes := s.namedModes()
	families := chosen(
		mode{s.unix, s.showUnix}, mode{s.netlink, s.showNetlink}, mode{s.vsock, s.showVsock},
		mode{s.xdp, s.showXDP}, mode{s.smc, s.showSMC}, mode{s.tipc, s.showTIPC},
	)
	switch internet := s.namesProtocol() || s.ipv4 || s.ipv6; {
	case len(modes) > 0:
		// Protocols choose what of them is shown.
	case s.choosesInterfaces():
		modes = []mode{{true, s.showInterfaces}}
	case internet || len(families) == 0:
		modes = []mode{{true, s.showSockets}}
		// A filter and an order are for one kind of rows: the Internet's sockets,
		// unless others are named. SNMP tells of those alone.
		if !internet && s.filter == "" && s.sort == "" && !s.showsHosts() {
			families = []mode{{true, s.showUnix}}
		}
	}
	return append(modes, families...)
}

func chosen(modes ...mode) []mode {
	return slices.DeleteFunc(modes, func(m mode) bool { return !m.chosen })
}

// mode is something to show.
type mode struct {
	chosen bool
	show   func() error
}

// run shows what the flags choose, once or again and again.
func (s *session) run() error {
	if s.save != "" {
		return s.saveBaseline()
	}
	if s.since != "" {
		if err := s.loadBaseline(); err != nil {
			return err
		}
	}
	if s.interval > 0 && !s.continuous && (s.statistics || s.choosesInterfaces()) {
		s.lookForInterface()
		return s.follow()
	}
	for {
		if s.interval > 0 {
			s.begin()
		}
		s.lookForInterface()
		for _, m := range s.modes() {
			if err := m.show(); err != nil {
				return errors.Join(err, s.out.Flush())
			}
		}
		if err := s.out.Flush(); err != nil {
			return err
		}
		if s.interval == 0 {
			break
		}
		s.owners = nil
		if !s.turns.wait(s.ctx) {
			break
		}
		s.out.Line("")
	}
	if s.incomplete {
		return errIncomplete
	}
	return nil
}

// check completes the flags and says what does not fit together.
func (f *flags) check(fs *pflag.FlagSet) error {
	for _, family := range f.protocolFamilies {
		switch family {
		case "inet", "ip", "tcpip":
			f.ipv4 = true
		case "inet6":
			f.ipv6 = true
		case "unix":
			f.unix = true
		default:
			return fmt.Errorf("--protocol: %q is none of inet, inet6, unix", family)
		}
	}
	for _, name := range []string{"interface", "netns", "table", "filter", "sort", "since", "save-baseline", "recording", "at", "record", "hosts", "snmp-config"} {
		if flag := fs.Lookup(name); flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s: the value is empty", name)
		}
	}
	for name, values := range map[string][]string{"host": f.hosts, "protocol": f.protocolFamilies} {
		if fs.Changed(name) && len(values) == 0 {
			return fmt.Errorf("--%s: the value is empty", name)
		}
	}
	if f.since != "" && !f.statistics && !f.interfaces && f.iface == "" {
		return errors.New("--since makes sense with -s and -i only")
	}
	if fs.Changed("interval") && !(f.interval >= 0.01 && f.interval <= 86400) {
		return fmt.Errorf("--interval: %v is not between 0.01 and 86400 seconds", f.interval)
	}
	if f.continuous && f.interval == 0 {
		f.interval = 1
	}
	return cmp.Or(f.checkRecording(fs), f.checkHosts(fs))
}

// complete teaches the shell the values of flags.
func complete(cmd *cobra.Command, f *flags) {
	values := map[string]func() []string{
		"protocol": func() []string { return []string{"inet", "inet6", "unix"} },
		"table":    func() []string { return []string{"main", "local", "default", allTables} },
		"netns": func() []string {
			names := []string{allNamespaces}
			of := flags{netns: allNamespaces, recording: f.recording, at: f.at}
			sources, err := openSources(context.Background(), &of, func(error) {})
			if err != nil {
				return names
			}
			for _, src := range sources {
				names = append(names, src.netns)
				src.close()
			}
			return names
		},
		"sort": f.fieldNames,
		"kinds": func() (names []string) {
			for _, k := range recording.Kinds() {
				names = append(names, string(k))
			}
			return names
		},
		"interface": func() []string {
			sources, err := openSources(context.Background(), &flags{netns: f.netns, recording: f.recording, at: f.at, hosts: f.hosts, snmpConfigFile: f.snmpConfigFile, context: f.context}, func(error) {})
			if err != nil {
				return nil
			}
			var found []string
			for _, src := range sources {
				for i, err := range interfaceDetails(context.Background(), src) {
					if err == nil {
						found = append(append(found, i.Name), i.AlternativeNames...)
					}
				}
				src.close()
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
		for _, name := range f.fieldNames() {
			terms = append(terms, name+"=")
		}
		return terms, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// fieldNames are what a filter and an order may name of the rows that the flags
// choose.
func (f *flags) fieldNames() []string {
	switch {
	case f.routes:
		return routeKind().Names()
	case f.interfaces:
		return interfaceKind().Names()
	case f.statistics:
		return counterKind().Names()
	case f.unix:
		return unixKind().Names()
	}
	return newSocketKind().Names()
}
