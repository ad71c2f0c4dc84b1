package main

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// What stands around the entries.
const xmlHead = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

func appendTag(b []byte, name, text string) []byte {
	b = append(append(append(b, '<'), name...), '>')
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(text)) // a buffer takes everything
	b = append(b, escaped.Bytes()...)
	return append(append(append(b, "</"...), name...), '>')
}

func appendTagNumber[N uint8 | uint16 | uint32 | uint64](b []byte, name string, n N) []byte {
	return appendTag(b, name, strconv.FormatUint(uint64(n), 10))
}

func appendLayer3(b []byte, t *netstat.FlowTuple) []byte {
	b = append(strconv.AppendUint(append(b, `<layer3 protonum="`...), uint64(t.Family()), 10), `" protoname="`...)
	return append(append(b, t.Family().String()...), `">`...)
}

func appendLayer4(b []byte, p netstat.IPProtocol) []byte {
	b = append(strconv.AppendUint(append(b, `<layer4 protonum="`...), uint64(p), 10), `" protoname="`...)
	return append(append(b, protocolName(p)...), `">`...)
}

func appendXMLPorts(b []byte, t *netstat.FlowTuple) []byte {
	switch {
	case t.Protocol == netstat.IPProtocolGRE:
		b = appendTag(b, "srckey", "0x"+strconv.FormatUint(uint64(t.SourcePort), 16))
		b = appendTag(b, "dstkey", "0x"+strconv.FormatUint(uint64(t.DestinationPort), 16))
	case t.Protocol.HasPorts():
		b = appendTagNumber(b, "sport", t.SourcePort)
		b = appendTagNumber(b, "dport", t.DestinationPort)
	}
	return b
}

func appendXMLDirection(b []byte, direction string, t *netstat.FlowTuple, counters netstat.Optional[netstat.FlowCounters]) []byte {
	b = append(append(append(b, `<meta direction="`...), direction...), `">`...)
	b = appendLayer3(b, t)
	b = appendTag(b, "src", t.Source.String())
	b = appendTag(b, "dst", t.Destination.String())
	b = append(b, "</layer3>"...)
	b = appendLayer4(b, t.Protocol)
	b = appendXMLPorts(b, t)
	b = append(b, "</layer4>"...)
	if t.Zone != 0 {
		b = appendTagNumber(b, "zone", t.Zone)
	}
	if n, known := counters.Get(); known {
		b = append(b, "<counters>"...)
		b = appendTagNumber(b, "packets", n.Packets)
		b = appendTagNumber(b, "bytes", n.Bytes)
		b = append(b, "</counters>"...)
	}
	return append(b, "</meta>"...)
}

// appendFlowXML appends a flow as an element.
func appendFlowXML(b []byte, f *netstat.Flow, kind collectors.FlowEvents, o *form, labels *labelNames, now time.Time) []byte {
	b = appendXMLEvent(b, kind)
	b = appendXMLDirection(b, "original", &f.Original, f.OriginalCounters)
	b = appendXMLDirection(b, "reply", &f.Reply, f.ReplyCounters)
	b = append(b, `<meta direction="independent">`...)
	if state := f.State(); state != "" {
		b = appendTag(b, "state", state)
	}
	if d, known := f.Timeout.Get(); known {
		b = appendTagNumber(b, "timeout", uint64(d/time.Second))
	}
	if mark, known := f.Mark.Get(); known {
		b = appendTagNumber(b, "mark", mark)
	}
	if f.SecurityContext != "" {
		b = appendTag(b, "secctx", f.SecurityContext)
	}
	if f.Zone != 0 {
		b = appendTagNumber(b, "zone", f.Zone)
	}
	if use, known := f.Use.Get(); known {
		b = appendTagNumber(b, "use", use)
	}
	if id, known := f.ID.Get(); known {
		b = appendTagNumber(b, "id", id)
	}
	if status, known := f.Status.Get(); known {
		if status&netstat.FlowAssured != 0 {
			b = append(b, "<assured/>"...)
		}
		if status&netstat.FlowSeenReply == 0 {
			b = append(b, "<unreplied/>"...)
		}
	}
	if l, known := f.Labels.Get(); known && o.labels {
		b = append(b, "<labels>"...)
		for _, name := range labels.of(&l) {
			b = appendTag(b, "label", name)
		}
		b = append(b, "</labels>"...)
	}
	if !f.Start.IsZero() {
		end := f.Stop
		if o.ktimestamp {
			b = append(b, "<timestamp>"...)
			b = appendTagNumber(b, "start", uint64(f.Start.UnixNano()))
			if !end.IsZero() {
				b = appendTagNumber(b, "stop", uint64(end.UnixNano()))
			}
			b = append(b, "</timestamp>"...)
		}
		if end.IsZero() {
			end = now
		}
		b = appendTagNumber(b, "deltatime", uint64(max(end.Unix()-f.Start.Unix(), 0)))
	}
	b = append(b, "</meta>"...)
	if o.timestamp {
		b = appendWhen(b, now)
	}
	if f.Helper != "" {
		b = appendTag(b, "helper", f.Helper)
	}
	return append(b, "</flow>"...)
}

func appendXMLEvent(b []byte, kind collectors.FlowEvents) []byte {
	switch kind {
	case collectors.FlowCreated, collectors.ExpectationCreated:
		return append(b, `<flow type="new">`...)
	case collectors.FlowUpdated:
		return append(b, `<flow type="update">`...)
	case collectors.FlowDestroyed, collectors.ExpectationDestroyed:
		return append(b, `<flow type="destroy">`...)
	}
	return append(b, "<flow>"...)
}

func appendWhen(b []byte, now time.Time) []byte {
	b = append(b, "<when>"...)
	b = appendTag(b, "hour", strconv.Itoa(now.Hour()))
	b = appendTag(b, "min", now.Format("04"))
	b = appendTag(b, "sec", now.Format("05"))
	b = appendTag(b, "wday", strconv.Itoa(int(now.Weekday())+1))
	b = appendTag(b, "day", strconv.Itoa(now.Day()))
	b = appendTag(b, "month", strconv.Itoa(int(now.Month())))
	b = appendTag(b, "year", strconv.Itoa(now.Year()))
	return append(b, "</when>"...)
}

// appendExpectationXML appends an expectation as an element.
func appendExpectationXML(b []byte, x *netstat.Expectation, kind collectors.FlowEvents, o *form, now time.Time) []byte {
	b = appendXMLEvent(b, kind)
	mask := x.Mask
	mask.Protocol = x.Tuple.Protocol
	parts := [...]struct {
		name string
		t    *netstat.FlowTuple
	}{{"expected", &x.Tuple}, {"mask", &mask}, {"master", &x.Master}}
	b = appendLayer3(b, &x.Tuple)
	for _, p := range parts {
		b = append(append(append(b, '<'), p.name...), '>')
		b = appendTag(b, "src", p.t.Source.String())
		b = appendTag(b, "dst", p.t.Destination.String())
		b = append(append(append(b, "</"...), p.name...), '>')
	}
	b = append(b, "</layer3>"...)
	b = appendLayer4(b, x.Tuple.Protocol)
	for _, p := range parts {
		b = append(append(append(b, '<'), p.name...), '>')
		b = appendXMLPorts(b, p.t)
		b = append(append(append(b, "</"...), p.name...), '>')
	}
	b = append(b, "</layer4><meta>"...)
	if x.Helper != "" {
		b = appendTag(b, "helper-name", x.Helper)
	}
	if d, known := x.Timeout.Get(); known {
		b = appendTagNumber(b, "timeout", uint64(d/time.Second))
	}
	b = appendTagNumber(b, "class", x.Class)
	if x.Zone != 0 {
		b = appendTagNumber(b, "zone", x.Zone)
	}
	if o.timestamp {
		b = appendWhen(b, now)
	}
	for i, name := range [...]string{"<permanent/>", "<inactive/>", "<userspace/>"} {
		if x.Flags&(1<<i) != 0 {
			b = append(b, name...)
		}
	}
	return append(b, "</meta></flow>"...)
}
