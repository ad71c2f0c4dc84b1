package mib

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// Agents send the value of one type as another: what holds the same is taken.
func TestNeighbouringTypes(t *testing.T) {
	type cells struct {
		integer int32
		gauge   uint64
		count   uint64
		wide    uint64
		ticks   time.Duration
		addr    netip.Addr
		flag    bool
		octets  string
	}
	integer := AsInteger(At(func(c *cells) *int32 { return &c.integer }))
	gauge := AsGauge(At(func(c *cells) *uint64 { return &c.gauge }))
	count := AsCounter32(At(func(c *cells) *uint64 { return &c.count }))
	wide := AsCounter64(At(func(c *cells) *uint64 { return &c.wide }))
	ticks := AsTicks(At(func(c *cells) *time.Duration { return &c.ticks }))
	addr := AsIPAddress(At(func(c *cells) *netip.Addr { return &c.addr }))
	flag := AsTruth(At(func(c *cells) *bool { return &c.flag }))
	octets := AsOctets(At(func(c *cells) *string { return &c.octets }))
	for _, c := range []struct {
		name  string
		field Field[cells]
		value Value
		want  cells
		err   string
	}{
		{"INTEGER for Gauge32", gauge, Int(100), cells{gauge: 100}, ""},
		{"INTEGER below 0 for Gauge32", gauge, Int(-1), cells{}, "INTEGER: -1 is no Gauge32"},
		{"Counter64 for Gauge32", gauge, Count64(10e9), cells{gauge: 10e9}, ""},
		{"digits for Gauge32", gauge, Octets("1000000000"), cells{gauge: 1e9}, ""},
		{"no digits for Gauge32", gauge, Octets(""), cells{}, `OCTET STRING: "" is no Gauge32`},
		{"NUL for Counter64", wide, Octets("\x00"), cells{}, "is no Counter64"},
		{"a plus for Counter64", wide, Octets("+7"), cells{}, "is no Counter64"},
		{"INTEGER for Counter32", count, Int(7), cells{count: 7}, ""},
		{"Gauge32 for Counter32", count, Gauge(1 << 31), cells{count: 1 << 31}, ""},
		{"Counter64 for Counter32", count, Count64(1 << 40), cells{count: 1 << 40}, ""},
		{"the greatest Counter64 for Counter32", count, Count64(math.MaxUint64), cells{count: math.MaxUint64}, ""},
		{"Counter32 for Counter64", wide, Count32(7), cells{wide: 7}, ""},
		{"Counter32 for TimeTicks", ticks, Count32(100), cells{ticks: time.Second}, ""},
		{"Counter64 for TimeTicks", ticks, Count64(1 << 32), cells{}, "is no TimeTicks"},
		{"Gauge32 for INTEGER", integer, Gauge(5), cells{integer: 5}, ""},
		{"Gauge32 too great for INTEGER", integer, Gauge(1 << 31), cells{}, "is no INTEGER"},
		{"Counter64 too great for INTEGER", integer, Count64(math.MaxUint64), cells{}, "is no INTEGER"},
		{"digits for INTEGER", integer, Octets("-3"), cells{integer: -3}, ""},
		{"Counter32 for a TruthValue", flag, Count32(1), cells{flag: true}, ""},
		{"0 for a TruthValue", flag, Int(0), cells{}, "not one of the enumeration"},
		{"octets for IpAddress", addr, Octets("\xc0\x00\x02\x01"), cells{addr: netip.MustParseAddr("192.0.2.1")}, ""},
		{"text for IpAddress", addr, Octets("192.0.2.1"), cells{addr: netip.MustParseAddr("192.0.2.1")}, ""},
		{"IPv6 for IpAddress", addr, Octets("2001:db8::1"), cells{}, "is no IpAddress"},
		{"INTEGER for OCTET STRING", octets, Int(0), cells{}, "INTEGER: 0 is no OCTET STRING"},
		{"a long OCTET STRING for INTEGER", integer, Octets(strings.Repeat("x", 1000)), cells{}, strings.Repeat("x", 32) + `..." is no INTEGER`},
		{"NULL", integer, Exception(Null), cells{}, ""},
		{"anything for what rows never know", AsAbsent[cells](Counter32), Octets("x"), cells{}, ""},
		{"anything for a constant", AsConstant[cells](Int(1)), Gauge(2), cells{}, ""},
	} {
		var got cells
		err := stored(c.field, &got, c.value)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v; want %+v, %q", c.name, got, err, c.want, c.err)
		}
	}
}

// stored writes a value from the wire into a row.
func stored[R any](f Field[R], r *R, v Value) error {
	g := Group[R]{Objects: Columns(Column(1, "it", f))}
	return g.declaration().store(r, 0, v, time.Time{})
}

// ends are a row with addresses in its index, as of connections.
type ends struct {
	near, far  netip.Addr
	nearPort   uint16
	zone, flag uint32
}

var (
	near = InetAddressIndex(At(func(e *ends) *netip.Addr { return &e.near }), nil)
	far  = InetAddressIndex(At(func(e *ends) *netip.Addr { return &e.far }), nil)
	port = IntegerIndex(At(func(e *ends) *uint16 { return &e.nearPort }))
	flag = Column(9, "flag", AsGauge(At(func(e *ends) *uint32 { return &e.flag })))

	hostsTable = Table[ends]{Name: "hostsTable", Entry: MakeOID(1, 3, 1, 1), Index: Index(near), Columns: Columns(flag)}
	pairsTable = Table[ends]{Name: "pairsTable", Entry: MakeOID(1, 3, 2, 1), Index: Index(near, port, far), Columns: Columns(flag)}
	// behindTable and oldTable have an interface in front, as tables of neighbours.
	behindTable = Table[ends]{Name: "behindTable", Entry: MakeOID(1, 3, 4, 1), Index: Index(port, near), Columns: Columns(flag)}
	oldTable    = Table[ends]{Name: "oldTable", Entry: MakeOID(1, 3, 5, 1), Index: Index(port, IPAddressIndex(At(func(e *ends) *netip.Addr { return &e.near }))), Columns: Columns(flag)}
	zonesTable  = Table[ends]{Name: "zonesTable", Entry: MakeOID(1, 3, 3, 1), Index: Index(
		InetAddressIndex(At(func(e *ends) *netip.Addr { return &e.near }), &Access[ends, uint32]{
			get: func(e *ends) (uint32, bool) { return e.zone, e.zone != 0 }, set: func(e *ends, z uint32) { e.zone = z },
		})), Columns: Columns(flag)}
)

// Indexes that are not to the letter, as devices have them.
func TestIndexForms(t *testing.T) {
	text := func(typ uint32, address string) []uint32 {
		index := []uint32{typ, uint32(len(address))}
		for _, o := range []byte(address) {
			index = append(index, uint32(o))
		}
		return index
	}
	octets := func(before []uint32, address string, after ...uint32) []uint32 {
		index := slices.Clone(before)
		for _, o := range netip.MustParseAddr(address).AsSlice() {
			index = append(index, uint32(o))
		}
		return append(index, after...)
	}
	host := func(address string) ends { return ends{near: netip.MustParseAddr(address)} }
	old := ends{nearPort: 7, near: netip.MustParseAddr("192.0.2.1")}
	for _, c := range []struct {
		name  string
		table *Table[ends]
		index []uint32
		want  ends
		err   string
	}{
		{"to the letter", &hostsTable, []uint32{1, 4, 192, 0, 2, 1}, host("192.0.2.1"), ""},
		{"no length", &hostsTable, []uint32{1, 192, 0, 2, 1}, host("192.0.2.1"), ""},
		{"no length, first octet 4", &hostsTable, []uint32{1, 4, 0, 2, 1}, host("4.0.2.1"), ""},
		{"no length of IPv6", &hostsTable, octets([]uint32{2}, "2001:db8::1"), host("2001:db8::1"), ""},
		{"no length, four octets more", &hostsTable, octets([]uint32{2}, "fe80::1", 0, 0, 0, 5), host("fe80::1%5"), ""},
		{"IPv4 in text", &hostsTable, text(1, "192.0.2.1"), host("192.0.2.1"), ""},
		{"IPv4 in text, as of IPv6", &hostsTable, text(2, "192.0.2.1"), host("192.0.2.1"), ""},
		{"IPv6 in 39 characters", &hostsTable, text(2, "2001:0db8:0000:0000:0000:0000:0000:0001"), host("2001:db8::1"), ""},
		{"unknown(0) with an address", &hostsTable, []uint32{0, 4, 192, 0, 2, 1}, host("192.0.2.1"), ""},
		{"ipv4z(3) without a zone", &zonesTable, []uint32{3, 4, 192, 0, 2, 1}, host("192.0.2.1"), ""},
		{"ipv6(2) with a zone", &zonesTable, octets([]uint32{2, 20}, "fe80::1", 0, 0, 0, 5), ends{near: netip.MustParseAddr("fe80::1"), zone: 5}, ""},
		{"ipv6z(4) without its zone and without a length", &hostsTable, octets([]uint32{4}, "fe80::1"), host("fe80::1"), ""},
		{"eight numbers of 16 bits and an interface", &zonesTable, []uint32{2, 0x2001, 0xdb8, 0, 0, 0, 0, 0, 1, 7}, ends{near: netip.MustParseAddr("2001:db8::1"), zone: 7}, ""},
		{"eight numbers, one of 17 bits", &zonesTable, []uint32{2, 0x12001, 0xdb8, 0, 0, 0, 0, 0, 1, 7}, ends{}, "index"},
		{"eight numbers and no interface", &zonesTable, []uint32{2, 0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}, ends{}, "index"},
		{"the second without its type", &pairsTable, []uint32{1, 4, 192, 0, 2, 1, 22, 4, 192, 0, 2, 9}, ends{near: netip.MustParseAddr("192.0.2.1"), nearPort: 22, far: netip.MustParseAddr("192.0.2.9")}, ""},
		{"the second without its type, of IPv6", &pairsTable, octets([]uint32{1, 4, 192, 0, 2, 1, 22, 16}, "2001:db8::9"), ends{near: netip.MustParseAddr("192.0.2.1"), nearPort: 22, far: netip.MustParseAddr("2001:db8::9")}, ""},
		{"no type, of five octets", &pairsTable, []uint32{1, 4, 192, 0, 2, 1, 22, 5, 192, 0, 2, 9, 9}, ends{}, "index"},
		{"the type in front of a number", &behindTable, []uint32{1, 300, 4, 192, 0, 2, 1}, ends{nearPort: 300, near: netip.MustParseAddr("192.0.2.1")}, ""},
		{"the type in front of the number of another type", &behindTable, []uint32{1, 3, 4, 192, 0, 2, 1}, ends{nearPort: 3, near: netip.MustParseAddr("192.0.2.1")}, ""},
		{"a row of another table", &hostsTable, []uint32{2, 1, 4, 192, 0, 2, 1}, ends{}, "index"},
		{"a 0 behind", &hostsTable, []uint32{1, 4, 192, 0, 2, 1, 0}, host("192.0.2.1"), ""},
		{"a 0 behind one without a length", &hostsTable, []uint32{1, 192, 0, 2, 1, 0}, host("192.0.2.1"), ""},
		{"two octets behind", &hostsTable, []uint32{1, 4, 192, 0, 2, 1, 0, 0}, ends{}, "2 sub-identifiers too many"},
		{"an octet behind", &hostsTable, []uint32{1, 4, 192, 0, 2, 1, 9}, ends{}, "1 sub-identifiers too many"},
		{"an IpAddress", &oldTable, []uint32{7, 192, 0, 2, 1}, old, ""},
		{"an IpAddress with a 1 in front", &oldTable, []uint32{7, 1, 192, 0, 2, 1}, old, ""},
		{"an IpAddress with a 1 in front and a 0 behind", &oldTable, []uint32{7, 1, 192, 0, 2, 1, 0}, old, ""},
		{"an IpAddress with a 2 in front", &oldTable, []uint32{7, 2, 192, 0, 2, 1}, ends{}, "1 sub-identifiers too many"},
		{"an IpAddress of one number", &oldTable, []uint32{7, 0xc0000201}, old, ""},
		{"a line's number for an IpAddress", &oldTable, []uint32{7, 3}, ends{}, "index ends early"},
		{"an IpAddress of three octets", &oldTable, []uint32{192, 0, 2, 1}, ends{}, "index ends early"},
		{"an IpAddress of what are no octets", &oldTable, []uint32{7, 256, 0, 2, 1}, ends{}, "256 is not an octet"},
		{"digits in text for an IpAddress", &oldTable, append([]uint32{7}, text(1, "192.0.2.1")[1:]...), ends{}, "sub-identifiers too many"},
		{"ill-encoded text", &hostsTable, text(1, "192.0.2.\xff"), ends{}, "InetAddressType 1 with 9 octets"},
		{"two without lengths", &pairsTable, []uint32{1, 192, 0, 2, 1, 22, 1, 192, 0, 2, 9}, ends{near: netip.MustParseAddr("192.0.2.1"), nearPort: 22, far: netip.MustParseAddr("192.0.2.9")}, ""},
		{"neither has an address", &pairsTable, []uint32{0, 22, 0}, ends{nearPort: 22}, ""},
		{"half an address", &hostsTable, []uint32{1, 192, 0}, ends{}, "hostsTable: index 1.192.0: index object 1"},
		{"no octet", &hostsTable, []uint32{1, 300, 0, 2, 1}, ends{}, "index"},
		{"no address", &hostsTable, text(1, "nowhere"), ends{}, "InetAddressType 1 with 7 octets"},
		{"a zone in text", &hostsTable, text(2, "fe80::1%eth0"), ends{}, "InetAddressType 2 with 12 octets"},
		{"an unknown type", &hostsTable, []uint32{9, 192, 0, 2, 1}, ends{}, "index"},
		{"nothing", &hostsTable, nil, ends{}, "index ends early"},
		{"a long one", &hostsTable, append([]uint32{1, 120}, make([]uint32, 120)...), ends{}, "InetAddressType 1 with 120 octets"},
	} {
		var got ends
		err := c.table.RowDecoder(9).Index(MakeOID(c.index...), &got)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %+v, error %v, want one with %q", c.name, got, err, c.err)
			}
		case err != nil || got != c.want:
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

// A value that is not understood is unknown and costs no other.
func TestOddValues(t *testing.T) {
	d := rowTable.RowDecoder(9, 10, 8)
	var r row
	var odd []string
	d.Values(time.Time{}, MakeOID(7), []Value{Octets("x"), Int(1), Count32(3)}, &r, func(err error) { odd = append(odd, err.Error()) })
	if !r.Flag || !slices.Equal(odd, []string{`rowSigned.7: OCTET STRING: "x" is no INTEGER`}) {
		t.Errorf("%+v, %q", r, odd)
	}
	d.Values(time.Time{}, MakeOID(7), []Value{Octets("x"), {}, {}}, &r, nil)
}

// What a row refuses is no value of a column, and makes an index one that is not
// understood.
func TestChecked(t *testing.T) {
	bits := At(func(r *row) *uint32 { return &r.Number }).Checked(func(r *row, n uint32) error {
		if n > 32 {
			return errIndexTooShort
		}
		return nil
	})
	table := Table[row]{Name: "bits", Entry: MakeOID(1, 3), Index: Index(IntegerIndex(bits)), Columns: Columns(Column(1, "bits", AsGauge(bits)))}
	d := table.RowDecoder(1)
	var r row
	if err := d.Index(MakeOID(32), &r); err != nil || r.Number != 32 {
		t.Error(r.Number, err)
	}
	if err := d.Index(MakeOID(33), &r); err == nil {
		t.Error("33 was taken")
	}
	said := 0
	d.Values(time.Time{}, MakeOID(1), []Value{Gauge(40)}, &r, func(error) { said++ })
	if said != 1 || r.Number == 40 {
		t.Error(said, r.Number)
	}
}

// Whatever the index and the value, a decoder takes it or says so, and what it took
// to the letter comes back.
func FuzzRowDecoder(f *testing.F) {
	f.Add([]byte{1, 192, 0, 2, 1}, uint8(9), uint8(Gauge32), uint64(7), "")
	f.Add([]byte{2, 9, '1', '9', '2', '.', '0', '.', '2', '.', '1'}, uint8(9), uint8(OctetString), uint64(0), "12")
	f.Fuzz(func(t *testing.T, index []byte, sub, typ uint8, num uint64, octets string) {
		var packed []byte
		for _, b := range index {
			packed = AppendSubidentifier(packed, uint32(b))
		}
		o := OID{string(packed)}
		for _, table := range []*Table[ends]{&hostsTable, &pairsTable, &zonesTable} {
			d := table.RowDecoder(9)
			var r ends
			if d.Index(o, &r) != nil {
				continue
			}
			var exact ends
			if table.declaration().parseIndex(o, &exact, toTheLetter) == nil && (exact != r || table.IndexOf(&r) != o) {
				t.Fatalf("%v: %+v, to the letter %+v", o, r, exact)
			}
			d.Values(time.Unix(0, 0), o, []Value{{typ: Type(typ), num: num, str: octets}}, &r, func(error) {})
		}
	})
}

func BenchmarkInetAddress(b *testing.B) {
	d := pairsTable.RowDecoder(9)
	index := MakeOID(1, 4, 192, 0, 2, 1, 22, 1, 4, 192, 0, 2, 9)
	b.ReportAllocs()
	for b.Loop() {
		var e ends
		if err := d.Index(index, &e); err != nil {
			b.Fatal(err)
		}
	}
}
