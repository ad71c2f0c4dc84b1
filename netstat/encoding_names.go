package netstat

import (
	"fmt"
	"strconv"
	"strings"
)

// MarshalText returns the form of String.
func (p IPProtocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of String.
func (p *IPProtocol) UnmarshalText(text []byte) error {
	return unmarshalName(p, text, IPProtocol.String)
}

// MarshalText returns the form of String.
func (l FlowList) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the form of String.
func (l *FlowList) UnmarshalText(text []byte) error { return unmarshalName(l, text, FlowList.String) }

// MarshalText returns the form of String.
func (s FlowTCPState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *FlowTCPState) UnmarshalText(text []byte) error {
	return unmarshalName(s, text, FlowTCPState.String)
}

// MarshalText returns the form of String.
func (s FlowSCTPState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *FlowSCTPState) UnmarshalText(text []byte) error {
	return unmarshalName(s, text, FlowSCTPState.String)
}

// MarshalText returns the form of String.
func (s FlowDCCPState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *FlowDCCPState) UnmarshalText(text []byte) error {
	return unmarshalName(s, text, FlowDCCPState.String)
}

// MarshalText returns the form of String.
func (k CounterKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of String.
func (k *CounterKind) UnmarshalText(text []byte) error {
	return unmarshalName(k, text, CounterKind.String)
}

// MarshalText returns the form of String.
func (t RouteType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the form of String.
func (t *RouteType) UnmarshalText(text []byte) error { return unmarshalName(t, text, RouteType.String) }

// MarshalText returns the form of String.
func (k EncapKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of String.
func (k *EncapKind) UnmarshalText(text []byte) error { return unmarshalName(k, text, EncapKind.String) }

// MarshalText returns the form of String.
func (a RuleAction) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form of String.
func (a *RuleAction) UnmarshalText(text []byte) error {
	return unmarshalName(a, text, RuleAction.String)
}

// MarshalText returns the form of String.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of String.
func (p *Protocol) UnmarshalText(text []byte) error { return unmarshalName(p, text, Protocol.String) }

// MarshalText returns the form of String.
func (f Family) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *Family) UnmarshalText(text []byte) error { return unmarshalName(f, text, Family.String) }

// MarshalText returns the form of String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *State) UnmarshalText(text []byte) error { return unmarshalName(s, text, State.String) }

// MarshalText returns the form of String.
func (t Timer) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the form of String.
func (t *Timer) UnmarshalText(text []byte) error { return unmarshalName(t, text, Timer.String) }

// MarshalText returns the form of String.
func (t SocketType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the form of String.
func (t *SocketType) UnmarshalText(text []byte) error {
	return unmarshalName(t, text, SocketType.String)
}

// MarshalText returns the form of String.
func (p NetlinkProtocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of String.
func (p *NetlinkProtocol) UnmarshalText(text []byte) error {
	return unmarshalName(p, text, NetlinkProtocol.String)
}

// MarshalText returns the form of String.
func (s SMCState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *SMCState) UnmarshalText(text []byte) error { return unmarshalName(s, text, SMCState.String) }

// MarshalText returns the form of String.
func (m SMCMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the form of String.
func (m *SMCMode) UnmarshalText(text []byte) error { return unmarshalName(m, text, SMCMode.String) }

// MarshalText returns the form of String.
func (s CongestionState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *CongestionState) UnmarshalText(text []byte) error {
	return unmarshalName(s, text, CongestionState.String)
}

// MarshalText returns the form of String.
func (m TLSMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the form of String.
func (m *TLSMode) UnmarshalText(text []byte) error { return unmarshalName(m, text, TLSMode.String) }

// MarshalText returns the form of String.
func (s FlowStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *FlowStatus) UnmarshalText(text []byte) error {
	return unmarshalList(s, text, FlowStatus.String)
}

// MarshalText returns the form of String.
func (f RouteFeatures) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *RouteFeatures) UnmarshalText(text []byte) error {
	return unmarshalList(f, text, RouteFeatures.String)
}

// MarshalText returns the form of String.
func (f SocketFlags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *SocketFlags) UnmarshalText(text []byte) error {
	return unmarshalList(f, text, SocketFlags.String)
}

// MarshalText returns the form of String.
func (s Shutdown) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *Shutdown) UnmarshalText(text []byte) error { return unmarshalList(s, text, Shutdown.String) }

// MarshalText returns the form of String.
func (f NetlinkFlags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *NetlinkFlags) UnmarshalText(text []byte) error {
	return unmarshalList(f, text, NetlinkFlags.String)
}

// MarshalText returns the form of String.
func (f PacketFlags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *PacketFlags) UnmarshalText(text []byte) error {
	return unmarshalList(f, text, PacketFlags.String)
}

// MarshalText returns the form of String.
func (o TCPOptions) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the form of String.
func (o *TCPOptions) UnmarshalText(text []byte) error {
	return unmarshalList(o, text, TCPOptions.String)
}

// MarshalText returns the form of Name.
func (p RouteProtocol) MarshalText() ([]byte, error) { return []byte(p.Name()), nil }

// UnmarshalText reads the form of Name.
func (p *RouteProtocol) UnmarshalText(text []byte) error {
	return unmarshalName(p, text, RouteProtocol.Name)
}

// String returns "half" or "full", the number for another.
func (d Duplex) String() string {
	switch d {
	case HalfDuplex:
		return "half"
	case FullDuplex:
		return "full"
	}
	return strconv.Itoa(int(d))
}

// MarshalText returns the form of String.
func (d Duplex) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String.
func (d *Duplex) UnmarshalText(text []byte) error { return unmarshalName(d, text, Duplex.String) }

// String returns the preference's name in RFC 4191, the number for another.
func (p RouterPreference) String() string {
	switch p {
	case PreferenceReserved:
		return "reserved"
	case PreferenceLow:
		return "low"
	case PreferenceMedium:
		return "medium"
	case PreferenceHigh:
		return "high"
	}
	return strconv.Itoa(int(p))
}

// MarshalText returns the form of String.
func (p RouterPreference) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of String.
func (p *RouterPreference) UnmarshalText(text []byte) error {
	form := func(n uint8) string { return RouterPreference(int8(n)).String() }
	for n := range 1 << 8 {
		if form(uint8(n)) == string(text) {
			*p = RouterPreference(int8(n))
			return nil
		}
	}
	return unknownText(*p, text)
}

// String returns one port, or FIRST-LAST.
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// MarshalText returns the form of String.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the form of String.
func (r *PortRange) UnmarshalText(text []byte) error {
	first, last, err := unmarshalRange(text, 16)
	if err != nil {
		return unknownText(*r, text)
	}
	*r = PortRange{uint16(first), uint16(last)}
	return nil
}

// String returns FIRST-LAST.
func (r UIDRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

// MarshalText returns the form of String.
func (r UIDRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the form of String, and one user's number.
func (r *UIDRange) UnmarshalText(text []byte) error {
	first, last, err := unmarshalRange(text, 32)
	if err != nil {
		return unknownText(*r, text)
	}
	*r = UIDRange{uint32(first), uint32(last)}
	return nil
}

// unmarshalRange reads a number, or two with a "-" between.
func unmarshalRange(text []byte, bits int) (first, last uint64, err error) {
	one, other, both := strings.Cut(string(text), "-")
	if !both {
		other = one
	}
	if first, err = strconv.ParseUint(one, 10, bits); err == nil {
		last, err = strconv.ParseUint(other, 10, bits)
	}
	return first, last, err
}

// MarshalText returns the form of String.
func (a VsockAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form of String.
func (a *VsockAddress) UnmarshalText(text []byte) error {
	var v VsockAddress
	cid, port, _ := strings.Cut(string(text), ":")
	for _, part := range []struct {
		text string
		to   *uint32
	}{{cid, &v.CID}, {port, &v.Port}} {
		n, err := strconv.ParseUint(part.text, 10, 32)
		switch {
		case part.text == "*":
			n = VsockAny
		case err != nil:
			return unknownText(*a, text)
		}
		*part.to = uint32(n)
	}
	*a = v
	return nil
}

// String returns NODE:REFERENCE, in hexadecimal and in decimal.
func (a TIPCAddress) String() string { return fmt.Sprintf("%x:%d", a.Node, a.Reference) }

// MarshalText returns the form of String.
func (a TIPCAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form of String.
func (a *TIPCAddress) UnmarshalText(text []byte) error {
	first, second, _ := strings.Cut(string(text), ":")
	node, err := strconv.ParseUint(first, 16, 32)
	reference, err2 := strconv.ParseUint(second, 10, 32)
	if err != nil || err2 != nil {
		return unknownText(*a, text)
	}
	*a = TIPCAddress{uint32(node), uint32(reference)}
	return nil
}
