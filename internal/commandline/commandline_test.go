package commandline

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// run runs a program with a flag of every type and returns what it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := &cobra.Command{Use: "program", Args: NoArgs, SilenceErrors: true, SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error { return nil }}
	cmd.SetOut(&out)
	cmd.SetFlagErrorFunc(FlagError)
	fs := cmd.Flags()
	fs.BoolP("all", "a", false, "")
	fs.BoolP("packet", "B", false, "")
	fs.Float64("interval", 0, "every `SECONDS`")
	fs.Float64("ratio", 0, "")
	fs.Uint32("table", 0, "the table `NUMBER`")
	fs.CountP("verbose", "v", "")
	fs.StringP("interface", "I", "", "the interface `IFACE`")
	fs.StringSlice("kinds", nil, "only `KIND,...`")
	Choice(fs, new(string), "options", "``show options", "all", "changed")
	Once(fs)
	err := Execute(t.Context(), cmd, args)
	return out.String(), err
}

func TestFlagErrors(t *testing.T) {
	for want, args := range map[string][]string{
		`--interval: "abc" is not a number of seconds`:               {"--interval", "abc"},
		`--interval: "" is not a number of seconds`:                  {"--interval="},
		`--ratio: "1x" is not a number`:                              {"--ratio=1x"},
		`--table: "x" is not a number from 0 to 4294967295`:          {"--table", "x"},
		`--table: "-1" is not a number from 0 to 4294967295`:         {"--table", "-1"},
		`--table: "4294967296" is not a number from 0 to 4294967295`: {"--table", "4294967296"},
		`--all: "maybe" is neither true nor false`:                   {"-a=maybe"},
		`--verbose: "very" is not a number`:                          {"--verbose=very"},
		`--kinds: "a\"b" is not a list with commas between its values: a value that has a quotation mark stands in quotation marks itself`: {"--kinds", `a"b`},
		`--options: "some" is none of all, changed`:                            {"--options=some"},
		`--options: it is given twice, the second time as "changed"`:           {"--options", "--options=changed"},
		`unexpected argument "changed"`:                                        {"--options", "changed"},
		`--interval: the value is missing: SECONDS`:                            {"--interval"},
		`--interface: the value is missing: IFACE`:                             {"-aI"},
		`--kinds: the value is missing: KIND,...`:                              {"--kinds"},
		`"---all" is no flag: see program --help`:                              {"---all"},
		`"--=x" is no flag: see program --help`:                                {"--=x"},
		`unknown flag --intervall: did you mean --interval?`:                   {"--intervall"},
		`unknown flag --interv: did you mean --interval?`:                      {"--interv"},
		`unknown flag --something: see program --help`:                         {"--something"},
		`unknown flag --bal: see program --help`:                               {"--bal"},
		`unknown flag -b: did you mean -B, or program --help?`:                 {"-ab"},
		`unknown flag -z: see program --help`:                                  {"-z"},
		`unexpected argument "x"`:                                              {"x"},
		`completion: the shell is missing: one of bash, fish, powershell, zsh`: {"completion"},
		`completion: "sh" is none of bash, fish, powershell, zsh`:              {"completion", "sh"},
	} {
		out, err := run(t, args...)
		if err == nil || err.Error() != want || out != "" {
			t.Errorf("%q: %v, want %s\n%s", args, err, want, out)
		}
	}
	if out, err := run(t, "--help"); err != nil || !strings.Contains(out, "--options[=all] ") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := run(t, "-av", "--options=changed", "--interval=1e1", "--table", "0x10", "--kinds", `a,"b,c"`); err != nil {
		t.Error(err)
	}
}

// A name may be abbreviated as long as one flag is meant, and those that come first count before
// others.
func TestNames(t *testing.T) {
	for beginning, want := range map[string]string{
		"numeric": "numeric", "num": "numeric", "numeric-p": "numeric-ports", "listen": "listening", "listen-": "listen-queues", "prog": "programs",
		"program": "programs", "in": "in", "inte": "interfaces", "interf": "interfaces", "interface": "interface", "": "", "x": "x", "js": "json",
	} {
		fs := pflag.NewFlagSet("program", pflag.ContinueOnError)
		for _, name := range []string{"numeric", "numeric-hosts", "numeric-ports", "listening", "listen-queues", "programs", "inet", "inet6", "interfaces", "interface", "interval", "json"} {
			fs.Bool(name, false, "")
		}
		Names(fs, map[string]string{"program": "programs"}, "numeric", "numeric-hosts", "numeric-ports", "listening", "programs", "inet", "inet6", "interfaces")
		if got := string(fs.GetNormalizeFunc()(fs, beginning)); got != want {
			t.Errorf("%q: %q, want %q", beginning, got, want)
		}
	}
}

// A help that cannot be written is a failure.
func TestHelpThatCannotBeWritten(t *testing.T) {
	cmd := &cobra.Command{Use: "program", SilenceErrors: true, SilenceUsage: true, Run: func(*cobra.Command, []string) {}}
	full := errors.New("full")
	cmd.SetOut(failing{full})
	if err := Execute(t.Context(), cmd, []string{"--help"}); !errors.Is(err, full) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestEditDistance(t *testing.T) {
	for words, want := range map[[2]string]int{
		{"", ""}: 0, {"a", ""}: 1, {"", "ab"}: 2, {"kitten", "sitting"}: 3, {"buffers", "bufers"}: 1, {"same", "same"}: 0,
	} {
		if got := editDistance(words[0], words[1]); got != want {
			t.Errorf("%q: %d, want %d", words, got, want)
		}
	}
}

// What flags are for is shown in a shell as it is in the help.
func TestUsageInShell(t *testing.T) {
	out, err := run(t, "__complete", "--inter")
	if err != nil || !strings.Contains(out, "--interval\tevery SECONDS\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The shells that are named in errors have their scripts, which know the program.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		cmd := &cobra.Command{Use: "program", Args: NoArgs, Run: func(*cobra.Command, []string) {}}
		var out bytes.Buffer
		cmd.SetOut(&out)
		if err := Execute(t.Context(), cmd, []string{"completion", shell}); err != nil || !strings.Contains(out.String(), "program") {
			t.Errorf("%s: %v, %d bytes", shell, err, out.Len())
		}
	}
}
