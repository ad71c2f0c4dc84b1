package snmpwalk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// Tables of the SNMP-COMMUNITY-MIB, and what gives a security name a group.
const (
	communityTable = "1.3.6.1.6.3.18.1.1.1"
	targetAddrExt  = "1.3.6.1.6.3.18.1.2.1"
	securityGroup  = "1.3.6.1.6.3.16.1.2.1"
)

// TestCommunities holds that managers make communities, by snmpset and by gosnmp, and say from where they are taken: at once, and over a
// restart; that who reads everything reads no community, and who is said to does; and that none is told anywhere else.
func TestCommunities(t *testing.T) {
	s := newPair(t)
	const engineID = "80001f8804636f6d6d"
	d := startTrapd(t, s.NS)
	file := writeConfig(t, "exactEngineID 0x"+engineID,
		"rocommunity public", "rocommunity6 public", "rwcommunity private", "rocommunity forbidden !127.0.0.9", "rocommunity forbidden",
		"createUser boss SHA-256 maplesyrup AES syrupofmaple",
		"view secrets included .1", "view secrets included ."+communityTable+".2", "rwuser boss priv -V secrets",
		"createUser all SHA-256 maplesyrup AES syrupofmaple", "rwuser all priv")
	args := []string{"--state", filepath.Join(t.TempDir(), "state"), "--config", file}
	p := startEmbedded(t, s.NS, args...)
	var said strings.Builder
	boss := v3User{"boss", "SHA-256", "maplesyrup", "AES", "syrupofmaple"}
	all := boss
	all.name = "all"
	as := func(u v3User, program string, more ...string) tool {
		return s.runWith(t, []string{"MIBS="}, program, append(append(append(u.args(), "-On", "-Oa"), targets["udp"]), more...)...)
	}
	// get asks for sysServices, by which nobody is told anything.
	const services = "1.3.6.1.2.1.1.7.0"
	get := func(community, transport string) bool {
		t.Helper()
		if community == "private" || community == "public" {
			t.Fatal("it is the file's")
		}
		r := s.runWith(t, []string{"MIBS="}, "snmpget", "-v2c", "-c", community, "-t", "1", "-r", "0", targets[transport], services)
		return r.status == 0 && strings.Contains(r.out, "INTEGER: 72")
	}
	expect := func(want bool, community, transport, why string) {
		t.Helper()
		if got := get(community, transport); got != want {
			// Nobody answers who is not let in: an answer that comes late looks like that.
			if !want || !get(community, transport) {
				t.Fatalf("%s over %s (%s): answered %t", community, transport, why, got)
			}
		}
	}

	// The file's, as managers read them.
	names := func(r tool) (found []string) {
		for line := range strings.Lines(r.out) {
			if name, value, _ := strings.Cut(strings.TrimSpace(line), " = STRING: "); strings.HasPrefix(name, "."+communityTable+".2.") {
				found = append(found, strings.Trim(value, `"`))
			}
		}
		return found
	}
	if got, want := names(as(boss, "snmpbulkwalk", "1.3.6.1.6.3.18")), []string{"public", "public", "private", "forbidden"}; !slices.Equal(got, want) {
		t.Errorf("who is said to reads %q, want %q", got, want)
	}
	if r := as(boss, "snmpget", communityTable+".2"+named("community1")); !strings.Contains(r.out, "public") {
		t.Errorf("who is said to gets %s%s", r.out, r.complaints)
	}
	blind := func() {
		t.Helper()
		for what, r := range map[string]tool{
			"snmpbulkwalk by a user":      as(all, "snmpbulkwalk", "1.3"),
			"snmpbulkwalk by a community": s.runWith(t, []string{"MIBS="}, "snmpbulkwalk", ask("2c", "private", "udp", "-On", "-Oa", "1.3")...),
			"snmpwalk of SNMPv1":          s.runWith(t, []string{"MIBS="}, "snmpwalk", ask("1", "private", "udp", "-On", "-Oa", "1.3.6.1.6.3")...),
			"snmpget by a user":           as(all, "snmpget", communityTable+".2"+named("community1"), communityTable+".2"+named("fresh")),
			"snmpgetnext by a user":       as(all, "snmpgetnext", communityTable+".2"),
		} {
			if strings.Contains(r.out, "."+communityTable+".2.") && !strings.Contains(r.out, "No Such Object") {
				t.Errorf("%s: a community is shown", what)
			}
			for _, secret := range []string{"forbidden", "freshsecret"} {
				if strings.Contains(r.out+r.complaints, secret) {
					t.Errorf("%s: %s is told", what, secret)
				}
			}
			if what != "snmpget by a user" && !strings.Contains(r.out, "."+communityTable+".3.") {
				t.Errorf("%s: security names are not shown: %s", what, r.complaints)
			}
		}
	}
	blind()

	// Made in one request, it is nobody's before its security name has a group.
	fresh := named("fresh")
	s.mustSet(t, assigns(communityTable, fresh, "8 i 4", "2 s freshsecret", "3 s fresh")...)
	expect(false, "freshsecret", "udp", "it has no group")
	s.mustSet(t, assigns(securityGroup, ".2"+".5"+fresh, "3 s grpcomm2", "5 i 4")...)
	expect(true, "freshsecret", "udp", "from anywhere")
	expect(true, "freshsecret", "udp6", "from anywhere")
	expect(true, "freshsecret", "tcp", "from anywhere")
	blind()

	// From where it is taken: rows of snmpTargetAddrTable, by gosnmp and one after the other.
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
	domain := func(index, domain string) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Name: "." + targetAddr + ".2" + index, Type: gosnmp.ObjectIdentifier, Value: domain}
	}
	set(gosnmp.NoError, octets(communityTable, "6", fresh, "lab"))
	expect(false, "freshsecret", "udp", "no address has the tag")
	const anyPort, network = "\x00\x00", "\x7f\x00\x00\x00"
	lab := named("lab")
	set(gosnmp.InconsistentValue, integer(targetAddr, "9", lab, 4), domain(lab, ".1.3.6.1.6.1.1"), octets(targetAddr, "3", lab, network+anyPort), octets(targetAddr, "7", lab, "none"))
	set(gosnmp.InconsistentValue, integer(targetAddr, "9", lab, 5), octets(targetAddr, "3", lab, network+anyPort), octets(targetAddrExt, "1", lab, "\xff"))
	set(gosnmp.NoError, integer(targetAddr, "9", lab, 4), domain(lab, ".1.3.6.1.6.1.1"), octets(targetAddr, "3", lab, network+anyPort), octets(targetAddr, "7", lab, "none"),
		octets(targetAddr, "6", lab, "office lab"), octets(targetAddrExt, "1", lab, "\xff\x00\x00\x00\x00\x00"))
	expect(true, "freshsecret", "udp", "127.0.0.0/8")
	expect(false, "freshsecret", "udp6", "127.0.0.0/8 over UDP")
	expect(false, "freshsecret", "tcp", "127.0.0.0/8 over UDP")
	set(gosnmp.InconsistentValue, octets(targetAddrExt, "1", lab, "\xff\xff\xff\xff\x00\x00")) // while it is active
	set(gosnmp.WrongValue, integer(targetAddrExt, "2", lab, 483))
	// Answers are as long as the row says.
	bulk := func() int {
		t.Helper()
		reader := s.client(t)
		reader.Community = "freshsecret"
		r, err := reader.GetBulk([]string{"1.3.6.1.2.1.2"}, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(r.Variables)
	}
	short := bulk()
	set(gosnmp.NoError, integer(targetAddrExt, "2", lab, 0))
	if long := bulk(); short > 40 || long < 2*short {
		t.Errorf("%d variables in 484 octets, %d in any number", short, long)
	}
	set(gosnmp.NoError, integer(targetAddr, "9", lab, 2))
	expect(false, "freshsecret", "udp", "its address is not in service")
	set(gosnmp.NoError, octets(targetAddrExt, "1", lab, "\xff\xff\x00\x00\x00\x00"), integer(targetAddr, "9", lab, 1))
	expect(true, "freshsecret", "udp", "127.0.0.0/16")

	// A context of this engine, and no other's.
	set(gosnmp.InconsistentValue, octets(communityTable, "4", fresh, "\x80\x00\x1f\x88\x04other"))
	set(gosnmp.NoError, octets(communityTable, "5", fresh, "nowhere"))
	expect(false, "freshsecret", "udp", "there is no such context")
	set(gosnmp.NoError, octets(communityTable, "5", fresh, ""))
	set(gosnmp.WrongValue, octets(communityTable, "6", fresh, "two tags"))
	set(gosnmp.WrongLength, octets(communityTable, "3", fresh, ""))

	// The file's cannot be written, and count before.
	for _, wrong := range [][]string{assigns(communityTable, named("community1"), "2 s other"), assigns(communityTable, named("community1"), "8 i 6")} {
		if said := s.set(t, wrong...); !strings.Contains(said, "notWritable") {
			t.Errorf("%v: %s", wrong, said)
		}
	}

	// Notifications go with the community that a security name stands for, if it is no community of the file.
	index := named("n")
	s.mustSet(t, slices.Concat(
		assigns(notifyTable, index, "2 s traps", "5 i 4"), assigns(targetParams, index, "7 i 4", "2 i 1", "3 i 2", "4 s fresh", "5 i 1"),
		assigns(targetAddr, index, "2 o 1.3.6.1.6.1.1", "3 x "+localTrapAddress(t), "6 s traps", "7 s n", "9 i 4"))...)
	d.awaitLinks(t, s)
	s.IP(t, "link set v0 up")
	const linkUp, up = 4, 1
	d.awaits(t, "freshsecret", trapV2("TRAP2", "freshsecret", linkUp, linkVariables(11, up, up)...), trapV2("TRAP2", "freshsecret", linkUp, linkVariables(12, up, up)...))
	s.mustSet(t, assigns(targetParams, index, "7 i 2", "4 s comm3")...) // private's
	s.mustSet(t, assigns(targetParams, index, "7 i 1")...)
	s.IP(t, "link set v0 down")
	const linkDown, down, lower = 3, 2, 7
	d.awaits(t, "comm3", trapV2("TRAP2", "comm3", linkDown, linkVariables(11, down, down)...), trapV2("TRAP2", "comm3", linkDown, linkVariables(12, up, lower)...))

	walk := func() (rows []string) {
		for _, table := range []string{communityTable, targetAddr, targetAddrExt} {
			for _, v := range s.client(t).walk(t, parseOID(t, table), 10) {
				rows = append(rows, v.String())
			}
		}
		return rows
	}
	before := walk()
	p.signal(t, syscall.SIGTERM)
	p.exit(t)
	said.WriteString(p.output.String())
	p = startEmbedded(t, s.NS, args...)
	if after := walk(); !slices.Equal(before, after) {
		t.Errorf("it was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	expect(true, "freshsecret", "udp", "it lasts")
	blind()
	if got, want := names(as(boss, "snmpbulkwalk", "1.3.6.1.6.3.18")), []string{"public", "public", "private", "forbidden", "freshsecret"}; !slices.Equal(got, want) {
		t.Errorf("who is said to reads %q, want %q", got, want)
	}
	s.mustSet(t, assigns(communityTable, fresh, "8 i 6")...)
	expect(false, "freshsecret", "udp", "it is destroyed")

	said.WriteString(p.output.String())
	listed := fmt.Sprint(list(t, "--config", file))
	for _, secret := range []string{"freshsecret", "forbidden", "private"} {
		if strings.Contains(said.String(), secret) || strings.Contains(listed, secret) {
			t.Errorf("%s is told:\n%s", secret, said.String())
		}
	}
	entries, err := os.ReadDir(args[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}
