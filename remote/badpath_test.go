package remote_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/badpath"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// far returns the address of an agent that is at the end of a path.
func far(t *testing.T, p *badpath.Path, agent string) string {
	t.Helper()
	address, closing, err := p.Open("127.0.0.1:0", strings.TrimPrefix(agent, "udp:"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closing)
	return address
}

// persistent has requests repeated often enough for any loss.
func persistent(address string) remote.Config {
	c := patient(address)
	c.Timeout, c.Retries = time.Second, netstat.Known(60)
	return c
}

// Tables are whole at the end of any path, and what does not come through is learnt by few
// requests.
func TestBadPaths(t *testing.T) {
	want := manyRoutes(1500)
	agent := agentOf(t, scene{routes: want})
	for name, c := range map[string]struct {
		path *badpath.Path
		// tooLong is how many answers may be lost for their length, of the same number of
		// requests as a frame for each answer takes.
		tooLong int64
	}{
		"long answers are lost":            {&badpath.Path{Longest: 1472}, 30},
		"all but small answers are lost":   {&badpath.Path{Longest: 600}, 30},
		"far away":                         {&badpath.Path{Delay: 50 * time.Millisecond}, 0},
		"1 of 20 is lost":                  {&badpath.Path{Loss: 0.05}, 0},
		"1 of 5 is lost":                   {&badpath.Path{Loss: 0.2}, 0},
		"long answers and 1 of 20 is lost": {&badpath.Path{Loss: 0.05, Longest: 1472}, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := collect(open(t, persistent(far(t, c.path, agent))).Routes(t.Context(), netstat.RouteQuery{}))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
			if n := c.path.TooLong.Load(); n > c.tooLong {
				t.Errorf("%d of %d answers were too long", n, c.path.Requests.Load())
			}
		})
	}
}

// A small device, which answers one request at a time and lets few wait, loses few.
func TestSmallDevice(t *testing.T) {
	want := manyRoutes(1500)
	agent := agentOf(t, scene{routes: want})
	for _, device := range []struct {
		service time.Duration
		queue   int
		delay   time.Duration
	}{
		{2 * time.Millisecond, 2, 0},
		{time.Millisecond, 3, 10 * time.Millisecond},
	} {
		// A busy machine sends in bursts: of some readings one is as on an idle one.
		var lost, all int64
		for range 5 {
			p := &badpath.Path{Service: device.service, Queue: device.queue, Delay: device.delay}
			c := persistent(far(t, p, agent))
			c.MaxAnswer = 1000
			got, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
			if lost, all = int64(p.Overflowed.Load()), int64(p.Requests.Load()); lost <= all/20 {
				break
			}
		}
		if lost > all/20 {
			t.Errorf("of %d requests %d found no room in a queue of %d", all, lost, device.queue)
		}
	}
}

// An agent that now and then answers short is asked for as much as before.
func TestShortAnswers(t *testing.T) {
	want := manyRoutes(6000)
	var answers atomic.Int32
	d := device{variables: variablesOf(ipforwardmib.Routes(), want), change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		if answers.Add(1)%10 == 0 && len(answer.Variables) > 60 {
			answer.Variables = answer.Variables[:60]
		}
		return answer
	}}
	got, err := collect(open(t, patient(d.start(t))).Routes(t.Context(), netstat.RouteQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
	// The device puts 900 variables into an answer.
	if n, most := answers.Load(), int32(2*len(d.variables)/900+30); n > most {
		t.Errorf("%d requests for %d variables, want at most %d", n, len(d.variables), most)
	}
}

// What the configuration bounds is never passed.
func TestBounds(t *testing.T) {
	const most, requests = 700, 3
	want := manyRoutes(800)
	p := &badpath.Path{Delay: 5 * time.Millisecond}
	c := persistent(far(t, p, agentOf(t, scene{routes: want})))
	c.MaxAnswer, c.Sessions = most, requests
	got, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
	if n := p.AtOnce.Load(); n > requests {
		t.Errorf("%d requests at a time, want %d at most", n, requests)
	}
	// Rows are longer than others by an IPv6 address.
	if n := p.Octets.Load(); n > 2*most {
		t.Errorf("an answer has %d octets, want %d", n, most)
	}
}
