package collectors

import (
	"encoding/binary"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Operations of inet_diag's filters (include/uapi/linux/inet_diag.h).
const (
	bcJump       = 1  // INET_DIAG_BC_JMP
	bcLocalGE    = 2  // INET_DIAG_BC_S_GE
	bcLocalLE    = 3  // INET_DIAG_BC_S_LE
	bcRemoteGE   = 4  // INET_DIAG_BC_D_GE
	bcRemoteLE   = 5  // INET_DIAG_BC_D_LE
	bcLocalCond  = 7  // INET_DIAG_BC_S_COND
	bcRemoteCond = 8  // INET_DIAG_BC_D_COND
	bcDevCond    = 9  // INET_DIAG_BC_DEV_COND
	bcMarkCond   = 10 // INET_DIAG_BC_MARK_COND
	bcCGroupCond = 13 // INET_DIAG_BC_CGROUP_COND

	sizeofBytecodeOp = 4 // struct inet_diag_bc_op
)

// bytecode is a filter in the making: operations that jump forward by "yes" or
// "no" bytes. A jump to the end accepts a socket, one to 4 bytes beyond rejects
// it.
type bytecode struct {
	b []byte
	// failing are the operations whose "no" was not set yet.
	failing []int
}

// compileFilter returns a filter as INET_DIAG_REQ_BYTECODE takes it, nil for
// one that selects everything.
func compileFilter(f *netstat.SocketFilter) []byte {
	if f.IsZero() {
		return nil
	}
	var c bytecode
	if f.Interface != 0 {
		c.op(bcDevCond, binary.NativeEndian.AppendUint32(nil, f.Interface))
	}
	c.ports(bcLocalGE, bcLocalLE, f.LocalPorts)
	c.ports(bcRemoteGE, bcRemoteLE, f.RemotePorts)
	c.address(bcLocalCond, f.Local)
	c.address(bcRemoteCond, f.Remote)
	if f.Ports != (netstat.PortRange{}) {
		c.either(
			func() { c.ports(bcLocalGE, bcLocalLE, f.Ports) },
			func() { c.ports(bcRemoteGE, bcRemoteLE, f.Ports) },
		)
	}
	if f.Address.IsValid() {
		c.either(
			func() { c.address(bcLocalCond, f.Address) },
			func() { c.address(bcRemoteCond, f.Address) },
		)
	}
	if m, ok := f.Mark.Get(); ok {
		argument := binary.NativeEndian.AppendUint32(nil, m.Value&m.Mask)
		c.op(bcMarkCond, binary.NativeEndian.AppendUint32(argument, m.Mask))
	}
	if f.CGroup != 0 {
		c.op(bcCGroupCond, binary.NativeEndian.AppendUint64(nil, f.CGroup))
	}
	c.land(len(c.b) + 4)
	return c.b // nil when the only conditions are prefixes that are not valid
}

// op appends an operation that goes on with the next one when it holds.
func (c *bytecode) op(code byte, argument []byte) {
	c.failing = append(c.failing, len(c.b))
	c.b = append(c.b, code, byte(sizeofBytecodeOp+len(argument)), 0, 0)
	c.b = append(c.b, argument...)
}

// land makes what fails so far jump to target.
func (c *bytecode) land(target int) {
	for _, at := range c.failing {
		binary.NativeEndian.PutUint16(c.b[at+2:], uint16(target-at))
	}
	c.failing = c.failing[:0]
}

// either appends two alternatives.
func (c *bytecode) either(first, second func()) {
	before := c.failing
	c.failing = nil
	first()
	jump := len(c.b)
	c.b = append(c.b, bcJump, sizeofBytecodeOp, 0, 0)
	c.land(len(c.b))
	c.failing = before
	second()
	binary.NativeEndian.PutUint16(c.b[jump+2:], uint16(len(c.b)-jump))
}

func (c *bytecode) ports(ge, le byte, r netstat.PortRange) {
	if r == (netstat.PortRange{}) {
		return
	}
	// The port stands where the next operation's "no" would.
	c.op(ge, binary.NativeEndian.AppendUint16([]byte{0, 0}, r.First))
	c.op(le, binary.NativeEndian.AppendUint16([]byte{0, 0}, r.Last))
}

// address appends a struct inet_diag_hostcond.
func (c *bytecode) address(code byte, p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	family := netstat.IPv6
	if p.Addr().Is4() {
		family = netstat.IPv4
	}
	argument := []byte{byte(family), byte(p.Bits()), 0, 0}
	argument = binary.NativeEndian.AppendUint32(argument, 1<<32-1) // any port
	c.op(code, append(argument, p.Addr().AsSlice()...))
}
