package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// netToolsFlags are the flags that net-tools' netstat has, too. Its users abbreviate them, and
// set words behind them that it passes over.
var netToolsFlags = []string{
	"version", "interfaces", "help", "route", "masquerade", "protocol", "tcp", "sctp", "udp", "udplite", "raw", "unix", "l2cap", "rfcomm",
	"listening", "all", "timers", "continuous", "extend", "programs", "verbose", "statistics", "wide", "numeric", "numeric-hosts",
	"numeric-ports", "numeric-users", "symbolic", "cache", "fib", "groups", "inet", "inet6",
	"ax25", "ipx", "netrom", "rose", "x25",
}

// otherNames are further names that net-tools has for some of them.
var otherNames = map[string]string{"program": "programs", "ip": "inet", "tcpip": "inet", "notrim": "wide"}

// lacking are flags of net-tools for what this program does not show, and why not.
var lacking = []struct{ name, short, why string }{
	{"cache", "C", "Linux has had no routing cache since 3.6"},
	{"masquerade", "M", "what is masqueraded is among the flows of --conntrack"},
	{"l2cap", "2", "sockets of Bluetooth are not shown"},
	{"rfcomm", "f", "sockets of Bluetooth are not shown"},
	{"selinux-context", "Z", "contexts of SELinux are not shown"},
	{"ax25", "", "sockets of AX.25 are not shown"},
	{"ipx", "", "Linux has had no IPX since 4.18"},
	{"netrom", "", "sockets of NET/ROM are not shown"},
	{"rose", "", "sockets of ROSE are not shown"},
	{"x25", "", "sockets of X.25 are not shown"},
}

// declareLacking declares them, so that they are refused with a reason.
func declareLacking(fs *pflag.FlagSet, f *flags) {
	for _, l := range lacking {
		fs.VarPF(&lackingFlag{f, l.name, l.why}, l.name, l.short, "").NoOptDefVal = "true"
		fs.Lookup(l.name).Hidden = true
	}
}

// lackingFlag takes note of a flag that is lacking.
type lackingFlag struct {
	flags     *flags
	name, why string
}

func (l *lackingFlag) String() string { return "false" }
func (l *lackingFlag) Type() string   { return "bool" }

func (l *lackingFlag) Set(string) error {
	if l.flags.lacking == nil {
		l.flags.lacking = fmt.Errorf("--%s: %s", l.name, l.why)
	}
	return nil
}

// usageError is a command line that is wrong.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// ExitStatus is that of net-tools' netstat.
func (e *usageError) ExitStatus() int { return 3 }

// ignoreWords passes over words that no flag takes, as net-tools does, and says so. Where flags
// are given that are not net-tools', such words are more likely a part of what should have stood
// in quotation marks, and they are refused.
func ignoreWords(cmd *cobra.Command, words []string) (err error) {
	if len(words) == 0 {
		return nil
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(netToolsFlags, f.Name) && err == nil {
			err = &usageError{fmt.Errorf("unexpected argument %q", words[0])}
		}
	})
	if err == nil {
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "netstat: no flag takes %q: it is passed over\n", strings.Join(words, " "))
	}
	return err
}

// withInterfaces makes --interface, which is short for --interfaces in net-tools, that where no
// name of an interface follows.
func withInterfaces(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		switch {
		case arg == "--":
			return args
		case arg == "--interface" && (i+1 == len(args) || strings.HasPrefix(args[i+1], "-")):
			args[i] = "--interfaces"
		}
	}
	return args
}
