package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// counting is an agent whose counters are those of one state, and then those of
// another.
type counting struct {
	states [2]countingState
	old    bool // without ifXTable
	now    atomic.Int32
	source *mib.Source[[]netstat.Interface]
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
	c.source = mib.NewSource(func(context.Context) ([]netstat.Interface, error) {
		s := c.state()
		return []netstat.Interface{{
			Index: 1, Name: "eth0", HardwareType: 1, CounterDiscontinuity: s.discontinuity,
			Counters: netstat.Known(netstat.InterfaceCounters{InOctets: s.octets, InPackets: s.octets, InErrors: s.octets}),
		}}, nil
	})
	nodes := []mib.Node{
		snmpv2mib.SystemObjects.BindNow(func() snmpv2mib.System {
			return snmpv2mib.System{Descr: "test", Name: "test", Started: c.state().epoch, Now: time.Now()}
		}),
		ifmib.Interfaces.Bind(c.source),
		tcpmib.Statistics.BindNow(func() netstat.TCPStatistics {
			if asked != nil {
				asked()
			}
			return netstat.TCPStatistics{ActiveOpens: netstat.Known(c.state().opens), CurrEstab: netstat.Known[uint32](7)}
		}),
	}
	if !c.old {
		nodes = append(nodes, ifmib.Extensions.Bind(c.source))
	}
	tree, err := mib.NewTree(mib.TreeOptions{Epoch: func() time.Time { return c.state().epoch }}, mib.Module{Name: "TEST", Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	server, err := snmp.NewServer(snmp.Options{Handler: tree, Communities: []snmp.Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}}})
	if err != nil {
		t.Fatal(err)
	}
	at, err := server.Listen(snmp.Address{Transport: snmp.UDP, AddrPort: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return at.String()
}

// followed runs netstat --interval --json until rows say that it is enough, and
// returns all of them with what was said on standard error.
func followed(t *testing.T, enough func(row map[string]any) bool, args ...string) (rows []map[string]any, complaints string, err error) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "snmp.conf")
	if err := os.WriteFile(config, []byte("defCommunity public\ntimeout 10\nretries 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := newCommand()
	r, w := io.Pipe()
	var stderr bytes.Buffer
	cmd.SetOut(w)
	cmd.SetErr(&stderr)
	cmd.SetArgs(append(args, "--interval", "0.05", "--json", "--snmp-config", config))
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
	if !errors.Is(err, errIncomplete) || !strings.Contains(complaints, nobody) {
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
