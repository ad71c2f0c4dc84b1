package show

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Source is a stack that is shown.
type Source struct {
	stack netstat.Stack
	// netns names the namespace, empty where only one is shown.
	netns string
	// host names the host, empty where only one is shown.
	host string
	// snmp says that the stack is another host's, read by SNMP.
	snmp bool
	// namespace tells one namespace of this host from all others that there are at
	// the same time; empty where only one is shown.
	namespace string
	// at is the moment that the stack is of, the zero time for the present.
	at time.Time
	// turn is when the turn began that the stack is read in, the zero time where
	// there are none.
	turn time.Time
	// release gives up what the stack is read through; nil for nothing.
	release func()
	// renew has this stack, and those that are read with it, read anew in a turn
	// that ends then; nil where nothing is remembered.
	renew func(until time.Time)
	// interfaces are the names of interfaces by index, nil before they were read.
	interfaces map[uint32]string
	// addresses are those of interfaces by index, where a table shows them beside.
	addresses map[uint32][]netstat.Address
	// newSockets are the options of new sockets, nil before they were read.
	newSockets *newSockets
}

// Open opens the stacks. The errors of those among
// several that cannot be opened go to complain.
func (w *Where) Open(ctx context.Context, complain func(error)) ([]*Source, error) {
	switch {
	case w.IsRemote():
		return w.openHosts(ctx)
	case w.Recording != "":
		return w.openRecording(complain)
	case w.NetNS == AllNamespaces:
		return openEvery(ctx, complain, w.SocketOptions)
	}
	kernel, err := OpenKernel(ctx, w.NetNS, w.SocketOptions...)
	if err != nil {
		return nil, err
	}
	return []*Source{kernelSource(kernel, "")}, nil
}

func kernelSource(kernel *collectors.Kernel, netns string) *Source {
	return &Source{stack: kernel, netns: netns, release: func() { _ = kernel.Close() }} // nothing was written
}

// OpenKernel opens this kernel's stack in the namespace that --netns names, with those
// sources of socket options.
func OpenKernel(ctx context.Context, netns string, options ...collectors.SocketOptionSource) (*collectors.Kernel, error) {
	if pid, err := strconv.ParseUint(netns, 10, 31); err == nil {
		// A namespace may have a number as its name.
		if _, err := os.Stat("/run/netns/" + netns); err != nil {
			netns = fmt.Sprintf("/proc/%d/ns/net", pid)
		}
	}
	if !strings.Contains(netns, ":") || strings.Contains(netns, "/") {
		return collectors.Open(collectors.Options{NetNS: netns, SocketOptions: options})
	}
	own, err := collectors.Open(collectors.Options{SocketOptions: options})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	found, err := own.FindNamespace(ctx, netns)
	if err != nil {
		return nil, err
	}
	return own.OpenNamespace(&found)
}

// OpenNamespace opens a namespace that was found, with those sources of socket options.
func OpenNamespace(n *netstat.Namespace, options ...collectors.SocketOptionSource) (*collectors.Kernel, error) {
	own, err := collectors.Open(collectors.Options{SocketOptions: options})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	return own.OpenNamespace(n)
}

// openEvery opens every namespace of the host.
func openEvery(ctx context.Context, complain func(error), options []collectors.SocketOptionSource) (sources []*Source, err error) {
	namespaces, err := ListNamespaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range namespaces {
		kernel, err := OpenNamespace(&n, options...)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			// It went meanwhile.
		case err != nil:
			complain(err)
		default:
			src := kernelSource(kernel, n.Label())
			src.namespace = fmt.Sprintf("%d:%d", n.Device, n.Inode)
			sources = append(sources, src)
		}
	}
	if len(sources) == 0 {
		return nil, errors.New("no network namespace can be entered")
	}
	return sources, nil
}

// ListNamespaces returns every namespace of the host that can be found.
func ListNamespaces(ctx context.Context) (found []netstat.Namespace, err error) {
	own, err := collectors.Open(collectors.Options{})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	for n, err := range own.Namespaces(ctx) {
		if err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, nil
}

// NewSource returns a stack as one to show, with the name of its namespace where several
// are shown.
func NewSource(stack netstat.Stack, netns string) *Source { return &Source{stack: stack, netns: netns} }

// NetNS returns the name of the stack's namespace, empty where only one is shown.
func (src *Source) NetNS() string { return src.netns }

// label is what tells the stack from the others that are shown, empty for the
// only one.
func (src *Source) label() string { return cmp.Or(src.host, src.netns) }

// key is what the stack is known by from turn to turn.
func (src *Source) key() string { return cmp.Or(src.namespace, src.host) }

// fresh forgets what was read of the stack, for a turn that begins now and ends then.
func (src *Source) fresh(now, until time.Time) {
	src.interfaces, src.newSockets, src.turn = nil, nil, now
	if src.renew != nil {
		src.renew(until)
	}
}

// Close gives up what the stack is read through.
func (src *Source) Close() {
	if src.release != nil {
		src.release()
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
	reader, ofHost := src.stack.(nameReader)
	fail := func(err error) {
		if err != nil && ctx.Err() == nil {
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
	for i, err := range src.stack.Interfaces(ctx) {
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
