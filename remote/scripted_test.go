package remote_test

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// device is an agent of the tests' own, with gosnmp's codec and not this
// project's. It answers from a list of variables as RFC 3416 has it, unless
// change says otherwise.
type device struct {
	variables []mib.Binding // in order
	names     []mib.OID
	// change returns the answer that is sent instead; nil for none.
	change func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket
	// send returns the octets that are sent instead of a message; nil stands for the message.
	send func(message []byte) []byte
	// elsewhere, unless nil, is where answers are sent from.
	elsewhere net.PacketConn
	// most is the most variables in an answer; 0 is no limit.
	most int
}

// variablesOf are the variables of rows in a table.
func variablesOf[R any](t *mib.Table[R], rows []R) []mib.Binding {
	return slices.Collect(t.View(rows).All())
}

// start answers on a port of its own until the test ends, each request in its
// turn.
func (d *device) start(t testing.TB) (address string) {
	t.Helper()
	slices.SortFunc(d.variables, func(a, b mib.Binding) int { return a.Name().Compare(b.Name()) })
	for _, b := range d.variables {
		d.names = append(d.names, b.Name())
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		codec := &gosnmp.GoSNMP{}
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			asked, err := codec.SnmpDecodePacket(buffer[:n])
			if err != nil {
				t.Errorf("a request that does not decode: %v", err)
				continue
			}
			answer := d.answer(asked)
			if d.change != nil {
				answer = d.change(asked, answer)
			}
			if answer == nil {
				continue
			}
			message, err := answer.MarshalMsg()
			if err != nil {
				t.Errorf("answer: %v", err)
				continue
			}
			if d.send != nil {
				message = d.send(message)
			}
			out := c
			if d.elsewhere != nil {
				out = d.elsewhere
			}
			_, _ = out.WriteTo(message, from)
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return c.LocalAddr().String()
}

func (d *device) answer(asked *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
	a := &gosnmp.SnmpPacket{Version: asked.Version, Community: asked.Community, PDUType: gosnmp.GetResponse, RequestID: asked.RequestID}
	next := func(name string) (gosnmp.SnmpPDU, bool) {
		i, exact := slices.BinarySearchFunc(d.names, mib.MustParseOID(name), mib.OID.Compare)
		if exact {
			i++
		}
		if i == len(d.names) {
			return gosnmp.SnmpPDU{Name: name, Type: gosnmp.EndOfMibView}, false
		}
		return pduOf(d.names[i], d.variables[i].Value), true
	}
	repeaters := asked.Variables
	repetitions := 1
	if asked.PDUType == gosnmp.GetBulkRequest {
		repetitions = int(asked.MaxRepetitions)
		for _, v := range repeaters[:asked.NonRepeaters] {
			one, _ := next(v.Name)
			a.Variables = append(a.Variables, one)
		}
		repeaters = repeaters[asked.NonRepeaters:]
	}
	at := make([]string, len(repeaters))
	for i, v := range repeaters {
		at[i] = v.Name
	}
	for range repetitions {
		for i := range at {
			v, ok := next(at[i])
			if !ok && asked.Version == gosnmp.Version1 {
				a.Error, a.ErrorIndex, a.Variables = gosnmp.NoSuchName, uint8(i+1), asked.Variables
				return a
			}
			if d.most > 0 && len(a.Variables) == d.most {
				if asked.PDUType != gosnmp.GetBulkRequest {
					a.Error, a.Variables = gosnmp.TooBig, nil
				}
				return a
			}
			at[i] = v.Name
			a.Variables = append(a.Variables, v)
		}
		// As an agent with 65,507 octets for an answer does.
		if len(a.Variables) > 900 {
			break
		}
	}
	return a
}

func pduOf(name mib.OID, v mib.Value) gosnmp.SnmpPDU {
	p := gosnmp.SnmpPDU{Name: "." + name.String(), Type: gosnmp.Asn1BER(v.Type())}
	switch v.Type() {
	case mib.Integer32:
		p.Value = int(v.Int())
	case mib.OctetString:
		p.Value = v.Octets()
	case mib.ObjectIdentifier:
		p.Value = "." + v.OID().String()
	case mib.IPAddress:
		p.Value = v.Addr().String()
	case mib.Counter64:
		p.Value = v.Uint()
	case mib.Counter32, mib.Gauge32, mib.TimeTicks:
		p.Value = uint32(v.Uint())
	default: // a TimeStamp that no tree has turned into TimeTicks
		p.Type, p.Value = gosnmp.TimeTicks, uint32(0)
	}
	return p
}

func isBelow(name string, subtree mib.OID) bool {
	return strings.HasPrefix(name, "."+subtree.String()+".")
}
