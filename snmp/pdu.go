package snmp

import (
	"errors"
	"math"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// pdu is a PDU as it was received: any but RFC 1157's Trap-PDU, since the others
// are alike (RFC 3416, section 3).
type pdu struct {
	kind      byte
	requestID int32
	status    int32 // error-status, or non-repeaters
	index     int32 // error-index, or max-repetitions
	bindings  []byte
	names     []name
}

// name is the name of a variable that was received, and the value that came with it.
type name struct {
	oid     mib.OID
	encoded []byte // within the message
	tag     byte
	value   []byte // content, within the message
}

// pduDecoder decodes PDUs with memory that it uses again.
type pduDecoder struct {
	keepAll bool // memory for however many names is kept
	pdu     pdu
	list    mib.OIDList
	scratch mib.OIDList
	oids    []mib.OID
}

// keepNames is how many names' memory is kept for the next PDU.
const keepNames = 1024

// anyNumber stands for no bound of names.
const anyNumber = math.MaxInt

// decode decodes the content of a PDU. What it returns is valid until the next
// call, and while content is. Where there are more than most names the error is
// mib.ErrWouldWait, whatever follows them.
func (d *pduDecoder) decode(kind byte, content []byte, v1 bool, most int) (*pdu, error) {
	if cap(d.oids) > keepNames && !d.keepAll {
		*d = pduDecoder{}
	}
	p := &d.pdu
	fields := ber.Decoder{Rest: content}
	p.kind = kind
	p.requestID = fields.Integer("request-id")
	statusField, indexField := "error-status", "error-index"
	if kind == ber.GetBulkRequest {
		statusField, indexField = "non-repeaters", "max-repetitions"
	}
	p.status = fields.Integer(statusField)
	p.index = fields.Integer(indexField)
	p.bindings = fields.Content("variable-bindings", ber.Sequence)
	fields.End("PDU")
	if fields.Err != nil {
		return nil, fields.Err
	}

	d.list.Reset()
	p.names = p.names[:0]
	list := ber.Decoder{Rest: p.bindings}
	for len(list.Rest) > 0 {
		if len(p.names) == most {
			return nil, mib.ErrWouldWait
		}
		binding := list.Enter("VarBind", ber.Sequence)
		all := binding.Rest
		oid := binding.Content("name", ber.ObjectIdentifier)
		encoded := all[:len(all)-len(binding.Rest)]
		if binding.Err == nil {
			if problem := ber.ParseOID(&d.list, oid); problem != "" {
				binding.Fail("name", problem)
			}
		}
		tag, value := binding.Element("value")
		if binding.Err == nil {
			if problem := ber.CheckValue(&d.scratch, v1, tag, value); problem != "" {
				binding.Fail("value", problem)
			}
		}
		binding.End("VarBind")
		if err := binding.Err; err != nil {
			var e *ber.Error
			if errors.As(err, &e) {
				err = &ber.Error{Field: "variable-bindings[" + strconv.Itoa(len(p.names)+1) + "]." + e.Field, Problem: e.Problem}
			}
			return nil, err
		}
		p.names = append(p.names, name{encoded: encoded, tag: tag, value: value})
	}
	// The OIDs are needed until the answer is made, before the next decode.
	d.oids = d.list.AppendBorrowed(d.oids[:0])
	for i := range p.names {
		p.names[i].oid = d.oids[i]
	}
	return p, nil
}
