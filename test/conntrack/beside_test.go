package conntrack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// theirs is conntrack-tools' program.
const theirs = "conntrack"

// filterCase is an option that asks for flows, with values that some of flows have and
// that none has.
type filterCase struct {
	option   string
	values   string // one "-" for an option without
	with     string // what it needs beside it
	commands string
}

// filterCases are the options of conntrack-tools that ask for flows, by every name, with
// the commands that take them and do the same there: -U of 1.4.7 changes no flow for its
// protocol or its translation alone, -F heeds no family, -D no --any-nat, and no command
// the keys of GRE.
var filterCases = []filterCase{
	{"-s", "192.0.2.1 192.0.2.9 192.0.2.0/24 2001:db8::/32", "", "LDUE"},
	{"--src", "192.0.2.1", "", "LDUE"}, {"--orig-src", "2001:db8::1", "", "LDUE"},
	{"-d", "192.0.2.2 192.0.2.9 192.0.2.4/31", "", "LDUE"}, {"--dst", "192.0.2.3", "", "LDUE"}, {"--orig-dst", "192.0.2.4", "", "LDUE"},
	{"-r", "192.0.2.2 192.0.2.9", "", "LDUE"}, {"--reply-src", "198.51.100.8", "", "LDUE"},
	{"-q", "192.0.2.1 192.0.2.9", "", "LDUE"}, {"--reply-dst", "198.51.100.7", "", "LDE"},
	{"--mask-src", "255.255.255.0 255.255.255.255", "-s 192.0.2.77", "LDUE"}, {"--mask-dst", "255.255.255.0 255.255.255.255", "-d 192.0.2.77", "LDUE"},
	{"-p", "tcp udp UDP 17 icmp icmpv6 sctp gre udplite 200 201", "", "LDE"}, {"--protonum", "tcp", "", "LDE"}, {"--proto", "udp", "", "LDE"},
	{"-f", "ipv4 ipv6", "", "LDUE"}, {"--family", "ipv6", "", "LDUE"},
	{"-u", "ASSURED SEEN_REPLY ASSURED,SEEN_REPLY assured SEEN", "", "LD"}, {"--status", "ASSURED", "", "LD"}, {"-u", "!ASSURED UNREPLIED", "", "L"},
	{"-m", "7 8 1/1 0x7/0xff", "", "LDE"}, {"--mark", "7", "", "LDE"},
	{"-w", "9 10", "", "LDE"}, {"--zone", "9", "", "LDE"}, {"--orig-zone", "5 6", "", "LDE"}, {"--reply-zone", "5 6", "", "LDE"},
	{"-n", "- 198.51.100.7 198.51.100.9 198.51.100.7:99 198.51.100.7:98", "", "LDE"}, {"--src-nat", "198.51.100.7", "", "LDE"},
	{"-g", "- 198.51.100.8 198.51.100.9", "", "LDE"}, {"--dst-nat", "198.51.100.8", "", "LDE"},
	{"-j", "- 198.51.100.8 198.51.100.7 198.51.100.9", "", "LE"}, {"--any-nat", "198.51.100.7", "", "LE"},
	{"--sport", "10 11", "-p tcp", "LDE"}, {"--orig-port-src", "10", "-p udp", "LDE"}, {"--dport", "20 21", "-p tcp", "LDE"}, {"--orig-port-dst", "2", "-p udplite", "LDE"},
	{"--reply-port-src", "20 21", "-p tcp", "LDE"}, {"--reply-port-dst", "10 99", "-p tcp", "LDE"},
	{"--state", "ESTABLISHED CLOSE SYN_SENT2 LISTEN TIME_WAIT", "-p tcp", "LDE"}, {"--state", "ESTABLISHED COOKIE_WAIT", "-p sctp", "LDE"},
	{"--icmp-type", "8 0", "-p icmp", "LDE"}, {"--icmp-code", "0 1", "-p icmp", "LDE"}, {"--icmp-id", "5 6", "-p icmp", "LDE"},
	{"--icmpv6-type", "128 129", "-p icmpv6", "LDE"}, {"--icmpv6-code", "0 1", "-p icmpv6", "LDE"}, {"--icmpv6-id", "5 6", "-p icmpv6", "LDE"},
	{"-o", "extended id,extended save ext s,", "", "LD"}, {"--output", "extended", "", "LD"}, {"-o", "labels userspace", "", "E"}, {"-o", "save extended id", "", "E"},
	{"-e", "NEW UPDATES DESTROY NEW,DESTROY ALL new", "", "E"}, {"--event-mask", "DES", "", "E"},
}

// each calls f with the words of every case of a command.
func (c *filterCase) each(command string, f func(args string)) {
	for value := range strings.FieldsSeq(c.values) {
		words := []string{command}
		if c.with != "" {
			words = append(words, c.with)
		}
		words = append(words, c.option)
		if value != "-" {
			words = append(words, value)
		}
		f(strings.Join(words, " "))
	}
}

// Every option that asks for flows chooses those that it does with conntrack-tools: in
// lists, and to delete, change and flush, in namespaces that have the same.
func TestFiltersBesideTheirs(t *testing.T) {
	program := build(t)
	a, b := nstest.New(t), nstest.New(t)
	load := func(ns *nstest.NS) {
		t.Helper()
		if _, complaint, status := run(t, ns, theirs, "-F"+flows, "-R -"); status != 0 {
			t.Fatal(complaint)
		}
	}
	left := func(ns *nstest.NS) string {
		out, _, _ := run(t, ns, theirs, "", "-L -o extended")
		return sorted(out)
	}
	load(a)
	load(b)
	whole, differs := left(a), false
	for i := range filterCases {
		c := &filterCases[i]
		for _, command := range c.commands {
			if command == 'E' {
				continue
			}
			c := *c
			if command != 'L' { // each case of which needs the flows anew
				c.values, _, _ = strings.Cut(c.values, " ")
			}
			c.each("-"+string(command), func(args string) {
				if command == 'U' {
					args += " -t 40000"
				}
				if differs {
					load(a)
					load(b)
				}
				ours, complaint, status := run(t, a, program, "", args)
				other, _, want := run(t, b, theirs, "", args)
				if command == 'U' {
					ours, other = "", "" // which does not show all that it changed
				}
				if (status != 0) != (want != 0) || unordered(ours) != unordered(other) {
					t.Errorf("conntrack %s: exit status %d, of theirs %d %s\n%s\nconntrack-tools:\n%s", args, status, want, complaint, unordered(ours), unordered(other))
				}
				if command == 'L' {
					return
				}
				after, others := left(a), left(b)
				differs = after != whole
				if command == 'U' { // which passes over flows of zones
					after, others = withoutZones(after), withoutZones(others)
				}
				if after != others {
					t.Errorf("after conntrack %s there is\n%s\nand after conntrack-tools'\n%s", args, after, others)
				}
			})
		}
	}
}

// withoutSaved is a line that is saved without what conntrack-tools does not save: marks,
// and verification tags in the order of the network.
func withoutSaved(line string) string {
	line, _, _ = strings.Cut(line, " --orig-vtag")
	return strings.Replace(line, " -m 7 ", " ", 1)
}

func withoutZones(out string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool { return strings.Contains(line, " zone") }), "\n")
}

// unordered are the lines as sorted has them, timeouts that are set left out, too, and
// the IDs, which are of a namespace.
func unordered(out string) string {
	lines := strings.Split(sorted(out), "\n")
	for i, line := range lines {
		line = withoutSaved(line)
		words := slices.DeleteFunc(strings.Fields(line), func(w string) bool {
			return strings.HasPrefix(w, "id=") || w == "40000" || strings.HasPrefix(w, "3999") || strings.HasPrefix(w, "use=")
		})
		lines[i] = strings.Join(words, " ")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// creations are command lines with every option that -I and -A take.
const creations = `
-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 2 -t 50000
-I --src 192.0.2.2 --dst 192.0.2.2 --protonum 17 --orig-port-src 1 --orig-port-dst 2 --timeout 50000 --status ASSURED,SEEN_REPLY --mark 5
-I -r 192.0.2.2 -q 192.0.2.3 -p tcp --reply-port-src 2 --reply-port-dst 1 --state ESTABLISHED -t 50000
-I -s 192.0.2.4 -d 192.0.2.2 --reply-src 192.0.2.7 --reply-dst 192.0.2.4 -p tcp --sport 1 --dport 2 --reply-port-src 3 --reply-port-dst 1 --state LISTEN -t 50000 -u ASSURED
-I -s 192.0.2.5 -d 192.0.2.2 -p udp --sport 1 --dport 2 -t 50000 -w 3
-I -s 192.0.2.5 -d 192.0.2.2 -p udp --sport 1 --dport 2 -t 50000 --orig-zone 4
-I -s 192.0.2.6 -d 192.0.2.2 -p udp --sport 1 --dport 2 -t 50000 --reply-zone 4
-I -s 192.0.2.7 -d 192.0.2.2 -p tcp --sport 1 --dport 2 -t 50000 --state SYN_SENT -n 198.51.100.1
-I -s 192.0.2.8 -d 192.0.2.2 -p tcp --sport 1 --dport 2 -t 50000 --state SYN_RECV --src-nat 198.51.100.1:77
-I -s 192.0.2.9 -d 192.0.2.2 -p tcp --sport 1 --dport 2 -t 50000 --state TIME_WAIT -g 198.51.100.2
-I -s 192.0.2.10 -d 192.0.2.2 -p tcp --sport 1 --dport 2 -t 50000 --state CLOSE_WAIT --dst-nat 198.51.100.2:88 -n 198.51.100.1
-I -s 2001:db8::1 -d 2001:db8::2 -p tcp --sport 1 --dport 2 -t 50000 --state LAST_ACK -g [2001:db8::3]:99
-I -s 192.0.2.1 -d 192.0.2.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7 -t 50000
-I -s 2001:db8::1 -d 2001:db8::2 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 7 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p sctp --sport 1 --dport 2 --state COOKIE_WAIT --orig-vtag 1 --reply-vtag 2 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p gre --orig-key-src 1 --orig-key-dst 2 --reply-key-src 2 --reply-key-dst 1 -t 50000
-I -s 192.0.2.1 -d 192.0.2.2 -p 253 -t 50000
-A -s 192.0.2.11 -d 192.0.2.2 -p udplite --sport 1 --dport 2 -t 50000
-D -s 192.0.2.9
`

// What is created with every option is the same flow.
func TestCreationsBesideTheirs(t *testing.T) {
	program := build(t)
	var left [2]string
	for i, p := range []string{program, theirs} {
		ns := nstest.New(t)
		if out, complaint, status := run(t, ns, p, creations, "-R -"); status != 0 {
			t.Errorf("exit status %d: %s%s", status, out, complaint)
		}
		for _, change := range []string{"-m 0xf0/0xf", "-t 45000", "-u ASSURED"} {
			args := "-U -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 2 " + change
			if out, complaint, status := run(t, ns, p, "", args); status != 0 {
				t.Errorf("conntrack %s: exit status %d: %s%s", args, status, out, complaint)
			}
		}
		out, _, _ := run(t, ns, theirs, "", "-L -o extended")
		left[i] = regexp.MustCompile(` 4[45][0-9]{3} `).ReplaceAllString(sorted(out), " ")
	}
	if made := strings.Count(creations, "-I ") + strings.Count(creations, "-A ") - 1; left[0] != left[1] || len(strings.Split(left[0], "\n")) != made {
		t.Errorf("there is\n%s\nand after conntrack-tools'\n%s", left[0], left[1])
	}
}

// What conntrack-tools refuses is refused.
func TestRefusalsBesideTheirs(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	const flow = "-s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 1 --dport 2"
	for _, args := range []string{
		"-L -t 5", "-L -e ALL", "-L --tuple-src 192.0.2.1", "-L -a 192.0.2.1 -x", "-L -b 5", "-L --label-add 1", "-L --label-del", "-L -L", "-L nothing", "-L -s nothing", "-L -s 192.0.2.1/33",
		"-L -d 2001:db8::/129", "-L -s 192.0.2.1 -d ::1", "-L -f ipv6 -s 192.0.2.1", "-L --mask-src 255.0.0.0", "-L --mask-dst 255.0.0.0", "-L -r 192.0.2.0/24", "-L -p nothing", "-L -p 256", "-L -p tcp --state NOTHING",
		"-L -u NOTHING", "-L -u ,", "-L -o nothing", "-L -o save,id", "-L -n 192.0.2.1:x", "-L -n [2001:db8::1", "-L -n -j", "-L -p udp --icmp-type 8", "-L --sport 1", "-L -z -s 192.0.2.1 -x",
		"-D dying", "-D -o", "-D -e ALL", "-D -z", "-G", "-G -p tcp", "-G " + flow, "-G " + flow + " -t 5", "-G -s 192.0.2.1 -p tcp", "-I", "-I " + flow, "-I " + flow + " -t 5", "-I -s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 1 -t 5 --state CLOSE",
		"-I -s 192.0.2.1 -d 192.0.2.2 -t 5", "-I -s 192.0.2.1 -d 192.0.2.2 -p icmp --icmp-type 8 -t 5", "-I " + flow + " -t 5 --state CLOSE -l 5", "-I " + flow + " -t 5 --state CLOSE -j", "-I " + flow + " -t 5 --state CLOSE -n 192.0.2.0/24", "-A -p tcp -t 5", "-A expect",
		"-U expect", "-U -z", "-U -e ALL", "-U -j", "-U -s 192.0.2.1 -m 5", "-E -t 5", "-E -z", "-E -e nothing", "-E -u ASSURED", "-E -e", "-F -s 192.0.2.1", "-C -s 192.0.2.1", "-S -s 192.0.2.1", "-R /nothing", "-V -s 192.0.2.1",
		"-L expect -s 192.0.2.1", "-I expect -p tcp", "-I expect -s 192.0.2.1 -d 192.0.2.2 -p tcp --sport 1 --dport 21 -t 5", "-D expect -p tcp", "-G expect", "-F expect -t 5", "-E expect -s 192.0.2.1", "--nothing", "-L -s", "-L --src",
	} {
		_, complaint, status := run(t, ns, program, "", args)
		_, _, want := run(t, ns, theirs, "", args)
		if want == 0 || status == 0 || complaint == "" {
			t.Errorf("conntrack %s: exit status %d, of theirs %d: %s", args, status, want, complaint)
		}
	}
}

// Every option of -E shows the events that it does with conntrack-tools.
func TestEventsBesideTheirs(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	type follower struct {
		args        string
		ours, other *exec.Cmd
	}
	var followers []follower
	begin := func(program, args string) *exec.Cmd {
		cmd := exec.Command(program, strings.Fields(args)...)
		cmd.Stdout, cmd.Stderr = new(bytes.Buffer), new(bytes.Buffer)
		ns.Do(t, cmd.Start)
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	for i := range filterCases {
		if c := &filterCases[i]; strings.Contains(c.commands, "E") {
			c.each("-E", func(args string) {
				followers = append(followers, follower{args, begin(program, args), begin(theirs, args)})
			})
		}
	}
	// listeners are the receive queues of who listens (/proc/net/netlink).
	listeners := func() (queues []string) {
		for line := range strings.Lines(ns.Run(t, "cat", "/proc/net/netlink")) {
			if f := strings.Fields(line); len(f) > 4 && f[1] == "12" && f[3] != "00000000" {
				queues = append(queues, f[4])
			}
		}
		return queues
	}
	nstest.Eventually(t, func() string {
		if n := len(listeners()); n != 2*len(followers) {
			return fmt.Sprintf("%d listen of %d", n, 2*len(followers))
		}
		return ""
	})
	const last = "-I -s 203.0.113.1 -d 203.0.113.2 -p tcp --sport 1 --dport 1 --state ESTABLISHED -t 50000 -m 7\n"
	if _, complaint, status := run(t, ns, program, flows+"-U -s 192.0.2.1 -t 50001\n-D -s 192.0.2.1\n-F\n"+last, "-R -"); status != 0 {
		t.Fatal(complaint)
	}
	// Ours shows what it has received; theirs, of one thread, has when it waits for more.
	nstest.Eventually(t, func() string {
		if slices.ContainsFunc(listeners(), func(queue string) bool { return queue != "0" }) {
			return "events wait to be received"
		}
		for _, f := range followers {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.other.Process.Pid))
			if err != nil || !bytes.Contains(stat, []byte(") S ")) {
				return fmt.Sprintf("conntrack-tools' %s does not wait: %s %v", f.args, stat, err)
			}
		}
		return ""
	})
	interrupt := func(cmd *exec.Cmd) (string, error) {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return "", err
		}
		err := cmd.Wait()
		return events(cmd.Stdout.(*bytes.Buffer).String()), err
	}
	for _, f := range followers {
		ours, err := interrupt(f.ours)
		other, failed := interrupt(f.other)
		if err != nil || failed != nil || ours != other {
			t.Errorf("conntrack %s: %v %v\n%s\nconntrack-tools:\n%s", f.args, err, failed, ours, other)
		}
	}
}

// events are lines of events in an order of their own, without what caused them.
func events(out string) string {
	lines := strings.Split(out, "\n")
	for i := range lines {
		line, _, _ := strings.Cut(lines[i], " [USERSPACE]")
		lines[i] = withoutSaved(line)
	}
	return sorted(strings.Join(lines, "\n"))
}
