package main

import (
	"context"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// isCompletion reports whether a command line is one of a shell that completes,
// or asks for the script that makes it do so. No other begins with a word.
func isCompletion(words []string) bool {
	return len(words) > 0 && (words[0] == "completion" || strings.HasPrefix(words[0], cobra.ShellCompRequestCmd))
}

// complete prints what completes a command line, or a shell's script. The flags
// that cobra is told of are only what can be completed: the command line is read
// by parseCommand.
func complete(ctx context.Context, words []string, out io.Writer) error {
	cmd := &cobra.Command{
		Use: "conntrack", Args: commandline.NoArgs, SilenceErrors: true, SilenceUsage: true,
		Run: func(*cobra.Command, []string) {},
		// The table of a command is an argument to cobra.
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return completeTables(words), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.SetOut(out)
	verb, expect := begun(words[1:])
	for _, list := range [][]option{commands, options} {
		for i := range list {
			if err := declareFlag(cmd, &list[i], !list[i].offered(verb, expect)); err != nil {
				return err
			}
		}
	}
	return commandline.Execute(ctx, cmd, words)
}

// begun returns the command that was begun, 0 for none yet, and whether it is for
// expectations.
func begun(words []string) (verb byte, expect bool) {
	for i, word := range words {
		var o *option
		switch {
		case strings.HasPrefix(word, "--"):
			o, _ = findLong(word[2:], netstat.Optional[netstat.IPProtocol]{})
		case len(word) > 1 && word[0] == '-':
			o = findShort(word[1])
		}
		if o != nil && isCommand(o) {
			return o.short, i+1 < len(words) && len(words[i+1]) > 0 && strings.HasPrefix("expect", words[i+1])
		}
	}
	return 0, false
}

// offered reports whether the option can be given with a command, or with one of
// them where none was begun. A second command cannot.
func (o *option) offered(verb byte, expect bool) bool {
	if isCommand(o) {
		return verb == 0
	}
	verbs := o.flows
	if expect {
		verbs = o.expects
	}
	return verb == 0 || strings.IndexByte(verbs, verb) >= 0
}

// declareFlag tells cobra of an option's names.
func declareFlag(cmd *cobra.Command, o *option, hidden bool) error {
	flags := cmd.Flags()
	for i, name := range o.names {
		short := ""
		if i == 0 && o.short != 0 {
			short = string(o.short)
		}
		switch {
		case o.argument == none:
			flags.BoolP(name, short, false, o.help)
		case o.several:
			flags.StringArrayP(name, short, nil, o.help)
		default:
			flags.StringP(name, short, "", o.help)
		}
		flag := flags.Lookup(name)
		flag.Hidden = hidden
		if o.argument == optional {
			flag.NoOptDefVal = " "
		}
		if o.argument == none || o.names[0] == "load-file" {
			continue // of which a shell completes the name of the file
		}
		if err := cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return o.values(), cobra.ShellCompDirectiveNoFileComp
		}); err != nil {
			return err
		}
	}
	return nil
}

func completeTables(words []string) []string {
	switch verb, _ := begun(words[1:]); {
	case verb == 'L':
		return []string{"conntrack", "expect", netstat.FlowDying.String(), netstat.FlowUnconfirmed.String()}
	case verb != 0 && strings.IndexByte("UA", verb) < 0:
		return []string{"conntrack", "expect"}
	}
	return nil
}

// values are what an option can have, where that is a list of words.
func (o *option) values() []string {
	switch o.names[0] {
	case "proto":
		return []string{"tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "gre", "udplite"}
	case "family":
		return []string{"ipv4", "ipv6"}
	case "role":
		return []string{"client", "server"}
	case "event-mask":
		return eventWords
	case "output":
		return formNames()
	case "status":
		translated := (netstat.FlowSourceNAT | netstat.FlowDestinationNAT).Names()
		return slices.DeleteFunc(statusNames(false), func(n string) bool { return slices.Contains(translated, n) })
	case "state":
		return stateNames()
	case "sort":
		return append(show.Flows().Names(), show.Expectations().Names()...)
	case "netns":
		return append(namedNamespaces(), namespaces.All)
	case "label", "label-add", "label-del":
		return slices.Sorted(maps.Keys(readLabels().number))
	}
	return nil
}

// stateNames are those of TCP, SCTP and DCCP.
func stateNames() (names []string) {
	for n := range uint8(16) {
		for _, name := range []string{netstat.FlowTCPState(n).String(), netstat.FlowSCTPState(n).String(), netstat.FlowDCCPState(n).String()} {
			if !strings.Contains(name, " ") && !slices.Contains(names, name) { // "state 15" is no name
				names = append(names, name)
			}
		}
	}
	return names
}

// namedNamespaces are those that ip-netns(8) has.
func namedNamespaces() (names []string) {
	entries, _ := os.ReadDir("/run/netns")
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
