package snmp

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber/bertest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// The tests' own encoder and decoder share nothing with the package's: elements
// are built from the inside out, and read by recursive descent.
var (
	tlv      = bertest.TLV
	splitTLV = bertest.Split
	num      = bertest.Integer
	oid      = bertest.OID
	oidText  = bertest.OIDText
	varBind  = bertest.VarBind
	unhex    = bertest.Unhex

	null = []byte{0x05, 0x00}
)

// asked is a list of variable bindings as requests have it.
func asked(names ...string) []byte {
	var bindings [][]byte
	for _, n := range names {
		bindings = append(bindings, varBind(oid(n), null))
	}
	return tlv(0x30, bindings...)
}

func pduOf(kind byte, id, status, index int32, bindings []byte) []byte {
	return tlv(kind, num(id), num(status), num(index), bindings)
}

func messageOf(version int32, community string, pdu []byte) []byte {
	return tlv(0x30, num(version), tlv(0x04, []byte(community)), pdu)
}

// answered is a message as the tests' decoder reads it.
type answered struct {
	version       int32
	community     string
	kind          byte
	id            int32
	status, index int32
	bindings      []answeredBinding
}

type answeredBinding struct {
	name string
	tag  byte
	hex  string // content
}

func (b answeredBinding) String() string { return fmt.Sprintf("%s=%02x:%s", b.name, b.tag, b.hex) }

// cut reads one element and insists on the shortest form of its length.
func cut(t testing.TB, b []byte, want byte) (content, rest []byte) {
	t.Helper()
	if len(b) < 2 || want != 0 && b[0] != want {
		t.Fatalf("%x does not start with an element of tag %02x", b, want)
	}
	n, header := int(b[1]), 2
	if n >= 0x80 {
		octets := n & 0x7f
		n = 0
		for _, o := range b[2 : 2+octets] {
			n = n<<8 | int(o)
		}
		header += octets
		if n < 0x80 || octets > 1 && n>>(8*(octets-1)) == 0 {
			t.Fatalf("length %x is not the shortest form", b[1:header])
		}
	}
	if header+n > len(b) {
		t.Fatalf("%x: length %d is more than there is", b[:header], n)
	}
	return b[header : header+n], b[header+n:]
}

func cutNum(t testing.TB, b []byte) (int32, []byte) {
	t.Helper()
	content, rest := cut(t, b, 0x02)
	v := int64(int8(content[0]))
	for _, o := range content[1:] {
		v = v<<8 | int64(o)
	}
	if v != int64(int32(v)) || string(num(int32(v))) != string(tlv(0x02, content)) {
		t.Fatalf("INTEGER %x is not the shortest form of 32 bits", content)
	}
	return int32(v), rest
}

func readAnswer(t testing.TB, message []byte) answered {
	t.Helper()
	var a answered
	content, rest := cut(t, message, 0x30)
	if len(rest) > 0 {
		t.Fatalf("%x follows the message", rest)
	}
	a.version, content = cutNum(t, content)
	community, content := cut(t, content, 0x04)
	a.community, a.kind = string(community), content[0]
	content, rest = cut(t, content, 0)
	if len(rest) > 0 {
		t.Fatalf("%x follows the PDU", rest)
	}
	a.id, content = cutNum(t, content)
	a.status, content = cutNum(t, content)
	a.index, content = cutNum(t, content)
	list, rest := cut(t, content, 0x30)
	if len(rest) > 0 {
		t.Fatalf("%x follows the variable bindings", rest)
	}
	for len(list) > 0 {
		var binding []byte
		binding, list = cut(t, list, 0x30)
		name, value := cut(t, binding, 0x06)
		v, rest := cut(t, value, 0)
		if len(rest) > 0 {
			t.Fatalf("%x follows a value", rest)
		}
		a.bindings = append(a.bindings, answeredBinding{oidText(name), value[0], fmt.Sprintf("%x", v)})
	}
	return a
}

// expect is how a binding of the tree should look.
func expect(name mib.OID, v mib.Value) answeredBinding {
	return answeredBinding{name.String(), byte(v.Type()), fmt.Sprintf("%x", bertest.Content(v))}
}

// testEngine returns a dispatcher that lets anybody in.
func testEngine(t testing.TB, handler mib.Handler, communities []Community) *dispatcher {
	t.Helper()
	if communities == nil {
		communities = anywhere
	}
	s, err := NewServer(Options{Handler: handler, Communities: communities, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return newDispatcher(&s.engine)
}

var (
	loopback     = netip.MustParseAddr("127.0.0.1")
	fromLoopback = origin{netip.AddrPortFrom(loopback, 0), true}
)

// ask processes a message as one that may wait; it returns nil where there is no
// answer.
func ask(t testing.TB, d *dispatcher, message []byte, limit int) *answered {
	t.Helper()
	answer, err := d.process(t.Context(), message, fromLoopback, within(limit))
	if err != nil {
		t.Fatal(err)
	}
	if answer == nil {
		return nil
	}
	if len(answer) > limit {
		t.Fatalf("the answer has %d octets, the limit is %d", len(answer), limit)
	}
	a := readAnswer(t, answer)
	return &a
}

const noLimit = math.MaxUint16 - 28

// within are limits that treat all requests alike.
func within(limit int) limits { return limits{message: limit, bulk: limit} }
