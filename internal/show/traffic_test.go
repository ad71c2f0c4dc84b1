package show

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// trafficWatch watches tables of a stack, and fails the test with what is complained of.
func trafficWatch(t *testing.T, o Options, open func() *Source, tables ...Table) (*Watch, func() []Sheet) {
	t.Helper()
	o.Interval, o.Numeric = 1, true
	complain := func(text string) {
		if !strings.HasPrefix(text, "(Not all processes") { // as of PID 1 in a container
			t.Error(text)
		}
	}
	w, err := NewWatch(o, complain, func(func(error)) ([]*Source, error) { return []*Source{open()}, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	var views []*View
	for _, table := range tables {
		v, err := w.View(table)
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, v)
	}
	return w, func() (sheets []Sheet) {
		t.Helper()
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			s, err := v.Read(t.Context(), Wants{All: true})
			if err != nil {
				t.Fatal(err)
			}
			sheets = append(sheets, s)
		}
		return sheets
	}
}

// cells returns fields of the rows for which another has a value, each row's in a line.
func cells(s Sheet, where, is string, fields ...string) (lines []string) {
	for row := range s.Len() {
		if v := s.Value(row, where); string(v.AppendText(nil)) != is {
			continue
		}
		var line []string
		for _, f := range fields {
			v := s.Value(row, f)
			text := string(v.AppendText(nil))
			if !v.IsKnown() {
				text = "-"
			}
			line = append(line, text)
		}
		lines = append(lines, strings.Join(line, " "))
	}
	slices.Sort(lines)
	return lines
}

func sameLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Connections have what was transferred, and so have totals by each key.
func TestConnections(t *testing.T) {
	n := nstest.New(t)
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	tables := []Table{Connections()}
	for _, key := range append(TrafficKeys(), "remoteAddress/8") {
		tables = append(tables, TrafficTotals(key))
	}
	_, read := trafficWatch(t, Options{}, func() *Source {
		return &Source{Stack: kernel, Release: func() { kernel.Close() }}
	}, tables...)
	l := n.Listen(t, "tcp4", "127.0.0.1:0")
	read()
	transfer := func(network, at string, octets int) (client, server net.Conn) {
		t.Helper()
		client = n.Dial(t, network, at)
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		if _, err := client.Write(make([]byte, octets)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(server, make([]byte, octets)); err != nil {
			t.Fatal(err)
		}
		return client, server
	}
	client, server := transfer("tcp4", l.Addr().String(), 1_000_000)
	n.Dial(t, "udp4", "127.0.0.9:9")
	self, comm := os.Getpid(), ""
	if b, err := os.ReadFile("/proc/self/comm"); err == nil {
		comm = strings.TrimSpace(string(b))
	}
	process := fmt.Sprintf("%d/%s", self, comm)

	sheets := read()
	sameLines(t, "both ends", cells(sheets[0], "protocol", "tcp", "sentBytes", "receivedBytes", "state", "process", "uid", "ended"),
		"0 1000000 ESTABLISHED "+process+" 0 -", "1000000 0 ESTABLISHED "+process+" 0 -")
	sameLines(t, "a UDP socket", cells(sheets[0], "protocol", "udp", "sentBytes", "receivedBytes", "sentRate", "drops", "program"), "- - - 0 "+comm)
	totals := func(sheets []Sheet, connections, ended string, more ...string) {
		t.Helper()
		for i, key := range []string{process, comm, "", "", "0", "127.0.0.1", "127.0.0.0/8"} {
			if i == 2 || i == 3 {
				continue // where this test's cgroup is depends on the machine
			}
			got := cells(sheets[i+1], "key", key, "connections", "ended", "counted", "sentBytes", "receivedBytes", "others")
			want := connections
			if key == "127.0.0.1" {
				want = "2"
				if connections == "1" {
					want = "0"
				}
			}
			sameLines(t, "by "+TrafficKeys()[min(i, 5)], got, append([]string{want + " " + ended}, more...)...)
		}
		for i, s := range sheets[1:] {
			var sent, received uint64
			for row := range s.Len() {
				v := s.Value(row, "sentBytes")
				sent += v.Uint()
				v = s.Value(row, "receivedBytes")
				received += v.Uint()
			}
			if sent != received || sent != 1_000_000 && sent != 1_000_300 {
				t.Errorf("table %d: sent %d and received %d", i, sent, received)
			}
		}
	}
	totals(sheets, "3", "0 2 1000000 1000000 -")

	// A connection that began and ended between two turns, and one that ends.
	short, other := transfer("tcp4", l.Addr().String(), 300)
	for _, pair := range [][2]net.Conn{{short, other}, {client, server}} {
		pair[0].Close()
		if _, err := pair[1].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		pair[1].Close()
	}
	var ended []string
	nstest.Eventually(t, func() string {
		sheets = read()
		ended = append(ended, cells(sheets[0], "ended", "yes", "sentBytes", "receivedBytes", "process")...)
		if len(ended) < 4 || len(cells(sheets[0], "protocol", "tcp")) > 0 {
			return fmt.Sprintf("what ended is %q", ended)
		}
		return ""
	})
	slices.Sort(ended)
	// Who held the short one nobody saw.
	sameLines(t, "what ended", ended, "0 1000000 "+process, "0 300 -", "1000000 0 "+process, "300 0 -")
	if got := cells(sheets[6], "key", "127.0.0.1", "connections", "ended", "counted", "sentBytes", "receivedBytes"); len(got) != 1 || got[0] != "0 4 4 1000300 1000300" {
		t.Errorf("by remote address at last: %q", got)
	}
	if got := cells(sheets[1], "key", process, "connections", "ended", "sentBytes"); len(got) != 1 || got[0] != "1 2 1000000" {
		t.Errorf("by process at last: %q", got)
	}
}

// recorded is a stack of one moment.
type recorded struct {
	netstat.Stack
	sockets []netstat.Socket
}

func (r *recorded) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		for _, s := range r.sockets {
			if slices.Contains(q.Protocols, s.Protocol) && !yield(s, nil) {
				return
			}
		}
	}
}

func recordedSocket(cookie, sent uint64) netstat.Socket {
	info := &netstat.TCPInfo{State: netstat.Established}
	for _, o := range []*netstat.Optional[uint64]{&info.BytesSent, &info.BytesAcknowledged} {
		o.Set(sent)
	}
	for _, o := range []*netstat.Optional[uint64]{&info.BytesReceived, &info.BytesRetransmitted} {
		o.Set(0)
	}
	s := netstat.Socket{Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Established, Cookie: netstat.Known(cookie),
		Local: netip.MustParseAddrPort("192.0.2.1:80"), Remote: netip.MustParseAddrPort("192.0.2.2:1234"), Detail: &netstat.SocketDetail{TCP: info}}
	s.SendQueue.Set(0)
	return s
}

// A recording's moments are followed forwards; one that is shown again has the rates that it
// had, and one before begins anew.
func TestConnectionsOfMoments(t *testing.T) {
	start := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	moment := func(seconds int, sockets ...netstat.Socket) *Source {
		return &Source{Stack: &recorded{sockets: sockets}, At: start.Add(time.Duration(seconds) * time.Second)}
	}
	moments := []*Source{moment(0, recordedSocket(1, 10)), moment(10, recordedSocket(1, 110), recordedSocket(2, 50)), moment(20, recordedSocket(2, 70))}
	w, read := trafficWatch(t, Options{}, func() *Source { return moments[0] }, Connections())
	for _, step := range []struct {
		moment int
		want   []string
	}{
		{0, []string{"1 0 - -"}},
		{1, []string{"1 100 10 -", "2 50 5 -"}},
		{1, []string{"1 100 10 -", "2 50 5 -"}},
		{2, []string{"1 100 - yes", "2 70 2 -"}},
		{0, []string{"1 0 - -"}},
		{2, []string{"1 0 - yes", "2 70 3.5 -"}},
	} {
		w.Move([]*Source{moments[step.moment]})
		sameLines(t, fmt.Sprintf("moment %d", step.moment), cells(read()[0], "protocol", "tcp", "cookie", "sentBytes", "sentRate", "ended"), step.want...)
	}
}

// What is printed has netstat's members of the socket.
func TestConnectionsPrinted(t *testing.T) {
	for _, asJSON := range []bool{true, false} {
		var out, complaints bytes.Buffer
		s, err := New(Options{JSON: asJSON, Numeric: true}, &out, &complaints, func(func(error)) ([]*Source, error) {
			return []*Source{{Stack: &recorded{sockets: []netstat.Socket{recordedSocket(1, 10)}}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Show(context.Background(), Connections(), TrafficTotals("remoteAddress")); err != nil || complaints.Len() > 0 {
			t.Errorf("%v, %s", err, &complaints)
		}
		s.Close()
		if !asJSON {
			for _, text := range []string{"192.0.2.1:80", "192.0.2.2:1234", "ESTABLISHED", "Tx/s"} {
				if !strings.Contains(out.String(), text) {
					t.Errorf("no %q in\n%s", text, &out)
				}
			}
			continue
		}
		var rows []map[string]any
		for line := range strings.Lines(out.String()) {
			row := make(map[string]any)
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			rows = append(rows, row)
		}
		if len(rows) != 2 || rows[0]["kind"] != "connection" || rows[0]["bytesSent"] != 10.0 || rows[0]["sentBytes"] != 0.0 || rows[0]["localPort"] != 80.0 {
			t.Errorf("rows: %v", rows)
		}
		if len(rows) == 2 && (rows[1]["kind"] != "trafficTotal" || rows[1]["key"] != "192.0.2.2" || rows[1]["connections"] != 1.0) {
			t.Errorf("totals: %v", rows[1])
		}
	}
}

// Keys that are not remembered of what ended are refused.
func TestTrafficKeys(t *testing.T) {
	for _, key := range append(TrafficKeys(), "remoteAddress/24", "remoteAddress/16/48") {
		if err := CheckTrafficBy(key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{"state", "localPort", "port", "nothing", "uid/8", "remoteAddress/33", "processes"} {
		if err := CheckTrafficBy(key); err == nil {
			t.Errorf("%s is taken", key)
		}
	}
	for path, want := range map[string]string{
		"/system.slice/ssh.service": "ssh.service", "/user.slice/user-1.slice/user@1.service/app.slice/a.scope": "a.scope",
		"/system.slice/docker-1.scope/inner": "docker-1.scope", "/": "/", "": "", "/plain/group": "/plain/group",
	} {
		if got := unit(path); got != want {
			t.Errorf("%q is of %q, want %q", path, got, want)
		}
	}
}

// What is dear to read of a connection is read for a filter, an order, or a row in full, and of no other
// reading.
func TestDetailsAreReadWhereTheyAreWanted(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up")
	n.Listen(t, "tcp4", "127.0.0.1:4004")
	n.Dial(t, "tcp", "127.0.0.1:4004")
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := trafficWatch(t, Options{}, func() *Source { return &Source{Stack: kernel, Release: func() { kernel.Close() }} })
	totals, err := w.View(TrafficTotals("uid"))
	if err != nil {
		t.Fatal(err)
	}
	connections, err := w.View(Connections())
	if err != nil {
		t.Fatal(err)
	}
	read := func(v *View, wants Wants) Sheet {
		t.Helper()
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := v.Read(t.Context(), wants)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	read(totals, Wants{All: true}) // totals have none, whoever reads connections then
	none, buffer := Wants{}, Wants{Sort: "-sendBuffer"}
	for _, c := range []struct {
		wants         Wants
		memory, flags bool
	}{
		{none, false, false}, {buffer, true, false}, {none, false, false}, {Wants{Filters: []string{"", "sendBuffer>0"}}, true, false},
		{Wants{Filters: []string{"sendBuffer>", "flags=x"}, Sort: "sentRate"}, false, true}, {Wants{All: true}, true, true}, {Wants{Sort: "rtt,localPort"}, false, false},
	} {
		s := read(connections, c.wants)
		rows, err := s.Filter("localPort=4004")
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for field, want := range map[string]bool{"sendBuffer": c.memory, "flags": c.flags, "rtt": true, "cgroupID": true} {
			if v := s.Value(int(rows[0]), field); v.IsKnown() != want {
				t.Errorf("%+v: %s is known: %v", c.wants, field, v.IsKnown())
			}
		}
		if !s.Has(c.wants) || !s.Has(none) || s.Has(buffer) != c.memory || s.Has(Wants{All: true}) != c.wants.All {
			t.Errorf("%+v: what the sheet has it does not tell", c.wants)
		}
	}
}

// Who comes back to a view is told of what ended in the last while, and not of all that ended
// meanwhile.
func TestWhatEndedLongAgoIsPast(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up")
	l := n.Listen(t, "tcp4", "127.0.0.1:4003")
	for _, linger := range []time.Duration{time.Hour, time.Nanosecond} {
		kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
		if err != nil {
			t.Fatal(err)
		}
		w, read := trafficWatch(t, Options{Linger: linger}, func() *Source {
			return &Source{Stack: kernel, Release: func() { kernel.Close() }}
		}, Connections())
		w.s.Interval = 1e-9
		wants := func(want ...string) {
			t.Helper()
			nstest.Eventually(t, func() string {
				found := cells(read()[0], "remotePort", "4003", "ended")
				if linger != time.Hour && slices.Contains(found, "yes") {
					t.Fatal("what ended longer ago than it stays is told of")
				}
				if !slices.Equal(found, want) {
					return fmt.Sprintf("%q, want %q with %v", found, want, linger)
				}
				return ""
			})
		}
		c := n.Dial(t, "tcp", "127.0.0.1:4003")
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		wants("-")
		server.Close()
		c.Close()
		if linger == time.Hour {
			wants("yes")
		} else {
			wants()
		}
	}
}
