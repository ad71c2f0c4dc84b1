package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sizeofVsockDiagMsg is the size of struct vsock_diag_msg
// (include/uapi/linux/vm_sockets_diag.h).
const sizeofVsockDiagMsg = 32

// VsockSockets yields the vsock sockets from sock_diag(7)
// (CONFIG_VSOCKETS_DIAG).
func (k *Kernel) VsockSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.VsockSocket, error] {
	return endpoints(ctx, k, q, endpointDump[netstat.VsockSocket]{
		name:   "vsock",
		family: unix.AF_VSOCK,
		body:   statesRequest(q.States, 0),
		option: func() string {
			return socketOption(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "CONFIG_VSOCKETS", "CONFIG_VSOCKETS_DIAG")
		},
		parse:   parseVsockDiag,
		selects: func(s *netstat.VsockSocket) bool { return q.States.Has(s.State) },
		inode:   func(s *netstat.VsockSocket) uint32 { return s.Inode },
		own:     func(s *netstat.VsockSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
	})
}

// parseVsockDiag reads a struct vsock_diag_msg, which has no attributes.
func parseVsockDiag(body []byte, s *netstat.VsockSocket) error {
	if len(body) < sizeofVsockDiagMsg {
		return fmt.Errorf("vsock_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	number := func(at int) uint32 { return binary.NativeEndian.Uint32(body[at:]) }
	s.Type = netstat.SocketType(body[1])
	s.State = netstat.State(body[2])
	s.Shutdown = netstat.Shutdown(body[3])
	s.Local = netstat.VsockAddress{CID: number(4), Port: number(8)}
	s.Remote = netstat.VsockAddress{CID: number(12), Port: number(16)}
	s.Inode = number(20)
	s.Cookie = cookie(body[24:])
	return nil
}
