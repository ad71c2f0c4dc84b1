package page

import "github.com/netsnmp-agent/netsnmp-agent/netstat"

// stackFaults are the kernel's counters that should not grow, the gravest first. netstat.DescribeCounter has their
// meanings.
var stackFaults = [...]string{
	"TcpExtListenOverflows", "TcpExtListenDrops", "TcpExtTCPAbortOnMemory", "TcpExtTCPBacklogDrop", "TcpExtPruneCalled", "TcpExtRcvPruned",
	"TcpExtOfoPruned", "TcpExtTCPRcvQDrop", "TcpExtTCPZeroWindowDrop", "TcpExtTCPMemoryPressures", "TcpExtTCPReqQFullDrop", "TcpExtTCPReqQFullDoCookies", "TcpExtTCPTimeWaitOverflow",
	"UdpRcvbufErrors", "UdpSndbufErrors", "UdpMemErrors", "UdpInCsumErrors", "Udp6RcvbufErrors", "Udp6SndbufErrors", "Udp6MemErrors", "Udp6InCsumErrors",
	"TcpInCsumErrors", "TcpInErrs", "IpInDiscards", "IpOutDiscards", "IpReasmFails", "IpFragFails", "Ip6InDiscards", "Ip6OutDiscards", "Ip6ReasmFails", "Ip6FragFails",
	"ConntrackInsertFailed", "ConntrackDrop", "ConntrackEarlyDrop", "ConntrackChainTooLong",
}

// linkFaults are counters of an interface that should not grow.
var linkFaults = [...]struct {
	name, meaning string
	at            func(c *netstat.InterfaceCounters) *netstat.Optional[uint64]
}{
	{"rx errors", "Packets received with errors", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InErrors }},
	{"tx errors", "Packets that could not be sent for errors", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutErrors }},
	{"rx dropped", "Packets received and dropped for lack of memory", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InDropped }},
	{"rx missed", "Packets that the device missed for lack of buffers", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InMissedErrors }},
	{"tx dropped", "Packets dropped instead of sent", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutDropped }},
}
