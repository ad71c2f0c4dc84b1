package netstat_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// mounted is a mount namespace in which a network namespace is current, and /sys/fs/bpf
// is a BPF file system.
type mounted struct{ pid int }

func mountBPF(t *testing.T, n *nstest.NS) mounted {
	t.Helper()
	nstest.NeedsProgram(t, "nsenter")
	nstest.NeedsProgram(t, "setpriv")
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	cmd := exec.Command("ip", "netns", "exec", n.Name, "unshare", "--mount", "--propagation", "private", "sleep", "300")
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, func() string {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		if err != nil || string(name) != "sleep\n" {
			return fmt.Sprintf("the process is %q, %v", name, err)
		}
		return ""
	})
	return mounted{cmd.Process.Pid}
}

// try runs a program there, as nobody or as root.
func (m mounted) try(t *testing.T, asNobody bool, args ...string) result {
	t.Helper()
	line := []string{"nsenter", "--mount", "--net", "--target", strconv.Itoa(m.pid)}
	if asNobody {
		id := strconv.Itoa(nobody)
		line = append(line, "setpriv", "--reuid="+id, "--regid="+id, "--clear-groups")
	}
	return run(t, append(line, args...))
}

// Root leaves the programs that read options where everybody may use them, and takes
// them away again.
func TestPinnedOptions(t *testing.T) {
	o := optionsScene(t)
	local := o.open(t, unix.AF_UNIX, unix.SOCK_STREAM, map[string]func(int) error{"SO_PASSCRED": settingTo(unix.SOL_SOCKET, unix.SO_PASSCRED, 1)})
	m := mountBPF(t, o.n)
	refused := func(asNobody bool, flag string, words ...string) {
		t.Helper()
		r := m.try(t, asNobody, program, flag)
		for _, word := range words {
			if r.status != 1 || !strings.Contains(r.complaints, word) || strings.Count(r.complaints, "\n") != 1 || r.out != "" {
				t.Errorf("%s says %q with status %d, without %q", flag, r.complaints+r.out, r.status, word)
			}
		}
	}
	done := func(flag, said string) {
		t.Helper()
		if r := m.try(t, false, program, flag); r.status != 0 || r.out != "" || (said == "") != (r.complaints == "") || !strings.Contains(r.complaints, said) {
			t.Errorf("%s says %q with status %d", flag, r.complaints+r.out, r.status)
		}
	}
	// untold are options of others that nobody is not told of.
	untold := func() {
		t.Helper()
		r := m.try(t, true, program, "--options", "-an", "--json")
		if r.status != 0 || !strings.Contains(r.complaints, "CAP_BPF") || !strings.Contains(r.complaints, "pinned") {
			t.Errorf("status %d, %q", r.status, r.complaints)
		}
		for inode, row := range o.rows(t, r) {
			if _, told := row["options"].(map[string]any)["SO_LINGER"]; told {
				t.Errorf("socket %s has options that nobody may see: %v", inode, row)
			}
		}
	}
	refused(false, "--pin-options", "/sys/fs/bpf", "mount -t bpf")
	done("--unpin-options", "")
	untold()
	if r := m.try(t, false, "mount", "-t", "bpf", "-o", "mode=0700", "bpf", "/sys/fs/bpf"); r.status != 0 {
		t.Fatal(r.complaints)
	}
	refused(true, "--pin-options", "permission denied")
	done("--pin-options", "chmod o+x /sys/fs/bpf")
	refused(false, "--pin-options", "/sys/fs/bpf/netstat", "already exists", "--unpin-options")
	untold()
	if r := m.try(t, false, "chmod", "o+x", "/sys/fs/bpf"); r.status != 0 {
		t.Fatal(r.complaints)
	}
	r := m.try(t, true, program, "--options", "-an", "--json")
	if r.status != 0 || r.complaints != "" {
		t.Errorf("status %d, %q", r.status, r.complaints)
	}
	rows := o.rows(t, r)
	if len(rows) != len(o.fds)-1 {
		t.Errorf("%d sockets of %d are shown", len(rows), len(o.fds)-1)
	}
	for inode, row := range rows {
		promises := promised(row.text("protocol"))
		for _, wrong := range o.wrong(o.fds[inode], row["options"].(map[string]any), promises) {
			t.Errorf("%s over %s, %s: %s", row.text("protocol"), row.text("family"), row.text("state"), wrong)
		}
	}
	for inode, row := range o.rows(t, m.try(t, true, program, "-x", "--options=changed", "-a", "--json")) {
		if o.fds[inode] != local || fmt.Sprint(row["changedOptions"]) != "[SO_PASSCRED]" {
			t.Errorf("%v", row)
		}
	}
	refused(true, "--unpin-options", "permission denied")
	done("--unpin-options", "")
	untold()
	done("--pin-options", "")
	done("--unpin-options", "")
}
