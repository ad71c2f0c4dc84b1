package agent

import (
	"context"
	"iter"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// counting is a stack whose counters grow while they are read, each between the
// reading of one and of the next: what belongs together is never read at one moment.
type counting struct {
	bare
	random *rand.Rand
	counts map[string]uint64
	names  []netstat.Counter // that the kernel has
}

// of returns the present count of something, after the whole world went on.
func (c *counting) of(name string) uint64 {
	for range c.random.IntN(4) {
		for n := range c.counts {
			c.counts[n]++
			// Who is sent to many is a packet as well.
			if device, what, ok := strings.Cut(n, "/"); ok && (strings.HasSuffix(what, "Multicast") || strings.HasSuffix(what, "Broadcast")) {
				c.counts[device+"/"+strings.NewReplacer("Multicast", "Packets", "Broadcast", "Packets").Replace(what)]++
			}
			break // maps are ranged over from anywhere
		}
	}
	if _, known := c.counts[name]; !known {
		c.counts[name] = uint64(c.random.IntN(3))
	}
	return c.counts[name]
}

// fill sets the counters of a struct, in random order.
func (c *counting) fill(device string, row any) {
	v := reflect.ValueOf(row).Elem()
	for _, i := range c.random.Perm(v.NumField()) {
		if count, ok := v.Field(i).Addr().Interface().(*netstat.Optional[uint64]); ok {
			count.Set(c.of(device + "/" + v.Type().Field(i).Name))
		}
	}
}

func (c *counting) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		for i, name := range []string{"a", "b"} {
			ifc := netstat.Interface{Index: uint32(i + 1), Name: name}
			c.fill(name, &ifc.Counters)
			if name == "b" { // as devices of Linux
				ifc.Counters.InBroadcast, ifc.Counters.OutBroadcast, ifc.Counters.OutMulticast = netstat.Optional[uint64]{}, netstat.Optional[uint64]{}, netstat.Optional[uint64]{}
			}
			if !yield(ifc, nil) {
				return
			}
		}
	}
}

func (*counting) Sockets(context.Context, netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(func(netstat.Socket, error) bool) {}
}

func (c *counting) TCPStatistics(context.Context) (s netstat.TCPStatistics, err error) {
	c.fill("tcp", &s)
	return s, nil
}

func (c *counting) UDPStatistics(context.Context) (s netstat.UDPStatistics, err error) {
	c.fill("udp", &s)
	return s, nil
}

func (c *counting) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		for _, counter := range c.names {
			counter.Value = netstat.Unsigned(c.of(counter.Name))
			if !yield(counter, nil) {
				return
			}
		}
	}
}

func (c *counting) InterfaceCounters(context.Context) iter.Seq2[netstat.InterfaceCounter, error] {
	return func(yield func(netstat.InterfaceCounter, error) bool) {
		for _, counter := range c.names {
			if counter.Group != netstat.GroupIP6 {
				continue
			}
			counter.Value = netstat.Unsigned(c.of("a " + counter.Name))
			if !yield(netstat.InterfaceCounter{Interface: 1, Counter: counter}, nil) {
				return
			}
		}
	}
}

// TestCountersNeverFall holds for every counter that the agent has, between one
// reading and the next (RFC 2578, section 7.1.6).
func TestCountersNeverFall(t *testing.T) {
	n := nstest.New(t)
	var names []netstat.Counter
	for counter, err := range openLive(t, n).Counters(t.Context(), netstat.GroupIP, netstat.GroupIP6, netstat.GroupICMP, netstat.GroupICMP6) {
		must(t, err)
		names = append(names, counter)
	}
	// The kernel does not list types of messages that never came.
	for _, name := range []string{"IcmpMsgInType8", "IcmpMsgOutType0", "Icmp6InType128", "Icmp6OutType129"} {
		names = append(names, netstat.Counter{Group: netstat.GroupICMP, Name: name})
	}
	synctest.Test(t, func(t *testing.T) {
		stack := &counting{random: rand.New(rand.NewPCG(5, 6)), counts: map[string]uint64{}, names: names}
		a, err := New(Config{Stack: stack, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		tree := a.Tree()
		counters := make(map[mib.OID]string)
		for _, o := range tree.Objects() {
			if o.Type == mib.Counter32 || o.Type == mib.Counter64 {
				counters[o.OID] = o.Name
			}
		}
		last, grew := make(map[string]uint64), make(map[mib.OID]bool)
		r := tree.NewRequest()
		for range 300 {
			time.Sleep(10 * time.Second) // so that all is read anew
			r.Reset(t.Context())
			for object, name := range counters {
				c := r.Seek(object, false)
				for {
					b, err := r.Next(&c)
					must(t, err)
					if b.Object != object {
						break
					}
					instance, value := b.Name().String(), b.Value.Uint()
					was, known := last[instance]
					if known && value < was {
						t.Errorf("%s (%s) fell from %d to %d", name, instance, was, value)
					}
					if known && value > was {
						grew[object] = true
					}
					last[instance] = value
				}
			}
			r.Reset(mib.NoWait())
			synctest.Wait()
			if t.Failed() {
				return
			}
		}
		// Of what did not grow nothing was seen: the agent's own counters, and what
		// Linux does not count, or not on an interface.
		var still []string
		for object, name := range counters {
			if !grew[object] && !strings.HasPrefix(name, "snmp") {
				still = append(still, name)
			}
		}
		slices.Sort(still)
		want := []string{"ifInUnknownProtos", "inetCidrRouteDiscards", "ipIfStatsHCInBcastPkts", "ipIfStatsHCInForwDatagrams",
			"ipIfStatsHCOutBcastPkts", "ipIfStatsInBcastPkts", "ipIfStatsInForwDatagrams", "ipIfStatsOutBcastPkts", "ipRoutingDiscards",
			"ipSystemStatsHCInForwDatagrams", "ipSystemStatsInForwDatagrams"}
		if !slices.Equal(still, want) {
			t.Errorf("no growth of %q, want none of %q", still, want)
		}
	})
}
