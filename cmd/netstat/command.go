package main

import (
	"github.com/spf13/cobra"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// version is set by the linker for releases.
var version string

const long = `netstat shows the network stack of this host: sockets, routes, interfaces,
multicast groups, protocol statistics, queues and memory.

Without a mode it shows the connected sockets; -a adds listeners, -l shows them
alone. Flags can be grouped: netstat -tulpn.

netstat completion bash (or zsh, fish) prints what completes its flags in a shell.`

const example = `  netstat -tulpn                          who listens where
  netstat -tan --filter 'port=443'        connections from and to port 443
  netstat -Tn --sort -rtt                 TCP connections, the slowest first
  netstat -tanp --options=changed         what programs set on their sockets
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
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          ignoreWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.version {
				return commandline.PrintVersion(cmd, commandline.Version(version)+" (netsnmp-agent)")
			}
			if err := f.check(cmd.Flags()); err != nil {
				return &usageError{err}
			}
			switch {
			case f.pin:
				return pinOptions(cmd.ErrOrStderr())
			case f.unpin:
				return unpinOptions()
			case f.moments:
				return listMoments(f.Recording, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			options, closeOptions := socketOptions()
			defer closeOptions()
			f.SocketOptions = options
			if f.record != "" {
				return recordStacks(cmd.Context(), &f, cmd.ErrOrStderr())
			}
			tables, asked := f.tables()
			f.Unasked = !asked
			s, err := show.New(f.Options, cmd.OutOrStdout(), cmd.ErrOrStderr(), func(complain func(error)) ([]*show.Source, error) {
				return f.Open(cmd.Context(), complain)
			})
			if err != nil {
				return err
			}
			defer s.Close()
			if f.save != "" {
				return s.SaveBaseline(cmd.Context(), f.save)
			}
			return s.Show(cmd.Context(), tables...)
		},
	}
	declare(cmd.Flags(), &f)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{commandline.FlagError(cmd, err)} })
	complete(cmd, &f)
	return cmd
}

// complete teaches the shell the values of flags.
func complete(cmd *cobra.Command, f *flags) {
	register := func(flag string, complete cobra.CompletionFunc) {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // a flag that there is not
		}
	}
	for _, m := range modes {
		if m.words != nil {
			register(m.name, cobra.FixedCompletions(m.words, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	for _, m := range modifiers {
		if m.values != nil {
			register(m.name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return m.values(f), cobra.ShellCompDirectiveNoFileComp
			})
		}
	}
	register("filter", func(*cobra.Command, []string, string) (terms []string, _ cobra.ShellCompDirective) {
		for _, name := range f.fieldNames() {
			terms = append(terms, name+"=")
		}
		return terms, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}
