package netstat

import (
	"fmt"
	"math/rand/v2"
	"slices"
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

// Every holding is found, and nothing else, however inodes lie.
func TestOwnersAreFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, next := range []func(before uint32) uint32{
		func(before uint32) uint32 { return before + 1 },
		func(before uint32) uint32 { return before + 1 + random.Uint32N(50) },
		func(uint32) uint32 { return random.Uint32() },
		func(before uint32) uint32 { return before }, // several processes
		func(before uint32) uint32 { // far apart, in heaps
			if random.IntN(100) == 0 {
				return before + 1<<24
			}
			return before + 1
		},
	} {
		for _, n := range []int{1, 2, 3, 100, 5000} {
			want := make(map[uint32][]int32)
			var holdings []SocketHolding
			inode := uint32(7)
			for pid := range int32(n) {
				inode = max(1, next(inode))
				want[inode] = append(want[inode], pid)
				holdings = append(holdings, SocketHolding{inode, Process{PID: pid}})
			}
			o := NewSocketOwners(holdings)
			for inode := range want {
				for _, asked := range []uint32{inode, inode - 1, inode + 1} {
					var got []int32
					for _, p := range o.Of(asked).Or(nil) {
						got = append(got, p.PID)
					}
					if asked != 0 && !slices.Equal(got, want[asked]) {
						t.Fatalf("inode %d of %d: %v, want %v", asked, n, got, want[asked])
					}
				}
			}
		}
	}
}

func BenchmarkOwners(b *testing.B) {
	const n = 50_000
	var holdings []SocketHolding
	for i := range uint32(n) {
		holdings = append(holdings, SocketHolding{1000 + i, Process{PID: 7}})
	}
	o := NewSocketOwners(holdings)
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	for i := 0; b.Loop(); i++ {
		if !o.Of(1000 + uint32(order[i%n])).IsKnown() {
			b.Fatal(i)
		}
	}
}
