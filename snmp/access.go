package snmp

// viewType is what a principal wants to do with a variable (RFC 3411, section
// 4.3).
type viewType int

const (
	readView viewType = iota
	writeView
)

// accessControl says what a principal may do (RFC 3411, section 4.3,
// isAccessAllowed).
type accessControl interface {
	isAccessAllowed(who principal, view viewType) bool
}

// communityAccess is the access control of communities that see a whole
// context: all of them may read it, and those that are let write it.
type communityAccess struct{}

func (communityAccess) isAccessAllowed(who principal, view viewType) bool {
	return view == readView || who.write
}
