package main

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// protocolName is the name that conntrack(8) has for a protocol.
func protocolName(p netstat.IPProtocol) string {
	name := p.String()
	if name[0] >= '0' && name[0] <= '9' {
		return "unknown"
	}
	return name
}

func appendPadded(b []byte, text string, width int) []byte {
	b = append(b, text...)
	for n := len(text); n < width; n++ {
		b = append(b, ' ')
	}
	return append(b, ' ')
}

func appendNumber[N uint8 | uint16 | uint32 | uint64](b []byte, before string, n N) []byte {
	return append(strconv.AppendUint(append(b, before...), uint64(n), 10), ' ')
}

func appendAddress(b []byte, before string, a netip.Addr) []byte {
	b = append(b, before...)
	if a.IsValid() {
		b = a.AppendTo(b)
	}
	return append(b, ' ')
}

func appendTuple(b []byte, t *netstat.FlowTuple, source, destination string) []byte {
	b = appendAddress(b, source, t.Source)
	b = appendAddress(b, destination, t.Destination)
	switch {
	case t.Protocol == netstat.IPProtocolGRE:
		b = strconv.AppendUint(append(b, "srckey=0x"...), uint64(t.SourcePort), 16)
		b = strconv.AppendUint(append(b, " dstkey=0x"...), uint64(t.DestinationPort), 16)
		b = append(b, ' ')
	case t.Protocol.HasPorts():
		b = appendNumber(b, "sport=", t.SourcePort)
		b = appendNumber(b, "dport=", t.DestinationPort)
	case t.Protocol.IsICMP():
		b = appendNumber(b, "type=", t.ICMPType)
		b = appendNumber(b, "code=", t.ICMPCode)
		b = appendNumber(b, "id=", t.ICMPID)
	}
	return b
}

func appendCounters(b []byte, c netstat.Optional[netstat.FlowCounters]) []byte {
	if n, known := c.Get(); known {
		b = appendNumber(b, "packets=", n.Packets)
		b = appendNumber(b, "bytes=", n.Bytes)
	}
	return b
}

// eventName is the word that begins a line about an event.
func eventName(kind collectors.FlowEvents) string {
	switch kind {
	case collectors.FlowCreated, collectors.ExpectationCreated:
		return "    [NEW] "
	case collectors.FlowUpdated:
		return " [UPDATE] "
	case collectors.FlowDestroyed, collectors.ExpectationDestroyed:
		return "[DESTROY] "
	}
	return ""
}

// ctime is the form of ctime(3).
const ctime = "Mon Jan _2 15:04:05 2006"

// appendFlow appends a flow as a line of conntrack(8), without its end.
func appendFlow(b []byte, f *netstat.Flow, kind collectors.FlowEvents, o *form, labels *labelNames) []byte {
	b = append(b, eventName(kind)...)
	if o.extended {
		b = appendPadded(b, f.Family().String(), 8)
		b = appendNumber(b, "", uint8(f.Family()))
	}
	b = appendPadded(b, protocolName(f.Original.Protocol), 8)
	b = appendNumber(b, "", uint8(f.Original.Protocol))
	if d, known := f.Timeout.Get(); known {
		b = appendNumber(b, "", uint64(d/time.Second))
	}
	if state := f.State(); state != "" {
		b = append(append(b, state...), ' ')
	}
	status, hasStatus := f.Status.Get()
	b = appendTuple(b, &f.Original, "src=", "dst=")
	if f.Original.Zone != 0 {
		b = appendNumber(b, "zone-orig=", f.Original.Zone)
	}
	b = appendCounters(b, f.OriginalCounters)
	if hasStatus && status&netstat.FlowSeenReply == 0 {
		b = append(b, "[UNREPLIED] "...)
	}
	b = appendTuple(b, &f.Reply, "src=", "dst=")
	if f.Reply.Zone != 0 {
		b = appendNumber(b, "zone-reply=", f.Reply.Zone)
	}
	b = appendCounters(b, f.ReplyCounters)
	switch {
	case status&netstat.FlowHardwareOffload != 0:
		b = append(b, "[HW_OFFLOAD] "...)
	case status&netstat.FlowOffload != 0:
		b = append(b, "[OFFLOAD] "...)
	case status&netstat.FlowAssured != 0:
		b = append(b, "[ASSURED] "...)
	}
	if mark, known := f.Mark.Get(); known {
		b = appendNumber(b, "mark=", mark)
	}
	if f.SecurityContext != "" {
		b = append(table.AppendEscaped(append(b, "secctx="...), f.SecurityContext), ' ')
	}
	if f.Zone != 0 {
		b = appendNumber(b, "zone=", f.Zone)
	}
	if !f.Start.IsZero() {
		end := f.Stop
		if end.IsZero() {
			end = time.Now()
		}
		b = appendNumber(b, "delta-time=", uint64(max(end.Unix()-f.Start.Unix(), 0)))
	}
	if o.ktimestamp && !f.Start.IsZero() {
		b = append(f.Start.AppendFormat(append(b, "[start="...), ctime), "] "...)
		if !f.Stop.IsZero() {
			b = append(f.Stop.AppendFormat(append(b, "[stop="...), ctime), "] "...)
		}
	}
	if f.Helper != "" {
		b = append(table.AppendEscaped(append(b, "helper="...), f.Helper), ' ')
	}
	if use, known := f.Use.Get(); known {
		b = appendNumber(b, "use=", use)
	}
	if id, known := f.ID.Get(); known && o.id {
		b = appendNumber(b, "id=", id)
	}
	if l, known := f.Labels.Get(); known && o.labels {
		if names := labels.of(&l); len(names) > 0 {
			b = append(table.AppendEscaped(append(b, "labels="...), strings.Join(names, ",")), ' ')
		}
	}
	return b[:len(b)-1]
}

// appendProcesses appends the processes at an end of a flow: "curl/1234,...".
func appendProcesses(b []byte, before string, o netstat.Optional[[]netstat.Process]) []byte {
	all, _ := o.Get()
	for _, p := range all {
		b = table.AppendEscaped(append(b, before...), p.Name)
		b = strconv.AppendInt(append(b, '/'), int64(p.PID), 10)
		before = ","
	}
	return b
}

// appendExpectation appends an expectation as a line of conntrack(8).
func appendExpectation(b []byte, x *netstat.Expectation, kind collectors.FlowEvents) []byte {
	b = append(b, eventName(kind)...)
	if d, known := x.Timeout.Get(); known {
		b = appendNumber(b, "", uint64(d/time.Second))
	}
	b = appendNumber(b, "proto=", uint8(x.Tuple.Protocol))
	mask := x.Mask
	mask.Protocol = x.Tuple.Protocol
	b = appendTuple(b, &x.Tuple, "src=", "dst=")
	b = appendTuple(b, &mask, "mask-src=", "mask-dst=")
	b = appendTuple(b, &x.Master, "master-src=", "master-dst=")
	if x.Zone != 0 {
		b = appendNumber(b, "zone=", x.Zone)
	}
	if names := x.Flags.Names(); len(names) > 0 {
		b = append(append(b, strings.Join(names, ",")...), ' ')
	}
	b = appendNumber(b, "class=", x.Class)
	if x.Helper != "" {
		b = append(table.AppendEscaped(append(b, "helper="...), x.Helper), ' ')
	}
	return b[:len(b)-1]
}

// appendSaved appends a flow as the command line that makes it.
func appendSaved(b []byte, f *netstat.Flow, kind collectors.FlowEvents) []byte {
	word := func(text string) { b = append(append(b, text...), ' ') }
	switch kind {
	case collectors.FlowUpdated:
		word("-U")
	case collectors.FlowDestroyed:
		word("-D")
	default:
		word("-A")
	}
	if d, known := f.Timeout.Get(); known {
		b = appendNumber(b, "-t ", uint64(d/time.Second))
	}
	if status, known := f.Status.Get(); known {
		names := (status & (netstat.FlowSeenReply | netstat.FlowAssured | netstat.FlowFixedTimeout | netstat.FlowExpected)).Names()
		if len(names) == 0 {
			names = []string{"UNSET"}
		}
		word("-u " + strings.Join(names, ","))
	}
	if mark, known := f.Mark.Get(); known && mark != 0 {
		b = appendNumber(b, "-m ", mark)
	}
	for _, zone := range [...]struct {
		option string
		number uint16
	}{{"-w ", f.Zone}, {"--orig-zone ", f.Original.Zone}, {"--reply-zone ", f.Reply.Zone}} {
		if zone.number != 0 {
			b = appendNumber(b, zone.option, zone.number)
		}
	}
	b = appendAddress(b, "-s ", f.Original.Source)
	b = appendAddress(b, "-d ", f.Original.Destination)
	source, destination := "-r ", "-q "
	if f.IsDestinationNAT() && f.Reply.Source != f.Original.Destination {
		source = "-g "
	}
	if f.IsSourceNAT() && f.Reply.Destination != f.Original.Source {
		destination = "-n "
	}
	b = appendAddress(b, source, f.Reply.Source)
	b = appendAddress(b, destination, f.Reply.Destination)
	word("-p " + f.Original.Protocol.String())
	switch p := f.Original.Protocol; {
	case p == netstat.IPProtocolGRE:
		b = appendNumber(b, "--srckey ", f.Original.SourcePort)
		b = appendNumber(b, "--dstkey ", f.Original.DestinationPort)
		b = appendNumber(b, "--reply-key-src ", f.Reply.SourcePort)
		b = appendNumber(b, "--reply-key-dst ", f.Reply.DestinationPort)
	case p.HasPorts():
		b = appendNumber(b, "--sport ", f.Original.SourcePort)
		b = appendNumber(b, "--dport ", f.Original.DestinationPort)
		b = appendNumber(b, "--reply-port-src ", f.Reply.SourcePort)
		b = appendNumber(b, "--reply-port-dst ", f.Reply.DestinationPort)
	case p.IsICMP():
		b = appendNumber(b, "--"+p.String()+"-type ", f.Original.ICMPType)
		b = appendNumber(b, "--"+p.String()+"-code ", f.Original.ICMPCode)
		b = appendNumber(b, "--"+p.String()+"-id ", f.Original.ICMPID)
	}
	if state := f.State(); state != "" {
		word("--state " + state)
	}
	if sctp, known := f.SCTP.Get(); known && sctp.OriginalTag.IsKnown() {
		b = appendNumber(b, "--orig-vtag ", sctp.OriginalTag.Or(0))
		b = appendNumber(b, "--reply-vtag ", sctp.ReplyTag.Or(0))
	}
	return b[:len(b)-1]
}
