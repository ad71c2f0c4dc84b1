package collectors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// lacking is the error for what the kernel has not because it was built without
// an option.
func lacking(option string, cause error) error {
	return fmt.Errorf("%w: this kernel lacks %s (%w)", netstat.ErrNotSupported, option, cause)
}

// lacksModule reports whether a module is neither loaded nor part of the kernel, as
// far as the folder of modules, /sys/module, tells: it is not in every container.
func lacksModule(folder, name string) bool {
	if _, err := os.Stat(folder); err != nil {
		return false
	}
	_, err := os.Stat(filepath.Join(folder, name))
	return errors.Is(err, fs.ErrNotExist)
}

// protocolOption returns the kernel's options for sockets of a protocol.
func protocolOption(p netstat.Protocol) string {
	switch p {
	case netstat.TCP:
		return "CONFIG_INET_TCP_DIAG"
	case netstat.UDP, netstat.UDPLite:
		return "CONFIG_INET_UDP_DIAG"
	case netstat.Raw:
		return "CONFIG_INET_RAW_DIAG"
	case netstat.SCTP:
		return socketOption(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP, "CONFIG_IP_SCTP", "CONFIG_INET_SCTP_DIAG")
	case netstat.MPTCP:
		return socketOption(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP, "CONFIG_MPTCP", "CONFIG_INET_MPTCP_DIAG")
	}
	return "sock_diag of " + p.String()
}

// socketOption returns which of two options a kernel lacks: that for sockets of
// a kind, or, where one can be opened, that for telling of them.
func socketOption(domain, kind, protocol int, sockets, diag string) string {
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ESOCKTNOSUPPORT) {
		return sockets
	}
	if err == nil {
		unix.Close(fd)
	}
	return diag
}
