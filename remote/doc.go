// Package remote reads the network stack of another host from the SNMP agent
// there: a [Stack] is a netstat.Stack, with the rows that a local one has,
// decoded through the same declarations of MIB tables that this project's agent
// encodes with (package mib and below).
//
// # What is promised
//
// Rows keep coming for as long as the agent tells any, and what is wrong is an error
// after the last of them. A table that is cut short (no answer, an agent that refuses,
// repeats itself or goes backwards) has an error that names the last instance that was
// read; rows before it are valid. It takes no other table's rows with it: what
// ifStackTable would add to the interfaces is missing from them then.
//
// What agents send is taken as liberally as it is unambiguous. A value of another type
// that holds the same is taken, and Null says nothing. A value that is not understood
// is unknown: a number outside of its enumeration, text for a number, one that is longer
// than it may be. A row whose index is not understood is passed over. Both are counted: a
// [*SkippedError] after the last row, which errors.As finds, says how many, with an example.
// Where it counts values alone, all rows are there.
//
// Of several tables that tell the same the newer is read, and the older where the newer
// has nothing of IPv4: tcpConnectionTable and tcpListenerTable, else tcpConnTable;
// udpEndpointTable, else udpTable; ifTable with ifXTable; inetCidrRouteTable, else
// ipCidrRouteTable, else ipRouteTable; ipAddressTable, else ipAddrTable;
// ipNetToPhysicalTable, else ipNetToMediaTable, else atTable; ipSystemStatsTable, else the
// group ip. What none of them tells is an error that matches netstat.ErrNotSupported and
// names the objects that the agent would need. Where the old tables tell of IPv4 alone,
// it follows the rows. An agent that counts routes and shows none is an error.
//
// SNMP cannot tell a table without rows from one that is not there. A table
// counts as there when it has rows, or the agent shows an object that came
// with it (tcpHCInSegs, inetCidrRouteNumber, ifNumber and their like).
//
// # What MIBs do not tell
//
// What no column holds is unknown:
//
//   - of a socket the queues, owner, inode, cookie, timer and device, and V6Only but for
//     wildcard addresses;
//   - of an interface the carrier and queue length, and errors by kind, of which MIBs have
//     only the sums;
//   - of an address the lifetimes;
//   - of a route the scope, and the TOS where no index has it;
//   - the state of a neighbour that only an old table tells of.
//
// The field UnknownFlags of a row says which flags are not told: of an interface all but
// InterfaceUp, InterfaceRunning, InterfaceLoopback and InterfacePromiscuous. A process of
// number 0 is unknown, since agents have it for none and for one that they do not know.
// Processes have no name.
//
// So is what an agent leaves out of a row, column by column: an interface may have
// octets and no packets, and no MTU.
//
// Counters may be narrower than a row's: netstat.Counter.Narrow and the fields
// of that kind in netstat.InterfaceCounters say which have 32 bits and may have
// wrapped around. [Stack.Sample] is for differences.
//
// # Many hosts
//
// [Read] reads hundreds of hosts at once, in bounded memory and with a deadline
// and one result for each, in the order in which they are done. [Hosts] does so
// behind stacks that are looked at one after the other, and again and again in turns
// that a host which does not answer does not delay.
//
// # How it reads
//
// Several columns are asked for in one GetBulkRequest, of which the answer is as long
// as the way to the host has shown to carry and the agent to give. A table that goes on
// after some answers is read by several sessions at a time, as many as the agent answers
// without strain ([Config.MaxAnswer] and [Config.Sessions] bound both), each in a
// part of its index. Requests are repeated a bounded number of times, and
// nothing that is received is kept beyond the rows that it completes. What an agent may
// tell is bounded in rows and octets ([Config.MaxRows], [Config.MaxOctets]), of each
// table and of a host among many.
//
// SNMPv3, with its discovery, keys and time windows, is gosnmp's. Messages of
// SNMPv1 and SNMPv2c, which need none of that, have a codec here that decodes
// into the types of package mib without an allocation for each variable.
//
// # Credentials
//
// A [Config] takes them from a file in snmp.conf's syntax ([Config.Parse]), from
// the environment ([Config.Environment]) or from Go. They do not show when a
// Config is printed, nor in errors.
package remote
