package commandline

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Names has flags be known by other names too, and by every beginning of a name that belongs to
// one flag alone, as getopt_long(3) of the GNU library does. others maps further names to
// flags' own. Beginnings of first, and of others, count before those of all flags: they are names
// that another program gave its flags, whose users abbreviate them.
//
// A name that several others begin with may be abbreviated as well. Names is called after all
// flags were declared.
func Names(fs *pflag.FlagSet, others map[string]string, first ...string) {
	exact := make(map[string]string)
	var all []string
	fs.VisitAll(func(f *pflag.Flag) {
		exact[f.Name] = f.Name
		all = append(all, f.Name)
	})
	preferred := slices.Clone(first)
	for other, name := range others {
		exact[other] = name
		preferred = append(preferred, other)
	}
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if known, ok := exact[name]; ok {
			return pflag.NormalizedName(known)
		}
		for _, names := range [][]string{preferred, all} {
			if found := abbreviated(name, names, exact); found != "" {
				return pflag.NormalizedName(found)
			}
		}
		return pflag.NormalizedName(name)
	})
}

// abbreviated returns the flag that the only name which begins so stands for, or the name that
// all others which do begin with; empty where there is neither.
func abbreviated(beginning string, names []string, flags map[string]string) string {
	var found []string
	for _, name := range names {
		if beginning != "" && strings.HasPrefix(name, beginning) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return ""
	}
	shortest := slices.MinFunc(found, func(a, b string) int { return len(a) - len(b) })
	for _, name := range found {
		if !strings.HasPrefix(name, shortest) && flags[name] != flags[shortest] {
			return ""
		}
	}
	return flags[shortest]
}
