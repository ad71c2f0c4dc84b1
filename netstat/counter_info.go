package netstat

import (
	"strings"
	"sync"
)

// CounterInfo says what a counter is.
type CounterInfo struct {
	Kind CounterKind `json:"type"`
	// Unit is UnitEvents for counters that are not described.
	Unit Unit
	// Meaning is one line for a person, without a full stop; empty for
	// counters that are not described.
	Meaning string
}

// DescribeCounter returns what is known of the counter with a name as Counter
// has it. The meanings are those of the kernel's documentation
// (Documentation/networking/snmp_counter.rst, xfrm_proc.rst), of the RFCs that
// the names come from (RFC 4293, RFC 4022, RFC 4113) and of the places that
// count (include/uapi/linux/snmp.h, net/mptcp/mib.h, net/sctp/proc.c).
//
// A counter that it does not know is described as a cumulative one of events,
// which is what kernels add.
func DescribeCounter(name string) CounterInfo {
	if info, ok := counterInfos()[name]; ok {
		return info
	}
	// What the IP versions and the two UDPs have in common is described once.
	for _, family := range counterFamilies {
		if rest, ok := strings.CutPrefix(name, family.prefix); ok {
			if info, ok := family.infos()[rest]; ok {
				return info
			}
		}
	}
	for _, icmp := range []struct{ prefix, name string }{
		{"IcmpMsgInType", "ICMP messages received of type "}, {"IcmpMsgOutType", "ICMP messages sent of type "},
		{"Icmp6InType", "ICMPv6 messages received of type "}, {"Icmp6OutType", "ICMPv6 messages sent of type "},
	} {
		if kind, ok := strings.CutPrefix(name, icmp.prefix); ok && isDecimal(kind) {
			return CounterInfo{Cumulative, UnitMessages, icmp.name + kind}
		}
	}
	if strings.HasSuffix(name, "_inuse") {
		return CounterInfo{Kind: Gauge, Unit: UnitSockets}
	}
	return CounterInfo{Cumulative, UnitEvents, ""}
}

func isDecimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

var counterFamilies = []struct {
	prefix string
	infos  func() map[string]CounterInfo
}{
	{"IpExt", ipInfos}, {"Ip6", ipInfos}, {"Ip", ipInfos},
	{"UdpLite6", udpInfos}, {"UdpLite", udpInfos}, {"Udp6", udpInfos}, {"Udp", udpInfos},
}

// ipInfos are the counters of Ip, IpExt and Ip6.
var ipInfos = sync.OnceValue(func() map[string]CounterInfo {
	return map[string]CounterInfo{
		"Forwarding":       {Setting, UnitNone, "Whether the host forwards packets: 1 yes, 2 no"},
		"DefaultTTL":       {Setting, UnitHops, "Time to live of packets that nothing else sets it for"},
		"InReceives":       {Cumulative, UnitPackets, "Packets that arrived, those with errors included, after receive offload merged them"},
		"InHdrErrors":      {Cumulative, UnitPackets, "Packets dropped for errors in their header, such as a wrong checksum or a hop count that ran out"},
		"InTooBigErrors":   {Cumulative, UnitPackets, "Packets not forwarded since they were longer than the MTU of the link ahead"},
		"InAddrErrors":     {Cumulative, UnitPackets, "Packets dropped for their destination, such as one that is not this host's while it does not forward"},
		"ForwDatagrams":    {Cumulative, UnitPackets, "Packets forwarded, or meant to be"},
		"OutForwDatagrams": {Cumulative, UnitPackets, "Packets forwarded"},
		"InUnknownProtos":  {Cumulative, UnitPackets, "Packets dropped since nobody handles their transport protocol"},
		"InDiscards":       {Cumulative, UnitPackets, "Received packets dropped for reasons of this host's, such as a lack of memory"},
		"InDelivers":       {Cumulative, UnitPackets, "Packets handed to a transport protocol"},
		"OutRequests":      {Cumulative, UnitPackets, "Packets that this host's own protocols asked to send"},
		"OutDiscards":      {Cumulative, UnitPackets, "Packets to be sent that were dropped for reasons of this host's, such as a lack of memory"},
		"OutNoRoutes":      {Cumulative, UnitPackets, "Packets to be sent that had no route"},
		"OutTransmits":     {Cumulative, UnitPackets, "Packets given to a link, forwarded ones and fragments included"},
		"ReasmTimeout":     {Cumulative, UnitEvents, "Reassemblies given up since fragments were missing for too long"},
		"ReasmReqds":       {Cumulative, UnitPackets, "Fragments received that had to be reassembled"},
		"ReasmOKs":         {Cumulative, UnitPackets, "Packets reassembled"},
		"ReasmFails":       {Cumulative, UnitEvents, "Failures of reassembly, for any reason"},
		"ReasmOverlaps":    {Cumulative, UnitPackets, "Fragments that overlapped others"},
		"FragOKs":          {Cumulative, UnitPackets, "Packets split into fragments"},
		"FragFails":        {Cumulative, UnitPackets, "Packets that should have been split and could not or must not be"},
		"FragCreates":      {Cumulative, UnitPackets, "Fragments made"},
		"InNoRoutes":       {Cumulative, UnitPackets, "Received packets that had no route"},
		"InTruncatedPkts":  {Cumulative, UnitPackets, "Packets shorter than their header says"},
		"InMcastPkts":      {Cumulative, UnitPackets, "Multicast packets received"},
		"OutMcastPkts":     {Cumulative, UnitPackets, "Multicast packets sent"},
		"InBcastPkts":      {Cumulative, UnitPackets, "Broadcast packets received"},
		"OutBcastPkts":     {Cumulative, UnitPackets, "Broadcast packets sent"},
		"InOctets":         {Cumulative, UnitOctets, "Octets of the packets received, IP headers included"},
		"OutOctets":        {Cumulative, UnitOctets, "Octets of the packets sent, IP headers included"},
		"InMcastOctets":    {Cumulative, UnitOctets, "Octets of multicast packets received"},
		"OutMcastOctets":   {Cumulative, UnitOctets, "Octets of multicast packets sent"},
		"InBcastOctets":    {Cumulative, UnitOctets, "Octets of broadcast packets received"},
		"OutBcastOctets":   {Cumulative, UnitOctets, "Octets of broadcast packets sent"},
		"InCsumErrors":     {Cumulative, UnitPackets, "Packets with a wrong header checksum"},
		"InNoECTPkts":      {Cumulative, UnitPackets, "Packets received whose sender does not take part in ECN"},
		"InECT1Pkts":       {Cumulative, UnitPackets, "Packets received whose sender takes part in ECN, with the codepoint 01"},
		"InECT0Pkts":       {Cumulative, UnitPackets, "Packets received whose sender takes part in ECN, with the codepoint 10"},
		"InCEPkts":         {Cumulative, UnitPackets, "Packets received that a router marked for congestion (ECN)"},
	}
})

// udpInfos are the counters of UDP and UDP-Lite over both IP versions.
var udpInfos = sync.OnceValue(func() map[string]CounterInfo {
	return map[string]CounterInfo{
		"InDatagrams":  {Cumulative, UnitDatagrams, "Datagrams given to sockets"},
		"NoPorts":      {Cumulative, UnitDatagrams, "Datagrams to ports that no socket is bound to"},
		"InErrors":     {Cumulative, UnitDatagrams, "Received datagrams that could not be given to a socket, for reasons other than a missing one"},
		"OutDatagrams": {Cumulative, UnitDatagrams, "Datagrams sent"},
		"RcvbufErrors": {Cumulative, UnitDatagrams, "Datagrams dropped since the socket's receive buffer was full"},
		"SndbufErrors": {Cumulative, UnitDatagrams, "Datagrams not sent for lack of buffer space"},
		"InCsumErrors": {Cumulative, UnitDatagrams, "Datagrams with a wrong checksum"},
		"IgnoredMulti": {Cumulative, UnitDatagrams, "Multicast and broadcast datagrams that no socket wanted"},
		"MemErrors":    {Cumulative, UnitDatagrams, "Datagrams dropped since the protocol's memory was used up (udp_mem)"},
	}
})

var counterInfos = sync.OnceValue(func() map[string]CounterInfo {
	return map[string]CounterInfo{
		// ICMP (RFC 4293).
		"IcmpInMsgs":             {Cumulative, UnitMessages, "ICMP messages received, those with errors included"},
		"IcmpInErrors":           {Cumulative, UnitMessages, "ICMP messages received with errors"},
		"IcmpInCsumErrors":       {Cumulative, UnitMessages, "ICMP messages received with a wrong checksum"},
		"IcmpInDestUnreachs":     {Cumulative, UnitMessages, "Destination Unreachable messages received"},
		"IcmpInTimeExcds":        {Cumulative, UnitMessages, "Time Exceeded messages received"},
		"IcmpInParmProbs":        {Cumulative, UnitMessages, "Parameter Problem messages received"},
		"IcmpInSrcQuenchs":       {Cumulative, UnitMessages, "Source Quench messages received"},
		"IcmpInRedirects":        {Cumulative, UnitMessages, "Redirect messages received"},
		"IcmpInEchos":            {Cumulative, UnitMessages, "Echo requests received (others' pings)"},
		"IcmpInEchoReps":         {Cumulative, UnitMessages, "Echo replies received"},
		"IcmpInTimestamps":       {Cumulative, UnitMessages, "Timestamp requests received"},
		"IcmpInTimestampReps":    {Cumulative, UnitMessages, "Timestamp replies received"},
		"IcmpInAddrMasks":        {Cumulative, UnitMessages, "Address mask requests received"},
		"IcmpInAddrMaskReps":     {Cumulative, UnitMessages, "Address mask replies received"},
		"IcmpOutMsgs":            {Cumulative, UnitMessages, "ICMP messages that this host tried to send"},
		"IcmpOutErrors":          {Cumulative, UnitMessages, "ICMP messages not sent for problems within ICMP"},
		"IcmpOutRateLimitGlobal": {Cumulative, UnitMessages, "ICMP messages not sent for the limit of all together (icmp_msgs_per_sec)"},
		"IcmpOutRateLimitHost":   {Cumulative, UnitMessages, "ICMP messages not sent for the limit of one destination (icmp_ratelimit)"},
		"IcmpOutDestUnreachs":    {Cumulative, UnitMessages, "Destination Unreachable messages sent"},
		"IcmpOutTimeExcds":       {Cumulative, UnitMessages, "Time Exceeded messages sent"},
		"IcmpOutParmProbs":       {Cumulative, UnitMessages, "Parameter Problem messages sent"},
		"IcmpOutSrcQuenchs":      {Cumulative, UnitMessages, "Source Quench messages sent"},
		"IcmpOutRedirects":       {Cumulative, UnitMessages, "Redirect messages sent"},
		"IcmpOutEchos":           {Cumulative, UnitMessages, "Echo requests sent (pings)"},
		"IcmpOutEchoReps":        {Cumulative, UnitMessages, "Echo replies sent"},
		"IcmpOutTimestamps":      {Cumulative, UnitMessages, "Timestamp requests sent"},
		"IcmpOutTimestampReps":   {Cumulative, UnitMessages, "Timestamp replies sent"},
		"IcmpOutAddrMasks":       {Cumulative, UnitMessages, "Address mask requests sent"},
		"IcmpOutAddrMaskReps":    {Cumulative, UnitMessages, "Address mask replies sent"},

		// ICMPv6 (RFC 4443, RFC 4861, RFC 2710, RFC 3810).
		"Icmp6InMsgs":                    {Cumulative, UnitMessages, "ICMPv6 messages received, those with errors included"},
		"Icmp6InErrors":                  {Cumulative, UnitMessages, "ICMPv6 messages received with errors"},
		"Icmp6OutMsgs":                   {Cumulative, UnitMessages, "ICMPv6 messages sent"},
		"Icmp6OutErrors":                 {Cumulative, UnitMessages, "ICMPv6 messages not sent for problems within ICMPv6"},
		"Icmp6InCsumErrors":              {Cumulative, UnitMessages, "ICMPv6 messages received with a wrong checksum"},
		"Icmp6OutRateLimitHost":          {Cumulative, UnitMessages, "ICMPv6 messages not sent for the limit of one destination (ipv6.icmp.ratelimit)"},
		"Icmp6InDestUnreachs":            {Cumulative, UnitMessages, "Destination Unreachable messages received"},
		"Icmp6InPktTooBigs":              {Cumulative, UnitMessages, "Packet Too Big messages received"},
		"Icmp6InTimeExcds":               {Cumulative, UnitMessages, "Time Exceeded messages received"},
		"Icmp6InParmProblems":            {Cumulative, UnitMessages, "Parameter Problem messages received"},
		"Icmp6InEchos":                   {Cumulative, UnitMessages, "Echo requests received (others' pings)"},
		"Icmp6InEchoReplies":             {Cumulative, UnitMessages, "Echo replies received"},
		"Icmp6InGroupMembQueries":        {Cumulative, UnitMessages, "Multicast listener queries received"},
		"Icmp6InGroupMembResponses":      {Cumulative, UnitMessages, "Multicast listener reports of version 1 received"},
		"Icmp6InGroupMembReductions":     {Cumulative, UnitMessages, "Multicast listener done messages received"},
		"Icmp6InRouterSolicits":          {Cumulative, UnitMessages, "Router solicitations received"},
		"Icmp6InRouterAdvertisements":    {Cumulative, UnitMessages, "Router advertisements received"},
		"Icmp6InNeighborSolicits":        {Cumulative, UnitMessages, "Neighbour solicitations received"},
		"Icmp6InNeighborAdvertisements":  {Cumulative, UnitMessages, "Neighbour advertisements received"},
		"Icmp6InRedirects":               {Cumulative, UnitMessages, "Redirect messages received"},
		"Icmp6InMLDv2Reports":            {Cumulative, UnitMessages, "Multicast listener reports of version 2 received"},
		"Icmp6OutDestUnreachs":           {Cumulative, UnitMessages, "Destination Unreachable messages sent"},
		"Icmp6OutPktTooBigs":             {Cumulative, UnitMessages, "Packet Too Big messages sent"},
		"Icmp6OutTimeExcds":              {Cumulative, UnitMessages, "Time Exceeded messages sent"},
		"Icmp6OutParmProblems":           {Cumulative, UnitMessages, "Parameter Problem messages sent"},
		"Icmp6OutEchos":                  {Cumulative, UnitMessages, "Echo requests sent (pings)"},
		"Icmp6OutEchoReplies":            {Cumulative, UnitMessages, "Echo replies sent"},
		"Icmp6OutGroupMembQueries":       {Cumulative, UnitMessages, "Multicast listener queries sent"},
		"Icmp6OutGroupMembResponses":     {Cumulative, UnitMessages, "Multicast listener reports of version 1 sent"},
		"Icmp6OutGroupMembReductions":    {Cumulative, UnitMessages, "Multicast listener done messages sent"},
		"Icmp6OutRouterSolicits":         {Cumulative, UnitMessages, "Router solicitations sent"},
		"Icmp6OutRouterAdvertisements":   {Cumulative, UnitMessages, "Router advertisements sent"},
		"Icmp6OutNeighborSolicits":       {Cumulative, UnitMessages, "Neighbour solicitations sent"},
		"Icmp6OutNeighborAdvertisements": {Cumulative, UnitMessages, "Neighbour advertisements sent"},
		"Icmp6OutRedirects":              {Cumulative, UnitMessages, "Redirect messages sent"},
		"Icmp6OutMLDv2Reports":           {Cumulative, UnitMessages, "Multicast listener reports of version 2 sent"},

		// TCP (RFC 4022).
		"TcpRtoAlgorithm": {Setting, UnitNone, "Algorithm of the retransmission timeout: 1 stands for another than the RFC names"},
		"TcpRtoMin":       {Setting, UnitMilliseconds, "Least retransmission timeout"},
		"TcpRtoMax":       {Setting, UnitMilliseconds, "Longest retransmission timeout"},
		"TcpMaxConn":      {Setting, UnitConnections, "Most connections that are possible; -1: no fixed limit"},
		"TcpActiveOpens":  {Cumulative, UnitConnections, "Connections that this host began (SYN sent)"},
		"TcpPassiveOpens": {Cumulative, UnitConnections, "Connections that listeners took up"},
		"TcpAttemptFails": {Cumulative, UnitConnections, "Connections that failed before they were established"},
		"TcpEstabResets":  {Cumulative, UnitConnections, "Connections that ended at once from ESTABLISHED or CLOSE-WAIT"},
		"TcpCurrEstab":    {Gauge, UnitConnections, "Connections in ESTABLISHED or CLOSE-WAIT"},
		"TcpInSegs":       {Cumulative, UnitSegments, "Segments received, those with errors included"},
		"TcpOutSegs":      {Cumulative, UnitSegments, "Segments sent, without those that only repeat"},
		"TcpRetransSegs":  {Cumulative, UnitSegments, "Segments retransmitted"},
		"TcpInErrs":       {Cumulative, UnitSegments, "Segments received with errors, such as a wrong checksum"},
		"TcpOutRsts":      {Cumulative, UnitSegments, "Segments sent with RST"},
		"TcpInCsumErrors": {Cumulative, UnitSegments, "Segments received with a wrong checksum"},

		// TCP of Linux: how connections begin.
		"TcpExtSyncookiesSent":            {Cumulative, UnitSegments, "SYN cookies sent, since a listener's queue of requests was full"},
		"TcpExtSyncookiesRecv":            {Cumulative, UnitSegments, "ACKs that brought a valid SYN cookie back"},
		"TcpExtSyncookiesFailed":          {Cumulative, UnitSegments, "ACKs with a SYN cookie that is not valid"},
		"TcpExtEmbryonicRsts":             {Cumulative, UnitSegments, "Resets received for connections that were being set up (SYN-RECEIVED)"},
		"TcpExtListenOverflows":           {Cumulative, UnitConnections, "Connections not taken up since the listener's accept queue was full"},
		"TcpExtListenDrops":               {Cumulative, UnitConnections, "Connections that listeners dropped for any reason, overflows included"},
		"TcpExtTCPReqQFullDoCookies":      {Cumulative, UnitSegments, "SYNs answered with a cookie since the queue of requests was full"},
		"TcpExtTCPReqQFullDrop":           {Cumulative, UnitSegments, "SYNs dropped since the queue of requests was full and cookies are off"},
		"TcpExtTCPDeferAcceptDrop":        {Cumulative, UnitSegments, "ACKs without data passed over while a listener waits for data (TCP_DEFER_ACCEPT)"},
		"TcpExtTCPSynRetrans":             {Cumulative, UnitSegments, "SYNs and SYN-ACKs sent again"},
		"TcpExtTCPSYNChallenge":           {Cumulative, UnitSegments, "Challenge ACKs sent in answer to a SYN on a live connection (RFC 5961)"},
		"TcpExtTCPChallengeACK":           {Cumulative, UnitSegments, "Challenge ACKs sent in answer to suspicious segments (RFC 5961)"},
		"TcpExtTCPFastOpenActive":         {Cumulative, UnitConnections, "Fast Opens that this host began and whose data was acknowledged in the SYN-ACK"},
		"TcpExtTCPFastOpenActiveFail":     {Cumulative, UnitConnections, "Fast Opens that this host began and that were not accepted or timed out"},
		"TcpExtTCPFastOpenPassive":        {Cumulative, UnitConnections, "Fast Opens that listeners accepted"},
		"TcpExtTCPFastOpenPassiveFail":    {Cumulative, UnitConnections, "Fast Opens that listeners refused, such as for an invalid cookie"},
		"TcpExtTCPFastOpenListenOverflow": {Cumulative, UnitConnections, "Fast Opens refused since too many of a listener's were pending"},
		"TcpExtTCPFastOpenCookieReqd":     {Cumulative, UnitSegments, "SYNs that ask for a Fast Open cookie"},
		"TcpExtTCPFastOpenBlackhole":      {Cumulative, UnitEvents, "Times that Fast Open was switched off since the path seems to drop it"},
		"TcpExtTCPFastOpenPassiveAltKey":  {Cumulative, UnitConnections, "Fast Opens accepted with a cookie of the backup key"},
		"TcpExtTCPMigrateReqSuccess":      {Cumulative, UnitConnections, "Requests moved to another listener of the group when theirs closed"},
		"TcpExtTCPMigrateReqFailure":      {Cumulative, UnitConnections, "Requests that could not be moved to another listener when theirs closed"},

		// How they end.
		"TcpExtTW":                     {Cumulative, UnitSockets, "Sockets that went to wait in TIME-WAIT"},
		"TcpExtTWRecycled":             {Cumulative, UnitSockets, "Sockets in TIME-WAIT whose ports a new connection took over"},
		"TcpExtTWKilled":               {Cumulative, UnitSockets, "Sockets that went to wait for a few seconds only"},
		"TcpExtTCPTimeWaitOverflow":    {Cumulative, UnitSockets, "Sockets not kept in TIME-WAIT since there were too many (tcp_max_tw_buckets)"},
		"TcpExtTCPAbortOnData":         {Cumulative, UnitConnections, "Connections reset since data came that nobody would read, or closed with a linger time of 0"},
		"TcpExtTCPAbortOnClose":        {Cumulative, UnitConnections, "Connections reset since the process closed with data unread"},
		"TcpExtTCPAbortOnMemory":       {Cumulative, UnitConnections, "Connections reset since there were too many orphans or too little memory"},
		"TcpExtTCPAbortOnTimeout":      {Cumulative, UnitConnections, "Connections given up since retransmissions, probes or keepalives had no answer"},
		"TcpExtTCPAbortOnLinger":       {Cumulative, UnitConnections, "Connections in FIN-WAIT-2 reset at once (negative TCP_LINGER2)"},
		"TcpExtTCPAbortFailed":         {Cumulative, UnitEvents, "Resets that could not be sent for lack of memory"},
		"TcpExtTCPACKSkippedSynRecv":   {Cumulative, UnitSegments, "ACKs held back by the rate limit in SYN-RECEIVED (tcp_invalid_ratelimit)"},
		"TcpExtTCPACKSkippedPAWS":      {Cumulative, UnitSegments, "ACKs to segments with old timestamps held back by the rate limit"},
		"TcpExtTCPACKSkippedSeq":       {Cumulative, UnitSegments, "ACKs to segments outside the window held back by the rate limit"},
		"TcpExtTCPACKSkippedFinWait2":  {Cumulative, UnitSegments, "ACKs held back by the rate limit in FIN-WAIT-2"},
		"TcpExtTCPACKSkippedTimeWait":  {Cumulative, UnitSegments, "ACKs held back by the rate limit in TIME-WAIT"},
		"TcpExtTCPACKSkippedChallenge": {Cumulative, UnitSegments, "Challenge ACKs held back by the rate limit of one connection"},

		// Received segments that were refused.
		"TcpExtPAWSActive":          {Cumulative, UnitSegments, "Segments dropped in SYN-SENT for their timestamp (PAWS)"},
		"TcpExtPAWSEstab":           {Cumulative, UnitSegments, "Segments of established connections dropped for an old timestamp (PAWS)"},
		"TcpExtPAWSOldAck":          {Cumulative, UnitSegments, "Old ACKs that came late and were passed over for their timestamp (PAWS)"},
		"TcpExtPAWSTimewait":        {Cumulative, UnitSegments, "Segments dropped in TIME-WAIT for an old timestamp (PAWS)"},
		"TcpExtBeyondWindow":        {Cumulative, UnitSegments, "Segments that reach beyond the window"},
		"TcpExtTSEcrRejected":       {Cumulative, UnitSegments, "Segments refused since they echo a timestamp that was never sent"},
		"TcpExtOutOfWindowIcmps":    {Cumulative, UnitMessages, "ICMP messages passed over since they quote a segment outside the window"},
		"TcpExtLockDroppedIcmps":    {Cumulative, UnitMessages, "ICMP messages dropped since the socket was busy"},
		"TcpExtTCPMD5NotFound":      {Cumulative, UnitSegments, "Segments without the MD5 signature that was expected"},
		"TcpExtTCPMD5Unexpected":    {Cumulative, UnitSegments, "Segments with an MD5 signature where none was expected"},
		"TcpExtTCPMD5Failure":       {Cumulative, UnitSegments, "Segments with a wrong MD5 signature"},
		"TcpExtTCPAORequired":       {Cumulative, UnitSegments, "Segments without the authentication option that was expected (TCP-AO)"},
		"TcpExtTCPAOBad":            {Cumulative, UnitSegments, "Segments whose authentication failed (TCP-AO)"},
		"TcpExtTCPAOKeyNotFound":    {Cumulative, UnitSegments, "Segments authenticated with a key that is not known (TCP-AO)"},
		"TcpExtTCPAOGood":           {Cumulative, UnitSegments, "Segments whose authentication is right (TCP-AO)"},
		"TcpExtTCPAODroppedIcmps":   {Cumulative, UnitMessages, "ICMP messages passed over for connections with authentication (TCP-AO)"},
		"TcpExtTCPMinTTLDrop":       {Cumulative, UnitSegments, "Segments dropped since their TTL or hop limit is below the socket's least"},
		"TcpExtTCPBacklogDrop":      {Cumulative, UnitSegments, "Segments dropped since the socket was busy and its backlog full"},
		"TcpExtTCPRcvQDrop":         {Cumulative, UnitSegments, "Segments dropped since the receive queue was full or memory lacked"},
		"TcpExtTCPZeroWindowDrop":   {Cumulative, UnitSegments, "Segments dropped since the receive window was closed"},
		"TcpExtPFMemallocDrop":      {Cumulative, UnitPackets, "Packets dropped since they hold emergency memory and the socket may not use it"},
		"TcpExtIPReversePathFilter": {Cumulative, UnitPackets, "IPv4 packets dropped by the reverse path filter (rp_filter)"},
		"TcpExtArpFilter":           {Cumulative, UnitMessages, "ARP requests not answered for the setting arp_filter"},

		// Receive queues.
		"TcpExtPruneCalled":              {Cumulative, UnitEvents, "Times that a socket's queues had to be shrunk since its receive buffer was full"},
		"TcpExtRcvPruned":                {Cumulative, UnitEvents, "Times that shrinking did not suffice, so that received segments were dropped"},
		"TcpExtOfoPruned":                {Cumulative, UnitEvents, "Times that segments out of order were dropped to make room"},
		"TcpExtTCPRcvCollapsed":          {Cumulative, UnitPackets, "Buffers freed by merging others in full receive queues"},
		"TcpExtTCPRcvCoalesce":           {Cumulative, UnitPackets, "Received packets merged with the one before them in the queue"},
		"TcpExtTCPBacklogCoalesce":       {Cumulative, UnitPackets, "Received packets merged in the backlog of a busy socket"},
		"TcpExtTCPOFOQueue":              {Cumulative, UnitPackets, "Packets that came out of order and were kept"},
		"TcpExtTCPOFODrop":               {Cumulative, UnitPackets, "Packets that came out of order and were dropped, since the receive buffer was full"},
		"TcpExtTCPOFOMerge":              {Cumulative, UnitPackets, "Packets that came out of order and overlapped what was kept already"},
		"TcpExtTCPMemoryPressures":       {Cumulative, UnitEvents, "Times that TCP's memory came under pressure (tcp_mem)"},
		"TcpExtTCPMemoryPressuresChrono": {Cumulative, UnitMilliseconds, "Time that TCP's memory was under pressure"},
		"TcpExtTCPFromZeroWindowAdv":     {Cumulative, UnitEvents, "Times that the announced receive window opened from zero"},
		"TcpExtTCPToZeroWindowAdv":       {Cumulative, UnitEvents, "Times that the announced receive window closed to zero"},
		"TcpExtTCPWantZeroWindowAdv":     {Cumulative, UnitEvents, "Times that the receive window would have closed if windows might shrink"},
		"TcpExtTCPHPHits":                {Cumulative, UnitSegments, "Segments with data that took the fast path (header prediction)"},
		"TcpExtTCPPureAcks":              {Cumulative, UnitSegments, "ACKs without data that took the slow path"},
		"TcpExtTCPHPAcks":                {Cumulative, UnitSegments, "ACKs without data that took the fast path"},
		"TcpExtBusyPollRxPackets":        {Cumulative, UnitPackets, "Packets received by busy polling"},

		// Acknowledgements.
		"TcpExtDelayedACKs":            {Cumulative, UnitSegments, "Delayed ACKs sent"},
		"TcpExtDelayedACKLocked":       {Cumulative, UnitEvents, "Delayed ACKs put off further since the socket was busy"},
		"TcpExtDelayedACKLost":         {Cumulative, UnitSegments, "Segments received that had been acknowledged already, as after a lost ACK"},
		"TcpExtTCPAckCompressed":       {Cumulative, UnitSegments, "Duplicate ACKs left out since one carries the news of several"},
		"TcpExtTCPDSACKOldSent":        {Cumulative, UnitSegments, "Duplicates of acknowledged data reported to the sender (DSACK)"},
		"TcpExtTCPDSACKOfoSent":        {Cumulative, UnitSegments, "Duplicates of data out of order reported to the sender (DSACK)"},
		"TcpExtTCPDSACKRecv":           {Cumulative, UnitEvents, "Reports received that data sent again had arrived already (DSACK)"},
		"TcpExtTCPDSACKOfoRecv":        {Cumulative, UnitEvents, "Reports received of duplicates of data out of order (DSACK)"},
		"TcpExtTCPDSACKRecvSegs":       {Cumulative, UnitSegments, "Segments that were reported as duplicates (DSACK)"},
		"TcpExtTCPDSACKIgnoredOld":     {Cumulative, UnitEvents, "Reports of duplicates passed over since they are old (DSACK)"},
		"TcpExtTCPDSACKIgnoredNoUndo":  {Cumulative, UnitEvents, "Reports of duplicates passed over since nothing can be undone any longer (DSACK)"},
		"TcpExtTCPDSACKIgnoredDubious": {Cumulative, UnitEvents, "Reports of duplicates passed over as implausible (DSACK)"},
		"TcpExtTCPSACKDiscard":         {Cumulative, UnitEvents, "SACK blocks received that are not valid"},
		"TcpExtTCPSackShifted":         {Cumulative, UnitPackets, "Buffers of which selectively acknowledged parts were moved to a neighbour"},
		"TcpExtTCPSackMerged":          {Cumulative, UnitPackets, "Buffers merged with a neighbour that was selectively acknowledged, too"},
		"TcpExtTCPSackShiftFallback":   {Cumulative, UnitPackets, "Buffers that could not be merged with a selectively acknowledged neighbour"},

		// Loss, retransmission and recovery.
		"TcpExtTCPTimeouts":              {Cumulative, UnitEvents, "Retransmission timeouts"},
		"TcpExtTCPSpuriousRTOs":          {Cumulative, UnitEvents, "Retransmission timeouts found to have been needless (F-RTO)"},
		"TcpExtTCPLossProbes":            {Cumulative, UnitSegments, "Tail loss probes sent"},
		"TcpExtTCPLossProbeRecovery":     {Cumulative, UnitEvents, "Losses that a tail loss probe repaired"},
		"TcpExtTCPFastRetrans":           {Cumulative, UnitSegments, "Segments sent again in fast recovery"},
		"TcpExtTCPSlowStartRetrans":      {Cumulative, UnitSegments, "Segments sent again in slow start, after a timeout"},
		"TcpExtTCPLostRetransmit":        {Cumulative, UnitSegments, "Segments sent again that were lost once more"},
		"TcpExtTCPRetransFail":           {Cumulative, UnitSegments, "Segments that could not be sent again for reasons of this host's"},
		"TcpExtTCPSpuriousRtxHostQueues": {Cumulative, UnitSegments, "Retransmissions left out since the first copy still waits in this host"},
		"TcpExtTCPRenoRecovery":          {Cumulative, UnitEvents, "Fast recoveries of connections without SACK"},
		"TcpExtTCPSackRecovery":          {Cumulative, UnitEvents, "Fast recoveries of connections with SACK"},
		"TcpExtTCPRenoRecoveryFail":      {Cumulative, UnitEvents, "Fast recoveries without SACK that ended in a timeout"},
		"TcpExtTCPSackRecoveryFail":      {Cumulative, UnitEvents, "Fast recoveries with SACK that ended in a timeout"},
		"TcpExtTCPRenoFailures":          {Cumulative, UnitEvents, "Timeouts after duplicate ACKs, without SACK, before a recovery began"},
		"TcpExtTCPSackFailures":          {Cumulative, UnitEvents, "Timeouts after SACKs before a recovery began"},
		"TcpExtTCPLossFailures":          {Cumulative, UnitEvents, "Timeouts during the recovery from a timeout"},
		"TcpExtTCPSACKReneging":          {Cumulative, UnitEvents, "Times that a receiver dropped what it had selectively acknowledged"},
		"TcpExtTCPSACKReorder":           {Cumulative, UnitEvents, "Reorderings found by SACK"},
		"TcpExtTCPRenoReorder":           {Cumulative, UnitEvents, "Reorderings found by duplicate ACKs"},
		"TcpExtTCPTSReorder":             {Cumulative, UnitEvents, "Reorderings found when a hole was filled without a retransmission"},
		"TcpExtTCPFullUndo":              {Cumulative, UnitEvents, "Recoveries undone as a whole, since nothing had been lost (timestamps)"},
		"TcpExtTCPPartialUndo":           {Cumulative, UnitEvents, "Recoveries undone in part, since what was sent again had not been lost"},
		"TcpExtTCPDSACKUndo":             {Cumulative, UnitEvents, "Recoveries undone since every retransmission turned out a duplicate (DSACK)"},
		"TcpExtTCPLossUndo":              {Cumulative, UnitEvents, "Recoveries from timeouts undone since nothing had been lost"},
		"TcpExtTCPHystartTrainDetect":    {Cumulative, UnitEvents, "Times that slow start ended by the length of ACK trains (CUBIC's hybrid slow start)"},
		"TcpExtTCPHystartTrainCwnd":      {Cumulative, UnitSegments, "Sum of the congestion windows at those times"},
		"TcpExtTCPHystartDelayDetect":    {Cumulative, UnitEvents, "Times that slow start ended by growing delay (CUBIC's hybrid slow start)"},
		"TcpExtTCPHystartDelayCwnd":      {Cumulative, UnitSegments, "Sum of the congestion windows at those times"},

		// Sending.
		"TcpExtTCPOrigDataSent":        {Cumulative, UnitSegments, "Segments sent with data for the first time"},
		"TcpExtTCPDelivered":           {Cumulative, UnitSegments, "Segments with data that are known to have arrived"},
		"TcpExtTCPDeliveredCE":         {Cumulative, UnitSegments, "Segments that arrived marked for congestion (ECN)"},
		"TcpExtTCPAutoCorking":         {Cumulative, UnitEvents, "Times that small writes were gathered for a larger segment (tcp_autocorking)"},
		"TcpExtTCPKeepAlive":           {Cumulative, UnitSegments, "Keepalive probes sent"},
		"TcpExtTCPWinProbe":            {Cumulative, UnitSegments, "Probes of a closed window sent"},
		"TcpExtTCPMTUPFail":            {Cumulative, UnitEvents, "Path MTU probes that failed"},
		"TcpExtTCPMTUPSuccess":         {Cumulative, UnitEvents, "Path MTU probes that succeeded"},
		"TcpExtTCPWqueueTooBig":        {Cumulative, UnitEvents, "Times that a segment was not split since the send queue was too large already"},
		"TcpExtTcpTimeoutRehash":       {Cumulative, UnitEvents, "Flows that took another path after a timeout"},
		"TcpExtTcpDuplicateDataRehash": {Cumulative, UnitEvents, "Flows that took another path since duplicates arrived"},
		"TcpExtTCPPLBRehash":           {Cumulative, UnitEvents, "Flows that took another path to evade congestion (protective load balancing)"},

		// MPTCP (net/mptcp/mib.h).
		"MPTcpExtMPCapableSYNRX":          {Cumulative, UnitSegments, "SYNs received that offer MPTCP"},
		"MPTcpExtMPCapableSYNTX":          {Cumulative, UnitSegments, "SYNs sent that offer MPTCP"},
		"MPTcpExtMPCapableSYNACKRX":       {Cumulative, UnitSegments, "SYN-ACKs received that accept MPTCP"},
		"MPTcpExtMPCapableACKRX":          {Cumulative, UnitSegments, "Third ACKs received of MPTCP handshakes"},
		"MPTcpExtMPCapableFallbackACK":    {Cumulative, UnitConnections, "Connections that fell back to TCP in the handshake, as server"},
		"MPTcpExtMPCapableFallbackSYNACK": {Cumulative, UnitConnections, "Connections that fell back to TCP in the handshake, as client"},
		"MPTcpExtMPCapableSYNTXDrop":      {Cumulative, UnitConnections, "Connections that fell back to TCP since SYNs that offer MPTCP were lost"},
		"MPTcpExtMPCapableSYNTXDisabled":  {Cumulative, UnitConnections, "Connections that did not try MPTCP since such SYNs were lost before"},
		"MPTcpExtMPCapableEndpAttempt":    {Cumulative, UnitConnections, "Attempts to begin a connection at a port that is for additional subflows only"},
		"MPTcpExtMPFallbackTokenInit":     {Cumulative, UnitConnections, "Connections that fell back to TCP since no token could be made"},
		"MPTcpExtMPTCPRetrans":            {Cumulative, UnitSegments, "Segments sent again by MPTCP, as on another subflow"},
		"MPTcpExtMPJoinNoTokenFound":      {Cumulative, UnitSegments, "Requests to join with a token of no connection"},
		"MPTcpExtMPJoinSynRx":             {Cumulative, UnitSegments, "SYNs received that ask to join"},
		"MPTcpExtMPJoinSynAckRx":          {Cumulative, UnitSegments, "SYN-ACKs received that let join"},
		"MPTcpExtMPJoinSynAckHMacFailure": {Cumulative, UnitSegments, "SYN-ACKs of joins with a wrong HMAC"},
		"MPTcpExtMPJoinAckRx":             {Cumulative, UnitSegments, "Third ACKs received of joins"},
		"MPTcpExtMPJoinAckHMacFailure":    {Cumulative, UnitSegments, "Third ACKs of joins with a wrong HMAC"},
		"MPTcpExtMPJoinRejected":          {Cumulative, UnitEvents, "Joins that the path manager refused"},
		"MPTcpExtMPJoinSynTx":             {Cumulative, UnitSegments, "SYNs sent that ask to join"},
		"MPTcpExtDataCsumErr":             {Cumulative, UnitSegments, "Data whose MPTCP checksum is wrong"},
		"MPTcpExtOFOQueue":                {Cumulative, UnitSegments, "Segments kept out of order by MPTCP"},
		"MPTcpExtOFOQueueTail":            {Cumulative, UnitSegments, "Segments kept at the end of the queue out of order"},
		"MPTcpExtOFOMerge":                {Cumulative, UnitSegments, "Segments merged in the queue out of order"},
		"MPTcpExtNoDSSInWindow":           {Cumulative, UnitSegments, "Segments outside the MPTCP window"},
		"MPTcpExtDuplicateData":           {Cumulative, UnitSegments, "Segments dropped since their data was there already"},
		"MPTcpExtAddAddr":                 {Cumulative, UnitEvents, "Announcements of addresses received"},
		"MPTcpExtAddAddrTx":               {Cumulative, UnitEvents, "Announcements of addresses sent"},
		"MPTcpExtEchoAdd":                 {Cumulative, UnitEvents, "Confirmations of announced addresses received"},
		"MPTcpExtEchoAddTx":               {Cumulative, UnitEvents, "Confirmations of announced addresses sent"},
		"MPTcpExtRmAddr":                  {Cumulative, UnitEvents, "Withdrawals of addresses received"},
		"MPTcpExtRmAddrTx":                {Cumulative, UnitEvents, "Withdrawals of addresses sent"},
		"MPTcpExtRmSubflow":               {Cumulative, UnitEvents, "Subflows closed since their address was withdrawn"},
		"MPTcpExtMPPrioTx":                {Cumulative, UnitEvents, "Changes of a subflow's priority sent"},
		"MPTcpExtMPPrioRx":                {Cumulative, UnitEvents, "Changes of a subflow's priority received"},
		"MPTcpExtMPFailTx":                {Cumulative, UnitEvents, "Reports of wrong checksums sent"},
		"MPTcpExtMPFailRx":                {Cumulative, UnitEvents, "Reports of wrong checksums received"},
		"MPTcpExtMPFastcloseTx":           {Cumulative, UnitEvents, "Connections closed at once by this host"},
		"MPTcpExtMPFastcloseRx":           {Cumulative, UnitEvents, "Connections closed at once by the peer"},
		"MPTcpExtMPRstTx":                 {Cumulative, UnitEvents, "Resets of subflows sent"},
		"MPTcpExtMPRstRx":                 {Cumulative, UnitEvents, "Resets of subflows received"},
		"MPTcpExtSubflowStale":            {Cumulative, UnitEvents, "Subflows put aside since nothing moved on them"},
		"MPTcpExtSubflowRecover":          {Cumulative, UnitEvents, "Subflows taken up again after they were put aside"},
		"MPTcpExtMPJoinSynBackupRx":       {Cumulative, UnitSegments, "SYNs received that ask to join as a backup"},
		"MPTcpExtMPJoinSynAckBackupRx":    {Cumulative, UnitSegments, "SYN-ACKs received that let join as a backup"},
		"MPTcpExtMPJoinSynTxCreatSkErr":   {Cumulative, UnitEvents, "Joins that failed since no socket could be made"},
		"MPTcpExtMPJoinSynTxBindErr":      {Cumulative, UnitEvents, "Joins that failed since no address could be bound to"},
		"MPTcpExtMPJoinSynTxConnectErr":   {Cumulative, UnitEvents, "Joins that failed as the socket was connected"},
		"MPTcpExtDSSNotMatching":          {Cumulative, UnitSegments, "Mappings of data received that contradict the one before"},
		"MPTcpExtDSSCorruptionFallback":   {Cumulative, UnitConnections, "Connections that fell back to TCP since a mapping was corrupt"},
		"MPTcpExtDSSCorruptionReset":      {Cumulative, UnitEvents, "Joined subflows that were reset since a mapping was corrupt"},
		"MPTcpExtInfiniteMapTx":           {Cumulative, UnitEvents, "Mappings without end sent, with which a connection falls back to TCP"},
		"MPTcpExtInfiniteMapRx":           {Cumulative, UnitEvents, "Mappings without end received, with which a connection falls back to TCP"},
		"MPTcpExtDSSNoMatchTCP":           {Cumulative, UnitSegments, "Mappings of data received that do not fit TCP's sequence numbers"},
		"MPTcpExtAddAddrTxDrop":           {Cumulative, UnitEvents, "Announcements of addresses that could not be sent for lack of room"},
		"MPTcpExtEchoAddTxDrop":           {Cumulative, UnitEvents, "Confirmations of announced addresses that could not be sent for lack of room"},
		"MPTcpExtPortAdd":                 {Cumulative, UnitEvents, "Announcements of addresses received that have a port"},
		"MPTcpExtAddAddrDrop":             {Cumulative, UnitEvents, "Announcements of addresses received that were dropped"},
		"MPTcpExtMPJoinPortSynRx":         {Cumulative, UnitSegments, "SYNs received that ask to join at another port"},
		"MPTcpExtMPJoinPortSynAckRx":      {Cumulative, UnitSegments, "SYN-ACKs received that let join at another port"},
		"MPTcpExtMPJoinPortAckRx":         {Cumulative, UnitSegments, "Third ACKs received of joins at another port"},
		"MPTcpExtMismatchPortSynRx":       {Cumulative, UnitSegments, "SYNs received that ask to join at a port that was not announced"},
		"MPTcpExtMismatchPortAckRx":       {Cumulative, UnitSegments, "Third ACKs received of joins at a port that was not announced"},
		"MPTcpExtRmAddrDrop":              {Cumulative, UnitEvents, "Withdrawals of addresses received that were dropped"},
		"MPTcpExtRmAddrTxDrop":            {Cumulative, UnitEvents, "Withdrawals of addresses that could not be sent"},
		"MPTcpExtSndWndShared":            {Cumulative, UnitEvents, "Times that the connection's send window took the place of a subflow's"},
		"MPTcpExtRcvWndShared":            {Cumulative, UnitEvents, "Times that the connection's receive window took the place of a subflow's"},
		"MPTcpExtRcvWndConflictUpdate":    {Cumulative, UnitEvents, "Times that another subflow had moved the receive window further meanwhile, which was taken over"},
		"MPTcpExtRcvWndConflict":          {Cumulative, UnitEvents, "Conflicts of subflows that moved the receive window at the same time"},
		"MPTcpExtMPCapableDataFallback":   {Cumulative, UnitConnections, "Connections that fell back to TCP since the first data had no mapping"},
		"MPTcpExtMD5SigFallback":          {Cumulative, UnitConnections, "Connections that fell back to TCP for an option of TCP such as MD5 signatures"},
		"MPTcpExtDssFallback":             {Cumulative, UnitConnections, "Connections that fell back to TCP since mappings of data were bad or missing"},
		"MPTcpExtSimultConnectFallback":   {Cumulative, UnitConnections, "Connections that fell back to TCP since both ends connected at once"},
		"MPTcpExtFallbackFailed":          {Cumulative, UnitEvents, "Times that a connection could not fall back to TCP any more"},
		"MPTcpExtWinProbe":                {Cumulative, UnitSegments, "Probes of a window of 0 by MPTCP"},
		"MPTcpExtMPCurrEstab":             {Gauge, UnitConnections, "MPTCP connections that are established"},
		"MPTcpExtBlackhole":               {Cumulative, UnitEvents, "Times that a path was found to drop MPTCP"},

		// IPsec (Documentation/networking/xfrm_proc.rst).
		"XfrmInIptfsError":        {Cumulative, UnitPackets, "Packets received whose IP-TFS payload is wrong"},
		"XfrmOutNoQueueSpace":     {Cumulative, UnitPackets, "Packets not sent since the queue of IP-TFS was full"},
		"XfrmInError":             {Cumulative, UnitPackets, "Received packets dropped for errors that no other counter names"},
		"XfrmInBufferError":       {Cumulative, UnitPackets, "Received packets dropped for lack of a buffer"},
		"XfrmInHdrError":          {Cumulative, UnitPackets, "Received packets with errors in their header"},
		"XfrmInNoStates":          {Cumulative, UnitPackets, "Received packets for which there is no security association: wrong SPI, address or protocol"},
		"XfrmInStateProtoError":   {Cumulative, UnitPackets, "Received packets with an error of the transform, such as a wrong key"},
		"XfrmInStateModeError":    {Cumulative, UnitPackets, "Received packets with an error of the mode"},
		"XfrmInStateSeqError":     {Cumulative, UnitPackets, "Received packets with a sequence number outside the replay window"},
		"XfrmInStateExpired":      {Cumulative, UnitPackets, "Received packets whose security association has expired"},
		"XfrmInStateMismatch":     {Cumulative, UnitPackets, "Received packets whose security association has other options, such as UDP encapsulation"},
		"XfrmInStateInvalid":      {Cumulative, UnitPackets, "Received packets whose security association is not valid"},
		"XfrmInTmplMismatch":      {Cumulative, UnitPackets, "Received packets whose security association does not fit the policy's template"},
		"XfrmInNoPols":            {Cumulative, UnitPackets, "Received packets with a security association for which there is no policy"},
		"XfrmInPolBlock":          {Cumulative, UnitPackets, "Received packets that the policy blocks"},
		"XfrmInPolError":          {Cumulative, UnitPackets, "Received packets dropped for an error of the policy"},
		"XfrmAcquireError":        {Cumulative, UnitPackets, "Packets dropped while their security association was still being negotiated"},
		"XfrmFwdHdrError":         {Cumulative, UnitPackets, "Packets that must not be forwarded"},
		"XfrmOutError":            {Cumulative, UnitPackets, "Packets not sent for errors that no other counter names"},
		"XfrmOutBundleGenError":   {Cumulative, UnitPackets, "Packets not sent since no chain of associations could be made"},
		"XfrmOutBundleCheckError": {Cumulative, UnitPackets, "Packets not sent since the chain of associations is not valid"},
		"XfrmOutNoStates":         {Cumulative, UnitPackets, "Packets not sent since there is no security association"},
		"XfrmOutStateProtoError":  {Cumulative, UnitPackets, "Packets not sent for an error of the transform"},
		"XfrmOutStateModeError":   {Cumulative, UnitPackets, "Packets not sent for an error of the mode"},
		"XfrmOutStateSeqError":    {Cumulative, UnitPackets, "Packets not sent since the sequence numbers are used up"},
		"XfrmOutStateExpired":     {Cumulative, UnitPackets, "Packets not sent since the security association has expired"},
		"XfrmOutPolBlock":         {Cumulative, UnitPackets, "Packets that the policy does not let out"},
		"XfrmOutPolDead":          {Cumulative, UnitPackets, "Packets not sent since the policy is gone"},
		"XfrmOutPolError":         {Cumulative, UnitPackets, "Packets not sent for an error of the policy"},
		"XfrmOutStateInvalid":     {Cumulative, UnitPackets, "Packets not sent since the security association is not valid, perhaps expired"},
		"XfrmOutStateDirError":    {Cumulative, UnitPackets, "Packets not sent since the security association is one for receiving"},
		"XfrmInStateDirError":     {Cumulative, UnitPackets, "Received packets whose security association is one for sending"},

		// SCTP (RFC 3873).
		"SctpCurrEstab":        {Gauge, UnitConnections, "Associations that are established, or being shut down with data pending"},
		"SctpActiveEstabs":     {Cumulative, UnitConnections, "Associations that this host began"},
		"SctpPassiveEstabs":    {Cumulative, UnitConnections, "Associations that the peer began"},
		"SctpAborteds":         {Cumulative, UnitConnections, "Associations aborted"},
		"SctpShutdowns":        {Cumulative, UnitConnections, "Associations ended in good order"},
		"SctpOutOfBlues":       {Cumulative, UnitPackets, "Packets received for no association"},
		"SctpChecksumErrors":   {Cumulative, UnitPackets, "Packets received with a wrong checksum"},
		"SctpOutCtrlChunks":    {Cumulative, UnitMessages, "Control chunks sent, without those sent again"},
		"SctpOutOrderChunks":   {Cumulative, UnitMessages, "Ordered data chunks sent, without those sent again"},
		"SctpOutUnorderChunks": {Cumulative, UnitMessages, "Unordered data chunks sent, without those sent again"},
		"SctpInCtrlChunks":     {Cumulative, UnitMessages, "Control chunks received, without duplicates"},
		"SctpInOrderChunks":    {Cumulative, UnitMessages, "Ordered data chunks received, without duplicates"},
		"SctpInUnorderChunks":  {Cumulative, UnitMessages, "Unordered data chunks received, without duplicates"},
		"SctpFragUsrMsgs":      {Cumulative, UnitMessages, "Messages of processes that had to be fragmented"},
		"SctpReasmUsrMsgs":     {Cumulative, UnitMessages, "Messages for processes that were reassembled"},
		"SctpOutSCTPPacks":     {Cumulative, UnitPackets, "Packets sent"},
		"SctpInSCTPPacks":      {Cumulative, UnitPackets, "Packets received"},

		// Sockets (/proc/net/sockstat, sockstat6).
		"sockets_used":   {Gauge, UnitSockets, "Sockets of every family"},
		"TCP_inuse":      {Gauge, UnitSockets, "TCP sockets of IPv4 that listen or are connected"},
		"TCP_orphan":     {Gauge, UnitConnections, "TCP connections that no process holds any longer, of every namespace"},
		"TCP_tw":         {Gauge, UnitSockets, "TCP sockets that wait in TIME-WAIT"},
		"TCP_alloc":      {Gauge, UnitSockets, "TCP sockets that take memory, of every namespace"},
		"TCP_mem":        {Gauge, UnitPages, "Memory of TCP's buffers, of every namespace"},
		"UDP_inuse":      {Gauge, UnitSockets, "UDP sockets of IPv4"},
		"UDP_mem":        {Gauge, UnitPages, "Memory of UDP's buffers, of every namespace"},
		"UDPLITE_inuse":  {Gauge, UnitSockets, "UDP-Lite sockets of IPv4"},
		"RAW_inuse":      {Gauge, UnitSockets, "Raw sockets of IPv4"},
		"FRAG_inuse":     {Gauge, UnitPackets, "IPv4 packets that wait for fragments"},
		"FRAG_memory":    {Gauge, UnitOctets, "Memory of IPv4 packets that wait for fragments"},
		"TCP6_inuse":     {Gauge, UnitSockets, "TCP sockets of IPv6 that listen or are connected"},
		"UDP6_inuse":     {Gauge, UnitSockets, "UDP sockets of IPv6"},
		"UDPLITE6_inuse": {Gauge, UnitSockets, "UDP-Lite sockets of IPv6"},
		"RAW6_inuse":     {Gauge, UnitSockets, "Raw sockets of IPv6"},
		"FRAG6_inuse":    {Gauge, UnitPackets, "IPv6 packets that wait for fragments"},
		"FRAG6_memory":   {Gauge, UnitOctets, "Memory of IPv6 packets that wait for fragments"},

		// TLS in the kernel (Documentation/networking/tls.rst).
		"TlsCurrTxSw":         {Gauge, UnitConnections, "Connections whose sending the processor encrypts"},
		"TlsCurrRxSw":         {Gauge, UnitConnections, "Connections whose received data the processor decrypts"},
		"TlsCurrTxDevice":     {Gauge, UnitConnections, "Connections whose sending the device encrypts"},
		"TlsCurrRxDevice":     {Gauge, UnitConnections, "Connections whose received data the device decrypts"},
		"TlsTxSw":             {Cumulative, UnitConnections, "Connections set up to send with encryption by the processor"},
		"TlsRxSw":             {Cumulative, UnitConnections, "Connections set up to receive with decryption by the processor"},
		"TlsTxDevice":         {Cumulative, UnitConnections, "Connections set up to send with encryption by the device"},
		"TlsRxDevice":         {Cumulative, UnitConnections, "Connections set up to receive with decryption by the device"},
		"TlsDecryptError":     {Cumulative, UnitEvents, "Records that could not be decrypted, such as for a wrong tag"},
		"TlsRxDeviceResync":   {Cumulative, UnitEvents, "Times that the device was told where records begin again"},
		"TlsDecryptRetry":     {Cumulative, UnitEvents, "Records decrypted once more after a wrong guess of their padding"},
		"TlsRxNoPadViolation": {Cumulative, UnitEvents, "Records of data decrypted once more since they had padding, against expectation"},

		// Connection tracking (net/netfilter/nf_conntrack_core.c, nf_conntrack_expect.c).
		"ConntrackEntries":       {Gauge, UnitConnections, "Flows that are tracked now"},
		"ConntrackFound":         {Cumulative, UnitEvents, "Lookups before a translation that found the wanted addresses and ports in use"},
		"ConntrackInvalid":       {Cumulative, UnitPackets, "Packets that could not be tracked, such as those that no state of TCP allows"},
		"ConntrackInsert":        {Cumulative, UnitEvents, "Entries put into the table by programs"},
		"ConntrackInsertFailed":  {Cumulative, UnitEvents, "Entries that could not be put into the table, since another was there"},
		"ConntrackDrop":          {Cumulative, UnitPackets, "Packets dropped, since no entry could be made or put into the table"},
		"ConntrackEarlyDrop":     {Cumulative, UnitEvents, "Entries dropped to make room for new ones, since the table was full"},
		"ConntrackError":         {Cumulative, UnitPackets, "Packets with an error, ICMP's and others', that are passed on untracked or dropped"},
		"ConntrackSearchRestart": {Cumulative, UnitEvents, "Lookups begun anew, since the table was resized or an entry moved"},
		"ConntrackClashResolve":  {Cumulative, UnitEvents, "Races of two first packets of a flow that were settled without a loss"},
		"ConntrackChainTooLong":  {Cumulative, UnitEvents, "Entries not made, since their bucket of the table was too full"},
		"ConntrackExpectNew":     {Cumulative, UnitEvents, "Flows that came as a helper expected"},
		"ConntrackExpectCreate":  {Cumulative, UnitEvents, "Expectations made"},
		"ConntrackExpectDelete":  {Cumulative, UnitEvents, "Expectations that went: fulfilled, timed out or deleted"},
	}
})
