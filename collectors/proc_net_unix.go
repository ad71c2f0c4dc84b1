package collectors

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// unixReferences is how often sockets of the local family are referred to, which unix_diag does
// not tell: by inode, and of those that have none since nobody accepted them by their name.
type unixReferences struct {
	of      map[uint32]uint32
	waiting map[string]uint32
}

func (k *Kernel) readUnixReferences(ctx context.Context) (references unixReferences, err error) {
	err = k.readLines(ctx, procUnix, func(l *lines) {
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

const procUnix = "/proc/net/unix"

// dumpProcUnix calls add with every socket of the local family that /proc/net/unix lists.
func (k *Kernel) dumpProcUnix(ctx context.Context, q netstat.EndpointQuery, add func(*netstat.UnixSocket) (bool, error)) error {
	var failed error
	err := k.readLines(ctx, procUnix, func(l *lines) {
		parseProcUnix(l, func(s *netstat.UnixSocket, accepted bool) bool {
			if !accepted && !q.Unaccepted {
				return true
			}
			if !q.References {
				s.References = netstat.Optional[uint32]{}
			}
			more, err := add(s)
			failed = err
			return more && err == nil
		})
	})
	if err == nil {
		err = failed
	}
	return absentFile(err)
}

// Of the columns Flags and St (net/unix/af_unix.c, unix_seq_show; include/uapi/linux/net.h).
const (
	procUnixAccepts    = 0x10000 // __SO_ACCEPTCON
	procUnixConnecting = 2       // SS_CONNECTING: nobody accepted it yet
	procUnixConnected  = 3       // SS_CONNECTED

	longestUnixName = 108 // sun_path
)

// parseProcUnix calls each with the sockets of /proc/net/unix, and whether they were accepted. A
// name that holds line ends goes on over several lines, and what is none that the kernel begins belongs to
// the name before. Whoever gives a socket a name that looks like such a line makes a row of it: the file
// does not tell them apart.
func parseProcUnix(l *lines, each func(s *netstat.UnixSocket, accepted bool) bool) {
	var s netstat.UnixSocket
	accepted, begun := false, false
	for l.next() {
		next, isAccepted, err := parseProcUnixLine(l.text)
		switch {
		case err != nil && l.number == 1: // headings
			continue
		case err != nil && !begun:
			l.fail("%w", err)
			return
		case err != nil:
			if len(s.Name)+1+len(l.text) <= longestUnixName {
				s.Name += "\n" + string(l.text)
			}
			continue
		}
		if begun && !each(&s, accepted) {
			return
		}
		s, accepted, begun = next, isAccepted, true
	}
	if begun && l.err == nil {
		each(&s, accepted)
	}
}

// parseProcUnixLine reads a line that the kernel begins. Each NUL of a name in the abstract namespace is an @ in it.
func parseProcUnixLine(line []byte) (s netstat.UnixSocket, accepted bool, err error) {
	const columns = 7
	var f [columns][]byte
	rest := line
	for i := range f {
		f[i], rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
	}
	number, colon := bytes.CutSuffix(f[0], []byte{':'})
	_, noNumber := strconv.ParseUint(string(number), 16, 64)
	references, okReferences := parseHex(f[1])
	flags, okFlags := parseHex(f[3])
	kind, okType := parseHex(f[4])
	state, okState := parseHex(f[5])
	inode, okInode := parseNumber(f[6])
	if !colon || noNumber != nil || !okReferences || !okFlags || !okType || !okState || !okInode || kind > 255 {
		return s, false, errors.New("not a socket")
	}
	s.References.Set(references)
	s.Type = netstat.SocketType(kind)
	s.Inode = inode
	switch {
	case flags&procUnixAccepts != 0:
		s.State = netstat.Listen
	case state == procUnixConnected, state == procUnixConnecting:
		s.State = netstat.Established
	default:
		s.State = netstat.Close
	}
	if name, abstract := bytes.CutPrefix(rest, []byte{'@'}); abstract {
		s.Name, s.Abstract = string(name), true
	} else {
		s.Name = string(rest)
	}
	return s, state != procUnixConnecting || s.State == netstat.Listen, nil
}
