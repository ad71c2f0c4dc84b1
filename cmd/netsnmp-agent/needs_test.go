package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

func TestNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := func(f flags, listening ...string) string {
		t.Helper()
		var log bytes.Buffer
		s := settings{flags: f, log: slog.New(slog.NewTextHandler(&log, nil))}
		s.config = path
		file, err := s.readFile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if listening == nil {
			listening = []string{"udp:127.0.0.1:1161", "udp6:[::1]:1161"}
		}
		var at []snmp.Address
		for _, l := range listening {
			a, err := snmp.ParseAddress(l)
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, a)
		}
		if err := s.heed(file, s.warnings(file, at)); (err != nil) != (f.strict && log.Len() == 0) {
			t.Errorf("%v, said %q", err, log.String())
		} else if err != nil {
			return err.Error()
		}
		return log.String()
	}
	write("rocommunity6 public\ncom2sec -Cn blue x default public\n")
	if got := said(flags{}); !strings.Contains(got, "the default context only") || !strings.Contains(got, path+":2: com2sec") {
		t.Errorf("of a context without any: said %q", got)
	}
	if got := said(flags{contexts: []string{"*"}}); got != "" {
		t.Errorf("of a context beside --contexts: said %q", got)
	}
	write("rocommunity6 public\ncom2sec -Cn blue x default public\nnetnsContexts blue\n")
	if got := said(flags{}); got != "" {
		t.Errorf("of a context beside netnsContexts: said %q", got)
	}
	write("com2secunix joe /run/x public\n")
	if got := said(flags{}); !strings.Contains(got, "nobody can ask over a socket") || !strings.Contains(got, path+":1: com2secunix") {
		t.Errorf("said %q", got)
	}
	write("rocommunity lan 192.0.2.0/24\nrocommunity6 lan 2001:db8::/32\nrocommunity public 127.0.0.1\nrocommunity any\ncom2sec a !192.0.2.9 lan\n")
	for listening, want := range map[string][]int{
		"udp:127.0.0.1:161 udp6:[::1]:161": {1, 2}, "udp:161": {2}, "udp6:161": {1, 3, 4}, "tcp:192.0.2.1:161 tcp6:[::1]:161": {2}, "udp:161 udp6:161": nil,
	} {
		got := said(flags{}, strings.Fields(listening)...)
		for line := 1; line <= 5; line++ {
			if strings.Contains(got, fmt.Sprintf("%s:%d: ", path, line)) != slices.Contains(want, line) {
				t.Errorf("%s: line %d, said %q", listening, line, got)
			}
		}
	}
	write("rocommunity public\n")
	if got := said(flags{}); !strings.Contains(got, "nobody is let in there") || !strings.Contains(got, "udp6:[::1]:1161") {
		t.Errorf("said %q", got)
	}
	write("rocommunity public\nextend x\nveiww x\n")
	if got := said(flags{}, "udp:127.0.0.1:161"); strings.Count(got, "level=WARN") != 2 || !strings.Contains(got, path+":2: extend") {
		t.Errorf("said %q", got)
	}
	for _, f := range []flags{{strict: true}, {agentx: "tcp:127.0.0.1:705", strict: true}} {
		if got := said(f, "udp:127.0.0.1:161"); !strings.Contains(got, path+":2: extend") {
			t.Errorf("strict: said %q", got)
		}
	}
	write(strings.Repeat("extend x\n", 300))
	if got := said(flags{}, "udp:127.0.0.1:161"); strings.Count(got, "level=WARN") != maxWarnings+1 || !strings.Contains(got, "lines=200") {
		t.Errorf("said %.2000s", got)
	}
	write("agentaddress 161\nsysName x\nrocommunity x\nnetnsContexts x\nlinkUpDownNotifications yes\n")
	if got := said(flags{agentx: "tcp:127.0.0.1:705"}); strings.Count(got, "it is for the master") != 2 || strings.Count(got, "level=WARN") != 2 {
		t.Errorf("said %q", got)
	}
}

// TestWhereToListen holds where an agent listens that is told who is let in, and where not.
func TestWhereToListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.conf")
	for text, want := range map[string]string{
		"":                          "[udp:127.0.0.1:1161 udp6:[::1]:1161] false",
		"sysName x\n":               "[udp:127.0.0.1:1161 udp6:[::1]:1161] false",
		"rocommunity public\n":      "[udp:0.0.0.0:161] true",
		"rocommunity6 public ::1\n": "[udp:0.0.0.0:161] true",
		"rouser joe\n":              "[udp:0.0.0.0:161] true",
		"rocommunity public\nagentaddress tcp:127.0.0.1:1\n": "[tcp:127.0.0.1:1] true",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := settings{flags: flags{config: path}}
		file, err := s.readFile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		addresses, chosen, err := s.addresses(file)
		if got := fmt.Sprint(addresses, chosen); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
		s.listen = []string{"udp:127.0.0.1:9"}
		if addresses, _, err := s.addresses(file); err != nil || len(addresses) != 1 || addresses[0].Port() != 9 {
			t.Errorf("%q beside --listen: %v, %v", text, addresses, err)
		}
	}
}

// TestWrapped holds that rules of TCP wrappers for snmpd are found where hosts_access(5) says that they stand.
func TestWrapped(t *testing.T) {
	dir := t.TempDir()
	if got := wrapped(dir); len(got) > 0 {
		t.Error(got)
	}
	for rule, want := range map[string]bool{
		"ALL: ALL": true, "snmpd: 192.0.2.": true, "sshd, SNMPD : ALL : deny": true, "sshd snmpd@192.0.2.1: ALL": true, "sshd: \\\n ALL": false, "sshd,\\\nsnmpd: ALL": true,
		"# snmpd: ALL": false, "sshd: ALL EXCEPT snmpd": false, "snmptrapd: ALL": false, "ALL EXCEPT snmpd: ALL": false, "ALL EXCEPT sshd: ALL": true, "snmpd": false, "": false,
	} {
		for _, name := range []string{"hosts.allow", "hosts.deny"} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte("# a comment\n"+rule+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := wrapped(dir); (len(got) == 1 && got[0].Where == path+":2") != want {
				t.Errorf("%s: %q: %v", name, rule, got)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
}
