// Package commandline words what is wrong with a command line: the flag, its value
// and what was expected in its place.
package commandline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// FlagError words an error of parsing a command's flags. It is for
// (*cobra.Command).SetFlagErrorFunc.
func FlagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		wrong   *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
		other   *notChoice
	)
	switch {
	case errors.As(err, &unknown):
		return suggest(cmd, unknown)
	case errors.As(err, &missing):
		name, _ := pflag.UnquoteUsage(missing.GetFlag())
		return fmt.Errorf("--%s: the value is missing: %s", missing.GetFlag().Name, name)
	case errors.As(err, &wrong) && errors.Is(wrong, errTwice):
		return fmt.Errorf("--%s: it is given twice, the second time as %q", wrong.GetFlag().Name, wrong.GetValue())
	case errors.As(err, &wrong) && errors.As(wrong, &other):
		return fmt.Errorf("--%s: %q is %w", wrong.GetFlag().Name, wrong.GetValue(), other)
	case errors.As(err, &wrong):
		return fmt.Errorf("--%s: %q is %s", wrong.GetFlag().Name, wrong.GetValue(), unlike(wrong.GetFlag()))
	case errors.As(err, &syntax):
		return fmt.Errorf("%q is no flag: see %s --help", syntax.GetSpecifiedFlag(), cmd.CommandPath())
	}
	return err
}

// unlike says what a value is not that a flag does not take.
func unlike(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "neither true nor false"
	case "float64":
		if name, _ := pflag.UnquoteUsage(flag); name == "SECONDS" {
			return "not a number of seconds"
		}
		return "not a number"
	case "uint32":
		return "not a number from 0 to 4294967295"
	case "count", "int":
		return "not a number"
	case "stringSlice":
		return "not a list with commas between its values: a value that has a quotation mark stands in quotation marks itself"
	}
	return "not what it takes"
}

// suggest words an error about an unknown flag with one that was perhaps meant.
func suggest(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name, program := unknown.GetSpecifiedName(), cmd.CommandPath()
	if unknown.GetSpecifiedShortnames() != "" {
		if other := cmd.Flags().ShorthandLookup(otherCase(name)); other != nil && !other.Hidden {
			return fmt.Errorf("unknown flag -%s: did you mean -%s, or %s --help?", name, other.Shorthand, program)
		}
		return fmt.Errorf("unknown flag -%s: see %s --help", name, program)
	}
	// Up to three letters may be wrong, and not most of them.
	best, distance := "", min(4, len(name)/2+1)
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		d := editDistance(name, flag.Name)
		if strings.HasPrefix(flag.Name, name) {
			d = 1
		}
		if d < distance {
			best, distance = flag.Name, d
		}
	})
	if best == "" {
		return fmt.Errorf("unknown flag --%s: see %s --help", name, program)
	}
	var could []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, name) && !flag.Hidden {
			could = append(could, "--"+flag.Name)
		}
	})
	if len(could) > 1 {
		return fmt.Errorf("--%s is not clear: it is the beginning of %s", name, strings.Join(could, ", "))
	}
	return fmt.Errorf("unknown flag --%s: did you mean --%s?", name, best)
}

func otherCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

// editDistance is how many letters must be added, removed or changed to make b
// of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
