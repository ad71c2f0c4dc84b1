package remote_test

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmptest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// serve answers from declarations until the test ends.
func serve(t *testing.T, nodes ...mib.Node) (address string) {
	t.Helper()
	tree := snmptest.Tree(t, mib.TreeOptions{}, nodes...)
	at := snmptest.Serve(t, snmp.Options{Handler: tree, Communities: []snmp.Community{snmptest.Public()}}, snmptest.Local(snmp.UDP))
	return at[0].String()
}

func rowsOf[T any](rows ...T) *fresh.Source[[]T] {
	return fresh.New(func(context.Context) ([]T, error) { return rows, nil })
}

// What an agent does not tell is no zero: an interface without ifAdminStatus is
// shown, its flags unknown, and an address without a prefix has the mask of
// ipAddrTable, or none.
func TestUnknownIsNotZero(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	interfaces := rowsOf(netstat.Interface{Index: 7, Name: "port7", HardwareType: netstat.Known[uint16](1), UnknownFlags: ^netstat.InterfaceFlags(0)},
		netstat.Interface{Index: 8, Name: "port8", HardwareType: netstat.Known[uint16](1)})
	address := func(text string, bits int) netstat.Address {
		return netstat.Address{Interface: 7, Prefix: netip.PrefixFrom(netip.MustParseAddr(text), bits)}
	}
	host := serve(t, ifmib.Interfaces().Bind(interfaces), ifmib.Extensions().Bind(interfaces),
		ipmib.Addresses().Bind(rowsOf(address("198.51.100.1", -1), address("198.51.100.2", 25), address("198.51.100.3", -1))),
		rfc1213mib.Addresses().Bind(rowsOf(address("198.51.100.1", 30), address("198.51.100.2", 24))))
	conf := filepath.Join(t.TempDir(), "snmp.conf")
	if err := os.WriteFile(conf, []byte("defCommunity public\ntimeout 10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := buildProgram(t, "netstat")
	show := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(program, append(args, "--snmp-config", conf, "--host", host)...).Output()
		if err != nil {
			t.Logf("%v: %v", args, err) // of IPv6 nobody tells
		}
		return string(out)
	}
	if out := show("-in", "--json"); !strings.Contains(out, `"name":"port7"`) || strings.Contains(out, `"name":"port8"`) || strings.Contains(out, `"mtu"`) ||
		!strings.Contains(out, `"unknownFlags":["up",`) || strings.Contains(out, `"rx_`) {
		t.Errorf("%s", out)
	}
	for line := range strings.Lines(show("-in")) {
		if strings.HasPrefix(line, "port7") && !strings.HasSuffix(strings.TrimSpace(line), " -") {
			t.Errorf("the flags of port7 are known: %s", line)
		}
	}
	out := show("-ien")
	for _, want := range []string{"inet 198.51.100.1  netmask 255.255.255.252", "inet 198.51.100.2  netmask 255.255.255.128", "inet 198.51.100.3  netmask -"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
}
