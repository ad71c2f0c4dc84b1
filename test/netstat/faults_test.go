package netstat_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// What is wrong is said with the place and what was expected, and nothing is
// shown.
func TestBadInput(t *testing.T) {
	n := nstest.New(t)
	for want, args := range map[string][]string{
		"unknown flag --bufers: did you mean --buffers?":                                               {"--bufers"},
		"--in is not clear: it is the beginning of --interfaces, --inet, --inet6":                      {"--in"},
		"--cache: Linux has had no routing cache since 3.6":                                            {"-rC"},
		"unknown flag --something-else: see netstat --help":                                            {"--something-else"},
		"unknown flag -b: did you mean -B, or netstat --help?":                                         {"-tbn"},
		"unknown flag -z: see netstat --help":                                                          {"-z"},
		`unexpected argument "and"`:                                                                    {"-tan", "--filter", "port=1", "and", "state=listen"},
		"--filter: at position 7, \"foo\": expected one of ESTABLISHED":                                {"-t", "--filter", "state=foo"},
		"--filter: at position 6, the end: expected one of = != < <= > >= ~ !~":                        {"-t", "--filter", "state"},
		"--filter: at position 1, \"prot\": expected the name of a field: protocol":                    {"-t", "--filter", "prot=1"},
		"--filter: at position 16, \"nobody-else\": expected the number or the name of a user as user": {"-t", "--filter", "port=1 or user=nobody-else"},
		"--filter: the value is empty":                                                                 {"-t", "--filter", ""},
		`--sort: socket rows have no field "size": there are protocol, family,`:                        {"-t", "--sort", "-size"},
		`--sort: route rows have no field "rtt2"`:                                                      {"-r", "--sort", "rtt2"},
		`--table: "mian" is neither`:                                                                   {"-r", "--table", "mian"},
		"--interval: -1 is not between":                                                                {"-i", "--interval=-1"},
		`--interval: "soon" is not a number of seconds`:                                                {"-i", "--interval", "soon"},
		"completion: the shell is missing: one of bash, fish, powershell, zsh":                         {"completion"},
		`--protocol: "ipx" is none of inet, inet6, unix`:                                               {"-A", "ipx"},
		"no such file or directory":                                                                    {"--netns", "no-such-namespace"},
		"/proc/1999999999/ns/net":                                                                      {"--netns", "1999999999"},
	} {
		r := try(t, n, args...)
		wrong := 3 // flags, unless what is wrong is found when something is to be shown
		for _, later := range []string{"--filter: at ", "--sort: ", "completion: ", "no such file", "/proc/"} {
			if strings.HasPrefix(want, later) {
				wrong = 1
			}
		}
		if r.status != wrong || !strings.HasPrefix(r.complaints, "netstat: ") || !strings.Contains(r.complaints, want) || r.out != "" {
			t.Errorf("%q: status %d, %q, %q, want %q", args, r.status, r.out, r.complaints, want)
		}
	}
}

// What this kernel lacks is said by name, and the rest is shown.
func TestLacking(t *testing.T) {
	n := nstest.New(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
	r := try(t, n, "-tSan")
	if err == nil {
		unix.Close(fd)
		if r.status != 0 || r.complaints != "" || !strings.Contains(r.out, "127.0.0.1:8080") {
			t.Errorf("-tSan on a kernel with SCTP: %+v", r)
		}
	} else if r.status != 1 || !strings.Contains(r.complaints, "netstat: sctp sockets: ") || !strings.Contains(r.complaints, "not supported") || !strings.Contains(r.out, "127.0.0.1:8080") {
		t.Errorf("-tSan: %+v", r)
	}
	if r := try(t, n, "-an"); r.status != 0 || r.complaints != "" {
		t.Errorf("-an, which does not ask for SCTP: %+v", r)
	}
	if r := try(t, n, "-I", "nowhere"); r.status != 1 || !strings.Contains(r.complaints, "interface nowhere: there is none") {
		t.Errorf("an interface that there is not: %+v", r)
	}
}

// Names that somebody chose to do harm stay what they are: text.
func TestControlCharacters(t *testing.T) {
	n := nstest.New(t)
	name := "evil\n\x1b[31mtcp 0 0\x00\xff\u202e"
	unixSocket(t, n, unix.SOCK_STREAM, name, 1)
	out := show(t, n, "-xan")
	if !strings.Contains(out, `@evil\x0a\x1b[31mtcp 0 0\x00\xff\u202e`) || strings.Count(out, "\n") != 3 {
		t.Errorf("%q", out)
	}
	rows := objects(t, n, "-xa")
	if len(rows) != 1 || rows[0].text("abstractName") != "evil\n\x1b[31mtcp 0 0\x00\ufffd\u202e" {
		t.Errorf("%q", rows)
	}
	if out := show(t, n, "-xa", "--json"); strings.ContainsFunc(strings.TrimSuffix(out, "\n"), func(r rune) bool { return r < ' ' || r == '\u202e' }) {
		t.Errorf("%q", out)
	}
	n.IP(t, `link add a0 type veth peer name b0`)
	n.Run(t, "ip", "link", "set", "a0", "alias", "x\n\x1b[2Jy")
	if out := show(t, n, "-iea"); !strings.Contains(out, `alias x\x0a\x1b[2Jy`) {
		t.Errorf("%q", out)
	}
}

// A reader who has seen enough ends the program, without a word.
func TestClosedPipe(t *testing.T) {
	n := nstest.New(t)
	for port := range 3000 {
		n.ListenPacket(t, "udp4", "127.0.0.1:"+strconv.Itoa(10000+port))
	}
	for _, args := range [][]string{{"-uan"}, {"-ua", "--json"}, {"-uan", "--sort", "localPort"}} {
		cmd := exec.Command("ip", append([]string{"netns", "exec", n.Name, program}, args...)...)
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
			t.Error(err)
		}
		out.Close()
		err = cmd.Wait()
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		// ip becomes the program, so the signal is its own.
		broken := status.Signaled() && status.Signal() == syscall.SIGPIPE
		if err != nil && !broken || complaints.Len() > 0 {
			t.Errorf("%v: %v, %q", args, err, complaints.String())
		}
	}
}

// onTerminal runs the program on a terminal of that many columns and returns what
// it shows.
func onTerminal(t *testing.T, n *nstest.NS, columns uint16, environment []string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		nstest.Needs(t, "needs a pseudoterminal: "+err.Error())
	}
	defer master.Close()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.Name, program}, args...)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "NO_COLOR=") || strings.HasPrefix(e, "TERM=") }), environment...)
	cmd.Stdout = slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	shown, err := io.ReadAll(master)
	if err != nil && !errors.Is(err, unix.EIO) { // that is how a terminal ends
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v", args, err)
	}
	return strings.ReplaceAll(string(shown), "\r\n", "\n")
}

// Lines fit the terminal, with nothing left out, and colours are for terminals
// whose users want them.
func TestTerminal(t *testing.T) {
	n := nstest.New(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	n.Listen(t, "tcp6", "[::1]:8080")
	xterm := []string{"TERM=xterm"}
	colours := regexp.MustCompile("\x1b\\[[0-9;]*m")
	wide := onTerminal(t, n, 200, xterm, "-tlnp")
	if !strings.Contains(wide, "\x1b[32mLISTEN\x1b[0m") || colours.ReplaceAllString(wide, "") != show(t, n, "-tlnp") {
		t.Errorf("a wide terminal: %q", wide)
	}
	for _, environment := range [][]string{{"TERM=xterm", "NO_COLOR=1"}, {"TERM=dumb"}} {
		if plain := onTerminal(t, n, 200, environment, "-tlnp"); plain != show(t, n, "-tlnp") {
			t.Errorf("%v: %q", environment, plain)
		}
	}
	for _, args := range [][]string{{"-tlnpe"}, {"-in"}, {"-rn"}, {"-s"}, {"-m"}, {"-L"}, {"-Tan"}} {
		narrow := colours.ReplaceAllString(onTerminal(t, n, 40, xterm, args...), "")
		full := show(t, n, args...)
		if slices.Contains(args, "-tlnpe") {
			for _, line := range lines(narrow)[1:] {
				if len(line) > 40 {
					t.Errorf("%v: a line of %d: %q", args, len(line), line)
				}
			}
			if got, want := strings.Fields(narrow), strings.Fields(full); !slices.Equal(got, want) {
				t.Errorf("%v: folded\n%s\nwhole\n%s", args, narrow, full)
			}
		}
		if narrow == "" {
			t.Errorf("%v shows nothing on a narrow terminal", args)
		}
	}
	long := lines(colours.ReplaceAllString(onTerminal(t, n, 40, xterm, "-tlnpeW"), ""))
	if len(long) != 4 || len(long[2]) <= 40 {
		t.Errorf("-W: %q", long)
	}
}

// --netns takes names and processes, and "all" names the namespace of each row.
func TestNamespaces(t *testing.T) {
	one, two := nstest.New(t), nstest.New(t)
	one.Listen(t, "tcp4", "127.0.0.1:1111")
	two.Listen(t, "tcp4", "127.0.0.1:2222")
	if rows := objects(t, one, "-tln", "--netns", two.Name); len(rows) != 1 || rows[0].text("localPort") != "2222" {
		t.Errorf("--netns NAME: %v", rows)
	}
	sleeper := exec.Command("ip", "netns", "exec", two.Name, "sleep", "300")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}()
	eventually(t, func() string {
		r := try(t, one, "--json", "-tln", "--netns", strconv.Itoa(sleeper.Process.Pid))
		if rows := decode(t, r.out); len(rows) != 1 || rows[0].text("localPort") != "2222" {
			return fmt.Sprintf("--netns PID: %+v", r)
		}
		return ""
	})
	// Other tests' namespaces come and go meanwhile.
	r := try(t, one, "--json", "-tln", "--netns", "all")
	where := make(map[string]string)
	for _, o := range decode(t, r.out) {
		where[o.text("localPort")] = o.text("netns")
	}
	if where["1111"] != one.Name || where["2222"] != two.Name {
		t.Errorf("--netns all: %v, %s", where, r.complaints)
	}
	text := try(t, one, "-tln", "--netns", "all").out
	if !regexp.MustCompile(`(?m)State +Namespace$`).MatchString(text) || !regexp.MustCompile(`(?m)127\.0\.0\.1:2222 .* `+two.Name+`$`).MatchString(text) {
		t.Errorf("--netns all:\n%s", text)
	}
}

// Namespaces are read while others are shown. Each has all of its rows, in one piece,
// however many there are; and who stops reading has the program end.
func TestNamespacesInAdvance(t *testing.T) {
	const many = 1500 // of one protocol
	namespaces := make(map[string]int)
	var first *nstest.NS
	for i := range 4 {
		n := nstest.New(t)
		first = cmp.Or(first, n)
		namespaces[n.Name] = many * (i % 2)
		n.Do(t, func() error {
			for port := range namespaces[n.Name] {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				t.Cleanup(func() { unix.Close(fd) })
				if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 1024 + port}); err != nil {
					return err
				}
			}
			return nil
		})
		n.Listen(t, "tcp4", "127.0.0.1:1111")
		namespaces[n.Name]++
	}
	found, pieces, last := make(map[string]int), make(map[string]int), ""
	for _, o := range decode(t, try(t, first, "--json", "-tuan", "--netns", "all").out) {
		name := o.text("netns")
		if name != last {
			pieces[name]++
		}
		found[name]++
		last = name
	}
	for name, want := range namespaces {
		if found[name] != want || pieces[name] != 1 {
			t.Errorf("%d rows of %s in %d pieces, want %d in one", found[name], name, pieces[name], want)
		}
	}
	if r := run(t, []string{"sh", "-c", program + " --json -tuan --netns all | head -n 1"}); len(decode(t, r.out)) != 1 {
		t.Errorf("| head: %+v", r)
	}
}

// --interval shows by how much counters grow, and ends with the sum of what it
// showed.
func TestInterval(t *testing.T) {
	n := nstest.New(t)
	n.ListenPacket(t, "udp4", "127.0.0.1:9")
	c := n.Dial(t, "udp4", "127.0.0.1:9")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, flags := range [][]string{{"-I", "lo"}, {"-su"}} {
		cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name, program, "--json", "--interval", "0.05"}, flags...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		value := func(o object) uint64 {
			if o.text("kind") == "interfaceGrowth" {
				return number(t, o, "rx_packets")
			}
			if o.text("name") == "UdpOutDatagrams" {
				return number(t, o, "value")
			}
			return 0
		}
		var sum, total uint64
		intervals, totals := 0, 0
		// Nobody knows when the program begins to count: something is sent until
		// it shows.
		sending, stop := context.WithCancel(ctx)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for sending.Err() == nil {
				_, _ = c.Write([]byte("x"))
				select {
				case <-sending.Done():
				case <-time.After(5 * time.Millisecond):
				}
			}
		}()
		kinds := schema(t)
		interrupted := false
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			o := decode(t, scanner.Text())[0]
			if wrong := complaint(kinds, o); wrong != "" {
				t.Error(wrong)
			}
			if o["total"] == true {
				totals++
				total += value(o)
				continue
			}
			intervals++
			sum += value(o)
			if intervals >= 5 && sum > 0 && !interrupted {
				interrupted = true
				if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
					t.Error(err)
				}
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", flags, err)
		}
		stop()
		<-sent
		if totals == 0 || total == 0 || sum != total {
			t.Errorf("%v: the sum of %d intervals is %d, the total of %d rows %d", flags, intervals, sum, totals, total)
		}
	}
}

// The shells are taught what there is, and complete it.
func TestCompletion(t *testing.T) {
	n := nstest.New(t)
	nstest.Completes(t, program, map[string]string{
		"netstat --numeric-h": "--numeric-hosts", "netstat --table lo": "local", "netstat completion z": "zsh",
	})
	for want, args := range map[string][]string{
		"--numeric-hosts": {"--numeric-h"}, "main": {"--table", "m"}, "lo": {"--interface", ""}, n.Name: {"--netns", n.Name[:6]},
		"localPort": {"--sort", "localP"}, "gateway": {"-r", "--sort", "gat"},
		"user=": {"--filter", "us"}, "destination=": {"-r", "--filter", "dest"},
	} {
		out := show(t, n, append([]string{"__complete"}, args...)...)
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(want) + `(\t|$)`).MatchString(out) {
			t.Errorf("%v completes to %q, without %s", args, out, want)
		}
	}
}

// Hosts that nobody knows do not keep the rows back.
func TestNamesThatNobodyKnows(t *testing.T) {
	n := nstest.New(t)
	l := n.Listen(t, "tcp4", "127.0.0.1:22")
	n.Dial(t, "tcp4", "127.0.0.1:22")
	accept(t, l)
	out := show(t, n, "-ta")
	if !regexp.MustCompile(`(?m)^tcp .*(localhost|127\.0\.0\.1):ssh .*ESTABLISHED$`).MatchString(out) {
		t.Errorf("-ta:\n%s", out)
	}
	if mixed := show(t, n, "-ta", "--numeric-hosts"); !strings.Contains(mixed, "127.0.0.1:ssh") {
		t.Errorf("--numeric-hosts:\n%s", mixed)
	}
	if mixed := show(t, n, "-ta", "--numeric-ports"); strings.Contains(mixed, ":ssh") {
		t.Errorf("--numeric-ports:\n%s", mixed)
	}
}

// A resolver that does not answer holds the rows up for the limit of all names and no
// longer, and the sockets that ask it are not among them.
func TestResolverThatDoesNotAnswer(t *testing.T) {
	n := scene(t)
	config := filepath.Join("/etc/netns", n.Name) // nstest has made it
	for file, content := range map[string]string{"resolv.conf": "nameserver 192.0.2.9\n", "nsswitch.conf": "hosts: dns\n"} {
		if err := os.WriteFile(filepath.Join(config, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n.IP(t, "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent") // what is sent there is lost
	l := n.Listen(t, "tcp4", "192.0.2.1:22")
	n.Dial(t, "tcp4", "192.0.2.1:22")
	accept(t, l)
	n.ListenPacket(t, "udp4", "192.0.2.1:5353")
	for _, args := range []string{"-tua", "-tuap", "-tuae", "-L", "-r"} {
		out := show(t, n, args)
		if strings.Contains(out, "192.0.2.9:domain") || strings.Contains(out, "192.0.2.9:53") || !strings.Contains(out, "192.0.2.") {
			t.Errorf("%s:\n%s", args, out)
		}
		if named := show(t, n, args+"n"); strings.Count(out, "\n") != strings.Count(named, "\n") {
			t.Errorf("%s:\n%s\nwith -n\n%s", args, out, named)
		}
	}
}

// The 32-bit build reads the same rows of this kernel.
func TestThirtyTwoBits(t *testing.T) {
	n := everything(t)
	narrow := filepath.Join(t.TempDir(), "netstat386")
	build := exec.Command("go", "build", "-o", narrow, "github.com/netsnmp-agent/netsnmp-agent/cmd/netstat")
	build.Env = append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := exec.Command(narrow, "--version").Run(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this kernel runs no 32-bit programs (CONFIG_IA32_EMULATION, or a hypervisor without it)")
	}
	for _, args := range [][]string{
		{"-tuanp", "--json"}, {"-tan", "--json", "--buffers"}, {"-r", "--json"}, {"-r6", "--json"}, {"-i", "--json"}, {"-xa", "--json"}, {"-L", "--json"},
		{"-xap", "--json"}, {"-B", "--json"}, {"-ge", "--json"}, {"-gp", "--json"}, {"-is", "--json"},
		{"--addresses", "--json"}, {"--neighbours", "--json"}, {"--rules", "--json"}, {"--nexthops", "--json"}, {"--netconf", "--json"}, {"--qdiscs", "--json"}, {"--mdb", "--json"},
		{"-stu4", "--json"}, {"-rn"}, {"-in"}, {"-ien"}, {"-tan"},
	} {
		eventually(t, func() string {
			before := show(t, n, args...)
			got := n.Run(t, narrow, args...)
			if after := show(t, n, args...); sortedLines(before) != sortedLines(after) {
				return fmt.Sprintf("%v: the kernel's answer changes all the time", args)
			}
			if sortedLines(got) != sortedLines(before) {
				return fmt.Sprintf("%v: the 32-bit build says\n%s\nthe other\n%s", args, got, before)
			}
			return ""
		})
	}
}

// An address was made at one moment, whichever process asks and whenever.
func TestMomentsOfAddresses(t *testing.T) {
	n := scene(t)
	first := show(t, n, "--addresses", "--json")
	if strings.Count(first, `"created":"2`) < 3 || strings.Count(first, `"updated":"2`) < 3 {
		t.Fatalf("moments are missing:\n%s", first)
	}
	for range 20 {
		if again := show(t, n, "--addresses", "--json"); again != first {
			t.Fatalf("first\n%s\nthen\n%s", first, again)
		}
	}
}

// sortedLines leaves out how long timers still run.
func sortedLines(text string) string {
	return strings.Join(sorted(lines(expires.ReplaceAllString(text, ""))), "\n")
}

var expires = regexp.MustCompile(`,"(?:timerExpires|expires)":[0-9.]+`)

// -c shows the same again and again until it is interrupted.
func TestContinuous(t *testing.T) {
	n := nstest.New(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, flags := range [][]string{{"-tlnc"}, {"-tln", "--interval", "0.05"}, {"-inac"}} {
		cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name, program}, flags...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		titles := 0
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			if line := scanner.Text(); strings.HasPrefix(line, "Active ") || strings.HasPrefix(line, "Kernel ") {
				if titles++; titles == 2 {
					if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
						t.Error(err)
					}
				}
			}
		}
		// It may have been interrupted while it read.
		if err := cmd.Wait(); titles < 2 || err != nil && cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%v: %v after %d times", flags, err, titles)
		}
	}
}
