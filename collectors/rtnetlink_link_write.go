package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ netstat.InterfaceWriter = (*Kernel)(nil)

// execute sends a request on a netlink socket of its own, and returns the answer. The kernel does
// what it is asked for within the call that sends, and its answer is there then: once ctx let the
// request go nothing is interrupted, and what was done is never taken for failed.
func (k *Kernel) execute(ctx context.Context, family int, m netlink.Message) ([]netlink.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var c *netlink.Conn
	if err := k.inside(func() (err error) {
		c, err = netlink.Dial(family, nil)
		return err
	}); err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetOption(netlink.ExtendedAcknowledge, true) // older kernels give no reasons in words
	return c.Execute(m)
}

// linkSetting is what RTM_SETLINK says of a link: the bits of flags that mask has, and the
// alias if there is one.
type linkSetting struct {
	flags, mask uint32
	alias       netstat.Optional[string]
}

// linkState is what RTM_GETLINK says of a link, as far as who writes asks.
type linkState struct {
	linkSetting
	name    string
	address []byte // of the link layer
}

// PrepareInterface prepares a change of an interface by RTM_SETLINK (rtnetlink(7)), which
// needs CAP_NET_ADMIN in the namespace.
func (k *Kernel) PrepareInterface(ctx context.Context, index uint32, c netstat.InterfaceChange) (netstat.Write, error) {
	w, err := k.prepareLink(ctx, index, c)
	return w, k.readError(fmt.Sprintf("change interface %d", index), err)
}

func (k *Kernel) prepareLink(ctx context.Context, index uint32, c netstat.InterfaceChange) (netstat.Write, error) {
	var to linkSetting
	for _, f := range [...]struct {
		bit uint32
		set netstat.Optional[bool]
	}{{unix.IFF_UP, c.Up}, {unix.IFF_PROMISC, c.Promiscuous}} {
		if on, known := f.set.Get(); known {
			to.mask |= f.bit
			if on {
				to.flags |= f.bit
			}
		}
	}
	to.alias = c.Alias
	link, err := k.link(ctx, index)
	if err != nil {
		return netstat.Write{}, err
	}
	was := link.linkSetting
	was.mask, was.flags = to.mask, was.flags&to.mask // flags without a mask are all of them
	if !to.alias.IsKnown() {
		was.alias = netstat.Optional[string]{}
	}
	if err := k.setLink(ctx, index, linkSetting{}); err != nil { // sets nothing, and needs the privilege
		return netstat.Write{}, err
	}
	set := func(ctx context.Context, to linkSetting) error {
		return k.readError(fmt.Sprintf("change interface %d", index), k.setLink(ctx, index, to))
	}
	w := netstat.Write{Commit: func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		ctx = context.WithoutCancel(ctx)
		err := set(ctx, to)
		if err != nil {
			err = errors.Join(err, set(ctx, was)) // the kernel sets one after the other
		}
		return err
	}}
	if goesDown := was.flags&^to.flags&unix.IFF_UP != 0; !goesDown {
		w.Undo = func(ctx context.Context) error { return set(ctx, was) }
	}
	return w, nil
}

// link reads what stands in a linkState.
func (k *Kernel) link(ctx context.Context, index uint32) (linkState, error) {
	if index < 1 || index > math.MaxInt32 { // of which the kernel says that the argument is not valid
		return linkState{}, linkError(unix.ENODEV)
	}
	answer, err := k.execute(ctx, unix.NETLINK_ROUTE, netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request}, Data: ifInfomsg(index, 0, 0),
	})
	if err != nil {
		return linkState{}, linkError(err)
	}
	if len(answer) != 1 || len(answer[0].Data) < sizeofIfInfomsg {
		return linkState{}, errors.New("the kernel's answer is no link")
	}
	body := answer[0].Data
	l := linkState{linkSetting: linkSetting{flags: binary.NativeEndian.Uint32(body[8:]), alias: netstat.Known("")}}
	attributes, err := netlink.NewAttributeDecoder(body[sizeofIfInfomsg:])
	if err != nil {
		return linkState{}, err
	}
	for attributes.Next() {
		switch attributes.Type() {
		case unix.IFLA_IFALIAS:
			l.alias.Set(attributes.String())
		case unix.IFLA_IFNAME:
			l.name = attributes.String()
		case unix.IFLA_ADDRESS:
			l.address = attributes.Bytes()
		}
	}
	return l, attributes.Err()
}

func (k *Kernel) setLink(ctx context.Context, index uint32, to linkSetting) error {
	body := ifInfomsg(index, to.flags, to.mask)
	if alias, known := to.alias.Get(); known {
		attributes := netlink.NewAttributeEncoder()
		attributes.Bytes(unix.IFLA_IFALIAS, []byte(alias))
		encoded, err := attributes.Encode()
		if err != nil {
			return err
		}
		body = append(body, encoded...)
	}
	_, err := k.execute(ctx, unix.NETLINK_ROUTE, netlink.Message{
		Header: netlink.Header{Type: unix.RTM_SETLINK, Flags: netlink.Request | netlink.Acknowledge}, Data: body,
	})
	return linkError(err)
}

func linkError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("CAP_NET_ADMIN is needed: %w", fs.ErrPermission)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("there is no such interface: %w", fs.ErrNotExist)
	}
	return err
}

// ifInfomsg makes a struct ifinfomsg.
func ifInfomsg(index, flags, mask uint32) []byte {
	b := make([]byte, sizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], mask)
	return b
}
