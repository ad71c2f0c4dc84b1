package fleet_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// hosts is how many targets two shards divide.
const hosts = 8

// startHosts starts an agent whose metrics are at several addresses, as many hosts are.
func startHosts(t testing.TB, n *nstest.NS) (targets []string) {
	args := []string{"--listen", "udp:127.0.0.1:1161"}
	for i := range hosts {
		targets = append(targets, fmt.Sprintf("127.0.1.%d:9161", i+1))
		args = append(args, "--metrics", targets[i])
	}
	n.Start(t, program, args...)
	serves(t, n, "http://"+targets[hosts-1]+"/metrics")
	return targets
}

// scraped waits until a shard has a few samples of each of its targets, and returns the targets.
func (s *shard) scraped(t testing.TB) []string {
	var names map[string]bool
	s.until(t, `count_over_time(up{job="netstat"}[1h]) > 3`, func(found []series) string {
		targets := struct {
			ActiveTargets []struct{ Labels map[string]string }
		}{}
		if err := s.ask("targets", nil, &targets); err != nil {
			return err.Error()
		}
		names = make(map[string]bool)
		for _, target := range targets.ActiveTargets {
			if target.Labels["job"] == "netstat" {
				names[target.Labels["instance"]] = true
			}
		}
		if len(names) == 0 || len(names) != len(found) {
			return fmt.Sprintf("%d of %d targets have samples", len(found), len(names))
		}
		return ""
	})
	return slices.Sorted(maps.Keys(names))
}

// samples returns those of up, of a target.
func (s *shard) samples(t testing.TB, instance string) []sample {
	t.Helper()
	found := s.has(t, fmt.Sprintf(`up{job="netstat", instance=%q}[1h]`, instance))
	if len(found) != 1 {
		t.Fatalf("%d series of %s", len(found), instance)
	}
	return found[0].Values
}

// within counts the samples after a moment and until another.
func within(all []sample, after, until float64) (n int) {
	for _, s := range all {
		if after < s.At && s.At <= until {
			n++
		}
	}
	return n
}

// Two shards divide the hosts, and two replicas of each do so alike. One that is killed comes back with all that it had
// committed, and goes on scraping; nobody else notices.
func TestShards(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	targets := startHosts(t, n)
	all := make(map[string]*shard)
	for number := range 2 {
		for i, replica := range []string{"a", "b"} {
			s := &shard{file: "hosts", shards: 2, number: number, replica: replica, port: 9090 + 2*number + i, interval: "1s", targets: targets, ns: n}
			s.start(t)
			all[fmt.Sprint(number, replica)] = s
		}
	}
	of := make(map[string]int)
	divided := make(map[string][]string)
	for name, s := range all {
		divided[name] = s.scraped(t)
		for _, instance := range divided[name] {
			of[instance]++
		}
	}
	for _, instance := range targets {
		if of[instance] != 2 {
			t.Errorf("%s is scraped by %d, want the two replicas of a shard", instance, of[instance])
		}
	}
	if len(of) != hosts || len(divided["0a"]) == hosts {
		t.Errorf("%d targets, want %d in two shards: %v", len(of), hosts, divided)
	}
	for number := range 2 {
		if a, b := divided[fmt.Sprint(number, "a")], divided[fmt.Sprint(number, "b")]; !slices.Equal(a, b) {
			t.Errorf("the replicas of shard %d scrape %v and %v", number, a, b)
		}
	}
	if t.Failed() {
		return
	}

	killed, twin, other := all["0a"], all["0b"], all["1a"]
	instance, elsewhere := divided["0a"][0], divided["1a"][0]
	before := killed.samples(t, instance)
	last := before[len(before)-1].At
	killed.kill(t)
	// While it is away, its twin has what it misses.
	twin.until(t, fmt.Sprintf(`up{job="netstat", instance=%q}[1h]`, instance), func(found []series) string {
		if len(found) != 1 || within(found[0].Values, last, 1e18) < 5 {
			return "fewer than 5 samples since its twin was killed"
		}
		return ""
	})
	killed.run(t)
	seen := twin.samples(t, instance)
	ready := seen[len(seen)-1].At
	var after []sample
	killed.until(t, fmt.Sprintf(`up{job="netstat", instance=%q}[1h]`, instance), func(found []series) string {
		if len(found) != 1 || within(found[0].Values, ready, 1e18) < 3 {
			return "fewer than 3 samples since it is back"
		}
		after = found[0].Values
		return ""
	})
	if len(after) < len(before) || !slices.Equal(after[:len(before)], before) {
		t.Errorf("samples from before are lost: %v, and now %v", before, after)
	}
	// What it could still commit when it was looked at counts as before.
	resumed, gap := 0.0, 0.0
	for i := 1; i < len(after); i++ {
		if missing := after[i].At - after[i-1].At; missing > gap {
			gap, last, resumed = missing, after[i-1].At, after[i].At
		}
	}
	seen = twin.samples(t, instance)
	// Prometheus takes up to 5 seconds each until it knows the targets of a file, and until it scrapes them. One more
	// interval is that of the scrape itself, and one that of the twin.
	const discovery, intervals = 10, 2
	missed, away := within(seen, last, resumed), within(seen, last, ready)
	if missed > away+discovery+intervals {
		t.Errorf("%d scrapes are missing; while it was away its twin scraped %d times", missed, away)
	}
	t.Logf("%d scrapes are missing; while it was away its twin scraped %d times", missed, away)
	for _, s := range seen {
		if s.Value != "1" {
			t.Errorf("the twin's samples are not all of a host that is up: %v", seen)
		}
	}
	mine, theirs := other.samples(t, elsewhere), all["1b"].samples(t, elsewhere)
	for _, s := range mine {
		if s.Value != "1" {
			t.Errorf("the other shard is disturbed: %v", mine)
		}
	}
	if a, b := within(mine, last, resumed), within(theirs, last, resumed); a < b-intervals || b < a-intervals {
		t.Errorf("the replicas of the other shard scraped %d and %d times meanwhile", a, b)
	}
}
