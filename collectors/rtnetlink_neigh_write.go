package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ netstat.NeighbourWriter = (*Kernel)(nil)

// PrepareNeighbour prepares RTM_NEWNEIGH or RTM_DELNEIGH (rtnetlink(7)), which need CAP_NET_ADMIN in
// the namespace.
func (k *Kernel) PrepareNeighbour(ctx context.Context, was, to *netstat.Neighbour) (netstat.Write, error) {
	of := to
	if to == nil {
		of = was
	}
	op := fmt.Sprintf("write the neighbour %v of interface %d", of.Address, of.Interface)
	if err := k.mayBeNeighbour(ctx, of.Interface, to); err != nil {
		return netstat.Write{}, k.readError(op, err)
	}
	put := func(n netstat.Neighbour, flags uint16) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := k.change(ctx, unix.RTM_NEWNEIGH, flags, neighbourMessage(&n))
			return err
		}
	}
	remove := func(ctx context.Context) error {
		_, err := k.change(ctx, unix.RTM_DELNEIGH, 0, neighbourMessage(of))
		return err
	}
	own := *of
	of = &own
	switch {
	case was == nil:
		return k.once(op, put(*to, unix.NLM_F_CREATE|unix.NLM_F_EXCL), remove), nil
	case was.LinkAddress == "" && to == nil: // it is asked for, or nobody answered: there is nothing to bring back
		return k.once(op, remove, func(context.Context) error { return nil }), nil
	case was.LinkAddress == "":
		return k.once(op, put(*to, unix.NLM_F_REPLACE), remove), nil
	case to == nil:
		return k.once(op, remove, put(*was, unix.NLM_F_CREATE)), nil
	}
	return k.once(op, put(*to, unix.NLM_F_REPLACE), put(*was, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)), nil
}

// mayBeNeighbour finds out whether neighbours of an interface may be written, and whether one's
// address is of its link layer: the kernel makes one of as many octets as it needs.
func (k *Kernel) mayBeNeighbour(ctx context.Context, index uint32, n *netstat.Neighbour) error {
	if err := k.maySet(ctx, index); err != nil || n == nil {
		return err
	}
	link, err := k.link(ctx, index)
	if err == nil && len(n.LinkAddress) != len(link.address) {
		err = fmt.Errorf("%w: a link-layer address of %d octets, where others have %d", fs.ErrInvalid, len(n.LinkAddress), len(link.address))
	}
	return err
}

// neighbourMessage makes a struct ndmsg with the attributes of a neighbour.
func neighbourMessage(n *netstat.Neighbour) []byte {
	b := make([]byte, sizeofNdmsg)
	b[0] = byte(n.Family)
	binary.NativeEndian.PutUint32(b[4:], n.Interface)
	binary.NativeEndian.PutUint16(b[8:], uint16(n.State.Or(netstat.NeighbourPermanent)))
	b[10] = byte(n.Flags & netstat.NeighbourRouter)
	b = appendAttribute(b, unix.NDA_DST, n.Address.AsSlice())
	if n.LinkAddress != "" {
		b = appendAttribute(b, unix.NDA_LLADDR, []byte(n.LinkAddress))
	}
	if n.Protocol != netstat.RouteProtocolUnspecified {
		b = appendAttribute(b, ndaProtocol, []byte{byte(n.Protocol)})
	}
	return b
}
