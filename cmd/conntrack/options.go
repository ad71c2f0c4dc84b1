package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// argument says whether an option has one.
type argument uint8

const (
	none     argument = iota
	required          // "--src ADDRESS", "--src=ADDRESS", "-s ADDRESS", "-sADDRESS"
	optional          // the next word, unless that begins with "-"
)

// option is one that the program knows. The commands and their options are
// declared here once: what is legal, refused, completed and shown by --help comes
// of it.
type option struct {
	names    []string // long names; the first is that of messages
	short    byte     // or 0
	argument argument
	value    string // what the argument is called
	help     string
	// flows and expects are the commands that take it, for flows and for
	// expectations. An option with protocols is one of those only.
	flows, expects string
	protocols      []string
	// several says that it may be given more than once.
	several bool
	// own says that conntrack-tools has no such option: names that were cut short
	// mean an option of theirs before it.
	own bool
}

// commands are what is done: one of them is given.
var commands = []option{
	{names: []string{"dump"}, short: 'L', argument: optional, value: "TABLE", help: "list flows or expectations"},
	{names: []string{"get"}, short: 'G', argument: optional, value: "TABLE", help: "show the entry that a tuple names"},
	{names: []string{"delete"}, short: 'D', argument: optional, value: "TABLE", help: "delete entries"},
	{names: []string{"create"}, short: 'I', argument: optional, value: "TABLE", help: "create an entry; one that is there is an error"},
	{names: []string{"add"}, short: 'A', argument: optional, value: "TABLE", help: "create a flow, or leave one that is there as given"},
	{names: []string{"update"}, short: 'U', argument: optional, value: "TABLE", help: "change flows"},
	{names: []string{"event"}, short: 'E', argument: optional, value: "TABLE", help: "show events as they come"},
	{names: []string{"flush"}, short: 'F', argument: optional, value: "TABLE", help: "delete every entry"},
	{names: []string{"count", "counter"}, short: 'C', argument: optional, value: "TABLE", help: "show how many entries there are"},
	{names: []string{"stats"}, short: 'S', argument: optional, value: "TABLE", help: "show the counters of each processor"},
	{names: []string{"load-file"}, short: 'R', argument: required, value: "FILE", help: "run the commands of a file, \"-\" for the standard input"},
	{names: []string{"version"}, short: 'V', help: "show the version"},
	{names: []string{"help"}, short: 'h', help: "show this help"},
}

var (
	ports = []string{"tcp", "udp", "udplite", "sctp", "dccp"}
	tcp   = []string{"tcp", "sctp", "dccp"}
)

var options = []option{
	{names: []string{"src", "orig-src"}, short: 's', argument: required, value: "ADDRESS[/BITS]", help: "source of the original direction", flows: "LGDIAUE", expects: "GDI"},
	{names: []string{"dst", "orig-dst"}, short: 'd', argument: required, value: "ADDRESS[/BITS]", help: "destination of the original direction", flows: "LGDIAUE", expects: "GDI"},
	{names: []string{"reply-src"}, short: 'r', argument: required, value: "ADDRESS", help: "source of the reply direction", flows: "LGDIAUE", expects: "GDI"},
	{names: []string{"reply-dst"}, short: 'q', argument: required, value: "ADDRESS", help: "destination of the reply direction", flows: "LGDIAUE", expects: "GDI"},
	{names: []string{"proto", "protonum"}, short: 'p', argument: required, value: "PROTOCOL", help: "protocol, by name or number", flows: "LGDIAUE", expects: "GDI"},
	{names: []string{"family"}, short: 'f', argument: required, value: "ipv4|ipv6", help: "family of the addresses", flows: "LDUEF", expects: "LC"},
	{names: []string{"timeout"}, short: 't', argument: required, value: "SECONDS", help: "timeout to set; with -D, to ask for", flows: "DIAU", expects: "I"},
	{names: []string{"status"}, short: 'u', argument: required, value: "FLAG[,...]", help: "flags to ask for (!FLAG: that are not set) or to set", flows: "LDIAU"},
	{names: []string{"mark"}, short: 'm', argument: required, value: "MARK[/MASK]", help: "mark to ask for or to set", flows: "LDIAUE"},
	{names: []string{"zone"}, short: 'w', argument: required, value: "NUMBER", help: "zone of both directions", flows: "LGDIAUE"},
	{names: []string{"orig-zone"}, argument: required, value: "NUMBER", help: "zone of the original direction", flows: "LDIAE"},
	{names: []string{"reply-zone"}, argument: required, value: "NUMBER", help: "zone of the reply direction", flows: "LDIAE"},
	{names: []string{"label"}, short: 'l', argument: required, value: "LABEL[,...]", help: "labels that must be set, by name or number", flows: "LGDUE", several: true},
	{names: []string{"label-add"}, argument: required, value: "LABEL[,...]", help: "labels to set", flows: "IAU", several: true},
	{names: []string{"label-del"}, argument: optional, value: "LABEL[,...]", help: "labels to clear, all without an argument", flows: "U", several: true},
	{names: []string{"src-nat"}, short: 'n', argument: optional, value: "ADDRESS[:PORT]", help: "flows whose source is translated, or what to translate it to", flows: "LDIAUE"},
	{names: []string{"dst-nat"}, short: 'g', argument: optional, value: "ADDRESS[:PORT]", help: "flows whose destination is translated, or what to translate it to", flows: "LDIAUE"},
	{names: []string{"any-nat"}, short: 'j', argument: optional, value: "ADDRESS[:PORT]", help: "flows either end of which is translated", flows: "LDE"},
	{names: []string{"id"}, short: 'i', argument: required, value: "NUMBER", help: "the entry with that ID", flows: "LGDUE"},
	{names: []string{"mask-src"}, argument: required, value: "MASK", help: "bits of --src (--tuple-src) that count", flows: "LDUE", expects: "I"},
	{names: []string{"mask-dst"}, argument: required, value: "MASK", help: "bits of --dst (--tuple-dst) that count", flows: "LDUE", expects: "I"},
	{names: []string{"tuple-src"}, argument: required, value: "ADDRESS[/BITS]", help: "source that is expected", expects: "I"},
	{names: []string{"tuple-dst"}, argument: required, value: "ADDRESS[/BITS]", help: "destination that is expected", expects: "I"},

	{names: []string{"sport", "orig-port-src"}, argument: required, value: "PORT", help: "source port of the original direction", flows: "LGDIAUE", expects: "GDI", protocols: ports},
	{names: []string{"dport", "orig-port-dst"}, argument: required, value: "PORT", help: "destination port of the original direction", flows: "LGDIAUE", expects: "GDI", protocols: ports},
	{names: []string{"reply-port-src"}, argument: required, value: "PORT", help: "source port of the reply direction", flows: "LGDIAUE", expects: "GDI", protocols: ports},
	{names: []string{"reply-port-dst"}, argument: required, value: "PORT", help: "destination port of the reply direction", flows: "LGDIAUE", expects: "GDI", protocols: ports},
	{names: []string{"tuple-port-src"}, argument: required, value: "PORT", help: "source port that is expected", expects: "I", protocols: ports},
	{names: []string{"tuple-port-dst"}, argument: required, value: "PORT", help: "destination port that is expected", expects: "I", protocols: ports},
	{names: []string{"mask-port-src"}, argument: required, value: "MASK", help: "bits of --tuple-port-src that count", expects: "I", protocols: ports},
	{names: []string{"mask-port-dst"}, argument: required, value: "MASK", help: "bits of --tuple-port-dst that count", expects: "I", protocols: ports},
	{names: []string{"state"}, argument: required, value: "STATE", help: "state to ask for or to set", flows: "LGDIAUE", protocols: tcp},
	{names: []string{"orig-vtag"}, argument: required, value: "NUMBER", help: "verification tag of the original direction", flows: "LGDIAUE", protocols: []string{"sctp"}},
	{names: []string{"reply-vtag"}, argument: required, value: "NUMBER", help: "verification tag of the reply direction", flows: "LGDIAUE", protocols: []string{"sctp"}},
	{names: []string{"role"}, argument: required, value: "client|server", help: "whose the original direction is", flows: "LDIAE", protocols: []string{"dccp"}},
	{names: []string{"srckey", "orig-key-src"}, argument: required, value: "KEY", help: "source key of the original direction", flows: "LGDIAUE", expects: "GDI", protocols: []string{"gre"}},
	{names: []string{"dstkey", "orig-key-dst"}, argument: required, value: "KEY", help: "destination key of the original direction", flows: "LGDIAUE", expects: "GDI", protocols: []string{"gre"}},
	{names: []string{"reply-key-src"}, argument: required, value: "KEY", help: "source key of the reply direction", flows: "LGDIAUE", expects: "GDI", protocols: []string{"gre"}},
	{names: []string{"reply-key-dst"}, argument: required, value: "KEY", help: "destination key of the reply direction", flows: "LGDIAUE", expects: "GDI", protocols: []string{"gre"}},
	{names: []string{"tuple-key-src"}, argument: required, value: "KEY", help: "source key that is expected", expects: "I", protocols: []string{"gre"}},
	{names: []string{"tuple-key-dst"}, argument: required, value: "KEY", help: "destination key that is expected", expects: "I", protocols: []string{"gre"}},
	{names: []string{"mask-key-src"}, argument: required, value: "MASK", help: "bits of --tuple-key-src that count", expects: "I", protocols: []string{"gre"}},
	{names: []string{"mask-key-dst"}, argument: required, value: "MASK", help: "bits of --tuple-key-dst that count", expects: "I", protocols: []string{"gre"}},
	{names: []string{"icmp-type", "icmpv6-type"}, argument: required, value: "TYPE", help: "type of the message", flows: "LGDIAUE", protocols: []string{"icmp", "icmpv6"}},
	{names: []string{"icmp-code", "icmpv6-code"}, argument: required, value: "CODE", help: "code of the message", flows: "LGDIAUE", protocols: []string{"icmp", "icmpv6"}},
	{names: []string{"icmp-id", "icmpv6-id"}, argument: required, value: "ID", help: "identifier of the message", flows: "LGDIAUE", protocols: []string{"icmp", "icmpv6"}},

	{names: []string{"zero"}, short: 'z', help: "set the counters to 0 as they are read", flows: "L"},
	{names: []string{"event-mask"}, short: 'e', argument: required, value: "ALL|NEW|UPDATES|DESTROY[,...]", help: "events to show", flows: "E", expects: "E"},
	{names: []string{"buffer-size"}, short: 'b', argument: required, value: "BYTES", help: "receive buffer of events", flows: "E", expects: "E"},
	{names: []string{"output"}, short: 'o', argument: required, value: "FORM[,...]", help: "extended, xml, save, timestamp, ktimestamp, id, labels, userspace", flows: "LGDUE", expects: "LGE"},
	{names: []string{"json"}, help: "print JSON Lines", flows: "LGDUES", expects: "LGES", own: true},
	{names: []string{"filter"}, argument: required, value: "EXPRESSION", help: "entries for which it holds: 'bytes > 1000000 and mark != 0'", flows: "LDUE", expects: "LE", own: true},
	{names: []string{"sort"}, argument: required, value: "[-]FIELD[,...]", help: "order of what is listed", flows: "L", expects: "L", own: true},
	{names: []string{"processes"}, help: "show which local processes flows belong to", flows: "L", own: true},
	{names: []string{"netns"}, argument: required, value: "NAME", help: "network namespace; \"all\" for every one, which -E looks for each second; of one only with -G, -I and -A", flows: "LGDIAUEFCS", expects: "LGDIEFCS", several: true, own: true},
}

// refused are conntrack-tools' options that ask for what there is not, and why.
var refused = []option{
	{names: []string{"secmark"}, short: 'c', help: "kernels tell no security marks but contexts: see --filter securityContext=CONTEXT"},
	{names: []string{"nat-range"}, short: 'a', help: "conntrack-tools passes over it: see --src-nat and --dst-nat"},
}

// usageError is what is wrong with a command line: exit status 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func wrong(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// given is an option as it was given.
type given struct {
	option *option
	name   string // as it was written
	value  string
}

func (o *option) label() string { return "--" + o.names[0] }

// parseWords reads a command line: its command and its options in their order.
func parseWords(words []string) (command byte, table string, all []given, err error) {
	var protocol netstat.Optional[netstat.IPProtocol] // so far
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		var o *option
		var name, value string
		hasValue := false
		switch {
		case strings.HasPrefix(word, "--") && len(word) > 2:
			name, value, hasValue = strings.Cut(word[2:], "=")
			if i := slices.IndexFunc(refused, func(r option) bool { return r.names[0] == name }); i >= 0 {
				return 0, "", nil, wrong("%s: %s", refused[i].label(), refused[i].help)
			}
			if o, err = findLong(name, protocol); err != nil {
				return 0, "", nil, err
			}
		case strings.HasPrefix(word, "-") && len(word) > 1:
			if i := slices.IndexFunc(refused, func(r option) bool { return r.short == word[1] }); i >= 0 {
				return 0, "", nil, wrong("-%c: %s", word[1], refused[i].help)
			}
			if o = findShort(word[1]); o == nil {
				return 0, "", nil, wrong("unknown option -%c: see conntrack --help", word[1])
			}
			if rest := word[2:]; rest != "" {
				if o.argument == none || isCommand(o) && o.argument == optional { // whose table is a word of its own
					words = append([]string{"-" + rest}, words...)
				} else {
					value, hasValue = rest, true
				}
			}
			name = word[1:2]
		default:
			return 0, "", nil, wrong("%q is no option: see conntrack --help", word)
		}
		switch {
		case hasValue && o.argument == none:
			return 0, "", nil, wrong("%s takes no argument", o.label())
		case !hasValue && o.argument == required:
			if len(words) == 0 {
				return 0, "", nil, wrong("%s: the argument is missing: %s", o.label(), o.value)
			}
			value, words = words[0], words[1:]
		case !hasValue && o.argument == optional && len(words) > 0 && !strings.HasPrefix(words[0], "-"):
			value, words = words[0], words[1:]
		}
		if isCommand(o) {
			if command != 0 {
				return 0, "", nil, wrong("only one command can be given: -%c or -%c", command, o.short)
			}
			command, table = o.short, value
			continue
		}
		if !o.several && slices.ContainsFunc(all, func(g given) bool { return g.option == o }) {
			return 0, "", nil, wrong("%s is given twice", o.label())
		}
		if o.names[0] == "proto" {
			if p, known := parseProtocol(value); known {
				protocol.Set(p)
			}
		}
		all = append(all, given{o, name, value})
	}
	return command, table, all, nil
}

func isCommand(o *option) bool {
	return slices.ContainsFunc(commands, func(c option) bool { return c.names[0] == o.names[0] })
}

func findShort(c byte) *option {
	for _, list := range [][]option{commands, options} {
		for i := range list {
			if list[i].short == c {
				return &list[i]
			}
		}
	}
	return nil
}

// findLong finds an option by its name or by as much of it as tells it from
// others: from those of conntrack-tools, and of the protocol that was given.
func findLong(name string, protocol netstat.Optional[netstat.IPProtocol]) (*option, error) {
	var found []*option
	for _, list := range [][]option{commands, options} {
		for i := range list {
			for _, n := range list[i].names {
				if n == name {
					return &list[i], nil
				}
				if strings.HasPrefix(n, name) && !slices.Contains(found, &list[i]) {
					found = append(found, &list[i])
				}
			}
		}
	}
	for _, less := range []func(*option) bool{
		func(o *option) bool { return o.own },
		func(o *option) bool { return !o.isOf(protocol) },
	} {
		if rest := slices.DeleteFunc(slices.Clone(found), less); len(rest) > 0 {
			found = rest
		}
	}
	switch len(found) {
	case 0:
		return nil, wrong("unknown option --%s: see conntrack --help", name)
	case 1:
		return found[0], nil
	}
	var names []string
	for _, o := range found {
		names = append(names, o.label())
	}
	return nil, wrong("--%s may be any of %s", name, strings.Join(names, ", "))
}

// isOf reports whether the option is one of a protocol, or of all.
func (o *option) isOf(protocol netstat.Optional[netstat.IPProtocol]) bool {
	p, known := protocol.Get()
	return len(o.protocols) == 0 || known && slices.Contains(o.protocols, p.String())
}

// usage is the help, made of the declarations; of a protocol, what options it has.
func usage(protocol netstat.Optional[netstat.IPProtocol]) string {
	var b strings.Builder
	line := func(o *option) {
		short := "    "
		if o.short != 0 {
			short = "-" + string(o.short) + ", "
		}
		var names []string
		for _, n := range o.names {
			names = append(names, "--"+n)
		}
		argument := ""
		switch o.argument {
		case required:
			argument = " " + o.value
		case optional:
			argument = " [" + o.value + "]"
		}
		protocols := ""
		if len(o.protocols) > 0 {
			protocols = " (" + strings.Join(o.protocols, ", ") + ")"
		}
		fmt.Fprintf(&b, "  %s%s%s\n        %s%s\n", short, strings.Join(names, ", "), argument, o.help, protocols)
	}
	if p, asked := protocol.Get(); asked {
		fmt.Fprintf(&b, "Options of %v:\n", p)
		some := false
		for i := range options {
			if o := &options[i]; len(o.protocols) > 0 && o.isOf(protocol) {
				line(o)
				some = true
			}
		}
		if !some {
			b.WriteString("  none of its own\n")
		}
		return b.String()
	}
	b.WriteString("conntrack reads and changes the kernel's connection tracking. See conntrack(8).\n\nUsage: conntrack COMMAND [TABLE] [OPTIONS]\n\nCommands:\n")
	for i := range commands {
		line(&commands[i])
	}
	b.WriteString("\nTables: conntrack (which is meant without one), expect, and for -L dying and unconfirmed.\n\n" +
		"conntrack completion bash (or zsh, fish) prints what completes its options in a shell.\n\nOptions:\n")
	for i := range options {
		line(&options[i])
	}
	return b.String()
}
