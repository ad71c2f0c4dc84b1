// Package collectors reads a Linux kernel into the vocabulary of package
// netstat. [Open] gives a [Kernel], which is a netstat.Stack of the caller's
// network namespace or of another one. It reads neighbours, policy rules, nexthop
// objects and per-interface settings besides, and whatever else netstat has a
// reader for: every counter of a protocol ([Kernel.Counters]), details and queues
// of interfaces, memory, queueing disciplines, multicast routing and memberships,
// and how the tables of routing fare.
//
// It reads the flows that connection tracking follows ([Kernel.Flows]) and those
// that are expected, and [Kernel.EditFlows] changes them.
//
// [Kernel.Namespaces] finds the network namespaces of the host, named and
// unnamed, and [InEvery] reads all of them.
//
// For those who keep a stack current there are [Kernel.Listen], which receives
// rtnetlink's events, and [Kernel.Dump]. A [Decoder] gives both the same form.
// [Kernel.ListenFlows] receives the events of connection tracking.
//
// There is one file for each kernel interface, named after it: sock_diag.go,
// rtnetlink_link.go, proc_net_snmp.go and so on. In each, reading and parsing
// are two functions, and the parser takes bytes, or the lines of a file.
//
// # What is promised
//
// Sockets and routes are yielded while the kernel's answer arrives, and are
// never held as a whole. Interfaces, addresses, neighbours, rules, nexthop
// objects and settings are read whole first, since the kernel says only at the end
// whether they changed meanwhile; they are then read again, and after several
// attempts the error matches netstat.ErrInterrupted.
//
// The kernel does not say when sockets or IPv4 routes change during a dump. A
// row that exists, unchanged, throughout is yielded; one that comes or goes
// meanwhile may be yielded or not.
//
// What the kernel tells only with CAP_NET_ADMIN in the namespace is unknown
// without: sockets' marks, the peers that sign their segments, and the filters
// of packet sockets.
//
// # What decides and what embellishes
//
// Which rows there are is decided by one source: the dump, or the file, that has an
// entry for each thing. Others only add to them: ethtool's speed and duplex and
// /proc/net/dev_mcast to interfaces, mcfilter to memberships, /proc/net/unix to
// sockets of the local family, /proc/net/stat to neighbour tables, settings and
// limits of /proc/sys/net, the files of a device's queue. One of these that fails,
// since a driver does, or an interface is just going, or its lines are not
// understood, leaves its own fields unknown. It takes no row, and is no error.
//
// Text of others (names of interfaces, mount points, sockets, processes) is what the
// kernel has, octet by octet. It need not be UTF-8, and may hold what Unicode takes
// for a blank; that of a socket of the local family and of a mount point may hold
// line ends.
//
// # Privileges
//
// Nothing needs a privilege but this. What is not told without is unknown.
//
//   - CAP_SYS_ADMIN: entering another network namespace, and the queues of devices there.
//   - CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH: the processes that hold other users' sockets.
//   - CAP_SYS_PTRACE: processes that run in other users' namespaces.
//   - CAP_NET_ADMIN in the namespace: connection tracking but for its counters and its usage,
//     sockets' marks, the peers that sign their segments, the filters of packet sockets, and
//     whatever changes the kernel.
//   - Being root: the kernel's slabs.
//
// # Errors
//
// Every error is, or wraps, a *netstat.ReadError that names the operation and
// the namespace; that of a malformed file of /proc names the file and the line.
// It matches netstat.ErrNotSupported where the kernel lacks what was asked,
// fs.ErrPermission where privileges are lacking, fs.ErrNotExist for a namespace
// that does not exist, and the context's error when the context ended.
package collectors
