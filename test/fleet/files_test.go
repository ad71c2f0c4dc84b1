package fleet_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// Promtool accepts the configuration and the rules, and the rules do what their own tests say.
func TestPromtool(t *testing.T) {
	nstest.NeedsProgram(t, "promtool")
	for args, pattern := range map[string]string{
		"check config": "prometheus/*.yml", "check rules --lint=all --lint-fatal": "rules/*.yml", "test rules": "rules/*_test.yml",
	} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, file := range files {
			if strings.HasPrefix(args, "check rules") && strings.HasSuffix(file, "_test.yml") {
				continue
			}
			out, err := exec.Command("promtool", append(strings.Fields(args), file)...).CombinedOutput()
			if err != nil {
				t.Errorf("promtool %s %s: %v\n%s", args, file, err, out)
			}
			checked++
		}
		if checked != 2 {
			t.Errorf("promtool %s had %d files, want those of hosts and of snmp", args, checked)
		}
	}
}

// dashboard is what tests look at of a dashboard of Grafana's.
type dashboard struct {
	file          string
	UID, Title    string
	SchemaVersion int
	ID            *int
	Templating    struct {
		List []struct {
			Name, Type, Definition string
			Datasource             *source
			Query                  any
		}
	}
	Panels []panel
}

type source struct{ Type, UID string }

type panel struct {
	ID          int
	Type, Title string
	Datasource  *source
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		RefID, Expr string
		Datasource  *source
	}
}

func dashboards(t testing.TB) (all []dashboard) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "dashboards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dashboards", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard{file: filepath.Base(file)}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

// A dashboard can be imported anywhere: it names no data source of one Grafana's, and no panel hides another.
func TestDashboards(t *testing.T) {
	uids := make(map[string]bool)
	variable := source{"prometheus", "${datasource}"}
	for _, d := range dashboards(t) {
		if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || d.ID != nil || uids[d.UID] {
			t.Errorf("%s: uid %q, title %q, schemaVersion %d, id %v", d.file, d.UID, d.Title, d.SchemaVersion, d.ID)
		}
		uids[d.UID] = true
		if l := d.Templating.List; len(l) == 0 || l[0].Name != "datasource" || l[0].Type != "datasource" || l[0].Query != "prometheus" {
			t.Errorf("%s: the data source is no variable", d.file)
		}
		ids, cells := make(map[int]string), make(map[[2]int]string)
		for _, p := range d.Panels {
			if other, is := ids[p.ID]; is || p.ID == 0 {
				t.Errorf("%s: %q and %q have the number %d", d.file, p.Title, other, p.ID)
			}
			ids[p.ID] = p.Title
			if g := p.GridPos; g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
				t.Errorf("%s: %q is at %+v", d.file, p.Title, g)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, is := cells[[2]int{x, y}]; is {
						t.Fatalf("%s: %q hides %q", d.file, p.Title, other)
					}
					cells[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.Datasource == nil || *p.Datasource != variable || len(p.Targets) == 0 {
				t.Errorf("%s: %q asks %v for %d expressions", d.file, p.Title, p.Datasource, len(p.Targets))
			}
			refs := make(map[string]bool)
			for _, target := range p.Targets {
				if target.Expr == "" || target.Datasource == nil || *target.Datasource != variable || refs[target.RefID] {
					t.Errorf("%s: %q has the target %+v", d.file, p.Title, target)
				}
				refs[target.RefID] = true
			}
		}
	}
}
