package show

import (
	"errors"
	"slices"
)

// shows reports whether -I lets what belongs to an interface be shown.
func (s *Session) shows(src *Source, index uint32) bool {
	return s.Interface == "" || src.name(index) == s.chosenName(src)
}

// chosenName returns the name of the interface that -I means in a stack: an
// interface has alternative names besides (ip-link(8), altname).
func (s *Session) chosenName(src *Source) string {
	if name, known := s.chosenNames[src]; known {
		return name
	}
	name, _ := s.findInterface(src)
	s.chosenNames[src] = name
	return name
}

// findInterface returns the name of the interface that -I means, and whether there
// is one in the stack or it cannot be said.
func (s *Session) findInterface(src *Source) (name string, found bool) {
	for i, err := range interfaceDetails(s.ctx, src) {
		if err != nil {
			return s.Interface, true // what shows interfaces says so
		}
		if i.Name == s.Interface || slices.Contains(i.AlternativeNames, s.Interface) {
			return i.Name, true
		}
	}
	return s.Interface, false
}

// lookForInterface says when the interface that -I means is not there: of several
// namespaces, when none of them has it.
func (s *Session) lookForInterface() {
	if s.Interface == "" || s.showsHosts() {
		return // of hosts -i tells
	}
	clear(s.chosenNames)
	anywhere := false
	for _, src := range s.sources {
		name, found := s.findInterface(src)
		s.chosenNames[src] = name
		anywhere = anywhere || found
	}
	if !anywhere {
		s.complain("interface "+s.Interface, nil, errNoInterface)
	}
}

var errNoInterface = errors.New("there is none")
