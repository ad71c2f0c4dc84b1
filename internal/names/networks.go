package names

import (
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// Networks are the names of networks of IPv4, by their first address (networks(5)).
type Networks map[netip.Addr]string

// ReadNetworks reads /etc/networks. A file that is not there has no names.
func ReadNetworks() Networks { return readFile("/etc/networks", ParseNetworks) }

// ParseNetworks reads a file in the form of networks(5): a name and a network, of which zeros at the end may be
// left out. Lines that have another form are passed over; the first name of a network counts.
func ParseNetworks(r io.Reader) Networks {
	n := make(Networks)
	for fields := range lines(r) {
		parts := strings.Split(fields[1], ".")
		var octets [4]byte
		if len(parts) > len(octets) {
			continue
		}
		whole := true
		for i, part := range parts {
			octet, err := strconv.ParseUint(part, 10, 8)
			octets[i], whole = byte(octet), whole && err == nil
		}
		if address := netip.AddrFrom4(octets); whole && n[address] == "" {
			n[address] = fields[0]
		}
	}
	return n
}

// Name returns the name of a network, empty where it has none.
func (n Networks) Name(network netip.Prefix) string {
	if network.IsSingleIP() {
		return ""
	}
	return n[network.Addr()]
}
