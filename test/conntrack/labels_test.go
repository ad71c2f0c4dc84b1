package conntrack

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// labelFile is a connlabel.conf with what such files have: comments, blanks, numbers in C's forms,
// lines that are none, and a label that is named twice.
const labelFile = `# of the tests
3	eth0-in
0x28 voice

5
127   last
3 again
`

// withLabels runs a program in a namespace where the labels have names.
func withLabels(t *testing.T, ns *nstest.NS, program, args string) (out string, err error) {
	t.Helper()
	const script = `mount -t tmpfs none /etc && mkdir /etc/xtables && cat > /etc/xtables/connlabel.conf && exec "$@"`
	cmd := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, "sh", program}, strings.Fields(args)...)...)
	cmd.Stdin = strings.NewReader(labelFile)
	var o strings.Builder
	cmd.Stdout = &o
	ns.Do(t, cmd.Start)
	err = cmd.Wait()
	return o.String(), err
}

// Labels have the names that the host's file has for them, as conntrack-tools shows them.
func TestLabelNames(t *testing.T) {
	program := build(t)
	nstest.NeedsKernel(t, "CONFIG_NF_CONNTRACK_LABELS")
	theirs, err := exec.LookPath("conntrack")
	if err != nil {
		t.Fatal(err)
	}
	ns := nstest.New(t)
	ns.NFT(t, "table ip labels {\n\tchain c {\n\t\ttype filter hook output priority 0\n\t\tct label set 3\n\t}\n}\n")
	for _, args := range []string{
		"-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 2 -t 50000 --label-add eth0-in,voice",
		"-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 3 -t 50000 --label-add last",
		"-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 4 -t 50000",
	} {
		if out, err := withLabels(t, ns, program, args); err != nil {
			t.Fatalf("conntrack %s: %v\n%s", args, err, out)
		}
	}
	for args, lines := range map[string]int{"-L -o labels": 3, "-L -o labels --label voice": 1, "-L -o labels --label eth0-in,voice": 1, "-L -o labels --label last": 1} {
		ours, err := withLabels(t, ns, program, args)
		if err != nil {
			t.Fatalf("conntrack %s: %v", args, err)
		}
		want, err := withLabels(t, ns, theirs, args)
		if err != nil {
			t.Fatalf("conntrack-tools %s: %v", args, err)
		}
		if sorted(ours) != sorted(want) || strings.Count(ours, "\n") != lines || !strings.Contains(ours, "labels=") {
			t.Errorf("conntrack %s:\n%sand conntrack-tools':\n%s", args, ours, want)
		}
	}
}
