package remote_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// cellOf is one variable.
func cellOf(object string, value mib.Value, index ...uint32) mib.Binding {
	return mib.Binding{Object: mib.MustParseOID(object), Index: mib.MakeOID(index...), Value: value}
}

// Columns of ifTable and ifXTable.
const (
	ifEntry  = "1.3.6.1.2.1.2.2.1."
	ifXEntry = "1.3.6.1.2.1.31.1.1.1."
)

// names are the variables of so many interfaces that have a name and no more.
func names(n uint32) (all []mib.Binding) {
	for i := uint32(1); i <= n; i++ {
		all = append(all, cellOf(ifEntry+"2", mib.Octets(fmt.Sprint("eth", i)), i))
	}
	return all
}

// skipped is what the error after the rows says was passed over.
func skipped(t *testing.T, err error) remote.SkippedError {
	t.Helper()
	var e *remote.SkippedError
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a SkippedError", err)
	}
	var read *netstat.ReadError
	if !errors.As(err, &read) || !strings.Contains(err.Error(), e.Example.Error()) {
		t.Errorf("%v does not name its example %v or where it was", err, e.Example)
	}
	return *e
}

// A value that cannot be understood is unknown, in whatever column, and costs no row.
func TestOddValues(t *testing.T) {
	for name, c := range map[string]struct {
		odd     mib.Binding
		example string // empty where nothing is said
	}{
		"an enumeration's 0":              {cellOf(ifEntry+"7", mib.Int(0), 2), "ifAdminStatus.2: INTEGER: 0 is not one of the enumeration"},
		"a TruthValue's 0":                {cellOf(ifXEntry+"14", mib.Int(0), 2), "ifLinkUpDownTrapEnable.2: INTEGER: 0 is not one of the enumeration"},
		"another type":                    {cellOf(ifEntry+"6", mib.Int(0), 2), "ifPhysAddress.2: INTEGER: 0 is no OCTET STRING"},
		"too long":                        {cellOf(ifXEntry+"18", mib.Octets(strings.Repeat("x", 300)), 2), "ifAlias.2: 300 octets, more than 255"},
		"INTEGER for Gauge32":             {cellOf(ifEntry+"5", mib.Int(1000), 2), ""},
		"Counter32 for Counter64":         {cellOf(ifXEntry+"6", mib.Count32(1000), 2), ""},
		"Counter64 for Counter32":         {cellOf(ifEntry+"14", mib.Count64(1000), 2), ""},
		"digits":                          {cellOf(ifEntry+"5", mib.Octets("1000"), 2), ""},
		"NULL":                            {cellOf(ifEntry+"9", mib.Exception(mib.Null), 2), ""},
		"in a column of ifStackTable":     {cellOf("1.3.6.1.2.1.31.1.2.1.3", mib.Gauge(1), 0, 2), ""},
		"a row's index of two numbers":    {cellOf(ifEntry+"3", mib.Int(6), 2, 7), "ifTable: index 2.7: index has 1 sub-identifiers too many"},
		"one of ifXTable of no number":    {cellOf(ifXEntry+"1", mib.Octets("eth"), 1<<31, 1), "index has 1 sub-identifiers too many"},
		"an index of ifStackTable is odd": {cellOf("1.3.6.1.2.1.31.1.2.1.3", mib.Int(1), 2), "ifStackTable: index 2: index object 2: index ends early"},
	} {
		for _, version := range []remote.Version{remote.V1, remote.V2c} {
			if version == remote.V1 && c.odd.Value.Type() == mib.Counter64 {
				continue
			}
			d := device{variables: append(names(3), c.odd)}
			config := patient(d.start(t))
			config.Version = version
			found, err := collect(open(t, config).Interfaces(t.Context()))
			if len(found) != 3 || found[1].Name != "eth2" {
				t.Errorf("%s: %d interfaces, %v", name, len(found), err)
			}
			switch {
			case c.example == "" && err != nil:
				t.Errorf("%s: %v", name, err)
			case c.example != "":
				if e := skipped(t, err); e.Values+e.Rows != 1 || e.Columns != 0 || !strings.Contains(e.Example.Error(), c.example) {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
	}
}

// What is not understood is counted, and said once for each table.
func TestOddValuesAreCounted(t *testing.T) {
	d := device{variables: names(40)}
	for i := uint32(1); i <= 40; i++ {
		d.variables = append(d.variables, cellOf(ifEntry+"7", mib.Int(0), i), cellOf(ifXEntry+"16", mib.Int(0), i))
	}
	d.variables = append(d.variables, cellOf(ifEntry+"2", mib.Octets("x"), 50, 1), cellOf("1.3.6.1.2.1.31.1.2.1.3", mib.Int(1), 9))
	found, err := collect(open(t, patient(d.start(t))).Interfaces(t.Context()))
	if e := skipped(t, err); len(found) != 40 || e.Table != "ifTable" || e.Values != 80 || e.Rows != 1 {
		t.Errorf("%d interfaces, %+v", len(found), e)
	}
	if text := err.Error(); !strings.Contains(text, "a row was not understood and is left out, 80 values were not understood and are unknown, such as ifTable: index 50.1") ||
		!strings.Contains(text, "ifStackTable") {
		t.Errorf("%v", err)
	}
}

// An error-status that is about one column costs that column, and only it.
func TestColumnsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		column string
		status gosnmp.SNMPError
		silent bool // about which variable it is
		is     string
	}{
		"genErr in ifTable":                {ifEntry + "12", gosnmp.GenErr, false, "the agent answers genErr for the variable after ifInNUcastPkts"},
		"genErr in ifXTable":               {ifXEntry + "18", gosnmp.GenErr, false, "the agent answers genErr for the variable after ifAlias"},
		"genErr that does not say where":   {ifEntry + "13", gosnmp.GenErr, true, "the agent answers genErr"},
		"resourceUnavailable in ifXTable":  {ifXEntry + "6", gosnmp.ResourceUnavailable, false, "resourceUnavailable"},
		"genErr in ifStackTable":           {"1.3.6.1.2.1.31.1.2.1.3", gosnmp.GenErr, false, "read ifStackTable"},
		"in SNMPv1, genErr in ifOutErrors": {ifEntry + "20", gosnmp.GenErr, false, "ifOutErrors"},
	} {
		d := device{variables: names(30)}
		for i := uint32(1); i <= 30; i++ {
			for _, column := range []string{"10", "12", "13", "16", "20"} {
				d.variables = append(d.variables, cellOf(ifEntry+column, mib.Count32(uint64(i)), i))
			}
			d.variables = append(d.variables, cellOf(ifXEntry+"18", mib.Octets("alias"), i), cellOf(ifXEntry+"6", mib.Count64(uint64(i)), i), cellOf("1.3.6.1.2.1.31.1.2.1.3", mib.Int(1), 0, i))
		}
		failing := mib.MustParseOID(c.column)
		d.change = func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			for i, v := range asked.Variables {
				if name := mib.MustParseOID(v.Name); name == failing || name.HasPrefix(failing) && name.Less(failing.Sub(20)) {
					answer.Error, answer.ErrorIndex, answer.Variables = c.status, uint8(i+1), asked.Variables
					if c.silent {
						answer.ErrorIndex = 0
					}
				}
			}
			return answer
		}
		config := patient(d.start(t))
		if strings.Contains(name, "SNMPv1") {
			config.Version = remote.V1
		}
		found, err := collect(open(t, config).Interfaces(t.Context()))
		if len(found) != 30 || err == nil || !strings.Contains(err.Error(), c.is) {
			t.Errorf("%s: %d interfaces, %v", name, len(found), err)
		}
		for _, i := range found {
			if i.Name == "" {
				t.Errorf("%s: interface %d has no name", name, i.Index)
			}
		}
	}
}

// A table that is cut short takes no other table's rows with it.
func TestTablesFailAlone(t *testing.T) {
	four := netip.MustParseAddr("192.0.2.1")
	d := device{variables: slices.Concat(
		variablesOf(tcpmib.Connections(), []netstat.Socket{{Protocol: netstat.TCP, State: netstat.Established, Family: netstat.IPv4, Local: netip.AddrPortFrom(four, 22), Remote: netip.AddrPortFrom(four, 1000)}}),
		variablesOf(tcpmib.Listeners(), []netstat.Socket{{Protocol: netstat.TCP, State: netstat.Listen, Family: netstat.IPv4, Local: netip.AddrPortFrom(four, 22)}}),
		variablesOf(udpmib.Endpoints(), []netstat.Socket{{Protocol: netstat.UDP, State: netstat.Close, Family: netstat.IPv4, Local: netip.AddrPortFrom(four, 53)}}),
	)}
	d.change = func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		if isBelow(asked.Variables[0].Name, tcpmib.Connections().Entry) {
			answer.Error, answer.ErrorIndex, answer.Variables = gosnmp.GenErr, 1, asked.Variables
		}
		return answer
	}
	found, err := collect(open(t, patient(d.start(t))).Sockets(t.Context(), netstat.SocketQuery{}))
	if len(found) != 2 || err == nil || !strings.Contains(err.Error(), "read tcpConnectionTable") || !strings.Contains(err.Error(), "genErr") {
		t.Errorf("%v, %v", found, err)
	}
}

// Of two tables the older is read where the newer has none of IPv4.
func TestTablesPerFamily(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	neighbours := func(addresses ...netip.Addr) (all []netstat.Neighbour) {
		for _, a := range addresses {
			family := netstat.IPv6
			if a.Is4() {
				family = netstat.IPv4
			}
			all = append(all, netstat.Neighbour{Interface: 1, Family: family, Address: a, LinkAddress: "\x02\x00\x00\x00\x00\x01"})
		}
		return all
	}
	routes := func(prefixes ...string) (all []netstat.Route) {
		for _, p := range prefixes {
			all = append(all, netstat.Route{Destination: netip.MustParsePrefix(p), Interface: 1, Table: netstat.TableMain, Type: netstat.RouteUnicast})
		}
		return all
	}
	d := device{variables: slices.Concat(
		variablesOf(ipmib.Neighbours(), neighbours(six)), variablesOf(rfc1213mib.Neighbours(), neighbours(four, four.Next())),
		variablesOf(ipmib.Addresses(), []netstat.Address{{Interface: 1, Prefix: netip.PrefixFrom(six, 64)}}),
		variablesOf(rfc1213mib.Addresses(), []netstat.Address{{Interface: 1, Prefix: netip.PrefixFrom(four, 24)}}),
		variablesOf(ipforwardmib.Routes(), routes("2001:db8::/64")), variablesOf(ipforwardmib.IPv4Routes(), routes("192.0.2.0/24")),
		variablesOf(ipmib.SystemStatistics(), []ipmib.Statistics{{Family: netstat.IPv6, InReceives: netstat.Known[uint64](6)}}),
		slices.Collect(ipmib.IPv4Statistics().Values(ipmib.Statistics{InReceives: netstat.Known[uint64](4)})),
	)}
	s := open(t, patient(d.start(t)))
	if found, err := collect(s.Neighbours(t.Context())); len(found) != 3 || err != nil {
		t.Errorf("neighbours %v, %v", found, err)
	}
	if found, err := collect(s.Neighbours(t.Context(), netstat.IPv4)); len(found) != 2 || err != nil {
		t.Errorf("neighbours of IPv4 %v, %v", found, err)
	}
	if found, err := collect(s.Addresses(t.Context())); len(found) != 2 || err != nil {
		t.Errorf("addresses %v, %v", found, err)
	}
	if found, err := collect(s.Routes(t.Context(), netstat.RouteQuery{})); len(found) != 2 || err != nil {
		t.Errorf("routes %v, %v", found, err)
	}
	if found, err := collect(s.Counters(t.Context())); len(found) != 2 || err != nil {
		t.Errorf("counters %v, %v", found, err)
	}
	if found, err := collect(s.IPStatistics(t.Context())); len(found) != 2 || err != nil {
		t.Errorf("statistics %v, %v", found, err)
	}
	sample, err := s.Sample(t.Context())
	if err != nil || sample.Skipped != nil {
		t.Fatal(err, sample.Skipped)
	}
	if grew, err := sample.Since(sample); len(grew.Counters) != 2 || err != nil {
		t.Errorf("growth %v, %v", grew.Counters, err)
	}
}

// An agent that counts routes and shows none contradicts itself.
func TestRoutesThatAreCountedOnly(t *testing.T) {
	number := func(n uint64) mib.Binding { return cellOf("1.3.6.1.2.1.4.24.6", mib.Gauge(n), 0) }
	old := variablesOf(ipforwardmib.IPv4Routes(), []netstat.Route{{Destination: netip.MustParsePrefix("192.0.2.0/24"), Table: netstat.TableMain, Type: netstat.RouteUnicast}})
	six := variablesOf(ipforwardmib.Routes(), []netstat.Route{{Destination: netip.MustParsePrefix("2001:db8::/64"), Table: netstat.TableMain, Type: netstat.RouteUnicast}})
	for name, c := range map[string]struct {
		variables []mib.Binding
		families  []netstat.Family
		rows      int
		want      string
	}{
		"none of 427":                     {[]mib.Binding{number(427)}, nil, 0, "shows none, but says that it has 427 (inetCidrRouteNumber)"},
		"none of 427 of IPv4":             {[]mib.Binding{number(427)}, []netstat.Family{netstat.IPv4}, 0, "says that it has 427"},
		"none of 3 in the older table":    {[]mib.Binding{cellOf("1.3.6.1.2.1.4.24.3", mib.Gauge(3), 0)}, []netstat.Family{netstat.IPv4}, 0, "says that it has 3 (ipCidrRouteNumber)"},
		"none of none":                    {[]mib.Binding{number(0)}, nil, 0, ""},
		"one of one, in the older table":  {slices.Concat(old, []mib.Binding{number(1)}), nil, 1, ""},
		"one of two, in the older table":  {slices.Concat(old, []mib.Binding{number(2)}), nil, 1, "no inetCidrRouteTable"},
		"of IPv6 alone, asked for IPv4's": {slices.Concat(six, []mib.Binding{number(1)}), []netstat.Family{netstat.IPv4}, 0, ""},
	} {
		d := device{variables: slices.Clone(c.variables)}
		found, err := collect(open(t, patient(d.start(t))).Routes(t.Context(), netstat.RouteQuery{Families: c.families}))
		if len(found) != c.rows || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// Rows whose index says what cannot be are passed over: a prefix longer than its
// address, an address that is none.
func TestOddRows(t *testing.T) {
	d := device{variables: slices.Concat(
		variablesOf(ipforwardmib.Routes(), []netstat.Route{{Destination: netip.MustParsePrefix("192.0.2.0/24"), Table: netstat.TableMain, Type: netstat.RouteUnicast}}),
		[]mib.Binding{
			cellOf("1.3.6.1.2.1.4.24.7.1.7", mib.Int(1), 1, 4, 10, 0, 0, 0, 40, 2, 0, 0, 1, 4, 192, 0, 2, 1),
			cellOf("1.3.6.1.2.1.4.24.7.1.7", mib.Int(1), 1, 4, 10, 0, 0, 0, 4294967295, 2, 0, 0, 1, 4, 192, 0, 2, 1),
			cellOf("1.3.6.1.2.1.4.35.1.4", mib.Octets(""), 1),
			cellOf("1.3.6.1.2.1.4.22.1.2", mib.Octets("\x02\x00\x00\x00\x00\x01"), 1, 192, 0, 2, 1),
		})}
	s := open(t, patient(d.start(t)))
	routes, err := collect(s.Routes(t.Context(), netstat.RouteQuery{}))
	if e := skipped(t, err); len(routes) != 1 || e.Rows != 2 || !strings.Contains(e.Example.Error(), "a prefix of 40 bits, of 32") {
		t.Errorf("%v, %+v", routes, e)
	}
	neighbours, err := collect(s.Neighbours(t.Context()))
	if e := skipped(t, err); len(neighbours) != 1 || e.Rows != 1 || e.Table != "ipNetToPhysicalTable" {
		t.Errorf("%v, %+v", neighbours, e)
	}
}

// What others decide is bounded in octets, of a table and of a host that a pool reads.
func TestBoundOfOctets(t *testing.T) {
	d := device{variables: names(200), most: 60}
	for i := uint32(1); i <= 200; i++ {
		d.variables = append(d.variables, cellOf(ifXEntry+"18", mib.Octets(strings.Repeat("x", 200)), i))
	}
	config := patient(d.start(t))
	config.MaxOctets = 20_000
	found, err := collect(open(t, config).Interfaces(t.Context()))
	if len(found) == 0 || len(found) > 100 || err == nil || !strings.Contains(err.Error(), "more than 20000 octets") {
		t.Errorf("%d interfaces, %v", len(found), err)
	}
	// Two tables that are within the bound each, and together are not.
	config.MaxOctets = 150_000
	read := remote.Rows((*remote.Stack).Interfaces)
	for r := range remote.Read(t.Context(), remote.Pool{}, slices.Values([]remote.Config{config}), func(ctx context.Context, s *remote.Stack) (int, error) {
		first, err := read(ctx, s)
		if err != nil {
			return 0, err
		}
		second, err := read(ctx, s)
		return len(first) + len(second), err
	}) {
		if r.Err == nil || !strings.Contains(r.Err.Error(), "more than 150000 octets") || r.Value < 200 {
			t.Errorf("%d, %v", r.Value, r.Err)
		}
	}
	if config.MaxOctets = -1; config.Check() == nil {
		t.Error("-1 octets make sense")
	}
}

// Names are read from two columns. An empty ifName stands for none.
func TestInterfaceNames(t *testing.T) {
	d := device{variables: append(names(3), cellOf(ifXEntry+"1", mib.Octets(""), 1), cellOf(ifXEntry+"1", mib.Octets("port2"), 2), cellOf(ifXEntry+"18", mib.Octets("alias"), 1))}
	var other atomic.Int32
	d.change = func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		for _, v := range asked.Variables {
			if !isBelow(v.Name+".", mib.MustParseOID(ifEntry+"2")) && !isBelow(v.Name+".", mib.MustParseOID(ifXEntry+"1")) && !isBelow(v.Name+".", mib.MustParseOID("1.3.6.1.2.1.1.3")) {
				other.Add(1)
			}
		}
		return answer
	}
	s := open(t, patient(d.start(t)))
	found, err := s.InterfaceNames(t.Context())
	if want := map[uint32]string{1: "eth1", 2: "port2", 3: "eth3"}; err != nil || !maps.Equal(found, want) || other.Load() > 0 {
		t.Errorf("%v, %v, and %d other columns", found, err, other.Load())
	}
	interfaces, err := collect(s.Interfaces(t.Context()))
	if err != nil || len(interfaces) != 3 || interfaces[0].Name != "eth1" || interfaces[1].Name != "port2" {
		t.Errorf("%v, %v", interfaces, err)
	}
	if names, err := open(t, patient((&device{}).start(t))).InterfaceNames(t.Context()); len(names) > 0 || !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("%v, %v", names, err)
	}
}

// An address of IPv4 that has no prefix in ipAddressTable has ipAddrTable's mask.
func TestMasksOfTheOlderTable(t *testing.T) {
	nowhere, prefix := mib.MustParseOID("0.0"), mib.MustParseOID("1.3.6.1.2.1.4.32.1.5.7.1.4.198.51.100.0.25")
	newer := func(octet uint32, pointer ...mib.Value) []mib.Binding {
		index := []uint32{1, 4, 198, 51, 100, octet}
		cells := []mib.Binding{cellOf("1.3.6.1.2.1.4.34.1.3", mib.Int(7), index...), cellOf("1.3.6.1.2.1.4.34.1.4", mib.Int(1), index...)}
		for _, p := range pointer {
			cells = append(cells, cellOf("1.3.6.1.2.1.4.34.1.5", p, index...))
		}
		return cells
	}
	mask := func(octet uint32, mask uint32) mib.Binding {
		return cellOf("1.3.6.1.2.1.4.20.1.3", mib.IPv4Value(mask), 198, 51, 100, octet)
	}
	var variables []mib.Binding
	variables = append(variables, newer(1, mib.OIDValue(nowhere))...)
	variables = append(variables, newer(2)...)
	variables = append(variables, newer(3, mib.OIDValue(prefix))...)
	variables = append(variables, newer(4, mib.OIDValue(nowhere))...)
	variables = append(variables, mask(1, 0xffffff00), mask(2, 0xfffffffc), mask(3, 0xffff0000))
	d := device{variables: variables}
	s := open(t, patient(d.start(t)))
	found, err := collect(s.Addresses(t.Context()))
	text := make(map[string]int)
	for _, a := range found {
		text[a.Prefix.Addr().String()] = a.Prefix.Bits()
	}
	want := map[string]int{"198.51.100.1": 24, "198.51.100.2": 30, "198.51.100.3": 25, "198.51.100.4": -1}
	if !maps.Equal(text, want) || len(found) != 4 || !errors.Is(err, netstat.ErrNotSupported) && err != nil {
		t.Errorf("%v, %v, want %v", text, err, want)
	}
	// Who wants no more than one row reads no more.
	for range s.Addresses(t.Context()) {
		break
	}
}

// Where the index of ipAddrTable is no address, a column tells it.
func TestAddressesByTheirColumn(t *testing.T) {
	address := func(octet uint32) mib.Value { return mib.IPv4Value(0xc0000200 + octet) }
	d := device{variables: []mib.Binding{
		cellOf("1.3.6.1.2.1.4.20.1.1", address(1), 1), cellOf("1.3.6.1.2.1.4.20.1.2", mib.Int(7), 1), cellOf("1.3.6.1.2.1.4.20.1.3", mib.IPv4Value(0xffffff00), 1),
		cellOf("1.3.6.1.2.1.4.20.1.1", address(2), 1, 192, 0, 2, 2), cellOf("1.3.6.1.2.1.4.20.1.2", mib.Int(8), 1, 192, 0, 2, 2),
		cellOf("1.3.6.1.2.1.4.20.1.1", address(3), 192, 0, 2, 3), cellOf("1.3.6.1.2.1.4.20.1.3", mib.IPv4Value(0xff00ff00), 192, 0, 2, 3),
		cellOf("1.3.6.1.2.1.4.20.1.2", mib.Int(9), 2),
	}}
	found, err := collect(open(t, patient(d.start(t))).Addresses(t.Context()))
	var text []string
	for _, a := range found {
		text = append(text, fmt.Sprint(a.Prefix.Addr(), " ", a.Prefix.Bits(), " ", a.Interface))
	}
	if want := []string{"192.0.2.1 24 7", "192.0.2.2 -1 8", "192.0.2.3 -1 0"}; !slices.Equal(text, want) {
		t.Errorf("%q, want %q", text, want)
	}
	if e := skipped(t, err); e.Rows != 1 || e.Values != 1 { // the one without an address, and the mask that is none
		t.Errorf("%+v", e)
	}
}

// Indexes that devices have instead of those of the MIB: what is in them is found, and
// what is another table's is not.
func TestIndexesOfDevices(t *testing.T) {
	ip := func(octet uint32) mib.Value { return mib.IPv4Value(0xc0000200 + octet) }
	mac := mib.Octets("\x02\x00\x00\x00\x00\x01")
	const addresses, addrs, physical, media, at, routes, endpoints, statistics = "1.3.6.1.2.1.4.34.1.", "1.3.6.1.2.1.4.20.1.", "1.3.6.1.2.1.4.35.1.",
		"1.3.6.1.2.1.4.22.1.", "1.3.6.1.2.1.3.1.1.", "1.3.6.1.2.1.4.21.1.", "1.3.6.1.2.1.7.7.1.", "1.3.6.1.2.1.4.31.1.1."
	for name, c := range map[string]struct {
		variables []mib.Binding
		want      []string
		passed    int // rows that are not understood
	}{
		"ipAddrTable with the interface in front": {[]mib.Binding{
			cellOf(addrs+"2", mib.Int(1), 1, 192, 0, 2, 1), cellOf(addrs+"2", mib.Int(2), 2, 192, 0, 2, 2),
		}, []string{"192.0.2.1 of 1", "192.0.2.2 of 2"}, 0},
		"ipAddrTable with rows numbered behind": {[]mib.Binding{
			cellOf(addrs+"2", mib.Int(18), 127, 0, 0, 1, 1), cellOf(addrs+"2", mib.Int(10), 127, 0, 0, 1, 2, 1), cellOf(addrs+"2", mib.Int(3), 1, 2, 3, 4, 5),
		}, []string{"127.0.0.1 of 18", "127.0.0.1 of 10", "1.2.3.4 of 3"}, 0},
		"ipAddrTable with five numbers and no interface": {[]mib.Binding{
			cellOf(addrs+"3", mib.IPv4Value(0xffffff00), 5, 192, 0, 2, 1), cellOf(addrs+"2", mib.Int(7), 192, 0, 2, 2),
		}, []string{"192.0.2.2 of 7"}, 1},
		"ipAddrTable with addresses of one number": {[]mib.Binding{
			cellOf(addrs+"2", mib.Int(7), 0xc0000201), cellOf(addrs+"2", mib.Int(8), 0),
		}, []string{"192.0.2.1 of 7"}, 1},
		"ipAddressTable of 16 bits": {[]mib.Binding{
			cellOf(addresses+"3", mib.Int(7), 2, 0x2001, 0xdb8, 0, 0, 0, 0, 0, 1, 7), cellOf(addrs+"2", mib.Int(8), 192, 0, 2, 1),
		}, []string{"2001:db8::1 of 7", "192.0.2.1 of 8"}, 0},
		"a neighbour in ipAddressTable": {[]mib.Binding{
			cellOf(addresses+"4", mac, 2, 1, 4, 192, 0, 2, 9), cellOf(addrs+"2", mib.Int(2), 192, 0, 2, 1),
		}, []string{"192.0.2.1 of 2"}, 1},
		"ipNetToPhysicalTable with the type first": {[]mib.Binding{
			cellOf(physical+"4", mac, 1, 3, 4, 192, 0, 2, 1), cellOf(physical+"4", mac, 1, 10009, 4, 192, 0, 2, 2),
		}, []string{"neighbour 192.0.2.1 of 3", "neighbour 192.0.2.2 of 10009"}, 0},
		"ipNetToPhysicalTable without lengths and zones": {[]mib.Binding{
			cellOf(physical+"4", mac, 4, 4, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
		}, []string{"neighbour fe80::1 of 4"}, 0},
		"ipNetToMediaTable with a NetworkAddress": {[]mib.Binding{
			cellOf(media+"2", mac, 2, 1, 192, 0, 2, 1), cellOf(media+"2", mac, 3, 1, 192, 0, 2, 2, 0),
		}, []string{"neighbour 192.0.2.1 of 2", "neighbour 192.0.2.2 of 3"}, 0},
		"ipNetToMediaTable without an address, and without an interface": {[]mib.Binding{
			cellOf(media+"2", mac, 1), cellOf(media+"2", mac, 192, 0, 2, 1), cellOf(media+"2", mac, 3, 192, 0, 2, 2),
		}, []string{"neighbour 192.0.2.2 of 3"}, 2},
		"atTable without link-layer addresses": {[]mib.Binding{
			cellOf(at+"1", mib.Int(2), 2, 1, 192, 0, 2, 1),
		}, []string{"neighbour 192.0.2.1 of 2"}, 0},
		"ipRouteTable by its column": {[]mib.Binding{
			cellOf(routes+"1", ip(0), 1), cellOf(routes+"2", mib.Int(4), 1), cellOf(routes+"8", mib.Int(3), 1), cellOf(routes+"11", mib.IPv4Value(0xffffff00), 1),
			cellOf(routes+"1", mib.IPv4Value(0), 2), cellOf(routes+"2", mib.Int(4), 2), cellOf(routes+"8", mib.Int(4), 2), cellOf(routes+"7", ip(9), 2), cellOf(routes+"11", mib.IPv4Value(0), 2),
			cellOf(routes+"8", mib.Int(4), 3),
		}, []string{"route 192.0.2.0/24 of 4", "route 0.0.0.0/0 of 4"}, 1},
		"udpEndpointTable without the second type": {[]mib.Binding{
			cellOf(endpoints+"8", mib.Gauge(0), 1, 4, 192, 0, 2, 1, 69, 4, 0, 0, 0, 0, 0, 1), cellOf(endpoints+"8", mib.Gauge(0), 1, 4, 192, 0, 2, 1, 70, 4, 192, 0, 2, 9, 99, 1),
		}, []string{"udp 192.0.2.1:69", "udp 192.0.2.1:70"}, 0},
		"ipSystemStatsTable with a 0 behind, and versions that are none": {[]mib.Binding{
			cellOf(statistics+"3", mib.Count32(5), 2, 0), cellOf(statistics+"3", mib.Count32(5), 4), cellOf(statistics+"3", mib.Count32(5), 6),
		}, []string{"statistics of ipv6"}, 2},
	} {
		d := device{variables: c.variables}
		s := open(t, patient(d.start(t)))
		var found []string
		passed := 0
		add := func(err error) {
			var e *remote.SkippedError
			for _, err := range append(joined(err), err) {
				if errors.As(err, &e) {
					passed += e.Rows
					break
				}
			}
		}
		all, err := collect(s.Addresses(t.Context()))
		add(err)
		for _, a := range all {
			found = append(found, fmt.Sprint(a.Prefix.Addr().WithZone(""), " of ", a.Interface))
		}
		neighbours, err := collect(s.Neighbours(t.Context()))
		add(err)
		for _, n := range neighbours {
			found = append(found, fmt.Sprint("neighbour ", n.Address.WithZone(""), " of ", n.Interface))
		}
		routes, err := collect(s.Routes(t.Context(), netstat.RouteQuery{}))
		add(err)
		for _, r := range routes {
			found = append(found, fmt.Sprint("route ", r.Destination, " of ", r.Interface))
		}
		sockets, err := collect(s.Sockets(t.Context(), netstat.SocketQuery{}))
		add(err)
		for _, s := range sockets {
			found = append(found, fmt.Sprint(s.Protocol, " ", s.Local))
		}
		statistics, err := collect(s.IPStatistics(t.Context()))
		add(err)
		for _, s := range statistics {
			found = append(found, fmt.Sprint("statistics of ", s.Family))
		}
		slices.Sort(found)
		slices.Sort(c.want)
		if !slices.Equal(found, c.want) || passed != c.passed {
			t.Errorf("%s: %q and %d rows passed over, want %q and %d", name, found, passed, c.want, c.passed)
		}
	}
}

// joined are the errors that an error is made of.
func joined(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	return nil
}
