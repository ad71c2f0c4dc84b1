package collectors

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// TestA32BitBuildReadsTheSame has a program for 386 read what one for amd64
// reads, from the same kernel.
func TestA32BitBuildReadsTheSame(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_IA32_EMULATION")
	nstest.NeedsProgram(t, "go")
	n := nstest.New(t)
	build := func(machine string) string {
		program := filepath.Join(t.TempDir(), machine)
		cmd := exec.Command("go", "build", "-o", program, "./testdata/rows")
		cmd.Env = append(os.Environ(), "GOARCH="+machine, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, out)
		}
		return program
	}
	native, narrow := build("amd64"), build("386")

	socketScene(t, n)
	openUnixScene(t, n, "abstract")
	detailScene(t, n)
	n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	n.IP(t, "route add 203.0.113.0/24 via 192.0.2.77 metric 4000000000", "route add 203.0.113.0/25 mtu 1400 nexthop dev near weight 3 nexthop via 192.0.2.5",
		"-6 route add 2001:db8::/32 dev far metric 7")

	run := func(program, bits string) string {
		out, err := exec.Command(program, n.Path()).CombinedOutput()
		if errors.Is(err, unix.ENOEXEC) {
			t.Skip("the kernel was booted with ia32_emulation=off, or CONFIG_IA32_EMULATION_DEFAULT_DISABLED: it runs no 32-bit programs")
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
		first, rows, _ := strings.Cut(string(out), "\n")
		if first != bits+" bits" {
			t.Fatalf("%s is of %s", program, first)
		}
		return rows
	}
	// Rows that changed meanwhile (a connection attempt is repeated) are not
	// compared.
	var missing string
	eventually(t, "the 32-bit build reads the same", func() bool {
		before := run(native, "64")
		got := run(narrow, "32")
		after := run(native, "64")
		changed := difference(before, after) + difference(after, before)
		missing = difference(difference(after, got), changed)
		if strings.Count(before, "\n") != strings.Count(got, "\n") {
			missing += "and as many rows\n"
		}
		for _, kind := range []string{"Socket{", "UnixSocket{", "PacketSocket{", "ListenQueue{", "Interface{", "Address{", "Route{", "TCPInfo{"} {
			if !strings.Contains(difference(got, changed), kind) {
				missing += "a row with " + kind + "}\n"
			}
		}
		return missing == ""
	}, func() { t.Logf("the 32-bit build does not read\n%s", missing) })
}

// difference returns the lines of a that b has not.
func difference(a, b string) string {
	var lines []string
	for line := range strings.Lines(a) {
		if !strings.Contains(b, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
