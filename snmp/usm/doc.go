// Package usm is the User-based Security Model of SNMPv3 (RFC 3414), with the
// hashes of RFC 7860 and AES of RFC 3826 and beyond: who sent a message, whether it
// arrived as it was sent and in time, and what it says. It has no sockets and knows
// no PDU: a message processing model hands it messages, and the security parameters
// and data of those that go out.
//
// # Keys
//
// A [Secret] is never printed. A user has [Credentials], from which the keys for an
// engine are made ([Credentials.Localize]); only these are in the [Model] and
// on disk.
//
// Two ways are in use to make keys of AES-192 and AES-256 from a hash that is shorter, under
// confusing names. A user with either is understood in both: a message that does not decrypt
// in the one way is decrypted in the other, and answered in the way in which it was sent.
//
// # What strangers learn
//
// Reports tell whoever asks that a user does not exist or that a MAC is wrong (RFC 3414,
// section 3.2). Nothing else tells them apart: the same work is done for an unknown user, and MACs
// are compared in constant time.
//
// # What it costs
//
// A message costs no allocation. The state of a hash that has taken in a user's key and the
// schedule of a cipher are kept with the user.
package usm
