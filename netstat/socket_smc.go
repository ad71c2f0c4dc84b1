package netstat

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
)

// SMCSocket is a socket of Shared Memory Communications (RFC 7609), which
// begins as a TCP connection.
type SMCSocket struct {
	State SMCState
	Mode  SMCMode
	// Local and Remote are the ends of the TCP connection. The kernel does not
	// tell the family of a wildcard, which is the zero Addr here.
	Local, Remote netip.AddrPort
	Interface     uint32 `json:"interfaceIndex,omitzero"` // index of the device that it is bound to, or 0
	Shutdown      Shutdown
	// Fallback is why the connection is TCP only, with SMCFallback.
	Fallback  Optional[SMCFallbackReason]
	UID       Optional[uint32]
	Inode     uint32 // sockfs inode, its lower 32 bits
	Cookie    uint64 // SO_COOKIE
	Processes Optional[[]Process]
}

// SMCState is the state of an SMC socket (enum smc_state, net/smc/smc.h).
type SMCState uint8

// SMC states.
const (
	SMCActive           SMCState = 1
	SMCInit             SMCState = 2
	SMCClosed           SMCState = 7
	SMCListen           SMCState = 10
	SMCPeerCloseWait1   SMCState = 20
	SMCPeerCloseWait2   SMCState = 21
	SMCAppCloseWait1    SMCState = 22
	SMCAppCloseWait2    SMCState = 23
	SMCAppFinCloseWait  SMCState = 24
	SMCPeerFinCloseWait SMCState = 25
	SMCPeerAbortWait    SMCState = 26
	SMCProcessAbort     SMCState = 27
)

var smcStateNames = [...]string{
	SMCActive: "ACTIVE", SMCInit: "INIT", SMCClosed: "CLOSED", SMCListen: "LISTEN",
	SMCPeerCloseWait1: "PEERCLOSEWAIT1", SMCPeerCloseWait2: "PEERCLOSEWAIT2",
	SMCAppCloseWait1: "APPCLOSEWAIT1", SMCAppCloseWait2: "APPCLOSEWAIT2", SMCAppFinCloseWait: "APPFINCLOSEWAIT",
	SMCPeerFinCloseWait: "PEERFINCLOSEWAIT", SMCPeerAbortWait: "PEERABORTWAIT", SMCProcessAbort: "PROCESSABORT",
}

// String returns the state's name in the kernel, without SMC_.
func (s SMCState) String() string {
	if int(s) < len(smcStateNames) && smcStateNames[s] != "" {
		return smcStateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// SMCMode is what carries an SMC socket's data (SMC_DIAG_MODE_*,
// include/uapi/linux/smc_diag.h).
type SMCMode uint8

// SMC modes.
const (
	SMCRemote   SMCMode = 0 // SMC-R: RDMA
	SMCFallback SMCMode = 1 // TCP
	SMCDirect   SMCMode = 2 // SMC-D: memory shared by a device
)

func (m SMCMode) String() string {
	switch m {
	case SMCRemote:
		return "SMCR"
	case SMCFallback:
		return "TCP"
	case SMCDirect:
		return "SMCD"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// SMCFallbackReason are the reasons that each end had (SMC_CLC_DECL_*,
// net/smc/smc_clc.h); 0 is none.
type SMCFallbackReason struct{ Local, Peer uint32 }

// SMCReader reads SMC sockets.
// Errors of its method are as for [Stack].
type SMCReader interface {
	// SMCSockets yields the SMC sockets, in no particular order.
	SMCSockets(ctx context.Context, q EndpointQuery) iter.Seq2[SMCSocket, error]
}
