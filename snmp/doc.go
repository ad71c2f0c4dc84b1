// Package snmp is an SNMP engine in the role of an agent (RFC 3411): it answers
// the requests of managers, over UDP and TCP, from the trees of a
// [mib.Handler], and sends them notifications.
//
// It speaks SNMPv1 (RFC 1157), community-based SNMPv2c (RFC 1901) and SNMPv3 (RFC 3412)
// with the User-based Security Model of package usm ([Options].USM), with the
// protocol operations of RFC 3416 and the mappings of RFC 3584. Notifications go by
// all three. Nothing that is received can make it fail: what cannot be decoded,
// is of another version, names no community or is not a user's is dropped and counted
// as RFC 3418, RFC 3412 and RFC 3414 say, in SNMPv3 with a Report to who sent it.
// Nothing is allocated on the strength of a length that a message only claims. An
// OBJECT IDENTIFIER that has no encoding makes a request for it fail with genErr.
//
// # What strangers get
//
// The source of a datagram may be forged. What was sent to a broadcast or
// multicast address is not answered, and a GetBulkRequest from beyond loopback
// gets an answer that a network carries in one piece ([Options]). Connections
// are of those that a community lets in, or of anybody where there are users, and the
// idlest gives way to a new one where there are too many. A failed authentication is
// worth a notification once a second at most.
//
// # How it is laid out
//
// The parts are those of RFC 3411, section 3.1. A transport ([Server.Listen])
// hands each message to the dispatcher, which finds the message processing
// model of its version. The model takes the message apart and asks a security
// model who sent it. The command responder then answers the PDU, whatever the
// version was, within the view that access control gives ([AccessControl]): that of a
// policy of package vacm ([ViewBased]), or else what communities say themselves.
//
// The notification originator ([Server.Notify], [Server.SetTargets]) sends what
// happened to any number of targets, in Trap-PDUs, SNMPv2-Trap-PDUs or
// InformRequest-PDUs. It uses the same message processing models, the other way
// round.
//
// # Other systems
//
// On others than Linux a listener is what Go has everywhere: what was sent to the broadcast address of a
// network is answered there, and a manager behind a slow link leaves no room for the answers to others.
//
// # What waits
//
// A request is answered by the goroutine that received it, without an
// allocation for each variable. Only a request that needs a view which is not
// at hand waits, in one of a bounded number of goroutines of its own: nobody
// else waits behind it. Notifications wait for their targets in a bounded queue
// for each, of which the oldest give way: no target waits for another, and who
// notifies waits for none.
//
// Datagrams that nobody has read yet wait in the kernel: 8 MiB of them as it counts (some
// 10,000 small ones) for each address, or twice net.core.rmem_max where the process lacks
// CAP_NET_ADMIN.
package snmp
