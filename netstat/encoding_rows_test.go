package netstat_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// rowNames are the names of all types of rows, in order.
func rowNames() ([]string, map[string]reflect.Type) {
	types := netstat.RowTypes()
	return slices.Sorted(maps.Keys(types)), types
}

// randomRow makes a row that keeps what the vocabulary says of its fields.
func randomRow(g randomrow.Generator, row reflect.Type) any {
	v := reflect.New(row)
	g.Fill(v.Elem())
	if n, ok := v.Interface().(*netstat.Neighbour); ok {
		n.UnknownFlags &^= n.Flags
	}
	return v.Interface()
}

func TestRowsInJSON(t *testing.T) {
	names, types := rowNames()
	for _, name := range []string{"Socket", "Interface", "Address", "Route", "Neighbour", "Rule", "UnixSocket", "Flow", "Expectation", "Counter"} {
		if types[name] == nil {
			t.Errorf("%s is not among the rows", name)
		}
	}
	for seed, name := range names {
		g := randomrow.New(uint64(seed)).ForJSON()
		for range 100 {
			want := randomRow(g, types[name])
			b, err := json.Marshal(want)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := reflect.New(types[name]).Interface()
			if err := json.Unmarshal(b, got); err != nil {
				t.Fatalf("%s: %v in %s", name, err, b)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s comes back as\n%+v, not\n%+v\nfrom %s", name, got, want, b)
			}
		}
	}
}

// object returns a JSON object with its numbers as they stand there.
func object(t *testing.T, b []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return o
}

// log/slog shows the members that encoding/json writes.
func TestRowsLogged(t *testing.T) {
	number := cmp.Comparer(func(a, b json.Number) bool {
		x, _ := strconv.ParseFloat(a.String(), 64)
		y, _ := strconv.ParseFloat(b.String(), 64)
		return a == b || strings.ContainsAny(a.String()+b.String(), ".e") && x == y
	})
	names, types := rowNames()
	for seed, name := range names {
		g := randomrow.New(uint64(seed)).ForJSON()
		for range 20 {
			row := randomRow(g, types[name])
			b, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			want := object(t, b)
			var logged, text bytes.Buffer
			slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "row", row)
			got, _ := object(t, logged.Bytes())["row"].(map[string]any)
			if got == nil {
				got = map[string]any{} // an empty group is left out
			}
			if diff := cmp.Diff(want, got, number); diff != "" {
				t.Fatalf("%s is logged with\n%s", name, diff)
			}
			slog.New(slog.NewTextHandler(&text, nil)).Info("x", "row", row)
			for member := range want {
				if !strings.Contains(text.String(), " row."+member+"=") {
					t.Fatalf("%s is logged without %s: %s", name, member, text.String())
				}
			}
		}
	}
}

// What stands on the page of netstat --json, by hand.
func TestFormsOfRows(t *testing.T) {
	u := netstat.Known[uint32]
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	for want, row := range map[string]any{
		`{"protocol":"tcp","family":"ipv6","state":"LISTEN","v6Only":false,"localAddress":"::","localPort":22,"remoteAddress":"::","remotePort":0,
			"interfaceIndex":0,"sendQueue":128,"inode":11,"cookie":18446744073709551615,"timer":"off","processes":[{"pid":1,"name":"sshd","fd":3},{"pid":2,"name":"x"}],
			"rtt":0.001234,"pathMTU":1500,"tcpOptions":["ts","sack"],"flags":["freebind"],"receiveMemory":4096,"tlsVersion":"0x0304","cgroup":"/a","cgroupID":7,"bbrPacingGain":1.25,
			"options":{"SO_KEEPALIVE":true,"SO_RCVBUF":131072,"SO_RCVBUF_SET":false,"SO_SNDBUF_SET":40000,"SO_RCVTIMEO":2.5,"SO_LINGER":false,"SO_MAX_PACING_RATE":18446744073709551615,
				"SO_INCOMING_CPU":-1,"SO_BUSY_POLL":0.00005,"IP_TTL":64,"TCP_KEEPIDLE":7200,"TCP_LINGER2":-1,"TCP_CONGESTION":"cubic","TCP_ULP":"",
				"byLayout":["SO_RCVTIMEO","SO_LINGER"],"inferred":["SO_KEEPALIVE"]}}`: netstat.Socket{
			Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.Listen, V6Only: netstat.Known(false),
			Local: netip.MustParseAddrPort("[::]:22"), Remote: netip.MustParseAddrPort("[::]:0"), Interface: u(0), SendQueue: u(128), Inode: u(11),
			Cookie: netstat.Known[uint64](1<<64 - 1), Timer: netstat.Known(netstat.TimerNone),
			Processes: netstat.Known([]netstat.Process{{PID: 1, Name: "sshd", FD: netstat.Known[int32](3)}, {PID: 2, Name: "x"}}),
			Detail: &netstat.SocketDetail{
				TCP:    &netstat.TCPInfo{RTT: 1234 * time.Microsecond, PathMTU: 1500, Options: netstat.TCPOptionSACK | netstat.TCPOptionTimestamps},
				Flags:  netstat.Known(netstat.SocketFreeBind),
				Memory: netstat.Known(netstat.SocketMemory{Received: 4096}), ULP: &netstat.UpperLayer{TLS: &netstat.TLS{Version: netstat.Known[uint16](0x304)}},
				CGroup: netstat.Known(netstat.CGroup{ID: 7, Path: "/a"}), Congestion: &netstat.CongestionControl{BBR: &netstat.BBR{PacingGain: 320}},
				Options: &netstat.SocketOptions{
					KeepAlive: netstat.Known(true), ReceiveBuffer: u(131072), ReceiveBufferSet: u(0), SendBufferSet: u(40000), ReceiveTimeout: netstat.Known(2500 * time.Millisecond),
					Linger: netstat.Known(netstat.LingerOff), MaxPacingRate: netstat.Known[uint64](netstat.PacingUnlimited), IncomingCPU: netstat.Known[int32](-1),
					BusyPoll: netstat.Known(50 * time.Microsecond), TTL: netstat.Known[uint8](64), KeepIdle: netstat.Known(2 * time.Hour), Linger2: netstat.Known(-time.Second),
					Congestion: netstat.Known("cubic"), UpperLayer: netstat.Known(""),
					ByLayout: 1<<netstat.OptionReceiveTimeout | 1<<netstat.OptionLinger, Inferred: 1 << netstat.OptionKeepAlive,
				},
			},
		},
		`{"destination":"198.51.100.0/24","gateway":"192.0.2.1","table":254,"interfaceIndex":2,"metric":0,"nextHopFlags":["onlink"],"type":"unicast","protocol":"bgp","scope":253,
			"mtu":1400,"rtt":0.1,"realms":"1/2","preference":"low","locked":["mtu"],"features":["ecn"],"expires":2.5}`: netstat.Route{
			Destination: prefix("198.51.100.0/24"), Gateway: addr("192.0.2.1"), Table: netstat.TableMain, Interface: 2, Metric: u(0), Flags: netstat.NextHopOnLink,
			Type: netstat.RouteUnicast, Protocol: netstat.RouteProtocolBGP, Scope: netstat.Known(netstat.ScopeLink),
			Options: &netstat.RouteOptions{MTU: 1400, RTT: 100 * time.Millisecond, Realm: 1<<16 | 2, Preference: netstat.PreferenceLow, Locked: 1 << 2,
				Features: netstat.FeatureECN, Expires: netstat.Known(2500 * time.Millisecond)},
		},
		`{"index":2,"name":"eth0","linkKind":"vlan","flags":["up","multicast"],"unknownFlags":["promisc"],"state":"lowerLayerDown","mtu":1500,"address":"02:00:00:00:00:01",
			"masterIndex":5,"duplex":"full","multicastAddresses":[],"rx_packets":0,"tx_bytes":18446744073709551615,"narrow":["octets"],"lastChange":"2026-01-02T03:04:05Z"}`: netstat.Interface{
			Index: 2, Name: "eth0", Kind: "vlan", Flags: netstat.InterfaceUp | netstat.InterfaceMulticast, UnknownFlags: netstat.InterfacePromiscuous, OperState: netstat.Known(netstat.OperLowerLayerDown),
			MTU: u(1500), Address: "\x02\x00\x00\x00\x00\x01", Master: 5, Duplex: netstat.Known(netstat.FullDuplex), Multicast: netstat.Known([]netstat.HardwareAddress(nil)),
			Counters:   netstat.InterfaceCounters{InPackets: netstat.Known[uint64](0), OutOctets: netstat.Known[uint64](1<<64 - 1), NarrowOctets: true},
			LastChange: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
		`{"interfaceIndex":2,"address":"fe80::1","prefixLength":64,"scope":253,"flags":["tentative"],"preferred":0,"valid":3600}`: netstat.Address{
			Interface: 2, Prefix: prefix("fe80::1/64"), Scope: netstat.ScopeLink, Flags: netstat.AddressTentative,
			Preferred: netstat.Known[time.Duration](0), Valid: netstat.Known(time.Hour),
		},
		`{"interfaceIndex":2,"address":"2001:db8::1","prefixLength":64,"scope":0,"preferred":0.5,"unlimited":["valid"]}`: netstat.Address{
			Interface: 2, Prefix: prefix("2001:db8::1/64"), Preferred: netstat.Known(500 * time.Millisecond), Valid: netstat.Known(netstat.Forever),
		},
		`{"protocol":"tcp","family":"ipv4","state":"ESTABLISHED","unlimited":["slowStartThreshold","maxPacingRate"],"pacingRate":7,"rtt":1}`: netstat.Socket{
			Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Established, Detail: &netstat.SocketDetail{TCP: &netstat.TCPInfo{
				SlowStartThreshold: netstat.InfiniteSlowStart, PacingRate: netstat.Known[uint64](7), MaxPacingRate: netstat.Known[uint64](netstat.PacingUnlimited), RTT: time.Second,
			}},
		},
		`{"family":"ipv4","protocol":"tcp","source":"192.0.2.1","sourcePort":40000,"destination":"198.51.100.1","destinationPort":80,"replySource":"10.0.0.1","replySourcePort":8080,
			"replyDestination":"192.0.2.1","replyDestinationPort":40000,"state":"ESTABLISHED","tcp":{"state":"ESTABLISHED","originalScale":7},"sourceNAT":false,"destinationNAT":true,
			"status":["SEEN_REPLY","DST_NAT_DONE"],"packets":3,"bytes":300,"originalPackets":2,"originalBytes":200,"replyPackets":1,"replyBytes":100,"zone":0,"originalZone":4,"id":9}`: netstat.Flow{
			Original: netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: addr("192.0.2.1"), SourcePort: 40000, Destination: addr("198.51.100.1"), DestinationPort: 80, Zone: 4},
			Reply:    netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: addr("10.0.0.1"), SourcePort: 8080, Destination: addr("192.0.2.1"), DestinationPort: 40000},
			TCP:      netstat.Known(netstat.FlowTCP{State: netstat.FlowTCPEstablished, OriginalScale: netstat.Known[uint8](7)}),
			Status:   netstat.Known(netstat.FlowSeenReply | netstat.FlowDestinationNATDone), ID: u(9),
			OriginalCounters: netstat.Known(netstat.FlowCounters{Packets: 2, Bytes: 200}), ReplyCounters: netstat.Known(netstat.FlowCounters{Packets: 1, Bytes: 100}),
		},
		`{"family":"ipv6","protocol":"icmpv6","source":"2001:db8::1","destination":"2001:db8::2","replySource":"2001:db8::2","replyDestination":"2001:db8::1","icmpType":128,"icmpCode":0,"icmpID":7,
			"sourceNAT":false,"destinationNAT":false,"zone":0}`: netstat.Flow{
			Original: netstat.FlowTuple{Protocol: netstat.IPProtocolICMPv6, Source: addr("2001:db8::1"), Destination: addr("2001:db8::2"), ICMPType: 128, ICMPID: 7},
			Reply:    netstat.FlowTuple{Protocol: netstat.IPProtocolICMPv6, Source: addr("2001:db8::2"), Destination: addr("2001:db8::1"), ICMPType: 129, ICMPID: 7},
		},
		`{"family":"ipv4","protocol":"udp","source":"192.0.2.1","sourcePort":0,"destination":"192.0.2.2","destinationPort":69,"maskSource":"255.255.255.255","maskDestination":"255.255.255.255",
			"maskSourcePort":0,"maskDestinationPort":65535,"masterProtocol":"tcp","masterSource":"192.0.2.2","masterSourcePort":1,"masterDestination":"192.0.2.1","masterDestinationPort":21,
			"zone":0,"class":0,"helper":"x"}`: netstat.Expectation{
			Tuple:  netstat.FlowTuple{Protocol: netstat.IPProtocolUDP, Source: addr("192.0.2.1"), Destination: addr("192.0.2.2"), DestinationPort: 69},
			Mask:   netstat.FlowTuple{Protocol: netstat.IPProtocolUDP, Source: addr("255.255.255.255"), Destination: addr("255.255.255.255"), DestinationPort: 65535},
			Master: netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: addr("192.0.2.2"), SourcePort: 1, Destination: addr("192.0.2.1"), DestinationPort: 21},
			Helper: "x",
		},
		`{"interfaceIndex":2,"address":"192.0.2.1","scope":0}`: netstat.Address{Interface: 2, Prefix: netip.PrefixFrom(addr("192.0.2.1"), -1)},
		`{"family":"ipv6","interfaceIndex":2,"address":"fe80::9%2","state":"reachable","router":true,"proxy":false,"flags":["extern_learn"]}`: netstat.Neighbour{
			Family: netstat.IPv6, Interface: 2, Address: addr("fe80::9%2"), State: netstat.Known(netstat.NeighbourReachable),
			Flags: netstat.NeighbourRouter | netstat.NeighbourExternallyLearn,
		},
		`{"family":"ipv4","priority":10,"not":true,"iifDetached":false,"oifDetached":false,"unresolved":false,"iif":"lo","fwmark":0,"fwmask":255,"sourcePorts":"1-2","destinationPorts":"53",
			"uids":"0-99","l3mdev":false,"unknown":false,"action":"table","table":100,"suppressPrefixLength":0,"protocol":"static"}`: netstat.Rule{
			Family: netstat.IPv4, Priority: 10, Flags: netstat.RuleInvert, InputInterface: "lo", Mask: 255, SourcePorts: netstat.PortRange{First: 1, Last: 2},
			DestinationPorts: netstat.PortRange{First: 53, Last: 53}, UIDs: netstat.Known(netstat.UIDRange{Last: 99}), Action: netstat.RuleTable, Table: 100,
			SuppressPrefixLength: u(0), Protocol: netstat.RouteProtocolStatic,
		},
		`{"type":"stream","state":"LISTENING","path":"/run/a","inode":7}`:  netstat.UnixSocket{Type: netstat.SocketStream, State: netstat.Listen, Name: "/run/a", Inode: 7},
		`{"type":"dgram","abstractName":"","inode":7}`:                     netstat.UnixSocket{Type: netstat.SocketDatagram, State: netstat.Close, Abstract: true, Inode: 7},
		`{"type":"stream","state":"CONNECTING","inode":0}`:                 netstat.UnixSocket{Type: netstat.SocketStream, State: netstat.Established},
		`{"family":"ipv4","interface":"all","reversePathFilter":"strict"}`: netstat.Netconf{Family: netstat.IPv4, Interface: netstat.NetconfAll, ReversePathFilter: u(1)},
		`{"bridgeIndex":2,"portIndex":3,"vlan":7,"group":"01:00:5e:00:00:01","permanent":false,"offloaded":false,"fastLeave":false,"starExclude":false,"blocked":false,"expires":250,"protocol":"kernel"}`: netstat.BridgeGroup{
			Bridge: 2, Port: 3, VLAN: 7, LinkGroup: "\x01\x00\x5e\x00\x00\x01", Expires: 250 * time.Second, Protocol: netstat.RouteProtocolKernel,
		},
		`{"name":"TcpMaxConn","group":"tcp","value":-1}`:                                                  netstat.Counter{Name: "TcpMaxConn", Group: netstat.GroupTCP, Value: netstat.Signed(-1)},
		`{"interfaceIndex":3,"direction":"transmit","number":1,"cpus":["0","3"],"transmitMaxRate":0}`:     netstat.DeviceQueue{Interface: 3, Direction: netstat.Transmit, Number: 1, CPUs: netstat.Known([]uint32{0, 3}), TransmitMaxRate: netstat.Known[uint64](0)},
		`{"type":"dgram","state":"CLOSED","address":"1001002:17","published":false,"inode":9,"cookie":0}`: netstat.TIPCSocket{Type: netstat.SocketDatagram, State: netstat.Close, Node: 0x1001002, Reference: 17, Inode: 9},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		got, told := object(t, b), object(t, []byte(want))
		if _, socket := row.(netstat.Socket); socket {
			// A connection has some 40 numbers that are 0 here.
			maps.DeleteFunc(got, func(name string, value any) bool {
				_, there := told[name]
				return !there && (value == json.Number("0") || value == false || value == "state 0" || value == "open")
			})
		}
		if diff := cmp.Diff(told, got); diff != "" {
			t.Errorf("%T: %s", row, diff)
		}
	}
}

// A line of netstat --json is a row of the library: what it leaves out follows from the
// rest.
func TestFlowsOfNetstat(t *testing.T) {
	addr := netip.MustParseAddr
	var got netstat.Flow
	if err := json.Unmarshal([]byte(`{"kind":"flow","family":"ipv4","protocol":"sctp","state":"SHUTDOWN_SENT","timeout":3,"source":"192.0.2.1","destination":"192.0.2.2","sourcePort":1,"destinationPort":2,
		"replySource":"192.0.2.2","replyDestination":"192.0.2.1","replySourcePort":2,"replyDestinationPort":1,"sourceNAT":false,"destinationNAT":false,"zone":7}`), &got); err != nil {
		t.Fatal(err)
	}
	original := netstat.FlowTuple{Protocol: netstat.IPProtocolSCTP, Source: addr("192.0.2.1"), Destination: addr("192.0.2.2"), SourcePort: 1, DestinationPort: 2}
	want := netstat.Flow{
		Original: original, Reply: original.Invert(), Timeout: netstat.Known(3 * time.Second), Zone: 7,
		SCTP: netstat.Known(netstat.FlowSCTP{State: netstat.FlowSCTPShutdownSent}),
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// What is wrong in a member is an error that names it, and changes nothing.
func TestWrongMembers(t *testing.T) {
	for text, row := range map[string]any{
		`{"localPort":65536}`:                       &netstat.Socket{},
		`{"localAddress":"1.2.3"}`:                  &netstat.Socket{},
		`{"rtt":"1"}`:                               &netstat.Socket{},
		`{"flags":["nonsense"]}`:                    &netstat.Socket{},
		`{"flags":"up"}`:                            &netstat.Interface{},
		`{"narrow":["everything"]}`:                 &netstat.Interface{},
		`{"address":"192.0.2.1","prefixLength":33}`: &netstat.Address{},
		`{"prefixLength":24}`:                       &netstat.Address{},
		`{"options":{"SO_LINGER":true}}`:            &netstat.Socket{},
		`{"options":{"byLayout":["SO_NONSENSE"]}}`:  &netstat.Socket{},
		`{"realms":"1/2/3"}`:                        &netstat.Rule{},
		`{"sourcePorts":"1-65536"}`:                 &netstat.Rule{},
		`{"fanoutMode":"nonsense"}`:                 &netstat.PacketSocket{},
		`{"filter":"0"}`:                            &netstat.PacketSocket{},
		`{"reversePathFilter":"lax"}`:               &netstat.Netconf{},
		`{"averageDepth":-1}`:                       &netstat.FIBTable{},
		`{"cpus":[0]}`:                              &netstat.DeviceQueue{},
		`{"protocol":"tcp","state":"OPEN"}`:         &netstat.Flow{},
		`{"replySource":"1.2.3"}`:                   &netstat.Flow{},
		`{"unlimited":"valid"}`:                     &netstat.Address{},
	} {
		before := reflect.New(reflect.TypeOf(row).Elem()).Interface()
		err := json.Unmarshal([]byte(text), row)
		var name string
		for member := range object(t, []byte(text)) {
			if err != nil && strings.Contains(err.Error(), member+": ") {
				name = member
			}
		}
		if name == "" || !reflect.DeepEqual(row, before) {
			t.Errorf("%s: %v, %+v", text, err, row)
		}
	}
}

// Any JSON is an error, or a row that encodes to the same again.
func FuzzRows(f *testing.F) {
	names, types := rowNames()
	for i, name := range names {
		b, err := json.Marshal(randomRow(randomrow.New(7).ForJSON(), types[name]))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		if int(which) >= len(names) {
			return
		}
		row, again := reflect.New(types[names[which]]).Interface(), reflect.New(types[names[which]]).Interface()
		if json.Unmarshal(b, row) != nil {
			return
		}
		first, err := json.Marshal(row)
		if err != nil {
			t.Fatalf("%s is a %s that does not encode: %v", b, names[which], err)
		}
		if err := json.Unmarshal(first, again); err != nil {
			t.Fatalf("%s, from %s: %v", first, b, err)
		}
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s is\n%s and then\n%s, %v", b, first, second, err)
		}
	})
}
