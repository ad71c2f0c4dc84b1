package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// InterfaceCounters yields the files of /proc/net/dev_snmp6, one interface after
// the other in the order of their names. An interface that vanishes meanwhile
// is left out.
func (k *Kernel) InterfaceCounters(ctx context.Context) iter.Seq2[netstat.InterfaceCounter, error] {
	const dir = "/proc/net/dev_snmp6"
	return func(yield func(netstat.InterfaceCounter, error) bool) {
		// The directory is of the namespace that it was opened in, whoever opens
		// the files in it.
		var root *os.Root
		err := k.inside(func() (err error) {
			root, err = os.OpenRoot(ofThread(dir))
			return err
		})
		if err != nil {
			yield(netstat.InterfaceCounter{}, k.readError("read "+dir, absentFile(err)))
			return
		}
		defer root.Close()
		entries, err := fs.ReadDir(root.FS(), ".") // in the order of their names
		if err != nil {
			yield(netstat.InterfaceCounter{}, k.readError("read "+dir, err))
			return
		}
		var rows []netstat.InterfaceCounter
		for _, e := range entries {
			path := dir + "/" + e.Name()
			// All of one interface's are read before the first is yielded, since
			// the file may end when the interface does.
			rows = rows[:0]
			f, err := root.Open(e.Name())
			if err == nil {
				err = parseLines(ctx, path, f, func(l *lines) {
					parseDevSNMP6(l, func(c netstat.InterfaceCounter) bool {
						rows = append(rows, c)
						return true
					})
				})
			}
			switch {
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EIO): // gone before, or after, it was opened
				continue
			case err != nil:
				yield(netstat.InterfaceCounter{}, k.readError("read "+path, err))
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// parseDevSNMP6 reads a file of /proc/net/dev_snmp6 (net/ipv6/proc.c,
// snmp6_dev_seq_show): the index, then a counter in each line.
//
//	ifIndex                         	2
//	Ip6InReceives                   	0
func parseDevSNMP6(l *lines, each func(netstat.InterfaceCounter) bool) {
	if !l.next() {
		if l.err == nil {
			l.err = fmt.Errorf("%s: %w", l.file, errEmpty)
		}
		return
	}
	fields := l.fields()
	if len(fields) != 2 || string(fields[0]) != "ifIndex" {
		l.fail("not ifIndex and a number")
		return
	}
	index := l.uint32(fields[1], 10)
	parseCounterLines(l, func(c netstat.Counter) bool {
		return each(netstat.InterfaceCounter{Interface: index, Counter: c})
	})
}

// errEmpty says that a file that always holds something holds nothing.
var errEmpty = errors.New("the file is empty")
