package packaging_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// dropIns is the folder of the unit's.
const dropIns = "/etc/systemd/system/netsnmp-agent.service.d/"

// TestExposure holds what systemd-analyze says of the units: nothing is wrong with them, and how exposed they are, in tenths.
func TestExposure(t *testing.T) {
	nstest.NeedsProgram(t, "systemd-analyze")
	r := copyOfRoot(t)
	r.bring("*_amd64.deb")
	r.run("dpkg -i /packages/netsnmp-agent_*.deb")
	exposure := func(unit, threshold string) {
		t.Helper()
		out, err := run(exec.Command("systemd-analyze", "security", "--no-pager", "--root="+r.dir, "--offline=true", "--threshold="+threshold, unit))
		if err != nil {
			t.Errorf("%s is more exposed than %s tenths: %s", unit, threshold, regexp.MustCompile(`Overall exposure.*`).FindString(out))
		}
	}
	for _, unit := range []string{"netsnmp-agent.service", "netsnmp-agent-agentx.service", "netsnmp-agent.socket", "netsnmp-probe.service"} {
		if out, err := run(exec.Command("systemd-analyze", "verify", "--man=no", "--root="+r.dir, unit)); err != nil || strings.Contains(out, "netsnmp-agent") {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
	exposure("netsnmp-agent.service", "16")
	exposure("netsnmp-agent-agentx.service", "16")
	exposure("netsnmp-probe.service", "16")
	r.run("mkdir -p " + dropIns + " && cp /usr/share/doc/netsnmp-agent/examples/writing.conf " + dropIns)
	exposure("netsnmp-agent.service", "20")
	r.run("cp /usr/share/doc/netsnmp-agent/examples/*.conf " + dropIns)
	exposure("netsnmp-agent.service", "28")
	if out, err := run(exec.Command("systemd-analyze", "verify", "--man=no", "--root="+r.dir, "netsnmp-agent.service")); err != nil || strings.Contains(out, "netsnmp-agent") {
		t.Errorf("with everything: %v\n%s", err, out)
	}
}

// asked are the options of net-snmp's programs for the user that a credential makes.
const asked = "-v3 -u reader -l authPriv -a SHA-256 -A PASSPHRASE -x AES -X PASSPHRASE "

// TestSystemd boots a system with the packages, and does with the unit what an administrator does.
func TestSystemd(t *testing.T) {
	for _, tool := range []string{"snmpget", "snmpwalk", "snmpset"} {
		nstest.NeedsProgram(t, tool)
	}
	r := copyOfRoot(t)
	r.bring("*_amd64.deb")
	before := r.older(filepath.Join(packages(t), "netsnmp-agent_"+version+"-1_amd64.deb"), nil)
	r.run("dpkg -i " + before)
	r.boot()
	property := func(name string) string {
		return strings.TrimSpace(r.run("systemctl show --property " + name + " --value netsnmp-agent.service"))
	}
	fact := func(line string) string { // of the process that runs
		text := r.run("grep '^" + line + ":' /proc/" + property("MainPID") + "/status")
		return strings.Join(strings.Fields(text)[1:2], "")
	}

	// The first datagram starts it, and is answered: no other one is sent.
	r.run("systemctl start netsnmp-agent.socket")
	if got := property("ActiveState"); got != "inactive" {
		t.Errorf("it is %s before anybody asks", got)
	}
	r.run("snmpget -v2c -c public -r 0 -t 60 127.0.0.1 1.3.6.1.2.1.1.5.0")
	r.eventually("systemctl is-active netsnmp-agent.service", "active")
	if got := property("StatusText"); got != "listening on udp:0.0.0.0:161, tcp:0.0.0.0:161" {
		t.Errorf("its status is %q", got)
	}
	for line, want := range map[string]string{"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"} {
		if got := fact(line); got != want {
			t.Errorf("%s is %s, want %s", line, got, want)
		}
	}
	if got := r.run("id -u netsnmp-agent"); fact("Uid") != strings.TrimSpace(got) {
		t.Errorf("it runs as %s", fact("Uid"))
	}

	// The main job, over both transports: a whole walk, of which the interfaces are ip's.
	r.run("ip link add eth9 type veth peer name eth8 && ip address add 192.0.2.9/24 dev eth9 && ip link set eth8 up && ip link set eth9 up && ip route add 198.51.100.0/24 via 192.0.2.1")
	r.eventually("snmpwalk -v2c -c public -Oqv 127.0.0.1 1.3.6.1.2.1.31.1.1.1.1", `"eth9"`)
	r.eventually("snmpwalk -v2c -c public -On 127.0.0.1 1.3.6.1.2.1.4.24.7.1.8", ".1.3.6.1.2.1.4.24.7.1.8.1.4.198.51.100.0.24.")
	for _, at := range []string{"127.0.0.1", "tcp:127.0.0.1"} {
		walk := r.run("snmpwalk -v2c -c public -On -t 10 " + at + " .1")
		if !strings.Contains(walk, ".1.3.6.1.2.1.1.1.0 = ") || !strings.Contains(walk, ".1.3.6.1.2.1.6.") || !strings.Contains(walk, ".1.3.6.1.6.3.") {
			t.Errorf("a walk at %s has %d lines:\n%.2000s", at, strings.Count(walk, "\n"), walk)
		}
	}

	// A reload is one: the process stays.
	pid := property("MainPID")
	conf := r.read("/etc/netsnmp-agent/agent.conf")
	set := func(text string) {
		r.write("/etc/netsnmp-agent/agent.conf", text, 0o640)
		r.run("chown root:netsnmp-agent /etc/netsnmp-agent/agent.conf")
	}
	set(conf + "sysLocation behind the door\n")
	r.run("systemctl reload netsnmp-agent")
	if got := r.run("snmpget -v2c -c public -Oqv 127.0.0.1 1.3.6.1.2.1.1.6.0"); got != "\"behind the door\"\n" || property("MainPID") != pid {
		t.Errorf("after a reload: %s, process %s after %s", got, property("MainPID"), pid)
	}
	set(conf + "rocommunity public 127.0.0.1/8\n")
	r.run("systemctl reload netsnmp-agent")
	if got := property("StatusText"); !strings.Contains(got, "the old configuration stays: /etc/netsnmp-agent/agent.conf:") {
		t.Errorf("after the reload of a wrong file its status is %q", got)
	}

	// What is logged are entries of the journal with a field for each attribute.
	r.eventually("journalctl --output cat --no-pager FILE=/etc/netsnmp-agent/agent.conf", "configuration read again file=/etc/netsnmp-agent/agent.conf")
	r.eventually("journalctl --output json --no-pager PRIORITY=3 SYSLOG_IDENTIFIER=netsnmp-agent", `"ERROR":"/etc/netsnmp-agent/agent.conf:`)

	// With each of the drop-ins what it is for.
	r.write("/etc/netsnmp-agent/secrets", "createUser reader SHA-256 PASSPHRASE AES PASSPHRASE\nrouser reader priv\n", 0o600)
	set(conf + "includeFile /run/credentials/netsnmp-agent.service/secrets\nnetnsContexts *\nrwcommunity writer 127.0.0.1\n")
	r.run("mkdir -p " + dropIns + " && cp /usr/share/doc/netsnmp-agent/examples/*.conf " + dropIns + " && ip netns add blue")
	r.write(dropIns+"watchdog.conf", "[Service]\nWatchdogSec=3s\n", 0o644)
	r.write("/etc/systemd/system/netsnmp-agent-metrics.socket", "[Socket]\nListenStream=127.0.0.1:9161\nFileDescriptorName=metrics\nService=netsnmp-agent.service\n", 0o644)
	r.run("systemctl daemon-reload && systemctl stop netsnmp-agent.service netsnmp-agent.socket && systemctl start netsnmp-agent.socket netsnmp-agent-metrics.socket && systemctl start netsnmp-agent")
	r.eventually("curl --silent http://127.0.0.1:9161/metrics", "netstat_sockets{")
	r.run("snmpget " + asked + "127.0.0.1 1.3.6.1.2.1.1.5.0")
	r.eventually("snmpget "+asked+"-n blue -Ov 127.0.0.1 1.3.6.1.2.1.1.1.0", "network namespace blue")
	r.run("ip netns add red && ip -n red link add inred type veth peer name other")
	r.eventually("snmpwalk "+asked+"-n red -Oqv 127.0.0.1 1.3.6.1.2.1.31.1.1.1.1", `"inred"`)
	r.run("snmpset -v2c -c writer 127.0.0.1 1.3.6.1.2.1.4.2.0 i 42 1.3.6.1.2.1.31.1.1.1.18.1 s hello")
	if got := r.run("cat /proc/sys/net/ipv4/ip_default_ttl; ip link show lo"); !strings.HasPrefix(got, "42\n") || !strings.Contains(got, "alias hello") {
		t.Errorf("what was written is not there: %s", got)
	}
	// Port 161 is systemd's as well, which is another user's process.
	r.eventually("snmpget -v2c -c public -Oqv 127.0.0.1 1.3.6.1.2.1.6.20.1.4.1.4.0.0.0.0.161", "1\n")

	// One that does not answer is ended by the watchdog, and its successor answers. It is let go on for the signal that
	// ends it: a request that it takes then is lost, and asked again.
	pid = property("MainPID")
	r.run("kill -STOP " + pid)
	r.run("snmpget -v2c -c public -r 60 -t 5 127.0.0.1 1.3.6.1.2.1.1.5.0")
	r.eventually("systemctl show --property NRestarts --value netsnmp-agent.service", "1")
	r.eventually("systemctl is-active netsnmp-agent.service", "active")
	if got := property("MainPID"); got == pid || property("NRestarts") != "1" {
		t.Errorf("process %s after %s, %s restarts", got, pid, property("NRestarts"))
	}
	if got := r.run("journalctl --unit netsnmp-agent --output cat --no-pager"); !strings.Contains(got, "Watchdog timeout") {
		t.Errorf("the journal tells of no watchdog:\n%s", got)
	}
	// It still answers after the interval: the watchdog is told.
	r.run("sleep 4 && snmpget -v2c -c public 127.0.0.1 1.3.6.1.2.1.1.5.0")
	if got := property("NRestarts"); got != "1" {
		t.Errorf("%s restarts of an agent that answers", got)
	}

	// An upgrade exchanges what runs.
	pid = property("MainPID")
	r.run("dpkg -i --force-confold /packages/netsnmp-agent_" + version + "-1_amd64.deb")
	r.run("snmpget " + asked + "127.0.0.1 1.3.6.1.2.1.1.5.0")
	if got := property("MainPID"); got == pid || property("ActiveState") != "active" {
		t.Errorf("after an upgrade process %s after %s runs, %s", got, pid, property("ActiveState"))
	}
	r.run("dpkg -r netsnmp-agent")
	if got, err := r.try("systemctl is-active netsnmp-agent.service netsnmp-agent.socket"); err == nil {
		t.Errorf("after the removal: %s", got)
	}
}

// TestProbe runs the unit that asks other hosts, with a credential, a socket that is passed and a watchdog.
func TestProbe(t *testing.T) {
	r := copyOfRoot(t)
	r.bring("*_amd64.deb")
	r.run("dpkg -i /packages/netsnmp-agent_*.deb")
	r.boot()
	property := func(name string) string {
		return strings.TrimSpace(r.run("systemctl show --property " + name + " --value netsnmp-probe.service"))
	}
	const scrape = "curl --silent --show-error 'http://127.0.0.1:9116/probe?target=127.0.0.1'"

	// As it is installed it asks as public, and nobody but this host reaches it.
	r.run("systemctl start netsnmp-agent.socket netsnmp-probe.service")
	if got := property("StatusText"); got != "probes at 127.0.0.1:9116" {
		t.Errorf("its status is %q", got)
	}
	r.eventually(scrape, `snmp_scrape_table_success{module="if_mib",table="ifTable"} 1`)
	for line, want := range map[string]string{"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"} {
		if got := r.run("grep '^" + line + ":' /proc/" + property("MainPID") + "/status"); strings.Fields(got)[1] != want {
			t.Errorf("%s, want %s", got, want)
		}
	}

	// The credential says as whom it asks, and a socket is systemd's.
	r.write("/etc/netsnmp-agent/targets.yml", "auths:\n  here: {community: other}\ntargets:\n- {match: [127.0.0.1], auth: here}\n", 0o600)
	r.write("/etc/netsnmp-agent/agent.conf", r.read("/etc/netsnmp-agent/agent.conf")+"rocommunity other 127.0.0.1\n", 0o640)
	r.run("chown root:netsnmp-agent /etc/netsnmp-agent/agent.conf")
	r.write("/etc/systemd/system/netsnmp-probe.socket", "[Socket]\nListenStream=127.0.0.1:9117\n", 0o644)
	r.write("/etc/systemd/system/netsnmp-probe.service.d/watchdog.conf", "[Service]\nWatchdogSec=3s\n", 0o644)
	r.run("systemctl daemon-reload && systemctl stop netsnmp-probe.service && systemctl restart netsnmp-agent.service && systemctl start netsnmp-probe.socket")
	const passed = "curl --silent --show-error 'http://127.0.0.1:9117/probe?target=127.0.0.1'"
	r.eventually(passed, `snmp_scrape_table_success{module="if_mib",table="ifTable"} 1`)
	r.eventually("systemctl is-active netsnmp-probe.service", "active")

	// It is told that all is well, for longer than the watchdog waits, and with a reload of whatever there is.
	r.run("systemctl reload netsnmp-probe.service && sleep 7 && " + passed)
	if got := property("NRestarts"); got != "0" {
		t.Errorf("%s restarts of a probe that answers", got)
	}
	// One that accepts no longer is ended, and the scrape that waits in the socket is its successor's.
	pid := property("MainPID")
	r.run("kill -STOP " + pid)
	r.eventually("systemctl show --property NRestarts --value netsnmp-probe.service", "1")
	r.eventually(passed, `snmp_scrape_table_success{module="if_mib",table="ifTable"} 1`)
	if got := property("MainPID"); got == pid {
		t.Errorf("process %s still runs", got)
	}
}

// TestUnderSnmpd runs the unit for those who keep snmpd beside the snmpd of this system.
func TestUnderSnmpd(t *testing.T) {
	for _, tool := range []string{"snmpget", "snmpwalk", "snmpd"} {
		nstest.NeedsProgram(t, tool)
	}
	r := copyOfRoot(t)
	r.bring("*_amd64.deb")
	r.run("dpkg -i /packages/netsnmp-agent_*.deb")
	r.write("/etc/snmp/snmpd.conf", "agentaddress 127.0.0.1\nrocommunity public 127.0.0.1\nmaster agentx\nagentXPerms 0660 0755 root netsnmp-agent\n", 0o600)
	r.run("chown Debian-snmp /etc/snmp/snmpd.conf")
	r.boot()
	r.run("systemctl start snmpd.service && systemctl start netsnmp-agent-agentx.service")
	const stack = "snmpwalk -v2c -c public -On 127.0.0.1 1.3.6.1.2.1.31.1.2.1.3" // ifStackStatus, which snmpd has not
	r.eventually(stack, ".1.3.6.1.2.1.31.1.2.1.3.0.1 = INTEGER: 1")
	r.run("snmpget -v2c -c public 127.0.0.1 1.3.6.1.4.1.2021.10.1.3.1") // the master's own
	if got := r.run("systemctl show --property StatusText --value netsnmp-agent-agentx.service"); got != "subagent of the AgentX master at unix:/var/agentx/master\n" {
		t.Errorf("its status is %q", got)
	}
	// A master that starts anew has it again.
	r.run("systemctl restart snmpd.service")
	r.eventually(stack, ".1.3.6.1.2.1.31.1.2.1.3.0.1 = INTEGER: 1")
	if got := r.run("systemctl show --property NRestarts --value netsnmp-agent-agentx.service"); got != "0\n" {
		t.Errorf("%s restarts", got)
	}
	// What was seen was ours.
	r.run("systemctl stop netsnmp-agent-agentx.service")
	r.eventually(stack, "No Such")
}
