package collectors

import (
	"bytes"
	"context"
	"strconv"
)

// unixReferences reads how often each socket of the local family is referred to,
// by inode, which unix_diag does not tell.
func (k *Kernel) unixReferences(ctx context.Context) (map[uint32]uint32, error) {
	references := make(map[uint32]uint32)
	err := k.readLines(ctx, "/proc/net/unix", func(l *lines) {
		references = parseUnixReferences(l)
	})
	if err != nil {
		return nil, err
	}
	return references, nil
}

// parseUnixReferences reads /proc/net/unix (unix(7); net/unix/af_unix.c,
// unix_seq_show). Anybody can give a socket a name that holds line ends, and so
// write lines of his own, also one that looks like another's socket: what is none is
// passed over, and the count of an inode that two lines tell of is unknown.
//
//	Num       RefCount Protocol Flags    Type St Inode Path
//	000000006bfee334: 00000003 00000000 00000000 0001 03  1677
func parseUnixReferences(l *lines) map[uint32]uint32 {
	const columns = 7
	references := make(map[uint32]uint32)
	var twice []uint32
	for l.next() {
		f := l.fields()
		if len(f) < columns || !bytes.HasSuffix(f[0], []byte(":")) {
			continue
		}
		count, err := strconv.ParseUint(string(f[1]), 16, 32)
		if err != nil {
			continue
		}
		inode, ok := parseNumber(f[6])
		if !ok || inode == 0 {
			continue
		}
		if _, known := references[inode]; known {
			twice = append(twice, inode)
		}
		references[inode] = uint32(count)
	}
	for _, inode := range twice {
		delete(references, inode)
	}
	return references
}
