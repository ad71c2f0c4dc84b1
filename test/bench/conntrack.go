package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/mdlayher/netlink"
	timo "github.com/ti-mo/conntrack"
	"github.com/ti-mo/netfilter"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const (
	flowTimeout = 24 * time.Hour
	// moreFlows is how many times the flows memory is looked at once more with.
	moreFlows = 4
)

// benchFlow is the nth of many TCP connections.
func benchFlow(n int) (f netstat.NewFlow) {
	const ports = 60_000
	f.Original = netstat.FlowTuple{
		Protocol: netstat.IPProtocolTCP,
		Source:   netip.AddrFrom4([4]byte{10, 0, byte(n / ports >> 8), byte(n / ports)}), Destination: netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + n%200)}),
		SourcePort: uint16(1024 + n%ports), DestinationPort: 443,
	}
	f.Timeout.Set(flowTimeout)
	f.Status.Set(netstat.FlowSeenReply | netstat.FlowAssured)
	f.TCP.Set(netstat.FlowTCP{State: netstat.FlowTCPEstablished})
	return f
}

func benchFlows(from, to int) iter.Seq[netstat.NewFlow] {
	return func(yield func(netstat.NewFlow) bool) {
		for n := from; n < to; n++ {
			if !yield(benchFlow(n)) {
				return
			}
		}
	}
}

// makeFlows makes flows with one FlowEditor and says how long that took.
func makeFlows(ctx context.Context, k *collectors.Kernel, from, to int) (time.Duration, error) {
	e, err := k.EditFlows()
	if err != nil {
		return 0, err
	}
	defer e.Close()
	start := time.Now()
	_, err = e.Create(ctx, benchFlows(from, to))
	return time.Since(start), err
}

// raiseFlowLimit lets a namespace have that many flows, until restore.
func raiseFlowLimit(n int) (restore func(), err error) {
	const file = "/proc/sys/net/netfilter/nf_conntrack_max"
	before, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	limit, err := strconv.Atoi(strings.TrimSpace(string(before)))
	if err != nil {
		return nil, err
	}
	if limit != 0 && limit < n {
		err = os.WriteFile(file, []byte(strconv.Itoa(n)), 0)
	}
	return func() { _ = os.WriteFile(file, before, 0) }, err
}

// conntrackCase is conntrack beside conntrack-tools', and the library beside a loop
// that counts and github.com/ti-mo/conntrack.
func (b *bench) conntrackCase(s *section) error {
	s.Title, s.Peer = thousands(b.flows)+" tracked connections", "peer"
	program := filepath.Join(b.dir, "conntrack")
	if _, err := command(b.ctx, nil, "env", "CGO_ENABLED=0", "go", "build", "-o", program, "github.com/netsnmp-agent/netsnmp-agent/cmd/conntrack"); err != nil {
		return err
	}
	ns, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer ns.remove()
	k, err := collectors.Open(collectors.Options{NetNS: ns.name})
	if err != nil {
		return err
	}
	defer k.Close()
	if err := b.flowRates(s, ns, k); err != nil {
		return err
	}
	if err := b.idleFlows(s, ns); err != nil {
		return err
	}
	if err := b.flowDumps(s, ns, k); err != nil {
		return err
	}
	return b.flowListings(s, ns, k, program)
}

// flowListings compares what prints all flows, and the memory that it takes.
func (b *bench) flowListings(s *section, ns *namespace, k *collectors.Kernel, program string) error {
	runs := map[string][]shown{}
	list := func(label, program string, rows int) error {
		one, err := b.show(ns, 0, program, "-L")
		if err == nil && one.lines < rows {
			err = fmt.Errorf("%s printed %d lines of %d flows", program, one.lines, rows)
		}
		runs[label] = append(runs[label], one)
		return err
	}
	middle := func(label string, get func(shown) float64, u unit) *quantity {
		var values []float64
		for _, r := range runs[label] {
			values = append(values, get(r))
		}
		return &quantity{Value: median(values), Unit: u}
	}
	for range b.flowRuns() {
		if err := errors.Join(list("ours", program, b.flows), list("theirs", "conntrack", b.flows)); err != nil {
			return err
		}
	}
	f := figure{Case: "conntrack -L; conntrack-tools", Ours: middle("ours", func(r shown) float64 { return r.elapsed.Seconds() }, seconds)}.
		against(middle("theirs", func(r shown) float64 { return r.elapsed.Seconds() }, seconds))
	s.add(f.reach("at least 2.5 times quicker", f.Ratio >= 2.5))

	more := moreFlows * b.flows
	restore, err := raiseFlowLimit(more)
	if err != nil {
		return err
	}
	defer restore()
	if _, err := makeFlows(b.ctx, k, b.flows, more); err != nil {
		return err
	}
	for range b.runs {
		if err := errors.Join(list("ours, more", program, more), list("theirs, more", "conntrack", more)); err != nil {
			return err
		}
	}
	peak := func(r shown) float64 { return r.peak }
	few, many := middle("ours", peak, octets), middle("ours, more", peak, octets)
	s.add(figure{Case: "the same: resident memory, at most", Ours: few}.against(middle("theirs", peak, octets)))
	f = figure{Case: "the same with " + thousands(more), Ours: many}.against(middle("theirs, more", peak, octets))
	s.add(f.reach("the same to a tenth", many.Value <= 1.1*few.Value))
	s.note("conntrack is built without cgo, as its section of the README advises.")
	return nil
}

// flowRuns is how often a tenth of a second is measured.
func (b *bench) flowRuns() int { return 5 * b.runs }

// flowDumps compares the library's dump with receiving and counting alone.
func (b *bench) flowDumps(s *section, ns *namespace, k *collectors.Kernel) error {
	const dump = unix.NFNL_SUBSYS_CTNETLINK<<8 | 1 // IPCTNL_MSG_CT_GET
	other, err := dialTimo(ns)
	if err != nil {
		return err
	}
	defer other.Close()
	ways := []struct {
		name string
		read func() (int, error)
	}{
		{"ours", func() (n int, err error) {
			err = k.EachFlow(b.ctx, netstat.FlowQuery{}, func(*netstat.Flow) bool { n++; return true })
			return n, err
		}},
		{"counting", func() (int, error) { return ns.countDump(unix.NETLINK_NETFILTER, dump, make([]byte, 4)) }},
		{"ti-mo", func() (int, error) {
			flows, err := other.Dump(nil)
			return len(flows), err
		}},
	}
	times := map[string][]float64{}
	for range b.flowRuns() {
		for _, w := range ways {
			runtime.GC() // of what the one before left
			start := time.Now()
			n, err := w.read()
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			if n < b.flows {
				return fmt.Errorf("%s: %d of %d flows", w.name, n, b.flows)
			}
			times[w.name] = append(times[w.name], time.Since(start).Seconds())
		}
	}
	of := func(name string) *quantity { return &quantity{Value: median(times[name]), Unit: seconds} }
	f := figure{Case: "full dump, decoded; a loop that receives and counts", Ours: of("ours")}.against(of("counting"))
	s.add(f.reach("at most 1.2 times as long", f.Ratio >= 1/1.2))
	s.add(figure{Case: "the same; ti-mo/conntrack", Ours: of("ours")}.against(of("ti-mo")))
	return nil
}

// dialTimo opens ti-mo/conntrack in a namespace.
func dialTimo(ns *namespace) (*timo.Conn, error) {
	file, err := os.Open(filepath.Join("/run/netns", ns.name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return timo.Dial(&netlink.Config{NetNS: int(file.Fd())})
}

// flowRates compares how quickly flows are made, and followed as they are. All of
// them are there afterwards.
func (b *bench) flowRates(s *section, ns *namespace, k *collectors.Kernel) error {
	// Peers are measured with fewer, which are gone before ours begin.
	peers := min(b.flows, 20_000)
	other, err := dialTimo(ns)
	if err != nil {
		return err
	}
	defer other.Close()
	start := time.Now()
	for n := range peers {
		f := benchFlow(n)
		theirs := timo.NewFlow(uint8(f.Original.Protocol), timo.StatusConfirmed|timo.StatusAssured|timo.StatusSeenReply, f.Original.Source, f.Original.Destination,
			f.Original.SourcePort, f.Original.DestinationPort, uint32(flowTimeout/time.Second), 0)
		theirs.ProtoInfo.TCP = &timo.ProtoInfoTCP{State: uint8(netstat.FlowTCPEstablished)}
		if err := other.Create(theirs); err != nil {
			return fmt.Errorf("ti-mo/conntrack: %w", err)
		}
	}
	peer := &quantity{Value: float64(peers) / time.Since(start).Seconds(), Unit: perSecond}
	if err := other.Flush(); err != nil {
		return err
	}
	took, err := makeFlows(b.ctx, k, 0, b.flows)
	if err != nil {
		return err
	}
	f := figure{Case: "creation in batches; ti-mo/conntrack", Ours: &quantity{Value: float64(b.flows) / took.Seconds(), Unit: perSecond}}.against(peer)
	s.add(f.reach("at least 3 times the flows", f.Ratio >= 3))
	if err := other.Flush(); err != nil {
		return err
	}
	theirs, end, err := b.followTimo(ns, k)
	if err != nil {
		return err
	}
	if err := other.Flush(); err != nil {
		return err
	}
	followed, err := b.followOurs(k)
	if err != nil {
		return err
	}
	seen := &quantity{Value: float64(followed), Unit: count, Note: "no gap"}
	peer = &quantity{Value: float64(theirs), Unit: count}
	if end != nil {
		peer.Note = "and its end"
	}
	s.add(figure{Case: "events of " + thousands(b.flows) + " creations, received as root with default buffers; ti-mo/conntrack", Ours: seen, Peer: peer}.
		reach("all", followed == b.flows))
	s.note("Flows are made while they are followed, by one FlowEditor. ti-mo/conntrack's listener has four workers and a channel of 100,000 events.")
	return nil
}

// followOurs counts the events of the creations of all flows.
func (b *bench) followOurs(k *collectors.Kernel) (seen int, err error) {
	l, err := k.ListenFlows(collectors.FlowCreated, collectors.DefaultListenBuffer)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	made := make(chan error, 1)
	go func() {
		_, err := makeFlows(b.ctx, k, 0, b.flows)
		if err != nil {
			_ = l.Close()
		}
		made <- err
	}()
	stop := time.AfterFunc(b.peerTimeout, func() { _ = l.Close() })
	defer stop.Stop()
	for seen < b.flows && err == nil {
		err = l.Receive(func(*collectors.FlowEvent) error { seen++; return nil })
	}
	return seen, errors.Join(<-made, err)
}

// followTimo is followOurs with another library, and how its listener ended.
func (b *bench) followTimo(ns *namespace, k *collectors.Kernel) (seen int, end, err error) {
	c, err := dialTimo(ns)
	if err != nil {
		return 0, nil, err
	}
	events := make(chan timo.Event, 100_000)
	ended, err := c.Listen(events, 4, []netfilter.NetlinkGroup{netfilter.GroupCTNew})
	if err != nil {
		return 0, nil, errors.Join(err, c.Close())
	}
	made := make(chan error, 1)
	go func() {
		_, err := makeFlows(b.ctx, k, 0, b.flows)
		made <- err
	}()
	const patience = time.Second // after the last creation
	quiet := time.NewTimer(b.peerTimeout)
	for done := false; !done && seen < b.flows; {
		select {
		case <-events:
			seen++
		case end = <-ended:
			done = true
		case err = <-made:
			quiet.Reset(patience)
			made = nil
		case <-quiet.C:
			done = true
		}
	}
	if made != nil {
		err = <-made
	}
	seen += len(events)
	// Its workers end when nothing holds them up.
	go func() {
		for range events {
		}
	}()
	go func() {
		for range ended {
		}
	}()
	return seen, end, errors.Join(err, c.Close())
}

// idleFlows shows what the flows of a namespace cost a stack that does not ask for
// them.
func (b *bench) idleFlows(s *section, ns *namespace) error {
	empty, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer empty.remove()
	times := map[*namespace][]float64{}
	for range b.flowRuns() {
		for _, at := range []*namespace{ns, empty} {
			start := time.Now()
			stack, err := live.Open(b.ctx, live.Options{NetNS: at.name})
			if err != nil {
				return err
			}
			times[at] = append(times[at], time.Since(start).Seconds())
			if err := stack.Close(); err != nil {
				return err
			}
		}
	}
	f := figure{Case: "a live stack that does not ask for flows, from nothing to loaded; in a namespace without", Ours: &quantity{Value: median(times[ns]), Unit: seconds}}.
		against(&quantity{Value: median(times[empty]), Unit: seconds})
	s.add(f)
	return nil
}
