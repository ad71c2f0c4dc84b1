package snmp

import (
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// SecurityModel is the number of a security model (RFC 3411, section 5,
// SnmpSecurityModel).
type SecurityModel int32

// The security models that there are here.
const (
	CommunityV1  SecurityModel = 1 // SNMPv1's communities (RFC 3584)
	CommunityV2c SecurityModel = 2 // SNMPv2c's
	UserBased    SecurityModel = 3 // RFC 3414
)

// Principal is on whose behalf a message was sent, as a security model found it, and
// what context is asked (RFC 3411, section 3.2).
type Principal struct {
	Model   SecurityModel
	Name    string // securityName
	Level   usm.Level
	Context string // contextName

	write bool // of a community: Community.Write
}

// Operation is what a principal wants to do with variables (RFC 3411, section 4.3,
// viewType).
type Operation uint8

// The operations.
const (
	Read Operation = iota
	Write
)

// AccessControl says what principals may do (RFC 3411, section 4.3, isAccessAllowed).
// It is asked by many goroutines.
type AccessControl interface {
	// View returns what a principal may see, or write: nil is everything. What it
	// returns again and again compares as equal. It reports false for a principal
	// that there is no rule for, whose requests are answered with
	// authorizationError.
	View(who *Principal, what Operation) (view mib.Subset, ok bool)
}

// communityAccess is the access control of communities that see a whole
// context: all of them may read it, and those that are let write it. It has no rule
// for anybody else.
type communityAccess struct{}

func (communityAccess) View(who *Principal, what Operation) (mib.Subset, bool) {
	switch {
	case who.Model == UserBased:
		return nil, false
	case what == Write && !who.write:
		return Nothing{}, true
	}
	return nil, true
}

// Nothing is the view that has no variables.
type Nothing struct{}

// Covers says that there is nothing.
func (Nothing) Covers(mib.OID) mib.Coverage { return mib.CoversNothing }

// Seek says that there is nothing further on.
func (Nothing) Seek(_, _ mib.OID) (mib.OID, bool) { return mib.OID{}, false }
