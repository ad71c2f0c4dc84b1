// Package traffic measures what goes through sockets: the octets and the rates of each
// connection, from readings of all sockets and from what the kernel tells of those that
// end between two readings.
//
// A [Meter] is fed with readings: [Meter.Begin], [Meter.Add] for each socket, and
// [Meter.Finish], which gives a [Reading]. Beside that [Meter.End] takes each socket that
// ended, from [netstat.SocketEndListener]. With both no connection is missed, however short
// it was. Without ends, as of a recording or another host, those that began and ended between
// two readings are missed, and so is what others sent after the last reading that saw them.
//
// Octets are those of the payload: no header, no SYN and no FIN, and none counted twice
// for being sent again. Of a connection that was there when the meter began they count from
// its first reading on. The kernel tells them of TCP, by Linux 4.19 or later. Of UDP it counts none:
// they are what connection tracking counts of a socket's flows ([Meter.Datagrams]), and
// unknown where it does not.
//
// Sockets are known by their cookies, which no other socket has before the host restarts.
// Addresses and ports, which others use again, join nothing.
//
// Moments are the caller's. They are subtracted by the monotonic clock, where they have it.
package traffic
