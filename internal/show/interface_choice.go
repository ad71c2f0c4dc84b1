package show

import (
	"context"
	"errors"
	"slices"
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
			if !src.snmp {
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

var errNoInterface = errors.New("there is none")
