package ber

import (
	"bytes"
	"encoding/hex"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber/bertest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

func TestAppendValue(t *testing.T) {
	for _, c := range []struct {
		v    mib.Value
		want string
	}{
		{mib.Int(0), "020100"},
		{mib.Int(127), "02017f"},
		{mib.Int(128), "02020080"},
		{mib.Int(-1), "0201ff"},
		{mib.Int(-128), "020180"},
		{mib.Int(-129), "0202ff7f"},
		{mib.Int(256), "02020100"},
		{mib.Int(math.MaxInt32), "02047fffffff"},
		{mib.Int(math.MinInt32), "020480000000"},
		{mib.Count32(0), "410100"},
		{mib.Count32(math.MaxUint32), "410500ffffffff"},
		{mib.Gauge(1 << 31), "42050080000000"},
		{mib.Gauge(1<<31 - 1), "42047fffffff"},
		{mib.Ticks(255), "430200ff"},
		{mib.Count64(0), "460100"},
		{mib.Count64(math.MaxInt64), "46087fffffffffffffff"},
		{mib.Count64(1 << 63), "4609008000000000000000"},
		{mib.Count64(math.MaxUint64), "460900ffffffffffffffff"},
		{mib.Octets(""), "0400"},
		{mib.Octets("abc"), "0403616263"},
		{mib.Octets(strings.Repeat("x", 127)), "047f" + strings.Repeat("78", 127)},
		{mib.Octets(strings.Repeat("x", 128)), "048180" + strings.Repeat("78", 128)},
		{mib.Octets(strings.Repeat("x", 255)), "0481ff" + strings.Repeat("78", 255)},
		{mib.Octets(strings.Repeat("x", 256)), "04820100" + strings.Repeat("78", 256)},
		{mib.Octets(strings.Repeat("x", 65535)), "0482ffff" + strings.Repeat("78", 65535)},
		{mib.OpaqueValue("\x9f\x78"), "44029f78"},
		{mib.AddrValue(netip.MustParseAddr("192.0.2.255")), "4004c00002ff"},
		{mib.Exception(mib.Null), "0500"},
		{mib.Exception(mib.NoSuchObject), "8000"},
		{mib.Exception(mib.NoSuchInstance), "8100"},
		{mib.Exception(mib.EndOfMibView), "8200"},
		{mib.OIDValue(mib.OID{}), "060100"},
		{mib.OIDValue(mib.MakeOID(0, 0)), "060100"},
		{mib.OIDValue(mib.MakeOID(0, 39)), "060127"},
		{mib.OIDValue(mib.MakeOID(1, 39)), "06014f"},
		{mib.OIDValue(mib.MakeOID(2, 47)), "06017f"},
		{mib.OIDValue(mib.MakeOID(2, 48)), "06028100"},
		{mib.OIDValue(mib.MakeOID(2, 999, 3)), "0603883703"}, // X.690, section 8.19.5
		{mib.OIDValue(mib.MakeOID(2, math.MaxUint32)), "060590808080" + "4f"},
		{mib.OIDValue(mib.MustParseOID("1.3.6.1.2.1.1.3.0")), "06082b06010201010300"},
		{mib.OIDValue(mib.MustParseOID("1.3.127.128.239.240")), "06082b7f81008" + "16f8170"},
		{mib.OIDValue(mib.MustParseOID("1.3.2287.2288.16383.16384")), "060a2b916f9170ff7f818000"},
		{mib.OIDValue(mib.MustParseOID("1.3.67823.67824.2097151.2097152")), "060e2b84916f849170ffff7f81808000"},
		{mib.OIDValue(mib.MustParseOID("1.3.268435455.268435456.4294967295")), "060f2bffffff7f81808080008fffffff7f"},
	} {
		if got := hex.EncodeToString(AppendValue(nil, c.v)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.v, got, c.want)
		}
	}
}

func TestHasEncoding(t *testing.T) {
	// X.690, section 8.19.4, and nothing else.
	for text, want := range map[string]bool{
		"0.0": true, "0.39": true, "1.0": true, "1.39.5": true, "2.0": true, "2.39": true, "2.40": true, "2.999.3": true, "2.4294967295": true,
		"0.40": false, "0.240": false, "1.40": false, "1.4294967295.1": false, "3.0": false, "9.9.9": false, "240.0": false, "4294967295.1": false,
		"0": false, "1": false, "2": false, "3": false, "300": false,
	} {
		o := mib.MustParseOID(text)
		if got := ValueHasEncoding(mib.OIDValue(o)); got != want {
			t.Errorf("the value %s: got %v", text, got)
		}
		subs := o.Subidentifiers()
		for i := range len(subs) + 1 {
			if got := HasEncoding(mib.MakeOID(subs[:i]...), mib.MakeOID(subs[i:]...)); got != want {
				t.Errorf("the name %v %v: got %v", subs[:i], subs[i:], got)
			}
		}
	}
	if HasEncoding(mib.OID{}, mib.OID{}) || !ValueHasEncoding(mib.OIDValue(mib.OID{})) || !ValueHasEncoding(mib.Octets("\x09")) {
		t.Error("an empty OID is a value and no name, and other types are not judged")
	}
}

func TestAppendBinding(t *testing.T) {
	// Where the name is cut makes no difference.
	name := mib.MustParseOID("1.3.6.1.2.1.4.24.7.1.7.1.4.192.168.200.0.24.2.0.0.1.4.10.255.0.1")
	subs := name.Subidentifiers()
	want := hex.EncodeToString(bertest.VarBind(bertest.OID(name.String()), bertest.TLV(0x42, []byte{5})))
	for i := range len(subs) + 1 {
		object, index := mib.MakeOID(subs[:i]...), mib.MakeOID(subs[i:]...)
		if got := hex.EncodeToString(AppendBinding(nil, object, index, mib.Gauge(5))); got != want {
			t.Errorf("%v %v: got %s, want %s", object, index, got, want)
		}
	}
	// Lengths of the binding and of its name that take one to three octets.
	for _, n := range []int{10, 100, 110, 120, 121, 122, 123, 124, 125, 126, 127, 128} {
		long := make([]uint32, 0, 128)
		for range n {
			long = append(long, 1)
		}
		for _, size := range []int{0, 1, 100, 126, 127, 128, 200, 256, 65000} {
			value := strings.Repeat("v", size)
			got := AppendBinding(nil, mib.MakeOID(long...), mib.OID{}, mib.Octets(value))
			want := bertest.VarBind(bertest.OID(mib.MakeOID(long...).String()), bertest.TLV(4, []byte(value)))
			if string(got) != string(want) {
				t.Errorf("name of %d, value of %d: got %x, want %x", n, size, got, want)
			}
			if got := AppendNamedBinding(nil, bertest.OID(mib.MakeOID(long...).String()), mib.Octets(value)); string(got) != string(want) {
				t.Errorf("encoded name of %d, value of %d: got %x, want %x", n, size, got, want)
			}
		}
	}
}

func TestPrepend(t *testing.T) {
	for _, v := range []int32{0, 1, -1, 127, 128, -128, -129, 32767, 32768, 1 << 23, math.MaxInt32, math.MinInt32} {
		buf := make([]byte, 16)
		at := PrependInteger(buf, len(buf), v)
		if got, want := hex.EncodeToString(buf[at:]), hex.EncodeToString(bertest.Integer(v)); got != want {
			t.Errorf("%d: got %s, want %s", v, got, want)
		}
		if got, want := IntegerElementSize(v), len(bertest.Integer(v)); got != want {
			t.Errorf("%d: size %d, want %d", v, got, want)
		}
	}
	for _, n := range []int{0, 127, 128, 255, 256, 65535, 65536, 8<<20 - 1} {
		buf := make([]byte, 16)
		header, content, problem := Header(buf[PrependHeader(buf, len(buf), 0x30, n):])
		if problem != "" || content != n || header+n != ElementSize(n) {
			t.Errorf("%d: got a header of %d for %d %s, size %d", n, header, content, problem, ElementSize(n))
		}
	}
}

// FuzzBinding holds that what is encoded is decoded to the same, and that the
// encoding is the one that a plainer encoder makes.
func FuzzBinding(f *testing.F) {
	f.Add(uint32(2), uint64(5), []byte{1, 3, 6, 1}, "text")
	f.Add(uint32(0x46), uint64(math.MaxUint64), []byte{2, 255, 0, 128, 240, 239}, "\xff")
	f.Add(uint32(6), uint64(1<<33), []byte{0, 39, 7}, "")
	f.Fuzz(func(t *testing.T, tag uint32, n uint64, shape []byte, text string) {
		if len(shape) < 2 || len(shape) > mib.MaxOIDLength || len(text) > math.MaxUint16 {
			return
		}
		subs := make([]uint32, len(shape))
		for i, b := range shape {
			subs[i] = uint32(uint64(b) * (n | 1))
		}
		subs[0] %= 3
		if subs[0] < 2 {
			subs[1] %= 40
		}
		name := mib.MakeOID(subs...)
		values := []mib.Value{
			mib.Int(int32(n)), mib.Octets(text), mib.OIDValue(name), mib.IPv4Value(uint32(n)), mib.Count32(n),
			mib.Gauge(n), mib.Ticks(n), mib.OpaqueValue(text), mib.Count64(n), mib.Exception(mib.Null),
			mib.Exception(mib.NoSuchObject), mib.Exception(mib.NoSuchInstance), mib.Exception(mib.EndOfMibView),
		}
		v := values[int(tag)%len(values)]
		encoded := AppendBinding(nil, name, mib.OID{}, v)
		if want := bertest.VarBind(bertest.OID(name.String()), bertest.TLV(byte(v.Type()), bertest.Content(v))); !bytes.Equal(encoded, want) {
			t.Fatalf("%v = %v: got %x, want %x", name, v, encoded, want)
		}
		outer := Decoder{Rest: encoded}
		binding := outer.Enter("VarBind", Sequence)
		var list, scratch mib.OIDList
		if problem := ParseOID(&list, binding.Content("name", ObjectIdentifier)); problem != "" {
			t.Fatalf("%v = %v, %x: name %s", name, v, encoded, problem)
		}
		kind, content := binding.Element("value")
		if problem := CheckValue(&scratch, false, kind, content); problem != "" {
			t.Fatalf("%v = %v, %x: value %s", name, v, encoded, problem)
		}
		if got := Value(kind, content); got != v {
			t.Fatalf("%v, %x: decoded as %v", v, encoded, got)
		}
		binding.End("VarBind")
		outer.End("list")
		if binding.Err != nil || outer.Err != nil || list.AppendOIDs(nil)[0] != name {
			t.Fatalf("%v came back as %v: %v, %v", name, list.AppendOIDs(nil), binding.Err, outer.Err)
		}
	})
}
