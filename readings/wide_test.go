package readings

import (
	"context"
	"iter"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// narrowStack is a stack whose counters have 32 bits.
type narrowStack struct {
	netstat.Stack
	value   uint32
	softnet []netstat.Softnet
}

func (s *narrowStack) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		_ = yield(netstat.Counter{Name: "ConntrackDrop", Value: netstat.Unsigned(uint64(s.value)), Narrow: true}, nil) &&
			yield(netstat.Counter{Name: "TcpInSegs", Value: netstat.Unsigned(uint64(s.value))}, nil)
	}
}

func (s *narrowStack) Softnet(context.Context) iter.Seq2[netstat.Softnet, error] {
	return func(yield func(netstat.Softnet, error) bool) {
		for _, row := range s.softnet {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// A counter of 32 bits goes on in 64 when it wraps around, and begins anew when the kernel's does.
func TestNarrowCounters(t *testing.T) {
	stack := &narrowStack{}
	s := New(stack, Options{})
	for _, step := range []struct {
		kernel uint32
		want   uint64
	}{
		{1 << 31, 1 << 31}, {1<<32 - 10, 1<<32 - 10}, {5, 1<<32 + 5}, {5, 1<<32 + 5}, {1 << 30, 1<<32 + 1<<30}, {1<<30 - 1, 1<<30 - 1}, {1 << 30, 1 << 30},
	} {
		stack.value = step.kernel
		rows, err := s.readCounters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := rows[0].Value.Uint64(); got != step.want || rows[0].Narrow {
			t.Errorf("%d of the kernel's is %d, want %d", step.kernel, got, step.want)
		}
		if got, _ := rows[1].Value.Uint64(); got != uint64(step.kernel) {
			t.Errorf("a counter of 64 bits is %d, want %d", got, step.kernel)
		}
	}
}

// Softnet never falls, neither when a processor's counter wraps around nor when one goes offline.
func TestSoftnet(t *testing.T) {
	stack := &narrowStack{}
	s := New(stack, Options{})
	for _, step := range []struct {
		rows []netstat.Softnet
		want Softnet
	}{
		{[]netstat.Softnet{{CPU: 0, Dropped: 7}, {CPU: 3, Dropped: 1<<32 - 1, Squeezed: 2, FlowLimited: netstat.Known(uint32(4))}}, Softnet{Dropped: 1<<32 + 6, Squeezed: 2, FlowLimited: 4}},
		{[]netstat.Softnet{{CPU: 0, Dropped: 8}, {CPU: 3, Dropped: 1, Squeezed: 3, FlowLimited: netstat.Known(uint32(4))}}, Softnet{Dropped: 1<<32 + 9, Squeezed: 3, FlowLimited: 4}},
		{[]netstat.Softnet{{CPU: 0, Dropped: 9}}, Softnet{Dropped: 1<<32 + 10, Squeezed: 3, FlowLimited: 4}},
	} {
		stack.softnet = step.rows
		if got, err := s.readSoftnet(t.Context()); err != nil || got != step.want {
			t.Errorf("%+v, %v, want %+v", got, err, step.want)
		}
	}
}
