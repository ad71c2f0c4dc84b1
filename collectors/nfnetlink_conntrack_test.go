package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	timo "github.com/ti-mo/conntrack"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func flowsOf(t *testing.T, all iter.Seq2[netstat.Flow, error]) []netstat.Flow {
	t.Helper()
	var flows []netstat.Flow
	for f, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, f)
	}
	return flows
}

func ends(a, b netip.Addr) string { return a.String() + ">" + b.String() }

// tupleKey names a tuple by the words of conntrack(8).
func tupleKey(protocol string, m map[string]string) string {
	source, _ := netip.ParseAddr(m["src"])
	destination, _ := netip.ParseAddr(m["dst"])
	return strings.Join([]string{protocol, ends(source, destination), m["sport"], m["dport"], m["type"], m["code"], m["id"]}, "/")
}

func tupleText(t *netstat.FlowTuple) string {
	m := map[string]string{"src": t.Source.String(), "dst": t.Destination.String()}
	switch {
	case t.Protocol.HasPorts():
		m["sport"], m["dport"] = strconv.Itoa(int(t.SourcePort)), strconv.Itoa(int(t.DestinationPort))
	case t.Protocol.IsICMP():
		m["type"], m["code"], m["id"] = strconv.Itoa(int(t.ICMPType)), strconv.Itoa(int(t.ICMPCode)), strconv.Itoa(int(t.ICMPID))
	}
	return tupleKey(strconv.Itoa(int(t.Protocol)), m)
}

// compareTold compares a flow with what another program says of it.
func compareTold(f *netstat.Flow, w *told) (differences []string) {
	want := func(name string, got any, want string) {
		if fmt.Sprint(got) != want {
			differences = append(differences, fmt.Sprintf("%s is %v, want %s", name, got, want))
		}
	}
	want("family", uint8(f.Family()), w.family)
	want("reply", tupleText(&f.Reply), tupleKey(w.protocol, w.reply))
	if tcp, known := f.TCP.Get(); known || w.state != "" {
		want("state", tcp.State, w.state)
	}
	status := f.Status.Or(0)
	want("replied", status&netstat.FlowSeenReply == 0, strconv.FormatBool(w.flags["UNREPLIED"]))
	want("assured", status&netstat.FlowAssured != 0, strconv.FormatBool(w.flags["ASSURED"]))
	for name, c := range map[string]struct {
		counters netstat.Optional[netstat.FlowCounters]
		said     map[string]string
	}{"original": {f.OriginalCounters, w.original}, "reply": {f.ReplyCounters, w.reply}} {
		n, known := c.counters.Get()
		if !known {
			differences = append(differences, name+" counters are not known")
		}
		want(name+" packets", n.Packets, c.said["packets"])
		want(name+" bytes", n.Bytes, c.said["bytes"])
	}
	want("mark", f.Mark, w.rest["mark"])
	if seconds, err := strconv.Atoi(w.timeout); err != nil || seconds-int(f.Timeout.Or(0)/time.Second) > 3 || int(f.Timeout.Or(0)/time.Second)-seconds > 3 {
		differences = append(differences, fmt.Sprintf("timeout is %v, want about %s s", f.Timeout, w.timeout))
	}
	return differences
}

// Flows of real traffic are what conntrack(8), /proc and another reader say that
// they are.
func TestFlowsOfTraffic(t *testing.T) {
	nstest.NeedsProgram(t, "conntrack")
	s := newFlowScene(t)
	s.traffic(t)
	k := s.kernel(t)
	ctx := context.Background()
	flows := flowsOf(t, k.Flows(ctx, netstat.FlowQuery{}))

	check := func(source string, lines []string, compare func(f *netstat.Flow, w *told) []string) {
		t.Helper()
		seen := map[string]told{}
		for _, line := range lines {
			w, err := parseTold(line)
			if err != nil {
				t.Fatal(err)
			}
			zone := w.rest["zone-orig"]
			if w.rest["zone"] != "0" {
				zone += w.rest["zone"]
			}
			seen[tupleKey(w.protocol, w.original)+zone] = w
		}
		if len(seen) != len(flows) {
			t.Errorf("%d flows, %s has %d", len(flows), source, len(seen))
		}
		for i := range flows {
			f := &flows[i]
			key := tupleText(&f.Original)
			if zone := max(f.Zone, f.Original.Zone); zone != 0 {
				key += strconv.Itoa(int(zone))
			}
			w, there := seen[key]
			if !there {
				t.Errorf("%s is not in %s", key, source)
				continue
			}
			for _, d := range append(compareTold(f, &w), compare(f, &w)...) {
				t.Errorf("%s: %s (%s)", key, d, source)
			}
		}
	}
	check("conntrack(8)", strings.Split(strings.TrimSpace(s.conntrack(t, "-L", "-f", "ipv4", "-o", "extended,id,ktimestamp,labels")+s.conntrack(t, "-L", "-f", "ipv6", "-o", "extended,id,ktimestamp,labels")), "\n"),
		func(f *netstat.Flow, w *told) (differences []string) {
			if id := fmt.Sprint(f.ID); id != w.rest["id"] {
				differences = append(differences, fmt.Sprintf("ID is %s, want %s", id, w.rest["id"]))
			}
			if f.Helper != w.rest["helper"] {
				differences = append(differences, fmt.Sprintf("helper is %q, want %q", f.Helper, w.rest["helper"]))
			}
			if zone := strconv.Itoa(int(f.Zone)); zone != w.rest["zone"] && f.Zone != 0 {
				differences = append(differences, "zone is "+zone)
			}
			if age := time.Since(f.Start); age < 0 || age > time.Hour || !f.Stop.IsZero() {
				differences = append(differences, fmt.Sprintf("it began at %v and ended at %v", f.Start, f.Stop))
			}
			return differences
		})
	check("/proc/net/nf_conntrack", s.proc(t), func(f *netstat.Flow, w *told) (differences []string) {
		if zone := strconv.Itoa(int(f.Original.Zone)); f.Original.Zone != 0 && zone != w.rest["zone-orig"] {
			differences = append(differences, "the original direction's zone is "+zone)
		}
		return differences
	})

	// A second library.
	var others []timo.Flow
	s.router.Do(t, func() error {
		c, err := timo.Dial(nil)
		if err != nil {
			return err
		}
		defer c.Close()
		others, err = c.Dump(nil)
		return err
	})
	if len(others) != len(flows) {
		t.Errorf("%d flows, ti-mo/conntrack has %d", len(flows), len(others))
	}
	byID := map[uint32]timo.Flow{}
	for _, o := range others {
		byID[o.ID] = o
	}
	for i := range flows {
		f := &flows[i]
		o, there := byID[f.ID.Or(0)]
		if !there {
			t.Errorf("ti-mo/conntrack has no flow %v", f.ID)
			continue
		}
		if got, want := flowFacts(f), otherFacts(&o); got != want {
			t.Errorf("flow %v\n%s, ti-mo/conntrack\n%s", f.ID, got, want)
		}
	}

	// What the scene was made to have.
	has := func(what string, choose func(f *netstat.Flow) bool) {
		t.Helper()
		if !slices.ContainsFunc(flows, func(f netstat.Flow) bool { return choose(&f) }) {
			t.Errorf("no flow %s", what)
		}
	}
	has("with a mark and a label", func(f *netstat.Flow) bool {
		labels := f.Labels.Or(netstat.FlowLabels{})
		return f.Mark == netstat.Known[uint32](42) && labels.Has(3)
	})
	has("in zone 7", func(f *netstat.Flow) bool { return f.Zone == 7 })
	has("in zone 8 in its original direction", func(f *netstat.Flow) bool { return f.Original.Zone == 8 && f.Zone == 0 })
	has("with a helper", func(f *netstat.Flow) bool { return f.Helper == "ftp" })
	has("with a translated source", func(f *netstat.Flow) bool {
		return f.IsSourceNAT() && !f.IsDestinationNAT() && f.Reply.DestinationPort == 4444
	})
	has("with a translated destination", func(f *netstat.Flow) bool {
		return f.IsDestinationNAT() && !f.IsSourceNAT() && f.Reply.Source == netip.MustParseAddr("10.77.2.2")
	})
	has("of IPv6 with a translated destination", func(f *netstat.Flow) bool {
		return f.IsDestinationNAT() && f.Reply.Source == netip.MustParseAddr("fd77:2::2")
	})
	has("with scaled windows", func(f *netstat.Flow) bool {
		tcp := f.TCP.Or(netstat.FlowTCP{})
		return tcp.OriginalScale.Or(0) > 0 && tcp.OriginalFlags.Or(0)&netstat.FlowTCPWindowScale != 0
	})
}

// flowFacts and otherFacts are what two libraries know of a flow.
func flowFacts(f *netstat.Flow) string {
	tcp := f.TCP.Or(netstat.FlowTCP{})
	return fmt.Sprint(f.Original.Source, f.Original.Destination, f.Original.SourcePort, f.Original.DestinationPort, f.Original.ICMPType, f.Original.ICMPID,
		f.Reply.Source, f.Reply.Destination, f.Reply.SourcePort, f.Reply.DestinationPort, uint8(f.Original.Protocol),
		uint32(f.Status.Or(0)), f.Mark.Or(0), f.Zone, f.Helper, f.OriginalCounters.Or(netstat.FlowCounters{}), f.ReplyCounters.Or(netstat.FlowCounters{}), f.Start.UnixNano(),
		uint8(tcp.State), tcp.OriginalScale.Or(0), tcp.ReplyScale.Or(0), uint8(tcp.OriginalFlags.Or(0)), uint8(tcp.ReplyFlags.Or(0)))
}

func otherFacts(o *timo.Flow) string {
	var tcp timo.ProtoInfoTCP
	if o.ProtoInfo.TCP != nil {
		tcp = *o.ProtoInfo.TCP
	}
	return fmt.Sprint(o.TupleOrig.IP.SourceAddress, o.TupleOrig.IP.DestinationAddress, o.TupleOrig.Proto.SourcePort, o.TupleOrig.Proto.DestinationPort,
		o.TupleOrig.Proto.ICMPType, o.TupleOrig.Proto.ICMPID,
		o.TupleReply.IP.SourceAddress, o.TupleReply.IP.DestinationAddress, o.TupleReply.Proto.SourcePort, o.TupleReply.Proto.DestinationPort, o.TupleOrig.Proto.Protocol,
		uint32(o.Status), o.Mark, o.Zone, o.Helper.Name,
		netstat.FlowCounters{Packets: o.CountersOrig.Packets, Bytes: o.CountersOrig.Bytes}, netstat.FlowCounters{Packets: o.CountersReply.Packets, Bytes: o.CountersReply.Bytes}, o.Timestamp.Start.UnixNano(),
		tcp.State, tcp.OriginalWindowScale, tcp.ReplyWindowScale, uint8(tcp.OriginalFlags>>8), uint8(tcp.ReplyFlags>>8)) // flags and mask
}

// What a helper expects is what conntrack(8) says of it, and gives the flow that
// comes a master.
func TestExpectationsOfTraffic(t *testing.T) {
	nstest.NeedsProgram(t, "conntrack")
	s := newFlowScene(t)
	s.traffic(t)
	k := s.kernel(t)
	ctx := context.Background()
	var all []netstat.Expectation
	for x, err := range k.Expectations(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	if len(all) != 1 {
		t.Fatalf("%d expectations, want that of the FTP command", len(all))
	}
	x := all[0]
	line := s.conntrack(t, "-L", "expect")
	for _, want := range []string{
		fmt.Sprintf("proto=%d", x.Tuple.Protocol), fmt.Sprintf("src=%v dst=%v", x.Tuple.Source, x.Tuple.Destination),
		fmt.Sprintf("sport=%d dport=%d", x.Tuple.SourcePort, x.Tuple.DestinationPort),
		fmt.Sprintf("mask-src=%v mask-dst=%v sport=%d dport=%d", x.Mask.Source, x.Mask.Destination, x.Mask.SourcePort, x.Mask.DestinationPort),
		fmt.Sprintf("master-src=%v master-dst=%v sport=%d dport=%d", x.Master.Source, x.Master.Destination, x.Master.SourcePort, x.Master.DestinationPort),
		fmt.Sprintf("class=%d", x.Class), "helper=" + x.Helper,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("conntrack(8) has no %q in %s", want, line)
		}
	}
	if x.Tuple.DestinationPort != 4<<8+1 || x.Helper != "ftp" {
		t.Errorf("expected is %+v", x)
	}
	for _, err := range k.Expectations(ctx, netstat.IPv6) {
		t.Errorf("an expectation of IPv6, or %v", err)
	}

	l := s.client.Listen(t, "tcp", "10.77.1.2:1025")
	c := s.server.Dial(t, "tcp", "10.77.1.2:1025")
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
	c.Close()
	q := netstat.FlowQuery{Status: netstat.Known(netstat.Bits{Value: uint32(netstat.FlowExpected), Mask: uint32(netstat.FlowExpected)})}
	expected := flowsOf(t, k.Flows(ctx, q))
	if len(expected) != 1 || expected[0].Original.DestinationPort != 1025 || expected[0].Master.Or(netstat.FlowTuple{}) != x.Master {
		t.Errorf("the flow that was expected is %+v, of %+v", expected, x.Master)
	}
}

// scratch is a namespace with nothing but what the test puts into its table.
func scratch(t *testing.T) (*Kernel, *FlowEditor, *nstest.NS) {
	t.Helper()
	nstest.NeedsKernel(t, "CONFIG_NF_CT_NETLINK")
	ns := nstest.New(t)
	k, err := Open(Options{NetNS: ns.Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	e, err := k.EditFlows()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return k, e, ns
}

func tcpFlow(n int) netstat.NewFlow {
	var f netstat.NewFlow
	f.Original = netstat.FlowTuple{
		Protocol: netstat.IPProtocolTCP,
		Source:   netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), Destination: netip.AddrFrom4([4]byte{10, 255, 0, 1}),
		SourcePort: 1024, DestinationPort: 80,
	}
	f.Timeout.Set(1000 * time.Second)
	f.TCP.Set(netstat.FlowTCP{State: netstat.FlowTCPEstablished})
	return f
}

func tcpKey(n int) netstat.FlowKey {
	f := tcpFlow(n)
	return f.Key()
}

func tcpFlows(n int) iter.Seq[netstat.NewFlow] {
	return func(yield func(netstat.NewFlow) bool) {
		for i := range n {
			if !yield(tcpFlow(i)) {
				return
			}
		}
	}
}

func mustCreate(t *testing.T, e *FlowEditor, flows ...netstat.NewFlow) {
	t.Helper()
	if n, err := e.Create(context.Background(), slices.Values(flows)); err != nil || n != len(flows) {
		t.Fatalf("%d of %d flows made: %v", n, len(flows), err)
	}
}

// randomFlow is a flow that the kernel lets be made.
func randomFlow(r *rand.Rand, n int) netstat.NewFlow {
	protocols := []netstat.IPProtocol{netstat.IPProtocolTCP, netstat.IPProtocolUDP, netstat.IPProtocolSCTP, netstat.IPProtocolGRE, netstat.IPProtocolUDPLite, netstat.IPProtocolICMP, 2, 200}
	address := func(n byte) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(1 + r.IntN(220)), byte(r.Uint32()), n, byte(r.Uint32())})
	}
	if n%3 == 0 {
		protocols[5] = netstat.IPProtocolICMPv6
		address = func(n byte) netip.Addr {
			a := netip.MustParseAddr("2001:db8::").As16()
			a[8], a[15] = n, byte(r.Uint32())
			return netip.AddrFrom16(a)
		}
	}
	var f netstat.NewFlow
	o := &f.Original
	o.Protocol = protocols[r.IntN(len(protocols))]
	o.Source, o.Destination = address(byte(n)), address(byte(n>>8))
	switch {
	case o.Protocol.HasPorts():
		o.SourcePort, o.DestinationPort = uint16(1+r.IntN(65535)), uint16(n+1)
	case o.Protocol == netstat.IPProtocolICMP:
		o.ICMPType, o.ICMPCode, o.ICMPID = []uint8{8, 13, 17}[r.IntN(3)], uint8(r.IntN(4)), uint16(r.Uint32())
	case o.Protocol == netstat.IPProtocolICMPv6:
		o.ICMPType, o.ICMPCode, o.ICMPID = 128, uint8(r.IntN(4)), uint16(r.Uint32())
	}
	f.Reply = o.Invert()
	f.Timeout.Set(time.Duration(1000+r.IntN(100000)) * time.Second)
	f.Mark.Set(r.Uint32())
	switch r.IntN(4) {
	case 0:
		f.Zone = uint16(1 + r.IntN(65535))
	case 1:
		o.Zone = uint16(1 + r.IntN(65535))
	case 2:
		f.Reply.Zone = uint16(1 + r.IntN(65535))
	}
	f.Status.Set(netstat.FlowConfirmed)
	if r.IntN(2) == 0 {
		f.Status.Set(netstat.FlowConfirmed | netstat.FlowSeenReply | netstat.FlowAssured)
	}
	switch o.Protocol {
	case netstat.IPProtocolTCP:
		f.TCP.Set(netstat.FlowTCP{
			State:         netstat.FlowTCPState(r.IntN(10)),
			OriginalScale: netstat.Known(uint8(r.IntN(15))), ReplyScale: netstat.Known(uint8(r.IntN(15))),
			OriginalFlags: netstat.Known(netstat.FlowTCPFlags(r.Uint32()&0xf) | netstat.FlowTCPWindowScale),
			ReplyFlags:    netstat.Known(netstat.FlowTCPFlags(r.Uint32()&0xf) | netstat.FlowTCPWindowScale),
		})
	case netstat.IPProtocolSCTP:
		f.SCTP.Set(netstat.FlowSCTP{State: netstat.FlowSCTPState(r.IntN(8)), OriginalTag: netstat.Known(r.Uint32()), ReplyTag: netstat.Known(r.Uint32())})
	}
	return f
}

// What is written is what is read: through the kernel, and without it.
func TestFlowsComeBack(t *testing.T) {
	k, e, _ := scratch(t)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string]netstat.Flow{}
	var made []netstat.NewFlow
	for n := range 1000 {
		f := randomFlow(r, n)
		made = append(made, f)
		body, err := appendNewFlow([]byte{0, 0, 0, 0}, &f)
		if err != nil {
			t.Fatal(err)
		}
		var d conntrackDecoder
		if err := d.flow(body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.Flow, d.Flow, compareOptionals); diff != "" {
			t.Fatalf("without the kernel (-encoded +decoded):\n%s", diff)
		}
		want[fmt.Sprint(f.Original, f.Zone)] = f.Flow
	}
	mustCreate(t, e, made...)
	count := 0
	for got, err := range k.Flows(ctx, netstat.FlowQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		w, there := want[fmt.Sprint(got.Original, got.Zone)]
		if !there {
			t.Fatalf("nobody made %+v", got)
		}
		if left := got.Timeout.Or(0); left > w.Timeout.Or(0) || !got.ID.IsKnown() || !got.Use.IsKnown() {
			t.Errorf("%v left of %v, ID %v, use %v", left, w.Timeout, got.ID, got.Use)
		}
		got.Timeout, w.Timeout = netstat.Optional[time.Duration]{}, netstat.Optional[time.Duration]{}
		got.ID, got.Use = netstat.Optional[uint32]{}, netstat.Optional[uint32]{}
		if got.SynProxy == netstat.Known(netstat.SynProxy{}) { // the kernel's own, of every flow that is written
			got.SynProxy = netstat.Optional[netstat.SynProxy]{}
		}
		if diff := cmp.Diff(w, got, compareOptionals); diff != "" {
			t.Fatalf("through the kernel (-written +read):\n%s", diff)
		}
	}
	if count != len(made) {
		t.Errorf("%d flows, %d were made", count, len(made))
	}
}

// compareOptionals compares what go-cmp cannot look into by ==.
var compareOptionals = cmp.Comparer(func(a, b netstat.Flow) bool { return a == b })

// Whatever is asked for, the kernel and the reader choose the same flows, and
// those that a filter in plain Go chooses.
func TestFlowFilters(t *testing.T) {
	k, e, _ := scratch(t)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(3, 4))
	var made []netstat.NewFlow
	for n := range 200 {
		made = append(made, randomFlow(r, n))
	}
	mustCreate(t, e, made...)
	all := flowsOf(t, k.Flows(ctx, netstat.FlowQuery{}))
	pick := func() *netstat.Flow { return &all[r.IntN(len(all))] }
	maybe := func() bool { return r.IntN(4) == 0 }
	for range 500 {
		f := pick()
		var q netstat.FlowQuery
		if maybe() {
			q.Families = []netstat.Family{f.Family()}
		}
		if r.IntN(2) == 0 {
			q.Protocol.Set(f.Original.Protocol)
		}
		for _, end := range []struct {
			q *netstat.FlowTupleQuery
			t *netstat.FlowTuple
		}{{&q.Original, &f.Original}, {&q.Reply, &f.Reply}} {
			if maybe() {
				end.q.Source = netip.PrefixFrom(end.t.Source, []int{8, end.t.Source.BitLen()}[r.IntN(2)])
			}
			if maybe() {
				end.q.Destination = netip.PrefixFrom(end.t.Destination, []int{8, end.t.Destination.BitLen()}[r.IntN(2)])
			}
			if maybe() {
				end.q.SourcePort.Set(end.t.SourcePort)
			}
			if maybe() {
				end.q.DestinationPort.Set(end.t.DestinationPort)
			}
			if maybe() {
				end.q.ICMPType.Set(end.t.ICMPType)
			}
			if maybe() {
				end.q.ICMPID.Set(end.t.ICMPID)
			}
		}
		if maybe() {
			mask := r.Uint32()
			q.Mark.Set(netstat.Bits{Value: f.Mark.Or(0), Mask: mask})
		}
		if maybe() {
			q.Status.Set(netstat.Bits{Value: uint32(f.Status.Or(0)), Mask: 1 << r.IntN(8)})
		}
		if maybe() && f.Original.Zone == 0 && f.Reply.Zone == 0 {
			q.Zone.Set(f.Zone)
		}
		want := 0
		for i := range all {
			if q.Matches(&all[i]) {
				want++
			}
		}
		if !q.Matches(f) {
			t.Fatalf("%+v does not choose what it was made of: %+v", q, *f)
		}
		if got := len(flowsOf(t, k.Flows(ctx, q))); got != want {
			t.Fatalf("%d flows, want %d, of %+v", got, want, q)
		}
	}
}

// The kernel looks at filters itself, where it can.
func TestFiltersGoToTheKernel(t *testing.T) {
	if !nstest.KernelSince(t, 6, 8) {
		t.Skip("Linux before 6.8 does not know every filter of a dump of flows")
	}
	k, e, _ := scratch(t)
	flows := slices.Collect(tcpFlows(50))
	flows[7].Mark.Set(7)
	flows[8].Zone = 8
	flows[9].Status.Set(netstat.FlowSeenReply)
	flows[10].Original.DestinationPort = 443
	mustCreate(t, e, flows...)
	var tuple netstat.FlowQuery
	tuple.Families = []netstat.Family{netstat.IPv4}
	tuple.Protocol.Set(netstat.IPProtocolTCP)
	tuple.Original.DestinationPort.Set(443)
	var reply netstat.FlowQuery
	reply.Reply.Destination = netip.MustParsePrefix("10.0.0.3/32")
	for name, q := range map[string]netstat.FlowQuery{
		"mark":   {Mark: netstat.Known(netstat.Bits{Value: 7, Mask: 0xff})},
		"zone":   {Zone: netstat.Known[uint16](8)},
		"status": {Status: netstat.Known(netstat.Bits{Value: uint32(netstat.FlowSeenReply), Mask: uint32(netstat.FlowSeenReply)})},
		"tuple":  tuple, "reply": reply,
	} {
		rows := 0
		if _, err := k.dump(context.Background(), flowRequest(&q), func(uint16, []byte) (bool, error) { rows++; return true, nil }); err != nil || rows != 1 {
			t.Errorf("%s: the kernel sent %d rows: %v", name, rows, err)
		}
	}
}

// Counters are read and zeroed at once, of those flows only that are asked for.
func TestCountersAreReset(t *testing.T) {
	s := newFlowScene(t)
	s.traffic(t)
	k := s.kernel(t)
	ctx := context.Background()
	var q netstat.FlowQuery
	q.Protocol.Set(netstat.IPProtocolUDP)
	q.Original.DestinationPort.Set(53)
	packets := func(q netstat.FlowQuery) (n uint64) {
		for _, f := range flowsOf(t, k.Flows(ctx, q)) {
			if f.Original.Protocol == netstat.IPProtocolTCP {
				continue // some of which try again
			}
			n += f.OriginalCounters.Or(netstat.FlowCounters{}).Packets + f.ReplyCounters.Or(netstat.FlowCounters{}).Packets
		}
		return n
	}
	all, some := packets(netstat.FlowQuery{}), packets(q)
	if some == 0 || all <= some {
		t.Fatalf("%d of %d packets are of the flows to reset", some, all)
	}
	reset := q
	reset.Reset = true
	if n := packets(reset); n != some {
		t.Errorf("the reset told of %d packets, want %d", n, some)
	}
	if n := packets(q); n != 0 {
		t.Errorf("%d packets after the reset", n)
	}
	if n := packets(netstat.FlowQuery{}); n != all-some {
		t.Errorf("%d packets of other flows after the reset, want %d", n, all-some)
	}
	if n := packets(netstat.FlowQuery{Reset: true}); n != all-some {
		t.Errorf("the reset of all told of %d packets, want %d", n, all-some)
	}
	if n := packets(netstat.FlowQuery{}); n != 0 {
		t.Errorf("%d packets after the reset of all", n)
	}
	for _, err := range k.Flows(ctx, netstat.FlowQuery{List: netstat.FlowDying, Reset: true}) {
		if !errors.Is(err, netstat.ErrNotSupported) {
			t.Errorf("a reset of dying flows: %v", err)
		}
	}
}

// A flow that began without accounting has no counters: they are not 0.
func TestUncountedFlows(t *testing.T) {
	k, e, ns := scratch(t)
	ns.Sysctl(t, "net.netfilter.nf_conntrack_acct", "0")
	mustCreate(t, e, tcpFlow(1))
	for _, f := range flowsOf(t, k.Flows(context.Background(), netstat.FlowQuery{})) {
		if f.OriginalCounters.IsKnown() || f.ReplyCounters.IsKnown() || !f.Start.IsZero() {
			t.Errorf("counters %v and %v, begun at %v", f.OriginalCounters, f.ReplyCounters, f.Start)
		}
	}
	usage, err := k.FlowUsage(context.Background())
	if err != nil || usage.Flows != netstat.Known[uint32](1) || usage.Accounting != netstat.Known(false) || usage.Limit.Or(0) == 0 || usage.Buckets.Or(0) == 0 {
		t.Errorf("usage is %+v: %v", usage, err)
	}
}

// Changes do what they say, and nothing else.
func TestFlowChanges(t *testing.T) {
	nstest.NeedsProgram(t, "conntrack")
	k, e, ns := scratch(t)
	ctx := context.Background()
	// A rule that sets labels has the kernel keep them.
	ns.NFT(t, "table inet l { chain c { type filter hook input priority 0; ct label set 1\n }\n }")
	first := tcpFlow(1)
	first.Mark.Set(0xff00ff)
	var labels netstat.FlowLabels
	labels.Set(2)
	labels.Set(127)
	first.Labels.Set(labels)
	mustCreate(t, e, first, tcpFlow(2))
	get := func() netstat.Flow {
		t.Helper()
		f, err := k.Flow(ctx, first.Key(), false)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := get()
	if f.Labels.Or(netstat.FlowLabels{}) != labels {
		t.Errorf("labels are %v, want %v", f.Labels, labels)
	}
	var set, mask netstat.FlowLabels
	set.Set(5)
	mask.Set(5)
	mask.Set(2)
	if err := e.Change(ctx, f, netstat.FlowChange{
		Timeout: netstat.Known(77 * time.Second), Mark: netstat.Known(netstat.Bits{Value: 0x0f, Mask: 0xff}),
		Status: netstat.FlowSeenReply | netstat.FlowAssured, Labels: netstat.Known(set), LabelMask: netstat.Known(mask),
		TCP: netstat.Known(netstat.FlowTCP{State: netstat.FlowTCPCloseWait}),
	}); err != nil {
		t.Fatal(err)
	}
	f = get()
	line := ns.Run(t, "conntrack", "-L", "-s", "10.0.0.1")
	for _, want := range []string{"CLOSE_WAIT", "mark=" + strconv.Itoa(0xff000f), "[ASSURED]"} {
		if !strings.Contains(line, want) {
			t.Errorf("conntrack(8) has no %s in %s", want, line)
		}
	}
	labels.Set(5)
	labels[0] &^= 1 << 2
	if f.Mark != netstat.Known[uint32](0xff000f) || f.Timeout.Or(0) > 77*time.Second || f.Status.Or(0)&(netstat.FlowSeenReply|netstat.FlowAssured) != netstat.FlowSeenReply|netstat.FlowAssured ||
		f.Labels.Or(netstat.FlowLabels{}) != labels || f.TCP.Or(netstat.FlowTCP{}).State != netstat.FlowTCPCloseWait {
		t.Errorf("changed to %+v", f)
	}
	if line := ns.Run(t, "conntrack", "-L", "-s", "10.0.0.2"); !strings.Contains(line, "mark=0") || !strings.Contains(line, "ESTABLISHED") {
		t.Errorf("another flow changed: %s", line)
	}

	// What the kernel does not do it says.
	if err := e.Change(ctx, f, netstat.FlowChange{Helper: netstat.Known("no-such")}); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a helper that does not exist: %v", err)
	}
	if err := e.Change(ctx, f, netstat.FlowChange{Timeout: netstat.Known(-time.Second)}); err == nil {
		t.Error("a negative timeout was taken")
	}
	if err := e.DeleteExactly(ctx, f); err != nil {
		t.Fatal(err)
	}
	if err := e.Change(ctx, f, netstat.FlowChange{Status: netstat.FlowAssured}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a change of a flow that is gone: %v", err)
	}
	if _, err := k.Flow(ctx, f.Key(), false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a flow that is gone: %v", err)
	}
}

// Put makes flows and changes those that are there.
func TestPutFlows(t *testing.T) {
	k, e, _ := scratch(t)
	ctx := context.Background()
	mustCreate(t, e, tcpFlow(1))
	again, other := tcpFlow(1), tcpFlow(2)
	again.Mark.Set(9)
	if n, err := e.Put(ctx, slices.Values([]netstat.NewFlow{again, other})); err != nil || n != 2 {
		t.Fatalf("%d of 2: %v", n, err)
	}
	if f, err := k.Flow(ctx, again.Key(), false); err != nil || f.Mark != netstat.Known[uint32](9) {
		t.Errorf("mark is %v: %v", f.Mark, err)
	}
	// Each refusal says which flow it is of.
	n, err := e.Create(ctx, slices.Values([]netstat.NewFlow{tcpFlow(3), again, {}, tcpFlow(4), other}))
	var refused *FlowError
	if n != 2 || !errors.Is(err, fs.ErrExist) || !errors.As(err, &refused) || refused.Index != 1 && refused.Index != 2 {
		t.Errorf("%d made, refused: %v", n, err)
	}
	if left := len(flowsOf(t, k.Flows(ctx, netstat.FlowQuery{}))); left != 4 {
		t.Errorf("%d flows are there, want 4", left)
	}
}

// A deletion goes to what it names. What names nothing is never sent: the kernel
// would flush.
func TestDeletions(t *testing.T) {
	k, e, _ := scratch(t)
	ctx := context.Background()
	count := func() int { return len(flowsOf(t, k.Flows(ctx, netstat.FlowQuery{}))) }
	zoned := tcpFlow(1)
	zoned.Zone = 3
	mustCreate(t, e, tcpFlow(1), tcpFlow(2), zoned)

	var f netstat.Flow
	f.ID.Set(12345)
	onlySource := f
	onlySource.Original.Source = netip.MustParseAddr("10.0.0.1")
	for _, err := range []error{
		e.Delete(ctx, netstat.FlowKey{}), e.Delete(ctx, netstat.FlowKey{Reply: true, Zone: 3}), e.DeleteExactly(ctx, f), e.DeleteExactly(ctx, onlySource),
		e.DeleteExactly(ctx, netstat.Flow{Original: tcpFlow(1).Original}), e.DeleteExpectation(ctx, netstat.Expectation{ID: netstat.Known[uint32](1)}),
	} {
		if err == nil {
			t.Error("a deletion of nothing was sent")
		}
	}
	if n := count(); n != 3 {
		t.Fatalf("%d flows are left of 3", n)
	}

	old, err := k.Flow(ctx, tcpKey(1), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Delete(ctx, tcpKey(1)); err != nil {
		t.Fatal(err)
	}
	if n := len(flowsOf(t, k.Flows(ctx, netstat.FlowQuery{Zone: netstat.Known[uint16](3)}))); n != 1 || count() != 2 {
		t.Errorf("%d flows in the zone, %d in all", n, count())
	}
	old.ID.Set(old.ID.Or(0) + 1) // as if another had the tuple since
	mustCreate(t, e, tcpFlow(1))
	if err := e.DeleteExactly(ctx, old); !errors.Is(err, fs.ErrNotExist) || count() != 3 {
		t.Errorf("a flow with another ID: %v, %d left", err, count())
	}
	reply := netstat.FlowKey{Tuple: tcpFlow(1).Original.Invert(), Reply: true}
	if err := e.Delete(ctx, reply); err != nil || count() != 2 {
		t.Errorf("by the reply tuple: %v, %d left", err, count())
	}

	var q netstat.FlowQuery
	q.Original.Source = netip.MustParsePrefix("10.0.0.0/31") // no filter that a kernel knows
	if n, err := e.Flush(ctx, q); err != nil || n != 1 || count() != 1 {
		t.Errorf("%d flushed, %d left: %v", n, count(), err)
	}
	if _, err := e.Flush(ctx, netstat.FlowQuery{List: netstat.FlowDying}); !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("a flush of dying flows: %v", err)
	}
	if _, err := e.Flush(ctx, netstat.FlowQuery{}); err != nil || count() != 0 {
		t.Errorf("%d left: %v", count(), err)
	}
}

// Whatever a key lacks of a tuple, it is no request.
func FuzzKeysWithoutTuples(f *testing.F) {
	f.Add([]byte{}, []byte{10, 0, 0, 1}, uint8(6), uint16(1), true, uint32(7))
	f.Fuzz(func(t *testing.T, source, destination []byte, protocol uint8, zone uint16, reply bool, id uint32) {
		s, hasSource := netip.AddrFromSlice(source)
		d, hasDestination := netip.AddrFromSlice(destination)
		key := netstat.FlowKey{Tuple: netstat.FlowTuple{Protocol: netstat.IPProtocol(protocol), Source: s, Destination: d}, Reply: reply, Zone: zone}
		flow := netstat.Flow{Original: key.Tuple, Zone: zone, ID: netstat.Known(id)}
		b, err := appendKey(nil, &key)
		_, exact := deleteExactly(&flow)
		complete := hasSource && hasDestination && s.Is4() == d.Is4()
		if (err == nil) != complete || (exact == nil) != complete {
			t.Fatalf("%v and %v give %v and %v", s, d, err, exact)
		}
		if err == nil {
			var r attributeReader
			if a, _ := r.next(b); a.kind != ctaTupleOrig && a.kind != ctaTupleReply {
				t.Fatalf("no tuple in % x", b)
			}
		}
	})
}

// Events tell what happened, who did it, and the last counters.
func TestFlowEvents(t *testing.T) {
	s := newFlowScene(t)
	k := s.kernel(t)
	ctx := context.Background()
	l, err := k.ListenFlows(AllFlowEvents, DefaultListenBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.traffic(t)
	e, err := k.EditFlows()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	before := map[uint32]netstat.Flow{}
	for _, f := range flowsOf(t, k.Flows(ctx, netstat.FlowQuery{})) {
		before[f.ID.Or(0)] = f
	}
	if _, err := e.Flush(ctx, netstat.FlowQuery{}); err != nil {
		t.Fatal(err)
	}
	created, ended, expected, unexpected, changed := map[uint32]bool{}, 0, 0, 0, 0
	// A flow's expectations go after it.
	for ended < len(before) || unexpected == 0 {
		if err := l.Receive(func(e *FlowEvent) error {
			id := e.Flow.ID.Or(0)
			switch e.Kind {
			case FlowCreated:
				created[id] = true
				if e.Port != 0 {
					t.Errorf("a packet's flow is of port %d", e.Port)
				}
			case FlowUpdated:
				changed++
			case ExpectationCreated:
				expected++
			case ExpectationDestroyed:
				unexpected++
			case FlowDestroyed:
				was, known := before[id]
				if !known {
					return nil // it ended by itself
				}
				ended++
				if !created[id] {
					t.Errorf("flow %d ended and never began", id)
				}
				// The kernel keeps no count of packets that come after the dump.
				if e.Flow.Original != was.Original || e.Flow.Reply != was.Reply ||
					e.Flow.OriginalCounters.Or(netstat.FlowCounters{}).Packets < was.OriginalCounters.Or(netstat.FlowCounters{}).Packets ||
					e.Flow.Stop.Before(e.Flow.Start) || e.Flow.Start.IsZero() {
					t.Errorf("ended as %+v, was %+v", e.Flow, was)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if expected != 1 || unexpected != 1 || changed == 0 {
		t.Errorf("%d expectations came and %d went, %d changes", expected, unexpected, changed)
	}
	l.Close()
	if err := l.Receive(func(*FlowEvent) error { return nil }); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// Events that find no room are told of by a gap, after which the subscription goes
// on.
func TestFlowEventGap(t *testing.T) {
	k, e, _ := scratch(t)
	ctx := context.Background()
	l, err := k.ListenFlows(FlowCreated, 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n, err := e.Create(ctx, tcpFlows(1000)); err != nil || n != 1000 {
		t.Fatalf("%d made: %v", n, err)
	}
	events := 0
	count := func(*FlowEvent) error { events++; return nil }
	gap := false
	for range 1000 {
		if err := l.Receive(count); errors.Is(err, ErrGap) {
			gap = true
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !gap || events >= 1000 {
		t.Fatalf("%d events, gap %v", events, gap)
	}
	mustCreate(t, e, tcpFlow(5000))
	last := netip.Addr{}
	if err := l.Receive(func(e *FlowEvent) error { last = e.Flow.Original.Source; return nil }); err != nil || last != tcpFlow(5000).Original.Source {
		t.Errorf("after the gap came %v: %v", last, err)
	}
}

// An expectation is made and unmade.
func TestExpectations(t *testing.T) {
	nstest.NeedsProgram(t, "conntrack")
	nstest.NeedsKernel(t, "CONFIG_NF_CONNTRACK_FTP")
	k, e, ns := scratch(t)
	ctx := context.Background()
	master := tcpFlow(1)
	master.Original.DestinationPort = 21
	master.Helper = "ftp"
	mustCreate(t, e, master)
	x := netstat.Expectation{
		Master: master.Original,
		Tuple:  netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: netip.MustParseAddr("10.255.0.1"), Destination: netip.MustParseAddr("10.0.0.1"), DestinationPort: 2000},
		Mask: netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: netip.MustParseAddr("255.255.255.255"), Destination: netip.MustParseAddr("255.255.255.255"),
			DestinationPort: 65535},
		Timeout: netstat.Known(100 * time.Second),
	}
	if err := e.CreateExpectation(ctx, x); err != nil {
		t.Fatal(err)
	}
	all := func() (all []netstat.Expectation) {
		for x, err := range k.Expectations(ctx, netstat.IPv4) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
		return all
	}
	got := all()
	if len(got) != 1 || got[0].Tuple != x.Tuple || got[0].Mask != x.Mask || got[0].Master != x.Master || got[0].Flags&netstat.ExpectationUserspace != 0 {
		t.Errorf("made %+v, got %+v", x, got)
	}
	if line := ns.Run(t, "conntrack", "-L", "expect"); !strings.Contains(line, "dport=2000") {
		t.Errorf("conntrack(8) has %q", line)
	}
	if err := e.DeleteExpectation(ctx, x); err != nil || len(all()) != 0 {
		t.Errorf("%d left: %v", len(all()), err)
	}
	if err := e.DeleteExpectation(ctx, x); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an expectation that is gone: %v", err)
	}
	if err := e.CreateExpectation(ctx, x); err != nil {
		t.Fatal(err)
	}
	if err := e.FlushExpectations(ctx); err != nil || len(all()) != 0 {
		t.Errorf("%d left: %v", len(all()), err)
	}
	orphan := x
	orphan.Master.SourcePort++
	if err := e.CreateExpectation(ctx, orphan); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an expectation of a flow that is not there: %v", err)
	}
}

// ctnetlink and /proc count the same.
func TestFlowStatistics(t *testing.T) {
	s := newFlowScene(t)
	s.traffic(t)
	k := s.kernel(t)
	ctx := context.Background()
	fromProc, expectations, err := k.procConntrack(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	var total netstat.FlowStatistics
	for got, err := range k.FlowStatistics(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if got != fromProc[i] {
			t.Errorf("processor %d has %+v, /proc %+v", i, got, fromProc[i])
		}
		if i == 0 {
			total = got
		} else {
			total.Add(&got)
		}
		i++
	}
	if i != len(fromProc) || !total.ChainTooLong.IsKnown() || !total.ClashResolve.IsKnown() {
		t.Errorf("%d processors, %d in /proc, %+v", i, len(fromProc), total)
	}
	i = 0
	made := uint32(0)
	for got, err := range k.ExpectationStatistics(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if got != expectations[i] {
			t.Errorf("processor %d has %+v, /proc %+v", i, got, expectations[i])
		}
		made += got.Create.Or(0)
		i++
	}
	if made != 1 {
		t.Errorf("%d expectations were made, want 1", made)
	}
}

// A kernel without a subsystem of netfilter says EINVAL, as it does to a request
// that it dislikes: the two are told apart.
func TestWithoutSubsystem(t *testing.T) {
	k, _, _ := scratch(t)
	ctx := context.Background()
	const absent = 0x7f // no subsystem has this number
	probe := func() error {
		_, err := k.dump(ctx, nfRequest(absent, ctGet, 0, 0), func(uint16, []byte) (bool, error) { return true, nil })
		return err
	}
	err := withoutSubsystem(probe(), ctnetlinkOption, probe)
	if !errors.Is(err, netstat.ErrNotSupported) || !strings.Contains(err.Error(), "CONFIG_NF_CT_NETLINK") {
		t.Errorf("without the subsystem: %v", err)
	}
	if err := withoutSubsystem(unix.EINVAL, ctnetlinkOption, func() error { return k.probeConntrack(ctx) }); errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("with the subsystem: %v", err)
	}
}

// Without the privilege every call says which one, and what needs none goes on.
func TestFlowsWithoutPrivilege(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_NF_CT_NETLINK")
	if out := asHelper(t, "flows without privilege"); strings.TrimSpace(out) != "done" {
		t.Error(out)
	}
}

func helpFlowsWithoutPrivilege(ctx context.Context) error {
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
		return err
	}
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	_, flowErr := k.Flow(ctx, tcpKey(1), false)
	_, listenErr := k.ListenFlows(AllFlowEvents, 4096)
	e, err := k.EditFlows()
	if err != nil {
		return err
	}
	defer e.Close()
	_, createErr := e.Create(ctx, tcpFlows(1))
	_, flushErr := e.Flush(ctx, netstat.FlowQuery{})
	all := map[string]error{
		"get": flowErr, "listen": listenErr, "create": createErr, "flush": flushErr, "delete": e.Delete(ctx, tcpKey(1)),
		"change": e.Change(ctx, tcpFlow(1).Flow, netstat.FlowChange{Status: netstat.FlowAssured}),
		"dump":   k.EachFlow(ctx, netstat.FlowQuery{}, func(*netstat.Flow) bool { return true }),
	}
	for _, err := range k.Expectations(ctx) {
		all["expectations"] = err
	}
	for name, err := range all {
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
			fmt.Printf("%s: %v\n", name, err)
		}
	}
	if usage, err := k.FlowUsage(ctx); err != nil || !usage.Limit.IsKnown() {
		fmt.Println("usage:", usage, err)
	}
	for _, err := range k.FlowStatistics(ctx) {
		if err != nil {
			fmt.Println("statistics:", err)
		}
	}
	fmt.Println("done")
	return nil
}

// A row costs no allocation.
func TestFlowsDoNotAllocate(t *testing.T) {
	k, e, _ := scratch(t)
	const few, many = 100, 2100
	dump := func() float64 {
		return testing.AllocsPerRun(5, func() {
			if err := k.EachFlow(context.Background(), netstat.FlowQuery{}, func(*netstat.Flow) bool { return true }); err != nil {
				t.Fatal(err)
			}
		})
	}
	if _, err := e.Create(context.Background(), tcpFlows(few)); err != nil {
		t.Fatal(err)
	}
	before := dump()
	if _, err := e.Put(context.Background(), tcpFlows(many)); err != nil {
		t.Fatal(err)
	}
	// A datagram may cost some.
	if after := dump(); after-before > (many-few)/20 {
		t.Errorf("%v allocations for %d flows, %v for %d", before, few, after, many)
	}
}

// A context ends what is under way.
func TestFlowsEndWithTheirContext(t *testing.T) {
	k, e, _ := scratch(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := k.EachFlow(ctx, netstat.FlowQuery{}, func(*netstat.Flow) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("a dump: %v", err)
	}
	if _, err := e.Create(ctx, tcpFlows(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("a creation: %v", err)
	}
	// The next use is as good as the first.
	mustCreate(t, e, tcpFlow(1))
}

// Decoders take anything.
func FuzzFlows(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 20 {
		flow := randomFlow(r, n)
		body, err := appendNewFlow([]byte{2, 0, 0, 0}, &flow)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	x := netstat.Expectation{Master: tcpFlow(1).Original, Tuple: tcpFlow(2).Original, Mask: tcpFlow(3).Original, Timeout: netstat.Known(time.Second), Helper: "ftp", Function: "nat-follow-master",
		NAT: netstat.Known(netstat.ExpectationNAT{Tuple: tcpFlow(4).Original})}
	body, err := appendExpectation([]byte{2, 0, 0, 0}, &x)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var d conntrackDecoder
		errFlow, errExpectation := d.flow(body), d.expectation(body)
		if len(body) < sizeofNfgenmsg && (errFlow == nil || errExpectation == nil) {
			t.Error("a message without its header was taken")
		}
		if _, _, counters, err := nfMessage(body); err == nil {
			parseFlowStatistics(new(attributeReader), 0, counters)
		}
		// What can be sent comes back.
		n := netstat.NewFlow{Flow: d.Flow}
		if errFlow != nil || !n.Timeout.IsKnown() {
			return
		}
		encoded, err := appendNewFlow([]byte{0, 0, 0, 0}, &n)
		if err != nil {
			return
		}
		var back conntrackDecoder
		if err := back.flow(encoded); err != nil {
			t.Fatalf("% x: %v", encoded, err)
		}
		if back.Flow.Original.Source != n.Original.Source || back.Flow.Timeout != n.Timeout || back.Flow.Mark != n.Mark || back.Flow.Labels != n.Labels || back.Flow.Zone != n.Zone {
			t.Errorf("%+v comes back as %+v", n.Flow, back.Flow)
		}
	})
}
