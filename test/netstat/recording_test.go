package netstat_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// Every mode shows of a recording what it showed of the kernel: values do not
// move in the scene between two looks that are the same, with the recording in
// between.
func TestRecording(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	n.IP(t, "nexthop add id 1 via 192.0.2.2 dev a0", "route add 10.50.0.0/16 nhid 1",
		"rule add from 10.0.0.0/8 table 100 priority 9", "route add 10.60.0.0/16 dev a0 table 100",
		"neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent", "neigh add proxy 192.0.2.77 dev a0")
	unixSocket(t, n, unix.SOCK_STREAM, "stream", 1)
	n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	dir := t.TempDir()
	for _, mode := range []string{
		"-tuan", "-tan", "-uan", "-tulpn", "-tanee", "-tan --buffers", "-tan --filter port=8080", "-tan --sort -localPort",
		"-xan", "-Lnp", "-Bn", "-in", "-ien", "-I a0 -n", "-rn", "-rn6", "-rneen --table all",
		"-gn", "-sn --tcp", "--addresses", "--neighbours", "--rules", "--nexthops", "--qdiscs",
		"-tln --json", "-in --json", "-rn --json", "-Lnp --json",
	} {
		t.Run(mode, func(t *testing.T) {
			args := strings.Fields(mode)
			eventually(t, func() string {
				file := filepath.Join(dir, "scene.rec")
				if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				before := try(t, n, args...)
				if r := try(t, n, "--record", file); r.status != 0 || r.out != "" {
					t.Fatalf("--record: status %d: %s%s", r.status, r.complaints, r.out)
				}
				after := try(t, n, args...)
				if before != after {
					return "the scene does not come to rest:\n" + before.out + after.out
				}
				if got := try(t, n, append(args, "--recording", file)...); got != after {
					return "the recording shows\n" + got.out + got.complaints + "the kernel\n" + after.out + after.complaints
				}
				return ""
			})
		})
	}
}

// A recording of every namespace names them, and one of them can be chosen.
func TestRecordingOfNamespaces(t *testing.T) {
	n := scene(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	other := nstest.New(t)
	other.Listen(t, "tcp4", "127.0.0.1:9090")
	file := filepath.Join(t.TempDir(), "all.rec")
	// Whatever else the machine has may go meanwhile, or be without what is read.
	if r := try(t, n, "--record", file, "--netns", "all", "--kinds", "socket,interface"); r.out != "" {
		t.Errorf("--record shows %s", r.out)
	}
	rows := decode(t, try(t, n, "--json", "-tln", "--recording", file, "--netns", "all").out)
	ports := make(map[string]string)
	for _, o := range rows {
		ports[o.text("netns")] += o.text("localPort")
	}
	if ports[n.Name] != "8080" || ports[other.Name] != "9090" {
		t.Errorf("listeners by namespace: %v", ports)
	}
	for name, port := range map[string]string{n.Name: "8080", other.Name: "9090"} {
		rows := objects(t, n, "-tln", "--recording", file, "--netns", name)
		if len(rows) != 1 || rows[0].text("localPort") != port {
			t.Errorf("%s: %v", name, rows)
		}
	}
	if r := try(t, n, "-tln", "--recording", file, "--netns", "nowhere"); r.status != 1 || !strings.Contains(r.complaints, file) || r.out != "" {
		t.Errorf("a namespace that was not recorded: %+v", r)
	}
}

// --interval adds moments until it is interrupted, and leaves a recording that
// is whole.
func TestRecordInterval(t *testing.T) {
	n := nstest.New(t)
	file := filepath.Join(t.TempDir(), "night.rec")
	record := func(moments int) {
		t.Helper()
		nstest.NeedsProgram(t, "ip")
		recorded := func() int {
			f, err := recording.Open(file)
			if err != nil {
				return 0 // it is not there yet
			}
			defer f.Close()
			return f.Len()
		}
		before := recorded()
		cmd := exec.Command("ip", "netns", "exec", n.Name, program, "--record", file, "--interval", "0.05", "--kinds", "route,socket")
		var complaints strings.Builder
		cmd.Stderr = &complaints
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() string {
			if recorded() <= before+moments { // the last one may be under way
				return "the recording does not grow: " + complaints.String()
			}
			return ""
		})
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, complaints.String())
		}
	}
	record(3)
	first := show(t, n, "-rn", "--recording", file)
	record(2) // goes on with what is there
	if got := show(t, n, "-rn", "--recording", file); got != first || first != show(t, n, "-rn") {
		t.Errorf("routes at last\n%s at first\n%s", got, first)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v beside the recording: %v", entries, err)
	}
}

// What is cut short is shown up to there and said; what is no recording is left
// as it is.
func TestRecordingFaults(t *testing.T) {
	n := nstest.New(t)
	file := filepath.Join(t.TempDir(), "cut.rec")
	n.IP(t, "route add blackhole 192.0.2.0/24")
	for range 2 {
		if r := try(t, n, "--record", file, "--kinds", "route"); r.status != 0 {
			t.Fatalf("%+v", r)
		}
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, whole[:len(whole)*3/5], 0o600); err != nil {
		t.Fatal(err)
	}
	r := try(t, n, "-rn", "--recording", file)
	if r.status != 1 || r.out != show(t, n, "-rn") || !strings.Contains(r.complaints, file) || !strings.Contains(r.complaints, "at offset") {
		t.Errorf("cut short: %+v", r)
	}
	const mine = "this was written by somebody, and is no recording\n"
	if err := os.WriteFile(file, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--recording", "--record"} {
		if r := try(t, n, flag, file); r.status != 1 || r.out != "" || !strings.Contains(r.complaints, file+": at offset 0: not a recording") {
			t.Errorf("%s of another file: %+v", flag, r)
		}
	}
	if left, err := os.ReadFile(file); err != nil || string(left) != mine {
		t.Errorf("the other file is now %q: %v", left, err)
	}
}
