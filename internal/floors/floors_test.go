// Package floors holds the direction of the project's imports: see
// docs/design.md.
package floors

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/netsnmp-agent/netsnmp-agent/"

// may says what of this project a folder and everything below it may import,
// beside itself. The longest folder that a package is in counts.
var may = map[string][]string{
	"netstat":              {},
	"collectors":           {"netstat"},
	"live":                 {"netstat", "collectors"},
	"baseline":             {"netstat"},
	"recording":            {"netstat"},
	"mib":                  {},
	"mib/internal":         {"mib", "netstat"},
	"mib/ifmib":            {"mib", "netstat"},
	"mib/tcpmib":           {"mib", "netstat", "mib/internal"},
	"mib/udpmib":           {"mib", "netstat", "mib/internal"},
	"mib/snmpv2mib":        {"mib"},
	"mib/ipmib":            {"mib", "netstat"},
	"mib/rfc1213mib":       {"mib", "netstat", "mib/ipmib"},
	"remote":               {"netstat", "mib", "mib/ifmib", "mib/ipforwardmib", "mib/ipmib", "mib/rfc1213mib", "mib/tcpmib", "mib/udpmib", "internal/snmpdconf"},
	"agentx":               {"mib"},
	"snmp":                 {"mib"},
	"agent":                {"netstat", "live", "mib", "mib/ifmib", "mib/ipforwardmib", "mib/ipmib", "mib/rfc1213mib", "mib/snmpv2mib", "mib/tcpmib", "mib/udpmib"},
	"internal/nstest":      {},
	"internal/snmpdconf":   {"mib"},
	"internal/floors":      {},
	"internal/table":       {},
	"internal/filter":      {"internal/table"},
	"internal/names":       {},
	"internal/commandline": {},
	"mib/ipforwardmib":     {"mib", "netstat"},
}

// anything may import what it likes: the top of the house.
var anything = []string{"cmd", "test"}

// outside says which folders may import other people's packages beside the
// standard library, and which.
var outside = map[string][]string{
	"collectors":           {"golang.org/x/sys", "github.com/mdlayher"},
	"live":                 {"golang.org/x/sys"},
	"recording":            {"golang.org/x/sys", "github.com/fxamacker/cbor", "github.com/klauspost/compress"},
	"remote":               {"github.com/gosnmp/gosnmp"},
	"snmp":                 {"golang.org/x/sys"},
	"agentx":               {"golang.org/x/sys"},
	"internal/nstest":      {"golang.org/x/sys"},
	"internal/commandline": {"github.com/spf13"},
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
