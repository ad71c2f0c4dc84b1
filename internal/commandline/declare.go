package commandline

import (
	"fmt"

	"github.com/spf13/pflag"
)

// Declare declares a flag that sets what to points to: a bool, an int that counts how often
// it is given, a uint, a string, a float64 or strings with commas between.
func Declare(fs *pflag.FlagSet, to any, name, short, usage string) {
	switch to := to.(type) {
	case *bool:
		fs.BoolVarP(to, name, short, false, usage)
	case *int:
		fs.CountVarP(to, name, short, usage)
	case *uint:
		fs.UintVarP(to, name, short, 0, usage)
	case *string:
		fs.StringVarP(to, name, short, "", usage)
	case *float64:
		fs.Float64VarP(to, name, short, 0, usage)
	case *[]string:
		fs.StringSliceVarP(to, name, short, nil, usage)
	}
}

// CheckFilled says that a flag that Declare declared has an empty value.
func CheckFilled(to any, name string) error {
	empty := false
	switch to := to.(type) {
	case *string:
		empty = *to == ""
	case *[]string:
		empty = len(*to) == 0
	}
	if empty {
		return fmt.Errorf("--%s: the value is empty", name)
	}
	return nil
}

// CheckSeconds says that a flag has a time that is none to wait for.
func CheckSeconds(seconds float64, name string) error {
	if !(seconds >= 0.01 && seconds <= 86400) {
		return fmt.Errorf("--%s: %v is not between 0.01 and 86400 seconds", name, seconds)
	}
	return nil
}
