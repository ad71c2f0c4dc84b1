package remote_test

import (
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// One session of a host discovers the engine, and those that ask beside it do not.
func TestOneDiscovery(t *testing.T) {
	if !inside(t) {
		return
	}
	scene(t)
	startSnmpd(t)
	discoveries := func() int {
		t.Helper()
		// usmStatsUnknownEngineIDs counts them: a discovery names none.
		out, err := exec.Command("snmpget", "-v2c", "-cpublic", "-Oqv", "-r50", "-t1", "127.0.0.1", "1.3.6.1.6.3.15.1.1.4.0").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range users {
		before := discoveries()
		c := userConfig(i, "127.0.0.1")
		c.AnySource = i%2 == 1
		s, err := remote.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 { // each has a session, as all ask at the same time
			all.Go(func() {
				for range 2 {
					rows := 0
					for _, err := range s.Routes(t.Context(), netstat.RouteQuery{}) {
						if err != nil {
							t.Errorf("%s: %v", users[i].name, err)
							return
						}
						rows++
					}
					if rows == 0 {
						t.Errorf("%s: no routes", users[i].name)
					}
				}
			})
		}
		all.Wait()
		s.Close()
		// Open's, which is repeated where snmpd is slow to answer, and no other's.
		if n := discoveries() - before; n == 0 || n > 2 {
			t.Errorf("%s: %d discoveries", users[i].name, n)
		}
	}
}
