// Package protocol has what both ends of SNMP call by the same names: its versions, and
// the transports and addresses that they are spoken over.
package protocol

import "fmt"

// Version is a version of SNMP. The zero value stands for none in particular.
type Version uint8

// The versions.
const (
	VersionDefault Version = iota
	V1                     // RFC 1157
	V2c                    // RFC 1901
	V3                     // RFC 3412
)

var versions = [...]struct {
	name   string
	number int32
}{{"default", -1}, {"1", 0}, {"2c", 1}, {"3", 3}}

// String returns the version's name, "1", "2c" or "3".
func (v Version) String() string {
	if int(v) < len(versions) {
		return versions[v].name
	}
	return fmt.Sprintf("Version(%d)", uint8(v))
}

// Number returns the version as messages have it.
func (v Version) Number() int32 {
	if int(v) < len(versions) {
		return versions[v].number
	}
	return -1
}

// VersionOf returns the version that messages have as a number.
func VersionOf(number int32) (Version, bool) {
	for v := V1; v <= V3; v++ {
		if v.Number() == number {
			return v, true
		}
	}
	return VersionDefault, false
}
