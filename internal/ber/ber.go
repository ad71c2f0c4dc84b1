// Package ber encodes and decodes what SNMP's messages consist of, by the basic
// encoding rules as far as SNMP uses them (RFC 3417, section 8; X.690).
//
// Nothing allocates but the growth of what is appended to, and an error. Nothing
// reads beyond what it was given, whatever lengths that claims to have.
package ber

import "github.com/netsnmp-agent/netsnmp-agent/mib"

// Tags of what messages are made of. Those of values are the mib.Types.
const (
	Integer          = byte(mib.Integer32)
	OctetString      = byte(mib.OctetString)
	Null             = byte(mib.Null)
	ObjectIdentifier = byte(mib.ObjectIdentifier)
	Sequence         = byte(0x30)
)

// Tags of PDUs, which are their types (RFC 3416, section 3; the Trap-PDU is RFC
// 1157's, section 4.1.6).
const (
	GetRequest     = byte(0xa0)
	GetNextRequest = byte(0xa1)
	Response       = byte(0xa2)
	SetRequest     = byte(0xa3)
	TrapV1         = byte(0xa4)
	GetBulkRequest = byte(0xa5)
	InformRequest  = byte(0xa6)
	TrapV2         = byte(0xa7)
	Report         = byte(0xa8)
)
