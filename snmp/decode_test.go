package snmp

import (
	"bytes"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

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
			header, size, _ := ber.Header(list)
			binding := list[header : header+size]
			list = list[header+size:]
			if !bytes.HasPrefix(binding, n.encoded) {
				t.Fatalf("%x does not start with its name %x", binding, n.encoded)
			}
			bindings = append(bindings, varBind(ber.AppendOID(nil, n.oid, mib.OID{}), binding[len(n.encoded):]))
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
