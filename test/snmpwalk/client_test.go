package snmpwalk_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// oid is an object identifier in a form that sorts as walks do, with
// slices.Compare.
type oid []uint32

func parseOID(t testing.TB, s string) oid {
	t.Helper()
	var o oid
	for part := range strings.SplitSeq(strings.TrimPrefix(s, "."), ".") {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			t.Fatalf("OID %q: %v", s, err)
		}
		o = append(o, uint32(n))
	}
	return o
}

func (o oid) String() string {
	var b strings.Builder
	for i, sub := range o {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(sub), 10))
	}
	return b.String()
}

func (o oid) hasPrefix(prefix oid) bool {
	return len(o) >= len(prefix) && slices.Equal(o[:len(prefix)], prefix)
}

// plus returns the OID with more sub-identifiers.
func (o oid) plus(subs ...uint32) oid { return append(slices.Clone(o), subs...) }

// variable is what an agent answers for one name.
type variable struct {
	name oid
	kind gosnmp.Asn1BER
	// value is a number in decimal, an address in its usual form, an OID
	// without a leading dot, or the octets of a string.
	value string
}

func (v variable) String() string { return fmt.Sprintf("%v = %v: %q", v.name, v.kind, v.value) }

// client asks the agent of a scene.
type client struct {
	*gosnmp.GoSNMP
}

// client returns a client of the scene's agent for SNMPv2c over UDP.
func (s *scene) client(t testing.TB) *client {
	t.Helper()
	return s.clientOver(t, "udp", "127.0.0.1", gosnmp.Version2c)
}

func (s *scene) clientOver(t testing.TB, transport, host string, version gosnmp.SnmpVersion) *client {
	t.Helper()
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{&gosnmp.GoSNMP{
		Target: host, Port: uint16(n), Transport: transport,
		Community: "public", Version: version,
		Timeout: patience, Retries: 0, MaxOids: 10000,
	}}
	s.Do(t, c.Connect)
	t.Cleanup(func() { c.Conn.Close() })
	return c
}

// check makes what gosnmp returns variables, or fails the test.
func check(t testing.TB, packet *gosnmp.SnmpPacket, err error) []variable {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if packet.Error != gosnmp.NoError {
		t.Fatalf("error status %v at %d", packet.Error, packet.ErrorIndex)
	}
	return variables(t, packet)
}

func variables(t testing.TB, packet *gosnmp.SnmpPacket) []variable {
	t.Helper()
	all := make([]variable, len(packet.Variables))
	for i, v := range packet.Variables {
		all[i] = variable{parseOID(t, v.Name), v.Type, text(v)}
	}
	return all
}

func text(v gosnmp.SnmpPDU) string {
	switch value := v.Value.(type) {
	case nil:
		return ""
	case []byte:
		return string(value)
	case string:
		return strings.TrimPrefix(value, ".")
	default:
		return fmt.Sprint(value)
	}
}

func (c *client) get(t testing.TB, name oid) variable {
	t.Helper()
	packet, err := c.Get([]string{name.String()})
	return check(t, packet, err)[0]
}

// next returns the variable after name, and whether there is one.
func (c *client) next(t testing.TB, name oid) (variable, bool) {
	t.Helper()
	packet, err := c.GetNext([]string{name.String()})
	if err == nil && c.Version == gosnmp.Version1 && packet.Error == gosnmp.NoSuchName {
		return variable{}, false
	}
	v := check(t, packet, err)[0]
	return v, v.kind != gosnmp.EndOfMibView
}

// number returns the value of a scalar or column that is a number.
func (c *client) number(t testing.TB, name string) uint64 {
	t.Helper()
	v := c.get(t, parseOID(t, name))
	n, err := strconv.ParseUint(v.value, 10, 64)
	if err != nil {
		t.Fatalf("%v is not a number", v)
	}
	return n
}

// longestWalk is more variables than any scene has.
const longestWalk = 20000

// walk returns the variables below root, in the order in which the agent gives
// them, with repetitions in a GETBULK, or by GETNEXT where that is 0. Whatever
// is out of order ends it and fails the test.
func (c *client) walk(t testing.TB, root oid, repetitions uint32) []variable {
	t.Helper()
	var all []variable
	at := root
	for {
		var batch []variable
		if repetitions == 0 {
			v, more := c.next(t, at)
			if !more {
				return all
			}
			batch = []variable{v}
		} else {
			packet, err := c.GetBulk([]string{at.String()}, 0, repetitions)
			if batch = check(t, packet, err); len(batch) == 0 {
				t.Fatalf("an empty answer to a GETBULK after %v", at)
			}
			if len(batch) > int(repetitions) {
				t.Fatalf("%d variables in answer to a GETBULK of %d", len(batch), repetitions)
			}
		}
		for _, v := range batch {
			if v.kind == gosnmp.EndOfMibView || !v.name.hasPrefix(root) {
				return all
			}
			if slices.Compare(v.name, at) <= 0 {
				t.Fatalf("%v comes after %v", v, at)
			}
			at = v.name
			all = append(all, v)
		}
		if len(all) > longestWalk {
			t.Fatalf("the walk of %v does not end: it is at %v", root, at)
		}
	}
}

// rows is a table as it is compared: by "COLUMN.INDEX".
type rows map[string]string

func (r rows) set(column int, index, value string) {
	r[strconv.Itoa(column)+"."+index] = value
}

// table returns the rows of a table, given the OID of its entry.
func (c *client) table(t testing.TB, entry string) rows {
	t.Helper()
	prefix := parseOID(t, entry)
	r := make(rows)
	for _, v := range c.walk(t, prefix, 50) {
		name := v.name[len(prefix):].String()
		if _, twice := r[name]; twice {
			t.Fatalf("%v comes twice", v)
		}
		r[name] = v.value
	}
	return r
}
