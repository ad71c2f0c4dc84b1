package agentx

import (
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// PDUType is h.type (RFC 2741, section 6.1).
type PDUType uint8

// The PDU types (RFC 2741, section 6.1).
const (
	TypeOpen            PDUType = 1
	TypeClose           PDUType = 2
	TypeRegister        PDUType = 3
	TypeUnregister      PDUType = 4
	TypeGet             PDUType = 5
	TypeGetNext         PDUType = 6
	TypeGetBulk         PDUType = 7
	TypeTestSet         PDUType = 8
	TypeCommitSet       PDUType = 9
	TypeUndoSet         PDUType = 10
	TypeCleanupSet      PDUType = 11
	TypeNotify          PDUType = 12
	TypePing            PDUType = 13
	TypeIndexAllocate   PDUType = 14
	TypeIndexDeallocate PDUType = 15
	TypeAddAgentCaps    PDUType = 16
	TypeRemoveAgentCaps PDUType = 17
	TypeResponse        PDUType = 18
)

var typeNames = [...]string{
	TypeOpen: "Open", TypeClose: "Close", TypeRegister: "Register", TypeUnregister: "Unregister",
	TypeGet: "Get", TypeGetNext: "GetNext", TypeGetBulk: "GetBulk", TypeTestSet: "TestSet",
	TypeCommitSet: "CommitSet", TypeUndoSet: "UndoSet", TypeCleanupSet: "CleanupSet",
	TypeNotify: "Notify", TypePing: "Ping", TypeIndexAllocate: "IndexAllocate",
	TypeIndexDeallocate: "IndexDeallocate", TypeAddAgentCaps: "AddAgentCaps",
	TypeRemoveAgentCaps: "RemoveAgentCaps", TypeResponse: "Response",
}

// String returns the RFC's name, "agentx-GetNext-PDU".
func (t PDUType) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return "agentx-" + typeNames[t] + "-PDU"
	}
	return fmt.Sprintf("AgentX PDU of type %d", uint8(t))
}

// Flags is h.flags (RFC 2741, section 6.1).
type Flags uint8

// The flags (RFC 2741, section 6.1).
const (
	InstanceRegistration Flags = 1 << iota // the registered name is an instance
	NewIndex                               // allocate an index never used before
	AnyIndex                               // allocate any index that is free
	NonDefaultContext                      // the payload begins with a context
	NetworkByteOrder                       // big-endian; little-endian without
)

// ErrorCode is res.error: one of SNMP's error-status values below 256, one of
// AgentX's own from there (RFC 2741, section 6.2.16).
type ErrorCode uint16

// AgentX's own errors (RFC 2741, section 6.2.16).
const (
	OpenFailed            ErrorCode = 256
	NotOpen               ErrorCode = 257
	IndexWrongType        ErrorCode = 258
	IndexAlreadyAllocated ErrorCode = 259
	IndexNoneAvailable    ErrorCode = 260
	IndexNotAllocated     ErrorCode = 261
	UnsupportedContext    ErrorCode = 262
	DuplicateRegistration ErrorCode = 263
	UnknownRegistration   ErrorCode = 264
	UnknownAgentCaps      ErrorCode = 265
	ParseError            ErrorCode = 266
	RequestDenied         ErrorCode = 267
	ProcessingError       ErrorCode = 268
)

var errorNames = [...]string{
	"openFailed", "notOpen", "indexWrongType", "indexAlreadyAllocated", "indexNoneAvailable",
	"indexNotAllocated", "unsupportedContext", "duplicateRegistration", "unknownRegistration",
	"unknownAgentCaps", "parseError", "requestDenied", "processingError",
}

// String returns the RFC's name, "duplicateRegistration".
func (c ErrorCode) String() string {
	if c < OpenFailed {
		return mib.Status(c).String()
	}
	if i := int(c - OpenFailed); i < len(errorNames) {
		return errorNames[i]
	}
	return fmt.Sprintf("error %d", uint16(c))
}

// ResponseError is an agentx-Response-PDU that carries an error.
type ResponseError struct {
	Request PDUType // what was answered
	Code    ErrorCode
	Index   uint16 // the variable at fault, from 1; 0 for none
}

func (e *ResponseError) Error() string {
	if e.Index != 0 {
		return fmt.Sprintf("%s: the master agent answers %s for variable %d", e.Request, e.Code, e.Index)
	}
	return fmt.Sprintf("%s: the master agent answers %s", e.Request, e.Code)
}

// CloseReason is c.reason (RFC 2741, section 6.2.2).
type CloseReason uint8

// The reasons (RFC 2741, section 6.2.2).
const (
	ReasonOther         CloseReason = 1
	ReasonParseError    CloseReason = 2
	ReasonProtocolError CloseReason = 3
	ReasonTimeouts      CloseReason = 4
	ReasonShutdown      CloseReason = 5
	ReasonByManager     CloseReason = 6
)

var reasonNames = [...]string{
	ReasonOther: "reasonOther", ReasonParseError: "reasonParseError",
	ReasonProtocolError: "reasonProtocolError", ReasonTimeouts: "reasonTimeouts",
	ReasonShutdown: "reasonShutdown", ReasonByManager: "reasonByManager",
}

// String returns the RFC's name, "reasonShutdown".
func (r CloseReason) String() string {
	if int(r) < len(reasonNames) && reasonNames[r] != "" {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Header is what every PDU begins with (RFC 2741, section 6.1).
type Header struct {
	Type          PDUType
	Flags         Flags
	SessionID     uint32
	TransactionID uint32
	PacketID      uint32
	PayloadLength uint32 // in octets
}

// SearchRange asks for Start (Get), or for the first variable after Start and
// before End (RFC 2741, section 5.2).
type SearchRange struct {
	Start   mib.OID
	End     mib.OID // exclusive; empty for no end
	Include bool    // Start itself may be the answer
}

// Payload is what follows a PDU's header: one of this package's types that are
// named after the PDUs, by pointer.
type Payload interface {
	// Type returns h.type of the PDU.
	Type() PDUType
	// context returns the field for the context; nil in PDUs that have none.
	context() *string
	append(e *encoder)
	decode(d *decoder)
}

// Open is an agentx-Open-PDU (RFC 2741, section 6.2.1). PDUs have times in the units and
// widths of the protocol, so that each is the octets that it was decoded from.
type Open struct {
	Timeout     uint8 // seconds to wait for answers; 0 leaves it to the master
	ID          mib.OID
	Description string
}

// Close is an agentx-Close-PDU (RFC 2741, section 6.2.2).
type Close struct {
	Reason CloseReason
}

// Register is an agentx-Register-PDU (RFC 2741, section 6.2.3). With
// RangeSubid, a position in Subtree from 1, it registers every subtree whose
// sub-identifier there is from Subtree's own to UpperBound.
type Register struct {
	Context    string
	Timeout    uint8 // seconds; 0 means the session's
	Priority   uint8 // the lowest number wins
	RangeSubid uint8
	Subtree    mib.OID
	UpperBound uint32 // only with RangeSubid
}

// Unregister is an agentx-Unregister-PDU (RFC 2741, section 6.2.4), with the
// fields of the Register that it undoes.
type Unregister struct {
	Context    string
	Priority   uint8
	RangeSubid uint8
	Subtree    mib.OID
	UpperBound uint32
}

// Get is an agentx-Get-PDU (RFC 2741, section 6.2.5). Only the Start of a range
// means something.
type Get struct {
	Context string
	Ranges  []SearchRange
}

// GetNext is an agentx-GetNext-PDU (RFC 2741, section 6.2.5).
type GetNext struct {
	Context string
	Ranges  []SearchRange
}

// GetBulk is an agentx-GetBulk-PDU (RFC 2741, section 6.2.6).
type GetBulk struct {
	Context        string
	NonRepeaters   uint16
	MaxRepetitions uint16
	Ranges         []SearchRange
}

// TestSet is an agentx-TestSet-PDU (RFC 2741, section 6.2.7).
type TestSet struct {
	Context  string
	Bindings []mib.Binding
}

// CommitSet is an agentx-CommitSet-PDU (RFC 2741, section 6.2.8).
type CommitSet struct{}

// UndoSet is an agentx-UndoSet-PDU (RFC 2741, section 6.2.8).
type UndoSet struct{}

// CleanupSet is an agentx-CleanupSet-PDU (RFC 2741, section 6.2.8), which has
// no response.
type CleanupSet struct{}

// Notify is an agentx-Notify-PDU (RFC 2741, section 6.2.10). Its first variable
// is snmpTrapOID.0, or sysUpTime.0 with snmpTrapOID.0 the second.
type Notify struct {
	Context  string
	Bindings []mib.Binding
}

// Ping is an agentx-Ping-PDU (RFC 2741, section 6.2.11).
type Ping struct {
	Context string
}

// IndexAllocate is an agentx-IndexAllocate-PDU (RFC 2741, section 6.2.12).
type IndexAllocate struct {
	Context  string
	Bindings []mib.Binding
}

// IndexDeallocate is an agentx-IndexDeallocate-PDU (RFC 2741, section 6.2.13).
type IndexDeallocate struct {
	Context  string
	Bindings []mib.Binding
}

// AddAgentCaps is an agentx-AddAgentCaps-PDU (RFC 2741, section 6.2.14): a row
// of the master's sysORTable.
type AddAgentCaps struct {
	Context     string
	ID          mib.OID
	Description string
}

// RemoveAgentCaps is an agentx-RemoveAgentCaps-PDU (RFC 2741, section 6.2.15).
type RemoveAgentCaps struct {
	Context string
	ID      mib.OID
}

// Response is an agentx-Response-PDU (RFC 2741, section 6.2.16).
type Response struct {
	SysUpTime uint32 // hundredths of a second; 0 from a subagent
	Error     ErrorCode
	Index     uint16 // the variable at fault, from 1; 0 for none
	Bindings  []mib.Binding
}

func (*Open) Type() PDUType            { return TypeOpen }
func (*Close) Type() PDUType           { return TypeClose }
func (*Register) Type() PDUType        { return TypeRegister }
func (*Unregister) Type() PDUType      { return TypeUnregister }
func (*Get) Type() PDUType             { return TypeGet }
func (*GetNext) Type() PDUType         { return TypeGetNext }
func (*GetBulk) Type() PDUType         { return TypeGetBulk }
func (*TestSet) Type() PDUType         { return TypeTestSet }
func (*CommitSet) Type() PDUType       { return TypeCommitSet }
func (*UndoSet) Type() PDUType         { return TypeUndoSet }
func (*CleanupSet) Type() PDUType      { return TypeCleanupSet }
func (*Notify) Type() PDUType          { return TypeNotify }
func (*Ping) Type() PDUType            { return TypePing }
func (*IndexAllocate) Type() PDUType   { return TypeIndexAllocate }
func (*IndexDeallocate) Type() PDUType { return TypeIndexDeallocate }
func (*AddAgentCaps) Type() PDUType    { return TypeAddAgentCaps }
func (*RemoveAgentCaps) Type() PDUType { return TypeRemoveAgentCaps }
func (*Response) Type() PDUType        { return TypeResponse }

func (*Open) context() *string              { return nil }
func (*Close) context() *string             { return nil }
func (p *Register) context() *string        { return &p.Context }
func (p *Unregister) context() *string      { return &p.Context }
func (p *Get) context() *string             { return &p.Context }
func (p *GetNext) context() *string         { return &p.Context }
func (p *GetBulk) context() *string         { return &p.Context }
func (p *TestSet) context() *string         { return &p.Context }
func (*CommitSet) context() *string         { return nil }
func (*UndoSet) context() *string           { return nil }
func (*CleanupSet) context() *string        { return nil }
func (p *Notify) context() *string          { return &p.Context }
func (p *Ping) context() *string            { return &p.Context }
func (p *IndexAllocate) context() *string   { return &p.Context }
func (p *IndexDeallocate) context() *string { return &p.Context }
func (p *AddAgentCaps) context() *string    { return &p.Context }
func (p *RemoveAgentCaps) context() *string { return &p.Context }
func (*Response) context() *string          { return nil }

// newPayload returns an empty payload of a type; nil for an unknown one.
func newPayload(t PDUType) Payload {
	switch t {
	case TypeOpen:
		return new(Open)
	case TypeClose:
		return new(Close)
	case TypeRegister:
		return new(Register)
	case TypeUnregister:
		return new(Unregister)
	case TypeGet:
		return new(Get)
	case TypeGetNext:
		return new(GetNext)
	case TypeGetBulk:
		return new(GetBulk)
	case TypeTestSet:
		return new(TestSet)
	case TypeCommitSet:
		return new(CommitSet)
	case TypeUndoSet:
		return new(UndoSet)
	case TypeCleanupSet:
		return new(CleanupSet)
	case TypeNotify:
		return new(Notify)
	case TypePing:
		return new(Ping)
	case TypeIndexAllocate:
		return new(IndexAllocate)
	case TypeIndexDeallocate:
		return new(IndexDeallocate)
	case TypeAddAgentCaps:
		return new(AddAgentCaps)
	case TypeRemoveAgentCaps:
		return new(RemoveAgentCaps)
	case TypeResponse:
		return new(Response)
	}
	return nil
}

func (p *Open) append(e *encoder) {
	e.bytes4(p.Timeout, 0, 0, 0)
	e.oid(p.ID, mib.OID{}, false)
	e.octets(p.Description)
}

func (p *Open) decode(d *decoder) {
	p.Timeout = d.bytes4("o.timeout")[0]
	p.ID = d.oid("o.id")
	p.Description = d.octets("o.descr")
}

func (p *Close) append(e *encoder) { e.bytes4(byte(p.Reason), 0, 0, 0) }

func (p *Close) decode(d *decoder) { p.Reason = CloseReason(d.bytes4("c.reason")[0]) }

func (p *Register) append(e *encoder) {
	e.bytes4(p.Timeout, p.Priority, p.RangeSubid, 0)
	e.oid(p.Subtree, mib.OID{}, false)
	if p.RangeSubid != 0 {
		e.uint32(p.UpperBound)
	}
}

func (p *Register) decode(d *decoder) {
	b := d.bytes4("r.timeout")
	p.Timeout, p.Priority, p.RangeSubid = b[0], b[1], b[2]
	p.Subtree = d.oid("r.subtree")
	if p.RangeSubid != 0 {
		p.UpperBound = d.uint32("r.upper_bound")
	}
}

func (p *Unregister) append(e *encoder) {
	e.bytes4(0, p.Priority, p.RangeSubid, 0)
	e.oid(p.Subtree, mib.OID{}, false)
	if p.RangeSubid != 0 {
		e.uint32(p.UpperBound)
	}
}

func (p *Unregister) decode(d *decoder) {
	b := d.bytes4("u.priority")
	p.Priority, p.RangeSubid = b[1], b[2]
	p.Subtree = d.oid("u.subtree")
	if p.RangeSubid != 0 {
		p.UpperBound = d.uint32("u.upper_bound")
	}
}

func (p *Get) append(e *encoder)     { e.ranges(p.Ranges) }
func (p *Get) decode(d *decoder)     { p.Ranges = d.ranges() }
func (p *GetNext) append(e *encoder) { e.ranges(p.Ranges) }
func (p *GetNext) decode(d *decoder) { p.Ranges = d.ranges() }

func (p *GetBulk) append(e *encoder) {
	e.uint16(p.NonRepeaters)
	e.uint16(p.MaxRepetitions)
	e.ranges(p.Ranges)
}

func (p *GetBulk) decode(d *decoder) {
	p.NonRepeaters = d.uint16("g.non_repeaters")
	p.MaxRepetitions = d.uint16("g.max_repetitions")
	p.Ranges = d.ranges()
}

func (p *TestSet) append(e *encoder)         { e.bindings(p.Bindings) }
func (p *TestSet) decode(d *decoder)         { p.Bindings = d.bindings() }
func (*CommitSet) append(*encoder)           {}
func (*CommitSet) decode(*decoder)           {}
func (*UndoSet) append(*encoder)             {}
func (*UndoSet) decode(*decoder)             {}
func (*CleanupSet) append(*encoder)          {}
func (*CleanupSet) decode(*decoder)          {}
func (p *Notify) append(e *encoder)          { e.bindings(p.Bindings) }
func (p *Notify) decode(d *decoder)          { p.Bindings = d.bindings() }
func (*Ping) append(*encoder)                {}
func (*Ping) decode(*decoder)                {}
func (p *IndexAllocate) append(e *encoder)   { e.bindings(p.Bindings) }
func (p *IndexAllocate) decode(d *decoder)   { p.Bindings = d.bindings() }
func (p *IndexDeallocate) append(e *encoder) { e.bindings(p.Bindings) }
func (p *IndexDeallocate) decode(d *decoder) { p.Bindings = d.bindings() }

func (p *AddAgentCaps) append(e *encoder) {
	e.oid(p.ID, mib.OID{}, false)
	e.octets(p.Description)
}

func (p *AddAgentCaps) decode(d *decoder) {
	p.ID = d.oid("a.id")
	p.Description = d.octets("a.descr")
}

func (p *RemoveAgentCaps) append(e *encoder) { e.oid(p.ID, mib.OID{}, false) }
func (p *RemoveAgentCaps) decode(d *decoder) { p.ID = d.oid("a.id") }

func (p *Response) append(e *encoder) {
	e.uint32(p.SysUpTime)
	e.uint16(uint16(p.Error))
	e.uint16(p.Index)
	e.bindings(p.Bindings)
}

func (p *Response) decode(d *decoder) {
	p.SysUpTime = d.uint32("res.sysUpTime")
	p.Error = ErrorCode(d.uint16("res.error"))
	p.Index = d.uint16("res.index")
	p.Bindings = d.bindings()
}
