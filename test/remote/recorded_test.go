package remote_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A recording of several hosts is served one host at a time, as that host's, by
// the name that it was recorded under.
func TestRecordedHosts(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up", "link add only-here type veth peer name peer-here")
	other := nstest.New(t)
	other.IP(t, "link add only-there type veth peer name peer-there")
	agent, program := build(t), buildProgram(t, "netstat")
	start(t, nil, agent, "--listen=udp:127.0.0.1:1161")
	start(t, nil, agent, "--listen=udp:127.0.0.1:1162", "--netns="+other.Name)
	const here, there, nobody = "127.0.0.1:1161", "udp:127.0.0.1:1162", "127.0.0.1:1"
	open(t, config(here)).Close()
	open(t, config(there)).Close()

	dir := t.TempDir()
	file, hosts, conf := filepath.Join(dir, "hosts.rec"), filepath.Join(dir, "hosts"), filepath.Join(dir, "snmp.conf")
	for path, text := range map[string]string{
		hosts: strings.Join([]string{nobody, here, there}, "\n"),
		conf:  "defCommunity public\ntimeout 5\nretries 3\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(program, "--hosts", hosts, "--snmp-config", conf, "--record", file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "host "+nobody+": nobody listens there") {
		t.Fatalf("%v: %s", err, out)
	}

	for i, c := range []struct{ name, is, isNot string }{{here, "only-here", "only-there"}, {there, "only-there", "only-here"}} {
		address := fmt.Sprint("127.0.0.1:", 1171+i)
		start(t, nil, agent, "--recording="+file, "--netns="+c.name, "--listen=udp:"+address)
		names := lines(collect(t, open(t, config(address)).Interfaces(t.Context())), func(i netstat.Interface) string { return i.Name })
		if !slices.Contains(names, c.is) || slices.Contains(names, c.isNot) {
			t.Errorf("the recording of %s has %v", c.name, names)
		}
		// The system group is that of the host as far as it is known.
		nstest.NeedsProgram(t, "snmpget")
		out, err := exec.Command("snmpget", "-v2c", "-cpublic", "-Oqv", "-t5", address, ".1.3.6.1.2.1.1.1.0", ".1.3.6.1.2.1.1.5.0").CombinedOutput()
		if want := fmt.Sprintf("%q\n%q\n", c.name, c.name); err != nil || string(out) != want && strings.ReplaceAll(string(out), `"`, "") != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("sysDescr and sysName are %s, %v; want %s", out, err, want)
		}
	}

	for _, c := range []struct {
		program string
		args    []string
		says    []string
	}{
		{agent, []string{"--list"}, []string{"several stacks and none was chosen", here, there, nobody, "--netns chooses one"}},
		{agent, []string{"--list", "--netns=192.0.2.1"}, []string{`no stack "192.0.2.1"`, here, there, nobody}},
		{agent, []string{"--list", "--netns=" + nobody}, []string{"host " + nobody + ": nobody listens there"}},
		{program, []string{"-i"}, []string{"several stacks and none was chosen", here, there, nobody, "--netns chooses one, or all"}},
		{program, []string{"-i", "--netns", nobody}, []string{"host " + nobody + ": nobody listens there"}},
	} {
		out, err := exec.Command(c.program, append(c.args, "--recording", file)...).CombinedOutput()
		if err == nil {
			t.Errorf("%v works", c.args)
		}
		for _, says := range c.says {
			if !strings.Contains(string(out), says) {
				t.Errorf("%v: %s lacks %q", c.args, out, says)
			}
		}
	}
}
