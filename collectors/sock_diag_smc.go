package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/smc_diag.h. The inode of struct smc_diag_msg is
// aligned to 8 bytes on every machine.
const (
	sizeofSMCDiagMsg = 64

	smcDiagShutdown = 3 // SMC_DIAG_SHUTDOWN
	smcDiagFallback = 5 // SMC_DIAG_FALLBACK
)

// SMCSockets yields the SMC sockets from sock_diag(7) (CONFIG_SMC_DIAG).
func (k *Kernel) SMCSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.SMCSocket, error] {
	// struct smc_diag_req behind the family: padding, extensions, identity.
	return endpoints(ctx, k, q, endpointDump[netstat.SMCSocket]{
		name:   "SMC",
		family: unix.AF_SMC,
		body:   make([]byte, 51),
		option: func() string {
			return socketOption(unix.AF_SMC, unix.SOCK_STREAM, 0, "CONFIG_SMC", "CONFIG_SMC_DIAG")
		},
		parse: new(smcDiagParser).socket,
		inode: func(s *netstat.SMCSocket) uint32 { return s.Inode },
		own:   func(s *netstat.SMCSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
	})
}

// smcDiagParser reads messages of smc_diag.
type smcDiagParser struct{ zones zones }

// socket reads a struct smc_diag_msg and its attributes.
func (p *smcDiagParser) socket(body []byte, s *netstat.SMCSocket) error {
	if len(body) < sizeofSMCDiagMsg {
		return fmt.Errorf("smc_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	s.State = netstat.SMCState(body[1])
	s.Mode = netstat.SMCMode(body[2])
	s.Shutdown = netstat.Shutdown(body[3])
	// struct inet_diag_sockid.
	s.Interface = binary.NativeEndian.Uint32(body[40:])
	local, remote := [16]byte(body[8:]), [16]byte(body[24:])
	s.Local = netip.AddrPortFrom(p.addr(local, remote, s.Interface), binary.BigEndian.Uint16(body[4:]))
	s.Remote = netip.AddrPortFrom(p.addr(remote, local, s.Interface), binary.BigEndian.Uint16(body[6:]))
	s.Cookie = cookie(body[44:])
	s.UID.Set(binary.NativeEndian.Uint32(body[52:]))
	s.Inode = uint32(binary.NativeEndian.Uint64(body[56:]))
	var r attributeReader
	for a, rest := r.next(body[sizeofSMCDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case smcDiagShutdown:
			s.Shutdown = netstat.Shutdown(r.uint8(a))
		case smcDiagFallback:
			if local, peer := r.uint32Pair(a); s.Mode == netstat.SMCFallback {
				s.Fallback.Set(netstat.SMCFallbackReason{Local: local, Peer: peer})
			}
		}
	}
	return r.error()
}

// addr returns an address whose family shows only in what is not zero behind
// its first 4 bytes, or those of the other end's.
func (p *smcDiagParser) addr(b, other [16]byte, index uint32) netip.Addr {
	rest := [12]byte{}
	switch {
	case [12]byte(b[4:]) != rest || [12]byte(other[4:]) != rest:
		return p.zones.add(netip.AddrFrom16(b), index)
	case [4]byte(b[:]) != [4]byte{} || [4]byte(other[:]) != [4]byte{}:
		return netip.AddrFrom4([4]byte(b[:]))
	}
	return netip.Addr{}
}
