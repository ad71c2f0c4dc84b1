package netstat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// difference is how output differs from net-tools' on purpose: both programs' lines become the
// same by it. Its name is what the manual says of it.
type difference struct {
	name string
	line func(line string) string // empty: the line is left out
}

// differences are all of them. Every mode is held to everything else.
var differences = map[string]difference{
	"width": {"Addresses are never cut short, nor are names of interfaces: columns become as wide as they must", func(l string) string {
		return strings.Join(strings.Fields(l), " ")
	}},
	"zone": {"A link-local address has its interface behind it", func(l string) string {
		return regexp.MustCompile(`(fe80:[0-9a-f:]*)%\w+`).ReplaceAllString(l, "$1")
	}},
	"mapped": {"of a tcp6 are looked up, too, without -n", func(l string) string {
		if strings.HasPrefix(l, "tcp6") {
			return strings.ReplaceAll(l, "127.0.0.1", "localhost")
		}
		return l
	}},
	"raw": {"It is empty for raw sockets, where net-tools has a 7 for each", func(l string) string {
		if strings.HasPrefix(l, "raw") {
			return regexp.MustCompile(`(:\*) +7( |$)`).ReplaceAllString(l, "$1                   $2")
		}
		return l
	}},
	"none": {"and the kernel's entry that stands for no route", func(l string) string {
		if f := strings.Fields(l); len(f) == 7 && f[0] == "::/0" && f[2] == "!n" {
			return ""
		}
		return l
	}},
	"interface": {"tells the state and further names as well", func(l string) string {
		for _, ours := range []string{"        state ", "        altname ", "        alias "} {
			if strings.HasPrefix(l, ours) {
				return ""
			}
		}
		return strings.TrimSuffix(l, "  broadcast 0.0.0.0")
	}},
	"routes": {"have the same columns as there, with more behind", func(l string) string {
		f := strings.Fields(l)
		if len(f) < 11 {
			return strings.Join(f, " ")
		}
		f[7] = f[7][:min(len(f[7]), 6)] // names of interfaces are cut there
		return strings.Join(f[:11], " ")
	}},
	"sockets": {"of sockets. Of routes", func(l string) string {
		f := strings.Fields(l)
		if len(f) > 2 && f[0] == "Proto" {
			return "headings"
		}
		if len(f) > 5 && (strings.HasPrefix(f[0], "tcp") || strings.HasPrefix(f[0], "udp") || strings.HasPrefix(f[0], "raw")) {
			return strings.Join(f[:6], " ")
		}
		return strings.Join(f, " ")
	}},
}

// manualText is the manual without its marks, as one line.
func manualText(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../man/netstat.8")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^\.(B|BR|I|BI|RB|RI) `).ReplaceAllString(string(b), "")
	return strings.Join(strings.Fields(strings.ReplaceAll(text, `\-`, "-")), " ")
}

// comparedScene has what net-tools shows something of, in every mode.
func comparedScene(t testing.TB) *nstest.NS {
	t.Helper()
	n := scene(t)
	sockets(t, n)
	n.IP(t, "route add 172.16.0.0/16 via 192.0.2.3", "route add 169.254.0.0/16 dev a0", "route add 127.0.0.0/8 dev lo") // link-local and loopback, of /etc/networks
	n.IP(t, "route add unreachable 203.0.114.0/24", "route add prohibit 203.0.115.0/24")
	// Routes over a link without a carrier are up, and those that expire are marked.
	n.IP(t, "link add nocarrier type veth peer name far", "link set nocarrier up", "addr add 198.51.100.1/24 dev nocarrier",
		"-6 route add 2001:db8:77::/48 dev nocarrier metric 7 expires 3000", "-6 route add 2001:db8:78::/48 via 2001:db8:1111:2222::9 metric 12345",
		"-6 route add blackhole 2001:db8:79::/48")
	unixSocket(t, n, unix.SOCK_STREAM, "stream", 1)
	unixSocket(t, n, unix.SOCK_SEQPACKET, "seqpacket", 1)
	unixSocket(t, n, unix.SOCK_DGRAM, "", 0)
	unixSocket(t, n, unix.SOCK_STREAM, filepath.Join(t.TempDir(), "path"), 3)
	// Connections that nobody accepts.
	unixSocket(t, n, unix.SOCK_STREAM, "busy", 4)
	for range 2 {
		fd := n.Socket(t, unix.AF_UNIX, unix.SOCK_STREAM, 0)
		must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: "@busy"}))
	}
	for _, protocol := range []int{unix.IPPROTO_ICMP, 89 /* OSPF */, 253 /* for experiments: it has no name */} {
		n.Socket(t, unix.AF_INET, unix.SOCK_RAW, protocol)
	}
	n.Socket(t, unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
	n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
	fd := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)
	must(t, unix.Bind(fd, &unix.SockaddrInet4{Port: 4321}))
	n.IP(t, "link set a0 promisc on", "link set b0 allmulticast on")
	// A program that calls itself otherwise than its file, and one that renamed its thread.
	n.Start(t, "bash", "-c", `exec -a /opt/node/bin/nodejs-server-with-a-long-name python3 -c '
import socket, ctypes, time
ctypes.CDLL(None).prctl(15, b"MainThread", 0, 0, 0)
s = socket.create_server(("127.0.0.1", 3000))
u = socket.socket(socket.AF_UNIX); u.bind("\0nodejs"); u.listen(1)
time.sleep(600)'`)
	n.Start(t, "bash", "-c", `exec -a "worker: some title" python3 -c '
import socket, os, time, ctypes
s = socket.create_server(("127.0.0.1", 3001))
if os.fork() == 0:
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0) # it ends with its parent
time.sleep(600)'`)
	eventually(t, func() string {
		if out := n.Run(t, "ss", "-tlnH"); !strings.Contains(out, ":3000 ") || !strings.Contains(out, ":3001 ") {
			return "the programs do not listen: " + out
		}
		return ""
	})
	return n
}

// What people parse is net-tools' netstat to the byte, but for the differences that the manual
// tells.
func TestSideBySide(t *testing.T) {
	nstest.NeedsProgram(t, "python3")
	text := manualText(t)
	for _, d := range differences {
		if !strings.Contains(text, d.name) {
			t.Errorf("the manual does not say %q", d.name)
		}
	}
	n := comparedScene(t)
	timer := regexp.MustCompile(`\(\d+\.\d+/`)
	for _, c := range []struct{ flags, differ string }{
		{"", "width zone mapped raw"}, {"-a", "width zone mapped raw"}, {"-n", "width zone raw"}, {"-an", "width zone raw"}, {"-ln", "width zone raw"}, {"-l", "width zone raw"},
		{"-t", "width zone mapped"}, {"-4t", ""}, {"-4ta", ""}, {"-4tn", ""}, {"-4tan", ""}, {"-4tln", ""}, {"-6tan", "width zone"}, {"-6tanW", "width zone"}, {"-tan", "width zone"}, {"-tln", ""}, {"-tl", ""},
		{"-4uan", ""}, {"-4uln", ""}, {"-4un", ""}, {"-uan", "zone"}, {"-uln", "zone"}, {"-ua", "zone"}, {"-6uan", "zone"}, {"-Uan", ""}, {"-U", ""}, {"-Ul", ""},
		{"-wan", "raw"}, {"-wa", "raw"}, {"-wn", "raw"}, {"-wln", "raw"}, {"-w6an", "raw"}, {"-4an", "raw"}, {"-4a", "raw"},
		{"-tulpn", ""}, {"-4tuan", ""}, {"-tuanp", "width zone"}, {"-tulpen", ""}, {"-tulpeno", ""}, {"-plunt", ""}, {"-antp", "width zone"}, {"-4taneo", ""}, {"-4tane", ""}, {"-4tanp", ""}, {"-4tano", ""}, {"-4te", ""}, {"-4taN", ""}, {"-4tanv", ""},
		{"-wanpe", "raw width"}, {"-4anpe", "raw width"}, {"-taneep", "sockets width zone"},
		{"--tcp --udp --listening --numeric", ""}, {"--tcp --listen --numeric-hosts", ""}, {"--tcp --numeric-ports -4", ""}, {"--tcp -e --numeric-users -4 --all", ""}, {"-4 -A inet -tan", ""}, {"--inet -an", "raw"}, {"--ip -an", "raw"}, {"-A inet6 -uan", "zone"}, {"--protocol=unix -an", ""}, {"-A inet,unix -aln", "raw"},
		{"-x", ""}, {"-xa", ""}, {"-xan", ""}, {"-xl", ""}, {"-xln", ""}, {"-xn", ""}, {"-xap", ""}, {"-xlp", ""}, {"-xae", ""}, {"-xape", ""}, {"--unix --all", ""}, {"-xta4n", ""},
		{"-r", "width"}, {"-rn", ""}, {"-ren", ""}, {"-re", "width"}, {"-reen", "routes"}, {"-nr4", ""}, {"-rnv", ""}, {"-rF", "width"}, {"-rnF", ""}, {"-rna", ""}, {"-rnW", ""}, {"--route -n", ""},
		{"-rn6", "width none"}, {"-6rn", "width none"}, {"-rn -A inet6", "width none"}, {"-rn46", "width none"},
		{"-i", ""}, {"-in", ""}, {"-ia", ""}, {"-ian", ""}, {"-ie", "interface"}, {"-ien", "interface"}, {"-iena", "interface"}, {"--interfaces", ""}, {"--interface", ""}, {"--interface -a", ""}, {"--inter", ""}, {"-i a0", ""}, {"-iW", ""},
		{"-g", ""}, {"-gn", ""}, {"--groups", ""},
		{"-s", ""}, {"-st", ""}, {"-su", ""}, {"-sw", ""}, {"-sU", ""}, {"-stu", ""}, {"-sa", ""}, {"-sn", ""}, {"-s4", ""}, {"-s6", ""}, {"-s6t", ""}, {"-s6u", ""}, {"-s6w", ""}, {"--stat --tcp", ""}, {"--statistics", ""}, {"-sv", ""},
		{"-tan 4", "width zone"}, {"-4an tcp", "raw"},
	} {
		t.Run(c.flags, func(t *testing.T) {
			normalize := func(l string) string {
				for name := range strings.FieldsSeq(c.differ) {
					l = differences[name].line(l)
				}
				return timer.ReplaceAllString(l, "(0.00/")
			}
			args := strings.Fields(c.flags)
			differed, changed := 0, 0
			eventually(t, func() string {
				theirs := func() []string {
					// Without -W net-tools cuts addresses short.
					if strings.Contains(c.differ, "width") && !strings.Contains(c.flags, "r") {
						return compared(n.Run(t, netTools, append(args, "-W")...), normalize)
					}
					return compared(n.Run(t, netTools, args...), normalize)
				}
				before := theirs()
				ours := compared(show(t, n, args...), normalize)
				if after := theirs(); !slices.Equal(before, after) {
					changed++
					if changed == 20 {
						t.Fatalf("the kernel's answer changes all the time:\n%s\nand then\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
					}
					return "the kernel's answer changes"
				}
				if len(before) < 2 {
					t.Fatalf("there is nothing to compare with: %q", before)
				}
				for i := range max(len(ours), len(before)) {
					if i >= len(ours) || i >= len(before) || ours[i] != before[i] {
						if differed++; differed == 4 {
							t.Fatalf("line %d\nours:\n%s\ntheirs:\n%s", i, strings.Join(ours, "\n"), strings.Join(before, "\n"))
						}
						return fmt.Sprintf("line %d\nours:\n%s\ntheirs:\n%s", i, strings.Join(ours, "\n"), strings.Join(before, "\n"))
					}
				}
				return ""
			})
		})
	}
}

// compared are the lines of output in an order of their own where they are rows of sockets or
// routes, which come from hash tables and trees.
func compared(text string, normalize func(string) string) (found []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(normalize(strings.TrimSuffix(line, "\n")), " "); line != "" {
			found = append(found, line)
		}
	}
	isRow := func(l string) bool {
		if strings.HasPrefix(l, "        inet6 ") {
			return true // the kernel's file has a hash table's order
		}
		first, _, _ := strings.Cut(l, " ")
		return regexp.MustCompile(`^(tcp6?|udp6?|udpl6?|raw6?|unix|[0-9a-f.:]+(/\d+)?|default|\[::\]/0)$`).MatchString(first)
	}
	for begin := 0; begin < len(found); begin++ {
		end := begin
		for end < len(found) && isRow(found[end]) {
			end++
		}
		slices.Sort(found[begin:end])
		begin = max(begin, end)
	}
	return found
}

// What public scripts pick out of net-tools' output they find in ours.
func TestOneLiners(t *testing.T) {
	nstest.NeedsProgram(t, "python3")
	n := comparedScene(t)
	for _, line := range []string{
		`netstat -tan | awk '$6=="ESTABLISHED"' | wc -l`,
		`netstat -ant | awk '{print $6}' | sort | uniq -c | sort -n`,
		`netstat -nat | awk '/^tcp/ {++s[$6]} END {for (k in s) print k, s[k]}' | sort`,
		`netstat -ntu | awk '{print $5}' | cut -d: -f1 | sort | uniq -c`,
		`netstat -tulpn | grep ':3000 ' | awk '{print $7}' | cut -d/ -f2`,
		`netstat -tlnp | awk '/:3001/ {print $7}' | cut -d/ -f1 | wc -l`,
		`netstat -tulpn | grep LISTEN | awk '{print $4}' | sed 's/.*://' | sort -n`,
		`netstat -lnt | grep -c :8080`,
		`netstat -an | grep -c 'LISTEN '`,
		`netstat -tan | awk '$3 > 0' | grep -c tcp`,
		`netstat -tan | awk '$2 > 0 {print $4}' | sort`,
		`netstat -nr | awk '/^0.0.0.0/ {print $2}'`,
		`netstat -rn | grep UG | awk '{print $2}' | sort -u`,
		`netstat -rn | awk '$1=="0.0.0.0" {print $NF}'`,
		`netstat -r --inet -n | tail -n +3 | wc -l`,
		`netstat -rn6 | awk '$1=="2001:db8:78::/48" {print $2, $4}'`,
		`netstat -i | awk 'NR>2 {print $1, $2}'`,
		`netstat -in | awk '/^lo/ {print $4, $5}'`,
		`netstat -in | grep -c BMRU`,
		`netstat -s | awk '/segments retransmit/ {print $1}'`,
		`netstat -st | awk '/connections established/ {print $1}'`,
		`netstat -su | grep 'receive errors' | awk '{print $1}'`,
		`netstat -s | grep -i 'active connection openings'`,
		`netstat -s | sed -n '/^Udp:/,/^[A-Z]/p' | grep -c packets`,
		`netstat -s | awk '/^Tcp:/,/^Udp:/' | grep -c .`,
		`netstat --statistics --tcp | grep 'failed connection attempts'`,
		`netstat -xan | grep -c LISTENING`,
		`netstat -xln | awk '{print $NF}' | grep '^@' | sort`,
		`netstat -xpe | awk '/@busy/ {print $6}'`,
		`netstat -xlnp | awk '/nodejs/ {print $9}' | cut -d/ -f2`,
		`netstat -gn | awk '/^a0/ {print $3}' | sort`,
		`netstat -tn | awk '/:9090/ {print $4; exit}' | cut -c1-3`,
		`netstat -taupen | awk '$6=="LISTEN" {print $7, $4}' | sort`,
		`netstat -ano | grep LISTEN | grep -c 'off (0.00/0/0)'`,
		`netstat --tcp --listening --numeric --programs | awk '{print $7}' | sort`,
		`netstat --listen --tcp --numeric-ports | wc -l`,
		`netstat --nosuch; echo $?`,
		`netstat -h >/dev/null; echo $?`,
		`netstat -an tcp | grep -c ^tcp`,
	} {
		t.Run(line, func(t *testing.T) {
			answer := func(program string) string {
				script := "netstat() { " + program + ` "$@"; }` + "\n" + "{ " + line + "; true; } 2>/dev/null"
				return n.Run(t, "sh", "-c", script)
			}
			differed := 0
			eventually(t, func() string {
				before := answer(netTools)
				ours := answer(program)
				if before == "" {
					t.Fatal("net-tools says nothing")
				}
				if ours == before || answer(netTools) != before {
					if ours != before {
						return "the kernel's answer changes"
					}
					return ""
				}
				if differed++; differed == 4 {
					t.Fatalf("%q, net-tools says %q", ours, before)
				}
				return "another answer"
			})
		})
	}
}

// Every counter is told in net-tools' words, in its order and with its quirks, also those that a
// kernel does not count now: both programs read files in which each counter has a number of its own.
func TestWordsOfCounters(t *testing.T) {
	nstest.NeedsProgram(t, "unshare")
	n := nstest.New(t)
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "net"), 0o755))
	number := 1000
	next := func() string { number++; return fmt.Sprint(number) }
	// Counters that older kernels have.
	former := map[string]string{"TcpExt:": "TCPPrequeued TCPDirectCopyFromBacklog TCPPrequeueDropped TCPHPHitsToUser TCPSchedulerFailed TCPFACKReorder TCPForwardRetrans TCPLoss SomethingNew"}
	for _, file := range []string{"snmp", "netstat"} {
		var b strings.Builder
		out := lines(n.Run(t, "cat", "/proc/net/"+file))
		for i := 0; i+1 < len(out); i += 2 {
			names := strings.Fields(out[i])
			names = append(names, strings.Fields(former[names[0]])...)
			values := names[:1:1]
			for range names[1:] {
				values = append(values, next())
			}
			b.WriteString(strings.Join(names, " ") + "\n" + strings.Join(values, " ") + "\n")
		}
		must(t, os.WriteFile(filepath.Join(dir, "net", file), []byte(b.String()), 0o644))
	}
	var b strings.Builder
	for _, line := range lines(n.Run(t, "cat", "/proc/net/snmp6")) {
		fmt.Fprintf(&b, "%-32s\t%s\n", strings.Fields(line)[0], next())
	}
	must(t, os.WriteFile(filepath.Join(dir, "net", "snmp6"), []byte(b.String()), 0o644))
	must(t, os.MkdirAll(filepath.Join(dir, "net", "sctp"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "net", "sctp", "snmp"), []byte("SctpCurrEstab\t"+next()+"\nSctpShutdowns\t"+next()+"\n"), 0o644))
	// A /proc of which only the counters are made up.
	const made = `d=$1; shift; mkdir -p $d/real; mount --make-rprivate /; mount --rbind /proc $d/real; mount -t tmpfs none /proc
mkdir /proc/thread-self /proc/self; cp -r $d/net /proc/net; ln -s ../net /proc/thread-self/net; ln -s ../net /proc/self/net
ln -s $d/real/thread-self/ns /proc/thread-self/ns; ln -s $d/real/self/ns /proc/self/ns; ln -s $d/real/sys /proc/sys; exec "$@"`
	for _, flags := range []string{"-s", "-st", "-su", "-sw", "-sS", "-sU", "-stu", "-stw", "-suw", "-s6", "-s6t", "-s6u", "-s6w", "-s6tw"} {
		answer := func(program string) string {
			return n.Run(t, "unshare", "-m", "sh", "-c", made, "sh", dir, program, flags)
		}
		theirs, ours := answer(netTools), answer(program)
		if strings.Count(theirs, "\n") < 15 || ours != theirs {
			t.Errorf("%s:\n%s\nnet-tools:\n%s", flags, ours, theirs)
		}
	}
}
