package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmptest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// counting is an agent whose counters are those of one state, and then those of
// another.
type counting struct {
	states [2]countingState
	old    bool // without ifXTable
	now    atomic.Int32
	source *fresh.Source[[]netstat.Interface]
}

type countingState struct {
	epoch         time.Time
	octets, opens uint64
	discontinuity time.Time
}

func (c *counting) state() *countingState { return &c.states[c.now.Load()] }

// next makes the other state the present one.
func (c *counting) next() {
	c.now.Store(1)
	c.source.Invalidate()
}

// start serves on a port of its own until the test ends. asked is called when
// TCP's counters are.
func (c *counting) start(t *testing.T, asked func()) (address string) {
	t.Helper()
	c.source = fresh.New(func(context.Context) ([]netstat.Interface, error) {
		s := c.state()
		return []netstat.Interface{{
			Index: 1, Name: "eth0", Flags: netstat.InterfaceUp, HardwareType: netstat.Known[uint16](1), CounterDiscontinuity: s.discontinuity,
			Counters: netstat.InterfaceCounters{InOctets: netstat.Known[uint64](s.octets), InPackets: netstat.Known[uint64](s.octets), InErrors: netstat.Known[uint64](s.octets)},
		}}, nil
	})
	nodes := []mib.Node{
		snmpv2mib.SystemObjects().BindNow(func() snmpv2mib.System {
			return snmpv2mib.System{Descr: "test", Name: "test", Started: c.state().epoch, Now: time.Now()}
		}),
		ifmib.Interfaces().Bind(c.source),
		tcpmib.Statistics().BindNow(func() netstat.TCPStatistics {
			if asked != nil {
				asked()
			}
			return netstat.TCPStatistics{ActiveOpens: netstat.Known(c.state().opens), CurrEstab: netstat.Known[uint32](7)}
		}),
	}
	if !c.old {
		nodes = append(nodes, ifmib.Extensions().Bind(c.source))
	}
	tree := snmptest.Tree(t, mib.TreeOptions{Epoch: func() time.Time { return c.state().epoch }}, nodes...)
	at := snmptest.Serve(t, snmp.Options{Handler: tree, Communities: []snmp.Community{snmptest.Public()}}, snmptest.Local(snmp.UDP))
	return at[0].String()
}

// followed runs netstat --interval --json until rows say that it is enough, and
// returns all of them with what was said on standard error.
func followed(t *testing.T, enough func(row map[string]any) bool, args ...string) (rows []map[string]any, complaints string, err error) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "snmp.conf")
	if err := os.WriteFile(config, []byte("defCommunity public\ntimeout 10\nretries 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	defer cancel()
	cmd := newCommand()
	r, w := io.Pipe()
	var stderr bytes.Buffer
	cmd.SetOut(w)
	cmd.SetErr(&stderr)
	args = append([]string{"--interval", "0.05", "--json"}, args...)
	if !slices.Contains(args, "--snmp-config") {
		args = append(args, "--snmp-config", config)
	}
	cmd.SetArgs(args)
	ended := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		w.Close()
		ended <- err
	}()
	d := json.NewDecoder(r)
	for {
		var row map[string]any
		if failed := d.Decode(&row); failed != nil {
			if failed != io.EOF {
				t.Error(failed)
			}
			break
		}
		rows = append(rows, row)
		if enough(row) {
			cancel()
		}
	}
	return rows, stderr.String(), <-ended
}

// What wraps around counts on; what lost its continuity, or began anew, is not
// known, in its interval and in the whole.
func TestHostInterval(t *testing.T) {
	hour := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		*counting
		want string // of the interval in which something happens, and in all
		said string
	}{
		"32 bits wrap": {&counting{old: true, states: [2]countingState{
			{epoch: hour, octets: 1<<32 - 10}, {epoch: hour, octets: 1<<32 + 20},
		}}, "30", ""},
		"64 bits": {&counting{states: [2]countingState{
			{epoch: hour, octets: 1<<32 - 10}, {epoch: hour, octets: 1<<33 + 20},
		}}, "4294967326", ""},
		"discontinuity": {&counting{states: [2]countingState{
			{epoch: hour, octets: 1000}, {epoch: hour, octets: 2000, discontinuity: hour.Add(time.Minute)},
		}}, "<nil>", ""},
		"restart": {&counting{states: [2]countingState{
			{epoch: hour, octets: 1000}, {epoch: time.Now(), octets: 2000},
		}}, "<nil>", "began anew"},
	} {
		t.Run(name, func(t *testing.T) {
			address := c.start(t, nil)
			seen := 0
			rows, complaints, err := followed(t, func(row map[string]any) bool {
				// Two intervals in which nothing happens, before and after.
				if row["rx_bytes"] != 0.0 {
					seen = 1
					return false
				}
				switch {
				case c.now.Load() == 0:
					c.next()
				case seen > 0:
					seen++
				}
				return seen == 3
			}, "-i", "--host", address)
			if err != nil {
				t.Fatal(err, complaints)
			}
			if strings.Contains(complaints, "began anew") != (c.said != "") {
				t.Errorf("complaints %q", complaints)
			}
			var grew []string
			for _, row := range rows {
				text := "<nil>"
				if n, ok := row["rx_bytes"].(float64); ok {
					text = fmt.Sprintf("%.0f", n)
				}
				if row["total"] == true {
					text += " total"
				}
				if row["name"] != "eth0" || row["rx_fifo_errors"] != nil {
					t.Errorf("row %v", row)
				}
				grew = append(grew, text)
			}
			if n := len(grew); n < 4 || grew[0] != "0" || grew[n-1] != c.want+" total" || !slices.Contains(grew[:n-1], c.want) {
				t.Errorf("octets grew %v, want once %s", grew, c.want)
			}
		})
	}
}

// Protocols' counters are followed as well, of several hosts, of which one does
// not answer.
func TestHostIntervalOfCounters(t *testing.T) {
	hour := time.Now().Add(-time.Hour)
	good := &counting{states: [2]countingState{{epoch: hour, opens: 1<<32 - 1}, {epoch: hour, opens: 1<<32 + 4}}}
	nobody := "tcp:127.0.0.1:1" // where nobody listens
	var asked atomic.Int32
	address := good.start(t, func() {
		// By now they were told at least once, one by one or together.
		if asked.Add(1) == 40 {
			good.next()
		}
	})
	rows, complaints, err := followed(t, func(row map[string]any) bool {
		return row["total"] == false
	}, "-s", "--tcp", "--timeout", "2", "--host", nobody+","+address)
	if !errors.Is(err, show.ErrIncomplete) || !strings.Contains(complaints, nobody) {
		t.Errorf("%v: %s", err, complaints)
	}
	for _, row := range rows {
		if row["host"] != address || row["name"] != "TcpActiveOpens" || row["value"] != 5.0 || row["group"] != "tcp" {
			t.Errorf("row %v", row)
		}
	}
	if n := len(rows); n != 2 {
		t.Errorf("%d rows: %v", n, rows)
	}
}

// holding passes datagrams on to an agent and back, and keeps requests while it
// is shut.
type holding struct {
	agent string

	mu   sync.Mutex
	shut bool
	held []func()
	most int // that were held at a time
}

// start passes on for an agent, from a port of its own, until the test ends.
func (h *holding) start(t *testing.T) (address string) {
	t.Helper()
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	passing.Go(func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := front.ReadFrom(buffer)
			if err != nil {
				return
			}
			request := bytes.Clone(buffer[:n])
			h.pass(func() {
				passing.Go(func() { h.exchange(t, front, from, request) })
			})
		}
	})
	t.Cleanup(func() {
		front.Close()
		passing.Wait()
	})
	return front.LocalAddr().String()
}

// pass does something now, or once it is open.
func (h *holding) pass(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.shut {
		do()
		return
	}
	h.held = append(h.held, do)
	h.most = max(h.most, len(h.held))
}

// set shuts or opens, and reports how many requests were held at a time.
func (h *holding) set(shut bool) (most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shut = shut; !shut {
		for _, do := range h.held {
			do()
		}
		h.held = nil
	}
	return h.most
}

func (h *holding) holds() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held) > 0
}

func (h *holding) exchange(t *testing.T, front net.PacketConn, from net.Addr, request []byte) {
	back, err := net.Dial("udp", strings.TrimPrefix(h.agent, "udp:"))
	if err != nil {
		t.Error(err)
		return
	}
	defer back.Close()
	buffer := make([]byte, 1<<16)
	_ = back.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := back.Write(request); err != nil {
		t.Error(err)
		return
	}
	if n, err := back.Read(buffer); err == nil { // the agent may have gone
		_, _ = front.WriteTo(buffer[:n], from)
	}
}

// patientConfig is a configuration with which a request is never repeated while a
// test runs.
func patientConfig(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "snmp.conf")
	if err := os.WriteFile(path, []byte("defCommunity public\ntimeout 600\nretries 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A host that does not answer delays nobody's turn, is said in each, and is asked
// once. What it counted meanwhile is told when it answers again.
func TestHostIntervalOfOneThatIsLate(t *testing.T) {
	hour := time.Now().Add(-time.Hour)
	good := &counting{states: [2]countingState{{epoch: hour}, {epoch: hour}}}
	other := &counting{states: [2]countingState{{epoch: hour, octets: 1 << 32}, {epoch: hour, octets: 1<<33 + 5}}}
	ways := &holding{agent: other.start(t, nil)}
	goodAddress, otherAddress := good.start(t, nil), ways.start(t)
	const turns = 5
	var meanwhile int // rows of the good host while the other held its answer
	var state int     // of the other: 0 answers, 1 is to fall silent, 2 is silent, 3 answers again
	rows, complaints, err := followed(t, func(row map[string]any) bool {
		switch host := row["host"]; {
		case row["total"] == true:
		case state == 0 && host == otherAddress:
			ways.set(true)
			other.next()
			state = 1
		case state == 1 && ways.holds():
			state = 2
		case state == 2 && host == goodAddress:
			if meanwhile++; meanwhile == turns {
				if most := ways.set(false); most != 1 {
					t.Errorf("%d requests at a time to a host that does not answer", most)
				}
				state = 3
			}
		case state == 3 && host == otherAddress:
			return true
		}
		return false
	}, "-i", "--host", otherAddress+","+goodAddress, "--timeout", "600", "--snmp-config", patientConfig(t))
	if !errors.Is(err, show.ErrIncomplete) {
		t.Errorf("%v, and no %v", err, show.ErrIncomplete)
	}
	late := 0
	for line := range strings.Lines(complaints) {
		switch {
		case strings.Contains(line, "host "+otherAddress+": no whole answer yet to what was asked at "):
			late++
		case !strings.Contains(line, "no whole answer yet") && !strings.Contains(line, "not asked in time"): // which depends on the machine
			t.Errorf("complaint %q", line)
		}
	}
	if late < turns-1 {
		t.Errorf("%d complaints in %d turns: %s", late, turns, complaints)
	}
	var end time.Time
	var grew float64
	for _, row := range rows {
		if row["host"] != otherAddress {
			continue
		}
		to, err := time.Parse(time.RFC3339Nano, row["time"].(string))
		if err != nil {
			t.Fatal(err)
		}
		seconds := time.Duration(row["seconds"].(float64) * float64(time.Second))
		if row["total"] == true {
			if row["rx_bytes"] != grew || !to.Equal(end) {
				t.Errorf("in all %v until %v, after %v until %v", row["rx_bytes"], to, grew, end)
			}
			continue
		}
		// By the agent's clock, which counts hundredths of seconds.
		if began := to.Add(-seconds); !end.IsZero() && (began.Sub(end).Abs() > time.Second/2) {
			t.Errorf("an interval begins at %v, where the one before ends at %v", began, end)
		}
		end = to
		grew += row["rx_bytes"].(float64)
	}
	if want := float64(1<<33 + 5 - 1<<32); grew != want {
		t.Errorf("grew by %v and not by %v", grew, want)
	}
}

// Turns of a listing, and moments of a recording, wait for nobody either.
func TestHostsInTurnsOfOneThatIsLate(t *testing.T) {
	hour := time.Now().Add(-time.Hour)
	good := &counting{states: [2]countingState{{epoch: hour}, {epoch: hour}}}
	other := &counting{states: [2]countingState{{epoch: hour}, {epoch: hour}}}
	goodAddress, agent := good.start(t, nil), other.start(t, nil)
	const turns = 4
	t.Run("listing", func(t *testing.T) {
		ways := &holding{agent: agent, shut: true}
		otherAddress := ways.start(t)
		shown, again := 0, false
		_, complaints, err := followed(t, func(row map[string]any) bool {
			switch row["host"] {
			case goodAddress:
				if shown++; shown == turns {
					if most := ways.set(false); most != 1 {
						t.Errorf("%d requests at a time", most)
					}
				}
			case otherAddress:
				again = true
			}
			return again && shown > turns
		}, "-i", "-a", "-c", "--host", otherAddress+","+goodAddress, "--timeout", "600", "--snmp-config", patientConfig(t))
		if !errors.Is(err, show.ErrIncomplete) || strings.Count(complaints, otherAddress) < turns-1 {
			t.Errorf("%v: %s", err, complaints)
		}
	})
	t.Run("recording", func(t *testing.T) {
		ways := &holding{agent: agent, shut: true}
		otherAddress := ways.start(t)
		file := filepath.Join(t.TempDir(), "hosts.rec")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cmd := newCommand()
		var stderr bytes.Buffer
		cmd.SetOut(io.Discard)
		cmd.SetErr(&stderr)
		cmd.SetArgs([]string{"--record", file, "--kinds", "interface", "--interval", "0.2", "--host", otherAddress + "," + goodAddress,
			"--timeout", "600", "--snmp-config", patientConfig(t)})
		ended := make(chan error, 1)
		go func() { ended <- cmd.ExecuteContext(ctx) }()
		// moments returns how many moments have rows of the hosts.
		moments := func() (ofGood, ofOther int) {
			f, err := recording.Open(file)
			if err != nil {
				return 0, 0 // not yet
			}
			defer f.Close()
			for number := range f.Times() {
				m, err := f.Moment(number)
				if err != nil || m.Ended().IsZero() {
					continue // it is being written
				}
				for _, s := range m.Stacks() {
					switch rows, err := collect(s.Interfaces(t.Context())); {
					case err != nil && !strings.Contains(err.Error(), "no whole answer yet") && !strings.Contains(err.Error(), "not asked in time"):
						t.Errorf("%s: %v", s.Remote(), err)
					case len(rows) == 1 && s.Remote() == goodAddress:
						ofGood++
					case len(rows) == 1:
						ofOther++
					}
				}
			}
			return ofGood, ofOther
		}
		until := func(what string, is func(ofGood, ofOther int) bool) {
			t.Helper()
			for began := time.Now(); !is(moments()); time.Sleep(50 * time.Millisecond) {
				if time.Since(began) > nstest.Patience {
					t.Fatalf("%s does not come: %s", what, stderr.String())
				}
			}
		}
		until("a recording of who answers", func(ofGood, ofOther int) bool { return ofGood >= turns && ofOther == 0 })
		if most := ways.set(false); most != 1 {
			t.Errorf("%d requests at a time", most)
		}
		until("a recording of who answers again", func(_, ofOther int) bool { return ofOther > 0 })
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, show.ErrIncomplete) {
			t.Error(err)
		}
		if n := strings.Count(stderr.String(), "netstat: host "+otherAddress+": no whole answer yet"); n < turns-1 {
			t.Errorf("%d complaints: %s", n, stderr.String())
		}
	})
}

func collect[R any](rows iter.Seq2[R, error]) (all []R, err error) {
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}
