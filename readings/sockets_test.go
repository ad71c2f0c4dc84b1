package readings_test

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// counted is a stack of three sockets that counts its dumps and looks at processes.
type counted struct {
	netstat.Stack
	dumps int
	query netstat.SocketQuery // the last one
	looks atomic.Int32        // one may go on while another begins
}

func (c *counted) SocketOwners(context.Context) (*netstat.SocketOwners, error) {
	c.looks.Add(1)
	time.Sleep(10 * time.Millisecond)
	return netstat.NewSocketOwners([]netstat.SocketHolding{{Inode: 101, Process: netstat.Process{PID: 7, Name: "sshd"}}}), nil
}

func (c *counted) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	c.dumps++
	c.query = q
	return func(yield func(netstat.Socket, error) bool) {
		time.Sleep(time.Millisecond)
		detail := new(netstat.SocketDetail)
		for i := range 3 {
			s := netstat.Socket{Protocol: q.Protocols[0], Local: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(1+i)), Inode: netstat.Known(uint32(100 + i))}
			if q.Details != 0 {
				s.Detail = detail
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// sightings are the sockets that went by.
type sightings struct{ ports []string }

func (s *sightings) Observe(row *netstat.Socket) {
	processes, _ := row.Processes.Get()
	s.ports = append(s.ports, fmt.Sprint(row.Local.Port(), row.Detail != nil, len(processes)))
}

// Who shows sockets and who counts them share a dump of the kernel, and each alone has only what it is for.
func TestSocketsAreReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stack := new(counted)
		s := readings.New(stack, readings.Options{Observe: func(netstat.Protocol) readings.Observer { return new(sightings) }})
		rows := func() readings.Sockets {
			t.Helper()
			found, err := s.TCP.Get(t.Context())
			if err != nil || len(found.Rows) != 3 || found.Rows[0].Detail != nil {
				t.Fatalf("%v, %v", found, err)
			}
			return found
		}
		observed := func() readings.Sockets {
			t.Helper()
			found, err := s.TCP.GetParts(t.Context(), readings.SocketsObserved)
			if err != nil {
				t.Fatal(err)
			}
			if got := found.Observer.(*sightings).ports; !slices.Equal(got, []string{"1 true 0", "2 true 1", "3 true 0"}) {
				t.Errorf("observed: %v", got)
			}
			return found
		}
		if found := rows(); found.Observer != nil || stack.query.Details != 0 || stack.query.Owners == nil {
			t.Errorf("who shows sockets has %v, %+v", found, stack.query)
		}
		time.Sleep(time.Hour)
		if found := observed(); found.Rows != nil || stack.query.Processes || stack.dumps != 2 || stack.looks.Load() != 2 {
			t.Errorf("who counts them has %v, %+v, after %d dumps and %d looks", found, stack.query, stack.dumps, stack.looks.Load())
		}
		time.Sleep(2 * time.Second)
		var both sync.WaitGroup
		both.Go(func() { observed() })
		both.Go(func() { rows() })
		both.Wait()
		if stack.dumps > 4 {
			t.Errorf("%d dumps", stack.dumps)
		}
		for range 5 {
			time.Sleep(2 * time.Second)
			before := stack.dumps
			both.Go(func() { observed() })
			both.Go(func() { rows() })
			both.Wait()
			if stack.dumps != before+1 {
				t.Errorf("%d dumps for both", stack.dumps-before)
			}
		}
	})
}
