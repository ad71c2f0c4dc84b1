package netstat_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// modeKinds are the kinds of rows that each mode shows, by how the manual names it.
var modeKinds = map[string][]string{
	"-r": {"route"}, "-i": {"interface"}, "-g": {"membership"}, "--addresses": {"address"}, "-s": {"counter"}, "-L": {"listenQueue"},
	"-m": {"socketUsage", "protocolMemory", "slab"}, "-B": {"packet"}, "-Q": {"softnet"}, "-T": {"socket"}, "--options": {"socket"}, "--neighbours": {"neighbour"},
	"--rules": {"rule"}, "--nexthops": {"nextHop"}, "--netconf": {"netconf"}, "--qdiscs": {"qdisc"}, "--mroutes": {"vif", "multicastRoute"},
	"--conntrack": {"flow", "flowTotal", "flowGrowth", "flowTotalGrowth"}, "--conntrack -s": {"flowUsage", "flowStatistics", "expectationStatistics"}, "--expectations": {"expectation"},
	"--mdb": {"bridgeGroup", "routerPort"}, "--namespaces": {"namespace"}, "-i -s": {"interfaceCounter"},
	"--options -x": {"unix"},
	"-r -s":        {"fibTable", "routeLookups", "fib6", "neighbourTable"}, "-i -e": {"interface"}, "-Q -e": {"softnet", "queue"},
	"sockets": {"socket", "unix"}, "-x": {"unix"}, "--netlink": {"netlink"}, "--vsock": {"vsock"}, "--xdp": {"xdp"}, "--smc": {"smc"}, "--tipc": {"tipc"},
}

// otherFamilies are modes of sockets of other families than the Internet's, of which a
// version of IP chooses further sockets.
var otherFamilies = []string{"-x", "--netlink", "--vsock", "--xdp", "--smc", "--tipc"}

// matrix is a mode in the scene, as it is shown without further flags.
type matrix struct {
	n    *nstest.NS
	mode string
	args []string
	rows []object
	text string
}

// ofEverybody reports whether rows come and go that are not the scene's: the program has
// netlink sockets itself, and other tests make and remove namespaces of theirs.
func (m *matrix) ofEverybody() bool { return m.mode == "--netlink" || m.mode == "--namespaces" }

// show runs the mode with flags, and complains of anything but success.
func (m *matrix) show(t *testing.T, more ...string) string {
	t.Helper()
	r := try(t, m.n, append(slices.Clone(m.args), more...)...)
	if r.status != 0 && !m.lacking(r.complaints) {
		t.Errorf("%v: status %d, %s", more, r.status, r.complaints)
	}
	return r.out
}

// lacking reports whether all that is said is that this kernel lacks what is shown, or
// that the machine hides it.
func (m *matrix) lacking(complaints string) bool {
	return !slices.ContainsFunc(lines(complaints), func(line string) bool {
		return strings.HasPrefix(line, "netstat: ") && !strings.Contains(line, "not supported") && !strings.Contains(line, "may not be looked into")
	})
}

func (m *matrix) objects(t *testing.T, more ...string) []object {
	t.Helper()
	return decode(t, m.show(t, append([]string{"--json"}, more...)...))
}

// look is how a flag is given, and what shows that it is honoured.
type look struct {
	value   string // empty for a flag without one
	beside  string // what it needs
	refused string // what it is refused with in any mode: a word of the sentence
	honours func(t *testing.T, m *matrix, args []string)
}

// looks are all flags that are no modes.
func looks(n *nstest.NS, dir string) map[string]look {
	ofProtocol := func(protocol string, groups ...string) look {
		return look{honours: func(t *testing.T, m *matrix, args []string) {
			for _, o := range m.objects(t, args...) {
				if p := o.text("protocol"); p != "" && p != protocol {
					t.Errorf("a row of %s", p)
				}
				if g := o.text("group"); m.mode == "-s" && !slices.Contains(groups, g) {
					t.Errorf("a counter of %s", g)
				}
			}
		}}
	}
	ofFamily := func(family, value string) look {
		return look{value: value, honours: func(t *testing.T, m *matrix, args []string) {
			if m.mode == "-i -e" {
				text := m.show(t, args...)
				if strings.Contains(text, " inet ") != (family == "4") || strings.Contains(text, " inet6 ") != (family == "6") {
					t.Errorf("addresses:\n%s", text)
				}
				return
			}
			for _, o := range m.objects(t, args...) {
				if f := familyOf(o); f != "" && f != family {
					t.Errorf("a row of IPv%s: %v", f, o)
				}
			}
			if had := slices.ContainsFunc(m.rows, func(o object) bool { return familyOf(o) == family }); had && len(m.objects(t, args...)) == 0 {
				t.Error("no row")
			}
		}}
	}
	same := look{honours: func(t *testing.T, m *matrix, args []string) { m.sameRows(t, args) }}
	text := func(check func(base, with string) bool) func(*testing.T, *matrix, []string) {
		return func(t *testing.T, m *matrix, args []string) {
			if with := m.show(t, args...); !check(m.text, with) {
				t.Errorf("%s\nwithout it\n%s", with, m.text)
			}
		}
	}
	nobody := look{honours: func(t *testing.T, m *matrix, args []string) {
		r := try(t, m.n, slices.Concat(m.args, []string{"--json"}, args)...)
		if r.status == 3 && r.out == "" && strings.Contains(r.complaints, "no MIB has") && slices.Contains([]string{"--conntrack", "--expectations", "--options"}, m.args[0]) {
			return
		}
		if r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "127.0.0.1:1") && !strings.Contains(r.complaints, "not supported by this source") {
			t.Errorf("a host that is not there: %+v", r)
		}
	}}
	host := func(value string) look { l := nobody; l.value = value; return l }
	besideHost := func(value string) look { l := host(value); l.beside = "--host=tcp:127.0.0.1:1"; return l }
	hosts := filepath.Join(dir, "hosts")
	config := filepath.Join(dir, "snmp.conf")
	return map[string]look{
		"tcp": ofProtocol("tcp", "tcp"), "udp": ofProtocol("udp", "udp", "udp6"), "udplite": ofProtocol("udplite", "udplite", "udplite6"), "sctp": ofProtocol("sctp", "sctp"),
		"raw": ofProtocol("raw", "ip", "ip6", "icmp", "icmp6"), "icmp": ofProtocol("icmp", "icmp", "icmp6"), "mptcp": ofProtocol("mptcp", "mptcp"),
		"inet": ofFamily("4", ""), "inet6": ofFamily("6", ""), "protocol": ofFamily("4", "inet"),
		"all": {honours: func(t *testing.T, m *matrix, args []string) {
			if rows := m.objects(t, args...); len(rows) < len(m.rows) && !m.ofEverybody() {
				t.Errorf("%d rows, and %d without it", len(rows), len(m.rows))
			}
		}},
		"listening": {honours: func(t *testing.T, m *matrix, args []string) {
			if m.mode == "sockets" {
				m = &matrix{n: m.n, mode: m.mode} // -a and -l together are -a
			}
			rows := m.objects(t, args...)
			for _, o := range rows {
				if s := o.text("state"); o.text("protocol") != "udp" && s != "" && s != "LISTEN" && s != "LISTENING" {
					t.Errorf("%v", o)
				}
			}
			if len(rows) == 0 {
				t.Error("no listener")
			}
		}},
		"programs": {honours: func(t *testing.T, m *matrix, args []string) {
			found := 0
			for _, o := range m.objects(t, args...) {
				if _, told := o["processes"]; told {
					found++
				} else if ends, told := o["sourceProcesses"].([]any); told {
					found += len(ends) // most flows have no end that is a socket here
				} else if o.text("kind") != "membership" && o.text("kind") != "netlink" { // one of its own came since
					t.Errorf("no processes: %v", o)
				}
			}
			if found == 0 && len(m.rows) > 0 {
				t.Error("no processes at all")
			}
		}},
		"extend": {honours: func(t *testing.T, m *matrix, args []string) {
			if m.mode == "-x" { // for which net-tools has no further column
				args = append(args, "--extend")
			}
			if with := m.show(t, args...); with == m.text && !strings.Contains(m.mode, "-e") {
				t.Errorf("%s\nwithout it\n%s", with, m.text)
			}
		}},
		"timers": {honours: text(func(base, with string) bool {
			return strings.Contains(with, "Timer") && !strings.Contains(base, "Timer")
		})},
		"buffers": {honours: text(func(base, with string) bool {
			return strings.Contains(with, "R-Mem") && !strings.Contains(base, "R-Mem")
		})},
		"by": {value: "source", honours: func(t *testing.T, m *matrix, args []string) {
			for _, o := range m.objects(t, args...) {
				if o.text("by") != "source" {
					t.Errorf("%v", o)
				}
			}
		}},
		"top": {value: "1", beside: "--by=source", honours: func(t *testing.T, m *matrix, args []string) {
			if rows := m.objects(t, args...); len(rows) > 2 {
				t.Errorf("%v", rows)
			}
		}},
		"table": {value: "100", honours: func(t *testing.T, m *matrix, args []string) {
			rows := m.objects(t, args...)
			if len(rows) == 0 || slices.ContainsFunc(rows, func(o object) bool { return o.text("table") != "100" }) {
				t.Errorf("%v", rows)
			}
		}},
		"interface": {value: "a0", honours: func(t *testing.T, m *matrix, args []string) {
			for _, with := range [][]string{args, slices.Concat(args, []string{"-I", "lo"})} {
				for _, o := range m.objects(t, with...) {
					var those []string
					for _, member := range []string{"interface", "bridge", "port", "input"} {
						those = append(those, o.text(member))
					}
					if o.text("kind") == "interface" {
						those = append(those, o.text("name"))
					}
					onBoth := o.text("kind") == "packet" && o.text("interface") == ""
					if !onBoth && !slices.Contains(those, "a0") && (len(with) <= len(args) || !slices.Contains(those, "lo")) {
						t.Errorf("%v: %v", with, o)
					}
				}
			}
		}},
		"fib": same, "verbose": same, "wide": same,
		"netns": {value: "all", honours: func(t *testing.T, m *matrix, args []string) {
			r := try(t, m.n, slices.Concat(m.args, []string{"--json"}, args)...)
			rows := decode(t, r.out)
			if len(m.rows) > 0 && !slices.ContainsFunc(rows, func(o object) bool { return o.text("netns") == m.n.Name }) && !ofHost(rows) {
				t.Errorf("no row of %s among %d", m.n.Name, len(rows))
			}
			if i := slices.IndexFunc(rows, func(o object) bool { return o.text("netns") == "" }); i >= 0 {
				t.Errorf("of no namespace: %v", rows[i])
			}
		}},
		"filter": {value: "nosuchfield=1", honours: func(t *testing.T, m *matrix, args []string) {
			if r := try(t, m.n, append(slices.Clone(m.args), args...)...); r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "nosuchfield") {
				t.Errorf("a field that there is not: %+v", r)
			}
			member, value := m.telling()
			if member == "" {
				return
			}
			rows := m.objects(t, "--filter", member+"="+strconv.Quote(value))
			if len(rows) == 0 || slices.ContainsFunc(rows, func(o object) bool { return o.text(member) != value }) {
				t.Errorf("%s=%s: %v", member, value, rows)
			}
		}},
		"sort": {value: "-nosuchfield", honours: func(t *testing.T, m *matrix, args []string) {
			if r := try(t, m.n, append(slices.Clone(m.args), args...)...); r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "nosuchfield") {
				t.Errorf("a field that there is not: %+v", r)
			}
			member, _ := m.telling()
			if member == "" {
				return
			}
			var found []string
			for _, o := range m.objects(t, "--sort", "-"+member) {
				if o.text("kind") == m.rows[0].text("kind") && o[member] != nil {
					found = append(found, o.text(member))
				}
			}
			if len(found) == 0 || !slices.IsSortedFunc(found, func(a, b string) int { return strings.Compare(b, a) }) {
				t.Errorf("by -%s: %q", member, found)
			}
		}},
		"recording": {value: filepath.Join(dir, "scene.rec"), honours: func(t *testing.T, m *matrix, args []string) {
			r := try(t, m.n, slices.Concat(m.args, []string{"--json"}, args)...)
			rows := decode(t, r.out)
			if len(m.rows) > 0 && len(rows) == 0 && !strings.Contains(r.complaints, "not supported") || r.status != 0 && r.complaints == "" {
				t.Errorf("%d rows, status %d, %s", len(rows), r.status, r.complaints)
			}
			m.ofMode(t, rows)
		}},
		"at": {value: "1999-12-31 23:59", beside: "--recording=" + filepath.Join(dir, "scene.rec"), honours: func(t *testing.T, m *matrix, args []string) {
			if r := try(t, m.n, append(slices.Clone(m.args), args...)...); r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "1999") {
				t.Errorf("before there was a recording: %+v", r)
			}
		}},
		"record": {value: filepath.Join(dir, "other.rec"), refused: "--record"}, "kinds": {value: "route", refused: "--record"},
		"save-baseline": {value: filepath.Join(dir, "other.base"), refused: "--save-baseline"},
		"moments":       {beside: "--recording=" + filepath.Join(dir, "scene.rec"), refused: "--moments"},
		"pin-options":   {refused: "--pin-options"}, "unpin-options": {refused: "--unpin-options"},
		"host": host("tcp:127.0.0.1:1"), "hosts": host(hosts), "snmp-config": besideHost(config), "context": besideHost("other"), "timeout": besideHost("5"), "max-answer": besideHost("1400"), "max-requests": besideHost("2"), "any-source": besideHost(""),
		"numeric": same, "numeric-hosts": same, "numeric-ports": same, "numeric-users": same,
		"symbolic": {honours: func(t *testing.T, m *matrix, args []string) { m.show(t, args...) }},
		"human": {honours: func(t *testing.T, m *matrix, args []string) {
			with := m.show(t, args...)
			small := []string{"--conntrack", "--conntrack -s", "--mroutes", "--netlink", "-x", "--options -x", "-r -s"} // where the scene makes no large numbers
			if !regexp.MustCompile(`\d[kKMG]\b`).MatchString(with) && !slices.Contains(small, m.mode) {
				t.Errorf("%s\nwithout it\n%s", with, m.text)
			}
		}},
		"json":       {honours: func(t *testing.T, m *matrix, args []string) { m.ofMode(t, m.rows) }},
		"continuous": {honours: func(t *testing.T, m *matrix, args []string) { m.turns(t, append(args, "--interval", "0.05")) }},
		"interval": {value: "0.05", honours: func(t *testing.T, m *matrix, args []string) {
			if m.mode == "--conntrack" {
				args = append(args, "-a") // the scene's flows do not grow
			}
			m.turns(t, args)
		}},
		"since": {value: filepath.Join(dir, "scene.base"), honours: func(t *testing.T, m *matrix, args []string) {
			// Since the baseline was saved nobody sent to a closed port.
			for _, o := range m.objects(t, args...) {
				if o.text("name") == "UdpNoPorts" && o.text("value") != "0" {
					t.Errorf("%v", o)
				}
				if i := slices.IndexFunc(m.rows, func(was object) bool { return o.text("name") == "lo" && was.text("name") == "lo" }); i >= 0 && number(t, o, "rx_packets") >= number(t, m.rows[i], "rx_packets") {
					t.Errorf("%v", o)
				}
			}
		}},
		"version": {honours: text(func(_, with string) bool { return strings.HasPrefix(with, "netstat ") })},
		"help":    {honours: text(func(_, with string) bool { return strings.Contains(with, "Usage:") })},
	}
}

// ofHost reports whether rows are the whole host's, which are shown once.
func ofHost(rows []object) bool {
	return !slices.ContainsFunc(rows, func(o object) bool {
		return !slices.Contains([]string{"softnet", "slab", "routeLookups", "neighbourTable", "vsock"}, o.text("kind"))
	})
}

// familyOf returns the version of IP that a row is of, empty for none.
func familyOf(o object) string {
	switch o.text("family") {
	case "ipv4":
		return "4"
	case "ipv6":
		return "6"
	}
	switch o.text("kind") {
	case "fibTable", "routeLookups":
		return "4"
	case "fib6":
		return "6"
	case "neighbourTable":
		return map[string]string{"arp_cache": "4", "ndisc_cache": "6"}[o.text("name")]
	case "counter":
		return map[string]string{"ip": "4", "icmp": "4", "udp": "4", "udplite": "4", "ip6": "6", "icmp6": "6", "udp6": "6", "udplite6": "6"}[o.text("group")]
	case "route", "membership", "socketMembership", "address":
		if strings.Contains(o.text("destination")+o.text("group")+o.text("address"), ":") {
			return "6"
		}
		return "4"
	}
	return ""
}

// telling returns a member of text whose value tells the mode's first rows apart.
func (m *matrix) telling() (member, value string) {
	for _, member := range []string{"interface", "name", "protocol", "type", "matches", "label", "state"} {
		if len(m.rows) > 0 {
			if v, ok := m.rows[0][member].(string); ok {
				return member, v
			}
		}
	}
	return "", ""
}

// ofMode says which rows are none of the mode's.
func (m *matrix) ofMode(t *testing.T, rows []object) {
	t.Helper()
	for _, o := range rows {
		if kind := strings.TrimSuffix(o.text("kind"), "Growth"); !slices.Contains(modeKinds[m.mode], kind) {
			t.Fatalf("a row of kind %s", kind)
		}
	}
}

// sameRows says which rows a flag takes away or adds. Numbers that grow do not count, nor
// do sockets that other runs of the program open in the namespace for a moment.
func (m *matrix) sameRows(t *testing.T, args []string) {
	t.Helper()
	names := func(rows []object) map[string]int {
		found := make(map[string]int)
		for _, o := range rows {
			var name []string
			for _, member := range []string{"kind", "protocol", "state", "name", "interface", "destination", "localAddress", "localPort", "remoteAddress", "remotePort"} {
				name = append(name, o.text(member))
			}
			found[strings.Join(name, " ")]++
		}
		return found
	}
	if m.ofEverybody() {
		return
	}
	// Counters and sockets come while others are read: once at least there is the same before and after.
	eventually(t, func() string {
		want := names(m.objects(t))
		got := names(m.objects(t, args...))
		if differs := cmp.Diff(want, got); differs != "" {
			return fmt.Sprintf("without it, and with it:\n%s", differs)
		}
		return ""
	})
}

// turns runs the mode until it has shown rows of three moments, and interrupts it.
func (m *matrix) turns(t *testing.T, args []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", slices.Concat([]string{"netns", "exec", m.n.Name, program, "--json"}, m.args, args)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	interrupt := func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	if len(m.rows) == 0 {
		interrupt()
	}
	times := make(map[string]bool)
	var rows []object
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		o := decode(t, scanner.Text())[0]
		rows = append(rows, o)
		if o.text("time") == "" {
			t.Errorf("a row without a time: %v", o)
			interrupt()
			break
		}
		if !times[o.text("time")] && len(times) == 2 {
			interrupt()
		}
		times[o.text("time")] = true
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		t.Fatalf("%d moments only, %s", len(times), complaints.String())
	}
	if err != nil && len(m.rows) > 0 && !m.lacking(complaints.String()) {
		t.Errorf("interrupted: %v, %s", err, complaints.String())
	}
	m.ofMode(t, rows)
}

// manual reads what modes take from the manual: the modes as it names them, with the
// flags of each, and the flags of every table.
func manual(t *testing.T) (modes map[string][]string, everywhere []string) {
	t.Helper()
	page, err := os.ReadFile("../../man/netstat.8")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), ".SH WHICH FLAGS GO TOGETHER\n")
	text, _, _ = strings.Cut(text, ".SH ")
	modes = make(map[string][]string)
	for _, m := range regexp.MustCompile(`(?m)^\.TP\n\.B (.*)\n(.*)$`).FindAllStringSubmatch(strings.ReplaceAll(text, `\-`, "-"), -1) {
		takes := strings.Split(m[2], ", ")
		if m[1] == "every table" {
			everywhere = takes
		} else {
			modes[m[1]] = takes
		}
	}
	if len(modes) < 20 || len(everywhere) < 10 {
		t.Fatalf("the manual tells of %d modes", len(modes))
	}
	return modes, everywhere
}

// Every mode honours a flag, or refuses it with a sentence that names both, as the
// manual says.
func TestMatrix(t *testing.T) {
	n := everything(t)
	nstest.NeedsProgram(t, "tc")
	t.Setenv("SNMP_COMMUNITY", "public")
	n.Run(t, "tc", "qdisc", "add", "dev", "a0", "root", "pfifo")
	traffic(t, n)
	tracks := track(t, n)
	dir := t.TempDir()
	for file, content := range map[string]string{"hosts": "tcp:127.0.0.1:1\n", "snmp.conf": "defCommunity public\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	show(t, n, "--record", filepath.Join(dir, "scene.rec"))
	show(t, n, "--save-baseline", filepath.Join(dir, "scene.base"))
	modes, everywhere := manual(t)
	looks := looks(n, dir)

	// The flags are those of the help.
	names := make(map[string]string) // long ones, by short or long
	isMode := make(map[string]bool)
	for mode := range modes {
		for flag := range strings.FieldsSeq(mode) {
			isMode[flag] = true
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^ +(?:(-\w), )?--([a-z0-9-]+)`).FindAllStringSubmatch(show(t, n, "--help"), -1) {
		long := m[2]
		names["--"+long] = long
		if m[1] != "" {
			names[m[1]] = long
		}
		if _, known := looks[long]; !known && !isMode[m[1]] && !isMode["--"+long] {
			t.Errorf("no look is known that shows whether --%s is honoured", long)
		}
	}
	for long := range looks {
		if names["--"+long] == "" {
			t.Errorf("the help does not tell --%s", long)
		}
	}

	for mode, takes := range modes {
		t.Run(mode, func(t *testing.T) {
			if modeKinds[mode] == nil {
				t.Fatal("nobody knows what rows it shows")
			}
			m := &matrix{n: n, mode: mode, args: strings.Fields(mode)}
			if mode == "sockets" {
				m.args = []string{"-a"} // which chooses no other
			}
			m.text, m.rows = m.show(t), m.objects(t) // before others open sockets here
			if tracks && len(m.rows) == 0 && (mode == "--conntrack" || mode == "--expectations") {
				t.Error("the scene has flows and an expectation")
			}
			t.Parallel()
			taken := make(map[string]bool)
			for _, flag := range slices.Concat(takes, everywhere, []string{"--version", "--help"}) {
				taken[names[flag]] = true
			}
			for name, l := range looks {
				t.Run(name, func(t *testing.T) {
					var args []string
					if l.beside != "" {
						args = append(args, l.beside)
					}
					if l.value != "" {
						args = append(args, "--"+name+"="+l.value)
					} else {
						args = append(args, "--"+name)
					}
					protocol := slices.Contains(strings.Fields("tcp udp udplite sctp raw icmp mptcp"), name)
					family := slices.Contains(strings.Fields("inet inet6 protocol"), name)
					if !taken[name] && (protocol && !slices.Contains(takes, "-t") || family && slices.Contains(otherFamilies, mode)) {
						m.showsSocketsToo(t, args, map[bool]string{true: name}[protocol])
						return
					}
					if taken[name] && l.refused == "" {
						l.honours(t, m, args)
						return
					}
					r := try(t, n, slices.Concat(m.args, args)...)
					other := l.refused
					if other == "" {
						other = "the table of sockets"
						if mode != "sockets" {
							other = "--" + names[m.args[0]]
						}
					}
					if r.status != 3 || r.out != "" || strings.Count(r.complaints, "\n") != 1 || !strings.Contains(r.complaints, "--") || !strings.Contains(r.complaints, other) {
						t.Errorf("%+v does not name both", r)
					}
				})
			}
		})
	}
}

// showsSocketsToo says when a protocol, or a family where there is none, does not choose
// sockets besides the mode.
func (m *matrix) showsSocketsToo(t *testing.T, args []string, protocol string) {
	t.Helper()
	r := try(t, m.n, slices.Concat(m.args, []string{"--json", "-a"}, args)...)
	shown := make(map[string]bool)
	for _, o := range decode(t, r.out) {
		if shown[o.text("kind")] = true; o.text("kind") == "socket" && protocol != "" && o.text("protocol") != protocol {
			t.Errorf("a row of %s", o.text("protocol"))
		}
	}
	if (protocol == "tcp" || protocol == "") && !shown["socket"] || len(m.rows) > 0 && !shown[m.rows[0].text("kind")] {
		t.Errorf("kinds %v are shown, %s", shown, r.complaints)
	}
}

// traffic has counters become large enough to be scaled.
func traffic(t *testing.T, n *nstest.NS) {
	t.Helper()
	for _, to := range []string{"127.0.0.1:5353", "192.0.2.9:9"} {
		c := n.Dial(t, "udp4", to)
		for range 3000 {
			_, _ = c.Write(make([]byte, 50)) // a full queue matters nothing
		}
	}
}

// track makes flows and an expectation, and reports whether this kernel has any. The
// scene tracks no packets, so that they stay as they are.
func track(t *testing.T, n *nstest.NS) bool {
	t.Helper()
	for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_CONNTRACK_FTP"} {
		if !nstest.HasKernel(t, option) {
			return false
		}
	}
	k, err := collectors.Open(collectors.Options{NetNS: n.Name})
	must(t, err)
	defer k.Close()
	e, err := k.EditFlows()
	must(t, err)
	defer e.Close()
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	local := n.Dial(t, "udp4", "192.0.2.2:53").LocalAddr().(*net.UDPAddr).AddrPort() // whose flow has a process
	flow := func(tuple netstat.FlowTuple) netstat.NewFlow {
		f := netstat.NewFlow{Flow: netstat.Flow{Original: tuple, Timeout: netstat.Known(time.Hour)}}
		if tuple.Protocol == netstat.IPProtocolTCP {
			f.TCP, f.Helper = netstat.Known(netstat.FlowTCP{State: netstat.FlowTCPEstablished}), "ftp"
			f.Status = netstat.Known(netstat.FlowSeenReply | netstat.FlowAssured)
		}
		return f
	}
	control := netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: a, Destination: b, SourcePort: 40000, DestinationPort: 21}
	_, err = e.Create(t.Context(), slices.Values([]netstat.NewFlow{
		flow(control),
		flow(netstat.FlowTuple{Protocol: netstat.IPProtocolUDP, Source: local.Addr(), Destination: b, SourcePort: local.Port(), DestinationPort: 53}),
		flow(netstat.FlowTuple{
			Protocol: netstat.IPProtocolUDP, Source: netip.MustParseAddr("2001:db8::1"), Destination: netip.MustParseAddr("2001:db8::2"), SourcePort: 40000, DestinationPort: 53,
		}),
	}))
	must(t, err)
	all := netip.MustParseAddr("255.255.255.255")
	must(t, e.CreateExpectation(t.Context(), netstat.Expectation{
		Master: control, Timeout: netstat.Known(time.Hour), Helper: "ftp",
		Tuple: netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: b, Destination: a, DestinationPort: 2001},
		Mask:  netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: all, Destination: all, DestinationPort: 0xffff},
	}))
	return true
}
