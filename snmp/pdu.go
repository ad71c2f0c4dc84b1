package snmp

import (
	"errors"
	"math"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Types of PDUs (RFC 3416, section 3; the Trap-PDU is RFC 1157's, section
// 4.1.6).
const (
	getRequest     = 0xa0
	getNextRequest = 0xa1
	response       = 0xa2
	setRequest     = 0xa3
	trapV1         = 0xa4
	getBulkRequest = 0xa5
	informRequest  = 0xa6
	trapV2         = 0xa7
	report         = 0xa8
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

// name is the name of a variable that was received.
type name struct {
	oid     mib.OID
	encoded []byte // within the message
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
	fields := decoder{b: content}
	p.kind = kind
	p.requestID = fields.integer("request-id")
	statusField, indexField := "error-status", "error-index"
	if kind == getBulkRequest {
		statusField, indexField = "non-repeaters", "max-repetitions"
	}
	p.status = fields.integer(statusField)
	p.index = fields.integer(indexField)
	p.bindings = fields.content("variable-bindings", tagSequence)
	fields.end("PDU")
	if fields.err != nil {
		return nil, fields.err
	}

	d.list.Reset()
	p.names = p.names[:0]
	list := decoder{b: p.bindings}
	for len(list.b) > 0 {
		if len(p.names) == most {
			return nil, mib.ErrWouldWait
		}
		binding := decoder{b: list.content("VarBind", tagSequence), err: list.err}
		all := binding.b
		oid := binding.content("name", tagOID)
		encoded := all[:len(all)-len(binding.b)]
		if binding.err == nil {
			if problem := parseOID(&d.list, oid); problem != "" {
				binding.fail("name", problem)
			}
		}
		tag, value := binding.element("value")
		if binding.err == nil {
			if problem := checkValue(&d.scratch, v1, tag, value); problem != "" {
				binding.fail("value", problem)
			}
		}
		binding.end("VarBind")
		if err := binding.err; err != nil {
			var e *decodeError
			if errors.As(err, &e) {
				err = &decodeError{"variable-bindings[" + strconv.Itoa(len(p.names)+1) + "]." + e.field, e.problem}
			}
			return nil, err
		}
		p.names = append(p.names, name{encoded: encoded})
	}
	// The OIDs are needed until the answer is made, before the next decode.
	d.oids = d.list.AppendBorrowed(d.oids[:0])
	for i := range p.names {
		p.names[i].oid = d.oids[i]
	}
	return p, nil
}
