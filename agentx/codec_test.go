package agentx

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// unhex reads hexadecimal with blanks and line ends anywhere.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vectors were written by hand from the diagrams of RFC 2741, section 6.2.
var vectors = []struct {
	name   string
	header Header // but for Type and PayloadLength
	pdu    Payload
	hex    string
}{
	{"Open big-endian", Header{Flags: NetworkByteOrder, SessionID: 0, TransactionID: 1, PacketID: 2},
		&Open{Timeout: 5, ID: mib.MakeOID(1, 3, 6, 1, 4, 1, 8072), Description: "abcde"}, `
		01 01 10 00  00000000 00000001 00000002 0000001c
		05 00 00 00
		02 04 00 00  00000001 00001f88
		00000005 61626364 65000000`},
	{"Open little-endian", Header{TransactionID: 1, PacketID: 2},
		&Open{Timeout: 5, ID: mib.MakeOID(1, 3, 6, 1, 4, 1, 8072), Description: "abcde"}, `
		01 01 00 00  00000000 01000000 02000000 1c000000
		05 00 00 00
		02 04 00 00  01000000 881f0000
		05000000 61626364 65000000`},
	{"Close", Header{Flags: NetworkByteOrder, SessionID: 0x01020304, PacketID: 9},
		&Close{Reason: ReasonShutdown}, `
		01 02 10 00  01020304 00000000 00000009 00000004
		05 00 00 00`},
	{"Register of a range in a context", Header{Flags: NetworkByteOrder | NonDefaultContext, SessionID: 7, TransactionID: 8, PacketID: 9},
		&Register{Context: "vrf", Timeout: 3, Priority: 100, RangeSubid: 10, Subtree: mib.MustParseOID("1.3.6.1.2.1.2.2.1.1.7"), UpperBound: 22}, `
		01 03 18 00  00000007 00000008 00000009 0000002c
		00000003 76726600
		03 64 0a 00
		06 02 00 00  00000001 00000002 00000002 00000001 00000001 00000007
		00000016`},
	{"Register of an instance", Header{Flags: NetworkByteOrder | InstanceRegistration, SessionID: 7},
		&Register{Priority: 127, Subtree: mib.MakeOID(1, 2, 0)}, `
		01 03 11 00  00000007 00000000 00000000 00000014
		00 7f 00 00
		03 00 00 00  00000001 00000002 00000000`},
	{"Unregister", Header{Flags: NetworkByteOrder, SessionID: 7},
		&Unregister{Priority: 127, RangeSubid: 2, Subtree: mib.MakeOID(1, 2), UpperBound: 4}, `
		01 04 10 00  00000007 00000000 00000000 00000014
		00 7f 02 00
		02 00 00 00  00000001 00000002
		00000004`},
	{"Get", Header{SessionID: 7, TransactionID: 0x01020304, PacketID: 0xfffffffe},
		&Get{Ranges: []SearchRange{{Start: mib.MustParseOID("1.3.6.1.2.1.1.1.0")}}}, `
		01 05 00 00  07000000 04030201 feffffff 18000000
		04 02 00 00  01000000 01000000 01000000 00000000
		00 00 00 00`},
	{"GetNext with include", Header{Flags: NetworkByteOrder},
		&GetNext{Ranges: []SearchRange{{Start: mib.MustParseOID("1.3.6.1.2"), End: mib.MustParseOID("1.3.6.1.2.1"), Include: true}, {}}}, `
		01 06 10 00  00000000 00000000 00000000 00000014
		00 02 01 00
		01 02 00 00  00000001
		00 00 00 00  00 00 00 00`},
	{"GetBulk", Header{Flags: NetworkByteOrder},
		&GetBulk{NonRepeaters: 1, MaxRepetitions: 0x1234, Ranges: []SearchRange{{}}}, `
		01 07 10 00  00000000 00000000 00000000 0000000c
		0001 1234
		00 00 00 00  00 00 00 00`},
	{"TestSet of every type", Header{Flags: NetworkByteOrder},
		&TestSet{Bindings: []mib.Binding{
			{Value: mib.Int(-2)},
			{Value: mib.Octets("abcd")},
			{Value: mib.Octets("")},
			{Value: mib.Exception(mib.Null)},
			{Value: mib.OIDValue(mib.MakeOID(0, 0))},
			{Value: mib.IPv4Value(0xc0000201)},
			{Value: mib.Count32(1)},
			{Value: mib.Gauge(0xffffffff)},
			{Value: mib.Ticks(3)},
			{Value: mib.OpaqueValue("x")},
			{Value: mib.Count64(0x0102030405060708)},
			{Value: mib.Exception(mib.NoSuchObject)},
			{Value: mib.Exception(mib.NoSuchInstance)},
			{Value: mib.Exception(mib.EndOfMibView)},
		}}, `
		01 08 10 00  00000000 00000000 00000000 000000b0
		0002 0000 00000000  fffffffe
		0004 0000 00000000  00000004 61626364
		0004 0000 00000000  00000000
		0005 0000 00000000
		0006 0000 00000000  02000000 00000000 00000000
		0040 0000 00000000  00000004 c0000201
		0041 0000 00000000  00000001
		0042 0000 00000000  ffffffff
		0043 0000 00000000  00000003
		0044 0000 00000000  00000001 78000000
		0046 0000 00000000  0102030405060708
		0080 0000 00000000
		0081 0000 00000000
		0082 0000 00000000`},
	{"CommitSet", Header{Flags: NetworkByteOrder}, &CommitSet{}, `01 09 10 00 00000000 00000000 00000000 00000000`},
	{"UndoSet", Header{Flags: NetworkByteOrder}, &UndoSet{}, `01 0a 10 00 00000000 00000000 00000000 00000000`},
	{"CleanupSet", Header{Flags: NetworkByteOrder}, &CleanupSet{}, `01 0b 10 00 00000000 00000000 00000000 00000000`},
	{"Notify", Header{Flags: NetworkByteOrder},
		&Notify{Bindings: []mib.Binding{{Object: mib.MustParseOID("1.3.6.1.6.3.1.1.4.1.0"), Value: mib.OIDValue(mib.MustParseOID("1.3.6.1.6.3"))}}}, `
		01 0c 10 00  00000000 00000000 00000000 00000028
		0006 0000
		06 06 00 00  00000003 00000001 00000001 00000004 00000001 00000000
		01 06 00 00  00000003`},
	{"Ping in a context", Header{Flags: NonDefaultContext}, &Ping{Context: "abcd"}, `
		01 0d 08 00  00000000 00000000 00000000 08000000
		04000000 61626364`},
	{"IndexAllocate", Header{Flags: NetworkByteOrder | NewIndex},
		&IndexAllocate{Bindings: []mib.Binding{{Object: mib.MakeOID(1), Value: mib.Int(0)}}}, `
		01 0e 12 00  00000000 00000000 00000000 00000010
		0002 0000  01 00 00 00 00000001  00000000`},
	{"IndexDeallocate", Header{Flags: NetworkByteOrder},
		&IndexDeallocate{Bindings: []mib.Binding{{Object: mib.MakeOID(1), Value: mib.Int(5)}}}, `
		01 0f 10 00  00000000 00000000 00000000 00000010
		0002 0000  01 00 00 00 00000001  00000005`},
	{"AddAgentCaps", Header{Flags: NetworkByteOrder}, &AddAgentCaps{ID: mib.MakeOID(1, 2), Description: "d"}, `
		01 10 10 00  00000000 00000000 00000000 00000014
		02 00 00 00 00000001 00000002
		00000001 64000000`},
	{"RemoveAgentCaps", Header{Flags: NetworkByteOrder}, &RemoveAgentCaps{ID: mib.MakeOID(1, 2)}, `
		01 11 10 00  00000000 00000000 00000000 0000000c
		02 00 00 00 00000001 00000002`},
	{"Response", Header{Flags: NetworkByteOrder, SessionID: 7, TransactionID: 8, PacketID: 9},
		&Response{SysUpTime: 0x01020304, Error: DuplicateRegistration, Index: 2, Bindings: []mib.Binding{
			{Object: mib.MustParseOID("1.3.6.1.2.1.2.2.1.10"), Index: mib.MakeOID(4000000000), Value: mib.Count32(5)}}}, `
		01 12 10 00  00000007 00000008 00000009 0000002c
		01020304 0107 0002
		0041 0000
		06 02 00 00 00000001 00000002 00000002 00000001 0000000a ee6b2800
		00000005`},
}

// joined is v with each binding's name in Object, as Decode has it.
func joined(v Payload) Payload {
	join := func(list []mib.Binding) {
		for i, b := range list {
			list[i] = mib.Binding{Object: b.Name(), Value: b.Value}
		}
	}
	switch v := v.(type) {
	case *TestSet:
		join(v.Bindings)
	case *Notify:
		join(v.Bindings)
	case *Response:
		join(v.Bindings)
	case *IndexAllocate:
		join(v.Bindings)
	case *IndexDeallocate:
		join(v.Bindings)
	}
	return v
}

func TestVectors(t *testing.T) {
	seen := map[PDUType]bool{}
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			want := unhex(t, v.hex)
			got, err := Append([]byte("before"), v.header, v.pdu)
			if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("%v, encoded\n%s want\n%s", err, hex.Dump(got[6:]), hex.Dump(want))
			}
			h, err := DecodeHeader(want)
			if err != nil {
				t.Fatal(err)
			}
			wantHeader := v.header
			wantHeader.Type, wantHeader.PayloadLength = v.pdu.Type(), uint32(len(want)-headerLength)
			if h != wantHeader {
				t.Errorf("header %+v, want %+v", h, wantHeader)
			}
			p, err := Decode(h, want[headerLength:])
			if err != nil || !reflect.DeepEqual(p, joined(v.pdu)) {
				t.Errorf("%v, decoded %+v, want %+v", err, p, v.pdu)
			}
			seen[h.Type] = true
		})
	}
	for typ := TypeOpen; typ <= TypeResponse; typ++ {
		if !seen[typ] {
			t.Errorf("no vector of %s", typ)
		}
	}
}

// TestDamaged cuts every vector at every length and changes every octet: an
// error that names the PDU or some other PDU of the same length, never a panic.
func TestDamaged(t *testing.T) {
	for _, v := range vectors {
		whole := unhex(t, v.hex)
		for n := range whole {
			if n < headerLength {
				if _, err := DecodeHeader(whole[:n]); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s, %d octets: %v", v.name, n, err)
				}
				continue
			}
			h, _ := DecodeHeader(whole)
			if _, err := Decode(h, whole[headerLength:n]); err != nil && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), h.Type.String())) {
				t.Errorf("%s, %d octets: %v", v.name, n, err)
			}
		}
		for i := range whole {
			for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff, whole[i] ^ 1} {
				damaged := bytes.Clone(whole)
				damaged[i] = b
				checkPDU(t, damaged)
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	oid := func(n int, prefix byte) string {
		return hex.EncodeToString([]byte{byte(n), prefix, 0, 0}) + strings.Repeat("00000001", n)
	}
	for want, c := range map[string]struct {
		typ PDUType
		hex string
	}{
		"agentx-Get-PDU: start of item 1: an OID of more than 128":        {TypeGet, oid(129, 0) + "00000000"},
		"agentx-GetNext-PDU: end of item 2: an OID of more than 128":      {TypeGetNext, "0000000000000000 00000000" + oid(124, 4)},
		"agentx-Get-PDU: start of item 1: needs 12 octets and there are ": {TypeGet, "03000000 00000001"},
		"agentx-Get-PDU: end of item 1: needs 4":                          {TypeGet, "00000000"},
		"agentx-Open-PDU: o.descr: a string of 4294967295 octets":         {TypeOpen, "00000000 00000000 ffffffff"},
		"agentx-Open-PDU: o.descr: needs 3":                               {TypeOpen, "00000000 00000000 00000001 61"},
		"agentx-Close-PDU: payload: 4 octets after its end":               {TypeClose, "01000000 00000000"},
		"agentx-TestSet-PDU: v.type of item 1: unknown type 3":            {TypeTestSet, "0003 0000 00000000"},
		"agentx-Response-PDU: v.data of item 1: an IpAddress of 5 octets": {TypeResponse, "00000000 00000000 0040 0000 00000000 00000005 0102030405000000"},
		"agentx-GetBulk-PDU: g.max_repetitions: needs 2":                  {TypeGetBulk, "0000"},
		"header: h.type 0": {0, ""},
	} {
		_, err := Decode(Header{Type: c.typ, Flags: NetworkByteOrder}, unhex(t, c.hex))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, good := range []string{oid(128, 0) + "00000000", oid(123, 4) + "00000000"} {
		if _, err := Decode(Header{Type: TypeGet, Flags: NetworkByteOrder}, unhex(t, good)); err != nil {
			t.Error(err)
		}
	}
}

func TestNoEncoding(t *testing.T) {
	long := make([]uint32, 129)
	for _, p := range []Payload{
		&Get{Ranges: []SearchRange{{Start: mib.MakeOID(long...)}}},
		&Response{Bindings: []mib.Binding{{Object: mib.MakeOID(1, 3, 6, 1, 2), Index: mib.MakeOID(long[:124]...), Value: mib.Int(1)}}},
		&Response{Bindings: []mib.Binding{{Object: mib.MakeOID(1)}}},
		&Ping{Context: "x"}, // this one has
	} {
		b, err := Append([]byte("x"), Header{}, p)
		if _, ok := p.(*Ping); ok {
			if err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, ErrInvalid) || string(b) != "x" {
			t.Errorf("%T: %q, %v", p, b, err)
		}
	}
}

// checkPDU decodes a PDU and holds that encoding and decoding it again gives
// the same, in both byte orders.
func checkPDU(t *testing.T, pdu []byte) {
	t.Helper()
	h, err := DecodeHeader(pdu)
	if err != nil || int(h.PayloadLength) > len(pdu)-headerLength {
		return
	}
	payload := pdu[headerLength:][:h.PayloadLength]
	v, err := Decode(h, payload)
	switch h.Type {
	case TypeGet, TypeGetNext, TypeGetBulk, TypeTestSet:
		var q query
		if qerr := q.decode(h, payload); (qerr == nil) != (err == nil) {
			t.Fatalf("%v, and as a query %v", err, qerr)
		}
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		return
	}
	for _, order := range []Flags{0, NetworkByteOrder} {
		h.Flags = h.Flags&^NetworkByteOrder | order
		b, err := Append(nil, h, v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeHeader(b)
		if err != nil {
			if len(b) > MaxPayload {
				return // what was compressed may pass the limit
			}
			t.Fatal(err)
		}
		w, err := Decode(again, b[headerLength:])
		if err != nil || !reflect.DeepEqual(v, w) {
			t.Fatalf("%v, %+v became %+v", err, v, w)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(checkPDU)
}

func FuzzDecodeHeader(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex)[:headerLength])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHeader(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		var e encoder
		e.begin(h)
		e.put32(e.b[16:], h.PayloadLength)
		if again, err := DecodeHeader(e.b); err != nil || again != h {
			t.Fatalf("%+v, %v; was %+v", again, err, h)
		}
	})
}

// FuzzStream feeds a session's reader arbitrary octets in arbitrary pieces.
func FuzzStream(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex), byte(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, size byte) {
		var pieces [][]byte
		for rest := b; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		whole := pduReader{r: bytes.NewReader(b)}
		split := pduReader{r: &pieceReader{pieces}}
		for {
			h, p, err := whole.next()
			g, q, err2 := split.next()
			if h != g || !bytes.Equal(p, q) || (err == nil) != (err2 == nil) {
				t.Fatalf("%v %x %v; in pieces %v %x %v", h, p, err, g, q, err2)
			}
			if err != nil {
				break
			}
		}
		if cap(split.buf) > 2*len(b)+readSize {
			t.Fatalf("a buffer of %d for %d octets", cap(split.buf), len(b))
		}
	})
}

type pieceReader struct{ pieces [][]byte }

func (r *pieceReader) Read(b []byte) (int, error) {
	if len(r.pieces) == 0 {
		return 0, errors.New("the end")
	}
	n := copy(b, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; len(r.pieces[0]) == 0 {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}
