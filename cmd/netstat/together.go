package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
)

// checkTogether says which flags do not go together: a flag is honoured by what is
// chosen, or refused.
func (f *flags) checkTogether(fs *pflag.FlagSet) (err error) {
	for _, m := range modifiers {
		if fs.Changed(m.name) && len(m.needs) > 0 && !slices.ContainsFunc(m.needs, fs.Changed) {
			return fmt.Errorf("--%s makes sense with --%s only", m.name, strings.Join(m.needs, " and --"))
		}
	}
	for name, by := range alone {
		if !fs.Changed(name) {
			continue
		}
		fs.Visit(func(flag *pflag.Flag) {
			if flag.Name != name && !slices.Contains(strings.Fields(by.takes), flag.Name) && err == nil {
				err = fmt.Errorf("--%s makes no sense with --%s, %s", flag.Name, name, by.why)
			}
		})
		if err != nil {
			return err
		}
	}
	chosen := f.chosen()
	if f.record != "" || f.save != "" || f.pin || f.unpin || f.moments {
		chosen = nil
	}
	for _, m := range modifiers {
		name := m.name
		if b, ok := m.to(f).(*bool); m.scope == internet && ok && *b && !fs.Changed(name) {
			name = "protocol" // which names it
		} else if !fs.Changed(name) {
			continue
		}
		if wrong := refuses(chosen, m.name, m.scope); wrong != nil {
			return fmt.Errorf("--%s makes no sense with %s: it goes with %s", name, wrong.title(), strings.Join(takers(m.name), ", "))
		}
	}
	for _, pair := range sources.Apart {
		if fs.Changed(pair[0]) && fs.Changed(pair[1]) {
			return fmt.Errorf("--%s makes no sense with --%s", pair[1], pair[0])
		}
	}
	for _, pair := range apart {
		if fs.Changed(pair.one) && fs.Changed(pair.other) {
			why := ""
			if pair.why != "" {
				why = ": " + pair.why
			}
			return fmt.Errorf("--%s makes no sense with --%s%s", pair.other, pair.one, why)
		}
	}
	return nil
}

// refuses returns the mode among those that are chosen which has a flag refused, nil
// for none.
func refuses(chosen []*mode, flag string, s scope) (wrong *mode) {
	for _, m := range chosen {
		switch takes := m.takesFlag(flag); {
		case s == everywhere, s == some && takes:
			return nil
		case !takes && (s != internet || !m.beside):
			wrong = m
		}
	}
	return wrong
}

// takers are the modes that take a flag, as a sentence calls them.
func takers(flag string) (names []string) {
	for i := range modes {
		if modes[i].takesFlag(flag) {
			names = append(names, modes[i].title())
		}
	}
	return names
}
