package show

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
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
	// at is the moment that the stack is of, the zero time for the present.
	at time.Time
	// release gives up what the stack is read through; nil for nothing.
	release func()
	// renew has this stack, and those that are read with it, read anew in a turn
	// that ends then; nil where nothing is remembered.
	renew func(until time.Time)
	// interfaces are the names of interfaces by index, nil before they were read;
	// readNames reads them, where one is needed of which that was not foreseen.
	interfaces map[uint32]string
	readNames  func()
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
		return openEvery(ctx, complain)
	}
	kernel, err := OpenKernel(ctx, w.NetNS)
	if err != nil {
		return nil, err
	}
	return []*Source{kernelSource(kernel, "")}, nil
}

func kernelSource(kernel *collectors.Kernel, netns string) *Source {
	return &Source{stack: kernel, netns: netns, release: func() { _ = kernel.Close() }} // nothing was written
}

// OpenKernel opens this kernel's stack in the namespace that --netns names.
func OpenKernel(ctx context.Context, netns string) (*collectors.Kernel, error) {
	if pid, err := strconv.ParseUint(netns, 10, 31); err == nil {
		// A namespace may have a number as its name.
		if _, err := os.Stat("/run/netns/" + netns); err != nil {
			netns = fmt.Sprintf("/proc/%d/ns/net", pid)
		}
	}
	if !strings.Contains(netns, ":") || strings.Contains(netns, "/") {
		return collectors.Open(collectors.Options{NetNS: netns})
	}
	own, err := collectors.Open(collectors.Options{})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	found, err := own.FindNamespace(ctx, netns)
	if err != nil {
		return nil, err
	}
	return collectors.OpenNamespace(&found)
}

// openEvery opens every namespace of the host.
func openEvery(ctx context.Context, complain func(error)) (sources []*Source, err error) {
	namespaces, err := ListNamespaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range namespaces {
		kernel, err := collectors.OpenNamespace(&n)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			// It went meanwhile.
		case err != nil:
			complain(err)
		default:
			sources = append(sources, kernelSource(kernel, n.Label()))
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

// NewSource returns a stack as one to show.
func NewSource(stack netstat.Stack) *Source { return &Source{stack: stack} }

// NetNS returns the name of the stack's namespace, empty where only one is shown.
func (src *Source) NetNS() string { return src.netns }

// label is what tells the stack from the others that are shown, empty for the
// only one.
func (src *Source) label() string { return cmp.Or(src.host, src.netns) }

// fresh forgets what was read of the stack, for a turn that ends then.
func (src *Source) fresh(until time.Time) {
	src.interfaces = nil
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
func (s *Session) readNames(src *Source) {
	if src.interfaces != nil {
		return
	}
	src.interfaces = make(map[uint32]string)
	reader, ofHost := src.stack.(nameReader)
	fail := func(err error) {
		if err != nil && s.ctx.Err() == nil {
			// That a recording was made without them is nothing to complain of.
			s.lacks("names of interfaces", src, err, ofHost)
		}
	}
	if ofHost {
		names, err := reader.InterfaceNames(s.ctx)
		maps.Copy(src.interfaces, names)
		fail(err)
		return
	}
	for i, err := range src.stack.Interfaces(s.ctx) {
		if err != nil {
			fail(err)
			return
		}
		src.interfaces[i.Index] = i.Name
	}
}

// known returns the name of an interface, where it has one.
func (src *Source) known(index uint32) (name string, ok bool) {
	if index == 0 {
		return "", false
	}
	name = src.names()[index]
	return name, name != ""
}

// names returns the names of interfaces by index.
func (src *Source) names() map[uint32]string {
	if src.interfaces == nil && src.readNames != nil {
		src.readNames()
	}
	return src.interfaces
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
	for index, n := range src.names() {
		if n == name {
			return index, true
		}
	}
	return 0, false
}

// row is what a reader yielded, and of which stack.
type Row[T any] struct {
	from *Source
	v    T
}

// each calls show with every row that every source's reader of type R yields. The
// row is the same variable each time. What a source cannot tell is said, and the
// others go on; an error of show, which is the output's, ends it.
func each[R, T any](s *Session, what string, read func(R, context.Context) iter.Seq2[T, error], show func(*Row[T]) error) error {
	var r Row[T]
	for _, src := range s.sources {
		reader, ok := src.stack.(R)
		if !ok {
			s.complain(what, src, netstat.ErrNotSupported)
			continue
		}
		r.from = src
		for v, err := range read(reader, s.ctx) {
			if err != nil {
				if s.ctx.Err() != nil {
					return err
				}
				s.complain(what, src, err)
				break
			}
			r.v = v
			if err := show(&r); err != nil {
				return err
			}
		}
	}
	return nil
}
