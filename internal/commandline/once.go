package commandline

import (
	"errors"

	"github.com/spf13/pflag"
)

// Once has flags that hold one value be given once: of two values, one would be
// passed over.
func Once(fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) {
		switch f.Value.Type() {
		case "string", "float64", "uint32", "int", "duration", "choice":
			f.Value = &once{Value: f.Value}
		}
	})
}

type once struct {
	pflag.Value
	given bool
}

var errTwice = errors.New("given twice")

func (o *once) Set(text string) error {
	if o.given {
		return errTwice
	}
	o.given = true
	return o.Value.Set(text)
}
