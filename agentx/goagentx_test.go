package agentx

import (
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/posteo/go-agentx/pdu"
	"github.com/posteo/go-agentx/value"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// What another implementation encodes is understood. It never shortens the prefix of an OID.
func TestDecodeGoAgentX(t *testing.T) {
	name := func(oid string) (o pdu.ObjectIdentifier) {
		o.SetIdentifier(value.MustParseOID(oid))
		return o
	}
	response := &pdu.Response{Error: pdu.ErrorNone, Index: 3}
	var bindings []mib.Binding
	for i, c := range []struct {
		of    pdu.VariableType
		value any
		want  mib.Value
	}{
		{pdu.VariableTypeInteger, int32(-7), mib.Int(-7)},
		{pdu.VariableTypeOctetString, "eth0", mib.Octets("eth0")},
		{pdu.VariableTypeOctetString, "", mib.Octets("")},
		{pdu.VariableTypeNull, nil, mib.Exception(mib.Null)},
		{pdu.VariableTypeObjectIdentifier, "1.3.6.1.2.1.1", mib.OIDValue(mib.MustParseOID("1.3.6.1.2.1.1"))},
		{pdu.VariableTypeObjectIdentifier, "0.0", mib.OIDValue(mib.MustParseOID("0.0"))},
		{pdu.VariableTypeIPAddress, net.IP{192, 0, 2, 1}, mib.IPv4Value(192<<24 | 2<<8 | 1)},
		{pdu.VariableTypeCounter32, uint32(1<<32 - 1), mib.Count32(1<<32 - 1)},
		{pdu.VariableTypeGauge32, uint32(1), mib.Gauge(1)},
		{pdu.VariableTypeTimeTicks, time.Minute, mib.Ticks(6000)},
		{pdu.VariableTypeCounter64, uint64(1<<64 - 1), mib.Count64(1<<64 - 1)},
		{pdu.VariableTypeNoSuchObject, nil, mib.Exception(mib.NoSuchObject)},
		{pdu.VariableTypeNoSuchInstance, nil, mib.Exception(mib.NoSuchInstance)},
		{pdu.VariableTypeEndOfMIBView, nil, mib.Exception(mib.EndOfMibView)},
	} {
		oid := []string{"1.3.6.1.2.1.2.2.1.10.2", "1.0.8802.1", "1.3.6.1.4.1.8072.3"}[i%3]
		response.Variables.Add(value.MustParseOID(oid), c.of, c.value)
		bindings = append(bindings, mib.Binding{Object: mib.MustParseOID(oid), Value: c.want})
	}
	for _, c := range []struct {
		packet pdu.Packet
		want   Payload
	}{
		{response, &Response{Index: 3, Bindings: bindings}},
		{&pdu.Open{Timeout: pdu.Timeout{Duration: 9 * time.Second}, ID: name("1.3.6.1.4.1.8072.3.2.10"), Description: pdu.OctetString{Text: "netsnmp"}},
			&Open{Timeout: 9, ID: mib.MustParseOID("1.3.6.1.4.1.8072.3.2.10"), Description: "netsnmp"}},
		{&pdu.Register{Timeout: pdu.Timeout{Duration: time.Second, Priority: 127}, Subtree: name("1.3.6.1.2.1.4.24")},
			&Register{Timeout: 1, Priority: 127, Subtree: mib.MustParseOID("1.3.6.1.2.1.4.24")}},
	} {
		theirs, err := (&pdu.HeaderPacket{Header: &pdu.Header{SessionID: 4, TransactionID: 5, PacketID: 6}, Packet: c.packet}).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		const header = 20 // octets
		h, err := DecodeHeader(theirs[:header])
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(h, theirs[header:])
		if err != nil {
			t.Errorf("%v: %v", c.packet, err)
			continue
		}
		if difference := cmp.Diff(c.want, got, cmp.Comparer(func(a, b mib.OID) bool { return a == b }), cmp.Comparer(func(a, b mib.Value) bool { return a == b })); difference != "" {
			t.Errorf("%v: %s", c.packet, difference)
		}
	}
}
