package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var update = flag.Bool("update", false, "write golden files and docs/netstat-json.md anew")

// kinds are all kinds of rows that netstat prints.
func kinds() []table.Description {
	return []table.Description{
		newSocketKind().Describe(), unixKind().Describe(), listenQueueKind().Describe(), packetKind().Describe(),
		routeKind().Describe(), interfaceKind().Describe(), groupKind().Describe(),
		counterKind().Describe(), interfaceCounterKind().Describe(), counterGrowthKind().Describe(), interfaceGrowthKind().Describe(),
		socketUsageKind().Describe(), protocolMemoryKind().Describe(), slabKind().Describe(),
		softnetKind().Describe(), queueKind().Describe(), fibKind().Describe(), fib6Listing().kind.Describe(), lookupListing().kind.Describe(), neighbourTableKind().Describe(),
		neighbourListing().kind.Describe(), ruleListing().kind.Describe(), nextHopListing().kind.Describe(), queueingListing().kind.Describe(),
		socketGroupListing().kind.Describe(), vifListing().kind.Describe(), multicastRouteListing().kind.Describe(), bridgeGroupListing().kind.Describe(),
		routerPortListing().kind.Describe(), netconfListing().kind.Describe(),
		namespaceListing().kind.Describe(), netlinkListing().kind.Describe(), vsockListing().kind.Describe(),
		xdpListing().kind.Describe(), smcListing().kind.Describe(), tipcListing().kind.Describe(),
	}
}

const schemaIntroduction = `# netstat --json

` + "`netstat --json`" + ` prints JSON Lines: one object for each row, each on a line of its own, as soon as the
row is known. The member ` + "`kind`" + ` says what an object is; the tables below say what else may be in it.

- A member that is not known, or that the row does not have, is absent. A 0 is always a 0 that the
  kernel, or the agent of a host, reported.
- Integers are written with all their digits, up to 2^64-1. A reader that keeps numbers as floating
  point loses the last digits of those beyond 2^53.
- Durations are in seconds. Addresses are as in RFC 5952; the zone of a link-local one is the
  interface's name, behind a "%".
- Strings are escaped so that a line holds nothing but printable characters, whatever name a process
  or a file has. A byte that is not UTF-8 becomes U+FFFD.
- Members will be added. None changes its meaning or type, and none goes, without a new major version.

The members are also what ` + "`--sort`" + ` and ` + "`--filter`" + ` know.
`

// schema is docs/netstat-json.md.
func schema() []byte {
	var b bytes.Buffer
	b.WriteString(schemaIntroduction)
	for _, k := range kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n| member | type | what it is |\n|---|---|---|\n", k.Name, strings.ToUpper(k.Doc[:1])+k.Doc[1:])
		for _, f := range k.Fields {
			doc := f.Doc
			if len(f.Words) > 0 {
				var words []string
				for _, w := range f.Words {
					words = append(words, "`"+w+"`")
				}
				if doc = strings.TrimSpace(doc); !strings.Contains(doc, "`") {
					doc += ": " + strings.Join(words, ", ")
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Type, doc)
		}
	}
	return b.Bytes()
}

// docs/netstat-json.md tells what the program prints, and no field is declared
// carelessly.
func TestSchema(t *testing.T) {
	const file = "../../docs/netstat-json.md"
	want := schema()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/netstat-json.md is not what the declarations say: look at what changed, and run go test ./cmd/netstat -update")
	}
	name := regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
	seen := make(map[string]bool)
	for _, k := range kinds() {
		if seen[k.Name] || !name.MatchString(k.Name) || k.Doc == "" {
			t.Errorf("kind %q is declared twice, has no name or no documentation", k.Name)
		}
		seen[k.Name] = true
		fields := map[string]bool{"kind": true}
		for _, f := range k.Fields {
			if fields[strings.ToLower(f.Name)] || !name.MatchString(f.Name) {
				t.Errorf("%s: field %q is declared twice or has an unusual name", k.Name, f.Name)
			}
			fields[strings.ToLower(f.Name)] = true
			if f.Type == "" {
				t.Errorf("%s: field %q has no type", k.Name, f.Name)
			}
		}
	}
}

// Every alias stands for fields that there are.
func TestAliases(t *testing.T) {
	checkAliases(t, newSocketKind().Kind)
	checkAliases(t, unixKind())
	checkAliases(t, listenQueueKind())
	checkAliases(t, packetKind())
	checkAliases(t, routeKind())
	checkAliases(t, interfaceKind())
	checkAliases(t, interfaceGrowthKind())
	checkAliases(t, groupKind())
	checkAliases(t, counterKind())
	checkAliases(t, interfaceCounterKind())
	checkAliases(t, neighbourListing().kind)
	checkAliases(t, netconfListing().kind)
}

func checkAliases[T any](t *testing.T, k *table.Kind[T]) {
	t.Helper()
	if len(k.Aliases) == 0 {
		t.Errorf("%s has no aliases", k.Name)
	}
	for alias, fields := range k.Aliases {
		if len(k.Find(alias)) != len(fields) {
			t.Errorf("%s: alias %q stands for fields that there are not", k.Name, alias)
		}
	}
}

// Filters and orders know the headings of the tables that are for comparing.
func TestHeadingsAreNames(t *testing.T) {
	s := new(session)
	var headings []string
	for _, c := range s.tcpColumns() {
		if !strings.Contains(c.Heading, " ") && len(newSocketKind().Find(c.Heading)) == 0 {
			t.Errorf("-T has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	for _, c := range s.interfaceColumns() {
		if c.Heading != "Flg" && len(interfaceKind().Find(c.Heading)) == 0 {
			t.Errorf("-i has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	for _, c := range s.interfaceGrowthColumns() {
		if len(interfaceGrowthKind().Find(c.Heading)) == 0 {
			t.Errorf("--interval has the heading %s, which is no name", c.Heading)
		}
		headings = append(headings, c.Heading)
	}
	if len(headings) < 30 {
		t.Errorf("only %d headings were looked at", len(headings))
	}
}

// Everything that the kernel tells of a connection is a member of its object.
func TestEveryFieldOfTCPIsShown(t *testing.T) {
	k := newSocketKind()
	for _, member := range reflect.VisibleFields(reflect.TypeFor[netstat.TCPInfo]()) {
		name := member.Name
		switch name {
		case "Options":
			name = "tcpOptions"
		case "State", "Retransmits":
			continue // the socket's own
		}
		if !slices.ContainsFunc(k.Fields, func(f table.Field[row[netstat.Socket]]) bool { return strings.EqualFold(f.Name, name) }) {
			t.Errorf("%s of a connection is not shown", name)
		}
	}
}
