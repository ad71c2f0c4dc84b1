package main

import (
	"errors"
	"slices"
)

// shows reports whether -I lets what belongs to an interface be shown.
func (s *session) shows(src *source, index uint32) bool {
	return s.iface == "" || src.name(index) == s.chosenName(src)
}

// chosenName returns the name of the interface that -I means in a stack: an
// interface has alternative names besides (ip-link(8), altname).
func (s *session) chosenName(src *source) string {
	if name, known := s.chosenNames[src]; known {
		return name
	}
	name, _ := s.findInterface(src)
	s.chosenNames[src] = name
	return name
}

// findInterface returns the name of the interface that -I means, and whether there
// is one in the stack or it cannot be said.
func (s *session) findInterface(src *source) (name string, found bool) {
	for i, err := range interfaceDetails(s.ctx, src) {
		if err != nil {
			return s.iface, true // what shows interfaces says so
		}
		if i.Name == s.iface || slices.Contains(i.AlternativeNames, s.iface) {
			return i.Name, true
		}
	}
	return s.iface, false
}

// lookForInterface says when the interface that -I means is not there: of several
// namespaces, when none of them has it.
func (s *session) lookForInterface() {
	if s.iface == "" || s.showsHosts() {
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
		s.complain("interface "+s.iface, nil, errNoInterface)
	}
}

var errNoInterface = errors.New("there is none")
