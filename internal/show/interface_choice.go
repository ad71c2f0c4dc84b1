package show

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
)

// shows reports whether what belongs to an interface is to be shown.
func (q *query) shows(ctx context.Context, index uint32) bool {
	if len(q.Interfaces) == 0 {
		return true
	}
	q.readNames(ctx, q.src)
	return q.chooses(q.src, q.src.name(index))
}

// chooses reports whether an interface is among those that are to be shown.
func (s *Session) chooses(src *Source, name string) bool {
	return len(s.Interfaces) == 0 || slices.Contains(s.chosenNames[src.key()], name)
}

// findInterface returns the name of the interface that has a name or an alternative
// one (ip-link(8), altname), and whether there is one in the stack or it cannot be
// said.
func (src *Source) findInterface(ctx context.Context, chosen string) (name string, found bool) {
	for i, err := range interfaceDetails(ctx, src) {
		if err != nil {
			return chosen, true // what shows interfaces says so
		}
		if i.Name == chosen || slices.Contains(i.AlternativeNames, chosen) {
			return i.Name, true
		}
	}
	return chosen, false
}

// lookForInterfaces finds the interfaces that are to be shown in every stack, and
// says which is not there: of several namespaces, when none of them has it.
func (s *Session) lookForInterfaces(ctx context.Context) {
	for _, src := range s.sources {
		s.chosenNames[src.key()] = nil
	}
	for _, chosen := range s.Interfaces {
		anywhere := false
		for _, src := range s.sources {
			name, found := chosen, true // hosts tell no alternative ones
			if !src.SNMP {
				name, found = src.findInterface(ctx, chosen)
			}
			s.chosenNames[src.key()] = append(s.chosenNames[src.key()], name)
			anywhere = anywhere || found
		}
		if !anywhere {
			s.complain("interface "+chosen, nil, errNoInterface)
		}
	}
}

// nameInterfaces gives each stack the filter with its own names of interfaces in place of
// alternative ones, and says which interface that the filter asks for none of them has.
func (o *run[T]) nameInterfaces(ctx context.Context, sources []*Source) {
	o.exprs = make(map[*Source]*filter.Expr, len(sources))
	if o.expr == nil {
		return
	}
	fields := cmp.Or(o.kind.filters, filter.Fields(o.kind))
	there := make(map[string]bool) // whether a stack has what the filter asks for
	for _, src := range sources {
		o.exprs[src] = o.expr.WithInterfaces(fields, func(chosen string, wanted bool) string {
			if src.SNMP || slices.Contains(o.kind.places, chosen) {
				return chosen // hosts tell no alternative names
			}
			name, found := src.findInterface(ctx, chosen)
			if wanted {
				there[chosen] = there[chosen] || found
			}
			return name
		})
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !there[name] {
			o.s.complain("interface "+name, nil, errNoInterface)
		}
	}
}

var errNoInterface = errors.New("there is none")
