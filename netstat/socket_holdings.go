package netstat

import "iter"

// All yields every process with every socket that it holds, in ascending order
// of the inode and then of the PID.
func (o *SocketOwners) All() iter.Seq[SocketHolding] {
	return func(yield func(SocketHolding) bool) {
		for i, inode := range o.inodes {
			if !yield(SocketHolding{Inode: inode, Process: o.processes[i]}) {
				return
			}
		}
	}
}
