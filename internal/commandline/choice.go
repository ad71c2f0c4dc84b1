package commandline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Choice declares a flag that takes one of a few words, and stands for the first of
// them where it has no value: --flag, or --flag=WORD. It is empty where it is not given.
func Choice(fs *pflag.FlagSet, to *string, name, usage string, words ...string) {
	fs.VarPF(&choice{to, words}, name, "", usage).NoOptDefVal = words[0]
}

type choice struct {
	to    *string
	words []string
}

func (c *choice) String() string { return *c.to }
func (c *choice) Type() string   { return "choice" }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return &notChoice{c.words}
	}
	*c.to = text
	return nil
}

// notChoice says that a value is none of the words that a flag takes.
type notChoice struct{ words []string }

func (e *notChoice) Error() string { return fmt.Sprintf("none of %s", strings.Join(e.words, ", ")) }
