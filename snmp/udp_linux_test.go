//go:build !portable

package snmp

// tellsBroadcast says that what was sent to the broadcast address of a network is known.
const tellsBroadcast = true
