package commandline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// NoArgs refuses arguments.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// Execute runs a program's command with arguments. Its "completion", which cobra
// adds, wants a shell.
func Execute(ctx context.Context, cmd *cobra.Command, args []string) error {
	cmd.SetArgs(args)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		unquoteUsage(cmd)
	}
	cmd.InitDefaultCompletionCmd(args...)
	for _, c := range cmd.Commands() {
		if c.Name() == "completion" {
			wantShell(c)
		}
	}
	var unwritten error
	help := cmd.HelpFunc()
	cmd.SetHelpFunc(func(c *cobra.Command, args []string) {
		w := &checked{Writer: c.OutOrStdout()}
		c.SetOut(w)
		help(c, args)
		c.SetOut(w.Writer)
		unwritten = w.err
	})
	if err := cmd.ExecuteContext(ctx); err != nil {
		return err
	}
	return unwritten
}

// checked keeps the first error of writing, which cobra passes over in the help.
type checked struct {
	io.Writer
	err error
}

func (w *checked) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// unquoteUsage takes the marks out of what flags are for, which cobra shows in a
// shell as they are.
func unquoteUsage(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { _, flag.Usage = pflag.UnquoteUsage(flag) })
	for _, c := range cmd.Commands() {
		unquoteUsage(c)
	}
}

// wantShell makes it an error not to name one of a command's subcommands, or
// another.
func wantShell(completion *cobra.Command) {
	var shells []string
	for _, shell := range completion.Commands() {
		shell.Args = NoArgs
		shells = append(shells, shell.Name())
	}
	known := strings.Join(shells, ", ")
	completion.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("completion: %q is none of %s", args[0], known)
		}
		return nil
	}
	completion.RunE = func(*cobra.Command, []string) error {
		return errors.New("completion: the shell is missing: one of " + known)
	}
}
