// Package floors holds the direction of the project's imports, and the table of
// docs/design.md that tells of it.
package floors

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/netsnmp-agent/netsnmp-agent/"

// may says what of this project a folder and everything below it may import,
// beside itself. The longest folder that a package is in counts.
var may = map[string][]string{
	"netstat":               {},
	"collectors":            {"netstat"},
	"collectors/sockopt":    {"netstat"},
	"live":                  {"netstat", "collectors", "internal/netnsnames"},
	"readings":              {"netstat", "fresh", "live"},
	"metrics":               {"netstat", "fresh", "readings"},
	"baseline":              {"netstat"},
	"traffic":               {"netstat"},
	"recording":             {"netstat"},
	"fresh":                 {},
	"mib":                   {"fresh"},
	"mib/internal":          {"fresh", "mib", "netstat"},
	"mib/ifmib":             {"mib", "netstat"},
	"mib/tcpmib":            {"mib", "netstat", "mib/internal"},
	"mib/udpmib":            {"mib", "netstat", "mib/internal"},
	"mib/snmpv2mib":         {"mib"},
	"mib/enginemib":         {"mib"},
	"mib/usmmib":            {"mib"},
	"mib/communitymib":      {"mib"},
	"mib/vacmmib":           {"mib"},
	"mib/targetmib":         {"mib"},
	"mib/notificationmib":   {"mib"},
	"mib/ipmib":             {"mib", "netstat"},
	"mib/rfc1213mib":        {"mib", "netstat", "mib/ipmib"},
	"remote":                {"netstat", "internal/ber", "mib", "mib/ifmib", "mib/ipforwardmib", "mib/ipmib", "mib/rfc1213mib", "mib/tcpmib", "mib/udpmib", "internal/snmpdconf", "snmp/protocol"},
	"probe":                 {"netstat", "mib", "mib/ifmib", "mib/ipmib", "mib/snmpv2mib", "remote"},
	"agentx":                {"mib"},
	"snmp":                  {"internal/ber", "mib", "mib/enginemib", "snmp/protocol", "snmp/usm", "snmp/vacm"},
	"snmp/protocol":         {},
	"snmp/usm":              {"internal/ber", "mib", "snmp/state"},
	"snmp/vacm":             {"mib"},
	"snmp/state":            {},
	"agent":                 {"netstat", "fresh", "live", "readings", "mib", "mib/communitymib", "mib/enginemib", "mib/ifmib", "mib/ipforwardmib", "mib/ipmib", "mib/notificationmib", "mib/rfc1213mib", "mib/snmpv2mib", "mib/targetmib", "mib/tcpmib", "mib/udpmib", "mib/usmmib", "mib/vacmmib"},
	"internal/ber":          {"mib"},
	"internal/nstest":       {},
	"internal/badpath":      {},
	"internal/snmptest":     {"mib", "snmp"},
	"internal/snmpdconf":    {"mib", "snmp/protocol", "snmp/usm", "snmp/vacm"},
	"internal/floors":       {},
	"internal/publicdocs":   {},
	"internal/table":        {},
	"internal/filter":       {"internal/table"},
	"internal/names":        {},
	"internal/show":         {"netstat", "baseline", "traffic", "internal/table", "internal/filter", "internal/names"},
	"internal/namespaces":   {"netstat", "collectors", "internal/show"},
	"internal/sources":      {"netstat", "collectors", "baseline", "recording", "remote", "internal/show", "internal/namespaces"},
	"internal/randomrow":    {"netstat"},
	"internal/commandline":  {},
	"internal/steppedclock": {},
	"internal/hangup":       {},
	"internal/netnsnames":   {},
	"internal/page":         {"netstat", "fresh", "readings", "metrics"},
	"internal/contexts":     {"netstat", "mib", "internal/netnsnames"},
	"mib/ipforwardmib":      {"mib", "netstat"},
}

// anything may import what it likes: the top of the house.
var anything = []string{"cmd", "test"}

// outside says which folders may import other people's packages beside the
// standard library, and which.
var outside = map[string][]string{
	"collectors":           {"golang.org/x/sys", "github.com/mdlayher/netlink"},
	"collectors/sockopt":   {"golang.org/x/sys", "github.com/cilium/ebpf"},
	"live":                 {"golang.org/x/sys"},
	"metrics":              {"github.com/prometheus"},
	"probe":                {"github.com/prometheus", "go.yaml.in/yaml", "golang.org/x/sync"},
	"recording":            {"golang.org/x/sys", "github.com/fxamacker/cbor", "github.com/klauspost/compress"},
	"remote":               {"github.com/gosnmp/gosnmp"},
	"snmp":                 {"golang.org/x/sys"},
	"snmp/state":           {"golang.org/x/sys"},
	"agentx":               {"golang.org/x/sys"},
	"internal/nstest":      {"golang.org/x/sys"},
	"internal/netnsnames":  {"golang.org/x/sys"},
	"internal/commandline": {"github.com/spf13"},
	"internal/show":        {"golang.org/x/sys"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestImportsPointDown(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", module+"...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	packages := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		path := strings.TrimPrefix(p.ImportPath, module)
		if slices.ContainsFunc(anything, func(top string) bool { return within(path, top) }) {
			continue
		}
		folder, known := longest(path)
		if !known {
			t.Errorf("%s stands in no folder that docs/design.md knows", path)
			continue
		}
		for _, imported := range p.Imports {
			switch ours, isOurs := strings.CutPrefix(imported, module); {
			case isOurs:
				target, _ := longest(ours)
				if target != folder && !slices.Contains(may[folder], target) {
					t.Errorf("%s imports %s, which %s may not", path, ours, folder)
				}
			case strings.Contains(strings.Split(imported, "/")[0], "."):
				if !slices.ContainsFunc(outside[folder], func(o string) bool { return within(imported, o) }) {
					t.Errorf("%s imports %s, which is neither the standard library's nor allowed to %s", path, imported, folder)
				}
			}
		}
	}
	if packages < len(may) {
		t.Errorf("%d packages listed, fewer than the %d folders known", packages, len(may))
	}
}

// TestTable holds the table of floors to what TestImportsPointDown holds the
// imports to.
func TestTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## Floors\n")
	section, _, cut := strings.Cut(section, "\n## ")
	if !found || !cut {
		t.Fatal("docs/design.md has no section of floors")
	}
	told := make(map[string]bool)
	tables := 0
	inside := false
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		if !inside {
			inside = true
			tables++
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 3 {
			t.Errorf("%d cells: %s", len(cells), line)
			continue
		}
		if !strings.Contains(cells[0], "`") { // the heading and the line below it
			continue
		}
		for cell := range strings.SplitSeq(cells[0], ",") {
			folder := strings.TrimSuffix(strings.Trim(cell, " `"), "/")
			if told[folder] {
				t.Errorf("%s stands there twice", folder)
			}
			told[folder] = true
			imports := strings.TrimSpace(cells[2])
			if slices.ContainsFunc(anything, func(top string) bool { return within(folder, top) }) {
				if imports != "anything" {
					t.Errorf("%s may import anything, not %q", folder, imports)
				}
				continue
			}
			if _, known := may[folder]; !known {
				t.Errorf("%s is not known here", folder)
				continue
			}
			want := slices.Concat(may[folder], outside[folder])
			var got []string
			for name := range strings.FieldsFuncSeq(imports, func(r rune) bool { return r == ',' || r == ';' }) {
				if name = strings.TrimSpace(name); name != "nothing" {
					got = append(got, name)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s may import %q there, and %q here", folder, got, want)
			}
		}
	}
	if tables != 1 {
		t.Errorf("%d tables: a blank line cuts one in two", tables)
	}
	for folder := range may {
		if !told[folder] {
			t.Errorf("the table lacks %s", folder)
		}
	}
	for _, top := range anything {
		entries, err := os.ReadDir("../../" + top)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && !told[top+"/"+e.Name()] {
				t.Errorf("the table lacks %s/%s", top, e.Name())
			}
		}
	}
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func longest(path string) (folder string, known bool) {
	for f := range may {
		if within(path, f) && (!known || len(f) > len(folder)) {
			folder, known = f, true
		}
	}
	return folder, known
}
