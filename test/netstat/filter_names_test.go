package netstat_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// A filter takes the names that ip has for routing tables, those of its files among them,
// and alternative names of interfaces, and refuses names that there are not.
func TestNamesInFilters(t *testing.T) {
	nstest.NeedsProgram(t, "unshare")
	n := nstest.New(t)
	n.IP(t, "link add name d0 type veth peer name d1", "link property add dev d0 altname uplink", "link set d0 up", "link set d1 up", "addr add 192.0.2.1/24 dev d0",
		"route add 198.51.100.0/24 dev d0 table 77", "rule add from 10.0.0.0/8 table 77 priority 9", "link set lo up")
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "rt_tables"), []byte("255 local\n254 main\n253 default\n77 seventyseven\n"), 0o644))
	// inside runs a program that finds iproute2's files in the folder.
	inside := func(args ...string) result {
		t.Helper()
		return run(t, append([]string{"ip", "netns", "exec", n.Name, "unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/iproute2 && exec "$@"`, folder}, args...))
	}
	// ip agrees about the name.
	if r := inside("ip", "route", "show", "table", "seventyseven"); !strings.HasPrefix(r.out, "198.51.100.0/24 ") {
		t.Fatalf("ip: %+v", r)
	}
	for args, want := range map[string][]string{
		"-r --table all --filter table=seventyseven":                    {"198.51.100.0/24"},
		"-r --table seventyseven":                                       {"198.51.100.0/24"},
		"-r --table all --filter table=main":                            {"192.0.2.0/24"},
		"-r --table all --filter table=254,seventyseven":                {"192.0.2.0/24", "198.51.100.0/24"},
		"-r --table all --filter dev=uplink&table!=local":               {"192.0.2.0/24", "198.51.100.0/24"},
		"-r --table all --filter dev=uplink&dev!=d0":                    {},
		"-r --table all --filter dev!=uplink&destination=127.0.0.1/32":  {"127.0.0.1/32"},
		"-r --table all --filter dev!=nothere&table=seventyseven":       {"198.51.100.0/24"},
		"-r --table all --filter dev~^up":                               {},
		"--rules --filter table=seventyseven":                           {"9"},
		"-ia --filter dev=uplink":                                       {"d0"},
		"--netconf --filter dev=uplink&family=ipv4":                     {"d0"},
		"--netconf --filter dev=all&family=ipv4":                        {"all"},
		"-r --table all --filter not(dev!=uplink)&table=seventyseven":   {"198.51.100.0/24"},
		"-r --table all --filter dev=nothere,uplink&table=seventyseven": nil, // said to be missing, and shown
	} {
		fields := strings.Fields(args)
		for i := range fields {
			fields[i] = strings.ReplaceAll(fields[i], "&", " and ")
		}
		r := inside(append([]string{program, "-4", "--json"}, fields...)...)
		if strings.Contains(args, "-ia") || strings.Contains(args, "--netconf") {
			r = inside(append([]string{program, "--json"}, fields...)...)
		}
		var got []string
		for _, o := range decode(t, r.out) {
			for _, member := range []string{"destination", "interface", "name", "priority"} {
				if o[member] != nil {
					got = append(got, o.text(member))
					break
				}
			}
		}
		if want == nil {
			if r.status != 1 || !strings.Contains(r.complaints, "interface nothere: there is none") || len(got) != 1 {
				t.Errorf("%s: %+v", args, r)
			}
			continue
		}
		if r.status != 0 || r.complaints != "" || !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s: %v, want %v: status %d, %s", args, got, want, r.status, r.complaints)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"-r --filter table=mian", `--filter: at position 7, "mian": expected the number or the name of a routing table as table`},
		{"-r --table mian", `--table: "mian" is neither the number of a routing table nor the name of one, nor all`},
	} {
		if r := inside(append([]string{program}, strings.Fields(c.args)...)...); r.status == 0 || r.out != "" || !strings.Contains(r.complaints, c.want) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}
