package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

const (
	proxyPort = 3161
	roundTrip = 20 * time.Millisecond
	// parallel is how many hosts are read at a time, by whomever.
	parallel     = 64
	deviceLinks  = 50
	deviceBase   = 127<<24 | 1<<16 // 127.1.0.0
	hostDeadline = 30 * time.Second
)

// told is what a reader that the bench runs says of its work.
type told struct {
	Rows   int      // or hosts
	Errors []string // of hosts
	Slow   float64  // seconds that the slowest host took
	Peak   float64  // resident memory at most, in bytes
}

// reader runs a role of this command in a namespace and returns what it says and
// how long all of it took.
func (b *bench) reader(ns *namespace, role string, args ...string) (t told, w walked, err error) {
	self, err := os.Executable()
	if err != nil {
		return t, w, err
	}
	line := ns.inside(append([]string{self, "-role", role}, args...)...)
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.peerTimeout, errTooLong)
	defer cancel()
	start := time.Now()
	out, err := command(ctx, nil, line[0], line[1:]...)
	w.elapsed = time.Since(start)
	switch {
	case ctx.Err() != nil:
		return t, w, context.Cause(ctx)
	case err != nil:
		return t, w, err
	}
	err = json.Unmarshal([]byte(out), &t)
	return t, w, err
}

func (t told) print() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	if t.Peak, err = kilobytes(string(status), "VmHWM:"); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(t)
}

// remoteCase is package remote beside net-snmp's and gosnmp's ways to read the
// same.
func (b *bench) remoteCase(s *section) error {
	s.Title = "Reading other hosts by SNMP"
	s.Peer = "peer"
	defer b.stopAll()
	if err := b.remoteRoutes(s); err != nil {
		return err
	}
	b.stopAll()
	return b.remoteHosts(s)
}

func (b *bench) remoteRoutes(s *section) error {
	ns, err := b.routesNamespace()
	if err != nil {
		return err
	}
	a, err := ours(b, ns, nil)
	if err != nil {
		return err
	}
	if _, err := b.walk(a, inetCidrRouteTable); err != nil { // so that all find it warm
		return err
	}
	table := fmt.Sprintf("inetCidrRouteTable, %s routes", thousands(b.routeCount))
	address := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	read := func(port int) (w walked, peak float64, err error) {
		t, w, err := b.reader(ns, "remote-routes", "-address", address(port))
		if err == nil && t.Rows < b.routeCount {
			err = fmt.Errorf("remote read %d routes of %d", t.Rows, b.routeCount)
		}
		w.varbinds = t.Rows
		return w, t.Peak, err
	}
	rows := func(err error, walks ...walked) *quantity {
		q := duration(err, walks...)
		q.Note = ""
		return q
	}

	var our, bulk, lib []walked
	var peak float64
	for range b.runs {
		w, p, err := read(agentPort)
		if err != nil {
			return err
		}
		our, peak = append(our, w), max(peak, p)
		if w, err = b.bulkwalk(a, inetCidrRouteTable, false); err != nil {
			return err
		}
		bulk = append(bulk, w)
		if _, w, err = b.reader(ns, "gosnmp-routes", "-address", address(agentPort)); err != nil {
			return err
		}
		lib = append(lib, w)
	}
	f := figure{Case: table + ", on loopback; snmpbulkwalk", Ours: rows(nil, our...)}.against(rows(nil, bulk...))
	s.add(f.reach("quicker", f.Ratio > 1))
	f = figure{Case: "the same; gosnmp's BulkWalkAll", Ours: rows(nil, our...)}.against(rows(nil, lib...))
	s.add(f.reach("quicker", f.Ratio > 1))
	s.add(figure{Case: "the same: resident memory of the reader, at most", Ours: &quantity{Value: peak, Unit: octets}})
	progress("on loopback: %v, snmpbulkwalk %v, gosnmp %v", rows(nil, our...), rows(nil, bulk...), rows(nil, lib...))

	if _, err := b.startProxy(ns, way{Port: agentPort, Delay: roundTrip / 2}); err != nil {
		return err
	}
	far := *a
	far.port = proxyPort
	our = nil
	for range b.runs {
		w, _, err := read(proxyPort)
		if err != nil {
			return err
		}
		our = append(our, w)
	}
	progress("at %v: %v", roundTrip, rows(nil, our...))
	peer, err := b.bulkwalk(&far, inetCidrRouteTable, false)
	if err != nil && !errors.Is(err, errTooLong) {
		return err
	}
	f = figure{Case: fmt.Sprintf("%s, at a round trip of %v; snmpbulkwalk", table, roundTrip), Ours: rows(nil, our...)}.against(rows(err, peer))
	s.add(f.reach("at least 5 times quicker", f.Ratio >= 5))
	s.note("Each figure is of a whole process from its start: package remote decodes the columns that a netstat.Route holds "+
		"something of (6 of 11) into rows and lets go of them, snmpbulkwalk prints all columns into nothing with %d repetitions, gosnmp keeps them all.", b.repetitions)
	return nil
}

func (b *bench) remoteHosts(s *section) error {
	ns, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n := strconv.Itoa(b.hosts)
	if _, err := b.start("devices", ns.inside(self, "-role", "devices", "-count", n)); err != nil {
		return err
	}
	// All are there when the last is.
	if _, _, err := b.reader(ns, "remote-hosts", "-address", deviceAddress(b.hosts-1).String(), "-count", "1"); err != nil {
		return err
	}
	rate := func(all []walked) *quantity {
		return &quantity{Value: float64(b.hosts) / duration(nil, all...).Value, Unit: perSecond}
	}
	var our, bulk []walked
	var last told
	for range b.runs {
		t, w, err := b.reader(ns, "remote-hosts", "-address", deviceAddress(0).String(), "-count", n)
		if err != nil {
			return err
		}
		if t.Rows+len(t.Errors) != b.hosts || len(t.Errors) > 0 {
			return fmt.Errorf("%d hosts were read of %d: %v", t.Rows, b.hosts, t.Errors)
		}
		our, last = append(our, w), t
		if w, err = b.xargs(ns); err != nil {
			return err
		}
		bulk = append(bulk, w)
	}
	f := figure{Case: fmt.Sprintf("ifTable and ifXTable of %s hosts with %d interfaces each; snmpbulkwalk by xargs -P %d", thousands(b.hosts), deviceLinks, parallel),
		Ours: rate(our)}.against(rate(bulk))
	s.add(f.reach("at least 3 times the hosts a second", f.Ratio >= 3))
	s.add(figure{Case: "the same: the slowest host", Ours: &quantity{Value: last.Slow, Unit: seconds}}.reach("within its "+hostDeadline.String(), last.Slow < hostDeadline.Seconds()))
	s.add(figure{Case: "the same: resident memory of the reader, at most", Ours: &quantity{Value: last.Peak, Unit: octets}})
	s.note("The hosts are one process with an address of 127.0.0.0/8 for each; package remote reads %d at a time.", parallel)
	return nil
}

// xargs reads the tables of all hosts by snmpbulkwalk.
func (b *bench) xargs(ns *namespace) (w walked, err error) {
	var input bytes.Buffer
	for i := range b.hosts {
		for _, table := range []string{ifTable, ifXTable} {
			fmt.Fprintf(&input, "%s %s\n", deviceAddress(i), table)
		}
	}
	args := ns.inside("xargs", "-P", strconv.Itoa(parallel), "-n", "2", "snmpbulkwalk", "-v2c", "-c", community, "-m", "", "-On",
		"-Cr"+strconv.Itoa(b.repetitions), "-t", "10", "-r", "2")
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.peerTimeout, errTooLong)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = &input
	var complaint strings.Builder
	cmd.Stderr = &complaint
	start := time.Now()
	err = cmd.Run()
	w.elapsed = time.Since(start)
	if ctx.Err() != nil {
		return w, context.Cause(ctx)
	}
	if err != nil {
		return w, fmt.Errorf("xargs snmpbulkwalk: %w: %s", err, complaint.String())
	}
	return w, nil
}

// remoteConfig is how the roles ask.
func remoteConfig(address string) remote.Config {
	return remote.Config{Address: address, Version: remote.V2c, Community: community, Timeout: 5 * time.Second, Retries: netstat.Known(2)}
}

// remoteRoutesRole reads all routes and counts them.
func remoteRoutesRole(address string) error {
	ctx := context.Background()
	s, err := remote.Open(ctx, remoteConfig(address))
	if err != nil {
		return err
	}
	defer s.Close()
	var t told
	for _, err := range s.Routes(ctx, netstat.RouteQuery{}) {
		if err != nil {
			return err
		}
		t.Rows++
	}
	return t.print()
}

// gosnmpRoutesRole reads the table as gosnmp's users do.
func gosnmpRoutesRole(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	g := &gosnmp.GoSNMP{
		Target: at.Addr().String(), Port: at.Port(), Transport: "udp", Community: community, Version: gosnmp.Version2c,
		Timeout: 10 * time.Second, Retries: 2, MaxOids: gosnmp.MaxOids,
	}
	if err := g.Connect(); err != nil {
		return err
	}
	defer g.Close()
	variables, err := g.BulkWalkAll("." + inetCidrRouteTable)
	if err != nil {
		return err
	}
	return told{Rows: len(variables)}.print()
}

// remoteHostsRole reads the interfaces of that many hosts from an address on.
func remoteHostsRole(first string, n int) error {
	at, err := netip.ParseAddr(first)
	if err != nil {
		return err
	}
	hosts := func(yield func(remote.Config) bool) {
		host := at
		for range n {
			if !yield(remoteConfig(host.String())) {
				return
			}
			host = host.Next()
		}
	}
	var t told
	pool := remote.Pool{Concurrent: parallel, Timeout: hostDeadline}
	for r := range remote.Read(context.Background(), pool, hosts, remote.Rows((*remote.Stack).Interfaces)) {
		t.Slow = max(t.Slow, r.Took.Seconds())
		switch {
		case r.Err != nil:
			t.Errors = append(t.Errors, r.Err.Error())
		case len(r.Value) != deviceLinks:
			t.Errors = append(t.Errors, fmt.Sprintf("%s: %d interfaces", r.Config.Address, len(r.Value)))
		default:
			t.Rows++
		}
	}
	return t.print()
}

func deviceAddress(i int) netip.Addr {
	n := uint32(deviceBase + 1 + i)
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// devicesRole is that many hosts, which answer at port 161 of an address each.
func devicesRole(n int) error {
	server, err := deviceServer(deviceLinks)
	if err != nil {
		return err
	}
	for i := range n {
		at := snmp.Address{Transport: snmp.UDP, AddrPort: netip.AddrPortFrom(deviceAddress(i), 161)}
		if _, err := server.Listen(at); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return server.Serve(ctx)
}
