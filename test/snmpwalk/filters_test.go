package snmpwalk_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNotificationFilters holds that targets get what filters let pass (RFC 3413, section 6), those of the file, as snmpd has them, and
// those of managers; of traps and informs.
func TestNotificationFilters(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS)
	lines := []string{
		"rocommunity public", "rwcommunity private",
		"trap2sink -name first -tag one -profile no_coldstart 127.0.0.1:" + trapPort + " one",
		"trapsess -profile no_v0 -v 2c -c two -Ci 127.0.0.1:" + trapPort,
		"trap2sink 127.0.0.1:" + trapPort + " three",
		"notificationFilter no_coldstart .1.3 0x00 included", "notificationFilter no_coldstart .1.3.6.1.6.3.1.1.5.1 0x00 excluded",
		"notificationFilter no_v0 .1.3.6.1.6.3 0x included", "notificationFilter no_v0 .1.3.6.1.2.1.2.2.1.0.11 0xffa0 excluded",
	}
	file := writeConfig(t, lines...)
	p := startEmbedded(t, s.NS, "--state", filepath.Join(t.TempDir(), "state"), "--config", file)
	const coldStart, linkDown, linkUp, up, down, lower = 1, 3, 4, 1, 2, 7
	want := map[string][]trap{}
	tell := func(who string, number int, variables ...string) {
		form := "TRAP2"
		if who == "two" {
			form = "INFORM"
		}
		want[who] = append(want[who], trapV2(form, who, number, variables...))
	}
	check := func() {
		t.Helper()
		for _, who := range []string{"one", "two", "three"} {
			d.awaits(t, who, want[who]...)
		}
	}
	tell("two", coldStart)
	tell("three", coldStart)
	check()
	d.awaitLinks(t, s)
	s.IP(t, "link set v0 up")
	for _, who := range []string{"one", "three"} {
		tell(who, linkUp, linkVariables(11, up, up)...)
	}
	for _, who := range []string{"one", "two", "three"} {
		tell(who, linkUp, linkVariables(12, up, up)...)
	}
	check()

	// Managers read them, and add one for the third.
	c := s.client(t)
	for name, value := range map[string]string{
		notifyProfiles + ".1" + named("first"):                              "no_coldstart",
		notifyProfiles + ".2" + named("first"):                              "5",
		notifyFilters + ".2.5" + named("no_v0") + ".1.3.6.1.2.1.2.2.1.0.11": "\xff\xa0",
		notifyFilters + ".3.5" + named("no_v0") + ".1.3.6.1.2.1.2.2.1.0.11": "2",
		notifyFilters + ".3.12" + named("no_coldstart") + ".1.3":            "1",
		targetAddr + ".6" + named("first"):                                  "one",
		notifyTable + ".2" + named("internal0"):                             "internal0",
	} {
		if v := c.get(t, parseOID(t, name)); v.value != value {
			t.Errorf("%v, want %q", v, value)
		}
	}
	only := ".4" + named("only") + ".1.3.6.1.6.3.1.1.5.3"
	s.mustSet(t, append(assigns(notifyProfiles, named("internal1"), "3 i 4", "1 s only"), assigns(notifyFilters, only, "5 i 4")...)...)
	s.IP(t, "link set v0 down")
	for _, who := range []string{"one", "three"} {
		tell(who, linkDown, linkVariables(11, down, down)...)
	}
	for _, who := range []string{"one", "two", "three"} {
		tell(who, linkDown, linkVariables(12, up, lower)...)
	}
	check()
	s.IP(t, "link set v0 up")
	tell("one", linkUp, linkVariables(11, up, up)...)
	for _, who := range []string{"one", "two"} {
		tell(who, linkUp, linkVariables(12, up, up)...)
	}
	check()
	// A profile without filters keeps nothing.
	s.mustSet(t, assigns(notifyFilters, only, "5 i 6")...)
	s.IP(t, "link set v0 down")
	for _, who := range []string{"one", "three"} {
		tell(who, linkDown, linkVariables(11, down, down)...)
	}
	for _, who := range []string{"one", "two", "three"} {
		tell(who, linkDown, linkVariables(12, up, lower)...)
	}
	check()

	for line, complaint := range map[string]string{
		"notificationFilter a .1.3 0x00":          "included or excluded",
		"notificationFilter a .1.3 0xfg included": "is no mask",
		"notificationFilter a .1.3 ff included":   "is no mask",
		"notificationFilter a .1.3 0x00 in":       "neither included nor excluded",
		"trap2sink -name first 127.0.0.1 twice":   "already",
		"trapsess -v 2c -c x 127.0.0.1 -tag":      "needs an argument",
		"trap2sink -profile \"\" 127.0.0.1 x":     "1 to 32 octets",
		"trap2sink -tag \"a b\" 127.0.0.1 x":      "without blanks",
	} {
		rewrite(t, file, append(lines[:len(lines):len(lines)], line)...)
		p.signal(t, syscall.SIGHUP)
		eventually(t, func() string {
			if !strings.Contains(p.output.String(), complaint) {
				return line + ": not refused"
			}
			return ""
		})
	}
}
