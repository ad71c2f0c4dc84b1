package collectors

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sizeofNfgenmsg is the size of struct nfgenmsg, with which the messages of
// netfilter begin: family, version, and 16 bits in network byte order
// (include/uapi/linux/netfilter/nfnetlink.h).
const sizeofNfgenmsg = 4

// nfRequest returns a request to a subsystem (NFNL_SUBSYS_*).
func nfRequest(subsystem, kind uint16, family netstat.Family, flags uint16) request {
	return request{
		protocol: unix.NETLINK_NETFILTER, kind: subsystem<<8 | kind, flags: flags,
		body: []byte{byte(family), unix.NFNETLINK_V0, 0, 0},
	}
}

// nfMessage takes the family and the attributes out of a message.
func nfMessage(body []byte) (family netstat.Family, resource uint16, attributes []byte, err error) {
	if len(body) < sizeofNfgenmsg {
		return 0, 0, nil, fmt.Errorf("nfgenmsg of %d bytes: % x", len(body), clip(body))
	}
	return netstat.Family(body[0]), uint16(body[2])<<8 | uint16(body[3]), body[sizeofNfgenmsg:], nil
}

// conntrackError is readError for what goes through ctnetlink: it says what a
// refusal asks for.
func (k *Kernel) conntrackError(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case isRefused(err):
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w: connection tracking needs CAP_NET_ADMIN", err)
	case errors.Is(err, unix.EPROTONOSUPPORT):
		err = lacking("CONFIG_NETFILTER_NETLINK", err)
	}
	return k.readError(op, err)
}

// ctnetlinkOption is what a kernel lacks that knows no connection tracking by
// netlink.
const ctnetlinkOption = "CONFIG_NF_CT_NETLINK"

// withoutSubsystem makes an EINVAL match netstat.ErrNotSupported where that is
// how the kernel says that it lacks the subsystem (nfnetlink_rcv_msg,
// net/netfilter/nfnetlink.c), and not that it dislikes the request: it says the
// same to probe, a request that every kernel with the subsystem answers.
func withoutSubsystem(err error, option string, probe func() error) error {
	if errors.Is(err, unix.EINVAL) && errors.Is(probe(), unix.EINVAL) {
		return lacking(option, err)
	}
	return err
}
