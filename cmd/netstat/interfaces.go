package main

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// showInterfaces shows the table of interfaces, or with -e a paragraph for each.
func (s *session) showInterfaces() error {
	p, _, err := newPrinter(s, interfaceKind(), s.interfaceColumns())
	if err != nil {
		return err
	}
	s.out.Title("Kernel Interface table")
	if s.extend > 0 && !s.json {
		return s.describeInterfaces(p)
	}
	if err := s.eachInterface(p.Row); err != nil {
		return err
	}
	return p.Close()
}

// eachInterface calls show with the interfaces that the flags choose, with their
// details where the source has them.
func (s *session) eachInterface(show func(*row[netstat.InterfaceDetails]) error) error {
	chosen := func(i *netstat.Interface) bool {
		if s.iface != "" {
			return i.Name == s.iface
		}
		return s.all || i.IsUp()
	}
	var r row[netstat.InterfaceDetails]
	for _, src := range s.sources {
		found := s.iface == ""
		r.from = src
		for v, err := range interfaceDetails(s, src) {
			if err != nil {
				if s.ctx.Err() != nil {
					return err
				}
				s.complain("interfaces", src, err)
				found = true
				break
			}
			if !chosen(&v.Interface) {
				continue
			}
			found = true
			r.v = v
			if err := show(&r); err != nil {
				return err
			}
		}
		if !found {
			s.complain("interface "+s.iface, src, fmt.Errorf("there is none"))
		}
	}
	return nil
}

// interfaceDetails yields interfaces, with no details where the source has none.
func interfaceDetails(s *session, src *source) iter.Seq2[netstat.InterfaceDetails, error] {
	if reader, ok := src.stack.(netstat.InterfaceDetailsReader); ok {
		return reader.InterfaceDetails(s.ctx)
	}
	return func(yield func(netstat.InterfaceDetails, error) bool) {
		for i, err := range src.stack.Interfaces(s.ctx) {
			if !yield(netstat.InterfaceDetails{Interface: i}, err) {
				return
			}
		}
	}
}

// flagLetters are net-tools' letters for an interface's flags.
var flagLetters = []struct {
	flag   netstat.InterfaceFlags
	letter byte
	name   string
}{
	{netstat.FlagAllMulticast, 'A', "ALLMULTI"}, {netstat.FlagBroadcast, 'B', "BROADCAST"}, {1 << 2, 'D', "DEBUG"},
	{netstat.FlagLoopback, 'L', "LOOPBACK"}, {netstat.FlagMulticast, 'M', "MULTICAST"}, {1 << 15, 'd', "DYNAMIC"},
	{netstat.FlagPromiscuous, 'P', "PROMISC"}, {1 << 5, 'N', "NOTRAILERS"}, {netstat.FlagNoARP, 'O', "NOARP"},
	{netstat.FlagPointToPoint, 'P', "POINTOPOINT"}, {1 << 11, 's', "SLAVE"}, {1 << 10, 'm', "MASTER"},
	{netstat.FlagRunning, 'R', "RUNNING"}, {netstat.FlagUp, 'U', "UP"},
}

func appendFlagLetters(b []byte, flags netstat.InterfaceFlags) []byte {
	start := len(b)
	for _, f := range flagLetters {
		if flags&f.flag != 0 {
			b = append(b, f.letter)
		}
	}
	if len(b) == start {
		b = append(b, "[NO FLAGS]"...)
	}
	return b
}

func flagWords(flags netstat.InterfaceFlags) (words []string) {
	for _, f := range flagLetters {
		if flags&f.flag != 0 {
			words = append(words, strings.ToLower(f.name))
		}
	}
	return words
}

type interfaceRow = row[netstat.InterfaceDetails]

// counterColumn is a column of a counter, red where it counts what should not
// happen and did.
func (s *session) counterColumn(heading string, width int, right, bad bool, get func(*netstat.InterfaceCounters) uint64) table.Column[interfaceRow] {
	c := table.Column[interfaceRow]{Heading: heading, Width: width, Right: right, Append: func(b []byte, r *interfaceRow) []byte {
		counters, known := r.v.Counters.Pointer()
		if !known {
			return append(b, '-')
		}
		return s.appendCount(b, get(counters))
	}}
	if bad {
		c.Colour = func(r *interfaceRow) table.Colour {
			if counters, known := r.v.Counters.Pointer(); known && get(counters) > 0 {
				return table.Red
			}
			return table.Plain
		}
	}
	return c
}

func (s *session) interfaceColumns() []table.Column[interfaceRow] {
	return []table.Column[interfaceRow]{
		{Heading: "Iface", Width: 15, Append: func(b []byte, r *interfaceRow) []byte { return table.AppendEscaped(b, r.v.Name) }},
		{Heading: "MTU", Width: 5, Right: true, Append: func(b []byte, r *interfaceRow) []byte { return appendUint(b, r.v.MTU) }},
		s.counterColumn("RX-OK", 8, true, false, func(c *netstat.InterfaceCounters) uint64 { return c.InPackets }),
		s.counterColumn("RX-ERR", 6, true, true, func(c *netstat.InterfaceCounters) uint64 { return c.InErrors }),
		s.counterColumn("RX-DRP", 6, true, true, func(c *netstat.InterfaceCounters) uint64 { return c.InDropped + c.InMissedErrors }),
		s.counterColumn("RX-OVR", 6, false, true, func(c *netstat.InterfaceCounters) uint64 { return c.InFIFOErrors }),
		s.counterColumn("TX-OK", 8, true, false, func(c *netstat.InterfaceCounters) uint64 { return c.OutPackets }),
		s.counterColumn("TX-ERR", 6, true, true, func(c *netstat.InterfaceCounters) uint64 { return c.OutErrors }),
		s.counterColumn("TX-DRP", 6, true, true, func(c *netstat.InterfaceCounters) uint64 { return c.OutDropped }),
		s.counterColumn("TX-OVR", 6, true, true, func(c *netstat.InterfaceCounters) uint64 { return c.OutFIFOErrors }),
		{Heading: "Flg", Append: func(b []byte, r *interfaceRow) []byte { return appendFlagLetters(b, r.v.Flags) }},
	}
}

// describeInterfaces shows a paragraph for each interface.
func (s *session) describeInterfaces(p *table.Printer[interfaceRow]) error {
	addresses := make(map[*source]map[uint32][]netstat.Address)
	for _, src := range s.sources {
		addresses[src] = make(map[uint32][]netstat.Address)
		for a, err := range src.stack.Addresses(s.ctx) {
			if err != nil {
				s.complain("addresses", src, err)
				break
			}
			addresses[src][a.Interface] = append(addresses[src][a.Interface], a)
		}
	}
	return s.eachInterface(func(r *interfaceRow) error {
		if p.Keep != nil && !p.Keep(r) {
			return nil
		}
		s.describe(r, addresses[r.from][r.v.Index])
		return s.out.Flush()
	})
}

// describe shows an interface in the form of ifconfig(8), with what that does not
// know below.
func (s *session) describe(r *interfaceRow, addresses []netstat.Address) {
	i := &r.v
	var b []byte
	line := func(format string, args ...any) { b = fmt.Appendf(b, "        "+format+"\n", args...) }
	escaped := func(text string) string { return string(table.AppendEscaped(nil, text)) }

	var names []string
	for j := len(flagLetters) - 1; j >= 0; j-- {
		if i.Flags&flagLetters[j].flag != 0 {
			names = append(names, flagLetters[j].name)
		}
	}
	b = fmt.Appendf(b, "%s: flags=%d<%s>  mtu %d", escaped(i.Name), uint16(i.Flags), strings.Join(names, ","), i.MTU)
	if r.from.netns != "" {
		b = fmt.Appendf(b, "  netns %s", escaped(r.from.netns))
	}
	b = append(b, '\n')
	for _, a := range addresses {
		address, bits := a.Prefix.Addr(), a.Prefix.Bits()
		if address.Is4() {
			text := fmt.Sprintf("inet %s  netmask %s", address, appendMask(nil, bits))
			if a.Broadcast.IsValid() {
				text += "  broadcast " + a.Broadcast.String()
			}
			line("%s%s", text, peer(a))
			continue
		}
		line("inet6 %s  prefixlen %d  scope %s%s", address.WithZone(""), bits, scopeName(a.Scope), peer(a))
	}
	hardware := "loop"
	if i.Address != "" && i.Flags&netstat.FlagLoopback == 0 {
		hardware = "ether " + i.Address.String()
	}
	line("%s  txqueuelen %s%s", hardware, i.TransmitQueueLength, kindText(i))
	if c, known := i.Counters.Pointer(); known {
		line("RX packets %d  bytes %d (%s)", c.InPackets, c.InOctets, scaledBytes(c.InOctets))
		line("RX errors %d  dropped %d  overruns %d  frame %d", c.InErrors, c.InDropped+c.InMissedErrors, c.InFIFOErrors, c.InLengthErrors+c.InOverErrors+c.InCRCErrors+c.InFrameErrors)
		line("TX packets %d  bytes %d (%s)", c.OutPackets, c.OutOctets, scaledBytes(c.OutOctets))
		line("TX errors %d  dropped %d overruns %d  carrier %d  collisions %d", c.OutErrors, c.OutDropped, c.OutFIFOErrors, c.OutCarrierErrors+c.OutAbortedErrors+c.OutWindowErrors+c.OutHeartbeatErrors, c.Collisions)
	}
	state := []string{"state " + i.OperState.String()}
	if speed, known := i.Speed.Get(); known {
		state = append(state, "speed "+string(table.AppendScaled(nil, speed, 1000))+"bit/s")
	}
	if i.Master != 0 {
		state = append(state, "master "+escaped(r.from.name(i.Master)))
	}
	if i.Lower != 0 {
		if id, known := i.LowerNetNSID.Get(); known {
			state = append(state, fmt.Sprintf("peer index %d in namespace id %d", i.Lower, id))
		} else {
			state = append(state, "on "+escaped(r.from.name(i.Lower)))
		}
	}
	if n, known := i.CarrierChanges.Get(); known {
		state = append(state, fmt.Sprintf("carrier changes %d", n))
	}
	line("%s", strings.Join(state, "  "))
	for _, name := range i.AlternativeNames {
		line("altname %s", escaped(name))
	}
	if i.Alias != "" {
		line("alias %s", escaped(i.Alias))
	}
	s.out.Line(string(b))
}

func peer(a netstat.Address) string {
	if !a.Peer.IsValid() {
		return ""
	}
	return "  destination " + a.Peer.String()
}

func kindText(i *netstat.InterfaceDetails) string {
	if i.Kind == "" {
		return ""
	}
	return "  kind " + i.Kind
}

func scaledBytes(n uint64) string { return string(table.AppendScaled(nil, n, 1024)) + "B" }

func scopeName(scope netstat.Scope) string {
	switch scope {
	case netstat.ScopeUniverse:
		return "global"
	case netstat.ScopeSite:
		return "site"
	case netstat.ScopeLink:
		return "link"
	case netstat.ScopeHost:
		return "host"
	}
	return strconv.Itoa(int(scope))
}

func interfaceKind() *table.Kind[interfaceRow] {
	field := fieldOf[netstat.InterfaceDetails]
	k := newKind("interface", "a network interface, with its counters",
		field("name", table.String, "name", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.Name) }),
		field("index", table.Integer, "index, from 1", func(i *netstat.InterfaceDetails) table.Value { return table.Uint(i.Index) }),
		field("alternativeNames", table.Strings, "further names", func(i *netstat.InterfaceDetails) table.Value { return table.Words(i.AlternativeNames) }),
		field("alias", table.String, "description that the administrator gave", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.Alias) }),
		field("linkKind", table.String, "`veth`, `bridge`, ...; absent for physical ones", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.Kind) }),
		field("hardwareType", table.Integer, "ARPHRD_* number", func(i *netstat.InterfaceDetails) table.Value { return table.Uint(i.HardwareType) }),
		field("address", table.String, "link-layer address", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.Address.String()) }),
		field("permanentAddress", table.String, "the one that is burnt in", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.Permanent.String()) }),
		field("mtu", table.Integer, "bytes", func(i *netstat.InterfaceDetails) table.Value { return table.Uint(i.MTU) }),
		field("flags", table.Strings, "flags that are set", func(i *netstat.InterfaceDetails) table.Value { return table.Words(flagWords(i.Flags)) }),
		field("state", table.String, "operational state", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.OperState.String()) }),
		field("carrierChanges", table.Integer, "transitions of the carrier", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.CarrierChanges) }),
		field("speed", table.Integer, "bits a second", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.Speed) }),
		interfaceField("master", "interface that this one is a port of", func(i *netstat.InterfaceDetails) uint32 { return i.Master }),
		field("lower", table.Integer, "index of the interface below, or of the peer", func(i *netstat.InterfaceDetails) table.Value { return table.NonZero(i.Lower) }),
		field("lowerNetNSID", table.Integer, "namespace id of `lower`, where that is another namespace", func(i *netstat.InterfaceDetails) table.Value {
			id, known := i.LowerNetNSID.Get()
			if !known {
				return table.Value{}
			}
			return table.Int(id)
		}),
		field("group", table.Integer, "administrator's group", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.Group) }),
		field("qdisc", table.String, "kind of the root queueing discipline", func(i *netstat.InterfaceDetails) table.Value { return table.Text(i.Qdisc) }),
		field("transmitQueueLength", table.Integer, "packets", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.TransmitQueueLength) }),
		field("transmitQueues", table.Integer, "number of queues", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.TransmitQueues) }),
		field("receiveQueues", table.Integer, "number of queues", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.ReceiveQueues) }),
		field("promiscuity", table.Integer, "how many asked for promiscuous mode", func(i *netstat.InterfaceDetails) table.Value { return uintValue(i.Promiscuity) }),
	)
	for _, c := range interfaceCounterFields {
		k.Fields = append(k.Fields, field(c.name, table.Integer, c.doc, func(i *netstat.InterfaceDetails) table.Value {
			counters, known := i.Counters.Pointer()
			if !known {
				return table.Value{}
			}
			return uintValue(c.get(counters))
		}))
	}
	k.Aliases = map[string][]string{"dev": {"name"}, "iface": {"name"}, "interface": {"name"}}
	return k
}

// interfaceCounterFields are an interface's counters.
var interfaceCounterFields = []struct {
	name, doc string
	get       func(*netstat.InterfaceCounters) netstat.Optional[uint64]
}{
	{"inPackets", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InPackets) }},
	{"inOctets", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InOctets) }},
	{"inErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InErrors) }},
	{"inDropped", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InDropped) }},
	{"inMulticast", "frames", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InMulticast) }},
	{"inLengthErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InLengthErrors) }},
	{"inOverErrors", "frames that were too long", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InOverErrors) }},
	{"inCRCErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InCRCErrors) }},
	{"inFrameErrors", "alignment", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InFrameErrors) }},
	{"inFIFOErrors", "overruns of the device's queue", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InFIFOErrors) }},
	{"inMissedErrors", "for lack of buffers", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InMissedErrors) }},
	{"inCompressed", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.InCompressed) }},
	{"inNoHandler", "frames of protocols that nobody handles", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return c.InNoHandler }},
	{"inOtherHost", "frames dropped because of another destination", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return c.InOtherHost }},
	{"outPackets", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutPackets) }},
	{"outOctets", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutOctets) }},
	{"outErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutErrors) }},
	{"outDropped", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutDropped) }},
	{"collisions", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.Collisions) }},
	{"outAbortedErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutAbortedErrors) }},
	{"outCarrierErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutCarrierErrors) }},
	{"outFIFOErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutFIFOErrors) }},
	{"outHeartbeatErrors", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] {
		return netstat.Known(c.OutHeartbeatErrors)
	}},
	{"outWindowErrors", "late collisions", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutWindowErrors) }},
	{"outCompressed", "", func(c *netstat.InterfaceCounters) netstat.Optional[uint64] { return netstat.Known(c.OutCompressed) }},
}
