package snmpwalk_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Tables of the SNMP-TARGET-MIB and the SNMP-NOTIFICATION-MIB.
const (
	targetAddr     = "1.3.6.1.6.3.12.1.2.1"
	targetParams   = "1.3.6.1.6.3.12.1.3.1"
	notifyTable    = "1.3.6.1.6.3.13.1.1.1"
	notifyProfiles = "1.3.6.1.6.3.13.1.2.1"
	notifyFilters  = "1.3.6.1.6.3.13.1.3.1"
)

// named is a name as an index: IMPLIED.
func named(name string) string {
	var b strings.Builder
	for i := range len(name) {
		fmt.Fprintf(&b, ".%d", name[i])
	}
	return b.String()
}

// assigns are arguments of snmpset, "2 x 7f" for the columns of a row.
func assigns(table, index string, columns ...string) (args []string) {
	for _, c := range columns {
		f := strings.Fields(c)
		args = append(args, table+"."+f[0]+index, f[1], strings.Join(f[2:], " "))
	}
	return args
}

// localTrapAddress is the TAddress of trapPort on 127.0.0.1, in hexadecimal.
func localTrapAddress(t testing.TB) string {
	t.Helper()
	n, err := strconv.ParseUint(trapPort, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("7f000001%04x", n)
}

// set writes variables by snmpset, and returns what is wrong.
func (s *scene) set(t testing.TB, args ...string) string {
	t.Helper()
	r := s.runWith(t, []string{"MIBS="}, "snmpset", ask("2c", "private", "udp", append([]string{"-On"}, args...)...)...)
	if r.status == 0 {
		return ""
	}
	return r.complaints
}

// mustSet writes variables that can be written.
func (s *scene) mustSet(t testing.TB, args ...string) {
	t.Helper()
	if wrong := s.set(t, args...); wrong != "" {
		t.Fatalf("snmpset %v: %s", args, wrong)
	}
}

// TestWrittenTargets holds that notifications go where managers say, by rows of three tables that are made in one request
// or one after the other, by SNMPv2c and SNMPv3, traps and informs; that the rows last over a restart; and that
// those of the file cannot be written.
func TestWrittenTargets(t *testing.T) {
	s := newPair(t)
	const engineID = "0x80001f8804766572696669"
	d := startTrapd(t, s.NS, "createUser maker SHA-256 maplesyrup AES syrupofmaple")
	file := writeConfig(t, "rocommunity public", "rwcommunity private", "exactEngineID "+engineID,
		"createUser maker SHA-256 maplesyrup AES syrupofmaple", "trap2sink 127.0.0.1:"+trapPort+" file")
	args := []string{"--state", filepath.Join(t.TempDir(), "state"), "--config", file}
	p := startEmbedded(t, s.NS, args...)
	d.awaits(t, "file", trapV2("TRAP2", "file", 1))
	d.awaitLinks(t, s)

	address := []string{"2 o 1.3.6.1.6.1.1", "3 x " + localTrapAddress(t), "6 s all some", "7 s two"}
	// All in one request, the status of each row in another place.
	var all []string
	all = append(all, assigns(notifyTable, named("n"), "2 s all", "5 i 4")...)
	all = append(all, assigns(targetParams, named("two"), "7 i 4", "2 i 1", "3 i 2", "4 s two", "5 i 1")...)
	all = append(all, assigns(targetAddr, named("a"), append([]string{"9 i 4"}, address...)...)...)
	s.mustSet(t, all...)
	// One after the other, by another manager: the rows of an inform by SNMPv3.
	c := s.client(t)
	c.Community = "private"
	set := func(want gosnmp.SNMPError, pdus ...gosnmp.SnmpPDU) {
		t.Helper()
		r, err := c.Set(pdus)
		if err != nil || r.Error != want {
			t.Fatalf("%v: %v, %v", pdus, r, err)
		}
	}
	integer := func(table, column, index string, value int) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Name: "." + table + "." + column + index, Type: gosnmp.Integer, Value: value}
	}
	octets := func(table, column, index, value string) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Name: "." + table + "." + column + index, Type: gosnmp.OctetString, Value: value}
	}
	index := named("three")
	set(gosnmp.InconsistentName, octets(targetParams, "4", index, "maker"))
	set(gosnmp.NoError, integer(targetParams, "7", index, 5))
	set(gosnmp.InconsistentValue, integer(targetParams, "7", index, 1))
	set(gosnmp.NoError, octets(targetParams, "4", index, "maker"), integer(targetParams, "2", index, 3))
	set(gosnmp.NoError, integer(targetParams, "3", index, 2), integer(targetParams, "5", index, 3))
	set(gosnmp.InconsistentValue, integer(targetParams, "7", index, 1)) // SNMPv3 by a community
	set(gosnmp.NoError, integer(targetParams, "3", index, 3), integer(targetParams, "7", index, 1))
	set(gosnmp.InconsistentValue, integer(targetParams, "5", index, 2)) // while it is active
	set(gosnmp.NoError, octets(targetAddr, "7", index, "three"), integer(targetAddr, "9", index, 5), octets(targetAddr, "6", index, "v3"),
		octets(targetAddr, "3", index, "no address"), gosnmp.SnmpPDU{Name: "." + targetAddr + ".2" + index, Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.6.1.1"})
	set(gosnmp.InconsistentValue, integer(targetAddr, "9", index, 1))
	set(gosnmp.NoError, octets(targetAddr, "3", index, "\x7f\x00\x00\x01\x04\x8a"), integer(targetAddr, "9", index, 1))
	set(gosnmp.NoError, integer(notifyTable, "5", index, 4), octets(notifyTable, "2", index, "v3"), integer(notifyTable, "3", index, 2))

	const coldStart, linkDown, linkUp, up, down, lower = 1, 3, 4, 1, 2, 7
	want := map[string][]trap{"file": {trapV2("TRAP2", "file", coldStart)}}
	tell := func(receivers []string, number int, variables ...string) {
		for _, r := range receivers {
			form := "TRAP2"
			if strings.HasPrefix(r, "user") {
				form = "INFORM"
			}
			want[r] = append(want[r], trapV2(form, r, number, variables...))
		}
	}
	check := func() {
		t.Helper()
		for r, traps := range want {
			d.awaits(t, r, traps...)
		}
	}
	v3 := "user maker, context "
	flap := func(receivers ...string) {
		t.Helper()
		s.IP(t, "link set v0 up")
		tell(receivers, linkUp, linkVariables(11, up, up)...)
		tell(receivers, linkUp, linkVariables(12, up, up)...)
		check()
		s.IP(t, "link set v0 down")
		tell(receivers, linkDown, linkVariables(11, down, down)...)
		tell(receivers, linkDown, linkVariables(12, up, lower)...)
		check()
	}
	flap("file", "two", v3)

	// What a row is now counts at once, and over a restart.
	s.mustSet(t, assigns(targetAddr, named("a"), "9 i 2")...)
	flap("file", v3)
	s.mustSet(t, append(assigns(targetParams, named("two"), "7 i 2", "4 s second"), assigns(targetAddr, named("a"), "9 i 1", "5 i 7")...)...)
	s.mustSet(t, assigns(targetParams, named("two"), "7 i 1")...)
	walk := func() []string {
		var rows []string
		for _, table := range []string{targetAddr, targetParams, notifyTable} {
			for _, v := range s.client(t).walk(t, parseOID(t, table), 10) {
				rows = append(rows, v.String())
			}
		}
		return rows
	}
	before := walk()
	p.signal(t, syscall.SIGTERM)
	p.exit(t)
	p = startEmbedded(t, s.NS, args...)
	if after := walk(); !slices.Equal(before, after) {
		t.Errorf("it was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	tell([]string{"file", "second", v3}, coldStart)
	check()
	d.awaitLinks(t, s)
	flap("file", "second", v3)

	// The rows of the file are the file's, and stand in the place of others.
	for _, args := range [][]string{assigns(targetAddr, named("internal0"), "5 i 1"), assigns(notifyTable, named("internal0"), "5 i 6")} {
		if wrong := s.set(t, args...); !strings.Contains(wrong, "notWritable") {
			t.Errorf("%v: %s", args, wrong)
		}
	}
	for _, row := range []string{"n", "three"} {
		s.mustSet(t, assigns(notifyTable, named(row), "5 i 6")...)
	}
	flap("file")
	// A row of a manager's has the file's address and its parameters.
	s.mustSet(t, assigns(notifyTable, named("again"), "2 s internal0", "5 i 4")...)
	s.IP(t, "link set v0 up")
	eventually(t, func() string {
		if got, want := len(d.received(t, "file")), len(want["file"])+4; got != want {
			return fmt.Sprintf("%d notifications, want %d", got, want)
		}
		return ""
	})
	if strings.Contains(p.output.String(), "maplesyrup") {
		t.Error("a secret is told")
	}
}

// TestFileSecretsStay holds that a row of a manager's which names the parameters of a line of the file has nothing sent to the
// manager's address: neither the line's community nor what the keys of its user make. What the line says is sent as before.
func TestFileSecretsStay(t *testing.T) {
	s := newPair(t)
	d := startTrapd(t, s.NS, "createUser -e 0x80001f8804766572696669 teller SHA maplesyrup")
	file := writeConfig(t, "rocommunity public", "rwcommunity private", "exactEngineID 0x80001f8804766572696669", "createUser other SHA maplesyrup",
		"trap2sink -name two 127.0.0.1:"+trapPort+" twos-secret", "trapsink -name one 127.0.0.1:"+trapPort+" ones-secret",
		"trapsess -name three -v 3 -u teller -l authNoPriv -a SHA -A maplesyrup 127.0.0.1:"+trapPort)
	p := startEmbedded(t, s.NS, "--state", stateDir(t), "--config", file)
	d.awaits(t, "twos-secret", trapV2("TRAP2", "twos-secret", 1))
	d.awaitLinks(t, s)

	elsewhere := s.ListenPacket(t, "udp4", "127.0.0.1:0")
	to := elsewhere.LocalAddr().(*net.UDPAddr)
	var rows []string
	rows = append(rows, assigns(notifyTable, named("n"), "2 s mine", "5 i 4")...)
	rows = append(rows, assigns(targetParams, named("mine"), "7 i 4", "2 i 1", "3 i 2", "4 s managers", "5 i 1")...)
	for _, params := range []string{"one", "two", "three", "mine"} {
		rows = append(rows, assigns(targetAddr, named("to-"+params), "9 i 4", "2 o 1.3.6.1.6.1.1", fmt.Sprintf("3 x 7f000001%04x", to.Port), "6 s mine", "7 s "+params)...)
	}
	s.mustSet(t, rows...)
	s.IP(t, "link set v0 up")
	const linkUp, up = 4, 1
	for _, receiver := range []string{"twos-secret", "user teller, context "} {
		want := []trap{trapV2("TRAP2", receiver, 1), trapV2("TRAP2", receiver, linkUp, linkVariables(11, up, up)...), trapV2("TRAP2", receiver, linkUp, linkVariables(12, up, up)...)}
		d.awaits(t, receiver, want...)
	}
	buffer := make([]byte, 65536)
	for links := 0; links < 2; links++ { // linkUp of both, by the manager's own parameters
		if err := elsewhere.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		n, _, err := elsewhere.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(buffer[:n]); !strings.Contains(got, "managers") {
			t.Errorf("sent to an address that the file does not have: %q", got)
		}
	}
	// What came before the last may have been sent after it.
	s.IP(t, "link set v0 down")
	for links := 0; links < 2; links++ {
		n, _, err := elsewhere.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(buffer[:n]); !strings.Contains(got, "managers") {
			t.Errorf("sent to an address that the file does not have: %q", got)
		}
	}
	if said := p.output.String(); !strings.Contains(said, "are the configuration file's") || !strings.Contains(said, "to-two") {
		t.Error("it does not say that nothing is sent there")
	}
}

// TestTargetOfNewUser holds that a target of SNMPv3 whose user is made later is sent to from then on.
func TestTargetOfNewUser(t *testing.T) {
	s := newPair(t)
	const engineID = "80001f8804766572696669"
	d := startTrapd(t, s.NS, "createUser -e 0x"+engineID+" later SHA-256 maplesyrup AES syrupofmaple")
	file := writeConfig(t, "rocommunity public", "rwcommunity private", "exactEngineID 0x"+engineID,
		"createUser maker SHA-256 maplesyrup AES syrupofmaple", "trap2sink 127.0.0.1:"+trapPort+" file")
	startEmbedded(t, s.NS, "--state", filepath.Join(t.TempDir(), "state"), "--config", file)
	d.awaits(t, "file", trapV2("TRAP2", "file", 1))
	d.awaitLinks(t, s)
	index := named("later")
	s.mustSet(t, slices.Concat(
		assigns(targetParams, index, "7 i 4", "2 i 3", "3 i 3", "4 s later", "5 i 3"),
		assigns(targetAddr, index, "2 o 1.3.6.1.6.1.1", "3 x "+localTrapAddress(t), "6 s later", "7 s later", "9 i 4"),
		assigns(notifyTable, index, "2 s later", "5 i 4"))...)
	s.mustSet(t, usmUser+".2.1.13"+usmIndex(engineID, "later"), "i", "4", usmUser+".2.1.4"+usmIndex(engineID, "later"), "o", usmUser+".2.1.3"+usmIndex(engineID, "maker"))
	s.IP(t, "link set v0 up")
	const linkUp, up = 4, 1
	user := "user later, context "
	d.awaits(t, user, trapV2("TRAP2", user, linkUp, linkVariables(11, up, up)...), trapV2("TRAP2", user, linkUp, linkVariables(12, up, up)...))
}
