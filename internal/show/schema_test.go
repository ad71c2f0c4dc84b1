package show

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var update = flag.Bool("update", false, "write docs/netstat-json.md anew")

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

The members are also what ` + "`--sort`" + ` and ` + "`--filter`" + ` know, and so are those of a socket's ` + "`options`" + `.

` + "`conntrack --json`" + ` prints the same objects of flows, expectations and statistics, and besides what happens to them
(` + "`flowEvent`, `expectationEvent`" + `).
`

const librarySection = `
## The library

Rows of the Go package ` + "`netstat`" + ` go through ` + "`encoding/json`" + ` with these members, and come back equal;
` + "`log/slog`" + ` shows the same. Where both have a member it has the same type and value, but for this:

- An interface is its index, and no name: ` + "`interfaceIndex`" + ` in place of ` + "`interface`" + `, and likewise
  ` + "`masterIndex`, `bridgeIndex`, `portIndex` and `inputIndex`" + `. The zone of an address is an index, too.
- There is no ` + "`kind`, `netns`, `host` and `time`" + `, nor what is put together for people: of a socket ` + "`diagnostics`" + ` and,
  of one of the local family too, ` + "`changedOptions`" + `, of a route ` + "`flags`" + `, of a rule
  ` + "`matches` and `options`" + `, of a nexthop object ` + "`options` and `resilient`" + `, of a namespace ` + "`label`" + `,
  ` + "`processCount` and `firstProcess`" + `, of a packet socket ` + "`filterInstructions`" + `, of a cache ` + "`bytes`" + `, of an XDP
  socket ` + "`receiveDropped`" + `, of a queueing discipline ` + "`class`" + `, of a flow ` + "`list`, `sourceProcesses`" + ` and
  ` + "`destinationProcesses`" + `.
- What is known to have no limit is absent, as here, and ` + "`unlimited`" + ` is an array with the names of such members.
- An array that is known to be empty is there. Numbers and truths that every row has are there, 0 and false included.
- A member that is absent, or null, is unknown or not there. One that is not known is passed over.

Rows have members besides that netstat does not print, some of them in objects of their own. Moments are in RFC 3339.
Rows of other kinds (` + "`Address`, `IPInterface`" + `, ...) follow the same rules.

| kind | row | members besides |
|---|---|---|
`

const optionsSection = `
### Options of a socket

The member ` + "`options`" + ` of a socket, one of the local family too, and of new ones (` + "`SocketDefaults`" + `), is an object whose members are the options by
their own names. ` + "`byLayout`" + ` and ` + "`inferred`" + ` are arrays of the names of those that were read from the kernel's
structures, and of those that something else told of: all others are as getsockopt(2) tells them. With
` + "`--options=changed`" + ` it has those only that ` + "`changedOptions`" + ` names, and what the kernel made of a buffer that was set.

| member | type | what it is |
|---|---|---|
`

// optionJSONType is the type of an option's value in JSON.
func optionJSONType(o netstat.SocketOption) string {
	switch o {
	case netstat.OptionReceiveBufferSet, netstat.OptionSendBufferSet:
		return "integer or false"
	case netstat.OptionLinger:
		return "number or false"
	}
	types := map[reflect.Kind]string{reflect.Bool: "boolean", reflect.String: "string", reflect.Int64: "number"}
	v, _ := new(netstat.SocketOptions).Get(o)
	if named, ok := types[reflect.TypeOf(v).Kind()]; ok {
		return named
	}
	return "integer"
}

// libraryMembers returns the members that rows of a type have, with their types.
func libraryMembers(row any) map[string]string {
	members := make(map[string]string)
	g := randomrow.New(1).ForJSON()
	for range 300 {
		v := reflect.New(reflect.TypeOf(row))
		g.Fill(v.Elem())
		b, err := json.Marshal(v.Interface())
		if err != nil {
			panic(err)
		}
		var values map[string]json.RawMessage
		if err := json.Unmarshal(b, &values); err != nil {
			panic(err)
		}
		for name, value := range values {
			if members[name] == "" || members[name] == "array" || members[name] == "integer" {
				members[name] = jsonType(value)
			}
		}
	}
	return members
}

// jsonType returns the type of a value as the page calls it. A number without a
// fraction is an integer, and an array without elements an array.
func jsonType(value json.RawMessage) string {
	switch value[0] {
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case '{':
		return "object"
	case '[':
		var elements []json.RawMessage
		if json.Unmarshal(value, &elements) != nil || len(elements) == 0 {
			return "array"
		}
		return "array of " + jsonType(elements[0]) + "s"
	}
	if bytes.ContainsAny(value, ".eE") {
		return "number"
	}
	return "integer"
}

// besides are the members of a row that a kind has not, in order. A listener's queue
// has all of the listener.
func besides(k table.Description, row any) (names []string) {
	members := libraryMembers(row)
	if _, queue := row.(netstat.ListenQueue); queue {
		names = []string{"all of the listener's `Socket`"}
		for name := range libraryMembers(netstat.Socket{}) {
			delete(members, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.ContainsFunc(k.Fields, func(f table.FieldDescription) bool { return f.Name == name || f.Name+"Index" == name }) {
			names = append(names, "`"+name+"` "+members[name])
		}
	}
	return names
}

// A member has one type, whoever writes it.
func TestLibraryTypes(t *testing.T) {
	for _, k := range Kinds() {
		for _, row := range libraryRows(k.Name) {
			members := libraryMembers(row)
			for _, f := range k.Fields {
				got := members[f.Name]
				if got != "" && got != f.Type && (got != "integer" || f.Type != "number") {
					t.Errorf("%s of %s is %s, and %s of %T", f.Name, k.Name, f.Type, got, row)
				}
			}
		}
	}
}

// schema is docs/netstat-json.md.
func schema() []byte {
	var b bytes.Buffer
	b.WriteString(schemaIntroduction)
	b.WriteString(librarySection)
	for _, k := range Kinds() {
		for _, row := range libraryRows(k.Name) {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", k.Name, reflect.TypeOf(row).Name(), strings.Join(besides(k, row), ", "))
		}
	}
	b.WriteString(optionsSection)
	for _, option := range netstat.AllSocketOptions() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", option, optionJSONType(option), option.Description())
	}
	for _, k := range Kinds() {
		b.WriteString(k.Section())
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
		t.Error("docs/netstat-json.md is not what the declarations say: look at what changed, and run go test ./internal/show -update")
	}
	name := regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
	seen := make(map[string]bool)
	for _, k := range Kinds() {
		if seen[k.Name] || !name.MatchString(k.Name) || k.Doc == "" {
			t.Errorf("kind %q is declared twice, has no name or no documentation", k.Name)
		}
		seen[k.Name] = true
		fields := map[string]bool{"kind": true}
		for _, f := range k.Fields {
			if f.Within != "" {
				if !fields[strings.ToLower(f.Within)] {
					t.Errorf("%s: there is no %q in front of %q, which is within", k.Name, f.Within, f.Name)
				}
				continue
			}
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
