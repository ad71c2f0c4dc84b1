package snmp

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

func TestCommunities(t *testing.T) {
	m, err := newCommunityModel([]Community{
		{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")},
		{Name: "public", Source: netip.MustParsePrefix("192.0.2.77/24"), Context: "office"},
		{Name: "public", Source: netip.MustParsePrefix("192.0.2.0/28"), Context: "later"},
		{Name: "private", Source: netip.MustParsePrefix("::ffff:10.0.0.0/104"), Write: true},
		{Name: "six", Source: netip.MustParsePrefix("fe80::/10"), Context: "six"},
		{Name: "all4", Source: netip.MustParsePrefix("0.0.0.0/0")},
		{Name: "all6", Source: netip.MustParsePrefix("::/0")},
		{Name: "", Source: netip.MustParsePrefix("127.0.0.1/32"), Context: "nameless"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, source string
		ok           bool
		context      string
		write        bool
	}{
		{"public", "127.0.0.1", true, "", false},
		{"public", "127.255.0.1", true, "", false},
		{"public", "::ffff:127.0.0.1", true, "", false},
		{"public", "128.0.0.1", false, "", false},
		{"public", "::1", false, "", false},
		{"public", "192.0.2.1", true, "office", false},
		{"publi", "127.0.0.1", false, "", false},
		{"publicx", "127.0.0.1", false, "", false},
		{"Public", "127.0.0.1", false, "", false},
		{"public\x00", "127.0.0.1", false, "", false},
		{"private", "10.1.2.3", true, "", true},
		{"private", "::ffff:10.1.2.3", true, "", true},
		{"private", "11.1.2.3", false, "", false},
		{"six", "fe80::1", true, "six", false},
		{"six", "fe80::1%7", true, "six", false},
		{"six", "fec0::1", false, "", false},
		{"all4", "203.0.113.9", true, "", false},
		{"all4", "2001:db8::1", false, "", false},
		{"all6", "2001:db8::1", true, "", false},
		{"all6", "::ffff:203.0.113.9", false, "", false},
		{"", "127.0.0.1", true, "nameless", false},
		{"", "127.0.0.2", false, "", false},
	} {
		found, _ := m.find([]byte(c.name), origin{AddrPort: netip.AddrPortFrom(netip.MustParseAddr(c.source), 0)})
		if (found != nil) != c.ok || found != nil && (found.context != c.context || found.write != c.write) {
			t.Errorf("%q from %s: got %+v", c.name, c.source, found)
		}
	}
	if _, err := newCommunityModel([]Community{{Name: "secret"}}); err == nil || !strings.Contains(err.Error(), "community 1 of 1") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a community without a source: %v", err)
	}
}

// TestEndpoints holds what snmpTargetAddrTMask says (RFC 3584, section 5): bits of the address and the port that are 1 in the mask
// have to be the same, all of them where there is no mask, and the transport is the same.
func TestEndpoints(t *testing.T) {
	endpoint := func(stream bool, address, mask string) Endpoint {
		return Endpoint{Stream: stream, Address: netip.MustParseAddrPort(address), Mask: mask}
	}
	m, err := newCommunityModel([]Community{
		{Name: "exact", Endpoints: []Endpoint{endpoint(false, "192.0.2.1:1024", "")}},
		{Name: "net", Endpoints: []Endpoint{endpoint(false, "198.51.100.7:161", "\xff\xff\xff\x00\x00\x00"), endpoint(true, "192.0.2.1:0", "\xff\xff\xff\xff\x00\x00")}},
		{Name: "odd", Endpoints: []Endpoint{endpoint(false, "10.0.0.1:0", "\xff\x00\x00\x01\x00\x01")}},
		{Name: "six", Endpoints: []Endpoint{endpoint(false, "[2001:db8::]:0", "\xff\xff\xff\xff"+strings.Repeat("\x00", 14))}},
		{Name: "mapped", Endpoints: []Endpoint{endpoint(false, "[::ffff:192.0.2.9]:5", "")}},
		{Name: "nowhere", Endpoints: []Endpoint{}},
		{Name: "any four", Endpoints: []Endpoint{endpoint(false, "0.0.0.0:0", strings.Repeat("\x00", 6))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		stream bool
		source string
		want   bool
	}{
		{"exact", false, "192.0.2.1:1024", true},
		{"exact", false, "192.0.2.1:1025", false},
		{"exact", false, "192.0.2.2:1024", false},
		{"exact", false, "[::ffff:192.0.2.1]:1024", true},
		{"exact", true, "192.0.2.1:1024", false},
		{"net", false, "198.51.100.200:9", true},
		{"net", false, "198.51.101.7:161", false},
		{"net", true, "192.0.2.1:4444", true},
		{"net", false, "192.0.2.1:4444", false},
		{"odd", false, "10.5.5.3:2", true},
		{"odd", false, "10.5.5.2:2", false},
		{"odd", false, "10.5.5.3:3", false},
		{"six", false, "[2001:db8:5::1]:9", true},
		{"six", false, "[2001:db9::1]:9", false},
		{"six", false, "1.1.1.1:9", false},
		{"mapped", false, "192.0.2.9:5", true},
		{"nowhere", false, "192.0.2.9:5", false},
		{"any four", false, "203.0.113.200:50000", true},
		{"any four", false, "[::1]:50000", false},
		{"any four", false, "[fe80::1%2]:50000", false},
	} {
		if found, _ := m.find([]byte(c.name), origin{netip.MustParseAddrPort(c.source), c.stream}); (found != nil) != c.want {
			t.Errorf("%q from %s, stream %t: %t", c.name, c.source, c.stream, found != nil)
		}
	}
	for source, want := range map[string]bool{"192.0.2.1": true, "198.51.100.7": false, "203.0.113.1": false} {
		if m.covers(netip.MustParseAddr(source)) != want {
			t.Errorf("connections from %s: %t", source, !want)
		}
	}
	for _, bad := range []Endpoint{endpoint(false, "192.0.2.1:0", "\xff"), {}} {
		if _, err := newCommunityModel([]Community{{Name: "secret", Endpoints: []Endpoint{bad}}}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestMessageSizeOfEndpoint holds that an answer is as long as what asks takes (RFC 3584, snmpTargetAddrMMS).
func TestMessageSizeOfEndpoint(t *testing.T) {
	handler := newTestTree(t, 3000)
	from := Endpoint{Stream: fromLoopback.stream, Address: fromLoopback.AddrPort}
	small := from
	small.MaxMessageSize = 484
	d := testEngine(t, handler, []Community{{Name: "any", Endpoints: []Endpoint{from}}, {Name: "small", Endpoints: []Endpoint{small}}})
	size := func(community string) int {
		answer, err := d.process(t.Context(), messageOf(1, community, pduOf(0xa5, 1, 0, 100, asked("1.3"))), fromLoopback, within(noLimit))
		if err != nil || answer == nil {
			t.Fatalf("%s: %x, %v", community, answer, err)
		}
		return len(answer)
	}
	if got := size("small"); got > 484 || got < 400 {
		t.Errorf("an answer of %d octets", got)
	}
	if got := size("any"); got < 1000 {
		t.Errorf("an answer of %d octets", got)
	}
}

// contexts is a handler of several trees.
type contexts map[string]*mib.Tree

func (c contexts) Modules(name string) ([]mib.Module, bool) {
	if t := c[name]; t != nil {
		return t.Modules("")
	}
	return nil, false
}

func (c contexts) Tree(_ context.Context, name string) (*mib.Tree, error) {
	if t := c[name]; t != nil {
		return t, nil
	}
	return nil, mib.ErrNoContext
}

func TestContexts(t *testing.T) {
	group := func(descr string) *mib.Tree {
		return newTreeOf(t, scalarGroup().BindNow(func() scalars { return scalars{descr: descr} }))
	}
	handler := contexts{"": group("default"), "blue": group("blue")}
	source := netip.MustParsePrefix("127.0.0.0/8")
	d := testEngine(t, handler, []Community{
		{Name: "public", Source: source}, {Name: "blue", Source: source, Context: "blue"}, {Name: "red", Source: source, Context: "red"},
	})
	get := func(community string) string {
		a := ask(t, d, messageOf(1, community, pduOf(0xa0, 1, 0, 0, asked(descrName))), noLimit)
		if a == nil {
			return "nothing"
		}
		return string(unhex(t, a.bindings[0].hex))
	}
	check := func(community, want string) {
		t.Helper()
		if got := get(community); got != want {
			t.Errorf("%s sees %q, want %q", community, got, want)
		}
	}
	check("public", "default")
	check("blue", "blue")
	check("red", "nothing")
	// A context's tree may be another one for the next message, or be gone.
	handler["blue"], handler["red"] = group("azure"), group("red")
	check("blue", "azure")
	check("red", "red")
	delete(handler, "blue")
	check("blue", "nothing")
	if got := d.engine.counters.statistics(); got[enginemib.UnknownContexts] != 2 || got[enginemib.InBadCommunityNames] != 0 {
		t.Errorf("counted %+v", got)
	}
}

func TestStatistics(t *testing.T) {
	good := asked(descrName)
	for _, c := range []struct {
		name    string
		message []byte
		want    enginemib.Statistics
	}{
		{"get", messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked(descrName, upTimeName.String(), "1.3.6"))),
			enginemib.Statistics{enginemib.InGetRequests: 1, enginemib.InTotalReqVars: 2, enginemib.OutGetResponses: 1}},
		{"getnext", messageOf(1, "public", pduOf(0xa1, 1, 0, 0, asked(descrName, "2.5"))),
			enginemib.Statistics{enginemib.InGetNexts: 1, enginemib.InTotalReqVars: 1, enginemib.OutGetResponses: 1}},
		{"getbulk", messageOf(1, "public", pduOf(0xa5, 1, 0, 7, good)), enginemib.Statistics{enginemib.OutGetResponses: 1}},
		{"set", messageOf(1, "public", pduOf(0xa3, 1, 0, 0, good)),
			enginemib.Statistics{enginemib.InSetRequests: 1, enginemib.InBadCommunityUses: 1, enginemib.OutGetResponses: 1}},
		{"set with access", messageOf(0, "private", pduOf(0xa3, 1, 0, 0, good)),
			enginemib.Statistics{enginemib.InSetRequests: 1, enginemib.OutNoSuchNames: 1, enginemib.OutGetResponses: 1}},
		{"no such name", messageOf(0, "public", pduOf(0xa0, 1, 0, 0, asked(descrName, "1.3.6"))),
			enginemib.Statistics{enginemib.InGetRequests: 1, enginemib.OutNoSuchNames: 1, enginemib.OutGetResponses: 1}},
		{"version 2", messageOf(2, "public", pduOf(0xa0, 1, 0, 0, good)), enginemib.Statistics{enginemib.InBadVersions: 1}},
		{"SNMPv3", messageOf(3, "public", pduOf(0xa0, 1, 0, 0, good)), enginemib.Statistics{enginemib.InBadVersions: 1}},
		{"version -1", messageOf(-1, "public", pduOf(0xa0, 1, 0, 0, good)), enginemib.Statistics{enginemib.InBadVersions: 1}},
		{"wrong version and rubbish", tlv(0x30, num(9), []byte{1, 2, 3}), enginemib.Statistics{enginemib.InBadVersions: 1}},
		{"unknown community", messageOf(1, "guess", pduOf(0xa0, 1, 0, 0, good)), enginemib.Statistics{enginemib.InBadCommunityNames: 1}},
		{"unknown community and rubbish", messageOf(1, "guess", tlv(0xa0, null)), enginemib.Statistics{enginemib.InBadCommunityNames: 1}},
		{"rubbish", messageOf(1, "public", tlv(0xa0, null)), enginemib.Statistics{enginemib.InASNParseErrs: 1}},
		{"Response noError", messageOf(1, "public", pduOf(0xa2, 1, 0, 0, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1}},
		{"Response tooBig", messageOf(1, "public", pduOf(0xa2, 1, 1, 0, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1, enginemib.InTooBigs: 1}},
		{"Response noSuchName", messageOf(0, "public", pduOf(0xa2, 1, 2, 1, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1, enginemib.InNoSuchNames: 1}},
		{"Response badValue", messageOf(1, "public", pduOf(0xa2, 1, 3, 1, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1, enginemib.InBadValues: 1}},
		{"Response readOnly", messageOf(1, "public", pduOf(0xa2, 1, 4, 1, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1, enginemib.InReadOnlys: 1}},
		{"Response genErr", messageOf(1, "public", pduOf(0xa2, 1, 5, 1, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1, enginemib.InGenErrs: 1}},
		{"Response notWritable", messageOf(1, "public", pduOf(0xa2, 1, 17, 1, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1}},
		{"Trap of SNMPv1", messageOf(0, "public", tlv(0xa4, oid("1.3.6"), tlv(0x40, []byte{1, 2, 3, 4}), num(6), num(1), tlv(0x43, []byte{1}), good)),
			enginemib.Statistics{enginemib.UnknownPDUHandlers: 1}},
		{"Inform", messageOf(1, "public", pduOf(0xa6, 1, 0, 0, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1}},
		{"Trap", messageOf(1, "public", pduOf(0xa7, 1, 0, 0, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1}},
		{"Report", messageOf(1, "public", pduOf(0xa8, 1, 0, 0, good)), enginemib.Statistics{enginemib.UnknownPDUHandlers: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := testEngine(t, newTestTree(t, 3), nil)
			ask(t, d, c.message, noLimit)
			if got := d.engine.counters.statistics(); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestRefuse holds that messages of a version that is refused are dropped and counted, until it is spoken again.
func TestRefuse(t *testing.T) {
	d := testEngine(t, newTestTree(t, 3), nil)
	message := func(version int) []byte {
		return messageOf(int32(version), "public", pduOf(0xa0, 1, 0, 0, asked(descrName)))
	}
	for _, c := range []struct {
		refused  []Version
		v1, v2c  bool
		versions uint64 // that were refused by then
	}{{nil, true, true, 0}, {[]Version{SNMPv1, SNMPv3}, false, true, 1}, {[]Version{SNMPv2c}, true, false, 2}, {nil, true, true, 2}} {
		d.engine.refuse(c.refused)
		for version, want := range []bool{c.v1, c.v2c} {
			if answer := ask(t, d, message(version), noLimit); (answer != nil) != want {
				t.Errorf("without %v, of version %d: %x", c.refused, version, answer)
			}
		}
		if got := d.engine.counters.statistics()[enginemib.InBadVersions]; uint64(got) != c.versions {
			t.Errorf("without %v: %d bad versions", c.refused, got)
		}
	}
}
