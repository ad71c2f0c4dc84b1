package collectors

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestFIBTables(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "addr add 192.0.2.1/24 dev near")
	var commands []string
	for i := range 20 {
		commands = append(commands, fmt.Sprintf("route add 10.%d.0.0/16 dev near table 100", i))
	}
	// A leaf with two prefixes.
	n.IP(t, append(commands, "route add 10.3.0.0/24 dev near table 100", "rule add from 10.0.0.0/8 table 100")...)
	k := open(t, n)
	tables := make(map[uint32]netstat.FIBTable)
	for _, table := range all(t, k.FIBTables(t.Context())) {
		tables[table.Table] = table
	}
	if f := tables[100]; f.Leaves != 20 || f.Prefixes != 21 || f.InternalNodes == 0 || f.MaxDepth == 0 || f.AverageDepth < 100 || f.AverageDepth > 100*f.MaxDepth || f.KiB == 0 {
		t.Errorf("table 100: %+v", f)
	}
	var local []struct{ Dst string }
	n.JSON(t, &local, "-4", "route", "show", "table", "local")
	if f, ok := tables[netstat.TableLocal]; !ok || f.Prefixes != uint64(len(local)) {
		t.Errorf("table local: %+v, ip lists %d routes", f, len(local))
	}
	if f, ok := tables[netstat.TableMain]; !ok || f.Prefixes != 1 {
		t.Errorf("table main: %+v", f)
	}
}

func TestParseFIBTrieStat(t *testing.T) {
	const text = "Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.\nMain:\n\tAver depth:     2.42\n\tMax depth:      3\n\tLeaves:         7\n" +
		"\tPrefixes:       8\n\tInternal nodes: 5\n\t  1: 1  2: 3  3: 1\n\tPointers: 22\nNull ptrs: 11\nTotal size: 2  kB\n" +
		"\nCounters:\n---------\ngets = 10\nbacktracks = 11\nsemantic match passed = 12\nsemantic match miss = 13\nnull node hit= 14\nskipped node resize = 15\n\nId 7:\n\tLeaves:         1\nId -6:\n\tLeaves:         2\n"
	got, err := parsed(text, parseFIBTrieStat)
	must(t, err)
	known := netstat.Known[uint64]
	want := []netstat.FIBTable{
		{Table: 254, AverageDepth: 242, MaxDepth: 3, Leaves: 7, Prefixes: 8, InternalNodes: 5, Pointers: 22, NullPointers: 11, KiB: 2,
			Lookups: known(10), Backtracks: known(11), MatchesPassed: known(12), MatchesMissed: known(13), NullNodesHit: known(14), SkippedNodeResize: known(15)},
		{Table: 7, Leaves: 1}, {Table: 1<<32 - 6, Leaves: 2},
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	rejects(t, discard(parseFIBTrieStat), "Main:\n\tLeaves: x\n", "Main:\n\tAver depth: 2.4\n", "Main:\n\tAver depth: 2\n", "Id x:\n", "Id 4294967296:\n", "Id -2147483649:\n", "Main:\ngets = x\n")
}

func TestFIB6(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	read := func() netstat.FIB6 {
		f, err := k.FIB6(t.Context())
		must(t, err)
		return f
	}
	// Over the loopback: another link gets routes of its own in its own time.
	before := read()
	var commands []string
	for i := range 10 {
		commands = append(commands, fmt.Sprintf("-6 route add 2001:db8:%x::/48 dev lo", i+1))
	}
	n.IP(t, commands...)
	if after := read(); after.Entries-before.Entries != 10 || after.Nodes <= before.Nodes || after.RouteNodes-before.RouteNodes != 10 {
		t.Errorf("ten routes make %+v of %+v", after, before)
	}
	fields := strings.Fields(netFile(t, n, "rt6_stats"))
	if f := read(); fields[3] != fmt.Sprintf("%04x", f.Entries) || fields[0] != fmt.Sprintf("%04x", f.Nodes) {
		t.Errorf("%+v, the file says %v", f, fields)
	}
	rejects(t, func(l *lines) { parseRT6Stats(l) }, "1 2 3 4 5 6\n", "1 2 3 4 5 6 x\n")
}

func TestRouteLookups(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	// The test's own reading.
	sum := func(column string) (total uint64) {
		lines := strings.Split(strings.TrimSpace(netFile(t, n, "stat/rt_cache")), "\n")
		for at, name := range strings.Fields(lines[0]) {
			if name != column {
				continue
			}
			for _, line := range lines[1:] {
				value, err := strconv.ParseUint(strings.Fields(line)[at], 16, 64)
				must(t, err)
				total += value
			}
		}
		return total
	}
	columns := []string{"in_slow_tot", "in_slow_mc", "in_no_route", "in_brd", "in_martian_dst", "in_martian_src", "out_slow_tot", "out_slow_mc"}
	before := make(map[string]uint64)
	for _, c := range columns {
		before[c] = sum(c)
	}
	fd := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	for range 5 {
		must(t, unix.Sendto(fd, []byte("x"), 0, inet4(t, "127.0.0.1", 9)))
	}
	r, err := k.RouteLookups(t.Context())
	must(t, err)
	for i, got := range []uint64{r.InSlowTotal, r.InSlowMulticast, r.InNoRoute, r.InBroadcast, r.InMartianDestination, r.InMartianSource, r.OutSlowTotal, r.OutSlowMulticast} {
		if after := sum(columns[i]); got < before[columns[i]] || got > after {
			t.Errorf("%s is %d, not from %d to %d", columns[i], got, before[columns[i]], after)
		}
	}
	if r.OutSlowTotal < before["out_slow_tot"]+1 {
		t.Errorf("%d packets were routed, before %d", r.OutSlowTotal, before["out_slow_tot"])
	}
}

func TestParsePerCPU(t *testing.T) {
	l := newLines("file", strings.NewReader("entries  in_slow_tot new\n00000002 000000ff 1\n00000002 00000001 1\n"))
	if r := parseRouteLookups(l); l.err != nil || r.Entries != 2 || r.InSlowTotal != 256 {
		t.Errorf("%+v, %v", r, l.err)
	}
	rejects(t, func(l *lines) { parseRouteLookups(l) }, "entries a\n1\n", "entries\nx\n", "entries\n1 2\n")
}

func FuzzParseFIBTrieStat(f *testing.F) {
	fuzzLines(f, "/proc/net/fib_triestat", discard(parseFIBTrieStat), "Id 7:\n\tAver depth: 1.00\ngets = 1\n")
}

func FuzzParseRT6Stats(f *testing.F) {
	fuzzLines(f, "/proc/net/rt6_stats", func(l *lines) { parseRT6Stats(l) })
}

func FuzzParsePerCPU(f *testing.F) {
	fuzzLines(f, "/proc/net/stat/rt_cache", func(l *lines) { parseRouteLookups(l) })
}
