package mib

import "fmt"

// Status is an error-status (RFC 3416, section 3), which RFC 2741, section
// 6.2.16, uses for SETs as well.
type Status int32

// Error-status values. TooBig to GenErr are SNMPv1's (RFC 1157, section
// 4.1.1).
const (
	NoError             Status = 0
	TooBig              Status = 1
	NoSuchName          Status = 2
	BadValue            Status = 3
	ReadOnly            Status = 4
	GenErr              Status = 5
	NoAccess            Status = 6
	WrongType           Status = 7
	WrongLength         Status = 8
	WrongEncoding       Status = 9
	WrongValue          Status = 10
	NoCreation          Status = 11
	InconsistentValue   Status = 12
	ResourceUnavailable Status = 13
	CommitFailed        Status = 14
	UndoFailed          Status = 15
	AuthorizationError  Status = 16
	NotWritable         Status = 17
	InconsistentName    Status = 18
)

var statusNames = [...]string{
	"noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr",
	"noAccess", "wrongType", "wrongLength", "wrongEncoding", "wrongValue",
	"noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed",
	"undoFailed", "authorizationError", "notWritable", "inconsistentName",
}

func (s Status) String() string {
	if s >= 0 && int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("error-status %d", int32(s))
}
