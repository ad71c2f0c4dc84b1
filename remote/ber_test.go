package remote

import (
	"math"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// What gosnmp encodes decodes to what it encoded.
func TestDecodeMessage(t *testing.T) {
	p := gosnmp.SnmpPacket{
		Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: 77, Error: 5, ErrorIndex: 3,
		Variables: []gosnmp.SnmpPDU{
			{Name: ".1.3.6.1.2.1.1.1.0", Type: gosnmp.OctetString, Value: "a"},
			{Name: ".2.999.4294967295", Type: gosnmp.Integer, Value: math.MinInt32},
			{Name: ".0.0", Type: gosnmp.Counter64, Value: uint64(math.MaxUint64)},
			{Name: ".1.3", Type: gosnmp.Counter32, Value: uint32(math.MaxUint32)},
			{Name: ".1.3.1", Type: gosnmp.Gauge32, Value: uint32(1 << 31)},
			{Name: ".1.3.2", Type: gosnmp.TimeTicks, Value: uint32(0)},
			{Name: ".1.3.3", Type: gosnmp.IPAddress, Value: "192.0.2.1"},
			{Name: ".1.3.4", Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1"},
			{Name: ".1.3.5", Type: gosnmp.EndOfMibView},
			{Name: ".1.3.6", Type: gosnmp.NoSuchObject},
		},
	}
	message, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	var d decoder
	var a answer
	id, err := d.message(message, 1, "public", &a)
	if err != nil || id != 77 || a.status != 5 || a.index != 3 || a.octets != len(message) {
		t.Fatalf("id %d, answer %+v, error %v", id, a, err)
	}
	addr := mib.IPv4Value(192<<24 | 2<<8 | 1)
	for i, want := range []mib.Value{
		mib.Octets("a"), mib.Int(math.MinInt32), mib.Count64(math.MaxUint64), mib.Count32(math.MaxUint32), mib.Gauge(1 << 31),
		mib.Ticks(0), addr, mib.OIDValue(mib.MakeOID(1, 3, 6, 1)), mib.Exception(mib.EndOfMibView), mib.Exception(mib.NoSuchObject),
	} {
		v := a.variables[i]
		if "."+v.name.String() != p.Variables[i].Name || v.value != want {
			t.Errorf("variable %d is %v, %v; want %s, %v", i, v.name, v.value, p.Variables[i].Name, want)
		}
		converted, err := convert(&p.Variables[i])
		if i == 0 || i == 3 || i == 4 {
			continue // of which an encoder takes other Go types than a decoder gives
		}
		if err != nil || converted != v {
			t.Errorf("convert gives %v, %v; want %v", converted, err, v)
		}
	}
	for n := range message {
		if _, err := d.message(message[:n], 1, "public", &a); err == nil {
			t.Errorf("%d octets of %d decode", n, len(message))
		}
	}
}

// gosnmp decodes what is encoded here.
func TestAppendMessage(t *testing.T) {
	r := request{pdu: ber.GetBulkRequest, nonRepeaters: 1, repetitions: 300, names: []mib.OID{
		mib.MustParseOID("1.3.6.1.2.1.1.3"), mib.MustParseOID("2.999.4294967295.128.16384"), mib.MakeOID(0, 39),
	}}
	for range 20 {
		r.names = append(r.names, mib.MustParseOID("1.3.6.1.2.1.4.24.7.1.7.1.4.10.0.0.0"))
	}
	message := appendMessage(nil, 1, "public", 0x7ffffffe, &r)
	p, err := (&gosnmp.GoSNMP{}).SnmpDecodePacket(message)
	if err != nil {
		t.Fatal(err)
	}
	if p.PDUType != gosnmp.GetBulkRequest || p.RequestID != 0x7ffffffe || p.NonRepeaters != 1 || p.MaxRepetitions != 300 ||
		p.Community != "public" || p.Version != gosnmp.Version2c || len(p.Variables) != len(r.names) {
		t.Fatalf("%+v", p)
	}
	for i, v := range p.Variables {
		if v.Name != "."+r.names[i].String() || v.Type != gosnmp.Null {
			t.Errorf("variable %d is %+v, want %v", i, v, r.names[i])
		}
	}
}

func FuzzMessage(f *testing.F) {
	p := gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: 1,
		Variables: []gosnmp.SnmpPDU{{Name: ".1.3.6.1", Type: gosnmp.ObjectIdentifier, Value: ".1.3"}, {Name: ".1.3.7", Type: gosnmp.Counter64, Value: uint64(1 << 63)}}}
	message, err := p.MarshalMsg()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message)
	f.Fuzz(func(t *testing.T, message []byte) {
		var d decoder
		var a answer
		if _, err := d.message(message, 1, "public", &a); err != nil {
			return
		}
		if len(a.variables)*4 > len(message) {
			t.Errorf("%d variables in %d octets", len(a.variables), len(message))
		}
		for _, v := range a.variables {
			if n := v.name.Len(); n < 2 || n > mib.MaxOIDLength {
				t.Errorf("a name of %d sub-identifiers", n)
			}
			// What is asked for after it has the same name.
			if again, err := mib.ParseOID(v.name.String()); err != nil || again != v.name {
				t.Errorf("%v: %v", v.name, err)
			}
		}
	})
}
