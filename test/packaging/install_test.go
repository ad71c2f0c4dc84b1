package packaging_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// older makes a package an earlier one, in which files say other things.
func (r *root) older(deb string, files map[string]string) string {
	r.t.Helper()
	dir := filepath.Join(r.t.TempDir(), "package")
	command(r.t, "dpkg-deb", "-R", deb, dir)
	control := filepath.Join(dir, "DEBIAN/control")
	text, err := os.ReadFile(control)
	if err != nil {
		r.t.Fatal(err)
	}
	before := strings.ReplaceAll(string(text), version+"-1", "0.0.1-1")
	if before == string(text) {
		r.t.Fatalf("no version: %s", text)
	}
	if err := os.WriteFile(control, []byte(before), 0o644); err != nil {
		r.t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	to := r.path("/packages/older-" + filepath.Base(deb))
	command(r.t, "dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", dir, to)
	return strings.TrimPrefix(to, r.dir)
}

// bring puts the packages into the system.
func (r *root) bring(pattern string) {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(packages(r.t), pattern))
	if err != nil || len(found) == 0 {
		r.t.Fatal(pattern, err)
	}
	if err := os.MkdirAll(r.path("/packages"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	for _, path := range found {
		command(r.t, "cp", path, r.path("/packages/"))
	}
}

// TestDebian installs, upgrades, removes and purges, over the net-tools and conntrack that this system has.
func TestDebian(t *testing.T) {
	r := copyOfRoot(t)
	nstest.NeedsProgram(t, "dpkg-deb")
	r.run("dpkg-query -W net-tools conntrack")
	r.bring("*_amd64.deb")
	r.bring("*_all.deb")
	dist := packages(t)
	theirs := map[string]string{} // what the names are before
	for _, name := range []string{"/usr/bin/netstat", "/usr/sbin/conntrack", "/usr/share/man/man8/netstat.8.gz", "/usr/share/man/man8/conntrack.8.gz"} {
		theirs[name] = sum(t, r.path(name))
	}
	ours := "netsnmp-agent netsnmp-tools netsnmp-netstat netsnmp-conntrack"
	old := []string{r.older(filepath.Join(dist, "netsnmp-agent_"+version+"-1_amd64.deb"), map[string]string{
		"etc/netsnmp-agent/agentx.conf": "# of long ago\n", "usr/share/doc/netsnmp-agent/gone": "x",
	})}
	for _, name := range []string{"netsnmp-tools_" + version + "-1_amd64.deb", "netsnmp-netstat_" + version + "-1_all.deb", "netsnmp-conntrack_" + version + "-1_all.deb"} {
		old = append(old, r.older(filepath.Join(dist, name), nil))
	}
	r.run("dpkg -i " + strings.Join(old, " "))
	if got := r.run("stat -c '%U:%G %a' /etc/netsnmp-agent/agent.conf"); got != "root:netsnmp-agent 640\n" {
		t.Errorf("the configuration is of %s", got)
	}
	written := r.read("/etc/netsnmp-agent/agent.conf") + "sysLocation here\n"
	r.write("/etc/netsnmp-agent/agent.conf", written, 0o640)
	r.run("chown root:netsnmp-agent /etc/netsnmp-agent/agent.conf; mkdir -p /var/lib/netsnmp-agent; touch /var/lib/netsnmp-agent/state.json")

	r.run("dpkg -i /packages/netsnmp-*.deb")
	for _, name := range strings.Fields(ours) {
		if got := r.run("dpkg-query -W -f '${Version} ${Status}' " + name); got != version+"-1 install ok installed" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := r.read("/etc/netsnmp-agent/agent.conf"); got != written {
		t.Error("an upgrade changed what the administrator wrote")
	}
	if got := r.read("/etc/netsnmp-agent/agentx.conf"); strings.Contains(got, "long ago") {
		t.Error("an upgrade left the old configuration, which nobody changed")
	}
	if got := r.run("stat -c '%U:%G %a' /etc/netsnmp-agent/agentx.conf"); got != "root:netsnmp-agent 640\n" {
		t.Errorf("after the upgrade the configuration is of %s", got)
	}
	if exists(r.path("/usr/share/doc/netsnmp-agent/gone")) {
		t.Error("an upgrade left a file of the old package")
	}
	for program, want := range map[string]string{
		"netstat": "netstat " + version, "conntrack": "conntrack " + version, "nettop": "nettop " + version, "netsnmp-agent": "netsnmp-agent " + version,
		"netstat.net-tools": "net-tools 2", "conntrack.conntrack": "conntrack v1",
	} {
		if got, _ := r.try(program + " --version"); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", program, got, want)
		}
	}
	// Their packages may be upgraded while ours is there: the names stay ours. An archive of theirs is made of what is installed.
	r.run(`mkdir -p /again/DEBIAN /again/bin && printf 'Package: net-tools\nVersion: 99\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n' >/again/DEBIAN/control &&
		echo theirs >/again/bin/netstat && dpkg-deb -b /again /packages/theirs.deb`)
	r.run("dpkg --force-depends -i /packages/theirs.deb")
	if got := r.read("/usr/bin/netstat.net-tools"); got != "theirs\n" {
		t.Errorf("an upgrade of net-tools has its netstat elsewhere: %.40q", got)
	}
	if got := r.run("netstat --version"); !strings.HasPrefix(got, "netstat "+version) {
		t.Errorf("after an upgrade of net-tools netstat is %q", got)
	}
	theirs["/usr/bin/netstat"] = sum(t, r.path("/usr/bin/netstat.net-tools"))
	delete(theirs, "/usr/share/man/man8/netstat.8.gz") // which that version has not

	r.run("dpkg -r " + ours)
	for name, was := range theirs {
		if sum(t, r.path(name)) != was {
			t.Errorf("%s is not what it was", name)
		}
	}
	if !exists(r.path("/etc/netsnmp-agent/agent.conf")) || !exists(r.path("/var/lib/netsnmp-agent/state.json")) {
		t.Error("a removal is no purge")
	}
	r.run("dpkg -P " + ours)
	if got := r.run("dpkg-divert --list"); strings.Contains(got, "netsnmp") {
		t.Errorf("diversions are left: %s", got)
	}
	// The layer has every file that was made; those of the package manager and the user's own account are not the packages'.
	err := filepath.WalkDir(r.upper, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, r.upper)
		if err != nil || name == "/packages" {
			return fs.SkipDir
		}
		if info, err := e.Info(); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
			return nil // stands for a file that is gone
		}
		if strings.Contains(name, "netsnmp") || strings.Contains(name, "nettop") {
			t.Errorf("a purge left %s", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRPM installs and erases the packages of the other kind.
func TestRPM(t *testing.T) {
	nstest.NeedsProgram(t, "rpm")
	r := copyOfRoot(t)
	r.bring("*.x86_64.rpm")
	r.bring("*.noarch.rpm")
	for name, other := range map[string]string{"netsnmp-netstat": "net-tools", "netsnmp-conntrack": "conntrack-tools"} {
		path := "/packages/" + name + "-" + version + "-1.noarch.rpm"
		if got := r.run("rpm -qp --conflicts " + path); strings.TrimSpace(got) != other {
			t.Errorf("%s conflicts with %q", name, got)
		}
		if got := r.run("rpm -qp --requires " + path); !strings.Contains(got, "netsnmp-tools = "+version+"-1") {
			t.Errorf("%s requires %q", name, got)
		}
	}
	r.run("rpm --initdb && rpm -i --force-debian --nodeps /packages/netsnmp-agent-*.rpm /packages/netsnmp-tools-*.rpm")
	if got := r.run("stat -c '%U:%G %a' /etc/netsnmp-agent/agent.conf"); got != "root:netsnmp-agent 640\n" {
		t.Errorf("the configuration is of %s", got)
	}
	if got := r.run("netsnmp-agent --version && nettop --version"); got != "netsnmp-agent "+version+"\nnettop "+version+" (netsnmp-agent)\n" {
		t.Errorf("the programs say %q", got)
	}
	if got := r.run("rpm -q --configfiles netsnmp-agent"); got != "/etc/netsnmp-agent/agent.conf\n/etc/netsnmp-agent/agentx.conf\n/etc/netsnmp-agent/targets.yml\n" {
		t.Errorf("configuration files: %q", got)
	}
	if got, err := r.try("rpm -V --nodeps netsnmp-agent netsnmp-tools"); err != nil || got != "" {
		t.Errorf("it is not as the package has it: %v, %s", err, got)
	}
	r.run("rpm -e --force-debian netsnmp-agent netsnmp-tools")
	for _, name := range []string{"/usr/sbin/netsnmp-agent", "/usr/bin/nettop", "/usr/lib/systemd/system/netsnmp-agent.service"} {
		if exists(r.path(name)) {
			t.Errorf("%s is left", name)
		}
	}
}
