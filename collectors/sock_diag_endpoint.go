package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// endpointDump is how the sockets of an address family are asked for and read.
type endpointDump[Row any] struct {
	name   string // in errors
	family uint8
	body   []byte // the request behind the family
	// option returns the kernel's option that is missing when it does not
	// answer.
	option func() string

	parse func(body []byte, row *Row) error
	// selects reports whether the query selects a row; nil selects all.
	selects func(*Row) bool
	inode   func(*Row) uint32
	own     func(*Row, netstat.Optional[[]netstat.Process])
	// more adds to rows besides, nil for nothing, and lacks returns an error behind the
	// last row, which says what it could not add.
	more  enricher[Row]
	lacks func() error
	// instead hands on the rows as a file of /proc tells them, where sock_diag does not; nil where
	// none does. untold is what is unknown in them.
	instead func(add func(*Row) (more bool, err error)) error
	file    string
	untold  string
}

// endpoints yields the sockets of an address family from sock_diag(7).
func endpoints[Row any](ctx context.Context, k *Kernel, q netstat.EndpointQuery, d endpointDump[Row]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows := enrichedRows[Row]{yield: yield, by: newOwning(q.Owners, q.Processes, d.inode, d.own)}
		if d.more != nil {
			rows.by = append(rows.by, d.more)
		}
		var none Row
		if err := rows.begin(ctx); err != nil {
			yield(none, k.readError("read what belongs to sockets", err))
			return
		}
		body := append([]byte{d.family}, d.body...)
		var row Row
		_, err := k.dump(ctx, request{protocol: unix.NETLINK_SOCK_DIAG, kind: sockDiagByFamily, body: body}, func(kind uint16, body []byte) (bool, error) {
			if kind != sockDiagByFamily {
				return true, nil
			}
			row = none
			if err := d.parse(body, &row); err != nil {
				return false, err
			}
			if d.selects != nil && !d.selects(&row) {
				return true, nil
			}
			return rows.add(ctx, &row)
		})
		// Which of them it is depends on the kernel: the family has no handler, or
		// its handler does not dump.
		absent := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP)
		if absent {
			err = lacking(d.option(), err)
		}
		var told error
		if d.instead != nil && (absent || isRefused(err)) {
			told = k.readError("dump "+d.name+" sockets", &toldByProc{err, d.file, d.untold})
			err = d.instead(func(row *Row) (bool, error) {
				if d.selects != nil && !d.selects(row) {
					return true, nil
				}
				return rows.add(ctx, row)
			})
		}
		if err == nil {
			err := k.readError("read what belongs to sockets", rows.finish(ctx))
			if err == nil && d.lacks != nil {
				err = d.lacks()
			}
			err = errors.Join(err, told)
			if err != nil && !rows.stopped {
				yield(none, err)
			}
			return
		}
		if !rows.stopped {
			yield(none, k.readError("dump "+d.name+" sockets", err))
		}
	}
}

// cookie reads the two halves of a cookie.
func cookie(b []byte) uint64 {
	return uint64(binary.NativeEndian.Uint32(b)) | uint64(binary.NativeEndian.Uint32(b[4:]))<<32
}

// uint32Pair returns a value of two numbers.
func (r *attributeReader) uint32Pair(a nlAttr) (first, second uint32) {
	if len(a.value) < 8 {
		r.malformed(a, "8 bytes")
		return 0, 0
	}
	return binary.NativeEndian.Uint32(a.value), binary.NativeEndian.Uint32(a.value[4:])
}

// uint32s returns a value of any number of numbers.
func (r *attributeReader) uint32s(a nlAttr) []uint32 {
	if len(a.value)%4 != 0 {
		r.malformed(a, "a sequence of 4 bytes each")
		return nil
	}
	var all []uint32
	for b := a.value; len(b) > 0; b = b[4:] {
		all = append(all, binary.NativeEndian.Uint32(b))
	}
	return all
}
