package remote

import (
	"errors"
	"fmt"
	"math"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// request is a question: what one PDU asks.
type request struct {
	pdu          byte
	nonRepeaters int
	repetitions  int
	names        []mib.OID
}

// variable is one variable binding of an answer.
type variable struct {
	name  mib.OID
	value mib.Value
	fault error // what is wrong with the value, which is Null then
}

// answer is what came back.
type answer struct {
	status    mib.Status // error-status
	index     int        // error-index
	variables []variable
	octets    int // of the whole message; 0 where nobody knows
	// attempt says which of the requests that asked the same it answers.
	attempt int
}

// appendMessage appends the message of a request in SNMPv1 (version 0) or
// SNMPv2c (version 1).
func appendMessage(dst []byte, version int, community Secret, id uint32, r *request) []byte {
	dst, message := ber.Open(dst, ber.Sequence)
	dst = ber.AppendInteger(dst, ber.Integer, int64(version))
	dst, name := ber.Open(dst, ber.OctetString)
	dst = ber.Close(append(dst, community...), name)
	dst, body := ber.Open(dst, r.pdu)
	dst = ber.AppendInteger(dst, ber.Integer, int64(int32(id)))
	dst = ber.AppendInteger(dst, ber.Integer, int64(r.nonRepeaters))
	dst = ber.AppendInteger(dst, ber.Integer, int64(r.repetitions))
	dst, list := ber.Open(dst, ber.Sequence)
	for _, name := range r.names {
		dst = ber.AppendBinding(dst, name, mib.OID{}, mib.Exception(mib.Null))
	}
	dst = ber.Close(dst, list)
	dst = ber.Close(dst, body)
	return ber.Close(dst, message)
}

var errForeign = errors.New("is no answer to what was asked")

// maxVariables is the most variables that an answer is believed to have: more
// than a datagram holds.
const maxVariables = 1 << 16

// decoder takes answers apart. It is reusable; what it returns is not its own.
type decoder struct {
	names mib.OIDList
	oids  []mib.OID
}

// message decodes an SNMPv1 or SNMPv2c response and its request-id. A message
// that is none, or of another version or community, is errForeign.
func (d *decoder) message(b []byte, version int, community Secret, a *answer) (id uint32, err error) {
	*a = answer{variables: a.variables[:0], octets: len(b)}
	// Octets that follow are passed over: agents exist that send some.
	outer := ber.Decoder{Rest: b}
	message := outer.Enter("message", ber.Sequence)
	v := message.Integer64("version")
	name := message.Content("community", ber.OctetString)
	tag, content := message.Element("PDU")
	if message.Err != nil {
		return 0, message.Err
	}
	if tag != ber.Response || v != int64(version) || string(name) != string(community) {
		return 0, errForeign
	}
	body := ber.Decoder{Rest: content}
	requestID := body.Integer64("request-id")
	status := body.Integer64("error-status")
	index := body.Integer64("error-index")
	if body.Err != nil {
		return 0, body.Err
	}
	if requestID < math.MinInt32 || requestID > math.MaxInt32 {
		return 0, errForeign
	}
	id = uint32(int32(requestID))
	a.status, a.index = mib.Status(min(max(status, 0), math.MaxInt32)), int(min(max(index, 0), math.MaxInt32))
	list := body.Enter("variable-bindings", ber.Sequence)
	return id, d.variables(&list, a)
}

// variables decodes a list of variable bindings.
func (d *decoder) variables(list *ber.Decoder, a *answer) error {
	d.names.Reset()
	for len(list.Rest) > 0 {
		if len(a.variables) == maxVariables {
			return fmt.Errorf("more than %d variables", maxVariables)
		}
		binding := list.Enter("VarBind", ber.Sequence)
		name := binding.Content("name", ber.ObjectIdentifier)
		if binding.Err == nil {
			if problem := ber.ParsePaddedOID(&d.names, name); problem != "" {
				binding.Fail("name", problem)
			}
		}
		tag, content := binding.Element("value")
		if binding.Err != nil {
			return fmt.Errorf("variable %d: %w", len(a.variables)+1, binding.Err)
		}
		value, err := decodeValue(mib.Type(tag), content)
		if err != nil {
			value = mib.Exception(mib.Null)
		}
		a.variables = append(a.variables, variable{value: value, fault: err})
	}
	if list.Err != nil {
		return list.Err
	}
	// All names together are one piece of memory, which lives as long as a
	// variable of the answer does.
	d.oids = d.names.AppendOIDs(d.oids[:0])
	for i, o := range d.oids {
		a.variables[i].name = o
	}
	return nil
}

// decodeValue decodes the content of a value. A number beyond its type that a wider one
// holds is one of that type.
func decodeValue(typ mib.Type, content []byte) (mib.Value, error) {
	switch typ {
	case mib.Integer32:
		v, ok := ber.ParseInteger64(content)
		switch {
		case ok && v > math.MaxInt32:
			return mib.Count64(uint64(v)), nil
		case !ok || v < math.MinInt32:
			return mib.Value{}, notAValue(typ, ber.OutOfRange)
		}
		return mib.Int(int32(v)), nil
	case mib.Counter32, mib.Gauge32, mib.TimeTicks, mib.Counter64:
		v, ok := unsigned(content)
		if !ok {
			return mib.Value{}, notAValue(typ, ber.OutOfRange)
		}
		if v > math.MaxUint32 {
			typ = mib.Counter64
		}
		return number(typ, v), nil
	case mib.OctetString:
		return mib.Octets(string(content)), nil
	case mib.Opaque:
		return mib.OpaqueValue(string(content)), nil
	case mib.IPAddress:
		if len(content) != 4 {
			return mib.Value{}, notAValue(typ, fmt.Sprintf("has %d octets", len(content)))
		}
		return mib.IPv4Value(uint32(content[0])<<24 | uint32(content[1])<<16 | uint32(content[2])<<8 | uint32(content[3])), nil
	case mib.ObjectIdentifier:
		if len(content) == 0 {
			return mib.OIDValue(mib.MakeOID(0, 0)), nil // as RFC 2578 has none, and agents that write it as nothing
		}
		var one mib.OIDList
		if problem := ber.ParsePaddedOID(&one, content); problem != "" {
			return mib.Value{}, notAValue(typ, problem)
		}
		return mib.OIDValue(one.AppendOIDs(nil)[0]), nil
	case mib.Null, mib.NoSuchObject, mib.NoSuchInstance, mib.EndOfMibView:
		return mib.Exception(typ), nil
	}
	return mib.Value{}, fmt.Errorf("type 0x%02x is not one of SMIv2's", uint8(typ))
}

func notAValue(typ mib.Type, problem string) error {
	return &ber.Error{Field: typ.String(), Problem: problem}
}

// number returns a value of one of the types that count.
func number(typ mib.Type, v uint64) mib.Value {
	switch typ {
	case mib.Counter32:
		return mib.Count32(v)
	case mib.Gauge32:
		return mib.Gauge(v)
	case mib.TimeTicks:
		return mib.Ticks(v)
	}
	return mib.Count64(v)
}

// unsigned takes what is written without the zero that keeps it positive for
// what it means: agents exist that leave it out.
func unsigned(content []byte) (v uint64, ok bool) {
	if len(content) == 9 && content[0] == 0 {
		content = content[1:]
	}
	if len(content) == 0 || len(content) > 8 {
		return 0, false
	}
	for _, o := range content {
		v = v<<8 | uint64(o)
	}
	return v, true
}
