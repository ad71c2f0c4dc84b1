package show

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Interfaces is the table of interfaces; with Options.Extend people see a paragraph for
// each.
func Interfaces() Table {
	return &kind[interfaceView]{
		Kind:  interfaceKind(),
		title: "Kernel Interface table", what: "interfaces",
		columns: interfaceColumns,
		read:    interfaces,
		names:   func(i *interfaceView) bool { return i.Master != 0 || i.Lower != 0 },
		belongs: func(_ context.Context, q *query, i *interfaceView) bool { return q.chooses(q.src, i.Name) },
		keep: func(q *query, i *interfaceView) bool {
			return q.All || len(q.Interfaces) > 0 || i.Up().Or(true)
		},
		paragraph: func(s *Session) func(*Row[interfaceView]) {
			if s.Extend == 0 {
				return nil
			}
			return s.describe
		},
		rest: describeRest,
	}
}

// interfaces reads interfaces with what is shown of them, by name.
func interfaces(ctx context.Context, q *query) iter.Seq2[interfaceView, error] {
	grew, err := q.grown(ctx, q.src)
	if err != nil {
		if ctx.Err() != nil {
			return failed[interfaceView](err)
		}
		q.complain("counters", q.src, err)
		return func(func(interfaceView, error) bool) {}
	}
	if q.Extend > 0 && !q.JSON {
		q.readAddresses(ctx, q.src)
	}
	return func(yield func(interfaceView, error) bool) {
		var found []interfaceView
		var failure error
		for v, err := range interfaceDetails(ctx, q.src) {
			if failure = err; err != nil {
				break
			}
			found = append(found, viewOf(v, grew))
		}
		slices.SortFunc(found, func(a, b interfaceView) int { return compareNames(a.Name, b.Name) })
		for i := range found {
			if !yield(found[i], nil) {
				return
			}
		}
		if failure != nil {
			yield(interfaceView{}, failure)
			return
		}
		if !q.src.SNMP {
			return
		}
		for _, name := range q.Interfaces {
			if !slices.ContainsFunc(found, func(v interfaceView) bool { return v.Name == name }) {
				q.complain("interface "+name, q.src, errNoInterface)
			}
		}
	}
}

// readAddresses reads the addresses of a stack's interfaces, of the families that are
// chosen.
func (s *Session) readAddresses(ctx context.Context, src *Source) {
	src.addresses = make(map[uint32][]netstat.Address)
	for a, err := range src.Stack.Addresses(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				s.complain("addresses", src, err)
			}
			return
		}
		if s.IPv4 == s.IPv6 || a.Prefix.Addr().Is4() == s.IPv4 {
			src.addresses[a.Interface] = append(src.addresses[a.Interface], a)
		}
	}
}

// viewOf gives an interface its counters, or how much they grew where that is
// asked for.
func viewOf(i netstat.InterfaceDetails, grew *baseline.Delta) interfaceView {
	v := interfaceView{i, make(map[string]netstat.Optional[uint64]), make(map[string]bool)}
	for name, n := range i.Counters.All() {
		v.has[name] = n.IsKnown()
	}
	if grew == nil {
		for name, n := range i.Counters.All() {
			v.counters[name] = n
		}
		return v
	}
	for _, d := range grew.Interfaces {
		if d.Index == i.Index && d.Name == i.Name {
			for name, difference := range d.Counters {
				v.counters[name] = difference.Count
			}
		}
	}
	return v
}

// compareNames orders names so that eth2 comes before eth10.
func compareNames(a, b string) int {
	stem := func(s string) (string, uint64) {
		digits := len(s)
		for digits > 0 && s[digits-1] >= '0' && s[digits-1] <= '9' {
			digits--
		}
		n, err := strconv.ParseUint(s[digits:], 10, 64)
		if err != nil {
			return s, 0
		}
		return s[:digits], n
	}
	aStem, aNumber := stem(a)
	bStem, bNumber := stem(b)
	return cmp.Or(strings.Compare(aStem, bStem), cmp.Compare(aNumber, bNumber), strings.Compare(a, b))
}

// interfaceDetails yields interfaces, with no details where the source has none.
func interfaceDetails(ctx context.Context, src *Source) iter.Seq2[netstat.InterfaceDetails, error] {
	return func(yield func(netstat.InterfaceDetails, error) bool) {
		if reader, ok := src.Stack.(netstat.InterfaceDetailsReader); ok {
			for i, err := range reader.InterfaceDetails(ctx) {
				if errors.Is(err, netstat.ErrNotSupported) {
					break
				}
				if !yield(i, err) {
					return
				}
				ok = false
			}
			if !ok {
				return
			}
		}
		for i, err := range src.Stack.Interfaces(ctx) {
			if !yield(netstat.InterfaceDetails{Interface: i}, err) {
				return
			}
		}
	}
}

// InterfaceNames returns the names of the stack's interfaces, alternative ones among
// them, as far as they can be read.
func (src *Source) InterfaceNames(ctx context.Context) (found []string) {
	for i, err := range interfaceDetails(ctx, src) {
		if err == nil {
			found = append(append(found, i.Name), i.AlternativeNames...)
		}
	}
	return found
}

// flagLetters are net-tools' letters for an interface's flags.
var flagLetters = []struct {
	flag   netstat.InterfaceFlags
	letter byte
	name   string
}{
	{netstat.InterfaceAllMulticast, 'A', "ALLMULTI"}, {netstat.InterfaceBroadcast, 'B', "BROADCAST"}, {netstat.InterfaceDebug, 'D', "DEBUG"},
	{netstat.InterfaceLoopback, 'L', "LOOPBACK"}, {netstat.InterfaceMulticast, 'M', "MULTICAST"}, {netstat.InterfaceDynamic, 'd', "DYNAMIC"},
	{netstat.InterfacePromiscuous, 'P', "PROMISC"}, {netstat.InterfaceNoTrailers, 'N', "NOTRAILERS"}, {netstat.InterfaceNoARP, 'O', "NOARP"},
	{netstat.InterfacePointToPoint, 'P', "POINTOPOINT"}, {netstat.InterfaceSlave, 's', "SLAVE"}, {netstat.InterfaceMaster, 'm', "MASTER"},
	{netstat.InterfaceRunning, 'R', "RUNNING"}, {netstat.InterfaceUp, 'U', "UP"},
}

func appendFlagLetters(b []byte, i *netstat.Interface) []byte {
	start := len(b)
	for _, f := range flagLetters {
		if i.Flags&f.flag != 0 {
			b = append(b, f.letter)
		}
	}
	switch {
	case len(b) > start:
	case i.UnknownFlags != 0:
		b = append(b, '-')
	default:
		b = append(b, "[NO FLAGS]"...)
	}
	return b
}

// interfaceView is an interface with its counters by the kernel's names, or with
// how much they grew.
type interfaceView struct {
	netstat.InterfaceDetails
	counters map[string]netstat.Optional[uint64]
	has      map[string]bool // the counters that the source tells
}

// sum adds the counters of those names. It is unknown when one of them is, but
// for those that the source does not have.
func (i *interfaceView) sum(names ...string) (total netstat.Optional[uint64]) {
	for _, name := range names {
		n, known := i.counters[name].Get()
		switch {
		case known:
			total.Set(total.Or(0) + n)
		case i.has[name]:
			return netstat.Optional[uint64]{}
		}
	}
	return total
}

// counterColumn is a column of the sum of counters, red where they count what
// should not happen and did.
func (s *Session) counterColumn(heading string, width int, right, bad bool, names ...string) table.Column[Row[interfaceView]] {
	c := columnOf(heading, width, right, func(b []byte, i *interfaceView) []byte {
		n, known := i.sum(names...).Get()
		if !known {
			return append(b, '-')
		}
		return s.appendCount(b, n)
	})
	if bad {
		c.Colour = func(r *Row[interfaceView]) table.Colour {
			if r.v.sum(names...).Or(0) > 0 {
				return table.Red
			}
			return table.Plain
		}
	}
	return c
}

func interfaceColumns(s *Session) []table.Column[Row[interfaceView]] {
	return []table.Column[Row[interfaceView]]{
		columnOf("Iface", 15, false, func(b []byte, i *interfaceView) []byte { return table.AppendEscaped(b, i.Name) }),
		columnOf("MTU", 5, true, func(b []byte, i *interfaceView) []byte { return appendKnown(b, i.MTU) }),
		s.counterColumn("RX-OK", 8, true, false, "rx_packets"),
		s.counterColumn("RX-ERR", 6, true, true, "rx_errors"),
		s.counterColumn("RX-DRP", 6, true, true, "rx_dropped", "rx_missed_errors"),
		s.counterColumn("RX-OVR", 6, false, true, "rx_fifo_errors"),
		s.counterColumn("TX-OK", 8, true, false, "tx_packets"),
		s.counterColumn("TX-ERR", 6, true, true, "tx_errors"),
		s.counterColumn("TX-DRP", 6, true, true, "tx_dropped"),
		s.counterColumn("TX-OVR", 6, true, true, "tx_fifo_errors"),
		columnOf("Flg", 0, false, func(b []byte, i *interfaceView) []byte { return appendFlagLetters(b, &i.Interface) }),
	}
}

// describeRest shows the addresses of interfaces that the stack does not have, as the
// agents of hosts tell of some.
func describeRest(ctx context.Context, s *Session, src *Source) {
	if len(src.addresses) == 0 || !src.SNMP { // of this host an interface may have come since
		return
	}
	s.readNames(ctx, src)
	for _, index := range slices.Sorted(maps.Keys(src.addresses)) {
		if _, there := src.interfaces[index]; there {
			continue
		}
		title := fmt.Sprintf("(index %d): no such interface", index)
		if src.label() != "" {
			title += "  host " + string(table.AppendEscaped(nil, src.label()))
		}
		s.out.Line(title)
		for _, a := range src.addresses[index] {
			s.out.Line("        " + addressLine(a))
		}
		s.out.Line("")
	}
}

// describe shows an interface in the form of ifconfig(8), with what that does not
// know below.
func (s *Session) describe(r *Row[interfaceView]) {
	i := &r.v
	var b []byte
	line := func(format string, args ...any) { b = fmt.Appendf(b, "        "+format+"\n", args...) }
	escaped := func(text string) string { return string(table.AppendEscaped(nil, text)) }

	b = fmt.Appendf(b, "%s: flags=%d<%s>  mtu %v", escaped(i.Name), uint16(i.Flags), strings.Join(flagNames(i.Flags), ","), i.MTU)
	if r.from.NetNS != "" {
		b = fmt.Appendf(b, "  netns %s", escaped(r.from.NetNS))
	}
	if r.from.Host != "" {
		b = fmt.Appendf(b, "  host %s", escaped(r.from.Host))
	}
	b = append(b, '\n')
	for _, a := range r.from.addresses[i.Index] {
		line("%s", addressLine(a))
	}
	link, kind := hardware(i)
	line("%s  txqueuelen %s%s", link, i.TransmitQueueLength, kind)
	if slices.Contains(slices.Collect(maps.Values(i.has)), true) {
		n := func(names ...string) string {
			if total, known := i.sum(names...).Get(); known {
				return strconv.FormatUint(total, 10)
			}
			return "-"
		}
		scaled := func(name string) string {
			if total, known := i.sum(name).Get(); known {
				return scaledBytes(total)
			}
			return "-"
		}
		line("RX packets %s  bytes %s (%s)", n("rx_packets"), n("rx_bytes"), scaled("rx_bytes"))
		line("RX errors %s  dropped %s  overruns %s  frame %s", n("rx_errors"), n("rx_dropped", "rx_missed_errors"), n("rx_fifo_errors"),
			n("rx_length_errors", "rx_over_errors", "rx_crc_errors", "rx_frame_errors"))
		line("TX packets %s  bytes %s (%s)", n("tx_packets"), n("tx_bytes"), scaled("tx_bytes"))
		line("TX errors %s  dropped %s overruns %s  carrier %s  collisions %s", n("tx_errors"), n("tx_dropped"), n("tx_fifo_errors"),
			n("tx_aborted_errors", "tx_carrier_errors", "tx_window_errors", "tx_heartbeat_errors"), n("collisions"))
	}
	state := []string{"state " + i.OperState.String()}
	if i.Kind != "" {
		state = append(state, "kind "+escaped(i.Kind))
	}
	if speed, known := i.Speed.Get(); known {
		state = append(state, "speed "+string(table.AppendScaled(nil, speed, 1000))+"bit/s")
	}
	if i.Master != 0 {
		state = append(state, "master "+escaped(r.from.name(i.Master)))
	}
	if i.Lower != 0 {
		if id, known := i.LowerNetNSID.Get(); known {
			state = append(state, fmt.Sprintf("peer index %d in namespace id %d", i.Lower, id))
		} else if i.Kind == "veth" {
			state = append(state, "peer "+escaped(r.from.name(i.Lower)))
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

// flagNames returns the names of flags in the order of their bits, as ifconfig(8)
// does.
func flagNames(flags netstat.InterfaceFlags) (names []string) {
	for bit := netstat.InterfaceFlags(1); bit != 0; bit <<= 1 {
		for _, f := range flagLetters {
			if f.flag == bit && flags&bit != 0 {
				names = append(names, f.name)
			}
		}
	}
	return names
}

// hardware tells an interface's link and its address there, and what ifconfig(8)
// calls that kind of link.
func hardware(i *interfaceView) (link, kind string) {
	switch {
	case i.Flags&netstat.InterfaceLoopback != 0:
		return "loop", "  (Local Loopback)"
	case i.Address == "":
		return fmt.Sprintf("hardware type %v", i.HardwareType), ""
	case i.HardwareType == netstat.Known[uint16](netstat.HardwareEthernet):
		return "ether " + i.Address.String(), "  (Ethernet)"
	}
	return fmt.Sprintf("hardware type %v address %s", i.HardwareType, i.Address), ""
}

// addressLine is an address in the form of ifconfig(8).
func addressLine(a netstat.Address) string {
	address, bits := a.Prefix.Addr(), a.Prefix.Bits()
	known := func(b []byte) string {
		if bits < 0 {
			return "-"
		}
		return string(b)
	}
	if !address.Is4() {
		return fmt.Sprintf("inet6 %s  prefixlen %s  scopeid %s%s", address.WithZone(""), known(strconv.AppendInt(nil, int64(bits), 10)), scopeName(a.Scope), peer(a))
	}
	text := fmt.Sprintf("inet %s  netmask %s", address, known(appendMask(nil, max(bits, 0))))
	if a.Broadcast.IsValid() {
		text += "  broadcast " + a.Broadcast.String()
	}
	return text + peer(a)
}

func peer(a netstat.Address) string {
	if !a.Peer.IsValid() {
		return ""
	}
	return "  destination " + a.Peer.String()
}

// scaledBytes is a number of bytes in the form of ifconfig(8), which does not round.
func scaledBytes(n uint64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i, rest := 0, uint64(0)
	for ; n > 1024; i++ {
		n, rest = n/1024, n%1024
	}
	return fmt.Sprintf("%d.%d %s", n, rest*10/1024, units[i])
}

// scopeName is a scope in the form of ifconfig(8).
func scopeName(scope netstat.Scope) string {
	switch scope {
	case netstat.ScopeUniverse:
		return "0x0<global>"
	case netstat.ScopeSite:
		return "0x40<site>"
	case netstat.ScopeLink:
		return "0x20<link>"
	case netstat.ScopeHost:
		return "0x10<host>"
	}
	return strconv.Itoa(int(scope))
}

func interfaceKind() *table.Kind[Row[interfaceView]] {
	field := fieldOf[interfaceView]
	k := newKind("interface", "a network interface, with its counters",
		field("name", table.Interface, "name", func(i *interfaceView) table.Value { return table.Text(i.Name) }),
		field("index", table.Integer, "index, from 1", func(i *interfaceView) table.Value { return table.Uint(i.Index) }),
		field("alternativeNames", table.Strings, "further names", func(i *interfaceView) table.Value { return table.Words(i.AlternativeNames) }),
		field("alias", table.String, "description that the administrator gave", func(i *interfaceView) table.Value { return table.Text(i.Alias) }),
		field("linkKind", table.String, "`veth`, `bridge`, ...; absent for physical ones", func(i *interfaceView) table.Value { return table.Text(i.Kind) }),
		field("hardwareType", table.Integer, "ARPHRD_* number", func(i *interfaceView) table.Value { return uintValue(i.HardwareType) }),
		field("address", table.String, "link-layer address", func(i *interfaceView) table.Value { return table.Text(i.Address.String()) }),
		field("permanentAddress", table.String, "the one that is burnt in", func(i *interfaceView) table.Value { return table.Text(i.Permanent.String()) }),
		field("mtu", table.Integer, "bytes", func(i *interfaceView) table.Value { return uintValue(i.MTU) }),
		field("flags", table.Strings, "flags that are set", func(i *interfaceView) table.Value { return table.Words(i.Flags.Names()) }),
		field("unknownFlags", table.Strings, "flags that the source does not tell of", func(i *interfaceView) table.Value { return table.Words(i.UnknownFlags.Names()) }),
		field("state", table.String, "operational state", func(i *interfaceView) table.Value { return knownText(i.OperState) }),
		field("carrierChanges", table.Integer, "transitions of the carrier", func(i *interfaceView) table.Value { return uintValue(i.CarrierChanges) }),
		field("speed", table.Integer, "bits a second", func(i *interfaceView) table.Value { return uintValue(i.Speed) }),
		interfaceField("master", "interface that this one is a port of", func(i *interfaceView) uint32 { return i.Master }),
		field("lower", table.Integer, "index of the interface below, or of the peer", func(i *interfaceView) table.Value { return table.NonZero(i.Lower) }),
		field("lowerNetNSID", table.Integer, "namespace id of `lower`, where that is another namespace", func(i *interfaceView) table.Value {
			id, known := i.LowerNetNSID.Get()
			if !known {
				return table.Value{}
			}
			return table.Int(id)
		}),
		field("group", table.Integer, "administrator's group", func(i *interfaceView) table.Value { return uintValue(i.Group) }),
		field("qdisc", table.String, "kind of the root queueing discipline", func(i *interfaceView) table.Value { return table.Text(i.Qdisc) }),
		field("transmitQueueLength", table.Integer, "packets", func(i *interfaceView) table.Value { return uintValue(i.TransmitQueueLength) }),
		field("transmitQueues", table.Integer, "number of queues", func(i *interfaceView) table.Value { return uintValue(i.TransmitQueues) }),
		field("receiveQueues", table.Integer, "number of queues", func(i *interfaceView) table.Value { return uintValue(i.ReceiveQueues) }),
		field("promiscuity", table.Integer, "how many asked for promiscuous mode", func(i *interfaceView) table.Value { return uintValue(i.Promiscuity) }),
	)
	for name := range new(netstat.InterfaceCounters).All() {
		k.Fields = append(k.Fields, field(name, table.Integer, "counter; with `--since` by how much it grew", func(i *interfaceView) table.Value {
			return uintValue(i.counters[name])
		}))
	}
	k.Fields = append(k.Fields, field("narrow", table.Strings,
		"which counters have 32 bits at the source and may have wrapped around: `packets`, `octets`, `errors` (with drops)",
		func(i *interfaceView) table.Value { return table.Words(narrowWords(&i.Counters)) }))
	k.Aliases = interfaceAliases()
	return k
}

// interfaceAliases are further names of the fields that interfaces and their growth
// have, those in the headings among them.
func interfaceAliases() map[string][]string {
	return map[string][]string{
		"dev": {"name"}, "iface": {"name"}, "interface": {"name"},
		"rx-ok": {"rx_packets"}, "rx-err": {"rx_errors"}, "rx-drp": {"rx_dropped", "rx_missed_errors"}, "rx-ovr": {"rx_fifo_errors"}, "rx-bytes": {"rx_bytes"},
		"tx-ok": {"tx_packets"}, "tx-err": {"tx_errors"}, "tx-drp": {"tx_dropped"}, "tx-ovr": {"tx_fifo_errors"}, "tx-bytes": {"tx_bytes"},
		"colls": {"collisions"},
	}
}

func narrowWords(c *netstat.InterfaceCounters) (words []string) {
	for _, n := range []struct {
		narrow bool
		word   string
	}{{c.NarrowPackets, "packets"}, {c.NarrowOctets, "octets"}, {c.NarrowErrors, "errors"}} {
		if n.narrow {
			words = append(words, n.word)
		}
	}
	return words
}

// interfaceGrowth is by how much an interface's counters grew.
type interfaceGrowth struct {
	span
	baseline.InterfaceDelta
}

// InterfaceGrowth is the table of by how much interfaces' counters grew from turn to
// turn.
func InterfaceGrowth() Table {
	return &kind[interfaceGrowth]{
		Kind:    interfaceGrowthKind(),
		what:    "counters",
		columns: interfaceGrowthColumns,
		read:    interfacesGrown,
		belongs: func(_ context.Context, q *query, g *interfaceGrowth) bool { return q.chooses(q.src, g.Name) },
		keep: func(q *query, g *interfaceGrowth) bool {
			return q.All || len(q.Interfaces) > 0 || !q.growth.down[q.src.key()][g.Index]
		},
		growing: true,
	}
}

func interfacesGrown(ctx context.Context, q *query) iter.Seq2[interfaceGrowth, error] {
	grew, err := q.grownInTurn(ctx, q.src)
	if err != nil {
		return failed[interfaceGrowth](err)
	}
	return func(yield func(interfaceGrowth, error) bool) {
		if grew == nil {
			return
		}
		// By name, as interfaces are sorted.
		sorted := slices.SortedStableFunc(slices.Values(grew.Interfaces), func(a, b baseline.InterfaceDelta) int { return compareNames(a.Name, b.Name) })
		for _, d := range sorted {
			if d.Reason != baseline.Gone && !yield(interfaceGrowth{span{grew.From, grew.To, q.growth.over}, d}, nil) {
				return
			}
		}
	}
}

func interfaceGrowthColumns(s *Session) []table.Column[Row[interfaceGrowth]] {
	counter := func(heading string, bad bool, names ...string) table.Column[Row[interfaceGrowth]] {
		sum := func(g *interfaceGrowth) (total netstat.Optional[uint64]) {
			for _, name := range names {
				d, told := g.Counters[name]
				if !told {
					continue
				}
				n, known := d.Count.Get()
				if !known {
					return netstat.Optional[uint64]{}
				}
				total.Set(total.Or(0) + n)
			}
			return total
		}
		c := columnOf(heading, 8, true, func(b []byte, g *interfaceGrowth) []byte {
			n, known := sum(g).Get()
			if !known {
				return append(b, '-')
			}
			return s.appendCount(b, n)
		})
		if bad {
			c.Colour = func(r *Row[interfaceGrowth]) table.Colour {
				if sum(&r.v).Or(0) > 0 {
					return table.Red
				}
				return table.Plain
			}
		}
		return c
	}
	return []table.Column[Row[interfaceGrowth]]{
		columnOf("Time", 8, false, func(b []byte, g *interfaceGrowth) []byte { return appendTime(b, g.span) }),
		columnOf("Iface", 15, false, func(b []byte, g *interfaceGrowth) []byte { return table.AppendEscaped(b, g.Name) }),
		counter("RX-OK", false, "rx_packets"), counter("RX-ERR", true, "rx_errors"),
		counter("RX-DRP", true, "rx_dropped", "rx_missed_errors"), counter("RX-Bytes", false, "rx_bytes"),
		counter("TX-OK", false, "tx_packets"), counter("TX-ERR", true, "tx_errors"),
		counter("TX-DRP", true, "tx_dropped"), counter("TX-Bytes", false, "tx_bytes"),
		counter("Colls", true, "collisions"),
	}
}

func interfaceGrowthKind() *table.Kind[Row[interfaceGrowth]] {
	field := fieldOf[interfaceGrowth]
	fields := append(spanFields(func(g *interfaceGrowth) span { return g.span }),
		field("name", table.Interface, "name of the interface", func(g *interfaceGrowth) table.Value { return table.Text(g.Name) }),
		field("index", table.Integer, "its index", func(g *interfaceGrowth) table.Value { return table.Uint(g.Index) }))
	for name := range new(netstat.InterfaceCounters).All() {
		fields = append(fields, field(name, table.Integer, "by how much it grew", func(g *interfaceGrowth) table.Value { return uintValue(g.Counters[name].Count) }))
	}
	k := newKind("interfaceGrowth", "by how much an interface's counters grew in an interval; absent where that is not known", fields...)
	k.Aliases = interfaceAliases()
	return k
}

var interfaceWords = inWords[netstat.Interface]{netstat.KindInterface, func(w *words, i, old *netstat.Interface) {
	if old == nil {
		old = i
	}
	w.add("%s", escaped(i.Name))
	w.was(escaped(old.Name), escaped(i.Name))
	w.add("index %d %s", i.Index, i.Operational())
	w.was(old.Operational(), i.Operational())
	if !i.Up().Or(true) {
		w.add("disabled")
	}
	w.add("mtu %v", i.MTU)
	w.was(old.MTU, i.MTU)
	if i.Kind != "" {
		w.add("kind %s", escaped(i.Kind))
	}
	w.on("master", i.Master)
	if i.Address != "" {
		w.add("address %s", i.Address)
		w.was(old.Address, i.Address)
	}
	if i.Alias != "" || old.Alias != "" {
		w.add("alias %q", i.Alias)
		if old.Alias != i.Alias {
			w.was(fmt.Sprintf("%q", old.Alias), i.Alias)
		}
	}
}}

var addressWords = inWords[netstat.Address]{netstat.KindAddress, func(w *words, a, _ *netstat.Address) {
	w.add("%s", netip.PrefixFrom(a.Prefix.Addr().WithZone(""), a.Prefix.Bits()))
	w.on("dev", a.Interface)
	w.address("peer", a.Peer.WithZone(""))
}}
