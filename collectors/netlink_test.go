package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// message builds a netlink message.
func message(kind, flags uint16, body ...byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(sizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = append(b, 0, 0, 0, 0)
	return append(b, body...)
}

func errnoBytes(errno unix.Errno) []byte {
	return binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
}

func TestParseNetlinkError(t *testing.T) {
	words := attribute(unix.NLMSGERR_ATTR_MSG, []byte("no such thing\x00")...)
	header := message(1, 0)
	for _, c := range []struct {
		name        string
		kind, flags uint16
		body        []byte
		want        string
	}{
		{"an acknowledgement", unix.NLMSG_ERROR, 0, slices.Concat(errnoBytes(0), header), ""},
		{"an errno", unix.NLMSG_ERROR, 0, slices.Concat(errnoBytes(unix.ENOENT), header), "no such file or directory"},
		{"words, request capped", unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS | unix.NLM_F_CAPPED, slices.Concat(errnoBytes(unix.ENOENT), header, words), "no such file or directory (no such thing)"},
		{"words, request whole", unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, slices.Concat(errnoBytes(unix.EPERM), message(1, 0, 1, 2, 3, 4, 5), []byte{0, 0, 0}, words), "operation not permitted (no such thing)"},
		{"a request that ends outside", unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, slices.Concat(errnoBytes(unix.EPERM), message(1, 0, make([]byte, 99)...)[:16]), "operation not permitted"},
		{"nothing", unix.NLMSG_ERROR, 0, nil, "netlink error message of 0 bytes"},
		{"a good end", unix.NLMSG_DONE, 0, errnoBytes(0), ""},
		{"an empty end", unix.NLMSG_DONE, 0, nil, ""},
		{"an end with an errno", unix.NLMSG_DONE, unix.NLM_F_MULTI, errnoBytes(unix.ENOENT), "no such file or directory"},
		{"an end with words", unix.NLMSG_DONE, unix.NLM_F_ACK_TLVS, slices.Concat(errnoBytes(unix.EINVAL), words), "invalid argument (no such thing)"},
	} {
		got := ""
		if err := parseNetlinkError(c.kind, c.flags, c.body); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if err := parseNetlinkError(unix.NLMSG_ERROR, 0, errnoBytes(unix.EPERM)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v is not fs.ErrPermission", err)
	}
}

func TestMessages(t *testing.T) {
	datagram := slices.Concat(message(20, 2, 1, 2, 3), []byte{0}, message(21, 0, 4, 5, 6, 7), message(22, 0, 8))
	var got []string
	m := messages{rest: datagram}
	for m.next() {
		got = append(got, fmt.Sprintf("%v %v %v %v", m.kind, m.flags, m.sequence, m.body))
	}
	if want := []string{"20 2 1 [1 2 3]", "21 0 1 [4 5 6 7]", "22 0 1 [8]"}; m.err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, m.err)
	}
	for name, b := range map[string][]byte{
		"too short a length": {15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"past the end":       message(1, 0, 1, 2, 3, 4)[:19],
		"a giant length":     slices.Concat([]byte{255, 255, 255, 255}, message(1, 0)[4:]),
	} {
		m := messages{rest: b}
		for m.next() {
			t.Errorf("%s: a message", name)
		}
		if m.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAttributes(t *testing.T) {
	number := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	b := slices.Concat(attribute(1|unix.NLA_F_NESTED, 7), attribute(2, number[:2]...), attribute(3, number[:4]...), attribute(4, number...), attribute(5, []byte("name\x00rest")...),
		attribute(6, 192, 0, 2, 1), attribute(7), []byte{1, 2, 3})
	var r attributeReader
	var got []any
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case 1:
			got = append(got, r.uint8(a))
		case 2:
			got = append(got, r.uint16(a), r.big16(a))
		case 3:
			got = append(got, r.uint32(a), r.big32(a))
		case 4:
			got = append(got, r.uint64(a), r.big64(a))
		case 5:
			got = append(got, a.string())
		case 6:
			got = append(got, r.addr(a, netstat.IPv4).String())
		case 7:
			got = append(got, len(a.value))
		}
	}
	native := binary.NativeEndian
	want := []any{uint8(7), native.Uint16(number), uint16(0x0102), native.Uint32(number), uint32(0x01020304), native.Uint64(number), uint64(0x0102030405060708), "name", "192.0.2.1", 0}
	if r.failed() || !slices.Equal(got, want) {
		t.Errorf("%v, want %v, %v", got, want, r.error())
	}
	// The first fault is kept, and what claims more than there is ends the loop.
	header := func(length, kind uint16) []byte {
		return binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, length), kind)
	}
	for _, c := range []struct {
		attributes []byte
		want       string
	}{
		{slices.Concat(attribute(9, 0xaa), attribute(10, 0xbb)), "attribute 9 is not 4 bytes: aa"},
		{slices.Concat(attribute(9, 1, 2, 3, 4), header(5, 10)), fmt.Sprintf("attribute 10 of 5 bytes in 4: % x", header(5, 10))},
		{header(3, 10), fmt.Sprintf("attribute 10 of 3 bytes in 4: % x", header(3, 10))},
	} {
		var r attributeReader
		for a, rest := r.next(c.attributes); a.kind != noAttribute; a, rest = r.next(rest) {
			r.big32(a)
		}
		if err := r.error(); err == nil || !r.failed() || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	allocs := testing.AllocsPerRun(100, func() {
		n := 0
		for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
			n += len(a.value)
		}
		if n == 0 {
			t.Fatal("no attributes")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestConsistently(t *testing.T) {
	count := 0
	err := consistently(t.Context(), func() (bool, error) { count++; return count < 3, nil })
	if err != nil || count != 3 {
		t.Errorf("after %d attempts: %v", count, err)
	}
	count = 0
	if err = consistently(t.Context(), func() (bool, error) { count++; return true, nil }); !errors.Is(err, netstat.ErrInterrupted) || count != attempts {
		t.Errorf("after %d attempts: %v", count, err)
	}
	if err = consistently(t.Context(), func() (bool, error) { return true, unix.EPERM }); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("failure: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	count = 0
	if err = consistently(ctx, func() (bool, error) { count++; cancel(); return true, nil }); !errors.Is(err, context.Canceled) || count != 1 {
		t.Errorf("after %d attempts: %v", count, err)
	}
}

// TestForgedMessagesAreDropped has another socket of this machine send what
// looks like the kernel's answer.
func TestForgedMessagesAreDropped(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	c, err := k.dial(unix.NETLINK_ROUTE)
	must(t, err)
	defer c.close()
	var port uint32
	must(t, c.raw.Control(func(fd uintptr) {
		name, err := unix.Getsockname(int(fd))
		must(t, err)
		port = name.(*unix.SockaddrNetlink).Pid
	}))
	forger := n.Socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	must(t, unix.Sendto(forger, message(unix.RTM_NEWLINK, unix.NLM_F_MULTI, 6, 6, 6), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: port}))
	must(t, c.send(request{kind: unix.RTM_GETLINK, flags: unix.NLM_F_DUMP, body: make([]byte, sizeofIfInfomsg)}, sequence))
	datagram, err := c.receive(t.Context(), make([]byte, receiveSize))
	must(t, err)
	if m := (messages{rest: datagram}); !m.next() || len(m.body) < sizeofIfInfomsg {
		t.Errorf("received %x", datagram[:min(len(datagram), 64)])
	}
}

func TestReceiveReportsTruncation(t *testing.T) {
	k := open(t, nstest.New(t))
	c, err := k.dial(unix.NETLINK_ROUTE)
	must(t, err)
	defer c.close()
	must(t, c.send(request{kind: unix.RTM_GETLINK, flags: unix.NLM_F_DUMP, body: make([]byte, sizeofIfInfomsg)}, sequence))
	if _, err := c.receive(t.Context(), make([]byte, 64)); !errors.Is(err, errTruncated) {
		t.Errorf("a datagram that does not fit: %v", err)
	}
}

func TestKernelsWordsAreKept(t *testing.T) {
	k := open(t, nstest.New(t))
	// A header that strict checking refuses.
	body := make([]byte, sizeofRtmsg)
	body[0], body[1] = unix.AF_INET, 24
	_, err := k.dump(t.Context(), request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETROUTE, body: body}, func(uint16, []byte) (bool, error) { return true, nil })
	if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "Invalid values in header") {
		t.Errorf("strict checking says %v", err)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(slices.Concat(message(20, 2, 1, 2, 3), []byte{0}, message(unix.NLMSG_DONE, 2, 0, 0, 0, 0)))
	f.Add(slices.Concat(message(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, slices.Concat(errnoBytes(unix.ENOENT), message(1, 0), attribute(1, 'x', 0))...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		m := messages{rest: b}
		for m.next() {
			total += sizeofNlMsghdr + len(m.body)
			if m.kind == unix.NLMSG_ERROR || m.kind == unix.NLMSG_DONE {
				_ = parseNetlinkError(m.kind, m.flags, m.body)
			}
			var r attributeReader
			for a, rest := r.next(m.body); a.kind != noAttribute; a, rest = r.next(rest) {
				_, _, _, _ = r.uint8(a), r.uint16(a), r.uint32(a), a.string()
			}
		}
		if total > len(b) {
			t.Errorf("%d bytes of messages in %d", total, len(b))
		}
	})
}
