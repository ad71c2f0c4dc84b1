package remote_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// oddInterface is a row of an ifTable whose agent has types of its own.
type oddInterface struct {
	index uint32
	name  string
	mtu   string
	admin int32
}

var oddInterfaces = mib.Table[oddInterface]{
	Name:  "ifTable",
	Entry: mib.MustParseOID("1.3.6.1.2.1.2.2.1"),
	Index: mib.Index(mib.IntegerIndex(mib.At(func(i *oddInterface) *uint32 { return &i.index }))),
	Columns: mib.Columns(
		mib.Column(2, "ifDescr", mib.AsOctets(mib.At(func(i *oddInterface) *string { return &i.name }))),
		mib.Column(4, "ifMtu", mib.AsOctets(mib.At(func(i *oddInterface) *string { return &i.mtu }))),
		mib.Column(7, "ifAdminStatus", mib.AsInteger(mib.At(func(i *oddInterface) *int32 { return &i.admin }))),
	),
}

// What was passed over in a host is said when the host is read, and again when its
// recording is; neither loses a row or another value by it.
func TestSkippedIsRecorded(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	host := serve(t, oddInterfaces.Bind(rowsOf(oddInterface{1, "lan1", "1500", 0}, oddInterface{2, "lan2", "jumbo", 1})))
	file := filepath.Join(t.TempDir(), "odd.rec")
	program := buildProgram(t, "netstat")
	run := func(args ...string) (rows []string, said string, status int) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "SNMP_COMMUNITY=public")
		var out, complaints strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &complaints
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			var o map[string]any
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%v: %v", args, err)
			}
			rows = append(rows, fmt.Sprint(o["name"], " ", o["mtu"]))
		}
		return rows, complaints.String(), cmd.ProcessState.ExitCode()
	}
	const passed = "netstat: interfaces: read ifTable in "
	want := []string{"lan1 1500", "lan2 <nil>"}
	rows, said, status := run("-in", "--json", "--host", host)
	if !slices.Equal(rows, want) || status != 0 || !strings.HasPrefix(said, passed) {
		t.Errorf("the host: status %d, %q, %s", status, rows, said)
	}
	// What was passed over is the end of what is said.
	_, passedOver, _ := strings.Cut(said, "read ifTable in ")
	for _, odd := range []string{"2 values", "ifAdminStatus.1"} {
		if !strings.Contains(passedOver, odd) {
			t.Errorf("%s is not in %q", odd, passedOver)
		}
	}
	if _, said, status = run("--record", file, "--host", host, "--kinds", "interface"); status != 0 || strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, passedOver) {
		t.Errorf("record the host: status %d, %s", status, said)
	}
	if rows, said, status = run("-in", "--json", "--recording", file); !slices.Equal(rows, want) || status != 0 || strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, passedOver) {
		t.Errorf("the recording: status %d, %q, %s", status, rows, said)
	}
}
