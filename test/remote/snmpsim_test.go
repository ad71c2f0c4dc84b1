package remote_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

func itoa(n int) string { return strconv.Itoa(n) }

func batch(t *testing.T, commands interface{ String() string }) {
	t.Helper()
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(commands.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip -batch: %v: %s", err, out)
	}
}

// TestSimulatedDevices reads the recorded devices of testdata, each a community
// of snmpsim's.
func TestSimulatedDevices(t *testing.T) {
	if !inside(t) {
		return
	}
	nstest.NeedsProgram(t, "snmpsimd")
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for _, d := range []string{dir, data, filepath.Join(dir, "cache")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	// t.TempDir's parent is root's alone.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("no devices: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(data, filepath.Base(f)), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sim := func(port string, more ...string) string {
		start(t, nil, "snmpsimd", append([]string{
			"--process-user=nobody", "--process-group=nogroup", "--data-dir=" + data, "--cache-dir=" + filepath.Join(dir, "cache"),
			"--agent-udpv4-endpoint=127.0.0.1:" + port, "--logging-method=stderr",
		}, more...)...)
		return "127.0.0.1:" + port
	}
	plain, capped := sim("1162"), sim("1163", "--max-varbinds=7")
	device := func(address, community string) *remote.Stack {
		c := config(address)
		c.Community = remote.Secret(community)
		return open(t, c)
	}
	ctx := t.Context()

	for _, address := range []string{plain, capped} {
		old := device(address, "old-router")
		links := collect(t, old.Interfaces(ctx))
		if len(links) != 3 || links[0].Name != "Ethernet0" || links[1].Name != "Serial0" || links[2].Name != "Null0" ||
			links[0].Address.String() != "00:00:0c:01:02:03" || !links[0].Up().Or(false) || links[1].OperState != netstat.Known(netstat.OperDown) {
			t.Errorf("interfaces %+v", links)
		} else if c := links[0].Counters; c.InOctets.Or(0) != 4000000000 || c.InPackets.Or(0) != 1000+20 || c.OutPackets.Or(0) != 900+10 || c.InErrors.Or(0) != 3 {
			t.Errorf("counters %+v", c)
		}
		routes, err := gather(old.Routes(ctx, netstat.RouteQuery{}))
		var got []string
		for _, r := range routes {
			got = append(got, fmt.Sprint(r.Destination, " via ", r.Gateway, " dev ", r.Interface, " ", r.Protocol))
		}
		want := "0.0.0.0/0 via 198.51.100.2 dev 2 3|192.0.2.0/24 via invalid IP dev 1 2|203.0.113.0/26 via 192.0.2.254 dev 1 189"
		want = strings.ReplaceAll(want, " dev 2 3|", " dev 2 4|") // netmgmt(3) is Linux's static
		if strings.Join(got, "|") != want || !isNotSupported(err, "inetCidrRouteTable") {
			t.Errorf("routes\n got %s\nwant %s\nerror %v", strings.Join(got, "|"), want, err)
		}
		sockets, err := gather(old.Sockets(ctx, netstat.SocketQuery{}))
		if len(sockets) != 4 || !isNotSupported(err, "tcpConnectionTable") || !isNotSupported(err, "udpEndpointTable") {
			t.Errorf("sockets %+v, %v", sockets, err)
		}
		addresses, err := gather(old.Addresses(ctx))
		if len(addresses) != 1 || addresses[0].Prefix.String() != "192.0.2.1/24" || !isNotSupported(err, "ipAddressTable") {
			t.Errorf("addresses %+v, %v", addresses, err)
		}
		neighbours, err := gather(old.Neighbours(ctx))
		if len(neighbours) != 1 || neighbours[0].Address.String() != "192.0.2.254" || neighbours[0].LinkAddress.String() != "00:00:0c:09:09:09" ||
			!isNotSupported(err, "ipNetToPhysicalTable") {
			t.Errorf("neighbours %+v, %v", neighbours, err)
		}
		tcp, err := old.TCPStatistics(ctx)
		if err != nil || tcp.ActiveOpens.Or(0) != 17 || tcp.OutRsts.IsKnown() {
			t.Errorf("TCP's counters %+v, %v", tcp, err)
		}
	}

	// One that fails in the midst of a table.
	rows, err := gather(device(plain, "failing").Interfaces(ctx))
	if err == nil || !strings.Contains(err.Error(), "read ifTable") || !strings.Contains(err.Error(), "cut short after ifDescr.1:") {
		t.Errorf("%d rows, %v", len(rows), err)
	}

	// One that takes its time for each object.
	c := config(plain)
	c.Community, c.Timeout, c.Retries = "slow", 300*time.Millisecond, netstat.Known(40)
	if links := collect(t, open(t, c).Interfaces(ctx)); len(links) != 2 {
		t.Errorf("the slow device has %d interfaces", len(links))
	}
}
