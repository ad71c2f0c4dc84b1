package netstat_test

import (
	"bufio"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// turns are those of a run of the program, which begin where rows of one namespace do,
// and in which of them each namespace was seen last.
type turns struct {
	mu     sync.Mutex
	first  string
	before string
	now    int
	seen   map[string]int
}

func (u *turns) add(netns string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if netns == u.first && u.before != u.first {
		u.now++
	}
	u.before = netns
	u.seen[netns] = u.now
}

// ago returns how many turns ago a namespace was seen, and whether it ever was.
func (u *turns) ago(netns string) (turns int, ever bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	last, ever := u.seen[netns]
	return u.now - last, ever
}

// Every turn shows the namespaces that there are: those that came since, and not those
// that went, which it does not keep alive.
func TestNamespacesOfEachTurn(t *testing.T) {
	for _, mode := range []string{"-rn", "-ia"} { // a listing, and growth
		t.Run(mode, func(t *testing.T) {
			n, other := scene(t), scene(t)
			cmd := exec.Command("ip", "netns", "exec", n.Name, program, "--json", "--netns", "all", "--interval", "0.1", mode)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			u := turns{first: n.Name, seen: make(map[string]int)}
			read := make(chan struct{})
			go func() {
				defer close(read)
				for scanner := bufio.NewScanner(out); scanner.Scan(); {
					rows := decode(t, scanner.Text())
					if rows[0]["total"] != true {
						u.add(rows[0].text("netns"))
					}
				}
			}()
			t.Cleanup(func() {
				_ = cmd.Process.Signal(syscall.SIGINT)
				<-read
				_ = cmd.Wait() // other tests' namespaces may not be there
			})
			const late = "netstat-late"
			t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", late).Run() })
			eventually(t, func() string {
				if _, ever := u.ago(other.Name); !ever {
					return "no turn shows another namespace"
				}
				return ""
			})
			for _, line := range []string{"netns add " + late, "link add late0 type veth peer name inside netns " + late, "-n " + late + " addr add 198.51.100.1/24 dev inside",
				"-n " + late + " link set inside up", "link set late0 up"} {
				args := strings.Fields(line)
				if args[0] == "link" {
					n.IP(t, line)
				} else if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
					t.Fatalf("ip %s: %v\n%s", line, err, out)
				}
			}
			eventually(t, func() string {
				if _, ever := u.ago(late); !ever {
					return "a namespace that came is not shown"
				}
				return ""
			})
			if out, err := exec.Command("ip", "netns", "del", late).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			eventually(t, func() string {
				if turns, _ := u.ago(late); turns < 3 {
					return "a namespace that went is shown"
				}
				// With a namespace go its links and their peers.
				if err := exec.Command("ip", "-n", n.Name, "link", "show", "late0").Run(); err == nil {
					return "a namespace that went lives on"
				}
				return ""
			})
		})
	}
}
