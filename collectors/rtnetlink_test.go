package collectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// policyScene makes neighbours, forwarding entries, nexthop objects and rules.
func policyScene(t testing.TB) *nstest.NS {
	t.Helper()
	n := nstest.New(t)
	nstest.NeedsProgram(t, "bridge")
	n.IP(t, "link add near type veth peer name far", "link add br0 type bridge",
		"link add vx0 type vxlan id 42 dstport 4789 remote 192.0.2.9 dev near",
		"link set far master br0", "link set near up", "link set far up", "link set br0 up", "link set vx0 up",
		"addr add 192.0.2.1/24 dev near",
		"neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev near nud permanent",
		"neigh add 192.0.2.3 lladdr 02:00:00:00:00:03 dev near nud stale",
		"neigh add 192.0.2.4 lladdr 02:00:00:00:00:04 dev near nud noarp protocol bgp",
		"neigh add 192.0.2.5 lladdr 02:00:00:00:00:05 dev near nud reachable extern_learn",
		"neigh add fe80::9 lladdr 02:00:00:00:00:09 dev near nud permanent router",
		"nexthop add id 1 via 192.0.2.2 dev near", "nexthop add id 2 blackhole", "nexthop add id 3 dev near proto bgp",
		"nexthop add id 4 via fe80::5 dev near onlink", "nexthop add id 9 via 192.0.2.3 dev near",
		"nexthop add id 10 group 1,4/9,9", "nexthop add id 11 group 1,4 type resilient buckets 16 idle_timer 60 unbalanced_timer 300",
		"nexthop add id 20 via 192.0.2.77 fdb",
		"rule add from 10.0.0.0/8 to 192.0.2.0/24 iif near oif far fwmark 0x10/0xff table 100 priority 10 protocol bgp",
		"rule add not from 10.1.0.0/16 blackhole priority 20", "rule add tos 0x10 unreachable priority 30",
		"rule add goto 100 priority 40", "rule add prohibit priority 100 ipproto tcp sport 10-20 dport 80",
		"rule add uidrange 0-1000 lookup 70000 suppress_prefixlength 0 suppress_ifgroup 5 priority 110",
		"rule add l3mdev priority 1000", "rule add iif absent goto 7777 priority 1001",
		"-6 rule add from 2001:db8::/32 table 200 priority 50",
	)
	for _, entry := range []string{
		"02:00:00:00:01:01 dev far master static",
		"02:00:00:00:01:02 dev vx0 dst 192.0.2.77 vni 43 port 4790",
	} {
		n.Run(t, "bridge", append([]string{"fdb", "add"}, strings.Fields(entry)...)...)
	}
	n.Run(t, "bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vx0", "dst", "192.0.2.78")
	return n
}

// all collects a sequence.
func all[T any](t testing.TB, seq iter.Seq2[T, error]) (rows []T) {
	t.Helper()
	for row, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func compare(t *testing.T, what string, want, got []string, least int) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < least {
		t.Errorf("%s: only %d rows to compare with", what, len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-ip +collectors):\n%s", what, diff)
	}
}

func TestNeighboursAgreeWithIP(t *testing.T) {
	n := policyScene(t)
	k := open(t, n)
	names := make(map[uint32]string)
	for name, index := range linkIndexes(t, n) {
		names[index] = name
	}
	ip := func() (want []string) {
		for _, family := range []string{"-4", "-6"} {
			var listed []struct {
				Dst, Dev, LLAddr, Protocol string
				State                      []string
				Router, ExternLearn        *struct{}
			}
			out := n.Run(t, "ip", family, "-j", "-N", "neigh", "show", "nud", "all")
			out = strings.NewReplacer(`"router":null`, `"router":{}`, `"extern_learn":null`, `"externlearn":{}`).Replace(out)
			decodeJSON(t, out, &listed)
			for _, l := range listed {
				want = append(want, fmt.Sprint(l.Dst, " ", l.Dev, " ", l.LLAddr, " ", strings.ToLower(strings.Join(l.State, ",")), " ", l.Protocol, " ", l.Router != nil, " ", l.ExternLearn != nil))
			}
		}
		return want
	}
	var updated bool
	var got []string
	want := unchanging(t, ip, func() {
		got = nil
		for _, l := range all(t, k.Neighbours(t.Context())) {
			protocol := ""
			if l.Protocol != 0 {
				protocol = strconv.Itoa(int(l.Protocol))
			}
			got = append(got, fmt.Sprint(l.Address.WithZone(""), " ", names[l.Interface], " ", l.LinkAddress, " ", l.State, " ", protocol, " ",
				l.Flags&netstat.NeighbourRouter != 0, " ", l.Flags&netstat.NeighbourExternallyLearn != 0))
			if l.Address.IsLinkLocalUnicast() && l.Address.Zone() != strconv.Itoa(int(l.Interface)) {
				t.Errorf("%v has no zone", l.Address)
			}
			updated = updated || time.Since(l.Updated) < time.Minute
		}
	})
	compare(t, "neighbours", want, got, 6)
	if !updated {
		t.Error("no neighbour was updated within the last minute")
	}
}

func TestForwardingEntriesAgreeWithBridge(t *testing.T) {
	n := policyScene(t)
	k := open(t, n)
	names := make(map[uint32]string)
	for name, index := range linkIndexes(t, n) {
		names[index] = name
	}
	bridge := func() (want []string) {
		var listed []struct {
			MAC, IfName, Dst, ViaIf, Master, State string
			Port                                   uint16
			VNI                                    uint32
			Flags                                  []string
		}
		decodeJSON(t, n.Run(t, "bridge", "-j", "-d", "fdb"), &listed)
		for _, l := range listed {
			want = append(want, fmt.Sprint(l.MAC, " ", l.IfName, " ", l.Dst, " ", l.ViaIf, " ", l.Master, " ", l.State, " ", l.Port, " ", l.VNI, " ", slices.Contains(l.Flags, "self")))
		}
		return want
	}
	state := func(s netstat.NeighbourState) string {
		switch {
		case s&netstat.NeighbourPermanent != 0: // with NeighbourNoARP, of VXLAN devices
			return "permanent"
		case s&netstat.NeighbourNoARP != 0:
			return "static"
		case s&netstat.NeighbourStale != 0:
			return "stale"
		}
		return ""
	}
	var got []string
	want := unchanging(t, bridge, func() {
		got = nil
		for _, l := range all(t, k.Neighbours(t.Context(), netstat.Bridge)) {
			remote := ""
			if l.Address.IsValid() {
				remote = l.Address.String()
			}
			got = append(got, fmt.Sprint(l.LinkAddress, " ", names[l.Interface], " ", remote, " ", names[l.Via], " ", names[l.Master], " ", state(l.State.Or(0)), " ",
				l.Port, " ", l.VNI.Or(0), " ", l.Flags&netstat.NeighbourSelf != 0))
		}
	})
	compare(t, "forwarding entries", want, got, 8)
}

func TestRulesAgreeWithIP(t *testing.T) {
	n := policyScene(t)
	k := open(t, n)
	type listed struct {
		Priority                          uint32
		Src, Dst                          string
		SrcLen, DstLen                    int
		IIF, OIF, FwMark, FwMask, TOS     string
		Table, Action, Protocol, IPProto  string
		Goto                              uint32
		SPortStart                        uint16  `json:"sport_start"`
		SPortEnd                          uint16  `json:"sport_end"`
		DPort                             uint16  `json:"dport"`
		UIDStart                          *uint32 `json:"uid_start"`
		UIDEnd                            uint32  `json:"uid_end"`
		SuppressPrefixLen                 *uint32 `json:"suppress_prefixlen"`
		SuppressIfGroup                   *string `json:"suppress_ifgroup"`
		Not, L3mdev, Unresolved, Detached *string
	}
	var want, got []string
	for family, flag := range map[netstat.Family]string{netstat.IPv4: "-4", netstat.IPv6: "-6"} {
		var rules []listed
		out := n.Run(t, "ip", flag, "-j", "-d", "-N", "rule")
		decodeJSON(t, strings.NewReplacer(`"not":null`, `"not":""`, `"l3mdev":null`, `"l3mdev":""`, `"unresolved":null`, `"unresolved":""`, `"iif_detached":null`, `"detached":""`).Replace(out), &rules)
		for _, l := range rules {
			prefix := func(address string, bits int) string {
				if address == "all" || address == "" {
					return "any"
				}
				return fmt.Sprint(address, "/", bits)
			}
			r := fmt.Sprint(family, " ", l.Priority, " from ", prefix(l.Src, l.SrcLen), " to ", prefix(l.Dst, l.DstLen), " iif ", l.IIF, " oif ", l.OIF)
			if l.FwMark != "" {
				r += " mark " + l.FwMark + "/" + l.FwMask
			}
			if l.TOS != "" {
				r += " tos " + l.TOS
			}
			r += fmt.Sprint(" table ", orZero(l.Table), " action ", l.Action, " goto ", l.Goto, " protocol ", l.Protocol, " ip ", strings.TrimPrefix(l.IPProto, "ipproto-"),
				" ports ", l.SPortStart, "-", l.SPortEnd, " ", l.DPort)
			if l.UIDStart != nil {
				r += fmt.Sprint(" uids ", *l.UIDStart, "-", l.UIDEnd)
			}
			if l.SuppressPrefixLen != nil {
				r += fmt.Sprint(" suppress ", *l.SuppressPrefixLen)
			}
			if l.SuppressIfGroup != nil {
				r += " suppress group " + *l.SuppressIfGroup
			}
			want = append(want, r+fmt.Sprint(" not ", l.Not != nil, " l3mdev ", l.L3mdev != nil, " unresolved ", l.Unresolved != nil, " detached ", l.Detached != nil))
		}
	}
	rules := all(t, k.Rules(t.Context()))
	for _, l := range rules {
		prefix := func(p fmt.Stringer, valid bool) string {
			if !valid {
				return "any"
			}
			return p.String()
		}
		r := fmt.Sprint(l.Family, " ", l.Priority, " from ", prefix(l.Source, l.Source.IsValid()), " to ", prefix(l.Destination, l.Destination.IsValid()),
			" iif ", l.InputInterface, " oif ", l.OutputInterface)
		if l.Mask != 0 {
			r += fmt.Sprintf(" mark 0x%x/0x%x", l.Mark, l.Mask)
		}
		if l.TOS != 0 {
			r += fmt.Sprintf(" tos 0x%x", l.TOS)
		}
		action, ip := "", ""
		if l.Action > netstat.RuleGoto {
			action = strconv.Itoa(int(l.Action))
		}
		if l.IPProtocol != 0 {
			ip = strconv.Itoa(int(l.IPProtocol))
		}
		table := l.Table
		if l.Action != netstat.RuleTable {
			table = 0
		}
		r += fmt.Sprint(" table ", table, " action ", action, " goto ", l.Goto, " protocol ", uint8(l.Protocol), " ip ", ip,
			" ports ", l.SourcePorts.First, "-", l.SourcePorts.Last, " ", l.DestinationPorts.First)
		if u, ok := l.UIDs.Get(); ok {
			r += fmt.Sprint(" uids ", u.First, "-", u.Last)
		}
		if s, ok := l.SuppressPrefixLength.Get(); ok {
			r += fmt.Sprint(" suppress ", s)
		}
		if s, ok := l.SuppressGroup.Get(); ok {
			r += fmt.Sprint(" suppress group ", s)
		}
		got = append(got, r+fmt.Sprint(" not ", l.Flags&netstat.RuleInvert != 0, " l3mdev ", l.L3MasterDevice,
			" unresolved ", l.Flags&netstat.RuleUnresolved != 0, " detached ", l.Flags&netstat.RuleInputDetached != 0))
	}
	if !slices.IsSortedFunc(rules, func(a, b netstat.Rule) int {
		if a.Family != b.Family {
			return int(a.Family) - int(b.Family)
		}
		return int(int64(a.Priority) - int64(b.Priority))
	}) {
		t.Error("rules are not in the order that they apply in")
	}
	compare(t, "rules", want, got, 12)
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func TestNextHopsAgreeWithIP(t *testing.T) {
	n := policyScene(t)
	k := open(t, n)
	indexes := linkIndexes(t, n)
	type member struct {
		ID     uint32
		Weight uint16
	}
	var listed []struct {
		ID              uint32
		Gateway, Dev    string
		Scope, Protocol string
		Blackhole, FDB  *struct{}
		Flags           []string
		Group           []member
		Type            string
		ResilientArgs   struct {
			Buckets                    uint16
			IdleTimer, UnbalancedTimer float64
		} `json:"resilient_args"`
	}
	out := n.Run(t, "ip", "-j", "-d", "-N", "nexthop")
	decodeJSON(t, strings.NewReplacer(`"blackhole":null`, `"blackhole":{}`, `"fdb":null`, `"fdb":{}`, "idle_timer", "idletimer", "unbalanced_timer", "unbalancedtimer").Replace(out), &listed)
	var want, got []string
	for _, l := range listed {
		r := fmt.Sprint(l.ID, " via ", l.Gateway, " dev ", indexes[l.Dev], " blackhole ", l.Blackhole != nil, " fdb ", l.FDB != nil, " onlink ", slices.Contains(l.Flags, "onlink"),
			" protocol ", orZero(l.Protocol), " group")
		for _, m := range l.Group {
			r += fmt.Sprint(" ", m.ID, "/", max(m.Weight, 1))
		}
		if l.Type == "resilient" {
			r += fmt.Sprint(" ", l.ResilientArgs.Buckets, " ", l.ResilientArgs.IdleTimer, " ", l.ResilientArgs.UnbalancedTimer)
		}
		want = append(want, r)
	}
	objects := all(t, k.NextHops(t.Context()))
	for _, l := range objects {
		gateway := ""
		if l.Gateway.IsValid() {
			gateway = l.Gateway.String()
		}
		device := l.Interface
		if l.Blackhole {
			device = 0 // ip leaves the loopback out
		}
		r := fmt.Sprint(l.ID, " via ", gateway, " dev ", device, " blackhole ", l.Blackhole, " fdb ", l.Forwarding, " onlink ", l.Flags&netstat.NextHopOnLink != 0,
			" protocol ", uint8(l.Protocol), " group")
		for _, m := range l.Group {
			r += fmt.Sprint(" ", m.ID, "/", m.Weight)
		}
		if g, ok := l.Resilient.Get(); ok {
			r += fmt.Sprint(" ", g.Buckets, " ", g.IdleTimer.Seconds(), " ", g.UnbalancedTimer.Seconds())
		}
		got = append(got, r)
	}
	if !slices.IsSortedFunc(objects, func(a, b netstat.NextHop) int { return int(int64(a.ID) - int64(b.ID)) }) {
		t.Error("nexthop objects are not in the order of their numbers")
	}
	compare(t, "nexthop objects", want, got, 7)
}

func TestNetconfsAgreeWithIP(t *testing.T) {
	n := policyScene(t)
	n.Sysctl(t, "net.ipv4.conf.near.forwarding", "1")
	n.Sysctl(t, "net.ipv4.conf.far.rp_filter", "2")
	n.Sysctl(t, "net.ipv4.conf.default.rp_filter", "1")
	n.Sysctl(t, "net.ipv6.conf.near.proxy_ndp", "1")
	n.Sysctl(t, "net.ipv4.conf.br0.ignore_routes_with_linkdown", "1")
	k := open(t, n)
	names := map[int32]string{netstat.NetconfAll: "all", netstat.NetconfDefault: "default"}
	for name, index := range linkIndexes(t, n) {
		names[int32(index)] = name
	}
	var want, got []string
	for _, family := range []string{"-4", "-6"} {
		var listed []struct {
			Family, Interface string
			Forwarding        bool
			RPFilter          string `json:"rp_filter"`
			MCForwarding      bool   `json:"mc_forwarding"`
			ProxyNeigh        bool   `json:"proxy_neigh"`
			Ignore            bool   `json:"ignore_routes_with_linkdown"`
		}
		decodeJSON(t, n.Run(t, "ip", family, "-j", "netconf"), &listed)
		for _, l := range listed {
			want = append(want, fmt.Sprint(l.Family, " ", l.Interface, " ", l.Forwarding, " ", l.RPFilter, " ", l.MCForwarding, " ", l.ProxyNeigh, " ", l.Ignore))
		}
	}
	for _, l := range all(t, k.Netconfs(t.Context())) {
		filter := ""
		if f, ok := l.ReversePathFilter.Get(); ok {
			filter = []string{"off", "strict", "loose"}[f]
		}
		got = append(got, fmt.Sprint(map[netstat.Family]string{netstat.IPv4: "inet", netstat.IPv6: "inet6"}[l.Family], " ", names[l.Interface], " ", l.Forwarding.Or(false), " ", filter, " ",
			l.MulticastForwarding.Or(false), " ", l.ProxyNeighbours.Or(false), " ", l.IgnoreRoutesWithLinkDown.Or(false)))
	}
	compare(t, "settings", want, got, 14)
}

// TestListenTellsWhatDumpsTell makes one of everything while a Listener is
// there and compares the events with what is dumped afterwards.
func TestListenTellsWhatDumpsTell(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	kinds, err := k.Followable(t.Context(), netstat.AllKinds)
	must(t, err)
	l, err := k.Listen(kinds, DefaultListenBuffer)
	must(t, err)
	defer l.Close()
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up",
		"addr add 192.0.2.1/24 dev near", "neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev near nud permanent",
		"nexthop add id 1 via 192.0.2.2 dev near", "route add 10.1.0.0/16 nhid 1",
		"route add 10.2.0.0/16 nexthop via 192.0.2.2 weight 3 nexthop via 192.0.2.3", "rule add from 10.0.0.0/8 table 100 priority 10",
		"route add 10.3.0.0/16 dev near", "route append 10.3.0.0/16 via 192.0.2.2", "route replace 10.3.0.0/16 via 192.0.2.3",
		"route del 10.3.0.0/16 via 192.0.2.2", "link set near alias last")
	n.Sysctl(t, "net.ipv4.conf.near.forwarding", "1")

	told := make(map[netstat.Kinds]map[string]bool)
	note := func(m *Message) string {
		switch m.Kind {
		case netstat.KindRoute:
			return showRoutes(m.Routes)[0]
		case netstat.KindRule:
			return fmt.Sprintf("%+v", m.Rule)
		case netstat.KindNextHop:
			return fmt.Sprintf("%+v", m.NextHop)
		case netstat.KindAddress:
			return fmt.Sprint(m.Address.Interface, m.Address.Prefix, m.Address.Flags)
		case netstat.KindNeighbour:
			return fmt.Sprint(m.Neighbour.Interface, m.Neighbour.Address, m.Neighbour.LinkAddress, m.Neighbour.State)
		case netstat.KindMulticast:
			return fmt.Sprintf("%+v", m.Multicast)
		case netstat.KindInterface:
			return fmt.Sprint(m.Interface.Index, m.Interface.Name, m.Interface.Alias, m.Interface.Flags)
		}
		return fmt.Sprint(m.Netconf.Interface, m.Netconf.Family)
	}
	var flags []string
	var d Decoder
	for done := false; !done; {
		datagram, err := l.Receive()
		must(t, err)
		must(t, d.Decode(datagram, func(m *Message, err error) {
			must(t, err)
			if told[m.Kind] == nil {
				told[m.Kind] = make(map[string]bool)
			}
			told[m.Kind][note(m)] = true
			if m.Kind == netstat.KindRoute && m.Routes[0].Destination.String() == "10.3.0.0/16" {
				flags = append(flags, fmt.Sprint(m.Removed, m.Replace, m.Append, m.Exclusive, m.Routes[0].Gateway))
			}
			done = done || m.Kind == netstat.KindNetconf && m.Netconf.Forwarding.Or(false)
		}))
	}
	if want := []string{"false false false true invalid IP", "false false true false 192.0.2.2", "false true false false 192.0.2.3", "true false false false 192.0.2.2"}; !slices.Equal(flags, want) {
		t.Errorf("changes of one route: %q, want %q", flags, want)
	}
	kinds.Each(func(kind netstat.Kinds) {
		rows := 0
		interrupted, err := k.Dump(t.Context(), kind, func(m *Message) error {
			before := m.Kind == netstat.KindRule && m.Rule.Priority != 10 ||
				m.Kind == netstat.KindInterface && m.Interface.Name != "near" || m.Kind == netstat.KindNetconf && m.Netconf.Interface < 2 ||
				m.Kind == netstat.KindMulticast && (m.Multicast.Interface == 1 || m.Multicast.Group.Is6()) ||
				m.Kind == netstat.KindAddress && (m.Address.Interface == 1 || m.Address.Prefix.Addr().Is6()) ||
				m.Kind == netstat.KindNeighbour && m.Neighbour.State != netstat.Known(netstat.NeighbourPermanent) || m.Kind == netstat.KindNeighbour && m.Neighbour.Family == netstat.Bridge ||
				m.Kind == netstat.KindRoute && (m.Routes[0].Interface == 1 || m.Routes[0].Destination.Addr().Is6())
			if before {
				return nil // what was there before, and what the kernel makes by and by
			}
			rows++
			if row := note(m); !told[kind][row] {
				t.Errorf("%v: dumped, and no event told: %s", kind, row)
			}
			return nil
		})
		if err != nil || interrupted || rows == 0 {
			t.Errorf("dump of %v: %d rows, interrupted %v, error %v", kind, rows, interrupted, err)
		}
	})
}

func TestListenerLosesEventsAndSaysSo(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	l, err := k.Listen(netstat.KindRoute, 4096)
	must(t, err)
	defer l.Close()
	var batch []string
	for i := range 200 {
		batch = append(batch, fmt.Sprintf("route add 10.%d.0.0/16 dev lo", i))
	}
	n.IP(t, batch...)
	for {
		if _, err = l.Receive(); err != nil {
			break
		}
	}
	var read *netstat.ReadError
	if !errors.Is(err, ErrGap) || !errors.As(err, &read) {
		t.Fatalf("error %v", err)
	}
	// After that the next event is a new one.
	n.IP(t, "route add 192.0.2.0/24 dev lo")
	datagram, err := l.Receive()
	must(t, err)
	var d Decoder
	must(t, d.Decode(datagram, func(m *Message, err error) {
		must(t, err)
		if m.Routes[0].Destination.String() != "192.0.2.0/24" {
			t.Errorf("after the gap comes %v", m.Routes[0].Destination)
		}
	}))
}

func TestListenerCloseEndsReceive(t *testing.T) {
	l, err := open(t, nstest.New(t)).Listen(netstat.KindRoute, 4096)
	must(t, err)
	done := make(chan error)
	go func() {
		_, err := l.Receive()
		done <- err
	}()
	must(t, l.Close())
	if err := <-done; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Receive after Close: %v", err)
	}
}

// FuzzDecode holds that no datagram makes the decoder panic, and that what it
// accepts can be told apart.
func FuzzDecode(f *testing.F) {
	for kind, request := range map[uint16][]byte{
		unix.RTM_GETLINK: make([]byte, sizeofIfInfomsg), unix.RTM_GETADDR: make([]byte, sizeofIfAddrmsg), unix.RTM_GETNEIGH: make([]byte, sizeofNdmsg),
		unix.RTM_GETROUTE: append([]byte{unix.AF_INET}, make([]byte, sizeofRtmsg-1)...), unix.RTM_GETRULE: append([]byte{unix.AF_INET}, make([]byte, sizeofFibRuleHdr-1)...),
		unix.RTM_GETNETCONF: append([]byte{unix.AF_INET}, make([]byte, sizeofNetconfmsg-1)...),
	} {
		for _, body := range captured(f, kind, kind-2, request)[:1] {
			f.Add(message(kind-2, unix.NLM_F_REPLACE, body...))
			f.Add(message(kind-1, 0, body...))
		}
	}
	f.Add(message(unix.RTM_NEWMULTICAST, 0, addressBody(unix.AF_INET, 32, attribute(unix.IFA_MULTICAST, 239, 1, 2, 3))...))
	f.Add(message(unix.RTM_NEWNEXTHOP, 0, nexthopBody(attribute(nexthopID, native(uint32(1))...), attribute(nexthopResGroup, attribute(resGroupIdle, native(uint32(1))...)...))...))
	f.Add(message(unix.RTM_NEWNEIGH, 0, append(append([]byte{unix.AF_BRIDGE}, make([]byte, sizeofNdmsg-1)...),
		bytes.Join([][]byte{attribute(unix.NDA_DST, 1, 2, 3, 4), attribute(unix.NDA_PORT, 1, 2), attribute(unix.NDA_CACHEINFO, make([]byte, 16)...)}, nil)...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		_ = d.Decode(b, func(m *Message, err error) {
			if m.Kind == 0 || m.Kind&(m.Kind-1) != 0 || m.Kind&^netstat.AllKinds != 0 {
				t.Errorf("kind %d", m.Kind)
			}
			if err != nil {
				return
			}
			switch m.Kind {
			case netstat.KindRoute:
				if len(m.Routes) == 0 || !m.Routes[0].Destination.IsValid() {
					t.Errorf("accepted %+v", m.Routes)
				}
			case netstat.KindAddress:
				if !m.Address.Prefix.IsValid() {
					t.Errorf("accepted %+v", m.Address)
				}
			case netstat.KindMulticast:
				if !m.Multicast.Group.IsValid() {
					t.Errorf("accepted %+v", m.Multicast)
				}
			}
		})
	})
}

func decodeJSON(t testing.TB, from string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(from), into); err != nil {
		t.Fatalf("%v in %s", err, from)
	}
}
