package netstat

import (
	"cmp"
	"context"
	"iter"
	"strconv"
)

// Identity tells one stack's counters from another's: counters of stacks with
// different identities must not be compared.
type Identity struct {
	// BootID changes with each start of the host
	// (/proc/sys/kernel/random/boot_id).
	BootID string
	// Cookie is the namespace's number, which is not used again until the host
	// restarts (SO_NETNS_COOKIE, Linux 5.14). Unknown before that.
	Cookie Optional[uint64]
	// Inode is the namespace's file in nsfs. Another namespace may have the
	// number later.
	Inode uint64
}

// IdentityReader tells which stack is read.
// Errors of its method are as for [Stack].
type IdentityReader interface {
	Identity(ctx context.Context) (Identity, error)
}

// Namespace is a network namespace of a host.
type Namespace struct {
	// Device and Inode are its file's, which stand for it while it exists.
	Device, Inode uint64
	// Names are those that ip-netns(8) knows it by, in ascending order; empty
	// for most containers.
	Names []string
	// Paths are where it is mounted, names included, in ascending order.
	Paths []string
	// ID is the number that the reader's namespace knows it by
	// (RTM_GETNSID); unknown where it has none.
	ID Optional[int32]
	// Processes are those that run in it and that the reader may look at, in
	// ascending order of PID. A namespace that only its name, a socket or a
	// thread holds has none.
	Processes []Process
	// Current says that it is the reader's own.
	Current bool
}

// Label returns what a person recognises the namespace by: its first name, else
// its first path, else "pid:" and its first process, else "net:[INODE]".
func (n *Namespace) Label() string {
	switch {
	case len(n.Names) > 0:
		return n.Names[0]
	case len(n.Paths) > 0:
		return n.Paths[0]
	case len(n.Processes) > 0:
		return "pid:" + strconv.Itoa(int(n.Processes[0].PID))
	}
	return "net:[" + strconv.FormatUint(n.Inode, 10) + "]"
}

// Compare orders namespaces: the reader's own, then named ones by name, then
// the others by inode.
func (n *Namespace) Compare(m *Namespace) int {
	if n.Current != m.Current {
		if n.Current {
			return -1
		}
		return 1
	}
	if named := len(n.Names) > 0; named != (len(m.Names) > 0) {
		if named {
			return -1
		}
		return 1
	} else if named {
		if c := cmp.Compare(n.Names[0], m.Names[0]); c != 0 {
			return c
		}
	}
	return cmp.Compare(n.Inode, m.Inode)
}

// NamespaceReader reads the namespaces of a host.
// Errors of its method are as for [Stack].
type NamespaceReader interface {
	// Namespaces yields every network namespace that has a name, a mount or a
	// process and that the reader may see, in the order of Compare.
	Namespaces(ctx context.Context) iter.Seq2[Namespace, error]
}

// InNamespace is a row with the namespace that it is of.
type InNamespace[T any] struct {
	Namespace *Namespace `json:"namespace"` // shared by the rows of a namespace; not to be changed
	Row       T          `json:"row"`
}
