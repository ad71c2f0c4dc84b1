package snmpwalk_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestNotificationsOfContexts holds that linkDown and linkUp of the namespaces that the file says are sent with their context: named by
// SNMPv3, and by the community that stands for it, and to nobody where none does; that ifLinkUpDownTrapEnable says which; and that
// the file can say something else later. The namespaces have the same ifIndexes.
func TestNotificationsOfContexts(t *testing.T) {
	s, blue, red := newPair(t), newPair(t), newPair(t)
	d := startTrapd(t, s.NS, "createUser -e 0x80001f880472656164 maker SHA-256 maplesyrup AES syrupofmaple")
	v3 := func(contextName string) string { return "user maker, context " + contextName }
	lines := []string{
		"exactEngineID 0x80001f880472656164", "rocommunity public", "createUser maker SHA-256 maplesyrup AES syrupofmaple", "rwuser maker",
		"netnsContexts " + blue.Name + " " + red.Name,
		"trapsess -v 3 -l authPriv -u maker 127.0.0.1:" + trapPort, "trap2sink -name sink 127.0.0.1:" + trapPort + " plain",
		"com2sec -Cn " + blue.Name + " sink 127.0.0.1 bluesecret",
	}
	file := writeConfig(t, append(lines, "netnsNotifications "+blue.Name)...)
	p := startEmbedded(t, s.NS, "--state", filepath.Join(t.TempDir(), "state"), "--config", file)
	d.awaitLinks(t, s)
	d.awaitLinks(t, blue)

	const linkDown, linkUp, up, down, lower = 3, 4, 1, 2, 7
	tell := func(receiver string, number int) []trap {
		if number == linkUp {
			return []trap{trapV2("TRAP2", receiver, linkUp, linkVariables(11, up, up)...), trapV2("TRAP2", receiver, linkUp, linkVariables(12, up, up)...)}
		}
		return []trap{trapV2("TRAP2", receiver, linkDown, linkVariables(11, down, down)...), trapV2("TRAP2", receiver, linkDown, linkVariables(12, up, lower)...)}
	}
	coldStart := func(receiver string) []trap { return []trap{trapV2("TRAP2", receiver, 1)} }
	red.IP(t, "link set v0 up")
	blue.IP(t, "link set v0 up")
	for _, receiver := range []string{v3(blue.Name), "bluesecret"} {
		d.awaits(t, receiver, tell(receiver, linkUp)...)
	}
	s.IP(t, "link set v0 up")
	for _, receiver := range []string{v3(""), "plain"} {
		d.awaits(t, receiver, slices.Concat(coldStart(receiver), tell(receiver, linkUp))...)
	}
	enabled := func(contextName string) []string { return s.values(t, asUser("maker", contextName, trapEnable)...) }
	if got, want := enabled(blue.Name), "1"; !slices.Contains(got, want) {
		t.Errorf("ifLinkUpDownTrapEnable of a context that is followed is %q", got)
	}
	if got := enabled(red.Name); len(got) == 0 || slices.ContainsFunc(got, func(v string) bool { return v != "2" }) {
		t.Errorf("ifLinkUpDownTrapEnable of a context that is not followed is %q", got)
	}

	// What is written of an interface is of its context alone, and cannot be written where nothing is sent.
	write := func(contextName, complaint string) {
		t.Helper()
		args := []string{"-v3", "-u", "maker", "-n", contextName, "-l", "authPriv", "-a", "SHA-256", "-A", "maplesyrup", "-x", "AES", "-X", "syrupofmaple"}
		r := s.run(t, "snmpset", append(append(args, slow...), targets["udp"], trapEnable+".11", "i", "2")...)
		if (r.status == 0) != (complaint == "") || !strings.Contains(r.complaints, complaint) {
			t.Errorf("ifLinkUpDownTrapEnable of %q: %s, want %q", contextName, r.complaints, complaint)
		}
	}
	write(blue.Name, "")
	write(red.Name, "notWritable")
	p.await(t, "netnsNotifications does not have the context", 1)
	blue.IP(t, "link set v0 down")
	told := slices.Concat(tell(v3(blue.Name), linkUp), tell(v3(blue.Name), linkDown)[1:])
	d.awaits(t, v3(blue.Name), told...)
	if got := enabled(blue.Name); len(got) < 2 || got[1] != "2" || got[2] != "1" {
		t.Errorf("ifLinkUpDownTrapEnable of a context of which it was written is %q", got)
	}
	if got := enabled(""); slices.Contains(got, "2") {
		t.Errorf("ifLinkUpDownTrapEnable of the default context is %q", got)
	}
	blue.IP(t, "link set v0 up")
	told = append(told, tell(v3(blue.Name), linkUp)[1])
	d.awaits(t, v3(blue.Name), told...)

	rewrite(t, file, append(lines, "netnsNotifications "+red.Name)...)
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 1)
	d.awaitLinks(t, red)
	blue.IP(t, "link set v0 down")
	red.IP(t, "link set v0 down")
	d.awaits(t, v3(red.Name), tell(v3(red.Name), linkDown)...)
	d.awaits(t, v3(blue.Name), told...)
	s.IP(t, "link set v0 down")
	d.awaits(t, "plain", slices.Concat(coldStart("plain"), tell("plain", linkUp), tell("plain", linkDown))...)
	if got := enabled(blue.Name); slices.Contains(got, "1") {
		t.Errorf("ifLinkUpDownTrapEnable of a context that is no longer followed is %q", got)
	}
	if strings.Contains(p.output.String(), "bluesecret") {
		t.Error("a community is told")
	}
}

// TestNotificationsOfContextsThroughMaster holds that a subagent has its master send them in their context.
func TestNotificationsOfContextsThroughMaster(t *testing.T) {
	s, blue := newPair(t), newPair(t)
	d := startTrapd(t, s.NS, "createUser -e 0x80001f880472656164 maker SHA-256 maplesyrup AES syrupofmaple")
	s.master, s.subagent = startMaster(t, s.NS, "exactEngineID 0x80001f880472656164", "createUser maker SHA-256 maplesyrup AES syrupofmaple",
		"trapsess -v 3 -l authPriv -u maker 127.0.0.1:"+trapPort), true
	s.agent = startSubagent(t, s.master, "--config", writeConfig(t, "netnsContexts "+blue.Name, "netnsNotifications "+blue.Name))
	d.awaitLinks(t, s)
	d.awaitLinks(t, blue)
	blue.IP(t, "link set v0 up")
	const linkUp, up = 4, 1
	receiver := "user maker, context " + blue.Name
	eventually(t, func() string {
		var got []trap
		for _, n := range d.received(t, receiver) {
			got = append(got, trap{n.form, n.community, n.header, n.variables[1:5]}) // snmpd may add snmpTrapEnterprise.0
		}
		var want []trap
		for _, index := range []int{11, 12} {
			n := trapV2("TRAP2", receiver, linkUp, linkVariables(index, up, up)...)
			want = append(want, trap{n.form, n.community, n.header, n.variables[1:]})
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Sprintf("received\n%v\nwant\n%v", got, want)
		}
		return ""
	})
}
