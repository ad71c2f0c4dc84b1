package netstat_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// tryRefused is try where a protocol of netlink is refused, as in a sandbox.
func tryRefused(t testing.TB, n *nstest.NS, protocol int, errno unix.Errno, args ...string) result {
	t.Helper()
	line, variable := nstest.WithoutNetlink(t, protocol, errno, append([]string{program}, args...)...)
	return run(t, append([]string{"ip", "netns", "exec", n.Name, "env", variable}, line...))
}

// Without netlink the program shows what net-tools does, which reads /proc, and says what is unknown.
func TestWithoutNetlink(t *testing.T) {
	nstest.NeedsProgram(t, "python3")
	n := comparedScene(t)
	listener := regexp.MustCompile(`(?m)^(tcp6? +\d+) +\S+ (.* LISTEN)`)
	for _, refused := range []struct {
		protocol int
		errno    unix.Errno
	}{{nstest.EveryNetlink, unix.EPERM}, {nstest.EveryNetlink, unix.EAFNOSUPPORT}, {unix.NETLINK_SOCK_DIAG, unix.EPERM}} {
		all := refused.protocol == nstest.EveryNetlink
		for _, c := range []struct {
			flags, differ string
			unknown       bool // some values are
		}{
			{"-4tan", "", true}, {"-4tulpn", "", true}, {"-6tan", "width zone", true}, {"-tlne", "", true}, {"-4uan", "", true}, {"-Uan", "", true}, {"-wan", "raw", true}, {"-xan", "", true}, {"-xlp", "", true}, {"-4tano", "", true},
			{"-rn", "", all}, {"-re", "width", all}, {"-rn6", "width none", all}, {"-in", "", all}, {"-ia", "", all}, {"-ien", "interface", all}, {"-gn", "", false}, {"-s", "", false},
		} {
			t.Run(fmt.Sprintf("%d %v %s", refused.protocol, refused.errno, c.flags), func(t *testing.T) {
				normalize := func(l string) string {
					for name := range strings.FieldsSeq(c.differ) {
						l = differences[name].line(l)
					}
					l = regexp.MustCompile(`\(\d+\.\d+/`).ReplaceAllString(l, "(0.00/")
					l = strings.Replace(l, " Ue ", " U ", 1) // of routes that expire the file tells no more
					return listener.ReplaceAllString(l, "$1 - $2")
				}
				args := strings.Fields(c.flags)
				tries := 0
				eventually(t, func() string {
					theirs := args
					if strings.Contains(c.differ, "width") && !strings.Contains(c.flags, "r") {
						theirs = append(slices.Clone(args), "-W")
					}
					before := compared(n.Run(t, netTools, theirs...), normalize)
					r := tryRefused(t, n, refused.protocol, refused.errno, args...)
					ours := compared(r.out, normalize)
					if after := compared(n.Run(t, netTools, theirs...), normalize); !slices.Equal(before, after) {
						return "the kernel's answer changes"
					}
					said := strings.Contains(r.complaints, "some values are unknown") && strings.Contains(r.complaints, refused.errno.Error())
					if !slices.Equal(ours, before) || r.status != 0 || said != c.unknown {
						complaint := fmt.Sprintf("status %d, %s\nours:\n%s\ntheirs:\n%s", r.status, r.complaints, strings.Join(ours, "\n"), strings.Join(before, "\n"))
						if tries++; tries == 4 {
							t.Fatal(complaint)
						}
						return complaint
					}
					return ""
				})
			})
		}
	}
	for args, names := range map[string]string{
		"--rules": "rtnetlink is refused", "--nexthops": "rtnetlink is refused", "--qdiscs": "rtnetlink is refused", "--netconf": "rtnetlink is refused", "--mdb": "rtnetlink is refused",
		"--netlink": "sock_diag is refused", "-B": "sock_diag is refused", "--conntrack": "nfnetlink is refused", "-rn --table 77": "lists the main table alone", "-6rn --table 77": "does not tell tables",
		"-tan --filter state=bound": "only bound", "-tan --filter dev=lo": "what to select by", "--neighbours": "ipv6: rtnetlink is refused",
	} {
		r := tryRefused(t, n, nstest.EveryNetlink, unix.EPERM, strings.Fields(args)...)
		if r.status != 1 || !strings.Contains(r.complaints, names) {
			t.Errorf("%s: status %d, %s", args, r.status, r.complaints)
		}
	}
}
