package show

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Source is a stack that is shown, and where it comes from.
type Source struct {
	// Stack is what rows are read from.
	Stack netstat.Stack
	// NetNS names the namespace in every row, empty where only one is shown; so does
	// Host the host.
	NetNS, Host string
	// SNMP says that the stack is another host's, read by SNMP.
	SNMP bool
	// Name is what people know the namespace by, whether rows name it or not.
	Name string
	// Key tells the namespace from all others of this host that there are at the
	// same time; empty where only one is shown.
	Key string
	// At is the moment that the stack is of, the zero time for the present.
	At time.Time
	// Release gives up what the stack is read through; nil for nothing.
	Release func()
	// Renew has this stack, and those that are read with it, read anew in a turn
	// that ends then; nil where nothing is remembered.
	Renew func(until time.Time)
	// Count reads the stack's counters as they are now, where they may wrap around and
	// begin anew between two looks; nil where the stack's own do not.
	Count func(context.Context) (Counts, error)

	// turn is when the turn began that the stack is read in, the zero time where
	// there are none.
	turn time.Time
	// interfaces are the names of interfaces by index, nil before they were read.
	interfaces map[uint32]string
	// addresses are those of interfaces by index, where a table shows them beside.
	addresses map[uint32][]netstat.Address
	// newSockets are the options of new sockets, nil before they were read.
	newSockets *newSockets
}

// Silence is an error of a stack of which nothing is known: there is nothing else to
// say then.
type Silence interface {
	error
	// Late reports whether the stack may tell yet.
	Late() bool
}

// silent returns the error among others that is a Silence, nil where there is none.
func silent(err error) Silence {
	var s Silence
	if errors.As(err, &s) {
		return s
	}
	return nil
}

// showsHosts reports whether a stack that is shown is read by SNMP, or was when it
// was recorded.
func (s *Session) showsHosts() bool {
	return slices.ContainsFunc(s.sources, func(src *Source) bool { return src.SNMP })
}

// label is what tells the stack from the others that are shown, empty for the
// only one.
func (src *Source) label() string { return cmp.Or(src.Host, src.NetNS) }

// key is what the stack is known by from turn to turn.
func (src *Source) key() string { return cmp.Or(src.Key, src.Host, src.NetNS) }

// fresh returns the stack with nothing read of it, for a turn that begins now and ends
// then. Rows of earlier turns keep what was read for them.
func (src *Source) fresh(now, until time.Time) *Source {
	next := *src
	next.interfaces, next.addresses, next.newSockets, next.turn = nil, nil, nil, now
	if !src.At.IsZero() {
		next.turn = src.At
	}
	if next.Renew != nil {
		next.Renew(until)
	}
	return &next
}

// now is the time of what is read of the stack.
func (src *Source) now() time.Time {
	if !src.At.IsZero() {
		return src.At
	}
	return time.Now()
}

// Close gives up what the stack is read through.
func (src *Source) Close() {
	if src.Release != nil {
		src.Release()
	}
}

// nameReader is a stack that tells the names of interfaces with less ado than what
// else they have.
type nameReader interface {
	InterfaceNames(context.Context) (map[uint32]string, error)
}

// readNames reads the names of a stack's interfaces, once. What cannot be read is said.
func (s *Session) readNames(ctx context.Context, src *Source) {
	if src.interfaces != nil {
		return
	}
	src.interfaces = make(map[uint32]string)
	reader, ofHost := src.Stack.(nameReader)
	fail := func(err error) {
		// Where all names are there, what else of a host's interfaces is unknown is said nevertheless: its agent
		// told it wrongly.
		if err != nil && (ofHost || !netstat.IsComplete(err)) && ctx.Err() == nil {
			// That a recording was made without them is nothing to complain of.
			s.lacks("names of interfaces", src, err, ofHost)
		}
	}
	if ofHost {
		names, err := reader.InterfaceNames(ctx)
		maps.Copy(src.interfaces, names)
		fail(err)
		return
	}
	for i, err := range src.Stack.Interfaces(ctx) {
		if err != nil {
			fail(err)
			return
		}
		src.interfaces[i.Index] = i.Name
	}
}

// known returns the name of an interface, where it has one and names were read.
func (src *Source) known(index uint32) (name string, ok bool) {
	if index == 0 {
		return "", false
	}
	name = src.interfaces[index]
	return name, name != ""
}

// name returns what an interface is called on a terminal: its name, its index where it
// has none, and nothing for 0.
func (src *Source) name(index uint32) string {
	if index == 0 {
		return ""
	}
	name, ok := src.known(index)
	if !ok {
		name = strconv.FormatUint(uint64(index), 10)
	}
	return name
}

// index returns the index of an interface by its name.
func (src *Source) index(name string) (uint32, bool) {
	for index, n := range src.interfaces {
		if n == name {
			return index, true
		}
	}
	return 0, false
}
