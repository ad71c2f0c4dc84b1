package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// flags are what the command line says.
type flags struct {
	show.Options
	sources.Where

	modes            map[string]*bool   // by name
	words            map[string]*string // of modes that take one, by name
	protocolFamilies []string
	fib              bool
	save             string // the name of a baseline to save, or its path
	record           string // the file to record to
	kinds            []string
	moments          bool // list those of the recording
	pin, unpin       bool // the programs that read options of sockets
	version, help    bool
	lacking          error // of a flag for what is not shown
}

// scope is which modes must take a flag.
type scope uint8

const (
	everywhere scope = iota // it goes with every table
	each                    // every mode that is chosen
	internet                // every one that is chosen, but those of sockets of other families
	some                    // one of those that are chosen: it is for these
)

// modifier is a flag that is no mode.
type modifier struct {
	name, short, usage string
	to                 func(*flags) any // what it sets
	scope              scope
	// needs are flags of which one must be given as well.
	needs []string
	// values completes its value in a shell.
	values func(*flags) []string
}

// source is the modifier of a flag that says which stacks are shown.
func source(name string) modifier {
	of := sources.Find(name)
	m := modifier{name: name, usage: of.Usage, needs: of.Needs, to: func(f *flags) any { return of.To(&f.Where) }}
	if of.Values != nil {
		m.values = func(f *flags) []string { return of.Values(&f.Where) }
	}
	return m
}

// modifiers are all flags that are no modes, in the order of the help.
var modifiers = []modifier{
	// Which sockets.
	{name: "tcp", short: "t", usage: "show TCP sockets", to: func(f *flags) any { return &f.TCP }, scope: some},
	{name: "udp", short: "u", usage: "show UDP sockets", to: func(f *flags) any { return &f.UDP }, scope: some},
	{name: "udplite", short: "U", usage: "show UDP-Lite sockets", to: func(f *flags) any { return &f.UDPLite }, scope: some},
	{name: "sctp", short: "S", usage: "show SCTP sockets", to: func(f *flags) any { return &f.SCTP }, scope: some},
	{name: "raw", short: "w", usage: "show raw sockets", to: func(f *flags) any { return &f.Raw }, scope: some},
	{name: "icmp", usage: "show ICMP sockets (ping)", to: func(f *flags) any { return &f.ICMP }, scope: some},
	{name: "mptcp", usage: "show Multipath TCP connections", to: func(f *flags) any { return &f.MPTCP }, scope: some},
	{name: "inet", short: "4", usage: "show IPv4 only", to: func(f *flags) any { return &f.IPv4 }, scope: internet},
	{name: "inet6", short: "6", usage: "show IPv6 only; with -r its routes", to: func(f *flags) any { return &f.IPv6 }, scope: internet},
	{name: "protocol", short: "A", usage: "show the address families `FAMILY,...`: inet, inet6, unix", to: func(f *flags) any { return &f.protocolFamilies },
		values: func(*flags) []string { return []string{"inet", "inet6", "unix"} }},
	{name: "all", short: "a", usage: "leave nothing out: listening sockets, interfaces that are down, counters that are 0", to: func(f *flags) any { return &f.All }},
	{name: "listening", short: "l", usage: "show listening sockets only", to: func(f *flags) any { return &f.Listening }, scope: some},

	// What of them.
	{name: "programs", short: "p", usage: "show the processes that hold sockets", to: func(f *flags) any { return &f.Programs }, scope: some},
	{name: "extend", short: "e", usage: "``show more; twice for all there is", to: func(f *flags) any { return &f.Extend }, scope: some},
	{name: "timers", short: "o", usage: "show timers", to: func(f *flags) any { return &f.Timers }, scope: some},
	{name: "buffers", usage: "show the memory of each socket", to: func(f *flags) any { return &f.Buffers }, scope: some},
	{name: "table", usage: "show the routing table `TABLE`: a number, a name such as main, local or default, or all", to: func(f *flags) any { return &f.Table }, scope: some,
		values: func(*flags) []string { return []string{"main", "local", "default", show.AllTables} }},
	{name: "interface", short: "I", usage: "show the interface `IFACE` only, or several, of sockets those bound to it; -i unless anything else is chosen", to: func(f *flags) any { return &f.Interfaces }, scope: each,
		values: (*flags).interfaceNames},
	source("netns"),
	{name: "filter", usage: "show rows that `EXPRESSION` is true for, such as 'state=established and port=443'", to: func(f *flags) any { return &f.Filter }},
	{name: "sort", usage: "sort by `FIELD,...`; -FIELD puts the largest first", to: func(f *flags) any { return &f.Sort },
		values: (*flags).fieldNames},
	{name: "by", usage: "with --conntrack: show what flows have together by `KEY`: a field such as source, zone or process, or source/BITS for networks", to: func(f *flags) any { return &f.By }, scope: some,
		values: func(*flags) []string { return show.Flows().Names() }},
	{name: "top", usage: "with --by: show the `N` largest, and the others together; 100 unless given", to: func(f *flags) any { return &f.Top }, scope: some, needs: []string{"by"}},

	// Of which stack.
	source("recording"),
	source("at"),
	{name: "moments", usage: "list the moments of the --recording, and how many rows of which kinds they have, and show nothing else", to: func(f *flags) any { return &f.moments }, needs: []string{"recording"}},
	{name: "record", usage: "add everything to the recording in `FILE`, once or in every --interval, and show nothing", to: func(f *flags) any { return &f.record }},
	{name: "kinds", usage: "with --record: record rows of `KIND,...` only", to: func(f *flags) any { return &f.kinds }, needs: []string{"record"},
		values: func(*flags) (names []string) {
			for _, k := range recording.Kinds() {
				names = append(names, string(k))
			}
			return names
		}},
	source("host"),
	source("hosts"),
	source("snmp-config"),
	source("context"),
	source("timeout"),
	source("max-answer"),
	source("max-requests"),
	source("any-source"),

	// How.
	{name: "numeric", short: "n", usage: "show numbers and look no names up", to: func(f *flags) any { return &f.Numeric }},
	{name: "numeric-hosts", usage: "show hosts by address", to: func(f *flags) any { return &f.HostNumbers }},
	{name: "numeric-ports", usage: "show ports by number", to: func(f *flags) any { return &f.PortNumbers }},
	{name: "numeric-users", usage: "show users by number", to: func(f *flags) any { return &f.UserNumbers }},
	{name: "symbolic", short: "N", usage: "look names up in spite of -n", to: func(f *flags) any { return &f.Symbolic }},
	{name: "human", usage: "show sizes for people: 1.5K, 23M", to: func(f *flags) any { return &f.Human }, scope: some},
	{name: "json", usage: "print JSON Lines, an object for each row", to: func(f *flags) any { return &f.JSON }},
	{name: "wide", short: "W", usage: "do not fold lines that are longer than the terminal", to: func(f *flags) any { return &f.Wide }},
	{name: "continuous", short: "c", usage: "show it again every second", to: func(f *flags) any { return &f.Continuous }},
	{name: "interval", usage: "show it again every `SECONDS`; -i, -s and --conntrack by how much counters grew", to: func(f *flags) any { return &f.Interval }},
	{name: "since", usage: "with -s and -i: show by how much counters grew since the `BASELINE`", to: func(f *flags) any { return &f.Since }, scope: some,
		values: func(*flags) []string {
			store, err := baseline.DefaultStore()
			if err != nil {
				return nil
			}
			names, _ := store.Names() // none, where there is no such folder
			return names
		}},
	{name: "save-baseline", usage: "save the counters under the name `BASELINE`, or at that path, and show nothing", to: func(f *flags) any { return &f.save }},
	{name: "pin-options", usage: "let everybody use --options: leave the programs that read options in the kernel, until it ends or --unpin-options, and show nothing", to: func(f *flags) any { return &f.pin }},
	{name: "unpin-options", usage: "remove what --pin-options left, and show nothing", to: func(f *flags) any { return &f.unpin }},
	{name: "verbose", short: "v", usage: "``say what this kernel lacks", to: func(f *flags) any { return &f.Verbose }},
	{name: "fib", short: "F", usage: "with -r: show the forwarding table, as always", to: func(f *flags) any { return &f.fib }, scope: some},
	{name: "version", short: "V", usage: "print the version", to: func(f *flags) any { return &f.version }},
	{name: "help", short: "h", usage: "print this", to: func(f *flags) any { return &f.help }},
}

// declare declares modes and modifiers.
func declare(fs *pflag.FlagSet, f *flags) {
	fs.SortFlags = false
	f.modes, f.words = make(map[string]*bool), make(map[string]*string)
	for _, m := range modes {
		switch {
		case m.words != nil:
			f.words[m.name] = new(string)
			commandline.Choice(fs, f.words[m.name], m.name, m.usage, m.words...)
		case m.usage != "":
			f.modes[m.name] = fs.BoolP(m.name, m.short, false, m.usage)
		}
	}
	for _, m := range modifiers {
		commandline.Declare(fs, m.to(f), m.name, m.short, m.usage)
	}
	declareLacking(fs, f)
	commandline.Once(fs)
	commandline.Names(fs, otherNames, netToolsFlags...)
}

// fieldNames are what a filter and an order may name of the rows that the flags choose.
func (f *flags) fieldNames() (names []string) {
	tables, _ := f.tables()
	for _, t := range tables {
		names = append(names, t.Names()...)
	}
	return names
}

func (f *flags) interfaceNames() (found []string) {
	opened, err := f.Open(context.Background(), func(error) {})
	if err != nil {
		return nil
	}
	for _, src := range opened {
		found = append(found, src.InterfaceNames(context.Background())...)
		src.Close()
	}
	return found
}

// alone are flags that do something else than to show, with those that they take, and
// why they take no others.
var alone = map[string]struct{ takes, why string }{
	"record":        {"kinds netns interval verbose host hosts snmp-config context timeout max-answer max-requests any-source", "which records rows of every kind, or those of --kinds"},
	"moments":       {"recording", "which lists all of them"},
	"save-baseline": {"netns recording at verbose", "which saves counters and shows nothing"},
	"pin-options":   {"", "which shows nothing"},
	"unpin-options": {"", "which shows nothing"},
}

// apart are flags that do not go with each other, and why.
var apart = []struct{ one, other, why string }{
	{"host", "since", ""}, {"host", "save-baseline", ""}, {"hosts", "since", ""}, {"hosts", "save-baseline", ""},
	{"recording", "interval", "what is recorded does not change"}, {"recording", "continuous", "what is recorded does not change"},
	{"host", "conntrack", "no MIB has it"}, {"hosts", "conntrack", "no MIB has it"}, {"host", "expectations", "no MIB has them"}, {"hosts", "expectations", "no MIB has them"},
	{"host", "options", "no MIB has them"}, {"hosts", "options", "no MIB has them"},
	{"by", "programs", "--by process makes totals by process"}, {"by", "extend", "totals have no more than they show"},
	{"json", "human", "which has all digits"}, {"json", "symbolic", "which has numbers"},
}

// check completes the flags and says what does not fit together.
func (f *flags) check(fs *pflag.FlagSet) error {
	if f.lacking != nil {
		return f.lacking
	}
	for _, m := range modifiers {
		if fs.Changed(m.name) {
			if err := commandline.CheckFilled(m.to(f), m.name); err != nil {
				return err
			}
		}
	}
	if err := f.checkValues(fs); err != nil {
		return err
	}
	return f.checkTogether(fs)
}

// checkValues says which values are wrong.
func (f *flags) checkValues(fs *pflag.FlagSet) error {
	for _, family := range f.protocolFamilies {
		switch family {
		case "inet", "ip", "tcpip":
			f.IPv4 = true
		case "inet6":
			f.IPv6 = true
		case "unix":
			*f.modes["unix"] = true
		default:
			return fmt.Errorf("--protocol: %q is none of inet, inet6, unix", family)
		}
	}
	for _, name := range []string{"interval", "timeout"} {
		seconds := map[string]float64{"interval": f.Interval, "timeout": f.Timeout}[name]
		if fs.Changed(name) {
			if err := commandline.CheckSeconds(seconds, name); err != nil {
				return err
			}
		}
	}
	if err := f.CheckBounds(fs.Changed); err != nil {
		return err
	}
	if f.Continuous && f.Interval == 0 {
		f.Interval = 1
	}
	f.Elsewhere, f.Options.ComeAndGo = f.IsElsewhere(), f.Where.ComeAndGo()
	f.Changed = *f.words["options"] == changedOptions
	if f.Table != "" {
		if _, err := f.TableNumber(); err != nil {
			return err
		}
	}
	if f.By != "" {
		if err := show.CheckBy(f.By); err != nil {
			return err
		}
	}
	if fs.Changed("top") && (f.Top < 1 || f.Top > show.MostTotals) {
		return fmt.Errorf("--top: %d is not between 1 and %d", f.Top, show.MostTotals)
	}
	if f.At != "" {
		if err := sources.CheckAt(f.At); err != nil {
			return err
		}
	}
	if _, err := recording.ParseKinds(f.kinds...); err != nil {
		return fmt.Errorf("--kinds: %w", err)
	}
	return nil
}
