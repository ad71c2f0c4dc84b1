// Package remote reads the network stack of another host from the SNMP agent
// there: a [Stack] is a netstat.Stack, with the rows that a local one has,
// decoded through the same declarations of MIB tables that this project's agent
// encodes with (package mib and below).
//
// # What is promised
//
// A table is whole or it is an error. Whatever cuts it short (no answer, an
// agent's error, an agent that repeats itself or goes backwards, a value of
// another type than the MIB has) ends the sequence with an error that names the
// last instance that was read. Rows before it are valid.
//
// Of several tables that tell the same the best is read that the agent has:
// tcpConnectionTable and tcpListenerTable, else tcpConnTable; udpEndpointTable,
// else udpTable; ifTable with ifXTable; inetCidrRouteTable, else
// ipCidrRouteTable, else ipRouteTable; ipAddressTable, else ipAddrTable;
// ipNetToPhysicalTable, else ipNetToMediaTable, else atTable. What none of them
// tells is an error that matches netstat.ErrNotSupported and names the objects
// that the agent would need. Where the old tables tell of IPv4 alone, it follows
// the rows.
//
// SNMP cannot tell a table without rows from one that is not there. A table
// counts as there when it has rows, or the agent shows an object that came
// with it (tcpHCInSegs, inetCidrRouteNumber, ifNumber and their like).
//
// # What MIBs do not tell
//
// What no column holds is unknown: a socket's queues, owner, inode, cookie, timer
// and device, and V6Only but for wildcard addresses; an interface's carrier and
// queue length, and errors by kind, of which MIBs have only the sums; an address's
// lifetimes; a route's scope, and its TOS where no index has it; the state of a
// neighbour that only an old table tells of. Of flags the field UnknownFlags of a
// row says which are not told: of an interface all but FlagUp, FlagRunning,
// FlagLoopback and FlagPromiscuous. A process of number 0 is unknown, since agents
// have it for none and for one that they do not know. Processes have no name.
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
// Several columns are asked for in one GetBulkRequest, with as many repetitions
// as the host has shown to answer well: more while answers come whole and soon,
// fewer once they get lost, are late, are cut short or are too big. A table that
// goes on after some answers is read by several sessions at a time, each in a
// part of its index. Requests are repeated a bounded number of times, and
// nothing that is received is kept beyond the rows that it completes.
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
