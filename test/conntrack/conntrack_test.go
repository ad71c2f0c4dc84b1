package conntrack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// flows make one of each form of line.
const flows = `
-I -s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 10 --dport 20 --state SYN_SENT2 -u SEEN_REPLY,ASSURED -t 50000 --orig-zone 5
-I -s 192.0.2.1 -d 192.0.2.3 -p tcp --sport 10 --dport 20 --state ESTABLISHED -t 50000 --reply-zone 5 -m 7
-I -s 192.0.2.1 -d 192.0.2.4 -p tcp --sport 10 --dport 20 --state CLOSE -t 50000 -w 9 -u ASSURED,SEEN_REPLY --src-nat 198.51.100.7:99
-I -s 192.0.2.1 -d 192.0.2.4 -p udp --sport 10 --dport 20 -t 50000 --dst-nat 198.51.100.8
-I -s 192.0.2.1 -d 192.0.2.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 5 -t 50000
-I -s 2001:db8::1 -d 2001:db8::2 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 5 -t 50000
-I -s 2001:db8::1 -d 2001:db8::2 -p udp --sport 1 --dport 2 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p 200 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p sctp --sport 1 --dport 2 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p gre --srckey 1 --dstkey 2 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p udplite --sport 1 --dport 2 -t 50000
`

// sorted are the lines in an order of their own, without what a second changes.
func sorted(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		fields := strings.Fields(lines[i])
		fields = slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "49") || strings.HasPrefix(f, "50000") })
		lines[i] = strings.Join(fields, " ")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The program prints what conntrack-tools' prints, of flows that it made itself.
func TestSameLines(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	if out, complaint, status := run(t, ns, program, flows, "-R -"); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, complaint)
	}
	for _, args := range []string{
		"-L", "-L -o extended", "-L -o extended,id", "-L -p tcp", "-L -f ipv6 -o id", "-L -s 192.0.2.0/24 -d 192.0.2.4", "-L -m 7", "-L -m 1/1", "-L -u ASSURED",
		"-L -u !ASSURED", "-L -u UNREPLIED", "-L --src-nat", "-L --dst-nat", "-L --any-nat 198.51.100.8", "-L -p tcp --state CLOSE", "-L -w 9", "-L --orig-zone 5",
		"-L -p tcp --dport 20", "-L -p icmp --icmp-type 8", "-L dying", "-L expect", "-C", "-S", "-S expect", "-C expect",
		"-L -p tcp --reply-port-src 20 --reply-port-dst 10", "-L -p tcp --reply-port-src 21", "-L -q 192.0.2.1", "-L --reply-dst 198.51.100.7",
		"-L -r 192.0.2.3", "-L -d 192.0.2.9 --mask-dst 255.255.255.0", "-L -p gre --reply-key-src 2 --reply-key-dst 1", "-L -p gre --srckey 1 --dstkey 2",
		"-L -p icmpv6 --icmpv6-type 128 --icmpv6-id 5",
		"-G -s 192.0.2.1 -d 192.0.2.2 -p 200", "-L -s 192.0.2.1 --mask-src 255.255.255.0 -p udplite",
	} {
		ours, complaint, status := run(t, ns, program, "", args)
		theirs, _, want := run(t, ns, "conntrack", "", args)
		if status != want || sorted(ours) != sorted(theirs) {
			t.Errorf("conntrack %s: exit status %d, want %d %s\n%s\nconntrack-tools:\n%s", args, status, want, complaint, sorted(ours), sorted(theirs))
		}
	}
	// What is saved makes the same again, and so does theirs.
	before, _, _ := run(t, ns, program, "", "-L -o extended")
	saved, _, _ := run(t, ns, program, "", "-L -o save")
	if _, complaint, status := run(t, ns, program, "", "-F"); status != 0 {
		t.Fatal(complaint)
	}
	if _, complaint, status := run(t, ns, program, saved, "-R -"); status != 0 {
		t.Fatalf("%s\n%s", complaint, saved)
	}
	if after, _, _ := run(t, ns, program, "", "-L -o extended"); sorted(after) != sorted(before) {
		t.Errorf("saved\n%s\nis loaded as\n%s", sorted(before), sorted(after))
	}
}

// Each option does what it says, or is refused with a sentence.
func TestOptions(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	const flow = "-s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 1 --dport 2"
	for _, c := range []struct {
		args   string
		status int
		says   string // in the output or the complaint
	}{
		{"-I " + flow + " --state ESTABLISHED -t 1000 -m 3", 0, "1 flow entries have been created"},
		{"-I " + flow + " --state ESTABLISHED -t 1000", 1, "file exists"},
		{"-A " + flow + " --state ESTABLISHED -t 1000", 0, "added"},
		{"-G " + flow, 0, "ESTABLISHED"},
		{"-U " + flow + " -m 0xf0/0xf0", 0, "mark=243"},
		{"-U " + flow + " -m 243", 1, "0 flow entries have been updated"},
		{"-U " + flow + " -u ASSURED", 0, "[ASSURED]"},
		{"-U " + flow + " -t 500", 0, "1 flow entries have been updated"},
		{"-L --json", 0, `"mark":243`},
		{"-L --filter mark=243", 0, "1 flow entries"},
		{"-L --filter mark=1", 0, "0 flow entries"},
		{"-L --filter nothing=1", 2, "nothing"},
		{"-L --sort -mark,source", 0, "mark=243"},
		{"-L --sort nothing", 2, "nothing"},
		{"-L -z", 0, "1 flow entries"},
		{"-L -o timestamp", 0, "mark=243"},
		{"-L -o xml", 0, "<mark>243</mark>"},
		{"-L -o save,id", 2, "save stands alone"},
		{"-L -o what", 2, "what"},
		{"-L --json -o id", 2, "--json"},
		{"-L --json=1", 2, "takes no argument"},
		{"-G " + flow + " --state ESTABLISHED", 0, "1 flow entries"}, {"-G " + flow + " --state SYN_SENT", 1, "0 flow entries"}, {"-G " + flow + " -i 1", 1, "0 flow entries"},
		{"-G " + flow + " -l 5", 1, "0 flow entries"}, {"-Lz", 0, "1 flow entries"}, {"--counter", 0, "1\n"}, {"-L --pro tcp", 0, "1 flow entries"},
		{"-L -u ass -o ext,i", 0, "id="}, {"-L -u S", 2, "may be any of SEEN_REPLY"}, {"-L -u !UNSET", 2, "none of"}, {"-L -o extended,", 2, "none of"}, {"-L -p tcp --s 5", 2, "may be any of"},
		{"-D -i 1", 1, "0 flow entries have been deleted"},
		{"-D --filter mark=243 -o id", 0, "id="},
		{"-G " + flow, 1, "no such entry"},
		{"-D", 1, "0 flow"},
		{"-L dying", 0, "0 flow"}, {"-L unconfirmed", 0, "0 flow"}, {"-L nonsense", 2, "no table"}, {"-D dying", 2, "only be listed"},
		{"-U expect", 2, "not for expectations"},
		{"", 2, "command is missing"}, {"-L -C", 2, "only one command"}, {"-L -x", 2, "unknown option"}, {"-L -c 5", 2, "security"}, {"-L --secmark=5", 2, "security"}, {"-I " + flow + " -a 192.0.2.9", 2, "--src-nat"}, {"-L --nope", 2, "unknown option"}, {"-L word", 2, "no table"},
		{"-L -s", 2, "missing"}, {"-L -s 192.0.2.300", 2, "no IP address"}, {"-L -s 192.0.2.1/33", 2, "0 to 32"}, {"-L -r 192.0.2.1/24", 2, "not a prefix"},
		{"-L -s 192.0.2.1 -d ::1", 2, "mixed"}, {"-L -s 192.0.2.1 -s 192.0.2.2", 2, "twice"}, {"-L -p nonsense", 2, "no protocol"}, {"-L -p 256", 2, "no protocol"},
		{"-L --sport 1", 2, "needs --proto"}, {"-L -p icmp --sport 1", 2, "not an option of icmp"}, {"-L -p tcp --sport 65536", 2, "65535"},
		{"-L -p tcp --state NOWHERE", 2, "no state"}, {"-L -u NOTHING", 2, "none of"}, {"-L -m 4294967296", 2, "4294967295"}, {"-L -w 65536", 2, "65535"},
		{"-L -f ipx", 2, "neither ipv4 nor ipv6"}, {"-L -l nolabel", 2, "nolabel"}, {"-L -t 5", 2, "cannot be given"}, {"-L --mask-src 255.0.0.0", 2, "needs --src"},
		{"-L -n -j", 2, "--any-nat"}, {"-L -n 192.0.2.1:0", 2, "no port"}, {"-L -w 1 --orig-zone 2", 2, "--zone"}, {"-L dying -z", 2, "--zero"},
		{"-I -s 192.0.2.1 -d 192.0.2.2 -p udp -t 5", 2, "ports"}, {"-I " + flow + " -t 5", 2, "--state is missing"}, {"-I -d 192.0.2.2 -p 200 -t 5", 2, "--src"},
		{"-I -s 192.0.2.1 -d 192.0.2.2 -p 200", 2, "--timeout is missing"}, {"-I -s 192.0.2.1 -d 192.0.2.2 -p icmp -t 5", 2, "--icmp-type"},
		{"-U -m 1 -u !ASSURED", 2, "clears no flag"}, {"-U --label-add 1 --label-del 2", 2, "--label-add"}, {"-E -e NOTHING", 2, "none of ALL"}, {"-E expect -e UPDATES", 2, "no changes"},
		{"-E -b 0", 2, "--buffer-size"}, {"-I " + flow + " --state CLOSE -t 5 --netns all", 2, "one namespace"}, {"-G " + flow + " --netns a --netns b", 2, "one namespace"}, {"-E --netns all -o xml", 2, "one namespace"},
		{"-D expect " + flow + " --reply-port-src 3", 2, "inverse"}, {"-G expect " + flow + " -r 192.0.2.9", 2, "inverse"},
		{"-L -p sctp --orig-vtag 1 --reply-vtag 2", 0, "0 flow"}, {"-L -p dccp --role server", 0, "0 flow"}, {"-L -p dccp --role nobody", 2, "none of client, server"},
		{"-L --processes", 0, "0 flow"}, {"-L dying --processes", 2, "table conntrack"}, {"-L --processes -o save", 2, "--processes"}, {"-E --processes", 2, "cannot be given"}, {"-D --filter process=x", 2, "-L only"}, {"-L --netns no-such-namespace", 1, "no-such-namespace"},
		{"-I expect -s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 1 --dport 2 -t 5", 2, "--tuple-src is missing"},
		{"-I expect -s 192.0.2.1 -d 192.0.2.2 -p gre --srckey 1 --dstkey 2 -t 5 --tuple-src 192.0.2.2 --tuple-dst 192.0.2.1 --tuple-key-src 3 --tuple-key-dst 4 --mask-key-src 0 --mask-key-dst 65535", 1, "no such"},
		{"-L -p gre --srckey 65536", 2, "65535"}, {"-L -p tcp --tuple-key-src 1", 2, "cannot be given"},
		{"-F expect", 0, "emptied"}, {"-F", 0, "emptied"}, {"-S --json", 0, `"clashResolve"`}, {"-V", 0, "conntrack"}, {"-h", 0, "--orig-zone"}, {"-h -p gre", 0, "--tuple-key-src"}, {"-h -p 200", 0, "none of its own"}, {"-h -s 192.0.2.1", 2, "--src cannot"}, {"-R /no/such/file", 2, "no such file"},
	} {
		out, complaint, status := run(t, ns, program, "", c.args)
		if status != c.status || !strings.Contains(out+complaint, c.says) {
			t.Errorf("conntrack %s: exit status %d, want %d and %q:\n%s%s", c.args, status, c.status, c.says, out, complaint)
		}
	}
	for input, says := range map[string]string{"-L\n": "line 1", "# nothing\n\n-I\n": "line 3", "-I \"\n": "quotation mark", "-S\n": "line 1", "#\n" + strings.Repeat("x", 20000): "line 2"} {
		if _, complaint, status := run(t, ns, program, input, "-R -"); status != 2 || !strings.Contains(complaint, says) {
			t.Errorf("%.99q: exit status %d: %s", input, status, complaint)
		}
	}
	// What the kernel refuses of a file is told by its lines.
	const twice = "-F\n\n-I " + oneFlow + " -t 1000\n#\n-I " + oneFlow + " -t 1000\n-I " + oneFlow + " -t 1000 -w 5\n-I " + oneFlow + " -t 1000\n"
	_, complaint, status := run(t, ns, program, twice, "-R -")
	if count, _, _ := run(t, ns, theirs, "", "-C"); status != 1 || strings.Count(complaint, "line ") != 2 || !strings.Contains(complaint, "line 5: file exists") || !strings.Contains(complaint, "line 7: file exists") || count != "2\n" {
		t.Errorf("exit status %d, and %s flows: %s", status, strings.TrimSpace(count), complaint)
	}
	// A mark has no bits beside those that its mask leaves: nothing is deleted.
	for _, args := range []string{"-D -m 1/0", "-D -m 0x11/0xf"} {
		if _, complaint, status := run(t, ns, program, "", args); status != 1 || !strings.Contains(complaint, " 0 flow") {
			t.Errorf("conntrack %s: exit status %d: %s", args, status, complaint)
		}
	}
	// What cannot be written is said once.
	for _, args := range []string{"-L", "-L --json", "-L -o xml", "-L --sort mark", "-S", "-C"} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, strings.Fields(args)...)
		var complaint bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &complaint
		ns.Do(t, cmd.Start)
		_ = cmd.Wait() // its status says how it went
		_ = full.Close()
		if cmd.ProcessState.ExitCode() != 1 || strings.Count(complaint.String(), "no space left") != 1 {
			t.Errorf("conntrack %s: exit status %d: %s", args, cmd.ProcessState.ExitCode(), complaint.String())
		}
	}
	if _, complaint, status := run(t, ns, program, "", "-I -s 192.0.2.77 -d 192.0.2.2 -p 200 -t 5 --label-add 5"); status != 1 || !strings.Contains(complaint, "without its labels") {
		t.Errorf("exit status %d: %s", status, complaint)
	}
}

// JSON is an object in each line, and the manual names every option.
func TestJSONAndManual(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	if _, complaint, status := run(t, ns, program, flows, "-R -"); status != 0 {
		t.Fatal(complaint)
	}
	out, _, _ := run(t, ns, program, "", "-L --json --sort source,-destinationPort")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil || object["kind"] != "flow" || object["id"] == nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	if len(lines) != strings.Count(flows, "-I ") {
		t.Errorf("%d lines", len(lines))
	}
	holdToPage(t, out)
	for _, args := range []string{"-S --json", "-S expect --json", "-D -s 192.0.2.1 --json"} {
		out, complaint, status := run(t, ns, program, "", args)
		if status != 0 || out == "" {
			t.Errorf("conntrack %s: exit status %d: %s", args, status, complaint)
		}
		holdToPage(t, out)
	}
	manual, err := os.ReadFile("../../man/conntrack.8")
	if err != nil {
		t.Fatal(err)
	}
	help, _, _ := run(t, ns, program, "", "--help")
	text := strings.ReplaceAll(string(manual), `\-`, "-")
	for _, word := range strings.Fields(help) {
		if name := strings.TrimRight(word, ","); strings.HasPrefix(name, "--") && !strings.Contains(text, name) {
			t.Errorf("the manual has no %s", name)
		}
	}
}

// holdToPage holds objects to docs/netstat-json.md: each has the members of its kind.
func holdToPage(t *testing.T, out string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/netstat-json.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("%v: %s", err, line)
			continue
		}
		_, section, _ := strings.Cut(string(page), fmt.Sprintf("\n## %s\n", object["kind"]))
		section, _, _ = strings.Cut(section, "\n## ")
		for name := range object {
			if name != "kind" && !strings.Contains(section, "\n| `"+name+"` |") {
				t.Errorf("the page has no %s of %s", name, object["kind"])
			}
		}
	}
}

// A shell is told what can follow: commands, the options that the command takes,
// and their values.
func TestCompletion(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	for line, want := range map[string]struct{ has, lacks string }{
		"-":                     {"--dump\tlist flows or expectations\n", "--nonsense"},
		"-L -":                  {"--zero\t", "--event-mask"},
		"-L --":                 {"--processes\t", "--delete"},
		"-E expect --":          {"--event-mask\t", "--src\t"},
		"-L ":                   {"\ndying\n", "--"},
		"-D ":                   {"expect\n", "dying"},
		"-L -p ":                {"udplite\n", "--"},
		"-L --family ":          {"ipv6\n", "--"},
		"-L -u ":                {"ASSURED\n", "SRC_NAT\n"},
		"-L -o ":                {"ktimestamp\n", "--"},
		"-L -p tcp --state ":    {"TIME_WAIT\n", "state"},
		"-L --sort ":            {"replySource\n", "--"},
		"-E -e ":                {"DESTROY\n", "--"},
		"-L --netns ":           {ns.Name + "\n", "--"},
		"-A -p dccp --role ":    {"client\n", "--"},
		"-U -m 1 --label-del -": {"--src\t", "--timeout-nonsense"},
	} {
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		out, err := exec.Command(program, words...).Output()
		if text := "\n" + string(out); err != nil || !strings.Contains(text, want.has) || strings.Contains(text, want.lacks) {
			t.Errorf("conntrack %s: %v, want %q and not %q:\n%s", line, err, want.has, want.lacks, out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, complaint, status := here(program, "completion "+shell); status != 0 || !strings.Contains(out, "conntrack") {
			t.Errorf("%s: exit status %d: %s", shell, status, complaint)
		}
	}
	if _, complaint, status := here(program, "completion sh"); status == 0 || !strings.Contains(complaint, "bash, fish, powershell, zsh") {
		t.Errorf("exit status %d: %s", status, complaint)
	}
}

// Expectations are made as they are said to be, which conntrack-tools lists, and
// shown as it shows them.
func TestExpectations(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_NF_CONNTRACK_FTP")
	program := build(t)
	ns := nstest.New(t)
	helped(t, ns)
	do := func(program, args string) string {
		t.Helper()
		out, complaint, status := run(t, ns, program, "", args)
		if status != 0 {
			t.Errorf("conntrack %s: exit status %d: %s", args, status, complaint)
		}
		return out
	}
	const master = "-s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 1000 --dport 21"
	do(program, "-I expect "+master+" -t 500 --tuple-src 192.0.2.2 --tuple-dst 192.0.2.1 --tuple-port-src 20 --tuple-port-dst 2000 "+
		"--mask-src 255.255.255.0 --mask-dst 255.255.255.255 --mask-port-src 0 --mask-port-dst 65535")
	const named = "-p tcp -s 192.0.2.2 -d 192.0.2.1 --sport 20 --dport 2000 --reply-port-src 2000 --reply-port-dst 20"
	age := regexp.MustCompile(`(?m)^[0-9]+ |<timeout>[0-9]+`)
	for _, args := range []string{"-L expect", "-L expect -o xml", "-C expect", "-G expect " + named} {
		ours, theirs := age.ReplaceAllString(do(program, args), ""), age.ReplaceAllString(do("conntrack", args), "")
		if ours != theirs {
			t.Errorf("conntrack %s:\n%s\nconntrack-tools:\n%s", args, ours, theirs)
		}
	}
	const want = "proto=6 src=192.0.2.2 dst=192.0.2.1 sport=20 dport=2000 mask-src=255.255.255.0 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=192.0.2.1 master-dst=192.0.2.2 sport=1000 dport=21 "
	if line := do("conntrack", "-L expect"); !strings.Contains(line, want) {
		t.Errorf("%s, want %s", line, want)
	}
	do(program, "-D expect "+named)
	if n := do("conntrack", "-C expect"); n != "0\n" {
		t.Errorf("%s are left", n)
	}
}

// helped makes a flow that has a helper, which the command lines cannot say.
func helped(t *testing.T, ns *nstest.NS) {
	t.Helper()
	k, err := collectors.Open(collectors.Options{NetNS: ns.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	e, err := k.EditFlows()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	f := netstat.NewFlow{Flow: netstat.Flow{
		Original: netstat.FlowTuple{Protocol: netstat.IPProtocolTCP, Source: netip.MustParseAddr("192.0.2.1"), Destination: netip.MustParseAddr("192.0.2.2"), SourcePort: 1000, DestinationPort: 21},
		Timeout:  netstat.Known(1000 * time.Second), TCP: netstat.Known(netstat.FlowTCP{State: netstat.FlowTCPEstablished}), Helper: "ftp",
	}}
	if _, err := e.Create(t.Context(), slices.Values([]netstat.NewFlow{f})); err != nil {
		t.Fatal(err)
	}
}
