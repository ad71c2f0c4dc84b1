package netstat

import "time"

// Diagnostics is a set of what is wrong with a connection at this moment.
type Diagnostics uint8

// Diagnostics, by their names in JSON and the signs that people see, which
// knetstat introduced.
const (
	// DiagnosticSendWindow says that the peer's window is closed: nothing can be
	// sent. ">|"
	DiagnosticSendWindow Diagnostics = 1 << iota
	// DiagnosticReceiveWindow says that the own window is closed: the program does
	// not read, and nothing can be received. "|<"
	DiagnosticReceiveWindow
	// DiagnosticUnacknowledged says that there is data without an acknowledgement, and
	// that none has come for more than a second: the network has a problem, or the
	// peer is gone. ">#"
	DiagnosticUnacknowledged
)

var diagnosticNames = []string{"sendWindowClosed", "receiveWindowClosed", "unacknowledged"}

// unacknowledgedFor is how long no acknowledgement came where one is missing.
const unacknowledgedFor = time.Second

// Diagnose returns what is wrong with a connection, from Detail.TCP. It is unknown
// where that is not there, and for sockets that are not ESTABLISHED. A window that
// the kernel does not tell (before Linux 5.4 that of the peer, before 6.2 the own) is
// not among what is wrong.
func (s *Socket) Diagnose() Optional[Diagnostics] {
	if s.Protocol != TCP || s.State != Established || s.Detail == nil || s.Detail.TCP == nil {
		return Optional[Diagnostics]{}
	}
	t := s.Detail.TCP
	var d Diagnostics
	if t.SendWindow == Known[uint32](0) {
		d |= DiagnosticSendWindow
	}
	if t.ReceiveWindow == Known[uint32](0) {
		d |= DiagnosticReceiveWindow
	}
	// Segments are counted, and times are differences: neither compares sequence
	// numbers or clocks, which wrap around.
	if t.Unacknowledged > 0 && t.LastAckReceived > unacknowledgedFor {
		d |= DiagnosticUnacknowledged
	}
	return Known(d)
}

// Has reports whether the set holds all of those.
func (d Diagnostics) Has(those Diagnostics) bool { return d&those == those }

// Names returns the names, as they are in JSON.
func (d Diagnostics) Names() []string { return splitNames(flagNames(uint32(d), diagnosticNames)) }

// String returns the signs: ">|", "|<", ">#", ">|<" for both windows; empty when
// nothing is wrong. Windows go before acknowledgements, with a blank between.
func (d Diagnostics) String() string {
	var windows string
	switch {
	case d.Has(DiagnosticSendWindow | DiagnosticReceiveWindow):
		windows = ">|<"
	case d.Has(DiagnosticSendWindow):
		windows = ">|"
	case d.Has(DiagnosticReceiveWindow):
		windows = "|<"
	}
	if !d.Has(DiagnosticUnacknowledged) {
		return windows
	}
	if windows != "" {
		windows += " "
	}
	return windows + ">#"
}
