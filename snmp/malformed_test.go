package snmp

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

const descrName = "1.3.6.1.4.1.32473.1.1.1.0"

type validMessage struct {
	name    string
	message []byte
}

func validMessages() []validMessage {
	const table = "1.3.6.1.4.1.32473.1.2.1"
	set := tlv(0x30, varBind(oid(descrName), tlv(4, []byte("new"))), varBind(oid("1.3.6.1.4.1.32473.1.1.3.0"), num(70000)),
		varBind(oid(table+".4.0.1.97"), tlv(0x42, []byte{0, 0xff, 0xff, 0xff, 0xff})), varBind(oid(table+".6.0.1.97"), tlv(0x40, []byte{10, 0, 0, 1})))
	return []validMessage{
		{"get", messageOf(1, "public", pduOf(0xa0, 0x01020304, 0, 0, asked(descrName, upTimeName.String())))},
		{"get v1", messageOf(0, "public", pduOf(0xa0, 5, 0, 0, asked(descrName)))},
		{"getnext", messageOf(1, "public", pduOf(0xa1, -5, 0, 0, asked(table+".300", "2.999.4294967295")))},
		{"getbulk", messageOf(1, "public", pduOf(0xa5, 7, 1, 10, asked(descrName, table+".3.77.1.255", table+".300")))},
		{"set", messageOf(1, "private", pduOf(0xa3, 9, 0, 0, set))},
		{"set v1", messageOf(0, "private", pduOf(0xa3, 9, 0, 0, set))},
		{"response", messageOf(1, "public", pduOf(0xa2, 9, 2, 1, set))},
		{"no variables", messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked()))},
	}
}

// partsOf returns the community and the PDU of a message.
func partsOf(message []byte) (community, pdu []byte) {
	content, _ := splitTLV(message)
	content = content[3:]
	n := 2 + int(content[1])
	return content[2:n], content[n:]
}

// outcomes is the number of messages that the counters say were received, and
// the sum of all that can become of one.
func outcomes(s enginemib.Statistics) (in, out uint64) {
	return s[enginemib.InPkts], s[enginemib.OutGetResponses] + s[enginemib.InBadVersions] + s[enginemib.InBadCommunityNames] + s[enginemib.InASNParseErrs] +
		s[enginemib.SilentDrops] + s[enginemib.UnknownPDUHandlers] + s[enginemib.UnknownContexts] + s[enginemib.Busy] +
		s[enginemib.UnknownSecurityModels] + s[enginemib.InvalidMsgs] + s[enginemib.UnsupportedSecLevels] + s[enginemib.NotInTimeWindows] +
		s[enginemib.UnknownUserNames] + s[enginemib.UnknownEngineIDs] + s[enginemib.WrongDigests] + s[enginemib.DecryptionErrors]
}

// hostile processes a message that may be anything, and checks that exactly one
// counter says what became of it.
func hostile(t testing.TB, d *dispatcher, message []byte) *answered {
	t.Helper()
	_, before := outcomes(d.engine.counters.statistics())
	a := ask(t, d, message, noLimit)
	if _, after := outcomes(d.engine.counters.statistics()); after != before+1 {
		t.Fatalf("%x: %d outcomes were counted", message, after-before)
	}
	return a
}

func checkAlive(t testing.TB, d *dispatcher) {
	t.Helper()
	a := ask(t, d, messageOf(1, "public", pduOf(0xa0, 4711, 0, 0, asked(descrName))), noLimit)
	if a == nil || a.id != 4711 || a.status != 0 || len(a.bindings) != 1 || a.bindings[0].hex != "612074657374" {
		t.Fatalf("the next good request is answered with %v", a)
	}
}

func TestTruncated(t *testing.T) {
	d := testEngine(t, newTestTree(t, 20), nil)
	for _, m := range validMessages() {
		t.Run(m.name, func(t *testing.T) {
			for n := range len(m.message) {
				before := d.engine.counters[enginemib.InASNParseErrs].Load()
				if a := hostile(t, d, m.message[:n]); a != nil {
					t.Errorf("%d octets of %d are answered with %v", n, len(m.message), a)
				}
				if got := d.engine.counters[enginemib.InASNParseErrs].Load() - before; got != 1 {
					t.Errorf("%d octets of %d count as %d errors", n, len(m.message), got)
				}
			}
			checkAlive(t, d)
		})
	}
}

func TestSplicedGarbage(t *testing.T) {
	d := testEngine(t, newTestTree(t, 20), nil)
	for _, m := range validMessages() {
		for i := range len(m.message) + 1 {
			for _, garbage := range []string{"00", "ff", "3080", "0000", "3084ffffffff", "0688ffffffffffffffff", "1f8fffff7f"} {
				hostile(t, d, append(append(bytes.Clone(m.message[:i]), unhex(t, garbage)...), m.message[i:]...))
			}
			if i < len(m.message) {
				hostile(t, d, append(bytes.Clone(m.message[:i]), m.message[i+1:]...))
			}
		}
	}
	checkAlive(t, d)
}

func TestMalformedMessages(t *testing.T) {
	good := asked(descrName)
	deep := null
	for range 5000 {
		deep = tlv(0x30, deep)
	}
	overlong := func(lengthOctets string) []byte {
		return unhex(t, "30"+lengthOctets)
	}
	pdu := func(parts ...[]byte) []byte {
		return messageOf(1, "public", tlv(0xa0, bytes.Join(parts, nil)))
	}
	for _, c := range []struct {
		name    string
		message []byte
	}{
		{"empty", nil},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"giant length", overlong("84ffffffff")},
		{"length of 2^31-1", overlong("847fffffff")},
		{"length of 2^63-1", overlong("887fffffffffffffff")},
		{"126 octets of length", overlong("fe" + strings.Repeat("ff", 126))},
		{"indefinite length", append(overlong("80"), messageOf(1, "public", nil)[2:]...)},
		{"deep nesting", deep},
		{"deep nesting for a value", pdu(num(1), num(0), num(0), tlv(0x30, varBind(oid(descrName), deep)))},
		{"deep nesting for the list", pdu(num(1), num(0), num(0), deep)},
		{"no version", tlv(0x30, tlv(4, []byte("public")), pduOf(0xa0, 1, 0, 0, good))},
		{"version of five octets", tlv(0x30, unhex(t, "02050000000001"), tlv(4, []byte("public")), pduOf(0xa0, 1, 0, 0, good))},
		{"version without octets", tlv(0x30, unhex(t, "0200"), tlv(4, []byte("public")), pduOf(0xa0, 1, 0, 0, good))},
		{"community of another type", tlv(0x30, num(1), tlv(5, []byte("public")), pduOf(0xa0, 1, 0, 0, good))},
		{"constructed community", tlv(0x30, num(1), tlv(0x24, tlv(4, []byte("public"))), pduOf(0xa0, 1, 0, 0, good))},
		{"no PDU", tlv(0x30, num(1), tlv(4, []byte("public")))},
		{"two PDUs", messageOf(1, "public", append(pduOf(0xa0, 1, 0, 0, good), pduOf(0xa0, 1, 0, 0, good)...))},
		{"request-id of five octets", pdu(unhex(t, "02050000000001"), num(0), num(0), good)},
		{"sub-identifier of 2^32", pdu(num(1), num(0), num(0), tlv(0x30, varBind(unhex(t, "06062b9080808000"), null)))},
		{"129 sub-identifiers", pdu(num(1), num(0), num(0), tlv(0x30, varBind(tlv(6, bytes.Repeat([]byte{0x2b}, 128)), null)))},
		{"GetBulk in SNMPv1", messageOf(0, "public", pduOf(0xa5, 1, 0, 5, good))},
		{"Inform in SNMPv1", messageOf(0, "public", pduOf(0xa6, 1, 0, 0, good))},
		{"SNMPv1's trap in SNMPv2c", messageOf(1, "public", pduOf(0xa4, 1, 0, 0, good))},
		{"PDU type 9", messageOf(1, "public", pduOf(0xa9, 1, 0, 0, good))},
		{"PDU of universal type", messageOf(1, "public", pduOf(0x30, 1, 0, 0, good))},
		{"Counter64 in SNMPv1", messageOf(0, "public", pduOf(0xa0, 1, 0, 0, tlv(0x30, varBind(oid(descrName), unhex(t, "460100")))))},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := testEngine(t, newTestTree(t, 3), nil)
			if a := ask(t, d, c.message, noLimit); a != nil {
				t.Errorf("is answered with %v", a)
			}
			if got, want := d.engine.counters.statistics(), (enginemib.Statistics{enginemib.InASNParseErrs: 1}); got != want {
				t.Errorf("counted %+v", got)
			}
			checkAlive(t, d)
		})
	}
}

// TestLenience holds what is taken though it is not what this package sends.
func TestLenience(t *testing.T) {
	d := testEngine(t, newTestTree(t, 3), nil)
	good := asked(descrName)
	message := messageOf(1, "public", pduOf(0xa0, 1, 0, 0, good))
	for _, c := range []struct {
		name    string
		message []byte
	}{
		{"octets after the message", append(bytes.Clone(message), 0, 1, 2)},
		{"length of more octets than necessary", append([]byte{0x30, 0x84, 0, 0, 0, byte(len(message) - 2)}, message[2:]...)},
		{"integers of four octets", tlv(0x30, unhex(t, "020400000001"), tlv(4, []byte("public")),
			tlv(0xa0, unhex(t, "020400000001"), unhex(t, "020400000000"), unhex(t, "020400000000"), good))},
		{"error-status in a request", messageOf(1, "public", pduOf(0xa0, 1, 5, 9, good))},
		{"a value in a request", messageOf(1, "public", pduOf(0xa0, 1, 0, 0, tlv(0x30, varBind(oid(descrName), num(5)))))},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ask(t, d, c.message, noLimit)
			if a == nil || a.id != 1 || a.status != 0 || len(a.bindings) != 1 || a.bindings[0].hex != "612074657374" {
				t.Errorf("is answered with %v", a)
			}
		})
	}
}

func TestManyVariables(t *testing.T) {
	d := testEngine(t, newTestTree(t, 3), nil)
	for _, n := range []int{0, 1, 9000, 10000} {
		list := make([]string, n)
		for i := range list {
			list[i] = descrName
		}
		message := messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked(list...)))
		a := ask(t, d, message, 1<<20)
		if a == nil || a.status != 0 || len(a.bindings) != n {
			t.Errorf("%d variables: got %d", n, len(a.bindings))
		}
		if len(d.decoder.oids) > 0 && n == 10000 {
			checkAlive(t, d)
			if got := cap(d.decoder.oids); got > keepNames {
				t.Errorf("memory for %d names is kept", got)
			}
		}
	}
	// The shortest names there are, as many as a datagram holds.
	binding := varBind([]byte{6, 1, 0}, null)
	message := messageOf(1, "public", pduOf(0xa5, 1, 0, 1<<30, tlv(0x30, bytes.Repeat(binding, 9000))))
	if a := ask(t, d, message, noLimit); a == nil || a.status != 0 || len(a.bindings) == 0 {
		t.Errorf("got %v", a)
	}
	checkAlive(t, d)
	if cap(d.responder.repeaters) > keepRepeaters {
		t.Errorf("memory for %d repeaters is kept", cap(d.responder.repeaters))
	}
}

func FuzzProcess(f *testing.F) {
	for _, m := range validMessages() {
		f.Add(m.message)
	}
	d := testEngine(f, newTestTree(f, 20), nil)
	f.Fuzz(func(t *testing.T, message []byte) {
		_, before := outcomes(d.engine.counters.statistics())
		for _, limit := range []int{minDatagram, noLimit} {
			answer, err := d.process(context.Background(), message, fromLoopback, within(limit))
			if err != nil {
				t.Fatal(err)
			}
			if len(answer) > limit {
				t.Fatalf("the answer has %d octets, the limit is %d", len(answer), limit)
			}
			if answer != nil {
				readAnswer(t, answer)
			}
		}
		if _, after := outcomes(d.engine.counters.statistics()); after != before+2 {
			t.Fatalf("%d outcomes were counted of 2", after-before)
		}
	})
}

func FuzzMessageSize(f *testing.F) {
	f.Add([]byte{0x30, 0x82, 1, 0}, 5)
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		size, problem := messageSize(b, 1<<16)
		if problem != "" || size == 0 {
			return
		}
		if size < 2 || size > 1<<16 {
			t.Fatalf("%x: size %d", b, size)
		}
		// More octets do not change what was known.
		if again, _ := messageSize(append(bytes.Clone(b), make([]byte, more&0xff)...), 1<<16); again != size {
			t.Fatalf("%x: size %d, then %d", b, size, again)
		}
	})
}
