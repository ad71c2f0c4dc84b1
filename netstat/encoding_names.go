package netstat

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
