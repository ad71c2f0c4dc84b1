package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/badpath"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// way is a badpath.Path between managers at proxyPort and the agent at a port.
type way struct {
	Port    int
	Delay   time.Duration
	Loss    float64
	Longest int
}

// pathRoutes are those of the scenes with bad paths: snmpbulkwalk takes minutes for them.
const pathRoutes = 300

// frame is the longest answer that a path of Ethernet carries in one piece.
const frame = 1472

// pathsCase is package remote beside snmpbulkwalk, both with their defaults, over paths that
// are slow, lose datagrams, or drop long ones, and by SNMPv3.
func (b *bench) pathsCase(s *section) error {
	s.Title = "Reading other hosts over bad paths"
	s.Peer = "snmpbulkwalk"
	defer b.stopAll()
	ns, err := routesScene(b.ctx, pathRoutes)
	if err != nil {
		return err
	}
	defer ns.remove()
	a, err := b.startSecured(ns, true)
	if err != nil {
		return err
	}
	if _, err := b.walk(a, inetCidrRouteTable); err != nil { // so that all find it warm
		return err
	}
	table := fmt.Sprintf("inetCidrRouteTable, %d routes", pathRoutes)
	for _, c := range []struct {
		what string
		v3   bool
		way  way
	}{
		{"a round trip of 1 ms", false, way{Delay: time.Millisecond / 2}},
		{"20 ms", false, way{Delay: 10 * time.Millisecond}},
		{"100 ms", false, way{Delay: 50 * time.Millisecond}},
		{"300 ms", false, way{Delay: 150 * time.Millisecond}},
		{"20 ms by SNMPv3, authPriv with SHA-256 and AES-128", true, way{Delay: 10 * time.Millisecond}},
		{fmt.Sprintf("2 ms, answers of more than %d octets are lost", frame), false, way{Delay: time.Millisecond, Longest: frame}},
		{"2 ms, 5 % are lost each way", false, way{Delay: time.Millisecond, Loss: 0.05}},
		{"2 ms, 10 % are lost each way", false, way{Delay: time.Millisecond, Loss: 0.1}},
		{"2 ms, 20 % are lost each way", false, way{Delay: time.Millisecond, Loss: 0.2}},
	} {
		c.way.Port = agentPort
		what := c.what
		if len(s.Figures) == 0 {
			what = table + ", " + what
		}
		if err := b.overPath(s, ns, a, what, c.v3, c.way); err != nil {
			return err
		}
	}
	s.note("Both ask with their defaults: a second for an answer, five repetitions, and 10 max-repetitions of snmpbulkwalk's. " +
		"Package remote reads the columns that a netstat.Route holds something of (6 of 11), snmpbulkwalk all. Which datagrams are lost is drawn anew " +
		"for each reading, from the same numbers. A reading that did not end with all rows says so.")
	return nil
}

// overPath measures both over one path.
func (b *bench) overPath(s *section, ns *namespace, a *agent, what string, v3 bool, w way) error {
	var our []walked
	ourNote := ""
	through := func(read func() error) error {
		proxy, err := b.startProxy(ns, w)
		if err != nil {
			return err
		}
		defer proxy.stop()
		return read()
	}
	version := "2c"
	if v3 {
		version = "3"
	}
	for range b.runs {
		err := through(func() error {
			t, read, err := b.reader(ns, "remote-path", "-address", version+"@"+net.JoinHostPort("127.0.0.1", strconv.Itoa(proxyPort)))
			if err == nil {
				our = append(our, read)
				if len(t.Errors) > 0 || t.Rows < pathRoutes {
					ourNote = fmt.Sprintf("%d of %d rows", t.Rows, pathRoutes)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	peer := &quantity{Unit: seconds}
	err := through(func() error {
		args := []string{"-v2c", "-c", community}
		if v3 {
			args = []string{"-v3", "-u", user, "-l", "authPriv", "-a", "SHA-256", "-A", authPassword, "-x", "AES", "-X", privPassword}
		}
		args = ns.inside(append(append([]string{"snmpbulkwalk"}, args...), "-m", "", "-On", "127.0.0.1:"+strconv.Itoa(proxyPort), inetCidrRouteTable)...)
		ctx, cancel := context.WithTimeoutCause(b.ctx, b.peerTimeout, errTooLong)
		defer cancel()
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		start := time.Now()
		err := cmd.Run()
		peer.Value = time.Since(start).Seconds()
		exit := (*exec.ExitError)(nil)
		switch {
		case b.ctx.Err() != nil:
			return context.Cause(b.ctx)
		case ctx.Err() != nil:
			peer.AtLeast = true
		case errors.As(err, &exit):
			peer.Note = "ended before all rows were there"
		case err != nil:
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	q := duration(nil, our...)
	q.Note = ourNote
	f := figure{Case: what, Ours: q}.against(peer)
	s.add(f.reach("all rows, not slower", ourNote == "" && f.Ratio >= 1))
	progress("%s: %v, snmpbulkwalk %v", what, q, peer)
	return nil
}

// startProxy starts a path, and waits until it carries something.
func (b *bench) startProxy(ns *namespace, w way) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	p, err := b.start("proxy", ns.inside(self, "-role", "proxy", "-address", string(spec)))
	if err != nil {
		return nil, err
	}
	c, err := dial(ns, proxyPort, time.Second)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.ready(b.ctx); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return p, nil
}

// proxyRole carries datagrams between the clients at its port and the agent.
func proxyRole(spec string) error {
	runtime.LockOSThread()
	var w way
	if err := json.Unmarshal([]byte(spec), &w); err != nil {
		return err
	}
	p := badpath.Path{Delay: w.Delay, Loss: w.Loss, Longest: w.Longest}
	local := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	_, closing, err := p.Open(local(proxyPort), local(w.Port))
	if err != nil {
		return err
	}
	defer closing()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return nil
}

// remotePathRole reads all routes with the defaults of package remote, by a version, and counts them.
func remotePathRole(spec string) error {
	version, address, _ := strings.Cut(spec, "@")
	c := remote.Config{Address: address, Version: remote.V2c, Community: community}
	if version == "3" {
		c = remote.Config{
			Address: address, Version: remote.V3, SecurityName: user, SecurityLevel: remote.AuthPriv,
			AuthType: remote.AuthSHA256, AuthPassphrase: authPassword, PrivType: remote.PrivAES, PrivPassphrase: privPassword,
		}
	}
	var t told
	ctx := context.Background()
	s, err := remote.Open(ctx, c)
	if err != nil {
		t.Errors = []string{err.Error()}
		return t.print()
	}
	defer s.Close()
	for _, err := range s.Routes(ctx, netstat.RouteQuery{}) {
		if err != nil {
			t.Errors = append(t.Errors, err.Error())
			break
		}
		t.Rows++
	}
	return t.print()
}
