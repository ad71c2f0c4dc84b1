package agentx

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// DefaultAddress is where net-snmp's master agent listens.
const DefaultAddress = "unix:/var/agentx/master"

// defaultPort is IANA's for AgentX (RFC 2741, section 8.1.1).
const defaultPort = 705

// maxUnixPath is how long the path of a unix socket can be: sun_path with its
// final NUL (unix(7)).
const maxUnixPath = 107

// ParseAddress parses where a master agent listens, as net-snmp's agentXSocket
// writes it: "unix:/var/agentx/master", "/var/agentx/master",
// "tcp:localhost:705", "tcp6:[::1]:705", "tcp:host" for port 705, or "tcp:705"
// for localhost. Of a list, which agentXSocket may be, it takes none. Network
// and address are those of net.Dial. The error says what is wrong with s: there is no type for it.
func ParseAddress(s string) (network, address string, err error) {
	if !strings.HasPrefix(s, "/") {
		network, address, _ = strings.Cut(s, ":")
	} else {
		network, address = "unix", s
	}
	switch strings.ToLower(network) {
	case "unix":
		network, err = "unix", checkPath(address)
	case "tcp":
		network = "tcp"
		address, err = parseHostPort(network, address)
	case "tcp4":
		network = "tcp4"
		address, err = parseHostPort(network, address)
	case "tcp6", "tcpv6", "tcpipv6":
		network = "tcp6"
		address, err = parseHostPort(network, address)
	default:
		err = errors.New("neither unix:PATH nor tcp:HOST:PORT")
	}
	if err != nil {
		return "", "", fmt.Errorf("AgentX address %q: %w", s, err)
	}
	return network, address, nil
}

var errList = errors.New("a subagent connects to one master: name one address, without a comma")

func checkPath(path string) error {
	switch {
	case path == "":
		return errors.New("no path")
	case strings.Contains(path, ","):
		return errList
	case strings.ContainsRune(path, 0):
		return errors.New("a NUL in the path")
	case len(path) > maxUnixPath:
		return fmt.Errorf("the path is longer than the %d octets that a unix socket's can have", maxUnixPath)
	}
	return nil
}

// parseHostPort parses HOST:PORT, HOST or PORT to what net.Dial takes.
func parseHostPort(network, s string) (string, error) {
	if strings.Contains(s, ",") {
		return "", errList
	}
	host, port, err := splitHostPort(s)
	if err != nil {
		return "", err
	}
	if err := checkHost(network, host); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// splitHostPort is net.SplitHostPort for an address that can lack either part.
func splitHostPort(s string) (host string, port int, err error) {
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	var text string
	switch colon := strings.LastIndexByte(s, ':'); {
	case s == "" || s == ":":
		return "", 0, errors.New("no host and no port")
	case digits(s):
		host, text = "localhost", s
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		return s[1 : len(s)-1], defaultPort, nil
	case colon < 0:
		return s, defaultPort, nil
	default:
		if host, text, err = net.SplitHostPort(s); err != nil {
			if why := (*net.AddrError)(nil); errors.As(err, &why) {
				err = errors.New(why.Err)
			}
			return "", 0, err
		}
		if colon == 0 {
			host = "localhost"
		}
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is not a port: those are 1 to 65535", text)
	}
	return host, int(n), nil
}

// checkHost refuses what can be neither an IP address of the network nor the
// name of a host, and what would be asked of the name servers for ever.
func checkHost(network, host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip4 := ip.Unmap().Is4(); network == "tcp4" && !ip4 || network == "tcp6" && ip4 {
			return fmt.Errorf("%s is no address of %s", host, network)
		}
		return nil
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if l == "" || strings.Trim(l, letters) != "" {
			return fmt.Errorf("%q is neither an IP address nor the name of a host", host)
		}
	}
	// No top-level domain is a number (RFC 1123, section 2.1).
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return fmt.Errorf("%q is not an IP address", host)
	}
	return nil
}

// A connectError says that the master agent could not be reached, and what to
// do about it.
type connectError struct {
	address string
	cause   error
}

func (e *connectError) Unwrap() error { return e.cause }

func (e *connectError) Error() string {
	cause := e.cause
	if op := (*net.OpError)(nil); errors.As(cause, &op) {
		cause = op.Err // without the address, which this error names
	}
	if call := (*os.SyscallError)(nil); errors.As(cause, &call) {
		cause = call.Err
	}
	hint := ""
	switch {
	case errors.Is(cause, fs.ErrPermission):
		hint = ": allow it with a line like 'agentXPerms 0660 0755 root GROUP' in snmpd.conf, or run as root"
	case errors.Is(cause, fs.ErrNotExist):
		hint = ": is the master agent running, with 'master agentx' in its snmpd.conf?"
	case errors.Is(cause, syscall.ECONNREFUSED):
		hint = ": no master agent listens there; does its snmpd.conf say 'master agentx', and the same agentXSocket?"
	}
	return fmt.Sprintf("cannot connect to the AgentX master at %s: %v%s", e.address, cause, hint)
}
