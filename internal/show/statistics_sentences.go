package show

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sentence is what net-tools says of a counter.
type sentence struct {
	name string // the kernel's, behind its section
	when when
	text string // with a % in place of the number
}

// when is when net-tools says something of a counter, and where.
type when uint8

const (
	sayAlways     when = iota
	sayNever           // it is a setting
	sayUnlessZero      // it counted something
	sayReceived        // likewise, below a title of its own
	saySent
)

// histograms are the titles above messages of ICMP by their type.
var histograms = map[when]string{sayReceived: "ICMP input histogram:", saySent: "ICMP output histogram:"}

// wordedSection is a section of counters in words.
type wordedSection struct {
	name  string
	group netstat.CounterGroup
	// chosen reports whether flags choose it, where any chooses protocols; nil for one that is
	// always shown, as net-tools does with what it does not know.
	chosen func(*Options) bool
}

// wordedSections4 and wordedSections6 are the sections of IPv4 and IPv6, in net-tools' order.
// It shows TCP, which counts both, with either.
var (
	wordedSections4 = []wordedSection{
		{"Ip", netstat.GroupIP, func(o *Options) bool { return o.Raw }},
		{"Icmp", netstat.GroupICMP, func(o *Options) bool { return o.Raw || o.ICMP }},
		{"IcmpMsg", netstat.GroupICMP, nil},
		{"Tcp", netstat.GroupTCP, func(o *Options) bool { return o.TCP }},
		{"Udp", netstat.GroupUDP, func(o *Options) bool { return o.UDP }},
		{"UdpLite", netstat.GroupUDPLite, nil},
		{"TcpExt", netstat.GroupTCP, func(o *Options) bool { return o.TCP }},
		{"IpExt", netstat.GroupIP, nil},
		{"MPTcpExt", netstat.GroupMPTCP, nil},
		{"Sctp", netstat.GroupSCTP, func(o *Options) bool { return o.SCTP }},
	}
	wordedSections6 = []wordedSection{
		{"Ip6", netstat.GroupIP6, func(o *Options) bool { return o.Raw }},
		{"Icmp6", netstat.GroupICMP6, func(o *Options) bool { return o.Raw || o.ICMP }},
		{"Udp6", netstat.GroupUDP6, func(o *Options) bool { return o.UDP }},
		{"UdpLite6", netstat.GroupUDPLite6, nil},
		{"Tcp", netstat.GroupTCP, func(o *Options) bool { return o.TCP }},
	}
)

// everyWordedSection returns the sections of the families that the options choose.
func (o *Options) everyWordedSection() (sections []wordedSection) {
	if o.IPv4 || !o.IPv6 {
		sections = append(sections, wordedSections4...)
	}
	if o.IPv6 {
		for _, s := range wordedSections6 {
			if !slices.ContainsFunc(sections, func(other wordedSection) bool { return other.name == s.name }) {
				sections = append(sections, s)
			}
		}
	}
	return sections
}

// wordedSections are those of them that are shown.
func (o *Options) wordedSections() []wordedSection {
	return slices.DeleteFunc(o.everyWordedSection(), func(s wordedSection) bool {
		return s.chosen != nil && o.NamesProtocol() && !s.chosen(o)
	})
}

// Statistics is the table of the counters of protocols in the words, and the order, that
// net-tools has for them.
func Statistics() Table {
	return &kind[counterView]{
		Kind: counterKind(),
		what: "counters",
		read: wordedCounters,
		paragraph: func(s *Session) func(*Row[counterView]) {
			p := sentencePrinter{s: s, sentences: make(map[string]sentence)}
			for _, known := range sentences() {
				p.sentences[known.name] = known
			}
			return p.row
		},
	}
}

// wordedCounters yields the counters of the sections that the options choose, section by
// section.
func wordedCounters(ctx context.Context, q *query) iter.Seq2[counterView, error] {
	reader, ok := q.src.Stack.(netstat.CounterReader)
	if !ok {
		return failed[counterView](netstat.ErrNotSupported)
	}
	return func(yield func(counterView, error) bool) {
		sections := q.wordedSections()
		var groups []netstat.CounterGroup
		for _, s := range sections {
			if !slices.Contains(groups, s.group) {
				groups = append(groups, s.group)
			}
		}
		found := make(map[string][]counterView)
		seen := make(map[netstat.CounterGroup]bool)
		for c, err := range reader.Counters(ctx, groups...) {
			switch {
			case errors.Is(err, netstat.ErrNotSupported):
				continue
			case err != nil:
				yield(counterView{}, err)
				return
			}
			seen[c.Group] = true
			title := section(&c)
			found[title] = append(found[title], counterView{Counter: c, value: netstat.Known(c.Value)})
		}
		for _, s := range sections {
			for _, c := range found[s.name] {
				if !yield(c, nil) {
					return
				}
			}
		}
		asked := map[netstat.CounterGroup]bool{netstat.GroupSCTP: q.SCTP, netstat.GroupMPTCP: q.MPTCP}
		for _, group := range groups {
			if !seen[group] && (asked[group] || len(seen) == 0) {
				yield(counterView{}, fmt.Errorf("%s: %w", group, netstat.ErrNotSupported))
				return
			}
		}
	}
}

// sentencePrinter prints counters in words.
type sentencePrinter struct {
	s         *Session
	sentences map[string]sentence
	from      *Source
	section   string
	// last is when the counter before was told: what follows a histogram that has no words is
	// in its column.
	last when
}

func (p *sentencePrinter) row(r *Row[counterView]) {
	title := section(&r.v.Counter)
	if title != p.section || r.from != p.from {
		p.begin(r.from, title)
	}
	n := r.v.Value
	known, ok := p.sentences[r.v.Name]
	if !ok {
		if n != (netstat.Number{}) {
			p.line(p.last, append(append(table.AppendEscaped(nil, p.bare(r.v.Name)), ": "...), p.number(n)...))
		}
		return
	}
	if known.when == sayNever {
		return
	}
	if histogram := histograms[known.when]; histogram != "" && known.when != p.last {
		p.line(p.last, []byte(histogram))
	}
	if known.when == sayAlways || n != (netstat.Number{}) {
		p.line(known.when, []byte(strings.Replace(known.text, "%", p.number(n), 1)))
	}
	p.last = known.when
}

// begin begins a section. What follows a histogram begins anew with each section that
// net-tools knows, one that is not shown among them.
func (p *sentencePrinter) begin(from *Source, title string) {
	all := p.s.everyWordedSection()
	place := func(name string) int {
		return slices.IndexFunc(all, func(s wordedSection) bool { return s.name == name })
	}
	before := -1
	if p.from == from {
		before = place(p.section)
	}
	if slices.ContainsFunc(all[before+1:place(title)+1], func(s wordedSection) bool { return s.chosen != nil }) {
		p.last = sayAlways
	}
	p.from, p.section = from, title
	if from.label() != "" {
		title += " of " + string(table.AppendEscaped(nil, from.label()))
	}
	p.s.out.Title(title + ":")
}

// bare returns a counter's name without its section where that is no part of it.
func (p *sentencePrinter) bare(name string) string {
	if strings.HasSuffix(p.section, "6") || p.section == "Sctp" {
		return name
	}
	return strings.TrimPrefix(name, p.section)
}

func (p *sentencePrinter) number(n netstat.Number) string {
	if magnitude, ok := n.Uint64(); ok && p.s.Human {
		return string(p.s.appendCount(nil, magnitude))
	}
	return n.String()
}

func (p *sentencePrinter) line(of when, text []byte) {
	indent := "    "
	if histograms[of] != "" {
		indent += indent
	}
	p.s.out.Line(indent + string(text))
}

// sentences are what net-tools 2.10 says of counters as Debian has it. Of some that it has
// words for it does not say them, since it looks for them where they are not: those are not
// here, and told by their names as all others.
func sentences() []sentence {
	return []sentence{
		{"IpDefaultTTL", sayNever, ""},
		{"IpForwDatagrams", sayAlways, "% forwarded"},
		{"IpFragCreates", sayUnlessZero, "% fragments created"},
		{"IpFragFails", sayUnlessZero, "% outgoing packets failed fragmentation"},
		{"IpFragOKs", sayUnlessZero, "% outgoing packets fragmented ok"},
		{"IpInAddrErrors", sayUnlessZero, "% with invalid addresses"},
		{"IpInDelivers", sayAlways, "% incoming packets delivered"},
		{"IpInDiscards", sayAlways, "% incoming packets discarded"},
		{"IpInHdrErrors", sayUnlessZero, "% with invalid headers"},
		{"IpInReceives", sayAlways, "% total packets received"},
		{"IpInUnknownProtos", sayUnlessZero, "% with unknown protocol"},
		{"IpOutDiscards", sayUnlessZero, "% outgoing packets dropped"},
		{"IpOutNoRoutes", sayUnlessZero, "% dropped because of missing route"},
		{"IpOutRequests", sayAlways, "% requests sent out"},
		{"IpReasmFails", sayUnlessZero, "% packet reassemblies failed"},
		{"IpReasmOKs", sayUnlessZero, "% packets reassembled ok"},
		{"IpReasmReqds", sayUnlessZero, "% reassemblies required"},
		{"IpReasmTimeout", sayUnlessZero, "% fragments dropped after timeout"},
		{"IcmpInAddrMaskReps", sayReceived, "address mask replies: %"},
		{"IcmpInAddrMasks", sayReceived, "address mask request: %"},
		{"IcmpInDestUnreachs", sayReceived, "destination unreachable: %"},
		{"IcmpInEchoReps", sayReceived, "echo replies: %"},
		{"IcmpInEchos", sayReceived, "echo requests: %"},
		{"IcmpInErrors", sayAlways, "% input ICMP message failed"},
		{"IcmpInMsgs", sayAlways, "% ICMP messages received"},
		{"IcmpInParmProbs", sayReceived, "wrong parameters: %"},
		{"IcmpInRedirects", sayReceived, "redirects: %"},
		{"IcmpInSrcQuenchs", sayReceived, "source quenches: %"},
		{"IcmpInTimeExcds", sayReceived, "timeout in transit: %"},
		{"IcmpInTimestampReps", sayReceived, "timestamp reply: %"},
		{"IcmpInTimestamps", sayReceived, "timestamp request: %"},
		{"IcmpOutAddrMaskReps", saySent, "address mask replies: %"},
		{"IcmpOutAddrMasks", saySent, "address mask requests: %"},
		{"IcmpOutDestUnreachs", saySent, "destination unreachable: %"},
		{"IcmpOutEchoReps", saySent, "echo replies: %"},
		{"IcmpOutEchos", saySent, "echo requests: %"},
		{"IcmpOutErrors", sayAlways, "% ICMP messages failed"},
		{"IcmpOutMsgs", sayAlways, "% ICMP messages sent"},
		{"IcmpOutParmProbs", saySent, "wrong parameters: %"},
		{"IcmpOutRedirects", saySent, "redirect: %"},
		{"IcmpOutSrcQuenchs", saySent, "source quench: %"},
		{"IcmpOutTimeExcds", saySent, "time exceeded: %"},
		{"IcmpOutTimestampReps", saySent, "timestamp replies: %"},
		{"IcmpOutTimestamps", saySent, "timestamp requests: %"},
		{"TcpActiveOpens", sayAlways, "% active connection openings"},
		{"TcpAttemptFails", sayAlways, "% failed connection attempts"},
		{"TcpCurrEstab", sayAlways, "% connections established"},
		{"TcpEstabResets", sayAlways, "% connection resets received"},
		{"TcpInErrs", sayAlways, "% bad segments received"},
		{"TcpInSegs", sayAlways, "% segments received"},
		{"TcpMaxConn", sayNever, ""},
		{"TcpOutRsts", sayAlways, "% resets sent"},
		{"TcpOutSegs", sayAlways, "% segments sent out"},
		{"TcpPassiveOpens", sayAlways, "% passive connection openings"},
		{"TcpRetransSegs", sayAlways, "% segments retransmitted"},
		{"TcpRtoAlgorithm", sayNever, ""},
		{"TcpRtoMax", sayNever, ""},
		{"TcpRtoMin", sayNever, ""},
		{"UdpInDatagrams", sayAlways, "% packets received"},
		{"UdpInErrors", sayAlways, "% packet receive errors"},
		{"UdpNoPorts", sayAlways, "% packets to unknown port received"},
		{"UdpOutDatagrams", sayAlways, "% packets sent"},
		{"UdpRcvbufErrors", sayAlways, "% receive buffer errors"},
		{"UdpSndbufErrors", sayAlways, "% send buffer errors"},
		{"TcpExtDelayedACKLocked", sayUnlessZero, "% delayed acks further delayed because of locked socket"},
		{"TcpExtDelayedACKLost", sayUnlessZero, "Quick ack mode was activated % times"},
		{"TcpExtDelayedACKs", sayUnlessZero, "% delayed acks sent"},
		{"TcpExtEmbryonicRsts", sayUnlessZero, "% resets received for embryonic SYN_RECV sockets"},
		{"TcpExtListenDrops", sayUnlessZero, "% SYNs to LISTEN sockets dropped"},
		{"TcpExtListenOverflows", sayUnlessZero, "% times the listen queue of a socket overflowed"},
		{"TcpExtLockDroppedIcmps", sayUnlessZero, "% ICMP packets dropped because socket was locked"},
		{"TcpExtOfoPruned", sayUnlessZero, "% packets dropped from out-of-order queue because of socket buffer overrun"},
		{"TcpExtOutOfWindowIcmps", sayUnlessZero, "% ICMP packets dropped because they were out-of-window"},
		{"TcpExtPAWSActive", sayUnlessZero, "% active connections rejected because of time stamp"},
		{"TcpExtPAWSEstab", sayUnlessZero, "% packets rejected in established connections because of timestamp"},
		{"TcpExtPAWSPassive", sayUnlessZero, "% passive connections rejected because of time stamp"},
		{"TcpExtPruneCalled", sayUnlessZero, "% packets pruned from receive queue because of socket buffer overrun"},
		{"TcpExtRcvPruned", sayUnlessZero, "% packets pruned from receive queue"},
		{"TcpExtSockMallocOOM", sayUnlessZero, "Ran % times out of system memory during packet sending"},
		{"TcpExtSyncookiesFailed", sayUnlessZero, "% invalid SYN cookies received"},
		{"TcpExtSyncookiesRecv", sayUnlessZero, "% SYN cookies received"},
		{"TcpExtSyncookiesSent", sayUnlessZero, "% SYN cookies sent"},
		{"TcpExtTCPAbortFailed", sayUnlessZero, "% times unable to send RST due to no memory"},
		{"TcpExtTCPAbortOnClose", sayUnlessZero, "% connections reset due to early user close"},
		{"TcpExtTCPAbortOnData", sayUnlessZero, "% connections reset due to unexpected data"},
		{"TcpExtTCPAbortOnLinger", sayUnlessZero, "% connections aborted after user close in linger timeout"},
		{"TcpExtTCPAbortOnMemory", sayUnlessZero, "% connections aborted due to memory pressure"},
		{"TcpExtTCPAbortOnSyn", sayUnlessZero, "% connections reset due to unexpected SYN"},
		{"TcpExtTCPAbortOnTimeout", sayUnlessZero, "% connections aborted due to timeout"},
		{"TcpExtTCPDirectCopyFromBacklog", sayUnlessZero, "% bytes directly in process context from backlog"},
		{"TcpExtTCPFACKReorder", sayUnlessZero, "Detected reordering % times using FACK"},
		{"TcpExtTCPFastRetrans", sayUnlessZero, "% fast retransmits"},
		{"TcpExtTCPForwardRetrans", sayUnlessZero, "% forward retransmits"},
		{"TcpExtTCPFullUndo", sayUnlessZero, "% congestion windows fully recovered without slow start"},
		{"TcpExtTCPHPAcks", sayUnlessZero, "% predicted acknowledgments"},
		{"TcpExtTCPHPHits", sayAlways, "% packet headers predicted"},
		{"TcpExtTCPHPHitsToUser", sayUnlessZero, "% packet headers predicted and directly queued to user"},
		{"TcpExtTCPLossFailures", sayUnlessZero, "% timeouts in loss state"},
		{"TcpExtTCPLossUndo", sayUnlessZero, "% congestion windows recovered without slow start after partial ack"},
		{"TcpExtTCPLostRetransmits", sayUnlessZero, "% retransmits lost"},
		{"TcpExtTCPMemoryPressures", sayUnlessZero, "TCP ran low on memory % times"},
		{"TcpExtTCPPartialUndo", sayUnlessZero, "% congestion windows partially recovered using Hoe heuristic"},
		{"TcpExtTCPPrequeued", sayUnlessZero, "% packets directly queued to recvmsg prequeue"},
		{"TcpExtTCPPureAcks", sayUnlessZero, "% acknowledgments not containing data payload received"},
		{"TcpExtTCPRcvCollapsed", sayUnlessZero, "% packets collapsed in receive queue due to low socket buffer"},
		{"TcpExtTCPRenoFailures", sayUnlessZero, "% timeouts after reno fast retransmit"},
		{"TcpExtTCPRenoRecovery", sayUnlessZero, "% times recovered from packet loss due to fast retransmit"},
		{"TcpExtTCPRenoReorder", sayUnlessZero, "Detected reordering % times using reno fast retransmit"},
		{"TcpExtTCPSACKReorder", sayUnlessZero, "Detected reordering % times using SACK"},
		{"TcpExtTCPSchedulerFailed", sayUnlessZero, "% times receiver scheduled too late for direct processing"},
		{"TcpExtTCPSlowStartRetrans", sayUnlessZero, "% retransmits in slow start"},
		{"TcpExtTCPTSReorder", sayUnlessZero, "Detected reordering % times using time stamp"},
		{"TcpExtTW", sayUnlessZero, "% TCP sockets finished time wait in fast timer"},
		{"TcpExtTWRecycled", sayUnlessZero, "% time wait sockets recycled by time stamp"},
		{"SctpAborteds", sayAlways, "% Number of Aborteds "},
		{"SctpActiveEstabs", sayAlways, "% Active Associations"},
		{"SctpChecksumErrors", sayAlways, "% Number of Packets with invalid Checksum"},
		{"SctpCurrEstab", sayAlways, "% Current Associations"},
		{"SctpFragUsrMsgs", sayAlways, "% Number of messages fragmented"},
		{"SctpInCtrlChunks", sayAlways, "% Number of control chunks received"},
		{"SctpInOrderChunks", sayAlways, "% Number of ordered chunks received"},
		{"SctpInSCTPPacks", sayAlways, "% Number of SCTP packets received"},
		{"SctpInUnorderChunks", sayAlways, "% Number of Unordered chunks received"},
		{"SctpOutCtrlChunks", sayAlways, "% Number of control chunks sent"},
		{"SctpOutOfBlues", sayAlways, "% Number of Out of Blue packets"},
		{"SctpOutOrderChunks", sayAlways, "% Number of ordered chunks sent"},
		{"SctpOutSCTPPacks", sayAlways, "% Number of SCTP packets sent"},
		{"SctpOutUnorderChunks", sayAlways, "% Number of Unordered chunks sent"},
		{"SctpPassiveEstabs", sayAlways, "% Passive Associations"},
		{"SctpReasmUsrMsgs", sayAlways, "% Number of messages reassembled "},
		{"SctpShutdowns", sayAlways, "% Number of Graceful Terminations"},
		{"Ip6FragCreates", sayUnlessZero, "% fragments created"},
		{"Ip6FragFails", sayUnlessZero, "% outgoing packets failed fragmentation"},
		{"Ip6FragOKs", sayUnlessZero, "% outgoing packets fragmented ok"},
		{"Ip6InAddrErrors", sayUnlessZero, "% with invalid addresses"},
		{"Ip6InDelivers", sayAlways, "% incoming packets delivered"},
		{"Ip6InDiscards", sayAlways, "% incoming packets discarded"},
		{"Ip6InHdrErrors", sayUnlessZero, "% with invalid headers"},
		{"Ip6InMcastPkts", sayUnlessZero, "% incoming multicast packets"},
		{"Ip6InNoRoutes", sayUnlessZero, "% incoming packets with no route"},
		{"Ip6InReceives", sayAlways, "% total packets received"},
		{"Ip6InTooBigErrors", sayUnlessZero, "% with packets too big"},
		{"Ip6InTruncatedPkts", sayUnlessZero, "% with truncated packets"},
		{"Ip6InUnknownProtos", sayUnlessZero, "% with unknown protocol"},
		{"Ip6OutDiscards", sayUnlessZero, "% outgoing packets dropped"},
		{"Ip6OutForwDatagrams", sayAlways, "% forwarded"},
		{"Ip6OutMcastPkts", sayUnlessZero, "% outgoing multicast packets"},
		{"Ip6OutNoRoutes", sayUnlessZero, "% dropped because of missing route"},
		{"Ip6OutRequests", sayAlways, "% requests sent out"},
		{"Ip6ReasmFails", sayUnlessZero, "% packet reassemblies failed"},
		{"Ip6ReasmOKs", sayUnlessZero, "% packets reassembled ok"},
		{"Ip6ReasmReqds", sayUnlessZero, "% reassemblies required"},
		{"Ip6ReasmTimeout", sayUnlessZero, "% fragments dropped after timeout"},
		{"Icmp6InDestUnreachs", sayReceived, "destination unreachable: %"},
		{"Icmp6InEchoReplies", sayReceived, "echo replies: %"},
		{"Icmp6InEchos", sayReceived, "echo requests: %"},
		{"Icmp6InErrors", sayAlways, "% input ICMP message failed"},
		{"Icmp6InGroupMembQueries", sayReceived, "group member queries: %"},
		{"Icmp6InGroupMembReductions", sayReceived, "group member reductions: %"},
		{"Icmp6InGroupMembResponses", sayReceived, "group member responses: %"},
		{"Icmp6InMsgs", sayAlways, "% ICMP messages received"},
		{"Icmp6InNeighborAdvertisements", sayReceived, "neighbour advertisement: %"},
		{"Icmp6InNeighborSolicits", sayReceived, "neighbour solicits: %"},
		{"Icmp6InParmProblems", sayReceived, "parameter problem: %"},
		{"Icmp6InPktTooBigs", sayReceived, "packets too big: %"},
		{"Icmp6InRedirects", sayReceived, "redirects: %"},
		{"Icmp6InRouterAdvertisements", sayReceived, "router advertisement: %"},
		{"Icmp6InRouterSolicits", sayReceived, "router solicits: %"},
		{"Icmp6InTimeExcds", sayReceived, "received ICMPv6 time exceeded: %"},
		{"Icmp6OutDestUnreachs", saySent, "destination unreachable: %"},
		{"Icmp6OutEchoReplies", saySent, "echo replies: %"},
		{"Icmp6OutEchos", saySent, "echo requests: %"},
		{"Icmp6OutGroupMembQueries", saySent, "group member queries: %"},
		{"Icmp6OutGroupMembReductions", saySent, "group member reductions: %"},
		{"Icmp6OutGroupMembResponses", saySent, "group member responses: %"},
		{"Icmp6OutMsgs", sayAlways, "% ICMP messages sent"},
		{"Icmp6OutNeighborAdvertisements", saySent, "neighbor advertisements: %"},
		{"Icmp6OutNeighborSolicits", saySent, "neighbor solicits: %"},
		{"Icmp6OutParmProblems", saySent, "parameter problem: %"},
		{"Icmp6OutPktTooBigs", saySent, "packets too big: %"},
		{"Icmp6OutRedirects", saySent, "redirects: %"},
		{"Icmp6OutRouterSolicits", saySent, "router solicits: %"},
		{"Icmp6OutTimeExcds", saySent, "sent ICMPv6 time exceeded: %"},
		{"Udp6InDatagrams", sayAlways, "% packets received"},
		{"Udp6InErrors", sayAlways, "% packet receive errors"},
		{"Udp6NoPorts", sayAlways, "% packets to unknown port received"},
		{"Udp6OutDatagrams", sayAlways, "% packets sent"},
	}
}
