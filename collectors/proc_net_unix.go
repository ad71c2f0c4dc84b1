package collectors

import (
	"bytes"
	"context"
	"strconv"
)

// unixReferences reads how often each socket of the local family is referred to,
// by inode, which unix_diag does not tell.
func (k *Kernel) unixReferences(ctx context.Context) (map[uint32]uint32, error) {
	const path = "/proc/net/unix"
	references := make(map[uint32]uint32)
	err := k.readLines(ctx, path, func(l *lines) {
		parseUnixReferences(l, func(inode, count uint32) { references[inode] = count })
	})
	return references, k.readError("read "+path, absentFile(err))
}

// parseUnixReferences reads /proc/net/unix (unix(7); net/unix/af_unix.c,
// unix_seq_show). The name of a socket may hold line ends, so that a line which is
// none of a socket is passed over.
//
//	Num       RefCount Protocol Flags    Type St Inode Path
//	000000006bfee334: 00000003 00000000 00000000 0001 03  1677
func parseUnixReferences(l *lines, each func(inode, count uint32)) {
	const columns = 7
	for l.next() {
		f := bytes.Fields(l.text)
		if len(f) < columns || !bytes.HasSuffix(f[0], []byte(":")) {
			continue
		}
		count, err := strconv.ParseUint(string(f[1]), 16, 32)
		if err != nil {
			continue
		}
		if inode, ok := parseNumber(f[6]); ok && inode != 0 {
			each(inode, uint32(count))
		}
	}
}
