package main

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

func TestEncodeOID(t *testing.T) {
	for _, c := range []struct{ oid, want string }{
		{"1.3.6.1", "06032b0601"},
		{".1.3.6.1.2.1.1.3.0", "06082b06010201010300"},
		{"1.3.6.1.4.1.8072.4294967295", "060c2b06010401bf088fffffff7f"},
		{"2.100.3", "0603813403"},
	} {
		got, err := encodeOID(c.oid)
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("encodeOID(%q) = %x, %v; want %s", c.oid, got, err, c.want)
		}
	}
	for _, oid := range []string{"", "1", "1.40", "3.1", "1.3.x", "1.3.4294967296"} {
		if got, err := encodeOID(oid); err == nil {
			t.Errorf("encodeOID(%q) = %x, want an error", oid, got)
		}
	}
}

// TestRequest has what snmpbulkget -v2c -c public -Cr50 sends for 1.3.6.1.2.1.1
// but for the request-id.
func TestRequest(t *testing.T) {
	const want = "3028" + "020101" + "0406" + "7075626c6963" +
		"a51b" + "020401000005" + "020100" + "020132" + "300d" + "300b" + "06072b060102010101" + "0500"
	var r request
	for range 2 { // its memory is used again
		got := r.message("public", ber.GetBulkRequest, firstID+5, 50, mustEncodeOID("1.3.6.1.2.1.1.1"))
		if hex.EncodeToString(got) != want {
			t.Fatalf("message = %x\nwant      %s", got, want)
		}
	}
	long := make([]byte, 200)
	got := r.message("public", ber.GetRequest, firstID, 0, append([]byte{ber.ObjectIdentifier, 0x81, 200}, long...))
	if _, _, end := element(got); end != len(got) {
		t.Errorf("a message of %d octets says it has %d", len(got), end)
	}
}

// response builds an answer of variables given as name, tag and content.
func response(id uint32, status byte, variables ...[]byte) []byte {
	wrap := func(tag byte, content ...[]byte) []byte {
		all := bytes.Join(content, nil)
		switch n := len(all); {
		case n < 0x80:
			return append([]byte{tag, byte(n)}, all...)
		default:
			return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, all...)
		}
	}
	var list [][]byte
	for _, v := range variables {
		list = append(list, wrap(ber.Sequence, v))
	}
	return wrap(ber.Sequence, []byte{2, 1, 1, 4, 2, 'x', 'y'}, wrap(ber.Response,
		[]byte{2, 4, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), 2, 1, status, 2, 1, 0}, wrap(ber.Sequence, list...)))
}

func variable(oid string, value ...byte) []byte { return append(mustEncodeOID(oid), value...) }

func TestParse(t *testing.T) {
	long := append([]byte{ber.OctetString, 0x82, 1, 0}, make([]byte, 256)...)
	message := response(firstID+9, 0,
		variable("1.3.6.1.2.1.2.1.0", ber.Integer, 1, 7),
		variable("1.3.6.1.2.1.2.2.1.1.5", long...),
		variable("1.3.6.1.2.1.3.1", 0x41, 1, 7))
	a, err := parse(message)
	if err != nil {
		t.Fatal(err)
	}
	if a.id != firstID+9 || a.status != 0 || a.count != 3 || a.lastTag != 0x41 ||
		!bytes.Equal(a.first, mustEncodeOID("1.3.6.1.2.1.2.1.0")) || !bytes.Equal(a.last, mustEncodeOID("1.3.6.1.2.1.3.1")) {
		t.Errorf("parse = %+v", a)
	}
	for _, c := range []struct {
		root string
		n    int
		left bool
	}{
		{"1.3.6.1.2.1", 3, false}, {"1.3.6.1.2.1.2", 2, true}, {"1.3.6.1.2.1.2.1", 1, true},
		{"1.3.6.1.2.1.2.1.0", 1, true}, {"1.3.6.1.2.1.2.1.0.0", 0, true}, {"1.3.6.1.3", 0, true},
	} {
		if n, left := a.within(mustEncodeOID(c.root)); n != c.n || left != c.left {
			t.Errorf("within(%s) = %d, %t; want %d, %t", c.root, n, left, c.n, c.left)
		}
	}
	names := [][]byte{nil, []byte("what was there")}
	a.tail(names)
	if !bytes.Equal(names[0], mustEncodeOID("1.3.6.1.2.1.2.2.1.1.5")) || !bytes.Equal(names[1], mustEncodeOID("1.3.6.1.2.1.3.1")) {
		t.Errorf("tail = %x", names)
	}
	// Whatever is cut off, the rest is no answer.
	for i := range message {
		if a, err := parse(message[:i]); err == nil {
			t.Errorf("the first %d octets parse as %+v", i, a)
		}
	}
	// Whatever octet is wrong, parsing ends.
	for i := range message {
		for v := range 256 {
			broken := bytes.Clone(message)
			broken[i] = byte(v)
			if a, err := parse(broken); err == nil {
				a.within(mustEncodeOID("1.3.6.1.2.1.2"))
			}
		}
	}
}

func TestParseEnd(t *testing.T) {
	a, err := parse(response(firstID, 0,
		variable("1.3.6.1.2.1.2.1.0", ber.Integer, 1, 7),
		variable("1.3.6.1.2.1.2.1.0", endOfMIBView, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if n, left := a.within(mustEncodeOID("1.3.6.1")); n != 1 || !left {
		t.Errorf("within = %d, %t; want 1, true", n, left)
	}
	a, err = parse(response(firstID, 5))
	if err != nil || a.status != 5 || a.count != 0 {
		t.Fatalf("parse = %+v, %v", a, err)
	}
	if n, left := a.within(mustEncodeOID("1.3.6.1")); n != 0 || !left {
		t.Errorf("within of nothing = %d, %t; want 0, true", n, left)
	}
}

func BenchmarkParse50(b *testing.B) {
	var variables [][]byte
	for range 50 {
		variables = append(variables, variable("1.3.6.1.2.1.4.24.7.1.7.1.4.10.0.0.4.30.2.0.0.1.4.192.0.2.2", ber.Integer, 1, 2))
	}
	message, root := response(firstID, 0, variables...), mustEncodeOID("1.3.6.1.2.1.4.24.7")
	var r request
	b.ReportAllocs()
	for b.Loop() {
		a, err := parse(message)
		if err != nil {
			b.Fatal(err)
		}
		if n, _ := a.within(root); n != 50 {
			b.Fatal(n)
		}
		r.message("public", ber.GetBulkRequest, firstID, 50, a.last)
	}
}
