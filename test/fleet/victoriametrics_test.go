package fleet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// members are how many vmagents divide the hosts, each host for two of them.
const members = 3

// withoutShards is a configuration for vmagent: without the steps of relabelling by which Prometheus divides hosts, and
// without external labels.
func withoutShards(t *testing.T, text, targets string) string {
	for _, change := range [][2]string{
		{`scrape_interval: \w+`, "scrape_interval: 1s"}, {`scrape_timeout: \w+`, "scrape_timeout: 1s"}, {`\[targets/\w+\*\.yml\]`, "[" + targets + "]"},
		{`(?s)  external_labels:.*?\n\n`, "\n"}, {`(?s)    relabel_configs:\n.*?action: keep\n`, ""},
	} {
		text = replaced(t, text, change[0], change[1])
	}
	return text
}

// Members of vmagent divide the hosts between them as docs/fleet.md has it, each host for two, and VictoriaMetrics has
// each sample once. One that is killed is missed by nobody.
func TestVictoriaMetrics(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "vmagent")
	nstest.NeedsProgram(t, "victoria-metrics")
	doc, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`-promscrape\.\S+`).FindAllString(string(doc), -1)
	n, dir := nstest.New(t), t.TempDir()
	targets := startHosts(t, n)
	list, err := json.Marshal([]map[string]any{{"targets": targets}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "targets.json"), string(list))
	text, err := os.ReadFile(filepath.Join(folder, "prometheus", "hosts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "hosts.yml")
	write(t, config, withoutShards(t, string(text), filepath.Join(dir, "targets.json")))

	const storage = 8428
	n.Start(t, "victoria-metrics", fmt.Sprintf("-httpListenAddr=127.0.0.1:%d", storage), "-storageDataPath="+filepath.Join(dir, "data"),
		"-dedup.minScrapeInterval=1s", "-search.latencyOffset=0s", "-loggerLevel=WARN")
	store := &shard{port: storage, ns: n, client: web(t, n)}
	serves(t, n, "http://"+store.address()+"/health")
	var pids []int
	var agents []*shard
	for number := range members {
		of := slices.Clone(flags)
		for i, flag := range of {
			switch name := regexp.MustCompile(`=.*`).ReplaceAllString(flag, ""); name {
			case "-promscrape.config":
				of[i] = name + "=" + config
			case "-promscrape.cluster.membersCount":
				of[i] = fmt.Sprintf("%s=%d", name, members)
			case "-promscrape.cluster.memberNum":
				of[i] = fmt.Sprintf("%s=%d", name, number)
			}
		}
		agent := &shard{port: storage + 1 + number, ns: n, client: store.client}
		pid, _ := n.Start(t, "vmagent", append(of, "-remoteWrite.url=http://"+store.address()+"/api/v1/write", fmt.Sprintf("-remoteWrite.tmpDataPath=%s/%d", dir, number),
			"-remoteWrite.flushInterval=200ms", "-httpListenAddr="+agent.address(), "-loggerLevel=WARN")...)
		pids, agents = append(pids, pid), append(agents, agent)
	}

	// Each host is scraped by two.
	nstest.Eventually(t, func() string {
		of := make(map[string]int)
		for _, agent := range agents {
			var told struct {
				ActiveTargets []struct{ Labels map[string]string }
			}
			if err := agent.ask("targets", nil, &told); err != nil {
				return err.Error()
			}
			for _, target := range told.ActiveTargets {
				if target.Labels["job"] == "netstat" {
					of[target.Labels["instance"]]++
				}
			}
		}
		for _, instance := range targets {
			if of[instance] != 2 {
				return fmt.Sprintf("%s is scraped by %d members, want 2", instance, of[instance])
			}
		}
		return ""
	})
	// Both write the same series, of which one sample is kept in each interval: twice as many came.
	all := fmt.Sprint(hosts)
	count := func(expr, want string) {
		t.Helper()
		store.until(t, expr, func(found []series) string {
			if len(found) != 1 || found[0].Value.Value != want {
				return fmt.Sprintf("%v, want %s", found, want)
			}
			return ""
		})
	}
	count(`count(count_over_time(up{job="netstat"}[20s]) >= 10)`, all)
	kept := store.has(t, `max(count_over_time(up{job="netstat"}[20s]))`)[0].Value.Value
	if samples, err := strconv.Atoi(kept); err != nil || samples > 21 {
		t.Errorf("a series has %s samples of 20 seconds: %v", kept, err)
	}
	count(`count(netstat_agent_info{job="netstat"})`, all)
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := store.has(t, `time()`)[0].Value.Value
	count(fmt.Sprintf(`count(min_over_time(timestamp(up{job="netstat"})[3s:1s]) > %s + 3)`, killed), all)
}

// What the rules say vmalert understands as well.
func TestVMAlert(t *testing.T) {
	nstest.NeedsProgram(t, "vmalert")
	for _, file := range []string{"hosts.yml", "snmp.yml"} {
		if out, err := exec.Command("vmalert", "-dryRun", "-rule="+filepath.Join(folder, "rules", file), "-datasource.url=http://127.0.0.1:1").CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", file, err, out)
		}
	}
}
