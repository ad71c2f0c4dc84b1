package snmpwalk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	snmpEngineID    = "1.3.6.1.6.3.10.2.1.1.0"
	snmpEngineBoots = "1.3.6.1.6.3.10.2.1.2.0"
	snmpEngineTime  = "1.3.6.1.6.3.10.2.1.3.0"
)

// stateDir is an empty folder for a state.
func stateDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEngineAtReload holds that a file that is read again has SNMPv3 spoken, with other users, by another engine or no more,
// and that notifications follow; and that what is kept over restarts can be written from then on.
func TestEngineAtReload(t *testing.T) {
	s := newPair(t)
	const first, second = "0x80001f88046669727374", "0x80001f88047365636f6e64"
	d := startTrapd(t, s.NS, "createUser -e "+first+" teller SHA-256 maplesyrup", "createUser -e "+second+" teller SHA-256 maplesyrup")
	open := []string{"rocommunity public", "rocommunity6 public"}
	file := writeConfig(t, open...)
	p := startEmbedded(t, s.NS, "--config", file, "--state", stateDir(t))
	reads := 0
	reread := func(lines ...string) {
		t.Helper()
		rewrite(t, file, append(lines, open...)...)
		p.signal(t, syscall.SIGHUP)
		reads++
		p.await(t, "configuration read again", reads)
	}
	get := func(user string, options ...string) string {
		t.Helper()
		args := append([]string{"-v3", "-u", user, "-l", "authPriv", "-a", "SHA-256", "-A", "maplesyrup", "-x", "AES", "-X", "syrupofmaple", "-Oqv", "-t", "30", "-r", "0"}, options...)
		r := s.run(t, "snmpget", append(args, targets["udp"], snmpEngineID, snmpEngineBoots)...)
		return strings.TrimSpace(strings.Join(strings.Fields(strings.ReplaceAll(r.out, `"`, "")), " ") + r.complaints)
	}
	engine := func(id string, boots int) string {
		var hex []string
		for i := 2; i < len(id); i += 2 {
			hex = append(hex, strings.ToUpper(id[i:i+2]))
		}
		return fmt.Sprintf("%s %d", strings.Join(hex, " "), boots)
	}
	user := func(name string) []string {
		return []string{"createUser " + name + " SHA-256 maplesyrup AES syrupofmaple", "rwuser " + name + " priv"}
	}
	silent := []string{"-t", "1", "-r", "0"}
	if got := get("one", silent...); !strings.Contains(got, "Timeout") {
		t.Errorf("before: %s", got)
	}
	sink := "trapsess -v 3 -u teller -l authNoPriv -a SHA-256 -A maplesyrup 127.0.0.1:" + trapPort
	reread(append(user("one"), "exactEngineID "+first, sink)...)
	if got, want := get("one"), engine(first, 1); got != want {
		t.Errorf("with a user: %s, want %s", got, want)
	}
	d.awaitLinks(t, s)
	// What lasts can be written although there was no state at the start.
	set := []string{"-v3", "-u", "one", "-l", "authPriv", "-a", "SHA-256", "-A", "maplesyrup", "-x", "AES", "-X", "syrupofmaple"}
	if r := s.run(t, "snmpset", append(append(set, slow...), targets["udp"], "1.3.6.1.2.1.1.6.0", "s", "here")...); r.status != 0 {
		t.Errorf("snmpset: %s", r.complaints)
	}
	reread(append(user("two"), sink)...)
	if got, want := get("two"), engine(first, 1); got != want {
		t.Errorf("another user: %s, want %s", got, want)
	}
	if got := get("one"); !strings.Contains(got, "Unknown user name") {
		t.Errorf("a user that is gone: %s", got)
	}
	reread(append(user("two"), "exactEngineID "+second, sink)...)
	if got, want := get("two"), engine(second, 1); got != want {
		t.Errorf("another engine: %s, want %s", got, want)
	}
	if got := get("two", append(silent, "-e", first)...); !strings.Contains(got, "Timeout") {
		t.Errorf("the engine of before: %s", got)
	}
	d.awaitLinks(t, s)
	reread()
	if got := get("two", silent...); !strings.Contains(got, "Timeout") {
		t.Errorf("without users: %s", got)
	}
	reread(append(user("two"), "exactEngineID "+first)...)
	if got, want := get("two"), engine(first, 2); got != want {
		t.Errorf("the first engine once more: %s, want %s", got, want)
	}
	// A file with a fault changes nothing.
	rewrite(t, file, append(user("three"), "exactEngineID "+second, "trapsess -v3 -u nobody -l authNoPriv 127.0.0.1")...)
	p.signal(t, syscall.SIGHUP)
	p.await(t, "the old configuration stays", 1)
	if got, want := get("two"), engine(first, 2); got != want {
		t.Errorf("after a file with a fault: %s, want %s", got, want)
	}
}

// TestFIPS holds that what FIPS 140 does not allow is refused by its line, at the start and when the file is read again, by flag and
// directive; and that everything else goes on.
func TestFIPS(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	const sha = "createUser sha SHA maplesyrup AES syrupofmaple"
	for line, want := range map[string]string{
		"createUser md5 MD5 maplesyrup":                                                "MD5 is not allowed by FIPS 140",
		"createUser des SHA maplesyrup DES syrupofmaple":                               "DES is not allowed by FIPS 140",
		"createUser aes SHA maplesyrup AES-256 syrupofmaple":                           "AES-256 is not allowed by FIPS 140 with SHA",
		"trapsess -v3 -u u -l authNoPriv -A maplesyrup 127.0.0.1":                      "MD5 is not allowed by FIPS 140",
		"trapsess -v3 -u u -l authPriv -a SHA -A maplesyrup -X syrupofmaple 127.0.0.1": "DES is not allowed by FIPS 140",
	} {
		file := writeConfig(t, sha, "rouser sha", line)
		p := start(t, s.NS, program, "--fips", other+"1", "--config", file, "--state", stateDir(t))
		if status := p.exit(t); status != 1 || !strings.Contains(p.output.String(), file+":3: ") || !strings.Contains(p.output.String(), want) {
			t.Errorf("%s: exit status %d: %s", line, status, p.output.String())
		}
	}
	file := writeConfig(t, sha, "rouser sha", "rocommunity public", "rocommunity6 public", "fips yes")
	p := startEmbedded(t, s.NS, "--config", file, "--state", stateDir(t))
	args := []string{"-v3", "-u", "sha", "-l", "authPriv", "-a", "SHA", "-A", "maplesyrup", "-x", "AES", "-X", "syrupofmaple", "-Oqv"}
	s.lines(t, "snmpget", append(append(args, slow...), targets["udp"], sysUpTime)...)
	rewrite(t, file, sha, "fips yes", "createUser md5 MD5 maplesyrup")
	p.signal(t, syscall.SIGHUP)
	p.await(t, file+":3: createUser: MD5 is not allowed by FIPS 140", 1)
	rewrite(t, file, sha, "rouser sha", "createUser md5 MD5 maplesyrup", "rouser md5", "rocommunity public")
	p.signal(t, syscall.SIGHUP)
	p.await(t, "configuration read again", 1)
	args = []string{"-v3", "-u", "md5", "-l", "authNoPriv", "-a", "MD5", "-A", "maplesyrup", "-Oqv"}
	s.lines(t, "snmpget", append(append(args, slow...), targets["udp"], sysUpTime)...)
}
