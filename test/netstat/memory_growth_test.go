package netstat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// weighed runs its arguments and says on standard error how much memory they used at most, in KiB. What this test
// started would be taken for as large as the test.
const weighed = `
import os, resource, sys
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execvp(sys.argv[1], sys.argv[1:])
if os.waitpid(child, 0)[1] != 0:
    sys.exit("it failed")
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
`

// peak is the most memory that the program used in one of several runs, in bytes: garbage is collected now and then.
func peak(t testing.TB, n *nstest.NS, args ...string) (least int64) {
	t.Helper()
	for range 3 {
		r := run(t, append([]string{"ip", "netns", "exec", n.Name, "python3", "-c", weighed, program}, args...))
		used, err := strconv.ParseInt(r.complaints, 10, 64)
		if err != nil {
			t.Fatalf("%v: %s", err, r.complaints)
		}
		if used <<= 10; least == 0 || used < least {
			least = used
		}
	}
	return least
}

// What the kernel lists in one go is shown in memory that does not grow with it, and what is
// sorted is held once.
func TestMemoryOfManyRows(t *testing.T) {
	nstest.NeedsProgram(t, "python3")
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "addr add 10.0.0.1/8 dev a0", "-6 addr add 2001:db8::1/32 dev a0 nodad")
	// As much again three times makes four times as much.
	const rows = 10_000
	add := func(from, to int) {
		var commands []string
		for i := from; i < to; i++ {
			low := fmt.Sprintf("%d.%d", i>>8, i&255)
			commands = append(commands, "neigh add 10.1."+low+" lladdr 02:00:00:00:00:01 dev a0 nud permanent", "route add 11.1."+low+"/32 via 10.0.0.2",
				fmt.Sprintf("route add 2001:db8:%x::/48 via 2001:db8::2", i+1))
		}
		batch := filepath.Join(t.TempDir(), "batch")
		must(t, os.WriteFile(batch, []byte(strings.Join(commands, "\n")+"\n"), 0o600))
		n.Run(t, "ip", "-batch", batch)
	}
	const streams, holds = 100, 400 // bytes a row
	modes := []struct {
		args string
		most int64
	}{
		{"--neighbours -n", streams}, {"--neighbours -n --json", streams}, {"-rn", streams}, {"-rn6", streams}, {"-rn --json", streams},
		{"-rn --sort -metric,destination", holds}, {"--neighbours -n --sort address", holds}, {"-rn --sort destination --json", holds},
	}
	add(0, rows)
	before := make([]int64, len(modes))
	for i, m := range modes {
		before[i] = peak(t, n, strings.Fields(m.args)...)
	}
	add(rows, 4*rows)
	for i, m := range modes {
		if found := strings.Count(show(t, n, strings.Fields(m.args)...), "\n"); found < 4*rows {
			t.Errorf("%s has %d rows", m.args, found)
		}
		grew := (peak(t, n, strings.Fields(m.args)...) - before[i]) / (3 * rows)
		t.Logf("%s: %d bytes a row", m.args, grew)
		if grew > m.most {
			t.Errorf("%s: %d bytes more for each row, at most %d are right", m.args, grew, m.most)
		}
	}
}
