package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ netstat.AddressWriter = (*Kernel)(nil)

// PrepareAddress prepares RTM_NEWADDR or RTM_DELADDR (rtnetlink(7)), which need CAP_NET_ADMIN in the
// namespace.
func (k *Kernel) PrepareAddress(ctx context.Context, was, to *netstat.Address) (netstat.Write, error) {
	of := to
	if to == nil {
		of = was
	}
	op := fmt.Sprintf("write the address %v of interface %d", of.Prefix, of.Interface)
	w, err := k.prepareAddress(ctx, op, of, was, to)
	return w, k.readError(op, err)
}

func (k *Kernel) prepareAddress(ctx context.Context, op string, of, was, to *netstat.Address) (netstat.Write, error) {
	if err := k.maySet(ctx, of.Interface); err != nil {
		return netstat.Write{}, err
	}
	send := func(kind, flags uint16, body []byte) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := k.change(ctx, kind, flags, body)
			return err
		}
	}
	body := addressMessage(of)
	switch {
	case to == nil:
		r := &addressRemoval{kernel: k, of: *was}
		w := k.once(op, r.commit, r.undo)
		w.Last = true
		return w, nil
	case was == nil:
		return k.once(op, send(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, body), send(unix.RTM_DELADDR, 0, body)), nil
	}
	// All that is not said of an address is set back: what the kernel tells is said
	// again, with other lifetimes.
	all, err := k.addressesOf(ctx, was)
	if err != nil {
		return netstat.Write{}, err
	}
	at := slices.IndexFunc(all, func(a toldAddress) bool { return sameAddress(&a.Address, was) })
	if at < 0 {
		return netstat.Write{}, fmt.Errorf("there is no such address: %w", fs.ErrNotExist)
	}
	told := all[at].again
	return k.once(op, send(unix.RTM_NEWADDR, unix.NLM_F_REPLACE, withLifetimes(told, to)), send(unix.RTM_NEWADDR, unix.NLM_F_REPLACE, withLifetimes(told, was))), nil
}

// addressMessage makes a struct ifaddrmsg with the attributes of an address.
func addressMessage(a *netstat.Address) []byte {
	b := make([]byte, sizeofIfAddrmsg)
	local := a.Prefix.Addr()
	b[0], b[1], b[3] = byte(addressFamily(a)), byte(a.Prefix.Bits()), byte(a.Scope)
	binary.NativeEndian.PutUint32(b[4:], a.Interface)
	other := a.Peer
	if !other.IsValid() {
		other = local
	}
	b = appendAttribute(b, unix.IFA_LOCAL, local.AsSlice())
	b = appendAttribute(b, unix.IFA_ADDRESS, other.AsSlice())
	if a.Broadcast.IsValid() {
		b = appendAttribute(b, unix.IFA_BROADCAST, a.Broadcast.AsSlice())
	}
	if a.Label != "" {
		b = appendAttribute(b, unix.IFA_LABEL, append([]byte(a.Label), 0))
	}
	b = appendUint32Attribute(b, unix.IFA_FLAGS, uint32(a.Flags)) // of which the header holds 8 bits
	return appendLifetimes(b, a)
}

// appendLifetimes appends the struct ifa_cacheinfo of an address; a lifetime that is not known has
// no end.
func appendLifetimes(b []byte, a *netstat.Address) []byte {
	info := make([]byte, sizeofIfaCacheinfo)
	for i, d := range [...]netstat.Optional[time.Duration]{a.Preferred, a.Valid} {
		seconds := min(d.Or(netstat.Forever)/time.Second, math.MaxUint32)
		binary.NativeEndian.PutUint32(info[4*i:], uint32(seconds))
	}
	return appendAttribute(b, unix.IFA_CACHEINFO, info)
}

func addressFamily(a *netstat.Address) netstat.Family {
	if a.Prefix.Addr().Is4() {
		return netstat.IPv4
	}
	return netstat.IPv6
}

// withLifetimes makes of the message about an address the one that gives it those of a.
func withLifetimes(told []byte, a *netstat.Address) []byte {
	b := append([]byte(nil), told[:sizeofIfAddrmsg]...)
	eachAttribute(told, sizeofIfAddrmsg, func(attribute nlAttr) {
		if attribute.kind != unix.IFA_CACHEINFO {
			b = appendAttribute(b, attribute.kind, attribute.value)
		}
	})
	return appendLifetimes(b, a)
}
