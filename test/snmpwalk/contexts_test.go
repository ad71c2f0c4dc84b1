package snmpwalk_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

const (
	ifDescr     = "1.3.6.1.2.1.2.2.1.2"
	sysDescr    = "1.3.6.1.2.1.1.1.0"
	sysORDescr  = "1.3.6.1.2.1.1.9.1.3"
	vacmContext = "1.3.6.1.6.3.16.1.1.1.1"
)

// asUser are the options of a request by SNMPv3, in a context.
func asUser(user, context string, names ...string) []string {
	args := append([]string{"-v3", "-u", user, "-n", context, "-l", "authNoPriv", "-a", "SHA-256", "-A", "maplesyrup", "-Oqv"}, slow...)
	return append(append(args, targets["udp"]), names...)
}

// values are what a walk prints, of a context that there is.
func (s *scene) values(t testing.TB, args ...string) []string {
	t.Helper()
	var all []string
	for _, line := range s.lines(t, "snmpwalk", args...) {
		all = append(all, strings.Trim(line, `"`))
	}
	return all
}

// linksOf are the names of a namespace's interfaces, in the order of their numbers.
func linksOf(t testing.TB, n *nstest.NS) (names []string) {
	t.Helper()
	var links []struct {
		Name string `json:"ifname"`
	}
	n.JSON(t, &links, "link")
	for _, l := range links {
		names = append(names, l.Name)
	}
	return names
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// contextLines are a file's: who may see what of a context.
func contextLines(blue string) []string {
	return []string{
		"createUser all SHA-256 maplesyrup", "rouser all",
		"createUser narrow SHA-256 maplesyrup", "group narrow usm narrow", "access narrow " + blue + " usm auth exact _all_ none none",
		"createUser wide SHA-256 maplesyrup", "group wide usm wide", "access wide " + blue[:len(blue)-1] + " usm auth prefix _all_ none none",
		"com2sec -Cn " + blue + " bluesec 127.0.0.1 blues", "group blues v2c bluesec", "access blues " + blue + " v2c noauth exact _all_ none none",
		"rocommunity bluestoo 127.0.0.1 -V _all_ " + blue, "rocommunity nowheres 127.0.0.1 -V _all_ nowhere",
	}
}

// TestContexts holds that a namespace which the configuration names is a context: by
// SNMPv3's contextName and by communities that are bound to it, for whom the tables of
// RFC 3415 let see it, with a system group of its own; that one which there is not is reported;
// and that namespaces are let go when their name goes, whoever walks.
func TestContexts(t *testing.T) {
	needsTools(t)
	s, blue, other := newPair(t), nstest.New(t), nstest.New(t)
	blue.IP(t, "link add only-blue type bridge")
	prefix := fmt.Sprintf("walk-%d-", os.Getpid())
	lines := append([]string{"rocommunity public", "rocommunity6 public", "netnsContexts " + blue.Name + " !" + prefix + "hidden " + prefix + "*"}, contextLines(blue.Name)...)
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	p := startEmbedded(t, s.NS, "--config", writeConfig(t, lines...), "--state", state)

	want := linksOf(t, blue)
	for who, args := range map[string][]string{
		"a user of everything": asUser("all", blue.Name, ifDescr), "one of the context": asUser("narrow", blue.Name, ifDescr), "one of a prefix": asUser("wide", blue.Name, ifDescr),
		"a community of com2sec": ask("2c", "blues", "udp", "-Oqv", ifDescr), "one of rocommunity": ask("2c", "bluestoo", "udp", "-Oqv", ifDescr), "and in SNMPv1": ask("1", "bluestoo", "udp", "-Oqv", ifDescr),
	} {
		if got := s.values(t, args...); !slices.Equal(got, want) {
			t.Errorf("%s sees %q, want %q", who, got, want)
		}
	}
	if got, want := s.values(t, asUser("all", "", ifDescr)...), linksOf(t, s.NS); !slices.Equal(got, want) {
		t.Errorf("the default context has %q, want %q", got, want)
	}
	for why, c := range map[string]struct {
		args []string
		want string
	}{
		"a user of another context":      {asUser("narrow", "", sysDescr), "authorizationError"},
		"a namespace that no line names": {asUser("all", other.Name, sysDescr), "Bad context"},
		"no namespace":                   {asUser("all", "nowhere", sysDescr), "Bad context"},
		"a community of no context":      {append([]string{"-v2c", "-c", "nowheres", "-t1", "-r0"}, targets["udp"], sysDescr), "No Response"},
		"what is the engine's":           {asUser("all", blue.Name, "1.3.6.1.6.3.10.2.1.1.0"), "No Such Object"},
	} {
		if r := s.run(t, "snmpget", c.args...); !strings.Contains(r.out+r.complaints, c.want) {
			t.Errorf("%s: %s%s, want %s", why, r.out, r.complaints, c.want)
		}
	}
	if got := s.values(t, asUser("all", blue.Name, "1.3.6.1.2.1.1")...); !strings.Contains(got[0], blue.Name) || len(got) < 8 {
		t.Errorf("the system group of the context is %q", got)
	}
	if got, want := s.values(t, asUser("all", "", vacmContext)...), []string{"", blue.Name}; !slices.Equal(got, want) {
		t.Errorf("vacmContextTable has %q, want %q", got, want)
	}

	// Of a namespace that goes while it is read nothing is held: the other end of its link
	// goes with it. Who walks another context meanwhile sees all of that.
	var walking sync.WaitGroup
	stop := make(chan struct{})
	walking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if got := s.values(t, asUser("narrow", blue.Name, ifDescr)...); !slices.Equal(got, want) {
				t.Errorf("while others come and go, the context has %q, want %q", got, want)
			}
		}
	})
	name := prefix + "gone"
	for n := range 5 {
		end := fmt.Sprint("end", n)
		ip(t, "netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		ip(t, "-n", name, "link", "add", "inside", "type", "veth", "peer", "name", end, "netns", s.Name)
		eventually(t, func() string {
			r := s.run(t, "snmpwalk", asUser("all", name, ifDescr)...)
			if !strings.Contains(r.out, "inside") {
				return "the context is not there: " + r.out + r.complaints
			}
			return ""
		})
		walking.Go(func() {
			r := s.run(t, "snmpbulkwalk", asUser("all", name, "1.3.6.1.2.1")...)
			if r.status != 0 && !strings.Contains(r.complaints, "Bad context") && !strings.Contains(r.out+r.complaints, "genError") {
				t.Errorf("a walk while the namespace goes: %s%s", tail(r.out), r.complaints)
			}
		})
		ip(t, "netns", "del", name)
		eventually(t, func() string {
			if slices.Contains(linksOf(t, s.NS), end) {
				return "the namespace is still there: the agent holds it"
			}
			return ""
		})
		eventually(t, func() string {
			if r := s.run(t, "snmpget", asUser("all", name, sysDescr)...); !strings.Contains(r.complaints, "Bad context") {
				return "the context is still there: " + r.out + r.complaints
			}
			return ""
		})
	}
	close(stop)
	walking.Wait()
	if strings.Contains(p.output.String(), "maplesyrup") {
		t.Error("the log tells a secret")
	}
}

// TestContextsOfMaster holds that a subagent's contexts are those of the master's, as they
// come and go, and that the master's default context does not change by them.
func TestContextsOfMaster(t *testing.T) {
	needsTools(t)
	s, blue := newPair(t), nstest.New(t)
	blue.IP(t, "link add only-blue type bridge")
	s.master = startMaster(t, s.NS, contextLines(blue.Name)...)
	name := fmt.Sprintf("walk-%d-later", os.Getpid())
	p := startSubagent(t, s.master, "--contexts", blue.Name+","+name)
	resources := s.values(t, ask("2c", "public", "udp", "-Oqv", sysORDescr)...)
	if once := slices.Compact(slices.Sorted(slices.Values(resources))); len(once) != len(resources) {
		t.Errorf("sysORTable of the default context has something twice: %q", resources)
	}
	want := linksOf(t, blue)
	for who, args := range map[string][]string{"a user": asUser("all", blue.Name, ifDescr), "a community": ask("2c", "blues", "udp", "-Oqv", ifDescr)} {
		eventually(t, func() string {
			r := s.run(t, "snmpwalk", args...)
			if got := strings.Fields(strings.ReplaceAll(r.out, `"`, "")); !slices.Equal(got, want) {
				return fmt.Sprintf("%s sees %q, want %q: %s", who, got, want, r.complaints)
			}
			return ""
		})
	}
	system := s.values(t, asUser("all", blue.Name, "1.3.6.1.2.1.1")...)
	if !strings.Contains(system[0], blue.Name) || !slices.Contains(system, "The MIB module for managing TCP implementations (RFC 4022)") {
		t.Errorf("the system group of the context is %q", system)
	}
	if got, want := s.values(t, asUser("all", "", ifDescr)...), linksOf(t, s.NS); !slices.Equal(got, want) {
		t.Errorf("the default context has %q, want %q", got, want)
	}

	// A master that starts again has the contexts again; namespaces come and go.
	s.master.kill()
	if err := os.Remove(s.master.socket()); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	s.master.start(t)
	p.await(t, registered, 2)
	for range 2 {
		ip(t, "netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		ip(t, "-n", name, "link", "add", "inside", "type", "bridge")
		seen := func(inside bool) {
			t.Helper()
			eventually(t, func() string {
				if r := s.run(t, "snmpwalk", asUser("all", name, ifDescr)...); strings.Contains(r.out, "inside") != inside {
					return fmt.Sprintf("the context of a namespace that is there (%t): %s%s", inside, r.out, r.complaints)
				}
				return ""
			})
		}
		seen(true)
		ip(t, "netns", "del", name)
		seen(false)
	}
	if got := s.values(t, asUser("all", blue.Name, ifDescr)...); !slices.Equal(got, want) {
		t.Errorf("at last the context has %q, want %q", got, want)
	}
}
