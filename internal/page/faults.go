package page

import (
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

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
	{"rx dropped", "Packets received and dropped, for lack of memory or since no protocol takes them", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InDropped }},
	{"rx missed", "Packets that the device missed for lack of buffers", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.InMissedErrors }},
	{"tx dropped", "Packets dropped instead of sent", func(c *netstat.InterfaceCounters) *netstat.Optional[uint64] { return &c.OutDropped }},
}

// softnetFaults are counters of processors that should not grow. They are the host's, and shown for the default
// namespace.
var softnetFaults = [...]struct {
	name, meaning string
	of            func(readings.Softnet) uint64
}{
	{softnetPrefix + "Dropped", "Packets dropped, since a processor's backlog was full (net.core.netdev_max_backlog)", func(s readings.Softnet) uint64 { return s.Dropped }},
	{softnetPrefix + "FlowLimited", "Packets of large flows dropped, since a processor's backlog was half full", func(s readings.Softnet) uint64 { return s.FlowLimited }},
	{softnetPrefix + "Squeezed", "Times that received packets had to wait, since a processor's budget or time was used up (net.core.netdev_budget)", func(s readings.Softnet) uint64 { return s.Squeezed }},
}

const softnetPrefix = "Softnet"

func isSoftnet(name string) bool { return strings.HasPrefix(name, softnetPrefix) }
