package collectors

import (
	"os"

	"golang.org/x/sys/unix"
)

// interfaceNames tells the names of a namespace's interfaces by their indexes, one at a time
// (netdevice(7), SIOCGIFNAME). It needs no netlink.
type interfaceNames struct {
	socket int
	known  map[uint32]string
}

func (k *Kernel) newInterfaceNames() (*interfaceNames, error) {
	n := &interfaceNames{known: make(map[uint32]string)}
	err := k.inside(func() (err error) {
		n.socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (n *interfaceNames) close() { unix.Close(n.socket) }

// name returns the name of an interface, empty where there is none.
func (n *interfaceNames) name(index uint32) string {
	if index == 0 {
		return ""
	}
	name, ok := n.known[index]
	if !ok {
		request, err := unix.NewIfreq("")
		if err != nil {
			return ""
		}
		request.SetUint32(index)
		if err := unix.IoctlIfreq(n.socket, unix.SIOCGIFNAME, request); err == nil {
			name = request.Name()
		}
		n.known[index] = name
	}
	return name
}
