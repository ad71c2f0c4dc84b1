package netstat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// A listing beside another program's of the same. Every member of the truth is either
// translated into members of ours, which must be equal then, or excused with a reason.
// Every member of ours is either such a translation or untold.
type listingTruth struct {
	truth, ours []object
	// translate has for each member of the truth what it says in ours.
	translate map[string]func(value any, row, want object)
	// excused members are those that ours has nowhere, each with a reason.
	excused map[string]string
	// untold members are those of ours that no peer tells, each with a reason.
	untold map[string]string
	// also are members of ours that translations may leave out.
	also []string
	// moving are members of ours that go on, upwards or downwards, while they are read.
	// They lie between those of truth and of after, which was read last. The rows of
	// both are found by the member key of ours.
	moving map[string]direction
	key    string
	after  []object
	// coarse says how much more than what is told the value may be.
	coarse map[string]func(told float64) float64
	// drop leaves out rows that only one of the two is to show.
	drop func(row object) bool
	// same brings a member of ours to the form of the translation.
	same map[string]func(value any) any
}

// direction is where a value goes by itself.
type direction int

const (
	falls direction = iota + 1
	rises
)

// translated says what rows of the truth are in members of ours.
func (l *listingTruth) translated(t *testing.T, truth []object) (wanted []object) {
	t.Helper()
	unknown := make(map[string]bool)
	for _, row := range truth {
		want := make(object)
		for member, value := range row {
			switch translate := l.translate[member]; {
			case translate != nil:
				translate(value, row, want)
			case l.excused[member] == "" && !unknown[member]:
				unknown[member] = true
				t.Errorf("%s: nothing of ours is compared with the member %q: %v", t.Name(), member, value)
			}
		}
		wanted = append(wanted, want)
	}
	return wanted
}

// read reads the truth, ours, and the truth again, until nothing but what moves is
// another in the second reading, nor that otherwise than it goes by itself.
func (l *listingTruth) read(t *testing.T, truth, ours func() []object) {
	t.Helper()
	eventually(t, func() string {
		l.truth, l.ours, l.after = truth(), ours(), truth()
		before, after := l.translated(t, l.truth), l.translated(t, l.after)
		if len(before) != len(after) {
			return fmt.Sprintf("the scene does not rest: %d rows, and %d", len(before), len(after))
		}
		for i, low := range before {
			high := after[i]
			for member, to := range l.moving {
				a, b := low.float(t, member), high.float(t, member)
				if to == falls && b > a || to == rises && b < a {
					return fmt.Sprintf("%s does not rest: %v, and %v", member, low, high)
				}
				delete(low, member)
				delete(high, member)
			}
			if canonical(low) != canonical(high) {
				return fmt.Sprintf("the scene does not rest: %s, and %s", canonical(low), canonical(high))
			}
		}
		return ""
	})
}

// float returns a member that is a number, 0 where it is absent.
func (o object) float(t *testing.T, member string) float64 {
	t.Helper()
	if o[member] == nil {
		return 0
	}
	f, err := strconv.ParseFloat(o.text(member), 64)
	if err != nil {
		t.Fatalf("%s of %v: %v", member, o, err)
	}
	return f
}

// compareMoving compares what moves, and takes it out of what is compared otherwise.
func (l *listingTruth) compareMoving(t *testing.T, wanted []object) (found []string) {
	t.Helper()
	if len(l.moving) == 0 {
		return nil
	}
	ours := make(map[string]object)
	for _, row := range l.ours {
		ours[row.text(l.key)] = row
	}
	after := make(map[string]object)
	for _, want := range l.translated(t, l.after) {
		after[want.text(l.key)] = want
	}
	for _, want := range wanted {
		key := want.text(l.key)
		row, last := ours[key], after[key]
		for member := range l.moving {
			if row != nil && last != nil {
				if (row[member] == nil) != (want[member] == nil) {
					found = append(found, fmt.Sprintf("%s of %s %s is %v, and %v is told", member, l.key, key, row[member], want[member]))
				}
				low, high := want.float(t, member), last.float(t, member)
				if low > high {
					low, high = high, low
				}
				if coarse := l.coarse[member]; coarse != nil {
					high += coarse(high)
				}
				if got := row.float(t, member); got < low || got > high {
					found = append(found, fmt.Sprintf("%s of %s %s is %v, not between %v and %v", member, l.key, key, got, low, high))
				}
			}
			delete(want, member)
		}
	}
	return found
}

// compare complains of each difference. Where there is none it makes each member wrong in
// one row, which must be one then.
func (l *listingTruth) compare(t *testing.T) {
	t.Helper()
	found, claimed := l.differences(t)
	for _, difference := range found {
		t.Error(difference)
	}
	if len(l.truth) == 0 {
		t.Error("nothing was compared")
	}
	t.Logf("%d rows, %d members", len(l.truth), len(claimed)+len(l.moving))
	if len(found) > 0 {
		return
	}
	for member := range l.moving {
		claimed[member] = true
	}
	for member := range claimed {
		i := slices.IndexFunc(l.ours, func(o object) bool { return o[member] != nil && (l.drop == nil || !l.drop(o)) })
		if i < 0 {
			continue
		}
		right := l.ours[i]
		l.ours[i] = maps.Clone(right)
		l.ours[i][member] = wrong(right[member])
		if found, _ := l.differences(t); len(found) == 0 {
			t.Errorf("nobody notices that %s is %v and not %v", member, l.ours[i][member], right[member])
		}
		l.ours[i] = right
	}
}

// wrong is another value of the same kind.
func wrong(value any) any {
	switch v := value.(type) {
	case bool:
		return !v
	case json.Number:
		f, _ := v.Float64()
		return json.Number(strconv.FormatFloat(f+1e6, 'f', -1, 64))
	case string:
		return v + "0"
	}
	return []any{"wrong"}
}

// differences are those between the two listings, with the members that were compared.
func (l *listingTruth) differences(t *testing.T) (found []string, claimed map[string]bool) {
	t.Helper()
	claimed = make(map[string]bool)
	for _, member := range l.also {
		claimed[member] = true
	}
	wanted := l.translated(t, l.truth)
	found = l.compareMoving(t, wanted)
	for _, want := range wanted {
		for member := range want {
			claimed[member] = true
		}
	}
	untold := make(map[string]bool)
	rest := make(map[string]int)
	for _, row := range l.ours {
		if l.drop != nil && l.drop(row) {
			continue
		}
		for member, value := range row {
			if !claimed[member] && l.moving[member] == 0 && l.untold[member] == "" && member != "kind" && !untold[member] {
				untold[member] = true
				found = append(found, fmt.Sprintf("nothing is compared with the member %q of ours: %v", member, value))
			}
		}
		got := make(object)
		for member := range claimed {
			value, there := row[member]
			if !there {
				continue
			}
			if same := l.same[member]; same != nil {
				value = same(value)
			}
			got[member] = value
		}
		rest[canonical(got)]++
	}
	var missing, more []string
	for _, want := range wanted {
		if key := canonical(want); rest[key] > 0 {
			rest[key]--
		} else {
			missing = append(missing, key)
		}
	}
	for key, n := range rest {
		for range n {
			more = append(more, key)
		}
	}
	slices.Sort(missing)
	slices.Sort(more)
	const most = 12
	for i, key := range missing {
		if i < most {
			found = append(found, "missing "+key)
		}
	}
	for i, key := range more {
		if i < most {
			found = append(found, "instead "+key)
		}
	}
	return found, claimed
}

// canonical writes a row so that equal ones are equal text.
func canonical(o object) string {
	b, err := json.Marshal(map[string]any(o))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// set makes a translation that names the same value otherwise.
func set(member string) func(any, object, object) {
	return func(value any, _, want object) { want[member] = value }
}

// setTrue makes a translation of a member whose presence says it.
func setTrue(member string) func(any, object, object) {
	return func(_ any, _, want object) { want[member] = true }
}

// setText makes a translation of what ours has as text, or of text that is a number.
func setNumber(member string) func(any, object, object) {
	return func(value any, _, want object) {
		n, err := strconv.ParseUint(fmt.Sprint(value), 0, 64)
		if err != nil {
			want[member] = value
			return
		}
		want[member] = json.Number(strconv.FormatUint(n, 10))
	}
}

func (o object) add(member string, words ...string) {
	list, _ := o[member].(string)
	o[member] = strings.Join(sorted(append(strings.Fields(list), words...)), " ")
}

// sortedWords is what add makes of a text or a list.
func sortedWords(value any) any {
	if list, ok := value.([]any); ok {
		var words []string
		for _, w := range list {
			words = append(words, fmt.Sprint(w))
		}
		return strings.Join(sorted(words), " ")
	}
	return strings.Join(sorted(strings.Fields(fmt.Sprint(value))), " ")
}

// ipRows reads what `ip -j` prints. ip gives a route's tunnel members of the same
// names as the route's own: those have encap. in front.
func ipRows(t *testing.T, n *nstest.NS, program string, args ...string) []object {
	t.Helper()
	out := n.Run(t, program, args...)
	d := json.NewDecoder(strings.NewReader(out))
	d.UseNumber()
	value, err := decodeValue(d)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		t.Fatalf("%s %v: %v in %s", program, args, err, out)
	}
	var rows []object
	for _, row := range value.([]any) {
		rows = append(rows, row.(object))
	}
	return rows
}

// ofTunnel are the members that belong to a tunnel when they stand behind "encap".
var ofTunnel = []string{"id", "src", "dst", "ttl", "tos", "hoplimit", "tc", "key", "csum", "seq", "mode", "segs", "action", "label"}

func decodeValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o, tunnel := make(object), false
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string)
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			if tunnel && slices.Contains(ofTunnel, name) {
				name = "encap." + name
			} else {
				tunnel = false
			}
			if name == "encap" {
				tunnel = true
			}
			o[name] = v
		}
		_, err = d.Token()
		return o, err
	}
	return token, nil
}

// The scene: generated from a seed, in a namespace of the test. What this kernel
// refuses is left out, and said.
type generator struct {
	*rand.Rand
	links    []string
	commands []string
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

// maybe gives one of some words, or none.
func (g *generator) maybe(of ...string) string {
	if g.IntN(2) == 0 {
		return ""
	}
	return " " + g.one(of...)
}

func (g *generator) add(format string, args ...any) {
	g.commands = append(g.commands, fmt.Sprintf(format, args...))
}

func (g *generator) scene() {
	for i := range 2 {
		g.add("link add va%d type veth peer name vb%d", i, i)
	}
	g.add("link add br0 type bridge")
	g.add("link set vb1 master br0")
	g.add("link add vx0 type vxlan id %d dstport 4789 local 10.0.0.1", 1+g.IntN(1<<24-1))
	g.add("tuntap add tap0 mode tap")
	g.add("tuntap add tun0 mode tun")
	g.add("link add ifb0 type ifb")
	g.links = []string{"va0", "vb0", "va1"}
	for i, l := range g.links {
		g.add("link set %s mtu %d group %d txqueuelen %d", l, 1400+g.IntN(200), g.IntN(9), 1+g.IntN(2000))
		g.add("link set %s alias %q", l, g.one("uplink", "with blanks", "ä€"))
		g.add("link property add dev %s altname other%d", l, i)
	}
	for _, l := range []string{"va0", "vb0", "va1", "vb1", "br0", "vx0"} {
		g.add("link set %s up", l)
	}
	for i, l := range g.links {
		g.add("addr add 10.%d.0.1/24 brd + dev %s label %s:x", i, l, l)
		g.add("addr add 10.%d.1.1 peer 10.%d.1.2 dev %s valid_lft %d preferred_lft %d", i, i, l, 20000+g.IntN(1000), g.IntN(2)*9000)
		g.add("-6 addr add 2001:db8:%d::1/64 dev %s nodad%s", i, l, g.maybe("noprefixroute", "home", "mngtmpaddr", "preferred_lft 0"))
	}
	for i, flag := range []string{"noprefixroute", "home", "mngtmpaddr", "optimistic", "preferred_lft 0"} {
		g.add("-6 addr add 2001:db8:f:%d::1/64 dev %s nodad %s", i, g.links[0], flag)
	}
	gateway := func(i int) string { return fmt.Sprintf("10.%d.0.%d", i, 2+g.IntN(250)) }
	for i := range 40 {
		link := g.IntN(len(g.links))
		metrics := g.maybe("mtu 1300", "mtu lock 1300") + g.maybe("advmss 1000") + g.maybe("window 5000") + g.maybe("rtt 100ms") + g.maybe("rttvar 20ms") +
			g.maybe("ssthresh 10", "ssthresh lock 10") + g.maybe("cwnd lock 20") + g.maybe("hoplimit 9") + g.maybe("initcwnd 12") + g.maybe("initrwnd 13") +
			g.maybe("rto_min 300ms") + g.maybe("reordering 5") + g.maybe("quickack 1") + g.maybe("features ecn") + g.maybe("congctl cubic", "congctl reno", "congctl lock reno") + g.maybe("fastopen_no_cookie 1")
		common := fmt.Sprintf("%s metric %d%s", g.maybe("proto 99", "proto bgp", "proto static"), i, g.maybe("table 77", "table 100000"))
		g.add("route add 10.50.%d.0/24%s via %s%s%s%s%s", i, g.maybe("tos 0x10", "tos 0x08"), gateway(link), g.maybe("onlink dev "+g.links[link]), common, g.maybe("realm 3", "realm 3/4"), metrics)
		g.add("-6 route add 2001:db8:50:%x::/64%s via fe80::%x dev %s%s%s%s%s", i+1, g.maybe("from 2001:db8:aaaa::/48"), i+1, g.links[link], common, g.maybe("pref high", "pref low"), g.maybe("expires 9000"), metrics)
		g.add("route add 10.51.%d.0/24 %s%s nexthop via %s weight %d%s nexthop via %s dev %s onlink weight %d", i, common, metrics,
			gateway(0), 1+g.IntN(256), g.maybe("realm 7"), gateway(1), g.links[1], 1+g.IntN(256))
		g.add("-6 route add 2001:db8:51:%x::/64%s nexthop via fe80::%x dev %s weight %d nexthop via fe80::%x dev %s weight %d", i+1, common,
			i+1, g.links[0], 1+g.IntN(256), i+1, g.links[1], 1+g.IntN(256))
		g.add("%s %s%s", g.one("route add ", "-6 route add ")+g.one("blackhole", "unreachable", "prohibit", "throw"), "PREFIX", common)
		last := &g.commands[len(g.commands)-1]
		is6 := strings.HasPrefix(*last, "-6 ")
		*last = strings.Replace(*last, "PREFIX", map[bool]string{false: fmt.Sprintf("10.60.%d.0/24", i), true: fmt.Sprintf("2001:db8:60:%x::/64", i+1)}[is6], 1)
	}
	g.add("route add 10.53.0.0/16 via inet6 fe80::9 dev va0")
	g.add("route add 10.54.0.0/16 encap ip id 100 dst 10.1.0.9 src 10.1.0.1 ttl 9 tos 3 key dev vx0")
	g.add("route add 10.55.0.0/16 encap ip id 101 dst 10.1.0.9 csum seq dev vx0")
	g.add("-6 route add 2001:db8:54::/48 encap ip6 id 5 dst fd00::9 hoplimit 3 tc 7 dev vx0")
	g.add("-6 route add 2001:db8:55::/48 encap seg6 mode encap segs 2001:db8::5,2001:db8::6 dev va0")
	g.add("-6 route add 2001:db8:56::/48 encap seg6 mode inline segs 2001:db8::7 dev va0")
	g.add("-6 route add 2001:db8:57::/48 encap seg6local action End dev va0")
	g.add("route add local 10.64.0.1 dev lo")
	g.add("route add broadcast 10.65.0.0 dev va0")
	g.add("route add multicast 239.5.0.0/16 dev va0")
	g.add("-6 route add default from 2001:db8:0::/48 via fe80::1 dev va0")
	g.add("-6 route add default from 2001:db8:1::/48 via fe80::1 dev va0")
	for i := range 6 {
		g.add("nexthop add id %d via %s dev va0%s%s", i+1, gateway(0), g.maybe("onlink"), g.maybe("proto 77"))
	}
	g.add("nexthop add id 10 via fe80::4 dev va1")
	g.add("nexthop add id 11 dev va0")
	g.add("nexthop add id 12 blackhole")
	g.add("nexthop add id 13 via 10.1.0.7 fdb")
	g.add("nexthop add id 14 group 13 fdb")
	g.add("nexthop add id 20 group 1,%d/2,%d/3", 1+g.IntN(255), 1+g.IntN(255))
	g.add("nexthop add id 21 group 1,256/2,256")
	g.add("nexthop add id 22 group 3/4 type resilient buckets %d idle_timer %d unbalanced_timer %d", 8*(1+g.IntN(9)), 1+g.IntN(500), g.IntN(500))
	for i, id := range []int{1, 11, 12, 20, 21, 22} {
		g.add("route add 10.70.%d.0/24 nhid %d", i, id)
	}
	g.add("-6 route add 2001:db8:70::/48 nhid 10")
	for i := range 30 {
		family := g.one("", "-6 ")
		from := map[string]string{"": "10.9.0.0/16", "-6 ": "2001:db8:9::/48"}[family]
		realms := ""
		if family == "" {
			realms = g.maybe("realms 3/4", "realms 7")
		}
		g.add("%srule add pref %d%s%s%s%s%s%s%s%s%s%s %s", family, 100+i, g.maybe("not"), g.maybe("from "+from), g.maybe("to "+from), g.maybe("fwmark 0x9", "fwmark 0x9/0xff", "fwmark 0/0xf"),
			g.maybe("iif va0", "iif nosuch", "iif lo"), g.maybe("oif va1", "oif nosuch2"), g.maybe("tos 0x10"), g.maybe("uidrange 5-9"),
			g.maybe("ipproto tcp sport 5-7 dport 80", "ipproto udp dport 53", "ipproto 89"), g.maybe("tun_id 77"),
			g.one("table 7"+g.maybe("suppress_prefixlength 0")+g.maybe("suppress_ifgroup 5")+realms, "table main suppress_prefixlength 0", "blackhole", "unreachable", "prohibit", "goto 32766", "goto 31000", "nop", "table 100000")+g.maybe("proto 99"))
	}
	for i := range 12 {
		l := g.IntN(len(g.links))
		g.add("neigh add 10.%d.0.%d lladdr 02:00:00:00:00:%02x dev %s nud %s%s%s", l, 100+i, i, g.links[l], g.one("permanent", "stale", "noarp"), g.maybe("router"), g.maybe("proto 77"))
		g.add("-6 neigh add fe80::%x lladdr 02:00:00:00:01:%02x dev %s nud %s%s%s", 0x100+i, i, g.links[l], g.one("permanent", "stale"), g.maybe("router"), g.maybe("extern_learn"))
		g.add("neigh add proxy 10.%d.9.%d dev %s", l, i, g.links[l])
		g.add("-6 neigh add proxy fd00::%x dev %s", i+1, g.links[l])
	}
}

// build makes the scene, and says what this kernel or this ip refuses.
func (g *generator) build(t *testing.T) *nstest.NS {
	n := nstest.New(t)
	var four, six strings.Builder
	refused := 0
	flush := func(b *strings.Builder, options ...string) {
		if b.Len() == 0 {
			return
		}
		refused += nstestBatch(t, b.String(), append([]string{"-n", n.Name, "-force", "-batch", "-"}, options...))
		b.Reset()
	}
	for _, c := range g.commands {
		if rest, is6 := strings.CutPrefix(c, "-6 "); is6 {
			flush(&four)
			six.WriteString(rest + "\n")
		} else {
			flush6(&six, flush)
			four.WriteString(c + "\n")
		}
	}
	flush(&four)
	flush6(&six, flush)
	t.Logf("%d of %d commands were refused", refused, len(g.commands))
	if refused > len(g.commands)/3 {
		t.Error("that is not the scene that is meant")
	}
	return n
}

func flush6(b *strings.Builder, flush func(*strings.Builder, ...string)) { flush(b, "-6") }

// nstestBatch runs a batch of ip(8), and returns how many of its commands failed.
func nstestBatch(t *testing.T, batch string, args []string) int {
	// ip takes -6 in front of the others.
	if args[len(args)-1] == "-6" {
		args = append([]string{"-6"}, args[:len(args)-1]...)
	}
	cmd := exec.Command("ip", args...)
	cmd.Stdin = strings.NewReader(batch)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	_ = cmd.Run() // -force goes on, and ends with a failure
	refused := 0
	for line := range strings.Lines(complaints.String()) {
		if strings.HasPrefix(line, "Error") || strings.HasPrefix(line, "RTNETLINK answers") {
			t.Logf("ip: %s", strings.TrimSpace(line))
			refused++
		}
	}
	return refused
}

// seed is that of the scene: another one each time, or the one that NETSTAT_SEED names.
func seed(t *testing.T) uint64 {
	s := uint64(time.Now().UnixNano())
	if text := os.Getenv("NETSTAT_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("NETSTAT_SEED=%d", s)
	return s
}

// TestListingsAreTrue compares listings in a rich random scene with what ip, tc, nstat
// and ss say, member by member.
func TestListingsAreTrue(t *testing.T) {
	nstest.NeedsProgram(t, "ss")
	nstest.NeedsProgram(t, "nstat")
	nstest.NeedsProgram(t, "tc")
	g := &generator{Rand: rand.New(rand.NewPCG(seed(t), 1))}
	g.scene()
	n := g.build(t)
	n.Settle(t)
	n.IP(t, "link set tap0 up", "link set tun0 up") // which have no carrier, and no address by themselves
	t.Run("routes", func(t *testing.T) { routesAreTrue(t, n) })
	t.Run("rules", func(t *testing.T) { rulesAreTrue(t, n) })
	t.Run("nexthops", func(t *testing.T) { nextHopsAreTrue(t, n) })
	t.Run("neighbours", func(t *testing.T) { neighboursAreTrue(t, n) })
	t.Run("interfaces", func(t *testing.T) { interfacesAreTrue(t, n) })
	t.Run("addresses", func(t *testing.T) { addressesAreTrue(t, n) })
	t.Run("netconf", func(t *testing.T) { netconfIsTrue(t, n) })
	t.Run("groups", func(t *testing.T) { groupsAreTrue(t, n) })
	t.Run("qdiscs", func(t *testing.T) { qdiscsAreTrue(t, n) })
	t.Run("counters", func(t *testing.T) { countersAreTrue(t, n) })
	t.Run("sockets", func(t *testing.T) { socketsAreTrue(t, g, n) })
}

var scopes = map[string]string{"global": "0", "site": "200", "link": "253", "host": "254", "nowhere": "255"}

func setScope(value any, _, want object) { want["scope"] = json.Number(scopes[fmt.Sprint(value)]) }

func setTable(value any, row, want object) {
	name := fmt.Sprint(value)
	if number := map[string]string{"main": "254", "local": "255", "default": "253"}[name]; number != "" {
		name = number
	}
	want["table"] = json.Number(name)
}

// prefix writes a destination as ours is written.
func prefix(text, length string, ipv6 bool) string {
	zero, bits := "0.0.0.0", "32"
	if ipv6 {
		zero, bits = "::", "128"
	}
	if text == "default" || text == "all" {
		return zero + "/0"
	}
	if length == "" {
		length = bits
	}
	if !strings.Contains(text, "/") {
		text += "/" + length
	}
	return text
}

func withZone(address string, dev any) string {
	if strings.HasPrefix(address, "fe80:") && dev != nil {
		return address + "%" + fmt.Sprint(dev)
	}
	return address
}

func setWords(member string) func(any, object, object) {
	return func(value any, _, want object) {
		if list, ok := value.([]any); ok && len(list) > 0 {
			want[member] = sortedWords(list)
		}
	}
}

func realmsOf(value any) string {
	o := value.(object)
	if from, ok := o["from"]; ok {
		return fmt.Sprintf("%v/%v", from, o["to"])
	}
	return fmt.Sprint(o["to"])
}

// inSeconds makes a translation of milliseconds.
func inSeconds(member string) func(any, object, object) {
	return func(value any, _, want object) {
		n, _ := strconv.ParseFloat(fmt.Sprint(value), 64)
		want[member] = json.Number(strconv.FormatFloat(n/1000, 'f', -1, 64))
	}
}

func routesAreTrue(t *testing.T, n *nstest.NS) {
	metrics := map[string]func(any, object, object){
		"mtu": set("mtu"), "window": set("window"), "rtt": inSeconds("rtt"), "rttvar": inSeconds("rttVariation"), "ssthresh": set("slowStartThreshold"),
		"cwnd": set("congestionWindow"), "advmss": set("advertisedMSS"), "reordering": set("reordering"), "hoplimit": set("hopLimit"),
		"initcwnd": set("initialCongestionWindow"), "initrwnd": set("initialReceiveWindow"), "rto_min": inSeconds("minRTO"), "quickack": setTrue("quickAck"),
		"congestion": set("congestionControl"), "fastopen_no_cookie": setTrue("fastOpenNoCookie"),
		"ecn": func(_ any, _, want object) { want.add("features", "ecn") },
	}
	tunnel := func(name string) func(any, object, object) {
		return func(value any, _, want object) {
			switch v := value.(type) {
			case bool:
				want.add("encapsulationOptions", name)
			case []any:
				var parts []string
				for _, p := range v {
					parts = append(parts, fmt.Sprint(p))
				}
				want.add("encapsulationOptions", name, strings.Join(parts, ","))
			default:
				want.add("encapsulationOptions", name, fmt.Sprint(v))
			}
		}
	}
	for _, family := range []string{"-4", "-6"} {
		ipv6 := family == "-6"
		l := listingTruth{
			translate: map[string]func(any, object, object){
				"type": set("type"), "protocol": set("protocol"), "scope": setScope, "table": setTable, "dev": func(v any, row, want object) {
					want["interface"] = v
				},
				"dst":     func(v any, _, want object) { want["destination"] = prefix(fmt.Sprint(v), "", ipv6) },
				"from":    func(v any, _, want object) { want["source"] = prefix(fmt.Sprint(v), "", ipv6) },
				"gateway": func(v any, row, want object) { want["gateway"] = withZone(fmt.Sprint(v), row["dev"]) },
				"via": func(v any, row, want object) {
					want["gateway"] = withZone(fmt.Sprint(v.(object)["host"]), row["dev"])
				},
				"prefsrc": set("preferredSource"), "metric": set("metric"), "tos": setNumber("tos"), "nhid": set("nextHopID"), "weight": set("weight"),
				"flags": setWords("nextHopFlags"), "flow": func(v any, _, want object) { want["realms"] = realmsOf(v) },
				"pref": func(v any, _, want object) {
					if v != "medium" {
						want["preference"] = v
					}
				},
				"expires": func(any, object, object) {},
				"metrics": func(v any, row, want object) {
					for member, value := range v.([]any)[0].(object) {
						translate := metrics[member]
						if translate == nil {
							t.Errorf("nothing of ours is compared with the metric %q", member)
							continue
						}
						translate(value, row, want)
					}
				},
				"encap": set("encapsulation"),
			},
			excused: map[string]string{"nh_info": "it is in the listing of nexthop objects"},
			untold: map[string]string{
				"flags": "net-tools' letters say other members again", "interfaceIndex": "ip has names", "locked": "it is compared with ip's text below",
				"expires": "it is compared below", "references": "ip does not tell it", "uses": "nor this",
			},
			also: []string{"gateway", "source", "realms", "preference", "encapsulation", "encapsulationOptions", "nextHopFlags", "weight", "nextHopID", "mtu", "congestionControl", "features", "preferredSource"},
			same: map[string]func(any) any{"nextHopFlags": sortedWords, "encapsulationOptions": sortedWords, "features": sortedWords},
		}
		for _, name := range ofTunnel {
			l.translate["encap."+name] = tunnel(name)
		}
		for _, row := range ipRows(t, n, "ip", "-j", "-d", family, "route", "show", "table", "all") {
			if row["metric"] == nil {
				row["metric"] = json.Number("0")
			}
			if row["tos"] == nil {
				row["tos"] = "0"
			}
			hops, _ := row["nexthops"].([]any)
			if len(hops) == 0 {
				l.truth = append(l.truth, row)
				continue
			}
			delete(row, "nexthops")
			for i, h := range hops {
				one := maps.Clone(row)
				for member, value := range h.(object) {
					one[member] = value
				}
				// ip takes the weight from the route, where it has 8 bits.
				if info, ok := row["nh_info"].(object); ok {
					members := info["group"].([]any)
					one["weight"] = json.Number("1")
					if w := members[i].(object)["weight"]; w != nil {
						one["weight"] = w
					}
				}
				l.truth = append(l.truth, one)
			}
		}
		l.ours = objects(t, n, family, "-r", "--table", "all")
		for _, row := range l.ours {
			if dst := row.text("destination"); dst != "" && row["interface"] == nil && row["type"] == "unicast" {
				t.Errorf("%v has no interface", row)
			}
		}
		l.compare(t)
		locksAreTrue(t, n, family, l.ours)
		expiriesAreTrue(t, n, family, l)
	}
}

// expiriesAreTrue compares when routes go, whole seconds of which ip tells.
func expiriesAreTrue(t *testing.T, n *nstest.NS, family string, l listingTruth) {
	const key = "%v %v %v"
	before := make(map[string]uint64)
	for _, row := range l.truth {
		if row["expires"] != nil {
			before[fmt.Sprintf(key, row["dst"], row["table"], row["metric"])] = number(t, row, "expires")
		}
	}
	ours := make(map[string]float64)
	for _, row := range l.ours {
		if row["expires"] != nil {
			name := row.text("table")
			if name == "254" {
				name = "main"
			}
			ours[fmt.Sprintf(key, row["destination"], name, row["metric"])] = row.float(t, "expires")
		}
	}
	if len(ours) != len(before) {
		t.Errorf("%s: %d routes expire, and ip has %d", family, len(ours), len(before))
	}
	for _, row := range ipRows(t, n, "ip", "-j", "-d", family, "route", "show", "table", "all") {
		if row["expires"] == nil {
			continue
		}
		k := fmt.Sprintf(key, row["dst"], row["table"], row["metric"])
		if got, ok := ours[k]; !ok || got < float64(number(t, row, "expires")) || got > float64(before[k]+1) {
			t.Errorf("%s expires in %v s, and ip has %d before and %v behind", k, got, before[k], row["expires"])
		}
	}
}

// ip tells in text alone which metrics are locked.
func locksAreTrue(t *testing.T, n *nstest.NS, family string, ours []object) {
	want := make(map[string]string)
	pattern := regexp.MustCompile(`(\S+) lock `)
	for _, line := range lines(n.Run(t, "ip", "-d", "-o", family, "route", "show", "table", "all")) {
		var names []string
		for _, m := range pattern.FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
		f := strings.Fields(line)
		if len(names) > 0 {
			want[f[1]] = strings.Join(sorted(names), " ")
		}
	}
	got := make(map[string]string)
	for _, row := range ours {
		if row["locked"] != nil {
			got[row.text("destination")] = sortedWords(row["locked"]).(string)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: locked\n%v, and ip has\n%v", family, got, want)
	}
}

func rulesAreTrue(t *testing.T, n *nstest.NS) {
	number := func(name string) func(any, object, object) {
		protocols := map[string]string{"tcp": "6", "udp": "17", "ospf": "89"}
		return func(value any, _, want object) {
			text := fmt.Sprint(value)
			if p := protocols[text]; p != "" {
				text = p
			}
			want[name] = json.Number(text)
		}
	}
	for _, family := range []string{"-4", "-6"} {
		ipv6 := family == "-6"
		name := map[bool]string{false: "ipv4", true: "ipv6"}[ipv6]
		l := listingTruth{
			translate: map[string]func(any, object, object){
				"priority": func(v any, _, want object) { want["priority"], want["family"] = v, name },
				"src": func(v any, row, want object) {
					if v != "all" {
						want["source"] = prefix(fmt.Sprint(v), row.text("srclen"), ipv6)
					}
				},
				"dst":    func(v any, row, want object) { want["destination"] = prefix(fmt.Sprint(v), row.text("dstlen"), ipv6) },
				"srclen": func(any, object, object) {}, "dstlen": func(any, object, object) {},
				"not": setTrue("not"), "tos": setNumber("tos"), "protocol": set("protocol"),
				"fwmark": func(v any, row, want object) {
					setNumber("fwmark")(v, row, want)
					if want["fwmask"] == nil {
						want["fwmask"] = json.Number("4294967295")
					}
				},
				"fwmask": setNumber("fwmask"), "iif": set("iif"), "oif": set("oif"), "iif_detached": setTrue("iifDetached"), "oif_detached": setTrue("oifDetached"),
				"uid_start": func(v any, row, want object) { want["uids"] = fmt.Sprintf("%v-%v", v, row["uid_end"]) }, "uid_end": func(any, object, object) {},
				"ipproto": number("ipProtocol"), "sport": func(v any, _, want object) { want["sourcePorts"] = fmt.Sprint(v) }, "dport": func(v any, _, want object) { want["destinationPorts"] = fmt.Sprint(v) },
				"sport_start": func(v any, row, want object) { want["sourcePorts"] = fmt.Sprintf("%v-%v", v, row["sport_end"]) }, "sport_end": func(any, object, object) {},
				"dport_start": func(v any, row, want object) { want["destinationPorts"] = fmt.Sprintf("%v-%v", v, row["dport_end"]) }, "dport_end": func(any, object, object) {},
				"tun_id": set("tunnelID"), "l3mdev": setTrue("l3mdev"), "suppress_prefixlen": set("suppressPrefixLength"), "suppress_ifgroup": setNumber("suppressGroup"),
				"flow_from": func(v any, row, want object) { want["realms"] = fmt.Sprintf("%v/%v", v, row["flow_to"]) },
				"flow_to": func(v any, row, want object) {
					if row["flow_from"] == nil {
						want["realms"] = fmt.Sprint(v)
					}
				},
				"table": func(v any, row, want object) { setTable(v, row, want); want["action"] = "table" },
				"goto":  func(v any, _, want object) { want["goto"], want["action"] = v, "goto" }, "unresolved": setTrue("unresolved"),
				"action": set("action"), "nop": func(_ any, _, want object) { want["action"] = "nop" },
			},
			also: []string{"source", "destination", "not", "tos", "fwmark", "fwmask", "iif", "oif", "iifDetached", "oifDetached", "uids", "ipProtocol", "sourcePorts", "destinationPorts",
				"tunnelID", "l3mdev", "suppressPrefixLength", "suppressGroup", "realms", "unresolved", "goto", "table", "dscp"},
			untold: map[string]string{"matches": "it says other members again, in words", "options": "so does this"},
			truth:  ipRows(t, n, "ip", "-j", "-d", family, "rule"),
		}
		for _, row := range objects(t, n, family, "--rules") {
			for member, value := range row {
				if value == false { // ip has them where they are true
					delete(row, member)
				}
			}
			l.ours = append(l.ours, row)
		}
		l.compare(t)
	}
}

func nextHopsAreTrue(t *testing.T, n *nstest.NS) {
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"id": set("id"), "dev": set("interface"), "protocol": set("protocol"), "scope": setScope, "blackhole": setTrue("blackhole"), "fdb": setTrue("forwarding"),
			"gateway": func(v any, row, want object) { want["gateway"] = withZone(fmt.Sprint(v), row["dev"]) }, "flags": setWords("flags"),
			"group": func(v any, _, want object) {
				var members []any
				for _, m := range v.([]any) {
					member := m.(object)
					weight := member["weight"]
					if weight == nil {
						weight = json.Number("1")
					}
					members = append(members, map[string]any{"id": member["id"], "weight": weight})
				}
				want["group"] = members
			},
			"type": func(v any, _, want object) {
				if v == "resilient" {
					want["resilient"] = true
				}
			},
			"resilient_args": func(v any, _, want object) {
				args := v.(object)
				want["buckets"], want["idleTimer"], want["unbalancedTimer"] = args["buckets"], args["idle_timer"], args["unbalanced_timer"]
			},
		},
		also:   []string{"gateway", "interface", "blackhole", "forwarding", "flags", "group", "resilient", "encapsulation"},
		untold: map[string]string{"options": "it says other members again, in words"},
		same:   map[string]func(any) any{"flags": sortedWords},
		truth:  ipRows(t, n, "ip", "-j", "-d", "nexthop"),
	}
	for _, row := range objects(t, n, "--nexthops") {
		for member, value := range row {
			if value == false {
				delete(row, member)
			}
		}
		l.ours = append(l.ours, row)
	}
	l.compare(t)
}

func familyOfAddress(address string) string {
	if strings.Contains(address, ":") {
		return "ipv6"
	}
	return "ipv4"
}

func neighboursAreTrue(t *testing.T, n *nstest.NS) {
	aged := "it is a time or a count that goes on, of the listing of no peer"
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"dst": func(v any, row, want object) {
				want["address"] = withZone(fmt.Sprint(v), row["dev"])
				want["family"] = familyOfAddress(fmt.Sprint(v))
				if row["state"] == nil {
					want["state"] = "none"
				}
			},
			"dev": set("interface"), "lladdr": set("linkAddress"), "router": setTrue("router"), "proxy": setTrue("proxy"), "protocol": set("protocol"),
			"state": func(v any, _, want object) {
				want["state"] = strings.ToLower(fmt.Sprint(v.([]any)[0]))
			},
		},
		excused: map[string]string{"used": aged, "confirmed": aged, "updated": aged, "probes": aged, "refcnt": aged,
			"extern_learn": "who learnt an entry is told by its protocol alone", "managed": "how an entry is kept is not told"},
		untold: map[string]string{"interfaceIndex": "ip has names"},
		also:   []string{"linkAddress", "router", "proxy", "protocol"},
	}
	l.truth = ipRows(t, n, "ip", "-j", "-d", "-s", "neigh", "show", "nud", "all")
	l.truth = append(l.truth, ipRows(t, n, "ip", "-j", "-4", "neigh", "show", "proxy")...)
	l.truth = append(l.truth, ipRows(t, n, "ip", "-j", "-6", "neigh", "show", "proxy")...)
	// Entries for groups come by themselves, while others are read.
	l.truth = slices.DeleteFunc(l.truth, func(o object) bool { return strings.HasPrefix(o.text("dst"), "ff") })
	l.drop = func(o object) bool { return strings.HasPrefix(o.text("address"), "ff") }
	for _, row := range objects(t, n, "--neighbours", "-a") {
		for member, value := range row {
			if value == false {
				delete(row, member)
			}
		}
		l.ours = append(l.ours, row)
	}
	l.compare(t)
}

func interfacesAreTrue(t *testing.T, n *nstest.NS) {
	settings := "it is a setting of the driver or the kernel that is not told"
	counters := map[string]map[string]string{
		"rx": {"bytes": "rx_bytes", "packets": "rx_packets", "errors": "rx_errors", "dropped": "rx_dropped", "over_errors": "rx_over_errors", "multicast": "multicast",
			"length_errors": "rx_length_errors", "crc_errors": "rx_crc_errors", "frame_errors": "rx_frame_errors", "fifo_errors": "rx_fifo_errors", "missed_errors": "rx_missed_errors"},
		"tx": {"bytes": "tx_bytes", "packets": "tx_packets", "errors": "tx_errors", "dropped": "tx_dropped", "carrier_errors": "tx_carrier_errors", "collisions": "collisions",
			"aborted_errors": "tx_aborted_errors", "fifo_errors": "tx_fifo_errors", "window_errors": "tx_window_errors", "heartbeat_errors": "tx_heartbeat_errors", "carrier_changes": "carrierChanges"},
	}
	ifZero := "ip has it only where it is not 0, which it is in no such scene"
	untold := map[string]string{
		"speed": "it is ethtool's", "lowerNetNSID": "both ends are in the namespace", "unknownFlags": "this kernel tells all", "permanentAddress": "such links have none",
		"rx_compressed": ifZero, "tx_compressed": ifZero, "rx_nohandler": ifZero, "rx_otherhost_dropped": ifZero,
	}
	for _, members := range counters {
		for _, ours := range members {
			untold[ours] = "it goes on, and is compared below"
		}
	}
	indexes := make(map[string]any)
	hardware := map[string]json.Number{"ether": "1", "loopback": "772", "none": "65534"}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"link": func(v any, _, want object) { want["lower"] = indexes[fmt.Sprint(v)] }, "link_type": func(v any, _, want object) { want["hardwareType"] = hardware[fmt.Sprint(v)] },
			"ifindex": set("index"), "ifname": set("name"), "mtu": set("mtu"), "qdisc": set("qdisc"), "master": set("master"), "txqlen": set("transmitQueueLength"),
			"operstate": func(v any, _, want object) { want["state"] = strings.ToLower(fmt.Sprint(v)) },
			"group": func(v any, row, want object) {
				if v == "default" {
					v = "0"
				}
				want["group"] = json.Number(fmt.Sprint(v))
			},
			"address": func(v any, row, want object) { want["address"] = v }, "ifalias": set("alias"), "promiscuity": set("promiscuity"),
			"altnames": setWords("alternativeNames"), "num_tx_queues": set("transmitQueues"), "num_rx_queues": set("receiveQueues"),
			"linkinfo": func(v any, _, want object) { want["linkKind"] = v.(object)["info_kind"] },
			"flags": func(v any, _, want object) {
				var flags []any
				for _, f := range v.([]any) {
					switch f {
					case "NO-CARRIER":
						// What ip says in place of a RUNNING that is not set.
					default:
						flags = append(flags, strings.ToLower(fmt.Sprint(f)))
					}
				}
				want["flags"] = sortedWords(flags)
			},
			"stats64": func(v any, _, _ object) { // which are compared below
				for direction, members := range v.(object) {
					for member := range members.(object) {
						if counters[direction][member] == "" {
							t.Errorf("nothing of ours is compared with the counter %s %s", direction, member)
						}
					}
				}
			},
		},
		excused: map[string]string{
			"linkmode": settings, "min_mtu": settings, "max_mtu": settings, "inet6_addr_gen_mode": settings, "gso_max_size": settings, "gso_max_segs": settings,
			"tso_max_size": settings, "tso_max_segs": settings, "gro_max_size": settings, "gso_ipv4_max_size": settings, "gro_ipv4_max_size": settings,
			"broadcast": "it follows from the kind of the interface", "allmulti": "the flag is told, not how many asked for it",
		},
		untold: untold,
		also:   []string{"alias", "alternativeNames", "master", "linkKind", "lower"},
		same: map[string]func(any) any{"flags": func(v any) any {
			return strings.ReplaceAll(strings.ReplaceAll(sortedWords(v).(string), "running ", ""), "running", "")
		}, "alternativeNames": sortedWords},
		truth: ipRows(t, n, "ip", "-j", "-d", "-s", "-s", "link"),
	}
	for _, row := range l.truth {
		indexes[row.text("ifname")] = row["ifindex"]
	}
	before := l.truth
	l.ours = objects(t, n, "-iea")
	l.compare(t)
	// Counters go on: they lie between those of before and after.
	after := ipRows(t, n, "ip", "-j", "-s", "-s", "link")
	byName := func(rows []object, name string) object {
		i := slices.IndexFunc(rows, func(o object) bool { return o["ifname"] == name })
		if i < 0 {
			t.Fatalf("ip has no %s", name)
		}
		return rows[i]
	}
	for _, row := range l.ours {
		low, high := byName(before, row.text("name")), byName(after, row.text("name"))
		for direction, members := range counters {
			for member, ours := range members {
				between(t, row.text("name")+" "+ours, number(t, row, ours), counted(t, low, direction, member), counted(t, high, direction, member))
			}
		}
	}
}

func counted(t *testing.T, row object, direction, member string) uint64 {
	t.Helper()
	return number(t, row["stats64"].(object)[direction].(object), member)
}

func between(t *testing.T, what string, n, before, after uint64) {
	t.Helper()
	if n < before || n > after {
		t.Errorf("%s is %d, not between %d and %d", what, n, before, after)
	}
}

// Addresses are in the text of -ie, and in full in the rows of the library.
func addressesAreTrue(t *testing.T, n *nstest.NS) {
	k, err := collectors.Open(collectors.Options{NetNS: n.Name})
	must(t, err)
	defer k.Close()
	addressRowsAreTrue(t, n, func() (rows []object) { // as the library writes them in JSON
		for a, err := range k.Addresses(t.Context()) {
			must(t, err)
			b, err := json.Marshal(a)
			must(t, err)
			rows = append(rows, decode(t, string(b))...)
		}
		return rows
	})
	addressRowsAreTrue(t, n, func() []object {
		rows := objects(t, n, "--addresses")
		for _, row := range rows {
			address, zone, zoned := strings.Cut(row.text("address"), "%")
			if zoned && zone != row.text("interface") {
				t.Errorf("%v", row)
			}
			row["address"] = address
			delete(row, "interface")
		}
		return rows
	})
	var want []string
	for _, link := range ipRows(t, n, "ip", "-j", "addr") {
		for _, a := range link["addr_info"].([]any) {
			info := a.(object)
			line := fmt.Sprintf("%v %v %v/%v", link["ifname"], info["family"], info["local"], info["prefixlen"])
			if info["broadcast"] != nil {
				line += fmt.Sprintf(" broadcast %v", info["broadcast"])
			}
			want = append(want, line)
		}
	}
	var got []string
	name := ""
	for _, line := range lines(show(t, n, "-iean")) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && strings.HasSuffix(f[0], ":") && !strings.HasPrefix(line, " "):
			name = strings.TrimSuffix(f[0], ":")
		case len(f) > 3 && f[0] == "inet":
			text := fmt.Sprintf("%s inet %s/%d", name, f[1], maskBits(f[3]))
			for i := range f[:len(f)-1] {
				if f[i] == "broadcast" {
					text += " broadcast " + f[i+1]
				}
			}
			got = append(got, text)
		case len(f) > 3 && f[0] == "inet6":
			got = append(got, fmt.Sprintf("%s inet6 %s/%s", name, f[1], f[3]))
		}
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("addresses\n%s\nand ip has\n%s", strings.Join(sorted(got), "\n"), strings.Join(sorted(want), "\n"))
	}
}

// addressRowsAreTrue compares addresses in JSON with what ip says.
func addressRowsAreTrue(t *testing.T, n *nstest.NS, ours func() []object) {
	lifetime := func(member string) func(any, object, object) {
		return func(v any, _, want object) {
			if v == json.Number("4294967295") {
				want.add("unlimited", member)
			} else {
				want[member] = v
			}
		}
	}
	flag := func(name string) func(any, object, object) {
		return func(_ any, _, want object) { want.add("flags", name) }
	}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"ifindex": set("interfaceIndex"), "prefixlen": set("prefixLength"), "label": set("label"), "scope": setScope,
			"local":               func(v any, row, want object) { want["address"] = v },
			"address":             func(v any, row, want object) { want["peer"] = zoned(v, row) },
			"broadcast":           set("broadcast"),
			"valid_life_time":     lifetime("valid"),
			"preferred_life_time": lifetime("preferred"),
			"family": func(_ any, row, want object) {
				if row["dynamic"] == nil {
					want.add("flags", "permanent")
				}
			},
			"dynamic": nothing, "protocol": nothing,
		},
		excused: map[string]string{"metric": "it is that of a route, which has a row of its own", "protocol": "some ip do not know it"},
		untold:  map[string]string{"created": "ip does not print it", "updated": "nor this", "origin": "this ip may not know it"},
		also:    []string{"peer", "broadcast", "label", "flags"},
		same:    map[string]func(any) any{"flags": sortedWords, "unlimited": sortedWords},
		moving:  map[string]direction{"valid": falls, "preferred": falls},
		key:     "at",
	}
	for ip, ours := range map[string]string{"secondary": "secondary", "temporary": "secondary", "deprecated": "deprecated", "tentative": "tentative", "mngtmpaddr": "mngtmpaddr",
		"noprefixroute": "noprefixroute", "nodad": "nodad", "home": "home", "dadfailed": "dadfailed", "optimistic": "optimistic", "stable-privacy": "stable-privacy"} {
		l.translate[ip] = flag(ours)
	}
	l.translate["at"] = set("at")
	l.read(t, func() (rows []object) {
		for _, link := range ipRows(t, n, "ip", "-j", "addr") {
			for _, a := range link["addr_info"].([]any) {
				row := a.(object)
				row["ifindex"] = link["ifindex"]
				row["at"] = fmt.Sprint(row["ifindex"], " ", row["local"], "/", row["prefixlen"])
				rows = append(rows, row)
			}
		}
		return rows
	}, func() (rows []object) {
		rows = ours()
		for _, row := range rows {
			row["at"] = fmt.Sprint(row["interfaceIndex"], " ", row["address"], "/", row["prefixLength"])
		}
		return rows
	})
	l.compare(t)
}

// zoned is an address with the number of its interface where it needs one.
func zoned(address any, row object) string {
	return withZone(fmt.Sprint(address), row["ifindex"])
}

func maskBits(mask string) (bits int) {
	for part := range strings.SplitSeq(mask, ".") {
		n, _ := strconv.Atoi(part)
		for ; n > 0; n &= n - 1 {
			bits++
		}
	}
	return bits
}

func netconfIsTrue(t *testing.T, n *nstest.NS) {
	n.Sysctl(t, "net.ipv4.conf.va0.rp_filter", "1")
	n.Sysctl(t, "net.ipv4.conf.va1.rp_filter", "2")
	n.Sysctl(t, "net.ipv4.conf.vb0.proxy_arp", "1")
	n.Sysctl(t, "net.ipv6.conf.va0.forwarding", "1")
	n.Sysctl(t, "net.ipv4.conf.va0.bc_forwarding", "1")
	n.Sysctl(t, "net.ipv4.conf.va1.ignore_routes_with_linkdown", "1")
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"family": func(v any, _, want object) {
				want["family"] = map[string]string{"inet": "ipv4", "inet6": "ipv6"}[fmt.Sprint(v)]
			},
			"interface": set("interface"), "forwarding": set("forwarding"), "rp_filter": set("reversePathFilter"), "mc_forwarding": set("multicastForwarding"),
			"proxy_neigh": set("proxyNeighbours"), "ignore_routes_with_linkdown": set("ignoreRoutesWithLinkDown"), "bc_forwarding": set("broadcastForwarding"),
		},
		truth: append(ipRows(t, n, "ip", "-j", "-4", "netconf"), ipRows(t, n, "ip", "-j", "-6", "netconf")...),
		ours:  objects(t, n, "--netconf"),
	}
	l.untold = map[string]string{"broadcastForwarding": "it is compared where this ip knows it"}
	l.truth = slices.DeleteFunc(l.truth, func(o object) bool { return o["family"] != "inet" && o["family"] != "inet6" })
	l.compare(t)
	// ip does not know modes above 2 of the filter; the kernel takes any number.
	n.Sysctl(t, "net.ipv4.conf.va1.rp_filter", "256")
	for _, row := range objects(t, n, "--netconf", "-4") {
		if row["interface"] == "va1" && row["reversePathFilter"] != "256" {
			t.Errorf("rp_filter 256: %v", row)
		}
	}
}

func groupsAreTrue(t *testing.T, n *nstest.NS) {
	var truth []object
	for _, link := range ipRows(t, n, "ip", "-j", "maddr") {
		for _, m := range link["maddr"].([]any) {
			group := m.(object)
			if group["family"] == nil {
				continue // an address of the link layer: no group of IP
			}
			if group["users"] == nil {
				group["users"] = json.Number("1")
			}
			group["dev"] = link["ifname"]
			truth = append(truth, group)
		}
	}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"family": func(any, object, object) {}, "address": set("group"), "dev": set("interface"), "users": set("users"),
		},
		untold: map[string]string{"timer": "ip has no state of IGMP", "reporter": "nor this", "querierVersion": "nor this"},
		truth:  truth, ours: objects(t, n, "-g"),
	}
	l.compare(t)
}

func qdiscsAreTrue(t *testing.T, n *nstest.NS) {
	n.Run(t, "tc", "qdisc", "add", "dev", "va0", "root", "handle", "1:", "tbf", "rate", "1mbit", "burst", "10k", "limit", "20k")
	n.Run(t, "tc", "qdisc", "add", "dev", "va1", "root", "handle", "2:", "pfifo", "limit", "50")
	moves := "it goes on while it is read"
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"kind": func(v any, row, want object) {
				want["queueing"] = v
				want["class"] = false
			},
			"handle": set("handle"), "dev": set("interface"), "parent": set("parent"),
			"root":  func(_ any, _, want object) { want["parent"] = "root" },
			"drops": set("drops"), "requeues": set("requeues"),
		},
		excused: map[string]string{"refcnt": "how often the kernel refers to it is not told", "options": "parameters of disciplines are not told", "offloaded": "not told",
			"bytes": moves, "packets": moves, "overlimits": moves, "backlog": moves, "qlen": moves,
			"maxpacket": "counters of one discipline alone are not told", "drop_overlimit": "of one discipline", "new_flow_count": "of one discipline", "ecn_mark": "of one discipline", "new_flows_len": "of one discipline", "old_flows_len": "of one discipline"},
		untold: map[string]string{"octets": moves, "packets": moves, "overlimits": moves, "backlog": moves, "queued": moves},
		truth:  ipRows(t, n, "tc", "-j", "-s", "-d", "qdisc"),
		ours:   objects(t, n, "--qdiscs", "-a"),
		drop:   func(row object) bool { return row["class"] == true },
	}
	l.compare(t)
}

// nstat has every counter of /proc/net/snmp, netstat and snmp6.
func countersAreTrue(t *testing.T, n *nstest.NS) {
	read := func() map[string]any {
		var found struct{ Kernel map[string]any }
		d := json.NewDecoder(strings.NewReader(n.Run(t, "nstat", "-a", "-s", "-z", "--json")))
		d.UseNumber()
		if err := d.Decode(&found); err != nil {
			t.Fatal(err)
		}
		return found.Kernel
	}
	before := read()
	ours := make(map[string]object)
	for _, row := range objects(t, n, "-s") {
		ours[row.text("name")] = row
	}
	after := read()
	for name, low := range before {
		row, ok := ours[name]
		if !ok {
			t.Errorf("%s is not there", name)
			continue
		}
		between(t, name, number(t, row, "value"), number(t, object{"value": low}, "value"), number(t, object{"value": after[name]}, "value"))
	}
	if len(before) < 300 {
		t.Errorf("only %d counters were compared", len(before))
	}
}

// socketsAreTrue opens sockets in every state that takes no stranger, and compares them
// with ss and, of raw and ping sockets, with the kernel's own files.
func socketsAreTrue(t *testing.T, g *generator, n *nstest.NS) {
	l := n.Listen(t, "tcp4", "10.0.0.1:7001")
	n.Dial(t, "tcp4", "10.0.0.1:7001") // nobody accepts it
	for range 3 + g.IntN(5) {
		n.Dial(t, "tcp4", "10.0.0.1:7001")
		accept(t, l)
	}
	n.Dial(t, "tcp4", "10.0.0.1:7001").Close() // FIN-WAIT-2 and CLOSE-WAIT
	n.Listen(t, "tcp", "[::]:7002")
	n.Listen(t, "tcp6", "[::1]:7003")
	n.ListenPacket(t, "udp4", "0.0.0.0:7004")
	n.ListenPacket(t, "udp6", "[::1]:7005")
	n.Dial(t, "udp4", "10.0.0.1:7004")
	bound := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	if err := unix.Bind(bound, &unix.SockaddrInet4{Port: 7006}); err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"va0", "va1"} {
		fd := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
		if err := unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, device); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 7007}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Listen(fd, 5); err != nil {
			t.Fatal(err)
		}
	}
	raw := n.Socket(t, unix.AF_INET, unix.SOCK_RAW, 200)
	if err := unix.SetsockoptInt(raw, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	for range 40 { // more than the buffer holds
		if err := unix.Sendto(raw, make([]byte, 800), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	unixSocket(t, n, unix.SOCK_STREAM, "truth", 5)
	unixSocket(t, n, unix.SOCK_DGRAM, "", 0)
	empty := n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err := unix.Bind(empty, &unix.SockaddrUnix{Name: "@"}); err != nil { // one octet, which is 0
		t.Fatal(err)
	}

	netlink, ours := richSockets(t, g, n)
	t.Run("inet", func(t *testing.T) { inetIsTrue(t, n) })
	t.Run("files", func(t *testing.T) { procInetIsTrue(t, n) })
	t.Run("packet", func(t *testing.T) { packetIsTrue(t, n) })
	t.Run("netlink", func(t *testing.T) { netlinkIsTrue(t, n, netlink) })
	t.Run("raw", func(t *testing.T) {
		f := strings.Fields(lines(n.Run(t, "cat", "/proc/net/raw"))[1])
		got := objects(t, n, "-wan", "--buffers")
		if len(got) != 1 || got[0].text("drops") != f[12] || f[12] == "0" || got[0].text("inode") != f[9] {
			t.Errorf("%v, and the kernel has %v", got, f)
		}
		if r := try(t, n, "-wanee"); strings.Contains(r.complaints, "CAP_NET_ADMIN") || r.status != 0 {
			t.Errorf("status %d: %s", r.status, r.complaints)
		}
		if r := try(t, n, "-wan", "-I", "va0"); r.status != 1 || !strings.Contains(r.complaints, "raw sockets") {
			t.Errorf("-I: status %d: %s", r.status, r.complaints)
		}
	})
	t.Run("unix", func(t *testing.T) {
		unixIsTrue(t, n)
		rows := objects(t, n, "-xan", "-e")
		for _, fd := range ours {
			inode, cookie, uid := opened(t, fd)
			has(t, rows, "inode", inode.String(), "cookie", cookie.String(), "uid", uid.String())
		}
		if has(t, rows, "abstractName", "") == nil || has(t, rows, "abstractName", "truth") == nil {
			t.Error("abstract names")
		}
	})
	t.Run("states", func(t *testing.T) {
		count := func(args ...string) int { return len(objects(t, n, append([]string{"-tn"}, args...)...)) }
		boundSockets, listeners := count("-a", "--filter", "state=bound"), count("-a", "--filter", "state=listen")
		if boundSockets != 1 || listeners < 4 {
			t.Fatalf("%d bound, %d listen", boundSockets, listeners)
		}
		for expression, want := range map[string]int{
			"state=bound or state=listen": boundSockets + listeners, "not state!=bound": boundSockets, "state~BOUND": boundSockets, "sport=7006": boundSockets,
			"state=bound or sport=7003": boundSockets + 1, "state=bound,listen": boundSockets + listeners, "state!=bound and sport=7006": 0,
		} {
			if got := count("-a", "--filter", expression); got != want {
				t.Errorf("%s: %d rows, want %d", expression, got, want)
			}
		}
		for _, args := range [][]string{{"--filter", "state=listen"}, {"-l", "--filter", "state=listen"}, {"-l"}} {
			if got := count(args...); got != listeners {
				t.Errorf("%v: %d rows, want %d", args, got, listeners)
			}
		}
		if got := count("--filter", "state!=established and sport=7003"); got != 0 {
			t.Errorf("listeners that nobody asked for: %d", got)
		}
	})
	t.Run("listeners", func(t *testing.T) {
		var devices []string
		for _, o := range objects(t, n, "-Ln") {
			if o.text("localPort") == "7007" {
				devices = append(devices, o.text("interface"))
			}
		}
		if text := show(t, n, "-Ln"); !slices.Equal(sorted(devices), []string{"va0", "va1"}) || !strings.Contains(text, "0.0.0.0%va0:7007") {
			t.Errorf("%v\n%s", devices, text)
		}
	})
	t.Run("memory", func(t *testing.T) {
		row := objects(t, n, "-m")[0]
		udp := number(t, row, "udp") + number(t, row, "udp6")
		text := show(t, n, "-m")
		if want := fmt.Sprintf("%12d UDP (%s over IPv4, %s over IPv6)", udp, row.text("udp"), row.text("udp6")); !strings.Contains(text, want) || udp != uint64(len(objects(t, n, "-uan"))) {
			t.Errorf("no %q in\n%s", want, text)
		}
	})
}
