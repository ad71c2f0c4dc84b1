package collectors

import (
	"bytes"
	"context"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// FIBTables yields the tables of /proc/net/fib_triestat. Where the kernel keeps
// the tables local and main in one trie, as it does until there are policy
// rules, both show the same.
func (k *Kernel) FIBTables(ctx context.Context) iter.Seq2[netstat.FIBTable, error] {
	const path = "/proc/net/fib_triestat"
	return func(yield func(netstat.FIBTable, error) bool) {
		stopped := false
		err := k.readLines(ctx, path, func(l *lines) {
			parseFIBTrieStat(l, func(t netstat.FIBTable) bool {
				stopped = !yield(t, nil)
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(netstat.FIBTable{}, k.readError("read "+path, absentFile(err)))
		}
	}
}

// parseFIBTrieStat reads /proc/net/fib_triestat (net/ipv4/fib_trie.c,
// fib_triestat_seq_show): for each table a line with its name and what follows
// it.
//
//	Main:
//		Aver depth:     2.42
//		Leaves:         7
//		...
//	Null ptrs: 11
//	Total size: 2  kB
func parseFIBTrieStat(l *lines, each func(netstat.FIBTable) bool) {
	var t netstat.FIBTable
	known := false
	for l.next() {
		// CONFIG_IP_FIB_TRIE_STATS (trie_show_usage).
		if what, text, ok := strings.Cut(string(l.text), "="); ok {
			if known {
				l.fibTrieUsage(&t, strings.TrimSpace(what), strings.TrimSpace(text))
			}
			continue
		}
		head, rest, ok := bytes.Cut(bytes.TrimSpace(l.text), []byte(":"))
		if !ok {
			continue // an empty line
		}
		name, value := string(head), string(bytes.TrimSpace(rest))
		if table, ok := fibTableNumber(l, name, value); ok {
			if known && !each(t) {
				return
			}
			t, known = netstat.FIBTable{Table: table}, true
			continue
		}
		if !known {
			continue // "Basic info"
		}
		number := func() uint64 { return l.uint64([]byte(value), 10) }
		switch name {
		case "Aver depth":
			t.AverageDepth = l.hundredths(value)
		case "Max depth":
			t.MaxDepth = l.uint32([]byte(value), 10)
		case "Leaves":
			t.Leaves = number()
		case "Prefixes":
			t.Prefixes = number()
		case "Internal nodes":
			t.InternalNodes = number()
		case "Pointers":
			t.Pointers = number()
		case "Null ptrs":
			t.NullPointers = number()
		case "Total size":
			value = strings.TrimSpace(strings.TrimSuffix(value, "kB"))
			t.KiB = number()
		}
	}
	if known && l.err == nil {
		each(t)
	}
}

// fibTrieUsage reads one of the counters of lookups.
func (l *lines) fibTrieUsage(t *netstat.FIBTable, what, value string) {
	var into *netstat.Optional[uint64]
	switch what {
	case "gets":
		into = &t.Lookups
	case "backtracks":
		into = &t.Backtracks
	case "semantic match passed":
		into = &t.MatchesPassed
	case "semantic match miss":
		into = &t.MatchesMissed
	case "null node hit":
		into = &t.NullNodesHit
	case "skipped node resize":
		into = &t.SkippedNodeResize
	default:
		return
	}
	into.Set(l.uint64([]byte(value), 10))
}

// fibTableNumber returns the number of the table whose description a line
// begins.
func fibTableNumber(l *lines, name, value string) (uint32, bool) {
	if value != "" || len(l.text) == 0 || l.text[0] == '\t' || l.text[0] == ' ' {
		return 0, false
	}
	switch name {
	case "Main":
		return netstat.TableMain, true
	case "Local":
		return netstat.TableLocal, true
	}
	if id, ok := strings.CutPrefix(name, "Id "); ok {
		// The kernel prints it with a sign (net/ipv4/fib_trie.c, fib_table_print).
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n < math.MinInt32 || n > math.MaxUint32 {
			l.fail("table %q is no number of 32 bits", id)
		}
		return uint32(n), true
	}
	return 0, false
}

// hundredths reads a number with two decimals.
func (l *lines) hundredths(value string) uint32 {
	whole, part, ok := strings.Cut(value, ".")
	n, err := strconv.ParseUint(whole+part, 10, 32)
	if !ok || len(part) != 2 || err != nil {
		l.fail("%q has not two decimals", value)
	}
	return uint32(n)
}
