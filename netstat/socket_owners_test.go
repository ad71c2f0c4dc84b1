package netstat

import (
	"fmt"
	"testing"
)

func TestSocketOwners(t *testing.T) {
	holding := func(inode uint32, pid int32, name string, fd int32) SocketHolding {
		return SocketHolding{Inode: inode, Process: Process{PID: pid, Name: name, FD: Known(fd)}}
	}
	o := NewSocketOwners([]SocketHolding{
		holding(7, 3, "c", 9), holding(5, 1, "a", 4), holding(7, 2, "b", 8), holding(7, 3, "c", 5),
	})
	for _, c := range []struct {
		inode           uint32
		complete, known bool
		want            string
	}{
		{5, true, true, "[{1 a  4}]"},
		{7, true, true, "[{2 b  8} {3 c  5}]"},
		{7, false, true, "[{2 b  8} {3 c  5}]"},
		{6, true, true, "[]"},
		{6, false, false, "[]"},
		{0, false, true, "[]"},
	} {
		for _, hide := range []func(*SocketOwners){
			func(o *SocketOwners) { o.Hidden = 2 },
			func(o *SocketOwners) { o.Invisible = true },
		} {
			o.Hidden, o.Invisible = 0, false
			if !c.complete {
				hide(o)
			}
			processes, known := o.Of(c.inode).Get()
			if o.Complete() != c.complete || known != c.known || fmt.Sprint(processes) != c.want {
				t.Errorf("inode %d, complete %v: %v, known %v; want %s, %v", c.inode, o.Complete(), processes, known, c.want, c.known)
			}
		}
	}
	if o.Len() != 3 {
		t.Errorf("%d holdings, want 3", o.Len())
	}
}
