package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
)

// checked runs check of a file's lines, and returns what it printed and why it failed.
func checked(t *testing.T, file, lines string, args ...string) (string, error) {
	t.Helper()
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := newCommand(process{})
	cmd.SetArgs(append([]string{"check", file, "--state", filepath.Join(filepath.Dir(file), "state")}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// TestCheck holds what is told of a file with everything in it, word for word, and that no secret is.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "agent.conf"), filepath.Join(dir, "other.conf")
	if err := os.WriteFile(other, []byte("sysLocatoin there\nrouser absent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// What it is told to listen at is taken: it does not find out.
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := taken.LocalAddr().String()
	out, err := checked(t, file, `agentaddress udp:`+at+`,tcp:161
rocommunity SECRET-A 192.0.2.0/24
rocommunity SECRET-B !192.0.2.9
rocommunity -v 2c SECRET-B 192.0.2.0/24 1.3.6.1.2.1.1
view most included 1.3.6.1.2.1
view most excluded 1.3.6.1.2.1.4
view most included 1.3.6.1.2.1.2.2.1.0.3 ff:bf
view most included 1.3.6.1.6.3.18
netnsContexts !tmp-* *
com2sec -Cn blue blues 192.0.2.0/24 SECRET-C
group blues v2c blues
access blues b v2c noauth prefix most none none
createUser reader SHA-256 SECRET-D AES SECRET-D
createUser weak SHA-256 SECRET-E
createUser idle SHA-256 SECRET-E
rouser reader priv
rwuser weak priv system
includeFile other.conf
trap2sink nms.example.org SECRET-F
trapsess -Ci -v 3 -u traps -l authPriv -a SHA-256 -A SECRET-G -x AES -X SECRET-G [2001:db8::162]
`)
	if err != nil {
		t.Error(err)
	}
	want := `warning: OTHER:1: unknown directive, which is not heeded (did you mean sysLocation?)
FILE can be used; warnings: 1, files that are read: 2
Listens at:
  udp:` + at + `, which only this host reaches
  tcp:0.0.0.0:161
Lets in (of communities with one name the first that is for a source counts):
  the community at FILE:2: rocommunity from 192.0.2.0/24
    SNMPv1 and SNMPv2c, noAuthNoPriv, the default context: reads everything; writes nothing
  nobody by the community at FILE:3: rocommunity from 192.0.2.9/32
  the community at FILE:4: rocommunity from 192.0.2.0/24
    SNMPv2c, noAuthNoPriv, the default context: reads 1.3.6.1.2.1.1 (system); writes nothing
  the community at FILE:10: com2sec from 192.0.2.0/24
    SNMPv2c, noAuthNoPriv, the context "blue": reads 1.3.6.1.2.1 (mib-2), 1.3.6.1.2.1.2.2.1.*.3, 1.3.6.1.6.3.18 (snmpCommunityMIB) without 1.3.6.1.2.1.4 (ip), names of communities too; writes nothing
  user reader (SHA-256, AES) from anywhere
    SNMPv3, authPriv, every context: reads everything; writes nothing
  user weak (SHA-256, none) from anywhere
    SNMPv3, authPriv, for which it has no keys, every context: reads 1.3.6.1.2.1.1 (system); writes 1.3.6.1.2.1.1 (system); is notified of 1.3.6.1.2.1.1 (system)
  user idle (SHA-256, none) from anywhere
    may do nothing: no line gives it a view
  user absent, of which no keys are known: nobody can ask as it
    SNMPv3, authNoPriv, for which it has no keys, every context: reads everything; writes nothing
Contexts of the network namespaces that match: !tmp-* *
Sends notifications to:
  udp:nms.example.org:162: traps of SNMPv2c (FILE:19: trap2sink)
  udp6:[2001:db8::162]:162: informs of SNMPv3 as user traps with authPriv (FILE:20: trapsess)
`
	told := strings.NewReplacer(file, "FILE", other, "OTHER").Replace(out)
	if got, want := strings.Split(told, "\n"), strings.Split(want, "\n"); !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("line %d of\n%s\nis not that of\n%s", i+1, told, strings.Join(want, "\n"))
			}
		}
	}
	asJSON, _ := checked(t, file, string(must(os.ReadFile(file))), "--json")
	for _, text := range []string{out, asJSON} {
		if strings.Contains(text, "SECRET") {
			t.Errorf("a secret is told: %s", text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		t.Error("the state directory was made")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestCheckIsTheStart holds that a file can be used exactly if the agent starts with it, and that both say the same of it.
func TestCheckIsTheStart(t *testing.T) {
	all := map[string][]string{
		"":                     nil,
		"rocommunity public\n": {"--listen", "udp:127.0.0.1:0"},
		"rocommunity x 1.2.3.4/2\nagentaddress udp:1:99999\n":                                                           nil,
		"agentaddress udp:127.0.0.1:99999\nagentaddress frob:1\nrouser x\n":                                             nil,
		"agentaddress udp:0.0.0.0:0\n":                                                                                  nil,
		"agentaddress udp:127.0.0.1:0\nsysLocatoin x\nrocommunity p default\n":                                          nil,
		"agentaddress udp:127.0.0.1:0\nsysLocatoin y\nrocommunity p default\n":                                          {"--strict"},
		"agentaddress udp:127.0.0.1:0\nstrict yes\nextend x\nrocommunity p\n":                                           nil,
		"agentaddress udp:127.0.0.1:0\ncreateUser u MD5 12345678\nrouser u\n":                                           {"--fips"},
		"agentaddress udp:127.0.0.1:0\ncreateUser v SHA 12345678\nrouser v\n":                                           {"--fips"},
		"agentaddress udp:127.0.0.1:0\ntrapsess -v 3 -u u -l authPriv 192.0.2.1":                                        nil,
		"agentaddress udp:127.0.0.1:0\ncreateUser u SHA 12345678\ntrapsess -v 3 -u u -l authPriv 192.0.2.1\nrouser u\n": nil,
		"agentaddress udp:127.0.0.1:0\ncreateUser u SHA 12345678\ncreateUser u SHA 12345678\nrouser u\n":                nil,
		"agentaddress udp:127.0.0.1:0\nnetnsContexts /run/*/x\nrocommunity p\n":                                         nil,
		// Which only a socket that is passed gives a meaning.
		"agentaddress udp:127.0.0.1:0\nrocommunity p\nmetricsConfig /dev/null\n": nil,
		"agentaddress udp:127.0.0.1:0\nrocommunity q\n":                          {"--metrics-config", "/dev/null"},
	}
	for _, d := range snmpdconf.Directives() {
		for _, value := range []string{"", " x", " -1", " 127.0.0.1:0", " yes", " /dev/null"} {
			lines := "rocommunity p\n" + d + value + "\n"
			if d != "agentaddress" {
				lines = "agentaddress udp:127.0.0.1:0\n" + lines
			}
			all[lines] = nil
		}
	}
	for lines, args := range all {
		dir := t.TempDir()
		file := filepath.Join(dir, "agent.conf")
		out, err := checked(t, file, lines, args...)
		var told []string
		for line := range strings.Lines(out) {
			if text, ok := strings.CutPrefix(line, "error: "); ok {
				told = append(told, strings.TrimSuffix(text, "\n"))
			}
		}
		if (err != nil) != (len(told) > 0) {
			t.Errorf("%q: %v beside %q", lines, err, told)
		}
		cmd := newCommand(process{})
		cmd.SetArgs(append([]string{"--config", file, "--state", filepath.Join(dir, "state"), "--modules", "SNMPv2-MIB"}, args...))
		started, in := io.Pipe()
		cmd.SetOut(in)
		cmd.SetErr(io.Discard)
		ended := make(chan error, 1)
		go func() {
			err := cmd.ExecuteContext(t.Context())
			in.Close()
			ended <- err
		}()
		line := make([]byte, 1)
		if _, err := started.Read(line); err == nil {
			go func() { _, _ = io.Copy(io.Discard, started) }()
			if len(told) > 0 {
				t.Errorf("%q: check says %q, and the agent starts", lines, told)
			}
			continue // it ends with the test
		}
		if err := <-ended; strings.Join(told, "\n") != err.Error() {
			t.Errorf("%q: check says\n%s\nand the start says\n%v", lines, strings.Join(told, "\n"), err)
		}
	}
}

// TestCheckMembers holds that the manual tells every member of the JSON object, and that these are there.
func TestCheckMembers(t *testing.T) {
	man := strings.ReplaceAll(string(must(os.ReadFile("../../man/netsnmp-agent.8"))), `\-`, "-")
	_, section, _ := strings.Cut(man, ".SH CHECK\n")
	section, _, _ = strings.Cut(section, "\n.SH ")
	var walk func(of reflect.Type)
	walk = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !regexp.MustCompile(`\b`+name+`\b`).MatchString(section) {
				t.Errorf("the manual does not tell the member %s", name)
			}
			if f.IsExported() || f.Anonymous {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[report]())

	file := filepath.Join(t.TempDir(), "agent.conf")
	out, err := checked(t, file, "rocommunity6 x\nagentaddress udp6:[::]:161\n", "--json")
	var r report
	if wrong := json.Unmarshal([]byte(out), &r); err != nil || wrong != nil {
		t.Fatal(err, wrong)
	}
	if r.File != file || len(r.Listens) != 1 || r.Listens[0].Address != "udp6:[::]:161" || len(r.Access) != 1 || !r.Access[0].Rights[0].Read.All {
		t.Errorf("%s", out)
	}
	out, err = checked(t, file, "rocommunity6 x y z\n", "--json")
	if err == nil || strings.Contains(out, `"listens"`) || !strings.Contains(out, file+":1: rocommunity6") {
		t.Errorf("of a wrong file: %v, %s", err, out)
	}
}
