package namespaces

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Open opens this kernel's stack in the namespace of a name: its name, path, PID,
// "pid:N", "id:N" or "net:[INODE]", or empty for the program's own. Options of sockets
// come from those sources.
func Open(ctx context.Context, name string, options ...netstat.SocketOptionSource) (*collectors.Kernel, error) {
	path := pathOf(name)
	if !isSought(path) {
		return collectors.Open(collectors.Options{NetNS: path, SocketOptions: options})
	}
	found, err := find(ctx, path)
	if err != nil {
		return nil, err
	}
	return OpenFound(&found, options...)
}

// Path returns what collectors.OpenNetNS takes for the namespace that Open would open now,
// empty for the program's own.
func Path(ctx context.Context, name string) (string, error) {
	path := pathOf(name)
	if !isSought(path) {
		return path, nil
	}
	found, err := find(ctx, path)
	switch {
	case err != nil:
		return "", err
	case strings.HasPrefix(path, "pid:"):
		return processPath(strings.TrimPrefix(path, "pid:")), nil
	case len(found.Processes) > 0:
		return processPath(strconv.Itoa(int(found.Processes[0].PID))), nil
	case len(found.Paths) > 0:
		return found.Paths[0], nil
	}
	return "", fmt.Errorf("network namespace %s: %w", name, fs.ErrNotExist)
}

// isSought reports whether a namespace is looked for among all: "pid:N", "id:N" and
// "net:[INODE]".
func isSought(path string) bool { return strings.Contains(path, ":") && !strings.Contains(path, "/") }

func find(ctx context.Context, name string) (netstat.Namespace, error) {
	own, err := collectors.Open(collectors.Options{})
	if err != nil {
		return netstat.Namespace{}, err
	}
	defer own.Close()
	return own.FindNamespace(ctx, name)
}

// pathOf is the name, or of a PID the path of its namespace.
func pathOf(name string) string {
	if _, err := strconv.ParseUint(name, 10, 31); err == nil {
		// A namespace may have a number as its name.
		if _, err := os.Stat("/run/netns/" + name); err != nil {
			return processPath(name)
		}
	}
	return name
}

func processPath(pid string) string { return "/proc/" + pid + "/ns/net" }

// OpenFound opens a namespace that was found, with those sources of socket options.
func OpenFound(n *netstat.Namespace, options ...netstat.SocketOptionSource) (*collectors.Kernel, error) {
	own, err := collectors.Open(collectors.Options{SocketOptions: options})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	return own.OpenNamespace(n)
}

// List returns every namespace of the host that can be found.
func List(ctx context.Context) (found []netstat.Namespace, err error) {
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

// few is how many namespaces are read one by one: that tells options of sockets the more
// exactly, and a look at all at once is the faster.
const few = 8

// OptionsOf returns sources of options for one look at namespaces.
func OptionsOf(found []netstat.Namespace, sources []netstat.SocketOptionSource) []netstat.SocketOptionSource {
	if len(found) <= few {
		return sources
	}
	of := slices.Clone(sources)
	for i, source := range of {
		if many, ok := source.(netstat.NamespacesOptionSource); ok {
			of[i] = many.ForNamespaces()
		}
	}
	return of
}

// Sources opens the stack of the namespace that Open would, or of every one with All.
// The errors of those among all that cannot be opened go to complain.
func Sources(ctx context.Context, name string, complain func(error), options ...netstat.SocketOptionSource) ([]*show.Source, error) {
	if name == All {
		return every(ctx, complain, options)
	}
	kernel, err := Open(ctx, name, options...)
	if err != nil {
		return nil, err
	}
	src := source(kernel)
	src.Name = name
	return []*show.Source{src}, nil
}

func source(kernel *collectors.Kernel) *show.Source {
	return &show.Source{Stack: kernel, Release: func() { _ = kernel.Close() }} // nothing was written
}

func every(ctx context.Context, complain func(error), options []netstat.SocketOptionSource) (sources []*show.Source, err error) {
	found, err := List(ctx)
	if err != nil {
		return nil, err
	}
	options = OptionsOf(found, options)
	for _, n := range found {
		kernel, err := OpenFound(&n, options...)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			// It went meanwhile.
		case err != nil:
			complain(err)
		default:
			src := source(kernel)
			src.NetNS, src.Name = n.Label(), n.Label()
			src.Key = fmt.Sprintf("%d:%d", n.Device, n.Inode)
			sources = append(sources, src)
		}
	}
	if len(sources) == 0 {
		return nil, errors.New("no network namespace can be entered")
	}
	return sources, nil
}
