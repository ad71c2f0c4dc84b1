package remote_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// hostOf is a device whose only interface has that name.
func hostOf(name string) *device {
	return &device{variables: append(
		variablesOf(ifmib.Interfaces(), []netstat.Interface{{Index: 1, Name: name, HardwareType: netstat.Known[uint16](1), Counters: netstat.InterfaceCounters{InOctets: netstat.Known[uint64](1)}}}),
		mib.Binding{Object: mib.MustParseOID("1.3.6.1.2.1.1.3"), Index: mib.MakeOID(0), Value: mib.Ticks(100)})}
}

// Hosts are read at the same time, one that never answers and one that is slow
// among them, and shown in their order.
func TestHosts(t *testing.T) {
	const hosts = 6
	asked := make(chan struct{}, hosts)
	all := make(chan struct{})
	go func() {
		defer close(all)
		for range hosts - 2 {
			<-asked
		}
	}()
	var configs []remote.Config
	for i := range hosts {
		d := hostOf(fmt.Sprint("eth", i))
		var once sync.Once
		d.change = func(_, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			switch i {
			case 1:
				return nil // never answers
			case 2:
				<-t.Context().Done() // takes longer than it may
				return nil
			}
			// Nobody answers before everybody was asked.
			once.Do(func() { asked <- struct{}{} })
			select {
			case <-all:
			case <-t.Context().Done():
			}
			return answer
		}
		c := patient(d.start(t))
		if i == 1 {
			c.Timeout, c.Retries = 50*time.Millisecond, netstat.Known(1)
		}
		configs = append(configs, c)
	}
	h := remote.NewHosts(t.Context(), remote.Pool{Timeout: 8 * time.Second}, configs)
	defer h.Close()
	for turn := range 2 {
		for i, s := range h.Stacks() {
			links, err := collect(s.Interfaces(t.Context()))
			var unreachable *remote.UnreachableError
			switch i {
			case 1:
				if !errors.As(err, &unreachable) || unreachable.Address != configs[1].Address || !errors.Is(err, remote.ErrNoAnswer) {
					t.Errorf("who never answers has the error %v", err)
				}
			case 2:
				if !errors.As(err, &unreachable) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("who is too slow has the error %v", err)
				}
			default:
				if err != nil || len(links) != 1 || links[0].Name != fmt.Sprint("eth", i) {
					t.Errorf("host %d: %v, %v", i, links, err)
				}
			}
		}
		if turn == 0 {
			_, err := collect(h.Stacks()[1].Routes(t.Context(), netstat.RouteQuery{}))
			if !errors.Is(err, remote.ErrNoAnswer) {
				t.Errorf("routes: %v", err)
			}
		}
		// What was read stays with its host until somebody goes on.
		if links, err := collect(h.Stacks()[hosts-1].Interfaces(t.Context())); err != nil || len(links) != 1 {
			t.Errorf("%v, %v", links, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.Turn(time.Time{})
	if _, err := collect(h.Stacks()[0].Interfaces(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("an end of the context is %v", err)
	}
	h.Close()
	if _, err := collect(h.Stacks()[0].Interfaces(t.Context())); !errors.Is(err, context.Canceled) {
		t.Errorf("closed hosts: %v", err)
	}
}

// A host may take so long for all that is read of it in a turn, and not for each of that.
func TestTimeoutOfHost(t *testing.T) {
	const timeout, slow = 3 * time.Second, 2 * time.Second
	delay := make(chan bool, 100)
	d := hostOf("eth0")
	d.change = func(_, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		select {
		case <-delay:
			time.Sleep(slow)
		default:
		}
		return answer
	}
	c := patient(d.start(t))
	h := remote.NewHosts(t.Context(), remote.Pool{Timeout: timeout}, []remote.Config{c})
	defer h.Close()
	s := h.Stacks()[0]
	for turn := range 2 {
		h.Turn(time.Time{})
		delay <- true
		if got, err := collect(s.Interfaces(t.Context())); err != nil || len(got) != 1 {
			if errors.Is(err, context.DeadlineExceeded) {
				t.Skip("the machine is too slow")
			}
			t.Fatalf("turn %d: %v, %v", turn, got, err)
		}
		// Neither of the two took too long by itself.
		delay <- true
		if _, err := collect(s.Addresses(t.Context())); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "took longer than 3s") {
			t.Errorf("turn %d: %v", turn, err)
		}
		if _, err := s.Sample(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("turn %d: %v", turn, err)
		}
		for len(delay) > 0 {
			<-delay
		}
	}
}

// No host is read that is too far ahead of the one that is shown.
func TestHostsAhead(t *testing.T) {
	const hosts, concurrent = 30, 2
	var shown atomic.Int64
	var configs []remote.Config
	for i := range hosts {
		d := hostOf(fmt.Sprint("eth", i))
		d.change = func(_, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if at := shown.Load(); int64(i) >= at+2*concurrent {
				t.Errorf("host %d is asked when %d is shown", i, at)
			}
			return answer
		}
		configs = append(configs, patient(d.start(t)))
	}
	h := remote.NewHosts(t.Context(), remote.Pool{Concurrent: concurrent}, configs)
	defer h.Close()
	for i, s := range h.Stacks() {
		if i%7 == 3 {
			continue // of whom nobody wants to know
		}
		shown.Store(int64(i))
		if links, err := collect(s.Interfaces(t.Context())); err != nil || len(links) != 1 || links[0].Name != fmt.Sprint("eth", i) {
			t.Errorf("host %d: %v, %v", i, links, err)
		}
	}
}

// Who asks at the same time, each in an order of his own, gets what he asked for.
func TestHostsConcurrently(t *testing.T) {
	const hosts = 8
	var configs []remote.Config
	for i := range hosts {
		configs = append(configs, patient(hostOf(fmt.Sprint("eth", i)).start(t)))
	}
	h := remote.NewHosts(t.Context(), remote.Pool{Concurrent: 2}, configs)
	defer h.Close()
	var asking sync.WaitGroup
	for first := range hosts {
		asking.Go(func() {
			for i := range hosts {
				i = (first + i) % hosts
				links, err := collect(h.Stacks()[i].Interfaces(t.Context()))
				if err != nil || len(links) != 1 || links[0].Name != fmt.Sprint("eth", i) {
					t.Errorf("host %d: %v, %v", i, links, err)
				}
			}
		})
	}
	asking.Wait()
}

// A host that does not answer is late in each turn, is asked once, and is there
// again once it answers; others answer in every turn that is long enough.
func TestHostsInTurns(t *testing.T) {
	const hosts, silent = 3, 1
	release := make(chan struct{})
	var requests atomic.Int64
	var configs []remote.Config
	for i := range hosts {
		d := hostOf(fmt.Sprint("eth", i))
		if i == silent {
			d.change = func(_, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
				requests.Add(1)
				select {
				case <-release:
				case <-t.Context().Done():
				}
				return answer
			}
		}
		c := patient(d.start(t))
		c.Timeout, c.Retries = time.Minute, netstat.Known(0)
		configs = append(configs, c)
	}
	h := remote.NewHosts(t.Context(), remote.Pool{}, configs)
	defer h.Close()
	// turn returns what the hosts tell in one turn, which is the longer the more there
	// were: how quick the machine is decides how many are too short.
	long := 200 * time.Millisecond
	turn := func() (names [hosts]string, errs [hosts]error) {
		h.Turn(time.Now().Add(long))
		long += long / 4
		for i, s := range h.Stacks() {
			links, err := collect(s.Interfaces(t.Context()))
			if errs[i] = err; err == nil && len(links) == 1 {
				names[i] = links[0].Name
			}
			if (s.Err() != nil) != (err != nil) {
				t.Errorf("host %d: %v, where its rows have %v", i, s.Err(), err)
			}
		}
		return names, errs
	}
	seen := func(done func(names [hosts]string) bool, check func(errs [hosts]error)) {
		t.Helper()
		for began := time.Now(); ; {
			names, errs := turn()
			check(errs)
			if done(names) {
				return
			}
			if time.Since(began) > nstest.Patience {
				t.Fatalf("%v, %v", names, errs)
			}
		}
	}
	turns := 0
	seen(func(names [hosts]string) bool {
		if names[0] == "eth0" && names[2] == "eth2" {
			turns++
		}
		return turns == 4
	}, func(errs [hosts]error) {
		var late *remote.LateError
		if err := errs[silent]; !errors.As(err, &late) || late.Address != configs[silent].Address || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who does not answer has the error %v", err)
		}
	})
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests to a host that does not answer", n)
	}
	close(release)
	seen(func(names [hosts]string) bool { return names == [hosts]string{"eth0", "eth1", "eth2"} }, func([hosts]error) {})
}
