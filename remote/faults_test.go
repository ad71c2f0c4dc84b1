package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// A table that is cut short is an error that says where and why, after the rows
// before it.
func TestTablesCutShort(t *testing.T) {
	routes := manyRoutes(2000)
	entry := ipforwardmib.Routes().Entry
	// late applies once a walk is under way.
	late := func(change func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket) func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		answers := 0
		return func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if !isBelow(asked.Variables[0].Name, entry) {
				return answer
			}
			if answers++; answers < 6 {
				return answer
			}
			return change(asked, answer)
		}
	}
	for name, c := range map[string]struct {
		change func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket
		want   string
		is     error
	}{
		"repeats": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			for i := range answer.Variables {
				answer.Variables[i].Name = asked.Variables[i%len(asked.Variables)].Name
			}
			return answer
		}, "does not move on", nil},
		"goes backwards": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.Variables[0].Name = "." + entry.Sub(7).String() + ".1.4.0.0.0.0.0.0.0.0"
			return answer
		}, "goes backwards", nil},
		"other objects": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.Variables[0].Name = ".1.3.6.1.2.1.1.1.0"
			return answer
		}, "goes backwards: 1.3.6.1.2.1.1.1.0 follows inetCidrRouteIfIndex", nil},
		"too many variables": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			for len(answer.Variables) <= int(asked.MaxRepetitions)*len(asked.Variables) {
				answer.Variables = append(answer.Variables, answer.Variables[len(answer.Variables)-1])
			}
			return answer
		}, "to a request for", nil},
		"genErr": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.Error, answer.ErrorIndex = gosnmp.GenErr, 2
			return answer
		}, "genErr for the variable after inetCidrRouteType.", nil},
		"authorizationError": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.Error = gosnmp.AuthorizationError
			return answer
		}, "authorizationError", fs.ErrPermission},
		"silence": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket { return nil }, "no answer", remote.ErrNoAnswer},
		"somebody else's answers": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.RequestID ^= 1 << 20
			return answer
		}, "no answer", os.ErrDeadlineExceeded},
		"always tooBig": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.Error, answer.Variables = gosnmp.TooBig, nil
			return answer
		}, "tooBig", nil},
		"empty answers": {func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			answer.Variables = nil
			return answer
		}, "without variables", nil},
	} {
		for _, sessions := range []int{1, 4} {
			d := device{variables: variablesOf(ipforwardmib.Routes(), routes), change: late(c.change)}
			config := patient(d.start(t))
			config.Sessions = sessions
			if strings.Contains(c.want, "no answer") {
				config.Timeout, config.Retries = 200*time.Millisecond, netstat.Known(1)
			}
			rows, err := collect(open(t, config).Routes(t.Context(), netstat.RouteQuery{}))
			var read *netstat.ReadError
			switch {
			case err == nil:
				t.Errorf("%s: %d rows and no error", name, len(rows))
			case !errors.As(err, &read) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "read inetCidrRouteTable in 127.0.0.1:"):
				t.Errorf("%s: %v", name, err)
			case c.is != nil && !errors.Is(err, c.is):
				t.Errorf("%s: %v is no %v", name, err, c.is)
			case len(rows) == 0 || len(rows) >= len(routes):
				t.Errorf("%s: %d rows before %v", name, len(rows), err)
			}
		}
	}
}

// An agent that never comes to an end fills no memory.
func TestEndlessTable(t *testing.T) {
	var at atomic.Uint32
	d := device{
		variables: variablesOf(ipforwardmib.Routes(), manyRoutes(10)),
		change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if !isBelow(asked.Variables[0].Name, ipforwardmib.Routes().Entry) {
				return answer
			}
			answer.Variables = nil
			for range asked.MaxRepetitions {
				n := at.Add(1)
				for _, column := range []uint32{7, 8, 9, 10, 12, 17} {
					index := mib.MakeOID(1, 4, n>>24&255, n>>16&255, n>>8&255, n&255, 32, 2, 0, 0, 0, 0)
					v := mib.Int(1)
					if column == 10 {
						v = mib.Gauge(1)
					}
					answer.Variables = append(answer.Variables, pduOf(ipforwardmib.Routes().Entry.Sub(column).Append(index), v))
				}
				if len(answer.Variables) > 600 {
					break
				}
			}
			return answer
		},
	}
	c := patient(d.start(t))
	c.MaxRows, c.Sessions = 5000, 1
	rows, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
	if err == nil || !strings.Contains(err.Error(), "more than 5000 rows") || len(rows) != 5000 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// Whatever an agent puts into an answer at most, and whatever gets lost, the
// table is whole.
func TestAgentsWithLimits(t *testing.T) {
	want := manyRoutes(1500)
	tooBigFrom := func(most int) func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		return func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if len(answer.Variables) > most {
				answer.Error, answer.Variables = gosnmp.TooBig, nil
			}
			return answer
		}
	}
	var lost atomic.Int32
	for name, c := range map[string]struct {
		device  device
		timeout time.Duration
	}{
		"1 variable":     {device{most: 1}, 0},
		"5 variables":    {device{most: 5}, 0},
		"100 variables":  {device{most: 100}, 0},
		"tooBig from 3":  {device{change: tooBigFrom(3)}, 0},
		"tooBig from 50": {device{change: tooBigFrom(50)}, 0},
		"every fifth answer is lost": {device{change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if lost.Add(1)%5 == 0 {
				return nil
			}
			return answer
		}}, 100 * time.Millisecond},
		"long answers are lost": {device{change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if len(answer.Variables) > 130 {
				return nil
			}
			return answer
		}}, 100 * time.Millisecond},
		"slower than the timeout": {device{change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if len(answer.Variables) > 1 {
				time.Sleep(80 * time.Millisecond)
			}
			return answer
		}}, 50 * time.Millisecond},
	} {
		for _, sessions := range []int{1, 4} {
			want := want
			if name == "slower than the timeout" {
				if sessions > 1 {
					continue // a device that answers one at a time is slower yet for many
				}
				want = want[:200]
			}
			d := c.device
			d.variables = variablesOf(ipforwardmib.Routes(), want)
			config := patient(d.start(t))
			config.Sessions = sessions
			if c.timeout > 0 {
				config.Timeout, config.Retries = c.timeout, netstat.Known(100)
			}
			got, err := collect(open(t, config).Routes(t.Context(), netstat.RouteQuery{}))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			compare(t, got, want)
		}
	}
}

// An agent that has no GETBULK, whatever it answers to it, is asked by GETNEXT, and soon by
// nothing else.
func TestAgentsWithoutGetBulk(t *testing.T) {
	want := manyRoutes(300)
	fails := func(status gosnmp.SNMPError, index uint8) func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		return func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if asked.PDUType == gosnmp.GetBulkRequest {
				answer.Error, answer.ErrorIndex, answer.Variables = status, index, asked.Variables
			}
			return answer
		}
	}
	for name, change := range map[string]func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket{
		"genErr":          fails(gosnmp.GenErr, 0),
		"genErr of one":   fails(gosnmp.GenErr, 1),
		"noSuchName":      fails(gosnmp.NoSuchName, 1),
		"noSuchName of 0": fails(gosnmp.NoSuchName, 0),
		"nothing": func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if asked.PDUType == gosnmp.GetBulkRequest {
				return nil
			}
			return answer
		},
	} {
		t.Run(name, func(t *testing.T) {
			bulks, all := 0, 0 // of the device's goroutine
			d := device{variables: variablesOf(ipforwardmib.Routes(), want), change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
				if all++; asked.PDUType == gosnmp.GetBulkRequest {
					bulks++
				}
				return change(asked, answer)
			}}
			t.Run("read", func(t *testing.T) {
				config := patient(d.start(t))
				config.Sessions = 1
				if name == "nothing" {
					config.Timeout, config.Retries = 50*time.Millisecond, netstat.Known(100)
				}
				s := open(t, config)
				for range 2 {
					got, err := collect(s.Routes(t.Context(), netstat.RouteQuery{}))
					if err != nil {
						t.Fatal(err)
					}
					compare(t, got, want)
				}
			})
			if bulks == 0 || bulks > all/4 {
				t.Errorf("%d of %d requests were GetBulkRequests", bulks, all)
			}
		})
	}
}

// GetBulkRequests that got lost, until the agent seemed to have none, are tried anew.
func TestLostGetBulkRequests(t *testing.T) {
	want := manyRoutes(300)
	lost, last := 0, gosnmp.PDUType(0)
	d := device{variables: variablesOf(ipforwardmib.Routes(), want), change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		if last = asked.PDUType; last == gosnmp.GetBulkRequest && lost < 5 {
			lost++
			return nil
		}
		return answer
	}}
	t.Run("read", func(t *testing.T) {
		config := patient(d.start(t))
		config.Sessions = 1
		config.Timeout, config.Retries = 50*time.Millisecond, netstat.Known(100)
		got, err := collect(open(t, config).Routes(t.Context(), netstat.RouteQuery{}))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, want)
	})
	if lost < 5 || last != gosnmp.GetBulkRequest {
		t.Errorf("%d GetBulkRequests were lost, and the last request is a %v", lost, last)
	}
}

// A broken object is no sign that an agent has no GETBULK.
func TestBrokenObjectAndGetBulk(t *testing.T) {
	want := manyRoutes(300)
	bulks, all := 0, 0
	d := device{variables: variablesOf(ipforwardmib.Routes(), want), change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		if all++; asked.PDUType == gosnmp.GetBulkRequest {
			bulks++
		}
		for i, v := range answer.Variables {
			if all < 4 && asked.PDUType == gosnmp.GetBulkRequest && i > 40 && isBelow(v.Name, ipforwardmib.Routes().Entry) {
				answer.Error, answer.ErrorIndex, answer.Variables = gosnmp.GenErr, 1, asked.Variables
				break
			}
		}
		return answer
	}}
	t.Run("read", func(t *testing.T) {
		config := patient(d.start(t))
		config.Sessions = 1
		s := open(t, config)
		for range 2 {
			got, err := collect(s.Routes(t.Context(), netstat.RouteQuery{}))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
		}
	})
	if 2*bulks < all {
		t.Errorf("%d of %d requests were GetBulkRequests", bulks, all)
	}
}

// What ifHighSpeed tells holds where ifSpeed is what 32 bits have of it (RFC 2863, section
// 3.1.7, would have their greatest number), and not otherwise.
func TestSpeeds(t *testing.T) {
	const giga = 1_000_000_000
	cases := []struct {
		speed, high uint64
		want        netstat.Optional[uint64]
	}{
		{10 * giga & math.MaxUint32, 10_000, netstat.Known[uint64](10 * giga)},
		{25 * giga & math.MaxUint32, 25_000, netstat.Known[uint64](25 * giga)},
		{400 * giga & math.MaxUint32, 400_000, netstat.Known[uint64](400 * giga)},
		{math.MaxUint32, 10_000, netstat.Known[uint64](10 * giga)},
		{0, 10_000, netstat.Known[uint64](10 * giga)},
		{1544000, 2, netstat.Known[uint64](1544000)}, // a T1 line, exact and rounded
		{1544000, 1, netstat.Known[uint64](1544000)},
		{giga, 1_000_000, netstat.Known[uint64](giga)}, // kilobits by mistake
		{0, 0, netstat.Optional[uint64]{}},
	}
	column := func(entry string, sub uint32, i int, v mib.Value) mib.Binding {
		return mib.Binding{Object: mib.MustParseOID(entry).Sub(sub), Index: mib.MakeOID(uint32(i + 1)), Value: v}
	}
	var d device
	for i, c := range cases {
		d.variables = append(d.variables, column("1.3.6.1.2.1.2.2.1", 2, i, mib.Octets("eth")),
			column("1.3.6.1.2.1.2.2.1", 5, i, mib.Gauge(c.speed)), column("1.3.6.1.2.1.31.1.1.1", 15, i, mib.Gauge(c.high)))
	}
	got, err := collect(open(t, patient(d.start(t))).Interfaces(t.Context()))
	if err != nil || len(got) != len(cases) {
		t.Fatalf("%d interfaces, %v", len(got), err)
	}
	for i, c := range cases {
		if got[i].Speed != c.want {
			t.Errorf("ifSpeed %d, ifHighSpeed %d: %v, want %v", c.speed, c.high, got[i].Speed, c.want)
		}
	}
}

// What follows a message in its datagram is passed over, as net-snmp does.
func TestOctetsBehindAMessage(t *testing.T) {
	want := manyRoutes(50)
	d := device{variables: variablesOf(ipforwardmib.Routes(), want), send: func(message []byte) []byte { return append(message, 0) }}
	got, err := collect(open(t, patient(d.start(t))).Routes(t.Context(), netstat.RouteQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
}

// An agent whose answer to a request is malformed is not asked the same for ever, and named so.
func TestMalformedAnswers(t *testing.T) {
	sent := 0
	routes := variablesOf(ipforwardmib.Routes(), manyRoutes(50))
	d := device{variables: append(routes, mib.Binding{Object: mib.MustParseOID("1.3.6.1.2.1.1.3"), Index: mib.MakeOID(0), Value: mib.Ticks(100)})}
	d.send = func(message []byte) []byte {
		if sent++; sent == 1 {
			return message // sysUpTime
		}
		// The name of the first variable has no encoding: it ends within a sub-identifier.
		i := bytes.Index(message, []byte{0x2b, 6, 1, 2, 1})
		length := int(message[i-1])
		message[i+length-1] |= 0x80
		return message
	}
	t.Run("read", func(t *testing.T) {
		c := patient(d.start(t))
		c.Sessions = 1
		got, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
		if err == nil || !strings.Contains(err.Error(), "malformed answer") || !strings.Contains(err.Error(), "twice") || len(got) > 0 {
			t.Errorf("%d routes, %v", len(got), err)
		}
	})
	if sent > 20 {
		t.Errorf("it was asked %d times", sent)
	}
}

func TestSNMPv1(t *testing.T) {
	want := manyRoutes(300)
	d := device{variables: variablesOf(ipforwardmib.Routes(), want)}
	c := patient(d.start(t))
	c.Version = remote.V1
	got, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
}

// The end of a context ends what waits at once, whatever the timeout is.
func TestCancellation(t *testing.T) {
	silent := make(chan struct{}, 100)
	d := device{variables: variablesOf(ipforwardmib.Routes(), manyRoutes(100)), change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		if isBelow(asked.Variables[0].Name, ipforwardmib.Routes().Entry) {
			silent <- struct{}{}
			return nil
		}
		return answer
	}}
	address := d.start(t)
	for _, sessions := range []int{1, 4} {
		c := patient(address)
		c.Timeout, c.Sessions = time.Hour, sessions
		s := open(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-silent
			cancel()
		}()
		if rows, err := collect(s.Routes(ctx, netstat.RouteQuery{})); !errors.Is(err, context.Canceled) {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
}

// Who has seen enough leaves nothing running.
func TestBreakingOut(t *testing.T) {
	address := agentOf(t, scene{routes: manyRoutes(20000)})
	c := patient(address)
	s := open(t, c)
	for range 20 {
		n := 0
		for _, err := range s.Routes(t.Context(), netstat.RouteQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 1000 {
				break
			}
		}
	}
	if got, err := collect(s.Routes(t.Context(), netstat.RouteQuery{})); err != nil || len(got) != 20000 {
		t.Errorf("afterwards %d rows, %v", len(got), err)
	}
}

// Many columns abreast take few requests, though whole repetitions of them never
// make up a round number of variables.
func TestManyColumns(t *testing.T) {
	const rows = 300
	links := make([]netstat.Interface, rows)
	for i := range links {
		links[i] = netstat.Interface{Index: uint32(i + 1), Name: fmt.Sprint("eth", i), HardwareType: netstat.Known[uint16](1), Counters: netstat.InterfaceCounters{InOctets: netstat.Known[uint64](1)}}
	}
	var requests atomic.Int32
	d := device{
		variables: slices.Concat(variablesOf(ifmib.Interfaces(), links), variablesOf(ifmib.Extensions(), links)),
		change: func(_, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			requests.Add(1)
			return answer
		},
	}
	s := open(t, patient(d.start(t)))
	got, err := collect(s.Interfaces(t.Context()))
	if err != nil || len(got) != rows {
		t.Fatalf("%d interfaces, %v", len(got), err)
	}
	// The device puts 900 variables into an answer.
	if n, most := requests.Load(), int32(len(d.variables)/900+20); n > most {
		t.Errorf("%d requests for %d variables, want at most %d", n, len(d.variables), most)
	}
}

// A host that takes longer than the timeout for every answer, one after the other,
// is not kept busy with what it has been asked already.
func TestSlowHost(t *testing.T) {
	// Of the device's one goroutine, until it has ended.
	var first uint32
	seen, repeated := make(map[uint32]bool), 0
	d := device{
		variables: variablesOf(ifmib.Interfaces(), []netstat.Interface{{Index: 1, Name: "eth0", HardwareType: netstat.Known[uint16](1), Counters: netstat.InterfaceCounters{InOctets: netstat.Known[uint64](1)}}}),
		change: func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if first == 0 {
				first = asked.RequestID
			}
			question := (asked.RequestID - first) >> 10 // the rest tells attempts apart
			if seen[question] {
				repeated++
			}
			seen[question] = true
			time.Sleep(200 * time.Millisecond)
			return answer
		},
	}
	c := patient("")
	c.Timeout, c.Retries = 40*time.Millisecond, netstat.Known(9)
	t.Run("read", func(t *testing.T) {
		c.Address = d.start(t)
		s := open(t, c)
		if got, err := collect(s.Interfaces(t.Context())); err != nil || len(got) != 1 {
			t.Errorf("%d interfaces, %v", len(got), err)
		}
	})
	// Five or so of the first request, few of the second.
	if repeated > 9 {
		t.Errorf("%d requests were repeated of %d", repeated, len(seen))
	}
}

// A panic of who reads columns side by side is the caller's, who may go on with other hosts.
func TestPanicIsTheReaders(t *testing.T) {
	interfaces := make([]netstat.Interface, 500)
	for i := range interfaces {
		interfaces[i] = netstat.Interface{Index: uint32(i + 1), Name: "eth"}
	}
	stack, err := remote.Open(t.Context(), remote.Config{Address: agentOf(t, scene{interfaces: interfaces}), Version: remote.V2c, Community: "public"})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	objects := remote.Objects{Name: "ifTable", Columns: ifmib.Interfaces().Objects(), Scalars: ifmib.Number().Scalars()}
	read := func(tell func(int, mib.Value)) (rows int, recovered any) {
		defer func() { recovered = recover() }()
		for _, err := range stack.Objects(t.Context(), objects, tell) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
		return rows, nil
	}
	if _, recovered := read(func(int, mib.Value) { panic("told too much") }); !strings.Contains(fmt.Sprint(recovered), "told too much") || !strings.Contains(fmt.Sprint(recovered), "faults_test.go") {
		t.Errorf("recovered: %v", recovered)
	}
	if rows, recovered := read(func(int, mib.Value) {}); rows != len(interfaces) || recovered != nil {
		t.Errorf("afterwards %d rows, %v", rows, recovered)
	}
}
