package fleet_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// silent are the alerts that need not fire on the scene, and why. All others have to.
var silent = map[string]string{
	"NetstatTargetsMissing":     "there are targets",
	"NetstatHostDown":           "the host is up",
	"NetstatPartUnread":         "all parts can be read",
	"NetstatEventsLost":         "no events are lost",
	"NetstatRetransmissions":    "the host sends fewer than 10 segments a second",
	"NetstatConnectionsDropped": "the kernel sends SYNs again ever more rarely",
	"NetstatConntrackFull":      "the table is not full",
	"NetstatConntrackDrops":     "the table is not full",
	"NetstatInterfaceDown":      "no device without a kind has gone down",
	"NetstatInterfaceFlapping":  "no carrier comes and goes",
	"NetstatInterfaceErrors":    "veth has no errors",
	"NetstatInterfaceDrops":     "veth drops nothing for want of memory",
	"NetstatRoutesVanished":     "the routes stay",
	"SNMPTargetsMissing":        "there are targets",
	"SNMPExporterDown":          "the exporter is up",
	"SNMPHostDown":              "the host is up",
	"SNMPTableIncomplete":       "every table is whole",
	"SNMPInterfaceDown":         "no interface has gone down",
	"SNMPInterfaceErrors":       "veth has no errors",
	"SNMPInterfaceDiscards":     "veth discards nothing",
	"SNMPInterfaceSaturated":    "next to nothing is sent",
}

// empty are the expressions of panels that may have no series, by dashboard and title, and why.
var empty = map[string]string{
	"snmp.json Tables that are not whole": "every table is",
	"host.json Connections by unit":       "the test may run in no unit of systemd",
	"fleet.json Hosts that do not answer": "the host answers",
	"snmp.json Hosts that do not answer":  "the host answers",
}

// absent are the metrics of panels that agents on Linux do not have, and why.
var absent = map[string]string{
	"ifHCOutMulticastPkts": "the kernel does not count them",
	"ifHCInBroadcastPkts":  "the kernel does not count them",
	"ifHCOutBroadcastPkts": "the kernel does not count them",
}

// names finds the metrics of an expression.
var names = regexp.MustCompile(`\b(netstat_\w+|snmp_\w+|if[A-Z]\w+|sysUpTime|up|scrape_\w+|process_\w+|instance\w*:\w+:\w+)\b(?:[^=!~\w"(]|$)`)

// exported waits until there is each metric that an expression has.
func (s *shard) exported(t *testing.T, expr string) {
	found := 0
	for _, name := range names.FindAllStringSubmatch(expr, -1) {
		s.has(t, name[1])
		found++
	}
	if found == 0 && !strings.Contains(expr, "ALERTS") {
		t.Errorf("%s has no metric that is known", expr)
	}
}

// panels evaluates what a dashboard asks.
func (s *shard) panels(t *testing.T, d *dashboard, variables map[string]string) {
	var pairs []string
	for name, value := range variables {
		pairs = append(pairs, "$"+name, value)
	}
	fill := strings.NewReplacer(pairs...)
	values := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := values.FindStringSubmatch(fill.Replace(v.Definition))
		if q, is := v.Query.(map[string]any); parts == nil || !is || q["query"] != v.Definition {
			t.Errorf("%s: the variable %s asks %s", d.file, v.Name, v.Definition)
			continue
		}
		nstest.Eventually(t, func() string {
			var found []string
			if err := s.ask("label/"+parts[2]+"/values", url.Values{"match[]": {parts[1]}}, &found); err != nil {
				t.Fatalf("%s: %s: %v", d.file, v.Definition, err)
			}
			if len(found) == 0 {
				return d.file + ": " + v.Name + " has no values"
			}
			return ""
		})
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			expr := fill.Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: %q has a variable that there is not: %s", d.file, p.Title, target.Expr)
				continue
			}
			if name := names.FindStringSubmatch(expr); name != nil && absent[name[1]] != "" {
				if _, err := s.query(expr); err != nil {
					t.Errorf("%s: %q: %v", d.file, p.Title, err)
				}
				continue
			}
			s.exported(t, expr)
			if empty[d.file+" "+p.Title] == "" {
				s.has(t, expr)
			} else if _, err := s.query(expr); err != nil {
				t.Errorf("%s: %q: %v", d.file, p.Title, err)
			}
		}
	}
}

// rules waits until every rule of the shard was evaluated, and checks what came of them.
func (s *shard) rules(t *testing.T) {
	var told struct {
		Groups []struct {
			Rules []struct {
				Name, Query, Health, LastError, Type, State string
				Labels, Annotations                         map[string]string
			}
		}
	}
	nstest.Eventually(t, func() string {
		if err := s.ask("rules", nil, &told); err != nil {
			t.Fatal(err)
		}
		for _, g := range told.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" {
					return r.Name + " is " + r.Health + ": " + r.LastError
				}
			}
		}
		return ""
	})
	for _, g := range told.Groups {
		for _, r := range g.Rules {
			if r.Type == "recording" {
				s.has(t, r.Name)
				continue
			}
			if sev := r.Labels["severity"]; sev != "critical" && sev != "warning" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s has the severity %q and the annotations %v", r.Name, sev, r.Annotations)
			}
			s.exported(t, r.Query)
			if silent[r.Name] == "" {
				s.has(t, `ALERTS{alertname="`+r.Name+`"}`)
			} else if _, err := s.query(r.Query); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
}

// Every expression of the rules and dashboards of hosts finds what the program exports.
func TestQueries(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_NF_CONNTRACK")
	n := startScene(t)
	s := &shard{file: "hosts", shards: 1, replica: "a", port: 9090, interval: "2s", targets: []string{metricsAt}, ns: n}
	s.start(t)
	s.evaluate(t, metricsAt, func(d *dashboard) bool { return d.file != "snmp.json" })
}

// evaluate evaluates the rules of the shard, and what those dashboards ask of it.
func (s *shard) evaluate(t *testing.T, instance string, of func(*dashboard) bool) {
	variables := map[string]string{"instance": instance, "netns": ".*", "interface": ".*", "__rate_interval": "1m"}
	for _, d := range dashboards(t) {
		if of(&d) {
			t.Run(d.file, func(t *testing.T) { s.panels(t, &d, variables) })
		}
	}
	t.Run("rules", s.rules)
}
