package netstat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// A flagSet is a set of flags, which is an array of their names in JSON.
type flagSet interface{ Names() []string }

func marshalFlags(f flagSet) ([]byte, error) { return json.Marshal(append([]string{}, f.Names()...)) }

// unmarshalFlags reads what marshalFlags writes, in any order.
func unmarshalFlags[F interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
	flagSet
}](f *F, b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	bits := make(map[string]F, 64)
	for bit := F(1); bit != 0; bit <<= 1 {
		for _, name := range bit.Names() {
			bits[name] = bit
		}
	}
	var set F
	for _, name := range names {
		flag, known := bits[name]
		if !known {
			digits, hexadecimal := strings.CutPrefix(name, "0x")
			n, err := strconv.ParseUint(digits, 16, 32)
			if !hexadecimal || err != nil || n > uint64(^F(0)) {
				return fmt.Errorf("%.64q is no flag of %T", name, *f)
			}
			flag = F(n)
		}
		set |= flag
	}
	*f = set
	return nil
}

// The names are those of ifconfig(8) and ip-link(8) in small letters.
var interfaceFlagNames = []string{"up", "broadcast", "debug", "loopback", "pointopoint", "notrailers", "running", "noarp", "promisc", "allmulti",
	"master", "slave", "multicast", "portsel", "automedia", "dynamic", "lower_up", "dormant", "echo"}

// The names are those of ip-address(8).
var addressFlagNames = []string{"secondary", "nodad", "optimistic", "dadfailed", "home", "deprecated", "tentative", "permanent", "mngtmpaddr",
	"noprefixroute", "autojoin", "stable-privacy"}

// The names are those of ip-neighbour(8) and bridge(8).
var neighbourFlagNames = []string{"use", "self", "master", "proxy", "extern_learn", "offload", "sticky", "router", "managed", "locked"}

// The names are those of the kernel (FIB_RULE_*) in small letters.
var ruleFlagNames = []string{0: "permanent", 1: "invert", 2: "unresolved", 3: "iif_detached", 4: "oif_detached", 16: "find_saddr"}

// The names are those of the kernel (VIFF_*) in small letters.
var multicastInterfaceFlagNames = []string{"tunnel", "srcrt", "register", "use_ifindex"}

// The names are those of conntrack(8).
var expectationFlagNames = []string{"PERMANENT", "INACTIVE", "USERSPACE"}

// The names are those of the kernel (IP_CT_TCP_FLAG_*) in small letters.
var flowTCPFlagNames = []string{"window_scale", "sack_perm", "close_init", "be_liberal", "data_unacknowledged", "maxack_set", "challenge_ack",
	"simultaneous_open"}

// Names returns the names of the flags, the lowest bit first.
func (f InterfaceFlags) Names() []string { return bitNames(uint32(f), interfaceFlagNames, "flag") }

// Names returns the names of the flags, the lowest bit first.
func (f AddressFlags) Names() []string { return bitNames(uint32(f), addressFlagNames, "flag") }

// Names returns the names of the flags, the lowest bit first.
func (f NeighbourFlags) Names() []string { return bitNames(uint32(f), neighbourFlagNames, "flag") }

// Names returns the names of the flags, the lowest bit first.
func (f RuleFlags) Names() []string { return bitNames(uint32(f), ruleFlagNames, "flag") }

// Names returns the names of the flags, the lowest bit first.
func (f MulticastInterfaceFlags) Names() []string {
	return bitNames(uint32(f), multicastInterfaceFlagNames, "flag")
}

// Names returns the names of the flags, the lowest bit first.
func (f ExpectationFlags) Names() []string { return bitNames(uint32(f), expectationFlagNames, "flag") }

// Names returns the names of the flags, the lowest bit first.
func (f FlowTCPFlags) Names() []string { return bitNames(uint32(f), flowTCPFlagNames, "flag") }

// Names returns the names of the flags, as String has them.
func (f SocketFlags) Names() []string { return splitNames(f.String()) }

// Names returns the names of the flags, as String has them.
func (s Shutdown) Names() []string { return splitNames(s.String()) }

// Names returns the names of the flags, as String has them.
func (f PacketFlags) Names() []string { return splitNames(f.String()) }

// Names returns the names of the flags, as String has them.
func (f NetlinkFlags) Names() []string { return splitNames(f.String()) }

// Names returns the names of the flags, as String has them.
func (o TCPOptions) Names() []string { return splitNames(o.String()) }

func splitNames(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, ",")
}

// MarshalJSON returns the flags' names in an array.
func (f InterfaceFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *InterfaceFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f AddressFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *AddressFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f NeighbourFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *NeighbourFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f RouteFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *RouteFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (m RouteMetrics) MarshalJSON() ([]byte, error) { return marshalFlags(m) }

// UnmarshalJSON reads names in an array, in any order.
func (m *RouteMetrics) UnmarshalJSON(b []byte) error { return unmarshalFlags(m, b) }

// MarshalJSON returns the flags' names in an array.
func (f RouteFeatures) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *RouteFeatures) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f RuleFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *RuleFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f MulticastInterfaceFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *MulticastInterfaceFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f ExpectationFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *ExpectationFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f FlowTCPFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *FlowTCPFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (s FlowStatus) MarshalJSON() ([]byte, error) { return marshalFlags(s) }

// UnmarshalJSON reads names in an array, in any order.
func (s *FlowStatus) UnmarshalJSON(b []byte) error { return unmarshalFlags(s, b) }

// MarshalJSON returns the flags' names in an array.
func (f SocketFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *SocketFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (s Shutdown) MarshalJSON() ([]byte, error) { return marshalFlags(s) }

// UnmarshalJSON reads names in an array, in any order.
func (s *Shutdown) UnmarshalJSON(b []byte) error { return unmarshalFlags(s, b) }

// MarshalJSON returns the flags' names in an array.
func (f PacketFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *PacketFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (f NetlinkFlags) MarshalJSON() ([]byte, error) { return marshalFlags(f) }

// UnmarshalJSON reads names in an array, in any order.
func (f *NetlinkFlags) UnmarshalJSON(b []byte) error { return unmarshalFlags(f, b) }

// MarshalJSON returns the flags' names in an array.
func (o TCPOptions) MarshalJSON() ([]byte, error) { return marshalFlags(o) }

// UnmarshalJSON reads names in an array, in any order.
func (o *TCPOptions) UnmarshalJSON(b []byte) error { return unmarshalFlags(o, b) }

// MarshalJSON returns the numbers of the bits that are set in an array of texts.
func (l FlowLabels) MarshalJSON() ([]byte, error) {
	numbers := []string{}
	for n := range uint8(len(l) * 8) {
		if l.Has(n) {
			numbers = append(numbers, strconv.Itoa(int(n)))
		}
	}
	return json.Marshal(numbers)
}

// UnmarshalJSON reads numbers of bits in an array of texts, in any order.
func (l *FlowLabels) UnmarshalJSON(b []byte) error {
	var numbers []string
	if err := json.Unmarshal(b, &numbers); err != nil {
		return err
	}
	var labels FlowLabels
	for _, text := range numbers {
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil || n >= uint64(len(l)*8) {
			return fmt.Errorf("%.64q is no number of a label", text)
		}
		labels.Set(uint8(n))
	}
	*l = labels
	return nil
}

// MarshalJSON returns the options' names in an array.
func (s SocketOptionSet) MarshalJSON() ([]byte, error) { return marshalFlags(s) }

// UnmarshalJSON reads names in an array, in any order.
func (s *SocketOptionSet) UnmarshalJSON(b []byte) error { return unmarshalFlags(s, b) }

// MarshalJSON returns the names in an array.
func (d Diagnostics) MarshalJSON() ([]byte, error) { return marshalFlags(d) }

// UnmarshalJSON reads names in an array, in any order.
func (d *Diagnostics) UnmarshalJSON(b []byte) error { return unmarshalFlags(d, b) }
