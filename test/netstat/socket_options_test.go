package netstat_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// asked is an option as getsockopt tells it of a descriptor: its value in JSON, and
// false where the socket does not have it.
type asked func(fd int) (value string, ok bool)

func askedNumber(level, name int, form func(int) string) asked {
	return func(fd int) (string, bool) {
		v, err := unix.GetsockoptInt(fd, level, name)
		return form(v), err == nil
	}
}

func asTruth(v int) string  { return strconv.FormatBool(v != 0) }
func asNumber(v int) string { return strconv.Itoa(v) }

func asMilliseconds(v int) string { return strconv.FormatFloat(float64(v)/1e3, 'f', -1, 64) }

// askedTime is a timeout, to what the slowest tick of a kernel can tell.
func askedTime(name int) asked {
	return func(fd int) (string, bool) {
		v, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, name)
		if err != nil {
			return "", false
		}
		return strconv.FormatFloat(float64(v.Sec)+float64(v.Usec)/1e6, 'f', -1, 64), true
	}
}

// askedOptions are options by their names.
var askedOptions = map[string]asked{
	"SO_REUSEADDR": askedNumber(unix.SOL_SOCKET, unix.SO_REUSEADDR, asTruth), "SO_REUSEPORT": askedNumber(unix.SOL_SOCKET, unix.SO_REUSEPORT, asTruth),
	"SO_KEEPALIVE": askedNumber(unix.SOL_SOCKET, unix.SO_KEEPALIVE, asTruth), "SO_BROADCAST": askedNumber(unix.SOL_SOCKET, unix.SO_BROADCAST, asTruth),
	"SO_RCVBUF": askedNumber(unix.SOL_SOCKET, unix.SO_RCVBUF, asNumber), "SO_SNDBUF": askedNumber(unix.SOL_SOCKET, unix.SO_SNDBUF, asNumber),
	"SO_RCVTIMEO": askedTime(unix.SO_RCVTIMEO), "SO_SNDTIMEO": askedTime(unix.SO_SNDTIMEO),
	"SO_PRIORITY": askedNumber(unix.SOL_SOCKET, unix.SO_PRIORITY, asNumber), "SO_MARK": askedNumber(unix.SOL_SOCKET, unix.SO_MARK, asNumber),
	"SO_RCVLOWAT": askedNumber(unix.SOL_SOCKET, unix.SO_RCVLOWAT, asNumber), "IP_TOS": askedNumber(unix.IPPROTO_IP, unix.IP_TOS, asNumber), "IP_TTL": askedNumber(unix.IPPROTO_IP, unix.IP_TTL, asNumber),
	"SO_LINGER": func(fd int) (string, bool) {
		v, err := unix.GetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER)
		if err != nil || v.Onoff == 0 {
			return "false", err == nil
		}
		return strconv.Itoa(int(v.Linger)), true
	},
	"TCP_NODELAY": askedNumber(unix.IPPROTO_TCP, unix.TCP_NODELAY, asTruth), "TCP_KEEPIDLE": askedNumber(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, asNumber),
	"TCP_KEEPINTVL": askedNumber(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, asNumber), "TCP_KEEPCNT": askedNumber(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, asNumber),
	"TCP_USER_TIMEOUT": askedNumber(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, asMilliseconds), "TCP_DEFER_ACCEPT": askedNumber(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, asNumber),
	"TCP_FASTOPEN": askedNumber(unix.IPPROTO_TCP, unix.TCP_FASTOPEN, asNumber), "TCP_SYNCNT": askedNumber(unix.IPPROTO_TCP, unix.TCP_SYNCNT, asNumber),
	"TCP_CONGESTION": func(fd int) (string, bool) {
		v, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		return strings.TrimRight(v, "\x00"), err == nil
	},
}

// promised are the options that every source of a privileged run tells.
func promised(protocol string) []string {
	names := []string{"SO_REUSEADDR", "SO_REUSEPORT", "SO_KEEPALIVE", "SO_BROADCAST", "SO_RCVBUF", "SO_SNDBUF", "SO_RCVTIMEO", "SO_SNDTIMEO", "SO_LINGER", "SO_PRIORITY", "SO_MARK", "SO_RCVLOWAT", "IP_TOS", "IP_TTL"}
	if protocol == "tcp" {
		names = append(names, "TCP_NODELAY", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT", "TCP_DEFER_ACCEPT", "TCP_FASTOPEN", "TCP_SYNCNT", "TCP_CONGESTION")
	}
	return names
}

// optioned are sockets with options that were set, and new ones beside them, by inode.
type optioned struct {
	n   *nstest.NS
	fds map[string]int
	set map[string][]string // names of what was set
}

// open opens a socket in the namespace, and sets options on it.
func (o *optioned) open(t *testing.T, domain, kind int, set map[string]func(fd int) error) (fd int) {
	t.Helper()
	fd = o.n.Socket(t, domain, kind, 0)
	inode := o.add(t, fd)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if err := set[name](fd); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o.set[inode] = append(o.set[inode], name)
	}
	return fd
}

// add counts a socket among those that are looked at.
func (o *optioned) add(t *testing.T, fd int) (inode string) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	inode = strconv.FormatUint(st.Ino, 10)
	o.fds[inode] = fd
	return inode
}

// settingTo sets an option to a number.
func settingTo(level, name, value int) func(fd int) error {
	return func(fd int) error { return unix.SetsockoptInt(fd, level, name, value) }
}

// optionsScene opens sockets of both protocols over both families, of each one as it is
// new and one with options set, and a connection.
func optionsScene(t *testing.T) *optioned {
	t.Helper()
	o := &optioned{nstest.New(t), make(map[string]int), make(map[string][]string)}
	const s, tcp = unix.SOL_SOCKET, unix.IPPROTO_TCP
	every := map[string]func(int) error{
		"SO_REUSEADDR": settingTo(s, unix.SO_REUSEADDR, 1), "SO_BROADCAST": settingTo(s, unix.SO_BROADCAST, 1), "SO_KEEPALIVE": settingTo(s, unix.SO_KEEPALIVE, 1),
		"SO_RCVBUF_SET": settingTo(s, unix.SO_RCVBUF, 40_000), "SO_PRIORITY": settingTo(s, unix.SO_PRIORITY, 5), "SO_MARK": settingTo(s, unix.SO_MARK, 0x63), "SO_RCVLOWAT": settingTo(s, unix.SO_RCVLOWAT, 9),
		"SO_RCVTIMEO": func(fd int) error { return unix.SetsockoptTimeval(fd, s, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 7}) },
		"SO_SNDTIMEO": func(fd int) error {
			return unix.SetsockoptTimeval(fd, s, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 2, Usec: 500_000})
		},
		"SO_LINGER": func(fd int) error {
			return unix.SetsockoptLinger(fd, s, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 4})
		},
		"IP_TTL": settingTo(unix.IPPROTO_IP, unix.IP_TTL, 33),
	}
	ofTCP := maps.Clone(every)
	maps.Copy(ofTCP, map[string]func(int) error{
		"TCP_NODELAY": settingTo(tcp, unix.TCP_NODELAY, 1), "TCP_KEEPIDLE": settingTo(tcp, unix.TCP_KEEPIDLE, 77), "TCP_KEEPINTVL": settingTo(tcp, unix.TCP_KEEPINTVL, 11),
		"TCP_KEEPCNT": settingTo(tcp, unix.TCP_KEEPCNT, 4), "TCP_USER_TIMEOUT": settingTo(tcp, unix.TCP_USER_TIMEOUT, 4321), "TCP_DEFER_ACCEPT": settingTo(tcp, unix.TCP_DEFER_ACCEPT, 3),
		"TCP_SYNCNT":     settingTo(tcp, unix.TCP_SYNCNT, 3),
		"TCP_CONGESTION": func(fd int) error { return unix.SetsockoptString(fd, tcp, unix.TCP_CONGESTION, "reno") },
	})
	for _, c := range []struct {
		domain, kind int
		set          map[string]func(int) error
	}{
		{unix.AF_INET, unix.SOCK_STREAM, ofTCP}, {unix.AF_INET6, unix.SOCK_STREAM, ofTCP}, {unix.AF_INET, unix.SOCK_STREAM, nil}, {unix.AF_INET6, unix.SOCK_STREAM, nil},
		{unix.AF_INET, unix.SOCK_DGRAM, every}, {unix.AF_INET6, unix.SOCK_DGRAM, every}, {unix.AF_INET, unix.SOCK_DGRAM, nil}, {unix.AF_INET6, unix.SOCK_DGRAM, nil},
	} {
		fd := o.open(t, c.domain, c.kind, c.set)
		var at unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
		if c.domain == unix.AF_INET6 {
			at = &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
		}
		must(t, unix.Bind(fd, at))
		if c.kind != unix.SOCK_STREAM {
			continue
		}
		must(t, unix.Listen(fd, 9))
		if c.set != nil {
			continue
		}
		bound, err := unix.Getsockname(fd)
		must(t, err)
		client := o.open(t, c.domain, c.kind, map[string]func(int) error{"TCP_NODELAY": ofTCP["TCP_NODELAY"]})
		must(t, unix.Connect(client, bound))
		accepted, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		must(t, err)
		t.Cleanup(func() { _ = unix.Close(accepted) })
		o.add(t, accepted)
	}
	return o
}

// rows runs the program and returns the rows of the sockets, by inode.
func (o *optioned) rows(t *testing.T, r result) map[string]object {
	t.Helper()
	found := make(map[string]object)
	for _, row := range decode(t, r.out) {
		if inode := row.text("inode"); o.fds[inode] != 0 {
			found[inode] = row
		}
	}
	return found
}

// wrong compares an object of options with what getsockopt tells of the socket.
func (o *optioned) wrong(fd int, options object, wanted []string) (wrong []string) {
	for name, ask := range askedOptions {
		want, ok := ask(fd)
		_, there := options[name]
		switch {
		case there && (!ok || options.text(name) != want):
			wrong = append(wrong, fmt.Sprintf("%s is %s, and %s for getsockopt", name, options.text(name), want))
		case !there && ok && slices.Contains(wanted, name):
			wrong = append(wrong, name+" is not there")
		}
	}
	return wrong
}

// What --options shows of every socket is what getsockopt tells in the process that has
// it, and filters and orders know it.
func TestSocketOptions(t *testing.T) {
	o := optionsScene(t)
	r := try(t, o.n, "--options", "-an", "--json")
	if r.status != 0 || r.complaints != "" {
		t.Errorf("status %d, %s", r.status, r.complaints)
	}
	rows := o.rows(t, r)
	if len(rows) != len(o.fds) {
		t.Fatalf("%d sockets of %d are shown", len(rows), len(o.fds))
	}
	for inode, row := range rows {
		protocol := row.text("protocol")
		for _, wrong := range o.wrong(o.fds[inode], row["options"].(map[string]any), promised(protocol)) {
			t.Errorf("%s over %s, %s: %s", protocol, row.text("family"), row.text("state"), wrong)
		}
		if state := row.text("state"); (row["diagnostics"] != nil) != (state == "ESTABLISHED" && protocol == "tcp") {
			t.Errorf("%s in %s has diagnostics %v", protocol, state, row["diagnostics"])
		}
		var changed []string
		for _, name := range row["changedOptions"].([]any) {
			changed = append(changed, name.(string))
		}
		if want := o.set[inode]; !slices.Equal(sorted(changed), sorted(want)) {
			t.Errorf("%s over %s, %s: changed are %q, and set were %q", protocol, row.text("family"), row.text("state"), changed, want)
		}
	}

	inodes := func(args ...string) (found []string) {
		for _, row := range objects(t, o.n, args...) {
			if inode := row.text("inode"); o.fds[inode] != 0 {
				found = append(found, inode)
			}
		}
		return found
	}
	for filter, holds := range map[string]func(fd int) bool{
		"SO_KEEPALIVE=1":                      func(fd int) bool { return o.is(fd, "SO_KEEPALIVE", "true") },
		"SO_KEEPALIVE=no and IP_TTL>=64":      func(fd int) bool { return o.is(fd, "SO_KEEPALIVE", "false") && !o.is(fd, "IP_TTL", "33") },
		"SO_RCVBUF_SET!=false":                func(fd int) bool { return o.is(fd, "SO_RCVBUF", "80000") },
		"SO_LINGER=false or SO_LINGER<4000ms": func(fd int) bool { return o.is(fd, "SO_LINGER", "false") },
		"TCP_USER_TIMEOUT>4s":                 func(fd int) bool { return o.is(fd, "TCP_USER_TIMEOUT", "4.321") },
		"changedOptions=TCP_NODELAY":          func(fd int) bool { return o.is(fd, "TCP_NODELAY", "true") },
	} {
		var want []string
		for inode, fd := range o.fds {
			if holds(fd) {
				want = append(want, inode)
			}
		}
		// The table of sockets reads options where a filter looks at them.
		if got := inodes("-atu", "--filter", filter); !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("--filter %s: %d sockets, want %d", filter, len(got), len(want))
		}
	}
	var sizes []int
	for _, inode := range inodes("-atu", "--sort", "-SO_RCVBUF") {
		size, err := unix.GetsockoptInt(o.fds[inode], unix.SOL_SOCKET, unix.SO_RCVBUF)
		must(t, err)
		sizes = append(sizes, size)
	}
	if len(sizes) != len(o.fds) || !slices.IsSortedFunc(sizes, func(a, b int) int { return b - a }) {
		t.Errorf("sorted by -SO_RCVBUF: %d", sizes)
	}
}

// is reports whether getsockopt tells that value.
func (o *optioned) is(fd int, name, value string) bool {
	v, ok := askedOptions[name](fd)
	return ok && v == value
}

// Sockets of the local family have options, too, in text, in JSON, for filters and orders
// and in recordings.
func TestUnixSocketOptions(t *testing.T) {
	o := &optioned{nstest.New(t), make(map[string]int), make(map[string][]string)}
	const s = unix.SOL_SOCKET
	o.open(t, unix.AF_UNIX, unix.SOCK_STREAM, nil)
	o.open(t, unix.AF_UNIX, unix.SOCK_DGRAM, map[string]func(int) error{"SO_RCVBUF_SET": settingTo(s, unix.SO_RCVBUF, 40_000), "SO_PASSCRED": settingTo(s, unix.SO_PASSCRED, 1)})
	o.open(t, unix.AF_UNIX, unix.SOCK_SEQPACKET, map[string]func(int) error{"SO_SNDBUF_SET": settingTo(s, unix.SO_SNDBUF, 50_000), "SO_PRIORITY": settingTo(s, unix.SO_PRIORITY, 3)})
	file := t.TempDir() + "/options.rec"
	show(t, o.n, "--record", file, "--kinds", "unix-socket,socket-defaults")
	ofTruth := maps.Clone(askedOptions)
	maps.Copy(ofTruth, map[string]asked{"SO_PASSCRED": askedNumber(s, unix.SO_PASSCRED, asTruth), "SO_PASSSEC": askedNumber(s, unix.SO_PASSSEC, asTruth), "SO_PEEK_OFF": askedNumber(s, unix.SO_PEEK_OFF, asNumber)})
	for _, from := range [][]string{nil, {"--recording", file}} {
		rows := o.rows(t, try(t, o.n, append(from, "-x", "--options", "-a", "--json")...))
		if len(rows) != len(o.fds) {
			t.Fatalf("%v: %d sockets of %d are shown", from, len(rows), len(o.fds))
		}
		for inode, row := range rows {
			options := row["options"].(map[string]any)
			for name, ask := range ofTruth {
				if want, ok := ask(o.fds[inode]); ok && strings.HasPrefix(name, "SO_") && object(options).text(name) != want {
					t.Errorf("%v: %s is %s, and %s for getsockopt", from, name, object(options).text(name), want)
				}
			}
			var changed []string
			for _, name := range row["changedOptions"].([]any) {
				changed = append(changed, name.(string))
			}
			if !slices.Equal(sorted(changed), sorted(o.set[inode])) {
				t.Errorf("%v: changed are %q, and set were %q", from, changed, o.set[inode])
			}
		}
		// The table of sockets reads options where a filter or an order looks at them.
		if found := decode(t, try(t, o.n, append(from, "-x", "-a", "--json", "--filter", "SO_PASSCRED=1 and changedOptions=SO_RCVBUF_SET")...).out); len(found) != 1 || found[0].text("type") != "dgram" {
			t.Errorf("%v, filtered: %v", from, found)
		}
		if sorted := decode(t, try(t, o.n, append(from, "-x", "-a", "--json", "--sort", "-SO_PRIORITY")...).out); len(sorted) != 3 || sorted[0].text("type") != "seqpacket" {
			t.Errorf("%v, sorted: %v", from, sorted)
		}
		text := show(t, o.n, append(from, "-x", "-a", "--options=changed")...)
		if !regexp.MustCompile(`(?m)^unix .* DGRAM .* - +SO_RCVBUF=80000,SO_RCVBUF_SET=40000\*,SO_PASSCRED=1\*?$`).MatchString(text) {
			t.Errorf("%v:\n%s", from, text)
		}
	}
	// Beside the Internet's.
	if text := show(t, o.n, "-tx", "-a", "--options"); strings.Count(text, "Options of ") != 2 {
		t.Errorf("-tx --options:\n%s", text)
	}
}

// In the text options have their units, and of --options=changed those that were set
// are there.
func TestSocketOptionsText(t *testing.T) {
	o := optionsScene(t)
	for _, args := range [][]string{{"--options=changed", "-anp"}, {"--options", "-anp"}} {
		text := show(t, o.n, args...)
		if !regexp.MustCompile(`(?m)^Proto Recv-Q Send-Q Local Address +Foreign Address +Stat Diag PID/Program name +Options$`).MatchString(text) {
			t.Errorf("the headings of\n%s", text)
		}
		listener := regexp.MustCompile(fmt.Sprintf(`(?m)^tcp6? .* LSTN +%d/\S+ +(SO_REUSEADDR=1\S*)$`, os.Getpid()))
		found := 0
		for _, m := range listener.FindAllStringSubmatch(text, -1) {
			found++
			shown := make(map[string]string)
			for pair := range strings.SplitSeq(m[1], ",") {
				name, value, _ := strings.Cut(pair, "=")
				shown[name] = strings.TrimSuffix(strings.TrimPrefix(value, "~"), "*")
			}
			for name, want := range map[string]string{
				"SO_KEEPALIVE": "1", "SO_RCVBUF": "80000", "SO_RCVBUF_SET": "40000", "SO_RCVTIMEO": "7s", "SO_SNDTIMEO": "2500ms", "SO_LINGER": "4s", "SO_MARK": "0x63", "IP_TTL": "33",
				"TCP_NODELAY": "1", "TCP_KEEPIDLE": "77s", "TCP_KEEPCNT": "4", "TCP_USER_TIMEOUT": "4321ms", "TCP_CONGESTION": "reno",
			} {
				if shown[name] != want {
					t.Errorf("%v: %s is %q, want %q", args, name, shown[name], want)
				}
			}
			if _, told := shown["SO_SNDBUF"]; told != (args[0] == "--options") {
				t.Errorf("%v: SO_SNDBUF, which nobody set, is told: %v", args, told)
			}
		}
		if found != 2 {
			t.Errorf("%v: %d listeners have what was set:\n%s", args, found, text)
		}
	}
	if text := show(t, o.n, "--options=changed", "-ln"); !regexp.MustCompile(`(?m) LSTN +-$`).MatchString(text) {
		t.Errorf("a listener with nothing changed has more than a dash:\n%s", text)
	}
	// In JSON, too, there is what differs and no more.
	for _, row := range o.rows(t, try(t, o.n, "--options=changed", "-an", "--json")) {
		for name := range row["options"].(map[string]any) {
			names := fmt.Sprint(row["changedOptions"])
			if name != "byLayout" && name != "inferred" && !strings.Contains(names, name) {
				t.Errorf("%s is told, and changed are %s", name, names)
			}
		}
	}
}

// A recording keeps options, and shows them as they were.
func TestSocketOptionsRecorded(t *testing.T) {
	o := optionsScene(t)
	file := t.TempDir() + "/options.rec"
	show(t, o.n, "--record", file, "--kinds", "socket,socket-defaults")
	for _, args := range [][]string{{"--options", "-an"}, {"--options=changed", "-an"}} {
		then := lines(show(t, o.n, append(args, "--recording", file)...))
		now := lines(show(t, o.n, args...))
		// What the kernel changes by itself meanwhile.
		own := regexp.MustCompile(`TCP_QUICKACK=[^,]*,?`)
		for _, list := range [][]string{then, now} {
			for i := range list {
				list[i] = own.ReplaceAllString(list[i], "")
			}
		}
		if !slices.Equal(sorted(then), sorted(now)) {
			t.Errorf("%v recorded:\n%s\nand now\n%s", args, strings.Join(then, "\n"), strings.Join(now, "\n"))
		}
	}
}

// Without privileges there is what the kernel tells everybody, nothing of it is wrong,
// and one sentence says what would bring the rest.
func TestSocketOptionsUnprivileged(t *testing.T) {
	o := optionsScene(t)
	r := tryAsNobody(t, o.n, "--options", "-an", "--json")
	if r.status != 0 || strings.Count(r.complaints, "\n") != 1 || !strings.Contains(r.complaints, "CAP_BPF") {
		t.Errorf("status %d, %s", r.status, r.complaints)
	}
	rows := o.rows(t, r)
	if len(rows) != len(o.fds) {
		t.Fatalf("%d sockets of %d are shown", len(rows), len(o.fds))
	}
	for inode, row := range rows {
		options, _ := row["options"].(map[string]any)
		for _, wrong := range o.wrong(o.fds[inode], options, []string{"SO_RCVBUF", "SO_SNDBUF"}) {
			t.Errorf("%s over %s, %s: %s", row.text("protocol"), row.text("family"), row.text("state"), wrong)
		}
	}
}

// Diagnostics say which connection does not get rid of its data, and which end reads
// nothing.
func TestSocketDiagnostics(t *testing.T) {
	n := nstest.New(t)
	l := n.Listen(t, "tcp4", "127.0.0.1:7001")
	c := n.Dial(t, "tcp4", "127.0.0.1:7001")
	accept(t, l)
	go func() {
		for b := make([]byte, 1<<16); ; {
			if _, err := c.Write(b); err != nil {
				return // the test is over
			}
		}
	}()
	eventually(t, func() string {
		var said []string
		for _, row := range objects(t, n, "--options", "-tn") {
			said = append(said, row.text("remotePort")+fmt.Sprint(row["diagnostics"]))
		}
		text := show(t, n, "--options", "-tn")
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "7001[sendWindowClosed") }) || !strings.Contains(text, " ESTB >|") {
			return fmt.Sprintf("%s\n%s", said, text)
		}
		return ""
	})
	if rows := objects(t, n, "-tn", "--filter", "diagnostics=sendWindowClosed"); len(rows) != 1 || rows[0].text("remotePort") != "7001" {
		encoded, _ := json.Marshal(rows)
		t.Errorf("filtered: %s", encoded)
	}
}
