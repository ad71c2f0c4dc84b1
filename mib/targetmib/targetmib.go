// Package targetmib declares the SNMP-TARGET-MIB (RFC 3413): where messages go and in whose name, with what the
// SNMP-COMMUNITY-MIB adds to its addresses (RFC 3584). What the engine counts of contexts is in package enginemib.
package targetmib

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Identity is the MODULE-IDENTITY snmpTargetMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.12")

// SpinLock is snmpTargetSpinLock, the advisory lock of managers (RFC 3413, section 4.1).
func SpinLock() *mib.Group[int32] {
	return &mib.Group[int32]{
		Name: "snmpTargetLock",
		OID:  Identity.Sub(1),
		Objects: mib.Columns(
			mib.Column(1, "snmpTargetSpinLock", mib.AsInteger(mib.At(func(n *int32) *int32 { return n })).Within(0, math.MaxInt32)).Writable(),
		),
	}
}

// Address is a row of snmpTargetAddrTable: a transport address.
type Address struct {
	Name string // 1 to 32 octets
	// Domain and Address are a TDomain and a TAddress (RFC 3417, RFC 3419): 1 to 255 octets.
	Domain  mib.OID
	Address string
	// Timeout is how long an answer is waited for, to the hundredth of a second, and Retries how
	// often a message is sent again, 0 to 255.
	Timeout time.Duration
	Retries int32
	Tags    string // a SnmpTagList
	Params  string // the name of a row of Params
	Storage mib.StorageType
	// Mask has the bits of Address that count where communities are taken from there: as long as Address, or "" for all.
	Mask string
	// MaxMessageSize is how many octets a message of SNMPv1 or SNMPv2c has there at most, from 484; 0 is not known.
	MaxMessageSize int32
}

// extension is snmpTargetAddrExtEntry, which augments snmpTargetAddrEntry.
var extension = mib.MustParseOID("1.3.6.1.6.3.18.1.2.1")

// Addresses is snmpTargetAddrTable, with snmpTargetAddrExtTable.
func Addresses() *mib.Table[Address] {
	return &mib.Table[Address]{
		Name:  "snmpTargetAddrTable",
		Entry: Identity.Sub(1, 2, 1),
		Index: mib.Index(mib.ImpliedStringIndex(mib.Sized(mib.At(func(a *Address) *string { return &a.Name }), 1, 32))),
		Columns: mib.Columns(
			mib.Column(2, "snmpTargetAddrTDomain", mib.AsOID(mib.At(func(a *Address) *mib.OID { return &a.Domain }))).Creatable().NotWhileActive(),
			mib.Column(3, "snmpTargetAddrTAddress", mib.AsOctets(mib.At(func(a *Address) *string { return &a.Address })).OfLength(1, 255)).Creatable().NotWhileActive(),
			mib.Column(4, "snmpTargetAddrTimeout", mib.AsInteger(mib.Whole(mib.At(func(a *Address) *time.Duration { return &a.Timeout }), timeInterval)).Within(0, math.MaxInt32)).Creatable().Default(mib.Int(1500)),
			mib.Column(5, "snmpTargetAddrRetryCount", mib.AsInteger(mib.At(func(a *Address) *int32 { return &a.Retries })).Within(0, 255)).Creatable().Default(mib.Int(3)),
			mib.Column(6, "snmpTargetAddrTagList", mib.AsOctets(mib.At(func(a *Address) *string { return &a.Tags }).Checked(tagList)).OfLength(0, 255)).Creatable().Default(mib.Octets("")),
			mib.Column(7, "snmpTargetAddrParams", mib.AsOctets(mib.At(func(a *Address) *string { return &a.Params })).OfLength(1, 32)).Creatable(),
			mib.Column(8, "snmpTargetAddrStorageType", mib.AsStorageType(mib.At(func(a *Address) *mib.StorageType { return &a.Storage }))).Creatable().Default(mib.Int(mib.StorageNonVolatile)),
			mib.Column(9, "snmpTargetAddrRowStatus", mib.AsRowStatus[Address]()).Creatable(),
			mib.Column(1, "snmpTargetAddrTMask", mib.AsOctets(mib.At(func(a *Address) *string { return &a.Mask })).OfLength(0, 255)).Creatable().NotWhileActive().Default(mib.Octets("")).Augmenting(extension),
			mib.Column(2, "snmpTargetAddrMMS", mib.AsInteger(mib.At(func(a *Address) *int32 { return &a.MaxMessageSize }).Checked(messageSize)).Within(0, math.MaxInt32)).Creatable().Default(mib.Int(minMessageSize)).Augmenting(extension),
		),
	}
}

// minMessageSize is how many octets every engine takes (RFC 3417, section 3.2).
const minMessageSize = 484

func messageSize(_ *Address, octets int32) error {
	if octets > 0 && octets < minMessageSize {
		return errors.New("every engine takes messages of 484 octets")
	}
	return nil
}

// timeInterval is the unit of TimeInterval (RFC 2579).
const timeInterval = 10 * time.Millisecond

// delimiters are the octets between the tags of a SnmpTagList.
const delimiters = " \t\r\n"

// tagList says what is wrong with a SnmpTagList: one delimiter is between two tags, and none at
// either end.
func tagList(_ *Address, list string) error {
	was := true // a delimiter, or the beginning
	for i := range len(list) {
		is := strings.IndexByte(delimiters, list[i]) >= 0
		if is && (was || i == len(list)-1) {
			return errTagList
		}
		was = is
	}
	return nil
}

var errTagList = errors.New("a list of tags has one delimiter between two tags, and none at its ends")

// HasTag reports whether a tag is in the list. The empty tag is in none.
func (a *Address) HasTag(tag string) bool {
	return tag != "" && slices.Contains(a.TagList(), tag)
}

// TagList returns the tags.
func (a *Address) TagList() []string { return strings.FieldsFunc(a.Tags, isDelimiter) }

func isDelimiter(r rune) bool { return strings.ContainsRune(delimiters, r) }

// Params is a row of snmpTargetParamsTable: in what form messages go, and in whose name.
type Params struct {
	Name          string // 1 to 32 octets
	Model         int32  // SnmpMessageProcessingModel: 0 SNMPv1, 1 SNMPv2c, 3 SNMPv3
	SecurityModel int32  // SnmpSecurityModel: 1 SNMPv1, 2 SNMPv2c, 3 USM
	SecurityName  string
	SecurityLevel int32 // SnmpSecurityLevel: 1 to 3
	Storage       mib.StorageType
}

// Parameters is snmpTargetParamsTable.
func Parameters() *mib.Table[Params] {
	return &mib.Table[Params]{
		Name:  "snmpTargetParamsTable",
		Entry: Identity.Sub(1, 3, 1),
		Index: mib.Index(mib.ImpliedStringIndex(mib.Sized(mib.At(func(p *Params) *string { return &p.Name }), 1, 32))),
		Columns: mib.Columns(
			mib.Column(2, "snmpTargetParamsMPModel", mib.AsInteger(mib.At(func(p *Params) *int32 { return &p.Model })).Within(0, math.MaxInt32)).Creatable().NotWhileActive(),
			mib.Column(3, "snmpTargetParamsSecurityModel", mib.AsInteger(mib.At(func(p *Params) *int32 { return &p.SecurityModel })).Within(1, math.MaxInt32)).Creatable().NotWhileActive(),
			mib.Column(4, "snmpTargetParamsSecurityName", mib.AsOctets(mib.At(func(p *Params) *string { return &p.SecurityName })).OfLength(0, 255)).Creatable().NotWhileActive(),
			mib.Column(5, "snmpTargetParamsSecurityLevel", mib.AsInteger(mib.At(func(p *Params) *int32 { return &p.SecurityLevel })).Within(1, 3)).Creatable().NotWhileActive(),
			mib.Column(6, "snmpTargetParamsStorageType", mib.AsStorageType(mib.At(func(p *Params) *mib.StorageType { return &p.Storage }))).Creatable().Default(mib.Int(mib.StorageNonVolatile)),
			mib.Column(7, "snmpTargetParamsRowStatus", mib.AsRowStatus[Params]()).Creatable(),
		),
	}
}
