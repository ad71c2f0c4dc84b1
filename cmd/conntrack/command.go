package main

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/names"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// form is how entries are printed.
type form struct {
	extended, xml, save, timestamp, ktimestamp, id, labels, userspace, json bool
}

// nat is a translation to ask for or to make.
type nat struct {
	asked   bool
	address netip.Addr
	port    netstat.Optional[uint16]
}

func (n *nat) target() netstat.NATTarget {
	return netstat.NATTarget{Address: n.address, Port: n.port.Or(0)}
}

// tuple is what is given of one.
type tuple struct {
	source, destination         netip.Addr
	sourceMask, destinationMask netip.Addr // the zero Addr for all bits
	sourcePort, destinationPort netstat.Optional[uint16]
}

// command is a command line that was understood.
type command struct {
	verb   byte
	expect bool
	list   netstat.FlowList

	given    map[string]bool
	netns    []string
	family   netstat.Family
	protocol netstat.Optional[netstat.IPProtocol]
	original tuple
	reply    tuple
	expected tuple // of an expectation, and its masks

	maskPorts              [2]netstat.Optional[uint16]
	icmpType, icmpCode     netstat.Optional[uint8]
	icmpID                 netstat.Optional[uint16]
	zone, origZone         netstat.Optional[uint16]
	replyZone              netstat.Optional[uint16]
	timeout                netstat.Optional[time.Duration]
	setStatus, clearStatus netstat.FlowStatus
	mark                   netstat.Bits
	id                     netstat.Optional[uint32]
	state                  string
	tags                   [2]netstat.Optional[uint32]
	server                 netstat.Optional[bool]
	labels                 netstat.FlowLabels // to ask for
	labelChange            netstat.FlowLabels // to set or to clear
	source, destination    nat
	any                    nat

	events collectors.FlowEvents
	buffer int
	form   form

	// The kind of the rows is one of these, made when it is asked for: a plain listing
	// needs none.
	flows        func() *table.Kind[flowRow]
	expectations func() *table.Kind[expectationRow]
	filter       *filter.Expr
	sort         string
	order        *table.Order
	// processes asks for those that flows belong to.
	processes bool
}

func (c *command) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return c.given[n] })
}

// parseCommand reads a command line.
func parseCommand(words []string, labels *labelNames) (*command, error) {
	verb, tableName, all, err := parseWords(words)
	if err != nil {
		return nil, err
	}
	c := &command{verb: verb, given: map[string]bool{}, buffer: collectors.DefaultListenBuffer, mark: netstat.Bits{Mask: math.MaxUint32}}
	if verb == 0 {
		return nil, wrong("a command is missing: see conntrack --help")
	}
	if strings.IndexByte("VhR", verb) >= 0 {
		for i := range all {
			if verb != 'h' || all[i].option.names[0] != "proto" {
				return nil, wrong("%s cannot be given with -%c", all[i].option.label(), verb)
			}
			if err := c.setProtocol(all[i].value); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	if err := c.setTable(tableName); err != nil {
		return nil, err
	}
	c.setKinds()
	// The protocol says what its options mean, wherever it stands.
	for i := range all {
		if all[i].option.names[0] == "proto" {
			if err := c.setProtocol(all[i].value); err != nil {
				return nil, err
			}
		}
	}
	for i := range all {
		if err := c.legal(&all[i]); err != nil {
			return nil, err
		}
		c.given[all[i].option.names[0]] = true
		if err := c.set(&all[i], labels); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

func (c *command) setTable(name string) error {
	switch {
	case name == "", strings.HasPrefix("conntrack", name):
	case strings.HasPrefix("expect", name):
		c.expect = true
		if strings.IndexByte("UA", c.verb) >= 0 {
			return wrong("-%c is for flows, not for expectations", c.verb)
		}
	case strings.HasPrefix("dying", name):
		c.list = netstat.FlowDying
	case strings.HasPrefix("unconfirmed", name):
		c.list = netstat.FlowUnconfirmed
	default:
		return wrong("there is no table %q, but conntrack, expect, dying and unconfirmed", name)
	}
	if c.list != netstat.FlowTable && c.verb != 'L' {
		return wrong("the table %v can only be listed", c.list)
	}
	return nil
}

// legal refuses an option that the command or the protocol does not have.
func (c *command) legal(g *given) error {
	verbs, what := g.option.flows, "flows"
	if c.expect {
		verbs, what = g.option.expects, "expectations"
	}
	if strings.IndexByte(verbs, c.verb) < 0 {
		return wrong("%s cannot be given with -%c of %s", g.option.label(), c.verb, what)
	}
	if len(g.option.protocols) == 0 {
		return nil
	}
	if !c.protocol.IsKnown() {
		return wrong("%s needs --proto %s", g.option.label(), strings.Join(g.option.protocols, "|"))
	}
	if !g.option.isOf(c.protocol) {
		return wrong("%s is not an option of %v, but of %s", g.option.label(), c.protocol.Or(0), strings.Join(g.option.protocols, ", "))
	}
	return nil
}

func (c *command) setProtocol(text string) error {
	p, known := parseProtocol(text)
	if !known {
		return wrong("--proto: %q is no protocol", text)
	}
	c.protocol.Set(p)
	return nil
}

// parseProtocol reads the name or number of a protocol.
func parseProtocol(text string) (netstat.IPProtocol, bool) {
	for p := range 256 {
		if name := netstat.IPProtocol(p).String(); strings.EqualFold(name, text) {
			return netstat.IPProtocol(p), true
		}
	}
	if n, err := strconv.ParseUint(text, 0, 8); err == nil {
		return netstat.IPProtocol(n), true
	}
	n, known := protocolNumber(text)
	return netstat.IPProtocol(n), known
}

func (c *command) setFamily(f netstat.Family) error {
	if c.family != 0 && c.family != f {
		return wrong("addresses of IPv4 and IPv6 cannot be mixed")
	}
	c.family = f
	return nil
}

func familyOf(a netip.Addr) netstat.Family {
	if a.Is4() {
		return netstat.IPv4
	}
	return netstat.IPv6
}

func (c *command) address(o *option, text string, into *netip.Addr, mask *netip.Addr) error {
	text, bits, hasBits := strings.Cut(text, "/")
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return wrong("%s: %q is no IP address", o.label(), text)
	}
	if err := c.setFamily(familyOf(a)); err != nil {
		return err
	}
	*into = a
	if !hasBits {
		return nil
	}
	if mask == nil {
		return wrong("%s takes an address, not a prefix", o.label())
	}
	n, err := strconv.Atoi(bits)
	if err != nil || n < 0 || n > a.BitLen() {
		return wrong("%s: a prefix of %s has 0 to %d bits", o.label(), a, a.BitLen())
	}
	*mask = maskOf(n, a.BitLen())
	return nil
}

// maskOf returns the mask of a prefix.
func maskOf(bits, length int) netip.Addr {
	b := make([]byte, length/8)
	for i := range bits {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func number[N uint8 | uint16 | uint32](o *option, text string) (N, error) {
	limit := uint64(^N(0))
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil || n > limit {
		return 0, wrong("%s: %q is not a number from 0 to %d", o.label(), text, limit)
	}
	return N(n), nil
}

func setNumber[N uint8 | uint16 | uint32](o *option, text string, into *netstat.Optional[N]) error {
	n, err := number[N](o, text)
	if err == nil {
		into.Set(n)
	}
	return err
}

func (c *command) set(g *given, labels *labelNames) (err error) {
	o, v := g.option, g.value
	switch o.names[0] {
	case "src":
		return c.address(o, v, &c.original.source, &c.original.sourceMask)
	case "dst":
		return c.address(o, v, &c.original.destination, &c.original.destinationMask)
	case "reply-src":
		return c.address(o, v, &c.reply.source, nil)
	case "reply-dst":
		return c.address(o, v, &c.reply.destination, nil)
	case "tuple-src":
		return c.address(o, v, &c.expected.source, &c.expected.sourceMask)
	case "tuple-dst":
		return c.address(o, v, &c.expected.destination, &c.expected.destinationMask)
	case "mask-src", "mask-dst":
		t := &c.original
		if c.expect {
			t = &c.expected
		}
		mask := &t.sourceMask
		if o.names[0] == "mask-dst" {
			mask = &t.destinationMask
		}
		return c.address(o, v, mask, nil)
	case "proto":
		return nil
	case "family":
		switch v {
		case "ipv4":
			return c.setFamily(netstat.IPv4)
		case "ipv6":
			return c.setFamily(netstat.IPv6)
		}
		return wrong("--family: %q is neither ipv4 nor ipv6", v)
	case "timeout":
		n, err := number[uint32](o, v)
		c.timeout.Set(time.Duration(n) * time.Second)
		return err
	case "status":
		return c.setFlags(o, v)
	case "mark":
		value, mask, hasMask := strings.Cut(v, "/")
		if c.mark.Value, err = number[uint32](o, value); err == nil && hasMask {
			c.mark.Mask, err = number[uint32](o, mask)
		}
		return err
	case "zone":
		return setNumber(o, v, &c.zone)
	case "orig-zone":
		return setNumber(o, v, &c.origZone)
	case "reply-zone":
		return setNumber(o, v, &c.replyZone)
	case "label":
		return labels.set(&c.labels, v)
	case "label-add":
		return labels.set(&c.labelChange, v)
	case "label-del":
		if v == "" {
			for i := range c.labelChange {
				c.labelChange[i] = 0xff
			}
			return nil
		}
		return labels.set(&c.labelChange, v)
	case "src-nat":
		return c.setNAT(o, v, &c.source)
	case "dst-nat":
		return c.setNAT(o, v, &c.destination)
	case "any-nat":
		return c.setNAT(o, v, &c.any)
	case "id":
		return setNumber(o, v, &c.id)
	case "sport", "srckey":
		return setNumber(o, v, &c.original.sourcePort)
	case "dport", "dstkey":
		return setNumber(o, v, &c.original.destinationPort)
	case "reply-port-src", "reply-key-src":
		return setNumber(o, v, &c.reply.sourcePort)
	case "reply-port-dst", "reply-key-dst":
		return setNumber(o, v, &c.reply.destinationPort)
	case "tuple-port-src", "tuple-key-src":
		return setNumber(o, v, &c.expected.sourcePort)
	case "tuple-port-dst", "tuple-key-dst":
		return setNumber(o, v, &c.expected.destinationPort)
	case "mask-port-src", "mask-key-src":
		return setNumber(o, v, &c.maskPorts[0])
	case "mask-port-dst", "mask-key-dst":
		return setNumber(o, v, &c.maskPorts[1])
	case "state":
		return c.setState(v)
	case "orig-vtag":
		return setNumber(o, v, &c.tags[0])
	case "reply-vtag":
		return setNumber(o, v, &c.tags[1])
	case "role":
		role, err := completed(o, v, []string{"client", "server"})
		if err != nil {
			return err
		}
		c.server.Set(role == "server")
	case "icmp-type":
		return setNumber(o, v, &c.icmpType)
	case "icmp-code":
		return setNumber(o, v, &c.icmpCode)
	case "icmp-id":
		return setNumber(o, v, &c.icmpID)
	case "zero":
	case "event-mask":
		return c.setEvents(o, v)
	case "buffer-size":
		if c.buffer, err = strconv.Atoi(v); err != nil || c.buffer <= 0 || c.buffer > 1<<30 {
			return wrong("--buffer-size: %q is not a number of bytes up to %d", v, 1<<30)
		}
	case "output":
		return c.setForm(o, v)
	case "json":
		c.form.json = true
	case "filter":
		var fields filter.Fields
		if c.expect {
			fields = c.expectations()
		} else {
			fields = c.flows()
		}
		if c.filter, err = filter.Parse(v, fields, filter.Names{Port: names.ReadServices().Port}); err != nil {
			return wrong("--filter: %v", err)
		}
	case "sort":
		c.sort = v
		if c.expect {
			c.order, err = c.expectations().Order(v)
		} else {
			c.order, err = c.flows().Order(v)
		}
		if err != nil {
			return wrong("--sort: %v", err)
		}
	case "processes":
		c.processes = true
	case "netns":
		c.netns = append(c.netns, v)
	default:
		return fmt.Errorf("%s has no meaning", o.label())
	}
	return nil
}

// completed returns the one of the words that an option's word is, or is the
// beginning of, without regard to case.
func completed(o *option, word string, words []string) (string, error) {
	var found []string
	for _, w := range words {
		if strings.EqualFold(w, word) {
			return w, nil
		}
		if word != "" && len(word) < len(w) && strings.EqualFold(w[:len(word)], word) {
			found = append(found, w)
		}
	}
	switch len(found) {
	case 0:
		return "", wrong("%s: %q is none of %s", o.label(), word, strings.Join(words, ", "))
	case 1:
		return found[0], nil
	}
	return "", wrong("%s: %q may be any of %s", o.label(), word, strings.Join(found, ", "))
}

// Words of --status that name no flag.
const (
	statusUnset     = "UNSET"     // none
	statusUnreplied = "UNREPLIED" // the contrary of SEEN_REPLY
)

// statusNames are the words of --status, or those behind a "!".
func statusNames(negated bool) []string {
	names := (^netstat.FlowStatus(0)).Names()
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "0x") }) // bits without a name
	if negated {
		return names
	}
	return append(names, statusUnset, statusUnreplied)
}

// setFlags reads --status.
func (c *command) setFlags(o *option, text string) error {
	for word := range strings.SplitSeq(text, ",") {
		name, negated := strings.CutPrefix(word, "!")
		name, err := completed(o, name, statusNames(negated))
		if err != nil {
			return err
		}
		switch name {
		case statusUnset:
			continue
		case statusUnreplied:
			c.clearStatus |= netstat.FlowSeenReply
			continue
		}
		flag, _ := netstat.ParseFlowStatus(name)
		switch {
		case flag&(netstat.FlowSourceNAT|netstat.FlowDestinationNAT) != 0:
			return wrong("--status: use --src-nat and --dst-nat for %s", name)
		case negated:
			c.clearStatus |= flag
		default:
			c.setStatus |= flag
		}
	}
	return nil
}

func (c *command) setState(text string) error {
	known := false
	switch c.protocol.Or(0) {
	case netstat.IPProtocolTCP:
		_, known = netstat.ParseFlowTCPState(text)
	case netstat.IPProtocolSCTP:
		_, known = netstat.ParseFlowSCTPState(text)
	case netstat.IPProtocolDCCP:
		_, known = netstat.ParseFlowDCCPState(text)
	}
	if !known {
		return wrong("--state: %q is no state of %v", text, c.protocol.Or(0))
	}
	c.state = text
	return nil
}

// eventWords are those of --event-mask.
var eventWords = []string{"ALL", "NEW", "UPDATES", "DESTROY"}

func (c *command) setEvents(o *option, text string) error {
	for word := range strings.SplitSeq(text, ",") {
		made, changed, ended := collectors.FlowCreated, collectors.FlowUpdated, collectors.FlowDestroyed
		if c.expect {
			made, changed, ended = collectors.ExpectationCreated, 0, collectors.ExpectationDestroyed
		}
		word, err := completed(o, word, eventWords)
		if err != nil {
			return err
		}
		switch word {
		case "ALL":
			c.events |= made | changed | ended
		case "NEW":
			c.events |= made
		case "UPDATES":
			if changed == 0 {
				return wrong("--event-mask: the kernel tells of no changes of expectations")
			}
			c.events |= changed
		case "DESTROY":
			c.events |= ended
		}
	}
	return nil
}

// formWord is a word of --output and what it turns on.
type formWord struct {
	word string
	on   *bool
}

func (f *form) words() []formWord {
	return []formWord{
		{"extended", &f.extended}, {"xml", &f.xml}, {"save", &f.save}, {"timestamp", &f.timestamp}, {"ktimestamp", &f.ktimestamp},
		{"id", &f.id}, {"labels", &f.labels}, {"userspace", &f.userspace},
	}
}

// formNames are all words of --output.
func formNames() (names []string) {
	for _, f := range (&form{}).words() {
		names = append(names, f.word)
	}
	return names
}

func (c *command) setForm(o *option, text string) error {
	forms := c.form.words()
	for word := range strings.SplitSeq(text, ",") {
		word, err := completed(o, word, formNames())
		if err != nil {
			return err
		}
		i := slices.IndexFunc(forms, func(f formWord) bool { return f.word == word })
		*forms[i].on = true
	}
	if c.form.save && c.form != (form{save: true}) {
		return wrong("--output: save stands alone")
	}
	if c.expect && c.form.save {
		return wrong("--output: expectations cannot be saved")
	}
	return nil
}

// setNAT reads an address with or without a port: 192.0.2.1:80, [2001:db8::1]:80.
func (c *command) setNAT(o *option, text string, into *nat) error {
	into.asked = true
	if text == "" {
		return nil
	}
	address, port := text, ""
	switch colons := strings.Count(text, ":"); {
	case strings.HasPrefix(text, "["):
		end := strings.Index(text, "]:")
		if end < 0 {
			return wrong("%s: %q is no address in brackets and a port", o.label(), text)
		}
		address, port = text[1:end], text[end+2:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return wrong("%s: %q is no port", o.label(), port)
		}
	case colons == 1:
		address, port, _ = strings.Cut(text, ":")
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return wrong("%s: %q is no port", o.label(), port)
		}
	}
	if port != "" {
		n, _ := strconv.ParseUint(port, 10, 16)
		into.port.Set(uint16(n))
	}
	return c.address(o, address, &into.address, nil)
}

// check refuses what the options together do not make.
func (c *command) check() error {
	switch {
	case c.has("any-nat") && c.has("src-nat", "dst-nat"):
		return wrong("--any-nat cannot be given with --src-nat or --dst-nat")
	case c.has("label-add") && c.has("label-del"):
		return wrong("--label-add cannot be given with --label-del")
	case !c.expect && c.has("mask-src") && !c.has("src"), !c.expect && c.has("mask-dst") && !c.has("dst"):
		return wrong("--mask-src needs --src, and --mask-dst needs --dst")
	case c.form.json && c.has("output"):
		return wrong("--json cannot be given with --output: its objects have everything")
	case c.has("sort") && (c.form.xml || c.form.save):
		return wrong("--sort is for lines and JSON, not for --output xml and save")
	case c.zone.IsKnown() && (c.origZone.IsKnown() || c.replyZone.IsKnown()):
		return wrong("--zone is for both directions: --orig-zone and --reply-zone cannot be given with it")
	case c.has("zero") && c.list != netstat.FlowTable:
		return wrong("--zero is for the table conntrack")
	case c.has("mask-src") && c.original.sourceMask.IsValid() && c.original.source.IsValid() && c.original.sourceMask.Is4() != c.original.source.Is4():
		return wrong("addresses of IPv4 and IPv6 cannot be mixed")
	}
	if !c.expect && c.verb != 'E' { // whose rows have no processes
		c.processes = c.processes || show.NamesProcesses(c.filter, c.sort)
	}
	if c.processes {
		switch {
		case c.verb != 'L':
			return wrong("processes are looked up by -L only")
		case c.list != netstat.FlowTable:
			return wrong("--processes is for the table conntrack")
		case c.form.xml || c.form.save:
			return wrong("--processes is for lines and JSON, not for --output xml and save")
		}
	}
	if len(c.netns) > 1 || c.everyNamespace() {
		if strings.IndexByte("GIA", c.verb) >= 0 {
			return wrong("-%c is of one namespace", c.verb)
		}
		if c.form.xml || c.form.save {
			return wrong("--output xml and save are of one namespace")
		}
	}
	if strings.IndexByte("IA", c.verb) >= 0 || c.verb == 'D' && c.expect {
		if c.setStatus == 0 && c.clearStatus != 0 {
			return wrong("--status: flags to set, not those that are not")
		}
	}
	if c.verb == 'U' && c.clearStatus != 0 {
		return wrong("--status: the kernel clears no flag")
	}
	if c.expect {
		return c.checkExpectation()
	}
	if strings.IndexByte("IAG", c.verb) >= 0 {
		return c.checkFlow()
	}
	return nil
}

// checkFlow refuses a flow that is not whole.
func (c *command) checkFlow() error {
	whole := c.has("src") && c.has("dst") || c.has("reply-src") && c.has("reply-dst")
	switch {
	case !c.protocol.IsKnown():
		return wrong("--proto is missing")
	case !whole:
		return wrong("--src and --dst, or --reply-src and --reply-dst, are needed")
	case c.original.sourceMask.IsValid() || c.original.destinationMask.IsValid():
		return wrong("a flow has addresses, not prefixes")
	}
	p := c.protocol.Or(0)
	switch {
	case p.HasPorts():
		original := c.original.sourcePort.IsKnown() && c.original.destinationPort.IsKnown()
		reply := c.reply.sourcePort.IsKnown() && c.reply.destinationPort.IsKnown()
		if !original && !reply {
			return wrong("%v needs the ports of both ends of a direction", p)
		}
	case p.IsICMP() && (!c.icmpType.IsKnown() || !c.icmpCode.IsKnown()):
		return wrong("%v needs --icmp-type and --icmp-code", p)
	}
	if c.verb == 'G' {
		return nil
	}
	switch {
	case !c.timeout.IsKnown():
		return wrong("--timeout is missing")
	case p == netstat.IPProtocolTCP && c.state == "":
		return wrong("--state is missing")
	case p == netstat.IPProtocolSCTP && (c.state == "" || !c.tags[0].IsKnown() || !c.tags[1].IsKnown()):
		return wrong("sctp needs --state, --orig-vtag and --reply-vtag")
	}
	return nil
}

func (c *command) checkExpectation() error {
	need := []string{}
	switch c.verb {
	case 'I':
		need = []string{"src", "dst", "proto", "timeout", "tuple-src", "tuple-dst"}
	case 'D', 'G':
		need = []string{"src", "dst", "proto"}
	}
	for _, n := range need {
		if !c.has(n) {
			return wrong("--%s is missing", n)
		}
	}
	// A master has one tuple here, and an expectation has no other.
	o, r := &c.original, &c.reply
	if contradict(r.source, o.destination) || contradict(r.destination, o.source) ||
		contradict(r.sourcePort, o.destinationPort) || contradict(r.destinationPort, o.sourcePort) {
		return wrong("the reply direction of what expectations are named by is the inverse of the original one")
	}
	return nil
}

// contradict reports whether both are given and differ.
func contradict[T comparable](a, b T) bool {
	var absent T
	return a != absent && b != absent && a != b
}

// originalTuple returns the tuple that was given, or the inverse of that of the
// answers.
func (c *command) originalTuple() netstat.FlowTuple {
	if !c.has("src") || !c.has("dst") {
		r := c.replyTuple()
		return r.Invert()
	}
	return netstat.FlowTuple{
		Protocol: c.protocol.Or(0), Source: c.original.source, Destination: c.original.destination,
		SourcePort: c.original.sourcePort.Or(c.reply.destinationPort.Or(0)), DestinationPort: c.original.destinationPort.Or(c.reply.sourcePort.Or(0)),
		ICMPType: c.icmpType.Or(0), ICMPCode: c.icmpCode.Or(0), ICMPID: c.icmpID.Or(0), Zone: c.origZone.Or(0),
	}
}

func (c *command) replyTuple() netstat.FlowTuple {
	return netstat.FlowTuple{
		Protocol: c.protocol.Or(0), Source: c.reply.source, Destination: c.reply.destination,
		SourcePort: c.reply.sourcePort.Or(c.original.destinationPort.Or(0)), DestinationPort: c.reply.destinationPort.Or(c.original.sourcePort.Or(0)),
		ICMPType: c.icmpType.Or(0), ICMPCode: c.icmpCode.Or(0), ICMPID: c.icmpID.Or(0),
	}
}

// newFlow returns the flow to make.
func (c *command) newFlow() netstat.NewFlow {
	var f netstat.NewFlow
	f.Original = c.originalTuple()
	f.Reply = f.Original.Invert()
	if c.reply.source.IsValid() {
		f.Reply.Source = c.reply.source
	}
	if c.reply.destination.IsValid() {
		f.Reply.Destination = c.reply.destination
	}
	if p, known := c.reply.sourcePort.Get(); known {
		f.Reply.SourcePort = p
	}
	if p, known := c.reply.destinationPort.Get(); known {
		f.Reply.DestinationPort = p
	}
	f.Reply.Zone = c.replyZone.Or(0)
	f.Zone = c.zone.Or(0)
	f.Timeout = c.timeout
	if c.has("status") {
		f.Status.Set(c.setStatus)
	}
	if c.has("mark") {
		f.Mark.Set(c.mark.Value)
	}
	if c.has("label-add") {
		f.Labels.Set(c.labelChange)
	}
	switch c.protocol.Or(0) {
	case netstat.IPProtocolTCP:
		state, _ := netstat.ParseFlowTCPState(c.state)
		// The windows of a connection that was never seen are not known.
		flags := netstat.FlowTCPLiberal | netstat.FlowTCPSackPermitted
		if state >= netstat.FlowTCPTimeWait {
			flags |= netstat.FlowTCPCloseInit // a new one may follow
		}
		f.TCP.Set(netstat.FlowTCP{State: state, OriginalFlags: netstat.Known(flags), ReplyFlags: netstat.Known(flags)})
	case netstat.IPProtocolSCTP:
		state, _ := netstat.ParseFlowSCTPState(c.state)
		f.SCTP.Set(netstat.FlowSCTP{State: state, OriginalTag: c.tags[0], ReplyTag: c.tags[1]})
	case netstat.IPProtocolDCCP:
		state, _ := netstat.ParseFlowDCCPState(c.state)
		f.DCCP.Set(netstat.FlowDCCP{State: state, Server: c.server.Or(false)})
	}
	f.SourceNAT, f.DestinationNAT = c.source.target(), c.destination.target()
	return f
}

// key names the flow that -G is for.
func (c *command) key() netstat.FlowKey {
	k := netstat.FlowKey{Zone: c.zone.Or(0)}
	if c.has("src") && c.has("dst") {
		k.Tuple = c.originalTuple()
	} else {
		k.Tuple, k.Reply = c.replyTuple(), true
	}
	return k
}

// query returns what of the filters the library looks at. matches looks at the
// rest.
func (c *command) query() netstat.FlowQuery {
	q := netstat.FlowQuery{List: c.list, Protocol: c.protocol, Zone: c.zone, Reset: c.has("zero")}
	if c.family != 0 {
		q.Families = []netstat.Family{c.family}
	}
	q.Original = netstat.FlowTupleQuery{
		Source: prefix(c.original.source, c.original.sourceMask), Destination: prefix(c.original.destination, c.original.destinationMask),
		SourcePort: c.original.sourcePort, DestinationPort: c.original.destinationPort,
		ICMPType: c.icmpType, ICMPCode: c.icmpCode, ICMPID: c.icmpID, Zone: c.origZone,
	}
	q.Reply = netstat.FlowTupleQuery{
		Source: prefix(c.reply.source, netip.Addr{}), Destination: prefix(c.reply.destination, netip.Addr{}),
		SourcePort: c.reply.sourcePort, DestinationPort: c.reply.destinationPort, Zone: c.replyZone,
	}
	if c.verb != 'U' { // whose mark and status are what to set
		if c.has("mark") {
			q.Mark.Set(c.mark)
		}
		if c.has("status") {
			q.Status.Set(netstat.Bits{Value: uint32(c.setStatus), Mask: uint32(c.setStatus | c.clearStatus)})
		}
	}
	if c.verb != 'E' && !c.expect { // a filter of events is of another kind
		show.NarrowFlows(&q, c.filter)
	}
	return q
}

// prefix returns the addresses that agree with a in the bits of the mask, as far
// as they begin the mask.
func prefix(a, mask netip.Addr) netip.Prefix {
	if !a.IsValid() {
		return netip.Prefix{}
	}
	bits := a.BitLen()
	if mask.IsValid() {
		bits = 0
		for _, b := range mask.AsSlice() {
			for i := 7; i >= 0 && b&(1<<i) != 0; i-- {
				bits++
			}
			if b != 0xff {
				break
			}
		}
	}
	return netip.PrefixFrom(a, bits)
}

func agrees(a, want, mask netip.Addr) bool {
	if !mask.IsValid() || !want.IsValid() {
		return true
	}
	x, y, m := a.AsSlice(), want.AsSlice(), mask.AsSlice()
	if len(x) != len(y) || len(x) != len(m) {
		return false
	}
	for i := range x {
		if (x[i]^y[i])&m[i] != 0 {
			return false
		}
	}
	return true
}

// matches looks at the filters that a query has no place for.
func (c *command) matches(row *flowRow) bool {
	f := &row.Value().Flow
	if !agrees(f.Original.Source, c.original.source, c.original.sourceMask) || !agrees(f.Original.Destination, c.original.destination, c.original.destinationMask) {
		return false
	}
	if c.verb != 'U' && c.mark.Value&^c.mark.Mask != 0 {
		return false // as no mark has more bits than its mask leaves
	}
	if id, asked := c.id.Get(); asked && f.ID != netstat.Known(id) {
		return false
	}
	if c.verb == 'D' && c.timeout.IsKnown() && f.Timeout != c.timeout {
		return false
	}
	if c.has("label") {
		labels := f.Labels.Or(netstat.FlowLabels{})
		if !labels.Contains(&c.labels) {
			return false
		}
	}
	if c.verb != 'U' && !c.matchesState(f) {
		return false
	}
	source := f.IsSourceNAT() && c.source.matches(f.Reply.Destination, f.Reply.DestinationPort)
	destination := f.IsDestinationNAT() && c.destination.matches(f.Reply.Source, f.Reply.SourcePort)
	if c.source.asked && !source || c.destination.asked && !destination {
		return false
	}
	either := f.IsSourceNAT() && c.any.matches(f.Reply.Destination, f.Reply.DestinationPort) ||
		f.IsDestinationNAT() && c.any.matches(f.Reply.Source, f.Reply.SourcePort)
	if c.any.asked && !either {
		return false
	}
	return c.filter == nil || c.filter.Match(func(i int) table.Value { return c.flows().Fields[i].Value(row) })
}

func (n *nat) matches(a netip.Addr, port uint16) bool {
	p, asked := n.port.Get()
	return (!n.address.IsValid() || n.address == a) && (!asked || p == port)
}

func (c *command) matchesState(f *netstat.Flow) bool {
	if tag, asked := c.tags[0].Get(); asked && f.SCTP.Or(netstat.FlowSCTP{}).OriginalTag != netstat.Known(tag) {
		return false
	}
	if tag, asked := c.tags[1].Get(); asked && f.SCTP.Or(netstat.FlowSCTP{}).ReplyTag != netstat.Known(tag) {
		return false
	}
	if server, asked := c.server.Get(); asked && f.DCCP.Or(netstat.FlowDCCP{}).Server != server {
		return false
	}
	if c.state == "" {
		return true
	}
	wanted := c.state
	if wanted == "LISTEN" {
		wanted = netstat.FlowTCPSynSent2.String()
	}
	return f.State() == wanted
}

// change returns what -U does to a flow, false for nothing that is not so
// already.
func (c *command) change(f *netstat.Flow) (netstat.FlowChange, bool) {
	var change netstat.FlowChange
	differs := false
	if c.timeout.IsKnown() {
		change.Timeout, differs = c.timeout, differs || c.timeout != f.Timeout
	}
	if c.has("mark") {
		mark := f.Mark.Or(0)&^c.mark.Mask ^ c.mark.Value
		bits := c.mark
		if bits.Value&^bits.Mask != 0 { // bits that the mask does not clear are changed
			bits = netstat.Bits{Value: mark, Mask: math.MaxUint32}
		}
		change.Mark.Set(bits)
		differs = differs || mark != f.Mark.Or(0)
	}
	if c.setStatus != 0 {
		change.Status = c.setStatus
		differs = differs || f.Status.Or(0)|c.setStatus != f.Status.Or(0)
	}
	if c.has("label-add", "label-del") {
		labels := f.Labels.Or(netstat.FlowLabels{})
		after := labels
		for i := range after {
			if c.has("label-add") {
				after[i] |= c.labelChange[i]
			} else {
				after[i] &^= c.labelChange[i]
			}
		}
		if after != labels {
			change.Labels.Set(after)
			differs = true
		}
	}
	switch c.protocol.Or(0) {
	case netstat.IPProtocolTCP:
		if state, known := netstat.ParseFlowTCPState(c.state); known {
			change.TCP.Set(netstat.FlowTCP{State: state})
			differs = differs || f.TCP.Or(netstat.FlowTCP{}).State != state
		}
	case netstat.IPProtocolSCTP:
		if state, known := netstat.ParseFlowSCTPState(c.state); known {
			old := f.SCTP.Or(netstat.FlowSCTP{})
			changed := netstat.FlowSCTP{State: state, OriginalTag: netstat.Known(c.tags[0].Or(old.OriginalTag.Or(0))), ReplyTag: netstat.Known(c.tags[1].Or(old.ReplyTag.Or(0)))}
			change.SCTP.Set(changed)
			differs = differs || changed != old
		}
	}
	return change, differs
}

// expectation returns the expectation to make or to name.
func (c *command) expectation() netstat.Expectation {
	var x netstat.Expectation
	if c.verb != 'I' {
		x.Tuple = c.originalTuple()
		return x
	}
	all := func(mask netip.Addr) netip.Addr {
		if mask.IsValid() {
			return mask
		}
		bits := 32
		if c.family == netstat.IPv6 {
			bits = 128
		}
		return maskOf(bits, bits)
	}
	x.Master = c.originalTuple()
	x.Tuple = netstat.FlowTuple{
		Protocol: c.protocol.Or(0), Source: c.expected.source, Destination: c.expected.destination,
		SourcePort: c.expected.sourcePort.Or(0), DestinationPort: c.expected.destinationPort.Or(0),
	}
	ports := func(given, mask netstat.Optional[uint16]) uint16 {
		if given.IsKnown() {
			return mask.Or(math.MaxUint16)
		}
		return mask.Or(0)
	}
	x.Mask = netstat.FlowTuple{
		Protocol: c.protocol.Or(0), Source: all(c.expected.sourceMask), Destination: all(c.expected.destinationMask),
		SourcePort: ports(c.expected.sourcePort, c.maskPorts[0]), DestinationPort: ports(c.expected.destinationPort, c.maskPorts[1]),
	}
	x.Timeout = c.timeout
	return x
}

// protocolNumber looks a name up in /etc/protocols.
func protocolNumber(name string) (uint8, bool) {
	for number, known := range names.ReadProtocols() {
		if strings.EqualFold(known, name) && number <= math.MaxUint8 {
			return uint8(number), true
		}
	}
	return 0, false
}
