package snmpwalk_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNotificationsV3 holds that snmptrapd receives by SNMPv3 what the lines of trapsess say, with
// their own secrets and with those of createUser; that what makes no sense is refused with its line; and that
// no secret is told.
func TestNotificationsV3(t *testing.T) {
	s := newPair(t)
	const engineID = "0x80001f8804766572696669"
	d := startTrapd(t, s.NS,
		"createUser -e "+engineID+" maker SHA-256 maplesyrup AES syrupofmaple",
		"createUser maker SHA-256 maplesyrup AES syrupofmaple",
		"createUser teller SHA maplesyrup",
		"createUser -e "+engineID+" plain",
	)
	lines := []string{
		"rocommunity public", "rocommunity6 public", "exactEngineID " + engineID,
		"createUser maker SHA-256 maplesyrup AES syrupofmaple",
		"trapsess -v 3 -u maker -l authPriv 127.0.0.1:" + trapPort,
		"trapsess -v 3 -u maker -l authPriv -Ci -n blue 127.0.0.1:" + trapPort,
		"trapsess -v 3 -u teller -l authNoPriv -a SHA -A maplesyrup -Ci tcp:127.0.0.1:" + trapPort,
		"trapsess -v 3 -u plain udp6:[::1]:" + trapPort,
		"trapsess -v 2c -c two 127.0.0.1:" + trapPort,
		"trapsess -v 1 -c one 127.0.0.1:" + trapPort,
	}
	file := writeConfig(t, lines...)
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	p := startEmbedded(t, s.NS, "--config", file, "--state", state)
	want := map[string][]trap{}
	add := func(number int, variables ...string) {
		for _, form := range []string{"TRAP2|user maker, context ", "INFORM|user maker, context blue", "INFORM|user teller, context ", "TRAP2|user plain, context ", "TRAP2|two"} {
			form, who, _ := strings.Cut(form, "|")
			want[who] = append(want[who], trapV2(form, who, number, variables...))
		}
		want["one"] = append(want["one"], trapV1("one", "127.0.0.1", number, variables...))
		for who, traps := range want {
			d.awaits(t, who, traps...)
		}
	}
	add(1)
	d.awaitLinks(t, s)
	s.IP(t, "link set v0 up")
	for who := range want {
		form := "TRAP2"
		if who != "user maker, context " && who != "user plain, context " && who != "two" {
			form = "INFORM"
		}
		if who == "one" {
			want[who] = append(want[who], trapV1(who, "127.0.0.1", 4, linkVariables(11, 1, 1)...))
			continue
		}
		want[who] = append(want[who], trapV2(form, who, 4, linkVariables(11, 1, 1)...))
	}
	add(4, linkVariables(12, 1, 1)...)

	for line, complaint := range map[string]string{
		"trapsess -v3 -u nobody -l authNoPriv 127.0.0.1":                      "there is no user",
		"trapsess -v3 -u maker -l authNoPriv -e 0x8000000001020304 127.0.0.1": "the engine of a trap is this agent's",
		"trapsess -v3 -u maker -l authNoPriv -a SHA -A maple 127.0.0.1":       "at least 8",
		"trapsess -v3 -u teller -s ::1 127.0.0.1":                             "nothing is sent from ::1 over udp",
	} {
		rewrite(t, file, append(lines[:len(lines):len(lines)], line)...)
		p.signal(t, syscall.SIGHUP)
		p.await(t, complaint, 1)
	}
	rewrite(t, file, append(lines[:len(lines):len(lines)], "access grp \"\" any noauth exact all none all")...)
	p.signal(t, syscall.SIGHUP)
	p.await(t, "a notify view keeps nothing from anybody", 1)
	for _, secret := range []string{"maplesyrup", "syrupofmaple"} {
		if strings.Contains(p.output.String(), secret) {
			t.Errorf("the log tells a secret:\n%s", p.output.String())
		}
	}
}
