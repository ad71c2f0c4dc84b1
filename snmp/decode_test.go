package snmp

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestElementLength(t *testing.T) {
	for _, c := range []struct {
		hex             string
		header, content int
		problem         string
	}{
		{"", 0, 0, "ends early"},
		{"30", 0, 0, "ends early"},
		{"3000", 2, 0, ""},
		{"307f", 2, 127, ""},
		{"3080", 0, 0, "indefinite"},
		{"308100", 3, 0, ""}, // more octets than necessary: RFC 3417, section 8, (2)
		{"308180", 3, 128, ""},
		{"30820080", 4, 128, ""},
		{"3082", 0, 0, "ends early"},
		{"308201", 0, 0, "ends early"},
		{"30847fffff", 0, 0, "ends early"},
		{"30847fffffff", 0, 0, "no message has"},
		{"3084ffffffff", 0, 0, "no message has"},
		{"3088ffffffffffffffff", 0, 0, "no message has"},
		{"30880000000000000005", 10, 5, ""},
		{"30fe" + strings.Repeat("00", 125) + "07", 128, 7, ""},
		{"30ff", 0, 0, "reserved"},
	} {
		header, content, problem := elementLength(unhex(t, c.hex))
		if header != c.header || problem == "" && content != c.content || !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") {
			t.Errorf("%s: got %d, %d, %q, want %d, %d, %q", c.hex, header, content, problem, c.header, c.content, c.problem)
		}
	}
}

func TestParseOID(t *testing.T) {
	max := "2b" + strings.Repeat("01", 126)
	for _, c := range []struct{ hex, want, problem string }{
		{"00", "0.0", ""},
		{"27", "0.39", ""},
		{"28", "1.0", ""},
		{"4f", "1.39", ""},
		{"50", "2.0", ""},
		{"8837 03", "2.999.3", ""},
		{"90808080 4f", "2.4294967295", ""},
		{"90808080 50", "", "greater than"},
		{"2b 8fffffff7f", "1.3.4294967295", ""},
		{"2b 9080808000", "", "greater than"},
		{"2b ffffffffffffffffff7f", "", "greater than"},
		{"", "", "no sub-identifier"},
		{"2b 81", "", "ends within"},
		{"2b 80 01", "", "leading zeros"},
		{"80 2b", "", "leading zeros"},
		{max, "1.3" + strings.Repeat(".1", 126), ""},
		{max + "01", "", "more than 128"},
	} {
		var list mib.OIDList
		problem := parseOID(&list, unhex(t, c.hex))
		got := ""
		if problem == "" {
			got = list.AppendOIDs(nil)[0].String()
		}
		if got != c.want || !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") {
			t.Errorf("%s: got %s, %q, want %s, %q", c.hex, got, problem, c.want, c.problem)
		}
	}
}

func TestCheckValue(t *testing.T) {
	for _, c := range []struct {
		hex        string
		ok, okInV1 bool
	}{
		{"020100", true, true},
		{"0200", false, false},
		{"020480000000", true, true},
		{"020400000001", true, true}, // not the shortest form, which some managers send
		{"02050000000001", false, false},
		{"0400", true, true},
		{"0500", true, true},
		{"050100", false, false},
		{"06012b", true, true},
		{"0600", false, false},
		{"400401020304", true, true},
		{"4003010203", false, false},
		{"40050102030405", false, false},
		{"410500ffffffff", true, true},
		{"41050100000000", false, false},
		{"4104ffffffff", false, false}, // negative
		{"4100", false, false},
		{"4204 7fffffff", true, true},
		{"4306 000000000001", false, false},
		{"44020102", true, true},
		{"4501 00", false, false},
		{"460900ffffffffffffffff", true, false},
		{"4609ffffffffffffffffff", false, false},
		{"460901ffffffffffffffff", false, false},
		{"460a0000ffffffffffffffff", false, false},
		{"4600", false, false},
		{"4701 00", false, false},
		{"8000", true, false},
		{"8100", true, false},
		{"8200", true, false},
		{"820100", false, false},
		{"8300", false, false},
		{"3000", false, false},
		{"1f01 00", false, false},
	} {
		b := unhex(t, c.hex)
		for _, v1 := range []bool{false, true} {
			want := c.ok
			if v1 {
				want = c.okInV1
			}
			var scratch mib.OIDList
			if problem := checkValue(&scratch, v1, b[0], b[2:]); (problem == "") != want {
				t.Errorf("%s, SNMPv1 %v: got %q", c.hex, v1, problem)
			}
		}
	}
	var scratch mib.OIDList
	if checkValue(&scratch, false, 4, make([]byte, math.MaxUint16)) != "" || checkValue(&scratch, false, 4, make([]byte, math.MaxUint16+1)) == "" {
		t.Error("an OCTET STRING has at most 65535 octets")
	}
}

func TestDecodeErrorsNameTheField(t *testing.T) {
	good := asked("1.3.6.1")
	for _, c := range []struct {
		want string
		kind byte
		pdu  []byte
	}{
		{"request-id: ends early", 0xa0, nil},
		{"request-id: has the tag 0x04, not 0x02", 0xa0, []byte{4, 0}},
		{"request-id: out of range", 0xa0, []byte{2, 0}},
		{"error-status: ends early", 0xa0, num(1)},
		{"non-repeaters: ends early", 0xa5, num(1)},
		{"error-index: ends early", 0xa0, append(num(1), num(2)...)},
		{"max-repetitions: ends early", 0xa5, append(num(1), num(2)...)},
		{"variable-bindings: ends early", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0)}, nil)},
		{"PDU: more follows than its type has", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0), good, null}, nil)},
		{"variable-bindings[1].VarBind: has the tag 0x05, not 0x30", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0), tlv(0x30, null)}, nil)},
		{"variable-bindings[1].name: has the tag 0x05, not 0x06", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0), tlv(0x30, varBind(null, null))}, nil)},
		{"variable-bindings[2].value: ends early", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0),
			tlv(0x30, varBind(oid("1.3.6"), null), tlv(0x30, oid("1.3.6")))}, nil)},
		{"variable-bindings[1].value: is of an unknown type 0x45", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0),
			tlv(0x30, varBind(oid("1.3.6"), []byte{0x45, 0}))}, nil)},
		{"variable-bindings[1].VarBind: more follows than its type has", 0xa0, bytes.Join([][]byte{num(1), num(0), num(0),
			tlv(0x30, varBind(oid("1.3.6"), append(null[:2:2], null...)))}, nil)},
	} {
		var d pduDecoder
		if _, err := d.decode(c.kind, c.pdu, false, anyNumber); err == nil || err.Error() != c.want {
			t.Errorf("%x: got %v, want %s", c.pdu, err, c.want)
		}
	}
}

func FuzzParseOID(f *testing.F) {
	for _, s := range []string{"2b06010201010300", "883703", "908080804f", "2b8fffffff7f", "2b8001", "00"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var list mib.OIDList
		if parseOID(&list, content) != "" {
			return
		}
		o := list.AppendOIDs(nil)[0]
		if o.Len() < 2 || o.Len() > mib.MaxOIDLength {
			t.Fatalf("%x: %v has %d sub-identifiers", content, o, o.Len())
		}
		if got := oidText(content); got != o.String() {
			t.Fatalf("%x: got %v, want %v", content, o, got)
		}
		back, _ := splitTLV(appendName(nil, o, mib.OID{}))
		if !bytes.Equal(back, content) {
			t.Fatalf("%x came back as %x", content, back)
		}
	})
}

// FuzzPDU holds that a PDU which is decoded consists of what was decoded.
func FuzzPDU(f *testing.F) {
	for _, m := range validMessages() {
		_, pdu := partsOf(m.message)
		content, _ := splitTLV(pdu)
		f.Add(pdu[0], content, true)
		f.Add(pdu[0], content, false)
	}
	f.Fuzz(func(t *testing.T, kind byte, content []byte, v1 bool) {
		var d pduDecoder
		p, err := d.decode(kind, content, v1, anyNumber)
		if err != nil {
			return
		}
		var bindings [][]byte
		list := p.bindings
		for _, n := range p.names {
			header, size, _ := elementLength(list)
			binding := list[header : header+size]
			list = list[header+size:]
			if !bytes.HasPrefix(binding, n.encoded) {
				t.Fatalf("%x does not start with its name %x", binding, n.encoded)
			}
			bindings = append(bindings, varBind(appendName(nil, n.oid, mib.OID{}), binding[len(n.encoded):]))
		}
		if len(list) > 0 {
			t.Fatalf("%x was not decoded", list)
		}
		// Encoded again, with the shortest lengths, it is decoded to the same.
		again, _ := splitTLV(pduOf(kind, p.requestID, p.status, p.index, tlv(0x30, bindings...)))
		var other pduDecoder
		q, err := other.decode(kind, again, v1, anyNumber)
		if err != nil {
			t.Fatalf("%x, encoded again as %x: %v", content, again, err)
		}
		if p.requestID != q.requestID || p.status != q.status || p.index != q.index || len(p.names) != len(q.names) {
			t.Fatalf("%x, encoded again as %x, differs", content, again)
		}
		for i := range p.names {
			if p.names[i].oid != q.names[i].oid {
				t.Fatalf("name %d: %v and %v", i, p.names[i].oid, q.names[i].oid)
			}
		}
	})
}
