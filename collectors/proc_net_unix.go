package collectors

import (
	"bytes"
	"context"
	"strconv"
)

// unixReferences is how often sockets of the local family are referred to, which unix_diag does
// not tell: by inode, and of those that have none since nobody accepted them by their name.
type unixReferences struct {
	of      map[uint32]uint32
	waiting map[string]uint32
}

func (k *Kernel) readUnixReferences(ctx context.Context) (references unixReferences, err error) {
	err = k.readLines(ctx, "/proc/net/unix", func(l *lines) {
		references = parseUnixReferences(l)
	})
	return references, err
}

// parseUnixReferences reads /proc/net/unix (unix(7); net/unix/af_unix.c,
// unix_seq_show). Anybody can give a socket a name that holds line ends, and so
// write lines of his own, also one that looks like another's socket: what is none is
// passed over, and the count of an inode, or of a name, that two lines tell
// otherwise is unknown.
//
//	Num       RefCount Protocol Flags    Type St Inode Path
//	000000006bfee334: 00000003 00000000 00000000 0001 03  1677
func parseUnixReferences(l *lines) unixReferences {
	const columns = 7
	references := unixReferences{make(map[uint32]uint32), make(map[string]uint32)}
	var twice []uint32
	var differ []string
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
		if !ok {
			continue
		}
		if inode == 0 {
			name := string(bytes.Join(f[columns:], []byte(" ")))
			if other, known := references.waiting[name]; known && other != uint32(count) {
				differ = append(differ, name)
			}
			references.waiting[name] = uint32(count)
			continue
		}
		if _, known := references.of[inode]; known {
			twice = append(twice, inode)
		}
		references.of[inode] = uint32(count)
	}
	for _, inode := range twice {
		delete(references.of, inode)
	}
	for _, name := range differ {
		delete(references.waiting, name)
	}
	return references
}
