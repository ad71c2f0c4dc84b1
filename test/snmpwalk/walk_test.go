package snmpwalk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
)

// roots are subtrees that together hold what the program serves: everything
// while it is embedded, and as a subagent what snmpd has nothing of its own in.
func (s *scene) roots() []string {
	if s.subagent {
		all := []string{"1.3.6.1.2.1.2", "1.3.6.1.2.1.3"}
		for _, sub := range ipRoots {
			all = append(all, "1.3.6.1.2.1.4."+sub)
		}
		return append(all, "1.3.6.1.2.1.5", "1.3.6.1.2.1.6", "1.3.6.1.2.1.7", "1.3.6.1.2.1.31")
	}
	return []string{"1.3"}
}

// ipRoots are the subtrees of the group ip that are the program's. Among them
// stand tables of snmpd's own.
var ipRoots = []string{
	"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26",
	"27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37",
}

// lasting leaves out the sockets of the clients themselves, which have ports of
// the kernel's choice.
func lasting(t testing.TB, names []oid) []oid {
	t.Helper()
	endpoints := parseOID(t, udpEndpointEntry)
	var sockets []oid
	for _, entry := range []string{udpEndpointEntry, udpEntry, tcpConnEntry, tcpConnectionEntry} {
		sockets = append(sockets, parseOID(t, entry))
	}
	return slices.DeleteFunc(slices.Clone(names), func(name oid) bool {
		index := name
		if name.hasPrefix(endpoints) {
			index = name[:len(name)-1] // the last is an instance, not a port
		}
		return slices.ContainsFunc(sockets, name.hasPrefix) &&
			slices.ContainsFunc(index, func(sub uint32) bool { return sub >= 32768 })
	})
}

func names(variables []variable) []oid {
	all := make([]oid, len(variables))
	for i, v := range variables {
		all[i] = v.name
	}
	return all
}

func texts(names []oid) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = name.String()
	}
	return all
}

// whole walks everything that the program serves.
func (s *scene) whole(t testing.TB, c *client, repetitions uint32) (all []variable) {
	t.Helper()
	for _, root := range s.roots() {
		all = append(all, c.walk(t, parseOID(t, root), repetitions)...)
	}
	return all
}

// TestWalks holds that every client, version and transport sees the same
// variables, in order and each once.
func TestWalks(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		model := s.whole(t, s.client(t), 0)
		want := texts(lasting(t, names(model)))
		var want1 []string // what SNMPv1 can carry
		var without64 []oid
		for _, v := range model {
			if v.kind != gosnmp.Counter64 {
				without64 = append(without64, v.name)
			}
		}
		want1 = texts(lasting(t, without64))
		if len(want) < 1000 || len(want1) == len(want) {
			t.Fatalf("%d variables, %d of them for SNMPv1: the scene shows too little", len(want), len(want1))
		}

		for _, transport := range []string{"udp", "udp6", "tcp", "tcp6"} {
			for _, walk := range []struct {
				program, version string
				options          []string
				want             []string
			}{
				{"snmpwalk", "2c", nil, want},
				{"snmpwalk", "1", nil, want1},
				{"snmpbulkwalk", "2c", []string{"-Cr1"}, want},
				{"snmpbulkwalk", "2c", []string{"-Cr10"}, want},
				{"snmpbulkwalk", "2c", []string{"-Cr100"}, want},
			} {
				name := strings.Join(append([]string{transport, walk.program, walk.version}, walk.options...), " ")
				t.Run(name, func(t *testing.T) {
					var got []oid
					for _, root := range s.roots() {
						options := append(append(walk.options, "-On", "--hexOutputLength=0"), root)
						for _, line := range s.lines(t, walk.program, ask(walk.version, "public", transport, options...)...) {
							if line == "End of MIB" {
								continue // SNMPv1's
							}
							name, value, ok := strings.Cut(line, " = ")
							if !ok {
								t.Fatalf("%s prints %q", walk.program, line)
							}
							if strings.HasPrefix(value, "No more variables left") {
								continue // it says so of the last name
							}
							got = append(got, parseOID(t, name))
						}
					}
					for i := 1; i < len(got); i++ {
						if slices.Compare(got[i-1], got[i]) >= 0 {
							t.Fatalf("%v comes after %v", got[i], got[i-1])
						}
					}
					got = lasting(t, got)
					if diff := cmp.Diff(walk.want, texts(got)); diff != "" {
						t.Errorf("variables (-want +got):\n%s", diff)
					}
				})
			}
		}
	})
}

// TestValuesAreTheSame holds that GET and GETNEXT of one variable agree, in both
// versions, but for what counts.
func TestValuesAreTheSame(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c2, c1 := s.client(t), s.clientOver(t, "udp", "127.0.0.1", gosnmp.Version1)
		whole := s.whole(t, c2, 50)
		for i, v := range whole {
			if v.name.hasPrefix(parseOID(t, "1.3.6.1.2.1.7.7")) && slices.Max(v.name[:len(v.name)-1]) >= 32768 {
				continue // the socket of one of the clients
			}
			got := c2.get(t, v.name)
			if got.kind != v.kind {
				t.Fatalf("GET returns %v, GETBULK %v", got, v)
			}
			if counts := v.kind == gosnmp.Counter32 || v.kind == gosnmp.Counter64 || v.kind == gosnmp.TimeTicks; !counts && got.value != v.value {
				// It changed meanwhile: a program that looks into processes shares
				// their sockets for a moment.
				before := oid{1, 3}
				if i > 0 {
					before = whole[i-1].name
				}
				eventually(t, func() string {
					got = c2.get(t, v.name)
					if next, _ := c2.next(t, before); next.value != got.value || slices.Compare(next.name, got.name) != 0 {
						return fmt.Sprintf("GET returns %v, GETNEXT %v", got, next)
					}
					return ""
				})
			}
			if i%7 != 0 {
				continue
			}
			packet, err := c1.Get([]string{v.name.String()})
			if err != nil {
				t.Fatal(err)
			}
			if v.kind == gosnmp.Counter64 {
				if packet.Error != gosnmp.NoSuchName {
					t.Errorf("GET of %v by SNMPv1: %v, want noSuchName", v.name, packet.Error)
				}
			} else if old := check(t, packet, nil)[0]; old.kind != v.kind {
				t.Errorf("GET by SNMPv1 returns %v, by SNMPv2c %v", old, v)
			}
		}
	})
}

func TestGet(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		for _, test := range []struct {
			program, version string
			name, want       string
			fails            bool
		}{
			{"snmpget", "2c", ifEntry + ".2.11", "." + ifEntry + `.2.11 = STRING: "v0"`, false},
			{"snmpget", "1", ifEntry + ".2.11", "." + ifEntry + `.2.11 = STRING: "v0"`, false},
			{"snmpget", "2c", ifEntry + ".2.99", "No Such Instance", false},
			{"snmpget", "2c", ifXEntry + ".3.11", "No Such Instance", false}, // nobody knows ifInBroadcastPkts
			{"snmpget", "2c", ifEntry + ".2", "No Such Instance", false},
			{"snmpget", "2c", ifEntry + ".2.11.0", "No Such Instance", false},
			{"snmpget", "1", ifEntry + ".2.99", "noSuchName", true},
			{"snmpget", "1", ifXEntry + ".6.11", "noSuchName", true}, // a Counter64
			{"snmpget", "2c", ifNumber, "." + ifNumber + " = INTEGER: 9", false},
			{"snmpgetnext", "2c", ifEntry, "." + ifEntry + ".1.1 = INTEGER: 1", false},
			{"snmpgetnext", "2c", ifEntry + ".2.12", "." + ifEntry + `.2.13 = STRING: "br0"`, false},
			{"snmpgetnext", "2c", ifEntry + ".2.16", "." + ifEntry + ".3.1 = INTEGER: 24", false},
			{"snmpgetnext", "1", ifXEntry + ".5", "." + ifXEntry + ".14.1 = INTEGER: 1", false}, // over the Counter64s
			{"snmpgetnext", "2c", "1.4", "No more variables left", false},
			{"snmpgetnext", "1", "1.4", "noSuchName", true},
		} {
			r := s.run(t, test.program, ask(test.version, "public", "udp", "-On", test.name)...)
			if got := r.out + r.complaints; !strings.Contains(got, test.want) || (r.status != 0) != test.fails {
				t.Errorf("%s -v%s %s: exit status %d, %q, want %q", test.program, test.version, test.name, r.status, got, test.want)
			}
		}
		t.Run("wrong community", func(t *testing.T) {
			r := s.run(t, "snmpget", "-v2c", "-c", "secret", "-t", "0.3", "-r", "0", targets["udp"], ifNumber)
			if r.status == 0 || !strings.Contains(r.complaints, "Timeout") {
				t.Errorf("exit status %d, %q: somebody answered", r.status, r.out+r.complaints)
			}
		})
	})
}

// TestSet holds that who may read writes nothing, nor who may write what is read-only, and
// that each version is told so in the words that it has; and that what may be written is,
// in the kernel.
func TestSet(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		type refusal struct{ community, version, want string }
		c := s.client(t)
		for _, object := range []struct{ name, kind, value, private string }{
			{ifEntry + ".7.11", "i", "2", ""},                                   // ifAdminStatus, read-write
			{ifXEntry + ".18.11", "s", "mine", ""},                              // ifAlias, read-write
			{ifEntry + ".2.11", "s", "mine", "notWritable"},                     // ifDescr, read-only
			{ifNumber, "i", "5", "notWritable"},                                 // read-only
			{ifStackEntry + ".3.1.1", "i", "4", "notWritable"},                  // a row that could be created
			{tcpConnEntry + ".1.1.2.3.4.5.6.7.8.9.10", "i", "12", "noCreation"}, // deleteTCB
		} {
			refusals := []refusal{{"public", "2c", "noAccess"}, {"public", "1", "noSuchName"}}
			if s.subagent && object.private != "" {
				// Whom the master lets write is refused by the subagent.
				refusals = append(refusals, refusal{"private", "2c", object.private}, refusal{"private", "1", "noSuchName"})
			}
			before := c.get(t, parseOID(t, object.name))
			for _, r := range refusals {
				result := s.run(t, "snmpset", ask(r.version, r.community, "udp", object.name, object.kind, object.value)...)
				if !strings.Contains(result.complaints, r.want) {
					t.Errorf("snmpset -v%s -c %s %s: %q, want %s", r.version, r.community, object.name, result.out+result.complaints, r.want)
				}
			}
			if after := c.get(t, parseOID(t, object.name)); after.value != before.value || after.kind != before.kind {
				t.Errorf("%v became %v", before, after)
			}
		}
		if !s.subagent {
			return // nobody may write there
		}
		for _, version := range []string{"1", "2c"} {
			for _, alias := range []string{"by version " + version, ""} {
				if r := s.run(t, "snmpset", ask(version, "private", "udp", ifXEntry+".18.11", "s", alias)...); r.status != 0 {
					t.Errorf("snmpset -v%s: %s", version, r.complaints)
				}
				var links []struct {
					Index int    `json:"ifindex"`
					Alias string `json:"ifalias"`
				}
				s.JSON(t, &links, "link", "show")
				for _, l := range links {
					if l.Index == 11 && l.Alias != alias {
						t.Errorf("snmpset -v%s: ip says %q, want %q", version, l.Alias, alias)
					}
				}
			}
		}
	})
}

// TestSNMPNetstat holds that net-snmp's own netstat shows a host with link-local
// routes and sockets, which it knows without zones only, and with multipath routes.
func TestSNMPNetstat(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		show := func(options ...string) string {
			args := append([]string{"-v2c", "-c", "public"}, slow...)
			return strings.Join(s.lines(t, "snmpnetstat", append(append(args, options...), targets["udp"])...), "\n")
		}
		// has holds that a line of the output begins with the fields.
		has := func(t *testing.T, out string, fields ...string) {
			t.Helper()
			for line := range strings.Lines(out) {
				if f := strings.Fields(line); len(f) >= len(fields) && slices.Equal(f[:len(fields)], fields) {
					return
				}
			}
			t.Errorf("no line begins with %q:\n%s", fields, out)
		}
		t.Run("sockets", func(t *testing.T) {
			out := show("-Cn", "-Ca")
			has(t, out, "tcp4", "*.5002")
			has(t, out, "tcp6", "fe80::11.5004")
			has(t, out, "tcp6", "::1.5005")
			has(t, out, "udp6", "fe80::11.6004")
		})
		t.Run("routes", func(t *testing.T) {
			out := show("-Cn", "-Cr")
			has(t, out, "default", "192.0.2.254")
			has(t, out, "203.0.113.0/24", "192.0.2.2")
			has(t, out, "203.0.113.0/24", "198.51.100.2")
			has(t, out, "192.0.2.0/24")
			has(t, out, "2001:db8:2::/48", "fe80::1", "<UG>", "v0")
			has(t, out, "fe80::/64", "::", "<U>", "v0")
			rows := 0
			for line := range strings.Lines(out) {
				if strings.Contains(line, "<U") {
					rows++
				}
			}
			if want := s.client(t).number(t, inetCidrRouteNumber); uint64(rows) != want {
				t.Errorf("%d routes, want %d:\n%s", rows, want, out)
			}
		})
		t.Run("interfaces", func(t *testing.T) {
			out := show("-Cn", "-Ci")
			for _, l := range s.links(t) {
				has(t, out, l.Name, fmt.Sprint(l.MTU))
			}
		})
		t.Run("statistics", func(t *testing.T) {
			out := show("-Cn", "-Cs", "-Cp", "tcp")
			for _, text := range []string{"active opens\n", "segments received\n", "currently established"} {
				if !strings.Contains(out, text) {
					t.Errorf("no %q:\n%s", text, out)
				}
			}
		})
	})
}

// snmpstatus asks for the interfaces' states and packets in one request, and
// shows none where one of the columns has no instances.
func TestSNMPStatus(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		links, down := s.links(t), 0
		for _, row := range s.client(t).table(t, ifEntry+".8") {
			if row != "1" {
				down++
			}
		}
		args := append(append([]string{"-v2c", "-c", "public"}, slow...), targets["udp"])
		out := strings.Join(s.lines(t, "snmpstatus", args...), "\n")
		for _, want := range []string{fmt.Sprintf("Interfaces: %d,", len(links)), fmt.Sprintf("%d interfaces are down!", down)} {
			if !strings.Contains(out, want) {
				t.Errorf("snmpstatus prints %q, want %q in it", out, want)
			}
		}
	})
}
