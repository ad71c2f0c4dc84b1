package nettop_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// A row in full has the options of its socket that everybody is told of, and names the others.
func TestOptionsUnprivileged(t *testing.T) {
	nstest.NeedsProgram(t, "setpriv")
	ns := pair(t)
	serve(t, ns.Listen(t, "tcp", "127.0.0.1:4715"))
	ns.Dial(t, "tcp", "127.0.0.1:4715")
	s := open(t, 120, 40, "ip netns exec "+ns.Name+" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent", "connections -n --interval 0.2 --filter remotePort=4715")
	s.wants("127.0.0.1:4715")
	s.keys("Enter")
	s.eventually(func(screen string) string {
		_, options, _ := strings.Cut(screen, "options of the socket:")
		for _, want := range []string{`SO_SNDBUF +\d`, `not known +[^/]*TCP_KEEPIDLE`, `(?i)permi`} {
			if !regexp.MustCompile(want).MatchString(options) {
				s.keys("G")
				return "no " + want
			}
		}
		return ""
	})
	s.keys("q")
	s.wants("Foreign Address")
	s.keys("q")
	s.wants("restored")
}

// What is not read for the columns is read for a filter that is typed and for a row in full, at once: the
// next interval begins too late for who waits.
func TestDetailsAreReadAtOnce(t *testing.T) {
	ns := pair(t)
	serve(t, ns.Listen(t, "tcp", "127.0.0.1:4716"))
	ns.Dial(t, "tcp", "127.0.0.1:4716")
	s := open(t, 200, 250, "", "connections -n --interval 3600 --netns "+ns.Name)
	s.wants("127.0.0.1:4716")
	s.keys("/")
	s.keys("-l", "sendBuffer>0 and remotePort=4716")
	s.keys("Enter")
	s.wants("1 of 2 rows")
	s.keys("/")
	s.keys("C-u")
	s.keys("-l", "remotePort=4716")
	s.keys("Enter")
	s.wants("filter remotePort=4716")
	s.keys("Enter")
	s.wants("receiveSpace")
	s.keys("q")
	s.wants("Foreign Address")
	s.keys("q")
	s.wants("restored")
}
