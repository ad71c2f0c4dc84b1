package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
)

// version is set by the linker for releases.
var version string

const long = `nettop shows the network stack of this host as it moves: who sends what to whom, what
goes over interfaces, who listens and how long the queues are, which flows connection
tracking follows, which counters grow, and what changes.

On a terminal it shows one view after the other; ? tells its keys. With --once,
--count, --json or --csv it prints what the screen would show, for programs.

nettop completion bash (or zsh, fish) prints what completes its flags in a shell.`

const example = `  nettop                                  connections, the busiest first
  nettop processes                        who sends most
  nettop listeners --filter 'fill>50'     listeners whose queues fill
  nettop counters --netns web             counters of the namespace web that grow
  nettop --recording night.rec --at 03:15   what was at night; p plays it
  nettop --host 192.0.2.1                 what another host tells, by SNMP
  nettop interfaces --once --json         a second of it, for programs
  nettop counters --interval 5 --csv      every five seconds, for a spreadsheet`

// flags are what the command line says.
type flags struct {
	sources.Where

	view          *view
	filter, order string
	interval      float64
	count         uint
	once          bool
	asJSON, asCSV bool
	numeric       bool
	version, help bool
	viewGiven     bool
}

// option is a flag.
type option struct {
	name, short, usage string
	to                 func(*flags) any
	needs              []string
	values             func(*flags) []string
}

// options are all flags, in the order of the help.
var options = slices.Concat(
	[]option{
		{name: "filter", usage: "show rows that `EXPRESSION` is true for, such as 'receivedRate>1000000'", to: func(f *flags) any { return &f.filter }},
		{name: "sort", usage: "sort by `FIELD,...`; -FIELD puts the largest first", to: func(f *flags) any { return &f.order },
			values: (*flags).fieldNames},
		{name: "interval", usage: "read every `SECONDS`; every second unless given", to: func(f *flags) any { return &f.interval }},
		{name: "once", usage: "print one reading and end", to: func(f *flags) any { return &f.once }},
		{name: "count", usage: "print `N` readings and end", to: func(f *flags) any { return &f.count }},
		{name: "json", usage: "print JSON Lines, an object for each row, and show no screen", to: func(f *flags) any { return &f.asJSON }},
		{name: "csv", usage: "print comma-separated values, and show no screen", to: func(f *flags) any { return &f.asCSV }},
		{name: "numeric", short: "n", usage: "show numbers and look no names up", to: func(f *flags) any { return &f.numeric }},
	},
	ofSources(),
	[]option{
		{name: "version", short: "V", usage: "print the version", to: func(f *flags) any { return &f.version }},
		{name: "help", short: "h", usage: "print this", to: func(f *flags) any { return &f.help }},
	},
)

// ofSources are the flags that say which stacks are shown.
func ofSources() (found []option) {
	for i := range sources.Flags {
		of := &sources.Flags[i]
		o := option{name: of.Name, usage: of.Usage, needs: of.Needs, to: func(f *flags) any { return of.To(&f.Where) }}
		if of.Values != nil {
			o.values = func(f *flags) []string { return of.Values(&f.Where) }
		}
		found = append(found, o)
	}
	return found
}

func newCommand() *cobra.Command { return newCommandFor(new(flags)) }

// newCommandFor returns the command that sets those flags.
func newCommandFor(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "nettop [VIEW]",
		Short:         "show the network stack of this host as it moves",
		Long:          long + "\n\nViews:\n" + strings.Join(viewLines(), "\n"),
		Example:       example,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				for i := range views {
					names = append(names, views[i].name+"\t"+views[i].usage)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.version {
				return commandline.PrintVersion(cmd, commandline.Version(version)+" (netsnmp-agent)")
			}
			if err := f.check(cmd.Flags(), args); err != nil {
				return err
			}
			if f.prints() {
				return printReadings(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if !isTerminal(cmd.OutOrStdout()) || !isTerminal(os.Stdin) {
				return errors.New("standard input and output are no terminal: --once, --count, --json and --csv show no screen")
			}
			return showScreen(cmd.Context(), f)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	for _, o := range options {
		commandline.Declare(fs, o.to(f), o.name, o.short, o.usage)
	}
	commandline.Once(fs)
	cmd.SetFlagErrorFunc(commandline.FlagError)
	complete(cmd, f)
	return cmd
}

// viewLines tell of the views in the help.
func viewLines() (lines []string) {
	for i := range views {
		lines = append(lines, fmt.Sprintf("  %-12s%s", views[i].name, views[i].usage))
	}
	return lines
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// complete teaches the shell the values of flags.
func complete(cmd *cobra.Command, f *flags) {
	register := func(flag string, complete cobra.CompletionFunc) {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // a flag that there is not
		}
	}
	chosen := func(args []string) {
		if len(args) > 0 {
			f.view, _ = findView(args[0])
		}
	}
	for _, o := range options {
		if o.values != nil {
			register(o.name, func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
				chosen(args)
				return o.values(f), cobra.ShellCompDirectiveNoFileComp
			})
		}
	}
	register("filter", func(_ *cobra.Command, args []string, _ string) (terms []string, _ cobra.ShellCompDirective) {
		chosen(args)
		for _, name := range f.fieldNames() {
			terms = append(terms, name+"=")
		}
		return terms, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// fieldNames are what a filter and an order may name of the rows of the view.
func (f *flags) fieldNames() []string {
	v := f.view
	if v == nil {
		v = &views[0]
	}
	return v.table(new(changes)).Names()
}

// prints reports whether readings are printed in place of shown on a screen.
func (f *flags) prints() bool { return f.once || f.count > 0 || f.asJSON || f.asCSV }

// check completes the flags and says what does not fit together.
func (f *flags) check(fs *pflag.FlagSet, args []string) (err error) {
	switch len(args) {
	case 0:
		f.view = possible(&f.Where)[0]
	case 1:
		if f.view, err = findView(args[0]); err != nil {
			return err
		}
		f.viewGiven = true
	default:
		return fmt.Errorf("unexpected argument %q: one view is shown first", args[1])
	}
	for _, o := range options {
		if !fs.Changed(o.name) {
			continue
		}
		if err := commandline.CheckFilled(o.to(f), o.name); err != nil {
			return err
		}
		if len(o.needs) > 0 && !slices.ContainsFunc(o.needs, fs.Changed) {
			return fmt.Errorf("--%s makes sense with --%s only", o.name, strings.Join(o.needs, " and --"))
		}
	}
	for name, seconds := range map[string]float64{"interval": f.interval, "timeout": f.Timeout} {
		if fs.Changed(name) {
			if err := commandline.CheckSeconds(seconds, name); err != nil {
				return err
			}
		}
	}
	if err := f.CheckBounds(fs.Changed); err != nil {
		return err
	}
	if fs.Changed("count") && f.count == 0 {
		return errors.New("--count: 0 readings are none")
	}
	if f.At != "" {
		if err := sources.CheckAt(f.At); err != nil {
			return err
		}
	}
	apart := append(slices.Clone(sources.Apart), [2]string{"json", "csv"}, [2]string{"once", "count"})
	for _, pair := range apart {
		if fs.Changed(pair[0]) && fs.Changed(pair[1]) {
			return fmt.Errorf("--%s makes no sense with --%s", pair[1], pair[0])
		}
	}
	if fs.Changed("interval") && f.Recording != "" {
		return errors.New("--interval makes no sense with --recording: what is recorded was read when it was")
	}
	if f.interval == 0 {
		f.interval = 1
	}
	if f.view.lacks != nil {
		if err := f.view.lacks(&f.Where); err != nil {
			return fmt.Errorf("%s: %w", f.view.name, err)
		}
	}
	if f.order != "" {
		if err := checkOrder(f.view, f.order); err != nil {
			return fmt.Errorf("--sort: %w", err)
		}
	}
	return nil
}

// lingering is for how long a row that ended stays on the screen.
const lingering = 5 * time.Second

// showOptions are how rows are read.
func (f *flags) showOptions() show.Options {
	return show.Options{
		Elsewhere: f.IsElsewhere(), ComeAndGo: f.ComeAndGo(),
		Programs: true, Human: true, Extend: 1, Top: show.MostTotals,
		Numeric: f.numeric, Interval: f.interval,
	}
}

// complaints are lines for standard error.
func complaints(stderr io.Writer) func(text string) {
	return func(text string) { fmt.Fprintln(stderr, "nettop: "+text) }
}
