// Package bertest is a plain encoder of SNMP's messages for tests. It shares nothing
// with package ber: elements are built from the inside out.
package bertest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// TLV returns an element with the contents one after the other.
func TLV(tag byte, contents ...[]byte) []byte {
	var content []byte
	for _, c := range contents {
		content = append(content, c...)
	}
	n := len(content)
	header := []byte{tag, byte(n)}
	switch {
	case n > 0xffff:
		header = []byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}
	case n > 0xff:
		header = []byte{tag, 0x82, byte(n >> 8), byte(n)}
	case n > 0x7f:
		header = []byte{tag, 0x81, byte(n)}
	}
	return append(header, content...)
}

// Split returns the content of an element and the size of its header.
func Split(b []byte) (content []byte, header int) {
	header = 2
	if b[1] >= 0x80 {
		header += int(b[1] & 0x7f)
	}
	return b[header:], header
}

// Integer returns an INTEGER in its shortest form.
func Integer(v int32) []byte {
	content := binary.BigEndian.AppendUint32(nil, uint32(v))
	for len(content) > 1 && (content[0] == 0 && content[1] < 0x80 || content[0] == 0xff && content[1] >= 0x80) {
		content = content[1:]
	}
	return TLV(0x02, content)
}

// OID encodes dotted decimal, of which the first two sub-identifiers are one.
func OID(s string) []byte {
	subs := mib.MustParseOID(s).Subidentifiers()
	var content []byte
	for i, sub := range append([]uint32{subs[0]*40 + subs[1]}, subs[2:]...) {
		v := uint64(sub)
		if i == 0 {
			v = uint64(subs[0])*40 + uint64(subs[1])
		}
		octets := []byte{byte(v & 0x7f)}
		for v >>= 7; v > 0; v >>= 7 {
			octets = append([]byte{byte(v) | 0x80}, octets...)
		}
		content = append(content, octets...)
	}
	return TLV(0x06, content)
}

// OIDText returns the dotted decimal of an OBJECT IDENTIFIER's content.
func OIDText(content []byte) string {
	var subs []uint64
	var v uint64
	for _, o := range content {
		v = v<<7 | uint64(o&0x7f)
		if o >= 0x80 {
			continue
		}
		if subs == nil {
			first := min(v/40, 2)
			subs, v = append(subs, first), v-first*40
		}
		subs, v = append(subs, v), 0
	}
	text := ""
	for i, s := range subs {
		if i > 0 {
			text += "."
		}
		text += fmt.Sprint(s)
	}
	return text
}

// Content returns the content of a value's element.
func Content(v mib.Value) []byte {
	switch v.Type() {
	case mib.Integer32:
		return Integer(v.Int())[2:]
	case mib.OctetString, mib.Opaque:
		return []byte(v.Octets())
	case mib.ObjectIdentifier:
		content, _ := Split(OID(v.OID().String()))
		return content
	case mib.IPAddress:
		return v.Addr().AsSlice()
	case mib.Counter32, mib.Gauge32, mib.TimeTicks, mib.Counter64:
		content := binary.BigEndian.AppendUint64([]byte{0}, v.Uint())
		for len(content) > 1 && content[0] == 0 && content[1] < 0x80 {
			content = content[1:]
		}
		return content
	}
	return nil
}

// VarBind returns a variable binding of the elements of its name and its value.
func VarBind(name, value []byte) []byte { return TLV(0x30, name, value) }

// Unhex returns the octets of hexadecimal digits, among which may be blanks.
func Unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
