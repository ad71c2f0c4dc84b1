package netstat_test

import (
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// A filter takes the name of a user, whose sockets ss tells by their number.
func TestFilterUser(t *testing.T) {
	n := nstest.New(t)
	daemon, err := user.Lookup("daemon")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(daemon.Uid)
	if err != nil {
		t.Fatal(err)
	}
	n.Listen(t, "tcp4", "127.0.0.1:1111")
	for family, address := range map[int]unix.Sockaddr{
		unix.AF_INET: &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 2222},
		unix.AF_UNIX: &unix.SockaddrUnix{Name: "@daemon"},
	} {
		fd := n.Socket(t, family, unix.SOCK_STREAM, 0)
		if err := unix.Bind(fd, address); err != nil {
			t.Fatal(err)
		}
		if err := unix.Fchown(fd, uid, -1); err != nil { // which changes the socket's owner
			t.Fatal(err)
		}
		if err := unix.Listen(fd, 1); err != nil {
			t.Fatal(err)
		}
	}
	if out := n.Run(t, "ss", "-tlneH"); !regexp.MustCompile(`127\.0\.0\.1:2222 .*uid:`+daemon.Uid+`\b`).MatchString(out) || strings.Count(out, "uid:") != 1 {
		t.Fatalf("ss does not tell %s as the owner of one socket:\n%s", daemon.Uid, out)
	}
	for filter, want := range map[string]string{"user=daemon": "2222", "uid!=daemon": "1111", "user=" + daemon.Uid: "2222", "user=root": "1111"} {
		if rows := objects(t, n, "-tl", "--filter", filter); len(rows) != 1 || rows[0].text("localPort") != want {
			t.Errorf("%s: %v", filter, rows)
		}
	}
	if rows := objects(t, n, "-xa", "--filter", "user=daemon"); len(rows) != 1 || rows[0].text("abstractName") != "daemon" {
		t.Errorf("unix sockets: %v", rows)
	}
}

// Rows are those of ss, whatever the address.
func TestLikeSS(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	states := strings.NewReplacer("ESTAB ", "ESTABLISHED ", "UNCONN ", "CLOSED ", "TIME-WAIT ", "TIME-WAIT ")
	for flags, theirs := range map[string]string{"-tan": "-tanH", "-uan": "-uanH", "-tln": "-tlnH"} {
		eventually(t, func() string {
			var want []string
			for _, line := range lines(n.Run(t, "ss", theirs)) {
				f := strings.Fields(states.Replace(line))
				want = append(want, strings.Join(f[:5], " "))
			}
			var got []string
			for _, o := range objects(t, n, flags) {
				end := func(side string) string {
					address, port := o.text(side+"Address"), o.text(side+"Port")
					dual := o["v6Only"] == false && address == "::" && o.text("state") != "ESTABLISHED"
					if strings.Contains(address, ":") {
						address = "[" + address + "]"
					}
					if dual {
						address = "*"
					}
					if port == "0" {
						port = "*"
					}
					return address + ":" + port
				}
				got = append(got, strings.Join([]string{o.text("state"), o.text("receiveQueue"), o.text("sendQueue"), end("local"), end("remote")}, " "))
			}
			if len(want) == 0 || !slices.Equal(sorted(got), sorted(want)) {
				return flags + ":\n" + strings.Join(sorted(got), "\n") + "\nss:\n" + strings.Join(sorted(want), "\n")
			}
			return ""
		})
	}
}

// -L has the queues that ss shows of listeners.
func TestListenQueues(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	out := lines(show(t, n, "-Ln"))
	if out[1] != "Proto  Unacc Incomp    Max Local Address" {
		t.Errorf("headings %q\n%s", out[1], strings.Join(out, "\n"))
	}
	queues := make(map[string]object)
	for _, o := range objects(t, n, "-L") {
		queues[o.text("localPort")] = o
	}
	for _, line := range lines(n.Run(t, "ss", "-tlnH")) {
		f := strings.Fields(line)
		port := f[3][strings.LastIndex(f[3], ":")+1:]
		q := queues[port]
		if q.text("unaccepted") != f[1] || q.text("maximum") != f[2] || q.text("incomplete") != "0" {
			t.Errorf("port %s: %v, ss says %s", port, q, line)
		}
	}
	if len(queues) != 2 || queues["8080"].text("unaccepted") != "1" {
		t.Errorf("%v", queues)
	}
}

// Every counter of -s is the kernel's.
func TestStatistics(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	kernel := func() map[string]string {
		found := make(map[string]string)
		for _, file := range []string{"snmp", "netstat"} {
			out := lines(n.Run(t, "cat", "/proc/net/"+file))
			for i := 0; i+1 < len(out); i += 2 {
				names, values := strings.Fields(out[i]), strings.Fields(out[i+1])
				for j := 1; j < len(names); j++ {
					found[strings.TrimSuffix(names[0], ":")+names[j]] = values[j]
				}
			}
		}
		for _, line := range lines(n.Run(t, "cat", "/proc/net/snmp6")) {
			if f := strings.Fields(line); len(f) == 2 {
				found[f[0]] = f[1]
			}
		}
		return found
	}
	eventually(t, func() string {
		before := kernel()
		rows := objects(t, n, "-s")
		after := kernel()
		got := make(map[string]string)
		for _, o := range rows {
			got[o.text("name")] = o.text("value")
		}
		for name, value := range before {
			if after[name] == value && got[name] != value {
				return name + " is " + got[name] + ", the kernel says " + value
			}
		}
		return ""
	})
	// By name every section is shown, and the flags choose those that net-tools' do.
	closed := n.Dial(t, "udp4", "127.0.0.1:9")
	if _, err := closed.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if out := show(t, n, "-swe4"); !strings.Contains(out, "IcmpInDestUnreachs") {
			return "no message that the port is closed:\n" + out
		}
		return ""
	})
	for flags, want := range map[string]string{
		"-se": "Ip: IpExt: Ip6: Icmp: IcmpMsg: Icmp6: Tcp: TcpExt: Udp: Udp6:", "-set": "Tcp: TcpExt:", "-seu": "Udp: Udp6:", "-seu4": "Udp:", "-seu6": "Udp6:",
		"-sew": "Ip: IpExt: Ip6: Icmp: IcmpMsg: Icmp6:", "-sew4": "Ip: IpExt: Icmp: IcmpMsg:", "-se6": "Ip6: Icmp6: Tcp: TcpExt: Udp6:", "-seUa4": "UdpLite:",
	} {
		var sections []string
		for line := range strings.Lines(show(t, n, flags)) {
			if line[0] != ' ' && line != "Sockets:\n" && line != "IPsec:\n" {
				sections = append(sections, strings.TrimSpace(line))
			}
		}
		if got := strings.Join(sections, " "); got != want {
			t.Errorf("%s: sections %s, want %s", flags, got, want)
		}
	}
	text := show(t, n, "-set")
	if !regexp.MustCompile(`(?m)^ +0 TcpInErrs `).MatchString(text) || regexp.MustCompile(`(?m)^ +0 TcpExt`).MatchString(text) {
		t.Errorf("zeros of -st:\n%s", text)
	}
	if !strings.HasPrefix(text, "Tcp:\n") || !regexp.MustCompile(`(?m)^ +[1-9]\d* TcpActiveOpens +\S`).MatchString(text) || strings.Contains(text, "Udp") {
		t.Errorf("-st:\n%s", text)
	}
}

// -T shows what the kernel knows of a connection.
func TestTCPDetail(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	info := make(map[string]string)
	out := lines(n.Run(t, "ss", "-tniH"))
	for i := 0; i+1 < len(out); i += 2 {
		f := strings.Fields(out[i])
		info[f[3]+" "+f[4]] = out[i+1]
	}
	rows := objects(t, n, "-Tn4")
	if len(rows) < 4 {
		t.Fatalf("%d connections", len(rows))
	}
	for _, o := range rows {
		end := func(side string) string { return o.text(side+"Address") + ":" + o.text(side+"Port") }
		line := info[end("local")+" "+end("remote")]
		for member, pattern := range map[string]string{"congestionControl": `^\s*(\w+) `, "sendMSS": ` mss:(\d+)`, "congestionWindow": ` cwnd:(\d+)`} {
			m := regexp.MustCompile(pattern).FindStringSubmatch(line)
			if m == nil || o.text(member) != m[1] {
				t.Errorf("%s %q, ss says %q", member, o.text(member), line)
			}
		}
	}
	slowest := objects(t, n, "-T", "--sort", "-rtt")
	last := -1.0
	for i := len(slowest) - 1; i >= 0; i-- {
		rtt, err := strconv.ParseFloat(slowest[i].text("rtt"), 64)
		if err != nil || rtt < last {
			t.Errorf("sorted by -rtt: %v after %v, %v", rtt, last, err)
		}
		last = rtt
	}
}
