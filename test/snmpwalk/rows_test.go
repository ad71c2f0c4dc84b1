package snmpwalk_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/golangsnmp/gomib/mib"
	"github.com/gosnmp/gosnmp"
)

// row makes names and values of a row for snmpset.
func row(entry, index string, values ...string) (variables []string) {
	for i := 0; i < len(values); i += 3 {
		variables = append(variables, entry+"."+values[i]+"."+index, values[i+1], values[i+2])
	}
	return variables
}

// TestWriteRows holds that snmpset makes, suspends and destroys routes, neighbours and addresses, as an agent of its own
// and by snmpd, which sends the columns of a row by themselves; and that what it is refused is not there.
func TestWriteRows(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		if !s.subagent {
			s.agent.signal(t, syscall.SIGTERM)
			s.agent.exit(t)
			s.agent = startEmbedded(t, s.NS, "--config", writeConfig(t, "rocommunity public", "rocommunity6 public", "rwcommunity private"))
		}
		set := func(why string, variables ...string) {
			t.Helper()
			r := s.run(t, "snmpset", ask("2c", "private", "udp", variables...)...)
			if (r.status == 0) != (why == "") || !strings.Contains(r.complaints, why) {
				t.Errorf("snmpset %q: %s, want %q", variables, r.complaints, why)
			}
		}
		says := func(want string, args ...string) {
			t.Helper()
			if got := strings.Join(strings.Fields(s.Run(t, "ip", args...)), " "); got != want {
				t.Errorf("ip %s: %q, want %q", strings.Join(args, " "), got, want)
			}
		}
		const first, second, hole = "1.4.10.77.0.0.16.2.0.0.1.4.192.0.2.2", "1.4.10.77.0.0.16.2.0.0.1.4.192.0.2.9", "1.4.10.78.0.0.16.2.0.0.0.0"
		route := []string{"route", "show", "10.77.0.0/16"}
		set("", row(inetCidrRouteEntry, first, "7", "i", "11", "8", "i", "4", "17", "i", "4")...)
		says("10.77.0.0/16 via 192.0.2.2 dev v0 proto static", route...)
		set("inconsistentValue", row(inetCidrRouteEntry, first, "17", "i", "4", "7", "i", "11", "8", "i", "4")...)
		set("", slices.Concat(row(inetCidrRouteEntry, second, "17", "i", "4", "7", "i", "11", "8", "i", "4"), row(inetCidrRouteEntry, hole, "8", "i", "5", "7", "i", "0", "17", "i", "4"))...)
		says("10.77.0.0/16 proto static nexthop via 192.0.2.2 dev v0 weight 1 nexthop via 192.0.2.9 dev v0 weight 1", route...)
		says("blackhole 10.78.0.0/16 proto static", "route", "show", "10.78.0.0/16")
		set("", slices.Concat(row(inetCidrRouteEntry, first, "17", "i", "2"), row(inetCidrRouteEntry, hole, "17", "i", "6"))...)
		says("10.77.0.0/16 via 192.0.2.9 dev v0 proto static", route...)
		says("", "route", "show", "10.78.0.0/16")
		if v := s.client(t).get(t, parseOID(t, inetCidrRouteEntry+".17."+first)); v.value != "2" {
			t.Errorf("out of service: %v", v)
		}
		set("", row(inetCidrRouteEntry, first, "17", "i", "1")...)
		set("commitFailed", slices.Concat(row(inetCidrRouteEntry, second, "17", "i", "6"),
			row(inetCidrRouteEntry, "1.4.10.79.0.0.16.2.0.0.1.4.203.0.113.200", "17", "i", "4", "7", "i", "0", "8", "i", "4"))...)
		says("10.77.0.0/16 proto static nexthop via 192.0.2.9 dev v0 weight 1 nexthop via 192.0.2.2 dev v0 weight 1", route...)
		set("", slices.Concat(row(inetCidrRouteEntry, first, "17", "i", "6"), row(inetCidrRouteEntry, second, "17", "i", "6"))...)
		says("", route...)

		neighbour := []string{"neigh", "show", "192.0.2.77"}
		set("", row(ipNetToPhysicalEntry, "11.1.4.192.0.2.77", "4", "x", "020000000077", "8", "i", "4")...)
		says("192.0.2.77 dev v0 lladdr 02:00:00:00:00:77 PERMANENT", neighbour...)
		set("wrongValue", row(ipNetToPhysicalEntry, "11.1.4.192.0.2.77", "4", "x", "020000000078", "6", "i", "5")...)
		set("", row(ipNetToPhysicalEntry, "11.1.4.192.0.2.77", "4", "x", "020000000078")...)
		says("192.0.2.77 dev v0 lladdr 02:00:00:00:00:78 PERMANENT", neighbour...)
		set("", row(ipNetToPhysicalEntry, "11.1.4.192.0.2.77", "6", "i", "2")...)
		says("", neighbour...)

		// By gosnmp as well, in another order.
		c := s.client(t)
		c.Community = "private"
		const address = "1.4.192.0.2.77"
		request := []gosnmp.SnmpPDU{
			{Name: ipAddressEntry + ".10." + address, Type: gosnmp.Integer, Value: 4},
			{Name: ipAddressEntry + ".3." + address, Type: gosnmp.Integer, Value: 11},
		}
		for _, want := range []gosnmp.SNMPError{gosnmp.NoError, gosnmp.InconsistentValue} {
			if answer, err := c.Set(request); err != nil || answer.Error != want {
				t.Errorf("gosnmp: %v, %v, want %v", answer, err, want)
			}
		}
		if got := s.Run(t, "ip", "addr", "show", "dev", "v0"); !strings.Contains(got, "inet 192.0.2.77/24 scope global secondary v0") {
			t.Errorf("the address is not there: %s", got)
		}
		if answer, err := c.Set([]gosnmp.SnmpPDU{{Name: ipAddressEntry + ".10." + address, Type: gosnmp.Integer, Value: 6}}); err != nil || answer.Error != gosnmp.NoError {
			t.Errorf("gosnmp: %v, %v", answer, err)
		}
		if got := s.Run(t, "ip", "addr", "show", "dev", "v0"); strings.Contains(got, "192.0.2.77") {
			t.Errorf("the address is there: %s", got)
		}
	})
}

// TestNotWritable holds for every object of the kernel's that it is notWritable without CAP_NET_ADMIN, though a view and a
// principal allow it. Settings of IP can be written by root besides, which the kernel asks for no capability.
func TestNotWritable(t *testing.T) {
	needsTools(t)
	s := newScene(t)
	file := writeConfig(t, "rwcommunity public")
	if err := os.Chmod(filepath.Dir(filepath.Dir(file)), 0o755); err != nil { // nobody reads it too
		t.Fatal(err)
	}
	const settings = 5
	objects := [][]string{
		{"1.3.6.1.2.1.4.1.0", "i", "1"}, {"1.3.6.1.2.1.4.2.0", "i", "77"}, {"1.3.6.1.2.1.4.25.0", "i", "1"}, {"1.3.6.1.2.1.4.26.0", "i", "78"},
		{"1.3.6.1.2.1.4.30.1.5.11", "i", "2"}, // ipv6InterfaceEnableStatus
		{ifEntry + ".7.11", "i", "2"}, {ifXEntry + ".16.11", "i", "1"}, {ifXEntry + ".18.11", "s", "mine"},
		row(inetCidrRouteEntry, "1.4.10.77.0.0.16.2.0.0.1.4.192.0.2.2", "7", "i", "11", "8", "i", "4", "17", "i", "4"),
		row(ipNetToPhysicalEntry, "11.1.4.192.0.2.77", "4", "x", "020000000077", "8", "i", "4"),
		row(ipNetToPhysicalEntry, "11.1.4.192.0.2.2", "8", "i", "6"),
		row(ipAddressEntry, "1.4.192.0.2.77", "3", "i", "11", "10", "i", "4"),
		row(ipAddressEntry, "1.4.192.0.2.1", "10", "i", "6"),
	}
	probe := start(t, s.NS, program, "--config", file, "--listen", "udp:127.0.0.1:"+port)
	probe.await(t, "try: ", 1)
	c := s.client(t)
	for _, state := range []string{tcpConnectionEntry + ".7", tcpConnEntry + ".1"} {
		all := c.walk(t, parseOID(t, state), 50)
		established := slices.IndexFunc(all, func(v variable) bool { return v.value == "5" })
		if established < 0 {
			t.Fatalf("the scene has no connection in %s", state)
		}
		objects = append(objects, []string{all[established].name.String(), "i", "12"})
	}
	probe.signal(t, syscall.SIGTERM)
	probe.exit(t)
	// The list has every object that is written and not the agent's own.
	m, access, table := loadMIBs(t), maxAccess(t), tableOf(t)
	for _, o := range list(t, "--modules", "IF-MIB,IP-MIB,IP-FORWARD-MIB,TCP-MIB,UDP-MIB") {
		_, notByColumn := notWritten[o.name]
		_, notByTable := notWritten[table(o.name)]
		if a := access[o.name]; a != mib.AccessReadWrite && a != mib.AccessReadCreate || notByColumn || notByTable || o.name == "ifLinkUpDownTrapEnable" || o.name == "ipAddressSpinLock" {
			continue
		}
		listed := o.oid // of a table whose rows are made that of its entry
		if object := m.Object(o.name); object != nil && object.Access() == mib.AccessReadCreate {
			listed = object.OID()[:len(object.OID())-1].String()
		}
		if !slices.ContainsFunc(objects, func(variables []string) bool { return strings.HasPrefix(variables[0]+".", listed+".") }) {
			t.Errorf("%s is not in the test's list", o.name)
		}
	}
	for i, options := range [][]string{{"--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"}, {"--bounding-set=-net_admin", "--inh-caps=-net_admin"}} {
		p := start(t, s.NS, "setpriv", append(options, program, "--config", file, "--listen", "udp:127.0.0.1:"+port)...)
		p.await(t, "try: ", 1)
		for _, variables := range objects[i*settings:] {
			if r := s.run(t, "snmpset", ask("2c", "public", "udp", variables...)...); !strings.Contains(r.complaints, "notWritable") {
				t.Errorf("setpriv %q: snmpset %q: %s%s", options, variables, r.out, r.complaints)
			}
		}
		p.signal(t, syscall.SIGTERM)
		p.exit(t)
	}
}
