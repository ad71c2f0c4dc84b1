package commandline

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// PrintVersion prints what a program's --version says. cobra prints a version in this form
// by a template, and a program with text/template in it keeps every exported method there
// is: a template may call each by its name.
func PrintVersion(cmd *cobra.Command, version string) error {
	_, err := fmt.Fprintln(cmd.OutOrStdout(), cmd.Name(), version)
	return err
}

// Version returns a program's version: the one that the linker set, or that of its module.
func Version(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
